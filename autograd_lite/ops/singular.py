"""Singular values and vectors. `decompositions.py` explains the rules for equal values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import some, unwrap
from ..known import Composition, defvjp, known
from .decompositions import _idle, _moot, eye, negligible, quotient, require_no_phase, row, used
from .equal import accompanied, alike, answered, channels, probe_of, spread_evenly, tilted, vanishing
from .products import adjoint

__all__: list[str] = []


@primitive
def svd(a: Any) -> Any:
    """U, s, V^H with as many singular vectors as singular values, and two outputs of zeros (`equal.py`)."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return (u, s, vh, *channels(a, s))


@primitive
def with_singular_values(g: Any, s: Any, u: Any, vh: Any, bend: Any, probe: Any) -> Any:
    """U diag(g) V^H: the matrix with the singular values s replaced by g."""
    return np.matmul(u * row(g), vh)


@primitive
def pinched_singular(
    x: Any, s: Any, u: Any, vh: Any, bend: Any, probe: Any, *, _groups: Any, _zero: Any
) -> Any:
    """The adjoint of `with_singular_values`: the diagonal of U^H x V, averaged over equal values, plus a
    probe. The diagonal is 0 where both s and g are 0."""
    diagonal = np.sum(np.real(np.matmul(np.matmul(adjoint(u), x), adjoint(vh))) * eye(s), axis=-1)
    return np.where(_zero, 0, spread_evenly(diagonal, _groups)) + _singular_probe(x, _groups, _zero)[0]


def _singular_probe(x: Any, groups: Any, zero: Any) -> tuple[Any, Any]:
    size = np.sqrt(np.sum(np.abs(unwrap(x)) ** 2, axis=(-2, -1)))
    return probe_of(groups, zero, size), size


def _through_singular_vectors(
    x: Any, g: Any, s: Any, u: Any, vh: Any, groups: Any, zero: Any
) -> tuple[Any, Any, Any, Any]:
    """The cotangents of <x, U diag(g) V^H>, as for eigenvalues, with the hermitian part of H = U^H x V.

    Where both s and g are 0 the sign of s is arbitrary. There the bend is the whole of H, together with the
    part of x outside of the span of U and V.
    """
    v, one = adjoint(vh), eye(s)
    left, right = np.matmul(adjoint(u), x), np.matmul(x, v)
    turned = np.matmul(left, v)
    upright = (turned + adjoint(turned)) / 2
    sent, size = _singular_probe(x, groups, zero)
    mean = np.where(zero, 0, spread_evenly(np.sum(np.real(upright) * one, axis=-1), groups))
    both = zero[..., :, None] & zero[..., None, :]
    bent = np.where(both, turned, np.where(groups, upright, 0)) - one * row(mean)
    half = np.where(groups, upright * (row(g) - np.expand_dims(g, -1)) / 2, 0)
    gu = np.where(row(zero), 0, right * row(g)) - np.matmul(u, half)
    gv = np.where(row(zero), 0, adjoint(left) * row(g)) - np.matmul(v, half)
    if x.shape[-2] < x.shape[-1]:
        outside = np.where(zero[..., :, None], left - np.matmul(turned, vh), 0)
        bent = np.matmul(bent, vh) + outside
    else:
        bent = np.matmul(u, bent) + np.where(row(zero), right - np.matmul(u, turned), 0)
    return gu, adjoint(gv), bent, accompanied(sent, size, unwrap(g), s)


def _with_singular_values(
    gx: Any, y: Any, g: Any, s: Any, u: Any, vh: Any, bend: Any, probe: Any
) -> tuple[Any, ...]:
    groups, zero = alike(unwrap(g), s), vanishing(unwrap(g), s)
    values = pinched_singular(gx, s, u, vh, bend, probe, _groups=groups, _zero=zero)
    return values, None, *_through_singular_vectors(gx, g, s, u, vh, groups, zero)


def _pinched_singular(
    g: Any, y: Any, x: Any, s: Any, u: Any, vh: Any, bend: Any, probe: Any, *, _groups: Any, _zero: Any
) -> tuple[Any, ...]:
    even = np.where(_zero, 0, spread_evenly(g, _groups))
    values = with_singular_values(even, s, u, vh, bend, probe)
    return values, None, *_through_singular_vectors(x, even, s, u, vh, _groups, _zero)


defvjp(with_singular_values, joint=_with_singular_values, plain=True)
defvjp(pinched_singular, joint=_pinched_singular, plain=True)


def _svd(g: Any, y: Any, a: Any) -> tuple[Any]:
    """U K V^H, where with P = U^H gU - h.c. and Q = V^H gV - h.c.

        K = diag(gs) + 1/2 ((P + Q) / (s_j - s_i) + (P - Q) / (s_j + s_i)),

    plus the parts of gU and gV outside of the span of U and V, divided by s. For functions of U V^H the
    first of the two fractions vanishes.

    Source:
        J. Townsend, "Differentiating the singular value decomposition", 2016.
    """
    (gu, gs, gvh, bend, probe), (u, s, vh, *none) = g, y
    if gu is None and gvh is None:
        return (with_singular_values(gs, unwrap(s), u, vh, *none),)
    v = adjoint(vh)
    gu = np.zeros_like(unwrap(u)) if gu is None else gu
    gv = np.zeros_like(unwrap(v)) if gvh is None else adjoint(gvh)
    across, down, one = row(s), np.expand_dims(s, -1), eye(s)
    inside_u, inside_v = np.matmul(adjoint(u), gu), np.matmul(adjoint(v), gv)
    size = np.concatenate([unwrap(gu), unwrap(gv)], axis=-2)
    p, q = inside_u - adjoint(inside_u), inside_v - adjoint(inside_v)
    require_no_phase("svd", (p + q) * one, size)

    both = (p + q) * (1 - one)
    settled = zeros = np.zeros_like(one, dtype=bool)
    if probe is not None:
        multiple, gs, pairs, zeros = answered(gs, s, probe)
        idle = _idle(gu, gv)
        settled, zeros = pairs & negligible(both, size) | idle, zeros | idle
        both = np.where(settled, 0, both)
        u, vh = map(tilted, (u, vh)) if some(settled | pairs) else (u, vh)
    closed = negligible(across - down, across) & (one == 0)
    moot = settled | _moot(both, size, gs, gu, gv)
    inner = quotient(both, across - down + one, closed, moot) / 2
    zero = one if p.dtype.kind != "c" else 0 * one  # where p - q is 0, and the divisor does not matter
    closed = negligible(across + down, across) & (zero == 0)
    moot = zeros & negligible(p - q, size) | _moot(p - q, size, gs, gu, gv)
    inner = inner + quotient(p - q, across + down + zero, closed, moot) / 2
    if gs is not None:
        inner = inner + one * row(gs)
    ga = np.matmul(np.matmul(u, inner), vh)
    if probe is not None:
        wide = u.shape[-2] < vh.shape[-1]
        ga = ga + (
            np.matmul(u, np.expand_dims(multiple, -1) * bend) if wide else np.matmul(bend * row(multiple), vh)
        )
    if u.shape[-2] > u.shape[-1]:
        ga = ga + np.matmul(_outside(gu, np.matmul(u, inside_u), s, gs), vh)
    if v.shape[-2] > v.shape[-1]:
        ga = ga + np.matmul(u, adjoint(_outside(gv, np.matmul(v, inside_v), s, gs)))
    return (ga,)


def _outside(g: Any, inside: Any, s: Any, gs: Any) -> Any:
    """The part of a cotangent outside of the span of the singular vectors, divided by s.

    The divisor is a gap too: the other singular value is 0.
    """
    rest = g - inside
    unused = ~used(g)[..., None, :]
    moot = unused | negligible(rest, g) if gs is None else unused
    return quotient(rest, row(s), negligible(row(s), row(s)), moot)


defvjp(svd, joint=_svd, plain=True, partial=True)


@primitive
def complement(q: Any, *, near: Any) -> Any:
    """The orthonormal basis of the complement of the columns of q that is nearest to `near`.

    `near` is such a basis already, up to a small change of q.
    """
    rest = near - np.matmul(q, np.matmul(adjoint(q), near))
    return np.matmul(rest, 1.5 * eye(rest) - np.matmul(adjoint(rest), rest) / 2)


def _complement(g: Any, y: Any, q: Any, *, near: Any) -> Any:
    """-Y g^H q: y stays orthogonal when q turns. The choice of the basis does not depend on q."""
    turned = np.matmul(adjoint(y), g)
    require_no_phase("the null space", turned - adjoint(turned), g)
    return -np.matmul(y, np.matmul(adjoint(g), q))


defvjp(complement, _complement, plain=True)


def completed(q: Any, full: Any) -> Any:
    """q, completed by the last columns of the square orthogonal matrix `full`, whose first columns are q."""
    return np.concatenate([q, complement(q, near=full[..., q.shape[-1] :])], axis=-1)


SVDResult = type(np.linalg.svd(np.eye(1)))


def _np_svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """np.linalg.svd. The basis of the last vectors of `full_matrices=True` is arbitrary: they have a
    derivative only in functions that do not depend on it, such as a projection on the null space."""
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    u, s, vh = svd(a)[:3]
    if not compute_uv:
        return s
    if full_matrices and a.shape[-2] != a.shape[-1]:
        full_u, _, full_vh = np.linalg.svd(unwrap(a))
        if a.shape[-2] > a.shape[-1]:
            u = completed(u, full_u)
        else:
            vh = adjoint(completed(adjoint(vh), adjoint(full_vh)))
    return SVDResult(u, s, vh)


def _hermitian_svd(a: Any, compute_uv: bool) -> Any:
    """The decomposition from eigenvalues w: s = |w| in descending order, and V takes the signs."""
    w, v = np.linalg.eigh(a)
    order = np.argsort(np.abs(unwrap(w)), axis=-1)[..., ::-1]
    w = _in_order(w, order)
    s = np.abs(w)
    if not compute_uv:
        return s
    u = _in_order(v, order[..., None, :])
    return SVDResult(u, s, adjoint(u * row(np.sign(unwrap(w)))))


def _in_order(x: Any, order: Any) -> Any:
    """The entries along the last axis in another order."""
    grid = list(np.ogrid[tuple(map(slice, x.shape))])
    grid[-1] = order
    return x[tuple(grid)]


known[np.linalg.svd] = Composition(_np_svd)
known[np.linalg.svdvals] = Composition(lambda x: svd(x)[1])
