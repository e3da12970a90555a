"""The datasets of `nn.datasets` that torchvision has too, with its arguments.

>>> from nn.torchvision import datasets
>>> datasets.MNIST.classes[7]
'7 - seven'
"""

from ..datasets import CIFAR10, MNIST, FashionMNIST

__all__ = ["CIFAR10", "MNIST", "FashionMNIST"]
