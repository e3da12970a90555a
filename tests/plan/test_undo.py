"""A replay is done or not done: an interrupt or an error at any moment leaves all as before, or as after."""

from __future__ import annotations

import functools
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from tests.interrupts import interrupted

MODULES = ("autograd_lite", "nn")
Program = tuple[Callable[..., Any], Callable[[], Any], Callable[[int], tuple[Any, ...]]]
"""A step, its state as bytes, and the arguments of the i-th call."""


def bits(x: Any) -> Any:
    return None if x is None else (x.numpy() if isinstance(x, ag.Tensor) else np.asarray(x)).tobytes()


def training(make: Callable[[Any], Any], *between: nn.Module) -> Program:
    """A training step, with the schedule of its optimizer."""
    net = nn.Sequential(nn.Linear(3, 4), *between, nn.Linear(4, 2))
    optimizer = make(net.parameters())
    schedule = nn.optim.lr_scheduler.StepLR(optimizer, 2)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        optimizer.step()
        schedule.step()
        return loss

    def state() -> Any:
        moments = [[(k, bits(v)) for k, v in sorted(s.items())] for s in optimizer.state.values()]
        random = str(nn.random.generator.bit_generator.state)
        rates = [group["lr"] for group in optimizer.param_groups], schedule.last_epoch
        params = [(bits(p), bits(p.grad)) for p in net.parameters()]
        return params, moments, rates, random, [bits(b) for b in net.buffers()]

    def data(i: int) -> tuple[Any, ...]:
        rng = np.random.default_rng(i)
        return rng.standard_normal((5, 3)).astype(np.float32), rng.integers(0, 2, 5)

    return step, state, data


class Carried:
    """State of a program's own: arrays that are replaced and written into, a constant Tensor, a leaf."""

    def __init__(self) -> None:
        self.w = ag.Tensor(np.ones(3), requires_grad=True)
        self.h = ag.Tensor(np.zeros(3))
        self.mean, self.count, self.last = np.zeros(3), np.array(0), [np.zeros(3)]

    def __call__(self, x: Any) -> Any:
        self.count += 1
        self.mean = self.mean + (x - self.mean) / self.count
        self.h = np.tanh(self.h + x).detach()
        self.last[0][:] = x
        np.sum(self.w * self.h).backward()
        self.w.data -= 0.1 * self.w.grad
        self.w.grad.zero_()
        x *= 2
        return self.h

    def state(self) -> Any:
        return [bits(v) for v in (self.w, self.w.grad, self.h, self.mean, self.count, self.last[0])]


def carried() -> Program:
    one, x = Carried(), np.zeros(3)

    def state() -> Any:
        return one.state(), bits(x)

    def data(i: int) -> tuple[Any, ...]:
        x[:] = np.arange(3) + i / 7
        return (x,)

    return one, state, data


PROGRAMS: dict[str, Callable[[], Program]] = {
    "momentum": lambda: training(lambda p: nn.optim.SGD(p, lr=0.1, momentum=0.9), nn.ReLU()),
    "adam": lambda: training(lambda p: nn.optim.Adam(p), nn.BatchNorm1d(4), nn.Dropout(0.5)),
    "carried state": carried,
}


def replayed(name: str) -> tuple[Any, Callable[[], Any]]:
    """A compiled step that is replayed from now on, in its sixth call, and its state."""
    nn.manual_seed(0)
    step, state, data = PROGRAMS[name]()
    run = ag.compile(step)
    for i in range(5):
        run(*data(i))
    assert run.signatures[-1].startswith("replayed")
    args = data(5)
    return (lambda: run(*args)), state


def moments_of(name: str) -> int:
    """The number of moments of a replay."""
    low, high = 0, 64
    while interrupted(replayed(name)[0], high, MODULES):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if interrupted(replayed(name)[0], middle, MODULES) else (low, middle)
    return low


def check(name: str, stops: range) -> None:
    run, state = replayed(name)
    before = state()
    run()
    after = state()
    assert before != after
    hits = 0
    for stop in stops:
        run, state = replayed(name)
        assert state() == before
        hits += interrupted(run, stop, MODULES)  # the last moments may be missing: caches are warm
        assert state() in (before, after), f"half done after {stop} moments"
        if state() == before:
            run()
        assert state() == after
    assert hits > 0.9 * len(stops)


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_interrupted_replay_is_done_or_not_done(name: str) -> None:
    n = moments_of(name)
    assert n > 50
    check(name, range(1, n, n // 12))


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_replay_interrupted_at_each_moment_is_done_or_not_done(name: str) -> None:
    check(name, range(1, moments_of(name) + 1))


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_interrupt_while_a_plan_is_made_leaves_plain_values(name: str) -> None:
    """What a watched run has done stays, as in an eager run; no traced array is left behind."""
    for stop in (1, 5, 20, 60, 150, 400, 900, 1500, 2500, 4000, 6000, 9000):
        nn.manual_seed(0)
        step, state, data = PROGRAMS[name]()
        run = ag.compile(step)
        interrupted(functools.partial(run, *data(0)), stop, MODULES)
        state()  # reads all values
        for i in range(1, 6):
            run(*data(i))
        assert run.signatures[-1].startswith("replayed")


def probed(size: int) -> tuple[Callable[..., Any], Any, Any, Any]:
    """A step of Adam that is looked at before its backward pass and at its end, and may fail there."""
    w, probe = ag.Tensor(np.ones(size), requires_grad=True), threading.local()  # a plan watches no local
    optimizer = nn.optim.Adam([w], lr=0.1)
    probe.errors, probe.held = [], []

    @ag.replayed(writes="nothing")
    def look() -> None:
        probe.held.append(tracemalloc.get_traced_memory()[0])
        if probe.errors and (error := probe.errors.pop(0)) is not None:
            raise error

    def step(x: Any) -> None:
        optimizer.zero_grad()
        loss = np.sum(np.tanh(w * x))
        look()
        loss.backward()
        optimizer.step()
        look()

    return step, probe, w, optimizer.state


def test_the_state_of_an_optimizer_is_copied_for_its_step_and_not_before() -> None:
    size = 100_000
    step, probe, *_ = probed(size)
    run, x = ag.compile(step), np.linspace(0, 1, size)
    tracemalloc.start()
    try:
        for _ in range(4):
            run(x)
        before = tracemalloc.get_traced_memory()[0]
        run(x)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert run.signatures[-1].startswith("replayed")
    early, late = (held - before for held in probe.held[-2:])
    assert early < 1.5 * x.nbytes  # results of the forward pass
    assert late > 3.5 * x.nbytes  # old values and gradients, and the copies of both means
    assert abs(after - before) < 0.1 * x.nbytes


@pytest.mark.parametrize("late", [False, True])
def test_an_eager_run_that_fails_after_a_replay_is_undone(late: bool) -> None:
    """The replay fails before or after the step of the optimizer, and the eager run after it."""
    step, probe, w, states = probed(4)
    run, x = ag.compile(step), np.ones(4)
    for _ in range(4):
        run(x)
    state = states[w]
    before = [bits(w), bits(w.grad), *map(bits, state.values())]
    probe.errors = [None] * late + [ValueError("first"), None, ValueError("second")]
    with pytest.raises(ValueError, match="second"):
        run(x)
    assert [bits(w), bits(w.grad), *map(bits, states[w].values())] == before
