"""Arrays without entries: wherever NumPy gives a value, derivatives of both orders exist."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.ops.factors import others, running
from autograd_lite.ops.products import einsum
from tests.helpers import at_samples
from tests.samples import SAMPLES, Sample


def emptied(value: Any, sizes: Any) -> Any:
    """Arrays with the axes of some sizes cut to 0."""
    if isinstance(value, (list, tuple)):
        return type(value)(emptied(item, sizes) for item in value)
    if isinstance(value, np.ndarray):
        return value[tuple(slice(0) if n in sizes else slice(None) for n in value.shape)]
    return value


def lengths(value: Any) -> set[int]:
    if isinstance(value, (list, tuple)):
        return {n for item in value for n in lengths(item)}
    return set(value.shape) if isinstance(value, np.ndarray) else set()


def one_by_one(sample: Sample) -> Iterator[Sample]:
    """The sample with all the axes of one length cut, of two lengths, and with one axis of one argument."""
    found = sorted(lengths(sample.args))
    for sizes in [*itertools.combinations(found, 1), *itertools.combinations(found, 2)]:
        yield Sample(sample.op, emptied(sample.args, sizes), emptied_options(sample.kwargs, sizes))
    for i, arg in enumerate(sample.args):
        for axis in range(arg.ndim if isinstance(arg, np.ndarray) else 0):
            cut = list(sample.args)
            cut[i] = arg[(slice(None),) * axis + (slice(0),)]
            yield Sample(sample.op, tuple(cut), sample.kwargs)


def emptied_options(options: dict[str, Any], sizes: Any) -> dict[str, Any]:
    return {key: emptied(value, sizes) for key, value in options.items()}


def has_value(sample: Sample) -> bool:
    """Whether NumPy takes it, without a warning, and gives a value that is one: of an empty axis its hfft
    reads memory that nobody wrote, and its einsum takes axes of 0 and of 3 entries for one."""
    if sample.op is np.fft.hfft and sample.args[0].shape[-1] == 0:
        return False
    if "put_along_axis" in str(sample) and np.lib.NumpyVersion(np.__version__) < "2.1.0":
        return False  # which takes indices and values of unequal lengths
    if sample.op in (others, running) and len({np.shape(a) for a in sample.args}) > 1:
        return False  # directions are of the shape of the factors
    if (
        sample.op in (np.einsum, einsum)
        and "ii" in str(sample.args[0])
        and len(set(sample.args[1].shape[-2:])) > 1
    ):
        return False
    if not any(np.size(a) == 0 for a in sample.args if isinstance(a, np.ndarray)) and not any(
        np.size(a) == 0
        for arg in sample.args
        if isinstance(arg, list)
        for a in arg
        if isinstance(a, np.ndarray)
    ):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            plain(sample)
    except Exception:
        return False
    return True


def plain(sample: Sample) -> Any:
    return sample.op(*sample.args, **sample.kwargs)


EMPTY = list({str(s): s for sample in SAMPLES for s in one_by_one(sample) if has_value(s)}.values())


def test_there_are_many() -> None:
    assert len(EMPTY) > 500


def leaves(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(leaves, value))
    if isinstance(value, (float, np.ndarray, np.generic)) and np.asarray(value).dtype.kind == "f":
        return ag.Tensor(value, requires_grad=True)
    return value


def tensors(value: Any) -> list[ag.Tensor]:
    if isinstance(value, (list, tuple)):
        return [t for item in value for t in tensors(item)]
    return [value] if isinstance(value, ag.Tensor) else []


def total(out: Any) -> Any:
    parts = out if isinstance(out, (tuple, list)) else (out,)
    return sum(np.sum(np.real(y * np.conjugate(y))) for y in parts if isinstance(y, ag.Tensor))


@at_samples(EMPTY)
def test_every_op_on_arrays_without_entries(sample: Sample) -> None:
    args = leaves(sample.args)
    out, expected = sample.op(*args, **sample.kwargs), plain(sample)
    for y, z in zip(*((v if isinstance(v, (tuple, list)) else (v,)) for v in (out, expected)), strict=True):
        assert np.shape(y) == np.shape(z)
        np.testing.assert_allclose(y.numpy() if isinstance(y, ag.Tensor) else y, z, rtol=1e-14)
    y = total(out)
    if not isinstance(y, ag.Tensor) or y.node is None:
        return
    y.backward(create_graph=True)
    slopes = [x.grad for x in tensors(args) if x.grad is not None]
    for x in tensors(args):
        if x.grad is not None:
            assert (x.grad.shape, x.grad.dtype) == (x.shape, x.dtype)
            assert np.isfinite(x.grad.numpy()).all()
        x.grad = None
    curvature = sum(np.sum(g * g) for g in slopes)
    if isinstance(curvature, ag.Tensor) and curvature.node is not None:
        curvature.backward()
        for x in tensors(args):
            assert x.grad is None or x.grad.shape == x.shape
            assert x.grad is None or np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (lambda x: np.prod(x, axis=0), [(0, 3)]),
        (lambda x: np.prod(x, axis=1), [(0, 3)]),
        (np.matmul, [(2, 3, 1), (1, 0)]),
        (np.matmul, [(2, 0, 3), (3, 4)]),
        (np.linalg.det, [(0, 5, 5)]),
        (lambda x: np.diff(x, n=5), [(3,)]),
        (lambda x: np.diff(x, n=4, axis=0), [(2, 3)]),
        (lambda x: np.median(x, axis=1), [(0, 5)]),
        (lambda x: np.linalg.norm(x, np.inf), [(0,)]),
        (lambda x: x[:, :0] @ x[:0], [(3, 3)]),
    ],
)
def test_transforms_of_arrays_without_entries(f: Callable[..., Any], shapes: list[tuple[int, ...]]) -> None:
    args = tuple(np.ones(shape) for shape in shapes)
    try:
        expected = f(*args)
    except ValueError:
        pytest.skip("this version of NumPy refuses it")
    value, tangent = ag.jvp(f, args, args)
    assert np.shape(value) == np.shape(tangent) == np.shape(expected)
    for i, arg in enumerate(args):
        zeros = np.zeros_like(arg)
        np.testing.assert_array_equal(ag.grad(lambda *xs: np.sum(f(*xs)), i)(*args), zeros)
        assert ag.jacobian(f, i)(*args).shape == (*np.shape(value), *arg.shape)
        assert ag.hessian(lambda *xs: np.sum(f(*xs)), i)(*args).shape == (*arg.shape, *arg.shape)


LAYERS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "Linear": (lambda: nn.Linear(3, 2), (0, 3)),
    "Conv1d": (lambda: nn.Conv1d(2, 3, 2), (0, 2, 5)),
    "Conv2d": (lambda: nn.Conv2d(1, 2, 3), (0, 1, 5, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(1, 2, 3), (0, 1, 5, 5)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (0, 1, 4, 4)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(1), (0, 1, 4, 4)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3).eval(), (0, 3)),
    "LayerNorm": (lambda: nn.LayerNorm(3), (0, 3)),
    "GroupNorm": (lambda: nn.GroupNorm(1, 3), (0, 3, 2)),
    "LSTM": (lambda: nn.LSTM(3, 2, batch_first=True), (0, 4, 3)),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2, batch_first=True), (0, 3, 4)),
    "Softmax": (lambda: nn.Softmax(-1), (0, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_take_a_batch_without_samples(name: str) -> None:
    make, shape = LAYERS[name]
    layer, x = make(), ag.Tensor(np.zeros(shape, np.float32), requires_grad=True)
    out = layer(x, x, x) if name == "MultiheadAttention" else layer(x)
    out = out[0] if isinstance(out, tuple) else out
    assert out.shape[0] == 0
    out.sum().backward()
    assert x.grad is not None
    assert x.grad.shape == shape
    for p in layer.parameters():
        assert p.grad is None or not p.grad.numpy().any()
