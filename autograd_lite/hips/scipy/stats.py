"""The distributions of `scipy.stats`, with derivatives.

Each is also a module, for `import autograd_lite.hips.scipy.stats.norm as norm`.
"""

import sys
from types import ModuleType
from typing import Any

from ...errors import MissingAttributeError
from ..forward import forward

__getattr__ = forward("stats")


class Distribution(ModuleType):
    """A module whose names are the methods of a distribution."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python's own questions to a module
            raise MissingAttributeError(f"{self.__name__} has no {name}")
        return getattr(__getattr__(self.__name__.rpartition(".")[2]), name)


for _name in ("beta", "chi2", "dirichlet", "gamma", "multivariate_normal", "norm", "poisson", "t"):
    sys.modules[f"{__name__}.{_name}"] = Distribution(f"{__name__}.{_name}")
