"""Smooth activation functions against mpmath and torch, in the middle and in the tails."""

import mpmath
import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.testing import check_grads
from nn.kernels import activations, native

F = nn.functional
mp = mpmath.mp.clone()
mp.dps = 50

FUNCTIONS = {
    "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "gelu_tanh": lambda x: x * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf(44715) / 10**6 * x**3))) / 2,
}
OURS = {
    "gelu": F.gelu,
    "silu": F.silu,
    "sigmoid": F.sigmoid,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}
REACH = {np.float32: {"gelu": 12.0, "silu": 80.0, "sigmoid": 80.0}, np.float64: {"gelu": 36.0}}
"""How far down the results are ordinary numbers; 700 where nothing else is said."""

UNITS = {"gelu": 10, "silu": 8, "sigmoid": 8}
"""Units in the last place. The polynomials of NumPy's twin have 12 terms, each rounded twice."""

RUNNERS = ["native", "numpy"]


def points(name, dtype):
    far = REACH[dtype].get(name, 700.0)
    x = np.concatenate([np.linspace(-3, 3, 61), -np.geomspace(1e-3, far, 60), np.geomspace(1e-3, far, 30)])
    return x.astype(dtype)


def units(y, want):
    """The error of y in units in the last place."""
    return [
        abs(mp.mpf(float(a)) - b) / mp.mpf(float(np.spacing(np.abs(a)))) for a, b in zip(y, want, strict=True)
    ]


def kernel(name, runner):
    pair = native.TABLE[name]
    if runner == "native" and native.library() is None:
        pytest.skip(f"native kernels: {native.state()}")
    return pair[RUNNERS.index(runner)]


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(UNITS))
def test_values_keep_their_digits_in_both_tails(name, dtype, runner):
    x = points(name, dtype)
    with np.errstate(all="ignore"):
        y = kernel("activate", runner)(x, name=name)
    assert max(units(y, [FUNCTIONS[name](mp.mpf(float(v))) for v in x])) < UNITS[name]


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(UNITS))
def test_slopes_keep_their_digits_in_both_tails(name, dtype, runner):
    x = points(name, dtype)
    x = x[(x > -0.4) | (x < -2)]  # in between GELU and SiLU have their minimum, where the slope is 0
    with np.errstate(all="ignore"):
        gx = kernel("activate_backward", runner)(np.full_like(x, 3), x, name=name)
    with mp.workdps(700 if name == "sigmoid" else 50):  # it comes as near to 1 as 1 - e^-700
        want = [3 * mp.diff(FUNCTIONS[name], mp.mpf(float(v))) for v in x]
    assert max(units(gx, want)) < UNITS[name]


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_between_and_by_tanh_the_error_is_that_of_the_terms(name):
    """Near its minimum the slope is a difference; the tanh form has a rounded exponent, of a few units."""
    x = np.linspace(-3, 3, 101)
    y, pullback = ag.vjp(OURS[name], x)
    want = [FUNCTIONS[name](mp.mpf(v)) for v in x.tolist()]
    slopes = [mp.diff(FUNCTIONS[name], mp.mpf(v)) for v in x.tolist()]
    np.testing.assert_allclose(y, np.array(want, float), rtol=4e-15, atol=0)
    np.testing.assert_allclose(pullback(np.ones(101))[0], np.array(slopes, float), rtol=4e-15, atol=4e-16)


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_every_order_is_right(name):
    check_grads(OURS[name], (np.array([-2.5, -0.7, 0.0, 0.3, 1.9]),), order=2)


def test_the_second_derivative_of_gelu_keeps_its_digits():
    """(2 - x^2) times the density; at x = -10 the density is 8e-23."""
    x = -10.0
    got = ag.grad(ag.grad(F.gelu))(x)
    want = (2 - mp.mpf(x) ** 2) * mp.exp(-(mp.mpf(x) ** 2) / 2) / mp.sqrt(2 * mp.pi)
    assert abs(got / float(want) - 1) < 3e-14  # the two terms of the sum have 20 units each


def test_a_large_cotangent_of_a_small_slope():
    """The slope at -38.5 is below the smallest normal number, its product with 1e300 is not."""
    (gx,) = ag.vjp(F.gelu, np.array([-38.5]))[1](np.array([1e300]))
    slope = mp.diff(FUNCTIONS["gelu"], mp.mpf("-38.5"))
    assert abs(gx[0] / float(slope * mp.mpf(10) ** 300) - 1) < 4e-15


@pytest.mark.parametrize("dtype", [np.float16, np.int64, ">f8"])
@pytest.mark.parametrize("name", list(OURS))
def test_other_dtypes(name, dtype):
    x = np.array([-3, -1, 0, 2]).astype(dtype)
    y = OURS[name](x)
    assert y.dtype == (np.float16 if dtype == np.float16 else np.float64)
    rtol = 1e-3 if dtype == np.float16 else 1e-14
    np.testing.assert_allclose(y, np.array([FUNCTIONS[name](mp.mpf(int(v))) for v in x], float), rtol=rtol)


def test_layouts_and_numbers():
    x = np.arange(24.0).reshape(4, 6) - 12
    np.testing.assert_array_equal(F.gelu(x.T[::2]), F.gelu(np.ascontiguousarray(x.T[::2])))
    assert F.gelu(-10.0) == pytest.approx(-7.61985302416e-23, rel=1e-11)
    assert F.gelu(np.zeros((0, 3))).shape == (0, 3)


def test_a_cotangent_of_another_shape_is_refused():
    if native.library() is not None:
        with pytest.raises(ValueError, match="expected"):
            activations.activate_backward(np.zeros(3), np.zeros(4), name="gelu")


@pytest.mark.torch
@pytest.mark.parametrize("name", list(OURS))
def test_pytorch_has_the_same_functions(name):
    torch = pytest.importorskip("torch")
    options = {"approximate": "tanh"} if name == "gelu_tanh" else {}
    x = np.linspace(-6, 6, 50)
    theirs = torch.tensor(x, requires_grad=True)
    y = getattr(torch.nn.functional, name.removesuffix("_tanh"))(theirs, **options)
    y.sum().backward()
    got, pullback = ag.vjp(OURS[name], x)
    np.testing.assert_allclose(got, y.detach().numpy(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(pullback(np.ones(50))[0], theirs.grad.numpy(), rtol=1e-12, atol=1e-15)
