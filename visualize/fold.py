"""Graph -> Folding: which steps share a box, and which boxes a frame.

A box stands for a step, for an input, or for a module with all that happens in it; a frame is drawn around
what happens in a module that is not folded to a box.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from .computation import Computation

__all__ = ["Box", "Folding", "Frame", "Link", "fold", "homes"]


@dataclass(frozen=True, slots=True)
class Box:
    """What is drawn as one node.

    Attributes:
        vertices: the inputs and steps in it, by their places in the graph.
        call: the call of the module that it stands for, the first of several; None for a step or an input.
        frame: the call whose frame is around it; None outside of all.
        count: how many calls, or steps that do the same side by side, are drawn as this one.
    """

    vertices: tuple[int, ...]
    call: int | None
    frame: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Link:
    """What is drawn as one arrow.

    Attributes:
        source, target: boxes by their places; the target is None where values leave the graph.
        edges: the edges in it, by their places in the graph.
    """

    source: int
    target: int | None
    edges: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What is drawn around the boxes of a module.

    Attributes:
        parent: the call whose frame is around this one; None outside of all.
        count: how many calls are drawn in it.
    """

    parent: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Folding:
    """The picture's boxes and arrows.

    Attributes:
        boxes: in the order of the tape.
        links: sorted by the first of their edges.
        frames: by the call that each stands for, the first of several; those around others come first.
    """

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    frames: dict[int, Frame]


def fold(graph: Computation, depth: int | None, leaves: bool, unroll: bool) -> Folding:
    """Put the steps of a graph into boxes.

    Args:
        graph: with the calls of its modules.
        depth: modules at this level become boxes, 0 being the model itself; None for no limit.
        leaves: whether modules without modules in them become boxes.
        unroll: whether each call of a module with parameters has a box of its own.
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
            continue  # other calls of its module use it too
        elif key_of[edge.source] != key_of[edge.target] or _recurs(graph, own, edge.source, edge.target):
            edges[place[key_of[edge.source]], place[key_of[edge.target]]].append(i)
    links = tuple(Link(source, target, tuple(inside)) for (source, target), inside in edges.items())
    return Folding(tuple(boxes), links, _frames(graph, boxes, first))


def _first_calls(graph: Computation, unroll: bool) -> list[int]:
    """For each call the one that it is drawn as: the first of its module, in the same call around them.

    Modules without parameters are called again for convenience, as one ReLU between many layers; those
    calls have little to do with each other.
    """
    first: list[int] = []
    seen: dict[tuple[str, int | None], int] = {}
    for i, call in enumerate(graph.calls):
        around = None if call.parent is None else first[call.parent]
        again = not unroll and call.parameters > 0
        first.append(seen.setdefault((call.path, around), i) if again else i)
    return first


def _boxes_of_calls(graph: Computation, depth: int | None, leaves: bool) -> dict[int, int]:
    """For each call that is drawn as a box, or lies in one, the call that the box stands for."""
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
    """The parameters and constants that only one module uses: they are in its box.

    All calls of a module count as that module.
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
    """Draw steps that lie side by side before or after a repeated cell as one, e.g. `x[0], x[1], x[2]`."""
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
    """For an input or parameter the innermost frame that is around all of its uses."""
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
    """A call and those around it, from the inside out, as they are drawn."""
    return [first[c] for c in reversed(graph.around(call))]


def _recurs(graph: Computation, own: dict[int, int], source: int, target: int) -> bool:
    """Whether an edge inside of a box goes from one call of its module to another."""
    a, b = graph.vertices[source].call, graph.vertices[target].call
    return a is not None and b is not None and own.get(a) != own.get(b)


def _frames(graph: Computation, boxes: Iterable[Box], first: list[int]) -> dict[int, Frame]:
    """The frames around the boxes, each after the one around it."""
    shown = {a for box in boxes for a in _around(graph, box.frame, first)}
    counts = Counter(first)
    around = {i: graph.calls[i].parent for i in sorted(shown)}
    return {i: Frame(None if call is None else first[call], counts[i]) for i, call in around.items()}


def homes(graph: Computation) -> list[int | None]:
    """For each vertex the call it stands in: inputs and parameters in the innermost around all uses."""
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
