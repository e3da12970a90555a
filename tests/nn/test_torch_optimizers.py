"""Optimizers beside PyTorch's: the same steps, states that go both ways, hooks, names, switches, means."""

from __future__ import annotations

import copy
import io
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
import nn.torch as at
from autograd_lite.errors import OptionError
from nn.optim import swa_utils

CASES: list[tuple[str, dict[str, Any]]] = [
    ("ASGD", dict(lr=0.05, lambd=0.1, alpha=0.5, t0=2, weight_decay=0.01)),
    ("ASGD", dict(lr=0.05, maximize=True)),
    ("Adafactor", dict(lr=0.05)),
    ("Adafactor", dict(lr=0.05, weight_decay=0.1, eps=(1e-3, 1e-2), d=1.5, beta2_decay=-0.5)),
    ("SGD", dict(lr=0.05)),
    ("SGD", dict(lr=0.05, momentum=0.9)),
    ("Adam", dict(lr=0.05, amsgrad=True)),
    ("AdamW", dict(lr=0.05)),
    ("NAdam", dict(lr=0.05)),
    ("Adamax", dict(lr=0.05)),
    ("RAdam", dict(lr=0.05)),
    ("Adagrad", dict(lr=0.05)),
    ("Adadelta", dict()),
    ("RMSprop", dict(lr=0.05, momentum=0.5, centered=True)),
    ("Rprop", dict(lr=0.05)),
]
IDS = [f"{name}-{'-'.join(options)}" for name, options in CASES]
GRADIENTS = np.random.default_rng(0).normal(size=(8, 3, 2))
START = np.random.default_rng(1).normal(size=(3, 2))


def ours(name: str, options: dict[str, Any], start: Any = START) -> tuple[ag.Tensor, Any]:
    x = ag.Tensor(start, requires_grad=True)
    return x, getattr(nn.optim, name)([x], **options)


def theirs(name: str, options: dict[str, Any], start: Any = START) -> tuple[Any, Any]:
    torch = pytest.importorskip("torch")
    x = torch.tensor(start, requires_grad=True)
    return x, getattr(torch.optim, name)([x], **options)


def run(x: Any, optimizer: Any, gradients: Any) -> np.ndarray[Any, Any]:
    for g in gradients:
        x.grad = ag.Tensor(g) if isinstance(x, ag.Tensor) else x.new_tensor(g)
        optimizer.step()
    return np.array(x.detach().numpy())


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_steps_are_those_of_pytorch(name: str, options: dict[str, Any]) -> None:
    expected = run(*theirs(name, options), GRADIENTS)  # PyTorch keeps eta and products of rates in float32
    np.testing.assert_allclose(run(*ours(name, options), GRADIENTS), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.torch
@pytest.mark.parametrize("from_here", [True, False])
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_a_run_is_resumed_by_the_other_library(name: str, options: dict[str, Any], from_here: bool) -> None:
    torch = pytest.importorskip("torch")
    libraries = [(ours, at), (theirs, torch)]
    (make, library), (other, its_library) = libraries if from_here else libraries[::-1]
    x, optimizer = make(name, options)
    middle = run(x, optimizer, GRADIENTS[:4])
    file = io.BytesIO()
    library.save({"optimizer": optimizer.state_dict()}, file)
    expected = run(x, optimizer, GRADIENTS[4:])
    file.seek(0)
    twin, resumed = other(name, {}, middle)
    resumed.load_state_dict(its_library.load(file)["optimizer"])
    np.testing.assert_allclose(run(twin, resumed, GRADIENTS[4:]), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.torch
@pytest.mark.parametrize("maximize", [False, True])
def test_sparse_adam_changes_the_rows_that_pytorch_changes(maximize: bool) -> None:
    torch = pytest.importorskip("torch")
    weight = np.random.default_rng(2).normal(size=(6, 2))
    there = torch.nn.Embedding(6, 2, sparse=True, _weight=torch.tensor(weight))
    here = ag.Tensor(weight, requires_grad=True)
    pair = torch.optim.SparseAdam(there.parameters(), lr=0.1, maximize=maximize)
    own = nn.optim.SparseAdam([here], lr=0.1, maximize=maximize)
    for rows in ([0, 2, 2], [1], [2, 5], [0, 0, 0]):
        pair.zero_grad()
        own.zero_grad()
        (there(torch.tensor(rows)) ** 2).sum().backward()
        (here[np.array(rows)] ** 2).sum().backward()
        pair.step()
        own.step()
    np.testing.assert_allclose(here.numpy(), there.weight.detach().numpy(), rtol=1e-12)


def test_asgd_by_hand() -> None:
    x = ag.Tensor(1.0, requires_grad=True)
    optimizer = nn.optim.ASGD([x], lr=0.5, lambd=0.0, t0=1)
    values, means = [], []
    for g in (1.0, -1.0, 0.5, 0.5):
        x.grad = g
        optimizer.step()
        values.append(x.item())
        means.append(float(optimizer.state[x]["ax"]))
    assert values == [0.5, 1.0, 0.75, 0.5]
    assert means == [0.5, 1.0, 0.75, 0.625]  # mu is 1 for three steps, then 1/2


@pytest.mark.torch
@pytest.mark.parametrize("options", [{}, dict(nesterov=False, adjust_lr_fn="match_rms_adamw")])
def test_muon_is_that_of_pytorch_to_the_digits_of_bfloat16(options: dict[str, Any]) -> None:
    expected = run(*theirs("Muon", dict(lr=0.1, weight_decay=0.0, **options)), GRADIENTS[:2]) - START
    found = run(*ours("Muon", dict(lr=0.1, weight_decay=0.0, **options)), GRADIENTS[:2]) - START
    np.testing.assert_allclose(found, expected, atol=0.03 * np.abs(expected).max())  # 8 bits, through 5 steps


def test_muon_takes_matrices_alone() -> None:
    with pytest.raises(OptionError, match=r"Muon is for matrices.*\(3,\)"):
        nn.optim.Muon([nn.Parameter(np.ones(3))])
    with pytest.raises(OptionError, match="match_rms_adamw"):
        nn.optim.Muon([nn.Parameter(np.ones((2, 2)))], adjust_lr_fn="best")


def test_muon_moves_every_direction_alike() -> None:
    x, optimizer = ours("Muon", dict(lr=1.0, weight_decay=0.0, momentum=0.0), np.zeros((2, 4)))
    step = run(x, optimizer, [np.diag([100.0, 1.0, 1.0, 1.0])[:2] + 0.01])
    sizes = np.linalg.svd(step, compute_uv=False)
    assert 0.6 < sizes.min() <= sizes.max() < 1.3


def test_vectors_and_options_of_adafactor() -> None:
    x, optimizer = ours("Adafactor", dict(lr=0.5), np.array([3.0, -4.0]))
    run(x, optimizer, [np.array([2.0, -0.5])])
    # v = g^2 in the first step, so u is the sign of g, and the step is lr rms(x)
    np.testing.assert_allclose(x.numpy(), np.array([3.0, -4.0]) - 0.5 * np.sqrt(12.5) * np.array([1, -1]))
    with pytest.raises(OptionError, match="expected beta2_decay <= 0"):
        nn.optim.Adafactor([x], d=0.5)


def test_named_parameters() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    optimizer = nn.optim.Adam(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"][0] == "0.weight"
    groups = [
        {"params": model[0].named_parameters(), "lr": 1.0},
        {"params": list(model[1].named_parameters())},
    ]
    assert [g["param_names"] for g in nn.optim.SGD(groups).param_groups] == [["weight", "bias"]] * 2
    with pytest.raises(OptionError, match="some groups have names"):
        nn.optim.SGD([groups[1], {"params": [nn.Parameter(np.ones(1))]}])


def test_switches_of_pytorch_are_taken() -> None:
    x = nn.Parameter(np.ones(2))
    nn.optim.Adam([x], foreach=True, capturable=True, differentiable=False)
    nn.optim.SGD([x], fused=True)
    with pytest.raises(OptionError, match="steps are not recorded"):
        nn.optim.SGD([x], differentiable=True)


def test_states_without_switches_load() -> None:
    x, optimizer = ours("Adam", dict(lr=0.1))
    run(x, optimizer, GRADIENTS[:2])
    state = copy.deepcopy(optimizer.state_dict())
    for key in ("foreach", "fused", "capturable", "differentiable", "maximize"):
        del state["param_groups"][0][key]
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["foreach"] is None


def test_hooks_run_around_each_step() -> None:
    x = nn.Parameter(np.ones(1))
    for optimizer in (nn.optim.SGD([x], lr=0.5), nn.optim.LBFGS([x])):
        heard: list[Any] = []
        before = optimizer.register_step_pre_hook(lambda o, a, k, h=heard: h.append((o, a, k)))
        after = optimizer.register_step_post_hook(lambda *_, h=heard: h.append("after"))

        def closure() -> Any:
            x.grad = np.ones(1)
            return 0.0

        optimizer.step(closure)
        assert heard == [(optimizer, (closure,), {}), "after"]
        before.remove()
        after.remove()
        optimizer.step(closure)
        assert len(heard) == 2


def test_a_hook_may_replace_the_arguments() -> None:
    optimizer = nn.optim.SGD([nn.Parameter(np.ones(1))], lr=0.5)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((lambda: 7,), {}))
    with pytest.warns(match="no parameter has a gradient"):
        assert optimizer.step() == 7


# -- means of weights ------------------------------------------------------------------------------


def averaged(library: Any, utils: Any, make: Any, **options: Any) -> dict[str, Any]:
    """The state of a mean of a layer's weights after four updates, and after batch norm is counted anew."""
    model = library.nn.Sequential(library.nn.Linear(3, 2), library.nn.BatchNorm1d(2))
    mean = utils.AveragedModel(model, **options)
    for k, g in enumerate(GRADIENTS[:4]):
        model.load_state_dict({**dict(model.state_dict()), "0.weight": make(g.T.astype(np.float32) + k)})
        mean.update_parameters(model)
    utils.update_bn(
        [make(GRADIENTS[0].astype(np.float32).T), (make(GRADIENTS[1].astype(np.float32).T),)], mean
    )
    state = mean.state_dict()
    skipped = ("module.0.bias", "module.1.running_mean")  # the bias is drawn at random
    plain = {key: value.numpy() if hasattr(value, "numpy") else value for key, value in state.items()}
    return {key: value for key, value in plain.items() if key not in skipped}


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["default", "avg", "multi", "ema", "buffers", "own"])
def test_means_of_weights_are_those_of_pytorch(kind: str) -> None:
    torch = pytest.importorskip("torch")

    def options(utils: Any) -> dict[str, Any]:
        return {
            "default": {},
            "avg": {"avg_fn": utils.get_ema_avg_fn(0.9)},
            "multi": {"multi_avg_fn": utils.get_swa_multi_avg_fn()},
            "ema": {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.9)},
            "buffers": {"use_buffers": True},
            "own": {"avg_fn": lambda mean, value, count: 0.5 * mean + 0.5 * value},
        }[kind]

    expected = averaged(torch, torch.optim.swa_utils, torch.tensor, **options(torch.optim.swa_utils))
    found = averaged(at, swa_utils, np.array, **options(swa_utils))
    assert list(found) == list(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-6, atol=1e-6, err_msg=key)


@pytest.mark.torch
@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 5])
def test_the_rates_of_swalr_are_those_of_pytorch(strategy: str, epochs: int) -> None:
    torch = pytest.importorskip("torch")
    rates = []
    for make, utils in ((torch.optim.SGD, torch.optim.swa_utils), (nn.optim.SGD, swa_utils)):
        x = nn.Parameter(np.ones(1)) if utils is swa_utils else torch.ones(1, requires_grad=True)
        optimizer = make([x], lr=0.5)
        schedule = utils.SWALR(optimizer, 0.05, epochs, strategy)
        found = [schedule.get_last_lr()[0]]
        for step in range(8):
            x.grad = np.ones(1) if utils is swa_utils else torch.ones(1)
            optimizer.step()
            if step == 2:
                optimizer.param_groups[0]["lr"] *= 2  # another hand on the rate
            schedule.step()
            found.append(schedule.get_last_lr()[0])
        rates.append(found)
    np.testing.assert_allclose(*rates, rtol=1e-12)


def test_swalr_resumes() -> None:
    optimizer = nn.optim.SGD([nn.Parameter(np.ones(1))], lr=0.5)
    schedule = swa_utils.SWALR(optimizer, 0.05, 5)
    optimizer.register_step_pre_hook(lambda o, *_: o.param_groups[0]["params"][0].grad is None)
    for _ in range(3):
        schedule.step()
    other = nn.optim.SGD([nn.Parameter(np.ones(1))], lr=0.5)
    twin = swa_utils.SWALR(other, 0.05, 5)
    other.load_state_dict(optimizer.state_dict())
    twin.load_state_dict(schedule.state_dict())
    schedule.step()
    twin.step()
    assert twin.get_last_lr() == schedule.get_last_lr()
