"""Every op at every sample: a replay on new inputs has the bits of the eager run, gradients included."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.arrays import unwrap
from tests.ops.test_samples import leaves, map_arrays
from tests.samples import SAMPLES, Sample

def by_op() -> list[Any]:
    groups = itertools.groupby(SAMPLES, lambda sample: sample.op.__name__)
    return [pytest.param(list(group), id=name) for name, group in groups]


def bits(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [bits(item) for item in value]
    return None if value is None else (np.asarray(value).dtype, np.shape(value), np.asarray(value).tobytes())


def on_the_tape(value: Any) -> Any:
    """Leaves for the floating-point arrays, which `isinstance` does not know while a plan is made."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(on_the_tape, value))
    if isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") == "f":
        return ag.Tensor(value, requires_grad=True)
    return value


def outputs_and_gradients(sample: Sample, args: Any) -> Any:
    """What an op returns, and the gradients of a function of its results."""
    args = on_the_tape(args)
    out = sample.op(*args, **sample.kwargs)
    outs = list(out) if isinstance(out, (tuple, list)) else [out]
    total = sum(np.sum(np.real(y) * 0.5) for y in outs if isinstance(y, ag.Tensor) and y.requires_grad)
    total.backward()
    return [*map(unwrap, outs), *(None if t.grad is None else t.grad._data for t in leaves(args))]


@pytest.mark.parametrize("samples", by_op())
def test_a_replay_has_the_bits_of_the_eager_run(samples: list[Sample]) -> None:
    for sample in samples:
        step = ag.compile(lambda args, sample=sample: outputs_and_gradients(sample, args))
        for k in (0, 1, 2, 3):
            args = map_arrays(lambda a, k=k: np.asarray(a) * (1 + k / 64), list(sample.args))
            want = bits(outputs_and_gradients(sample, args))
            assert bits(step(args)) == want, (str(sample), k, step.signatures)
        assert step.signatures[0].startswith("replayed"), (str(sample), step.signatures)
