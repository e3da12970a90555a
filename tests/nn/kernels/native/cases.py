"""Calls of kernels over shapes, options and dtypes, for the native kernels and their NumPy twins.

Run as a program, this file makes every call once, for a library that was compiled with sanitizers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import nn.kernels.activations
import nn.kernels.conv
import nn.kernels.embedding
import nn.kernels.losses
import nn.kernels.normalization
import nn.kernels.optim
import nn.kernels.pool
import nn.kernels.recurrent
import nn.kernels.rows
from nn.kernels import native
from nn.kernels.windows import Windows
from tests.nn.kernels.native import programs

Call = tuple[str, tuple[Any, ...], dict[str, Any]]
"""The name of a kernel, its arguments, and its options."""

DTYPES = (np.float32, np.float64)
SEEDS = range(60)


def calls(seed: int) -> Iterator[Call]:
    """All calls of one seed."""
    rng = np.random.default_rng(seed)
    for dtype in DTYPES:
        for family in (
            convolutions,
            convolutions_of_3x3,
            standardizations,
            steps,
            poolings,
            along_rows,
            table_rows,
            normalized_rows,
            recurrences,
            activations,
        ):
            yield from family(rng, dtype)


def convolutions(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """The three maps for random shapes, with 1 to 3 axes."""
    axes, groups = int(rng.integers(1, 4)), int(rng.choice([1, 1, 2, 3]))
    channels, outputs = (
        groups * int(rng.integers(1, 6)),
        groups * int(rng.choice([1, 2, 4, 5, 9, 17, 40, 70])),
    )
    some = lambda low, high: tuple(int(n) for n in rng.integers(low, high, axes))
    kernel, stride, dilation = some(1, 4), some(1, 4), some(1, 4)
    padding = tuple(zip(some(0, 4), some(0, 4), strict=True))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    most = (60, 14, 5)[axes - 1]
    size = tuple(
        int(rng.integers(max(1, r - a - b), max(1, r - a - b) + most))
        for r, (a, b) in zip(reach, padding, strict=True)
    )
    windows = Windows(size, kernel, stride, padding, dilation)
    number = int(rng.integers(1, 12))
    normal = lambda *shape: rng.normal(size=shape).astype(dtype)
    x, w, g = normal(number, channels, *size), normal(outputs, channels // groups, *kernel), None
    g = normal(number, outputs, *windows.out)
    bias = bool(rng.integers(2))
    yield "convolved", (x, w, normal(outputs) if bias else None, windows, groups), {}
    yield "input_gradient", (g, w, normal(channels) if bias else None, windows, groups), {}
    yield "weight_gradient", (g, x, w.shape, windows, groups), {}


def convolutions_of_3x3(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """The three maps of kernels of 3x3, stride 1 and uneven padding, with rare NaN, inf and huge entries."""
    number, channels, outputs = (int(n) for n in rng.integers((1, 8, 8), (5, 20, 20)))
    padding = tuple((int(a), int(b)) for a, b in rng.integers(0, 3, (2, 2)))
    size = tuple(int(n) for n in rng.integers(3, 20, 2))
    windows = Windows(size, (3, 3), padding=padding)
    normal = lambda *shape: rng.normal(size=shape).astype(dtype)
    x, w, g = (
        normal(number, channels, *size),
        normal(outputs, channels, 3, 3),
        normal(number, outputs, *windows.out),
    )
    if not rng.integers(3):
        spoilt = (x, w, g)[int(rng.integers(3))]
        spoilt.flat[rng.integers(spoilt.size)] = rng.choice([np.nan, np.inf, -np.inf, 3e38])
    bias = normal(outputs) if rng.integers(2) else None
    yield "convolved", (x, w, bias, windows, 1), {}
    yield "input_gradient", (g, w, normal(channels) if rng.integers(2) else None, windows, 1), {}
    yield "weight_gradient", (g, x, w.shape, windows, 1), {}


def standardizations(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """Batch norm of images and rows, layer norm, group norm."""
    shape = tuple(int(n) for n in rng.integers(1, 40, 3))
    axes: tuple[int, ...] = [(0, 2), (-1,), (0,), (1, 2), (0, 1, 2)][int(rng.integers(5))]
    x = (rng.normal(size=shape) + 3).astype(dtype)
    yield "standardize", (x,), {"axes": axes, "eps": 1e-5}
    _, residuals = nn.kernels.normalization.standardize(x, axes=axes, eps=1e-5)
    yield "standardize_backward", (rng.normal(size=shape).astype(dtype), residuals, (True,)), {}
    yield "moments", (x,), {"axes": axes}
    shape = (shape[0] % 5 + 1, shape[1], int(rng.integers(8, 40)))  # of two only rounding would be left
    x, g = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    w, b = (rng.normal(size=shape[1]).astype(dtype) for _ in range(2))
    options = {"g": g, "needs": (True, True, True), "eps": 1e-5}
    yield "normalize_channels, both passes", (x + np.asarray(3, dtype), w, b), options


def normalized_rows(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """Layer norm with weights, with and without a bias, in both passes."""
    rows, n = (int(k) for k in rng.integers((1, 8), (20, 150)))  # of two entries only rounding would be left
    x, g = (rng.normal(size=(rows, n)).astype(dtype) for _ in range(2))
    w, b = (rng.normal(size=n).astype(dtype) for _ in range(2))
    args = x + np.asarray(3, dtype), w, b if rng.integers(2) else None
    needs = True, True, args[2] is not None
    yield "normalize_rows, both passes", args, {"g": g, "needs": needs, "eps": 1e-5}


def steps(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """The steps of optimizers. States are positive, as means of squares are; x stays far from 0."""
    shape = tuple(int(n) for n in rng.integers(1, 30, rng.integers(0, 4)))
    point = lambda: np.asarray(rng.uniform(5, 9, size=shape)).astype(dtype)
    array = lambda: np.asarray(rng.uniform(0.5, 2, size=shape)).astype(dtype)
    adam = {"betas": (0.9, 0.99), "eps": 1e-8, "rate": 0.1}
    momentum = {"momentum": 0.9, "part": 0.7, "rate": 0.1, "nesterov": bool(rng.integers(2))}
    yield "descend", (point(), array()), {"rate": 0.1}
    yield "descend_with_momentum", (point(), array(), array()), momentum
    yield "adam", (point(), array(), array(), array()), adam
    yield "adam", (point(), array(), array(), array(), array()), adam
    yield (
        "nadam",
        (point(), array(), array(), array()),
        {"betas": (0.9, 0.99), "eps": 1e-8, "rates": (0.1, 0.2)},
    )
    yield "adamax", (point(), -array(), array(), array()), adam
    yield "adagrad", (point(), array(), array()), {"eps": 1e-8, "rate": 0.1}
    yield "adadelta", (point(), array(), array(), array()), {"rho": 0.9, "eps": 1e-8, "rate": 0.1}
    yield "sum_of_squares", (array(),), {}
    rms = {"alpha": 0.9, "eps": 1e-8, "rate": 0.1}
    yield "rmsprop", (point(), array(), array()), rms
    yield "rmsprop", (point(), array(), array() + 9, array()), rms
    yield "rmsprop", (point(), array(), array(), None, array()), {"momentum": 0.8, **rms}
    yield "rmsprop", (point(), array(), array() + 9, array(), array()), {"momentum": 0.8, **rms}


def poolings(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """Maxima and means of windows with 1 to 3 axes, long rows, uneven padding, ties, NaN and inf."""
    axes = int(rng.integers(1, 4))
    some = lambda low, high: tuple(int(n) for n in rng.integers(low, high, axes))
    kernel, stride, dilation = some(1, 4), some(1, 4), some(1, 3)
    padding = tuple((k // 2, int(rng.integers(0, d * k))) for k, d in zip(kernel, dilation, strict=True))
    size = tuple(d * (k - 1) + int(rng.integers(1, 12)) for k, d in zip(kernel, dilation, strict=True))
    size = *size[:-1], size[-1] + int(rng.choice([0, 0, 40]))
    x = rng.integers(-9, 10, size=(2, 3, *size)).astype(dtype)
    if rng.integers(2):
        x[rng.random(x.shape) < 0.1] = rng.choice([np.nan, -np.inf])
    options = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    y, residuals = nn.kernels.pool.max_pooling(x, **options)
    yield "max_pooling", (x,), options
    yield "avg_pooling", (x,), {"divisor": int(rng.integers(1, 9)), **options}
    yield "avg_pooling", (x / 3,), {"divisor": rng.integers(1, 9, y.shape[2:]).astype(np.float32), **options}
    yield "max_pooling_backward", (rng.normal(size=y.shape).astype(dtype), residuals, (True,)), {}


def along_rows(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """Softmax, log-softmax and cross-entropy of short and long rows, with ties, huge scores, NaN and inf."""
    shape = tuple(
        int(n) for n in (*rng.integers(1, 6, rng.integers(0, 3)), rng.choice([1, 2, 7, 16, 33, 300]))
    )
    x = (rng.normal(size=shape) * rng.choice([0.1, 3, 200])).astype(dtype)
    if rng.integers(2):
        x = np.rint(x)
    if rng.integers(2):
        x[rng.random(shape) < 0.2] = rng.choice([np.nan, np.inf, -np.inf, -np.inf])
    g = rng.normal(size=shape).astype(dtype)
    yield "softmax", (x,), {}
    yield "softmax", (x,), {"out": x.copy(), "empty": 0.0, "alone": True}
    if len(shape) > 1:
        yield "softmax", (x,), {"first": int(rng.integers(0, 9)), "empty": 0.0}
    yield "log_softmax", (x,), {}
    p = nn.kernels.rows.softmax(np.where(np.isfinite(x), x, 0))
    yield "softmax_backward", (g, p), {}
    yield "log_softmax_backward", (g, p), {}
    rows = x.reshape(-1, shape[-1])
    targets, g = rng.integers(0, shape[-1], len(rows)), rng.normal(size=len(rows)).astype(dtype)
    yield "target_losses, both passes", (rows, targets), {"g": g, "needs": (True, False)}


def table_rows(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """Cotangents of rows that were read once, often or never, with NaN and inf among them."""
    V, D, N = (int(n) for n in rng.integers(1, (9, 40, 300)))
    numbers = rng.integers(0, V, (N, *rng.integers(1, 3, rng.integers(2))))
    g = rng.normal(size=(*numbers.shape, D)).astype(dtype)
    if rng.integers(2):
        g[rng.random(g.shape) < 0.05] = rng.choice([np.nan, np.inf])
    yield "table_rows_backward", (g, (numbers, V), (True, False)), {}


def activations(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """Activation functions of short and long arrays, near 0 and far out, with NaN and inf."""
    shape = tuple(int(n) for n in rng.integers(0, 40, rng.integers(0, 4)))
    x = np.asarray(rng.normal(size=shape) * rng.choice([1e-3, 1, 10, 300])).astype(dtype)
    if rng.integers(2):
        x[np.asarray(rng.random(shape) < 0.1)] = rng.choice([np.nan, np.inf, -np.inf, 0, 1e30])
    g = np.asarray(rng.normal(size=shape)).astype(dtype)
    for name in nn.kernels.activations.FORMULAS:
        yield "activate", (x,), {"name": name}
        yield "activate_backward", (g, x), {"name": name}


STATES_AND_GATES = {"lstm": (2, 4), "gru": (1, 3), "rnn": (1, 1)}


def recurrences(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """Sequences in both directions, of one length or of several, with and without biases."""
    T, B, I, H = (int(rng.integers(1, most)) for most in (9, 7, 6, 40))  # noqa: E741
    normal = lambda *shape: rng.normal(size=shape).astype(dtype)
    for op, (states, gates) in STATES_AND_GATES.items():
        options = {"reverse": bool(rng.integers(2))}
        options["lengths"] = rng.integers(0, T + 1, B) if rng.integers(2) else None
        if op == "rnn":
            options["nonlinearity"] = ("tanh", "relu")[int(rng.integers(2))]
        biases = [normal(gates * H) if bias else None for bias in [rng.integers(2)] * 2]
        weights = [normal(gates * H, I) / 2, normal(gates * H, H) / np.asarray(H**0.5, dtype)]
        args = (normal(T, B, I), *(normal(B, H) for _ in range(states)), *weights, *biases)
        if not rng.integers(4):
            args[0].flat[rng.integers(args[0].size)] = rng.choice([np.nan, np.inf, -np.inf])
        g = [normal(T, B, H), *(normal(B, H) for _ in range(states))]
        needs = tuple(bool(n) for n in rng.integers(2, size=len(args)))
        yield f"{op}, both passes", args, {"g": g, "needs": needs, **options}


def both_passes(forward: Callable[..., Any], backward: Callable[..., Any]) -> Callable[..., Any]:
    """The value of a kernel and the cotangents: twins have residuals of their own."""

    def passes(*args: Any, g: Any, needs: tuple[bool, ...], **options: Any) -> Any:
        result = forward(*args, **options)
        if result is NotImplemented:
            return result
        value, residuals = result
        sent = backward(g, residuals, needs)
        return value, [a for a, need in zip(sent, needs, strict=True) if need]

    return passes


def _passes(op: str) -> tuple[Callable[..., Any], ...]:
    pairs = zip(native.TABLE[op], native.TABLE[f"{op}_backward"], strict=True)
    return tuple(both_passes(*pair) for pair in pairs)


BOTH = "target_losses", "normalize_rows", "normalize_channels"

KERNELS = {
    **native.TABLE,
    **{f"{op}, both passes": _passes(op) for op in (*BOTH, *STATES_AND_GATES)},
}
"""What the calls name: the native function and its NumPy twin."""


def arrays(value: Any) -> list[np.ndarray]:
    """All arrays of a result, in order; NumPy gives a number where an array of shape () is meant."""
    if isinstance(value, (np.ndarray, np.generic, float)):
        return [np.asarray(value)]
    return [a for item in value for a in arrays(item)] if isinstance(value, (tuple, list)) else []


SMALL: dict[str, int] = {
    **{"rows.FEW": 0, "embedding.FEW": 0, "pool.FEW": 0, "recurrent.SINGLE": 0, "recurrent.SHORT": 0},
    **{
        "winograd.CHANNELS": 4,
        "winograd.PAIRS": 0,
        "winograd.TILES": 0,
        "winograd.FULL": 0,
        "winograd.FULLER": 0,
    },
}
"""Settings with which native kernels serve small arrays too, which they otherwise leave to NumPy."""

if __name__ == "__main__":
    for place, value in SMALL.items():
        module, name = place.split(".")
        setattr(getattr(native, module), name, value)
    served = 0
    for seed in SEEDS:
        for name, args, options in calls(seed):
            served += KERNELS[name][0](*args, **options) is not NotImplemented
    for seed in SEEDS:
        for group, inputs in programs.programs(seed):
            served += len(programs.check(group, inputs))
    print(f"{served} calls")
