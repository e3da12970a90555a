"""AlexNet, VGG and ResNet in their original sizes, with torchvision's names of layers.

So their published weights load: `model.load_state_dict(torch.load("resnet18-f37072fd.pth"))`. The small nets
of the lectures are in `nn.models`.

>>> from nn.torchvision import models
>>> sum(p.numel() for p in models.resnet18().parameters())
11689512
"""

from .alexnet import AlexNet, AlexNet_Weights, alexnet
from .resnet import (
    BasicBlock,
    Bottleneck,
    ResNet,
    ResNet18_Weights,
    ResNet34_Weights,
    ResNet50_Weights,
    resnet18,
    resnet34,
    resnet50,
)
from .vgg import VGG, VGG16_BN_Weights, VGG16_Weights, vgg16, vgg16_bn

__all__ = [
    "VGG",
    "AlexNet",
    "AlexNet_Weights",
    "BasicBlock",
    "Bottleneck",
    "ResNet",
    "ResNet18_Weights",
    "ResNet34_Weights",
    "ResNet50_Weights",
    "VGG16_BN_Weights",
    "VGG16_Weights",
    "alexnet",
    "resnet18",
    "resnet34",
    "resnet50",
    "vgg16",
    "vgg16_bn",
]
