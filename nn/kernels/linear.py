"""The affine map y = x W^T + b, and matrix products on the right threads.

After a product, the threads of BLAS spin for some twenty milliseconds and occupy their cores. So the next
product starts at once, but other threads, such as those of the convolutions, have to wait. Therefore products
run on BLAS's threads only until the kernels start threads of their own. From then on the kernels' threads
share the products. This saves a quarter of the time in a dense network's step. In a convolutional network's
step, this avoids a third more time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from autograd_lite.sums import contracted, is_narrow, total

from .threads import blas_on_one_thread, in_parallel, started, thread_count
from .windows import Array

__all__ = ["exact_product", "linear", "linear_backward", "linear_each", "linear_work", "product"]

SMALL = 1 << 21
"""Up to this number of multiply-adds, a second thread does not pay."""

NARROW, WIDE = 64, 1 << 16
"""With at most `NARROW` samples and at least `WIDE` weights, BLAS is faster at w x^T than at x w^T.
This saves a fifth to a half of the time. Adding the bias transposes the result back."""


def linear(x: Array, w: Array, b: Array | None) -> tuple[Array, Any]:
    """x W^T + b, and the residuals for the backward pass."""
    rows = x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    if 1 < len(rows) <= NARROW and w.size >= WIDE:
        y = product(w, rows.T).T
        y = np.ascontiguousarray(y) if b is None else np.add(y, b, order="C")
    else:
        y = product(rows, w.T)
        if b is not None:
            y = np.add(y, b, out=y if np.result_type(y, b) == y.dtype else None)
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], len(w)), (rows, w, x.shape)


def linear_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """Cotangents of x, w and b."""
    x, w, shape = residuals
    g = g.reshape(len(x), len(w))
    return (
        product(g, w.conj()).reshape(shape) if needs[0] else None,
        exact_product(g.T, x.conj()) if needs[1] else None,
        total(g, 0) if needs[2] else None,
    )


def linear_each(
    g: Array, x: Array, w: Array, b: Array | None, *, needs: tuple[bool, ...]
) -> tuple[Array | None, ...]:
    """Cotangents of w and b for each member of a batch: g (batch, ..., out), x (batch, ..., in)."""
    g, x = (a.reshape(len(a), math.prod(a.shape[1:-1]), a.shape[-1]) for a in (g, x))
    outer = np.multiply if g.shape[1] == 1 else contracted  # BLAS takes twice as long for a single sample
    return (
        None,
        outer(g.mT, x.conj()) if needs[1] else None,
        total(g, 1) if needs[2] else None,
    )


def linear_work(y: Array, x: Any, w: Array, b: Array | None = None) -> int:
    """Multiply-adds: each entry of y sums over a row of weights."""
    return int(y.size * w.shape[1])


def product(a: Array, b: Array) -> Array:
    """a @ b for matrices, on the threads of BLAS, or in blocks on the threads of the kernels."""
    if not started():
        result: Array = np.matmul(a, b)
        return result
    result = np.empty((len(a), b.shape[1]), np.result_type(a, b))
    if len(a) * b.size <= SMALL:
        with blas_on_one_thread():
            np.matmul(a, b, out=result)
        return result
    tall = result.shape[0] >= result.shape[1]

    def work(parts: Sequence[slice]) -> None:
        for part in parts:
            if tall:
                np.matmul(a[part], b, out=result[part])
            else:
                np.matmul(a, b[:, part], out=result[:, part])

    length, count = max(result.shape), thread_count()
    in_parallel(work, [slice(length * i // count, length * (i + 1) // count) for i in range(count)])
    return result


def exact_product(a: Array, b: Array) -> Array:
    """`product`, as exact as a pairwise sum, even if each entry is a sum of very many products."""
    if not is_narrow(a, b):
        return product(a, b)
    with blas_on_one_thread() if started() else nullcontext():
        result: Array = contracted(a, b)
    return result
