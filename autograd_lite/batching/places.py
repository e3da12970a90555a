"""Indexing of batches: `x[index]`, where x, the index, or both differ between the members.

NumPy puts what integer arrays select where the first of them stands, or, if a slice stands between two of
them, in front. The batch axis, and the index that runs along it, are one array more. So the axes of the
result, or of what is assigned, are brought into the order that one member has.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from ..arrays import door, empty, is_array, on_host, read_at, shape_of
from ..errors import BatchError

__all__ = ["Places", "added_in", "places_of", "put_in", "read", "scattered", "stored_as"]


class Places(NamedTuple):
    """An index of the array with the batch axis.

    Attributes:
        place: the index of that array.
        source, target: the axes of what it selects that are moved, and where to.
        ndim: the axes of what one member selects.
    """

    place: tuple[Any, ...]
    source: tuple[int, ...]
    target: tuple[int, ...]
    ndim: int


def places_of(level: Any, x: Any, index: Any) -> Places:
    """Where the members' entries stand in the array with the batch axis, or, if all share x, in x.

    Args:
        level: the map.
        x: a batch, or an array that all members share.
        index: what one member is indexed with.
    """
    parts = [_listed(part) for part in (index if isinstance(index, tuple) else (index,))]
    for part in parts:
        if level.holds(part) and part.dtype == bool:
            raise BatchError(
                f"x[mask] inside of vmap: each of the {level.size} members would keep another number of "
                "entries; write np.where(mask, x, 0), or x * mask, which keep the shape",
                level,
            )
    free = len(shape_of(x)) - sum(_taken(part) for part in parts)
    if Ellipsis not in [part for part in parts if part.__class__ is type(Ellipsis)]:
        parts.append(Ellipsis)
    at = [part.__class__ for part in parts].index(type(Ellipsis))
    parts[at : at + 1] = [slice(None)] * free
    arrays = [i for i, part in enumerate(parts) if not isinstance(part, (slice, type(None)))]
    batched, varies = level.holds(x), any(map(level.holds, parts))
    if not varies and not any(_selected_shape(parts[i]) for i in arrays):
        return Places((slice(None), *parts), (), (), len(parts) - len(arrays))  # numbers at most
    width = len(np.broadcast_shapes(*(_selected_shape(parts[i]) for i in arrays)))
    together = arrays[-1] - arrays[0] == len(arrays) - 1
    ahead = arrays[0] if together else 0
    ndim = width + len(parts) - len(arrays)
    source: tuple[int, ...]
    target: tuple[int, ...]
    if not varies:  # the batch axis is a slice in front of the others
        source, target = ((), ()) if together else ((width,), (0,))
        return Places((slice(None), *parts), source, target, ndim)
    own = [_aligned(level, part, width) if level.holds(part) else part for part in parts]
    if batched:  # the batch axis is an array, so all that arrays select stands in front
        rows = np.arange(level.size).reshape(-1, *[1] * width)
        moved = tuple(range(1, 1 + width)), tuple(range(1 + ahead, 1 + ahead + width))
        source, target = moved if ahead and width else ((), ())
        return Places((rows, *own), source, target, ndim)
    source, target = ((ahead,), (0,)) if ahead else ((), ())
    return Places(tuple(own), source, target, ndim)


def _listed(part: Any) -> Any:
    return np.asarray(part) if isinstance(part, list) else part


def _taken(part: Any) -> int:
    """How many axes of the array a part of an index stands for."""
    if part is None or part is Ellipsis or isinstance(part, (bool, np.bool_)):
        return 0
    return part.ndim if is_array(part) and part.dtype == bool else 1


def _selected_shape(part: Any) -> tuple[int, ...]:
    """The shape that a part of an index selects: of a mask a row."""
    is_mask = isinstance(part, bool) or (is_array(part) and part.dtype == bool)
    return (1,) if is_mask else shape_of(part)


def _aligned(level: Any, part: Any, width: int) -> Any:
    """The array of a batch of indices, with axes of size 1 behind the batch axis, up to `width` axes."""
    array = part._array
    return np.reshape(array, (level.size, *[1] * (width - part.ndim), *part.shape))


def read(level: Any, args: Any) -> Any:
    """`x[index]`, with the batch axis first."""
    x, index = args
    places = places_of(level, x, index)
    body, whole = level.body(x), door(places.place)
    if whole is not None and on_host(body):
        selected = whole(operator.getitem, (body, places.place), {})
    else:
        selected = read_at(body, places.place)
    return np.moveaxis(selected, places.source, places.target) if places.source else selected


def _arranged(level: Any, places: Places, value: Any) -> Any:
    """What is assigned, with the axes in the order in which the index selects them."""
    if level.holds(value):
        array, lead = value._array, value.ndim - places.ndim
        if lead > 0:  # x[i] = v takes a v with leading axes of size 1
            array = np.reshape(array, (level.size, *value.shape[lead:]))
        elif lead < 0:
            array = np.reshape(array, (level.size, *[1] * -lead, *value.shape))
    elif not places.source:
        return value
    else:
        array = np.reshape(value, (1, *[1] * (places.ndim - len(shape_of(value))), *shape_of(value)))
    return np.moveaxis(array, places.target, places.source) if places.source else array


def put_in(level: Any, x: Any, index: Any, value: Any) -> None:
    """`x[index] = value` in a batch."""
    places = places_of(level, x, index)
    level.body(x)[places.place] = _arranged(level, places, value)


def added_in(level: Any, x: Any, index: Any, value: Any) -> None:
    """`np.add.at(x, index, value)` in a batch."""
    places = places_of(level, x, index)
    np.add.at(level.body(x), places.place, _arranged(level, places, value))


def scattered(level: Any, g: Any, index: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """The index and the cotangent with which `scatter` adds g to zeros of all members.

    Args:
        level: the map.
        g: a batch, of the shape that the index selects.
        index: what one member is indexed with.
        shape: of one member.
    """
    places = places_of(level, level.make(np.broadcast_to(0.0, (level.size, *shape))), index)
    return places.place, _arranged(level, places, g)


def stored_as(level: Any, x: Any, value: Any) -> Any:
    """A batch that may be written into, of the entries of x, which may be the same for all members."""
    whole = level.full(x)
    if on_host(whole) and not on_host(level.body(value)):  # it takes the class of what is assigned
        made = empty(whole.shape, whole.dtype, like=level.body(value))
        made[...] = whole
        return level.make(made)
    return level.make(np.copy(whole))
