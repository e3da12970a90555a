"""Every op at every sample on a batch, against a loop over its members; and the rules by themselves."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import tree
from autograd_lite.arrays import unwrap
from autograd_lite.errors import MistakeWarning
from tests.samples import SAMPLES, Sample

SCALES = (1.0, 0.97, 0.93)
"""The members of a batch are the sample, scaled: symmetric stays symmetric, positive stays positive."""


def by_op(samples: Iterable[Sample]) -> list[Any]:
    groups = itertools.groupby(samples, lambda sample: sample.op.__name__)
    return [pytest.param(list(group), id=name) for name, group in groups]


def is_mapped(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def numbers(out: Any) -> list[Any]:
    """The results that carry numbers: a rank is none."""
    return [y for y in tree.flatten(out)[0] if isinstance(unwrap(y), (np.ndarray, np.generic)) or hasattr(y, "_data")]


def loss(out: Any) -> Any:
    parts = [np.sum(np.real(y) ** 2) + np.sum(np.imag(y)) for y in numbers(out) if isinstance(y, ag.Tensor)]
    return sum(parts[1:], parts[0])


def lies_in_memory(sample: Sample) -> bool:
    """Whether the op asks how an array lies in memory, which a member of a batch does not tell."""
    return sample.kwargs.get("order") in ("A", "K")


def compared(sample: Sample) -> None:
    values, rebuild = tree.flatten(list(sample.args))
    places = [i for i, x in enumerate(values) if is_mapped(x)]

    def call(*arrays: Any) -> Any:
        own = list(values)
        for i, x in zip(places, arrays, strict=True):
            own[i] = x
        return sample.op(*rebuild(own), **sample.kwargs)

    batch = [np.stack([values[i] * s for s in SCALES]) for i in places]
    gradient = ag.grad(lambda *xs: loss(call(*xs)), tuple(range(len(places))))
    tensors = [ag.Tensor(x) for x in batch]
    got = ag.vmap(lambda *xs: numbers(call(*xs)))(*tensors)
    got_gradients = ag.vmap(gradient)(*batch)
    for m in range(len(SCALES)):
        want = numbers(call(*[ag.Tensor(x[m]) for x in batch]))
        for y, z in zip(got, want, strict=True):
            assert unwrap(y).dtype == unwrap(z).dtype, sample
            np.testing.assert_allclose(unwrap(y)[m], unwrap(z), rtol=1e-9, atol=1e-10, err_msg=str(sample))
        for g, h in zip(got_gradients, gradient(*[x[m] for x in batch]), strict=True):
            np.testing.assert_allclose(g[m], h, rtol=1e-7, atol=1e-9, err_msg=str(sample))


@pytest.mark.parametrize("samples", by_op(SAMPLES))
def test_every_op_on_a_batch_is_the_op_on_each_member(samples: list[Sample]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MistakeWarning)
        for sample in samples:
            if not lies_in_memory(sample) and any(is_mapped(x) for x in tree.flatten(list(sample.args))[0]):
                compared(sample)
