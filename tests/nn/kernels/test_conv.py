"""The kernels of convolution against their definitions, finite differences, and each other."""

import itertools

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.testing import check_grads
from nn.functional.conv import convolution, transposed_convolution
from nn.kernels import conv as kernels
from tests.helpers import check_both_orders, second_order

rng = np.random.default_rng(0)


def case(kernel=(3, 2), stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1, size=(7, 8)):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    x, w = rng.normal(size=(3, 4, *size)), rng.normal(size=(6, 4 // groups, *kernel))
    return x, w, rng.normal(size=6), options


CASES = [
    {},
    {"kernel": (1, 1)},
    {"kernel": (1, 1), "stride": (2, 3)},
    {"kernel": (1, 3), "groups": 2},
    {"stride": (2, 1), "padding": ((1, 1), (1, 1))},
    {"stride": (1, 2), "padding": ((2, 0), (0, 1)), "dilation": (2, 1)},
    {"stride": (3, 2), "kernel": (3, 2)},
    {"stride": (3, 3), "kernel": (2, 2)},
    {"stride": (2, 2), "dilation": (1, 3), "padding": ((1, 1), (2, 2)), "groups": 2},
    {"kernel": (7, 8)},
    {"kernel": (2, 2, 3), "size": (4, 5, 6), "stride": (1, 2, 1), "padding": ((1, 1), (0, 0), (2, 2)),
     "dilation": (2, 1, 1), "groups": 2},
    {"kernel": (2, 2, 3), "size": (4, 5, 6), "stride": (2, 1, 2), "padding": ((0, 0),) * 3,
     "dilation": (1, 2, 1)},
]  # fmt: skip


@pytest.fixture(params=["images together", "rows on threads"])
def road(request, monkeypatch):
    """Small blocks, threads, images one by one are for large arrays; here small ones take that road too."""
    if request.param == "rows on threads":
        monkeypatch.setattr(kernels, "BLOCK", 2000)
        monkeypatch.setattr(kernels, "SMALL", 0)
        monkeypatch.setattr(kernels, "FEW", 0)


def value_and_pullbacks(f, args, options):
    """The value and all cotangents, of a cotangent that tells its entries apart."""
    present = [a for a in args if a is not None]

    def call(*xs):
        rest = iter(xs)
        return f(*[None if a is None else next(rest) for a in args], **options)

    y, pull = ag.vjp(call, *present)
    return y, *pull(np.cos(np.arange(y.size)).reshape(y.shape))


def agree(f, args, options):
    results = (value_and_pullbacks(g, args, options) for g in (f, f.__wrapped__))
    for got, expected in zip(*results, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-12)


def transposed(kwargs):
    """The transposed convolution from the output of a convolution back to its input, of one size more."""
    x, w, _, options = case(**kwargs)
    y = convolution(x, w, None, **options)
    return rng.normal(size=y.shape), w, rng.normal(size=4), {**options, "size": x.shape[2:]}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kwargs", CASES, ids=str)
def test_the_kernels_are_their_definitions(road, kwargs, bias):
    for f, make in ((convolution, lambda kwargs: case(**kwargs)), (transposed_convolution, transposed)):
        x, w, b, options = make(kwargs)
        agree(f, (x, w, b if bias else None), options)


def test_the_definition_is_the_sum_that_books_write():
    x, w, b, options = case(stride=(2, 1), padding=((1, 2), (0, 1)), dilation=(1, 2), groups=2)
    y = convolution(x, w, b, **options)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 2), (0, 1)))
    for n, o, i, j in np.ndindex(*y.shape):
        total = b[o]
        for c, k, l in np.ndindex(*w.shape[1:]):  # noqa: E741
            total += w[o, c, k, l] * padded[n, c + (o // 3) * 2, 2 * i + k, j + 2 * l]
        assert y[n, o, i, j] == pytest.approx(total, rel=1e-12)


def test_the_transpose_is_the_adjoint_map():
    """<conv(x), y> = <x, conv^T(y)>."""
    for kwargs in CASES:
        x, w, _, options = case(**kwargs)
        y = rng.normal(size=convolution(x, w, None, **options).shape)
        back = transposed_convolution(y, w, None, size=x.shape[2:], **options)
        assert np.sum(convolution(x, w, None, **options) * y) == pytest.approx(np.sum(x * back), rel=1e-11)


@pytest.mark.parametrize("kwargs", CASES, ids=str)
def test_first_derivatives(kwargs):
    for f, (x, w, b, options) in (
        (convolution, case(**kwargs)),
        (transposed_convolution, transposed(kwargs)),
    ):
        check_grads(lambda *xs, f=f, options=options: f(*xs, **options), (x, w, b), order=1, modes=("rev",))


@second_order
@pytest.mark.parametrize("kwargs", [CASES[5], CASES[8]], ids=str)
def test_second_derivatives_and_forward_mode(kwargs, along):
    for f, (x, w, b, options) in (
        (convolution, case(**kwargs)),
        (transposed_convolution, transposed(kwargs)),
    ):
        check_both_orders(lambda *xs, f=f, options=options: f(*xs, **options)[0, 0], (x, w, b), along)


def test_only_what_is_wanted_is_computed(monkeypatch):
    x, w, b, options = case()
    called = []
    for name in ("input_gradient", "weight_gradient"):
        true = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *a, n=name, t=true: (called.append(n), t(*a))[1])
    ag.grad(lambda w: np.sum(convolution(x, w, b, **options)))(w)
    assert called == ["weight_gradient"]
    ag.grad(lambda x: np.sum(convolution(x, w, b, **options)))(x)
    assert called == ["weight_gradient", "input_gradient"]


@pytest.mark.parametrize("kwargs", [CASES[0], CASES[1], CASES[5]], ids=str)
def test_layouts_and_dtypes(road, kwargs):
    x, w, b, options = case(**kwargs)
    expected = value_and_pullbacks(convolution, (x, w, b), options)
    strange = [np.array(a[..., ::-1], order="F")[..., ::-1] for a in (x, w, b)]
    for a in strange:
        a.flags.writeable = False
    for got, want in zip(value_and_pullbacks(convolution, strange, options), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)
    narrow = [a.astype(np.float32) for a in (x, w, b)]
    for got, want in zip(value_and_pullbacks(convolution, narrow, options), expected, strict=True):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    mixed = value_and_pullbacks(convolution, (x, *narrow[1:]), options)
    assert [a.dtype.itemsize for a in mixed] == [8, 8, 4, 4]


@pytest.mark.parametrize("kwargs", CASES, ids=str)
def test_an_empty_batch(kwargs):
    x, w, b, options = case(**kwargs)
    y, dx, dw, db = value_and_pullbacks(convolution, (x[:0], w, b), options)
    assert y.shape == (0, *convolution(x, w, b, **options).shape[1:])
    assert dx.shape == x[:0].shape
    assert not dw.any() and not db.any() and dw.shape == w.shape


def test_a_summed_output_sends_back_a_broadcast_cotangent():
    x, w, b, options = case()
    for got, expected in zip(
        ag.grad(lambda *xs: np.sum(convolution(*xs, **options)), argnums=(0, 1, 2))(x, w, b),
        ag.grad(lambda *xs: np.sum(convolution.__wrapped__(*xs, **options)), argnums=(0, 1, 2))(x, w, b),
        strict=True,
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_complex_numbers():
    x, w, b, options = case(**CASES[4])
    for real in range(3):
        args = [a if i == real else a + 1j * rng.normal(size=a.shape) for i, a in enumerate((x, w, b))]
        check_grads(lambda *xs: convolution(*xs, **options), args, order=1, modes=("rev",))
        agree(convolution, args, options)


def test_an_image_that_is_not_finite_does_not_touch_its_neighbours():
    x, w, b, options = case(padding=((1, 1), (1, 1)))
    x[1] = np.nan
    y, dx, _, _ = value_and_pullbacks(convolution, (x, w, b), options)
    assert np.isfinite(y[[0, 2]]).all() and np.isfinite(dx).all()


def test_blocks_of_every_size(monkeypatch):
    x, w, b, options = case(padding=((1, 1), (0, 0)), stride=(2, 1))
    expected = value_and_pullbacks(convolution, (x, w, b), options)
    for block, limit, few in itertools.product((1, 500, 3000, 6000, 1 << 20), (0, 1 << 30), (0, 128)):
        monkeypatch.setattr(kernels, "BLOCK", block)
        monkeypatch.setattr(kernels, "SMALL", limit)
        monkeypatch.setattr(kernels, "FEW", few)
        for got, want in zip(value_and_pullbacks(convolution, (x, w, b), options), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
