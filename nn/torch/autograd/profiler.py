"""`torch.autograd.profiler`: names that programs use. They measure the time of a block, not of each op.

`visualize.profile` measures each op.
"""

from __future__ import annotations

import time
from contextlib import ContextDecorator
from typing import Any

__all__ = ["KinetoProfile", "emit_nvtx", "profile", "record_function"]


class record_function(ContextDecorator):  # noqa: N801  (named as in PyTorch)
    """A named block; the name has no effect."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name

    def __enter__(self) -> record_function:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class emit_nvtx(record_function):  # noqa: N801
    """Nothing: there is no GPU."""

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        super().__init__("emit_nvtx")


class _Averages(list[Any]):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def table(self, **options: Any) -> str:
        """The time of the block."""
        return f"Self CPU time total: {1000 * self._seconds:.3f}ms (visualize.profile measures each op)"

    def total_average(self) -> _Averages:
        return self


class profile:  # noqa: N801
    """The time that a `with` block takes.

    Args:
        options: those of PyTorch, without effect.

    Example:
        >>> from nn.torch.autograd.profiler import profile
        >>> with profile() as p:
        ...     sum(range(10))
        45
        >>> p.key_averages().table().startswith("Self CPU time total")
        True
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._seconds = 0.0

    def __enter__(self) -> profile:
        self._began = time.perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        self._seconds += time.perf_counter() - self._began

    def step(self) -> None:
        """The end of a training step; no effect."""

    @property
    def self_cpu_time_total(self) -> float:
        """The time of the block in microseconds."""
        return 1e6 * self._seconds

    def key_averages(self, **options: Any) -> _Averages:
        """An empty list, whose `table()` tells the time of the block."""
        return _Averages(self._seconds)


KinetoProfile = profile
