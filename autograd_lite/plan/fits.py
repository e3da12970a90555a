"""Whether a call fits a signature: two checks, each generated as one Python function.

The check of the arguments returns their leaves, or None. The check of the state tells whether all that the
function reaches is as it was: a walk would find the same objects and the same numbers, and Tensors and arrays
of the same shapes. Both read attributes and compare identities. So a call of a small function costs about a
microsecond besides its replay, and a training step 25 nanoseconds for each attribute of a module.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from ..box import Box
from ..node import Leaf
from ..tree import ordered_keys
from .entries import CELL, CONTAINERS, Entry, Reached, differs
from .trace import same

__all__ = ["arguments_check", "state_check"]

NUMBERS = (int, float, complex)
"""Classes of numbers that are inputs: their values are no part of a signature."""


TOGETHER = 8
"""How many entries are compared in one line: a shorter check is made sooner."""


class _Check:
    """The source of a check, line by line, and the objects that the source names."""

    def __init__(self, head: str, otherwise: str) -> None:
        self.names: dict[str, Any] = {"same": same, "moved": _moved}
        self.lines = [head, "    try:"]
        self.otherwise = otherwise
        self._known: dict[int, str] = {}

    def name(self, value: Any) -> str:
        """A name for an object."""
        if id(value) not in self._known:
            self._known[id(value)] = name = f"k{len(self.names)}"
            self.names[name] = value
        return self._known[id(value)]

    def put(self, line: str) -> None:
        self.lines.append(f"        {line}")

    def refuse(self, *conditions: str) -> None:
        """The call does not fit if one of the conditions holds."""
        self.put(f"if {' or '.join(conditions)}: return {self.otherwise}")

    def array(self, x: str, value: Any) -> list[str]:
        """The conditions under which a variable holds no array, or NumPy number, like this one."""
        dtype = value.dtype
        one = "is not" if np.dtype(dtype.str) is dtype else "!="  # most dtypes are the only one of their kind
        conditions = [f"{x}.__class__ is not {self.name(value.__class__)}"]
        if not isinstance(value, np.generic):
            conditions += [f"{x}.shape != {value.shape}", f"{x}.dtype {one} {self.name(dtype)}"]
        if isinstance(value, np.ndarray):  # results have the order of memory of arguments
            conditions.append(f"{x}.strides != {value.strides}")
        return conditions

    def tensor(self, x: str, value: Any) -> None:
        """A variable must hold a Tensor with values, a place on the tape, and a gradient like this one's."""
        node = value.node
        self.put(f"d, n = {x}._data, {x}.node")
        conditions = self.array("d", value._data)
        if node is None:
            self.refuse(*conditions, "n is not None")
            return
        conditions.append(f"n.__class__ is not {self.name(node.__class__)}")
        if node.__class__ is Leaf:
            hooks = list(node.hooks.items())
            conditions.append(f"list(n.hooks.items()) != {self.name(hooks)}" if hooks else "n.hooks")
            if node.grad is None:
                conditions.append("n.grad is not None")
            else:
                self.refuse(*conditions)
                self.put("d = n.grad._data")  # an AttributeError if there is none
                conditions = self.array("d", node.grad._data)
        self.refuse(*conditions)

    def made(self, returned: str) -> Callable[..., Any]:
        """The check as a function."""
        self.put(f"return {returned}")
        self.lines.append("    except (LookupError, AttributeError, ValueError, TypeError):")  # it is gone
        self.lines.append(f"        return {self.otherwise}")
        exec(compile("\n".join(self.lines), "<a signature>", "exec"), self.names)
        return self.names["check"]  # type: ignore[no-any-return]


# -- arguments -------------------------------------------------------------------------------------


def arguments_check(args: Any, kwargs: Any, fixed: set[int]) -> Callable[[Any, Any], list[Any] | None]:
    """A function of (args, kwargs) that returns their leaves if they are like these, else None.

    Args:
        args, kwargs: the arguments of a call.
        fixed: the positions of arguments whose values belong to the signature.
    """
    check = _Check("def check(args, kwargs):", "None")
    leaves: list[str] = []
    check.refuse(f"len(args) != {len(args)}", f"len(kwargs) != {len(kwargs)}" if kwargs else "kwargs")
    for i, value in enumerate(args):
        check.put(f"a{i} = args[{i}]")
        if i in fixed:
            _static(check, f"a{i}", value)
        else:
            _argument(check, f"a{i}", value, leaves)
    _items(check, "kwargs", kwargs, leaves)
    return check.made(f"[{', '.join(leaves)}]")


def _argument(check: _Check, x: str, value: Any, leaves: list[str]) -> None:
    kind = value.__class__
    if isinstance(value, (tuple, list, dict)):
        check.refuse(f"{x}.__class__ is not {check.name(kind)}", f"len({x}) != {len(value)}")
        _items(check, x, value, leaves)
        return
    if value is not None:  # a container without leaves
        leaves.append(x)
    if isinstance(value, Box):
        check.refuse(f"{x}.__class__ is not {check.name(kind)}")
        check.tensor(x, value)
    elif isinstance(value, (np.ndarray, np.generic)):
        check.refuse(*check.array(x, value))
    elif isinstance(value, NUMBERS) and not isinstance(value, bool):
        check.refuse(f"{x}.__class__ is not {check.name(kind)}")
    else:
        _static(check, x, value)


def _items(check: _Check, x: str, value: Any, leaves: list[str]) -> None:
    keys = ordered_keys(value) if isinstance(value, dict) else range(len(value))
    for i, key in enumerate(keys):
        check.put(f"{x}_{i} = {x}[{check.name(key)}]")
        _argument(check, f"{x}_{i}", value[key], leaves)


def _static(check: _Check, x: str, value: Any) -> None:
    name = check.name(value)
    identical = isinstance(value, FunctionType)  # its closure may change
    check.refuse(f"{x} is not {name}" + ("" if identical else f" and not same({x}, {name})"))


# -- the state -------------------------------------------------------------------------------------


def state_check(found: Reached) -> Callable[[], bool]:
    """A function that tells whether what a walk has found is as it was.

    Args:
        found: the result of the walk.
    """
    check = _Check("def check():", "False")
    for i in range(0, len(found.links), TOGETHER):
        links = found.links[i : i + TOGETHER]
        others = [f"{_read(check, entry)} is not {check.name(value)}" for entry, value in links]
        check.refuse(f"({' or '.join(others)}) and moved({check.name(links)})")
    if found.sizes:
        check.refuse(*[f"len({check.name(x)}) != {n}" if n else check.name(x) for x, n in found.sizes])
    for value, copy in found.fixed:
        empty = isinstance(copy, set) and not copy
        check.refuse(check.name(value) if empty else f"not same({check.name(value)}, {check.name(copy)})")
    for tensor in found.tensors:
        check.tensor(check.name(tensor), tensor)
    for entry in found.arrays:
        check.put(f"x = {_read(check, entry)}")
        check.refuse(*check.array("x", entry.get()))
    for entry in found.held:
        check.put(f"x = {_read(check, entry)}")
        check.tensor("x", entry.get())
    return check.made("True")


def _moved(links: list[tuple[Entry, Any]]) -> bool:
    """Whether one of some entries holds another object, and not an equal number."""
    return any((now := entry.get()) is not value and differs(now, value) for entry, value in links)


def _read(check: _Check, entry: Entry) -> str:
    """The expression that reads an entry."""
    holder, key = check.name(entry.holder), entry.key
    if isinstance(entry.holder, CONTAINERS):
        return f"{holder}[{key!r}]" if key.__class__ in (str, int) else f"{holder}[{check.name(key)}]"
    if key is CELL:
        return f"{holder}.cell_contents"
    return f"{holder}.__dict__[{key!r}]" if isinstance(entry.holder, type) else f"{holder}.{key}"
