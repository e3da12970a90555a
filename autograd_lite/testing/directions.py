"""The directions along which a function is checked, and their lengths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Directions", "Way", "inner", "random", "tally", "tangent", "ways"]

Array = npt.NDArray[Any]

Directions = int | Literal["all"] | None

FULL = 64
"""Arguments of up to this many entries are checked at every entry, larger ones along directions."""

DIRECTIONS = 4
"""The number of random directions, and of single entries, at which a larger argument is checked."""


def inner(a: Any, b: Any) -> float:
    """The real part of the inner product <a, b>."""
    return float(np.real(np.vdot(a, b)))


def random(rng: np.random.Generator, like: Array) -> Any:
    """Random numbers of magnitude 1/4 to 1, so that every entry counts."""
    real = rng.uniform(0.25, 1, like.shape) * rng.choice([-1.0, 1.0], like.shape)
    if like.dtype.kind == "c":
        real = real + 1j * rng.uniform(0.25, 1, like.shape)
    return np.asarray(real).astype(like.dtype if like.dtype.kind in "fc" else float)


def tangent(rng: np.random.Generator, x: Array) -> Any:
    """A random direction that moves every entry in proportion to its size; NaN and inf stay as they are."""
    size = np.where(np.isfinite(x), np.maximum(1, np.abs(x)), 1)
    return random(rng, x) * size.astype(np.finfo(x.dtype).dtype)


class Way(NamedTuple):
    """A direction: the array, the unit of its steps, its name in messages, and whether it is one entry."""

    direction: Any
    size: float
    place: str
    single: bool


def ways(x: Array, directions: Directions) -> Iterator[Way]:
    """The directions for an array: its entries, with separate real and imaginary parts.

    For a large array only some entries, after random directions that move all entries.
    """
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
    """The numbers of random directions and of entries in `chosen`, out of `everywhere`, as text."""
    parts = []
    for kind, single in (("random directions", False), ("entries", True)):
        of, all_ = (
            [way for way in ways if (way.place[:6] != " along") is single] for ways in (chosen, everywhere)
        )
        parts += [f"{len(of)} of {len(all_)} {kind}"] * bool(all_)
    return ", ".join(parts)
