"""`defvjp` refuses arguments that it would otherwise ignore, and says what to write."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import NotDifferentiableError


def cube(x: Any) -> Any:
    return x**3


class Squared:
    def __call__(self, x: Any) -> Any:
        return x * x


def rule(g: Any, y: Any, x: Any) -> Any:
    return g


@pytest.mark.parametrize(
    "op",
    [
        cube,
        lambda x: x,
        Squared,
        Squared(),
        math.sin,
        abs,
        len,
        ag.grad(cube),
        np.vectorize(cube),
        np.iterable,
    ],
)
def test_a_rule_of_what_is_no_op_is_refused(op: Any) -> None:
    with pytest.raises(NotDifferentiableError, match=r"ag\.primitive\("):
        ag.defvjp(op, rule)


@pytest.mark.parametrize("op", [np.floor, np.trunc, np.argmax, np.round, np.less, np.shape])
def test_a_rule_of_a_constant_function_is_refused(op: Any) -> None:
    with pytest.raises(NotDifferentiableError, match=r"carry no gradient.*ag\.primitive"):
        ag.defvjp(op, rule)


def test_the_line_that_the_message_says_works() -> None:
    op = ag.primitive(cube)
    ag.defvjp(op, lambda g, y, x: g * 3 * x**2)
    assert ag.grad(op)(2.0) == 12.0
    step = ag.primitive(lambda x: np.floor(x))
    ag.defvjp(step, rule)
    assert ag.grad(step)(2.5) == 1.0


def test_ufuncs_of_others_take_rules() -> None:
    special = pytest.importorskip("scipy.special")
    ag.defvjp(special.dawsn, lambda g, y, x: g * (1 - 2 * x * y))
    try:
        assert ag.grad(special.dawsn)(1.0) == 1 - 2 * special.dawsn(1.0)
    finally:
        from autograd_lite.known import known

        del known[special.dawsn]


def test_a_rule_too_many_is_refused() -> None:
    for op in (ag.primitive(cube), ag.primitive(cube, broadcasts=True)):
        with pytest.raises(NotDifferentiableError, match="2 rules, but cube takes 1 argument"):
            ag.defvjp(op, rule, rule)
    with pytest.raises(NotDifferentiableError, match="3 rules, but multiply takes 2"):
        ag.defvjp(np.multiply, *[lambda g, y, a, b: g] * 3)


def test_rules_may_be_fewer_than_arguments() -> None:
    op = ag.primitive(lambda x, n: x**n)
    ag.defvjp(op, lambda g, y, x, n: g * n * x ** (n - 1))
    assert ag.grad(op)(2.0, 3) == 12.0


@pytest.mark.parametrize(
    "wrong", [lambda g: g, lambda g, x: g, lambda g, y, x, z: g, lambda: 0, lambda g, *, y: g]
)
def test_a_rule_that_cannot_be_called_is_refused(wrong: Any) -> None:
    with pytest.raises(NotDifferentiableError, match=r"rule 0 takes \d positional arguments.*lambda g, y, x"):
        ag.defvjp(ag.primitive(cube), wrong)


@pytest.mark.parametrize(
    "fits",
    [
        rule,
        lambda *gs: gs[0],
        lambda g, y, *args: g,
        lambda g, y, x, extra=1: g,
        lambda g, y, x, **options: g,
        None,
    ],
)
def test_a_rule_that_can_be_called_is_taken(fits: Any) -> None:
    op = ag.primitive(lambda x: x * 1.0)
    ag.defvjp(op, fits)
    if fits is not None:
        assert ag.grad(op)(2.0) == 1.0


@pytest.mark.parametrize("junk", [3, "rule", [rule]])
def test_what_is_no_function_is_no_rule(junk: Any) -> None:
    with pytest.raises(NotDifferentiableError, match="functions"):
        ag.defvjp(ag.primitive(cube), junk)
    with pytest.raises(NotDifferentiableError, match="functions"):
        ag.defvjp(ag.primitive(cube), joint=junk)
