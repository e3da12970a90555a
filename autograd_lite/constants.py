"""Constants on the tape: a backward pass reads what they held when the step was recorded.

In `z = w * a` the rule for w multiplies by a. A program may change the array a before it goes backward,
to fill it with the next batch, say. So the step keeps a copy of a small array. Of a large one, whose copy
would take memory, it keeps a fingerprint, and the backward pass raises if the array no longer has it. An
array of which no rule reads the entries, as in `w + a`, is left alone.

What this costs was measured: up to 1 MB a copy takes less time than two fingerprints, and a fingerprint
less than a tenth of a product with the array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import TapeError
from .explain import describe
from .rules import Rule
from .tape import FIXED, Node, op_name

__all__ = ["check_constants", "fingerprint", "keep_constants"]

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
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
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
        if given.__class__ is Node or (arg := args[i]).__class__ in FIXED or i in unread:
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
