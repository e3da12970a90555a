"""Boxes against counted pixels, and against written-out definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError, OptionError, ShapeError
from nn.boxes import average_precision, box_iou, nms
from tests.helpers import check_both_orders, second_order

SIDES = st.tuples(*[st.integers(0, 8)] * 4)
BOXES = st.lists(SIDES, max_size=6).map(lambda boxes: np.array(boxes).reshape(-1, 4))


def pixels(box):
    """The pixels of a box with whole sides."""
    left, top, right, bottom = box
    return {(x, y) for x in range(left, right) for y in range(top, bottom)}


def counted(one, other):
    a, b = pixels(one), pixels(other)
    return len(a & b) / max(1, len(a | b))


@given(BOXES, BOXES, st.sampled_from([np.int64, np.uint8, np.float32]))
def test_overlaps_are_those_of_counted_pixels(boxes1, boxes2, dtype):
    expected = [[counted(a, b) for b in boxes2] for a in boxes1]
    found = box_iou(boxes1.astype(dtype), boxes2.astype(dtype))
    assert found.shape == (len(boxes1), len(boxes2))
    np.testing.assert_allclose(found.ravel(), np.ravel(expected), rtol=1e-6)


@second_order
def test_overlaps_have_gradients(along):
    rng = np.random.default_rng(0)
    corners = rng.random((5, 2))
    boxes = np.concatenate([corners, corners + 0.3 + rng.random((5, 2))], axis=1)
    check_both_orders(box_iou, (boxes[:3], boxes[3:]), along)
    assert isinstance(box_iou(Tensor(boxes), boxes), Tensor)
    assert box_iou(boxes.astype(np.float32), boxes.astype(np.float32)).dtype == np.float32


@given(BOXES, st.integers(0, 100), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_what_is_kept_is_not_too_near_to_what_is_better(boxes, seed, threshold):
    scores = np.random.default_rng(seed).permutation(len(boxes)) / 10
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(counted(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
    assert nms(boxes, scores, threshold).tolist() == kept


def test_of_equal_scores_the_first_is_kept():
    boxes = np.array([[0.0, 0, 4, 4]] * 3)
    assert nms(boxes, [0.5, 0.5, 0.5], 0.5).tolist() == [0]


def box(x):
    return [x, 0, x + 10, 10]


def test_average_precision_by_hand():
    # By falling score: right, wrong, right, wrong (a second time), right; one of four boxes is not found.
    first = (np.array([box(0), box(1), box(100)]), np.array([0.9, 0.3, 0.8]))
    second = (np.array([box(21), box(41)]), np.array([0.7, 0.1]))
    true = [np.array([box(0)]), np.array([box(20), box(40), box(60)])]
    # Precisions at the three recalls: 1/1, 2/3, 3/5, and 0 at the fourth.
    assert average_precision([first, second], true) == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    assert average_precision([first, second], true, iou_threshold=0.9) == pytest.approx(1 / 4)


def test_the_precision_at_a_recall_is_the_best_from_there_on():
    # wrong, right, right: 1/2 and 2/3 are the precisions, of which the first is raised to 2/3.
    predicted = np.array([box(100), box(0), box(20)]), np.array([0.9, 0.8, 0.7])
    assert average_precision([predicted], [np.array([box(0), box(20)])]) == pytest.approx(2 / 3)


def test_the_ends():
    none = np.empty((0, 4)), np.empty(0)
    true = np.array([box(0), box(20)])
    assert average_precision([none], [true]) == 0
    assert np.isnan(average_precision([none], [none[0]]))
    assert average_precision([(true, np.ones(2)), (true, np.zeros(2))], [true, none[0]]) == 1
    assert nms(*none, 0.5).size == 0 and box_iou(none[0], true).shape == (0, 2)


def test_mistakes_are_told():
    boxes = np.array([box(0)])
    with pytest.raises(ShapeError, match=r"boxes1 of shape \(4,\).*box\[None\]"):
        box_iou(boxes[0], boxes)
    with pytest.raises(DTypeError, match="boxes2: expected numbers"):
        box_iou(boxes, [["a"] * 4])
    with pytest.raises(ShapeError, match=r"scores of shape \(2,\) for boxes of shape \(1, 4\)"):
        nms(boxes, [0.1, 0.2], 0.5)
    with pytest.raises(OptionError, match="iou_threshold=1.5"):
        nms(boxes, [0.1], 1.5)
    with pytest.raises(DataError, match="NaN"):
        average_precision([(boxes, [np.nan])], [boxes])
    with pytest.raises(ShapeError, match="2 images, truth for 1"):
        average_precision([(boxes, [0.5])] * 2, [boxes])
