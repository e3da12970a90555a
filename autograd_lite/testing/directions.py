"""Along which directions a function is checked, and how far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Directions", "Way", "inner", "random", "tally", "tangent", "ways"]

Array = npt.NDArray[Any]

Directions = int | Literal["all"] | None

FULL = 64
"""Arguments of up to this many entries are checked entry by entry, larger ones along directions."""

DIRECTIONS = 4
"""How many random directions a larger argument is checked along, besides as many single entries."""


def inner(a: Any, b: Any) -> float:
    """The real part of the inner product <a, b>."""
    return float(np.real(np.vdot(a, b)))


def random(rng: np.random.Generator, like: Array) -> Any:
    """Numbers between 1/4 and 1 in size, so that no entry goes unnoticed."""
    real = rng.uniform(0.25, 1, like.shape) * rng.choice([-1.0, 1.0], like.shape)
    if like.dtype.kind == "c":
        real = real + 1j * rng.uniform(0.25, 1, like.shape)
    return np.asarray(real).astype(like.dtype if like.dtype.kind in "fc" else float)


def tangent(rng: np.random.Generator, x: Array) -> Any:
    """A random direction that moves every entry in proportion to its size; NaN and inf stay as they are."""
    size = np.where(np.isfinite(x), np.maximum(1, np.abs(x)), 1)
    return random(rng, x) * size.astype(np.finfo(x.dtype).dtype)


class Way(NamedTuple):
    """A direction to check along, how far to go, where that is, and whether it is a single entry."""

    direction: Any
    size: float
    place: str
    single: bool


def ways(x: Array, directions: Directions) -> Iterator[Way]:
    """Single entries, real and imaginary parts apart; of a large array only some, and random mixtures."""
    rng = np.random.default_rng(1)
    units = (1.0, 1j) if x.dtype.kind == "c" else (1.0,)
    entries: Any = range(x.size)
    if directions is None:
        directions = "all" if x.size <= FULL else DIRECTIONS
    if directions != "all" and x.size > 1:
        entries = rng.choice(x.size, min(directions, x.size), replace=False)
        for _ in range(directions):
            yield Way(tangent(rng, x), 1.0, " along a random direction", False)
    for entry in entries:
        place = tuple(int(i) for i in np.unravel_index(entry, x.shape))
        for unit in units:
            direction = np.zeros(x.shape, type(unit))
            direction[place] = unit
            part = "" if len(units) == 1 else (" (real part)" if unit == 1 else " (imaginary part)")
            at = f" at index {place}" if place else ""
            yield Way(direction, max(1.0, abs(x[place])), at + part, True)


def tally(chosen: list[Way], everywhere: list[Way]) -> str:
    """How many of the random directions, and how many of the entries, were chosen."""
    parts = []
    for kind, single in (("random directions", False), ("entries", True)):
        of, all_ = (
            [way for way in ways if (way.place[:6] != " along") is single] for ways in (chosen, everywhere)
        )
        parts += [f"{len(of)} of {len(all_)} {kind}"] * bool(all_)
    return ", ".join(parts)
