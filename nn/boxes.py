"""Bounding boxes (left, top, right, bottom): overlap, suppression, and the precision of a detector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError, ShapeError

from .arrays import Input, as_array, as_operand
from .options import check_number

__all__ = ["average_precision", "box_iou", "nms"]

Array = npt.NDArray[Any]


def box_iou(boxes1: Input, boxes2: Input) -> Any:
    """The intersection over union (IoU) of each pair of boxes; 0 where both boxes are empty.

    Args:
        boxes1: of shape (n, 4), each left, top, right, bottom.
        boxes2: of shape (m, 4).

    Returns:
        An array of shape (n, m); a Tensor if one of the inputs is a Tensor.

    Raises:
        ShapeError: an input does not have shape (n, 4).

    Example:
        >>> import numpy as np
        >>> box_iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])).round(3)
        array([[0.333, 0.   ]])
    """
    one, other = _boxes("box_iou: boxes1", boxes1)[:, None], _boxes("box_iou: boxes2", boxes2)
    shared = _area(np.maximum(one[..., :2], other[:, :2]), np.minimum(one[..., 2:], other[:, 2:]))
    union = _area(one[..., :2], one[..., 2:]) + _area(other[:, :2], other[:, 2:]) - shared
    return shared / np.where(union > 0, union, 1)


def _area(low: Any, high: Any) -> Any:
    """The areas of boxes given by two corners; 0 where `high` is not above `low`."""
    sides = np.maximum(high - low, 0)
    return sides[..., 0] * sides[..., 1]


def nms(boxes: Input, scores: Input, iou_threshold: float) -> npt.NDArray[np.int64]:
    """The boxes to keep, by non-maximum suppression: a box that overlaps a better kept box too much goes.

    Args:
        boxes: of shape (n, 4).
        scores: of shape (n,).
        iou_threshold: two boxes with an IoU above this threshold count as the same object.

    Returns:
        The indices of the kept boxes, in order of decreasing score.

    Raises:
        ShapeError: the shapes do not fit.
        DataError: a score is NaN.

    Example:
        >>> import numpy as np
        >>> boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [1, 0, 11, 10]])
        >>> nms(boxes, np.array([0.6, 0.7, 0.9]), iou_threshold=0.5)
        array([2, 1])
    """
    check_number("nms", "iou_threshold", iou_threshold, most=1, example=0.5)
    boxes, scores = _scored("nms", boxes, scores)
    overlaps = box_iou(boxes, boxes) > iou_threshold
    kept = np.ones(len(boxes), bool)
    order = np.argsort(-scores, kind="stable")
    for place, i in enumerate(order):
        if kept[i]:
            later = order[place + 1 :]
            kept[later[overlaps[i, later]]] = False
    return order[kept[order]]


def average_precision(
    predicted: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]],
    true: Sequence[npt.ArrayLike],
    iou_threshold: float = 0.5,
) -> float:
    """The area under the precision-recall curve of one class of boxes.

    The predicted boxes of all images are visited in order of decreasing score. Each is compared with the true
    box that it overlaps most. The predicted box is right if their IoU is at least `iou_threshold`, and no
    earlier box has found this true box. The precision at a recall is the highest at this recall or above.

    Args:
        predicted: for each image, boxes of shape (n, 4) and scores of shape (n,).
        true: for each image, boxes of shape (m, 4).
        iou_threshold: the smallest IoU of a match; 0.5 gives AP50.

    Returns:
        A number from 0 to 1; NaN if there are no true boxes.

    Raises:
        ShapeError: the shapes do not fit.
        DataError: a score is NaN.

    Source:
        M. Everingham et al., "The PASCAL visual object classes (VOC) challenge", 2010.

    Example:
        >>> import numpy as np
        >>> there = np.array([[0, 0, 10, 10], [20, 20, 30, 30]])
        >>> found = np.array([[0, 1, 10, 10], [50, 50, 60, 60], [20, 20, 30, 29]])
        >>> round(average_precision([(found, np.array([0.9, 0.8, 0.7]))], [there]), 3)
        0.833
    """
    check_number("average_precision", "iou_threshold", iou_threshold, most=1, example=0.5)
    if len(predicted) != len(true):
        raise ShapeError(f"average_precision: predictions for {len(predicted)} images, truth for {len(true)}")
    scores, right, wanted = [np.empty(0)], [np.empty(0, bool)], 0
    for (boxes, score), truth in zip(predicted, true, strict=True):
        boxes, score = _scored("average_precision", boxes, score)
        order = np.argsort(-score, kind="stable")
        scores.append(score[order])
        right.append(_found(boxes[order], truth, iou_threshold))
        wanted += len(as_array(truth))
    if not wanted:
        return float("nan")
    hits = np.concatenate(right)[np.argsort(-np.concatenate(scores), kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[hits].sum() / wanted)


def _found(boxes: Array, truth: npt.ArrayLike, threshold: float) -> npt.NDArray[np.bool_]:
    """For each box, in this order: is it the first to match the true box that it overlaps most?"""
    overlaps, right = box_iou(boxes, truth), np.zeros(len(boxes), bool)
    if overlaps.size:
        candidates = np.flatnonzero(overlaps.max(axis=1) >= threshold)
        _, first = np.unique(overlaps.argmax(axis=1)[candidates], return_index=True)
        right[candidates[first]] = True
    return right


def _boxes(what: str, boxes: Input) -> Any:
    """Boxes as floating-point numbers, because differences of unsigned integers wrap around."""
    boxes = as_operand(what, boxes)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ShapeError(
            f"{what} of shape {boxes.shape}; expected (n, 4), each left, top, right, bottom; for a single "
            "box write box[None], and for no boxes np.empty((0, 4))"
        )
    return boxes if boxes.dtype.kind == "f" else boxes.astype(float)


def _scored(who: str, boxes: Input, scores: Input) -> tuple[Array, Array]:
    """Boxes and their scores as arrays."""
    boxes, scores = as_array(_boxes(f"{who}: boxes", boxes)), as_array(scores)
    if scores.shape != boxes.shape[:1]:
        raise ShapeError(
            f"{who}: scores of shape {scores.shape} for boxes of shape {boxes.shape}; expected one score for "
            "each box"
        )
    if np.isnan(scores).any():
        raise DataError(f"{who}: a score is NaN, which is neither high nor low")
    return boxes, scores
