"""The styles of pictures, by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import dot, network

if TYPE_CHECKING:
    from .graph import Graph

__all__ = ["LIMIT", "STYLES", "nodes"]

STYLES: dict[str, Callable[[Graph], str]] = {
    "lecture": dot.lecture,
    "model": network.model,
    "ops": network.ops,
}
"""The styles that `draw` knows, and what writes them."""

LIMIT = 2_000
"""How many boxes a picture may have. Text may have more."""


def nodes(graph: Graph) -> int:
    """How many circles or boxes there are in the picture of a graph."""
    return len(graph.vertices) if graph.style == "lecture" else len(network.folding(graph).boxes)
