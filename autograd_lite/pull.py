"""`pull` computes the cotangents that a step sends back to its inputs, for all kinds of steps and cotangents.

An ordinary step only calls its rules, and `play` writes out this case itself. This file handles the rest:
joint rules, keyword arguments, dead entries, complex numbers, recorded passes and anomalies. Pictures and
gradient checks use these functions too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

import numpy as np

from .anomaly import check_forward, nonfinite
from .apply import output_of
from .arrays import every, finite, is_batched, unwrap
from .box import lift
from .cotangents import DEAD, Cotangent, Mask, Masked, complete, conjugate, fit, is_complex, no_rule
from .errors import (
    AnomalyError,
    AutogradLiteError,
    BatchError,
    ShapeError,
    TapeError,
    UnsupportedError,
)
from .known import Rule, known
from .liveness import silence
from .node import Leaf, Node, op_name, tape_order
from .recording import Block, State, entered, put, silenced, without
from .words.explain import STUMBLES, describe, how_many, is_users

__all__ = ["Sweep", "already_played", "ask", "between", "blame", "contributions", "pull", "pulled"]

_FLOAT = np.float64
_ZERO = _FLOAT(0.0)
_ARRAY = np.ndarray


class Sweep:
    """The options and results of one backward pass.

    Args:
        since: steps at or before this index on the tape are not played.
        wanted: nodes at or before `since` whose cotangents are returned. With `since` at -1, intermediate
            steps whose cotangents are returned beside those of the leaves.
        record: put the pass itself on the tape.
        retain: keep the steps, so that they can be played again.
        keep: keep the adjoint of every step.
        only: the steps after `since` that cotangents go to; None for all.
        inside: the pass is the rule of one step. That step sums over the members of a batch that share its
            inputs, so the pass does not.

    Attributes:
        arrived: the cotangents of wanted steps, and of steps after `x.retain_grad()`.
        checks: raise at the first rule that makes NaN or inf from finite numbers.
        lines: with `checks` and `record`, notes for each recorded step which derivative it belongs to.
    """

    __slots__ = (
        "arrived",
        "checks",
        "inside",
        "keep",
        "lines",
        "only",
        "record",
        "retain",
        "since",
        "wanted",
    )

    def __init__(
        self,
        *,
        since: int = -1,
        wanted: Container[Node] = (),
        record: bool = False,
        retain: bool = False,
        keep: bool = False,
        only: Container[Node] | None = None,
        inside: bool = False,
    ) -> None:
        self.only, self.inside = only, inside
        self.since, self.wanted, self.record, self.retain, self.keep = since, wanted, record, retain, keep
        self.arrived: dict[Node, Cotangent] = {}
        self.checks = False
        self.lines: _Lines | None = None

    def leads_out(self, parent: Node) -> bool:
        """Whether a step of the pass sends to a node from before it."""
        return parent.index <= self.since

    def begin(self, outer: State) -> State:
        """The recording state of the pass, from the state around the pass."""
        self.checks = check_forward in outer.watchers
        if not self.record:
            return silenced(outer)
        self.lines = _Lines() if self.checks else None
        return entered(outer, Block(self.recorded))

    def end(self, state: Any, inner: State) -> None:
        """Leave the recording state of the pass.

        Args:
            state: the state at the end. It differs from `inner` after an interrupt, or if a generator has
                entered or left a block.
            inner: the state of the pass.
        """
        if state is not inner and isinstance(state, State):
            put(without(state, inner.block))
        inner.block.frame = None

    def wants(self, parent: Node) -> bool:
        """Whether the pass sends cotangents to this node."""
        if self.only is not None:
            return parent in self.only
        return parent.index > self.since or parent in self.wanted

    def hears(self, parent: Any) -> bool:
        """Whether a node uses the mask of its cotangent: no leaf does, nor a step that mixes its inputs."""
        return parent.__class__ is Node and parent.index > self.since and known[parent.op].flow != "mixes"

    def recorded(self, outer: State) -> State:
        """The state of a recorded pass. Tapes hear of the steps of the pass. Anomaly detection does not: it
        checks the cotangents, once dead entries are silenced."""
        listeners = tuple([hear for hear in outer.watchers if hear is not check_forward])
        listeners = listeners if self.lines is None else (*listeners, self.lines)
        return State(listeners, outer.watchers, None, outer.transforms, outer.recomputing)


class _Lines:
    """Notes for each step of a recorded pass which derivative the step belongs to."""

    line: str | None = None

    def __call__(self, node: Node) -> None:
        node.note().line = self.line


def pull(node: Node, rule: Rule, g: Cotangent, sweep: Sweep) -> list[Cotangent]:
    """The cotangents that a step sends back to its inputs, in their shapes and dtypes.

    Args:
        node, rule: the step, and the rule of its op.
        g: the cotangent of the step's output.
        sweep: the backward pass.

    Returns:
        One cotangent for each input; None for an input that is not on the tape or not wanted.
    """
    if node.played:  # read the fields at once: another thread may play and release the step
        raise already_played(node)
    y, args, kwargs, inputs = node.value, node.args, node.kwargs, node.inputs
    elementwise, mask = rule.flow == "elementwise", None
    if g is DEAD and elementwise and (nothing := _dead(args, inputs, sweep)) is not None:
        return nothing
    if g.__class__ is Masked:
        g, mask = g.g, g.mask
    taken, values, conjugates = g, args, False
    if g.__class__ is not _FLOAT and (g.__class__ is not _ARRAY or g.dtype.kind == "c"):
        if (traced := _at_once(rule, g, args)) is not None:
            return traced(pull, node, rule, sweep)  # type: ignore[no-any-return]
        g, taken, conjugates = _taken(rule, g, y)
        if sweep.record:
            y, values = _lifted(node, sweep.lines)
    needs = [isinstance(x, Node) and sweep.wants(x) for x in inputs]
    sent = ask(node, rule, taken, y, values, kwargs, needs)
    i = -1
    for gx in sent:
        i += 1
        if not needs[i]:
            continue
        arg, passed = values[i], None
        if conjugates:
            gx = np.conjugate(gx)
        if mask is not None or rule.selects:
            if gx.__class__ is _FLOAT and gx - gx == 0 and (gx or elementwise):
                passed = None if gx else mask  # a finite number other than 0 is live
            elif elementwise or sweep.hears(inputs[i]):
                gx, passed = silence(rule, _sender(node, rule, i), mask, g, gx)
        kind = gx.__class__
        if kind is not arg.__class__ or (
            kind is not _FLOAT and kind is not tuple and (gx.shape != arg.shape or gx.dtype is not arg.dtype)
        ):
            if passed is not None and gx.shape != arg.shape:
                passed = passed.summed(arg.shape)
            gx = fit(gx, arg, rule, node, i)
        kind = gx.__class__
        if kind is not _FLOAT and kind is not _ARRAY and not (sweep.inside and sweep.leads_out(inputs[i])):
            gx, passed = _shared(gx, passed, inputs[i], node)
        if sweep.checks:
            _check(node, g, gx)
        if passed is not None and sweep.hears(inputs[i]):
            if gx.__class__ is not _FLOAT:
                gx = Masked(gx, passed)
            elif not passed.live():
                gx = DEAD
        sent[i] = gx
    return sent


def _at_once(rule: Rule, g: Cotangent, args: Sequence[Any]) -> Any:
    """What makes one step of a plan of this pull; None if the rules run as they are."""
    traced = getattr(g, "__array_pull__", None)
    return None if traced is None or rule.apart or any(map(is_batched, args)) else traced


def between(outputs: Iterable[Node], sources: Iterable[Node], since: int = -1) -> set[Node]:
    """The sources, and the steps that lead from them to the outputs."""
    found = set(sources)
    for step in tape_order(outputs, since):
        if any(isinstance(parent, Node) and parent in found for parent in step.inputs):
            found.add(step)
    return found


def _shared(gx: Cotangent, mask: Mask | None, parent: Node, node: Node) -> tuple[Cotangent, Mask | None]:
    """The cotangent of an input and its mask, summed over the members of a batch if they share the input."""
    if gx.__class__ is tuple:  # of a step with several results
        return tuple([_shared(item, None, parent, node)[0] for item in gx]), mask
    shared = getattr(unwrap(gx), "__array_shared__", None)
    if shared is None:
        return gx, mask
    return shared(gx, parent.index, node.index), mask and mask.over_members(parent.index, node.index)


def _taken(rule: Rule, g: Cotangent, y: Any) -> tuple[Cotangent, Cotangent, bool]:
    """Prepare the cotangent of a step's output for its rules.

    Returns:
        The cotangent with zeros for unused results, the cotangent to give to the rules, and whether the
        latter is the conjugate.
    """
    if g.__class__ is tuple and not rule.partial:
        g = complete(g, y)
    conjugates = not rule.plain and is_complex(g)
    return g, conjugate(g) if conjugates else g, conjugates


def _dead(args: Sequence[Any], inputs: Sequence[Any], sweep: Sweep) -> list[Cotangent] | None:
    """The cotangents that an elementwise step on single numbers sends back if its own cotangent is dead.

    Written out for speed, since graphs of single numbers have many of these steps. None if an input is not a
    single number in double precision.
    """
    sent: list[Cotangent] = []
    for parent, arg in zip(inputs, args):  # noqa: B905  (as long as one another; checking takes time)
        place = parent.__class__
        if (place is not Node and place is not Leaf) or (sweep.only is not None and parent not in sweep.only):
            sent.append(None)
        elif arg.__class__ is not _FLOAT:
            return None
        elif place is Node and parent.index > sweep.since and known[parent.op].flow != "mixes":
            sent.append(DEAD)
        else:
            sent.append(_ZERO)
    return sent


def ask(
    node: Node,
    rule: Rule,
    g: Cotangent,
    y: Any,
    args: Sequence[Any],
    kwargs: dict[str, Any] | None,
    needs: Sequence[bool],
) -> list[Any]:
    """Call the rules of a step with a cotangent. Returns their results as they are; None where not needed."""
    i, options = -1, kwargs or {}
    sent: list[Any] = []
    try:
        if rule.joint is None:
            for need in needs:
                i += 1
                if not need:
                    sent.append(None)
                elif kwargs is None:  # written out: passing an empty dictionary takes as long as a product
                    sent.append(rule.vjps[i](g, y, *args))
                else:
                    sent.append(rule.vjps[i](g, y, *args, **kwargs))
            return sent
        i = 0
        if rule.takes("needs"):
            options = {**options, "needs": tuple(needs)}
        pulled = rule.joint(g, y, *args, **options)
        if not isinstance(pulled, (tuple, list)) or len(pulled) != len(args):
            raise ShapeError(
                f"the joint rule of {op_name(node.op)} returned {how_many(pulled)} cotangents for "
                f"{len(args)} arguments; return one for each"
            )
        return [gx if need else None for gx, need in zip(pulled, needs, strict=True)]
    except BatchError as error:  # a value decides: it is asked of one member of the batch at a time
        if error.level is None:
            raise
        again: Any = functools.partial(ask, node, rule)
        again.__name__ = f"the derivative of {op_name(node.op)}"
        sent = error.level.looped(again, (g, y, list(args), kwargs, list(needs)), {})
        return sent
    except Exception as error:
        blame(node, rule, i, error)
        raise


def _sender(node: Node, rule: Rule, i: int) -> Callable[[Any], Any]:
    """The pullback of a step to its i-th input, on plain arrays."""
    y, args, kwargs = node.value, node.args, node.kwargs
    needs = [j == i for j in range(len(args))]
    return lambda g: ask(node, rule, g, y, args, kwargs, needs)[i]


def _lifted(node: Node, lines: _Lines | None) -> tuple[Any, tuple[Any, ...]]:
    """The output and the inputs of a step as Tensors, so that its rules record themselves."""
    value = node.value
    if lines is not None and node.notes is not None:
        lines.line = f"{node.notes.line}, in the derivative of {op_name(node.op)}"
    y: Any = lift(value, node)
    if value.__class__ is tuple:
        y = tuple(output_of(y, i) for i in range(len(value)))
    pairs = zip(node.args, node.inputs, strict=True)
    return y, tuple(lift(arg, parent) if isinstance(parent, Node) else arg for arg, parent in pairs)


# -- for pictures and checks -----------------------------------------------------------------------


def contributions(node: Node, adjoint: Any = None) -> tuple[Any, ...]:
    """The cotangents that `node` sent back to its inputs; None for a constant or an unknown cotangent.

    Pictures show them on the edges. A value that is used twice gets two contributions; its adjoint is their
    sum.

    Args:
        node: a recorded step.
        adjoint: the cotangent to send, in the shape of the value; 1 gives the local derivatives of a step
            on single numbers. Default: the adjoint of the last backward pass.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(3.0, requires_grad=True)
        >>> y = x * x
        >>> y.backward()
        >>> [float(g) for g in contributions(y.node)], float(x.node.adjoint)
        ([3.0, 3.0], 6.0)
        >>> [float(g) for g in contributions(y.node, np.float64(10.0))]
        [30.0, 30.0]
    """
    arrived = node.adjoint if adjoint is None else adjoint
    if arrived is None or not node.args:
        return (None,) * len(node.inputs)
    rule: Rule = known[node.op]
    sent = pulled(node, arrived)
    for i, gx in enumerate(sent):
        if gx is not None and gx.__class__ is not tuple:
            gx = fit(gx, node.args[i], rule, node, i)
            total = node.inputs[i].adjoint if adjoint is None else None
            if total is not None and not every(np.isfinite(gx)):
                # A contribution to a finite sum that is not finite comes from a dead entry.
                gx = np.where(np.isfinite(total) & ~np.isfinite(gx), 0, gx)[()]
            sent[i] = gx
    return tuple(sent)


def pulled(node: Node, g: Cotangent) -> list[Any]:
    """The results of a kept step's rules for the cotangent `g`, before any cast."""
    rule: Rule = known[node.op]
    _, taken, conjugates = _taken(rule, g, node.value)
    needs = [isinstance(parent, Node) for parent in node.inputs]
    with np.errstate(all="ignore"):
        sent = ask(node, rule, taken, node.value, node.args, node.kwargs, needs)
        return [np.conjugate(gx) if conjugates and need else gx for gx, need in zip(sent, needs, strict=True)]


# -- errors ----------------------------------------------------------------------------------------


def already_played(node: Node) -> TapeError:
    """The error for a step that a backward pass has released."""
    return TapeError(
        f"the tape has been played through {op_name(node.op)} already (or a pass through it was "
        "interrupted), and what it held was released. To go backward twice through the same steps, write "
        "backward(retain_graph=True) the first time; otherwise compute the result anew before each backward()"
    )


def blame(node: Node, rule: Rule, i: int, error: Exception) -> None:
    """Add to an exception which rule raised it; raise a clearer error if the rule is missing."""
    separate = isinstance(rule.vjps, tuple) and rule.joint is None
    if separate and (i >= len(rule.vjps) or rule.vjps[i] is None):
        raise no_rule(node, i) from None
    came = ", ".join(describe(arg) for arg in node.args)
    error.add_note(f"in the derivative rule of {op_name(node.op)}({came}) for argument {i}")
    if isinstance(error, TypeError):
        error.add_note("a rule gets the cotangent, the output, and the op's arguments: lambda g, y, x: ...")
    if node.notes is not None and node.notes.line:
        error.add_note(f"recorded at {node.notes.line}")
    if isinstance(error, _STUMBLES) and not isinstance(error, AutogradLiteError) and not is_users(node.op):
        raise UnsupportedError(
            f"{op_name(node.op)}({came}) gives a value, but its derivative rule for argument {i} cannot take "
            f"this call: {error}. Pass arrays and plain numbers, in the shapes that NumPy documents"
        ) from error


_STUMBLES = (*STUMBLES, TypeError, ValueError, IndexError)


def _check(node: Node, g: Any, gx: Any) -> None:
    """Under `detect_anomaly`: raise if a rule made NaN or inf from a finite cotangent."""
    if not finite(gx) and finite(g):
        where = node.notes.line if node.notes is not None else None
        raise AnomalyError(
            f"the derivative of {op_name(node.op)} produced {nonfinite(gx)} from a finite cotangent, at "
            f"{', '.join(describe(arg) for arg in node.args)}" + (f"; recorded at {where}" if where else "")
        )
