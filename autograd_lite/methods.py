"""Methods: a table of NumPy's array methods. Each applies the NumPy function to the Tensor."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt

from .apply import apply, astype, viewed
from .arrays import MASKED, to_host
from .box import PLAIN, GivenAbove, wrap
from .calls import ValuesAndIndices, axis_of, numpy_words, owned
from .errors import DTypeError, ShapeError, UnsupportedError
from .guards import draws
from .kin import kin_view, like
from .node import Op
from .operators import Operators
from .views import alone
from .words.explain import describe
from .words.names import FOREIGN_METHODS, missing

__all__ = ["Methods"]


def _numpy(function: Op) -> Op:
    def method(self: Any, *args: Any, **options: Any) -> Any:
        return apply(function, self, *args, **(numpy_words(options) if options else {}))

    method.__doc__ = f"`np.{function.__name__}` of this Tensor, with the arguments of the array's method."
    return method


def _extreme(extreme: Op, index: Op) -> Op:
    def method(self: Any, *args: Any, dim: Any = None, **options: Any) -> Any:
        options = numpy_words(options)
        if dim is None:
            return apply(extreme, self, *args, **options)
        return ValuesAndIndices(*(apply(f, self, axis=dim, **options) for f in (extreme, index)))

    method.__doc__ = f"`np.{extreme.__name__}`; with `dim=`, the entries and their indices."
    return method


class Size(int):
    """The number of entries; calling it gives the shape or a length, as in PyTorch."""

    _shape: tuple[int, ...]

    def __new__(cls, array: Any) -> Self:
        size = super().__new__(cls, array.size)
        size._shape = array.shape
        return size

    def __reduce__(self) -> Any:
        return int, (int(self),)

    def __call__(self, dim: int | None = None) -> Any:
        return self._shape if dim is None else self._shape[dim]


class Methods(Operators):
    """NumPy's array methods. See the module."""

    __slots__ = ()

    # Ops of ours that PyTorch has as methods too: the files of ops/ set them.

    sigmoid = GivenAbove()
    softplus = GivenAbove()
    relu = GivenAbove()
    erf = GivenAbove()
    softmax = GivenAbove()
    log_softmax = GivenAbove()
    logsumexp = GivenAbove()

    @property
    def size(self) -> int:
        """The number of entries. As in PyTorch, `x.size()` gives the shape, and `x.size(0)` a length."""
        return Size(self._data)

    @property
    def itemsize(self) -> int:
        return self._data.itemsize  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        return self._data.nbytes  # type: ignore[no-any-return]

    def item(self, *index: Any) -> Any:
        """The single entry as a Python number; with an index, that entry."""
        if index:
            place = index[0] if len(index) == 1 else index
            return (self if isinstance(place, tuple) else self.ravel())[place].item()
        if self._data.size != 1:
            raise ShapeError(
                f"item() takes a Tensor of one entry, this has shape {self.shape}; use .tolist()"
            )
        return to_host(self._data).item()

    def tolist(self) -> Any:
        """The entries as nested Python lists."""
        return to_host(self._data).tolist()

    # -- NumPy's array methods ---------------------------------------------------------------------

    @property
    def T(self) -> Self:  # noqa: N802  (NumPy's name)
        result = viewed(np.transpose, self, (), self._data.T)
        return cast(Self, result if type(self) in PLAIN else kin_view(self, result))

    @property
    def mT(self) -> Self:  # noqa: N802
        return cast(Self, apply(np.matrix_transpose, self))

    @property
    def real(self) -> Self:
        return cast(Self, apply(np.real, self))

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> Self:
        return cast(Self, apply(np.imag, self))

    @imag.setter
    def imag(self, value: Any) -> None:
        self.imag[...] = value

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

    max = _extreme(np.max, np.argmax)
    min = _extreme(np.min, np.argmin)

    def flatten(self, start_dim: Any = 0, end_dim: int = -1, order: Any = "C") -> Self:
        """A copy with all axes, or the axes from `start_dim` to `end_dim`, as one; never a view.

        As in NumPy, the only argument may be the order, "C" or "F".
        """
        if isinstance(start_dim, str) or self.ndim == 0:
            return cast(Self, alone(self.ravel(start_dim if isinstance(start_dim, str) else order)))
        first, last = (axis_of(self, "flatten", d) for d in (start_dim, end_dim))
        return cast(Self, alone(self.reshape(*self.shape[:first], -1, *self.shape[last + 1 :], order=order)))

    def view(self, *shape: Any) -> Self:
        """`x.reshape(shape)` under PyTorch's name; a view where `reshape` gives one."""
        if len(shape) == 1 and not isinstance(shape[0], (int, np.integer, tuple, list)):
            raise DTypeError(
                f"x.view({describe(shape[0])}): expected a shape; for another dtype write x.astype(dtype), "
                "and for the bytes x.numpy().view(dtype)"
            )
        return self.reshape(*shape)

    def compress(self, condition: Any, axis: int | None = None, out: None = None) -> Self:
        """The slices along an axis where a condition holds."""
        return cast(Self, apply(np.compress, condition, self, axis, out))

    def reshape(self, *shape: Any, **options: Any) -> Self:
        """The entries in another shape, given as a tuple or as numbers; a view where NumPy gives one."""
        return cast(Self, apply(np.reshape, self, shape[0] if len(shape) == 1 else shape, **options))

    def transpose(self, *axes: Any) -> Self:
        """The axes in another order, given as a tuple or as numbers; in reverse order by default."""
        order = axes[0] if len(axes) == 1 and (axes[0] is None or np.ndim(axes[0])) else axes or None
        if len(axes) == 2 and self.ndim > 2:  # as in PyTorch, two axes to swap
            return cast(Self, self.swapaxes(*axes))
        return cast(Self, apply(np.transpose, self, order))

    def astype(self, dtype: npt.DTypeLike, **options: Any) -> Self:
        """The values in another dtype; integers and booleans are off the tape."""
        return cast(Self, apply(astype, self, dtype, **options))

    def copy(self, order: Any = "C") -> Self:
        """A copy with the same values, on the tape if this Tensor is."""
        return cast(Self, apply(np.copy, self, order=order))

    # PyTorch's constructors of constants in the same dtype.

    def new_tensor(
        self, data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Self:
        """`Tensor(data)` in the dtype of this Tensor."""
        tensor = wrap(owned(data, requires_grad, dtype or self.dtype))
        tensor.requires_grad = requires_grad
        return cast(Self, like((self,), tensor))

    def new_full(self, size: Any, fill_value: Any, **options: Any) -> Self:
        """A Tensor of a shape filled with one value, in the dtype of this Tensor."""
        return self.new_tensor(np.broadcast_to(fill_value, tuple(size)), **options)

    def new_zeros(self, *size: Any, **options: Any) -> Self:
        """Zeros of a shape, in the dtype of this Tensor."""
        return self.new_full(size[0] if len(size) == 1 and np.ndim(size[0]) else size, 0, **options)

    def new_ones(self, *size: Any, **options: Any) -> Self:
        """Ones of a shape, in the dtype of this Tensor."""
        return self.new_full(size[0] if len(size) == 1 and np.ndim(size[0]) else size, 1, **options)

    # Methods that write, as x[i] = v does: afterwards this Tensor stands for a new value.

    def fill(self, value: Any) -> None:
        """Set every entry to `value`."""
        self[...] = value

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Set the entries at indices of the flattened array to `values`."""
        apply(np.put, self, indices, values, mode=mode)

    def sort(self, *args: Any, **options: Any) -> Any:
        """Sort along an axis in place; np.sort(x) gives a new Tensor.

        With PyTorch's `dim=` or `descending=` nothing changes: the result is a pair of the sorted entries and
        their indices.
        """
        if "dim" in options or "descending" in options:
            dim = options.pop("dim", args[0] if args else -1)
            return cast(Any, self).topk(self.shape[dim], dim, options.pop("descending", False))
        self._rebind("x.sort()", apply(np.sort, self, *args, **options))

    def partition(self, *args: Any, **options: Any) -> None:
        """Partition along an axis in place; np.partition(x, kth) gives a new Tensor."""
        self._rebind("x.partition(kth)", apply(np.partition, self, *args, **options))

    def resize(self, *shape: Any, refcheck: bool = True) -> None:
        """Change the shape in place, and add zeros at the end; np.resize(x) repeats the entries instead."""
        new = np.zeros(shape[0] if len(shape) == 1 else shape, bool)
        entries = alone(self.ravel())[: new.size]
        filled = apply(np.pad, entries, (0, new.size - entries.size))
        self._rebind("x.resize(shape)", filled.reshape(new.shape))

    @property
    def _value(self) -> Any:
        """The plain array or number: programs for HIPS/autograd print it inside of a function."""
        return cast(Any, self).numpy()[()]

    # Indices, booleans and rounded numbers carry no gradient: these methods return plain arrays.

    argmax = _numpy(np.argmax)
    argmin = _numpy(np.argmin)
    argpartition = _numpy(np.argpartition)
    nonzero = _numpy(np.nonzero)
    searchsorted = _numpy(np.searchsorted)
    any = _numpy(np.any)
    all = _numpy(np.all)
    round = _numpy(np.round)

    def argsort(self, axis: int | None = -1, kind: Any = "stable", **options: Any) -> Any:
        """The indices that sort the entries along an axis; by default equal entries keep their order."""
        if options.pop("descending", False):
            return apply(np.argsort, -self, options.get("dim", axis), kind)
        options = numpy_words(options)
        axis = options.pop("axis", axis)
        return apply(np.argsort, self, axis, None if "stable" in options else kind, **options)

    if not TYPE_CHECKING:  # so that type checkers still find misspelt names

        def __getattr__(self, name: str) -> Any:
            if name == "_mask" and not draws(sys._getframe(1)):
                raise UnsupportedError(MASKED)  # np.ma asks its operands for `_mask`
            numpys = f"x.numpy().{name}" if hasattr(np.ndarray, name) else None
            meant = FOREIGN_METHODS.get(name, numpys)
            known = functools.partial(dir, type(self))
            raise missing(f"a Tensor has no {name}", name, lambda _: meant, known, "x.")
