"""Every op at every sample on a batch, against a loop over its members; and the rules by themselves."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import jacobians, tree
from autograd_lite.arrays import unwrap
from autograd_lite.batching import algorithms, members
from autograd_lite.errors import (
    AnomalyError,
    AxisError,
    BatchError,
    DTypeError,
    MistakeWarning,
    OptionError,
    ShapeError,
    UnsupportedError,
)
from nn import functional
from tests.helpers import by_op
from tests.samples import SAMPLES, Sample, without_phase

SCALES = (1.0, 0.97, 0.93)
"""The members of a batch are the sample, scaled: symmetric stays symmetric, positive stays positive."""


def is_mapped(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def numbers(out: Any) -> list[Any]:
    """The results that carry numbers: a rank is none."""
    return [
        y
        for y in tree.flatten(out)[0]
        if isinstance(unwrap(y), (np.ndarray, np.generic)) or hasattr(y, "_data")
    ]


def loss(out: Any) -> Any:
    parts = [np.sum(np.real(y) ** 2) + np.sum(np.imag(y)) for y in numbers(out) if isinstance(y, ag.Tensor)]
    return sum(parts[1:], parts[0])


def lies_in_memory(sample: Sample) -> bool:
    """Whether the op asks how an array lies in memory, which a member of a batch does not tell."""
    return sample.kwargs.get("order") in ("A", "K")


def compared(sample: Sample) -> None:
    values, rebuild = tree.flatten(list(sample.args))
    places = [i for i, x in enumerate(values) if is_mapped(x)]

    def call(*arrays: Any) -> Any:
        own = list(values)
        for i, x in zip(places, arrays, strict=True):
            own[i] = x
        return without_phase(sample.op, sample.op(*rebuild(own), **sample.kwargs))

    batch = [np.stack([values[i] * s for s in SCALES]) for i in places]
    gradient = ag.grad(lambda *xs: loss(call(*xs)), tuple(range(len(places))))
    tensors = [ag.Tensor(x) for x in batch]
    got = ag.vmap(lambda *xs: numbers(call(*xs)))(*tensors)
    got_gradients = ag.vmap(gradient)(*batch)
    for m in range(len(SCALES)):
        want = numbers(call(*[ag.Tensor(x[m]) for x in batch]))
        for y, z in zip(got, want, strict=True):
            assert unwrap(y).dtype == unwrap(z).dtype, sample
            np.testing.assert_allclose(unwrap(y)[m], unwrap(z), rtol=1e-9, atol=1e-10, err_msg=str(sample))
        for g, h in zip(got_gradients, gradient(*[x[m] for x in batch]), strict=True):
            np.testing.assert_allclose(g[m], h, rtol=1e-7, atol=1e-9, err_msg=str(sample))


@pytest.mark.parametrize("samples", by_op(SAMPLES))
def test_every_op_on_a_batch_is_the_op_on_each_member(samples: list[Sample]) -> None:
    """No op is looped over: the warning that names the op would be an error."""
    for sample in samples:
        if not lies_in_memory(sample) and any(is_mapped(x) for x in tree.flatten(list(sample.args))[0]):
            compared(sample)


def squares(f: Any, x: Any) -> Any:
    return np.sum(ag.grad(f)(x) ** 2)


# -- second order, nested maps, shared arguments ---------------------------------------------------

rng = np.random.default_rng(3)


def draw(*shape: int) -> Any:
    return rng.normal(size=shape)


def refused(f: Any, x: Any) -> bool:
    """Whether NumPy cannot hand the Tensor over, which is an error without a map too."""
    try:
        f(x)
    except UnsupportedError:
        return True
    return False


@pytest.mark.parametrize("samples", by_op(SAMPLES[::3]))
def test_derivatives_of_second_order_on_a_batch(samples: list[Sample]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MistakeWarning)
        for sample in samples:
            places = [i for i, x in enumerate(sample.args) if is_mapped(x)]
            if not places or lies_in_memory(sample):
                continue
            i = places[0]

            def f(x: Any, sample: Sample = sample, i: int = i) -> Any:
                y = sample.op(*sample.args[:i], x, *sample.args[i + 1 :], **sample.kwargs)
                return loss(without_phase(sample.op, y))

            second = ag.grad(functools.partial(squares, f))

            batch = np.stack([sample.args[i] * s for s in SCALES])
            if sample.op is np.select and refused(second, batch[0]):
                continue  # older NumPy does not look for Tensors in the default of np.select
            for got, x in zip(ag.vmap(second)(batch), batch, strict=True):
                np.testing.assert_allclose(got, second(x), rtol=1e-6, atol=1e-7, err_msg=str(sample))


def quartic(x: Any) -> Any:
    return np.sum(x**3 * x[0]) + np.sum(np.sin(x))


def test_a_map_goes_together_with_the_other_transforms() -> None:
    X, w = draw(4, 3), draw(3)
    for transform in (
        ag.grad,
        ag.hessian,
        lambda f: ag.jacobian(lambda v: f(v) * v),
        lambda f: ag.jacfwd(ag.grad(f)),
    ):
        of = transform(quartic)
        np.testing.assert_allclose(ag.vmap(of)(X), np.stack([*map(of, X)]), rtol=1e-12)
        np.testing.assert_allclose(
            ag.vmap(ag.vmap(of))(X[None]), np.stack([of(x) for x in X])[None], rtol=1e-12
        )
    np.testing.assert_allclose(
        ag.vmap(lambda x, v: ag.hvp(quartic, x, v))(X, X[::-1]),
        np.stack([ag.hvp(quartic, x, v) for x, v in zip(X, X[::-1], strict=True)]),
        rtol=1e-12,
    )
    np.testing.assert_allclose(
        ag.vmap(lambda x, v: ag.jvp(quartic, (x,), (v,))[1])(X, X[::-1]),
        [ag.jvp(quartic, (x,), (v,))[1] for x, v in zip(X, X[::-1], strict=True)],
        rtol=1e-12,
    )

    def mapped(w: Any) -> Any:
        return np.sum(ag.vmap(lambda x: quartic(w * x))(X))

    def looped(w: Any) -> Any:
        return sum(quartic(w * x) for x in X)

    for transform in (ag.grad, ag.hessian, lambda f: lambda w: ag.jvp(f, (w,), (w,))[1]):
        np.testing.assert_allclose(transform(mapped)(w), transform(looped)(w), rtol=1e-11)
    np.testing.assert_allclose(
        ag.jacobian(ag.jacobian(lambda x: x**3))(w), ag.jacfwd(ag.jacfwd(lambda x: x**3))(w), rtol=1e-12
    )


def test_a_pullback_is_mapped_over() -> None:
    A, x = draw(5, 3), draw(3)
    out, pullback = ag.vjp(lambda x: np.tanh(A @ x), x)
    np.testing.assert_allclose(
        ag.vmap(lambda v: pullback(v)[0])(np.eye(5)), A * (1 - out**2)[:, None], rtol=1e-12
    )


def test_the_gradient_of_what_members_share_is_the_sum_over_them() -> None:
    w, X = ag.Tensor(draw(3), requires_grad=True), draw(4, 3)
    np.sum(ag.vmap(lambda x: np.sum(np.where(x > 0, w * w, 0) * x))(X)).backward()
    assert w.grad is not None
    np.testing.assert_allclose(w.grad.numpy(), 2 * w.numpy() * np.maximum(X, 0).sum(0), rtol=1e-12)


def test_dead_entries_of_what_members_share_stay_dead() -> None:
    def f(w: Any) -> Any:
        root = np.sqrt(w * 1.0)
        return np.sum(
            ag.vmap(lambda x: np.sum(np.where(x > 0, root, 0.0)))(np.array([[0.0, 1.0], [0.0, 2.0]]))
        )

    with np.errstate(all="ignore"):
        assert np.array_equal(ag.grad(f)(np.array([0.0, 4.0])), [0.0, 0.5])


# -- axes ------------------------------------------------------------------------------------------


def test_axes_in_and_out_and_nested_containers() -> None:
    a, b = draw(2, 3, 4), draw(4)
    for axis in (0, 1, 2, -1):
        moved = np.moveaxis(a, axis, 0)
        np.testing.assert_array_equal(ag.vmap(np.sin, in_axes=axis)(a), np.sin(moved))
        np.testing.assert_array_equal(ag.vmap(np.sin, axis, axis)(a), np.sin(a))
    got = ag.vmap(
        lambda d, y: {"sum": d["a"] + y, "pair": (d["b"][0], 3.0), "none": None},
        in_axes=({"a": 1, "b": [None]}, 0),
        out_axes={"sum": -1, "pair": (None, 0), "none": 0},
    )({"a": a[:, :, 0], "b": [b]}, draw(3) * 0)
    np.testing.assert_array_equal(got["sum"], a[:, :, 0])
    np.testing.assert_array_equal(got["pair"][0], b)
    np.testing.assert_array_equal(got["pair"][1], [3.0, 3.0, 3.0])
    np.testing.assert_array_equal(ag.vmap(lambda x, *, scale: x * scale)(b, scale=b), b * b)


def test_the_kinds_that_go_in_come_out() -> None:
    x = np.ones((2, 3), np.float32)
    assert type(ag.vmap(np.sum)(x)) is np.ndarray
    assert ag.vmap(np.sum)(x).dtype == np.float32
    assert isinstance(ag.vmap(np.sum)(ag.Tensor(x)), ag.Tensor)
    assert ag.vmap(np.sum)(ag.Tensor(x, requires_grad=True)).requires_grad
    assert ag.vmap(lambda x: x > 0)(x).dtype == bool
    assert ag.vmap(np.sum)(np.ones((0, 3))).shape == (0,)
    y = ag.vmap(lambda x: 2.0)(x)
    y[0] = 1.0  # a result is the caller's own
    np.testing.assert_array_equal(y, [1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: ag.vmap(f)(np.ones(2), np.ones(3)), ShapeError, r"args\[0\] has 2 .* args\[1\] has 3"),
        (lambda f: ag.vmap(f)(np.ones(2), 1.0), AxisError, r"args\[1\] is 1.0.*in_axes=None"),
        (
            lambda f: ag.vmap(f, in_axes=(0,))(np.ones(2), np.ones(2)),
            ShapeError,
            "does not fit the structure",
        ),
        (lambda f: ag.vmap(f, in_axes=None)(1.0, 2.0), ShapeError, "no argument is mapped over"),
        (lambda f: ag.vmap(f, out_axes=2)(np.ones(2), np.ones(2)), AxisError, "out_axes=2"),
        (lambda f: ag.vmap(f, out_axes=None)(np.ones(2), np.ones(2)), BatchError, "out_axes=0"),
        (lambda f: ag.vmap(f, randomness="some"), OptionError, "'error', 'different', 'same'"),
        (lambda f: ag.vmap(3.0), DTypeError, "takes a function"),
        (lambda f: ag.vmap(f)(np.ones(2), "text"), DTypeError, "in_axes=None for it"),
    ],
)
def test_a_wrong_call_is_answered(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(lambda x, y: x)


# -- what cannot be done for all members at once ------------------------------------------------------


@pytest.mark.parametrize(
    "reads",
    [
        lambda x: x if x > 0 else -x,
        float,
        lambda x: x.item(),
        lambda x: x.numpy(),
        np.asarray,
        lambda x: [1.0, 2.0][x.astype(int)],
        lambda x: x if (x > 0).any() else -x,
        lambda x: np.ones(3)[x.astype(int)],
    ],
)
def test_a_value_read_in_python_is_an_error(reads: Callable[[Any], Any]) -> None:
    with pytest.raises(BatchError, match=r"np.where\(condition, a, b\)"):
        ag.vmap(reads)(np.array([0.5, 1.0]))


def test_a_mask_as_an_index_is_an_error() -> None:
    with pytest.raises(BatchError, match=r"np.where\(mask, x, 0\)"):
        ag.vmap(lambda x: np.sum(x[x > 0]))(draw(2, 3))


def test_an_op_without_a_rule_is_looped_over_and_named_once() -> None:
    members._named.discard("histogram")
    X, edges = draw(3, 5), np.array([-9.0, 0.0, 9.0])
    counted = ag.vmap(lambda x: np.histogram(x, edges)[0])
    with pytest.warns(MistakeWarning, match="histogram has no batching rule"):
        counted(X)
    got = counted(X)  # a second warning would be an error
    np.testing.assert_array_equal(got, [np.histogram(x, edges)[0] for x in X])


def own_searches(x: Any) -> Any:
    row = np.sort(x)
    wanted = np.concatenate([x, [np.nan, 0.5, np.inf]])
    return np.stack([np.searchsorted(row, wanted, side) for side in ("left", "right")])


ALGORITHMS: dict[str, Callable[[Any], Any]] = {
    **{
        f"convolve {mode} {n}": lambda x, mode=mode, n=n: np.convolve(x[:n], x, mode)
        for mode in ("full", "same", "valid")
        for n in (1, 2, 3, 5)
    },
    "convolve with what all share": lambda x: np.convolve(np.arange(7.0), x, "same"),
    "searchsorted": own_searches,
    "searchsorted by an order": lambda x: np.searchsorted(x, [0.1, 0.2], sorter=np.argsort(x)),
    "interp": lambda x: np.interp(x, [-1.0, 0.0, 1.0], [1.0, 0.0, 2.0]),
    "digitize": lambda x: np.digitize(x, [-1.0, 0.0, 1.0]),
    "lexsort": lambda x: np.lexsort((x, np.round(x))),
    "allclose": lambda x: np.allclose(x, np.abs(x)),
    "array_equal": lambda x: np.array_equal(x, np.abs(x)),
    "sort_complex": lambda x: np.sort_complex(x),
    "pad with a mean": lambda x: np.pad(np.outer(x, x), ((1, 0), (2, 3)), "mean", stat_length=((1, 2),) * 2),
    "linspace": lambda x: np.linspace(x[:2], 1.0, 3, axis=-1),
    "quantile of a number": lambda x: np.quantile(x[0], [0.2, 0.5]),
    "weighted quantile": lambda x: np.quantile(x, 0.3, weights=np.arange(1.0, 6.0), method="inverted_cdf"),
    "lstsq": lambda x: np.linalg.lstsq(np.stack([x, x**2], 1), np.cos(x))[0],
    "lstsq of low rank": lambda x: np.linalg.lstsq(np.stack([x, 2 * x], 1), np.cos(x))[0],
    "roots": lambda x: np.roots(x),
    "polymul": lambda x: np.polymul(x, [0.0, 1.0, 2.0]),
    "polydiv": lambda x: np.polydiv(x, [1.0, 2.0])[0],
    "polyfit": lambda x: np.polyfit(np.arange(5.0), x, 2),
    "trim_zeros": lambda x: np.trim_zeros(np.concatenate([[0.0], x])),
}


if hasattr(np, "matvec"):  # NumPy 2.2
    ALGORITHMS["pad by a dict"] = lambda x: np.pad(np.outer(x, x), {1: (2, 1)}, mode="edge")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_algorithms_on_a_batch_and_on_a_batch_of_batches(name: str) -> None:
    f, X = ALGORITHMS[name], np.random.default_rng(7).normal(size=(4, 5))
    X[0] = np.abs(X[0])
    want = np.stack([f(x) for x in X])
    np.testing.assert_allclose(ag.vmap(f)(X), want, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(ag.vmap(ag.vmap(f))(X[None]), want[None], rtol=1e-8, atol=1e-10)


def test_windows_that_would_not_fit_into_memory_are_taken_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(algorithms, "ROOM", 1)
    X = draw(3, 5)
    np.testing.assert_allclose(
        ag.vmap(lambda x: np.convolve(x, x[:2]))(X), [np.convolve(x, x[:2]) for x in X], rtol=1e-12
    )
    np.testing.assert_array_equal(ag.vmap(own_searches)(X), [own_searches(x) for x in X])


def test_members_that_differ_in_what_decides_the_shape_are_refused() -> None:
    with pytest.raises(BatchError, match="are no batch"), warnings.catch_warnings():
        warnings.simplefilter("ignore", MistakeWarning)
        ag.vmap(np.trim_zeros)(np.array([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]))


def test_a_users_op_runs_on_a_batch_and_one_that_reads_is_looped_over() -> None:
    @ag.primitive
    def largest(x: Any) -> Any:
        return x * 2 if float(np.max(x)) > 0 else x

    ag.defvjp(largest, lambda g, y, x: g * (2 if float(np.max(x)) > 0 else 1))
    X = np.array([[1.0, -1.0], [-1.0, -2.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MistakeWarning)
        np.testing.assert_array_equal(ag.vmap(largest)(X), [[2.0, -2.0], [-1.0, -2.0]])
        np.testing.assert_array_equal(
            ag.vmap(ag.grad(lambda x: np.sum(largest(x))))(X), [[2.0, 2.0], [1.0, 1.0]]
        )


# -- indices that differ between the members ------------------------------------------------------

INDICES: list[Callable[[Any, Any, Any], Any]] = [
    lambda x, i, j: x[i],
    lambda x, i, j: x[:, i],
    lambda x, i, j: x[i, 1],
    lambda x, i, j: x[1, :, i],
    lambda x, i, j: x[:, 0, j],
    lambda x, i, j: x[j, :, i],
    lambda x, i, j: x[:, j, i],
    lambda x, i, j: x[..., j],
    lambda x, i, j: x[None, j, ..., None],
    lambda x, i, j: x[[0, 1], :, j],
    lambda x, i, j: x[:, [0, 1]][j],
    lambda x, i, j: x[j[0], 1:, ::-1],
    lambda x, i, j: np.take(x, j, axis=1),
    lambda x, i, j: np.take_along_axis(x, j[None, :, None], axis=1),
]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("read", INDICES)
def test_computed_indices(read: Callable[[Any, Any, Any], Any], shared: bool) -> None:
    X, rows, columns = draw(4, 2, 2, 2), rng.integers(2, size=4), rng.integers(-2, 2, size=(4, 2))
    one = X[0]

    def f(x: Any, i: Any, j: Any) -> Any:
        return read(x, i, j)

    axes = (None if shared else 0, 0, 0)
    members = [(ag.Tensor(one if shared else x), i, j) for x, i, j in zip(X, rows, columns, strict=True)]
    got = ag.vmap(f, axes)(one if shared else X, rows, columns)
    np.testing.assert_array_equal(got, np.stack([read(*m).numpy() for m in members]))
    gradient = ag.grad(lambda x, i, j: np.sum(np.sin(read(x, i, j))))
    got = ag.vmap(gradient, axes)(one if shared else X, rows, columns)
    want = [gradient(m[0].numpy(), *m[1:]) for m in members]
    np.testing.assert_allclose(got, np.stack(want), rtol=1e-12)


WRITES: list[Callable[[Any, Any, Any], Any]] = [
    lambda x, i, v: x.__setitem__(i, v),
    lambda x, i, v: x.__setitem__((slice(None), i), v),
    lambda x, i, v: x.__setitem__((slice(None), 1), 7.0),
    lambda x, i, v: x.__setitem__(([0, 1], slice(None), [2, 0]), v),
    lambda x, i, v: x.__setitem__(Ellipsis, v[0]),
]


@pytest.mark.parametrize("write", WRITES)
def test_assignment(write: Callable[[Any, Any, Any], Any]) -> None:
    X, places, V = draw(4, 2, 3, 3), rng.integers(2, size=4), draw(4, 3)

    def f(x: Any, i: Any, v: Any) -> Any:
        y = x * 1.0
        write(y, i, v)
        return np.sum(np.sin(y) * np.arange(18.0).reshape(2, 3, 3))

    for axes in ((0, 0, 0), (None, 0, 0), (0, None, 0), (None, None, 0)):
        args = [a if k == 0 else a[0] for a, k in zip((X, places, V), axes, strict=True)]
        got = ag.vmap(ag.grad(f, (0, 2)), axes)(*args)
        for m in range(4):
            own = [a[m] if k == 0 else a for a, k in zip(args, axes, strict=True)]
            for g, h in zip(got, ag.grad(f, (0, 2))(*own), strict=True):
                np.testing.assert_allclose(g[m], h, rtol=1e-12)


# -- random draws, networks ---------------------------------------------------------------------------


def test_randomness() -> None:
    x = np.ones((3, 40), np.float32)

    def noisy(v: Any) -> Any:
        return functional.dropout(v, 0.5, training=True)

    with pytest.raises(BatchError, match='randomness="different"'):
        ag.vmap(noisy)(x)
    same, different = (ag.vmap(noisy, randomness=r)(x) for r in ("same", "different"))
    assert np.array_equal(same[0], same[1])
    assert not np.array_equal(different[0], different[1])
    nested = ag.vmap(ag.vmap(noisy, randomness="different"), randomness="same")(x[None].repeat(2, 0))
    assert np.array_equal(nested[0], nested[1])
    assert not np.array_equal(nested[0, 0], nested[0, 1])
    nn.manual_seed(1)
    once = noisy(ag.Tensor(x[0])).numpy()
    nn.manual_seed(1)
    np.testing.assert_array_equal(ag.vmap(noisy, randomness="same")(x)[2], once)


def test_networks_on_a_batch_are_their_own_batches() -> None:
    nn.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3))
    X = draw(5, 4).astype(np.float32)
    np.testing.assert_allclose(ag.vmap(net)(X).numpy(), net(X).numpy(), rtol=1e-5, atol=1e-6)
    cnn = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 2))
    images = draw(5, 1, 8, 8).astype(np.float32)
    got = ag.vmap(lambda image: cnn(image[None])[0])(images)
    np.testing.assert_allclose(got.numpy(), cnn(images).numpy(), rtol=1e-5, atol=1e-6)


def test_gradients_of_each_sample_add_up_to_that_of_the_batch() -> None:
    params = [(draw(4, 8), np.zeros(8)), (draw(8, 3), np.zeros(3))]
    X, Y = draw(6, 4), rng.integers(3, size=6)

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        (W1, b1), (W2, b2) = params
        return -ag.log_softmax(np.tanh(x @ W1 + b1) @ W2 + b2)[y]

    each = ag.vmap(ag.grad(loss_of), (None, 0, 0))(params, X, Y)
    for m in range(6):
        for g, h in zip(
            tree.flatten(each)[0], tree.flatten(ag.grad(loss_of)(params, X[m], Y[m]))[0], strict=True
        ):
            np.testing.assert_allclose(g[m], h, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "options", [{}, {"weight": [1.0, 2.0, 3.0]}, {"ignore_index": 1}, {"label_smoothing": 0.1}]
)
def test_cross_entropy_with_class_indices_of_each_member(options: dict[str, Any]) -> None:
    X, y = draw(4, 3), np.array([0, 2, 2, 0])

    def f(x: Any, y: Any) -> Any:
        return functional.cross_entropy(x[None], y[None], **options)

    got = ag.vmap(ag.grad(f), (0, 0))(X, y)
    np.testing.assert_allclose(got, [ag.grad(f)(x, k) for x, k in zip(X, y, strict=True)], rtol=1e-12)


def test_hand_written_derivatives_and_checkpoints_on_a_batch() -> None:
    @ag.custom_vjp
    def doubled(x: Any) -> Any:
        return x * 2 if float(np.sum(x)) > 0 else x

    doubled.defvjp(lambda x: (doubled(x), float(np.sum(x)) > 0), lambda r, g: (g * 2 if r else g,))
    X = np.array([[1.0, 2.0], [-1.0, -2.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MistakeWarning)
        got = ag.vmap(ag.grad(lambda x: np.sum(doubled(x))))(X)
    np.testing.assert_array_equal(got, [[2.0, 2.0], [1.0, 1.0]])
    forgetful = ag.vmap(ag.grad(ag.checkpoint(quartic)))
    np.testing.assert_allclose(forgetful(X), ag.vmap(ag.grad(quartic))(X), rtol=1e-14)


def test_an_anomaly_in_a_batch_is_named() -> None:
    with (
        ag.detect_anomaly(),
        np.errstate(all="ignore"),
        pytest.raises(AnomalyError, match="log produced -inf"),
    ):
        ag.vmap(np.log)(ag.Tensor(np.zeros((2, 3))))


@ag.primitive
def halved(x: Any) -> Any:
    return x * 0.5 if float(np.max(x)) < 99 else x


ag.defvjp(halved, lambda g, y, x: halved(g))


def test_the_jacobians_agree_and_keep_kinds() -> None:
    x = draw(3)

    def f(a: Any, b: Any) -> Any:
        return {"s": a * b, "t": (np.sum(a) * b,)}

    rows, columns = ag.jacrev(f, (0, 1))(x, 2.0), ag.jacfwd(f, (0, 1))(x, 2.0)
    for g, h in zip(tree.flatten(rows)[0], tree.flatten(columns)[0], strict=True):
        assert type(g) is type(h)
        np.testing.assert_allclose(g, h, rtol=1e-14)
    assert ag.jacobian(lambda x: x[:0])(x).shape == (0, 3)
    assert ag.jacfwd(np.sin)(np.ones(0)).shape == (0, 0)
    assert isinstance(ag.jacfwd(np.sin)(ag.Tensor(x)), ag.Tensor)
    for transform in (ag.jacobian, ag.jacfwd):  # what has no batching rule is looped over without a word
        np.testing.assert_allclose(transform(lambda x: np.sin(halved(x)))(x), np.diag(np.cos(x / 2) / 2))
        got = transform(lambda x: x * 2 if x[0] > -99 else x)(
            x
        )  # values may be read: only cotangents are many
        np.testing.assert_array_equal(got, 2 * np.eye(3))
    steps = ag.jacobian(lambda x: np.tanh(np.ones((40, 3)) @ x))
    want = steps(x)
    room, jacobians.ROOM = jacobians.ROOM, 100  # few rows at a time
    try:
        np.testing.assert_array_equal(steps(x), want)
    finally:
        jacobians.ROOM = room


@pytest.mark.parametrize(
    "several",
    [
        lambda a: np.linalg.eigh(a + a.T)[0],
        lambda a: np.linalg.svd(a, compute_uv=False),
        lambda a: np.linalg.qr(a)[1],
        lambda a: np.stack(np.linalg.slogdet(a @ a.T + np.eye(3))[1:]),
    ],
    ids=["eigh", "svd", "qr", "slogdet"],
)
def test_cotangents_of_ops_with_several_results_leave_the_map(several: Any) -> None:
    """A map inside of a map: rows of second derivatives, against central differences of the first."""
    a = np.array([[2.0, 0.3, -0.4], [0.1, 1.2, 0.5], [-0.2, 0.7, 0.4]])
    first = ag.jacobian(lambda a: np.sum(several(a) ** 3) * np.ones(2))
    second = ag.jacobian(first)(a)
    assert type(second) is np.ndarray and second.shape == (2, 3, 3, 3, 3)
    step = 1e-5
    for i, j in np.ndindex(3, 3):
        e = np.zeros((3, 3))
        e[i, j] = step
        np.testing.assert_allclose(
            second[..., i, j], (first(a + e) - first(a - e)) / (2 * step), rtol=1e-6, atol=1e-6
        )


# -- gradients inside of a map -------------------------------------------------------------------------


def test_gradients_inside_of_a_map_share_no_memory() -> None:
    """A gradient that nobody else holds is not copied: here others do hold it, or its array."""
    kept: list[Any] = []

    def seen(x: Any, y: Any) -> Any:
        gx, gy = ag.grad(lambda x, y: np.sum(np.sin(x + y)), (0, 1))(x, y)  # one cotangent for both
        gx.data[...] = 7.0
        return gy

    def hooked(x: Any, y: Any) -> Any:
        def loss(x: Any) -> Any:
            z = x + 0.0
            z.register_hook(lambda g: kept.append(g))
            return np.sum(z * y)

        g = ag.grad(loss)(x)
        g.data[...] = 7.0
        return kept[-1]

    X, Y = draw(4, 3), draw(4, 3)
    np.testing.assert_allclose(ag.vmap(seen)(X, Y), np.cos(X + Y), rtol=1e-12)
    np.testing.assert_allclose(ag.vmap(hooked)(X, Y), Y, rtol=1e-12)
    both = ag.vmap(ag.grad(lambda x, y: np.sum(x + y), (0, 1)))(X, Y)
    both[0][...] = 7.0
    np.testing.assert_array_equal(both[1], np.ones_like(Y))
    twice = ag.vmap(ag.grad(lambda x: np.sum(x * x), (0, 0)))(X)
    twice[0][...] = 7.0
    np.testing.assert_allclose(twice[1], 2 * X, rtol=1e-14)
    with ag.Tape() as tape:
        ag.vmap(lambda x: ag.grad(lambda x: np.sum(x * 2.0))(x).data.__setitem__(..., 7.0))(X)
    assert len(tape) > 0


def test_large_gradients_of_each_sample_are_not_copied() -> None:
    """The outer product of each sample is written once: the result is a view of the array of the rule."""
    made: list[Any] = []

    @ag.primitive
    def product(x: Any, w: Any) -> Any:
        return np.multiply(x, w)

    def of_w(g: Any, y: Any, x: Any, w: Any) -> Any:
        made.append(g * x)
        array = made.pop()
        made.append(id(array._array))
        return array

    ag.defvjp(product, lambda g, y, x, w: g * w, of_w)
    X, w = draw(4, 3), draw(3)
    got = ag.vmap(ag.grad(lambda w, x: np.sum(product(x, w))), (None, 0))(w, X)
    np.testing.assert_allclose(got, X, rtol=1e-14)
    assert id(got.base) == made[0] or id(got) == made[0]


def test_a_checkpoint_has_one_cotangent_for_each_member() -> None:
    """The segment is recorded again inside of the map, yet its input is from before."""

    def f(x: Any) -> Any:
        return np.sin(x) * x[::-1]

    x, rows = np.arange(1.0, 5), np.arange(8.0).reshape(2, 4) / 7
    saved = ag.checkpoint(f)
    np.testing.assert_allclose(ag.jacobian(saved)(x), ag.jacobian(f)(x), rtol=1e-14)

    def loss(inner: Callable[[Any], Any], w: Any) -> Any:
        return np.sum(ag.vmap(lambda row: inner(row * w))(rows) ** 2)

    for derivative in (ag.grad, ag.hessian):
        got, want = (derivative(functools.partial(loss, inner))(x) for inner in (saved, f))
        np.testing.assert_allclose(got, want, rtol=1e-13)
