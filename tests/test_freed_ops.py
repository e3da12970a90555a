"""An op made by a program is freed after its last use, with its rule and all that they hold."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.known import known

pytestmark = pytest.mark.usefixtures("few_objects")  # the garbage collector goes through all there are


def a_primitive(big: Any) -> Any:
    @ag.primitive
    def op(x: Any) -> Any:
        return x * big[0]

    ag.defvjp(op, lambda g, y, x: g * big[0] + 0 * op(x))  # a rule may name its op
    return op


def one_that_broadcasts(big: Any) -> Any:
    op = ag.primitive(lambda x: x * big[0], broadcasts=True)
    ag.defvjp(op, joint=lambda g, y, x: (g * big[0],))
    return op


def one_without_a_rule(big: Any) -> Any:
    return ag.primitive(lambda x: x * big[0])


def a_constant(big: Any) -> Any:
    return ag.nondifferentiable(lambda x: x * big[0])


def a_custom_vjp(big: Any) -> Any:
    op = ag.custom_vjp(lambda x: x * big[0])
    op.defvjp(lambda x: (x * big[0], None), lambda residuals, g: (g * big[0],))
    return op


def a_fused_op(big: Any) -> Any:
    @ag.fused(lambda x: (x * big[0], None), lambda g, residuals, needs: (g * big[0],))
    def op(x: Any) -> Any:
        return x * big[0]

    return op


MAKERS = [a_primitive, one_that_broadcasts, one_without_a_rule, a_constant, a_custom_vjp, a_fused_op]


def used(make: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Make an op, use it in every way, and let go of it."""
    big = np.full(100, 2.0)
    op = make(big)
    if make in (one_without_a_rule, a_constant):
        op(ag.Tensor(3.0))
    else:
        assert ag.grad(op)(3.0) == 2.0
        assert ag.grad(ag.grad(op))(3.0) == 0.0
        assert ag.jvp(op, (3.0,), (1.0,))[1] == 2.0
        assert ag.grad(ag.checkpoint(op))(3.0) == 2.0
    return weakref.ref(op), weakref.ref(big)


@pytest.mark.parametrize("make", MAKERS)
def test_an_op_goes_with_its_last_user(make: Callable[[Any], Any]) -> None:
    size = len(known)
    refs = [used(make) for _ in range(20)]
    gc.collect()
    assert [ref for pair in refs for ref in pair if ref() is not None] == []
    assert len(known) == size


def test_10_000_ops_leave_nothing() -> None:
    size = len(known)
    for make in (a_primitive, a_constant, a_custom_vjp):
        for _ in range(10_000 // 3):
            make(np.ones(1))
    gc.collect()
    assert len(known) == size
    kinds = (FunctionType, ag.custom_vjp)
    kept = [x for x in gc.get_objects() if type(x) in kinds and x.__module__ == __name__]
    assert len(kept) < 100


def test_the_tape_keeps_the_op_that_it_needs() -> None:
    x = ag.Tensor(3.0, requires_grad=True)
    y = a_primitive(np.full(1, 2.0))(x)
    gc.collect()
    y.backward()
    assert x.grad.item() == 2.0
