"""The layout: nothing overlaps, lines keep their direction, and the page has the same positions."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess
from importlib import resources
from typing import Any

import pytest

from visualize.layout import Box, Frame, Item, Line, layout, route

Graph = tuple[list[Box], list[Frame], list[Line]]


def graph(seed: int, boxes: int = 25, frames: int = 5, circles: bool = False) -> Graph:
    """Boxes in frames in frames, and lines, mostly from earlier boxes to later ones."""
    rng = random.Random(seed)
    made: list[Frame] = []
    for i in range(frames):
        parent = rng.choice([None, *(frame.id for frame in made)])
        made.append(Frame(f"f{i}", parent=parent, title=(rng.randint(20, 200), 14.0)))
    home = [rng.choice([None, *(frame.id for frame in made)]) for _ in range(boxes)]
    shapes = [Box(f"b{i}", rng.randint(10, 60), rng.randint(10, 90), parent=home[i]) for i in range(boxes)]
    lines = []
    for i in range(2 * boxes):
        start, end = sorted(rng.sample(range(boxes), 2))
        if circles and rng.random() < 0.15:
            start, end = end, start
        label = (rng.randint(12, 40), rng.randint(20, 60)) if rng.random() < 0.7 else None
        lines.append(Line(f"l{i}", f"b{start}", f"b{end}", f"b{start}", label))
    used = {box.parent for box in shapes}
    kept: list[Frame] = []
    for frame in reversed(made):
        if frame.id in used:
            kept.append(frame)
            used.add(frame.parent)
    return shapes, kept[::-1], lines


def chain(n: int) -> Graph:
    boxes = [Box(f"b{i}", 20, 40) for i in range(n)]
    return boxes, [], [Line(f"l{i}", f"b{i}", f"b{i + 1}", f"b{i}") for i in range(n - 1)]


def sides(item: Item) -> tuple[float, float, float, float]:
    return (
        item.u - item.main / 2,
        item.u + item.main / 2,
        item.v - item.cross / 2,
        item.v + item.cross / 2,
    )


def apart(a: Item, b: Item) -> bool:
    (u0, u1, v0, v1), (w0, w1, x0, x1) = sides(a), sides(b)
    slack = 1e-6
    return u1 <= w0 + slack or w1 <= u0 + slack or v1 <= x0 + slack or x1 <= v0 + slack


@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_boxes_frames_and_numbers_keep_apart(seed: int, across: bool) -> None:
    boxes, frames, lines = graph(seed, circles=seed % 2 == 1)
    size = layout(boxes, frames, lines, across)
    home: dict[str | None, list[Item]] = {}
    for item in (*boxes, *frames):
        home.setdefault(item.parent, []).append(item)
    numbers = {id(p): p for line in lines for part in line.parts for p in part.points if p.labelled}
    for items in home.values():
        assert all(apart(a, b) for a, b in itertools.combinations(items, 2))
    for a, b in itertools.product(numbers.values(), boxes):
        assert apart(a, b)
    for a, b in itertools.combinations(numbers.values(), 2):
        assert apart(a, b)
    for item in (*boxes, *frames):
        u0, u1, v0, v1 = sides(item)
        assert min(u0, v0) >= -1e-6 and u1 <= size[0] + 1e-6 and v1 <= size[1] + 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_boxes_stand_inside_of_their_frames(seed: int) -> None:
    boxes, frames, lines = graph(seed)
    layout(boxes, frames, lines, across=False)
    around = {frame.id: sides(frame) for frame in frames}
    for item in (*boxes, *frames):
        if item.parent is not None:
            (u0, u1, v0, v1), (w0, w1, x0, x1) = sides(item), around[item.parent]
            assert w0 < u0 and u1 < w1 and x0 < v0 and v1 < x1


@pytest.mark.parametrize("seed", range(4))
def test_lines_go_forward(seed: int) -> None:
    boxes, _, lines = graph(seed, frames=0)
    layout(boxes, [], lines, across=True)
    place = {box.id: box for box in boxes}
    for line in lines:
        assert place[line.start].u < place[line.end].u and not line.parts[0].turned


def test_only_the_line_that_closes_a_circle_goes_back() -> None:
    boxes, _, lines = chain(5)
    lines.append(Line("back", "b3", "b1", "b3"))
    layout(boxes, [], lines, across=True)
    assert [line.id for line in lines if line.parts[0].turned] == ["back"]
    assert all(a.u < b.u for a, b in itertools.pairwise(boxes))


def test_what_has_no_input_yet_does_not_begin_a_circle() -> None:
    """A cell is fed by two sums, and a gate behind it feeds the second: the sums come first."""
    boxes = [Box(name, 20, 40) for name in ("x", "y", "first", "gate", "second", "cell")]
    ways = ["x first", "y second", "first cell", "second cell", "cell gate", "gate second"]
    lines = [Line(way, *way.split(), way) for way in ways]
    layout(boxes, [], lines, across=True)
    assert [line.id for line in lines if line.parts[0].turned] == ["gate second"]


def test_a_line_is_level_and_stops_before_its_tip() -> None:
    boxes, _, lines = chain(3)
    layout(boxes, [], lines, across=True)
    (part,) = lines[0].parts
    stops = route(part, tip=5)
    assert len({v for _, v in stops}) == 1
    assert stops[0][0] == boxes[0].u + 10 and stops[-1][0] == boxes[1].u - 10 - 5


def test_a_line_beside_others_is_straight_where_there_is_room() -> None:
    """A skip over six boxes of a chain."""
    boxes, _, lines = chain(8)
    lines.append(Line("skip", "b0", "b7", "b0"))
    layout(boxes, [], lines, across=False)
    (part,) = lines[-1].parts
    assert len({point.v for point in part.points}) == 1


def test_a_chain_of_two_thousand_boxes() -> None:
    boxes, _, lines = chain(2000)
    lines += [Line(f"far{i}", f"b{i}", f"b{i + 500}", f"b{i}") for i in range(0, 1500, 100)]
    layout(boxes, [], lines, across=True)
    assert all(a.u < b.u for a, b in itertools.pairwise(boxes))


# -- the page's program ----------------------------------------------------------------------------

node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

PROGRAM = """
const { boxes, frames, lines, across, gap } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const size = layoutGraph(boxes, frames, lines, across, gap);
const items = [...boxes, ...frames].map(({ id, u, v, main, cross }) => [id, u, v, main, cross]);
const way = (part) => [Boolean(part.turned), part.points.map((p) => [p.u, p.v])];
const points = lines.map(({ parts }) => parts.map(way));
process.stdout.write(JSON.stringify([[size.main, size.cross], items, points]));
"""


def by_page(picture: Graph, across: bool, gap: float) -> Any:
    boxes, frames, lines = picture
    given = {
        "boxes": [{"id": b.id, "parent": b.parent, "main": b.main, "cross": b.cross} for b in boxes],
        "frames": [{"id": f.id, "parent": f.parent, "title": f.title} for f in frames],
        "lines": [
            {
                "id": line.id,
                "from": line.start,
                "to": line.end,
                "source": line.source,
                "label": line.label and {"main": line.label[0], "cross": line.label[1]},
            }
            for line in lines
        ],
        "across": across,
        "gap": gap,
    }
    page = resources.files("visualize") / "page"
    program = "\n".join((page / f"{name}.js").read_text(encoding="utf-8") for name in ("layout", "nest"))
    done = subprocess.run(
        ["node", "-e", program + PROGRAM],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


@pytest.mark.few(4)
@node
@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_the_page_gives_the_same_positions(seed: int, across: bool) -> None:
    picture = graph(seed, circles=seed % 2 == 1)
    expected = by_page(picture, across, 20.0)
    boxes, frames, lines = picture
    size = layout(boxes, frames, lines, across, 20.0)
    items = [[item.id, item.u, item.v, item.main, item.cross] for item in (*boxes, *frames)]
    points = [[[part.turned, [[p.u, p.v] for p in part.points]] for part in line.parts] for line in lines]
    assert [list(size), items, points] == expected
