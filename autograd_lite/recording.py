"""The recording state: whether ops are recorded, and who listens, per thread, asyncio task and generator.

The state is a chain of blocks in a context variable, one block for each open `with`. A thread starts with
an empty chain. A task starts with the chain of the task that created it. Leaving a block removes it from
any place in the chain, so blocks may end in any order.

A block that a generator has entered holds only while the generator's body runs. In

    def halves(x):
        with no_grad():
            yield x / 2
            yield x / 4

the two divisions are not recorded. The steps of the consumer between them are recorded, since the consumer
has not entered `no_grad`. A generator under `contextlib.contextmanager` enters blocks for its caller.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Generator
from contextvars import ContextVar
from types import FrameType
from typing import Any, Self, TypeVar, overload

__all__ = ["ALONE", "Block", "Mode", "State", "current", "hold", "tracing"]
__all__ += ["enable_grad", "is_recomputing", "is_recording", "no_grad"]

Listener = Callable[[Any], None]
Check = Callable[[Any, Any, Any], None]
Function = TypeVar("Function", bound=Callable[..., Any])


class State:
    """One recording state: `listeners` are called with every new node; None while nothing is recorded."""

    __slots__ = ("block", "checks", "listeners", "outer", "recomputing", "transforms", "watchers")

    def __init__(
        self,
        listeners: tuple[Listener, ...] | None = (),
        watchers: tuple[Listener, ...] = (),
        checks: Check | None = None,
        transforms: int = 0,
        recomputing: bool = False,
    ) -> None:
        self.listeners = listeners
        self.watchers = watchers  # the listeners once recording resumes
        self.checks = checks  # detect_anomaly: called with op, args and value of unrecorded steps too
        self.transforms = transforms  # how many calls of grad, vjp, ... are open
        self.recomputing = recomputing  # checkpoint recomputes its steps
        self.block: Any = None  # the innermost block
        self.outer: Any = None  # the state around that block


Change = Callable[[State], State]
"""Makes the state inside of a block from the state around it."""


def stopped(outer: State) -> State:
    """Nothing is recorded."""
    return State(None, outer.watchers, outer.checks, outer.transforms, outer.recomputing)


def running(outer: State) -> State:
    """Ops are recorded."""
    return State(outer.watchers, outer.watchers, outer.checks, outer.transforms, outer.recomputing)


def silent(outer: State) -> State:
    """Nothing is recorded, and nothing is checked."""
    return State(None, outer.watchers, None, outer.transforms, outer.recomputing)


def transformed(outer: State) -> State:
    """Ops are recorded for grad, vjp, ..."""
    return State(outer.watchers, outer.watchers, outer.checks, outer.transforms + 1, outer.recomputing)


def recomputed(outer: State) -> State:
    """The steps are computed a second time."""
    return State(outer.listeners, outer.watchers, outer.checks, outer.transforms, True)


def heard_by(listener: Listener, outer: State, checks: Check | None = None) -> State:
    """`listener` is called once with every new node."""
    watchers = outer.watchers if listener in outer.watchers else (*outer.watchers, listener)
    listeners = None if outer.listeners is None else watchers
    return State(listeners, watchers, checks or outer.checks, outer.transforms, outer.recomputing)


class Block:
    """One open `with` block.

    Attributes:
        change: makes the state inside of the block.
        frame: the frame of the block on the stack, or None if no one needs it.
        thread: the thread of the generator that entered the block; 0 if no generator did.
    """

    __slots__ = ("change", "frame", "thread")

    def __init__(self, change: Change, frame: FrameType | None = None, thread: int = 0) -> None:
        self.change, self.frame, self.thread = change, frame, thread


def _runs(block: Block) -> bool:
    """Whether the frame of a block runs, on the stack of any thread."""
    return block.frame is not None and block.frame.f_back is not None


class Interleaved(State):
    """The state when a generator has entered blocks, which hold only while its body runs."""

    __slots__ = ("blocks", "generators", "inside", "outside")

    def __init__(self, blocks: list[Block]) -> None:
        self.blocks = blocks
        self.generators = [block for block in blocks if block.thread]
        self.outside = _all([block for block in blocks if not block.thread])
        self.inside: dict[tuple[Block, ...], State] = {}  # the state for each order of holding blocks

    def now(self) -> State:
        """The state at this moment."""
        for block in self.generators:
            if _runs(block):
                return self._inside()
        return self.outside

    def _inside(self) -> State:
        """The state inside of running generators: blocks apply in the order of their frames on the stack."""
        wanted = {block.frame for block in self.blocks if _runs(block)}
        places: dict[FrameType | None, int] = {}
        frame, place = sys._getframe(1), 0
        while frame is not None and len(places) < len(wanted):
            place -= 1
            if frame in wanted:
                places[frame] = place
            frame = frame.f_back  # type: ignore[assignment]
        own = threading.get_ident()
        holding = [
            block
            for block in self.blocks
            if not block.thread or block.frame in places or (block.thread != own and _runs(block))
        ]
        holding.sort(key=lambda block: places.get(block.frame, place))
        key = tuple(holding)
        if key not in self.inside:
            self.inside[key] = _all(holding)
        return self.inside[key]

    listeners = property(lambda self: self.now().listeners)
    watchers = property(lambda self: self.now().watchers)
    checks = property(lambda self: self.now().checks)
    transforms = property(lambda self: self.now().transforms)
    recomputing = property(lambda self: self.now().recomputing)


ALONE = State()
"""The state outside of all blocks."""

_state: ContextVar[State] = ContextVar("recording", default=ALONE)
put = _state.set
current = _state.get
"""The recording state of this thread and task."""

tracing: ContextVar[Any] = ContextVar("tracing", default=None)
"""The trace that makes a plan of the steps of this thread and task: see `plan`."""


def _blocks(state: State) -> list[Block]:
    """The blocks of a chain, outermost first."""
    blocks = []
    while state.block is not None:
        blocks.append(state.block)
        state = state.outer
    return blocks[::-1]


def _all(blocks: list[Block]) -> State:
    """The state inside of all these blocks."""
    state = ALONE
    for block in blocks:
        state = block.change(state)
    return state


def entered(outer: State, block: Block) -> State:
    """The chain with one more block, for a `with` of the caller."""
    if block.thread or outer.__class__ is not State:
        block.frame = block.frame or sys._getframe(1)
        state: State = Interleaved([*_blocks(outer), block])
    else:
        state = block.change(outer)
    state.block, state.outer = block, outer
    return state


def without(state: State, block: Block | None) -> State:
    """The chain without `block`, and without the blocks of generators that have ended elsewhere."""
    if state.block is block:
        return state.outer  # type: ignore[no-any-return]
    blocks, state = _blocks(state), ALONE
    for other in blocks:
        if other is not block and not (other.thread and other.frame is None):
            state = entered(state, other)
    return state


_SILENT = entered(ALONE, Block(silent))


def silenced(outer: State) -> State:
    """The state of a backward pass that is not recorded."""
    if outer is ALONE:
        return _SILENT
    return entered(outer, Block(silent, None if outer.__class__ is State else sys._getframe(1)))


def _leave(block: Block) -> None:
    """Remove a block from the chain, if it is there."""
    state = current()
    if state.block is block:
        put(state.outer)
    elif block in _blocks(state):
        put(without(state, block))
    block.frame = None


def hold(block: Block) -> Generator[None]:
    """Enter a block; leave it when this generator is advanced, closed or freed.

    An interrupt may end any Python function before its first line runs, `__exit__` included. The generator
    is then freed, and Python closes it. An interrupt may also end the first call of `_leave`: hence the
    second call.
    """
    try:
        put(entered(current(), block))
        yield
    finally:
        try:
            _leave(block)
        except BaseException:
            _leave(block)
            raise


# -- with ------------------------------------------------------------------------------------------


class Mode:
    """Changes the recording state inside of a `with` block, or while a decorated function runs.

    One Mode may be entered many times at once: nested, and in several threads, tasks and generators.
    """

    def __init__(self, change: Change) -> None:
        self._change = change
        self._open: dict[Block, Generator[None]] = {}

    def __enter__(self) -> Self:
        frame = sys._getframe(1)
        owner = _owner(frame)
        if owner is not None:
            block = Block(self._change, owner, threading.get_ident())
        else:
            block = Block(self._change, None if current().__class__ is State else frame)
        held = hold(block)
        next(held)
        self._open[block] = held
        return self

    def __exit__(self, *exception: object) -> None:
        block = current().block
        if block not in self._open or block.thread:
            block = self._innermost(sys._getframe(1))
        if block is not None:
            next(self._open.pop(block), None)

    def _innermost(self, frame: FrameType) -> Block | None:
        """The open block that a frame leaves. A generator may end in a task other than its own."""
        for owner in (frame, _owner(frame)):
            own = [block for block in list(self._open) if block.thread and block.frame is owner]
            if own:
                return own[-1]
        here = [block for block in _blocks(current()) if block in self._open]
        plain = [block for block in here if not block.thread]
        return next(reversed(plain or here), None)

    def __call__(self, function: Function) -> Function:
        return _decorated(self._change, function)  # type: ignore[no-any-return]


_GENERATOR = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_ENTERS = frozenset({"__enter__", "__exit__", "__aenter__", "__aexit__"})


def _owner(frame: FrameType | None) -> FrameType | None:
    """The frame of the generator that owns a block in this frame; None if no generator owns it.

    A block that a context manager enters belongs to the caller of the context manager.
    """
    while frame is not None:
        code = frame.f_code
        if code.co_flags & _GENERATOR:
            back = frame.f_back
            if back is None or back.f_code.co_name not in _ENTERS or not _of_contextlib(back):
                return frame
        elif code.co_name not in _ENTERS and not _of_contextlib(frame):
            return None
        frame = frame.f_back
    return None


def _of_contextlib(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__") == "contextlib"


def _decorated(change: Change, function: Any) -> Any:
    """A function whose body runs inside of a block."""
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(_decorated(change, function.__func__))

    def called(*args: Any, **kwargs: Any) -> Any:
        with Mode(change):
            return function(*args, **kwargs)

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        with Mode(change):
            return await function(*args, **kwargs)

    def iterated(*args: Any, **kwargs: Any) -> Any:
        body, sent = function(*args, **kwargs), None
        step = body.send
        with Mode(change):  # this generator enters the block, which holds while the body runs
            while True:  # not `yield from`, whose close() would run the body outside of the block
                try:
                    value = step(sent)
                except StopIteration as stop:
                    return stop.value
                try:
                    sent, step = (yield value), body.send
                except GeneratorExit:
                    body.close()
                    raise
                except BaseException as error:
                    sent, step = error, body.throw

    async def iterated_asynchronously(*args: Any, **kwargs: Any) -> Any:
        body, sent = function(*args, **kwargs), None
        step = body.asend
        with Mode(change):
            while True:
                try:
                    value = await step(sent)
                except StopAsyncIteration:
                    return
                try:
                    sent, step = (yield value), body.asend
                except GeneratorExit:
                    await body.aclose()
                    raise
                except BaseException as error:
                    sent, step = error, body.athrow

    inside: Any = called
    if inspect.isasyncgenfunction(function):
        inside = iterated_asynchronously
    elif inspect.iscoroutinefunction(function):
        inside = awaited
    elif inspect.isgeneratorfunction(function):
        inside = iterated
    return functools.wraps(function)(inside)


class _Recording(Mode):
    """Starts or stops recording."""

    change: Callable[[State], State]

    @overload
    def __new__(cls) -> Self: ...

    @overload
    def __new__(cls, function: Function) -> Function: ...  # type: ignore[misc]

    def __new__(cls, function: Any = None) -> Any:
        if function is not None:
            return cls()(function)  # `@no_grad` without parentheses
        return super().__new__(cls)

    def __init__(self) -> None:
        super().__init__(type(self).change)


class no_grad(_Recording):  # noqa: N801  (named as in PyTorch)
    """Compute without recording, as a context or a decorator.

    In a generator the block holds while the generator's body runs, not while its consumer computes.

    >>> import numpy as np, autograd_lite as ag
    >>> x = ag.Tensor(3.0, requires_grad=True)
    >>> with ag.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    change = staticmethod(stopped)


class enable_grad(_Recording):  # noqa: N801
    """Record again inside of `no_grad`, as a context or a decorator.

    >>> import autograd_lite as ag
    >>> x = ag.Tensor(3.0, requires_grad=True)
    >>> with ag.no_grad(), ag.enable_grad():
    ...     y = x * x
    >>> y.requires_grad
    True
    """

    change = staticmethod(running)


def is_recording() -> bool:
    """Whether ops on this thread and task are recorded.

    >>> is_recording()
    True
    """
    return current().listeners is not None


def is_recomputing() -> bool:
    """Whether `checkpoint` is recomputing steps for the backward pass.

    Batch normalization updates its running means when it is called. A layer with such state asks this
    function, and updates its state at the first computation only.

    >>> import autograd_lite as ag
    >>> seen = []
    >>> square = ag.checkpoint(lambda x: (seen.append(ag.is_recomputing()), x * x)[1])
    >>> ag.grad(square)(3.0), seen
    (6.0, [False, True])
    """
    return current().recomputing
