"""A group: a run of elementwise steps as data.

All results of a group have one shape. Its inputs are arrays that broadcast to this shape, and numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np

from .slots import Ref

__all__ = ["REALS", "Group", "Instruction", "Kind"]

Kind = tuple[tuple[int, ...], np.dtype[Any]]
"""A shape and a dtype."""

REALS = frozenset({np.dtype(np.float32), np.dtype(np.float64)})
"""The dtypes of groups."""


class Instruction(NamedTuple):
    """One step of a group.

    Attributes:
        function: a ufunc, np.where, an op of the library, or np.sum.
        operands: a `Ref` for a register, and numbers.
        kind: the shape and the dtype of the result.
        quiet: NumPy's error state, None for that around the call.
    """

    function: Callable[..., Any]
    operands: tuple[Any, ...]
    kind: Kind
    quiet: dict[str, str] | None

    def __call__(self, registers: Sequence[Any]) -> Any:
        operands = [registers[x.slot] if x.__class__ is Ref else x for x in self.operands]
        with nullcontext() if self.quiet is None else np.errstate(**self.quiet):  # type: ignore[arg-type]
            return self.function(*operands)

    def __str__(self) -> str:
        words = [f"r{x.slot}" if x.__class__ is Ref else repr(x) for x in self.operands]
        return f"{self.function.__name__}({', '.join(words)})"


class Group:
    """Elementwise steps of one shape. Registers are counted: first the inputs, then the results.

    Attributes:
        shape: the shape of the results.
        inputs: the kind of each input.
        code: the instructions, in order.
        outputs: the registers that other steps need.
        run: `run(*inputs)` returns the outputs in a list.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        inputs: Sequence[Kind],
        code: Sequence[Instruction],
        outputs: Sequence[int],
    ) -> None:
        self.shape, self.inputs, self.code, self.outputs = shape, tuple(inputs), tuple(code), tuple(outputs)
        self.run: Callable[..., list[Any]] = self.straight
        self.__name__ = f"group of {len(self.code)}"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The one dtype of all numbers that are not boolean; float64 where there are none."""
        arrays = [dtype for shape, dtype in self.inputs if shape]
        kinds = [dtype for dtype in [*(c.kind[1] for c in self.code), *arrays] if dtype.kind == "f"]
        return kinds[0] if kinds else np.dtype(np.float64)

    def straight(self, *inputs: Any) -> list[Any]:
        """The outputs, computed as by the single steps."""
        registers = list(inputs)
        for instruction in self.code:
            registers.append(instruction(registers))
        return [registers[r] for r in self.outputs]

    def __str__(self) -> str:
        """One line for each instruction."""
        first = len(self.inputs)
        return "\n".join(f"r{first + k} = {instruction}" for k, instruction in enumerate(self.code))
