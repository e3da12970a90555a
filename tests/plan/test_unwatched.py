"""What users do around a compiled function: nothing is frozen, whatever holds a value or decides a shape."""

from __future__ import annotations

import argparse
import array
import copy
import functools
import os
import pickle
import random
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import CompileError, DTypeError, MistakeWarning

X = np.array([1.0, 2.0, 3.0])

pytestmark = pytest.mark.filterwarnings("ignore::autograd_lite.errors.MistakeWarning")


def bits(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [bits(item) for item in value]
    return type(value), np.asarray(value).dtype, np.shape(value), np.asarray(value).tobytes()


def follows(f: Any, change: Callable[[int], Any] = lambda k: None, given: Any = None, calls: int = 8) -> Any:
    """Compare the results and the arguments of a compiled function with the eager ones, on new values."""
    compiled = ag.compile(f, exact=True)
    given = given or (lambda k: [X + k / 4])
    for k in range(calls):
        wanted, passed = given(k), given(k)
        change(k)
        want = bits(f(*wanted))
        change(k)
        assert bits(compiled(*passed)) == want, f"call {k}; {compiled.signatures}"
        assert bits(passed) == bits(wanted), f"the arguments of call {k}"
    return compiled


# -- who holds a value -----------------------------------------------------------------------------


class Settings:
    scale: Any = 1.0
    only: Any = None

    @classmethod
    def shared(cls) -> Any:
        cls.only = cls.only or cls()
        return cls.only

    @classmethod
    def scaled(cls, x: Any) -> Any:
        return x * cls.scale

    def factor(self) -> Any:
        return 1.0


def with_default(x: Any, by: Any = 1.0) -> Any:
    return x * by


def with_attribute(x: Any) -> Any:
    return x * with_attribute.by  # type: ignore[attr-defined]


def with_import(x: Any) -> Any:
    import a_module_of_the_user  # type: ignore[import-not-found]

    return x * a_module_of_the_user.scale


HELD = argparse.Namespace(scale=1.0)
QUEUE, PACKED = deque([1.0, 2.0]), array.array("d", [1.0])
OBJECTS = np.array([1.0, None], dtype=object)
MODULE: Any = types.ModuleType("a_module_of_the_user")

HOLDERS: dict[str, tuple[Any, Callable[[float], Any]]] = {
    "a namespace": (lambda x: x * HELD.scale, lambda v: setattr(HELD, "scale", v)),
    "a deque": (lambda x: x * sum(QUEUE), lambda v: QUEUE.__setitem__(0, v)),
    "a packed array": (lambda x: x * PACKED[0], lambda v: PACKED.__setitem__(0, v)),
    "an array of objects": (lambda x: x * OBJECTS[0], lambda v: OBJECTS.__setitem__(0, v)),
    "a class": (lambda x: x * Settings.scale, lambda v: setattr(Settings, "scale", v)),
    "a class method": (Settings.scaled, lambda v: setattr(Settings, "scale", v)),
    "a method": (lambda x: x * Settings().factor(), lambda v: setattr(Settings, "factor", lambda self: v)),
    "one object of a class": (
        lambda x: x * Settings.shared().scale,
        lambda v: setattr(Settings.shared(), "scale", v),
    ),
    "a default": (with_default, lambda v: setattr(with_default, "__defaults__", (v,))),
    "an attribute": (with_attribute, lambda v: setattr(with_attribute, "by", v)),
    "an import inside": (with_import, lambda v: setattr(MODULE, "scale", v)),
    "the environment": (
        lambda x: x * float(os.environ["A_SCALE"]),
        lambda v: os.environ.__setitem__("A_SCALE", str(v)),
    ),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_a_number_is_read_anew_whoever_holds_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "a_module_of_the_user", MODULE)
    monkeypatch.setenv("A_SCALE", "1.0")
    for attribute in ("scale", "only", "factor"):
        monkeypatch.setattr(Settings, attribute, vars(Settings)[attribute])
    f, put = HOLDERS[name]
    follows(f, lambda k: put(1.0 + k // 3))


def test_a_file_keeps_the_calls_eager(tmp_path: Any) -> None:
    path = tmp_path / "table.npy"
    follows(lambda x: x * np.load(path), lambda k: np.save(path, np.ones(3) + k // 3))


# -- classes and attributes ------------------------------------------------------------------------


def _matched(x: Any, a: Any) -> Any:
    match a:
        case float():
            return x * a
        case _:
            return x


ASKED: dict[str, Any] = {
    "isscalar": lambda x, a: x * a if np.isscalar(a) else x,
    "hasattr": lambda x, a: x if hasattr(a, "shape") else x * a,
    "getattr": lambda x, a: x * a + getattr(a, "ndim", -1),
    "an abstract class": lambda x, a: x if isinstance(a, Iterable) else x * a,
    "match": _matched,
    "__class__": lambda x, a: x * a if a.__class__ is float else x,
}


@pytest.mark.parametrize("name", ASKED)
def test_numbers_are_told_from_arrays_as_in_an_eager_call(name: str) -> None:
    follows(ASKED[name], given=lambda k: [X, float(k)])


def test_numbers_round_and_divide_as_in_an_eager_call() -> None:
    follows(lambda a: (round(a, 1), divmod(a, 3.0), divmod(7.0, a)), given=lambda k: [k + 0.55])


def test_a_number_has_the_attributes_of_a_number_alone() -> None:
    def summed(x: Any, a: Any) -> Any:
        try:
            return x * a.sum()
        except AttributeError:
            return x + a

    follows(summed, given=lambda k: [X, float(k)])

    def measured(x: Any, a: Any) -> Any:
        try:
            return x * len(a.shape)
        except AttributeError:
            return x + a

    follows(measured, given=lambda k: [X, float(k)])
    follows(lambda a: (a.conjugate(), a.real, a.is_integer()), given=lambda k: [float(k)])


# -- exceptions that the function catches ----------------------------------------------------------


def _inverse(x: Any) -> Any:
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return x * 0.0


def _logarithm(x: Any) -> Any:
    try:
        with np.errstate(all="raise"):
            return np.log(x)
    except FloatingPointError:
        return x * 0.0


def _ratio(a: Any, b: Any) -> Any:
    try:
        return a / b
    except ZeroDivisionError:
        return 7.0


def _entry(x: Any, i: Any) -> Any:
    try:
        return x[i]
    except IndexError:
        return x[:1]


CAUGHT: dict[str, tuple[Any, Any, Any]] = {
    "inv": (_inverse, [np.eye(2) * 2], [np.zeros((2, 2))]),
    "log": (_logarithm, [X], [-X]),
    "division": (_ratio, [1.0, 2.0], [1.0, 0.0]),
    "index": (_entry, [X, np.array([1])], [X, np.array([5])]),
}


@pytest.mark.parametrize("name", CAUGHT)
@pytest.mark.parametrize("first", [0, 1])
def test_an_exception_that_is_caught_does_not_become_a_rule(name: str, first: int) -> None:
    f, good, bad = CAUGHT[name]
    follows(f, given=lambda k: good if (k >= 3) != first else bad)


# -- shapes ----------------------------------------------------------------------------------------

COUNTS = [2, 2, 2, 3, 3, 4, 2, 6]
SHAPED: dict[str, Any] = {
    "reshape": lambda x, n: x / len(x.reshape(n, -1)),
    "np.reshape": lambda x, n: x / len(np.reshape(x, (n, -1))),
    "slice": lambda x, n: x / len(x[:n]),
    "tile": lambda x, n: x[0] / len(np.tile(x, n)),
    "linspace": lambda x, n: x / len(np.linspace(x[0], 1.0, n)),
    "broadcast_to": lambda x, n: x / len(np.broadcast_to(x, (n, 12))),
    "full_like": lambda x, n: x / len(np.full_like(x, 1.0, shape=(n,))),
    "fft": lambda x, n: x / len(np.fft.rfft(x, n)),
    "nonzero": lambda x, n: x / len((x < n).nonzero()[0]),
    "compress": lambda x, n: x / len(x.compress(x < n)),
    "repeat": lambda x, n: x / len(x.repeat(n)),
    "a square": lambda x, n: x**n,
}


@pytest.mark.parametrize("name", SHAPED)
def test_a_number_that_decides_a_shape_is_not_frozen(name: str) -> None:
    follows(SHAPED[name], given=lambda k: [np.arange(12.0) - k, COUNTS[k]])


# -- writes ----------------------------------------------------------------------------------------


def _written(write: Callable[[Any, Any], Any]) -> Any:
    def f(x: Any) -> Any:
        out = np.zeros_like(x)
        write(x, out)
        return out * 2, x * 1

    return f


WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "cumsum, by position": lambda x, out: np.cumsum(x, 0, None, out),
    "clip, by position": lambda x, out: np.clip(x, 1.5, 2.5, out),
    "dot into a view": lambda x, out: np.dot(np.eye(3) * 2, x, out[:]),
    "take into the source": lambda x, out: np.take(x, [2, 1, 0], 0, x),
    "a method": lambda x, out: x.cumsum(out=out),
    "a method, by position": lambda x, out: x.clip(1.5, 2.5, x),
    "nan_to_num": lambda x, out: np.nan_to_num(x, copy=False, nan=5.0),
    "nan_to_num, by position": lambda x, out: np.nan_to_num(x, False),
}


@pytest.mark.parametrize("name", WRITES)
def test_what_a_call_writes_into_is_written_at_each_replay(name: str) -> None:
    compiled = follows(_written(WRITES[name]), given=lambda k: [np.array([np.nan if k % 2 else 1.0, k, 3.0])])
    assert compiled.signatures[0].startswith("replayed")


def test_a_plain_array_as_out_is_refused() -> None:
    def f(x: Any) -> Any:
        out = np.zeros(3)
        x.cumsum(out=out)
        return out

    with pytest.raises(CompileError, match="a plain array cannot take"):
        ag.compile(f)(X)


@pytest.mark.parametrize(
    ("f", "words"),
    [(lambda x: {1.0: x}.get(x[0]), "hash"), (lambda x: setattr(x, "shape", (3, 1)), "reshape")],
)
def test_a_cache_and_a_new_shape_are_refused(f: Any, words: str) -> None:
    with pytest.raises(CompileError, match=words):
        ag.compile(f)(X)


# -- random numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source", [np.random.default_rng(0), np.random.RandomState(0), random.Random(0), random]
)
def test_equal_decisions_by_random_numbers_are_not_frozen(source: Any) -> None:
    f = ag.compile(lambda x: x * (1 if source.random() < 2 else -1))
    with pytest.warns(MistakeWarning, match="draws random numbers of its own"):
        results = [f(X) for _ in range(4)]
    assert all(np.array_equal(y, X) for y in results)


def test_draws_of_a_declared_step_are_no_reason() -> None:
    rng = np.random.default_rng(0)
    noise = ag.replayed(lambda n: rng.random(n))
    f = ag.compile(lambda x: x + noise(3))
    assert len({f(X).tobytes() for _ in range(6)}) == 6
    assert f.signatures == ["replayed: float64 (3,)"]


# -- methods, copies, pickles ----------------------------------------------------------------------


class Scaled:
    twice = ag.compile(functools.partial(np.multiply, 2.0))

    def __init__(self, by: float) -> None:
        self.by = by

    @ag.compile
    def of(self, x: Any) -> Any:
        return x * self.by

    @classmethod
    @ag.compile
    def of_class(cls, x: Any) -> Any:
        return x * Settings.scale


@ag.compile
def doubled(x: Any) -> Any:
    return x * 2


def test_a_copied_object_has_plans_of_its_own() -> None:
    one = Scaled(2.0)
    for _ in range(4):
        one.of(X)
    other = copy.copy(one)
    other.by = 5.0
    assert np.array_equal(other.of(X), X * 5.0)
    assert np.array_equal(one.of(X), X * 2.0)


def test_class_methods_and_partials_are_compiled_in_a_class() -> None:
    for _ in range(4):
        assert np.array_equal(Scaled.of_class(X), X * Settings.scale)
        assert np.array_equal(Scaled(1.0).twice(X), 2.0 * X)


def test_an_object_with_slots_says_how_to_compile_its_method() -> None:
    class Slotted:
        __slots__ = ()

        @ag.compile
        def of(self, x: Any) -> Any:
            return x * 2

    with pytest.raises(DTypeError, match=r"ag\.compile\(instance\.method\)"):
        Slotted().of(X)


def test_a_decorated_function_is_pickled_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(doubled)) is doubled


def test_a_plan_without_steps_is_replayed() -> None:
    f = ag.compile(lambda x: 3.0)
    assert [f(X) for _ in range(4)] == [3.0] * 4
    assert f.signatures == ["replayed: float64 (3,)"]
