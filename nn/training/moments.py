"""A step of the past, and two of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Comparison", "Moment"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Moment:
    """A step of the past: the state before it, and what the step did.

    Attributes:
        step: the step, from 0.
        state: what `Trainer.load_state_dict` takes.
        done: what the step did, by name.
    """

    step: int
    state: Mapping[str, Any]
    done: Mapping[str, Any]
    _outputs: Callable[[Moment], Array]

    @property
    def epoch(self) -> int:
        """The epoch of the step, from 0."""
        return int(self.done["epoch"])

    @property
    def loss(self) -> float | None:
        """The loss of the step's batch; None at the end of the run."""
        loss = self.done["loss"]
        return None if loss is None else float(loss)

    @property
    def weights(self) -> Mapping[str, Array]:
        """The parameters and buffers before the step, by name, as in `model.state_dict()`."""
        weights: Mapping[str, Array] = self.state["parts"]["model"]
        return weights

    @property
    def gradients(self) -> Mapping[str, Array]:
        """The gradients that the optimizer got, by name; empty at the end of the run."""
        gradients: Mapping[str, Array] = self.done.get("gradients", {})
        return gradients

    @property
    def tasks(self) -> list[Array] | None:
        """The indices of the samples, in an array for each batch of the step; None if they have none."""
        return self.done.get("samples")

    @property
    def samples(self) -> Array:
        """The indices of the samples of the step in the training data, of shape (n,)."""
        return np.concatenate([np.ravel(task) for task in self.tasks or [np.zeros(0, np.int64)]])

    @property
    def random(self) -> Mapping[str, Any]:
        """The state of nn's random numbers when the model saw the batch."""
        random: Mapping[str, Any] = self.done["random"]
        return random

    @property
    def outputs(self) -> Array:
        """The outputs for the recorder's probe, in evaluation mode.

        Raises:
            OptionError: the recorder has no probe, or no Trainer.
        """
        return self._outputs(self)

    def __repr__(self) -> str:
        did = "the end" if self.loss is None else f"loss {self.loss:.4g}, {len(self.samples)} samples"
        return f"<step {self.step}, epoch {self.epoch}: {did}>"


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Two steps side by side."""

    before: Moment
    after: Moment

    @property
    def changes(self) -> dict[str, Array]:
        """The change of each array of numbers from the one step to the other, by name."""
        old, new = self.before.weights, self.after.weights
        return {
            name: np.subtract(x, old[name], dtype=np.result_type(x, np.float32))
            for name, x in new.items()
            if name in old and old[name].shape == np.shape(x)
        }

    def __str__(self) -> str:
        rows = [f"step {self.before.step} -> {self.after.step}", "  relative change  largest  where  name"]
        for name, change in self.changes.items():
            size = float(np.linalg.norm(self.before.weights[name])) or 1.0
            where = tuple(map(int, np.unravel_index(np.argmax(np.abs(change)), change.shape)))
            norm = float(np.linalg.norm(change)) / size
            rows.append(f"  {norm:15.2%}  {np.ravel(change[where])[0]:+.2e}  {where}  {name}")
        return "\n".join(rows)

    __repr__ = __str__
