"""Functions that change the number of pixels of images and sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, OptionError, ShapeError

from .adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from .exactness import exact
from .taps import cubic_taps, filter_matrix, linear_taps, nearest_pixels

__all__ = [
    "channel_shuffle",
    "interpolate",
    "pixel_shuffle",
    "pixel_unshuffle",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]

Array = npt.NDArray[Any]

_AXES = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
    "area": (1, 2, 3),
}
"""The modes, each with the numbers of spatial axes that it serves."""

_BLENDED = ("linear", "bilinear", "bicubic", "trilinear")
_AREA = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}


@exact
def interpolate(
    input: Tensor | Array,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """The input, resampled to another number of pixels along its spatial axes.

    Args:
        input: of shape (N, C, W), (N, C, H, W) or (N, C, D, H, W).
        size: the new length of each spatial axis, an int or one for each axis.
        scale_factor: multiplies the lengths, which are rounded down; the alternative to `size`.
        mode: "nearest" takes the pixel at the same corner, "nearest-exact" that at the same centre.
            "linear" (one spatial axis), "bilinear" (two) and "trilinear" (three) blend neighbouring pixels,
            "bicubic" (two) blends four along each axis. "area" takes the mean of the pixels within.
        align_corners: in the blending modes, keep the centres of the corner pixels, not their outer edges.
        recompute_scale_factor: use the quotient of the lengths in place of `scale_factor`.
        antialias: in "bilinear" and "bicubic", average over all old pixels within a new one.

    Raises:
        OptionError: both or none of `size` and `scale_factor` are given, or options exclude each other.
        ShapeError: the input has another number of axes.
        DTypeError: a blending mode gets integers.

    Source:
        R. Keys, "Cubic convolution interpolation for digital image processing", 1981.

    Example:
        >>> import numpy as np
        >>> interpolate(np.array([[[1.0, 2.0]]]), scale_factor=2)
        array([[[1., 1., 2., 2.]]])
        >>> interpolate(np.array([[[1.0, 2.0]]]), size=3, mode="linear", align_corners=True)
        array([[[1. , 1.5, 2. ]]])
    """
    _check_mode(input, mode, align_corners, antialias)
    sizes, steps = _sizes_and_steps(input, size, scale_factor, recompute_scale_factor)
    if mode == "area":
        return _AREA[len(sizes)](input, sizes)
    y: Any = input
    for axis, (m, step) in enumerate(zip(sizes, steps, strict=True), start=2):
        n = input.shape[axis]
        if mode not in _BLENDED:
            y = _nearest(y, axis, m, step, mode)
        elif antialias:
            corners = (n - 1) / (m - 1) if m > 1 else 0.0
            matrix = filter_matrix(n, m, corners if align_corners else step, mode == "bicubic")
            y = np.moveaxis(np.moveaxis(y, axis, -1) @ matrix.T.astype(y.dtype), -1, axis)
        else:
            taps = cubic_taps if mode == "bicubic" else linear_taps
            y = _blended(y, axis, *taps(n, m, step, bool(align_corners)))
    return y


def _check_mode(input: Any, mode: str, align_corners: bool | None, antialias: bool) -> None:
    if mode not in _AXES:
        raise OptionError(f"interpolate(mode={mode!r}): expected one of {', '.join(map(repr, _AXES))}")
    if input.ndim - 2 not in _AXES[mode]:
        expected = " or ".join("(N, C" + ", d" * n + ")" for n in _AXES[mode])
        raise ShapeError(f'interpolate(mode="{mode}") expects input of shape {expected}, got {input.shape}')
    if align_corners is not None and mode not in _BLENDED:
        raise OptionError(
            f"interpolate(align_corners={align_corners}): only linear modes and bicubic take it, not {mode!r}"
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        raise OptionError(
            f'interpolate(antialias=True): only "bilinear" and "bicubic" take antialias, not {mode!r}'
        )
    if mode in _BLENDED and input.dtype.kind not in "fc":
        raise DTypeError(
            f"interpolate(mode={mode!r}): expected floats, got {input.dtype}; write x.astype(float)"
        )


def _sizes_and_steps(
    input: Any, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[list[int], list[float]]:
    """The new length of each spatial axis, and the distance of new pixels in old ones."""
    axes = input.ndim - 2
    if (size is None) == (scale_factor is None):
        raise OptionError(
            f"interpolate(size={size}, scale_factor={scale_factor}): expected exactly one of the two"
        )
    if recompute and size is not None:
        raise OptionError("interpolate(recompute_scale_factor=True): expected scale_factor in place of size")
    given: Any = scale_factor if size is None else size
    wanted = list(given) if isinstance(given, (Sequence, np.ndarray)) else [given] * axes
    if len(wanted) != axes or min(wanted) <= 0:
        name = "scale_factor" if size is None else "size"
        raise OptionError(
            f"interpolate({name}={given!r}): expected a positive number, or {axes} of them for an input of "
            f"shape {input.shape}"
        )
    pairs = list(zip(input.shape[2:], wanted, strict=True))
    if size is not None:
        return [int(m) for _, m in pairs], [n / int(m) for n, m in pairs]
    sizes = [math.floor(n * factor) for n, factor in pairs]
    if min(sizes) < 1:
        raise ShapeError(
            f"interpolate(scale_factor={given!r}): nothing is left of an input of shape {input.shape}"
        )
    steps = [n / m if recompute else 1 / factor for m, (n, factor) in zip(sizes, pairs, strict=True)]
    return sizes, steps


def _nearest(x: Any, axis: int, m: int, step: float, mode: str) -> Any:
    n = x.shape[axis]
    if n and m % n == 0 and step == n / m:  # repeat each pixel m / n times
        repeated = np.broadcast_to(
            np.expand_dims(x, axis + 1), (*x.shape[: axis + 1], m // n, *x.shape[axis + 1 :])
        )
        return np.reshape(repeated, (*x.shape[:axis], m, *x.shape[axis + 1 :]))
    return np.take(x, nearest_pixels(n, m, step, mode == "nearest-exact"), axis=axis)


def _blended(x: Any, axis: int, pixels: Array, weights: Array) -> Any:
    """The weighed sum of some pixels along an axis."""
    weights = weights.astype(x.dtype).reshape(*weights.shape, *(1,) * (x.ndim - axis - 1))
    return sum(np.take(x, p, axis=axis) * w for p, w in zip(pixels, weights, strict=True))


def upsample(
    input: Tensor | Array,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Any:
    """The former name of `interpolate`, with the same arguments."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor | Array,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Any:
    """`interpolate` with the mode "nearest"."""
    return interpolate(input, size, scale_factor)


def upsample_bilinear(
    input: Tensor | Array,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Any:
    """`interpolate` with the mode "bilinear" and with `align_corners`."""
    return interpolate(input, size, scale_factor, "bilinear", True)


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


@exact
def channel_shuffle(input: Tensor | Array, groups: int) -> Any:
    """Channels in another order: (g, c) of g groups of c channels becomes (c, g).

    Args:
        input: of shape (N, C, ...).
        groups: the number of groups.

    Raises:
        ShapeError: the number of channels is no multiple of the number of groups.

    Source:
        X. Zhang et al., "ShuffleNet: an extremely efficient convolutional neural network", 2018.

    Example:
        >>> import numpy as np
        >>> channel_shuffle(np.arange(4.0).reshape(1, 4, 1, 1), 2).ravel().tolist()
        [0.0, 2.0, 1.0, 3.0]
    """
    if input.ndim < 3 or input.shape[1] % groups:
        raise ShapeError(f"channel_shuffle expects (N, C * {groups}, ...), got {input.shape}")
    n, c, *rest = input.shape
    x = np.swapaxes(np.reshape(input, (n, groups, c // groups, *rest)), 1, 2)
    return np.reshape(x, input.shape)
