"""Layers that regroup the pixels of images: windows as columns and back, channels as pixels and back."""

from __future__ import annotations

from typing import Any

from .. import functional
from ..arrays import Input
from ..module import Module
from .spatial import called

__all__ = ["Fold", "PixelShuffle", "PixelUnshuffle", "Unfold"]

Ints = int | tuple[int, ...]


class Unfold(Module):
    """All windows of an image as columns: (N, C, H, W) becomes (N, C kH kW, windows).

    See `nn.functional.unfold`.

    Example:
        >>> import numpy as np, nn
        >>> nn.Unfold(2)(np.ones((1, 3, 4, 4))).shape
        (1, 12, 9)
    """

    def __init__(self, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> None:
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Input) -> Any:
        options = self.kernel_size, self.dilation, self.padding, self.stride
        return called(self, functional.unfold, input, *options)

    def extra_repr(self) -> str:
        """The options."""
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Unfold):
    """The sum of windows, each put back to its place: the transpose of `Unfold`.

    See `nn.functional.fold`.

    Example:
        >>> import numpy as np, nn
        >>> nn.Fold((2, 3), 2)(np.ones((1, 4, 2))).tolist()
        [[[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]]
    """

    def __init__(
        self, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def forward(self, input: Input) -> Any:
        options = self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        return called(self, functional.fold, input, *options)

    def extra_repr(self) -> str:
        """The options."""
        return f"output_size={self.output_size}, {super().extra_repr()}"


class PixelShuffle(Module):
    """Channels as pixels: (N, C r^2, H, W) becomes (N, C, H r, W r).

    Args:
        upscale_factor: r.

    Source:
        W. Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
        convolutional neural network", 2016.

    Example:
        >>> import numpy as np, nn
        >>> nn.PixelShuffle(2)(np.arange(4.0).reshape(1, 4, 1, 1)).tolist()
        [[[[0.0, 1.0], [2.0, 3.0]]]]
    """

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = upscale_factor

    def forward(self, input: Input) -> Any:
        return called(self, functional.pixel_shuffle, input, self.upscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Pixels as channels: (N, C, H r, W r) becomes (N, C r^2, H, W), the inverse of `PixelShuffle`.

    Args:
        downscale_factor: r.
    """

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = downscale_factor

    def forward(self, input: Input) -> Any:
        return called(self, functional.pixel_unshuffle, input, self.downscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"downscale_factor={self.downscale_factor}"
