"""Box: a value that may be on the tape. It holds what every Tensor holds; functions here make Tensors.

Modules that Tensor imports ask `isinstance(x, Box)`, and never name Tensor. `tensor.py` decorates Tensor
with `@made_by_ops`, so that ops know which class to make. A `GivenAbove` is a method whose body stands in a
module that imports this one.

A subclass of Tensor survives ops. An op looks up the class of its argument in `PLAIN`, which takes no longer
than `isinstance`. If the class is not there, the op computes with plain Tensors, and converts the result to
the subclass (`as_kin`).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeAlias, TypeVar, cast, overload

import numpy as np
import numpy.typing as npt

from .arrays import (
    Holder,
    asarray,
    detached,
    door,
    handed,
    is_array,
    on_host,
    owned,
    stored,
    unwrap,
)
from .errors import DTypeError, MissingAttributeError, ShapeError, TapeError
from .given import as_numbers, require_inexact
from .kept import hand_out
from .node import FIXED, Leaf, Node, Op, changing, next_index, op_name
from .views import base_of, moved
from .words.explain import describe
from .words.mistakes import warn_of_mistake

__all__ = [
    "HARMLESS",
    "OPERANDS",
    "PLAIN",
    "Array",
    "Box",
    "GivenAbove",
    "Hook",
    "Op",
    "Value",
    "answer",
    "in_class",
    "lift",
    "made_by_ops",
    "reclassed",
    "record",
    "unwrap",
    "wrap",
]

Array: TypeAlias = npt.NDArray[Any]
Value: TypeAlias = Any
"""The value in a Box: an array, or a NumPy scalar if it is 0-d; a tuple for an op with several results."""

Class = TypeVar("Class", bound=type[Any])
_new = object.__new__

OPERANDS: set[type] = {float, int, bool, complex, np.ndarray, np.float64, np.float32}
"""Classes that operators take without a conversion. A lookup of the class is faster than `isinstance`."""

HARMLESS: set[type] = OPERANDS | {type(None), str, slice}
"""Classes that every op takes without a conversion."""

PLAIN: set[type] = set()
"""The classes of Tensors that do not survive ops: Tensor itself, nn.Parameter."""

_Tensor: Any = None
"""The class that ops make."""

_Answer: Any = None
"""The class of arrays that ops without a gradient return."""


def made_by_ops(answers: type[Any]) -> Callable[[Class], Class]:
    """Decorate the class that ops make; ops without a gradient return arrays of the class `answers`."""

    def take(cls: Class) -> Class:
        global _Tensor, _Answer
        _Tensor, _Answer = cls, answers
        PLAIN.add(cls)
        OPERANDS.add(answers)
        HARMLESS.add(answers)
        return cls

    return take


class GivenAbove:
    """A method whose body stands in a module that imports this one; that module gives the body.

    >>> class Shape:
    ...     area = GivenAbove()
    >>> Shape.area.give(lambda self: 2)
    >>> Shape().area()
    2
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Callable[..., Any]: ...
    def __get__(self, instance: object, owner: type) -> Any:
        if instance is None:
            return self
        raise MissingAttributeError(f"x.{self.name} is given by a package that is not imported yet")

    def give(self, function: Callable[..., Any]) -> None:
        """Set the method."""
        setattr(self.owner, self.name, function)


class Box(Holder):
    """A value that may be on the tape: its properties, its gradient, its ways off the tape. See the module.

    Ops on a `class Mine(ag.Tensor)` return a Mine. Ops on a `class Mine(ag.Tensor, survives=False)`, and on
    its subclasses, return plain Tensors; `nn.Parameter` is such a class. Ops on a `class Mine(ag.Tensor,
    makes=Other)` return an Other.
    """

    __slots__ = ("__weakref__", "_name", "_of", "_views", "node")

    _name: str | None
    _of: Any
    _views: Any
    node: Node | None
    _survives: ClassVar[bool] = True
    _makes: ClassVar[type[Any]]
    """The class of the results of ops on a subclass that survives ops."""

    backward = GivenAbove()

    __array_priority__ = 1000.0

    def __init_subclass__(
        cls, survives: bool | None = None, makes: type[Any] | None = None, **options: Any
    ) -> None:
        super().__init_subclass__(**options)
        cls._makes = makes or cls
        cls._survives = bool(makes) or (cls._survives if survives is None else survives)
        if not cls._survives:
            PLAIN.add(cls)

    # -- properties --------------------------------------------------------------------------------

    @property
    def data(self) -> Array:
        """The plain array, with PyTorch's methods: `x.data.zero_()`. Writing into it is not recorded."""
        if on_host(self._data):
            return cast(Array, answer(self.numpy()))
        if self.node is not None:  # steps keep the old array: changes of such an array cannot be detected
            self._data = owned(self._data)
            if self.node.op is None:
                self.node.value = self._data
        return cast(Array, self._data)

    @data.setter
    def data(self, value: Any) -> None:
        array = as_numbers(value, "x.data = array")
        if self.node is not None:
            require_inexact(array.dtype, "x.data = array")
        old, self._data = self._data, stored(array)
        if self.node is not None and self.node.op is None:
            self.node.value = self._data
        if self._views is not None and not np.may_share_memory(old, array):
            moved(self, old.shape == array.shape and old.dtype == array.dtype)

    @property
    def base(self) -> Self | None:
        """The Tensor whose memory this view shares, as in NumPy; None if this Tensor is no view."""
        return cast("Self | None", base_of(self))

    @property
    def requires_grad(self) -> bool:
        """Whether this Tensor is on the tape, as a leaf or as a result."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted and self.node is None:
            require_inexact(self._data.dtype, "x.requires_grad = True")
            self.node = Leaf(self._data, self.name)
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
        """The step that computed this Tensor; None for a leaf or a constant."""
        return None if self.is_leaf else self.node

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded step computed this Tensor."""
        return self.node is None or self.node.op is None

    @property
    def name(self) -> str | None:
        """The name in `print(tape)` and in pictures."""
        return self.node.name if self.node is not None else getattr(self, "_name", None)

    @name.setter
    def name(self, name: str | None) -> None:
        if self.node is not None:
            self.node.name = name
        else:
            self._name = name

    @property
    def grad(self) -> Self | None:
        """The gradient of the output with respect to this Tensor, summed over the backward passes; None
        before the first pass."""
        node = self.node
        if node is None:
            return None
        grad = node.grad
        if grad is None:
            if node.op is not None and not (node.notes is not None and node.notes.wants_grad):
                warn_of_mistake(
                    f"x.grad of an intermediate result is None: x is what {op_name(node.op)} computed, and "
                    "only leaves keep their gradient; write x.retain_grad() before the backward pass"
                )
        elif type(self) not in PLAIN and not isinstance(grad, self._makes):
            grad = node.grad = in_class(self._makes, grad)
        return cast("Self | None", grad)

    @grad.setter
    def grad(self, grad: Any) -> None:
        if self.node is None:
            if grad is None:
                return
            raise TapeError(
                "only a Tensor that requires a gradient keeps one; make it with "
                "Tensor(data, requires_grad=True)"
            )
        if grad is not None:
            if not isinstance(grad, Box) or grad.dtype != self.dtype:
                grad = wrap(as_numbers(grad, "x.grad = g").astype(self.dtype))
            if grad.shape != self.shape:
                raise ShapeError(
                    f"x.grad = g: g has shape {grad.shape}, x has {self.shape}; they must be equal"
                )
        self.node.grad = grad

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self._data.ndim  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype  # type: ignore[no-any-return]

    # -- gradients ---------------------------------------------------------------------------------

    def retain_grad(self) -> None:
        """Have the backward pass keep the gradient of this intermediate result in `grad`, as of a leaf."""
        node = self._on_tape("retain_grad")
        if node.op is not None:
            node.note().wants_grad = True

    def register_hook(self, hook: Callable[[Any], Any]) -> Hook:
        """Call `hook(grad)` when the gradient of this Tensor is complete.

        Args:
            hook: gets the gradient, a Tensor. A result other than None replaces the gradient.

        Returns:
            A handle; its `remove()` removes the hook.
        """
        if not callable(hook):
            raise DTypeError(
                f"register_hook takes a function, not {describe(hook)}: x.register_hook(lambda g: g * 2)"
            )
        return Hook(self._on_tape("register_hook").hooks, hook)

    def _on_tape(self, method: str) -> Node:
        if self.node is None:
            raise TapeError(
                f"{method}: this Tensor does not require a gradient, so none will arrive; make it "
                "with Tensor(data, requires_grad=True)"
            )
        return self.node

    # -- leaving the tape --------------------------------------------------------------------------

    def numpy(self) -> Array:
        """The plain array; nothing that is computed from this array is recorded."""
        if self.node is None and self._data.__class__ is np.ndarray:
            return cast(Array, self._data)
        if not on_host(self._data):
            return cast(Array, handed(self._data, self.node is not None))
        if self._data.__class__ is not np.ndarray:  # 0-d values are stored as scalars, which are faster
            with changing:  # two threads that ask get one array
                if self._data.__class__ is not np.ndarray:
                    self._data = np.array(self._data)
                if self.node is not None and self.node.op is None:  # writing into the array sets the leaf
                    self.node.value = self._data
        if self.node is not None and self.node.value is self._data:
            hand_out(self.node)
        return cast(Array, self._data)

    def detach(self) -> Self:
        """A constant with the same values, off the tape."""
        value = wrap(self._data if self._data.__class__ in FIXED else detached(self._data))
        return cast(Self, value if type(self) in PLAIN else in_class(self._makes, value))

    def detach_(self) -> Self:
        """Take this Tensor itself off the tape, and return it."""
        self._name, self.node = self.name, None
        return self


class Hook:
    """Registers a function, and is its handle: `remove()` removes the function."""

    _count = itertools.count()

    def __init__(self, hooks: dict[int, Any], function: Any) -> None:
        self.key = next(self._count)
        self._hooks = hooks
        hooks[self.key] = function

    def remove(self) -> None:
        self._hooks.pop(self.key, None)


# -- making Tensors --------------------------------------------------------------------------------


def wrap(value: Value) -> Any:
    """A constant Tensor around an array or NumPy scalar, without a copy."""
    tensor = _new(_Tensor)
    tensor._data = value
    tensor._views = None
    tensor.node = None
    return tensor


def lift(value: Value, node: Node) -> Any:
    """A Tensor for a node. A node may have several Tensors: the user's own, and any number made here."""
    tensor = _new(_Tensor)
    tensor._data = value
    tensor._views = None
    tensor.node = node
    return tensor


def record(
    op: Op,
    inputs: tuple[Any, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    value: Value,
    listeners: tuple[Callable[[Node], None], ...],
) -> Any:
    """Put one step on the tape and return the Tensor of its result."""
    node: Node = _new(Node)  # written out: a constructor would take as long as the arithmetic
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
    tensor = _new(_Tensor)
    tensor._data = value
    tensor._views = None
    tensor.node = node
    return tensor


def answer(value: Any) -> Any:
    """The result of an op without a gradient: an array with PyTorch's methods; a number stays a number."""
    if value.__class__ is np.ndarray:
        return value.view(_Answer)
    whole = None if value.__class__ in FIXED else door(value)
    return value if whole is None else whole(answer, (value,), {})


# -- subclasses ------------------------------------------------------------------------------------


def in_class(kind: type[Any], result: Any) -> Any:
    """Convert Tensors, arrays and NumPy's numbers to a class of Tensors; anything else is unchanged."""
    if isinstance(result, (tuple, list)):
        items = [in_class(kind, item) for item in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    if isinstance(result, kind):
        return result
    boxed = isinstance(result, Box)
    if not boxed and (not is_array(result) or result.dtype.kind not in "biufc"):
        return result
    tensor = _new(kind)
    tensor._data = result._data if boxed else stored(asarray(result))
    tensor._name = getattr(result, "_name", None)
    tensor._views = None
    tensor.node = result.node if boxed else None
    return tensor


def reclassed(kind: type[Any], result: Any, given: Any) -> Any:
    """`in_class` for the result of an op: a new plain Tensor changes its class, which is quicker.

    Args:
        kind: the subclass of Tensor.
        result: what the op has returned.
        given: the arguments of the op; one of these, returned as it is, keeps its class.
    """
    if result.__class__ is _Tensor and _same_layout(cast(Any, kind)) and not any(result is x for x in given):
        result.__class__ = kind
        return result
    return in_class(kind, result)


@functools.cache
def _same_layout(kind: type[Any]) -> bool:
    """Whether a subclass has no attributes of its own."""
    return not kind.__dictoffset__ and kind.__basicsize__ == cast(Any, _Tensor).__basicsize__
