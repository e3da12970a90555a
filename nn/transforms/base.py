"""The base classes of transforms: the axes of images, single images and batches, compositions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, OptionError, ShapeError, UnsupportedError

from ..arrays import as_array
from ..options import check_number
from ..random import sample_generator

__all__ = ["Compose", "InterpolationMode", "Lambda", "RandomApply", "Transform", "pair", "rounded"]

Array = npt.NDArray[Any]


class InterpolationMode(StrEnum):
    """How to compute values between pixels."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"


class Transform:
    """Base class of transforms: subclass it and define `apply(images, rng)`.

    `apply` gets a read-only array of shape (N, C, H, W) and a random generator. It returns an array of shape
    (N, C, h, w) and the same dtype.

    Attributes:
        is_random: True if the transform draws random numbers.
        on_batches: True if the transform can treat each image of a batch on its own.

    Example:
        >>> import numpy as np, nn
        >>> class Negative(nn.transforms.Transform):
        ...     def apply(self, images, rng):
        ...         return 1 - images
        >>> Negative()(np.array([[0.0, 0.25]]))
        array([[1.  , 0.75]])
    """

    is_random: bool = False
    on_batches: bool = True

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Transform images of shape (N, C, H, W)."""
        raise NotImplementedError(f"{type(self).__name__} has no apply")

    def __call__(self, img: Any) -> Any:
        """Transform one image, or a batch with all four axes."""
        return self._arranged(img, batched=False)

    def batch(self, images: Any) -> Any:
        """Transform a batch, with or without an axis of channels."""
        return self._arranged(images, batched=True)

    def _arranged(self, img: Any, batched: bool) -> Any:
        if isinstance(img, Tensor) and img.requires_grad:
            raise UnsupportedError(f"{type(self).__name__}: no gradient flows through it; write x.detach()")
        x = as_array(img)
        if x.dtype.kind not in "uif":
            raise DTypeError(
                f"{type(self).__name__}: expected an image, got {type(img).__name__} of {x.dtype}"
            )
        last = x.dtype == np.uint8 and not isinstance(img, Tensor)
        many = batched or x.ndim == 4
        coloured = x.ndim - many == 3
        check_axes(type(self).__name__, x, many, last)
        images = x if many else x[None]
        images = (np.moveaxis(images, -1, 1) if last else images) if coloured else images[:, None]
        result = self.apply(images, sample_generator())
        if coloured or result.shape[1] > 1:
            result = np.moveaxis(result, 1, -1) if last else result
        else:
            result = result[:, 0]
        result = result if many else result[0]
        return _like(img, result) if isinstance(img, Tensor) else np.ascontiguousarray(result)

    def __repr__(self) -> str:
        options = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if not k.startswith("_"))
        return f"{type(self).__name__}({options})"


@ag.nondifferentiable
def _result(img: Any, result: Array) -> Any:
    """The result of a transform, in the class of the image."""
    return result


def _like(img: Tensor, result: Array) -> Tensor:
    made = _result(img, result)
    return made if isinstance(made, Tensor) else Tensor(made)


def check_axes(who: str, x: Array, many: bool, last: bool) -> None:
    """Refuse arrays that are not images, or whose axes probably mean something else.

    Raises:
        ShapeError: the array is refused.
    """
    shape = "(H, W), (H, W, C) or (N, H, W, C)" if last else "(H, W), (C, H, W) or (N, C, H, W)"
    if x.ndim - many not in (2, 3):
        raise ShapeError(f"{who}: expected an image of shape {shape}, got {x.shape}")
    if last and x.ndim - many == 3 and x.shape[-1] > 4:
        raise ShapeError(
            f"{who}: shape {x.shape} would be {x.shape[-1]} channels, because uint8 arrays are images "
            "with channels last; for (N, C, H, W) write x.astype(np.float32) / 255"
        )
    if not last and not many and x.ndim == 3 and len(x) > 4:
        raise ShapeError(
            f"{who}: shape {x.shape} would be {len(x)} channels, because three axes mean one image; for a "
            "batch (N, H, W) write x[:, None]"
        )


class Compose(Transform):
    """Apply transforms one after another.

    Args:
        transforms: functions of an image.

    Example:
        >>> import numpy as np
        >>> from nn import transforms
        >>> transform = transforms.Compose([transforms.CenterCrop(2), transforms.ToTensor()])
        >>> transform(np.full((4, 4), 51, np.uint8)).tolist()
        [[[0.20000000298023224, 0.20000000298023224], [0.20000000298023224, 0.20000000298023224]]]
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)
        for t in self.transforms:
            if not callable(t) or isinstance(t, type):
                repair = f"{t.__name__}(...)" if isinstance(t, type) else "transforms.Compose([...])"
                raise DTypeError(f"Compose: {t!r} is not a transform; write {repair}")

    @property
    def is_random(self) -> bool:  # type: ignore[override]
        """Whether one of the transforms may be random."""
        return any(getattr(t, "is_random", True) for t in self.transforms)

    @property
    def on_batches(self) -> bool:  # type: ignore[override]
        """Whether all transforms support batches."""
        return all(getattr(t, "on_batches", False) for t in self.transforms)

    def __call__(self, img: Any) -> Any:
        """The image after all transforms."""
        for t in self.transforms:
            img = t(img)
        return img

    def batch(self, images: Any) -> Any:
        """The batch after all transforms."""
        for t in self.transforms:
            images = t.batch(images)  # type: ignore[attr-defined]
        return images

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.transforms})"


class RandomApply(Compose):
    """Apply transforms with a probability p. They must not change shapes.

    Args:
        transforms: functions of an image.
        p: the probability.
    """

    is_random = True

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5) -> None:
        super().__init__(transforms)
        check_number("RandomApply", "p", p, most=1, example=0.5)
        self.p = p

    def __call__(self, img: Any) -> Any:
        """The image, transformed or unchanged; the images of a batch are drawn one by one."""
        if np.ndim(img) == 4 and self.on_batches:
            return self.batch(img)
        return super().__call__(img) if sample_generator().random() < self.p else img

    def batch(self, images: Any) -> Any:
        """The batch with some images transformed."""
        chosen = sample_generator().random(len(images)) < self.p
        if not chosen.any():
            return images
        result = as_array(images).copy()
        result[chosen] = as_array(super().batch(images[chosen]))
        return Tensor(result) if isinstance(images, Tensor) else result


class Lambda(Transform):
    """A function as a transform.

    Args:
        lambd: a function of one image.
    """

    is_random = True  # the function may be random
    on_batches = False

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        """The result of the function."""
        return self.lambd(img)


def pair(who: str, option: str, value: Any) -> tuple[int, int]:
    """A height and a width from one int or two."""
    several = (value, value) if isinstance(value, (int, np.integer)) else tuple(value)
    several = several * 2 if len(several) == 1 else several
    if len(several) != 2 or any(not isinstance(v, (int, np.integer)) or v < 1 for v in several):
        raise OptionError(
            f"{who}({option}={value!r}): expected an int or a pair (height, width), e.g. {option}=28"
        )
    return several


def rounded(values: Array, dtype: Any) -> Array:
    """Values cast to a dtype; for integer dtypes they are rounded."""
    if np.dtype(dtype).kind == "f":
        return values.astype(dtype, copy=False)
    bounds = np.iinfo(dtype)
    return np.clip(np.rint(values), bounds.min, bounds.max).astype(dtype)
