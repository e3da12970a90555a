"""Convert images to Tensors and to other dtypes; normalize their channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, OptionError, ShapeError

from ..arrays import as_array, as_operand
from .base import Transform, rounded

__all__ = ["ConvertImageDtype", "Normalize", "PILToTensor", "ToTensor"]

Array = npt.NDArray[Any]


class PILToTensor(Transform):
    """Convert an image to a Tensor with the same numbers.

    Example:
        >>> import numpy as np, nn
        >>> nn.transforms.PILToTensor()(np.array([[0, 255]], np.uint8)).tolist()
        [[[0, 255]]]
    """

    def __call__(self, img: Any) -> Any:
        """(H, W) or (H, W, C) as (C, H, W)."""
        return self._converted(img, batched=False)

    def batch(self, images: Any) -> Any:
        """(N, H, W) or (N, H, W, C) as (N, C, H, W)."""
        return self._converted(images, batched=True)

    def _converted(self, img: Any, batched: bool) -> Tensor:
        x = as_array(img)
        if isinstance(img, Tensor) or x.dtype.kind not in "buif":
            what = f"{type(img).__name__} of {x.dtype}"
            raise DTypeError(f"{type(self).__name__}: expected an image as an array or from PIL, got {what}")
        many = batched or x.ndim == 4
        if x.ndim - many not in (2, 3):
            raise ShapeError(f"{type(self).__name__}: expected an image (H, W) or (H, W, C), got {x.shape}")
        return Tensor(
            self.values(np.moveaxis(x, -1, many) if x.ndim - many == 3 else np.expand_dims(x, int(many)))
        )

    def values(self, x: Array) -> Array:
        """The converted numbers."""
        return x


class ToTensor(PILToTensor):
    """Convert an image to a float32 Tensor: uint8 is divided by 255, other numbers keep their values.

    Example:
        >>> import numpy as np, nn
        >>> nn.transforms.ToTensor()(np.array([[0, 255]], np.uint8)).tolist()
        [[[0.0, 1.0]]]
    """

    def values(self, x: Array) -> Array:
        """The numbers from 0 to 1."""
        return x.astype(np.float32) / 255 if x.dtype == np.uint8 else x


class ConvertImageDtype(Transform):
    """Convert an image to another dtype; integers range from 0 to their maximum, floats from 0 to 1.

    Args:
        dtype: the dtype, e.g. np.float32.
    """

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.dtype = np.dtype(dtype)

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """The images, scaled to the range of the dtype."""
        before, after = (1 if d.kind == "f" else np.iinfo(d).max for d in (images.dtype, self.dtype))
        return (
            images
            if images.dtype == self.dtype
            else rounded(images.astype(float) / before * after, self.dtype)
        )


class Normalize(Transform):
    """(x - mean) / std of each channel.

    Args:
        mean: a number for each channel, or one number for all.
        std: likewise, not 0.
        inplace: no effect.

    Raises:
        OptionError: an entry of `std` is 0.
        ShapeError: the image has another number of channels.
        DTypeError: the image does not hold floating-point numbers.

    Example:
        >>> import numpy as np, nn
        >>> nn.transforms.Normalize([0.5], [0.25])(np.array([[[0.0, 1.0]]]))
        array([[[-2.,  2.]]])
    """

    def __init__(
        self, mean: Sequence[float] | float, std: Sequence[float] | float, inplace: bool = False
    ) -> None:
        self.mean, self.std = mean, std
        if not np.all(np.asarray(std)):
            raise OptionError(f"Normalize(std={std}): cannot divide by 0")

    def __call__(self, img: Any) -> Any:
        """The normalized image, on the tape if the image is."""
        x = as_operand("Normalize", img)
        if x.dtype.kind != "f":
            raise DTypeError(
                f"Normalize: expected floating-point numbers, got {x.dtype}; put ToTensor() before it"
            )
        if x.ndim < 3:
            raise ShapeError(f"Normalize: expected shape (C, H, W) or (N, C, H, W), got {x.shape}")
        mean, std = (np.reshape(np.asarray(v, x.dtype), (-1, 1, 1)) for v in (self.mean, self.std))
        if {len(mean), len(std)} - {1, x.shape[-3]}:
            raise ShapeError(
                f"Normalize: mean and std are for {len(mean)} and {len(std)} channels, the image of shape "
                f"{x.shape} has {x.shape[-3]}"
            )
        return (x - mean) / std

    def batch(self, images: Any) -> Any:
        """The normalized batch."""
        return self(images)
