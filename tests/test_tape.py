"""The tape: its order, its switch, its trace, and the search for anomalies."""

from __future__ import annotations

import contextlib
import re
import threading
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import AnomalyError, TapeError
from autograd_lite.recording import current
from tests.helpers import leaf


def test_a_tape_keeps_the_steps_in_order() -> None:
    x = leaf([1.0, 2.0])
    with ag.Tape() as tape:
        y = np.sin(x) * x
        z = y.sum(axis=0)
    _ = z * 2
    assert [node.op for node in tape.nodes] == [np.sin, np.multiply, np.sum] and len(tape) == 3
    sin, multiply, total = tape.nodes
    assert multiply.inputs == (sin, x.node) and total.inputs == (multiply,)
    assert sin.index < multiply.index < total.index
    assert total.kwargs == {"axis": 0}
    assert total.value == z.item() and not total.played
    z.backward()
    assert total.played and multiply.adjoint.tolist() == [1.0, 1.0]
    np.testing.assert_allclose(x.node.adjoint, x.grad.numpy())


def test_tape_gradient_leaves_grad_alone_and_can_be_asked_again() -> None:
    x, w = leaf([1.0, 2.0]), leaf(3.0)
    with ag.Tape() as tape:
        h = x * w
        y = np.sum(h * h)
    for _ in range(2):
        g = tape.gradient(y, {"x": x, "h": [h], "w": w})
        assert g["x"].tolist() == [18.0, 36.0] and g["h"][0].tolist() == [6.0, 12.0] and g["w"].item() == 30.0
    assert x.grad is None
    assert tape.gradient(y, leaf(1.0)).item() == 0.0
    with pytest.raises(TapeError, match="require a gradient"):
        tape.gradient(y, np.ones(2))


def test_constants_stay_as_they_were_given() -> None:
    x = leaf(2.0)
    data = ag.Tensor([1.0, 2.0], name="data")
    with ag.Tape() as tape:
        _ = x * data
        _ = 3 * x
    assert tape.nodes[0].inputs == (x.node, data) and tape.nodes[1].inputs == (3, x.node)
    assert "multiply(v1, data) = [2., 4.]" in str(tape)


def test_the_trace_of_arrays_and_names() -> None:
    x = leaf(np.ones((20, 3)), name="x")
    with ag.Tape() as tape:
        y = np.sum(x, axis=0)
        y.name = "totals"
    y.backward(np.ones(3))
    assert str(tape).splitlines() == [
        "v1 = x = float64[20, 3]                                        adjoint float64[20, 3]",
        "v2 = totals = sum(v1, axis=0) = [20., 20., 20.]    adjoint [1., 1., 1.]",
    ] or [re.sub(" +", " ", line) for line in str(tape).splitlines()] == [
        "v1 = x = float64[20, 3] adjoint float64[20, 3]",
        "v2 = totals = sum(v1, axis=0) = [20., 20., 20.] adjoint [1., 1., 1.]",
    ]


def test_switches_nest_and_work_as_decorators() -> None:
    x = leaf(1.0)

    @ag.no_grad()
    def off(n: int) -> bool:
        return (x * 2).requires_grad if n == 0 else off(n - 1)

    @ag.no_grad
    def bare() -> bool:
        return (x * 2).requires_grad

    @ag.enable_grad()
    def on() -> bool:
        return (x * 2).requires_grad

    assert (off(3), bare(), on()) == (False, False, True)
    with ag.Tape() as tape, ag.no_grad():
        _ = x * 2
        assert on()
        with ag.enable_grad():
            _ = x * 3
    assert [node.args[1] for node in tape.nodes] == [2, 3] and ag.is_recording()


def test_one_object_may_be_entered_inside_of_itself() -> None:
    off, tape = ag.no_grad(), ag.Tape()
    with off, off:
        pass
    assert ag.is_recording()
    x = leaf(1.0)
    with tape, tape:
        _ = x * 2
    _ = x * 3
    assert {node.args[1] for node in tape.nodes} == {2}


def test_tape_gradient_leaves_retained_gradients_alone() -> None:
    x = leaf(3.0)
    with ag.Tape() as tape:
        y = x * x
        z = y * y
    y.retain_grad()
    assert tape.gradient(z, x).item() == 108.0
    assert y.grad is None


def test_grad_works_inside_of_no_grad() -> None:
    with ag.no_grad():
        assert ag.grad(ag.grad(lambda x: x**3))(2.0) == 12.0
        assert not ag.is_recording()


# -- anomalies -------------------------------------------------------------------------------------


def here() -> str:
    import inspect

    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    return f"{frame.f_back.f_code.co_filename}:{frame.f_back.f_lineno}"


def test_the_first_bad_value_is_named_with_its_line() -> None:
    x = leaf([1.0, 0.0])
    with np.errstate(all="ignore"), ag.detect_anomaly(), pytest.raises(ArithmeticError) as caught:
        y = x * 2
        place = here(); z = np.log(y)  # fmt: skip  # noqa: E702
        _ = z * 0
    assert isinstance(caught.value, AnomalyError)
    assert "log produced -inf at index (1,)" in str(caught.value) and place in str(caught.value)


def test_a_bad_derivative_is_named_with_the_line_of_its_step() -> None:
    x = leaf([4.0, 0.0])
    with ag.detect_anomaly():
        place = here(); y = np.sqrt(x)  # fmt: skip  # noqa: E702
        z = np.sum(y**2)
        with pytest.raises(AnomalyError) as caught:
            z.backward()
    assert "derivative of sqrt" in str(caught.value) and place in str(caught.value)
    assert x.grad is None and ag.is_recording()


def test_what_came_in_infinite_is_no_anomaly() -> None:
    x = leaf([1.0, 2.0])
    with ag.detect_anomaly():
        y = ag.softmax(np.where(np.array([True, False]), x, -np.inf))
        y[0].backward()
    assert x.grad.tolist() == [0.0, 0.0]


def log(x: Any) -> Any:
    return np.log(x)


def root(x: Any) -> Any:
    return np.sqrt(x)


LOG, ROOT = (f"{__file__}:{f.__code__.co_firstlineno + 1}" for f in (log, root))
EDGE = np.array([1.0, 0.0])


@ag.custom_vjp
def own(x: Any) -> Any:
    return np.exp(x)


own.defvjp(lambda x: (np.exp(x), x), lambda x, g: (g * np.log(x),))


@pytest.mark.parametrize(
    ("run", "words", "place"),
    [
        (lambda: log(leaf(EDGE)), "log produced -inf at index", LOG),
        (lambda: ag.no_grad(log)(leaf(EDGE)), "log produced -inf", LOG),
        (lambda: log(ag.Tensor(EDGE)), "log produced -inf", LOG),
        (lambda: leaf(1e200) * leaf(1e200) * 0.0, "multiply produced inf", __file__),
        (lambda: ag.Tensor(1e200) * 1e200, "multiply produced inf", __file__),
        (lambda: 1.0 / ag.Tensor(0.0), "divide produced inf", __file__),
        (lambda: ag.hessian(lambda x: np.sum(log(x)))(EDGE), "log produced -inf", LOG),
        (lambda: ag.grad(lambda x: np.sum(root(x) ** 2))(EDGE), "derivative of sqrt produced nan", ROOT),
        (lambda: ag.jvp(root, (EDGE,), (EDGE + 1,)), "derivative of sqrt produced inf", ROOT),
        (lambda: ag.jacobian(root)(EDGE), "derivative of sqrt produced", ROOT),
        (
            lambda: ag.hessian(lambda x: np.sum(x**1.5))(EDGE),
            "derivative of .* nan",
            "in the derivative of power",
        ),
        (lambda: ag.grad(lambda x: np.sum(ag.checkpoint(log)(x)))(EDGE), "log produced -inf", LOG),
        (lambda: ag.grad(lambda x: np.sum(ag.checkpoint(root)(x)))(EDGE), "derivative of sqrt", ROOT),
        (lambda: ag.grad(lambda x: np.sum(own(x)))(EDGE), "derivative of own produced -inf", __file__),
        (lambda: nn.functional.gelu(log(leaf(EDGE))), "log produced -inf", LOG),
        (lambda: nn.functional.conv1d(leaf([[[1e308] * 3]]), leaf([[[9.0] * 2]])), "convolution", __file__),
        (lambda: nn.functional.layer_norm(leaf(EDGE * 1e308) * 9, (2,)), "multiply produced inf", __file__),
    ],
)
def test_the_first_op_is_named_wherever_it_runs(run: Any, words: str, place: str) -> None:
    with np.errstate(all="ignore"):
        with ag.detect_anomaly(), pytest.raises(AnomalyError, match=words) as caught:
            run()
        assert place in str(caught.value), str(caught.value)
        run()  # without it nothing is raised
    assert current().checks is None and ag.is_recording()


def test_each_thread_looks_for_anomalies_by_itself() -> None:
    found: dict[str, Any] = {}

    def work(name: str, mode: Any) -> None:
        with np.errstate(all="ignore"), mode:
            try:
                found[name] = log(leaf(EDGE)).numpy()[1]
            except AnomalyError as error:
                found[name] = error

    with ag.detect_anomaly():
        threads = [
            threading.Thread(target=work, args=("plain", contextlib.nullcontext())),
            threading.Thread(target=work, args=("watched", ag.detect_anomaly())),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found["plain"] == -np.inf and isinstance(found["watched"], AnomalyError)


def test_what_a_derivative_makes_and_drops_is_no_anomaly() -> None:
    safe = ag.grad(lambda x: np.sum(np.where(x > 0.5, np.sqrt(x), 0.0)))
    expected = safe(EDGE), ag.jacobian(safe)(EDGE)
    with ag.detect_anomaly():
        for got, right in zip((safe(EDGE), ag.jacobian(safe)(EDGE)), expected, strict=True):
            np.testing.assert_array_equal(got, right)
    np.testing.assert_array_equal(expected[1], [[-0.25, 0.0], [0.0, 0.0]])


def test_one_mode_in_two_threads_is_the_mode_of_each() -> None:
    mode, inside, go_on = ag.no_grad(), threading.Event(), threading.Event()
    after = []

    def other() -> None:
        with mode:
            inside.set()
            go_on.wait(20)
        after.append(ag.is_recording())

    thread = threading.Thread(target=other)
    with ag.no_grad():
        mode.__enter__()
        thread.start()
        inside.wait(20)
        mode.__exit__(None, None, None)
        after.append(ag.is_recording())
        go_on.set()
        thread.join()
    assert after == [False, True] and ag.is_recording()


# -- what a tape holds of an op, or of a module ----------------------------------------------------


def test_steps_are_found_by_op_and_by_module():
    import nn

    class Model(nn.Module):
        def __init__(self) -> None:
            self.encoder = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
            self.encoder2, self.head = nn.ReLU(), nn.Linear(3, 1)

        def forward(self, x):
            return np.tanh(self.head(self.encoder2(self.encoder(x))))

    with ag.Tape() as tape:
        Model()(np.ones((4, 2))) * 2
    nodes = tape.nodes
    assert [node.op.__name__ for node in nodes] == ["affine", "relu", "relu", "affine", "tanh", "multiply"]
    assert tape.paths() == ["encoder.0", "encoder.1", "encoder2", "head", "", ""]
    assert tape.find() == nodes
    assert tape.find(op="relu") == nodes[1:3]
    assert tape.find(op=ag.relu, module="encoder") == nodes[1:2]
    assert tape.find(module="encoder") == nodes[:2]
    assert tape.find(op=np.multiply) == nodes[5:]
    assert tape.find(op="relu", module="head") == []


@pytest.mark.parametrize("wrong", [{"op": 3}, {"module": 3}, {"module": np.tanh}])
def test_what_names_no_steps_is_refused(wrong):
    with pytest.raises(ag.errors.DTypeError, match=r"tape\.find"):
        ag.Tape().find(**wrong)


def test_a_tape_keeps_no_circle_with_a_module_that_keeps_its_output():
    import gc
    import weakref

    import nn

    class Keeps(nn.Module):
        def forward(self, x):
            self.last = x * 2
            return self.last

    gc.disable()
    try:
        model, x = Keeps(), ag.Tensor(1.0, requires_grad=True)
        with ag.Tape() as tape:
            model(x)
        gone = weakref.ref(model.last)
        del model, tape
        assert gone() is None
    finally:
        gc.enable()
