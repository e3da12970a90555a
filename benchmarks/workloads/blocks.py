"""Training steps of networks that PyTorch's names describe: one definition serves both libraries.

Each network is built with our `nn` and with `torch.nn`; PyTorch's gets our weights. A step computes the
mean of the squared outputs or a cross-entropy, the gradients of all weights, and plain SGD. The loss is
compared after one step of each library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from ..libraries import OURS
from ..workload import Step, Workload

RATE = 1e-3


def workload(
    name: str,
    does: str,
    network: Callable[[Any], Any],
    data: Callable[[int], tuple[Any, Any]],
    goals: Mapping[str, float],
    quick: bool,
) -> Workload:
    """A training step of a network.

    Args:
        name: what to call the workload.
        does: the network in words.
        network: makes the network of a module `nn` or `torch.nn`.
        data: draws a batch of at most a size: the inputs, and the labels or None.
        goals: the least ratio of a library's time to ours.
        quick: a batch of two.
    """
    inputs = data(2 if quick else 1_000)
    return Workload(
        name=name,
        does=f"training step: {does}, float32, SGD",
        contenders={
            OURS: partial(ours, network, *inputs),
            "pytorch": partial(pytorch, network, *inputs),
        },
        goals=goals,
        rounds=7,
        rtol=1e-4,
    )


def stepped(model: Any, optimizer: Any, functional: Any, x: Any, labels: Any) -> Step:
    """The step of a library; one has been taken."""

    def step() -> list[Any]:
        optimizer.zero_grad()
        y = model(x)
        loss = (y * y).mean() if labels is None else functional.cross_entropy(y, labels)
        loss.backward()
        optimizer.step()
        return [loss]

    step()
    return step


def drawn(network: Callable[[Any], Any]) -> Any:
    """Our network with the same weights at each call."""
    import nn

    nn.manual_seed(0)
    return network(nn)


def ours(network: Callable[[Any], Any], x: Any, labels: Any) -> Step:
    import nn

    model = drawn(network)
    return stepped(model, nn.optim.SGD(model.parameters(), lr=RATE), nn.functional, x, labels)


def pytorch(network: Callable[[Any], Any], x: Any, labels: Any) -> Step:
    import torch

    model = network(torch.nn)
    model.load_state_dict({key: torch.tensor(value) for key, value in drawn(network).state_dict().items()})
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    labels = None if labels is None else torch.tensor(labels)
    return stepped(model, optimizer, torch.nn.functional, torch.tensor(x), labels)


# -- networks --------------------------------------------------------------------------------------


def block(nn: Any) -> Any:
    """Convolution, batch norm, ReLU, twice, as in a residual block."""
    return nn.Sequential(
        nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16),
    )  # fmt: skip


def deep(nn: Any) -> Any:
    """30 layers of 32."""
    layers = [layer for _ in range(30) for layer in (nn.Linear(32, 32), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(32, 10))


def attention(nn: Any) -> Any:
    """Self-attention of 4 heads."""

    class Attention(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.heads = nn.MultiheadAttention(64, 4, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.heads(x, x, x, need_weights=False)[0]

    return Attention()


def resnet18(nn: Any) -> Any:
    """ResNet-18 for images of 32x32."""

    class Residual(nn.Module):  # type: ignore[misc]
        def __init__(self, n: int, m: int, stride: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(n, m, 3, stride, 1, bias=False), nn.BatchNorm2d(m), nn.ReLU(),
                nn.Conv2d(m, m, 3, 1, 1, bias=False), nn.BatchNorm2d(m),
            )  # fmt: skip
            short = [] if n == m else [nn.Conv2d(n, m, 1, stride, bias=False), nn.BatchNorm2d(m)]
            self.short, self.relu = nn.Sequential(*short), nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(self.body(x) + self.short(x))

    widths = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1)]
    widths += [(128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        *[Residual(*sizes) for sizes in widths],
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip


def gpt(nn: Any) -> Any:
    """Six blocks of width 192 with causal attention, over 65 symbols."""

    class GPT(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.symbols, self.places = nn.Embedding(65, 192), nn.Embedding(128, 192)
            self.blocks = nn.ModuleList(
                [
                    nn.TransformerEncoderLayer(192, 6, 768, 0.0, "gelu", batch_first=True, norm_first=True)
                    for _ in range(6)
                ]
            )
            self.norm, self.head = nn.LayerNorm(192), nn.Linear(192, 65)
            self.mask = nn.Transformer.generate_square_subsequent_mask(128)

        def forward(self, x: Any) -> Any:
            h = self.symbols(x) + self.places.weight
            for each in self.blocks:
                h = each(h, src_mask=self.mask, is_causal=True)
            return self.head(self.norm(h)).reshape(-1, 65)

    return GPT()


# -- data ------------------------------------------------------------------------------------------


def normal(batch: int, *shape: int, labels: bool = False) -> Callable[[int], tuple[Any, Any]]:
    """Draws inputs of a shape, and labels of ten classes where they are asked for."""

    def draw(most: int) -> tuple[Any, Any]:
        rng, n = np.random.default_rng(0), min(batch, most)
        x = rng.normal(size=(n, *shape)).astype(np.float32)
        return x, rng.integers(0, 10, n) if labels else None

    return draw


def text(most: int) -> tuple[Any, Any]:
    """16 lines of 128 symbols, and the symbols that follow."""
    symbols = np.random.default_rng(0).integers(0, 65, (min(16, most), 129))
    return symbols[:, :-1].copy(), symbols[:, 1:].reshape(-1)


BLOCKS: dict[str, Callable[[bool], Workload]] = {
    "block": partial(
        workload,
        "block",
        "convolution, batch norm, ReLU, convolution, batch norm, 16 channels, batch 32 of 32x32",
        block,
        normal(32, 16, 32, 32),
        {"pytorch": 1.2},
    ),
    "deep": partial(
        workload,
        "deep",
        "MLP of 30 layers of 32, batch 64",
        deep,
        normal(64, 32, labels=True),
        {"pytorch": 1.4},
    ),
    "attention": partial(
        workload,
        "attention",
        "attention of 8 x 64 x 64, 4 heads",
        attention,
        normal(8, 64, 64),
        {"pytorch": 1.1},
    ),
    "resnet18": partial(
        workload,
        "resnet18",
        "ResNet-18, batch 32 of 32x32",
        resnet18,
        normal(32, 3, 32, 32, labels=True),
        {"pytorch": 1.1},
    ),
    "gpt": partial(
        workload,
        "gpt",
        "GPT of 6 layers, width 192, T 128, batch 16",
        gpt,
        text,
        {"pytorch": 1.1},
    ),
}
"""The networks by name."""
