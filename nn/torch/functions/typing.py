"""Dtypes and devices of Tensors; constants in the dtype of a Tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.arrays import to_host

from ..dtypes import of
from ..tensors import Tensor, made
from .registry import alias, entry, viewing, whole

__all__ = ["LETTERS"]

LETTERS = {"Float": "float32", "Double": "float64", "Half": "float16", "Long": "int64", "Int": "int32",
           "Short": "int16", "Byte": "uint8", "Char": "int8", "Bool": "bool"}  # fmt: skip
"""The names in PyTorch's old types, such as `torch.FloatTensor`."""

_OLD = {np.dtype(name): f"torch.{letters}Tensor" for letters, name in LETTERS.items()}


def typed(x: Any, dtype: Any, copy: bool = False) -> Any:
    """A Tensor in a dtype; the Tensor itself if it has that dtype already."""
    own = of(dtype).dtype
    if x._data.dtype == own:
        return x.clone() if copy else x
    return x.astype(own)


@viewing(only_method=True)
def to(input: Any, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False,
       copy: bool = False, memory_format: Any = None, other: Any = None) -> Any:  # fmt: skip
    """The entries in another dtype, or in that of another Tensor; the only device is the CPU."""
    for target in (*args, dtype, device, other):
        if isinstance(target, bool) or target is None:
            continue
        if isinstance(target, Tensor):
            dtype = target.dtype
        elif isinstance(target, ag.Device) or (isinstance(target, str) and target not in np.sctypeDict):
            ag.Device(target)
        elif isinstance(target, int):
            ag.Device(f"cuda:{target}")
        else:
            dtype = target
    return typed(input, dtype, copy) if dtype is not None else input.clone() if copy else input


@viewing(only_method=True, name="type")
def _type(input: Any, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The entries in another dtype; without arguments, the name of the type."""
    if dtype is None:
        return _OLD.get(input._data.dtype, f"torch.{input._data.dtype.name}")
    if isinstance(dtype, str):
        dtype = LETTERS[dtype.removeprefix("torch.").removesuffix("Tensor")]
    return typed(input, getattr(dtype, "dtype", dtype))


@viewing(only_method=True)
def type_as(input: Any, other: Any) -> Any:
    """The entries in the dtype of another Tensor."""
    return typed(input, other.dtype)


def _in(name: str) -> Callable[..., Any]:
    def method(input: Any) -> Any:
        return typed(input, name)

    method.__doc__ = f"The entries as {name}."
    return method


for _method, _dtype in {
    "float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32",
    "short": "int16", "byte": "uint8", "char": "int8", "bool": "bool", "cfloat": "complex64",
    "cdouble": "complex128",
}.items():  # fmt: skip
    viewing(_in(_dtype), name=_method, only_method=True)


@viewing(only_method=True)
def cpu(input: Any, memory_format: Any = None) -> Any:
    """The Tensor itself, which is on the CPU already."""
    return input


alias(pin_memory="cpu", share_memory_="cpu")


@viewing(only_method=True)
def cuda(input: Any, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Any:
    """Raise UnsupportedError, since there is no GPU."""
    return ag.Device("cuda")


@viewing
def is_floating_point(input: Any) -> bool:
    """Whether the entries are floating-point numbers."""
    return bool(input._data.dtype.kind == "f")


@viewing
def is_complex(input: Any) -> bool:
    """Whether the entries are complex numbers."""
    return bool(input._data.dtype.kind == "c")


@viewing
def is_signed(input: Any) -> bool:
    """Whether the dtype has negative numbers."""
    return bool(input._data.dtype.kind in "ifc")


@viewing
def is_nonzero(input: Any) -> bool:
    """Whether the one entry is not 0."""
    return bool(input.item())


@viewing
def is_conj(input: Any) -> bool:
    """Never, since conjugates are computed at once."""
    return False


@viewing(only_method=True)
def is_contiguous(input: Any, memory_format: Any = None) -> bool:
    """Whether the entries lie in memory without gaps, in the order of the axes."""
    return bool(np.asarray(to_host(input._data)).flags.c_contiguous)


@viewing(only_method=True)
def is_pinned(input: Any) -> bool:
    """Never: there is no GPU for which memory could be pinned."""
    return False


@viewing
def numel(input: Any) -> int:
    """The number of entries."""
    return int(np.prod(input._data.shape))


alias(nelement="numel")


@viewing(only_method=True)
def dim(input: Any) -> int:
    """The number of axes."""
    return int(input._data.ndim)


alias(ndimension="dim")


@viewing(only_method=True)
def element_size(input: Any) -> int:
    """The number of bytes of one entry."""
    return int(input._data.dtype.itemsize)


@viewing(only_method=True)
def stride(input: Any, dim: int | None = None) -> Any:
    """The steps in memory, in entries, to the next entry along each axis."""
    steps = tuple(s // input._data.dtype.itemsize for s in input._data.strides)
    return steps if dim is None else steps[dim]


@viewing(only_method=True)
def get_device(input: Any) -> int:
    """-1: the CPU."""
    return -1


@viewing(only_method=True)
def data_ptr(input: Any) -> int:
    """The address of the first entry."""
    return int(input.detach().numpy().ctypes.data)


@viewing(only_method=True)
def is_set_to(input: Any, tensor: Any) -> bool:
    """Whether two Tensors have the same memory, shape and steps."""
    return bool(input.data_ptr() == tensor.data_ptr() and input.shape == tensor.shape)


@viewing
def is_same_size(input: Any, other: Any) -> bool:
    """Whether two Tensors have the same shape."""
    return bool(tuple(input.shape) == tuple(other.shape))


@viewing(only_method=True)
def storage_offset(input: Any) -> int:
    """The index of the first entry in the memory of the Tensor that owns it."""
    array = np.asarray(to_host(input._data))
    whole = array.base if isinstance(array.base, np.ndarray) else array
    return int((array.ctypes.data - whole.ctypes.data) // array.itemsize)


@viewing(only_method=True)
def apply_(input: Any, callable: Callable[[Any], Any]) -> Any:
    """Replace each entry x by callable(x)."""
    entries = [callable(x) for x in input.detach().numpy().ravel().tolist()]
    input[...] = np.array(entries, input.dtype).reshape(input.shape)
    return input


@viewing(only_method=True)
def map_(input: Any, tensor: Any, callable: Callable[[Any, Any], Any]) -> Any:
    """Replace each entry x by callable(x, y), with the entry y of another Tensor."""
    pairs = zip(
        input.detach().numpy().ravel().tolist(), tensor.expand_as(input).flatten().tolist(), strict=True
    )
    input[...] = np.array([callable(x, y) for x, y in pairs], input.dtype).reshape(input.shape)
    return input


@viewing(only_method=True)
def resize_(input: Any, *size: Any) -> Any:
    """Change the shape in place; entries beyond the old ones are zeros."""
    input.data = _resized(input.detach().numpy(), whole(size))
    return input


def _resized(array: Any, shape: tuple[int, ...]) -> Any:
    """The entries in order in another shape, cut or filled with zeros."""
    n = int(np.prod(shape))
    entries = array.ravel()[:n]
    return np.pad(entries, (0, n - entries.size)).reshape(shape)


@viewing(method=True)
def resize_as_(input: Any, the_template: Any) -> Any:
    """Change the shape in place to that of another Tensor."""
    return input.resize_(the_template.shape)


# -- constants in the dtype of a Tensor ------------------------------------------------------------


@viewing(only_method=True)
def new_tensor(
    input: Any, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """A Tensor of data, in the dtype of this one."""
    array = np.array(data.detach() if isinstance(data, ag.Tensor) else data)
    return made(array.astype(of(dtype or input.dtype).dtype), requires_grad)


@viewing(only_method=True)
def new_full(input: Any, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
             requires_grad: bool = False) -> Any:  # fmt: skip
    """A Tensor of a shape filled with one value, in the dtype of this one."""
    return made(np.full(tuple(size), fill_value, of(dtype or input.dtype).dtype), requires_grad)


def _new(value: int) -> Callable[..., Any]:
    def method(
        input: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        return input.new_full(whole(size), value, dtype=dtype, requires_grad=requires_grad)

    method.__doc__ = f"A Tensor of a shape filled with {value}, in the dtype of this one."
    return method


viewing(_new(0), name="new_zeros", only_method=True)
viewing(_new(0), name="new_empty", only_method=True)
viewing(_new(1), name="new_ones", only_method=True)


@entry(only_method=True)
def new(input: Any, *args: Any) -> Any:
    """A Tensor in the dtype of this one: of data, or of a shape."""
    if args and np.ndim(args[0]):
        return np.array(args[0], input.dtype)
    return np.zeros(whole(args) if args else (0,), input.dtype)
