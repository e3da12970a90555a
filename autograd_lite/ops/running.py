"""Functions along an axis, in order: running sums and products, differences, slopes, areas."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..apply import primitive
from ..arrays import asarray, shape_of, zeros
from ..errors import AxisError
from ..known import Composition, defvjp, known
from .factors import pulled

__all__: list[str] = []

# -- running sums and products ---------------------------------------------------------------------


def _cumsum(g: Any, y: Any, x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """A running sum of g from the other end, since each entry adds to all later sums.

    np.cumsum adds one by one, so it runs in double precision.
    """
    k = 0 if axis is None else axis
    sums = np.cumsum(np.flip(g, k), axis=k, dtype=np.result_type(g.dtype, np.float64))
    return np.reshape(np.flip(sums, k), x.shape)


def _cumprod(g: Any, y: Any, x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """For each entry the product of the entries before it, times the cotangents of the later products."""
    k = axis or 0
    back = pulled(np.moveaxis(g, k, 0), np.moveaxis(np.reshape(x, y.shape), k, 0))
    return np.reshape(np.moveaxis(back, 0, k), x.shape)


defvjp(np.cumsum, _cumsum, flow="moves")
defvjp(np.cumprod, _cumprod)

known[np.nancumsum] = Composition(
    lambda a, axis=None, dtype=None: np.cumsum(np.where(np.isnan(a), 0, a), axis=axis, dtype=dtype)
)
known[np.nancumprod] = Composition(
    lambda a, axis=None, dtype=None: np.cumprod(np.where(np.isnan(a), 1, a), axis=axis, dtype=dtype)
)


def _cumulative(op: Any, first: float) -> Any:
    """The array API's running sum or product; it may begin with the sum or product of no entries."""

    def cumulative(
        x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Any:
        ndim = len(shape_of(x))
        if axis is None:
            if ndim != 1:
                raise ValueError(f"an array of {ndim} axes needs an axis: axis=...")
            axis = 0
        y = op(x, axis=axis, dtype=dtype)
        if not include_initial:
            return y
        begin = zeros(_with_size(y.shape, axis, 1), like=y) + y.dtype.type(first)
        return np.concatenate([begin, y], axis=axis)

    return cumulative


def _with_size(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    """A shape with another size along one axis."""
    axis %= len(shape)
    return (*shape[:axis], size, *shape[axis + 1 :])


if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    known[np.cumulative_sum] = Composition(_cumulative(np.cumsum, 0))
    known[np.cumulative_prod] = Composition(_cumulative(np.cumprod, 1))

# -- differences -----------------------------------------------------------------------------------


@primitive
def diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    """numpy.diff without `prepend` and `append`."""
    return np.diff(x, n=n, axis=axis)


def _diff_rule(g: Any, y: Any, x: Any, n: int = 1, axis: int = -1) -> Any:
    """The adjoint of a difference is minus the difference of g between zeros."""
    for _ in range(min(n, x.shape[axis])):
        zero = zeros(_with_size(g.shape, axis, 1), like=g)
        g = -diff(np.concatenate([zero, g, zero], axis=axis), axis=axis)
    return g


defvjp(diff, _diff_rule)


def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Any:
    """Differences with `prepend` and `append`; a single number is repeated along the other axes."""
    if prepend is not np._NoValue or append is not np._NoValue:
        shape = shape_of(a)
        ends = [
            np.broadcast_to(end, _with_size(shape, axis, 1)) if not shape_of(end) else end
            for end in (prepend, append)
            if end is not np._NoValue
        ]
        at = 1 if prepend is not np._NoValue else 0
        a = np.concatenate([*ends[:at], a, *ends[at:]], axis=axis)
    return diff(a, n=n, axis=axis)


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of the flattened array, between `to_begin` and `to_end` in the same dtype."""
    ary = np.reshape(ary, -1)
    ends = [None if end is None else np.reshape(end, -1).astype(ary.dtype) for end in (to_begin, to_end)]
    return np.concatenate([part for part in (ends[0], diff(ary), ends[1]) if part is not None])


known[np.diff] = Composition(_diff)
known[np.ediff1d] = Composition(_ediff1d)

# -- slopes and areas ------------------------------------------------------------------------------


def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Slopes along each axis by differences, of second order inside and of `edge_order` at the ends."""
    shape = shape_of(f)
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if any(not -len(shape) <= i < len(shape) for i in axes):
        raise AxisError(f"gradient: an array of shape {shape} has no axis {axis}")
    if len(varargs) not in (0, 1, len(axes)) or (len(varargs) == 1 < len(axes) and shape_of(varargs[0])):
        raise TypeError(f"{len(varargs)} spacings for {len(axes)} axes; give one number, or one for each")
    if edge_order not in (1, 2):
        raise ValueError(f"edge_order={edge_order}; expected 1 or 2")
    spacings = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    slopes = tuple(_slope(f, h, i % len(shape), edge_order) for h, i in zip(spacings, axes, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Slopes along one axis, for one spacing or for the coordinates of all entries."""
    f = np.moveaxis(asarray(f), axis, 0)
    f = f if f.dtype.kind in "fc" else f + 0.0
    n = len(f)
    if n < edge_order + 1:
        raise ValueError(f"an axis of size {n}; expected at least edge_order + 1 = {edge_order + 1}")
    if shape_of(h):
        if shape_of(h) != (n,):
            raise ValueError(f"coordinates of shape {shape_of(h)} along an axis of size {n}; expected ({n},)")
        h = np.reshape(diff(h), (n - 1, *[1] * (f.ndim - 1)))
        h1, h2 = h[:-1], h[1:]
        left, right = h[:1], h[-1:]
    else:
        h1 = h2 = left = right = h
    # a is the slope of one interval, b the slope of the next.
    s = (f[1:] - f[:-1]) / h
    a, b = s[:-1], s[1:]
    inside = (a * h2 + b * h1) / (h1 + h2)
    first, last = s[:1], s[-1:]
    if edge_order == 2:
        first = first + (first - s[1:2]) * left / (left + (h if h is left else h[1:2]))
        last = last + (last - s[-2:-1]) * right / (right + (h if h is right else h[-2:-1]))
    return np.moveaxis(np.concatenate([first, inside, last]).astype(f.dtype), 0, axis)


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The area under a polygon: the sum of widths times mean heights."""
    y = asarray(y)
    axis = normalize_axis_index(axis, y.ndim)
    if x is not None:
        dx = diff(x, axis=-1 if len(shape_of(x)) == 1 else axis)
        dx = np.reshape(dx, (-1, *[1] * (y.ndim - axis - 1))) if dx.ndim == 1 else dx
    before = (slice(None),) * axis
    heights = y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]
    return np.sum(dx * heights / 2, axis=axis)


known[np.gradient] = Composition(_gradient)
known[np.trapezoid] = Composition(_trapezoid)
