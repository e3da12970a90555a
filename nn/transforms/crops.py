"""Pad, crop, shift, flip, resize and erase."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from autograd_lite.errors import OptionError, ShapeError

from ..kernels.warp import resize_matrix
from ..options import check_number
from .base import InterpolationMode, Transform, pair, rounded

__all__ = [
    "CenterCrop",
    "Pad",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomShift",
    "RandomVerticalFlip",
    "Resize",
]

Array = npt.NDArray[Any]
Padding = int | Sequence[int]


class Pad(Transform):
    """Add pixels around an image.

    Args:
        padding: an int for all sides, (left and right, top and bottom), or (left, top, right, bottom).
        fill: the value of the new pixels.
        padding_mode: "constant" uses `fill`; "edge", "reflect" or "symmetric" continue the image.
    """

    def __init__(self, padding: Padding, fill: float = 0, padding_mode: str = "constant") -> None:
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode
        checked_sides("Pad", padding, padding_mode)

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """All images get the same padding."""
        return padded(
            images, checked_sides("Pad", self.padding, self.padding_mode), self.fill, self.padding_mode
        )


def checked_sides(who: str, padding: Padding, mode: str) -> tuple[int, int, int, int]:
    """The padding as (left, top, right, bottom)."""
    several = (padding,) if isinstance(padding, (int, np.integer)) else tuple(padding)
    if len(several) not in (1, 2, 4) or any(not isinstance(v, (int, np.integer)) or v < 0 for v in several):
        raise OptionError(
            f"{who}(padding={padding!r}): expected 1, 2 or 4 ints of at least 0, e.g. padding=4"
        )
    if mode not in ("constant", "edge", "reflect", "symmetric"):
        raise OptionError(
            f'{who}(padding_mode={mode!r}): expected "constant", "edge", "reflect" or "symmetric"'
        )
    left, top, right, bottom = several * (4 // len(several))
    return left, top, right, bottom


def padded(images: Array, sides: tuple[int, int, int, int], fill: float, mode: str) -> Array:
    """Images (N, C, H, W) with padding."""
    left, top, right, bottom = sides
    widths = ((0, 0), (0, 0), (top, bottom), (left, right))
    if mode == "constant":
        return np.pad(images, widths, constant_values=np.asarray(fill, images.dtype))
    return np.pad(images, widths, mode=mode)  # type: ignore[no-any-return,call-overload]


def cut(images: Array, top: Any, left: Any, height: int, width: int) -> Array:
    """Crop images (N, C, H, W) to one size; `top` and `left` hold the corner of each image."""
    windows = sliding_window_view(images, (height, width), axis=(2, 3))
    return windows[np.arange(len(images)), :, top, left]


class CenterCrop(Transform):
    """Crop the centre of an image; missing pixels become 0.

    Args:
        size: (height, width), or one int for both.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = pair("CenterCrop", "size", size)

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """All images get the same crop."""
        (h, w), (H, W) = self.size, images.shape[2:]
        more = [max(0, h - H), max(0, w - W)]
        images = padded(
            images, (more[1] // 2, more[0] // 2, (more[1] + 1) // 2, (more[0] + 1) // 2), 0, "constant"
        )
        top, left = (round((n - m) / 2) for n, m in zip(images.shape[2:], self.size, strict=True))
        return images[:, :, top : top + h, left : left + w]


class RandomCrop(Transform):
    """Crop an image at a random position, after padding.

    Args:
        size: (height, width), or one int for both.
        padding: as in `Pad`; by default no padding.
        pad_if_needed: pad an image that is too small, on both sides.
        fill: the value of new pixels.
        padding_mode: as in `Pad`.

    Raises:
        ShapeError: the image is smaller than the crop.
    """

    is_random = True

    def __init__(
        self,
        size: int | Sequence[int],
        padding: Padding | None = None,
        pad_if_needed: bool = False,
        fill: float = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size = pair("RandomCrop", "size", size)
        self.padding, self.pad_if_needed = padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode
        checked_sides("RandomCrop", padding or 0, padding_mode)

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Each image gets its own position."""
        sides = checked_sides("RandomCrop", self.padding or 0, self.padding_mode)
        images = padded(images, sides, self.fill, self.padding_mode) if any(sides) else images
        h, w = self.size
        if self.pad_if_needed:
            more = max(0, h - images.shape[2]), max(0, w - images.shape[3])
            images = padded(images, (more[1], more[0], more[1], more[0]), self.fill, self.padding_mode)
        N, _, H, W = images.shape
        if h > H or w > W:
            raise ShapeError(
                f"RandomCrop(size={self.size}): the image has only {H} x {W} pixels; write padding=..., or "
                "pad_if_needed=True"
            )
        return cut(images, rng.integers(H - h + 1, size=N), rng.integers(W - w + 1, size=N), h, w)


class RandomShift(Transform):
    """Shift an image by a random number of pixels.

    Args:
        pixels: the largest shift in each direction: one int, or (vertical, horizontal).
        fill: the value of new pixels.
    """

    is_random = True

    def __init__(self, pixels: int | Sequence[int], fill: float = 0) -> None:
        self.pixels, self.fill = pair("RandomShift", "pixels", pixels), fill

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Each image gets its own shift."""
        (N, _, H, W), (down, right) = images.shape, self.pixels
        framed = padded(images, (right, down, right, down), self.fill, "constant")
        return cut(framed, rng.integers(2 * down + 1, size=N), rng.integers(2 * right + 1, size=N), H, W)


class _RandomFlip(Transform):
    is_random = True
    axis: int

    def __init__(self, p: float = 0.5) -> None:
        check_number(type(self).__name__, "p", p, most=1, example=0.5)
        self.p = p

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Flip the images that are drawn."""
        chosen = rng.random((len(images), 1, 1, 1)) < self.p
        return np.where(chosen, np.flip(images, self.axis), images)


class RandomHorizontalFlip(_RandomFlip):
    """Mirror random images, left to right.

    Args:
        p: the probability.
    """

    axis = 3


class RandomVerticalFlip(_RandomFlip):
    """Mirror random images, top to bottom.

    Args:
        p: the probability.
    """

    axis = 2


def resized(images: Array, height: int, width: int, interpolation: str, antialias: bool) -> Array:
    """Images (N, C, H, W) resized to (N, C, height, width)."""
    H, W = images.shape[2:]
    if interpolation == "nearest":
        rows, columns = ((np.arange(m) * n) // m for m, n in ((height, H), (width, W)))
        return images[:, :, rows[:, None], columns]
    dtype = images.dtype if images.dtype.kind == "f" else np.float32
    rows = resize_matrix(height, H, antialias).astype(dtype)
    columns = resize_matrix(width, W, antialias).astype(dtype)
    return rounded(rows @ images.astype(dtype, copy=False) @ columns.T, images.dtype)


def checked_interpolation(who: str, interpolation: str) -> str:
    """The name of the interpolation, if it is known."""
    try:
        return InterpolationMode(interpolation).value
    except ValueError:
        raise OptionError(
            f'{who}(interpolation={interpolation!r}): expected "nearest" or "bilinear"'
        ) from None


class Resize(Transform):
    """Resize an image.

    Args:
        size: (height, width), or one int for the shorter side, which keeps the aspect ratio.
        interpolation: "bilinear" or "nearest".
        max_size: with one int, the largest length of the longer side.
        antialias: when shrinking, average over all old pixels within a new one, not over the two nearest.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: str = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        self.size = size[0] if isinstance(size, Sequence) and len(size) == 1 else size
        pair("Resize", "size", self.size)
        self.interpolation = checked_interpolation("Resize", interpolation)
        self.max_size, self.antialias = max_size, antialias

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """All images get the same size."""
        H, W = images.shape[2:]
        if isinstance(self.size, Sequence):
            h, w = self.size
        else:
            short, long = self.size, int(self.size * max(H, W) / min(H, W))
            if self.max_size is not None and long > self.max_size:
                short, long = int(self.max_size * short / long), self.max_size
            h, w = (short, long) if H <= W else (long, short)
        return resized(images, h, w, self.interpolation, bool(self.antialias))


def areas(
    rng: np.random.Generator, H: int, W: int, scale: Sequence[float], ratio: Sequence[float]
) -> tuple[int, int] | None:
    """The height and width of a random crop; None if no crop of ten attempts fits into the image.

    The fraction of the image's area and the logarithm of width / height are both drawn uniformly.
    """
    for _ in range(10):
        area = H * W * rng.uniform(scale[0], scale[1])
        proportion = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
        h, w = round(math.sqrt(area / proportion)), round(math.sqrt(area * proportion))
        if 0 < h <= H and 0 < w <= W:
            return h, w
    return None


class RandomResizedCrop(Transform):
    """Crop a random part of an image, with random area and aspect ratio, and resize it.

    Args:
        size: (height, width), or one int for both.
        scale: the least and the largest fraction of the area.
        ratio: the least and the largest width / height.
        interpolation: as in `Resize`.
        antialias: as in `Resize`.

    Source:
        C. Szegedy et al., "Going deeper with convolutions", 2014.
    """

    is_random = True

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: str = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        self.size, self.scale, self.ratio = pair("RandomResizedCrop", "size", size), scale, ratio
        self.interpolation = checked_interpolation("RandomResizedCrop", interpolation)
        self.antialias = antialias

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Each image gets its own crop."""
        H, W = images.shape[2:]
        result = np.empty((*images.shape[:2], *self.size), images.dtype)
        for i in range(len(images)):
            h, w = areas(rng, H, W, self.scale, self.ratio) or (H, W)
            top, left = rng.integers(H - h + 1), rng.integers(W - w + 1)
            part = images[i : i + 1, :, top : top + h, left : left + w]
            result[i] = resized(part, *self.size, self.interpolation, bool(self.antialias))[0]
        return result


class RandomErasing(Transform):
    """Fill a random rectangle of random images with one value.

    Args:
        p: the probability.
        scale: the least and the largest fraction of the area.
        ratio: the least and the largest width / height.
        value: a number, or "random" for normally distributed noise.
        inplace: no effect.

    Source:
        Z. Zhong et al., "Random erasing data augmentation", 2017.
    """

    is_random = True

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float | str = 0,
        inplace: bool = False,
    ) -> None:
        check_number("RandomErasing", "p", p, most=1, example=0.5)
        if isinstance(value, str) and value != "random":
            raise OptionError(f'RandomErasing(value={value!r}): expected a number or "random"')
        self.p, self.scale, self.ratio, self.value = p, scale, ratio, value

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Each image that is drawn gets its own rectangle."""
        images = images.copy()
        H, W = images.shape[2:]
        for i in np.flatnonzero(rng.random(len(images)) < self.p):
            if (area := areas(rng, H, W, self.scale, self.ratio)) is None:
                continue
            top, left = rng.integers(H - area[0] + 1), rng.integers(W - area[1] + 1)
            part = images[i, :, top : top + area[0], left : left + area[1]]
            part[...] = rng.standard_normal(part.shape) if self.value == "random" else self.value
        return images
