"""VGG: only 3x3 convolutions and pooling."""

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
    """Blocks of 3x3 convolutions, each followed by pooling that halves the image, then two dense layers.

    Two 3x3 convolutions have the receptive field of one 5x5 convolution, and three have that of one 7x7. They
    have fewer weights, and a ReLU in between.

    Args:
        blocks: for each block, the number of channels of each convolution.
        dense: the number of neurons in the hidden dense layer.
        channels: the number of channels of the images.
        size: the height and width of the images, a multiple of 2^len(blocks).
        classes: the number of classes.
        dropout: the dropout probability of the dense layers.

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
