"""Programs as users of HIPS/autograd write them. Each takes the library: the real one, or ours.

A program returns the numbers that it computes, and, to be checked by finite differences, a function and its
argument.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from typing import Any

import numpy as onp

Program = Callable[[Callable[[str], Any]], tuple[dict[str, Any], Callable[[Any], Any], Any]]


def library(root: str) -> Callable[[str], Any]:
    """What a program imports: `of("grad")`, `of("numpy")`, `of("misc.optimizers.adam")`."""

    def of(name: str) -> Any:
        home, _, last = f"{root}.{name}".rpartition(".")
        try:
            return importlib.import_module(f"{root}.{name}")
        except ModuleNotFoundError:
            return getattr(importlib.import_module(home), last)

    return of


def network(of: Any) -> Any:
    """A classifier with its weights in a list of pairs, trained by Adam with a callback."""
    np, grad, adam = of("numpy"), of("grad"), of("misc.optimizers.adam")
    rng = np.random.RandomState(0)
    inputs = rng.randn(30, 2)
    labels = np.eye(2)[(inputs[:, 0] * inputs[:, 1] > 0).astype(int)]
    layers = [(0.5 * rng.randn(m, n), np.zeros(n)) for m, n in ((2, 8), (8, 2))]

    def log_probabilities(layers, x):
        for weights, bias in layers:
            outputs = np.dot(x, weights) + bias
            x = np.tanh(outputs)
        return outputs - np.log(np.sum(np.exp(outputs), axis=1, keepdims=True))

    def loss(layers, i=0):
        penalty = sum(np.sum(w**2) for w, _ in layers)
        return 1e-3 * penalty - np.mean(np.sum(log_probabilities(layers, inputs) * labels, axis=1))

    seen = []
    trained = adam(grad(loss), layers, lambda p, i, g: seen.append(loss(p, i)), num_iters=60, step_size=0.05)
    assert seen[-1] < 0.5 * seen[0]
    return {"seen": seen, "trained": trained}, loss, layers


def gaussian_process(of: Any) -> Any:
    """The marginal likelihood of a Gaussian process, maximized over its kernel's parameters."""
    np, value_and_grad = of("numpy"), of("value_and_grad")
    x = np.linspace(-2, 2, 12)[:, None]
    y = np.sin(2 * x[:, 0])

    def loss(params):
        scale, noise, length = np.exp(params[0]), np.exp(params[1]), np.exp(params[2])
        difference = np.expand_dims(x / length, 1) - np.expand_dims(x / length, 0)
        covariance = scale * np.exp(-0.5 * np.sum(difference**2, axis=2)) + noise * np.eye(len(y))
        _, logdet = np.linalg.slogdet(covariance)
        return 0.5 * (logdet + np.dot(y, np.linalg.solve(covariance, y)))

    params, values = np.array([0.0, -2.0, 0.5]), []
    for _ in range(40):
        value, gradient = value_and_grad(loss)(params)
        params = params - 0.02 * gradient
        values.append(value)
    assert values[-1] < values[0] - 5
    return {"params": params, "values": values}, loss, params


def variational(of: Any) -> Any:
    """Black-box stochastic variational inference with the reparameterization trick."""
    np, npr, grad = of("numpy"), of("numpy.random"), of("grad")

    def log_density(z):
        mu, log_sigma = z[:, 0], z[:, 1]
        sigma_density = -0.5 * (log_sigma / 1.35) ** 2
        return sigma_density - 0.5 * (mu / np.exp(log_sigma)) ** 2 - log_sigma

    def bound(params, t=0):
        mean, log_std = params[:2], params[2:]
        samples = npr.RandomState(t).randn(50, 2) * np.exp(log_std) + mean
        return -np.sum(log_std) - np.mean(log_density(samples))

    params = np.concatenate([-np.ones(2), -2 * np.ones(2)])
    fitted = of("misc.optimizers.sgd")(grad(bound), params, num_iters=50, step_size=0.1)
    return {"fitted": fitted, "bound": bound(fitted)}, bound, params


def ode_net(of: Any) -> Any:
    """The weights of a differential equation, fitted through Runge-Kutta steps."""
    np, grad, rmsprop = of("numpy"), of("grad"), of("misc.optimizers.rmsprop")
    truth = np.array([[-0.1, 1.0], [-1.0, -0.1]])

    def path(field, steps=12, h=0.1):
        y, points = np.array([1.0, 0.0]), []
        for _ in range(steps):
            k1 = field(y)
            k2 = field(y + h / 2 * k1)
            k3 = field(y + h / 2 * k2)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(y + h * k3))
            points.append(y)
        return np.array(points)

    target = path(lambda y: np.dot(y, truth))

    def loss(params, i=0):
        found = path(lambda y: np.dot(np.tanh(np.dot(y, params["in"])), params["out"]))
        return np.mean(np.abs(found - target))

    params = {"in": 0.1 * np.ones((2, 3)) + 0.1 * np.eye(2, 3), "out": 0.2 * np.ones((3, 2))}
    fitted = rmsprop(grad(loss), params, num_iters=40, step_size=0.1)
    assert loss(fitted) < 0.5 * loss(params)
    return {"fitted": fitted, "loss": loss(fitted)}, loss, params


def fluid(of: Any) -> Any:
    """Smoke carried by a velocity field that is optimized through the simulation."""
    np, value_and_grad, flatten = of("numpy"), of("value_and_grad"), of("misc.flatten")
    flatten = getattr(flatten, "flatten", flatten)
    n = 6

    def project(vx, vy):
        p = np.zeros(vx.shape)
        h = 1.0 / n
        div = -0.5 * h * (np.roll(vx, -1, 0) - np.roll(vx, 1, 0) + np.roll(vy, -1, 1) - np.roll(vy, 1, 1))
        for _ in range(5):
            p = (div + sum(np.roll(p, s, axis) for s in (1, -1) for axis in (0, 1))) / 4.0
        return vx - 0.5 * (np.roll(p, -1, 0) - np.roll(p, 1, 0)) / h, vy

    def advect(f, vx, vy):
        cell_x, cell_y = np.meshgrid(np.arange(n), np.arange(n))
        x, y = (cell_x - vx).ravel(), (cell_y - vy).ravel()
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        rw, bw = x - left, y - top
        row, column = left % n, top % n
        flat = (1 - rw) * ((1 - bw) * f[row, column] + bw * f[row, (column + 1) % n])
        flat = flat + rw * ((1 - bw) * f[(row + 1) % n, column] + bw * f[(row + 1) % n, (column + 1) % n])
        return np.reshape(flat, (n, n))

    def simulate(vx, vy, smoke):
        for _ in range(3):
            vx, vy = project(advect(vx, vx, vy), advect(vy, vx, vy))
            smoke = advect(smoke, vx, vy)
        return smoke

    rng = np.random.RandomState(1)
    smoke, target = rng.rand(n, n), rng.rand(n, n)
    start, unflatten = flatten((0.1 * rng.randn(n, n), 0.1 * rng.randn(n, n)))

    def loss(vector):
        return np.mean((simulate(*unflatten(vector), smoke) - target) ** 2)

    value, gradient = value_and_grad(loss)(start)
    return {"value": value, "gradient": gradient}, loss, start


def lstm(of: Any) -> Any:
    """An LSTM that reads a sequence; the parameters are a dictionary."""
    np, grad = of("numpy"), of("grad")
    rng = np.random.RandomState(2)
    size, hidden = 3, 4
    names = ("change", "forget", "ingate", "outgate")
    params = {name: 0.3 * rng.randn(size + hidden + 1, hidden) for name in names}
    params["predict"] = 0.3 * rng.randn(hidden + 1, size)
    sequence = np.eye(size)[rng.randint(size, size=(7, 2))]

    def with_ones(*parts):
        return np.hstack([*parts, np.ones((parts[0].shape[0], 1))])

    def loss(params, i=0):
        h, c, total = np.zeros((2, hidden)), np.zeros((2, hidden)), 0.0
        for now, following in itertools.pairwise(sequence):
            x = with_ones(now, h)
            gates = {name: 0.5 * (np.tanh(np.dot(x, params[name])) + 1.0) for name in names[1:]}
            c = gates["forget"] * c + gates["ingate"] * np.tanh(np.dot(x, params["change"]))
            h = gates["outgate"] * np.tanh(c)
            scores = np.dot(with_ones(h), params["predict"])
            total = total - np.sum(following * scores) + np.sum(np.log(np.sum(np.exp(scores), axis=1)))
        return total

    return {"gradient": grad(loss)(params), "loss": loss(params)}, loss, params


def bayesian_net(of: Any) -> Any:
    """The log-posterior of a network whose weights are slices of one vector, for several samples at once."""
    np, elementwise_grad, grad = of("numpy"), of("elementwise_grad"), of("grad")
    shapes = [(1, 5), (5, 1)]
    x = np.linspace(-1, 1, 9)[:, None]
    y = np.cos(3 * x)

    def predictions(weights):
        samples, activations, start = len(weights), np.expand_dims(x, 0), 0
        for m, n in shapes:
            matrix = weights[:, start : start + m * n].reshape((samples, m, n))
            bias = weights[:, start + m * n : start + m * n + n].reshape((samples, 1, n))
            activations = np.einsum("mnd,mdo->mno", np.sin(activations), matrix) + bias
            start += m * n + n
        return activations

    def log_posterior(weights):
        return -0.5 * np.sum(weights**2, axis=1) - 20 * np.sum(
            (predictions(weights) - y)[:, :, 0] ** 2, axis=1
        )

    weights = np.random.RandomState(3).randn(4, 16)
    per_sample = elementwise_grad(log_posterior)(weights)
    total = grad(lambda w: np.sum(log_posterior(w)))(weights)
    onp.testing.assert_allclose(per_sample, total)
    return {"gradient": per_sample}, lambda w: np.sum(log_posterior(w)), weights


def mixture(of: Any) -> Any:
    """A mixture of Gaussians fitted by Newton-CG steps on the flattened parameters."""
    np, grad, hvp = of("numpy"), of("grad"), of("hessian_vector_product")
    flatten_func = of("misc.flatten.flatten_func")
    rng = np.random.RandomState(4)
    data = np.concatenate([rng.randn(20, 2) + 3, rng.randn(20, 2) - 3])

    def logsumexp(x, axis):
        top = np.max(x, axis=axis, keepdims=True)
        return np.log(np.sum(np.exp(x - top), axis=axis)) + np.squeeze(top, axis)

    def loss(params, factor=1.0):
        proportions = params["log proportions"] - logsumexp(params["log proportions"], 0)
        scores = []
        for weight, mean, roots in zip(proportions, params["means"], params["roots"], strict=True):
            whitened = np.dot(data - mean, roots)
            logdet = np.linalg.slogdet(np.dot(roots.T, roots))[1]
            scores.append(weight - 0.5 * np.sum(whitened**2, 1) + 0.5 * logdet)
        return factor * (0.05 * np.sum(params["means"] ** 2) - np.sum(logsumexp(np.vstack(scores), 0)))

    params = {
        "log proportions": 0.1 * rng.randn(2),
        "means": np.array([[1.0, 0.5], [-0.5, -1.0]]),
        "roots": np.stack([np.eye(2), 0.8 * np.eye(2)]),
    }
    flat, unflatten, vector = flatten_func(grad(loss), params)

    def flat_loss(v):
        return loss(unflatten(v))

    along = np.cos(np.arange(len(vector)))
    return (
        {"gradient": flat(vector), "product": hvp(flat_loss)(vector, along), "scaled": flat(vector, 2.0)},
        flat_loss,
        vector,
    )


def rosenbrock(of: Any) -> Any:
    """Newton's method with the exact Hessian; the minimum is at (1, 1)."""
    np, grad, hessian = of("numpy"), of("grad"), of("hessian")

    def valley(x):
        return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2

    x = start = np.array([-1.2, 1.0])
    for _ in range(8):
        x = x - np.linalg.solve(hessian(valley)(x), grad(valley)(x))
    onp.testing.assert_allclose(x, 1, atol=1e-9)
    return {"x": x, "hessian": hessian(valley)(start)}, valley, start


def tanh_plot(of: Any) -> Any:
    """A function and its derivatives to the fourth, over a grid."""
    np, egrad = of("numpy"), of("elementwise_grad")

    def tanh(x):
        y = np.exp(-2.0 * x)
        return (1.0 - y) / (1.0 + y)

    curves, f, x = [], tanh, np.linspace(-2, 2, 15)
    for _ in range(5):
        curves.append(f(x))
        f = egrad(f)
    onp.testing.assert_allclose(curves[1], 1 - np.tanh(x) ** 2, rtol=1e-12)
    return {"curves": curves}, egrad(tanh), 0.3


def taylor(of: Any) -> Any:
    """A sine by its series, with Python's control flow, and an if on a value."""
    np, grad = of("numpy"), of("grad")

    def sine(x):
        current = total = x
        for i in range(1000):
            current = -current * x**2 / ((2 * i + 3) * (2 * i + 2))
            total = total + current
            if np.abs(current) < 1e-12:
                break
        return total

    values = [grad(grad(sine))(x) for x in (0.5, 1.5, 3.0)]
    onp.testing.assert_allclose(values, -np.sin([0.5, 1.5, 3.0]), rtol=1e-7)
    return {"values": values}, sine, 1.5


def defined_gradient(of: Any) -> Any:
    """An op of the program's own, with its derivative, used for first and second order."""
    np, grad, hessian = of("numpy"), of("grad"), of("hessian")
    primitive, defvjp, defjvp = of("extend.primitive"), of("extend.defvjp"), of("extend.defjvp")

    @primitive
    def logsumexp(x, scale=1.0):
        top = onp.max(x)
        return scale * (top + onp.log(onp.sum(onp.exp(x - top))))

    def pullback(ans, x, scale=1.0):
        shape = x.shape
        return lambda g: scale * np.full(shape, g) * np.exp(x - np.full(shape, ans / scale))

    defvjp(logsumexp, pullback)
    defjvp(logsumexp, lambda g, ans, x, scale=1.0: scale * np.sum(g * np.exp(x - ans / scale)))

    def f(y):
        return logsumexp(y**2, scale=2.0)

    y = np.array([1.5, 0.4, -1.1])
    return {"gradient": grad(f)(y), "hessian": hessian(f)(y)}, f, y


def graph(of: Any) -> Any:
    """The graph of a computation, read step by step."""
    np, Base, trace = of("numpy"), of("tracer.Node"), of("tracer.trace")

    class Step(Base):
        def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
            self.text = f"{fun.__name__}({', '.join(parent.text for parent in parents)})"
            self.value, self.arity = value, len(args)

        def initialize_root(self, value):
            self.text, self.value, self.arity = "x", value, 0

    def f(x):
        y = np.sin(x)
        return (y + np.exp(x) - 0.5) * y

    value, end = trace(Step.new_root(1.0), f, 1.0)
    assert end.text == "multiply(subtract(add(sin(x), exp(x))), sin(x))"
    return {"value": value, "last": end.value, "arity": end.arity}, f, 1.0


def fixed(of: Any) -> Any:
    """A square root as a fixed point of Newton's method, differentiated twice."""
    np, grad, fixed_point = of("numpy"), of("grad"), of("misc.fixed_points.fixed_point")

    def newton(a):
        return lambda x: 0.5 * (x + a / x)

    def root(a):
        return fixed_point(newton, a, 1.0, lambda x, y: np.abs(x - y), 1e-12)

    values = [root(2.0), grad(root)(2.0), grad(grad(root))(2.0)]
    onp.testing.assert_allclose(values, [2**0.5, 0.5 / 2**0.5, -0.25 / 2**1.5], rtol=1e-9)
    return {"values": values}, root, 2.0


def convolution(of: Any) -> Any:
    """A convolution by windows and einsum, pooled by a reshape and a maximum."""
    np, grad = of("numpy"), of("grad")
    rng = np.random.RandomState(5)
    images, kernels = rng.randn(2, 1, 7, 7), 0.5 * rng.randn(1, 3, 2, 2)

    def loss(kernels):
        windows = np.stack([images[:, :, i : i + 6, j : j + 6] for i in (0, 1) for j in (0, 1)], axis=-1)
        maps = np.einsum("bchwk,cok->bohw", windows, kernels.reshape((1, 3, 4)))
        pooled = np.max(np.max(maps.reshape((2, 3, 3, 2, 3, 2)), axis=3), axis=4)
        return np.sum(np.where(pooled > 0, pooled, 0.1 * pooled) ** 2)

    return {"gradient": grad(loss)(kernels)}, loss, kernels


def logistic(of: Any) -> Any:
    """Logistic regression on lists of numbers, with `np.array` of what was computed."""
    np, grad = of("numpy"), of("grad")
    inputs = np.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]])
    targets = np.array([True, True, False, True])

    def loss(weights):
        scores = [np.dot(row, weights) for row in inputs]
        odds = 0.5 * (np.tanh(np.array(scores) / 2.0) + 1)
        return -np.sum(np.log(odds * targets + (1 - odds) * (1 - targets)))

    weights = np.zeros(3)
    for _ in range(30):
        weights = weights - 0.5 * grad(loss)(weights)
    assert loss(weights) < 0.4 * loss(np.zeros(3))
    return {"weights": weights}, loss, np.array([0.1, -0.2, 0.3])


def complex_numbers(of: Any) -> Any:
    """Gradients with respect to complex arrays, in the convention of HIPS/autograd."""
    np, grad, holomorphic = of("numpy"), of("grad"), of("holomorphic_grad")
    make_vjp, elementwise_grad = of("make_vjp"), of("elementwise_grad")
    z = np.array([1.0 + 2.0j, -0.5 + 0.3j])

    def power(z):
        return np.sum(np.abs(np.fft.fft(z * np.exp(1j * np.real(z)))) ** 2)

    pullback, value = make_vjp(lambda z: z**2 * np.conj(z))(z)
    results = {
        "gradient": grad(power)(z),
        "holomorphic": holomorphic(lambda z: np.sum(np.sin(z) * z))(z),
        "pullback": pullback(np.array([1.0 - 1.0j, 2.0j])),
        "value": value,
        "of the real parts": elementwise_grad(lambda z: np.real(z) * np.imag(z))(z),
    }
    onp.testing.assert_allclose(results["holomorphic"], np.cos(z) * z + np.sin(z))
    return results, lambda xy: power(xy[:2] + 1j * xy[2:]), np.array([1.0, -0.5, 2.0, 0.3])


def transformations(of: Any) -> Any:
    """Every function of functions, on arguments of several kinds."""
    np = of("numpy")

    def f(x, w, bias=0.5):
        return np.sum(np.tanh(x * w) ** 2) + bias * np.sum(x**3)

    def maps(x):
        return np.array([x[0] * x[1], np.sin(x[1]), x[0] ** 2 + x[2]])

    x, w, v = np.array([0.3, -0.7, 1.1]), np.array([1.0, 2.0, -1.0]), np.array([1.0, -1.0, 0.5])
    products, at = of("make_hvp")(f)(x, w)
    results = {
        "grad": of("grad")(f, 1)(x, w),
        "both": of("grad")(f, (0, 1))(x, w, bias=0.1),
        "named": of("grad_named")(f, "w")(x, w),
        "value": of("value_and_grad")(f)(x, w),
        "jacobian": of("jacobian")(maps)(x),
        "hessian": of("hessian")(f)(x, w),
        "of a map": of("hessian")(maps)(x),
        "tensor": of("hessian_tensor_product")(f)(x, w, v),
        "rows": of("vector_jacobian_product")(maps)(x, v),
        "vjp": of("make_vjp")(maps)(x)[0](v),
        "jvp": of("make_jvp")(maps)(x)(v),
        "reverse": of("differential_operators.make_jvp_reversemode")(maps)(x)(v),
        "products": [products(v), at],
        "gauss": of("make_ggnvp")(maps)(x)(v),
        "derivative": of("deriv")(lambda t: np.sin(t) * t)(0.7),
        "aux": of("grad_and_aux")(lambda x: (np.sum(x**2), x * 2))(x),
        "checkpoint": of("grad")(of("checkpoint")(lambda a, b: np.sum(np.sin(a) * b)))(x, w),
    }
    return results, lambda x: f(x, w), x


def containers(of: Any) -> Any:
    """Gradients in the structure of nested arguments, and results in containers."""
    np, grad, make_vjp = of("numpy"), of("grad"), of("make_vjp")
    params = {"layers": [(np.ones((2, 2)), np.zeros(2)), (2 * np.ones(2), 0.5)], "scale": 1.5}

    def loss(p):
        assert len(p["layers"]) == 2 and set(p) == {"layers", "scale"}
        x = np.array([1.0, 2.0])
        for w, b in p["layers"]:
            x = np.tanh(np.dot(x, w) * 0.1 + b)
        return p["scale"] * x

    def several(x):
        return of("tuple")((np.sin(x), of("list")([x * 2, np.sum(x)])))

    pullback, parts = make_vjp(several)(np.arange(3.0))
    back = pullback((np.ones(3), [np.ones(3), 2.0]))
    return {"gradient": grad(loss)(params), "parts": list(parts[1]), "back": back}, loss, params


PROGRAMS: list[Program] = [
    network,
    gaussian_process,
    variational,
    ode_net,
    fluid,
    lstm,
    bayesian_net,
    mixture,
    rosenbrock,
    tanh_plot,
    taylor,
    defined_gradient,
    graph,
    fixed,
    convolution,
    logistic,
    complex_numbers,
    transformations,
    containers,
]
