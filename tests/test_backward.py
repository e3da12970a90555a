"""Playing the tape: retain, create_graph, hooks, dead entries, memory, depth, threads."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.cotangents import add
from autograd_lite.errors import AutogradLiteError, NotDifferentiableError, ShapeError, TapeError
from tests.helpers import leaf

# -- what backward asks for ------------------------------------------------------------------------


def test_gradients_add_up_on_leaves() -> None:
    x = leaf([1.0, 2.0])
    for _ in range(2):
        (x * x).sum().backward()
    assert x.grad.tolist() == [4.0, 8.0]
    x.grad = None
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_tensor_that_is_not_a_number_needs_a_cotangent() -> None:
    x = leaf([1.0, 2.0])
    y = x * x
    with pytest.raises(ValueError, match=r"gradient=np\.ones_like\(y\)") as caught:
        y.backward()
    assert isinstance(caught.value, ShapeError) and "(2,)" in str(caught.value)
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        y.backward(np.ones(3))
    assert x.grad is None
    y.backward(gradient=[1.0, 10.0])
    assert x.grad.tolist() == [2.0, 40.0]
    leaf([[3.0]]).backward()  # one entry needs none


def test_nothing_recorded() -> None:
    with pytest.raises(RuntimeError, match="requires_grad=True") as caught:
        ag.Tensor(1.0).backward()
    assert isinstance(caught.value, TapeError)
    x = leaf(1.0)
    with ag.no_grad():
        y = x * 2
    with pytest.raises(TapeError, match="no_grad"):
        y.backward()


@pytest.mark.parametrize("shape", [(), (3,)])
def test_twice_is_an_error_that_names_retain_graph(shape: tuple[int, ...]) -> None:
    x = leaf(np.ones(shape))
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True") as caught:
        y.backward()
    assert isinstance(caught.value, TapeError)
    assert x.grad.tolist() == (2 * np.ones(shape)).tolist()


def test_retain_graph() -> None:
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_a_played_step_in_another_graph_leaves_everything_as_it_was() -> None:
    x, w = leaf([1.0]), leaf([2.0])
    h = x * x
    h.sum().backward()
    y = (h * w).sum()
    with pytest.raises(TapeError, match="multiply"):
        y.backward()
    assert w.grad is None and x.grad.tolist() == [2.0]


def test_create_graph_gives_gradients_that_can_be_differentiated() -> None:
    x = leaf(2.0)
    y = x**3
    y.backward(create_graph=True)
    first = x.grad
    assert first.item() == 12.0 and first.requires_grad
    x.grad = None
    first.backward()
    assert x.grad.item() == 12.0


def test_a_missing_rule_for_an_argument_is_named() -> None:
    @ag.primitive
    def shifted(x: Any, by: Any) -> Any:
        return x + by

    ag.defvjp(shifted, lambda g, y, x, by: g)
    x = leaf(1.0)
    shifted(x, 2.0).backward()
    assert x.grad.item() == 1.0
    with pytest.raises(NotDifferentiableError, match="shifted has no derivative rule for argument 1"):
        shifted(1.0, x).backward()


def test_a_rule_of_the_wrong_shape_is_not_hidden() -> None:
    @ag.primitive
    def scaled(x: Any, by: Any) -> Any:
        return x * by

    ag.defvjp(scaled, lambda g, y, x, by: g * by, lambda g, y, x, by: g * x)
    with pytest.raises(ShapeError, match="broadcasts=True"):
        scaled(np.ones(3), leaf(2.0)).sum().backward()

    @ag.primitive(broadcasts=True)
    def good(x: Any, by: Any) -> Any:
        return x * by

    ag.defvjp(good, lambda g, y, x, by: g * by, lambda g, y, x, by: g * x)
    by = leaf(2.0)
    good(np.ones(3), by).sum().backward()
    assert by.grad.item() == 3.0


# -- hooks -----------------------------------------------------------------------------------------


def test_hooks_see_and_replace_gradients_once_they_are_complete() -> None:
    x = leaf(3.0)
    y = x * 2
    seen = []
    handle = y.register_hook(lambda g: seen.append(g.item()))
    doubled = x.register_hook(lambda g: 2 * g)
    (y * y + y).backward(retain_graph=True)
    assert seen == [13.0] and x.grad.item() == 52.0
    handle.remove()
    doubled.remove()
    x.grad = None
    (y * 1.0).backward()
    assert seen == [13.0] and x.grad.item() == 2.0


def test_a_hook_may_not_change_the_shape() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    y.register_hook(lambda g: g.sum())
    with pytest.raises(ShapeError, match="hook"):
        y.sum().backward()
    assert ag.is_recording()


def test_a_hook_that_raises_changes_no_gradient() -> None:
    def fails(g: Any) -> None:
        raise RuntimeError("no")

    x, y = leaf(1.0), leaf(2.0)
    for t in (x, y):
        t.register_hook(fails)
        with pytest.raises(RuntimeError, match="no"):
            (x * y).backward()
        assert x.grad is None and y.grad is None


def test_hooks_on_the_argument_of_a_differentiated_function() -> None:
    def f(x: Any) -> Any:
        x.register_hook(lambda g: g * 10)
        return x * x

    assert ag.grad(f)(3.0) == 60.0


def test_retain_grad_and_a_hook_on_a_leaf_count_once() -> None:
    x = leaf([1.0, 2.0])
    x.retain_grad()
    x.register_hook(lambda g: None)
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_retain_grad() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]
    with pytest.raises(TapeError, match="requires_grad=True"):
        ag.Tensor(1.0).retain_grad()


# -- gradients belong to their tensor alone --------------------------------------------------------


@pytest.mark.parametrize(
    "make", [lambda a, b: a + b, lambda a, b: (a + b).reshape(2, 2).T, lambda a, b: a.sum() + b.sum()]
)
def test_gradients_do_not_share_memory(make: Any) -> None:
    a, b = leaf(np.ones((2, 2))), leaf(np.ones((2, 2)))
    seed = np.ones(make(a, b).shape)
    make(a, b).backward(gradient=seed)
    grads = [a.grad.data, b.grad.data]
    for g in grads:
        assert g.flags.writeable
        g += 5.0
    assert seed.max() == 1.0 and a.grad.data.max() == 6.0 == b.grad.data.max()
    ga, gb = ag.grad(lambda a, b: np.sum(a + b), (0, 1))(np.ones(3), np.ones(3))
    ga += 1
    assert gb.tolist() == [1.0, 1.0, 1.0]


def test_indices_may_change_after_they_were_used() -> None:
    x, index = leaf([1.0, 2.0, 3.0]), np.array([0, 1])
    y = x[index]
    index += 1
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0]


def test_several_complex_outputs() -> None:
    @ag.primitive
    def pair(x: Any) -> Any:
        return 2 * x, 3 * x

    ag.defvjp(pair, lambda g, y, x: 2 * g[0] + 3 * g[1])
    assert ag.grad(lambda z: np.real(pair(z)[0] + pair(z)[1]))(1 + 2j) == 5
    assert ag.grad(ag.grad(lambda x: pair(x * x)[1]))(1.0) == 6.0


def test_a_partial_rule_is_told_which_results_were_used() -> None:
    @ag.primitive
    def both(x: Any) -> Any:
        return 2 * x, 3 * x

    seen = []

    def rule(g: Any, y: Any, x: Any) -> Any:
        seen.append([part is not None for part in g])
        return (sum(k * part for k, part in zip((2, 3), g, strict=True) if part is not None),)

    ag.defvjp(both, joint=rule, partial=True)
    x = leaf([1.0, 2.0 + 1.0j])
    np.real(both(x)[1]).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    np.real(sum(both(x))).sum().backward()
    assert seen == [[False, True], [True, True]]
    assert x.grad.tolist() == [8.0, 8.0]


def test_a_function_of_numpy_may_have_one_rule_for_all_arguments() -> None:
    a, b = leaf([[2.0, 1.0], [0.0, 4.0]]), leaf([3.0, 8.0])
    np.linalg.solve(a, b).sum().backward(create_graph=True)
    np.testing.assert_allclose(b.grad.numpy(), [0.5, 0.125])


@pytest.mark.parametrize("returned", [lambda g: (g,), lambda g: "text", lambda g: None])
def test_a_rule_returns_an_array(returned: Any) -> None:
    @ag.primitive
    def op(x: Any) -> Any:
        return x * 1

    ag.defvjp(op, lambda g, y, x: returned(g))
    with pytest.raises(AutogradLiteError, match="rule"):
        op(leaf([1.0, 2.0])).sum().backward()


def test_mixed_dtypes_cast_gradients_back() -> None:
    x, y = leaf(np.ones(2, np.float32)), leaf(np.ones(2))
    z = leaf(np.ones(2) * 1j)
    np.abs((x * y * z).sum()).backward()
    assert (x.grad.dtype, y.grad.dtype, z.grad.dtype) == (np.float32, np.float64, np.complex128)


# -- dead entries ----------------------------------------------------------------------------------

AT_EDGE = [
    (lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0),
    (lambda x: np.where(x > 0, np.log(np.sqrt(x) + x), 0.0), 0.0),
    (lambda x: np.where(np.isnan(x), 0.0, x * x), np.nan),
    (lambda x: np.where(x > 0, x**1.5, 0.0), 0.0),
    (lambda x: np.maximum(np.sqrt(np.abs(x)) - 1.0, 0.0), 0.0),
    (lambda x: ag.relu(np.sqrt(x) - 1.0), 0.0),
    (lambda x: np.clip(1 / x, -1.0, 1.0), 0.0),
]


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize(("f", "edge"), AT_EDGE)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_nothing_flows_back_through_what_was_not_selected(f: Any, edge: float, dtype: Any) -> None:
    assert ag.grad(f)(dtype(edge)) == 0
    assert ag.grad(ag.grad(f))(dtype(edge)) == 0
    assert ag.jvp(f, (dtype(edge),), (dtype(1),))[1] == 0
    x = np.array([edge, 4.0], dtype)
    first = ag.grad(lambda x: np.sum(f(x)))(x)
    assert first[0] == 0 and np.isfinite(first[1])
    assert ag.hvp(lambda x: np.sum(f(x)), x, np.ones(2, dtype))[0] == 0


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_dead_entries_along_moves_and_fan_in() -> None:
    def moved(x: Any) -> Any:
        y = np.stack([np.sqrt(x), np.log(x)]).T
        return np.sum(np.where((x > 0)[:, None], y, 0.0))

    assert ag.grad(moved)(np.array([0.0, 1.0])).tolist() == [0.0, 1.5]
    assert ag.grad(lambda x: np.sqrt(x)[1])(np.array([0.0, 4.0])).tolist() == [0.0, 0.25]
    assert ag.grad(lambda x: np.max(np.sqrt(x)))(np.array([0.0, 4.0])).tolist() == [0.0, 0.25]
    broadcast = ag.grad(
        lambda x: np.sum(np.where(np.array([[True, False]]), np.sqrt(x) * np.ones((3, 2)), 0))
    )
    assert broadcast(np.array([4.0, 0.0])).tolist() == [0.75, 0.0]

    def twice(x: Any) -> Any:
        root = np.sqrt(x)
        return np.sum(np.where(x > 1, root, 0.0) + np.where(x > 2, root, 0.0))

    assert ag.grad(twice)(np.array([0.0, 4.0])).tolist() == [0.0, 0.5]


def test_dead_entries_are_no_anomaly() -> None:
    x = leaf([0.0, 4.0])
    with ag.detect_anomaly():
        np.sum(np.where(x.numpy() > 0, np.sqrt(x), 0.0)).backward(create_graph=True)
    assert x.grad.tolist() == [0.0, 0.25]


def test_a_zero_that_is_a_number_stays_a_number() -> None:
    assert np.isnan(ag.grad(lambda x: np.sqrt(x) ** 2)(0.0))
    alive = ag.grad(lambda x: np.where(x >= 0, np.sqrt(x) ** 2, 0.0))
    assert np.isnan(alive(0.0))


def test_ties_share_the_gradient() -> None:
    a = np.array([1.0, 3.0, 3.0])
    assert ag.grad(np.max)(a).tolist() == [0.0, 0.5, 0.5]
    assert ag.grad(lambda x: x.max())(a).tolist() == [0.0, 0.5, 0.5]
    assert ag.grad(lambda x: np.sum(np.max(x, axis=0)))(np.ones((2, 2))).tolist() == [[0.5, 0.5]] * 2
    assert ag.grad(np.maximum, (0, 1))(2.0, 2.0) == (0.5, 0.5)
    assert ag.grad(np.clip, (0, 1, 2))(1.0, 1.0, 5.0) == (0.5, 0.5, 0.0)
    assert ag.grad(np.clip, (0, 1, 2))(1.0, 1.0, 1.0) == (1 / 3, 1 / 3, 1 / 3)
    assert ag.grad(np.minimum, (0, 1))(1.0, np.nan) == (0.0, 1.0) == ag.grad(np.maximum, (0, 1))(1.0, np.nan)
    assert ag.grad(ag.relu)(0.0) == 0.0 and ag.grad(np.abs)(0.0) == 0.0


@pytest.mark.parametrize("f", [np.std, np.var])
def test_points_with_a_convention(f: Any) -> None:
    assert ag.grad(f)(np.ones(3)).tolist() == [0.0, 0.0, 0.0]
    assert np.abs(ag.grad(f)(np.full(3, 0.1))).max() < 1e-16
    assert ag.grad(np.hypot, (0, 1))(0.0, 0.0) == (0.0, 0.0)
    assert ag.grad(lambda x: 3.0)(1.0) == 0.0


# -- memory, depth, threads ------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_million_steps_go_backward_and_are_freed(steps: int) -> None:
    x = leaf(1.0)
    y = x
    for _ in range(steps):
        y = y + 1e-6
    last = weakref.ref(y)
    y.backward()
    assert x.grad.item() == 1.0
    del y
    assert last() is None


def test_graphs_are_freed_by_reference_counting() -> None:
    x = leaf(np.ones(8))

    def round_trip() -> None:
        h = np.tanh(x * 2) + x[::-1]
        with ag.Tape():
            h = h * x
        h.sum().backward()
        ag.grad(ag.grad(lambda t: np.sin(t) * t))(0.5)
        ag.hvp(lambda t: np.sum(t**3), np.ones(3), np.ones(3))

    round_trip()
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            round_trip()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_memory_returns_to_where_it_was() -> None:
    x = leaf(np.ones(1000))

    def round_trip() -> None:
        x.grad = None
        np.sum(np.tanh(x) * x).backward()

    tracemalloc.start()
    for _ in range(100):
        round_trip()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(1000):
        round_trip()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 2_000


def test_a_backward_pass_lets_go_of_arrays_and_keeps_single_numbers() -> None:
    x = leaf(np.ones(1000))
    h = np.sin(x)
    y = np.sum(h * h) * 2
    alive = weakref.ref(h.numpy())
    product = y.node.inputs[0].inputs[0]
    del h
    y.backward()
    assert alive() is None and product.released and product.args == ()
    assert y.node.adjoint == 1.0 and y.node.inputs[0].adjoint == 2.0


def test_the_peak_of_a_long_chain_is_its_forward_pass() -> None:
    x = leaf(np.ones(100_000))
    y = x
    for _ in range(20):
        y = np.sin(y)
    y = y.sum()
    tracemalloc.start()
    y.backward()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * x.nbytes


@pytest.mark.parametrize("exception", [ValueError, KeyboardInterrupt])
def test_exceptions_leave_the_switch_as_it_was(exception: Any) -> None:
    def fails(*_: Any) -> Any:
        raise exception("stop")

    x = leaf(2.0)
    with pytest.raises(exception):
        ag.grad(lambda x: fails(x * 2))(1.0)
    with pytest.raises(exception), ag.no_grad(), ag.Tape():
        fails()

    @ag.primitive
    def op(x: Any) -> Any:
        return x

    ag.defvjp(op, fails)
    with pytest.raises(exception):
        op(x).backward()
    y = x * 2
    y.register_hook(fails)
    with pytest.raises(exception):
        y.backward()
    assert ag.is_recording()
    assert float(x * 2) == 4.0  # not thought to be inside of grad
    with ag.Tape() as tape:
        _ = x * x
    assert len(tape) == 1 and x.grad is None


def test_an_exception_in_a_rule_says_whose() -> None:
    @ag.primitive
    def broken(x: Any) -> Any:
        return x

    ag.defvjp(broken, lambda g, y, x: g.nonsense)
    with pytest.raises(AttributeError) as caught:
        broken(leaf([1.0])).sum().backward()
    assert "in the derivative rule of broken(float64 (1,)) for argument 0" in caught.value.__notes__


def test_threads_record_by_themselves() -> None:
    results: list[bool] = []
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work(k: int) -> None:
        f = ag.grad(lambda x: x * ag.grad(lambda y: np.sin(x * y) + k * y)(2.0))
        for i in range(50):
            x = 0.1 * i
            expected = 2 * x * np.cos(2 * x) - 2 * x * x * np.sin(2 * x) + k
            results.append(abs(f(x) - expected) < 1e-12)
            with ag.no_grad():
                results.append(not ag.is_recording())

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert len(results) == 800 and all(results)


def test_every_error_of_the_family_is_a_builtin_too() -> None:
    for name in ag.errors.__all__:
        error = getattr(ag.errors, name)
        bases = {c for c in error.__mro__ if c.__module__ == "builtins"} - {Exception, BaseException, object}
        assert issubclass(error, AutogradLiteError)
        assert bases or error is AutogradLiteError, name


def test_large_fan_in_writes_only_into_what_nobody_holds():
    a, b = np.ones(1 << 15), np.full(1 << 15, 2.0)
    total = add(a, b)
    assert total is b
    assert total[0] == 3.0
    del total
    held, view, frozen = [np.full(1 << 15, 2.0) for _ in range(3)]
    others, part = [held], view[:]
    frozen.flags.writeable = False
    for newcomer in (others[0], part, frozen):
        np.testing.assert_array_equal(add(a, newcomer), 3.0)
        np.testing.assert_array_equal(newcomer, 2.0)


def test_large_fan_in_leaves_the_arrays_of_a_users_rule_alone():
    slope = np.full(1 << 15, 5.0)

    @ag.primitive
    def fivefold(x):
        return 5 * x

    ag.defvjp(fivefold, lambda g, y, x: slope)
    x = ag.Tensor(np.ones(1 << 15), requires_grad=True)
    (fivefold(x) + x * x + fivefold(x) + x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 13.0)
    np.testing.assert_array_equal(slope, 5.0)


# -- what belongs to whom --------------------------------------------------------------------------


def test_gradients_that_were_recorded_have_arrays_of_their_own() -> None:
    x, y, seed = leaf([1.0, 2.0]), leaf([3.0, 4.0]), ag.Tensor([1.0, 1.0])
    (x + y).backward(seed, create_graph=True)
    x.grad *= 2
    x.grad.numpy()[0] = 9
    assert y.grad.tolist() == [1, 1] and seed.tolist() == [1, 1]
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (x * y).sum().backward(create_graph=True)
    (x.grad * x.grad).sum().backward()  # and can be differentiated again
    assert y.grad.tolist() == [1 + 6, 2 + 8]


def test_tape_gradient_calls_the_hooks_of_leaves() -> None:
    x = leaf(3.0)
    x.register_hook(lambda g: g * 10)
    with ag.Tape() as tape:
        y = x * x
    assert tape.gradient(y, x).item() == 60


def test_what_is_not_read_again_has_a_zero_gradient_and_no_nan() -> None:
    reads = [True, False]

    def f(x: Any, y: Any) -> Any:
        return x * 2 + (np.where(False, y, 0.0) if reads.pop(0) else 0)

    x, y = leaf(1.0), leaf(np.inf)
    ag.checkpoint(f)(x, y).backward()
    assert (x.grad.item(), y.grad.item()) == (2, 0)


def test_what_is_written_into_a_number_is_the_value_of_the_leaf() -> None:
    x = leaf(2.0)
    x.numpy()[...] = 5.0
    with ag.Tape() as tape:
        y = x * x
    y.backward()
    assert "v1 = 5.0" in str(tape) and x.grad.item() == 10
