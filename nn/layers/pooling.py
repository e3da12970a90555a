"""Pooling layers: each window becomes one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from .. import functional
from ..functional.windows import sizes
from .spatial import Spatial

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]

Ints = int | Sequence[int]


class Pool(Spatial):
    """A pooling layer, which checks its sizes when it is made."""

    axes: ClassVar[int]
    least: ClassVar[dict[str, int]] = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}

    def check(self) -> None:
        """Set the stride to the kernel size by default; refuse sizes that are too small."""
        if vars(self).get("stride", 0) is None:
            self.stride = self.kernel_size
        for option, least in self.least.items():
            if option in vars(self):
                sizes(type(self).__name__, option, getattr(self, option), self.axes, least)


# -- the largest -----------------------------------------------------------------------------------


class MaxPool(Pool):
    """The options of all max pooling."""

    shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    kernel_size: Ints
    stride: Ints | None = None
    padding: Ints = 0
    dilation: Ints = 1
    return_indices: bool = False
    ceil_mode: bool = False


class MaxPool1d(MaxPool):
    """The largest entry of each window of sequences (N, C, L); the arguments are those of `MaxPool2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.MaxPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]]))
        array([[[3., 2.]]])
    """

    axes, function = 1, functional.max_pool1d


class MaxPool2d(MaxPool):
    """The largest entry of each window of images (N, C, H, W).

    Example:
        >>> import numpy as np, nn
        >>> nn.MaxPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0]
        array([[ 5.,  7.],
               [13., 15.]])
    """

    axes, function = 2, functional.max_pool2d


class MaxPool3d(MaxPool):
    """The largest entry of each window of volumes (N, C, D, H, W); the arguments are those of `MaxPool2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.MaxPool3d(2)(np.arange(16.0).reshape(1, 1, 2, 2, 4))
        array([[[[[13., 15.]]]]])
    """

    axes, function = 3, functional.max_pool3d


# -- means -----------------------------------------------------------------------------------------


class AvgPool(Pool):
    """The options of all average pooling."""

    shown = ("kernel_size", "stride", "padding")
    kernel_size: Ints
    stride: Ints | None = None
    padding: Ints = 0
    ceil_mode: bool = False
    count_include_pad: bool = True


class AvgPool1d(AvgPool):
    """The mean of each window of sequences (N, C, L); the arguments are those of `AvgPool2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.AvgPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]]))
        array([[[2., 1.]]])
    """

    axes, function = 1, functional.avg_pool1d

    def check(self) -> None:
        """Store sizes as tuples, as PyTorch does here."""
        super().check()
        for option in self.shown:
            setattr(self, option, sizes("AvgPool1d", option, getattr(self, option), 1, self.least[option]))


class AvgPool2d(AvgPool):
    """The mean of each window of images (N, C, H, W).

    Example:
        >>> import numpy as np, nn
        >>> nn.AvgPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0]
        array([[ 2.5,  4.5],
               [10.5, 12.5]])
    """

    axes, function = 2, functional.avg_pool2d
    divisor_override: int | None = None


class AvgPool3d(AvgPool):
    """The mean of each window of volumes (N, C, D, H, W); the arguments are those of `AvgPool2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.AvgPool3d(2)(np.arange(16.0).reshape(1, 1, 2, 2, 4))
        array([[[[[6.5, 8.5]]]]])
    """

    axes, function = 3, functional.avg_pool3d
    divisor_override: int | None = None


class LPPool(Pool):
    """The options of all pooling by p-norms."""

    norm_type: float
    kernel_size: Ints
    stride: Ints | None = None
    ceil_mode: bool = False

    def check(self) -> None:
        """Refuse windows without entries; a stride of None stays None, as in PyTorch."""
        sizes(type(self).__name__, "kernel_size", self.kernel_size, self.axes)


class LPPool1d(LPPool):
    """(the sum of x^p)^(1/p) over each window of sequences (N, C, L); the arguments are those of `LPPool2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.LPPool1d(2, kernel_size=2)(np.array([[3.0, 4.0]]))
        array([[5.]])
    """

    axes, function = 1, functional.lp_pool1d


class LPPool2d(LPPool):
    """(the sum of x^p)^(1/p) over each window of images (N, C, H, W).

    Example:
        >>> import numpy as np, nn
        >>> nn.LPPool2d(2, kernel_size=2)(np.array([[[3.0, 0.0], [4.0, 0.0]]]))
        array([[[5.]]])
    """

    axes, function = 2, functional.lp_pool2d


class LPPool3d(LPPool):
    """(the sum of x^p)^(1/p) over each window of volumes (N, C, D, H, W).

    The arguments are those of `LPPool2d`.
    """

    axes, function = 3, functional.lp_pool3d


# -- the way back ----------------------------------------------------------------------------------


class MaxUnpool(Pool):
    """The options of the ways back from max pooling."""

    kernel_size: Ints
    stride: Ints | None = None
    padding: Ints = 0

    def check(self) -> None:
        """Store sizes as tuples, as PyTorch does here."""
        super().check()
        for option in ("kernel_size", "stride", "padding"):
            given = getattr(self, option)
            setattr(self, option, sizes(type(self).__name__, option, given, self.axes, self.least[option]))

    def compute(self, input: Any, indices: Any, output_size: Sequence[int] | None = None) -> Any:
        """Each entry at its index, zeros elsewhere.

        Args:
            input: the pooled entries.
            indices: the index of each entry, from the pooling layer with `return_indices=True`.
            output_size: the shape of the output, or of its last axes.
        """
        return super().compute(input, indices, output_size=output_size)


class MaxUnpool1d(MaxUnpool):
    """Each entry at the index where `MaxPool1d` found it; the arguments are those of `MaxUnpool2d`."""

    axes, function = 1, functional.max_unpool1d


class MaxUnpool2d(MaxUnpool):
    """Each entry at the index where `MaxPool2d` found it, zeros elsewhere.

    Example:
        >>> import numpy as np, nn
        >>> y, indices = nn.MaxPool2d(2, return_indices=True)(np.arange(4.0).reshape(1, 1, 2, 2))
        >>> nn.MaxUnpool2d(2)(y, indices)[0, 0]
        array([[0., 0.],
               [0., 3.]])
    """

    axes, function = 2, functional.max_unpool2d


class MaxUnpool3d(MaxUnpool):
    """Each entry at the index where `MaxPool3d` found it; the arguments are those of `MaxUnpool2d`."""

    axes, function = 3, functional.max_unpool3d


# -- windows that adapt to the size of the output --------------------------------------------------


class AdaptiveAvgPool1d(Pool):
    """The mean of each of `output_size` windows that cover sequences (N, C, L) evenly.

    Example:
        >>> import numpy as np, nn
        >>> nn.AdaptiveAvgPool1d(2)(np.array([[[1.0, 2.0, 3.0]]]))
        array([[[1.5, 2.5]]])
    """

    function = functional.adaptive_avg_pool1d
    output_size: Ints


class AdaptiveAvgPool2d(Pool):
    """The mean of each of H' x W' windows that cover images (N, C, H, W) evenly.

    Example:
        >>> import numpy as np, nn
        >>> nn.AdaptiveAvgPool2d(1)(np.arange(6.0).reshape(1, 1, 2, 3))
        array([[[[2.5]]]])
    """

    function = functional.adaptive_avg_pool2d
    output_size: Any


class AdaptiveAvgPool3d(Pool):
    """The mean of each of D' x H' x W' windows that cover volumes (N, C, D, H, W) evenly.

    Example:
        >>> import numpy as np, nn
        >>> nn.AdaptiveAvgPool3d(1)(np.arange(6.0).reshape(1, 1, 1, 2, 3))
        array([[[[[2.5]]]]])
    """

    function = functional.adaptive_avg_pool3d
    output_size: Any


class AdaptiveMaxPool(Pool):
    """The options of all adaptive max pooling."""

    shown = ("output_size",)
    output_size: Any
    return_indices: bool = False


class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """The largest entry of each of `output_size` windows that cover sequences (N, C, L) evenly.

    Example:
        >>> import numpy as np, nn
        >>> nn.AdaptiveMaxPool1d(2)(np.array([[[1.0, 3.0, 2.0]]]))
        array([[[3., 3.]]])
    """

    function = functional.adaptive_max_pool1d


class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """The largest entry of each of H' x W' windows that cover images (N, C, H, W) evenly.

    Example:
        >>> import numpy as np, nn
        >>> nn.AdaptiveMaxPool2d((1, 2))(np.arange(6.0).reshape(1, 1, 2, 3))
        array([[[[4., 5.]]]])
    """

    function = functional.adaptive_max_pool2d


class AdaptiveMaxPool3d(AdaptiveMaxPool):
    """The largest entry of each of D' x H' x W' windows that cover volumes (N, C, D, H, W) evenly.

    Example:
        >>> import numpy as np, nn
        >>> nn.AdaptiveMaxPool3d(1)(np.arange(6.0).reshape(1, 1, 1, 2, 3))
        array([[[[[5.]]]]])
    """

    function = functional.adaptive_max_pool3d
