"""Plots of functions: activations with their derivatives, and the decision regions of a classifier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import DataError, DTypeError, OptionError

from .figures import COLOURS, GREY, MARKERS, array, dress, matplotlib, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["activation_functions", "decision_regions"]


def activation_functions(
    functions: Mapping[str, Callable[[Any], Any]] | Iterable[Callable[[Any], Any]],
    low: float = -5.0,
    high: float = 5.0,
    columns: int = 3,
) -> Figure:
    """Plot functions of one number, each with its derivative by automatic differentiation.

    Args:
        functions: a dict of functions by name, or a list of functions and modules.
        low, high: the ends of the axis.
        columns: the number of panels side by side.

    Raises:
        DTypeError: no function is given, or a function is not differentiable.
        RendererError: matplotlib is not installed.

    Example:
        >>> figure = activation_functions([np.tanh, ag.relu])
        >>> [axes.get_title() for axes in figure.axes]
        ['tanh', 'relu']
    """
    if not isinstance(functions, Mapping):
        functions = {getattr(f, "__name__", type(f).__name__): f for f in functions}
    if not functions or not all(map(callable, functions.values())):
        raise DTypeError(
            "activation_functions: expected functions, as in activation_functions([np.tanh, ag.relu])"
        )
    # With an even number of points none lies at 0, where many activations have a kink.
    points = np.linspace(low, high, 1000)
    figure, panes = panels("activation_functions", len(functions), columns, 3.2, 2.6)
    for axes, (name, f) in zip(panes, functions.items(), strict=True):
        axes.axhline(0, color="#c3cad4", linewidth=0.8)
        axes.axvline(0, color="#c3cad4", linewidth=0.8)
        axes.plot(points, array(f(ag.Tensor(points))), color=COLOURS[0], linewidth=1.8, label="f(x)")
        slope = ag.grad(lambda x, f=f: np.sum(f(x)))(points)
        axes.plot(points, slope, color=COLOURS[1], linewidth=1.5, linestyle="--", label="f′(x)")
        axes.set_title(name, fontsize=10)
        dress(axes)
    panes[0].legend(frameon=False, fontsize=8)
    return figure


def decision_regions(
    model: Callable[[Any], Any],
    X: Any,
    y: Any,
    *,
    names: Sequence[str] | None = None,
    threshold: float = 0.0,
    resolution: int = 200,
) -> Figure:
    """Plot the class that a classifier predicts at each point of the plane, and the data.

    A red ring marks each wrong prediction.

    Args:
        model: takes an array of shape (n, 2). It returns scores of shape (n, classes), whose largest counts;
            or scores of shape (n,) or (n, 1), where those above `threshold` are class 1; or classes, as
            integers of shape (n,).
        X: points, of shape (n, 2).
        y: the classes of the points, integers of shape (n,).
        names: the names of the classes.
        threshold: 0 for logits, 0.5 for probabilities.
        resolution: the number of points along each axis.

    Raises:
        DataError: `X` or `y` has another shape or dtype.
        OptionError: there are fewer names than classes.
        RendererError: matplotlib is not installed.

    Example:
        >>> X, y = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0, 1])
        >>> figure = decision_regions(lambda X: X.sum(axis=1) - 1, X, y, resolution=20)
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['0', '1']
    """
    X, y = array(X), array(y)
    if X.ndim != 2 or X.shape[1] != 2 or y.shape != X.shape[:1] or y.dtype.kind not in "iub" or not len(X):
        raise DataError(
            f"decision_regions: points of shape {X.shape} and classes {y.dtype} of shape {y.shape}; expected "
            "points of shape (n, 2) and n integers: decision_regions(model, X[:, :2], y)"
        )
    y = y.astype(int)
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.08 * np.where(high > low, high - low, 1.0)
    ticks = [np.linspace(a - m, b + m, resolution) for a, b, m in zip(low, high, margin, strict=True)]
    X = X.astype(X.dtype if X.dtype.kind == "f" else float)
    plane = np.stack([t.ravel() for t in np.meshgrid(*ticks)], axis=1).astype(X.dtype)
    with ag.no_grad():
        said, wrong = _classes(model(plane), threshold), _classes(model(X), threshold) != y
    classes = np.union1d(said, y)
    if names is not None and len(names) <= classes.max():
        raise OptionError(f"decision_regions: expected {classes.max() + 1} names, got {len(names)}")
    figure, (axes,) = panels("decision_regions", width=5.0, height=4.2)
    _paint_regions(axes, ticks, said.reshape(resolution, resolution), classes)
    _mark_points(axes, X, y, wrong, classes, names)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("x₁")
    axes.set_ylabel("x₂")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _paint_regions(axes: Any, ticks: list[Any], said: Any, classes: Any) -> None:
    """A pale region for each class, with a line between regions."""
    colors = matplotlib("decision_regions", "colors")
    fills = colors.ListedColormap([_pale(COLOURS[c % len(COLOURS)]) for c in classes])
    region = np.searchsorted(classes, said)
    axes.pcolormesh(*ticks, region, cmap=fills, vmin=-0.5, vmax=len(classes) - 0.5, rasterized=True)
    for k in range(1, len(classes)):
        axes.contour(*ticks, region >= k, levels=[0.5], colors=GREY, linewidths=0.8)


def _mark_points(axes: Any, X: Any, y: Any, wrong: Any, classes: Any, names: Sequence[str] | None) -> None:
    """The data by class, with a ring around each wrong prediction."""
    for c in classes:
        axes.scatter(
            *X[y == c].T, s=22, color=COLOURS[c % len(COLOURS)], marker=MARKERS[c % len(MARKERS)],
            edgecolor="white", linewidth=0.6, label=names[c] if names else str(c),
        )  # fmt: skip
    if wrong.any():
        ring = {"s": 70, "facecolor": "none", "edgecolor": "#b3261e", "linewidth": 1.3}
        axes.scatter(*X[wrong].T, **ring, label=f"{wrong.sum()} wrong")


def _classes(output: Any, threshold: float) -> Any:
    output = array(output)
    if output.ndim == 2 and output.shape[1] > 1:
        return output.argmax(axis=1)
    output = output.reshape(len(output))
    return output.astype(int) if output.dtype.kind in "iub" else (output > threshold).astype(int)


def _pale(colour: str) -> str:
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - 0.25 * (255 - c)):02x}" for c in (r, g, b))
