"""The steps of a recorded model, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Axis", "Counted", "Filled", "Recorded", "Size", "Slot", "Step", "Triangle", "slots"]

Axis = tuple[int, int]
"""An axis of an input: (input, axis)."""


class Slot(str):
    """The name of a value."""


@dataclass(frozen=True)
class Size:
    """A number that depends on dynamic axes: base + the sum of slope times size."""

    base: int
    slopes: dict[Axis, int]

    def at(self, sizes: dict[Axis, int]) -> int:
        """The number for sizes of the axes."""
        return self.base + sum(slope * sizes[axis] for axis, slope in self.slopes.items())


@dataclass(frozen=True)
class Filled:
    """A constant array whose shape has a Size; all its entries are one number."""

    shape: tuple[Any, ...]
    value: Any


@dataclass(frozen=True)
class Counted:
    """The numbers 0, 1, ... up to a Size."""

    stop: Size
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Triangle:
    """A constant matrix with one number above its diagonal and another one elsewhere: a causal mask."""

    shape: tuple[Any, ...]
    above: Any
    elsewhere: Any


class Step(NamedTuple):
    """One call: `results = name(*operands, **options)`.

    Attributes:
        results: the names of the values that others use.
        kinds: the shape and dtype of each result.
        line: the user's line.
    """

    name: str
    operands: tuple[Any, ...]
    options: dict[str, Any]
    results: tuple[Slot, ...]
    kinds: tuple[Any, ...]
    line: str


@dataclass
class Recorded:
    """A recorded model.

    Attributes:
        inputs: the values that stand for the inputs.
        places: value -> key of the state dict.
        values: key -> array.
        steps: in order.
        outputs: the values that are returned.
        shapes: of the outputs.
        kinds: value -> (shape, dtype).
    """

    inputs: list[Slot] = field(default_factory=list)
    places: dict[Slot, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    outputs: list[Slot] = field(default_factory=list)
    shapes: list[Any] = field(default_factory=list)
    kinds: dict[Slot, Any] = field(default_factory=dict)


def slots(x: Any) -> list[Slot]:
    """The values in an operand, in order."""
    if isinstance(x, Slot):
        return [x]
    if isinstance(x, slice):
        return slots((x.start, x.stop, x.step))
    items = x.values() if isinstance(x, dict) else x if isinstance(x, (tuple, list)) else ()
    return [slot for item in items for slot in slots(item)]
