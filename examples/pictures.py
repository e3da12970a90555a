"""How the programs draw: panels, images in a grid, files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from visualize import Graph

Array = npt.NDArray[Any]

BLUE, ORANGE, GREEN, RED, GREY = "#1f5fa8", "#d1660f", "#2b8a3e", "#b3261e", "#8a8f98"
PALE = "#b9c1cb"
COLORS = (BLUE, ORANGE, GREEN, RED, "#7048a8", "#0c8599", "#a8741f", GREY)


def panels(rows: int = 1, columns: int = 1, width: float = 4.2, height: float = 3.4) -> tuple[Figure, Any]:
    """A figure and its axes: a single one, a row, or an array of (rows, columns)."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns)
    for one in np.ravel(axes):
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def beside(width: float, height: float, *ratios: float) -> tuple[Figure, Any]:
    """A figure of parts that stand side by side, as wide as these ratios say; each is a figure in itself."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subfigures(1, len(ratios), width_ratios=ratios)


def tiles(
    axes: Any,
    images: Array,
    columns: int,
    title: str = "",
    cmap: str = "gray_r",
    labels: Sequence[str] = (),
    **limits: Any,
) -> None:
    """Show images of shape (n, height, width), or (n, height, width, 3) in colour, side by side in a grid.

    Each has a thin frame, so that a white image is seen on white, and its label above it, if there are any.
    """
    n, height, width, *colour = images.shape
    gap, head = max(1, width // 12), height // 3 if labels else 0
    down, right = height + gap + head, width + gap
    sheet = np.full(
        (-(-n // columns) * down - gap, columns * right - gap, *colour), 1.0 if colour else np.nan
    )
    for i, image in enumerate(images):
        top, left = i // columns * down + head, i % columns * right
        sheet[top : top + height, left : left + width] = image
        frame = Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor=PALE, linewidth=0.8)
        axes.add_patch(frame).set_clip_on(False)  # half of its line is outside at the edges
        if labels:
            axes.text(left + width / 2 - 0.5, top - 1, labels[i], ha="center", va="bottom", fontsize=8)
    axes.imshow(sheet, cmap=cmap, **limits)
    axes.set_title(title)
    axes.axis("off")


def each_scaled(images: Array) -> Array:
    """Of (n, height, width), each from its darkest entry (0) to its lightest (1)."""
    low, high = (edge(images, axis=(1, 2), keepdims=True) for edge in (np.min, np.max))
    scaled: Array = (images - low) / np.where(high > low, high - low, 1)
    return scaled


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


def save_graph(graph: Graph, path: Path) -> None:
    """Write the picture of a computation, and say where it is."""
    print(f"graph: {graph.save(path)}")


def save(figure: Figure, path: Path) -> None:
    """Write the picture, and say where it is."""
    figure.savefig(path, dpi=110)
    print(f"picture: {path}")
