"""A training loop: `Trainer(model, loss, optimizer).fit(X, y, ...)`."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import AnomalyError, DataError, DTypeError, OptionError, ShapeError

from . import metrics as known_metrics
from .data import DataLoader, TensorDataset
from .module import Module
from .optim import Optimizer

__all__ = ["Callback", "History", "Trainer"]

Array = npt.NDArray[Any]
Loss = Callable[[Any, Any], Any]
Metric = Callable[[Array, Array], float]
Logs = Mapping[str, float]

LINES = 10
"""About how many epochs are reported where there is no terminal."""


class History(dict[str, list[float]]):
    """What was measured, by name, with one number for each epoch.

    Example:
        >>> history = History()
        >>> history.add({"loss": 0.5, "val_loss": 0.6})
        >>> history.add({"loss": 0.3, "val_loss": 0.5})
        >>> history["loss"], history.last()
        ([0.5, 0.3], {'loss': 0.3, 'val_loss': 0.5})
    """

    def add(self, logs: Logs) -> None:
        """Append the numbers of one epoch."""
        for name, value in logs.items():
            self.setdefault(name, []).append(value)

    def last(self) -> dict[str, float]:
        """The numbers of the last epoch."""
        return {name: values[-1] for name, values in self.items()}


class Callback:
    """Base class of what is called while a model is trained; override what you need.

    Attributes:
        trainer: the Trainer; `self.trainer.stop_training = True` ends after this epoch.
    """

    trainer: Trainer

    def on_train_begin(self, epochs: int, steps: int) -> None:
        """Before the first of `epochs` epochs of `steps` batches each."""

    def on_batch_end(self, step: int, loss: float) -> None:
        """After the parameters were changed; steps count from 0 in each epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After the validation; epochs count from 0."""

    def on_train_end(self) -> None:
        """After the last epoch, and when training ends with an error."""


class Trainer:
    """A model, its loss and its optimizer, and the loop that brings them together.

    Args:
        model: from inputs to outputs.
        loss: `loss(outputs, targets)`, a single number: the mean over the batch.
        optimizer: of the model's parameters.
        metrics: functions `metric(outputs, targets)` of a whole set, or their names in `nn.metrics`.
        callbacks: see `Callback`.

    Example:
        >>> import numpy as np, nn
        >>> nn.manual_seed(0)
        >>> model = nn.Linear(1, 1)
        >>> trainer = nn.Trainer(model, nn.MSELoss(), nn.optim.SGD(model.parameters(), lr=0.1))
        >>> X = np.linspace(-1, 1, 20)[:, None]
        >>> history = trainer.fit(X, 3 * X + 1, epochs=50, batch_size=5, verbose=False)
        >>> model.weight.data.round(3), model.bias.data.round(3)
        (array([[3.]], dtype=float32), array([1.], dtype=float32))
    """

    def __init__(
        self,
        model: Module,
        loss: Loss,
        optimizer: Optimizer,
        metrics: Iterable[Metric | str] = (),
        callbacks: Iterable[Callback] = (),
    ) -> None:
        if isinstance(loss, type) or not callable(loss):
            shown = loss.__name__ if isinstance(loss, type) else repr(loss)
            raise DTypeError(f"Trainer: the loss is {shown}; expected a function, e.g. nn.CrossEntropyLoss()")
        if not isinstance(optimizer, Optimizer):
            raise DTypeError(
                f"Trainer: the optimizer is {optimizer!r}; write nn.optim.Adam(model.parameters(), lr=...)"
            )
        own = {id(p) for p in model.parameters()}
        given = {id(p) for group in optimizer.param_groups for p in group["params"]}
        if own and not own & given:
            raise OptionError(
                "Trainer: the optimizer has none of this model's parameters, so nothing would be trained; "
                f"write nn.optim.{type(optimizer).__name__}(model.parameters(), ...)"
            )
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        names = [metrics] if isinstance(metrics, str) else metrics
        self.metrics = {_name(metric): _metric(metric) for metric in names}
        self.callbacks = list(callbacks)
        self.stop_training = False

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        epochs: int = 1,
        batch_size: int = 32,
        validation_data: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        shuffle: bool = True,
        verbose: bool = True,
    ) -> History:
        """Train the model.

        Args:
            X: inputs, of shape (n, ...); floating-point ones are cast to the dtype of the model.
            y: targets, of shape (n, ...).
            epochs: how many times to go through the data.
            batch_size: samples for each step.
            validation_data: a pair (X, y) that is measured after each epoch.
            shuffle: whether each epoch has an order of its own.
            verbose: show a progress bar on a terminal, and a few lines elsewhere.

        Returns:
            For "loss", each metric, and these with "val_" in front, one number for each epoch. Loss
            and metrics of the training data are those found while training, batch by batch.

        Raises:
            DataError: there is no data.
            ShapeError: X and y are of different lengths.
            AnomalyError: the loss became NaN or inf; the parameters are those before that step.
        """
        dataset = self._dataset(X, y, "fit")
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
                raise DTypeError("fit(validation_data=...): expected a pair (X, y)")
            self._dataset(*validation_data, "fit(validation_data=...)")
        if epochs < 1:
            raise OptionError(f"fit(epochs={epochs}): expected at least 1")
        loader = DataLoader(dataset, batch_size, shuffle)
        callbacks = [*self.callbacks, *([_progress()] if verbose else [])]
        history = History()
        self.stop_training = False
        for callback in callbacks:
            callback.trainer = self
            callback.on_train_begin(epochs, len(loader))
        try:
            for epoch in range(epochs):
                logs = self._train(loader, epoch, callbacks)
                if validation_data is not None:
                    measured = self.evaluate(*validation_data, batch_size=max(batch_size, 256))
                    logs |= {f"val_{name}": value for name, value in measured.items()}
                history.add(logs)
                for callback in callbacks:
                    callback.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
        finally:
            for callback in callbacks:
                callback.on_train_end()
        return history

    def evaluate(self, X: npt.ArrayLike, y: npt.ArrayLike, batch_size: int = 256) -> dict[str, float]:
        """Loss and metrics on data, in evaluation mode.

        Args:
            X: inputs, of shape (n, ...).
            y: targets, of shape (n, ...).
            batch_size: samples at a time; it changes nothing but the memory that is used.

        Returns:
            "loss" and each metric.

        Raises:
            DataError: there is no data.
            ShapeError: X and y are of different lengths.
        """
        inputs, targets = self._dataset(X, y, "evaluate").tensors
        outputs = self.predict(inputs, batch_size)
        batches = [slice(i, i + batch_size) for i in range(0, len(inputs), batch_size)]
        with ag.no_grad():
            losses = [_number(self.loss(Tensor(outputs[b]), targets[b])) for b in batches]
        loss = float(np.average(losses, weights=[len(targets[b]) for b in batches]))
        return {"loss": loss, **self._measure(outputs, targets)}

    def predict(self, X: npt.ArrayLike, batch_size: int = 256) -> Array:
        """The outputs for inputs of shape (n, ...), in evaluation mode, as an array."""
        (inputs,) = self._cast(X)
        if not len(inputs):
            raise DataError(f"predict: X has shape {inputs.shape}, there are no samples in it")
        loader = DataLoader(TensorDataset(inputs), batch_size)
        modes = {module: module.training for module in self.model.modules()}
        self.model.eval()
        try:
            with ag.no_grad():
                return np.concatenate([self.model(Tensor(x)).numpy() for (x,) in loader])
        finally:
            for module, mode in modes.items():
                module.training = mode

    def _train(self, loader: DataLoader, epoch: int, callbacks: list[Callback]) -> dict[str, float]:
        """One epoch."""
        self.model.train()
        losses, outputs, targets = [], [], []
        for step, (x, t) in enumerate(loader):
            self.optimizer.zero_grad()
            output = self.model(Tensor(x))
            loss = self.loss(output, t)
            value = _number(loss)
            if not math.isfinite(value):
                cause = "A smaller learning rate may help"
                if x.dtype.kind == "f" and not np.isfinite(x).all():
                    cause = "The inputs of this step hold NaN or inf: leave such samples out of X"
                raise AnomalyError(
                    f"the loss is {value} at epoch {epoch + 1}, step {step + 1}; the parameters are those "
                    f"before this step. {cause}; to see which op it comes from: with ag.detect_anomaly(): "
                    "trainer.fit(...)"
                )
            loss.backward()
            self.optimizer.step()
            losses.append(value)
            outputs.append(output.numpy())
            targets.append(t)
            for callback in callbacks:
                callback.on_batch_end(step, value)
        mean = float(np.average(losses, weights=[len(t) for t in targets]))
        return {"loss": mean, **self._measure(np.concatenate(outputs), np.concatenate(targets))}

    def _measure(self, outputs: Array, targets: Array) -> dict[str, float]:
        return {name: float(metric(outputs, targets)) for name, metric in self.metrics.items()}

    def _cast(self, *data: Any) -> tuple[Array, ...]:
        """Arrays; floating-point ones in the dtype of the parameters."""
        arrays = [x.numpy() if isinstance(x, Tensor) else np.asarray(x) for x in data]
        dtype = next((p.dtype for p in self.model.parameters() if p.dtype.kind == "f"), None)
        return tuple(x.astype(dtype, copy=False) if x.dtype.kind == "f" and dtype else x for x in arrays)

    def _dataset(self, X: Any, y: Any, who: str) -> TensorDataset:
        X, y = self._cast(X, y)
        if X.ndim == 0 or y.ndim == 0 or len(X) != len(y):
            raise ShapeError(
                f"{who}: X has shape {X.shape} and y {y.shape}; expected as many targets as inputs, "
                "along the first axes"
            )
        if len(X) == 0:
            raise DataError(f"{who}: X has shape {X.shape}, there are no samples in it")
        return TensorDataset(X, y)


def _number(loss: Any) -> float:
    if np.ndim(loss.numpy() if isinstance(loss, Tensor) else loss):
        raise ShapeError(
            f"the loss has shape {loss.shape}; expected a single number: use reduction='mean' or loss.mean()"
        )
    return float(loss.item())


def _name(metric: Metric | str) -> str:
    return metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)


def _metric(metric: Metric | str) -> Metric:
    if not isinstance(metric, str):
        return metric
    if metric not in known_metrics.__all__:
        raise OptionError(f"unknown metric {metric!r}; nn.metrics has {', '.join(known_metrics.__all__)}")
    function: Metric = getattr(known_metrics, metric)
    return function


# -- what is shown ---------------------------------------------------------------------------------


def _progress() -> Callback:
    return _Bar() if sys.stderr.isatty() else _Lines()


class _Bar(Callback):
    """A bar for the steps of the running epoch, and a line for each that is done, for terminals."""

    def on_train_begin(self, epochs: int, steps: int) -> None:
        import tqdm  # here, so that `import nn` is fast

        self.epochs = epochs
        self.bar = tqdm.tqdm(total=steps, unit="step", leave=False, dynamic_ncols=True)

    def on_batch_end(self, step: int, loss: float) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.bar.clear()
        self.bar.write(_line(epoch + 1, self.epochs, logs))
        self.bar.reset()

    def on_train_end(self) -> None:
        self.bar.close()


class _Lines(Callback):
    """A line for the first, the last, and some epochs between."""

    def on_train_begin(self, epochs: int, steps: int) -> None:
        self.epochs = epochs
        self.every = max(1, round(epochs / LINES))

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        number = epoch + 1
        if number in (1, self.epochs) or number % self.every == 0 or self.trainer.stop_training:
            print(_line(number, self.epochs, logs))


def _line(epoch: int, epochs: int, logs: Logs) -> str:
    numbers = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
    return f"epoch {epoch:{len(str(epochs))}}/{epochs}  {numbers}"
