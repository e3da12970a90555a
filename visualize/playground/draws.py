"""Random numbers: `nn` has one generator for all, and every run draws as if it had one of its own.

>>> import nn
>>> first, second = Draws(0), Draws(0)
>>> with first:
...     a = nn.random.generator.random()
>>> with second:
...     b = nn.random.generator.random()
>>> a == b
True
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from nn.random import generator

__all__ = ["Draws"]

_drawing = threading.Lock()


class Draws:
    """Inside of `with`, `nn` draws the numbers that follow from a seed, and no other thread draws."""

    def __init__(self, seed: int) -> None:
        self._state: Any = np.random.default_rng(seed).bit_generator.state

    def __enter__(self) -> None:
        _drawing.acquire()
        generator.bit_generator.state = self._state

    def __exit__(self, *problem: object) -> None:
        self._state = generator.bit_generator.state
        _drawing.release()
