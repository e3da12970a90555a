"""ResNet: each block adds a correction to its input."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.errors import OptionError

from .. import functional as F  # noqa: N812
from ..init import kaiming_normal_
from ..layers.containers import Sequential
from ..layers.conv import Conv2d
from ..layers.linear import Linear
from ..layers.normalization import BatchNorm2d
from ..module import Module

__all__ = ["BasicBlock", "ResNet"]


class BasicBlock(Module):
    """relu(x + f(x)): f is two 3x3 convolutions with batch norm, x the shortcut.

    If shapes change, the shortcut takes every other pixel and adds channels of zeros. So the shortcut has no
    weights (option A of the paper).

    Args:
        inputs: the number of input channels.
        outputs: the number of output channels, at least `inputs`.
        stride: the stride of the first convolution.
        shortcut: False gives the block relu(f(x)) with the same weights.

    Example:
        >>> import numpy as np, nn
        >>> nn.models.BasicBlock(8, 16, stride=2)(np.zeros((2, 8, 32, 32), np.float32)).shape
        (2, 16, 16, 16)
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, shortcut: bool = True) -> None:
        self.conv1 = Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(outputs)
        self.conv2 = Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(outputs)
        self.stride, self.more, self.shortcut = stride, outputs - inputs, shortcut

    def forward(self, x: Any) -> Any:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + self._beside(x) if self.shortcut else y)

    def _beside(self, x: Any) -> Any:
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        return np.pad(x, [(0, 0), (0, self.more), (0, 0), (0, 0)]) if self.more else x


class ResNet(Module):
    """A convolution, three stages of blocks, global mean, a linear layer: the paper's net for CIFAR-10.

    From stage to stage, the size of the images halves and the number of channels doubles.

    Args:
        depth: the number of layers with weights: 6 n + 2, for n blocks in each stage.
        width: the number of channels of the first stage.
        channels: the number of channels of the images.
        classes: the number of classes.
        shortcuts: False gives the plain net of equal depth, with equal parameters.
        stride: the stride of the first convolution; 2 makes the network four times cheaper.

    Raises:
        OptionError: there is no n for this depth.

    Source:
        K. He et al., "Deep residual learning for image recognition", 2016.

    Example:
        >>> import numpy as np, nn
        >>> nn.models.ResNet(depth=20, width=4)(np.zeros((2, 3, 32, 32), np.float32)).shape
        (2, 10)
        >>> sum(p.size for p in nn.models.ResNet(depth=20).parameters())     # "0.27M" in the paper
        269722
    """

    def __init__(
        self,
        depth: int = 20,
        width: int = 16,
        channels: int = 3,
        classes: int = 10,
        shortcuts: bool = True,
        stride: int = 1,
    ) -> None:
        blocks, rest = divmod(depth - 2, 6)
        if blocks < 1 or rest:
            raise OptionError(f"ResNet(depth={depth}): expected 6 n + 2, e.g. depth=20")
        self.conv1 = Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.layer1 = _stage(width, width, blocks, 1, shortcuts)
        self.layer2 = _stage(width, 2 * width, blocks, 2, shortcuts)
        self.layer3 = _stage(2 * width, 4 * width, blocks, 2, shortcuts)
        self.fc = Linear(4 * width, classes)
        for module in self.modules():
            if isinstance(module, Conv2d):
                kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Any) -> Any:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean(axis=(2, 3)))


def _stage(inputs: int, outputs: int, blocks: int, stride: int, shortcuts: bool) -> Sequential:
    """The blocks of a stage; the first changes the size."""
    return Sequential(
        BasicBlock(inputs, outputs, stride, shortcuts),
        *(BasicBlock(outputs, outputs, shortcut=shortcuts) for _ in range(blocks - 1)),
    )
