"""Differences of bits: without loss for every dtype and every bit pattern, and composable."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_lite.errors import DataError
from nn import deltas
from nn.deltas import coded, composed, decoded

DTYPES = ("f2", "f4", "f8", "c8", "c16", "i1", "i8", "u2", "?")


def pattern(dtype, shape, seed):
    """Any bits: NaN with payloads, -0.0, denormals; for some seeds mostly zeros."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = rng.integers(0, 256, size).astype(np.uint8)
    if seed % 3 == 0:
        raw[rng.random(size) < 0.9] = 0
    if dtype == "?":
        raw &= 1
    return raw.view(dtype).reshape(shape)


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


SHAPES = st.sampled_from([(), (0,), (3, 0), (1,), (7,), (3, 5), (40, 33), (1100,)])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(DTYPES), SHAPES, SHAPES, st.integers(0, 10**6))
def test_every_bit_comes_back(dtype, shape, other, seed):
    a, b = pattern(dtype, other, seed), pattern(dtype, shape, seed + 1)
    assert same(decoded(coded(b)), b)
    assert same(decoded(coded(b, a), a), b)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(DTYPES), st.lists(SHAPES, min_size=3, max_size=3), st.integers(0, 10**6))
def test_differences_compose(dtype, shapes, seed):
    a, b, c = (pattern(dtype, shape, seed + i) for i, shape in enumerate(shapes))
    both = composed(coded(b, a), coded(c, b))
    assert same(decoded(both, a), c)
    whole = composed(coded(b), coded(c, b))
    assert whole.alone
    assert same(decoded(whole), c)


@pytest.mark.parametrize("value", [np.nan, -np.nan, -0.0, np.inf, 5e-324, 1e-40])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c16"])
def test_special_numbers(value, dtype):
    with np.errstate(over="ignore", under="ignore"):
        a = np.full(9, value).astype(dtype)
    assert same(decoded(coded(a, np.ones(9, dtype)), np.ones(9, dtype)), a)


def test_strides_do_not_matter():
    a = np.arange(60.0).reshape(6, 10)[::2, ::-3].T
    assert same(decoded(coded(a)), np.ascontiguousarray(a))


def test_small_changes_are_short_and_no_change_is_nothing():
    rng = np.random.default_rng(0)
    a = rng.normal(size=40_000).astype(np.float32)
    b = a + 1e-4 * rng.normal(size=a.size).astype(np.float32)
    assert coded(b, a).nbytes < 0.7 * coded(b).nbytes
    assert coded(a, a.copy()).nbytes == deltas.OVERHEAD
    grown = np.concatenate([a, a[:10]])
    assert coded(grown, a).nbytes < 1000


def test_a_damaged_difference_is_an_error():
    a = np.arange(1, 5001, dtype=np.float64)
    a[:2500] *= np.pi
    delta, kinds = coded(a), set()
    for i, piece in enumerate(delta.pieces):
        kinds.add(piece[:1])
        cut = [*delta.pieces]
        cut[i] = piece[: len(piece) // 2]
        with pytest.raises(DataError, match="damaged"):
            decoded(deltas.Delta(delta.dtype, delta.shape, True, tuple(cut)))
    assert kinds == {deltas.RAW, deltas.PACKED, deltas.SPARSE}
    small = coded(np.arange(9))
    with pytest.raises(DataError, match="damaged"):
        decoded(deltas.Delta(small.dtype, small.shape, True, (small.pieces[0][:4],)))
    with pytest.raises(DataError, match="has lost the array"):
        decoded(coded(a, a), None)
