import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import OptionError


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_entries_are_dropped_and_the_mean_stays(p):
    nn.manual_seed(0)
    y = nn.Dropout(p)(np.ones((300, 300), np.float32))
    assert y.dtype == np.float32
    assert (y == 0).mean() == pytest.approx(p, abs=0.01)
    assert y[y > 0].tolist() == pytest.approx([1 / (1 - p)] * int((y > 0).sum()), rel=1e-6)


def test_the_gradient_goes_where_the_value_went():
    nn.manual_seed(0)
    x = ag.Tensor(np.full((20, 20), 3.0), requires_grad=True)
    y = nn.functional.dropout(x, 0.3)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.numpy() / 3)


def test_whole_channels_are_dropped():
    nn.manual_seed(0)
    y = nn.Dropout2d(0.5)(np.ones((8, 16, 3, 3)))
    per_channel = y.reshape(8, 16, 9)
    assert (per_channel == per_channel[..., :1]).all()
    assert {0.0, 2.0} == set(np.unique(y).tolist())


def test_alpha_dropout_keeps_mean_and_variance():
    nn.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(500, 500))
    y = nn.AlphaDropout(0.2)(x)
    assert y.mean() == pytest.approx(0, abs=0.01)
    assert y.var() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("layer", [nn.Dropout, nn.Dropout2d, nn.AlphaDropout])
def test_in_use_nothing_is_dropped(layer):
    x = np.ones((2, 3, 4, 4))
    assert layer(0.5).eval()(x) is x
    assert layer(0.0)(x) is x
    assert np.isfinite(layer(1.0)(x)).all() and np.ptp(layer(1.0)(x)) == 0
    assert repr(layer(0.25)) == f"{layer.__name__}(p=0.25)"


def test_a_probability_is_from_0_to_1():
    with pytest.raises(OptionError, match=r"Dropout\(p=1.5\)"):
        nn.Dropout(1.5)
