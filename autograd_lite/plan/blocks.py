"""How NumPy runs a group: block by block, by one Python function, a list of calls.

The intermediate results of a block stay in the second-level cache. Step by step, each of them goes to memory
and comes back. The bits are those of the single steps, since an entry of an elementwise result does not
depend on the other entries. A ufunc takes microseconds for a block, so the calls are written out::

    def block(v0, v1, w9, b0, b1):      # the inputs, the outputs, the buffers
        multiply(k0, v0, b0)
        tanh(b0, b1)
        with errstate(**k1):
            add(b1, v1, w9)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from .groups import REALS, Group, Instruction
from .slots import Ref

__all__ = ["EXACT", "NAMED", "PLAIN", "as_array", "in_blocks"]

BLOCK = 1 << 16
"""The bytes of a block: several blocks fit the second-level cache."""

SHARED = 3 << 17
"""The bytes of a block where threads work side by side. NumPy releases the interpreter lock within a call,
and a thread that waits for the lock sleeps. So calls must take longer than a thread needs to wake up."""

WORK = 1 << 23
"""From this number of entries times instructions on, about two milliseconds, threads pay."""

EXACT = frozenset(
    {np.add, np.subtract, np.multiply, np.divide, np.negative, np.absolute, np.square, np.sqrt, np.positive}
    | {np.maximum, np.minimum}
)
"""Ufuncs that may write into their own argument: correctly rounded, they have one result on every path of
NumPy's."""

PLAIN = frozenset(
    {np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.less, np.less_equal}
    | {np.greater, np.greater_equal, np.equal, np.not_equal}
)
"""Ufuncs that take all operands in one dtype: a number stands as an array of this dtype, which is faster."""

NAMED = frozenset({np.maximum, np.minimum})
"""Ufuncs that ask for the name of `out`."""


def as_array(x: Any, dtype: np.dtype[Any]) -> Any:
    """A Python number as an array of a dtype; what has no such array, as it is."""
    fits = x.__class__ in (int, float) and math.isfinite(x) and abs(x) <= np.finfo(dtype).max
    return np.array(x, dtype) if fits else x


def in_blocks(group: Group, threads: Any) -> Callable[..., list[Any]]:
    """The function that runs a group with NumPy, block by block.

    Args:
        group: its instructions are elementwise.
        threads: `threads.in_parallel(work, items)` calls `work` with parts of the items, on
            `threads.thread_count()` threads; None for one thread.
    """
    arrays = [i for i, (shape, _) in enumerate(group.inputs) if shape]
    flat = all(group.inputs[i][0] == group.shape for i in arrays)
    whole = (math.prod(group.shape),) if flat else group.shape
    alone, shared = (_parts(whole, group.dtype, size) for size in (BLOCK, SHARED))
    shares = threads is not None and math.prod(group.shape) * len(group.code) >= WORK
    block, dtypes = _Writer(group).function()
    kinds = [group.code[r - len(group.inputs)].kind[1] for r in group.outputs]

    def run(*inputs: Any) -> list[Any]:
        given = list(inputs)
        for i in arrays:
            if not any(inputs[i].strides):  # one number in every entry
                given[i] = inputs[i][(*[0] * inputs[i].ndim, ...)]
            elif not inputs[i].flags.c_contiguous:  # NumPy's loops over strides may have other bits
                return group.straight(*inputs)
            elif flat:
                given[i] = inputs[i].reshape(whole)
        made = [np.empty(group.shape, dtype) for dtype in kinds]
        long = [*given, *[array.reshape(whole) for array in made]]

        def work(mine: Sequence[slice]) -> None:
            width = mine[0].stop - mine[0].start
            buffers = [np.empty((width, *whole[1:]), dtype) for dtype in dtypes]
            for part in mine:
                n = part.stop - part.start
                short = buffers if n == width else [buffer[:n] for buffer in buffers]
                block(*[_part(x, part, whole) for x in long], *short)

        if shares and threads.thread_count() > 1:
            threads.in_parallel(work, shared)
        else:
            work(alone)
        return made

    return run


def _parts(whole: tuple[int, ...], dtype: np.dtype[Any], size: int) -> list[slice]:
    """The blocks of a shape, along the first axis: of one width, except for the last one."""
    width = max(1, size // (dtype.itemsize * math.prod(whole[1:])))
    return [slice(start, min(start + width, whole[0])) for start in range(0, whole[0], width)]


def _part(x: Any, part: slice, whole: tuple[int, ...]) -> Any:
    """The entries of an array that belong to a block."""
    return x[part] if np.ndim(x) == len(whole) and x.shape[0] == whole[0] else x


class _Writer:
    """Writes the function of a block.

    Each result is in an output, in a buffer, or in an array that a function has made. A buffer is used anew
    after the last reader of its value.
    """

    def __init__(self, group: Group) -> None:
        self.group, self.first = group, len(group.inputs)
        self.names: dict[str, Any] = {"errstate": np.errstate}
        self.words = [f"v{r}" for r in range(self.first)]
        self.dtypes: list[np.dtype[Any]] = []
        self._free: dict[np.dtype[Any], list[str]] = {}
        self._last = {slot: r for r, c in enumerate(group.code, self.first) for slot in _read(c)}

    def function(self) -> tuple[Callable[..., None], list[np.dtype[Any]]]:
        """`block(*inputs, *outputs, *buffers)`, and the dtypes of the buffers."""
        lines: list[str] = []
        for quiet, run in groupby(enumerate(self.group.code, self.first), lambda row: row[1].quiet):
            indent = "    "
            if quiet is not None:
                lines.append(f"    with errstate(**{self._name(quiet)}):")
                indent += "    "
            lines += [indent + self._line(r, c) for r, c in run]
        given = [*self.words[: self.first], *(f"w{r}" for r in self.group.outputs)]
        given += [f"b{i}" for i in range(len(self.dtypes))]
        source = "\n".join([f"def block({', '.join(given)}):", *lines])
        exec(compile(source, "<a group>", "exec"), self.names)
        return self.names["block"], self.dtypes

    def _line(self, r: int, c: Instruction) -> str:
        """The call of an instruction."""
        called = f"{self._name(c.function)}({', '.join(self._operands(c))}"
        if isinstance(c.function, np.ufunc):
            out = f"w{r}" if r in self.group.outputs else self._buffer(r, c)
            line = f"{called}, {'out=' if c.function in NAMED else ''}{out})"
        else:
            out = f"w{r}[...]" if r in self.group.outputs else f"r{r}"
            line = f"{out} = {called})"
        self.words.append(out.removesuffix("[...]"))
        self._release(r, c)
        return line

    def _operands(self, c: Instruction) -> Iterable[str]:
        dtypes = {self._dtype(slot) for slot in _read(c)}
        plain = c.function in PLAIN and len(dtypes) == 1 and dtypes <= REALS
        for x in c.operands:
            if x.__class__ is Ref:
                yield self.words[x.slot]
            else:
                yield self._name(as_array(x, *dtypes) if plain else x)

    def _dtype(self, slot: int) -> Any:
        """The dtype of a register; None for a single number, which may be Python's."""
        shape, dtype = (*self.group.inputs, *(c.kind for c in self.group.code))[slot]
        return dtype if shape else None

    def _buffer(self, r: int, c: Instruction) -> str:
        """The buffer of a result: that of an operand at its last use, a free one, or a new one."""
        dtype = c.kind[1]
        if c.function in EXACT:
            for slot in sorted(_read(c)):
                if self._last[slot] == r and self._is_buffer(slot) and self._dtype(slot) == dtype:
                    return self.words[slot]
        free = self._free.setdefault(dtype, [])
        if not free:
            self.dtypes.append(dtype)
            return f"b{len(self.dtypes) - 1}"
        return free.pop()

    def _release(self, r: int, c: Instruction) -> None:
        """The buffers of operands that are used for the last time become free."""
        for slot in sorted(_read(c)):
            if self._last[slot] == r and self._is_buffer(slot) and self.words[slot] != self.words[r]:
                self._free.setdefault(self._dtype(slot), []).append(self.words[slot])

    def _is_buffer(self, slot: int) -> bool:
        return self.words[slot].startswith("b")

    def _name(self, value: Any) -> str:
        """A name for an object."""
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name


def _read(c: Instruction) -> set[int]:
    """The registers that an instruction reads."""
    return {x.slot for x in c.operands if x.__class__ is Ref}
