"""The tester tested: wrong rules are planted, and each is caught and named."""

from __future__ import annotations

import cmath
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.arrays import unwrap
from autograd_lite.errors import DTypeError, GradientCheckError, KinkError
from autograd_lite.slope import analytic_slope, slope
from autograd_lite.testing import batches, check_grads
from docs import faults


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
    "wrong in the twelfth digit": (planted(np.sin, lambda g, y, x: g * np.cos(x) * (1 + 5e-12)), (v,)),
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
    assert (
        re.findall(r"^\| ([^|]+) \| caught, op named \|", page, re.M) == list(FAULTS) == list(faults.FAULTS)
    )


@pytest.mark.parametrize("name", faults.RIGHT)
def test_the_page_says_what_is_called_wrong(name: str) -> None:
    page = (Path(__file__).parents[1] / "docs" / "checking.md").read_text(encoding="utf-8")
    assert f"| {name} | {faults.judged(faults.Ours(), *faults.RIGHT[name])} |" in page


def test_the_message_says_where_and_what() -> None:
    op = planted(np.sin, wrong_at_one_index)
    with pytest.raises(GradientCheckError) as caught:
        check_grads(lambda a, x: a * op(x), (2.0, v))
    first, *rows = str(caught.value).splitlines()
    assert first.startswith("wrong reverse-mode derivative of argument 1 at index (2,): analytic ")
    assert "numeric" in first
    assert (
        len({re.match(r" +[a-z ]+: +", row).end() for row in rows} | {0}) <= 3
    )  # numbers stand one to the right
    told = {label.strip(): text.strip() for label, _, text in (row.partition(":") for row in rows)}
    assert told["argument"] == "1, float64 (3,)" and told["index"] == "(2,)"
    numeric, _, method = told["numeric"].partition(", ")
    assert float(told["analytic"]) / float(numeric) == pytest.approx(1.01, rel=1e-14)
    assert method.endswith("by the complex step")
    assert told["relative error"] == "0.01" and told["wrong"] == "1 of 3 entries"
    assert told["to blame"].startswith("the rule of culprit(float64 (3,)), recorded at ")
    assert "test_testing.py" in told["to blame"] and told["checked alone"].startswith("wrong reverse-mode")


def test_of_several_wrong_entries_the_worst_is_named_and_all_are_counted() -> None:
    def rule(g: Any, y: Any, x: Any) -> Any:
        return g * np.cos(x) * np.where(np.arange(x.size) < 5, 1.0, np.arange(x.size)).reshape(x.shape)

    op, x = planted(np.sin, rule), np.linspace(0.1, 1.0, 100).reshape(20, 5)
    with pytest.raises(GradientCheckError, match=r"at index \(19, 4\)(.|\n)*wrong: +95 of 100 entries"):
        check_grads(op, x, directions="all")
    with pytest.raises(GradientCheckError, match=r"wrong: +4 of 4 random directions, 4 of 4 entries"):
        check_grads(op, x)


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


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.floor, 2.0),
        (lambda x: np.sin(x) + np.round(x), 1.5),
        (lambda x: np.where(x > 1, 2.0, 1.0) * x, np.array([0.5, 1.0])),
        (lambda x: x * (3 if x >= 0 else -3) + (1 if x >= 0 else 2), 0.0),
        (lambda x: np.linalg.eigh(x + x.T)[1][0, 0], np.diag([1.0, 1.0])),  # which of two, and of what sign
    ],
)
def test_jumps_are_called_jumps(f: Any, x: Any) -> None:
    with pytest.raises(KinkError, match=r"no reverse-mode derivative .*: the function jumps there, by"):
        check_grads(f, (x,), order=1)


@pytest.mark.parametrize(
    ("f", "x", "why"),
    [
        (np.sqrt, 0.0, "not finite around"),
        (lambda x: np.log(x - 1), 0.5, "not finite around"),
        (np.cbrt, 0.0, "analytic inf"),
        (lambda x: x * 0.0 + noise.normal(), 1.0, "value differs from one call"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_has_no_slope_otherwise_is_no_jump(f: Any, x: Any, why: str) -> None:
    with pytest.raises(GradientCheckError, match=why) as caught:
        check_grads(f, (x,), order=1)
    assert "jumps" not in str(caught.value)


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-4])
def test_a_kink_nearby_is_none(distance: float) -> None:
    check_grads(lambda x: np.abs(x) * x + ag.relu(x), (np.array([distance, -distance]),))
    check_grads(lambda x: np.sum(np.abs(x)), (np.array([distance, -distance]),))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sin(x) + 1e-9 * np.abs(x),
        lambda x: np.sin(x) + 1e-11 * np.conj(x),
        lambda x: np.sin(x) + 1e-9 * np.real(x * 1j * x),
        lambda x: np.sin(x) + 1e-8 * x.astype(float),
        lambda x: np.exp(x) * np.linalg.norm(x),
        lambda x: np.sin(x) * (2 if np.iscomplexobj(x) else 1),
        lambda x: np.sin(x) + (1e-9 * x if np.iscomplexobj(x) else 0),
    ],
)
def test_the_complex_step_is_not_believed_where_imaginary_parts_are_dropped(f: Any) -> None:
    check_grads(f, np.array([0.3, 1.2]))


def test_the_complex_step_sees_what_differences_cannot() -> None:
    op, _ = FAULTS["wrong in the twelfth digit"]
    for f, order, mode in (
        (lambda x: op(x) * np.exp(x), 1, "rev"),
        (lambda x: op(x) * np.exp(x), 1, "fwd"),
        (lambda x: op(np.where(x > 0, x, 2 * x)), 1, "rev"),
        (
            planted(lambda x: x**3, lambda g, y, x: g * 3 * x**1.99999999999 * plain(x) ** 0.00000000001),
            2,
            "rev",
        ),
    ):
        with pytest.raises(GradientCheckError, match=r"by the complex step(.|\n)*rule of culprit"):
            check_grads(f, np.array([0.3, 1.2]), order, (mode,))
        check_grads(f, np.array([0.3, 1.2]), order, (mode,), rtol=1e-6)


@pytest.mark.parametrize("kink", [abs, lambda t: abs(t) * 1e-6, lambda t: t * (t.real > 0), lambda t: t.real])
def test_what_is_not_analytic_has_no_analytic_slope(kink: Any) -> None:
    for start in (0.0, 0.5):
        for weight in (0.0, 1.0):

            def phi(t: complex, start: float = start, weight: float = weight) -> complex:
                return complex(kink(t + start) + weight * cmath.exp(t))

            differences = slope(lambda t, phi=phi: phi(t).real, 2**-6)
            found = analytic_slope(lambda t, phi=phi: phi(t).real, phi, 2**-6)
            if found is not None:  # on one side of a kink a piece may be analytic
                assert not differences.kink and abs(found.value - differences.value) <= 1e-9


def test_directions_choose_between_fast_and_full() -> None:
    points = []

    def f(x: Any) -> Any:
        points.append(len(getattr(unwrap(x), "__array_several__", "1")))  # a batch is several points
        return np.sum(np.sin(x))

    counts = []
    for directions in (1, 3, None, "all"):
        points.clear()
        check_grads(f, np.linspace(0, 1, 80), order=1, modes=("rev",), directions=directions)
        counts.append(sum(points))
    assert counts == sorted(counts) and counts[-1] > 4 * counts[-2] > 4 * counts[0]
    for wrong in (0, -1, "some", 1.5):
        with pytest.raises(ValueError, match='directions=.*"all" for every entry'):
            check_grads(f, np.zeros(2), directions=wrong)


def told(f: Any, args: Any, **options: Any) -> str:
    try:
        check_grads(f, args, **options)
    except GradientCheckError as error:
        return f"{type(error).__name__}: {error}"
    return "right"


def reads(x: Any) -> Any:
    return np.sum(np.sin(x)) if np.real(x[0]).item() < 9 else x


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.tanh(x) ** 2) * x,
        lambda x: np.sum(np.abs(x)),
        lambda x: np.sum(np.abs(x - 0.5)),
        lambda x: planted(np.sin, lambda g, y, x: g * np.cos(x) * (1 + 1e-4 * (plain(x) > 0.9)))(x),
        lambda x: np.sum(np.floor(9 * x) + x),
        lambda x: np.sqrt(np.abs(x) - 0.05),
        lambda x: {"a": x[:3], "b": (np.cumsum(x), np.max(x))},
        reads,
    ],
)
def test_many_directions_at_once_give_the_verdicts_of_one_by_one(f: Any, monkeypatch: Any) -> None:
    wide = np.linspace(0.1, 1, 9)
    for x in (wide, np.linspace(0.1, 1, 90), wide.astype(np.float32), wide * 4 - 0.6):
        with monkeypatch.context() as patch:
            at_once = told(f, x)
            patch.setattr(batches, "FEW", 1 << 30)
            assert at_once == told(f, x)


def test_many_directions_take_one_call_of_the_function() -> None:
    calls: list[Any] = []

    def f(x: Any) -> Any:
        calls.append(x.shape)
        return np.sum(np.sin(x))

    counts = []
    for n in (4, 60):
        calls.clear()
        check_grads(f, np.linspace(0, 1, n), order=1)
        counts.append(len(calls))
    assert counts[0] == counts[1]
    calls.clear()
    check_grads(lambda x: f(x) if np.real(x[0]).item() < 9 else x, np.linspace(0, 1, 60), order=1)
    assert len(calls) > 4 * counts[0]  # it reads a value


def test_directions_pass_by_entries_that_are_not_finite() -> None:
    x = np.linspace(0.1, 1, 80)
    x[[3, 50]] = np.nan, np.inf
    check_grads(lambda x: np.sum(np.where(np.isfinite(x), x * x, 0)), x)


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


def test_the_plugin_imports_nothing_until_its_fixture_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_users.py").write_text(
        """
import sys

def test_before():
    assert {"autograd_lite", "numpy"} & sys.modules.keys() == set()

def test_after(check_grads):
    check_grads(lambda x: x * x, 1.0)
    assert {"autograd_lite", "numpy"} <= sys.modules.keys()
""",
        encoding="utf-8",
    )
    root = Path(ag.__file__).parents[1]
    paths = [str(root), str(root / "autograd_lite" / "pytest_plugin")]
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "-c", "/dev/null"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-p", "autograd_lite_pytest", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert "2 passed" in run.stdout, run.stdout + run.stderr


def test_pytest_shows_the_lines_of_the_test_and_not_ours(tmp_path: Path) -> None:
    (tmp_path / "test_users.py").write_text(
        """
import numpy as np, autograd_lite as ag
from autograd_lite.testing import check_grads, gradient_test

@ag.primitive
def double(x): return 2 * x
ag.defvjp(double, lambda g, y, x: -2 * g)

def test_plain(): check_grads(double, 1.0)
def test_fixture(check_grads): check_grads(double, 1.0)
def test_of_a_function_that_raises(): check_grads(lambda x: 1 / 0, 1.0)
@gradient_test(1.0)
def test_decorated(x): return double(x)
""",
        encoding="utf-8",
    )
    plugin = ["-p", "autograd_lite.pytest_plugin"]  # by hand, whether it is installed or not
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "-c", "/dev/null", *plugin]
    summary = ["-r", "N"]  # none: with CI set, pytest repeats every message there
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *summary, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert "4 failed" in run.stdout, run.stdout + run.stderr
    assert run.stdout.count("to blame:        the rule of double") == 3
    assert "ZeroDivisionError" in run.stdout and "lambda x: 1 / 0" in run.stdout
    assert "autograd_lite/" not in run.stdout.replace("\\", "/"), run.stdout
