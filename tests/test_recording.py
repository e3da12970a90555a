"""Whether the tape runs: by thread, by asyncio task and by generator, whatever ends first."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import inspect
import itertools
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import AnomalyError
from autograd_lite.recording import current
from nn.torch import set_grad_enabled

from .interrupts import interrupted

pytestmark = pytest.mark.usefixtures("few_objects")  # the garbage collector goes through all there are

X = ag.Tensor(2.0, requires_grad=True)


def recorded() -> bool:
    """Whether a step is recorded here."""
    on = (X * 2.0).requires_grad
    assert on == ag.is_recording()
    return on


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """The state of a thread without modes, before and after each test."""
    assert current().block is None
    yield
    gc.collect()
    assert current().block is None and recorded()


# -- generators ------------------------------------------------------------------------------------


def inside(mode: Any, steps: int = 2) -> Iterator[bool]:
    """Whether the body records, step by step."""
    yield recorded()
    with mode:
        for _ in range(steps):
            yield recorded()
    yield recorded()


def test_the_consumer_of_a_generator_keeps_its_own_state() -> None:
    seen = []
    for on in inside(ag.no_grad()):
        seen.append((on, recorded()))
    assert seen == [(True, True), (False, True), (False, True), (True, True)]
    with ag.no_grad():
        seen = [(on, recorded()) for on in inside(ag.enable_grad())]
    assert seen == [(False, False), (True, False), (True, False), (False, False)]


@pytest.mark.parametrize("order", sorted(set(itertools.permutations("aaaaabbbbb"[1:9]))))
def test_two_generators_interleaved_in_every_order(order: Any) -> None:
    on = {"a": [True, False, False, True], "b": [True, True, True, True]}
    generators = {"a": inside(ag.no_grad()), "b": inside(ag.enable_grad())}
    for name in order:
        assert next(generators[name]) == on[name].pop(0)
        assert recorded()


@pytest.mark.parametrize("outer", [ag.no_grad, ag.enable_grad])
def test_the_body_goes_on_in_its_own_mode_whatever_the_consumer_has_entered(outer: Any) -> None:
    off, on = inside(ag.no_grad(), 9), inside(ag.enable_grad(), 9)
    for generator in off, on:
        next(generator)
        next(generator)
    for _ in range(3):
        with outer():
            assert (next(off), next(on), recorded()) == (False, True, outer is ag.enable_grad)
        assert (next(off), next(on), recorded()) == (False, True, True)
    off.close()
    assert recorded() and next(on)
    on.close()


def test_a_consumers_mode_may_end_before_the_generators() -> None:
    with ag.no_grad():
        generator = inside(ag.enable_grad())
        assert [next(generator), next(generator), recorded()] == [False, True, False]
    assert [recorded(), next(generator), recorded()] == [True, True, True]
    assert [next(generator), recorded()] == [True, True]
    generator.close()


def test_generators_in_generators() -> None:
    def outer(inner: Iterator[bool]) -> Iterator[tuple[bool, bool, bool]]:
        with ag.no_grad():
            for on in inner:
                with ag.enable_grad():
                    yield recorded(), on, next(inner)

    inner = inside(ag.enable_grad(), 20)
    assert (next(inner), next(inner)) == (True, True)
    generator = outer(inner)
    for _ in range(3):
        assert next(generator) == (True, True, True)
        assert recorded()
    fresh = outer(inside(ag.no_grad(), 20))
    assert (next(fresh), recorded()) == ((True, False, False), True)


def test_transforms_and_backward_passes_inside_of_a_body() -> None:
    def body() -> Iterator[Any]:
        with ag.no_grad():
            while True:
                y = ag.grad(lambda x: x * ag.grad(lambda t: x * t * t)(2.0))(3.0)
                with ag.enable_grad():
                    x = ag.Tensor(3.0, requires_grad=True)
                    (x * x).backward(create_graph=True)
                yield y, x.grad.requires_grad, recorded()

    generator = body()
    for _ in range(2):
        assert next(generator) == (24.0, True, False)
        assert ag.grad(lambda x: x * next(generator)[0])(1.0) == 24.0
        x = ag.Tensor(1.0, requires_grad=True)
        y = x * x
        y.register_hook(lambda g: next(generator) and None)
        y.backward()
        assert recorded() and x.grad.item() == 2.0


def test_a_generator_that_enters_and_leaves_in_a_hook() -> None:
    """Its block outlives the backward pass in which it was entered, and ends in another."""
    generator, seen = inside(ag.enable_grad(), 3), []

    def backward() -> None:
        x = ag.Tensor(1.0, requires_grad=True)
        y = x * x
        y.register_hook(lambda g: seen.append(next(generator)))
        y.backward()
        assert recorded()

    backward()
    backward()
    assert seen == [False, True]
    with ag.no_grad():
        assert next(generator) and not recorded()
    backward()
    backward()
    assert seen == [False, True, True, False]


def test_a_generator_dropped_half_way_leaves_nothing() -> None:
    generator = inside(ag.no_grad())
    next(generator), next(generator)
    del generator
    assert current().block is None
    first, second = inside(ag.no_grad()), inside(ag.no_grad())
    for each in (first, second, first, second):
        next(each)
    del first
    assert recorded() and next(second) is False and recorded()


def test_a_generator_that_fails_leaves_nothing() -> None:
    def failing() -> Iterator[None]:
        with ag.no_grad(), ag.Tape():
            yield
            raise ZeroDivisionError

    one, other = failing(), failing()
    next(one), next(other)
    with pytest.raises(ZeroDivisionError):
        next(one)
    assert recorded()
    with pytest.raises(KeyError):
        other.throw(KeyError)
    assert current().block is None


def test_tapes_of_generators_keep_what_their_bodies_record() -> None:
    def taped(k: float) -> Iterator[ag.Tape]:
        with ag.Tape() as tape:
            for _ in range(3):
                _ = X * k
                yield tape

    tapes = [taped(1.0), taped(2.0)]
    for _ in range(3):
        kept = [next(generator) for generator in tapes]
        _ = X * 9.0
    assert [[node.args[1] for node in tape.nodes] for tape in kept] == [[1.0] * 3, [2.0] * 3]
    with ag.Tape() as around:  # the consumer's tape hears of what the body records, too
        _ = next(taped(5.0))
    assert [node.args[1] for node in around.nodes] == [5.0]


def test_anomalies_are_looked_for_in_the_body_alone() -> None:
    zero = ag.Tensor(0.0, requires_grad=True)

    def watched() -> Iterator[None]:
        with ag.detect_anomaly():
            yield
            np.log(zero)

    generator = watched()
    with np.errstate(all="ignore"):
        next(generator)
        np.log(zero)
        with pytest.raises(AnomalyError):
            next(generator)


def test_a_mode_that_two_generators_share() -> None:
    mode = ag.no_grad()
    one, other = inside(mode, 3), inside(mode, 3)
    for generator in (one, one, other, other):
        next(generator)
    assert list(one) == [False, False, True]
    assert recorded() and list(other) == [False, False, True]


# -- context managers: what they enter is their caller's -------------------------------------------


@contextlib.contextmanager
def managed() -> Iterator[None]:
    with ag.no_grad():
        yield


class Managed:
    def __enter__(self) -> None:
        self.mode = ag.no_grad()
        self.mode.__enter__()

    def __exit__(self, *exception: object) -> None:
        self.mode.__exit__(*exception)


def stacked() -> contextlib.ExitStack:
    stack = contextlib.ExitStack()
    stack.enter_context(managed())
    return stack


def switched() -> Any:
    return set_grad_enabled(False)  # as in PyTorch, from this call on


@pytest.mark.parametrize("manager", [managed, Managed, stacked, switched])
def test_a_context_manager_of_ones_own(manager: Callable[[], Any]) -> None:
    with manager():
        assert not recorded()
    assert recorded()
    if manager not in (stacked, switched):
        pairs = [(on, recorded()) for on in inside(manager())]
        assert pairs == [(True, True), (False, True), (False, True), (True, True)]


def test_an_exit_stack_of_a_generator() -> None:
    def body() -> Iterator[bool]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(managed())
            stack.enter_context(ag.Tape())
            yield recorded()
            yield recorded()

    generator = body()
    assert [(next(generator), recorded()) for _ in range(2)] == [(False, True)] * 2
    assert list(generator) == []


def test_a_closed_generator_under_closing() -> None:
    with contextlib.closing(inside(ag.no_grad())) as one, contextlib.closing(inside(ag.no_grad())) as other:
        for generator in (one, one, other, other):
            next(generator)
        assert recorded()


# -- any order, plain ------------------------------------------------------------------------------


def test_modes_left_in_any_order_leave_nothing() -> None:
    for order in itertools.permutations(range(4)):
        modes = [ag.no_grad(), ag.Tape(), ag.enable_grad(), ag.detect_anomaly()]
        for mode in modes:
            mode.__enter__()
        for i in order:
            modes[i].__exit__(None, None, None)
        assert current().block is None and not current().checks
    off, on = ag.no_grad(), ag.enable_grad()
    off.__enter__(), on.__enter__()
    off.__exit__(None, None, None)
    assert recorded()
    off.__enter__()
    on.__exit__(None, None, None)
    assert not recorded()
    off.__exit__(None, None, None)


# -- tasks -----------------------------------------------------------------------------------------


def test_tasks_do_not_see_each_other() -> None:
    async def work(mode: Any, on: bool) -> int:
        right = 0
        for k in range(20):
            right += recorded()
            with mode:
                for _ in range(k % 3):
                    await asyncio.sleep(0)
                    right += recorded() is on
            await asyncio.sleep(0)
        return right

    shared = ag.no_grad()

    async def main() -> list[int]:
        modes = [(ag.no_grad(), False), (ag.enable_grad(), True), (shared, False), (shared, False)]
        return await asyncio.gather(*(work(*each) for each in modes))

    assert asyncio.run(main()) == [39] * 4


def test_tapes_of_tasks_keep_their_own_steps() -> None:
    async def work(k: float) -> list[float]:
        with ag.Tape() as tape:
            for _ in range(3):
                _ = X * k
                await asyncio.sleep(0)
        return [node.args[1] for node in tape.nodes]

    async def main() -> Any:
        return await asyncio.gather(*(work(float(k)) for k in range(4)))

    assert asyncio.run(main()) == [[float(k)] * 3 for k in range(4)]


def test_a_task_that_is_cancelled_inside_of_a_mode() -> None:
    async def stuck() -> None:
        with ag.no_grad():
            await asyncio.sleep(60)

    async def main() -> bool:
        task = asyncio.create_task(stuck())
        await asyncio.sleep(0)
        before = recorded()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return before and recorded()

    assert asyncio.run(main())


def test_what_is_started_inside_of_a_mode_inherits_it() -> None:
    async def child(go_on: asyncio.Event) -> bool:
        await go_on.wait()
        return recorded()

    async def main() -> tuple[bool, bool, bool]:
        go_on = asyncio.Event()
        with ag.no_grad():
            task = asyncio.create_task(child(go_on))
            in_thread = await asyncio.to_thread(recorded)
            context = contextvars.copy_context()
        go_on.set()
        return await task, in_thread, context.run(recorded)

    assert asyncio.run(main()) == (False, False, False)


def test_a_generator_that_waits_does_not_stop_the_threads_of_its_consumer() -> None:
    generator = inside(ag.no_grad())
    next(generator), next(generator)

    async def main() -> bool:
        return await asyncio.to_thread(recorded)

    assert asyncio.run(main())
    generator.close()


async def ainside(mode: Any) -> AsyncIterator[bool]:
    yield recorded()
    with mode:
        yield recorded()
        await asyncio.sleep(0)
        yield recorded()
    yield recorded()


def test_asynchronous_generators_are_interleaved() -> None:
    async def consume(mode: Any) -> list[bool]:
        seen = []
        async for on in ainside(mode):
            assert recorded()
            seen.append(on)
            await asyncio.sleep(0)
        return seen

    async def main() -> Any:
        one, other = ainside(ag.no_grad()), ainside(ag.no_grad())
        pairs = [(await anext(one), await anext(other), recorded()) for _ in range(4)]
        return pairs, await asyncio.gather(consume(ag.no_grad()), consume(ag.enable_grad()))

    pairs, lists = asyncio.run(main())
    assert pairs == [(True, True, True), (False, False, True), (False, False, True), (True, True, True)]
    assert lists == [[True, False, False, True], [True] * 4]


def test_an_asynchronous_generator_dropped_half_way() -> None:
    async def main() -> list[bool]:
        seen = []
        async for _ in ainside(ag.no_grad()):
            seen.append(recorded())
            if len(seen) == 2:
                break
        for _ in range(3):
            gc.collect()
            await asyncio.sleep(0)
            seen.append(recorded())
        return seen

    assert asyncio.run(main()) == [True] * 5


def test_an_asynchronous_context_manager_enters_for_its_caller() -> None:
    @contextlib.asynccontextmanager
    async def manager() -> AsyncIterator[None]:
        with ag.no_grad():
            yield

    async def main() -> list[bool]:
        async with manager():
            seen = [recorded()]
            await asyncio.sleep(0)
            seen.append(recorded())
        return [*seen, recorded()]

    assert asyncio.run(main()) == [False, False, True]


# -- threads ---------------------------------------------------------------------------------------


def test_a_thread_starts_with_the_tape_running() -> None:
    seen: list[bool] = []
    with ag.no_grad():
        thread = threading.Thread(target=lambda: seen.append(recorded()))
        thread.start()
        thread.join()
    assert seen == [True]


# -- decorators ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [ag.no_grad, ag.no_grad(), ag.enable_grad(), ag.detect_anomaly(), ag.Tape()])
def test_a_decorated_function_stays_what_it_is(mode: Any) -> None:
    def plain() -> None:
        """Words."""

    def generator() -> Iterator[int]:
        yield 1

    async def coroutine() -> None: ...

    async def asynchronous() -> AsyncIterator[int]:
        yield 1

    kinds = inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction
    for function in plain, generator, coroutine, asynchronous:
        decorated = mode(function)
        assert [kind(decorated) for kind in kinds] == [kind(function) for kind in kinds]
        assert decorated.__name__ == function.__name__ and decorated.__doc__ == function.__doc__


def test_a_decorated_generator_runs_in_the_mode() -> None:
    @ag.no_grad()
    def averager() -> Iterator[Any]:
        seen = []
        try:
            while True:
                try:
                    seen.append((yield recorded()))
                except KeyError:
                    seen.append("caught")
                assert not recorded()
        finally:
            ended.append(recorded())
            return seen  # noqa: B012

    ended: list[bool] = []
    generator = averager()
    assert (next(generator), recorded()) == (False, True)
    assert (generator.send(3), generator.throw(KeyError), recorded()) == (False, False, True)
    with pytest.raises(StopIteration) as stopped:
        generator.throw(ValueError)
    assert stopped.value.value == [3, "caught"] and ended == [False]
    generator = averager()
    next(generator)
    generator.close()
    assert ended == [False, False]

    @ag.no_grad
    def delegating() -> Iterator[Any]:
        return (yield from inside(ag.enable_grad()))

    assert [(on, recorded()) for on in delegating()] == [
        (False, True),
        (True, True),
        (True, True),
        (False, True),
    ]


def test_decorated_coroutines_and_asynchronous_generators() -> None:
    @ag.no_grad()
    async def work(k: int) -> list[bool]:
        seen = []
        for _ in range(k):
            seen.append(recorded())
            await asyncio.sleep(0)
        return seen

    @ag.no_grad()
    async def stream() -> AsyncIterator[Any]:
        sent: Any = None
        try:
            while True:
                await asyncio.sleep(0)
                try:
                    sent = yield recorded(), sent
                except KeyError:
                    sent = "caught"
        finally:
            await asyncio.sleep(0)
            ended.append(recorded())

    ended: list[bool] = []

    async def main() -> Any:
        assert await work(3) == [False] * 3
        s: Any = stream()
        seen = [await s.asend(None), recorded(), await s.asend(5), recorded(), await s.athrow(KeyError)]
        await s.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(s)
        failing: Any = stream()
        await anext(failing)
        with pytest.raises(ValueError, match="stop"):
            await failing.athrow(ValueError("stop"))
        together = await asyncio.gather(work(4), ag.enable_grad(work)(2), asyncio.sleep(0))
        return seen, ended, together[:2], recorded()

    assert asyncio.run(main()) == (
        [(False, None), True, (False, 5), True, (False, "caught")],
        [False, False],
        [[False] * 4, [False] * 2],
        True,
    )


def test_a_tape_as_a_decorator_keeps_the_steps_of_every_call() -> None:
    tape = ag.Tape()

    @tape
    def f(k: float) -> Any:
        return f(k - 1) * k if k else X

    f(2.0)
    _ = X * 9.0
    f(1.0)
    assert [node.args[1] for node in tape.nodes] == [1.0, 2.0, 1.0]


def test_methods_are_decorated_as_functions_are() -> None:
    class Model:
        @ag.no_grad()
        def batches(self) -> Iterator[bool]:
            yield recorded()

        @staticmethod
        @ag.no_grad
        def static() -> bool:
            return recorded()

    assert (list(Model().batches()), Model.static(), Model().static()) == ([False], False, False)


# -- nothing is kept alive -------------------------------------------------------------------------


def test_a_mode_keeps_nothing_of_its_generator_alive() -> None:
    class Large: ...

    def body() -> Iterator[Any]:
        large = Large()
        with ag.Tape() as tape, ag.no_grad():
            yield weakref.ref(large)
            del tape

    gc.disable()
    try:
        for finish in (list, lambda generator: generator.close(), lambda generator: None):
            generator = body()
            alive = next(generator)
            assert alive() is not None
            finish(generator)
            del generator
            assert alive() is None
    finally:
        gc.enable()


# -- interrupts ------------------------------------------------------------------------------------


def modes() -> None:
    with ag.Tape() as tape, ag.no_grad(), ag.enable_grad():
        y = X * 2.0
    tape.gradient(y, X)


def checkpointed() -> None:
    x = ag.Tensor(0.5, requires_grad=True)
    ag.checkpoint(lambda x: x * x)(x).backward()


def generators() -> None:
    one, other = inside(ag.no_grad(), 1), inside(ag.Tape(), 1)
    for generator in (one, other, one, other, one, other):
        next(generator)


def hooked() -> None:
    x = ag.Tensor(0.5, requires_grad=True)
    x.register_hook(lambda g: g * 2)
    (x * x).backward(create_graph=True)


def nested() -> None:
    ag.grad(lambda x: x * ag.grad(lambda y: x * y)(1.0))(2.0)


@pytest.mark.few(3)
@pytest.mark.parametrize("run", [modes, checkpointed, generators, hooked, nested])
def test_an_interrupt_at_every_moment_leaves_the_state(
    run: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python reports an interrupt that comes while a generator is being freed, and goes on.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    run()
    draws = np.random.get_state()[1].tolist()

    def leaves_no_trace(stop: int) -> bool:
        came = interrupted(run, stop, (ag.__name__, __name__))
        now = current()
        assert (now.listeners, now.watchers, now.checks) == ((), (), None), stop
        assert (now.transforms, now.recomputing) == (0, False), stop
        # A generator's block may stay in the chain, but with its generator it has ended.
        assert now.block is None or run is generators, stop
        return came

    for stop in itertools.count(1):
        if not contextvars.copy_context().run(leaves_no_trace, stop):
            break
    assert stop > 50
    assert np.random.get_state()[1].tolist() == draws


def test_decorators_around_methods_of_a_class():
    class Model:
        @ag.no_grad()
        @classmethod
        def of_class(cls):
            return cls, ag.is_recording()

        @ag.no_grad
        @staticmethod
        def of_none(n):
            return n, ag.is_recording()

        @ag.no_grad()
        @staticmethod
        def steps():
            yield ag.is_recording()

    assert Model.of_class() == Model().of_class() == (Model, False)
    assert Model.of_none(3) == Model().of_none(3) == (3, False)
    for recording in Model.steps():
        assert not recording
        assert ag.is_recording()
