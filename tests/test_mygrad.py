"""What MyGrad's users write: NumPy's functions on tensors, views, and updates in place.

Each program runs under both libraries where MyGrad is installed. MyGrad's tensors are all on the tape, ours
where a program asks for it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from tests.helpers import leaf

Make = Callable[[Any], Any]
"""Makes a tensor on the tape, which keeps its gradient."""

Program = Callable[[Make], tuple[Any, list[Any]]]
"""Returns a number to differentiate, and the tensors whose gradients are wanted."""


def mygrads(data: Any) -> Any:
    mygrad = pytest.importorskip("mygrad")
    return mygrad.tensor(data)


def run(program: Program, make: Make) -> tuple[Any, list[Any]]:
    """The value and the gradients, as plain arrays."""
    value, tensors = program(make)
    value.backward()
    return float(value.item()), [np.array(getattr(t.grad, "data", t.grad)) for t in tensors]


# -- programs --------------------------------------------------------------------------------------


def squares(make: Make) -> Any:
    x = make([1.0, 2.0, 3.0])
    return np.sum(x * x), [x]


def a_constant_array(make: Make) -> Any:
    x, y = make([1.0, 2.0, 3.0]), np.array([-1.0, 0.0, 10.0])
    return np.sum(x * y + y / x), [x]


def powers(make: Make) -> Any:
    x = make([2.0, 2.0, 2.0])
    return np.sum(x ** np.array([1.0, 2.0, 3.0])), [x]


def a_mask(make: Make) -> Any:
    x = make(np.arange(9.0).reshape(3, 3))
    return np.sum(x[x < 3.5] ** 2) + np.sum(x[[0, 0, 2], [1, 1, 2]] * np.array([1.0, 2.0, 3.0])), [x]


def hinge(make: Make) -> Any:
    """The mean hinge loss, by assignments to the entries within the margin."""
    rng = np.random.RandomState(0)
    scores = make(10 * rng.rand(20, 5))
    labels = (range(20), rng.randint(5, size=20))
    margins = scores - scores[labels][:, np.newaxis] + 1.0
    margins[margins <= 0] = 0
    margins[labels] = 0
    return margins.sum() / scores.shape[0], [scores]


def descent(make: Make) -> Any:
    """A line fitted by gradient descent; the last gradient is what is compared."""
    x = np.linspace(-1, 1, 10)
    y, values = 3 * x - 1, np.array([0.0, 0.0])
    for _ in range(20):
        w = make(values)
        loss = np.mean((w[0] * x + w[1] - y) ** 2)
        loss.backward()
        values = values - 0.3 * np.array(getattr(w.grad, "data", w.grad))
    w = make(values)
    return np.mean((w[0] * x + w[1] - y) ** 2), [w]


def updated(update: Callable[[Any, Any], Any]) -> Program:
    """Part of a tensor is changed in place by another one."""

    def program(make: Make) -> Any:
        x, y = make(np.arange(1.0, 10.0).reshape(3, 3)), make(np.full(4, 2.0))
        z = +x
        chosen = np.asarray(np.arange(9).reshape(3, 3) < 4)
        z[chosen] = update(z[chosen], y)
        return np.sum(z * np.arange(9.0).reshape(3, 3)), [x, y]

    return program


def a_row_and_a_column(make: Make) -> Any:
    """Two views that cross: what is written through one is read through the other."""
    x = make(np.arange(9.0).reshape(3, 3))
    y = +x
    row, column = y[1], y[:, 1]
    row *= 10.0
    column += row
    return np.sum(y**2) + np.sum(row * column), [x]


def a_view_of_a_view(make: Make) -> Any:
    x = make(np.arange(12.0).reshape(3, 4))
    y = +x
    part = y.T[1:3][:, ::-1]
    part[...] = part * part + 1.0
    part.reshape(2, 3)[0] = 5.0
    return np.sum(y * np.arange(12.0).reshape(3, 4)), [x]


def a_diagonal(make: Make) -> Any:
    """The diagonal as einsum's view."""
    x = make(np.arange(9.0).reshape(3, 3))
    y = +x
    diagonal = np.einsum("ii->i", y)
    diagonal *= -1.0
    diagonal[1] = y[0, 2] * y[2, 0]
    return np.sum(y**2) + np.sum(diagonal), [x]


def history(make: Make) -> Any:
    """What was computed before an update keeps the old value."""
    x = make([1.0, 2.0, 3.0])
    y = x * 2.0
    before = np.exp(0.1 * y)
    y[:2] = y[1:] * y[0]
    return np.sum(before * y), [x]


def swapped(make: Make) -> Any:
    x = make([1.0, 2.0, 3.0, 4.0])
    y = +x
    y[[0, 3]] = y[[3, 0]]
    y[1:3] = y[2:0:-1]
    return np.sum(y * np.array([1.0, 10.0, 100.0, 1000.0])), [x]


def repeated(make: Make) -> Any:
    """An index that names an entry twice: the last assignment counts."""
    x, v = make([1.0, 2.0, 3.0]), make([10.0, 20.0, 30.0])
    y = x * 1.0
    y[[1, 1, 2]] = v
    return np.sum(y**2), [x, v]


UPDATES = {
    name: getattr(operator, name) for name in ("iadd", "isub", "imul", "itruediv", "ipow")
}  # fmt: skip

PROGRAMS: dict[str, Program] = {
    program.__name__: program
    for program in (
        squares,
        a_constant_array,
        powers,
        a_mask,
        hinge,
        descent,
        a_row_and_a_column,
        a_view_of_a_view,
        a_diagonal,
        history,
        swapped,
        repeated,
    )
} | {name: updated(update) for name, update in UPDATES.items()}

by_program = pytest.mark.parametrize("name", PROGRAMS)


@by_program
def test_the_program_gives_the_numbers_of_mygrad(name: str) -> None:
    value, gradients = run(PROGRAMS[name], mygrads)
    ours, found = run(PROGRAMS[name], leaf)
    assert ours == pytest.approx(value, rel=1e-12)
    for a, b in zip(found, gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


class Shifted:
    """Makes plain arrays in place of tensors, the one of an index shifted along a direction."""

    def __init__(self, index: int, direction: Any) -> None:
        self.index, self.direction, self.count = index, direction, 0

    def __call__(self, data: Any) -> Any:
        shift = self.direction if self.count == self.index else 0.0
        self.count += 1
        return np.array(data, float) + shift


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "descent"])
def test_the_gradients_are_those_of_the_same_program_on_arrays(name: str) -> None:
    """By finite differences: NumPy itself does the views and the updates."""
    value, gradients = run(PROGRAMS[name], leaf)
    assert value == pytest.approx(PROGRAMS[name](Shifted(-1, 0))[0], rel=1e-14)
    for i, gradient in enumerate(gradients):
        along = np.cos(np.arange(gradient.size)).reshape(gradient.shape)
        above, below = (PROGRAMS[name](Shifted(i, step * along))[0] for step in (1e-5, -1e-5))
        assert np.sum(gradient * along) == pytest.approx((above - below) / 2e-5, rel=1e-6, abs=1e-7)


def test_a_planted_fault_is_seen() -> None:
    """An update that is written into a copy is not what NumPy does."""

    def copied(make: Make) -> Any:
        x = make([1.0, 2.0, 3.0])
        y = x * 1.0
        part = y[:2].copy() if isinstance(y, ag.Tensor) else y[:2]
        part *= 10.0
        return np.sum(y**2), [x]

    assert run(copied, leaf)[0] != copied(Shifted(-1, 0))[0]


# -- views and arrays, step by step ----------------------------------------------------------------

VIEWS: dict[str, Callable[[Any], Any]] = {
    "all": lambda x: x[...],
    "columns reversed": lambda x: x[:, ::-1],
    "rows reversed": lambda x: x[::-1],
    "transposed": lambda x: x.T,
    "einsum": lambda x: np.einsum("ij->ji", x),
    "an axis and back": lambda x: x[:, np.newaxis, :][:, 0],
    "moved": lambda x: np.moveaxis(x, 0, 1),
}

CHANGES: dict[str, Callable[[Any, Any], Any]] = {
    "x += 2": lambda x, y: operator.iadd(x, 2.0),
    "x *= 3": lambda x, y: operator.imul(x, 3.0),
    "x /= 2": lambda x, y: operator.itruediv(x, 2.0),
    "x += x": lambda x, y: operator.iadd(x, x),
    "x -= y": lambda x, y: operator.isub(x, y),
    "x += x + y": lambda x, y: operator.iadd(x, x + y),
    "x[...] = y": lambda x, y: x.__setitem__(..., y),
    "x[::-1] = y": lambda x, y: x.__setitem__(slice(None, None, -1), y),
    "x[0] = y[1]": lambda x, y: x.__setitem__(0, y[1]),
    "x's diagonal = y's": lambda x, y: np.einsum("ii->i", x).__setitem__(..., np.einsum("ii->i", y)),
}


def walk(start: Any, seed: int) -> list[Any]:
    """A base, its views, and what random updates in place make of them."""
    rng = np.random.RandomState(seed)
    held = [start]
    for _ in range(12):
        x, y = (held[rng.randint(len(held))] for _ in range(2))
        if rng.rand() < 0.4:
            view = list(VIEWS)[rng.randint(len(VIEWS))]
            held.append(VIEWS[view](x))
        else:
            CHANGES[list(CHANGES)[rng.randint(len(CHANGES))]](x, y)
    return held


@pytest.mark.parametrize("seeds", [range(20), pytest.param(range(20, 300), marks=pytest.mark.slow)])
def test_tensors_follow_arrays_step_by_step(seeds: range) -> None:
    """The values and the sharing of all views; the gradient too, since the walk is linear in its start."""
    start, along = np.arange(9.0).reshape(3, 3), np.cos(np.arange(9.0)).reshape(3, 3)
    for seed in seeds:
        x = leaf(start)
        tensors, arrays, others = walk(+x, seed), walk(start.copy(), seed), walk(start + along, seed)
        for tensor, array in zip(tensors, arrays, strict=True):
            np.testing.assert_allclose(tensor.detach().numpy(), array, rtol=1e-14)
            assert tensor.base is (None if tensor is tensors[0] else tensors[0])
        np.sum(tensors[-1] * along).backward()
        change = np.sum((others[-1] - arrays[-1]) * along)
        assert np.sum(x.grad.numpy() * along) == pytest.approx(change, rel=1e-9, abs=1e-9)


# -- NumPy's functions -----------------------------------------------------------------------------


def test_operators_and_functions_take_arrays_on_either_side() -> None:
    array, x = np.array([1.0, 1.5, 2.0]), leaf([2.0, 1.0, 1.5])
    for op in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul):
        for a, b in ((x, array), (array, x), (x, x), (x, array.tolist()) if op is operator.add else (x, x)):
            result = op(a, b)
            assert isinstance(result, ag.Tensor) and result.requires_grad
    for function in (np.add, np.maximum, np.arctan2, np.logaddexp):
        assert isinstance(function(array, x), ag.Tensor) and isinstance(function(x, array), ag.Tensor)


def test_results_without_a_gradient_are_arrays() -> None:
    x = leaf([3.0, 1.0, 2.0])
    for result in (x > 1, np.argmax(x), np.isfinite(x), np.floor(x), x // 2, np.sign(x)):
        assert not isinstance(result, ag.Tensor)
    assert isinstance(x.shape, tuple) and np.shape(x) == (3,) and np.ndim(x) == 1
