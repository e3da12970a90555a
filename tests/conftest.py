"""What holds for the whole run of the tests."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from autograd_lite.batching.members import warned
from autograd_lite.draws import drawing
from autograd_lite.plan.executors import _exact
from autograd_lite.recording import tracing
from nn import parameter
from nn.random import _of_samples
from nn.reductions import _noted
from nn.utils.parametrize import _values

VARIABLES = (warned, drawing, _exact, tracing, _of_samples, _noted, _values)
"""Context variables that a `with` block or a call of the library sets."""


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the cases of a test with the mark `few(n)`, leave every n-th quick; the others are slow.

    Of the samples of SciPy's functions, those of a few ops of each kind are quick.
    """
    seen: Counter[str] = Counter()
    scipy: Any = sys.modules.get("tests.scipy_samples")  # without SciPy it has no names, or is not there
    special, quick = getattr(scipy, "SPECIAL", ()), getattr(scipy, "QUICK", ())
    for item in items:
        if special and (op := _op_of(item)) in special and op not in quick:
            item.add_marker("slow")
        few = item.get_closest_marker("few")
        if few is not None and item.get_closest_marker("slow") is None:
            name = item.nodeid.partition("[")[0]
            if seen[name] % few.args[0]:
                item.add_marker("slow")
            seen[name] += 1


def _op_of(item: pytest.Item) -> Any:
    """The op whose samples a test gets, or None."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    samples = params.get("samples") or [params.get("sample")]
    return getattr(samples[0], "op", None) if isinstance(samples, list) else None


def pytest_collection_finish() -> None:
    """Take the collected tests out of the garbage collector's sight.

    Some hundred tests call `gc.collect`, which would otherwise go through twenty thousand tests each time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def few_objects() -> None:
    """Do so again before a file whose tests call `gc.collect`: earlier tests have imported more."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Each test leaves the context variables and the default dtype, also one that interrupts the library."""
    before, default = [variable.get() for variable in VARIABLES], parameter._default
    yield
    left = [v.name for v, value in zip(VARIABLES, before, strict=True) if v.get() is not value]
    left += ["the default dtype"] * (np.dtype(parameter._default) != np.dtype(default))
    parameter._default = default  # the object itself: `torch.set_default_dtype` puts an equal one back
    assert not left, f"left set: {left}"
