"""A chain of scalar ops, 1,000,000 of them and 1,000: forward, backward, and the graph freed again.

An op of the long chain should cost what an op of the short chain costs. Recursion anywhere would end the
run, and so would memory that is kept. The step reads the numbers and drops the graph, so freeing is part of
the time. The peers are PyTorch, and micrograd, which recurses.
"""

from __future__ import annotations

import gc
from typing import Any

from ..libraries import OURS
from ..workload import Step, Workload


def long(quick: bool) -> Workload:
    """A million ops; twenty thousand in the quick run."""
    return workload("depth", 20_000 if quick else 1_000_000, rounds=3)  # each is a matter of seconds


def short(quick: bool) -> Workload:
    """The same at any size."""
    return workload("depth-1000", 1_000, rounds=15)


def workload(name: str, ops: int, rounds: int) -> Workload:
    """A chain of so many ops."""
    return Workload(
        name=name,
        does=f"a chain of {ops:,} scalar ops, forward, backward and freed",
        contenders={
            OURS: lambda: ours(ops),
            "pytorch": lambda: pytorch(ops),
            "micrograd": lambda: micrograd(ops),
        },
        rounds=rounds,
        per=ops,
        unit="op",
        rtol=1e-9,
    )


def chain(h: Any, ops: int) -> Any:
    """The function itself: multiply and add in turn."""
    for _ in range(ops // 2):
        h = h * 0.999999
        h = h + 1e-6
    return h


def ours(ops: int) -> Step:
    import autograd_lite as ag

    x = ag.Tensor(2.0, requires_grad=True)

    def step() -> list[Any]:
        x.grad = None
        chain(x, ops).backward()
        return [x.grad]

    require_freed(step)
    return step


def pytorch(ops: int) -> Step:
    import torch

    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)

    def step() -> list[Any]:
        x.grad = None
        chain(x, ops).backward()
        return [x.grad]

    return step


def micrograd(ops: int) -> Step:
    from micrograd.engine import Value

    x = Value(2.0)

    def step() -> list[Any]:
        x.grad = 0
        chain(x, ops).backward()
        return [x.grad]

    return step


def require_freed(step: Step) -> None:
    """Raise unless reference counting alone frees what a step has recorded."""
    step()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        step()
        left = len(gc.get_objects()) - before
    finally:
        gc.enable()
    if left > 100:
        raise MemoryError(f"a deep graph left {left} objects behind")
