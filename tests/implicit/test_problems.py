"""Whole problems: a hyperparameter chosen by its gradient, and a net that is a fixed point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn

pytest.importorskip("scipy.optimize", reason="SciPy is not installed")


def test_the_strength_of_ridge_regression_by_the_validation_loss() -> None:
    """Newton's method on the validation loss, with first and second implicit derivatives."""
    rng = np.random.default_rng(4)
    X, V = rng.normal(size=(20, 8)), rng.normal(size=(30, 8))
    truth = rng.normal(size=8)
    y, v = X @ truth + 2 * rng.normal(size=20), V @ truth
    fit = ag.implicit.argmin(lambda w, s, X, y: np.sum((X @ w - y) ** 2) + np.exp(s) * np.sum(w**2))

    def validation(s: Any) -> Any:
        return np.mean((V @ fit(np.zeros(8), s, X, y) - v) ** 2)

    values, directions = np.linalg.eigh(X.T @ X)

    def closed(s: Any) -> Any:
        w = directions @ ((directions.T @ (X.T @ y)) / (values + np.exp(s)))
        return np.mean((V @ w - v) ** 2)

    np.testing.assert_allclose(ag.grad(validation)(0.5), ag.grad(closed)(0.5), rtol=1e-7)
    s = 2.0
    for _ in range(6):
        s = s - ag.grad(validation)(s) / ag.grad(ag.grad(validation))(s)
    around = np.linspace(s - 1, s + 1, 21)
    assert np.argmin([closed(s) for s in around]) == 10
    np.testing.assert_allclose(ag.grad(closed)(s), 0, atol=1e-7)


def test_an_equilibrium_net() -> None:
    """The hidden layer is the fixed point of tanh(W z + U x); fifty recorded layers have its gradients."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(16, 2))
    labels = np.sign(x[:, 0] * x[:, 1])
    net = {"W": rng.normal(size=(6, 6)) / 8, "U": rng.normal(size=(2, 6)), "v": rng.normal(size=6) / 2}
    layer = lambda z, net: np.tanh(z @ net["W"] + x @ net["U"])
    equilibrium = ag.implicit.fixed_point(layer, linear="gmres")
    start = np.zeros((16, 6))

    def loss(net: Any) -> Any:
        return np.mean(ag.softplus(-labels * (equilibrium(start, net) @ net["v"])))

    def deep(net: Any) -> Any:
        z = start
        for _ in range(50):
            z = layer(z, net)
        return np.mean(ag.softplus(-labels * (z @ net["v"])))

    got, expected = ag.grad(loss)(net), ag.grad(deep)(net)
    for name in net:
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-7, atol=1e-9)
    before = loss(net)
    for _ in range(10):
        gradient = ag.grad(loss)(net)
        net = {name: net[name] - 0.5 * gradient[name] for name in net}
    assert loss(net) < 0.95 * before


def test_a_module_of_nn_in_an_equilibrium() -> None:
    nn.manual_seed(0)
    cell = nn.Linear(3, 3, dtype=np.float64)
    x = np.linspace(-1, 1, 6).reshape(2, 3)
    layer = lambda z, w: np.tanh(nn.functional_call(cell, w, (z,)) / 2 + x)
    z = ag.implicit.fixed_point(layer)(np.zeros((2, 3)), dict(cell.named_parameters()))
    np.sum(z**2).backward()
    got = cell.weight.grad.numpy().copy()
    cell.zero_grad()
    z = np.zeros((2, 3))
    for _ in range(50):
        z = layer(z, dict(cell.named_parameters()))
    np.sum(z**2).backward()
    np.testing.assert_allclose(got, cell.weight.grad.numpy(), rtol=1e-8, atol=1e-12)
