"""Every op at every sample: value, derivatives of first and second order, shapes, dtypes."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.known import Composition, Constant, Rule, known
from autograd_lite.ops.decompositions import eigh, pinched, with_values
from autograd_lite.ops.equal import tilted
from autograd_lite.ops.singular import pinched_singular, svd, with_singular_values
from tests.helpers import at_samples, check_both_orders
from tests.samples import (
    CALLS,
    HERMITIAN,
    HOLOMORPHIC,
    NOT_HOLOMORPHIC,
    SAMPLES,
    Sample,
    is_numpys,
    without_phase,
)

INSIDE = {"output", "checkpointed", "looped"} | {"sign", "modf", "frexp", "divmod"}
INSIDE |= {"gathered", "laid_out", "_over_members", "_repeated"}  # what vmap records: tests/test_batching.py
INSIDE |= {"joined", "term"}  # what jet records: tests/test_series.py
"""Ops of the machinery, and ops that are constant in part: they have tests of their own."""

CHANNELS = {eigh, svd, with_values, with_singular_values, pinched, pinched_singular, tilted}
"""Ops with results that are always 0, whose cotangents mean something else, and what they are made of: their
tests are those of np.linalg.eigh and np.linalg.svd, and in `test_equal.py`."""


def own_ops() -> set[Any]:
    """What the engine registers; tests in the same process may have added ops of their own, and imported
    `autograd_lite.scipy`, `implicit` and `hips`, whose ops have tests there."""
    homes: tuple[str, ...] = ("numpy", "autograd_lite", "_operator")
    apart: tuple[str, ...] = ("autograd_lite.scipy", "autograd_lite.implicit", "autograd_lite.hips")
    if find_spec("scipy") is None:  # then nothing uses the derivatives of its functions
        apart += ("autograd_lite.ops.scipy_special",)
    listed = {op for op in known.all(Rule, Composition) if isinstance(op, np.ufunc) or of(op, homes)}
    return {op for op in listed if not of(op, apart) and not wraps_numpys(op)}


def wraps_numpys(op: Any) -> bool:
    """Whether an op has the name of a function of NumPy but is another one: a rule of `hips` for it."""
    return getattr(op, "__module__", "") == "numpy" and getattr(np, op.__name__, op) is not op


def of(op: Any, homes: tuple[str, ...]) -> bool:
    return str(getattr(op, "__module__", None)).startswith(homes)


def map_arrays(function: Any, value: Any) -> Any:
    if isinstance(value, (list, tuple)) and not isinstance(value, str):
        return type(value)(map_arrays(function, item) for item in value)
    if isinstance(value, (float, np.ndarray, np.generic)) and np.asarray(value).dtype.kind == "f":
        return function(value)
    return value


def leaves(value: Any) -> list[ag.Tensor]:
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item)]
    return [value] if isinstance(value, ag.Tensor) else []


def run(sample: Sample) -> tuple[list[ag.Tensor], Any]:
    """The op on leaves, and a sum over everything it returns."""
    args = map_arrays(lambda a: ag.Tensor(a, requires_grad=True), sample.args)
    out = sample.op(*args, **sample.kwargs)
    outs = out if isinstance(out, (tuple, list)) else (out,)
    total = sum(np.sum(np.real(y) * 0.5) for y in outs if isinstance(y, ag.Tensor))
    return leaves(args), total


def test_the_registry_and_the_samples_list_the_same_ops() -> None:
    listed = {op for op in own_ops() if op.__name__ not in INSIDE} - CHANNELS
    assert {op.__name__ for op in listed - set(CALLS)} == set()
    assert {op.__name__ for op in set(CALLS) - listed} == set()


@pytest.mark.parametrize(
    "op",
    [op for op in CALLS if is_numpys(op)],
    ids=lambda op: op.__name__,
)
def test_every_numpy_op_is_a_public_name(op: Any) -> None:
    home = {"numpy.linalg": ag.linalg, "numpy.fft": ag.fft}.get(getattr(op, "__module__", ""), ag)
    assert getattr(home, op.__name__) is op


def test_so_is_every_function_without_a_gradient() -> None:
    for name in ("argmax", "equal", "isin", "around", "zeros_like"):
        assert isinstance(known[getattr(np, name)], Constant)
        assert getattr(ag, name) is getattr(np, name)


@at_samples(SAMPLES)
def test_value_is_numpys(sample: Sample) -> None:
    args = map_arrays(ag.Tensor, sample.args)
    got, expected = sample.op(*args, **sample.kwargs), sample.op(*sample.args, **sample.kwargs)
    for y, z in zip(*((v if isinstance(v, (tuple, list)) else (v,)) for v in (got, expected)), strict=True):
        if isinstance(z, (int, np.integer)):  # a constant, such as the rank that lstsq finds
            assert y == z
            continue
        assert isinstance(y, ag.Tensor)
        assert y.dtype == np.asarray(z).dtype
        np.testing.assert_allclose(y.numpy(), z, rtol=1e-14, atol=1e-15)  # sums in another order


SLOW = pytest.mark.slow
FIRST = [(1, "direction", ()), (None, "entries", SLOW)]
"""How the first sample of each op is checked: along a direction, and slow entry by entry."""


def both_orders(samples: Iterable[Sample], others: list[Any]) -> list[Any]:
    """The cases of a test of derivatives: how the first sample of each op is checked, and how the others."""
    seen, cases = set(), []
    for sample in samples:
        for along, what, marks in others if sample.op.__name__ in seen else FIRST:
            cases.append(pytest.param(sample, along, id=f"{sample}-{what}", marks=marks))
        seen.add(sample.op.__name__)
    return cases


@pytest.mark.parametrize(
    ("sample", "along"), both_orders(SAMPLES, [(0, "first order", ()), (None, "entries", SLOW)])
)
def test_derivatives_agree_with_finite_differences(sample: Sample, along: int | None) -> None:
    def f(*args: Any) -> Any:
        if sample.op in HERMITIAN or sample.kwargs.get("hermitian"):
            a, *rest = args
            args = ((a + np.conjugate(np.matrix_transpose(a))) / 2, *rest)
        return without_phase(sample.op, sample.op(*args, **sample.kwargs))

    check_both_orders(f, sample.args, along)


OTHER_DTYPE = {"astype", "full_like"}  # told by a dtype, and by an argument that has no gradient
OTHER_DTYPE |= {"complement"}  # told by an array that has no gradient
OTHER_DTYPE |= {"float_power", "geomspace"}  # always float64
OTHER_DTYPE |= {"yn", "kn"}  # in SciPy, because of the integer order
OTHER_DTYPE |= {"cov", "corrcoef", "interp", "bincount", "polyint", "polyder", "vander"}  # and so are these


@at_samples(s for s in SAMPLES if s.op.__name__ not in OTHER_DTYPE)
def test_float32_stays_float32(sample: Sample) -> None:
    narrow = Sample(sample.op, map_arrays(np.float32, sample.args), sample.kwargs)
    inputs, total = run(narrow)
    assert total.dtype == np.float32
    total.backward()
    wide_inputs, wide_total = run(sample)
    wide_total.backward()
    for a, b in zip(inputs, wide_inputs, strict=True):
        assert a.grad is not None and b.grad is not None
        assert (a.grad.shape, a.grad.dtype) == (a.shape, np.float32)
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=2e-4, atol=2e-5)


@at_samples(SAMPLES)
def test_layout_of_the_input_does_not_matter(sample: Sample) -> None:
    """Read-only and strided views in, the same gradients out."""

    def strided(a: Any) -> Any:
        a = np.asarray(a)
        wide = np.zeros((*a.shape, 2)) if a.ndim else np.zeros(2)
        wide[..., 1] = a
        view = wide[..., 1]
        view.flags.writeable = False
        return view

    def gradients(args: Any) -> list[Any]:
        nested = [i for i, arg in enumerate(args) if leaves(map_arrays(ag.Tensor, arg))]

        def f(*changed: Any) -> Any:
            all_args = list(args)
            for i, arg in zip(nested, changed, strict=True):
                all_args[i] = arg
            out = sample.op(*all_args, **sample.kwargs)
            return sum(
                np.sum(np.real(y * np.conjugate(y)))
                for y in (out if isinstance(out, (tuple, list)) else (out,))
            )

        return ag.tree.flatten(list(ag.grad(f, tuple(range(len(nested))))(*(args[i] for i in nested))))[0]

    for a, b in zip(
        gradients(map_arrays(np.asarray, sample.args)),
        gradients(map_arrays(strided, sample.args)),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)  # BLAS adds up in another order


def complex_samples() -> list[Sample]:
    chosen = [s for s in SAMPLES if s.op in HOLOMORPHIC or s.op in NOT_HOLOMORPHIC]
    return [s for s in chosen if "where" not in s.kwargs and s.kwargs.get("mode") != "complete"]


@pytest.mark.parametrize(("sample", "along"), both_orders(complex_samples(), [(1, "direction", SLOW)]))
def test_complex_derivatives(sample: Sample, along: int | None) -> None:
    turn = np.exp(0.4j)
    args = map_arrays(lambda a: np.asarray(a) * turn + 0.1j, sample.args)
    check_both_orders(lambda *xs: sample.op(*xs, **sample.kwargs), args, along)


@pytest.mark.parametrize(
    "op",
    [
        np.sin,
        np.add,
        np.multiply,
        np.maximum,
        np.sum,
        np.mean,
        np.reshape,
        np.transpose,
        np.matmul,
        np.where,
        ag.softmax,
    ],
    ids=lambda op: op.__name__,
)
def test_empty_arrays_have_empty_gradients(op: Any) -> None:
    x = ag.Tensor(np.zeros((0, 3)), requires_grad=True)
    args = {
        np.add: (x, 1.0), np.multiply: (x, x), np.maximum: (x, 0.0), np.reshape: (x, (3, 0)),
        np.matmul: (x, np.ones((3, 2))), np.where: (x > 0, x, 0.0), np.mean: (x, 1),
    }.get(op, (x,))  # fmt: skip
    op(*args).sum().backward()
    assert x.grad is not None and x.grad.shape == (0, 3)
