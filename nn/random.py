"""The one generator that initial weights, shuffling and dropout draw from.

>>> manual_seed(0)
>>> a = generator.random(3)
>>> manual_seed(0)
>>> bool((generator.random(3) == a).all())
True
"""

from __future__ import annotations

import numpy as np

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
