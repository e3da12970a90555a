"""What a failed check says: one line, and below it all detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["RANKS", "CheckError", "Flaw", "Row", "missing", "report"]

Row = tuple[str, str]
"""A line of the report: what it is about, and what there is to say."""


class CheckError(Exception):
    """What is wrong, before it is known whose fault it is."""

    def __init__(self, line: str, rows: Sequence[Row] = (), no_slope: bool = False) -> None:
        super().__init__(line)
        self.rows = rows
        self.no_slope = no_slope


def report(failure: CheckError, culprit: Sequence[Row]) -> str:
    """What is wrong in one line, and below it in all detail."""
    rows = [(f"{label}:", text) for label, text in (*failure.rows, *culprit)]
    width = max(len(label) for label, _ in rows)
    return "\n".join([str(failure), *(f"  {label:<{width}}  {text}" for label, text in rows)])


RANKS = ("undecided", "no derivative", "wrong")
"""From the last to the first that is reported."""


class Flaw(NamedTuple):
    """What is wrong with one derivative.

    Attributes:
        rank: its place in RANKS, and the relative error; of several flaws the one of the largest is reported.
        line, rows: of the report.
        no_slope: whether the function has no derivative there.
    """

    rank: tuple[int, float]
    line: str
    rows: list[Row]
    no_slope: bool


def missing(what: str, why: str, got: float, no_slope: bool) -> Flaw:
    """The flaw of a function that has no derivative to compare with."""
    return Flaw((1, 0.0), f"no {what}: {why}", [("analytic", f"{got: .16g}")], no_slope)
