"""Views: an assignment reaches all Tensors that share the memory, as in NumPy."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import AssignmentError, AutogradLiteError
from tests.helpers import leaf

A = np.arange(1.0, 13.0).reshape(3, 4)


# -- what is a view, and what is none --------------------------------------------------------------

VIEWS: dict[str, Callable[[Any], Any]] = {
    "slice": lambda x: x[1:],
    "row": lambda x: x[1],
    "column": lambda x: x[:, 1],
    "new axis": lambda x: x[None, ..., ::-1],
    "a number kept as an array": lambda x: x[0, 0, ...],
    "reshape": lambda x: x.reshape(2, 6),
    "np.reshape": lambda x: np.reshape(x, -1),
    "ravel": lambda x: x.ravel(),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "transpose": lambda x: x.transpose(1, 0),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "squeeze": lambda x: np.squeeze(x[:1]),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "flip": lambda x: np.flip(x, 0),
    "rot90": np.rot90,
    "einsum": lambda x: np.einsum("ij->ji", x),
    "einsum of a diagonal": lambda x: np.einsum("ii->i", x[:, :3]),
    "split": lambda x: np.split(x, 2, axis=1)[1],
    "atleast_3d": np.atleast_3d,
    "real": lambda x: x.real,
    "view of a view": lambda x: x[1:].T[2:][0],
    "a row of the iteration": lambda x: list(x)[2],
}

PYTORCH: dict[str, Callable[[Any], Any]] = {
    "view": lambda x: x.view(-1),
    "unsqueeze": lambda x: x.unsqueeze(0),
    "permute": lambda x: x.permute(1, 0),
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(1, 2),
    "t": lambda x: x.t(),
    "unflatten": lambda x: x.unflatten(1, (2, 2)),
}

COPIES: dict[str, Callable[[Any], Any]] = {
    "a list": lambda x: x[[0, 1]],
    "a mask": lambda x: x[np.ones((3, 4), bool)],
    "an entry": lambda x: x[0, 0],
    "reshape of a transpose": lambda x: x.T.reshape(-1),
    "flatten": lambda x: x.flatten(),
    "copy": lambda x: x.copy(),
    "take": lambda x: np.take(x, [0], axis=0),
    "repeat once": lambda x: np.repeat(x, 1, axis=0),
    "tile once": lambda x: np.tile(x, (1, 1)),
    "sum of nothing": lambda x: x + 0.0,
    "concatenate": lambda x: np.concatenate([x]),
    "meshgrid": lambda x: np.meshgrid(x[0], sparse=True)[0],
    "roll": lambda x: np.roll(x, 0),
    "einsum that sums": lambda x: np.einsum("ij->i", x[:, :1]),
}


@pytest.mark.parametrize("made", [leaf, ag.Tensor])
@pytest.mark.parametrize("name", [*VIEWS, *COPIES])
def test_what_numpy_shares_is_shared(name: str, made: Callable[[Any], Any]) -> None:
    """View to base, base to view, and the gradient of both."""
    look = {**VIEWS, **COPIES}[name]

    def program(x: Any) -> tuple[Any, Any]:
        y = x * 2
        v = look(y)
        if np.ndim(v):  # a number is none
            v *= 3
        y *= y
        return y, v

    right = program(A)
    got = program(made(A))
    for value, expected in zip(got, right, strict=True):
        np.testing.assert_array_equal(value.numpy(), expected)
    h = 1e-30
    stepped = sum(np.sum(part) for part in program(A + 1j * h * A)) if name != "real" else None
    gradient = ag.grad(lambda x: sum(np.sum(np.sin(part)) for part in program(x)))(A)
    if stepped is not None:
        right_slope = np.imag(sum(np.sum(np.sin(part)) for part in program(A + 1j * h * A))) / h
        assert np.sum(gradient * A) == pytest.approx(right_slope, rel=1e-12)


@pytest.mark.parametrize("name", PYTORCH)
@pytest.mark.torch
def test_what_pytorch_shares_is_shared(name: str) -> None:
    torch = pytest.importorskip("torch")
    x, twin = leaf(A), torch.tensor(A, requires_grad=True)
    y, other = x * 2, twin * 2
    v, w = PYTORCH[name](y), PYTORCH[name](other)
    v.mul_(3)
    w.mul_(3)
    np.testing.assert_array_equal(y.numpy(), other.detach().numpy())
    (y * y).sum().backward()
    (other * other).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), twin.grad.numpy(), rtol=1e-14)


def test_parts_are_views() -> None:
    y = ag.Tensor(A)
    for part in (*y.unbind(0), *y.chunk(2, dim=1), *y.split(2), *np.vsplit(y, 3)):
        part *= 2
    assert y.tolist() == (16 * A).tolist()


@pytest.mark.parametrize(
    "name", ["flip(0)", "rot90()", "fliplr()", "flipud()", "diag()", "T.contiguous()", "clone()"]
)
@pytest.mark.torch
def test_what_pytorch_copies_is_none(name: str) -> None:
    torch = pytest.importorskip("torch")
    found = []
    for x in (ag.Tensor(A), torch.tensor(A)):
        made = eval(f"x.{name}", {"x": x})
        made.zero_()
        found.append(x.tolist())
    assert found[0] == found[1] == A.tolist()


def test_the_base_of_a_view_is_the_tensor_it_looks_at() -> None:
    x = ag.Tensor(A)
    assert x.base is None and x[1:].T.base is x and x[[0]].base is None and x[0, 0].base is None


# -- the programs of the contract ------------------------------------------------------------------


def test_rows_swaps_and_nested_indices() -> None:
    a = ag.Tensor(A)
    for row in a:
        row *= 2
    assert a.tolist() == (2 * A).tolist()
    a[0], a[1] = a[1].copy(), a[0].copy()
    assert a.tolist() == (2 * A[[1, 0, 2]]).tolist()
    a[0], a[1] = a[1], a[0]  # NumPy's meaning: a[1] has been written to when a[0] is read
    assert a.tolist() == (2 * A[[0, 0, 2]]).tolist()
    a[2][3] = -1.0
    a.T[0][...] = 7.0
    a.reshape(-1)[1] = 8.0
    assert a.tolist() == [[7.0, 8.0, 6.0, 8.0], [7.0, 4.0, 6.0, 8.0], [7.0, 20.0, 22.0, -1.0]]
    assert a[0].zero_() is not a and not a[0].numpy().any()


def test_initial_values_of_a_row() -> None:
    a, w = ag.Tensor(A), nn.Parameter(A)
    for tensor in (a, w):
        nn.init.ones_(tensor[0])
        nn.init.constant_(tensor[1:, 1:], 5.0)
        assert tensor.tolist() == [[1.0] * 4, [5.0, 5.0, 5.0, 5.0], [9.0, 5.0, 5.0, 5.0]]
    assert w.is_leaf and w.requires_grad and (w * w).requires_grad
    with pytest.raises(AutogradLiteError, match="computed from others"):
        nn.init.ones_((w * 2)[0])


def test_views_live_on_when_the_base_is_gone() -> None:
    x = leaf(A)
    y = x * 2
    first, second, apart = y[0], y[0, 1:], y[2]
    del y
    first *= 10
    assert second.tolist() == [40.0, 60.0, 80.0] and apart.tolist() == [18.0, 20.0, 22.0, 24.0]
    second[0] = 0.0
    assert first.tolist() == [20.0, 0.0, 60.0, 80.0]
    (first.sum() + apart.sum()).backward()
    assert x.grad.tolist() == [[20.0, 0.0, 20.0, 20.0], [0.0] * 4, [2.0] * 4]


def test_history_keeps_what_it_saw() -> None:
    x = leaf([1.0, 2.0])
    y = x * 3
    v = y[:1]
    seen = v * v
    v *= 100
    z = seen.sum() + y.sum()
    z.backward()
    assert x.grad.tolist() == [2 * 3.0 * 3 + 300, 3.0]


def test_an_augmented_index_records_what_it_did_without_views() -> None:
    x = leaf(np.ones(4))
    with ag.Tape() as tape:
        y = x * 2
        y[1:] *= 3
    assert [node.op.__name__ for node in tape.nodes] == ["multiply", "getitem", "multiply", "setitem"]
    y = ag.Tensor([[1.0, 2.0]])
    y[True] = y[0]  # 1 and True are equal, but not as indices
    assert y.tolist() == [[1.0, 2.0]]


def test_complex_parts() -> None:
    z = ag.Tensor([1 + 2j, complex(np.inf, -1)])
    z.imag[0] = 5.0
    z.real *= 2
    assert z.tolist() == [2 + 5j, complex(np.inf, -1)]  # an infinite part leaves the other alone
    w = ag.Tensor([1 + 2j])
    w.imag = 7.0
    assert w.tolist() == [1 + 7j]


# -- leaves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [lambda v: v.__imul__(2.0), lambda v: v.fill(0.0), lambda v: v.add_(1)])
def test_a_leaf_is_protected_from_what_is_assigned_to_its_views(write: Callable[[Any], Any]) -> None:
    w = leaf(A)
    for view in (w[0], w.T, w.reshape(-1)[2:]):
        with pytest.raises(AssignmentError, match=r"leaf .*y = x.copy\(\).*with ag.no_grad\(\): "):
            write(view)
    assert w.tolist() == A.tolist()
    a = ag.Tensor(A)
    v = a[0]
    v.requires_grad = True
    with pytest.raises(AssignmentError, match="shares its memory with a leaf"):
        a[:, 0] = 1.0


def test_without_recording_a_view_updates_the_leaf() -> None:
    w = leaf(A)
    v = w[0]
    with ag.no_grad():
        v *= 10
        w[0][1] = -1.0
        w.T[2] += 1
    right = A.copy()
    right[0] *= 10
    right[0, 1] = -1
    right[:, 2] += 1
    assert w.is_leaf and w.tolist() == right.tolist() and v.tolist() == right[0].tolist()
    assert w.node is not None and w.node.value is w.numpy()
    (v.sum() * 3).backward()  # the view is on the tape still
    assert w.grad.tolist() == [[3.0] * 4, [0.0] * 4, [0.0] * 4]


def test_views_follow_an_array_that_is_put_in_place() -> None:
    w = leaf(A)
    tied, row = w.T, w[0]
    w.data = w.data * 2
    assert tied.tolist() == (2 * A.T).tolist() and row.tolist() == (2 * A[0]).tolist()
    (tied.sum() + row.sum()).backward()
    assert w.grad.tolist() == [[2.0] * 4, [1.0] * 4, [1.0] * 4]
    w.data -= A
    assert tied.tolist() == A.T.tolist()
    w.data = np.zeros(2)
    assert tied.tolist() == A.T.tolist() and tied.base is None


def test_an_optimizer_moves_the_views_of_its_parameters() -> None:
    w = nn.Parameter(np.ones(3))
    tied = w[::-1]
    optimizer = nn.optim.SGD([w], lr=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        (tied * np.array([1.0, 2.0, 3.0])).sum().backward(retain_graph=True)
        optimizer.step()
    assert w.tolist() == [-2.0, -1.0, 0.0] and tied.tolist() == [0.0, -1.0, -2.0]


def test_views_off_the_tape_of_what_is_on_it() -> None:
    y = leaf(A) * 2
    with ag.no_grad():
        v = y[0]
    y[0, 0] = 100.0
    assert v.tolist() == [100.0, 4.0, 6.0, 8.0] and not v.requires_grad
    with pytest.raises(AssignmentError, match="made under no_grad"):
        v *= 2
    a = ag.Tensor(A)  # a constant that becomes a result takes its views with it
    v, x = a[0], leaf(np.ones(4))
    a[0] = x * 3
    v.sum().backward()
    assert x.grad.tolist() == [3.0] * 4


@pytest.mark.parametrize("read_only", [np.diagonal, lambda x: np.broadcast_to(x, (2, 3, 4)), np.diag])
def test_read_only_views_see_and_refuse(read_only: Callable[[Any], Any]) -> None:
    x = ag.Tensor(A)
    v = read_only(x)
    x *= 2
    assert v.tolist() == np.asarray(read_only(2 * A)).tolist()
    with pytest.raises(AssignmentError, match=r"read-only, as in NumPy; write y = x.copy\(\)"):
        v[0] = 1.0
    assert x.tolist() == (2 * A).tolist()


def test_what_shares_memory_keeps_its_shape() -> None:
    x = ag.Tensor(A)
    rows = x[0]
    for tensor in (x, rows):
        with pytest.raises(AssignmentError, match="shares its memory"):
            tensor.resize(2, 2)
    del rows, tensor
    x.resize(2, 2)
    assert x.shape == (2, 2)


# -- memory ----------------------------------------------------------------------------------------


def test_views_make_no_cycles() -> None:
    gc.collect()
    gc.disable()
    try:
        x = leaf(A)
        y = x * 2
        v, w = y[0], y.T
        v *= 3
        gone = [weakref.ref(t) for t in (y, v, w)]
        np.sum(w).backward()
        del y, v, w
        assert [r() for r in gone] == [None] * 3
    finally:
        gc.enable()


def test_a_base_does_not_keep_count_of_views_that_are_gone() -> None:
    x = ag.Tensor(np.zeros((1000, 2)))
    rows = [x[i] for i in range(1000)]
    del rows
    x[0] = 1.0
    x[0] = 2.0
    assert len(x._views) < 100


@pytest.mark.parametrize("steps", [20_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_long_chain_of_views_is_written_and_freed(steps: int) -> None:
    x = leaf(np.ones(2))
    y = x * 1
    for _ in range(steps):
        y = y[:]
    y *= 2
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_subclass_has_views_too() -> None:
    class Mine(ag.Tensor):
        pass

    x = Mine(A)
    for v in (x[0], x[1:, 1], x.T, np.reshape(x, -1)):
        assert type(v) is Mine and v.base is x
        v += 1
    assert (
        x.tolist()
        == (A + np.array([[3], [2], [2]]) + np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]])).tolist()
    )
