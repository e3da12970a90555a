"""torchvision's transforms: those of `nn.transforms`, and `functional` for given numbers.

    transform = transforms.Compose([transforms.Resize(256), transforms.ToTensor()])

Images are arrays of uint8 (H, W, C), Tensors (C, H, W), or images of PIL, which become arrays.
"""

from ...transforms import *
from . import functional as functional
from . import v2 as v2
from .classes import OWN, SHARED
from .classes import FiveCrop as FiveCrop
from .classes import PILToTensor as PILToTensor
from .classes import RandomChoice as RandomChoice
from .classes import RandomOrder as RandomOrder
from .classes import TenCrop as TenCrop
from .classes import ToPILImage as ToPILImage
from .classes import ToTensor as ToTensor

__all__ = [*SHARED, *OWN, "functional", "v2"]
