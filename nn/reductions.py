"""What losses divide by: whoever averages the losses of several batches has to weigh them by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["divided_by", "note", "reductions"]

Reduction = tuple[Any, float | None]
"""The result of a loss, and what its sum was divided by; None for a sum."""

_noted: ContextVar[list[Reduction] | None] = ContextVar("reductions", default=None)


@contextmanager
def reductions() -> Iterator[list[Reduction]]:
    """A list of the reductions of all losses that are computed inside."""
    found: list[Reduction] = []
    token = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(token)


def note(result: Any, divisor: float | None) -> None:
    """Tell whoever listens what a loss was divided by; None for a sum."""
    found = _noted.get()
    if found is not None:
        found.append((result, divisor))


def divided_by(loss: Any, found: list[Reduction], samples: int) -> float | None:
    """What a loss was divided by: the sum of the weights of the targets that count, or the number of entries.

    Args:
        loss: what a user's function made of the reductions.
        found: the reductions inside of it.
        samples: of a loss that is no reduction of ours, or mixes several, this is believed.

    Returns:
        None for a sum, which batches add up to.
    """
    for result, divisor in found:
        if result is loss:
            return divisor
    divisors = {divisor for _, divisor in found}
    common = divisors.pop() if len(divisors) == 1 else None
    return samples if common is None else common
