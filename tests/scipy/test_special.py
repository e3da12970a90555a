"""`scipy.special` on Tensors: when the rules are loaded, and the functions that SciPy cannot hand over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import UnsupportedError
from autograd_lite.testing import check_grads
from tests.helpers import python

scipy_special = pytest.importorskip("scipy.special", reason="SciPy is not installed")
special: Any = ag.scipy.special

X = np.array([[0.3, -1.2, 2.0], [1.5, 0.1, -0.4]])


def test_nothing_of_scipy_is_imported_before_it_is_used() -> None:
    program = (
        "import sys, numpy as np, autograd_lite as ag\n"
        "assert 'scipy' not in sys.modules\n"
        "from scipy import special\n"
        "x = ag.Tensor([2.0, 3.0], requires_grad=True)\n"
        "np.sum(special.gammaln(np.exp(x))).backward()\n"
        "table = sys.modules['autograd_lite.ops.scipy_special']\n"
        "assert 'autograd_lite.scipy' not in sys.modules\n"
        "print(np.allclose(x.grad, special.psi(np.exp([2.0, 3.0])) * np.exp([2.0, 3.0])))"
    )
    done = python("-c", program)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.slow
def test_a_users_rule_is_kept() -> None:
    program = (
        "import autograd_lite as ag\n"
        "from scipy import special\n"
        "ag.defvjp(special.gammaln, lambda g, y, x: 7 * g)\n"
        "ag.nondifferentiable(special.erf)\n"
        "print(ag.grad(special.gammaln)(2.0), ag.grad(special.i1)(0.0), ag.grad(special.erf)(0.0))"
    )
    done = python("-c", program)
    assert done.stdout == "7.0 0.5 0.0\n", done.stderr


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_logsumexp(axis: Any) -> None:
    b = np.array([[1.0, -2.0, 0.5], [3.0, 1.0, 2.0]])
    for options in ({}, {"keepdims": True}, {"b": np.abs(b)}):
        want = scipy_special.logsumexp(X, axis=axis, **options)
        np.testing.assert_allclose(special.logsumexp(X, axis=axis, **options), want, rtol=1e-14)
    got, want = (m.logsumexp(X, axis=axis, b=b, return_sign=True) for m in (special, scipy_special))
    np.testing.assert_allclose(got, want, rtol=1e-13)
    check_grads(lambda x, b: special.logsumexp(x, axis=axis, b=b), (X, np.abs(b)), directions=1)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_softmax(name: str, axis: Any) -> None:
    ours = getattr(special, name)
    np.testing.assert_allclose(ours(X, axis), getattr(scipy_special, name)(X, axis), rtol=1e-14)
    check_grads(lambda x: ours(x, axis), (X,), directions=1)


def test_polygamma_and_multigammaln() -> None:
    for n in (0, 1, 2, 5):
        np.testing.assert_allclose(
            special.polygamma(n, X[X > 0]), scipy_special.polygamma(n, X[X > 0]), rtol=1e-13
        )
    np.testing.assert_allclose(special.multigammaln(3.7, 4), scipy_special.multigammaln(3.7, 4), rtol=1e-14)
    check_grads(lambda a: special.multigammaln(a, 3), (2.9,))


def test_where_a_function_is_zero_for_every_y() -> None:
    x = np.array([0.0, 0.0, 2.0])
    y = np.array([0.0, 3.0, 0.5])
    gradients = ag.grad(lambda x, y: np.sum(scipy_special.xlogy(x, y)), (0, 1))(x, y)
    np.testing.assert_allclose(gradients, [[0, np.log(3), np.log(0.5)], [0, 0, 4]])
    gradients = ag.grad(lambda x, y: np.sum(scipy_special.xlog1py(x, y)), (0, 1))(x, y - 1)
    np.testing.assert_allclose(gradients, [[0, np.log(3), np.log(0.5)], [0, 0, 4]])


def test_what_scipy_cannot_hand_over_says_what_to_write() -> None:
    x = ag.Tensor(X, requires_grad=True)
    with pytest.raises(UnsupportedError, match=r"ag\.scipy\.special"):
        scipy_special.logsumexp(x)
