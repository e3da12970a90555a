"""Grids of images, and PNG files."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DataError, FileError, OptionError, ShapeError
from autograd_lite.files import checked_path, write

from ..arrays import as_array
from ..options import check_whole

__all__ = ["make_grid", "save_image"]

Array = npt.NDArray[Any]


def make_grid(
    tensor: Any,
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Arrange images of one size in a grid, row by row, as torchvision's `utils.make_grid` does.

    Args:
        tensor: images (N, C, H, W) with 1 or 3 channels, or a list of (C, H, W). A single image (C, H, W) or
            (H, W) is returned in three channels, without a grid.
        nrow: the number of images in a row.
        padding: the number of pixels around each image.
        normalize: scale the values to 0 ... 1.
        value_range: the values that become 0 and 1; by default the smallest and the largest value.
        scale_each: use the range of each image on its own.
        pad_value: the value between the images.

    Returns:
        An image of shape (3, height, width).

    Raises:
        ShapeError: the input does not have the shape of images.

    Example:
        >>> import numpy as np, nn
        >>> nn.utils.make_grid(np.zeros((10, 1, 28, 28)), nrow=5).shape
        (3, 62, 152)
    """
    check_whole("make_grid", "nrow", nrow, example=8)
    check_whole("make_grid", "padding", padding, least=0, example=2)
    several = [as_array(_detached(x)) for x in tensor] if isinstance(tensor, (list, tuple)) else None
    images = as_array(_detached(tensor)) if several is None else np.stack(several)
    images = images[(None,) * (4 - images.ndim)] if images.ndim in (2, 3) else images
    if images.ndim != 4 or images.shape[1] not in (1, 3) or not len(images):
        raise ShapeError(f"make_grid: expected (N, C, H, W) with 1 or 3 channels, got {images.shape}")
    images = np.repeat(images, 3, axis=1) if images.shape[1] == 1 else images
    if normalize:
        images = _scaled(images, value_range, scale_each)
    N, C, H, W = images.shape
    if N == 1:
        return Tensor(images[0])
    columns, rows = min(nrow, N), -(-N // nrow)
    h, w = H + padding, W + padding
    grid = np.full((C, rows * h + padding, columns * w + padding), pad_value, images.dtype)
    for i, image in enumerate(images):
        top, left = i // columns * h + padding, i % columns * w + padding
        grid[:, top : top + H, left : left + W] = image
    return Tensor(grid)


def _detached(x: Any) -> Any:
    return x.detach() if isinstance(x, Tensor) else x


def _scaled(images: Array, value_range: tuple[float, float] | None, each: bool) -> Array:
    axes = (1, 2, 3) if each else None
    low, high = value_range or (images.min(axes, keepdims=True), images.max(axes, keepdims=True))
    return (np.clip(images, low, high) - low) / np.maximum(high - low, 1e-5)  # type: ignore[no-any-return]


def save_image(tensor: Any, fp: str | os.PathLike[str], format: str | None = None, **options: Any) -> None:
    """Write a grid of images to a PNG file.

    Args:
        tensor: as in `make_grid`, with values from 0 to 1; other values are clipped.
        fp: the path of the file, which ends in `.png`.
        format: "png", for names with another ending.
        options: the options of `make_grid`.

    Raises:
        OptionError: the format is not PNG.
        DataError: a value is NaN.
        FileError: the file cannot be written.
    """
    path = checked_path("save_image", fp)
    if (format or path.suffix.removeprefix(".")).lower() != "png":
        raise OptionError(f"save_image({str(fp)!r}): only PNG files are written; let the name end in .png")
    grid = make_grid(tensor, **options).numpy()
    if np.isnan(grid).any():
        raise DataError("save_image: the image has NaN in it")
    pixels = np.clip(grid * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    try:
        write(path, png(pixels))
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror}") from error


def png(pixels: Array) -> bytes:
    """A PNG file from (H, W, 3) bytes: a header, the compressed rows (each after a 0), and an end."""
    H, W, _ = pixels.shape
    rows = np.pad(pixels.reshape(H, -1), ((0, 0), (1, 0))).tobytes()

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", W, H, 8, 2, 0, 0, 0)  # 8 bits, red green blue
    parts: Sequence[tuple[bytes, bytes]] = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
