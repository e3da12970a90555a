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


@pytest.mark.parametrize(
    ("fill", "std"),
    [
        (lambda p: nn.init.normal_(p, 0.0, 0.3), 0.3),
        (lambda p: nn.init.xavier_normal_(p, gain=2), 2 * math.sqrt(2 / (150 + 600))),
        (lambda p: nn.init.kaiming_normal_(p, nonlinearity="relu"), math.sqrt(2 / 150)),
        (lambda p: nn.init.lecun_normal_(p), math.sqrt(1 / 150)),
        (lambda p: nn.init.lecun_uniform_(p), math.sqrt(1 / 150)),
    ],
)
def test_standard_deviations(fill, std):
    nn.manual_seed(0)
    p = nn.Parameter(np.zeros((200, 50, 3), np.float32))
    assert fill(p) is p and p.dtype == np.float32
    assert p.numpy().mean() == pytest.approx(0, abs=0.02 * std)
    assert p.numpy().std() == pytest.approx(std, rel=0.02)


def test_a_truncated_normal_stays_within_its_bounds():
    p = nn.init.trunc_normal_(nn.Parameter(np.zeros((100, 100))), 1.0, 2.0, a=0.0, b=2.0)
    assert 0 <= p.numpy().min() < 0.01 and 1.99 < p.numpy().max() <= 2
    # the density of N(1, 2^2) in [0, 2] has mean 1 and this deviation
    x = np.linspace(-1, 1, 100_001)
    weights = np.exp(-(x**2) / 8)
    assert p.numpy().std() == pytest.approx(math.sqrt((x**2 * weights).sum() / weights.sum()), rel=0.03)
    with pytest.raises(OptionError, match="no numbers fit"):
        nn.init.trunc_normal_(p, 0.0, 0.1, a=2.0, b=3.0)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 3), (6, 1)])
def test_orthogonal_rows_or_columns(shape):
    q = nn.init.orthogonal_(nn.Parameter(np.zeros(shape)), gain=2.0).numpy().reshape(shape[0], -1)
    gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)


def test_sparse_columns():
    p = nn.init.sparse_(nn.Parameter(np.zeros((10, 7))), sparsity=0.35)
    assert ((p.numpy() == 0).sum(axis=0) == 4).all()
    assert len({tuple(np.flatnonzero(column)) for column in p.numpy().T}) > 1


@pytest.mark.torch
def test_numbers_that_are_not_drawn_are_those_of_torch(torch):
    for name, shape, options in [
        ("ones_", (2, 3), {}),
        ("constant_", (2,), {"val": 0.3}),
        ("eye_", (2, 3), {}),
        ("dirac_", (4, 2, 3), {}),
        ("dirac_", (4, 2, 3, 5), {"groups": 2}),
    ]:
        ours = getattr(nn.init, name)(nn.Parameter(np.zeros(shape)), **options).numpy()
        theirs = getattr(torch.nn.init, name)(torch.zeros(shape, dtype=torch.float64), **options)
        np.testing.assert_array_equal(ours, theirs.numpy())


def test_initialisation_by_what_follows():
    class Swapped(nn.Module):
        def forward(self, x):
            return x

    Swapped.__name__ = "SELU"
    model = nn.Sequential(
        nn.Linear(400, 300), nn.ReLU(), nn.Linear(300, 500), nn.Tanh(), nn.Linear(500, 200), Swapped(),
        nn.Linear(200, 300),
    )  # fmt: skip
    assert nn.init.by_activation_(model) is model
    expected = [2 / 400, 2 / 800, 1 / 500, 2 / 500]
    for layer, variance in zip([model[0], model[2], model[4], model[6]], expected, strict=True):
        assert layer.weight.numpy().var() == pytest.approx(variance, rel=0.05)
        assert not layer.bias.numpy().any()


def test_one_activation_may_follow_several_layers():
    relu = nn.ReLU()
    model = nn.init.by_activation_(
        nn.Sequential(nn.Linear(300, 300), relu, nn.Linear(300, 300), relu, nn.Linear(300, 300))
    )
    variances = [model[i].weight.numpy().var() for i in (0, 2, 4)]
    assert variances == pytest.approx([2 / 300, 2 / 300, 2 / 600], rel=0.05)


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
    for fill in (nn.init.eye_, nn.init.dirac_, nn.init.orthogonal_, lambda p: nn.init.sparse_(p, 0.5)):
        with pytest.raises(ShapeError, match="expected"):
            fill(nn.Parameter(np.ones(3)))


@pytest.mark.torch
@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "conv2d"])
def test_gains_are_those_of_torch(torch, name):
    assert nn.init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    assert nn.init.calculate_gain("leaky_relu", 0.2) == pytest.approx(
        torch.nn.init.calculate_gain("leaky_relu", 0.2)
    )
