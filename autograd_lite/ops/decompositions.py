"""Decompositions of matrices: eigenvalues, singular values, QR, Cholesky.

The vectors of a decomposition turn by the change of the matrix divided by the gap between two values,
w_j - w_i. Where a gap has closed, the vectors are arbitrary, and what their rules do is this:

- Only the values were used: no gap is divided by. The nuclear norm of a matrix with equal singular
  values, or a sum over equal eigenvalues, has its finite derivative; if the function is symmetric in
  them, of second order too (`equal.py`). Nor does a gap between two that
  were not used at all matter, such as those that an approximation of lower rank leaves out.
- Only the vectors were used, and their cotangent does not tell those of equal values from each other
  (up to rounding), as in U V^H, or in a projection V V^H on all of them: the term is 0 / 0 for every
  matrix near, and counts as 0.
- Otherwise the derivative does not exist, or cannot be told from these numbers (in V f(w) V^H the term
  would be f'(w)), and the gradient is NaN. A gap counts as closed when it is within rounding.

The phases of complex vectors are arbitrary as well: a function that depends on them is refused.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import some, unwrap, zeros
from ..errors import NotDifferentiableError, UnsupportedError
from ..known import Composition, defvjp, known
from .equal import accompanied, alike, answered, channels, probe_of, spread_evenly, tilted, vanishing
from .products import adjoint, conj

__all__: list[str] = []

ROUNDING = 16
"""How many times n eps a number of size 1 may be off and still count as 0."""

# -- gaps ------------------------------------------------------------------------------------------


def quotient(numerator: Any, gap: Any, closed: Any, moot: Any) -> Any:
    """numerator / gap; where the gap has closed 0 if that entry is moot, else NaN.

    The NaN is a factor, so that in forward mode, which differentiates by the numerator, it stays.
    """
    if not some(closed):
        return numerator / gap
    factor = np.where(moot, 0, np.nan).astype(numerator.dtype)
    return np.where(closed, numerator * factor, numerator / np.where(closed, 1, gap))


def negligible(x: Any, size: Any) -> Any:
    """Where x is no more than rounding beside the largest entry of `size`, matrix by matrix."""
    x, size = np.abs(unwrap(x)), np.abs(unwrap(size))
    level = ROUNDING * max(size.shape[-2:]) * np.finfo(x.dtype).eps
    return x <= level * np.max(size, axis=(-2, -1), keepdims=True, initial=0)


def used(*cotangents: Any) -> Any:
    """Which vectors, in columns, or values, in one row, got a cotangent that is not all 0."""
    columns = [np.any(unwrap(g) != 0, axis=-2) for g in cotangents if g is not None]
    return functools.reduce(np.logical_or, columns)


def row(values: Any) -> Any:
    """Eigenvalues or singular values as a row, which scales the columns of a matrix."""
    return np.expand_dims(values, -2)


def eye(x: Any) -> Any:
    """The identity in the size and real dtype of a square matrix."""
    return np.eye(x.shape[-1], dtype=np.finfo(x.dtype).dtype)


def require_no_phase(name: str, phases: Any, size: Any) -> None:
    """Refuse a cotangent along the phases (or, more generally, the basis) that NumPy happened to choose:
    what is far more than rounding, in a cotangent that is more than rounding."""
    phases, size = np.abs(unwrap(phases)), np.max(np.abs(unwrap(size)), initial=0)
    if some(phases > np.maximum(1e-3 * size, np.finfo(phases.dtype).eps ** 0.75)):
        raise NotDifferentiableError(
            f"the loss depends on a choice that {name} is free to make, the phases of complex vectors or the "
            "basis of a subspace, so it has no derivative; use expressions that do not depend on it, such as "
            "np.abs(v) or v @ v.conj().mT"
        )


# -- hermitian matrices ----------------------------------------------------------------------------


@primitive
def from_triangle(a: Any, *, uplo: Any = "L") -> Any:
    """The hermitian matrix that one triangle of `a` stands for, as eigh and cholesky read it.

    By convention the cotangent is shared out to both triangles, so that the gradient of a function
    of a symmetric matrix is symmetric.
    """
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"the shape {a.shape} is not that of a square matrix")
    a = a if a.dtype.kind in "fc" else a.astype(float)
    half = np.tril(a, -1) if uplo.upper() == "L" else np.triu(a, 1)
    return half + adjoint(half) + np.tril(np.triu(np.real(a)))


defvjp(from_triangle, lambda g, y, a, *, uplo="L": (g + adjoint(g)) / 2, plain=True)


def mirrored(x: Any) -> Any:
    """The lower triangle of x, copied to the upper one; the diagonal made real."""
    low = np.tril(x)
    return (low + adjoint(low)) * (1 - eye(x) / 2)


# -- eigenvalues of hermitian matrices -------------------------------------------------------------


@primitive
def eigh(a: Any, *, uplo: Any = "L") -> Any:
    """Eigenvalues in ascending order, eigenvectors in columns, and zeros (see `equal.py`), of a hermitian
    matrix."""
    w, v = np.linalg.eigh(a, uplo)
    return (w, v, *channels(v, w))


@primitive
def with_values(g: Any, w: Any, v: Any, bend: Any, probe: Any) -> Any:
    """V diag(g) V^H, the matrix with eigenvalues g in place of w."""
    return np.matmul(v * row(g), adjoint(v))


@primitive
def pinched(x: Any, w: Any, v: Any, bend: Any, probe: Any, *, _groups: Any) -> Any:
    """The diagonal of V^H x V, evenly spread over equal values, and a probe: the adjoint of `with_values`."""
    turned = _turned(x, v)
    return spread_evenly(np.sum(np.real(turned) * eye(v), axis=-1), _groups) + _probe(turned, w, _groups)[0]


def _turned(x: Any, v: Any) -> Any:
    return np.matmul(np.matmul(adjoint(v), (x + adjoint(x)) / 2), v)


def _probe(turned: Any, w: Any, groups: Any) -> tuple[Any, Any]:
    size = np.sqrt(np.sum(np.abs(unwrap(turned)) ** 2, axis=(-2, -1)))
    return probe_of(groups, np.zeros(w.shape, bool), size), size


def _through_vectors(x: Any, g: Any, w: Any, v: Any, groups: Any) -> tuple[Any, Any, Any]:
    """What <x, V diag(g) V^H> sends back: with H = V^H x V, V H_ij (g_j - g_i) to V, and for equal values a
    bend and a probe."""
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
    """Which matrices of a stack sent nothing to their vectors: another matrix, or another argument, is asked
    about, and the values alone hear of it."""
    used_ones = [np.any(unwrap(x) != 0, axis=(-2, -1), keepdims=True) for x in vectors]
    return ~functools.reduce(np.logical_or, used_ones)


def _moot(numerator: Any, size: Any, gw: Any, *vectors: Any) -> Any:
    """Where a closed gap does not matter: neither of the two was used, or the values were not, and the
    vectors only in a way that does not tell them apart."""
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
    """V^-H (diag(gw) + (V^H gV - V^H V diag(Re V^H gV)) / conj(w_j - w_i)) V^H: the second part keeps
    the eigenvectors at length 1. NaN for a matrix without a basis of eigenvectors, whose eigenvalues
    part infinitely fast."""
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

# -- singular values -------------------------------------------------------------------------------


@primitive
def svd(a: Any) -> Any:
    """U, s, V^H with as many singular vectors as singular values, and zeros (see `equal.py`)."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return (u, s, vh, *channels(a, s))


@primitive
def with_singular_values(g: Any, s: Any, u: Any, vh: Any, bend: Any, probe: Any) -> Any:
    """U diag(g) V^H, the matrix with g in place of the singular values s."""
    return np.matmul(u * row(g), vh)


@primitive
def pinched_singular(
    x: Any, s: Any, u: Any, vh: Any, bend: Any, probe: Any, *, _groups: Any, _zero: Any
) -> Any:
    """The diagonal of U^H x V, evenly spread over equal values, and a probe: the adjoint of
    `with_singular_values`. 0 where s is 0, and g too."""
    diagonal = np.sum(np.real(np.matmul(np.matmul(adjoint(u), x), adjoint(vh))) * eye(s), axis=-1)
    return np.where(_zero, 0, spread_evenly(diagonal, _groups)) + _singular_probe(x, _groups, _zero)[0]


def _singular_probe(x: Any, groups: Any, zero: Any) -> tuple[Any, Any]:
    size = np.sqrt(np.sum(np.abs(unwrap(x)) ** 2, axis=(-2, -1)))
    return probe_of(groups, zero, size), size


def _through_singular_vectors(
    x: Any, g: Any, s: Any, u: Any, vh: Any, groups: Any, zero: Any
) -> tuple[Any, Any, Any, Any]:
    """As for eigenvalues, with the hermitian part of H = U^H x V. Where s is 0, and g is too, -s would do as
    well, and then H is bent as a whole, with what it has outside of the span of U and V."""
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

    and what gU and gV have outside of the span of U and V, divided by s. Written in these two fractions,
    the first vanishes for functions of U V^H.

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
    zero = one if p.dtype.kind != "c" else 0 * one  # where p - q is 0, whatever is divided by
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
    """What a cotangent has outside of the span of the singular vectors, divided by s: there the other
    singular value is 0."""
    rest = g - inside
    unused = ~used(g)[..., None, :]
    moot = unused | negligible(rest, g) if gs is None else unused
    return quotient(rest, row(s), negligible(row(s), row(s)), moot)


defvjp(svd, joint=_svd, plain=True, partial=True)


@primitive
def complement(q: Any, *, near: Any) -> Any:
    """An orthonormal basis of all that is orthogonal to the columns of q; the one that is near the array
    `near`, where it is one already but for what q has been moved by."""
    rest = near - np.matmul(q, np.matmul(adjoint(q), near))
    return np.matmul(rest, 1.5 * eye(rest) - np.matmul(adjoint(rest), rest) / 2)


def _complement(g: Any, y: Any, q: Any, *, near: Any) -> Any:
    """-Y g^H q: y leaves q's way as q turns. Which basis it is does not come from q."""
    turned = np.matmul(adjoint(y), g)
    require_no_phase("the null space", turned - adjoint(turned), g)
    return -np.matmul(y, np.matmul(adjoint(g), q))


defvjp(complement, _complement, plain=True)


def _completed(q: Any, full: Any) -> Any:
    """q with the further columns of a square orthogonal matrix whose first columns it is."""
    return np.concatenate([q, complement(q, near=full[..., q.shape[-1] :])], axis=-1)


SVDResult = type(np.linalg.svd(np.eye(1)))


def _np_svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """The last vectors of `full_matrices=True` have a derivative only as far as their basis does not
    matter, as in a projection on the null space."""
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    u, s, vh = svd(a)[:3]
    if not compute_uv:
        return s
    if full_matrices and a.shape[-2] != a.shape[-1]:
        full_u, _, full_vh = np.linalg.svd(unwrap(a))
        if a.shape[-2] > a.shape[-1]:
            u = _completed(u, full_u)
        else:
            vh = adjoint(_completed(adjoint(vh), adjoint(full_vh)))
    return SVDResult(u, s, vh)


def _hermitian_svd(a: Any, compute_uv: bool) -> Any:
    """From the eigenvalues: s = |w| in descending order, and the sign goes to V."""
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

# -- QR --------------------------------------------------------------------------------------------


@primitive
def qr(a: Any) -> Any:
    """Q with orthonormal columns and R, for a matrix with at least as many rows as columns."""
    return tuple(np.linalg.qr(a))


def _qr(g: Any, y: Any, a: Any) -> tuple[Any]:
    """(gQ + Q M) R^-H, M the hermitian matrix with the upper triangle of gR R^H - gQ^H Q.

    Source:
        S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions", 2010.
    """
    (gq, gr), (q, r) = g, y
    if gq is None:
        ga = np.matmul(q, mirrored(np.matmul(r, adjoint(gr))))
    else:
        lower = -np.matmul(adjoint(gq), q)
        ga = gq + np.matmul(q, mirrored(lower if gr is None else lower + np.matmul(r, adjoint(gr))))
    return (adjoint(np.linalg.solve(r, adjoint(ga))),)


defvjp(qr, joint=_qr, plain=True, partial=True)

QRResult = type(np.linalg.qr(np.eye(1)))


def _np_qr(a: Any, mode: str = "reduced") -> Any:
    """The last columns of a complete Q have a derivative only as far as their basis does not matter."""
    if mode not in ("reduced", "complete", "r"):
        raise UnsupportedError(f"np.linalg.qr(..., mode={mode!r}) cannot be recorded; write mode='reduced'")
    if len(a.shape) < 2:
        raise ValueError("a vector has no QR decomposition; expected a matrix, or a stack of them")
    rows, columns = a.shape[-2:]
    q, r = qr(a[..., :rows] if rows < columns else a)
    if rows < columns:
        r = np.concatenate([r, np.matmul(adjoint(q), a[..., rows:])], axis=-1)
    if mode == "r":
        return r
    if mode == "complete" and rows > columns:
        q = _completed(q, np.linalg.qr(unwrap(a), "complete")[0])
        r = np.concatenate([r, zeros((*r.shape[:-2], rows - columns, columns), like=r)], axis=-2)
    return QRResult(q, r)


known[np.linalg.qr] = Composition(_np_qr)

# -- Cholesky --------------------------------------------------------------------------------------


@primitive
def cholesky(a: Any) -> Any:
    """The lower triangular L of a = L L^H."""
    return np.linalg.cholesky(a)


def _cholesky(g: Any, y: Any, a: Any) -> Any:
    """1/2 L^-H M L^-1, M the hermitian matrix with the lower triangle of L^H g.

    Source:
        I. Murray, "Differentiation of the Cholesky decomposition", 2016.
    """
    down = adjoint(y)
    half = np.linalg.solve(down, mirrored(np.matmul(down, g)) / 2)
    return adjoint(np.linalg.solve(down, adjoint(half)))


def _np_cholesky(a: Any, *, upper: bool = False) -> Any:
    factor = cholesky(from_triangle(a, uplo="U" if upper else "L"))
    return adjoint(factor) if upper else factor


defvjp(cholesky, _cholesky, plain=True)
known[np.linalg.cholesky] = Composition(_np_cholesky)
