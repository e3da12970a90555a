"""Fused kernels inside of `vmap`, against a loop over the members and the definitions."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import tree
from autograd_lite.arrays import unwrap
from autograd_lite.errors import BatchError, DataError, IndexingError
from nn import functional as F  # noqa: N812

conv, ctc, linear, losses, normalization, pool, recurrent = (
    importlib.import_module(f"nn.functional.{name}")
    for name in ("conv", "ctc", "linear", "losses", "normalization", "pool", "recurrent")
)

rng = np.random.default_rng(5)


def draw(*shape: int) -> Any:
    return rng.normal(size=shape)


CONV: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 1), (0, 0)), "dilation": (1, 1), "groups": 2}
POOL: dict[str, Any] = {"kernel": (2, 2), "stride": (1, 2), "padding": ((1, 1), (0, 0)), "dilation": (1, 1)}
LENGTHS = np.array([3, 2])

Call = tuple[Callable[..., Any], list[Any], dict[str, Any]]

CALLS: dict[str, Call] = {
    "linear": (linear.affine, [draw(2, 3), draw(4, 3), draw(4)], {}),
    "linear of a vector": (linear.affine, [draw(3), draw(4, 3), None], {}),
    "convolution": (conv.convolution, [draw(2, 4, 5, 4), draw(6, 2, 3, 2), draw(6)], CONV),
    "transposed": (
        conv.transposed_convolution,
        [draw(2, 4, 3, 3), draw(4, 3, 3, 2), draw(6)],
        {**CONV, "size": (5, 4)},
    ),
    "max pooling": (pool.max_pooling, [draw(2, 3, 4, 4)], POOL),
    "avg pooling": (pool.avg_pooling, [draw(2, 3, 4, 4)], {**POOL, "divisor": 4}),
    "batch norm": (normalization.standardize, [draw(4, 3, 5)], {"axes": (0, 2), "eps": 1e-5}),
    "layer norm": (normalization.standardize, [draw(4, 5)], {"axes": (-1,), "eps": 1e-5}),
    "layer norm of a vector": (normalization.standardize, [draw(5)], {"axes": (-1,), "eps": 1e-5}),
    "norm of all": (normalization.standardize, [draw(5)], {"axes": (0,), "eps": 1e-5}),
    "group norm": (normalization.standardize, [draw(2, 3, 4)], {"axes": (2,), "eps": 1e-5}),
    "target losses": (losses.target_losses, [draw(4, 3), np.array([0, 2, 1, 1])], {}),
    "lstm": (
        recurrent.lstm,
        [draw(3, 2, 4), draw(2, 2), draw(2, 2), draw(8, 4), draw(8, 2), draw(8), draw(8)],
        {"lengths": LENGTHS},
    ),
    "gru": (
        recurrent.gru,
        [draw(3, 2, 4), draw(2, 2), draw(6, 4), draw(6, 2), draw(6), draw(6)],
        {"reverse": True},
    ),
    "rnn": (recurrent.rnn, [draw(3, 2, 4), draw(2, 2), draw(2, 4), draw(2, 2), draw(2), draw(2)], {}),
    "ctc": (
        ctc.ctc,
        [ag.log_softmax(draw(6, 2, 4)), np.array([[1, 2], [3, 0]]), np.array([6, 5]), np.array([2, 1])],
        {},
    ),
}


def square(out: Any) -> Any:
    """A loss with another cotangent for each entry."""
    parts = tree.flatten(out)[0]
    return sum(np.sum(np.sin(y + k)) for k, y in enumerate(parts))


def moving(args: list[Any]) -> list[int]:
    return [i for i, x in enumerate(args) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]


@pytest.mark.parametrize("name", CALLS)
def test_a_kernel_on_a_batch_is_the_kernel_on_each_member(name: str) -> None:
    """Each set of arguments may differ between the members: the inputs alone, the weights alone, and all."""
    op, args, options = CALLS[name]
    places = moving(args)
    for mapped in ([places[0]], places[-1:], places):
        batch = [np.stack([x, x * 0.5, -x]) if i in mapped else x for i, x in enumerate(args)]
        axes = tuple(0 if i in mapped else None for i in range(len(args)))
        members = [[x[m] if k == 0 else x for x, k in zip(batch, axes, strict=True)] for m in range(3)]

        def f(*args: Any) -> Any:
            return op(*args, **options)

        def gradient(*args: Any) -> Any:
            return ag.grad(lambda *xs: square(f(*xs)), tuple(places))(*args)

        for call in (f, gradient):
            got = tree.flatten(ag.vmap(call, axes)(*batch))[0]
            want = [tree.flatten(call(*member))[0] for member in members]
            for k, y in enumerate(got):
                stack = np.stack([unwrap(each[k]) for each in want])
                np.testing.assert_allclose(unwrap(y), stack, rtol=1e-10, atol=1e-12, err_msg=str(axes))


@pytest.mark.parametrize("name", CALLS)
def test_weights_from_outside_of_the_map_get_the_sum_over_the_members(name: str) -> None:
    op, args, options = CALLS[name]
    places = moving(args)
    batch = np.stack([args[0], args[0] * 0.5, -args[0]])

    def mapped(*xs: Any) -> Any:
        own = list(args)
        for i, x in zip(places[1:], xs[1:], strict=True):
            own[i] = x
        return square(ag.vmap(lambda x: op(x, *own[1:], **options))(xs[0]))

    def looped(*xs: Any) -> Any:
        own = list(args)
        for i, x in zip(places[1:], xs[1:], strict=True):
            own[i] = x
        outs = [tree.flatten(op(x, *own[1:], **options))[0] for x in xs[0]]
        return square(tuple(map(np.stack, zip(*outs, strict=True))))

    points = [batch, *(args[i] for i in places[1:])]
    every = tuple(range(len(points)))
    for got, want in zip(ag.grad(mapped, every)(*points), ag.grad(looped, every)(*points), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", CALLS)
def test_second_order_nested_maps_and_jacobians(name: str) -> None:
    op, args, options = CALLS[name]
    x = args[0]
    batch = np.stack([np.stack([x, 0.5 * x]), np.stack([-x, 2 * x])])

    def loss(x: Any) -> Any:
        return square(op(x, *args[1:], **options))

    first = ag.grad(loss)
    want = np.stack([np.stack([*map(first, row)]) for row in batch])
    np.testing.assert_allclose(ag.vmap(ag.vmap(first))(batch), want, rtol=1e-9, atol=1e-11)
    summed = ag.vmap(ag.grad(lambda row: np.sum(ag.vmap(loss)(row))))(batch)
    np.testing.assert_allclose(summed, want, rtol=1e-9, atol=1e-11)
    along = np.cos(x)
    second = ag.grad(lambda x: np.sum(first(x) * along))
    got = ag.vmap(second)(batch[0])
    np.testing.assert_allclose(got, np.stack([*map(second, batch[0])]), rtol=1e-7, atol=1e-9)

    def flat(x: Any) -> Any:
        return np.concatenate([np.reshape(y, -1) for y in tree.flatten(op(x, *args[1:], **options))[0]])

    rows = ag.jacobian(flat)(x)
    one = ag.vjp(flat, x)[1]
    for k in (0, len(rows) - 1):
        np.testing.assert_allclose(rows[k], one(np.eye(len(rows))[k])[0], rtol=1e-9, atol=1e-11)


def test_the_kernels_run_and_not_the_definition() -> None:
    """A definition that raises shows that the kernels run: forward, for inputs and for shared weights."""
    calls = []

    def forward(x: Any, w: Any) -> Any:
        calls.append(x.shape)
        return x * w, (x, w)

    def backward(g: Any, residuals: Any, needs: Any) -> Any:
        x, w = residuals
        calls.append(g.shape)
        return g * w, np.sum(g * x, 0)

    @ag.fused(forward, backward, samples=((0, None), 0))
    def scaled(x: Any, w: Any) -> Any:
        raise AssertionError("the definition runs")

    X, w = draw(4, 2, 3), draw(3)
    got = ag.grad(lambda X, w: np.sum(ag.vmap(lambda x: scaled(x, w))(X) ** 2), (0, 1))(X, w)
    np.testing.assert_allclose(got[0], 2 * X * w**2, rtol=1e-12)
    np.testing.assert_allclose(got[1], np.sum(2 * X**2 * w, (0, 1)), rtol=1e-12)
    assert calls == [(8, 3), (8, 3)]
    np.testing.assert_allclose(ag.jacobian(lambda x: scaled(x, w))(X[0])[0, 0, 0], [w[0], 0, 0], rtol=1e-12)
    with pytest.raises(AssertionError, match="the definition runs"):  # each member has weights of its own
        ag.vmap(lambda x, w: scaled(x, w))(X, draw(4, 3))


def test_a_batch_of_none_has_the_shape_of_the_results() -> None:
    for op, args, options in CALLS.values():
        got = ag.vmap(lambda x: op(x, *args[1:], **options))(np.empty((0, *args[0].shape)))  # noqa: B023
        want = op(*args, **options)
        assert [unwrap(y).shape for y in tree.flatten(got)[0]] == [
            (0, *unwrap(y).shape) for y in tree.flatten(want)[0]
        ]


def test_gradients_of_each_image_are_those_of_single_images() -> None:
    images, labels = draw(3, 1, 6, 6).astype(np.float32), np.array([0, 1, 1])
    params = {"w": draw(2, 1, 3, 3).astype(np.float32), "v": draw(2, 8).astype(np.float32)}

    def loss(p: Any, image: Any, label: Any) -> Any:
        h = F.max_pool2d(F.conv2d(image[None], p["w"]), 2)
        return F.cross_entropy(F.linear(np.reshape(h, (1, -1)), p["v"]), label[None])

    each = ag.vmap(ag.grad(loss), (None, 0, 0))(params, images, labels)
    for m in range(3):
        want = ag.grad(loss)(params, images[m], labels[m])
        for key in params:
            np.testing.assert_allclose(each[key][m], want[key], rtol=2e-4, atol=1e-6)


INDICES, TABLE, ROWS, MAPS = rng.integers(0, 5, (3, 4)), draw(5, 2), draw(3, 4, 6), draw(3, 2, 4, 8, 8)

FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "embedding": (lambda i: F.embedding(i, TABLE, padding_idx=1), INDICES),
    "one_hot": (lambda i: F.one_hot(i, 5), INDICES),
    "nll_loss": (lambda x: F.nll_loss(ag.log_softmax(x), INDICES[0]), ROWS),
    "binary_cross_entropy": (lambda x: F.binary_cross_entropy(ag.sigmoid(x), ag.softmax(x)), ROWS),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), ROWS),
    "batch_norm": (lambda x: F.batch_norm(x, None, None, training=True), MAPS),
    "running": (lambda x: F.batch_norm(x, np.zeros(4), np.ones(4)), MAPS),
    "instance_norm": (F.instance_norm, MAPS),
    "local_response_norm": (lambda x: F.local_response_norm(x, 2), MAPS),
    "unfold and fold": (lambda x: F.fold(F.unfold(x, 3), (8, 8), (3, 3)), MAPS),
    "interpolate": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), MAPS),
    "adaptive": (lambda x: F.adaptive_avg_pool2d(x, 3), MAPS),
    "LSTM": (nn.LSTM(6, 3).double(), ROWS),
    "GRU": (nn.GRU(6, 3, bidirectional=True).double(), ROWS[:, :, None]),
    "encoder": (nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True).double(), ROWS),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_and_layers_on_a_batch(name: str) -> None:
    f, batch = FUNCTIONS[name]
    got = tree.flatten(ag.vmap(f)(batch))[0]
    want = [tree.flatten(f(ag.Tensor(x)))[0] for x in batch]
    for k, y in enumerate(got):
        np.testing.assert_allclose(
            unwrap(y), np.stack([unwrap(each[k]) for each in want]), rtol=1e-9, atol=1e-12
        )


def test_what_is_wrong_for_one_member_is_refused() -> None:
    with pytest.raises(IndexingError, match="there are 5 vectors"):
        ag.vmap(lambda i: F.embedding(i, TABLE))(INDICES + 1)
    with pytest.raises(DataError, match="probabilities from 0 to 1"):
        ag.vmap(lambda x: F.binary_cross_entropy(x, x))(ROWS)
    with pytest.raises(BatchError, match="track_running_stats=False"):
        ag.vmap(nn.BatchNorm2d(4).double())(MAPS)
