import numpy as np
import pytest

import nn
from autograd_lite.errors import IndexingError, ShapeError
from autograd_lite.testing import check_grads


def test_lists_can_be_edited():
    layers = nn.ModuleList([nn.ReLU()])
    layers.append(nn.Tanh()).extend([nn.Linear(2, 2)])
    layers.insert(1, nn.Sigmoid())
    layers[0] = nn.Linear(3, 3)
    assert [type(layer).__name__ for layer in layers] == ["Linear", "Sigmoid", "Tanh", "Linear"]
    assert list(layers.state_dict()) == ["0.weight", "0.bias", "3.weight", "3.bias"]


def test_dicts_of_layers():
    heads = nn.ModuleDict({"a": nn.Linear(2, 3)})
    heads["b"] = nn.ReLU()
    heads.update({"a": nn.Linear(2, 1)})
    assert set(heads.keys()) == set(heads) == {"a", "b"} and len(heads) == len(heads.values()) == 2
    assert dict(heads.items())["a"].out_features == 1
    del heads["b"]
    assert "b" not in heads
    assert list(heads.state_dict()) == ["a.weight", "a.bias"]
    with pytest.raises(IndexingError, match="has no 'c'; it has a"):
        heads["c"]


def test_lists_and_dicts_of_parameters():
    module = nn.Module()
    module.several = nn.ParameterList([np.zeros(2), nn.Parameter(np.ones(1))]).append(np.ones((2, 2)))
    module.named = nn.ParameterDict({"w": np.zeros(3)})
    module.named["v"] = np.ones(2)
    assert list(module.state_dict()) == ["several.0", "several.1", "several.2", "named.w", "named.v"]
    assert len(module.several) == 3 and len(module.named) == 2 and "w" in module.named
    assert [p.shape for p in module.several] == [(2,), (1,), (2, 2)]
    assert set(module.named) == {"v", "w"} and module.several[1].item() == 1
    with pytest.raises(IndexingError, match="has no 'u'; it has w, v"):
        module.named["u"]


def test_bilinear():
    rng = np.random.default_rng(0)
    a, b, w, c = (rng.normal(size=s) for s in [(5, 2), (5, 3), (4, 2, 3), (4,)])
    y = nn.functional.bilinear(a, b, w, c)
    for n in range(5):
        for k in range(4):
            assert y[n, k] == pytest.approx(a[n] @ w[k] @ b[n] + c[k])
    check_grads(nn.functional.bilinear, (a, b, w, c))
    with pytest.raises(ShapeError, match=r"\(..., 2\) and \(..., 3\), got \(5, 3\) and \(5, 3\)"):
        nn.Bilinear(2, 3, 4)(b, b)


@pytest.mark.torch
def test_bilinear_is_that_of_torch(torch):
    ours, theirs = nn.Bilinear(2, 3, 4).double(), torch.nn.Bilinear(2, 3, 4).double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    a, b = np.random.default_rng(0).normal(size=(2, 7, 3))
    expected = theirs(torch.tensor(a[:, :2]), torch.tensor(b)).detach().numpy()
    np.testing.assert_allclose(ours(a[:, :2], b).numpy(), expected, rtol=1e-9)
    assert repr(ours) == repr(theirs)
