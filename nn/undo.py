"""Undo the changes of a `with` block at its end, also after an error or Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["evaluating", "undone"]


@contextmanager
def undone(undo: Callable[[], object]) -> Iterator[None]:
    """Call `undo` at the end of a `with` block.

    An interrupt may end that call too. Then `undo` is called once more, so a second call must do no harm.

    Args:
        undo: restores the state that the block changes. Make the changes inside the block.

    Example:
        >>> state = [1]
        >>> with undone(lambda: state.__setitem__(0, 1)):
        ...     state[0] = 2
        >>> state
        [1]
    """
    try:
        yield
    finally:
        try:
            undo()
        except BaseException:
            undo()
            raise


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Evaluation mode in a `with` block; afterwards each module is back in its mode."""
    modes = {module: module.training for module in model.modules()}

    def undo() -> None:
        for module, mode in modes.items():
            module.training = mode

    with undone(undo):
        model.eval()
        yield
