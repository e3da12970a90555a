"""Layers that regroup the pixels of images: windows as columns and back, channels as pixels and back."""

from __future__ import annotations

from .. import functional
from .spatial import Spatial

__all__ = ["ChannelShuffle", "Fold", "PixelShuffle", "PixelUnshuffle", "Unfold"]

Ints = int | tuple[int, ...]


class Unfold(Spatial):
    """The windows of an image as columns: (N, C, H, W) becomes (N, C kH kW, windows).

    Example:
        >>> import numpy as np, nn
        >>> nn.Unfold(2)(np.ones((1, 3, 4, 4))).shape
        (1, 12, 9)
    """

    function = functional.unfold
    kernel_size: Ints
    dilation: Ints = 1
    padding: Ints = 0
    stride: Ints = 1


class Fold(Spatial):
    """The sum of windows, each at its position in an image: the transpose of `Unfold`.

    Example:
        >>> import numpy as np, nn
        >>> nn.Fold((2, 3), 2)(np.ones((1, 4, 2))).tolist()
        [[[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]]
    """

    function = functional.fold
    output_size: Ints
    kernel_size: Ints
    dilation: Ints = 1
    padding: Ints = 0
    stride: Ints = 1


class PixelShuffle(Spatial):
    """Channels as pixels: (N, C r^2, H, W) becomes (N, C, H r, W r).

    Example:
        >>> import numpy as np, nn
        >>> nn.PixelShuffle(2)(np.arange(4.0).reshape(1, 4, 1, 1)).tolist()
        [[[[0.0, 1.0], [2.0, 3.0]]]]
    """

    function = functional.pixel_shuffle
    upscale_factor: int


class PixelUnshuffle(Spatial):
    """Pixels as channels: (N, C, H r, W r) becomes (N, C r^2, H, W), the inverse of `PixelShuffle`."""

    function = functional.pixel_unshuffle
    downscale_factor: int


class ChannelShuffle(Spatial):
    """Channels in another order: (g, c) of g groups of c channels becomes (c, g).

    Example:
        >>> import numpy as np, nn
        >>> nn.ChannelShuffle(2)(np.arange(4.0).reshape(1, 4, 1, 1)).ravel().tolist()
        [0.0, 2.0, 1.0, 3.0]
    """

    function = functional.channel_shuffle
    groups: int
