"""`enclose`: a function on boxes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tree
from ..aliases import Function
from ..arrays import asarray, unwrap
from ..errors import DataError, DTypeError, ShapeError
from ..guards import refuse_in_transform
from ..recording import no_grad
from ..tensor import Tensor
from ..words.explain import describe
from .interval import Interval
from .kinds import interval

__all__ = ["enclose"]


def enclose(f: Function, lo: Any, hi: Any) -> tuple[Any, Any]:
    """Bounds of f(x) for every x between `lo` and `hi`; rounding errors are inside the bounds.

    Each array of `f` becomes an array of intervals. Each step computes an interval that holds every result,
    and rounds its ends outward. The bounds hold, and may be wide: two uses of one `x` vary independently, so
    x - x has the width of 2 x. Smaller boxes give narrower bounds.

    `ag.enclose(ag.grad(f), lo, hi)` encloses the gradient at every point of the box. A model of `nn` is a
    function too.

    Args:
        f: a function of one argument: an array, or nested tuples, lists and dicts of arrays.
        lo: the lower bounds of the argument, in its structure.
        hi: the upper bounds.

    Returns:
        The lower and the upper bounds of the result, each in the structure of the result, in float64.

    Raises:
        ShapeError: `lo` and `hi` differ in shape or structure.
        DataError: a lower bound is above its upper bound, or a function is not defined on the whole interval,
            as the logarithm of [-1, 1].
        UnsupportedError: an op has no rule for intervals, or a comparison in `if` is not decided; or the call
            is inside of a function that is differentiated, since bounds have no derivative.

    Source:
        R. Moore, R. Kearfott, M. Cloud, "Introduction to Interval Analysis", 2009.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> lower, upper = ag.enclose(lambda x: x * np.sin(x), 1.0, 2.0)
        >>> print(f"{lower:.4f} {upper:.4f}")       # the range itself ends at 0.8415 and 1.8186
        0.8415 2.0000
        >>> lower, upper = ag.enclose(ag.grad(np.tanh), np.float64(-1.0), np.float64(2.0))
        >>> print(f"{lower:.4f} {upper:.4f}")
        0.0707 1.0000
    """
    refuse_in_transform("enclose", "a bound")
    lows, rebuild = tree.flatten(lo)
    highs, _ = tree.flatten(hi)
    if tree.skeleton(lo) != tree.skeleton(hi):
        raise ShapeError(f"enclose: lo is {describe(lo)}, hi is {describe(hi)}; their structures are equal")
    boxes = rebuild([Tensor(_box(a, b)) for a, b in zip(lows, highs, strict=True)])
    with no_grad(), np.errstate(all="ignore"):
        leaves, back = tree.flatten(f(boxes))
    ends = [x if isinstance(x, Interval) else Interval.point(x) for x in map(unwrap, leaves)]
    return back([x.lo[()] for x in ends]), back([x.hi[()] for x in ends])


def _box(lo: Any, hi: Any) -> Interval:
    lo, hi = asarray(unwrap(lo)), asarray(unwrap(hi))
    if lo.dtype.kind not in "biuf" or hi.dtype.kind not in "biuf":
        raise DTypeError(f"enclose: bounds are real numbers, not {describe(lo)} and {describe(hi)}")
    if lo.shape != hi.shape:
        raise ShapeError(f"enclose: lo has shape {lo.shape}, hi {hi.shape}; the shapes must be equal")
    if not np.all(lo <= hi):
        raise DataError("enclose: expected lo <= hi everywhere, and no NaN; are they swapped?")
    return Interval(interval(lo).lo, interval(hi).hi)
