"""Convolutional layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError, ShapeError
from autograd_lite.work import multiply_adds

from .. import functional, init
from ..functional.conv import convolution, pads, transposed_convolution
from ..functional.windows import sizes
from ..module import Module, Parameter
from ..options import check_whole
from ..parameter import dtype_of
from .spatial import called

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

Array = npt.NDArray[Any]
Ints = int | Sequence[int]

_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


class _Convolution(Module):
    """What all convolutional layers share: options, parameters and repr."""

    axes: ClassVar[int]
    transposed: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints,
        padding: str | Ints,
        dilation: Ints,
        output_padding: Ints,
        groups: int,
        bias: bool,
        padding_mode: str,
        dtype: npt.DTypeLike,
    ) -> None:
        name = type(self).__name__
        check_whole(name, "in_channels", in_channels)
        check_whole(name, "out_channels", out_channels)
        check_whole(name, "groups", groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        if in_channels % groups or out_channels % groups:
            raise OptionError(
                f"{name}({in_channels}, {out_channels}, groups={groups}): expected both numbers of channels "
                "to be multiples of groups"
            )
        allowed = ["zeros"] if self.transposed else list(_MODES)
        if padding_mode not in allowed:
            expected = ", ".join(f'"{mode}"' for mode in allowed)
            raise OptionError(f"{name}(padding_mode={padding_mode!r}): expected {expected}")
        self.kernel_size = sizes(name, "kernel_size", kernel_size, self.axes)
        self.stride = sizes(name, "stride", stride, self.axes)
        self.dilation = sizes(name, "dilation", dilation, self.axes)
        self.output_padding = sizes(name, "output_padding", output_padding, self.axes, least=0)
        self._pads = pads(name, padding, self.kernel_size, self.stride, self.dilation)
        self.padding = (
            padding if isinstance(padding, str) else sizes(name, "padding", padding, self.axes, least=0)
        )
        self.padding_mode = padding_mode
        outer, inner = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(np.empty((outer, inner // groups, *self.kernel_size), dtype))
        self.register_parameter("bias", Parameter(np.empty(out_channels, dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values from U(-b, b) with b = 1 / sqrt(fan_in), as in PyTorch."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(math.prod(self.weight.shape[1:]))
            init.uniform_(self.bias, -bound, bound)

    def _input(self, x: Any) -> Any:
        return np.asarray(x, self.weight.dtype) if isinstance(x, (list, tuple)) else x

    def forward(self, x: Tensor | Array) -> Any:
        function = getattr(functional, f"conv{self.axes}d")
        x, padding = self._input(x), self.padding
        if self.padding_mode != "zeros":
            around = [p for pair in reversed(self._pads) for p in pair]
            x, padding = called(self, functional.pad, x, around, mode=_MODES[self.padding_mode]), "valid"
        return called(
            self, function, x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def multiply_adds(self, args: tuple[Any, ...], output: Any) -> int:
        """One kernel for each output entry; in a transposed convolution for each input entry."""
        if self.transposed:
            return multiply_adds(transposed_convolution, output, args[0], self.weight)
        return multiply_adds(convolution, output, None, self.weight)

    def extra_repr(self) -> str:
        """The sizes, and the options that differ from their defaults."""
        parts = [
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        ]
        for name, default in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (default,) * self.axes:
                parts.append(f"{name}={value}")
        parts += [f"groups={self.groups}"] * (self.groups != 1)
        parts += ["bias=False"] * (self.bias is None)
        parts += [f"padding_mode={self.padding_mode}"] * (self.padding_mode != "zeros")
        return ", ".join(parts)


# -- convolution -----------------------------------------------------------------------------------


class _Conv(_Convolution):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: str | Ints = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype = dtype_of(device, dtype)
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias,
            padding_mode, dtype,
        )  # fmt: skip


class Conv1d(_Conv):
    """Convolution over sequences (N, C, L); the arguments are those of `Conv2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.Conv1d(3, 8, kernel_size=5)(np.ones((2, 3, 20), np.float32)).shape
        (2, 8, 16)
    """

    axes = 1


class Conv2d(_Conv):
    """Convolution over images (N, C, H, W): each output channel is the product of a kernel with each window.

    See `nn.functional.conv2d`.

    Args:
        in_channels: C, the number of channels of the input.
        out_channels: the number of channels of the output.
        kernel_size: the size of a window, an int or (height, width).
        stride: the distance from a window to the next, an int or (down, right).
        padding: the number of entries added at each end of an axis, an int or (height, width). "valid" adds
            none, and "same" keeps the size of the image.
        dilation: the distance between neighbouring entries of a window, an int or (down, right).
        groups: the number of groups of channels; each group has output channels of its own.
        bias: add a learned bias to each output channel.
        padding_mode: the added entries: "zeros", or by "reflect", "replicate" or "circular", as in
            `nn.functional.pad`.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Attributes:
        weight: of shape (out_channels, in_channels / groups, height, width).
        bias: of shape (out_channels,), or None. The initial values of both are drawn from U(-b, b),
            b = 1 / sqrt(fan_in).

    Raises:
        ShapeError: the input is not of shape (N, C, H, W) or (C, H, W), or is smaller than a window.
        OptionError: an option has an invalid value.

    Source:
        Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998.

    Example:
        >>> import numpy as np, nn
        >>> layer = nn.Conv2d(1, 20, kernel_size=5, padding="same")
        >>> layer
        Conv2d(1, 20, kernel_size=(5, 5), stride=(1, 1), padding=same)
        >>> layer(np.ones((64, 1, 28, 28), np.float32)).shape
        (64, 20, 28, 28)
    """

    axes = 2


class Conv3d(_Conv):
    """Convolution over volumes (N, C, D, H, W); the arguments are those of `Conv2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.Conv3d(1, 4, kernel_size=3)(np.ones((2, 1, 5, 6, 7), np.float32)).shape
        (2, 4, 3, 4, 5)
    """

    axes = 3


# -- transposed convolution ------------------------------------------------------------------------


class _ConvTranspose(_Convolution):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Ints = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype = dtype_of(device, dtype)
        if isinstance(padding, str):
            raise OptionError(f"{type(self).__name__}(padding={padding!r}): expected an int for each axis")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode, dtype,
        )  # fmt: skip

    def forward(self, x: Tensor | Array, output_size: Sequence[int] | None = None) -> Any:
        """The output.

        Args:
            x: of shape (N, C, *size) or (C, *size).
            output_size: the size of the output's spatial axes, if `stride` allows several.
        """
        function = getattr(functional, f"conv_transpose{self.axes}d")
        x = self._input(x)
        extra = self.output_padding if output_size is None else self._extra(x.shape, tuple(output_size))
        return called(
            self, function, x, self.weight, self.bias, self.stride, self.padding, extra, self.groups,
            self.dilation,
        )  # fmt: skip

    def _extra(self, shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
        """The output padding with which the output gets the wanted size."""
        wanted = wanted[-self.axes :]
        assert not isinstance(self.padding, str)
        lengths = zip(
            shape[-self.axes :], self.kernel_size, self.stride, self.padding, self.dilation, strict=False
        )
        smallest = tuple((n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in lengths)
        extra = tuple(w - n for w, n in zip(wanted, smallest, strict=False))
        if len(extra) != self.axes or not all(0 <= e < s for e, s in zip(extra, self.stride, strict=True)):
            largest = tuple(n + s - 1 for n, s in zip(smallest, self.stride, strict=True))
            raise ShapeError(
                f"{self!r}: an input {shape} has an output of size {smallest} to {largest}, not {wanted}"
            )
        return extra


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution over sequences; the arguments are those of `ConvTranspose2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.ConvTranspose1d(8, 3, kernel_size=4, stride=2)(np.ones((2, 8, 5), np.float32)).shape
        (2, 3, 12)
    """

    axes = 1


class ConvTranspose2d(_ConvTranspose):
    """The transpose of `Conv2d` as a linear map, from the shape of its output to that of its input.

    See `nn.functional.conv_transpose2d`.

    Args:
        in_channels: C, the number of channels of the input.
        out_channels: the number of channels of the output.
        kernel_size: the size of a window, an int or (height, width).
        stride: the distance between neighbouring windows in the output, an int or (down, right).
        padding: the number of entries cut off at each end of the output, an int or (height, width).
        output_padding: the number of extra rows and columns at the end of the output.
        groups: the number of groups of channels; each group has output channels of its own.
        bias: add a learned bias to each output channel.
        dilation: the distance between neighbouring entries of a window, an int or (down, right).
        padding_mode: only "zeros".
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Attributes:
        weight: of shape (in_channels, out_channels / groups, height, width).
        bias: of shape (out_channels,), or None.

    Raises:
        ShapeError: the input is not of shape (N, C, H, W) or (C, H, W).
        OptionError: an option has an invalid value.

    Example:
        >>> import numpy as np, nn
        >>> layer = nn.ConvTranspose2d(16, 8, kernel_size=2, stride=2)
        >>> layer(np.ones((4, 16, 7, 7), np.float32)).shape
        (4, 8, 14, 14)
    """

    axes = 2


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution over volumes; the arguments are those of `ConvTranspose2d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.ConvTranspose3d(8, 3, kernel_size=2, stride=2)(np.ones((2, 8, 2, 3, 4), np.float32)).shape
        (2, 3, 4, 6, 8)
    """

    axes = 3
