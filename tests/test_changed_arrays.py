"""An array on the tape that changes before the backward pass: its old value counts, or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import tree
from autograd_lite.errors import TapeError, UnsupportedError
from autograd_lite.kept import SMALL, fingerprint
from autograd_lite.known import reads_of
from tests.helpers import at_samples
from tests.samples import SAMPLES, Sample

LARGE = SMALL // 8 + 7
"""Entries of a float64 array that is not copied."""


def wanted_and_got(
    f: Callable[..., Any], arrays: Any, change: Callable[[Any], None], n: int = 3
) -> tuple[Any, Any]:
    """The gradient where nothing is changed, and where `arrays` are changed after the forward pass."""

    def gradient(late: Callable[[Any], None]) -> Any:
        x = ag.Tensor(np.linspace(0.5, 1.5, n), requires_grad=True)
        kept = tree.map_leaves(np.array, arrays)
        y = np.sum(f(x, *kept))
        for array in tree.flatten(kept)[0]:
            late(array)
        y.backward()
        return x.grad.numpy()

    return gradient(lambda array: None), gradient(change)


def spoil(array: Any) -> None:
    array[...] = 1 - array if array.dtype == bool else 0 * array


A = np.linspace(1.0, 2.0, 3)

DOORS: dict[str, Callable[..., Any]] = {
    "x * a": lambda x, a: x * a,
    "a * x": lambda x, a: a * x,
    "x / a": lambda x, a: x / a,
    "a / x": lambda x, a: a / x,
    "x ** a": lambda x, a: x**a,
    "a ** x": lambda x, a: a**x,
    "x @ a": lambda x, a: x @ a,
    "a @ x": lambda x, a: a @ x,
    "x % a": lambda x, a: x % a,
    "np.multiply": lambda x, a: np.multiply(x, a),
    "np.arctan2": lambda x, a: np.arctan2(x, a),
    "np.maximum": lambda x, a: np.maximum(x, a),
    "np.where": lambda x, a: np.where(a > 1.2, x, 0.0) * a,
    "np.einsum": lambda x, a: np.einsum("i,i->i", x, a),
    "np.interp": lambda x, a: np.interp(np.array([1.1, 1.9]), a, x),
    "np.average": lambda x, a: np.average(x, weights=a),
    "np.cov": lambda x, a: np.cov(x, aweights=a),
    "a view": lambda x, a: x * a[::-1],
    "a read-only view": lambda x, a: x * np.broadcast_to(a, (2, 3)),
    "Tensor.data": lambda x, a: x * _around(a),
    "x *= a": lambda x, a: _in_place(x, a),
    "a second factor": lambda x, a: np.exp(x * a) * a,
    "custom_vjp": lambda x, a: scaled(x, a),
    "a primitive": lambda x, a: stretched(x, a),
    "nn linear": lambda x, a: nn.functional.linear(a, np.reshape(x, (1, 3)), None),
    "nn mse": lambda x, a: nn.functional.mse_loss(x, a),
    "a list": lambda x, a: np.multiply(x, [a[0], a[1], a[2]]),
}


def _around(a: Any) -> Any:
    """A constant Tensor whose memory is that of `a`."""
    tensor = ag.Tensor(a)
    tensor.data = a
    return tensor


def _in_place(x: Any, a: Any) -> Any:
    y = x * 1.0
    y *= a
    return y


@ag.custom_vjp
def scaled(x: Any, a: Any) -> Any:
    return x * a


scaled.defvjp(lambda x, a: (x * a, a), lambda a, g: (g * a, None))


@ag.primitive(broadcasts=True)
def stretched(x: Any, a: Any) -> Any:
    return x * a


ag.defvjp(stretched, lambda g, y, x, a: g * a, lambda g, y, x, a: g * x)


@pytest.mark.parametrize("door", DOORS)
def test_a_small_array_counts_as_it_was(door: str) -> None:
    wanted, got = wanted_and_got(DOORS[door], [A], spoil)
    np.testing.assert_array_equal(got, wanted)


CHANGES: dict[str, Callable[[Any], None]] = {
    "filled": lambda a: a.fill(5.0),
    "one entry": lambda a: a.__setitem__(LARGE // 3, 7.0),
    "the last bit of one": lambda a: a.__setitem__(-1, np.nextafter(a[-1], 9.0)),
    "negated": lambda a: np.negative(a, out=a),
    "doubled": lambda a: np.multiply(a, 2.0, out=a),
    "reversed": lambda a: a.__setitem__(slice(None), a[::-1].copy()),
    "rolled": lambda a: a.__setitem__(slice(None), np.roll(a, 1021)),
    "two exchanged": lambda a: a.__setitem__([3, 3 + 1021], a[[3 + 1021, 3]]),
    "shuffled": lambda a: np.random.default_rng(0).shuffle(a),
    "sorted down": lambda a: a.__setitem__(slice(None), -np.sort(-a)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_large_array_that_was_changed_is_told(change: str) -> None:
    a = np.linspace(1.0, 2.0, LARGE)
    with pytest.raises(TapeError, match=r"multiply: the array given as argument 1.*float64.*a\.copy\(\)"):
        wanted_and_got(lambda x, a: x * a, [a], CHANGES[change], LARGE)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, a: a * x,
        lambda x, a: np.arctan2(x, a),
        lambda x, a: np.where(a > 1.5, x, 0.0) * a,
        lambda x, a: np.average(x, weights=a),
        lambda x, a: nn.functional.linear(np.reshape(a, (1, -1)), np.reshape(x, (1, -1)), None),
        lambda x, a: scaled(x, a),
        lambda x, a: x * _around(a),
        lambda x, a: x * a[::-1],
    ],
)
def test_a_large_array_is_watched_at_every_door(f: Callable[..., Any]) -> None:
    with pytest.raises(TapeError, match="was changed between the forward and the backward pass"):
        wanted_and_got(f, [np.linspace(1.0, 2.0, LARGE)], spoil, LARGE)


def test_an_array_whose_entries_no_rule_reads_may_change() -> None:
    a = np.linspace(1.0, 2.0, LARGE)
    for f in (
        lambda x, a: x + a,
        lambda x, a: a - x,
        lambda x, a: np.add(x, a),
        lambda x, a: np.stack([x, a]),
    ):
        wanted, got = wanted_and_got(f, [a], spoil, LARGE)
        np.testing.assert_array_equal(got, wanted)


def _own(value: Any) -> Any:
    """Arrays of our own in place of the table's, which must stay as they are."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_own, value))
    return value.copy() if isinstance(value, np.ndarray) else value


def _arrays(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [a for item in value for a in _arrays(item)]
    return [value] if isinstance(value, np.ndarray) and value.ndim else []


def _spoil_lists(value: Any) -> None:
    if isinstance(value, list):
        value.reverse()
        for item in value:
            _spoil_lists(item)


CONSTANTS = [
    s
    for s in SAMPLES
    if any(isinstance(a, float) or (isinstance(a, np.ndarray) and a.dtype.kind == "f") for a in s.args)
]


@at_samples(CONSTANTS)
def test_every_op_reads_its_constants_as_they_were(sample: Sample) -> None:
    """One argument at a time is a Tensor; other arrays, and lists, are spoilt before the backward pass."""
    for i, arg in enumerate(sample.args):
        if not isinstance(arg, (float, np.ndarray)) or np.asarray(arg).dtype.kind != "f":
            continue

        def gradient(late: bool, i: int = i, arg: Any = arg) -> Any:
            args, kwargs = [*map(_own, sample.args)], {k: _own(v) for k, v in sample.kwargs.items()}
            args[i] = x = ag.Tensor(arg, requires_grad=True)
            try:
                out = sample.op(*args, **kwargs)
            except UnsupportedError:  # an array would have to hold the Tensor
                return None
            parts = out if isinstance(out, (tuple, list)) else (out,)
            total = sum(np.sum(np.real(y) * 0.5) for y in parts if isinstance(y, ag.Tensor))
            if not isinstance(total, ag.Tensor) or total.node is None:
                return None
            if late:
                for array in _arrays([*args, *kwargs.values()]):
                    spoil(array)
                _spoil_lists([*args, *kwargs.values()])
            total.backward()
            return x.grad.numpy() if x.grad is not None else None

        np.testing.assert_array_equal(gradient(True), gradient(False))


def test_indices_and_masks_count_as_they_were() -> None:
    v = np.array([1.0, 2.0, 3.0])
    for index, late in [
        (np.array([0, 2]), [1, 1]),
        (np.array([True, False, True]), [False, True, False]),
        ([0, 2], [1, 1]),
    ]:
        for read in (
            lambda x, i: x[i],
            lambda x, i: x[ag.Tensor(i)] if isinstance(i, np.ndarray) else x[i],
            lambda x, i: x[(i,)],
            lambda x, i: _assigned(x, i),
        ):
            own = index.copy()
            x = ag.Tensor(v, requires_grad=True)
            y = np.sum(read(x, own) * np.array([3.0, 4.0]))
            own[:] = late
            y.backward()
            fresh = ag.Tensor(v, requires_grad=True)
            np.sum(read(fresh, index.copy()) * np.array([3.0, 4.0])).backward()
            np.testing.assert_array_equal(x.grad.numpy(), fresh.grad.numpy())


def _assigned(x: Any, i: Any) -> Any:
    y = x * 2.0
    y[i] = 0.0
    return y[:2] * y[1:]


def test_a_tensor_as_an_index_may_be_changed() -> None:
    x, i = ag.Tensor([1.0, 2.0, 3.0], requires_grad=True), ag.Tensor([0, 2])
    y = x[i].sum()
    i.data[:] = 1
    y.backward()
    assert x.grad.tolist() == [1.0, 0.0, 1.0]


def test_later_passes_read_what_was_recorded_too() -> None:
    for n in (3, LARGE):
        a = np.linspace(1.0, 2.0, n)
        x = ag.Tensor(np.ones(n), requires_grad=True)
        y = np.sum(x * x * a)
        y.backward(retain_graph=True)
        a[0] = 5.0
        if n == 3:
            y.backward()
            np.testing.assert_array_equal(x.grad.numpy(), 4 * np.linspace(1.0, 2.0, n))
        else:
            with pytest.raises(TapeError, match="multiply"):
                y.backward()


def test_a_recorded_pass_reads_what_was_recorded_too() -> None:
    for n in (3, LARGE):
        a = np.linspace(1.0, 2.0, n)
        x = ag.Tensor(np.ones(n), requires_grad=True)
        np.sum((x * a) ** 2).backward(create_graph=True)
        slope, x.grad = x.grad, None
        a[:] = 0.0
        if n == 3:
            np.sum(slope).backward()
            np.testing.assert_allclose(x.grad.numpy(), 2 * np.linspace(1.0, 2.0, n) ** 2, rtol=1e-15)
        else:
            with pytest.raises(TapeError, match="multiply"):
                np.sum(slope).backward()


def test_a_pullback_reads_what_was_recorded() -> None:
    a = np.array([2.0, 3.0])
    _, pullback = ag.vjp(lambda x: x * a, np.ones(2))
    a[:] = 9.0
    assert pullback(np.ones(2))[0].tolist() == [2.0, 3.0]


def test_batches_may_be_filled_anew_in_the_same_array() -> None:
    """The commonest way to meet it: two batches in one buffer, then one backward pass."""
    buffer, w = np.empty((4, 3)), ag.Tensor(np.ones(3), requires_grad=True)
    batches, loss = np.random.default_rng(0).normal(size=(2, 4, 3)), 0.0
    for batch in batches:
        buffer[:] = batch
        loss = loss + np.sum(buffer @ w)
    loss.backward()
    np.testing.assert_allclose(w.grad.numpy(), batches.sum(axis=(0, 1)), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "c8", "i8", "i4", "u1", "?", ">f8"])
def test_a_fingerprint_is_that_of_the_entries(dtype: str) -> None:
    n = 100_003
    a = (np.random.default_rng(0).normal(size=2 * n) * 100).astype(dtype)
    wide = a.reshape(-1, 2)
    before = fingerprint(wide[:, 0])
    assert fingerprint(wide[:, 0].copy()) == before
    for place in (0, 1, n // 2, n - 1):
        changed = wide[:, 0].copy()
        changed[place] = not changed[place] if dtype == "?" else changed[place] + 1
        assert fingerprint(changed) != before
    assert len(before) < a.nbytes / 4 or dtype in ("?", "u1")


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 20, 21])
def test_no_exchange_of_two_words_goes_unseen(rows: int) -> None:
    a = np.arange(1021.0 * rows + 5)
    before = fingerprint(a)
    for i, j in [(0, 1), (0, 1021), (5, 5 + 1021 * (rows - 1)), (0, len(a) - 1), (7, 1021 + 8)]:
        changed = a.copy()
        changed[[i, j]] = changed[[j, i]]
        assert fingerprint(changed) != before


def test_which_arguments_a_rule_names() -> None:
    assert not reads_of(lambda g, y, a, b: g, 3)
    assert not reads_of(lambda g, y, a, b: np.broadcast_to(g, b.shape).astype(b.dtype), 3)
    assert reads_of(lambda g, y, a, b: np.broadcast_to(g, b.shape) * b, 3)
    assert reads_of(lambda g, y, a, b: b[0].shape, 3)
    assert reads_of(lambda g, y, a, b: g * b, 3)
    assert reads_of(lambda g, y, a, b: [b * x for x in (g,)], 3)
    assert reads_of(lambda g, y, *args: g, 3)
    assert reads_of(lambda g, y, a, b: eval("b"), 3)
    assert reads_of(np.multiply, 1)
    assert not reads_of(None, 1)


# -- values of Tensors -----------------------------------------------------------------------------

CHANGES_OF_DATA: dict[str, Callable[[Any], Any]] = {
    "x.data[:] = 5": lambda x: x.data.__setitem__(slice(None), 5.0),
    "x.data *= 2": lambda x: setattr(x, "data", x.data.__imul__(2.0)),
    "x.data.fill_(5)": lambda x: x.data.fill_(5.0),
    "x.data[0] = 5": lambda x: x.data.__setitem__(0, 5.0),
    "a view": lambda x: x.data[1:].fill(5.0),
    "x.numpy()[:] = 5": lambda x: x.numpy().fill(5.0),
    "np.add(out=)": lambda x: np.add(x.data, 1.0, out=x.data),
    "np.copyto": lambda x: np.copyto(x.data, 7.0),
    "turned around": lambda x: x.data.__setitem__(slice(None), x.numpy()[::-1].copy()),
    "twice": lambda x: (x.data.__setitem__(0, 5.0), x.data.__setitem__(1, 5.0)),
}


@pytest.mark.parametrize("n", [3, 100_003])
@pytest.mark.parametrize("change", CHANGES_OF_DATA)
def test_a_leaf_that_was_changed_in_place_is_told(change: str, n: int) -> None:
    x = ag.Tensor(np.linspace(0.5, 1.5, n), requires_grad=True)
    y = np.sum(x * x)
    CHANGES_OF_DATA[change](x)
    with pytest.raises(TapeError, match="multiply: the value of argument 0.*changed in place"):
        y.backward()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.exp(x[::-1]) * x,
        lambda x: x[:2] * x[1:],
        lambda x: np.reshape(x, (3, 1)) @ np.reshape(x, (1, 3)),
        lambda x: nn.functional.linear(x[None], x[None], None),
        lambda x: np.linalg.norm(x),
        lambda x: x**3.0,
    ],
)
def test_at_whatever_step_it_is_read(f: Callable[[Any], Any]) -> None:
    x = ag.Tensor([0.5, 1.0, 1.5], requires_grad=True)
    y = np.sum(f(x))
    x.data[:] = 5.0
    with pytest.raises(TapeError, match="changed in place"):
        y.backward()


def test_results_that_were_changed_in_place_are_told() -> None:
    x = ag.Tensor([0.5, 1.0, 1.5], requires_grad=True)
    y = x * 2.0
    z = np.sum(y * y)
    y.numpy()[:] = 0.0
    with pytest.raises(TapeError, match="multiply: the value of argument 0"):
        z.backward()
    y = np.exp(x)
    z = np.sum(y)
    y.data[:] = 0.0
    with pytest.raises(TapeError, match="exp: its result"):
        z.backward()


def test_what_was_changed_before_the_step_counts_as_it_is() -> None:
    """A loop with updates in place, and a straight-through estimator: all is changed before it is read."""
    x = ag.Tensor([0.5, 1.0, 1.5], requires_grad=True)
    for _ in range(3):
        x.grad = None
        np.sum(x * x).backward()
        np.testing.assert_array_equal(x.grad.numpy(), 2 * x.numpy())
        x.data -= 0.1 * x.grad
    y = x * 2.0
    y.data[:] = np.round(y.numpy())
    np.sum(y * y).backward()
    assert x.grad is not None


def test_an_update_between_two_losses() -> None:
    """Optimizers put a new array in place of the old one: the second loss keeps what it was computed from."""
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    one, two = np.sum(x * x), np.sum(x * x * x)
    one.backward()
    optimizer = nn.optim.SGD([x], lr=0.1)
    optimizer.step()
    x.grad = None
    two.backward()
    assert x.grad.tolist() == [3.0, 12.0]
    one, two = np.sum(x * x), np.sum(np.exp(x * 0.0 + 1.0) + x)
    one.backward()
    x.data -= 0.1 * x.grad
    x.grad = None
    two.backward()  # neither a sum nor a product with a number reads it
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_new_value_of_a_result_does_not_change_its_derivative() -> None:
    x = ag.Tensor([0.5, 1.0], requires_grad=True)
    y = np.exp(x)
    y.data = np.zeros(2)
    np.sum(y).backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([0.5, 1.0]))
