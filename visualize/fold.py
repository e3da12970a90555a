"""Computation -> Folding: which steps share a box, and which boxes share a frame.

A box stands for a step, for an input, or for a folded module with all its steps. A frame surrounds the
boxes of an unfolded module.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from .computation import Computation

__all__ = ["Box", "Folding", "Frame", "Link", "fold", "homes"]


@dataclass(frozen=True, slots=True)
class Box:
    """One node of the picture.

    Attributes:
        vertices: its inputs and steps, as indices into the graph's vertices.
        call: the folded module call, the first of several; None for a step or an input.
        frame: the call whose frame surrounds the box; None outside of frames.
        count: the number of calls, or of equal steps side by side, that the box stands for.
    """

    vertices: tuple[int, ...]
    call: int | None
    frame: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Link:
    """One arrow of the picture.

    Attributes:
        source, target: indices of boxes; the target is None for an output of the graph.
        edges: the edges that the arrow stands for, as indices into the graph's edges.
    """

    source: int
    target: int | None
    edges: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The border around the boxes of a module.

    Attributes:
        parent: the call whose frame surrounds this frame; None for the outermost.
        count: the number of calls that the frame stands for.
    """

    parent: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Folding:
    """The picture's boxes, arrows and frames.

    Attributes:
        boxes: in the order of the tape.
        links: sorted by their first edge.
        frames: by their call, the first of several; outer frames come first.
    """

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    frames: dict[int, Frame]


def fold(graph: Computation, depth: int | None, leaves: bool, unroll: bool) -> Folding:
    """Put the steps of a graph into boxes.

    Args:
        graph: the computation, with its module calls.
        depth: fold modules at this level (0 is the model itself); None folds at no level.
        leaves: fold modules without submodules.
        unroll: draw each call of a module with parameters as its own box.
    """
    first = _first_calls(graph, unroll)
    own = _boxes_of_calls(graph, depth, leaves)
    key_of = [_key(graph, i, own, first) for i in range(len(graph.vertices))]
    hidden = _inner_inputs(graph, key_of)
    for i, key in hidden.items():
        key_of[i] = key
    if not unroll:
        _merge_alike(graph, key_of, first)

    members: dict[tuple[str, int], list[int]] = defaultdict(list)
    for i, key in enumerate(key_of):
        members[key].append(i)
    place = {key: i for i, key in enumerate(members)}
    frame_of_input = _frames_of_inputs(graph, key_of, first)
    boxes = []
    for (kind, n), inside in members.items():
        if kind == "call":
            calls = {own[c] for i in inside if (c := graph.vertices[i].call) is not None}
            parent = graph.calls[n].parent
            boxes.append(Box(tuple(inside), n, None if parent is None else first[parent], len(calls)))
        else:
            call = graph.vertices[inside[0]].call
            frame = frame_of_input.get(n) if call is None else first[call]
            boxes.append(Box(tuple(inside), None, frame, len(inside)))

    edges: dict[tuple[int, int | None], list[int]] = defaultdict(list)
    for i, edge in enumerate(graph.edges):
        if edge.target is None:
            edges[place[key_of[edge.source]], None].append(i)
        elif edge.source in hidden:
            continue  # the input is in the box of its module
        elif key_of[edge.source] != key_of[edge.target] or _recurs(graph, own, edge.source, edge.target):
            edges[place[key_of[edge.source]], place[key_of[edge.target]]].append(i)
    links = tuple(Link(source, target, tuple(inside)) for (source, target), inside in edges.items())
    return Folding(tuple(boxes), links, _frames(graph, boxes, first))


def _first_calls(graph: Computation, unroll: bool) -> list[int]:
    """For each call the first call of the same module within the same outer call; they share a box.

    Calls of a module without parameters, such as one ReLU between many layers, stay apart.
    """
    first: list[int] = []
    seen: dict[tuple[str, int | None], int] = {}
    for i, call in enumerate(graph.calls):
        around = None if call.parent is None else first[call.parent]
        again = not unroll and call.parameters > 0
        first.append(seen.setdefault((call.path, around), i) if again else i)
    return first


def _boxes_of_calls(graph: Computation, depth: int | None, leaves: bool) -> dict[int, int]:
    """The call that each folded call is drawn as: the call itself, or the folded one around it."""
    levels: list[int] = []
    boxes: dict[int, int] = {}
    for i, call in enumerate(graph.calls):
        levels.append(0 if call.parent is None else levels[call.parent] + 1)
        if call.parent in boxes:
            boxes[i] = boxes[call.parent]
        elif (depth is not None and levels[i] >= depth) or (leaves and levels[i] and not call.inner):
            boxes[i] = i
    return boxes


def _key(graph: Computation, i: int, own: dict[int, int], first: list[int]) -> tuple[str, int]:
    call = graph.vertices[i].call
    return ("vertex", i) if call not in own else ("call", first[own[call]])


def _inner_inputs(graph: Computation, key_of: list[tuple[str, int]]) -> dict[int, tuple[str, int]]:
    """The parameters and constants that only one folded module uses, with the key of its box.

    All calls of a module count as one user.
    """
    users: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for edge in graph.edges:
        vertex = graph.vertices[edge.source]
        if vertex.op is None and not vertex.given and edge.target is not None:
            users[edge.source].append(key_of[edge.target])
    return {
        i: keys[0]
        for i, keys in users.items()
        if all(kind == "call" for kind, _ in keys) and len({graph.calls[n].path for _, n in keys}) == 1
    }


def _merge_alike(graph: Computation, key_of: list[tuple[str, int]], first: list[int]) -> None:
    """Draw equal steps side by side, next to a repeated cell, as one box, e.g. `x[0], x[1], x[2]`."""
    around: dict[int, set[tuple[str, tuple[str, int]]]] = defaultdict(set)
    for edge in graph.edges:
        if edge.target is not None:
            around[edge.source].add(("to", key_of[edge.target]))
            around[edge.target].add(("from", key_of[edge.source]))
    alike: dict[object, list[int]] = defaultdict(list)
    for i, vertex in enumerate(graph.vertices):
        if key_of[i] == ("vertex", i) and any(kind == "call" for _, (kind, _) in around[i]):
            frame = None if vertex.call is None else first[vertex.call]
            what = vertex.function or (None if vertex.given or not vertex.constant else "constant")
            if what is not None:
                alike[what, frame, frozenset(around[i])].append(i)
    for steps in alike.values():
        for i in steps:
            key_of[i] = ("vertex", steps[0])


def _frames_of_inputs(graph: Computation, key_of: list[tuple[str, int]], first: list[int]) -> dict[int, int]:
    """The innermost frame around all uses of each input or parameter."""
    frames: dict[int, list[int]] = {}
    for edge in graph.edges:
        vertex = graph.vertices[edge.source]
        if vertex.op is not None or edge.target is None:
            continue
        kind, n = key_of[edge.target]
        call = graph.calls[n].parent if kind == "call" else graph.vertices[n].call
        around = _around(graph, call, first)
        if vertex.given:
            around = []
        known = frames.get(edge.source)
        frames[edge.source] = around if known is None else [a for a in known if a in around]
    return {i: around[0] for i, around in frames.items() if around}


def _around(graph: Computation, call: int | None, first: list[int]) -> list[int]:
    """The drawn calls of a call and of those around it, innermost first."""
    return [first[c] for c in reversed(graph.around(call))]


def _recurs(graph: Computation, own: dict[int, int], source: int, target: int) -> bool:
    """Whether an edge within a box leads from one call of its module to another."""
    a, b = graph.vertices[source].call, graph.vertices[target].call
    return a is not None and b is not None and own.get(a) != own.get(b)


def _frames(graph: Computation, boxes: Iterable[Box], first: list[int]) -> dict[int, Frame]:
    """The frames around the boxes, outer ones first."""
    shown = {a for box in boxes for a in _around(graph, box.frame, first)}
    counts = Counter(first)
    around = {i: graph.calls[i].parent for i in sorted(shown)}
    return {i: Frame(None if call is None else first[call], counts[i]) for i, call in around.items()}


def homes(graph: Computation) -> list[int | None]:
    """The call of each vertex; for inputs and parameters the innermost call around all uses."""
    found = [vertex.call for vertex in graph.vertices]
    common: dict[int, list[int]] = {}
    for edge in graph.edges:
        if edge.target is not None and graph.vertices[edge.source].op is None:
            calls = graph.around(graph.vertices[edge.target].call)
            common[edge.source] = [c for c in common.get(edge.source, calls) if c in calls]
    for i, calls in common.items():
        if calls and not graph.vertices[i].given:
            found[i] = calls[-1]
    return found
