"""AlexNet: ReLU, overlapping pooling, local response normalization, dropout."""

from __future__ import annotations

from typing import Any

from ..init import by_activation_
from ..layers.containers import Sequential
from ..layers.conv import Conv2d
from ..layers.dropout import Dropout
from ..layers.linear import Linear
from ..layers.normalization import LocalResponseNorm
from ..layers.pooling import MaxPool2d
from ..layers.rectifiers import ReLU
from ..layers.shape import Flatten
from ..module import Module

__all__ = ["AlexNet"]

ALPHA = 5 * 1e-4 * 60**2
"""The paper sums over 5 channels, but LocalResponseNorm averages: hence the 5. For 60^2 see `AlexNet`."""


class AlexNet(Module):
    """Five convolutions and three dense layers, for small images.

    As in the paper, the first convolution has a stride, and local response normalization follows the first
    two. Pooling windows of size 3 and stride 2 overlap, and there is dropout before the dense layers. The
    paper's alpha of 1e-4 is for pixels with a standard deviation of about 60. This network expects
    standardized inputs, so its alpha is 60^2 times larger.

    Args:
        widths: the number of channels of each of the five convolutions.
        dense: the number of neurons in each of the two hidden dense layers.
        channels: the number of channels of the images.
        size: the height and width of the images.
        classes: the number of classes.
        dropout: the dropout probability of the dense layers.
        stride: the stride of the first convolution.

    Source:
        A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural
        networks", 2012.

    Example:
        >>> import numpy as np, nn
        >>> nn.models.AlexNet()(np.zeros((2, 3, 32, 32), np.float32)).shape
        (2, 10)
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int, int] = (48, 96, 128, 128, 96),
        dense: int = 512,
        channels: int = 3,
        size: int = 32,
        classes: int = 10,
        dropout: float = 0.5,
        stride: int = 2,
    ) -> None:
        a, b, c, d, e = widths
        side = -(-size // (8 * stride))
        self.features = Sequential(
            *(
                Conv2d(channels, a, 5, stride, padding=2),
                ReLU(),
                LocalResponseNorm(5, ALPHA, k=2),
                MaxPool2d(3, 2, 1),
            ),
            *(Conv2d(a, b, 5, padding=2), ReLU(), LocalResponseNorm(5, ALPHA, k=2), MaxPool2d(3, 2, 1)),
            *(Conv2d(b, c, 3, padding=1), ReLU(), Conv2d(c, d, 3, padding=1), ReLU()),
            *(Conv2d(d, e, 3, padding=1), ReLU(), MaxPool2d(3, 2, 1)),
        )
        self.classifier = Sequential(
            *(Flatten(), Dropout(dropout), Linear(e * side**2, dense), ReLU()),
            *(Dropout(dropout), Linear(dense, dense), ReLU(), Linear(dense, classes)),
        )
        by_activation_(self)

    def forward(self, x: Any) -> Any:
        return self.classifier(self.features(x))
