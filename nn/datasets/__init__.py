"""Datasets: digits, MNIST, Fashion-MNIST, CIFAR-10, texts, and CSV files."""

from .digits import load_digits
from .images import load_cifar10, load_fashion_mnist, load_mnist, read_idx
from .text import CharText, load_csv, load_shakespeare
from .vision import CIFAR10, MNIST, FashionMNIST

__all__ = [
    "CIFAR10",
    "MNIST",
    "CharText",
    "FashionMNIST",
    "load_cifar10",
    "load_csv",
    "load_digits",
    "load_fashion_mnist",
    "load_mnist",
    "load_shakespeare",
    "read_idx",
]
