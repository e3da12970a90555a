"""Shared leaves, hooks, graphs and modules: no thread's contribution is lost."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import TapeError


@pytest.fixture(autouse=True)
def switching() -> Iterator[None]:
    """Threads are switched as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(work: Callable[[int], Any], count: int = 4) -> list[Any]:
    """What `work(k)` returns, or raises, in threads that start at once."""
    results: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def guarded(k: int) -> None:
        barrier.wait(20)
        try:
            results[k] = work(k)
        except Exception as error:
            results[k] = error

    threads = [threading.Thread(target=guarded, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, TapeError):
            raise result
    return results


VALUES: list[Any] = [3.0, np.ones(2), np.ones((2, 3), np.float32), np.ones(2) + 1j]


@pytest.mark.parametrize("value", VALUES)
def test_a_shared_leaf_loses_no_gradient(value: Any) -> None:
    x = ag.Tensor(value, requires_grad=True)

    def work(k: int) -> None:
        for _ in range(200):
            np.sum(np.real(x * 1.0)).backward()

    together(work)
    np.testing.assert_array_equal(x.grad.numpy(), np.full(np.shape(value), 800.0))


def test_gradients_that_are_recorded_add_up() -> None:
    x = ag.Tensor(np.ones(2), requires_grad=True)

    def work(k: int) -> None:
        for _ in range(50):
            np.sum(x * x).backward(create_graph=True)

    together(work)
    assert x.grad.tolist() == [400.0, 400.0]
    x.grad = None


def test_a_shared_intermediate_that_retains_its_gradient() -> None:
    x = ag.Tensor(np.ones(3), requires_grad=True)
    y = x * 2.0
    y.retain_grad()
    z = np.sum(y)

    def work(k: int) -> None:
        for _ in range(100):
            z.backward(retain_graph=True)

    together(work)
    assert y.grad.tolist() == [400.0] * 3 and x.grad.tolist() == [800.0] * 3


def test_of_two_passes_through_one_graph_one_is_told() -> None:
    """Either pass may come first; the other must not go on with what the first has released."""
    for _ in range(150):
        x = ag.Tensor(np.ones(3), requires_grad=True)
        y = np.sin(np.exp(x * 1.0) * 0.0) + x
        outputs = [np.sum(y * 1.0), np.sum(y * 2.0)]
        ends = together(lambda k, outputs=outputs: outputs[k].backward(), 2)  # type: ignore[misc]
        told = [isinstance(end, TapeError) for end in ends]
        assert any(told), (ends, x.grad)
        if told == [True, True]:
            assert x.grad is None
        else:
            assert x.grad.tolist() == [1.0 + told.index(False)] * 3


def test_hooks_that_go_backward_themselves() -> None:
    x, other = ag.Tensor(1.0, requires_grad=True), ag.Tensor(1.0, requires_grad=True)

    def hook(g: Any) -> None:
        with ag.enable_grad():
            (other * 2.0).backward()

    x.register_hook(hook)

    def work(k: int) -> None:
        for _ in range(100):
            (x * 3.0).backward()

    together(work)
    assert (x.grad.item(), other.grad.item()) == (1200.0, 800.0)


def test_no_hook_is_lost_that_threads_register_at_once() -> None:
    for _ in range(100):
        x = ag.Tensor(1.0, requires_grad=True)
        called: list[int] = []
        together(lambda k, x=x, called=called: x.register_hook(lambda g: called.append(k)))  # type: ignore[misc]
        (x * 1.0).backward()
        assert sorted(called) == [0, 1, 2, 3]


def test_hooks_come_and_go_while_others_go_backward() -> None:
    x = ag.Tensor(1.0, requires_grad=True)

    def work(k: int) -> None:
        for _ in range(200):
            if k % 2:
                x.register_hook(lambda g: None).remove()
            else:
                (x * 1.0).backward()

    together(work)
    assert x.grad.item() == 400.0


def test_what_zero_grad_takes_and_what_arrives_is_all_there_is() -> None:
    """A gradient is forgotten once; one that arrives later is not added to what was forgotten."""
    x = ag.Tensor(np.zeros(1), requires_grad=True)
    seen: list[float] = []

    def work(k: int) -> None:
        for i in range(300):
            if k == 0:
                x.grad = np.array([1e6 * (i + 1)])
                x.grad = None
            else:
                np.sum(x * 1.0).backward()
                g = x.grad
                if g is not None:
                    seen.append(g.item())

    together(work)
    rest = [g % 1e6 for g in seen]
    assert max(rest) <= 900
    x.grad = None
    np.sum(x * 1.0).backward()
    assert x.grad.item() == 1.0


def test_one_plain_array_for_all_that_ask_for_it() -> None:
    for _ in range(200):
        x = ag.Tensor(2.0, requires_grad=True)
        arrays = together(lambda k, x=x: x.numpy())  # type: ignore[misc]
        assert all(a is arrays[0] for a in arrays) and x.node.value is arrays[0]


def test_one_mode_is_entered_and_left_by_all_threads() -> None:
    mode = ag.no_grad()

    def work(k: int) -> bool:
        right = True
        for _ in range(500):
            with mode:
                right &= not ag.is_recording()
            right &= ag.is_recording()
        return right

    assert together(work) == [True] * 4


def test_nested_gradients_in_threads() -> None:
    def work(k: int) -> bool:
        f = ag.grad(lambda x: x * ag.grad(lambda y: np.sin(x * y) + k * y)(2.0))
        h = ag.hessian(lambda x: np.sum(x**3) * k)
        right = True
        for i in range(60):
            x = 0.1 * i
            expected = 2 * x * np.cos(2 * x) - 2 * x * x * np.sin(2 * x) + k
            right &= abs(f(x) - expected) < 1e-12
            right &= np.array_equal(h(np.array([1.0, 2.0])), 6.0 * k * np.diag([1.0, 2.0]))
        return right

    assert together(work) == [True] * 4


def test_a_shared_model_collects_the_gradients_of_all_threads() -> None:
    model = nn.Linear(3, 1)
    model.weight.data[...] = 1.0

    def work(k: int) -> None:
        for _ in range(50):
            np.sum(model(np.full((1, 3), k + 1.0, np.float32))).backward()

    together(work)
    assert model.weight.grad.tolist() == [[500.0] * 3] and model.bias.grad.tolist() == [200.0]


def test_no_hook_of_a_module_is_lost() -> None:
    for _ in range(100):
        layer, called = nn.Identity(), []

        def work(k: int, layer: nn.Module = layer, called: list[int] = called) -> None:
            layer.register_forward_hook(lambda *_: called.append(k))

        together(work)
        layer(np.zeros(1))
        assert sorted(called) == [0, 1, 2, 3]
