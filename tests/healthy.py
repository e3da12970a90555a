"""More than twenty sound nets with sound data and rates, in which `ag.doctor` must find nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as ag
import nn
from tests.sick import CE, MSE, Reads, case, digits, images, mlp, step_of

HEALTHY: dict[str, Callable[[], dict[str, Any]]] = {}
"""The makers, by name. Each returns the arguments of `ag.doctor`."""


def healthy(make: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Add a maker to the table."""
    HEALTHY[make.__name__] = make
    return make


def adam(model: Any, data: Any, loss: Any, lr: float = 1e-3, **options: Any) -> dict[str, Any]:
    return case(model, data, loss, optimizer=nn.optim.Adam(model.parameters(), lr=lr), **options)


def sgd(model: Any, data: Any, loss: Any, lr: float = 0.1, **options: Any) -> dict[str, Any]:
    return case(model, data, loss, optimizer=nn.optim.SGD(model.parameters(), lr=lr, momentum=0.9), **options)


def he(model: Any, gain: str = "relu") -> Any:
    for p in model.parameters():
        if p.ndim > 1:
            nn.init.kaiming_normal_(p, nonlinearity=gain)
        else:
            nn.init.zeros_(p)
    return model


def sequences(n: int = 96) -> tuple[Any, Any]:
    X, y = digits(n)
    return X.reshape(-1, 8, 8), y


def tokens(n: int = 96) -> tuple[Any, Any]:
    """Sequences of numbers below 20, and whether the first of them comes again."""
    X = np.random.default_rng(8).integers(0, 20, size=(n, 12))
    return X, (X[:, 1:] == X[:, :1]).any(axis=1).astype(int)


def waves(n: int = 120) -> tuple[Any, Any]:
    X = np.random.default_rng(5).normal(size=(n, 4))
    return X.astype(np.float32), np.sin(X @ [[1.0], [0.5], [-0.3], [0.8]]).astype(np.float32)


@healthy
def a_small_relu_net() -> Any:
    return adam(mlp(64, 32, 10), digits(), CE)


@healthy
def tanh_with_momentum() -> Any:
    return sgd(mlp(64, 32, 32, 10, activation=nn.Tanh), digits(), CE, 0.05)


@healthy
def gelu_with_adamw() -> Any:
    model = mlp(64, 48, 48, 10, activation=nn.GELU)
    return case(model, digits(), CE, optimizer=nn.optim.AdamW(model.parameters(), lr=2e-3))


@healthy
def selu_with_its_weights() -> Any:
    return adam(he(mlp(64, *[32] * 6, 10, activation=nn.SELU), "linear"), digits(), CE)


@healthy
def a_convolutional_net() -> Any:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 10),
    )  # fmt: skip
    return adam(model, images(96), CE)


@healthy
def kernels_of_he_without_biases() -> Any:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2), nn.ReLU(),
        nn.Flatten(), nn.Linear(72, 10),
    )  # fmt: skip
    return sgd(he(model), images(96), CE, 0.01)


class Block(nn.Module):
    """x + f(x), with batch norm."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = (
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.conv2, self.norm2 = (
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Any) -> Any:
        inner = nn.functional.relu(self.norm1(self.conv1(x)))
        return nn.functional.relu(x + self.norm2(self.conv2(inner)))


@healthy
def residual_blocks() -> Any:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), Block(8), Block(8), Block(8), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 10),
    )  # fmt: skip
    return adam(model, images(96), CE, 3e-3)


@healthy
def residual_blocks_that_begin_as_identity() -> Any:
    blocks = [Block(8), Block(8)]
    for block in blocks:
        nn.init.zeros_(block.norm2.weight)
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), *blocks, nn.Flatten(), nn.Linear(512, 10))
    return sgd(model, images(96), CE, 0.01)


@healthy
def batch_norm_in_a_deep_net() -> Any:
    layers: list[Any] = []
    for a, b in [(64, 32), *[(32, 32)] * 5]:
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU()]
    return adam(nn.Sequential(*layers, nn.Linear(32, 10)), digits(), CE)


@healthy
def layer_norm() -> Any:
    layers: list[Any] = []
    for a, b in [(64, 32), *[(32, 32)] * 3]:
        layers += [nn.Linear(a, b), nn.LayerNorm(b), nn.SiLU()]
    return adam(nn.Sequential(*layers, nn.Linear(32, 10)), digits(), CE)


@healthy
def an_lstm() -> Any:
    return adam(Reads(nn.LSTM), sequences(), CE, 0.01)


@healthy
def a_gru_by_its_own_step() -> Any:
    model = Reads(nn.GRU)
    step = step_of(model, CE, nn.optim.Adam(model.parameters(), lr=0.01))
    return case(model, sequences(), CE, step=step)


@healthy
def a_recurrent_net() -> Any:
    return adam(Reads(nn.RNN), sequences(), CE, 0.005)


class Encoder(nn.Module):
    """Embedding, positions, one block of a transformer, the mean of all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.head = nn.Embedding(20, 16), nn.Linear(16, 2)
        self.places = nn.Parameter(
            0.02 * np.random.default_rng(0).normal(size=(1, 12, 16)).astype(np.float32)
        )
        self.block = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.head(self.block(self.tokens(x) + self.places).mean(axis=1))


@healthy
def a_transformer() -> Any:
    return adam(Encoder(), tokens(), CE)


@healthy
def a_bag_of_words() -> Any:
    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.head = nn.Embedding(20, 8), mlp(8, 16, 1)

        def forward(self, x: Any) -> Any:
            return self.head(self.words(x).mean(axis=1))[:, 0]

    X, y = tokens()
    return adam(Bag(), (X, y.astype(np.float32)), nn.BCEWithLogitsLoss(), 0.01)


@healthy
def an_autoencoder() -> Any:
    model = nn.Sequential(
        nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4), nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 64)
    )
    X, _ = digits()
    return adam(model, (X, X), MSE)


@healthy
def a_regression() -> Any:
    return adam(mlp(4, 32, 32, 1), waves(), MSE)


@healthy
def a_softmax_classifier() -> Any:
    return sgd(nn.Linear(64, 10), digits(), CE, 0.1)


@healthy
def a_deep_narrow_net() -> Any:
    return adam(he(mlp(64, *[16] * 12, 10)), digits(), CE)


@healthy
def probabilities_and_their_loss() -> Any:
    model = nn.Sequential(mlp(64, 32, 10), nn.LogSoftmax(dim=1))
    return adam(model, digits(), nn.NLLLoss())


@healthy
def sigmoids_of_two_layers() -> Any:
    X, y = digits()
    model = nn.Sequential(mlp(64, 16, 1, activation=nn.Sigmoid), nn.Sigmoid())
    return adam(model, (X, (y > 4).astype(np.float32)[:, None]), nn.BCELoss(), 0.01)


@healthy
def plain_numpy() -> Any:
    rng = np.random.default_rng(1)
    v = ag.Tensor(rng.normal(size=(4, 16)) / 2, requires_grad=True)
    w = ag.Tensor(rng.normal(size=(16, 1)) / 4, requires_grad=True)

    def loss(out: Any, y: Any) -> Any:
        return np.mean((out - y) ** 2)

    def step(x: Any, y: Any) -> Any:
        value = loss(np.tanh(x @ v) @ w, y)
        for p, g in zip((v, w), ag.Tape().gradient(value, [v, w]), strict=True):
            p.data -= 0.1 * g.numpy()
        return value.item()

    return case(lambda x: np.tanh(x @ v) @ w, waves(), loss, step=step)


@healthy
def images_scaled_by_the_model() -> Any:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = mlp(64, 32, 10)

        def forward(self, x: Any) -> Any:
            return self.body(x / 255)

    X, y = digits()
    return adam(Scaled(), (255 * X, y), CE)


@healthy
def features_of_all_sizes_before_batch_norm() -> Any:
    X, y = waves()
    model = nn.Sequential(nn.BatchNorm1d(4), mlp(4, 16, 1, activation=nn.Tanh))
    return adam(model, ((X * [1, 10, 100, 1000]).astype(np.float32), y), MSE, 0.01)


@healthy
def a_careful_rate() -> Any:
    model = mlp(64, 32, 10)
    return case(model, digits(), CE, optimizer=nn.optim.SGD(model.parameters(), lr=0.001))


@healthy
def a_language_model() -> Any:
    class Next(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.head = nn.Embedding(20, 16), nn.Linear(16, 20)
            self.blocks = nn.ModuleList(
                nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True) for _ in range(2)
            )

        def forward(self, x: Any) -> Any:
            mask, h = np.triu(np.full((x.shape[1],) * 2, -np.inf, np.float32), 1), self.tokens(x)
            for block in self.blocks:
                h = block(h, src_mask=mask)
            return self.head(h)

    X, _ = tokens()

    def loss(scores: Any, following: Any) -> Any:
        return nn.functional.cross_entropy(scores.reshape(-1, 20), following.reshape(-1))

    return adam(Next(), (X[:, :-1], X[:, 1:]), loss)
