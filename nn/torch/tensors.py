"""PyTorch's Tensor: a Tensor whose methods mean what they mean in PyTorch.

NumPy's functions and the modules of `nn` take such a Tensor as any other. The methods that PyTorch has stand
in `nn.torch.functions`; NumPy's names that do not clash, such as `x.astype` and `x.copy`, stay.

A Tensor off the tape is changed in place in its memory, as in PyTorch: `from_numpy(a).add_(1)` changes a. A
Tensor on the tape gets a new value, and steps recorded before keep the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, cast

import numpy as np

import autograd_lite as ag
from autograd_lite import tree
from autograd_lite.errors import DTypeError, ShapeError

from .dtypes import default_of, joint, of
from .grad_fn import grad_fn_of
from .printing import text_of
from .sparse_tensors import to_sparse

__all__ = ["Size", "Tensor", "as_tensor_of", "guard", "made", "torched", "torching_arguments", "twin"]

_new = object.__new__
_Plain = ag.Tensor


class Size(tuple[int, ...]):
    """The lengths of the axes of a Tensor.

    >>> Size([2, 3]), Size([2, 3]).numel()
    (torch.Size([2, 3]), 6)
    """

    __slots__ = ()

    def numel(self) -> int:
        """The number of entries."""
        return int(np.prod(self))

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Any:
        return Size(tuple.__add__(self, tuple(other)))

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"


class Count(int):
    """The number of entries; calling it gives the shape or a length, as in PyTorch."""

    shape: Size

    def __call__(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def __reduce__(self) -> Any:
        return int, (int(self),)


def twin(x: Any) -> Any:
    """A plain Tensor for the same value and step."""
    tensor = _new(_Plain)
    tensor._data = x._data
    tensor._views = None
    tensor.node = x.node
    if x.node is None:
        tensor._name = None
    return tensor


def _binary(name: str, division: bool = False) -> Callable[[Any, Any], Any]:
    """The method of an operator: the plain Tensor's, on operands in their joint dtype."""
    compute = getattr(_Plain, name)

    def method(self: Any, other: Any) -> Any:
        x = twin(self)
        kind = other.__class__
        here = self._data.dtype
        if issubclass(kind, _Plain):
            y = twin(other)
            if y._data.dtype is not here or (division and here.kind in "biu"):
                x, y = _promoted(x, y, division)
        elif kind is float or kind is int:
            y = other
            if here.kind != "f" and (kind is float or division or here.kind == "b"):
                x, y = _promoted(x, y, division)
        elif isinstance(other, (bool, int, float, complex, np.ndarray, np.generic)):
            x, y = _promoted(x, other, division)
        else:
            y = other
        result = compute(x, y)
        if result.__class__ is _Plain:
            result.__class__ = Tensor
            return result
        return torched(result)

    return method


def _promoted(x: Any, other: Any, division: bool) -> tuple[Any, Any]:
    """Two operands in their joint dtype; integers are divided as floating-point numbers."""
    own = joint(x, other)
    if division and own.kind in "biu":
        own = default_of("f")
    x = x if x.dtype == own else x.astype(own)
    if isinstance(other, (bool, int, float, complex)) and not isinstance(other, np.generic):
        return x, other
    other = other if isinstance(other, _Plain) else np.asarray(other)
    return x, (other if other.dtype == own else other.astype(own))


class Tensor(_Plain):
    """A Tensor with PyTorch's methods; an op with one among its inputs gives one.

    Args:
        data: numbers in lists, an array or a Tensor; or the lengths of the axes, one by one. Then the
            entries are zeros. The dtype is the default one, float32. `torch.tensor(data)` keeps integers.

    Example:
        >>> Tensor(2, 3).shape, Tensor([2, 3])
        (torch.Size([2, 3]), tensor([2., 3.]))
    """

    __slots__ = ()

    def __init__(self, *data: Any, device: Any = None, requires_grad: bool = False) -> None:
        ag.Device(device or "cpu")
        own = default_of("f")
        if not data or all(isinstance(n, (int, np.integer)) for n in data) or isinstance(data[0], Size):
            shape = data[0] if data and isinstance(data[0], Size) else data or (0,)
            array = np.zeros(tuple(shape), own)
        elif isinstance(data[0], _Plain):
            array = data[0].detach().numpy()
        else:
            array = np.array(data[0], own)
        super().__init__(array, requires_grad)

    # -- properties --------------------------------------------------------------------------------

    @property
    def dtype(self) -> Any:
        """The type of the entries."""
        return of(self._data.dtype)

    @property
    def shape(self) -> Any:
        """The lengths of the axes."""
        return Size(self._data.shape)

    @property
    def size(self) -> Any:
        """`x.size()` gives the shape, `x.size(0)` a length; as a number it counts the entries."""
        count = Count(self._data.size)
        count.shape = Size(self._data.shape)
        return count

    @property
    def data(self) -> Any:
        """The values off the tape, in the same memory; writing into them is not recorded."""
        return made(self.numpy())

    @data.setter
    def data(self, value: Any) -> None:
        cast(Any, _Plain.data).fset(self, value)

    @property
    def grad(self) -> Any:
        """The gradient of the output with respect to this Tensor; None before the first backward pass."""
        new = self.node is not None and not isinstance(self.node.grad, Tensor)
        grad = cast(Any, _Plain.grad).fget(self)
        if new and grad is not None and grad.node is None:
            guard(grad)  # a backward pass may give one array to several leaves
        return grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        cast(Any, _Plain.grad).fset(self, grad)

    @property
    def grad_fn(self) -> Any:
        """The step that computed this Tensor, with PyTorch's names; None for a leaf or a constant."""
        return None if self.is_leaf else grad_fn_of(cast(Any, self.node), made)

    @property
    def names(self) -> Any:
        """The names of the axes: none."""
        return (None,) * self._data.ndim

    layout = property(lambda self: "torch.strided", doc="How the entries lie in memory.")
    is_sparse = property(lambda self: False, doc="Whether the Tensor is sparse: a sparse one has its class.")
    is_quantized = property(lambda self: False, doc="Never.")
    is_meta = property(lambda self: False, doc="Never.")
    is_cpu = property(lambda self: True, doc="Always.")
    is_mps = property(lambda self: False, doc="Never: everything is on the CPU.")
    H = property(lambda self: self.transpose(0, 1).conj(), doc="The conjugate transpose of a matrix.")
    mH = property(lambda self: self.mT.conj(), doc="The conjugate transpose of matrices.")  # noqa: N815

    to_sparse = to_sparse
    register_post_accumulate_grad_hook = ag.register_post_accumulate_grad_hook

    # -- leaving the tape --------------------------------------------------------------------------

    def register_hook(self, hook: Callable[[Any], Any]) -> Any:
        """Call `hook(grad)` with the complete gradient, a Tensor; a result replaces the gradient."""
        return super().register_hook(torching_arguments(hook))

    def detach(self) -> Any:
        """The values off the tape. A leaf, and a Tensor off the tape, share their memory with the result.

        The result of a recorded step does not: its values are needed for gradients.
        """
        if self.node is None or self.node.op is None:
            return made(self.numpy() if self._data.__class__ is np.ndarray else self._data)
        result = made(self._data)
        guard(result)
        return result

    def numpy(self, *, force: bool = False) -> Any:
        """The array of the values, which shares the memory of this Tensor."""
        if self.node is None and self._data.__class__ is np.ndarray and not self._data.flags.writeable:
            self._data = np.array(self._data)
        return super().numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return cast(Any, super()).__array__(None if dtype is None else np.dtype(dtype), copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 2 and isinstance(args[0], np.generic) and ufunc in _REFLECTED and not kwargs:
            return getattr(self, _REFLECTED[ufunc])(args[0].item())  # as a number of Python, in PyTorch
        return super().__array_ufunc__(ufunc, method, *args, **kwargs)

    # -- operators ---------------------------------------------------------------------------------

    __add__, __radd__ = _binary("__add__"), _binary("__radd__")
    __sub__, __rsub__ = _binary("__sub__"), _binary("__rsub__")
    __mul__, __rmul__ = _binary("__mul__"), _binary("__rmul__")
    __truediv__, __rtruediv__ = _binary("__truediv__", True), _binary("__rtruediv__", True)
    __pow__, __rpow__ = _binary("__pow__"), _binary("__rpow__")
    __mod__, __rmod__ = _binary("__mod__"), _binary("__rmod__")
    __matmul__, __rmatmul__ = _binary("__matmul__"), _binary("__rmatmul__")
    __floordiv__, __rfloordiv__ = _binary("__floordiv__"), _binary("__rfloordiv__")
    __hash__ = object.__hash__

    def __eq__(self, other: Any) -> Any:
        return False if other is None or isinstance(other, str) else super().__eq__(other)

    def __ne__(self, other: Any) -> Any:
        return True if other is None or isinstance(other, str) else super().__ne__(other)

    def __int__(self) -> int:
        return int(self._data.reshape(())) if self._data.size == 1 else super().__int__()

    def __bool__(self) -> bool:
        return self._data.size > 0 and super().__bool__()

    # -- indexing and assignment -------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Self:
        """A part of the entries; a basic index gives a view, also of one entry."""
        if index.__class__ is int:
            if self._data.ndim == 1:
                index = index, ...
        elif index.__class__ is tuple and len(index) == self._data.ndim and set(map(type, index)) == {int}:
            index = *index, ...
        elif index.__class__ is range:
            index = list(index)
        return super().__getitem__(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        target = self if index is ... else None
        if target is None and self._in_memory() and getattr(value, "node", None) is None:
            target = super().__getitem__(index) if _basic(index) else None
        if isinstance(value, _Plain) and value.node is None and value.dtype != self.dtype:
            value = value.astype(self._data.dtype)
        if target is not None and target._in_memory() and getattr(value, "node", None) is None:
            array = target._data
            array[...] = value._data if isinstance(value, _Plain) else value
            return
        super().__setitem__(index, value)

    def _in_memory(self) -> bool:
        """Whether an assignment may write into the memory: nothing that the tape needs lies there."""
        array = self._data
        if array.__class__ is not np.ndarray and (traced := getattr(array, "__array_memory__", None)):
            array = traced()  # a traced array records what is written into it
        if self.node is not None or array.__class__ is not np.ndarray or not array.flags.writeable:
            return False
        if self._views is None:
            return True
        base = self.base
        return base is None or base.node is None

    def _rebind(self, line: str, result: Any) -> Self:
        """Take the values of a result: in this memory if the tape does not need it."""
        new = result._data
        same = new.shape == self._data.shape and new.dtype == self._data.dtype
        if same and result.node is None and self._in_memory():
            self._data[...] = new
            return self
        return super()._rebind(line, twin(result))

    def assign(self, line: str, result: Any) -> Self:
        """Take the values of a result, in the dtype of this Tensor; `line` is the user's code.

        Raises:
            ShapeError: the result has another shape.
            DTypeError: the dtype cannot hold the values of the result.
        """
        if result.shape != self.shape:
            raise ShapeError(f"{line}: the result has shape {tuple(result.shape)}, x has {tuple(self.shape)}")
        if result._data.dtype != self._data.dtype:
            if not np.can_cast(result._data.dtype, self._data.dtype, "same_kind"):
                raise DTypeError(
                    f"{line}: the result is {result.dtype}, x is {self.dtype} and cannot hold it"
                )
            result = result.astype(self._data.dtype)
        return self._rebind(line, result)

    def take_shape(self, name: str, result: Any) -> Self:
        """Take the shape of a view of this Tensor, for methods such as `unsqueeze_`."""
        views = [at() for at in list(self._views.values())] if self._views else []
        others = [view for view in views if view is not None and view is not result]
        whole = self.base is None or self.base.node is None
        if whole and not others and (self.node is None or self.node.op is not None):
            self._data, self.node = result._data, result.node
            return self
        return super()._rebind(f"x.{name}_()", twin(result.clone()))

    # -- how it looks ------------------------------------------------------------------------------

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return text_of(self)

    def __format__(self, spec: str) -> str:
        return repr(self) if not spec else super().__format__(spec)


_REFLECTED = {
    np.add: "__radd__",
    np.subtract: "__rsub__",
    np.multiply: "__rmul__",
    np.true_divide: "__rtruediv__",
    np.power: "__rpow__",
}
"""The operators with a number of NumPy on the left."""


def _basic(index: Any) -> bool:
    items = index if index.__class__ is tuple else (index,)
    return all(item is None or item is ... or item.__class__ in (int, slice) for item in items)


def guard(x: Tensor) -> None:
    """Let a Tensor be changed in memory of its own: others may need the entries of its array."""
    if x._data.__class__ is np.ndarray and x._data.flags.writeable:
        x._data = x._data.view()
        x._data.flags.writeable = False


def made(array: Any, requires_grad: bool = False) -> Tensor:
    """A Tensor around an array, without a copy.

    >>> made(np.ones(2, np.float32))
    tensor([1., 1.])
    """
    tensor = _new(Tensor)
    tensor._data = array
    tensor._name = None
    tensor._views = None
    tensor.node = None
    if requires_grad:
        tensor.requires_grad = True
    return tensor


def torched(value: Any) -> Any:
    """Arrays and Tensors, also in nested containers, as Tensors of this class; the rest as it is.

    The Tensors share the memory of the arrays.

    Example:
        >>> import numpy as np
        >>> type(torched({"w": np.ones(2)})["w"]).__module__
        'nn.torch.tensors'
    """
    return _torched(value) if isinstance(value, (_Plain, np.ndarray)) else tree.map_leaves(_torched, value)


def torching_arguments(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is called with Tensors of this class, such as a hook that gets gradients."""
    return (lambda *args: function(*map(torched, args))) if callable(function) else function


def _torched(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x
    if isinstance(x, _Plain):
        tensor = made(x._data)
        tensor._name, tensor.node = getattr(x, "_name", None), x.node
        return tensor
    if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biufc":
        return made(np.asarray(x) if isinstance(x, np.ndarray) else x)
    return x


def as_tensor_of(x: Any, who: str) -> Tensor:
    """The Tensor of an argument: a Tensor, or a number in the dtype that PyTorch gives it."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, (_Plain, np.ndarray, np.generic)) and not isinstance(x, float):
        return cast(Tensor, torched(x))
    if isinstance(x, (bool, int, float, complex, list, tuple)):
        array = np.asarray(x)
        if array.dtype.kind in "biufc":
            return made(array.astype(default_of(array.dtype.kind)))
    advice = "x.to_dense()" if getattr(x, "is_sparse", False) else "torch.tensor(x)"
    raise DTypeError(f"{who}: expected a Tensor, got {type(x).__name__}; write {advice}")
