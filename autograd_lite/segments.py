"""Segments of the tape that are computed again in the backward pass: what `checkpoint` and `scan` share.

The second computation starts from the states of random generators at the first, and must give equal values.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from . import tree
from .aliases import Function, seeds_of
from .arrays import is_array, on_host, shape_of, unwrap
from .backward import play
from .box import Hook, lift, wrap
from .errors import TapeError
from .kin import like
from .known import Rule, known
from .node import Node, next_index, tape_order
from .pull import Sweep
from .recording import Mode, enable_grad, recomputed
from .tensor import Tensor

__all__ = ["Segment", "alike", "called_again", "checkpointed", "handle", "other_values", "preserve"]
__all__ += ["other_tensors", "preserved_states", "read_by", "restore_states"]

_preserved: dict[int, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
"""Functions that read and set the states that a segment depends on besides its arguments."""


def preserve(read: Callable[[], Any], write: Callable[[Any], None]) -> Hook:
    """Have `checkpoint` and `scan` restore a state, such as that of a generator, before they compute again.

    After the backward pass the state is the same as without `checkpoint`.

    Args:
        read: returns the state, as an object that does not change later.
        write: sets the state.

    Returns:
        A handle; its `remove()` undoes the call.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> rng = np.random.default_rng(0)
        >>> bits = rng.bit_generator
        >>> handle = ag.preserve(lambda: bits.state, lambda state: setattr(bits, "state", state))
        >>> noisy = ag.checkpoint(lambda x: np.sum(x * rng.normal(size=3)))
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> y = noisy(x)
        >>> y.backward()
        >>> y.item() == x.grad.item()
        True
        >>> handle.remove()
    """
    return Hook(_preserved, (read, write))


preserve(functools.partial(np.random.get_state, legacy=False), np.random.set_state)


def preserved_states() -> dict[int, Any]:
    """The states of all generators that `preserve` knows."""
    return {key: read() for key, (read, _) in list(_preserved.items())}


def restore_states(states: dict[int, Any]) -> None:
    """Set states that `preserved_states` has read."""
    for key, state in states.items():
        if key in _preserved:
            _preserved[key][1](state)


def called_again(states: dict[int, Any], function: Function, *args: Any, **kwargs: Any) -> Any:
    """Call a function a second time, from the states at the first. Afterwards the states are those of now."""
    now = preserved_states()
    try:
        restore_states(states)
        with Mode(recomputed):
            return function(*args, **kwargs)
    finally:
        try:
            restore_states(now)
        except BaseException:  # an interrupt: set the states again
            restore_states(now)
            raise


# -- a segment -------------------------------------------------------------------------------------


def handle(x: Any) -> Any:
    """Another Tensor for the same value and step, since the caller may assign to its own."""
    if not isinstance(x, Tensor):
        return x
    return like((x,), wrap(x._data) if x.node is None else lift(x._data, x.node))


def read_by(ends: Iterable[Node], since: int) -> tuple[Node, ...]:
    """The nodes at or before `since` that the steps after it read, and those among the ends."""
    ends = list(ends)
    steps = tape_order(ends, since)
    parents = [*ends, *(x for step in steps for x in step.inputs if isinstance(x, Node))]
    return tuple(dict.fromkeys(x for x in parents if x.index <= since))


class Segment:
    """The data that a checkpoint needs to compute its segment of the tape again.

    Args:
        f, args, kwargs: the call.
        kept: the indices of the outputs that are on the tape.
        read: the nodes outside of the segment that its steps read.
        states: the preserved states at the start of the call.
        name: of the function that the user called, for errors.
    """

    def __init__(
        self,
        f: Function,
        args: Any,
        kwargs: Any,
        kept: list[int],
        read: tuple[Node, ...],
        states: dict[int, Any],
        name: str = "checkpoint",
    ) -> None:
        self.f, self.args, self.kwargs, self.kept, self.read = f, args, kwargs, kept, read
        self.states, self.name = states, name

    def outputs(self) -> list[Any]:
        """Compute the outputs again, from the states at the start of the first call."""
        outputs = tree.flatten(called_again(self.states, self.f, *self.args, **self.kwargs))[0]
        return [outputs[i] if i < len(outputs) else None for i in self.kept]

    def pull(self, g: tuple[Any, ...], y: tuple[Any, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Record the segment again and play it backwards; return the cotangents of `self.read`.

        Args:
            g: the cotangents of the kept outputs; None for an unused one.
            y: the kept outputs of the first computation.
            values: of `self.read`.
        """
        with enable_grad():
            place = next_index()
            outputs = self.outputs()
        if not all(map(alike, outputs, y)):
            raise other_values(self.name)
        record = any(isinstance(x, Tensor) for x in g)
        used = [i for i, x in enumerate(g) if x is not None]
        seeds = seeds_of([outputs[i] for i in used], [g[i] for i in used], record)
        parents = [x for step in tape_order(seeds, place) for x in step.inputs if isinstance(x, Node)]
        if any(x.index <= place and x not in self.read for x in parents):
            raise other_tensors(self.name)
        sweep = Sweep(since=place, wanted=frozenset(self.read), record=record, retain=record, inside=True)
        arrived = play(seeds, sweep)
        return tuple(arrived.get(x, np.zeros_like(unwrap(v))) for x, v in zip(self.read, values, strict=True))


def other_values(name: str) -> TapeError:
    """The error for a second computation with other results."""
    return TapeError(
        f"{name}: computed again, the function gives other values than the first time. Pass "
        "random numbers of a generator of your own as arguments: "
        "ag.checkpoint(f)(x, rng.normal(size=x.shape)); or write ag.preserve(read, write) once for "
        "the generator's state"
    )


def other_tensors(name: str) -> TapeError:
    """The error for a second computation with other inputs."""
    return TapeError(
        f"{name}: computed again, the function reads other Tensors than the first time; do not "
        "assign to Tensors that it reads before the backward pass"
    )


def alike(again: Any, first: Any) -> bool:
    """Whether two values are equal up to rounding.

    Sums over arrays elsewhere in memory may be done in another order. New random numbers differ much more.
    """
    again = unwrap(again)
    if not (is_array(again) or isinstance(again, (int, float, complex))) or shape_of(again) != first.shape:
        return False
    if not (on_host(again) and on_host(first)):
        return True  # values of other array classes are not read without need
    if np.array_equal(again, first, equal_nan=True):
        return True
    if first.dtype.kind not in "fc":
        return False
    with np.errstate(all="ignore"):
        largest = np.max(np.abs(first), where=np.isfinite(first), initial=0)
        allowed = float(np.sqrt(np.finfo(first.dtype).eps) * largest)
        return bool(np.allclose(again, first, rtol=0, atol=allowed, equal_nan=True))


def checkpointed(*values: Any, _segment: Segment) -> tuple[Any, ...]:
    """The op that stands on the tape for a whole segment."""
    return tuple(map(unwrap, _segment.outputs()))


checkpointed.runs_users_code = True  # type: ignore[attr-defined]

known[checkpointed] = Rule(joint=lambda g, y, *values, _segment: _segment.pull(g, y, values), plain=True)
