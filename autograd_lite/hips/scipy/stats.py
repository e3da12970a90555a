"""The distributions of `scipy.stats`, with derivatives.

Each is also a module, for `import autograd_lite.hips.scipy.stats.norm as norm`.
"""

import functools
import sys
from types import ModuleType
from typing import Any

from ...scipy import stats

__getattr__ = functools.partial(getattr, stats)


class Distribution(ModuleType):
    """A module whose names are the methods of a distribution."""

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(stats, self.__name__.rpartition(".")[2]), name)


for _name in ("beta", "chi2", "dirichlet", "gamma", "multivariate_normal", "norm", "poisson", "t"):
    sys.modules[f"{__name__}.{_name}"] = Distribution(f"{__name__}.{_name}")
