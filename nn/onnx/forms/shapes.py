"""The ONNX forms of what lays entries out anew, and of indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.errors import UnsupportedError

from ..graph import Graph
from ..steps import Size, Slot, Step
from .table import axis_of, form, number, one, option, shape_of, together


@form("reshape")
def _(g: Graph, step: Step) -> str:
    shape = step.options.get("shape", step.options.get("newshape", step.operands[1:]))
    shape = shape[0] if isinstance(shape, (tuple, list)) and len(shape) == 1 and np.ndim(shape[0]) else shape
    return str(
        g.op(
            "Reshape",
            g.value(step.operands[0]),
            g.shape(shape if isinstance(shape, (tuple, list)) else (shape,)),
        )
    )


@form("ravel")
def _(g: Graph, step: Step) -> str:
    return str(g.op("Reshape", g.value(step.operands[0]), g.ints([-1])))


@form("transpose", "swapaxes", "moveaxis", "T", "mT", "matrix_transpose")
def _(g: Graph, step: Step) -> str:
    x = step.operands[0]
    order = np.empty(shape_of(g, x))
    places = np.arange(order.ndim)
    if step.name in ("swapaxes", "moveaxis"):
        names = ("axis1", "axis2") if step.name == "swapaxes" else ("source", "destination")
        a, b = option(step, 1, names[0]), option(step, 2, names[1])
        marks = getattr(np, step.name)(np.empty(tuple(range(2, 2 + order.ndim))), a, b).shape
        places = np.array([mark - 2 for mark in marks])
    elif step.name in ("mT", "matrix_transpose"):
        places = np.array([*places[:-2], places[-1], places[-2]])
    else:
        given = step.options.get("axes", step.operands[1:] if step.name == "transpose" else ())
        given = given[0] if len(given or ()) == 1 and np.ndim(given[0]) else given
        places = np.array(given) % order.ndim if given else places[::-1]
    return str(g.op("Transpose", g.value(x), perm=[int(p) for p in places]))


@form("expand_dims", "squeeze")
def _(g: Graph, step: Step) -> str:
    x, axis = step.operands[0], option(step, 1, "axis")
    n = len(shape_of(g, x)) + (len(np.atleast_1d(axis)) if step.name == "expand_dims" else 0)
    kind = "Unsqueeze" if step.name == "expand_dims" else "Squeeze"
    if axis is None:
        axis = [i for i, size in enumerate(shape_of(g, x)) if size == 1]
    return str(g.op(kind, g.value(x), g.ints([int(a) % n for a in np.atleast_1d(axis)])))


@form("broadcast_to")
def _(g: Graph, step: Step) -> str:
    return str(g.op("Expand", g.value(step.operands[0]), g.ints(option(step, 1, "shape"))))


@form("concatenate", "stack")
def _(g: Graph, step: Step) -> str:
    parts = step.operands[0] if isinstance(step.operands[0], (tuple, list)) else step.operands
    names = together(g, parts, step.kinds[0][1])
    axis = int(step.options.get("axis", 0)) % len(step.kinds[0][0])
    if step.name == "stack":
        names = [g.op("Unsqueeze", name, g.ints([axis])) for name in names]
    return str(g.op("Concat", *names, axis=axis))


@form("split")
def _(g: Graph, step: Step) -> Any:
    x, cuts, axis = step.operands[0], step.operands[1], int(step.options.get("axis", 0))
    size = shape_of(g, x)[axis]
    ends = [0, *(range(size // cuts, size, size // cuts) if isinstance(cuts, int) else cuts), size]
    sizes = np.diff(ends)
    made = g.op("Split", g.value(x), g.ints(list(sizes)), outputs=len(sizes), axis=axis)
    return made if isinstance(made, list) else [made]


@form("pad")
def _(g: Graph, step: Step) -> str:
    x, width = step.operands[0], np.asarray(option(step, 1, "pad_width"))
    width = np.broadcast_to(width, (len(shape_of(g, x)), 2))
    mode = option(step, 2, "mode", "constant")
    if mode not in ("constant", "reflect", "edge"):
        raise UnsupportedError(f"onnx.export: pad with mode={mode!r} has no ONNX form")
    pads = g.ints([*width[:, 0], *width[:, 1]])
    more = [number(g, step, step.options.get("constant_values", 0))] if mode == "constant" else []
    return str(g.op("Pad", one(g, step), pads, *more, mode=mode))


@form("tile", "repeat")
def _(g: Graph, step: Step) -> str:
    x, times = step.operands[0], option(step, 1, "reps", step.options.get("repeats"))
    shape = shape_of(g, x)
    if step.name == "tile":
        counts = [1] * (len(shape) - len(np.atleast_1d(times))) + [int(t) for t in np.atleast_1d(times)]
        return str(g.op("Tile", g.value(x), g.ints(counts)))
    axis = option(step, 2, "axis")
    index = np.repeat(np.arange(shape[axis]), times)
    return str(g.op("Gather", g.value(x), g.constant(index), axis=int(axis)))


# -- indexing --------------------------------------------------------------------------------------


@form("take")
def _(g: Graph, step: Step) -> str:
    x, index, axis = step.operands[0], step.operands[1], option(step, 2, "axis")
    name = g.value(x)
    if axis is None:
        name, axis = g.op("Reshape", name, g.ints([-1])), 0
    return str(g.op("Gather", name, g.value(index, np.int64), axis=axis_of(g, x, int(axis))))


@form("table_rows")
def _(g: Graph, step: Step) -> str:
    return str(g.op("Gather", g.value(step.operands[0]), g.value(step.operands[1], np.int64), axis=0))


@form("take_along_axis")
def _(g: Graph, step: Step) -> str:
    axis = option(step, 2, "axis")
    return str(
        g.op("GatherElements", g.value(step.operands[0]), g.value(step.operands[1], np.int64), axis=int(axis))
    )


@form("getitem")
def _(g: Graph, step: Step) -> str:
    """Slices, integers, None and Ellipsis; one array of integers, or several from the first axis on."""
    x, key = step.operands
    key = _whole(key, len(shape_of(g, x)))
    parts = [k for k in key if k is not None]
    name, arrays = _sliced(g, step, g.value(x), parts)
    gone = [i for i, k in enumerate(parts) if _is_number(g, k)]
    if arrays and gone:
        raise UnsupportedError("onnx.export: an index with an array and an integer has no ONNX form here")
    if gone:
        name = g.op("Squeeze", name, g.ints(gone))
    name = _gathered(g, name, arrays)
    new, at = [], 0
    for k in key:
        if k is None:
            new.append(at)
        at += not _is_number(g, k)
    return str(g.op("Unsqueeze", name, g.ints(new)) if new else name)


def _whole(key: Any, ndim: int) -> tuple[Any, ...]:
    """A key with a slice for each axis that the key leaves out."""
    key = key if isinstance(key, tuple) else (key,)
    count = sum(k is not None and k is not Ellipsis for k in key)
    place = next((i for i, k in enumerate(key) if k is Ellipsis), len(key))
    return (*key[:place], *[slice(None)] * (ndim - count), *key[place + 1 :])


def _is_number(g: Graph, k: Any) -> bool:
    return isinstance(k, (int, np.integer, Size)) or (isinstance(k, Slot) and g.kinds[k][0] == ())


def _sliced(g: Graph, step: Step, name: str, key: Sequence[Any]) -> tuple[str, dict[int, Any]]:
    """x after its slices; integers leave an axis of length 1. And the arrays of an index by their axes."""
    starts: list[Any] = []
    ends: list[Any] = []
    axes: list[int] = []
    steps: list[int] = []
    arrays: dict[int, Any] = {}
    for axis, k in enumerate(key):
        if isinstance(k, slice):
            by = 1 if k.step is None else int(k.step)
            if (k.start, k.stop, by) == (None, None, 1):
                continue
            low, high = (0, 2**62) if by > 0 else (2**62, -(2**62))
            starts.append(low if k.start is None else k.start)
            ends.append(high if k.stop is None else k.stop)
        elif _is_number(g, k) and not isinstance(k, (Slot, Size)):
            starts.append(int(k))
            ends.append(int(k) + 1 if k != -1 else 2**62)
            by = 1
        elif isinstance(k, (list, np.ndarray, Slot)):
            arrays[axis] = k
            continue
        else:
            raise UnsupportedError(f"onnx.export: the index {k!r}, at {step.line}, has no ONNX form")
        axes.append(axis)
        steps.append(by)
    if axes:
        name = g.op("Slice", name, g.ints(starts), g.ints(ends), g.ints(axes), g.ints(steps))
    return name, arrays


def _gathered(g: Graph, name: str, arrays: dict[int, Any]) -> str:
    """x after the arrays of an index, which are one array, or begin at the first axis."""
    if not arrays:
        return name
    if any(np.asarray(k).dtype.kind == "b" for k in arrays.values() if not isinstance(k, Slot)):
        raise UnsupportedError("onnx.export: a mask as an index has no ONNX form; write np.where")
    if len(arrays) == 1:
        ((axis, index),) = arrays.items()
        return str(g.op("Gather", name, g.value(index, np.int64), axis=axis))
    first, *_ = axes = list(arrays)
    if axes != list(range(first, first + len(axes))) or first:
        raise UnsupportedError(
            "onnx.export: arrays as indices of axes that do not begin at the first have no form here"
        )
    shape = np.broadcast_shapes(*(shape_of(g, k) for k in arrays.values()))
    parts = [
        g.op("Unsqueeze", g.op("Expand", g.value(k, np.int64), g.ints(shape)), g.ints([len(shape)]))
        for k in arrays.values()
    ]
    return str(g.op("GatherND", name, g.op("Concat", *parts, axis=len(shape))))


@form("setitem")
def _(g: Graph, step: Step) -> str:
    """Slices of x replaced by y: entry i of an axis comes from y where a mask says so, else from x."""
    x, y, key = step.operands
    ndim = len(shape_of(g, x))
    key = _whole(key, ndim)
    name, mask = g.value(y, step.kinds[0][1]), np.ones((1,) * ndim, bool)
    if not all(isinstance(k, slice) for k in key) or len(shape_of(g, y)) != ndim:
        raise UnsupportedError(f"onnx.export: the assignment at {step.line} has no ONNX form; write np.where")
    for axis, k in enumerate(key):
        if k == slice(None):
            continue
        chosen = range(*k.indices(shape_of(g, x)[axis]))
        index = np.zeros(shape_of(g, x)[axis], np.int64)
        index[chosen] = np.arange(len(chosen))
        name = g.op("Gather", name, g.constant(index), axis=axis)
        own = np.zeros(len(index), bool)
        own[chosen] = True
        mask = mask & np.expand_dims(own, [a for a in range(ndim) if a != axis])
    return str(g.op("Where", g.constant(mask), name, g.value(x, step.kinds[0][1])))


@form("laid")
def _(g: Graph, step: Step) -> str:
    return g.value(step.operands[1])
