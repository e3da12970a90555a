"""Random draws: the one door for numbers that a computation draws while it runs.

Who draws says how an array is drawn, and of what shape. Inside of `vmap` each member of the batch may have
numbers of its own, or all have the same.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

__all__ = ["drawing", "drawn"]

drawing: ContextVar[Callable[[Callable[[Any], Any], tuple[int, ...]], Any] | None] = ContextVar(
    "drawing", default=None
)
"""What is done in place of `draw(shape)`, by thread and task."""


def drawn(draw: Callable[[tuple[int, ...]], Any], shape: tuple[int, ...]) -> Any:
    """Random numbers of a shape; inside of `vmap` as its option `randomness` says.

    Args:
        draw: `draw(shape)` returns an array of random numbers.
        shape: of the numbers.

    Raises:
        BatchError: inside of `vmap`, if `randomness` is "error".

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> rng = np.random.default_rng(0)
        >>> noisy = lambda x: x + ag.drawn(rng.standard_normal, x.shape)
        >>> noise = ag.vmap(noisy, randomness="different")(np.zeros((2, 3)))
        >>> noise.shape, bool(np.any(noise[0] == noise[1]))
        ((2, 3), False)
    """
    change = drawing.get()
    return draw(shape) if change is None else change(draw, shape)
