"""The learning-rate range test: its suggestion, and the state it leaves unchanged."""

import numpy as np
import pytest

import nn
from autograd_lite.errors import AnomalyError, OptionError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 5))
Y = X @ RNG.normal(size=(5, 1))


def parts(make=nn.optim.SGD, **options):
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), nn.Dropout(0.1), nn.Tanh(), nn.Linear(16, 1))
    return model, nn.MSELoss(), make(model.parameters(), lr=0.3, **options)


def everything(model, optimizer):
    modes = [module.training for module in model.modules()]
    return repr((model.state_dict(), optimizer.state_dict(), nn.random.generator.bit_generator.state, modes))


@pytest.mark.parametrize("make", [nn.optim.SGD, nn.optim.Adam])
def test_everything_is_as_it_was(make):
    model, loss, optimizer = parts(make)
    nn.Trainer(model, loss, optimizer).fit(X, Y, verbose=False)  # so that there is a state to lose
    model[1].eval()
    before = everything(model, optimizer)
    nn.lr_range_test(model, loss, optimizer, X, Y, steps=30)
    assert everything(model, optimizer) == before
    assert all(p.grad is None for p in model.parameters())

    class BrokenError(Exception):
        pass

    def breaking(output, target):
        raise BrokenError

    with pytest.raises(BrokenError):
        nn.lr_range_test(model, breaking, optimizer, X, Y)
    assert everything(model, optimizer) == before


def test_it_is_the_loop_one_would_write():
    model, loss, optimizer = parts()
    curve = nn.lr_range_test(model, loss, optimizer, X, Y, lr_min=1e-4, lr_max=1e-1, steps=7, batch_size=16)
    assert curve.rates == pytest.approx([1e-4 * 10 ** (k / 2) for k in range(7)])
    model, loss, optimizer = parts()
    loader = nn.DataLoader(nn.TensorDataset(X.astype("f"), Y.astype("f")), 16, shuffle=True)
    expected, rates = [], iter(curve.rates)
    for _ in range(2):
        for x, t in loader:
            if (rate := next(rates, None)) is None:
                break
            optimizer.param_groups[0]["lr"] = float(rate)
            optimizer.zero_grad()
            value = loss(model(x), t)
            value.backward()
            optimizer.step()
            expected.append(value.item())
    assert curve.losses.tolist() == expected


def test_it_ends_where_the_loss_diverges():
    model, loss, optimizer = parts()
    curve = nn.lr_range_test(model, loss, optimizer, X, Y, lr_max=1e4, steps=60)
    assert len(curve.rates) == len(curve.losses) < 60
    assert curve.losses[-1] > 4 * curve.losses.min()
    assert (curve.losses[:-1] <= 4 * np.minimum.accumulate(curve.losses[:-1])).all()


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_loss_that_is_no_longer_finite_ends_it_too():
    nn.manual_seed(0)
    model = nn.Linear(5, 1)
    optimizer = nn.optim.SGD(model.parameters())
    curve = nn.lr_range_test(model, nn.MSELoss(), optimizer, X, Y, lr_max=1e30, steps=20, diverged=1e300)
    assert 1 < len(curve.losses) < 20
    assert np.isfinite(curve.losses).all()
    assert np.isfinite(model.weight.numpy()).all()


def test_the_suggestion_is_of_use():
    """For a quadratic loss, rates above 2 / (largest curvature) diverge, and those just below converge."""
    nn.manual_seed(0)
    model = nn.Linear(5, 1).double()
    optimizer = nn.optim.SGD(model.parameters())
    curve = nn.lr_range_test(model, nn.MSELoss(), optimizer, X, Y, batch_size=64, steps=300)
    augmented = np.c_[X, np.ones(64)]
    limit = 2 / np.linalg.eigvalsh(2 * augmented.T @ augmented / 64).max()
    assert limit / 30 < curve.suggestion < limit
    assert curve.losses[-1] > curve.losses.min()


def test_the_smooth_curve_is_a_weighted_mean():
    losses = np.array([3.0, 1.0, 2.0, 5.0] * 10)
    curve = nn.LearningRateCurve(np.geomspace(1e-3, 1, 40), losses)  # of 5 % of 40: 1, 1/2, 1/4 ...
    assert curve.smooth[:3] == pytest.approx([3, (1 + 3 / 2) / 1.5, (2 + 1 / 2 + 3 / 4) / 1.75])
    constant = nn.LearningRateCurve(curve.rates, np.full(40, 2.0))
    np.testing.assert_allclose(constant.smooth, 2.0, rtol=1e-14)
    np.testing.assert_array_equal(nn.LearningRateCurve(curve.rates[:9], losses[:9]).smooth, losses[:9])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(lr_min=0), "expected 0 < lr_min < lr_max"),
        (dict(lr_min=1, lr_max=0.1), "expected 0 < lr_min < lr_max"),
        (dict(steps=1), r"lr_range_test\(steps=1\)"),
        (dict(lr_max="10"), r"lr_range_test\(lr_max='10'\)"),
        (dict(diverged=-1), r"lr_range_test\(diverged=-1\)"),
    ],
)
def test_mistakes_are_told(options, message):
    with pytest.raises(OptionError, match=message):
        nn.lr_range_test(*parts(), X, Y, **options)


def test_data_with_holes_are_named():
    with pytest.raises(AnomalyError, match="X has NaN in row 0"):
        nn.lr_range_test(*parts(), X * np.nan, Y)
