"""Sample images between their pixels, resize and smooth them.

Resizing and smoothing are linear along each axis: one matrix acts on the rows and one on the columns. Two
products treat all images and channels at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["gaussian_matrix", "resize_matrix", "sample"]

Array = npt.NDArray[Any]


def sample(images: Array, y: Array, x: Array, fill: float = 0.0, nearest: bool = False) -> Array:
    """The values of images at points between pixels.

    Args:
        images: images (N, C, H, W) of floats.
        y: row coordinates (N, h, w); 0 is the centre of the first pixel.
        x: column coordinates (N, h, w).
        fill: the value outside the image.
        nearest: take the value of the nearest pixel; by default interpolate between four pixels.

    Returns:
        Values (N, C, h, w).
    """
    N, C, H, W = images.shape
    framed = np.full((N, H + 2, W + 2, C), fill, images.dtype)
    framed[:, 1:-1, 1:-1] = np.moveaxis(images, 1, -1)
    pixels = framed.reshape(-1, C)
    y, x = np.clip(y + 1, 0, H + 1), np.clip(x + 1, 0, W + 1)
    top = np.rint(y) if nearest else np.minimum(np.floor(y), H)
    left = np.rint(x) if nearest else np.minimum(np.floor(x), W)
    first = (np.arange(N)[:, None, None] * (H + 2) + top.astype(np.intp)) * (W + 2) + left.astype(np.intp)
    if nearest:
        return np.moveaxis(pixels.take(first, axis=0), -1, 1)
    down, right = (y - top)[..., None], (x - left)[..., None]
    above = _between(pixels.take(first, axis=0), pixels.take(first + 1, axis=0), right)
    first += W + 2
    below = _between(pixels.take(first, axis=0), pixels.take(first + 1, axis=0), right)
    return np.moveaxis(_between(above, below, down), -1, 1)


def _between(a: Array, b: Array, share: Array) -> Array:
    """a + share (b - a), computed in place in b."""
    b -= a
    b *= share
    b += a
    return b


@lru_cache(maxsize=16)
def gaussian_matrix(n: int, sigma: float, radius: int | None = None) -> Array:
    """The (n, n) matrix that smooths n pixels with a Gaussian; the image is mirrored at the edges.

    Each row is a normal density of the distance, truncated and normalized to sum 1.

    Args:
        n: the number of pixels.
        sigma: the standard deviation, in pixels.
        radius: truncate after this number of pixels on each side; by default 4 sigma.
    """
    radius = int(8 * sigma + 1) // 2 if radius is None else radius
    distances = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (distances / sigma) ** 2)
    weights /= weights.sum()
    period = max(2 * n - 2, 1)
    folded = np.abs((np.arange(n)[:, None] + distances + n - 1) % period - (n - 1))
    matrix = np.zeros((n, n))
    np.add.at(matrix, (np.arange(n)[:, None], folded), weights)
    return matrix


@lru_cache(maxsize=16)
def resize_matrix(m: int, n: int, antialias: bool = True) -> Array:
    """The (m, n) matrix that resizes n pixels to m pixels by linear interpolation.

    Args:
        m: the new number of pixels.
        n: the old number of pixels.
        antialias: when shrinking, average over all old pixels within a new one; otherwise use only
            the two nearest.
    """
    step = n / m
    centres = (np.arange(m) + 0.5) * step - 0.5
    if not antialias:
        centres = np.clip(centres, 0, n - 1)
    reach = max(step, 1.0) if antialias else 1.0
    weights = np.maximum(0, 1 - np.abs(np.arange(n) - centres[:, None]) / reach)
    return np.asarray(weights / weights.sum(1, keepdims=True))
