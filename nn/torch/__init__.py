"""PyTorch's functions, with PyTorch's names and meanings, for programs written for PyTorch.

Such a program changes only its imports:

    import nn.torch as torch                    # import torch
    from nn.torch import nn, optim              # from torch import nn, optim
    import nn.functional as F                   # import torch.nn.functional as F
    from nn.data import DataLoader              # from torch.utils.data import DataLoader

In this module PyTorch's meaning comes first: Python's floats are float32, `max(x, 1)` gives values and
indices, `transpose(x, 0, 1)` swaps axes, `std` divides by n - 1. A function that is not defined below is
the method of the same name: `torch.exp(x)` is `x.exp()`.

>>> import nn.torch as torch
>>> torch.manual_seed(0)
>>> x = torch.tensor([[1.0, 2.0], [4.0, 3.0]], requires_grad=True)
>>> torch.max(x, 1).indices.tolist()
[1, 0]
>>> torch.relu(x - 2).sum().backward()
>>> x.grad.tolist()
[[0.0, 0.0], [1.0, 1.0]]
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

import autograd_lite as ag
import nn as nn
import nn.parallel
from autograd_lite import Device, Tensor, detect_anomaly
from autograd_lite import enable_grad as enable_grad
from autograd_lite import no_grad as no_grad
from autograd_lite.arrays import on_host, unwrap
from autograd_lite.errors import MissingAttributeError, OptionError
from autograd_lite.words.mistakes import warn_of_mistake
from nn import optim as optim
from nn.arrays import as_array
from nn.compiled import OptimizedModule
from nn.random import as_generator, generator, manual_seed
from nn.serialization import load as _load
from nn.serialization import save as save

from . import distributed as distributed

device = Device
inference_mode = no_grad
is_grad_enabled = ag.is_recording

# -- dtypes ----------------------------------------------------------------------------------------

float16 = half = np.float16
float32 = np.float32
float64 = double = np.float64
int8, int16, int32, int64 = np.int8, np.int16, np.int32, np.int64
uint8 = np.uint8
short, long = np.int16, np.int64
complex64, complex128 = np.complex64, np.complex128
dtype = np.dtype
Size = tuple[int, ...]
pi, e, inf, nan = math.pi, math.e, math.inf, math.nan

_default: Any = np.float32


def set_default_dtype(d: Any) -> None:
    """Set the dtype of Python's floats and of random numbers."""
    global _default
    _default = d


def get_default_dtype() -> Any:
    """The dtype of Python's floats and of random numbers, float32 by default."""
    return _default


# -- making Tensors --------------------------------------------------------------------------------


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new Tensor with a copy of `data`; Python's floats get the default dtype."""
    Device(device or "cpu")
    array = np.array(as_array(data)) if on_host(unwrap(data)) else unwrap(data)  # a batch stays one
    if dtype is None and array.dtype == np.float64 and not isinstance(data, (np.ndarray, np.generic, Tensor)):
        dtype = _default
    return Tensor(array if dtype is None else array.astype(dtype), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A Tensor unchanged; anything else becomes a Tensor."""
    return data.to(dtype) if isinstance(data, Tensor) else tensor(data, dtype, device)


from_numpy = as_tensor


def _filled(make: Callable[[tuple[int, ...], np.random.Generator], Any]) -> Callable[..., Tensor]:
    """A function that makes a Tensor of a shape, given as numbers or as a tuple."""

    def function(
        *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, generator: Any = None
    ) -> Tensor:
        shape = tuple(size[0]) if len(size) == 1 and np.ndim(size[0]) else size
        numbers = ag.drawn(lambda shape: make(shape, as_generator("rand", generator)), shape)
        return tensor(numbers, dtype or _default, device, requires_grad)

    return function


def _like(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The same function with the shape and dtype of another Tensor."""
    return lambda input, dtype=None, **options: make(input.shape, dtype=dtype or input.dtype, **options)


zeros = empty = _filled(lambda shape, _: np.zeros(shape))
ones = _filled(lambda shape, _: np.ones(shape))
rand = _filled(lambda shape, numbers: numbers.random(shape))
randn = _filled(lambda shape, numbers: numbers.standard_normal(shape))
zeros_like, ones_like, rand_like, randn_like = map(_like, (zeros, ones, rand, randn))
empty_like = zeros_like


def _typed(dtype: Any) -> Callable[..., Tensor]:
    """PyTorch's old constructors, such as `FloatTensor`: of a list of numbers, or of a shape."""

    def construct(*args: Any) -> Tensor:
        return (
            zeros(*args, dtype=dtype)
            if args and np.ndim(args[0]) == 0
            else tensor(args[0] if args else (), dtype)
        )

    return construct


FloatTensor, DoubleTensor, LongTensor, IntTensor = map(_typed, (np.float32, np.float64, np.int64, np.int32))
BoolTensor, ByteTensor = map(_typed, (np.bool_, np.uint8))


def full(
    size: Any, fill_value: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A Tensor of a shape, filled with one value."""
    return tensor(np.full(tuple(size), tensor(fill_value, dtype).numpy()), None, device, requires_grad)


def full_like(input: Any, fill_value: Any, **options: Any) -> Tensor:
    """A Tensor with the shape and dtype of another, filled with one value."""
    return full(input.shape, fill_value, **{"dtype": input.dtype, **options})


def eye(n: int, m: int | None = None, dtype: Any = None, **options: Any) -> Tensor:
    """A matrix with ones on the diagonal."""
    return tensor(np.eye(n, m), dtype or _default, **options)


def arange(*bounds: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Evenly spaced numbers: `arange(start=0, end, step=1)`, without the end."""
    values = np.arange(*bounds)
    return tensor(values, dtype or (_default if values.dtype.kind == "f" else None), device)


def linspace(start: float, end: float, steps: int, **options: Any) -> Tensor:
    """Evenly spaced numbers, both ends included."""
    return tensor(np.linspace(start, end, steps), options.pop("dtype", None) or _default, **options)


def randint(*bounds: Any, size: Any = None, dtype: Any = np.int64, **options: Any) -> Tensor:
    """Random integers: `randint(low=0, high, size)`."""
    low = options.pop("low", None)
    high = options.pop("high", None)
    *ends, size = (*bounds, size) if size is not None else bounds
    first, *last = (int(v) for v in (low, *ends, high) if v is not None)
    numbers = as_generator("randint", options.get("generator"))
    return tensor(numbers.integers(first, *last, size=tuple(size)), dtype, options.get("device"))  # type: ignore[call-overload]


def randperm(n: int, **options: Any) -> Tensor:
    """The integers from 0 to n - 1 in random order."""
    return tensor(as_generator("randperm", options.get("generator")).permutation(n))


def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, **options: Any) -> Tensor:
    """Random numbers from a normal distribution."""
    shape = np.broadcast_shapes(np.shape(mean), np.shape(std)) if size is None else tuple(size)
    return mean + std * randn(shape, **options)  # type: ignore[no-any-return]


def bernoulli(input: Any, **options: Any) -> Tensor:
    """1 with the given probabilities, else 0."""
    p = as_tensor(input)
    numbers = as_generator("bernoulli", options.get("generator"))
    return tensor(numbers.random(p.shape) < p.detach().numpy(), p.dtype)


def multinomial(input: Any, num_samples: int, replacement: bool = False, **options: Any) -> Tensor:
    """Random indices, drawn with the weights in each row of (C) or (N, C)."""
    weights = as_tensor(input).detach().numpy().astype(float)
    rows = np.atleast_2d(weights)
    numbers = as_generator("multinomial", options.get("generator"))
    drawn = [numbers.choice(len(row), num_samples, replacement, row / row.sum()) for row in rows]
    return tensor(np.array(drawn).reshape(*weights.shape[:-1], num_samples))


# -- functions whose meaning differs from NumPy's --------------------------------------------------


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Concatenate along an axis."""
    return np.concatenate(tensors, axis=dim)


concat = cat


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Stack along a new axis."""
    return np.stack(tensors, axis=dim)


def _extreme(name: str, pair: Any) -> Callable[..., Any]:
    def function(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        if isinstance(dim, (Tensor, np.ndarray)) or other is not None:
            return pair(input, dim if other is None else other)
        method = getattr(as_tensor(input), name)
        return method() if dim is None else method(dim=dim, keepdim=keepdim)

    function.__doc__ = f"The {name} of all entries, or along `dim` with its index, or of two Tensors."
    return function


max = _extreme("max", np.maximum)
min = _extreme("min", np.minimum)


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Swap two axes."""
    return np.swapaxes(input, dim0, dim1)


def squeeze(input: Any, dim: Any = None) -> Any:
    """Remove the axes of length 1; other axes stay."""
    dims = range(input.ndim) if dim is None else np.atleast_1d(dim)
    return np.squeeze(input, tuple(int(d) for d in dims if input.shape[d] == 1))


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    def spread(
        input: Any, dim: Any = None, unbiased: bool = True, *, keepdim: bool = False, correction: Any = None
    ) -> Any:
        ddof = int(unbiased) if correction is None else correction
        return function(as_tensor(input), axis=dim, ddof=ddof, keepdims=keepdim)

    spread.__doc__ = f"`np.{function.__name__}`, but dividing by n - 1."
    return spread


var, std = _spread(np.var), _spread(np.std)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Entries of `input` where the condition holds, else of `other`; indices if only a condition is given."""
    return np.nonzero(condition) if input is None else np.where(condition, input, other)


def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The sorted entries and their indices."""
    return input.sort(dim=dim, descending=descending)


def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    """The coordinates of a grid."""
    return np.meshgrid(*(tensors[0] if len(tensors) == 1 else tensors), indexing=indexing)  # type: ignore[call-overload]


def nonzero(input: Any, as_tuple: bool = False) -> Any:
    """The indices of the entries that are not 0, one in each row."""
    return np.nonzero(input) if as_tuple else np.argwhere(input)


def einsum(equation: str, *operands: Any) -> Any:
    """`np.einsum`."""
    return np.einsum(equation, *operands)


def is_tensor(obj: Any) -> bool:
    """Whether an object is a Tensor."""
    return isinstance(obj, Tensor)


linalg, fft = np.linalg, np.fft

# -- gradients, files, machines --------------------------------------------------------------------


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
) -> Any:
    """A module or a function whose calls are replayed by `ag.compile`; without `model`, a decorator.

    A call whose result is on the tape stays eager, and says so once: compile the whole training step, with
    `loss.backward()` and `optimizer.step()` inside. Inference under `no_grad` is replayed.

    Args:
        model: a module, which gives an `nn.compiled.OptimizedModule` with the same parameters; or a function.
        fullgraph, dynamic, mode, options: as in PyTorch; without effect. Each shape has a plan of its own.
        backend: "inductor", or "eager" for no compilation.
        disable: return the model unchanged.

    Raises:
        OptionError: the backend or the mode is unknown.

    Example:
        >>> import nn.torch as torch
        >>> @torch.compile
        ... def double(x):
        ...     return 2 * x
        >>> [double(torch.ones(2)).tolist() for _ in range(3)][-1], double.signatures
        ([2.0, 2.0], ['replayed: float32 (2,)'])
    """
    if mode not in (None, "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"):
        raise OptionError(f'torch.compile(mode={mode!r}): expected None, "default" or "reduce-overhead"')
    if backend not in ("inductor", "eager"):
        raise OptionError(f'torch.compile(backend={backend!r}): expected "inductor" or "eager"')
    for name, given in (("fullgraph", fullgraph), ("dynamic", dynamic), ("options", options)):
        if given:
            warn_of_mistake(
                f"torch.compile({name}={given!r}) has no effect: each shape has its own plan, and a call "
                "that cannot be replayed runs eagerly and says so"
            )
    if model is None:
        return partial(compile, backend=backend, disable=disable)
    if disable or backend == "eager":
        return model
    return OptimizedModule(model) if isinstance(model, nn.Module) else ag.compile(model)


def _grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    **options: Any,
) -> tuple[Any, ...]:
    """d(outputs)/d(inputs); no `.grad` changes."""
    if isinstance(outputs, (tuple, list)):
        if len(outputs) != 1:
            raise OptionError(f"autograd.grad: expected one output, got {len(outputs)}; call it for each")
        outputs = outputs[0]
        grad_outputs = grad_outputs[0] if isinstance(grad_outputs, (tuple, list)) else grad_outputs
    several = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    return tuple(ag.Tape().gradient(outputs, list(several), grad_outputs, create_graph))


autograd = SimpleNamespace(grad=_grad, detect_anomaly=detect_anomaly)


def load(f: Any, map_location: Any = None, weights_only: bool = True) -> dict[str, Any]:
    """The arrays of a safetensors file."""
    return _load(f)


def seed() -> int:
    """Seed the random numbers with a random seed, and return that seed."""
    manual_seed(number := int(np.random.default_rng().integers(2**32)))
    return number


def initial_seed() -> int:
    """A seed that follows from the state of the random numbers; the state does not change."""
    return int(copy.deepcopy(generator).integers(2**63))


class set_grad_enabled:  # noqa: N801  (named as in PyTorch)
    """Turn recording on or off inside `with`."""

    def __init__(self, mode: bool) -> None:
        self._mode = enable_grad() if mode else no_grad()

    def __enter__(self) -> None:
        self._mode.__enter__()

    def __exit__(self, *exception: Any) -> None:
        self._mode.__exit__(*exception)


class Generator(np.random.Generator):
    """A NumPy generator with PyTorch's names, for loaders, samplers and functions that draw."""

    def __init__(self, device: Any = "cpu") -> None:
        Device(device)
        super().__init__(np.random.PCG64())

    def manual_seed(self, seed: int) -> Generator:
        """Seed the generator."""
        self.bit_generator.state = np.random.PCG64(seed).state
        return self


def _unavailable() -> bool:
    return False


cuda = SimpleNamespace(
    is_available=_unavailable, device_count=lambda: 0, manual_seed=manual_seed, manual_seed_all=manual_seed
)
accelerator = SimpleNamespace(is_available=_unavailable)
backends = SimpleNamespace(mps=SimpleNamespace(is_available=_unavailable), cudnn=SimpleNamespace())
utils = nn.utils


_SAME_IN_NUMPY = frozenset(
    """atleast_1d atleast_2d atleast_3d broadcast_shapes column_stack dstack finfo hstack iinfo logspace
    promote_types result_type tensordot trapezoid vander vstack""".split()  # noqa: SIM905
)
"""Functions of NumPy that mean the same in PyTorch."""


def __getattr__(name: str) -> Any:
    """`torch.name(x, ...)` is `x.name(...)`, or a function of nn.functional or NumPy, or a dtype."""
    dtypes = {"float": np.float32, "int": np.int32, "bool": np.bool_}
    if name in dtypes:
        return dtypes[name]
    if name in _SAME_IN_NUMPY:
        return getattr(np, name)
    if name.startswith("_") or not (hasattr(Tensor, name) or hasattr(nn.functional, name)):
        raise MissingAttributeError(
            f"nn.torch has no {name}; look for it in numpy, autograd_lite or nn.functional"
        )

    def function(input: Any, *args: Any, **options: Any) -> Any:
        return getattr(as_tensor(input), name)(*args, **options)

    return function if hasattr(Tensor, name) else getattr(nn.functional, name)
