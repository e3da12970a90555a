"""What a user may choose, and what is refused."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

import nn
from autograd_lite.errors import OptionError
from visualize.playground.options import ACTIVATIONS, OPTIMIZERS, SCHEDULES, Config, choices


def test_the_choices_are_all_of_nn():
    other_tasks = {"swa_utils", "SparseAdam", "Muon", "ASGD", "Adafactor"}  # averages, tables, large matrices
    other_tasks |= {"KFAC", "LevenbergMarquardt", "NewtonCG"}  # which need more than parameters and gradients
    optimizers = set(nn.optim.__all__) - {"Optimizer", "lr_scheduler"} - other_tasks
    assert set(OPTIMIZERS) == optimizers
    with_functions_or_schedules = {"LambdaLR", "MultiplicativeLR", "SequentialLR", "ChainedScheduler"}
    schedules = set(nn.optim.lr_scheduler.__all__) - {"LRScheduler"} - with_functions_or_schedules
    assert set(SCHEDULES) - {"constant"} == schedules
    assert all(hasattr(nn, name) for name in ACTIVATIONS)


def test_all_of_tensorflow_playground_is_there():
    offered = choices()
    assert {"circle", "xor", "gauss", "spiral", "reg-plane", "reg-gauss"} <= set(offered["datasets"])
    assert offered["features"] == ["x1", "x2", "x1^2", "x2^2", "x1x2", "sin(x1)", "sin(x2)"]
    assert {"ReLU", "Tanh", "Sigmoid", "Linear"} <= set(offered["activations"].values())
    assert set(offered["rates"]) == {1e-5, 1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10}
    assert set(offered["strengths"]) == {0, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10}
    assert (offered["most"]["layers"], offered["most"]["neurons"]) == (6, 8)
    json.dumps(offered, allow_nan=False)


def test_a_config_survives_json():
    config = Config.of({"hidden": [8, 1], "points": [[1, 2, -1]], "features": ["x2", "x1"], "rate": 3})
    assert Config.of(json.loads(json.dumps(asdict(config)))) == config
    assert config.features == ("x1", "x2")
    assert Config.of({}) == Config()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "object of names"),
        ({"speed": 1}, "no option is called speed"),
        ({"dataset": "moons"}, "dataset: expected one of circle"),
        ({"dataset": ["circle"]}, "dataset"),
        ({"dataset": "reg-plane"}, "none for classification"),
        ({"problem": "regression"}, "'circle' is none for regression; those are reg-plane"),
        ({"noise": 51}, "noise: expected a number from 0 to 50, got 51"),
        ({"noise": float("nan")}, "noise"),
        ({"noise": True}, "noise"),
        ({"noise": "5"}, "noise"),
        ({"ratio": 0}, "ratio"),
        ({"batch": 0}, "batch"),
        ({"batch": 2.5}, "batch: expected a whole number"),
        ({"seed": -1}, "seed"),
        ({"seed": 1e300}, "seed"),
        ({"features": []}, "one input at least"),
        ({"features": "x1"}, "expected a list"),
        ({"features": ["x3"]}, "features"),
        ({"hidden": [0]}, "up to 6 layers of 1 to 8"),
        ({"hidden": [1] * 7}, "up to 6 layers of 1 to 8"),
        ({"hidden": [9]}, "up to 6 layers of 1 to 8"),
        ({"hidden": [True]}, "up to 6 layers of 1 to 8"),
        ({"activation": "Module"}, "activation"),
        ({"optimizer": "Optimizer"}, "optimizer"),
        ({"schedule": "LambdaLR"}, "schedule"),
        ({"rate": 0}, "rate of 0 learns nothing"),
        ({"rate": float("inf")}, "rate"),
        ({"momentum": 1}, "momentum"),
        ({"dropout": 1}, "dropout"),
        ({"batchnorm": 1}, "true or false"),
        ({"batchnorm": True, "batch": 1}, "batch size to 2 or more"),
        ({"edits": [[0, 0, 0]]}, r"\[layer, row, column, value\]"),
        ({"edits": [[0, 0, 0.5, 1]]}, "whole number"),
        ({"points": [[1, 2]]}, r"\[x1, x2, target\]"),
        ({"points": [[7, 0, 1]]}, "points"),
        ({"points": [[0, 0, 2]]}, "points"),
        ({"points": [[0, 0, 1]] * 2001}, "too many"),
    ],
)
def test_what_cannot_be_is_refused_in_words(given, message):
    with pytest.raises(OptionError, match=message):
        Config.of(given)
