"""examples/tiny.py, the idea on one screen, against the engine."""

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.testing import check_grads
from examples import tiny

RNG = np.random.default_rng(0)
X, B = RNG.standard_normal((5, 3)), np.array([0.1, -0.2])


def network(W):
    h = np.tanh(X @ W + B)
    return np.sum(np.log(1 + np.exp(h)) * np.maximum(h, 0)) / 5


def shapes(W):
    return np.sum(np.reshape(np.transpose(W), (3, 2)) * np.sum(W, axis=0)) - np.sum(
        np.exp(np.sum(W**2, axis=1))
    )


def quotients(W):
    return np.sum(np.cos(W) / (2 + np.sin(W)) + 2.0 ** (-W) * W)


@pytest.mark.parametrize("f", [network, shapes, quotients])
def test_first_and_second_order_are_the_engines(f):
    W = RNG.standard_normal((3, 2))
    np.testing.assert_allclose(tiny.grad(f)(W), ag.grad(f)(W), rtol=1e-12)

    def through(grad):
        return lambda W: np.sum(grad(f)(W) ** 2)

    second = tiny.grad(through(tiny.grad))(W)
    np.testing.assert_allclose(second, ag.grad(through(ag.grad))(W), rtol=1e-12)


def test_bias_is_summed_over_the_rows_that_share_it():
    def loss(b):
        return np.sum(np.tanh(X @ np.ones((3, 2)) + b) * b)

    np.testing.assert_allclose(tiny.grad(loss)(B), ag.grad(loss)(B), rtol=1e-12)


@pytest.mark.parametrize("op", list(tiny.rules), ids=lambda op: op.__name__)
def test_each_rule_has_the_engines_gradient(op):
    shape = {np.reshape: (6,), np.broadcast_to: (4, 2, 3)}.get(op)
    a = RNG.uniform(0.5, 2.0, (2, 3))
    b = RNG.uniform(0.5, 2.0, (3, 2) if op is np.matmul else (2, 3))
    arguments = len(tiny.rules[op])
    for i in range(arguments):

        def f(x, i=i):
            if arguments == 2:
                return np.sum(np.sin(op(x, b) if i == 0 else op(a, x)))
            return np.sum(np.sin(op(x) if shape is None else op(x, shape)))

        x = b if i else a
        np.testing.assert_allclose(tiny.grad(f)(x), ag.grad(f)(x), rtol=1e-12)
        check_grads(f, (x,), order=1)


def test_nested_gradients_keep_their_variables_apart():
    def outer(x):
        return x * tiny.grad(lambda y: x * y)(1.0)

    assert tiny.grad(outer)(3.0) == 6.0
    assert tiny.grad(tiny.grad(tiny.grad(np.sin)))(1.0) == pytest.approx(-np.cos(1.0))


def test_what_does_not_depend_on_the_argument_has_gradient_zero():
    assert tiny.grad(lambda x: 3.0)(2.0) == 0
    assert tiny.grad(lambda x: tiny.grad(lambda y: x)(1.0))(2.0) == 0


def test_the_tape_lists_each_step_once_in_order():
    x = tiny.Tensor(np.arange(3.0))
    square = x * x
    y = np.sum(square + np.sin(square))
    assert [step.op for step in tiny.tape(y)] == [np.multiply, np.sin, np.add, np.sum]


def test_an_op_without_a_rule_is_named():
    with pytest.raises(TypeError, match=r"sinh has no rule: defvjp\(sinh"):
        tiny.grad(np.sinh)(1.0)
