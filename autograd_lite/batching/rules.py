"""The batching rules: each op on the array with the batch axis, in a table by kinds of ops.

A rule gets the map, the op, and the arguments of the call, and gives arrays whose first axis is the batch.
What it cannot compute is `NotImplemented`: then the op is called for each member.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..apply import apply, setitem
from ..arrays import is_array, shape_of
from ..box import wrap
from ..errors import BatchError
from ..known import defbatch
from ..ops.indexing import scatter
from ..ops.reductions import log_softmax, logsumexp, softmax
from ..recording import no_grad
from ..sums import total
from .batched import Batched, Level
from .places import added_in, put_in, read, scattered, stored_as

__all__: list[str] = []

Rule = Callable[..., Any]

# -- kinds of rules --------------------------------------------------------------------------------


def varies(level: Level, value: Any) -> bool:
    """Whether a value, or something in it, differs between the members."""
    if value.__class__ in PLAIN:
        return False
    if value.__class__ is Batched:
        return value._level is level
    if isinstance(value, (tuple, list)):
        return any(varies(level, item) for item in value)
    return isinstance(value, dict) and any(varies(level, item) for item in value.values())


PLAIN = frozenset({np.ndarray, int, float, bool, type(None), str, slice})
"""The commonest arguments that no batch is in."""


def first(change: Rule) -> Rule:
    """For an op of one array: `change(op, a, *args, **kwargs)` computes with the batch axis."""

    def rule(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
        if not args or not level.holds(args[0]) or varies(level, (args[1:], kwargs)):
            return NotImplemented
        return change(op, args[0]._array, *args[1:], **kwargs)

    return rule


def widened(level: Level, x: Any, ndim: int) -> Any:
    """The array of a batch, with axes of size 1 behind the batch axis, up to `ndim` axes of each member."""
    if x.__class__ is not Batched or x._level is not level:
        return x
    array, missing = x._array, ndim - x.ndim
    return np.reshape(array, (level.size, *[1] * missing, *array.shape[1:])) if missing > 0 else array


def elementwise(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """Entry by entry: axes of size 1 go behind the batch axis, so that NumPy broadcasts as for one member."""
    if getattr(op, "signature", None) is not None:
        return NotImplemented
    if not kwargs and NUMBERS.issuperset(map(type, args)):  # written out, for it is the commonest
        ndim = max([x.ndim if x.__class__ is Batched else np.ndim(x) for x in args])
        return op(*[widened(level, x, ndim) for x in args])
    several = (list, tuple)
    ndim = max(
        len(shape_of(x))
        for arg in (*args, *kwargs.values())
        for x in (arg if isinstance(arg, several) and varies(level, arg) else [arg])
        if isinstance(x, (bool, int, float, complex, list, tuple)) or is_array(x)
    )

    def own(x: Any) -> Any:
        if isinstance(x, several) and varies(level, x):
            return [own(item) for item in x]
        return widened(level, x, ndim)

    return op(*map(own, args), **{key: own(value) for key, value in kwargs.items()})


NUMBERS = frozenset({Batched, np.ndarray, float, int, np.float64, np.float32})
"""The classes of most operands."""


def behind(axis: Any) -> Any:
    """An axis of a member, or several, as an axis of the array with the batch axis."""
    if isinstance(axis, (tuple, list, range)):
        return tuple(map(behind, axis))
    return axis if axis is None or axis < 0 else axis + 1


def lanes(a: Any) -> Any:
    """Each member as one row."""
    return np.reshape(a, (len(a), math.prod(a.shape[1:])))


# -- entry by entry --------------------------------------------------------------------------------

defbatch(np.ufunc, rule=elementwise)
defbatch(
    *(np.where, np.clip, np.nan_to_num, np.real, np.imag, np.angle, np.sinc, np.i0, np.isclose, np.round),
    *(np.around, np.fix, np.isneginf, np.isposinf, np.iscomplex, np.isreal),
    rule=elementwise,
)
defbatch(np.copy, rule=first(lambda op, a, order="K", subok=False: np.copy(a, order)))
defbatch(np.real_if_close, rule=first(lambda op, a, tol=100: op(a, tol)))


@defbatch(np.choose)
def _choose(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    return elementwise(level, op, (args[0], list(args[1])), kwargs)


@defbatch(np.select)
def _select(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """The conditions from the last to the first, as `np.where`."""

    def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
        kinds = [x.dtype if hasattr(x, "dtype") else x for x in (*choicelist, default)]
        result = default
        for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
            result = np.where(condition, choice, result)
        return result.astype(np.result_type(*kinds))

    return level.full(select(*args, **kwargs))


# -- reductions ------------------------------------------------------------------------------------


def _every(a: Any, axis: Any) -> Any:
    """The axes of a reduction; None is for all but the batch axis."""
    if a.ndim == 1:
        return ()  # single numbers, which NumPy takes an axis of
    return tuple(range(1, a.ndim)) if axis is None else behind(axis)


reduction = first(lambda op, a, axis=None, *args, **kwargs: op(a, _every(a, axis), *args, **kwargs))
defbatch(
    *(np.sum, np.prod, np.max, np.min, np.amax, np.amin, np.mean, np.var, np.std, np.any, np.all, np.ptp),
    *(np.median, np.count_nonzero, total),
    *(np.nansum, np.nanprod, np.nanmax, np.nanmin, np.nanmean, np.nanvar, np.nanstd, np.nanmedian),
    rule=reduction,
)
defbatch(logsumexp, rule=reduction)


def _normalized(op: Any, a: Any, axis: Any = -1) -> Any:
    return op(a, _every(a, axis))


defbatch(softmax, log_softmax, rule=first(_normalized))


def _quantile(
    op: Any, a: Any, q: Any, axis: Any = None, *args: Any, weights: Any = None, **kwargs: Any
) -> Any:
    if a.ndim == 1:  # single numbers: NumPy takes an axis of them
        a, axis, kwargs = a[:, None], 0, {**kwargs, "keepdims": False}
    if weights is not None:
        kwargs["weights"] = np.broadcast_to(weights, a.shape) if weights.shape == a.shape[1:] else weights
    return np.moveaxis(op(a, q, _every(a, axis), *args, **kwargs), np.ndim(q), 0)


defbatch(np.quantile, np.percentile, np.nanquantile, np.nanpercentile, rule=first(_quantile))


def _place(op: Any, a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    if axis is not None and a.ndim > 1:
        return op(a, behind(axis), keepdims=keepdims)
    places = op(lanes(a), 1)
    return np.reshape(places, (len(a), *[1] * (a.ndim - 1))) if keepdims else places


defbatch(np.argmax, np.argmin, np.nanargmax, np.nanargmin, rule=first(_place))


@defbatch("reduce")
def _reduce(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    def reduced(op: Any, a: Any, axis: Any = 0, *args: Any, **kwargs: Any) -> Any:
        return op(a, _every(a, axis), *args, **kwargs)

    return first(reduced)(level, op, args, kwargs)


# -- along an axis ---------------------------------------------------------------------------------


def along(default: Any) -> Rule:
    """For an op along one axis; None is for all entries of a member in a row."""

    def change(op: Any, a: Any, *args: Any, axis: Any = default, **kwargs: Any) -> Any:
        if axis is None or a.ndim == 1:
            a, axis = lanes(a), 0
        return op(a, *args, axis=behind(axis), **kwargs)

    return change


def _axis_second(op: Any, a: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
    return along(None)(op, a, *args, axis=axis, **kwargs)


def _sorted(op: Any, a: Any, axis: Any = -1, kind: Any = None, order: Any = None, **kwargs: Any) -> Any:
    return along(-1)(op, a, axis=axis, kind=kind, **kwargs)


def _parted(op: Any, a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect") -> Any:
    return along(-1)(op, a, kth, axis=axis, kind=kind)


defbatch(np.cumsum, np.cumprod, np.nancumsum, np.nancumprod, rule=first(_axis_second))
defbatch(np.sort, np.argsort, rule=first(_sorted))
defbatch(np.partition, np.argpartition, rule=first(_parted))
defbatch(np.unwrap, rule=first(lambda op, p, discont=None, axis=-1, **o: op(p, discont, behind(axis), **o)))
defbatch(np.sort_complex, rule=first(lambda op, a: op(a)))
defbatch("accumulate", rule=first(lambda op, a, axis=0, *args: op(a, behind(axis), *args)))


@defbatch(np.lexsort)
def _lexsort(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    def ranked(keys: Any, axis: int = -1) -> Any:
        return np.lexsort(tuple([level.full(key) for key in keys]), axis=behind(axis))

    return ranked(*args, **kwargs)


def _diff(op: Any, a: Any, n: int = 1, axis: int = -1) -> Any:
    return op(a, n, behind(axis))


defbatch(np.diff, rule=first(_diff))

# -- Fourier transforms ----------------------------------------------------------------------------


def _fft(op: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return op(a, n, behind(axis), norm)


def _fftn(op: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """By default over all axes of a member, or over the last ones that have a size."""
    if axes is None:
        axes = range(1 - a.ndim if s is None else -len(s), 0)
    return op(a, s, behind(tuple(axes)), norm)


defbatch(np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft, rule=first(_fft))
defbatch(np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn, rule=first(_fftn))

# -- shape -----------------------------------------------------------------------------------------


def _reshape(
    op: Any, a: Any, shape: Any = None, order: str = "C", newshape: Any = None, **kwargs: Any
) -> Any:
    """The order "A", that of a member in memory, is "C": it is the batch that lies there."""
    shape = newshape if shape is None else shape
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if order in "CA":
        if -1 in shape:  # of no member, NumPy could not tell it
            known = math.prod(n for n in shape if n != -1)
            shape = tuple(math.prod(a.shape[1:]) // known if n == -1 and known else n for n in shape)
        return np.reshape(a, (len(a), *shape))
    turned = np.reshape(np.moveaxis(a, 0, -1), (*shape, len(a)), order="F")  # the batch is the slowest axis
    return np.moveaxis(turned, -1, 0)


def _ravel(op: Any, a: Any, order: str = "C") -> Any:
    return lanes(np.transpose(a, (0, *range(a.ndim - 1, 0, -1))) if order == "F" else a)


def _transpose(op: Any, a: Any, axes: Any = None) -> Any:
    if axes is None:
        return np.transpose(a, (0, *range(a.ndim - 1, 0, -1)))
    return np.transpose(a, (0, *(axis % (a.ndim - 1) + 1 for axis in axes)))


def _squeeze(op: Any, a: Any, axis: Any = None) -> Any:
    if axis is None:
        axis = tuple(i for i in range(a.ndim - 1) if a.shape[i + 1] == 1)
    return np.squeeze(a, behind(axis))


def _roll(op: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.reshape(np.roll(lanes(a), shift, 1), a.shape)
    return np.roll(a, shift, behind(axis))


def _flip(op: Any, a: Any, axis: Any = None) -> Any:
    return np.flip(a, tuple(range(1, a.ndim)) if axis is None else behind(axis))


defbatch(np.reshape, rule=first(_reshape))
defbatch(np.ravel, rule=first(_ravel))
defbatch(np.transpose, rule=first(_transpose))
defbatch(np.squeeze, rule=first(_squeeze))
defbatch(np.roll, rule=first(_roll))
defbatch(np.flip, rule=first(_flip))
defbatch(np.matrix_transpose, rule=first(lambda op, a: np.swapaxes(a, -1, -2)))
defbatch(np.swapaxes, rule=first(lambda op, a, axis1, axis2: np.swapaxes(a, behind(axis1), behind(axis2))))
defbatch(
    np.moveaxis, rule=first(lambda op, a, source, destination: op(a, behind(source), behind(destination)))
)
defbatch(np.expand_dims, rule=first(lambda op, a, axis: np.expand_dims(a, behind(axis))))


@defbatch(np.broadcast_to)
def _broadcast_to(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    def broadcast(array: Any, shape: Any, subok: bool = False) -> Any:
        shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        return np.broadcast_to(widened(level, array, len(shape)), (level.size, *shape))

    return broadcast(*args, **kwargs)


@defbatch(np.concatenate)
def _concatenate(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    def joined(arrays: Any, axis: Any = 0, **cast: Any) -> Any:
        bodies = [level.full(a) for a in arrays]
        if axis is None:
            bodies, axis = [lanes(a) for a in bodies], 0
        return np.concatenate(bodies, axis=behind(axis), **cast)

    return joined(*args, **kwargs)


@defbatch(np.stack)
def _stack(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    def side_by_side(arrays: Any, axis: int = 0, **cast: Any) -> Any:
        return np.stack([level.full(a) for a in arrays], axis=behind(axis), **cast)

    return side_by_side(*args, **kwargs)


def _triangle(op: Any, a: Any, k: int = 0) -> Any:
    return op(a, k) if a.ndim > 2 else NotImplemented  # of a vector it makes a matrix


defbatch(np.tril, np.triu, rule=first(_triangle))

# -- new arrays ------------------------------------------------------------------------------------


def _made_like(
    op: Any, a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **o: Any
) -> Any:
    if shape is None:
        return op(a, dtype)
    return op(a, dtype, shape=(len(a), *((shape,) if isinstance(shape, int) else shape)))


defbatch(np.zeros_like, np.ones_like, np.empty_like, rule=first(_made_like))

# -- indexing --------------------------------------------------------------------------------------


@defbatch(operator.getitem)
def _getitem(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    return read(level, args)


@defbatch(setitem)
def _setitem(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    x, value, index = args
    result = stored_as(level, x, value)
    put_in(level, result, index, value)
    return result._array


@defbatch(scatter)
def _scatter(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    g, index, shape = args
    places, g = scattered(level, level.make(level.full(g)), index, shape)
    return scatter(g, places, (level.size, *shape))


@defbatch(np.put, np.put_along_axis, np.place, np.putmask, np.copyto, np.fill_diagonal)
def _written(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    """Functions that fill their first argument: it takes what they make of a Tensor."""
    target, *rest = args
    if not level.holds(target):
        raise BatchError(
            f"np.{op.__name__}: an array that all members share cannot hold what differs between them; "
            f"make it a Tensor first: a = ag.Tensor(a); np.{op.__name__}(a, ...)"
        )
    filled = wrap(target)
    with no_grad():
        apply(op, filled, *rest, **kwargs)
    put_in(level, target, ..., filled._data)
    return None


@defbatch("at")
def _at(level: Level, op: Any, args: Any, kwargs: Any) -> Any:
    if op.ufunc is not np.add or not level.holds(args[0]):
        raise BatchError(
            f"np.{op.__name__} inside of vmap writes into what is no batch; add with np.add.at to an "
            "array that was made of one: np.zeros_like(x)"
        )
    added_in(level, *args)
    return None
