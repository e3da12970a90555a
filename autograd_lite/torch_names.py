"""PyTorch's names of array methods, except names to which NumPy gives another meaning.

`TorchNames` is a base class of `Tensor`, and of the plain arrays that comparisons and argmax return. So
`(scores.argmax(1) == labels).float().mean()` reads the same here. Each method is a NumPy call, and is
recorded like any other.

If NumPy's arrays have a method of the same name, it keeps NumPy's meaning: `x.repeat`, `x.std`, `x.max(1)`,
`x.sort()`, `x.squeeze(1)`, and `x.transpose(0, 1)` of a matrix. These methods also accept `dim=` and
`keepdim=`; with `dim=` the maximum comes with its indices.

A method that ends in an underscore assigns to the Tensor, as `x[...] = v` does. The assignment reaches the
base and the views of the Tensor: after `x[0].zero_()` the first row of x is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .arrays import to_host
from .box import GivenAbove, answer
from .calls import ValuesAndIndices, axis_of, numpy_words
from .device import Device
from .errors import IndexingError, OptionError
from .node import Op
from .views import alone

__all__ = ["TorchNames", "method_of"]


def _whole(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape, or axes, given as one sequence or as single numbers."""
    several = shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape
    return tuple(int(n) for n in several)


def method_of(function: Op) -> Op:
    """A method made of a function; the method accepts PyTorch's keywords."""

    def method(self: Any, *args: Any, **options: Any) -> Any:
        return function(self, *args, **numpy_words(options))

    method.__doc__ = f"`{function.__name__}(x, ...)`."
    return method


def _copying(function: Op) -> Op:
    """A method made of a function; the method returns a copy, as in PyTorch, where NumPy returns a view."""

    def method(self: Any, *args: Any) -> Any:
        result = function(self, *args)
        return result.copy() if isinstance(result, np.ndarray) else alone(result)

    method.__doc__ = f"`{function.__name__}(x, ...)`, as a copy."
    return method


def _methods(*functions: Op) -> tuple[Op, ...]:
    return tuple(map(method_of, functions))


def _in(dtype: type) -> Op:
    def method(self: Any) -> Any:
        return self.type(dtype)

    method.__doc__ = f"The entries as {np.dtype(dtype).name}."
    return method


def _in_place(*names: str) -> Iterator[Op]:
    return map(_changing, names)


def _changing(name: str) -> Op:
    def method(self: Any, *args: Any, **options: Any) -> Any:
        self[...] = getattr(self, name)(*args, **options)
        return self

    method.__doc__ = f"Assign `x.{name}(...)` to x, which keeps its shape and dtype."
    return method


class TorchNames:
    """Methods under PyTorch's names. See the module."""

    __slots__ = ()

    uniform_ = GivenAbove()  # nn gives these four, since it has random numbers
    normal_ = GivenAbove()
    bernoulli_ = GivenAbove()
    exponential_ = GivenAbove()

    # -- shapes ------------------------------------------------------------------------------------

    def dim(self: Any) -> Any:
        """The number of axes."""
        return int(self.ndim)

    ndimension = dim

    def numel(self: Any) -> Any:
        """The number of entries."""
        return int(np.prod(self.shape))

    nelement = numel

    def view_as(self: Any, other: Any) -> Any:
        """The entries in the shape of another array."""
        return self.reshape(other.shape)

    reshape_as = view_as

    def unsqueeze(self: Any, dim: int) -> Any:
        """A new axis of length 1 at index `dim`: `np.expand_dims(x, dim)`."""
        return np.expand_dims(self, dim)

    def permute(self: Any, *dims: Any) -> Any:
        """The axes in another order: `np.transpose(x, dims)`."""
        return np.transpose(self, _whole(dims))

    def expand(self: Any, *sizes: Any) -> Any:
        """`np.broadcast_to`, where -1 keeps the length of an axis."""
        shape = _whole(sizes)
        own = (1,) * (len(shape) - self.ndim) + self.shape
        return np.broadcast_to(self, tuple(o if n == -1 else n for n, o in zip(shape, own, strict=True)))

    def expand_as(self: Any, other: Any) -> Any:
        """`np.broadcast_to(x, other.shape)`."""
        return np.broadcast_to(self, other.shape)

    def unflatten(self: Any, dim: int, sizes: Any) -> Any:
        """Split one axis into several axes of the given lengths."""
        dim = axis_of(self, "unflatten", dim)
        return self.reshape(*self.shape[:dim], *sizes, *self.shape[dim + 1 :])

    def flip(self: Any, *dims: Any) -> Any:
        """The entries in reverse order along axes."""
        return _copying(np.flip)(self, _whole(dims))

    roll, tile, swapdims, repeat_interleave = _methods(np.roll, np.tile, np.swapaxes, np.repeat)
    diag = _copying(np.diag)
    rot90 = _copying(np.rot90)
    fliplr = _copying(np.fliplr)
    flipud = _copying(np.flipud)
    diagflat, broadcast_to, take_along_dim = _methods(np.diagflat, np.broadcast_to, np.take_along_axis)
    tril, triu = _methods(np.tril, np.triu)
    t = method_of(np.transpose)
    movedim = moveaxis = method_of(np.moveaxis)

    # -- parts -------------------------------------------------------------------------------------

    def split(self: Any, split_size: Any, dim: int = 0) -> Any:
        """Parts of one size along an axis, of which the last may be smaller; or parts of listed sizes."""
        n = self.shape[dim]
        if isinstance(split_size, (int, np.integer)):
            ends = list(range(int(split_size), n, int(split_size)))
        else:
            ends = [int(end) for end in np.cumsum(split_size)]
            if ends[-1] != n:
                raise OptionError(
                    f"split({list(split_size)}, dim={dim}): the sizes add up to {ends[-1]}, not {n}"
                )
            ends.pop()
        return tuple(np.split(self, ends, axis=dim))

    def chunk(self: Any, chunks: int, dim: int = 0) -> Any:
        """At most `chunks` parts of one size along an axis; the last may be smaller."""
        return self.split(-(-self.shape[dim] // chunks) or 1, dim)

    def unbind(self: Any, dim: int = 0) -> tuple[Any, ...]:
        """The slices along an axis."""
        return tuple(np.moveaxis(self, dim, 0))

    def select(self: Any, dim: int, index: int) -> Any:
        """One slice along an axis, a view: `x[:, index]` for dim=1."""
        return self[(slice(None),) * axis_of(self, "select", dim) + (index,)]

    def narrow(self: Any, dim: int, start: int, length: int) -> Any:
        """The entries from `start` on along an axis, a view."""
        axis = axis_of(self, "narrow", dim)
        first = start + self.shape[axis] if start < 0 else start
        if not 0 <= first <= first + length <= self.shape[axis]:
            raise IndexingError(
                f"narrow({dim}, {start}, {length}): x of shape {self.shape} has {self.shape[axis]} entries "
                f"along axis {axis}; start + length is at most that"
            )
        return self[(slice(None),) * axis + (slice(first, first + length),)]

    def index_select(self: Any, dim: int, index: Any) -> Any:
        """The slices at indices along an axis."""
        return np.take(self, index, axis=dim)

    def masked_fill(self: Any, mask: Any, value: Any) -> Any:
        """`np.where(mask, value, x)`."""
        return np.where(mask, value, self)

    def masked_select(self: Any, mask: Any) -> Any:
        """The entries where a mask is True, as a vector."""
        x, mask = np.broadcast_arrays(self, mask)
        return x[mask]

    def gather(self: Any, dim: int, index: Any) -> Any:
        """Entries at indices along an axis; y[i, j] = x[i, index[i, j]] for dim=1."""
        return self[_places(dim, index)]

    def scatter(self: Any, dim: int, index: Any, src: Any) -> Any:
        """A copy y of x with entries of src along an axis; y[i, index[i, j]] = src[i, j] for dim=1."""
        y = self.copy()
        y[_places(dim, index)] = src[tuple(map(slice, index.shape))] if np.ndim(src) else src
        return y

    def scatter_add(self: Any, dim: int, index: Any, src: Any) -> Any:
        """A copy y of x; for dim=1, y[i, index[i, j]] += src[i, j], where repeated indices add up."""
        hits = np.zeros((*index.shape, self.shape[dim]), bool)  # the index to which each entry is added
        np.put_along_axis(hits, np.expand_dims(np.asarray(index), -1), True, axis=-1)
        part = src[tuple(map(slice, index.shape))]
        added = np.moveaxis(np.sum(np.where(hits, np.expand_dims(part, -1), 0), axis=dim), -1, dim)
        rest = [(0, n - m) for n, m in zip(self.shape, added.shape, strict=True)]
        return self + np.pad(added, rest)

    def where(self: Any, condition: Any, other: Any) -> Any:
        """`np.where(condition, x, other)`."""
        return np.where(condition, self, other)

    def unfold(self: Any, dimension: int, size: int, step: int) -> Any:
        """Windows along an axis; the entries of a window lie along a new last axis."""
        axis = axis_of(self, "unfold", dimension)
        starts = np.arange(0, self.shape[axis] - size + 1, step)
        windows = np.take(self, starts[:, None] + np.arange(size), axis=axis)
        return np.moveaxis(windows, axis + 1, -1)

    def topk(self: Any, k: int, dim: int = -1, largest: Any = True, sorted: Any = True) -> ValuesAndIndices:
        """The k largest entries along an axis, and their indices."""
        places = np.argsort(np.negative(self) if largest else self, axis=dim, kind="stable")
        places = np.take(places, np.arange(k), axis=dim)
        return ValuesAndIndices(np.take_along_axis(self, places, dim), answer(places))

    # -- dtypes and devices ------------------------------------------------------------------------

    def to(self: Any, *args: Any, **options: Any) -> Any:
        """The entries in another dtype, or in the dtype of another array; the only device is the CPU."""
        for target in (*args, *options.values()):
            if isinstance(target, str) and target not in np.sctypeDict:
                Device(target)
            elif target is not None and not isinstance(target, bool):
                return self.type(target if isinstance(target, type) else getattr(target, "dtype", target))
        return self

    def type(self: Any, dtype: Any = None, non_blocking: Any = False) -> Any:
        """The entries in another dtype; without arguments, the name of the dtype."""
        return str(self.dtype) if dtype is None else self if self.dtype == dtype else self.astype(dtype)

    def type_as(self: Any, other: Any) -> Any:
        """The entries in the dtype of another array."""
        return self.type(other.dtype)

    float, double, half = map(_in, (np.float32, np.float64, np.float16))
    byte, short, int, long, bool = map(_in, (np.uint8, np.int16, np.int32, np.int64, np.bool_))

    def contiguous(self: Any) -> Any:
        """x itself if it is contiguous in memory, else a contiguous copy."""
        return self if self.is_contiguous() else self.copy()

    def cpu(self: Any) -> Any:
        """x itself, which is on the CPU already."""
        return self

    pin_memory = cpu

    def cuda(self: Any, device: Any = None) -> Any:
        """Raise UnsupportedError, since there is no GPU."""
        return self.to("cuda")

    @property
    def device(self: Any) -> Device:
        """The CPU."""
        return Device("cpu")

    is_cuda = property(lambda self: False, doc="Never: everything is on the CPU.")

    def is_floating_point(self: Any) -> Any:
        """Whether the entries are floating-point numbers."""
        return self.dtype.kind == "f"

    def is_complex(self: Any) -> Any:
        """Whether the entries are complex numbers."""
        return self.dtype.kind == "c"

    def is_contiguous(self: Any) -> Any:
        """Whether the entries lie in memory without gaps, in the order of the axes."""
        return bool(to_host(self).flags.c_contiguous)

    def element_size(self: Any) -> Any:
        """The number of bytes of one entry."""
        return self.dtype.itemsize

    # -- arithmetic --------------------------------------------------------------------------------

    def add(self: Any, other: Any, *, alpha: Any = 1) -> Any:
        """x + alpha other."""
        return self + (other if alpha == 1 else alpha * other)

    def sub(self: Any, other: Any, *, alpha: Any = 1) -> Any:
        """x - alpha other."""
        return self - (other if alpha == 1 else alpha * other)

    def addcmul(self: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
        """x + value tensor1 tensor2."""
        return self + value * tensor1 * tensor2

    def addcdiv(self: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
        """x + value tensor1 / tensor2."""
        return self + value * tensor1 / tensor2

    def addmm(self: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        """beta x + alpha mat1 mat2."""
        return beta * self + alpha * (mat1 @ mat2)

    def lerp(self: Any, end: Any, weight: Any) -> Any:
        """x + weight (end - x)."""
        return self + weight * (end - self)

    def clamp(self: Any, min: Any = None, max: Any = None) -> Any:
        """`np.clip(x, min, max)`."""
        return np.clip(self, min, max)

    def clamp_min(self: Any, min: Any) -> Any:
        """`np.clip(x, min, None)`."""
        return self.clamp(min=min)

    def clamp_max(self: Any, max: Any) -> Any:
        """`np.clip(x, None, max)`."""
        return self.clamp(max=max)

    def rsqrt(self: Any) -> Any:
        """1 / sqrt(x)."""
        return 1 / np.sqrt(self)

    def norm(self: Any, p: Any = 2, dim: Any = None, keepdim: Any = False) -> Any:
        """The p-norm of all entries, or of the entries along axes."""
        p = {"fro": 2, "nuc": "nuc"}.get(p, p)
        x = self if dim is not None else self.reshape(-1)
        size = np.linalg.vector_norm(x, ord=p, axis=dim, keepdims=keepdim and dim is not None)
        return size.reshape((1,) * self.ndim) if keepdim and dim is None else size

    mul = multiply = method_of(np.multiply)
    div = divide = true_divide = method_of(np.true_divide)
    subtract = sub
    pow, fmod, remainder, maximum = _methods(np.power, np.fmod, np.remainder, np.maximum)
    minimum, vdot, cross, kron, hypot = _methods(np.minimum, np.vdot, np.cross, np.kron, np.hypot)
    fmax, fmin, copysign, float_power = _methods(np.fmax, np.fmin, np.copysign, np.float_power)
    logaddexp, logaddexp2, amax, amin = _methods(np.logaddexp, np.logaddexp2, np.amax, np.amin)
    nansum, nanmean, diff, inner = _methods(np.nansum, np.nanmean, np.diff, np.inner)
    inverse, det = _methods(np.linalg.inv, np.linalg.det)
    atan2 = arctan2 = method_of(np.arctan2)
    matmul = mm = bmm = mv = method_of(np.matmul)
    outer = ger = method_of(np.outer)

    # -- functions, entry by entry -----------------------------------------------------------------

    sign, reciprocal, square, sqrt, exp = _methods(np.sign, np.reciprocal, np.square, np.sqrt, np.exp)
    exp2, expm1, log, log2, log10, log1p = _methods(np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p)
    sin, cos, tan, sinh, cosh, tanh = _methods(np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh)
    arcsin, arccos, arctan = asin, acos, atan = _methods(np.arcsin, np.arccos, np.arctan)
    arcsinh, arccosh, arctanh = asinh, acosh, atanh = _methods(np.arcsinh, np.arccosh, np.arctanh)
    sinc, floor, ceil, trunc, nan_to_num = _methods(np.sinc, np.floor, np.ceil, np.trunc, np.nan_to_num)
    deg2rad, rad2deg, positive, angle = _methods(np.deg2rad, np.rad2deg, np.positive, np.angle)
    neg = negative = method_of(np.negative)
    abs = absolute = method_of(np.absolute)

    def frac(self: Any) -> Any:
        """The fractional part: x - trunc(x)."""
        return self - np.trunc(self)

    def logit(self: Any) -> Any:
        """log(x / (1 - x)), the inverse of the sigmoid."""
        return np.log(self) - np.log1p(-self)

    # -- comparisons -------------------------------------------------------------------------------

    eq, ne, lt, le, gt = _methods(np.equal, np.not_equal, np.less, np.less_equal, np.greater)
    ge, isnan, isinf, isfinite = _methods(np.greater_equal, np.isnan, np.isinf, np.isfinite)
    logical_and, logical_or, logical_xor = _methods(np.logical_and, np.logical_or, np.logical_xor)
    logical_not, allclose, isclose = _methods(np.logical_not, np.allclose, np.isclose)
    equal, bincount, count_nonzero = _methods(np.array_equal, np.bincount, np.count_nonzero)
    argwhere, isin = _methods(np.argwhere, np.isin)
    greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne

    # -- in place ----------------------------------------------------------------------------------

    def fill_(self: Any, value: Any) -> Any:
        """Set every entry to `value`."""
        self[...] = value
        return self

    def zero_(self: Any) -> Any:
        """Set every entry to 0."""
        return self.fill_(0)

    def copy_(self: Any, src: Any, non_blocking: Any = False) -> Any:
        """Assign the entries of `src`, broadcast to the shape of x."""
        return self.fill_(src)

    add_, sub_, mul_, div_, pow_, neg_, abs_ = _in_place("add", "sub", "mul", "div", "pow", "neg", "abs")
    exp_, sqrt_, clamp_, lerp_, addcmul_ = _in_place("exp", "sqrt", "clamp", "lerp", "addcmul")
    addcdiv_, sigmoid_, tanh_, relu_, square_ = _in_place("addcdiv", "sigmoid", "tanh", "relu", "square")
    log_, reciprocal_, floor_, round_, tril_ = _in_place("log", "reciprocal", "floor", "round", "tril")
    triu_, scatter_, scatter_add_, masked_fill_ = _in_place("triu", "scatter", "scatter_add", "masked_fill")
    clip_ = clamp_


def _places(dim: int, index: Any) -> tuple[Any, ...]:
    """The full index of entries at `index` along one axis, and at their own positions along the others."""
    places: list[Any] = list(np.ogrid[tuple(map(slice, index.shape))])
    places[dim] = index
    return tuple(places)
