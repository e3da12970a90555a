"""Recorder: a callback that keeps the history of a run, step by step."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError, IndexingError, OptionError, UnsupportedError
from autograd_lite.files import checked_path

from ..arrays import as_array
from ..data import DataLoader, Dataset
from ..options import as_bytes, check_whole
from ..serialization import packed, save, unpacked
from .batches import Batches
from .callback import Callback, Training
from .frames import Frames
from .history import History
from .moments import Comparison, Moment
from .movers import Movers, apart, fitted, made_again, sentence
from .stored import read, written

__all__ = ["Recorder"]

Array = npt.NDArray[Any]


class Recorder(Callback):
    """Keeps the history of a run step by step, in little memory; any kept step can be resumed to the bit.

    The steps count from 0. A kept step has the weights before it, the state of the optimizer, the schedule
    and the random numbers. It also has what the step did: loss, gradients, and the indices of its samples.
    After the last step there is one more entry, the end of the run, which has no gradients.

    States are stored as the differences of their bits from the step before, without loss. When the memory is
    full, older steps give way: the distance between kept steps then grows with their age.

    Args:
        memory: the most memory for the history: a number of bytes, or a text such as "200 MB". Beside it, the
            recorder holds two states as they are.
        every: keep every n-th step.
        gradients: keep the gradients too.
        probe: inputs of shape (n, ...), whose outputs `at(step).outputs` gives.

    Attributes:
        steps: the steps that are kept.
        losses: the loss of each step, kept or not, from the step `first` on.
        nbytes: the memory of the history.

    Raises:
        OptionError: an option has an invalid value, or the memory does not hold two states.
        UnsupportedError: several processes train together.

    Example:
        >>> import numpy as np, nn
        >>> nn.manual_seed(0)
        >>> X = np.linspace(-1, 1, 20, dtype=np.float32)[:, None]
        >>> def trainer(**options):
        ...     model = nn.Linear(1, 1)
        ...     return nn.Trainer(model, nn.MSELoss(), nn.optim.Adam(model.parameters(), lr=0.1), **options)
        >>> recorder = nn.callbacks.Recorder(memory="1 MB")
        >>> first, second = trainer(callbacks=recorder), trainer()
        >>> history = first.fit(X, 3 * X, epochs=10, batch_size=5, verbose=False)
        >>> recorder
        <Recorder: 41 states of 40 steps, 0.2 MB of 1 MB>
        >>> history = recorder.resume(second, 17)
        >>> again = second.fit(X, 3 * X, epochs=10, batch_size=5, verbose=False)
        >>> bool(second.model.weight.data == first.model.weight.data)
        True
    """

    first_rank_only = True

    def __init__(
        self,
        memory: int | str = "200 MB",
        every: int = 1,
        *,
        gradients: bool = True,
        probe: npt.ArrayLike | None = None,
    ) -> None:
        check_whole("Recorder", "every", every, example=10)
        self.every, self.gradients = every, gradients
        self.probe: Array | None = None if probe is None else as_array(probe)
        self.frames = Frames(as_bytes("Recorder", "memory", memory))
        self.first, self.step = 0, 0
        self._losses = array("d")
        self._data: DataLoader | None = None
        self._pending: tuple[int, Any, dict[str, Array]] | None = None
        self._tasks: list[Any] = []
        self._resumed: int | None = None
        self._go_on: int | None = None
        self._seen, self._whole = 0, False

    @property
    def steps(self) -> list[int]:
        """The steps that are kept, and the end of the run."""
        return self.frames.steps

    @property
    def losses(self) -> Array:
        """The loss of each step from the step `first` on, of shape (n,)."""
        return np.array(self._losses)

    @property
    def nbytes(self) -> int:
        """The memory of the history, in bytes."""
        return self.frames.nbytes + 8 * len(self._losses)

    def __repr__(self) -> str:
        size = f"{self.nbytes / 1e6:.1f} MB of {self.frames.memory / 1e6:g} MB"
        thinned = ", older steps gave way" if self.frames.thinned else ""
        return f"<Recorder: {len(self.frames)} states of {len(self._losses)} steps, {size}{thinned}>"

    # -- while a run goes on -----------------------------------------------------------------------

    def on_train_begin(self, epochs: int, steps: int) -> None:
        if self.trainer.distributed:
            raise UnsupportedError(
                "Recorder: the history of several processes is not kept; leave distributed=True out, or keep "
                "the epochs with nn.ModelCheckpoint(path)"
            )
        self._go_on = 0

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Count the steps of a resumed run from where it was."""
        self._go_on = int(state_dict["step"])

    def state_dict(self) -> dict[str, Any]:
        """The number of steps so far."""
        return {"step": self.step}

    def check_state(self, state_dict: Mapping[str, Any], model: Any) -> None:
        """Refuse a state without the number of steps."""
        if not isinstance(state_dict.get("step"), int):
            raise DataError("Recorder: the state has no number of steps")

    def on_epoch_begin(self, epoch: int) -> None:
        if self._go_on is not None:
            self._begin(self._go_on)
        self._data, self._tasks = self.trainer.loader, []
        assert self._data is not None
        self._data.heard = self._tasks.append
        self._capture()

    def on_batch_end(self, step: int, loss: float) -> None:
        self._losses.append(loss)
        place = self.trainer.place
        assert place is not None
        if self._pending is not None:
            self._finish(loss, place.random)
        self._seen = len(place.seen.losses)
        self.step += 1
        self._capture()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        self._pending = None  # the state between two epochs is that at the beginning of the next
        self._whole = True

    def on_train_end(self) -> None:
        if self._data is not None:
            self._data.heard = None
        if self._go_on is None and (self._whole or self._pending is not None):
            if self._pending is None:
                self._capture(always=True)
            self._finish(None, None)

    def _begin(self, step: int) -> None:
        """Begin a history, or go on after the step that `resume` has taken from it."""
        if self._resumed != step:
            self.first, self._losses = step, array("d")
            self.frames.cut(0)
        else:
            self.frames.cut(step)
            del self._losses[step - self.first :]
        self.step, self._resumed, self._go_on, self._pending = step, None, None, None

    def _capture(self, always: bool = False) -> None:
        """Copy the state of the run, to be kept when the step has been made."""
        self._whole, self._pending = False, None
        place = self.trainer.place
        self._seen = 0 if place is None else len(place.seen.losses)
        if always or self.step % self.every == 0:
            arrays: dict[str, Array] = {}
            tree = packed(self.trainer.state_dict(), "state", arrays)
            self._pending = self.step, tree, {name: x.copy() for name, x in arrays.items()}

    def _finish(self, loss: float | None, random: Any) -> None:
        """Keep the pending state, with what the step did."""
        assert self._pending is not None
        step, tree, arrays = self._pending
        self._pending = None
        done: dict[str, Any] = {"loss": loss, "epoch": self.trainer.epoch, "random": random}
        if loss is not None:
            place = self.trainer.place
            tasks = self._tasks[self._seen : len(place.seen.losses) if place else None]
            done["samples"] = None if None in tasks else [np.array(task, np.int64) for task in tasks]
        if self.gradients and loss is not None:
            named = self.trainer.model.named_parameters()
            done["gradients"] = {name: p.grad.numpy().copy() for name, p in named if p.grad is not None}
        tree = {"state": tree, "done": packed(done, "done", arrays)}
        self.frames.add(step, json.dumps(tree), arrays)
        self.frames.fit(8 * len(self._losses))

    # -- afterwards --------------------------------------------------------------------------------

    def at(self, step: int) -> Moment:
        """A kept step; negative numbers count from the end.

        Raises:
            IndexingError: the step is not kept; the message names its neighbours.
            DTypeError: the step is no integer.
            DataError: the history is damaged.
        """
        step, kept = _whole(step, "at(step)", "the number of a step"), self.steps
        if kept and -len(kept) <= step < 0:
            step = kept[step]
        if step not in kept:
            near = sorted(kept, key=lambda s: abs(s - step))[:2]
            advice = f"the nearest are {' and '.join(map(str, sorted(near)))}" if near else "none is"
            raise IndexingError(f"Recorder.at({step}): this step is not kept; {advice}")
        said, arrays = self.frames.values(step)
        tree = json.loads(said)
        return Moment(step, unpacked(tree["state"], arrays), unpacked(tree["done"], arrays), self._outputs)

    def compare(self, before: int, after: int) -> Comparison:
        """Two steps side by side: by how much each weight has changed."""
        return Comparison(self.at(before), self.at(after))

    def resume(self, trainer: Training, step: int) -> History:
        """Let a Trainer go on from a kept step, as if what came later had not happened.

        The next `fit` makes the remaining steps. With the same data and options, they equal those of the
        first run to the bit. A recorder of this Trainer forgets its later steps then.

        Args:
            trainer: the Trainer of the run, or one of the same parts.
            step: a kept step.

        Returns:
            The history of the epochs before.

        Raises:
            IndexingError: the step is not kept.
            DataError: the state does not fit the Trainer; nothing is changed.
        """
        moment = self.at(step)
        if not hasattr(trainer, "load_state_dict"):
            raise DTypeError(
                f"Recorder.resume: the first argument is a {type(trainer).__name__}; expected a Trainer: "
                f"recorder.resume(trainer, {moment.step})"
            )
        history = trainer.load_state_dict(moment.state)
        self._resumed = moment.step
        return history

    def movers(self, name: str, index: int | Sequence[int], step: int) -> Movers:
        """The samples of a step, by how much each moved one weight.

        The gradient of a loss that is a mean over the batch is a sum with one part for each sample. The batch
        is made again from the indices of its samples, and passes the model as it did then.

        Args:
            name: a parameter of the model, e.g. "0.weight".
            index: the weight, e.g. (3, 5).
            step: a kept step.

        Raises:
            IndexingError: the step is not kept, or there is no such weight.
            DataError: the model has no parameter of this name.
            UnsupportedError: the samples of the step are not known, or the loss is no mean or sum over them.
        """
        moment = self.at(step)
        parts = self.parts(step, [name])[name]
        given = index if isinstance(index, (tuple, list, np.ndarray)) and np.ndim(index) else (index,)
        place = tuple(_whole(i, "movers(index=)", "integers, such as (3, 5)") for i in given)
        if len(place) != parts.ndim - 1:
            raise IndexingError(
                f"Recorder.movers({name!r}, {place}): the parameter has shape {parts.shape[1:]}, expected "
                f"{parts.ndim - 1} numbers"
            )
        try:
            mine = np.array([part[place] for part in parts])
        except IndexError as error:
            raise IndexingError(f"Recorder.movers({name!r}, {place}): {error}") from error
        order = np.argsort(-np.abs(mine), kind="stable")
        change = None
        if moment.step + 1 in self.steps:
            change = float(self.at(moment.step + 1).weights[name][place] - moment.weights[name][place])
        said = sentence(self._trainer("movers").optimizer, change)
        gradient = float(mine.sum())
        return Movers(name, place, moment.step, moment.samples[order], mine[order], gradient, change, said)

    def parts(self, step: int, names: Sequence[str]) -> dict[str, Array]:
        """The part of each sample in the gradients of a step.

        Args:
            step: a kept step.
            names: parameters of the model.

        Returns:
            By name, arrays of shape (n, *parameter.shape), in the order of `at(step).samples`.

        Raises:
            DataError, UnsupportedError: as `movers`.
        """
        moment, trainer = self.at(step), self._trainer("parts")
        if moment.loss is None or moment.tasks is None or self._data is None:
            why = (
                "the run ends before this step"
                if moment.loss is None
                else "a stream does not number its samples"
                if self._data is not None
                else "the data are not known; write Recorder.load(path, trainer, (X, y))"
            )
            raise UnsupportedError(f"Recorder: there are no samples for step {moment.step}: {why}")
        model = self._model(moment)
        dtype = next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), None)
        batches = made_again(self._data, moment.tasks, dtype)
        clipped = getattr(trainer, "clip_grad_norm", None) is not None
        found = apart(model, trainer.loss, batches, moment.random, names)
        norms = (np.finfo(g.dtype).eps * float(np.linalg.norm(g)) for g in moment.gradients.values())
        floor = 100 * max(norms, default=0.0)
        return {
            name: fitted(name, parts, moment.gradients.get(name), clipped, floor)
            for name, parts in found.items()
        }

    def inputs(self, samples: Sequence[int]) -> Array | None:
        """The inputs of some samples, of shape (n, ...); None if the data are not known."""
        if self._data is None:
            return None
        (pair,) = made_again(self._data, [np.array(samples, np.int64)], None)
        return pair[0]

    def _model(self, moment: Moment) -> Any:
        """A copy of the model with the weights of a step."""
        model = deepcopy(self._trainer("outputs").model)
        model.load_state_dict(moment.weights)
        return model

    def _outputs(self, moment: Moment) -> Array:
        """The outputs for the probe, in evaluation mode."""
        if self.probe is None:
            raise OptionError(
                "Recorder: there is no probe whose outputs could be shown; write Recorder(probe=X[:16])"
            )
        model = self._model(moment).eval()
        dtype = next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), None)
        with ag.no_grad():
            output = model(Tensor(Batches(dtype).cast(self.probe)))
        return np.asarray(output.numpy())

    def _trainer(self, who: str) -> Training:
        trainer: Training | None = getattr(self, "trainer", None)
        if trainer is None:
            raise OptionError(f"Recorder.{who}: needs the Trainer; write Recorder.load(path, trainer)")
        return trainer

    # -- files -------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the history to a safetensors file. The write is atomic, and the file holds no code.

        Raises:
            FileError: the file cannot be written.
        """
        about = {"every": self.every, "gradients": self.gradients, "first": self.first, "step": self.step}
        content = written(self.frames)
        save({**content, "about": about, "losses": self.losses, "probe": self.probe}, path)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        trainer: Training | None = None,
        data: tuple[npt.ArrayLike, npt.ArrayLike] | Dataset | DataLoader | None = None,
    ) -> Recorder:
        """Read a history of `save`.

        Args:
            path: the file.
            trainer: a Trainer of the same parts, for outputs and for the samples that moved a weight.
            data: the training data, for these samples: a pair (X, y), or what `fit` was given.

        Raises:
            FileError: the file cannot be read.
            DataError: the file is damaged, or is none of a Recorder.
        """
        path = checked_path("Recorder.load", path)
        frames, about, losses, probe = read(path)
        recorder = cls(frames.memory, about["every"], gradients=about["gradients"], probe=probe)
        recorder.frames, recorder.first, recorder.step = frames, about["first"], about["step"]
        recorder._losses = array("d", losses.tolist())
        if trainer is not None:
            recorder.trainer = trainer
        if data is not None:
            X, y = data if isinstance(data, tuple) else (data, None)
            recorder._data = Batches(None).loader("Recorder.load", X, y, 256)
        return recorder


def _whole(value: Any, place: str, expected: str) -> int:
    """An integer, also one of NumPy's; no bool."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    raise DTypeError(f"Recorder.{place} got {value!r}; expected {expected}")
