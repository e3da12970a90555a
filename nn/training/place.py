"""A place within an epoch: what a run needs to go on between two steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError

from ..random import generator
from .seen import Seen

__all__ = ["Place"]

Array = npt.NDArray[Any]


@dataclass
class Place:
    """Where in its epoch a run is, between two steps."""

    seen: Seen
    """The losses, and perhaps the outputs, of the batches so far."""
    begun: list[Mapping[str, Any]]
    """At the beginning of the epoch: the states of nn's generator and of those that shuffle the data."""
    rate: float
    """The learning rate at the beginning of the epoch."""
    done: int = 0
    """The number of steps so far."""
    random: Mapping[str, Any] = field(default_factory=dict)
    """The state of nn's generator before the last step."""

    @classmethod
    def begin(cls, orders: Sequence[np.random.Generator], keep: bool, rate: float) -> Place:
        """The place before the first step of an epoch.

        Args:
            orders: the generators that shuffle the data.
            keep: whether metrics need the outputs.
            rate: the learning rate.
        """
        return cls(Seen(keep), states(orders), rate)

    def left(
        self, batches: Callable[[], Iterator[Any]], accumulate: int, orders: Sequence[np.random.Generator]
    ) -> Iterator[Any]:
        """The batches that are left of the epoch.

        The batches before are made again, from the random numbers at the beginning of the epoch: their order
        and their transforms are the same. Then the random numbers go on as they were.

        Args:
            batches: begins an iteration over the batches of the epoch.
            accumulate: the number of batches for one step.
            orders: the generators that shuffle the data.

        Raises:
            DataError: the epoch has fewer batches than the steps took.
        """
        if not self.done:
            return batches()
        now = states(orders)
        restore(orders, self.begun)
        rest = batches()
        made = sum(1 for _ in islice(rest, self.done * accumulate))
        if math.ceil(made / accumulate) < self.done:
            raise DataError(
                f"fit: the run has made {self.done} steps of this epoch, but there are batches for "
                f"{math.ceil(made / accumulate)}; give fit the same data, batch_size and accumulate"
            )
        restore(orders, now)
        return rest

    def state_dict(self) -> dict[str, Any]:
        """The place as arrays and numbers; the arrays grow with the steps of the epoch."""
        sizes = [math.nan if size is None else size for size in self.seen.sizes]
        return {
            "done": self.done,
            "rate": self.rate,
            "begun": self.begun,
            "losses": np.array(self.seen.losses, float),
            "sizes": np.array(sizes, float),
            "outputs": _joined(self.seen.outputs),
            "targets": _joined(self.seen.targets),
        }

    @classmethod
    def load(cls, state: Mapping[str, Any], keep: bool) -> Place:
        """The place of a state.

        Raises:
            DataError: metrics need the outputs of the epoch so far, and the state has none.
        """
        done, outputs, targets = int(state["done"]), list(state["outputs"]), list(state["targets"])
        if keep and done and not outputs:
            raise DataError(
                "the run has no outputs of this epoch, as it had no metrics; leave the metrics out, or go "
                "back to the beginning of an epoch"
            )
        sizes = [None if math.isnan(size) else size for size in state["sizes"].tolist()]
        seen = Seen(keep, state["losses"].tolist(), sizes, outputs, targets)
        return cls(seen, list(map(dict, state["begun"])), float(state["rate"]), done)


def states(orders: Sequence[np.random.Generator]) -> list[Mapping[str, Any]]:
    """The states of nn's generator and of others."""
    return [g.bit_generator.state for g in (generator, *orders)]


def restore(orders: Sequence[np.random.Generator], to: Sequence[Mapping[str, Any]]) -> None:
    """Set the states of nn's generator and of others."""
    for g, state in zip((generator, *orders), to, strict=True):
        g.bit_generator.state = state


def _joined(arrays: Sequence[Array]) -> list[Array]:
    """The arrays as one, if their shapes allow; a metric joins them in the same way."""
    fits = len({(x.shape[1:], x.dtype.str) for x in arrays}) == 1 and all(x.ndim for x in arrays)
    return [np.concatenate(arrays)] if fits else list(arrays)
