"""Every op at every sample: a replay on new inputs has the bits of the eager run, gradients included."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.arrays import unwrap
from autograd_lite.errors import CompileError
from autograd_lite.node import op_name
from autograd_lite.plan.sending import Sending
from tests.ops.test_samples import leaves, map_arrays
from tests.samples import SAMPLES, Sample


def by_op() -> list[Any]:
    groups = itertools.groupby(SAMPLES, lambda sample: sample.op.__name__)
    return [pytest.param(list(group), id=name) for name, group in groups]


READ = {
    "piecewise": "conditions in a list, which NumPy reads",
    "repeat": "how often each entry is repeated",
    "getitem": "a mask, on which the shape of the result depends",
    "put_along_axis": "indices into a flat array",
    "place": "a mask, on which the number of values depends",
    "putmask": "a mask, on which the number of values depends",
}
"""What a plan cannot hold, where it comes from an array that the function reaches: an error."""

EAGER = {
    "polymul": "which coefficients are 0",
    "polydiv": "which coefficients are 0",
    "trim_zeros": "where the zeros end",
}
"""What the library reads, and what differs between two calls: the calls stay eager."""


WHOLE = {
    "masks of single numbers": """absolute add broadcast_to concatenate copy divide getitem max min moveaxis
        multiply power remainder scatter setitem sin squeeze stack subtract total where""",
    "the order in memory": "ravel reshape",
    "rules that write": "median nanmedian nanpercentile nanquantile percentile quantile",
    "several results": "eig eigh output qr slogdet svd",
    "complex numbers": "conjugate fft fftn ifft ifftn rfft rfftn roots upright",
    "values that the rules read": "arctan_slope cofactors complement det pinv",
    "one rule for all inputs": "least_squares solve",
}
"""Backward steps that stay one step of a plan, by the reason; the list can only shrink."""


def whole_steps(plan: Any) -> set[str]:
    """The ops of the backward steps that are not taken apart into NumPy's calls."""
    return {op_name(step.function.op) for step in plan.steps if isinstance(step.function, Sending)}


def bits(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [bits(item) for item in value]
    return None if value is None else (np.asarray(value).dtype, np.shape(value), np.asarray(value).tobytes())


HOLE = object()
"""Stands for a floating-point argument in the arguments of a sample."""


def filled(value: Any, given: Iterator[Any]) -> Any:
    """The arguments of a sample with leaves in the holes."""
    if isinstance(value, (list, tuple)):
        return type(value)(filled(item, given) for item in value)
    return ag.Tensor(next(given), requires_grad=True) if value is HOLE else value


def outputs_and_gradients(op: Any, holes: Any, kwargs: Any, floats: list[Any]) -> Any:
    """What an op returns, and the gradients of a function of the results."""
    args = filled(holes, iter(floats))
    out = op(*args, **kwargs)
    outs = list(out) if isinstance(out, (tuple, list)) else [out]
    total = sum(np.sum(np.real(y) * 0.5) for y in outs if isinstance(y, ag.Tensor) and y.requires_grad)
    total.backward()
    return [*map(unwrap, outs), *(None if t.grad is None else t.grad._data for t in leaves(args))]


def refused(step: Any, args: Any) -> bool:
    """Whether a call raises the error for a value that is read."""
    try:
        step(args)
    except CompileError as error:
        return "reads a value" in str(error)
    return False


@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize("samples", by_op())
def test_a_replay_has_the_bits_of_the_eager_run(samples: list[Sample]) -> None:
    for sample in samples:
        holes = map_arrays(lambda a: HOLE, list(sample.args))
        run = functools.partial(outputs_and_gradients, sample.op, holes, sample.kwargs)
        step = ag.compile(run)
        for k in (0, 1, 2, 3):
            args: list[Any] = []
            map_arrays(lambda a, k=k, args=args: args.append(a * (1 + k / 64)), list(sample.args))
            want = bits(run(args))
            if sample.op.__name__ in READ and refused(step, args):
                break
            assert bits(step(args)) == want, (str(sample), k, step.signatures)
        else:
            kind = "eager" if step.signatures[0].startswith("eager") else "replayed"
            assert step.signatures[0].startswith(kind), str(sample)
            assert kind == "replayed" or sample.op.__name__ in EAGER, (str(sample), step.signatures)
            if kind == "replayed":
                assert whole_steps(step.plan(args)) <= set(" ".join(WHOLE.values()).split()), str(sample)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
def test_each_op_that_is_said_to_stay_whole_does() -> None:
    found: set[str] = set()
    for sample in SAMPLES:
        args: list[Any] = []
        map_arrays(args.append, list(sample.args))
        holes = map_arrays(lambda a: HOLE, list(sample.args))
        step = ag.compile(functools.partial(outputs_and_gradients, sample.op, holes, sample.kwargs))
        with contextlib.suppress(CompileError):
            found |= whole_steps(step.plan(args))
    assert found == set(" ".join(WHOLE.values()).split())
