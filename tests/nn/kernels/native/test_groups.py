"""Native groups: instructions have NumPy's bits, or few units in the last place; sums, threads, warnings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from nn.kernels import native, threads
from nn.kernels.native import groups
from nn.kernels.native.groups import Program, prepared
from tests.helpers import in_threads
from tests.nn.kernels.native.programs import (
    BOOL,
    DTYPES,
    EIGHT,
    EXACT,
    FUNCTIONS,
    SLACK,
    check,
    errors,
    near,
    never,
    programs,
)

pytestmark = pytest.mark.skipif(native.library() is None, reason=f"native kernels: {native.state()}")

F64 = np.dtype(float)


def grouped(shape: Any, dtype: Any, inputs: Any, code: Any, outputs: Any) -> Program:
    code = tuple([(word, tuple(operands), kind) for word, operands, kind in code])
    return Program(shape, dtype, tuple(inputs), code, tuple(outputs))


def run(program: Program, *inputs: Any) -> list[Any]:
    return prepared(program, never, lambda: False)(*inputs)


def function(word: str, *inputs: Any) -> Any:
    """One instruction on arrays of one shape."""
    x = inputs[-1]
    kinds = [(x.shape, x.dtype)] * len(inputs)
    return run(
        grouped(x.shape, x.dtype, kinds, [(word, range(len(inputs)), x.dtype)], [len(inputs)]), *inputs
    )[0]


def test_every_instruction_is_in_a_table() -> None:
    assert set(groups.words()) == {*EXACT, *FUNCTIONS, "erf", "sum"}


@pytest.mark.parametrize("block", range(4))
def test_random_groups_agree_with_numpy(block: int) -> None:
    for seed in range(25 * block, 25 * block + 25):
        for program, inputs in programs(seed):
            check(program, inputs)


@pytest.mark.slow
def test_many_random_groups_agree_with_numpy() -> None:
    for seed in range(1000, 3000):
        for program, inputs in programs(seed):
            check(program, inputs)


@pytest.mark.parametrize("level", [2, 3, 4])
def test_every_instruction_set_agrees(level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if level > native.level():
        pytest.skip(f"this processor has x86-64-v{native.level()}" if native.level() else "no x86-64")
    monkeypatch.setattr(native, "level", lambda: level)
    caches = native._function, native.prompt
    for each in caches:
        each.cache_clear()
    try:
        for seed in range(500, 530):
            for program, inputs in programs(seed):
                check(program, inputs)
    finally:
        for each in caches:
            each.cache_clear()


@pytest.mark.parametrize("seed", range(40))
def test_a_register_is_used_anew_only_after_its_last_reader(seed: int) -> None:
    """Few outputs, so that most registers are shared: the same bits as with all of them."""
    rng = np.random.default_rng(seed)
    for program, inputs in programs(seed):
        with np.errstate(all="ignore"):
            every = run(program, *inputs)
        first = len(program.inputs)
        chosen = sorted({int(rng.integers(len(program.code))) for _ in range(3)})
        few = run(program._replace(outputs=tuple([first + k for k in chosen])), *inputs)
        for k, got in zip(chosen, few, strict=True):
            np.testing.assert_array_equal(got, every[k])


def test_a_planted_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = groups.words() | {"subtract": groups.words()["add"]}
    monkeypatch.setattr(groups, "words", lambda: wrong)
    with pytest.raises(AssertionError, match="subtract"):
        for seed in range(100):
            for program, inputs in programs(seed):
                check(program, inputs)


@pytest.mark.parametrize("pair", [(1, 1.0), (0.0, -0.0)])
def test_groups_that_look_alike_are_told_apart(pair: Any) -> None:
    x, y = np.array([2.0, -3.0]), np.array([5.0, 7.0])
    for operand in pair:
        program = grouped((2,), F64, [((2,), F64)] * 2, [("copysign", (0, operand), F64)], [2])
        want = np.copysign(x, y if isinstance(operand, int) else operand)
        np.testing.assert_array_equal(run(program, x, y)[0], want)


# -- functions -------------------------------------------------------------------------------------

PRECISE: dict[str, Callable[..., Any]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "erf": mpmath.erf,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "logistic_slope": lambda x: mpmath.exp(-x) / (1 + mpmath.exp(-x)) ** 2,
    "times_sech2": lambda x: 3 / mpmath.cosh(x) ** 2,
    "times_gauss": lambda x: 3 * mpmath.exp(-x * x),
}
"""References of any precision; a slope is multiplied by 3."""


def points(word: str, dtype: Any, count: int) -> Any:
    """Numbers of all sizes, both tails, subnormal numbers, and neighbours of multiples of pi / 2."""
    rng, limits = np.random.default_rng(7), np.finfo(dtype)
    ends = math.log(float(limits.max)), math.log(float(limits.smallest_subnormal))
    kinds = [
        rng.normal(size=count // 2),
        rng.normal(size=count // 8) * 10,
        rng.uniform(ends[1], ends[0], count // 8) * 0.9999,
        rng.choice([-1, 1], count // 8) * np.exp(rng.uniform(*ends[::-1], count // 8)),
        (np.pi / 2 * rng.integers(-5000, 5000, count // 8)),
    ]
    x = np.concatenate(kinds).astype(dtype)
    x = np.abs(x) if word == "log" else np.where(x <= -1, -x, x) if word == "log1p" else x
    if word in ("exp", "expm1"):
        x = x[x < ends[0]]
    return x[np.isfinite(x) & (x != 0)]


def values(word: str, x: Any) -> Any:
    return function(word, np.full_like(x, 3), x) if word.startswith("times_") else function(word, x)


def precise(word: str, x: Any, wide: Any) -> Any:
    """The true values, as numbers of a wider dtype."""
    mpmath.mp.prec = 1200 if word in ("sin", "cos", "tan") else 160
    with mpmath.workprec(mpmath.mp.prec):
        true = [PRECISE[word](mpmath.mpf(float(v))) for v in x]
        heads = [float(v) for v in true]
        return np.array(heads).astype(wide) + np.array(
            [float(t - h) for t, h in zip(true, heads, strict=True)]
        )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("word", PRECISE)
def test_functions_are_exact_to_a_few_units_in_the_last_place(word: str, dtype: Any) -> None:
    x = points(word, dtype, 600)
    worst = np.max(errors(values(word, x), precise(word, x, np.longdouble)))
    assert worst <= (8 if word in EIGHT else 4) + SLACK


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("word", PRECISE)
def test_functions_at_a_million_points(word: str, dtype: Any) -> None:
    """NumPy's functions of wider numbers find the thousand worst points, which mpmath judges."""
    x = points(word, dtype, 1_000_000)
    got, wide = values(word, x), x.astype(np.longdouble)
    rough = np.vectorize(math.erf, [float]) if word == "erf" else FUNCTIONS[word]
    with np.errstate(all="ignore"):
        found = errors(got, rough(np.longdouble(3), wide) if word.startswith("times_") else rough(wide))
    worst = np.argsort(found)[-1000:]
    assert (
        np.max(errors(got[worst], precise(word, x[worst], np.longdouble)))
        <= (8 if word in EIGHT else 4) + SLACK
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("word", [*FUNCTIONS, "erf"])
def test_functions_at_special_numbers(word: str, dtype: Any) -> None:
    limits = np.finfo(dtype)
    x = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, limits.max, -limits.max, limits.tiny, -limits.tiny])
    x = np.concatenate([x, [limits.smallest_subnormal, -limits.smallest_subnormal, 1, -1, 30, -30]]).astype(
        dtype
    )
    with np.errstate(all="ignore"):
        if word == "erf":
            got, want = function(word, x), np.array([math.erf(v) for v in x]).astype(dtype)
            np.testing.assert_allclose(got, want, rtol=4 * limits.eps)
        elif word in ("logaddexp", "times_sech2", "times_gauss"):
            a, b = (np.ascontiguousarray(v) for v in np.broadcast_arrays(x[:, None], x))
            near(function(word, a, b), word, a, b)
            return
        else:
            got = function(word, x)
            near(got, word, x)
            want = FUNCTIONS[word](x)
        zero = want == 0
        np.testing.assert_array_equal(np.signbit(got)[zero], np.signbit(want)[zero])


# -- sums ------------------------------------------------------------------------------------------


def summed(x: Any) -> Any:
    code = [("multiply", [0, 1.0], x.dtype), ("sum", [1], x.dtype)]
    return run(grouped(x.shape, x.dtype, [(x.shape, x.dtype)], code, [2]), x)[0]


@pytest.mark.parametrize("count", [1, 7, 8, 1000, 4096, 5000, 1_000_003])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_sum_is_as_exact_as_a_pairwise_one(count: int, dtype: Any) -> None:
    x = np.random.default_rng(count).normal(size=count).astype(dtype)
    got, want, size = summed(x), math.fsum(x.tolist()), math.fsum(np.abs(x).tolist())
    assert got.dtype == dtype
    assert abs(float(got) - want) <= 2 * np.finfo(dtype).eps * size
    tenth = np.full(count, 0.1, dtype)
    assert summed(tenth) == pytest.approx(float(tenth[0]) * count, rel=4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan])
def test_a_sum_with_numbers_that_are_not_finite(special: float) -> None:
    for count in (10, 10_000):
        x = np.ones(count)
        x[5] = special
        np.testing.assert_equal(summed(x), special)
        x[0] = -special
        with np.errstate(invalid="ignore"):
            np.testing.assert_equal(summed(x), special - special)


# -- calls -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (30,), (300, 100)])
def test_threads_may_share_a_group(shape: tuple[int, ...]) -> None:
    code = [("multiply", [0, 0], F64), ("add", [1, 1.0], F64), ("sqrt", [2], F64)]
    group = prepared(grouped(shape, F64, [(shape, F64)], code, [3]), never, lambda: False)
    wrong = []

    def work(seed: int) -> None:
        x = np.random.default_rng(seed).normal(size=shape)[()]
        for _ in range(100):
            if not np.array_equal(group(x)[0], np.sqrt(x * x + 1)):
                wrong.append(seed)

    in_threads(work, range(4))
    assert wrong == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_number_of_threads_gives_the_same_entries(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    state = [count]
    monkeypatch.setattr(threads, "_blas_threads", lambda: (lambda: state[0], lambda n: None))
    x = np.random.default_rng(0).normal(size=(301, 700))
    row = np.random.default_rng(1).normal(size=700)
    kinds = [(x.shape, F64), (row.shape, F64)]
    code = [("multiply", [0, 1], F64), ("add", [2, 1], F64), ("sum", [3], F64)]
    y, total = run(grouped(x.shape, F64, kinds, code, [3, 4]), x, row)
    np.testing.assert_array_equal(y, x * row + row)
    assert total == run(grouped(x.shape, F64, kinds, code, [3, 4]), x, row)[1]
    assert total == pytest.approx(np.sum(y))


@pytest.mark.parametrize("shape", [(20,), (100, 100)])
def test_results_of_two_calls_share_no_memory(shape: tuple[int, ...]) -> None:
    group = prepared(
        grouped(shape, F64, [(shape, F64)], [("negative", [0], F64), ("less", [0, 0.0], BOOL)], [1, 2]),
        never,
        lambda: False,
    )
    x = np.ones(shape)
    first, second = group(x), group(2 * x)
    assert not any(np.shares_memory(a, b) for a in first for b in [x, *second])
    np.testing.assert_array_equal(first[0], -x)


def test_an_array_that_is_not_what_the_program_says_is_left_to_numpy() -> None:
    shape = 100, 100
    program = grouped(shape, F64, [(shape, F64)], [("negative", [0], F64)], [1])
    group = prepared(program, lambda x: ["numpy", x.dtype], lambda: False)
    for x in (np.ones((100, 101)), np.ones(shape, np.float32), np.ones(shape).view(np.recarray)):
        assert group(x) == ["numpy", x.dtype]
    bytes_ = np.zeros(8 * 10_000 + 1, np.uint8)[1:].view(float).reshape(shape)
    assert not bytes_.flags.aligned
    assert group(bytes_) == ["numpy", F64]


@pytest.mark.parametrize("shape", [(), (10,), (100, 100)])
@pytest.mark.parametrize(("word", "x"), [("log", -1.0), ("log", 0.0), ("log1p", -1.0), ("exp", 1000.0)])
def test_where_numpy_warns_the_group_is_left_to_numpy(word: str, x: float, shape: tuple[int, ...]) -> None:
    code = [(word, [0], F64)]
    given = np.full(shape, x)[()]
    for heard in (True, False):
        group = prepared(grouped(shape, F64, [(shape, F64)], code, [1]), lambda *_: "numpy", lambda: heard)  # noqa: B023
        assert (group(given) == "numpy") is heard
        assert group(np.ones(shape)[()]) != "numpy"
