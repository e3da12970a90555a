"""`scan`: a loop whose backward pass keeps to a budget of memory."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import tree
from .arrays import dtype_of, is_array, refuse_other_arithmetic, shape_of
from .errors import DTypeError, OptionError, ShapeError
from .files import checked_path
from .loops import Loop
from .node import next_index
from .recording import is_recording, tracing
from .snapshots import bytes_of_budget
from .tensor import Tensor
from .words.explain import describe

__all__ = ["scan"]

NUMBERS = (bool, int, float, complex)


def scan(
    body: Callable[[Any, int], Any],
    state: Any,
    n: int,
    memory: str | int | None = None,
    *,
    outputs: bool = False,
    to: str | Path | None = None,
) -> Any:
    """Repeat `state = body(state, i)` for i = 0, ..., n - 1, with gradients in bounded memory.

    With a budget, few states are kept. The backward pass computes the others again, in the order that needs
    the fewest steps. s states and r repetitions reverse (s + r)! / (s! r!) steps: 64 and 3 reverse 47,905.
    Second derivatives and `jvp` are right, but keep all steps.

    It is `jax.lax.fori_loop(0, n, lambda i, state: body(state, i), state)`; with `outputs=True` it is
    `jax.lax.scan`, where body reads `xs[i]` itself. Tensors that body reads get their gradients too.

    Args:
        body: `body(state, i)` returns the next state, in the structure, shapes and dtypes of `state`, and
            the same values when it is called again. Random numbers are treated as in `ag.checkpoint`.
        state: an array, Tensor or number, or nested tuples, lists and dicts of them.
        n: the number of steps.
        memory: a budget, as "64 MB" or in bytes, for the states that are kept, one recorded step and its
            derivative. The first step is the measure of all. None, or room for all, records all steps.
        outputs: body returns `(state, output)`, and scan `(state, outputs)`, along a new first axis.
        to: a folder where the states are kept, as files, until the backward pass is over. The budget then
            holds for the files. Without a budget all states are kept.

    Returns:
        The last state.

    Raises:
        OptionError: the budget does not hold one step; the message says the least that does.
        ShapeError, DTypeError: body returns a state of another structure, shape or dtype.
        TapeError: in the backward pass, if body returns other values than the first time.

    Source:
        A. Griewank, A. Walther, "Algorithm 799: Revolve", 2000.

    Example:
        >>> import autograd_lite as ag
        >>> def swing(state, i):
        ...     angle, speed = state
        ...     speed = speed - 0.01 * ag.sin(angle)
        ...     return angle + 0.01 * speed, speed
        >>> def last_angle(angle):
        ...     return ag.scan(swing, (angle, 0.0), 1000, memory="30 kB")[0]
        >>> round(ag.grad(last_angle)(1.0), 6)
        -0.949255
    """
    if not callable(body):
        raise DTypeError(f"scan takes a function, not {describe(body)}: ag.scan(body, state, n)")
    n, steps = _count(n), _Steps(body, state, outputs)
    budget = None if memory is None else bytes_of_budget("scan", memory)
    folder = None if to is None else checked_path("scan", to)
    leaves = steps.leaves(state)
    if n == 0 and outputs:
        raise OptionError("scan(n=0, outputs=True): the outputs of no steps have no shape; give n >= 1")
    return steps.result(*_repeated(steps, leaves, n, budget, folder)) if n else state


def _repeated(
    steps: _Steps, leaves: Sequence[Any], n: int, budget: int | None, folder: Path | None
) -> tuple[Sequence[Any], list[Any]]:
    """The leaves of the last state, and the outputs of all steps."""
    first: list[Any] = []
    if (budget is not None or folder is not None) and is_recording() and tracing.get() is None:
        loop = Loop("scan", steps, n, leaves, budget, folder)
        since = next_index()
        first.append(steps(leaves, 0))
        if not loop.begin(first[0], since):
            return loop.run(first)
    found = []
    for i in range(n):
        leaves, out = first.pop() if first else steps(leaves, i)
        if out:
            found.append(out)
    return leaves, [np.stack(each) for each in zip(*found, strict=True)]


def _count(n: Any) -> int:
    """The number of steps as a Python integer."""
    try:
        count = None if isinstance(n, bool) else operator.index(n)
    except TypeError:
        count = None
    if count is None:
        raise DTypeError(f"scan: the number of steps is {describe(n)}; expected an integer: int(n)")
    if count < 0:
        raise OptionError(f"scan(n={count}): expected 0 steps or more")
    return count


class _Steps:
    """The steps of a loop on flat lists of leaves.

    Args:
        body, outputs: of `scan`.
        state: the first one, for its structure.
    """

    def __init__(self, body: Callable[[Any, int], Any], state: Any, outputs: bool) -> None:
        self.body, self.outputs = body, outputs
        self.paths, self.structure = tree.paths(state), tree.skeleton(state)
        self.rebuild = tree.builder(state)
        self.rebuild_output: Any = None

    def leaves(self, state: Any) -> list[Any]:
        """The leaves of the first state; body may write into its own copies."""
        leaves, _ = tree.flatten(state)
        refuse_other_arithmetic(leaves, "scan")
        return [x.copy() if type(x) is np.ndarray else x for x in leaves]

    def __call__(self, leaves: Sequence[Any], i: int) -> tuple[list[Any], list[Any]]:
        result = self.body(self.rebuild(leaves), i)
        out: list[Any] = []
        if self.outputs:
            if not isinstance(result, tuple) or len(result) != 2:
                raise ShapeError(
                    f"scan(outputs=True): body returned {describe(result)} at step {i}; expected a tuple "
                    "(state, output)"
                )
            result, output = result
            out, _ = tree.flatten(output)
            self.rebuild_output = self.rebuild_output or tree.builder(output)
        new, _ = tree.flatten(result)
        if len(new) != len(leaves) or tree.skeleton(result) != self.structure:
            raise ShapeError(
                f"scan: body returned the structure {tree.skeleton(result)} at step {i}, but the state has "
                f"{self.structure}; return the whole state"
            )
        for path, before, after in zip(self.paths, leaves, new, strict=True):
            _require_same(f"state{path}", before, after, i)
        return new, out

    def result(self, leaves: Sequence[Any], outputs: Sequence[Any]) -> Any:
        state = self.rebuild(leaves)
        return (state, self.rebuild_output(outputs)) if self.outputs else state


def _require_same(path: str, before: Any, after: Any, i: int) -> None:
    """Raise if a leaf changes its shape or dtype in step i. A Python number takes any dtype."""
    if not _is_numeric(before) or not _is_numeric(after):
        if type(before) is not type(after):
            raise DTypeError(f"scan: {path} is {describe(before)}, and body returned {describe(after)}")
        return
    shapes = shape_of(before), shape_of(after)
    if shapes[0] != shapes[1]:
        raise ShapeError(
            f"scan: {path} has shape {shapes[0]}, and body returned shape {shapes[1]} at step {i}; all steps "
            "must keep the shape. Start from an array of the shape that body returns"
        )
    if not isinstance(before, NUMBERS) and dtype_of(before) != dtype_of(after):
        raise DTypeError(
            f"scan: {path} is {dtype_of(before)}, and body returned {dtype_of(after)} at step {i}; all steps "
            f"must keep the dtype. Start from the dtype that body returns: "
            f"np.asarray(x, np.{dtype_of(after).name})"
        )


def _is_numeric(x: Any) -> bool:
    return isinstance(x, (Tensor, *NUMBERS)) or is_array(x)
