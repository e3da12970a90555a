"""The history of a run: loss and metrics of each epoch."""

from __future__ import annotations

from collections.abc import Mapping

from autograd_lite.notebook import quietly

from .shown import curves

__all__ = ["History", "Logs"]

Logs = Mapping[str, float]
"""The numbers of one epoch, by name."""


class History(dict[str, list[float]]):
    """Loss and metrics by name, with one number for each epoch; a notebook shows them as curves.

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

    @quietly
    def _repr_html_(self) -> str | None:
        return curves(self) if any(self.values()) else None
