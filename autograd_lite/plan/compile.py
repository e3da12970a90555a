"""`ag.compile`: a function that is watched for two calls, and replayed from then on.

Each signature of a call has an entry: nothing yet, the trace of the first call, a plan, or the reason why
calls of this signature stay eager. The first two calls run the function on traced arrays, which compute as
the eager run does. Two equal traces make a plan. A call looks for the entry whose checks hold. A replay
without effects needs no lock. A replay with effects holds the lock of the function, and is undone after an
exception.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ..box import Box
from ..errors import CompileError, DTypeError
from ..node import op_name
from ..recording import ALONE, State, current, tracing
from ..views import living
from ..words.explain import describe
from ..words.mistakes import warn_of_mistake
from .calls import Arguments, Result, builder, clean
from .entries import VALUES, Reached, differs
from .executors import exactly
from .fits import arguments_check, state_check
from .names import Names
from .places import Places
from .reach import reach
from .replay import Mismatch, replay_of, while_constant
from .schedule import Plan, late_guard, scheduled
from .timing import step_times
from .trace import Trace, difference, same
from .undo import Undo, draws, first_write, whole, written_by
from .unheard import Unheard

__all__ = ["Compiled", "compile"]

MOST = 16
"""The number of plans that a function keeps."""


TRIES = 8
"""How often a value that the library reads may differ, before calls stay eager."""


def compile(
    f: Callable[..., Any], *, static_argnums: int | tuple[int, ...] = (), exact: bool = False
) -> Compiled:
    """A function that runs `f` twice for each signature, and replays what ran from then on.

    A replay is a list of NumPy calls, and gives the bits of the eager run. Runs of elementwise steps are
    fused. Where the native library runs them, exponentials and the like may differ by 8 units in the last
    place. A replay also does what f does to Tensors that f reaches: parameters, gradients, buffers, the
    random numbers of `nn`. A signature is the structure, the shapes and the dtypes of the arguments, and the
    state of what f reaches. After an exception in a replay, all that f changes is as before the call. Threads
    may share the function.

    Args:
        f: a function of arrays, numbers and Tensors, or a whole training step.
        static_argnums: the positions of arguments whose values f reads in Python; each value has a plan.
        exact: run all steps with NumPy, for the bits of the eager run.

    Raises:
        CompileError: f reads a value in Python, as in `if x > 0`, or two runs of f differ.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> f = ag.compile(ag.value_and_grad(lambda x: np.sum(np.tanh(x) ** 2)))
        >>> x = np.array([0.0, 1.0])
        >>> [np.round(f(x)[1], 3).tolist() for _ in range(3)]
        [[0.0, 0.64], [0.0, 0.64], [0.0, 0.64]]
        >>> f.signatures
        ['replayed: float64 (2,)']
    """
    if not callable(f):
        raise DTypeError(f"compile takes a function, not {describe(f)}: ag.compile(f), then f(x)")
    numbers = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    return Compiled(f, numbers, exact)


class _Entry:
    """What is kept of a signature: its checks, the trace of one call, then a replay, or why it stays eager.

    Attributes:
        fits: the check of the arguments: their leaves, or None.
        stands: the check of what the function reaches.
        undo: puts back what a replay has changed; None for a plan without effects.
        why: what was another way in the signature before it.
    """

    def __init__(self, call: Arguments, found: Reached, recording: bool) -> None:
        self.words, self.parts, self.found, self.recording = call.words, call.parts, found, recording
        self.fits = arguments_check(call.args, call.kwargs, call.fixed)
        self.stands = state_check(found)
        self.uses = self.failed = 0
        self.why = ""
        self.trace: Trace | None = None
        self.spec: Any = None
        self.plan: Plan | None = None
        self.replay: Callable[[list[Any]], Any] | None = None
        self.result: Callable[[Any], Any] = _nothing
        self.undo: Undo | None = None
        self.reason = call.reason or next(iter(found.eager), None) or _on_tape(found)

    def __str__(self) -> str:
        kind = "eager" if self.reason else "replayed" if self.plan is not None else "watched"
        return f"{kind}: {self.words}" + (f" ({self.reason})" if self.reason else "") + self.why

    def anew(self, before: _Entry) -> str:
        """What is another way than in an earlier signature."""
        if self.recording is not before.recording:
            return f"recording from {before.recording} to {self.recording}"
        for name, words in self.parts.items():
            if words != before.parts.get(name):
                return f"{name} from {before.parts.get(name, 'nothing')} to {words}"
        for entry, value in before.found.links:
            if (now := entry.get()) is not value and differs(now, value):
                told = isinstance(value, VALUES) and isinstance(now, VALUES)
                return f"{entry!r}" + (f" from {value!r} to {now!r}" if told else " holds another object")
        return "the shape or dtype of a Tensor that the function reaches, or whether it has a gradient"


def _nothing(values: Any) -> None:
    """The result before there is a plan."""


class Compiled:
    """A compiled function; see `compile`.

    Attributes:
        signatures: one line for each signature: what it is, whether its calls are replayed or eager, and what
            was another way in the signature before.
    """

    def __init__(self, f: Callable[..., Any], static_argnums: tuple[int, ...], exact: bool) -> None:
        functools.update_wrapper(self, f, updated=())
        self._f, self._static, self._exact = f, static_argnums, exact
        self._entries: tuple[_Entry, ...] = ()
        self._lock = threading.RLock()
        self._told: set[str] = set()
        self._changes: set[Any] = set()
        self._always: str | None = None

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        bind = getattr(type(self._f), "__get__", None)
        if bind is None or isinstance(self._f, functools.partial):  # no method, though 3.13 warns of partials
            return self
        name = f"_compiled_{getattr(self, '__name__', id(self))}"
        own = getattr(instance, "__dict__", {}).get(name)
        if own is None or own._f.__self__ is not instance:  # that of a base class, or of a copied object
            own = Compiled(bind(self._f, instance, owner), self._static, self._exact)
            keep = type if isinstance(instance, type) else object
            try:
                keep.__setattr__(instance, name, own)
            except AttributeError as error:
                raise DTypeError(
                    f"ag.compile: {describe(instance)} has __slots__ and keeps no plans; write "
                    "compiled = ag.compile(instance.method) and call that"
                ) from error
        return own

    def __reduce__(self) -> Any:
        """A copy has no plans: they belong to the objects that the function reaches."""
        module, name = getattr(self, "__module__", None), getattr(self, "__qualname__", "")
        if getattr(sys.modules.get(module or ""), name, None) is self:
            return name  # a decorated function, which pickle finds by its name
        return Compiled, (self._f, self._static, self._exact)

    @property
    def signatures(self) -> list[str]:
        """What is kept, one line for each signature."""
        always = [f"eager: all calls ({self._always})"] if self._always else []
        return [str(entry) for entry in reversed(self._entries)] + always

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tracing.get() is not None:
            return self._f(*args, **kwargs)
        state = current()
        if state is not ALONE and (reason := _around(state)) is not None:
            self._tell(reason)
            return self._f(*args, **kwargs)
        recording = state.listeners is not None
        for entry in self._entries:
            if (
                entry.recording is recording
                and (leaves := entry.fits(args, kwargs)) is not None
                and entry.stands()
                and entry.replay is not None
            ):
                entry.uses += 1
                if entry.undo is not None:
                    return self._undoable(entry, entry.undo, leaves, args, kwargs)
                try:
                    return entry.result(entry.replay(leaves))
                except Exception as error:
                    return self._failed(entry, error, args, kwargs)
        return self._without_plan(args, kwargs, recording)

    def plan(self, *args: Any, **kwargs: Any) -> Plan:
        """The plan of a call; `print(plan)` is the evaluation trace.

        If calls of this signature have no plan yet, the function runs on the arguments, twice. Then all that
        it has changed is put back: parameters, gradients, the optimizer, the arguments, the random numbers.

        Raises:
            CompileError: calls of this signature stay eager; or f reads a value, or its two runs differ.
        """
        with self._lock:
            recording = current().listeners is not None
            entry, call = self._entry(args, kwargs, recording)
            while entry.plan is None and entry.reason is None:
                with _undone(self._f, call):
                    self._watched(entry, Arguments(self._f, args, kwargs, self._static))
            if entry.plan is None:
                raise CompileError(f"no plan for {entry.words}: {entry.reason}")
            entry.plan.names = Names(self._f, entry.parts)
            return entry.plan

    def step_times(self, *args: Any, repeat: int = 5) -> list[float]:
        """The seconds of each step of `f.plan(*args)`, the least of several replays; nothing changes."""
        plan, call = self.plan(*args), Arguments(self._f, args, {}, self._static)
        with self._lock:
            try:
                return step_times(plan, call.leaves, repeat, lambda: _undone(self._f, call))
            except Mismatch:
                raise CompileError(f"the plan for {call.words} does not hold for these values") from None

    # -- signatures --------------------------------------------------------------------------------

    def _entry(self, args: Any, kwargs: Any, recording: bool) -> tuple[_Entry, Arguments]:
        """The entry of a call, and its arguments. The caller holds the lock."""
        call = Arguments(self._f, args, kwargs, self._static)
        for entry in self._entries:
            if entry.recording is recording and entry.fits(args, kwargs) is not None and entry.stands():
                return entry, call
        entry = _Entry(call, reach(self._f, *call.objects), recording)
        if self._entries:
            what = entry.anew(self._entries[0])
            entry.why = f"; made anew: {what}"
            if len(self._entries) >= MOST:
                told = f"calls of more than {MOST} signatures; the last changes {what}"
                self._tell(told, "many")
                least = min(self._entries, key=lambda entry: entry.uses)
                self._entries = tuple([entry for entry in self._entries if entry is not least])
        self._entries = (entry, *self._entries)
        return entry, call

    def _tell(self, reason: str, once: str = "") -> None:
        """Say once why calls are not replayed."""
        if (once or reason) not in self._told:
            self._told.add(once or reason)
            warn_of_mistake(f"ag.compile({op_name(self._f)}) runs eagerly: {reason}")

    # -- replays -----------------------------------------------------------------------------------

    def _undoable(self, entry: _Entry, undo: Undo, leaves: list[Any], args: Any, kwargs: Any) -> Any:
        """A replay with effects: after an exception, all is as before the call."""
        with self._lock:
            undo.keep(leaves)
            try:
                made = entry.result(entry.replay(leaves))  # type: ignore[misc]
            except BaseException as error:
                undo.restore()
                if not isinstance(error, Exception):
                    raise
                undo.copy()
                try:
                    return self._failed(entry, error, args, kwargs)
                except BaseException:
                    undo.restore()
                    raise
            undo.forget()
            return made

    def _failed(self, entry: _Entry, error: Exception, args: Any, kwargs: Any) -> Any:
        """Run a call eagerly that the plan does not hold for, or whose error needs the library's words."""
        if isinstance(error, Mismatch):
            entry.failed += 1
            if entry.failed > TRIES:
                entry.reason = "the library reads values that differ between calls"
                entry.replay = None
        return self._f(*args, **kwargs)

    # -- watching ----------------------------------------------------------------------------------

    def _without_plan(self, args: Any, kwargs: Any, recording: bool) -> Any:
        """A call that is watched, or stays eager."""
        with self._lock:
            if self._always is None:
                entry, call = self._entry(args, kwargs, recording)
                if entry.replay is not None:  # another thread has made the plan
                    return self(*args, **kwargs)
                if entry.reason is None:
                    return self._watched(entry, call)
                self._tell(f"{entry.words}: {entry.reason}")
            else:
                self._tell(self._always)
        return self._f(*args, **kwargs)

    def _watched(self, entry: _Entry, call: Arguments) -> Any:
        """Run the function on traced arrays, which compute as the eager run does."""
        places, found, trace = Places(entry.found), entry.found, Trace()
        trace.places, trace.unheard = places, Unheard(found.generators)
        before = tracing.get()

        def over() -> None:
            tracing.set(before)
            places.restore()
            call.restore()
            trace.open = False

        try:
            try:
                tracing.set(trace)
                args, kwargs = call.traced(trace)
                places.load(trace)
                out = self._f(*args, **kwargs)
                places.store(trace)
                result = Result(trace, out, found)
                trace.reason = trace.reason or result.reason or call.changed(trace)
                trace.unheard.look()
            finally:
                try:
                    over()
                except BaseException:  # an interrupt
                    over()
                    raise
        except Exception as error:  # NumPy raises an error of its own from that of an entry that it reads
            cause = error.__cause__ or error.__context__
            if isinstance(cause, CompileError) and not isinstance(error, CompileError):
                raise cause from None
            raise
        out = result.plain()
        changed = found.changed()
        if changed is not None:
            clean(reach(self._f))
            self._count(changed)
        self._settle(entry, trace, result, changed)
        return out

    def _count(self, changed: Any) -> None:
        """Refuse a plan if a run changes a number or an object for the second time."""
        place = id(changed.holder), repr(changed.key)
        if place not in self._changes:
            self._changes.add(place)
            return
        if isinstance(changed.get(), (int, float, complex, str)):
            raise CompileError(
                f"{op_name(self._f)} changes {changed!r}, which a replay would not; keep the number in an "
                "array or a Tensor, or change it outside of the compiled function"
            )
        self._always = f"the function changes {changed!r} at each call"

    def _settle(self, entry: _Entry, trace: Trace, result: Result, changed: Any) -> None:
        """Decide what calls of a signature do from now on."""
        if trace.reason is not None:
            entry.reason = trace.reason
            return
        if entry.trace is None:
            entry.trace, entry.spec = trace, result.spec
            trace.release()
            return
        one, spec = entry.trace, entry.spec
        entry.trace = entry.spec = None
        what = difference(one, trace)
        if what is None and not same(spec, result.spec):
            what = "the results that come from no argument"
        if what is not None and what.startswith("read: "):
            entry.failed += 1
            if entry.failed > 1:
                entry.reason = what.removeprefix("read: ")
            else:  # a third call tells whether the value changes seldom
                entry.trace, entry.spec = trace, result.spec
                trace.release()
            return
        if what is not None:
            raise CompileError(
                f"two runs of {op_name(self._f)} on arguments of one signature differ: {what}. A plan "
                "repeats what ran: pass what changes as an argument, keep a counter in an array or a "
                "Tensor, and draw random numbers with nn.random or outside"
            )
        if changed is not None:
            entry.reason = f"the function changes {changed!r}"
            return
        if one.unheard.drew or trace.unheard.drew:
            entry.reason = "the function draws random numbers of its own; draw with nn.random, or outside"
            return
        both = [pair for key, pair in trace.constants.items() if key in one.constants]
        plan = exactly(self._exact, scheduled, trace, result.spec, result.outputs, both)
        written = written_by(trace)
        trace.release()
        if (guard := late_guard(plan)) is not None:
            entry.reason = f"the library reads a value after an effect, at {guard.line}"
            return
        if any(step.kind == "effect" for step in plan.steps):
            entry.undo = Undo(entry.found, written, draws=draws(plan.steps))
        entry.plan, entry.result = plan, builder(plan.result)
        copies = {} if entry.undo is None else {first_write(plan.steps): entry.undo.copy}
        entry.replay = while_constant(plan, replay_of(plan, before=copies))


@contextlib.contextmanager
def _undone(f: Callable[..., Any], call: Arguments) -> Iterator[None]:
    """Afterwards all that the function reaches, and its arguments, are as before."""
    undo = whole(reach(f, *call.objects, *call.leaves))
    undo.keep([])
    undo.copy()
    try:
        yield
    finally:
        undo.restore()


def _around(state: State) -> str | None:
    """Why a call in this recording state is not replayed; None if it may be."""
    if state.checks is not None:
        return "detect_anomaly checks each step"
    if state.watchers:
        return "a Tape listens to each step"
    if state.recomputing:
        return "checkpoint computes the steps anew"
    if state.transforms:
        return "the call is differentiated; compile the outer function: ag.compile(ag.grad(f))"
    return None


def _on_tape(found: Reached) -> str | None:
    """Why the Tensors that a function reaches keep it eager; None if they do not."""
    for tensor in found.tensors:
        if tensor.node is not None and tensor.node.op is not None:
            return "the function reaches a Tensor that is a result on the tape; keep x.detach()"
    for tensor in [*found.tensors, *(entry.get() for entry in found.held)]:
        if (
            isinstance(tensor, Box)
            and tensor._views is not None
            and (tensor._of is not None or living(tensor))
        ):
            return "the function reaches a Tensor that shares its memory with views"
    return None
