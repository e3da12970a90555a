import numpy as np
import pytest

import nn
from autograd_lite.errors import DataError, OptionError
from nn.uncertainty import Sampled


def test_mean_and_spread_of_one_layer_are_those_of_the_binomial():
    # y = sum of w_i x_i z_i / (1 - p) with Bernoulli z: mean w x, variance sum of (w_i x_i)^2 p / (1 - p).
    nn.manual_seed(0)
    model = nn.Sequential(nn.Dropout(0.3), nn.Linear(6, 2)).double()
    X = np.random.default_rng(0).normal(size=(3, 6))
    prediction = nn.mc_dropout(model, X, samples=4000)
    w, b = model[1].weight.numpy(), model[1].bias.numpy()
    std = np.sqrt(((X[:, None] * w) ** 2).sum(axis=2) * 0.3 / 0.7)
    assert prediction.samples.shape == (4000, 3, 2)
    np.testing.assert_allclose(prediction.std, std, rtol=0.05)
    np.testing.assert_allclose(prediction.mean, X @ w.T + b, atol=5 * std.max() / np.sqrt(4000))


def test_only_dropout_is_as_in_training():
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
    model[2].eval()
    state = model.state_dict()
    X = np.ones((1, 4), np.float32)  # BatchNorm could not standardize one sample
    prediction = nn.mc_dropout(model, X, samples=20)
    assert prediction.std.min() > 0
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, state[name])
    assert [m.training for m in model.modules()] == [True, True, True, False, True]


def test_entropies():
    certain, split = [[1.0, 0.0]], [[0.5, 0.5]]
    agreed = Sampled(np.array([split, split]))
    assert agreed.entropy == pytest.approx(np.log(2)) and agreed.mutual_information == pytest.approx(0)
    torn = Sampled(np.array([certain, [[0.0, 1.0]]]))
    assert torn.entropy == pytest.approx(np.log(2)) and torn.mutual_information == pytest.approx(np.log(2))
    assert Sampled(np.array([certain, certain])).entropy == 0
    with pytest.raises(DataError, match="Softmax"):
        Sampled(np.array([[[1.0, 2.0]]])).entropy


def test_what_is_no_digit_is_less_certain():
    X, y = nn.datasets.load_digits("train")
    X_test, y_test = nn.datasets.load_digits("test")
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Dropout(0.5), nn.Linear(100, 10))
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), nn.optim.Adam(model.parameters(), lr=5e-3))
    trainer.fit(X, y, epochs=8, verbose=False)
    softmax = nn.Softmax(dim=-1)
    known = nn.mc_dropout(model, X_test, 30, softmax)
    strange = nn.mc_dropout(model, np.random.default_rng(0).random((360, 64), np.float32), 30, softmax)
    right = known.mean.argmax(axis=1) == y_test
    print(f"entropy {known.entropy[right].mean():.2f} right, {known.entropy[~right].mean():.2f} wrong, "
          f"{strange.entropy.mean():.2f} noise")  # fmt: skip
    assert right.mean() > 0.95
    assert known.entropy[~right].mean() > 2 * known.entropy[right].mean()
    assert strange.entropy.mean() > 2 * known.entropy.mean()
    assert strange.mutual_information.mean() > 2 * known.mutual_information.mean()


def test_mistakes_are_told():
    with pytest.raises(DataError, match="no Dropout layer in this Linear"):
        nn.mc_dropout(nn.Linear(2, 2), np.ones((1, 2)))
    with pytest.raises(OptionError, match="samples=0"):
        nn.mc_dropout(nn.Dropout(), np.ones((1, 2)), samples=0)
