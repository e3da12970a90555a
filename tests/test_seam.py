"""One seam for arrays: the whole engine on an array class that refuses to become NumPy's."""

from __future__ import annotations

import ast
import copy
import pickle
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import arrays
from autograd_lite.arrays import unwrap
from autograd_lite.errors import AnomalyError, DTypeError, UnsupportedError
from nn import functional
from tests import doubles
from tests.doubles import Double, Rows, SeamError, plain
from tests.helpers import by_op
from tests.ops.test_samples import leaves, map_arrays
from tests.samples import NUMPY, SAMPLES, Sample, x

OPS = Path(arrays.__file__).parent / "ops"

# -- every op at every sample ----------------------------------------------------------------------


def numbers(sample: Sample, make: Callable[[Any], Any], order: int) -> list[Any]:
    """What an op returns, and the gradients of a function of its results, of first or of second order."""
    args = map_arrays(lambda a: ag.Tensor(make(np.asarray(a)), requires_grad=True), sample.args)
    out = sample.op(*args, **sample.kwargs)
    outs = list(out) if isinstance(out, (tuple, list)) else [out]
    inputs = leaves(args)
    total = sum(np.sum(np.real(y) * 0.5) for y in outs if isinstance(y, ag.Tensor) and y.requires_grad)
    if order == 1:
        total.backward()
    else:
        total.backward(create_graph=True)
        grads = [t.grad for t in inputs if t.grad is not None and t.grad.requires_grad]
        for t in inputs:
            t.grad = None
        if grads:
            sum(np.sum(np.real(g) ** 2) for g in grads).backward()
    return [*map(unwrap, outs), *(None if t.grad is None else t.grad._data for t in inputs)]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("samples", by_op(SAMPLES))
def test_every_op_gives_the_bits_that_numpys_arrays_give(samples: list[Sample], order: int) -> None:
    make = Rows if samples[0].op is np.roots else Double
    # erf of few entries is a loop of Python's, and of other classes of arrays the ratio of polynomials that
    # NumPy's large arrays get: both are right to one unit in the last place.
    off = 1 if samples[0].op is ag.erf else 0
    for sample in samples:
        for want, got in zip(numbers(sample, np.array, order), numbers(sample, make, order), strict=True):
            if want is None or not isinstance(got, Double):  # an index, a rank: NumPy's on both sides
                assert np.array_equal(want, got)
                assert want is None or np.asarray(want).dtype.kind in "biu", sample
                continue
            assert (got.shape, got.dtype) == (np.shape(want), want.dtype), sample
            if NUMPY < (2, 4):  # there single numbers and rows go through other loops, which round otherwise
                np.testing.assert_allclose(plain(got), want, rtol=1e-12, atol=1e-14)
            elif off:
                np.testing.assert_array_max_ulp(plain(got), want, off)
            else:
                assert plain(got).tobytes() == np.asarray(want).tobytes(), sample


# -- values that are read --------------------------------------------------------------------------

READS = {
    # an index or a count depends on them
    "_trim_zeros": "where the zeros end",
    "_stripped": "which coefficient is the first that is not 0",
    "_polydiv": "which coefficients of the remainder are 0",
    "_lstsq": "the rank of the matrix, which is returned",
    # the derivative does not exist, or the call has no meaning
    "require_no_phase": "whether the loss depends on the phases of vectors",
    "_average": "whether the weights add up to 0",
    "_cov": "whether weights are negative, and whether degrees of freedom are left",
    "_interp": "whether the period is 0",
    # a formula holds for some values alone
    "_eigh": "whether eigenvalues are equal",
    "_svd": "whether singular values are equal",
    "quotient": "whether a gap between two values has closed",
    "_pinv": "whether the matrix has full rank",
    "_cuts": "whether singular values are cut off",
    "_det": "whether minors could overflow",
    "_cofactors": "whether the matrix has a good inverse",
    "_is": "whether there are NaNs",
    "_divided": "whether entries tie",
    "_exponentials": "whether exp could overflow",
    "_balanced": "whether a probability is above 1/2",
    "sinc_derivative": "which entries are near 0, and in which of them two terms cancel",
    "finite": "whether entries are infinite",
    "is_ordinary": "whether entries are 0, subnormal or infinite",
    "may_be_subnormal": "whether entries may be subnormal",
    "_exponent_slope": "whether the base is 0",
    "power_partial": "whether the base is 0, or the exponent infinite or rounded",
    "_gap": "whether a difference is infinite",
    "arctan_slope": "whether a square overflows",
    "plane_slope": "whether numbers are of common sizes",
    "_unit": "whether sizes are common",
    "tame": "whether a product could overflow",
    # dead entries
    "silence": "whether a rule has made a NaN of a dead entry",
    # SciPy
    **({"computed": "series, integrals and SciPy's own code"} if find_spec("scipy") else {}),
}
"""The functions that read values of arrays through the seam, and what they need to know."""


def test_what_is_read_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    readers: set[str] = set()

    def read(self: Double) -> Any:
        frame = sys._getframe(1)
        while frame.f_globals["__name__"] == arrays.__name__:
            frame = frame.f_back  # type: ignore[assignment]
        readers.add(frame.f_code.co_qualname.partition(".")[0])
        return plain(self)

    monkeypatch.setattr(Double, "__array_host__", read)
    for sample in SAMPLES:
        if sample.op is not np.roots:
            for order in (1, 2):
                numbers(sample, Double, order)
    np.sum(np.abs(ag.Tensor(Double(x(3) + 1j * x(3)), requires_grad=True))).backward()
    np.interp(leaf(x(3)), Double(x(2)), Double(x(2)), period=Double(2.0))
    assert readers == set(READS)


# -- the double refuses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "leave",
    [
        np.asarray,
        float,
        int,
        bool,
        list,
        complex,
        lambda a: [0][a],
        lambda a: 1.0 in a,
        lambda a: a.item(),
        lambda a: a.any(),
        lambda a: np.allclose(a, 1),
        lambda a: np.zeros(1).__setitem__(0, a),
        lambda a: np.add(a, 1, out=np.zeros(1)),
        lambda a: np.zeros(1).__iadd__(a),
        lambda a: np.add.at(np.zeros(1), [0], a),
        lambda a: np.copyto(np.zeros(1), a),
        lambda a: np.sum(a, out=np.zeros(())),
    ],
)
def test_a_double_is_no_way_out(leave: Callable[[Any], Any]) -> None:
    with pytest.raises((SeamError, ValueError)):  # NumPy itself makes one of the other
        leave(Double(np.ones(1)))


def test_a_double_counts_what_is_read() -> None:
    before = len(doubles.reads)
    assert np.array_equal(arrays.to_host(Double([1.0, 2.0])), [1.0, 2.0])
    assert doubles.reads[before:] == [(2,)]


# -- Tensors of another class ----------------------------------------------------------------------


def leaf(values: Any) -> ag.Tensor:
    return ag.Tensor(Double(np.array(values)), requires_grad=True, name="x")


def test_a_tensor_keeps_the_class_and_copies_the_values() -> None:
    own = np.array([1.0, 2.0])
    t = ag.Tensor(Double(own), requires_grad=True)
    own[0] = 7.0
    assert isinstance(t.data, Double)
    assert np.array_equal(t.numpy(), [1.0, 2.0])
    assert isinstance(ag.Tensor(Double(own), dtype=np.float32).data, Double)
    assert ag.Tensor(Double(own), dtype=np.float32).dtype == np.float32


def test_results_and_gradients_are_of_the_class_numbers_too() -> None:
    t = leaf([1.0, 2.0])
    y = np.sum(t * t)
    y.backward()
    assert isinstance(y.data, Double)
    assert y.shape == ()
    assert isinstance(t.grad.data, Double)
    assert np.array_equal(t.grad.numpy(), [2.0, 4.0])
    assert y.item() == float(y.detach()) == 5.0
    assert t.tolist() == [1.0, 2.0]


def test_repr_says_shape_and_class_and_reads_nothing() -> None:
    before = len(doubles.reads)
    t = leaf([1.0, 2.0])
    assert repr(t) == "Tensor(Double, shape=(2,), dtype=float64, name='x', requires_grad=True)"
    assert repr(t * t) == "Tensor(Double, shape=(2,), dtype=float64, op=multiply)"
    with ag.Tape() as tape:
        np.sum(t)
    assert "sum(v1) = Double float64[]" in str(tape)
    assert len(doubles.reads) == before


def test_integers_of_the_class_need_a_cast() -> None:
    with pytest.raises(DTypeError, match=r"astype\(float\)"):
        leaf([1, 2])


def test_gradients_add_up_and_hooks_are_called() -> None:
    t = leaf([1.0, 2.0])
    handle = t.register_hook(lambda g: g * 2)
    np.sum(t * 3).backward()
    handle.remove()
    np.sum(t * 3).backward()
    assert np.array_equal(t.grad.numpy(), [9.0, 9.0])
    (t * t).backward(gradient=Double(np.array([1.0, 0.0])))
    assert np.array_equal(t.grad.numpy(), [11.0, 9.0])


def test_arrays_of_both_classes_meet_on_either_side() -> None:
    t, a = leaf([1.0, 2.0]), np.array([3.0, 4.0])
    for y in (a * t, t * a, Double(a) * t, t * Double(a), np.multiply(Double(a), t)):
        t.grad = None
        np.sum(y).backward()
        assert isinstance(y.data, Double)
        assert np.array_equal(t.grad.numpy(), a)
    plain_leaf = ag.Tensor(a, requires_grad=True)
    np.sum(plain_leaf * Double(a)).backward()
    assert np.array_equal(arrays.to_host(plain_leaf.grad), a)


def test_what_is_changed_afterwards_does_not_change_the_past() -> None:
    t, constant = leaf([1.0, 2.0]), Double(np.array([3.0, 4.0]))
    y, z = np.sum(t * constant), np.sum(t * t)
    constant[...] = 0
    t.data[...] = 0
    y.backward()
    z.backward()
    assert np.array_equal(t.grad.numpy(), [3.0 + 2.0, 4.0 + 4.0])
    assert t.tolist() == [0.0, 0.0]


def test_assignment_and_in_place_arithmetic() -> None:
    t = leaf([1.0, 2.0])
    y = t * 1
    y[0] = 5.0
    y += t
    np.sum(y).backward()
    assert np.array_equal(t.grad.numpy(), [1.0, 2.0])
    zeros = ag.Tensor(np.zeros(3))
    zeros[1:] = t * 2  # an array of NumPy's takes the class of what is assigned
    assert isinstance(zeros.data, Double)
    assert zeros.tolist() == [0.0, 2.0, 4.0]


def test_optimizers_data_and_copies() -> None:
    t = leaf([1.0, 2.0])
    np.sum(t * t).backward()
    t.data = t.data - 0.5 * t.grad.data
    assert t.tolist() == [0.0, 0.0]
    for twin in (copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
        assert isinstance(twin.data, Double)
        assert twin.requires_grad


def test_silent_conversions_still_raise() -> None:
    with pytest.raises(UnsupportedError, match="cut the graph"):
        np.asarray(leaf([1.0]))


def test_anomalies_are_found() -> None:
    with ag.detect_anomaly(), np.errstate(all="ignore"), pytest.raises(AnomalyError, match=r"-inf at index"):
        np.log(leaf([0.0, 1.0]))


@pytest.mark.parametrize(
    "transform",
    [
        lambda make: ag.grad(lambda x: np.sum(np.tanh(x) * x))(make),
        lambda make: ag.grad(lambda x: np.sum(ag.grad(lambda y: np.sum(np.tanh(y)))(x) ** 2))(make),
        lambda make: ag.value_and_grad(np.sum)(make),
        lambda make: ag.vjp(np.sin, make)[1](make)[0],
        lambda make: ag.jvp(np.sin, (make,), (make,)),
        lambda make: ag.jacobian(np.sin)(make),
        lambda make: ag.hessian(lambda x: np.sum(x**3))(make),
        lambda make: ag.hvp(lambda x: np.sum(x**3), make, make),
        lambda make: ag.grad(ag.checkpoint(lambda x: np.sum(x**3)))(make),
        lambda make: ag.grad(lambda x, y: np.sum(x / y), argnums=(0, 1))(make, make),
        lambda make: ag.grad(lambda x: np.sum(x) * 0 + 1.0)(make),
    ],
)
def test_transforms_give_back_the_class(transform: Callable[[Any], Any]) -> None:
    want, got = (transform(make(np.array([0.3, -1.2, 2.0]))) for make in (np.array, Double))
    wants, gots = ([v] if not isinstance(v, tuple) else v for v in (want, got))
    for a, b in zip(wants, gots, strict=True):
        assert isinstance(b, Double)
        assert np.array_equal(plain(b), a)


# -- the seam itself -------------------------------------------------------------------------------


class Sealed(Double):
    """A class of arrays whose values cannot be read."""

    __slots__ = ()
    __array_host__ = None


def test_a_class_that_cannot_be_read_runs_where_nothing_is_read() -> None:
    t = ag.Tensor(Sealed(np.array([1.0, 2.0])), requires_grad=True)
    np.sum(np.exp(t) * t).backward()
    with pytest.raises(UnsupportedError, match=r"Sealed.__array_host__\(\)"):
        t.numpy()


def test_arrays_are_made_with_the_class_of_another() -> None:
    for like in (Double(np.ones(2, np.float32)), leaf(np.ones(2, np.float32))):
        for make, value in ((arrays.zeros, 0), (arrays.ones, 1)):
            made = make((2, 3), like=like)
            assert isinstance(made, Double)
            assert made.dtype == np.float32
            assert np.array_equal(plain(made), np.full((2, 3), value))
        assert arrays.empty(3, np.int8, like=like).dtype == np.int8
    assert isinstance(arrays.zeros(2, like=np.float32(1)), np.ndarray)


def test_what_is_known_without_reading() -> None:
    double = Double(np.ones((2, 0), np.float32))
    for given in (double, ag.Tensor(double), np.ones((2, 0), np.float32)):
        assert arrays.shape_of(given) == (2, 0)
        assert arrays.size_of(given) == 0
        assert arrays.dtype_of(given) == np.float32
        assert arrays.asarray(given) is given
        assert not arrays.asarray(unwrap(given), bool).size
    assert arrays.shape_of([[1, 2]]) == (1, 2)
    assert [arrays.is_array(v) for v in (double, np.float32(1), ag.Tensor(double), 1.0)] == [1, 1, 0, 0]
    assert [arrays.on_host(v) for v in (double, np.float32(1), ag.Tensor(double), 1.0)] == [0, 1, 0, 1]
    assert arrays.is_number(Double(1.0))
    assert not arrays.is_number(double)
    assert arrays.finite(double)
    assert not arrays.finite((1.0, ag.Tensor(Double([np.inf]))))


CORE = (
    *("apply", "box", "calls", "operators", "methods", "sums", "cotangents", "liveness", "pull", "backward"),
    *("transforms", "checkpoint", "custom", "fused"),
)
CODE = [*sorted(OPS.glob("*.py")), *(OPS.parent / f"{name}.py" for name in CORE)]


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.stem)
def test_the_engine_and_its_rules_ask_for_no_class_of_arrays(path: Path) -> None:
    """`x.__class__ is np.ndarray` is a fast way, in front of the seam; all else is asked of arrays.py."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    asks = [c for c in called if c.startswith("isinstance") and ("np.ndarray" in c or "np.generic" in c)]
    makes = [c for c in called if c.startswith(("np.asarray", "np.asanyarray", "np.array(unwrap"))]
    assert asks + makes == []
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert path.parent != OPS or not imported & {"backward", "cotangents", "pull"}


# -- kernels and their definitions -----------------------------------------------------------------


def test_a_kernel_is_picked_by_the_class_of_the_arrays() -> None:
    called = []

    def forward(x: Any, w: Any, *, by: float) -> Any:
        called.append(type(x))
        return x * w * by, (x, w, by)

    @ag.fused(
        forward,
        lambda g, residuals, needs: (g * residuals[1] * residuals[2], g * residuals[0] * residuals[2]),
    )
    def scaled(x: Any, w: Any, *, by: float) -> Any:
        return x * w * by

    a, w = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    for make, kernel in ((np.array, [np.ndarray]), (Double, [])):
        called.clear()
        t = ag.Tensor(make(a), requires_grad=True)
        np.sum(scaled(t, make(w), by=2.0)).backward()
        assert called == kernel
        assert np.array_equal(t.grad.numpy(), 2 * w)
        assert isinstance(scaled(make(a), w, by=2.0), type(make(a)))
    called.clear()
    assert isinstance(scaled(a, Double(w), by=2.0), Double)  # one of another class is enough
    assert called == []


# -- networks --------------------------------------------------------------------------------------


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.0), nn.Linear(8, 3)
    )


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 3, 2, stride=2),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(3, 3),
    )


class Reader(nn.Module):
    """An LSTM with a linear map on its last output."""

    def __init__(self) -> None:
        self.lstm, self.out = nn.LSTM(3, 4), nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        y, (_, cell) = self.lstm(x)
        return self.out(y[-1] + cell[0])


def step(
    make_model: Callable[[], nn.Module], shape: tuple[int, ...], make: Callable[[Any], Any]
) -> list[Any]:
    """The loss, and the gradients of all parameters."""
    model, rng = make_model(), np.random.default_rng(3)
    for parameter in model.parameters():
        parameter.data = make(rng.normal(size=parameter.shape))
    scores = model(ag.Tensor(make(rng.normal(size=shape))))
    loss = functional.cross_entropy(scores, np.array([0, 2, 1, 1, 0]))
    loss.backward()
    return [loss._data, *(parameter.grad._data for parameter in model.parameters())]


@pytest.mark.parametrize(
    ("make_model", "shape"),
    [(mlp, (5, 4)), (cnn, (5, 2, 8, 8)), (Reader, (6, 5, 3))],
    ids=["mlp", "cnn", "lstm"],
)
def test_networks_run_by_their_definitions(
    make_model: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    """Kernels add up in another order than definitions do: the numbers are equal to rounding."""
    for want, got in zip(step(make_model, shape, np.array), step(make_model, shape, Double), strict=True):
        assert isinstance(got, Double)
        np.testing.assert_allclose(plain(got), want, rtol=1e-12, atol=1e-13)


def test_gradients_of_gradients_of_a_network() -> None:
    def penalty(make: Callable[[Any], Any]) -> Any:
        w, rng = make(np.random.default_rng(1).normal(size=(3, 4))), np.random.default_rng(2)
        data = make(rng.normal(size=(5, 4)))
        inner = ag.grad(
            lambda w: functional.cross_entropy(functional.linear(data, w), np.array([0, 2, 1, 1, 0]))
        )
        return ag.grad(lambda w: np.sum(inner(w) ** 2))(w)

    np.testing.assert_allclose(plain(penalty(Double)), penalty(np.array), rtol=1e-12)
