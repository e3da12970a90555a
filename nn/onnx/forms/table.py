"""The table of ONNX forms: from the name of a function to what the function is in a graph.

`FORMS[name](graph, step)` returns the name of the result, or a list of names for several results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph import Graph
from ..steps import Slot, Step

__all__ = [
    "FORMS",
    "Form",
    "axes_of",
    "axis_of",
    "form",
    "number",
    "one",
    "option",
    "reduced",
    "shape_of",
    "together",
]

Form = Callable[[Graph, Step], Any]

FORMS: dict[str, Form] = {}


def form(*names: str) -> Callable[[Form], Form]:
    """Enter a function into the table."""

    def enter(function: Form) -> Form:
        FORMS.update(dict.fromkeys(names, function))
        return function

    return enter


def option(step: Step, i: int, name: str, default: Any = None) -> Any:
    """An argument, by its position or its name."""
    return step.operands[i] if len(step.operands) > i else step.options.get(name, default)


def shape_of(g: Graph, x: Any) -> tuple[int, ...]:
    """The shape in the first recording."""
    return tuple(g.kinds[x][0]) if isinstance(x, Slot) else np.shape(x)


def axis_of(g: Graph, x: Any, axis: int) -> int:
    """An axis counted from the front."""
    return axis % max(len(shape_of(g, x)), 1)


def together(g: Graph, operands: Sequence[Any], dtype: Any = None) -> list[str]:
    """Operands in one dtype: NumPy's promotion, in which Python numbers follow the arrays."""
    if dtype is None:
        dtype = np.result_type(*(x if (own := g.dtype_of(x)) is None else own for x in operands))
    return [g.value(x, dtype) for x in operands]


def one(g: Graph, step: Step) -> str:
    """The first operand in the dtype of the result."""
    return g.value(step.operands[0], step.kinds[0][1])


def number(g: Graph, step: Step, value: float) -> str:
    """A constant in the dtype of the result."""
    return g.constant(np.asarray(value, step.kinds[0][1]))


def reduced(g: Graph, kind: str, x: str, axes: Sequence[int], keepdims: bool) -> str:
    """A reduction over axes; the axes are an input or an attribute, by the version of the operators."""
    if kind == "ReduceSum" or g.opset >= 18:
        return str(g.op(kind, x, g.ints(axes), keepdims=int(keepdims)))
    return str(g.op(kind, x, axes=list(axes), keepdims=int(keepdims)))


def axes_of(g: Graph, x: Any, axis: Any) -> list[int]:
    """The axes of a reduction; None is all."""
    n = len(shape_of(g, x))
    return list(range(n)) if axis is None else [int(a) % n for a in np.atleast_1d(axis)]
