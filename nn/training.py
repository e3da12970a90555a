"""A training loop: `Trainer(model, loss, optimizer).fit(X, y, ...)`."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import AnomalyError, DataError, DTypeError, OptionError, ShapeError

from . import metrics as known_metrics
from .arrays import as_array
from .callbacks import Callback, Logs, progress
from .checkpoint import load_checkpoint, save_checkpoint
from .data import DataLoader, Dataset, TensorDataset
from .module import Module
from .optim import Optimizer
from .optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from .options import check_number, check_whole
from .random import generator
from .utils import clip_grad_norm_

__all__ = ["History", "Trainer"]

Array = npt.NDArray[Any]
Loss = Callable[[Any, Any], Any]
Metric = Callable[[Array, Array], float]

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


class Trainer:
    """A model, its loss and its optimizer, and the loop that brings them together.

    Args:
        model: from inputs to outputs.
        loss: `loss(outputs, targets)`, a single number: the mean over the batch.
        optimizer: of the model's parameters.
        metrics: functions `metric(outputs, targets)` of a whole set, or their names in `nn.metrics`.
        callbacks: see `Callback`.
        scheduler: of `nn.optim.lr_scheduler`; the rates then stand in the history as "learning_rate".
        scheduler_interval: when the schedule makes a step: after each "epoch", or after each "step" of the
            optimizer; by default as its kind wants it (OneCycleLR and CyclicLR after each step).
        monitor: the number that a ReduceLROnPlateau watches; by default "val_loss", or "loss" where no
            data are given for validation.
        clip_grad_norm: the largest norm that all gradients together may have; see
            `nn.utils.clip_grad_norm_`.

    Attributes:
        epoch: how many epochs of the present run are done.
        history: what was measured in them.
        stop_training: set by callbacks to end after this epoch.

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
        scheduler: LRScheduler | None = None,
        *,
        scheduler_interval: str | None = None,
        monitor: str | None = None,
        clip_grad_norm: float | None = None,
    ) -> None:
        _check_parts(model, loss, optimizer)
        _check_schedule(scheduler, optimizer, scheduler_interval)
        if clip_grad_norm is not None:
            check_number("Trainer", "clip_grad_norm", clip_grad_norm, example=1)
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        several = [metrics] if isinstance(metrics, str) or callable(metrics) else metrics
        self.metrics = {_name(metric): _metric(metric) for metric in several}
        self.callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks)
        _check_callbacks(self.callbacks)
        self.scheduler, self.monitor = scheduler, monitor
        self.scheduler_interval = scheduler_interval or (scheduler.interval if scheduler else None)
        self.clip_grad_norm = clip_grad_norm
        self.stop_training = False
        self.history = History()
        self._run: _Run | None = None
        self._order: np.random.Generator = generator
        self._batch: tuple[Array, Array] | None = None

    @property
    def epoch(self) -> int:
        """How many epochs of the present run are done."""
        return len(self.history.get("loss", ()))

    # -- training ----------------------------------------------------------------------------------

    def fit(
        self,
        X: npt.ArrayLike | Dataset | DataLoader,
        y: npt.ArrayLike | None = None,
        epochs: int = 1,
        batch_size: int = 32,
        validation_data: tuple[npt.ArrayLike, npt.ArrayLike] | Dataset | DataLoader | None = None,
        shuffle: bool = True,
        verbose: bool = True,
        *,
        validation_split: float = 0.0,
        accumulate: int = 1,
    ) -> History:
        """Train the model.

        Args:
            X: inputs, of shape (n, ...); floating-point ones are cast to the dtype of the model. Or a
                Dataset of pairs (x, y), or a DataLoader, which brings its own batches and order.
            y: targets, of shape (n, ...), if X does not bring them along.
            epochs: how many times to go through the data; of a resumed run, the epochs before count.
            batch_size: samples for each pass through the model.
            validation_data: a pair (X, y), a Dataset or a DataLoader, measured after each epoch.
            shuffle: whether each epoch has an order of its own.
            verbose: show a progress bar on a terminal, and a few lines elsewhere.
            validation_split: which part of X and y, taken from their ends before they are shuffled, is
                kept for validation.
            accumulate: how many batches make one step of the optimizer. Their gradients add up to that of
                the one big batch, for a loss that is a mean over samples.

        Returns:
            For "loss", each metric, and these with "val_" in front, one number for each epoch. Loss
            and metrics of the training data are those found while training, batch by batch.

        Raises:
            DataError: there is no data.
            ShapeError: X and y are of different lengths.
            DTypeError: X or y does not hold numbers.
            OptionError: `epochs`, `batch_size` or another option is not what it can be.
            AnomalyError: the loss became NaN or inf; the parameters are those before that step.
        """
        check_whole("fit", "epochs", epochs, example=10)
        check_whole("fit", "batch_size", batch_size, example=32)
        check_whole("fit", "accumulate", accumulate, example=4)
        loader, validation = self._loaders(X, y, batch_size, shuffle, validation_data, validation_split)
        callbacks = [*self.callbacks, *([progress()] if verbose else [])]
        resumed, self._run = self._run, None
        run = resumed or _Run()
        self.history, self.stop_training, self._order = run.history, run.stopped, loader.generator
        with ExitStack() as ends:
            for callback in callbacks:
                callback.trainer = self
                callback.on_train_begin(epochs, -(-len(loader) // accumulate))
                ends.callback(callback.on_train_end)
            if resumed is not None:
                resumed.restore(self.callbacks, loader.generator)
            while self.epoch < epochs and not self.stop_training:
                self._epoch(loader, validation, accumulate, callbacks)
        return self.history

    def evaluate(
        self,
        X: npt.ArrayLike | Dataset | DataLoader,
        y: npt.ArrayLike | None = None,
        batch_size: int = 256,
    ) -> dict[str, float]:
        """Loss and metrics on data, in evaluation mode.

        Args:
            X: inputs, of shape (n, ...); or a Dataset or a DataLoader of pairs.
            y: targets, of shape (n, ...), if X does not bring them along.
            batch_size: samples at a time; it changes nothing but the memory that is used.

        Returns:
            "loss" and each metric.

        Raises:
            DataError: there is no data.
            ShapeError: X and y are of different lengths.
        """
        seen = _Seen(bool(self.metrics))
        with self._evaluating():
            for batch in self._loader("evaluate", X, y, batch_size):
                x, t = self._pair(batch)
                output = self.model(Tensor(x))
                seen.add(_number(self.loss(output, Tensor(t))), output.numpy(), t)
        return self._measured(seen)

    def predict(self, X: npt.ArrayLike | Dataset | DataLoader, batch_size: int = 256) -> Array:
        """The outputs for inputs of shape (n, ...), in evaluation mode, as an array.

        Of a Dataset or a DataLoader, the first part of each sample is the input.
        """
        if not isinstance(X, (Dataset, DataLoader)):
            inputs = _numbers("predict", "X", X)
            if not inputs.size:
                raise DataError(f"predict: X has shape {inputs.shape}, there are no samples in it")
            X = TensorDataset(inputs)
        loader = X if isinstance(X, DataLoader) else DataLoader(X, batch_size)
        outputs = []
        with self._evaluating():
            for batch in loader:
                (x,) = self._cast(as_array(batch[0] if isinstance(batch, (tuple, list)) else batch))
                outputs.append(self.model(Tensor(x)).numpy())
        if not outputs:
            raise DataError("predict: there are no samples in it")
        return np.concatenate(outputs)

    def measure_batch(self) -> dict[str, float]:
        """The metrics of the batch that the model was trained on last."""
        return self._metrics_of(*self._batch) if self._batch else {}

    # -- interrupted runs --------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run to a file, from which `resume` goes on; `ModelCheckpoint` does it after each epoch.

        Args:
            path: the file, by custom `name.safetensors`.

        Raises:
            FileError: the file cannot be written.
        """
        states = [(type(callback).__name__, callback.state_dict()) for callback in self.callbacks]
        run = _Run(self.history, self.stop_training, states, self._order.bit_generator.state)
        save_checkpoint(path, self.model, self.optimizer, self.scheduler, run=run)

    def resume(self, path: str | os.PathLike[str]) -> History:
        """Go on from a file as if the run had not been interrupted.

        The next `fit` makes the epochs that are left. With the same data and options, it ends with the same
        numbers, to the bit.

        Args:
            path: what `save` or a `ModelCheckpoint` has written.

        Returns:
            The history so far.

        Raises:
            FileError: the file cannot be read.
            DataError: it is damaged, or of a run with other parts; everything is left as it was.

        Example:
            >>> import os, tempfile, numpy as np, nn
            >>> X = np.linspace(-1, 1, 20)[:, None]
            >>> def trainer():
            ...     model = nn.Linear(1, 1)
            ...     return nn.Trainer(model, nn.MSELoss(), nn.optim.Adam(model.parameters()))
            >>> first, second = trainer(), trainer()
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = os.path.join(folder, "run.safetensors")
            ...     _ = first.fit(X, 2 * X, epochs=2, verbose=False)
            ...     first.save(path)
            ...     _ = second.resume(path)
            >>> len(second.fit(X, 2 * X, epochs=5, verbose=False)["loss"])     # two of these were before
            5
        """
        run = _Run()
        load_checkpoint(path, self.model, self.optimizer, self.scheduler, run=run)
        run.random = generator.bit_generator.state
        self._run, self.history, self.stop_training = run, run.history, run.stopped
        return self.history

    # -- one epoch, one step -----------------------------------------------------------------------

    def _epoch(
        self, loader: DataLoader, validation: DataLoader | None, accumulate: int, callbacks: list[Callback]
    ) -> None:
        """Training, validation, schedule, and what callbacks make of it."""
        epoch = self.epoch
        rate = self.optimizer.param_groups[0]["lr"]
        logs = self._train(loader, accumulate, callbacks)
        if validation is not None:
            logs |= {f"val_{name}": value for name, value in self.evaluate(validation).items()}
        if self.scheduler is not None:
            logs["learning_rate"] = float(rate)
        self.history.add(logs)
        if self.scheduler is not None and self.scheduler_interval == "epoch":
            self._schedule(self.scheduler, logs)
        for callback in callbacks:
            callback.on_epoch_end(epoch, logs)
        for callback in callbacks:
            callback.on_checkpoint(epoch, logs)

    def _schedule(self, scheduler: LRScheduler, logs: Logs) -> None:
        """A step of the schedule after an epoch."""
        if not isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step()
            return
        monitor = self.monitor or ("val_loss" if "val_loss" in logs else "loss")
        if monitor not in logs:
            raise OptionError(
                f"Trainer(monitor={monitor!r}): no such number; monitor one of {', '.join(logs)}"
            )
        scheduler.step(logs[monitor])

    def _train(self, loader: DataLoader, accumulate: int, callbacks: list[Callback]) -> dict[str, float]:
        """The steps of one epoch."""
        self.model.train()
        seen, batches, step = _Seen(bool(self.metrics)), iter(loader), 0
        while group := list(islice(batches, accumulate)):
            loss = self._step([self._pair(batch) for batch in group], seen, loader)
            if self.scheduler is not None and self.scheduler_interval == "step":
                self.scheduler.step()
            for callback in callbacks:
                callback.on_batch_end(step, loss)
            step += 1
        return self._measured(seen)

    def _step(self, batches: list[tuple[Array, Array]], seen: _Seen, loader: DataLoader) -> float:
        """One step of the optimizer, on batches whose gradients add up to that of one big batch."""
        total = sum(len(t) for _, t in batches)
        measured: list[float] = []

        def closure() -> float:
            self.optimizer.zero_grad()
            mean = 0.0
            for x, t in batches:
                output = self.model(Tensor(x))
                if output is None:
                    name = type(self.model).__name__
                    raise DTypeError(f"{name} returned None: does its forward end with return ...?")
                loss = self.loss(output, Tensor(t))
                value = _number(loss)
                if len(measured) < len(batches):  # else a line search asks again, which copes with inf
                    if not math.isfinite(value):
                        place = f"epoch {self.epoch + 1}, step {len(seen.losses) + 1}"
                        raise AnomalyError(
                            f"the loss is {value} at {place}; the parameters are those before this step. "
                            f"{_cause(loader.dataset, x, t)}"
                        )
                    measured.append(value)
                    self._batch = output.numpy(), t
                    seen.add(value, *self._batch)
                loss.backward(None if len(t) == total else np.asarray(len(t) / total, loss.dtype))
                mean += value * len(t) / total
            if self.clip_grad_norm is not None:
                clip_grad_norm_(self._trained(), self.clip_grad_norm)
            return mean

        if self.optimizer.needs_closure:
            return float(self.optimizer.step(closure))
        loss = closure()
        self.optimizer.step()
        return loss

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Evaluation mode, and nothing is recorded; each module then is in the mode that it was in."""
        modes = {module: module.training for module in self.model.modules()}
        self.model.eval()
        try:
            with ag.no_grad():
                yield
        finally:
            for module, mode in modes.items():
                module.training = mode

    def _measured(self, seen: _Seen) -> dict[str, float]:
        """Loss and metrics of all that was seen."""
        loss = float(np.average(seen.losses, weights=seen.sizes))
        if not self.metrics:
            return {"loss": loss}
        return {"loss": loss, **self._metrics_of(np.concatenate(seen.outputs), np.concatenate(seen.targets))}

    def _metrics_of(self, outputs: Array, targets: Array) -> dict[str, float]:
        numbers = {name: metric(outputs, targets) for name, metric in self.metrics.items()}
        for name, number in numbers.items():
            if np.ndim(number):
                raise ShapeError(
                    f"the metric {name} has shape {np.shape(number)}, expected a single number; measure it "
                    "after the training: metric(trainer.predict(X), y)"
                )
        return {name: float(number) for name, number in numbers.items()}

    # -- data --------------------------------------------------------------------------------------

    def _loaders(
        self, X: Any, y: Any, batch_size: int, shuffle: bool, validation: Any, split: float
    ) -> tuple[DataLoader, DataLoader | None]:
        """The batches of training and validation."""
        if split:
            X, y, validation = self._split(X, y, validation, split)
        loader = self._loader("fit", X, y, batch_size, shuffle)
        if validation is None:
            return loader, None
        pair = isinstance(validation, (tuple, list)) and len(validation) == 2
        if not pair and not isinstance(validation, (Dataset, DataLoader)):
            raise DTypeError(
                "fit(validation_data=...): expected a pair of arrays: (X_test, y_test), or a Dataset or a "
                "DataLoader of pairs; to keep a part of X and y: fit(validation_split=0.2)"
            )
        held_X, held_y = validation if pair else (validation, None)
        return loader, self._loader("fit(validation_data=...)", held_X, held_y, max(batch_size, 256))

    def _split(self, X: Any, y: Any, validation: Any, split: float) -> tuple[Array, Array, Any]:
        """Training and validation data out of one: the ends of X and y are kept for validation."""
        if validation is not None or isinstance(X, (Dataset, DataLoader)):
            raise OptionError(
                "fit(validation_split=...) is for arrays X and y alone; with validation_data, leave it out"
            )
        X, y = self._dataset(X, y, "fit").tensors
        check_number("fit", "validation_split", split, most=1, example=0.2)
        n = math.floor(len(X) * (1 - split))
        if not 0 < n < len(X):
            raise OptionError(
                f"fit(validation_split={split}): of {len(X)} samples, {n} are left for training and "
                f"{len(X) - n} for validation; expected some for each, e.g. validation_split=0.2"
            )
        return X[:n], y[:n], (X[n:], y[n:])

    def _loader(self, who: str, X: Any, y: Any, batch_size: int, shuffle: bool = False) -> DataLoader:
        """The batches of arrays or of a Dataset, or a loader as it is."""
        if y is None and isinstance(X, (Dataset, DataLoader)):
            loader = X if isinstance(X, DataLoader) else DataLoader(X, batch_size, shuffle)
            if not len(loader):
                raise DataError(f"{who}: there are no batches in it, of {len(loader.dataset)} samples")
            return loader
        return DataLoader(self._dataset(X, y, who), batch_size, shuffle)

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

    def _pair(self, batch: Any) -> tuple[Array, Array]:
        """Inputs and targets of a batch, in the dtype of the model."""
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            what = f"{len(batch)} parts" if isinstance(batch, (tuple, list)) else f"a {type(batch).__name__}"
            raise DTypeError(
                f"a batch of the loader is {what}, expected a pair of inputs and targets; write "
                "nn.DataLoader(nn.TensorDataset(X, y), batch_size=32), or a collate_fn that returns pairs"
            )
        x, t = self._cast(_numbers("loader", "X", batch[0]), _numbers("loader", "y", batch[1]))
        return x, t

    def _cast(self, *arrays: Array) -> tuple[Array, ...]:
        """Floating-point arrays in the dtype of the parameters, the others as they are."""
        dtype = next((p.dtype for p in self.model.parameters() if p.dtype.kind == "f"), None)
        return tuple(x.astype(dtype, copy=False) if x.dtype.kind == "f" and dtype else x for x in arrays)

    def _trained(self) -> list[Tensor]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]


@dataclass
class _Seen:
    """Losses and, if metrics want them, outputs and targets of the batches of an epoch."""

    keep: bool
    losses: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    outputs: list[Array] = field(default_factory=list)
    targets: list[Array] = field(default_factory=list)

    def add(self, loss: float, output: Array, target: Array) -> None:
        """One more batch."""
        self.losses.append(loss)
        self.sizes.append(len(target))
        if self.keep:
            self.outputs.append(output)
            self.targets.append(target)


@dataclass
class _Run:
    """Where a run is, beside its model, its optimizer and its schedule."""

    history: History = field(default_factory=lambda: History())
    stopped: bool = False
    callbacks: list[Any] = field(default_factory=list)
    """The class and the state of each."""
    order: Mapping[str, Any] = field(default_factory=dict)
    """Of the generator that shuffles the data."""
    random: Mapping[str, Any] = field(default_factory=dict)
    """Of nn's random numbers, as they were resumed: what is drawn between that and `fit` does not count."""

    def state_dict(self) -> dict[str, Any]:
        names = ("history", "stopped", "callbacks", "order")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.history = History({name: list(map(float, v)) for name, v in state_dict["history"].items()})
        if len({len(values) for values in self.history.values()}) > 1:
            raise DataError("the history has more epochs of one number than of another")
        self.stopped = bool(state_dict["stopped"])
        self.callbacks = [(str(name), dict(state)) for name, state in state_dict["callbacks"]]
        self.order = dict(state_dict["order"])

    def restore(self, callbacks: list[Callback], order: np.random.Generator) -> None:
        """Bring back random numbers and callbacks; one that was not there before begins anew."""
        order.bit_generator.state = self.order
        generator.bit_generator.state = self.random
        states = list(self.callbacks)
        for callback in callbacks:
            found = next((pair for pair in states if pair[0] == type(callback).__name__), None)
            if found is not None:
                states.remove(found)
                callback.load_state_dict(found[1])


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


def _check_schedule(scheduler: Any, optimizer: Optimizer, interval: Any) -> None:
    """Refuse what is no schedule of this optimizer."""
    if scheduler is not None and not isinstance(scheduler, LRScheduler):
        raise DTypeError(
            f"Trainer: the scheduler is {_shown(scheduler)}; write "
            "nn.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9), or another of them"
        )
    if scheduler is not None and scheduler.optimizer is not optimizer:
        raise OptionError("Trainer: the scheduler is of another optimizer; make it with the one given here")
    if interval not in (None, "epoch", "step"):
        raise OptionError(f'Trainer(scheduler_interval={interval!r}): expected "epoch" or "step"')
    if interval == "step" and isinstance(scheduler, ReduceLROnPlateau):
        raise OptionError('Trainer: a ReduceLROnPlateau watches epochs; write scheduler_interval="epoch"')


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


def _cause(dataset: Any, x: Array, t: Array) -> str:
    """What a loss that is not finite may come from: the data first, then the learning rate."""
    whole = isinstance(dataset, TensorDataset) and len(dataset.tensors) == 2
    for name, values in zip("Xy", dataset.tensors if whole else (x, t), strict=True):
        finite = np.isfinite(values)
        if not finite.all():
            place = tuple(map(int, np.argwhere(~finite)[0]))
            found = "NaN" if np.isnan(values[place]) else "inf"
            row = f"row {place[0]}" if whole else f"row {place[0]} of this batch"
            return f"{name} has {found} in {row}; leave such rows out, or fill them in"
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
    if isinstance(metric, partial):
        return _name(metric.func)
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
