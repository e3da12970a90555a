"""`hips.numpy`: NumPy's names, and lists that hold Tensors."""

from __future__ import annotations

from collections.abc import Callable
from inspect import ismodule
from typing import Any

import numpy as onp
import pytest

import autograd_lite as ag
from autograd_lite.hips import grad
from autograd_lite.hips import numpy as np
from autograd_lite.hips.builtins import isinstance as is_a
from autograd_lite.hips.builtins import type as type_of
from autograd_lite.hips.extend import defvjp
from autograd_lite.hips.tracer import getval, isbox


@pytest.mark.parametrize("module", ["", "linalg", "fft", "random"])
def test_all_names_of_numpy_are_there(module: str) -> None:
    theirs, ours = (getattr(root, module) if module else root for root in (onp, np))
    public = [
        name for name in dir(theirs) if not name.startswith("_") and not ismodule(getattr(theirs, name))
    ]
    assert len(public) > 15 and [name for name in public if not hasattr(ours, name)] == []
    assert module or np.testing is onp.testing


def test_one_function_under_two_names_is_one_object() -> None:
    assert np.abs is np.absolute and np.conj is np.conjugate
    assert np.float64 is onp.float64 and np.pi == onp.pi and np.newaxis is None


MADE: dict[str, Callable[[Any], Any]] = {
    "array of numbers": lambda x: np.array([x, 2.0, x**2]),
    "nested array": lambda x: np.array([[x, 1], (3, x)]),
    "array of arrays": lambda x: np.array([x * onp.ones(2), onp.zeros(2)]),
    "array of an array": lambda x: np.array(x * onp.arange(3.0)),
    "ndmin": lambda x: np.array(x, ndmin=2),
    "sum of a list": lambda x: np.sum([x, x**2]),
    "max of a tuple": lambda x: np.max((x, -x, x / 2)),
    "mean, std and var": lambda x: np.array([np.mean([x, 1.0]), np.std([x, 1.0]), np.var([x, 1.0])]),
    "dot of lists": lambda x: np.dot([x, 2.0], [3.0, x]),
    "norm of a list": lambda x: np.linalg.norm([x, 2.0]),
    "solve with a list": lambda x: np.linalg.solve([[x, 1.0], [0.0, 2.0]], onp.ones(2)),
    "exp of a list": lambda x: np.exp([x, x]),
    "stacks": lambda x: np.hstack([np.vstack([x, x]), np.column_stack([[x, x], [2.0, 1]])]),
    "concatenate lists": lambda x: np.concatenate([[x], [1.0, x]]),
    "append": lambda x: np.append([x], 2 * x),
    "r_ and c_": lambda x: np.concatenate([np.r_[x, 0:2, x], np.c_[np.r_[x, x], onp.ones(2)].ravel()]),
    "block": lambda x: np.block([[np.ones((2, 2)) * x, onp.ones((2, 1))], [x * onp.ones((1, 3))]]),
    "full": lambda x: np.full((2, 3), x),
    "asarray": lambda x: np.asarray([x, 1.0]) + np.asarray(x) + np.ascontiguousarray(x),
    "make_diagonal": lambda x: np.make_diagonal(np.array([x, 2.0]), offset=0, axis1=-1, axis2=-2),
    "where": lambda x: np.where([True, False], [x, x], 3.0),
    "select": lambda x: np.select([onp.array([True, False])], [np.array([x, x])], 1.0),
    "einsum": lambda x: np.einsum("i,i->", [x, x], onp.ones(2)),
}


@pytest.mark.parametrize("make", MADE)
def test_lists_of_tensors_are_recorded(make: str) -> None:
    """By the complex step, which runs the same function on plain numbers."""
    function, step = MADE[make], 1e-6
    value = getval(function(ag.Tensor(0.7, requires_grad=True)))
    onp.testing.assert_allclose(value, function(0.7), rtol=1e-15)
    weights = onp.cos(onp.arange(onp.size(value))).reshape(onp.shape(value))
    numeric = onp.sum(weights * (function(0.7 + step) - function(0.7 - step))) / (2 * step)
    assert abs(grad(lambda x: np.sum(weights * function(x)))(0.7) - numeric) < 1e-8


def test_plain_numbers_stay_plain() -> None:
    for function in MADE.values():
        assert not isbox(function(0.7))
    assert np.array([1, 2]).dtype == int and np.array([1, 2], dtype=float).dtype == float


def test_values_are_asked_as_those_of_autograd() -> None:
    def f(x: Any) -> Any:
        assert is_a(x, float) and type_of(x) is onp.float64 and np.isscalar(x)
        assert getval({"x": [x, 1]}) == {"x": [2.0, 1]} and isbox([x]) and not isbox([1.0])
        assert x._value == 2.0 and x[None]._value.shape == (1,)
        return x**2

    assert grad(f)(2.0) == 4.0


def test_other_rules_for_a_function_of_numpy_stay_in_this_namespace() -> None:
    function = np.fmod  # not used by other tests
    before = function.step
    try:
        defvjp(function, lambda ans, x, y: lambda g: g * 100.0, argnums=[0])
        assert grad(lambda x: np.fmod(x, 2.0))(5.5) == 100.0
        assert ag.grad(lambda x: onp.fmod(x, 2.0))(5.5) == 1.0
    finally:
        function.step = before
