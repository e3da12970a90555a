"""What a step keeps of the arrays that it was given: what they held when the step was recorded.

In `z = w * a` the rule for w multiplies by a. A program may change the array a before it goes backward,
to fill it with the next batch, say. So the step keeps a copy of a small array. Of a large one, whose copy
would take memory, it keeps a fingerprint, and the backward pass raises if the array no longer has it. An
array of which no rule reads the entries, as in `w + a`, is left alone.

The value of a Tensor on the tape is changed through the array that `x.data` or `x.numpy()` gives out. Then
its fingerprint is taken, and a step that was recorded before and reads the value asks for it again.
Optimizers put a new array in place of the old one, which the steps keep.

What this costs was measured: up to 1 MB a copy takes less time than two fingerprints, and a fingerprint
less than a tenth of a product with the array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import is_array, owned, to_host
from .errors import TapeError
from .known import Rule, reads_of
from .node import FIXED, Leaf, Node, next_index, op_name
from .words.explain import describe

__all__ = ["check_constants", "check_values", "fingerprint", "hand_out", "handed_out", "keep_constants"]

SMALL = 1 << 18
"""Bytes up to which an array is copied."""

WIDTH = 1021
"""Words in a row of the table whose sums are a fingerprint: a prime, so that rows of data do not line up."""

_ARRAY = np.ndarray

Watched = tuple[int | str, Any, bytes]
"""The number or the name of an argument, the array, and its fingerprint."""


def fingerprint(array: Any) -> bytes:
    """What tells an array from any other that it is likely to be changed into.

    The bytes are read as whole numbers, in a table of an odd number of rows, and the sums of the columns
    and of the rows are taken. One changed entry changes both. Two exchanged entries stand in
    different columns or in different rows. The same change of all entries, such as of their sign, adds
    up to something else than 0 in an odd number of rows.

    >>> a = np.arange(10_000.0)
    >>> before = fingerprint(a)
    >>> a[[1, 2]] = a[[2, 1]]
    >>> fingerprint(a) == before
    False
    """
    flat = np.ascontiguousarray(to_host(array)).reshape(-1).view(np.uint8)
    rows = flat.size // (8 * WIDTH)
    rows -= rows % 2 == 0
    if rows < 2:
        return flat.tobytes()
    size = 8 * WIDTH * rows
    table = flat[:size].view(np.uint64).reshape(rows, WIDTH)
    sums = np.add.reduce(table, axis=0), np.add.reduce(table, axis=1)
    return b"".join((sums[0].tobytes(), sums[1].tobytes(), flat[size:].tobytes()))


def keep_constants(
    rule: Rule, inputs: Sequence[Any], args: list[Any], kwargs: dict[str, Any] | None = None
) -> tuple[dict[str, Any] | None, Any]:
    """Put copies of the small arrays among the constants of a step in their places in `args`.

    Returns:
        The keywords with copies in them, and what is to be watched of the large arrays.
    """
    watched: list[Watched] = []
    unread = rule.unread
    for i, given in enumerate(inputs):
        kind = given.__class__
        if kind is Node or kind is Leaf or (arg := args[i]).__class__ in FIXED or i in unread:
            continue
        if arg.__class__ is _ARRAY and arg.nbytes <= SMALL:  # written out: most constants are such
            args[i] = arg.__copy__()
        else:
            args[i] = _kept(arg, i, watched)
    if kwargs:
        kwargs = {
            key: value if key[0] == "_" else _kept(value, key, watched) for key, value in kwargs.items()
        }
    return kwargs, watched


def _kept(value: Any, where: int | str, watched: list[Watched]) -> Any:
    """A copy of what could be changed in place; a large array itself, which is then watched."""
    kind = value.__class__
    if isinstance(value, _ARRAY):
        if value.nbytes <= SMALL or value.dtype.hasobject:
            return value.__copy__()
        watched.append((where, value, fingerprint(value)))
    elif kind is list or kind is tuple:
        return kind([_kept(item, where, watched) for item in value])
    elif kind is dict:
        return {key: _kept(item, where, watched) for key, item in value.items()}
    elif is_array(value) or is_array(value):
        return owned(value)
    return value


def check_constants(node: Node, watched: list[Watched]) -> None:
    """Raise if an array that a step is going to read has been changed since it was recorded."""
    for where, array, before in watched:
        if fingerprint(array) != before:
            name, line = op_name(node.op), node.notes.line if node.notes is not None else None
            place = f"argument {where}" if isinstance(where, int) else where
            raise TapeError(
                f"{name}: the array given as {place}, {describe(array)}, was changed between the forward and "
                f"the backward pass, and the derivative of {name} needs what it held; give {name} a copy, "
                "a.copy(), or call backward() before a is changed" + (f"; recorded at {line}" if line else "")
            )


# -- values of Tensors, which a program may write into ---------------------------------------------

handed_out = [0]
"""The place on the tape at which a program was given the array of a Tensor the last time."""


def hand_out(node: Node) -> None:
    """Note what a value is, now that the program is given its array.

    Kept are the place on the tape and the fingerprint, and the last such place after which it was changed.
    """
    notes, now = node.note(), fingerprint(node.value)
    place, before, changed = notes.seen or (0, now, 0)
    handed_out[0] = next_index()
    notes.seen = handed_out[0], now, changed if before == now else place


def check_values(node: Node, rule: Rule) -> None:
    """Raise if a step is going to read the value of a Tensor that was changed since it was recorded."""
    for i, (parent, arg) in enumerate(zip(node.inputs, node.args, strict=True)):
        if not isinstance(parent, Node) or not _was_changed(parent, node, arg):
            continue
        if _reads(rule, node, i + 2) or np.may_share_memory(arg, node.value):
            raise _changed(node, f"the value of argument {i}", arg)
    if _was_changed(node, node, node.value) and _reads(rule, node, 1):
        raise _changed(node, "its result", node.value)


def _reads(rule: Rule, node: Node, i: int) -> bool:
    """Whether one of the rules that are going to be called reads its i-th argument."""
    if rule.joint is not None or not isinstance(rule.vjps, tuple):
        return i - 2 not in rule.unread
    pairs = zip(rule.vjps, node.inputs, strict=False)
    return any(reads_of(f, i) for f, parent in pairs if isinstance(parent, Node))


def _was_changed(owner: Node, step: Node, array: Any) -> bool:
    if owner.notes is None or owner.notes.seen is None or array.__class__ is not _ARRAY:
        return False
    if not np.may_share_memory(array, owner.value):  # x.data = array: the step has kept the old one
        return False
    place, before, changed = owner.notes.seen
    return bool(changed > step.index) or (place > step.index and fingerprint(owner.value) != before)


def _changed(node: Node, what: str, array: Any) -> TapeError:
    name = op_name(node.op)
    return TapeError(
        f"{name}: {what}, {describe(array)}, was changed in place, through x.data or x.numpy(), between the "
        f"forward and the backward pass, and the derivative of {name} needs what it held; call backward() "
        "before the change, or put a new array in its place: x.data = x.data - step"
    )
