"""The native recurrent layers: their activations, their runs and threads, and what they leave to NumPy."""

import numpy as np
import pytest

from nn.kernels import native, threads
from nn.kernels.native import recurrent
from tests.nn.kernels.native.cases import DTYPES, KERNELS, STATES_AND_GATES
from tests.nn.kernels.native.test_twins import agree

pytestmark = pytest.mark.skipif(native.library() is None, reason=f"native kernels: {native.state()}")

OPS = sorted(STATES_AND_GATES)
SIZES = T, B, I, H = 7, 5, 3, 9  # noqa: E741


@pytest.fixture(autouse=True)
def short_sequences_too(monkeypatch):
    """Native layers serve short sequences too, which they otherwise leave to NumPy."""
    monkeypatch.setattr(recurrent, "SHORT", 0)


def call(op, dtype=np.float64, **options):
    """A call of both passes of an op, at a fixed size."""
    rng = np.random.default_rng(3)
    states, gates = STATES_AND_GATES[op]
    normal = lambda *shape: rng.normal(size=shape).astype(dtype)
    weights = [normal(gates * H, I), normal(gates * H, H) / 2, normal(gates * H), normal(gates * H)]
    args = (normal(T, B, I), *(normal(B, H) for _ in range(states)), *weights)
    g = [normal(T, B, H), *(normal(B, H) for _ in range(states))]
    return f"{op}, both passes", args, {"g": g, "needs": (True,) * len(args), **options}


def activations(x):
    """The logistic function and tanh of x, as the gates of an LSTM compute them."""
    w, state = np.ones((4, 1), x.dtype), np.zeros((len(x), 1), x.dtype)
    _, (_, gates, *_) = recurrent.lstm(x[None, :, None], state, state, w, 0 * w, None, None)
    return gates[0, :, 0], gates[0, :, 2]


def points(dtype, count):
    """Numbers of all sizes and both signs, and the tails."""
    rng, info = np.random.default_rng(5), np.finfo(dtype)
    tiny = np.log(float(info.smallest_subnormal))
    tails = -1.02 * tiny
    return np.concatenate(
        [
            rng.normal(size=count) * 3,
            rng.uniform(-tails, tails, count),
            rng.choice([-1, 1], count) * np.exp(rng.uniform(tiny, 5, count)),
            [0.0, -0.0, 17.3, -17.3, float(info.max), -float(info.max), float(info.smallest_subnormal)],
        ]
    ).astype(dtype)  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [500, pytest.param(50_000, marks=pytest.mark.slow)])
def test_activations_are_exact_to_4_ulp(dtype, count):
    mpmath = pytest.importorskip("mpmath")
    x = points(dtype, count)
    with mpmath.workprec(200):
        logistic = lambda a: 1 / (1 + mpmath.exp(-a))
        for got, function in zip(activations(x), (logistic, mpmath.tanh), strict=True):
            for a, y in zip(x, got, strict=True):
                exact = function(mpmath.mpf(float(a)))
                unit = mpmath.mpf(float(np.spacing(np.abs(dtype(exact)))))
                assert abs(mpmath.mpf(float(y)) - exact) <= 4 * unit, (a, y, exact)


def test_activations_of_nan_and_inf(monkeypatch):
    monkeypatch.setattr(recurrent, "SINGLE", 0)
    logistic, tanh = activations(np.array([np.nan, np.inf, -np.inf, 0.0]))
    np.testing.assert_array_equal(logistic, [np.nan, 1, 0, 0.5])
    np.testing.assert_array_equal(tanh, [np.nan, 1, -1, 0])


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("run", [1, 2 * B * H * 4, 3 * B * H * 4])
def test_runs_of_steps_are_one_sequence(op, reverse, run, monkeypatch):
    monkeypatch.setattr(recurrent, "RUN", run)
    for lengths in (None, np.array([7, 3, 0, 5, 1])):
        assert agree(*call(op, reverse=reverse, lengths=lengths))


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_sequences_are_shared_among_threads(op, count, monkeypatch):
    monkeypatch.setattr(threads, "_blas_threads", lambda: (lambda: count, lambda n: None))
    monkeypatch.setattr(recurrent, "SMALL", 0)
    name, args, options = call(op, lengths=np.array([7, 3, 0, 5, 1]))
    assert agree(name, args, options)
    (first, sent), (second, again) = (KERNELS[name][0](*args, **options) for _ in range(2))
    for a, b in zip((*first, *sent), (*second, *again), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [0, 1, -4, -3, -2, "g"])
def test_nan_and_inf_go_where_the_twin_sends_them(op, special, where):
    name, args, options = call(op, lengths=np.array([7, 3, 2, 5, 1]))
    (options["g"][0] if where == "g" else args[where]).flat[4] = special
    assert agree(name, args, options)


@pytest.mark.parametrize("op", OPS)
def test_layouts_of_every_kind(op):
    name, args, options = call(op)
    strange = [np.array(a[..., ::-1], order="F")[..., ::-1] for a in args]
    for a in strange:
        a.flags.writeable = False
    g = [np.broadcast_to(a[:1], a.shape) for a in options["g"]]
    assert agree(name, strange, {**options, "g": g})
    assert agree(name, args, {**options, "lengths": np.array([7, 0, 3, 0, 0, 0, 2, 0, 1, 0], np.uint8)[::2]})


@pytest.mark.parametrize("op", OPS)
def test_results_are_the_callers_own(op):
    _, args, options = call(op)
    forward, backward = native.TABLE[op][0], native.TABLE[f"{op}_backward"][0]
    value, residuals = forward(*args)
    before = [np.array(a) for a in backward(options["g"], residuals, options["needs"])]
    for a in value:
        a[...] = 99
    for a, b in zip(backward(options["g"], residuals, options["needs"]), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("op", OPS)
def test_what_is_not_served_is_left_to_the_twin(op, monkeypatch):
    _, args, _ = call(op)
    x, *states = args[:-4]
    kernel = native.TABLE[op][0]
    assert kernel(*args) is not NotImplemented
    for other in (
        [a.astype(np.float16) for a in args],
        [a.astype(np.float32) for a in args[:1]] + list(args[1:]),
        [a + 0j for a in args],
        [a.astype(">f8") for a in args],
        [x[:0], *args[1:]],
        [x[:, :0], *(s[:0] for s in states), *args[-4:]],
        [x[..., :2], *args[1:]],
        [x, *(s[:1] for s in states), *args[-4:]],
        [*args[:-4], args[-4][:-1], *args[-3:]],
        [*args[:-3], args[-3][:, :-1], *args[-2:]],
        [*args[:-1], args[-1][:-1]],
        [x[0], *args[1:]],
    ):
        assert kernel(*other) is NotImplemented
    assert kernel(*args, lengths=np.array([1, 2])) is NotImplemented
    assert native.TABLE[f"{op}_backward"][0](None, native.TABLE[op][1](*args)[1], ()) is NotImplemented
    monkeypatch.setattr(recurrent, "products_of", lambda dtype: None)
    assert kernel(*args) is NotImplemented


@pytest.mark.parametrize("op", OPS)
def test_a_single_small_step_is_left_to_the_twin(op):
    _, args, _ = call(op)
    assert native.TABLE[op][0](args[0][:1], *args[1:]) is NotImplemented


def test_a_short_plain_layer_is_left_to_the_twin(monkeypatch):
    _, args, _ = call("rnn")
    assert native.TABLE["rnn"][0](*args) is not NotImplemented
    monkeypatch.setattr(recurrent, "SHORT", T)
    assert native.TABLE["rnn"][0](*args) is NotImplemented
