"""Whole training steps: eager and compiled runs agree to the bit, in all that a step changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from nn import functional


def state(model: nn.Module, optimizer: Any) -> list[Any]:
    """All that a training step changes, as bytes."""
    found: list[Any] = []
    for name, p in model.named_parameters():
        found.append(
            (name, p.dtype, p.numpy().tobytes(), None if p.grad is None else p.grad.numpy().tobytes())
        )
    found += [(name, np.asarray(b).tobytes()) for name, b in model.named_buffers()]
    found += [[(k, np.asarray(v).tobytes()) for k, v in s.items()] for s in optimizer.state.values()]
    found.append(str(nn.random.generator.bit_generator.state))
    return found


class Last(nn.Module):
    """An LSTM and a layer on its last output."""

    def __init__(self) -> None:
        self.lstm = nn.LSTM(6, 5, batch_first=True)
        self.out = nn.Linear(5, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.lstm(x.reshape(len(x), 2, 6))[0][:, -1])


MODELS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(12, 3),
    "mlp": lambda: nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 3)),
    "dropout": lambda: nn.Sequential(nn.Linear(12, 8), nn.Dropout(0.3), nn.Tanh(), nn.Linear(8, 3)),
    "batch norm": lambda: nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Linear(8, 3)),
    "layer norm": lambda: nn.Sequential(nn.LayerNorm(12), nn.Linear(12, 8), nn.SiLU(), nn.Linear(8, 3)),
    "cnn": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 3, 4)), nn.Conv2d(1, 4, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout(0.2), nn.Flatten(), nn.Linear(4, 3),
    ),
    "lstm": Last,
}  # fmt: skip

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "sgd": lambda p: nn.optim.SGD(p, lr=0.1),
    "momentum": lambda p: nn.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adam": lambda p: nn.optim.Adam(p, lr=0.01),
    "adamw": lambda p: nn.optim.AdamW(p, lr=0.01),
    "rmsprop": lambda p: nn.optim.RMSprop(p, lr=0.01),
}


def trained(
    compiled: bool, model: str, optimizer: str, sizes: tuple[int, ...], change: Any = None
) -> tuple[list[Any], Any]:
    """The losses and states of a training run."""
    nn.manual_seed(3)
    net = MODELS[model]()
    opt = OPTIMIZERS[optimizer](net.parameters())

    def step(x: Any, y: Any) -> Any:
        opt.zero_grad()
        loss = functional.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        return loss

    run = ag.compile(step) if compiled else step
    rng, log = np.random.default_rng(0), []
    for i, size in enumerate(sizes):
        if change is not None:
            change(i, net, opt)
        loss = run(rng.standard_normal((size, 12)).astype(np.float32), rng.integers(0, 3, size))
        log.append((loss.item(), loss.dtype, state(net, opt)))
    return log, run


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("model", MODELS)
def test_a_compiled_step_trains_as_the_eager_one(model: str, optimizer: str) -> None:
    sizes = (5,) * 8
    want, _ = trained(False, model, optimizer, sizes)
    got, run = trained(True, model, optimizer, sizes)
    assert got == want
    assert run.signatures[-1].startswith("replayed")


def test_a_ragged_batch_is_another_signature() -> None:
    sizes = (5, 5, 3) * 5
    want, _ = trained(False, "batch norm", "adam", sizes)
    got, run = trained(True, "batch norm", "adam", sizes)
    assert got == want
    assert [s for s in run.signatures if s.startswith("replayed: float32 (3, 12)")]


def test_a_schedule_moves_the_learning_rate() -> None:
    def change(i: int, net: Any, opt: Any) -> None:
        opt.param_groups[0]["lr"] = 0.1 / (1 + i)

    want, _ = trained(False, "mlp", "momentum", (4,) * 8, change)
    got, run = trained(True, "mlp", "momentum", (4,) * 8, change)
    assert got == want
    assert len(run.signatures) == 2  # the first call finds no gradients


def test_train_and_eval_are_two_signatures() -> None:
    def change(i: int, net: Any, opt: Any) -> None:
        net.train(i % 4 < 2)

    want, _ = trained(False, "dropout", "sgd", (4,) * 14, change)
    got, run = trained(True, "dropout", "sgd", (4,) * 14, change)
    assert got == want
    assert sum(s.startswith("replayed") for s in run.signatures) == 2


def test_a_frozen_layer_is_another_signature() -> None:
    def change(i: int, net: Any, opt: Any) -> None:
        net[0].requires_grad_(i < 4)

    want, _ = trained(False, "mlp", "sgd", (4,) * 10, change)
    got, _ = trained(True, "mlp", "sgd", (4,) * 10, change)
    assert got == want


def test_parameters_that_are_set_outside_are_read_anew() -> None:
    def change(i: int, net: Any, opt: Any) -> None:
        if i == 5:
            net.weight.data = np.ones((3, 12), np.float32)
        if i == 7:
            net.weight = nn.Parameter(np.full((3, 12), 2, np.float32))

    want, _ = trained(False, "linear", "sgd", (4,) * 10, change)
    got, _ = trained(True, "linear", "sgd", (4,) * 10, change)
    assert got == want


def test_inference_under_no_grad_reads_the_parameters_anew() -> None:
    net = MODELS["batch norm"]().eval()
    run = ag.compile(net)
    rng = np.random.default_rng(1)
    for i in range(6):
        x = rng.standard_normal((4, 12)).astype(np.float32)
        net[0].bias.data += 0.5
        net[1].running_mean[:] = i
        with ag.no_grad():
            want, got = net(x), run(x)
        assert got.numpy().tobytes() == want.numpy().tobytes()
    assert run.signatures[0].startswith("replayed")


def test_gradients_add_up_over_two_batches() -> None:
    def losses(compiled: bool) -> Any:
        nn.manual_seed(0)
        net = MODELS["mlp"]()

        def accumulate(x: Any) -> Any:
            loss = (net(x) ** 2).mean()
            loss.backward()
            return loss

        run = ag.compile(accumulate) if compiled else accumulate
        rng, log = np.random.default_rng(2), []
        for i in range(9):
            if i % 3 == 0:
                net.zero_grad()
            run(rng.standard_normal((4, 12)).astype(np.float32))
            log.append([p.grad.numpy().tobytes() for p in net.parameters()])
        return log

    assert losses(True) == losses(False)


def test_an_update_written_by_hand() -> None:
    def run(compiled: bool) -> list[Any]:
        w = ag.Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)

        def step(x: Any) -> Any:
            loss = np.sum((w * x - 1) ** 2)
            loss.backward()
            w.data -= 0.1 * w.grad
            w.grad = None
            return loss.detach()

        f = ag.compile(step) if compiled else step
        rng = np.random.default_rng(0)
        return [(f(rng.standard_normal(3)).item(), w.numpy().tobytes(), w.grad) for _ in range(7)]

    assert run(True) == run(False)


def test_state_that_is_carried_from_call_to_call() -> None:
    class Carries:
        def __init__(self) -> None:
            self.h = ag.Tensor(np.zeros(3))
            self.mean = np.zeros(3)
            self.count = np.array(0)

        def __call__(self, x: Any) -> Any:
            self.count += 1
            self.mean = self.mean + (x - self.mean) / self.count
            self.h = np.tanh(self.h + x).detach()
            return self.h

    def run(compiled: bool) -> list[Any]:
        one = Carries()
        f = ag.compile(one) if compiled else one
        rng, log = np.random.default_rng(0), []
        for _ in range(7):
            f(rng.standard_normal(3))
            log.append((one.h.numpy().tobytes(), one.mean.tobytes(), int(one.count)))
        return log

    assert run(True) == run(False)
