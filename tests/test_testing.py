"""The tester tested: wrong rules are planted, and each is caught and named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import DTypeError, GradientCheckError, KinkError
from autograd_lite.testing import check_grads, slope


def planted(compute: Any, *rules: Any, broadcasts: bool = False) -> Callable[..., Any]:
    """An op with a fault in its rule, under a name of its own."""

    def culprit(*args: Any) -> Any:
        return compute(*args)

    op = ag.primitive(culprit, broadcasts=broadcasts) if broadcasts else ag.primitive(culprit)
    ag.defvjp(op, *rules)
    return op


def wrong_at_one_index(g: Any, y: Any, x: Any) -> Any:
    wrong = np.ones(x.shape, x.dtype)
    wrong.flat[-1] = 1.01
    return g * np.cos(x) * wrong


def writes(g: Any, y: Any, x: Any) -> Any:
    np.multiply(g, 2, out=g) if isinstance(g, np.ndarray) else None
    return g * x


buffer = np.zeros(3)


def into_a_buffer(g: Any, y: Any, x: Any) -> Any:
    if isinstance(g, ag.Tensor):
        return g * np.cos(x)
    buffer[...] = g * np.cos(x)
    return buffer


def plain(x: Any) -> Any:
    return x.numpy() if isinstance(x, ag.Tensor) else x


v = np.array([0.3, 1.2, -0.7])
m = np.arange(1.0, 7.0).reshape(2, 3)
noise = np.random.default_rng(3)

FAULTS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "wrong sign": (planted(np.sin, lambda g, y, x: -g * np.cos(x)), (v,)),
    "missing factor": (planted(lambda x: 2 * x, lambda g, y, x: g), (v,)),
    "small factor": (planted(np.sin, lambda g, y, x: g * np.cos(x) * (1 + 1e-5)), (v,)),
    "wrong function": (planted(np.sin, lambda g, y, x: g * np.sin(x)), (v,)),
    "dropped term": (planted(lambda x: x * np.sin(x), lambda g, y, x: g * np.sin(x)), (v,)),
    "wrong at one index": (planted(np.sin, wrong_at_one_index), (v,)),
    "transposed": (
        planted(lambda a, b: a @ b, lambda g, y, a, b: g @ b, lambda g, y, a, b: a.T @ g),
        (m[:, :2], m[:, 1:]),
    ),
    "wrong argument": (planted(np.multiply, lambda g, y, a, b: g * a, lambda g, y, a, b: g * b), (v, v + 1)),
    "forgotten broadcast sum": (
        planted(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
        (m, v),
    ),
    "forgotten keepdims": (planted(lambda x: x / np.sum(x), lambda g, y, x: g / np.sum(x)), (v,)),
    "mean for sum": (planted(lambda x: np.sum(x), lambda g, y, x: g * np.ones(x.shape) / x.size), (v,)),
    "wrong dtype": (
        planted(np.sin, lambda g, y, x: g * np.cos(x).astype(np.float64)),
        (v.astype(np.float32),),
    ),
    "right first but wrong second order": (
        planted(lambda x: x**3, lambda g, y, x: g * 3 * plain(x) ** 2),
        (v,),
    ),
    "writes into its input": (planted(lambda x: x * x / 2, writes), (v,)),
    "draws at random": (planted(np.sin, lambda g, y, x: g * np.cos(x) * (1 + 1e-9 * noise.normal())), (v,)),
    "conjugate forgotten": (planted(lambda z: z * z, lambda g, y, z: g * 2 * np.conj(z)), (v + 0.5j,)),
    "wrong shape": (planted(lambda x: np.sum(x), lambda g, y, x: g), (v,)),
    "raises": (planted(np.sin, lambda g, y, x: g * x.nonsense), (v,)),
    "returns the same array": (planted(np.sin, into_a_buffer), (v,)),
    "tiny, of the wrong sign": (
        planted(lambda x: 1e-8 * np.sin(x), lambda g, y, x: -1e-8 * g * np.cos(x)),
        (v,),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("wrapped", [False, True], ids=["alone", "among others"])
def test_planted_faults_are_caught_and_named(fault: str, wrapped: bool) -> None:
    op, args = FAULTS[fault]

    def f(*xs: Any) -> Any:
        if not wrapped:
            return op(*xs)
        return np.sin(op(*(x * 1.5 for x in xs))) + 1.0

    with pytest.raises(GradientCheckError, match="rule of culprit"):
        check_grads(f, args)


def test_the_page_lists_the_faults() -> None:
    page = (Path(__file__).parents[1] / "docs" / "checking.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| ([^|]+) \| yes \| yes \|$", page, re.M) == list(FAULTS)


def test_the_message_says_where_and_what() -> None:
    op = planted(np.sin, wrong_at_one_index)
    with pytest.raises(GradientCheckError) as caught:
        check_grads(lambda a, x: a * op(x), (2.0, v))
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("wrong reverse-mode derivative of argument 1 at index (2,): analytic ")
    assert "numeric" in lines[0]
    assert lines[1].startswith("to blame: the rule of culprit(float64 (3,)), recorded at ")
    assert "test_testing.py" in lines[1]


def test_what_leaves_the_tape_is_no_rules_fault() -> None:
    with pytest.raises(GradientCheckError, match="no single rule"):
        check_grads(lambda x: x * ag.stop_gradient(x), (v,))


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.abs, np.array([1.0, 0.0])),
        (ag.relu, np.array([0.0])),
        (np.max, np.array([2.0, 2.0])),
        (lambda x: np.maximum(x, 1.0), 1.0),
        (lambda x: np.where(x > 0, x, 3 * x), 0.0),
        (lambda x: np.abs(np.sin(x)), 0.0),
    ],
)
def test_kinks_are_called_kinks(f: Any, x: Any) -> None:
    with pytest.raises(KinkError, match="kink"):
        check_grads(f, (x,), order=1)


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-4])
def test_a_kink_nearby_is_none(distance: float) -> None:
    check_grads(lambda x: np.abs(x) * x + ag.relu(x), (np.array([distance, -distance]),))
    check_grads(lambda x: np.sum(np.abs(x)), (np.array([distance, -distance]),))


def test_small_steps_may_be_asked_for() -> None:
    check_grads(lambda x: np.sum(np.sin(x) ** 2), (np.linspace(0.1, 2, 10_000),), order=1, eps=1e-5)


def test_the_users_arrays_stay_as_they_were() -> None:
    w = np.arange(6.0).reshape(2, 3)
    check_grads(lambda x: np.sum(x * w), (np.ones(3),))
    assert w.flags.writeable


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x: np.exp(x) * np.sin(x), (np.linspace(-2, 2, 5, dtype=np.float32),)),
        (lambda x: np.log(x), (np.array([1e-3, 1.0, 1e6]),)),
        (lambda x: x**2, (np.array([1e8]),)),
        (lambda z: np.abs(z) ** 2 + np.real(z), (np.array([1 + 2j, -0.5j]),)),
        (lambda p: p["a"] @ p["b"][0], ({"a": m, "b": [v]},)),
        (lambda x, n: x**n, (v, 3)),
        (lambda x: (x, {"y": x * x}), (v,)),
        (np.std, (np.array([1.0, 1.0001, 0.9999]),)),
        (lambda x: np.sum(x**3), (np.array([1e-6, 1.0, 1e6]),)),
        (lambda x: np.sum(np.sin(128 * np.pi * x)), (np.array([0.3, 0.4, 0.5]),)),
        (lambda x: np.sum(np.log(x) + 1e-9 / x), (np.full(3, 1e-9),)),
        (lambda x: np.sum(ag.softmax(x)), (v.astype(np.float32),)),
        (lambda x: np.tanh(x @ x.T).sum(), (np.random.default_rng(0).normal(size=(15, 15)) / 4,)),
    ],
)
def test_right_gradients_pass(f: Any, args: Any) -> None:
    check_grads(f, args)


def test_bad_arguments() -> None:
    with pytest.raises(DTypeError, match=r"astype\(float\)"):
        check_grads(np.sum, (np.arange(3),))
    with pytest.raises(ValueError, match=r"check_grads\(f, \(x, y\)\)"):
        check_grads(np.multiply, v, v)
    check_grads(lambda x, y: x * y, [1.0, 2.0])
    check_grads(lambda x: x[0] * x[1], ([1.0, 2.0],))
    with pytest.raises(ValueError, match="modes"):
        check_grads(np.sum, (v,), modes=("sideways",))


def test_slopes_settle_near_the_edge_of_a_domain() -> None:
    assert slope(
        lambda t: float(np.log(1e-3 + t)) if t > -1e-3 else float("nan"), 0.1
    ).value == pytest.approx(1e3)


def test_the_fixture_is_installed(request: pytest.FixtureRequest) -> None:
    if not request.config.pluginmanager.hasplugin("autograd_lite"):
        pytest.skip("autograd-lite is not installed, so its pytest plugin is not either")
    request.getfixturevalue("check_grads")(np.sin, (0.5,))
