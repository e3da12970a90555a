"""Lists that hold Tensors, and lists of numbers beside a Tensor, are recorded as by np.stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import AutogradLiteError, UnsupportedError
from tests.helpers import check_both_orders, second_order
from tests.samples import SAMPLES, Sample

V, W, S = np.array([1.0, 2.5, 4.0]), np.array([3.0, 5.0, 4.5]), np.array(2.0)

HOLDING: dict[str, Callable[[Any, Any, Any], Any]] = {
    "x - [s, s, 1]": lambda x, y, s: x - [s, s, 1.0],
    "[s, 1, s] * x": lambda x, y, s: [s, 1.0, s] * x,
    "[x, y] @ x": lambda x, y, s: [x, y] @ x,
    "maximum": lambda x, y, s: np.maximum([x, y], x),
    "matmul": lambda x, y, s: np.matmul([x, y], x),
    "dot": lambda x, y, s: np.dot([x, y], x),
    "inner": lambda x, y, s: np.inner([x, y], x),
    "outer": lambda x, y, s: np.outer([s, 1.0], x),
    "kron": lambda x, y, s: np.kron([s, 1.0], x),
    "cross": lambda x, y, s: np.cross([x, y], x),
    "tensordot": lambda x, y, s: np.tensordot([x, y], x, 1),
    "einsum": lambda x, y, s: np.einsum("ij,j->i", [x, y], x),
    "append": lambda x, y, s: np.append(x, [s, y[0]]),
    "insert": lambda x, y, s: np.insert(x, 1, [s, s]),
    "concatenate": lambda x, y, s: np.concatenate([x, [s, 1.0]]),
    "stack": lambda x, y, s: np.stack([x, [s, 1.0, s]]),
    "vstack": lambda x, y, s: np.vstack([x, [s, s, s]]),
    "hstack": lambda x, y, s: np.hstack([x, [s, s]]),
    "column_stack": lambda x, y, s: np.column_stack([x, [s, s, 1.0]]),
    "clip": lambda x, y, s: np.clip(x, [s, 1.0, s], 9.0),
    "where": lambda x, y, s: np.where(np.array([True, False, True]), [s, s, 1.0], x),
    "choose": lambda x, y, s: np.choose([0, 1, 0], [[s, s, s], x]),
    "select": lambda x, y, s: np.select([V > 2, V < 3], [[s, s, 1.0], x]),
    "linspace": lambda x, y, s: np.linspace([s, 1.0], x[:2], 3),
    "average": lambda x, y, s: np.average(x, weights=[s, 1.0, 2.0]),
    "solve": lambda x, y, s: np.linalg.solve([[s, 1.0], [1.0, 3.0]], x[:2]),
    "multi_dot": lambda x, y, s: np.linalg.multi_dot([[x, y], x]),
    "convolve": lambda x, y, s: np.convolve([s, 1.0], x),
    "interp": lambda x, y, s: np.interp([1.5, 0.5], [0.0, 1.0, 2.0], x),
    "polyval": lambda x, y, s: np.polyval([s, 1.0], x),
    "trapezoid": lambda x, y, s: np.trapezoid([s, 1.0, 2.0], x),
    "cov": lambda x, y, s: np.cov(x, [1, 3, 2]),
    "corrcoef": lambda x, y, s: np.corrcoef(x, [s, 1.0, 4.0]),
    "lstsq": lambda x, y, s: np.linalg.lstsq(np.stack([x, y], axis=1), [1.0, 2.0, 3.0])[0],
    "hypot": lambda x, y, s: np.hypot([x, y], x),
    "a tuple": lambda x, y, s: np.multiply((x, y), x),
}


def gradients(f: Callable[..., Any], arrays: Any) -> tuple[Any, list[Any]]:
    tensors = [ag.Tensor(a, requires_grad=True) for a in arrays]
    y = f(*tensors)
    y = y if isinstance(y, ag.Tensor) else ag.stop_gradient(y)
    np.sum(y * y).backward()
    return y.numpy(), [np.zeros(t.shape) if t.grad is None else t.grad.numpy() for t in tensors]


@pytest.mark.few(3)
@second_order
@pytest.mark.parametrize("name", HOLDING)
def test_a_list_that_holds_tensors_counts_as_their_stack(name: str, along: int | None) -> None:
    f, arrays = HOLDING[name], (V, W, S)
    value, _ = gradients(f, arrays)
    np.testing.assert_allclose(value, f(*arrays), rtol=1e-14)
    check_both_orders(f, arrays, along)


def with_lists(sample: Sample) -> list[tuple[Any, ...]]:
    """The arguments with one array as a list, for each array beside which a Tensor stays."""
    changed = []
    for i, arg in enumerate(sample.args):
        rest = [a for j, a in enumerate(sample.args) if j != i]
        if isinstance(arg, np.ndarray) and arg.ndim and any(_is_float(a) for a in rest):
            changed.append((*sample.args[:i], arg.tolist(), *sample.args[i + 1 :]))
    return changed


def _is_float(a: Any) -> bool:
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"


def _is_public(op: Any) -> bool:
    return isinstance(op, np.ufunc) or op.__module__.startswith("numpy")


BESIDE = [
    pytest.param(sample.op, args, sample.kwargs, id=f"{sample}-{i}")
    for sample in SAMPLES
    if _is_public(sample.op)
    for i, args in enumerate(with_lists(sample))
]


@pytest.mark.parametrize(("op", "args", "kwargs"), BESIDE)
def test_a_list_in_place_of_an_array_gives_what_numpy_gives(op: Any, args: Any, kwargs: Any) -> None:
    try:
        expected = op(*args, **kwargs)
    except AttributeError:
        pytest.skip("NumPy takes no list here")
    if op in (np.full_like, np.polyint):
        pytest.skip("NumPy asks the first argument alone whether it is a Tensor")
    tensors = [ag.Tensor(a, requires_grad=True) if _is_float(a) else a for a in args]
    got = op(*tensors, **kwargs)
    pairs = zip(*(v if isinstance(v, (tuple, list)) else (v,) for v in (got, expected)), strict=True)
    for y, z in pairs:
        np.testing.assert_allclose(y.numpy() if isinstance(y, ag.Tensor) else y, z, rtol=1e-13, atol=1e-14)


ADVICE: list[tuple[Callable[[Any, Any], Any], str]] = [
    (lambda x, y: np.mean([x, y]), r"np\.mean\(np\.stack\(\[x, y\]\)\)"),
    (lambda x, y: np.sum([x, y], axis=0), r"np\.sum\(np\.stack\(\[x, y\]\)\)"),
    (lambda x, y: np.linalg.norm([x, y]), r"np\.linalg\.norm\(np\.stack\(\[x, y\]\)\)"),
    (lambda x, y: np.linalg.det([x[:2], y[:2]]), r"np\.linalg\.det\(np\.stack\(\[x, y\]\)\)"),
    (lambda x, y: np.fft.fft([x, y]), r"np\.fft\.fft\(np\.stack\(\[x, y\]\)\)"),
    (lambda x, y: np.full((2, 3), x), r"np\.broadcast_to\(x, shape\)"),
    (lambda x, y: np.r_[x, y], r"np\.concatenate\(\[x, y\]\)"),
    (lambda x, y: np.c_[x, y], r"np\.stack\(\[x, y\], axis=1\)"),
    (lambda x, y: np.array([x, y]), r"np\.stack\(\[x, y\]\)"),
    (lambda x, y: np.exp([x, y]), r"np\.stack\(\[x, y\]\)"),
]


@pytest.mark.parametrize(("f", "line"), ADVICE)
def test_where_numpy_does_not_ask_the_error_says_the_line_that_works(f: Any, line: str) -> None:
    x, y = ag.Tensor(V, requires_grad=True), ag.Tensor(W, requires_grad=True)
    with pytest.raises(UnsupportedError, match=line):
        f(x, y)
    try:  # constants are plain numbers to NumPy
        f(x.detach(), y.detach())
    except AutogradLiteError as error:
        pytest.fail(str(error))


def test_a_users_op_still_takes_tensors_one_by_one() -> None:
    op = ag.primitive(lambda xs, y: xs[0] * y)
    with pytest.raises(UnsupportedError, match="argument of its own"):
        op([ag.Tensor(1.0)], ag.Tensor(2.0, requires_grad=True))
