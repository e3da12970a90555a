"""A training loop: `Trainer(model, loss, optimizer).fit(X, y, ...)`."""

from __future__ import annotations

import math
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

from ..arrays import as_array
from ..data import DataLoader, Dataset
from ..module import Module
from ..names import TRAINER_METHODS
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from ..options import check_number, check_whole
from ..random import generator
from ..undo import evaluating
from ..utils import clip_grad_norm_
from .alone import Alone
from .batches import Batches, cause_of_nan, generators, length
from .callback import Callback
from .checks import check_callbacks, check_parts, check_schedule, ranks_of
from .history import History, Logs
from .measures import Metric, measures
from .outcomes import Loss, average_gradients, measured, metrics_of, number
from .place import Place
from .progress import progress, waiting
from .resuming import Resumable
from .run import Run
from .seen import Seen, loss_of_all
from .shown import described, parts

__all__ = ["Trainer"]

Array = npt.NDArray[Any]


class Trainer(Resumable):
    """The training loop for a model, a loss and an optimizer.

    Args:
        model: a module from inputs to outputs.
        loss: `loss(outputs, targets)`, a single number: the mean over the batch. Averages over batches weigh
            each batch by the divisor of its nn loss (e.g. the sum of class weights), or else by its number of
            samples. A loss with reduction="sum" adds up over batches.
        optimizer: an optimizer of the model's parameters.
        metrics: functions `metric(outputs, targets)` of a whole data set, or names in `nn.metrics`. Two
            metrics with the same name get their options added: "top_k_accuracy(k=1)". If batches hold
            sequences of different lengths, each entry counts as a sample.
        callbacks: see `Callback`.
        scheduler: a schedule of `nn.optim.lr_scheduler`; the history then has a "learning_rate".
        scheduler_interval: make a step of the schedule after each "epoch", or after each "step" of the
            optimizer. By default OneCycleLR and CyclicLR step after each step, others after each epoch.
        monitor: the number that a ReduceLROnPlateau watches; by default "val_loss", or "loss" without
            validation data.
        clip_grad_norm: clip the norm of all gradients together to this value; see
            `nn.utils.clip_grad_norm_`.
        distributed: train on several processes, `mpiexec -n 2 python train.py`; each has its own batches of
            `batch_size` samples. True, or `nn.distributed.Ranks` with options.
        compile: replay the passes of the model and the loss from the third batch of a shape on, with the same
            numbers; see `ag.compile`.

    Attributes:
        distributed: whether several processes train together.
        epoch: the number of finished epochs of the current run.
        history: the loss and the metrics of these epochs.
        loader: the training batches of the current run.
        place: where in its epoch the run is; None between epochs.
        stop_training: a callback sets this to True to end the training after the current epoch.
        signatures: what `compile=True` keeps, and which batches stay eager; see `ag.compile`.

    Raises:
        DTypeError: an argument has a wrong type, e.g. a class without parentheses.
        OptionError: the optimizer has none of the model's parameters, or there is no metric of this name.

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
        compile: bool = False,
        distributed: Any = False,
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
        self._ranks = ranks_of(distributed)
        self._ranks.join(model, compile)
        self._passes = self._ranks.passes
        self.stop_training = False
        self.loader: DataLoader | None = None
        self._begin()
        self._batch: tuple[Array, Array] | None = None

    @property
    def epoch(self) -> int:
        """The number of finished epochs of the current run."""
        return len(self.history.get("loss", ()))

    @property
    def distributed(self) -> bool:
        """Whether several processes train together."""
        return type(self._ranks) is not Alone

    @property
    def signatures(self) -> list[str]:
        """What `compile=True` keeps, one line for each pass and shape."""
        return self._passes.signatures

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
            X: inputs of shape (n, ...); floating-point inputs are cast to the dtype of the model. Or a
                Dataset of pairs (x, y), or a DataLoader with its own batches and order.
            y: targets of shape (n, ...), if X is an array.
            epochs: the number of passes through the data; earlier epochs of a resumed run count too.
            batch_size: the number of samples in a batch.
            validation_data: a pair (X, y), a Dataset or a DataLoader, evaluated after each epoch.
            shuffle: draw a new random order of the samples for each epoch.
            verbose: show a progress bar on a terminal, and a few lines elsewhere.
            validation_split: keep this fraction of X and y for validation, taken from their ends before
                shuffling.
            accumulate: the number of batches for one step of the optimizer. The step uses the gradient of
                all these batches as one.

        Returns:
            One number for each epoch of "loss" and each metric, and of the same names with "val_" in
            front. Training numbers come from the batches during training.

        Raises:
            DataError: there is no data.
            ShapeError: X and y have different lengths.
            DTypeError: X or y does not hold numbers.
            OptionError: `epochs`, `batch_size` or another option has an invalid value.
            AnomalyError: the loss is NaN or inf; the parameters are those before that step.
        """
        check_whole("fit", "epochs", epochs, example=10)
        check_whole("fit", "batch_size", batch_size, example=32)
        check_whole("fit", "accumulate", accumulate, example=4)
        loader, validation = self._batches().for_training(
            X, y, batch_size, shuffle, validation_data, validation_split
        )
        every = [*self.callbacks, *([progress()] if verbose else [])]
        callbacks = [c for c in every if self._ranks.first or not c.first_rank_only]
        parted = self._ranks.parted
        self._fit(parted(loader), validation and parted(validation), epochs, accumulate, callbacks)
        return self.history

    def evaluate(
        self,
        X: npt.ArrayLike | Dataset | DataLoader,
        y: npt.ArrayLike | None = None,
        batch_size: int = 256,
    ) -> dict[str, float]:
        """Loss and metrics on data, in evaluation mode.

        Args:
            X: inputs of shape (n, ...), or a Dataset or a DataLoader of pairs.
            y: targets of shape (n, ...), if X is an array.
            batch_size: the number of samples in a batch; affects only the memory use.

        Returns:
            The values of "loss" and each metric.

        Raises:
            DataError: there is no data.
            ShapeError: X and y have different lengths.
        """
        batches = self._batches()
        loader = self._ranks.parted(batches.loader("evaluate", X, y, batch_size))
        return self._measured(batches, waiting(loader, "evaluate"))

    def _measured(self, batches: Batches, loader: Iterable[Any]) -> dict[str, float]:
        """Loss and metrics of what a loader brings."""
        seen = Seen(bool(self.metrics))
        with self._evaluating():
            for batch in loader:
                x, t = batches.pair(batch)
                output, loss, size = self._passes.outcome(self.model, self.loss, x, t)
                seen.add(number(loss), size, output.numpy(), t)
        return measured(self.metrics, self._ranks.gathered(seen, losses=True))

    def predict(self, X: npt.ArrayLike | Dataset | DataLoader, batch_size: int = 256) -> Array:
        """The outputs for inputs of shape (n, ...), in evaluation mode, as an array.

        In a Dataset or a DataLoader, the first item of each sample is the input.
        """
        batches, outputs = self._batches(), []
        with self._evaluating():
            for batch in waiting(batches.inputs(X, batch_size), "predict"):
                x = as_array(batch[0] if isinstance(batch, (tuple, list)) else batch)
                outputs.append(self._passes.output_of(self.model, batches.cast(x)).numpy())
        if not outputs:
            raise DataError("predict: there are no samples in it")
        if len({x.shape[1:] for x in outputs}) > 1:
            shapes = ", ".join(str(x.shape) for x in outputs[:4])
            raise ShapeError(
                f"predict: the outputs of the batches have shapes {shapes}, "
                "which do not fit into one array; predict batch by batch, or bring the inputs to one length"
            )
        return np.concatenate(outputs)

    def measure_batch(self) -> dict[str, float]:
        """The metrics of the last training batch."""
        return metrics_of(self.metrics, *self._batch) if self._batch else {}

    # -- the loop, an epoch, a step ----------------------------------------------------------------

    def _fit(
        self,
        loader: DataLoader,
        validation: DataLoader | None,
        epochs: int,
        accumulate: int,
        callbacks: list[Callback],
    ) -> None:
        """Run the remaining epochs of a new or a resumed run."""
        steps = math.ceil((length(loader) or 0) / accumulate)
        resumed, self._run = self._run, None
        run = resumed or Run()
        self.history, self.stop_training = run.history, run.stopped
        self.loader, self._generators, self.place = loader, generators(loader, validation), run.place
        with ExitStack() as ends:
            for callback in callbacks:
                callback.trainer = self
                callback.on_train_begin(epochs, steps)
                ends.callback(callback.on_train_end)
            if resumed is not None:
                resumed.restore(self.callbacks, self._generators)
            while self.epoch < epochs and not self.stop_training:
                self._ranks.begin(loader, self.epoch)
                self._epoch(loader, validation, accumulate, callbacks)
            self._ranks.end()

    def _epoch(
        self, loader: DataLoader, validation: DataLoader | None, accumulate: int, callbacks: list[Callback]
    ) -> None:
        """One epoch: training, validation, schedule, callbacks."""
        epoch = self.epoch
        rate = self.optimizer.param_groups[0]["lr"]
        place = self.place = self.place or Place.begin(self._generators, bool(self.metrics), float(rate))
        logs = self._train(loader, accumulate, callbacks, place)
        if validation is not None:
            logs |= {
                f"val_{name}": value for name, value in self._measured(self._batches(), validation).items()
            }
        if self.scheduler is not None:
            logs["learning_rate"] = place.rate
        self.history.add(logs)
        if self.scheduler is not None and self.scheduler_interval == "epoch":
            self._schedule(self.scheduler, logs)
        for callback in callbacks:
            callback.on_epoch_end(epoch, logs)
        self.stop_training = self._ranks.agreed(self.stop_training)
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

    def _train(
        self, loader: DataLoader, accumulate: int, callbacks: list[Callback], place: Place
    ) -> dict[str, float]:
        """The steps of one epoch."""
        self.model.train()
        pair = self._batches().pair
        try:
            for callback in callbacks:
                callback.on_epoch_begin(self.epoch)
            rest = place.left(
                lambda: iter(self._ranks.in_step(map(pair, loader))), accumulate, self._generators
            )
            while group := list(islice(rest, accumulate)):
                place.random = generator.bit_generator.state
                loss = self._step(group, place.seen, loader.dataset)
                if self.scheduler is not None and self.scheduler_interval == "step":
                    self.scheduler.step()
                place.done += 1
                for callback in callbacks:
                    callback.on_batch_end(place.done - 1, loss)
        finally:
            self.place = None
        return measured(self.metrics, self._ranks.gathered(place.seen, losses=False))

    def _step(self, batches: list[tuple[Array, Array]], seen: Seen, dataset: Any) -> float:
        """One step of the optimizer, on several batches as if they were one."""
        end = len(seen.losses) + len(batches)

        def closure() -> float:
            self.optimizer.zero_grad()
            losses: list[float] = []
            sizes: list[float | None] = []
            for x, t in batches:
                output, loss, size, backward = self._passes.learn(
                    self.model, self.loss, x, t, sizes, self._trained()
                )
                value = number(loss)
                if len(seen.losses) < end:  # later calls come from a line search, which copes with inf
                    if not math.isfinite(value) and size != 0:
                        raise AnomalyError(
                            f"the loss is {value} at epoch {self.epoch + 1}, step {len(seen.losses) + 1}; "
                            f"the parameters are those before this step. {cause_of_nan(dataset, x, t)}"
                        )
                    self._batch = output, t
                    seen.add(value, size, *self._batch)
                losses.append(value)
                sizes.append(size)
                backward()
            average_gradients(self._trained(), sizes)
            if self.clip_grad_norm is not None:
                clip_grad_norm_(self._trained(), self.clip_grad_norm)
            return loss_of_all(losses, sizes)

        if self.optimizer.needs_closure:
            return float(self.optimizer.step(closure))
        loss = closure()
        if not math.isnan(loss):  # NaN: no target counts, so there is nothing to learn
            self.optimizer.step()
        return loss

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Evaluation mode without recording; afterwards each module is back in its mode."""
        with evaluating(self.model), ag.no_grad():
            yield

    def _batches(self) -> Batches:
        """Batches in the current dtype of the model."""
        return Batches(next((p.dtype for p in self.model.parameters() if p.dtype.kind == "f"), None))

    def _trained(self) -> list[Tensor]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]
