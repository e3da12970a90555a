"""The names that the pickle in a `.pt` file may use, and the data that each builds."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Device
from autograd_lite.errors import DataError

from .dtypes import of
from .nn.layers import Parameter
from .pickle_reader import Built
from .sparse import sparse_coo_tensor, sparse_csr_tensor
from .storages import DTYPES, STORAGES, UNTYPED, dtype_named, numbers, shown
from .tensors import Size, Tensor, torched

__all__ = ["NAMES", "Storage", "StorageKind"]

Array = npt.NDArray[Any]


class StorageKind(str):
    """The class of a storage in a file: the name of its dtype, or "" for plain bytes."""

    def bytes_of(self, count: Any) -> int:
        """The number of bytes of a storage with so many entries.

        Raises:
            DataError: `count` is no number of entries.
        """
        if type(count) is not int or count < 0:
            raise DataError(f"a storage has {count!r} entries")
        return count * (dtype_named(self).itemsize if self else 1)


class Storage:
    """The bytes of a storage, and the arrays that show the bytes by dtype.

    Args:
        kind: the dtype of the entries.
        count: the number of entries.
        content: the bytes.

    Raises:
        DataError: there are more or fewer bytes than entries.
    """

    def __init__(self, kind: Any, count: Any, content: bytearray) -> None:
        if not isinstance(kind, StorageKind) or kind.bytes_of(count) != len(content):
            raise DataError(f"a storage of {count} entries has {len(content)} bytes")
        self.kind, self.content = kind, content
        self._arrays: dict[str, Array] = {}

    def array(self, dtype: str = "") -> Array:
        """The entries as a flat array; several Tensors of one storage share the array."""
        name = dtype or self.kind
        if name not in self._arrays:
            self._arrays[name] = numbers(self.content, name)
        return self._arrays[name]


# -- Tensors ---------------------------------------------------------------------------------------


def _tensor(
    storage: Any,
    offset: Any,
    shape: Any,
    strides: Any,
    grad: Any = False,
    hooks: Any = None,
    meta: Any = None,
) -> Any:
    return _tensor_of_dtype(storage, offset, shape, strides, grad, hooks, "", meta)


def _tensor_of_dtype(
    storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, hooks: Any, dtype: Any, meta: Any = None
) -> Any:
    if not isinstance(storage, Storage):
        raise DataError("a Tensor has no storage")
    name = dtype if isinstance(dtype, str) else of(dtype).name
    array = shown(storage.array(name), offset, shape, strides)
    for bit, change in (("conj", np.conj), ("neg", np.negative)):
        if isinstance(meta, dict) and meta.get(bit):
            array = change(array)
    tensor = torched(array)
    return tensor.requires_grad_() if grad is True else tensor


def _parameter(data: Any, requires_grad: Any, hooks: Any, state: Any = None) -> Any:
    if not isinstance(data, Tensor):
        raise DataError("a parameter has no Tensor")
    return Parameter(data.numpy(), requires_grad is True)


def _with_attributes(make: Any, kind: Any, arguments: Any, attributes: Any) -> Any:
    """A Tensor to which a program had given attributes of its own; these are left out."""
    if not isinstance(make, Built):
        raise DataError("a Tensor is made by no function of PyTorch's files")
    return make.make(*arguments)


def _old_tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> Any:
    return _tensor(storage, offset, shape, strides)


def _sparse(layout: Any, data: Any) -> Any:
    """A sparse Tensor in the layout "coo" or "csr"; the check of its indices is that of the class."""
    first, second, *rest = data
    if layout == "torch.sparse_csr":
        return sparse_csr_tensor(first, second, rest[0], rest[1])
    if layout != "torch.sparse_coo":
        raise DataError(f"Tensors of the layout {layout!r} are not read")
    return sparse_coo_tensor(first, second, rest[0], is_coalesced=bool(rest[1:] and rest[1]))


# -- NumPy -----------------------------------------------------------------------------------------


class _Dtype:
    """A dtype of NumPy, of which the byte order comes after the name."""

    def __init__(self, code: Any, align: Any = False, copy: Any = True) -> None:
        if not isinstance(code, str) or np.dtype(code).kind not in "biufcSU":
            raise DataError(f"arrays of NumPy's dtype {code!r} are not read")
        self.dtype = np.dtype(code)

    def order(self, state: Any) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


def _array(kind: Any, shape: Any, code: Any) -> Array:
    return np.empty(0, np.int8)


def _fill_array(array: Array, state: Any) -> None:
    """Give an array its content: (version, shape, dtype, whether in Fortran's order, bytes)."""
    _, shape, kind, fortran, content = state
    if not isinstance(kind, _Dtype) or not isinstance(content, (bytes, str)):
        raise DataError("an array of NumPy has no numbers")
    content = content.encode("latin1") if isinstance(content, str) else content
    np.frombuffer(content, kind.dtype).reshape(shape)  # refuses what does not fit
    array.__setstate__((1, tuple(shape), kind.dtype, bool(fortran), content))  # type: ignore[arg-type]


def _scalar(kind: Any, content: Any) -> Any:
    content = content.encode("latin1") if isinstance(content, str) else content
    return np.frombuffer(content, kind.dtype)[0]


# -- the table -------------------------------------------------------------------------------------


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    if encoding != "latin1":
        raise DataError(f"bytes in the encoding {encoding!r}")
    return str(text).encode("latin1")


def _forget(target: Any, state: Any) -> None:
    """Attributes of a dict, as `state_dict()` of PyTorch has; they hold no numbers."""


def _device(name: Any, index: Any = None) -> Device:
    return Device("cpu")  # whatever the file says: there is no other


class _Name(str):
    """A name of a class or an option that is an argument only."""


LACKING = (
    *("bfloat16", "complex32", "float8_e4m3fn", "float8_e4m3fnuz"),
    *("float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
)
"""Dtypes that NumPy lacks; all but the first give an error that names them."""

BUILDERS: Mapping[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _old_tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_of_dtype,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch.serialization._get_layout": str,
    "torch._tensor._rebuild_from_type_v2": _with_attributes,
    "torch.Size": lambda shape=(): Size(shape),
    "torch.device": _device,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    "_codecs.encode": _encoded,
    "collections.Counter": Counter,
    **{f"{module}.complex": complex for module in ("builtins", "__builtin__")},
    **{f"{module}.set": set for module in ("builtins", "__builtin__")},
    **{f"{module}.frozenset": frozenset for module in ("builtins", "__builtin__")},
    **{f"{module}.bytearray": bytearray for module in ("builtins", "__builtin__")},
}

NAMES: Mapping[str, Any] = {
    **{name: Built(make) for name, make in BUILDERS.items()},
    "collections.OrderedDict": Built(OrderedDict, _forget),
    "numpy.core.multiarray._reconstruct": Built(_array, _fill_array),
    "numpy._core.multiarray._reconstruct": Built(_array, _fill_array),
    "numpy.dtype": Built(_Dtype, _Dtype.order),
    **{name: _Name(name) for name in ("numpy.ndarray", "torch.Tensor", "torch.nn.parameter.Parameter")},
    **{f"torch.{name}": of(np.dtype(code)) for name, code in DTYPES.items() if name != "bfloat16"},
    **{f"torch.{name}": _Name(name) for name in LACKING},
    **{f"torch.{name}": StorageKind(kind) for name, kind in STORAGES.items()},
    **{f"torch.storage.{name}": StorageKind(kind) for name, kind in STORAGES.items()},
    f"torch.storage.{UNTYPED}": StorageKind(""),
    f"torch.{UNTYPED}": StorageKind(""),
}
"""What each name means. Nothing else of any module can be reached."""
