"""The convolutional networks of the lectures, in any size.

Each network maps images of shape (n, channels, height, width) to a score for each class. Layers have their
names from torchvision, if there are any.
"""

from .alexnet import AlexNet
from .densenet import DenseBlock, DenseLayer, DenseNet
from .inception import GoogLeNet, Inception
from .lenet import LeNet5
from .resnet import BasicBlock, ResNet
from .vgg import VGG

__all__ = [
    "VGG",
    "AlexNet",
    "BasicBlock",
    "DenseBlock",
    "DenseLayer",
    "DenseNet",
    "GoogLeNet",
    "Inception",
    "LeNet5",
    "ResNet",
]
