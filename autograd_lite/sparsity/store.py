"""All index sets of one trace, as the rows of one sparse matrix.

An entry of an array has the number of a row: its set of inputs. Entries with equal sets share a row, so a
dense step costs one row, and a step that moves entries moves numbers.

    row 0    the empty set
    row i    {i - 1}: the i-th input itself
    ...      unions, in the order of their making
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UnsupportedError

__all__ = ["Ids", "Store"]

Ids = npt.NDArray[np.int64]

MOST = 1 << 27
"""So many entries all sets may hold: half a gigabyte."""


class Store:
    """The index sets of one trace.

    Args:
        n: the number of inputs.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self._count, self._entries = n + 1, n
        self._starts = np.maximum(np.arange(-1, n + 1, dtype=np.int32), 0)
        self._indices = np.arange(n, dtype=np.int32)
        self.busy: set[Any] = set()  # the ops whose composition runs

    def sizes(self, ids: Ids) -> Ids:
        """The number of inputs in each set."""
        return self._starts[ids + 1] - self._starts[ids]

    def rows(self) -> Any:
        """The sets as a CSR matrix of booleans: sets by inputs."""
        from scipy import sparse

        ones = np.ones(self._entries, bool)
        parts = ones, self._indices[: self._entries], self._starts[: self._count + 1]
        return sparse.csr_matrix(parts, shape=(self._count, self.n), copy=False)

    def either(self, a: Any, b: Any) -> Ids:
        """The union of two sets for each entry, of arrays that broadcast."""
        a, b = np.broadcast_arrays(a, b)
        low, high = np.minimum(a, b), np.maximum(a, b)
        result = np.array(high)
        mixed = (low != 0) & (low != high)
        if mixed.any():
            pairs, back = np.unique(low[mixed] * self._count + high[mixed], return_inverse=True)
            both = np.stack(np.divmod(pairs, self._count), axis=-1)
            result[mixed] = self.over_last(both)[back]
        return result

    def over_last(self, ids: Any) -> Ids:
        """The union along the last axis."""
        count = math.prod(ids.shape[:-1])
        groups = np.repeat(np.arange(count), ids.shape[-1])
        return self.join(groups, ids.ravel(), count).reshape(ids.shape[:-1])

    def join(self, groups: Any, ids: Any, count: int) -> Ids:
        """The union of the sets of each group.

        Args:
            groups, ids: pairs of a group, from 0 to `count` - 1, and a set.
            count: how many groups there are.
        """
        filled = ids != 0
        result = np.zeros(count, np.int64)
        groups, ids = np.divmod(_distinct(groups[filled] * self._count + ids[filled]), self._count)
        result[groups] = ids  # right where the group has one set
        whole = self.sizes(ids) == self.n  # or one that holds all inputs
        result[groups[whole]] = ids[whole]
        several = np.bincount(groups, minlength=count) > 1
        several[groups[whole]] = False
        if several.any():
            keep = several[groups]
            result[several] = self._united(ids[keep], np.bincount(groups[keep], minlength=count)[several])
        return result

    def _united(self, ids: Ids, counts: Any) -> Ids:
        """New rows: unions of `counts` sets each, which stand behind one another in `ids`."""
        from scipy import sparse

        sizes = self.sizes(ids)
        self._require_room(int(sizes.sum()))
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        parts = np.ones(len(ids), bool), ids.astype(np.int32), starts
        unions = sparse.csr_matrix(parts, shape=(len(counts), self._count), copy=False) @ self.rows()
        made = np.diff(unions.indptr)
        largest = np.lexsort((sizes, np.repeat(np.arange(len(counts)), counts)))[starts[1:] - 1]
        new = made > sizes[largest]  # else the largest set holds the others
        result = ids[largest]
        result[new] = self._append(unions[new])
        return result

    def _append(self, rows: Any) -> Ids:
        first, entries = self._count, self._entries
        self._count, self._entries = first + rows.shape[0], entries + rows.nnz
        self._indices = _grown(self._indices, self._entries)
        self._indices[entries : self._entries] = rows.indices
        self._starts = _grown(self._starts, self._count + 1)
        self._starts[first + 1 : self._count + 1] = rows.indptr[1:] + entries
        return np.arange(first, self._count)

    def _require_room(self, more: int) -> None:
        if self._entries + more > MOST:
            raise UnsupportedError(
                f"sparse_jacobian: the index sets of {self.n} inputs would hold more than {MOST} entries, so "
                "the derivative is not sparse; write ag.jacobian(f), or ag.hvp and ag.vjp for products"
            )


def _distinct(keys: Ids) -> Ids:
    """`np.unique`, by sorting: for whole numbers this is several times as fast as NumPy's hashing."""
    keys = np.sort(keys)
    first = np.concatenate([np.ones(min(len(keys), 1), bool), keys[1:] != keys[:-1]])
    return keys[first]  # type: ignore[no-any-return]


def _grown(buffer: Any, size: int) -> Any:
    """A buffer with room for `size` entries; the room doubles."""
    if size <= len(buffer):
        return buffer
    grown = np.empty(2 * size, buffer.dtype)
    grown[: len(buffer)] = buffer
    return grown
