"""Shape functions in calls beyond the samples: NumPy's values and errors in every form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import AutogradLiteError
from autograd_lite.testing import check_grads
from tests.samples import NUMPY, PAD_MODES, STATISTIC_MODES, bordered

RNG = np.random.default_rng(3)
ROW, MATRIX, BLOCK = RNG.normal(size=5), RNG.normal(size=(3, 4)), RNG.normal(size=(2, 3, 4))
ARRAYS = [np.array(1.5), ROW, MATRIX, BLOCK, np.arange(12).reshape(3, 4), MATRIX + 1j, BLOCK[:, :0]]


def agree(call: Callable[..., Any], *arrays: Any) -> None:
    """On Tensors, recorded or not, `call` gives Tensors of NumPy's values, or raises where NumPy does."""
    try:
        expected = call(*arrays)
    except (ValueError, TypeError, IndexError, ZeroDivisionError) as error:
        expected = error
    for recorded in (True, False):
        tensors = [ag.Tensor(a, requires_grad=recorded and a.dtype.kind in "fc") for a in arrays]
        if isinstance(expected, Exception):
            with pytest.raises((AutogradLiteError, ZeroDivisionError)):
                call(*tensors)
            continue
        got = call(*tensors)
        assert type(got) in (ag.Tensor, type(expected))
        several = isinstance(expected, (list, tuple))
        for y, z in zip(*((v if several else [v]) for v in (got, expected)), strict=True):
            assert isinstance(y, ag.Tensor) and all(y is not tensor for tensor in tensors)
            assert (y.shape, y.dtype) == (np.shape(z), np.asarray(z).dtype)
            tolerance = 1e-6 if y.dtype == np.float32 else 1e-13
            scale = max(1.0, np.max(np.abs(z), initial=0.0))  # far out, odd reflections are differences
            np.testing.assert_allclose(y.numpy(), z, rtol=tolerance, atol=tolerance * scale)


def calls() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Calls of one array, with NumPy's mistakes among them."""
    one = (
        np.atleast_1d, np.atleast_2d, np.atleast_3d, np.fliplr, np.flipud, np.diag, np.diagflat, np.diagonal,
        np.trace, np.tril, np.triu, np.vander, np.sort, np.ravel, np.hstack, np.vstack, np.dstack, np.flip,
        np.column_stack, np.squeeze, np.permute_dims, np.matrix_transpose, np.copy, np.block,
    )  # fmt: skip
    for f in one:
        yield f.__name__, f
    for f in (np.split, np.array_split):
        for where in (2, 3, 0, [1, 2], [2, 1], [0, 9], [-1]):
            for axis in (0, 1, -1, 5):
                yield f"{f.__name__} {where} {axis}", lambda x, f=f, w=where, a=axis: f(x, w, axis=a)
    for f in (np.hsplit, np.vsplit, np.dsplit):
        for where in (2, [1]):
            yield f"{f.__name__} {where}", lambda x, f=f, w=where: f(x, w)
    for reps in (2, 0, (2, 1), (1, 2, 3), (2, 1, 1, 2), (), 1.5, -1):
        yield f"tile {reps}", lambda x, r=reps: np.tile(x, r)
    for repeats in (2, 0, [2], [1, 2, 0], [1, 2, 0, 3], []):
        for axis in (None, 0, -1):
            yield f"repeat {repeats} {axis}", lambda x, r=repeats, a=axis: np.repeat(np.atleast_1d(x), r, a)
    for shape in (7, (3, 5), 0, (2, 0), (2, -1)):
        yield f"resize {shape}", lambda x, s=shape: np.resize(x, s)
    for k in (-4, -1, 2, 4):
        yield f"diag {k}", lambda x, k=k: np.diag(x, k)
        yield f"diagonal {k}", lambda x, k=k: np.diagonal(x, k, -1, 0)
        yield f"trace {k}", lambda x, k=k: np.trace(x, k, 1, 0, np.complex128)
        yield f"triangles {k}", lambda x, k=k: np.tril(x, k) - np.triu(x, k)
        for axes in ((0, 1), (-1, 0), (0, 0)):
            yield f"rot90 {k} {axes}", lambda x, k=k, a=axes: np.rot90(x, k, a)
        for start in (-3, -1, 0, 2):
            yield f"rollaxis {k} {start}", lambda x, k=k, s=start: np.rollaxis(x, k, s)
    for axis in (None, 0, -1, 3):
        yield f"append {axis}", lambda x, a=axis: np.append(x, x, a)
        yield f"sort {axis}", lambda x, a=axis: np.sort(x, a)
        for kth in (0, 1, [0, 2], -1):
            yield f"partition {kth} {axis}", lambda x, k=kth, a=axis: np.partition(x, k, a)
        for places in (0, -1, 2, [0], [0, 2], slice(None, None, 2), 9):
            yield f"delete {places} {axis}", lambda x, p=places, a=axis: np.delete(x, p, a)
            for v in (3.0, ROW[:2], MATRIX, MATRIX[0], MATRIX[:, :1], [1, 2, 3]):
                yield (
                    f"insert {places} {axis} {np.shape(v)}",
                    lambda x, p=places, v=v, a=axis: np.insert(x, p, v, a),
                )
    for n, increasing in ((None, False), (0, False), (1, True), (4, True)):
        yield f"vander {n}", lambda x, n=n, i=increasing: np.vander(x, n, i)
    if NUMPY >= (2, 1):
        yield "unstack", lambda x: np.unstack(x, axis=-1)
        yield "astype", lambda x: np.astype(x, np.complex64)


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_values_and_errors_are_numpys(array: Any) -> None:
    for name, call in calls():
        try:
            agree(call, array)
        except (AssertionError, pytest.fail.Exception) as error:
            raise AssertionError(f"{name}: {error}") from error


def test_nothing_is_repeated_less_than_not_at_all() -> None:
    for repeats in (-1, [-1, 2, 1], 1.5):
        with pytest.raises((ValueError, TypeError)) as caught:
            np.repeat(ag.Tensor(MATRIX, requires_grad=True), repeats, axis=0)
        assert isinstance(caught.value, AutogradLiteError)


def test_several_arrays() -> None:
    for sparse in (True, False):
        for indexing in ("xy", "ij", "zz"):
            agree(
                lambda *xs, s=sparse, i=indexing: np.meshgrid(*xs, sparse=s, indexing=i),
                ROW,
                MATRIX[0],
                np.array(1.5),
            )
    for f in (np.concatenate, np.vstack, np.hstack, np.stack):
        agree(lambda a, b, f=f: f([a, b], dtype=np.float32), MATRIX, MATRIX)
        agree(lambda a, b, f=f: f([a, b], dtype=int, casting="unsafe"), MATRIX, MATRIX)
        agree(lambda a, b, f=f: f([a, b], dtype=int), MATRIX, MATRIX)
    for nested in (
        lambda a, b: [[a, a], [a, a]],
        lambda a, b: [[a, a[:, :1]], [a[:2], a[1:, :1]]],
        lambda a, b: [[b], [a]],
        lambda a, b: [[a], b],
        lambda a, b: [[a], []],
        lambda a, b: [a, 1.0],
    ):
        agree(lambda a, b, nested=nested: np.block(nested(a, b)), MATRIX, BLOCK)


@pytest.mark.parametrize("layout", ["C", "F", "steps", "turned", "backwards", "spread"])
def test_order_of_reading_is_that_in_memory(layout: str) -> None:
    array = {
        "C": BLOCK,
        "F": np.asfortranarray(BLOCK),
        "steps": BLOCK[:, ::2],
        "turned": BLOCK.transpose(1, 2, 0),
        "backwards": BLOCK[::-1, :, ::-1].transpose(0, 2, 1),
        "spread": np.broadcast_to(ROW, (2, 5)).T,
    }[layout]
    weights = np.arange(float(array.size))
    for order in "CFK":
        agree(lambda x, o=order: np.ravel(x, order=o), array)
        gradient = ag.grad(lambda x, o=order: np.sum(np.ravel(x, order=o) * weights))(array)
        read_again = ag.Tensor(array).numpy() * 0 + gradient  # in the layout of the Tensor
        assert np.array_equal(np.ravel(read_again, order=order), weights)


# -- padding ---------------------------------------------------------------------------------------

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "constant": [{"constant_values": c} for c in (3.0, (1, 2), ((1, 2), (3, 4)), ((1.5,), (2.5,)))],
    "linear_ramp": [{"end_values": c} for c in (3.0, (1, 2), ((1, 2), (3, 4)))],
    "reflect": [{"reflect_type": "odd"}],
    "symmetric": [{"reflect_type": "odd"}],
    **{mode: [{"stat_length": c} for c in (1, (2, 1), ((1, 2), (3, 9)))] for mode in STATISTIC_MODES},
}


@pytest.mark.parametrize("mode", PAD_MODES)
def test_padding_is_numpys(mode: str) -> None:
    for array in (MATRIX, np.arange(12).reshape(3, 4), MATRIX[:1], MATRIX[:, :2], MATRIX.astype(np.float32)):
        for options in ({}, {"nonsense": 1}, *OPTIONS.get(mode, [])):
            for width in (0, 1, (1, 2), ((2, 0), (3, 9)), 30, -1, 1.5):
                agree(lambda x, w=width, o=options: np.pad(x, w, mode, **o), array)
    for array in (ROW, BLOCK, MATRIX[:0]):
        agree(lambda x: np.pad(x, (3, 0), mode), array)


def test_padding_by_a_function_and_wrong_modes() -> None:
    for array in (ROW, MATRIX, np.arange(6)):
        agree(lambda x: np.pad(x, (1, 2), bordered, with_value=2), array)
    agree(lambda x: np.pad(x, 1, "nosuch"), MATRIX)
    padded = np.pad(ag.Tensor(MATRIX, requires_grad=True), 1, "empty")
    np.testing.assert_array_equal(padded[1:-1, 1:-1].numpy(), MATRIX)


@pytest.mark.parametrize(
    ("mode", "option", "value"),
    [
        ("constant", "constant_values", np.array(1.5)),
        ("constant", "constant_values", np.array([[1.0, 2.0], [3.0, 4.0]])),
        ("linear_ramp", "end_values", np.array([0.5, 1.5])),
    ],
)
def test_padding_differentiates_what_is_put_there(mode: Any, option: str, value: Any) -> None:
    check_grads(lambda x, v: np.pad(x, ((1, 2), (3, 1)), mode, **{option: v}), (MATRIX, value))
    check_grads(lambda v: np.pad(ag.Tensor(MATRIX), 2, mode, **{option: v}), (value,))


# -- order and places ------------------------------------------------------------------------------


def test_ties_keep_their_order() -> None:
    values = np.array([2.0, 1.0, 2.0, 1.0, 2.0, 0.0])
    order = np.argsort(values, kind="stable")
    for f in (np.sort, lambda x: np.partition(x, 3)):
        x = ag.Tensor(values, requires_grad=True)
        weights = np.array([1.0, 10.0, 100.0, 1000.0, 1e4, 1e5])
        np.sum(f(x) * weights).backward()
        assert set(x.grad.tolist()) == set(weights)
    x = ag.Tensor(values, requires_grad=True)
    np.sort(x)[3].backward()
    assert np.flatnonzero(x.grad) == order[3]
    for kth in range(6):
        x = ag.Tensor(values, requires_grad=True)
        np.partition(x, kth)[kth].backward()
        assert np.flatnonzero(x.grad) == order[kth]


def test_zeros_at_the_ends_are_trimmed() -> None:
    for entries in ([0, 0, 1.5, 2, 0, 3, 0], [0, 0], [1, 2], []):
        for trim in ("fb", "f", "b", "FB"):
            agree(lambda x, t=trim: np.trim_zeros(x, t), np.array(entries, float))
    x = ag.Tensor([0.0, 1.0, 0.0, 2.0, 0.0], requires_grad=True)
    np.sum(np.trim_zeros(x) ** 2 + 3 * np.trim_zeros(x)).backward()
    assert x.grad.tolist() == [0.0, 5.0, 3.0, 7.0, 0.0]
    if NUMPY >= (2, 2):
        spot = np.zeros((4, 5))
        spot[1:3, 2] = 1.0
        for axis in (None, 0, -1, (0, 1)):
            agree(lambda x, a=axis: np.trim_zeros(x, axis=a), spot)


# -- dead entries ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "select",
    [
        lambda r: r[1:],
        lambda r: np.take(r, [1, 2]),
        lambda r: np.take_along_axis(r, np.array([2, 1]), 0),
        lambda r: np.compress([False, True, True], r),
        lambda r: np.extract([False, True, True], r),
        lambda r: np.delete(r, 0),
        lambda r: np.trim_zeros(r),
        lambda r: np.split(r, [1])[1],
        lambda r: np.sort(r)[1:],
        lambda r: np.partition(r, 1)[1:],
        lambda r: np.choose([1, 0, 0], [r, 0.0]),
        lambda r: np.select([[False, True, True]], [r], 0.0),
        lambda r: np.piecewise(r, [np.array([True, False, False])], [0.0, lambda v: v]),
        lambda r: np.pad(r, (0, 2), "maximum")[1:],
        lambda r: np.pad(r, (0, 1), "reflect")[1:],
        lambda r: np.pad(r[1:], 1, "edge"),
        lambda r: np.roll(r, -1)[:2],
        lambda r: np.repeat(r, [0, 1, 2]),
        lambda r: np.tile(r, 2)[4:],
        lambda r: np.tril(np.stack([r, r]), -1)[1, 1:] + r[1:],
        lambda r: np.insert(r, 0, 7.0)[2:],
    ],
)
def test_what_is_not_selected_sends_nothing_back(select: Any) -> None:
    """The square root has no derivative at 0, which must not matter to the others."""

    def f(x: Any) -> Any:
        return np.sum(select(np.sqrt(x)))

    gradient = ag.grad(f)(np.array([0.0, 1.0, 4.0]))
    assert gradient[0] == 0.0 and np.all(gradient[1:] > 0)
    curvature = ag.grad(lambda x: np.sum(ag.grad(f)(x)))(np.array([0.0, 1.0, 4.0]))
    assert curvature[0] == 0.0 and np.all(curvature[1:] < 0)


@pytest.mark.parametrize(
    ("f", "x", "v"),
    [
        (lambda x, v: np.insert(x, 0, v), (3,), (1, 1)),
        (lambda x, v: np.insert(x, [0, 1], v), (2, 2), (1, 1, 2)),
        (lambda x, v: np.insert(x, -1, v, axis=0), (2, 3), (1, 1, 3)),
        (lambda x, v: np.insert(x, [0, 2], v, axis=1), (2, 3), (1, 2, 2)),
        (lambda x, v: x * np.full_like(x, v), (2,), (1, 2)),
        (lambda x, v: x * np.full_like(x, v), (2, 3), (1, 1, 3)),
        (lambda x, v: np.full_like(x, v, shape=3) * x[0], (2,), (1, 1)),
    ],
)
def test_values_to_fill_in_may_have_more_axes_of_length_1(
    f: Any, x: tuple[int, ...], v: tuple[int, ...]
) -> None:
    """As in `array[...] = values`."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=x), rng.normal(size=v)
    found = f(ag.Tensor(a, requires_grad=True), ag.Tensor(b, requires_grad=True))
    np.testing.assert_array_equal(found.numpy(), f(a, b))
    check_grads(f, (a, b))
