"""The state of a training run that a file holds beside model, optimizer and schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.errors import DataError

from ..random import generator
from .callback import Callback, Training
from .history import History
from .place import Place

__all__ = ["Run"]


@dataclass
class Run:
    """The state of a run, beside its model, its optimizer and its schedule."""

    history: History = field(default_factory=History)
    stopped: bool = False
    callbacks: list[Any] = field(default_factory=list)
    """The class and the state of each callback."""
    orders: list[Mapping[str, Any]] = field(default_factory=list)
    """The states of the generators that shuffle the data."""
    schedule: str | None = None
    """The class of the schedule."""
    place: Place | None = None
    """Where in its epoch the run is; None between epochs."""
    trainer: Training | None = None
    """The Trainer to resume; its callbacks may refuse their states."""
    random: Mapping[str, Any] = field(default_factory=dict)
    """The resumed state of nn's random numbers; draws between `resume` and `fit` do not change it."""

    def state_dict(self) -> dict[str, Any]:
        names = ("history", "stopped", "callbacks", "orders", "schedule")
        place = None if self.place is None else self.place.state_dict()
        return {**{name: getattr(self, name) for name in names}, "place": place}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        if state_dict["schedule"] != self.schedule:
            raise DataError(
                f"it was saved with scheduler={state_dict['schedule']}, now it is scheduler={self.schedule}"
            )
        self.history = History({name: list(map(float, v)) for name, v in state_dict["history"].items()})
        if len({len(values) for values in self.history.values()}) > 1:
            raise DataError("the numbers in the history have different lengths")
        self.stopped = bool(state_dict["stopped"])
        place = state_dict.get("place")  # files of earlier versions have none
        keep = bool(self.trainer and self.trainer.metrics)
        self.place = None if place is None else Place.load(place, keep)
        self.callbacks = [(str(name), dict(state)) for name, state in state_dict["callbacks"]]
        self.orders = list(map(dict, state_dict["orders"]))
        for order in [*self.orders, *(self.place.begun if self.place else ())]:
            _check_generator(order)
        if self.trainer is not None:
            for callback, state in self._states(self.trainer.callbacks):
                callback.check_state(state, self.trainer.model)

    def restore(self, callbacks: list[Callback], orders: list[np.random.Generator]) -> None:
        """Restore random numbers and callbacks; callbacks without a saved state start from the beginning."""
        if len(orders) != len(self.orders):
            raise DataError(
                f"fit: the run was saved with {len(self.orders)} generators that shuffle the data, but the "
                f"loaders have {len(orders)}; give fit the same loaders"
            )
        for order, state in zip(orders, self.orders, strict=True):
            if state["bit_generator"] != (kind := type(order.bit_generator).__name__):
                raise DataError(
                    f"fit: a generator of the loaders was a {state['bit_generator']}, now it is a {kind}"
                )
        for order, state in zip(orders, self.orders, strict=True):
            order.bit_generator.state = state
        generator.bit_generator.state = self.random
        for callback, state in self._states(callbacks):
            callback.load_state_dict(state)

    def _states(self, callbacks: list[Callback]) -> Iterator[tuple[Callback, Mapping[str, Any]]]:
        """Each callback with a saved state, matched by class, and that state."""
        waiting = list(callbacks)
        for name, state in self.callbacks:
            callback = next((callback for callback in waiting if type(callback).__name__ == name), None)
            if callback is not None:
                waiting.remove(callback)
                yield callback, state


def _check_generator(state: Mapping[str, Any]) -> None:
    """Refuse a state that does not belong to a NumPy generator."""
    kind = getattr(np.random, str(state.get("bit_generator")), None)
    if not (isinstance(kind, type) and issubclass(kind, np.random.BitGenerator)):
        raise DataError(f"NumPy has no generator {state.get('bit_generator')!r}")
    kind().state = state
