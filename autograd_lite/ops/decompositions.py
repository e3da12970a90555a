"""Decompositions of matrices by eigenvalues. Singular value decompositions follow the same principles.

The derivative of an eigenvector divides the change of the matrix by the gap of two eigenvalues, w_j - w_i. If
a gap is 0 up to rounding it counts as closed. Then the eigenvectors are arbitrary, and the rules distinguish
three cases:

- Only the values were used. Then the rule divides by no gap. The nuclear norm of a matrix with equal singular
  values, or a sum over equal eigenvalues, has its finite derivative. If the function is symmetric in the
  equal values, it also has its second derivative (`equal.py`). A gap between two unused values, as those that
  an approximation of lower rank leaves out, has no influence either.
- Only the vectors were used, and their cotangent does not distinguish the vectors of equal values, up to
  rounding. Examples are U V^H, and the projection V V^H on all of them. The term is 0 / 0 for all nearby
  matrices, and counts as 0.
- Otherwise the gradient is NaN: the derivative does not exist, or does not follow from these numbers (in
  V f(w) V^H the term would be f'(w)).

The phases of complex vectors are arbitrary too: a function that depends on them is refused.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import some, unwrap
from ..errors import NotDifferentiableError
from ..known import Composition, defvjp, known
from .equal import accompanied, alike, answered, channels, probe_of, spread_evenly, tilted
from .products import adjoint, conj

__all__: list[str] = []

ROUNDING = 16
"""A number counts as 0 up to ROUNDING n eps, relative to the largest entry of an n x n matrix."""

# -- gaps ------------------------------------------------------------------------------------------


def quotient(numerator: Any, gap: Any, closed: Any, moot: Any) -> Any:
    """numerator / gap; where the gap is closed, 0 if that entry is moot, else NaN.

    The NaN is a factor, so that forward mode, which differentiates by the numerator, keeps it.
    """
    if not some(closed):
        return numerator / gap
    factor = np.where(moot, 0, np.nan).astype(numerator.dtype)
    return np.where(closed, numerator * factor, numerator / np.where(closed, 1, gap))


def negligible(x: Any, size: Any) -> Any:
    """Where x is within rounding of 0, relative to the largest entry of each matrix in `size`."""
    x, size = np.abs(unwrap(x)), np.abs(unwrap(size))
    level = ROUNDING * max(size.shape[-2:]) * np.finfo(x.dtype).eps
    return x <= level * np.max(size, axis=(-2, -1), keepdims=True, initial=0)


def used(*cotangents: Any) -> Any:
    """Which columns of the cotangents (vectors, or values in a row) are not all 0."""
    columns = [np.any(unwrap(g) != 0, axis=-2) for g in cotangents if g is not None]
    return functools.reduce(np.logical_or, columns)


def row(values: Any) -> Any:
    """Eigenvalues or singular values as a row, which scales the columns of a matrix."""
    return np.expand_dims(values, -2)


def eye(x: Any) -> Any:
    """The identity in the size and real dtype of a square matrix."""
    return np.eye(x.shape[-1], dtype=np.finfo(x.dtype).dtype)


def require_no_phase(name: str, phases: Any, size: Any) -> None:
    """Refuse a cotangent along the phases, or the basis, that NumPy happened to choose.

    Args:
        name: the decomposition, for messages.
        phases: the part of the cotangent along these choices; raises if it is far above rounding.
        size: the whole cotangent, which may itself be mere rounding.
    """
    phases, size = np.abs(unwrap(phases)), np.max(np.abs(unwrap(size)), initial=0)
    if some(phases > np.maximum(1e-3 * size, np.finfo(phases.dtype).eps ** 0.75)):
        raise NotDifferentiableError(
            f"the loss depends on an arbitrary choice of {name}, the phases of complex vectors or the basis "
            "of a subspace, so it has no derivative; use expressions without this choice, such as np.abs(v) "
            "or v @ v.conj().mT"
        )


# -- hermitian matrices ----------------------------------------------------------------------------


@primitive
def from_triangle(a: Any, *, uplo: Any = "L") -> Any:
    """The hermitian matrix given by one triangle of `a`, which eigh and cholesky read.

    By convention both triangles share the cotangent, so that the gradient of a function of a symmetric
    matrix is symmetric.
    """
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"expected a square matrix, got shape {a.shape}")
    a = a if a.dtype.kind in "fc" else a.astype(float)
    half = np.tril(a, -1) if uplo.upper() == "L" else np.triu(a, 1)
    return half + adjoint(half) + np.tril(np.triu(np.real(a)))


defvjp(from_triangle, lambda g, y, a, *, uplo="L": (g + adjoint(g)) / 2, plain=True)


def mirrored(x: Any) -> Any:
    """The hermitian matrix with the lower triangle of x and its real diagonal."""
    low = np.tril(x)
    return (low + adjoint(low)) * (1 - eye(x) / 2)


# -- eigenvalues of hermitian matrices -------------------------------------------------------------


@primitive
def eigh(a: Any, *, uplo: Any = "L") -> Any:
    """The decomposition of a hermitian matrix: eigenvalues in ascending order, eigenvectors in columns, and
    two outputs of zeros (see `equal.py`)."""
    w, v = np.linalg.eigh(a, uplo)
    return (w, v, *channels(v, w))


@primitive
def with_values(g: Any, w: Any, v: Any, bend: Any, probe: Any) -> Any:
    """V diag(g) V^H: the matrix with the eigenvalues w replaced by g."""
    return np.matmul(v * row(g), adjoint(v))


@primitive
def pinched(x: Any, w: Any, v: Any, bend: Any, probe: Any, *, _groups: Any) -> Any:
    """The adjoint of `with_values`: the diagonal of V^H x V, averaged over equal values, plus a probe."""
    turned = _turned(x, v)
    return spread_evenly(np.sum(np.real(turned) * eye(v), axis=-1), _groups) + _probe(turned, w, _groups)[0]


def _turned(x: Any, v: Any) -> Any:
    return np.matmul(np.matmul(adjoint(v), (x + adjoint(x)) / 2), v)


def _probe(turned: Any, w: Any, groups: Any) -> tuple[Any, Any]:
    size = np.sqrt(np.sum(np.abs(unwrap(turned)) ** 2, axis=(-2, -1)))
    return probe_of(groups, np.zeros(w.shape, bool), size), size


def _through_vectors(x: Any, g: Any, w: Any, v: Any, groups: Any) -> tuple[Any, Any, Any]:
    """The cotangents of <x, V diag(g) V^H>: V H_ij (g_j - g_i) for V, where H = V^H x V; and a bend and a
    probe for equal values."""
    turned, one = _turned(x, v), eye(v)
    sent, size = _probe(turned, w, groups)
    mean = spread_evenly(np.sum(np.real(turned) * one, axis=-1), groups)
    change = np.where(groups, 0, turned * (row(g) - np.expand_dims(g, -1)))
    bent = np.where(groups, turned, 0) - one * row(mean)
    return np.matmul(v, change), bent, accompanied(sent, size, unwrap(g), w)


def _with_values(gx: Any, y: Any, g: Any, w: Any, v: Any, bend: Any, probe: Any) -> tuple[Any, ...]:
    groups = alike(unwrap(g), w)
    values = pinched(gx, w, v, bend, probe, _groups=groups)
    return values, None, *_through_vectors(gx, g, w, v, groups)


def _pinched(
    g: Any, y: Any, x: Any, w: Any, v: Any, bend: Any, probe: Any, *, _groups: Any
) -> tuple[Any, ...]:
    even = spread_evenly(g, _groups)
    return with_values(even, w, v, bend, probe), None, *_through_vectors(x, even, w, v, _groups)


defvjp(with_values, joint=_with_values, plain=True)
defvjp(pinched, joint=_pinched, plain=True)


def _eigh(g: Any, y: Any, a: Any, *, uplo: Any = "L") -> tuple[Any]:
    """V (diag(gw) + skew(V^H gV) / (w_j - w_i)) V^H."""
    (gw, gv, bend, probe), (w, v, *none) = g, y
    if gv is None:
        return (with_values(gw, unwrap(w), v, *none),)
    turned = np.matmul(adjoint(v), gv)
    skew = (turned - adjoint(turned)) / 2
    one = eye(v)
    require_no_phase("eigh", skew * one, gv)
    gap = row(w) - np.expand_dims(w, -1)
    closed = negligible(gap, row(w)) & (one == 0)
    skew, gap = skew * (1 - one), gap + one
    settled = np.zeros_like(closed)
    if probe is not None:
        multiple, gw, pairs, _ = answered(gw, w, probe)
        settled = pairs & negligible(skew, gv) | closed & _idle(gv)
        skew = np.where(settled, 0, skew)
        v = tilted(v) if some(settled | pairs) else v
    moot = settled | _moot(skew, gv, gw, gv)
    inner = quotient(skew, gap, closed, moot)
    if gw is not None:
        inner = inner + one * row(gw)
    if probe is not None:
        inner = inner + bend * row(multiple)
    return (np.matmul(np.matmul(v, inner), adjoint(v)),)


def _idle(*vectors: Any) -> Any:
    """Which matrices of a stack have no cotangent of their vectors: the probe belongs to another matrix."""
    used_ones = [np.any(unwrap(x) != 0, axis=(-2, -1), keepdims=True) for x in vectors]
    return ~functools.reduce(np.logical_or, used_ones)


def _moot(numerator: Any, size: Any, gw: Any, *vectors: Any) -> Any:
    """Where a closed gap has no influence: neither of the two was used; or the values were not used, and the
    cotangent does not distinguish the two vectors."""
    each = used(row(gw) if gw is not None else None, *vectors)
    unused = ~(each[..., :, None] | each[..., None, :])
    return unused | negligible(numerator, size) if gw is None else unused


defvjp(eigh, joint=_eigh, plain=True, partial=True)

EighResult = type(np.linalg.eigh(np.eye(1)))


def _np_eigh(a: Any, UPLO: str = "L") -> Any:
    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f"UPLO={UPLO!r}; expected 'L' or 'U'")
    return EighResult(*eigh(from_triangle(a, uplo=UPLO), uplo=UPLO)[:2])


known[np.linalg.eigh] = Composition(_np_eigh)
known[np.linalg.eigvalsh] = Composition(lambda a, UPLO="L": np.linalg.eigh(a, UPLO)[0])

# -- eigenvalues of other matrices -----------------------------------------------------------------


@primitive
def eig(a: Any) -> Any:
    """Eigenvalues, and eigenvectors of length 1 in columns."""
    return tuple(np.linalg.eig(a))


def _eig(g: Any, y: Any, a: Any) -> tuple[Any]:
    """V^-H (diag(gw) + (V^H gV - V^H V diag(Re V^H gV)) / conj(w_j - w_i)) V^H.

    The subtracted part keeps the eigenvectors at length 1. The gradient is NaN for a matrix without a basis
    of eigenvectors, whose eigenvalues have infinite derivatives.
    """
    (gw, gv), (w, v) = g, y
    one = eye(v)
    if gv is None:
        inner = one * row(gw)
    else:
        turned = np.matmul(adjoint(v), gv)
        stretch = np.sum(np.real(turned) * one, axis=-1)
        require_no_phase("eig", np.imag(turned) * one, gv)
        turned = (turned - np.matmul(adjoint(v), v) * row(stretch)) * (1 - one)
        gap = conj(row(w) - np.expand_dims(w, -1))
        closed = negligible(gap, row(w)) & (one == 0)
        inner = quotient(turned, gap + one, closed, _moot(turned, gv, gw, gv))
        if gw is not None:
            inner = inner + one * row(gw)
    s = np.linalg.svdvals(unwrap(v))
    defective = negligible(row(s), row(s))[..., -1:]
    inner = inner * np.where(defective, np.nan, 1).astype(one.dtype)
    return (np.linalg.solve(adjoint(v), np.matmul(inner, adjoint(v))),)


defvjp(eig, joint=_eig, plain=True, partial=True)

EigResult = type(np.linalg.eig(np.eye(1)))
known[np.linalg.eig] = Composition(lambda a: EigResult(*eig(a)))
known[np.linalg.eigvals] = Composition(lambda a: eig(a)[0])
