"""What a workload is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Step = Callable[[], Any]
"""One round of the work. It returns the numbers it computed, in the library's own types."""


class DisagreementError(Exception):
    """A library computed other numbers than ours, so that their times cannot be compared."""


class NotInstalledError(Exception):
    """The library is not there."""


class FailedError(Exception):
    """The library's process ended, or its step raised; the text is the name of the error."""


@dataclass(frozen=True)
class Workload:
    """The same work for every library.

    Attributes:
        name: what to call it on the command line.
        does: the work in one line.
        contenders: for each library a function that sets the work up and returns its step. The others
            are compared with the first: ours, or NumPy where the machine itself is measured.
        goals: the least ratio of a library's time to ours.
        rounds: how many samples to take of each library.
        per: the divisor of a time; `unit` is the name of the quotient's unit.
        measures_itself: the step returns what it measured, and no numbers to compare.
        quantity: "s" for seconds, "B" for bytes.
        rtol, atol: relative and absolute tolerance of the agreement.
    """

    name: str
    does: str
    contenders: Mapping[str, Callable[[], Step]]
    goals: Mapping[str, float] = field(default_factory=dict)
    rounds: int = 15
    per: float = 1
    unit: str = "step"
    measures_itself: bool = False
    quantity: str = "s"
    rtol: float = 1e-10
    atol: float = 0.0
