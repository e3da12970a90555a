"""The native steps of optimizers; names and arguments as in `nn/kernels/optim.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..threads import in_parallel, thread_count
from ..windows import Array
from . import call, native_type

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "descend",
    "descend_with_momentum",
    "nadam",
    "rmsprop",
    "sum_of_squares",
]

SMALL = 1 << 19
"""Up to this number of entries, a second thread does not pay: once the threads of the kernels have been
started, the products of dense layers no longer run on those of BLAS (`linear.py`)."""


def descend(x: Array, g: Array, *, rate: float) -> Any:
    """x - rate g."""
    return _pass("descend", (x, g), (), rate)


def descend_with_momentum(
    x: Array, g: Array, v: Array, *, momentum: float, part: float, rate: float, nesterov: bool
) -> Any:
    """v <- momentum v + part g in place, and x - rate v."""
    return _pass("descend_with_momentum", (x, g), (v,), momentum, part, rate, flags=(int(nesterov),))


def adam(
    x: Array,
    g: Array,
    m: Array,
    v: Array,
    largest: Array | None = None,
    *,
    betas: tuple[float, float],
    eps: float,
    rate: float,
) -> Any:
    """m and v in place, and x - rate m / (sqrt(v) + eps)."""
    beta1, beta2 = betas
    numbers = 1 - beta1, beta2, 1 - beta2, eps, rate
    if largest is not None:
        return _pass("amsgrad", (x, g), (m, v, largest), *numbers)
    return _pass("adam", (x, g), (m, v), *numbers)


def nadam(
    x: Array,
    g: Array,
    m: Array,
    v: Array,
    *,
    betas: tuple[float, float],
    eps: float,
    rates: tuple[float, float],
) -> Any:
    """m and v in place, and x - (rates[0] g + rates[1] m) / (sqrt(v) + eps)."""
    beta1, beta2 = betas
    return _pass("nadam", (x, g), (m, v), 1 - beta1, beta2, 1 - beta2, eps, *rates)


def adamax(
    x: Array, g: Array, m: Array, u: Array, *, betas: tuple[float, float], eps: float, rate: float
) -> Any:
    """m and u in place, and x - rate m / u."""
    return _pass("adamax", (x, g), (m, u), 1 - betas[0], betas[1], eps, rate)


def adagrad(x: Array, g: Array, s: Array, *, eps: float, rate: float) -> Any:
    """s + g^2 in place, and x - rate g / (sqrt(s) + eps)."""
    return _pass("adagrad", (x, g), (s,), eps, rate)


def adadelta(x: Array, g: Array, s: Array, d: Array, *, rho: float, eps: float, rate: float) -> Any:
    """s and d in place, and x - rate g sqrt(d + eps) / sqrt(s + eps)."""
    return _pass("adadelta", (x, g), (s, d), rho, 1 - rho, eps, rate)


def rmsprop(
    x: Array,
    g: Array,
    s: Array,
    centre: Array | None = None,
    v: Array | None = None,
    *,
    alpha: float,
    eps: float,
    rate: float,
    momentum: float = 0.0,
) -> Any:
    """s, the centre and v in place, and the next x."""
    return _pass("rmsprop", (x, g), (s, centre, v), alpha, 1 - alpha, eps, momentum, rate)


def sum_of_squares(x: Array) -> Any:
    """The sum of all squares, in double precision."""
    dtype = native_type(x)
    if dtype is None or not x.size or not x.flags.c_contiguous:
        return NotImplemented
    total = np.empty(1)
    call("sum_of_squares", dtype, x.size, x, total)
    return float(total[0])


def _pass(
    name: str,
    given: tuple[Array, ...],
    state: tuple[Array | None, ...],
    *numbers: float,
    flags: tuple[int, ...] = (),
) -> Any:
    """One pass over arrays of one shape; `state` changes in place, and has None where there is no array."""
    x, kept = given[0], [a for a in state if a is not None]
    arrays = [*given, *kept]
    dtype = native_type(*arrays)
    if dtype is None or not x.size or any(a.shape != x.shape for a in arrays):
        return NotImplemented
    if not all(a.flags.c_contiguous for a in arrays) or not all(a.flags.writeable for a in kept):
        return NotImplemented
    if any(np.may_share_memory(a, other) for a in kept for other in arrays if a is not other):
        return NotImplemented
    new, in_c = np.empty_like(x), (*map(float, numbers), *flags)
    if x.size <= SMALL or (count := thread_count()) < 2:
        call(name, dtype, x.size, *given, *state, new, *in_c)
        return new
    flat = [None if a is None else a.reshape(-1) for a in (*given, *state, new)]

    def work(parts: Sequence[slice]) -> None:
        for part in parts:
            some = [None if a is None else a[part] for a in flat]
            call(name, dtype, part.stop - part.start, *some, *in_c)

    in_parallel(work, [slice(x.size * i // count, x.size * (i + 1) // count) for i in range(count)])
    return new
