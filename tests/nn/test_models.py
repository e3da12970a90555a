"""The convolutional networks of the lectures."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import OptionError
from autograd_lite.testing import check_grads
from nn import models

rng = np.random.default_rng(0)

SMALL = {
    "LeNet5": lambda: models.LeNet5(2, size=16, classes=3),
    "AlexNet": lambda: models.AlexNet((4, 6, 5, 7, 4), 8, 2, size=16, classes=3),
    "VGG": lambda: models.VGG([[4], [5, 6]], 8, 2, size=16, classes=3),
    "GoogLeNet": lambda: models.GoogLeNet([[16], [32, 16]], 4, 2, classes=3),
    "ResNet": lambda: models.ResNet(8, 3, 2, classes=3),
    "plain": lambda: models.ResNet(14, 3, 2, classes=3, shortcuts=False, stride=2),
    "DenseNet": lambda: models.DenseNet([2, 1], 3, 4, 0.5, channels=2, classes=3, stride=2),
}


def parameters(model: nn.Module) -> int:
    return sum(p.size for p in model.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_images_become_scores_and_every_parameter_learns(name: str) -> None:
    nn.manual_seed(0)
    model = SMALL[name]()
    x = rng.standard_normal((4, 2, 16, 16)).astype(np.float32)
    scores = model(x)
    assert scores.shape == (4, 3) and scores.dtype == np.float32
    nn.functional.cross_entropy(scores, np.array([0, 1, 2, 0])).backward()
    assert all(p.grad is not None and np.any(p.grad.numpy()) for p in model.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_state_goes_from_one_net_to_another(name: str) -> None:
    one, other = SMALL[name](), SMALL[name]()
    x = rng.standard_normal((2, 2, 16, 16)).astype(np.float32)
    one(x)  # moves the running means
    other.load_state_dict(one.state_dict())
    np.testing.assert_array_equal(one.eval()(x).numpy(), other.eval()(x).numpy())


def test_the_papers_count_the_same_parameters() -> None:
    # ResNet: 0.27M, 0.46M and 0.85M, all in table 6; DenseNet (L = 40, k = 12): 1.0M in table 2.
    assert [round(parameters(models.ResNet(depth)) / 1e6, 2) for depth in (20, 32, 56)] == [0.27, 0.46, 0.85]
    assert round(parameters(models.DenseNet()) / 1e6, 1) == 1.0
    # LeNet-5: 156 and 1,516 in the convolutions, of which the second has a table of connections that
    # leaves 60 of 96; 48,120 in the dense layer of 120, 10,164 in that of 84.
    counted = [layer.weight.size + layer.bias.size for layer in models.LeNet5(1).modules()
               if hasattr(layer, "weight")]  # fmt: skip
    assert counted == [156, 1516 + 36 * 25, 48_120, 10_164, 850]


def test_the_plain_net_has_the_weights_of_the_residual_one() -> None:
    residual, plain = models.ResNet(20, 4), models.ResNet(20, 4, shortcuts=False)
    shapes = [{name: p.shape for name, p in model.named_parameters()} for model in (residual, plain)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_adds_to_what_comes_in(stride: int) -> None:
    block = models.BasicBlock(2, 4, stride)
    x = rng.standard_normal((3, 2, 6, 6)).astype(np.float32)
    block.bn2.weight.data = np.zeros(4, np.float32)  # f(x) = 0: only the shortcut is left
    expected = np.zeros((3, 4, 6 // stride, 6 // stride), np.float32)
    expected[:, :2] = np.maximum(x[:, :, ::stride, ::stride], 0)
    np.testing.assert_array_equal(block(x).numpy(), expected)
    block.shortcut = False
    assert not block(x).numpy().any()


def test_dense_layers_hand_on_what_came_in() -> None:
    block = models.DenseBlock(3, 2, growth=4)
    x = rng.standard_normal((2, 2, 5, 5)).astype(np.float32)
    y = block(x).numpy()
    np.testing.assert_array_equal(y[:, :2], x)
    np.testing.assert_array_equal(y[:, :6], block[0](x).numpy())


def test_the_ways_of_inception_stand_side_by_side() -> None:
    module = models.Inception(3, ways=(1, 2, 3, 4), reduced=(2, 2)).eval()
    x = rng.standard_normal((2, 3, 5, 5)).astype(np.float32)
    y = module(x).numpy()
    assert y.shape == (2, 10, 5, 5)
    np.testing.assert_array_equal(y[:, 1:3], module.branch2(x).numpy())
    # Of a pixel in the corner, 1x1 and pooling see no more than 1 and 2 pixels to each side, 5x5 sees 3.
    corner = np.zeros_like(x)
    corner[:, :, 0, 0] = 1e3
    moved = np.argwhere(np.any(module(x + corner).numpy() != y, axis=0))
    reach = [
        moved[(moved[:, 0] >= a) & (moved[:, 0] < b), 1:].max() for a, b in [(0, 1), (1, 3), (3, 6), (6, 10)]
    ]
    assert reach[0] == 0 and reach[1] <= 1 and 1 < reach[2] <= 2 and reach[3] <= 1


def test_gradients_of_blocks() -> None:
    x = rng.standard_normal((2, 4, 4, 4))
    for block in (
        models.BasicBlock(4, 6, 2),
        models.Inception(4, (1, 2, 1, 1), (2, 1)),
        models.DenseLayer(4, 2),
    ):
        block.double()
        check_grads(lambda x, block=block: np.sum(np.sin(block(x))), (x,), order=1)


def test_a_depth_that_is_none() -> None:
    with pytest.raises(OptionError, match=r"6 n \+ 2"):
        models.ResNet(21)


def test_dropout_is_off_in_use() -> None:
    model = SMALL["VGG"]().eval()
    x = rng.standard_normal((2, 2, 16, 16)).astype(np.float32)
    with ag.no_grad():
        np.testing.assert_array_equal(model(x).numpy(), model(x).numpy())
