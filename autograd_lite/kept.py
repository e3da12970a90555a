"""Constants of a step: the rules must see the values that an array had when the step was recorded.

In `z = w * a` the rule for w multiplies by a. A program may change the array a before the backward pass,
for example to fill it with the next batch. So the step keeps a copy of a small array. A copy of a large array
would take memory: the step keeps its fingerprint instead, and the backward pass raises if the fingerprint has
changed. If no rule reads the entries of an array, as in `w + a`, nothing is kept.

A program can also change the value of a Tensor on the tape, through the array that `x.data` or `x.numpy()`
returns. The fingerprint is taken at that moment. An earlier step whose rules read the value compares the
fingerprint in the backward pass. Optimizers set a new array, so steps keep the old one.

Measured cost: up to 1 MB, a copy takes less time than two fingerprints. A fingerprint takes less than a
tenth of the time of a product with the array.
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
"""The largest size in bytes of an array that is copied."""

WIDTH = 1021
"""The length of a row of the table in `fingerprint`: a prime, so that rows of data do not line up."""

_ARRAY = np.ndarray

Watched = tuple[int | str, Any, bytes]
"""The index or the name of an argument, the array, and its fingerprint."""


def fingerprint(array: Any) -> bytes:
    """Bytes that change with the entries of an array, for all likely changes.

    The bytes of the array are read as integers in a table with an odd number of rows. The fingerprint is the
    sums of its columns and of its rows. One changed entry changes both. Two exchanged entries stand in
    different columns or different rows. An equal change of all entries, such as of their sign, does not add
    up to 0 over an odd number of rows.

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
    """Protect the constants of a step from later changes: small arrays in `args` are replaced by copies.

    Returns:
        The keyword arguments with copies of their arrays, and the fingerprints of the large arrays.
    """
    watched: list[Watched] = []
    unread = rule.unread
    for i, given in enumerate(inputs):
        kind = given.__class__
        if kind is Node or kind is Leaf or (arg := args[i]).__class__ in FIXED or i in unread:
            continue
        if arg.__class__ is _ARRAY and arg.nbytes <= SMALL:  # written out: the most common constant
            args[i] = arg.__copy__()
        else:
            args[i] = _kept(arg, i, watched)
    if kwargs:
        kwargs = {
            key: value if key[0] == "_" else _kept(value, key, watched) for key, value in kwargs.items()
        }
    return kwargs, watched


def _kept(value: Any, where: int | str, watched: list[Watched]) -> Any:
    """A copy of an argument that can change in place; a large array itself, with an entry in `watched`."""
    kind = value.__class__
    if isinstance(value, _ARRAY):
        if value.nbytes <= SMALL or value.dtype.hasobject:
            return value.__copy__()
        watched.append((where, value, fingerprint(value)))
    elif kind is list or kind is tuple:
        return kind([_kept(item, where, watched) for item in value])
    elif kind is dict:
        return {key: _kept(item, where, watched) for key, item in value.items()}
    elif is_array(value):
        return owned(value)
    return value


def check_constants(node: Node, watched: list[Watched]) -> None:
    """Raise if an array that the rules of a step read has changed since the step was recorded."""
    for where, array, before in watched:
        if fingerprint(array) != before:
            name, line = op_name(node.op), node.notes.line if node.notes is not None else None
            place = f"argument {where}" if isinstance(where, int) else where
            raise TapeError(
                f"{name}: the array given as {place}, {describe(array)}, was changed between the forward and "
                f"the backward pass, and the derivative of {name} needs its old values; give {name} a copy, "
                "a.copy(), or call backward() before a is changed" + (f"; recorded at {line}" if line else "")
            )


# -- values of Tensors that a program may write into -----------------------------------------------

handed_out = [0]
"""The index on the tape at which a program last received the array of a Tensor."""


def hand_out(node: Node) -> None:
    """Note the fingerprint of a value before the program receives its array.

    The note holds the index on the tape, the fingerprint, and the last noted index after which the value
    changed.
    """
    notes, now = node.note(), fingerprint(node.value)
    place, before, changed = notes.seen or (0, now, 0)
    handed_out[0] = next_index()
    notes.seen = handed_out[0], now, changed if before == now else place


def check_values(node: Node, rule: Rule) -> None:
    """Raise if the rules of a step read a Tensor whose value has changed since the step was recorded."""
    for i, (parent, arg) in enumerate(zip(node.inputs, node.args, strict=True)):
        if not isinstance(parent, Node) or not _was_changed(parent, node, arg):
            continue
        if _reads(rule, node, i + 2) or np.may_share_memory(arg, node.value):
            raise _changed(node, f"the value of argument {i}", arg)
    if _was_changed(node, node, node.value) and _reads(rule, node, 1):
        raise _changed(node, "its result", node.value)


def _reads(rule: Rule, node: Node, i: int) -> bool:
    """Whether a rule that the backward pass will call reads its i-th argument."""
    if rule.joint is not None or not isinstance(rule.vjps, tuple):
        return i - 2 not in rule.unread
    pairs = zip(rule.vjps, node.inputs, strict=False)
    return any(reads_of(f, i) for f, parent in pairs if isinstance(parent, Node))


def _was_changed(owner: Node, step: Node, array: Any) -> bool:
    if owner.notes is None or owner.notes.seen is None or array.__class__ is not _ARRAY:
        return False
    if not np.may_share_memory(array, owner.value):  # after x.data = array the step has the old array
        return False
    place, before, changed = owner.notes.seen
    return bool(changed > step.index) or (place > step.index and fingerprint(owner.value) != before)


def _changed(node: Node, what: str, array: Any) -> TapeError:
    name = op_name(node.op)
    return TapeError(
        f"{name}: {what}, {describe(array)}, was changed in place, through x.data or x.numpy(), between the "
        f"forward and the backward pass, and the derivative of {name} needs its old values; call backward() "
        "before the change, or set a new array: x.data = x.data - step"
    )
