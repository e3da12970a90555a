"""Attention: softmax(scale q k^T + mask) v, in blocks of scores that stay in the cache.

The products are those of BLAS, and the softmax works on the block between them. Few weights are kept for the
backward pass. Many weights are computed again, block by block. So no array has as many entries as there are
pairs of a query and a key. The threads share the sequences.

Shapes: q (..., L, E), k (..., S, E), v (..., S, V), mask (..., L, S); the first axes are those of heads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .rows import softmax, softmax_backward
from .threads import in_parallel, thread_count
from .windows import Array

__all__ = [
    "attention",
    "attention_backward",
    "attention_work",
    "self_attention",
    "self_attention_backward",
    "self_attention_work",
]

BLOCK = 1 << 17
"""The scores in a block: in float32 half a megabyte, and the backward pass has two such arrays."""

KEPT = 1 << 18
"""Up to this number of scores in all, the weights are kept for the backward pass."""

ROWS = 64
"""The fewest queries in a block, so that the products are no thin ones."""

SMALL = 1 << 20
"""Up to this number of multiply-adds in a product, a second thread does not pay."""


@dataclass(frozen=True, eq=False)
class _Heads:
    """The operands, with one leading axis: that of the sequences, each of one head."""

    q: Array
    """Times the scale."""
    k: Array
    v: Array
    masks: Array | None
    """The masks that differ, of shape (n, L or 1, S or 1)."""
    which: Array
    """The mask of each sequence."""
    causal: bool
    kept: Array | None
    """The weights of all sequences, if they are few or the caller wants them."""
    scale: float
    lead: tuple[int, ...]

    @property
    def length(self) -> int:
        """The queries in a block."""
        L, S = int(self.q.shape[1]), max(int(self.k.shape[1]), 1)
        return L if self.kept is not None or L * S <= BLOCK else max(ROWS, BLOCK // S)

    def blocks(self, sequences: slice) -> Iterator[tuple[slice, slice, int]]:
        """Slices of sequences and of queries, and the number of keys that the queries see."""
        L, S, length = self.q.shape[1], self.k.shape[1], self.length
        step = max(1, BLOCK // max(1, length * S))
        for first in range(sequences.start, sequences.stop, step):
            for row in range(0, L, max(length, 1)):
                end = min(row + length, L)
                seen = min(end, S) if self.causal and length < L else S
                yield slice(first, min(first + step, sequences.stop)), slice(row, end), seen

    def room(self) -> Callable[[Array, Array], Array]:
        """A function that multiplies a block, a b^T, and writes all its results to one place in memory.

        Pages that the system has just handed out cost more time than the product.
        """
        memory = np.empty(0, self.q.dtype)

        def product(a: Array, b: Array) -> Array:
            nonlocal memory
            shape = *a.shape[:2], b.shape[1]
            size = math.prod(shape)
            memory = memory if memory.size >= size else np.empty(size, memory.dtype)
            return np.matmul(a, b.swapaxes(1, 2), out=memory[:size].reshape(shape))

        return product

    def weights(self, some: slice, rows: slice, seen: int, product: Callable[[Array, Array], Array]) -> Array:
        """The softmax of a block of scores."""
        q, k = self.q[some, rows], self.k[some, :seen]
        p = product(q, k) if self.kept is None else np.matmul(q, k.swapaxes(1, 2), out=self.kept[some])
        if self.masks is not None:
            mask = self.masks if len(self.masks) == 1 else self.masks[self.which[some]]
            mask = mask[:, rows if mask.shape[1] > 1 else slice(None)]
            mask = mask[:, :, :seen] if mask.shape[2] > 1 else mask
            if mask.dtype == bool:
                np.copyto(p, -np.inf, where=~mask)
            else:
                p += mask
        empty = math.nan if self.masks is None else 0.0
        return softmax(p, out=p, first=rows.start if self.causal else None, empty=empty, alone=True)

    def shared(self, work: Any) -> None:
        """Share the sequences among the threads, if it pays; `work` gets slices of sequences."""
        number, size = len(self.q), self.q.size * self.k.shape[1]
        count = min(thread_count(), number) if size > SMALL else 1
        ends = [number * i // count for i in range(count + 1)]
        parts = [slice(a, b) for a, b in pairwise(ends)]

        def each(some: Sequence[slice]) -> None:
            for part in some:
                work(part)

        in_parallel(each, parts)


def attention(
    q: Array, k: Array, v: Array, mask: Array | None, *, causal: bool, scale: float, weights: bool = False
) -> tuple[Any, Any]:
    """softmax(scale q k^T + mask) v, with `weights` also the softmax, and the residuals.

    A query that a mask lets see no key has the output 0.

    Args:
        q, k, v: of one dtype, with the same leading axes.
        mask: broadcasts to (..., L, S): True where a query sees a key, or numbers that are added.
        causal: let query i see only the keys 0 to i.
        scale: multiplies the scores.
        weights: return the weights, too.
    """
    *lead, L, _ = q.shape
    S = k.shape[-2]
    q, k, v = (x.reshape(math.prod(lead), *x.shape[-2:]) for x in (q, k, v))
    kept = np.empty((len(q), L, S), q.dtype) if weights or len(q) * L * S <= KEPT else None
    masks, which = _masks(mask, tuple(lead))
    heads = _Heads(q * scale, k, v, masks, which, causal, kept, scale, tuple(lead))
    y = np.empty((len(q), L, v.shape[-1]), q.dtype)

    def work(sequences: slice) -> None:
        product = heads.room()
        for some, rows, seen in heads.blocks(sequences):
            p = heads.weights(some, rows, seen, product)
            np.matmul(p, v[some, :seen], out=y[some, rows])

    heads.shared(work)
    y = y.reshape(*lead, *y.shape[1:])
    if weights and kept is not None:
        return (y, kept.reshape(*lead, L, S)), heads
    return y, heads


def attention_backward(g: Any, heads: _Heads, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """Cotangents of q, k and v. The mask has none."""
    q, k, v = heads.q, heads.k, heads.v
    g, of_weights = g if isinstance(g, tuple) else (g, None)
    g = g.reshape(*q.shape[:2], v.shape[-1])
    of_weights = None if of_weights is None else of_weights.reshape(*q.shape[:2], k.shape[1])
    once = heads.length == q.shape[1]
    dq, dk, dv = np.empty_like(q), *((np.empty_like if once else np.zeros_like)(x) for x in (k, v))

    def work(sequences: slice) -> None:
        again, product = heads.room(), heads.room()
        for some, rows, seen in heads.blocks(sequences):
            p = heads.weights(some, rows, seen, again) if heads.kept is None else heads.kept[some]
            at = some, slice(seen)
            _add(dv[at], p, g[some, rows], once)
            dp = product(g[some, rows], v[at])
            if of_weights is not None:
                dp += of_weights[some]
            ds = softmax_backward(dp, p, out=dp, alone=True)
            np.matmul(ds, k[at], out=dq[some, rows])
            _add(dk[at], ds, q[some, rows], once)

    heads.shared(work)
    dq *= heads.scale
    whole = [x.reshape(*heads.lead, *x.shape[1:]) for x in (dq, dk, dv)]
    return (*(x if need else None for x, need in zip(whole, needs, strict=False)), None)


def _add(place: Array, a: Array, b: Array, once: bool) -> None:
    """Add a^T b to a place, or write it there if nothing else is added."""
    if once:
        np.matmul(a.swapaxes(1, 2), b, out=place)
    else:
        place += np.matmul(a.swapaxes(1, 2), b)


def self_attention(qkv: Array, mask: Array | None, *, heads: int, **options: Any) -> tuple[Any, Any]:
    """The attention of several heads, joined along the last axis: (B, T, E) from (B, T, 3 E).

    Args:
        qkv: queries, keys and values side by side, each with the heads side by side.
        mask: broadcasts to (B, heads, T, T).
        heads: their number.
        options: those of `attention`.
    """
    B, T, size = qkv.shape
    q, k, v = qkv.reshape(B, T, 3, heads, size // (3 * heads)).transpose(2, 0, 3, 1, 4)
    y, residuals = attention(q, k, v, mask, **options)
    y, *weights = y if isinstance(y, tuple) else (y,)
    joined = y.swapaxes(1, 2).reshape(B, T, size // 3)
    return ((joined, *weights) if weights else joined), residuals


def self_attention_backward(g: Any, residuals: _Heads, needs: tuple[bool, ...]) -> tuple[Array | None, None]:
    """The cotangent of queries, keys and values side by side. The mask has none."""
    (B, heads), (_, T, D) = residuals.lead, residuals.q.shape
    g, *of_weights = g if isinstance(g, tuple) else (g,)
    g = g.reshape(B, T, heads, D).swapaxes(1, 2)
    *parts, _ = attention_backward(
        (g, *of_weights) if of_weights else g, residuals, (True, True, True, False)
    )
    joined = np.empty((B, T, 3, heads, D), residuals.q.dtype)
    for i, part in enumerate(parts):
        joined[:, :, i] = part.swapaxes(1, 2)  # type: ignore[union-attr]
    return joined.reshape(B, T, 3 * heads * D), None


def attention_work(y: Any, q: Array, k: Array, v: Array, mask: Any = None, **options: Any) -> int:
    """Multiply-adds: a product with E and one with V entries for each pair of a query and a key."""
    return int(math.prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1]))


def self_attention_work(y: Any, qkv: Array, mask: Any = None, **options: Any) -> int:
    """Multiply-adds, as in `attention_work`."""
    return int(2 * qkv.size // 3 * qkv.shape[1])


def _masks(mask: Array | None, lead: tuple[int, ...]) -> tuple[Array | None, Array]:
    """The masks that differ, of shape (n, L or 1, S or 1), and the number of the mask of each sequence."""
    if mask is None:
        return None, np.zeros(0, np.intp)
    full = mask.reshape((1,) * (len(lead) + 2 - mask.ndim) + mask.shape)
    own = full.shape[:-2]
    which = np.broadcast_to(np.arange(math.prod(own)).reshape(own), lead).reshape(-1)
    return full.reshape(math.prod(own), *full.shape[-2:]), which
