"""Picture -> an indented table in plain text, with a row for each box."""

from __future__ import annotations

from collections import defaultdict

from ..faults import faults
from ..fold import Box
from ..words.label import number
from ..words.values import norm, shape
from .look import Picture
from .network import folding

__all__ = ["text"]


def text(graph: Picture) -> str:
    """The modules with their contents, in the order of the computation."""
    folded = folding(graph)
    totals, bad = graph.totals(), faults(graph)
    titles = [_title(graph, box) for box in folded.boxes]
    sources: dict[int, list[int]] = defaultdict(list)
    for link in folded.links:
        if link.target is not None and link.target != link.source:
            sources[link.target].append(link.source)
    inside: dict[int | None, list[tuple[bool, int]]] = defaultdict(list)  # frames and boxes by their frame
    for i, drawn in folded.frames.items():
        inside[drawn.parent].append((True, i))
    for i, box in enumerate(folded.boxes):
        inside[box.frame].append((False, i))
    begins: dict[int, int] = {}  # the first step of each frame
    for box in folded.boxes:
        frame = box.frame
        while frame is not None and box.vertices[-1] < begins.get(frame, len(graph.vertices)):
            begins[frame] = box.vertices[-1]
            frame = folded.frames[frame].parent
    for those in inside.values():
        those.sort(key=lambda entry: begins[entry[1]] if entry[0] else folded.boxes[entry[1]].vertices[-1])

    rows: list[tuple[str, str, str, str]] = []
    todo = [(entry, "", "") for entry in reversed(inside[None])]
    previous: int | None = None
    while todo:
        (is_frame, i), mark, indent = todo.pop()
        if is_frame:
            call, count = graph.calls[i], folded.frames[i].count
            title = f"{call.path} {call.kind}".strip() + (f" ×{count}" if count > 1 else "")
            rows.append((mark + title, "", f"{call.parameters:,}" if call.parameters else "", ""))
            entries = inside[i]
            for k in range(len(entries) - 1, -1, -1):
                branch, rest = ("└─ ", "   ") if k == len(entries) - 1 else ("├─ ", "│  ")
                todo.append((entries[k], indent + branch, indent + rest))
            continue
        box = folded.boxes[i]
        last = graph.vertices[box.vertices[-1]]
        parameters = graph.calls[box.call].parameters if box.call is not None else 0
        notes = [s for v in box.vertices for s in bad.get(v, []) if s.startswith("first")]
        if (
            graph.look.grads
            and (grad := totals.get(box.vertices[-1])) is not None
            and not isinstance(grad, tuple)
        ):
            notes.insert(0, f"gradient of norm {number(norm(grad))}")
        if sources[i] and sources[i] != [previous]:
            notes.insert(0, "from " + ", ".join(titles[j] for j in sources[i]))
        rows.append(
            (mark + titles[i], shape(last.value), f"{parameters:,}" if parameters else "", "; ".join(notes))
        )
        previous = i
    return _columns([("", "shape", "parameters", ""), *rows])


def _title(graph: Picture, box: Box) -> str:
    times = f" ×{box.count}" if box.count > 1 else ""
    if box.call is not None:
        call = graph.calls[box.call]
        return f"{call.path} {call.kind}".strip() + times
    vertex = graph.vertices[box.vertices[0]]
    return (vertex.op or vertex.name or number(vertex.value)) + times


def _columns(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if k == 2 else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
