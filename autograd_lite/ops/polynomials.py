"""Polynomials, given by their coefficients with the highest power first."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..arrays import agreed, asarray, every, ones, unwrap, zeros
from ..errors import UnsupportedError
from ..known import Composition, defvjp, known
from ..sums import total
from ..tensor import Tensor

__all__: list[str] = []


def _polyval(p: Any, x: Any) -> Any:
    """Horner's rule: ((p0 x + p1) x + p2) x + ..."""
    p, x = asarray(p), asarray(x)
    y: Any = np.zeros_like(unwrap(x))
    for i in range(len(p)):
        y = y * x + p[i]
    return y


def _polyder(p: Any, m: int = 1) -> Any:
    """The m-th derivative."""
    if m < 0:
        raise ValueError(f"m={m}; expected m >= 0, and np.polyint for integrals")
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The m-th integral; k holds one constant for each integration, or one for all."""
    if m < 0:
        raise ValueError(f"m={m}; expected m >= 0, and np.polyder for derivatives")
    k = np.reshape(0.0 if k is None else k, -1)
    if len(k) == 1:
        k = np.broadcast_to(k, (max(m, 1),))
    if len(k) < m:
        raise ValueError(f"k has {len(k)} constants; expected 1, or m={m}")
    p = asarray(p)
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), np.reshape(k[i], 1)])
    return p


def _polyadd(a1: Any, a2: Any) -> Any:
    """The sum, aligned at the constants, which are last."""
    a1, a2 = np.atleast_1d(a1), np.atleast_1d(a2)
    short = len(a2) - len(a1)
    return _longer(a1, short) + _longer(a2, -short)


def _longer(p: Any, by: int) -> Any:
    """Higher powers with coefficient 0 in front of p."""
    return np.concatenate([zeros(by, like=p), p]) if by > 0 else p


def _polymul(a1: Any, a2: Any) -> Any:
    """The product; as in NumPy, leading coefficients 0 are dropped."""
    return np.convolve(_stripped(a1), _stripped(a2))


def _stripped(p: Any) -> Any:
    p = np.atleast_1d(p)
    if p.shape == (0,):
        return zeros(1, like=p)
    lead = np.flatnonzero(agreed(unwrap(p) != 0))
    return p[lead[0] :] if lead.size else p[-1:]


known[np.polyval] = Composition(_polyval)
known[np.polyder] = Composition(_polyder)
known[np.polyint] = Composition(_polyint)
known[np.polyadd] = Composition(_polyadd)
known[np.polysub] = Composition(lambda a1, a2: _polyadd(a1, -asarray(a2)))
known[np.polymul] = Composition(_polymul)


def _polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """Long division: the quotient, and the remainder without leading coefficients that are almost 0."""
    u, v = np.atleast_1d(u) + 0.0, np.atleast_1d(v) + 0.0
    quotient, rest = [], u
    for _ in range(len(u) - len(v) + 1):
        q = rest[0] / v[0]
        rest = np.concatenate([rest[1 : len(v)] - q * v[1:], rest[len(v) :]])
        quotient.append(q)
    while len(rest) > 1 and agreed(np.isclose(unwrap(rest[0]), 0, rtol=1e-14)):
        rest = rest[1:]
    zero = Tensor(zeros(1, like=rest))
    return np.stack(quotient) if quotient else zero, rest if len(rest) else zero


def _polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """Least squares in the powers of x, each scaled to norm 1 as in NumPy."""
    if full or cov:
        raise UnsupportedError(
            "np.polyfit of Tensors returns the coefficients alone; write np.polyfit(x, y, deg) without full "
            "and cov"
        )
    x, y = asarray(x) + 0.0, asarray(y) + 0.0
    if deg < 0 or x.ndim != 1 or not x.size or y.ndim not in (1, 2) or len(y) != len(x):
        raise ValueError(
            f"x has shape {x.shape}, y has {y.shape}, deg={deg}; expected (n,), (n,) or (n, k), and deg >= 0"
        )
    powers = np.stack([x**k for k in range(deg, -1, -1)], axis=1)
    if w is not None:
        w = asarray(w)
        powers = powers * w[:, None]
        y = y * (w if y.ndim == 1 else w[:, None])
    size = np.sqrt(total(powers * powers, 0))
    rcond = len(x) * float(np.finfo(x.dtype).eps) if rcond is None else rcond
    p, _, rank, _ = np.linalg.lstsq(powers / size, y, rcond)
    if rank <= deg:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=4)
    return (p.T / size).T


known[np.polyfit] = Composition(_polyfit)


def _poly(seq_of_zeros: Any) -> Any:
    """The product of all x - z over the zeros z; real if the zeros come in conjugate pairs."""
    roots = np.atleast_1d(seq_of_zeros)
    if roots.ndim == 2:
        roots = np.linalg.eigvals(roots)
    one = ones(1, like=roots)
    p: Any = one
    for i in range(len(roots)):
        p = np.convolve(p, np.concatenate([one, np.reshape(-roots[i], 1)]))
    raw = unwrap(roots)
    paired = raw.dtype.kind == "c" and every(np.sort(raw) == np.sort(np.conjugate(raw)))
    return np.real(p) if paired else p


def _roots(g: Any, y: Any, p: Any) -> Any:
    """From p(r) = 0: the derivative of a root r by the coefficient of r^k is -r^k / p'(r)."""
    slope = np.polyval(np.polyder(p).astype(p.dtype), y)
    powers = np.stack([y**k for k in range(len(p) - 1, -1, -1)], axis=1)
    return -total(np.reshape(g / slope, (-1, 1)) * powers, 0)


known[np.polydiv] = Composition(_polydiv)
known[np.poly] = Composition(_poly)
defvjp(np.roots, _roots)
