"""Compares two graphs: added steps, removed steps, and changed numbers."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import DTypeError
from autograd_lite.notebook import BLUE, GREEN, RED, coloured, quietly

from .graph import Graph, draw
from .words.values import amount, kind
from .words.wording import Wording, named

__all__ = ["Difference", "diff"]

COLOURS = {"-": RED, "+": GREEN, "~": BLUE}
"""The colours of removed, added and changed lines."""

LONG = 500
"""How many steps are compared with all others."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The result of `diff`; false if the graphs are the same.

    Attributes:
        removed: the steps and inputs of the first graph alone.
        added: the steps and inputs of the second graph alone.
        changed: the steps and inputs of both whose value or gradient differs, with the difference.
        lines: all of these in the order of the graphs: removed with -, added with +, changed with ~.
        first: the first step of both whose value differs, as in `changed`; else None.
        graph: the second graph, with the first different step in red; a notebook shows the graph.
    """

    removed: tuple[str, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]
    lines: tuple[str, ...]
    first: str | None
    graph: Graph

    def __bool__(self) -> bool:
        return bool(self.lines)

    def __str__(self) -> str:
        said = "\n".join(self.lines) or "the graphs are the same"
        return said if self.first is None else f"{said}\nthe first step whose value differs: {self.first}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """The lines, and the picture if a value differs, for notebooks."""
        pictures = self.graph._repr_mimebundle_() if self.first is not None else {}
        return {**pictures, "text/plain": str(self)}

    @quietly
    def _repr_html_(self) -> str:
        return coloured((line, COLOURS.get(line[:1])) for line in str(self).splitlines())


def diff(before: Graph | ag.Tensor | ag.Tape, after: Graph | ag.Tensor | ag.Tape) -> Difference:
    """Compare two graphs: of two runs, of a model before and after a change, or of two models.

    Steps correspond if they have the same op, the same dtypes and shapes, and the same place in the order.
    Two runs part at the first such step whose value differs.

    Args:
        before, after: graphs made by `draw`, or Tensors or Tapes.

    Raises:
        DTypeError: an argument is no graph, Tensor or Tape.

    Example:
        >>> from visualize import draw
        >>> print(diff(draw(lambda x: np.tanh(2 * x), 1.0), draw(lambda x: np.sin(2 * x), 1.0)))
        - f = tanh(v1): float64 ()
        + f = sin(v1): float64 ()
        >>> diff(draw(lambda x: np.tanh(2 * x), 1.0), draw(lambda x: np.tanh(3 * x), 1.0)).first
        'v1: value 2.00, now 3.00'
    """
    before, after = named(_graph(before)), named(_graph(after))
    found = list(_compared(before, after))
    lines = tuple(line for line, _ in found)
    removed, added, changed = (tuple(line[2:] for line in lines if line[0] == mark) for mark in "-+~")
    first = next(((line[2:], i) for line, i in found if i is not None), None)
    if first is None:
        return Difference(removed, added, changed, lines, None, after)
    said, i = first
    marked = after.with_fault(i, f"first that differs: {said.partition(': ')[2]}")
    return Difference(removed, added, changed, lines, said, marked)


def _graph(x: Any) -> Graph:
    if isinstance(x, ag.Tape) or (isinstance(x, ag.Tensor) and not x.is_leaf):
        return draw(x, style="ops")
    if not isinstance(x, Graph):
        raise DTypeError(f"diff({type(x).__name__}): expected two graphs: diff(draw(f), draw(g))")
    return x


def _compared(before: Graph, after: Graph) -> Iterator[tuple[str, int | None]]:
    """The lines, each with the index in the second graph if it is of a step whose value differs."""
    old, new = Wording(before), Wording(after)
    a, b = _keys(before, old), _keys(after, new)
    totals = before.totals(), after.totals()
    for is_equal, a0, a1, b0, b1 in _matched(a, b):
        if is_equal:
            for i, j in zip(range(a0, a1), range(b0, b1), strict=True):
                values = _numbers(before.vertices[i].value, after.vertices[j].value, "value")
                said = values + _numbers(totals[0].get(i), totals[1].get(j), "gradient")
                if said:
                    parted = values and after.vertices[j].op is not None
                    yield f"~ {new.name(j)}: {'; '.join(said)}", j if parted else None
        else:
            yield from ((f"- {_told(before, old, i)}", None) for i in range(a0, a1))
            yield from ((f"+ {_told(after, new, j)}", None) for j in range(b0, b1))


def _matched(a: list[Any], b: list[Any]) -> Iterator[tuple[bool, int, int, int, int]]:
    """Which parts of two lists are equal, and which stand for each other, as (equal, from, to, from, to).

    How both begin is equal. The search in the rest takes cubic time for lists of few kinds, so in long ones
    the frequent kinds match only beside others.
    """
    pairs = zip(a, b, strict=False)
    start = next((k for k, (x, y) in enumerate(pairs) if x != y), min(len(a), len(b)))
    if start:
        yield True, 0, start, 0, start
    matcher = difflib.SequenceMatcher(None, a[start:], b[start:], autojunk=len(b) - start > LONG)
    for what, a0, a1, b0, b1 in matcher.get_opcodes():
        yield what == "equal", a0 + start, a1 + start, b0 + start, b1 + start


def _keys(graph: Graph, words: Wording) -> list[tuple[Any, ...]]:
    """The key of each vertex, equal for corresponding vertices: op, index, dtypes and shapes."""
    return [
        (
            vertex.op,
            kind(vertex.value),
            repr(vertex.index),
            *(kind(e.value) for e in words.arguments.get(i, ())),
        )
        for i, vertex in enumerate(graph.vertices)
    ]


def _told(graph: Graph, words: Wording, i: int) -> str:
    vertex = graph.vertices[i]
    step = f" = {words.step(i)}" if vertex.op is not None else ""
    return f"{words.name(i)}{step}: {kind(vertex.value)}"


def _numbers(a: Any, b: Any, what: str) -> list[str]:
    """The difference of two values of one shape in words; NaN equals NaN."""
    if a is None and b is None:
        return []
    if a is None or b is None:
        return [f"{what} {amount(a)}, now {amount(b)}"]
    if isinstance(a, tuple):
        pairs = enumerate(zip(a, b, strict=True))
        return [line for i, (x, y) in pairs for line in _numbers(x, y, f"{what} {i}")]
    a, b = np.asarray(a), np.asarray(b)
    if np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc"):
        return []
    if a.ndim == 0 or a.dtype.kind not in "biufc":
        return [f"{what} {amount(a)}, now {amount(b)}"]
    alone = int(np.sum(np.isnan(a) != np.isnan(b)))
    if alone:
        return [f"{what} is NaN in one alone at {alone} of {a.size} entries"]
    with np.errstate(all="ignore"):
        apart = np.abs(b.astype(complex) - a)
        largest = np.max(apart, initial=0.0, where=~np.isnan(apart))
    return [f"{what} differs by up to {amount(float(largest))}"]
