"""Sick nets: for each symptom of `ag.doctor` some that have it, in different shapes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as ag
import nn

SICK: dict[str, list[Callable[[], dict[str, Any]]]] = {}
"""The makers of each symptom. Each returns the arguments of `ag.doctor`."""


def sick(symptom: str) -> Callable[[Callable[[], dict[str, Any]]], Callable[[], dict[str, Any]]]:
    """Add a maker to the table."""

    def add(make: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
        SICK.setdefault(symptom, []).append(make)
        return make

    return add


def digits(n: int = 96) -> tuple[Any, Any]:
    X, y = nn.datasets.load_digits("train")
    return X[:n], y[:n]


def images(n: int = 64) -> tuple[Any, Any]:
    X, y = digits(n)
    return X.reshape(-1, 1, 8, 8), y


def noise(n: int = 80, features: int = 6) -> tuple[Any, Any]:
    """Points, and the class of each by the sign of a sum."""
    X = np.random.default_rng(3).normal(size=(n, features)).astype(np.float32)
    return X, (X.sum(axis=1) > 0).astype(int)


def curve(n: int = 60) -> tuple[Any, Any]:
    """A regression with targets of shape (n, 1)."""
    X = np.random.default_rng(4).normal(size=(n, 3)).astype(np.float32)
    return X, np.sin(X.sum(axis=1, keepdims=True))


def mlp(*widths: int, activation: Any = nn.ReLU) -> Any:
    layers: list[Any] = []
    for a, b in itertools.pairwise(widths):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1])


def cnn(*last: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(96, 10), *last
    )


class Reads(nn.Module):
    """A recurrent net that classifies by its last state."""

    def __init__(self, kind: Any = nn.RNN, features: int = 8, classes: int = 10, **options: Any) -> None:
        super().__init__()
        self.body, self.head = kind(features, 12, batch_first=True, **options), nn.Linear(12, classes)

    def forward(self, x: Any) -> Any:
        return self.head(self.body(x)[0][:, -1])


def case(model: Any, data: Any, loss: Any, **options: Any) -> dict[str, Any]:
    X, y = data
    return {"model": model, "x": X, "y": y, "loss": loss, **options}


CE, MSE = nn.CrossEntropyLoss(), nn.MSELoss()

# -- data ------------------------------------------------------------------------------------------


@sick("NaN or inf in the data")
def nan_in_a_table() -> Any:
    X, y = digits()
    X = X.copy()
    X[3, 7] = np.nan
    return case(mlp(64, 16, 10), (X, y), CE)


@sick("NaN or inf in the data")
def inf_in_targets() -> Any:
    X, y = curve()
    y = y.copy()
    y[5] = np.inf
    return case(mlp(3, 8, 1, activation=nn.Tanh), (X, y), MSE)


@sick("constant inputs")
def one_image_again_and_again() -> Any:
    X, y = images()
    return case(cnn(), (np.repeat(X[:1], len(X), axis=0), y), CE)


@sick("constant inputs")
def a_column_of_ones() -> Any:
    X, y = curve()
    return case(mlp(3, 8, 1), (np.ones_like(X), y), MSE)


@sick("unscaled inputs")
def pixels_as_bytes() -> Any:
    X, y = images()
    return case(cnn(), (np.round(255 * X), y), CE)


@sick("unscaled inputs")
def years_and_prices() -> Any:
    X, y = curve()
    return case(mlp(3, 8, 1, activation=nn.Tanh), (X * [1.0, 200.0, 3000.0] + [0.0, 1990.0, 0.0], y), MSE)


@sick("unscaled inputs")
def large_sequences() -> Any:
    X, y = digits()
    return case(Reads(), (100 * X.reshape(-1, 8, 8), y), CE)


@sick("labels off by one")
def labels_from_one() -> Any:
    X, y = digits()
    return case(mlp(64, 16, 10), (X, y + 1), CE)


@sick("labels off by one")
def labels_from_minus_one_wrap() -> Any:
    def loss(scores: Any, labels: Any) -> Any:
        return -np.mean(ag.log_softmax(scores)[np.arange(len(labels)), labels])

    X, y = images()
    return case(cnn(), (X, y - 1), loss)


@sick("labels out of range")
def too_few_outputs() -> Any:
    X, y = digits()
    return case(mlp(64, 16, 7), (X, y), CE)


@sick("labels out of range")
def one_and_two_for_a_binary_loss() -> Any:
    X, y = noise()
    return case(mlp(6, 8, 1), (X, (y + 1.0)[:, None]), nn.BCEWithLogitsLoss())


@sick("one-hot labels")
def one_hot_integers() -> Any:
    X, y = images()
    return case(cnn(), (X, np.eye(10, dtype=int)[y]), CE)


@sick("one-hot labels")
def one_hot_for_nll() -> Any:
    X, y = noise()
    return case(nn.Sequential(mlp(6, 8, 2), nn.LogSoftmax(dim=1)), (X, np.eye(2)[y]), nn.NLLLoss())


@sick("labels of a wrong kind")
def labels_as_floats() -> Any:
    X, y = digits()
    return case(mlp(64, 16, 10), (X, y.astype(float)), CE)


@sick("labels of a wrong kind")
def labels_in_a_column() -> Any:
    X, y = images()
    return case(cnn(), (X, y[:, None]), CE)


# -- wiring ----------------------------------------------------------------------------------------


@sick("targets broadcast")
def a_column_meets_a_row() -> Any:
    X, y = curve()
    return case(mlp(3, 8, 1), (X, y[:, 0]), lambda out, y: np.mean((out - y) ** 2))


@sick("targets broadcast")
def a_row_meets_a_column() -> Any:
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = mlp(3, 8, 1, activation=nn.Tanh)

        def forward(self, x: Any) -> Any:
            return self.body(x)[:, 0]

    return case(Flat(), curve(), lambda out, y: np.abs(out - y).sum())


@sick("targets broadcast")
def a_loss_that_refuses() -> Any:
    X, y = curve()
    return case(mlp(3, 8, 1), (X, y[:, 0]), MSE)


@sick("softmax before the loss")
def softmax_before_cross_entropy() -> Any:
    return case(cnn(nn.Softmax(dim=1)), images(), CE)


@sick("softmax before the loss")
def log_softmax_before_cross_entropy() -> Any:
    return case(nn.Sequential(Reads(nn.GRU), nn.LogSoftmax(dim=1)), (images()[0][:, 0], images()[1]), CE)


@sick("softmax before the loss")
def sigmoid_before_binary_scores() -> Any:
    X, y = noise()
    model = nn.Sequential(mlp(6, 8, 1), nn.Sigmoid())
    return case(model, (X, y[:, None].astype(np.float32)), nn.functional.binary_cross_entropy_with_logits)


@sick("softmax before the loss")
def softmax_twice_in_numpy() -> Any:
    w = ag.Tensor(np.random.default_rng(0).normal(size=(6, 2)), requires_grad=True, name="w")

    def loss(p: Any, y: Any) -> Any:
        return -np.mean(ag.log_softmax(p)[np.arange(len(y)), y])

    return case(lambda x: ag.softmax(x @ w), noise(), loss)


@sick("evaluation mode")
def dropout_is_off() -> Any:
    return case(nn.Sequential(mlp(64, 16, 16), nn.Dropout(), nn.Linear(16, 10)).eval(), digits(), CE)


@sick("evaluation mode")
def batch_norm_is_off() -> Any:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
    model.get_submodule("1").eval()
    return case(model, images(), CE)


@sick("batch of one sample")
def batch_norm_of_one_row() -> Any:
    model = nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 10))
    return case(model, digits(), CE, batch_size=1)


@sick("batch of one sample")
def batch_norm_of_one_image() -> Any:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
    return case(model, images(1), CE)


class Cut(nn.Module):
    """Two layers with something between them."""

    def __init__(self, between: Callable[[Any], Any]) -> None:
        super().__init__()
        self.first, self.second, self.between = nn.Linear(64, 16), nn.Linear(16, 10), between

    def forward(self, x: Any) -> Any:
        hidden = nn.functional.relu(self.first(x))
        return self.second(self.between(hidden))


@sick("detached part")
def detach_in_the_middle() -> Any:
    return case(Cut(lambda h: h.detach()), digits(), CE)


@sick("detached part")
def numpy_in_the_middle() -> Any:
    return case(Cut(lambda h: h.numpy() * 2), digits(), CE)


@sick("detached part")
def no_grad_around_the_body() -> Any:
    class Frozen(Reads):
        def forward(self, x: Any) -> Any:
            with ag.no_grad():
                states = self.body(x)[0]
            return self.head(states[:, -1])

    return case(Frozen(nn.LSTM), (images()[0][:, 0], images()[1]), CE)


@sick("unused part")
def a_layer_that_is_not_called() -> Any:
    class Forgetful(Reads):
        def __init__(self) -> None:
            super().__init__()
            self.extra = nn.Linear(3, 3)

    return case(Forgetful(), (images()[0][:, 0], images()[1]), CE)


@sick("unused part")
def the_second_head() -> Any:
    model = Cut(lambda h: h)
    model.other = nn.Linear(16, 10)
    return case(model, digits(), CE)


@sick("frozen part")
def a_frozen_first_layer() -> Any:
    model = cnn()
    model.get_submodule("0").requires_grad_(False)
    return case(model, images(), CE)


@sick("frozen part")
def one_frozen_bias() -> Any:
    model = mlp(6, 8, 2)
    model.get_parameter("0.bias").requires_grad = False
    return case(model, noise(), CE)


@sick("not in the optimizer")
def only_the_head_is_trained() -> Any:
    model = Reads(nn.GRU)
    optimizer = nn.optim.Adam(model.head.parameters(), lr=0.01)
    return case(model, (images()[0][:, 0], images()[1]), CE, optimizer=optimizer)


@sick("not in the optimizer")
def a_head_made_later() -> Any:
    model = mlp(64, 16, 5)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    model.set_submodule("2", nn.Linear(16, 10))
    return case(model, digits(), CE, optimizer=optimizer)


@sick("no nonlinearity")
def two_linear_layers() -> Any:
    return case(nn.Sequential(nn.Linear(64, 32), nn.Linear(32, 10)), digits(), CE)


@sick("no nonlinearity")
def two_products_in_numpy() -> Any:
    rng = np.random.default_rng(0)
    v = ag.Tensor(rng.normal(size=(6, 9)) / 3, requires_grad=True)
    w, b = (
        ag.Tensor(rng.normal(size=(9, 2)) / 3, requires_grad=True),
        ag.Tensor(np.zeros(9), requires_grad=True),
    )
    return case(lambda x: (x @ v + b) @ w, noise(), CE)


@sick("equal weights")
def all_weights_one_half() -> Any:
    model = mlp(6, 8, 2, activation=nn.Tanh)
    for p in model.parameters():
        nn.init.constant_(p, 0.05)
    return case(model, noise(), CE)


@sick("equal weights")
def equal_kernels() -> Any:
    model = cnn()
    nn.init.ones_(model.get_parameter("0.weight"))
    nn.init.zeros_(model.get_parameter("0.bias"))
    nn.init.constant_(model.get_parameter("4.weight"), 0.1)
    return case(model, images(), CE)


# -- signals ---------------------------------------------------------------------------------------


@sick("kinks")
def zeros_before_a_relu() -> Any:
    model = mlp(64, 16, 10)
    nn.init.zeros_(model.get_parameter("0.weight"))
    nn.init.zeros_(model.get_parameter("0.bias"))
    return case(model, digits(), CE)


@sick("kinks")
def zero_kernels() -> Any:
    model = cnn()
    model.get_parameter("0.weight").data[3:] = 0
    model.get_parameter("0.bias").data[3:] = 0
    return case(model, images(), CE)


@sick("dead units")
def far_below_zero() -> Any:
    model = mlp(64, 32, 32, 10)
    nn.init.constant_(model.get_parameter("2.bias"), -20.0)
    return case(model, digits(), CE)


@sick("dead units")
def a_quarter_of_the_units() -> Any:
    model = mlp(6, 24, 2)
    model.get_parameter("0.bias").data[::4] = -50.0
    return case(model, noise(), CE)


@sick("dead units")
def dead_channels() -> Any:
    model = cnn()
    nn.init.constant_(model.get_parameter("0.bias"), -9.0)
    return case(model, images(), CE)


@sick("dead units")
def killed_by_the_rate() -> Any:
    model = mlp(64, 32, 10)
    return case(model, digits(), CE, optimizer=nn.optim.SGD(model.parameters(), lr=300.0))


@sick("dead units")
def a_dead_recurrence() -> Any:
    model = Reads(nn.RNN, nonlinearity="relu")
    nn.init.constant_(model.get_parameter("body.bias_ih_l0"), -30.0)
    return case(model, (images()[0][:, 0], images()[1]), CE)


@sick("saturated activations")
def large_weights_before_tanh() -> Any:
    model = mlp(64, 32, 10, activation=nn.Tanh)
    model.get_parameter("0.weight").data *= 60
    return case(model, digits(), CE)


@sick("saturated activations")
def sigmoids_in_a_cnn() -> Any:
    model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.Sigmoid(), nn.Flatten(), nn.Linear(216, 10))
    nn.init.normal_(model.get_parameter("0.weight"), std=20.0)
    return case(model, images(), CE)


@sick("saturated activations")
def a_saturated_recurrence() -> Any:
    model = Reads(nn.RNN)
    model.get_parameter("body.weight_hh_l0").data *= 30
    return case(model, (images()[0][:, 0], images()[1]), CE)


@sick("vanishing gradients")
def twelve_sigmoids() -> Any:
    return case(mlp(64, *[24] * 12, 10, activation=nn.Sigmoid), digits(), CE)


@sick("vanishing gradients")
def small_kernels() -> Any:
    layers: list[Any] = [nn.Conv2d(1, 4, 3, padding=1), nn.Tanh()]
    for _ in range(5):
        layers += [nn.Conv2d(4, 4, 3, padding=1), nn.Tanh()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(256, 10))
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.01)
    return case(model, images(), CE)


@sick("exploding gradients")
def large_weights_in_a_deep_net() -> Any:
    model = mlp(64, *[32] * 7, 10)
    for p in model.parameters():
        if p.ndim == 2:
            nn.init.normal_(p, std=1.5)
    return case(model, digits(), CE)


@sick("exploding gradients")
def a_recurrence_that_grows() -> Any:
    model = Reads(nn.RNN, nonlinearity="relu")
    model.get_parameter("body.weight_hh_l0").data[:] = 3 * np.eye(12) + 0.5
    return case(model, (images()[0][:, 0], images()[1]), CE)


@sick("NaN or inf")
def a_logarithm_of_zero() -> Any:
    class Logs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 2)

        def forward(self, x: Any) -> Any:
            return np.log(nn.functional.relu(self.layer(x)))

    return case(Logs(), noise(), lambda out, y: np.mean(out))


@sick("NaN or inf")
def a_root_at_zero() -> Any:
    class Lengths(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(1, 3, 3)

        def forward(self, x: Any) -> Any:
            return np.sqrt(np.sum((self.layer(x) * 0) ** 2, axis=(2, 3)))

    return case(Lengths(), images(), lambda out, y: np.mean(out))


@sick("NaN or inf")
def an_overflow_while_training() -> Any:
    model = mlp(3, 16, 1)
    return case(model, curve(), MSE, optimizer=nn.optim.SGD(model.parameters(), lr=1e4))


# -- steps -----------------------------------------------------------------------------------------


def step_of(model: Any, loss: Any, optimizer: Any, zeroed: bool = True, moved: bool = True) -> Any:
    def step(x: Any, y: Any) -> Any:
        if zeroed:
            optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        if moved:
            optimizer.step()
        return value

    return step


@sick("gradients not zeroed")
def no_zero_grad_in_a_cnn() -> Any:
    model = cnn()
    step = step_of(model, CE, nn.optim.Adam(model.parameters(), lr=0.002), zeroed=False)
    return case(model, images(), CE, step=step)


@sick("gradients not zeroed")
def no_zero_grad_by_hand() -> Any:
    w = ag.Tensor(np.zeros((3, 1)), requires_grad=True)

    def loss(out: Any, y: Any) -> Any:
        return np.mean((out - y) ** 2)

    def step(x: Any, y: Any) -> Any:
        value = loss(x @ w, y)
        value.backward()
        assert w.grad is not None
        w.data -= 0.01 * w.grad
        return value.item()

    return case(lambda x: x @ w, curve(), loss, step=step)


@sick("weights that never move")
def no_step() -> Any:
    model = Reads()
    step = step_of(model, CE, nn.optim.Adam(model.parameters(), lr=0.002), moved=False)
    return case(model, (images()[0][:, 0], images()[1]), CE, step=step)


@sick("weights that never move")
def a_rate_of_zero() -> Any:
    model = mlp(64, 16, 10)
    groups = [
        {"params": model.get_submodule("0").parameters(), "lr": 0.0},
        {"params": model.get_submodule("2").parameters()},
    ]
    return case(model, digits(), CE, optimizer=nn.optim.SGD(groups, lr=0.1))


@sick("rate too high")
def descent_that_jumps() -> Any:
    model = mlp(3, 8, 1, activation=nn.Tanh)
    return case(model, curve(), MSE, optimizer=nn.optim.SGD(model.parameters(), lr=20.0))


@sick("rate too high")
def adam_that_jumps() -> Any:
    model = cnn()
    return case(model, images(), CE, optimizer=nn.optim.Adam(model.parameters(), lr=3.0))


@sick("rate too low")
def descent_that_creeps() -> Any:
    model = mlp(64, 16, 10)
    return case(model, digits(), CE, optimizer=nn.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9))


@sick("rate too low")
def a_line_that_creeps() -> Any:
    model = nn.Linear(3, 1)
    return case(model, curve(), MSE, optimizer=nn.optim.SGD(model.parameters(), lr=1e-7))


@sick("rate too low")
def adam_that_creeps() -> Any:
    model = Reads(nn.GRU)
    step = step_of(model, CE, nn.optim.Adam(model.parameters(), lr=1e-7))
    return case(model, (images()[0][:, 0], images()[1]), CE, step=step)


@sick("an error")
def a_model_that_raises() -> Any:
    return case(mlp(64, 16, 10), images(), CE)


@sick("an error")
def a_loss_of_many_numbers() -> Any:
    return case(cnn(), images(), nn.CrossEntropyLoss(reduction="none"))
