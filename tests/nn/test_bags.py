"""Tables of vectors: bags, norms of rows, gradients by frequency."""

import itertools

import numpy as np
import pytest

import nn
from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, IndexingError, OptionError, ShapeError
from autograd_lite.testing import check_grads
from nn import functional as F  # noqa: N812
from tests.nn.twins import assert_same

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(6, 3))
ROWS = np.array([[0, 1, 1], [5, 2, 0]])
FLAT, OFFSETS = np.array([0, 1, 1, 5, 2, 0]), np.array([0, 2, 2, 5])
CASES = list(itertools.product(("sum", "mean", "max"), (None, 1, -5)))


@pytest.mark.torch
@pytest.mark.parametrize(("mode", "padding"), CASES)
def test_bags_are_pytorchs(torch, mode, padding):
    options, theirs = {"mode": mode, "padding_idx": padding}, torch.nn.functional.embedding_bag
    assert_same(
        torch,
        lambda table: F.embedding_bag(ROWS, table, **options),
        lambda table: theirs(torch.tensor(ROWS), table, **options),
        TABLE,
    )


@pytest.mark.torch
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(("mode", "padding"), CASES)
def test_bags_of_different_sizes_are_pytorchs(torch, mode, padding, last):
    options = {"mode": mode, "padding_idx": padding, "include_last_offset": last}
    offsets, theirs = np.append(OFFSETS, 6) if last else OFFSETS, torch.nn.functional.embedding_bag
    flat, there = torch.tensor(FLAT), torch.tensor(offsets)
    assert_same(
        torch,
        lambda table: F.embedding_bag(FLAT, table, offsets, **options),
        lambda table: theirs(flat, table, there, **options),
        TABLE,
    )


@pytest.mark.torch
def test_weighed_bags_and_norms_are_pytorchs(torch):
    theirs = torch.nn.functional
    flat, offsets, weights = torch.tensor(FLAT), torch.tensor(OFFSETS), RNG.normal(size=6)
    assert_same(
        torch,
        lambda table, w: F.embedding_bag(FLAT, table, OFFSETS, mode="sum", per_sample_weights=w),
        lambda table, w: theirs.embedding_bag(flat, table, offsets, mode="sum", per_sample_weights=w),
        TABLE,
        weights,
    )
    assert_same(
        torch,
        lambda table: F.embedding(ROWS, table, scale_grad_by_freq=True),
        lambda table: theirs.embedding(torch.tensor(ROWS), table, scale_grad_by_freq=True),
        TABLE,
    )
    for options in ({"max_norm": 1.0}, {"max_norm": 0.5, "norm_type": 1.0}):
        ours = nn.Embedding(6, 3, **options, _weight=TABLE)
        their = torch.nn.Embedding(6, 3, **options, _weight=torch.tensor(TABLE))
        y, expected = ours(ROWS), their(torch.tensor(ROWS))
        np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(ours.weight.numpy(), their.weight.detach().numpy(), rtol=1e-12)
        assert repr(ours) == repr(their)


@pytest.mark.parametrize(("mode", "padding"), CASES)
def test_gradients_of_bags(mode, padding):
    def bags(table):
        return F.embedding_bag(FLAT, table, OFFSETS, mode=mode, padding_idx=padding)

    check_grads(bags, [TABLE], order=1)


def test_gradients_by_frequency():
    for function in (F.embedding, lambda i, t, **o: F.embedding_bag(i, t, mode="sum", **o)):
        table = Tensor(TABLE, requires_grad=True)
        function(ROWS, table, scale_grad_by_freq=True).sum().backward()
        np.testing.assert_array_equal(table.grad.numpy()[:, 0], [1, 1, 1, 0, 0, 1])


def test_long_rows_are_shortened_where_they_are_read():
    layer = nn.Embedding(3, 2, max_norm=1.0, _weight=np.array([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]]))
    held, before = layer.weight, layer(np.array([1, 1]))
    np.testing.assert_allclose(layer(np.array([0, 0])).numpy(), [[0.6, 0.8]] * 2, rtol=1e-7)
    np.testing.assert_allclose(layer.weight.numpy(), [[0.6, 0.8], [0.3, 0.4], [6, 8]], rtol=1e-7)
    assert layer.weight is held
    before.sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy(), [[0, 0], [2, 2], [0, 0]])
    array = np.array([[3.0, 4.0]])
    F.embedding(np.array([0]), array, max_norm=1.0)
    np.testing.assert_allclose(array, [[0.6, 0.8]], rtol=1e-7)


def test_empty_bags_are_zero():
    none = np.zeros((2, 0), int)
    for mode in ("sum", "mean", "max"):
        np.testing.assert_array_equal(F.embedding_bag(none, TABLE, mode=mode), np.zeros((2, 3)))
        assert F.embedding_bag(none.T, TABLE, mode=mode).shape == (0, 3)
    layer = nn.EmbeddingBag.from_pretrained(TABLE, mode="max", padding_idx=2)
    np.testing.assert_array_equal(layer(np.array([[2, 2]])).numpy(), np.zeros((1, 3)))
    assert not layer.weight.requires_grad and layer.padding_idx == 2
    assert nn.EmbeddingBag(6, 3)(ROWS).dtype == np.float32


def test_mistakes_in_bags_are_told():
    with pytest.raises(OptionError, match=r'mode="sum"'):
        F.embedding_bag(ROWS, TABLE, per_sample_weights=np.ones((2, 3)))
    with pytest.raises(OptionError, match='"mean" or "max"'):
        nn.EmbeddingBag(6, 3, mode="median")
    with pytest.raises(ShapeError, match=r"input\[None\]"):
        F.embedding_bag(FLAT, TABLE)
    with pytest.raises(ShapeError, match="offsets"):
        F.embedding_bag(ROWS, TABLE, OFFSETS)
    with pytest.raises(ShapeError, match=r"offsets \[1, 2\]"):
        F.embedding_bag(FLAT, TABLE, np.array([1, 2]))
    with pytest.raises(ShapeError, match="per_sample_weights"):
        F.embedding_bag(FLAT, TABLE, OFFSETS, mode="sum", per_sample_weights=np.ones(5))
    with pytest.raises(IndexingError, match="0 to 5"):
        F.embedding_bag(np.array([[6]]), TABLE)
    with pytest.raises(DTypeError, match="offsets"):
        F.embedding_bag(FLAT, TABLE, OFFSETS.astype(float))
    with pytest.raises(ShapeError, match="_weight"):
        nn.Embedding(5, 3, _weight=TABLE)
