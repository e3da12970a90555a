"""What holds for every user's program: interrupts, threads, cycles, memory."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.recording import current
from tests.helpers import peak

pytestmark = pytest.mark.usefixtures("few_objects")  # the garbage collector goes through all there are


def clean() -> bool:
    """Whether this thread's recording state is that of a fresh one."""
    now = current()
    return (now.listeners, now.watchers, now.checks, now.transforms) == ((), (), None, 0)


def busy() -> None:
    """A little of everything that touches the recording state."""
    x = ag.Tensor(np.array([0.3, 1.2]), requires_grad=True)
    with ag.Tape() as tape:
        y = np.sum(np.sin(x) * x)
    y.backward(retain_graph=True)
    tape.gradient(y, [x])
    with ag.no_grad(), ag.enable_grad(), ag.detect_anomaly():
        ag.grad(ag.grad(lambda t: np.exp(t) * t))(0.5)
        ag.hessian(lambda t: np.sum(np.tanh(t) ** 2))(np.array([0.1, 0.2]))
    ag.jvp(ag.checkpoint(lambda t: np.sin(t) * t), (1.0,), (2.0,))
    ag.hvp(lambda t: np.prod(t), (np.ones(3),), (np.ones(3),))


# -- interrupts ------------------------------------------------------------------------------------


@pytest.fixture
def alarm() -> Iterator[Callable[[float], Any]]:
    """Raises KeyboardInterrupt in this thread after some seconds, wherever it is then.

    The garbage collector rests meanwhile: an interrupt inside of one of its callbacks, of which Hypothesis
    has one, is reported by Python and lost.
    """
    if not hasattr(signal, "setitimer"):
        pytest.skip("this system has no interval timers")

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    gc.disable()
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    gc.enable()
    signal.signal(signal.SIGALRM, before)


def interrupted(alarm: Callable[[float], Any], rounds: int) -> int:
    """How many of the rounds an interrupt at a random moment ended early; each must leave no trace."""
    rng, hits = np.random.default_rng(0), 0
    busy()
    for _ in range(rounds):
        try:
            alarm(rng.uniform(1e-5, 4e-3))
            for _ in range(1000):
                busy()
        except KeyboardInterrupt:
            hits += 1
        finally:
            alarm(0)
        assert clean()
        assert ag.grad(lambda x: x * x)(3.0) == 6.0
    return hits


def test_an_interrupt_at_any_moment_leaves_no_trace(alarm: Any) -> None:
    assert interrupted(alarm, 200) == 200


@pytest.mark.slow
def test_ten_thousand_interrupts_leave_no_trace(alarm: Any) -> None:
    assert interrupted(alarm, 10_000) == 10_000


# -- threads ---------------------------------------------------------------------------------------


def in_threads(work: Callable[[int], None], count: int = 8) -> None:
    """Run `work(k)` in threads that are switched as often as can be; what one raises is raised here."""
    errors: list[BaseException] = []

    def guarded(k: int) -> None:
        try:
            work(k)
        except BaseException as error:
            errors.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=guarded, args=(k,)) for k in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    if errors:
        raise errors[0]


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_eight_threads_find_nested_gradients(count: int) -> None:
    right = [0] * 8

    def work(k: int) -> None:
        f = ag.grad(lambda x: x * ag.grad(lambda y: np.sin(x * y) + k * y)(2.0))
        for i in range(count):
            x = 10 / count * i
            expected = 2 * x * np.cos(2 * x) - 2 * x * x * np.sin(2 * x) + k
            right[k] += abs(f(x) - expected) <= 1e-13 * max(1, abs(expected))
        assert clean()

    in_threads(work)
    assert right == [count] * 8


def test_one_threads_contexts_are_not_anothers() -> None:
    x = ag.Tensor(np.ones(3), requires_grad=True)

    def work(k: int) -> None:
        for _ in range(50):
            with ag.Tape() as tape:
                y = np.sum(x * (k + 1.0))
                if k % 2:
                    with ag.no_grad():
                        assert (x * 2).node is None
                assert y.node is not None
            assert len(tape) == 2
            np.testing.assert_array_equal(tape.gradient(y, [x])[0], np.full(3, k + 1.0))

    in_threads(work)


def test_leaves_collect_the_gradients_of_all_threads() -> None:
    shared = [ag.Tensor(np.ones(2), requires_grad=True) for _ in range(4)]

    def work(k: int) -> None:
        for _ in range(25):
            np.sum(shared[k] * 3.0).backward()

    in_threads(work, 4)
    for x in shared:
        assert x.grad is not None and x.grad.tolist() == [75.0, 75.0]


# -- cycles and memory -----------------------------------------------------------------------------


def vector() -> Any:
    return np.array([0.3, 0.7])


def fails(x: Any) -> Any:
    raise ZeroDivisionError(str(x * x))


def caught(f: Callable[[], Any]) -> None:
    with contextlib.suppress(ZeroDivisionError):
        f()


@ag.custom_vjp
def identity(x: Any) -> Any:
    return x


identity.defvjp(lambda x: (x, None), lambda residuals, g: (g,))

ROUNDS: dict[str, Callable[[], Any]] = {
    "nested grad": lambda: ag.grad(lambda x: np.sin(x) * ag.grad(lambda y: x * y * y)(x))(0.4),
    "third order": lambda: ag.grad(ag.grad(ag.grad(lambda x: x**5)))(0.4),
    "jvp of grad": lambda: ag.jvp(ag.grad(lambda x: np.sum(x**3)), (vector(),), (vector(),)),
    "hessian": lambda: ag.hessian(lambda x: np.prod(x))(vector()),
    "hvp": lambda: ag.hvp(lambda x: np.sum(np.exp(x)), (vector(),), (vector(),)),
    "jacobian": lambda: ag.jacobian(lambda x: x * x[0])(vector()),
    "checkpoint": lambda: ag.grad(lambda x: np.sum(ag.checkpoint(np.tanh)(x * x)))(vector()),
    "custom_vjp": lambda: ag.grad(lambda x: np.sum(identity(x) ** 2))(vector()),
    "pullback": lambda: ag.vjp(lambda x: x * x, vector())[1](vector()),
    "an exception": lambda: caught(lambda: ag.grad(fails)(2.0)),
    "an exception inside": lambda: caught(lambda: ag.grad(lambda x: x * ag.grad(fails)(x))(2.0)),
}


@pytest.mark.parametrize("name", ROUNDS)
def test_no_cycle_is_left_behind(name: str) -> None:
    run = ROUNDS[name]
    run()
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            run()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_hook_and_a_tape_leave_no_cycle_behind() -> None:
    def run() -> None:
        x = ag.Tensor(vector(), requires_grad=True)
        with ag.Tape() as tape:
            y = x * x
            handle = y.register_hook(lambda g: g * 2)
            z = np.sum(y)
        z.backward()
        str(tape)
        handle.remove()

    run()
    gc.collect()
    gc.disable()
    try:
        run()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_graph_is_freed_with_its_output() -> None:
    class Watched(np.ndarray):
        """An array that a weak reference may point at."""

    x = ag.Tensor(np.ones(1000), requires_grad=True)
    constant = np.ones(1000).view(Watched)
    alive = weakref.ref(constant)
    y = np.sum(x * constant)
    del constant
    assert alive() is not None
    del y
    assert alive() is None


def test_checkpoint_lowers_the_peak() -> None:
    """A chain of 64 steps holds 64 arrays; in 8 checkpointed parts 8 between parts and 8 inside of one."""
    size, steps = 20_000, 64

    def part(x: Any) -> Any:
        for _ in range(8):
            x = np.sin(x)
        return x

    def chain(wrapped: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            for _ in range(steps // 8):
                x = wrapped(x)
            return np.sum(x)

        return f

    x = np.linspace(0, 1, size)
    plain, sparing = ag.grad(chain(part)), ag.grad(chain(ag.checkpoint(part)))
    np.testing.assert_array_equal(plain(x), sparing(x))
    assert peak(lambda: plain(x)) > steps * x.nbytes
    assert peak(lambda: sparing(x)) < 24 * x.nbytes
