"""What the doctor found: findings, a table of the layers, and how both are printed."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..notebook import quietly, table

__all__ = ["Finding", "Layer", "Report"]

WIDTH = 100
"""The columns of the printed report."""


@dataclass(frozen=True)
class Finding:
    """One symptom of a net that does not learn.

    Attributes:
        where: the layer, the parameter or the argument.
        found: what was seen, in a sentence.
        repair: the line of code that repairs it.
        line: file and line of the program, the innermost one that led to it; None if there is none.
        numbers: what was measured.
        symptom: its name, one of `Report.checked`.
    """

    where: str
    found: str
    repair: str
    line: str | None = None
    numbers: dict[str, float] = field(default_factory=dict, hash=False)
    symptom: str = ""

    @property
    def place(self) -> str:
        """Where it is: the layer, and the line without the folder of the file."""
        return self.where if self.line is None else f"{self.where}, {os.path.basename(self.line)}"

    def __str__(self) -> str:
        rows = [("where", self.place), ("found", self.found), ("repair", self.repair)]
        return "\n".join([self.symptom, *(_wrapped(name, text) for name, text in rows)])


@dataclass(frozen=True)
class Layer:
    """What one layer showed in the first forward and backward pass.

    Attributes:
        name: its path in the model and its class, or its op.
        op: the name of the recorded step.
        size: the root mean square of its output.
        gradient: the norm of the gradient at its output.
        silent: the fraction of its units that were 0 for all samples; None if it does not rectify.
        saturated: the fraction of its entries near a limit; None if it has no limits.
    """

    name: str
    op: str
    size: float
    gradient: float
    silent: float | None = None
    saturated: float | None = None


@dataclass(frozen=True)
class Report:
    """What `doctor` found.

    Attributes:
        findings: the symptoms, causes before their effects.
        layers: a `Layer` for each layer with weights and each activation, in the order of the forward pass.
        losses: the loss of each step.
        checked: the names of all symptoms that were looked for.
    """

    findings: tuple[Finding, ...]
    layers: tuple[Layer, ...] = field(repr=False)
    losses: tuple[float, ...] = field(repr=False)
    checked: tuple[str, ...] = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    @property
    def symptoms(self) -> tuple[str, ...]:
        """The names of the symptoms, each once."""
        return tuple(dict.fromkeys(finding.symptom for finding in self.findings))

    def __str__(self) -> str:
        if not self.findings:
            return textwrap.fill(f"nothing found; {self._looked()}", WIDTH)
        return "\n\n".join(f"{i}. {finding}" for i, finding in enumerate(self.findings, 1))

    def _looked(self) -> str:
        ran = f"{len(self.losses)} steps, " if self.losses else ""
        return f"{ran}looked for {', '.join(self.checked)}"

    @quietly
    def _repr_html_(self) -> str:
        if not self.findings:
            return table(("nothing found",), [(part,) for part in textwrap.wrap(self._looked(), WIDTH)], "l")
        head = ("symptom", "where", "found", "repair")
        rows = [(f.symptom, f.place, _cell(f.found), _cell(f.repair)) for f in self.findings]
        return table(head, rows, "llll")


def _wrapped(name: str, text: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=f"   {name:<8}", subsequent_indent=" " * 11, break_long_words=False
    )


def _cell(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 48, break_long_words=False))
