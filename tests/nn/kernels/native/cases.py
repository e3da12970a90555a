"""Calls of kernels over shapes, options and dtypes, for the native kernels and their NumPy twins.

Run as a program, this file makes every call once, for a library that was compiled with sanitizers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import nn.kernels.conv
import nn.kernels.normalization
import nn.kernels.optim
import nn.kernels.pool
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
        for family in (convolutions, standardizations, steps, poolings):
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


def standardizations(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """Batch norm of images and rows, layer norm, group norm."""
    shape = tuple(int(n) for n in rng.integers(1, 40, 3))
    axes: tuple[int, ...] = [(0, 2), (-1,), (0,), (1, 2), (0, 1, 2)][int(rng.integers(5))]
    x = (rng.normal(size=shape) + 3).astype(dtype)
    yield "standardize", (x,), {"axes": axes, "eps": 1e-5}
    _, residuals = nn.kernels.normalization.standardize(x, axes=axes, eps=1e-5)
    yield "standardize_backward", (rng.normal(size=shape).astype(dtype), residuals, (True,)), {}


def steps(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """The steps of optimizers; the state arrays are positive, as means of squares are."""
    shape = tuple(int(n) for n in rng.integers(1, 30, rng.integers(0, 4)))
    array = lambda: np.asarray(rng.uniform(0.5, 2, size=shape)).astype(dtype)
    adam = {"betas": (0.9, 0.99), "eps": 1e-8, "rate": 0.1}
    momentum = {"momentum": 0.9, "part": 0.7, "rate": 0.1, "nesterov": bool(rng.integers(2))}
    yield "descend", (array(), array()), {"rate": 0.1}
    yield "descend_with_momentum", (array(), array(), array()), momentum
    yield "adam", (array(), array(), array(), array()), adam
    yield "rmsprop", (array(), array(), array()), {"alpha": 0.9, "eps": 1e-8, "rate": 0.1}


def poolings(rng: np.random.Generator, dtype: Any) -> Iterator[Call]:
    """The way back through maxima of windows with 1 to 3 axes, with ties and NaN."""
    axes = int(rng.integers(1, 4))
    some = lambda low, high: tuple(int(n) for n in rng.integers(low, high, axes))
    kernel, stride, dilation = some(1, 4), some(1, 4), some(1, 3)
    padding = tuple((k // 2, k // 2) for k in kernel)
    size = tuple(d * (k - 1) + int(rng.integers(1, 12)) for k, d in zip(kernel, dilation, strict=True))
    x = rng.integers(-9, 10, size=(2, 3, *size)).astype(dtype)
    if rng.integers(2):
        x[rng.random(x.shape) < 0.1] = rng.choice([np.nan, -np.inf])
    options = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    y, residuals = nn.kernels.pool.max_pooling(x, **options)
    yield "max_pooling_backward", (rng.normal(size=y.shape).astype(dtype), residuals, (True,)), {}


def arrays(value: Any) -> list[np.ndarray]:
    """All arrays of a result, in order; NumPy gives a number where an array of shape () is meant."""
    if isinstance(value, (np.ndarray, np.generic)):
        return [np.asarray(value)]
    return [a for item in value for a in arrays(item)] if isinstance(value, (tuple, list)) else []


if __name__ == "__main__":
    nn.kernels.native.optim.FEW = served = 0
    for seed in SEEDS:
        for name, args, options in calls(seed):
            served += native.TABLE[name][0](*args, **options) is not NotImplemented
    for seed in SEEDS:
        for group, inputs in programs.programs(seed):
            served += len(programs.check(group, inputs))
    print(f"{served} calls")
