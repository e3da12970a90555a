import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DataError, OptionError, ShapeError


def members(n=3):
    nn.manual_seed(0)
    return [nn.Linear(4, 3).double() for _ in range(n)]


X = np.random.default_rng(0).normal(size=(5, 4))


def test_ways_to_vote():
    models = members()
    logits = np.stack([model(X).numpy() for model in models])
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(nn.Committee(models)(X).numpy(), p.mean(axis=0))
    np.testing.assert_allclose(nn.Committee(models, "mean")(X).numpy(), logits.mean(axis=0))
    shares = np.array([[(logits[:, i].argmax(axis=1) == c).mean() for c in range(3)] for i in range(5)])
    np.testing.assert_allclose(nn.Committee(models, "hard")(X), shares)


def test_a_committee_is_a_module():
    committee = nn.Committee(members())
    assert len(list(committee.parameters())) == 6
    assert "models.2.weight" in committee.state_dict()
    committee(X).sum().backward()
    assert committee.models[0].weight.grad is not None
    assert not any(m.training for m in committee.eval().modules())


def test_each_sees_a_sample_with_replacement():
    seen = []

    def train(X, y):
        np.testing.assert_array_equal(X[:, 0], y)
        seen.append(y)
        return nn.Linear(1, 1)

    nn.manual_seed(0)
    values = np.arange(1000.0)
    committee = nn.bagging(train, values[:, None], values, models=5)
    assert len(committee.models) == len(seen) == 5
    for sample in seen:
        assert len(sample) == 1000
        assert len(np.unique(sample)) / 1000 == pytest.approx(1 - np.exp(-1), abs=0.04)
    assert not np.array_equal(seen[0], seen[1])


def test_a_committee_reads_digits_better_than_its_members():
    X, y = nn.datasets.load_digits("train")
    X_test, y_test = nn.datasets.load_digits("test")

    def train(X, y):
        model = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))
        optimizer = nn.optim.Adam(model.parameters(), lr=1e-2)
        nn.Trainer(model, nn.CrossEntropyLoss(), optimizer).fit(X, y, epochs=5, verbose=False)
        return model

    nn.manual_seed(0)
    committee = nn.bagging(train, X[:500], y[:500], models=8)

    def accuracy(model):
        with ag.no_grad():
            y = model(X_test)
        return ((y.numpy() if isinstance(y, ag.Tensor) else y).argmax(axis=1) == y_test).mean()

    alone = np.mean([accuracy(model) for model in committee.models])
    soft, hard = accuracy(committee), accuracy(nn.Committee(committee.models, "hard"))
    print(f"alone {alone:.3f}, soft {soft:.3f}, hard {hard:.3f}")
    assert min(soft, hard) > alone + 0.01


def test_mistakes_are_told():
    with pytest.raises(DataError, match="none"):
        nn.Committee([])
    with pytest.raises(OptionError, match="'soft', 'hard', 'mean'"):
        nn.Committee(members(), voting="loud")
    with pytest.raises(ShapeError, match=r"\(3, 1\).*\(2,\)"):
        nn.bagging(lambda X, y: None, np.ones((3, 1)), np.ones(2))
    with pytest.raises(DataError, match="no samples"):
        nn.bagging(lambda X, y: None, np.ones((0, 1)), np.ones(0))
    with pytest.raises(OptionError, match="models=0"):
        nn.bagging(lambda X, y: None, np.ones((3, 1)), np.ones(3), models=0)
