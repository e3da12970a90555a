"""A group: a run of elementwise steps as data, and how NumPy runs it.

All results of a group have one shape. Its inputs are arrays that broadcast to this shape, and numbers.
NumPy runs a large group in blocks: the intermediate results of a block stay in the second-level cache. Step
by step, each of them goes to memory and comes back. The bits are those of the single steps, since an entry of
an elementwise result does not depend on the other entries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from .slots import Ref

__all__ = ["Group", "Instruction", "Kind", "in_blocks"]

Kind = tuple[tuple[int, ...], np.dtype[Any]]
"""A shape and a dtype."""

BLOCK = 1 << 16
"""The bytes of a block: several blocks fit the second-level cache."""


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


def in_blocks(group: Group, share: Callable[[Callable[[Iterable[Any]], Any], Sequence[Any]], Any]) -> Any:
    """The function that runs a group with NumPy, block by block.

    Args:
        group: its instructions are elementwise.
        share: `share(work, items)` calls `work` with parts of the items, on several threads.
    """
    arrays = [i for i, (shape, _) in enumerate(group.inputs) if shape]
    flat = all(group.inputs[i][0] == group.shape for i in arrays)
    whole = (math.prod(group.shape),) if flat else group.shape
    width = max(1, BLOCK // (group.dtype.itemsize * math.prod(whole[1:])))
    parts = [slice(start, min(start + width, whole[0])) for start in range(0, whole[0], width)]

    sections, shared = _sections(group), _shared(group)
    kinds = {r: c.kind[1] for r, c in enumerate(group.code, len(group.inputs))}

    def run(*inputs: Any) -> list[Any]:
        given = list(inputs)
        for i in arrays:
            if not any(inputs[i].strides):  # one number in every entry
                given[i] = inputs[i].flat[0]
            elif not inputs[i].flags.c_contiguous:  # NumPy's loops over strides may have other bits
                return group.straight(*inputs)
            elif flat:
                given[i] = inputs[i].reshape(whole)
        made = {r: np.empty(whole, kinds[r]) for r in group.outputs}

        def work(mine: Iterable[slice]) -> None:
            kept = {first: np.empty((width, *whole[1:]), kinds[first]) for first in set(shared.values())}
            for part in mine:
                n = part.stop - part.start
                targets = [made[r][part] if r in made else kept[shared[r]][:n] for r in kinds]
                _run(sections, [*(_part(x, part, whole) for x in given), *targets])

        share(work, parts)
        return [made[r].reshape(group.shape) for r in group.outputs]

    return run


def _shared(group: Group) -> dict[int, int]:
    """For each result that is no output the first register with the same buffer.

    A buffer is used anew after the last reader of its value; no instruction writes into its own operand.
    """
    last = {
        x.slot: r
        for r, c in enumerate(group.code, len(group.inputs))
        for x in c.operands
        if x.__class__ is Ref
    }
    shared: dict[int, int] = {}
    free: dict[Any, list[int]] = {}
    for r, c in enumerate(group.code, len(group.inputs)):
        if r not in group.outputs:
            spare = free.setdefault(c.kind[1], [])
            shared[r] = spare.pop() if spare else r
        for slot in {x.slot for x in c.operands if x.__class__ is Ref}:
            if slot in shared and last[slot] == r:
                free[group.code[slot - len(group.inputs)].kind[1]].append(shared[slot])
    return shared


def _sections(group: Group) -> list[tuple[Any, list[Any]]]:
    """The code in runs of one error state, each instruction as (function, operands, register)."""
    rows = [(c.quiet, (c.function, c.operands, r)) for r, c in enumerate(group.code, len(group.inputs))]
    return [(quiet, [row for _, row in run]) for quiet, run in groupby(rows, lambda row: row[0])]


def _part(x: Any, part: slice, whole: tuple[int, ...]) -> Any:
    """The entries of an array that belong to a block."""
    return x[part] if np.ndim(x) == len(whole) and x.shape[0] == whole[0] else x


def _run(sections: list[tuple[Any, list[Any]]], registers: list[Any]) -> None:
    """Run the code on one block; the registers of the results are arrays to write into."""
    for quiet, rows in sections:
        with nullcontext() if quiet is None else np.errstate(**quiet):
            for function, operands, r in rows:
                values = [registers[x.slot] if x.__class__ is Ref else x for x in operands]
                if isinstance(function, np.ufunc):
                    function(*values, out=registers[r])
                else:
                    registers[r][...] = function(*values)
