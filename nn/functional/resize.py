"""Functions that change the number of pixels of images and sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError, ShapeError

from .exactness import exact

__all__ = ["interpolate", "pixel_shuffle", "pixel_unshuffle"]

Array = npt.NDArray[Any]

_AXES = {"nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "linear": (1,), "bilinear": (2,)}
"""The modes, each with the numbers of spatial axes that it serves."""


@exact
def interpolate(
    input: Tensor | Array,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Any:
    """The input, resampled to another number of pixels along its spatial axes.

    Args:
        input: of shape (N, C, W), (N, C, H, W) or (N, C, D, H, W).
        size: the new length of each spatial axis, an int or one for each axis.
        scale_factor: multiplies the lengths, which are rounded down; the alternative to `size`.
        mode: "nearest" takes the pixel at the same corner, "nearest-exact" that at the same centre.
            "linear" (one spatial axis) and "bilinear" (two) interpolate.
        align_corners: in the linear modes, keep the centres of the corner pixels, not their outer edges.

    Raises:
        OptionError: both or none of `size` and `scale_factor` are given, or options exclude each other.
        ShapeError: the input has another number of axes.

    Example:
        >>> import numpy as np
        >>> interpolate(np.array([[[1.0, 2.0]]]), scale_factor=2)
        array([[[1., 1., 2., 2.]]])
        >>> interpolate(np.array([[[1.0, 2.0]]]), size=3, mode="linear", align_corners=True)
        array([[[1. , 1.5, 2. ]]])
    """
    if mode not in _AXES:
        raise OptionError(f"interpolate(mode={mode!r}): expected one of {', '.join(map(repr, _AXES))}")
    axes = input.ndim - 2
    if axes not in _AXES[mode]:
        expected = " or ".join("(N, C" + ", d" * n + ")" for n in _AXES[mode])
        raise ShapeError(f'interpolate(mode="{mode}") expects input of shape {expected}, got {input.shape}')
    if align_corners is not None and "linear" not in mode:
        raise OptionError(
            f"interpolate(align_corners={align_corners}): only linear modes take align_corners, not {mode!r}"
        )
    if (size is None) == (scale_factor is None):
        raise OptionError(
            f"interpolate(size={size}, scale_factor={scale_factor}): expected exactly one of the two"
        )
    given: Any = scale_factor if size is None else size
    wanted = list(given) if isinstance(given, (Sequence, np.ndarray)) else [given] * axes
    if len(wanted) != axes or min(wanted) <= 0:
        name = "scale_factor" if size is None else "size"
        raise OptionError(
            f"interpolate({name}={given!r}): expected a positive number, or {axes} of them for an input of "
            f"shape {input.shape}"
        )
    y: Any = input
    for axis, (n, number) in enumerate(zip(input.shape[2:], wanted, strict=True), start=2):
        m = math.floor(n * number) if size is None else int(number)
        step = 1 / number if size is None else n / m
        y = (
            _blended(y, axis, m, step, align_corners)
            if "linear" in mode
            else _nearest(y, axis, m, step, mode)
        )
    return y


def _nearest(x: Any, axis: int, m: int, step: float, mode: str) -> Any:
    n = x.shape[axis]
    if n and m % n == 0 and step == n / m:  # repeat each pixel m / n times
        repeated = np.broadcast_to(
            np.expand_dims(x, axis + 1), (*x.shape[: axis + 1], m // n, *x.shape[axis + 1 :])
        )
        return np.reshape(repeated, (*x.shape[:axis], m, *x.shape[axis + 1 :]))
    # In float32, as in PyTorch: in float64, rounding would choose other pixels at borders.
    centre = np.float32(0.5 if mode == "nearest-exact" else 0)
    places = np.floor((np.arange(m, dtype=np.float32) + centre) * np.float32(step)).astype(int)
    return np.take(x, np.minimum(places, n - 1), axis=axis)


def _blended(x: Any, axis: int, m: int, step: float, align_corners: bool | None) -> Any:
    """Linear interpolation between neighbouring pixels along an axis."""
    n = x.shape[axis]
    if align_corners:
        places = np.arange(m) * ((n - 1) / (m - 1) if m > 1 else 0.0)
    else:
        places = np.maximum((np.arange(m) + 0.5) * step - 0.5, 0.0)
    below = np.minimum(places.astype(int), n - 1)
    above = np.minimum(below + 1, n - 1)
    share = (places - below).astype(x.dtype).reshape(-1, *(1,) * (x.ndim - axis - 1))
    return np.take(x, below, axis=axis) * (1 - share) + np.take(x, above, axis=axis) * share


@exact
def pixel_shuffle(input: Tensor | Array, upscale_factor: int) -> Any:
    """Channels as pixels: (..., C r^2, H, W) becomes (..., C, H r, W r).

    Args:
        input: of shape (..., C r^2, H, W).
        upscale_factor: r.

    Raises:
        ShapeError: the number of channels is no multiple of r^2.

    Source:
        W. Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
        convolutional neural network", 2016.
    """
    r = upscale_factor
    if input.ndim < 3 or input.shape[-3] % r**2:
        raise ShapeError(f"pixel_shuffle expects (..., C * {r**2}, H, W), got {input.shape}")
    *batch, c, h, w = input.shape
    x = np.reshape(input, (*batch, c // r**2, r, r, h, w))
    x = np.moveaxis(x, (-4, -3), (-3, -1))
    return np.reshape(x, (*batch, c // r**2, h * r, w * r))


@exact
def pixel_unshuffle(input: Tensor | Array, downscale_factor: int) -> Any:
    """Pixels as channels: (..., C, H r, W r) becomes (..., C r^2, H, W), the inverse of `pixel_shuffle`.

    Args:
        input: of shape (..., C, H r, W r).
        downscale_factor: r.

    Raises:
        ShapeError: the height or the width is no multiple of r.
    """
    r = downscale_factor
    if input.ndim < 3 or input.shape[-2] % r or input.shape[-1] % r:
        raise ShapeError(f"pixel_unshuffle expects (..., C, H * {r}, W * {r}), got {input.shape}")
    *batch, c, h, w = input.shape
    x = np.reshape(input, (*batch, c, h // r, r, w // r, r))
    x = np.moveaxis(x, (-3, -1), (-4, -3))
    return np.reshape(x, (*batch, c * r**2, h // r, w // r))
