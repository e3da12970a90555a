"""Timings and checkpoints under PyTorch's names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import OptionError
from nn.utils.benchmark import Measurement, Timer
from nn.utils.checkpoint import checkpoint, checkpoint_sequential


def clock(step: float) -> Callable[[], float]:
    """A clock that goes on by the runs of a statement: each run of `tick()` takes `step` seconds."""
    return lambda: clock.now * step  # type: ignore[attr-defined]


def tick() -> None:
    clock.now += 1  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def start() -> None:
    clock.now = 0  # type: ignore[attr-defined]


def test_a_timing() -> None:
    found = Timer(
        "tick()", timer=clock(0.25), globals={"tick": tick}, label="tick", description="fast"
    ).timeit(8)
    assert (found.number_per_run, found.raw_times, found.mean, found.median) == (8, [2.0], 0.25, 0.25)
    assert repr(found).startswith("tick: fast\n  Median: 250.00 ms")


def test_blocks_fill_the_time() -> None:
    heard: list[tuple[int, float]] = []
    timer = Timer("tick()", timer=clock(1e-4), globals={"tick": tick})
    found = timer.blocked_autorange(lambda n, t: heard.append((n, t)), min_run_time=0.095)
    assert found.number_per_run == 10 and len(found.times) in (95, 96)
    assert len(heard) == len(found.times) and heard[0][0] == 10
    assert timer.adaptive_autorange().iqr < 1e-9


def test_quartiles() -> None:
    assert Measurement(2, [2.0, 4.0, 6.0, 8.0, 10.0]).iqr == 2.0
    assert Measurement(1, [3e-9]).iqr == 0.0


def test_other_languages_are_refused() -> None:
    with pytest.raises(OptionError, match="statements are Python"):
        Timer("x", language="cpp")


def test_a_checkpoint_gives_the_same_gradients() -> None:
    nn.manual_seed(0)
    layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 4), nn.Linear(4, 1))
    x = ag.Tensor(np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32), requires_grad=True)

    def gradients(f: Callable[[ag.Tensor], ag.Tensor]) -> list[np.ndarray]:
        nn.manual_seed(1)
        layers.zero_grad()
        x.grad = None
        f(x).sum().backward()
        return [p.grad.numpy().copy() for p in (x, *layers.parameters())]

    expected = gradients(layers)
    for f in (
        lambda x: checkpoint(layers, x, use_reentrant=False),
        lambda x: checkpoint_sequential(layers, 2, x, use_reentrant=True),
        lambda x: checkpoint_sequential(list(layers), 5, x),
    ):
        for a, b in zip(gradients(f), expected, strict=True):
            assert np.array_equal(a, b)
    with pytest.raises(OptionError, match="expected 1 to 5"):
        checkpoint_sequential(layers, 6, x)
