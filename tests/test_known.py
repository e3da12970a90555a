"""The registry: one entry for each op."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import NotDifferentiableError
from autograd_lite.known import Composition, Constant, Refused, Rule, known, rule_of


@pytest.mark.parametrize(
    ("op", "kind", "text"),
    [
        (np.multiply, Rule, "Rule(2, elementwise, broadcasts)"),
        (np.maximum, Rule, "Rule(2, selects, broadcasts)"),
        (operator.getitem, Rule, "Rule(1, selects)"),
        (np.linalg.matmul, Composition, "Composition(matmul)"),
        (np.floor, Constant, "Constant()"),
        (np.full, Refused, "Refused('makes a plain array; write np.broadcast_to(x, shape)')"),
    ],
)
def test_an_entry_reads_like_a_line_of_a_table(op: Any, kind: type, text: str) -> None:
    assert type(known[op]) is kind
    assert repr(known[op]) == text
    (line,) = (line for line in repr(known).split("\n") if line.split()[0] == op.__name__ and text in line)
    assert line.startswith(op.__name__)


def test_only_ops_with_a_rule_have_one() -> None:
    assert rule_of(np.multiply) is known[np.multiply]
    for op in (np.linalg.matmul, np.floor, np.full, print, np.sum.__call__):
        assert rule_of(op) is None
    with pytest.raises(KeyError):
        known[print]


def test_the_rule_of_a_users_op_is_found_and_not_held() -> None:
    op = ag.primitive(lambda x: 2 * x)
    ag.defvjp(op, lambda g, y, x: 2 * g)
    assert known[op] is rule_of(op)
    assert op not in known
    assert ag.grad(op)(3.0) == 2.0


@pytest.mark.parametrize("op", [np.ptp, np.cosh, np.interp])
def test_what_is_declared_constant_is_nothing_else(op: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it had a rule or was composed: a constant op gives plain arrays."""
    monkeypatch.setitem(known, op, known[op])  # put back afterwards
    args = ([1.0, 2.0], [0.0, 3.0], [4.0, 5.0])[: 3 if op is np.interp else 1]
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    assert isinstance(op(x, *args[1:]), ag.Tensor)
    assert ag.nondifferentiable(op) is op
    result = op(x, *args[1:])
    assert not isinstance(result, ag.Tensor)
    assert np.array_equal(result, op(*args))
    with pytest.raises(NotDifferentiableError, match="carry no gradient"):
        ag.defvjp(op, lambda g, y, x: g)


def test_a_rule_takes_the_place_of_a_composition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(known, np.sinc, known[np.sinc])
    ag.defvjp(np.sinc, lambda g, y, x: g * 7)
    assert ag.grad(np.sinc)(0.5) == 7.0


@pytest.mark.parametrize(
    ("op", "ordinary"),
    [
        (np.multiply, True),
        (np.sum, True),
        (np.maximum, False),
        (operator.getitem, False),
        (ag.softplus, True),
    ],
)
def test_ordinary_rules_are_separate_and_begin_no_mask(op: Any, ordinary: bool) -> None:
    rule = known[op]
    assert rule.ordinary is ordinary
    assert rule.ordinary is (rule.joint is None and rule.flow != "selects")


def test_a_joint_rule_is_not_ordinary() -> None:
    op = ag.primitive(lambda a, b: a * b)
    ag.defvjp(op, joint=lambda g, y, a, b: (g * b, g * a))
    assert not known[op].ordinary
    assert repr(known[op]) == "Rule(joint, mixes)"
