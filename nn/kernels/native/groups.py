"""The native groups of elementwise steps: what is prepared once for a group, and what a call does.

A group arrives as plain data: its shape, the kinds of its inputs, and a code of words on registers. Registers
are counted: first the inputs, then the result of each instruction. Here they get places in the scratch memory
of `groups.c`, so that a register is used anew after its last reader.

A small group works on arrays that are kept: NumPy copies the inputs in and the outputs out, and no pointer is
made. A large group works on the arrays themselves, after a check of their dtypes and shapes, and is shared
among the threads. A call has its memory to itself, so several threads may run one group.
"""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from ..threads import in_parallel, thread_count
from ..windows import Array
from . import _function, library, prompt

__all__ = ["Kind", "Program", "prepared", "words"]

BLOCK = 4096
"""The bytes of a register, as in `groups.c`."""

AXES = 8
"""The axes that an array may have there."""

SMALL = 1 << 16
"""Up to this number of bytes, copies take less time than pointers."""

SHARED = 1 << 17
"""From this number of entries on, a second thread pays."""

MOST = 256
"""The number of different groups whose code is kept."""

LOGICAL = frozenset({"logical_and", "logical_or", "logical_xor", "logical_not"})
COMPARING = frozenset(
    {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "isnan", "isfinite", "isinf"}
)

Kind = tuple[tuple[int, ...], np.dtype[Any]]
"""A shape and a dtype."""

_BOOL = np.dtype(bool)


class Program(NamedTuple):
    """A group as data.

    Attributes:
        shape: the shape of every result.
        dtype: float32 or float64, the dtype of every array that is not boolean.
        inputs: the kinds of the inputs, which broadcast to the shape.
        code: for each instruction its word, its operands (an int is a register, a float a number), and the
            dtype of its result.
        outputs: the registers that others need. The register of a "sum" is a number.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    inputs: tuple[Kind, ...]
    code: tuple[tuple[str, tuple[int | float, ...], np.dtype[Any]], ...]
    outputs: tuple[int, ...]


@cache
def words() -> dict[str, int]:
    """The words of the instructions, each with its number; empty if there is no library."""
    if library() is None:
        return {}
    names = prompt("group_words", np.dtype(float), ctypes.c_char_p)()
    return {word: number for number, word in enumerate(names.decode().split())} | {"sum": -1}


def takes(word: str, dtype: np.dtype[Any]) -> bool:
    """Whether an instruction with a result of this dtype is served."""
    if word not in words():
        return False
    return dtype == _BOOL if word in COMPARING | LOGICAL | {"truth"} else dtype != _BOOL or word == "where"


def prepared(
    program: Program, otherwise: Callable[..., Any], heard: Callable[[], bool]
) -> Callable[..., Any]:
    """The function of a group: `run(*inputs)` returns the outputs in a list.

    Args:
        program: the group; `takes` must hold for its instructions.
        otherwise: computes the same with NumPy. It runs where an array is not what the program says, and
            where NumPy may have a warning that is heard.
        heard: tells whether NumPy's warnings are heard now.
    """
    code = _code(program)
    count = math.prod(program.shape)
    if not count or len(program.shape) > AXES:
        return otherwise
    if count * program.dtype.itemsize > SMALL:
        return _Large(code, otherwise, heard).run
    return (_small if program.shape else _numbers)(code, otherwise, heard)


# -- from words to instructions --------------------------------------------------------------------


_codes: dict[str, _Code] = {}


def _code(program: Program) -> _Code:
    """Equal groups, as in the turns of a loop, have one code, and memory in common."""
    key = repr(program)  # tells register 1 from the number 1.0, and 0.0 from -0.0
    if key not in _codes:
        if len(_codes) >= MOST:
            _codes.clear()
        _codes[key] = _Code(program)
    return _codes[key]


class _Code:
    """A program in the terms of `groups.c`.

    Attributes:
        arrays: the indices of the inputs that are arrays.
        variables: the indices of the inputs that are numbers.
        instructions: rows of instruction, result and three operands.
        filled: the places of the numbers.
        outputs: the place and the dtype of each output; for a sum, its index and None.
        pool: the memory of calls that have ended.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.pool: list[Any] = []
        kinds = program.inputs
        self.arrays = [i for i, (shape, _) in enumerate(kinds) if shape]
        self.variables = [i for i, (shape, _) in enumerate(kinds) if not shape]
        self.constants: list[float] = []
        self.registers = len(kinds)
        self._place = list(range(len(kinds)))
        self._mask = [False] * len(kinds)
        self._numbers: dict[bytes, int] = {}
        self._free: list[int] = []
        self._rows: list[list[int]] = []
        self._summed: dict[int, int] = {}
        self.filled = list(self.variables)
        reads = [r for _, operands, _ in program.code for r in operands if isinstance(r, int)]
        self._left = {r: reads.count(r) for r in reads}
        for number, (word, operands, dtype) in enumerate(program.code, len(kinds)):
            self._instruction(number, word, operands, dtype)
        self.outputs = [self._output(r) for r in program.outputs]
        self.instructions = np.array(self._rows, np.int32).reshape(-1, 5)

    def _instruction(self, number: int, word: str, operands: Sequence[int | float], dtype: Any) -> None:
        program = self.program
        if word == "sum":
            self._place.append(self._operand(operands[0], False))
            self._mask.append(False)
            self._summed[number] = self._place[-1]
            return
        wanted = [word in LOGICAL or (word == "where" and (k == 0 or dtype == _BOOL)) for k in range(3)]
        places = [self._operand(x, mask) for x, mask in zip(operands, wanted, strict=False)]
        for r in operands:
            if isinstance(r, int):
                self._left[r] -= 1
                if not self._left[r] and r >= len(program.inputs) and r not in program.outputs:
                    self._free.append(self._place[r])
        self._mask.append(dtype == _BOOL)
        self._place.append(self._emit(word, places, number in program.outputs))
        if number not in self._left and number not in program.outputs:
            self._free.append(self._place[-1])

    def _emit(self, word: str, places: Sequence[int], kept: bool = True) -> int:
        """Append an instruction; the place of its result."""
        if self._free and not kept:
            place = self._free.pop()
        else:
            place = self.registers
            self.registers += 1
        self._rows.append([words()[word], place, *places, *([0] * (3 - len(places)))])
        return place

    def _operand(self, x: int | float, mask: bool) -> int:
        """The place of an operand, as a mask or as numbers."""
        if isinstance(x, int):
            place, is_mask = self._place[x], self._mask[x]
        else:
            place, is_mask = self._constant(x), False
        if mask == is_mask:
            return place
        return self._emit("truth" if mask else "number", [place])

    def _constant(self, x: float) -> int:
        key = struct.pack("d", x)
        if key not in self._numbers:
            self._numbers[key] = self.registers
            self.constants.append(x)
            self.filled.append(self.registers)
            self.registers += 1
        return self._numbers[key]

    def _output(self, r: int) -> tuple[int, Any]:
        """The place and the dtype of an output; the dtype of a sum is None."""
        if r in self._summed:
            return list(self._summed).index(r), None
        if self._mask[r]:
            return self._emit("number", [self._place[r]]), _BOOL
        return self._place[r], self.program.dtype

    @property
    def summed(self) -> list[int]:
        return list(self._summed.values())


# -- the memory of a call --------------------------------------------------------------------------


def _pointer(a: Array) -> int:
    return int(a.__array_interface__["data"][0])


def _row(a: Array, place: int, shape: tuple[int, ...]) -> list[int]:
    """An array in memory, as `groups.c` reads it; neighbouring axes with one stride are merged."""
    strides = np.broadcast_to(a, shape).strides
    axes: list[tuple[int, int]] = []
    for n, stride in zip(shape, strides, strict=True):
        if axes and axes[-1][1] == n * stride:
            axes[-1] = axes[-1][0] * n, stride
        elif n > 1:
            axes.append((n, stride))
    axes = axes or [(1, a.itemsize)]
    rest = [0] * (AXES - len(axes))
    return [
        _pointer(a),
        place,
        a.itemsize,
        len(axes),
        *[n for n, _ in axes],
        *rest,
        *[s for _, s in axes],
        *rest,
    ]


class _State:
    """The memory of one running call."""

    def __init__(self, code: _Code) -> None:
        program, dtype = code.program, code.program.dtype
        self.scratch = np.empty((code.registers, BLOCK // dtype.itemsize), dtype)
        self.at = np.empty(code.registers, np.int64)
        self.numbers = np.array([0.0] * len(code.variables) + code.constants)
        self.inputs = np.zeros((len(code.arrays), 4 + 2 * AXES), np.int64)
        arrays = [place for place, kind in code.outputs if kind is not None]
        self.outputs = np.zeros((len(arrays), 4 + 2 * AXES), np.int64)
        self.sums = np.zeros((len(code.summed), 2))
        self.filled, self.summed = np.array(code.filled, np.int64), np.array(code.summed, np.int64)
        self.block = np.array(
            [
                *(0, math.prod(program.shape)),
                *(_pointer(code.instructions), len(code.instructions)),
                *(_pointer(self.scratch), _pointer(self.at), code.registers),
                *(_pointer(self.inputs), _pointer(self.outputs), len(self.inputs), len(self.outputs)),
                *(_pointer(self.numbers), _pointer(self.filled), len(self.filled)),
                *(_pointer(self.summed), _pointer(self.sums), len(self.sums)),
            ],
            np.int64,
        )
        self.argument = ctypes.c_void_p(_pointer(self.block))
        self.strides: list[Any] = [None] * len(code.arrays)
        self.kept: list[Array] = []
        self.made: list[Array] = []
        self.dtype, self.code, self.program = dtype, code, program

    def keep(self) -> None:
        """Make arrays for the inputs and the outputs."""
        code, program = self.code, self.program
        for row, i in enumerate(code.arrays):
            self.kept.append(np.empty(*program.inputs[i]))
            self.inputs[row] = _row(self.kept[-1], i, program.shape)
        for row, (place, kind) in enumerate(out for out in code.outputs if out[1] is not None):
            self.made.append(np.empty(program.shape, kind))
            self.outputs[row] = _row(self.made[-1], place, program.shape)


def _sum(parts: Any, dtype: Any) -> Any:
    """A sum and its rounding error in one number; an infinite sum has no error."""
    total, error = parts.tolist()
    return dtype.type(total + error if math.isfinite(total) else total)


def _numbers(code: _Code, otherwise: Callable[..., Any], heard: Callable[[], bool]) -> Callable[..., Any]:
    """The function of a group of single numbers."""
    dtype, count = code.program.dtype, len(code.outputs)
    write, function = struct.Struct(f"{len(code.variables)}d").pack_into, prompt("group", dtype)
    read: Callable[[Array], Any] = itemgetter(*range(count)) if count > 1 else lambda values: (values[0],)
    masks = [k for k, (_, kind) in enumerate(code.outputs) if kind == _BOOL]

    def fresh() -> Any:
        state, values = _State(code), np.empty(count, dtype)
        for k, (place, _) in enumerate(code.outputs):
            state.outputs[k] = _row(values[k : k + 1], place, (1,))
        return state, state.argument, state.numbers, values

    pool = code.pool

    def run(*inputs: Any) -> Any:
        try:
            call = pool.pop()
        except IndexError:
            call = fresh()
        _, argument, numbers, values = call
        write(numbers, 0, *inputs)
        warned, results = function(argument), read(values)
        pool.append(call)
        if warned and heard():
            return otherwise(*inputs)
        return [np.bool_(x) if k in masks else x for k, x in enumerate(results)] if masks else results

    return run


def _small(code: _Code, otherwise: Callable[..., Any], heard: Callable[[], bool]) -> Callable[..., Any]:
    """The function of a group of few entries."""
    dtype = code.program.dtype
    function = prompt("group", dtype)

    def fresh() -> Any:
        state = _State(code)
        state.keep()
        places: list[Array] = [np.empty(0)] * len(code.program.inputs)
        for i, a in zip(code.arrays, state.kept, strict=True):
            places[i] = a
        for k, i in enumerate(code.variables):
            places[i] = state.numbers[k : k + 1].reshape(())
        made = iter(state.made)
        outputs = [place if kind is None else next(made) for place, kind in code.outputs]
        return state, state.argument, places, outputs

    pool = code.pool

    def run(*inputs: Any) -> Any:
        try:
            call = pool.pop()
        except IndexError:
            call = fresh()
        state, argument, places, outputs = call
        for place, x in zip(places, inputs, strict=True):
            place[...] = x
        warned = function(argument)
        results = [_sum(state.sums[a], dtype) if a.__class__ is int else a.copy() for a in outputs]
        pool.append(call)
        return otherwise(*inputs) if warned and heard() else results

    return run


class _Large:
    """A group of many entries."""

    def __init__(self, code: _Code, otherwise: Callable[..., Any], heard: Callable[[], bool]) -> None:
        self.code, self.program, self.pool = code, code.program, code.pool
        self.otherwise, self.heard = otherwise, heard
        self.kinds = [(kind, place) for place, kind in code.outputs if kind is not None]
        self.function = _function("group", self.program.dtype)
        self.size, self.block = math.prod(self.program.shape), BLOCK // self.program.dtype.itemsize

    def run(self, *inputs: Any) -> Any:
        state, made = self.taken(), [np.empty(self.program.shape, kind) for kind, _ in self.kinds]
        if not self.placed(state, inputs, made):
            self.pool.append(state)
            return self.otherwise(*inputs)
        if self.size < SHARED:
            warned, sums = self.function(state.argument), state.sums
        else:
            warned, sums = self.shared(state)
        arrays, dtype = iter(made), self.program.dtype
        results = [_sum(sums[k], dtype) if kind is None else next(arrays) for k, kind in self.code.outputs]
        self.pool.append(state)
        return self.otherwise(*inputs) if warned and self.heard() else results

    def taken(self) -> _State:
        """The memory of a call."""
        try:
            return self.pool.pop()  # type: ignore[no-any-return]
        except IndexError:
            state, shape = _State(self.code), self.program.shape
            for row, (kind, place) in enumerate(self.kinds):
                state.outputs[row] = _row(np.empty(shape, kind), place, shape)
            return state

    def placed(self, state: _State, inputs: tuple[Any, ...], made: list[Array]) -> bool:
        """Put the pointers and the numbers of a call into its memory; False where an array does not fit."""
        for row, i in enumerate(self.code.arrays):
            a = inputs[i]
            if a.__class__ is not np.ndarray or (a.shape, a.dtype) != self.program.inputs[i]:
                return False
            if not a.flags.aligned:
                return False
            if a.strides != state.strides[row]:
                state.inputs[row], state.strides[row] = _row(a, i, self.program.shape), a.strides
            state.inputs[row, 0] = _pointer(a)
        for row, a in enumerate(made):
            state.outputs[row, 0] = _pointer(a)
        for k, i in enumerate(self.code.variables):
            state.numbers[k] = inputs[i]
        return True

    def shared(self, state: _State) -> tuple[bool, Array]:
        """Compute on several threads; whether NumPy may have a warning, and the sums."""

        def work(parts: Sequence[slice]) -> list[tuple[int, Array]]:
            mine, done = self.taken(), []
            mine.inputs[...], mine.outputs[...], mine.numbers[...] = (
                state.inputs,
                state.outputs,
                state.numbers,
            )
            mine.strides = list(state.strides)
            for part in parts:
                mine.block[:2] = part.start, part.stop
                done.append((self.function(mine.argument), mine.sums.copy()))
            mine.block[:2] = 0, self.size
            self.pool.append(mine)
            return done

        threads = thread_count()
        ends = [self.size // self.block * k // threads * self.block for k in range(threads)] + [self.size]
        parts = in_parallel(work, [slice(a, b) for a, b in pairwise(ends)])
        done = [each for part in parts for each in part]
        return any(warned for warned, _ in done), np.sum([sums for _, sums in done], axis=0)
