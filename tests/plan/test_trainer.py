"""`Trainer(..., compile=True)`: the same history, weights and predictions, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import AnomalyError
from nn import functional

RNG = np.random.default_rng(0)
X = RNG.normal(size=(43, 4))
CLASSES = RNG.integers(0, 3, 43)
SOME = np.where(np.arange(43) < 20, -100, CLASSES)
"""Some batches have no target that counts."""
Y = RNG.normal(size=(43, 3))
WEIGHT = np.array([0.2, 1.0, 7.0])

LOSSES: dict[str, tuple[Any, Any]] = {
    "plain": (nn.CrossEntropyLoss(), CLASSES),
    "weights": (nn.CrossEntropyLoss(weight=WEIGHT), CLASSES),
    "ignored": (nn.CrossEntropyLoss(), SOME),
    "weights, ignored and smoothed": (nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.1), SOME),
    "a lambda": (lambda o, t: functional.cross_entropy(o, t, weight=WEIGHT), CLASSES),
    "a sum": (nn.MSELoss(reduction="sum"), Y),
    "squares": (nn.MSELoss(), Y),
    "of one's own": (lambda o, t: ((o - t) ** 4).mean(), Y),
}


def net() -> nn.Module:
    model = nn.Sequential(
        nn.Linear(4, 8),
        nn.BatchNorm1d(8),
        nn.Tanh(),
        nn.Dropout(0.2),
        nn.Linear(8, 8),
        nn.ReLU(),
        nn.Linear(8, 3),
    )
    model[4].requires_grad_(False)
    return model


def momentum(p: Any) -> Any:
    return nn.optim.SGD(p, lr=0.01, momentum=0.9)


def results(compiled: bool, loss: Any, y: Any, make: Callable[[Any], Any] = momentum, **options: Any) -> Any:
    """All that a run gives: the history, the state of model, optimizer and random numbers, predictions."""
    nn.manual_seed(1)
    schedule, accumulate = options.pop("schedule", None), options.pop("accumulate", 1)
    model = net()
    optimizer = make([p for p in model.parameters() if p.requires_grad])
    trainer = nn.Trainer(
        model, loss, optimizer, compile=compiled, scheduler=schedule and schedule(optimizer), **options
    )
    said: list[Any] = []
    with np.errstate(invalid="ignore"):  # 0 / 0 where all targets of a batch are ignored
        for _ in range(2):
            history = trainer.fit(
                X, y, epochs=4, batch_size=8, validation_data=(X, y), accumulate=accumulate, verbose=False
            )
            said.append((dict(history), trainer.measure_batch()))
        said.append(trainer.evaluate(X, y, batch_size=20))
    said.append(trainer.predict(X, batch_size=20).tobytes())
    said += [(k, v.tobytes()) for k, v in model.state_dict().items()]
    said += [None if p.grad is None else p.grad.numpy().tobytes() for p in model.parameters()]
    said += [[(k, np.asarray(v).tobytes()) for k, v in s.items()] for s in optimizer.state.values()]
    said.append(str(nn.random.generator.bit_generator.state))
    return said, trainer


def compare(*args: Any, **options: Any) -> nn.Trainer:
    want, eager = results(False, *args, **options)
    got, trainer = results(True, *args, **options)
    assert repr(got) == repr(want)  # by their words: NaN is NaN
    assert eager.signatures == []
    assert any(line.startswith("learned replayed") for line in trainer.signatures)
    assert not any("eager" in line for line in trainer.signatures), trainer.signatures
    return trainer


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_a_compiled_run_is_the_eager_run(name: str, accumulate: int) -> None:
    compare(*LOSSES[name], accumulate=accumulate)


OPTIONS: dict[str, dict[str, Any]] = {
    "adam": {"make": lambda p: nn.optim.Adam(p, lr=0.01)},
    "metrics": {"metrics": ["accuracy"]},
    "clipping": {"clip_grad_norm": 0.1},
    "a schedule for epochs": {"schedule": lambda o: nn.optim.lr_scheduler.StepLR(o, 1, 0.5)},
    "a schedule for steps": {"schedule": lambda o: nn.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=60)},
    "a plateau": {"schedule": lambda o: nn.optim.lr_scheduler.ReduceLROnPlateau(o, patience=0)},
    "early stopping": {"callbacks": nn.EarlyStopping(patience=0)},
    "line search": {"make": lambda p: nn.optim.LBFGS(p, max_iter=3)},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_a_trainer_offers_compiles(name: str) -> None:
    compare(*LOSSES["plain"], **OPTIONS[name])


def test_a_ragged_batch_is_a_plan_of_its_own() -> None:
    trainer = compare(*LOSSES["plain"])
    kept = [line for line in trainer.signatures if line.startswith("learned replayed")]
    assert len(kept) == 2
    assert "learned replayed: Sequential, CrossEntropyLoss, float32 (8, 4), int64 (8,)" in kept[0]
    assert "x from float64" not in kept[1]
    assert "x from float32 (8, 4) to float32 (3, 4)" in " ".join(kept)


@pytest.mark.parametrize("calls", [0, 5])
def test_a_loss_that_is_not_finite_changes_neither_parameters_nor_gradients(calls: int) -> None:
    """Eager or replayed, the error and what it leaves are the same."""

    def left(compiled: bool) -> Any:
        nn.manual_seed(0)
        model = nn.Linear(4, 3)
        trainer = nn.Trainer(model, nn.MSELoss(), momentum(model.parameters()), compile=compiled)
        if calls:
            trainer.fit(X[:40], Y[:40], epochs=calls, batch_size=8, verbose=False)
        with pytest.raises(AnomalyError) as caught:
            trainer.fit(np.full((8, 4), np.inf), Y[:8], epochs=calls + 1, batch_size=8, verbose=False)
        grads = [None if p.grad is None else p.grad.numpy().tobytes() for p in model.parameters()]
        return str(caught.value), [p.numpy().tobytes() for p in model.parameters()], grads

    with np.errstate(invalid="ignore"):
        assert left(True) == left(False)


def test_a_model_that_reads_values_says_so() -> None:
    class Reads(nn.Linear):
        def forward(self, x: Any) -> Any:
            return super().forward(x) if float(x.sum()) > -1e9 else x

    model = Reads(4, 3)
    trainer = nn.Trainer(model, nn.MSELoss(), momentum(model.parameters()), compile=True)
    with pytest.raises(ag.errors.CompileError, match=r"float\(x\) reads a value"):
        trainer.fit(X, Y, verbose=False)
