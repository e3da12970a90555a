"""The kernels of pooling against their definitions and finite differences."""

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.testing import check_grads
from nn.functional.pool import avg_pooling, max_pooling
from nn.kernels import pool as kernels

rng = np.random.default_rng(0)


def options(kernel=(2, 2), stride=(2, 2), padding=((0, 0), (0, 0)), dilation=(1, 1)):
    return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}


CASES = [
    options(),
    options(kernel=(3, 3), stride=(2, 2)),
    options(kernel=(3, 2), stride=(1, 2), padding=((1, 1), (0, 1))),
    options(kernel=(2, 3), stride=(2, 1), dilation=(3, 2)),
    options(kernel=(7, 9), stride=(1, 1)),
    options(kernel=(1, 1), stride=(3, 2)),
    options(kernel=(3,), stride=(2,), padding=((1, 2),), dilation=(2,)),
    options(kernel=(2, 1, 2), stride=(2, 2, 1), padding=((0, 1),) * 3, dilation=(1,) * 3),
]
SIZES = {1: (11,), 2: (7, 9), 3: (4, 5, 6)}


def points(case):
    """All different, so that no maximum has a kink."""
    shape = (3, 2, *SIZES[len(case["kernel"])])
    return rng.permutation(np.linspace(-1.0, 1.0, np.prod(shape))).reshape(shape)


@pytest.fixture(params=["whole", "on threads"])
def road(request, monkeypatch):
    """Threads are for large arrays; here small arrays take that road too."""
    if request.param == "on threads":
        monkeypatch.setattr(kernels, "SMALL", 0)
        monkeypatch.setattr(kernels, "BLOCK", 1)


def both(f, x):
    y, pull = ag.vjp(f, x)
    return y, pull(np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype))[0]


def agree(f, definition, x, rtol=1e-12):
    for got, expected in zip(both(f, x), both(definition, x), strict=True):
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol)
        assert got.dtype == x.dtype


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_kernels_are_their_definitions(road, case):
    x = points(case)
    agree(lambda x: max_pooling(x, **case), lambda x: max_pooling.__wrapped__(x, **case), x)
    for divisor in (3, np.arange(1.0, 1 + max_pooling(x, **case)[0, 0].size).reshape(-1, 1)):
        divisor = divisor if isinstance(divisor, int) else divisor.reshape(max_pooling(x, **case).shape[2:])
        agree(
            lambda x, d=divisor: avg_pooling(x, divisor=d, **case),
            lambda x, d=divisor: avg_pooling.__wrapped__(x, divisor=d, **case),
            x,
        )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_derivatives(case):
    x = points(case)
    check_grads(lambda x: max_pooling(x, **case), (x,), order=1, eps=1e-4)
    check_grads(lambda x: avg_pooling(x, divisor=5, **case), (x,), order=1)


def test_second_derivatives():
    x = points(CASES[1])
    check_grads(lambda x: max_pooling(x * x * x, **CASES[1]), (x,), order=2, eps=1e-4)
    check_grads(lambda x: avg_pooling(x, divisor=4, **CASES[1]) ** 3, (x,), order=2)


@pytest.mark.parametrize("case", CASES[:4], ids=str)
def test_layouts_and_dtypes(road, case):
    x = points(case)
    strange = np.array(x[..., ::-1], order="F")[..., ::-1]
    strange.flags.writeable = False
    narrow = x.astype(np.float32)
    for f in (lambda x: max_pooling(x, **case), lambda x: avg_pooling(x, divisor=4, **case)):
        expected = both(f, x)
        for got, want in zip(both(f, strange), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-14)
        for got, want in zip(both(f, narrow), expected, strict=True):
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_empty_batch(case):
    x = points(case)[:0]
    for f in (lambda x: max_pooling(x, **case), lambda x: avg_pooling(x, divisor=4, **case)):
        y, dx = both(f, x)
        assert len(y) == 0 and dx.shape == x.shape


def test_of_equal_entries_the_first_gets_the_gradient():
    x = np.ones((1, 1, 4, 4))
    for f in (max_pooling, max_pooling.__wrapped__):
        dx = ag.grad(lambda x: np.sum(f(x, **options())))(x)  # noqa: B023
        np.testing.assert_array_equal(dx[0, 0], [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]])


def test_nan_is_the_largest_and_gets_the_gradient():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    x[0, 0, 0, 1] = x[0, 0, 3, 2] = np.nan
    y, dx = both(lambda x: max_pooling(x, **options()), x)
    np.testing.assert_array_equal(np.isnan(y[0, 0]), [[True, False], [False, True]])
    np.testing.assert_array_equal(np.argwhere(dx[0, 0]), [[0, 1], [1, 3], [3, 1], [3, 2]])


def test_entries_that_were_not_chosen_are_dead():
    """Nothing flows back through them, not even what their own function makes of it."""
    x = np.array([[[[0.0, 4.0], [1.0, 9.0]]]])
    dx = ag.grad(lambda x: np.sum(max_pooling(np.sqrt(x), **options())))(x)
    np.testing.assert_allclose(dx, [[[[0, 0], [0, 1 / 6]]]])
    g = np.full((1, 1, 1, 1), np.inf)
    _, pull = ag.vjp(lambda x: max_pooling(x, **options()), x)
    np.testing.assert_array_equal(pull(g)[0], [[[[0, 0], [0, np.inf]]]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("case", CASES[:3], ids=str)
def test_a_cotangent_that_is_not_finite_goes_where_its_entry_came_from(case, dtype):
    """And to no other of its window, in any dtype."""
    x = np.arange(3 * 2 * 7 * 9, dtype=dtype).reshape(3, 2, 7, 9)  # the last of each window is the largest
    y, pull = ag.vjp(lambda x: max_pooling(x, **case), x)
    for bad in (np.inf, np.nan):
        g = np.zeros_like(y)
        g[1, 1, 1, 1] = bad
        dx = pull(g)[0]
        assert dx.dtype == dtype
        expected = np.zeros_like(x)
        expected[x == y[1, 1, 1, 1]] = bad
        np.testing.assert_array_equal(dx, expected)


def test_integers_have_a_maximum_too():
    x = np.arange(-16, 0).reshape(1, 1, 4, 4)
    y = max_pooling(x, **options(kernel=(3, 3), padding=((1, 1), (1, 1))))
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y[0, 0], [[-11, -9], [-3, -1]])


def test_windows_of_more_entries_than_a_byte_can_count():
    x = points(CASES[0])
    big = rng.permutation(40 * 30.0 * np.arange(1, 2 * 1200 + 1)).reshape(1, 2, 40, 30)
    case = options(kernel=(40, 30), stride=(1, 1))
    agree(lambda x: max_pooling(x, **case), lambda x: max_pooling.__wrapped__(x, **case), big)
    assert kernels.max_indices(big, **case)[0, 1, 0, 0] == big[0, 1].argmax()
    assert x.shape == (3, 2, 7, 9)


@pytest.mark.parametrize(
    "x", [np.zeros((1, 1, 3, 3), np.uint8), np.full((1, 1, 3, 3), -np.inf)], ids=["uint8", "-inf"]
)
def test_the_padding_is_never_chosen(x):
    given = options(kernel=(3, 3), stride=(2, 2), padding=((1, 1), (1, 1)))
    _, (chosen, *_) = kernels.max_pooling(x, **given)
    assert chosen.ravel().tolist() == [4, 3, 1, 0]  # the first place of each window that lies inside
    if x.dtype.kind == "f":
        g = ag.grad(lambda x: max_pooling(x, **given).sum())(x)
        assert g.sum() == 4


def test_half_precision_is_summed_in_single():
    assert avg_pooling(np.ones((1, 1, 64, 64), np.float16), divisor=4096, **options((64, 64), (64, 64))) == 1
    assert avg_pooling(np.full((1, 1, 2, 2), np.float16(30000)), divisor=4, **options()) == 30000
