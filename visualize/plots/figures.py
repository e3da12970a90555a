"""Helpers of all plots: figures without a window, colours, panels, and grids of images."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.errors import RendererError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "GREY", "MARKERS", "array", "diverging", "dress", "grid", "matplotlib", "panels"]

COLOURS = (
    "#1f5fa8", "#d1660f", "#2a8f62", "#a83279", "#7a5cc2", "#8a6d0b", "#0b8fa3", "#b3261e", "#555f6b",
)  # fmt: skip
"""Colours that differ in hue and in lightness; the markers help readers who see few hues."""

MARKERS = "os^Dv<>PX*"

GREY = "#5d6773"


def matplotlib(who: str, module: str) -> Any:
    """Import a module of matplotlib when a plot needs it."""
    try:
        return importlib.import_module(f"matplotlib.{module}")
    except ImportError as error:
        raise RendererError(
            f"{who} needs matplotlib, which is not installed: pip install matplotlib"
        ) from error


def panels(
    who: str, count: int = 1, columns: int = 1, width: float = 4.4, height: float = 3.4
) -> tuple[Figure, list[Any]]:
    """A figure with `count` axes, row by row; `who` is the public function that errors name."""
    rows, columns = -(-count // columns), min(columns, count)
    size = width * columns, height * rows
    matplotlib(who, "figure")
    from .plot import Plot  # here, so that `import visualize` does without matplotlib

    figure = Plot(figsize=size, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.09, h_pad=0.09)  # type: ignore[union-attr,call-arg]
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for spare in axes[count:]:
        spare.remove()
    return figure, axes[:count]


def dress(axes: Any) -> None:
    """Leave out all lines but the lower left axes and a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e3e7ec", linewidth=0.8)
    axes.set_axisbelow(True)


def grid(
    who: str,
    images: Any,
    titles: list[str],
    columns: int | None,
    signed: bool,
    heading: str,
    size: float = 0.9,
) -> Figure:
    """Images of shape (n, height, width) side by side, all on one scale, with a colour bar.

    Signed numbers are blue below 0, white at 0 and orange above 0. Others run from white to black.
    """
    columns = columns or min(len(images), max(4, round(len(images) ** 0.5 * 1.4)))
    extra = 0.22 if any(titles) else 0.0
    figure, axes = panels(who, len(images), columns, size, size + extra)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width + 1.1, height + 0.5)
    finite = images[np.isfinite(images)]
    high = float(np.max(np.abs(finite), initial=0.0)) or 1.0
    low = -high if signed else min(0.0, float(np.min(finite, initial=0.0)))
    shades = diverging(who) if signed else "gray_r"
    for one, image, title in zip(axes, images, titles, strict=True):
        shown = one.imshow(image, cmap=shades, vmin=low, vmax=high, interpolation="nearest")
        one.set_xticks([])
        one.set_yticks([])
        one.spines[:].set_color("#c3cad4")
        if title:
            one.set_title(title, fontsize=8, pad=3)
    figure.colorbar(shown, ax=axes, shrink=0.85, aspect=30, pad=0.02)
    if heading:
        figure.suptitle(heading, fontsize=10)
    return figure


def diverging(who: str) -> Any:
    """The colour map of signed numbers: blue below 0, white at 0, orange above 0."""
    colors = matplotlib(who, "colors")
    return colors.LinearSegmentedColormap.from_list("blue-orange", ["#1a54a0", "#ffffff", "#c85200"])


def array(x: Any) -> Any:
    """The entries of a Tensor, array or list as a NumPy array."""
    return np.asarray(x.numpy() if hasattr(x, "numpy") else x)
