"""AlexNet as in torchvision: five convolutions and three dense layers."""

from __future__ import annotations

from typing import Any

from ...torch import nn
from .weights import Weights, with_weights

__all__ = ["AlexNet", "AlexNet_Weights", "alexnet"]


class AlexNet_Weights(Weights):  # noqa: N801  (named as in torchvision)
    """The published weights."""

    IMAGENET1K_V1 = "alexnet-owt-7be5be79.pth"
    DEFAULT = "alexnet-owt-7be5be79.pth"


class AlexNet(nn.Module):
    """The network for images of 224 x 224 pixels, on one device.

    Args:
        num_classes: the number of classes.
        dropout: the dropout probability before the dense layers.

    Source:
        A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014.
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            *(nn.Dropout(dropout), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(inplace=True)),
            *(nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(inplace=True)),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: Any) -> Any:
        x = self.avgpool(self.features(x))
        return self.classifier(x.flatten(1))


def alexnet(
    *, weights: Any = None, progress: bool = True, pretrained: bool = False, **options: Any
) -> AlexNet:
    """AlexNet, with 61.1 million parameters.

    Args:
        weights: `AlexNet_Weights.DEFAULT` or its name, or None for random weights.
        progress, pretrained: as in torchvision.
        options: options of `AlexNet`.
    """
    return with_weights(AlexNet(**options), AlexNet_Weights, weights, pretrained)
