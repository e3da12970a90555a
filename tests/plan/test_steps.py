"""Steps of many kinds: hooks, clipping, higher derivatives; eager and compiled runs agree to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from nn import functional as F  # noqa: N812

Built = tuple[Callable[..., Any], list[Any], Callable[[Any, int], Any]]


def rows(r: Any, i: int) -> Any:
    return (r.standard_normal((4, 3)).astype(np.float32),)


def three(r: Any, i: int) -> Any:
    return (r.standard_normal(3),)


def changed_gradient() -> Built:
    a, b = [ag.Tensor(np.ones(3), requires_grad=True) for _ in range(2)]

    def step(x: Any) -> Any:
        loss = np.sum((a + b) * x)
        a.grad = None
        b.grad = None
        loss.backward()
        a.grad.data[:] *= 2
        return loss

    return step, [a, b], three


def shared_gradient() -> Built:
    a, b = [ag.Tensor(np.ones(3), requires_grad=True) for _ in range(2)]

    def step(x: Any) -> Any:
        a.grad = None
        b.grad = None
        loss = np.sum((a + b) * x)
        loss.backward()
        return loss

    return step, [a, b], three


def clipping() -> Built:
    net = nn.Linear(3, 2)
    o = nn.optim.SGD(net.parameters(), lr=0.1)

    def step(x: Any) -> Any:
        o.zero_grad()
        loss = (net(x) ** 2).sum()
        loss.backward()
        n = nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        o.step()
        return loss, n

    return step, list(net.parameters()), rows


def retained() -> Built:
    net = nn.Linear(3, 2)

    def step(x: Any) -> Any:
        net.zero_grad()
        y = net(x)
        a = (y**2).sum()
        b = np.abs(y).sum()
        a.backward(retain_graph=True)
        b.backward()
        return a, b

    return step, list(net.parameters()), rows


def hooks() -> Built:
    w = ag.Tensor(np.ones(3), requires_grad=True)
    w.register_hook(lambda g: g * 2)

    def step(x: Any) -> Any:
        w.grad = None
        y = np.where(x > 0, w * x, 0.0)
        y.register_hook(lambda g: g * 3)
        loss = np.sum(y)
        loss.backward()
        return loss

    return step, [w], three


def checkpointed() -> Built:
    net = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.Linear(3, 2))

    def step(x: Any) -> Any:
        net.zero_grad()
        loss = (ag.checkpoint(net)(x) ** 2).sum()
        loss.backward()
        return loss

    return step, list(net.parameters()), rows


def penalty() -> Built:
    net = nn.Linear(3, 1)

    def step(x: Any) -> Any:
        net.zero_grad()
        g = ag.grad(lambda x: np.sum(np.tanh(net(x))))(x)
        loss = np.sum(g**2)
        loss.backward()
        return loss

    return step, list(net.parameters()), rows


def created_graph() -> Built:
    w = ag.Tensor(np.ones(3), requires_grad=True)

    def step(x: Any) -> Any:
        w.grad = None
        loss = np.sum(np.tanh(w * x))
        loss.backward(create_graph=True)
        g = w.grad
        w.grad = None
        m = np.sum(g**2)
        m.backward()
        return m

    return step, [w], three


def scheduled() -> Built:
    net = nn.Linear(3, 2)
    o = nn.optim.SGD(net.parameters(), lr=0.1)
    s = nn.optim.lr_scheduler.StepLR(o, 2)

    def step(x: Any) -> Any:
        o.zero_grad()
        loss = (net(x) ** 2).sum()
        loss.backward()
        o.step()
        s.step()
        return loss

    return step, list(net.parameters()), rows


def line_search() -> Built:
    net = nn.Linear(3, 2)
    o = nn.optim.LBFGS(net.parameters())

    def step(x: Any) -> Any:
        def c() -> Any:
            o.zero_grad()
            loss = (net(x) ** 2).sum()
            loss.backward()
            return loss

        return o.step(c)

    return step, list(net.parameters()), rows


def weighted_loss() -> Built:
    net = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(8, 3))
    o = nn.optim.Adam(net.parameters())
    w = np.array([1.0, 2.0, 3.0], np.float32)

    def step(x: Any, y: Any) -> Any:
        o.zero_grad()
        loss = F.cross_entropy(net(x), y, weight=w, label_smoothing=0.1)
        loss.backward()
        o.step()
        return loss

    return step, list(net.parameters()), lambda r, i: (r.integers(0, 10, (4, 2)), r.integers(0, 3, 4))


def ignored_index() -> Built:
    net = nn.Linear(3, 3)

    def step(x: Any, y: Any) -> Any:
        net.zero_grad()
        loss = F.cross_entropy(net(x), y, ignore_index=0)
        loss.backward()
        return loss

    return (
        step,
        list(net.parameters()),
        lambda r, i: (r.standard_normal((4, 3)).astype(np.float32), r.integers(0, 3, 4)),
    )


def emptied_gradient() -> Built:
    w = ag.Tensor(np.ones(3), requires_grad=True)

    def step(x: Any) -> Any:
        loss = np.sum(w * x * w)
        loss.backward()
        w.data -= 0.1 * w.grad
        w.grad.zero_()
        return loss

    return step, [w], three


def assigned() -> Built:
    w = ag.Tensor(np.ones(3), requires_grad=True)

    def step(x: Any) -> Any:
        w.grad = None
        y = w * x
        v = y[1:]
        v *= 3
        y[0] = x[1]
        loss = np.sum(y * y)
        loss.backward()
        return loss, y.detach()

    return step, [w], three


def constant_changed() -> Built:
    w = ag.Tensor(np.ones(3), requires_grad=True)

    def step(x: Any) -> Any:
        w.grad = None
        a = x * 2
        y = w * a
        a += 1
        loss = np.sum(y * a)
        loss.backward()
        return loss

    return step, [w], three


def binary() -> Built:
    net = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 1))
    o = nn.optim.RMSprop(net.parameters())
    ls = nn.BCEWithLogitsLoss()

    def step(x: Any, y: Any) -> Any:
        o.zero_grad()
        loss = ls(net(x), y)
        loss.backward()
        o.step()
        return loss

    return (
        step,
        list(net.parameters()),
        lambda r, i: (
            r.standard_normal((4, 3)).astype(np.float32),
            r.integers(0, 2, (4, 1)).astype(np.float32),
        ),
    )


def attention() -> Built:
    net = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    o = nn.optim.Adam(net.parameters())

    def step(x: Any) -> Any:
        o.zero_grad()
        loss = (net(x) ** 2).mean()
        loss.backward()
        o.step()
        return loss

    return step, list(net.parameters()), lambda r, i: (r.standard_normal((2, 5, 8)).astype(np.float32),)


STEPS = [
    changed_gradient,
    shared_gradient,
    clipping,
    retained,
    hooks,
    checkpointed,
    penalty,
    created_graph,
    scheduled,
    line_search,
    weighted_loss,
    ignored_index,
    emptied_gradient,
    assigned,
    constant_changed,
    binary,
    attention,
]
EAGER = {"retained", "line_search"}
"""Steps that stay eager: a result on the tape, a line search."""


def run(build: Callable[[], Built], compiled: bool) -> tuple[list[Any], Any]:
    """The results, the leaves, the gradients and the random state of seven calls."""
    nn.manual_seed(0)
    step, tensors, data = build()
    f: Any = ag.compile(step) if compiled else step
    rng, log = np.random.default_rng(0), []
    for i in range(7):
        outs = ag.tree.flatten(f(*data(rng, i)))[0]
        log.append([np.asarray(x.numpy() if isinstance(x, ag.Tensor) else x).tobytes() for x in outs])
        log.append(
            [(t.numpy().tobytes(), None if t.grad is None else t.grad.numpy().tobytes()) for t in tensors]
        )
        log.append(str(nn.random.generator.bit_generator.state))
    return log, f


@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize("build", STEPS)
def test_steps_of_many_kinds(build: Callable[[], Built]) -> None:
    want, _ = run(build, False)
    got, f = run(build, True)
    assert got == want
    kind = "eager" if build.__name__ in EAGER else "replayed"
    assert f.signatures[-1].startswith(kind)
