"""Errors show the shapes that the user wrote, and a repair that runs."""

import re

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import AutogradLiteError, AxisError, DTypeError, ShapeError

A = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda x: x.reshape(4, 2), "(4, 2)"),
        (lambda x: x.reshape((4, 2)), "(4, 2)"),
        (lambda x: x.reshape([4, 2]), "[4, 2]"),
        (lambda x: np.reshape(x, (4, 2)), "(4, 2)"),
        (lambda x: x.view(4, 2), "(4, 2)"),
        (lambda x: x.reshape(7), "7"),
        (lambda x: x.reshape(-1, 4), "(-1, 4)"),
        (lambda x: np.reshape(x, (2, -1, 4)), "(2, -1, 4)"),
        (lambda x: x.reshape(5, 1, 3), "(5, 1, 3)"),
    ],
)
@pytest.mark.parametrize("recorded", [True, False])
def test_reshape_shows_the_shape_as_it_was_written(call, shape, recorded):
    with pytest.raises(ShapeError) as raised:
        call(ag.Tensor(A, requires_grad=recorded))
    message = str(raised.value)
    assert f"cannot reshape array of size 6 into shape {shape}." in message
    assert "(2, 3)" in message
    if found := re.search(r"Did you mean (\(.*\)), which is (\(.*?\))\?", message):
        assert A.reshape(eval(found.group(1))).shape == eval(found.group(2))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: x + np.ones((4, 5)), "(2, 3) (4, 5)"),
        (lambda x: np.broadcast_to(x, (4, 2)), "shape (2, 3) cannot be broadcast to (4, 2)"),
        (lambda x: x.expand(4, 3), "shape (2, 3) cannot be broadcast to (4, 3)"),
        (lambda x: np.sum(x, axis=2), "sum(float64 (2, 3), axis=2)"),
        (lambda x: x.transpose(0, 2, 1), "axes=(0, 2, 1)"),
        (lambda x: x.flatten(5), "has no axis 5"),
        (lambda x: x.unflatten(2, (1, 3)), "has no axis 2"),
        (lambda x: x.unfold(-3, 1, 1), "has no axis -3"),
    ],
)
def test_shapes_and_axes_as_python_writes_them(call, words):
    with pytest.raises(ShapeError, match=re.escape(words)):
        call(ag.Tensor(A, requires_grad=True))
    assert issubclass(AxisError, ShapeError)


def test_what_a_tensor_is_not():
    x = ag.Tensor(A, requires_grad=True)
    with pytest.raises(ShapeError, match=r"\(2, 3\) is neither true nor false; write \(x > 0\)\.all\(\)"):
        bool(x)
    with pytest.raises(DTypeError, match=r"shape \(2, 3\); write x\.astype\(int\)"):
        int(x)
    with pytest.raises(DTypeError, match=r"x\.item\(\)"):
        len(x.sum())
    with pytest.raises(DTypeError, match=r"Tensor\(np\.zeros\(\(2, 3\)\)\)"):
        ag.Tensor(2, 3, 4)
    for call in (bool, int, len):
        with pytest.raises(AutogradLiteError):
            call(x.sum() if call is len else x)
    assert bool(x.sum()) and int(x.sum()) == 15 and len(x) == 2


def test_a_number_of_a_tensor_into_an_array_is_answered_with_the_line_that_works():
    x, z = ag.Tensor([1.0, 2.0], requires_grad=True), np.zeros(3)
    for assign in ("z[0] = x[0]", "z[:2] = x", "z[[0, 1]] = x", "z[0] = x.sum()"):
        with pytest.raises((ValueError, TypeError)) as raised:
            exec(assign, {"z": z, "x": x})
        told = raised.value if isinstance(raised.value, AutogradLiteError) else raised.value.__cause__
        assert "a = ag.Tensor(a); a[i] = x" in str(told)
        assert not z.any()
        scope = {"ag": ag, "z": z, "x": x}
        exec(f"z = ag.Tensor(z); {assign}; z.sum().backward()", scope)
        assert x.grad is not None
        x.grad = None
