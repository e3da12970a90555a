"""Programs that use `autograd.scipy`; written as those in `programs.py`."""

from __future__ import annotations

from typing import Any

import numpy as onp

from tests.hips.programs import Program


def gaussian_process(of: Any) -> Any:
    """The marginal likelihood by the density of a multivariate normal, and a prediction."""
    np, value_and_grad, mvn = of("numpy"), of("value_and_grad"), of("scipy.stats.multivariate_normal")
    solve_triangular = of("scipy.linalg.solve_triangular")
    x = np.linspace(-1, 1, 8)
    y = np.cos(3 * x)

    def covariance(params, a, b):
        return np.exp(params[0]) * np.exp(-0.5 * ((a[:, None] - b[None, :]) / np.exp(params[1])) ** 2)

    def loss(params):
        noisy = covariance(params, x, x) + np.exp(params[2]) * np.eye(8)
        root = np.linalg.cholesky(noisy)
        half = solve_triangular(root, y, lower=True)
        predicted = np.dot(solve_triangular(root, covariance(params, x, np.array([0.3])), lower=True).T, half)
        return -mvn.logpdf(y, np.zeros(8), noisy) + predicted[0]

    params = np.array([0.1, -0.5, -2.0])
    return {"both": value_and_grad(loss)(params)}, loss, params


def variational(of: Any) -> Any:
    """A bound with the densities of normal, Student's and gamma distributions."""
    np, npr, grad = of("numpy"), of("numpy.random"), of("grad")
    norm, t, gamma = of("scipy.stats.norm"), of("scipy.stats.t"), of("scipy.stats.gamma")

    def bound(params):
        mean, log_std = params[:2], params[2:]
        samples = npr.RandomState(0).randn(20, 2) * np.exp(log_std) + mean
        density = t.logpdf(samples[:, 0], 3.0, 0.5, np.exp(0.1 * samples[:, 1]))
        density = density + norm.logcdf(samples[:, 1]) + gamma.logpdf(np.exp(samples[:, 1]), 2.0)
        return np.mean(density - np.sum(norm.logpdf(samples, mean, np.exp(log_std)), axis=1))

    params = np.array([0.1, -0.2, 0.3, -0.4])
    return {"gradient": grad(bound)(params), "bound": bound(params)}, bound, params


def mixture(of: Any) -> Any:
    """Log-sums of exponentials, with a hidden Markov model's forward pass."""
    np, grad, logsumexp = of("numpy"), of("grad"), of("scipy.special.logsumexp")
    observed = [0, 2, 1, 1, 0]

    def log_likelihood(params):
        start, transitions, emissions = params
        start = start - logsumexp(start)
        transitions = transitions - logsumexp(transitions, axis=1, keepdims=True)
        emissions = emissions - logsumexp(emissions, axis=1, keepdims=True)
        alpha = start + emissions[:, observed[0]]
        for seen in observed[1:]:
            alpha = logsumexp(alpha[:, None] + transitions, axis=0) + emissions[:, seen]
        return logsumexp(alpha)

    rng = np.random.RandomState(1)
    params = (rng.randn(2), rng.randn(2, 2), rng.randn(2, 3))
    return {"gradient": grad(log_likelihood)(params)}, log_likelihood, params


def differential_equation(of: Any) -> Any:
    """Gradients through odeint, with respect to the start and the parameters."""
    np, grad, odeint = of("numpy"), of("grad"), of("scipy.integrate.odeint")
    times = np.linspace(0.0, 1.0, 4)

    def field(y, t, rates, damping):
        return np.array([rates[0] * y[1], -rates[1] * y[0] - damping * y[1] + 0.1 * t])

    def loss(params):
        constants = of("tuple")((params["rates"], 0.3))
        path = odeint(field, params["start"], times, constants, rtol=1e-10, atol=1e-10)
        return np.sum(path**2 * np.array([1.0, 0.5]))

    params = {"start": np.array([1.0, -0.5]), "rates": np.array([2.0, 1.5])}
    return {"gradient": grad(loss)(params)}, loss, params


def special_functions(of: Any) -> Any:
    """Counts with a negative binomial likelihood, and other special functions."""
    np, elementwise_grad, special = of("numpy"), of("elementwise_grad"), of("scipy.special")
    counts = np.array([2.0, 5.0, 1.0])

    def log_likelihood(params):
        r, p = np.exp(params[0]), special.expit(params[1])
        terms = special.gammaln(r + counts) - special.gammaln(counts + 1) - special.gammaln(r)
        return np.sum(terms + r * np.log(p) + counts * np.log1p(-p))

    x = np.array([0.3, 0.7, 0.9])
    names = "gamma gammaln digamma erf erfc erfinv expit logit j0 j1 i0 i1".split()  # noqa: SIM905
    curves = {name: elementwise_grad(getattr(special, name))(x) for name in names}
    return curves, log_likelihood, np.array([0.5, -0.3])


def distributions(of: Any) -> Any:
    """The densities of all distributions that HIPS/autograd has, by their parameters too."""
    np, grad, stats = of("numpy"), of("grad"), of("scipy.stats")
    chi2, beta, poisson, dirichlet = stats.chi2, stats.beta, stats.poisson, stats.dirichlet

    def density(params):
        x, mu, shape = params
        total = np.sum(chi2.logpdf(x, 5)) + np.sum(beta.logpdf(x / (1 + x), shape[0], shape[1]))
        total = total + np.sum(poisson.logpmf(np.array([1, 3]), mu)) + dirichlet.logpdf(x / np.sum(x), shape)
        return (
            total
            + np.sum(stats.norm.sf(x, mu[0], mu[1]))
            + np.sum(stats.norm.logsf(x))
            + stats.norm.pdf(mu[0])
        )

    params = (np.array([0.3, 1.2]), np.array([0.8, 1.7]), np.array([1.5, 2.5]))
    return {"gradient": grad(density)(params)}, density, params


def convolved(of: Any) -> Any:
    """A convolution along chosen axes, summed over channels."""
    np, grad, convolve = of("numpy"), of("grad"), of("scipy.signal").convolve
    rng = np.random.RandomState(2)
    images, kernels = rng.randn(2, 3, 5, 5), rng.randn(3, 4, 2, 2)

    def loss(kernels):
        maps = convolve(images, kernels, ([2, 3], [2, 3]), ([1], [0]), "valid")
        assert maps.shape == (2, 4, 4, 4)
        return np.sum(np.tanh(maps) ** 2)

    return {"gradient": grad(loss)(kernels)}, loss, kernels


def minimized(of: Any) -> Any:
    """A fit by SciPy's minimizer, which takes the value and the gradient."""
    from scipy.optimize import minimize

    np, value_and_grad, norm = of("numpy"), of("value_and_grad"), of("scipy.stats.norm")
    data = np.array([0.1, 1.9, 3.2, 0.7, 2.2])

    def loss(params):
        return -np.sum(norm.logpdf(data, params[0], np.exp(params[1])))

    found = minimize(value_and_grad(loss), np.zeros(2), jac=True, method="BFGS", tol=1e-9).x
    onp.testing.assert_allclose([found[0], np.exp(found[1])], [np.mean(data), np.std(data)], rtol=1e-6)
    return {"loss": loss(found)}, loss, np.array([0.2, 0.1])


SCIPY_PROGRAMS: list[Program] = [
    gaussian_process,
    variational,
    mixture,
    differential_equation,
    special_functions,
    distributions,
    convolved,
    minimized,
]
