"""Tensor: a NumPy array that may be on the tape, and `apply`, which puts it there.

Everything a user does to a Tensor ends in one of two places: an operator such as
`x * y`, or `apply(op, *args)`, which NumPy calls for `np.op(tensor)`. Both compute
with plain arrays and then, if an input is on the tape, `record` one `Node`.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import operator
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast, overload

import numpy as np
import numpy.typing as npt

from .advice import unsupported_call, unsupported_method
from .arrays import (
    MASKED,
    Holder,
    asarray,
    dtype_of,
    empty,
    is_array,
    on_host,
    owned,
    refuse_other_arithmetic,
    shape_of,
    to_host,
    unwrap,
)
from .constants import SMALL, hand_out, keep_constants
from .errors import (
    AssignmentError,
    AutogradLiteError,
    DTypeError,
    ShapeError,
    TapeError,
    UnsupportedError,
)
from .explain import called_from_math, describe, explain, missing_rule
from .guards import STORE_SUBSCR, cut, draws
from .mistakes import warn_of_mistake
from .names import FOREIGN_METHODS, missing
from .recording import current
from .rules import Rule, compositions, constants, is_built_in, refused, rule_of, rules
from .tape import FIXED, Node, changing, check_value, leaf, next_index, op_name, package, user_line
from .torch_names import PlainArray, TorchNames, ValuesAndIndices, answer, axis_of, numpy_words

__all__ = ["Tensor", "apply", "nondifferentiable", "primitive", "stop_gradient"]

Array = npt.NDArray[Any]
_F = TypeVar("_F", bound=Callable[..., Any])
_new = object.__new__


class Tensor(TorchNames, Holder):
    """A NumPy array that may be on the tape.

    Args:
        data: a number, a nested list, an array or a Tensor; it is copied.
        requires_grad: whether gradients with respect to it are wanted (a *leaf* of the tape).
            Python ints, and lists of them, then become float64.
        dtype: as in `numpy.array`.
        name: how `print(tape)` and pictures call it.

    Raises:
        DTypeError: `requires_grad` with an integer or boolean array, or data without numbers.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> x = ag.Tensor([1.0, 2.0, 3.0], requires_grad=True)
        >>> y = np.sum(x * x)
        >>> y.backward()
        >>> x.grad
        Tensor([2., 4., 6.], shape=(3,), dtype=float64)
    """

    __slots__ = ("__weakref__", "_name", "node")

    _name: str | None
    node: Node | None
    backward: ClassVar[Callable[..., None]]  # given in backward.py, one floor up
    sigmoid: ClassVar[Callable[..., Tensor]]  # these in ops, with their rules
    softplus: ClassVar[Callable[..., Tensor]]
    relu: ClassVar[Callable[..., Tensor]]
    erf: ClassVar[Callable[..., Tensor]]
    softmax: ClassVar[Callable[..., Tensor]]
    log_softmax: ClassVar[Callable[..., Tensor]]
    logsumexp: ClassVar[Callable[..., Tensor]]

    __array_priority__ = 1000.0

    def __init__(
        self,
        data: Any,
        requires_grad: bool = False,
        dtype: npt.DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        self._data = _owned(data, requires_grad, dtype)
        self._name = name
        self.node = leaf(self._data, name) if requires_grad else None

    # -- what it is --------------------------------------------------------------------------------

    @property
    def data(self) -> Array:
        """The plain array, which knows PyTorch's names: `x.data.zero_()`. Writing into it is not recorded."""
        if on_host(self._data):
            return cast(Array, answer(self.numpy()))
        if self.node is not None:  # steps keep the array they have seen, since its values cannot be watched
            self._data = owned(self._data)
            if self.node.op is None:
                self.node.value = self._data
        return cast(Array, self._data)

    @data.setter
    def data(self, value: Any) -> None:
        array = as_numbers(value, "x.data = array")
        if self.node is not None:
            _require_inexact(array.dtype, "x.data = array")
        self._data = stored(array)
        if self.node is not None and self.node.op is None:
            self.node.value = self._data

    @property
    def requires_grad(self) -> bool:
        """Whether this Tensor is on the tape, as a leaf or as a result."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted and self.node is None:
            _require_inexact(self._data.dtype, "x.requires_grad = True")
            self.node = leaf(self._data, self.name)
        elif not wanted and self.node is not None:
            if self.node.op is not None:
                raise TapeError(
                    f"the result of {op_name(self.node.op)} is on the tape because an input "
                    "requires a gradient; to get its value off the tape write x = x.detach()"
                )
            self._name, self.node = self.node.name, None

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad`, and return this Tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def grad_fn(self) -> Node | None:
        """The step that computed it; None for a leaf or a constant."""
        return None if self.is_leaf else self.node

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded step computed it."""
        return self.node is None or self.node.op is None

    @property
    def name(self) -> str | None:
        """How `print(tape)` and pictures call it."""
        return self.node.name if self.node is not None else getattr(self, "_name", None)

    @name.setter
    def name(self, name: str | None) -> None:
        if self.node is not None:
            self.node.note().name = name
        else:
            self._name = name

    @property
    def grad(self) -> Tensor | None:
        """d(output)/d(this), added up over the backward passes; None before the first."""
        node = self.node
        if node is None:
            return None
        grad = notes.grad if (notes := node.notes) is not None else None
        if grad is None and node.op is not None and not (notes is not None and notes.retains):
            warn_of_mistake(
                f"x.grad of an intermediate result is None: x is what {op_name(node.op)} computed, and only "
                "leaves keep their gradient; write x.retain_grad() before the backward pass"
            )
        return grad

    @grad.setter
    def grad(self, grad: Tensor | npt.ArrayLike | None) -> None:
        if self.node is None:
            if grad is None:
                return
            raise TapeError(
                "only a Tensor that requires a gradient keeps one; make it with "
                "Tensor(data, requires_grad=True)"
            )
        if grad is not None:
            if not isinstance(grad, Tensor) or grad.dtype != self.dtype:
                grad = wrap(as_numbers(grad, "x.grad = g").astype(self.dtype))
            if grad.shape != self.shape:
                raise ShapeError(
                    f"x.grad = g: g has shape {grad.shape}, x has {self.shape}; they must be equal"
                )
        self.node.note().grad = grad

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self._data.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """The number of entries; called, as in PyTorch, the shape: `x.size()`, `x.size(0)`."""
        return Size(self._data)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        return self._data.itemsize  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        return self._data.nbytes  # type: ignore[no-any-return]

    def __len__(self) -> int:
        try:
            return len(self._data)
        except TypeError as error:
            raise DTypeError("a 0-d Tensor has no len(); its number is x.item()") from error

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise DTypeError("a 0-d Tensor cannot be iterated; its number is x.item()")
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        text = type(self._data).__name__  # of another class than NumPy's, whose values are not read
        if on_host(self._data):
            text = np.array2string(np.asarray(self._data), separator=", ", prefix="Tensor(")
        parts = [f"Tensor({text}", f"shape={self.shape}", f"dtype={self.dtype}"]
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if self.node is not None:
            op = self.node.op
            parts.append("requires_grad=True" if op is None else f"op={op_name(op)}")
        return ", ".join(parts) + ")"

    def __format__(self, spec: str) -> str:
        if not spec:
            return repr(self)
        if self.size != 1:
            raise ShapeError(
                f"f'{{x:{spec}}}' takes a Tensor of one entry, this has shape {self.shape}; format x.tolist()"
            )
        return format(self.item(), spec)

    # -- leaving the tape --------------------------------------------------------------------------

    def numpy(self) -> Array:
        """The plain array, asked for by name; nothing computed from it is recorded."""
        if not on_host(self._data):
            return cast(Array, to_host(self._data))
        if self._data.__class__ is not np.ndarray:  # 0-d values are kept as scalars, which are faster
            with changing:  # two threads that ask get one array
                if self._data.__class__ is not np.ndarray:
                    self._data = np.array(self._data)
                if self.node is not None and self.node.op is None:  # what is written into it is the leaf's
                    self.node.value = self._data
        if self.node is not None and self.node.value is self._data:
            hand_out(self.node)
        return cast(Array, self._data)

    def item(self, *index: Any) -> Any:
        """The one entry as a Python number, or the one at a place."""
        if index:
            place = index[0] if len(index) == 1 else index
            return (self if isinstance(place, tuple) else self.ravel())[place].item()
        if self.size != 1:
            raise ShapeError(
                f"item() takes a Tensor of one entry, this has shape {self.shape}; use .tolist()"
            )
        return to_host(self._data).item()

    def tolist(self) -> Any:
        """The entries as nested Python lists."""
        return to_host(self._data).tolist()

    def detach(self) -> Tensor:
        """The same values off the tape: a constant."""
        return wrap(self._data)

    def detach_(self) -> Self:
        """Take this Tensor itself off the tape."""
        self._name, self.node = self.name, None
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.node is not None and not draws(caller := sys._getframe(1)):
            raise cut(caller)
        return np.array(self._data, dtype=dtype, copy=copy)

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
        """The value for `float(x)`, which is fine where it was asked for, but not where a silent
        conversion cuts the graph: in `math.sin(x)`, and in NumPy's `array[i] = x`. Which of them it
        is, is told by the instruction that the caller is at."""
        if self.node is not None and not draws(caller := sys._getframe(2)):
            if caller.f_code.co_code[caller.f_lasti] == STORE_SUBSCR:
                raise cut(caller)
            if package(caller) == "numpy":
                raise UnsupportedError(
                    "NumPy was about to read a plain number, e.g. in np.sum(array, initial=x), which would "
                    "silently cut the graph; write np.sum(array) + x, or, for the number, initial=x.item()"
                )
            if called_from_math(caller):
                raise UnsupportedError(
                    "a function of Python's math module would silently cut the graph; in place of "
                    "math.sin(x) write np.sin(x)"
                )
            if current().transforms:
                raise UnsupportedError(
                    f"{kind}(x) inside of a differentiated function would silently cut the graph; compute "
                    "with x itself, or, to read the number, write x.item()"
                )
        if self.size != 1:
            raise DTypeError(
                f"{kind}(x) takes a Tensor of one entry, this has shape {self.shape}; compute with NumPy's "
                "functions, e.g. np.sin(x), or write x.tolist()"
            )
        return to_host(self._data).reshape(())[()]

    def __reduce__(self) -> Any:
        self._must_be_leaf("pickled")
        return _rebuild, (type(self), self.data, self.requires_grad, self.name, self.dtype)

    def __copy__(self) -> Tensor:
        """Another handle of the same step; of a leaf, another leaf."""
        if not self.is_leaf:
            return lift(self._data, cast(Node, self.node))
        rebuild, arguments = self.__reduce__()
        return cast(Tensor, rebuild(*arguments))

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        self._must_be_leaf("deep-copied")
        twin = _rebuild(type(self), owned(self.data, "C"), self.requires_grad, self.name)
        if self.grad is not None:
            twin.grad = wrap(owned(self.grad._data))
        memo[id(self)] = twin
        return twin

    def _must_be_leaf(self, done: str) -> None:
        if not self.is_leaf:
            raise TapeError(
                f"the result of a recorded op cannot be {done}: its history would be lost; "
                "write x.detach() first"
            )

    # -- gradients ---------------------------------------------------------------------------------

    def retain_grad(self) -> None:
        """Keep `grad` on this intermediate result as leaves do."""
        node = self._on_tape("retain_grad")
        if node.op is not None:
            node.note().retains = True

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Hook:
        """Call `hook(grad)` when the gradient of this Tensor is complete.

        Args:
            hook: gets the gradient as a Tensor; what it returns, unless None, takes its place.

        Returns:
            A handle whose `remove()` takes the hook away again.
        """
        if not callable(hook):
            raise DTypeError(
                f"register_hook takes a function, not {describe(hook)}: x.register_hook(lambda g: g * 2)"
            )
        notes = self._on_tape("register_hook").note()
        handle = Hook(notes.hooks)
        notes.hooks[handle.key] = hook
        return handle

    def _on_tape(self, method: str) -> Node:
        if self.node is None:
            raise TapeError(
                f"{method}: this Tensor does not require a gradient, so none will arrive; make it "
                "with Tensor(data, requires_grad=True)"
            )
        return self.node

    # -- NumPy's protocols -------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and len(args) == 1 and method == "__call__" and ufunc in rules:
            return _compute(ufunc, ufunc, self)
        if method == "at" or (kwargs and any(target is not None for target in kwargs.get("out", ()))):
            return _written(ufunc, method, args, kwargs)
        if method != "__call__":
            raise unsupported_method(ufunc, method, args, kwargs)
        return apply(ufunc, *args, **kwargs)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        return apply(function, *args, **kwargs)

    # -- indexing and assignment -------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Tensor:
        return cast(Tensor, apply(operator.getitem, self, plain_index(index)))

    def __setitem__(self, index: Any, value: Any) -> None:
        if sys.getrefcount(self) <= _NAMELESS:
            raise AssignmentError(
                "x[i][j] = v would assign to a copy that nothing holds, and x would stay as it is; write "
                "x[i, j] = v"
            )
        index = plain_index(index)
        recorded = isinstance(value, Tensor) and value.node is not None
        if recorded and not np.can_cast(value.dtype, self.dtype, "same_kind"):
            raise DTypeError(
                f"x[i] = v: v is {value.dtype} and requires a gradient, x is {self.dtype} and cannot "
                "hold it; write x = x.astype(v.dtype) first"
            )
        self._rebind(f"x[{describe(index)}] = v", apply(setitem, self, value, index))

    def _rebind(self, line: str, result: Tensor) -> Tensor:
        """Let this Tensor stand for a new value; what was recorded before keeps the old one.

        After `x = a * 1.0; y = x * x; x[0] = 7.0; z = x * x`, y still is a * a, and its gradient with
        respect to a is 2 a in every entry, while a[0] has no influence on z.
        """
        if self.node is not None and self.node.op is None:
            if current().listeners is not None:
                raise AssignmentError(
                    f"{line}: x is a leaf that requires a gradient, and assigning would make it a "
                    "result. Write y = x.copy() and assign to y, or, to update a parameter, "
                    f"'with ag.no_grad(): {line}'"
                )
            self.node.value = result._data
            self._data = result._data
        else:
            self._data, self.node = result._data, result.node
        return self

    def _in_place(symbol: str, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:  # type: ignore[misc]  # noqa: N805
        def method(self: Tensor, other: Any) -> Tensor:
            result = compute(self, other)
            if result is NotImplemented:
                return cast(Tensor, result)
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

    __iadd__ = _in_place("+=", operator.add)
    __isub__ = _in_place("-=", operator.sub)
    __imul__ = _in_place("*=", operator.mul)
    __itruediv__ = _in_place("/=", operator.truediv)
    __ipow__ = _in_place("**=", operator.pow)
    __imatmul__ = _in_place("@=", operator.matmul)
    __imod__ = _in_place("%=", operator.mod)
    __ifloordiv__ = _in_place("//=", lambda x, y: wrap(x // y))

    # -- operators ---------------------------------------------------------------------------------
    # Written out on arrays: for small arrays this costs half of what dispatch through NumPy does.

    def _binary(  # type: ignore[misc]
        op: np.ufunc,  # noqa: N805
        compute: Callable[[Any, Any], Any],
        reads: bool = True,  # whether its rules read the other operand
    ) -> tuple[Callable[[Any, Any], Tensor], Callable[[Any, Any], Tensor]]:
        def forward(self: Tensor, other: Any) -> Tensor:
            a, left, right = self._data, self.node, None
            if other.__class__ in _OPERANDS:  # asked first, for isinstance is slow to say no
                b = other
            elif isinstance(other, Tensor):
                b, right = other._data, other.node
            elif (b := _operand(other)) is NotImplemented:
                return cast(Tensor, b)
            elif isinstance(b, Tensor):  # a list that holds some
                return forward(self, b)
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
                    own = b.__copy__()  # written out: for small arrays the rest takes as long as a product
                    return record(op, (left, other), (a, own), None, value, listeners)
            elif left is None and reads and a.__class__ not in FIXED:
                return record_kept(op, (self, right), [a, b], value)
            return record(op, (left or self, right or other), (a, b), None, value, listeners)

        def reflected(self: Tensor, other: Any) -> Tensor:
            b, right = self._data, self.node
            if other.__class__ in _OPERANDS:
                a = other
            elif (a := _operand(other)) is NotImplemented:
                return cast(Tensor, a)
            elif isinstance(a, Tensor):
                return forward(a, self)
            try:
                # Python's complex does not know NumPy's float64, a float, from its own.
                value = compute(a, b) if a.__class__ is not complex else op(a, b)
            except Exception as error:
                raise explain(op, (a, b), error) from error
            if right is None or (listeners := current().listeners) is None:
                return unrecorded(op, (a, b), value)
            if reads and a.__class__ not in FIXED:
                return record_kept(op, (a, right), [a, b], value)
            return record(op, (other, right), (a, b), None, value, listeners)

        return forward, reflected

    def _unary(op: np.ufunc, compute: Callable[[Any], Any]) -> Callable[[Any], Tensor]:  # type: ignore[misc]  # noqa: N805
        return lambda self: _compute(op, compute, self)

    def _plain(compute: Callable[..., Any]) -> Callable[..., Any]:  # type: ignore[misc]  # noqa: N805
        def method(self: Tensor, *others: Any) -> Any:
            for other in others:
                if other.__class__ not in _OPERANDS:
                    refuse_other_arithmetic(other)
            try:
                return answer(compute(self._data, *map(unwrap, others)))
            except Exception as error:
                raise explain(compute, (self, *others), error) from error

        return method

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

    # -- NumPy's array methods ---------------------------------------------------------------------

    @property
    def T(self) -> Tensor:  # noqa: N802  (NumPy's name)
        return cast(Tensor, apply(np.transpose, self))

    @property
    def mT(self) -> Tensor:  # noqa: N802
        return cast(Tensor, apply(np.matrix_transpose, self))

    @property
    def real(self) -> Tensor:
        return cast(Tensor, apply(np.real, self))

    @property
    def imag(self) -> Tensor:
        return cast(Tensor, apply(np.imag, self))

    def _numpy(function: Callable[..., Any]) -> Callable[..., Tensor]:  # type: ignore[misc]  # noqa: N805
        def method(self: Tensor, *args: Any, **options: Any) -> Any:
            return apply(function, self, *args, **(numpy_words(options) if options else {}))

        method.__doc__ = f"`np.{function.__name__}` of this Tensor, with the arguments of the array's method."
        return method

    sum = _numpy(np.sum)
    prod = _numpy(np.prod)
    mean = _numpy(np.mean)
    var = _numpy(np.var)
    std = _numpy(np.std)
    cumsum = _numpy(np.cumsum)
    cumprod = _numpy(np.cumprod)
    trace = _numpy(np.trace)
    dot = _numpy(np.dot)
    conj = conjugate = _numpy(np.conjugate)
    clip = _numpy(np.clip)
    swapaxes = _numpy(np.swapaxes)
    squeeze = _numpy(np.squeeze)
    diagonal = _numpy(np.diagonal)
    repeat = _numpy(np.repeat)
    take = _numpy(np.take)
    choose = _numpy(np.choose)
    ravel = _numpy(np.ravel)
    clone = _numpy(np.copy)

    def _extreme(largest: Callable[..., Any], place: Callable[..., Any]) -> Callable[..., Any]:  # type: ignore[misc]  # noqa: N805
        def method(self: Tensor, *args: Any, dim: Any = None, **options: Any) -> Any:
            options = numpy_words(options)
            if dim is None:
                return apply(largest, self, *args, **options)
            return ValuesAndIndices(*(apply(f, self, axis=dim, **options) for f in (largest, place)))

        method.__doc__ = f"`np.{largest.__name__}`; with `dim=`, the entries and their places."
        return method

    max = _extreme(np.max, np.argmax)
    min = _extreme(np.min, np.argmin)

    def flatten(self, start_dim: Any = 0, end_dim: int = -1, order: Any = "C") -> Tensor:
        """All axes as one, in an order as in NumPy, or only those from one axis to another."""
        if isinstance(start_dim, str) or self.ndim == 0:
            return self.ravel(start_dim if isinstance(start_dim, str) else order)
        first, last = (axis_of(self, "flatten", d) for d in (start_dim, end_dim))
        return self.reshape(*self.shape[:first], -1, *self.shape[last + 1 :], order=order)

    def view(self, *shape: Any) -> Tensor:
        """`x.reshape(shape)`, under PyTorch's name: a new Tensor, and no view."""
        if len(shape) == 1 and not isinstance(shape[0], (int, np.integer, tuple, list)):
            raise DTypeError(
                f"x.view({describe(shape[0])}): expected a shape; for another dtype write x.astype(dtype), "
                "and for the bytes x.numpy().view(dtype)"
            )
        return self.reshape(*shape)

    def compress(self, condition: Any, axis: int | None = None, out: None = None) -> Tensor:
        """The entries along an axis where a condition holds."""
        return cast(Tensor, apply(np.compress, condition, self, axis, out))

    def reshape(self, *shape: Any, **options: Any) -> Tensor:
        """The entries in another shape, given as one tuple or one by one."""
        return cast(Tensor, apply(np.reshape, self, shape[0] if len(shape) == 1 else shape, **options))

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in another order, given as one tuple or one by one; reversed if none is given."""
        order = axes[0] if len(axes) == 1 and (axes[0] is None or np.ndim(axes[0])) else axes or None
        if len(axes) == 2 and self.ndim > 2:  # no order of all axes, so two to swap, as in PyTorch
            return self.swapaxes(*axes)
        return cast(Tensor, apply(np.transpose, self, order))

    def astype(self, dtype: npt.DTypeLike, **options: Any) -> Tensor:
        """The values in another dtype; to integers or booleans they leave the tape."""
        return cast(Tensor, apply(astype, self, dtype, **options))

    def copy(self, order: Any = "C") -> Tensor:
        """A new Tensor of the same values, on the tape if this one is."""
        return cast(Tensor, apply(np.copy, self, order=order))

    # PyTorch's new Tensors of the same dtype, off the tape.

    def new_tensor(
        self, data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """`Tensor(data)` in the dtype of this one."""
        return Tensor(data, requires_grad, dtype or self.dtype)

    def new_full(self, size: Any, fill_value: Any, **options: Any) -> Tensor:
        """A constant of a shape, in the dtype of this one."""
        return self.new_tensor(np.broadcast_to(fill_value, tuple(size)), **options)

    def new_zeros(self, *size: Any, **options: Any) -> Tensor:
        """Zeros of a shape, in the dtype of this one."""
        return self.new_full(size[0] if len(size) == 1 and np.ndim(size[0]) else size, 0, **options)

    def new_ones(self, *size: Any, **options: Any) -> Tensor:
        """Ones of a shape, in the dtype of this one."""
        return self.new_full(size[0] if len(size) == 1 and np.ndim(size[0]) else size, 1, **options)

    # Methods that write, as x[i] = v does: this Tensor stands for a new value.

    def fill(self, value: Any) -> None:
        """Let every entry be `value`."""
        self[...] = value

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Let the entries at places, counted in the flattened array, be `values`."""
        apply(np.put, self, indices, values, mode=mode)

    def sort(self, *args: Any, **options: Any) -> Any:
        """Sort along an axis in place; np.sort(x) gives a new Tensor. With PyTorch's `dim=` or
        `descending=`, a pair of the sorted entries and their places."""
        if "dim" in options or "descending" in options:
            dim = options.pop("dim", args[0] if args else -1)
            return self.topk(self.shape[dim], dim, options.pop("descending", False))
        self._rebind("x.sort()", apply(np.sort, self, *args, **options))

    def partition(self, *args: Any, **options: Any) -> None:
        """Partition along an axis in place; np.partition(x, kth) gives a new Tensor."""
        self._rebind("x.partition(kth)", apply(np.partition, self, *args, **options))

    def resize(self, *shape: Any, refcheck: bool = True) -> None:
        """Change the shape in place, with zeros where entries are missing; np.resize(x) repeats them."""
        new = np.zeros(shape[0] if len(shape) == 1 else shape, bool)
        entries = self.ravel()[: new.size]
        filled = apply(np.pad, entries, (0, new.size - entries.size))
        self._rebind("x.resize(shape)", filled.reshape(new.shape))

    # Places, answers and rounded numbers carry no gradient and are plain arrays.

    _constant = cast("Callable[[Callable[..., Any]], Callable[..., Any]]", _numpy)

    argmax = _constant(np.argmax)
    argmin = _constant(np.argmin)
    argpartition = _constant(np.argpartition)
    nonzero = _constant(np.nonzero)
    searchsorted = _constant(np.searchsorted)
    any = _constant(np.any)
    all = _constant(np.all)
    round = _constant(np.round)

    def argsort(self, axis: int | None = -1, kind: Any = "stable", **options: Any) -> Any:
        """The places of the entries in order; as in sort, equal ones keep theirs."""
        if options.pop("descending", False):
            return apply(np.argsort, -self, options.get("dim", axis), kind)
        options = numpy_words(options)
        axis = options.pop("axis", axis)
        return apply(np.argsort, self, axis, None if "stable" in options else kind, **options)

    def __divmod__(self, other: Any) -> tuple[Any, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Tensor]:
        return other // self, other % self

    if not TYPE_CHECKING:  # type checkers shall find a name that is misspelt

        def __getattr__(self, name: str) -> Any:
            if name == "_mask" and not draws(sys._getframe(1)):
                raise UnsupportedError(MASKED)  # np.ma asks its operands for one
            numpys = f"x.numpy().{name}" if hasattr(np.ndarray, name) else None
            meant = FOREIGN_METHODS.get(name, numpys)
            known = functools.partial(dir, type(self))
            raise missing(f"a Tensor has no {name}", name, lambda _: meant, known, "x.")

    del _in_place, _binary, _unary, _plain, _numpy, _constant, _extreme


class _Probe:
    """Counts the references to an object that something is assigned into."""

    def __setitem__(self, counts: list[int], value: Any) -> None:
        counts.append(sys.getrefcount(self))


def _nameless() -> int:
    """How many references there are to an object in `make()[i] = v`, which is lost; 0 where Python counts
    them no differently from those to an object with a name."""
    counts: list[int] = []
    probe = _Probe()
    probe[counts] = None
    _Probe()[counts] = None
    return counts[1] if counts[1] < counts[0] else 0


_NAMELESS = _nameless()


class Size(int):
    """The number of entries, which called gives the shape or a length."""

    _shape: tuple[int, ...]

    def __new__(cls, array: Any) -> Self:
        size = super().__new__(cls, array.size)
        size._shape = array.shape
        return size

    def __reduce__(self) -> Any:
        return int, (int(self),)

    def __call__(self, dim: int | None = None) -> Any:
        return self._shape if dim is None else self._shape[dim]


class Hook:
    """What registering a function returns: `remove()` takes the function away again."""

    _count = itertools.count()

    def __init__(self, hooks: dict[int, Any]) -> None:
        self.key = next(self._count)
        self._hooks = hooks

    def remove(self) -> None:
        self._hooks.pop(self.key, None)


# -- making Tensors --------------------------------------------------------------------------------


def wrap(value: Any) -> Tensor:
    """A constant Tensor around an array or NumPy scalar, without a copy."""
    tensor: Tensor = _new(Tensor)
    tensor._data = value
    tensor.node = None
    return tensor


def lift(value: Any, node: Node) -> Tensor:
    """The Tensor of a node: a handle that, unlike the node's user's, may be made anew at any time."""
    tensor: Tensor = _new(Tensor)
    tensor._data = value
    tensor.node = node
    return tensor


def record(
    op: Callable[..., Any],
    inputs: tuple[Any, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    value: Any,
    listeners: tuple[Callable[[Node], None], ...],
) -> Tensor:
    """Put one step on the tape and return the Tensor of its result."""
    node: Node = _new(Node)  # written out: a constructor would cost as much as the arithmetic
    node.op = op
    node.inputs = inputs
    node.args = args
    node.kwargs = kwargs
    node.value = value
    node.adjoint = None
    node.notes = None
    node.played = False
    node.index = next_index()
    for listener in listeners:
        listener(node)
    tensor: Tensor = _new(Tensor)
    tensor._data = value
    tensor.node = node
    return tensor


def record_kept(
    op: Callable[..., Any],
    inputs: tuple[Any, ...],
    args: list[Any],
    value: Any,
) -> Tensor:
    """Record one step with what it needs of its constants, which the program may change."""
    _, watched = keep_constants(rules[op], inputs, args)
    return cast(Tensor, record_result(op, inputs, tuple(args), None, value, watched))


def _written(ufunc: np.ufunc, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Let a ufunc write into a plain array, as in `array -= tensor`: not what is on the tape, for the
    array would not know of it."""
    written = kwargs["out"] if "out" in kwargs else args[:1]
    taped = current().listeners is not None and any(t.node is not None for t in _tensors((args, kwargs)))
    if taped or any(isinstance(target, Tensor) for target in written):
        if method != "__call__":
            raise unsupported_method(ufunc, method, args, kwargs)
        raise unsupported_call(ufunc, "out", args, kwargs)
    values = _deep_unwrap(args)
    try:
        return getattr(ufunc, method)(*values, **_deep_unwrap(kwargs))
    except Exception as error:
        raise explain(ufunc, values, error) from error


def _compute(op: np.ufunc, compute: Callable[[Any], Any], x: Tensor) -> Tensor:
    """A ufunc of one Tensor: `apply` without what such an op does not need."""
    a, node = x._data, x.node
    try:
        value = compute(a)
    except Exception as error:
        raise explain(op, (a,), error) from error
    if node is None or (listeners := current().listeners) is None:
        return unrecorded(op, (a,), value)
    return record(op, (node,), (a,), None, value, listeners)


def unrecorded(op: Callable[..., Any], args: Any, value: Any) -> Tensor:
    """The result of a step that is not recorded; `detect_anomaly` looks at it all the same."""
    if current().checks:
        check_value(op, args, value, user_line())
    return wrap(value)


def as_numbers(value: Any, line: str) -> Array:
    """The plain array of something given for numbers; `line` is the user's code in the error otherwise."""
    refuse_other_arithmetic(value, line)
    try:
        array = asarray(unwrap(value))
    except ValueError as error:  # rows of several lengths
        raise ShapeError(f"{line}: {describe(value)} is no array; {error}") from error
    if array.dtype.kind not in "biufc":
        raise DTypeError(f"{line}: {describe(value)} holds no numbers; expected an array or a Tensor")
    return cast(Array, array)


def stop_gradient(x: Any) -> Any:
    """The same value as a constant: nothing flows back through it.

    >>> import autograd_lite as ag
    >>> ag.grad(lambda x: x * ag.stop_gradient(x))(3.0)
    3.0
    """
    return x.detach() if isinstance(x, Tensor) else x


def plain_index(index: Any) -> Any:
    """An index without Tensors in it."""
    if isinstance(index, Tensor):
        if not np.issubdtype(index.dtype, np.integer) and index.dtype != bool:
            raise DTypeError(
                f"x[i]: i is a {index.dtype} Tensor; an index is of integers or booleans: x[i.astype(int)]"
            )
        return index._data
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    if isinstance(index, list) and index:
        if any(isinstance(i, Tensor) for i in index):
            index = [plain_index(i) for i in index]
        with contextlib.suppress(ValueError):  # ragged: NumPy says so when it reads
            return np.array(index)
    return index


_NUMPY_FUNCTION = type(np.sum)
"""The class of the functions that NumPy dispatches through `__array_function__`."""

_OPTIONS = frozenset({type(None), bool, int, float, str, tuple})
"""What most options are, and no Tensor is."""

_OPERANDS = frozenset({float, int, bool, complex, np.ndarray, PlainArray, np.float64, np.float32})
"""What operators take as it is; checked by class because that is fast."""

_HARMLESS = _OPERANDS | {type(None), str, slice}
"""What an op takes as it is."""


def _operand(value: Any) -> Any:
    """The other side of an operator: numbers and arrays, lists made into arrays, or NotImplemented."""
    if is_array(value) or isinstance(value, (int, float, complex)):
        refuse_other_arithmetic(value)
        return value
    if not isinstance(value, (list, tuple)):
        return NotImplemented
    own = stacked(value)
    return own if isinstance(own, Tensor) else as_numbers(own, "an operand")


def _owned(data: Any, requires_grad: bool, dtype: npt.DTypeLike | None) -> Any:
    """A copy of `data` as an array, or as a scalar if it is 0-d."""
    if isinstance(data, Tensor):
        if data.node is not None and current().listeners is not None:
            raise UnsupportedError(
                "Tensor(x) of an x on the tape would silently cut the graph; write x.copy() to stay on "
                "the tape, or Tensor(x.detach()) to leave it"
            )
        data = data._data
    if data.__class__ is not np.ndarray:
        refuse_other_arithmetic(data, "Tensor(m)")
    try:
        if data.__class__ is np.ndarray or on_host(data):
            array = np.array(data, dtype=dtype)
        else:
            array = owned(data) if dtype is None else data.astype(dtype)
    except UnsupportedError:
        raise
    except (TypeError, ValueError) as error:
        repair = "expected numbers or arrays"
        if isinstance(data, int) and not isinstance(requires_grad, bool):
            repair += (
                "; entries come as one list, Tensor([1, 2]), zeros of a shape as Tensor(np.zeros((2, 3)))"
            )
        raise DTypeError(f"Tensor({describe(data)}): {error}; {repair}") from error
    if array.dtype.kind not in "biufc":
        raise DTypeError(
            f"Tensor({describe(data)}): dtype {array.dtype} holds no numbers; expected floats, ints, "
            "booleans or complex numbers"
        )
    if requires_grad and array.dtype.kind in "biu":
        if dtype is not None or is_array(data):
            _require_inexact(array.dtype, "Tensor(array, requires_grad=True)")
        array = array.astype(np.float64)
    return stored(array)


def _require_inexact(dtype: np.dtype[Any], line: str) -> None:
    if dtype.kind not in "fc":
        raise DTypeError(
            f"{line}: the array is {dtype}, and only floating-point or complex values have gradients; "
            "write array.astype(float)"
        )


def _rebuild(
    cls: type[Tensor], data: Array, requires_grad: bool, name: str | None, dtype: Any = None
) -> Tensor:
    """Make a leaf again from what was pickled; subclasses need not share the constructor. Pickles lose the
    byte order of an array, but keep that of a dtype."""
    if dtype is not None:
        data = data.astype(dtype, copy=False)
    tensor: Tensor = _new(cls)
    tensor._data = data
    tensor._name = name
    tensor.node = leaf(data, name) if requires_grad else None
    return tensor


# -- applying ops ----------------------------------------------------------------------------------


def apply(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Compute `op(*args, **kwargs)` and record it if an argument is on the tape.

    Returns:
        A Tensor, or a tuple of them; a plain array where `op` carries no gradient.

    Raises:
        NotDifferentiableError: a recorded Tensor came to an op without a rule.
        UnsupportedError: `out=`, `where=` and other ways of calling that cannot be recorded.
    """
    by_keyword = False
    for key, option in kwargs.items():
        if option.__class__ not in _OPTIONS:
            if isinstance(option, Tensor) and option.node is None and option.dtype.kind in "biu":
                kwargs = {**kwargs, key: option.tolist()}  # axis=i, ddof=n: a plain number will do
            elif isinstance(option, Tensor) or is_array(option):
                refuse_other_arithmetic(option)
                by_keyword = True
    if ("out" in kwargs or "where" in kwargs) and op is not np.copyto:
        kwargs = _without_out(op, args, kwargs)
    rule = rules.get(op)
    if rule is None and op not in compositions:
        rule = rule_of(op)
    if rule is None:
        if op in compositions:
            for arg in (*args, *kwargs.values()) if kwargs else args:
                if arg.__class__ not in _HARMLESS:
                    refuse_other_arithmetic(arg)
                    if arg.__class__ is list or arg.__class__ is tuple:
                        args, kwargs = _with_stacks(op, args, kwargs)
                        break
            if len(args) > 2 and op.__class__ is _NUMPY_FUNCTION and (arrays := _before_out(op)):
                args, kwargs = _named(op, arrays, args, kwargs)
            composed = compositions[op]
            for keyword in kwargs:
                if not _takes(composed, keyword):
                    raise unsupported_call(op, keyword, args, kwargs)
            try:
                return composed(*args, **kwargs)
            except Exception as error:
                raise explain(op, args, _numpys_own(op, args, kwargs, error)) from error
        return _unruled(op, args, kwargs)
    if by_keyword:
        args, kwargs = _positional(op, args, kwargs)
    if rule.joint is None and len(args) > len(rule.vjps) and op.__class__ is _NUMPY_FUNCTION:
        args, kwargs = _named(op, len(rule.vjps), args, kwargs)

    values: list[Any] = []
    inputs: list[Any] = []
    recorded, fixed = False, not kwargs
    for arg in args:
        if isinstance(arg, Tensor):
            values.append(arg._data)
            if arg.node is None:
                inputs.append(arg)
                fixed = False
            else:
                inputs.append(arg.node)
                recorded = True
        else:
            if arg.__class__ not in _HARMLESS:
                arg = _vetted(op, arg)
                if isinstance(arg, Tensor):
                    return apply(op, *map(stacked, args), **kwargs)
            if arg.__class__ not in FIXED:
                fixed = False
            values.append(arg)
            inputs.append(arg)
    try:
        value = op(*values, **kwargs)
    except Exception as error:
        raise explain(op, values, error, kwargs) from error

    if not recorded or current().listeners is None or not _is_inexact(value):
        return unrecorded_result(op, values, value)
    _check_call(op, rule, args, kwargs)
    kept, watched = (None, ()) if fixed else keep_constants(rule, inputs, values, kwargs)
    return record_result(op, tuple(inputs), tuple(values), kept or None, value, watched)


def _numpys_own(
    op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception
) -> Exception:
    """What NumPy itself says to a call that a composition stumbled over, other than in words of ours."""
    if not isinstance(error, (AutogradLiteError, ValueError)):
        try:
            op(*_deep_unwrap(args), **_deep_unwrap(kwargs))
        except Exception as own:
            return own
    return error


def _is_inexact(value: Any) -> bool:
    """Whether a result can carry a gradient; one that was cast to integers, say, cannot."""
    return value.__class__ is tuple or getattr(value, "dtype", np.dtype(float)).kind in "fc"


def record_result(
    op: Callable[..., Any],
    inputs: tuple[Any, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    value: Any,
    watched: Any = (),
) -> Any:
    """Record one step, and for each of several results a step that picks it out."""
    listeners = current().listeners or ()
    value = tuple(map(as_value, value)) if value.__class__ is tuple else as_value(value)
    whole = record(op, inputs, args, kwargs, value, listeners)
    if watched:
        cast(Node, whole.node).note().watched = watched
    if value.__class__ is not tuple:
        return whole
    return tuple(output_of(whole, i) for i in range(len(value)))


def unrecorded_result(op: Callable[..., Any], args: Any, value: Any) -> Any:
    """What `record_result` returns for a step that is not recorded: constants."""
    if value.__class__ is tuple:
        return tuple(unrecorded(op, args, as_value(v)) for v in value)
    return unrecorded(op, args, as_value(value))


def as_value(value: Any) -> Any:
    """What an op returned, as it is recorded: an array, or, if 0-d, a NumPy scalar."""
    kind = value.__class__
    if (kind is np.ndarray and value.ndim) or kind is np.float64:
        return value
    refuse_other_arithmetic(value)
    array = asarray(value)
    if array.dtype.kind not in "biufc":
        raise DTypeError(f"an op returned {describe(value)}; it returns an array, or a tuple of arrays")
    return stored(array)


def stored(array: Any) -> Any:
    """An array as a Tensor holds it: if 0-d as a NumPy scalar, which is faster, unless its bytes are in the
    order of another machine, which scalars do not keep."""
    return array if array.ndim or not array.dtype.isnative else array[()]


def output(outputs: tuple[Any, ...], i: int) -> Any:
    """The i-th result of an op with several: a step of its own, so that a node has one cotangent."""
    return outputs[i]


def output_of(whole: Tensor, i: int) -> Tensor:
    """The i-th result of a step as a Tensor of its own."""
    args = (whole._data, i)
    return record(output, (whole.node, i), args, None, whole._data[i], current().listeners or ())


def _output_vjp(g: Any, y: Any, outputs: tuple[Any, ...], i: int) -> tuple[Any, ...]:
    return tuple(g if j == i else None for j in range(len(outputs)))


rules[output] = Rule((_output_vjp,), plain=True)


def _unruled(op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Constant ops, and ops that nobody gave a rule: fine as long as nothing is on the tape."""
    tensors = list(_tensors((args, kwargs)))
    if op not in constants and any(t.node is not None for t in tensors):
        raise missing_rule(op, [*rules, *compositions], refused.get(op))
    for arg in args:
        if arg.__class__ not in _HARMLESS:
            refuse_other_arithmetic(arg)
    return _constant(op, args, kwargs)


def _constant(op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an op without a gradient gives on plain arrays."""
    args, kwargs = _deep_unwrap(args), _deep_unwrap(kwargs)
    try:
        return answer(op(*args, **kwargs))
    except Exception as error:
        raise explain(op, args, error) from error


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _deep_unwrap(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(_deep_unwrap, value))
    if isinstance(value, dict):
        return {key: _deep_unwrap(item) for key, item in value.items()}
    return unwrap(value)


def _vetted(op: Callable[..., Any], arg: Any) -> Any:
    """An argument as rules know it: lists of numbers as arrays, where arrays belong. Refuses arrays with
    an arithmetic of their own, and lists with Tensors hidden in them."""
    refuse_other_arithmetic(arg)
    if not isinstance(arg, (list, tuple)):
        return arg
    if any(True for _ in _tensors(arg)):
        if is_built_in(op):
            return stacked(arg)
        raise UnsupportedError(
            f"{op_name(op)} got a {type(arg).__name__} holding Tensors, which the tape would not see; "
            f"pass np.stack({type(arg).__name__}_of_tensors), or each Tensor as an argument of its own"
        )
    return as_numbers(arg, op_name(op)) if isinstance(op, np.ufunc) else arg


def stacked(value: Any) -> Any:
    """A list that holds Tensors as one Tensor, as np.stack makes it; anything else as it is."""
    if isinstance(value, (list, tuple)) and any(True for _ in _tensors(value)):
        return apply(np.stack, [stacked(item) for item in value])
    return value


def _with_stacks(
    op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with Tensors in place of the lists of them, or of those in a list of arrays."""
    if op is np.block:
        return args, kwargs
    if op in _OF_SEVERAL:
        args = tuple([[*map(stacked, x)] if isinstance(x, (list, tuple)) else x for x in args])
        return args, kwargs
    return tuple(map(stacked, args)), {key: stacked(value) for key, value in kwargs.items()}


_OF_SEVERAL = frozenset(
    {np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.select, np.choose}
    | {np.piecewise, np.linalg.multi_dot}
)
"""Functions that take a list of arrays."""


def _positional(
    op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Move Tensors given by keyword to their place: rules see inputs by position."""
    try:
        bound = inspect.signature(op).bind(*args, **kwargs)
    except ValueError as error:  # NumPy 2.0 does not tell that of ufuncs, which take options by keyword
        raise unsupported_call(op, next(iter(kwargs)), args, kwargs) from error
    if any(isinstance(value, Tensor) for value in bound.kwargs.values()):
        bound.apply_defaults()
    if any(isinstance(value, Tensor) for value in bound.kwargs.values()):
        if op_name(op) in ("concatenate", "stack"):
            raise UnsupportedError(f"{op_name(op)} takes its arrays as one list: np.{op_name(op)}([x, y])")
        raise UnsupportedError(
            f"{op_name(op)} takes a Tensor by position only: {op_name(op)}(x, y), not "
            f"{op_name(op)}({', '.join(f'{key}=...' for key in kwargs)})"
        )
    return bound.args, bound.kwargs


def _without_out(op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Refuse `out=` and `where=`, unless they say what is meant anyway."""
    for key, neutral in (("out", None), ("where", True)):
        if kwargs.get(key, neutral) is not neutral:
            raise unsupported_call(op, key, args, kwargs)
    return {key: value for key, value in kwargs.items() if key not in ("out", "where")}


def _named(
    op: Callable[..., Any], arrays: int, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Give options a name: `np.sum(x, 0, None, out)` is `np.sum(x, axis=0, out=out)`."""
    options = [parameter.name for parameter in _parameters(op)[arrays:]]
    kwargs = {**dict(zip(options, args[arrays:], strict=False)), **kwargs}
    for key, value in kwargs.items():
        if isinstance(value, Tensor):
            if key == "initial":
                raise unsupported_call(op, key, args[:arrays], kwargs)
            raise UnsupportedError(
                f"{op_name(op)}(..., {key}={describe(value)}): no gradient goes to {key}; give a plain "
                f"number, {key}=t.item(), or write it as an op of its own"
            )
    return args[:arrays], _without_out(op, args[:arrays], kwargs)


@functools.cache
def _takes(function: Callable[..., Any], keyword: str) -> bool:
    parameters = inspect.signature(function).parameters
    return keyword in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


@functools.cache
def _before_out(op: Callable[..., Any]) -> int:
    """How many parameters of a NumPy function come before `out`; 0 if it takes none by position."""
    is_out = [p.kind is p.POSITIONAL_OR_KEYWORD and p.name == "out" for p in _parameters(op)]
    return is_out.index(True) if any(is_out) else 0


@functools.cache
def _parameters(op: Callable[..., Any]) -> list[inspect.Parameter]:
    """What a NumPy function takes. NumPy 2.0 does not tell that of np.dot and the like: then it is what
    the composition takes."""
    try:
        return list(inspect.signature(op).parameters.values())
    except ValueError:
        return list(inspect.signature(compositions[op]).parameters.values()) if op in compositions else []


def _check_call(op: Callable[..., Any], rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse a call whose rule is missing or does not know one of the keywords."""
    if rule.joint is None and not rule.vjps:
        raise missing_rule(op, rules)
    for keyword in kwargs:
        if not rule.takes(keyword):
            raise unsupported_call(op, keyword, args, kwargs)


# -- the public door for ops -----------------------------------------------------------------------


@overload
def primitive(function: _F) -> _F: ...
@overload
def primitive(function: None = None, *, broadcasts: bool = False) -> Callable[[_F], _F]: ...
def primitive(function: Any = None, *, broadcasts: bool = False) -> Any:
    """Make a function of plain arrays an op that Tensors can go through.

    Args:
        function: computes with arrays, returns an array or a tuple of arrays. Arguments that
            may be Tensors are passed one by one, not inside of lists.
        broadcasts: whether it broadcasts its arguments against each other, entry by entry; the
            engine then sums each gradient back to the shape of its argument.

    Returns:
        The op; give it a rule with `defvjp`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.primitive(broadcasts=True)
        ... def softclip(x, width):
        ...     return width * np.tanh(x / width)
        >>> ag.defvjp(softclip, lambda g, y, x, width: g / np.cosh(x / width)**2)
        >>> ag.grad(softclip)(0.0, 2.0)
        1.0
    """
    if function is None:
        return functools.partial(primitive, broadcasts=broadcasts)

    @functools.wraps(function)
    def op(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()) if kwargs else args:
            if arg.__class__ not in _OPERANDS:
                if isinstance(arg, Tensor):
                    return apply(op, *args, **kwargs)
                refuse_other_arithmetic(arg)
        return function(*args, **kwargs)

    rules[op] = Rule(broadcasts=broadcasts, flow="elementwise" if broadcasts else "mixes")
    return op


def nondifferentiable(function: _F) -> _F:
    """Declare that a function carries no gradient: on Tensors it returns plain arrays.

    Args:
        function: a NumPy function, which is then registered, or one of your own.

    Returns:
        The NumPy function itself, or a wrapper that takes Tensors.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.nondifferentiable
        ... def bucket(x):
        ...     return np.digitize(x, [0.0, 1.0])
        >>> bucket(ag.Tensor([-1.0, 0.5, 2.0], requires_grad=True))
        array([0, 1, 2])
    """
    if isinstance(function, (np.ufunc, _NUMPY_FUNCTION)):
        constants.add(function)
        rules.pop(function, None)
        return cast(_F, function)

    @functools.wraps(function)
    def op(*args: Any, **kwargs: Any) -> Any:
        return _constant(function, args, kwargs)

    return cast(_F, op)


@primitive
def setitem(x: Any, value: Any, index: Any) -> Any:
    """A copy of `x` with `x[index] = value`."""
    if on_host(value) or not on_host(x):
        result = owned(x)
    else:  # an array of NumPy's takes the class of what is assigned
        result = empty(shape_of(x), dtype_of(x), like=value)
        result[...] = x
    result[index] = value
    return result if result.ndim else result[()]


@primitive
def astype(x: Any, dtype: npt.DTypeLike, **options: Any) -> Any:
    """`x` in another dtype."""
    return asarray(x).astype(dtype, **options)


@primitive
def alias(x: Any) -> Any:
    """`x` under a new node: what a nested `grad` differentiates with respect to."""
    return x
