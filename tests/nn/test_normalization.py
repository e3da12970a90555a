import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import OptionError, ShapeError
from autograd_lite.testing import check_grads
from nn.functional.normalization import standardize
from tests.helpers import check_both_orders, second_order

rng = np.random.default_rng(0)
CASES = [
    ("BatchNorm1d", (3,), {}, (5, 3)),
    ("BatchNorm1d", (3,), {"momentum": None, "eps": 1e-2}, (4, 3, 2)),
    ("BatchNorm1d", (3,), {"affine": False, "track_running_stats": False}, (5, 3)),
    ("BatchNorm2d", (3,), {"momentum": 0.3}, (4, 3, 2, 3)),
    ("BatchNorm3d", (2,), {}, (3, 2, 2, 2, 2)),
    ("InstanceNorm1d", (3,), {}, (2, 3, 5)),
    ("InstanceNorm2d", (3,), {"affine": True, "track_running_stats": True}, (2, 3, 4, 2)),
    ("InstanceNorm2d", (3,), {}, (3, 4, 2)),
    ("LayerNorm", (4,), {}, (3, 2, 4)),
    ("LayerNorm", ((2, 4),), {"eps": 0.1, "bias": False}, (3, 2, 4)),
    ("LayerNorm", (4,), {"elementwise_affine": False}, (3, 4)),
    ("RMSNorm", (4,), {}, (3, 2, 4)),
    ("RMSNorm", ((2, 4),), {"eps": 0.1}, (3, 2, 4)),
    ("GroupNorm", (2, 6), {}, (3, 6)),
    ("GroupNorm", (3, 6), {"eps": 0.1}, (2, 6, 2, 3)),
    ("GroupNorm", (1, 4), {"affine": False}, (2, 4, 3)),
    ("LocalResponseNorm", (3,), {"alpha": 0.5}, (2, 5, 3)),
    ("LocalResponseNorm", (4,), {"alpha": 0.5, "beta": 0.5, "k": 2.0}, (2, 5, 2, 2)),
]
IDS = [f"{name}{args}-{'-'.join(options)}" for name, args, options, _ in CASES]


def make(name, args, options):
    layer = getattr(nn, name)(*args, **options).double()
    for p in layer.parameters():
        p.data = rng.normal(1, 0.5, p.shape)
    return layer


@pytest.mark.few(3)
@second_order
@pytest.mark.parametrize(("name", "args", "options", "shape"), CASES, ids=IDS)
def test_derivatives(name, args, options, shape, along):
    layer, x = make(name, args, options), rng.normal(2, 3, shape)
    state = layer.state_dict()
    values = {k: v for k, v in state.items() if k in dict(layer.named_parameters())}

    def f(x, p):
        layer.load_state_dict(state)  # the running means are no part of the derivative
        return nn.functional_call(layer, p, (x,))

    check_both_orders(f, (x, values), along)
    layer.eval()
    check_both_orders(lambda x: layer(x), (x,), along)


@pytest.mark.parametrize("axes", [(0,), (-1,), (0, 2), (1, 2)], ids=str)
def test_the_kernel_is_its_definition(axes):
    x, g = rng.normal(3, 2, (4, 3, 5)), rng.normal(size=(4, 3, 5))
    for eps in (1e-5, 0.3):
        results = []
        for f in (standardize, standardize.__wrapped__):
            y, pull = ag.vjp(lambda x: f(x, axes=axes, eps=eps), x)  # noqa: B023
            results.append((y, *pull(g)))
        for a, b in zip(*results, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "args", "options", "shape"), CASES, ids=IDS)
def test_layers_are_those_of_torch(torch, name, args, options, shape):
    ours = make(name, args, options)
    theirs = getattr(torch.nn, name)(*args, **options).double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    for training in (True, True, False):
        ours.train(training)
        theirs.train(training)
        x = ag.Tensor(rng.normal(2, 3, shape), requires_grad=True)
        t = torch.tensor(x.numpy(), requires_grad=True)
        y, twin = ours(x), theirs(t)
        np.testing.assert_allclose(y.numpy(), twin.detach().numpy(), rtol=1e-6, atol=1e-9)
        (y**3).sum().backward()
        (twin**3).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-6, atol=1e-7)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-6)
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key], value.numpy(), rtol=1e-6)


@pytest.mark.parametrize(("name", "args", "options", "shape"), CASES, ids=IDS)
def test_float32_stays_float32(name, args, options, shape):
    layer = getattr(nn, name)(*args, **options)
    x = ag.Tensor(rng.normal(size=shape).astype(np.float32), requires_grad=True)
    for _ in range(2):
        y = layer(x)
        y.sum().backward()
        assert y.dtype == x.grad.dtype == np.float32
        assert all(b.dtype == np.float32 for b in layer.buffers() if b.dtype.kind == "f")
        layer.eval()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.BatchNorm1d(3)(np.zeros((2, 4))), r"shape \(N, 3\) or \(N, 3, L\), got \(2, 4\)"),
        (lambda: nn.BatchNorm2d(3)(np.zeros((2, 3))), r"shape \(N, 3, H, W\), got \(2, 3\)"),
        (lambda: nn.BatchNorm1d(3)(np.zeros((1, 3))), r"more than one value.*model.eval\(\)"),
        (lambda: nn.LayerNorm((2, 3))(np.zeros((2, 4))), r"shape \(..., 2, 3\), got \(2, 4\)"),
        (lambda: nn.GroupNorm(2, 4)(np.zeros((2, 3))), r"shape \(N, 4, ...\), got \(2, 3\)"),
        (lambda: nn.InstanceNorm1d(3)(np.zeros((2, 3, 1))), "more than one value"),
        (lambda: nn.functional.layer_norm(np.zeros((2, 4)), (3,)), r"\(..., 3\), got \(2, 4\)"),
    ],
)
def test_wrong_shapes_are_told(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


def test_groups_are_equal():
    with pytest.raises(OptionError, match="5 channels cannot be put into 2"):
        nn.GroupNorm(2, 5)


def test_half_precision_neither_overflows_nor_stalls():
    x = (np.random.default_rng(0).normal(size=(32, 1, 64, 64)) * 100).astype(np.float16)
    y = nn.BatchNorm2d(1).half()(x)
    assert y.dtype == np.float16 and y.numpy().astype(float).std() == pytest.approx(1, rel=1e-2)
    row = x[0, 0, :1]
    wide = row.astype(float)
    expected = (wide - wide.mean()) / wide.std()
    np.testing.assert_allclose(nn.LayerNorm(64).half()(row).numpy(), expected, atol=3e-3)


def test_complex_gradients_of_layer_norm():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2, 4)) + 1j * rng.normal(size=(2, 4))
    check_grads(lambda z: np.abs(nn.functional.layer_norm(z, (4,)) - 0.3) ** 2, z, order=1, modes=("rev",))
