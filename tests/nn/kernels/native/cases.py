"""Calls of kernels over shapes, options and dtypes, for the native kernels and their NumPy twins.

Run as a program, this file makes every call once, for a library that was compiled with sanitizers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import nn.kernels.conv  # noqa: F401  each file of kernels enters its twins in the table
from nn.kernels import native
from nn.kernels.windows import Windows

Call = tuple[str, tuple[Any, ...]]
"""The name of a kernel, and its arguments."""

DTYPES = (np.float32, np.float64)
SEEDS = range(60)


def calls(seed: int) -> Iterator[Call]:
    """All calls of one seed."""
    rng = np.random.default_rng(seed)
    for dtype in DTYPES:
        yield from convolutions(rng, dtype)


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
    yield "convolved", (x, w, normal(outputs) if bias else None, windows, groups)
    yield "input_gradient", (g, w, normal(channels) if bias else None, windows, groups)
    yield "weight_gradient", (g, x, w.shape, windows, groups)


def arrays(value: Any) -> list[np.ndarray]:
    """All arrays of a result, in order."""
    if isinstance(value, np.ndarray):
        return [value]
    return [a for item in value for a in arrays(item)] if isinstance(value, (tuple, list)) else []


if __name__ == "__main__":
    served = 0
    for seed in SEEDS:
        for name, args in calls(seed):
            served += native.TABLE[name][0](*args) is not NotImplemented
    print(f"{served} calls")
