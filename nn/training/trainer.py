"""A training loop: `Trainer(model, loss, optimizer).fit(X, y, ...)`."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import AnomalyError, DataError, OptionError, ShapeError
from autograd_lite.notebook import quietly
from autograd_lite.words.names import Hinted

from ..arrays import as_array
from ..checkpoint import load_checkpoint, save_checkpoint
from ..data import DataLoader, Dataset
from ..module import Module
from ..names import TRAINER_METHODS
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from ..options import check_number, check_whole
from ..random import generator
from ..undo import evaluating
from ..utils import clip_grad_norm_
from .batches import Batches, cause_of_nan, generators, length
from .callback import Callback
from .checks import check_callbacks, check_parts, check_schedule
from .history import History, Logs
from .measures import Metric, measures
from .outcomes import Loss, add_gradients, average_gradients, measured, metrics_of, number, outcome, output_of
from .progress import progress, waiting
from .run import Run
from .seen import Seen, loss_of_all
from .shown import described, parts

__all__ = ["Trainer"]

Array = npt.NDArray[Any]


class Trainer(Hinted):
    """A model, its loss and its optimizer, and the loop that brings them together.

    Args:
        model: from inputs to outputs.
        loss: `loss(outputs, targets)`, a single number: the mean over the batch. Batches are weighed by what
            the loss of nn in it divided by, e.g. the class weights of the targets that count, and by their
            samples if there is none; a loss with reduction="sum" adds up over batches.
        optimizer: of the model's parameters.
        metrics: functions `metric(outputs, targets)` of a whole set, or their names in `nn.metrics`. Where
            two have one name, their options are put into it: "top_k_accuracy(k=1)". If batches hold
            sequences of several lengths, each entry counts as a sample.
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

    _foreign = TRAINER_METHODS

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
        check_parts(model, loss, optimizer)
        check_schedule(scheduler, optimizer, scheduler_interval)
        if clip_grad_norm is not None:
            check_number("Trainer", "clip_grad_norm", clip_grad_norm, example=1)
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.metrics = measures(metrics)
        self.callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks)
        check_callbacks(self.callbacks)
        self.scheduler, self.monitor = scheduler, monitor
        self.scheduler_interval = scheduler_interval or (scheduler.interval if scheduler else None)
        self.clip_grad_norm = clip_grad_norm
        self.stop_training = False
        self.history = History()
        self._run: Run | None = None
        self._generators: list[np.random.Generator] = []
        self._batch: tuple[Array, Array] | None = None

    @property
    def epoch(self) -> int:
        """How many epochs of the present run are done."""
        return len(self.history.get("loss", ()))

    def __repr__(self) -> str:
        return f"<Trainer: {'; '.join(f'{name} {said}' for name, said in parts(self))}>"

    @quietly
    def _repr_html_(self) -> str:
        return described(self)

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
                the one big batch.

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
        loader, validation = self._batches().for_training(
            X, y, batch_size, shuffle, validation_data, validation_split
        )
        callbacks = [*self.callbacks, *([progress()] if verbose else [])]
        self._fit(loader, validation, epochs, accumulate, callbacks)
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
        batches = self._batches()
        return self._measured(batches, waiting(batches.loader("evaluate", X, y, batch_size), "evaluate"))

    def _measured(self, batches: Batches, loader: Iterable[Any]) -> dict[str, float]:
        """Loss and metrics of what a loader brings."""
        seen = Seen(bool(self.metrics))
        with self._evaluating():
            for batch in loader:
                x, t = batches.pair(batch)
                output, loss, size = outcome(self.model, self.loss, x, t)
                seen.add(number(loss), size, output.numpy(), t)
        return measured(self.metrics, seen)

    def predict(self, X: npt.ArrayLike | Dataset | DataLoader, batch_size: int = 256) -> Array:
        """The outputs for inputs of shape (n, ...), in evaluation mode, as an array.

        Of a Dataset or a DataLoader, the first part of each sample is the input.
        """
        batches, outputs = self._batches(), []
        with self._evaluating():
            for batch in waiting(batches.inputs(X, batch_size), "predict"):
                x = as_array(batch[0] if isinstance(batch, (tuple, list)) else batch)
                outputs.append(output_of(self.model, batches.cast(x)).numpy())
        if not outputs:
            raise DataError("predict: there are no samples in it")
        if len({x.shape[1:] for x in outputs}) > 1:
            shapes = ", ".join(str(x.shape) for x in outputs[:4])
            raise ShapeError(
                f"predict: the outputs of the batches have shapes {shapes}, "
                "which are no single array; predict batch by batch, or bring the inputs to one length"
            )
        return np.concatenate(outputs)

    def measure_batch(self) -> dict[str, float]:
        """The metrics of the batch that the model was trained on last."""
        return metrics_of(self.metrics, *self._batch) if self._batch else {}

    # -- interrupted runs --------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run to a file, from which `resume` goes on; `ModelCheckpoint` does it after each epoch.

        Args:
            path: the file, by custom `name.safetensors`.

        Raises:
            FileError: the file cannot be written.
        """
        states = [(type(callback).__name__, callback.state_dict()) for callback in self.callbacks]
        orders = [order.bit_generator.state for order in self._generators]
        run = Run(self.history, self.stop_training, states, orders, self._schedule_class)
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
        run = Run(schedule=self._schedule_class, trainer=self)
        load_checkpoint(path, self.model, self.optimizer, self.scheduler, run=run)
        run.trainer = None
        run.random = generator.bit_generator.state
        self._run, self.history, self.stop_training = run, run.history, run.stopped
        return self.history

    @property
    def _schedule_class(self) -> str | None:
        return None if self.scheduler is None else type(self.scheduler).__name__

    # -- the loop, an epoch, a step ----------------------------------------------------------------

    def _fit(
        self,
        loader: DataLoader,
        validation: DataLoader | None,
        epochs: int,
        accumulate: int,
        callbacks: list[Callback],
    ) -> None:
        """The epochs that are left, of a new run or of the one that was resumed."""
        steps = math.ceil((length(loader) or 0) / accumulate)
        resumed, self._run = self._run, None
        run = resumed or Run()
        self.history, self.stop_training = run.history, run.stopped
        self._generators = generators(loader, validation)
        with ExitStack() as ends:
            for callback in callbacks:
                callback.trainer = self
                callback.on_train_begin(epochs, steps)
                ends.callback(callback.on_train_end)
            if resumed is not None:
                resumed.restore(self.callbacks, self._generators)
            while self.epoch < epochs and not self.stop_training:
                self._epoch(loader, validation, accumulate, callbacks)

    def _epoch(
        self, loader: DataLoader, validation: DataLoader | None, accumulate: int, callbacks: list[Callback]
    ) -> None:
        """Training, validation, schedule, and what callbacks make of it."""
        epoch = self.epoch
        rate = self.optimizer.param_groups[0]["lr"]
        logs = self._train(loader, accumulate, callbacks)
        if validation is not None:
            logs |= {
                f"val_{name}": value for name, value in self._measured(self._batches(), validation).items()
            }
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
        batches, seen = self._batches(), Seen(bool(self.metrics))
        rest, step = iter(loader), 0
        while group := list(islice(rest, accumulate)):
            loss = self._step([batches.pair(batch) for batch in group], seen, loader.dataset)
            if self.scheduler is not None and self.scheduler_interval == "step":
                self.scheduler.step()
            for callback in callbacks:
                callback.on_batch_end(step, loss)
            step += 1
        return measured(self.metrics, seen)

    def _step(self, batches: list[tuple[Array, Array]], seen: Seen, dataset: Any) -> float:
        """One step of the optimizer, on batches whose gradients add up to that of one big batch."""
        end = len(seen.losses) + len(batches)

        def closure() -> float:
            self.optimizer.zero_grad()
            losses: list[float] = []
            sizes: list[float | None] = []
            for x, t in batches:
                output, loss, size = outcome(self.model, self.loss, x, t)
                value = number(loss)
                if len(seen.losses) < end:  # else a line search goes on, which copes with inf
                    if not math.isfinite(value) and size != 0:
                        raise AnomalyError(
                            f"the loss is {value} at epoch {self.epoch + 1}, step {len(seen.losses) + 1}; "
                            f"the parameters are those before this step. {cause_of_nan(dataset, x, t)}"
                        )
                    self._batch = output.numpy(), t
                    seen.add(value, size, *self._batch)
                losses.append(value)
                sizes.append(size)
                add_gradients(loss, sizes)
            average_gradients(self._trained(), sizes)
            if self.clip_grad_norm is not None:
                clip_grad_norm_(self._trained(), self.clip_grad_norm)
            return loss_of_all(losses, sizes)

        if self.optimizer.needs_closure:
            return float(self.optimizer.step(closure))
        loss = closure()
        if not math.isnan(loss):  # else no target counts, so there is nothing to learn
            self.optimizer.step()
        return loss

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Evaluation mode, and nothing is recorded; each module then is in the mode that it was in."""
        with evaluating(self.model), ag.no_grad():
            yield

    def _batches(self) -> Batches:
        """In the dtype of the model, which may have changed."""
        return Batches(next((p.dtype for p in self.model.parameters() if p.dtype.kind == "f"), None))

    def _trained(self) -> list[Tensor]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]
