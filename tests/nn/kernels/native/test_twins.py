"""Native kernels and their NumPy twins give the same numbers, to rounding."""

from copy import deepcopy
from types import MappingProxyType

import numpy as np
import pytest

from nn.kernels import native, threads
from nn.kernels.windows import Windows
from tests.nn.kernels.native.cases import DTYPES, KERNELS, SEEDS, SMALL, arrays, calls

pytestmark = pytest.mark.skipif(native.library() is None, reason=f"native kernels: {native.state()}")

ERROR = {np.float32: 1e-5, np.float64: 1e-13}
"""Of the largest entry: sums of thousands of products, in another order than the twin's."""

rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def small_arrays_too(monkeypatch):
    for place, value in SMALL.items():
        monkeypatch.setattr(f"nn.kernels.native.{place}", value)


@np.errstate(all="ignore")  # as the kernels of ops run
def agree(name, args, options=MappingProxyType({})):
    """Whether the native kernel served the call; if it did, its result is that of the twin.

    Arguments that a kernel changes in place count as results.
    """
    mine, twins = deepcopy(args), deepcopy(args)
    got = KERNELS[name][0](*mine, **options)
    if got is NotImplemented:
        return False
    expected = KERNELS[name][1](*twins, **options)
    for a, b in zip([*arrays(got), *arrays(mine)], [*arrays(expected), *arrays(twins)], strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        if b.dtype.kind != "f":
            np.testing.assert_array_equal(a, b)
            continue
        finite = np.isfinite(b)
        np.testing.assert_array_equal(np.where(finite, 0, a), np.where(finite, 0, b))
        size = np.max(np.abs(b[finite]), initial=1e-30)
        np.testing.assert_allclose(a[finite], b[finite], rtol=0, atol=ERROR[b.dtype.type] * size)
    return True


@pytest.mark.parametrize("seed", SEEDS)
def test_twins_agree(seed):
    assert sum(agree(*call) for call in calls(seed))


@pytest.mark.parametrize("level", [2, 3, 4])
def test_every_instruction_set_agrees(level, monkeypatch):
    if level > native.level():
        pytest.skip(f"this processor has x86-64-v{native.level()}" if native.level() else "no x86-64")
    monkeypatch.setattr(native, "level", lambda: level)
    forget_the_level()
    try:
        assert sum(agree(*call) for seed in range(12) for call in calls(seed)) > 12
    finally:
        forget_the_level()


def test_numpy_serves_few_entries(monkeypatch):
    monkeypatch.setattr(native, "TABLE", {})

    def doubled(x):
        return "NumPy"

    chosen = native.twin(lambda x: "C", few=3)(doubled)
    assert [chosen(np.ones(n)) for n in (0, 3, 4)] == ["NumPy", "NumPy", "C"]
    assert native.twin(lambda x: "C")(doubled)(np.ones(0)) == "C"


def forget_the_level():
    """Clear what was made for one instruction set: functions, and tables with the tiles of its vectors."""
    native._function.cache_clear()
    native.conv._of_weights.cache_clear()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_same_threads_give_the_same_bits(count, monkeypatch):
    state = [count]
    monkeypatch.setattr(threads, "_blas_threads", lambda: (lambda: state[0], lambda n: None))
    windows = Windows((12, 12), (3, 3), padding=((1, 1), (1, 1)))
    x, w, g = (
        rng.normal(size=(7, 8, 12, 12)),
        rng.normal(size=(16, 8, 3, 3)),
        rng.normal(size=(7, 16, 12, 12)),
    )
    monkeypatch.setattr("nn.kernels.native.conv.SMALL", 0)
    for name, args in (
        ("convolved", (x, w, None, windows, 1)),
        ("convolved", (x[:1], w, None, windows, 1)),
        ("input_gradient", (g, w, None, windows, 1)),
        ("weight_gradient", (g, x, w.shape, windows, 1)),
    ):
        assert agree(name, args)
        first, second = (native.TABLE[name][0](*args) for _ in range(2))
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stride", [1, 2])
def test_nan_and_inf_go_where_the_twin_sends_them(special, dtype, stride):
    windows = Windows((9, 10), (3, 3), (stride, stride), ((1, 1), (1, 1)))
    x, w = rng.normal(size=(6, 4, 9, 10)).astype(dtype), rng.normal(size=(17, 4, 3, 3)).astype(dtype)
    g = rng.normal(size=(6, 17, *windows.out)).astype(dtype)
    for spoilt in (x, w, g):
        before, spoilt.flat[57] = spoilt.flat[57], special
        for name, args in (
            ("convolved", (x, w, None, windows, 1)),
            ("input_gradient", (g, w, None, windows, 1)),
            ("weight_gradient", (g, x, w.shape, windows, 1)),
        ):
            agree(name, args)
        spoilt.flat[57] = before
    assert agree("convolved", (x, w, None, windows, 1))


def test_layouts_of_every_kind():
    windows = Windows((8, 9), (3, 2))
    x, w, g = rng.normal(size=(5, 4, 8, 9)), rng.normal(size=(8, 4, 3, 2)), rng.normal(size=(20, 8, 6, 8))
    for a in (x, w, g):
        a.flags.writeable = False
    strange = lambda a: np.array(a[..., ::-1], order="F")[..., ::-1]
    assert agree("convolved", (strange(x), strange(w), None, windows, 1))
    assert agree(
        "weight_gradient", (strange(g), np.broadcast_to(x[:1], (20, *x.shape[1:])), w.shape, windows, 1)
    )
    assert agree("input_gradient", (np.broadcast_to(g[:, :1, :1, :1], g.shape), strange(w), None, windows, 1))


def test_what_is_not_served_is_left_to_the_twin():
    windows = Windows((8, 8), (3, 3))
    x, w = rng.normal(size=(2, 4, 8, 8)), rng.normal(size=(8, 4, 3, 3))
    kernel = native.TABLE["convolved"][0]
    for args in (
        (x.astype(np.float16), w.astype(np.float16), None),
        (x.astype(np.float32), w, None),
        (x + 0j, w + 0j, None),
        (x.astype(">f8"), w.astype(">f8"), None),
        (x[:0], w, None),
    ):
        assert kernel(*args, windows, 1) is NotImplemented


def test_shapes_that_do_not_fit_never_reach_c():
    windows = Windows((8, 8), (3, 3))
    x, w, g = rng.normal(size=(20, 4, 8, 8)), rng.normal(size=(8, 4, 3, 3)), rng.normal(size=(20, 8, 6, 6))
    for name, args in (
        ("convolved", (x[:, :3], w, None, windows, 1)),
        ("convolved", (x, w[..., :2], None, windows, 1)),
        ("convolved", (x, w, rng.normal(size=7), windows, 1)),
        ("input_gradient", (g[..., :5], w, None, windows, 1)),
        ("weight_gradient", (g, x[..., :7], w.shape, windows, 1)),
        ("weight_gradient", (g[:, :7], x, w.shape, windows, 1)),
    ):
        with pytest.raises(ValueError, match="expected|do not fit"):
            native.TABLE[name][0](*args)
    with pytest.raises(ValueError, match="contiguous"):
        native.call("convolve_scratch", x.dtype, x[..., ::2])


def test_a_long_sum_is_as_exact_as_a_short_one():
    windows = Windows((256, 256), (3, 3))
    x, g = (np.full((4, c, *size), 0.1, np.float32) for c, size in ((1, (256, 256)), (16, windows.out)))
    dw = native.TABLE["weight_gradient"][0](g, x, (16, 1, 3, 3), windows, 1)
    exact = g.size / 16 * float(np.float32(0.1)) ** 2
    np.testing.assert_allclose(dw, exact, rtol=1e-6)


def test_rows_of_every_kind():
    x = rng.normal(size=(6, 40)) * 9
    strange = np.array(x[:, ::-1], order="F")[:, ::-1]
    fixed = x.copy()
    fixed.flags.writeable = False
    for given in (strange, fixed, np.broadcast_to(x[:1], x.shape)):
        assert agree("softmax", (given,)) and agree("log_softmax", (given,))
        p = np.exp(given) / np.exp(given).sum(axis=1, keepdims=True)
        assert agree("softmax_backward", (given, p)) and agree("log_softmax_backward", (given, p))
        assert agree(
            "target_losses, both passes", (given, np.arange(6)), {"g": given[:, 0], "needs": (True, False)}
        )


def test_rows_that_are_not_served():
    softmax, losses = (native.TABLE[name][0] for name in ("softmax", "target_losses"))
    x = rng.normal(size=(4, 5))
    for other in (x.astype(np.float16), x.astype(">f8"), x[:0], x[:, :0], np.float64(1.0) + np.zeros(())):
        assert softmax(other) is NotImplemented
    assert softmax(x, out=np.empty((5, 4)).T) is NotImplemented
    for targets in (
        np.array([0, 1, 2, 5]),
        np.array([0, -1, 2, 3]),
        np.arange(4, dtype=np.int32),
        np.arange(8)[::2],
    ):
        assert losses(x, targets) is NotImplemented
    with pytest.raises(ValueError, match="expected"):
        native.TABLE["softmax_backward"][0](x, x[:3])
    with pytest.raises(ValueError, match="first"):
        softmax(x, first=-1)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_rows_are_shared_among_the_threads(count, monkeypatch):
    state = [count]
    monkeypatch.setattr(threads, "_blas_threads", lambda: (lambda: state[0], lambda n: None))
    monkeypatch.setattr("nn.kernels.native.rows.SMALL", 0)
    x, targets = rng.normal(size=(37, 11)), rng.integers(0, 11, 37)
    for name, args in (("softmax", (x,)), ("log_softmax", (x,)), ("target_losses", (x, targets))):
        assert agree(name, args)
        alone = [native.TABLE[name][0](*(a[i : i + 1] for a in args)) for i in range(37)]
        whole = native.TABLE[name][0](*args)
        first = np.concatenate([arrays(each)[0] for each in alone])
        np.testing.assert_array_equal(arrays(whole)[0], first)


def test_rows_of_a_table_are_checked_before_c_reads_them():
    kernel, g = native.TABLE["table_rows_backward"][0], rng.normal(size=(4, 3))
    for numbers in (
        np.array([0, 1, 2, 5]),
        np.array([0, -1, 2, 3]),
        np.arange(4, dtype=np.int32),
        np.arange(8)[::2],
    ):
        assert kernel(g, (numbers, 5), (True, False)) is NotImplemented
    with pytest.raises(ValueError, match="expected"):
        kernel(g[:3], (np.arange(4), 5), (True, False))


def test_a_row_that_is_read_often_has_an_exact_sum():
    g = np.full((500_000, 2), 0.1, np.float32)
    (dw,) = native.TABLE["table_rows_backward"][0](g, (np.zeros(len(g), np.int64), 3), (True, False))[:1]
    np.testing.assert_allclose(dw, [[len(g) * float(np.float32(0.1))] * 2, [0, 0], [0, 0]], rtol=1e-7)
