"""Layers and losses keep their digits over long batches, and in half precision.

The worst case of a sum row by row is a constant: every addition rounds the same way. The references are
products of Python numbers, the same layer in double precision, and PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.testing import check_grads
from nn import functional as F  # noqa: N812
from nn.kernels import normalization as kernels

N = 100_000
TENTH = np.float32(0.1)
EXACT = float(TENTH)
FEW = 6e-7
"""A few 1e-7 of the sum of magnitudes."""


def near(got: Any, expected: Any, rel: float = 0.0, abs: float = 0.0) -> bool:
    return bool(np.allclose(got, expected, rtol=rel, atol=abs))


# -- biases and weights ----------------------------------------------------------------------------

LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "Linear": (lambda: nn.Linear(3, 2), (N, 3)),
    "Linear of sequences": (lambda: nn.Linear(3, 2), (N // 10, 10, 3)),
    "Bilinear": (lambda: nn.Bilinear(3, 3, 2), (N, 3)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (N, 3)),
    "BatchNorm1d of sequences": (lambda: nn.BatchNorm1d(3), (N // 10, 3, 10)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(3), (N // 16, 3, 4, 4)),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(3, affine=True), (N // 16, 3, 16)),
    "LayerNorm": (lambda: nn.LayerNorm(3), (N, 3)),
    "GroupNorm": (lambda: nn.GroupNorm(1, 3), (N // 4, 3, 4)),
    "Conv1d": (lambda: nn.Conv1d(3, 2, 1), (N // 4, 3, 4)),
    "Conv2d": (lambda: nn.Conv2d(3, 2, 2), (N // 16, 3, 4, 4)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(3, 2, 2), (N // 4, 3, 4)),
}


@pytest.mark.parametrize("recorded", [False, True], ids=["played", "recorded"])
@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_of_a_bias(name: str, recorded: bool) -> None:
    make, shape = LAYERS[name]
    layer = make()
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    y = layer(x, x) if name == "Bilinear" else layer(x)
    if recorded and y.size > 100_000:
        y = y[: len(y) // 4]
    y.backward(np.full(y.shape, TENTH), create_graph=recorded)
    (bias,) = (p for key, p in layer.named_parameters() if key == "bias")
    assert bias.grad is not None
    assert near(bias.grad.numpy(), y.size / bias.size * EXACT, rel=FEW)


@pytest.mark.parametrize("inputs", [1, 2, 10])
def test_the_gradient_of_narrow_weights(inputs: int) -> None:
    layer = nn.Linear(inputs, 1)
    y = layer(np.full((N, inputs), TENTH))
    y.backward(np.full(y.shape, TENTH))
    assert layer.weight.grad is not None
    assert near(layer.weight.grad.numpy(), N * EXACT * EXACT, rel=FEW)


WINDOWS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "one long signal": (lambda: nn.Conv1d(1, 2, 3), (1, 1, N)),
    "many short signals": (lambda: nn.Conv1d(1, 2, 3), (N // 8, 1, 8)),
    "many images": (lambda: nn.Conv2d(1, 2, 3), (N // 800, 1, 30, 30)),
    "large images": (lambda: nn.Conv2d(3, 2, 1), (2, 3, 200, 200)),
    "groups": (lambda: nn.Conv2d(4, 4, 3, groups=4), (2, 4, 200, 200)),
    "transposed": (lambda: nn.ConvTranspose2d(2, 2, 3), (2, 2, 200, 200)),
    "volumes": (lambda: nn.Conv3d(2, 2, 3), (3, 2, 30, 30, 30)),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_the_gradient_of_a_kernel(name: str) -> None:
    make, shape = WINDOWS[name]
    grads = []
    for layer, dtype in ((make(), np.float32), (make().double(), np.float64)):
        y = layer(np.full(shape, EXACT, dtype))
        y.backward(np.full(y.shape, EXACT, dtype))
        grads.append(next(p for key, p in layer.named_parameters() if key == "weight").grad.numpy())
    assert near(*grads, rel=FEW)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("steps", [1, 3])
def test_the_weights_of_a_recurrent_layer(kind: Any, steps: int) -> None:
    layer = kind(3, 2)
    with ag.no_grad():
        for key, p in layer.named_parameters():
            p.data = np.full_like(p.numpy(), 0.3 if "_ih_" in key else 0.0)
    y, _ = layer(np.full((steps, N // steps, 3), TENTH))
    y.backward(np.full(y.shape, TENTH))
    few, _ = layer.double()(np.full((steps, 1, 3), EXACT))
    single = {key: p.grad.numpy() for key, p in layer.named_parameters()}
    layer.zero_grad()
    few.backward(np.full(few.shape, EXACT))
    for key, p in layer.named_parameters():
        assert near(single[key], N // steps * p.grad.numpy(), rel=2 * FEW), key


def test_the_gradient_of_an_embedding() -> None:
    for dtype, rel in ((np.float32, FEW), (np.float16, 1e-3)):
        layer = nn.Embedding(5, 3, dtype=dtype)
        y = layer(np.arange(N) % 5)
        y.backward(np.full(y.shape, 0.1, dtype))
        assert layer.weight.grad is not None
        assert near(layer.weight.grad.numpy(), N / 5 * float(dtype(0.1)), rel=rel)


def test_the_bias_of_a_recurrent_layer() -> None:
    layer = nn.RNN(2, 3)
    with ag.no_grad():
        for p in layer.parameters():
            p.data = np.zeros_like(p.numpy())
    y, _ = layer(np.zeros((1, N // 2, 2), np.float32))
    y.backward(np.full(y.shape, TENTH))
    assert layer.bias_ih_l0.grad is not None
    assert near(layer.bias_ih_l0.grad.numpy(), N / 2 * EXACT, rel=FEW)


# -- normalization ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((N, 2), (0,)),
        ((N // 8, 2, 8), (0, 2)),
        ((2, N), (1,)),
        ((2, N), (-1,)),
        ((40, 3), (0,)),
        ((7, 3), (0,)),
    ],
)
def test_standardized_over_many(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = (rng.uniform(size=shape) + 3).astype(np.float32)
    g = (rng.uniform(size=shape) + 3).astype(np.float32)
    y, residuals = kernels.standardize(x, axes=axes, eps=1e-5)
    (gx,) = kernels.standardize_backward(g, residuals, (True,))
    d = x.astype(float) - x.mean(axes, float, keepdims=True)
    scale = 1 / np.sqrt((d * d).mean(axes, keepdims=True) + 1e-5)
    exact = d * scale
    assert near(y, exact, abs=4e-6)  # a few 1e-7 of the mean, 3.5, in units of the deviation, 0.3
    wide = g.astype(float)
    along = (wide * exact).mean(axes, keepdims=True)
    assert near(gx, (wide - wide.mean(axes, keepdims=True) - exact * along) * scale, abs=4e-6)
    check_grads(lambda x: F.layer_norm(x, (3,)), rng.normal(size=(2, 3)))


def test_running_values_of_a_long_batch() -> None:
    layer = nn.BatchNorm1d(2, momentum=1.0)
    x = np.tile(np.array([[0.1], [0.3]], np.float32), (N // 2, 2))
    layer(x)
    exact = x[:2].astype(float)
    assert near(layer.running_mean, exact.mean(0), rel=FEW)
    assert near(layer.running_var, exact.var(0) * N / (N - 1), rel=2 * FEW)


def test_norms_in_half_precision() -> None:
    x = np.full((4, N), 300, np.float16)
    assert near(F.rms_norm(x, (N,)), 1, rel=1e-3)  # whose squares are not in range
    x[:, ::2] = 100
    y = F.layer_norm(ag.Tensor(x, requires_grad=True), (N,))
    assert y.dtype == np.float16
    assert near(np.abs(y.numpy()), 1, rel=1e-3)
    assert float(nn.utils.get_total_norm([ag.Tensor(x)])) == pytest.approx(
        math.sqrt(2 * N * (300**2 + 100**2)), rel=1e-12
    )


# -- losses, pooling, similarity -------------------------------------------------------------------


def test_a_mean_over_more_half_numbers_than_half_holds() -> None:
    x = ag.Tensor(np.full((N, 1), 1, np.float16), requires_grad=True)
    F.mse_loss(x, np.zeros((N, 1), np.float16)).backward()
    assert x.grad is not None
    assert np.all(x.grad.numpy() == np.float16(2 / N))


@pytest.mark.parametrize("options", [{}, {"weight": np.ones(2, np.float16)}, {"ignore_index": 1}])
def test_cross_entropy_of_many_half_numbers(options: dict[str, Any]) -> None:
    x = ag.Tensor(np.zeros((N, 2), np.float16), requires_grad=True)
    loss = F.cross_entropy(x, np.zeros(N, int), **options)
    loss.backward()
    assert loss.dtype == np.float16
    assert near(loss.item(), math.log(2), rel=1e-3)
    assert x.grad is not None
    assert near(x.grad.numpy(), np.array([-0.5, 0.5]) / N, rel=2e-2)  # 5e-6 has 6 bits in half precision


def test_cross_entropy_of_many_half_classes() -> None:
    loss = F.cross_entropy(np.zeros((2, N), np.float16), np.array([0, 1]))
    assert near(loss, math.log(N), rel=1e-3)


def test_the_divergence_of_many_half_numbers() -> None:
    q = np.full((N, 2), 0.5, np.float16)
    loss = F.kl_div(np.log(q) * 2, q, "batchmean")
    assert near(loss, math.log(2), rel=2e-3)


def test_similarity_along_the_first_axis() -> None:
    x = np.full((N, 2), TENTH)
    assert near(F.cosine_similarity(x, x, dim=0), 1, rel=FEW)
    half = x.astype(np.float16)
    assert near(F.cosine_similarity(half, half, dim=0), 1, rel=1e-3)


@pytest.mark.few(2)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_mean_of_a_large_window(dtype: Any) -> None:
    rel = FEW if dtype is np.float32 else 1e-3
    x = ag.Tensor(np.full((1, 2, 300, 300), 0.1, dtype), requires_grad=True)
    for y in (F.avg_pool2d(x, 300), F.adaptive_avg_pool2d(x, 1)):
        assert near(y.numpy(), float(dtype(0.1)), rel=rel)
        x.grad = None
        y.backward(np.ones(y.shape, dtype))
        assert x.grad is not None
        assert near(x.grad.numpy(), 1 / 300**2, rel=2e-2 if dtype is np.float16 else FEW)
    assert near(F.adaptive_avg_pool2d(x, (7, 1)).numpy(), float(dtype(0.1)), rel=rel)


def test_overlapping_windows_in_half_precision() -> None:
    """The middle entry of x is in 60 windows, and 60 times 0.1 rounded 60 times would be 6.02."""
    x = ag.Tensor(np.zeros((1, 1, 121), np.float16), requires_grad=True)
    x.data[0, 0, 60] = 1
    F.max_pool1d(x, 60, 1).backward(np.full((1, 1, 62), 0.1, np.float16))
    assert x.grad is not None
    assert x.grad.numpy()[0, 0, 60] == np.float16(60 * float(np.float16(0.1)))


def test_standardized_data() -> None:
    x = np.full((N, 2), 0.1)
    x[0] = 0.3
    assert near(nn.data.Standardize().fit(x).mean, math.fsum(x[:, 0].tolist()) / N, rel=1e-15)


# -- beside PyTorch --------------------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize("name", ["Linear", "LayerNorm", "BatchNorm1d", "GroupNorm"])
def test_as_exact_as_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    make, shape = LAYERS[name]
    layer = make()
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    y = layer(x)
    g = rng.normal(size=y.shape).astype(np.float32)
    y.backward(g)
    other = {"Linear": (3, 2), "LayerNorm": (3,), "BatchNorm1d": (3,), "GroupNorm": (1, 3)}[name]
    wide = getattr(torch.nn, name)(*other).double()
    with torch.no_grad():
        for key, p in layer.named_parameters():
            dict(wide.named_parameters())[key].copy_(torch.tensor(p.numpy().astype(float)))
    wide(torch.tensor(x.astype(float))).backward(torch.tensor(g.astype(float)))
    for key, p in layer.named_parameters():
        expected = dict(wide.named_parameters())[key].grad.numpy()
        size = np.abs(g).sum() / g.shape[1]
        assert p.grad is not None
        assert near(p.grad.numpy(), expected, abs=2 * FEW * size)
