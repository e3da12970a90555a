"""Programs that nobody wrote: random compositions of ops, against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite.testing import check_grads

UNARY = [
    np.sin,
    np.tanh,
    np.arctan,
    ag.sigmoid,
    ag.softmax,
    lambda a: -a,
    lambda a: np.exp(-a * a),
    lambda a: np.sqrt(1 + a * a),
    lambda a: a**2 / (1 + a**2),
    lambda a: a.T if isinstance(a, ag.Tensor) else np.transpose(a),
    lambda a: np.flip(a, 0),
    lambda a: a[[0, 1, 1]],
    lambda a: a[:, 1:2],
    lambda a: a[..., None].sum(-1),
    lambda a: np.reshape(a, (a.shape[1], a.shape[0])),
    lambda a: np.concatenate([a, a[:1]])[1:],
    lambda a: np.where(np.arange(a.shape[1]) > 0, a, 0.5),
    lambda a: a - a.mean(axis=0, keepdims=True),
    lambda a: np.stack([a, 2 * a]).prod(0),
]
BINARY = [
    lambda a, b: a * b.sum(),
    lambda a, b: a + b[:1, :1],
    lambda a, b: a / (2 + np.sin(b[0, 0])),
    lambda a, b: np.einsum("ij,kl->il", a, b) / 4,
    lambda a, b: (a.T @ a) @ np.tanh(b[: a.shape[1], :1] * np.ones((a.shape[1], 1))),
    lambda a, b: np.logaddexp(a, b[0, 0]),
]


@st.composite
def programs(draw: st.DrawFn) -> list[tuple[str, int, int, int]]:
    """Steps (kind, which op, first operand, second operand); operands are counted from the end."""
    number = st.integers(0, 1000)
    step = st.tuples(st.sampled_from(["unary", "binary"]), number, number, number)
    return draw(st.lists(step, min_size=1, max_size=7))


def run(program: list[tuple[str, int, int, int]], x: Any, y: Any) -> Any:
    values = [x, y]
    for kind, op, i, j in program:
        a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
        if min(a.shape) < 2:  # the ops take arrays of at least two rows and columns
            a = a * np.ones((2, 2) if a.shape == (1, 1) else (2, 1) if a.shape[0] == 1 else (1, 2))
        values.append(UNARY[op % len(UNARY)](a) if kind == "unary" else BINARY[op % len(BINARY)](a, b))
    return values[-1]


X = np.array([[0.3, -0.7], [1.1, 0.4]])
Y = np.array([[0.9, -0.2], [-0.5, 0.6]])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(programs())
def test_random_programs_have_the_right_derivatives(program: Any) -> None:
    # A program may compute nothing but rounding, such as the sum of deviations from a mean; hence atol.
    check_grads(lambda x, y: run(program, x, y), (X, Y), order=2, atol=1e-11)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(programs())
def test_three_ways_to_a_gradient_agree(program: Any) -> None:
    """backward on leaves, grad of the function, and grad of it under a checkpoint."""

    def loss(f: Any, x: Any, y: Any) -> Any:
        out = f(x, y)
        return np.sum(out * out)

    def f(x: Any, y: Any) -> Any:
        return run(program, x, y)

    x, y = ag.Tensor(X, requires_grad=True), ag.Tensor(Y, requires_grad=True)
    loss(f, x, y).backward()
    for way in (f, ag.checkpoint(f)):
        for g, leaf in zip(ag.grad(lambda x, y: loss(way, x, y), (0, 1))(X, Y), (x, y), strict=True):  # noqa: B023
            expected = np.zeros((2, 2)) if leaf.grad is None else leaf.grad.numpy()
            np.testing.assert_allclose(g, expected, rtol=1e-12, atol=1e-14)
