"""VGG: nothing but convolutions of 3x3, and pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..init import by_activation_
from ..layers.containers import Sequential
from ..layers.conv import Conv2d
from ..layers.dropout import Dropout
from ..layers.linear import Linear
from ..layers.pooling import MaxPool2d
from ..layers.rectifiers import ReLU
from ..layers.shape import Flatten
from ..module import Module

__all__ = ["VGG"]


class VGG(Module):
    """Blocks of convolutions of 3x3, a pooling layer that halves the image behind each, two dense layers.

    Two convolutions of 3x3 see as far as one of 5x5, and three as far as one of 7x7, with fewer weights
    and a rectifier between them.

    Args:
        blocks: the numbers of maps of the convolutions in each block.
        dense: neurons of the hidden dense layer.
        channels: of the images.
        size: their height and width, a multiple of 2 to the number of blocks.
        classes: how many scores.
        dropout: the share of dense neurons that is dropped in training.

    Source:
        K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition",
        2015.

    Example:
        >>> import numpy as np, nn
        >>> model = nn.models.VGG([[16, 16], [32, 32]], dense=64)
        >>> model(np.zeros((2, 3, 32, 32), np.float32)).shape
        (2, 10)
        >>> [type(layer).__name__ for layer in model.features[:5]]
        ['Conv2d', 'ReLU', 'Conv2d', 'ReLU', 'MaxPool2d']
    """

    def __init__(
        self,
        blocks: Sequence[Sequence[int]] = ((64, 64), (128, 128), (256, 256, 256)),
        dense: int = 512,
        channels: int = 3,
        size: int = 32,
        classes: int = 10,
        dropout: float = 0.5,
    ) -> None:
        self.features = Sequential()
        for block in blocks:
            for width in block:
                self.features.extend([Conv2d(channels, width, 3, padding=1), ReLU()])
                channels = width
            self.features.append(MaxPool2d(2))
        side = size // 2 ** len(blocks)
        self.classifier = Sequential(
            *(Flatten(), Dropout(dropout), Linear(channels * side**2, dense), ReLU()),
            *(Dropout(dropout), Linear(dense, classes)),
        )
        by_activation_(self)

    def forward(self, x: Any) -> Any:
        return self.classifier(self.features(x))
