import math

import numpy as np
import pytest

import nn
from autograd_lite.errors import DTypeError, OptionError
from autograd_lite.testing import check_grads

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(), (5,), (2, 5), (0,)])
def test_linear_is_a_sum_over_inputs(bias, batch):
    layer = nn.Linear(3, 2, bias=bias, dtype=np.float64)
    x = RNG.normal(size=(*batch, 3))
    expected = np.zeros((*batch, 2))
    for i in range(2):
        expected[..., i] = layer.bias.numpy()[i] if bias else 0
        for j in range(3):
            expected[..., i] += layer.weight.numpy()[i, j] * x[..., j]
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("batch", [(), (4,), (2, 3)])
def test_gradients_of_linear(batch):
    x, w, b = RNG.normal(size=(*batch, 3)), RNG.normal(size=(2, 3)), RNG.normal(size=2)
    check_grads(nn.functional.linear, (x, w, b))


def test_linear_starts_as_torch_does():
    nn.manual_seed(0)
    layer = nn.Linear(100, 400)
    assert layer.weight.shape == (400, 100)
    assert layer.bias.shape == (400,)
    for p in layer.parameters():
        assert p.dtype == np.float32
        assert 0.095 < np.abs(p.numpy()).max() <= 0.1  # U(-1/sqrt(in), 1/sqrt(in))
        assert p.numpy().std() == pytest.approx(0.1 / math.sqrt(3), rel=0.05)
    assert nn.Linear(0, 3)(np.zeros((2, 0), np.float32)).shape == (2, 3)


def test_float32_stays_float32():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    out = model(np.ones((2, 4), np.float32))
    assert out.dtype == np.float32
    out.sum().backward()
    assert all(p.grad.dtype == np.float32 for p in model.parameters())


@pytest.mark.parametrize(
    ("layer", "f"),
    [
        (nn.ReLU(), lambda x: max(x, 0.0)),
        (nn.Tanh(), math.tanh),
        (nn.Sigmoid(), lambda x: 1 / (1 + math.exp(-x))),
    ],
    ids=["relu", "tanh", "sigmoid"],
)
def test_activations(layer, f):
    x = np.array([[-2.0, -0.5, 0.3], [0.7, 1.5, 3.0]])
    np.testing.assert_allclose(layer(x), [[f(v) for v in row] for row in x], rtol=1e-14)
    check_grads(layer, (x,))


@pytest.mark.torch
def test_weights_of_a_torch_model_give_its_outputs_and_gradients(torch):
    theirs = torch.nn.Sequential(
        torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)
    ).double()
    ours = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    ours.load_state_dict(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    x = RNG.normal(size=(7, 6))
    out, expected = ours(x), theirs(torch.tensor(x))
    np.testing.assert_allclose(out.numpy(), expected.detach().numpy(), rtol=1e-12)
    (out * out).sum().backward()
    (expected * expected).sum().backward()
    for (name, p), (their_name, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == their_name
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-10, atol=1e-13)
    theirs.load_state_dict({name: torch.tensor(x) for name, x in ours.state_dict().items()})


def test_mistakes_in_layers_are_told():
    with pytest.raises(DTypeError, match=r"nn\.Sequential\(\*layers\)"):
        nn.Sequential([nn.Linear(2, 2)])
    with pytest.raises(DTypeError, match=r"ReLU\(\)"):
        nn.Sequential(nn.Linear(2, 2), nn.ReLU)
    for sizes in ((2.0, 3), ("a", 3), (-1, 3)):
        with pytest.raises(OptionError, match="expected an int"):
            nn.Linear(*sizes)
    with pytest.raises(OptionError, match="at least 0"):
        nn.manual_seed(-1)
    assert nn.Linear(2, 3)([[1.0, 2.0]]).shape == (1, 3)


def test_layers_in_a_plain_list_are_not_overlooked_in_silence():
    class Net(nn.Module):
        def __init__(self):
            self.layers = [nn.Linear(2, 2)]

    with pytest.warns(UserWarning, match=r"Net\.layers is a plain list.*nn\.ModuleList"):
        Net()


def test_a_module_list_is_found_and_sliced():
    class Net(nn.Module):
        def __init__(self):
            self.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    net = Net()
    assert len(list(net.parameters())) == 6
    assert isinstance(net.layers[:2], nn.ModuleList)
    assert len(net.layers[:2]) == 2
    assert net(np.ones((1, 2))).shape == (1, 2)
    with pytest.raises(NotImplementedError, match="call each"):
        net.layers(np.ones(2))
