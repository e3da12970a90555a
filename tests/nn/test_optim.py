import math

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DataError, DTypeError, OptionError
from nn.optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop, Rprop

CASES = [
    (SGD, dict(lr=0.1)),
    (SGD, dict(lr=0.05, momentum=0.9)),
    (SGD, dict(lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.01)),
    (SGD, dict(lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01)),
    (SGD, dict(lr=0.001, maximize=True, momentum=0.5)),
    (Adam, dict()),
    (Adam, dict(lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)),
    (Adam, dict(lr=0.05, amsgrad=True)),
    (Adam, dict(lr=0.001, maximize=True)),
    (Adam, dict(lr=0.01, weight_decay=0.1, decoupled_weight_decay=True)),
    (AdamW, dict(lr=0.01)),
    (AdamW, dict(lr=0.01, weight_decay=0.3, amsgrad=True)),
    (NAdam, dict()),
    (NAdam, dict(lr=0.01, weight_decay=0.1, momentum_decay=0.1)),
    (NAdam, dict(lr=0.01, weight_decay=0.1, decoupled_weight_decay=True)),
    (Adamax, dict(lr=0.01)),
    (Adamax, dict(lr=0.01, betas=(0.5, 0.7), weight_decay=0.1, eps=1e-3)),
    (RAdam, dict(lr=0.01)),
    (RAdam, dict(lr=0.01, betas=(0.8, 0.99), weight_decay=0.1)),
    (RAdam, dict(lr=0.01, weight_decay=0.1, decoupled_weight_decay=True)),
    (Adagrad, dict()),
    (Adagrad, dict(lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.5)),
    (Adadelta, dict()),
    (Adadelta, dict(lr=0.5, rho=0.8, eps=1e-4, weight_decay=0.1)),
    (RMSprop, dict()),
    (RMSprop, dict(lr=0.005, alpha=0.9, momentum=0.9, centered=True, weight_decay=0.01)),
    (Rprop, dict()),
    (Rprop, dict(lr=0.05, etas=(0.3, 1.5), step_sizes=(1e-3, 0.1))),
]
IDS = [f"{cls.__name__}-{'-'.join(options)}" for cls, options in CASES]
X = np.random.default_rng(0).normal(size=(20, 3))
Y = np.random.default_rng(1).normal(size=(20, 2))


def model():
    nn.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


def steps(net, optimizer, n):
    for _ in range(n):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(X), Y).backward()
        optimizer.step()


def test_momentum_by_hand():
    x = ag.Tensor(1.0, requires_grad=True)
    optimizer = SGD([x], lr=0.1, momentum=0.5)
    values = []
    for g in (1.0, 2.0, -1.0):
        x.grad = g
        optimizer.step()
        values.append(x.item())
    # v: 1, 2.5, 0.25
    assert values == pytest.approx([0.9, 0.65, 0.625])


def test_first_steps_of_adam_by_hand():
    x = ag.Tensor(0.0, requires_grad=True)
    optimizer = Adam([x], lr=0.1, betas=(0.5, 0.75), eps=0.5)
    x.grad = 2.0
    optimizer.step()
    assert x.item() == pytest.approx(-0.1 * 2 / (2 + 0.5))
    x.grad = -4.0
    optimizer.step()
    m, v = 0.5 * 1.0 + 0.5 * -4, 0.75 * 1.0 + 0.25 * 16
    step = 0.1 * (m / 0.75) / (math.sqrt(v / (1 - 0.75**2)) + 0.5)
    assert x.item() == pytest.approx(-0.08 - step)


@pytest.mark.parametrize(("cls", "options"), CASES, ids=IDS)
def test_every_optimizer_goes_the_right_way(cls, options):
    x = ag.Tensor(np.array([3.0, -2.0]), requires_grad=True)
    optimizer = cls([x], **options)
    before = (x.numpy() ** 2).sum()
    for _ in range(20):
        optimizer.zero_grad()
        (x * x).sum().backward()
        optimizer.step()
    after = (x.numpy() ** 2).sum()
    assert after > before if options.get("maximize") else after < before


@pytest.mark.parametrize(("cls", "options"), CASES, ids=IDS)
def test_a_step_changes_nothing_that_a_tape_has_recorded(cls, options):
    w = nn.Parameter(np.array([2.0, 3.0]))
    optimizer = cls([w], **options)
    for _ in range(3):
        optimizer.zero_grad()
        w0 = w.numpy().copy()
        y = (w * w * w).sum()
        y.backward(retain_graph=True)
        gradient = w.grad.numpy()
        kept = gradient.copy()
        optimizer.step()
        np.testing.assert_array_equal(gradient, kept)
        assert not np.array_equal(w.numpy(), w0)
        w.grad = None
        y.backward()  # the tape still holds the values of before the step
        np.testing.assert_allclose(w.grad.numpy(), 3 * w0**2, rtol=1e-15)


@pytest.mark.parametrize(("cls", "options"), CASES, ids=IDS)
def test_float32_stays_float32(cls, options):
    w = nn.Parameter(np.ones(3, np.float32))
    optimizer = cls([w], **options)
    for _ in range(2):
        w.grad = np.ones(3)
        optimizer.step()
    assert w.dtype == np.float32
    arrays = [x for x in optimizer.state.get(w, {}).values() if isinstance(x, np.ndarray)]
    assert all(x.dtype == np.float32 for x in arrays)


@pytest.mark.parametrize(("cls", "options"), CASES, ids=IDS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_value_stays_in_its_layout(cls, options, order):
    w = nn.Parameter(np.ones((3, 4)))
    w.data = np.asarray(w.data, order=order)
    optimizer = cls([w], **options)
    for other in "CF":
        w.grad = ag.Tensor(np.asarray(np.arange(12.0).reshape(3, 4), order=other))
        optimizer.step()
        assert w.numpy().flags[f"{order}_CONTIGUOUS"]
    assert not np.array_equal(w.numpy(), np.ones((3, 4)))


@pytest.mark.parametrize(("cls", "options"), CASES, ids=IDS)
def test_going_on_from_a_saved_state_is_the_same_to_the_bit(cls, options):
    net = model()
    optimizer = cls(net.parameters(), **options)
    steps(net, optimizer, 5)
    weights, state = net.state_dict(), optimizer.state_dict()
    steps(net, optimizer, 5)
    twin = model()
    twin.load_state_dict(weights)
    other = cls(twin.parameters(), lr=123.0)
    other.load_state_dict(state)
    assert other.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
    steps(twin, other, 5)
    for p, q in zip(net.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


def test_parameters_without_a_gradient_stay_as_they_are():
    used, unused = nn.Parameter(np.ones(2)), nn.Parameter(np.ones(2))
    optimizer = Adam([used, unused])
    used.grad = np.ones(2)
    optimizer.step()
    assert unused.numpy().tolist() == [1, 1]
    assert unused not in optimizer.state


def test_groups_have_options_of_their_own():
    a, b, c = (nn.Parameter(np.zeros(1)) for _ in range(3))
    optimizer = SGD([{"params": [a], "lr": 1.0}, {"params": b}], lr=0.1)
    optimizer.add_param_group({"params": [c], "lr": 0.01})
    for p in (a, b, c):
        p.grad = np.ones(1)
    optimizer.step()
    assert [p.item() for p in (a, b, c)] == [-1.0, -0.1, -0.01]
    assert [g["params"] for g in optimizer.state_dict()["param_groups"]] == [[0], [1], [2]]
    optimizer.zero_grad()
    assert a.grad is b.grad is c.grad is None


def test_a_closure_is_computed_with_gradients():
    x = ag.Tensor(1.0, requires_grad=True)
    optimizer = SGD([x], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = x * x
        loss.backward()
        return loss

    with ag.no_grad():
        assert optimizer.step(closure).item() == 1.0
    assert x.item() == 0.5


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda w: SGD([]), DataError, "no parameters"),
        (lambda w: SGD(w), DTypeError, r"SGD\(model\.parameters\(\)"),
        (lambda w: Adam(nn.Linear(2, 2)), DTypeError, "got a Linear"),
        (lambda w: Adam([w.numpy()]), DTypeError, "expected Tensors, got a ndarray"),
        (lambda w: SGD([w, w]), OptionError, "given twice"),
        (lambda w: SGD([{"params": [w]}, {"params": [w]}]), OptionError, "given twice"),
        (lambda w: SGD([w * 2]), OptionError, "only leaves"),
        (lambda w: SGD([w], lr=-1), ValueError, "lr=-1"),
        (lambda w: SGD([w], lr=float("nan")), ValueError, "lr=nan"),
        (lambda w: SGD([w], nesterov=True), OptionError, "momentum=0.9"),
        (lambda w: Adam([w], betas=(0.9, 1.0)), OptionError, "betas"),
    ],
)
def test_mistakes_are_told(make, error, message):
    with pytest.raises(error, match=message):
        make(nn.Parameter(np.ones(2)))


def test_a_state_of_other_parameters_is_refused_and_changes_nothing():
    net = model()
    optimizer = Adam(net.parameters())
    steps(net, optimizer, 1)
    state = optimizer.state_dict()
    with pytest.raises(DataError, match=r"groups in the state have \[4\] parameters, those here \[1\]"):
        Adam([nn.Parameter(np.ones(2))]).load_state_dict(state)
    state["state"][2]["exp_avg"] = np.zeros((7, 7))
    state["param_groups"][0]["lr"] = 5.0
    with pytest.raises(DataError, match=r"exp_avg of parameter 2 has shape \(7, 7\)"):
        optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 1e-3


@pytest.mark.torch
@pytest.mark.parametrize(("cls", "options"), CASES, ids=IDS)
def test_fifty_steps_are_those_of_torch(torch, cls, options):
    net = model()
    twin = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    twin.load_state_dict({name: torch.tensor(x) for name, x in net.state_dict().items()})
    optimizer = cls(net.parameters(), **options)
    theirs = getattr(torch.optim, cls.__name__)(twin.parameters(), **options)
    assert optimizer.defaults.items() <= theirs.defaults.items()
    steps(net, optimizer, 50)
    for _ in range(50):
        theirs.zero_grad()
        torch.nn.functional.mse_loss(twin(torch.tensor(X)), torch.tensor(Y)).backward()
        theirs.step()
    for p, q in zip(net.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-6, atol=1e-12)
    ours = optimizer.state_dict()["state"]
    for i, entries in theirs.state_dict()["state"].items():
        for key, value in entries.items():
            if value is not None:
                np.testing.assert_allclose(ours[i][key], value.numpy(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("kind", [Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop, Rprop])
def test_rules_for_real_parameters_refuse_complex_ones(kind):
    with pytest.raises(DTypeError, match=r"for real parameters, but one is complex128; use nn\.optim\.SGD"):
        kind([ag.Tensor(0j, requires_grad=True)], lr=0.1)


def test_gradient_descent_finds_a_complex_minimum():
    z = ag.Tensor(0j, requires_grad=True)
    optimizer = SGD([z], lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        (np.abs(z - 1j) ** 2).backward()
        optimizer.step()
    assert z.item() == pytest.approx(1j)


@pytest.mark.parametrize("kind", [SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop])
def test_options_that_are_numpy_numbers_leave_the_dtype(kind):
    p = ag.Tensor(np.ones(3, np.float32), requires_grad=True)
    optimizer = kind([p], lr=np.float64(0.1), weight_decay=np.float64(0.01))
    for _ in range(2):
        (p * p).sum().backward()
        optimizer.step()
    assert p.dtype == np.float32


@pytest.mark.parametrize("kind", [SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop, Rprop])
def test_a_state_begins_with_the_first_gradient_and_not_before(kind):
    w = nn.Parameter(np.ones((2, 3), np.float32))
    optimizer = kind([w], lr=0.1)
    assert optimizer.state == {}
    begun = optimizer.begin(w.numpy(), optimizer.defaults)
    w.grad = np.ones((2, 3))
    optimizer.step()
    after = optimizer.state[w]
    assert list(begun) == list(after)
    assert all(np.shape(begun[key]) == np.shape(after[key]) for key in begun)
    assert begun.get("step", 0) == 0 and after.get("step", 1) == 1


def test_an_empty_state_begins_anew():
    w = nn.Parameter(np.ones(2))
    optimizer = Adam([w])
    state = optimizer.state_dict()
    optimizer.load_state_dict({**state, "state": {0: {}}})
    w.grad = np.ones(2)
    optimizer.step()
    assert optimizer.state[w]["step"] == 1
