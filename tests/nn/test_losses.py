import math

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DTypeError, IndexingError, OptionError, ShapeError
from autograd_lite.testing import check_grads
from tests.helpers import check_both_orders, second_order

RNG = np.random.default_rng(0)
SHAPES = [(5,), (4, 5), (2, 5, 3), (2, 5, 3, 2)]
OPTIONS = [
    {},
    {"weight": np.array([0.5, 1.0, 2.0, 0.1, 3.0])},
    {"label_smoothing": 0.3},
    {"weight": np.array([0.5, 1.0, 2.0, 0.1, 3.0]), "label_smoothing": 0.3},
]


def problem(shape, kind):
    scores = RNG.normal(size=shape)
    axis = min(1, len(shape) - 1)
    if kind == "indices":
        return scores, RNG.integers(0, 5, np.delete(shape, axis))
    p = RNG.uniform(0.1, 1, shape)
    return scores, p / p.sum(axis=axis, keepdims=True)


def definition(scores, target, weight=None, ignore_index=-100, label_smoothing=0.0):
    """The losses one by one, from the formula, and the sum of the weights that count."""
    scores = np.moveaxis(scores, min(1, scores.ndim - 1), -1)
    classes = scores.shape[-1]
    w = np.ones(classes) if weight is None else weight
    probabilities = target.ndim == scores.ndim
    if probabilities:
        target = np.moveaxis(target, min(1, target.ndim - 1), -1)
    losses, total = np.zeros(scores.shape[:-1]), 0.0
    for place in np.ndindex(scores.shape[:-1]):
        if not probabilities and target[place] == ignore_index:
            continue
        q = target[place] if probabilities else [c == target[place] for c in range(classes)]
        norm = sum(math.exp(s) for s in scores[place])
        for c in range(classes):
            smooth = (1 - label_smoothing) * q[c] + label_smoothing / classes
            losses[place] -= w[c] * smooth * math.log(math.exp(scores[place][c]) / norm)
        total += 1.0 if probabilities else w[target[place]]
    return losses, total


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "+".join(o) or "plain")
@pytest.mark.parametrize("kind", ["indices", "probabilities"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cross_entropy_is_its_definition(shape, kind, options):
    scores, target = problem(shape, kind)
    losses, total = definition(scores, target, **options)
    for reduction, expected in [("none", losses), ("sum", losses.sum()), ("mean", losses.sum() / total)]:
        got = nn.CrossEntropyLoss(**options, reduction=reduction)(scores, target)
        np.testing.assert_allclose(got, expected, rtol=1e-12)
        assert np.shape(got) == np.shape(expected)


@pytest.mark.few(3)
@second_order
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "+".join(o) or "plain")
@pytest.mark.parametrize("kind", ["indices", "probabilities"])
def test_gradients_of_cross_entropy(kind, options, along):
    scores, target = problem((4, 5), kind)
    for reduction in ("none", "mean", "sum"):
        loss = nn.CrossEntropyLoss(**options, reduction=reduction)
        if kind == "indices":
            check_both_orders(lambda s, loss=loss: loss(s, target), (scores,), along)
        else:
            check_both_orders(loss, (scores, target), along)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "+".join(o) or "plain")
def test_ignored_targets_have_neither_loss_nor_gradient(options):
    scores, target = problem((6, 5), "indices")
    target[[1, 4]] = -1
    losses, total = definition(scores, target, ignore_index=-1, **options)
    loss = nn.CrossEntropyLoss(ignore_index=-1, **options)
    x = ag.Tensor(scores, requires_grad=True)
    y = loss(x, target)
    y.backward()
    assert y.item() == pytest.approx(losses.sum() / total, rel=1e-12)
    assert not x.grad.numpy()[[1, 4]].any()
    assert x.grad.numpy()[[0, 2, 3, 5]].all()


def test_an_ignored_class_index_may_be_one_of_the_classes():
    scores, target = problem((6, 5), "indices")
    target[:] = [0, 1, 2, 0, 4, 0]
    expected, _ = definition(scores[[1, 2, 4]], target[[1, 2, 4]])
    got = nn.functional.cross_entropy(scores, target, ignore_index=0)
    assert float(got) == pytest.approx(expected.mean(), rel=1e-12)


def test_huge_and_masked_scores_stay_exact():
    scores = np.array([[1e4, 0.0, -1e4], [0.0, -np.inf, 0.0]])
    losses = nn.functional.cross_entropy(scores, np.array([1, 2]), reduction="none")
    np.testing.assert_allclose(losses, [1e4, math.log(2)], rtol=1e-15)


@pytest.mark.parametrize("kind", ["indices", "probabilities"])
def test_float32_scores_give_a_float32_loss_whatever_the_weight(kind):
    scores, target = problem((4, 5), kind)
    loss = nn.CrossEntropyLoss(weight=[1.0, 2.0, 3.0, 4.0, 5.0], label_smoothing=0.1)
    x = ag.Tensor(scores.astype(np.float32), requires_grad=True)
    y = loss(x, target.astype(np.float32) if kind == "probabilities" else target)
    assert y.dtype == np.float32
    y.backward()
    assert x.grad.dtype == np.float32


def test_targets_may_be_tensors_unsigned_or_booleans():
    scores, target = problem((4, 2), "indices")[0], np.array([0, 1, 1, 0])
    expected = nn.functional.cross_entropy(scores, target)
    for twin in (ag.Tensor(target), target.astype(np.uint8), target.astype(bool), target.tolist()):
        assert nn.functional.cross_entropy(scores, twin) == expected


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        (np.array([0, 1, 5, 2]), IndexingError, r"target\[2\] is 5, but the scores are of 5 classes, 0 to 4"),
        (np.array([0, -1, 1, 2]), IndexError, r"target\[1\] is -1"),
        (np.array([[0], [1], [2], [3]]), ShapeError, r"\(4, 1\).*target\.reshape\(-1\)"),
        (np.array([0, 1, 2]), ValueError, r"input \(4, 5\) and target \(3,\) do not fit"),
        (np.array([0.0, 1.0, 2.0, 3.0]), DTypeError, r"target\.astype\(int\)"),
        (np.zeros((4, 6)), ShapeError, "do not fit"),
    ],
)
def test_targets_that_cannot_be(target, error, message):
    with pytest.raises(error, match=message):
        nn.CrossEntropyLoss()(np.zeros((4, 5)), target)


def test_options_that_cannot_be():
    scores, target = problem((4, 5), "indices")
    with pytest.raises(ShapeError, match=r"weight has shape \(4,\)"):
        nn.CrossEntropyLoss(weight=np.ones(4))(scores, target)
    with pytest.raises(OptionError, match="reduction='avg'"):
        nn.CrossEntropyLoss(reduction="avg")
    with pytest.raises(OptionError, match="reduction='avg'"):
        nn.functional.mse_loss(scores, scores, reduction="avg")
    with pytest.raises(OptionError, match="label_smoothing=1.5"):
        nn.CrossEntropyLoss(label_smoothing=1.5)
    with pytest.raises(ShapeError, match=r"shape \(\)"):
        nn.CrossEntropyLoss()(np.array(1.0), np.array(0))


def test_mse():
    x, t = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 0.0], [0.0, 4.0]])
    for reduction, expected in [("none", [[0, 4], [9, 1]]), ("sum", 14), ("mean", 3.5)]:
        np.testing.assert_array_equal(nn.MSELoss(reduction)(x, t), expected)
    check_grads(nn.MSELoss(), (x, t))
    with pytest.raises(ShapeError, match=r"\(2, 2\), target \(1, 2\); they must be equal$"):
        nn.MSELoss()(x, t[:1])
    with pytest.raises(ShapeError, match=r"write target.reshape\(-1, 2\)"):
        nn.MSELoss()(x, t.ravel())


@pytest.mark.torch
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "+".join(o) or "plain")
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("kind", ["indices", "probabilities"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cross_entropy_and_its_gradient_are_those_of_torch(torch, shape, kind, reduction, options):
    scores, target = problem(shape, kind)
    if kind == "indices" and len(shape) > 1:
        target.flat[0] = -7
        options = {**options, "ignore_index": -7}
    tensors = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    x, t = ag.Tensor(scores, requires_grad=True), torch.tensor(scores, requires_grad=True)
    ours = nn.CrossEntropyLoss(**options, reduction=reduction)(x, target)
    theirs = torch.nn.CrossEntropyLoss(**tensors, reduction=reduction)(t, torch.tensor(target))
    np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-12)
    g = RNG.normal(size=ours.shape)
    ours.backward(g)
    theirs.backward(torch.tensor(g))
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("scores", [[np.inf, 0.0], [0.0, np.inf], [np.inf, np.inf]])
def test_infinite_scores_are_not_hidden(scores):
    loss = nn.functional.cross_entropy(ag.Tensor([scores], requires_grad=True), [0])
    assert not np.isfinite(loss.item())


def test_targets_may_be_overwritten_before_the_backward_pass():
    x, targets = ag.Tensor([[1.0, 3.0], [2.0, 1.0]], requires_grad=True), np.array([0, 1])
    loss = nn.functional.cross_entropy(x, targets)
    targets[:] = 0
    loss.backward()
    expected = ag.grad(lambda x: nn.functional.cross_entropy(x, [0, 1]))(x.numpy())
    np.testing.assert_array_equal(x.grad.numpy(), expected)
