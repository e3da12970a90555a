import math

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DataError, DTypeError, OptionError
from nn.optim import lr_scheduler as schedules

CASES = {
    "StepLR": dict(step_size=3, gamma=0.5),
    "MultiStepLR": dict(milestones=[2, 5, 5, 11], gamma=0.3),
    "ExponentialLR": dict(gamma=0.9),
    "ConstantLR": dict(factor=0.25, total_iters=4),
    "LinearLR": dict(start_factor=0.25, end_factor=0.9, total_iters=7),
    "PolynomialLR": dict(total_iters=10, power=2.0),
    "CosineAnnealingLR": dict(T_max=7, eta_min=0.01),
    "CosineAnnealingWarmRestarts": dict(T_0=3, T_mult=2, eta_min=0.02),
    "LambdaLR": dict(lr_lambda=[lambda t: 0.9**t, lambda t: 1 / (1 + t)]),
    "MultiplicativeLR": dict(lr_lambda=lambda t: 1 - 0.01 * t),
    "OneCycleLR": dict(max_lr=0.5, total_steps=60),
    "OneCycleLR, three phases": dict(
        max_lr=[0.5, 0.2], epochs=6, steps_per_epoch=10,
        anneal_strategy="linear", three_phase=True, pct_start=0.4,
    ),
    "CyclicLR": dict(base_lr=0.01, max_lr=0.3, step_size_up=4, step_size_down=7),
    "CyclicLR, halved": dict(base_lr=0.01, max_lr=0.3, step_size_up=4, mode="triangular2"),
    "CyclicLR, fading": dict(base_lr=0.01, max_lr=0.3, step_size_up=4, mode="exp_range", gamma=0.95),
}  # fmt: skip


def optimizers(module, tensor):
    params = [tensor([1.0]), tensor([2.0])]
    groups = [{"params": params[:1]}, {"params": params[1:], "lr": 0.05}]
    return module.SGD(groups, lr=0.2, momentum=0.9)


def ours():
    return optimizers(nn.optim, lambda x: ag.Tensor(x, requires_grad=True))


def run(optimizer, schedule, n=50):
    rates = []
    for _ in range(n):
        rates.append([(g["lr"], g["momentum"]) for g in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    return rates


def make(module, name, optimizer):
    return getattr(module, name.split(",")[0])(optimizer, **CASES[name])


@pytest.mark.torch
@pytest.mark.parametrize("name", CASES)
def test_fifty_steps_are_those_of_torch(torch, name):
    theirs = optimizers(torch.optim, lambda x: torch.tensor(x, requires_grad=True))
    mine = ours()
    expected = run(theirs, make(torch.optim.lr_scheduler, name, theirs))
    got = run(mine, make(schedules, name, mine))
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["sequential", "chained", "two by hand"])
def test_schedules_of_schedules_are_those_of_torch(torch, kind):
    def build(module, optimizer):
        warm = module.LinearLR(optimizer, 0.1, total_iters=4)
        decay = module.CosineAnnealingLR(optimizer, 20)
        step = module.StepLR(optimizer, 4, 0.5)
        if kind == "sequential":
            return [module.SequentialLR(optimizer, [warm, decay, step], [4, 12])]
        if kind == "chained":
            return [module.ChainedScheduler([warm, step])]
        return [warm, step]

    results = []
    for module, optimizer in [
        (torch.optim.lr_scheduler, optimizers(torch.optim, lambda x: torch.tensor(x, requires_grad=True))),
        (schedules, ours()),
    ]:
        all_schedules, rates = build(module, optimizer), []
        for _ in range(30):
            rates.append([g["lr"] for g in optimizer.param_groups])
            optimizer.step()
            for schedule in all_schedules:
                schedule.step()
        results.append(rates)
    np.testing.assert_allclose(*results, rtol=1e-9, atol=1e-15)


LOSSES = [5, 4, 4, 4, 4, 3.9999, 3.5, 3.6, 3.7, 3.6, 3.4999, 3.6, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]


@pytest.mark.torch
@pytest.mark.few(2)
@pytest.mark.parametrize(
    "options",
    [
        dict(patience=1),
        dict(patience=2, cooldown=2, factor=0.3, min_lr=[0.01, 0.03]),
        dict(mode="max", patience=3, threshold=0.2, threshold_mode="abs"),
        dict(patience=0, eps=1e-2),
    ],
)
def test_performance_scheduling_is_that_of_torch(torch, options):
    theirs = optimizers(torch.optim, lambda x: torch.tensor(x, requires_grad=True))
    mine = ours()
    one = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    other = schedules.ReduceLROnPlateau(mine, **options)
    for loss in LOSSES:
        one.step(loss)
        other.step(ag.Tensor(loss))
        np.testing.assert_allclose(other.get_last_lr(), [g["lr"] for g in theirs.param_groups])


@pytest.mark.parametrize(
    ("name", "options", "formula"),
    [
        ("PowerLR", dict(s=3, c=2), lambda t: (1 + t / 3) ** -2),
        ("ExponentialLR", dict(gamma=0.9), lambda t: 0.9**t),
        ("MultiStepLR", dict(milestones=[2, 4], gamma=0.1), lambda t: 1 if t < 2 else 0.1 if t < 4 else 0.01),
        ("CosineAnnealingLR", dict(T_max=10), lambda t: math.cos(math.pi * t / 20) ** 2),
        ("LinearLR", dict(start_factor=0.5, total_iters=5), lambda t: min(1, 0.5 + 0.1 * t)),
        ("LambdaLR", dict(lr_lambda=lambda t: 1 / (1 + t)), lambda t: 1 / (1 + t)),
    ],
)
def test_schedules_follow_their_formulas(name, options, formula):
    optimizer = ours()
    rates = run(optimizer, getattr(schedules, name)(optimizer, **options), 20)
    expected = [[0.2 * formula(t), 0.05 * formula(t)] for t in range(20)]
    np.testing.assert_allclose(np.array(rates)[..., 0], expected, rtol=1e-12, atol=1e-17)


@pytest.mark.parametrize("name", CASES)
def test_going_on_from_a_saved_state(name):
    optimizer = ours()
    schedule = make(schedules, name, optimizer)
    run(optimizer, schedule, 9)
    twin = ours()
    other = make(schedules, name, twin)
    twin.load_state_dict(optimizer.state_dict())
    other.load_state_dict(schedule.state_dict())
    assert run(twin, other, 20) == run(optimizer, schedule, 20)


def test_sequences_go_on_from_a_saved_state():
    def build():
        optimizer = ours()
        parts = [schedules.LinearLR(optimizer), schedules.ExponentialLR(optimizer, 0.5)]
        return optimizer, schedules.SequentialLR(optimizer, parts, [5])

    optimizer, schedule = build()
    run(optimizer, schedule, 7)
    twin, other = build()
    twin.load_state_dict(optimizer.state_dict())
    other.load_state_dict(schedule.state_dict())
    assert run(twin, other, 5) == run(optimizer, schedule, 5)


def test_a_rate_set_by_hand_stays_in_force():
    optimizer = ours()
    schedule = schedules.ExponentialLR(optimizer, 0.5)
    schedule.step()
    optimizer.param_groups[0]["lr"] = 8.0
    schedule.step()
    assert schedule.get_last_lr() == [4.0, 0.0125]


def test_momentum_of_adam_is_its_first_beta():
    optimizer = nn.optim.Adam([ag.Tensor(0.0, requires_grad=True)])
    schedule = schedules.OneCycleLR(optimizer, 0.1, total_steps=10, pct_start=0.5)
    momenta = []
    for _ in range(9):
        momenta.append(optimizer.param_groups[0]["betas"][0])
        schedule.step()
    assert momenta[0] == 0.95 and min(momenta) == momenta[4] == 0.85


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda o: schedules.StepLR(0.1, 3), DTypeError, r"got a float; write StepLR\(optimizer"),
        (lambda o: schedules.StepLR(o, 0), OptionError, "step_size=0"),
        (lambda o: schedules.OneCycleLR(o, 0.1), OptionError, "total_steps="),
        (lambda o: schedules.OneCycleLR(o, [0.1] * 3, total_steps=5), OptionError, "3 values for 2"),
        (lambda o: schedules.CyclicLR(o, 0.1, 0.2, mode="round"), OptionError, "triangular2"),
        (lambda o: schedules.ReduceLROnPlateau(o, "least"), OptionError, '"min" or "max"'),
        (lambda o: schedules.SequentialLR(o, [schedules.StepLR(o, 1)], [3]), OptionError, "0 milestones"),
        (lambda o: schedules.ExponentialLR(o, 0.9, last_epoch=4), DataError, "initial_lr"),
        (lambda o: schedules.LinearLR(o, 0.0), OptionError, "above 0"),
    ],
)  # fmt: skip
def test_mistakes_are_told(call, error, message):
    with pytest.raises(error, match=message):
        call(ours())


def test_the_cycle_is_over_at_some_time():
    optimizer = ours()
    schedule = schedules.OneCycleLR(optimizer, 0.1, total_steps=3)
    schedule.step()
    schedule.step()
    schedule.step()  # a loop of three steps calls it three times
    with pytest.raises(OptionError, match="the cycle of 3 steps is over"):
        schedule.step()


def test_the_two_doors_hand_out_the_same_schedules():
    assert sorted(schedules.__all__) == sorted(nn.schedules.__all__)
    for name in schedules.__all__:
        assert getattr(schedules, name) is getattr(nn.schedules, name)
        assert getattr(schedules, name).__module__.startswith("nn.schedules.")


def test_a_schedule_needs_groups_with_rates_and_nothing_else():
    class Rates:
        def __init__(self, *rates):
            self.param_groups = [{"lr": rate} for rate in rates]

    rates = Rates(1.0, 0.5)
    schedule = schedules.ExponentialLR(rates, gamma=0.5)
    schedule.step()
    assert schedule.get_last_lr() == [0.5, 0.25]
    again = schedules.ExponentialLR(Rates(1.0, 0.5), gamma=0.9)
    again.load_state_dict(schedule.state_dict())
    assert again.last_epoch == 1 and again.gamma == 0.5
    for other in (nn.Linear(2, 2), [rates], nn.optim.SGD):
        with pytest.raises(DTypeError, match=r"expected an optimizer, got a .*write StepLR\(optimizer"):
            schedules.StepLR(other, 2)
