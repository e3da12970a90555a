"""What the machine can do: a product of large matrices, and a copy of memory.

No step can be faster than its products and its traffic at these rates. A millisecond a GFLOP is
1,000 GFLOP/s; a millisecond a GB, read and written, is 1,000 GB/s.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..workload import Step, Workload

N = 1024
A, B = np.random.default_rng(0).normal(size=(2, N, N)).astype(np.float32)
LONG = np.zeros(1 << 25, np.float32)


def gemm(quick: bool) -> Workload:
    """The same at any size."""
    return Workload(
        name="gemm",
        does=f"product of two matrices {N}x{N}, float32",
        contenders={"numpy": lambda: lambda: [A @ B], "pytorch": torch_gemm},
        per=2 * N**3 / 1e9,
        unit="GFLOP",
        rtol=1e-3,
        atol=1e-3,
    )


def copy(quick: bool) -> Workload:
    """The same at any size. PyTorch copies on all threads, NumPy on one."""
    return Workload(
        name="copy",
        does=f"copy of {LONG.nbytes >> 20} MiB to memory that has been used before",
        contenders={"numpy": numpy_copy, "pytorch": torch_copy},
        per=2 * LONG.nbytes / 1e9,
        unit="GB",
    )


def torch_gemm() -> Step:
    import torch

    a, b = torch.tensor(A), torch.tensor(B)
    return lambda: [a @ b]


def numpy_copy() -> Step:
    target = np.empty_like(LONG)

    def step() -> list[Any]:
        np.copyto(target, LONG)
        return [target[:1]]

    return step


def torch_copy() -> Step:
    import torch

    source, target = torch.tensor(LONG), torch.empty(LONG.size)
    return lambda: [target.copy_(source)[:1]]
