"""Computation -> a graph of the library networkx."""

from __future__ import annotations

import importlib
from typing import Any

from autograd_lite.errors import RendererError

from ..computation import Computation

__all__ = ["to_networkx"]


def to_networkx(graph: Computation) -> Any:
    """A networkx.MultiDiGraph whose nodes are indices of vertices, with the data of each vertex and edge."""
    try:
        networkx = importlib.import_module("networkx")
    except ImportError as error:
        raise RendererError(
            "to_networkx needs networkx, which is not installed: pip install networkx"
        ) from error
    made = networkx.MultiDiGraph()
    for i, vertex in enumerate(graph.vertices):
        module = None if vertex.call is None else graph.calls[vertex.call].path
        made.add_node(
            i, op=vertex.op, name=vertex.name, value=vertex.value, constant=vertex.constant, module=module
        )
    for edge in graph.edges:
        if edge.target is None:
            made.nodes[edge.source].update(output=True, grad=edge.grad)
        else:
            made.add_edge(
                edge.source,
                edge.target,
                position=edge.position,
                value=edge.value,
                grad=edge.grad,
                local=edge.local,
            )
    return made
