"""Reads the pickle inside of a `.pt` file: opcodes that build data, and a short list of names.

A pickle is a program for a stack machine. Python's own reader imports and calls whatever the program
names. This reader imports nothing: it looks a name up in a table that the caller gives. Any other name is an
error.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from autograd_lite.errors import DataError

__all__ = ["Built", "ForbiddenNameError", "read"]

MARK = object()


class ForbiddenNameError(DataError):
    """A pickle names something that is not in the table."""


class Built:
    """A function of the table: it builds data when the pickle calls it.

    Args:
        make: the function.
        update: called with the result and a state, for objects that get their content afterwards.
    """

    def __init__(self, make: Callable[..., Any], update: Callable[[Any, Any], None] | None = None) -> None:
        self.make, self.update = make, update


def read(stream: Any, names: Mapping[str, Any], stored: Callable[[Any], Any], budget: int) -> Any:
    """The value of one pickle.

    Args:
        stream: bytes, or an open file at the beginning of the pickle.
        names: what each allowed name ("collections.OrderedDict") means: a `Built`, or a value.
        stored: a function of the tuples that stand for storages.
        budget: the number of entries that calls may copy. Without a limit, a small file could ask for
            the same list again and again.

    Raises:
        ForbiddenNameError: the pickle uses another name.
        DataError: the pickle uses an opcode that builds no data.

    Example:
        >>> import pickle
        >>> read(pickle.dumps({"a": [1, (2.5, None)]}, 2), {}, id, 100)
        {'a': [1, (2.5, None)]}
        >>> read(pickle.dumps(print, 2), {}, id, 100)
        Traceback (most recent call last):
        nn.torch.pickle_reader.ForbiddenNameError: __builtin__.print
    """
    return _Machine(names, stored, budget).run(stream)


class _Machine:
    """The stack, the memo, and one method for each kind of opcode."""

    def __init__(self, names: Mapping[str, Any], stored: Callable[[Any], Any], budget: int) -> None:
        self.names, self.stored, self.budget = names, stored, budget
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.updates: dict[int, Callable[[Any, Any], None]] = {}
        self.alive: list[Any] = []

    def run(self, stream: Any) -> Any:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "STOP":
                (value,) = self.stack
                return value
            if opcode.name in self.LITERALS:
                self.stack.append(argument)
            elif opcode.name in self.CONSTANTS:
                self.stack.append(self.CONSTANTS[opcode.name]())
            elif opcode.name in self.STEPS:
                self.STEPS[opcode.name](self, argument)
            else:
                raise DataError(f"the pickle uses the opcode {opcode.name}, which builds no data")
        raise DataError("the pickle has no end")

    def above_mark(self) -> list[Any]:
        """Remove the values above the last mark, and the mark."""
        place = len(self.stack) - 1
        while self.stack[place] is not MARK:
            place -= 1
            if place < 0:
                raise DataError("a mark is missing")
        values = self.stack[place + 1 :]
        del self.stack[place:]
        return values

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is MARK:
            raise DataError("a mark stands where a value should be")
        return value

    def tuple_of(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.stack.append(tuple(values[::-1]))

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise DataError(f"entries are appended to a {type(target).__name__}")
        target.extend(values)

    def add(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not set:
            raise DataError(f"entries are added to a {type(target).__name__}")
        target.update(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise DataError(f"items are set in a {type(target).__name__}")
        target.update(_pairs(values))

    def put(self, place: Any) -> None:
        self.memo[len(self.memo) if place is None else int(place)] = self.stack[-1]

    def find(self, name: str) -> None:
        """Push what a name means."""
        if name not in self.names:
            raise ForbiddenNameError(name)
        self.stack.append(self.names[name])

    def stack_name(self) -> str:
        """The name of which the two parts are on the stack."""
        name, module = self.pop(), self.pop()
        return f"{module}.{name}"

    def call(self) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Built) or type(arguments) is not tuple:
            raise DataError("the pickle calls something that is no function of PyTorch's files")
        self.budget -= sum(len(a) for a in arguments if isinstance(a, (list, dict, str, bytes, set)))
        if self.budget < 0:
            raise DataError("the pickle copies more entries than the file has bytes")
        result = function.make(*arguments)
        if function.update:
            self.updates[id(result)] = function.update
            self.alive.append(result)  # so that its id stays its own
        self.stack.append(result)

    def build(self) -> None:
        state, target = self.pop(), self.stack[-1]
        if id(target) not in self.updates:
            raise DataError(f"a state is given to a {type(target).__name__}")
        self.updates[id(target)](target, state)

    LITERALS: ClassVar[frozenset[str]] = frozenset(
        """INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT UNICODE BINUNICODE SHORT_BINUNICODE
        BINUNICODE8 STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8""".split()  # noqa: SIM905
    )
    CONSTANTS: ClassVar[dict[str, Callable[[], Any]]] = {
        "NONE": lambda: None,
        "NEWTRUE": lambda: True,
        "NEWFALSE": lambda: False,
        "EMPTY_TUPLE": tuple,
        "EMPTY_LIST": list,
        "EMPTY_DICT": dict,
        "EMPTY_SET": set,
        "MARK": lambda: MARK,
    }
    STEPS: ClassVar[dict[str, Callable[[_Machine, Any], Any]]] = {
        "PROTO": lambda self, _: None,
        "FRAME": lambda self, _: None,
        "POP": lambda self, _: self.stack.pop(),
        "POP_MARK": lambda self, _: self.above_mark(),
        "TUPLE": lambda self, _: self.stack.append(tuple(self.above_mark())),
        "TUPLE1": lambda self, _: self.tuple_of(1),
        "TUPLE2": lambda self, _: self.tuple_of(2),
        "TUPLE3": lambda self, _: self.tuple_of(3),
        "LIST": lambda self, _: self.stack.append(self.above_mark()),
        "DICT": lambda self, _: self.stack.append(dict(_pairs(self.above_mark()))),
        "APPEND": lambda self, _: self.append([self.pop()]),
        "APPENDS": lambda self, _: self.append(self.above_mark()),
        "SETITEM": lambda self, _: self.set_items([self.pop(), self.pop()][::-1]),
        "SETITEMS": lambda self, _: self.set_items(self.above_mark()),
        "ADDITEMS": lambda self, _: self.add(self.above_mark()),
        "PUT": lambda self, place: self.put(place),
        "BINPUT": lambda self, place: self.put(place),
        "LONG_BINPUT": lambda self, place: self.put(place),
        "MEMOIZE": lambda self, _: self.put(None),
        "GET": lambda self, place: self.stack.append(self.memo[int(place)]),
        "BINGET": lambda self, place: self.stack.append(self.memo[place]),
        "LONG_BINGET": lambda self, place: self.stack.append(self.memo[place]),
        "GLOBAL": lambda self, name: self.find(".".join(name.split(" ", 1))),
        "STACK_GLOBAL": lambda self, _: self.find(self.stack_name()),
        "BINPERSID": lambda self, _: self.stack.append(self.stored(self.pop())),
        "REDUCE": lambda self, _: self.call(),
        "NEWOBJ": lambda self, _: self.call(),
        "BUILD": lambda self, _: self.build(),
    }


def _pairs(values: list[Any]) -> Iterator[tuple[Any, Any]]:
    if len(values) % 2:
        raise DataError("a key has no value")
    return zip(values[::2], values[1::2], strict=True)
