"""The looks inside of a run: a sample's tape, the surface, the check, an attack, the program, the pad."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as ag
from visualize.playground.attack import attacked
from visualize.playground.check import checked
from visualize.playground.network import columns
from visualize.playground.options import Config
from visualize.playground.pad import Pad, centred, digits
from visualize.playground.program import program
from visualize.playground.sample import walk
from visualize.playground.surface import surface
from visualize.playground.training import Training

ROOT = Path(__file__).parents[3]
OPTIONS = [
    {},
    {"hidden": []},
    {"hidden": [8, 1], "activation": "GELU", "batchnorm": True, "dropout": 0.3},
    {"problem": "regression", "dataset": "reg-gauss", "features": ["sin(x1)", "x1x2"], "activation": "ReLU"},
    {"regularization": "L1", "strength": 0.01, "hidden": [3], "activation": "Identity"},
]


def trained(steps: int = 40, **options) -> Training:
    run = Training(Config.of(options))
    for _ in range(steps):
        run.step()
    return run


def plain(x) -> np.ndarray:
    return x.numpy() if isinstance(x, ag.Tensor) else x


def by_hand(run: Training, x1: float, x2: float, y: float) -> tuple[list, list]:
    """What each layer of neurons gives, and the gradients, by finite differences in double precision."""
    layers = list(run.model.eval().double())
    inputs = columns(run.config.features, np.array([[x1, x2]]))
    begins = [i for i, layer in enumerate(layers) if type(layer).__name__ == "Linear"]

    def forward(x, start):
        for layer in layers[start:]:
            x = plain(layer(x))
        return float(np.mean((x - y) ** 2) / 2)

    values, slopes, x = [], [], inputs
    for k, begin in enumerate([0, *begins[1:], len(layers)]):
        for layer in layers[begins[k - 1] if k else 0 : begin]:
            x = plain(layer(x))
        values.append(x.ravel())
        moves = 1e-6 * np.eye(x.size)
        slopes.append([(forward(x + h, begin) - forward(x - h, begin)) / 2e-6 for h in moves])
    return values, slopes


@pytest.mark.parametrize("options", OPTIONS[:4])
def test_a_sample_has_the_numbers_of_all_neurons(options):
    run = trained(**options)
    before = run.parameters()[0]
    told = walk(run, 1.5, -0.7, 0.5)
    np.testing.assert_array_equal(run.parameters()[0], before)
    assert told["steps"][0]["phase"] == "forward" and told["steps"][-1]["phase"] == "backward"
    last = {}
    for step in told["steps"]:
        last[step["layer"], step["kind"]] = step["numbers"][0]
        assert all(np.isfinite(step["numbers"][0])) and step["title"] and step["rule"]
    first_gradients = {}
    for step in told["steps"]:
        if step["kind"] == "gradient":
            first_gradients.setdefault(step["layer"], step["numbers"][0])
    values, slopes = by_hand(run, 1.5, -0.7, 0.5)
    n = len(run.config.hidden)
    for layer in range(-1, n + 1):
        np.testing.assert_allclose(last[layer, "value"], values[layer + 1], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(first_gradients[layer], slopes[layer + 1], rtol=2e-3, atol=2e-5)
    assert {(layer, kind) for layer in range(n + 1) for kind in ("weight", "bias")} <= last.keys()
    assert f"v{len(told['trace'].splitlines())} = " in told["trace"]


def test_looks_leave_the_run_as_it_was():
    options = {"batchnorm": True, "dropout": 0.2, "optimizer": "Adam"}
    run, undisturbed = trained(**options), trained(**options)
    walk(run, 0, 0, 1)
    surface(run)
    twin = run.twin()
    twin.model[0].weight.data[:] = 7
    checked(run)
    attacked(run, 1, 1, 1, 0.3)
    run.losses()
    for _ in range(30):
        run.step()
        undisturbed.step()
    np.testing.assert_array_equal(run.parameters()[0], undisturbed.parameters()[0])


def test_the_surface_has_the_loss_at_the_weights_and_falls_along_the_path():
    run = trained(800)
    heights, path, (left, right, bottom, top) = surface(run)
    np.testing.assert_allclose(path[-1], 0, atol=1e-6)
    side = len(heights)
    at = lambda p: heights[
        round((top - p[1]) / (top - bottom) * (side - 1)), round((p[0] - left) / (right - left) * (side - 1))
    ]
    assert at(path[-1]) == pytest.approx(run.losses()[0], abs=0.05)  # the grid's nearest point is beside it
    assert at(path[-1]) < at(path[0]) / 2
    assert ((path >= [left, bottom]) & (path <= [right, top])).all()


@pytest.mark.parametrize("options", OPTIONS)
def test_the_gradient_check_passes(options):
    found = checked(trained(**options))
    assert found["passed"], found["verdict"]
    assert found["rows"][0]["distance"] < 1e-7
    assert re.fullmatch(r"[Wb]\d|\d\.(weight|bias)", found["rows"][0]["name"])
    assert found["count"] >= sum(layer.weight.size + 1 for layer in trained(**options).linear)


def test_the_gradient_check_finds_a_wrong_gradient(monkeypatch):
    """A rule that sends back double is planted into the model's first layer."""
    run = trained()
    doubled = ag.custom_vjp(lambda x: x * 1.0)
    doubled.defvjp(lambda x: (x * 1.0, None), lambda _, g: (2 * g,))
    plain = type(run.linear[1]).forward
    monkeypatch.setattr(type(run.linear[1]), "forward", lambda self, x: doubled(plain(self, x)))
    found = checked(run)
    assert not found["passed"] and "wrong" in found["verdict"]
    assert found["rows"][0]["distance"] > 1e-4


@pytest.mark.parametrize("options", OPTIONS)
def test_an_attack_raises_the_loss(options):
    run = trained(**options)
    found = attacked(run, 0.8, -1.1, 0.9, 0.05)
    assert found["losses"][1] > found["losses"][0]
    np.testing.assert_allclose(np.abs(np.subtract(found["to"], found["from"])), 0.05, atol=1e-6)
    far = attacked(run, 6.0, -6.0, 0.9, 3.0)
    assert np.abs(far["to"]).max() <= 6


# -- the program -----------------------------------------------------------------------------------


PROGRAMS = [
    {},
    {"dropout": 0.2, "batchnorm": True, "hidden": [8, 8], "activation": "ReLU", "features": ["x1", "x2"]},
    {"schedule": "ReduceLROnPlateau", "batch": 100, "dataset": "spiral", "noise": 15, "ratio": 70},
    {
        "problem": "regression", "dataset": "reg-gauss", "regularization": "L1", "strength": 0.001,
        "points": [[1, 2, 0.5], [-1, -2, -1]],
        "schedule": "CyclicLR", "optimizer": "RMSprop", "momentum": 0.9,
    },
    {"dataset": "own", "points": [[1, 2, 1], [-1, -2, -1], [0, 1, 1]],
     "hidden": [], "optimizer": "Rprop"},
    {"dataset": "gauss", "noise": 40, "hidden": [1], "optimizer": "LBFGS", "batch": 100},
    {"edits": [[0, 3, 1, -0.5], [1, 1, -1, 2.0]], "batchnorm": True, "dataset": "spiral"},
    {"dataset": "xor", "regularization": "L2", "strength": 0.01, "schedule": "OneCycleLR", "start": 4},
]  # fmt: skip


@pytest.mark.parametrize(
    "options", [*PROGRAMS[:2], *(pytest.param(options, marks=pytest.mark.slow) for options in PROGRAMS[2:])]
)
def test_the_exported_program_makes_the_same_run(options, tmp_path):
    run = trained(130, **options)
    train, test = run.losses()
    path = tmp_path / "exported.py"
    path.write_text(program(run.config, run.steps), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}, check=False)
    assert done.stderr == ""
    assert done.stdout == f"training loss {train:.6f}, test loss {test:.6f}\n"


# -- the pad ---------------------------------------------------------------------------------------


def test_the_digits():
    images, labels = digits()
    assert images.shape == (2000, 28, 28) and images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)
    assert np.bincount(labels[:1500], minlength=10).min() > 100
    means = np.stack([images[:1500][labels[:1500] == k].mean(axis=0) for k in range(10)])
    nearest = ((images[1500:, None] - means) ** 2).sum(axis=(2, 3)).argmin(axis=1)
    assert np.mean(nearest == labels[1500:]) > 0.7  # pictures and classes belong together


def test_a_drawing_is_centred():
    image = np.zeros((28, 28))
    image[1:13, 2:5] = 1.0
    moved = centred(image)
    found = np.argwhere(moved > 0.5)
    assert (np.ptp(found, axis=0) + 1).tolist() == [20, 5]
    np.testing.assert_allclose(found.mean(axis=0), 13.5, atol=0.6)
    assert not centred(np.zeros((28, 28))).any()
    assert centred(np.eye(28)).shape == centred(np.ones((28, 28))).shape == (28, 28)
    dot = np.zeros((28, 28))
    dot[27, 27] = 1
    assert centred(dot).max() == 1


def test_the_pad_learns_to_read():
    pad = Pad()
    try:
        first = pad.read(np.zeros((28, 28)))
        assert first["blank"] and first["chances"].sum() == pytest.approx(1)
        end = time.monotonic() + 120
        while pad.epoch < 4 and time.monotonic() < end:
            time.sleep(0.05)
        assert pad.accuracy > 0.6  # by chance 0.1
    finally:
        pad.stop()
    images, labels = digits()
    read = [int(np.argmax(pad.read(images[i])["chances"])) for i in range(1500, 1560)]
    assert np.mean(read == labels[1500:1560]) > 0.6
    found = pad.read(pad.example(3))
    np.testing.assert_array_equal(pad.example(3), images[1503])
    best = int(np.argmax(found["chances"]))
    brighter = np.clip(found["seen"] + 0.02 * np.sign(found["slope"]), 0, None)
    x = brighter[None, None].astype(np.float32)
    with ag.no_grad():
        out = pad._model(x).numpy()[0]
    assert np.exp(out - out.max())[best] / np.exp(out - out.max()).sum() >= found["chances"][best] - 1e-6
