"""The report of a failed check: one line, and the details below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["RANKS", "CheckError", "Flaw", "Row", "missing", "report"]

Row = tuple[str, str]
"""A line of the report: its label and its text."""


class CheckError(Exception):
    """A failed check, before the op to blame is known.

    Args:
        line: the first line of the report.
        rows: the details.
        no_slope: whether the function has no derivative at the point.
    """

    def __init__(self, line: str, rows: Sequence[Row] = (), no_slope: bool = False) -> None:
        super().__init__(line)
        self.rows = rows
        self.no_slope = no_slope


def report(failure: CheckError, culprit: Sequence[Row]) -> str:
    """The text of the report: the first line, and below it one line for each row."""
    rows = [(f"{label}:", text) for label, text in (*failure.rows, *culprit)]
    width = max(len(label) for label, _ in rows)
    return "\n".join([str(failure), *(f"  {label:<{width}}  {text}" for label, text in rows)])


RANKS = ("undecided", "no derivative", "wrong")
"""The kinds of flaws, from the least to the most severe; the most severe flaw is reported."""


class Flaw(NamedTuple):
    """One wrong or missing derivative.

    Attributes:
        rank: the index in RANKS, and the relative error; the flaw with the largest rank is reported.
        line, rows: the first line and the details of the report.
        no_slope: whether the function has no derivative at the point.
    """

    rank: tuple[int, float]
    line: str
    rows: list[Row]
    no_slope: bool


def missing(what: str, why: str, got: float, no_slope: bool) -> Flaw:
    """The flaw of a function that has no derivative to compare with."""
    return Flaw((1, 0.0), f"no {what}: {why}", [("analytic", f"{got: .16g}")], no_slope)
