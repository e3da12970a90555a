"""What the ranks of the tests train with a Trainer."""

from __future__ import annotations

from typing import Any

import numpy as np

import nn
import nn.distributed as dist
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
