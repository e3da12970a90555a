"""A committee that the tests train under `python -m mpi4py.futures`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import nn


def trained(X: Any, y: Any) -> nn.Module:
    """A small net, trained on samples."""
    model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1)).double()
    trainer = nn.Trainer(model, nn.MSELoss(), nn.optim.Adam(model.parameters(), lr=0.01))
    trainer.fit(X, y, epochs=2, batch_size=8, verbose=False)
    return model


def train() -> nn.Module:
    """A net that knows its process."""
    X = np.linspace(-1, 1, 40)[:, None]
    model = trained(X, np.cos(X))
    time.sleep(0.2)  # so that each process gets one
    model.register_buffer("process", np.array(os.getpid()))
    return model


def states(workers: int) -> tuple[list[Any], list[int]]:
    """The weights of a committee, and the processes that have trained its models."""
    nn.manual_seed(0)
    every = nn.committee(train, 4, "mean", workers=workers).state_dict()
    weights = [np.asarray(v).tolist() for k, v in every.items() if "process" not in k]
    return weights, [int(v) for k, v in every.items() if "process" in k]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(states(2)))
