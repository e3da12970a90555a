"""torchvision's names, for programs written for it: networks, transforms, datasets, grids of images.

Such a program changes its imports alone: `from nn.torchvision import datasets, models, transforms`. The names
of `torchvision.ops` and `torchvision.io` (detection, video) are left out.
"""

from . import datasets as datasets
from . import models as models
from . import transforms as transforms
from . import utils as utils

__all__ = ["datasets", "models", "transforms", "utils"]
