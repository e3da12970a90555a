"""Playing the tape backwards.

`play` is the whole of reverse mode: take the latest step, call its rules with the
cotangent that has arrived, add what they return to the cotangents of its inputs.
With `record=True` the same rules run on Tensors instead of arrays and put
themselves on the tape, which is how derivatives of derivatives come about.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from . import tree
from .arrays import every, finite, is_array, is_number, ones, owned, refuse_other_arithmetic, unwrap
from .constants import check_constants, check_values, handed_out
from .errors import (
    AnomalyError,
    AutogradLiteError,
    DTypeError,
    NotDifferentiableError,
    ShapeError,
    TapeError,
    UnsupportedError,
)
from .explain import STUMBLES, describe, how_many, is_users
from .liveness import Mask, fold, pass_through, unite
from .recording import Block, Change, State, current, entered, hold, put, silenced, silent, without
from .rules import Rule, rules
from .sums import unbroadcast
from .tape import Node, Notes, Tape, changing, check_forward, nonfinite, op_name
from .tensor import Tensor, as_numbers, lift, output, output_of, stored, wrap

__all__ = ["backward", "contributions", "play"]

_FLOAT = np.float64
_ONE = _FLOAT(1.0)
_ARRAY = np.ndarray


def play(
    seeds: dict[Node, Any],
    *,
    since: int = -1,
    wanted: Container[Node] = frozenset(),
    record: bool = False,
    retain: bool = False,
    keep: bool = False,
) -> dict[Node, Any]:
    """Send cotangents from outputs back along the tape.

    Args:
        seeds: a cotangent for each output node, in its shape and dtype.
        since: steps at or before this place are not played.
        wanted: nodes at or before `since` whose cotangents are of interest; with `since` at -1,
            intermediate steps whose cotangents are returned besides those of the leaves.
        record: put the backward pass itself on the tape.
        retain: keep the steps, so that they can be played again.
        keep: keep the adjoint of every step.

    Returns:
        The cotangents that arrived at leaves, at the `wanted` nodes, and at steps that retain theirs.
    """
    # The latest step is always next, for all that used its value has been played by then. Of the
    # steps that wait it is held apart; the others are a heap, which in a chain stays empty.
    waiting = [(-node.index, node) for node in seeds if node.op is not None and node.index > since]
    heapify(waiting)
    latest = heappop(waiting)[1] if waiting else None
    cotangents, arrived = dict(seeds), {}
    masks: dict[Node, Mask] = {}
    outer = now = current()
    checks = check_forward in outer.watchers
    handed = handed_out[0]
    lines = _Lines() if record and checks else None
    inner = entered(outer, Block(_recorded(lines))) if record else silenced(outer)
    try:
        put(inner)
        with np.errstate(all="ignore"):  # 1/0 is inf at the edge of a domain: detect_anomaly names it
            while latest is not None:
                node = latest
                latest = heappop(waiting)[1] if waiting else None
                if node.played:
                    raise _already_played(node)
                # Read at once, with `played`: another thread may play the step too, and release it.
                y, args, kwargs, inputs = node.value, node.args, node.kwargs, node.inputs
                g = cotangents.pop(node)
                rule = rules[node.op]  # type: ignore[index]
                if handed and node.index < handed:
                    check_values(node, rule)
                if node.notes is not None:
                    if node.notes.watched:
                        check_constants(node, node.notes.watched)
                        node.notes.watched = node.notes.watched if retain else ()
                    g = receive(node, g)
                    if node.notes.retains:
                        arrived[node] = g
                if wanted and node in wanted:
                    arrived[node] = g
                # g is the cotangent of the output, up the same as the rules want it; gx will be
                # that of an input, and live the mask of its entries that are not dead.
                up, conjugate = g, False
                if g.__class__ is not _FLOAT and (g.__class__ is not _ARRAY or g.dtype.kind == "c"):
                    if record:
                        y, args = _lifted(y, args, node, inputs, lines)
                    g, up, conjugate = _prepared(rule, g, y)
                pulled = None
                if rule.joint is not None:
                    pulled = _jointly(node, rule, up, y, args, kwargs, inputs, since, wanted)
                mask = masks.pop(node, None) if masks else None
                i = -1
                for parent in inputs:
                    i += 1
                    if parent.__class__ is not Node or (
                        since >= 0 and parent.index <= since and parent not in wanted
                    ):
                        continue
                    try:
                        if pulled is not None:
                            gx = pulled[i]
                        elif kwargs is not None:
                            gx = rule.vjps[i](up, y, *args, **kwargs)
                        elif len(args) == 2:  # written out: unpacking costs as much as a product
                            gx = rule.vjps[i](up, y, args[0], args[1])
                        else:
                            gx = rule.vjps[i](up, y, *args)
                    except Exception as error:
                        _blame(node, rule, i, error)
                        raise
                    if conjugate:
                        gx = np.conjugate(gx)
                    live, arg = None, args[i]
                    if (mask or rule.selects) and (rule.flow == "elementwise" or _hears(parent, since)):
                        # Of a single number it is known at once: a finite one that is not 0 is live.
                        if gx.__class__ is not _FLOAT or gx - gx:
                            gx, live = pass_through(rule, _puller(node, rule, i), mask, g, gx)
                        elif not gx:
                            live = mask
                            if rule.flow != "elementwise":
                                gx, live = pass_through(rule, _puller(node, rule, i), mask, g, gx)
                    kind = gx.__class__
                    if kind is not arg.__class__ or (
                        kind is not _FLOAT
                        and kind is not tuple
                        and (gx.shape != arg.shape or gx.dtype is not arg.dtype)
                    ):
                        gx, live = _fit(gx, arg, rule, node, i, live)
                    if checks:
                        _check(node, g, gx)
                    if parent not in cotangents:
                        cotangents[parent] = gx
                        if parent.op is None or parent.index <= since:
                            continue
                        if live is not None and _hears(parent, since):
                            masks[parent] = live
                        if latest is None:
                            latest = parent
                        elif parent.index > latest.index:
                            heappush(waiting, (-latest.index, latest))
                            latest = parent
                        else:
                            heappush(waiting, (-parent.index, parent))
                    else:
                        cotangents[parent] = _sum(cotangents[parent], gx)
                        if parent in masks:
                            _unite(masks, parent, live)
                if not retain:
                    if node.played:
                        raise _already_played(node)
                    node.played = True
                kind, notes = node.value.__class__, node.notes
                single = kind is not _ARRAY and kind is not tuple
                if single or keep or (notes is not None and notes.keeps):
                    node.adjoint = unwrap(g) if record else g
                    if not (retain or rule.broadcasts or _kept_whole(node)):
                        node.args = ()
                        if rule.joint is not None:
                            node.kwargs = None  # residuals
                elif not retain:  # let go of arrays as soon as they have been used
                    node.inputs = node.args = ()
                    node.value = None
                    if rule.joint is not None:
                        node.kwargs = None  # residuals
    finally:
        try:
            now = current()  # other than `inner` if a generator has entered a block, or left one
        finally:  # first of all what an interrupt cannot prevent
            put(outer)
            if now is not inner:
                put(without(now, inner.block))
            if outer.__class__ is not State:
                inner.block.frame = None  # this frame, which holds the block
    arrived.update(cotangents)
    return arrived


def _prepared(rule: Rule, g: Any, y: Any) -> tuple[Any, Any, bool]:
    """What the rules are called with where g is a Tensor, complex, or one cotangent of several."""
    if g.__class__ is tuple:
        g = g if rule.partial else _complete(g, y)
    conjugate = _is_complex(g) and not rule.plain
    return g, _conjugate(g) if conjugate else g, conjugate


def _hears(parent: Node, since: int) -> bool:
    """Whether a mask is of any use to a step: not to a leaf, nor to one that mixes its inputs."""
    return parent.op is not None and parent.index > since and rules[parent.op].flow != "mixes"


def _unite(masks: dict[Node, Mask], node: Node, live: Mask | None) -> None:
    """Fan-in of masks: an entry is live if one of its uses is."""
    both = unite(masks.pop(node), live)
    if both is not None:
        masks[node] = both


class _Lines:
    """Notes on the steps of a recorded pass which derivative they belong to."""

    line: str | None = None

    def __call__(self, node: Node) -> None:
        node.note().line = self.line


def _recorded(lines: _Lines | None) -> Change:
    """The state of a pass that is recorded. Tapes hear of its steps; the search for anomalies looks at the
    gradients themselves, after dead entries have been silenced."""

    def change(outer: State) -> State:
        listeners = tuple([hear for hear in outer.watchers if hear is not check_forward])
        listeners = listeners if lines is None else (*listeners, lines)
        return State(listeners, outer.watchers, False, outer.transforms, outer.recomputing)

    return change


def _jointly(
    node: Node,
    rule: Rule,
    g: Any,
    y: Any,
    args: Any,
    kwargs: dict[str, Any] | None,
    inputs: tuple[Any, ...],
    since: int,
    wanted: Container[Node],
) -> tuple[Any, ...] | list[Any]:
    """What a joint rule returns, one cotangent for each argument."""
    everything = since < 0
    needs = tuple([x.__class__ is Node and (everything or x.index > since or x in wanted) for x in inputs])
    try:
        pulled = _pulled_jointly(rule, g, y, args, kwargs or {}, needs)
        if not isinstance(pulled, (tuple, list)) or len(pulled) != len(args):
            raise ShapeError(
                f"the joint rule of {op_name(node.op)} returned {how_many(pulled)} cotangents for "
                f"{len(args)} arguments; return one for each"
            )
    except Exception as error:
        _blame(node, rule, 0, error)
        raise
    return pulled


def _pulled_jointly(
    rule: Rule, g: Any, y: Any, args: Any, options: dict[str, Any], needs: tuple[bool, ...]
) -> tuple[Any, ...]:
    """What a joint rule returns; it is told which cotangents are wanted if it asks for that."""
    if rule.takes("needs"):
        options = {**options, "needs": needs}
    return rule.joint(g, y, *args, **options)  # type: ignore[misc, no-any-return]


# -- one edge --------------------------------------------------------------------------------------


def _fit(
    gx: Any, arg: Any, rule: Rule, node: Node, i: int, live: Mask | None = None
) -> tuple[Any, Mask | None]:
    """Bring what a rule returned, and its mask, to the shape and dtype of the input."""
    if not (isinstance(gx, Tensor) or is_array(gx)):
        if gx is None:
            raise NotDifferentiableError(_no_rule(node, i))
        if node.op is output:
            return gx, live
        if not isinstance(gx, (int, float, complex)):
            raise _no_cotangent(node, i, gx)
        gx = np.asarray(gx)
    elif gx.__class__ is not _ARRAY:
        refuse_other_arithmetic(gx, f"the derivative rule of {op_name(node.op)} for argument {i}")
    if gx.shape != arg.shape:
        if not rule.broadcasts:
            raise ShapeError(
                f"the derivative rule of {op_name(node.op)} for argument {i} returned shape {gx.shape}, "
                f"but the argument has shape {arg.shape}; if the op broadcasts, say so with "
                "@ag.primitive(broadcasts=True)"
            )
        gx = unbroadcast(gx, arg.shape)
        live = live and fold(live, _to_shape(arg.shape))
    if gx.dtype != arg.dtype:
        if gx.dtype.kind not in "biufc":
            raise _no_cotangent(node, i, gx)
        if gx.dtype.kind == "c" and arg.dtype.kind != "c":
            gx = np.real(gx)
        gx = gx.astype(arg.dtype)
    if isinstance(arg, Tensor):
        return (gx if isinstance(gx, Tensor) else wrap(gx)), live
    gx = unwrap(gx)
    return (gx[()] if gx.ndim == 0 else gx), live


def _sum(a: Any, b: Any) -> Any:
    """Fan-in: two uses of one value. A large newcomer that nobody else holds takes up the sum, in memory that
    is still in the cache; else out of place, for either may be a view of something."""
    if a.__class__ is _FLOAT:
        return a + b
    if a.__class__ is tuple:
        return tuple(y if x is None else x if y is None else _sum(x, y) for x, y in zip(a, b, strict=True))
    fresh = b.__class__ is _ARRAY and b.size >= _LARGE and sys.getrefcount(b) <= _FRESH
    if fresh and a.__class__ is _ARRAY and b.base is None and b.flags.writeable:
        return np.add(a, b, out=b)
    total = a + b
    return total if total.dtype == a.dtype else total.astype(a.dtype)  # NumPy adds in its own byte order


_LARGE = 1 << 15


def _fresh() -> int:
    g = np.zeros(1)
    return (lambda a, b: sys.getrefcount(b))(None, g)


_FRESH = _fresh()
"""The references to an array that only the caller of `_sum` holds."""


def _complete(g: tuple[Any, ...], y: tuple[Any, ...]) -> tuple[Any, ...]:
    """Cotangents of all the outputs of an op; zeros for those that were not used."""
    return tuple(np.zeros_like(v) if x is None else x for x, v in zip(g, y, strict=True))


def _is_complex(g: Any) -> bool:
    if g.__class__ is tuple:
        return any(x is not None and _is_complex(x) for x in g)
    return bool(g.dtype.kind == "c")


def _conjugate(g: Any) -> Any:
    """Rules are written for plain calculus, y -> g dy/dx. The gradient of a real loss, as the direction
    of steepest ascent, is conj(conj(g) dy/dx): conjugate on the way in and on the way out."""
    if g.__class__ is tuple:
        return tuple(x if x is None else np.conjugate(x) for x in g)
    return np.conjugate(g)


def _puller(node: Node, rule: Rule, i: int) -> Callable[[Any], Any]:
    """The rule of `node` for input `i` on plain arrays, as a function of the cotangent alone."""
    y, args, kwargs = node.value, node.args, node.kwargs or {}
    if rule.joint is not None:
        needs = tuple(j == i for j in range(len(args)))
        return lambda g: _pulled_jointly(rule, g, y, args, kwargs, needs)[i]
    vjp = rule.vjps[i]
    return lambda g: vjp(g, y, *args, **kwargs)


def _to_shape(shape: tuple[int, ...]) -> Callable[[Any], Any]:
    return lambda g: unbroadcast(g, shape)


def _lifted(
    value: Any, args: tuple[Any, ...], node: Node, inputs: tuple[Any, ...], lines: _Lines | None
) -> tuple[Any, tuple[Any, ...]]:
    """Output and inputs of a step as Tensors, so that its rules record themselves."""
    if lines is not None and node.notes is not None:
        lines.line = f"{node.notes.line}, in the derivative of {op_name(node.op)}"
    y: Any = lift(value, node)
    if value.__class__ is tuple:
        y = tuple(output_of(y, i) for i in range(len(value)))
    args = tuple(
        lift(arg, parent) if parent.__class__ is Node else arg
        for arg, parent in zip(args, inputs, strict=True)
    )
    return y, args


def contributions(node: Node, adjoint: Any = None) -> tuple[Any, ...]:
    """What `node` sent back along each of its edges; None for constants, or where nothing is known.

    Pictures show it: a value that is used twice gets two contributions, and its adjoint is their sum.

    Args:
        node: a recorded step.
        adjoint: what it would send if this arrived, in the shape of its value; 1 gives the local
            derivatives of a step from numbers to a number. Left out: what did arrive.

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
    rule = rules[node.op]  # type: ignore[index]
    sent = list(pulled(node, arrived))
    for i, gx in enumerate(sent):
        if gx is not None and gx.__class__ is not tuple:
            gx, _ = _fit(gx, node.args[i], rule, node, i)
            total = node.inputs[i].adjoint if adjoint is None else None
            if total is not None and not every(np.isfinite(gx)):
                # What is not finite, though the sum of it is, came from a dead entry.
                gx = np.where(np.isfinite(total) & ~np.isfinite(gx), 0, gx)[()]
            sent[i] = gx
    return tuple(sent)


def pulled(node: Node, g: Any) -> tuple[Any, ...]:
    """What the rules of a kept step return for the cotangent `g`, as they return it."""
    rule = rules[node.op]  # type: ignore[index]
    if g.__class__ is tuple:
        g = g if rule.partial else _complete(g, node.value)
    conjugate = _is_complex(g) and not rule.plain
    result: list[Any] = [None] * len(node.inputs)
    with np.errstate(all="ignore"):
        for i, parent in enumerate(node.inputs):
            if parent.__class__ is Node:
                gx = _puller(node, rule, i)(_conjugate(g) if conjugate else g)
                result[i] = np.conjugate(gx) if conjugate else gx
    return tuple(result)


# -- one node --------------------------------------------------------------------------------------


def _kept_whole(node: Node) -> bool:
    """Whether a kept step may keep its arguments too: not if a single number came from an array."""
    return (node.notes is not None and node.notes.keeps) or all(map(is_number, node.args))


def receive(node: Node, g: Any) -> Any:
    """Call the hooks of a node; what one returns takes the place of the cotangent."""
    hooks = node.notes.hooks if node.notes is not None else {}
    for hook in tuple(hooks.values()):
        replaced = hook(g if isinstance(g, Tensor) else wrap(g))
        if replaced is None:
            continue
        value = as_numbers(replaced, "a hook returned").astype(g.dtype, copy=False)
        if value.shape != g.shape:
            raise ShapeError(f"a hook returned shape {value.shape} for a gradient of shape {g.shape}")
        if isinstance(g, Tensor):
            g = replaced if isinstance(replaced, Tensor) else wrap(value)
        else:
            g = value if value.ndim else value[()]
    return g


def _added(had: Tensor | None, g: Any, shared: bool) -> Tensor:
    """A gradient with what has arrived added to it, in an array of its own."""
    if isinstance(g, Tensor):
        if had is not None:
            return had + g
        own = owned(g._data) if g.ndim else g._data
        return wrap(own) if g.node is None else lift(own, g.node)
    if had is not None:
        return wrap(had._data + g)
    return wrap(owned(g) if shared and g.ndim else g)


# -- the public way in -----------------------------------------------------------------------------


def backward(
    self: Tensor,
    gradient: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Play the tape backwards from this Tensor and add up `grad` on the leaves.

    Args:
        gradient: the cotangent to start from, an array or Tensor of this shape; may be left out
            for a single number, where it is 1.
        retain_graph: keep the tape for another pass. Defaults to `create_graph`.
        create_graph: record the pass itself, so that gradients can be differentiated again.

    Raises:
        TapeError: nothing was recorded, or the tape has been played already.
        ShapeError: not a single number and no `gradient`, or one of another shape.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(3.0, requires_grad=True)
        >>> (x * x).backward()
        >>> x.grad.item()
        6.0
    """
    if self.node is None:
        raise TapeError(
            "backward: nothing was recorded, for no input requires a gradient; make one with "
            "Tensor(data, requires_grad=True), and compute outside of no_grad()"
        )
    retain = create_graph if retain_graph is None else retain_graph
    seed = _seed(self, gradient, create_graph)
    cotangents = play({self.node: seed}, record=create_graph, retain=retain, keep=retain)
    del seed
    hooked = [x for x in cotangents if x.notes is not None and x.notes.hooks and x.op is None]
    if not (hooked or create_graph):
        _arrive(cotangents, retain)
        return
    held = hold(Block(_recorded(None) if create_graph else silent, sys._getframe()))
    try:
        next(held)
        for node in hooked:  # all the hooks first: if one raises, no gradient has changed
            cotangents[node] = receive(node, cotangents[node])
        _arrive(cotangents, retain)
    finally:
        held.close()


def _arrive(cotangents: dict[Node, Any], retain: bool) -> None:
    """Add what has arrived to the gradients, and forget it.

    Threads add one after another. Another may set `x.grad`, which takes no lock, while a sum is computed:
    then the sum is computed anew.
    """
    with changing:
        while cotangents:
            node, g = cotangents.popitem()
            notes = node.notes
            if notes is None:
                notes = node.notes = Notes()
            number = g.__class__ is _FLOAT and node.value.__class__ is not _ARRAY
            # An array that nobody else holds may become the gradient; any other is copied.
            alone = number or (sys.getrefcount(g) <= _ALONE and getattr(g, "base", g) is None)
            while True:
                had = notes.grad
                if number:
                    grad = wrap(g if had is None else had._data + g)
                else:
                    grad = _added(had, g, shared=not alone)
                    if node.op is None and grad.dtype != node.value.dtype:  # sums are in NumPy's byte order
                        grad = grad.astype(node.value.dtype)
                if notes.grad is had:
                    notes.grad = grad
                    break
            if number or retain or notes.keeps or is_number(unwrap(g)):
                node.adjoint = unwrap(g)


def _alone() -> int:
    g = np.zeros(1)
    return sys.getrefcount(g)


_ALONE = _alone()


def _seed(output: Tensor, gradient: Any, create_graph: bool) -> Any:
    """The cotangent to start from, in the shape and dtype of the output."""
    value = output._data
    if gradient is None:
        if value.__class__ is _FLOAT:
            return wrap(_ONE) if create_graph else _ONE
        if value.size != 1:
            raise ShapeError(
                f"a backward pass starts from a single number, this Tensor has shape {value.shape}: reduce "
                "it, e.g. y.sum(), or give the cotangent: y.backward(gradient=np.ones_like(y))"
            )
        if value.dtype.kind == "c":
            raise DTypeError(
                f"backward() starts from a real number, this Tensor is {value.dtype}: take abs(y) or "
                "y.real, or give the cotangent: y.backward(gradient=...)"
            )
        gradient = ones(value.shape, like=value)
    raw = as_numbers(gradient, "backward(gradient=...)")
    if raw.dtype.kind == "c" and value.dtype.kind != "c":
        raise DTypeError(
            f"backward(gradient=...): the cotangent is {raw.dtype}, the Tensor {value.dtype}; give a real one"
        )
    if raw.shape != value.shape:
        raise ShapeError(
            f"backward(gradient=...): the cotangent has shape {raw.shape}, the Tensor {value.shape}; "
            "they must be equal, e.g. gradient=np.ones_like(y)"
        )
    if create_graph and isinstance(gradient, Tensor):
        return gradient if gradient.dtype == value.dtype else gradient.astype(value.dtype)
    raw = raw.astype(value.dtype, copy=False)
    raw = raw if raw.ndim else raw[()]
    return wrap(raw) if create_graph else raw


def _tape_gradient(
    self: Tape, target: Tensor, sources: Any, gradient: Any = None, create_graph: bool = False
) -> Any:
    """d(target)/d(sources), without touching any `grad`; the tape can be asked again.

    Args:
        target: a recorded Tensor.
        sources: a Tensor, leaf or intermediate, or nested tuples, lists and dicts of them.
        gradient: the cotangent to start from; may be left out for a single number, where it is 1.
        create_graph: record the pass itself, so that what comes back can be differentiated again.

    Returns:
        Tensors in the structure of `sources`; zeros where the target does not depend on one.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(3.0, requires_grad=True)
        >>> with ag.Tape() as tape:
        ...     y = x * x
        ...     z = y * x
        >>> [g.item() for g in tape.gradient(z, [x, y])]
        [27.0, 3.0]
    """
    leaves, rebuild = tree.flatten(sources)
    if not isinstance(target, Tensor):
        raise TapeError(f"tape.gradient: the target is {describe(target)}, not a Tensor on the tape")
    for source in leaves:
        if not isinstance(source, Tensor) or source.node is None:
            raise TapeError(
                f"tape.gradient: a source is {describe(source)}, which is not on the tape; sources are "
                "Tensors that require a gradient"
            )
    if target.node is None:
        return rebuild([wrap(np.zeros_like(source._data)) for source in leaves])
    seed = _seed(target, gradient, create_graph)
    wanted = {s.node for s in leaves}
    arrived = play({target.node: seed}, record=create_graph, wanted=wanted, retain=True, keep=True)
    for node, g in arrived.items():
        if node.op is None:
            arrived[node] = g = receive(node, g)
        node.adjoint = unwrap(g)
    zeros = np.zeros_like
    if create_graph:
        return rebuild([arrived[s.node] if s.node in arrived else wrap(zeros(s._data)) for s in leaves])
    return rebuild([wrap(stored(owned(arrived.get(s.node, zeros(s._data))).astype(s.dtype))) for s in leaves])


Tensor.backward = backward
Tape.gradient = _tape_gradient


# -- errors ----------------------------------------------------------------------------------------


def _already_played(node: Node) -> TapeError:
    return TapeError(
        f"the tape has been played through {op_name(node.op)} already (or a pass through it was "
        "interrupted), and what it held was released. To go backward twice through the same steps, write "
        "backward(retain_graph=True) the first time; otherwise compute the result anew before each backward()"
    )


def _no_cotangent(node: Node, i: int, gx: Any) -> DTypeError:
    return DTypeError(
        f"the derivative rule of {op_name(node.op)} for argument {i} returned {describe(gx)}, a "
        f"{type(gx).__name__}; it returns one array of numbers, the cotangent of that argument"
    )


def _no_rule(node: Node, i: int) -> str:
    name = op_name(node.op)
    return (
        f"{name} has no derivative rule for argument {i}; give it one with ag.defvjp({name}, ...), or "
        "make the argument a constant: ag.stop_gradient(x)"
    )


def _blame(node: Node, rule: Rule, i: int, error: Exception) -> None:
    """Say in whose rule an exception was raised, or that there is none."""
    separate = isinstance(rule.vjps, tuple) and rule.joint is None
    if separate and (i >= len(rule.vjps) or rule.vjps[i] is None):
        raise NotDifferentiableError(_no_rule(node, i)) from None
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
    """Under `detect_anomaly`: the first rule that turns finite numbers into NaN or inf is named."""
    if not finite(gx) and finite(g):
        where = node.notes.line if node.notes is not None else None
        raise AnomalyError(
            f"the derivative of {op_name(node.op)} produced {nonfinite(gx)} from a finite cotangent, at "
            f"{', '.join(describe(arg) for arg in node.args)}" + (f"; recorded at {where}" if where else "")
        )
