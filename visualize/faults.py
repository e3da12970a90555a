"""Where NaN and inf come from."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from .content import nonfinite

if TYPE_CHECKING:
    from .graph import Graph

__all__ = ["faults"]


def faults(graph: Graph) -> dict[int, list[str]]:
    """For each vertex with a NaN or inf what to say of it; the first of each pass is called the first.

    The first of the forward pass is a step that makes one out of finite inputs, or an input that has one;
    the first of the backward pass a step that sends one though what arrives is finite.
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
        bad = next(filter(None, sent[i] if i == start else arriving[i]), None)
        if bad:
            said[i].append(f"first {bad} of the backward pass" if i == start else f"{bad} in the gradient")
    return dict(said)
