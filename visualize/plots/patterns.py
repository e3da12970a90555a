"""The plot of a sparsity pattern, with the colours by which few products tell all entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.errors import DataError

from .figures import COLOURS, array, matplotlib, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["sparsity"]

MOST_CELLS = 240
"""A longer matrix is drawn by the share of nonzeros in blocks."""


def sparsity(x: Any) -> Figure:
    """Plot where a matrix may be nonzero; entries that one product computes have one colour.

    A long matrix is cut into blocks: the darker a block, the more nonzeros it has.

    Args:
        x: what `ag.sparse_jacobian(f)` or `ag.sparse_hessian(f)` returns, after its first call; its
            `pattern`; a sparse matrix of SciPy's; or a matrix.

    Raises:
        DataError: `x` is no matrix, or has no pattern yet.
        RendererError: matplotlib is not installed.

    Example:
        >>> figure = sparsity(np.eye(3) + np.eye(3, k=1))
        >>> figure.axes[0].get_title()
        '3 x 3, 5 nonzeros'
    """
    pattern = getattr(x, "pattern", x)
    if pattern is None:
        raise DataError("sparsity: the derivative has no pattern yet; call it, or derivative.prepare(x)")
    matrix = getattr(pattern, "matrix", pattern)
    if not hasattr(matrix, "tocoo"):
        matrix = array(matrix)
    if len(matrix.shape) != 2 or 0 in matrix.shape:
        raise DataError(f"sparsity: an array of shape {matrix.shape}; expected a matrix")
    if hasattr(matrix, "tocoo"):
        entries = matrix.tocoo()
        rows, columns = entries.row, entries.col
    else:
        rows, columns = np.nonzero(matrix)
    figure, (axes,) = panels("sparsity", width=4.8, height=4.6)
    title = f"{matrix.shape[0]} x {matrix.shape[1]}, {len(rows)} nonzeros"
    if max(matrix.shape) > MOST_CELLS:
        image = _blocks(rows, columns, matrix.shape)
        high, width = matrix.shape
        extent = (-0.5, width - 0.5, high - 0.5, -0.5)
        axes.imshow(image, cmap="Blues", vmin=0, extent=extent, interpolation="nearest", aspect="auto")
    else:
        axes.imshow(_cells(pattern, rows, columns, matrix.shape), interpolation="nearest")
    if hasattr(pattern, "colours"):
        what = "rows and columns" if pattern.by == "both" else pattern.by
        title += f"\n{pattern.count} colours of {what}"
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("input")
    axes.set_ylabel("output")
    return figure


def _cells(pattern: Any, rows: Any, columns: Any, shape: tuple[int, ...]) -> Any:
    """Each nonzero in the colour of its row or column, on white."""
    rgb = np.array([matplotlib("sparsity", "colors").to_rgb(name) for name in COLOURS])
    image = np.ones((*shape, 3))
    if hasattr(pattern, "colours"):
        own = pattern.colours[rows if pattern.by == "rows" else columns]
    else:
        own = np.zeros(len(rows), int)
    image[rows, columns] = rgb[own % len(rgb)]
    return image


def _blocks(rows: Any, columns: Any, shape: tuple[int, ...]) -> Any:
    """The share of nonzeros in each block; its root, so that few are seen."""
    counts = [min(n, MOST_CELLS) for n in shape]
    edges = [np.linspace(-0.5, n - 0.5, count + 1) for n, count in zip(shape, counts, strict=True)]
    found = np.histogram2d(rows, columns, edges)[0]
    return np.sqrt(found / np.outer(*(np.diff(edge) for edge in edges)))
