"""A context variable is put back, whenever Ctrl-C comes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from nn.random import drawn_from
from nn.reductions import reductions

from .conftest import VARIABLES
from .interrupts import interrupted

X = np.array([[1.0, 2.0], [3.0, 4.0]])
compiled = ag.compile(lambda x: np.sum(np.tanh(x)))


def inside(block: Callable[[], Any]) -> None:
    with block():
        pass


PROGRAMS: dict[str, Callable[[], Any]] = {
    "vmap": lambda: ag.vmap(np.sum, randomness="same")(X),
    "vmap of vmap": lambda: ag.vmap(ag.vmap(np.sin))(X),
    "jacobian": lambda: ag.jacobian(np.sin)(X[0]),
    "drawn_from": lambda: inside(lambda: drawn_from(np.random.default_rng(0))),
    "reductions": lambda: inside(reductions),
    "plan": lambda: compiled.plan(X),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_interrupt_at_every_moment_puts_all_back(name: str) -> None:
    before = [variable.get() for variable in VARIABLES]
    modules = ("autograd_lite.during", "autograd_lite.batching.mapping", "autograd_lite.plan.compile", "nn.")
    for stop in itertools.count(1):
        came = interrupted(PROGRAMS[name], stop, (*modules, "contextlib"))
        for variable, value in zip(VARIABLES, before, strict=True):
            assert variable.get() is value, (variable.name, stop)
        if not came:
            break
    assert stop > 4
