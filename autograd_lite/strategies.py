"""Hypothesis strategies for arrays without ties and away from kinks, so that derivatives can be checked.

>>> import numpy as np
>>> from hypothesis import given, settings
>>> from autograd_lite.strategies import arrays
>>> from autograd_lite.testing import check_grads
>>> @settings(max_examples=5, deadline=None, database=None)
... @given(arrays(away_from=[0.0]))
... def test_abs(x):
...     check_grads(np.abs, x, order=1)
>>> test_abs()
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import OptionError

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["arrays", "broadcastable"]


def _hypothesis() -> tuple[Any, Any]:
    try:
        from hypothesis import strategies
        from hypothesis.extra import numpy
    except ImportError as error:
        raise ImportError("autograd_lite.strategies needs Hypothesis: pip install hypothesis") from error
    return strategies, numpy


def arrays(
    shape: Sequence[int] | None = None,
    *,
    min_dims: int = 0,
    max_dims: int = 3,
    max_side: int = 3,
    low: float = -2.0,
    high: float = 2.0,
    dtype: npt.DTypeLike = np.float64,
    ties: bool = False,
    away_from: Sequence[float] = (),
) -> SearchStrategy[Any]:
    """Arrays of numbers between two bounds.

    Args:
        shape: the shape of the arrays. Default: any shape within the limits of the next three options.
        min_dims, max_dims: the smallest and the largest number of axes.
        max_side: the largest size of an axis; the smallest is 1.
        low, high: the bounds of the entries.
        dtype: float32 or float64.
        ties: allow equal entries. By default n entries keep a distance, so that max, sort and the like have
            derivatives. It is at least (high - low) / (4 (n + 1)), or less with `away_from`.
        away_from: numbers that entries keep away from, such as the kinks of the function.

    Raises:
        OptionError: the bounds leave no room.
    """
    st, extra = _hypothesis()
    if not low < high:
        raise OptionError(f"arrays(low={low}, high={high}): expected low < high")
    shapes = (
        extra.array_shapes(min_dims=min_dims, max_dims=max_dims, max_side=max_side)
        if shape is None
        else st.just(tuple(shape))
    )

    def filled(shape: tuple[int, ...]) -> Any:
        size = math.prod(shape)
        places = 4 * (size + 2 * len(away_from) + 1)
        step = (high - low) / places
        grid = low + step * (np.arange(places) + 0.3)  # not 0.5, so that x and -x are not both in the grid
        for kink in away_from:
            grid = grid[np.abs(grid - kink) > 2 * step]
        chosen = st.lists(st.sampled_from(range(len(grid))), min_size=size, max_size=size, unique=not ties)
        return chosen.map(lambda indices: grid[np.array(indices, int)].reshape(shape).astype(dtype))

    strategy: SearchStrategy[Any] = shapes.flatmap(filled)
    return strategy


def broadcastable(count: int = 2, **options: Any) -> SearchStrategy[Any]:
    """Tuples of arrays whose shapes broadcast against each other.

    Args:
        count: the number of arrays.
        options: the options of `arrays`, without `shape`.
    """
    st, extra = _hypothesis()
    sides = {key: options.pop(key) for key in ("min_dims", "max_dims", "max_side") if key in options}
    shapes = extra.mutually_broadcastable_shapes(num_shapes=count, **{"max_dims": 3, "max_side": 3, **sides})
    strategy: SearchStrategy[Any] = shapes.flatmap(
        lambda found: st.tuples(*(arrays(shape, **options) for shape in found.input_shapes))
    )
    return strategy
