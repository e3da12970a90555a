"""`explain` and `backprop_steps` take a function with its inputs, as `draw` does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DTypeError, ShapeError, TapeError
from tests.helpers import leaf
from visualize import backprop_steps, explain

SHOWN = {"explain": explain, "backprop_steps": backprop_steps}


def f(x: Any, y: Any) -> Any:
    return np.sin(x) * y


@pytest.mark.parametrize("who", SHOWN)
@pytest.mark.parametrize("inputs", [(2.0, 3.0), (2, 3), (np.float64(2.0), np.array(3.0))])
def test_a_function_is_called_with_its_inputs(who: str, inputs: Any) -> None:
    show = SHOWN[who]
    assert str(show(f, *inputs)) == str(show(f(leaf(2.0, "x"), leaf(3.0, "y"))))


@pytest.mark.parametrize("who", SHOWN)
def test_a_module_is_called_too_and_its_parameters_have_names(who: str) -> None:
    class Neuron(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(np.array(2.0))

        def forward(self, x: Any) -> Any:
            return self.w * x

    model = Neuron()
    assert str(SHOWN[who](model, 3.0)) == str(SHOWN[who](leaf(2.0, "w") * leaf(3.0, "x")))
    assert model.w.grad is None


def test_a_tensor_keeps_its_name_and_gets_no_gradient() -> None:
    x = leaf(2.0, "mine")
    assert "df/dmine" in str(explain(lambda a: a * a, x))
    nameless = ag.Tensor(2.0, requires_grad=True)
    assert "df/da" in str(explain(lambda a: a * a, nameless))
    assert x.grad is None and x.name == "mine" and nameless.name is None


def test_a_ufunc_is_a_function() -> None:
    assert backprop_steps(np.exp, 0.0)[-1].phase == "backward"
    assert explain(np.tanh, 0.0, max_paths=3).chains[0].grad == 1.0


@pytest.mark.parametrize("who", SHOWN)
@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ((f,), DTypeError, "cannot be called with 0 inputs"),
        ((f, 1.0), DTypeError, r"\(f, 1\.0, 2\.0\)"),
        ((lambda x: 3.0, 1.0), TapeError, "nothing was recorded"),
        ((lambda x: x * 2, np.ones(2)), ShapeError, "single number"),
        ((lambda x: (x, x), 1.0), DTypeError, "recorded Tensor"),
        ((3.0, 1.0), DTypeError, "inputs belong to a function"),
    ],
)
def test_what_cannot_be_shown_is_said(who: str, given: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        SHOWN[who](*given)
    assert "draw" not in str(caught.value)


@pytest.mark.parametrize("who", SHOWN)
def test_inputs_of_a_tensor_are_refused(who: str) -> None:
    with pytest.raises(DTypeError, match=rf"{who}\(f, x\)"):
        SHOWN[who](leaf(2.0, "x") * 2, 3.0)
