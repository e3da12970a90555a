"""The transforms that torchvision alone has: several crops of one image, random choice and order, PIL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import transforms
from ...random import sample_generator
from ...torch.tensors import torched
from . import functional as F  # noqa: N812

OWN = ("FiveCrop", "PILToTensor", "RandomChoice", "RandomOrder", "TenCrop", "ToPILImage", "ToTensor")
SHARED = [name for name in transforms.__all__ if name not in (*OWN, "RandomShift", "Transform")]
"""The transforms of `nn.transforms` that torchvision has too."""

__all__ = ["FiveCrop", "PILToTensor", "RandomChoice", "RandomOrder", "TenCrop", "ToPILImage", "ToTensor"]


class ToTensor(transforms.ToTensor):
    """Convert an image to a float32 Tensor (C, H, W): uint8 is divided by 255.

    Example:
        >>> import numpy as np
        >>> ToTensor()(np.array([[0, 255]], np.uint8)).tolist()
        [[[0.0, 1.0]]]
    """

    def _converted(self, img: Any, batched: bool) -> Any:
        return torched(super()._converted(img, batched).numpy())


class PILToTensor(transforms.PILToTensor):
    """Convert an image to a Tensor (C, H, W) with the same numbers."""

    def _converted(self, img: Any, batched: bool) -> Any:
        return torched(super()._converted(img, batched).numpy())


class ToPILImage(transforms.Lambda):
    """Convert a Tensor (C, H, W) or an array (H, W, C) to an image of PIL.

    Args:
        mode: PIL's mode, e.g. "RGB"; from the shape by default.

    Raises:
        MissingPackageError: pillow is not installed.
    """

    is_random = False

    def __init__(self, mode: str | None = None) -> None:
        super().__init__(lambda img: F.to_pil_image(img, mode))


class FiveCrop(transforms.Lambda):
    """Crop the four corners and the centre of an image; the result is a tuple of five images.

    Args:
        size: (height, width), or one int for both.
    """

    is_random = False

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size
        super().__init__(lambda img: F.five_crop(img, size))


class TenCrop(transforms.Lambda):
    """Crop the four corners and the centre of an image and of its mirror image.

    Args:
        size: (height, width), or one int for both.
        vertical_flip: mirror top to bottom instead of left to right.
    """

    is_random = False

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False) -> None:
        self.size, self.vertical_flip = size, vertical_flip
        super().__init__(lambda img: F.ten_crop(img, size, vertical_flip))


class RandomChoice(transforms.Compose):
    """Apply one of several transforms, drawn at random.

    Args:
        transforms: functions of an image.
        p: their probabilities; equal by default.
    """

    is_random = True
    on_batches = False

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        self.p = None if p is None else [value / sum(p) for value in p]

    def __call__(self, img: Any) -> Any:
        """The image after one transform."""
        return self.transforms[sample_generator().choice(len(self.transforms), p=self.p)](img)


class RandomOrder(transforms.Compose):
    """Apply transforms in a random order.

    Args:
        transforms: functions of an image.
    """

    is_random = True
    on_batches = False

    def __call__(self, img: Any) -> Any:
        """The image after all transforms."""
        for i in sample_generator().permutation(len(self.transforms)):
            img = self.transforms[i](img)
        return img
