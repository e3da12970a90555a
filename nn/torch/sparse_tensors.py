"""Sparse matrices: the entries that are not 0, their indices, and products with gradients.

The values are a Tensor on the tape, and the indices are an array. Products use SciPy's CSR
matrices where SciPy is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Device, Tensor
from autograd_lite.errors import DataError, ShapeError, UnsupportedError

from ..arrays import as_array

__all__ = ["SparseTensor", "checked", "to_sparse"]

Array = npt.NDArray[Any]

# -- ops -------------------------------------------------------------------------------------------


@ag.primitive
def product(values: Any, dense: Any, rows: Array, columns: Array, height: int) -> Any:
    """The product of a sparse and a dense matrix: y[rows[k]] += values[k] dense[columns[k]] for each k.

    Args:
        values: the entries, of shape (k).
        dense: the other matrix, of shape (n, m).
        rows, columns: the indices of the entries.
        height: the number of rows of the sparse matrix.
    """
    dtype = np.result_type(values, dense)
    try:
        from scipy.sparse import csr_matrix
    except ImportError:  # the same numbers, but slower
        result = np.zeros((height, dense.shape[1]), dtype)
        np.add.at(result, rows, values[:, None] * dense[columns])
        return result
    wide = np.promote_types(dtype, np.float32) if dtype.kind == "f" else dtype
    matrix = csr_matrix((values.astype(wide), (rows, columns)), shape=(height, len(dense)))
    return np.asarray(matrix @ dense.astype(wide)).astype(dtype, copy=False)


ag.defvjp(
    product,
    lambda g, y, values, dense, rows, columns, height: (g[rows] * dense[columns]).sum(1),
    lambda g, y, values, dense, rows, columns, height: product(values, g, columns, rows, dense.shape[0]),
)


@ag.primitive
def scattered(values: Array, places: Array, size: int) -> Array:
    """A vector that holds at each place the sum of the values with this place, and 0 elsewhere."""
    if values.dtype.kind == "f":
        return np.bincount(places, values, minlength=size).astype(values.dtype)  # sums in float64
    result = np.zeros(size, values.dtype)
    np.add.at(result, places, values)
    return result


ag.defvjp(scattered, lambda g, y, values, places, size: g[places])


@ag.nondifferentiable
def constant(values: Any, array: Array) -> Any:
    """An array without a gradient, as a Tensor of the class of the values."""
    return array


# -- the matrix ------------------------------------------------------------------------------------


class SparseTensor:
    """A matrix, or an array of any number of axes, of which only some entries are stored.

    Args:
        indices: the index of each entry, of shape (axes, k); an index may occur several times, and then the
            entries add up.
        values: the entries, a Tensor of shape (k).
        shape: the shape of the whole.
        coalesced: the indices are sorted, and each occurs once.
        layout: "coo", or "csr" for a matrix whose rows are known by their first entries.

    Raises:
        ShapeError: indices and values do not fit.
        DataError: an index is outside of the shape.
    """

    is_sparse = True
    __array_ufunc__ = None  # arrays and Tensors leave their operators to this class

    def __init__(
        self, indices: Array, values: Any, shape: Sequence[int], coalesced: bool = False, layout: str = "coo"
    ) -> None:
        self._at, self._entries = np.asarray(indices, np.int64), values
        self.shape, self._sorted, self._layout = tuple(map(int, shape)), coalesced, layout
        if values.ndim != 1 or self._at.shape != (len(self.shape), len(values)):
            raise ShapeError(
                f"a sparse Tensor of shape {self.shape} needs indices of shape ({len(self.shape)}, k) and "
                f"values of shape (k,), got {self._at.shape} and {tuple(values.shape)}; entries are "
                "single numbers"
            )
        if self._at.size and ((self._at < 0).any() or (self._at.max(1) >= self.shape).any()):
            raise DataError(f"an index of the sparse Tensor is outside of its shape {self.shape}")

    # -- what it is made of ------------------------------------------------------------------------

    @property
    def dtype(self) -> Any:
        """The dtype of the values."""
        return self._entries.dtype

    @property
    def device(self) -> Device:
        """The CPU."""
        return Device()

    @property
    def layout(self) -> str:
        """`torch.sparse_coo` or `torch.sparse_csr`."""
        return f"torch.sparse_{self._layout}"

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    dim = sparse_dim = lambda self: self.ndim

    @property
    def requires_grad(self) -> bool:
        """Whether the values require a gradient."""
        return bool(self._entries.requires_grad)

    @property
    def grad(self) -> SparseTensor | None:
        """The gradient of the values, as a sparse Tensor with the same indices; None before `backward`."""
        g = self._entries.grad
        return None if g is None else self._with(g)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one axis."""
        return self.shape if dim is None else self.shape[dim]

    def _nnz(self) -> int:
        return len(self._entries)

    def is_coalesced(self) -> bool:
        """Whether the indices are sorted, and each occurs once."""
        return self._sorted

    def coalesce(self) -> SparseTensor:
        """The same Tensor with sorted indices, each once; values of one index are added up."""
        if self._sorted:
            return self
        places, back = np.unique(self._places(), return_inverse=True)
        values = scattered(self._entries, back.reshape(-1), len(places))
        indices = np.array(np.unravel_index(places, self.shape)).reshape(self.ndim, -1)
        return SparseTensor(indices, values, self.shape, True, self._layout)

    def indices(self) -> Any:
        """The indices, of shape (axes, k).

        Raises:
            DataError: the Tensor is not coalesced.
        """
        self._check_coalesced("indices")
        return self._indices()

    def values(self) -> Any:
        """The values, of shape (k), on the tape.

        Raises:
            DataError: the Tensor is not coalesced.
        """
        self._check_coalesced("values")
        return self._entries

    def _indices(self) -> Any:
        return constant(self._entries, self._at.copy())

    def _values(self) -> Any:
        return self._entries

    def crow_indices(self) -> Any:
        """For each row of a matrix, the number of entries in the rows before it; of shape (rows + 1)."""
        rows = np.bincount(self._at[0], minlength=self.shape[0])
        return constant(self._entries, np.concatenate([[0], np.cumsum(rows)]))

    def col_indices(self) -> Any:
        """The columns of the entries of a matrix, row by row."""
        return constant(self._entries, self.coalesce()._at[1].copy())

    # -- other kinds of the same -------------------------------------------------------------------

    def to_dense(self) -> Any:
        """The Tensor with all entries, on the tape."""
        size = int(np.prod(self.shape))
        return scattered(self._entries, self._places(), size).reshape(self.shape)

    def to_sparse(self, *args: Any) -> SparseTensor:
        """The Tensor in the layout "coo"."""
        return SparseTensor(self._at, self._entries, self.shape, self._sorted)

    to_sparse_coo = to_sparse

    def to_sparse_csr(self) -> SparseTensor:
        """A matrix in the layout "csr".

        Raises:
            ShapeError: the Tensor is no matrix.
        """
        checked("to_sparse_csr", self)
        whole = self.coalesce()
        return SparseTensor(whole._at, whole._entries, self.shape, True, "csr")

    def t(self) -> SparseTensor:
        """The transposed matrix."""
        return self.transpose(0, 1)

    T = property(t)

    def transpose(self, dim0: int, dim1: int) -> SparseTensor:
        """The Tensor with two axes swapped."""
        order = list(range(self.ndim))
        order[dim0], order[dim1] = order[dim1], order[dim0]
        return SparseTensor(self._at[order], self._entries, [self.shape[i] for i in order])

    def detach(self) -> SparseTensor:
        """The Tensor without its history."""
        return self._with(self._entries.detach())

    def clone(self) -> SparseTensor:
        """A copy, on the tape."""
        return self._with(self._entries.clone())

    def requires_grad_(self, requires_grad: bool = True) -> SparseTensor:
        """Let the values require a gradient, or not."""
        self._entries.requires_grad_(requires_grad)
        return self

    def to(self, *args: Any, **options: Any) -> SparseTensor:
        """The Tensor in another dtype; the device must be the CPU."""
        return self._with(self._entries.to(*args, **options))

    def float(self) -> SparseTensor:
        """The Tensor in float32."""
        return self._with(self._entries.float())

    def double(self) -> SparseTensor:
        """The Tensor in float64."""
        return self._with(self._entries.double())

    def cpu(self) -> SparseTensor:
        """The Tensor itself."""
        return self

    # -- arithmetic --------------------------------------------------------------------------------

    def __matmul__(self, other: Any) -> Any:
        checked("matmul", self)
        if isinstance(other, SparseTensor):
            return self._times(checked("matmul", other))
        x = other if isinstance(other, Tensor) else constant(self._entries, as_array(other))
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise ShapeError(
                f"matmul: a sparse matrix of shape {self.shape} cannot be multiplied with shape "
                f"{tuple(x.shape)}; the columns of the first must be as many as the rows of the second"
            )
        columns = x if x.ndim == 2 else x.reshape(-1, 1)
        y = product(self._entries, columns, self._at[0], self._at[1], self.shape[0])
        return y if x.ndim == 2 else y.reshape(-1)

    mm = mv = matmul = __matmul__

    def __rmatmul__(self, other: Any) -> Any:
        x = other if isinstance(other, Tensor) else constant(self._entries, as_array(other))
        y = checked("matmul", self).t() @ np.swapaxes(x, 0, -1)
        return np.swapaxes(y, 0, -1)

    def _times(self, other: SparseTensor) -> SparseTensor:
        """The product of two sparse matrices: one entry for each pair (i, k), (k, j), then added up."""
        if self.shape[1] != other.shape[0]:
            raise ShapeError(f"matmul: sparse matrices of shapes {self.shape} and {other.shape} do not fit")
        order = np.argsort(other._at[0], kind="stable")
        starts = np.searchsorted(other._at[0][order], np.arange(self.shape[1] + 1))
        counts = np.diff(starts)[self._at[1]]
        left = np.repeat(np.arange(self._nnz()), counts)
        within = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
        right = order[starts[self._at[1]][left] + within]
        values = self._entries[left] * other._entries[right]
        indices = np.array([self._at[0][left], other._at[1][right]])
        return SparseTensor(indices, values, (self.shape[0], other.shape[1])).coalesce()

    def __add__(self, other: Any) -> SparseTensor:
        if not isinstance(other, SparseTensor) or other.shape != self.shape:
            raise UnsupportedError(
                "a sparse Tensor is added to one of its shape; for dense ones, write x.to_dense()"
            )
        values = np.concatenate([self._entries, other._entries])
        return SparseTensor(np.concatenate([self._at, other._at], 1), values, self.shape).coalesce()

    add = __add__

    def __neg__(self) -> SparseTensor:
        return self._with(-self._entries)

    neg = __neg__

    def __sub__(self, other: SparseTensor) -> SparseTensor:
        return self + -other

    sub = __sub__

    def __mul__(self, other: Any) -> SparseTensor:
        """The product with a number, or entry by entry with a dense Tensor of the same shape."""
        if isinstance(other, SparseTensor):
            raise UnsupportedError("two sparse Tensors are not multiplied entry by entry; write x.to_dense()")
        if np.ndim(other):
            other = other[tuple(self._at)] if np.shape(other) == self.shape else _refused(self, other)
        return self._with(self._entries * other)

    __rmul__ = mul = __mul__

    def __truediv__(self, other: Any) -> SparseTensor:
        return self.__mul__(1 / other)

    div = __truediv__

    def sum(self, dim: int | None = None) -> Any:
        """The sum of all values; along one axis, a sparse Tensor with an axis less."""
        if dim is None:
            return self._entries.sum()
        rest = [i for i in range(self.ndim) if i != dim % self.ndim]
        shape = [self.shape[i] for i in rest]
        return SparseTensor(self._at[rest], self._entries, shape).coalesce()

    def _with(self, values: Any) -> SparseTensor:
        return SparseTensor(self._at, values, self.shape, self._sorted, self._layout)

    def _places(self) -> Array:
        """The place of each entry in the flat array with all entries."""
        return np.ravel_multi_index(tuple(self._at), self.shape) if self.ndim else np.zeros(self._nnz(), int)

    def _check_coalesced(self, what: str) -> None:
        if not self._sorted:
            raise DataError(
                f"{what}() of a sparse Tensor that is not coalesced: write x.coalesce().{what}(), or "
                f"x._{what}() for the entries as they were given"
            )

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return (
            f"tensor(indices={self._at.tolist()}, values={self._entries!r}, size={self.shape}, "
            f"nnz={self._nnz()}, layout={self.layout})"
        )


def _refused(sparse: SparseTensor, other: Any) -> Any:
    raise ShapeError(
        f"a sparse Tensor of shape {sparse.shape} is multiplied by a number or by a dense Tensor of its "
        f"shape, not by shape {np.shape(other)}"
    )


def checked(who: str, x: Any) -> SparseTensor:
    """A sparse matrix; anything else is refused.

    Raises:
        ShapeError: the argument is no sparse matrix.
    """
    if not isinstance(x, SparseTensor) or x.ndim != 2:
        raise ShapeError(f"{who}: expected a sparse matrix, got {type(x).__name__} of shape {np.shape(x)}")
    return x


def to_sparse(x: Any) -> SparseTensor:
    """The entries of a Tensor that are not 0, as a sparse Tensor; gradients flow back to the entries.

    Example:
        >>> import nn.torch as torch
        >>> print(to_sparse(torch.tensor([[0.0, 2.0], [3.0, 0.0]])).coalesce().indices().tolist())
        [[0, 1], [1, 0]]
    """
    places = np.nonzero(as_array(x.detach()))
    return SparseTensor(np.array(places).reshape(x.ndim, -1), x[places], x.shape, coalesced=True)
