"""What a plan leaves out, and what it must not leave out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.plan.traced import method

X = np.linspace(-1.0, 2.0, 12).reshape(3, 4)


def names(f: Callable[..., Any], *args: Any) -> list[str]:
    """The functions of a plan's steps, after the arguments; checks the bits of a replay too."""
    compiled = ag.compile(f)
    plan = compiled.plan(*args)
    for k in (1.0, 1.25, -0.5):
        given = [x * k for x in args]
        want, got = ag.tree.flatten(f(*given))[0], ag.tree.flatten(compiled(*given))[0]
        for a, b in zip(want, got, strict=True):
            assert type(a) is type(b)
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    assert compiled.signatures[0].startswith("replayed")
    return [step.function.__name__ for step in plan.steps if step.kind != "input"]


def test_constants_are_computed_once() -> None:
    assert names(lambda x: x * np.sqrt(np.ones_like(x) * 2), X) == ["multiply"]
    assert names(lambda x: x + np.arange(4) * 2.0, X) == ["add"]


def test_equal_steps_run_once() -> None:
    assert names(lambda x: np.exp(x) * 2 + np.exp(x) * 2, X) == ["exp", "multiply", "add"]
    assert names(lambda x: np.sum(x, axis=0) + np.sum(x, axis=1)[0], X)[:2] == ["sum", "sum"]


def test_a_result_that_is_returned_twice_is_two_arrays() -> None:
    a, b = (f := ag.compile(lambda x: (np.exp(x), np.exp(x))))(X)
    for _ in range(3):
        a, b = f(X)
        a[:] = 0
        assert b.tobytes() == np.exp(X).tobytes()


def test_equal_steps_with_a_write_between_are_two() -> None:
    def f(x: Any) -> Any:
        a = np.exp(x)
        first = np.sum(a * 3)
        a[0] = 0.0
        return first, np.sum(a * 3)

    assert names(f, X).count("multiply") == 2


def ones(x: Any, *shape: int, value: complex = 1.0) -> Any:
    """One number in every entry, as the cotangent of a sum."""
    return np.broadcast_to(np.ones_like(x, dtype=type(value), shape=()) * value, shape or x.shape)


def test_a_product_with_ones_is_the_other_factor() -> None:
    assert names(lambda x: np.tanh(np.exp(x) * ones(x)), X) == ["exp", "tanh"]
    assert names(lambda x: np.tanh(ones(x) * np.exp(x)), X) == ["exp", "tanh"]
    assert names(ag.grad(lambda x: np.sum(np.exp(x) * x)), X).count("multiply") == 1


def test_a_product_that_is_no_copy_stays() -> None:
    assert "multiply" in names(lambda x: np.tanh(np.exp(x) * ones(x, 5, 3, 4)), X)
    assert "multiply" in names(lambda x: np.tanh(np.exp(x[:1]) * ones(x)), X)
    assert "multiply" in names(lambda x: np.tanh(np.exp(x) * ones(x, value=2.0)), X)
    assert "multiply" in names(lambda x: np.conj(np.exp(x + 0j) * ones(x, value=1 + 0j)), X)
    assert "multiply" in names(lambda x: np.tanh(np.exp(x) * np.cumsum(np.ones_like(x), axis=1)), X)
    assert "multiply" in names(lambda x: np.floor(x).astype(np.int64) * ones(x) / 3, X)


def test_a_copy_that_is_changed_stays_a_copy() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        z = np.copy(y)
        z[0] = 7.0
        return np.sum(y) + np.sum(z * y)

    assert "copy" in names(f, X)


def test_a_copy_of_what_changes_later_stays_a_copy() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        z = np.copy(y)
        y += 1.0
        return np.sum(y * z)

    assert "copy" in names(f, X)


def test_copies_that_nobody_could_tell_are_left_out() -> None:
    assert "copy" not in names(ag.grad(lambda x: np.sum(np.sin(x) * x)), X)
    assert names(lambda x: np.sum(np.copy(x) * 2), X) == ["multiply", "sum"]


def test_the_rules_of_a_backward_step_are_steps() -> None:
    f = ag.grad(lambda x: np.sum(np.tanh(x) / (1 + np.exp(-x)) + np.var(x) * ag.relu(x)))
    assert not [name for name in names(f, X) if name.startswith("pull_")]


def safe(x: Any) -> Any:
    """Values and derivatives of dead entries are NaN or inf where x is 0."""
    root = np.where(x > 0, np.sqrt(np.abs(x)) * x, 0.5 * x)
    picked = np.maximum(np.log(np.abs(x)), -1.0) * 2.0
    return np.sum(root * root) + np.sum(picked[::-1] + np.clip(1 / x, -2.0, 2.0)[1:2]) + np.sum(root[:1])


def test_dead_entries_that_appear_after_the_plan_is_made_stay_silent() -> None:
    gradient = ag.grad(safe)
    f = ag.compile(gradient)
    f(X + 4), f(X + 4)
    assert not [s for s in f.plan(X + 4).steps if s.function.__name__.startswith("pull_")]
    with np.errstate(all="ignore"):
        for k in range(6):
            x = X + 4
            x[k % 3, k % 4] = 0.0
            x[(k + 1) % 3] *= -1
            assert f(x).tobytes() == gradient(x).tobytes()
            assert np.isfinite(f(x)).all() == np.isfinite(gradient(x)).all()
    assert f.signatures == ["replayed: float64 (3, 4)"]


def test_fan_in_of_a_cotangent_with_dead_entries_keeps_the_dtype() -> None:
    def f(x: Any) -> Any:
        y = x * 1.5
        return np.sum(np.sin(y)) + np.sum(np.maximum(y, 0.25) * 1.1)

    x = X.astype(np.float32)
    compiled = ag.compile(ag.grad(f))
    assert not [s for s in compiled.plan(x).steps if s.function is method]
    assert compiled(x).tobytes() == ag.grad(f)(x).tobytes()


def test_the_mask_of_a_sum_is_that_of_its_parts() -> None:
    def f(x: Any) -> Any:
        y = np.sqrt(np.abs(x))
        return np.sum(np.where(x > 1, y, 0.0)) + np.sum(np.where(x > 2, y * x, 0.0))

    gradient, x = ag.compile(ag.grad(f)), X + 4
    gradient(x), gradient(x)
    with np.errstate(all="ignore"):
        for i in range(3):
            x[i] = 0.0
            assert gradient(x).tobytes() == ag.grad(f)(x).tobytes()
            assert np.isfinite(gradient(x)).all()


def test_a_rule_that_looks_at_classes_and_values_stays_whole() -> None:
    @ag.primitive
    def halved(x: Any) -> Any:
        return x / 2

    ag.defvjp(halved, lambda g, y, x: g / 2 if x.max() > 1 else 0.5 * g)
    assert "pull_halved" in names(ag.grad(lambda x: np.sum(halved(x) * x)), X)


def test_a_rule_with_other_bits_on_traced_arrays_stays_whole() -> None:
    @ag.primitive
    def tripled(x: Any) -> Any:
        return x * 3

    def rule(g: Any, y: Any, x: Any) -> Any:
        return g * 3 if isinstance(x, np.ndarray) else g * 3.0000001

    ag.defvjp(tripled, rule)
    assert "pull_tripled" in names(ag.grad(lambda x: np.sum(tripled(x) * x)), X)


def test_fan_in_leaves_a_cotangent_that_is_used_again() -> None:
    x = np.linspace(-1, 1, 40_000)

    def f(x: Any, y: Any) -> Any:
        z = x + y
        return np.sum(np.maximum(x * 1.5, 0.25) + z)

    gradient = ag.compile(ag.grad(f, argnums=(0, 1)))
    want = ag.grad(f, argnums=(0, 1))(x, x)
    for _ in range(4):
        for a, b in zip(gradient(x, x), want, strict=True):
            assert a.tobytes() == b.tobytes()


# -- single numbers --------------------------------------------------------------------------------

NUMBERS = [0.0, -0.0, 1.0, -2.5, 1e200, -1e-310, math.inf, -math.inf, math.nan]
FORMULAS: dict[str, Callable[..., Any]] = {
    "arithmetic": lambda a, b: (a * b + 2 - b) * 3.0 - a,
    "quotient": lambda a, b: a / b + 1.0 / (b - a),
    "functions": lambda a, b: np.tanh(a) * np.exp(-abs(b)) + np.sqrt(a * a) + np.sin(b),
    "powers": lambda a, b: a**2 + np.square(b) + b**3,
    "extremes": lambda a, b: np.maximum(a, b) - np.minimum(a, 0.5) + np.where(a > b, a, -b),
    "signs": lambda a, b: -a - (+b) * np.absolute(-b),
}


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("differentiated", [False, True])
def test_single_numbers_keep_their_bits_and_classes(formula: str, differentiated: bool) -> None:
    f: Any = FORMULAS[formula]
    for wrap in (np.float64, ag.Tensor):
        whole = ag.value_and_grad(f, argnums=(0, 1)) if differentiated else f
        compiled = ag.compile(whole)
        with np.errstate(all="ignore"):
            for a in NUMBERS:
                for b in NUMBERS:
                    want, got = (ag.tree.flatten(g(wrap(a), wrap(b)))[0] for g in (whole, compiled))
                    for x, y in zip(want, got, strict=True):
                        assert type(x) is type(y)
                        x, y = (v.numpy() if isinstance(v, ag.Tensor) else v for v in (x, y))
                        assert type(x) is type(y)
                        # Which of two NaNs, and so which sign bit, a processor keeps is no number.
                        assert np.float64(x).tobytes() == np.float64(y).tobytes() or (x != x and y != y), (
                            a,
                            b,
                        )
        assert "replayed" in compiled.signatures[0]


def test_a_division_by_zero_is_quiet_in_the_backward_pass_alone() -> None:
    f = ag.compile(ag.grad(lambda a: np.sqrt(a) * 2))
    for _ in range(4):
        assert f(np.float64(0.0)) == math.inf
    g = ag.compile(lambda a: 1.0 / a)
    with np.errstate(divide="ignore"):
        g(np.float64(1.0)), g(np.float64(1.0))
    with pytest.raises(FloatingPointError), np.errstate(divide="raise"):
        g(np.float64(0.0))
