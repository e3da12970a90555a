"""One call of a function on aliases of its arguments, ready to be played backwards.

An *alias* is a new node for an argument. A backward pass can stop at this node, which keeps nested
derivatives apart. In

    grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0)

the inner `grad` plays only the steps that were recorded after its own alias of y. It takes the cotangent of
that alias alone, which is d(x + y)/dy = 1 for every x. So the result is 1, not 2. Since x is on the tape of
the outer call, the inner backward pass is itself recorded.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from . import tree
from .apply import alias
from .arrays import asarray, door, is_array, on_host, refuse_other_arithmetic, stored, unwrap, zeros
from .arrays import owned as copied
from .backward import play, receive
from .box import lift, wrap
from .errors import DTypeError
from .kin import like
from .node import Leaf, Node, next_index, tape_order
from .pull import Sweep, between
from .recording import Mode, enable_grad, is_recording, transformed
from .tensor import Tensor
from .words.explain import describe

__all__ = ["NUMBERS", "Call", "Function", "like_primal", "owned", "seeds_of", "zeros_of"]

Function = Callable[..., Any]

NUMBERS = (int, float, complex)
"""The numbers that a function can be differentiated with respect to, besides arrays and Tensors."""


class Call:
    """One call of `f` on aliases of some of its arguments, ready to be played backwards.

    Args:
        f: the function.
        args, kwargs: its arguments.
        argnums: the indices of the arguments that become aliases.
    """

    def __init__(
        self, f: Function, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Sequence[int]
    ) -> None:
        if not callable(f):
            raise DTypeError(f"expected a function, not {describe(f)}: ag.grad(f)(x), ag.vjp(f, x)")
        named = list(dict.fromkeys(argnums))
        self.places = [named.index(i) for i in argnums]  # an argument may be named twice
        self.primals, self.rebuild = tree.flatten([args[i] for i in named])
        self.outer = is_recording()  # whether an outer tape may record this call
        with Mode(transformed):
            self.aliases = [_alias(x, self.outer) for x in self.primals]
            self.since = next_index()
            changed = list(args)
            for i, value in zip(named, self.rebuild(self.aliases), strict=True):
                changed[i] = value
            self.out = f(*changed, **kwargs)
        self.nodes = frozenset(x.node for x in self.aliases if x.node is not None)
        self.outputs, self.rebuild_out = tree.flatten(self.out)

    def is_nested(self, *tensors: Any) -> bool:
        """Whether an outer tape records this derivative.

        It does if the outer tape holds a primal, another Tensor that the function read, or one of `tensors`,
        from which the pass starts.
        """
        if not self.outer:
            return False
        ends = [y.node for y in self.outputs if isinstance(y, Tensor) and y.node is not None]
        return (
            any(node.inputs for node in self.nodes)
            or any(isinstance(t, Tensor) and t.node is not None for t in tensors)
            or any(node.index <= self.since and node not in self.nodes for node in ends)
            or any(
                isinstance(parent, Node) and parent.index <= self.since and parent not in self.nodes
                for node in tape_order(ends, self.since)
                for parent in node.inputs
            )
        )

    def pull(self, cotangents: Sequence[Any], *, record: bool, retain: bool = False) -> list[Any]:
        """The cotangents of the primals; zeros if nothing was recorded."""
        only = self.between if record else None  # recording a step costs more than asking if it is needed
        sweep = Sweep(since=self.since, wanted=self.nodes, record=record, retain=retain or record, only=only)
        arrived = play(seeds_of(self.outputs, cotangents, record), sweep)
        return [receive(x.node, arrived[x.node]) if x.node in arrived else zeros_of(x) for x in self.aliases]

    @functools.cached_property
    def between(self) -> set[Node]:
        """The aliases, and the steps that lead from them to the outputs."""
        ends = [y.node for y in self.outputs if isinstance(y, Tensor) and y.node is not None]
        return between(ends, self.nodes, self.since)

    def like_primals(self, cotangents: Iterable[Any]) -> list[Any]:
        """The cotangents in the structure and the classes of the arguments: arrays, floats, Tensors.

        There is one for each of `argnums`, in an array of its own: `argnums=(0, 0)` gives two equal arrays.
        """
        left = cotangents if isinstance(cotangents, list) else list(cotangents)
        if len(set(self.places)) < len(self.places):
            return [self.rebuild(list(map(like_primal, left, self.primals)))[k] for k in self.places]
        left.reverse()  # `pop` hands a cotangent over: if nobody else holds it, it need not be copied
        return self.rebuild([like_primal(left.pop(), x) for x in self.primals])  # type: ignore[no-any-return]

    def like_results(self, value: Any, nested: bool) -> Any:
        """Results as arrays and numbers; as Tensors if a primal is a Tensor or an outer tape needs them."""
        if nested:
            return value
        if any(isinstance(x, Tensor) for x in self.primals):
            return tree.map_leaves(lambda x: like((x,), wrap(x._data)) if isinstance(x, Tensor) else x, value)
        numbers = all(isinstance(x, NUMBERS) or getattr(x, "__array_number__", None) for x in self.primals)
        return tree.map_leaves(lambda x: _plain(x, numbers), value)


def seeds_of(outputs: Iterable[Any], cotangents: Iterable[Any], record: bool) -> dict[Node, Any]:
    """The cotangent of each recorded output; an output that is returned twice gets the sum."""
    seeds: dict[Node, Any] = {}
    with enable_grad():
        for y, g in zip(outputs, cotangents, strict=True):
            if isinstance(y, Tensor) and y.node is not None:
                if (whole := door(y._data)) is not None and on_host(unwrap(g)) and not record:
                    g = whole(_itself, (unwrap(g),), {})
                g = (g if isinstance(g, Tensor) else wrap(g)) if record else unwrap(g)
                seeds[y.node] = seeds[y.node] + g if y.node in seeds else g
    return seeds


def zeros_of(x: Tensor) -> Any:
    """The gradient of a result that does not depend on x."""
    return zeros(x.shape, like=x)[()]


def _alias(x: Any, outer: bool) -> Any:
    """A new node for an argument: a step of the outer tape if the argument is on it, else a leaf."""
    if isinstance(x, Tensor) and x.node is not None and outer:
        return alias(x)
    refuse_other_arithmetic(x)
    value = unwrap(x)
    if not (is_array(value) or isinstance(value, (*NUMBERS, str)) or hasattr(value, "__array__")):
        raise DTypeError(
            f"cannot differentiate with respect to {describe(x)}: arguments are numbers, arrays, Tensors, "
            "and nested tuples, lists and dicts of them; write list(x), vars(x), or name other arguments "
            "with argnums="
        )
    if getattr(value, "__array_number__", None) is int:
        value = value.astype(float)
    if isinstance(value, (int, np.bool_)) and not isinstance(value, np.generic):
        value = float(value)
    array = asarray(value)
    if array.dtype.kind not in "fc":
        raise DTypeError(
            f"cannot differentiate with respect to {describe(x)}: only floating-point or complex values "
            "have gradients; write x.astype(float), or name other arguments with argnums="
        )
    array = stored(copied(array, "C"))  # x may change before a pullback is called
    return like((x,), lift(array, Leaf(array, x.name if isinstance(x, Tensor) else None)))


def _plain(x: Any, numbers: bool) -> Any:
    """The array in a Tensor; a 0-d array as a Python number if `numbers`, else as a NumPy scalar."""
    if not isinstance(x, Tensor):
        return x
    if numbers and x.ndim == 0 and (whole := door(x._data)) is not None:
        return whole(number, (x._data,), {})
    return x.item() if numbers and x.ndim == 0 and on_host(x._data) else x._data


def _itself(x: Any) -> Any:
    return x


def number(x: Any) -> Any:
    """A Python number."""
    return x.item()


def like_primal(g: Any, x: Any) -> Any:
    """A gradient in the class of its argument."""
    if isinstance(g, Tensor):
        if g.node is not None or isinstance(x, Tensor):
            return like((x,), g)
        g = g._data
    if isinstance(x, (Tensor, np.ndarray)) and g.dtype.isnative != x.dtype.isnative:
        g = np.asarray(g, g.dtype.newbyteorder())  # NumPy scalars lose the byte order
    if hasattr(g, "__array_several__") and sys.getrefcount(g) <= _HANDED and _is_sole(g.__array_several__):
        return like((x,), wrap(g)) if isinstance(x, Tensor) else g
    if isinstance(x, Tensor):
        return like((x,), wrap(owned(g)))
    if (whole := door(g) or (door(x) if on_host(g) else None)) is not None:
        return whole(like_primal, (g, x), {})
    if not on_host(g):
        return copied(g)
    if isinstance(x, np.ndarray) or np.ndim(g):
        return owned(np.asarray(g))
    return g if isinstance(x, np.generic) else g.item()


def _is_sole(several: Any) -> bool:
    """Whether only the batch holds its array. The array may be a view of all of an array that it holds."""
    if several.__class__ is not np.ndarray or not several.flags.writeable:
        return False
    base = several.base
    whole = base is None or (base.__class__ is np.ndarray and base.base is None and base.size == several.size)
    return whole and _once(several) and (base is None or _once(base))


def _once(array: Any) -> bool:
    """Whether an array is held in one place besides a variable of the caller."""
    return sys.getrefcount(array) <= _HELD


def _references() -> tuple[int, int]:
    """The references to a cotangent that `pop` hands over, and to an array that is held once."""

    def handed(g: Any) -> tuple[int, int]:
        several = g[0]
        return sys.getrefcount(g), held(several)

    def held(array: Any) -> int:
        return sys.getrefcount(array)

    left = [[np.zeros(1)]]
    return handed(left.pop())


_HANDED, _HELD = _references()


def owned(g: Any) -> Any:
    """A gradient in an array of its own, since rules may return views."""
    return copied(g) if g.__class__ is np.ndarray or not on_host(g) else g
