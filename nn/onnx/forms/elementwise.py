"""The ONNX forms of what is computed entry by entry, and of reductions."""

from __future__ import annotations

import math

import numpy as np

from ..graph import Graph
from ..steps import Slot, Step
from .table import FORMS, Form, axes_of, axis_of, form, number, one, option, reduced, together


def elementwise(kind: str) -> Form:
    """An operator of the same meaning, on operands of the dtype of the result."""
    return lambda g, step: g.op(kind, *together(g, step.operands, step.kinds[0][1]))


def compared(kind: str) -> Form:
    """An operator from numbers to booleans."""
    return lambda g, step: g.op(kind, *together(g, step.operands))


FORMS |= {
    name: elementwise(kind)
    for name, kind in {
        **{"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "pow": "Pow"},
        **{"negative": "Neg", "absolute": "Abs", "fabs": "Abs", "sqrt": "Sqrt", "exp": "Exp", "log": "Log"},
        **{"sin": "Sin", "cos": "Cos", "tan": "Tan", "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan"},
        **{"sinh": "Sinh", "cosh": "Cosh", "tanh": "Tanh", "arcsinh": "Asinh", "arccosh": "Acosh"},
        **{"arctanh": "Atanh", "floor": "Floor", "ceil": "Ceil", "rint": "Round"},
        **{"sign": "Sign", "reciprocal": "Reciprocal", "minimum": "Min", "erf": "Erf"},
        **{"sigmoid": "Sigmoid", "softplus": "Softplus", "relu": "Relu", "positive": "Identity"},
        **{"logical_not": "Not", "invert": "Not", "copy": "Identity", "ascontiguousarray": "Identity"},
        **{"logical_and": "And", "logical_or": "Or", "bitwise_and": "And", "bitwise_or": "Or"},
        **{"real": "Identity", "conjugate": "Identity"},
    }.items()
}
FORMS |= {
    name: compared(kind)
    for name, kind in {
        **{"greater": "Greater", "less": "Less", "greater_equal": "GreaterOrEqual"},
        **{"less_equal": "LessOrEqual", "equal": "Equal", "isnan": "IsNaN"},
    }.items()
}


@form("maximum")
def _(g: Graph, step: Step) -> str:
    x, y = step.operands
    if isinstance(x, Slot) and isinstance(y, (int, float)) and y == 0:
        return str(g.op("Relu", one(g, step)))
    return str(g.op("Max", *together(g, step.operands, step.kinds[0][1])))


@form("round", "around")
def _(g: Graph, step: Step) -> str:
    decimals = int(option(step, 1, "decimals", 0))
    if not decimals:
        return str(g.op("Round", one(g, step)))
    scale = number(g, step, 10.0**decimals)
    return str(g.op("Div", g.op("Round", g.op("Mul", one(g, step), scale)), scale))


@form("not_equal")
def _(g: Graph, step: Step) -> str:
    return str(g.op("Not", g.op("Equal", *together(g, step.operands))))


@form("square")
def _(g: Graph, step: Step) -> str:
    x = one(g, step)
    return str(g.op("Mul", x, x))


@form("expm1")
def _(g: Graph, step: Step) -> str:
    """2 tanh(x / 2) / (1 - tanh(x / 2)), which keeps the digits of a small x; exp(x) - 1 for a large one."""
    x, unit = one(g, step), number(g, step, 1.0)
    t = g.op("Tanh", g.op("Mul", x, number(g, step, 0.5)))
    small = g.op("Div", g.op("Mul", number(g, step, 2.0), t), g.op("Sub", unit, t))
    large = g.op("Sub", g.op("Exp", x), unit)
    return str(g.op("Where", g.op("Less", x, unit), small, large))


@form("log1p")
def _(g: Graph, step: Step) -> str:
    """log(u) x / (u - 1) with u = 1 + x, which keeps the digits of a small x."""
    x, unit = one(g, step), number(g, step, 1.0)
    u = g.op("Add", unit, x)
    above = g.op("Sub", u, unit)
    same = g.op("Equal", above, number(g, step, 0.0))
    safe = g.op("Where", same, unit, above)
    return str(g.op("Where", same, x, g.op("Div", g.op("Mul", g.op("Log", u), x), safe)))


@form("exp2", "log2", "log10")
def _(g: Graph, step: Step) -> str:
    x = one(g, step)
    if step.name == "exp2":
        return str(g.op("Exp", g.op("Mul", x, number(g, step, math.log(2)))))
    return str(g.op("Div", g.op("Log", x), number(g, step, math.log(2 if step.name == "log2" else 10))))


@form("gelu", "gelu_tanh", "silu", "tanhshrink")
def _(g: Graph, step: Step) -> str:
    x = one(g, step)
    if step.name == "silu":
        return str(g.op("Mul", x, g.op("Sigmoid", x)))
    half, unit = number(g, step, 0.5), number(g, step, 1.0)
    if step.name == "gelu":
        inner = g.op("Erf", g.op("Mul", x, number(g, step, math.sqrt(0.5))))
    else:
        cube = g.op("Mul", x, g.op("Mul", x, x))
        sum_ = g.op("Add", x, g.op("Mul", cube, number(g, step, 0.044715)))
        inner = g.op("Tanh", g.op("Mul", sum_, number(g, step, math.sqrt(2 / math.pi))))
    return str(g.op("Mul", g.op("Mul", x, half), g.op("Add", inner, unit)))


@form("where")
def _(g: Graph, step: Step) -> str:
    condition, *values = step.operands
    return str(g.op("Where", g.value(condition, bool), *together(g, values, step.kinds[0][1])))


@form("clip")
def _(g: Graph, step: Step) -> str:
    bounds = [
        option(step, 1, "a_min", step.options.get("min")),
        option(step, 2, "a_max", step.options.get("max")),
    ]
    return str(
        g.op("Clip", one(g, step), *("" if b is None else g.value(b, step.kinds[0][1]) for b in bounds))
    )


@form("astype")
def _(g: Graph, step: Step) -> str:
    return g.value(step.operands[0], step.kinds[0][1])


# -- reductions ------------------------------------------------------------------------------------

REDUCTIONS = {
    **{
        "sum": "ReduceSum",
        "total": "ReduceSum",
        "mean": "ReduceMean",
        "max": "ReduceMax",
        "min": "ReduceMin",
    },
    **{"amax": "ReduceMax", "amin": "ReduceMin", "prod": "ReduceProd", "logsumexp": "ReduceLogSumExp"},
}


@form(*REDUCTIONS)
def _(g: Graph, step: Step) -> str:
    x = step.operands[0]
    axes = axes_of(g, x, option(step, 1, "axis"))
    keep = step.operands[2:3] == (True,) or bool(step.options.get("keepdims", False))
    return reduced(g, REDUCTIONS[step.name], one(g, step), axes, keep)


@form("all", "any")
def _(g: Graph, step: Step) -> str:
    x = step.operands[0]
    axes = axes_of(g, x, option(step, 1, "axis"))
    kind = "ReduceMin" if step.name == "all" else "ReduceMax"
    counted = reduced(g, kind, g.value(x, np.int32), axes, bool(step.options.get("keepdims", False)))
    return str(g.op("Cast", counted, to=9))


@form("argmax", "argmin")
def _(g: Graph, step: Step) -> str:
    x, axis = step.operands[0], option(step, 1, "axis")
    name = g.value(x)
    if axis is None:
        name, axis = g.op("Reshape", name, g.ints([-1])), 0
    kind = "ArgMax" if step.name == "argmax" else "ArgMin"
    return str(g.op(kind, name, axis=int(axis), keepdims=int(bool(step.options.get("keepdims", False)))))


@form("vector_norm", "norm")
def _(g: Graph, step: Step) -> str:
    x = step.operands[0]
    order = step.options.get("ord", 2.0)
    axes = axes_of(g, x, step.options.get("axis"))
    keep = bool(step.options.get("keepdims", False))
    if order in (None, 2, 2.0):
        return reduced(g, "ReduceL2", one(g, step), axes, keep)
    if order in (1, 1.0):
        return reduced(g, "ReduceL1", one(g, step), axes, keep)
    powers = g.op("Pow", g.op("Abs", one(g, step)), number(g, step, order))
    return str(g.op("Pow", reduced(g, "ReduceSum", powers, axes, keep), number(g, step, 1 / order)))


@form("cumsum")
def _(g: Graph, step: Step) -> str:
    axis = axis_of(g, step.operands[0], option(step, 1, "axis"))
    return str(g.op("CumSum", one(g, step), g.constant(np.array(axis))))


@form("softmax", "softmax_of_rows", "log_softmax", "log_softmax_of_rows")
def _(g: Graph, step: Step) -> str:
    kind = "LogSoftmax" if step.name.startswith("log") else "Softmax"
    return str(g.op(kind, one(g, step), axis=axis_of(g, step.operands[0], option(step, 1, "axis", -1))))
