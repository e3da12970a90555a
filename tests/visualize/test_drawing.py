"""Our own layout of pictures: all that the DOT text says is drawn, and nothing overlaps."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import RendererError
from tests.helpers import leaf
from visualize import Graph, backprop_steps, draw
from visualize.drawing import dot, raster, svg
from visualize.drawing.fonts import width
from visualize.drawing.labels import Font, read
from visualize.drawing.scene import Scene
from visualize.writers.themes import THEMES

SVG = "{http://www.w3.org/2000/svg}"
TEXTS = sorted(Path(__file__).parent.glob("*.dot"))


def neuron() -> ag.Tensor:
    w1, x1, w2, x2, b = (
        leaf(v, n) for n, v in [("w1", 2.0), ("x1", -1.0), ("w2", -3.0), ("x2", -2.0), ("b", -3.0)]
    )
    return 1 / (1 + np.exp(-(w1 * x1 + w2 * x2 + b)))


def played(f: ag.Tensor, **options: Any) -> Graph:
    f.backward()
    return draw(f, **options)


def parsed(graph: Graph) -> Xml.Element:
    return Xml.fromstring(svg(graph.to_dot()))


def texts(picture: Xml.Element) -> list[str]:
    return ["".join(text.itertext()).strip() for text in picture.iter(f"{SVG}text")]


def where(picture: Xml.Element, said: str) -> tuple[float, float, str]:
    """Position and colour of the only text that says this."""
    (text,) = (t for t in picture.iter(f"{SVG}text") if "".join(t.itertext()) == said)
    return float(text.get("x", "")), float(text.get("y", "")), text[0].get("fill", "")


# -- reading DOT -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_all_that_writers_write_is_read(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    drawing = dot.read(text)
    assert len(drawing.edges) == text.count(" -> ") > 0
    assert len(drawing.clusters) == text.count("subgraph ")
    assert {id for edge in drawing.edges for id in (edge.start, edge.end)} == set(drawing.nodes)
    assert Xml.fromstring(svg(text)).tag == f"{SVG}svg"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("graph { }", "'graph' where 'digraph' is expected"),
        ("digraph { a [label=<x }", "without its closing '>'"),
        ("digraph { a [label] }", "where '=' is expected"),
        ('digraph { a [label="x }', "not in our writers' form"),
    ],
)
def test_other_text_is_refused(text: str, said: str) -> None:
    with pytest.raises(RendererError, match=said):
        svg(text)


def test_nothing_is_a_picture_too() -> None:
    assert Xml.fromstring(svg("digraph {\n}\n")).get("viewBox") is not None


# -- labels ----------------------------------------------------------------------------------------


def test_letters_are_as_wide_as_in_helvetica() -> None:
    assert width("Hello", 1000) == 722 + 556 + 222 + 222 + 556
    assert width("e\N{COMBINING ACUTE ACCENT}", 10) == width("e", 10)


def test_a_table_is_as_large_as_its_cells() -> None:
    cells = '<TR><TD WIDTH="30" HEIGHT="10"></TD><TD WIDTH="5" HEIGHT="7"></TD></TR>'
    table = f'<TABLE BORDER="1" CELLSPACING="2" CELLPADDING="0">{cells}</TABLE>'
    assert read(table, Font(10, "#000000")).size == (30 + 5 + 3 * 2 + 2, 10 + 2 * 2 + 2)


def test_a_backslash_is_one() -> None:
    f = leaf(2.0, "a\\b") * 3.0
    assert r"a\b" in texts(parsed(draw(f)))


def test_names_are_shown_as_they_are() -> None:
    name = "</svg><script>alert(1)</script> \"'&amp;🎓 digraph {"
    picture = parsed(draw(leaf(2.0, name) * 3.0))
    assert name in texts(picture)
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} == {
        *("svg", "rect", "text", "tspan", "path", "polygon")
    }


# -- the lecture style -----------------------------------------------------------------------------


def test_values_are_above_the_line_in_green_and_gradients_below_in_red() -> None:
    """The line of w1 is the first: from its name, level, to the first circle."""
    theme, picture = THEMES["light"], parsed(played(neuron()))
    first = next(picture.iter(f"{SVG}path")).get("d", "")
    level = float(first.partition(",")[2].partition("L")[0])
    _, _, green = where(picture, "6.00")
    _, _, red = where(picture, "-0.59")
    assert (green, red) == (theme.value, theme.grad)
    (x, y), (x_below, y_below) = (where(picture, said)[:2] for said in ("2.00", "w1"))
    assert y < level < y + 16 and x_below < x and abs(y_below - level) < 10


def test_the_neuron_has_its_circles_inputs_and_numbers() -> None:
    picture = parsed(played(neuron()))
    said = texts(picture)
    assert {"w1", "x1", "w2", "x2", "b", "×", "+", "exp", "+1", "1/x"} <= set(said)
    assert len([s for s in said if s.lstrip("-").replace(".", "").isdigit()]) == 2 * 13
    assert len(list(picture.iter(f"{SVG}polygon"))) == 13


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("values", [True, "full", "stats", "pictures"])
def test_nothing_covers_anything(direction: str, values: bool | str) -> None:
    W, x = leaf(np.arange(6.0).reshape(2, 3), "W"), leaf(np.ones(3), "x")
    with ag.Tape():
        f = np.sum(np.tanh(W @ x) ** 2) * leaf(2.0, "c")
    scene = Scene(dot.read(played(f, direction=direction, values=values).to_dot()))
    points = [p for wire in scene.wires for part in wire.parts for p in part.points if p.labelled]
    for a, b in itertools.combinations([*scene.shapes.values(), *points], 2):
        gap = max(abs(a.u - b.u) - (a.main + b.main) / 2, abs(a.v - b.v) - (a.cross + b.cross) / 2)
        assert gap > -1e-6


@pytest.mark.parametrize("theme", THEMES)
def test_the_theme_is_that_of_the_picture(theme: str) -> None:
    picture = parsed(played(neuron(), theme=theme, legend=True))
    assert picture[0].get("fill") == THEMES[theme].background
    assert any("gradient" in said for said in texts(picture))


def test_a_walk_has_pictures_of_one_size_with_what_is_to_come_hidden() -> None:
    steps = backprop_steps(leaf(2.0, "x") * leaf(3.0, "y"))
    pictures = [Xml.fromstring(svg(steps.to_dot(i))) for i in range(len(steps))]
    assert len({picture.get("viewBox") for picture in pictures}) == 1
    hidden = [
        sum(span.get("fill") == "transparent" for span in picture.iter(f"{SVG}tspan")) for picture in pictures
    ]
    assert hidden == sorted(hidden, reverse=True) and hidden[0] > hidden[-1] == 0


# -- networks --------------------------------------------------------------------------------------


def test_layers_stand_in_the_frame_of_their_module() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), nn.Linear(3, 1))
    graph = draw(model, np.ones((4, 2), np.float32), style="model")
    scene = Scene(dot.read(graph.to_dot()))
    outer, inner = scene.frames
    assert inner.parent == outer.id
    inside = [shape for shape in scene.shapes.values() if shape.parent == inner.id]
    assert len(inside) == 2
    for shape in inside:
        assert abs(shape.u - inner.u) + shape.main / 2 < inner.main / 2
        assert abs(shape.v - inner.v) + shape.cross / 2 < inner.cross / 2
    said = texts(parsed(graph))
    assert said.count("(4, 3)") == 2 and "9 parameters" in said


def test_a_cell_that_is_called_again_has_a_line_to_itself() -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.LSTMCell(2, 3)

        def forward(self, x: Any) -> Any:
            state = None
            for t in range(3):
                state = self.cell(x[:, t], state)
            return state[0]

    graph = draw(Reader(), np.ones((1, 3, 2), np.float32), style="model")
    scene = Scene(dot.read(graph.to_dot()))
    ((edge, _),) = scene.loops
    shape = scene.shapes[edge.start]
    assert shape.margin > 0
    assert "(1, 3) ×4" in texts(parsed(graph))


def test_the_flow_of_gradients_is_wide_and_coloured() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    picture = parsed(draw(model, np.ones((4, 2), np.float32), style="model", flow=True, loss=np.sum))
    paths = list(picture.iter(f"{SVG}path"))
    assert len({path.get("stroke-width") for path in paths}) > 1
    assert len({path.get("stroke") for path in paths}) > 1


# -- pixels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [raster._rsvg, raster._cairosvg, raster._chromium])
def test_each_way_makes_pixels(way: Any) -> None:
    picture = way(svg(played(neuron()).to_dot()))
    if picture is None:
        pytest.skip("this program is not installed")
    assert picture.startswith(b"\x89PNG")
    wide, high = (int.from_bytes(picture[i : i + 4], "big") for i in (16, 20))
    assert wide > 2 * high > 400


def test_without_any_way_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    assert raster.png(svg("digraph { }")) is None


def test_a_program_that_fails_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster, "_rsvg", lambda text: raster._output(["false"], b""))
    monkeypatch.setattr(raster, "_cairosvg", lambda text: b"no picture")
    monkeypatch.setattr(raster, "_chromium", lambda text: b"\x89PNG by another")
    assert raster.png("<svg/>") == b"\x89PNG by another"
