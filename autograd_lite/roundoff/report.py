"""The result of `rounding`: numbers with their bounds, and a table of the steps that lose the most."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import tree
from ..notebook import quietly, table

__all__ = ["Rounding", "Step"]

MOST = 10
"""So many steps `print` shows."""

TOLERANCE = 1e-6
"""The relative error that `print` allows to steps in single precision."""


@dataclass(frozen=True)
class Step:
    """The steps of one op on one line of the program.

    Attributes:
        op: the name of the op.
        line: file and line; for a step of the backward pass, with the derivative that it belongs to.
        count: how many steps these are.
        error: the most that they add to the error of the value.
        gradient_error: the most that they add to the error of an entry of the gradient.
        single_error: the most that they would add to the error of the value in float32.
    """

    op: str
    line: str
    count: int
    error: float
    gradient_error: float
    single_error: float

    @property
    def place(self) -> str:
        """The line without the folder of the file."""
        return os.path.basename(self.line) if "," not in self.line else _short(self.line)


def _short(line: str) -> str:
    path, _, rest = line.partition(",")
    return f"{os.path.basename(path)},{rest}"


@dataclass(frozen=True)
class Rounding:
    """A value and its gradient, with bounds of their rounding errors: see `rounding`.

    Attributes:
        value: of the function.
        error: the bound of the error of the value.
        gradient: in the class and the structure of the argument.
        gradient_error: the bound of the error of each entry, in the structure of the gradient.
        steps: the `Step`s, those that add most to the error of the value first.
    """

    value: Any
    error: float
    gradient: Any
    gradient_error: Any
    steps: tuple[Step, ...] = field(repr=False)

    @property
    def relative_error(self) -> float:
        """The error divided by the value; 0 for an exact value, inf for a value of 0 that is not exact."""
        return _relative(self.error, self.value)

    @property
    def digits(self) -> int:
        """How many decimal digits of the value are certain."""
        return int(-np.log10(max(self.relative_error, 1e-30))) if self.relative_error < 1 else 0

    def single(self, tolerance: float = TOLERANCE) -> tuple[Step, ...]:
        """The steps of the forward pass that could all be computed in float32, the cheapest first.

        Args:
            tolerance: how much they may add to the error of the value, relative to the value.
        """
        room, found = tolerance * float(np.abs(self.value)), []
        for step in sorted(self.steps, key=lambda step: step.single_error):
            room -= step.single_error
            if not room >= 0:
                break
            if "in the derivative of" not in step.line:
                found.append(step)
        return tuple(found)

    def __str__(self) -> str:
        head = f"value     {_number(self.value)} ± {self.error:.2g}    {self.digits} digits\n"
        head += f"gradient  {_of_gradient(self.gradient, self.gradient_error)}\n\n"
        rows = [HEAD, *self._rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for row in rows:
            sides = zip(row, widths, "<<>>>>", strict=True)
            lines.append("  ".join(f"{text:{side}{width}}" for text, width, side in sides))
        return head + "\n".join(line.rstrip() for line in lines)

    def _rows(self) -> list[tuple[str, ...]]:
        whole = max(self.error, np.finfo(float).tiny)
        shown = [step for step in self.steps if step.error or step.gradient_error][:MOST]
        small = self.single()
        return [
            (
                step.op if step.count == 1 else f"{step.op} x {step.count}",
                step.place,
                f"{100 * step.error / whole:.0f}%",
                f"{step.error:.1e}",
                f"{step.gradient_error:.1e}",
                "yes" if step in small else "",
            )
            for step in shown
        ]

    @quietly
    def _repr_html_(self) -> str:
        note = f"value {_number(self.value)} ± {self.error:.2g}; gradient "
        note += _of_gradient(self.gradient, self.gradient_error)
        return table(HEAD, self._rows(), "llrrrr", note)


HEAD = ("step", "line", "share", "value", "gradient", "float32")


def _number(x: Any) -> str:
    return repr(float(x)) if np.asarray(x).dtype == float else str(x)


def _relative(error: float, value: Any) -> float:
    size = float(np.abs(value))
    return error / size if size else np.inf if error else 0.0


def _of_gradient(gradient: Any, errors: Any) -> str:
    """One number with its bound, or the largest bound of many."""
    numbers, bounds = (
        np.concatenate([np.zeros(0), *map(np.ravel, tree.flatten(own)[0])]) for own in (gradient, errors)
    )
    if not numbers.size:
        return "not bounded"
    worst = int(np.argmax(bounds))
    one = f"{_number(numbers[worst])} ± {bounds[worst]:.2g}"
    return one if numbers.size == 1 else f"{numbers.size} entries, the least sure {one}"
