"""Results of comparisons and of `argmax` are plain arrays with more names, and operands as any array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.plain_array import PlainArray
from autograd_lite.testing import check_grads
from tests.samples import SAMPLES, Sample


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (x > 1) / x,
        lambda x: np.argsort(x, axis=1) / x,
        lambda x: (x > 1) / np.sum(x),
        lambda x: np.true_divide(np.argmax(x, axis=0), x),
        lambda x: (x > 1) * x**2 - (x < 1) + x ** (x > 1),
    ],
)
def test_masks_and_places_are_operands(f: Any) -> None:
    x = np.array([[0.8, 0.4], [1.4, 1.8]])
    assert isinstance(ag.Tensor(x) > 1, PlainArray)
    check_grads(f, x)


def varied(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.ndim > 0 and x.dtype.kind == "f"


def outcome(sample: Sample, fixed: int, dtype: type, kind: type) -> list[Any]:
    """Value and gradients of a sample, one argument of which is an array of whole numbers of this class."""
    args = list(sample.args)
    whole = np.abs(np.round(args[fixed])).astype(int) + (dtype is int)
    args[fixed] = whole.astype(dtype).view(kind)
    others = [i for i, x in enumerate(args) if i != fixed and varied(x)]
    for i in others:
        args[i] = ag.Tensor(args[i], requires_grad=True)
    try:
        y = sample.op(*args, **sample.kwargs)
        y = y[0] if isinstance(y, tuple) else y
        np.sum(y).backward()
    except Exception as error:
        return [type(error), str(error)]
    return [y.numpy(), *(args[i].grad.numpy() for i in others if args[i].grad is not None)]


def test_every_op_takes_them_as_it_takes_arrays() -> None:
    tried = 0
    with np.errstate(all="ignore"):
        for sample in SAMPLES:
            places = [i for i, x in enumerate(sample.args) if varied(x)]
            for fixed in places if len(places) > 1 else ():
                for dtype in (int, bool):
                    expected = outcome(sample, fixed, dtype, np.ndarray)
                    found = outcome(sample, fixed, dtype, PlainArray)
                    assert len(found) == len(expected), str(sample)
                    for a, b in zip(found, expected, strict=True):
                        np.testing.assert_array_equal(a, b, err_msg=str(sample))
                    tried += isinstance(expected[0], np.ndarray)
    assert tried > 300
