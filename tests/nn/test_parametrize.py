import copy
import pickle

import numpy as np
import pytest

import nn
from autograd_lite.errors import AxisError, DataError, OptionError, ShapeError
from autograd_lite.testing import check_grads
from nn.utils import parametrize
from nn.utils.parametrizations import spectral_norm, weight_norm


class Exp(nn.Module):
    def forward(self, x):
        return np.exp(x)

    def right_inverse(self, y):
        return np.log(y)


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


def positive():
    layer = nn.Linear(3, 2).double()
    layer.weight.data = np.random.default_rng(0).uniform(0.5, 2, (2, 3))
    return layer


X = np.random.default_rng(1).normal(size=(4, 3))


def test_the_value_stays_and_the_gradient_goes_to_the_original():
    layer = positive()
    before, expected = layer.weight, layer(X).numpy()
    parametrize.register_parametrization(layer, "weight", Exp())
    assert parametrize.is_parametrized(layer) and parametrize.is_parametrized(layer, "weight")
    assert layer.parametrizations.weight.original is before
    np.testing.assert_allclose(layer(X).numpy(), expected)
    layer(X).sum().backward()
    np.testing.assert_allclose(before.grad.numpy(), layer.weight.numpy() * X.sum(axis=0))
    values = layer.weight.numpy()
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is before and not parametrize.is_parametrized(layer)
    assert sorted(layer.state_dict()) == ["bias", "weight"]
    np.testing.assert_array_equal(layer.weight.numpy(), values)


def test_several_after_one_another_and_on_several_parameters():
    layer = positive()
    weight, bias = layer.weight.numpy().copy(), layer.bias.numpy().copy()
    parametrize.register_parametrization(layer, "weight", Exp())
    parametrize.register_parametrization(layer, "weight", Doubled())
    parametrize.register_parametrization(layer, "bias", Doubled())
    np.testing.assert_allclose(layer.weight.numpy(), 2 * weight)
    np.testing.assert_allclose(layer.bias.numpy(), 2 * bias)
    parametrize.remove_parametrizations(layer, "weight")
    assert parametrize.is_parametrized(layer, "bias") and not parametrize.is_parametrized(layer, "weight")
    np.testing.assert_allclose(layer.weight.numpy(), 2 * weight)
    np.testing.assert_allclose(layer.bias.numpy(), 2 * bias)


def test_copies_and_pickles_are_independent():
    layer = weight_norm(nn.Linear(3, 2).double())
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(twin(X).numpy(), layer(X).numpy())
        twin.parametrizations.weight.original0.data *= 2
        assert not np.allclose(twin(X).numpy(), layer(X).numpy())


@pytest.mark.parametrize("dim", [0, 1, None])
def test_gradients_of_weight_norm(dim):
    layer = weight_norm(nn.Linear(3, 2).double(), dim=dim)
    originals = {f"parametrizations.weight.original{i}": p.numpy() for i, p in
                 enumerate(layer.parametrizations.weight.parameters())}  # fmt: skip

    def outputs(*values):
        return nn.functional_call(layer, dict(zip(originals, values, strict=True)), X)

    check_grads(outputs, tuple(originals.values()))


def test_a_spectral_norm_becomes_one_in_training():
    nn.manual_seed(0)
    layer = spectral_norm(nn.Conv2d(3, 6, 3).double())
    for _ in range(200):
        weight = layer.weight.numpy()
    sizes = np.linalg.svd(weight.reshape(6, -1), compute_uv=False)
    assert sizes[0] == pytest.approx(1, abs=1e-8)
    layer.eval()
    np.testing.assert_array_equal(layer.weight.numpy(), layer.weight.numpy())


def test_mistakes_are_told():
    layer = nn.Linear(3, 2)
    with pytest.raises(DataError, match="'wait'"):
        weight_norm(layer, "wait")
    with pytest.raises(AxisError, match="dim=2"):
        weight_norm(layer, dim=2)
    with pytest.raises(AxisError, match="dim=5"):
        spectral_norm(layer, dim=5)
    with pytest.raises(OptionError, match="n_power_iterations=0"):
        spectral_norm(layer, n_power_iterations=0)
    with pytest.raises(DataError, match="not parametrized"):
        parametrize.remove_parametrizations(layer, "weight")

    class Cut(nn.Module):
        def forward(self, x):
            return x[:1]

    with pytest.raises(ShapeError, match=r"\(2, 3\).*\(1, 3\).*unsafe=True"):
        parametrize.register_parametrization(layer, "weight", Cut())
    assert isinstance(layer.weight, nn.Parameter)
    assert parametrize.register_parametrization(layer, "weight", Cut(), unsafe=True).weight.shape == (1, 3)


# -- beside PyTorch --------------------------------------------------------------------------------

LAYERS = {
    "linear": (lambda n: n.Linear(5, 4), (3, 5)),
    "conv": (lambda n: n.Conv2d(2, 4, 3), (2, 2, 5, 5)),
    "transposed": (lambda n: n.ConvTranspose2d(2, 4, 3), (2, 2, 4, 4)),
}


@pytest.mark.torch
@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize(
    "options", [{"dim": 0}, {"dim": 1}, {"dim": None}, {"dim": -1}, "spectral", "iterated"]
)
def test_normalized_layers_are_torchs(torch, make, shape, options):
    from torch.nn.utils import parametrizations as their_functions

    ours, theirs = make(nn).double(), make(torch.nn).double()
    if isinstance(options, dict):
        weight_norm(ours, **options)
        their_functions.weight_norm(theirs, **options)
    else:
        times = 3 if options == "iterated" else 1
        spectral_norm(ours, n_power_iterations=times)
        their_functions.spectral_norm(theirs, n_power_iterations=times)
    ours.load_state_dict(theirs.state_dict())
    x = np.random.default_rng(0).normal(size=shape)
    our_steps = nn.optim.SGD(ours.parameters(), lr=0.1)
    their_steps = torch.optim.SGD(theirs.parameters(), lr=0.1)
    for _ in range(4):
        y, z = ours(x), theirs(torch.tensor(x))
        np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-9, atol=1e-12)
        for optimizer, loss in ((our_steps, (y * y).mean()), (their_steps, (z * z).mean())):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    state = theirs.state_dict()
    assert sorted(ours.state_dict()) == sorted(state)
    for name, value in ours.state_dict().items():
        np.testing.assert_allclose(value, state[name].numpy(), rtol=1e-8, atol=1e-11, err_msg=name)
    np.testing.assert_allclose(
        ours.eval()(x).numpy(), theirs.eval()(torch.tensor(x)).detach().numpy(), rtol=1e-8
    )


@pytest.mark.torch
def test_own_parametrizations_have_torchs_keys(torch):
    import torch.nn.utils.parametrize as their_functions

    class Negated(torch.nn.Module):
        def forward(self, x):
            return -x

    class OurNegated(nn.Module):
        def forward(self, x):
            return -x

    ours, theirs = nn.Linear(2, 2), torch.nn.Linear(2, 2)
    for _ in range(2):
        parametrize.register_parametrization(ours, "weight", OurNegated())
        their_functions.register_parametrization(theirs, "weight", Negated())
    assert sorted(ours.state_dict()) == sorted(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    np.testing.assert_array_equal(ours.weight.numpy(), theirs.weight.detach().numpy())
