"""A Tensor beside pandas, arrays of other libraries by DLPack, and the standard of arrays."""

from __future__ import annotations

import inspect
import operator
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import DTypeError, NotDifferentiableError, ShapeError, UnsupportedError
from tests.helpers import ROOT, leaf

# -- pandas ----------------------------------------------------------------------------------------

BESIDE: dict[str, Callable[[Any, Any], Any]] = {
    "x * s": lambda x, s: x * s,
    "s * x": lambda x, s: s * x,
    "x - s": lambda x, s: x - s,
    "s - x": lambda x, s: s - x,
    "s / x": lambda x, s: s / x,
    "x ** s": lambda x, s: x**s,
    "s @ x": lambda x, s: s @ x,
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_tensor_beside_a_series(name: str) -> None:
    pandas = pytest.importorskip("pandas")
    values = np.array([1.5, 2.0, 3.0])
    s = pandas.Series([4.0, 5.0, 6.0], index=["a", "b", "c"])
    got, want = BESIDE[name](ag.Tensor(values), s), BESIDE[name](values, s)
    assert type(got) is type(want)
    np.testing.assert_array_equal(np.asarray(got), np.asarray(want))
    with pytest.raises(UnsupportedError, match=r"write x \* s\.to_numpy\(\)"):
        BESIDE[name](leaf(values), s)


def test_the_repaired_line_has_a_gradient() -> None:
    pandas = pytest.importorskip("pandas")
    x, s = leaf([1.0, 2.0]), pandas.Series([4.0, 5.0])
    np.sum(x * s.to_numpy()).backward()
    assert x.grad.tolist() == [4.0, 5.0]
    assert np.add(x, s.to_numpy()).tolist() == [5.0, 7.0]
    assert np.where(s > 4, x, 0.0).tolist() == [0.0, 2.0]


def test_a_tensor_in_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": ag.Tensor([1.0, 2.0])})
    frame["b"] = ag.Tensor([3, 4])
    assert frame.to_dict("list") == {"a": [1.0, 2.0], "b": [3, 4]}
    assert frame.dtypes.astype(str).tolist() == ["float64", "int64"]
    with pytest.raises(UnsupportedError, match=r"x\.detach\(\)\.numpy\(\)"):
        frame["c"] = leaf([1.0, 2.0])
    assert ag.Tensor(frame["a"]).tolist() == [1.0, 2.0]


def test_a_series_that_does_not_fit() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ShapeError, match="broadcast"):
        ag.Tensor([1.0, 2.0]) * pandas.Series([1.0, 2.0, 3.0])
    with pytest.raises(DTypeError, match="Expected arrays, Tensors or numbers"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3 warns of the arithmetic of its texts
        ag.Tensor([1.0, 2.0]) * pandas.Series(["a", "b"])


# -- DLPack ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "complex64", "int64", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_numpy_takes_the_memory_of_a_tensor(dtype: str, shape: tuple[int, ...]) -> None:
    x = ag.Tensor(np.ones(shape, dtype))
    array = np.from_dlpack(x)
    assert array.dtype == x.dtype and array.shape == shape
    assert not array.size or np.shares_memory(array, x.numpy())


def test_a_tensor_takes_the_memory_of_an_array() -> None:
    array = np.arange(6.0).reshape(2, 3)[:, ::2]
    x = ag.from_dlpack(array)
    array[0, 0] = 7.0
    assert x.tolist() == [[7.0, 2.0], [3.0, 5.0]] and not x.requires_grad
    assert ag.grad(lambda w: np.sum(w * x))(np.ones((2, 2))).tolist() == x.tolist()


@pytest.mark.torch
def test_memory_is_shared_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    x = ag.Tensor([1.0, 2.0, 3.0])
    t = torch.from_dlpack(x)
    t[0] = 9.0
    assert x.tolist() == [9.0, 2.0, 3.0]
    u = torch.arange(3.0)
    y = ag.from_dlpack(u)
    u[1] = 8.0
    y.data[2] = 4.0
    assert y.tolist() == u.tolist() == [0.0, 8.0, 4.0] and y.dtype == np.float32


@pytest.mark.torch
def test_what_pytorch_cannot_give() -> None:
    torch = pytest.importorskip("torch")
    for tensor in (torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.bfloat16)):
        with pytest.raises(UnsupportedError, match=r"t\.detach\(\)\.cpu\(\)"):
            ag.from_dlpack(tensor)
    with pytest.raises(UnsupportedError, match=r"from_dlpack\(x\.detach\(\)\)"):
        torch.from_dlpack(leaf([1.0]))


def test_a_recorded_tensor_keeps_its_memory() -> None:
    x = leaf([1.0, 2.0])
    for recorded in (x, x * 2):
        for take in (np.from_dlpack, ag.from_dlpack):
            with pytest.raises(UnsupportedError, match=r"from_dlpack\(x\.detach\(\)\)"):
                take(recorded)
    assert np.from_dlpack((x * 2).detach()).tolist() == [2.0, 4.0]
    with pytest.raises(UnsupportedError, match="list"):
        ag.from_dlpack([1.0])


# -- the standard of arrays ------------------------------------------------------------------------

ONE = (
    "abs acos asin asinh atan atanh ceil cos cosh exp expm1 floor isfinite isinf isnan log log1p log2 "
    "log10 negative positive real reciprocal round sign signbit sin sinh sqrt square tan tanh trunc sum "
    "prod mean std var max min any all argmax argmin cumulative_sum cumulative_prod sort argsort "
    "unique_values unique_counts unique_inverse unique_all nonzero flip zeros_like ones_like "
    "count_nonzero diff asarray from_dlpack unstack meshgrid"
)
TWO = (
    "add atan2 copysign divide equal floor_divide greater greater_equal hypot less less_equal logaddexp "
    "maximum minimum multiply nextafter not_equal pow remainder subtract matmul vecdot "
    "searchsorted linalg.outer linalg.matmul linalg.vecdot linalg.cross "
    "broadcast_arrays "
)
MATRIX = (
    "matrix_transpose tril triu linalg.cholesky linalg.det linalg.diagonal linalg.eigh linalg.eigvalsh "
    "linalg.inv linalg.matrix_norm linalg.matrix_rank linalg.matrix_transpose linalg.pinv linalg.qr "
    "linalg.slogdet linalg.svd linalg.svdvals linalg.trace linalg.vector_norm fft.rfft fft.rfftn "
    "fft.ihfft"
)
COMPLEX = (
    "imag conj fft.fft fft.ifft fft.fftn fft.ifftn fft.irfft fft.irfftn fft.hfft fft.fftshift fft.ifftshift"
)
TRUTH = "logical_and logical_or logical_xor"
WHOLE = "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift"

SPECIAL: dict[str, Callable[[Any, Any], Any]] = {
    "acosh": lambda xp, x: xp.acosh(x + 1.0),
    "astype": lambda xp, x: xp.astype(x, xp.float32),
    "isdtype": lambda xp, x: xp.isdtype(x.dtype, "real floating"),
    "squeeze": lambda xp, x: xp.squeeze(x[None, ...], axis=0),
    "clip": lambda xp, x: xp.clip(x, 0.3, 0.6),
    "where": lambda xp, x: xp.where(x > 0.5, x, x * 2.0),
    "concat": lambda xp, x: xp.concat([x, x]),
    "stack": lambda xp, x: xp.stack([x, x]),
    "reshape": lambda xp, x: xp.reshape(x, (3, 1)),
    "expand_dims": lambda xp, x: xp.expand_dims(x, axis=0),
    "permute_dims": lambda xp, x: xp.permute_dims(x[None, ...], (1, 0)),
    "moveaxis": lambda xp, x: xp.moveaxis(x[None, ...], 0, 1),
    "broadcast_to": lambda xp, x: xp.broadcast_to(x, (2, 3)),
    "roll": lambda xp, x: xp.roll(x, 1),
    "repeat": lambda xp, x: xp.repeat(x, 2),
    "tile": lambda xp, x: xp.tile(x, (2,)),
    "take": lambda xp, x: xp.take(x, xp.asarray([0, 2]), axis=0),
    "take_along_axis": lambda xp, x: xp.take_along_axis(x, xp.asarray([0, 2]), axis=0),
    "full_like": lambda xp, x: xp.full_like(x, 2.0),
    "empty_like": lambda xp, x: xp.empty_like(x) * 0.0,
    "isin": lambda xp, x: xp.isin(xp.asarray([1, 2]), xp.asarray([2])),
    "tensordot": lambda xp, x: xp.tensordot(x, x, axes=1),
    "linalg.tensordot": lambda xp, x: xp.linalg.tensordot(x, x, axes=1),
    "result_type": lambda xp, x: xp.result_type(x, x) == xp.float64,
    "can_cast": lambda xp, x: xp.can_cast(x, xp.float64),
    "logical_not": lambda xp, x: xp.logical_not(x > 0.5),
    "bitwise_invert": lambda xp, x: xp.bitwise_invert(x > 0.5),
    "linalg.matrix_power": lambda xp, x: xp.linalg.matrix_power(x[:, None] * x[None, :], 3),
    "linalg.solve": lambda xp, x: xp.linalg.solve(x[:, None] * x[None, :] + xp.eye(3), x),
}
REFUSED = [
    "asarray",
    "from_dlpack",
    "nextafter",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]
"""What refuses a Tensor on the tape."""

NO_ARRAYS = (
    "Device arange empty eye finfo full iinfo linspace ones zeros broadcast_shapes fft.fftfreq fft.rfftfreq "
)
"""Functions of the standard that take no array."""


def calls() -> dict[str, tuple[Callable[[Any, Any], Any], np.ndarray]]:
    """A call of each function of the standard that takes arrays, and the values of its argument."""
    x = np.array([0.25, 0.5, 0.75])
    square = np.array([[2.0, 0.5], [0.5, 1.0]])

    def of(name: str, several: int = 1) -> Callable[[Any, Any], Any]:
        return lambda xp, x: operator.attrgetter(name)(xp)(*[x] * several)

    groups = ((ONE, 1, x), (TWO, 2, x), (MATRIX, 1, square), (COMPLEX, 1, square * (1 + 2j)))
    plain = ((TRUTH, 2, x > 0.3), (WHOLE, 2, np.array([1, 2, 3])))
    table = {name: (of(name, n), values) for names, n, values in (*groups, *plain) for name in names.split()}
    return table | {name: (call, x) for name, call in SPECIAL.items()}


def entries(result: Any) -> list[Any]:
    """The values of a result, which may be a tuple of arrays, or a truth."""
    if isinstance(result, (tuple, list)):
        return [entry for each in result for entry in entries(each)]
    result = result.detach() if isinstance(result, ag.Tensor) else result
    return [result if isinstance(result, bool) else np.asarray(result)]


def is_right(name: str, strict: Any, taped: bool) -> bool:
    """Whether a function gives the values of the reference; False if it refuses a Tensor on the tape."""
    call, values = calls()[name]
    x = ag.Tensor(values, requires_grad=taped and values.dtype.kind in "fc")
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the reference warns of what the next version of the standard changes
        want = entries(call(strict, strict.asarray(values)))
    try:
        got = entries(call(x.__array_namespace__(), x))
    except (UnsupportedError, NotDifferentiableError):
        return False
    for mine, its in zip(got, want, strict=True):
        if isinstance(mine, np.ndarray):
            assert mine.dtype == its.dtype, name
            np.testing.assert_allclose(mine, its, rtol=1e-12, atol=1e-14, err_msg=name)
        else:
            assert str(mine) == str(its), name
    return True


def test_the_standard_of_arrays() -> None:
    strict = pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")
    names = list(calls())
    constant, taped = (
        sorted(name for name in names if not is_right(name, strict, taped)) for taped in (False, True)
    )
    page = (ROOT / "docs" / "arrays.md").read_text(encoding="utf-8")
    assert (constant, taped) == ([], REFUSED)
    assert f"All {len(names)} functions" in page and f"{len(names) - len(taped)} on the tape" in page
    assert [name for name in taped if f"`{name}`" not in page] == []


def test_the_table_has_every_function_of_the_standard() -> None:
    strict = pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")
    names = {
        name
        for name in strict.__all__
        if inspect.isfunction(getattr(strict, name)) and not re.search("_flags|__", name)
    }
    for part in ("linalg", "fft"):
        names |= {f"{part}.{name}" for name in getattr(strict, part).__all__}
    assert names - set(NO_ARRAYS.split()) == set(calls())


def test_the_namespace_is_numpy() -> None:
    xp = ag.Tensor([1.0]).__array_namespace__()
    assert xp is np
    with pytest.raises(ValueError, match="1999"):
        ag.Tensor([1.0]).__array_namespace__(api_version="1999.12")
