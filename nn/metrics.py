"""Measures of how good predictions are: `metric(outputs, targets)` of a whole data set.

Outputs are scores of shape (N, C), where the highest score is the prediction, or predicted classes of
shape (N,). Targets are classes of shape (N,), or probabilities of shape (N, C).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite.errors import DataError, OptionError, ShapeError

from .arrays import Input, as_array, as_operand
from .functional import cross_entropy
from .names import hints_of as _hints_of
from .options import check_whole

__all__ = ["accuracy", "confusion_matrix", "f1", "perplexity", "precision", "recall", "top_k_accuracy"]

Array = npt.NDArray[Any]


# -- accuracy --------------------------------------------------------------------------------------


def accuracy(output: Input, target: Input) -> float:
    """The fraction of the samples whose class is predicted correctly.

    Args:
        output: scores of shape (N, C), or classes of shape (N,).
        target: class indices of shape (N,), or probabilities of shape (N, C).

    Raises:
        ShapeError: the shapes do not fit, or `output` has a single column.
        DTypeError: an argument does not hold numbers.
        DataError: there are no samples.

    Example:
        >>> import numpy as np
        >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
        0.5
    """
    predicted, classes, _ = _classes("accuracy", output, target)
    return float(np.mean(predicted == classes))


def top_k_accuracy(output: Input, target: Input, k: int = 5) -> float:
    """The fraction of the samples whose class is among the k highest scores.

    Among equal scores, the lower class counts as higher, as in `accuracy`, which is the case k = 1.

    Args:
        output: scores of shape (N, C).
        target: class indices of shape (N,), or probabilities of shape (N, C).
        k: the number of guesses for each sample.

    Raises:
        ShapeError: the shapes do not fit.
        OptionError: k is not less than C, so the guesses are always right.

    Example:
        >>> import numpy as np
        >>> scores = np.array([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]])
        >>> top_k_accuracy(scores, np.array([2, 1]), k=2)
        0.5
    """
    check_whole("top_k_accuracy", "k", k, example=2)
    scores = as_array(as_operand("top_k_accuracy: output", output))
    if scores.ndim != 2:
        raise ShapeError(f"top_k_accuracy: output has shape {scores.shape}; expected scores of shape (N, C)")
    if k >= scores.shape[1]:
        raise OptionError(f"top_k_accuracy(k={k}): of {scores.shape[1]} classes, k guesses are always right")
    _, classes, _ = _classes("top_k_accuracy", scores, target)
    guesses = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float(np.mean(np.any(guesses == classes[:, None], axis=1)))


# -- the confusion matrix --------------------------------------------------------------------------


def confusion_matrix(output: Input, target: Input, num_classes: int | None = None) -> npt.NDArray[np.int64]:
    """The number of samples of class i (the row) that are predicted as class j (the column).

    Args:
        output: scores of shape (N, C), or classes of shape (N,).
        target: class indices of shape (N,), or probabilities of shape (N, C).
        num_classes: the number of classes; by default C, or one more than the largest class.

    Returns:
        An array of shape (num_classes, num_classes); the diagonal counts the correct predictions.

    Raises:
        ShapeError: the shapes do not fit.
        DataError: a class is outside of 0 ... num_classes - 1, or there are no samples.

    Example:
        >>> confusion_matrix([0, 2, 1, 2], [0, 1, 1, 2])
        array([[1, 0, 0],
               [0, 1, 1],
               [0, 0, 1]])
    """
    return _matrix("confusion_matrix", output, target, num_classes)


def precision(output: Input, target: Input, average: str | None = "binary") -> Any:
    """The fraction of the predictions of a class that are correct: TP / (TP + FP).

    Args:
        output: scores of shape (N, C), or classes of shape (N,).
        target: class indices of shape (N,), or probabilities of shape (N, C).
        average: as in scikit-learn. "binary" gives class 1 of two. "macro" averages over the classes that
            occur, "weighted" weighs each class by its number of targets, and "micro" pools all samples.
            None gives an array of shape (C,).

    Returns:
        A number from 0 to 1. 0 / 0 counts as 0, e.g. for a class that is never predicted.

    Raises:
        ShapeError: the shapes do not fit.
        DataError: a class is negative or not an integer, or there are no samples.
        OptionError: `average` is unknown, or "binary" with more than two classes.

    Example:
        >>> precision([1, 1, 0, 1], [1, 0, 0, 1])
        0.6666666666666666
        >>> precision([0, 2, 1, 2], [0, 1, 1, 2], average=None)
        array([1. , 1. , 0.5])
    """
    matrix = _matrix("precision", output, target)
    return _averaged("precision", matrix, np.diag(matrix), matrix.sum(axis=0), average)


def recall(output: Input, target: Input, average: str | None = "binary") -> Any:
    """The fraction of the samples of a class that are predicted as this class: TP / (TP + FN).

    Args:
        output: scores of shape (N, C), or classes of shape (N,).
        target: class indices of shape (N,), or probabilities of shape (N, C).
        average: see `precision`.

    Example:
        >>> recall([1, 1, 0, 1], [1, 0, 0, 1])
        1.0
    """
    matrix = _matrix("recall", output, target)
    return _averaged("recall", matrix, np.diag(matrix), matrix.sum(axis=1), average)


def f1(output: Input, target: Input, average: str | None = "binary") -> Any:
    """The harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN).

    Args:
        output: scores of shape (N, C), or classes of shape (N,).
        target: class indices of shape (N,), or probabilities of shape (N, C).
        average: see `precision`; averages F1, not precision and recall.

    Example:
        >>> f1([1, 1, 0, 1], [1, 0, 0, 1])
        0.8
    """
    matrix = _matrix("f1", output, target)
    return _averaged("f1", matrix, 2 * np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1), average)


def _averaged(who: str, matrix: Array, part: Array, whole: Array, average: str | None) -> Any:
    """part / whole for each class of a confusion matrix, averaged."""
    actual, occurs = matrix.sum(axis=1), matrix.sum(axis=0) + matrix.sum(axis=1) > 0
    match average:
        case "binary":
            if len(matrix) > 2:
                raise OptionError(
                    f'{who}(average="binary"): there are {len(matrix)} classes; write average="macro", '
                    '"weighted", "micro" or None; in a Trainer: '
                    f'metrics=[functools.partial(nn.metrics.{who}, average="macro")]'
                )
            return float(_ratio(part, whole)[1]) if len(matrix) == 2 else 0.0
        case "micro":
            return float(part.sum() / whole.sum())
        case "macro":
            return float(np.mean(_ratio(part, whole)[occurs]))
        case "weighted":
            return float(np.average(_ratio(part, whole), weights=actual))
        case None:
            return _ratio(part, whole)
    raise OptionError(f'{who}(average={average!r}): expected "binary", "micro", "macro", "weighted" or None')


def _ratio(part: Array, whole: Array) -> Array:
    """part / whole, with 0 / 0 = 0."""
    return part / np.maximum(whole, 1)


# -- perplexity ------------------------------------------------------------------------------------


def perplexity(output: Input, target: Input, ignore_index: int = -100) -> float:
    """The number of equally likely classes that would give this loss: exp(mean cross-entropy).

    Args:
        output: logits of shape (N, C), or (N, C, ...).
        target: class indices of shape (N,), or (N, ...).
        ignore_index: targets with this value do not count, e.g. padding.

    Raises:
        ShapeError, DataError: as in `nn.functional.cross_entropy`.

    Example:
        >>> import numpy as np
        >>> round(perplexity(np.zeros((3, 8)), np.array([0, 5, 7])), 12)
        8.0
    """
    with ag.no_grad(), np.errstate(over="ignore"):
        return float(np.exp(cross_entropy(output, target, ignore_index=ignore_index).item()))


# -- predictions and targets as classes ------------------------------------------------------------


def _classes(who: str, output: Any, target: Any) -> tuple[Array, Array, int | None]:
    """Predicted classes, target classes, and the number of classes; None if `output` holds classes."""
    output, classes = (
        as_array(as_operand(f"{who}: {n}", x)) for n, x in (("output", output), ("target", target))
    )
    if classes.shape == output.shape and output.ndim == 2 and classes.dtype.kind == "f":
        classes = classes.argmax(axis=1)
    if output.ndim not in (1, 2) or classes.shape != output.shape[:1]:
        raise ShapeError(
            f"{who}: output {output.shape} and target {classes.shape} do not fit; expected "
            f"{who}(output, target) of (N, C) and (N,)"
        )
    if not len(output):
        raise DataError(f"{who}: there are no samples")
    if (output.ndim == 1 and output.dtype.kind == "f") or output.shape[1:] == (1,):
        raise ShapeError(
            f"{who}: output {output.shape} has one column, which always has the highest score; give the "
            "model an output for each class, e.g. nn.Linear(..., 2), or give classes: "
            f"nn.metrics.{who}(output.ravel() > 0, target)"
        )
    return (output, classes, None) if output.ndim == 1 else (output.argmax(axis=1), classes, output.shape[1])


def _matrix(who: str, output: Any, target: Any, num_classes: int | None = None) -> npt.NDArray[np.int64]:
    """The confusion matrix."""
    predicted, classes, columns = _classes(who, output, target)
    C = num_classes or columns or int(max(predicted.max(), classes.max())) + 1
    for name, values in (("output", predicted), ("target", classes)):
        wrong = (values != np.floor(values)) | (values < 0) | (values >= C)
        if wrong.any():
            raise DataError(
                f"{who}: {name} has the class {values[wrong][0]}; expected integers from 0 to {C - 1}"
            )
    pairs = classes.astype(np.int64) * C + predicted.astype(np.int64)
    return np.bincount(pairs, minlength=C * C).reshape(C, C)


if not TYPE_CHECKING:  # type checkers must see misspelled names
    __getattr__ = _hints_of(__name__)
