"""Each line that an error advises runs, and gives NumPy's number for the refused call."""

import functools
import itertools
import re

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import NotDifferentiableError, UnsupportedError

A = np.array([[0.5, -1.25, 2.0], [3.0, 0.75, -0.5]])
B = np.array([[1.5, 0.25, -2.0], [1.0, 4.0, 0.5]])
V = np.array([0.5, -1.25, 2.0, 0.75])
MASK = np.array([[True, False, True], [True, True, False]])
ROW = np.array([True, False, True])  # a mask that is broadcast

NAMES = {"np": np, "ag": ag, "functools": functools, "itertools": itertools}


def advised(message):
    """The line of code in a message."""
    line = re.search(r"write (.*?)(?:, or give a plain .*|, for indices .*|, and a = a .*)?$", message).group(
        1
    )
    return re.sub(r"^(?:out|a) = (?!.*then)", "", line)


def in_place_of(call, *arrays, **given):
    """Compare what NumPy gives for a call with what the line gives that is advised where x is on the tape."""
    expected = call(*arrays, **given)
    leaves = [ag.Tensor(a, requires_grad=True) for a in arrays]
    with pytest.raises(UnsupportedError) as raised:
        call(*leaves, **given)
    line = advised(str(raised.value))
    scope = {**NAMES, **dict(zip("xy", leaves, strict=False)), **given}
    result = eval(line, scope)
    assert isinstance(result, ag.Tensor), line
    assert result.requires_grad, line
    rtol = 1e-14 if arrays[0].dtype == float else 1e-6
    np.testing.assert_allclose(result.numpy(), expected, rtol=rtol, atol=0, err_msg=line)
    assert result.dtype == np.asarray(expected).dtype
    result.sum().backward()
    assert np.isfinite(leaves[0].grad.numpy()).all()


MASKED = {
    "mean": lambda x, mask: np.mean(x, where=mask),
    "mean of columns": lambda x, mask: np.mean(x, axis=0, where=mask),
    "mean by position": lambda x, mask: np.mean(x, 1, where=mask),
    "mean, axis kept": lambda x, mask: np.mean(x, axis=1, keepdims=True, where=mask),
    "the method mean": lambda x, mask: x.mean(where=mask),
    "sum": lambda x, mask: np.sum(x, where=mask),
    "sum of rows": lambda x, mask: np.sum(x, axis=-1, where=mask),
    "sum from a number on": lambda x, mask: np.sum(x, initial=2.5, where=mask),
    "sum along both axes": lambda x, mask: np.sum(x, axis=(0, 1), where=mask),
    "prod": lambda x, mask: np.prod(x, axis=0, where=mask),
    "max": lambda x, mask: np.max(x, axis=0, initial=-np.inf, where=mask),
    "max from a number on": lambda x, mask: np.max(x, initial=1.5, where=mask),
    "min": lambda x, mask: np.min(x, axis=1, initial=np.inf, where=mask),
    "amin": lambda x, mask: np.amin(x, initial=0.25, where=mask),
    "var": lambda x, mask: np.var(x, where=mask),
    "var, ddof": lambda x, mask: np.var(x, axis=1, ddof=1, where=mask),
    "std": lambda x, mask: np.std(x, axis=1, keepdims=True, where=mask),
    "nansum": lambda x, mask: np.nansum(x, axis=0, where=mask),
    "nanmean": lambda x, mask: np.nanmean(x, axis=0, where=mask),
    "nanstd": lambda x, mask: np.nanstd(x, axis=1, where=mask),
    "nanprod": lambda x, mask: np.nanprod(x, axis=1, where=mask),
    "add.reduce": lambda x, mask: np.add.reduce(x, axis=1, where=mask),
    "maximum.reduce": lambda x, mask: np.maximum.reduce(x, axis=1, initial=-9.0, where=mask),
}


BROADCAST = ("mean", "mean by position", "the method mean", "sum", "max from a number on", "var, ddof", "std")


@pytest.mark.parametrize("call", MASKED.values(), ids=MASKED)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_where_in_a_reduction(call, dtype):
    in_place_of(call, A.astype(dtype), mask=MASK)


@pytest.mark.parametrize("call", [MASKED[name] for name in BROADCAST], ids=BROADCAST)
def test_where_in_a_reduction_with_a_mask_that_is_broadcast(call):
    in_place_of(call, A, mask=ROW)


@pytest.mark.parametrize("call", [np.exp, np.tanh, np.square])
def test_where_of_one_operand_keeps_what_out_holds(call):
    def run(x, mask, out):
        return call(x, out=out.copy(), where=mask)

    in_place_of(run, A, mask=MASK, out=np.full((2, 3), 7.0))


@pytest.mark.parametrize("call", [np.add, np.divide, np.hypot, np.maximum])
def test_where_of_two_operands(call):
    in_place_of(lambda x, y, mask, out: call(x, y, out=out.copy(), where=mask), A, B, mask=MASK, out=B + 1)
    with pytest.raises(UnsupportedError, match=re.escape("np.where(mask, np.")):
        call(ag.Tensor(A, requires_grad=True), B, where=MASK)


OUT = {
    "exp": lambda x, out: np.exp(x, out=out),
    "add": lambda x, out: np.add(x, x, out=out),
    "clip": lambda x, out: np.clip(x, -0.5, 0.5, out=out),
    "cumsum": lambda x, out: np.cumsum(x, axis=1, out=out),
    "round trip": lambda x, out: np.matmul(x, np.eye(3), out=out),
    "concatenate": lambda x, out: np.concatenate([x[:1], x[1:]], out=out),
    "stack": lambda x, out: np.stack([x[0], x[1]], axis=0, out=out),
}


@pytest.mark.parametrize("call", OUT.values(), ids=OUT)
def test_out(call):
    out = np.empty((2, 3))
    leaf = ag.Tensor(A, requires_grad=True)
    with pytest.raises(UnsupportedError, match="out = ") as raised:
        call(leaf, out)
    expected = call(A, out).copy()
    line = re.search(r"out = (.*), and a = a \+ x", str(raised.value)).group(1)
    scope = {**NAMES, "x": leaf, "y": leaf if "add" in line else np.eye(3)}
    if "[x, y]" in line:
        scope |= {
            "x": leaf[:1] if "concat" in line else leaf[0],
            "y": leaf[1:] if "concat" in line else leaf[1],
        }
    np.testing.assert_array_equal(eval(line, scope).numpy(), expected)


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**", "%"])
def test_an_operator_in_place_of_a_plain_array(symbol):
    leaf, a = ag.Tensor([1.0, 2.0], requires_grad=True), np.array([3.0, 5.0])
    with pytest.raises(UnsupportedError, match="out=") as raised:
        exec(f"a {symbol}= x", {"a": a, "x": leaf})
    scope = {"a": a, "x": leaf}
    exec(re.search(r"write (.*) for", str(raised.value)).group(1), scope)
    expected = eval(f"a {symbol} x", {"a": a, "x": leaf.numpy()})
    np.testing.assert_array_equal(scope["a"].numpy(), expected)
    assert scope["a"].requires_grad


METHODS = {
    "add.reduce": lambda x: np.add.reduce(x),
    "add.reduce, rows": lambda x: np.add.reduce(x, 1),
    "add.reduce, all": lambda x: np.add.reduce(x, axis=None),
    "multiply.reduce": lambda x: np.multiply.reduce(x, axis=1, keepdims=True),
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=-1),
    "minimum.reduce": lambda x: np.minimum.reduce(x),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x, axis=1),
    "subtract.reduce": lambda x: np.subtract.reduce(x, axis=1),
    "hypot.reduce": lambda x: np.hypot.reduce(x),
    "add.accumulate": lambda x: np.add.accumulate(x, axis=1),
    "multiply.accumulate": lambda x: np.multiply.accumulate(x),
    "maximum.accumulate": lambda x: np.maximum.accumulate(x, axis=1),
    "logaddexp.accumulate": lambda x: np.logaddexp.accumulate(x),
    "add.outer": lambda x: np.add.outer(x, 2.0),
    "add.reduceat": lambda x, indices: np.add.reduceat(x, indices, axis=1),
    "add.reduceat, rows": lambda x, indices: np.add.reduceat(x, indices[:2]),
}


@pytest.mark.parametrize("call", METHODS.values(), ids=METHODS)
def test_methods_of_ufuncs(call):
    given = {"indices": [0, 1]} if "reduceat" in repr(call.__code__.co_names) else {}
    expected = call(A, **given)
    leaf = ag.Tensor(A, requires_grad=True)
    with pytest.raises(UnsupportedError) as raised:
        call(leaf, **given)
    result = eval(advised(str(raised.value)), {**NAMES, "x": leaf, "y": 2.0, **given})
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-14)


@pytest.mark.parametrize("op", [np.add, np.subtract, np.multiply, np.arctan2, np.maximum])
@pytest.mark.parametrize(("first", "second"), [(A, B), (V, A), (A, V), (V, V)])
def test_outer(op, first, second):
    in_place_of(lambda x, y: op.outer(x, y), first, second)


AT = {
    "add, an index twice": (np.add, [0, 1, 1, 3], V),
    "multiply": (np.multiply, [2, 2, 0], V[:3]),
    "one value": (np.subtract, [1, 1], 0.5),
    "no value": (np.negative, [0, 0, 2], None),
    "one index": (np.add, 2, 0.5),
    "a slice": (np.add, slice(1, 3), V[:2]),
    "a tuple": (np.maximum, ([0, 0, 3],), V[:3]),
}


@pytest.mark.parametrize(("op", "indices", "values"), AT.values(), ids=AT)
@pytest.mark.parametrize("kind", ["an array", "a leaf", "a result"])
def test_at(op, indices, values, kind):
    expected = V.copy()
    op.at(expected, indices, *([] if values is None else [values]))
    x = {"an array": V.copy(), "a leaf": ag.Tensor(V, requires_grad=True)}.get(kind)
    x = ag.Tensor(V, requires_grad=True) * 1.0 if x is None else x
    y = None if values is None else ag.Tensor(values, requires_grad=True)
    if y is None and kind == "an array":  # nothing is on the tape: NumPy's own
        op.at(x, indices)
        np.testing.assert_array_equal(x, expected)
        return
    with pytest.raises(UnsupportedError) as raised:
        op.at(x, indices, *([] if y is None else [y]))
    scope = {**NAMES, "a": x, "x": x, "y": y, "indices": indices, "i": indices}
    start, loop = re.search(r"write (.*), then (.*?)(?:; all entries.*)?$", str(raised.value)).groups()
    exec(start, scope)
    exec(loop, scope)
    np.testing.assert_array_equal(scope["a"].numpy(), expected)
    assert scope["a"].requires_grad


INITIAL = {
    "sum": lambda x, initial: np.sum(x, initial=initial),
    "sum of columns": lambda x, initial: np.sum(x, axis=0, initial=initial),
    "prod": lambda x, initial: np.prod(x, axis=1, initial=initial),
    "max": lambda x, initial: np.max(x, axis=1, initial=initial),
    "min": lambda x, initial: x.min(initial=initial),
}


@pytest.mark.parametrize("call", INITIAL.values(), ids=INITIAL)
def test_initial(call):
    leaf, first = ag.Tensor(A, requires_grad=True), ag.Tensor(0.25, requires_grad=True)
    with pytest.raises(UnsupportedError, match=r"initial=initial\.item\(\)") as raised:
        call(leaf, first)
    result = eval(advised(str(raised.value)), {**NAMES, "x": leaf, "initial": first})
    np.testing.assert_allclose(result.numpy(), call(A, 0.25), rtol=1e-15)
    np.testing.assert_allclose(call(leaf, first.item()).numpy(), call(A, 0.25), rtol=1e-15)
    result.sum().backward()
    assert first.grad is not None


OPTIONS = {
    "dtype": lambda x: np.exp(x, dtype=np.float32),
    "dtype of two": lambda x: np.add(x, x, dtype="f4"),
}


@pytest.mark.parametrize("call", OPTIONS.values(), ids=OPTIONS)
def test_dtype(call):
    leaf = ag.Tensor(A, requires_grad=True)
    with pytest.raises(UnsupportedError) as raised:
        call(leaf)
    result = eval(advised(str(raised.value)), {**NAMES, "x": leaf, "y": leaf})
    np.testing.assert_array_equal(result.numpy(), call(A))
    assert result.dtype == np.float32


@pytest.mark.parametrize(("keyword", "value"), [("order", "F"), ("subok", False), ("casting", "unsafe")])
def test_what_changes_no_number_may_be_left_out(keyword, value):
    leaf = ag.Tensor(A, requires_grad=True)
    with pytest.raises(UnsupportedError, match=f"leave {keyword} out"):
        np.sin(leaf, **{keyword: value})
    np.testing.assert_array_equal(np.sin(leaf).numpy(), np.sin(A, **{keyword: value}))


@pytest.mark.parametrize(
    "axes", [[(0, 1), (1, 0), (0, 1)], [(1, 0), (0, 1), (1, 0)], [(-2, -1), (1, 0), (-1, -2)]]
)
def test_axes(axes):
    in_place_of(lambda x, y: np.matmul(x, y, axes=axes), A, B)


# -- names -----------------------------------------------------------------------------------------


def test_functions_are_called_by_the_module_that_they_are_from():
    x = ag.Tensor([[0.3, 0.2], [0.1, 0.4]], requires_grad=True)

    @ag.primitive
    def mine(x):
        return x

    for call, name in [
        (lambda: np.histogram(x), "np.histogram counts"),
        (lambda: np.nextafter(x, x), "np.nextafter returns a neighbour"),
        (lambda: np.fft.fft(x, out=np.empty(2, complex)), "write out = np.fft.fft(x)"),
        (lambda: np.exp(x, out=np.empty((2, 2))), "np.exp(..., out=...)"),
        (lambda: np.add.reduce(x), "np.add.reduce"),
        (lambda: mine(x), "mine has no derivative rule"),
    ]:
        with pytest.raises((NotDifferentiableError, UnsupportedError, TypeError), match=re.escape(name)):
            call()


def test_scipys_functions_are_called_scipys():
    special = pytest.importorskip("scipy.special")
    x = ag.Tensor([0.3, 0.2], requires_grad=True)
    with pytest.raises(NotDifferentiableError, match=re.escape("ag.defvjp(scipy.special.struve, lambda")):
        special.struve(0.5, x)


# -- functions that are refused --------------------------------------------------------------------


def test_what_stands_in_for_a_histogram_with_weights():
    values, edges = np.array([0.0, 0.1, 0.5, 0.9, 1.0]), np.array([0.0, 0.25, 0.5, 1.0])
    x, weights = ag.Tensor(values), ag.Tensor(np.arange(1.0, 6.0), requires_grad=True)
    with pytest.raises(NotDifferentiableError) as raised:
        np.histogram(x, edges, weights=weights)
    line = re.search(r"write (.*); where", str(raised.value)).group(1)
    result = eval(line, {**NAMES, "x": x, "edges": edges, "weights": weights})
    np.testing.assert_allclose(result.numpy(), np.histogram(values, edges, weights=np.arange(1.0, 6.0))[0])
    assert result.requires_grad


def test_what_stands_in_for_unique():
    x = ag.Tensor([2.0, 1.0, 2.0, 3.0], requires_grad=True)
    with pytest.raises(NotDifferentiableError) as raised:
        np.unique(x)
    line = re.search(r"write (.*); where", str(raised.value)).group(1)
    np.testing.assert_array_equal(eval(line, {**NAMES, "x": x}).numpy(), [1.0, 2.0, 3.0])
