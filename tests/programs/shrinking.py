"""A smaller program with the same fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .checking import Fault, fault_of
from .drawing import replayed
from .program import Program, Step


def shrunk(fault: Fault) -> Fault:
    """Smaller and smaller programs, as long as one has a fault of the same way of running.

    Every candidate is a program that the generator could have drawn: NumPy runs it, and it is smooth.
    """
    smaller = True
    while smaller:
        smaller = False
        for candidate in candidates(fault.program):
            if replayed(candidate) is None:
                continue
            found = fault_of(candidate, (fault.way,))
            if found is not None:
                fault, smaller = found, True
                break
    return fault


def candidates(program: Program) -> Iterator[Program]:
    """Programs with one thing less, large things first."""
    count = len(program.inputs)
    if len(program.outputs) > 1:
        yield from (replace(program, outputs=(i,)) for i in program.outputs)
    yield from cut(program)
    for i, step in enumerate(program.steps):
        for operand in step.operands:
            yield without(program, count + i, operand)
    for i in range(count):
        for other in range(count):
            if i != other:
                yield without(program, i, other)
    for i, x in enumerate(program.inputs):
        plainer = np.asarray(np.round(x, 1), x.dtype)
        if not np.array_equal(plainer, x):
            yield replace(program, inputs=(*program.inputs[:i], plainer, *program.inputs[i + 1 :]))


def cut(program: Program) -> Iterator[Program]:
    """Without the steps and inputs that no output needs; an earlier value as the output."""
    count = len(program.inputs)
    last = max(program.outputs)
    if last < count + len(program.steps) - 1:
        yield replace(program, steps=program.steps[: last + 1 - count])
    for i in range(count, last):
        yield replace(program, steps=program.steps[: i + 1 - count], outputs=(i,))
    used = {*program.outputs, *(k for step in program.steps for k in step.operands)}
    for i in range(count + len(program.steps)):
        if i not in used and (i >= count or count > 1):
            yield without(program, i, i)


def without(program: Program, number: int, instead: int) -> Program:
    """The program less one value; who used that uses another one before it."""
    count = len(program.inputs)
    inputs = tuple(x for i, x in enumerate(program.inputs) if i != number)

    def renumbered(k: int) -> int:
        k = instead if k == number else k
        return k - (k > number)

    steps = tuple(
        Step(step.op, tuple(map(renumbered, step.operands)), step.options)
        for i, step in enumerate(program.steps)
        if count + i != number
    )
    return Program(inputs, steps, tuple(dict.fromkeys(map(renumbered, program.outputs))))
