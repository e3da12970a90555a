"""NewtonCG, LevenbergMarquardt, KFAC against SciPy's methods and explicit matrices; wrong steps planted."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import AnomalyError, DataError, DTypeError, OptionError, UnsupportedError
from nn.optim import KFAC, LevenbergMarquardt, NewtonCG, kfac

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2))
LABELS = np.arange(20) % 2


def model(*, double: bool = True) -> Any:
    nn.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    return net.double() if double else net


def rosenbrock(x: Any) -> Any:
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def leaf(*values: float) -> ag.Tensor:
    return ag.Tensor(list(values), requires_grad=True)


# -- Newton-CG -------------------------------------------------------------------------------------


def test_one_step_finds_the_minimum_of_a_quadratic() -> None:
    A, b = RNG.normal(size=(8, 4)), RNG.normal(size=8)
    x = ag.Tensor(np.zeros(4), requires_grad=True)
    optimizer = NewtonCG([x], radius=100.0, max_iter=10, tolerance_grad=1e-12)
    first = optimizer.step(lambda: np.sum((A @ x - b) ** 2))
    np.testing.assert_allclose(x.numpy(), np.linalg.lstsq(A, b, rcond=None)[0], rtol=1e-8)
    assert first.item() == pytest.approx(b @ b) and x.grad is None


def test_the_way_is_that_of_scipys_trust_region() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    x, path = leaf(-1.2, 1.0), [np.array([-1.2, 1.0])]
    optimizer = NewtonCG([x])
    for _ in range(35):
        optimizer.step(lambda: rosenbrock(x))
        path.append(x.numpy())
    theirs = [path[0]]
    optimize.minimize(
        rosenbrock, path[0], method="trust-ncg", jac=ag.grad(rosenbrock), hess=ag.hessian(rosenbrock),
        callback=lambda x: theirs.append(x.copy()), options={"gtol": 1e-12},
    )  # fmt: skip
    steps = min(len(theirs), 22)
    np.testing.assert_allclose(path[:steps], theirs[:steps], rtol=1e-6)
    np.testing.assert_allclose(x.numpy(), [1, 1], rtol=1e-9)


def test_a_saddle_point_is_left_along_negative_curvature() -> None:
    x = leaf(1.0, 1e-3)
    optimizer = NewtonCG([x], max_iter=20)
    optimizer.step(lambda: x[0] ** 2 - x[1] ** 2 + x[1] ** 4)
    np.testing.assert_allclose(np.abs(x.numpy()), [0, 0.5**0.5], atol=1e-6)


@pytest.mark.parametrize("matrix", ["hessian", "gauss_newton"])
@pytest.mark.parametrize("double", [True, False])
def test_a_network_is_fitted(matrix: str, double: bool) -> None:
    net = model(double=double)
    x, y = (X, Y) if double else (X.astype(np.float32), Y.astype(np.float32))
    optimizer = NewtonCG(net.parameters(), matrix=matrix)
    loss = nn.MSELoss()

    def closure() -> Any:
        z = net(x)
        return (loss(z, y), z) if matrix == "gauss_newton" else loss(z, y)

    values = []
    for _ in range(12):
        first = optimizer.step(closure)
        values.append((first[0] if matrix == "gauss_newton" else first).item())
    assert values == sorted(values, reverse=True)  # no step makes the loss larger
    assert values[-1] < 0.6 * values[0]
    assert all(p.dtype == (float if double else np.float32) for p in net.parameters())


def test_its_products_are_those_of_the_matrices() -> None:
    from nn.optim.products import gauss_newton_product, gradient_of, hessian_product, jacobian_of

    pytest.importorskip("scipy")
    curvature = ag.curvature
    net = model()
    params = dict(net.named_parameters())
    z = net(X)
    loss = nn.functional.cross_entropy(z, LABELS)
    leaves = ag.tree.flatten(params)[0]
    v = RNG.normal(size=26)
    H = curvature.hessian(
        lambda w: nn.functional.cross_entropy(nn.functional_call(net, w, X), LABELS), params
    )
    G = curvature.gauss_newton(
        lambda w: nn.functional_call(net, w, X), lambda z: nn.functional.cross_entropy(z, LABELS), params
    )
    np.testing.assert_allclose(gauss_newton_product(loss, z, leaves)(v), G @ v, rtol=1e-10, atol=1e-13)
    J = ag.jacobian(lambda w: nn.functional_call(net, w, X))({k: p.numpy() for k, p in params.items()})
    rows = np.concatenate([np.reshape(J[k], (40, -1)) for k in ag.tree.ordered_keys(J)], axis=1)
    np.testing.assert_allclose(jacobian_of(z, leaves), rows, rtol=1e-10, atol=1e-13)  # by columns
    np.testing.assert_allclose(jacobian_of(z[:3], leaves), rows[:6], rtol=1e-10, atol=1e-13)  # by rows
    gradient = gradient_of(loss, leaves, create_graph=True)
    np.testing.assert_allclose(hessian_product(gradient, leaves)(v), H @ v, rtol=1e-10, atol=1e-13)


def test_a_loss_that_is_not_finite_is_not_taken() -> None:
    x = leaf(0.5)
    optimizer = NewtonCG([x], radius=100.0, max_iter=30)
    optimizer.step(lambda: np.sum(x**2 / 2 - np.log(x)))
    assert x.numpy()[0] == pytest.approx(1)


def test_frozen_parameters_stay() -> None:
    for make in (NewtonCG, LevenbergMarquardt):
        net = model()
        net[0].weight.requires_grad = False
        before = net[0].weight.numpy().copy()
        residuals = make is LevenbergMarquardt
        make(net.parameters()).step(lambda net=net, r=residuals: net(X) if r else (net(X) ** 2).mean())
        np.testing.assert_array_equal(net[0].weight.numpy(), before)
        assert not np.array_equal(net[2].weight.numpy(), model()[2].weight.numpy())


# -- Levenberg and Marquardt -----------------------------------------------------------------------

T = np.linspace(0, 2, 30)
DATA = 2.5 * np.exp(-1.3 * T) + 0.5 + 0.01 * np.sin(40 * T)


def decay(w: Any) -> Any:
    return w[0] * np.exp(w[1] * T) + w[2] - DATA


def test_the_fit_is_that_of_scipy() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    w = leaf(1.0, 0.0, 0.0)
    LevenbergMarquardt([w], max_iter=50).step(lambda: decay(w))
    theirs = optimize.least_squares(decay, [1.0, 0.0, 0.0], method="lm", xtol=1e-12, ftol=1e-12)
    np.testing.assert_allclose(w.numpy(), theirs.x, rtol=1e-7)


def test_a_step_solves_the_normal_equations() -> None:
    start, damping = np.array([1.0, -0.5, 0.2]), 0.3
    w = ag.Tensor(start, requires_grad=True)
    optimizer = LevenbergMarquardt([w], damping=damping)
    optimizer.step(lambda: decay(w))
    J = np.stack([(decay(start + 1e-6 * e) - decay(start - 1e-6 * e)) / 2e-6 for e in np.eye(3)], axis=1)
    JJ = J.T @ J
    d = np.linalg.solve(JJ + damping * np.eye(3), -J.T @ decay(start))
    np.testing.assert_allclose(w.numpy() - start, d, rtol=1e-7)
    assert optimizer.state[w]["damping"] < damping


def test_a_network_of_residuals() -> None:
    net = model()
    optimizer = LevenbergMarquardt(net.parameters())
    values = [float((optimizer.step(lambda: net(X) - Y).numpy() ** 2).sum()) for _ in range(25)]
    assert values == sorted(values, reverse=True) and values[-1] < 0.5 * values[0]


def test_a_step_that_makes_the_sum_larger_is_not_taken() -> None:
    w = leaf(3.0)
    optimizer = LevenbergMarquardt([w], damping=1e-8)
    optimizer.step(lambda: np.arctan(w) * 10)  # a full step of Gauss and Newton goes to -9.5
    assert w.item() == 3.0 and optimizer.state[w]["damping"] == 2e-8
    for _ in range(60):
        optimizer.step(lambda: np.arctan(w) * 10)
    assert abs(w.item()) < 1e-8


# -- K-FAC -----------------------------------------------------------------------------------------


def run_kfac(net: Any, optimizer: Any, steps: int = 1, x: Any = X) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), LABELS[: len(x)]).backward()
        optimizer.step()


def test_the_factors_of_one_sample_give_its_fisher_matrix() -> None:
    """For one sample the Kronecker product is no approximation: (g x a) (g x a)^T."""
    net = model()
    optimizer = KFAC(net)
    nn.functional.cross_entropy(net(X[:1]), LABELS[:1]).backward()
    for layer in (net[0], net[2]):
        state = optimizer.state[layer.weight]
        gradient = np.concatenate(
            [layer.weight.grad.numpy(), layer.bias.grad.numpy()[:, None]], axis=1
        ).ravel()
        fisher = np.outer(gradient, gradient)
        np.testing.assert_allclose(
            np.kron(state["gradients"], state["inputs"]), fisher, rtol=1e-10, atol=1e-15
        )


def test_the_factors_are_means_over_the_batch() -> None:
    net = model()
    optimizer = KFAC(net)
    nn.functional.cross_entropy(net(X), LABELS).backward()
    A, G = np.zeros((5, 5)), np.zeros((2, 2))
    for x, t in zip(X, LABELS, strict=True):
        a = np.append(np.tanh(net[0].weight.numpy() @ x + net[0].bias.numpy()), 1)
        z = net[2].weight.numpy() @ a[:-1] + net[2].bias.numpy()
        g = np.exp(z) / np.exp(z).sum() - np.eye(2)[t]
        A += np.outer(a, a) / 20
        G += np.outer(g, g) / 20
    state = optimizer.state[net[2].weight]
    np.testing.assert_allclose(state["inputs"], A, rtol=1e-12)
    np.testing.assert_allclose(state["gradients"], G, rtol=1e-12)
    summed = KFAC(twin := model(), reduction="sum")
    nn.functional.cross_entropy(twin(X), LABELS, reduction="sum").backward()
    np.testing.assert_allclose(summed.state[twin[2].weight]["gradients"], G, rtol=1e-12)


def test_the_factors_of_a_convolution() -> None:
    """A is the sum over the positions, and G the mean, both by a loop over windows."""
    nn.manual_seed(0)
    layer = nn.Conv2d(2, 3, (2, 3), stride=(1, 2), padding=1).double()
    optimizer = KFAC(layer)
    x = RNG.normal(size=(4, 2, 5, 6))
    y = layer(x)
    cotangent = RNG.normal(size=y.shape)
    (y * cotangent).sum().backward()
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    places = [(i, j) for i in range(y.shape[2]) for j in range(y.shape[3])]
    A, G, dW = np.zeros((13, 13)), np.zeros((3, 3)), np.zeros((3, 13))
    for n in range(4):
        for i, j in places:
            a = np.append(padded[n, :, i : i + 2, 2 * j : 2 * j + 3].ravel(), 1)
            g = cotangent[n, :, i, j]
            A += np.outer(a, a) / 4
            G += np.outer(g, g) * 4 / len(places)  # a mean of a loss has g / 4
            dW += np.outer(g, a)
    state = optimizer.state[layer.weight]
    np.testing.assert_allclose(state["inputs"], A, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(state["gradients"], G, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.weight.grad.numpy().reshape(3, -1), dW[:, :-1], rtol=1e-12, atol=1e-13)


def explicit(state: Any, dW: Any, damping: float) -> Any:
    """The step by the Kronecker product itself, with the damping of section 6.3 of the paper."""
    A, G = state["inputs"], state["gradients"]
    pi = np.sqrt(np.trace(A) / len(A) / (np.trace(G) / len(G)))
    fisher = np.kron(G + np.sqrt(damping) / pi * np.eye(len(G)), A + pi * np.sqrt(damping) * np.eye(len(A)))
    return np.linalg.solve(fisher, dW.ravel()).reshape(dW.shape)


def test_a_step_solves_with_the_kronecker_product() -> None:
    net = model()
    optimizer = KFAC(net, lr=0.1, momentum=0.0, damping=0.3, kl_clip=None)
    before = [p.numpy() for p in net.parameters()]
    run_kfac(net, optimizer)
    for layer, (w, b) in zip((net[0], net[2]), (before[:2], before[2:]), strict=True):
        dW = np.concatenate([layer.weight.grad.numpy(), layer.bias.grad.numpy()[:, None]], axis=1)
        step = explicit(optimizer.state[layer.weight], dW, 0.3)
        np.testing.assert_allclose(layer.weight.numpy(), w - 0.1 * step[:, :-1], rtol=1e-10)
        np.testing.assert_allclose(layer.bias.numpy(), b - 0.1 * step[:, -1], rtol=1e-10)


def test_the_options_of_kfac_do_what_they_say() -> None:
    moved = {}
    for limit in (None, 1e-4):
        net = model()
        before = np.concatenate([p.numpy().ravel() for p in net.parameters()])
        run_kfac(net, KFAC(net, lr=10.0, kl_clip=limit, momentum=0.0))
        moved[limit] = before - np.concatenate([p.numpy().ravel() for p in net.parameters()])
        gradient = np.concatenate([p.grad.numpy().ravel() for p in net.parameters()])
    scale = np.sqrt(1e-4 / (10 * moved[None] @ gradient))  # lr^2 (step . gradient) = 1e-4
    assert scale < 0.1
    np.testing.assert_allclose(moved[1e-4], scale * moved[None], rtol=1e-9)

    decayed = KFAC(twin := model(), decay=0.9)
    run_kfac(twin, decayed)
    first = decayed.state[twin[0].weight]["inputs"].copy()
    run_kfac(twin, decayed, x=2 * X)
    a = np.concatenate([2 * X, np.ones((20, 1))], axis=1)
    np.testing.assert_allclose(decayed.state[twin[0].weight]["inputs"], 0.9 * first + 0.1 * a.T @ a / 20)


def test_other_layers_make_plain_steps() -> None:
    nn.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)).double()
    optimizer = KFAC(net, lr=0.1, momentum=0.5)
    before = net[1].weight.numpy()
    run_kfac(net, optimizer)
    np.testing.assert_allclose(net[1].weight.numpy(), before - 0.1 * net[1].weight.grad.numpy(), rtol=1e-14)


def test_kfac_trains_in_a_trainer_and_resumes_to_the_bit(tmp_path: Any) -> None:
    def trainer() -> Any:
        net = model(double=False)
        return nn.Trainer(net, nn.CrossEntropyLoss(), KFAC(net, lr=0.1, every=3))

    x = X.astype(np.float32)
    whole, first, second = trainer(), trainer(), trainer()
    fit = dict(batch_size=8, shuffle=False, verbose=False)
    history = whole.fit(x, LABELS, epochs=4, **fit)
    assert history["loss"][-1] < history["loss"][0]
    first.fit(x, LABELS, epochs=2, **fit)
    first.save(tmp_path / "run.safetensors")
    second.resume(tmp_path / "run.safetensors")
    second.fit(x, LABELS, epochs=4, **fit)
    for p, q in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


def test_an_evaluation_does_not_count() -> None:
    net = model()
    optimizer = KFAC(net)
    with ag.no_grad():
        net(X)
    assert not optimizer._inputs
    run_kfac(net, optimizer)
    assert not optimizer._inputs


# -- all three -------------------------------------------------------------------------------------


def newton(net: Any) -> tuple[Any, Any]:
    return NewtonCG(net.parameters()), lambda: nn.functional.cross_entropy(net(X), LABELS)


def marquardt(net: Any) -> tuple[Any, Any]:
    return LevenbergMarquardt(net.parameters()), lambda: net(X) - Y


def factored(net: Any) -> tuple[Any, Any]:
    optimizer = KFAC(net, every=2)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(X), LABELS)
        loss.backward()
        return loss

    return optimizer, closure


MAKERS = [newton, marquardt, factored]


@pytest.mark.parametrize("make", MAKERS)
def test_going_on_from_a_saved_state_is_the_same_to_the_bit(make: Any) -> None:
    net, other = model(), model()
    (optimizer, closure), (loaded, again) = make(net), make(other)
    for _ in range(3):
        optimizer.step(closure)
    other.load_state_dict(net.state_dict())
    loaded.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for _ in range(3):
        optimizer.step(closure)
        loaded.step(again)
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("value", [None, "x", np.zeros((7, 7))])
def test_a_state_that_does_not_fit_changes_nothing(make: Any, value: Any) -> None:
    net = model()
    optimizer, closure = make(net)
    optimizer.step(closure)
    state = copy.deepcopy(optimizer.state_dict())
    key = {"KFAC": "inputs", "NewtonCG": "radius", "LevenbergMarquardt": "growth"}[type(optimizer).__name__]
    state["state"][0][key] = value
    before = repr(optimizer.state_dict())
    with pytest.raises(DataError, match=key):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == before
    optimizer.step(closure)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda n: KFAC(n.parameters()), DTypeError, r"not a generator; write nn\.optim\.KFAC\(model"),
        (lambda n: KFAC(n, damping=0), OptionError, r"damping=0\): expected a number above 0"),
        (lambda n: KFAC(n, reduction="none"), OptionError, '"mean" or "sum"'),
        (lambda n: KFAC(n, every=0), OptionError, "every=0"),
        (lambda n: KFAC(n, decay=2), OptionError, "from 0 to 1"),
        (lambda n: KFAC(n).add_param_group({"params": [leaf(1.0)]}), OptionError, "one group"),
        (lambda n: NewtonCG(n.parameters(), matrix="fisher"), OptionError, '"gauss_newton"'),
        (lambda n: NewtonCG(n.parameters(), radius=0), OptionError, "above 0"),
        (lambda n: NewtonCG([{"params": [leaf(1.0)]}, {"params": [leaf(1.0)]}]), OptionError, "one group"),
        (lambda n: NewtonCG(n.parameters()).step(), OptionError, "a closure that returns the loss"),
        (lambda n: NewtonCG(n.parameters()).step(lambda: n(X)), DTypeError, "a single number"),
        (lambda n: NewtonCG(n.parameters()).step(lambda: 1.0), DTypeError, "a float that is not on the"),
        (
            lambda n: NewtonCG(n.parameters(), matrix="gauss_newton").step(lambda: n(X).sum()),
            DTypeError, r"the pair \(loss, outputs\)",
        ),
        (lambda n: LevenbergMarquardt(n.parameters()).step(), OptionError, "returns the residuals"),
        (lambda n: LevenbergMarquardt(n.parameters()).step(lambda: None), DTypeError, "returned None"),
        (lambda n: LevenbergMarquardt(n.parameters()).step(lambda: n(X) * np.nan), AnomalyError, "finite"),
        (lambda n: LevenbergMarquardt(n.parameters(), damping=-1), OptionError, "damping=-1"),
    ],
)  # fmt: skip
def test_mistakes_are_told(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(model())


def test_a_closure_that_calls_backward_is_told() -> None:
    net = model()
    optimizer = NewtonCG(net.parameters())

    def closure() -> Any:
        loss = (net(X) ** 2).mean()
        loss.backward()
        return loss

    with pytest.raises(OptionError, match=r"the closure called backward\(\)"):
        optimizer.step(closure)


def test_a_trainer_is_told_that_newton_needs_the_tape() -> None:
    net = model(double=False)
    for make in (NewtonCG, LevenbergMarquardt):
        with pytest.raises(OptionError, match=r"optimizer\.step\(lambda: loss\(model\(x\), y\)\)"):
            nn.Trainer(net, nn.CrossEntropyLoss(), make(net.parameters()))


def test_a_schedule_of_no_rate_is_told() -> None:
    optimizer = NewtonCG([leaf(1.0)])
    for make in (nn.optim.lr_scheduler.LinearLR, nn.optim.lr_scheduler.ReduceLROnPlateau):
        with pytest.raises(OptionError, match="NewtonCG has no learning rate to schedule"):
            make(optimizer)


def test_outputs_that_the_loss_does_not_use_are_told() -> None:
    net = model()
    optimizer = NewtonCG(net.parameters(), matrix="gauss_newton")
    with pytest.raises(OptionError, match="does not depend on these outputs"):
        optimizer.step(lambda: ((net(X) ** 2).mean(), net(X)))


def test_a_model_that_ran_before_its_optimizer_is_told() -> None:
    net = model()
    loss = net(X).sum()
    optimizer = KFAC(net)
    loss.backward()
    with pytest.raises(UnsupportedError, match="make the optimizer before the forward pass"):
        optimizer.step()


# -- planted faults --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["no damping", "transposed", "inputs for gradients"])
def test_a_planted_fault_of_kfac_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inverses, factors = kfac.damped_inverses, kfac.factors
    if fault == "no damping":
        monkeypatch.setattr(kfac, "damped_inverses", lambda A, G, damping: inverses(A, G, 1e-12))
    elif fault == "inputs for gradients":
        monkeypatch.setattr(
            kfac, "factors", lambda *args: (factors(*args)[0], np.eye(len(factors(*args)[1])))
        )
    else:
        monkeypatch.setattr(
            kfac, "damped_inverses", lambda A, G, damping: tuple(M.T * 2 for M in inverses(A, G, damping))
        )
    with pytest.raises(AssertionError):
        test_a_step_solves_with_the_kronecker_product()
        test_the_factors_are_means_over_the_batch()


def test_a_planted_sign_of_newton_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from nn.optim import newton_cg

    product = newton_cg.hessian_product
    monkeypatch.setattr(newton_cg, "hessian_product", lambda g, params: lambda v: -product(g, params)(v))
    with pytest.raises(AssertionError):
        test_one_step_finds_the_minimum_of_a_quadratic()


@pytest.mark.slow
def test_the_program_compares_them(tmp_path: Any) -> None:
    from examples import second_order

    found = second_order.run(True, 0, tmp_path)
    first, *_, last = found.values()
    assert set(first) == {"Adam, lr=0.001", "Adam, lr=0.003", "Adam, lr=0.01", "KFAC"}
    assert {"NewtonCG", "LevenbergMarquardt"} < set(last)
    assert all(np.isfinite(loss) for losses in found.values() for loss in losses.values())
    assert (tmp_path / "second_order.png").stat().st_size > 0
