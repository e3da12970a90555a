"""Transforms of images: preprocessing and random augmentation, named as in torchvision.

    transform = transforms.Compose([
        transforms.RandomCrop(28, padding=2),
        transforms.ToTensor(),
        transforms.Normalize((0.1307,), (0.3081,)),
    ])
    data = nn.datasets.MNIST("data", train=True, transform=transform)

**One image** is a Tensor or an array of floats of shape (C, H, W) or (H, W). It may also be an array of uint8
or an image of PIL, of shape (H, W) or (H, W, C). The result has the same layout.

**A batch** has one more axis in front: (N, C, H, W) or (N, H, W, C). Each of its images gets its own random
numbers, all in one call. Datasets of this library, and `nn.data.Augmented` around other datasets, transform
whole batches if every transform supports it.

Random numbers come from the generator that `nn.manual_seed` seeds.
"""

from .base import Compose, InterpolationMode, Lambda, RandomApply, Transform
from .colours import ColorJitter, GaussianBlur, Grayscale, RandomGrayscale, RandomInvert
from .convert import ConvertImageDtype, Normalize, PILToTensor, ToTensor
from .crops import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomShift,
    RandomVerticalFlip,
    Resize,
)
from .warps import ElasticTransform, RandomAffine, RandomRotation

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "ElasticTransform",
    "GaussianBlur",
    "Grayscale",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandomAffine",
    "RandomApply",
    "RandomCrop",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomInvert",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomShift",
    "RandomVerticalFlip",
    "Resize",
    "ToTensor",
    "Transform",
]
