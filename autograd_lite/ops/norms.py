"""Norms of vectors and matrices. At 0, where they have a kink, their gradient is 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..rules import compositions, defvjp
from ..tensor import primitive, stop_gradient, unwrap
from .decompositions import negligible, row
from .products import conj
from .reductions import spread

__all__: list[str] = []

Axes = tuple[int, ...] | None

# -- sums of powers --------------------------------------------------------------------------------


@primitive
@np.errstate(all="ignore")
def power_norm(x: Any, *, order: float, axis: Axes, keepdims: bool = False) -> Any:
    """sum(|x|^order)^(1/order), of entries brought near 1 by a power of two, which rounds nothing:
    squares of 1e200 overflow, and those of 1e-200 are 0."""
    near, exponent = _near_one(x, order, axis)
    norm = np.ldexp(_power_norm(near, order, axis), exponent)
    return norm if keepdims else np.squeeze(norm, axis=axis)


@primitive
@np.errstate(all="ignore")
def direction(x: Any, *, order: float, axis: Axes) -> Any:
    """x / norm(x), computed from the same entries near 1; 0 where x is 0."""
    near, _ = _near_one(x, order, axis)
    norm = _power_norm(near, order, axis)
    return near / np.where(norm == 0, 1, norm)


def _near_one(x: Any, order: float, axis: Axes) -> tuple[Any, Any]:
    """x / 2^k and k, for the largest entries (or the smallest, if they matter most)."""
    size = np.abs(x)
    extreme = np.min(size, axis, keepdims=True) if order < 0 else np.max(size, axis, keepdims=True, initial=0)
    exponent = np.where(np.isfinite(extreme), np.frexp(extreme)[1], 0)
    if x.dtype.kind != "c":
        return np.ldexp(x, -exponent), exponent
    near = np.empty_like(x)
    near.real, near.imag = np.ldexp(x.real, -exponent), np.ldexp(x.imag, -exponent)
    return near, exponent


def _power_norm(x: Any, order: float, axis: Axes) -> Any:
    if order == 2:
        squares = x * x if x.dtype.kind != "c" else x.real * x.real + x.imag * x.imag
        return np.sqrt(np.sum(squares, axis, keepdims=True))
    with np.errstate(divide="ignore"):  # a negative power of 0
        return np.sum(np.abs(x) ** order, axis, keepdims=True) ** (1 / order)


def _slope(d: Any, order: float) -> Any:
    """The gradient of the norm, d |d|^(order - 2), as a function of the direction."""
    if order == 2:
        return d
    size = np.abs(d)
    zero = unwrap(size) == 0
    at_zero = size ** (order - 1) if order > 1 else 0
    return np.where(zero, at_zero, d * np.where(zero, 1, size) ** (order - 2))


def _direction(g: Any, y: Any, x: Any, *, order: float, axis: Axes) -> Any:
    """(g - y'(norm) <y, g>) / norm: what g has along x does not turn it."""
    norm = power_norm(x, order=order, axis=axis, keepdims=True)
    zero = unwrap(norm) == 0
    along = np.sum(np.real(conj(y) * g), axis=axis, keepdims=True)
    return np.where(zero, 0, (g - _slope(y, order) * along) / np.where(zero, 1, norm))


defvjp(
    power_norm,
    lambda g, y, x, *, order, axis, keepdims=False: (
        spread(g, x.shape, axis, keepdims) * _slope(direction(x, order=order, axis=axis), order)
    ),
    plain=True,
)
defvjp(direction, _direction, plain=True)


def largest(sizes: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest of sizes; of none it is 0."""
    options: dict[str, Any] = {} if sizes.size else {"initial": 0}
    return np.max(sizes, axis=axis, keepdims=keepdims, **options)


# -- vectors ---------------------------------------------------------------------------------------


def _vector_norm(x: Any, order: Any, axis: Axes, keepdims: bool) -> Any:
    if order is None or order == 2:
        return power_norm(x, order=2.0, axis=axis, keepdims=keepdims)
    if order == np.inf:
        return largest(np.abs(x), axis=axis, keepdims=keepdims)
    if order == -np.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if order == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if order == 0:  # the number of entries that are not 0: constant
        return np.sum((unwrap(x) != 0).astype(np.finfo(x.dtype).dtype), axis=axis, keepdims=keepdims)
    if not isinstance(order, (int, float)):
        raise ValueError(f"ord={order!r} is no norm of vectors; expected a number, inf or -inf")
    return power_norm(x, order=float(order), axis=axis, keepdims=keepdims)


# -- matrices --------------------------------------------------------------------------------------

_OF_VALUES: dict[Any, Callable[..., Any]] = {"nuc": np.sum, 2: largest, -2: np.min}
"""Of the singular values."""

_OF_SUMS: dict[Any, tuple[int, Callable[..., Any]]] = {
    1: (0, largest),
    -1: (0, np.min),
    np.inf: (1, largest),
    -np.inf: (1, np.min),
}
"""Of the sums of columns or of rows, by the axis that is summed."""


def _matrix_norm(x: Any, order: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    """Every norm of the matrices in two axes."""
    ndim = len(x.shape)
    if len({axis % ndim for axis in axes}) < 2:
        raise ValueError(f"axis={axes}: the rows and columns of a matrix are two axes")
    if order is None or order == "fro":
        return power_norm(x, order=2.0, axis=axes, keepdims=keepdims)
    if order in _OF_VALUES:
        s = np.linalg.svdvals(np.moveaxis(x, axes, (-2, -1)))
        rest = negligible(row(s), row(s))[..., 0, :]  # beside the others 0, where |s| has a kink
        norm = _OF_VALUES[order](np.where(rest, stop_gradient(s), s), axis=-1)
        return np.expand_dims(norm, tuple(axis % ndim for axis in axes)) if keepdims else norm
    if order in _OF_SUMS:
        first, choose = _OF_SUMS[order]
        sums = np.sum(np.abs(x), axis=axes[first], keepdims=True)
        norm = choose(sums, axis=axes[1 - first], keepdims=True)
        return norm if keepdims else np.squeeze(norm, axis=axes)
    raise ValueError(
        f"ord={order!r} is no norm of matrices; expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf"
    )


# -- NumPy's functions -----------------------------------------------------------------------------


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The length of all entries if neither `ord` nor `axis` says more."""
    x = _inexact(x)
    if axis is None and ord is None:
        return power_norm(x, order=2.0, axis=None, keepdims=keepdims)
    axes = tuple(range(len(x.shape))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError(f"norm of {len(axes)} axes; give axis=, one for vectors or two for matrices")


def _inexact(x: Any) -> Any:
    return x if x.dtype.kind in "fc" else x.astype(float)


compositions[np.linalg.norm] = _norm
compositions[np.linalg.matrix_norm] = lambda x, *, keepdims=False, ord="fro": _matrix_norm(
    _inexact(x), ord, (-2, -1), keepdims
)
compositions[np.linalg.vector_norm] = lambda x, *, axis=None, keepdims=False, ord=2: _vector_norm(
    _inexact(x), ord, axis if axis is None or isinstance(axis, tuple) else (axis,), keepdims
)

# -- condition -------------------------------------------------------------------------------------


def _cond(x: Any, p: Any = None) -> Any:
    """How much larger the largest stretch is than the smallest; for other norms, that of x times that
    of its inverse, and inf where it has none."""
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        with np.errstate(divide="ignore", invalid="ignore"):  # inf for a singular matrix
            return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    singular = np.isinf(np.linalg.cond(unwrap(x), p))
    regular = np.where(singular[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x)
    norm, of_inverse = (np.linalg.norm(m, ord=p, axis=(-2, -1)) for m in (x, np.linalg.inv(regular)))
    return (norm + singular) * np.where(singular, np.inf, of_inverse)  # + 1, lest zeros give 0 * inf


compositions[np.linalg.cond] = _cond
