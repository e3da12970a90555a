"""A random program: ops by chance, kept where they are smooth, finite and small."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .choices import Rng, UnfitError, Values
from .program import Program, Step
from .table import MARGIN, OPS

LARGEST = 60.0
"""The largest entry of a value."""

MOST = 40
"""The most entries of a value."""

SHAPES: tuple[tuple[int, ...], ...] = (
    (), (1,), (2,), (3,), (3,), (4,), (2, 3), (3, 2), (2, 2), (3, 3), (1, 3), (3, 1), (2, 1, 3), (2, 2, 2),
    (2, 2, 2), (0,), (0, 3), (2, 0),
)  # fmt: skip


DTYPES = ("f8", "f8", "f8", "f8", "f8", "f8", "f4", "f8 c16", "c16", "f4 f8", "c8 f4 f8")
"""Of the inputs of one program."""


def numbered(seed: int, number: int) -> Program:
    """The same program each time."""
    return drawn(np.random.default_rng([seed, number]))


def drawn(rng: Rng, steps: int = 10) -> Program:
    """A program of up to so many steps."""
    while True:
        dtypes = DTYPES[int(rng.integers(len(DTYPES)))].split()
        inputs = tuple(drawn_input(rng, str(rng.choice(dtypes))) for _ in range(int(rng.integers(1, 4))))
        values = Values(list(inputs), [True] * len(inputs))
        taken: list[Step] = []
        for _ in range(int(rng.integers(1, steps + 1))):
            taken += extended(rng, values)
        outputs = drawn_outputs(rng, values, len(inputs))
        if outputs:
            return Program(inputs, tuple(taken), outputs)


def drawn_input(rng: Rng, dtype: str) -> Any:
    """Numbers in random order that stay apart from each other, from 0, and from their opposites."""
    shape = SHAPES[int(rng.integers(len(SHAPES)))]

    def numbers() -> Any:
        size = int(np.prod(shape))
        grid = np.arange(1, 2 * size + 2) * (1.9 / (2 * size + 1)) * rng.uniform(0.8, 1.1) + MARGIN
        signs = rng.choice([-1.0, 1.0], size) if rng.random() < 0.7 else np.ones(size)
        return np.round((rng.permutation(grid)[:size] * signs).reshape(shape), 3)

    x = np.asarray(numbers() + 1j * numbers() if dtype.startswith("c") else numbers(), dtype)
    x.flags.writeable = False
    return x


@functools.cache
def texts() -> list[str]:
    return [text for text, op in OPS.items() for _ in range(op.weight)]


def extended(rng: Rng, values: Values) -> list[Step]:
    """One more step and its value. An op may not fit at all; then another is tried."""
    for _ in range(100):
        text = texts()[int(rng.integers(len(texts())))]
        for _ in range(6):
            try:
                operands, options = OPS[text].draw(rng, values)
            except UnfitError:
                break
            step = Step(text, operands, options)
            value = fitting(step, values)
            if value is not None:
                values.arrays.append(value)
                values.recorded.append(on_tape(step, values))
                return [step]
    return []


def on_tape(step: Step, values: Values) -> bool:
    return not OPS[step.op].flat and any(values.recorded[i] for i in step.operands)


def fitting(step: Step, values: Values) -> Any:
    """The value of the step; None if NumPy refuses it, or it is not smooth, too large, or no number."""
    op, given = OPS[step.op], [values.arrays[i] for i in step.operands]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        try:
            value = step(*given)
            safe = op.safe(*map(np.asarray, given), **step.options)
        except Exception:
            return None
    array = np.asarray(value)
    if not safe or array.size > MOST or array.ndim > 5 or array.dtype.kind not in "fcib":
        return None
    if not op.flat and array.dtype.kind not in "fc":
        return None
    return value if np.all(np.abs(array) < LARGEST) else None


def drawn_outputs(rng: Rng, values: Values, count: int) -> tuple[int, ...]:
    """The last value that depends on an input, and perhaps some before it."""
    found = [i for i in range(count, len(values.arrays)) if values.recorded[i]]
    if not found:
        return ()
    others = [i for i in found[:-1] if rng.random() < 0.15]
    return (*others, found[-1])


def replayed(program: Program) -> Values | None:
    """The values of a changed program; None if it is none, or not smooth."""
    values = Values(list(program.inputs), [True] * len(program.inputs))
    for step in program.steps:
        value = fitting(step, values)
        if value is None or not written_on_tape(step, values):
            return None
        values.arrays.append(value)
        values.recorded.append(on_tape(step, values))
    return values if all(values.recorded[i] for i in program.outputs) else None


def written_on_tape(step: Step, values: Values) -> bool:
    """An assignment needs a Tensor to assign to."""
    return "{y}" not in step.op or values.recorded[step.operands[0]]


def wide(program: Program) -> Program:
    """The same in double precision."""
    return Program(widened(program.inputs), program.steps, program.outputs)


def widened(arrays: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(x.astype(np.result_type(x.dtype, np.float64)) for x in arrays)
