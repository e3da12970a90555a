"""`ag.doctor`: every symptom is planted and found, sound nets are left alone, and nothing changes."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.diagnosis import DETECTORS, Finding, Report
from autograd_lite.errors import DTypeError, OptionError, ShapeError
from tests import interrupts, sick
from tests.healthy import HEALTHY
from tests.sick import CE, SICK, curve, digits, images, mlp, step_of

CASES = [(symptom, make) for symptom, makers in SICK.items() for make in makers]


def examined(make: Callable[[], dict[str, Any]], seed: int = 0) -> Report:
    nn.manual_seed(seed)
    return ag.doctor(**make())


# -- sick and healthy nets -------------------------------------------------------------------------


def test_each_symptom_is_planted_in_two_nets_at_least() -> None:
    assert set(SICK) == set(DETECTORS)
    assert [symptom for symptom, makers in SICK.items() if len(makers) < 2] == []


@pytest.mark.few(3)
@pytest.mark.parametrize(("symptom", "make"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_a_planted_symptom_is_found(symptom: str, make: Callable[[], dict[str, Any]]) -> None:
    report = examined(make)
    assert symptom in report.symptoms, str(report)
    for finding in report:
        assert finding.where
        assert finding.found
        assert finding.repair


@pytest.mark.slow
@pytest.mark.parametrize(("symptom", "make"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_a_planted_symptom_is_found_with_other_weights(symptom: str, make: Any) -> None:
    assert symptom in examined(make, seed=11).symptoms


@pytest.mark.few(5)
@pytest.mark.parametrize("make", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_net_is_left_alone(make: Callable[[], dict[str, Any]]) -> None:
    assert str(examined(make)).startswith("nothing found; 20 steps, looked for NaN or inf in the data")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("make", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_net_is_left_alone_whatever_its_weights(make: Any, seed: int) -> None:
    assert list(examined(make, seed)) == []


@pytest.mark.few(8)
@pytest.mark.parametrize("make", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_net_without_an_optimizer_is_left_alone(make: Callable[[], dict[str, Any]]) -> None:
    nn.manual_seed(1)
    options = {k: v for k, v in make().items() if k not in ("optimizer", "step")}
    assert list(ag.doctor(**options)) == []


@pytest.mark.parametrize("every", [1, 4])
def test_gradients_that_are_added_on_purpose_are_left_alone(every: int) -> None:
    nn.manual_seed(0)
    model, count = mlp(64, 16, 10), [0]
    optimizer = nn.optim.SGD(model.parameters(), lr=0.05)

    def step(x: Any, y: Any) -> Any:
        value = CE(model(x), y) / every
        value.backward()
        count[0] += 1
        if count[0] % every == 0:
            optimizer.step()
            optimizer.zero_grad()
        return value

    assert ag.doctor(model, *digits(), CE, step=step).symptoms == ()
    assert count == [0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["a_deep_narrow_net", "features_of_all_sizes_before_batch_norm", "a_small_relu_net"]
)
def test_a_trained_net_is_left_alone(name: str) -> None:
    nn.manual_seed(1)
    options = HEALTHY[name]()
    trainer = nn.Trainer(options["model"], options["loss"], options["optimizer"])
    trainer.fit(options["x"], options["y"], epochs=150, batch_size=32, verbose=False)
    assert ag.doctor(**options).symptoms == ()


def test_labels_that_are_ignored_and_probabilities_are_left_alone() -> None:
    nn.manual_seed(0)
    X, y = digits()
    ignored = np.where(np.arange(len(y)) % 5, y, -100)
    assert ag.doctor(mlp(64, 16, 10), X, ignored, CE).symptoms == ()
    assert ag.doctor(mlp(64, 16, 10), X, np.eye(10, dtype=np.float32)[y], CE).symptoms == ()
    assert ag.doctor(mlp(64, 16, 10), X.tolist(), y.tolist(), CE).symptoms == ()


# -- what a finding says ---------------------------------------------------------------------------


def only(report: Report, symptom: str) -> Finding:
    """The one finding of a symptom."""
    (finding,) = [finding for finding in report if finding.symptom == symptom]
    return finding


class Lines(nn.Module):
    """A net whose lines are known."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(64, 12), nn.Linear(12, 12), nn.Linear(12, 10)

    def forward(self, x: Any) -> Any:
        x = np.tanh(self.one(x))
        x = nn.functional.relu(self.two(x))  # RELU
        x = x.detach()
        return ag.softmax(self.three(x))  # SOFTMAX


def line_of(mark: str) -> str:
    """`file:line` of the line of this file that ends with a mark."""
    with open(__file__, encoding="utf-8") as file:
        (number,) = [i for i, line in enumerate(file, 1) if line.rstrip().endswith(f"# {mark}")]
    return f"{__file__}:{number}"


def test_a_finding_names_the_layer_and_the_line() -> None:
    nn.manual_seed(0)
    model = Lines()
    nn.init.constant_(model.two.bias, -40.0)
    report = ag.doctor(model, *digits(), CE)
    assert only(report, "softmax before the loss").line == line_of("SOFTMAX")
    cut, dead = only(report, "detached part"), only(report, "dead units")
    assert cut.line == dead.line == line_of("RELU")
    assert "one.weight, one.bias, two.weight, two.bias" in cut.found
    assert dead.numbers == {"share": 1.0}
    assert "test_doctor.py:" in str(report)


def test_a_layer_of_a_sequence_is_named_by_its_path() -> None:
    finding = only(examined(sick.far_below_zero), "dead units")
    assert finding.where == "3 (ReLU)"
    assert finding.line is not None
    assert "sick.py" not in finding.line  # the line that called the model is here
    layer = only(examined(sick.large_weights_before_tanh), "saturated activations")
    assert layer.where == "1 (Tanh)"
    assert only(examined(sick.twelve_sigmoids), "vanishing gradients").where == "0 (Linear)"


def test_labels_are_shifted_by_the_line_that_is_shown() -> None:
    for make in SICK["labels off by one"]:
        options = make()
        finding = only(ag.doctor(**options), "labels off by one")
        space = {"y": options["y"]}
        exec(finding.repair, space)
        assert sorted(set(space["y"])) == list(range(10))
        assert "labels off by one" not in ag.doctor(**(options | {"y": space["y"]})).symptoms


@pytest.mark.parametrize("symptom", ["one-hot labels", "labels of a wrong kind", "targets broadcast"])
def test_targets_are_mended_by_the_line_that_is_shown(symptom: str) -> None:
    for make in SICK[symptom]:
        options = make()
        space = {"y": options["y"]}
        exec(only(ag.doctor(**options), symptom).repair, space)
        assert ag.doctor(**(options | {"y": space["y"]})).symptoms == ()


def test_the_rate_that_is_proposed_is_right() -> None:
    nn.manual_seed(0)
    finding = only(ag.doctor(**sick.descent_that_jumps()), "rate too high")
    assert finding.repair in (f"optimizer = nn.optim.SGD(model.parameters(), lr={lr})" for lr in ("2", "0.2"))
    assert finding.numbers["then"] < finding.numbers["before"] < finding.numbers["after"]
    finding = only(ag.doctor(**sick.descent_that_creeps()), "rate too low")
    assert finding.repair == "optimizer = nn.optim.SGD(model.parameters(), lr=0.1)"


def test_numbers_that_are_not_finite_have_their_first_op() -> None:
    finding = only(examined(sick.a_logarithm_of_zero), "NaN or inf")
    assert "log made the first" in finding.found
    assert "sick.py:" in finding.place
    finding = only(examined(sick.a_root_at_zero), "NaN or inf")
    assert "the derivative of sqrt made the first" in finding.found
    finding = only(examined(sick.an_overflow_while_training), "NaN or inf")
    assert "produced" in finding.found and "recorded at" in finding.found


# -- nothing changes -------------------------------------------------------------------------------


def state_of(model: Any, optimizer: Any, rng: Any) -> Any:
    """All that the doctor must leave as it was, as plain values."""
    return copy.deepcopy(
        (
            {name: array.tobytes() for name, array in model.state_dict().items()},
            {
                name: p.grad if p.grad is None else p.grad.numpy().tobytes()
                for name, p in model.named_parameters()
            },
            [module.training for module in model.modules()],
            [(p.node.notes is None, len(p.node.hooks), p.node.adjoint is None) for p in model.parameters()],
            repr(optimizer.state_dict()),
            nn.random.generator.bit_generator.state,
            np.random.get_state(legacy=False)["state"]["pos"],
            random.getstate(),
            rng.bit_generator.state,
        )
    )


def a_run(fail: bool = False) -> tuple[Any, Callable[[], Any]]:
    """A model after a step, with all kinds of state, and a call of the doctor."""
    nn.manual_seed(2)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(108, 10)
    )
    optimizer, rng = nn.optim.Adam(model.parameters(), lr=0.01), np.random.default_rng(0)
    X, y = images(40)
    CE(model(X), y).backward()
    optimizer.step()
    seen = [0]

    def step(x: Any, y: Any) -> Any:
        seen[0] += 1
        model.train()
        noise = rng.normal() + np.random.normal() + random.random()
        if fail and seen[0] == 2:
            raise ValueError("planted")
        optimizer.zero_grad()
        optimizer.param_groups[0]["lr"] *= 0.9
        value = CE(model(x + np.float32(0.001 * noise)), y)
        value.backward()
        optimizer.step()
        return value

    model.eval()
    kept: Any = lambda: (state_of(model, optimizer, rng), list(seen))
    return kept, lambda: ag.doctor(model, X, y, CE, step=step, steps=3, batch_size=8)


@pytest.mark.parametrize("fail", [False, True])
def test_nothing_changes(fail: bool) -> None:
    state, run = a_run(fail)
    before = state()
    report = run()
    assert state() == before
    assert ("an error" in report.symptoms) is fail


@pytest.mark.slow
def test_nothing_changes_when_it_is_interrupted() -> None:
    state, run = a_run()
    before, stop = state(), 1
    while interrupts.interrupted(run, stop, ("autograd_lite.diagnosis",)):
        assert state() == before, stop
        stop += 1 + stop // 8
    assert stop > 100


def test_the_second_report_is_the_first() -> None:
    nn.manual_seed(0)
    options = sick.adam_that_jumps()
    assert str(ag.doctor(**options)) == str(ag.doctor(**options))


def test_a_compiled_step_is_examined_as_it_is() -> None:
    nn.manual_seed(0)
    model = mlp(64, 16, 10)
    step = step_of(model, CE, nn.optim.SGD(model.parameters(), lr=0.05), zeroed=False)
    compiled = ag.compile(step)
    X, y = digits()
    for _ in range(3):
        compiled(X[:32], y[:32])
    assert ag.doctor(model, X, y, CE, step=compiled).symptoms == ("gradients not zeroed",)


# -- the report, and wrong calls -------------------------------------------------------------------


def test_the_report_says_what_was_looked_for() -> None:
    nn.manual_seed(0)
    report = ag.doctor(mlp(64, 16, 10), *digits(), CE, steps=4)
    assert not report
    assert report.checked == tuple(DETECTORS)
    assert str(report).startswith("nothing found; 4 steps, looked for NaN or inf in the data, ")
    assert "nothing found" in report._repr_html_()
    assert [layer.name for layer in report.layers] == ["0 (Linear)", "1 (ReLU)", "2 (Linear)"]
    assert len(report.losses) == 4
    sick_report = examined(sick.softmax_before_cross_entropy)
    assert "<td" in sick_report._repr_html_()
    assert str(sick_report).startswith("1. softmax before the loss\n   where   5 (Softmax), ")


def test_several_inputs_and_no_targets() -> None:
    nn.manual_seed(0)
    left, right = nn.Linear(3, 4), nn.Linear(3, 4)
    X, _ = curve()

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = left, right

        def forward(self, a: Any, b: Any) -> Any:
            return np.tanh(self.left(a)) - np.tanh(self.right(b))

    assert ag.doctor(Two(), (X, X[::-1]), None, lambda out: np.mean(out**2)).symptoms == ()


def test_a_frozen_dataclass() -> None:
    finding = Finding("a", "b", "c")
    with pytest.raises(AttributeError):
        finding.where = "d"  # type: ignore[misc]
    assert hash(finding) == hash(Finding("a", "b", "c"))


def test_wrong_calls_say_what_to_write() -> None:
    X, y = digits()
    model = mlp(64, 4, 10)
    with pytest.raises(
        DTypeError, match=r"the loss is .*expected a function or a module.*CrossEntropyLoss\(\)"
    ):
        ag.doctor(model, X, y, nn.CrossEntropyLoss)
    with pytest.raises(DTypeError, match=r"the model is .*nn.Sequential\(...\)"):
        ag.doctor(None, X, y, CE)
    with pytest.raises(OptionError, match=r"doctor\(steps=0\): expected a positive integer, e.g. steps=20"):
        ag.doctor(model, X, y, CE, steps=0)
    with pytest.raises(ShapeError, match="x has 300 samples, and y has 297"):
        ag.doctor(model, np.ones((300, 64)), np.ones(297, int), CE)
    with pytest.raises(ShapeError, match=r"x of shape \(0, 64\) holds no samples"):
        ag.doctor(model, X[:0], y[:0], CE)
    for x in (None, nn.data.DataLoader(nn.TensorDataset(X, y)), np.array(["a", "b"])):
        with pytest.raises(
            DTypeError, match=r"x holds no numbers; expected arrays, doctor\(model, X, y, loss\)"
        ):
            ag.doctor(model, x, y, CE)
    with pytest.raises(OptionError, match="give the optimizer, or the step"):
        ag.doctor(model, X, y, CE, optimizer=nn.optim.SGD(model.parameters(), lr=1), step=print)
