"""The steps of a model: a plan is recorded, once for each dynamic axis more, and its lines become steps.

A step of a plan has constant sizes: `reshape(v3, (2, 64))`. So the model is recorded again with each dynamic
axis longer by one; `formulas.py` finds what depends on the axis.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import tree
from autograd_lite.errors import CompileError, UnsupportedError

from .. import functional
from ..module import Module
from .formulas import formulas
from .steps import Axis, Recorded, Slot, Step, slots

__all__ = ["record"]

Array = npt.NDArray[Any]
DEFINED: dict[str, Callable[..., Any]] = {
    "attention": functional.attention.attention,
    "self_attention": functional.attention.self_attention,
    "standardize": functional.normalization.standardize,
    "normalize_channels": functional.normalization.normalized_channels,
}
"""Kernels without an ONNX form, and the ops whose definitions are recorded in their place."""


def name_of(function: Any, name: str) -> str:
    """The name of a function; of an activation that is one kernel its own."""
    inner = getattr(function, "__wrapped__", function)
    return str(inner.keywords.get("name", name)) if isinstance(inner, functools.partial) else name


# -- recording -------------------------------------------------------------------------------------


def record(model: Module, inputs: Sequence[Array], dynamic: Sequence[Axis]) -> Recorded:
    """The steps of a model in evaluation mode, with formulas of the dynamic axes.

    Raises:
        UnsupportedError: a value is read in Python, or a step depends on an axis in another way.
    """
    longer = {axis: max(inputs[axis[0]].shape[axis[1]], 2) for axis in dynamic}
    whole = _recorded(model, [_with(x, i, longer) for i, x in enumerate(inputs)])
    if not dynamic:
        return whole
    others = []
    for axis in dynamic:
        sizes = {**longer, axis: longer[axis] + 1}
        others.append(_recorded(model, [_with(x, i, sizes) for i, x in enumerate(inputs)]))
    sizes = {axis: n + 2 for axis, n in longer.items()}
    others.append(_recorded(model, [_with(x, i, sizes) for i, x in enumerate(inputs)]))
    return formulas(whole, others, dynamic, longer, sizes)


def _with(x: Array, i: int, sizes: dict[Axis, int]) -> Array:
    """An input with other sizes: its entries are repeated."""
    for (which, axis), size in sizes.items():
        if which == i:
            x = np.take(x, np.arange(size) % x.shape[axis], axis=axis)
    return x


def _recorded(model: Module, inputs: Sequence[Array]) -> Recorded:
    def run(*args: Any) -> Any:
        with ag.no_grad():
            return tree.flatten(model(*args))[0]

    found = Recorded()
    found.outputs = _Reader(found, "").read(_plan(run, inputs), None)
    found.shapes = [found.kinds[slot][0] for slot in found.outputs]
    return _in_order(found)


def _in_order(found: Recorded) -> Recorded:
    """The steps that the outputs need, each after its operands, in an order that follows from these alone.

    The order of a plan, and which steps are one group, may depend on sizes.
    """
    makers = {slot: step for step in found.steps for slot in step.results}
    steps: list[Step] = []
    done: set[int] = set()
    todo = [(makers[slot], False) for slot in reversed(found.outputs) if slot in makers]
    while todo:
        step, ready = todo.pop()
        if id(step) in done:
            continue
        if ready:
            done.add(id(step))
            steps.append(step)
            continue
        needs = [makers[slot] for slot in slots((step.operands, step.options)) if slot in makers]
        todo += [(step, True), *((need, False) for need in reversed(needs))]
    found.steps = steps
    return found


def _plan(f: Callable[..., Any], inputs: Sequence[Any]) -> ag.Plan:
    try:
        return ag.compile(f, exact=True).plan(*inputs)
    except CompileError as error:
        raise UnsupportedError(f"onnx.export: the model cannot be recorded: {error}") from error


class _Reader:
    """Copies the lines of a plan into steps; the kernels of DEFINED are replaced by their definitions."""

    def __init__(self, found: Recorded, prefix: str) -> None:
        self.found, self.prefix = found, prefix
        self.renamed: dict[str, Slot] = {}

    def read(self, plan: ag.Plan, given: Sequence[Any] | None) -> list[Slot]:
        """Add the steps of a plan, and return its outputs. `given` are the values of its arguments."""
        arguments = iter(given) if given is not None else None
        for line in plan.lines:
            made = tuple(self._slot(f"v{slot}", None) for slot in plan.steps[line.step].makes)
            if line.what == "argument":
                if arguments is None:
                    self.found.inputs.append(made[0])
                else:
                    self.renamed[str(made[0])] = next(arguments)
            elif line.what == "place":
                key = line.name.removeprefix("model.")
                self.found.places[made[0]], self.found.values[key] = key, plan.steps[line.step].function()
            elif line.what in ("effect", "store"):
                raise UnsupportedError(
                    f"onnx.export: {line.name}, at {line.line}, draws or updates a value, which a file cannot"
                )
            elif line.what == "step":
                if line.group is not None:
                    made = tuple(self._slot(name, line.group) for name in line.results)
                self._step(line, made)
            if line.what != "group":
                self.found.kinds.update({slot: k for slot, k in zip(made, line.kinds, strict=False) if k})
        for slot, kind in plan.kinds.items():
            self.found.kinds.setdefault(self._slot(f"v{slot}", None), kind)
        return [self._operand(self._slot(f"v{slot}", None)) for slot in plan.outputs]

    def _slot(self, name: str, group: int | None) -> Slot:
        inside = f"g{group}" if group is not None and name[0] == "r" else ""
        return Slot(f"{self.prefix}{inside}{name}")

    def _operand(self, x: Any) -> Any:
        return self.renamed.get(str(x), x)

    def _named(self, x: Any, group: int | None) -> Any:
        """An operand with the slots under the names of the whole recording."""
        if isinstance(x, tuple):
            return tuple(self._named(item, group) for item in x)
        if isinstance(x, list):
            return [self._named(item, group) for item in x]
        if isinstance(x, slice):
            return slice(*(self._named(end, group) for end in (x.start, x.stop, x.step)))
        return self._operand(self._slot(x, group)) if type(x).__name__ == "Name" else x

    def _step(self, line: Any, made: tuple[Slot, ...]) -> None:
        name = name_of(line.function, line.name)
        operands = tuple(self._named(x, line.group) for x in line.operands)
        options = {key: self._named(x, line.group) for key, x in line.options.items()}
        if name in DEFINED:
            self._definition(DEFINED[name], operands, options, made)
        else:
            self.found.steps.append(Step(name, operands, options, made, line.kinds, line.line))

    def _definition(self, op: Any, operands: Any, options: Any, made: tuple[Slot, ...]) -> None:
        """Add the steps of a definition in place of a kernel."""
        definition = op.__wrapped__
        kinds = [self.found.kinds.get(x) if isinstance(x, Slot) else None for x in operands]
        is_value = [k is not None or isinstance(x, np.ndarray) for x, k in zip(operands, kinds, strict=True)]
        values = [x for x, yes in zip(operands, is_value, strict=True) if yes]
        rest = [None if yes else x for x, yes in zip(operands, is_value, strict=True)]
        arrays = [np.zeros(*self.found.kinds[x]) if isinstance(x, Slot) else x.copy() for x in values]

        def run(*args: Any) -> Any:
            given = iter(args)
            return definition(
                *(next(given) if yes else x for x, yes in zip(rest, is_value, strict=True)), **options
            )

        inner = _Reader(self.found, f"{made[0]}_")
        outputs = inner.read(_plan(run, arrays), values)
        self.renamed.update({str(slot): out for slot, out in zip(made, outputs, strict=False)})
