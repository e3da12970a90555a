import numpy as np
import pytest

import nn
from autograd_lite.errors import AxisError, OptionError


@pytest.mark.torch
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("shape", [(4, 5), (3, 2, 5, 5)])
def test_lengths_are_cut_as_torch_renorm_does(torch, shape, dim):
    w = np.random.default_rng(0).normal(size=shape)
    p = nn.Parameter(w)
    nn.MaxNorm([p], 1.5, dim).apply()
    expected = torch.renorm(torch.tensor(w), 2, dim % w.ndim, 1.5).numpy()
    np.testing.assert_allclose(p.numpy(), expected, rtol=1e-6)  # torch divides by the length plus 1e-7


def test_weights_stay_short_while_they_are_trained():
    X, y = nn.datasets.load_digits("train")
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 50), nn.ReLU(), nn.Linear(50, 10))

    def longest():
        return max(np.linalg.norm(model[i].weight.numpy(), axis=1).max() for i in (0, 2))

    optimizer = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, ["accuracy"])
    trainer.callbacks.append(nn.MaxNorm(model.parameters(), 1.0))
    history = trainer.fit(X, y, epochs=3, verbose=False)
    assert longest() <= 1 + 1e-6
    assert history["accuracy"][-1] > 0.9
    trainer.callbacks.clear()
    trainer.fit(X, y, epochs=1, verbose=False)
    assert longest() > 1.2


def test_short_weights_and_biases_are_left_alone():
    w, b = nn.Parameter(np.array([[0.3, 0.4], [0.0, 0.0]])), nn.Parameter(np.array([9.0]))
    before = w.numpy().copy()
    nn.MaxNorm([w, b], 1.0).apply()
    np.testing.assert_array_equal(w.numpy(), before)
    assert b.item() == 9
    nn.MaxNorm([w], 0.0).apply()
    np.testing.assert_array_equal(w.numpy(), np.zeros((2, 2)))


def test_mistakes_are_told():
    with pytest.raises(OptionError, match="max_value=-1"):
        nn.MaxNorm([nn.Parameter(np.ones((2, 2)))], -1)
    with pytest.raises(AxisError, match=r"dim=2.*\(2, 2\)"):
        nn.MaxNorm([nn.Parameter(np.ones((2, 2)))], 1, dim=2)
