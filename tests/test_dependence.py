"""A check of a function that does not depend on its arguments checks nothing, and raises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import GradientCheckError
from autograd_lite.testing import check_grads, gradient_test
from tests.helpers import check_both_orders, second_order

X, Y = np.linspace(-1, 1, 15).reshape(5, 3), np.array([0, 1, 1, 0, 1])
loss = nn.CrossEntropyLoss()


def net() -> nn.Module:
    nn.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


def test_a_loss_that_reads_the_model_is_no_function_of_the_parameters() -> None:
    model = net()
    with pytest.raises(GradientCheckError, match=r"none of its arguments.*nn\.functional_call"):
        check_grads(lambda *p: loss(model(X), Y), tuple(model.parameters()))


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x: 5.0, 1.0),
        (lambda x, y: np.ones(3), (np.ones(2), 1.0)),
        (lambda x: np.sum(ag.Tensor([1.0, 2.0], requires_grad=True) ** 2), np.ones(2)),
        (lambda p: np.array([2.0]), {"w": np.ones(2)}),
    ],
)
@pytest.mark.parametrize("modes", [("rev",), ("fwd",), ("rev", "fwd")])
def test_a_function_of_none_of_its_arguments_is_refused(f: Any, args: Any, modes: Any) -> None:
    with pytest.raises(GradientCheckError, match="depends on none of its arguments"):
        check_grads(f, args, order=1, modes=modes)


def test_a_model_without_gradients_is_refused_too() -> None:
    model = net()
    for p in model.parameters():
        p.requires_grad = False
    with pytest.raises(GradientCheckError, match="none of its arguments"):
        check_grads(lambda *p: loss(model(X), Y), tuple(p.numpy() for p in model.parameters()))


@pytest.mark.parametrize("given", [lambda p: p, lambda p: p.numpy(), lambda p: p.numpy().copy()])
def test_an_argument_that_f_reads_otherwise_is_refused_by_name(given: Any) -> None:
    model = net()
    arguments = (X, *map(given, model.parameters()))
    with pytest.raises(GradientCheckError, match=r"does not depend on argument 1, but on the Tensor itself"):
        check_grads(lambda x, *p: loss(model(x), Y), arguments)
    parameters = {name: given(p) for name, p in model.named_parameters()}
    with pytest.raises(GradientCheckError, match=r"argument 1\['0\.bias'\]"):
        check_grads(lambda x, p: loss(model(x), Y), (X, parameters))


@second_order
def test_the_ways_to_check_a_model(along: int | None) -> None:
    model = net()
    parameters = dict(model.named_parameters())
    check_both_orders(lambda p: loss(nn.functional_call(model, p, X), Y), (parameters,), along)
    check_both_orders(lambda p, x: loss(nn.functional_call(model, p, x), Y), (parameters, X), along)
    check_both_orders(lambda x: loss(model(x), Y), X, along)


def test_a_fault_in_a_model_is_found_and_its_parameter_named() -> None:
    @ag.primitive
    def wrong(x: Any) -> Any:
        return np.sin(x)

    ag.defvjp(wrong, lambda g, y, x: -g * np.cos(x))
    model = net()
    with pytest.raises(GradientCheckError, match=r"argument 0\['0\.bias'\]") as caught:
        check_grads(
            lambda p: np.sum(wrong(nn.functional_call(model, p, X))),
            (dict(model.named_parameters()),),
            order=1,
        )
    assert "the rule of wrong" in str(caught.value)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x, y: x * 2, (1.0, 2.0)),  # of one of its arguments
        (lambda x, y: x * 2, (2.0, 2.0)),
        (np.floor, 1.5),  # constant between jumps
        (np.sign, np.array([0.5, -2.0])),
        (lambda x: x > 0, 1.5),
        (lambda x: np.zeros(3) * x, np.ones(3)),
        (lambda x: np.argmax(x), np.array([1.0, 3.0, 2.0])),
        (lambda x: ag.Tensor(3.0, requires_grad=True) * x, 2.0),  # of a Tensor besides
    ],
)
def test_what_depends_honestly_can_be_checked(f: Any, args: Any) -> None:
    check_grads(f, args)


def test_the_decorator_says_so_too() -> None:
    @gradient_test(1.0)
    def test_constant(x: Any) -> Any:
        return 3.0

    with pytest.raises(GradientCheckError, match="none of its arguments"):
        test_constant(sample=1.0)


def test_what_an_error_of_f_itself_says_is_left_alone() -> None:
    def failing(x: Any) -> Any:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        check_grads(failing, 1.0)
