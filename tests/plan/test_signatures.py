"""What a signature is: arguments of every kind, methods, nested functions, and threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import CompileError, DTypeError, LinAlgError
from tests.helpers import in_threads

X = np.array([1.0, -2.0, 3.0])


def alike(f: Any, *calls: Any) -> Any:
    """Compare a compiled function with the eager one: bits, classes and dtypes."""
    run = ag.compile(f)
    for args in calls:
        want, got = ag.tree.flatten(f(*args))[0], ag.tree.flatten(run(*args))[0]
        assert len(want) == len(got)
        for a, b in zip(want, got, strict=True):
            assert type(a) is type(b)
            a, b = (x.numpy() if isinstance(x, ag.Tensor) else np.asarray(x) for x in (a, b))
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    return run


@pytest.mark.parametrize(
    "make",
    [
        lambda k: X + k,
        lambda k: (X + k).astype(np.float32),
        lambda k: np.asfortranarray(np.outer(X, X) + k),
        lambda k: np.outer(X, X + k)[::-1, ::2],
        lambda k: np.float32(k),
        lambda k: 0.5 + k,
        lambda k: 2 + k,
        lambda k: np.array(1.5 + k),
        lambda k: np.zeros((0, 3)) + k,
        lambda k: ag.Tensor(X + k),
        lambda k: np.broadcast_to(np.float64(k), (2, 3)),
        lambda k: X + 1j * k,
    ],
)
def test_arguments_of_every_kind(make: Any) -> None:
    def f(x: Any) -> Any:
        return np.tanh(x) * 2 + x, np.sum(x * x), np.abs(x) > 1.5

    run = alike(f, *[(make(k),) for k in range(5)])
    assert run.signatures[0].startswith("replayed")


def test_nested_containers_and_keywords() -> None:
    def f(tree: Any, *, scale: Any) -> Any:
        return {"sum": tree["a"][0] * scale + tree["b"], "name": tree["name"]}

    run = ag.compile(f)
    for k in range(5):
        tree = {"a": (X + k, None), "b": [X * k][0], "name": "x"}
        assert np.array_equal(run(tree, scale=0.5)["sum"], f(tree, scale=0.5)["sum"])
    assert run(tree, scale=0.5)["name"] == "x"


def test_a_method_is_compiled_for_each_instance() -> None:
    class Scaled:
        def __init__(self, by: float) -> None:
            self.by = by

        @ag.compile
        def __call__(self, x: Any) -> Any:
            return x * self.by

    one, other = Scaled(2.0), Scaled(3.0)
    for k in range(5):
        assert np.array_equal(one(X + k), (X + k) * 2.0)
        assert np.array_equal(other(X + k), (X + k) * 3.0)
    one.by = 4.0
    assert np.array_equal(one(X), X * 4.0)


def test_a_compiled_function_inside_of_another() -> None:
    inner = ag.compile(lambda x: np.sin(x) * 2)
    alike(lambda x: inner(x) + inner(x * 2), *[(X + k,) for k in range(5)])


def test_recording_is_part_of_the_signature() -> None:
    w = ag.Tensor(X, requires_grad=True)

    def f(x: Any) -> Any:
        y = np.sum(w * x)
        if ag.is_recording():
            w.grad = None
            y.backward()
        return y.detach()

    run = ag.compile(f)
    for k in range(8):
        with ag.no_grad() if k % 2 else ag.enable_grad():
            assert run(X + k).item() == float(np.sum(X * (X + k)))
        if not k % 2:
            assert np.array_equal(w.grad.numpy(), X + k)


def test_threads_share_a_compiled_function() -> None:
    gradient = ag.grad(lambda x: np.sum(np.sin(x) ** 2))
    f, wrong = ag.compile(gradient), []

    def work(seed: int) -> None:
        for k in range(50):
            x = np.full(3, seed + k / 7.0)
            if not np.array_equal(f(x), gradient(x)):
                wrong.append((seed, k))

    in_threads(work, range(4))
    assert not wrong
    assert f.signatures == ["replayed: float64 (3,)"]


def test_targets_out_of_range_raise_in_a_replay_too() -> None:
    net = nn.Linear(3, 3)
    run = ag.compile(lambda x, y: nn.functional.cross_entropy(net(x), y).detach())
    x = np.ones((2, 3), np.float32)
    for _ in range(4):
        run(x, np.array([0, 2]))
    assert run.signatures[0].startswith("replayed")
    with pytest.raises(Exception, match="class") as eager:
        nn.functional.cross_entropy(net(x), np.array([0, 7]))
    with pytest.raises(type(eager.value)) as replayed:
        run(x, np.array([0, 7]))
    assert str(replayed.value) == str(eager.value)


def test_an_error_of_a_replay_is_the_error_of_the_eager_run() -> None:
    def f(x: Any) -> Any:
        return np.linalg.inv(ag.Tensor(x))

    run = ag.compile(f)
    for _ in range(4):
        run(np.eye(2))
    assert run.signatures[0].startswith("replayed")
    with pytest.raises(LinAlgError) as eager:
        f(np.zeros((2, 2)))
    with pytest.raises(LinAlgError) as replayed:
        run(np.zeros((2, 2)))
    assert str(replayed.value) == str(eager.value)


def test_a_plan_is_printed_and_asked_for() -> None:
    f = ag.compile(lambda x: np.exp(x) * 2)
    assert [line.call for line in f.plan(X).lines] == ["v1 = x", "v2 = exp(v1)", "v3 = multiply(v2, 2)"]
    assert f.signatures == ["replayed: float64 (3,)"]
    with pytest.raises(CompileError, match=r"reads a value"):
        ag.compile(lambda x: x if x[0] > 0 else -x).plan(X)
    with pytest.raises(CompileError, match="no plan for float64 .3,.: .* calls isinstance"):
        ag.compile(lambda x: x if isinstance(x, np.ndarray) else -x).plan(X)
    with pytest.raises(DTypeError, match=r"ag.compile\(f\), then f\(x\)"):
        ag.compile(3)


def test_a_plan_does_not_grow() -> None:
    f = ag.compile(lambda x: np.exp(x) * 2)
    for k in range(200):
        f(X + k)
    assert len(f.plan(X)) == 3


class Settings:
    """An object with more attributes than a line of the check compares."""

    def __init__(self) -> None:
        self.lists: list[Any] = [[] for _ in range(4)]
        self.scales = {name: 1.0 + i for i, name in enumerate("abcdefghij")}


def test_an_equal_number_fits_a_plan_and_another_one_or_another_object_does_not() -> None:
    settings = Settings()
    run = ag.compile(lambda x: x * sum(settings.scales.values()) + len(settings.lists[3]))
    for _ in range(3):
        run(X)
    settings.scales["j"] = float("10")  # equal, and another object
    assert np.array_equal(run(X), X * 55) and len(run.signatures) == 1
    settings.scales["j"] = 11.0
    assert np.array_equal(run(X), X * 56) and len(run.signatures) == 2
    settings.scales["j"] = np.float64(10.0)  # equal, of another class
    run(X)
    settings.lists[3] = []
    run(X)
    assert len(run.signatures) == 4
    settings.lists[3].append(0)
    assert np.array_equal(run(X), X * 55 + 1) and len(run.signatures) == 5


def test_a_constant_that_asks_for_a_gradient_is_another_signature() -> None:
    w = ag.Tensor(X)
    run = ag.compile(lambda x: ag.Tensor.detach(w * x))
    for _ in range(3):
        run(X)
    w.requires_grad = True
    run(X)
    assert len(run.signatures) == 2
