"""The pattern rules: which inputs each entry of a result depends on, in a table by kinds of ops.

A rule gets the store of sets, the value of the result, and the arguments of the call. It gives the set of
each entry of the result, or an array of sets that broadcasts to it. An op that is entry by entry needs no
line here, nor does a composition. A fused kernel runs by its definition.

A rule may give too many inputs, never too few.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..apply import setitem
from ..batching.members import _over_members, _repeated, gathered, laid_out
from ..loops import looped
from ..node import Op
from ..ops.decompositions import eig, eigh, from_triangle, pinched, with_values
from ..ops.factors import others, pulled, running
from ..ops.indexing import scatter
from ..ops.linalg import cofactors, least_squares, pinv, slogdet
from ..ops.norms import direction, power_norm, slope
from ..ops.products import einsum, einsum_view
from ..ops.reductions import log_softmax, logsumexp, softmax
from ..ops.running import diff
from ..ops.shaping import concatenate, stack
from ..ops.singular import complement, pinched_singular, svd, with_singular_values
from ..ops.statistics import std, var
from ..ops.triangular import cholesky, qr
from ..segments import checkpointed
from ..sums import total
from .indexed import Indexed, arrays_in, dense, elementwise, holds_sets, ids_of, patterns, plain, through
from .store import Ids, Store

__all__: list[str] = []

Rule = Callable[..., Any]


def defpattern(*ops: Op | str, rule: Rule) -> None:
    """Register the pattern rule of ops; a name stands for a method of all ufuncs."""
    patterns.update(dict.fromkeys(ops, rule))


# -- kinds of rules --------------------------------------------------------------------------------


def moved(op: Any) -> Rule:
    """Entries are moved, copied or left out: the op moves their sets alike."""

    def rule(store: Store, value: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        return op(ids_of(x), *plain(args), **plain(kwargs))

    return rule


def joined(op: Any) -> Rule:
    """Arrays are put side by side."""

    def rule(store: Store, value: Any, *arrays: Any, axis: Any = 0, **cast: Any) -> Any:
        return op(*map(ids_of, arrays), axis=axis)

    return rule


def _axes(ids: Ids, axis: Any) -> list[int]:
    """The axes that an argument `axis` means, in order; all for None."""
    axes = range(ids.ndim) if axis is None else axis if isinstance(axis, (tuple, list, range)) else (axis,)
    return sorted({a % ids.ndim for a in axes}) if ids.ndim else []


def gathered_over(store: Store, ids: Ids, axis: Any) -> Ids:
    """The union along axes, which stay with size 1."""
    own = _axes(ids, axis)
    if not own:
        return ids
    rest = [i for i in range(ids.ndim) if i not in own]
    shape = [1 if i in own else ids.shape[i] for i in range(ids.ndim)]
    count, length = (math.prod(ids.shape[i] for i in axes) for axes in (rest, own))
    lanes = ids.transpose(*rest, *own).reshape(count, length)
    return store.over_last(lanes).reshape(shape)


def reduced(store: Store, value: Any, x: Any, axis: Any = None, front: int = 0) -> Any:
    """Each output depends on all entries along the axes; the result may have other axes in front."""
    ids = gathered_over(store, ids_of(x), axis)
    if np.ndim(value) - front == ids.ndim:  # the axes are kept
        return ids
    return np.squeeze(ids, tuple(_axes(ids, axis)))


def reduction(store: Store, value: Any, x: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
    """`reduced`; an initial value, a mask or weights may depend on inputs too."""
    ids = reduced(store, value, x, axis)
    return store.either(ids, dense(store, value, args, kwargs)) if holds_sets((args, kwargs)) else ids


def along(default: Any) -> Rule:
    """Each entry depends on all entries along one axis."""

    def rule(store: Store, value: Any, x: Any, *args: Any, axis: Any = default, **kwargs: Any) -> Any:
        ids = gathered_over(store, ids_of(x), axis)
        return ids.ravel()[0] if axis is None else ids

    return rule


def along_second(store: Store, value: Any, x: Any, axis: Any = -1, *args: Any, **kwargs: Any) -> Any:
    """`along`, with the axis behind the array."""
    return along(-1)(store, value, x, axis=axis)


PREFIXES = 1 << 22
"""So many pairs of an output and an input a running sum may list; longer ones are dense along their axis."""


def accumulated(store: Store, value: Any, x: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Each entry depends on those before it along an axis."""
    ids = ids_of(x)
    if axis is None or not ids.ndim:
        ids, axis = ids.ravel(), 0
    lanes = np.moveaxis(ids, axis, -1)
    n = lanes.shape[-1]
    if n * ids.size > PREFIXES:
        return gathered_over(store, ids, axis)
    earlier = np.where(np.tri(n, dtype=bool), lanes[..., None, :], 0)
    return np.moveaxis(store.over_last(earlier), -1, axis)


def matrices(store: Store, value: Any, *args: Any, **kwargs: Any) -> Any:
    """Each entry of a result depends on all entries of the matrices of its batch."""
    parts = [ids_of(x) for x in arrays_in((args, kwargs))]
    if any(ids.ndim < 2 for ids in parts):
        return dense(store, value, *args, **kwargs)
    ids: Any = np.int64(0)
    for part in parts:
        ids = store.either(ids, gathered_over(store, part, (-2, -1)))
    outs = value if isinstance(value, tuple) else (value,)
    if ids.size == 1:
        return ids.ravel()[0]
    batch = ids.shape[:-2]
    if any(np.shape(y)[: len(batch)] != batch for y in outs):
        return dense(store, value, *args, **kwargs)
    each = [ids.reshape(*batch, *[1] * (np.ndim(y) - len(batch))) for y in outs]
    return each if isinstance(value, tuple) else each[0]


# -- entry by entry, though no ufunc -------------------------------------------------------------

defpattern(np.nan_to_num, np.real_if_close, np.select, np.choose, np.where, np.clip, rule=elementwise)

# -- shape -----------------------------------------------------------------------------------------

for _op in (
    *(np.reshape, np.ravel, np.transpose, np.squeeze, np.expand_dims, np.swapaxes, np.moveaxis, np.flip),
    *(np.roll, np.matrix_transpose, np.broadcast_to, np.tril, np.triu, np.take, np.take_along_axis),
):
    defpattern(_op, rule=moved(_op))
defpattern(concatenate, rule=joined(lambda *ids, axis: np.concatenate(ids, axis=axis)))
defpattern(stack, rule=joined(lambda *ids, axis: np.stack(ids, axis=axis)))
defpattern(np.zeros_like, np.ones_like, np.empty_like, rule=lambda store, value, *args, **kwargs: np.int64(0))
defpattern(gathered, laid_out, _over_members, _repeated, checkpointed, looped, rule=through)

# -- indexing --------------------------------------------------------------------------------------


def _getitem(store: Store, value: Any, x: Any, index: Any) -> Any:
    """An entry that ranks choose depends on what was ranked."""
    ids: Ids = np.asarray(ids_of(x)[plain(index)])
    if not holds_sets(index):
        return ids
    return store.either(ids, _chosen(store, index, np.shape(x)))


def _chosen(store: Store, index: Any, shape: tuple[int, ...]) -> Ids:
    """The sets of the ranks in an index, at the entries that they choose."""
    parts = index if isinstance(index, tuple) else (index,)
    own: Any = np.int64(0)
    for part in parts:
        if isinstance(part, Indexed):
            own = store.either(own, part._ids)
    if all(isinstance(part, (Indexed, np.ndarray)) for part in parts):
        chosen = np.broadcast_to(0, shape)[plain(index)].shape
        if own.ndim <= len(chosen) and len(parts) == len(shape):
            return np.broadcast_to(own, chosen)
    return dense(store, None, index)  # type: ignore[no-any-return]


def _setitem(store: Store, value: Any, x: Any, new: Any, index: Any) -> Any:
    ids = np.array(ids_of(x))
    ids[plain(index)] = ids_of(new)
    return store.either(ids, dense(store, value, index)) if holds_sets(index) else ids


def _put_along_axis(store: Store, value: Any, x: Any, index: Any, new: Any, axis: Any) -> Any:
    """Every entry depends on all that may have been written along the axis."""
    if axis is None:
        return dense(store, value, x, index, new)
    parts = [gathered_over(store, ids_of(part), axis) for part in (x, index, new)]
    return store.either(store.either(*parts[:2]), parts[2])


def _scatter(store: Store, value: Any, g: Any, index: Any, shape: Any) -> Any:
    """An entry that is named twice depends on both."""
    size = math.prod(shape)
    groups = np.arange(size).reshape(shape)[plain(index)]
    ids = np.broadcast_to(ids_of(g), np.shape(groups))
    return store.join(np.ravel(groups), ids.ravel(), size).reshape(shape)


defpattern(operator.getitem, rule=_getitem)
defpattern(setitem, rule=_setitem)
defpattern(np.put_along_axis, rule=_put_along_axis)
defpattern(scatter, rule=_scatter)

# -- reductions ------------------------------------------------------------------------------------

defpattern(
    *(np.sum, np.prod, np.mean, np.max, np.min, np.amax, np.amin, np.median, total, logsumexp, var, std),
    *(np.nanmax, np.nanmin, np.nanmedian),
    rule=reduction,
)
defpattern(
    "reduce", rule=lambda store, value, x, axis=0, *args, **o: reduction(store, value, x, axis, *args, **o)
)
defpattern(
    *(np.quantile, np.percentile, np.nanquantile, np.nanpercentile),
    rule=lambda store, value, x, q, axis=None, *args, **kwargs: reduced(store, value, x, axis, np.ndim(q)),
)
defpattern(np.argmax, np.argmin, np.nanargmax, np.nanargmin, rule=reduction)
defpattern(softmax, log_softmax, rule=along_second)
defpattern(
    power_norm,
    direction,
    slope,
    rule=lambda store, value, x, *, axis, **kwargs: reduced(store, value, x, axis),
)

# -- along an axis ---------------------------------------------------------------------------------

defpattern(np.cumsum, np.cumprod, rule=accumulated)
defpattern("accumulate", rule=lambda store, value, x, axis=0, *args: accumulated(store, value, x, axis))
defpattern(np.sort, np.argsort, np.partition, np.unwrap, rule=along(-1))
defpattern(
    np.argpartition,
    rule=lambda store, value, x, kth, axis=-1, *args, **o: along_second(store, value, x, axis),
)
defpattern(
    np.fft.fft,
    np.fft.ifft,
    np.fft.rfft,
    np.fft.irfft,
    rule=lambda store, value, x, n=None, axis=-1, norm=None: along(-1)(store, value, x, axis=axis),
)


def _fftn(store: Store, value: Any, x: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """By default over all axes, or over the last ones that have a size."""
    if axes is None and s is not None:
        axes = range(-len(s), 0)
    return gathered_over(store, ids_of(x), axes)


defpattern(np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn, rule=_fftn)


def _diff(store: Store, value: Any, x: Any, n: int = 1, axis: int = -1) -> Any:
    ids = np.moveaxis(ids_of(x), axis, -1)
    for _ in range(n):
        ids = store.either(ids[..., 1:], ids[..., :-1])
    return np.moveaxis(ids, -1, axis)


defpattern(diff, rule=_diff)


def _linspace(
    store: Store, value: Any, start: Any, stop: Any, *args: Any, axis: int = 0, **kwargs: Any
) -> Any:
    ids = store.either(ids_of(start), ids_of(stop))
    return np.expand_dims(ids, axis)


defpattern(np.linspace, np.geomspace, rule=_linspace)

# -- products --------------------------------------------------------------------------------------


def _matmul(store: Store, value: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    """Rows of a with columns of b; the zeros of a constant matrix leave entries out."""
    rows, columns = ids_of(a), ids_of(b)
    if rows.ndim == 1:
        rows = rows[None]
    if columns.ndim == 1:
        columns = columns[:, None]
    if not isinstance(b, Indexed) and b.ndim == 2:
        ids = _selected(store, b.T, rows)
    elif not isinstance(a, Indexed) and a.ndim == 2:
        ids = np.swapaxes(_selected(store, a, np.swapaxes(columns, -1, -2)), -1, -2)
    else:
        ids = store.either(gathered_over(store, rows, -1), gathered_over(store, columns, -2))
    if a.ndim == 1:
        ids = ids[..., 0, :]
    return ids[..., 0] if b.ndim == 1 else ids


def _selected(store: Store, matrix: Any, lanes: Ids) -> Ids:
    """The union of the sets (..., k) at the nonzeros of each row of a constant (m, k): sets (..., m)."""
    m, (i, k) = len(matrix), np.nonzero(matrix)
    count = math.prod(lanes.shape[:-1])
    groups = (np.arange(count)[:, None] * m + i).ravel()
    return store.join(groups, lanes[..., k].ravel(), count * m).reshape(*lanes.shape[:-1], m)


def _einsum(store: Store, value: Any, subscripts: str, *arrays: Any, optimize: Any = False) -> Any:
    """Each operand over its letters that the result has not."""
    inputs, out = subscripts.split("->")
    ids: Any = np.int64(0)
    for letters, x in zip(inputs.split(","), arrays, strict=True):
        if isinstance(x, Indexed):
            own = "".join(sorted(set(letters), key=lambda c: out.find(c)))  # those to be summed come first
            part = np.einsum(f"{letters}->{own}", ids_of(x))
            summed = sum(c not in out for c in own)
            part = gathered_over(store, part, range(summed)).reshape(part.shape[summed:])
            kept = own[summed:]
            shape = [part.shape[kept.index(c)] if c in kept else 1 for c in out]
            ids = store.either(ids, part.reshape(shape))
    return ids


def _convolve(store: Store, value: Any, a: Any, v: Any, mode: str = "full") -> Any:
    """Each output depends on a window of each operand."""
    a_ids, v_ids = np.atleast_1d(ids_of(a)), np.atleast_1d(ids_of(v))
    if len(v_ids) > len(a_ids):
        a_ids, v_ids = v_ids, a_ids
    n, m = len(a_ids), len(v_ids)
    windows = np.lib.stride_tricks.sliding_window_view
    full = store.either(
        store.over_last(windows(np.pad(a_ids, m - 1), m)), store.over_last(windows(np.pad(v_ids, n - 1), n))
    )
    start = {"full": 0, "same": (m - 1) // 2, "valid": m - 1}[mode]
    return full[start : start + len(value)]


defpattern(np.matmul, rule=_matmul)
defpattern(einsum, rule=_einsum)
defpattern(einsum_view, rule=lambda store, value, x, subscripts: np.einsum(subscripts, ids_of(x)))
defpattern(np.convolve, rule=_convolve)

# -- linear algebra: dense in each matrix ------------------------------------------------------------

defpattern(
    *(np.linalg.inv, np.linalg.det, np.linalg.pinv, np.linalg.cond, np.linalg.eigh, np.linalg.eigvalsh),
    *(np.linalg.svd, np.linalg.svdvals, np.linalg.qr, np.linalg.cholesky),
    *(pinv, cofactors, slogdet, from_triangle, cholesky, qr, eig, eigh, svd, complement),
    rule=matrices,
)
defpattern(np.linalg.solve, least_squares, np.roots, others, running, pulled, rule=dense)
defpattern(with_values, pinched, with_singular_values, pinched_singular, rule=dense)
