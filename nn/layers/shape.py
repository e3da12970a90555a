"""Layers that change the shape of their input, or nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError

from ..module import InputError, Module

__all__ = ["Flatten", "Identity", "Unflatten"]

Array = npt.NDArray[Any]


class Identity(Module):
    """The input itself. The constructor takes any arguments, so that Identity can replace any layer.

    Example:
        >>> import nn
        >>> nn.Identity(54, unused=True)(3.0)
        3.0
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x


class Flatten(Module):
    """Joins the axes from `start_dim` to `end_dim` into one, by default all but the batch axis.

    Args:
        start_dim: the first axis.
        end_dim: the last axis, which is joined too.

    Raises:
        ShapeError: the input does not have these axes.

    Example:
        >>> import numpy as np, nn
        >>> nn.Flatten()(np.ones((4, 3, 5, 5))).shape
        (4, 75)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor | Array) -> Any:
        ndim = max(x.ndim, 1)
        first, last = (dim + ndim if dim < 0 else dim for dim in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < ndim:
            raise InputError(self, f"expects axes {self.start_dim} to {self.end_dim}, got {x.shape}")
        return np.reshape(x, (*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :]))

    def extra_repr(self) -> str:
        """The axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits one axis into several.

    Args:
        dim: the axis.
        unflattened_size: the lengths of the new axes. One of them may be -1, which means the rest.

    Raises:
        OptionError: a length is below -1, or several are -1.
        ShapeError: the length of the axis is not the product of the new lengths.

    Example:
        >>> import numpy as np, nn
        >>> nn.Unflatten(1, (3, 5, 5))(np.ones((4, 75))).shape
        (4, 3, 5, 5)
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...] | list[int]) -> None:
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)
        if (
            not self.unflattened_size
            or self.unflattened_size.count(-1) > 1
            or min(self.unflattened_size) < -1
        ):
            raise OptionError(
                f"Unflatten({dim}, {unflattened_size!r}): expected sizes, at most one of them -1"
            )

    def forward(self, x: Tensor | Array) -> Any:
        dim = self.dim + x.ndim if self.dim < 0 else self.dim
        if not 0 <= dim < x.ndim:
            raise InputError(self, f"expects an axis {self.dim}, got {x.shape}")
        known = math.prod(n for n in self.unflattened_size if n != -1)
        fits = (
            x.shape[dim] == known if -1 not in self.unflattened_size else known and x.shape[dim] % known == 0
        )
        if not fits:
            raise InputError(
                self, f"expects {self.unflattened_size} to make up axis {self.dim}, got {x.shape}"
            )
        rest = x.shape[dim] // known if known else 0
        new = (rest if n == -1 else n for n in self.unflattened_size)
        return np.reshape(x, (*x.shape[:dim], *new, *x.shape[dim + 1 :]))

    def extra_repr(self) -> str:
        """The axis and its new lengths."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
