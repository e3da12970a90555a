"""Inception: convolutions of several sizes side by side."""

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
    """A convolution with batch norm and a rectifier; with stride 1 it keeps the size."""
    return Sequential(
        Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False), BatchNorm2d(outputs), ReLU()
    )


class Inception(Module):
    """Four ways side by side, whose maps are put together: 1x1, 3x3, 5x5, and pooling.

    Before the convolutions of 3x3 and 5x5, one of 1x1 makes their maps fewer, so that they are cheap.

    Args:
        inputs: how many maps come in.
        ways: how many go out of each of the four ways.
        reduced: to how many the inputs of 3x3 and 5x5 are reduced.

    Attributes:
        branch1, branch2, branch3, branch4: the ways.

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
    """A convolution, stages of Inception modules with pooling between them, the mean of each map, one layer.

    In each module the ways have 1/4, 1/2, 1/8 and 1/8 of its maps, as in most modules of the paper; its
    auxiliary classifiers, which batch norm made needless, are left out.

    Args:
        stages: how many maps each Inception module has, for each stage.
        stem: maps of the first convolution.
        channels: of the images.
        classes: how many scores.
        dropout: the share of means that is dropped in training.
        stride: of the first convolution; 2 makes everything four times cheaper.

    Source:
        As of `Inception`.

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
