"""Operators: the special methods of a Tensor, which Python's syntax and NumPy's protocols call.

The operators are written out on arrays. For small arrays this takes half the time of dispatch through NumPy.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import numpy as np

from .apply import apply, compute, record_kept, setitem, unrecorded, viewed, written
from .arrays import door, on_host, refuse_other_arithmetic, to_host, unwrap
from .box import OPERANDS, PLAIN, Array, Box, answer, record, wrap
from .calls import operand, plain_index
from .errors import AssignmentError, DTypeError, ShapeError, UnsupportedError
from .guards import NAMELESS, cut, cut_by_number, draws
from .kept import SMALL
from .kin import as_kin, kin_view, like
from .known import Rule, known
from .node import FIXED, Op, op_name
from .notebook import quietly, table, text
from .recording import current
from .views import assign, is_part
from .words.advice import unsupported_method
from .words.explain import describe, explain

__all__ = ["Operators"]

entry_of = known.get  # bound once: looking up the method costs as much as looking up the op
T = TypeVar("T", bound=Box)

BASIC = frozenset({int, slice, type(None), type(Ellipsis)})
"""The classes in a basic index, which gives a view."""


def _binary(
    op: np.ufunc,
    compute: Callable[[Any, Any], Any],
    reads: bool = True,  # whether the rules of the op read the other operand
) -> tuple[Callable[[T, Any], T], Callable[[T, Any], T]]:
    def forward(self: Any, other: Any) -> Any:
        a, left, right = self._data, self.node, None
        kind = type(other)
        if kind in OPERANDS:  # a set of classes, since isinstance is slow
            b = other
        elif kind in PLAIN:
            b, right = other._data, other.node
        elif (b := operand(other)) is NotImplemented:
            return b
        elif isinstance(b, Box):  # of a subclass, or stacked from a list of Tensors
            return as_kin(forward, self, b)
        if type(self) not in PLAIN:
            return as_kin(forward, self, other)
        try:
            value = compute(a, b)
        except Exception as error:
            raise explain(op, (a, b), error) from error
        if (listeners := current().listeners) is None:
            return unrecorded(op, (a, b), value)
        if right is None:
            if left is None:
                return unrecorded(op, (a, b), value)
            if reads and b.__class__ not in FIXED:
                if b.__class__ is not np.ndarray or b.nbytes > SMALL:
                    return record_kept(op, (left, other), [a, b], value)
                own = b.__copy__()  # written out: `record_kept` would take as long as a small product
                return record(op, (left, other), (a, own), None, value, listeners)
        elif left is None and reads and a.__class__ not in FIXED:
            return record_kept(op, (self, right), [a, b], value)
        return record(op, (left or self, right or other), (a, b), None, value, listeners)

    def reflected(self: Any, other: Any) -> Any:
        b, right = self._data, self.node
        if type(other) in OPERANDS:
            a = other
        elif (a := operand(other)) is NotImplemented:
            return a
        elif isinstance(a, Box):
            return forward(a, self)
        if type(self) not in PLAIN:
            return as_kin(reflected, self, other)
        try:
            # Python's complex would take np.float64 for a Python float, and return a Python complex.
            value = compute(a, b) if a.__class__ is not complex else op(a, b)
        except Exception as error:
            raise explain(op, (a, b), error) from error
        if right is None or (listeners := current().listeners) is None:
            return unrecorded(op, (a, b), value)
        if reads and a.__class__ not in FIXED:
            return record_kept(op, (a, right), [a, b], value)
        return record(op, (other, right), (a, b), None, value, listeners)

    return forward, reflected


def _unary(op: np.ufunc, function: Callable[[Any], Any]) -> Callable[[T], T]:
    return lambda self: compute(op, function, self)


def _plain(compute: Op) -> Op:
    """The method of an operator without a gradient, on plain arrays."""

    def method(self: Any, *others: Any) -> Any:
        survives = type(self) not in PLAIN
        for other in others:
            if other.__class__ not in OPERANDS:
                refuse_other_arithmetic(other)
                survives = True
        try:
            result = answer(compute(self._data, *map(unwrap, others)))
        except Exception as error:
            raise explain(compute, (self, *others), error) from error
        return like((self, *others), result) if survives else result

    return method


def _in_place(symbol: str, compute: Callable[[Any, Any], Any]) -> Callable[[T, Any], T]:
    def method(self: Any, other: Any) -> Any:
        result = compute(self, other)
        if result is NotImplemented:
            return result
        if result.shape != self.shape:
            raise ShapeError(
                f"x {symbol} y: the result has shape {result.shape}, x has {self.shape}; "
                f"write x = x {symbol[:-1]} y"
            )
        if result.dtype != self.dtype:
            if not np.can_cast(result.dtype, self.dtype, "same_kind"):
                raise DTypeError(
                    f"x {symbol} y: the result is {result.dtype}, x is {self.dtype}; "
                    f"write x = x {symbol[:-1]} y"
                )
            result = result.astype(self.dtype)
        return self._rebind(f"x {symbol} y", result)

    return method


class Operators(Box):
    """The special methods of a Tensor. See the module."""

    __slots__ = ()

    if TYPE_CHECKING:  # checkers do not read the types of several functions from a tuple

        def __add__(self, other: Any, /) -> Self: ...

        __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __add__
        __pow__ = __rpow__ = __mod__ = __rmod__ = __matmul__ = __rmatmul__ = __add__
    else:
        __add__, __radd__ = _binary(np.add, operator.add, reads=False)
        __sub__, __rsub__ = _binary(np.subtract, operator.sub, reads=False)
        __mul__, __rmul__ = _binary(np.multiply, operator.mul)
        __truediv__, __rtruediv__ = _binary(np.divide, operator.truediv)
        __pow__, __rpow__ = _binary(np.power, operator.pow)
        __mod__, __rmod__ = _binary(np.remainder, operator.mod)
        __matmul__, __rmatmul__ = _binary(np.matmul, operator.matmul)

    __neg__ = _unary(np.negative, operator.neg)
    __pos__ = _unary(np.positive, operator.pos)
    __abs__ = _unary(np.absolute, operator.abs)

    # Comparisons and bitwise operators carry no gradient and give plain arrays.
    __lt__ = _plain(operator.lt)
    __le__ = _plain(operator.le)
    __gt__ = _plain(operator.gt)
    __ge__ = _plain(operator.ge)
    __eq__ = _plain(operator.eq)
    __ne__ = _plain(operator.ne)
    __floordiv__ = _plain(operator.floordiv)
    __rfloordiv__ = _plain(lambda a, b: operator.floordiv(b, a))
    __round__ = _plain(np.round)
    __and__ = __rand__ = _plain(operator.and_)
    __or__ = __ror__ = _plain(operator.or_)
    __xor__ = __rxor__ = _plain(operator.xor)
    __lshift__ = _plain(operator.lshift)
    __rlshift__ = _plain(lambda a, b: operator.lshift(b, a))
    __rshift__ = _plain(operator.rshift)
    __rrshift__ = _plain(lambda a, b: operator.rshift(b, a))
    __invert__ = _plain(operator.invert)
    __contains__ = _plain(operator.contains)
    __hash__ = object.__hash__

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    __iadd__ = _in_place("+=", operator.add)
    __isub__ = _in_place("-=", operator.sub)
    __imul__ = _in_place("*=", operator.mul)
    __itruediv__ = _in_place("/=", operator.truediv)
    __ipow__ = _in_place("**=", operator.pow)
    __imatmul__ = _in_place("@=", operator.matmul)
    __imod__ = _in_place("%=", operator.mod)
    __ifloordiv__ = _in_place("//=", lambda x, y: wrap(unwrap(x // y)))

    # -- indexing and assignment -------------------------------------------------------------------

    def __len__(self) -> int:
        try:
            return len(self._data)
        except TypeError as error:
            raise DTypeError("a 0-d Tensor has no len(); its number is x.item()") from error

    def __iter__(self) -> Iterator[Self]:
        if self.ndim == 0:
            raise DTypeError("a 0-d Tensor cannot be iterated; its number is x.item()")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Self:
        kind = index.__class__
        if kind is tuple:
            basic = BASIC.issuperset(map(type, index))
        else:
            basic = kind is int or kind is slice
        if not basic:
            return cast(Self, apply(operator.getitem, self, plain_index(index)))
        try:
            value = self._data[index]
        except Exception as error:
            raise explain(operator.getitem, (self._data, index), error) from error
        result = viewed(operator.getitem, self, (index,), value)
        return cast(Self, result if type(self) in PLAIN else kin_view(self, result))

    def __setitem__(self, index: Any, value: Any) -> None:
        if self._views is None and sys.getrefcount(self) <= NAMELESS:
            raise AssignmentError(
                "x[i][j] = v would assign to a copy that nothing holds, and x would stay as it is; write "
                "x[i, j] = v"
            )
        index = plain_index(index)
        if isinstance(value, Box):
            if is_part(value, self, index):
                return
            if value.node is not None and not np.can_cast(value.dtype, self.dtype, "same_kind"):
                raise DTypeError(
                    f"x[i] = v: v is {value.dtype} and requires a gradient, x is {self.dtype} and cannot "
                    "hold it; write x = x.astype(v.dtype) first"
                )
        self._rebind(f"x[{describe(index)}] = v", apply(setitem, self, value, index))

    def _rebind(self, line: str, result: Box) -> Self:
        """Let this Tensor stand for a new value; steps recorded before keep the old value.

        After `x = a * 1.0; y = x * x; x[0] = 7.0; z = x * x`, y is still a * a. The gradient of y with
        respect to a is 2 a in every entry, and z does not depend on a[0].
        """
        assign(self, result, line)
        return self

    # -- NumPy's protocols -------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and len(args) == 1 and method == "__call__" and entry_of(ufunc).__class__ is Rule:
            return compute(ufunc, ufunc, self)
        if method == "at" or (kwargs and any(target is not None for target in kwargs.get("out", ()))):
            return written(ufunc, method, args, kwargs)
        if method != "__call__":
            raise unsupported_method(ufunc, method, args, kwargs)
        return apply(ufunc, *args, **kwargs)

    def __array_function__(self, function: Op, types: Any, args: Any, kwargs: Any) -> Any:
        return apply(function, *args, **kwargs)

    if not TYPE_CHECKING:  # numpy_types.py says what checkers see

        def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
            if self.node is not None and not draws(caller := sys._getframe(1)):
                raise cut(caller)
            return np.array(self._data, dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        if self.node is not None:
            raise UnsupportedError(
                "from_dlpack(x): x is on the tape, and what another library computes with its memory would "
                "not be recorded; write from_dlpack(x.detach())"
            )
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return np.empty(0).__dlpack_device__()

    def __array_namespace__(self, *, api_version: Any = None) -> Any:
        return np.empty(0).__array_namespace__(api_version=api_version)

    # -- Python's numbers and strings --------------------------------------------------------------

    def __bool__(self) -> bool:
        try:
            return bool(to_host(self._data))
        except ValueError as error:
            raise ShapeError(
                f"a Tensor of shape {self.shape} is neither true nor false; write (x > 0).all() or "
                "(x > 0).any(), and np.where(x > 0, y, z) to choose entry by entry"
            ) from error

    def __int__(self) -> int:
        try:
            return int(to_host(self._data))
        except TypeError as error:
            raise DTypeError(
                f"int(x) takes a 0-d Tensor, this has shape {self.shape}; write x.astype(int), or x.item() "
                "for the one entry"
            ) from error

    def __index__(self) -> int:
        return operator.index(to_host(self._data)[()])

    def __float__(self) -> float:
        return float(self._number("float"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def _number(self, kind: str) -> Any:
        """The value for `float(x)`; raises if the conversion would silently cut the graph."""
        if self.node is not None and (error := cut_by_number(kind, sys._getframe(2))):
            raise error
        if self._data.size != 1:
            raise DTypeError(
                f"{kind}(x) takes a Tensor of one entry, this has shape {self.shape}; compute with NumPy's "
                "functions, e.g. np.sin(x), or write x.tolist()"
            )
        return to_host(self._data).reshape(())[()]

    def __repr__(self) -> str:
        text = type(self._data).__name__  # the values of arrays that are not NumPy's are not read
        if door(self._data) is not None:
            repr(self._data)  # a traced array refuses to be printed
        if on_host(self._data):
            text = np.array2string(to_host(self._data), separator=", ", prefix="Tensor(")
        parts = [f"Tensor({text}", f"shape={self.shape}", f"dtype={self.dtype}"]
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if self.node is not None:
            op = self.node.op
            parts.append("requires_grad=True" if op is None else f"op={op_name(op)}")
        return ", ".join(parts) + ")"

    @quietly
    def _repr_html_(self) -> str:
        """For notebooks: what it is in one row, and its numbers below; `visualize.heat(x)` is a picture."""
        op = None if self.node is None else self.node.op
        kind = "no gradient" if self.node is None else "leaf" if op is None else op_name(op)
        row = (type(self).__name__, self.name or "", str(self.shape), str(self.dtype), kind)
        numbers = np.array2string(to_host(self._data), separator=", ") if on_host(self._data) else repr(self)
        return table(("", "name", "shape", "dtype", "from"), [row], "lllll") + text(numbers)

    def __format__(self, spec: str) -> str:
        if not spec:
            return repr(self)
        if self._data.size != 1:
            raise ShapeError(
                f"f'{{x:{spec}}}' takes a Tensor of one entry, this has shape {self.shape}; format x.tolist()"
            )
        return format(to_host(self._data).item(), spec)
