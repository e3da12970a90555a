"""Plans that keep buffers: results have memory of their own, threads do not meet, memory does not grow."""

from __future__ import annotations

import gc
import random
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.plan import memory
from tests.helpers import in_threads
from tests.samples import SAMPLES

RNG = np.random.default_rng(0)
WEIGHTS = [RNG.normal(size=(40, 40)) / 6 for _ in range(3)]
X = RNG.normal(size=(50, 40))


def network(weights: list[Any], x: Any = X) -> Any:
    h = x
    for w in weights:
        h = np.tanh(h @ w)
    return np.mean(h * h)


def test_results_share_no_memory_with_each_other_or_with_buffers() -> None:
    f = ag.compile(lambda x: (x * 2 + 1, (x * 2).T, np.sum(x * 2, axis=0), (x * 2)[1]))
    calls = [f(X + i) for i in range(6)]
    wants = [
        ((X + i) * 2 + 1, ((X + i) * 2).T, np.sum((X + i) * 2, axis=0), ((X + i) * 2)[1]) for i in range(6)
    ]
    for got, want in zip(calls, wants, strict=True):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a, b)
    arrays = [a for got in calls[:2] + calls[4:] for a in got]
    for i, a in enumerate(arrays):
        for b in arrays[i + 4 - i % 4 :]:
            assert not np.shares_memory(a, b)


def test_a_gradient_can_be_changed_without_changing_the_next() -> None:
    f = ag.compile(ag.grad(network))
    want = ag.grad(network)(WEIGHTS)
    for _ in range(5):
        for g, w in zip(f(WEIGHTS), want, strict=True):
            assert g.tobytes() == w.tobytes()
            g[:] = np.nan


def test_intermediate_values_are_in_few_buffers() -> None:
    def chain(x: Any) -> Any:
        for _ in range(20):
            x = np.sin(x * 1.5)
        return np.sum(x)

    f = ag.compile(chain)
    plan = f.plan(X)
    assert len(plan.buffers.of) == 40
    assert len(plan.buffers.sizes) == 2  # sin does not write into its argument
    forward_and_backward = ag.compile(ag.grad(chain)).plan(X)
    assert 20 < len(forward_and_backward.buffers.sizes) < 45  # the values that the rules need


def test_views_of_buffers_are_made_once() -> None:
    f = ag.compile(lambda x: np.sum((x * 2).T @ np.reshape(x + 1, (50, 40))))
    plan = f.plan(X)
    assert len(plan.buffers.views) == 2
    for i in range(4):
        assert f(X + i) == np.sum(((X + i) * 2).T @ np.reshape(X + i + 1, (50, 40)))


def test_an_argument_in_another_order_of_memory_is_another_signature() -> None:
    def total(x: Any) -> Any:
        return np.sum(x * 1.1, axis=0), np.sum(np.exp(x))

    f = ag.compile(total)
    x32 = RNG.normal(size=(300, 200)).astype(np.float32)
    orders = [x32, np.asfortranarray(x32), x32[::2], np.ascontiguousarray(x32.T).T[::-1]]
    for _ in range(4):
        for x in orders:
            for a, b in zip(f(x), total(x), strict=True):
                assert a.tobytes() == b.tobytes()


def test_threads_at_the_same_time() -> None:
    gradient = ag.grad(network)
    f = ag.compile(gradient)
    f(WEIGHTS), f(WEIGHTS)
    inputs = [[w * (1 + i / 8) for w in WEIGHTS] for i in range(4)]
    wants = [[g.tobytes() for g in gradient(given)] for given in inputs]
    start, wrong = threading.Barrier(4), []

    def work(i: int) -> None:
        start.wait()
        for _ in range(40):
            if [g.tobytes() for g in f(inputs[i])] != wants[i]:
                wrong.append(i)

    in_threads(work, range(4))
    assert not wrong
    assert f.signatures == ["replayed: float64 (40, 40), float64 (40, 40), float64 (40, 40)"]


def test_an_exception_in_a_replay_leaves_the_buffers_usable() -> None:
    @ag.primitive
    def limited(x: Any) -> Any:
        if x.max() > 1:
            raise ValueError("too large")
        return x * 2

    ag.defvjp(limited, lambda g, y, x: g * 2)
    f = ag.compile(lambda x: np.sum(limited(x * 0.5) * x))
    for i in range(8):
        if i % 3 == 2:
            with pytest.raises(ValueError, match="too large"):
                f(np.full(5, 9.0))
        else:
            assert f(np.full(5, 1.0 + i / 8)) == np.sum(np.full(5, 1.0 + i / 8) ** 2)


def peak(make: Callable[[], Callable[[], Any]]) -> int:
    """The peak of memory, in bytes, of two steps after some others, with all that the steps hold."""
    gc.collect()
    tracemalloc.start()
    try:
        step = make()
        for _ in range(4):
            step()
        gc.collect()
        tracemalloc.reset_peak()
        step(), step()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("activation", [ag.sigmoid, np.sin, lambda x: x / (1 + x * x)])
def test_a_planned_step_peaks_no_higher_than_an_eager_one(activation: Any) -> None:
    def layers(weights: list[Any], x: Any) -> Any:
        for w in weights:
            x = activation(x * w)
        return np.mean(x * x)

    gradient = ag.value_and_grad(layers)
    compiled, x, rows = ag.compile(gradient), RNG.normal(size=(2000, 40)), [w[0] for w in WEIGHTS]
    eager = peak(lambda: lambda: gradient(rows, x))
    assert peak(lambda: lambda: compiled(rows, x)) <= eager


def test_the_values_of_a_watched_run_are_freed() -> None:
    def step() -> Any:
        x = ag.Tensor(np.ones(100_000), requires_grad=True)
        for _ in range(10):
            x = np.sin(x)
        return np.sum(x).detach()

    def held() -> int:
        f = ag.compile(lambda x: np.sum(np.sin(np.sin(np.sin(np.sin(x))))))
        f(np.ones(100_000))  # the first of the two
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        assert held() - before < 800_000
    finally:
        tracemalloc.stop()


def growth(replays: int) -> int:
    f = ag.compile(ag.value_and_grad(network))
    for _ in range(20):
        f(WEIGHTS)
    gc.collect()
    tracemalloc.start()
    try:
        f(WEIGHTS)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(replays):
            f(WEIGHTS)
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_over_some_replays() -> None:
    assert growth(50) < 50_000  # NumPy keeps the memory of some shapes; the gradients would be two million


@pytest.mark.slow
def test_memory_does_not_grow_over_3000_replays() -> None:
    assert growth(3000) < 50_000


# -- random programs of arrays in two dimensions -----------------------------------------------------

Line = Callable[[list[Any], random.Random], Any]

LINES: dict[str, Line] = {
    "add": lambda pool, r: pick(pool, r) + pick(pool, r),
    "subtract": lambda pool, r: 0.5 * pick(pool, r) - pick(pool, r),
    "multiply": lambda pool, r: np.tanh(pick(pool, r)) * pick(pool, r),
    "divide": lambda pool, r: pick(pool, r) / (1.5 + pick(pool, r) ** 2),
    "matmul": lambda pool, r: np.tanh(pick(pool, r)) @ pick(pool, r).T,
    "transpose": lambda pool, r: pick(pool, r).T,
    "row": lambda pool, r: pick(pool, r) * np.sin(pick(pool, r)[1]),
    "column": lambda pool, r: pick(pool, r) + np.cos(pick(pool, r)[:, :1]),
    "sum": lambda pool, r: pick(pool, r) - np.sum(pick(pool, r), axis=0),
    "mean": lambda pool, r: pick(pool, r) * np.mean(pick(pool, r), axis=1, keepdims=True),
    "number": lambda pool, r: pick(pool, r) / (1.0 + np.exp(-np.sum(pick(pool, r)) / 50)),
    "numbers": lambda pool, r: pick(pool, r) * number(np.sum(pick(pool, r)), np.max(pick(pool, r))),
    "flip": lambda pool, r: pick(pool, r)[::-1, ::-1],
    "reshape": lambda pool, r: np.reshape(np.reshape(pick(pool, r), -1), (3, 3)),
    "where": lambda pool, r: np.where(pick(pool, r) > 0.1, pick(pool, r), 0.2 * pick(pool, r)),
    "maximum": lambda pool, r: np.maximum(pick(pool, r), np.sin(pick(pool, r))),
    "relu": lambda pool, r: ag.relu(pick(pool, r)),
    "sigmoid": lambda pool, r: ag.sigmoid(pick(pool, r)),
    "softmax": lambda pool, r: ag.softmax(pick(pool, r)),
    "twice": lambda pool, r: np.exp(-(pool[-1] ** 2)) + np.exp(-(pool[-1] ** 2)),
    "constant": lambda pool, r: pick(pool, r) * np.sqrt(np.ones((3, 3)) * 2),
    "power": lambda pool, r: np.abs(pick(pool, r)) ** 1.5,
    "stack": lambda pool, r: np.concatenate([pick(pool, r)[:2], pick(pool, r)[2:]]),
    "assigned": lambda pool, r: assigned(pick(pool, r), pick(pool, r)),
}


def pick(pool: list[Any], rng: random.Random) -> Any:
    return pool[rng.randrange(len(pool))]


def number(a: Any, b: Any) -> Any:
    """Arithmetic of single numbers: with a division by a number that may be 0."""
    c = a * b - 2.0
    return np.tanh(c / (1.0 + a * a)) + np.maximum(b, -c) / 7 - np.sqrt(np.abs(a)) * 0.01


def assigned(a: Any, b: Any) -> Any:
    y = a * 1.0
    y[0] = b[1]
    return y


def of_seed(seed: int) -> Callable[[Any, Any], Any]:
    rng = random.Random(seed)
    names = [rng.choice(list(LINES)) for _ in range(rng.randint(2, 12))]

    def program(x: Any, s: Any) -> Any:
        choices = random.Random(seed + 1)
        pool = [x, x * s]
        for name in names:
            pool.append(LINES[name](pool, choices))
        return np.sum(pool[-1]) * s + np.sum(pool[len(pool) // 2] * pool[1])

    return ag.value_and_grad(program, argnums=(0, 1)) if seed % 4 else program


def check(seed: int) -> None:
    f = of_seed(seed)
    compiled, rng = ag.compile(f), np.random.default_rng(seed)
    dtype = np.float32 if seed % 5 == 0 else np.float64
    with np.errstate(all="ignore"):
        for _ in range(5):
            x, s = rng.normal(size=(3, 3)).astype(dtype), float(rng.normal())
            want, got = ag.tree.flatten(f(x, s))[0], ag.tree.flatten(compiled(x, s))[0]
            for a, b in zip(want, got, strict=True):
                assert type(a) is type(b), seed
                assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), seed
    assert compiled.signatures[-1].startswith("replayed"), (seed, compiled.signatures)


@pytest.mark.parametrize("block", range(4))
def test_random_programs_have_the_bits_of_the_eager_run(block: int) -> None:
    for seed in range(12 * block, 12 * block + 12):
        check(seed)


def test_fan_in_of_masks_in_single_precision() -> None:
    check(1890)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_many_random_programs_have_the_bits_of_the_eager_run(block: int) -> None:
    for seed in range(1000 + 100 * block, 1100 + 100 * block):
        check(seed)


# -- what the plans know of memory -------------------------------------------------------------------


def test_functions_that_are_said_to_return_new_arrays_do() -> None:
    ops = {op.__wrapped__: op for op in memory._PRIMITIVES}
    seen = set()
    for sample in SAMPLES:
        function = getattr(sample.op, "__wrapped__", sample.op)
        if function in ops or function in memory.NEW:
            made = sample.op(*sample.args, **sample.kwargs)
            for result in made if isinstance(made, (tuple, list)) else (made,):
                for given in ag.tree.flatten((list(sample.args), sample.kwargs))[0]:
                    if isinstance(given, np.ndarray) and isinstance(result, np.ndarray):
                        assert not np.shares_memory(given, result), sample
                        seen.add(function)
    assert len(seen) > 15
    x = np.ones(3)
    for made in (
        memory.like_primal(x, x),
        memory.selection._only(x > 0, x),
        memory.reductions._filled(x, (3,)),
    ):
        assert not np.shares_memory(made, x)
