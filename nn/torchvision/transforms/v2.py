"""The transforms that `torchvision.transforms.v2` shares with the first version, under its name.

>>> import numpy as np
>>> from nn.torchvision.transforms import v2
>>> v2.Compose([v2.ToImage(), v2.ToDtype(np.float32, scale=True)])(np.array([[255]], np.uint8)).tolist()
[[[1.0]]]
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor

from ... import transforms
from ...transforms import *  # noqa: F403  (this file exports the same names)
from ...transforms.base import Transform
from . import functional as functional
from .classes import OWN, SHARED
from .classes import FiveCrop as FiveCrop
from .classes import PILToTensor as PILToTensor
from .classes import RandomChoice as RandomChoice
from .classes import RandomOrder as RandomOrder
from .classes import TenCrop as TenCrop
from .classes import ToPILImage as ToPILImage
from .classes import ToTensor as ToTensor

__all__ = [*SHARED, *OWN, "Identity", "ToDtype", "ToImage", "ToPureTensor", "Transform", "functional"]


class ToImage(PILToTensor):
    """Convert an image to a Tensor (C, H, W) with the same numbers; a Tensor stays as it is."""

    def __call__(self, img: Any) -> Any:
        """(H, W) or (H, W, C) as (C, H, W)."""
        return img if isinstance(img, Tensor) else super().__call__(img)


class ToDtype(Transform):
    """Convert an image to another dtype.

    Args:
        dtype: the dtype.
        scale: scale the values to the range of the dtype, which is 0 to 1 for floats.
    """

    def __init__(self, dtype: npt.DTypeLike, scale: bool = False) -> None:
        self.dtype, self.scale = np.dtype(dtype), scale

    def apply(self, images: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[Any]:
        """The images in the dtype."""
        return (
            transforms.ConvertImageDtype(self.dtype).apply(images, rng)
            if self.scale
            else images.astype(self.dtype)
        )


class Identity(transforms.Lambda):
    """Leave an image as it is."""

    is_random = False

    def __init__(self) -> None:
        super().__init__(lambda img: img)


class ToPureTensor(Identity):
    """Leave an image as it is: Tensors here carry nothing but their numbers."""
