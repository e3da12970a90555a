"""Batches where no target counts, and queries that see no key: no 0 times inf arises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import Tensor
from nn import functional

RNG = np.random.default_rng(5)
SCORES = RNG.normal(size=(4, 3)).astype(np.float32)
IGNORED = np.full(4, -100)

# -- losses ----------------------------------------------------------------------------------------

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "smoothing": {"label_smoothing": 0.1},
    "weights": {"weight": np.array([1.0, 2.0, 3.0])},
    "weights and smoothing": {"weight": np.array([1.0, 2.0, 3.0]), "label_smoothing": 0.1},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2)])
def test_a_batch_of_ignored_targets_sends_no_gradient(
    options: dict[str, Any], reduction: str, shape: tuple[int, ...]
) -> None:
    scores = RNG.normal(size=shape).astype(np.float32)
    target = np.full((4, *shape[2:]), -100)

    def loss(x: Any) -> Any:
        return functional.cross_entropy(x, target, reduction=reduction, **options)

    value = loss(scores)
    assert np.isnan(value) if reduction == "mean" else np.all(value == 0)
    assert not ag.grad(lambda x: np.sum(loss(x)))(scores).any()
    assert not ag.hessian(lambda x: np.sum(loss(x)))(scores).any()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("target", [IGNORED, np.zeros(4, int)], ids=["ignored", "of weight 0"])
def test_so_does_the_negative_log_likelihood(target: Any, reduction: str) -> None:
    log_p = np.log(np.full((4, 3), 1 / 3))
    weight = np.array([0.0, 1.0, 1.0])

    def loss(x: Any) -> Any:
        return functional.nll_loss(x, target, weight, reduction=reduction)

    assert np.isnan(loss(log_p)) if reduction == "mean" else np.all(loss(log_p) == 0)
    assert not ag.grad(lambda x: np.sum(loss(x)))(log_p).any()


def test_probabilities_whose_classes_all_weigh_nothing() -> None:
    q = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    weight = np.array([0.0, 0.0, 1.0])
    loss, gradient = ag.value_and_grad(lambda x: functional.cross_entropy(x, q, weight))(SCORES[:2])
    assert loss == 0
    assert not gradient.any()


def test_classes_that_cannot_be_add_nothing_to_a_loss() -> None:
    """A score of -inf is a probability of 0: where the target's is 0 too, that is right."""
    scores = np.array([[1.0, 2.0, -np.inf]])
    of_index, slope = ag.value_and_grad(lambda x: functional.cross_entropy(x, np.array([1])))(scores)
    of_probabilities, same = ag.value_and_grad(
        lambda x: functional.cross_entropy(x, np.array([[0.0, 1.0, 0.0]]))
    )(scores)
    assert of_probabilities == pytest.approx(float(of_index), rel=1e-15)
    np.testing.assert_allclose(same, slope, rtol=1e-14)
    never = np.log(np.array([[0.25, 0.75, 1.0]])) + np.array([[0.0, 0.0, -np.inf]])
    inputs = np.log(np.array([[0.5, 0.25, 0.25]]))
    by_log, slope = ag.value_and_grad(lambda x: functional.kl_div(x, never, "sum", log_target=True))(inputs)
    plain, same = ag.value_and_grad(lambda x: functional.kl_div(x, np.exp(never), "sum"))(inputs)
    assert float(by_log) == pytest.approx(float(plain), rel=1e-14)
    np.testing.assert_allclose(slope, same, rtol=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_what_is_ignored_may_be_infinite(smoothing: float) -> None:
    scores = np.array([[-np.inf, 0.0], [np.log(0.25), np.log(0.75)]])
    target = np.array([-100, 0])
    losses = [lambda x: functional.cross_entropy(x, target, label_smoothing=smoothing)]
    if not smoothing:
        losses.append(lambda x: functional.nll_loss(x, target))
    for loss in losses:
        value, gradient = ag.value_and_grad(loss)(scores)
        alone = loss(np.stack([scores[1], scores[1]]))
        assert value == pytest.approx(float(alone), rel=1e-15)
        assert np.isfinite(gradient).all()
        assert not gradient[0].any()


def test_training_goes_on_after_a_batch_of_which_nothing_counts() -> None:
    model = nn.Linear(3, 3)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
    loss = nn.CrossEntropyLoss()
    before = model.weight.numpy().copy()
    for target in (IGNORED, np.array([0, 1, 2, 0])):
        optimizer.zero_grad()
        loss(model(Tensor(SCORES)), target).backward()
        optimizer.step()
        if target is IGNORED:
            assert np.array_equal(model.weight.numpy(), before)
    assert np.isfinite(model.weight.numpy()).all()
    assert not np.array_equal(model.weight.numpy(), before)


@pytest.mark.torch
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("target", [[-100] * 4, [0, -100, 2, -100]])
def test_as_pytorch(options: dict[str, Any], reduction: str, target: list[int]) -> None:
    torch = pytest.importorskip("torch")
    theirs = {k: torch.tensor(v, dtype=torch.float32) if k == "weight" else v for k, v in options.items()}
    x = torch.tensor(SCORES, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(x, torch.tensor(target), reduction=reduction, **theirs)
    expected.sum().backward()
    mine = Tensor(SCORES, requires_grad=True)
    got = functional.cross_entropy(mine, np.array(target), reduction=reduction, **options)
    got.sum().backward()
    np.testing.assert_allclose(got.numpy(), expected.detach().numpy(), rtol=1e-5)
    assert mine.grad is not None
    np.testing.assert_allclose(mine.grad.numpy(), x.grad.numpy(), rtol=1e-5, atol=1e-7)


# -- attention -------------------------------------------------------------------------------------

QUERIES, KEYS, VALUES = (RNG.normal(size=shape) for shape in ((2, 3, 4), (2, 5, 4), (2, 5, 4)))
SEEN = np.array([[True, False, True, True, False], [False] * 5, [False, False, False, False, True]])
MASKS = {"boolean": SEEN, "added": np.where(SEEN, 0.0, -np.inf)}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_a_query_that_may_look_at_nothing_gets_0(mask: Any) -> None:
    def attend(q: Any, k: Any, v: Any) -> Any:
        return functional.scaled_dot_product_attention(q, k, v, mask)

    y = attend(QUERIES, KEYS, VALUES)
    assert not y[:, 1].any()
    rest = functional.scaled_dot_product_attention(QUERIES[:, [0, 2]], KEYS, VALUES, mask[[0, 2]])
    np.testing.assert_allclose(y[:, [0, 2]], rest, rtol=1e-14)

    def loss(*args: Any) -> Any:
        return np.sum(np.sin(attend(*args)))

    gradients = ag.grad(loss, (0, 1, 2))(QUERIES, KEYS, VALUES)
    assert all(np.isfinite(g).all() for g in gradients)
    assert not gradients[0][:, 1].any()
    assert gradients[0][:, 0].any()
    assert np.isfinite(ag.hvp(lambda q: loss(q, KEYS, VALUES), (QUERIES,), (QUERIES,))).all()


def test_a_learned_mask_has_a_finite_gradient() -> None:
    mask = np.where(SEEN, 0.5, -np.inf)
    gradient = ag.grad(
        lambda m: np.sum(functional.scaled_dot_product_attention(QUERIES, KEYS, VALUES, m) ** 2)
    )(mask)
    assert np.isfinite(gradient).all()
    assert not gradient[1].any()


PADDING = np.array([[False, False, True, True], [True, True, True, True]])


def all_finite(module: nn.Module, y: Any, x: Tensor) -> bool:
    np.sum(y * y).backward()
    gradients = [p.grad for p in (x, *module.parameters())]
    return np.isfinite(y.numpy()).all() and all(
        np.isfinite(g.numpy()).all() for g in gradients if g is not None
    )


@pytest.mark.parametrize(
    "padding", [PADDING, np.where(PADDING, -np.inf, 0).astype("f4")], ids=["bool", "added"]
)
@pytest.mark.parametrize(
    "mask", [None, ~np.tri(4, dtype=bool), np.ones((4, 4), bool)], ids=["none", "causal", "all"]
)
def test_heads_over_a_sequence_of_padding_alone(padding: Any, mask: Any) -> None:
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    x = Tensor(RNG.normal(size=(2, 4, 8)).astype(np.float32), requires_grad=True)
    y, weights = attention(x, x, x, key_padding_mask=padding, attn_mask=mask)
    assert not weights.numpy()[1].any()
    bias = attention.out_proj.bias
    np.testing.assert_array_equal(y.numpy()[1], np.broadcast_to(bias.numpy(), (4, 8)))
    assert all_finite(attention, y, x)


@pytest.mark.parametrize("norm_first", [False, True])
def test_transformers_over_a_sequence_of_padding_alone(norm_first: bool) -> None:
    options: dict[str, Any] = {"batch_first": True, "norm_first": norm_first, "dropout": 0.0}
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, **options), 2)
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, **options), 2)
    x = Tensor(RNG.normal(size=(2, 4, 8)).astype(np.float32), requires_grad=True)
    assert all_finite(encoder, encoder(x, src_key_padding_mask=PADDING), x)
    y = decoder(x, encoder(x), tgt_key_padding_mask=PADDING, memory_key_padding_mask=PADDING)
    assert all_finite(decoder, y, x)
    alone = encoder(x[:1], src_key_padding_mask=PADDING[:1])
    together = encoder(x, src_key_padding_mask=PADDING)
    np.testing.assert_allclose(together.numpy()[:1], alone.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.torch
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_attention_to_nothing_as_pytorch(mask: Any) -> None:
    torch = pytest.importorskip("torch")
    theirs = [torch.tensor(x, requires_grad=True) for x in (QUERIES, KEYS, VALUES)]
    expected = torch.nn.functional.scaled_dot_product_attention(*theirs, attn_mask=torch.tensor(mask))
    expected.sin().sum().backward()
    mine = [Tensor(x, requires_grad=True) for x in (QUERIES, KEYS, VALUES)]
    y = functional.scaled_dot_product_attention(*mine, attn_mask=mask)
    np.sum(np.sin(y)).backward()
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), atol=1e-14)
    for x, other in zip(mine, theirs, strict=True):
        assert x.grad is not None
        np.testing.assert_allclose(x.grad.numpy(), other.grad.numpy(), atol=1e-13)
