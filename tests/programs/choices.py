"""How operands and options of a step are chosen; a choice that does not fit is drawn anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .program import Source

Rng = np.random.Generator
Option = Callable[..., Any]
"""Of the random generator and the operands."""


class UnfitError(Exception):
    """These operands have no such option."""


@dataclass
class Values:
    """What a program has computed so far.

    Attributes:
        arrays: the values.
        recorded: which of them depend on an input, so that they are Tensors when the inputs are.
    """

    arrays: list[Any]
    recorded: list[bool]

    def any_of(self, rng: Rng, kinds: str, recorded: bool = False) -> int:
        """The number of a value of these kinds of dtype; late ones are more likely."""
        found = [
            i
            for i, (x, on_tape) in enumerate(zip(self.arrays, self.recorded, strict=True))
            if np.asarray(x).dtype.kind in kinds and (on_tape or not recorded)
        ]
        if not found:
            raise UnfitError
        return found[-1 - min(int(rng.exponential(3.0)), len(found) - 1)]


Draw = Callable[[Rng, Values], tuple[tuple[int, ...], dict[str, Any]]]
"""The operands and the options of a step."""


def operands(*kinds: str, on_tape: bool = False, **options: Option) -> Draw:
    """One operand for each string of dtype kinds. Where the first is written to, or has a method called, it
    has to be on the tape: an array takes no Tensor."""

    def draw(rng: Rng, values: Values) -> tuple[tuple[int, ...], dict[str, Any]]:
        chosen = tuple(values.any_of(rng, kind, on_tape and i == 0) for i, kind in enumerate(kinds))
        arrays = [np.asarray(values.arrays[i]) for i in chosen]
        return chosen, {key: option(rng, *arrays) for key, option in options.items()}

    return draw


def several(kinds: str, most: int = 3, **options: Option) -> Draw:
    """Operands of any number, alike or broken into lists by the text."""

    def draw(rng: Rng, values: Values) -> tuple[tuple[int, ...], dict[str, Any]]:
        return operands(*[kinds] * int(rng.integers(1, most + 1)), **options)(rng, values)

    return draw


# -- options -------------------------------------------------------------------------------------


def flag(rng: Rng, *_: Any) -> bool:
    return bool(rng.integers(2))


def of(*choices: Any) -> Option:
    return lambda rng, *_: choices[int(rng.integers(len(choices)))]


def number(low: float, high: float) -> Option:
    """To two digits, and no 0 nor 1."""
    return lambda rng, *_: round(float(rng.uniform(low, high)), 2) + 0.003


def whole(low: int, high: int) -> Option:
    return lambda rng, *_: int(rng.integers(low, high + 1))


def axis(rng: Rng, x: Any, *_: Any) -> int:
    if x.ndim == 0:
        raise UnfitError
    return int(rng.integers(-x.ndim, x.ndim))


def new_axis(rng: Rng, x: Any, *_: Any) -> int:
    return int(rng.integers(-x.ndim - 1, x.ndim + 1))


def one_or_no_axis(rng: Rng, x: Any, *_: Any) -> int | None:
    return None if x.ndim == 0 or rng.random() < 0.25 else axis(rng, x)


def axes(rng: Rng, x: Any, *_: Any) -> Any:
    """None, an axis, or a tuple of axes; an empty tuple too."""
    if x.ndim == 0 or rng.random() < 0.6:
        return one_or_no_axis(rng, x)
    return tuple(int(i) for i in rng.permutation(x.ndim)[: rng.integers(0, x.ndim + 1)])


def some_axes(rng: Rng, x: Any, *_: Any) -> tuple[int, ...]:
    if x.ndim == 0:
        raise UnfitError
    return tuple(int(i) for i in rng.permutation(x.ndim)[: rng.integers(1, x.ndim + 1)])


def two_axes(rng: Rng, x: Any, *_: Any) -> tuple[int, int]:
    if x.ndim < 2:
        raise UnfitError
    i, j = rng.permutation(x.ndim)[:2]
    return int(i), int(j)


def permutation(rng: Rng, x: Any, *_: Any) -> tuple[int, ...]:
    if x.ndim < 2:
        raise UnfitError
    return tuple(int(i) for i in rng.permutation(x.ndim))


def shape(rng: Rng, x: Any, *_: Any) -> tuple[int, ...]:
    """Another shape of as many entries, one of them perhaps as -1."""
    sides: list[int] = []
    rest = x.size
    while rest > 1 and len(sides) < 3:
        divisors = [d for d in range(1, rest + 1) if rest % d == 0]
        sides.append(divisors[int(rng.integers(len(divisors)))])
        rest //= sides[-1]
    sides = [*sides, rest] if rest != 1 or rng.random() < 0.2 else sides
    if sides and rest and rng.random() < 0.4:
        sides[int(rng.integers(len(sides)))] = -1
    return tuple(sides)


def broadcast_shape(rng: Rng, x: Any, *_: Any) -> tuple[int, ...]:
    wider = tuple(side if side != 1 else int(rng.integers(1, 4)) for side in x.shape)
    return (int(rng.integers(1, 3)), *wider) if flag(rng) else wider


def array(*shapes: tuple[int, ...], low: float = -1.5, high: float = 1.5, integers: bool = False) -> Option:
    """A nested list of numbers."""

    def draw(rng: Rng, *_: Any) -> Any:
        chosen = shapes[int(rng.integers(len(shapes)))]
        if integers:
            return rng.integers(int(low), int(high) + 1, chosen).tolist()
        return (np.round(rng.uniform(low, high, chosen), 2) + 0.003).tolist()

    return draw


def mask(rng: Rng, x: Any, *_: Any) -> Any:
    """Of the shape of the operand, or of one that broadcasts against it."""
    chosen = tuple(side if rng.random() < 0.8 else 1 for side in x.shape)
    return (rng.random(chosen) < 0.6).tolist()


def counts(rng: Rng, x: Any, axis: int) -> list[int]:
    return [int(i) for i in rng.integers(0, 3, x.shape[axis])]


def widths(rng: Rng, x: Any, *_: Any) -> Any:
    if x.ndim == 0:
        raise UnfitError
    return tuple((int(a), int(b)) for a, b in rng.integers(0, 3, (x.ndim, 2)))


def index(rng: Rng, x: Any, *_: Any) -> Source:
    """Integers, slices, None, an ellipsis, lists of integers, masks."""
    if x.ndim == 0:
        return Source(of("()", "...", "None", "..., None")(rng))
    if rng.random() < 0.12:
        return Source(f"np.array({(rng.random(x.shape) < 0.6).tolist()}, bool)")
    parts: list[str] = []
    stop = int(rng.integers(1, x.ndim + 1))
    length = int(rng.integers(1, 4))
    for i, side in enumerate(x.shape[:stop]):
        if rng.random() < 0.12:
            parts.append("None")
        if rng.random() < 0.12 and "..." not in parts:
            parts.append("...")
            if flag(rng):
                break
        parts.append(entry(rng, side, length if i else int(rng.integers(1, 4))))
    return Source(", ".join(parts))


def entry(rng: Rng, side: int, length: int) -> str:
    """What picks from one axis."""

    def bound() -> str:
        return str(int(rng.integers(-side, side + 1))) if rng.random() < 0.5 else ""

    which = rng.random()
    if which < 0.45:
        return f"{bound()}:{bound()}" + of("", "", ":-1", ":2", ":-2")(rng)
    if side == 0:
        return ":"
    if which < 0.65:
        return str(int(rng.integers(-side, side)))
    if which < 0.92:
        chosen = rng.integers(-side, side, length).tolist()
        return f"np.array([{chosen}])" if which < 0.72 else repr(chosen)
    return repr((rng.random(side) < 0.6).tolist())


def subscripts(rng: Rng, *xs: Any) -> str:
    """Of einsum: letters shared by axes of one size, within an operand too, some of them summed."""
    sizes: dict[str, int] = {}
    terms = []
    for x in xs:
        term = ""
        for side in x.shape:
            same = [letter for letter, size in sizes.items() if size == side]
            if not same or rng.random() < 0.5:
                same = ["ijklmnopqrst"[len(sizes)]]
                sizes[same[0]] = side
            term += same[int(rng.integers(len(same)))]
        terms.append(term)
    kept = [letter for letter in sizes if rng.random() < 0.5]
    return f"{','.join(terms)}->{''.join(rng.permutation(kept)) if kept else ''}"


def pairs_of_axes(rng: Rng, a: Any, b: Any) -> Any:
    """Of tensordot."""
    fits = [(i, j) for i in range(a.ndim) for j in range(b.ndim) if a.shape[i] == b.shape[j]]
    chosen: list[tuple[int, int]] = []
    for k in rng.permutation(len(fits)):
        i, j = fits[k]
        if all(i != p and j != q for p, q in chosen) and rng.random() < 0.7:
            chosen.append((i, j))
    return [i for i, _ in chosen], [j for _, j in chosen]
