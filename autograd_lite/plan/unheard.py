"""Random numbers that a function draws by itself, which a replay would not draw."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from .slots import same

__all__ = ["GENERATORS", "Unheard"]

GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)


class Unheard:
    """Whether generators have drawn in a run, apart from the steps that a replay repeats.

    Args:
        generators: those that the function reaches; those of `random` and `np.random` are looked at too.

    Attributes:
        drew: whether a generator has drawn.
    """

    def __init__(self, generators: list[Any]) -> None:
        self._all, self.drew = generators, False
        self._states = self._now()

    def look(self) -> None:
        """Compare the states with those before."""
        self.drew = self.drew or not same(self._states, self._now())

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Inside of `with`, draws belong to a step."""
        self.look()
        try:
            yield
        finally:
            self._states = self._now()

    def _now(self) -> list[Any]:
        return [random.getstate(), np.random.get_state(), *map(_state, self._all)]


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.getstate() if isinstance(generator, random.Random) else generator.get_state()
