"""Transforms of colours: brightness, contrast, saturation, gray, blur."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import OptionError, ShapeError

from ..kernels.warp import gaussian_matrix
from ..options import check_number
from .base import Transform, rounded

__all__ = ["ColorJitter", "GaussianBlur", "Grayscale", "RandomGrayscale", "RandomInvert"]

Array = npt.NDArray[Any]
Strength = float | Sequence[float]

LUMA = (0.2989, 0.587, 0.114)
"""The luma weights of red, green and blue: ITU-R BT.601."""


def gray(who: str, images: Array) -> Array:
    """The luma of images (N, C, H, W) as floats (N, 1, H, W); for one channel, that channel."""
    if images.shape[1] not in (1, 3):
        raise ShapeError(f"{who}: expected 3 channels, or 1, got {images.shape[1]}")
    if images.shape[1] == 1:
        return images.astype(np.result_type(images, np.float32))
    weights = np.array(LUMA, np.result_type(images, np.float32))
    return np.einsum("c,nchw->nhw", weights, images)[:, None]  # type: ignore[no-any-return]


def largest(dtype: Any) -> float:
    """The value of white."""
    return 1.0 if np.dtype(dtype).kind == "f" else float(np.iinfo(dtype).max)


def inverted(images: Array) -> Array:
    """White minus the images."""
    return rounded(largest(images.dtype) - images, images.dtype)


class Grayscale(Transform):
    """Convert colours to gray: 0.2989 R + 0.587 G + 0.114 B.

    Args:
        num_output_channels: 1, or 3 for three equal channels.
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        if num_output_channels not in (1, 3):
            raise OptionError(f"Grayscale(num_output_channels={num_output_channels!r}): expected 1 or 3")
        self.num_output_channels = num_output_channels

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Convert images with three channels; images with one channel are gray already."""
        return np.repeat(rounded(gray("Grayscale", images), images.dtype), self.num_output_channels, axis=1)


class _Some(Transform):
    """A base class for changes to images that are drawn with a probability p."""

    is_random = True

    def __init__(self, p: float) -> None:
        check_number(type(self).__name__, "p", p, most=1, example=0.5)
        self.p = p

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Change the images that are drawn."""
        return np.where(rng.random((len(images), 1, 1, 1)) < self.p, self.changed(images), images)

    def changed(self, images: Array) -> Array:
        """The changed images."""
        raise NotImplementedError


class RandomGrayscale(_Some):
    """Convert random images to gray, with the same number of channels.

    Args:
        p: the probability.
    """

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    def changed(self, images: Array) -> Array:
        """The images in gray."""
        return rounded(gray("RandomGrayscale", images), images.dtype)


class RandomInvert(_Some):
    """Invert random images.

    Args:
        p: the probability.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)

    def changed(self, images: Array) -> Array:
        """White minus the image."""
        return inverted(images)


class ColorJitter(Transform):
    """Multiply brightness, contrast and saturation by random factors, then turn the hue.

    A factor of 0 gives black for brightness, the mean brightness for contrast, and gray for saturation.

    Args:
        brightness: the range of the factor: a pair, or a number b for (max(0, 1 - b), 1 + b).
        contrast: likewise.
        saturation: likewise.
        hue: the range of the turn as a fraction of the circle of colours: a pair, or a number h up to 0.5 for
            (-h, h).

    Raises:
        OptionError: an option has another form.
    """

    is_random = True

    def __init__(
        self, brightness: Strength = 0, contrast: Strength = 0, saturation: Strength = 0, hue: Strength = 0
    ) -> None:
        turn = (-hue, hue) if isinstance(hue, (int, float)) else tuple(hue)
        if len(turn) != 2 or not -0.5 <= turn[0] <= turn[1] <= 0.5:
            raise OptionError(
                f"ColorJitter(hue={hue!r}): expected a number from 0 to 0.5, or a pair of turns"
            )
        self.hue = turn
        self.brightness = _factors("brightness", brightness)
        self.contrast = _factors("contrast", contrast)
        self.saturation = _factors("saturation", saturation)

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Each image gets its own factors."""
        N, white = len(images), largest(images.dtype)
        result = images.astype(np.result_type(images, np.float32))
        for option, change in CHANGES.items():
            low, high = getattr(self, option)
            if (low, high) != ((0.0, 0.0) if option == "hue" else (1.0, 1.0)):
                factor = rng.uniform(low, high, (N, 1, 1, 1)).astype(result.dtype)
                result = change(result, factor, white)
        return rounded(result, images.dtype)


def _moved(towards: Callable[[Array], Any]) -> Callable[[Array, Any, float], Array]:
    """The change that moves images away from an end: end + factor (image - end)."""

    def change(images: Array, factor: Any, white: float) -> Array:
        end = towards(images)
        return np.clip(end + factor * (images - end), 0, white)  # type: ignore[no-any-return]

    return change


def turned_hue(images: Array, shift: Any, white: float) -> Array:
    """Images (N, 3, H, W) whose hue is turned by a fraction of the circle of colours.

    The pixel's largest and smallest channel stay the same, so do brightness and saturation in HSV.

    Args:
        images: floats from 0 to `white`; gray images (N, 1, H, W) have no hue and stay as they are.
        shift: from -0.5 to 0.5, one number or one for each image.
        white: the value of white.
    """
    if images.shape[1] != 3:
        return images
    red, green, blue = np.moveaxis(images, 1, 0)
    top, low = images.max(1), images.min(1)
    width = np.where(top > low, top - low, 1)
    sextant = np.where(
        top == red,
        (green - blue) / width,
        np.where(top == green, 2 + (blue - red) / width, 4 + (red - green) / width),
    )
    hue = (sextant[:, None] + 6 * shift) % 6
    corner = np.array([5, 3, 1], images.dtype).reshape(1, 3, 1, 1)
    place = (corner + hue) % 6
    fall = np.clip(np.minimum(place, 4 - place), 0, 1)
    return np.asarray(top[:, None] - (top - low)[:, None] * fall, images.dtype)


CHANGES: dict[str, Callable[[Array, Any, float], Array]] = {
    "brightness": _moved(lambda x: 0.0),
    "contrast": _moved(lambda x: gray("ColorJitter", x).mean((1, 2, 3), keepdims=True)),
    "saturation": _moved(lambda x: gray("ColorJitter", x)),
    "hue": turned_hue,
}
"""The changes of colours: functions of images as floats, a factor for each image, and the value of white."""


def _factors(option: str, value: Strength) -> tuple[float, float]:
    ends = (max(0.0, 1 - value), 1.0 + value) if isinstance(value, (int, float)) else tuple(value)
    if len(ends) != 2 or not 0 <= ends[0] <= ends[1] or (isinstance(value, (int, float)) and value < 0):
        raise OptionError(
            f"ColorJitter({option}={value!r}): expected a number of at least 0, or a pair of factors"
        )
    return ends


class GaussianBlur(Transform):
    """Smooth images with a Gaussian of random width.

    Args:
        kernel_size: the size of the kernel in pixels, an odd int or a pair (horizontal, vertical).
        sigma: the standard deviation in pixels, a number or a pair (least, largest).
    """

    is_random = True

    def __init__(self, kernel_size: int | Sequence[int], sigma: Strength = (0.1, 2.0)) -> None:
        sizes = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
        if len(sizes) != 2 or any(size < 1 or size % 2 == 0 for size in sizes):
            raise OptionError(
                f"GaussianBlur(kernel_size={kernel_size!r}): expected an odd int or two, e.g. 5"
            )
        widths = (sigma, sigma) if isinstance(sigma, (int, float)) else tuple(sigma)
        if len(widths) != 2 or not 0 < widths[0] <= widths[1]:
            raise OptionError(
                f"GaussianBlur(sigma={sigma!r}): expected a number above 0, or (least, largest)"
            )
        self.kernel_size, self.sigma = sizes, widths

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Each image gets its own width."""
        N, _, H, W = images.shape
        across, down = (size // 2 for size in self.kernel_size)
        rows, columns = np.empty((N, 1, H, H), np.float32), np.empty((N, 1, W, W), np.float32)
        for i, sigma in enumerate(rng.uniform(*self.sigma, (N,)).tolist()):
            rows[i], columns[i] = gaussian_matrix(H, sigma, down), gaussian_matrix(W, sigma, across)
        return rounded(rows @ images @ columns.swapaxes(2, 3), images.dtype)
