"""Sparse matrices: the same numbers and gradients as dense ones, and as PyTorch's."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import nn.torch as torch
from autograd_lite.errors import DataError, ShapeError, UnsupportedError
from autograd_lite.testing import check_grads
from nn.torch.sparse_tensors import SparseTensor, product, scattered
from nn.torch.tensors import torched

ROWS, COLUMNS = np.array([0, 0, 2, 3, 2]), np.array([1, 3, 0, 2, 0])  # (2, 0) occurs twice
VALUES = np.array([1.0, -2.0, 3.0, 0.5, 4.0])
DENSE = np.random.default_rng(0).normal(size=(4, 3))


def whole(values: Any = VALUES) -> np.ndarray[Any, Any]:
    x = np.zeros((4, 4))
    np.add.at(x, (ROWS, COLUMNS), values)
    return x


def matrix(**options: Any) -> SparseTensor:
    return torch.sparse_coo_tensor(np.array([ROWS, COLUMNS]), torched(VALUES), (4, 4), **options)


def leaf(x: np.ndarray[Any, Any]) -> Any:
    """A Tensor of the dtype of an array, which requires a gradient."""
    return torched(x.copy()).requires_grad_()


def numbers(x: Any) -> np.ndarray[Any, Any]:
    return (x.to_dense() if isinstance(x, SparseTensor) else x).detach().numpy()


def test_the_ops_have_right_gradients() -> None:
    check_grads(lambda v, d: product(v, d, ROWS, COLUMNS, 4), (VALUES, DENSE))
    check_grads(lambda v: scattered(v, ROWS, 5), (VALUES,))
    z = VALUES + 1j * VALUES[::-1]
    check_grads(lambda v, d: product(v, d, ROWS, COLUMNS, 4), (z, DENSE * (1 + 2j)), order=1)


PAIRS: dict[str, tuple[Any, Any]] = {
    "a @ d": (lambda a, d: a @ d, lambda w, d: w @ d),
    "d @ a": (lambda a, d: d.T @ a, lambda w, d: d.T @ w),
    "vectors": (lambda a, d: (a @ d[:, 0]) * (d[:, 1] @ a), lambda w, d: (w @ d[:, 0]) * (d[:, 1] @ w)),
    "mm": (lambda a, d: torch.sparse.mm(a.t(), d), lambda w, d: w.T @ d),
    "spmm": (lambda a, d: torch.spmm(a, d), lambda w, d: w @ d),
    "addmm": (
        lambda a, d: torch.sparse.addmm(d, a, d, beta=0.5, alpha=2.0),
        lambda w, d: 0.5 * d + 2.0 * (w @ d),
    ),
    "two sparse": (lambda a, d: (a @ a.t()) @ d, lambda w, d: (w @ w.T) @ d),
    "sum": (lambda a, d: (a + a.t()) @ d, lambda w, d: (w + w.T) @ d),
    "scaled": (lambda a, d: (2.0 * a - a / 4) @ d, lambda w, d: (1.75 * w) @ d),
    "by entries": (lambda a, d: (a * (d @ d.T)) @ d, lambda w, d: (w * (d @ d.T)) @ d),
    "sums of rows": (lambda a, d: a.sum(1).to_dense() @ d, lambda w, d: np.sum(w, axis=1) @ d),
    "sum of all": (lambda a, d: a.sum() * d, lambda w, d: np.sum(w) * d),
    "torch.mm": (lambda a, d: torch.mm(input=a, mat2=d), lambda w, d: w @ d),
    "torch.mv": (lambda a, d: torch.mv(torch.neg(a), d[:, 0]), lambda w, d: -w @ d[:, 0]),
    "torch.matmul": (lambda a, d: torch.matmul(d.T, torch.transpose(a, 0, 1)), lambda w, d: d.T @ w.T),
    "torch.addmm": (lambda a, d: torch.addmm(d, a, d, alpha=2), lambda w, d: d + 2 * (w @ d)),
    "torch.mul": (lambda a, d: torch.div(torch.mul(torch.add(a, a), 3), 2) @ d, lambda w, d: 3 * (w @ d)),
    "csr": (lambda a, d: a.to_sparse_csr() @ d, lambda w, d: w @ d),
}


@pytest.mark.parametrize("name", PAIRS)
def test_numbers_and_gradients_are_those_of_dense_matrices(name: str) -> None:
    v, d, w, e = (leaf(x) for x in (VALUES, DENSE, whole(), DENSE))
    sparse, dense = PAIRS[name]
    result = sparse(torch.sparse_coo_tensor(np.array([ROWS, COLUMNS]), v, (4, 4)), d)
    expected = dense(w, e)
    np.testing.assert_allclose(numbers(result), numbers(expected), rtol=1e-12, atol=1e-14)
    (result * result).sum().backward()
    (expected * expected).sum().backward()
    np.testing.assert_allclose(d.grad.numpy(), e.grad.numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(v.grad.numpy(), w.grad.numpy()[ROWS, COLUMNS], rtol=1e-12, atol=1e-13)


def test_indices_and_values() -> None:
    x = matrix()
    assert not x.is_coalesced() and x._nnz() == 5
    with pytest.raises(DataError, match=r"write x.coalesce\(\).values\(\)"):
        x.values()
    y = x.coalesce()
    assert y.indices().tolist() == [[0, 0, 2, 3], [1, 3, 0, 2]] and y.values().tolist() == [1, -2, 7, 0.5]
    assert y.coalesce() is y and np.array_equal(numbers(y), whole())
    csr = y.to_sparse_csr()
    assert csr.crow_indices().tolist() == [0, 2, 2, 3, 4] and csr.col_indices().tolist() == [1, 3, 0, 2]
    assert (x.layout, csr.layout, x.size(), x.size(1)) == ("torch.sparse_coo", "torch.sparse_csr", (4, 4), 4)
    again = torch.sparse_csr_tensor(csr.crow_indices(), csr.col_indices(), csr.values(), (4, 4))
    assert np.array_equal(numbers(again), whole())
    assert "nnz=5" in repr(x)


def test_a_dense_tensor_becomes_sparse_and_its_entries_get_gradients() -> None:
    w = leaf(whole())
    (w.to_sparse() @ torched(DENSE)).sum().backward()
    assert np.array_equal(w.grad.numpy() != 0, whole() != 0)
    np.testing.assert_allclose(w.grad.numpy()[2], np.where(whole()[2] != 0, DENSE.sum(1), 0))


def test_a_sparse_leaf_has_a_sparse_gradient() -> None:
    x = torch.sparse_coo_tensor([[0, 1], [1, 1]], [1.0, 2.0], (2, 2), requires_grad=True)
    assert x.dtype == np.float32 and x.requires_grad and x.grad is None
    torch.sparse.mm(x, torch.eye(2)).sum().backward()
    assert x.grad.to_dense().tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize("dim", [0, 1])
def test_softmax_over_stored_entries(dim: int) -> None:
    x = matrix().coalesce()
    dense = np.where(whole() != 0, whole(), -np.inf)
    with np.errstate(invalid="ignore"):
        e = np.exp(dense - dense.max(dim, keepdims=True))
        expected = np.nan_to_num(e / e.sum(dim, keepdims=True))
    np.testing.assert_allclose(numbers(torch.sparse.softmax(x, dim)), expected, rtol=1e-12)
    i = np.asarray(x.indices().numpy())
    check_grads(
        lambda v: torch.sparse.log_softmax(torch.sparse_coo_tensor(i, v, (4, 4)), dim).coalesce().values(),
        (x.values().numpy(),),
    )


def test_products_are_the_same_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = numbers(matrix() @ DENSE)
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    np.testing.assert_allclose(numbers(matrix() @ DENSE), expected, rtol=1e-12)


def test_what_cannot_be_is_told() -> None:
    x = matrix()
    for make, error, message in (
        (lambda: torch.sparse_coo_tensor([[0, 5]], [1.0, 2.0], (3,)), DataError, "outside of its shape"),
        (lambda: torch.sparse_coo_tensor([[0, 1]], [1.0], (3,)), ShapeError, "values of shape"),
        (lambda: torch.sparse_coo_tensor([[0, 1]], np.ones((2, 2))), ShapeError, "single numbers"),
        (lambda: x @ torch.ones(3, 2), ShapeError, "as many as the rows"),
        (lambda: x * torch.ones(4), ShapeError, "not by shape"),
        (lambda: x + torch.ones(4, 4), UnsupportedError, r"to_dense\(\)"),
        (lambda: x * x, UnsupportedError, r"to_dense\(\)"),
        (lambda: x @ torch.sparse_coo_tensor((3, 3)), ShapeError, "do not fit"),
        (
            lambda: torch.sparse_coo_tensor([[0]], [1.0]).to_sparse_csr(),
            ShapeError,
            "expected a sparse matrix",
        ),
    ):
        with pytest.raises(error, match=message):
            make()


def test_a_function_of_dense_tensors_says_how_a_sparse_one_becomes_dense() -> None:
    with pytest.raises(TypeError, match=r"relu.*SparseTensor.*x\.to_dense\(\)"):
        torch.relu(matrix())


def test_nothing_stored_is_all_zeros() -> None:
    x = torch.sparse_coo_tensor((3, 2))
    assert x.coalesce().to_dense().tolist() == [[0, 0]] * 3
    assert (x @ torch.ones(2, 1)).tolist() == [[0]] * 3


@pytest.mark.torch
@pytest.mark.slow  # PyTorch takes seconds for its first sparse matrix
@pytest.mark.filterwarnings("ignore:Sparse")
def test_numbers_and_gradients_are_those_of_pytorch() -> None:
    real = pytest.importorskip("torch")
    results = []
    for library, make in ((real, real.tensor), (torch, lambda x: torched(x.copy()))):
        values, dense = (make(x).requires_grad_() for x in (VALUES, DENSE))
        x = library.sparse_coo_tensor(make(np.array([ROWS, COLUMNS])), values, (4, 4))
        y = library.sparse.mm(x.coalesce(), dense)
        z = library.sparse.mm(library.sparse.softmax(x.coalesce(), 1).t().coalesce(), y)
        (z * z).sum().backward()
        degree = library.sparse.sum(x, 1).to_dense()
        results.append([part.detach().numpy() for part in (y, z, values.grad, dense.grad, degree)])
    for found, expected in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)
