"""Inception: convolutions of several sizes in parallel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..layers.containers import Sequential
from ..layers.conv import Conv2d
from ..layers.dropout import Dropout
from ..layers.linear import Linear
from ..layers.normalization import BatchNorm2d
from ..layers.pooling import MaxPool2d
from ..layers.rectifiers import ReLU
from ..module import Module

__all__ = ["GoogLeNet", "Inception"]


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> Sequential:
    """A convolution with batch norm and ReLU; with stride 1 it keeps the size of the image."""
    return Sequential(
        Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False), BatchNorm2d(outputs), ReLU()
    )


class Inception(Module):
    """Four parallel branches whose channels are concatenated: 1x1, 3x3, 5x5, and pooling.

    Before the 3x3 and 5x5 convolutions, a 1x1 convolution reduces the number of channels and so the cost.

    Args:
        inputs: the number of input channels.
        ways: the number of output channels of each of the four branches.
        reduced: the reduced numbers of channels before 3x3 and 5x5.

    Attributes:
        branch1, branch2, branch3, branch4: the branches.

    Source:
        C. Szegedy et al., "Going deeper with convolutions", 2015; with the batch norm of S. Ioffe, C.
        Szegedy, 2015.

    Example:
        >>> import numpy as np, nn
        >>> module = nn.models.Inception(32, ways=(16, 32, 8, 8), reduced=(16, 8))
        >>> module(np.zeros((2, 32, 8, 8), np.float32)).shape
        (2, 64, 8, 8)
    """

    def __init__(self, inputs: int, ways: Sequence[int], reduced: Sequence[int]) -> None:
        one, three, five, pool = ways
        self.branch1 = _conv(inputs, one, 1)
        self.branch2 = Sequential(_conv(inputs, reduced[0], 1), _conv(reduced[0], three, 3))
        self.branch3 = Sequential(_conv(inputs, reduced[1], 1), _conv(reduced[1], five, 5))
        self.branch4 = Sequential(MaxPool2d(3, stride=1, padding=1), _conv(inputs, pool, 1))

    def forward(self, x: Any) -> Any:
        ways = (self.branch1, self.branch2, self.branch3, self.branch4)
        return np.concatenate([way(x) for way in ways], axis=1)


class GoogLeNet(Module):
    """A convolution, stages of Inception modules with pooling between them, global mean, a linear layer.

    In each module the branches have 1/4, 1/2, 1/8 and 1/8 of the channels, as in most modules of the paper.
    The paper's auxiliary classifiers are left out: batch norm made them unnecessary.

    Args:
        stages: for each stage, the number of channels of each Inception module.
        stem: the number of channels of the first convolution.
        channels: the number of channels of the images.
        classes: the number of classes.
        dropout: the dropout probability before the last layer.
        stride: the stride of the first convolution; 2 makes the network four times cheaper.

    Source:
        See `Inception`.

    Example:
        >>> import numpy as np, nn
        >>> nn.models.GoogLeNet([[64, 64], [128]], stem=16)(np.zeros((2, 3, 32, 32), np.float32)).shape
        (2, 10)
    """

    def __init__(
        self,
        stages: Sequence[Sequence[int]] = ((64, 96), (128, 128, 128), (192, 192)),
        stem: int = 32,
        channels: int = 3,
        classes: int = 10,
        dropout: float = 0.2,
        stride: int = 1,
    ) -> None:
        self.features = Sequential(_conv(channels, stem, 3, stride))
        inputs = stem
        for i, stage in enumerate(stages):
            if i > 0:
                self.features.append(MaxPool2d(2))
            for width in stage:
                ways = (width // 4, width // 2, width // 8, width // 8)
                self.features.append(Inception(inputs, ways, (width // 4, width // 16)))
                inputs = width
        self.dropout = Dropout(dropout)
        self.fc = Linear(inputs, classes)

    def forward(self, x: Any) -> Any:
        return self.fc(self.dropout(self.features(x).mean(axis=(2, 3))))
