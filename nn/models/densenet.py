"""DenseNet: each layer sees the channels of all previous layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import functional as F  # noqa: N812
from ..init import kaiming_normal_
from ..layers.containers import Sequential
from ..layers.conv import Conv2d
from ..layers.linear import Linear
from ..layers.normalization import BatchNorm2d
from ..layers.pooling import AvgPool2d
from ..layers.rectifiers import ReLU
from ..module import Module

__all__ = ["DenseBlock", "DenseLayer", "DenseNet"]


class DenseLayer(Module):
    """Append new channels to x: batch norm, ReLU, 3x3 convolution.

    Args:
        inputs: the number of input channels.
        growth: the number of new channels.

    Example:
        >>> import numpy as np, nn
        >>> nn.models.DenseLayer(16, growth=12)(np.zeros((2, 16, 8, 8), np.float32)).shape
        (2, 28, 8, 8)
    """

    def __init__(self, inputs: int, growth: int) -> None:
        self.norm = BatchNorm2d(inputs)
        self.conv = Conv2d(inputs, growth, 3, padding=1, bias=False)

    def forward(self, x: Any) -> Any:
        return np.concatenate([x, self.conv(F.relu(self.norm(x)))], axis=1)


class DenseBlock(Sequential):
    """A sequence of dense layers.

    Args:
        layers: the number of layers.
        inputs: the number of input channels; the output has layers * growth more.
        growth: the number of channels that each layer adds.

    Example:
        >>> import numpy as np, nn
        >>> nn.models.DenseBlock(3, 16, growth=12)(np.zeros((2, 16, 8, 8), np.float32)).shape
        (2, 52, 8, 8)
    """

    def __init__(self, layers: int, inputs: int, growth: int) -> None:
        super().__init__(*(DenseLayer(inputs + k * growth, growth) for k in range(layers)))


class DenseNet(Module):
    """A convolution, blocks of dense layers with transitions in between, global mean, a linear layer.

    A transition is a 1x1 convolution, which reduces the number of channels, and pooling, which halves the
    image.

    Args:
        blocks: the number of layers in each block.
        growth: the number of channels that each layer adds.
        stem: the number of channels of the first convolution.
        compression: the fraction of the channels that a transition keeps.
        channels: the number of channels of the images.
        classes: the number of classes.
        stride: the stride of the first convolution; 2 makes the network four times cheaper.

    Source:
        G. Huang et al., "Densely connected convolutional networks", 2017.

    Example:
        >>> import numpy as np, nn
        >>> nn.models.DenseNet([2, 2], growth=4)(np.zeros((2, 3, 32, 32), np.float32)).shape
        (2, 10)
    """

    def __init__(
        self,
        blocks: Sequence[int] = (12, 12, 12),
        growth: int = 12,
        stem: int = 16,
        compression: float = 1.0,
        channels: int = 3,
        classes: int = 10,
        stride: int = 1,
    ) -> None:
        self.features = Sequential(Conv2d(channels, stem, 3, stride, padding=1, bias=False))
        width = stem
        for i, layers in enumerate(blocks):
            if i > 0:
                left = int(width * compression)
                self.features.append(_transition(width, left))
                width = left
            self.features.append(DenseBlock(layers, width, growth))
            width += layers * growth
        self.features.extend([BatchNorm2d(width), ReLU()])
        self.fc = Linear(width, classes)
        for module in self.modules():
            if isinstance(module, Conv2d):
                kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Any) -> Any:
        return self.fc(self.features(x).mean(axis=(2, 3)))


def _transition(inputs: int, outputs: int) -> Sequential:
    return Sequential(
        *(BatchNorm2d(inputs), ReLU(), Conv2d(inputs, outputs, 1, bias=False), AvgPool2d(2)),
    )
