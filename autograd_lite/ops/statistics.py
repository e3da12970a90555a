"""Statistics: averages, variances, order statistics, covariances."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import asarray, dtype_of, empty, ones, shape_of, some, to_host, unwrap
from ..known import Composition, defvjp, known, refuse
from ..sums import narrowed, total, widened
from ..tensor import Tensor
from .indexing import scatter
from .reductions import count, kept_shape, spread

__all__: list[str] = []

# -- variance and standard deviation ---------------------------------------------------------------


def deviations(x: Any, axis: Any, skip_nan: bool) -> Any:
    """x minus its mean, in full precision for nearly constant data, and 0 for constant data.

    The mean itself would be rounded. So the largest entry is subtracted first, and then the mean of the
    differences.
    """
    x = widened(x)
    raw = unwrap(x)
    nearby = x - np.fmax.reduce(raw, axis=axis, keepdims=True, initial=-np.inf, dtype=raw.dtype)
    entries = np.where(np.isnan(raw), 0, nearby) if skip_nan else nearby
    return nearby - total(entries, axis, keepdims=True) / _freedom(x, axis, 0, skip_nan)


def _freedom(x: Any, axis: Any, ddof: float, skip_nan: bool) -> Any:
    """The number of entries minus `ddof`, in the shape of a reduction with keepdims; NaN unless positive."""
    raw = unwrap(x)
    entries: Any = np.full(kept_shape(raw.shape, axis), count(raw.shape, axis))
    if skip_nan:
        entries = np.sum(~np.isnan(raw), axis=axis, keepdims=True)
    return np.where(entries > ddof, entries - ddof, np.nan).astype(np.result_type(raw.real.dtype, np.float32))


@primitive
def var(
    x: Any,
    axis: Any = None,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    skip_nan: bool = False,
) -> Any:
    """numpy.var or numpy.nanvar."""
    return (np.nanvar if skip_nan else np.var)(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


@primitive
def std(
    x: Any,
    axis: Any = None,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    skip_nan: bool = False,
) -> Any:
    """numpy.std or numpy.nanstd."""
    return (np.nanstd if skip_nan else np.std)(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def _var(
    g: Any,
    y: Any,
    x: Any,
    axis: Any = None,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    skip_nan: bool = False,
) -> Any:
    """2 (x - mean) / (n - ddof)."""
    slope = deviations(x, axis, skip_nan) * (2 / _freedom(x, axis, ddof, skip_nan))
    gx = spread(g, x.shape, axis, keepdims) * slope
    return np.where(np.isnan(unwrap(x)), 0, gx) if skip_nan else gx


def _std(
    g: Any,
    y: Any,
    x: Any,
    axis: Any = None,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    skip_nan: bool = False,
) -> Any:
    """(x - mean) / ((n - ddof) std), and 0 for constant data.

    The deviations are scaled by a power of 2, so that the largest is near 1 and their squares neither
    overflow nor vanish.
    """
    free = _freedom(x, axis, ddof, skip_nan)
    d = deviations(x, axis, skip_nan)
    size = np.abs(unwrap(d))
    largest = np.fmax.reduce(size, axis=axis, keepdims=True, initial=0, dtype=size.dtype)
    limits = np.finfo(size.dtype)
    exponent = np.clip(np.frexp(largest)[1], limits.minexp, limits.maxexp - 1)
    d = d / np.ldexp(size.dtype.type(1), exponent)
    squares = np.real(d * np.conjugate(d))
    if skip_nan:
        squares = np.where(np.isnan(unwrap(x)), 0, squares)
    variance = total(squares, axis, keepdims=True) / free
    slope = np.where(largest == 0, 0, d / (free * np.sqrt(np.where(largest == 0, 1, variance))))
    gx = spread(g, x.shape, axis, keepdims) * slope
    return np.where(np.isnan(unwrap(x)), 0, gx) if skip_nan else gx


defvjp(var, _var, plain=True)
defvjp(std, _std, plain=True)


def _moment(op: Any, skip_nan: bool) -> Callable[..., Any]:
    """NumPy's var, std, nanvar or nanstd; a given mean is an input of the result too."""

    def moment(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        *,
        ddof: float = 0,
        keepdims: bool = False,
        mean: Any = None,
        correction: float | None = None,
    ) -> Any:
        if correction is not None:
            if ddof:
                raise ValueError("ddof and correction are the same; give one of them")
            ddof = correction
        if mean is None:
            return op(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, skip_nan=skip_nan)
        d = widened(a - mean)
        d = np.where(np.isnan(unwrap(a)), 0, d) if skip_nan else d
        square = np.sum(np.real(d * np.conjugate(d)), axis=axis, dtype=dtype, keepdims=True)
        result = square / _freedom(a, axis, ddof, skip_nan)
        if op is std:
            result = np.where(unwrap(result) == 0, 0, np.sqrt(result))
        result = narrowed(result, a) if dtype is None else result
        return result if keepdims else np.squeeze(result, axis=axis)

    return moment


known[np.var] = Composition(_moment(var, False))
known[np.std] = Composition(_moment(std, False))
known[np.nanvar] = Composition(_moment(var, True))
known[np.nanstd] = Composition(_moment(std, True))

# -- averages --------------------------------------------------------------------------------------


def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """sum(w a) / sum(w), with sum(w) if `returned`."""
    shape = shape_of(a)
    if weights is None:
        average = np.mean(a, axis=axis, keepdims=keepdims)
        weight: Any = ones(average.shape, float, like=average) * count(shape, axis)
    else:
        weights = asarray(_fitted(weights, shape, axis))
        products = a * weights
        weight = np.sum(widened(weights), axis=axis, keepdims=keepdims)
        if some(unwrap(weight) == 0):
            raise ZeroDivisionError("the weights add up to 0, so there is no average")
        average = np.sum(widened(products), axis=axis, keepdims=keepdims) / weight
        average = narrowed(average, products)
    if not returned:
        return average
    weight = weight if isinstance(weight, Tensor) else Tensor(weight)
    return average, np.broadcast_to(weight.astype(average.dtype), average.shape)


def _fitted(weights: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """Weights in the shape of the array; given for each entry, or for the entries along the axes."""
    have = shape_of(weights)
    if have == shape:
        return weights
    if axis is None:
        raise TypeError(f"weights of shape {have} for an array of shape {shape} need an axis: axis=...")
    axes = [i % len(shape) for i in (axis if isinstance(axis, tuple) else (axis,))]
    if have != tuple(shape[i] for i in axes):
        raise ValueError(f"weights of shape {have} do not fit axis {axis} of an array of shape {shape}")
    ordered = np.transpose(weights, np.argsort(axes))
    wide = [size if i in axes else 1 for i, size in enumerate(shape)]
    return np.broadcast_to(np.reshape(ordered, wide), shape)


known[np.average] = Composition(_average)

# -- order statistics: weighted means of two neighbours in the sorted order ------------------------


def _order_statistic(
    op: Any,
    g: Any,
    y: Any,
    x: Any,
    q: Any = None,
    axis: Any = None,
    keepdims: bool = False,
    method: str = "linear",
    weights: Any = None,
) -> Any:
    """A quantile is (1 - t) a + t b of two neighbours a and b in the stable sorted order.

    The quantile of the ranks of the entries tells the positions of a and b, and t: for every method, and with
    weights. A NaN that is not skipped is last in the order, and gets the cotangent. A skipped NaN is dead.
    """
    raw = unwrap(x)
    if not raw.size:
        return np.zeros_like(raw)
    axes = tuple(range(raw.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    kept = kept_shape(raw.shape, axis)

    def lanes(a: Any) -> Any:
        """The array with the reduced axes merged into one, the last."""
        return np.moveaxis(a, axes, range(-len(axes), 0)).reshape(-1, count(raw.shape, axis))

    places = lanes(np.arange(raw.size).reshape(raw.shape))
    places = np.take_along_axis(places, np.argsort(lanes(raw), axis=-1, stable=True), axis=-1)
    countable = raw.size <= 2 / np.finfo(raw.dtype).eps
    ranks: Any = empty(raw.size, raw.real.dtype if countable else np.float64, like=raw)
    ranks[places] = np.arange(places.shape[-1])
    ranks = ranks.reshape(raw.shape)

    options = {} if q is None else {"q": unwrap(q), "method": method, "weights": weights}
    missing, skip_nan = np.isnan(raw), op.__name__.startswith("nan")
    if skip_nan:  # if all entries are NaN, any rank will do
        ranks = np.where(missing & ~np.all(missing, axis=axis, keepdims=True), np.nan, ranks)
    position = asarray(op(ranks, axis=axis, keepdims=True, **options))
    if not skip_nan:
        position = np.where(np.any(missing, axis=axis, keepdims=True), places.shape[-1] - 1, position)

    asked = position.size // math.prod(kept)  # the number of quantiles
    position = position.reshape(asked, -1).T
    g = np.transpose(np.reshape(g, (asked, -1)))
    below, above = np.floor(position), np.ceil(position)
    t = (position - below).astype(raw.real.dtype)
    gx = scatter(g * (1 - t), np.take_along_axis(places, below.astype(int), -1), (raw.size,))
    gx = gx + scatter(g * t, np.take_along_axis(places, above.astype(int), -1), (raw.size,))
    gx = np.reshape(gx, raw.shape)
    return np.where(missing, 0, gx) if skip_nan else gx


for _median in (np.median, np.nanmedian):
    defvjp(_median, functools.partial(_order_statistic, _median), flow="selects")
for _quantile in (np.quantile, np.percentile, np.nanquantile, np.nanpercentile):
    defvjp(_quantile, functools.partial(_order_statistic, _quantile), None, flow="selects")

# -- covariances -----------------------------------------------------------------------------------


def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """d (w d)^H / (sum(w) - ddof sum(w aweights) / sum(w)), where d holds the deviations of each row."""
    given = [asarray(part) for part in (m, y) if part is not None]
    dtype = dtype or np.result_type(*map(dtype_of, given), np.float64)
    variables = [_variables(part, rowvar).astype(dtype) for part in given]
    if not len(variables[0]):
        return np.reshape(variables[0], (0, 0))
    x = np.concatenate(variables, axis=0)
    n = x.shape[1]
    w = None
    for name, weights in (("fweights", fweights), ("aweights", aweights)):
        if weights is None:
            continue
        raw = asarray(unwrap(weights))
        if raw.shape != (n,) or some(raw < 0) or (name == "fweights" and some(raw != np.rint(raw))):
            kind = "integers" if name == "fweights" else "numbers"
            raise ValueError(f"{name} of shape {raw.shape}; expected {kind} >= 0, of shape ({n},)")
        w = weights if w is None else w * weights
    ddof = (0 if bias else 1) if ddof is None else ddof
    if w is None:
        d = weighted = deviations(x, 1, False)
        free: Any = n - ddof
    else:
        weight = np.sum(w)
        d = x - np.sum(x * w, axis=1, keepdims=True) / weight
        weighted = d * w
        free = weight - ddof * (1 if aweights is None else np.sum(w * aweights) / weight)
    if some(unwrap(free) <= 0):
        raise ValueError(f"there are no degrees of freedom left: {n} observations, ddof={ddof}")
    return np.squeeze((d @ np.conjugate(weighted).T) / free)


def _variables(m: Any, rowvar: bool) -> Any:
    """The variables as rows."""
    m = asarray(m)
    if m.ndim > 2:
        raise ValueError(f"an array of {m.ndim} axes; expected at most 2: variables and observations")
    return np.atleast_2d(m) if rowvar or m.ndim < 2 else m.T


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """cov_ij / sqrt(cov_ii cov_jj), clipped to [-1, 1]; the clipping does not change gradients."""
    c = np.cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    spreads = np.sqrt(np.real(np.diagonal(c)))
    c = c / spreads[:, None] / spreads[None, :]
    raw = unwrap(c)
    clipped = np.clip(raw.real, -1, 1)
    if raw.dtype.kind == "c":
        clipped = clipped + 1j * np.clip(raw.imag, -1, 1)
    return c + (clipped - raw)


known[np.cov] = Composition(_cov)
known[np.corrcoef] = Composition(_corrcoef)

# -- counts ----------------------------------------------------------------------------------------


def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """The sum of the weights of each integer; each weight gets the cotangent of its integer."""
    x = to_host(x)
    if weights is None:
        return np.bincount(x, minlength=minlength)
    weights = asarray(weights)
    if not x.size:  # NumPy then accepts weights of any shape
        weights = np.ravel(weights)[:0]
    if weights.shape != x.shape or weights.dtype.kind == "c":
        raise ValueError(f"weights are {weights.dtype} {weights.shape}; expected real numbers {x.shape}")
    length = len(np.bincount(x, minlength=minlength))
    return scatter(weights.astype(np.float64), x, (length,))


known[np.bincount] = Composition(_bincount)
refuse(
    "counts entries, which changes in jumps; to add up weights by bin write "
    "np.bincount(np.digitize(x.numpy(), edges[1:-1]), weights, minlength=len(edges) - 1)",
    np.histogram, np.histogram2d, np.histogramdd, np.histogram_bin_edges,
)  # fmt: skip
