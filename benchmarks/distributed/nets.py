"""The nets, with the names of layers that our library and PyTorch share; batches are drawn from one seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["NETS", "batch"]

BATCH = 32
"""The samples of each rank."""


def mlp(nn: Any) -> Any:
    """784-512-256-10: 536,000 parameters."""
    return nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)
    )  # fmt: skip


def cnn(nn: Any) -> Any:
    """Two convolutions and two dense layers on images of 28x28: 225,000 parameters."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(512, 400), nn.ReLU(), nn.Linear(400, 10),
    )  # fmt: skip


def gpt(nn: Any) -> Any:
    """Two layers of a transformer of width 128 on 28 words of 28 numbers: 400,000 parameters."""
    layers = [nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True) for _ in range(2)]
    return nn.Sequential(
        nn.Unflatten(1, (28, 28)), nn.Linear(28, 128), *layers, nn.Flatten(), nn.Linear(28 * 128, 10)
    )


NETS: dict[str, Callable[[Any], Any]] = {"MLP": mlp, "CNN": cnn, "GPT": gpt}


def batch(rank: int, size: int = BATCH) -> tuple[Any, Any]:
    """Images and classes of a rank."""
    rng = np.random.default_rng(rank)
    return rng.uniform(0, 1, (size, 784)).astype(np.float32), rng.integers(0, 10, size)
