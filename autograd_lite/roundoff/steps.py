"""The rounding error of one step, in a table by op.

An ulp, the unit in the last place, is the gap between a float and the next one: `np.spacing`. A rounded sum,
product, quotient or square root is off by at most half an ulp. NumPy's elementary functions are off by 1 or 2
in float64: glibc publishes these errors, and NumPy's vector functions stayed below them on a million random
numbers. The ops of this library are off by at most 8. Where the result is a sum of many terms, the error
depends on the size of the terms, not on the size of the result: these ops have a line of their own.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..apply import alias, astype, setitem
from ..arrays import on_host
from ..errors import UnsupportedError
from ..known import Rule, known
from ..node import Node, Op, op_name
from ..ops.elementwise import upright
from ..ops.factors import others
from ..ops.indexing import scatter
from ..ops.norms import direction, power_norm, slope
from ..ops.products import einsum, einsum_view
from ..ops.reductions import kept_shape, log_softmax, logsumexp, softmax
from ..ops.running import diff
from ..ops.statistics import std, var
from ..sums import total

__all__ = ["HALF", "deferror", "error_of", "local_error", "ulps"]

ErrorRule = Callable[..., Any]

CONTRACT = 8.0
"""The ulps of an op without a line that works entry by entry."""

HALF, FEW = 0.5, 4.0
"""The ulps of a rounded result, and of NumPy's elementary functions in float32."""


def elementary(units: float) -> ErrorRule:
    """A function of NumPy's; `units` is its error in float64."""
    return lambda y, *args, **kwargs: (units if y.dtype.itemsize > 4 else FEW) * ulps(y)


ERRORS: dict[Any, float | ErrorRule] = {
    **dict.fromkeys((alias, setitem, operator.getitem, einsum_view, upright), 0.0),
    **dict.fromkeys((np.copy, np.positive, np.negative, np.absolute, np.fabs, np.conjugate), 0.0),
    **dict.fromkeys((np.real, np.imag, np.copysign, np.fmod), 0.0),
    **dict.fromkeys((np.add, np.subtract, np.multiply, np.divide, np.sqrt, np.square), HALF),
    **dict.fromkeys((np.reciprocal, np.remainder, np.ldexp), HALF),
    **dict.fromkeys((np.exp, np.exp2, np.log, np.log2, np.sin, np.cos, np.tan), elementary(1)),
    **dict.fromkeys((np.arcsin, np.arccos, np.arctan, np.arctan2, np.power, np.hypot), elementary(1)),
    **dict.fromkeys((np.expm1, np.log1p, np.log10, np.sinh, np.cosh, np.tanh), elementary(2)),
    **dict.fromkeys((np.arcsinh, np.arccosh, np.arctanh), elementary(2)),
    np.cbrt: elementary(4),
}
"""op -> the error in ulps of the result, or `rule(y, *args, **kwargs)`: the error of each entry of y."""


def deferror(*ops: Op, error: float | ErrorRule) -> None:
    """Say how large the rounding errors of ops are, for `rounding`.

    Args:
        ops: functions of NumPy, or ops of your own.
        error: the largest error, a number of ulps of the result; or `rule(y, *args, **kwargs)`, which
            returns the largest error of each entry of the result y.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.primitive
        ... def doubled(x):
        ...     return 2 * x
        >>> ag.defvjp(doubled, lambda g, y, x: 2 * g)
        >>> ag.roundoff.deferror(doubled, error=0)     # a product with 2 is exact
        >>> ag.rounding(doubled)(0.1).error
        0.0
    """
    ERRORS.update(dict.fromkeys(ops, error))


def ulps(y: Any) -> Any:
    """The gap from each float to the next."""
    return np.spacing(np.abs(y))


def local_error(node: Node) -> Any:
    """The largest rounding error of each entry of a step's result, for exact inputs: see `error_of`."""
    return error_of(node.op, node.value, node.args, node.kwargs or {})


def error_of(op: Any, y: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The largest rounding error of each entry of `y = op(*args, **kwargs)`.

    Raises:
        UnsupportedError: the table has no line for the op, or the result is complex.
    """
    if y.__class__ is tuple:
        raise _unsupported(op, "has several results")
    if not on_host(y):
        raise UnsupportedError(
            f"rounding: a step gives a {type(y).__name__}, whose rounding errors are not known; compute with "
            "NumPy's arrays: write the function without ag.vmap"
        )
    if np.asarray(y).dtype.kind == "c":
        raise _unsupported(op, "has complex results")
    error = ERRORS.get(op)
    if callable(error):
        return error(y, *args, **kwargs)
    if error is None:
        entry: Rule = known[op]
        if entry.flow in ("selects", "moves"):
            error = 0.0
        elif entry.broadcasts or entry.flow == "elementwise":
            error = CONTRACT
        else:
            raise _unsupported(op, "mixes its inputs in its own way, and no line of the table says how")
    return error * ulps(y) if error else np.zeros(())


def _unsupported(op: Any, why: str) -> UnsupportedError:
    name = op_name(op)
    return UnsupportedError(
        f"rounding: {name} {why}; say how large its rounding errors are: "
        f"ag.roundoff.deferror({name}, error=lambda y, *args, **kwargs: ...)"
    )


# -- sums ------------------------------------------------------------------------------------------

BLOCK = 128
"""NumPy adds up to so many entries in 8 interleaved sums; longer lanes are halved first."""


def _length(x: Any, axis: Any) -> int:
    """How many entries are reduced to one."""
    return int(math.prod(np.shape(x)) // max(math.prod(kept_shape(np.shape(x), axis)), 1))


def _additions(x: Any, axis: Any) -> float:
    """The most additions that one entry takes part in: few in a pairwise sum, else one for each entry."""
    n, last = _length(x, axis), np.ndim(x) - 1
    axes = range(last + 1) if axis is None else np.atleast_1d(axis) % max(last + 1, 1)
    if n <= 16 or last not in axes or not np.asarray(x).flags.c_contiguous:
        return max(n - 1, 0)
    rows = n // max(np.shape(x)[last], 1) if axis is not None and len(axes) <= last else 1
    return min(n - 1, BLOCK / 8 + 3 + math.ceil(math.log2(max(n / BLOCK, 1))) + rows - 1)


def _in_halves(n: float) -> float:
    """The most additions of one entry in `total`, which folds every axis: 16 for each factor of 16."""
    return n - 1 if n <= 64 else 64 + 16 * math.log(n, 16)


def _sum(y: Any, x: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, initial: Any = 0) -> Any:
    """A narrower `dtype` rounds each entry too."""
    sizes = np.sum(np.abs(x), axis=axis, keepdims=bool(keepdims)) + abs(initial)
    return HALF * (_additions(x, axis) + (initial != 0) + _narrowed(y, x)) * ulps(sizes.astype(y.dtype))


def _narrowed(y: Any, x: Any) -> bool:
    return bool(np.asarray(x).itemsize > y.itemsize)


def _total(y: Any, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    axes = tuple(axis) if isinstance(axis, (list, range)) else axis
    return HALF * _in_halves(_length(x, axes)) * ulps(np.sum(np.abs(x), axis=axes, keepdims=bool(keepdims)))


def _mean(y: Any, x: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    n = max(_length(x, axis), 1)
    return _sum(y, x, axis, keepdims=keepdims) / n + HALF * ulps(y)


def _cumsum(y: Any, x: Any, axis: Any = None, dtype: Any = None) -> Any:
    return HALF * (_length(x, axis) - 1 + _narrowed(y, x)) * ulps(np.cumsum(np.abs(x), axis).astype(y.dtype))


def _prod(y: Any, x: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
    return HALF * (1 + _narrowed(y, x)) * _length(x, axis) * ulps(y)


def _others(y: Any, x: Any, *along: Any) -> Any:
    if along:
        raise _unsupported(others, "adds up products in its second derivative")
    return HALF * len(x) * ulps(y)


def _scatter(y: Any, g: Any, index: Any, shape: Any) -> Any:
    """Entries with one index are added up."""
    counts = scatter(np.ones_like(g), index, shape)
    return HALF * np.maximum(counts - 1, 0) * ulps(scatter(np.abs(g), index, shape))


def _diff(y: Any, x: Any, n: int = 1, axis: int = -1) -> Any:
    """The differences of differences: each order doubles the errors of the one before."""
    return HALF * (ulps(y) if n == 1 else n * 2**n * ulps(np.max(np.abs(x), axis=axis, keepdims=True)))


# -- sums of products: n products and n - 1 additions, in any order -----------------------------------


def _matmul(y: Any, a: Any, b: Any) -> Any:
    return HALF * np.shape(a)[-1] * ulps(np.matmul(np.abs(a), np.abs(b)))


def _einsum(y: Any, subscripts: str, *arrays: Any, optimize: Any = False) -> Any:
    inputs, out = subscripts.split("->")
    sizes: dict[str, int] = {}
    for term, x in zip(inputs.split(","), arrays, strict=True):
        for letter, size in zip(term, np.shape(x), strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    n = math.prod(size for letter, size in sizes.items() if letter not in out)
    terms = n * len(sizes) if optimize else n  # a path of several products adds in each
    return HALF * (terms + len(arrays) - 2) * ulps(np.einsum(subscripts, *map(np.abs, arrays)))


def _convolve(y: Any, a: Any, v: Any, mode: Any = "full") -> Any:
    return HALF * min(np.size(a), np.size(v)) * ulps(np.convolve(np.abs(a), np.abs(v), mode))


# -- other reductions --------------------------------------------------------------------------------


def _var(y: Any, x: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, **kwargs: Any) -> Any:
    """The error of the mean counts with its square, since deviations from the mean add up to 0."""
    n = _additions(x, axis)
    off = (HALF * n + 1) * ulps(np.max(np.abs(x), axis=axis, keepdims=kwargs.get("keepdims", False)))
    return (HALF * n + 4) * ulps(y) + off * off


def _std(y: Any, x: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, **kwargs: Any) -> Any:
    n = _additions(x, axis)
    off = (HALF * n + 1) * ulps(np.max(np.abs(x), axis=axis, keepdims=kwargs.get("keepdims", False)))
    return (HALF * n + 4) * ulps(y) + np.minimum(off, off * off / (2 * np.maximum(y, np.finfo(float).tiny)))


def _along(y: Any, x: Any, axis: Any = None, **kwargs: Any) -> Any:
    """A sum of positive terms, and functions of it."""
    return (CONTRACT + HALF * _in_halves(_length(x, axis))) * ulps(y)


def _logsumexp(y: Any, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """The largest entry, plus a logarithm that may cancel it."""
    size = np.maximum(np.max(np.abs(x), axis=axis, keepdims=bool(keepdims)), np.abs(y))
    return (CONTRACT + HALF * _in_halves(_length(x, axis))) * ulps(np.maximum(size, 1))


def _of_largest(units: float, floor: float = 0.0) -> ErrorRule:
    """The error is in ulps of the largest operand, or of `floor`: operands may cancel."""

    def rule(y: Any, *args: Any, **kwargs: Any) -> Any:
        floats = [np.abs(x) for x in args if np.asarray(x).dtype.kind == "f"]
        numbers = [np.fmax.reduce(x, axis=None, initial=0) for x in floats]  # not NaN, which some ops skip
        return units * np.maximum(ulps(y), ulps(np.asarray(max(numbers, default=0) or floor, y.dtype)))

    return rule


def _quantile(y: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """The place between two entries is computed in the dtype of x, and off by up to n ulps."""
    low, high = (f.reduce(np.asarray(x), axis=None, initial=0) for f in (np.fmin, np.fmax))
    return (FEW + HALF * np.size(x)) * ulps(high - low) + FEW * ulps(y)


# -- linear algebra: to first order, with the inverse of the matrix -------------------------------------


def _gauss(y: Any, a: Any, b: Any) -> Any:
    """|A^-1| (3 n u |L| |U|) |x| of Gaussian elimination, with |L| |U| up to n |A|."""
    n = np.shape(a)[-1]
    x = np.expand_dims(y, -1) if np.ndim(b) == 1 else y
    size = np.abs(np.linalg.inv(a)) @ (np.abs(a) @ np.abs(x))
    size = size[..., 0] if np.ndim(b) == 1 else size
    return 3 * n * n * HALF * ulps(size)


def _inv(y: Any, a: Any) -> Any:
    n = np.shape(a)[-1]
    return 3 * n * n * HALF * ulps(np.abs(y) @ np.abs(a) @ np.abs(y))


def _det(y: Any, a: Any) -> Any:
    n = np.shape(a)[-1]
    size = np.sum(np.abs(np.linalg.inv(a)) * np.swapaxes(np.abs(a), -1, -2), axis=(-2, -1))
    return n * n * HALF * ulps(y) * np.maximum(size, 1)


deferror(np.sum, error=_sum)
deferror(total, error=_total)
deferror(np.mean, error=_mean)
deferror(np.cumsum, error=_cumsum)
deferror(np.prod, np.cumprod, error=_prod)
deferror(others, error=_others)
deferror(scatter, error=_scatter)
deferror(diff, error=_diff)
deferror(np.matmul, error=_matmul)
deferror(einsum, error=_einsum)
deferror(np.convolve, error=_convolve)
deferror(var, error=_var)
deferror(std, error=_std)
deferror(power_norm, direction, slope, softmax, log_softmax, error=_along)
deferror(logsumexp, error=_logsumexp)
deferror(np.logaddexp, np.logaddexp2, error=_of_largest(CONTRACT, 1.0))
deferror(np.linspace, error=_of_largest(2.0))
deferror(np.median, np.nanmedian, error=_of_largest(FEW))
deferror(np.quantile, np.percentile, np.nanquantile, np.nanpercentile, error=_quantile)
deferror(np.unwrap, error=_of_largest(CONTRACT, 2 * math.pi))
deferror(np.sinc, error=lambda y, x: FEW * (ulps(y) + ulps(np.ones_like(y))))
deferror(np.linalg.solve, error=_gauss)
deferror(np.linalg.inv, error=_inv)
deferror(np.linalg.det, error=_det)
deferror(astype, error=lambda y, x, dtype, **options: HALF * ulps(y) * _narrowed(y, x))
