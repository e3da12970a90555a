"""What a plan cannot hold: a read is an error with the line and the repair; nothing is frozen."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import CompileError, MistakeWarning

X = np.array([1.0, -2.0, 3.0])


def called(f: Any, times: int) -> list[Any]:
    return [f(X + k) for k in range(times)]


def _branch(x: Any) -> Any:
    return x if x[0] > 0 else -x


def _filled(x: Any) -> Any:
    a = np.zeros(3)
    a[0] = x[0]
    return a


READS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "if": (_branch, "bool(x), as in `if x > 0`, reads a value, bool ()"),
    "bool": (lambda x: bool(np.any(x)), "bool(x)"),
    "float": (lambda x: float(x[0]), "float(x)"),
    "int": (lambda x: int(x[0]), "int(x)"),
    "index": (lambda x: [1, 2, 3][np.argmax(x)], "x as an index or a count"),
    "range": (lambda x: [x for _ in range(np.argmax(x))], "x as an index or a count"),
    "item": (lambda x: x[0].item(), "x.item()"),
    "tolist": (lambda x: x.tolist(), "x.tolist()"),
    "asarray": (lambda x: np.asarray(x) * 2, "np.asarray(x)"),
    "fill": (_filled, "float(x)"),
    "iter": (lambda x: list(x[0]), "iter(x)"),
    "print": (lambda x: print(x), "print(x)"),
    "format": (lambda x: f"{x[0]:.2f}", "print(x)"),
    "mask": (lambda x: x[x > 0], "x[mask], whose shape depends on the mask,"),
    "contains": (lambda x: 1.0 in x, "v in x"),
}


@pytest.mark.parametrize(
    ("name", "tensor"),
    [(name, tensor) for name in READS for tensor in (False, True) if (name, tensor) != ("iter", True)],
)
def test_a_read_is_an_error_with_the_line_and_the_repair(name: str, tensor: bool) -> None:
    read, words = READS[name]
    f = ag.compile((lambda x: read(ag.Tensor(x) * 1.0)) if tensor else read)
    with pytest.raises(CompileError) as caught:
        f(X)
    text = str(caught.value)
    assert words in text
    assert "reads a value" in text
    assert f"{__file__}:" in text
    assert "np.where(x > 0, a, b)" in text
    assert "static_argnums=" in text


def test_a_static_argument_may_be_read() -> None:
    f = ag.compile(lambda x, n: sum(x**k for k in range(n)), static_argnums=1)
    for n in (2, 3, 2, 3, 2, 3):
        assert np.array_equal(f(X, n), sum(X**k for k in range(n)))
    assert len(f.signatures) == 2


def test_a_counter_in_a_closure_is_an_error() -> None:
    counter = itertools.count(1)
    f = ag.compile(lambda x: x * next(counter))
    f(X)
    with pytest.raises(CompileError, match=r"two runs of .* differ: the arguments of .* at .*test_refusals"):
        f(X)


def test_a_counter_that_nothing_reads_is_an_error() -> None:
    class Counts:
        calls = 0

        def __call__(self, x: Any) -> Any:
            self.calls += 1
            return x * 2

    f = ag.compile(Counts())
    f(X)
    f(X)
    with pytest.raises(CompileError, match="changes 'calls', which a replay would not"):
        f(X)


def test_numbers_of_a_generator_of_the_users_own_are_an_error() -> None:
    rng = np.random.default_rng(0)
    f = ag.compile(lambda x: x + rng.standard_normal(3))
    f(X)
    with pytest.raises(CompileError, match="differ"):
        f(X)


def test_a_list_that_grows_keeps_the_calls_eager() -> None:
    kept: list[Any] = []
    f = ag.compile(lambda x: kept.append(x * 2) or x)
    with pytest.warns(MistakeWarning, match="runs eagerly"):
        called(f, 5)
    assert [np.array_equal(a, 2 * (X + k)) for k, a in enumerate(kept)] == [True] * 5


def test_a_number_that_changes_outside_makes_another_plan() -> None:
    options = {"scale": 2.0}
    f = ag.compile(lambda x: x * options["scale"])
    for scale in (2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 2.0):
        options["scale"] = scale
        assert np.array_equal(f(X), X * scale)


def test_an_array_that_changes_outside_is_read_anew() -> None:
    table = np.array([1.0, 2.0, 3.0])
    f = ag.compile(lambda x: x * np.exp(table) + (table > 1.5))
    for k in range(5):
        table[1] = k
        assert np.array_equal(f(X), X * np.exp(table) + (table > 1.5))


def test_arrays_in_every_kind_of_holder_are_read_anew() -> None:
    class Slotted:
        __slots__ = ("table",)

    class Classy:
        table = np.array([1.0, 2.0, 3.0])

    slotted, in_tuple = Slotted(), (np.array([1.0, 2.0, 3.0]),)
    slotted.table, in_list, in_dict = Classy.table + 1, [Classy.table + 2], {"a": {"b": Classy.table + 3}}
    thing = Classy()

    def f(x: Any, given: Any = (np.array([1.0, 2.0, 3.0]),)) -> Any:  # noqa: B008
        tables = (slotted.table, in_tuple[0], in_list[0], in_dict["a"]["b"], thing.table, given[0])
        return [x * np.exp(table) for table in tables]

    run = ag.compile(f)
    changing = [slotted.table, in_tuple[0], in_list[0], in_dict["a"]["b"], Classy.table, f.__defaults__[0][0]]
    for table in changing:
        for k in range(5):
            table[1] = k // 3 + 0.5
            assert all(map(np.array_equal, run(X), f(X)))


def _times(hidden: Any) -> Any:
    return lambda x: x * hidden()


def test_an_array_that_the_walk_does_not_find_is_compared() -> None:
    table = np.array([1.0, 2.0, 3.0])
    f = ag.compile(_times(itertools.repeat(table).__next__))
    for k in range(6):
        table[1] = k // 3
        assert np.array_equal(f(X), X * table)


@pytest.mark.parametrize("around", [ag.Tape, ag.detect_anomaly])
def test_a_listener_around_a_call_keeps_it_eager(around: Any) -> None:
    f = ag.compile(lambda x: np.exp(x) * 2)
    with pytest.warns(MistakeWarning, match="runs eagerly"), around():
        values = called(f, 4)
    assert all(np.array_equal(values[k], np.exp(X + k) * 2) for k in range(4))


def test_a_compiled_function_that_is_differentiated_is_eager_and_right() -> None:
    f = ag.compile(lambda x: np.sum(np.sin(x)))
    with pytest.warns(MistakeWarning, match="compile the outer function"):
        values = called(ag.grad(f), 4)
    assert all(np.array_equal(values[k], np.cos(X + k)) for k in range(4))


def test_an_argument_on_the_tape_is_eager_and_right() -> None:
    f = ag.compile(lambda x: np.sum(x * x))
    x = ag.Tensor(X, requires_grad=True)
    with pytest.warns(MistakeWarning, match="on the tape"):
        values = [f(x) for _ in range(4)]
    for k in range(4):
        values[k].backward()
        assert np.array_equal(x.grad.numpy(), 2 * (k + 1) * X)


def test_an_assignment_to_an_argument_reaches_it() -> None:
    def f(x: Any) -> Any:
        x += 1
        return x * 2

    run = ag.compile(f)
    for k in range(5):
        x = X + k
        assert np.array_equal(run(x), (X + k + 1) * 2)
        assert np.array_equal(x, X + k + 1)


def test_derivatives_of_derivatives() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.tanh(x) ** 3)

    second = ag.grad(lambda x: np.sum(ag.grad(f)(x) ** 2))
    run = ag.compile(second)
    for k in range(5):
        assert np.array_equal(run(X / (k + 1)), second(X / (k + 1)))


def test_an_error_leaves_the_places_as_they_were() -> None:
    w = ag.Tensor(X, requires_grad=True)

    def f(x: Any) -> Any:
        y = np.sum(w * x)
        y.backward()
        return float(y)

    with pytest.raises(CompileError):
        ag.compile(f)(X)
    assert type(w.numpy()) is np.ndarray
    assert np.array_equal(w.grad.numpy(), X)


def test_a_function_may_name_its_own_compiled_form() -> None:
    held: dict[str, Any] = {}

    def step(x: Any) -> Any:
        return (x * 2) if held["step"] else x

    held["step"] = step = ag.compile(step)
    assert all(np.array_equal(y, 2 * (X + k)) for k, y in enumerate(called(step, 5)))
    assert step.signatures == ["replayed: float64 (3,)"]


def test_values_on_the_tape_are_not_written_into() -> None:
    w = ag.Tensor(X, requires_grad=True)

    def f(x: Any) -> Any:
        y = np.exp(w * x)
        y.numpy()[:] = 0
        np.sum(y).backward()

    with pytest.raises(CompileError, match=r"x.numpy\(\) of an x on the tape is written into"):
        ag.compile(f)(X)


def test_kinds_of_numbers_are_kept() -> None:
    f = ag.compile(ag.value_and_grad(lambda x, y: x * y + np.sin(x), argnums=(0, 1)))
    g = ag.value_and_grad(lambda x, y: x * y + np.sin(x), argnums=(0, 1))
    for k in range(4):
        want, got = g(0.5 + k, 2.0), f(0.5 + k, 2.0)
        assert got == want
        assert [type(x) for x in (got[0], *got[1])] == [type(x) for x in (want[0], *want[1])] == [float] * 3


def _half(x: Any) -> Any:
    return x / 2 if isinstance(x, np.ndarray) else x


def _is_number(x: Any) -> bool:
    return isinstance(x, NUMBERS)


NUMBERS = (float, np.ndarray)
ASKING = [
    _half,
    lambda x: _half(x) + 1,
    lambda x: x * 2 if type(x) is np.ndarray else x,
    lambda x: x * 2 if _is_number(x) else x,
    lambda x: [x * 2 if isinstance(y, float) else x for y in x],
]


@pytest.mark.parametrize("f", ASKING)
def test_a_function_that_asks_for_classes_stays_eager(f: Any) -> None:
    """A traced array is in a class of its own: such a function would take the other branch."""
    compiled = ag.compile(f)
    with pytest.warns(UserWarning, match="calls (isinstance|type); traced arrays have a class of their own"):
        first = compiled(X)
    assert np.array_equal(first, f(X))
    assert all(np.array_equal(compiled(X + k), f(X + k)) for k in range(4))
    assert compiled.signatures[0].startswith("eager")


def test_a_function_may_ask_for_other_classes() -> None:
    f = ag.compile(lambda x: x * 2 if isinstance(x, (tuple, list, ag.Tensor)) else x + 1)
    assert all(np.array_equal(f(X + k), X + k + 1) for k in range(4))
    assert f.signatures == ["replayed: float64 (3,)"]


SHAPED = [
    (lambda x: np.sum(x) * np.ones(len(np.unique(x))), [[1, 2, 3], [4, 5, 6], [7, 7, 8], [1, 1, 1]]),
    (lambda x: np.arange(3.0)[: len(np.nonzero(x > 1)[0])] + 1, [[1, 2, 3], [1, 5, 6], [0, 0, 8], [0, 0, 0]]),
    (lambda x: np.zeros(np.where(x > 1)[0].shape) + 1, [[1, 2, 3], [1, 5, 6], [0, 0, 8], [0, 0, 0]]),
    (lambda x: np.argwhere(x > 1).size * x, [[1, 2, 3], [1, 5, 6], [0, 0, 8], [0, 0, 0]]),
    (lambda x: np.repeat(x, x.astype(int)).size * x, [[1, 2, 0], [0, 1, 2], [0, 0, 8], [2, 2, 2]]),
    (lambda x: x * len(np.bincount(x.astype(int))), [[1, 2, 3], [3, 2, 1], [0, 0, 8], [0, 0, 0]]),
    (lambda x: x * len(np.intersect1d(x, [1, 2])), [[1, 2, 3], [3, 2, 1], [0, 0, 8], [0, 1, 0]]),
]


@pytest.mark.parametrize(("f", "rows"), SHAPED)
def test_a_shape_that_depends_on_values_is_no_constant(f: Any, rows: list[list[int]]) -> None:
    compiled = ag.compile(f)
    for row in rows:
        x = np.array(row, float)
        assert np.array_equal(compiled(x), f(x)), row
