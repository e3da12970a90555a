"""A plot of the loss over two directions, with the paths of optimizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import DataError, DTypeError

from .figures import COLOURS, MARKERS, array, matplotlib, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["loss_surface"]


def loss_surface(
    loss: Callable[[Any], Any],
    paths: Mapping[str, Any],
    directions: tuple[Any, Any] | None = None,
    resolution: int = 60,
) -> Figure:
    """Plot contour lines of the loss along two directions, with the paths of optimizers.

    Args:
        loss: takes one point, an array of shape (n,), and returns a number. For a model, e.g.
            `lambda p: evaluate(nn.utils.vector_to_parameters(p, model.parameters()))`.
        paths: for each optimizer's name the points of its path, of shape (steps, n).
        directions: two arrays of shape (n,). Default for n = 2: the axes. Default for larger n: the first two
            principal components of the paths (Li et al., 2018); movement in other directions is not visible.
        resolution: the number of points along each axis at which the loss is computed.

    Raises:
        DTypeError: `paths` is not a mapping from names to points.
        DataError: the points differ in length, or have only one coordinate.
        RendererError: matplotlib is not installed.

    Source:
        H. Li et al., "Visualizing the loss landscape of neural nets", 2018.

    Example:
        >>> paths = {"SGD": [[2.0, 1.0], [1.0, 0.5], [0.5, 0.2]]}
        >>> figure = loss_surface(lambda p: p[0] ** 2 + 4 * p[1] ** 2, paths, resolution=20)
        >>> figure.axes[0].get_xlabel()
        'first parameter'
    """
    from tqdm import tqdm  # here, so that `import visualize` is fast

    walks = _points(paths)
    points = np.concatenate(list(walks.values()))
    plain = points.shape[1] == 2 and directions is None
    centre = np.zeros(2) if plain else points.mean(axis=0)
    basis = _basis(points - centre, directions) if not plain else np.eye(2)
    flat = {name: (walk - centre) @ np.linalg.pinv(basis) for name, walk in walks.items()}
    ticks = _ticks(np.concatenate(list(flat.values())), resolution)
    with ag.no_grad(), np.errstate(all="ignore"):
        heights = np.array(
            [
                [float(loss(centre + np.array([a, b]) @ basis)) for a in ticks[0]]
                for b in tqdm(ticks[1], "loss surface", unit="row", leave=False, disable=None)
            ]
        )
    figure, (axes,) = panels("loss_surface", width=5.8, height=4.4)
    shown = _landscape(axes, ticks, heights)
    _walks(axes, flat)
    kind = "parameter" if plain else "direction"
    axes.set_xlabel(f"first {kind}")
    axes.set_ylabel(f"second {kind}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=True, framealpha=0.85, edgecolor="none", fontsize=8)
    figure.colorbar(shown, ax=axes, label="loss", format="%.3g")
    return figure


def _points(paths: Mapping[str, Any]) -> dict[str, Any]:
    """The points of each path, as one array (steps, n)."""
    if not isinstance(paths, Mapping) or not paths:
        raise DTypeError(
            "loss_surface: expected paths by name: loss_surface(loss, {'SGD': [[2.0, 1.0], [1.0, 0.5]]})"
        )
    walks = {name: np.asarray(array(path), float) for name, path in paths.items()}
    shapes = {walk.shape[1:] for walk in walks.values()}
    if len(shapes) != 1 or any(w.ndim != 2 or w.shape[1] < 2 or not len(w) for w in walks.values()):
        raise DataError(
            f"loss_surface: paths of shapes {', '.join(str(w.shape) for w in walks.values())}; expected "
            "(steps, n) with the same n of 2 or more: np.stack(points)"
        )
    return walks


def _ticks(inside: Any, resolution: int) -> list[Any]:
    """The ticks of both axes, with a margin around the points."""
    low, high = inside.min(axis=0), inside.max(axis=0)
    margin = 0.25 * np.maximum(high - low, 0.2 * float(np.max(high - low)) or 1.0)
    return [np.linspace(a - m, b + m, resolution) for a, b, m in zip(low, high, margin, strict=True)]


def _landscape(axes: Any, ticks: list[Any], heights: Any) -> Any:
    levels = _levels(heights)
    norm = matplotlib("loss_surface", "colors").BoundaryNorm(levels, 256)
    shown = axes.contourf(*ticks, heights, levels=levels, cmap="Blues", norm=norm, alpha=0.75)
    axes.contour(*ticks, heights, levels=levels, colors="white", linewidths=0.5)
    return shown


def _walks(axes: Any, flat: Mapping[str, Any]) -> None:
    """A line for each path, a star at its end, and a dot at the start of the first."""
    for i, (name, walk) in enumerate(flat.items()):
        colour = COLOURS[(i + 1) % len(COLOURS)]
        axes.plot(
            *walk.T, color=colour, linewidth=1.5, marker=MARKERS[i % len(MARKERS)], markersize=3.5,
            markevery=max(1, len(walk) // 20), label=name,
        )  # fmt: skip
        axes.plot(*walk[-1], color=colour, marker="*", markersize=12, markeredgecolor="white")
    start = next(iter(flat.values()))[0]
    axes.plot(*start, color="#1b2027", marker="o", markersize=7, linestyle="none", label="start")


def _basis(centred: Any, directions: tuple[Any, Any] | None) -> Any:
    """Two directions, as rows."""
    if directions is None:
        return np.linalg.svd(centred, full_matrices=True)[2][:2]
    vectors = [np.asarray(array(d), float) for d in directions]
    shapes, expected = [v.shape for v in vectors], centred.shape[1:]
    if shapes != [expected, expected]:
        said = " and ".join(map(str, shapes))
        raise DataError(f"loss_surface: directions of shape {said}; expected two arrays of shape {expected}")
    return np.stack(vectors)


def _levels(heights: Any) -> Any:
    """Thirteen levels, closer together near the minimum."""
    finite = heights[np.isfinite(heights)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return low + (high - low or 1.0) * np.linspace(0, 1, 13) ** 3
