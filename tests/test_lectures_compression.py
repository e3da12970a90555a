"""The methods of the lecture program `compression`: densities, noise, and what they leave of a net."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.figure import Figure

import autograd_lite as ag
import nn
from examples import program
from examples.lectures import compression
from examples.lectures._compression import (
    GroupHorseshoe,
    GroupNormalJeffreys,
    SoftWeightSharing,
    SparseVariationalDropout,
    Sparsified,
    from_scale_free,
    in_place_of_layers,
)
from examples.lectures.compression import METHODS, Plan, Small, choice, kept, layers, learner, useful
from nn.compression import Encoded

stats = pytest.importorskip("scipy.stats", reason="SciPy's densities are the reference")
Array = npt.NDArray[Any]

QUANTILES = (np.arange(100_000) + 0.5) / 100_000
"""The mean of f(quantile(p)) over these is the expectation of f, to the digits tested here."""


def divergence(q: Any, *densities: Any) -> float:
    """Of a density from others whose logarithms add up."""
    x = q.ppf(QUANTILES)
    return float(np.mean(q.logpdf(x) - sum(p.logpdf(x) for p in densities)))


# -- costs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("log_noise", [-8.0, -2.0, 0.0, 1.0, 4.0, 9.0])
def test_the_divergence_from_a_scale_free_density(log_noise: float) -> None:
    """KL = E log |1 + sqrt(noise) e| - log(noise) / 2 - E log |e|, so that it is 0 at infinity."""
    e = stats.norm.ppf(QUANTILES)
    exact = np.mean(np.log(np.abs(np.exp(-log_noise / 2) + e)) - np.log(np.abs(e)))
    assert float(from_scale_free(np.float64(log_noise))) == pytest.approx(exact, abs=0.02)  # a fit


def test_the_divergence_of_the_horseshoe() -> None:
    nn.manual_seed(0)
    part = GroupHorseshoe(nn.Linear(3, 2))
    part.logs.data = part.logs.data + np.array([[0.5, -1, 2], [1, 0, -0.3]], np.float32)
    part.log_variances.data = np.array([[-3, -1, 0.2], [0.1, -2, -4]], np.float32)
    exact = 0.0
    for means, variances, density in zip(
        part.logs.data.astype(float),
        part.log_variances.data.astype(float),
        (stats.gamma(0.5, scale=part.SCALE**2), stats.invgamma(0.5)),
        strict=True,
    ):
        for mean, deviation in zip(means, np.exp(0.5 * variances), strict=True):
            exact += divergence(stats.lognorm(deviation, scale=np.exp(mean)), density)
    assert part.divergence().item() == pytest.approx(exact, rel=1e-3)


def test_a_half_cauchy_factor_is_what_the_horseshoe_stands_for() -> None:
    """sqrt(a b) of Gamma(1/2, scale^2) and the inverse of Gamma(1/2, 1), by its quantiles."""
    rng, scale = np.random.default_rng(0), 0.3
    factor = np.sqrt(rng.gamma(0.5, scale**2, 100_000) / rng.gamma(0.5, 1, 100_000))
    below = [np.mean(factor < stats.halfcauchy(scale=scale).ppf(p)) for p in (0.25, 0.5, 0.9)]
    np.testing.assert_allclose(below, [0.25, 0.5, 0.9], atol=5 * 0.5 / 100_000**0.5)  # 5 standard errors


def test_the_divergence_of_weights_in_groups() -> None:
    nn.manual_seed(1)
    part = GroupNormalJeffreys(nn.Linear(4, 2))
    part.log_variance.data = np.linspace(-4, 1, 8, dtype=np.float32).reshape(2, 4)
    pairs = zip(part.layer.weight.data.ravel(), part.log_variance.data.ravel(), strict=True)
    exact = sum(divergence(stats.norm(float(w), np.exp(0.5 * float(v))), stats.norm(0, 1)) for w, v in pairs)
    assert (part.cost() - part.divergence()).item() == pytest.approx(exact, rel=1e-3)
    assert part.divergence().item() == pytest.approx(4 * float(from_scale_free(np.float64(-3))), rel=1e-5)


def test_soft_weight_sharing_is_a_mixture_of_normal_densities() -> None:
    nn.manual_seed(2)
    layer = nn.Linear(2001, 1)
    part = SoftWeightSharing(layer, means=3, zero=0.6)
    part.means.data = np.array([-0.5, 0.1, 0.4], np.float32)
    part.log_precisions.data = np.array([5.0, 4.0, 3.0, 6.0], np.float32)
    part.scores.data = np.array([0.0, 1.0, -1.0], np.float32)
    layer.weight.data = np.linspace(-2, 2, 2001, dtype=np.float32)[None]
    shares = np.array([0.6, *(0.4 * np.exp([0, 1, -1]) / np.exp([0, 1, -1]).sum())])
    deviations = np.exp(-0.5 * part.log_precisions.data)
    means = np.array([0, *part.means.data])
    w = layer.weight.data[0]
    exact = np.array([s * stats.norm(m, d).pdf(w) for s, m, d in zip(shares, means, deviations, strict=True)])
    found = np.exp(part.log_densities().numpy())
    np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-6)
    assert np.trapezoid(found.sum(axis=0), w) == pytest.approx(1, abs=1e-3)
    np.testing.assert_array_equal(part.weights()[0], means[exact.argmax(axis=0)].astype(np.float32))
    ratio = np.exp(part.log_precisions.data) * part.width**2
    prior = 20.01 * np.sum(ratio - np.log(ratio))
    assert part.cost().item() == pytest.approx(prior - np.log(exact.sum(axis=0)).sum(), rel=1e-4)


# -- noise -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [SparseVariationalDropout, GroupNormalJeffreys, GroupHorseshoe])
def test_outputs_have_the_mean_and_the_variance_of_the_weights(method: Any) -> None:
    nn.manual_seed(3)
    layer = nn.Linear(5, 3)
    before, bias = layer.weight.data.astype(float).copy(), layer.bias.data.astype(float)
    part = method(layer)
    part.log_variance.data = part.log_variance.data + 2
    x, n = np.array([1.0, -2.0, 0.5, 0.0, 3.0], np.float32), 40_000
    outputs = part(np.tile(x, (n, 1))).numpy()
    means = part.means().numpy() if isinstance(part.means(), ag.Tensor) else part.means()
    np.testing.assert_allclose(means, before, rtol=0.1)  # E[log-normal] is a little more than its median
    mean, variance = x @ means.T + bias, x**2 @ (np.exp(part.log_noise().numpy()) * means**2).T
    np.testing.assert_allclose(outputs.mean(axis=0), mean, atol=5 * (variance.max() / n) ** 0.5)
    # A factor of all outputs makes the tails heavy; 8 standard errors of a normal density are 5 of this one.
    np.testing.assert_allclose(outputs.var(axis=0), variance, rtol=8 * (2 / n) ** 0.5)
    np.testing.assert_allclose(part.eval()(x[None]).numpy()[0], mean, rtol=1e-5)


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("method", [SparseVariationalDropout, GroupNormalJeffreys, GroupHorseshoe])
def test_a_convolution_is_noisy_too(method: Any, padding: int) -> None:
    nn.manual_seed(4)
    layer = nn.Conv2d(2, 3, 2, padding=padding)
    part = method(layer)
    n = 20_000
    x = np.tile(np.random.default_rng(0).normal(size=(1, 2, 2, 2)).astype(np.float32), (n, 1, 1, 1))
    outputs = part(x).numpy()[:, :, 0, 0]
    deviations = outputs.std(axis=0)
    expected = part.eval()(x[:1]).numpy()[0, :, 0, 0]
    assert deviations.min() > 1e-3
    np.testing.assert_allclose(outputs.mean(axis=0), expected, atol=5 * deviations.max() / n**0.5)


def test_the_moments_of_a_horseshoe_are_those_of_both_densities() -> None:
    part = GroupHorseshoe(nn.Linear(2, 2))
    part.log_variances.data = np.array([[-1.0, 0.0], [-2.0, 0.5]], np.float32)
    first, second = (moment.numpy() for moment in part.moments())
    a, b = (
        np.exp(mean[:, None] + np.exp(0.5 * v)[:, None] * stats.norm.ppf(QUANTILES))
        for mean, v in zip(part.logs.data, part.log_variances.data, strict=True)
    )
    np.testing.assert_allclose(first, np.mean(a**0.5, axis=1) * np.mean(b**0.5, axis=1), rtol=1e-3)
    np.testing.assert_allclose(second, np.mean(a, axis=1) * np.mean(b, axis=1), rtol=1e-2)  # of the tail


# -- what is left ----------------------------------------------------------------------------------


def perceptron() -> nn.Sequential:
    """A small net for the digits of 8x8."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 10))


def convolutional() -> nn.Sequential:
    """A small net with pooling."""
    return nn.Sequential(
        *(nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 6), nn.ReLU(), nn.Linear(6, 2))
    )


@pytest.mark.parametrize("build", [perceptron, convolutional])
def test_a_weight_is_useful_if_an_output_depends_on_it(build: Any) -> None:
    nn.manual_seed(5)
    rng, model = np.random.default_rng(5), build().eval()
    for layer in layers(model):
        layer.weight.data = np.where(rng.random(layer.weight.shape) < 0.3, np.abs(layer.weight.data), 0)
        layer.bias.data = np.abs(layer.bias.data)
    layers(model)[-1].weight.data[:, 1:4] = 0  # the output of three neurons is not read
    model(np.ones((2, 1, 8, 8), np.float32)).sum().backward()  # gradients of earlier, which do not matter
    X = rng.random((4, 1, 8, 8), np.float32) * (rng.random((1, 8, 8)) < 0.7)
    masks = useful(model, X)
    left = [layer.weight.numpy() != 0 for layer in layers(model)]
    assert sum(mask.sum() for mask in masks) < sum(mask.sum() for mask in left)
    with ag.no_grad():
        before = model(X.max(axis=0, keepdims=True)).numpy()
        for layer, mask in zip(layers(model), masks, strict=True):
            weights = layer.weight.data
            assert mask.any()
            for index in zip(*np.nonzero(weights), strict=True):
                layer.weight.data = weights.copy()
                layer.weight.data[index] *= 1.5
                changed = model(X.max(axis=0, keepdims=True)).numpy()
                assert (np.abs(changed - before).max() > 1e-7) == mask[index]
            layer.weight.data = weights


def learned(build: Callable[[], nn.Sequential]) -> tuple[nn.Sequential, Any, Any]:
    """A net that knows the digits of 8x8, and its data."""
    (X, y), (X_test, y_test) = (nn.datasets.load_digits(part) for part in ("train", "test"))
    train, test = (X.reshape(-1, 1, 8, 8), y), (X_test.reshape(-1, 1, 8, 8), y_test)
    nn.manual_seed(0)
    dense = build()

    def fit(name: str, trainer: nn.Trainer, *data: Any, **options: Any) -> nn.History:
        return trainer.fit(*data, **options)

    learn = learner("digits", train, fit, verbose=False)
    learn("dense", dense, 20, 1e-2)
    return dense, (train, test), learn


@pytest.fixture(scope="module")
def digits() -> tuple[nn.Sequential, Any, Any]:
    """A dense net that has learned, and its data."""
    return learned(perceptron)


@pytest.fixture(scope="module")
def small_lenet() -> tuple[nn.Sequential, Any, Any]:
    """A net with convolutions that has learned, and its data."""
    return learned(
        lambda: nn.Sequential(
            *(nn.Conv2d(1, 8, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.Flatten()),
            *(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)),
        )
    )


@pytest.mark.few(5)
@pytest.mark.parametrize("method", sorted(METHODS, key="variational dropout".__ne__))
def test_a_method_drops_weights_and_keeps_what_the_net_knows(
    digits: tuple[nn.Sequential, Any, Any], method: str
) -> None:
    check_method(digits, method)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_method_drops_weights_of_convolutions(
    small_lenet: tuple[nn.Sequential, Any, Any], method: str
) -> None:
    check_method(small_lenet, method, most=0.8, epochs=4)


def check_method(
    digits: tuple[nn.Sequential, Any, Any], method: str, most: float = 0.6, epochs: int = 0
) -> None:
    """Of the weights without a cost, at most such a fraction remains with one, and the net still reads.

    A small net of convolutions has fewer weights to spare, and some epochs to learn after its loss.
    """
    dense, (train, test), learn = digits
    nn.manual_seed(0)
    amounts = []
    for strength in (0.0, 1.0):
        noisy = in_place_of_layers(dense, METHODS[method])
        learn(method, noisy, 12, 5e-3, strength)
        small = kept(noisy, dense)
        weights, learned = (
            np.concatenate([layer.weight.numpy().ravel() for layer in of])
            for of in (layers(small), [part.layer for part in noisy if isinstance(part, Sparsified)])
        )
        shared = method == "soft weight sharing"  # weights gather at the means, few of which are 0 here
        amounts.append(np.mean(np.abs(weights - learned)) if shared else np.mean(weights != 0))
    assert compression.error_of(dense, test) < 0.06
    if epochs:
        small = compression.retrained("left", small, train[0], epochs, 2e-3, learn)
    assert compression.error_of(small, test) < 0.12
    assert amounts[1] < most * amounts[0]


def test_validation_digits_choose_the_smallest_that_they_allow() -> None:
    def code(n: int) -> Any:
        return compression.Compressed({"weight": Encoded.of(np.arange(n))})

    found = [Small(0, code(400), 0.01), Small(1, code(90), 0.019), Small(2, code(50), 0.03)]
    assert [choice(found, limit).strength for limit in (0.005, 0.015, 0.019, 0.05)] == [0, 0, 1, 2]


def test_a_code_holds_the_net_in_few_values(digits: tuple[nn.Sequential, Any, Any]) -> None:
    dense, (train, test), learn = digits
    nn.manual_seed(0)
    plan = Plan(perceptron, 0.1, (0, 0, 10, 4), 3, {compression.DEEP: (0.4, 0.2)})
    codes = [code for _, code in compression.candidates(compression.DEEP, dense, plan, train, learn)]
    for code, share in zip(codes, (0.4, 0.2), strict=True):
        model = compression.decoded(plan, code)
        weights = [layer.weight.numpy() for layer in layers(model)]
        assert sum((w != 0).sum() for w in weights) <= share * sum(w.size for w in weights) + 1
        assert all(len(np.unique(w[w != 0])) <= 8 for w in weights)
        assert all(len(np.unique(layer.bias.numpy())) <= 8 for layer in layers(model))
        assert compression.error_of(model, test) < 0.12
    assert codes[1].bits < codes[0].bits < codes[0].bits_before / 6
    assert codes[0].decode().keys() == dense.state_dict().keys()


def test_each_net_of_digits_has_all_methods_and_the_vgg_is_one_of_half_the_width() -> None:
    for net in ("LeNet-300-100", "LeNet-5"):
        assert set(compression.PLANS[net].courses) == {compression.DEEP, *METHODS}
    widths = [layer.weight.shape[0] for layer in layers(compression.vgg())]
    vgg16 = [64, 64, 128, 128, 256, 256, 256, *[512] * 6]  # and here one hidden dense layer
    assert [2 * width for width in widths] == [*vgg16, 512, 20]
    assert compression.PLANS["VGG-16, half"].build is compression.vgg


def test_the_test_digits_decide_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def small() -> nn.Sequential:
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.ReLU(), nn.Linear(12, 10))

    plan = Plan(small, 0.02, (8, 1, 2, 1), 3, {compression.DEEP: (0.3, 0.1, 0.02)})
    train, (X, y) = program.handwriting(True)
    monkeypatch.setattr(compression, "QUICK", {"small": plan})
    monkeypatch.setattr(compression, "draw", lambda *found: Figure())
    found = []
    for labels in (y, (y + 1) % 10):
        monkeypatch.setattr(program, "handwriting", lambda quick, labels=labels: (train, (X, labels)))
        found.append(compression.run(True, 0, tmp_path)["small"])
    right, wrong = (each[compression.DEEP] for each in found)
    assert right["strength"] == wrong["strength"] and right["ratio"] == wrong["ratio"]
    assert right["error"] < 0.4 < 0.6 < wrong["error"]
