"""Transforms with given numbers, named as in `torchvision.transforms.functional`.

Each is a function of an image: a Tensor (C, H, W), a batch (N, C, H, W), or an array of uint8 (H, W, C).

>>> import numpy as np
>>> hflip(np.array([[1, 2, 3]], np.uint8)).tolist()
[[3, 2, 1]]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import MissingPackageError, OptionError, UnsupportedError

from ... import transforms
from ...arrays import as_array
from ...torch.tensors import torched
from ...transforms.base import InterpolationMode, Transform, pair, rounded
from ...transforms.colours import CHANGES, inverted, largest
from ...transforms.crops import checked_interpolation, resized
from ...transforms.warps import warped

__all__ = [
    "InterpolationMode",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "affine",
    "center_crop",
    "convert_image_dtype",
    "crop",
    "erase",
    "five_crop",
    "gaussian_blur",
    "get_dimensions",
    "get_image_num_channels",
    "get_image_size",
    "hflip",
    "invert",
    "normalize",
    "pad",
    "pil_to_tensor",
    "posterize",
    "resize",
    "resized_crop",
    "rgb_to_grayscale",
    "rotate",
    "solarize",
    "ten_crop",
    "to_grayscale",
    "to_pil_image",
    "to_tensor",
    "vflip",
]

Array = npt.NDArray[Any]
Change = Callable[[Array], Array]
"""A function of images (N, C, H, W)."""

BILINEAR, NEAREST = InterpolationMode.BILINEAR, InterpolationMode.NEAREST


def _changed(who: str, img: Any, change: Change) -> Any:
    """An image after a change, in its own layout and class."""
    kind = type(who, (Transform,), {"apply": lambda self, images, rng: change(images)})
    return kind()(img)


# -- conversions -----------------------------------------------------------------------------------


def to_tensor(pic: Any) -> Any:
    """An image as a float32 Tensor (C, H, W); uint8 is divided by 255."""
    return torched(transforms.ToTensor()(pic).numpy())


def pil_to_tensor(pic: Any) -> Any:
    """An image as a Tensor (C, H, W) with the same numbers."""
    return torched(transforms.PILToTensor()(pic).numpy())


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A Tensor (C, H, W) or an array (H, W, C) as an image of PIL; floats are multiplied by 255.

    Raises:
        MissingPackageError: pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPackageError(
            "to_pil_image needs pillow, which is not installed: pip install pillow"
        ) from error
    x = as_array(pic)
    if isinstance(pic, Tensor) and x.ndim == 3:
        x = np.moveaxis(x, 0, -1)
    if x.dtype.kind == "f" and mode != "F":
        x = (x * 255).astype(np.uint8)
    if x.ndim == 3 and x.shape[-1] == 1:
        x = x[..., 0]
    image = Image.fromarray(np.ascontiguousarray(x))
    return image if mode is None else image.convert(mode)


def convert_image_dtype(image: Any, dtype: npt.DTypeLike = np.float32) -> Any:
    """An image in another dtype; integers range from 0 to their maximum, floats from 0 to 1."""
    return transforms.ConvertImageDtype(dtype)(image)


def normalize(tensor: Any, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Any:
    """(x - mean) / std of each channel."""
    return transforms.Normalize(mean, std)(tensor)


def get_dimensions(img: Any) -> list[int]:
    """The channels, height and width of an image."""
    if isinstance(img, Tensor):
        channels = 1 if img.ndim == 2 else img.shape[-3]
        return [channels, *img.shape[-2:]]
    shape = np.shape(img)
    return [shape[2] if len(shape) == 3 else 1, *shape[:2]]


def get_image_size(img: Any) -> list[int]:
    """The width and the height of an image, in this order."""
    _, height, width = get_dimensions(img)
    return [width, height]


def get_image_num_channels(img: Any) -> int:
    """The number of channels of an image."""
    return get_dimensions(img)[0]


# -- sizes and places ------------------------------------------------------------------------------


def resize(
    img: Any,
    size: int | Sequence[int],
    interpolation: str = BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """An image in another size; arguments as in `nn.transforms.Resize`."""
    return transforms.Resize(size, interpolation, max_size, antialias)(img)


def pad(img: Any, padding: int | Sequence[int], fill: float = 0, padding_mode: str = "constant") -> Any:
    """An image with more pixels around it; arguments as in `nn.transforms.Pad`."""
    return transforms.Pad(padding, fill, padding_mode)(img)


def _part(images: Array, top: int, left: int, height: int, width: int) -> Array:
    """A rectangle of images; pixels outside of the images are 0."""
    H, W = images.shape[2:]
    result = np.zeros((*images.shape[:2], height, width), images.dtype)
    y, x = slice(max(top, 0), min(top + height, H)), slice(max(left, 0), min(left + width, W))
    if y.start < y.stop and x.start < x.stop:
        result[:, :, y.start - top : y.stop - top, x.start - left : x.stop - left] = images[:, :, y, x]
    return result


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """A rectangle of an image; pixels outside of the image are 0."""
    return _changed("crop", img, lambda x: _part(x, top, left, height, width))


def center_crop(img: Any, output_size: int | Sequence[int]) -> Any:
    """The centre of an image; missing pixels are 0."""
    return transforms.CenterCrop(output_size)(img)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: int | Sequence[int],
    interpolation: str = BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """A rectangle of an image, resized."""
    shape = pair("resized_crop", "size", size)
    kind = checked_interpolation("resized_crop", interpolation)

    def change(x: Array) -> Array:
        return resized(_part(x, top, left, height, width), *shape, kind, bool(antialias))

    return _changed("resized_crop", img, change)


def hflip(img: Any) -> Any:
    """The mirror image, left to right."""
    return _changed("hflip", img, lambda x: np.flip(x, 3))


def vflip(img: Any) -> Any:
    """The mirror image, top to bottom."""
    return _changed("vflip", img, lambda x: np.flip(x, 2))


def five_crop(img: Any, size: int | Sequence[int]) -> tuple[Any, ...]:
    """The corners and the centre of an image: top left, top right, bottom left, bottom right, centre.

    Raises:
        OptionError: the size is larger than the image.
    """
    h, w = pair("five_crop", "size", size)
    _, H, W = get_dimensions(img)
    if h > H or w > W:
        raise OptionError(f"five_crop(size={size!r}): expected at most the size of the image, ({H}, {W})")
    corners = [crop(img, y, x, h, w) for y in (0, H - h) for x in (0, W - w)]
    return (*corners, center_crop(img, (h, w)))


def ten_crop(img: Any, size: int | Sequence[int], vertical_flip: bool = False) -> tuple[Any, ...]:
    """The crops of `five_crop`, of an image and of its mirror image."""
    return five_crop(img, size) + five_crop((vflip if vertical_flip else hflip)(img), size)


def affine(
    img: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: float | Sequence[float],
    interpolation: str = NEAREST,
    fill: float = 0,
    center: Sequence[float] | None = None,
) -> Any:
    """An image that is turned clockwise, scaled and sheared around its centre, and moved.

    Args:
        img: the image.
        angle: the angle in degrees.
        translate: how far the image moves right, and down, in pixels.
        scale: the factor.
        shear: the angle of vertical lines in degrees, or a list with the angles of vertical and horizontal
            lines; one entry stands for both.
        interpolation: "nearest" or "bilinear".
        fill: the value of new pixels.
        center: the fixed point (x, y), measured from the top left corner; the middle by default.
    """
    lean = (*shear, *shear)[:2] if isinstance(shear, Sequence) else (shear, 0.0)
    turn, across, down = (math.radians(v) for v in (angle, *lean))
    first, stretch = turn - down, math.cos(down)
    matrix = [
        [math.cos(first) / stretch, -math.cos(first) * math.tan(across) / stretch - math.sin(turn)],
        [math.sin(first) / stretch, -math.sin(first) * math.tan(across) / stretch + math.cos(turn)],
    ]
    kind = checked_interpolation("affine", interpolation)
    middle = None if center is None else (center[0] - 0.5, center[1] - 0.5)

    def change(x: Array) -> Array:
        there = np.broadcast_to(scale * np.array(matrix), (len(x), 2, 2))
        shift = [np.full(len(x), float(value)) for value in translate]
        return warped(x, there, shift, fill, kind, middle)

    return _changed("affine", img, change)


def rotate(
    img: Any,
    angle: float,
    interpolation: str = NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: float = 0,
) -> Any:
    """An image that is turned counter-clockwise around its centre; its size stays.

    Raises:
        UnsupportedError: `expand` is True.
    """
    if expand:
        raise UnsupportedError(
            "rotate(expand=True): images keep their size; pad the image first, with pad(img, n)"
        )
    return affine(img, -angle, (0, 0), 1.0, 0.0, interpolation, fill, center)


def erase(img: Any, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Any:
    """An image whose rectangle of h x w pixels at row i, column j has the value v."""

    def change(x: Array) -> Array:
        result = x.copy()
        result[:, :, i : i + h, j : j + w] = as_array(v)
        return result

    return _changed("erase", img, change)


# -- colours ---------------------------------------------------------------------------------------


def _coloured(option: str, img: Any, factor: float) -> Any:
    def change(x: Array) -> Array:
        floats = x.astype(np.result_type(x, np.float32))
        return rounded(CHANGES[option](floats, factor, largest(x.dtype)), x.dtype)

    return _changed(f"adjust_{option}", img, change)


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """An image times a factor: 0 gives black."""
    return _coloured("brightness", img, brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """An image whose distance from its mean gray is multiplied by a factor."""
    return _coloured("contrast", img, contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """An image whose distance from its gray image is multiplied by a factor: 0 gives gray."""
    return _coloured("saturation", img, saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """An image whose colours are turned by a fraction of their circle, from -0.5 to 0.5.

    Raises:
        OptionError: the factor is outside of this range.
    """
    if not -0.5 <= hue_factor <= 0.5:
        raise OptionError(f"adjust_hue(hue_factor={hue_factor!r}): expected a number from -0.5 to 0.5")
    return _coloured("hue", img, hue_factor)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """gain x^gamma of the values x from 0 to 1."""

    def change(x: Array) -> Array:
        white = largest(x.dtype)
        floats = x.astype(np.result_type(x, np.float32)) / white
        return rounded(np.clip(gain * floats**gamma, 0, 1) * white, x.dtype)

    return _changed("adjust_gamma", img, change)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """0.2989 R + 0.587 G + 0.114 B, in one channel or in three equal ones."""
    return transforms.Grayscale(num_output_channels)(img)


to_grayscale = rgb_to_grayscale


def invert(img: Any) -> Any:
    """White minus the image."""
    return _changed("invert", img, inverted)


def posterize(img: Any, bits: int) -> Any:
    """An image of integers with the first `bits` bits of each value."""
    return _changed("posterize", img, lambda x: x & x.dtype.type(256 - 2 ** (8 - bits)))


def solarize(img: Any, threshold: float) -> Any:
    """An image whose values from the threshold on are inverted."""
    return _changed("solarize", img, lambda x: np.where(x >= threshold, inverted(x), x))


def gaussian_blur(img: Any, kernel_size: int | Sequence[int], sigma: Any = None) -> Any:
    """An image smoothed by a Gaussian.

    Args:
        img: the image.
        kernel_size: the size of the kernel in pixels, an odd int or a pair.
        sigma: the standard deviation in pixels; 0.3 ((k - 1) / 2 - 1) + 0.8 for the size k by default.
    """
    size = kernel_size if isinstance(kernel_size, int) else kernel_size[0]
    width = 0.3 * ((size - 1) * 0.5 - 1) + 0.8 if sigma is None else sigma
    width = width[0] if isinstance(width, Sequence) else width
    return transforms.GaussianBlur(kernel_size, (width, width))(img)
