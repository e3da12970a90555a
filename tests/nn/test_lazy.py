"""Layers that read the size of their input from the first input."""

import copy
import pickle

import numpy as np
import pytest

import nn
from autograd_lite.errors import DataError, UnsupportedError

RNG = np.random.default_rng(0)
SHAPES = {"1d": (2, 3, 5), "2d": (2, 3, 5, 4), "3d": (2, 3, 5, 4, 3)}
LAYERS = {
    "LazyLinear": ((4,), {}, (2, 5, 3), "Linear(in_features=3, out_features=4, bias=True)"),
    **{f"LazyConv{n}": ((4, 2), {"groups": 1}, shape, f"Conv{n}(3, 4") for n, shape in SHAPES.items()},
    **{
        f"LazyConvTranspose{n}": ((4, 2), {"bias": False}, shape, f"ConvTranspose{n}(3, 4")
        for n, shape in SHAPES.items()
    },
    **{f"LazyBatchNorm{n}": ((), {}, shape, f"BatchNorm{n}(3,") for n, shape in SHAPES.items()},
    **{f"LazyInstanceNorm{n}": ((), {}, shape, f"InstanceNorm{n}(3,") for n, shape in SHAPES.items()},
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_first_input_tells_the_size(name):
    args, options, shape, text = LAYERS[name]
    layer = getattr(nn, name)(*args, **options)
    assert layer.has_uninitialized_params() and name in repr(layer)
    held, x = list(layer.parameters()), RNG.normal(size=shape).astype(np.float32)
    twin = copy.deepcopy(layer)
    layer(x)
    kind = getattr(nn, name.removeprefix("Lazy"))
    assert type(layer) is kind and repr(layer).startswith(text)
    assert all(a is b for a, b in zip(held, layer.parameters(), strict=True))  # an optimizer may hold them
    assert {type(p) for p in held} <= {nn.Parameter}
    twin.load_state_dict(layer.state_dict())
    assert type(twin) is kind
    expected = layer.eval()(x).numpy()
    for other in (
        twin.eval(),
        pickle.loads(pickle.dumps(layer)),
    ):  # another layout rounds differently
        np.testing.assert_allclose(other(x).numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")
@pytest.mark.parametrize("name", LAYERS)
def test_the_state_is_pytorchs(torch, name):
    args, options, shape, _ = LAYERS[name]
    ours, theirs = getattr(nn, name)(*args, **options), getattr(torch.nn, name)(*args, **options)
    x = RNG.normal(size=shape).astype(np.float32)
    ours(x)
    theirs(torch.tensor(x))
    expected = {key: tuple(value.shape) for key, value in theirs.state_dict().items()}
    assert {key: value.shape for key, value in ours.state_dict().items()} == expected


def test_options_reach_the_layer():
    layer = nn.LazyConv2d(4, 3, stride=2, groups=2, bias=False, dtype=np.float64)
    assert layer.out_channels == 4 and layer.bias is None and layer.weight.dtype == np.float64
    frozen = layer.requires_grad_(False).eval()
    y = frozen(np.ones((1, 2, 5, 5)))
    assert y.shape == (1, 4, 2, 2) and layer.stride == (2, 2) and not layer.training
    assert layer.weight.dtype == np.float64 and not layer.weight.requires_grad
    assert isinstance(nn.LazyLinear(2), nn.Linear)


def test_what_has_no_size_yet_is_an_error():
    layer = nn.LazyLinear(2)
    with pytest.raises(DataError, match=r"model\(x\)"):
        layer.weight.shape
    with pytest.raises(DataError, match="before the first input"):
        nn.Sequential(layer).state_dict()
    with pytest.raises(DataError, match=r"missing: weight\n *missing: bias"):
        layer.load_state_dict({})
    assert layer.load_state_dict({}, strict=False).missing_keys == ["weight", "bias"]
    with pytest.raises(UnsupportedError, match="cuda"):
        nn.LazyLinear(2, device="cuda")(np.ones((1, 2)))
