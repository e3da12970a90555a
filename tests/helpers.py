"""What many tests begin with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite.testing import check_grads

__all__ = ["check_both_orders", "leaf", "second_order"]

second_order = pytest.mark.parametrize(
    "along", [1, pytest.param(None, marks=pytest.mark.slow)], ids=["direction", "entries"]
)
"""Runs a test twice: with second derivatives along one random direction, and, slow, entry by entry."""


def leaf(value: Any, name: str | None = None, dtype: Any = None) -> Any:
    """A Tensor that gradients are asked of."""
    return ag.Tensor(value, requires_grad=True, dtype=dtype, name=name)


def check_both_orders(f: Callable[..., Any], args: Any, along: int | None) -> None:
    """Check first derivatives entry by entry, and second ones along random directions of each argument.

    A random direction moves all entries at once, so a fault in any entry shows. `along=None` checks second
    derivatives entry by entry too, which names the entry and takes many times as long.
    """
    if along is not None:
        check_grads(f, args, order=1)
    check_grads(f, args, order=2, directions=along)
