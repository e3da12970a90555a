"""Playing the tape backwards.

`play` is the whole of reverse mode: take the latest step, call its rules with the
cotangent of its output, and add the results to the cotangents of its inputs.
With `record=True` the same rules run on Tensors instead of arrays, and so record
themselves. This gives derivatives of derivatives.
"""

from __future__ import annotations

import sys
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from . import tree
from .arrays import door, is_number, on_host, ones, owned, stored, unwrap
from .box import Box, lift, wrap
from .cotangents import Cotangent, Masked, add, bare, fit
from .errors import (
    DTypeError,
    ShapeError,
    TapeError,
)
from .given import as_numbers
from .joint_hooks import arrivals_of, groups_of, replacement
from .kept import check_constants, check_values, handed_out
from .known import Rule, known
from .node import Leaf, Node, changing
from .pull import Sweep, already_played, between, blame, pull
from .recording import Block, current, hold, put, silent
from .tape import Tape
from .tensor import Tensor
from .words.explain import describe

__all__ = ["backward", "play", "receive"]

_FLOAT = np.float64
_ONE = _FLOAT(1.0)
_ARRAY = np.ndarray


def play(seeds: dict[Node, Cotangent], sweep: Sweep) -> dict[Node, Cotangent]:
    """Send cotangents from outputs back along the tape; return those of leaves, and those the sweep wants.

    Args:
        seeds: a cotangent for each output, in its shape and dtype.
        sweep: the options of the pass.
    """
    # The latest step is next: all uses of its value are played. The others are a heap, empty in a chain.
    since, wanted, retain, handed = sweep.since, sweep.wanted, sweep.retain, handed_out[0]
    waiting = [(-node.index, node) for node in seeds if node.op is not None and node.index > since]
    heapify(waiting)
    latest = heappop(waiting)[1] if waiting else None
    cotangents, outer = dict(seeds), current()
    inner, checks, spends = sweep.begin(outer), sweep.checks or sweep.only, not (retain or sweep.keep)
    try:
        put(inner)
        with np.errstate(all="ignore"):  # 1/0 is inf at the edge of a domain: detect_anomaly names it
            while latest is not None:
                node, latest = latest, heappop(waiting)[1] if waiting else None
                if node.played:  # read the fields at once: another thread may play and release the step
                    raise already_played(node)
                y, args, inputs = node.value, node.args, node.inputs
                rule, g = known[node.op], cotangents.pop(node)
                if node.notes is not None or node.index < handed or (wanted and node in wanted):
                    g = _noticed(node, rule, g, sweep)
                sent, kind, i = None, g.__class__, -1
                ordinary = rule.ordinary and node.kwargs is None and not checks
                if not ordinary or (kind is not _FLOAT and (kind is not _ARRAY or g.dtype.kind == "c")):
                    sent = pull(node, rule, g, sweep)
                for parent in inputs:
                    i += 1
                    place = parent.__class__
                    if (place is not Node and place is not Leaf) or (
                        since >= 0 and parent.index <= since and parent not in wanted
                    ):
                        continue
                    if sent is not None:
                        gx, sent[i] = sent[i], None
                        if gx is None:
                            continue
                    else:
                        try:
                            if len(args) == 2:  # written out: unpacking takes as long as a product
                                gx = rule.vjps[i](g, y, args[0], args[1])
                            else:
                                gx = rule.vjps[i](g, y, *args)
                        except Exception as error:
                            blame(node, rule, i, error)
                            raise
                        kind, arg = gx.__class__, args[i]
                        if kind is not arg.__class__ or (
                            kind is _ARRAY and (gx.shape != arg.shape or gx.dtype is not arg.dtype)
                        ):
                            gx = fit(gx, arg, rule, node, i)
                    if parent in cotangents:
                        cotangents[parent] = add(cotangents[parent], gx)
                        continue
                    cotangents[parent] = gx
                    if place is Leaf or parent.index <= since:
                        continue
                    if latest is not None and parent.index < latest.index:
                        heappush(waiting, (-parent.index, parent))
                        continue
                    if latest is not None:
                        heappush(waiting, (-latest.index, latest))
                    latest = parent
                if y.__class__ is _FLOAT and rule.broadcasts and not node.played:
                    node.adjoint, node.played = g if g.__class__ is _FLOAT else bare(g), not retain
                elif spends and ordinary and y.__class__ is _ARRAY and not (node.notes or node.played):
                    node.played, node.inputs, node.args, node.value = True, (), (), None
                else:
                    _release(node, rule, g, sweep)
    finally:
        sweep.end(put(outer).old_value, inner)  # `put`, a C function, runs even after an interrupt
    return {**sweep.arrived, **cotangents}


def _noticed(node: Node, rule: Rule, g: Cotangent, sweep: Sweep) -> Cotangent:
    """Check the constants of a step, call its hooks, and keep its cotangent if it is wanted."""
    if node.index < handed_out[0]:
        check_values(node, rule)
    notes, masked = node.notes, g.__class__ is Masked
    own = g.g if masked else g
    if notes is not None:
        if notes.watched:
            check_constants(node, notes.watched)
            notes.watched = notes.watched if sweep.retain else ()
        own = receive(node, own)
    if node in sweep.wanted or (notes is not None and notes.wants_grad):
        sweep.arrived[node] = own
    return Masked(own, g.mask) if masked else own


def _release(node: Node, rule: Rule, g: Cotangent, sweep: Sweep) -> None:
    """Free the arrays of a step, unless the tape keeps the step or it is to be played again."""
    if not sweep.retain:
        if node.played:
            raise already_played(node)
        node.played = True
    kind, notes = node.value.__class__, node.notes
    if (kind is not _ARRAY and kind is not tuple) or sweep.keep or (notes is not None and notes.on_tape):
        node.adjoint = bare(g)
        if sweep.retain or rule.broadcasts or _kept_whole(node):
            return
        node.args = ()
    elif sweep.retain:
        return
    else:  # free arrays as soon as they have been used
        node.inputs = node.args = ()
        node.value = None
    if rule.joint is not None:
        node.kwargs = None  # residuals


def _kept_whole(node: Node) -> bool:
    """Whether a kept step may keep its arguments: if a `Tape` holds it, or all are single numbers."""
    return (node.notes is not None and node.notes.on_tape) or all(map(is_number, node.args))


def receive(node: Node, g: Any) -> Any:
    """Call the hooks of a node; the result of a hook replaces the cotangent."""
    for hook in tuple(node.hooks.values()):
        new = hook(g if isinstance(g, Box) else wrap(g))
        if new is not None:
            g = replacement(new, g)
    return g


def backward(
    self: Tensor,
    gradient: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Play the tape backwards from this Tensor, and add the gradients to `grad` of the leaves.

    Args:
        gradient: the cotangent to start from, an array or Tensor of this shape. Default: 1, for a
            single number.
        retain_graph: keep the tape for another pass. Default: `create_graph`.
        create_graph: record the pass itself, so that gradients can be differentiated again.

    Raises:
        TapeError: nothing was recorded, or the tape has been played already.
        ShapeError: `gradient` is missing and this is no single number, or `gradient` has another shape.

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
    cotangents = play({self.node: seed}, Sweep(record=create_graph, retain=retain, keep=retain))
    del seed
    hooked = [x for x in cotangents if x.__class__ is Leaf and x.hooks]
    if not (hooked or create_graph):
        _arrive(cotangents, retain)
        return
    held = hold(Block(Sweep().recorded if create_graph else silent, sys._getframe()))
    try:
        next(held)
        for node in hooked:  # all hooks come first: if one raises, no gradient has changed
            cotangents[node] = receive(node, cotangents[node])
        for group in groups_of(hooked):
            group.receive(cotangents)
        _arrive(cotangents, retain)
        for arrival in arrivals_of(hooked):
            arrival.call()
    finally:
        held.close()


def _arrive(cotangents: dict[Node, Any], retain: bool) -> None:
    """Add the cotangents of leaves to their gradients, and empty the dictionary.

    Threads add one after another. If a program sets `x.grad`, which takes no lock, while the sum is
    computed, the sum is computed anew.
    """
    with changing:
        while cotangents:
            node, g = cotangents.popitem()
            number = g.__class__ is _FLOAT and node.value.__class__ is not _ARRAY
            # An array that nobody else holds becomes the gradient; any other array is copied.
            alone = number or (sys.getrefcount(g) <= _ALONE and getattr(g, "base", g) is None)
            while True:
                had = node.grad
                if number:
                    grad = wrap(g if had is None else had._data + g)
                else:
                    grad = _added(had, g, shared=not alone)
                    if node.op is None and grad.dtype != node.value.dtype:  # sums are in NumPy's byte order
                        grad = grad.astype(node.value.dtype)
                if node.grad is had:
                    node.grad = grad
                    break
            if number or retain or is_number(unwrap(g)) or (node.notes is not None and node.notes.on_tape):
                node.adjoint = unwrap(g)


def _added(had: Tensor | None, g: Any, shared: bool) -> Any:
    """The sum of a gradient and a cotangent, in an array of its own."""
    if isinstance(g, Box):
        if had is not None:
            return had + g
        own = owned(g._data) if g.ndim else g._data
        return wrap(own) if g.node is None else lift(own, g.node)
    if had is not None:
        return wrap(had._data + g)
    return wrap(owned(g) if shared and g.ndim else g)


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
    if (whole := door(value)) is not None and on_host(raw):
        raw = whole(np.array, (raw,), {})
    raw = raw.astype(value.dtype, copy=False)
    raw = raw if raw.ndim else raw[()]
    return wrap(raw) if create_graph else raw


def _tape_gradient(
    self: Tape,
    target: Tensor,
    sources: Any,
    gradient: Any = None,
    create_graph: bool = False,
    keep: bool = True,
    retain_graph: bool = True,
) -> Any:
    """d(target)/d(sources). No `grad` changes, and the tape is kept for further calls.

    Args:
        target: a recorded Tensor.
        sources: a leaf, an intermediate Tensor, or nested tuples, lists and dicts of them.
        gradient: the cotangent to start from. Default: 1, for a single number.
        create_graph: record the pass itself, so that the gradients can be differentiated again.
        keep: play all steps, and keep their adjoints. Otherwise play the steps between the sources and the
            target alone.
        retain_graph: with `keep=False`, whether these steps may be played again; if not, the pass frees
            their arrays as it goes.

    Returns:
        Tensors in the structure of `sources`; zeros for a source that the target does not depend on.

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
    only = None if keep else between({target.node}, wanted)
    sweep = Sweep(wanted=wanted, record=create_graph, retain=keep or retain_graph, keep=keep, only=only)
    arrived = play({target.node: seed}, sweep)
    for node, g in arrived.items():
        if node.op is None:
            arrived[node] = g = receive(node, g)
        if keep:
            node.adjoint = unwrap(g)
    zeros = np.zeros_like
    if create_graph:
        return rebuild([arrived[s.node] if s.node in arrived else wrap(zeros(s._data)) for s in leaves])
    return rebuild([wrap(stored(owned(arrived.get(s.node, zeros(s._data))).astype(s.dtype))) for s in leaves])


Tensor.backward.give(backward)
Tape.gradient.give(_tape_gradient)
