"""DOT text -> Drawing: reads the part of the language that our writers use."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from autograd_lite.errors import RendererError

__all__ = ["Cluster", "Drawing", "Edge", "Node", "length", "read"]

Attributes = dict[str, str]

_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(<)|(->|[{}\[\];=,:])|([^\s"<>{}\[\];=,:]+))', re.S)
_ANGLE = re.compile(r"[<>]")


@dataclass(slots=True)
class Node:
    """A node, and the cluster around it."""

    id: str
    cluster: str | None
    look: Attributes


@dataclass(slots=True)
class Edge:
    """An edge between two nodes."""

    start: str
    end: str
    look: Attributes


@dataclass(slots=True)
class Cluster:
    """A cluster, and the cluster around it."""

    id: str
    parent: str | None
    look: Attributes = field(default_factory=dict)


@dataclass(slots=True)
class Drawing:
    """A graph in the DOT language: its attributes, nodes, edges, and clusters, outer ones first."""

    look: Attributes = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    clusters: dict[str, Cluster] = field(default_factory=dict)


def read(text: str) -> Drawing:
    """Read a text in the DOT language.

    Raises:
        RendererError: the text is not in the form of our writers.

    Example:
        >>> drawing = read('digraph { node [shape=box] a [label=<x>] a -> b:w }')
        >>> drawing.nodes["a"].look, drawing.edges[0].end
        ({'shape': 'box', 'label': 'x'}, 'b')
    """
    return _Reader(text).drawing


def length(text: str) -> int:
    """How many layers all lines of a text go through together, where each node stands after those before it.

    Example:
        >>> length("digraph { a [] b [] c [] a -> b b -> c a -> c }")
        4
    """
    drawing = read(text)
    edges = [(edge.start, edge.end) for edge in drawing.edges]
    layer = dict.fromkeys(itertools.chain(*edges), 0)
    for start, end in edges:  # those into a node stand before those out of it
        layer[end] = max(layer[end], layer[start] + 1)
    nearest: dict[str, int] = {}
    for start, end in edges:
        nearest[start] = min(nearest.get(start, layer[end]), layer[end])
    fed = {end for _, end in edges}
    # inputs stand near their use
    layer |= {start: near - 1 for start, near in nearest.items() if start not in fed}
    return sum(layer[end] - layer[start] for start, end in edges)


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """The words and signs, each with whether it is a sign; the markup of a label is one word."""
    at = 0
    while match := _TOKEN.match(text, at):
        quoted, markup, sign, word = match.groups()
        at = match.end()
        if markup:
            depth = 1
            while depth:
                angle = _ANGLE.search(text, at)
                if angle is None:
                    raise RendererError("the picture's DOT text has a label without its closing '>'")
                depth += 1 if angle[0] == "<" else -1
                at = angle.end()
            yield text[match.end() : at - 1], False
        elif sign:
            yield sign, True
        else:
            yield quoted.replace(r"\"", '"') if quoted is not None else word, False
    if text[at:].strip():
        raise RendererError(f"the picture's DOT text is not in our writers' form: {text[at : at + 40]!r}")


class _Reader:
    """Reads a text statement by statement."""

    def __init__(self, text: str) -> None:
        self.drawing = Drawing()
        self.tokens = [*_tokens(text), ("", True)]
        self.at = 0
        self.defaults: dict[str, Attributes] = {"node": {}, "edge": {}}
        self.cluster: str | None = None
        self._take("digraph")
        self._take("{")
        while self.at < len(self.tokens) - 1:
            self._statement()

    def _next(self) -> str:
        word, _ = self.tokens[self.at]
        self.at += 1
        return word

    def _is(self, sign: str) -> bool:
        return self.tokens[self.at] == (sign, True)

    def _take(self, wanted: str) -> None:
        if (found := self._next()) != wanted:
            raise RendererError(f"the picture's DOT text has {found!r} where {wanted!r} is expected")

    def _statement(self) -> None:
        drawing, word = self.drawing, self._next()
        look = drawing.clusters[self.cluster].look if self.cluster else drawing.look
        if word == ";":
            return
        if word == "}":
            self.cluster = drawing.clusters[self.cluster].parent if self.cluster else None
        elif word == "subgraph":
            id = self._next()
            drawing.clusters[id] = Cluster(id, self.cluster)
            self.cluster = id
            self._take("{")
        elif word == "graph":
            look |= self._attributes()
        elif word in self.defaults:
            self.defaults[word] |= self._attributes()
        elif self._is("="):
            self.at += 1
            look[word] = self._next()
        elif self._is("->") or self._is(":"):
            self._skip_port()
            self._take("->")
            end = self._next()
            self._skip_port()
            drawing.edges.append(Edge(word, end, self.defaults["edge"] | self._attributes()))
        else:
            drawing.nodes[word] = Node(word, self.cluster, self.defaults["node"] | self._attributes())

    def _skip_port(self) -> None:
        if self._is(":"):
            self.at += 2

    def _attributes(self) -> Attributes:
        found: Attributes = {}
        if not self._is("["):
            return found
        self.at += 1
        while not self._is("]"):
            name = self._next()
            self._take("=")
            found[name] = self._next()
            if self._is(","):
                self.at += 1
        self.at += 1
        return found
