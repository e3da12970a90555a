"""Writes data as a pickle that PyTorch reads with `weights_only=True`: protocol 2, and few opcodes."""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pickle import encode_long
from typing import Any, ClassVar

import numpy as np

from autograd_lite import Device, Tensor
from autograd_lite.errors import DataError, DTypeError

from ..arrays import as_array
from ..module import Module
from ..parameter import Parameter
from .sparse_tensors import SparseTensor
from .storages import DTYPES, STORAGES, UNTYPED, storage_of
from .tensors import Size

__all__ = ["Writer"]

TYPED = {name: kind for kind, name in STORAGES.items()}
NAMES = {np.dtype(code): name for name, code in DTYPES.items() if name != "bfloat16"}

OPTIMIZER = {"state", "param_groups"}
"""The keys of the state of an optimizer."""


class Writer:
    """Writes one value as a pickle, and collects the storages of its Tensors.

    Attributes:
        storages: the arrays of the storages; the pickle refers to each by its number.

    Example:
        >>> import pickletools
        >>> [opcode.name for opcode, _, _ in pickletools.genops(Writer().pickled([1, None]))]
        ['PROTO', 'EMPTY_LIST', 'BINPUT', 'MARK', 'BININT1', 'NONE', 'APPENDS', 'STOP']
    """

    def __init__(self) -> None:
        self.storages: list[np.ndarray[Any, Any]] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._memo: dict[int, tuple[int, Any]] = {}
        self._parts: list[bytes] = []
        self._in_optimizer = False

    def pickled(self, value: Any) -> bytes:
        """The pickle of a value.

        Raises:
            DTypeError: the value, or one inside of it, is no data.
            DataError: containers are nested too deeply.
        """
        self._parts.append(b"\x80\x02")
        try:
            self._write(value, "the value")
        except RecursionError:
            raise DataError("torch.save: the containers are nested too deeply; save a flatter dict") from None
        self._parts.append(b".")
        return b"".join(self._parts)

    def _write(self, value: Any, where: str) -> None:
        if id(value) in self._memo:
            place, _ = self._memo[id(value)]
            self._parts.append(_numbered(b"h", b"j", place))
            return
        for kind, write in self.KINDS:
            if isinstance(value, kind):
                write(self, value, where)
                return
        if value is None:
            self._parts.append(b"N")
        elif (dtype := _dtype_of(value)) in NAMES:
            self._name("torch", NAMES[dtype])
        else:
            raise _no_data(value, where)

    def _put(self, value: Any) -> None:
        """Remember a value that was written, so that the same object is written once."""
        self._parts.append(_numbered(b"q", b"r", len(self._memo)))
        self._memo[id(value)] = (len(self._memo), value)

    def _name(self, module: str, name: str) -> None:
        self._parts.append(f"c{module}\n{name}\n".encode())

    def _call(self, module: str, name: str, *arguments: Any) -> None:
        """A call of a function with arguments that are data."""
        self._name(module, name)
        self._plain_tuple(arguments, "")
        self._parts.append(b"R")

    # -- one method for each kind ------------------------------------------------------------------

    def _bool(self, value: bool, where: str) -> None:
        self._parts.append(b"\x88" if value else b"\x89")

    def _int(self, value: int, where: str) -> None:
        if 0 <= value < 256:
            part = struct.pack("<cB", b"K", value)
        elif -(2**31) <= value < 2**31:
            part = struct.pack("<ci", b"J", value)
        else:
            digits = encode_long(int(value))
            if len(digits) > 255:
                raise DTypeError(f"torch.save: {where} is an integer of more than 2000 bits; save str(value)")
            part = struct.pack("<cB", b"\x8a", len(digits)) + digits
        self._parts.append(part)

    def _float(self, value: float, where: str) -> None:
        self._parts.append(struct.pack(">cd", b"G", value))

    def _str(self, value: str, where: str) -> None:
        encoded = str(value).encode("utf-8", "surrogatepass")
        self._parts.append(struct.pack("<cI", b"X", len(encoded)) + encoded)

    def _bytes(self, value: bytes, where: str) -> None:
        self._call("_codecs", "encode", value.decode("latin1"), "latin1")

    def _complex(self, value: complex, where: str) -> None:
        self._call("__builtin__", "complex", value.real, value.imag)

    def _device(self, value: Device, where: str) -> None:
        self._call("torch", "device", str(value))

    def _set(self, value: set[Any], where: str) -> None:
        self._call("__builtin__", "set", list(value))

    def _size(self, value: Size, where: str) -> None:
        self._call("torch", "Size", tuple(value))

    def _tuple(self, value: tuple[Any, ...], where: str) -> None:
        self._plain_tuple(value, where)
        self._put(value)

    def _plain_tuple(self, value: tuple[Any, ...], where: str) -> None:
        self._parts.append(b"(")
        for i, item in enumerate(value):
            self._write(item, f"{where}[{i}]")
        self._parts.append(b"t")

    def _list(self, value: list[Any], where: str) -> None:
        self._parts.append(b"]")
        self._put(value)
        self._parts.append(b"(")
        for i, item in enumerate(value):
            self._write(item, f"{where}[{i}]")
        self._parts.append(b"e")

    def _mapping(self, value: Mapping[Any, Any], where: str) -> None:
        if isinstance(value, OrderedDict):
            self._call("collections", "OrderedDict")
        else:
            self._parts.append(b"}")
        self._put(value)
        self._parts.append(b"(")
        before, self._in_optimizer = self._in_optimizer, self._in_optimizer or value.keys() == OPTIMIZER
        for key, item in value.items():
            self._write(key, f"the key {key!r} of {where}")
            self._write(item, f"{where}[{key!r}]")
        self._in_optimizer = before
        self._parts.append(b"u")

    def _tensor(self, value: Tensor, where: str) -> None:
        parameter = isinstance(value, Parameter)
        if parameter:
            self._name("torch._utils", "_rebuild_parameter")
            self._parts.append(b"(")
        self._array_of(value.numpy(), value.requires_grad and not parameter, where)
        if parameter:
            self._bool(value.requires_grad, where)
            self._call("collections", "OrderedDict")
            self._parts.append(b"tR")
        self._put(value)

    def _array_of(self, array: np.ndarray[Any, Any], requires_grad: bool, where: str) -> None:
        """A Tensor: its storage, offset, shape, strides, `requires_grad`, and no hooks."""
        name = NAMES.get(array.dtype.newbyteorder("="))
        if name is None:
            raise DTypeError(
                f"torch.save: {where} is a Tensor of {array.dtype}, which PyTorch lacks; save x.float()"
            )
        storage, offset, strides = storage_of(array)
        self._name("torch._utils", "_rebuild_tensor_v2" if name in TYPED else "_rebuild_tensor_v3")
        self._parts.append(b"(")
        self._storage(storage, name)
        for item in (offset, tuple(map(int, array.shape)), tuple(map(int, strides)), requires_grad):
            self._plain_tuple(item, where) if isinstance(item, tuple) else self._write(item, where)
        self._call("collections", "OrderedDict")
        if name not in TYPED:
            self._name("torch", name)
        self._parts.append(b"tR")

    def _sparse(self, value: SparseTensor, where: str) -> None:
        """A sparse Tensor in the layout "coo": indices, values, shape, and whether it is coalesced."""
        self._name("torch._utils", "_rebuild_sparse_tensor")
        self._parts.append(b"(")
        self._call("torch.serialization", "_get_layout", "torch.sparse_coo")
        self._parts.append(b"(")
        self._array_of(as_array(value._indices()), False, where)
        self._array_of(value._values().detach().numpy(), False, where)
        self._call("torch", "Size", value.shape)
        self._bool(value.is_coalesced(), where)
        self._parts.append(b"ttR")
        self._put(value)

    def _storage(self, storage: np.ndarray[Any, Any], name: str) -> None:
        """The tuple that stands for a storage; views of one storage have the same."""
        key = (storage.__array_interface__["data"][0], storage.nbytes, name)
        number = self._numbers.setdefault(key, len(self.storages))
        if number == len(self.storages):
            self.storages.append(storage)
        self._parts.append(b"(")
        self._str("storage", "")
        module, kind = ("torch", TYPED[name]) if name in TYPED else ("torch.storage", UNTYPED)
        self._name(module, kind)
        self._str(str(number), "")
        self._str("cpu", "")
        self._int(storage.size if name in TYPED else storage.nbytes, "")
        self._parts.append(b"tQ")

    def _numpy(self, value: np.ndarray[Any, Any] | np.generic, where: str) -> None:
        """An array or a number of NumPy, as NumPy pickles it; in the state of an optimizer, a Tensor."""
        if self._in_optimizer and isinstance(value, np.ndarray):  # PyTorch resumes from Tensors alone
            self._array_of(value, False, where)
            self._put(value)
            return
        if value.dtype.kind not in "biufcSU" or value.dtype.fields:
            raise DTypeError(f"torch.save: {where} is an array of {value.dtype}, expected numbers or strings")
        ordered = np.asarray(value, order="C")
        content = ordered.tobytes()
        if isinstance(value, np.generic):
            self._name("numpy._core.multiarray", "scalar")
            self._parts.append(b"(")
            self._dtype(ordered.dtype)
            self._bytes(content, where)
            self._parts.append(b"tR")
            return
        self._name("numpy._core.multiarray", "_reconstruct")
        self._parts.append(b"(")
        self._name("numpy", "ndarray")
        self._plain_tuple((0,), where)
        self._bytes(b"b", where)
        self._parts.append(b"tR")
        self._put(value)
        self._parts.append(b"(")
        self._int(1, where)
        self._plain_tuple(tuple(map(int, value.shape)), where)
        self._dtype(ordered.dtype)
        self._bool(False, where)
        self._bytes(content, where)
        self._parts.append(b"tb")

    def _dtype(self, dtype: np.dtype[Any]) -> None:
        code, order = dtype.str[1:], dtype.str[0]
        self._call("numpy", "dtype", code, False, True)
        width = dtype.itemsize if dtype.kind in "SU" else -1
        align = dtype.alignment if dtype.kind in "SU" else -1
        self._plain_tuple((3, order, None, None, None, width, align, 0), "")
        self._parts.append(b"b")

    KINDS: ClassVar[list[tuple[Any, Callable[[Writer, Any, str], None]]]] = [
        (Tensor, _tensor),
        (SparseTensor, _sparse),
        ((np.ndarray, np.generic), _numpy),
        (bool, _bool),
        (int, _int),
        (float, _float),
        (Device, _device),
        (str, _str),
        (bytes, _bytes),
        (complex, _complex),
        (Mapping, _mapping),
        (Size, _size),
        (tuple, _tuple),
        (list, _list),
        ((set, frozenset), _set),
    ]


def _numbered(short: bytes, long: bytes, place: int) -> bytes:
    return struct.pack("<cB", short, place) if place < 256 else struct.pack("<cI", long, place)


def _dtype_of(value: Any) -> Any:
    """NumPy's dtype for a dtype of either library; None for anything else."""
    if isinstance(value, type) and issubclass(value, np.generic):
        return np.dtype(value)
    kind = value.dtype if type(value).__name__ == "dtype" else value
    return kind if isinstance(kind, np.dtype) else None


def _no_data(value: Any, where: str) -> DTypeError:
    """The error for an object that is no data, with the line that saves it."""
    name = type(value).__name__
    if isinstance(value, Module):
        repair = "write torch.save(model.state_dict(), path), and model.load_state_dict(torch.load(path))"
    elif hasattr(value, "state_dict"):
        repair = "save its state_dict()"
    elif hasattr(value, "__dict__") and not callable(value):
        repair = "save vars(value), or the numbers in it"
    else:
        repair = "save the numbers that it is made of"
    return DTypeError(
        f"torch.save: {where} is a {name}, and files hold data only (Tensors, arrays, numbers, strings, "
        f"None, and dicts, lists, tuples, sets of them); {repair}"
    )
