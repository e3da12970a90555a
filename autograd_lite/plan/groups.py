"""A group: a run of elementwise steps as data, and how NumPy runs it.

All results of a group have one shape. Its inputs are arrays that broadcast to this shape, and numbers. NumPy runs
a large group in blocks: the intermediate results of a block stay in the second-level cache, where step by step
each of them goes to memory and comes back. The bits are those of the single steps, since an entry of an
elementwise result does not depend on the other entries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .slots import Ref

__all__ = ["Group", "Instruction", "Kind", "in_blocks"]

Kind = tuple[tuple[int, ...], np.dtype[Any]]
"""A shape and a dtype."""

BLOCK = 1 << 17
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

    def __call__(self, registers: Sequence[Any], **options: Any) -> Any:
        operands = [registers[x.slot] if x.__class__ is Ref else x for x in self.operands]
        if self.quiet is None:
            return self.function(*operands, **options)
        with np.errstate(**self.quiet):  # type: ignore[arg-type]
            return self.function(*operands, **options)

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
        self, shape: tuple[int, ...], inputs: Sequence[Kind], code: Sequence[Instruction], outputs: Sequence[int]
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

    def run(*inputs: Any) -> list[Any]:
        for i in arrays:
            if not inputs[i].flags.c_contiguous:  # NumPy's loops over strides may have other bits
                return group.straight(*inputs)
        given = [x.reshape(whole) if flat and np.ndim(x) else x for x in inputs]
        outputs = {r: np.empty(whole, group.code[r - len(inputs)].kind[1]) for r in group.outputs}

        def work(mine: Iterable[slice]) -> None:
            buffers: dict[int, Any] = {}
            for part in mine:
                _block(group, [_part(x, part, whole) for x in given], outputs, buffers, part)

        share(work, parts)
        return [outputs[r].reshape(group.shape) for r in group.outputs]

    return run


def _part(x: Any, part: slice, whole: tuple[int, ...]) -> Any:
    """The entries of an array that belong to a block."""
    return x[part] if np.ndim(x) == len(whole) and x.shape[0] == whole[0] else x


def _block(group: Group, registers: list[Any], outputs: Any, buffers: dict[int, Any], part: slice) -> None:
    """Run the code on one block. A result that is no output goes to a buffer, which the next block uses again."""
    for k, instruction in enumerate(group.code, len(registers)):
        if k in outputs:
            target = outputs[k][part]
        else:
            if k not in buffers:
                like = next(iter(outputs.values()))[part]
                buffers[k] = np.empty(like.shape, instruction.kind[1])
            target = buffers[k][: part.stop - part.start]
        if isinstance(instruction.function, np.ufunc):
            instruction(registers, out=target)
        else:
            target[...] = instruction(registers)
        registers.append(target)
