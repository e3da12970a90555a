"""Pooling layers: each window becomes one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy.typing as npt

from autograd_lite import Tensor

from .. import functional
from ..functional.windows import sizes
from ..module import Module
from .spatial import called

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "LPPool2d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
]

Array = npt.NDArray[Any]
Ints = int | Sequence[int]

# -- the largest -----------------------------------------------------------------------------------


class _MaxPool(Module):
    axes: ClassVar[int]

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        dilation: Ints = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode
        for option, least in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            sizes(type(self).__name__, option, getattr(self, option), self.axes, least)

    def forward(self, x: Tensor | Array) -> Any:
        function = getattr(functional, f"max_pool{self.axes}d")
        return called(
            self, function, x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The options."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest entry of each window of sequences (N, C, L); the arguments are those of `MaxPool2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.MaxPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]]))
        array([[[3., 2.]]])
    """

    axes = 1


class MaxPool2d(_MaxPool):
    """The largest entry of each window of images (N, C, H, W).

    Where several are the largest, the gradient goes to the first of them, as in PyTorch.

    Args:
        kernel_size: of a window, an int or (height, width), as are the next three.
        stride: from window to window; by default the kernel size. Smaller ones make windows overlap.
        padding: entries around the image that are smaller than all others.
        dilation: from an entry of a window to the next.
        return_indices: return also where, in the flattened H W, each largest entry stands.
        ceil_mode: a window that reaches over the end counts too.

    Raises:
        ShapeError: the input is not of shape (N, C, H, W) or (C, H, W), or smaller than a window.
        OptionError: an option that cannot be.

    Example:
        >>> import numpy as np, nn
        >>> nn.MaxPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0]
        array([[ 5.,  7.],
               [13., 15.]])
    """

    axes = 2


class MaxPool3d(_MaxPool):
    """The largest entry of each window of volumes (N, C, D, H, W); the arguments are those of `MaxPool2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.MaxPool3d(2)(np.arange(16.0).reshape(1, 1, 2, 2, 4))
        array([[[[[13., 15.]]]]])
    """

    axes = 3


# -- means -----------------------------------------------------------------------------------------


class AvgPool1d(Module):
    """The mean of each window of sequences (N, C, L); the arguments are those of `AvgPool2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.AvgPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]]))
        array([[[2., 1.]]])
    """

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = sizes("AvgPool1d", "kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else sizes("AvgPool1d", "stride", stride, 1)
        self.padding = sizes("AvgPool1d", "padding", padding, 1, least=0)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, x: Tensor | Array) -> Any:
        return called(
            self, functional.avg_pool1d, x, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The options."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    axes: ClassVar[int]

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad
        self.divisor_override = divisor_override
        for option, least in (("kernel_size", 1), ("stride", 1), ("padding", 0)):
            sizes(type(self).__name__, option, getattr(self, option), self.axes, least)

    def forward(self, x: Tensor | Array) -> Any:
        function = getattr(functional, f"avg_pool{self.axes}d")
        return called(
            self, function, x, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The options."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window of images (N, C, H, W).

    Args:
        kernel_size: of a window, an int or (height, width), as are the next two.
        stride: from window to window; by default the kernel size.
        padding: zeros around the image.
        ceil_mode: a window that reaches over the end counts too.
        count_include_pad: whether padding counts in the mean.
        divisor_override: what the sums are divided by instead.

    Raises:
        ShapeError: the input is not of shape (N, C, H, W) or (C, H, W), or smaller than a window.
        OptionError: an option that cannot be.

    Example:
        >>> import numpy as np, nn
        >>> nn.AvgPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0]
        array([[ 2.5,  4.5],
               [10.5, 12.5]])
    """

    axes = 2


class AvgPool3d(_AvgPool):
    """The mean of each window of volumes (N, C, D, H, W); the arguments are those of `AvgPool2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.AvgPool3d(2)(np.arange(16.0).reshape(1, 1, 2, 2, 4))
        array([[[[[6.5, 8.5]]]]])
    """

    axes = 3


class LPPool2d(Module):
    """(sum of x^p)^(1/p) over each window of images (N, C, H, W); L2 pooling with p = 2.

    Args:
        norm_type: p.
        kernel_size: of a window, an int or (height, width).
        stride: from window to window; by default the kernel size.
        ceil_mode: a window that reaches over the end counts too.

    Raises:
        ShapeError: the input is not of shape (N, C, H, W) or (C, H, W), or smaller than a window.
        OptionError: an option that cannot be.

    Example:
        >>> import numpy as np, nn
        >>> nn.LPPool2d(2, kernel_size=2)(np.array([[[3.0, 0.0], [4.0, 0.0]]]))
        array([[[5.]]])
    """

    def __init__(
        self, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
    ) -> None:
        sizes("LPPool2d", "kernel_size", kernel_size, 2)
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = (
            norm_type, kernel_size, stride, ceil_mode,
        )  # fmt: skip

    def forward(self, x: Tensor | Array) -> Any:
        return called(
            self, functional.lp_pool2d, x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode
        )

    def extra_repr(self) -> str:
        """The options."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


# -- windows that adapt to the size of the output --------------------------------------------------


class AdaptiveAvgPool1d(Module):
    """The mean of each of `output_size` windows that cover sequences (N, C, L) evenly.

    Example:
        >>> import numpy as np, nn
        >>> nn.AdaptiveAvgPool1d(2)(np.array([[[1.0, 2.0, 3.0]]]))
        array([[[1.5, 2.5]]])
    """

    def __init__(self, output_size: Ints) -> None:
        self.output_size = output_size

    def forward(self, x: Tensor | Array) -> Any:
        return called(self, functional.adaptive_avg_pool1d, x, self.output_size)

    def extra_repr(self) -> str:
        """The size of the output."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool2d(Module):
    """The mean of each of H' W' windows that cover images (N, C, H, W) evenly; with 1, of all of it.

    Args:
        output_size: H' and W', or one int for both; None keeps the size of an axis.

    Example:
        >>> import numpy as np, nn
        >>> nn.AdaptiveAvgPool2d(1)(np.arange(6.0).reshape(1, 1, 2, 3))
        array([[[[2.5]]]])
    """

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def forward(self, x: Tensor | Array) -> Any:
        return called(self, functional.adaptive_avg_pool2d, x, self.output_size)

    def extra_repr(self) -> str:
        """The size of the output."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool3d(Module):
    """The mean of each of D' H' W' windows that cover volumes (N, C, D, H, W) evenly.

    Args:
        output_size: D', H' and W', or one int for all; None keeps the size of an axis.

    Example:
        >>> import numpy as np, nn
        >>> nn.AdaptiveAvgPool3d(1)(np.arange(6.0).reshape(1, 1, 1, 2, 3))
        array([[[[[2.5]]]]])
    """

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def forward(self, x: Tensor | Array) -> Any:
        return called(self, functional.adaptive_avg_pool3d, x, self.output_size)

    def extra_repr(self) -> str:
        """The size of the output."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool2d(Module):
    """The largest entry of each of H' W' windows that cover images (N, C, H, W) evenly.

    Args:
        output_size: H' and W', or one int for both; None keeps the size of an axis.
        return_indices: return also where, in the flattened H W, each largest entry stands.

    Example:
        >>> import numpy as np, nn
        >>> nn.AdaptiveMaxPool2d((1, 2))(np.arange(6.0).reshape(1, 1, 2, 3))
        array([[[[4., 5.]]]])
    """

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, x: Tensor | Array) -> Any:
        return called(self, functional.adaptive_max_pool2d, x, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """The size of the output."""
        return f"output_size={self.output_size}"
