"""Tensor: a NumPy array that may be on the tape. Its methods stand in three tables and in Box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt

from .arrays import owned as copied
from .box import Array, Box, lift, made_by_ops, wrap
from .calls import owned
from .errors import TapeError
from .kin import like
from .methods import Methods
from .node import Leaf, Node
from .numpy_types import TypedScalar
from .operators import Operators
from .plain_array import PlainArray
from .torch_names import TorchNames

__all__ = ["Tensor"]


@made_by_ops(answers=PlainArray)
class Tensor(TorchNames, Methods, Operators, Box, TypedScalar):  # type: ignore[misc]
    """A NumPy array that may be on the tape.

    Args:
        data: a number, a nested list, an array or a Tensor; the values are copied.
        requires_grad: put the Tensor on the tape as a *leaf*, which receives a gradient. Python
            ints, and lists of ints, then become float64.
        dtype: as in `numpy.array`.
        name: the name in `print(tape)` and in pictures.

    Raises:
        DTypeError: `requires_grad` with an integer or boolean array; `data` holds no numbers.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> x = ag.Tensor([1.0, 2.0, 3.0], requires_grad=True)
        >>> y = np.sum(x * x)
        >>> y.backward()
        >>> x.grad
        Tensor([2., 4., 6.], shape=(3,), dtype=float64)
    """

    __slots__ = ()

    def __init__(
        self,
        data: Any,
        requires_grad: bool = False,
        dtype: npt.DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        self._data = owned(data, requires_grad, dtype)
        self._name = name
        self._views = None
        self.node = Leaf(self._data, name) if requires_grad else None

    if TYPE_CHECKING:

        def __array__(self, dtype: Any = None) -> np.ndarray[Any, np.dtype[Entry]]: ...  # type: ignore[override]

    def __reduce__(self) -> Any:
        self._must_be_leaf("pickled")
        return _rebuild, (type(self), _array(self), self.requires_grad, self.name, self._data.dtype)

    def __copy__(self) -> Self:
        """A second Tensor for the same step; a copy of a leaf is a new leaf."""
        if not self.is_leaf:
            return cast(Self, like((self,), lift(self._data, cast(Node, self.node))))
        make, arguments = self.__reduce__()
        return cast(Self, make(*arguments))

    def __deepcopy__(self, memo: dict[int, Any] | None) -> Self:
        self._must_be_leaf("deep-copied")
        twin = _rebuild(type(self), copied(_array(self), "C"), self.requires_grad, self.name)
        grad = None if self.node is None else self.node.grad  # whatever `x.grad` means in a subclass
        if grad is not None and twin.node is not None:
            twin.node.grad = wrap(copied(grad._data))
        if memo is not None:
            memo[id(self)] = twin
        return cast(Self, twin)

    def _must_be_leaf(self, done: str) -> None:
        if not self.is_leaf:
            raise TapeError(
                f"the result of a recorded op cannot be {done}: its history would be lost; "
                "write x.detach() first"
            )


def _array(x: Any) -> Array:
    """The plain array of a Tensor, whatever `x.data` means in its class."""
    array = cast(Any, Box.data).fget(x)
    return cast(Array, np.asarray(array) if isinstance(array, np.ndarray) else array)


if TYPE_CHECKING:

    class Entry(Tensor, np.object_):  # type: ignore[misc]  # NumPy's class is final
        """What a checker sees as an entry of an array of Tensors; see numpy_types.py."""


def _rebuild(cls: type[Any], data: Array, requires_grad: bool, name: str | None, dtype: Any = None) -> Any:
    """Make a leaf again from its pickle, without the constructor, which a subclass may have changed.

    A pickle loses the byte order of an array but keeps that of a dtype: hence `dtype`.
    """
    if dtype is not None:
        data = data.astype(dtype, copy=False)
    tensor = object.__new__(cls)
    tensor._data = data
    tensor._name = name
    tensor._views = None
    tensor.node = Leaf(data, name) if requires_grad else None
    return tensor
