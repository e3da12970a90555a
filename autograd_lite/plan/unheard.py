"""Random numbers that a function draws by itself, which a replay would not draw."""

from __future__ import annotations

import contextlib
import pickle
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

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
        self.drew = self.drew or self._states != self._now()

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Inside of `with`, draws belong to a step."""
        self.look()
        try:
            yield
        finally:
            self._states = self._now()

    def _now(self) -> list[Any]:
        numpys = np.random.get_state()
        return [random.getstate(), numpys[1].tobytes(), numpys[2:], *map(_state, self._all)]  # type: ignore[index]


def _state(generator: Any) -> Any:
    """A state that `==` compares."""
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.Generator):
        return pickle.dumps(generator.bit_generator.state)
    return pickle.dumps(generator.get_state())
