"""Groups: which steps run together, whether both executors give the eager results, what a user sees."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.ops import selection, slopes
from autograd_lite.plan import blocks, executors, fuse
from autograd_lite.plan.groups import Group
from tests.helpers import by_op, in_threads
from tests.nn.kernels.native.programs import EXACT
from tests.plan import test_programs, test_samples

LIBRARY = executors._native()
FRESH = executors._native.__wrapped__, executors._threads.__wrapped__
"""The same functions without what they keep."""
native = pytest.mark.skipif(LIBRARY is None, reason="no native library")


@pytest.fixture
def with_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "_native", lambda: LIBRARY)


@pytest.fixture
def in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy's executor takes groups of any size, in blocks of three numbers."""
    monkeypatch.setattr(executors, "LARGE", 2)
    monkeypatch.setattr(blocks, "BLOCK", 24)


def replayed(f: Callable[..., Any], *args: Any, **options: Any) -> Any:
    step = ag.compile(f, **options)
    for _ in range(3):
        out = step(*args)
    assert step.signatures[0].startswith("replayed"), step.signatures
    entry = step._entries[0]
    if entry.undo is None:  # by itself: an eager run would take the place of a replay that fails
        entry.replay(entry.fits(args, {}))
    return step, out


def found(step: Any, *args: Any) -> list[Group]:
    """The groups of a plan."""
    return [s.function for s in step.plan(*args).steps if isinstance(s.function, Group)]


def names(group: Group) -> list[str]:
    return [c.function.__name__ for c in group.code]


# -- NumPy's executor: the eager bits --------------------------------------------------------------


@pytest.mark.usefixtures("in_small_blocks")
@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
def test_programs_in_blocks_have_the_eager_bits() -> None:
    kinds = [test_programs.agree(seed) for seed in range(60)]
    assert kinds.count("replayed") > 50


@pytest.mark.usefixtures("in_small_blocks")
@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize("samples", random.Random(0).sample(by_op(test_samples.SAMPLES), 40))
def test_samples_in_blocks_have_the_eager_bits(samples: Any) -> None:
    test_samples.test_a_replay_has_the_bits_of_the_eager_run(samples)


def elementwise(seed: int) -> tuple[Callable[..., Any], list[Any]]:
    """A random elementwise function of arrays that broadcast, with masks and numbers."""
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    dtype = rng.choice([np.float32, np.float64])
    shape = rng.choice([(70, 31), (2048,), (3, 5, 7), (6,)])
    args = [numbers.normal(size=shape).astype(dtype)]
    for _ in range(rng.randint(1, 3)):
        mine = tuple(1 if rng.random() < 0.3 else n for n in shape)[rng.randint(0, 1) :]
        args.append(np.asarray(numbers.normal(size=mine)).astype(dtype)[()])
    two = [np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum]
    one = [np.tanh, np.exp, np.sin, np.square, np.negative, np.abs, ag.sigmoid, ag.relu, np.sqrt]
    one += [ag.softplus, slopes.logistic_slope]
    lines: list[Any] = []
    for n in range(len(args), len(args) + rng.randint(2, 12)):
        i, j, kind, c = rng.randrange(n), rng.randrange(n), rng.random(), rng.random()
        if kind < 0.4:
            lines.append((rng.choice(two), i, j))
        elif kind < 0.7:
            lines.append((rng.choice(one), i))
        elif kind < 0.8:
            lines.append((lambda a, b, c=c: np.where(a > c, a, b), i, j))
        elif kind < 0.88:
            lines.append((lambda a, b, c=c: selection._only(a > c, b), i, j))
        else:
            lines.append((lambda a, b, c=c: (a < b) * c + a, i, j))

    def f(*given: Any) -> Any:
        pool = [*given]
        for function, *places in lines:
            pool.append(function(*[pool[k] for k in places]))
        return [pool[-1] + pool[0], pool[len(pool) // 2] * pool[0]]

    return f, args


@pytest.mark.usefixtures("in_small_blocks")
@pytest.mark.parametrize("block", range(4))
@np.errstate(all="ignore")
def test_elementwise_functions_in_blocks_have_the_eager_bits(block: int) -> None:
    fused = 0
    for seed in range(25 * block, 25 * block + 25):
        f, args = elementwise(seed)
        step, _ = replayed(f, *args)
        other = [a * 2 for a in args]
        for got, want in zip(step(*other), f(*other), strict=True):
            assert got.tobytes() == want.tobytes() and got.dtype == want.dtype and got.shape == want.shape, (
                seed
            )
        fused += bool(found(step, *args))
    assert fused > 15


@pytest.mark.usefixtures("in_small_blocks")
@np.errstate(all="ignore")
def test_blocks_on_several_threads_have_the_eager_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "SHARED", 40)
    monkeypatch.setattr(blocks, "WORK", 1)
    threads = executors._threads()
    monkeypatch.setattr(threads, "thread_count", lambda: 3)
    shared: list[int] = []

    def in_parallel(work: Any, items: Any) -> None:
        shared.append(len(items))
        contexts = [copy_context() for _ in items[:3]]
        in_threads(lambda k: contexts[k].run(work, items[k::3]), range(len(contexts)))

    monkeypatch.setattr(threads, "in_parallel", in_parallel)
    for seed in range(12):
        f, args = elementwise(seed)
        step, _ = replayed(f, *args)
        for got, want in zip(step(*args), f(*args), strict=True):
            assert got.tobytes() == want.tobytes(), seed
    assert max(shared) > 100


def test_a_warning_is_heard_from_each_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WORK", 1)
    monkeypatch.setattr(blocks, "SHARED", 1 << 17)
    f = lambda x: np.tanh(np.log(x) * 2)
    step, _ = replayed(f, np.ones(1 << 17), exact=True)
    for at in (0, -1):
        x = np.ones(1 << 17)
        x[at] = -1.0
        with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
            step(x)
        with np.errstate(invalid="ignore"):
            assert step(x).tobytes() == f(x).tobytes()


@pytest.mark.parametrize("live", [True, False])
def test_a_mask_with_one_value_in_every_entry(live: bool) -> None:
    f = lambda mask, x: selection._only(mask, np.sqrt(x) * 2) + x
    x, mask = np.linspace(0, 1, 100_000), np.broadcast_to(np.bool_(live), 100_000)
    step, _ = replayed(f, mask, x, exact=True)
    (group,) = found(step, mask, x)
    (y,) = group.run(*[mask if dtype.kind == "b" else x for _, dtype in group.inputs])
    assert y.tobytes() == f(mask, x).tobytes()


@pytest.mark.usefixtures("with_library")
@pytest.mark.parametrize("exact", [True, False])
def test_the_backward_step_of_a_relu_is_in_the_group(exact: bool) -> None:
    f = ag.grad(lambda x: np.sum(ag.relu(x * 2 - 1) ** 2))
    x = np.random.default_rng(0).normal(size=100_000)
    step, _ = replayed(f, x, exact=exact)
    (group,) = found(step, x)
    assert "only" in str(group)
    assert step(-x).tobytes() == f(-x).tobytes()


def test_the_results_of_a_group_are_handed_on_without_a_copy() -> None:
    step, y = replayed(lambda x: np.tanh(x) * x + 1, np.ones((300, 300)), exact=True)
    assert y.base is None and len(found(step, np.ones((300, 300)))) == 1


def test_large_arrays_are_run_in_blocks_and_arrays_in_another_order_are_not() -> None:
    f = lambda x, row: np.tanh(x * row) * x + 1
    x, row = np.random.default_rng(0).normal(size=(400, 300)), np.linspace(0, 1, 300)
    step, _ = replayed(f, x, row)
    (group,) = found(step, x, row)
    assert names(group) == ["multiply", "tanh", "multiply", "add"]
    turned = np.ascontiguousarray(x.T).T
    for given in (x, x[::-1], turned):
        np.testing.assert_array_equal(step(given, row), f(given, row))


# -- the native executor ---------------------------------------------------------------------------


@native
@pytest.mark.usefixtures("with_library")
@pytest.mark.parametrize("block", range(4))
@np.errstate(all="ignore")
def test_elementwise_functions_with_the_library(block: int) -> None:
    for seed in range(25 * block, 25 * block + 25):
        f, args = elementwise(seed)
        step, _ = replayed(f, *args)
        other = [a * 2 for a in args]
        for got, want in zip(step(*other), f(*other), strict=True):
            assert got.dtype == want.dtype and got.shape == want.shape, seed
            close = max(np.finfo(a.dtype).eps for a in args) * 1e4  # a dozen lines magnify the last digits
            np.testing.assert_allclose(got, want, rtol=close, atol=close, err_msg=str(seed))


@pytest.fixture
def exact_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library runs every step that has NumPy's bits, whether this pays or not."""
    words = {f: word for f, word in executors.WORDS.items() if word in EXACT}
    monkeypatch.setattr(executors, "_native", lambda: LIBRARY)
    monkeypatch.setattr(executors, "WORDS", words)
    monkeypatch.setattr(executors.Native, "pays", lambda self, functions, shape: True)


@native
@pytest.mark.usefixtures("exact_words")
@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
def test_programs_with_exact_instructions_have_the_eager_bits() -> None:
    kinds = [test_programs.agree(seed) for seed in range(60)]
    assert kinds.count("replayed") > 50


@native
@pytest.mark.usefixtures("exact_words")
@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize("samples", random.Random(1).sample(by_op(test_samples.SAMPLES), 40))
def test_samples_with_exact_instructions_have_the_eager_bits(samples: Any) -> None:
    test_samples.test_a_replay_has_the_bits_of_the_eager_run(samples)


@native
@pytest.mark.usefixtures("with_library")
def test_a_wrong_instruction_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(executors.WORDS, np.subtract, "add")
    with pytest.raises(AssertionError):
        for block in range(4):
            test_elementwise_functions_with_the_library(block)


@native
@pytest.mark.usefixtures("with_library")
def test_two_layers_of_numbers_are_one_group_with_their_backward_pass() -> None:
    def neuron(w1: Any, x1: Any, w2: Any, x2: Any, b: Any) -> Any:
        return 1.0 / (1.0 + np.exp(-(w1 * x1 + w2 * x2 + b)))

    def layers(*args: Any) -> Any:
        return neuron(args[0], neuron(*args), args[2], neuron(*args[::-1]), args[4])

    f = ag.value_and_grad(layers, argnums=(0, 1, 2, 3, 4))
    args = [np.float64(v) for v in (2.0, -1.0, -3.0, -2.0, -3.0)]
    step, (value, gradient) = replayed(f, *args)
    assert len(found(step, *args)) == 1
    want, slopes = f(*args)
    exact, (plain, _) = replayed(f, *args, exact=True)
    assert type(value) is type(plain) and not found(exact, *args)
    assert [*map(type, gradient)] == [*map(type, slopes)]
    np.testing.assert_allclose([value, *gradient], [want, *slopes], rtol=1e-14)


@native
@pytest.mark.usefixtures("with_library")
@pytest.mark.parametrize("shape", [(8,), (500, 300)])
def test_value_and_gradient_of_a_sum_are_one_group(shape: tuple[int, ...]) -> None:
    f = ag.value_and_grad(lambda x: np.sum(0.5 * x * (1 + np.tanh(0.8 * (x + 0.04 * x * x * x)))))
    x = np.random.default_rng(0).normal(size=shape)
    step, (value, slope) = replayed(f, x)
    assert len(found(step, x)) == 1
    want = f(x)
    np.testing.assert_allclose(value, want[0], rtol=1e-12)
    np.testing.assert_allclose(slope, want[1], rtol=1e-13, atol=1e-15)


@native
@pytest.mark.usefixtures("with_library")
def test_entries_keep_their_order_in_memory() -> None:
    def f(x: Any) -> Any:
        y = np.sqrt(x * x * 2 + x) * x - x * 3
        return y, np.ravel(y, order="K")

    for x in (np.arange(12.0).reshape(3, 4), np.arange(12.0).reshape(3, 4).T):
        step, _ = replayed(f, x)
        for got, want in zip(step(x), f(x), strict=True):
            np.testing.assert_array_equal(got, want)
            assert got.strides == want.strides


@native
@pytest.mark.usefixtures("with_library")
def test_exact_gives_the_eager_bits_and_a_plan_says_what_runs() -> None:
    f = lambda x: np.exp(np.tanh(x)) * x + np.sin(x)
    x = np.random.default_rng(0).normal(size=1000)
    step, _ = replayed(f, x)
    assert "5 steps, native" in str(step.plan(x)) and "tanh(v1)" in str(step.plan(x))
    exact, out = replayed(f, x, exact=True)
    assert "native" not in str(exact.plan(x))
    assert out.tobytes() == f(x).tobytes()


@native
@pytest.mark.usefixtures("with_library")
@pytest.mark.parametrize(
    "x", [np.zeros(5), np.zeros(100_000), np.float64(0)], ids=["small", "large", "number"]
)
def test_the_library_warns_as_numpy_does(x: Any) -> None:
    f = lambda x: np.log(x) + np.sin(np.exp(np.tanh(x) * 2 - x * 3) * 2) + x
    with np.errstate(all="ignore"):
        step, want = replayed(f, x)
        np.testing.assert_array_equal(step(x), want)
    step = ag.compile(f)
    for _ in range(3):
        step(x + 1)
    assert found(step, x)
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in log"):
        np.testing.assert_array_equal(step(x), want)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        step(x)
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("error")
        np.testing.assert_array_equal(step(x), want)


@native
@pytest.mark.usefixtures("with_library")
@pytest.mark.parametrize("count", [6, 90_000])
def test_a_gradient_that_warns_is_that_of_numpy(count: int) -> None:
    f = ag.value_and_grad(lambda x: np.sum(np.log(x) * 2 + x))
    step, _ = replayed(f, np.ones(count))
    assert found(step, np.ones(count))
    for x in (np.arange(float(count)), np.full(count, -1.0)):
        with pytest.warns(RuntimeWarning, match="encountered in log"):
            value, slope = step(x)
        with np.errstate(all="ignore"):
            want = f(x)
        np.testing.assert_array_equal(value, want[0])
        np.testing.assert_array_equal(slope, want[1])


@native
@pytest.mark.usefixtures("with_library")
@pytest.mark.parametrize("count", [1, 50, 80_000])
def test_threads_may_share_a_compiled_function(count: int) -> None:
    f = lambda x: np.sqrt(1 + np.sqrt(1 + np.sqrt(1 + np.sqrt(x * x + 1) / 2))) * x + 3 * x
    step, _ = replayed(f, np.ones(count))
    wrong = []

    def work(seed: int) -> None:
        x = np.random.default_rng(seed).normal(size=count)
        for _ in range(30):
            if not np.array_equal(step(x), f(x)):
                wrong.append(seed)

    in_threads(work, range(4))
    assert wrong == []


def test_where_the_other_package_is_missing_numpy_runs_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "NATIVE", "no_such_package.groups")
    monkeypatch.setattr(executors, "THREADS", "no_such_package.threads")
    monkeypatch.setattr(executors, "_native", FRESH[0])
    monkeypatch.setattr(executors, "_threads", FRESH[1])
    f = lambda x: np.tanh(x) * x + 1
    x = np.random.default_rng(0).normal(size=100_000)
    step, out = replayed(f, x)
    assert len(found(step, x)) == 1
    assert out.tobytes() == f(x).tobytes()


# -- which steps are fused -------------------------------------------------------------------------


@pytest.mark.usefixtures("in_small_blocks")
def test_a_group_has_no_path_out_and_back() -> None:
    def f(x: Any) -> Any:
        y = np.tanh(x) * 2
        z = np.cumsum(y) + 1  # needs the group before, and is needed after
        return y * z - y

    x = np.linspace(0, 1, 6)
    step, out = replayed(f, x)
    assert out.tobytes() == f(x).tobytes()
    assert [names(group) for group in found(step, x)] == [
        ["tanh", "multiply"],
        ["add", "multiply", "subtract"],
    ]


@pytest.mark.usefixtures("in_small_blocks")
def test_no_step_crosses_a_write() -> None:
    def f(x: Any) -> Any:
        a = x.copy()
        b = a * 2 + 1
        a[1:] = 7.0
        return b, a * 2 + 1

    x = np.linspace(0, 1, 6)
    step, _ = replayed(f, x)
    for got, want in zip(step(x + 1), f(x + 1), strict=True):
        np.testing.assert_array_equal(got, want)
    assert len(found(step, x)) == 2


@pytest.mark.usefixtures("in_small_blocks")
def test_two_groups_that_meet_become_one() -> None:
    f = lambda x, y: np.tanh(x) * 2 + np.exp(y) / 3
    x, y = np.linspace(0, 1, 6), np.linspace(1, 2, 6)
    step, out = replayed(f, x, y)
    (group,) = found(step, x, y)
    assert sorted(names(group)) == ["add", "divide", "exp", "multiply", "tanh"]
    assert out.tobytes() == f(x, y).tobytes()


@pytest.mark.usefixtures("in_small_blocks")
def test_dtypes_are_not_mixed() -> None:
    def f(x: Any) -> Any:
        single = np.tanh(x) * 2
        return single, np.exp(single.astype(np.float64)) + 1

    x = np.linspace(0, 1, 6, dtype=np.float32)
    step, out = replayed(f, x)
    assert [group.dtype for group in found(step, x)] == [np.float32, np.float64]
    for got, want in zip(out, f(x), strict=True):
        assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("seed", range(20))
def test_units_of_random_graphs_can_run_in_their_order(seed: int) -> None:
    """Groups of a random graph of steps: each step once, after what it needs."""
    rng = random.Random(seed)
    shapes = [(4,), (5,), None]
    steps, units = [], fuse._Units()
    for slot in range(80):
        needed = {rng.randrange(slot) for _ in range(rng.randint(1, 2))} if slot else set()
        step = fuse.Step(np.add, tuple(map(fuse.Ref, needed)), {}, fuse.Ref(slot), "pure", None, None)
        shape = rng.choice(shapes)
        steps.append(step)
        units.add(slot, step, (shape, np.dtype(float) if shape else None))
    for i in range(len(units.all)):
        for j in range(i):
            if units.may_merge(j, i):
                units.merge(j, i)
    seen: set[int] = set()
    for unit in units.in_order():
        mine = {step.result.slot for _, step in unit.steps}
        for _, step in unit.steps:
            assert {x.slot for x in step.args} <= seen | mine
        assert not seen & mine
        seen |= mine
    assert seen == set(range(80))
    assert sum(bool(unit.steps) for unit in units.all) < 70
