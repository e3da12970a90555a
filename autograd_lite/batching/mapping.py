"""`vmap`: what a function does to one member, done to a batch of them at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tree
from ..aliases import Function
from ..arrays import asarray, door, is_array, on_host, refuse_other_arithmetic, shape_of, unwrap
from ..box import Box, wrap
from ..draws import drawing
from ..during import during
from ..errors import AxisError, BatchError, DTypeError, OptionError, ShapeError
from ..kin import like
from ..node import next_index
from ..tensor import Tensor
from ..words.explain import describe
from .batched import Level, levels_of
from .members import gathered, laid_out, warned

__all__ = ["quietly", "vmap"]

RANDOMNESS = ("error", "different", "same")


def vmap(f: Function, in_axes: Any = 0, out_axes: Any = 0, randomness: str = "error") -> Function:
    """A function that does to every member of a batch what `f` does to one, all at once.

    f is written for one member, without the axis of the batch, and gets Tensors in place of arrays. vmap goes
    together with the other transforms, in any order, and with itself.

    Args:
        f: takes and returns arrays, numbers, or nested tuples, lists and dicts of them. It may not read
            values: `if x > 0` is written `np.where(x > 0, a, b)`.
        in_axes: which axis of each argument is the batch; None for what all members share. An int or None is
            for all arguments, a tuple has one entry for each, which may be nested as the argument is. Arrays
            given by keyword are mapped over their axis 0.
        out_axes: where the axis of the batch goes in the results: an int, or nested as the results are. None
            leaves it out of a result that is the same for all members.
        randomness: what draws of `nn` do, such as dropout: "error" refuses them, "different" draws for each
            member, "same" draws once for all.

    Returns:
        A function of the same arguments, with the batch; arrays give arrays, Tensors give Tensors.

    Raises:
        ShapeError: the sizes of the axes differ.
        AxisError: an argument has not the axis.
        BatchError: f reads a value, draws numbers, or selects by a mask.

    Source:
        R. Frostig, M. Johnson, C. Leary, "Compiling machine learning programs via high-level tracing", 2018.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> rows = np.array([[1.0, 2.0], [3.0, 4.0]])
        >>> ag.vmap(np.sum)(rows)
        array([3., 7.])
        >>> loss = lambda w, x, y: (w @ x - y) ** 2
        >>> ag.vmap(ag.grad(loss), in_axes=(None, 0, 0))(np.ones(2), rows, np.zeros(2))
        array([[ 6., 12.],
               [42., 56.]])
    """
    if not callable(f):
        raise DTypeError(f"vmap takes a function, not {describe(f)}: ag.vmap(f)(x), not ag.vmap(f(x))")
    if randomness not in RANDOMNESS:
        raise OptionError(f"vmap(randomness={randomness!r}): expected one of {RANDOMNESS}")

    @functools.wraps(f)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        axes = [*_spread_axes(in_axes, args, "in_axes", "the arguments"), *_axes_of_keywords(kwargs)]
        leaves, rebuild = tree.flatten((args, kwargs))
        level = Level(_size(leaves, axes, tree.paths((args, kwargs))), next_index())
        args, kwargs = rebuild([_given(x, k, level) for x, k in zip(leaves, axes, strict=True)])
        draws = functools.partial(_drawn, level, randomness, drawing.get())
        out = during(drawing, draws, f, *args, **kwargs)
        return _results(out, out_axes, level, leaves)

    return mapped


def quietly(f: Function, *args: Any) -> Any:
    """Call f; a loop over members gives no warning, since there would be a loop without the map, too."""
    return during(warned, False, f, *args)


# -- which axes ------------------------------------------------------------------------------------


def _is_axis(axes: Any) -> bool:
    return axes is None or (isinstance(axes, (int, np.integer)) and not isinstance(axes, bool))


def _spread_axes(axes: Any, value: Any, option: str, what: str) -> list[Any]:
    """An axis, or None, for each leaf of a nested value."""
    if _is_axis(axes):
        return [axes] * len(tree.flatten(value)[0])
    if isinstance(axes, dict) and isinstance(value, dict) and set(axes) == set(value):
        return [k for key in _in_order(value) for k in _spread_axes(axes[key], value[key], option, what)]
    nested = isinstance(axes, (tuple, list)) and isinstance(value, (tuple, list))
    if nested and len(axes) == len(value):
        return [
            k for own, item in zip(axes, value, strict=True) for k in _spread_axes(own, item, option, what)
        ]
    raise ShapeError(
        f"vmap({option}={axes!r}): it does not fit the structure of {what}, {tree.skeleton(value)}; give "
        "an int or None for all, or one entry for each: in_axes=(None, 0)"
    )


def _in_order(mapping: dict[Any, Any]) -> list[Any]:
    """The keys as `tree.flatten` walks them."""
    keys = list(mapping)
    order = tree.flatten(dict(zip(keys, range(len(keys)), strict=True)))[0]
    return [keys[i] for i in order]


def _axes_of_keywords(kwargs: dict[str, Any]) -> list[Any]:
    """Arrays with an axis are mapped over the first; other options are the same for all members."""
    leaves = tree.flatten(kwargs)[0]
    return [0 if isinstance(x, Box) or is_array(x) else None for x in leaves]


def _size(leaves: list[Any], axes: list[Any], names: list[str]) -> int:
    """How many members the batch has."""
    sizes: list[tuple[int, str]] = []
    for x, axis, path in zip(leaves, axes, names, strict=True):
        if axis is None:
            continue
        name = f"args{path[3:]}" if path.startswith("[0]") else f"kwargs{path[3:]}"
        if not (isinstance(x, (Box, int, float, complex)) or is_array(x) or hasattr(x, "__array__")):
            raise DTypeError(f"vmap: {name} is {describe(x)}, which has no axes; give in_axes=None for it")
        refuse_other_arithmetic(x, f"vmap: {name}")
        shape = shape_of(x)
        if not -len(shape) <= axis < len(shape):
            raise AxisError(
                f"vmap(in_axes={axis}): {name} is {describe(x)}, which has no axis {axis}; give "
                "in_axes=None for what all members share"
            )
        sizes.append((shape[axis], f"{name} has {shape[axis]} along axis {axis} of {shape}"))
    if not sizes:
        raise ShapeError(
            "vmap: no argument is mapped over; in_axes has an int for at least one: in_axes=(0, None)"
        )
    if len({size for size, _ in sizes}) > 1:
        raise ShapeError(
            f"vmap: the axes that are mapped over differ in size: {'; '.join(text for _, text in sizes)}; "
            "they must be equal, and what all members share has in_axes=None"
        )
    return sizes[0][0]


# -- in and out ------------------------------------------------------------------------------------


def _given(x: Any, axis: int | None, level: Level) -> Any:
    """An argument as f gets it: a Tensor of one member's shape. So is an array that members share: it may be
    indexed with what differs between them."""
    if axis is None:
        plain = x.__class__ is np.ndarray or door(x) is not None
        return wrap(x) if plain and x.dtype.kind in "biufc" and x.ndim else x
    if isinstance(x, Tensor):
        return gathered(x, int(axis), level)
    return wrap(level.make(np.moveaxis(asarray(x), axis, 0)))


def _results(out: Any, out_axes: Any, level: Level, leaves: list[Any]) -> Any:
    """What f has returned, with the axis of the batch; `leaves` are the arguments of the call."""
    results, rebuild = tree.flatten(out)
    axes = _spread_axes(out_axes, out, "out_axes", "the result")
    tensors = any(isinstance(x, Tensor) for x in leaves)
    seen = [unwrap(x) for x in leaves if is_array(unwrap(x))]
    return rebuild([_out(y, axis, level, tensors, seen) for y, axis in zip(results, axes, strict=True)])


def _out(y: Any, axis: Any, level: Level, tensors: bool, seen: list[Any]) -> Any:
    """A result with the axis of the batch: an array, but a Tensor if Tensors came in or a tape needs it."""
    value = unwrap(y)
    if not (is_array(value) or isinstance(value, (bool, int, float, complex))):
        return y
    if axis is None:
        if level in levels_of(value):
            raise BatchError(
                f"vmap(out_axes=None): the result {describe(value)} differs between the members; give the "
                "axis that the batch is to have, e.g. out_axes=0"
            )
        return y
    if not -len(shape_of(value)) - 1 <= axis <= len(shape_of(value)):
        raise AxisError(f"vmap(out_axes={axis}): a result has shape {shape_of(value)} for each member")
    if isinstance(y, Tensor):
        result = laid_out(y, int(axis), level)
        if result.node is not None:
            return result
        own = _own(result._data, seen)
        return like((y,), wrap(own)) if tensors else own
    return _own(laid_out(value, int(axis), level), seen)


def _own(array: Any, seen: list[Any]) -> Any:
    """An array that nobody else can see: a copy, if it shares memory with an argument or another result."""
    if not on_host(array):
        return array
    if not array.flags.writeable or any(on_host(x) and np.may_share_memory(array, x) for x in seen):
        array = array.copy()
    seen.append(array)
    return array


def _drawn(
    level: Level, randomness: str, outer: Any, draw: Callable[[Any], Any], shape: tuple[int, ...]
) -> Any:
    """Random numbers inside of a map; those of maps around it are asked as well."""
    if randomness == "error":
        raise BatchError(
            "vmap: random numbers are drawn inside of it, and whether each member of the batch has its "
            'own is not said; write ag.vmap(f, randomness="different"), or randomness="same" for one draw '
            "that all share"
        )
    own = (level.size, *shape) if randomness == "different" else tuple(shape)
    numbers = draw(own) if outer is None else outer(draw, own)
    return level.make(numbers) if randomness == "different" else numbers
