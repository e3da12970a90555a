"""ResNet as in torchvision: four stages of residual blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ...torch import nn
from .weights import Weights, with_weights

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "ResNet",
    "ResNet18_Weights",
    "ResNet34_Weights",
    "ResNet50_Weights",
    "resnet18",
    "resnet34",
    "resnet50",
]


class ResNet18_Weights(Weights):  # noqa: N801  (named as in torchvision)
    """The published weights."""

    IMAGENET1K_V1 = "resnet18-f37072fd.pth"
    DEFAULT = "resnet18-f37072fd.pth"


class ResNet34_Weights(Weights):  # noqa: N801
    """The published weights."""

    IMAGENET1K_V1 = "resnet34-b627a593.pth"
    DEFAULT = "resnet34-b627a593.pth"


class ResNet50_Weights(Weights):  # noqa: N801
    """The published weights, of two trainings."""

    IMAGENET1K_V1 = "resnet50-0676ba61.pth"
    IMAGENET1K_V2 = "resnet50-11ad3fa6.pth"
    DEFAULT = "resnet50-11ad3fa6.pth"


class _Block(nn.Module):
    """relu(f(x) + shortcut); a subclass has the layers of f and `residual`, which is f.

    Args:
        inplanes: the number of input channels.
        planes: the number of channels inside; `expansion` times as many come out.
        stride: the stride of the block.
        downsample: the shortcut; None for x itself.
        norm_layer: the class of the norms.
    """

    expansion: ClassVar[int]

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: Any = None,
        norm_layer: Callable[[int], Any] | None = None,
    ) -> None:
        super().__init__()
        self.layers(inplanes, planes, stride, norm_layer or nn.BatchNorm2d)
        self.relu = nn.ReLU(inplace=True)
        self.downsample, self.stride = downsample, stride

    def layers(self, inplanes: int, planes: int, stride: int, norm: Callable[[int], Any]) -> None:
        """Make the layers of f."""
        raise NotImplementedError

    def residual(self, x: Any) -> Any:
        """f(x)."""
        raise NotImplementedError

    def forward(self, x: Any) -> Any:
        return self.relu(self.residual(x) + (self.downsample(x) if self.downsample else x))


class BasicBlock(_Block):
    """relu(f(x) + shortcut): f is two 3x3 convolutions with batch norm; arguments as in torchvision."""

    expansion = 1

    def layers(self, inplanes: int, planes: int, stride: int, norm: Callable[[int], Any]) -> None:
        """Make the layers of f."""
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, padding=1, bias=False)
        self.bn1 = norm(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = norm(planes)

    def residual(self, x: Any) -> Any:
        """f(x)."""
        return self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))


class Bottleneck(_Block):
    """relu(f(x) + shortcut): f is a 1x1, a 3x3 and a 1x1 convolution with batch norm.

    The stride is that of the 3x3 convolution. Arguments as in torchvision.
    """

    expansion = 4

    def layers(self, inplanes: int, planes: int, stride: int, norm: Callable[[int], Any]) -> None:
        """Make the layers of f."""
        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = norm(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)
        self.bn2 = norm(planes)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, 1, bias=False)
        self.bn3 = norm(planes * self.expansion)

    def residual(self, x: Any) -> Any:
        """f(x)."""
        y = self.relu(self.bn1(self.conv1(x)))
        return self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))


class ResNet(nn.Module):
    """A convolution, pooling, four stages of blocks, a global mean, and a linear layer.

    Args:
        block: the class of the blocks.
        layers: the number of blocks in each of the four stages.
        num_classes: the number of classes.
        zero_init_residual: begin with blocks that pass x on: the last norm of each block has the weight 0.
        norm_layer: the class of the norms.

    Source:
        K. He et al., "Deep residual learning for image recognition", 2016.

    Example:
        >>> from nn.torchvision import models
        >>> import nn.torch as torch
        >>> net = models.ResNet(models.BasicBlock, [1, 1, 1, 1], num_classes=2)
        >>> tuple(net.eval()(torch.zeros(1, 3, 32, 32)).shape)
        (1, 2)
    """

    def __init__(
        self,
        block: Any,
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        norm_layer: Callable[[int], Any] | None = None,
    ) -> None:
        super().__init__()
        self.inplanes, self._norm = 64, norm_layer or nn.BatchNorm2d
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = self._stage(block, 64, layers[0], 1)
        self.layer2 = self._stage(block, 128, layers[1], 2)
        self.layer3 = self._stage(block, 256, layers[2], 2)
        self.layer4 = self._stage(block, 512, layers[3], 2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if zero_init_residual and isinstance(module, (BasicBlock, Bottleneck)):
                nn.init.zeros_((module.bn3 if isinstance(module, Bottleneck) else module.bn2).weight)

    def _stage(self, block: Any, planes: int, blocks: int, stride: int) -> Any:
        """The blocks of a stage; the first changes the size, and so does its shortcut."""
        outputs, shortcut = planes * block.expansion, None
        if stride != 1 or self.inplanes != outputs:
            shortcut = nn.Sequential(
                nn.Conv2d(self.inplanes, outputs, 1, stride, bias=False), self._norm(outputs)
            )
        first = block(self.inplanes, planes, stride, shortcut, norm_layer=self._norm)
        self.inplanes = outputs
        return nn.Sequential(
            first, *(block(outputs, planes, norm_layer=self._norm) for _ in range(blocks - 1))
        )

    def forward(self, x: Any) -> Any:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def resnet18(
    *, weights: Any = None, progress: bool = True, pretrained: bool = False, **options: Any
) -> ResNet:
    """ResNet-18, with 11.7 million parameters.

    Args:
        weights: `ResNet18_Weights.DEFAULT` or its name, or None for random weights.
        progress, pretrained: as in torchvision.
        options: options of `ResNet`.
    """
    return with_weights(ResNet(BasicBlock, [2, 2, 2, 2], **options), ResNet18_Weights, weights, pretrained)


def resnet34(
    *, weights: Any = None, progress: bool = True, pretrained: bool = False, **options: Any
) -> ResNet:
    """ResNet-34, with 21.8 million parameters; arguments as in `resnet18`."""
    return with_weights(ResNet(BasicBlock, [3, 4, 6, 3], **options), ResNet34_Weights, weights, pretrained)


def resnet50(
    *, weights: Any = None, progress: bool = True, pretrained: bool = False, **options: Any
) -> ResNet:
    """ResNet-50, with 25.6 million parameters; arguments as in `resnet18`."""
    return with_weights(ResNet(Bottleneck, [3, 4, 6, 3], **options), ResNet50_Weights, weights, pretrained)
