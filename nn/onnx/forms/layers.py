"""The ONNX forms of products, and of the kernels of layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.errors import UnsupportedError

from ..graph import Graph
from ..steps import Step
from .table import form, number, one, option, shape_of, together


@form("matmul", "dot")
def _(g: Graph, step: Step) -> str:
    return str(g.op("MatMul", *together(g, step.operands, step.kinds[0][1])))


@form("einsum")
def _(g: Graph, step: Step) -> str:
    equation, *operands = step.operands
    return str(g.op("Einsum", *together(g, operands, step.kinds[0][1]), equation=_lettered(equation)))


def _lettered(equation: str) -> str:
    """The equation in small letters, which ONNX asks for."""
    taken = {c for c in equation if c.islower()}
    free = iter(sorted(set("abcdefghijklmnopqrstuvwxyz") - taken))
    small = {c: next(free) for c in sorted({c for c in equation if c.isupper()})}
    return "".join(small.get(c, c) for c in equation)


@form("tensordot")
def _(g: Graph, step: Step) -> str:
    a, b = step.operands[:2]
    first, second = option(step, 2, "axes")
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    left, right = [next(letters) for _ in shape_of(g, a)], [next(letters) for _ in shape_of(g, b)]
    for i, j in zip(first, second, strict=True):
        right[j] = left[i]
    kept = [c for i, c in enumerate(left) if i not in {k % len(left) for k in first}]
    kept += [c for j, c in enumerate(right) if j not in {k % len(right) for k in second}]
    equation = f"{''.join(left)},{''.join(right)}->{''.join(kept)}"
    return str(g.op("Einsum", *together(g, (a, b), step.kinds[0][1]), equation=equation))


@form("linear", "affine")
def _(g: Graph, step: Step) -> str:
    x, weight, *bias = step.operands
    if len(shape_of(g, x)) == 2:
        return str(g.op("Gemm", *(g.value(v) for v in (x, weight, *bias) if v is not None), transB=1))
    y = g.op("MatMul", g.value(x), g.op("Transpose", g.value(weight), perm=[1, 0]))
    return str(g.op("Add", y, g.value(bias[0])) if bias and bias[0] is not None else y)


# -- layers ----------------------------------------------------------------------------------------


def pads(padding: Sequence[Sequence[int]]) -> list[int]:
    """All starts, then all ends."""
    return [int(pair[0]) for pair in padding] + [int(pair[1]) for pair in padding]


@form("convolution")
def _(g: Graph, step: Step) -> str:
    o = step.options
    names = [g.value(v) for v in step.operands if v is not None]
    return str(
        g.op(
            "Conv",
            *names,
            strides=o["stride"],
            pads=pads(o["padding"]),
            dilations=o["dilation"],
            group=o["groups"],
        )
    )


@form("transposed_convolution")
def _(g: Graph, step: Step) -> str:
    o = step.options
    x, weight = step.operands[:2]
    names = [g.value(v) for v in step.operands if v is not None]
    sizes = zip(
        o["size"],
        shape_of(g, x)[2:],
        shape_of(g, weight)[2:],
        o["stride"],
        o["padding"],
        o["dilation"],
        strict=True,
    )
    extra = [n - ((i - 1) * s - p[0] - p[1] + d * (k - 1) + 1) for n, i, k, s, p, d in sizes]
    return str(
        g.op(
            "ConvTranspose",
            *names,
            strides=o["stride"],
            pads=pads(o["padding"]),
            dilations=o["dilation"],
            group=o["groups"],
            output_padding=extra,
        )
    )


@form("max_pooling")
def _(g: Graph, step: Step) -> Any:
    o = step.options
    return g.op(
        "MaxPool",
        one(g, step),
        kernel_shape=o["kernel"],
        strides=o["stride"],
        pads=pads(o["padding"]),
        dilations=o["dilation"],
    )


@form("avg_pooling")
def _(g: Graph, step: Step) -> str:
    """The mean over each window; a divisor that is no count of the window is a factor behind."""
    o = step.options
    count = math.prod(o["kernel"])
    y = g.op(
        "AveragePool",
        one(g, step),
        kernel_shape=o["kernel"],
        strides=o["stride"],
        pads=pads(o["padding"]),
        count_include_pad=1,
        **({"dilations": o["dilation"]} if g.opset >= 19 else {}),
    )
    if g.opset < 19 and any(d != 1 for d in o["dilation"]):
        raise UnsupportedError("onnx.export: average pooling with a dilation needs opset_version=19 or later")
    divisor = o["divisor"]
    if isinstance(divisor, (int, float)) and divisor == count:
        return str(y)
    return str(g.op("Div", g.op("Mul", y, number(g, step, count)), g.value(divisor, step.kinds[0][1])))


@form("normalized")
def _(g: Graph, step: Step) -> str:
    x, weight, bias = step.operands
    names = [g.value(v) for v in (x, weight, bias) if v is not None]
    axis = len(shape_of(g, x)) - len(shape_of(g, weight))
    return str(g.op("LayerNormalization", *names, axis=axis, epsilon=step.options["eps"]))


GATES = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}
"""The order of the gates in ONNX, by their numbers here."""


@form("lstm", "gru", "rnn")
def _(g: Graph, step: Step) -> list[str]:
    count = 2 if step.name == "lstm" else 1
    x, *rest = step.operands
    states, (w_ih, w_hh, *biases) = rest[:count], rest[count:]
    if step.options.get("lengths") is not None:
        raise UnsupportedError("onnx.export: sequences of different lengths have no ONNX form here")
    hidden = int(shape_of(g, w_hh)[1])
    dtype = step.kinds[0][1]

    def laid(v: Any) -> str:
        """Weights with their gates in ONNX' order."""
        order = GATES[step.name]
        name = g.value(v)
        if len(order) > 1:
            parts = g.op("Split", name, g.ints([hidden] * len(order)), outputs=len(order), axis=0)
            name = g.op("Concat", *(parts[i] for i in order), axis=0)
        return str(name)

    zeros = np.zeros(len(GATES[step.name]) * hidden, dtype)
    pair = [laid(b) if b is not None else g.constant(zeros) for b in (biases or [None, None])]
    bias = g.op("Unsqueeze", g.op("Concat", *pair, axis=0), g.ints([0]))
    first = [g.op("Unsqueeze", g.value(h, dtype), g.ints([0])) for h in states]
    weights = [g.op("Unsqueeze", laid(w), g.ints([0])) for w in (w_ih, w_hh)]
    options: dict[str, Any] = {"linear_before_reset": 1} if step.name == "gru" else {}
    if step.name == "rnn":
        options = {
            "activations": [{"tanh": "Tanh", "relu": "Relu"}[step.options.get("nonlinearity", "tanh")]]
        }
    made = g.op(
        step.name.upper(),
        g.value(x),
        *weights,
        bias,
        "",
        *first,
        outputs=1 + count,
        hidden_size=hidden,
        direction="reverse" if step.options.get("reverse") else "forward",
        **options,
    )
    return [g.op("Squeeze", made[0], g.ints([1])), *(g.op("Squeeze", h, g.ints([0])) for h in made[1:])]
