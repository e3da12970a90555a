"""How the programs draw: panels, images in a grid, files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

Array = npt.NDArray[Any]

BLUE, ORANGE, GREEN, RED, GREY = "#1f5fa8", "#d1660f", "#2b8a3e", "#b3261e", "#8a8f98"
COLORS = (BLUE, ORANGE, GREEN, RED, "#7048a8", "#0c8599", "#a8741f", GREY)


def panels(rows: int = 1, columns: int = 1, width: float = 4.2, height: float = 3.4) -> tuple[Figure, Any]:
    """A figure and its axes: a single one, a row, or an array of (rows, columns)."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns)
    for one in np.ravel(axes):
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def tiles(
    axes: Any, images: Array, columns: int, title: str = "", cmap: str = "gray_r", **limits: Any
) -> None:
    """Show images of shape (n, height, width), or (n, height, width, 3) in colour, side by side in a grid."""
    n, height, width, *colour = images.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, *colour), 1.0 if colour else np.nan)
    for i, image in enumerate(images):
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        sheet[top : top + height, left : left + width] = image
    axes.imshow(sheet, cmap=cmap, **limits)
    axes.set_title(title)
    axes.axis("off")


def mistakes(probabilities: Array, y: Array) -> Array:
    """Which samples are read as another class than y, those first of which the model is surest."""
    read = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(read != y)
    return wrong[np.argsort(-probabilities[wrong, read[wrong]])]


def gallery(axes: Any, images: Array, titles: Iterable[str], fontsize: int) -> None:
    """Show images of shape (n, height, width), each in axes of its own and with its title."""
    for one in axes.flat:
        one.axis("off")
    for one, image, title in zip(axes.flat, images, titles, strict=False):
        one.imshow(image, cmap="gray_r")
        one.set_title(title, fontsize=fontsize)


def save(figure: Figure, path: Path) -> None:
    """Write the picture, and say where it is."""
    figure.savefig(path, dpi=110)
    print(f"picture: {path}")
