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
from .arrays import as_array
from .data import DataLoader, Dataset, TensorDataset
from .module import Module
from .optim import Optimizer
from .options import check_whole

__all__ = ["Callback", "History", "Trainer"]

Array = npt.NDArray[Any]
Loss = Callable[[Any, Any], Any]
Metric = Callable[[Array, Array], float]
Logs = Mapping[str, float]

LINES = 10
"""About how many epochs are reported where there is no terminal."""

PARAMETERS = "model.parameters()"
"""What messages say that an optimizer is given."""


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

    Raises:
        DTypeError: one of the parts is something else, e.g. a class without parentheses.
        OptionError: the optimizer is of another model, or there is no metric of this name.

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
        metrics: Iterable[Metric | str] | Metric | str = (),
        callbacks: Iterable[Callback] | Callback = (),
    ) -> None:
        _check_parts(model, loss, optimizer)
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        several = [metrics] if isinstance(metrics, str) or callable(metrics) else metrics
        self.metrics = {_name(metric): _metric(metric) for metric in several}
        self.callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks)
        _check_callbacks(self.callbacks)
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
            DTypeError: X or y does not hold numbers.
            OptionError: `epochs` or `batch_size` is not an int of at least 1.
            AnomalyError: the loss became NaN or inf; the parameters are those before that step.
        """
        dataset = self._dataset(X, y, "fit")
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
                raise DTypeError("fit(validation_data=...): expected a pair of arrays: (X_test, y_test)")
            self._dataset(*validation_data, "fit(validation_data=...)")
        check_whole("fit", "epochs", epochs, example=10)
        check_whole("fit", "batch_size", batch_size, example=32)
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
        (inputs,) = self._cast(_numbers("predict", "X", X))
        if not len(inputs):
            raise DataError(f"predict: X has shape {inputs.shape}, there are no samples in it")
        loader = DataLoader(TensorDataset(inputs), batch_size)
        modes = {module: module.training for module in self.model.modules()}
        self.model.eval()
        try:
            with ag.no_grad():
                return np.concatenate([self.model(x).numpy() for (x,) in loader])
        finally:
            for module, mode in modes.items():
                module.training = mode

    def _train(self, loader: DataLoader, epoch: int, callbacks: list[Callback]) -> dict[str, float]:
        """One epoch."""
        self.model.train()
        losses, outputs, targets = [], [], []
        for step, (x, t) in enumerate(loader):
            self.optimizer.zero_grad()
            output = self.model(x)
            if output is None:
                raise DTypeError(
                    f"{type(self.model).__name__} returned None: does its forward end with return ...?"
                )
            loss = self.loss(output, t)
            value = _number(loss)
            if not math.isfinite(value):
                raise AnomalyError(
                    f"the loss is {value} at epoch {epoch + 1}, step {step + 1}; the parameters are those "
                    f"before this step. {_cause(loader.dataset)}"
                )
            loss.backward()
            self.optimizer.step()
            losses.append(value)
            outputs.append(output.numpy())
            targets.append(t.numpy())
            for callback in callbacks:
                callback.on_batch_end(step, value)
        mean = float(np.average(losses, weights=[len(t) for t in targets]))
        return {"loss": mean, **self._measure(np.concatenate(outputs), np.concatenate(targets))}

    def _measure(self, outputs: Array, targets: Array) -> dict[str, float]:
        return {name: float(metric(outputs, targets)) for name, metric in self.metrics.items()}

    def _cast(self, *arrays: Array) -> tuple[Array, ...]:
        """Floating-point arrays in the dtype of the parameters, the others as they are."""
        dtype = next((p.dtype for p in self.model.parameters() if p.dtype.kind == "f"), None)
        return tuple(x.astype(dtype, copy=False) if x.dtype.kind == "f" and dtype else x for x in arrays)

    def _dataset(self, X: Any, y: Any, who: str) -> TensorDataset:
        X, y = self._cast(_numbers(who, "X", X), _numbers(who, "y", y))
        if X.ndim == 0 or y.ndim == 0 or len(X) != len(y):
            raise ShapeError(
                f"{who}: X has shape {X.shape} and y {y.shape}; expected as many targets as inputs, "
                "along the first axes"
            )
        if len(X) == 0:
            raise DataError(f"{who}: X has shape {X.shape}, there are no samples in it")
        return TensorDataset(X, y)


def _check_parts(model: Any, loss: Any, optimizer: Any) -> None:
    """Refuse what a Trainer cannot work with, and say what to write."""
    for part, value, of in (("model", model, ""), ("loss", loss, ""), ("optimizer", optimizer, PARAMETERS)):
        if isinstance(value, type):
            name = value.__name__
            raise DTypeError(f"Trainer: the {part} is the class {name}; write {name}({of})")
    if not isinstance(model, Module):
        raise DTypeError(
            f"Trainer: the model is {_shown(model)}; expected an nn.Module, e.g. nn.Sequential(...)"
        )
    if not callable(loss):
        raise DTypeError(
            f"Trainer: the loss is {_shown(loss)}; expected a function, e.g. nn.CrossEntropyLoss()"
        )
    if not isinstance(optimizer, Optimizer):
        raise DTypeError(
            f"Trainer: the optimizer is {_shown(optimizer)}; write nn.optim.Adam({PARAMETERS}, lr=...)"
        )
    own = {id(p) for p in model.parameters()}
    given = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if own and not own & given:
        raise OptionError(
            "Trainer: the optimizer has none of this model's parameters, so nothing would be trained; "
            f"write nn.optim.{type(optimizer).__name__}({PARAMETERS}, ...)"
        )


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) or value is None else f"of type {type(value).__name__}"


def _check_callbacks(callbacks: list[Any]) -> None:
    for callback in callbacks:
        if isinstance(callback, type):
            raise DTypeError(
                f"Trainer: {callback.__name__} in callbacks is a class; write {callback.__name__}()"
            )
        if not isinstance(callback, Callback):
            raise DTypeError(
                f"Trainer: {callback!r} in callbacks is no nn.Callback; inherit from it, and override e.g. "
                "on_epoch_end(self, epoch, logs)"
            )


def _numbers(who: str, name: str, values: Any) -> Array:
    """The array of inputs or targets; what holds no numbers is refused."""
    if values is None or isinstance(values, (Dataset, DataLoader)):
        raise DTypeError(
            f"{who}: {name} is {_shown(values)}; expected an array: fit(X, y, batch_size=...) makes the "
            "batches itself"
        )
    array = as_array(values)
    if array.dtype.kind not in "biufc":
        repair = (
            "number the classes: y = np.unique(y, return_inverse=True)[1]"
            if name == "y"
            else "write X.astype(float)"
        )
        raise DTypeError(f"{who}: {name} is of dtype {array.dtype}, expected numbers; {repair}")
    return array


def _cause(dataset: Any) -> str:
    """What a loss that is not finite may come from: the data first, then the learning rate."""
    for name, values in zip("Xy", dataset.tensors, strict=True):
        finite = np.isfinite(values)
        if not finite.all():
            place = tuple(map(int, np.argwhere(~finite)[0]))
            found = "NaN" if np.isnan(values[place]) else "inf"
            return f"{name} has {found} in row {place[0]}; leave such rows out, or fill them in"
    return (
        "A smaller learning rate, or inputs scaled to about -1 ... 1, may help; to see which op it comes "
        "from: with ag.detect_anomaly(): trainer.fit(...)"
    )


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
        if not callable(metric) or isinstance(metric, type):
            raise DTypeError(
                f"Trainer: the metric {metric!r} is no function of outputs and targets, nor the name of one"
            )
        return metric
    if metric not in known_metrics.__all__:
        raise OptionError(
            f"Trainer: unknown metric {metric!r}; nn.metrics has {', '.join(known_metrics.__all__)}, and any "
            "function metric(outputs, targets) can be given"
        )
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
