"""The recurrences of the elementary functions: a table of terms, by kinds of ops.

`n` is the highest order and `y` the value of the result at t = 0; the arguments are lists of terms. An op
that is not listed gets its terms from its derivative rule, see `by_rule.py`. That is how `log`, `arctan`,
`arcsin`, `erf`, `sigmoid` and others are computed: their rules multiply dx by an op that is listed here.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..apply import alias, astype, setitem
from ..arrays import asarray, every
from ..batching.members import _over_members, _repeated, gathered, laid_out
from ..loops import looped
from ..node import Op
from ..ops.elementwise import upright
from ..ops.norms import power_norm
from ..ops.products import einsum, einsum_view
from ..ops.reductions import log_softmax, logsumexp, softmax
from ..ops.running import diff
from ..ops.selection import choose, where
from ..ops.slopes import (
    arcsin_slope,
    arctan_slope,
    arctanh_slope,
    cbrt_slope,
    logistic_slope,
    plane_slope,
    power_partial,
    ratio,
    share,
    share_slope,
    times_gauss,
    times_sec2,
    times_sech2,
)
from ..ops.wide import shifted
from ..segments import checkpointed
from .by_rule import termwise
from .series import Level, Series, recurrences, terms_of, through
from .terms import Terms, exponential, integral, power, product, quotient, sines, slopes, tangents, times

__all__: list[str] = []

Recurrence = Callable[..., Any]


def defseries(*ops: Op, rule: Recurrence) -> None:
    """Register `rule(level, y, *args, **kwargs)`, which returns the terms of the result of some ops."""
    recurrences.update(dict.fromkeys(ops, rule))


def defterms(op: Op, rule: Recurrence, wide: bool = True) -> None:
    """Register `rule(n, y, *terms)` of an elementwise op.

    Args:
        wide: compute in the next wider dtype. The rounding errors of a recurrence grow with the order.
    """

    def of_series(level: Level, y: Any, *args: Any) -> Terms:
        lists = [terms_of(x, level) for x in args]
        if wide:
            lists = list(map(widened, lists))
            y = op(*(terms[0] for terms in lists)) if isinstance(op, np.ufunc) else y
        return rule(level.order, y, *lists)  # type: ignore[no-any-return]

    defseries(op, rule=of_series)


WIDER = {
    np.dtype(narrow): np.dtype(wider)
    for narrow, wider in [
        *((np.float16, np.float32), (np.float32, np.float64), (np.float64, np.longdouble)),
        *((np.complex64, np.complex128), (np.complex128, np.clongdouble)),
    ]
}
"""On many machines a long double has 11 digits more than a double, in base 2; on the others none."""


def widened(terms: Terms) -> Terms:
    return [term.astype(WIDER.get(term.dtype, term.dtype))[()] for term in map(asarray, terms)]


# -- linear ops: each term by itself ---------------------------------------------------------------


def linear(*ops: Op, fixed: tuple[int, ...] = ()) -> None:
    """Register linear ops; arguments at the places `fixed` are no operands."""
    for op in ops:

        def rule(level: Level, y: Any, *args: Any, op: Op = op, **kwargs: Any) -> Any:
            if any(level.holds(args[i]) for i in fixed):
                return NotImplemented
            return [y, *termwise(level, op, args, kwargs, fixed)]

        defseries(op, rule=rule)


linear(np.add, np.subtract, np.negative, np.positive, alias, np.ldexp, shifted, setitem)
linear(np.deg2rad, np.radians, np.rad2deg, np.degrees, np.real, np.imag, np.conjugate, upright)
linear(operator.getitem, diff, einsum_view, np.linspace)
linear(np.fft.fft, np.fft.ifft, np.fft.fftn, np.fft.ifftn)
linear(np.fft.rfft, np.fft.irfft, np.fft.rfftn, np.fft.irfftn)
linear(where, choose, fixed=(0,))
defseries(
    astype, rule=lambda level, y, x, dtype, **options: [y, *termwise(level, astype, (x, dtype), options)]
)
defseries(
    np.copy,
    rule=lambda level, y, *args, **options: (
        Series([y, *termwise(level, np.copy, args, options)], level).filled()._terms
    ),
)
through.update({gathered, laid_out, _over_members, _repeated, checkpointed, looped})

# -- products and quotients ------------------------------------------------------------------------


def multilinear(op: Op, first: int = 0) -> None:
    """Register an op that is linear in each argument from the place `first` on."""

    def rule(level: Level, y: Any, *args: Any, **kwargs: Any) -> Any:
        places = [i for i in range(first, len(args)) if level.holds(args[i])]

        def at(*given: Any) -> Any:
            changed = list(args)
            for i, term in zip(places, given, strict=True):
                changed[i] = term
            return op(*changed, **kwargs)

        if len(places) == 1:
            return [y, *map(at, args[places[0]]._terms[1:])]
        if len(places) == 2:
            a, b = (args[i]._terms for i in places)
            return product(a, b, level.order, at)
        return NotImplemented

    defseries(op, rule=rule)


defterms(np.multiply, lambda n, y, a, b: product(a, b, n), wide=False)
defterms(np.square, lambda n, y, x: product(x, x, n), wide=False)
defterms(np.divide, lambda n, y, a, b: quotient(y, a, b, n), wide=False)
defterms(np.reciprocal, lambda n, y, x: quotient(y, [1], x, n), wide=False)
multilinear(np.matmul)
multilinear(np.convolve)
multilinear(einsum, first=1)


def _inverse(level: Level, y: Any, a: Any) -> Terms:
    """From a y = 1."""
    ys = [y]
    for k in range(1, level.order + 1):
        ys.append(-np.matmul(y, times(a._terms[1:], ys, k - 1, np.matmul)))
    return ys


def _solve(level: Level, y: Any, a: Any, b: Any) -> Any:
    """From a y = b."""
    matrices, rights, ys = terms_of(a, level), terms_of(b, level), [y]
    if rights[0].ndim == 1 and matrices[0].ndim > 2:
        return NotImplemented
    for k in range(1, level.order + 1 if len(matrices) > 1 else len(rights)):
        right = (rights[k] if k < len(rights) else 0) - times(matrices[1:], ys, k - 1, np.matmul)
        ys.append(np.linalg.solve(matrices[0], right))
    return ys


defseries(np.linalg.inv, rule=_inverse)
defseries(np.linalg.solve, rule=_solve)

# -- powers ----------------------------------------------------------------------------------------

WHOLE = 64
"""Up to this exponent x^p is computed by products, which are right at x = 0 too."""


def _power(level: Level, y: Any, a: Any, b: Any) -> Any:
    base, n = level.at_zero(a), level.order
    if level.holds(b):
        real = np.result_type(base).kind != "c"
        if not every(base > 0 if real else base != 0):
            return NotImplemented
        return exponential(y, slopes(terms_of(b * np.log(a), level)), n)
    if isinstance(b, (int, float, np.integer, np.floating)) and 0 <= b <= WHOLE and b == int(b):
        return _whole_power(a._terms, int(b), n)
    return power(y, a._terms, b, n) if every(base != 0) else NotImplemented


def _whole_power(x: Terms, p: int, n: int) -> Terms:
    """x^p by squaring."""
    if p < 2:
        return x if p else [1]
    half = _whole_power(x, p // 2, n)
    square = product(half, half, n)
    return product(square, x, n) if p % 2 else square


def _root(n: int, y: Any, x: Terms) -> Terms:
    """From y^2 = x."""
    ys = [y]
    for k in range(1, n + 1):
        ys.append(((x[k] if k < len(x) else 0) - times(ys[1:], ys[1:], k - 2)) / (2 * y))
    return ys


def _power_partial(level: Level, y: Any, a: Any, b: Any, i: int, j: int) -> Any:
    """The i-th derivative of a^b by a, and the j-th by b: a^(b - i) times a polynomial in log a."""
    base = level.at_zero(a)
    if not level.holds(b) and not j and every(base != 0):
        return power(y, a._terms, b - i, level.order)
    if not every(base > 0):
        return NotImplemented
    polynomial: list[Any] = [0.0] * j + [1.0]
    for k in range(i):
        bent = [m * c for m, c in enumerate(polynomial)][1:]
        polynomial = [(b - k) * c + d for c, d in itertools.zip_longest(polynomial, bent, fillvalue=0.0)]
    log = np.log(a)
    factor = functools.reduce(lambda total, c: total * log + c, reversed(polynomial))
    return terms_of(np.power(a, b - i) * factor, level)


def _ratio(level: Level, y: Any, a: Any, b: Any, k: int) -> Terms:
    """a / b^k; the recurrence runs on b / b_0, whose powers do not overflow."""
    value, n = level.at_zero(b), level.order
    near = power(1.0, [term / value for term in terms_of(b, level)], -k, n)
    return product([ratio(term, value, k) for term in terms_of(a, level)], near, n)


defseries(np.power, rule=_power)
defseries(power_partial, rule=_power_partial)
defseries(ratio, rule=_ratio)
defterms(np.sqrt, _root)
defterms(np.cbrt, lambda n, y, x: power(y, x, 1 / 3, n))
defterms(cbrt_slope, lambda n, y, x: power(y, x, -2 / 3, n))

# -- exponentials ----------------------------------------------------------------------------------

defterms(np.exp, lambda n, y, x: exponential(y, slopes(x), n))
defterms(np.exp2, lambda n, y, x: exponential(y, [math.log(2) * d for d in slopes(x)], n))


def _times_gauss(n: int, y: Any, g: Terms, x: Terms) -> Terms:
    bell = exponential(times_gauss(1.0, x[0]), [-d for d in slopes(product(x, x, n))], n)
    return product(g, bell, n)


defterms(times_gauss, _times_gauss)

# -- trigonometric and hyperbolic functions --------------------------------------------------------

defterms(np.sin, lambda n, y, x: sines(y, np.cos(x[0]), slopes(x), n, -1)[0])
defterms(np.cos, lambda n, y, x: sines(np.sin(x[0]), y, slopes(x), n, -1)[1])
defterms(np.sinh, lambda n, y, x: sines(y, np.cosh(x[0]), slopes(x), n, 1)[0])
defterms(np.cosh, lambda n, y, x: sines(np.sinh(x[0]), y, slopes(x), n, 1)[1])


def _tan(x: Terms, n: int) -> tuple[Terms, Terms]:
    """The terms of tan, and those of its derivative."""
    return tangents(np.tan(x[0]), 1 / np.cos(x[0]) ** 2, slopes(x), n, 1)


def _tanh(x: Terms, n: int) -> tuple[Terms, Terms]:
    return tangents(np.tanh(x[0]), 1 / np.cosh(x[0]) ** 2, slopes(x), n, -1)


def _logistic_slope(n: int, y: Any, x: Terms) -> Terms:
    """A quarter of sech(x / 2)^2."""
    return [slope / 4 for slope in _tanh([term / 2 for term in x], n)[1]]


defterms(np.tan, lambda n, y, x: _tan(x, n)[0])
defterms(np.tanh, lambda n, y, x: _tanh(x, n)[0])
defterms(times_sec2, lambda n, y, g, x: product(g, _tan(x, n)[1], n))
defterms(times_sech2, lambda n, y, g, x: product(g, _tanh(x, n)[1], n))
defterms(logistic_slope, _logistic_slope)


def _one_minus_square(x: Terms, n: int) -> Terms:
    """(1 - x) (1 + x), since 1 - x^2 cancels near 1."""
    value, *rest = x
    return product([1 - value, *(-term for term in rest)], [1 + value, *rest], n)


def _one_plus_square(x: Terms, n: int) -> Terms:
    value, *rest = product(x, x, n)
    return [1 + value, *rest]


def _arcsinh_slope(x: Terms, n: int) -> Terms:
    squares = _one_plus_square(x, n)
    return power(1 / np.sqrt(squares[0]), squares, -0.5, n)


defterms(arctan_slope, lambda n, y, x: quotient(y, [1], _one_plus_square(x, n), n))
defterms(arctanh_slope, lambda n, y, x: quotient(y, [1], _one_minus_square(x, n), n))
defterms(np.arcsinh, lambda n, y, x: integral(y, product(slopes(x), _arcsinh_slope(x, n), n)))
defterms(arcsin_slope, lambda n, y, x: power(y, _one_minus_square(x, n), -0.5, n))

# -- in the plane: on a and b divided by the power of two near hypot(a, b), which rounds nothing -----


def _near_one(n: int, h: Any, a: Terms, b: Terms) -> tuple[Any, Terms, Terms, Terms]:
    """The exponent, a and b divided by its power, and a^2 + b^2."""
    exponent = np.frexp(h)[1]
    a, b = ([np.ldexp(term, -exponent) for term in terms] for terms in (a, b))
    pairs = itertools.zip_longest(product(a, a, n), product(b, b, n), fillvalue=0)
    return exponent, a, b, [p + q for p, q in pairs]


def _hypot(n: int, y: Any, a: Terms, b: Terms) -> Terms:
    exponent, _, _, squares = _near_one(n, y, a, b)
    return [np.ldexp(term, exponent) for term in power(np.ldexp(y, -exponent), squares, 0.5, n)]


def _plane_slope(level: Level, y: Any, a: Any, b: Any, i: int, j: int, k: int) -> Terms:
    """a^i b^j / hypot(a, b)^k."""
    n, h = level.order, np.hypot(level.at_zero(a), level.at_zero(b))
    lists = [widened(terms_of(x, level)) for x in (a, b)]
    exponent, a, b, squares = _near_one(n, h, *lists)
    rest = power(ratio(1.0, np.ldexp(h, -exponent), k), squares, -0.5 * k, n)
    factors = _whole_power(a, i, n), _whole_power(b, j, n), rest
    terms = functools.reduce(lambda p, q: product(p, q, n), factors)
    return [np.ldexp(term, (i + j - k) * exponent) for term in terms]


defterms(np.hypot, _hypot)
defseries(plane_slope, rule=_plane_slope)

# -- products along an axis, norms, determinants ---------------------------------------------------


def _prod(
    level: Level,
    y: Any,
    x: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = 1,
) -> Terms:
    """Pairs are multiplied until one entry is left."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    count = math.prod(x.shape[a] for a in axes)
    if not count:
        return [y]
    x = np.reshape(np.moveaxis(x, tuple(axes), range(len(axes))), (count, *_without(x.shape, axes)))
    while x.shape[0] > 1:
        even, odd = x[0 : x.shape[0] // 2 * 2 : 2], x[1::2]
        x = np.concatenate([even * odd, x[len(odd) * 2 :]])
    return [np.reshape(term * initial, np.shape(y)) for term in terms_of(x, level)]


def _without(shape: tuple[int, ...], axes: Any) -> list[int]:
    left = {a % len(shape) for a in axes} if shape else set()
    return [size for i, size in enumerate(shape) if i not in left]


def _cumprod(level: Level, y: Any, x: Any, axis: Any = None, dtype: Any = None) -> Any:
    if axis is None:
        x, axis = np.ravel(x), 0
    if not y.size:
        return [y]
    products = itertools.accumulate(np.moveaxis(x, axis, 0), operator.mul)
    return terms_of(np.stack(list(products), axis=axis), level)


def _power_norm(level: Level, y: Any, x: Any, *, order: float, axis: Any, keepdims: bool = False) -> Any:
    """sum(|x|^order)^(1/order), of entries divided by a power of two near the norm."""
    value = level.at_zero(x)
    norm = power_norm(value, order=order, axis=axis, keepdims=True)
    if not (every(norm > 0) and every(np.isfinite(norm)) and (order == 2 or every(value != 0))):
        return NotImplemented
    near = np.ldexp(1.0, -np.frexp(norm)[1]).astype(norm.dtype) * x
    powers = np.real(near * np.conjugate(near)) if order == 2 else np.abs(near) ** order
    total = terms_of(np.sum(powers, axis=axis, keepdims=keepdims), level)
    return power(y, total, 1 / order, level.order)


def _det(level: Level, y: Any, a: Any) -> Any:
    """From dy = y trace(a^-1 da), far from a singular matrix."""
    s = np.linalg.svdvals(level.at_zero(a))
    if not (every(s[..., -1:] > s[..., :1] / 100) and every(y != 0)):
        return NotImplemented
    turned = product(terms_of(np.linalg.inv(a), level), slopes(a._terms), level.order - 1, np.matmul)
    return exponential(y, [np.trace(term, 0, -2, -1) for term in turned], level.order)


defseries(np.prod, rule=_prod)
defseries(np.cumprod, rule=_cumprod)
defseries(power_norm, rule=_power_norm)
defseries(np.linalg.det, rule=_det)

# -- softmax and its kin ---------------------------------------------------------------------------


def _softmax(level: Level, y: Any, x: Any, axis: Any = -1) -> Terms:
    e = np.exp(x - np.max(level.at_zero(x), axis=axis, keepdims=True, initial=-np.inf))  # x may be empty
    return terms_of(e / np.sum(e, axis=axis, keepdims=True), level)


def _logsumexp(level: Level, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Terms:
    e = np.exp(x - logsumexp(level.at_zero(x), axis=axis, keepdims=True))
    return terms_of(np.log(np.sum(e, axis=axis, keepdims=keepdims)), level)


def _gap(level: Level, a: Any, b: Any, exp: np.ufunc) -> Terms:
    """The difference whose logistic function is the share of a."""
    return widened(terms_of((1.0 if exp is np.exp else math.log(2)) * (a - b), level))


def _share(level: Level, y: Any, a: Any, b: Any, exp: np.ufunc) -> Terms:
    gap, n = _gap(level, a, b, exp), level.order
    return integral(y, product(slopes(gap), _logistic_slope(n, None, gap), n))


defseries(share, rule=_share)
defseries(
    share_slope,
    rule=lambda level, y, a, b, exp: _logistic_slope(level.order, y, _gap(level, a, b, exp)),
)
defseries(softmax, rule=_softmax)
defseries(logsumexp, rule=_logsumexp)
defseries(
    log_softmax,
    rule=lambda level, y, x, axis=-1: terms_of(x - logsumexp(x, axis=axis, keepdims=True), level),
)
