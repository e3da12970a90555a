"""`checkpoint` and state beside the arguments that a function reads or changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import TapeError
from nn.random import generator

X = np.linspace(-1.0, 1.0, 12).reshape(3, 4)


def state() -> Any:
    """The state of nn's generator and of np.random's."""
    mine, numpys = generator.bit_generator.state, np.random.get_state(legacy=False)
    return repr(mine), repr(numpys)


def gradients(f: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    """Value and gradient of the sum of squares of f, and the states after the backward pass."""
    nn.manual_seed(3)
    np.random.seed(3)
    x = ag.Tensor(X, requires_grad=True)
    y = f(x)
    loss = np.sum(y * y * np.arange(4.0))
    loss.backward()
    return y.numpy(), x.grad.numpy(), state()


def attention(x: Any) -> Any:
    q = np.reshape(x, (1, 1, 3, 4))
    y = nn.functional.scaled_dot_product_attention(q, q, q, dropout_p=0.5)
    return np.reshape(y, (3, 4))


DRAWS: dict[str, Callable[[Any], Any]] = {
    "dropout": lambda x: nn.functional.dropout(x, 0.5) * x,
    "alpha_dropout": lambda x: nn.functional.alpha_dropout(x, 0.5, True) * x,
    "rrelu": lambda x: nn.functional.rrelu(x, training=True),
    "attention": attention,
    "np.random.normal": lambda x: x * np.random.normal(size=x.shape),
    "np.random.rand": lambda x: np.sin(x) * np.random.rand(),
    "both": lambda x: nn.functional.dropout(x * np.random.rand(*x.shape), 0.3),
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_same_numbers_are_drawn_twice(name: str) -> None:
    f = DRAWS[name]
    plain = gradients(f)
    twice = ag.checkpoint(f)
    nested = ag.checkpoint(lambda x: ag.checkpoint(f)(x * 1.0) * 1.0)
    for wrapped in twice, nested:
        value, gradient, after = gradients(wrapped)
        np.testing.assert_array_equal(value, plain[0])
        np.testing.assert_allclose(gradient, plain[1], rtol=1e-15)
        assert after == plain[2]


def test_segments_that_draw_one_after_another() -> None:
    def chain(wrapped: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: nn.functional.dropout(wrapped(nn.functional.dropout(wrapped(x), 0.3)), 0.3)

    f = DRAWS["dropout"]
    plain, sparing = gradients(chain(f)), gradients(chain(ag.checkpoint(f)))
    np.testing.assert_array_equal(plain[0], sparing[0])
    np.testing.assert_allclose(plain[1], sparing[1], rtol=1e-14)
    assert plain[2] == sparing[2]


def test_the_transforms_draw_the_same_numbers() -> None:
    def f(x: Any) -> Any:
        return np.sum(nn.functional.dropout(x, 0.5) ** 3)

    def both(g: Callable[[Any], Any]) -> list[Any]:
        nn.manual_seed(1)
        return [ag.grad(g)(X), ag.hvp(g, (X,), (X,)), ag.jvp(g, (X,), (X,))[1], state()[0]]

    for one, other in zip(both(f), both(ag.checkpoint(f)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_numbers_of_a_generator_of_ones_own_are_refused() -> None:
    for draw in (
        lambda rng, x: x * rng.normal(size=x.shape),
        lambda rng, x: nn.functional.relu(x + rng.random()),
    ):
        rng = np.random.default_rng(2)
        x = ag.Tensor(X, requires_grad=True)
        y = np.sum(ag.checkpoint(lambda x, draw=draw, rng=rng: draw(rng, x))(x) ** 2)
        with pytest.raises(TapeError, match=r"other values .*ag\.checkpoint\(f\)\(x, rng"):
            y.backward()
        assert x.grad is None and ag.is_recording()


def test_a_counter_is_refused_and_a_rounding_error_is_not() -> None:
    counts = [1.0, 1.0 + 1e-15, 1.0, 2.0]
    f = ag.checkpoint(lambda x: np.exp(x * counts.pop(0)))
    x = ag.Tensor(X, requires_grad=True)
    np.sum(f(x)).backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(X), rtol=1e-14)
    sizes = [1, 2]
    for changing in (f, ag.checkpoint(lambda x: x[: sizes.pop()] * 2.0)):
        with pytest.raises(TapeError, match="other values"):
            np.sum(changing(x)).backward()


def test_a_generator_that_is_preserved_is_set_back() -> None:
    rng = np.random.default_rng(0)
    handle = ag.preserve(lambda: rng.bit_generator.state, lambda s: setattr(rng.bit_generator, "state", s))
    f = ag.checkpoint(lambda x: np.sum(x * rng.normal(size=x.shape)))
    x = ag.Tensor(X, requires_grad=True)
    f(x).backward()
    expected = np.random.default_rng(0)
    np.testing.assert_array_equal(x.grad.numpy(), expected.normal(size=X.shape))
    assert rng.random() == expected.random()
    y = f(x)
    handle.remove()
    with pytest.raises(TapeError, match="other values"):
        y.backward()


def test_an_error_in_the_segment_leaves_the_generators() -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        y = nn.functional.dropout(x, 0.5)
        if len(calls) > 1:
            raise RuntimeError
        return y

    y = np.sum(ag.checkpoint(f)(ag.Tensor(X, requires_grad=True)))
    before = state()
    with pytest.raises(RuntimeError):
        y.backward()
    assert state() == before and not ag.is_recomputing()


# -- what a layer changes when it is called --------------------------------------------------------


def layers() -> dict[str, Any]:
    return {
        "BatchNorm1d": nn.BatchNorm1d(4),
        "BatchNorm1d, averaged": nn.BatchNorm1d(4, momentum=None),
        "BatchNorm2d": nn.Sequential(nn.Unflatten(1, (4, 1, 1)), nn.BatchNorm2d(4), nn.Flatten()),
        "InstanceNorm1d": nn.Sequential(
            nn.Unflatten(1, (2, 2)), nn.InstanceNorm1d(2, track_running_stats=True), nn.Flatten()
        ),
        "spectral_norm": nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)),
    }


@pytest.mark.parametrize("name", layers())
def test_running_values_move_once(name: str) -> None:
    results = []
    for wrap in (lambda f: f, ag.checkpoint):
        nn.manual_seed(0)
        layer = layers()[name]
        for k in range(2):
            x = ag.Tensor((X * (k + 1)).astype(np.float32), requires_grad=True)
            y = wrap(layer)(x)
            np.sum(y * np.arange(4.0, dtype=np.float32) ** 2).backward()
        results.append([x.grad.numpy(), *(np.array(b) for b in layer.buffers())])
        results[-1] += [p.grad.numpy() for p in layer.parameters()]
    assert len(results[0]) > 2
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [KeyError, TypeError, ValueError, ZeroDivisionError, AssertionError])
def test_what_the_function_raises_the_second_time_is_its_own_exception(kind):
    calls = []

    def f(x):
        calls.append(x)
        if len(calls) == 2:
            raise kind("mine")
        return x * 2.0

    y = ag.checkpoint(f)(ag.Tensor(np.ones(3), requires_grad=True))
    with pytest.raises(kind, match="mine") as raised:
        y.sum().backward()
    assert not isinstance(raised.value, ag.AutogradLiteError)
    assert ag.is_recording()
