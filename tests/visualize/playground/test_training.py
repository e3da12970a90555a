"""The run: it learns, repeats itself, and tells what is inside."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nn
from autograd_lite.errors import OptionError
from visualize.playground import frames
from visualize.playground.network import columns
from visualize.playground.options import ACTIVATIONS, FEATURES, OPTIMIZERS, SCHEDULED, SCHEDULES, Config
from visualize.playground.training import GRID, MOST_PATH, Training, grid


def trained(steps: int, **options) -> Training:
    run = Training(Config.of(options))
    with np.errstate(all="ignore"):
        for _ in range(steps):
            run.step()
    return run


@pytest.mark.slow
def test_spiral_is_learned():
    run = trained(2500, dataset="spiral", features=list(FEATURES), hidden=[8, 8], optimizer="Adam", rate=0.01)
    run.looked()
    right = np.sign(run.model.eval()(columns(tuple(FEATURES), run.data.X_test)).numpy()) == run.data.y_test
    assert right.mean() > 0.95 and max(run.losses()) < 0.05


@pytest.mark.few(5)
@pytest.mark.parametrize("dataset", ["circle", "xor", "gauss", "reg-plane", "reg-gauss"])
def test_each_data_set_is_learned(dataset):
    problem = "regression" if dataset.startswith("reg") else "classification"
    run = trained(1500, dataset=dataset, problem=problem, optimizer="Adam", rate=0.01, hidden=[8, 4])
    first = Training(run.config).losses()[1]
    assert run.losses()[1] < first / 3


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_optimizer_takes_steps(optimizer):
    run = trained(30, optimizer=optimizer, momentum=0.9)
    assert type(run.optimizer).__name__ == optimizer
    assert not np.array_equal(run.parameters()[0], Training(run.config).parameters()[0])
    assert run.optimizer.param_groups[0].get("momentum", 0.9) == 0.9


@pytest.mark.few(4)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_each_schedule_moves_the_rate_and_then_stays(schedule):
    run = trained(SCHEDULED + 3, schedule=schedule, batch=100, ratio=20, hidden=[])
    rates = set()
    again = Training(run.config)
    for _ in range(120):
        again.step()
        rates.add(again.rate)
    assert run.epoch == SCHEDULED + 3 and 0 <= run.rate <= 0.03
    assert (len(rates) == 1) == (schedule in ("constant", "ReduceLROnPlateau"))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation(activation):
    run = trained(5, activation=activation, dropout=0.2, batchnorm=True, hidden=[3, 2])
    kinds = [type(layer).__name__ for layer in run.model]
    assert kinds == ["Linear", "BatchNorm1d", activation, "Dropout"] * 2 + ["Linear", "Tanh"]


@pytest.mark.parametrize("options", [{}, {"dropout": 0.5}, {"batchnorm": True, "optimizer": "Adam"}])
def test_the_same_config_gives_the_same_numbers_whatever_runs_beside_it(options):
    run, other, again = (Training(Config.of(options)) for _ in range(3))
    for _ in range(60):
        run.step()
        other.step()  # draws for its dropout between the steps of the first
    nn.random.generator.random(7)
    for _ in range(60):
        again.step()
    for twin in (other, again):
        np.testing.assert_array_equal(run.parameters()[0], twin.parameters()[0])
    assert run.losses() == again.losses()
    run.reset()
    assert (run.steps, run.epoch, len(run.path)) == (0, 0, 1)
    np.testing.assert_array_equal(run.parameters()[0], Training(run.config).parameters()[0])


def test_an_epoch_uses_each_point_once_but_for_a_rest():
    run = Training(Config.of({"batch": 30}))
    assert run.left_of_epoch() == 8
    batches = run._new_epoch()
    rows = np.concatenate(batches)
    assert len(rows) == len(set(rows)) == 240
    for _ in range(8):
        assert run.epoch == 0
        run.step()
    assert (run.epoch, run.steps, run.left_of_epoch()) == (1, 8, 8)
    run.step()
    assert run.left_of_epoch() == 7


def test_a_penalty_is_part_of_the_gradient():
    """Against the derivatives of strength |w| and strength w^2 / 2, added by hand."""
    plain = trained(1, batch=100)
    w = Training(plain.config).linear[0].weight.numpy()
    g = plain.linear[0].weight.grad.numpy()
    for kind, slope in (("L1", np.sign(w)), ("L2", w)):
        run = trained(1, batch=100, regularization=kind, strength=0.3)
        np.testing.assert_allclose(run.linear[0].weight.grad.numpy(), g + 0.3 * slope, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            run.linear[0].bias.grad.numpy(), plain.linear[0].bias.grad.numpy(), rtol=1e-5, atol=1e-6
        )


def test_a_change_of_the_rate_keeps_the_weights_and_one_of_the_layers_does_not():
    run = trained(20)
    weights = run.parameters()[0]
    assert not run.change(run.config.with_(rate=0.3, regularization="L1", strength=0.1, batch=5))
    np.testing.assert_array_equal(run.parameters()[0], weights)
    assert run.steps == 20 and run.rate == 0.3
    run.step()
    assert run.change(run.config.with_(hidden=[5]))
    assert run.steps == 0 and [layer.out_features for layer in run.linear] == [5, 1]


def test_no_hidden_layer_and_no_points():
    run = trained(3, hidden=[])
    assert len(run.looked()[0]) == 1
    empty = Training(Config.of({"dataset": "own"}))
    with pytest.raises(OptionError, match="no point to train on"):
        empty.step()
    assert np.isnan(empty.losses()).all()
    one = trained(3, dataset="own", points=[[1, 1, 1]], ratio=90)
    assert one.epoch == 3 and np.isnan(one.losses()[1])


def test_a_weight_is_set_by_hand():
    run = Training(Config())
    run.set_parameter(0, 2, 1, 0.75)
    run.set_parameter(1, 1, None, -2)
    values = run.parameters()[0]
    assert values[2 * 2 + 1] == 0.75  # row by row
    assert values[12 + 8 + 1] == -2  # after the 4 x 2 weights and 4 biases of the first, 2 x 4 weights
    for place in [(5, 0, 0), (0, 4, 0), (0, 0, 2), (0, 9, None), (-1, 0, 0), (0, -1, 0), (0, 0, -2)]:
        with pytest.raises(OptionError, match="has no weight"):
            run.set_parameter(*place, 1.0)


def test_the_path_stays_short():
    run = trained(3 * MOST_PATH, batch=1)
    assert MOST_PATH / 2 <= len(run.path) <= MOST_PATH
    np.testing.assert_array_equal(run.path[0], Training(run.config).path[0])


# -- frames ----------------------------------------------------------------------------------------


def unpacked(frame: bytes) -> dict:
    length = int.from_bytes(frame[:4], "little")
    header, at = json.loads(frame[4 : 4 + length]), 4 + length
    for name, kind, size in header["arrays"]:
        header[name] = np.frombuffer(frame, {"f4": "<f4", "u1": "u1"}[kind], size, at)
        at += size * (4 if kind == "f4" else 1)
    assert at == len(frame)
    return header


def test_a_frame_holds_the_maps_of_all_neurons():
    run = trained(50, hidden=[3, 2])
    frame = unpacked(frames.of_run(run, {"running": False}, whole=True))
    maps = frame["maps"].reshape(-1, GRID, GRID)
    assert len(maps) == 3 + 2 + 1 and frame["features"].size == 7 * GRID**2
    run.model.eval()
    for row, column in [(0, 0), (0, 49), (31, 7)]:
        x1, x2 = (column + 0.5) * 0.24 - 6, 6 - (row + 0.5) * 0.24
        out = run.model(columns(run.config.features, np.array([[x1, x2]], np.float32))).item()
        assert maps[-1, row, column] == pytest.approx(out * 127 + 128, abs=1)
    assert frame["features"].reshape(7, GRID, GRID)[0, 0, [0, 49]].tolist() == [1, 255]
    assert frame["points"].size == 3 * 250 and frame["test_points"].size == 3 * 250
    np.testing.assert_allclose(frame["weights"], run.parameters()[0])
    assert (frame["train"], frame["test"]) == pytest.approx(run.losses())
    assert grid()[0].tolist() == pytest.approx([-5.88, 5.88])


def test_dead_neurons_and_the_flow_of_the_gradient():
    run = Training(Config.of({"activation": "ReLU", "hidden": [2, 2]}))
    run.set_parameter(0, 1, None, -100)
    run.step()
    frame = unpacked(frames.of_run(run, {}))
    assert frame["dead"][0][1] is True and frame["dead"][0][0] is False
    deep = trained(1, activation="Sigmoid", hidden=[8] * 6)
    flow = unpacked(frames.of_run(deep, {}))["flow"]
    assert len(flow) == 7 and flow[0] < flow[-1] / 100  # it vanishes
    own = [np.abs(layer.weight.grad.numpy()).mean() for layer in deep.linear]
    assert flow == pytest.approx(own)
    assert unpacked(frames.of_run(Training(Config()), {}))["flow"] == [None] * 3


def test_what_is_not_finite_can_be_told():
    run = Training(Config.of({"problem": "regression", "dataset": "reg-plane"}))
    run.set_parameter(0, 0, 0, np.nan)
    frame = unpacked(frames.of_run(run, {"x": [np.inf, np.float32(1)]}))
    assert frame["train"] is None and frame["x"] == [None, 1.0]
    assert (frame["maps"][: GRID**2] == 0).all()


def test_a_weight_that_is_set_before_the_first_step_belongs_to_the_config():
    run = Training(Config())
    run.set_parameter(0, 2, 1, 0.5)
    run.set_parameter(0, 2, 1, 0.75)
    run.set_parameter(1, 1, None, -2)
    assert run.config.edits == ((0, 2, 1, 0.75), (1, 1, -1, -2))
    first = run.parameters()[0]
    run.step()
    run.set_parameter(0, 0, 0, 3.0)
    assert len(run.config.edits) == 2
    run.reset()
    np.testing.assert_array_equal(run.parameters()[0], first)
    with pytest.raises(OptionError, match="has no weight"):
        Training(Config.of({"edits": [[5, 0, 0, 1]]}))
