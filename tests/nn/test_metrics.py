"""Metrics against numbers worked out by hand, and against written-out definitions."""

from functools import partial

import numpy as np
import pytest

import nn
from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError, OptionError, ShapeError
from nn.metrics import accuracy, confusion_matrix, f1, perplexity, precision, recall, top_k_accuracy

# Ten samples of three classes, and a fourth that never occurs.
TARGET = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
OUTPUT = np.array([0, 0, 1, 2, 1, 1, 0, 2, 2, 1])
SCORES = np.eye(4)[OUTPUT]

# By hand: class 0 is right 2 times of 3 predicted and 4 actual, class 1 2 of 4 and 3, class 2 2 of 3 and 3.
PRECISION, RECALL, F1 = [2 / 3, 2 / 4, 2 / 3], [2 / 4, 2 / 3, 2 / 3], [4 / 7, 4 / 7, 4 / 6]


def test_confusion_matrix_by_hand():
    expected = [[2, 1, 1], [1, 2, 0], [0, 1, 2]]
    np.testing.assert_array_equal(confusion_matrix(OUTPUT, TARGET), expected)
    wide = confusion_matrix(SCORES, TARGET)
    np.testing.assert_array_equal(wide[:3, :3], expected)
    assert wide.shape == (4, 4) and wide.sum() == 10
    assert confusion_matrix(OUTPUT, TARGET, num_classes=7).shape == (7, 7)


@pytest.mark.parametrize(
    ("metric", "by_class"),
    [(precision, PRECISION), (recall, RECALL), (f1, F1)],
    ids=["precision", "recall", "f1"],
)
@pytest.mark.parametrize("output", [OUTPUT, SCORES], ids=["classes", "scores"])
def test_averages_by_hand(metric, by_class, output):
    each = metric(output, TARGET, average=None)
    np.testing.assert_allclose(each[:3], by_class, rtol=1e-15)
    assert not each[3:].any()
    assert metric(output, TARGET, average="macro") == pytest.approx(np.mean(by_class), rel=1e-15)
    assert metric(output, TARGET, average="micro") == pytest.approx(0.6, rel=1e-15)
    weighted = (4 * by_class[0] + 3 * by_class[1] + 3 * by_class[2]) / 10
    assert metric(output, TARGET, average="weighted") == pytest.approx(weighted, rel=1e-15)


def test_two_classes_by_hand():
    output, target = np.array([1, 1, 1, 0, 0, 1]), np.array([1, 1, 0, 0, 1, 0])  # TP 2, FP 2, FN 1
    assert precision(output, target) == 2 / 4
    assert recall(output, target) == 2 / 3
    assert f1(output, target) == pytest.approx(2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3), rel=1e-15)
    for metric in (precision, recall, f1):
        scores = np.stack([1 - output, output], axis=1) * 0.5
        assert metric(scores, target) == metric(output, target) == metric(output > 0, target.tolist())
        assert metric(Tensor(scores), np.eye(2)[target]) == metric(output, target)


@pytest.mark.parametrize(
    ("output", "target", "expected"),
    [
        ([0, 0], [1, 1], (0, 0, 0)),  # never predicted
        ([1, 1], [0, 0], (0, 0, 0)),  # never there
        ([0, 0], [0, 0], (0, 0, 0)),  # neither
        ([1, 1], [1, 1], (1, 1, 1)),
    ],
)
def test_what_would_be_nothing_by_nothing_is_0(output, target, expected):
    assert (precision(output, target), recall(output, target), f1(output, target)) == expected


def test_against_the_definitions():
    rng = np.random.default_rng(0)
    for C in (2, 3, 6):
        scores, target = rng.normal(size=(200, C)), rng.integers(0, C, 200)
        predicted = scores.argmax(axis=1)
        for c in range(C):
            both = sum(p == t == c for p, t in zip(predicted, target, strict=True))
            said = sum(p == c for p in predicted)
            there = sum(t == c for t in target)
            assert precision(scores, target, average=None)[c] == pytest.approx(both / said)
            assert recall(scores, target, average=None)[c] == pytest.approx(both / there)
        p, r = (metric(scores, target, average=None) for metric in (precision, recall))
        np.testing.assert_allclose(f1(scores, target, average=None), 2 * p * r / (p + r))
        matrix = confusion_matrix(scores, target)
        expected = [[sum((target == i) & (predicted == j)) for j in range(C)] for i in range(C)]
        np.testing.assert_array_equal(matrix, expected)
        assert accuracy(scores, target) == np.trace(matrix) / 200
        for k in range(1, C):
            found = [
                t in sorted(range(C), key=lambda c: -s[c])[:k] for s, t in zip(scores, target, strict=True)
            ]
            assert top_k_accuracy(scores, target, k) == np.mean(found)


def test_top_k_breaks_ties_as_accuracy_does():
    scores, target = np.zeros((4, 4)), np.array([0, 1, 2, 3])
    assert [top_k_accuracy(scores, target, k) for k in (1, 2, 3)] == [0.25, 0.5, 0.75]
    assert accuracy(scores, target) == 0.25
    assert top_k_accuracy(np.array([[np.nan, 1.0, 2.0]]), [0], 2) == 0  # a NaN is no guess


def test_perplexity():
    p = np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    expected = (0.5 * 0.8) ** (-1 / 2)  # the geometric mean of 1 / p
    assert perplexity(np.log(p), [0, 2]) == pytest.approx(expected, rel=1e-12)
    assert perplexity(np.log(p) + 7, [0, 2]) == pytest.approx(expected, rel=1e-12)
    padded = np.log(np.concatenate([p, p]))
    assert perplexity(padded, [0, 2, -100, -100]) == pytest.approx(expected, rel=1e-12)
    assert perplexity(padded, [0, 2, 1, 1], ignore_index=1) == pytest.approx(expected, rel=1e-12)
    sequence = np.log(p).T[None]  # (1, 3, 2): one text of two letters
    assert perplexity(sequence, [[0, 2]]) == pytest.approx(expected, rel=1e-12)
    assert perplexity(np.array([[0.0, 1e4]]), [0]) == np.inf


def test_in_a_trainer():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    model = nn.Linear(4, 3)
    metrics = [partial(nn.metrics.f1, average="macro"), "perplexity", partial(nn.metrics.top_k_accuracy, k=2)]
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), nn.optim.SGD(model.parameters()), metrics)
    measured = trainer.evaluate(X, y)
    assert list(measured) == ["loss", "f1", "perplexity", "top_k_accuracy"]
    assert measured["perplexity"] == pytest.approx(np.exp(measured["loss"]), rel=1e-6)
    trainer.metrics = {"confusion_matrix": nn.metrics.confusion_matrix}
    with pytest.raises(ShapeError, match=r"confusion_matrix has shape \(3, 3\), expected a single number"):
        trainer.evaluate(X, y)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: f1(OUTPUT, TARGET), OptionError, r'average="binary"\): there are 3 classes; .*partial\('),
        (lambda: f1(OUTPUT, TARGET, "mean"), OptionError, r"average='mean'\): expected \"binary\""),
        (lambda: recall(SCORES, TARGET + 3, None), DataError, "target has the class 4; .* from 0 to 3"),
        (lambda: recall(OUTPUT - 1, TARGET, None), DataError, "output has the class -1"),
        (lambda: recall(SCORES, TARGET + 0.5, None), DataError, "target has the class 0.5"),
        (lambda: precision(np.linspace(0, 1, 10), TARGET), ShapeError, r"precision\(output\.ravel\(\) > 0"),
        (lambda: precision(SCORES[:, :1], TARGET), ShapeError, "one column"),
        (lambda: precision(SCORES, TARGET[:3]), ShapeError, r"\(10, 4\) and target \(3,\) do not fit"),
        (lambda: precision([], []), DataError, "no samples"),
        (lambda: accuracy(SCORES[:0], TARGET[:0]), DataError, "accuracy: there are no samples"),
        (lambda: confusion_matrix(["a"], ["a"]), DTypeError, "confusion_matrix: output: expected numbers"),
        (lambda: confusion_matrix(OUTPUT, TARGET, num_classes=2), DataError, "from 0 to 1"),
        (lambda: top_k_accuracy(SCORES, TARGET, 0), OptionError, r"top_k_accuracy\(k=0\)"),
        (lambda: top_k_accuracy(SCORES, TARGET), OptionError, "of 4 classes, k guesses are always right"),
        (lambda: top_k_accuracy(OUTPUT, TARGET), ShapeError, r"expected scores of shape \(N, C\)"),
    ],
)
def test_mistakes_are_told(call, error, message):
    with pytest.raises(error, match=message):
        call()
