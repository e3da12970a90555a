"""The tree in plain text."""

from __future__ import annotations

import numpy as np
import pytest

from tests.helpers import leaf
from visualize import draw


def test_the_lecture_product():
    """f = (x + y) z at (-2, 5, -4), with the gradients of the slides."""
    x, y, z = leaf(-2.0, "x"), leaf(5.0, "y"), leaf(-4.0, "z")
    f = (x + y) * z
    f.backward()
    assert draw(f).to_text().splitlines() == [
        "f = v1*z = -12.00    gradient 1.00",
        "├─ v1 = x + y = 3.00    gradient -4.00",
        "│  ├─ x = -2.00    gradient -4.00",
        "│  └─ y = 5.00    gradient -4.00",
        "└─ z = -4.00    gradient 3.00",
    ]


def test_what_is_used_again_is_only_named():
    a = leaf(3.0, "a")
    q = a * 2.0
    f = np.sin(q) * q + a
    f.backward()
    lines = draw(f, grads=False).to_text().splitlines()
    assert lines == [
        "f = v3 + a = 1.324",
        "├─ v3 = v2*v1 = -1.676",
        "│  ├─ v2 = sin(v1) = -0.2794",
        "│  │  └─ v1 = a*2 = 6.00",
        "│  │     └─ a = 3.00",
        "│  └─ v1, see above",
        "└─ a",
    ]


def test_values_and_gradients_can_be_left_out():
    x = leaf(2.0, "x")
    assert draw(np.exp(x), values=False, grads=False).to_text() == "f = exp(x)\n└─ x"


def test_several_outputs_and_arrays():
    x = leaf([1.0, 2.0, 3.0, 4.0, 5.0], "x")
    lines = draw([x * 2.0, x[0]], grads=False).to_text().splitlines()
    assert lines == [
        "v1 = x*2 = (5,), norm 14.83",
        "└─ x = (5,), norm 7.416",
        "v2 = x[0] = 1.00",
        "└─ x",
    ]


def test_modules_are_told_with_their_steps():
    nn = pytest.importorskip("nn")
    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    lines = draw(model, np.ones((1, 3), np.float32), values=False, grads=False).to_text().splitlines()
    assert lines == [
        "x",
        "Sequential, 8 parameters",
        "├─ 0: Linear, 8 parameters",
        "│  ├─ 0.weight",
        "│  ├─ 0.bias",
        "│  └─ v1 = affine(x, 0.weight, 0.bias)",
        "└─ 1: Tanh",
        "   └─ f = tanh(v1)",
    ]


def test_a_long_chain_goes_on_below_and_stays_narrow():
    x = y = leaf(1.0, "x")
    for _ in range(3000):
        y = np.sin(y) * x
    text = draw(y).to_text()
    lines = text.splitlines()
    assert max(map(len, lines)) < 200
    assert sum("see below" in line for line in lines) == sum(line[0] == "v" for line in lines)
    assert all(f"v{i} = " in text for i in (1, 2999, 5999))
