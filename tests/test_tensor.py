"""Tensors: how they are made, what they allow, and how assignment rebinds them."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import (
    AssignmentError,
    AutogradLiteError,
    AxisError,
    DTypeError,
    IndexingError,
    NotDifferentiableError,
    ShapeError,
    TapeError,
    UnsupportedError,
)
from tests.helpers import leaf

# -- making one ------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [3, [1, 2], [[1, 2], [3, 4]], True])
def test_python_ints_that_require_a_gradient_become_floats(data: Any) -> None:
    assert leaf(data).dtype == np.float64
    assert ag.Tensor(data).dtype == np.array(data).dtype


@pytest.mark.parametrize("array", [np.arange(3), np.array([True]), np.int64(3)])
def test_integer_arrays_that_require_a_gradient_are_refused(array: Any) -> None:
    with pytest.raises(TypeError, match=r"\.astype\(float\)") as caught:
        leaf(array)
    assert isinstance(caught.value, DTypeError)
    x = ag.Tensor(array)
    with pytest.raises(DTypeError, match=r"\.astype\(float\)"):
        x.requires_grad = True
    assert not x.requires_grad


@pytest.mark.parametrize("data", ["abc", None, object(), [[1, 2], [3]]])
def test_what_is_not_numbers_is_refused(data: Any) -> None:
    with pytest.raises(DTypeError):
        ag.Tensor(data)


def test_the_data_is_copied() -> None:
    array = np.ones(3)
    x = leaf(array)
    array[0] = 7
    assert x.tolist() == [1, 1, 1]


def test_attributes() -> None:
    x = leaf(np.zeros((2, 3), np.float32), name="x")
    assert (x.shape, x.ndim, x.size, x.dtype, x.nbytes, len(x)) == ((2, 3), 2, 6, np.float32, 24, 2)
    assert x.requires_grad and x.is_leaf and x.grad is None and x.name == "x"
    y = x.T @ x
    assert y.shape == (3, 3) and not y.is_leaf and y.node.op is np.matmul
    assert x.mT.shape == (3, 2) and [row.shape for row in x] == [(3,), (3,)]
    assert leaf(2.5).item() == 2.5 and leaf([[1.0]]).item() == 1.0


def test_repr_says_shape_dtype_and_op() -> None:
    x = leaf([1.0, 2.0], name="x")
    assert repr(x) == "Tensor([1., 2.], shape=(2,), dtype=float64, name='x', requires_grad=True)"
    assert repr(x * 2) == "Tensor([2., 4.], shape=(2,), dtype=float64, op=multiply)"
    assert f"{leaf(3.14159):.2f}" == "3.14"


def test_data_of_a_number_can_be_written() -> None:
    x = leaf(3.0)
    x.data[...] = 4.0
    assert (x * 2).item() == 8.0
    x.data -= 1.0
    assert (x * 2).item() == 6.0


def test_pickle_and_deepcopy_of_leaves() -> None:
    x = leaf([1.0, 2.0], name="x")
    (x * x).sum().backward()
    for twin in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert twin.tolist() == [1.0, 2.0] and twin.requires_grad and twin.name == "x"
        assert twin.node is not x.node
    assert copy.deepcopy(x).grad.tolist() == [2.0, 4.0]
    for use in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TapeError, match=r"x\.detach\(\)"):
            use(x * 2)


def test_requires_grad_can_be_switched_on_leaves_alone() -> None:
    x = leaf(1.0)
    y = x * 2
    with pytest.raises(TapeError, match="detach"):
        y.requires_grad = False
    x.requires_grad = False
    assert (x * 2).node is None


# -- leaving the tape ------------------------------------------------------------------------------


def test_a_recorded_tensor_does_not_slip_into_an_array() -> None:
    x = leaf([1.0, 2.0])
    target = np.zeros(2)
    for use in (
        lambda: np.asarray(x),
        lambda: np.array([x, x]),
        lambda: operator.setitem(target, slice(None), x * 2),
    ):
        with pytest.raises(TypeError, match=r"np\.stack"):
            use()
    for value in (x[0], leaf(1.0)):
        with pytest.raises(ValueError, match="array element") as caught:  # NumPy's error, ours its cause
            target[0] = value
        assert isinstance(caught.value.__cause__, UnsupportedError)
        assert "a[i] = x" in str(caught.value.__cause__)
    for read in (lambda: np.sum(target, initial=leaf(1.0)), lambda: target.max(initial=leaf(1.0))):
        with pytest.raises(ValueError, match="array element") as caught:
            read()
        assert "initial=x.item()" in str(caught.value.__cause__)
    assert not target.any()
    assert np.shares_memory(x.numpy(), x.data) and x.detach().requires_grad is False
    assert np.asarray(x.detach()).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("outside", [True, False])
def test_the_math_module_does_not_cut_the_graph(outside: bool) -> None:
    sine = math.sin

    def f(x: Any) -> Any:
        return math.sin(x) * x

    for call in (f, lambda x: sine(x), lambda x: sum(math.exp(v) for v in [x, x])):
        with pytest.raises(UnsupportedError, match=r"np\.sin"):
            call(leaf(1.0)) if outside else ag.grad(call)(1.0)
    assert float(leaf(2.0) * math.sqrt(4.0)) == 4.0
    assert math.sin(leaf(0.0).detach()) == 0.0


def test_python_numbers_of_a_tensor() -> None:
    x = leaf(2.0)
    for use in (float, complex):
        with pytest.raises(DTypeError, match=r"shape \(2,\)"):
            use(leaf([1.0, 2.0]))
    with pytest.raises(ShapeError, match="one entry"):
        f"{leaf([1.0, 2.0]):.2f}"
    assert (float(x), int(x), bool(x), complex(x)) == (2.0, 2, True, 2 + 0j)
    with pytest.raises(UnsupportedError, match=r"np\.sin"):
        ag.grad(lambda x: math.sin(x))(1.0)
    assert ag.grad(lambda x: x * x.item())(3.0) == 3.0


def test_comparisons_and_piecewise_constant_functions_give_plain_arrays() -> None:
    x = leaf([-1.5, 0.5])
    for y in (
        x > 0,
        x == x,
        np.floor(x),
        np.round(x),
        np.sign(x),
        np.argmax(x),
        x // 1,
        np.isnan(x),
        x.argsort(),
    ):
        assert isinstance(y, (np.ndarray, np.generic)) and not isinstance(y, ag.Tensor)
    assert x in {x} and len({x, leaf([1.0])}) == 2


# -- operators and dispatch ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other", [2, 2.5, np.float64(2.5), np.array([1.0, 2.0]), [1.0, 2.0], ag.Tensor([3.0, 4.0])]
)
@pytest.mark.parametrize("op", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow])
def test_operators_take_arrays_and_numbers_on_either_side(op: Any, other: Any) -> None:
    x = leaf([1.5, 2.5])
    plain = other.numpy() if isinstance(other, ag.Tensor) else np.asarray(other)
    for left, right, a, b in ((x, other, x.numpy(), plain), (other, x, plain, x.numpy())):
        y = op(left, right)
        assert isinstance(y, ag.Tensor) and y.requires_grad
        np.testing.assert_allclose(y.numpy(), op(a, b), rtol=1e-15)


@pytest.mark.parametrize("value", [2, 2.5])
def test_python_numbers_keep_float32(value: Any) -> None:
    x = leaf(np.ones(2, np.float32))
    for y in (x + value, value * x, x**value, np.maximum(x, value), x / value, leaf(np.float32(1.0)) * value):
        assert y.dtype == np.float32


def test_an_unknown_operand_gets_its_chance() -> None:
    class Other:
        def __radd__(self, x: Any) -> str:
            return "mine"

    assert leaf(1.0) + Other() == "mine"
    with pytest.raises(TypeError):
        leaf(1.0) + object()


def test_numpy_functions_see_tensors_given_by_keyword() -> None:
    x = leaf([1.0, -2.0])
    np.sum(a=np.clip(a=x, a_min=-1.0, a_max=None)).backward()
    assert x.grad.tolist() == [1.0, 0.0]


# -- bad input -------------------------------------------------------------------------------------


GAMMA = np.frompyfunc(math.gamma, 1, 1)
"""A ufunc that nobody gave a rule."""


@pytest.mark.parametrize(
    ("call", "error", "builtin", "words"),
    [
        (lambda x: x + np.ones(4), ShapeError, ValueError, ["add", "(2, 3)", "(4,)", "line up"]),
        (lambda x: np.add(x, np.ones((2,))), ShapeError, ValueError, ["(2, 3)", "(2,)", "x[:, None]"]),
        (lambda x: x @ x, ShapeError, ValueError, ["matmul", "(2, 3)", "3", "a @ b.mT"]),
        (lambda x: np.dot(x, np.ones(2)), ShapeError, ValueError, ["matmul", "(2, 3)", "(2,)"]),
        (lambda x: x.reshape(5, 2), ShapeError, ValueError, ["reshape", "(2, 3)"]),
        (lambda x: np.sum(x, axis=3), AxisError, np.exceptions.AxisError, ["axis 3"]),
        (lambda x: x[5], IndexingError, IndexError, ["getitem", "5"]),
        (lambda x: x[leaf([0.5])], DTypeError, TypeError, ["astype(int)"]),
        (lambda x: np.sin(x, out=np.zeros((2, 3))), UnsupportedError, TypeError, ["out=", "a = a + x"]),
        (lambda x: np.sin(x, where=x > 0), UnsupportedError, TypeError, ["where=", "np.where"]),
        (lambda x: np.sum(x, where=x > 0), UnsupportedError, TypeError, ["where="]),
        (lambda x: np.add.reduce(x), UnsupportedError, TypeError, ["np.sum"]),
        (lambda x: operator.iadd(np.ones((2, 3)), x), UnsupportedError, TypeError, ["out="]),
        (GAMMA, NotDifferentiableError, TypeError, ["gamma", "defvjp", "Supported ops", "sin"]),
        (lambda x: np.einsum("ij,jk", x), ShapeError, ValueError, ["einsum", "2 operands"]),
        (lambda x: np.concatenate([x, np.ones(3)]), ShapeError, ValueError, ["concatenate"]),
        (lambda x: x.item(), ShapeError, ValueError, ["(2, 3)", ".tolist()"]),
        (lambda x: iter(x[0, 0]), DTypeError, TypeError, ["x.item()"]),
    ],
)  # fmt: skip
def test_errors_are_of_the_family_and_say_how_to_repair(
    call: Any, error: Any, builtin: Any, words: list[str]
) -> None:
    x = leaf(np.ones((2, 3)))
    with pytest.raises(builtin) as caught:
        call(x)
    assert isinstance(caught.value, error) and isinstance(caught.value, AutogradLiteError)
    for word in words:
        assert word in str(caught.value), str(caught.value)
    assert x.grad is None and ag.is_recording()


def test_an_op_without_a_rule_is_fine_off_the_tape() -> None:
    assert np.i0(ag.Tensor([0.0])) == 1.0


@pytest.mark.parametrize(
    ("f", "advice"),
    [
        (lambda x: np.sum(x, 0, None, np.zeros(3)), "out="),
        (lambda x: np.sum(x, initial=x[0, 0]), "no gradient goes to initial"),
        (lambda x: np.median(x, overwrite_input=True), "overwrite_input"),
        (lambda x: np.ptp(x, 0, np.zeros(3)), "out="),
        (lambda x: np.add.at(x, 0, 1.0), "np.sum"),
        (lambda x: ag.Tensor(x), r"x\.copy\(\)"),
        (lambda x: np.full_like(np.ones(2), x[0, 0]), "copyto"),
        (lambda x: np.histogram(np.ones(3), weights=x[0]), "bincount"),
        (lambda x: np.unique(x), "unique"),
    ],
)
def test_no_graph_is_cut_in_silence(f: Any, advice: str) -> None:
    with pytest.raises(AutogradLiteError, match=advice):
        f(leaf(np.ones((2, 3))))


def test_options_by_position_are_the_same_as_by_name() -> None:
    x = leaf(np.arange(6.0).reshape(2, 3))
    assert np.sum(x, 1, None, None, True).shape == (2, 1)
    np.var(x, 0, None, None, 1).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [[-3.0] * 3, [3.0] * 3])
    assert np.ptp(x, 1, None, True).shape == (2, 1)
    assert np.take(x, [0, 1], 1, None).shape == (2, 2)


def test_what_is_cast_to_integers_carries_no_gradient() -> None:
    x = leaf([1.5, 2.5])
    assert not np.sum(x, dtype=int).requires_grad and not x.astype(int).requires_grad


# -- assignment ------------------------------------------------------------------------------------


def test_assignment_rebinds_and_keeps_what_was_recorded() -> None:
    a = leaf([1.0, 2.0, 3.0])
    x = a * 1.0
    before = x * x
    x[0] = 7.0
    after = x * x
    assert before.tolist() == [1.0, 4.0, 9.0] and after.tolist() == [49.0, 4.0, 9.0]
    (before.sum() + after.sum()).backward()
    assert a.grad.tolist() == [2.0, 8.0, 12.0]


def test_gradients_of_assigned_values() -> None:
    v = leaf([10.0, 20.0, 30.0])
    x = ag.Tensor(np.zeros(4))
    x[[0, 0, 2]] = v
    assert x.tolist() == [20.0, 0.0, 30.0, 0.0]
    (x * np.arange(1.0, 5.0)).sum().backward()
    assert v.grad.tolist() == [0.0, 1.0, 3.0]  # the first was overwritten


def test_in_place_operators_rebind_the_object() -> None:
    a = leaf([1.0, 2.0])
    x = a * 2
    y = x
    x += 1.0
    x *= a
    assert y is x and x.tolist() == [3.0, 10.0]
    x.sum().backward()
    assert a.grad.tolist() == [5.0, 9.0]
    z = ag.Tensor(np.ones(2, np.float32))
    z += np.ones(2)
    assert z.dtype == np.float32
    with pytest.raises(ShapeError, match=r"x = x \+ y"):
        z += np.ones((3, 2))
    with pytest.raises(DTypeError, match=r"x = x \* y"):
        z *= 1j
    z %= 2
    assert z.tolist() == [0.0, 0.0] and divmod(z, 2)[1].tolist() == [0.0, 0.0]


def test_leaves_cannot_be_assigned_to_but_can_be_updated_off_the_tape() -> None:
    x = leaf([1.0, 2.0])
    y = x * x
    for change in (
        lambda: operator.setitem(x, 0, 5.0),
        lambda: operator.iadd(x, 1.0),
        lambda: operator.imod(x, 2.0),
        lambda: operator.ifloordiv(x, 2.0),
    ):
        with pytest.raises(RuntimeError, match=r"no_grad\(\)") as caught:
            change()
        assert isinstance(caught.value, AssignmentError)
    assert x.tolist() == [1.0, 2.0]
    with ag.no_grad():
        x -= 0.5
        x[0] = 9.0
    assert x.tolist() == [9.0, 1.5] and x.is_leaf and x.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]  # of what was recorded


def test_views_see_what_is_assigned_and_others_do_not() -> None:
    x = ag.Tensor(np.arange(4.0))
    view, same = x[1:], x.detach()
    x[1] = 100.0
    assert view.tolist() == [100.0, 2.0, 3.0] and same.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_float_that_needs_a_gradient_cannot_be_assigned_into_integers() -> None:
    x = ag.Tensor(np.zeros(3, int))
    with pytest.raises(DTypeError, match="astype"):
        x[0] = leaf(2.5)
    assert x.tolist() == [0, 0, 0]


def test_indices_may_be_tensors() -> None:
    x = leaf([1.0, 2.0, 3.0])
    y = x[ag.Tensor([0, 2])] + x[ag.Tensor([True, False, True])] + x[[ag.Tensor(0), ag.Tensor(1)]]
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 1.0, 2.0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_complex_number_on_the_left_of_a_single_number(dtype: Any) -> None:
    x = ag.Tensor(2.0, requires_grad=True, dtype=dtype)
    y = 1j * x
    assert y.dtype == np.result_type(dtype, np.complex64) and isinstance(y.numpy(), np.ndarray)
    np.imag(y * y * 1j).backward()
    assert x.grad is not None and x.grad.item() == -4.0


# -- NumPy's array methods -------------------------------------------------------------------------

A = np.array([[0.5, -1.5, 2.5], [3.5, 0.25, -0.75]])
METHODS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *(
        (name, args, kwargs)
        for name in ("sum", "prod", "mean", "var", "std")
        for args, kwargs in (((), {}), ((0,), {"keepdims": True}), ((1, np.float32), {}), (((0, 1),), {}))
    ),
    *((name, args, {}) for name in ("max", "min") for args in ((), (0,), (1, None, True))),
    *((name, (), {"axis": 0, "keepdims": True}) for name in ("max", "min", "any", "all", "argmax", "argmin")),
    *((name, args, {}) for name in ("cumsum", "cumprod") for args in ((), (0,), (-1, np.complex128))),
    *((name, (1,), {}) for name in ("argmax", "argmin", "argsort", "any", "all")),
    *((name, (), {}) for name in ("conj", "conjugate", "nonzero", "copy", "flatten", "ravel", "tolist")),
    *((name, (), {"order": "F"}) for name in ("copy", "flatten", "ravel")),
    ("trace", (), {}),
    ("trace", (1, 1, 0), {"dtype": complex}),
    ("diagonal", (), {}),
    ("diagonal", (), {"offset": 1, "axis1": 1, "axis2": 0}),
    ("dot", (A.T,), {}),
    ("clip", (0, 1), {}),
    ("clip", (), {"min": 0}),
    ("clip", (), {"max": 1}),
    ("swapaxes", (0, -1), {}),
    ("squeeze", (), {}),
    ("repeat", (2,), {}),
    ("repeat", ([1, 2],), {"axis": 0}),
    ("take", ([[0, 5]],), {}),
    ("take", ([3, -4], 1, None, "wrap"), {}),
    ("compress", ([0, 1],), {}),
    ("compress", ([True, False], 0), {}),
    ("reshape", (3, 2), {}),
    ("reshape", ((3, -1),), {"order": "F"}),
    ("transpose", (), {}),
    ("transpose", (1, 0), {}),
    ("transpose", ((1, 0),), {}),
    ("transpose", (None,), {}),
    ("astype", (np.float32,), {}),
    ("astype", (int,), {}),
    ("astype", (), {"dtype": np.float32, "casting": "same_kind", "copy": False}),
    ("argsort", (), {"axis": None}),
    ("argsort", (0, "stable"), {}),
    ("argsort", (), {"stable": True}),
    ("argpartition", (1,), {}),
    ("searchsorted", ([0.3],), {"side": "right", "sorter": [1, 0]}),
    ("round", (1,), {}),
    ("item", (4,), {}),
    ("item", (-1,), {}),
    ("item", (1, -2), {}),
    ("item", ((1, 2),), {}),
]  # fmt: skip
IN_PLACE: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("fill", (3.0,), {}),
    ("put", ([0, -1], [7.0, 8.0]), {}),
    ("put", ([9], 7.0), {"mode": "clip"}),
    ("sort", (), {}),
    ("sort", (0,), {"kind": "stable"}),
    ("partition", (1,), {}),
    ("partition", (1, 0), {}),
    ("resize", (4, 2), {"refcheck": False}),
    ("resize", ((2, 2),), {"refcheck": False}),
]
NOT_OURS = {
    "byteswap", "ctypes", "dump", "dumps", "flags", "flat", "getfield", "itemset",
    "newbyteorder", "ptp", "setfield", "setflags", "strides", "to_device", "tobytes", "tofile", "tostring",
}  # fmt: skip
"""What a Tensor has not: the array's memory, and ways to write into it."""


def test_every_attribute_of_an_array_is_thought_of() -> None:
    x = leaf(A)
    for name in dir(np.ndarray):
        if name.startswith("_"):
            continue
        if name in NOT_OURS:
            with pytest.raises(AttributeError, match=r"write (x|np)\b") as caught:
                getattr(x, name)
            assert isinstance(caught.value, AutogradLiteError) and name in str(caught.value)
        else:
            assert getattr(x[0:], name) is not None
    assert x.base is None
    tried = {name for name, _, _ in METHODS + IN_PLACE} | {"choose", "view"}
    methods = {name for name in dir(np.ndarray) if callable(getattr(np.ndarray, name)) and name[0] != "_"}
    assert methods - NOT_OURS - tried == set()
    assert not hasattr(x, "nosuch") and getattr(x, "nosuch", 1) == 1
    with pytest.raises(AttributeError, match="no sums"):
        x.sums()


@pytest.mark.parametrize(("name", "args", "kwargs"), METHODS, ids=str)
def test_methods_take_what_the_methods_of_arrays_take(name: str, args: Any, kwargs: Any) -> None:
    array = A[0] if name == "searchsorted" else A
    if name == "searchsorted":
        kwargs = {**kwargs, "sorter": np.argsort(array)}
    expected = getattr(array, name)(*args, **kwargs)
    for x in (leaf(array), ag.Tensor(array)):
        got = getattr(x, name)(*args, **kwargs)
        constant = np.asarray(expected).dtype.kind not in "fc" or name in {"round", "item", "tolist"}
        assert isinstance(got, ag.Tensor) == (not constant or name == "astype")
        assert constant or got.requires_grad == x.requires_grad
        for y, z in zip(got, expected, strict=True) if isinstance(expected, tuple) else [(got, expected)]:
            plain = y.numpy() if isinstance(y, ag.Tensor) else np.asarray(y)
            assert plain.dtype == np.asarray(z).dtype
            np.testing.assert_allclose(plain, z, rtol=1e-6 if plain.dtype == np.float32 else 1e-15)


def test_an_index_chooses() -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    chosen = ag.Tensor([1, 0]).choose([x, y])
    chosen.sum().backward()
    assert chosen.tolist() == [3.0, 2.0] and (x.grad.tolist(), y.grad.tolist()) == ([0.0, 1.0], [1.0, 0.0])


@pytest.mark.parametrize(("name", "args", "kwargs"), IN_PLACE, ids=str)
def test_methods_that_write_rebind(name: str, args: Any, kwargs: Any) -> None:
    expected = A.copy()
    getattr(expected, name)(*args, **kwargs)
    a = leaf(A)
    with pytest.raises(AssignmentError, match=r"no_grad\(\)"):
        getattr(a, name)(*args, **kwargs)
    x = a * 1.0
    before = x.sum()
    assert getattr(x, name)(*args, **kwargs) is None
    assert np.array_equal(x.numpy(), expected) and before.item() == A.sum()
    (x * x).sum().backward()
    kept = [v for v in A.ravel() if v in expected]
    np.testing.assert_allclose(np.sort(a.grad.numpy()[np.isin(A, kept)]), np.sort([2 * v for v in kept]))


@pytest.mark.parametrize("name", ["sum", "mean", "cumsum", "max", "clip", "take", "trace", "compress", "any"])
def test_methods_refuse_out(name: str) -> None:
    args = {"clip": (0, 1), "take": ([0],), "compress": ([0, 1], 1)}.get(name, ())
    with pytest.raises(UnsupportedError, match="out="):
        getattr(leaf(A), name)(*args, out=np.zeros(3))


def test_whole_numbers_shift() -> None:
    x = ag.Tensor([1, 2, 3])
    assert (x << 1).tolist() == [2, 4, 6] and (8 >> x).tolist() == [4, 2, 1]
    assert (1 << x).tolist() == [2, 4, 8] and (x >> 1).tolist() == [0, 1, 1]
