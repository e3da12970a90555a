"""Pooling over one to three axes and the way back, padding of volumes, activations in place."""

import numpy as np
import pytest

import nn
from autograd_lite.errors import DTypeError, IndexingError, ShapeError
from autograd_lite.testing import check_grads
from nn import functional as F  # noqa: N812
from tests.nn.twins import assert_same

RNG = np.random.default_rng(0)
AXES = pytest.mark.parametrize("axes", [1, 2, 3])


def sample(axes):
    return RNG.permutation(2 * 2 * 4 * 6 * 8)[: 4 * np.prod((4, 6, 8)[:axes])].reshape(
        2, 2, *(4, 6, 8)[:axes]
    ) / 100.0  # fmt: skip


@pytest.mark.torch
@AXES
@pytest.mark.parametrize("out", [1, 2, 3])
def test_adaptive_pooling_is_pytorchs(torch, axes, out):
    x, name = sample(axes), f"adaptive_max_pool{axes}d"
    ours, twin = getattr(F, name), getattr(torch.nn.functional, name)
    assert_same(torch, lambda x: ours(x, out), lambda x: twin(x, out), x)
    _, places = ours(x, out, return_indices=True)
    np.testing.assert_array_equal(places, twin(torch.tensor(x), out, return_indices=True)[1].numpy())


@pytest.mark.torch
@AXES
def test_pooling_by_norms_is_pytorchs(torch, axes):
    x = sample(axes)
    ours, twin = getattr(F, f"lp_pool{axes}d"), getattr(torch.nn.functional, f"lp_pool{axes}d")
    assert_same(torch, lambda x: ours(x, 2, 3, 2, True), lambda x: twin(x, 2, 3, 2, True), x)


@pytest.mark.torch
@AXES
@pytest.mark.parametrize("whole", [False, True])
def test_unpooling_is_pytorchs(torch, axes, whole):
    x = sample(axes)
    y, places = getattr(F, f"max_pool{axes}d_with_indices")(x, 2)
    size = x.shape if whole else None
    ours, twin = getattr(nn, f"MaxUnpool{axes}d")(2), getattr(torch.nn, f"MaxUnpool{axes}d")(2)
    there = torch.tensor(places)
    assert_same(torch, lambda y: ours(y, places, size), lambda y: twin(y, there, size), y)
    assert repr(ours) == repr(twin)


@AXES
def test_unpooled_entries_stand_where_they_were(axes):
    x = sample(axes)
    y, places = getattr(nn, f"MaxPool{axes}d")(2, return_indices=True)(x)
    back = getattr(nn, f"MaxUnpool{axes}d")(2)(y, places)
    np.testing.assert_array_equal(back[back != 0], x[back != 0])
    np.testing.assert_array_equal(getattr(F, f"max_pool{axes}d")(back, 2), y)
    function = getattr(F, f"max_unpool{axes}d")
    check_grads(lambda y: function(y, places[:1, :1], 2), [y[:1, :1]], order=1)
    assert function(y[:0], places[:0], 2).shape == (0, *back.shape[1:])
    np.testing.assert_array_equal(function(y[0], places[0], 2), back[0])


@AXES
def test_gradients_of_pooling(axes):
    x = sample(axes)[:1, :1, :3]
    check_grads(lambda x: getattr(F, f"adaptive_max_pool{axes}d")(x, 2), [x], order=1)
    check_grads(lambda x: getattr(F, f"lp_pool{axes}d")(x, 3, 2), [x], order=1)


def test_mistakes_in_unpooling_are_told():
    y = np.ones((1, 1, 2))
    with pytest.raises(ShapeError, match="differ in shape"):
        F.max_unpool1d(y, np.zeros((1, 1, 3), int), 2)
    with pytest.raises(DTypeError, match="integers"):
        F.max_unpool1d(y, y, 2)
    with pytest.raises(IndexingError, match="up to 9"):
        F.max_unpool1d(y, np.array([[[0, 9]]]), 2)
    with pytest.raises(ShapeError, match=r"output_size=\(9,\).*expected \(4,\)"):
        F.max_unpool1d(y, np.array([[[0, 1]]]), 2, output_size=(9,))


@pytest.mark.torch
@AXES
@pytest.mark.parametrize("kind", ["Zero", "Constant", "Reflection", "Replication", "Circular"])
def test_padding_is_pytorchs(torch, axes, kind):
    name, options = f"{kind}Pad{axes}d", (1.5,) if kind == "Constant" else ()
    pads = (1, 2, 0, 1, 2, 1)[: 2 * axes]
    ours, twin = (getattr(library, name)(pads, *options) for library in (nn, torch.nn))
    assert_same(torch, ours, twin, sample(axes))


IN_PLACE = {
    "relu_": (),
    "leaky_relu_": (0.1,),
    "elu_": (),
    "celu_": (),
    "selu_": (),
    "hardtanh_": (-0.5, 0.5),
    "threshold_": (0.1, 7.0),
    "rrelu_": (),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_activations_write_into_their_input(name):
    x = RNG.normal(size=5)
    expected = getattr(F, name.removesuffix("_"))(x, *IN_PLACE[name])
    assert getattr(F, name)(x, *IN_PLACE[name]) is x
    np.testing.assert_array_equal(x, expected)


@pytest.mark.torch
def test_an_activation_in_place_is_recorded(torch):
    ours, twin = F.elu_, torch.nn.functional.elu_
    assert_same(torch, lambda x: ours(2 * x), lambda x: twin(2 * x), RNG.normal(size=(3, 4)))


@pytest.mark.torch
def test_channels_are_shuffled_as_in_pytorch(torch):
    assert_same(torch, nn.ChannelShuffle(3), torch.nn.ChannelShuffle(3), RNG.normal(size=(2, 6, 3, 3)))
    with pytest.raises(ShapeError, match=r"C \* 4"):
        F.channel_shuffle(np.zeros((1, 6, 2, 2)), 4)
