"""The evidence that the detectors read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..arrays import to_host
from ..node import Leaf, Node, op_name
from .passes import Look, Step, Subject
from .training import Training

__all__ = ["Evidence", "named", "percent", "source", "whole"]

MOVES = {"reshape", "squeeze", "ravel", "expand_dims", "transpose", "moveaxis", "swapaxes", "getitem"}
MOVES |= {"alias", "astype", "copy", "positive", "einsum_view"}
"""The ops that move entries, and change none."""


@dataclass
class Evidence:
    """What was seen of a subject.

    Attributes:
        first, last: a pass before the steps and after them, on one batch; `last` is None if no steps ran.
        training: the steps.
        rates: the loss after steps with a multiple of the rate, by the factor.
        anomaly: the first op of the steps that made NaN or inf.
    """

    subject: Subject
    first: Look
    last: Look | None = None
    training: Training | None = None
    rates: dict[float, float] = field(default_factory=dict)
    anomaly: str | None = None

    @property
    def both(self) -> list[Look]:
        """The passes that ran to their end."""
        return [seen for seen in (self.first, self.last) if seen is not None and seen.error is None]

    def weights_of(self, step: Step) -> list[str]:
        """The parameters with two axes or more that a step reads."""
        names = {id(p.node): name for name, p in self.subject.parameters.items() if p.node is not None}
        found = [names[id(parent)] for parent in step.node.inputs if id(parent) in names]
        return [name for name in found if self.subject.parameters[name].ndim > 1]


def source(node: Any, through: frozenset[str] = frozenset()) -> Any:
    """The node that computed the entries of a node: steps that only move entries are passed."""
    while node.__class__ is Node and op_name(node.op) in MOVES | through and node.inputs:
        node = node.inputs[0]
    return node if isinstance(node, Node) and node.__class__ is not Leaf else None


def named(names: list[str]) -> str:
    """Some names, with how many more there are."""
    more = len(names) - 4
    return ", ".join(names[:4]) + (f" and {more} more" if more > 0 else "")


def percent(share: float) -> str:
    """A fraction in percent."""
    return f"{100 * share:.0f} %"


def whole(x: Any) -> Any:
    """The array of data; None if there is none."""
    return None if x is None else to_host(x)
