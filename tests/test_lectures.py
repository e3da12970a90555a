"""The graphs of the lectures, to the digit."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
from tests.helpers import leaf


def test_sum_times_z() -> None:
    x, y, z = leaf(-2, "x"), leaf(5, "y"), leaf(-4, "z")
    f = (x + y) * z
    f.backward()
    assert f.item() == -12
    assert [t.grad.item() for t in (x, y, z)] == [-4, -4, 3]


def neuron() -> tuple[ag.Tape, ag.Tensor, dict[str, ag.Tensor]]:
    names = {"w1": 2.0, "x1": -1.0, "w2": -3.0, "x2": -2.0, "b": -3.0}
    t = {name: leaf(value, name) for name, value in names.items()}
    with ag.Tape() as tape:
        f = 1 / (1 + np.exp(-(t["w1"] * t["x1"] + t["w2"] * t["x2"] + t["b"])))
    return tape, f, t


def test_the_sigmoid_neuron() -> None:
    _, f, t = neuron()
    f.backward()
    assert round(f.item(), 4) == 0.7311
    expected = {"w1": -0.1966, "x1": 0.3932, "w2": -0.3932, "x2": -0.5898, "b": 0.1966}
    assert {name: round(x.grad.item(), 4) for name, x in t.items()} == expected


def test_the_trace_shows_each_step_and_its_adjoint() -> None:
    tape, f, _ = neuron()
    assert "adjoint" not in str(tape)
    f.backward()
    lines = [line.split() for line in str(tape).splitlines()]
    assert len(lines) == 5 + 8 and len(tape) == 8
    assert lines[0] == ["v1", "=", "w1", "=", "2.0", "adjoint", "-0.196612"]
    assert " ".join(lines[2]) == "v3 = multiply(v1, v2) = -2.0 adjoint 0.196612"
    assert " ".join(lines[-1]) == "v13 = divide(1, v12) = 0.731059 adjoint 1.0"
    # On the slides: 1/x sends back -0.53, exp -0.20, and the sum 0.20 to each of its inputs.
    adjoints = {line[2].split("(")[0]: line[-1] for line in lines}
    assert adjoints["exp"] == "-0.534447" and adjoints["negative"] == "-0.196612"


def test_gradient_descent_finds_the_minimum() -> None:
    derivative = ag.grad(lambda x: (np.cos(x) + np.tan(x)) ** 2)
    x = 0.0
    for _ in range(200):
        x -= 0.1 * derivative(x)
    assert x == pytest.approx(-0.66624, abs=5e-6)
    assert (np.cos(x) + np.tan(x)) ** 2 == pytest.approx(0, abs=1e-10)


def test_second_derivatives() -> None:
    assert ag.grad(ag.grad(np.sin))(0.5) == pytest.approx(-np.sin(0.5), rel=1e-15)
    assert ag.grad(ag.grad(ag.grad(lambda x: x**5)))(2.0) == 240.0


def test_perturbations_are_not_confused() -> None:
    assert ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert ag.grad(lambda x: x * ag.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    # d/dx d/dy x^2 y^3 = 6 x y^2
    mixed = ag.grad(lambda x: ag.grad(lambda y: x**2 * y**3)(5.0))
    assert mixed(2.0) == 300.0
    inner = ag.grad(lambda x: ag.jvp(lambda y: x * y * y, (3.0,), (1.0,))[1])
    assert inner(2.0) == 6.0
