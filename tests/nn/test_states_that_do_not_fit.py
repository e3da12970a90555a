"""States of optimizers and schedules with invalid options are refused before anything changes."""

import copy

import numpy as np
import pytest

import nn
from autograd_lite.errors import AutogradLiteError, DataError, OptionError
from nn.options import same_kind

HUGE = 10**400
optim = nn.optim


def stepped(make):
    model = nn.Linear(4, 3)
    optimizer = make(model.parameters())

    def closure():
        optimizer.zero_grad()
        loss = (model(np.ones((2, 4), np.float32)) ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return optimizer, closure


@pytest.mark.parametrize(
    ("make", "option", "value"),
    [
        (optim.Adadelta, "rho", None),
        (optim.Adadelta, "rho", HUGE),
        (optim.Adagrad, "lr_decay", None),
        (optim.Adam, "lr", HUGE),
        (optim.LBFGS, "max_iter", None),
        (optim.LBFGS, "max_iter", float("nan")),
        (optim.LBFGS, "history_size", 2.5),
        (optim.LBFGS, "tolerance_grad", HUGE),
        (optim.LBFGS, "tolerance_change", None),
        (optim.NAdam, "momentum_decay", None),
        (optim.RMSprop, "alpha", HUGE),
        (optim.RMSprop, "alpha", None),
        (optim.SGD, "dampening", None),
    ],
)
def test_an_option_that_a_step_would_stumble_over(make, option, value):
    optimizer, closure = stepped(make)
    before = optimizer.state_dict()
    state = copy.deepcopy(before)
    state["param_groups"][0][option] = value
    with pytest.raises(AutogradLiteError, match=option):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict()["param_groups"] == before["param_groups"]
    optimizer.step(closure)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (optim.Adadelta, {"rho": "x"}),
        (optim.Adagrad, {"lr_decay": -1.0}),
        (optim.NAdam, {"momentum_decay": None}),
        (optim.RMSprop, {"alpha": float("nan")}),
        (optim.LBFGS, {"max_iter": 2.5}),
        (optim.LBFGS, {"tolerance_grad": "x"}),
        (optim.SGD, {"lr": HUGE}),
    ],
)
def test_the_same_options_at_the_beginning(make, options):
    with pytest.raises(OptionError, match=rf"{next(iter(options))}=.*expected"):
        make(nn.Linear(2, 2).parameters(), **options)


def test_what_is_remembered_is_numbers():
    optimizer, _ = stepped(optim.LBFGS)
    state = optimizer.state_dict()
    state["state"][0]["n_iter"] = np.array("s")
    with pytest.raises(DataError, match="n_iter of parameter 0 is <U1, expected numbers"):
        optimizer.load_state_dict(state)


def test_none_stands_for_an_option_that_was_left_out():
    assert same_kind("strong_wolfe", None)
    assert same_kind(None, 3)
    assert not same_kind(0.9, None)
    assert not same_kind((0.9, 0.999), None)
    optimizer, closure = stepped(lambda p: optim.LBFGS(p, line_search_fn="strong_wolfe"))
    state = optimizer.state_dict()
    state["param_groups"][0]["line_search_fn"] = None
    optimizer.load_state_dict(state)
    optimizer.step(closure)


def restarts(**options):
    optimizer = optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    return optimizer, optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, **options)


@pytest.mark.parametrize("factor", [0, 0.5, -1, float("nan"), "x"])
def test_restarts_that_would_never_end(factor):
    with pytest.raises(OptionError, match=r"T_mult=.*at least 1, e.g. T_mult=2"):
        restarts(T_mult=factor)


@pytest.mark.parametrize("change", [{"T_0": -1}, {"T_0": 0}, {"T_mult": 0.5}, {"T_mult": -5.5}])
def test_restarts_of_a_state_that_would_never_end(change):
    optimizer, schedule = restarts()
    state = schedule.state_dict() | {"last_epoch": 10} | change
    with pytest.raises(DataError, match="make no cycles"):
        schedule.load_state_dict(state)
    assert schedule.last_epoch == 0
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_restarts_far_along_are_found_at_once():
    optimizer, schedule = restarts()
    schedule.load_state_dict(schedule.state_dict() | {"last_epoch": 3 * 10**12 + 1})
    schedule.step(3 * 10**12 + 1)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * (1 + np.cos(np.pi / 3)) / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("schedule", "option", "value"),
    [
        ("LinearLR", "total_iters", 0),
        ("PolynomialLR", "total_iters", 0),
        ("PolynomialLR", "power", -1),
        ("PolynomialLR", "power", None),
        ("CyclicLR", "step_size_up", 0),
    ],
)
def test_a_schedule_that_would_fail_on_its_way_is_refused(schedule, option, value):
    optimizer = optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    rates = {"base_lr": 0.1, "max_lr": 0.2} if schedule == "CyclicLR" else {}
    with pytest.raises(OptionError, match=rf"{schedule}\({option}={value}\): expected a number"):
        getattr(optim.lr_scheduler, schedule)(optimizer, **rates, **{option: value})
