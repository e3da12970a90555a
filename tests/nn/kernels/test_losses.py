"""The fused cross-entropy against its definition, against mpmath for confident scores, and at its edges."""

import mpmath
import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.testing import check_grads
from nn.functional.losses import target_losses

RNG = np.random.default_rng(0)
X, TARGETS = RNG.normal(size=(5, 4)), np.array([0, 3, 1, 1, 2])


def test_it_is_its_definition():
    def value_and_gradient(f):
        return ag.value_and_grad(lambda x: np.sum(f(x, TARGETS) * np.arange(1.0, 6)))(X)

    for a, b in zip(
        value_and_gradient(target_losses), value_and_gradient(target_losses.__wrapped__), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    check_grads(lambda x: target_losses(x, TARGETS), X, order=2)


@pytest.mark.parametrize("gap", [1.0, 20.0, 40.0, 300.0])
@pytest.mark.parametrize("right", [True, False])
def test_all_digits_where_the_network_is_sure(gap, right):
    x = np.array([[gap, 0.0, -1.0]])
    loss, g = ag.value_and_grad(lambda x: target_losses(x, np.array([0 if right else 1])).sum())(x)
    with mpmath.workdps(200):
        e = [mpmath.exp(mpmath.mpf(float(v))) for v in x[0]]
        t = 0 if right else 1
        p = [v / sum(e) for v in e]
        expected = [v - (i == t) for i, v in enumerate(p)]
        np.testing.assert_allclose(loss, float(-mpmath.log(p[t])), rtol=1e-15)
    np.testing.assert_allclose(g[0], [float(v) for v in expected], rtol=3e-15)


def test_edges():
    with np.errstate(all="raise", under="ignore"):
        loss, g = ag.value_and_grad(lambda x: target_losses(x, np.array([0, 1])).sum())(
            np.array([[1e4, -1e4], [1e4, -1e4]])
        )
        assert loss == 2e4 and g.tolist() == [[0, 0], [1, -1]]
        masked = target_losses(np.array([[0.0, -np.inf, 0.0]]), np.array([0]))
    np.testing.assert_allclose(masked, [np.log(2)], rtol=1e-15)
    assert target_losses(np.zeros((0, 3)), np.zeros(0, int)).shape == (0,)
    assert target_losses(np.ones((2, 3), np.float32), np.array([0, 1])).dtype == np.float32
