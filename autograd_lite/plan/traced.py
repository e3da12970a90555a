"""Traced: an array that reports every NumPy call on it to a trace, and refuses to be read by the program.

It holds a value (an array, a number, residuals, or a cotangent of any kind) and the number of a slot. A call
computes with the values, and adds a step to the trace.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from ..arrays import Holder
from ..cotangents import bare
from ..errors import CompileError, package, user_line
from .slots import LEAVES

__all__ = ["Sent", "Traced", "attribute", "method"]

WRITES = frozenset({np.put_along_axis, np.copyto, np.put, np.place, np.putmask, np.fill_diagonal})
"""NumPy functions that write into their first argument."""


class Traced:
    """A value in a slot of a trace.

    Args:
        trace: hears the calls.
        slot: the number of the slot.
        value: the value of this run.
    """

    __slots__ = ("_slot", "_trace", "_value")

    def __init__(self, trace: Any, slot: int, value: Any) -> None:
        self._trace, self._slot, self._value = trace, slot, value

    # -- the seam ----------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if any(_holds(x) for x in args):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        targets = kwargs.get("out", ()) if method != "at" else args[:1]
        return self._trace.call(function, args, kwargs, written=targets)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(kind, (Traced, np.ndarray)) for kind in types):
            return NotImplemented
        targets: Any = kwargs.get("out")
        targets = targets if isinstance(targets, tuple) else () if targets is None else (targets,)
        if function in WRITES or kwargs.get("overwrite_input") or function is np.nan_to_num:
            targets = args[:1] if function is not np.nan_to_num or not _copies(*args, **kwargs) else ()
        return self._trace.call(function, args, kwargs, written=targets)

    def __array_whole__(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call a function at once on the arrays inside of traced arrays: one step."""
        return self._trace.call(function, args, kwargs)

    def __array_pull__(self, pull: Any, node: Any, rule: Any, sweep: Any) -> Any:
        """What a step sends back for this cotangent: one step."""
        return self._trace.pull(pull, node, rule, self, sweep)

    def __array_host__(self) -> Any:
        return np.asarray(self._trace.asked(self, "x.numpy()"))

    def __array_taped__(self) -> Traced:
        """The same array; writing into it is refused from now on."""
        self._trace.taped.append(self._value)
        return self

    def __array_memory__(self) -> Any:
        """The array, to ask whether it shares its memory with another; its values are not read."""
        return self._value

    @property
    def __array_number__(self) -> type | None:
        """The class of a number of Python's; NumPy's in double precision are of these classes too."""
        return next((kind for kind in (bool, int, float, complex) if isinstance(self._value, kind)), None)

    # -- what every array has ----------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        if self._value.__class__ in (float, int, complex) and _is_program(sys._getframe(1)):
            raise AttributeError(f"{type(self._value).__name__!r} object has no attribute 'shape'")
        return np.shape(self._value)

    @shape.setter
    def shape(self, value: Any) -> None:
        raise CompileError(
            f"x.shape = ... is no step of a plan, at {user_line()}; write x = x.reshape(shape)"
        )

    @property
    def dtype(self) -> np.dtype[Any]:
        value = self._value
        return value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: int(np.size(self._value)))
    nbytes = property(lambda self: self.size * self.dtype.itemsize)
    itemsize = property(lambda self: self.dtype.itemsize)
    base = property(lambda self: self)  # it may share its memory: whoever asks makes a copy
    strides = property(lambda self: np.asarray(self._value).strides)
    flags = property(lambda self: np.asarray(self._value).flags)

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            self._refuse("iter(x)")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple) and not index and isinstance(self._value, np.generic):
            return self
        parts = list(index) if isinstance(index, tuple) else [index]
        for i, part in enumerate(parts):
            if isinstance(part, Traced) and part.dtype == bool:
                parts[i] = self._trace.masked(part)
                index = tuple(parts) if isinstance(index, tuple) else parts[0]
        return self._trace.call(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self._trace.call(operator.setitem, (self, index, value), {}, written=(self,))

    def __getattr__(self, name: str) -> Any:
        """The methods and attributes of arrays, each call a step."""
        if name.startswith("__"):
            raise AttributeError(name)
        if name in READS:
            self._refuse(f"x.{name}()")
        found = getattr(type(self._value), name)  # raises AttributeError
        if not callable(found):
            return self._trace.call(attribute, (name, self), {})

        def called(*args: Any, **kwargs: Any) -> Any:
            written = (self,) if name in IN_PLACE else (kwargs["out"],) if "out" in kwargs else ()
            return self._trace.call(method, (name, self, *args), kwargs, written=written)

        return called

    def __round__(self, digits: int | None = None) -> Any:
        return self._trace.call(round, (self, digits), {})

    def __divmod__(self, other: Any) -> Any:
        return self._trace.call(divmod, (self, other), {})

    def __rdivmod__(self, other: Any) -> Any:
        return self._trace.call(divmod, (other, self), {})

    # -- values that the program would read --------------------------------------------------------

    def _refuse(self, what: str) -> NoReturn:
        raise self._trace.refused(self, what)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        self._refuse("np.asarray(x), or a[i] = x of a plain array,")

    def __repr__(self) -> str:
        if (
            sys._getframe(1).f_globals.get("__name__", "").startswith("autograd_lite.words")
        ):  # an error's message
            return f"{self.dtype} {self.shape}"
        self._refuse("print(x)")

    def __format__(self, spec: str) -> str:
        self._refuse("print(x)")

    def __bool__(self) -> bool:
        return bool(self._trace.asked(self, "bool(x), as in `if x > 0`,", bool))

    def __int__(self) -> int:
        return int(self._trace.asked(self, "int(x)"))

    def __float__(self) -> float:
        return float(self._trace.asked(self, "float(x)"))

    def __complex__(self) -> complex:
        return complex(self._trace.asked(self, "complex(x)"))

    def __index__(self) -> int:
        return operator.index(self._trace.asked(self, "x as an index or a count"))

    def __hash__(self) -> int:
        self._refuse("hash(x), as in d[x] or a cache,")

    def __contains__(self, value: Any) -> bool:
        self._refuse("v in x")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise CompileError(f"a traced value cannot be pickled or deep-copied; at {user_line()}")


READS = frozenset({"item", "tolist", "tobytes", "tofile", "dump", "dumps", "data", "ctypes", "flat"})
"""Methods of arrays that read values."""

IN_PLACE = frozenset({"sort", "fill", "put", "partition", "resize", "setflags", "setfield", "byteswap"})
"""Methods of arrays that write into the array."""


def _is_program(frame: Any) -> bool:
    """Whether the code of a frame is the user's."""
    return package(frame) not in ("autograd_lite", "nn", "numpy", "visualize")


def _copies(x: Any, copy: bool = True, *_: Any, **options: Any) -> bool:
    """Whether `np.nan_to_num` leaves its argument as it is."""
    return copy


def attribute(name: str, value: Any) -> Any:
    """The function of a step that reads an attribute of an array or a number."""
    return getattr(value, name)


def method(name: str, value: Any, *args: Any, **kwargs: Any) -> Any:
    """The function of a step that calls a method of an array or a number."""
    return getattr(value, name)(*args, **kwargs)


def _operators() -> None:
    names: tuple[str, ...] = (
        "add",
        "sub",
        "mul",
        "truediv",
        "floordiv",
        "mod",
        "pow",
        "matmul",
        "lshift",
        "rshift",
    )
    names += ("and", "or", "xor", "lt", "le", "gt", "ge", "eq", "ne")
    for name in names:
        function = getattr(operator, f"__{name}__")
        setattr(Traced, f"__{name}__", _operator(function))
        if hasattr(int, f"__r{name}__") or name == "matmul":
            setattr(Traced, f"__r{name}__", _reflected(function))
            in_place = getattr(operator, f"__i{name}__")
            setattr(Traced, f"__i{name}__", _in_place(function, in_place))
    for name in ("neg", "pos", "abs", "invert"):
        function = getattr(operator, f"__{name}__")
        setattr(Traced, f"__{name}__", lambda self, f=function: self._trace.call(f, (self,), {}))


OPERANDS = (Traced, np.ndarray, np.generic, bool, int, float, complex)


def _holds(x: Any) -> bool:
    """Whether x is of a class that holds arrays, traced ones too: a Tensor, a batch."""
    return isinstance(x, Holder) or (
        not isinstance(x, OPERANDS) and getattr(x, "__array_ufunc__", None) is not None
    )


def _operator(function: Any) -> Any:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, OPERANDS):
            return self._trace.call(function, (self, other), {})
        return NotImplemented

    return method


def _reflected(function: Any) -> Any:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, OPERANDS):
            return self._trace.call(function, (other, self), {})
        return NotImplemented

    return method


def _in_place(function: Any, in_place: Any) -> Any:
    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        if isinstance(self._value, np.ndarray):
            return self._trace.call(in_place, (self, other), {}, written=(self,))
        return self._trace.call(function, (self, other), {})

    return method


_operators()


class Sent(Traced):
    """A traced cotangent: an array, or, inside of the backward pass, `Masked` or a tuple.

    Whatever computes with it, except fan-in, first takes its array.
    """

    __slots__ = ("mask", "plain")

    def __init__(self, trace: Any, slot: int, value: Any) -> None:
        super().__init__(trace, slot, value)
        self.plain: Traced | None = None  # of a cotangent with dead entries: its array and its mask
        self.mask: Traced | None = None

    @property
    def dtype(self) -> Any:
        """None for a tuple of cotangents, and for one whose mask is not known apart from the array."""
        return self.plain.dtype if self.plain is not None else getattr(self._value, "dtype", None)

    def astype(self, dtype: Any, **options: Any) -> Any:
        """Fan-in casts the sum to the dtype of a plain cotangent only."""
        return self if dtype is None or not self._plain() else self.__getattr__("astype")(dtype, **options)

    def _bare(self) -> Traced:
        return self._trace.call(bare, (self,), {})  # type: ignore[no-any-return]

    def _plain(self) -> bool:
        return isinstance(self._value, (np.ndarray, np.generic))

    def __add__(self, other: Any) -> Any:
        return self._trace.fan_in(self, other)

    def __radd__(self, other: Any) -> Any:
        return self._trace.fan_in(other, self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if ufunc is np.add and method == "__call__" and len(args) == 2 and not kwargs:
            return self._trace.fan_in(*args)
        return super().__array_ufunc__(ufunc, method, *args, **kwargs)


LEAVES.update((Traced, Sent))
