"""Functions that make Tensors: of data, of a shape, of an interval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

import autograd_lite as ag
from autograd_lite.arrays import on_host, owned, unwrap
from autograd_lite.errors import DTypeError
from nn.arrays import as_array

from .dtypes import default_of, float_of, of
from .functions.registry import whole, written
from .tensors import Tensor, made, torched

__all__ = [
    "arange",
    "as_tensor",
    "asarray",
    "bartlett_window",
    "blackman_window",
    "empty",
    "empty_like",
    "empty_strided",
    "eye",
    "from_dlpack",
    "from_numpy",
    "frombuffer",
    "full",
    "full_like",
    "hamming_window",
    "hann_window",
    "is_storage",
    "is_tensor",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "range",
    "scalar_tensor",
    "tensor",
    "tril_indices",
    "triu_indices",
    "zeros",
    "zeros_like",
]  # fmt: skip


def kind_of(d: Any, array: Any, bare: bool) -> np.dtype[Any]:
    """The dtype of new data: the one that was asked for, or the default one for Python's floats."""
    if d is not None:
        return of(d).dtype
    return default_of(array.dtype.kind) if bare and array.dtype.kind in "fc" else array.dtype


def finished(array: Any, device: Any, requires_grad: bool) -> Tensor:
    """A Tensor around a new array, with the options that all functions here share."""
    ag.Device(device or "cpu")
    return made(array, requires_grad)


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new Tensor with a copy of data; Python's floats get the default dtype.

    Args:
        data: a number, a nested list, an array or a Tensor.
        dtype: the dtype, else that of the data.
        device: "cpu".
        requires_grad: make the Tensor a leaf that receives a gradient.
        pin_memory: accepted as in PyTorch, without effect.

    Example:
        >>> import nn.torch as torch
        >>> torch.tensor([[1, 2], [3, 4]]) / 2
        tensor([[0.5000, 1.0000],
                [1.5000, 2.0000]])
    """
    inner = unwrap(data)
    if not on_host(inner):
        array = owned(inner)
        return finished(array if dtype is None else array.astype(of(dtype).dtype), device, requires_grad)
    bare = not isinstance(data, (np.ndarray, np.generic, ag.Tensor))
    array = _array_of(data)
    if array.dtype.kind not in "biufc":
        raise DTypeError(
            f"torch.tensor: {type(data).__name__} holds no numbers; expected numbers in nested lists"
        )
    array = np.array(array, _native(kind_of(dtype, array, bare and not _holds_arrays(data))), copy=True)
    return finished(array, device, requires_grad)


def _native(d: np.dtype[Any]) -> np.dtype[Any]:
    return d if d.isnative else d.newbyteorder("=")


def _holds_arrays(data: Any) -> bool:
    """Whether a list holds arrays, Tensors or NumPy's numbers, whose dtype counts."""
    if not isinstance(data, (list, tuple)):
        return False
    if data and isinstance(data[0], (list, tuple)):
        return any(map(_holds_arrays, data))
    return any(isinstance(x, (np.ndarray, np.generic, ag.Tensor)) for x in data)


def _array_of(data: Any) -> Any:
    if isinstance(data, (list, tuple)) and _holds_arrays(data):
        return np.array([_array_of(item) for item in data])
    return as_array(data.detach() if isinstance(data, ag.Tensor) else data)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A Tensor unchanged; an array as a Tensor that shares its memory; anything else as a new Tensor."""
    if isinstance(data, (ag.Tensor, np.ndarray)) and on_host(unwrap(data)):
        ag.Device(device or "cpu")
        shared: Any = torched(data)
        return cast(Tensor, shared if dtype is None else shared.to(of(dtype)))
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """A Tensor of any data; it shares the memory of arrays unless `copy` is True."""
    found = tensor(obj, dtype=dtype, device=device) if copy else as_tensor(obj, dtype, device)
    return found.requires_grad_() if requires_grad else found


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A Tensor in the memory of another library's array; see `ag.from_dlpack`.

    >>> import nn.torch as torch
    >>> torch.from_dlpack(np.ones(2))
    tensor([1., 1.], dtype=torch.float64)
    """
    return cast(Tensor, torched(ag.from_dlpack(ext_tensor)))


def from_numpy(ndarray: Any) -> Tensor:
    """A Tensor that shares the memory of an array.

    >>> import nn.torch as torch
    >>> a = np.zeros(2)
    >>> _ = torch.from_numpy(a).add_(1)
    >>> a
    array([1., 1.])
    """
    if not isinstance(ndarray, np.ndarray):
        raise DTypeError(
            f"from_numpy: expected a NumPy array, got {type(ndarray).__name__}; write torch.tensor(x)"
        )
    return cast(Tensor, torched(ndarray))


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A Tensor that shares the memory of an object such as a bytearray."""
    return made(np.frombuffer(buffer, of(dtype).dtype, count, offset), requires_grad)


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A Tensor without axes, in the default dtype."""
    return finished(np.array(s, float_of(dtype)), device, requires_grad)


# -- of a shape ------------------------------------------------------------------------------------


def _filled(value: int) -> Callable[..., Tensor]:
    def function(
        *size: Any, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
        requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        array = np.full(whole(size), value, float_of(dtype))
        result = finished(array, device, requires_grad)
        return result if out is None else written(out, result)

    def by_keyword(*args: Any, size: Any = None, **options: Any) -> Tensor:
        return function(*(args if size is None else (size,)), **options)

    by_keyword.__doc__ = f"A Tensor of a shape, given as numbers or as a tuple, filled with {value}."
    return by_keyword


zeros, ones, empty = _filled(0), _filled(1), _filled(0)
for _f, _name in ((zeros, "zeros"), (ones, "ones"), (empty, "empty")):
    _f.__name__ = _f.__qualname__ = _name


def empty_strided(size: Any, stride: Any, **options: Any) -> Tensor:
    """A Tensor of a shape; its entries are zeros, and lie in the order of the axes."""
    return empty(size, **options)


def full(
    size: Any, fill_value: Any, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A Tensor of a shape, filled with one value."""
    one = tensor(fill_value, dtype=dtype)
    result = finished(np.full(whole((size,)), one.numpy(), one._data.dtype), device, requires_grad)
    return result if out is None else written(out, result)


def _like(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def function(
        input: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        own = input.dtype if dtype is None else dtype
        return make(tuple(input.shape), dtype=own, device=device, requires_grad=requires_grad)

    function.__name__ = function.__qualname__ = f"{make.__name__}_like"
    function.__doc__ = f"`{make.__name__}` with the shape and dtype of another Tensor."
    return function


zeros_like, ones_like, empty_like = map(_like, (zeros, ones, empty))


def full_like(
    input: Any, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A Tensor with the shape and dtype of another, filled with one value."""
    own = input.dtype if dtype is None else dtype
    return full(tuple(input.shape), fill_value, dtype=own, device=device, requires_grad=requires_grad)


def eye(
    n: int, m: int | None = None, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A matrix with ones on the diagonal."""
    return finished(np.eye(n, m, dtype=float_of(dtype)), device, requires_grad)


# -- of an interval --------------------------------------------------------------------------------


def number(x: Any) -> Any:
    """The Python number of a number or a 0-d Tensor."""
    return x.item() if hasattr(x, "item") else x


def arange(
    *bounds: Any, start: Any = 0, end: Any = None, step: Any = 1, out: Any = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Evenly spaced numbers: `arange(start=0, end, step=1)`, without the end."""
    if len(bounds) == 1 and end is None:
        bounds = (start, *bounds)
    first, last, by = map(number, (*bounds, *(start, end, step)[len(bounds) :]))
    real = any(isinstance(v, float) for v in (first, last, by))
    n = max(0, int(np.ceil((last - first) / by)))
    values = first + by * np.arange(n) if real else np.arange(first, last, by)
    own = of(dtype).dtype if dtype is not None else default_of("f") if real else np.dtype(np.int64)
    result = finished(values.astype(own), device, requires_grad)
    return result if out is None else written(out, result)


def range(start: Any, end: Any, step: Any = 1, **options: Any) -> Tensor:
    """Evenly spaced numbers, the end included, in the default dtype."""
    n = int((end - start) / step) + 1
    return tensor(start + step * np.arange(n), dtype=options.pop("dtype", None) or default_of("f"), **options)


def linspace(
    start: Any, end: Any, steps: int, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Evenly spaced numbers, both ends included."""
    own = float_of(dtype)
    return finished(np.linspace(number(start), number(end), steps).astype(own), device, requires_grad)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, out: Any = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Powers of `base` with evenly spaced exponents."""
    own = float_of(dtype)
    powers = np.power(base, np.linspace(number(start), number(end), steps))
    return finished(powers.astype(own), device, requires_grad)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """The indices of the entries on and below a diagonal, of shape (2, N)."""
    return finished(
        np.stack(np.tril_indices(row, offset, col)).astype(of(dtype or "int64").dtype), device, False
    )


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """The indices of the entries on and above a diagonal, of shape (2, N)."""
    return finished(
        np.stack(np.triu_indices(row, offset, col)).astype(of(dtype or "int64").dtype), device, False
    )


def _window(name: str) -> Callable[..., Tensor]:
    make = getattr(np, {"hann": "hanning"}.get(name, name))

    def function(
        window_length: int, periodic: bool = True, *, dtype: Any = None, device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        values = make(window_length + 1)[:-1] if periodic and window_length > 1 else make(window_length)
        return finished(values.astype(float_of(dtype)), device, requires_grad)

    function.__name__ = function.__qualname__ = f"{name}_window"
    function.__doc__ = f"The {name} window; a periodic one is one entry shorter."
    return function


hann_window, hamming_window = _window("hann"), _window("hamming")
blackman_window, bartlett_window = _window("blackman"), _window("bartlett")

# -- questions -------------------------------------------------------------------------------------


def is_tensor(obj: Any) -> bool:
    """Whether an object is a Tensor."""
    return isinstance(obj, ag.Tensor)


def is_storage(obj: Any) -> bool:
    """Never: memory is NumPy's here."""
    return False
