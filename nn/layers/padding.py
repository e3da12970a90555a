"""Layers that add entries around an image or a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError

from .. import functional
from ..functional.windows import checked
from ..module import Module
from .spatial import called

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]

Array = npt.NDArray[Any]
Ints = int | Sequence[int]


class _Pad(Module):
    """Args:
    padding: an int for all sides, or (left, right), (left, right, top, bottom), and so on.
    """

    axes: ClassVar[int]
    mode: ClassVar[str] = "constant"
    value: float | None = None

    def __init__(self, padding: Ints) -> None:
        given = tuple(padding) if isinstance(padding, (Sequence, np.ndarray)) else (padding,) * 2 * self.axes
        if len(given) != 2 * self.axes or not all(isinstance(p, (int, np.integer)) for p in given):
            sides = ", ".join(("left, right", "top, bottom", "front, back")[: self.axes])
            raise OptionError(f"{type(self).__name__}({padding!r}): expected an int or ({sides})")
        self.padding = tuple(map(int, given))

    def forward(self, x: Tensor | Array) -> Any:
        called(self, checked, type(self).__name__, x, self.axes)
        return called(self, functional.pad, x, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        """The number of new entries on each side."""
        return str(self.padding)


class ZeroPad1d(_Pad):
    """Zeros before and after sequences (N, C, L)."""

    axes = 1


class ZeroPad2d(_Pad):
    """Zeros around images (N, C, H, W).

    Args:
        padding: an int for all sides, or (left, right, top, bottom). A negative number cuts entries off.

    Example:
        >>> import numpy as np, nn
        >>> nn.ZeroPad2d((1, 0, 0, 1))(np.ones((1, 1, 1, 2)))[0, 0]
        array([[0., 1., 1.],
               [0., 0., 0.]])
    """

    axes = 2


class ZeroPad3d(_Pad):
    """Zeros around volumes (N, C, D, H, W)."""

    axes = 3


class _ConstantPad(_Pad):
    def __init__(self, padding: Ints, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """The number of new entries on each side, and their value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """The number `value` before and after sequences (N, C, L)."""

    axes = 1


class ConstantPad2d(_ConstantPad):
    """The number `value` around images (N, C, H, W)."""

    axes = 2


class ConstantPad3d(_ConstantPad):
    """The number `value` around volumes (N, C, D, H, W)."""

    axes = 3


class ReflectionPad1d(_Pad):
    """Sequences (N, C, L), mirrored at their first and last entry."""

    axes, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Images (N, C, H, W), mirrored at their outermost pixels.

    Example:
        >>> import numpy as np, nn
        >>> nn.ReflectionPad2d((1, 1, 0, 0))(np.array([[[[1.0, 2.0, 3.0]]]]))
        array([[[[2., 1., 2., 3., 2.]]]])
    """

    axes, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Volumes (N, C, D, H, W), mirrored at their outermost entries."""

    axes, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Sequences (N, C, L) with copies of their first and last entry around them."""

    axes, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Images (N, C, H, W) with copies of their outermost pixels around them."""

    axes, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Volumes (N, C, D, H, W) with copies of their outermost entries around them."""

    axes, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """Sequences (N, C, L), continued periodically."""

    axes, mode = 1, "circular"


class CircularPad2d(_Pad):
    """Images (N, C, H, W), continued periodically in both directions."""

    axes, mode = 2, "circular"


class CircularPad3d(_Pad):
    """Volumes (N, C, D, H, W), continued periodically in all directions."""

    axes, mode = 3, "circular"
