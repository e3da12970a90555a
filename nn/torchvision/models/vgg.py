"""VGG-16 as in torchvision: thirteen convolutions, with or without batch norm, and three dense layers."""

from __future__ import annotations

from typing import Any

from ...torch import nn
from .weights import Weights, with_weights

__all__ = ["VGG", "VGG16_BN_Weights", "VGG16_Weights", "vgg16", "vgg16_bn"]

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""The number of channels of each convolution of VGG-16; pooling follows each block."""


class VGG16_Weights(Weights):  # noqa: N801  (named as in torchvision)
    """The published weights."""

    IMAGENET1K_V1 = "vgg16-397923af.pth"
    DEFAULT = "vgg16-397923af.pth"


class VGG16_BN_Weights(Weights):  # noqa: N801
    """The published weights of the net with batch norm."""

    IMAGENET1K_V1 = "vgg16_bn-6c64b313.pth"
    DEFAULT = "vgg16_bn-6c64b313.pth"


class VGG(nn.Module):
    """Convolutions, a mean over 7 x 7 areas, and three dense layers.

    Args:
        features: the convolutions; their last layer has 512 channels.
        num_classes: the number of classes.
        init_weights: draw the weights as in the paper on initialization by K. He et al.
        dropout: the dropout probability of the dense layers.

    Source:
        K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015.
    """

    def __init__(
        self, features: Any, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            *(nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout(dropout)),
            *(nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(dropout)),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            self._initialize()

    def _initialize(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Any) -> Any:
        x = self.avgpool(self.features(x))
        return self.classifier(x.flatten(1))


def _features(batch_norm: bool) -> Any:
    """The convolutions of VGG-16."""
    layers: list[Any] = []
    channels = 3
    for block in BLOCKS:
        for width in block:
            norm = [nn.BatchNorm2d(width)] if batch_norm else []
            layers += [nn.Conv2d(channels, width, 3, padding=1), *norm, nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


def vgg16(*, weights: Any = None, progress: bool = True, pretrained: bool = False, **options: Any) -> VGG:
    """VGG-16, with 138.4 million parameters.

    Args:
        weights: `VGG16_Weights.DEFAULT` or its name, or None for random weights.
        progress, pretrained: as in torchvision.
        options: options of `VGG`.
    """
    return _made(False, VGG16_Weights, weights, pretrained, options)


def vgg16_bn(*, weights: Any = None, progress: bool = True, pretrained: bool = False, **options: Any) -> VGG:
    """VGG-16 with batch norm after each convolution; arguments as in `vgg16`."""
    return _made(True, VGG16_BN_Weights, weights, pretrained, options)


def _made(norm: bool, kind: type[Weights], weights: Any, pretrained: bool, options: dict[str, Any]) -> VGG:
    if weights is not None or pretrained:
        options["init_weights"] = False
    return with_weights(VGG(_features(norm), **options), kind, weights, pretrained)
