import itertools

import numpy as np
import pytest

import nn
from autograd_lite.errors import OptionError, ShapeError


def network(classes, hidden=32):
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, classes))


def trained(model, X, y, epochs=10, lr=1e-2):
    parameters = [p for p in model.parameters() if p.requires_grad]
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), nn.optim.Adam(parameters, lr=lr), ["accuracy"])
    trainer.fit(X, y, epochs=epochs, verbose=False)
    return trainer


def test_what_fits_is_taken_over_and_the_rest_left():
    nn.manual_seed(0)
    old, new = network(10), network(3)
    head = new[2].weight.numpy().copy()
    assert nn.load_matching(new, old) == ["0.weight", "0.bias"]
    np.testing.assert_array_equal(new[0].weight.numpy(), old[0].weight.numpy())
    np.testing.assert_array_equal(new[2].weight.numpy(), head)
    old[0].weight.data += 1
    assert not np.array_equal(new[0].weight.numpy(), old[0].weight.numpy())
    assert nn.load_matching(new, {"0.weight": np.ones((32, 64), complex), "9.bias": np.ones(3)}) == []
    assert nn.load_matching(network(3).double(), old.state_dict()) == ["0.weight", "0.bias"]


def test_reused_layers_learn_a_related_task_from_few_samples():
    """Odd or even, from 30 digits: first with frozen layers, then with all."""
    X, y = nn.datasets.load_digits("train")
    X_test, y_test = nn.datasets.load_digits("test")
    nn.manual_seed(0)
    base = network(10, hidden=64)
    trained(base, X, y)
    reused, fresh = network(2, hidden=64), network(2, hidden=64)
    assert nn.load_matching(reused, base) == ["0.weight", "0.bias"]
    reused[0].requires_grad_(False)
    before, head = reused[0].weight.numpy().copy(), reused[2].weight.numpy().copy()
    trained(reused, X[:30], y[:30] % 2)
    np.testing.assert_array_equal(reused[0].weight.numpy(), before)
    assert not np.array_equal(reused[2].weight.numpy(), head)
    reused[0].requires_grad_(True)
    scores = [
        trained(model, X[:30], y[:30] % 2, epochs=60, lr=5e-3).evaluate(X_test, y_test % 2)["accuracy"]
        for model in (reused, fresh)
    ]
    print(f"reused {scores[0]:.3f}, fresh {scores[1]:.3f}")
    assert scores[0] > scores[1] + 0.02


def test_noise_masks_a_share_of_the_inputs_in_training_only():
    model = nn.DenoisingAutoencoder(nn.Identity(), nn.Identity(), noise=0.3)
    x = np.ones((100, 50), np.float32)
    nn.manual_seed(0)
    y = model(x)
    assert set(np.unique(y)) == {0, 1} and y.dtype == np.float32
    assert y.mean() == pytest.approx(0.7, abs=0.02)
    np.testing.assert_array_equal(model.eval()(x), x)


def test_a_linear_layer_learns_to_span_the_principal_components():
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(400, 2)) * [3, 2]) @ rng.normal(size=(2, 6)) + 0.01 * rng.normal(size=(400, 6))
    layer = nn.Linear(6, 2).double()
    (history,) = nn.pretrain([layer], X, epochs=60, optimizer=lambda p: nn.optim.Adam(p, lr=0.01))
    assert history["loss"][-1] < 1e-2 * X.var()


@pytest.mark.slow
def test_pretraining_starts_a_deep_network_that_would_not_start_by_itself():
    X, y = nn.datasets.load_digits("train")
    X_test, y_test = nn.datasets.load_digits("test")
    scores = {}
    for pretrained in (False, True):
        nn.manual_seed(0)
        sizes = [64, 48, 32, 24, 16]
        layers = [nn.Sequential(nn.Linear(n, m), nn.Sigmoid()) for n, m in itertools.pairwise(sizes)]
        if pretrained:
            histories = nn.pretrain(
                layers, X, epochs=8, noise=0.1, optimizer=lambda p: nn.optim.Adam(p, lr=1e-2)
            )
            assert len(histories) == 4 and all(h["loss"][-1] < h["loss"][0] for h in histories)
        model = nn.Sequential(*layers, nn.Linear(16, 10))
        scores[pretrained] = trained(model, X, y, epochs=8, lr=3e-3).evaluate(X_test, y_test)["accuracy"]
    print(f"pretrained {scores[True]:.3f}, not {scores[False]:.3f}")
    assert scores[True] > scores[False] + 0.1


def test_mistakes_are_told():
    with pytest.raises(ShapeError, match=r"\(5, 8, 8\); flatten"):
        nn.pretrain([nn.Linear(8, 2)], np.zeros((5, 8, 8)))
    with pytest.raises(OptionError, match="noise=2"):
        nn.pretrain([nn.Linear(8, 2)], np.zeros((5, 8)), noise=2)
