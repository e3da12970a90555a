"""`np.seterr(all="raise")`: exact results do not raise; a user's own computation raises as in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn

F = nn.functional

POINTS = [
    np.array([[-1000.0, 0.0, 1000.0, 0.5], [1.0, 2.0, -50.0, 50.0]]),
    np.array([[1e-200, -1e-200, 1e-300, 0.0], [1.0, 2.0, 3.0, 4.0]]),
    np.array([[-745.0, 709.0, 38.0, -38.0], [5.0, -5.0, 700.0, -700.0]]),
    np.array([[1e-30, 1e-25, 1e-38, 0.0], [1.0, 2.0, -1.0, 0.0]], np.float32),
    np.array([[-100.0, 100.0, 50.0, -50.0], [5.0, -5.0, 88.0, -88.0]], np.float32),
]
LABELS, SHARES = np.array([0, 1]), np.array([[0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0]])

EXACT: dict[str, Callable[[Any], Any]] = {
    "sigmoid": ag.sigmoid,
    "softplus": ag.softplus,
    "erf": ag.erf,
    "relu": ag.relu,
    "logsumexp": lambda x: ag.logsumexp(x, axis=1),
    "softmax": ag.softmax,
    "log_softmax": ag.log_softmax,
    "norm": lambda x: np.linalg.norm(x, axis=1),
    "3-norm": lambda x: np.linalg.norm(x, 3, axis=1),
    "maximum": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "arctan": np.arctan,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "elu": F.elu,
    "selu": F.selu,
    "leaky_relu": F.leaky_relu,
    "logsigmoid": F.logsigmoid,
    "cross_entropy": lambda x: F.cross_entropy(x, LABELS),
    "binary_cross_entropy_with_logits": lambda x: F.binary_cross_entropy_with_logits(x, SHARES),
    "mse_loss": lambda x: F.mse_loss(x, SHARES),
    "huber_loss": lambda x: F.huber_loss(x, SHARES),
    "smooth_l1_loss": lambda x: F.smooth_l1_loss(x, SHARES),
    "layer_norm": lambda x: F.layer_norm(x, (4,)),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x),
    "normalize": F.normalize,
}


def value_and_gradients(f: Callable[[Any], Any], array: Any) -> list[Any]:
    x = ag.Tensor(array, requires_grad=True)
    y = f(x)
    np.sum(y).backward(create_graph=True)
    slope = x.grad
    results = [y.numpy(), slope.numpy()]
    if slope.requires_grad:
        x.grad = None
        np.sum(slope).backward()
        results.append(x.grad.numpy())
    return results


@pytest.fixture
def raising() -> Iterator[None]:
    with np.errstate(all="raise"):
        yield


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("point", range(len(POINTS)))
def test_exact_results_do_not_raise(name: str, point: int) -> None:
    with np.errstate(all="ignore"):
        expected = value_and_gradients(EXACT[name], POINTS[point])
    with np.errstate(all="raise"):
        got = value_and_gradients(EXACT[name], POINTS[point])
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_state_is_the_users_again_afterwards(raising: None) -> None:
    for f in (ag.sigmoid, ag.softmax, F.gelu, F.relu, nn.Linear(2, 2)):
        f(np.float32([[-1000.0, 0.0]]))
        assert set(np.geterr().values()) == {"raise"}
    ag.grad(lambda x: np.sum(ag.sigmoid(x)))(np.array([-1000.0]))
    assert set(np.geterr().values()) == {"raise"}


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.log(x * 0.0),
        lambda x: 1.0 / (x * 0.0),
        lambda x: np.exp(x * 1e4),
        lambda x: (x * 1e-200) * 1e-200,
        lambda x: np.sqrt(x - 3.0),
    ],
)
def test_what_a_user_computes_raises_as_in_numpy(f: Callable[[Any], Any], raising: None) -> None:
    for x in (np.array([1.0, 2.0]), ag.Tensor([1.0, 2.0], requires_grad=True)):
        with pytest.raises(FloatingPointError):
            f(x)


def test_so_do_a_users_own_kernels(raising: None) -> None:
    @ag.fused(lambda x: (np.log(x), x), lambda g, x, needs: (g / x,))
    def own(x: Any) -> Any:
        return np.log(x)

    with pytest.raises(FloatingPointError):
        own(ag.Tensor(0.0, requires_grad=True))


def test_edges_of_domains_are_infinite_in_the_backward_pass(raising: None) -> None:
    assert ag.grad(np.sqrt)(0.0) == np.inf
    np.testing.assert_array_equal(
        ag.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)))(np.array([0.0, 4.0])), [0.0, 0.25]
    )


@pytest.mark.parametrize(
    "make", [nn.optim.SGD, nn.optim.Adam, nn.optim.RMSprop, nn.optim.Adagrad, nn.optim.Rprop]
)
def test_a_step_along_tiny_gradients(make: Any, raising: None) -> None:
    p = nn.Parameter(np.ones(3, np.float32))
    optimizer = make([p], lr=0.01)
    for _ in range(3):
        p.grad = np.array([1e-30, 1e-38, 0.0], np.float32)
        nn.utils.clip_grad_norm_([p], 1.0)
        optimizer.step()
    assert np.isfinite(p.numpy()).all()


def test_a_network_is_trained(raising: None) -> None:
    X = np.linspace(-100, 100, 80, dtype=np.float32).reshape(20, 4)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Linear(8, 3))
    history = nn.Trainer(model, F.cross_entropy, nn.optim.Adam(model.parameters())).fit(
        X, np.arange(20) % 3, epochs=3, batch_size=5
    )
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_of_small_gradients_goes_on(search: str | None) -> None:
    p, scale = nn.Parameter(np.ones(3)), 1e-170
    optimizer = nn.optim.LBFGS([p], tolerance_grad=0.0, tolerance_change=0.0, line_search_fn=search)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = np.sum(p * p) * scale
        loss.backward()
        return loss

    with np.errstate(all="raise"):
        optimizer.step(closure)
        assert np.geterr()["under"] == "raise"
    assert np.isfinite(p.numpy()).all()


def test_lbfgs_leaves_the_closure_what_the_user_set() -> None:
    p = nn.Parameter(np.ones(3))
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        nn.optim.LBFGS([p]).step(lambda: np.sum(p * 1e-200 * 1e-200))
