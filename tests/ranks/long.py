"""A run that does not end by itself; it writes the numbers of its processes, and a file after each epoch."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

import nn


def trainer(distributed: bool) -> nn.Trainer:
    """A Trainer of a net with some hundred kilobytes of weights."""
    nn.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1))
    return nn.Trainer(net, nn.MSELoss(), nn.optim.Adam(net.parameters()), distributed=distributed)


if __name__ == "__main__":
    import nn.distributed as dist

    dist.init()
    folder = Path(sys.argv[1])
    (folder / f"{dist.rank()}.pid").write_text(str(os.getpid()))
    X = np.random.default_rng(0).standard_normal((64, 4))
    run = trainer(distributed=True)
    run.callbacks.append(nn.ModelCheckpoint(folder / "run.safetensors"))
    run.fit(X, X[:, :1], epochs=10**6, batch_size=8)
