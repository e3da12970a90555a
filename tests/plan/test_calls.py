"""The call around a replay: no stale plan, `f.plan`, what keeps changing, threads, copies."""

from __future__ import annotations

import copy
import threading
import time
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import CompileError, MistakeWarning
from autograd_lite.plan.compile import MOST

X = np.array([1.0, -2.0, 3.0])


def warm(f: Any, *args: Any, times: int = 4) -> Any:
    for _ in range(times):
        f(*args)
    assert f.signatures[-1].startswith("replayed")
    return f


# -- no stale plan ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        X.astype(np.float32),
        X.astype(">f8"),
        X.astype(int),
        X[:2],
        X[:, None],
        np.float64(2.0),
        2.0,
        2,
        True,
        ag.Tensor(X),
        ag.Tensor(X.astype(np.float32)),
        ag.Tensor(2.0),
    ],
    ids=lambda x: f"{type(x).__name__} {getattr(x, 'dtype', '')} {np.shape(x)}",
)
def test_an_argument_of_another_kind_is_another_signature(other: Any) -> None:
    def f(x: Any) -> Any:
        return x + x, x * 0.5, np.full(2, 7, np.result_type(x))

    run = warm(ag.compile(f), X)
    for _ in range(4):
        for x in (other, X):
            for got, want in zip(run(x), f(x), strict=True):
                assert type(got) is type(want)
                assert np.asarray(ag.stop_gradient(got)).dtype == np.asarray(ag.stop_gradient(want)).dtype
                assert np.array_equal(ag.tree.flatten(got)[0], ag.tree.flatten(want)[0])


def test_static_values_are_compared_by_their_bits() -> None:
    f = ag.compile(lambda x, s: x / s if s else np.copysign(x, s), static_argnums=1)
    for s in (0.0, -0.0, 1, 1.0, True) * 4:
        want = X / s if s else np.copysign(X, s)
        assert f(X, s).tobytes() == want.tobytes(), s
    assert len(f.signatures) == 5


def test_containers_are_told_apart() -> None:
    f = ag.compile(lambda t: [x * 2 for x in (t.values() if isinstance(t, dict) else t)])
    for tree in ([X, X], (X, X), {"a": X, "b": X}, {"a": X, "c": X}, [X], [X, X, X], []) * 4:
        assert len(f(tree)) == len(tree)
    assert len(f.signatures) == 7


def test_a_constant_that_becomes_a_leaf_is_another_signature() -> None:
    held = {"w": ag.Tensor(X)}

    def f(x: Any) -> Any:
        y = np.sum(held["w"] * x)
        if y.requires_grad:
            y.backward()
        return y.detach()

    run = warm(ag.compile(f), X)
    held["w"].requires_grad_()
    run(X)
    assert held["w"].grad is not None
    assert np.array_equal(held["w"].grad.numpy(), X)


def test_a_hook_that_is_added_later_is_heard() -> None:
    w = ag.Tensor(X, requires_grad=True)
    factor = {"by": 2.0}

    def f(x: Any) -> Any:
        w.grad = None
        np.sum(w * x).backward()
        return w.grad.detach()

    run = warm(ag.compile(f), X)
    handle = w.register_hook(lambda g: g * factor["by"])
    for by in (2.0, 2.0, 2.0, 3.0, 3.0):
        factor["by"] = by
        assert np.array_equal(run(X).numpy(), X * by)
    handle.remove()
    assert np.array_equal(run(X).numpy(), X)


def test_a_module_may_be_an_argument() -> None:
    nets = [nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)).double() for _ in range(2)]

    @ag.compile
    def step(net: nn.Module, x: Any) -> Any:
        net.zero_grad()
        loss = (net(x) ** 2).sum()
        loss.backward()
        return loss

    for k in range(6):
        for net in nets:
            net.train(k < 3)
            state = nn.random.generator.bit_generator.state
            got = step(net, X + k).item(), net[0].weight.grad.numpy().tobytes()
            nn.random.generator.bit_generator.state = state
            want = step.__wrapped__(net, X + k).item(), net[0].weight.grad.numpy().tobytes()
            assert got == want
            net[0].weight.data -= 0.1


def test_clipping_that_clips_in_a_replay_only() -> None:
    """Whether a step on objects replaces the gradients depends on values."""
    w = ag.Tensor(X, requires_grad=True)

    def f(x: Any) -> Any:
        w.grad = None
        np.sum(w * x).backward()
        nn.utils.clip_grad_norm_([w], 1.0)
        w.data = w.data - 0.1 * w.grad.data
        return w.grad.detach()

    run = warm(ag.compile(f), X / 100)
    before = w.numpy().copy()
    g = run(X).numpy()
    assert np.linalg.norm(g) == pytest.approx(1.0, rel=1e-5)
    assert np.array_equal(w.numpy(), before - 0.1 * g)


def test_a_mapped_call_stays_eager_and_says_what_to_compile() -> None:
    f = ag.compile(lambda x: np.tanh(x) * 2)
    rows = np.arange(6.0).reshape(2, 3)
    with pytest.warns(MistakeWarning, match=r"ag.compile\(ag.vmap\(f\)\)"):
        results = [ag.vmap(f)(rows + k) for k in range(4)]
    assert all(np.array_equal(results[k], np.tanh(rows + k) * 2) for k in range(4))


# -- f.plan ----------------------------------------------------------------------------------------


def everything(net: nn.Module, optimizer: Any, *more: Any) -> str:
    return repr(
        [
            [(k, v.tobytes()) for k, v in net.state_dict().items()],
            [None if p.grad is None else p.grad.numpy().tobytes() for p in net.parameters()],
            [[(k, np.asarray(v).tobytes()) for k, v in s.items()] for s in optimizer.state.values()],
            [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups],
            nn.random.generator.bit_generator.state,
            [np.asarray(x).tobytes() if isinstance(x, np.ndarray) else x for x in more],
        ]
    )


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_a_plan_is_made_and_nothing_changes(steps: int) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    optimizer = nn.optim.Adam(net.parameters())
    rate = nn.optim.lr_scheduler.StepLR(optimizer, 2)
    kept: dict[str, Any] = {"sum": np.zeros(3), "list": [np.zeros(2)]}
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)

    @ag.compile
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = (net(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        rate.step()
        kept["sum"] = kept["sum"] + x[0]
        kept["list"][0] += 1
        x *= 0.5
        return loss

    for _ in range(steps):
        step(x.copy())
    before = everything(net, optimizer, kept["sum"], kept["list"][0], x, rate.last_epoch)
    plan = step.plan(x)
    assert everything(net, optimizer, kept["sum"], kept["list"][0], x, rate.last_epoch) == before
    assert "step(Adam)" in str(plan)
    twin = everything(net, optimizer)
    step(x.copy())
    assert everything(net, optimizer) != twin
    assert [line for line in step.signatures if line.startswith("replayed")]


def test_a_plan_leaves_the_arguments_as_they_were() -> None:
    def f(t: Any, a: Any) -> Any:
        y = np.sum(t * a)
        y.backward()
        a += 1
        return y.detach()

    t, a = ag.Tensor(X, requires_grad=True), X.copy()
    with pytest.raises(CompileError, match="an argument keeps its gradient"):
        ag.compile(f).plan(t, a)
    assert t.grad is None
    assert np.array_equal(a, X)
    assert type(t.numpy()) is np.ndarray


def test_a_plan_of_what_has_none_is_an_error() -> None:
    class Counts:
        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, x: Any) -> Any:
            self.calls += 1
            return x * 2

    counts = Counts()
    with pytest.raises(CompileError, match="changes 'calls'"):
        ag.compile(counts).plan(X)
    assert counts.calls == 0


# -- what keeps changing ---------------------------------------------------------------------------


def test_signatures_say_why_they_were_made_anew() -> None:
    net = nn.Linear(3, 2).double()
    f = ag.compile(lambda x, scale: net(x).detach() * scale)
    f(X, 1.0)
    f(X[None], 1.0)
    f(X[None], 1)
    net.eval()
    f(X[None], 1)
    with ag.no_grad():
        f(X[None], 1)
    why = [line.partition("; made anew: ")[2] for line in f.signatures]
    assert why == [
        "",
        "x from float64 (3,) to float64 (1, 3)",
        f"scale from float to {f._entries[0].parts['scale']}",
        "'training' from True to False",
        "recording from True to False",
    ]


def test_a_warning_says_what_keeps_changing() -> None:
    f = ag.compile(lambda x, y: x * 2 + len(y))
    with pytest.warns(MistakeWarning) as caught:
        results = [f(X, np.zeros(n)) for n in range(1, MOST + 9)]
    assert all(np.array_equal(results[n - 1], X * 2 + n) for n in range(1, MOST + 9))
    assert len(caught) == 1
    text = str(caught[0].message)
    assert f"more than {MOST} signatures" in text
    assert f"y from float64 ({MOST},) to float64 ({MOST + 1},)" in text
    assert len(f.signatures) == MOST


def test_what_is_used_most_is_kept() -> None:
    f = warm(ag.compile(lambda x: x * 2), X)
    with pytest.warns(MistakeWarning, match="more than"):
        assert [f(np.zeros((n, 2))).shape for n in range(MOST + 5) if f(X) is not None]
    assert "replayed: float64 (3,)" in f.signatures


# -- threads and copies ----------------------------------------------------------------------------


def test_calls_of_a_pure_plan_do_not_wait_for_each_other() -> None:
    """Each thread is inside of its replay while the other one is: neither could be alone."""
    meet = threading.Barrier(2, timeout=20)
    inside = threading.local()

    def step(x: Any) -> Any:
        return x

    met = ag.primitive(lambda x: (getattr(inside, "waits", False) and meet.wait(), x * 2)[1])
    f = warm(ag.compile(lambda x: met(x) + step(x)), X)
    results: list[Any] = []

    def work() -> None:
        inside.waits = True
        results.append(f(X))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.tolist() for r in results] == [(X * 3).tolist()] * 2


def test_effects_of_threads_come_one_after_the_other() -> None:
    total = {"sum": np.zeros(3)}

    def add(x: Any) -> Any:
        total["sum"] = total["sum"] + x
        return x

    f = warm(ag.compile(add), np.zeros(3))

    def work() -> None:
        for _ in range(200):
            f(np.ones(3))
            time.sleep(0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total["sum"].tolist() == [800.0] * 3


def test_a_copy_has_plans_of_its_own() -> None:
    class Net(nn.Linear):
        @ag.compile
        def forward(self, x: Any) -> Any:
            return super().forward(x).detach()

    net = Net(3, 2).double()
    for _ in range(4):
        net(X)
    twin = copy.deepcopy(net)
    twin.weight.data *= 2
    for _ in range(4):
        assert np.array_equal(
            twin(X).numpy(), nn.functional.linear(X, twin.weight.numpy(), twin.bias.numpy())
        )
        assert np.array_equal(net(X).numpy(), nn.functional.linear(X, net.weight.numpy(), net.bias.numpy()))
