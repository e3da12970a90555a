"""Checkpoints: drop the intermediate results of a function, and compute them again in the backward pass."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import tree
from .aliases import Function, seeds_of
from .apply import record_result
from .arrays import is_array, on_host, refuse_other_arithmetic, shape_of, unwrap
from .backward import play
from .box import Hook, lift, wrap
from .errors import TapeError
from .kin import like
from .known import Rule, known
from .node import Node, next_index, op_name, tape_order
from .pull import Sweep
from .recording import Mode, enable_grad, is_recording, recomputed, tracing
from .tensor import Tensor

__all__ = ["checkpoint", "preserve", "preserved_states", "restore_states"]


def checkpoint(f: Function) -> Function:
    """`f` with its intermediate results dropped, and computed again in the backward pass.

    This trades time for memory: the steps inside of f take no memory between the forward and the backward
    pass, but are computed twice. f must return the same values both times. The random numbers of `nn` and of
    np.random's global generator are the same both times; a Generator of your own is not reset. A layer with
    running means updates them the first time only (`ag.is_recomputing()`). Tensors that f reads without
    taking them as arguments receive their gradients too.

    Args:
        f: takes and returns Tensors or arrays, or nested containers of them.

    Raises:
        TapeError: in the backward pass, if f returns other values than the first time.

    Source:
        A. Griewank, A. Walther, "Algorithm 799: Revolve", 2000.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(ag.checkpoint(lambda x: np.sin(np.exp(x))))(0.0) == np.cos(1.0)
        np.True_
    """

    @functools.wraps(f)
    def forgetful(*args: Any, **kwargs: Any) -> Any:
        refuse_other_arithmetic(tree.flatten((args, kwargs))[0], f"checkpoint({op_name(f)})")
        if not is_recording() or tracing.get() is not None:  # a plan keeps the results
            return f(*args, **kwargs)
        since, states = next_index(), preserved_states()
        outputs, rebuild = tree.flatten(f(*args, **kwargs))
        kept = [i for i, y in enumerate(outputs) if isinstance(y, Tensor) and y.node is not None]
        ends = [outputs[i].node for i in kept]
        steps = tape_order(ends, since)
        parents = [*ends, *(x for step in steps for x in step.inputs if isinstance(x, Node))]
        read = tuple(dict.fromkeys(x for x in parents if x.index <= since))
        if not read:
            return rebuild(outputs)
        values = tuple(outputs[i]._data for i in kept)
        # The segment keeps Tensors of its own, since the caller may assign to the arguments.
        args, kwargs = tree.map_leaves(_handle, (args, kwargs))
        segment = _Segment(f, args, kwargs, kept, read, states)
        results = record_result(
            checkpointed, read, tuple(x.value for x in read), {"_segment": segment}, values
        )
        for i, result in zip(kept, results, strict=True):
            outputs[i] = like((outputs[i],), result)
        return rebuild(outputs)

    return forgetful


def _handle(x: Any) -> Any:
    if not isinstance(x, Tensor):
        return x
    return like((x,), wrap(x._data) if x.node is None else lift(x._data, x.node))


_preserved: dict[int, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
"""Functions that read and set the states that a segment depends on besides its arguments."""


def preserve(read: Callable[[], Any], write: Callable[[Any], None]) -> Hook:
    """Have `checkpoint` restore a state, such as that of a generator, before it computes a segment again.

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


class _Segment:
    """The data that a checkpoint needs to compute its segment of the tape again.

    Args:
        f, args, kwargs: the call.
        kept: the indices of the outputs that are on the tape.
        read: the nodes outside of the segment that its steps read.
        states: the preserved states at the start of the call.
    """

    def __init__(
        self,
        f: Function,
        args: Any,
        kwargs: Any,
        kept: list[int],
        read: tuple[Node, ...],
        states: dict[int, Any],
    ) -> None:
        self.f, self.args, self.kwargs, self.kept, self.read = f, args, kwargs, kept, read
        self.states = states

    def outputs(self) -> list[Any]:
        """Compute the outputs again, from the states at the start of the first call."""
        now = preserved_states()
        try:
            restore_states(self.states)
            with Mode(recomputed):
                outputs = tree.flatten(self.f(*self.args, **self.kwargs))[0]
        finally:
            try:
                restore_states(now)
            except BaseException:  # an interrupt: set the states again
                restore_states(now)
                raise
        return [outputs[i] if i < len(outputs) else None for i in self.kept]

    def pull(self, g: tuple[Any, ...], y: tuple[Any, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Record the segment again and play it backwards; return the cotangents of `self.read`."""
        with enable_grad():
            place = next_index()
            outputs = self.outputs()
        if not all(map(_alike, outputs, y)):
            raise TapeError(
                "checkpoint: computed again, the function gives other values than the first time. Pass "
                "random numbers of a generator of your own as arguments: "
                "ag.checkpoint(f)(x, rng.normal(size=x.shape)); or write ag.preserve(read, write) once for "
                "the generator's state"
            )
        record = any(isinstance(x, Tensor) for x in g)
        seeds = seeds_of(outputs, g, record)
        parents = [x for step in tape_order(seeds, place) for x in step.inputs if isinstance(x, Node)]
        if any(x.index <= place and x not in self.read for x in parents):
            raise TapeError(
                "checkpoint: computed again, the function reads other Tensors than the first time; do not "
                "assign to Tensors that it reads before the backward pass"
            )
        sweep = Sweep(since=place, wanted=frozenset(self.read), record=record, retain=record, inside=True)
        arrived = play(seeds, sweep)
        return tuple(arrived.get(x, np.zeros_like(unwrap(v))) for x, v in zip(self.read, values, strict=True))


def _alike(again: Any, first: Any) -> bool:
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
    with np.errstate(all="ignore"):
        largest = np.max(np.abs(first), where=np.isfinite(first), initial=0)
        allowed = float(np.sqrt(np.finfo(first.dtype).eps) * largest)
        return bool(np.allclose(again, first, rtol=0, atol=allowed, equal_nan=True))


def checkpointed(*values: Any, _segment: _Segment) -> tuple[Any, ...]:
    """The op that stands on the tape for a whole segment."""
    return tuple(map(unwrap, _segment.outputs()))


checkpointed.runs_users_code = True  # type: ignore[attr-defined]

known[checkpointed] = Rule(joint=lambda g, y, *values, _segment: _segment.pull(g, y, values))
