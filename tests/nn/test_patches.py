"""Regrouped pixels and compared vectors: against PyTorch, and against their inverses."""

import numpy as np
import pytest

import nn
from autograd_lite import Tensor
from autograd_lite.errors import ShapeError
from autograd_lite.testing import check_grads

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 8, 4, 6))
LAYERS = {
    "PixelShuffle": ((2,), [X]),
    "PixelUnshuffle": ((2,), [X]),
    "Unfold": ((3, 1, 1, 2), [X]),
    "Fold": (((5, 6), 2, 1, 1), [RNG.normal(size=(2, 12, 42))]),
    "CosineSimilarity": ((1,), [X, X[::-1] + 1]),
    "PairwiseDistance": ((3.0, 0.0, True), [X, X[::-1] + 1]),
    "Softmax2d": ((), [X]),
}


@pytest.mark.torch
@pytest.mark.parametrize("name", LAYERS)
def test_the_same_as_pytorch(name, torch):
    options, inputs = LAYERS[name]
    ours = [Tensor(x, requires_grad=True) for x in inputs]
    theirs = [torch.tensor(np.ascontiguousarray(x), requires_grad=True) for x in inputs]
    result = getattr(nn, name)(*options)(*ours)
    expected = getattr(torch.nn, name)(*options)(*theirs)
    np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-15)
    cotangent = RNG.normal(size=result.shape)
    result.backward(cotangent)
    expected.backward(torch.tensor(cotangent))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.few(3)
@pytest.mark.parametrize("name", LAYERS)
def test_gradients(name):
    options, inputs = LAYERS[name]
    check_grads(getattr(nn, name)(*options), [x[:1] for x in inputs])


def test_shuffled_pixels_come_back():
    np.testing.assert_array_equal(nn.PixelUnshuffle(2)(nn.PixelShuffle(2)(X)), X)
    with pytest.raises(ShapeError, match=r"PixelShuffle.*C \* 9"):
        nn.PixelShuffle(3)(X)
    with pytest.raises(ShapeError, match=r"PixelUnshuffle.*H \* 3"):
        nn.PixelUnshuffle(3)(X)


def test_gumbel_softmax_draws_classes_with_their_probabilities():
    nn.manual_seed(0)
    logits = Tensor(np.log(np.tile([0.5, 0.3, 0.2], (20_000, 1))), requires_grad=True)
    drawn = nn.functional.gumbel_softmax(logits, tau=0.5, hard=True)
    assert set(np.unique(drawn.numpy().round(12))) == {0.0, 1.0}
    np.testing.assert_allclose(drawn.numpy().mean(axis=0), [0.5, 0.3, 0.2], atol=0.015)
    (drawn * np.array([1.0, 2.0, 3.0])).sum().backward()
    assert np.abs(logits.grad.numpy()).max() > 0.1


def test_whole_channels_are_dropped():
    nn.manual_seed(0)
    for layer, shape in ((nn.Dropout1d(), (4, 50, 3)), (nn.Dropout3d(), (4, 50, 2, 2, 2))):
        kept = layer(np.ones(shape)).reshape(4, 50, -1)
        assert {float(v) for v in np.ravel(kept)} == {0.0, 2.0}
        assert (kept == kept[:, :, :1]).all() and layer.eval()(np.ones(shape)).min() == 1
