import math
from statistics import NormalDist

import numpy as np
import pytest

import nn
from autograd_lite.errors import DataError, OptionError, ShapeError
from nn import robust

CASES = [(0, 10), (1, 10), (9, 10), (10, 10), (501, 1000), (990, 1000), (1000, 1000), (9900, 10_000)]


def at_least(hits, samples, p):
    """The probability of so many successes or more, term by term."""
    counts = range(hits, samples + 1)
    return math.fsum(math.comb(samples, i) * p**i * (1 - p) ** (samples - i) for i in counts)


def test_the_bound_is_where_so_many_hits_have_the_probability_alpha():
    for hits, samples in [(1, 10), (7, 10), (10, 10), (60, 100), (300, 500)]:
        for alpha in (0.3, 0.05, 0.001):
            bound = float(robust.clopper_pearson(hits, samples, alpha))
            assert at_least(hits, samples, bound) == pytest.approx(alpha, rel=1e-9)
    assert robust.clopper_pearson(0, 10) == 0


def test_the_bound_is_a_quantile_of_the_beta_distribution():
    special = pytest.importorskip("scipy.special")
    hits, samples = np.transpose(CASES)
    for alpha in (0.5, 0.05, 0.001):
        expected = np.where(hits > 0, special.betaincinv(np.maximum(hits, 1), samples - hits + 1, alpha), 0)
        np.testing.assert_allclose(robust.clopper_pearson(hits, samples, alpha), expected, rtol=1e-8)
    assert robust.clopper_pearson([[1, 2], [3, 4]], 5).shape == (2, 2)


def plane(inputs=2):
    """A net of two classes that meet at the hyperplane through 0 with this unit normal."""
    normal = np.full(inputs, inputs**-0.5)
    model = nn.Linear(inputs, 2, bias=False).double()
    model.weight.data = np.stack([-normal, normal])
    return model, normal


def test_radii_are_below_the_true_distance_as_often_as_alpha_says():
    model, normal = plane()
    nn.manual_seed(0)
    distance, alpha, n = np.linspace(0.05, 0.6, 400), 0.05, 400
    classes, radii = robust.certify(model, distance[:, None] * normal, 0.25, 200, 50, alpha)
    assert set(classes) <= {-1, 1} and (radii[classes == -1] == 0).all()
    wrong = np.sum(radii > distance)
    spread = math.sqrt(alpha * (1 - alpha) * n)
    assert wrong <= alpha * n + 4 * spread  # four standard deviations
    assert wrong > 0  # the bound is not looser than alpha allows
    most = 0.25 * NormalDist().inv_cdf(alpha ** (1 / 200))  # where all of 200 votes agree
    far = distance > 0.3
    assert (
        radii.max() == pytest.approx(most) and np.median(radii[far] / np.minimum(distance[far], most)) > 0.75
    )


def test_more_votes_prove_more_and_both_sides_are_served():
    model, normal = plane(5)
    nn.manual_seed(0)
    X = np.array([0.3, -0.3])[:, None] * normal
    few, many = (robust.certify(model, X, 0.25, samples, alpha=0.01) for samples in (100, 10_000))
    assert few[0].tolist() == many[0].tolist() == [1, 0]
    assert (few[1] < many[1]).all() and (many[1] < 0.3).all() and (many[1] > 0.27).all()
    in_parts = robust.certify(model, X, 0.25, 1000, batch_size=300)
    assert in_parts[0].tolist() == [1, 0]


def test_the_smoothed_class_is_that_of_most_votes_or_none():
    model, normal = plane()
    nn.manual_seed(0)
    X = np.array([-0.3, 0.0, 0.3])[:, None] * normal
    assert robust.smoothed(model, X, 0.25).tolist() == [0, -1, 1]
    assert robust.smoothed(model, X, 0.0, samples=20).tolist() == [0, 0, 1]
    assert robust.smoothed(model, X[:0], 0.25).tolist() == []


class Bump(nn.Module):
    """Class 1 in a thin stripe only: a plain prediction there differs from that of most noisy copies."""

    def forward(self, x):
        inside = np.abs(x[:, 0]) < 0.05
        return np.stack([1.0 - inside, 1.0 * inside], axis=1)


def test_smoothing_outvotes_a_thin_stripe_and_keeps_the_model_as_it_was():
    model = nn.Sequential(nn.Dropout(0.9), Bump())
    assert robust.smoothed(model, np.zeros((1, 1)), 0.5).tolist() == [0]
    classes, radii = robust.certify(model, np.zeros((1, 1)), 0.5)
    p = 2 * NormalDist().cdf(-0.1)  # outside of the stripe
    assert classes.tolist() == [0] and 0.5 < radii[0] / (0.5 * NormalDist().inv_cdf(p)) < 1
    assert model.training and model[0].training


def test_mistakes_are_told():
    model, x = nn.Linear(2, 2).double(), np.zeros((1, 2))
    with pytest.raises(OptionError, match="certify.alpha=0.: expected a number between"):
        robust.certify(model, x, 0.25, alpha=0)
    with pytest.raises(OptionError, match="choices=0"):
        robust.certify(model, x, 0.25, choices=0)
    with pytest.raises(OptionError, match="smoothed.sigma=-1"):
        robust.smoothed(model, x, -1)
    with pytest.raises(OptionError, match="0 <= hits <= samples"):
        robust.clopper_pearson(11, 10)
    with pytest.raises(ShapeError, match=r"needs scores \(n, classes\) of n = 100 inputs"):
        robust.certify(nn.Flatten(0), x, 0.25)
    model.bias.data[0] = math.nan
    with pytest.raises(DataError, match="NaN"):
        robust.smoothed(model, x, 0.25)
