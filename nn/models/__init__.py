"""The convolutional networks of the lectures, in sizes of your choice.

Each takes images of shape (n, channels, height, width) and gives a score for each class. Where there are
names in torchvision, its parts are called by them.
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
