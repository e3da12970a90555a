"""The one generator that initial weights, shuffling and dropout draw from.

>>> manual_seed(0)
>>> a = generator.random(3)
>>> manual_seed(0)
>>> bool((generator.random(3) == a).all())
True
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.torch_names import TorchNames

from .options import check_whole

__all__ = ["generator", "manual_seed"]

generator = np.random.default_rng()
"""Draw from this object itself: `manual_seed` changes its state, so whoever holds it follows."""


def manual_seed(seed: int) -> None:
    """Start the random numbers of `nn` anew, so that the same program gives the same numbers.

    Args:
        seed: an int that is not negative.

    Raises:
        OptionError: something else came.

    Example:
        >>> import nn
        >>> nn.manual_seed(1)
        >>> w = nn.Linear(2, 2).weight.numpy()
        >>> nn.manual_seed(1)
        >>> bool((nn.Linear(2, 2).weight.numpy() == w).all())
        True
    """
    check_whole("manual_seed", "seed", seed, least=0)
    generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state


def _filled_with(draw: Callable[..., Any]) -> Callable[..., Any]:
    def fill(self: Any, *args: Any, generator: Any = None, **options: Any) -> Any:
        return self.fill_(draw(*args, size=self.shape, **options))

    return fill


# PyTorch's methods that fill a Tensor, or its data, with random numbers.
TorchNames.uniform_ = _filled_with(lambda from_=0.0, to=1.0, *, size: generator.uniform(from_, to, size))
TorchNames.normal_ = _filled_with(lambda mean=0.0, std=1.0, *, size: generator.normal(mean, std, size))
TorchNames.bernoulli_ = _filled_with(lambda p=0.5, *, size: generator.random(size) < p)
TorchNames.exponential_ = _filled_with(lambda lambd=1.0, *, size: generator.exponential(1 / lambd, size))
