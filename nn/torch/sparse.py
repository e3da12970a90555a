"""Sparse matrices as graph networks use them: `torch.sparse`, and the functions that make them.

>>> import nn.torch as torch
>>> edges = torch.tensor([[0, 1, 1], [1, 0, 2]])
>>> weights = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> adjacency = sparse_coo_tensor(edges, weights, (3, 3))
>>> y = mm(adjacency, torch.eye(3))
>>> y.tolist()
[[0.0, 1.0, 0.0], [2.0, 0.0, 3.0], [0.0, 0.0, 0.0]]
>>> (y * y).sum().backward()
>>> weights.grad.tolist()
[2.0, 4.0, 6.0]
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from autograd_lite import Device, Tensor
from autograd_lite.errors import OptionError

from ..arrays import as_array
from .sparse_tensors import SparseTensor, checked, scattered, to_sparse
from .tensors import torched

__all__ = [
    "DoubleTensor",
    "FloatTensor",
    "SparseTensor",
    "addmm",
    "log_softmax",
    "mm",
    "softmax",
    "sparse_coo_tensor",
    "sparse_csr_tensor",
    "spmm",
    "sum",
    "to_sparse",
]


def _values(values: Any, dtype: Any, requires_grad: bool) -> Any:
    """The entries as a Tensor: one that is given stays on the tape, anything else is new."""
    if isinstance(values, Tensor):
        x = values if dtype is None else values.to(dtype)
    else:
        array = as_array(values)
        plain = array.dtype == np.float64 and not isinstance(values, np.ndarray)
        x = torched(array.astype(dtype or (np.float32 if plain else array.dtype)))
    return x.detach().clone().requires_grad_() if requires_grad else x


def sparse_coo_tensor(
    indices: Any,
    values: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> SparseTensor:
    """A sparse Tensor from the indices of its entries and their values.

    Args:
        indices: of shape (axes, k); an index may occur several times, and then the values add up.
        values: of shape (k). A Tensor on the tape receives its gradient. None with a size gives no entries.
        size: the shape; the smallest one that holds the indices by default.
        dtype: the dtype of the values.
        device: "cpu".
        requires_grad: the values are a new leaf.
        check_invariants: as in PyTorch; indices are always checked.
        is_coalesced: the indices are sorted, and each occurs once.

    Raises:
        ShapeError: indices and values do not fit.
        DataError: an index is outside of the shape.
    """
    Device(device or "cpu")
    if values is None:
        indices, values, size = np.zeros((len(indices), 0), np.int64), (), indices
    at = as_array(indices).astype(np.int64)
    at = at.reshape(1, -1) if at.ndim == 1 else at
    shape = tuple(at.max(1, initial=-1) + 1) if size is None else tuple(size)
    return SparseTensor(at, _values(values, dtype, requires_grad), shape, bool(is_coalesced))


def sparse_csr_tensor(
    crow_indices: Any,
    col_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> SparseTensor:
    """A sparse matrix from its entries, row by row.

    Args:
        crow_indices: the number of entries in the rows before each row, and in all, of shape (rows + 1).
        col_indices: the column of each entry, of shape (k).
        values: the entries, of shape (k).
        size: the shape; by default as many columns as the indices need.
        dtype, device, requires_grad, check_invariants: as in `sparse_coo_tensor`.

    Example:
        >>> sparse_csr_tensor([0, 1, 2], [1, 0], [5.0, 6.0]).to_dense().tolist()
        [[0.0, 5.0], [6.0, 0.0]]
    """
    Device(device or "cpu")
    counts, columns = np.diff(as_array(crow_indices)), as_array(col_indices)
    shape = (len(counts), int(columns.max(initial=-1)) + 1) if size is None else tuple(size)
    indices = np.array([np.repeat(np.arange(len(counts)), counts), columns])
    return SparseTensor(indices, _values(values, dtype, requires_grad), shape, layout="csr").to_sparse_csr()


def _typed(dtype: Any, indices: Any, values: Any, size: Any = None) -> SparseTensor:
    return sparse_coo_tensor(indices, values, size, dtype=dtype)


FloatTensor, DoubleTensor = partial(_typed, np.float32), partial(_typed, np.float64)


def mm(mat1: Any, mat2: Any) -> Any:
    """The product of two matrices, of which one is sparse; of two sparse ones, a sparse one."""
    return mat1 @ mat2


spmm = mm


def addmm(mat: Any, mat1: SparseTensor, mat2: Any, *, beta: float = 1.0, alpha: float = 1.0) -> Any:
    """beta mat + alpha mat1 mat2, where mat1 is sparse."""
    return beta * mat + alpha * (checked("addmm", mat1) @ mat2)


def sum(input: SparseTensor, dim: int | None = None, dtype: Any = None) -> Any:
    """The sum of all values; along one axis, a sparse Tensor with an axis less."""
    return (input if dtype is None else input.to(dtype)).sum(dim)


def log_softmax(input: SparseTensor, dim: int, *, dtype: Any = None) -> SparseTensor:
    """log_softmax over the stored entries of each row (dim=1) or column (dim=0) of a matrix.

    Entries that are not stored count as minus infinity.

    Raises:
        OptionError: `dim` is no axis of the matrix.
    """
    x = checked("softmax", input if dtype is None else input.to(dtype)).coalesce()
    if dim not in (-2, -1, 0, 1):
        raise OptionError(f"softmax(dim={dim!r}): expected 0 or 1, an axis of the matrix")
    values, group = x.values(), as_array(x.indices())[1 - dim % 2]
    count = x.shape[1 - dim % 2]
    largest = np.full(count, -np.inf, values.dtype)
    np.maximum.at(largest, group, as_array(values.detach()))
    moved = values - largest[group]
    sums = scattered(np.exp(moved), group, count)
    return x._with(moved - np.log(sums[group]))


def softmax(input: SparseTensor, dim: int, *, dtype: Any = None) -> SparseTensor:
    """softmax over the stored entries of each row (dim=1) or column (dim=0) of a matrix.

    Example:
        >>> import nn.torch as torch
        >>> softmax(to_sparse(torch.tensor([[1.0, 1.0], [0.0, 3.0]])), dim=1).to_dense().tolist()
        [[0.5, 0.5], [0.0, 1.0]]
    """
    logs = log_softmax(input, dim, dtype=dtype)
    return logs._with(np.exp(logs.values()))
