"""What the ranks of the tests train with a Trainer."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

import nn
import nn.distributed as dist
from autograd_lite.errors import AnomalyError, AutogradLiteError, DataError
from tests.ranks.programs import OPTIMIZERS, model, numbers

X = np.random.default_rng(1).standard_normal((23, 4))
Y = np.sin(X.sum(axis=1, keepdims=True))


def error(output: Any, target: Any) -> float:
    return float(np.mean(np.abs(output - target)))


def fitted(
    name: str,
    norm: bool,
    batch_size: int,
    accumulate: int,
    n: int = 23,
    loss: str = "MSELoss",
    distributed: bool = True,
    metrics: bool = True,
) -> Any:
    """The state and the history after some epochs in the order of the samples."""
    nn.manual_seed(0 if not distributed or dist.rank() == 0 else 7 + dist.rank())
    net = model(norm)
    if distributed:
        net = dist.SyncBatchNorm.convert_sync_batchnorm(net)
    optimizer = OPTIMIZERS[name](net.parameters())
    stop = nn.EarlyStopping(patience=2, min_delta=0.01)
    plateau = nn.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.05)
    trainer = nn.Trainer(
        net,
        getattr(nn, loss)(reduction="sum" if loss == "L1Loss" else "mean"),
        optimizer,
        metrics=[error] if metrics else [],
        callbacks=[stop],
        scheduler=plateau,
        clip_grad_norm=0.5,
        distributed=distributed and dist.Ranks(check_every=2, bucket_cap_mb=0.0003),
    )
    history = trainer.fit(
        X[:n],
        Y[:n],
        epochs=6,
        batch_size=batch_size,
        accumulate=accumulate,
        shuffle=False,
        verbose=False,
        validation_data=(X[:9] + 1, Y[:9]),
    )
    last = trainer.evaluate(X[:n] - 1, Y[:n], batch_size=4)
    return numbers(net), {**history, "evaluated": list(last.values())}


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.4), nn.Tanh(), nn.Linear(8, 1)).double()


def run(folder: str, epochs: int, resume: bool) -> Any:
    """A run with dropout and a random order, which writes files."""
    nn.manual_seed(3)
    inner = net()
    path, log = Path(folder) / "run.safetensors", Path(folder) / "log.csv"
    trainer = nn.Trainer(
        inner,
        nn.MSELoss(),
        nn.optim.Adam(inner.parameters(), lr=0.01),
        callbacks=[nn.ModelCheckpoint(path), nn.CSVLogger(log)],
        distributed=True,
    )
    if resume:
        trainer.resume(path)
    history = trainer.fit(X, Y, epochs=epochs, batch_size=4, validation_data=(X, Y))
    return numbers(inner), dict(history), float(nn.random.generator.random())


class Noted(nn.Module):
    """Notes the inputs that it sees in training."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.seen = nn.Linear(4, 1).double(), []  # type: ignore[var-annotated]

    def forward(self, x: Any) -> Any:
        if self.training:
            self.seen.append(x.numpy()[:, 0].tolist())
        return self.inner(x)


def samples() -> Any:
    """The first numbers of the samples that this rank has seen, in two epochs; and its random numbers."""
    nn.manual_seed(3)
    noted, drawn = Noted(), []

    class Draw(nn.Callback):
        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            drawn.append(float(nn.random.generator.random()))

    trainer = nn.Trainer(
        noted, nn.MSELoss(), nn.optim.SGD(noted.parameters(), lr=0.0), callbacks=[Draw()], distributed=True
    )
    seen = []
    for loader in (nn.DataLoader(nn.TensorDataset(X, Y), 4, shuffle=True), nn.TensorDataset(X, Y)):
        trainer.fit(loader, epochs=1, batch_size=4, verbose=False)
        seen.append(list(chain(*noted.seen)))
        noted.seen.clear()
    return seen, drawn


def drifted() -> str:
    """What a Trainer says of a rank whose parameters change alone."""
    nn.manual_seed(3)
    inner = net()

    class Drift(nn.Callback):
        def on_batch_end(self, step: int, loss: float) -> None:
            if step == 2 and dist.rank() == 1:
                inner.get_parameter("3.weight").data[0, 2] *= 1 + 1e-15

    trainer = nn.Trainer(
        inner,
        nn.MSELoss(),
        nn.optim.SGD(inner.parameters(), lr=0.1),
        callbacks=[Drift()],
        distributed=dist.Ranks(check_every=2),
    )
    try:
        trainer.fit(X, Y, batch_size=2, verbose=False)
    except DataError as error:
        return str(error)
    return "nothing"


def not_a_number() -> str:
    """What all ranks say of a NaN that one of them meets."""
    nn.manual_seed(3)
    inner, bad = net(), X.copy()
    if dist.rank() == 1:
        bad[:, 0] = np.nan
    trainer = nn.Trainer(inner, nn.MSELoss(), nn.optim.SGD(inner.parameters()), distributed=True)
    try:
        trainer.fit(bad, Y, verbose=False)
    except AnomalyError as error:
        return str(error)
    return "nothing"


def written() -> Any:
    """The files that the Trainer of this rank writes, and how often its callbacks are called."""
    inner, calls = net(), {"each": 0, "first": 0}

    class Each(nn.Callback):
        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            calls["each"] += 1

    class First(nn.Callback):
        first_rank_only = True

        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            calls["first"] += 1

    with tempfile.TemporaryDirectory() as folder:
        callbacks = [Each(), First(), nn.ModelCheckpoint(f"{folder}/run"), nn.CSVLogger(f"{folder}/log")]
        optimizer = nn.optim.SGD(inner.parameters(), lr=0.1)
        trainer = nn.Trainer(inner, nn.MSELoss(), optimizer, callbacks=callbacks, distributed=True)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            trainer.fit(X, Y, epochs=2)
        trainer.save(f"{folder}/saved")
        return sorted(os.listdir(folder)), calls, bool(said.getvalue())


def searched(batch_size: int, distributed: bool) -> Any:
    """The state after steps of LBFGS, whose line search reads the loss of all samples."""
    nn.manual_seed(0)
    inner = model()
    optimizer = nn.optim.LBFGS(inner.parameters(), max_iter=5, line_search_fn="strong_wolfe")
    trainer = nn.Trainer(inner, nn.MSELoss(), optimizer, distributed=distributed)
    history = trainer.fit(X, Y, epochs=2, batch_size=batch_size, shuffle=False, verbose=False)
    return numbers(inner), dict(history)


def refused() -> list[str]:
    """What a Trainer on several ranks does not take."""
    nn.manual_seed(0)
    inner, data = model(), nn.TensorDataset(X, Y)
    rows = nn.TensorDataset(X[dist.rank() :], Y[dist.rank() :])
    weights = nn.data.WeightedRandomSampler(np.ones(len(X)), len(X))

    def trainer(**options: Any) -> nn.Trainer:
        optimizer = nn.optim.SGD(inner.parameters(), lr=0.1)
        return nn.Trainer(inner, nn.MSELoss(), optimizer, **{"distributed": True, **options})

    said = []
    for attempt in (
        lambda: trainer(compile=True),
        lambda: trainer(distributed=2),
        lambda: trainer().fit(nn.DataLoader(data, 4, sampler=weights)),
        lambda: trainer().fit(nn.DataLoader(nn.data.ChainDataset([data]), 4)),
        lambda: trainer().fit(rows),
    ):
        try:
            attempt()
        except AutogradLiteError as error:
            said.append(str(error))
    return said


def digits(distributed: bool) -> float:
    """The accuracy on the test digits after training on one rank, or on several with the same batches."""
    nn.manual_seed(0)
    inner = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    trainer = nn.Trainer(
        inner,
        nn.CrossEntropyLoss(),
        nn.optim.Adam(inner.parameters(), lr=0.005),
        metrics="accuracy",
        distributed=distributed,
    )
    size = 32 // (dist.world_size() if distributed else 1)
    trainer.fit(*nn.datasets.load_digits("train"), epochs=15, batch_size=size, verbose=False)
    return trainer.evaluate(*nn.datasets.load_digits("test"))["accuracy"]


def several() -> Any:
    """Small runs after each other in one start of the ranks."""
    return {
        "samples": samples(),
        "drifted": drifted(),
        "nan": not_a_number(),
        "lbfgs": searched(12, True),
        "refused": refused(),
        "written": written(),
    }
