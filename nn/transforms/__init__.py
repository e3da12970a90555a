"""Images made ready, and varied at random so that a model sees more of them; named as in torchvision.

    transform = transforms.Compose([
        transforms.RandomCrop(28, padding=2),
        transforms.ToTensor(),
        transforms.Normalize((0.1307,), (0.3081,)),
    ])
    data = nn.datasets.MNIST("data", train=True, transform=transform)

**One image** is a Tensor or an array of floats of shape (C, H, W) or (H, W), or a picture as files hold it:
an array of uint8, or what PIL opens, of shape (H, W) or (H, W, C). What comes back is of the same kind.

**A batch** has one axis more in front, (N, C, H, W) or (N, H, W, C), and each of its images is varied by
random numbers of its own, all at once. Datasets of this library, and `nn.data.Augmented` around others,
use this where every transform can.

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
