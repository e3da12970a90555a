"""A run resumes from states that fit; a state that does not fit is an error and changes nothing."""

import copy

import numpy as np
import pytest

import nn
from autograd_lite.errors import AutogradLiteError, DataError
from nn.optim import lr_scheduler

X = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float32)
Y = np.arange(24) % 3

OPTIMIZERS = {
    "SGD": lambda p: nn.optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: nn.optim.Adam(p, amsgrad=True),
    "NAdam": nn.optim.NAdam,
    "RAdam": nn.optim.RAdam,
    "Adamax": nn.optim.Adamax,
    "Adagrad": nn.optim.Adagrad,
    "RMSprop": lambda p: nn.optim.RMSprop(p, momentum=0.9, centered=True),
    "Adadelta": nn.optim.Adadelta,
    "Rprop": nn.optim.Rprop,
    "LBFGS": nn.optim.LBFGS,
}
SCHEDULES = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 4]),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda t: [1.0, 0.5, 0.25, 0.1][t]),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=3),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 3),
    "ReduceLROnPlateau": lr_scheduler.ReduceLROnPlateau,
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.ConstantLR(o, 0.5, 1), lr_scheduler.ExponentialLR(o, 0.9)], [1]
    ),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ExponentialLR(o, 0.9)]),
}


def parts(optimizer="Adam", schedule=None, callbacks=()):
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    made = OPTIMIZERS[optimizer](model.parameters())
    return nn.Trainer(
        model,
        nn.CrossEntropyLoss(),
        made,
        scheduler=SCHEDULES[schedule](made) if schedule else None,
        scheduler_interval="epoch" if schedule else None,
        callbacks=callbacks,
    )


def everything(trainer):
    scheduler = trainer.scheduler.state_dict() if trainer.scheduler else None
    state = (
        trainer.model.state_dict(),
        trainer.optimizer.state_dict(),
        scheduler,
        nn.random.generator.bit_generator.state,
    )
    return repr(copy.deepcopy(state))


def run(trainer, epochs):
    return trainer.fit(X, Y, epochs=epochs, batch_size=8, shuffle=False, verbose=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_states_that_fit_are_taken(optimizer, path):
    first, second, whole = (parts(optimizer) for _ in range(3))
    run(first, 2)
    first.save(path)
    second.resume(path)
    run(second, 3)
    run(whole, 3)
    for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_that_fit_are_taken(schedule, path):
    first = parts("Adam", schedule)
    run(first, 3)  # some are then at their end
    first.save(path)
    second = parts("Adam", schedule)
    second.resume(path)
    assert second.optimizer.param_groups[0]["lr"] == first.optimizer.param_groups[0]["lr"]


def forged(path, part, change):
    content = nn.load(path)
    change(content["parts"][part])
    nn.save(content, path)


def pop(state, key):
    del state["state"][0][key]


def put(state, key, value):
    state["state"][0][key] = value


@pytest.mark.parametrize(
    ("optimizer", "change", "message"),
    [
        ("Adam", lambda s: pop(s, "exp_avg"), "KeyError 'exp_avg'"),
        ("Adam", lambda s: pop(s, "max_exp_avg_sq"), "max_exp_avg_sq"),
        ("Adam", lambda s: put(s, "step", -1), "ZeroDivisionError"),
        ("Adam", lambda s: put(s, "step", None), "TypeError"),
        ("Adam", lambda s: put(s, "exp_avg_sq", 1.0), "exp_avg_sq"),
        ("Adam", lambda s: put(s, "momentum_buffer", np.zeros((5, 4))), "momentum_buffer of parameter 0"),
        (
            "Adam",
            lambda s: put(s, "exp_avg", np.zeros((4, 5))),
            r"\(4, 5\) in the state, the parameter \(5, 4\)",
        ),
        ("Adam", lambda s: s["param_groups"][0].update(initial_lr="x"), None),
        ("SGD", lambda s: put(s, "momentum_buffer", np.zeros(5)), r"\(5,\)"),
        ("SGD", lambda s: put(s, "momentum_buffer", 0.0), "momentum_buffer"),
        ("RMSprop", lambda s: pop(s, "grad_avg"), "grad_avg"),
        ("Rprop", lambda s: pop(s, "step_size"), "step_size"),
        ("Adadelta", lambda s: put(s, "acc_delta", 3), "acc_delta"),
        ("NAdam", lambda s: put(s, "mu_product", np.zeros((5, 4))), "mu_product"),
        ("LBFGS", lambda s: pop(s, "last_gradient"), "last_gradient"),
        ("LBFGS", lambda s: pop(s, "steps"), "steps"),
        ("LBFGS", lambda s: put(s, "changes", np.zeros((7, 43))), "changes"),
        ("Adagrad", lambda s: s["state"].update({0: [1, 2]}), "expected a dict for parameter 0, got a list"),
        ("Adagrad", lambda s: s["state"].update({9: {}}), "has a parameter 9"),
        ("Adagrad", lambda s: s.pop("state"), 'a state has "state" and "param_groups"'),
        ("Adagrad", lambda s: s.update(param_groups={}), "state of an optimizer"),
        ("Adagrad", lambda s: s["param_groups"][0].pop("params"), "state of an optimizer"),
    ],
)
def test_an_optimizer_refuses_a_state_that_a_step_would_stumble_over(optimizer, change, message, path):
    first, second = parts(optimizer, "StepLR"), parts(optimizer, "StepLR")
    run(first, 2)
    first.save(path)
    forged(path, "optimizer", change)
    before = everything(second)
    if message is None:
        message = "initial_lr has the invalid value 'x'"
    with pytest.raises(DataError, match=message):
        second.resume(path)
    assert everything(second) == before and second.history == {}
    run(second, 1)


@pytest.mark.parametrize(
    ("schedule", "change"),
    [
        ("StepLR", lambda s: s.update(step_size=0)),
        ("StepLR", lambda s: s.update(last_epoch=None)),
        ("StepLR", lambda s: s.update(base_lrs=[None])),
        ("StepLR", lambda s: s.update(gamma=float("nan"))),
        ("StepLR", lambda s: s.update(base_lrs=[0.1, 0.1])),
        ("LambdaLR", lambda s: s.update(last_epoch=2.5)),
        ("CosineAnnealingLR", lambda s: s.update(T_max=0)),
        ("ReduceLROnPlateau", lambda s: s.update(best=None)),
        ("SequentialLR", lambda s: s.update(milestones=[None])),
        ("SequentialLR", lambda s: s["_schedulers"][1].update(last_epoch=None)),
        ("SequentialLR", lambda s: s["_schedulers"].pop()),
        ("SequentialLR", lambda s: s["_schedulers"][1].pop("gamma")),
        ("ChainedScheduler", lambda s: s["_schedulers"][0].update(base_lrs=["x"])),
    ],
)
def test_a_schedule_refuses_a_state_that_it_could_not_go_on_from(schedule, change, path):
    first, second = parts("Adam", schedule), parts("Adam", schedule)
    run(first, 2)
    first.save(path)
    forged(path, "scheduler", change)
    before = everything(second)
    with pytest.raises(DataError, match="scheduler in"):
        second.resume(path)
    assert everything(second) == before
    run(second, 1)


def stopping(**options):
    return nn.EarlyStopping(monitor="loss", patience=9, **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("best"), "has no best"),
        (lambda s: s.pop("wait"), "has no wait"),
        (lambda s: s.update(best="x"), "best number in the state is 'x'"),
        (lambda s: s.update(wait=None), "wait"),
        (lambda s: s.update(best_epoch=-3), "best_epoch"),
        (
            lambda s: s.update(best_weights={"0.weight": np.ones(3)}),
            "weights in the state belong to another",
        ),
        (lambda s: s.update(best_weights=[1]), "run in"),
    ],
)
def test_callbacks_look_at_their_states_before_anything_changes(change, message, path):
    first, second = parts(callbacks=[stopping()]), parts(callbacks=[stopping()])
    run(first, 2)
    first.save(path)
    forged(path, "run", lambda s: change(s["callbacks"][0][1]))
    before = everything(second)
    with pytest.raises(DataError, match=message):
        second.resume(path)
    assert everything(second) == before
    run(second, 1)


def test_generators_that_shuffle_are_looked_at_too(path):
    first, second = parts(), parts()
    first.fit(X, Y, epochs=1, verbose=False)
    first.save(path)
    forged(path, "run", lambda s: s.update(orders=[{"bit_generator": "Dice"}]))
    before = everything(second)
    with pytest.raises(DataError, match="NumPy has no generator 'Dice'"):
        second.resume(path)
    assert everything(second) == before


def test_averages_of_other_kinds():
    w = nn.Parameter(np.zeros(3))
    mean = nn.utils.ExponentialMovingAverage([w])
    for state in (
        {},
        None,
        {"averages": 3},
        {"averages": [np.zeros(2)]},
        {"averages": [np.array(["a", "b", "c"])]},
    ):
        with pytest.raises(DataError, match="ExponentialMovingAverage"):
            mean.load_state_dict(state)
    mean.load_state_dict({"averages": [[1, 2, 3]]})
    assert mean.averages[0].dtype == w.dtype and mean.averages[0].tolist() == [1, 2, 3]


def test_an_optimizer_of_ones_own_is_not_rehearsed():
    class Own(nn.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 0.1})

        def step(self, closure=None):
            for p in self._params():
                self.state.setdefault(p, {})["seen"] = 1

    w = nn.Parameter(np.zeros(3))
    first, second = Own([w]), Own([w])
    first.step()
    second.load_state_dict(first.state_dict())
    assert second.state[w] == {"seen": 1}
    with pytest.raises(AutogradLiteError):
        second.load_state_dict({"state": {}, "param_groups": [{"params": [0]}]})
