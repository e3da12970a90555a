"""Resampling along one axis: which old pixels a new pixel is made of, and their weights. Plain NumPy."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["cubic", "cubic_taps", "filter_matrix", "linear_taps", "nearest_pixels"]

Array = npt.NDArray[Any]

SHARPNESS, SOFT_SHARPNESS = -0.75, -0.5
"""The slopes of the cubic kernel at distance 1, without and with antialiasing."""


def nearest_pixels(n: int, m: int, step: float, exact: bool) -> Array:
    """The old pixel of each of m new ones, at the same corner, or with `exact` at the same centre."""
    # In float32, as in PyTorch: in float64, rounding would choose other pixels at borders.
    centre = np.float32(0.5 if exact else 0)
    places = np.floor((np.arange(m, dtype=np.float32) + centre) * np.float32(step)).astype(int)
    return np.asarray(np.minimum(places, n - 1))


def _places(n: int, m: int, step: float, corners: bool) -> Array:
    """The coordinates of the new pixels; 0 is the centre of the first old pixel."""
    if corners:
        return np.arange(m) * ((n - 1) / (m - 1) if m > 1 else 0.0)
    return (np.arange(m) + 0.5) * step - 0.5


def linear_taps(n: int, m: int, step: float, corners: bool) -> tuple[Array, Array]:
    """The two old pixels around each new one, and their weights, both of shape (2, m)."""
    places = np.maximum(_places(n, m, step, corners), 0.0)
    below = np.minimum(places.astype(int), n - 1)
    share = places - below
    return np.stack([below, np.minimum(below + 1, n - 1)]), np.stack([1 - share, share])


def cubic_taps(n: int, m: int, step: float, corners: bool) -> tuple[Array, Array]:
    """The four old pixels around each new one, and their weights, both of shape (4, m)."""
    places = _places(n, m, step, corners)
    first = np.floor(places)
    pixels = first.astype(int) + np.arange(-1, 3)[:, None]
    return np.clip(pixels, 0, n - 1), np.stack(cubic(places - first))


def cubic(t: Any) -> list[Any]:
    """The weights of the four neighbours at the distances t + 1, t, 1 - t and 2 - t.

    Source:
        R. Keys, "Cubic convolution interpolation for digital image processing", 1981.
    """
    return [_outer(t + 1), _inner(t), _inner(1 - t), _outer(2 - t)]


def _inner(d: Any, a: float = SHARPNESS) -> Any:
    """The cubic kernel at a distance from 0 to 1."""
    return ((a + 2) * d - (a + 3)) * d * d + 1


def _outer(d: Any, a: float = SHARPNESS) -> Any:
    """The cubic kernel at a distance from 1 to 2."""
    return ((d - 5) * d + 8) * d * a - 4 * a


@lru_cache(maxsize=32)
def filter_matrix(n: int, m: int, step: float, is_cubic: bool) -> Array:
    """The (m, n) matrix of antialiased resampling: each new pixel averages over all old ones within it."""
    width = max(step, 1.0)
    reach = (2 if is_cubic else 1) * width
    centres = (np.arange(m)[:, None] + 0.5) * step
    first = np.maximum((centres - reach + 0.5).astype(int), 0)
    last = np.minimum((centres + reach + 0.5).astype(int), n)
    pixels = np.arange(n)
    d = np.abs(pixels + 0.5 - centres) / width
    if is_cubic:
        soft = SOFT_SHARPNESS
        weights = np.where(d < 1, _inner(d, soft), np.where(d < 2, _outer(d, soft), 0))
    else:
        weights = np.maximum(1 - d, 0)
    weights = np.where((pixels >= first) & (pixels < last), weights, 0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
