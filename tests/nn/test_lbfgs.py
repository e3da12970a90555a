import numpy as np
import pytest

import autograd_lite as ag
import nn.torch
from autograd_lite.errors import OptionError
from nn.optim import LBFGS
from nn.optim.line_search import Point, strong_wolfe

A = np.random.default_rng(0).normal(size=(6, 6))
A = A @ A.T + np.eye(6)


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def quadratic(x):
    return ((A * x).sum(-1) * x).sum() / 2 - x.sum()


def wavy(x):
    return (x**4).sum() - (3 * x**2).sum() + (x[0] * x[1]) ** 2 + x.sum() / 3


PROBLEMS = {
    "rosenbrock": (rosenbrock, [-1.2, 1.0]),
    "quadratic": (quadratic, [1.0, -2.0, 0.5, 0.0, 3.0, 1.0]),
    "wavy": (wavy, [0.3, -0.7]),
}


def closure_of(f, x, optimizer):
    def closure():
        optimizer.zero_grad()
        loss = f(x)
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize(("f", "start"), PROBLEMS.values(), ids=PROBLEMS)
def test_it_ends_where_the_gradient_is_zero(f, start):
    x = ag.Tensor(start, requires_grad=True)
    optimizer = LBFGS([x], line_search_fn="strong_wolfe", max_iter=60, tolerance_change=1e-15)
    closure = closure_of(f, x, optimizer)
    optimizer.step(closure)
    closure()
    assert np.max(np.abs(x.grad.numpy())) < 1e-5
    assert np.linalg.eigvalsh(ag.hessian(f)(x.numpy())).min() > 0


def test_a_quadratic_needs_about_as_many_steps_as_it_has_dimensions():
    x = ag.Tensor(np.zeros(6), requires_grad=True)
    optimizer = LBFGS([x], line_search_fn="strong_wolfe", tolerance_change=1e-15)
    optimizer.step(closure_of(quadratic, x, optimizer))
    np.testing.assert_allclose(x.numpy(), np.linalg.solve(A, np.ones(6)), atol=1e-6)
    assert optimizer.state[x]["func_evals"] < 25


def test_several_parameters_move_as_one():
    x, y = ag.Tensor([[1.0]], requires_grad=True), ag.Tensor([2.0, -3.0], requires_grad=True)
    optimizer = LBFGS([x, y], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (x**2).sum() + (y**2).sum() * 2
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    assert abs(x.item()) < 1e-3 and np.abs(y.numpy()).max() < 1e-3
    assert x.shape == (1, 1)


def test_a_loss_that_is_nowhere_finite_ends_too():
    x = ag.Tensor([1.0], requires_grad=True)
    optimizer = LBFGS([x], line_search_fn="strong_wolfe")
    with np.errstate(all="ignore"):
        loss = optimizer.step(closure_of(lambda x: np.log(x - 2).sum(), x, optimizer))
    assert np.isnan(loss.item()) and optimizer.state[x]["n_iter"] == 1


def clamped(torch):
    """The values on the way to a minimum, for a closure that clamps them: x[1] at first, not later."""
    x, way = torch.tensor([3.0, 0.0], requires_grad=True), []
    optimizer = torch.optim.LBFGS([x], lr=0.3, max_iter=5)

    def closure():
        with torch.no_grad():
            x[1].clamp_(max=0.7)
        optimizer.zero_grad()
        loss = x[0] ** 2 + (x[1] - 2 * x[0]) ** 2
        loss.backward()
        way.append(x.detach().tolist())
        return loss

    for _ in range(4):
        optimizer.step(closure)
    return way


@pytest.mark.torch
def test_a_closure_may_change_the_parameters(torch):
    ours, theirs = clamped(nn.torch), clamped(torch)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)  # in single precision
    assert max(x1 for _, x1 in ours) == np.float32(0.7) > ours[-1][1]


def test_mistakes_are_told():
    x, y = ag.Tensor([1.0], requires_grad=True), ag.Tensor([1.0], requires_grad=True)
    with pytest.raises(OptionError, match="strong_wolfe"):
        LBFGS([x], line_search_fn="armijo")
    with pytest.raises(OptionError, match="one group"):
        LBFGS([{"params": [x]}, {"params": [y]}])
    with pytest.raises(OptionError, match=r"step\(closure\)"):
        LBFGS([x]).step()


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_going_on_from_a_saved_state(search):
    def begin():
        x = ag.Tensor(np.zeros(6), requires_grad=True)
        return x, LBFGS([x], lr=0.3, max_iter=3, line_search_fn=search)

    x, optimizer = begin()
    optimizer.step(closure_of(quadratic, x, optimizer))
    y, other = begin()
    y.data = x.numpy()
    other.load_state_dict(optimizer.state_dict())
    optimizer.step(closure_of(quadratic, x, optimizer))
    other.step(closure_of(quadratic, y, other))
    np.testing.assert_array_equal(x.numpy(), y.numpy())


@pytest.mark.torch
@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize(("f", "start"), PROBLEMS.values(), ids=PROBLEMS)
def test_its_steps_are_those_of_torch(torch, f, start, search):
    options = dict(lr=0.05 if search is None else 1.0, max_iter=4, history_size=3, line_search_fn=search)
    x = ag.Tensor(start, requires_grad=True)
    mine = LBFGS([x], **options)
    twin = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.LBFGS([twin], **options)
    ours = closure_of(f, x, mine)
    other = f if f is not quadratic else lambda x: (torch.tensor(A) @ x) @ x / 2 - x.sum()

    def closure():
        theirs.zero_grad()
        loss = other(twin)
        loss.backward()
        return loss

    for _ in range(5):
        mine.step(ours)
        theirs.step(closure)
        np.testing.assert_allclose(x.numpy(), twin.detach().numpy(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("t", [1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("seed", range(5))
def test_the_end_of_a_search_fulfils_the_strong_wolfe_conditions(seed, t):
    a, b, c = np.random.default_rng(seed).uniform(0.2, 3.0, 3)
    used = []

    def along(t):
        used.append(t)
        return Point(t, a * (t - b) ** 2 + np.sin(c * t), np.zeros(1), 2 * a * (t - b) + c * np.cos(c * t))

    start = along(0.0)
    if start.slope >= 0:  # downhill is the other way
        a = -start.slope / (2 * b) + c
        start = along(0.0)
    assert start.slope < 0
    used.clear()
    point, count = strong_wolfe(along, start, t, scale=1.0, most=60)
    assert count == len(used) and point.t in used
    assert point.loss <= start.loss + 1e-4 * point.t * start.slope
    assert abs(point.slope) <= 0.9 * abs(start.slope)


def test_a_search_computes_the_loss_no_more_often_than_it_may():
    def along(t):
        used.append(t)
        return Point(t, (t - 1e6) ** 2, np.zeros(1), 2 * (t - 1e6))

    for most in (1, 2, 3):
        used = []
        _, count = strong_wolfe(along, along(0.0), 1e-9, scale=1.0, most=most, c2=1e-12)
        assert count == len(used) - 1 <= most + 1
