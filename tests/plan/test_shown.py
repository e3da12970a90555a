"""A plan is printed with the user's names, shapes, buffers, groups and bytes; a replay is timed."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import CompileError
from autograd_lite.plan.footprint import footprint
from autograd_lite.plan.groups import Group
from autograd_lite.plan.shown import in_ranges

X = np.linspace(-1.0, 1.0, 8)


def training(model: Any, optimizer: Any) -> Any:
    loss_fn = nn.CrossEntropyLoss()

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return ag.compile(step)


def digits() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((16, 4)).astype(np.float32), rng.integers(0, 3, 16)


def test_a_pure_function_is_printed_step_by_step() -> None:
    plan = ag.compile(lambda x, scale: np.tanh(x * x) * scale[0]).plan(X, [2.0])
    head, *lines = str(plan).splitlines()
    assert head == "5 steps, 0 groups, 2 buffers; 192 bytes before planning, 192 after"
    assert [re.split(r" {3,}", line) for line in lines] == [
        ["v1 = x", "float64 (8,)"],
        ["v2 = scale[0]", "float64"],
        ["v3 = multiply(v1, v1)", "float64 (8,)", "buffer 0"],
        ["v4 = tanh(v3)", "float64 (8,)", "buffer 1"],
        ["v5 = multiply(v4, v2)", "float64 (8,)"],
        ["return v5"],
    ]


def test_arguments_parameters_and_gradients_have_the_users_names() -> None:
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    step = training(model, nn.optim.SGD(model.parameters(), lr=0.1))
    calls = [line.call for line in step.plan(*digits()).lines]
    assert {"v1 = x", "v2 = y"} <= set(calls)
    read = {call.partition(" = ")[2] for call in calls if re.match(r"v\d+ = model", call)}
    names = {f"model.{name}" for name in model.state_dict()} - {"model.1.num_batches_tracked"}
    assert names <= read | {call.partition(" = ")[0] for call in calls}
    stored = {call.partition(" = ")[0] for call in calls if ".grad = " in call}
    assert stored == {f"model.{name}.grad" for name, _ in model.named_parameters()}
    assert {"zero_grad(SGD)", "step(SGD)"} <= set(calls)


@pytest.mark.parametrize("transform", [ag.grad, ag.value_and_grad, ag.jacobian])
def test_the_gradient_of_a_function_has_the_names_of_its_arguments(transform: Any) -> None:
    w = ag.Tensor(np.ones(8), name="weights of mine")
    named = {"w": ag.Tensor(np.ones(8))}

    def loss(first: Any, second: Any) -> Any:
        return np.sum(np.tanh(first * w) * second * named["w"])

    calls = [line.call for line in ag.compile(transform(loss)).plan(X, X).lines]
    assert {"v1 = first", "v2 = second"} <= set(calls)
    told = " ".join(calls)
    assert "= w " in told and "= named['w']" in told


def test_constants_slices_and_methods_are_short() -> None:
    k = np.arange(8.0)
    plan = ag.compile(lambda x: (x[1:7:2] + k[:3]).astype(np.float32).sum() * 2).plan(X)
    calls = " ".join(line.call for line in plan.lines)
    assert "getitem(v1, 1:7:2)" in calls and "astype(v" in calls and "float32)" in calls and "[0" not in calls


def test_a_run_of_names_is_short() -> None:
    assert in_ranges(["v1", "v2", "r3", "v4", "v5", "v6"]) == "v1, v2, r3, v4..v6"
    assert in_ranges([]) == ""


def test_a_group_shows_its_instructions_and_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    from autograd_lite.plan import executors

    monkeypatch.setattr(executors, "LARGE", 8)
    plan = ag.compile(lambda x: np.tanh(x * 2) + 1).plan(X)
    (group,) = [step for step in plan.steps if isinstance(step.function, Group)]
    head, *lines = str(plan).splitlines()
    assert head == "2 steps, 1 group, 0 buffers; 192 bytes before planning, 64 after"
    assert [line.split("   ")[0] for line in lines] == [
        "v1 = x",
        "group 1: 3 steps, float64 (8,)",
        "",
        "",
        "",
        "return v4",
    ]
    assert [line.strip().partition("   ")[0] for line in lines[2:5]] == [
        "r1 = multiply(v1, 2)",
        "r2 = tanh(r1)",
        "v4 = add(r2, 1)",
    ]
    assert [line.group for line in plan.lines] == [None, 1, 1, 1, 1]
    assert len(group.function.code) == 3


def test_bytes_before_and_after_planning() -> None:
    def chain(x: Any) -> Any:
        for _ in range(20):
            x = np.tanh(x)
        return x

    x = np.ones(1000)
    before, after = footprint(ag.compile(chain).plan(x))
    assert before == 20 * 8000
    assert 2 * 8000 <= after <= 3 * 8000  # two buffers at most, and the result

    views = footprint(ag.compile(lambda x: (x * 2).reshape(10, 100).T).plan(x))
    assert views[0] == 8000  # a view has no memory of its own

    def kept(x: Any) -> Any:
        view = np.cumsum(x).reshape(10, 100)
        return np.sort(x)[0] + np.sum(view)

    assert footprint(ag.compile(kept).plan(x))[1] >= 16_000  # a view keeps the memory of its array


def test_a_notebook_shows_a_table_and_shortens_a_long_plan() -> None:
    def chain(x: Any) -> Any:
        for _ in range(600):
            x = np.sin(x)
        return x

    html = ag.compile(chain).plan(X)._repr_html_()
    assert (
        html is not None and html.count("<tr") == 501 and "and 102 more lines; print(plan) shows all" in html
    )
    assert "multiply(v1, 2)" in (ag.compile(lambda x: x * 2).plan(X)._repr_html_() or "")


# -- times -----------------------------------------------------------------------------------------


def test_each_step_is_timed_and_nothing_changes() -> None:
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
    step = training(model, optimizer)
    batch = digits()
    for _ in range(3):
        step(*batch)
    state = {name: value.copy() for name, value in model.state_dict().items()}
    moments = repr(optimizer.state_dict())
    grads = [p.grad.numpy().copy() for p in model.parameters()]
    nn.manual_seed(7)
    want = nn.functional.dropout(np.ones(100))
    nn.manual_seed(7)
    times = step.step_times(*batch, repeat=3)
    assert len(times) == len(step.plan(*batch)) and min(times) >= 0 and max(times) > 0
    for name, value in model.state_dict().items():
        assert value.tobytes() == state[name].tobytes()
    assert repr(optimizer.state_dict()) == moments
    assert all(
        p.grad.numpy().tobytes() == g.tobytes() for p, g in zip(model.parameters(), grads, strict=True)
    )
    np.testing.assert_array_equal(nn.functional.dropout(np.ones(100)), want)  # no number was drawn


def test_arguments_that_a_function_writes_into_are_put_back() -> None:
    def fill(x: Any) -> Any:
        x += 1
        return x * 2

    x = X.copy()
    f = ag.compile(fill)
    f.step_times(x)
    np.testing.assert_array_equal(x, X)


def test_values_that_the_plan_does_not_hold_for_are_refused() -> None:
    model = nn.Linear(4, 3)
    step = training(model, nn.optim.SGD(model.parameters(), lr=0.1))
    x, y = digits()
    step.plan(x, y)
    before = model.weight.numpy().copy()
    with pytest.raises(CompileError, match="does not hold for these values"):
        step.step_times(x, y + 7)
    np.testing.assert_array_equal(model.weight.numpy(), before)
