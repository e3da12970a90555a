"""Temporary changes are undone, whenever Ctrl-C comes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn
from nn.random import drawn_from, generator, sample_generator
from nn.robust.attacks import examined
from nn.undo import undone

from ..interrupts import interrupted

X = np.ones((2, 3), np.float32)


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5), nn.BatchNorm1d(2)).train()


def state(net: nn.Module) -> Any:
    values = {name: value.tolist() for name, value in net.state_dict().items()}
    return [m.training for m in net.modules()], [p.requires_grad for p in net.parameters()], values


def averaged(net: nn.Module) -> None:
    with nn.utils.ExponentialMovingAverage(net.parameters()).applied():
        pass


def looked_at(net: nn.Module) -> None:
    with examined(net):
        pass


def sampled(net: nn.Module) -> None:
    with drawn_from(np.random.default_rng(0)):
        pass


def evaluated(net: nn.Module) -> None:
    with nn.Trainer(net, nn.MSELoss(), nn.optim.SGD(net.parameters(), lr=0.1))._evaluating():
        net(X)


PROGRAMS: dict[str, Callable[[nn.Module], Any]] = {
    "summary": lambda net: nn.summary(net, X),
    "mc_dropout": lambda net: nn.mc_dropout(net, X, samples=2),
    "evaluate": evaluated,
    "functional_call": lambda net: nn.functional_call(net[0], {"bias": np.ones(2)}, X),
    "applied": averaged,
    "examined": looked_at,
    "drawn_from": sampled,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_interrupt_at_every_moment_leaves_the_model(name: str) -> None:
    net = model()
    before = state(net)
    for stop in itertools.count(1):
        came = interrupted(lambda: PROGRAMS[name](net), stop, ("nn.", "contextlib"))
        assert state(net) == before and sample_generator() is generator, stop
        if not came:
            break
    assert stop > 10


def test_an_error_in_undo_is_raised() -> None:
    calls: list[int] = []

    def undo() -> None:
        calls.append(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), undone(undo):
        pass
    assert len(calls) == 2
