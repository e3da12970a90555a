"""One run: the network of a config, its data, its optimizer, and how far it is. Knows nothing of threads."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from autograd_lite.errors import OptionError

from .data import made
from .draws import Draws
from .network import built, columns, linear_layers, optimizer_options, outputs_by_layer
from .options import SCHEDULED, SCHEDULES, SIDE, Config

__all__ = ["Training"]

Array = npt.NDArray[Any]

GRID = 50
"""How many points along each side of a map."""

MOST_PATH = 400
"""How many points of the path through the weights are kept."""

NEW_RUN = (
    "problem", "dataset", "noise", "ratio", "seed", "points", "start", "features", "hidden", "edits",
    "activation", "batchnorm", "dropout",
)  # fmt: skip
"""A change of these begins anew; the others change the run from now on."""


def grid() -> Array:
    """The points of a map, row by row from the top left."""
    ticks = (np.arange(GRID) + 0.5) / GRID * 2 * SIDE - SIDE
    x1, x2 = np.meshgrid(ticks, ticks[::-1])
    return np.stack([x1.ravel(), x2.ravel()], axis=1).astype(np.float32)


class Training:
    """A run that goes step by step.

    Attributes:
        config: what was chosen.
        data: the points.
        model: the network.
        steps, epoch: how many steps and whole epochs have been made.
        last_step_loss: the loss of the last batch, before its step.
        path: the parameters as vectors, from time to time.

    Example:
        >>> run = Training(Config(dataset="gauss"))
        >>> before = run.losses()[0]
        >>> for _ in range(100):
        ...     run.step()
        >>> run.epoch, run.losses()[0] < before / 4
        (4, True)
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.data = made(config)
        self.reset()

    def reset(self) -> None:
        """Back to the first weights, before the first step."""
        self._draws = Draws(self.config.start)
        with self._draws:
            self.model = built(self.config)
        self.linear = linear_layers(self.model)
        for i, layer in enumerate(self.linear, 1):
            layer.weight.name, layer.bias.name = f"W{i}", f"b{i}"
        for edit in self.config.edits:
            self._set(*edit)
        self.steps = self.epoch = 0
        self.last_step_loss = 0.0
        self.path: list[Array] = []
        self._stride = 1
        self._order = np.random.default_rng(self.config.start)
        self._batches: list[Array] = []
        self._epoch_losses: list[float] = []
        self._prepare()
        self._remember()

    def change(self, config: Config) -> bool:
        """Go on with another config; whether that begins a new run."""
        before, self.config = self.config, config
        if any(getattr(before, name) != getattr(config, name) for name in NEW_RUN):
            self.data = made(config)
            self.reset()
            return True
        if config.batch != before.batch:
            self._batches = []
        self._prepare(new_optimizer=optimizer_of(before) != optimizer_of(config))
        return False

    def _prepare(self, new_optimizer: bool = True) -> None:
        config = self.config
        self._X = columns(config.features, self.data.X)
        points = np.concatenate([grid(), self.data.X, self.data.X_test])
        self._looked_at = columns(config.features, points)
        if not new_optimizer:
            return
        make = getattr(nn.optim, config.optimizer)
        self.optimizer = make(self.model.parameters(), **optimizer_options(config))
        self.schedule: Any = None
        if config.schedule != "constant":
            schedule = getattr(nn.optim.lr_scheduler, config.schedule)
            self.schedule = schedule(self.optimizer, **SCHEDULES[config.schedule](config.rate))
        self._scheduled = 0

    # -- steps -------------------------------------------------------------------------------------

    def step(self) -> None:
        """One step of the optimizer, on the next batch."""
        if not len(self._X):
            raise OptionError("there is no point to train on: add points, or choose a data set")
        if not self._batches:
            self._batches = self._new_epoch()
        rows = self._batches.pop()
        X, y = self._X[rows], self.data.y[rows]

        def closure() -> Any:
            self.optimizer.zero_grad()
            loss = self.loss(self.model(X), y)
            loss.backward()
            return loss

        with self._draws if self.config.dropout else nullcontext():
            loss = self.optimizer.step(closure)
        self.last_step_loss = float(loss.numpy())
        self._epoch_losses.append(self.last_step_loss)
        self.steps += 1
        if self.steps % self._stride == 0:
            self._remember()
        if not self._batches:
            self._end_epoch()

    def left_of_epoch(self) -> int:
        """How many steps it is to the end of the epoch."""
        return len(self._batches) or max(1, len(self._X) // self.config.batch)

    def loss(self, outputs: Any, y: Any) -> Any:
        """Half the mean squared error, and what the regularization adds."""
        loss = nn.functional.mse_loss(outputs, y) / 2
        strength = self.config.strength
        if strength and self.config.regularization != "none":
            for layer in self.linear:
                w = layer.weight
                size = np.sum(np.abs(w)) if self.config.regularization == "L1" else np.sum(w**2) / 2
                loss = loss + strength * size
        return loss

    def _new_epoch(self) -> list[Array]:
        """The batches of an epoch, the first one last; a rest that is no whole batch is left out."""
        n, batch = len(self._X), min(self.config.batch, len(self._X))
        order = self._order.permutation(n)
        return [order[i : i + batch] for i in range(0, n - batch + 1, batch)][::-1]

    def _end_epoch(self) -> None:
        self.epoch += 1
        mean, self._epoch_losses = float(np.mean(self._epoch_losses)), []
        if self.schedule is not None and self._scheduled < SCHEDULED:
            self._scheduled += 1
            plateau = self.config.schedule == "ReduceLROnPlateau"
            self.schedule.step(mean) if plateau else self.schedule.step()

    def _remember(self) -> None:
        """Keep where the weights are; when the path is long, every second point of it stays."""
        self.path.append(nn.utils.parameters_to_vector(self.model.parameters()).numpy().copy())
        if len(self.path) > MOST_PATH:
            self.path, self._stride = self.path[::2], self._stride * 2

    # -- looks -------------------------------------------------------------------------------------

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def looked(self) -> tuple[list[Array], list[Array]]:
        """What every neuron gives, layer by layer: on the grid, and on the training points."""
        was = self.model.training
        self.model.eval()
        try:
            layers = outputs_by_layer(self.model, self._looked_at)
        finally:
            self.model.train(was)
        self._last = layers[-1]
        n, m = GRID * GRID, GRID * GRID + len(self.data.X)
        return [layer[:n] for layer in layers], [layer[n:m] for layer in layers]

    def losses(self) -> tuple[float, float]:
        """Half the mean squared error on training and test points; NaN where there are none."""
        self.looked()
        return self.last_losses()

    def last_losses(self) -> tuple[float, float]:
        """The losses of the last look."""
        n = GRID * GRID
        targets = np.concatenate([self.data.y, self.data.y_test])
        errors, m = np.square(self._last[n:] - targets).ravel() / 2, len(self.data.y)
        parts = errors[:m], errors[m:]
        train, test = (float(part.mean()) if len(part) else float("nan") for part in parts)
        return train, test

    def twin(self) -> Training:
        """A copy to look into for long, while the run goes on."""
        other = copy.copy(self)
        other.model = copy.deepcopy(self.model)
        other.linear, other.path = linear_layers(other.model), list(self.path)
        return other

    def parameters(self) -> tuple[Array, Array]:
        """All weights and biases as a vector, and their gradients: each layer's rows, then its biases."""
        own = [p for layer in self.linear for p in (layer.weight, layer.bias)]
        values = [p.numpy().ravel() for p in own]
        slopes = [np.full(p.size, np.nan) if p.grad is None else p.grad.numpy().ravel() for p in own]
        return np.concatenate(values), np.concatenate(slopes)

    def set_parameter(self, layer: int, row: int, column: int | None, value: float) -> None:
        """Change one weight, or without a column one bias, by hand.

        Before the first step the change becomes a part of the config: the run begins with it from now on.

        Raises:
            OptionError: there is no such weight.
        """
        edit = (layer, row, -1 if column is None else column, value)
        self._set(*edit)
        if not self.steps:
            others = tuple(old for old in self.config.edits if old[:3] != edit[:3])
            self.config = replace(self.config, edits=(*others, edit))
        self._remember()

    def _set(self, layer: int, row: int, column: int, value: float) -> None:
        try:
            linear = self.linear[layer]
            parameter, place = (linear.bias, (row,)) if column == -1 else (linear.weight, (row, column))
            if min(layer, *place) < 0:
                raise IndexError
            with ag.no_grad():
                parameter.data[place] = value
        except IndexError:
            raise OptionError(f"layer {layer} has no weight at row {row}, column {column}") from None


def optimizer_of(config: Config) -> tuple[Any, ...]:
    """What an optimizer and its schedule are made of."""
    return config.optimizer, config.rate, config.momentum, config.schedule
