"""Finds the steps that made the first NaN or inf."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np

from .computation import Computation

__all__ = ["blamed", "faults", "nonfinite"]


def nonfinite(value: Any) -> str | None:
    """ "NaN" if an entry is NaN, else "inf" if an entry is infinite, else None."""
    if isinstance(value, tuple):
        found = {nonfinite(x) for x in value}
        return "NaN" if "NaN" in found else "inf" if "inf" in found else None
    if value is None or (isinstance(value, float) and math.isfinite(value)):
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return None
    return "NaN" if np.isnan(array).any() else "inf"


def faults(graph: Computation) -> dict[int, list[str]]:
    """The faults of each vertex in words: its own, and NaN or inf in its value or gradient.

    The first of the forward pass is an input, or a step with finite inputs. The first of the backward pass
    is a step whose output has a finite cotangent.
    """
    values = [nonfinite(vertex.value) for vertex in graph.vertices]
    received: dict[int, list[str | None]] = defaultdict(list)  # values that a step gets
    arriving: dict[int, list[str | None]] = defaultdict(list)  # gradients that a vertex gets
    sent: dict[int, list[str | None]] = defaultdict(list)  # gradients that a step sends
    for edge in graph.edges:
        arriving[edge.source].append(nonfinite(edge.grad))
        if edge.target is not None:
            received[edge.target].append(nonfinite(edge.value))
            sent[edge.target].append(nonfinite(edge.grad))

    said: dict[int, list[str]] = defaultdict(list)
    places = range(len(graph.vertices))
    start = next((i for i in places if values[i] and not any(received[i])), None)
    for i in places:
        if values[i]:
            said[i].append(
                f"first {values[i]} of the forward pass" if i == start else f"{values[i]} in the value"
            )
    start = next((i for i in reversed(places) if any(sent[i]) and not any(arriving[i])), None)
    for i in places:
        if fault := graph.vertices[i].fault:
            said[i].insert(0, fault)
        bad = next(filter(None, sent[i] if i == start else arriving[i]), None)
        if bad:
            said[i].append(f"first {bad} of the backward pass" if i == start else f"{bad} in the gradient")
    return dict(said)


def blamed(graph: Computation, message: str, line: str) -> Computation:
    """The same graph; the vertex of the first NaN or inf has the error's message as its fault."""
    first = (i for i, said in faults(graph).items() if any(s.endswith("of the forward pass") for s in said))
    i = next(first, None)
    return graph if i is None else graph.with_fault(i, message, line)
