"""LeNet-5: alternating convolutions and subsampling."""

from __future__ import annotations

from typing import Any

from ..layers.activations import ScaledTanh
from ..layers.containers import Sequential
from ..layers.conv import Conv2d
from ..layers.linear import Linear
from ..layers.pooling import AvgPool2d
from ..layers.shape import Flatten
from ..module import Module

__all__ = ["LeNet5"]


class LeNet5(Module):
    """Two convolutions, each with subsampling, and three dense layers.

    Three details differ from the paper: the second convolution sees all channels of the first, subsampling is
    a plain mean, and the last layer is linear.

    Args:
        channels: the number of channels of the images.
        size: the height and width of the images, at least 16.
        classes: the number of classes.

    Source:
        Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998.

    Example:
        >>> import numpy as np, nn
        >>> model = nn.models.LeNet5(channels=1)
        >>> model(np.zeros((2, 1, 32, 32), np.float32)).shape
        (2, 10)
        >>> sum(p.size for p in model.parameters())     # the paper's has 60,000 with its table of connections
        61706
    """

    def __init__(self, channels: int = 3, size: int = 32, classes: int = 10) -> None:
        side = ((size - 4) // 2 - 4) // 2
        self.features = Sequential(
            *(Conv2d(channels, 6, 5), ScaledTanh(), AvgPool2d(2)),
            *(Conv2d(6, 16, 5), ScaledTanh(), AvgPool2d(2)),
        )
        self.classifier = Sequential(
            *(Flatten(), Linear(16 * side**2, 120), ScaledTanh()),
            *(Linear(120, 84), ScaledTanh(), Linear(84, classes)),
        )

    def forward(self, x: Any) -> Any:
        return self.classifier(self.features(x))
