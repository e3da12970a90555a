"""What ONNX' operators compute, on Tensors: `OPERATORS[kind](inputs, attributes)`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import helper

import autograd_lite as ag
from autograd_lite.errors import UnsupportedError

from ..functional import conv, normalization, pool, recurrent

__all__ = ["OPERATORS"]

Operator = Callable[[Sequence[Any], dict[str, Any]], Any]

OPERATORS: dict[str, Operator] = {}


def operator(*kinds: str) -> Callable[[Operator], Operator]:
    """Enter a function into the table."""

    def enter(function: Operator) -> Operator:
        OPERATORS.update(dict.fromkeys(kinds, function))
        return function

    return enter


def plain(x: Any) -> Any:
    """The array of an operand that is no part of the gradient: a shape, axes, indices."""
    return x.numpy() if isinstance(x, ag.Tensor) else np.asarray(x)


def ints(x: Any) -> list[int]:
    """A vector of whole numbers."""
    return [int(v) for v in plain(x).ravel()]


def of(function: Callable[..., Any]) -> Operator:
    """A function of the inputs alone."""
    return lambda inputs, options: function(*inputs)


def _sign(x: Any) -> Any:
    return np.sign(plain(x))


ALIKE: dict[str, Callable[..., Any]] = {
    **{"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Pow": np.power},
    **{"Neg": np.negative, "Abs": np.abs, "Sqrt": np.sqrt, "Exp": np.exp, "Log": np.log, "Sin": np.sin},
    **{"Cos": np.cos, "Tan": np.tan, "Asin": np.arcsin, "Acos": np.arccos, "Atan": np.arctan},
    **{"Sinh": np.sinh, "Cosh": np.cosh, "Tanh": np.tanh, "Asinh": np.arcsinh, "Acosh": np.arccosh},
    **{"Atanh": np.arctanh, "Floor": np.floor, "Ceil": np.ceil, "Round": np.rint, "Sign": _sign},
    **{"Reciprocal": np.reciprocal, "Erf": ag.erf, "Sigmoid": ag.sigmoid, "Softplus": ag.softplus},
    **{"Relu": ag.relu, "Identity": lambda x: x, "Not": np.logical_not, "And": np.logical_and},
    **{"Or": np.logical_or, "Greater": np.greater, "Less": np.less, "Equal": np.equal},
    **{"GreaterOrEqual": np.greater_equal, "LessOrEqual": np.less_equal, "IsNaN": np.isnan},
    **{
        "Trilu": lambda x, k: np.triu(plain(x), int(plain(k))),
        "MatMul": np.matmul,
        "Where": lambda c, a, b: np.where(plain(c), a, b),
    },
    **{"Shape": lambda x: np.array(x.shape), "CumSum": lambda x, axis: np.cumsum(x, int(plain(axis)))},
    **{"Expand": lambda x, shape: x + np.zeros(ints(shape), plain(x).dtype)},
    **{"Tile": lambda x, times: np.tile(x, ints(times))},
    **{"Range": lambda a, b, step: np.arange(int(plain(a)), int(plain(b)), int(plain(step)))},
}
OPERATORS |= {kind: of(function) for kind, function in ALIKE.items()}


def _folded(function: Callable[[Any, Any], Any]) -> Operator:
    return lambda inputs, options: functools.reduce(function, inputs)


OPERATORS |= {"Max": _folded(np.maximum), "Min": _folded(np.minimum), "Sum": _folded(np.add)}

REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceSum": np.sum,
    "ReduceMean": np.mean,
    "ReduceMax": np.max,
    "ReduceMin": np.min,
    "ReduceProd": np.prod,
    "ReduceL1": lambda x, axis, keepdims: np.sum(np.abs(x), axis=axis, keepdims=keepdims),
    "ReduceL2": lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)),
    "ReduceLogSumExp": lambda x, axis, keepdims: ag.logsumexp(x, axis=axis, keepdims=keepdims),
}


def _reduction(function: Callable[..., Any]) -> Operator:
    def reduce(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
        axes = ints(inputs[1]) if len(inputs) > 1 and inputs[1] is not None else options.get("axes")
        return function(
            inputs[0], axis=tuple(axes) if axes else None, keepdims=bool(options.get("keepdims", 1))
        )

    return reduce


OPERATORS |= {kind: _reduction(function) for kind, function in REDUCTIONS.items()}


@operator("Cast")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    dtype = helper.tensor_dtype_to_np_dtype(options["to"])
    return inputs[0].astype(dtype) if hasattr(inputs[0], "astype") else np.asarray(inputs[0], dtype)


@operator("Clip")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    low, high = ([*inputs[1:], None, None])[:2]
    return np.clip(inputs[0], None if low is None else plain(low), None if high is None else plain(high))


@operator("Softmax")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return ag.softmax(inputs[0], axis=options.get("axis", -1))


@operator("LogSoftmax")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return ag.log_softmax(inputs[0], axis=options.get("axis", -1))


@operator("ArgMax")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    axis, keep = options.get("axis", 0), bool(options.get("keepdims", 1))
    return np.argmax(plain(inputs[0]), axis=axis, keepdims=keep)


# -- shapes and indices ----------------------------------------------------------------------------


@operator("Reshape")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    x, shape = inputs[0], ints(inputs[1])
    if not options.get("allowzero"):
        shape = [x.shape[i] if n == 0 else n for i, n in enumerate(shape)]
    return np.reshape(x, shape)


@operator("Flatten")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    axis = options.get("axis", 1)
    return np.reshape(inputs[0], (int(np.prod(inputs[0].shape[:axis])), -1))


@operator("Transpose")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return np.transpose(inputs[0], options.get("perm"))


@operator("Unsqueeze")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return np.expand_dims(inputs[0], tuple(ints(inputs[1])))


@operator("Squeeze")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return np.squeeze(inputs[0], tuple(ints(inputs[1])) if len(inputs) > 1 else None)


@operator("Concat")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return np.concatenate(list(inputs), axis=options["axis"])


@operator("Split")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return tuple(np.split(inputs[0], np.cumsum(ints(inputs[1]))[:-1], axis=options.get("axis", 0)))


@operator("Slice")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    x, starts, ends, *more = inputs
    axes = ints(more[0]) if more else list(range(len(ints(starts))))
    steps = ints(more[1]) if len(more) > 1 else [1] * len(axes)
    key = [slice(None)] * len(x.shape)
    for axis, start, end, step in zip(axes, ints(starts), ints(ends), steps, strict=True):
        back = step < 0
        first = None if (back and start > 2**60) or (not back and start == 0) else start
        key[axis] = slice(first, None if abs(end) > 2**60 else end, step)
    return x[tuple(key)]


@operator("Gather")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return np.take(inputs[0], plain(inputs[1]), axis=options.get("axis", 0))


@operator("GatherElements")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return np.take_along_axis(inputs[0], plain(inputs[1]), axis=options.get("axis", 0))


@operator("GatherND")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return inputs[0][tuple(np.moveaxis(plain(inputs[1]), -1, 0))]


@operator("ConstantOfShape")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    value = options.get("value", np.zeros(1, np.float32))
    return np.full(ints(inputs[0]), value[0], value.dtype)


@operator("Constant")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return next(np.asarray(value) for value in options.values())


@operator("Pad")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    x, pads, *value = inputs
    width = np.reshape(ints(pads), (2, -1)).T
    mode = options.get("mode", "constant")
    fill = {"constant_values": plain(value[0]).item()} if mode == "constant" and value else {}
    return np.pad(x, width, mode, **fill)


# -- products and layers ---------------------------------------------------------------------------


@operator("Gemm")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    a, b, *c = inputs
    a = np.transpose(a) if options.get("transA") else a
    b = np.transpose(b) if options.get("transB") else b
    y = (a @ b) * options["alpha"] if options.get("alpha", 1.0) != 1.0 else a @ b
    return y if not c else y + (c[0] * options["beta"] if options.get("beta", 1.0) != 1.0 else c[0])


@operator("Einsum")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    return np.einsum(options["equation"], *inputs)


def _windows(x: Any, options: dict[str, Any], axes: int) -> dict[str, Any]:
    """Stride, padding and dilation, as the kernels take them."""
    flat = options.get("pads", [0] * 2 * axes)
    return {
        "stride": tuple(options.get("strides", [1] * axes)),
        "padding": tuple(zip(flat[:axes], flat[axes:], strict=True)),
        "dilation": tuple(options.get("dilations", [1] * axes)),
    }


@operator("Conv")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    x, w, b = [*inputs, None][:3]
    axes = len(x.shape) - 2
    return conv.convolution(x, w, b, **_windows(x, options, axes), groups=options.get("group", 1))


@operator("ConvTranspose")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    x, w, b = [*inputs, None][:3]
    axes = len(x.shape) - 2
    o = _windows(x, options, axes)
    extra = options.get("output_padding", [0] * axes)
    size = tuple(
        (n - 1) * s - p[0] - p[1] + d * (k - 1) + 1 + e
        for n, k, s, p, d, e in zip(x.shape[2:], w.shape[2:], *o.values(), extra, strict=True)
    )
    return conv.transposed_convolution(x, w, b, size=size, **o, groups=options.get("group", 1))


@operator("MaxPool")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    x = inputs[0]
    kernel = tuple(options["kernel_shape"])
    return pool.max_pooling(x, kernel=kernel, **_windows(x, options, len(kernel)))


@operator("AveragePool")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    x, kernel = inputs[0], tuple(options["kernel_shape"])
    o = _windows(x, options, len(kernel))
    if not options.get("count_include_pad", 0) and any(map(any, o["padding"])):
        raise UnsupportedError("onnx.load: AveragePool with pads that do not count is not read")
    return pool.avg_pooling(x, divisor=int(np.prod(kernel)), kernel=kernel, **o)


@operator("LayerNormalization")
def _(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    x, weight, bias = [*inputs, None][:3]
    shape = x.shape[options.get("axis", -1) % len(x.shape) :]
    return normalization.layer_norm(x, shape, weight, bias, options.get("epsilon", 1e-5))


ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""The order of the gates here, by their numbers in ONNX."""


def _recurrent(kind: str) -> Operator:
    def run(inputs: Sequence[Any], options: dict[str, Any]) -> Any:
        given: list[Any] = [*inputs, *[None for _ in range(7 - len(inputs))]]
        x, w, r, bias, lengths, *states = given
        if lengths is not None or options.get("direction") == "bidirectional":
            raise UnsupportedError(f"onnx.load: {kind} of two directions or of different lengths is not read")
        hidden, count = int(options["hidden_size"]), 2 if kind == "LSTM" else 1
        if kind == "GRU" and not options.get("linear_before_reset"):
            raise UnsupportedError("onnx.load: a GRU with linear_before_reset=0 is not read")
        zeros = np.zeros((x.shape[1], hidden), plain(x).dtype)
        first = [zeros if h is None else h[0] for h in states[:count]]
        gates = len(ORDERS[kind]) * hidden
        biases = [None, None] if bias is None else [bias[0, :gates], bias[0, gates:]]

        def laid(v: Any) -> Any:
            parts = np.split(v, len(ORDERS[kind]))
            return np.concatenate([parts[i] for i in ORDERS[kind]])

        more = {}
        if kind == "RNN":
            more = {"nonlinearity": options.get("activations", ["Tanh"])[0].lower()}
        weights = [laid(w[0]), laid(r[0]), *(b if b is None else laid(b) for b in biases)]
        back = options.get("direction") == "reverse"
        function = getattr(recurrent, kind.lower())
        y, *ends = function(x, *first, *weights, reverse=back, lengths=None, **more)
        return (np.expand_dims(y, 1), *(np.expand_dims(h, 0) for h in ends))

    return run


OPERATORS |= {kind: _recurrent(kind) for kind in ORDERS}
