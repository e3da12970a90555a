"""Distributions: densities, moments and gradients against PyTorch and SciPy; samples against moments."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import mpmath
import numpy as np
import pytest

import autograd_lite as ag
import nn.torch
from autograd_lite.errors import (
    AutogradLiteError,
    NotDifferentiableError,
    OptionError,
    ShapeError,
    UnsupportedError,
)
from nn.torch import distributions as ours
from nn.torch.distributions import constraints
from nn.torch.gammas import digamma, erfinv, gamma_slope, lgamma, polygamma

A = np.array([0.4, 1.3, 2.5])
B = np.array([1.7, 0.6, 3.2])
P = np.array([0.2, 0.5, 0.85])
ROWS = np.array([[0.3, 1.2, 0.5], [2.0, 0.7, 1.1]])
SIMPLEX = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
TRIL = np.array([[1.2, 0.0], [0.4, 0.8]])
COVARIANCE = TRIL @ TRIL.T
PAIR = np.array([[0.5, -1.0], [2.0, 0.3], [0.0, 0.1]])

CASES: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], Any]] = {
    "Normal": ("Normal", (A, B), {}, B - 1),
    "HalfNormal": ("HalfNormal", (A,), {}, B),
    "LogNormal": ("LogNormal", (A, B), {}, B),
    "Uniform": ("Uniform", (A, A + B), {}, A + 0.3 * B),
    "Exponential": ("Exponential", (A,), {}, B),
    "Laplace": ("Laplace", (A, B), {}, B),
    "Cauchy": ("Cauchy", (A, B), {}, B - 1),
    "Gumbel": ("Gumbel", (A, B), {}, B - 1),
    "Gamma": ("Gamma", (A, B), {}, B),
    "Chi2": ("Chi2", (A,), {}, B),
    "Beta": ("Beta", (A, B), {}, P),
    "Dirichlet": ("Dirichlet", (ROWS,), {}, SIMPLEX),
    "Gamma of shape 1": ("Gamma", (np.ones(3), B), {}, B),
    "Beta of ones": ("Beta", (np.ones(3), np.ones(3)), {}, P),
    "Dirichlet of ones": ("Dirichlet", (np.ones((2, 3)),), {}, SIMPLEX),
    "StudentT": ("StudentT", (A + 2, A, B), {}, B),
    "Bernoulli": ("Bernoulli", (P,), {}, np.array([0.0, 1.0, 1.0])),
    "Bernoulli logits": ("Bernoulli", (), {"logits": A}, np.array([0.0, 1.0, 1.0])),
    "Geometric": ("Geometric", (P,), {}, np.array([0.0, 3.0, 1.0])),
    "Binomial": ("Binomial", (5, P), {}, np.array([0.0, 5.0, 2.0])),
    "Poisson": ("Poisson", (A,), {}, np.array([0.0, 3.0, 1.0])),
    "Categorical": ("Categorical", (ROWS,), {}, np.array([0, 2])),
    "Categorical logits": ("Categorical", (), {"logits": ROWS}, np.array([[0, 2], [1, 1]])),
    "OneHotCategorical": ("OneHotCategorical", (ROWS,), {}, np.eye(3)[:2]),
    "HalfCauchy": ("HalfCauchy", (A,), {}, B),
    "Weibull": ("Weibull", (A, B), {}, B),
    "Pareto": ("Pareto", (A, B + 2), {}, A + B),
    "InverseGamma": ("InverseGamma", (A + 2, B), {}, B),
    "NegativeBinomial": ("NegativeBinomial", (5, P), {}, np.array([0.0, 7.0, 2.0])),
    "Multinomial": ("Multinomial", (4, SIMPLEX), {}, np.array([[1.0, 2.0, 1.0], [4.0, 0.0, 0.0]])),
    "RelaxedBernoulli": ("RelaxedBernoulli", (0.7, P), {}, P[::-1].copy()),
    "RelaxedOneHotCategorical": ("RelaxedOneHotCategorical", (0.7, SIMPLEX), {}, SIMPLEX[::-1].copy()),
    "MultivariateNormal": ("MultivariateNormal", (A[:2], COVARIANCE), {}, PAIR),
    "MultivariateNormal scale_tril": ("MultivariateNormal", (PAIR,), {"scale_tril": TRIL}, PAIR + 0.3),
    "MultivariateNormal precision": ("MultivariateNormal", (A[:2],), {"precision_matrix": COVARIANCE}, PAIR),
}
"""For each case the family, its parameters, and values."""

torch_only = pytest.mark.torch


def made(torch: Any, case: str) -> tuple[Any, list[Any], Any]:
    """A distribution of a library, its parameters as leaves, and the values."""
    family, args, kwargs, value = CASES[case]
    leaves: list[Any] = []

    def leaf(x: Any) -> Any:
        if not isinstance(x, np.ndarray):
            return x
        leaves.append(torch.tensor(x, requires_grad=True))
        return leaves[-1]

    if family.startswith("Relaxed"):
        args = (torch.tensor(args[0], dtype=torch.float64), *args[1:])
    kind = getattr(torch.distributions, family)
    dist = kind(*map(leaf, args), **{k: leaf(v) for k, v in kwargs.items()})
    return dist, leaves, torch.tensor(value)


QUANTITIES = ("mean", "variance", "stddev", "mode", "log_prob", "entropy", "cdf", "icdf")
CLOSE = {"rtol": 1e-11, "atol": 1e-12}


def quantity(torch: Any, case: str, name: str) -> tuple[Any, list[Any]] | None:
    """A quantity of a distribution, and the gradients of its sum."""
    dist, leaves, value = made(torch, case)
    try:
        found = getattr(dist, name)
        if name in ("log_prob", "cdf"):
            found = found(value)
        elif name == "icdf":
            found = found(torch.tensor(P))
        elif name == "entropy":
            found = found()
    except (NotImplementedError, AttributeError):
        return None
    grads = [None] * len(leaves)
    if found.requires_grad and np.isfinite(np.asarray(found.detach())).all():
        with contextlib.suppress(NotImplementedError):  # PyTorch has no derivative of gammainc by its shape
            grads = torch.autograd.grad(found.sum(), leaves, allow_unused=True)
    return np.asarray(found.detach()), [g if g is None else np.asarray(g.detach()) for g in grads]


@torch_only
@pytest.mark.parametrize("case", CASES)
def test_quantities_and_their_gradients_are_those_of_pytorch(case: str, torch: Any) -> None:
    compared = 0
    for name in QUANTITIES:
        theirs = quantity(torch, case, name)
        mine = quantity(nn.torch, case, name)
        if theirs is None:
            continue
        if mine is None:
            assert name in ("cdf", "icdf", "mode"), name
            continue
        known = np.isfinite(theirs[0]) | (name != "mode")  # PyTorch has NaN for a mode at the edge
        # PyTorch takes the factorial in the entropy of a Multinomial in single precision.
        close = {"rtol": 1e-7} if (case, name) == ("Multinomial", "entropy") else CLOSE
        np.testing.assert_allclose(mine[0][known], theirs[0][known], **close, err_msg=name)
        for g, h in zip(mine[1], theirs[1], strict=True):
            if h is not None and g is not None and name != "mode":  # the mode has kinks
                # PyTorch's trigamma has eight digits.
                np.testing.assert_allclose(g, h, rtol=1e-8, atol=1e-9, err_msg=f"gradient of {name}")
        compared += 1
    assert compared >= (1 if "Relaxed" in case else 3)


@torch_only
@pytest.mark.parametrize("case", CASES)
def test_shapes_and_expand(case: str, torch: Any) -> None:
    mine, _, _ = made(nn.torch, case)
    theirs, _, _ = made(torch, case)
    nn.torch.manual_seed(0)
    for p, q in (
        (mine, theirs),
        (mine.expand((4, *mine.batch_shape)), theirs.expand((4, *mine.batch_shape))),
    ):
        assert tuple(p.batch_shape) == tuple(q.batch_shape) and tuple(p.event_shape) == tuple(q.event_shape)
        for shape in ((), (2, 5)):
            x = p.sample(shape)
            assert isinstance(x, nn.torch.Tensor) and not x.requires_grad
            assert tuple(x.shape) == tuple(q.sample(shape).shape)
            assert tuple(p.log_prob(x).shape) == tuple(x.shape)[: x.ndim - len(p.event_shape)]


PAIRS = [
    ("Normal", (A, B), (B, A)),
    ("HalfNormal", (A,), (B,)),
    ("LogNormal", (A, B), (B, A)),
    ("Bernoulli", (P,), (P[::-1].copy(),)),
    ("Binomial", (5, P), (5, P[::-1].copy())),
    ("Geometric", (P,), (P[::-1].copy(),)),
    ("Poisson", (A,), (B,)),
    ("Categorical", (ROWS,), (ROWS[::-1].copy(),)),
    ("OneHotCategorical", (ROWS,), (ROWS[::-1].copy(),)),
    ("Exponential", (A,), (B,)),
    ("Laplace", (A, B), (B, A)),
    ("Uniform", (A, A + B), (A - 1, A + 2 * B)),
    ("Cauchy", (A, B), (B, A)),
    ("Gumbel", (A, B), (B, A)),
    ("Gamma", (A, B), (B, A)),
    ("Beta", (A, B), (B, A)),
    ("Dirichlet", (ROWS,), (ROWS[::-1].copy(),)),
    ("MultivariateNormal", (A[:2], COVARIANCE), (B[:2], np.eye(2) * 2)),
]


@torch_only
@pytest.mark.parametrize(("family", "first", "second"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_kl_divergences_are_those_of_pytorch(family: str, first: Any, second: Any, torch: Any) -> None:
    def kl(library: Any) -> tuple[Any, list[Any]]:
        leaves: list[Any] = []

        def leaf(x: Any) -> Any:
            if isinstance(x, int):
                return x
            leaves.append(library.tensor(x, requires_grad=True))
            return leaves[-1]

        kind = getattr(library.distributions, family)
        value = library.distributions.kl_divergence(kind(*map(leaf, first)), kind(*map(leaf, second)))
        grads = library.autograd.grad(value.sum(), leaves)
        return np.asarray(value.detach()), [np.asarray(g) for g in grads]

    (mine, own), (theirs, its) = kl(nn.torch), kl(torch)
    np.testing.assert_allclose(mine, theirs, **CLOSE)
    for g, h in zip(own, its, strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-9, atol=1e-10)


SCIPY = {
    "Normal": ("norm", (A, B), B),
    "Laplace": ("laplace", (A, B), B),
    "Cauchy": ("cauchy", (A, B), B),
    "Gumbel": ("gumbel_r", (A, B), B),
    "Beta": ("beta", (A, B), P),
    "Poisson": ("poisson", (A,), np.array([0.0, 3.0, 1.0])),
    "Bernoulli": ("bernoulli", (P,), np.array([0.0, 1.0, 1.0])),
    "StudentT": ("t", (A, B, A), B),
    "Chi2": ("chi2", (A,), B),
}


@pytest.mark.parametrize("family", SCIPY)
def test_densities_are_those_of_scipy(family: str) -> None:
    stats = pytest.importorskip("scipy.stats")
    name, parameters, value = SCIPY[family]
    theirs = getattr(stats, name)(*parameters)
    mine = getattr(ours, family)(*map(nn.torch.tensor, parameters))
    log_density = (
        theirs.logpdf if hasattr(theirs.dist, "_pdf") and hasattr(theirs, "logpdf") else theirs.logpmf
    )
    if family in ("Poisson", "Bernoulli"):
        log_density = theirs.logpmf
    np.testing.assert_allclose(mine.log_prob(nn.torch.tensor(value)).numpy(), log_density(value), rtol=1e-12)


# -- samples ---------------------------------------------------------------------------------------


HEAVY = ("Cauchy", "HalfCauchy", "StudentT", "Pareto", "InverseGamma")
"""Families whose means of samples have no normal distribution."""


@pytest.mark.parametrize("case", [c for c in CASES if c not in HEAVY and "Relaxed" not in c])
def test_samples_have_the_moments(case: str) -> None:
    dist, _, _ = made(nn.torch, case)
    nn.torch.manual_seed(1)
    x = dist.sample((4000,)).numpy()
    if "Categorical" in case and "OneHot" not in case:
        x, mean = np.eye(3)[x], dist.probs.detach().numpy()
        variance = mean * (1 - mean)
    else:
        mean, variance = dist.mean.detach().numpy(), dist.variance.detach().numpy()
    # Six standard errors of the mean: a right sampler exceeds them once in 10^9 seeds.
    assert np.all(np.abs(x.mean(axis=0) - mean) < 6 * np.sqrt(variance / 4000) + 1e-12)


def test_seeds_repeat_samples() -> None:
    p = ours.Gamma(nn.torch.tensor([0.5, 3.0]), 2.0)
    nn.torch.manual_seed(3)
    first = p.rsample((4,))
    nn.torch.manual_seed(3)
    assert (p.rsample((4,)).numpy() == first.numpy()).all()


def exact_slope(x: float, a: float) -> float:
    """d(x)/d(a) at a fixed quantile, by mpmath."""
    with mpmath.workdps(40):
        step = mpmath.mpf(10) ** -15
        below = [mpmath.gammainc(a + s * step, 0, x, regularized=True) for s in (-1, 1)]
        density = mpmath.mpf(x) ** (mpmath.mpf(a) - 1) * mpmath.exp(-x) / mpmath.gamma(a)
        return float(-(below[1] - below[0]) / (2 * step) / density)


@pytest.mark.parametrize(
    ("a", "x"),
    [
        (0.05, 1e-20),
        (0.05, 3.0),
        (0.5, 0.2),
        (1.0, 13.0),
        (3.0, 2.6),
        (29.0, 60.0),
        (70.0, 50.0),
        (400.0, 399.0),
    ],
)
def test_slopes_of_gamma_samples(a: float, x: float) -> None:
    np.testing.assert_allclose(gamma_slope(x, a), exact_slope(x, a), rtol=1e-12)


def test_gamma_samples_are_differentiated_once() -> None:
    a = nn.torch.tensor(2.0, dtype=np.float64, requires_grad=True)
    nn.torch.manual_seed(0)
    x = ours.Gamma(a, 1.0).rsample()
    (g,) = nn.torch.autograd.grad(x, a, create_graph=True)
    np.testing.assert_allclose(g.item(), exact_slope(x.item(), 2.0), rtol=1e-12)
    with pytest.raises(NotDifferentiableError, match="cannot be differentiated again"):
        nn.torch.autograd.grad(g, a)


@pytest.mark.parametrize(
    ("family", "parameters", "mean"),
    [
        ("Beta", (2.0, 3.0), lambda a, b: a / (a + b)),
        ("Gamma", (2.0, 3.0), lambda a, b: a / b),
        ("Normal", (2.0, 3.0), lambda a, b: a + 0 * b),
        ("Laplace", (2.0, 3.0), lambda a, b: a + 0 * b),
        ("Uniform", (2.0, 3.0), lambda a, b: (a + b) / 2),
    ],
)
def test_gradients_of_samples_average_to_that_of_the_mean(family: str, parameters: Any, mean: Any) -> None:
    leaves = [nn.torch.tensor(v, dtype=np.float64, requires_grad=True) for v in parameters]
    nn.torch.manual_seed(2)
    x = getattr(ours, family)(*leaves).rsample((4000,))
    found = nn.torch.autograd.grad(np.mean(x), leaves)
    exact = ag.grad(mean, (0, 1))(*parameters)
    np.testing.assert_allclose([g.item() for g in found], exact, atol=0.1)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_polygamma(n: int) -> None:
    for x in (1e-3, 0.3, 1.0, 2.5, 11.99, 12.0, 300.0):
        exact = float(mpmath.polygamma(n, x))
        np.testing.assert_allclose(polygamma(n, x), exact, rtol=2e-15, atol=3e-15 if n == 0 else 0)


def test_gamma_functions_have_derivatives_of_every_order() -> None:
    x = np.array([0.3, 1.5, 20.0])
    third = ag.grad(ag.grad(ag.grad(lambda x: np.sum(lgamma(x)))))
    exact = [float(mpmath.polygamma(2, v)) for v in x]
    np.testing.assert_allclose([third(v) for v in x], exact, rtol=1e-14)
    ag.testing.check_grads(lambda x: digamma(x), x)
    ag.testing.check_grads(lambda x: erfinv(x), np.array([-0.9, 0.1, 0.7]))


@pytest.mark.parametrize("function", [lgamma, digamma, erfinv, polygamma])
def test_gamma_functions_are_the_same_without_scipy(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name, first = function.__name__, (1,) * (function is polygamma)
    exact, x = getattr(mpmath, {"lgamma": "loggamma"}.get(name, name)), np.array([0.01, 0.3, 0.7, 0.95])

    def values() -> Any:
        v = nn.torch.tensor(x, requires_grad=True)
        y = getattr(nn.torch, name)(*first, v)
        y.sum().backward()
        return [y.tolist(), v.grad.tolist()]

    def reference(n: int) -> Any:
        if name == "erfinv":
            return [float(mpmath.diff(exact, v, n)) for v in x]
        order = {"lgamma": -1, "digamma": 0, "polygamma": 1}[name] + n
        return [float(mpmath.polygamma(order, v) if order >= 0 else exact(v)) for v in x]

    expected = [reference(0), reference(1)]
    np.testing.assert_allclose(values(), expected, rtol=1e-13)
    monkeypatch.setitem(sys.modules, "scipy", None)
    np.testing.assert_allclose(values(), expected, rtol=1e-13)


@pytest.mark.torch
def test_the_gamma_distribution_function_is_pytorchs(torch: Any) -> None:
    pytest.importorskip("scipy")
    for library in (torch, nn.torch):
        assert library.distributions.Gamma(2.0, 3.0).cdf(library.tensor(0.5)).item() == pytest.approx(
            0.4421746, rel=1e-6
        )
        assert library.distributions.Chi2(3.0).cdf(library.tensor(2.0)).item() == pytest.approx(
            0.4275933, rel=1e-6
        )


# -- transforms, mixtures, and what programs define --------------------------------------------------


def flow(torch: Any) -> tuple[Any, list[Any], Any]:
    d = torch.distributions
    loc, scale = (torch.tensor(v, requires_grad=True) for v in (A, B))
    steps = [
        d.transforms.AffineTransform(loc, scale),
        d.transforms.SigmoidTransform(),
        d.AffineTransform(-1.0, 2.0),
    ]
    return d.TransformedDistribution(d.Normal(loc * 0, scale), steps), [loc, scale], torch.tensor(P - 0.1)


def stick(torch: Any) -> tuple[Any, list[Any], Any]:
    d = torch.distributions
    loc = torch.tensor(PAIR, requires_grad=True)
    base = d.Independent(d.Normal(loc, torch.ones_like(loc)), 1)
    value = torch.tensor(np.array([0.2, 0.5, 0.3]))
    return d.TransformedDistribution(base, d.transforms.StickBreakingTransform()), [loc], value


def stick_of_numbers(torch: Any) -> tuple[Any, list[Any], Any]:
    d = torch.distributions
    loc = torch.tensor(PAIR, requires_grad=True)
    value = torch.tensor(np.array([0.2, 0.5, 0.3]))
    base = d.Normal(loc, torch.ones_like(loc))
    return d.TransformedDistribution(base, [d.transforms.StickBreakingTransform()]), [loc], value


def tanh(torch: Any) -> tuple[Any, list[Any], Any]:
    d = torch.distributions
    loc, scale = (torch.tensor(v, requires_grad=True) for v in (A, B))
    steps = [d.transforms.TanhTransform(cache_size=1)]
    base = d.Independent(d.TransformedDistribution(d.Normal(loc, scale), steps), 1)
    return base, [loc, scale], torch.tensor(P)


def softplus(torch: Any) -> tuple[Any, list[Any], Any]:
    d = torch.distributions
    loc = torch.tensor(A, requires_grad=True)
    steps = [
        d.transforms.SoftplusTransform(),
        d.transforms.PowerTransform(torch.tensor(0.7)),
        d.ExpTransform().inv,
    ]
    return d.TransformedDistribution(d.Normal(loc, torch.tensor(B)), steps), [loc], torch.tensor(P)


def mixture(torch: Any) -> tuple[Any, list[Any], Any]:
    d = torch.distributions
    weights, loc = torch.tensor(ROWS[0], requires_grad=True), torch.tensor(A, requires_grad=True)
    parts = d.Normal(loc, torch.tensor(B))
    return d.MixtureSameFamily(d.Categorical(weights), parts), [weights, loc], torch.tensor(B)


def mixture_of_vectors(torch: Any) -> tuple[Any, list[Any], Any]:
    d = torch.distributions
    logits, loc = torch.tensor(ROWS[0], requires_grad=True), torch.tensor(PAIR, requires_grad=True)
    parts = d.Independent(d.Normal(loc, torch.ones_like(loc)), 1)
    return d.MixtureSameFamily(d.Categorical(logits=logits), parts), [logits, loc], torch.tensor(PAIR + 0.5)


@torch_only
@pytest.mark.parametrize("make", [flow, stick, stick_of_numbers, tanh, softplus, mixture, mixture_of_vectors])
def test_made_of_others(make: Any, torch: Any) -> None:
    results = []
    for library in (nn.torch, torch):
        dist, leaves, value = make(library)
        log_prob = dist.log_prob(value)
        grads = library.autograd.grad(log_prob.sum(), leaves)
        arrays = [np.asarray(x.detach()) for x in (log_prob, *grads)]
        shapes = tuple(dist.batch_shape), tuple(dist.event_shape), tuple(dist.sample((2,)).shape)
        results.append((arrays, shapes))
    assert results[0][1] == results[1][1]
    for mine, theirs in zip(results[0][0], results[1][0], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)


@torch_only
def test_moments_and_cdf_of_a_mixture(torch: Any) -> None:
    (mine, _, x), (theirs, _, y) = mixture(nn.torch), mixture(torch)
    for name in ("mean", "variance"):
        np.testing.assert_allclose(getattr(mine, name).item(), getattr(theirs, name).item(), **CLOSE)
    np.testing.assert_allclose(mine.cdf(x).detach().numpy(), theirs.cdf(y).detach().numpy(), **CLOSE)


def test_a_transform_of_a_program() -> None:
    class Sinh(ours.Transform):
        bijective = True
        domain = codomain = constraints.real

        def _call(self, x: Any) -> Any:
            return np.sinh(x)

        def _inverse(self, y: Any) -> Any:
            return np.arcsinh(y)

        def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
            return np.log(np.cosh(x))

    p = ours.TransformedDistribution(ours.Normal(0.0, 1.0), [Sinh()])
    xs = np.linspace(-60, 60, 40001)
    density = np.exp(p.log_prob(nn.torch.tensor(xs)).numpy())
    assert abs(np.sum(density) * (xs[1] - xs[0]) - 1) < 1e-4  # the trapezoid rule, cut at |x| = 60


@torch_only
@pytest.mark.parametrize("which", ["biject_to", "transform_to"])
def test_functions_onto_what_a_constraint_allows(which: str, torch: Any) -> None:
    def results(library: Any) -> Any:
        d, x = library.distributions, library.tensor(PAIR)
        c = d.constraints
        several = (
            c.real,
            c.positive,
            c.unit_interval,
            c.interval(-1.0, 3.0),
            c.greater_than(2.0),
            c.less_than(1.0),
        )
        functions = [getattr(d, which)(one) for one in (*several, c.simplex, c.independent(c.positive, 1))]
        slopes = [f.log_abs_det_jacobian(x, f(x)) for f in functions if f.bijective]
        return [np.asarray(f(x)) for f in functions] + [np.asarray(slope) for slope in slopes]

    for mine, theirs in zip(results(nn.torch), results(torch), strict=True):
        np.testing.assert_allclose(mine, theirs, **CLOSE)
    with pytest.raises(NotImplementedError):
        getattr(ours, which)(constraints.boolean)


# -- inside of other transformations ------------------------------------------------------------------


def test_draws_inside_of_vmap() -> None:
    scales = nn.torch.tensor([1.0, 10.0, 100.0])

    def draw(scale: Any) -> Any:
        return ours.Normal(0 * scale, scale).rsample((2,))

    nn.torch.manual_seed(0)
    different = nn.torch.vmap(draw, randomness="different")(scales).numpy()
    assert different.shape == (3, 2) and len(set((different / scales.numpy()[:, None]).ravel().round(4))) == 6
    same = nn.torch.vmap(draw, randomness="same")(scales).numpy()
    np.testing.assert_allclose(same / scales.numpy()[:, None], np.broadcast_to(same[0], (3, 2)), rtol=1e-6)


def test_draws_that_take_no_batch_of_parameters() -> None:
    draw = nn.torch.vmap(lambda rate: ours.Poisson(rate).sample(), randomness="different")
    with pytest.raises(UnsupportedError, match="draw outside of vmap"):
        draw(nn.torch.ones(3))


def test_log_prob_per_sample() -> None:
    values = nn.torch.tensor([0.0, 1.0, 2.0])
    grads = nn.torch.func.vmap(
        nn.torch.func.grad(lambda loc, x: ours.Normal(loc, 1.0).log_prob(x)), (None, 0)
    )(nn.torch.tensor(0.5), values)
    np.testing.assert_allclose(grads.numpy(), values.numpy() - 0.5, rtol=1e-6)


def test_a_compiled_step_draws_anew() -> None:
    @ag.compile
    def step(loc: Any) -> Any:
        return ours.Normal(loc, 1.0).rsample((3,))

    nn.torch.manual_seed(0)
    eager = [ours.Normal(nn.torch.tensor(1.0), 1.0).rsample((3,)).numpy() for _ in range(4)]
    nn.torch.manual_seed(0)
    np.testing.assert_allclose([step(nn.torch.tensor(1.0)).numpy() for _ in range(4)], eager)


# -- errors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ours.Normal(0.0, -1.0), "parameter scale .* Normal.*positive"),
        (lambda: ours.Normal(float("nan"), 1.0), "parameter loc"),
        (lambda: ours.Bernoulli(1.5), "parameter probs .*unit_interval"),
        (lambda: ours.Bernoulli(), "either probs or logits, got neither"),
        (lambda: ours.Categorical(nn.torch.ones(2), nn.torch.ones(2)), "got both"),
        (lambda: ours.Uniform(1.0, 1.0), "low >= high"),
        (lambda: ours.Exponential(1.0).log_prob(nn.torch.tensor(-1.0)), "support .nonnegative"),
        (lambda: ours.Categorical(nn.torch.ones(3)).log_prob(nn.torch.tensor(3)), "integer_interval"),
        (lambda: ours.Normal(nn.torch.zeros(3), 1.0).log_prob(nn.torch.zeros(2)), "does not broadcast"),
        (
            lambda: ours.MultivariateNormal(nn.torch.zeros(2), -nn.torch.eye(2)),
            "covariance_matrix .*PositiveDefinite",
        ),
        (lambda: ours.MultivariateNormal(nn.torch.zeros(2)), "exactly one of"),
        (lambda: ours.Independent(ours.Normal(0.0, 1.0), 1), "reinterpreted_batch_ndims"),
        (lambda: ours.Cauchy(0.0, 1.0).entropy() and ours.Poisson(1.0).rsample(), "no rsample"),
        (lambda: ours.kl_divergence(ours.Normal(0.0, 1.0), ours.Cauchy(0.0, 1.0)), "register_kl"),
    ],
)
def test_errors_say_what_is_wrong(call: Any, message: str) -> None:
    with pytest.raises(AutogradLiteError, match=message):
        call()


def test_errors_are_those_that_programs_catch() -> None:
    with pytest.raises(NotImplementedError):
        ours.Poisson(1.0).entropy()
    with pytest.raises(ValueError, match="scale"):
        ours.Normal(0.0, 0.0)
    assert issubclass(OptionError, ValueError) and issubclass(ShapeError, ValueError)
    unchecked = ours.Normal(0.0, -1.0, validate_args=False)
    assert unchecked.scale.item() == -1
