"""The divisors of mean losses: an average over batches must weigh each batch by its divisor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from .undo import undone

__all__ = ["divided_by", "note", "reductions"]

Reduction = tuple[Any, float | None]
"""The result of a loss, and its divisor; None for a sum."""

_noted: ContextVar[list[Reduction] | None] = ContextVar("reductions", default=None)


@contextmanager
def reductions() -> Iterator[list[Reduction]]:
    """A list that collects the reductions of all losses computed inside the block."""
    found: list[Reduction] = []
    before = _noted.get()
    with undone(lambda: _noted.set(before)):
        _noted.set(found)
        yield found


def note(result: Any, divisor: float | None) -> None:
    """Add a loss and its divisor to the list of `reductions`, if one is open."""
    found = _noted.get()
    if found is not None:
        found.append((result, divisor))


def divided_by(loss: Any, found: list[Reduction], samples: int) -> float | None:
    """The divisor of a loss: the number of entries, or the sum of the weights of the targets.

    Args:
        loss: the result of a user's loss function.
        found: the reductions that were computed inside that function.
        samples: the number of samples, which is returned if the reductions do not tell the divisor.

    Returns:
        The divisor; None for a sum.
    """
    for result, divisor in found:
        if result is loss:
            return divisor
    divisors = {divisor for _, divisor in found}
    common = divisors.pop() if len(divisors) == 1 else None
    return samples if common is None else common
