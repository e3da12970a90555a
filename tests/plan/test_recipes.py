"""Recipes of training loops, eager against compiled: all results and all state to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import MistakeWarning
from nn import functional as F  # noqa: N812
from tests.plan.test_networks import Step, both, compare, floats, indices

CLASSES = indices(3, 6)


def net_and_optimizer(*between: nn.Module) -> tuple[nn.Module, Any]:
    net = nn.Sequential(nn.Linear(4, 8), *between, nn.Linear(8, 3))
    return net, nn.optim.Adam(net.parameters(), lr=0.01)


def two_micro_batches() -> tuple[Step, list[Any]]:
    net, optimizer = net_and_optimizer(nn.BatchNorm1d(8), nn.ReLU())

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        losses = []
        for part in (slice(0, 3), slice(3, 6)):
            loss = F.cross_entropy(net(x[part]), y[part]) / 2
            loss.backward()
            losses.append(loss.detach())
        optimizer.step()
        return losses

    return step, [net, optimizer]


def micro_batches_over_calls() -> tuple[Step, list[Any]]:
    """The optimizer steps in each second call, outside of the compiled function of the passes."""
    net, optimizer = net_and_optimizer(nn.ReLU())

    def step(x: Any, y: Any, last: bool) -> Any:
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        if last:
            optimizer.step()
            optimizer.zero_grad()
        return loss

    return step, [net, optimizer]


def clipped(by: Callable[[Any], Any]) -> Callable[[], tuple[Step, list[Any]]]:
    def build() -> tuple[Step, list[Any]]:
        net, optimizer = net_and_optimizer(nn.Tanh())

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            norm = by(net.parameters())
            optimizer.step()
            return loss, norm

        return step, [net, optimizer]

    return build


def frozen() -> tuple[Step, list[Any]]:
    net, _ = net_and_optimizer(nn.BatchNorm1d(8), nn.ReLU())
    net[0].requires_grad_(False)
    net[1].eval()
    optimizer = nn.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1, momentum=0.9)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step, [net, optimizer]


def losses_one_after_the_other(retain: bool) -> Callable[[], tuple[Step, list[Any]]]:
    def build() -> tuple[Step, list[Any]]:
        net, optimizer = net_and_optimizer(nn.SiLU())

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            out = net(x)
            one = F.cross_entropy(out, y)
            other = (out if retain else net(2 * x)).abs().mean()
            one.backward(retain_graph=retain)
            other.backward()
            optimizer.step()
            return one.detach(), other.detach()

        return step, [net, optimizer]

    return build


def gradient_penalty() -> tuple[Step, list[Any]]:
    net, optimizer = net_and_optimizer(nn.Tanh())

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        x = ag.Tensor(x, requires_grad=True)
        (g,) = ag.Tape().gradient(net(x).sum(), [x], create_graph=True)
        loss = F.cross_entropy(net(x), y) + ((np.sqrt((g * g).sum(axis=1)) - 1) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return step, [net, optimizer]


def penalty_by_vjp() -> tuple[Step, list[Any]]:
    net, optimizer = net_and_optimizer(nn.Tanh())

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        g = ag.grad(lambda x: net(x).sum())(x)
        loss = F.cross_entropy(net(x), y) + ((np.sqrt((g * g).sum(axis=1)) - 1) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return step, [net, optimizer]


def checkpointed() -> tuple[Step, list[Any]]:
    net, optimizer = net_and_optimizer(nn.BatchNorm1d(8), nn.Dropout(0.5), nn.GELU())

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(ag.checkpoint(net)(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step, [net, optimizer]


def hooked() -> tuple[Step, list[Any]]:
    net, optimizer = net_and_optimizer(nn.Tanh())
    net[1].register_forward_hook(lambda module, args, out: out * 2)
    net[1].register_full_backward_hook(lambda module, into, out: tuple(g * 0.5 for g in into))

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step, [net, optimizer]


def averaged() -> tuple[Step, list[Any]]:
    """A running mean of the weights, and weights that are penalized."""
    net, optimizer = net_and_optimizer(nn.Tanh())
    mean = nn.utils.ExponentialMovingAverage(net.parameters(), 0.9)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y) + nn.utils.l2_penalty([net[0].weight], 0.01)
        loss.backward()
        optimizer.step()
        mean.update()
        return loss

    return step, [net, optimizer, mean]


RECIPES: dict[str, Callable[[], tuple[Step, list[Any]]]] = {
    "two micro-batches": two_micro_batches,
    "clipping by norm": clipped(lambda p: nn.utils.clip_grad_norm_(p, 0.3)),
    "clipping by value": clipped(lambda p: nn.utils.clip_grad_value_(p, 0.05)),
    "frozen parts": frozen,
    "two losses": losses_one_after_the_other(False),
    "retain_graph": losses_one_after_the_other(True),
    "gradient penalty": gradient_penalty,
    "gradient penalty by ag.grad": penalty_by_vjp,
    "checkpoint": checkpointed,
    "running mean of the weights": averaged,
}


@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
def test_backward_hooks_of_modules_stay_eager() -> None:
    compare(hooked, both(floats(6, 4), CLASSES), stays="backward hooks of modules")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe(name: str) -> None:
    compare(RECIPES[name], both(floats(6, 4), CLASSES), calls=6)


def test_micro_batches_over_two_calls() -> None:
    calls = iter([False, True] * 40)

    def data(rng: np.random.Generator) -> tuple[Any, ...]:
        return (*both(floats(6, 4), CLASSES)(rng), next(calls))

    compare(micro_batches_over_calls, data, calls=12)


def test_modes_that_are_switched_between_calls() -> None:
    def build() -> tuple[Step, list[Any]]:
        net, optimizer = net_and_optimizer(nn.BatchNorm1d(8), nn.Dropout(0.3))

        def train(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return train, [net, optimizer]

    def run(compiled: bool) -> list[Any]:
        nn.manual_seed(0)
        train, (net, _) = build()
        step = ag.compile(train) if compiled else train
        score = ag.compile(net) if compiled else net
        rng, log = np.random.default_rng(0), []
        for k in range(16):
            x, y = both(floats(6, 4), CLASSES)(rng)
            net.train(k % 3 > 0)
            log.append(step(x, y).numpy().tobytes())
            net.eval()
            with ag.no_grad():
                log.append(score(x).numpy().tobytes())
            log.append([(key, v.tobytes()) for key, v in net.state_dict().items()])
        if compiled:
            assert [line for line in step.signatures if line.startswith("eager")] == []
            assert score.signatures == ["replayed: float32 (6, 4)"]
        return log

    assert run(True) == run(False)


class Carrying(nn.Module):
    """An LSTM whose state stays in an attribute from call to call."""

    def __init__(self) -> None:
        self.lstm, self.out = nn.LSTM(4, 5), nn.Linear(5, 3)
        self.state = tuple(ag.Tensor(np.zeros((1, 6, 5), np.float32)) for _ in range(2))

    def forward(self, x: Any) -> Any:
        y, (h, c) = self.lstm(x[None], tuple(self.state))
        self.state = [h.detach(), c.detach()]
        return self.out(y[0])


def carrying(net: Carrying) -> Step:
    optimizer = nn.optim.Adam(net.parameters())

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


@pytest.mark.filterwarnings("ignore:ag.compile.*'state' at each call:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize("where", ["arguments", "a list", "attributes"])
def test_an_lstm_with_carried_state(where: str) -> None:
    class ByName(Carrying):
        def __init__(self) -> None:
            super().__init__()
            self.h, self.c = self.state

        def forward(self, x: Any) -> Any:
            y, (h, c) = self.lstm(x[None], (self.h, self.c))
            self.h, self.c = h.detach(), c.detach()
            return self.out(y[0])

    def run(compiled: bool) -> list[Any]:
        nn.manual_seed(0)
        net: Any = ByName() if where == "attributes" else Carrying()
        net.state = list(net.state)
        step: Any = carrying(net)
        if where == "arguments":
            optimizer = nn.optim.Adam(net.parameters())

            def step(x: Any, y: Any, state: Any) -> Any:
                optimizer.zero_grad()
                out, (h, c) = net.lstm(x[None], state)
                loss = F.cross_entropy(net.out(out[0]), y)
                loss.backward()
                optimizer.step()
                return loss, (h.detach(), c.detach())

        f = ag.compile(step) if compiled else step
        rng, log, state = np.random.default_rng(0), [], tuple(net.state)
        for _ in range(7):
            x, y = both(floats(6, 4), CLASSES)(rng)
            if where == "arguments":
                loss, state = f(x, y, state)
            else:
                loss = f(x, y)
                state = (net.h, net.c) if where == "attributes" else net.state
            log.append((loss.numpy().tobytes(), [s.numpy().tobytes() for s in state]))
            log.append([p.numpy().tobytes() for p in net.parameters()])
        if compiled:
            kind = "eager" if where == "a list" else "replayed"
            assert f.signatures[-1].startswith(kind), f.signatures
        return log

    assert run(True) == run(False)


def mlp(w: Any, x: Any, y: Any) -> Any:
    h = np.tanh(x @ w[0])
    return np.sum((h @ w[1] - y) ** 2)


@pytest.mark.parametrize("per_sample", [ag.grad, ag.value_and_grad])
def test_vmap_of_a_gradient(per_sample: Any) -> None:
    f = ag.vmap(per_sample(mlp), (None, 0, 0))
    run = ag.compile(f)
    rng = np.random.default_rng(0)
    for _ in range(5):
        w = [rng.standard_normal((4, 5)), rng.standard_normal((5, 3))]
        x, y = rng.standard_normal((6, 4)), rng.standard_normal((6, 3))
        for got, want in zip(ag.tree.flatten(run(w, x, y))[0], ag.tree.flatten(f(w, x, y))[0], strict=True):
            assert got.tobytes() == want.tobytes()
    assert run.signatures[0].startswith("replayed")


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ag.jacobian(lambda x: np.tanh(x) * x[0])(x),
        lambda x: ag.hessian(lambda x: np.sum(np.sin(x) ** 2))(x),
        lambda x: ag.hvp(lambda x: np.sum(np.sin(x) ** 2), (x,), (x,)),
        lambda x: ag.jvp(np.tanh, (x,), (x,)),
        lambda x: ag.vjp(np.tanh, x)[1](x),
        lambda x: ag.grad(ag.checkpoint(lambda x: np.sum(np.exp(np.sin(x)))))(x),
        lambda x: ag.vmap(lambda a: np.sin(a) * a)(x),
    ],
)
def test_transforms(f: Any) -> None:
    run = ag.compile(f)
    for k in range(5):
        x = np.array([0.1, -0.2, 0.3]) * (k + 1)
        for got, want in zip(ag.tree.flatten(run(x))[0], ag.tree.flatten(f(x))[0], strict=True):
            assert np.asarray(got).tobytes() == np.asarray(want).tobytes()
    assert run.signatures[0].startswith("replayed")


STAYS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a tape": (lambda f: ag.Tape(), "a Tape listens to each step"),
    "anomalies": (lambda f: ag.detect_anomaly(), "detect_anomaly checks each step"),
}


@pytest.mark.parametrize("name", STAYS)
def test_what_listens_keeps_a_training_step_eager_and_says_so_once(name: str) -> None:
    around, reason = STAYS[name]

    def run(compiled: bool) -> Any:
        nn.manual_seed(0)
        step, _ = frozen()
        f = ag.compile(step) if compiled else step
        rng = np.random.default_rng(0)
        log = [f(*both(floats(6, 4), CLASSES)(rng)).item() for _ in range(5)]
        with around(f):
            log += [f(*both(floats(6, 4), CLASSES)(rng)).item() for _ in range(3)]
        return [*log, f(*both(floats(6, 4), CLASSES)(rng)).item()]

    want = run(False)
    with pytest.warns(MistakeWarning, match=reason) as caught:
        assert run(True) == want
    assert len(caught) == 1
