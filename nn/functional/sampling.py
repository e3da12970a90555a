"""Sample images at the points of a grid; the grid of an affine map."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor, stop_gradient
from autograd_lite.errors import OptionError, ShapeError

from ..arrays import as_array
from .exactness import exact
from .sparse import table_rows
from .taps import cubic

__all__ = ["affine_grid", "grid_sample"]

Array = npt.NDArray[Any]
Input = Tensor | Array


@exact
def affine_grid(theta: Input, size: Sequence[int], align_corners: bool | None = None) -> Any:
    """The points that affine maps send the pixels of an image to, for `grid_sample`.

    The coordinates of an image run from -1 to 1 along each axis, x first.

    Args:
        theta: the maps, of shape (N, 2, 3) for images or (N, 3, 4) for volumes.
        size: the shape of the image, (N, C, H, W) or (N, C, D, H, W).
        align_corners: -1 and 1 are the centres of the corner pixels; if False, their outer edges.

    Returns:
        An array of shape (N, H, W, 2) or (N, D, H, W, 3).

    Raises:
        ShapeError: the maps do not fit the size.

    Source:
        M. Jaderberg et al., "Spatial transformer networks", 2015.

    Example:
        >>> import numpy as np
        >>> affine_grid(np.array([[[1.0, 0, 0], [0, 1, 0]]]), (1, 1, 2, 2))[0, 0].tolist()
        [[-0.5, -0.5], [0.5, -0.5]]
    """
    axes = len(size) - 2
    if axes not in (2, 3) or theta.shape != (size[0], axes, axes + 1):
        raise ShapeError(
            f"affine_grid: theta {theta.shape} and size {tuple(size)} do not fit; expected theta of "
            "shape (N, 2, 3) for (N, C, H, W), or (N, 3, 4) for (N, C, D, H, W)"
        )
    each = [_centres(n, bool(align_corners)) for n in size[2:]]
    points = np.stack([*np.meshgrid(*each, indexing="ij")[::-1], np.ones(size[2:])], axis=-1)
    base = points.reshape(-1, axes + 1).astype(theta.dtype)
    return np.reshape(base @ np.swapaxes(theta, 1, 2), (size[0], *size[2:], axes))


def _centres(n: int, corners: bool) -> Array:
    """The coordinates of n pixels."""
    if n == 1:
        return np.zeros(1)
    return np.linspace(-1, 1, n) * (1 if corners else (n - 1) / n)


@exact
def grid_sample(
    input: Input,
    grid: Input,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Any:
    """The values of images at the points of a grid.

    The result has a gradient with respect to the images and, but for "nearest", to the grid.

    Args:
        input: images (N, C, H, W), or volumes (N, C, D, H, W).
        grid: the points, of shape (N, H', W', 2) or (N, D', H', W', 3). The last axis holds x, y and z, from
            -1 to 1 within the image.
        mode: "bilinear" blends the pixels around a point, of volumes too. "nearest" takes the nearest
            pixel. "bicubic" blends four pixels along each axis of an image.
        padding_mode: outside the image, "zeros"; by "border" the nearest pixel of the border; by "reflection"
            the image is mirrored.
        align_corners: -1 and 1 are the centres of the corner pixels; if False, their outer edges.

    Returns:
        An array of shape (N, C, H', W') or (N, C, D', H', W').

    Raises:
        OptionError: a mode is unknown.
        ShapeError: images and grid do not fit each other.

    Source:
        M. Jaderberg et al., "Spatial transformer networks", 2015.

    Example:
        >>> import numpy as np
        >>> image = np.array([[[[1.0, 3.0], [5.0, 7.0]]]])
        >>> float(grid_sample(image, np.zeros((1, 1, 1, 2)))[0, 0, 0, 0])
        4.0
    """
    axes = input.ndim - 2
    _check(input, grid, axes, mode, padding_mode)
    corners = bool(align_corners)
    lengths = input.shape[2:]
    points = [_pixels(grid[..., axes - 1 - i], n, corners) for i, n in enumerate(lengths)]
    taps = [_taps(x, n, mode, padding_mode, corners) for x, n in zip(points, lengths, strict=True)]
    image: Any = input
    table = np.reshape(np.moveaxis(image, 1, -1), (-1, image.shape[1]))
    batch = np.arange(len(grid)).reshape(-1, *(1,) * axes)
    y: Any = 0
    for corner in itertools.product(*taps):
        number, inside, weight = batch, np.ones((), bool), 1
        for (index, there, share), n in zip(corner, lengths, strict=True):
            number, inside, weight = number * n + index, inside & there, weight * share
        rows = np.where(inside[..., None], table_rows(table, number), 0)
        y = y + rows * (weight if mode == "nearest" else weight[..., None])  # type: ignore[index]
    return np.moveaxis(y, -1, 1)


def _check(input: Any, grid: Any, axes: int, mode: str, padding_mode: str) -> None:
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise OptionError(f'grid_sample(mode={mode!r}): expected "bilinear", "nearest" or "bicubic"')
    if padding_mode not in ("zeros", "border", "reflection"):
        raise OptionError(
            f'grid_sample(padding_mode={padding_mode!r}): expected "zeros", "border" or "reflection"'
        )
    if mode == "bicubic" and axes != 2:
        raise OptionError(f'grid_sample(mode="bicubic") expects images (N, C, H, W), got {input.shape}')
    fits = axes in (2, 3) and grid.ndim == axes + 2
    if not fits or grid.shape[0] != input.shape[0] or grid.shape[-1] != axes or 0 in input.shape[2:]:
        raise ShapeError(
            f"grid_sample: input {input.shape} and grid {grid.shape} do not fit; expected (N, C, H, W) and "
            "(N, H', W', 2), or (N, C, D, H, W) and (N, D', H', W', 3)"
        )


def _pixels(x: Any, n: int, corners: bool) -> Any:
    """A coordinate from -1 to 1 as one in pixels; 0 is the centre of the first pixel."""
    return (x + 1) * ((n - 1) / 2) if corners else ((x + 1) * n - 1) / 2


def _padded(x: Any, n: int, padding_mode: str, corners: bool) -> Any:
    """A coordinate in pixels, brought into the image unless the padding is of zeros."""
    if padding_mode == "zeros":
        return x
    if padding_mode == "reflection":
        x = _mirrored(x, 0.0, n - 1) if corners else _mirrored(x, -0.5, n)
    value = stop_gradient(x)
    return np.where((value > 0) & (value < n - 1), x, np.clip(value, 0, n - 1))  # no gradient at the border


def _mirrored(x: Any, low: float, span: float) -> Any:
    """x, mirrored at `low` and at `low + span` until it is between the two."""
    if not span:
        return x * 0
    x = np.abs(x - low)
    turns = np.floor(as_array(stop_gradient(x)) / span)
    rest = x - turns * span
    return np.where(turns % 2 == 0, rest, span - rest) + low


def _taps(x: Any, n: int, mode: str, padding_mode: str, corners: bool) -> list[tuple[Array, Array, Any]]:
    """The pixels along one axis that a coordinate is blended of: index, whether in the image, weight."""
    if mode == "bicubic":
        first = np.floor(as_array(stop_gradient(x)))
        places = [_padded(first + i, n, padding_mode, corners) for i in range(-1, 3)]
        weights = cubic(x - first)
    else:
        x = _padded(x, n, padding_mode, corners)
        value = as_array(stop_gradient(x))
        if mode == "nearest":
            places, weights = [np.rint(value)], [1]
        else:
            first = np.floor(value)
            t = x - first
            places, weights = [first, first + 1], [1 - t, t]
    indices = [np.clip(np.nan_to_num(place), 0, n - 1).astype(np.int64) for place in places]
    inside = [(place >= 0) & (place < n) for place in places]
    return list(zip(indices, inside, weights, strict=True))
