"""A loop as one step of the tape, with few of its states kept: the backward pass computes the others again.

The forward pass records one step of the loop at a time, to see which Tensors the step reads, and forgets its
tape. The backward pass follows a schedule of `revolve`: it advances from a snapshot without recording, and
records and plays the step that it reverses. A backward pass that is itself recorded, for second derivatives,
records all steps at once instead.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import tree
from .aliases import owned, seeds_of
from .anomaly import check_forward
from .apply import as_value, record_result
from .arrays import is_array, unwrap
from .backward import play
from .box import in_class, lift, wrap
from .cotangents import add
from .errors import OptionError, TapeError
from .kin import like
from .known import Rule, known
from .node import Leaf, Node, next_index, tape_order
from .pull import Sweep
from .recording import Mode, State, no_grad
from .revolve import Action, schedule
from .segments import (
    Segment,
    alike,
    called_again,
    handle,
    other_tensors,
    other_values,
    preserved_states,
    read_by,
    restore_states,
)
from .snapshots import Folder, bytes_of_array, bytes_of_state, bytes_of_steps, words_of_bytes
from .tensor import Tensor

__all__ = ["Loop", "Sizes", "Step", "looped"]

Leaves = Sequence[Any]
"""The leaves of a state: arrays, Tensors, numbers, or any objects."""

Step = Callable[[Leaves, int], tuple[list[Any], list[Any]]]
"""`step(leaves, i)` returns the leaves of the next state, and those of an output of step i."""

Kinds = tuple[tuple[type[Any], bool] | None, ...]
"""For each leaf of a state its class of Tensors and whether it is on the tape; None for another object."""


class Snapshot(NamedTuple):
    """A state that is kept: the step that is next, the leaves, and the states of random generators.

    The leaves are arrays and objects, without their Tensors; paths of files for arrays that are on disk.
    """

    at: int
    values: tuple[Any, ...]
    states: Any


class Sizes(NamedTuple):
    """Bytes: the largest state, the largest tape of one step, the tapes of all steps, the gradients."""

    state: int
    tape: int
    total: int
    gradients: int

    @property
    def least(self) -> int:
        """The least budget: five states, and a recorded step and the gradients twice.

        The states are the first one, the last one and its cotangent, the one at hand, and the one that a
        second computation is compared with. The cotangents of a step take as much as its values.
        """
        return 5 * self.state + 2 * (self.tape + self.gradients)


class _Ear:
    """Hears the steps of a loop, and collects what they read from outside.

    Args:
        loop: its name and what it reads.
        start: the index on the tape at which the loop begins.
        closed: nothing may be read that is not known.
    """

    def __init__(self, loop: Loop, start: int, closed: bool) -> None:
        self.loop, self.start, self.place, self.closed = loop, start, start, closed

    def __call__(self, node: Node) -> None:
        for parent in node.inputs:
            kind = parent.__class__
            if (kind is Node or kind is Leaf) and parent.index <= self.place:
                self.reads(parent)

    def reads(self, node: Node) -> None:
        read, name = self.loop.read, self.loop.name
        if node in read:
            return
        if self.closed:
            raise other_tensors(name)
        if node.index > self.start:
            raise TapeError(
                f"{name}: a step reads a Tensor that an earlier step has made, and that is no part of the "
                "state; return the Tensor in the state"
            )
        read[node] = None

    def mode(self, outer: State) -> State:
        """The recording state inside of the loop: no other listener but anomaly detection hears it."""
        hears: tuple[Any, ...] = (self, *(each for each in outer.watchers if each is check_forward))
        return State(hears, hears, outer.checks, outer.transforms, outer.recomputing)


class Loop:
    """The steps of a loop, and the states of it that are kept.

    Args:
        name: of the function that the user called, for errors.
        step: one step of the loop.
        n: the number of steps, 1 or more.
        leaves: of the first state.
        budget: the bytes that may be held; None for no bound.
        folder: where snapshots are kept; None for memory.
    """

    def __init__(
        self, name: str, step: Step, n: int, leaves: Leaves, budget: int | None, folder: Path | None = None
    ) -> None:
        self.name, self.step, self.n, self.budget = name, step, n, budget
        self.folder = None if folder is None else Folder(folder)
        self.start = next_index()
        self.given = [handle(x) for x in leaves]
        self.read: dict[Node, None] = {x.node: None for x in leaves if isinstance(x, Tensor) and x.node}
        self.snapshots, self.draws = 1, False
        self.sizes = Sizes(0, 0, 0, 0)
        self.kinds: list[tuple[int, Kinds]] = []  # each with the first step that it holds for
        self.stacked: list[bool] = []  # whether an output is on the tape
        self.first = Snapshot(0, tuple(map(owned, self._values(leaves, 0))), preserved_states())
        self.fresh: list[tuple[Any, list[Snapshot], Snapshot]] = []  # what the forward pass has left

    # -- the budget --------------------------------------------------------------------------------

    def measure(self, leaves: Leaves, since: int) -> None:
        """Note the bytes of a state, and of the steps after `since` that lead to it."""
        ends = [x.node for x in leaves if isinstance(x, Tensor) and x.node is not None]
        outside = [*(x.value for x in self.read), *(x.value for x in ends)]
        tape = bytes_of_steps(tape_order(ends, since), outside)
        state = bytes_of_state(map(unwrap, leaves), self.first.states if self.draws else None)
        had = self.sizes
        gradients = sum(bytes_of_array(x.value) for x in self.read)
        self.sizes = Sizes(max(had.state, state), max(had.tape, tape + state), had.total + tape, gradients)

    def plan(self) -> None:
        """Choose the number of snapshots by the budget.

        Raises:
            OptionError: the budget does not hold one step.
        """
        sizes = self.sizes
        if self.budget is None:
            self.snapshots = self.n
            return
        if self.budget < sizes.least:
            raise OptionError(
                f"{self.name}(memory={words_of_bytes(self.budget)!r}): one step takes more. "
                f"A state has {words_of_bytes(sizes.state)}, a recorded step {words_of_bytes(sizes.tape)}, "
                f"the gradients of what it reads {words_of_bytes(sizes.gradients)}. Write at least "
                f"memory={words_of_bytes(sizes.least)!r}, or make smaller steps"
            )
        self.snapshots = min(1 + (self.budget - sizes.least) // sizes.state, self.n)

    def fits(self) -> bool:
        """Whether the budget holds the tapes of all steps."""
        return self.budget is not None and self.sizes.total + self.sizes.least <= self.budget

    # -- states ------------------------------------------------------------------------------------

    def _values(self, leaves: Leaves, at: int) -> list[Any]:
        """The arrays and objects of the state before a step; its kinds of leaves are noted."""
        kinds = tuple([_kind(x) for x in leaves])
        if not self.kinds or self.kinds[-1][1] != kinds:
            self.kinds.append((at, kinds))
        return [unwrap(x) for x in leaves]

    def _leaves(self, values: Leaves, at: int, record: bool) -> list[Any]:
        """The leaves of a state, with their Tensors; with `record` on nodes of their own."""
        kinds = self.kinds[bisect_right(self.kinds, at, key=lambda pair: pair[0]) - 1][1]
        leaves = list(values)
        for j, kind in enumerate(kinds):
            if kind is not None:
                value = as_value(leaves[j])
                tensor = lift(value, Leaf(value)) if record and kind[1] else wrap(value)
                leaves[j] = tensor if kind[0] is Tensor else in_class(kind[0], tensor)
        return leaves

    def _kept(self, values: Leaves, at: int) -> Snapshot:
        if at == 0:
            return self.first
        copies = tuple([owned(unwrap(x)) for x in values])
        if self.folder is not None:
            copies = self.folder.put(copies)
        return Snapshot(at, copies, preserved_states() if self.draws else None)

    def _loaded(self, kept: Snapshot) -> list[Any]:
        """The values of a snapshot, which a step may write into. The generators are in their states too."""
        if self.draws:
            restore_states(kept.states)
        return [owned(x) for x in Folder.get(kept.values)]

    def _drew(self) -> bool:
        """Whether random numbers were drawn since the start of the loop."""
        then, now = tree.flatten(self.first.states)[0], tree.flatten(preserved_states())[0]
        return len(then) != len(now) or not all(map(np.array_equal, then, now))

    # -- forward -----------------------------------------------------------------------------------

    def begin(self, first: Sequence[list[Any]], since: int) -> bool:
        """Take the first step as the measure of all, and choose the number of snapshots.

        Args:
            first: what the first step has returned, recorded on the caller's tape.
            since: the index on the tape before it.

        Returns:
            Whether the budget holds the tapes of all steps, so that the caller can record them.
        """
        nodes = [x.node for leaves in first for x in leaves if _is_taped(x)]
        for node in read_by(nodes, since):
            self.read[node] = None
        self.draws = self._drew()
        self.measure(first[0], since)
        self.sizes = self.sizes._replace(total=self.n * self.sizes.total)
        if self.fits():
            return True
        self.plan()
        return False

    def run(self, first: Any = (), *, measured: bool = False) -> tuple[list[Any], list[Any]]:
        """Compute the loop once, keep snapshots, and record the loop as one step.

        Args:
            first: a list with what the first step has returned, after `begin`; it is emptied, so that
                nothing holds the tape of this step.
            measured: measure all steps, and choose the number of snapshots after the last.

        Returns:
            The leaves of the last state; and for each output its values in all steps.
        """
        actions, stack, outputs = schedule(self.n, self.snapshots), [], []
        ear, held = _Ear(self, self.start, closed=False), self.first
        values: list[Any] = [owned(x) for x in self.first.values]
        with Mode(ear.mode):
            for do, at, to in actions:
                if do == "store":
                    stack.append(self._kept(values, at))
                    continue
                if do == "reverse":
                    held = self._kept(values, at)
                for i in range(at, to):
                    new, out = first.pop() if first else self._step(values, i, ear)
                    if measured:
                        self.draws = self.draws or self._drew()
                        self.measure(new, ear.place)
                    values = self._values(new, i + 1)
                    taped = [_is_taped(x) for x in out]
                    self.stacked = [a or b for a, b in zip(self.stacked or taped, taped, strict=True)]
                    if out:
                        outputs.append([unwrap(x) for x in out])
                if do == "reverse":
                    break
        if measured:
            self.plan()
        elif self.draws or not self._drew():
            last = Action("reverse", self.n - 1, self.n)
            self.fresh.append((itertools.chain([last], actions), stack, held))
        else:  # a later step draws: the snapshots lack the states of the generators
            self.draws = True
        return self._recorded(values, [np.stack(each) for each in zip(*outputs, strict=True)])

    def _step(self, values: Leaves, i: int, ear: _Ear) -> tuple[list[Any], list[Any]]:
        """Record one step on a tape of its own, and note what it reads."""
        ear.place = next_index()
        new, out = self.step(self._leaves(values, i, record=True), i)
        for x in (*new, *out):
            if _is_taped(x) and x.node.index <= ear.place:
                ear.reads(x.node)
        return new, out

    def _recorded(self, values: list[Any], outputs: list[Any]) -> tuple[list[Any], list[Any]]:
        """The results, with the loop as one step of the tape."""
        results = [*self._leaves(values, self.n, record=False), *outputs]
        kept, read = self._taped(), tuple(self.read)
        if kept and read:
            y = tuple([unwrap(results[j]) for j in kept])
            made = record_result(looped, read, tuple([x.value for x in read]), {"_loop": self}, y)
            for j, x in zip(kept, made, strict=True):
                results[j] = like((results[j],), x)
        return results[: len(values)], results[len(values) :]

    def _taped(self) -> list[int]:
        """The indices of the results that are on the tape: leaves of the last state, then outputs."""
        flags = [kind is not None and kind[1] for kind in self.kinds[-1][1]]
        return [j for j, taped in enumerate([*flags, *self.stacked]) if taped]

    # -- backward ----------------------------------------------------------------------------------

    def whole(self) -> Segment:
        """All steps as one segment of the tape."""
        return Segment(self._played, (), {}, self._taped(), tuple(self.read), self.first.states, self.name)

    def _played(self) -> list[Any]:
        leaves: Leaves = self.given
        outputs = []
        for i in range(self.n):
            leaves, out = self.step(leaves, i)
            outputs.append(out)
        return [*leaves, *map(np.stack, zip(*outputs, strict=True))]

    def pull(self, g: tuple[Any, ...], y: tuple[Any, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The cotangents of what the loop reads, from those of its results; None for an unused result."""
        if any(isinstance(x, Tensor) for x in g):
            return self.whole().pull(g, y, values)
        total = called_again(self.first.states, self._swept, g, y)
        return tuple(total.get(x, np.zeros_like(unwrap(v))) for x, v in zip(self.read, values, strict=True))

    def _swept(self, g: tuple[Any, ...], y: tuple[Any, ...]) -> dict[Node, Any]:
        """Reverse the loop by its schedule."""
        count, taped = len(self.kinds[-1][1]), self._taped()
        sent = dict(zip(taped, g, strict=True))
        cotangents = [sent.get(j) for j in range(count)]
        of_outputs = [sent.get(count + j) for j in range(len(self.stacked))]
        expected: Any = [dict(zip(taped, y, strict=True)).get(j) for j in range(count)]
        try:
            actions, stack, kept = self.fresh.pop()
        except IndexError:  # played before, or interrupted
            actions, stack, kept = schedule(self.n, self.snapshots), [], self.first
        here = self._leaves(self._loaded(kept), kept.at, record=False)
        total: dict[Node, Any] = {}
        sweeper = _Ear(self, self.start, closed=True)
        with Mode(sweeper.mode):
            for do, at, to in actions:
                if do == "advance":
                    with no_grad():
                        for i in range(at, to):
                            here, _ = self.step(here, i)
                elif do == "store":
                    stack.append(self._kept(here, at))
                elif do == "drop":
                    expected = Folder.get(stack[-1].values)
                    Folder.remove(stack.pop().values)
                elif do == "restore":
                    here = self._leaves(self._loaded(stack[-1]), at, record=False)
                else:
                    row = [None if x is None else x[at] for x in of_outputs]
                    cotangents = self._reversed(here, at, (cotangents, row, expected), sweeper, total)
                    expected = ()
        for x, gx in zip(self.given, cotangents, strict=True):
            if gx is not None and _is_taped(x):
                total[x.node] = add(total[x.node], gx) if x.node in total else gx
        return total

    def _reversed(self, here: Leaves, at: int, after: Any, ear: _Ear, total: dict[Node, Any]) -> list[Any]:
        """Record one step, and play it backwards.

        Args:
            here: the state before the step.
            at: the step.
            after: the cotangents of the state after the step and of its outputs, and the values that this
                state had before.
            ear: hears what the step reads.
            total: the cotangents of what the loop reads; those of this step are added.

        Returns:
            The cotangents of the state before the step; None for a leaf that no gradient reaches.
        """
        ear.place = place = next_index()
        leaves = self._leaves([unwrap(x) for x in here], at, record=True)
        new, out = self.step(leaves, at)
        cotangents, row, expected = after
        if not all(x is None or _agree(again, x) for again, x in zip(new, expected, strict=False)):
            raise other_values(self.name)
        pairs = [pair for pair in zip([*new, *out], [*cotangents, *row], strict=True) if pair[1] is not None]
        seeds = seeds_of([y for y, _ in pairs], [g for _, g in pairs], record=False)
        arrived = play(seeds, Sweep(since=place, wanted=self.read, inside=True))
        for node, gx in arrived.items():
            if node in self.read:
                total[node] = add(total[node], gx) if node in total else gx
        return [arrived.get(x.node) if _is_taped(x) else None for x in leaves]


def _kind(x: Any) -> tuple[type[Any], bool] | None:
    if not isinstance(x, Tensor):
        return None
    return Tensor if type(x) is Tensor else type(like((x,), wrap(0.0))), x.node is not None


def _is_taped(x: Any) -> bool:
    return isinstance(x, Tensor) and x.node is not None


def _agree(again: Any, first: Any) -> bool:
    """Whether a leaf has its former value; objects that are no arrays are not compared."""
    return alike(again, first) if is_array(first) else True


def looped(*values: Any, _loop: Loop) -> tuple[Any, ...]:
    """The op that stands on the tape for a whole loop."""
    return tuple(map(unwrap, _loop.whole().outputs()))


looped.runs_users_code = True  # type: ignore[attr-defined]

known[looped] = Rule(joint=lambda g, y, *values, _loop: _loop.pull(g, y, values), plain=True, partial=True)
