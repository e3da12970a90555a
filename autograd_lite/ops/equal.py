"""Second derivatives of symmetric functions of equal eigenvalues or singular values.

The gradient of a symmetric function F of the eigenvalues, such as a sum of f(w_i), is V diag(g) V^H with
g_i = f'(w_i). If the matrix moves by H, the entry (i, j) of this gradient, in the basis V, moves by
H_ij (g_j - g_i) / (w_j - w_i). Between equal values it moves by f''(w) H_ij. The value of f'' does not follow
from w and g, but the derivative of g gives it. By symmetry this derivative maps numbers at equal values that
add up to 0 to a multiple of themselves, and the multiple is f''.

So the derivative of V diag(g) V^H adds these numbers, the *probe*, to the cotangent of g. The entries of H
between equal values, the *bend*, wait for the answer. Both travel as cotangents of two extra outputs of the
decomposition, which are always 0. The rule of the decomposition compares the answer with the probe, and
multiplies the bend by the multiple.

For F = sum(w^2) at the identity, g = 2 w, and the probe (t, -t) returns as (2 t, -2 t): f'' is 2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..apply import primitive
from ..arrays import owned, unwrap, zeros
from ..known import defvjp

__all__ = [
    "Answer",
    "alike",
    "answered",
    "channels",
    "probe_of",
    "spread_evenly",
    "tilted",
    "together",
    "vanishing",
]

SLOPE = 1e3
"""The largest slope of a smooth f', with f' and its argument relative to their largest values."""


def together(w: Any) -> Any:
    """Which pairs of the sorted values are equal, or so near that a difference quotient loses half of its
    digits: a boolean matrix."""
    size = np.max(np.abs(w), axis=-1, keepdims=True, initial=0)
    apart = np.abs(np.diff(w, axis=-1)) > np.sqrt(np.finfo(w.dtype).eps) * size
    group = np.cumsum(np.concatenate([np.zeros_like(w[..., :1], bool), apart], axis=-1), axis=-1)
    return group[..., :, None] == group[..., None, :]


def alike(g: Any, w: Any) -> Any:
    """The groups of equal values for which g is equal too; other groups are split into single values."""
    groups = together(w)
    of_g, of_w = (np.max(np.abs(x), axis=-1, initial=0)[..., None, None] for x in (g, w))
    rounding = w.shape[-1] * np.finfo(w.dtype).eps
    near = np.abs(_differences(w)) / np.where(of_w == 0, 1, of_w) + rounding
    odd = np.any(groups & (np.abs(_differences(g)) > SLOPE * near * of_g), axis=-1)
    whole = ~np.any(groups & odd[..., None, :], axis=-1)
    return np.where(whole[..., None], groups, np.eye(w.shape[-1], dtype=bool))


def vanishing(g: Any, s: Any) -> Any:
    """Where a singular value is 0, up to half of its digits, and g is 0 too, as for an even function."""
    of_g, of_s = (np.max(np.abs(x), axis=-1, initial=0)[..., None] for x in (g, s))
    eps = np.finfo(s.dtype).eps
    small = s <= np.sqrt(eps) * of_s
    return small & (np.abs(g) <= SLOPE * (s / np.where(of_s == 0, 1, of_s) + s.shape[-1] * eps) * of_g)


def _differences(x: Any) -> Any:
    return x[..., :, None] - x[..., None, :]


def spread_evenly(x: Any, groups: Any) -> Any:
    """For each value, the mean over its group."""
    return _within(groups, x) / np.sum(groups, axis=-1).astype(x.dtype)


def probe_of(groups: Any, zero: Any, size: Any) -> Any:
    """Numbers of length `size` in each group that add up to 0; equal numbers where the values are 0."""
    places = np.broadcast_to(np.arange(groups.shape[-1], dtype=size.dtype), groups.shape[:-1])
    pattern = np.where(zero, 1, places - spread_evenly(places, groups))
    length = np.sqrt(_within(groups, pattern * pattern))
    return (pattern / np.where(length == 0, 1, length) * size[..., None]).astype(size.dtype)


def channels(a: Any, w: Any) -> tuple[Any, Any]:
    """The two extra outputs, always 0: for the bend, in the shape of a; for the three rows of the probe."""
    return np.zeros_like(a), zeros((*w.shape[:-1], 3, w.shape[-1]), like=w)


def accompanied(probe: Any, size: Any, g: Any, w: Any) -> Any:
    """Three rows: the probe, the number of probes (0 if none), and the expected size of the answer."""
    of_g, of_w = (np.max(np.abs(x), axis=-1, initial=0) for x in (g, w))
    others = (size > 0), size * of_g / np.where(of_w == 0, 1, of_w)
    rows = [np.broadcast_to(x[..., None], probe.shape).astype(probe.dtype) for x in others]
    return np.stack([probe, *rows], axis=-2)


class Answer(NamedTuple):
    """The answer to a probe.

    Attributes:
        multiple: the multiple for each value.
        rest: the cotangent of the values without the probe.
        pairs: the pairs of equal values that the probe was sent for.
        zeros: the pairs among these whose values are 0.
    """

    multiple: Any
    rest: Any
    pairs: Any
    zeros: Any


def answered(gw: Any, w: Any, probe: Any) -> Answer:
    """Separate the answer to the probe from the rest of the cotangent of the values.

    The multiple is NaN for a mixture of several probes, and for an answer that is no multiple of the probe.
    """
    groups, raw = together(unwrap(w)), unwrap(probe)
    sent, several, expected = raw[..., 0, :], raw[..., 1, :] > 1, raw[..., 2, :]
    power = _within(groups, sent * sent)
    asked, zero = power > 0, _within(groups, sent) ** 2 > power / 2
    gw = np.zeros_like(sent) if gw is None else gw
    multiple = _within(groups, gw * sent) / np.where(asked, power, 1)
    rest = gw - multiple * sent
    uneven = np.abs(unwrap(rest) - np.where(zero, 0, spread_evenly(unwrap(rest), groups)))
    rounding = 1e-3 * np.max(np.abs(unwrap(gw)), axis=-1, keepdims=True, initial=0)
    odd = uneven > rounding + 1e4 * np.finfo(sent.dtype).eps * expected
    unknown = asked & (several | (_within(groups, odd) > 0))
    multiple = multiple * np.where(unknown, np.nan, 1).astype(sent.dtype)
    pairs = groups & asked[..., None]
    return Answer(multiple, rest, pairs, pairs & zero[..., None])


def _within(groups: Any, x: Any) -> Any:
    """For each value, the sum over its group."""
    return np.sum(groups * np.expand_dims(x, -2), axis=-1)


@primitive
def tilted(v: Any) -> Any:
    """v, without a known derivative: the answer is a second derivative at one matrix, and its own derivative
    would be of third order."""
    return owned(v)


defvjp(tilted, lambda g, y, v: g * g.dtype.type(np.nan))
