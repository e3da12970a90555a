"""Norms of vectors and matrices. At 0, where they have a kink, their gradient is 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..apply import primitive, stop_gradient
from ..arrays import asarray, unwrap
from ..known import Composition, defvjp, known
from ..sums import narrowed, total, widened
from .decompositions import negligible, row
from .products import conj
from .reductions import spread
from .wide import shifted

__all__: list[str] = []

Axes = tuple[int, ...] | None

# -- sums of powers --------------------------------------------------------------------------------


@primitive
@np.errstate(all="ignore")
def power_norm(x: Any, *, order: float, axis: Axes, keepdims: bool = False) -> Any:
    """sum(|x|^order)^(1/order).

    The entries are first scaled near 1 by a power of two, without rounding: the square of 1e200 overflows,
    and the square of 1e-200 is 0.
    """
    near, exponent = _near_one(widened(x), order, axis)
    norm = narrowed(np.ldexp(_power_norm(near, order, axis), exponent), x)
    return norm if keepdims else np.squeeze(norm, axis=axis)


@primitive
@np.errstate(all="ignore")
def direction(x: Any, *, order: float, axis: Axes) -> Any:
    """x / norm(x), computed from entries scaled near 1; 0 where the norm is 0.

    A norm of negative order is 0 at a single zero.
    """
    near, _ = _near_one(widened(x), order, axis)
    norm = _power_norm(near, order, axis)
    return narrowed(np.where(norm == 0, 0, near) / np.where(norm == 0, 1, norm), x)


def _near_one(x: Any, order: float, axis: Axes) -> tuple[Any, Any]:
    """x / 2^k and k, so that the largest entry is near 1; for a negative order, the smallest.

    An order between 0 and 1 needs no scaling, and has its largest gradients at the smallest entries.
    """
    size = np.abs(x)
    if 0 < order < 1:
        return x, np.zeros_like(np.max(size, axis, keepdims=True, initial=0), int)
    extreme = np.min(size, axis, keepdims=True) if order < 0 else np.max(size, axis, keepdims=True, initial=0)
    exponent = np.where(np.isfinite(extreme), np.frexp(extreme)[1], 0)
    return shifted(x, -exponent), exponent


def _power_norm(x: Any, order: float, axis: Axes) -> Any:
    if order == 2:
        squares = x * x if x.dtype.kind != "c" else x.real * x.real + x.imag * x.imag
        return np.sqrt(total(squares, axis, keepdims=True))
    with np.errstate(divide="ignore"):  # for a negative power of 0
        return total(np.abs(x) ** order, axis, keepdims=True) ** (1 / order)


@primitive
def slope(x: Any, *, order: float, axis: Axes) -> Any:
    """sign(x) (|x| / norm)^(order - 1), the gradient of the norm; 0 at 0, and where the norm is 0.

    Below order 2 the quotient |x| / norm may underflow though its power is an ordinary number. So there the
    result is a quotient of powers.
    """
    wide = widened(x)
    near, exponent = _near_one(wide, order, axis)
    size, norm = np.abs(near), _power_norm(near, order, axis)
    apart = 0 < order < 2
    if apart:
        size, norm = np.abs(wide), np.ldexp(norm, exponent)
    zero = (size == 0) | (norm == 0)
    size, norm = np.where(zero, 1, size), np.where(norm == 0, 1, norm)
    power = size ** (order - 1) * norm ** (1 - order) if apart else (size / norm) ** (order - 1)
    return narrowed(np.where(zero, 0, np.sign(wide) * power), x)


def _gradient(x: Any, order: float, axis: Axes) -> Any:
    return direction(x, order=order, axis=axis) if order == 2 else slope(x, order=order, axis=axis)


def _per_norm(gx: Any, x: Any, order: float, axis: Axes) -> Any:
    """gx / norm; 0 where the norm is 0."""
    norm = power_norm(x, order=order, axis=axis, keepdims=True)
    zero = unwrap(norm) == 0
    return np.where(zero, 0, gx / np.where(zero, 1, norm))


def _direction(g: Any, y: Any, x: Any, *, order: float, axis: Axes) -> Any:
    """(g - norm' <y, g>) / norm: the part of g along x does not change the direction."""
    along = total(np.real(conj(y) * g), axis, keepdims=True)
    return _per_norm(g - _gradient(x, order, axis) * along, x, order, axis)


def _slope(g: Any, y: Any, x: Any, *, order: float, axis: Axes) -> Any:
    """(order - 1) (|d|^(order - 2) g - y <y, g>) / norm, where d is the direction.

    For a complex d, only the part of g along d is multiplied by order - 1. By convention the term with g is 0
    at an entry 0.
    """
    d = direction(x, order=order, axis=axis)
    zero = unwrap(d) == 0
    bend = np.where(zero, 0, np.where(zero, 1, np.abs(d)) ** (order - 2))
    unit = np.sign(d)
    turned = g if x.dtype.kind != "c" else unit * np.real(conj(unit) * g)
    bend = np.where((unwrap(g) == 0) & np.isinf(unwrap(bend)), 0, bend)
    along = total(np.real(conj(y) * g), axis, keepdims=True)
    change = bend * (g - turned) + (order - 1) * (bend * turned - y * along)
    return _per_norm(change, x, order, axis)


defvjp(
    power_norm,
    lambda g, y, x, *, order, axis, keepdims=False: (
        spread(g, x.shape, axis, keepdims) * _gradient(x, order, axis)
    ),
    plain=True,
)
defvjp(direction, _direction, plain=True)
defvjp(slope, _slope, plain=True)


def largest(sizes: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest of the sizes; 0 if there are none."""
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
        return narrowed(total(np.abs(x), axis, keepdims), x)
    if order == 0:  # the number of entries that are not 0: constant
        counts = np.count_nonzero(unwrap(x), axis=axis, keepdims=keepdims)
        return asarray(counts).astype(np.finfo(x.dtype).dtype)[()]
    if not isinstance(order, (int, float)):
        raise ValueError(f"ord={order!r} is no norm of vectors; expected a number, inf or -inf")
    return power_norm(x, order=float(order), axis=axis, keepdims=keepdims)


# -- matrices --------------------------------------------------------------------------------------

_OF_VALUES: dict[Any, Callable[..., Any]] = {"nuc": np.sum, 2: largest, -2: np.min}
"""Norms that are functions of the singular values."""

_OF_SUMS: dict[Any, tuple[int, Callable[..., Any]]] = {
    1: (0, largest),
    -1: (0, np.min),
    np.inf: (1, largest),
    -np.inf: (1, np.min),
}
"""Norms that are functions of sums of columns or rows: the summed axis, and the function."""


def _matrix_norm(x: Any, order: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    """The norm of the matrices in two axes, for every matrix norm of NumPy."""
    ndim = len(x.shape)
    if len({axis % ndim for axis in axes}) < 2:
        raise ValueError(f"axis={axes}: the rows and columns of a matrix are two axes")
    if order is None or order == "fro":
        return power_norm(x, order=2.0, axis=axes, keepdims=keepdims)
    if order in _OF_VALUES:
        s = np.linalg.svdvals(np.moveaxis(x, axes, (-2, -1)))
        rest = negligible(row(s), row(s))[..., 0, :]  # 0 up to rounding: |s| has a kink there
        norm = _OF_VALUES[order](np.where(rest, stop_gradient(s), s), axis=-1)
        return np.expand_dims(norm, tuple(axis % ndim for axis in axes)) if keepdims else norm
    if order in _OF_SUMS:
        first, choose = _OF_SUMS[order]
        sums = narrowed(total(np.abs(x), axes[first], keepdims=True), x)
        norm = choose(sums, axis=axes[1 - first], keepdims=True)
        return norm if keepdims else np.squeeze(norm, axis=axes)
    raise ValueError(
        f"ord={order!r} is no norm of matrices; expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf"
    )


# -- NumPy's functions -----------------------------------------------------------------------------


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """np.linalg.norm: the 2-norm of all entries by default."""
    x = _inexact(x)
    if axis is None and ord is None:
        return power_norm(x, order=2.0, axis=None, keepdims=keepdims)
    axes = tuple(range(len(x.shape))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError(f"norm of {len(axes)} axes; give axis=, one axis for vectors or two for matrices")


def _inexact(x: Any) -> Any:
    return x if x.dtype.kind in "fc" else x.astype(float)


known[np.linalg.norm] = Composition(_norm)
known[np.linalg.matrix_norm] = Composition(
    lambda x, *, keepdims=False, ord="fro": _matrix_norm(_inexact(x), ord, (-2, -1), keepdims)
)
known[np.linalg.vector_norm] = Composition(
    lambda x, *, axis=None, keepdims=False, ord=2: _vector_norm(
        _inexact(x), ord, axis if axis is None or isinstance(axis, tuple) else (axis,), keepdims
    )
)

# -- condition -------------------------------------------------------------------------------------


def _cond(x: Any, p: Any = None) -> Any:
    """The condition number: the ratio of the largest to the smallest singular value; for other norms,
    norm(x) norm(inverse of x), and inf for a singular matrix."""
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        with np.errstate(divide="ignore", invalid="ignore"):  # inf for a singular matrix
            return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    singular = np.isinf(np.linalg.cond(unwrap(x), p))
    regular = np.where(singular[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x)
    norm, of_inverse = (np.linalg.norm(m, ord=p, axis=(-2, -1)) for m in (x, np.linalg.inv(regular)))
    return (norm + singular) * np.where(singular, np.inf, of_inverse)  # + 1, so that 0 gives no 0 * inf


known[np.linalg.cond] = Composition(_cond)
