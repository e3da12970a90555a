import math

import numpy as np
import pytest

import nn
from autograd_lite.errors import OptionError, ShapeError


def test_the_same_seed_gives_the_same_numbers():
    weights = []
    for seed in (3, 3, 4):
        nn.manual_seed(seed)
        weights.append(nn.init.uniform_(nn.Parameter(np.zeros((4, 4)))).numpy())
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[1], weights[2])


@pytest.mark.parametrize(
    ("fill", "bound"),
    [
        (lambda p: nn.init.uniform_(p, -0.3, 0.3), 0.3),
        (lambda p: nn.init.xavier_uniform_(p, gain=2), 2 * math.sqrt(6 / (150 + 600))),
        (lambda p: nn.init.kaiming_uniform_(p), math.sqrt(6 / 150)),
        (
            lambda p: nn.init.kaiming_uniform_(p, mode="fan_out", nonlinearity="tanh"),
            5 / 3 * math.sqrt(3 / 600),
        ),
        (lambda p: nn.init.kaiming_uniform_(p, a=math.sqrt(5)), 1 / math.sqrt(150)),
    ],
)
def test_bounds_and_spread(fill, bound):
    nn.manual_seed(0)
    p = nn.Parameter(np.zeros((200, 50, 3), np.float32))
    assert fill(p) is p
    assert p.dtype == np.float32
    assert 0.99 * bound < np.abs(p.numpy()).max() <= bound * (1 + 1e-6)
    assert p.numpy().mean() == pytest.approx(0, abs=0.02 * bound)
    assert p.numpy().std() == pytest.approx(bound / math.sqrt(3), rel=0.02)


def test_zeros_and_a_generator_of_ones_own():
    assert not nn.init.zeros_(nn.Parameter(np.ones(3))).numpy().any()
    a, b = (nn.init.uniform_(nn.Parameter(np.ones(3)), generator=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_mistakes_are_told():
    with pytest.raises(ShapeError, match=r"nn\.init\.zeros_"):
        nn.init.xavier_uniform_(nn.Parameter(np.ones(3)))
    with pytest.raises(OptionError, match="expected one of linear"):
        nn.init.calculate_gain("swish")
    with pytest.raises(OptionError, match="fan_in"):
        nn.init.kaiming_uniform_(nn.Parameter(np.ones((3, 3))), mode="fan")


@pytest.mark.torch
@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu"])
def test_gains_are_those_of_torch(torch, name):
    assert nn.init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    assert nn.init.calculate_gain("leaky_relu", 0.2) == pytest.approx(
        torch.nn.init.calculate_gain("leaky_relu", 0.2)
    )
