"""`ag.compile`: a function that is watched for two calls, and replayed from then on.

Each signature of a call has an entry: nothing yet, the trace of the first call, a plan, or the reason why
calls of this signature stay eager. The first two calls run the function on traced arrays, which compute as
the eager run does. Two equal traces make a plan.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from ..box import Box
from ..errors import CompileError, DTypeError
from ..node import op_name
from ..recording import current, is_recording, tracing
from ..views import living
from ..words.explain import describe
from ..words.mistakes import warn_of_mistake
from .calls import Arguments, Result, clean, given
from .places import Places
from .reach import Reached, reach
from .replay import Mismatch, replay_of
from .schedule import Plan, late_guard, scheduled
from .trace import Trace, difference, same, walk

__all__ = ["Compiled", "compile"]

MOST = 16
"""The number of plans that a function keeps."""


def compile(f: Callable[..., Any], *, static_argnums: int | tuple[int, ...] = ()) -> Compiled:
    """A function that runs `f` twice for each signature, and replays what ran from then on.

    A replay is a list of NumPy calls, and gives the bits of the eager run. It also does what f does to
    Tensors that f reaches: parameters, gradients, buffers, the random numbers of `nn`. A signature is the
    structure, the shapes and the dtypes of the arguments, and the state of what f reaches.

    Args:
        f: a function of arrays, numbers and Tensors, or a whole training step.
        static_argnums: the positions of arguments whose values f reads in Python; each value has a plan.

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
    return Compiled(f, numbers)


class _Entry:
    """What is kept of a signature: the trace of one call, then a replay, or the reason to stay eager."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.trace: Trace | None = None
        self.result: Any = None
        self.plan: Plan | None = None
        self.replay: Callable[[list[Any]], Any] | None = None
        self.reason: str | None = None
        self.failed = 0
        self.pure = False


class Compiled:
    """A compiled function; see `compile`.

    Attributes:
        signatures: one line for each signature: what it is, and whether its calls are replayed or eager.
    """

    def __init__(self, f: Callable[..., Any], static_argnums: tuple[int, ...]) -> None:
        functools.update_wrapper(self, f, updated=())
        self._f, self._static = f, static_argnums
        self._entries: dict[Any, _Entry] = {}
        self._found: Reached | None = None
        self._places: Places | None = None
        self._key: Any = None
        self._lock = threading.RLock()
        self._told: set[str] = set()
        self._changes: set[Any] = set()
        self._always: str | None = None

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        own = vars(instance).get(f"_compiled_{self.__name__}")  # type: ignore[attr-defined]
        if own is None:
            own = Compiled(self._f.__get__(instance, owner), self._static)
            object.__setattr__(instance, f"_compiled_{self.__name__}", own)  # type: ignore[attr-defined]
        return own

    @property
    def signatures(self) -> list[str]:
        """What is kept, one line for each signature."""
        return [
            f"{'eager' if e.reason else 'replayed' if e.plan else 'watched'}: {e.words}"
            + (f" ({e.reason})" if e.reason else "")
            for e in self._entries.values()
        ]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tracing.get() is not None:
            return self._f(*args, **kwargs)
        if (reason := self._always or _around()) is not None:
            self._tell(reason)
            return self._f(*args, **kwargs)
        with self._lock:
            call = Arguments(self._f, args, kwargs, self._static)
            entry = self._entry(call)
            if entry.replay is not None:
                try:
                    return self._replayed(entry, call)
                except Mismatch:
                    entry.failed += 1
                    if entry.failed > 8:
                        entry.reason, entry.replay = (
                            "the library reads values that differ between calls",
                            None,
                        )
                    return self._f(*args, **kwargs)
                except Exception:
                    if not entry.pure:
                        raise
                    return self._f(*args, **kwargs)  # which raises it in the library's words
            if entry.reason is not None:
                self._tell(f"{entry.words}: {entry.reason}")
                return self._f(*args, **kwargs)
            return self._watched(entry, call)

    def plan(self, *args: Any, **kwargs: Any) -> Plan:
        """The plan of a call that has been watched twice; `print(plan)` is the evaluation trace.

        Raises:
            CompileError: calls of this signature have no plan.
        """
        with self._lock:
            entry = self._entry(Arguments(self._f, args, kwargs, self._static))
            if entry.plan is None:
                raise CompileError(
                    f"no plan for {entry.words}: "
                    + (entry.reason or "call the function twice with arguments of these shapes first")
                )
            return entry.plan

    # -- signatures --------------------------------------------------------------------------------

    def _entry(self, call: Arguments) -> _Entry:
        if self._found is None or self._found.changed() is not None:
            self._found = reach(self._f)
            self._places = Places(self._found)
            self._key = self._found.key()
        places: Any = self._places
        key = (call.key, self._key, places.signature(), is_recording())
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= MOST:
                self._entries.pop(next(iter(self._entries)))
                self._tell(
                    f"more than {MOST} signatures: the shapes, the static arguments, or numbers that the "
                    f"function reads keep changing; the last is {call.words}"
                )
            entry = self._entries[key] = _Entry(call.words)
            entry.reason = call.reason or next(iter(self._found.eager), None) or _on_tape(self._found)
        return entry

    def _tell(self, reason: str) -> None:
        """Say once why calls are not replayed."""
        if reason not in self._told:
            self._told.add(reason)
            warn_of_mistake(f"ag.compile({op_name(self._f)}) runs eagerly: {reason}")

    # -- watching ----------------------------------------------------------------------------------

    def _watched(self, entry: _Entry, call: Arguments) -> Any:
        """Run the function on traced arrays, which compute as the eager run does."""
        places, found, trace = Places(self._found), self._found, Trace()  # type: ignore[arg-type]
        trace.places = places
        token = tracing.set(trace)
        try:
            args, kwargs = call.traced(trace)
            places.load(trace)
            out = self._f(*args, **kwargs)
            places.store(trace)
            result = Result(trace, out, found)
            trace.reason = trace.reason or result.reason or call.changed(trace)
        except Exception as error:  # NumPy raises an error of its own from that of an entry that it reads
            cause = error.__cause__ or error.__context__
            if isinstance(cause, CompileError) and not isinstance(error, CompileError):
                raise cause from None
            raise
        finally:
            tracing.reset(token)
            places.restore()
            call.restore()
            trace.open = False
        out = result.plain()
        changed = found.changed()  # type: ignore[union-attr]
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
        elif entry.trace is None:
            entry.trace, entry.result = trace, result
        else:
            one, first = entry.trace, entry.result
            entry.trace = entry.result = None
            what = difference(one, trace)
            if what is None and not same(first.spec, result.spec):
                what = "the results that come from no argument"
            if what is not None and what.startswith("read: "):
                entry.reason = what.removeprefix("read: ")
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
            both = [pair for key, pair in trace.constants.items() if key in one.constants]
            plan = scheduled(trace, result.spec, result.outputs, both)
            trace.values.clear()
            if (guard := late_guard(plan)) is not None:
                entry.reason = f"the library reads a value after an effect, at {guard.line}"
                return
            entry.plan, entry.replay = plan, replay_of(plan)
            entry.pure = all(step.kind != "effect" for step in plan.steps)

    def _replayed(self, entry: _Entry, call: Arguments) -> Any:
        plan: Any = entry.plan
        for array, copy in plan.constants:
            if not same(array, copy):
                raise Mismatch
        assert entry.replay is not None
        values = entry.replay(call.leaves)
        return walk(plan.result, lambda leaf: given(leaf, values))


def _around() -> str | None:
    """Why a call in this recording state is not replayed; None if it may be."""
    state = current()
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
