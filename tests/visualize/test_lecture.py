"""The two graphs of the lecture, with every number computed by hand."""

from __future__ import annotations

import html
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import OptionError
from tests.helpers import leaf
from visualize import Graph, draw, render

HERE = Path(__file__).parent


def product() -> ag.Tensor:
    """f = (x + y) z at (-2, 5, -4)."""
    x, y, z = leaf(-2.0, "x"), leaf(5.0, "y"), leaf(-4.0, "z")
    f = (x + y) * z
    f.name = "f"
    return f


def neuron() -> ag.Tensor:
    """f = 1 / (1 + e^-(w1 x1 + w2 x2 + b))."""
    w1, x1, w2, x2, b = (
        leaf(value, name)
        for name, value in [("w1", 2.0), ("x1", -1.0), ("w2", -3.0), ("x2", -2.0), ("b", -3.0)]
    )
    return 1 / (1 + np.exp(-(w1 * x1 + w2 * x2 + b)))


def played(f: ag.Tensor) -> Graph:
    f.backward()
    return draw(f)


# (from, to, value, gradient), worked out on paper. z = 1, e^-1 = 0.3679, f = 1 / 1.3679 = 0.7311:
# 1/x: -1 / 1.3679^2 = -0.5344; exp: 0.3679 (-0.5344) = -0.1966; negative: 0.1966, and + hands it on;
# x w1 = 2 (0.1966) = 0.3932, w1: -1 (0.1966); x2: -3 (0.1966) = -0.5898, w2: -2 (0.1966) = -0.3932.
PRODUCT = [
    ("x", "+", "-2.00", "-4.00"),
    ("y", "+", "5.00", "-4.00"),
    ("+", "×", "3.00", "-4.00"),
    ("z", "×", "-4.00", "3.00"),
    ("×", "f", "-12.00", "1.00"),
]
NEURON = [
    ("w1", "×", "2.00", "-0.20"),
    ("x1", "×", "-1.00", "0.39"),
    ("w2", "×", "-3.00", "-0.39"),
    ("x2", "×", "-2.00", "-0.59"),
    ("×", "+", "-2.00", "0.20"),
    ("×", "+", "6.00", "0.20"),
    ("+", "+", "4.00", "0.20"),
    ("b", "+", "-3.00", "0.20"),
    ("+", "×−1", "1.00", "0.20"),
    ("×−1", "exp", "-1.00", "-0.20"),
    ("exp", "+1", "0.37", "-0.53"),
    ("+1", "1/x", "1.37", "-0.53"),
    ("1/x", "", "0.73", "1.00"),
]


def read_dot(dot: str) -> list[tuple[str, str, str, str]]:
    """The edges of a lecture graph as (from, to, value, gradient), read off its DOT text."""
    labels = {
        name: html.unescape(re.sub(r"<[^>]*>", "", label))
        for name, label in re.findall(r'^  ([vo]\d+) \[.*label=(<.*>|"")\]$', dot, re.M)
        for label in [label[1:-1]]
    }
    tables = {
        name: [html.unescape(cell) for cell in re.findall(r"<FONT[^>]*>([^<]*)</FONT>", table)]
        for name, table in re.findall(r"^  (e\d+) \[shape=plain, label=<(.*)>\]$", dot, re.M)
    }
    sources = {e: v for v, e in re.findall(r"^  (v\d+) -> (e\d+):[wn] \[arrowhead=none\]$", dot, re.M)}
    targets = dict(re.findall(r"^  (e\d+):[es] -> ([vo]\d+)$", dot, re.M))
    assert tables.keys() == sources.keys() == targets.keys()
    return [(labels[sources[e]], labels[targets[e]], value, grad) for e, (value, grad) in tables.items()]


@pytest.mark.parametrize(("make", "edges"), [(product, PRODUCT), (neuron, NEURON)])
def test_every_edge_shows_the_hand_checked_value_and_gradient(make, edges):
    assert sorted(read_dot(played(make()).to_dot())) == sorted(edges)


@pytest.mark.parametrize(("make", "edges"), [(product, PRODUCT), (neuron, NEURON)])
def test_before_backward_every_gradient_is_a_dash(make, edges):
    expected = [(source, target, value, "–") for source, target, value, _ in edges]
    assert sorted(read_dot(draw(make()).to_dot())) == sorted(expected)


@pytest.mark.parametrize(("make", "edges"), [(product, PRODUCT), (neuron, NEURON)])
def test_from_top_to_bottom_the_numbers_are_the_same(make, edges):
    f = make()
    f.backward()
    dot = draw(f, direction="TB").to_dot()
    assert sorted(read_dot(dot)) == sorted(edges)
    assert "rankdir=TB" in dot


def test_the_graph_keeps_the_numbers_in_full():
    graph = played(neuron())
    s = 1 / (1 + math.exp(-1.0))
    slope = s * (1 - s)
    grads = {graph.vertices[e.source].name: e.grad for e in graph.edges if graph.vertices[e.source].name}
    expected = {"w1": -slope, "x1": 2 * slope, "w2": -2 * slope, "x2": -3 * slope, "b": slope}
    assert grads == pytest.approx(expected, rel=1e-14)
    assert [round(grads[name], 4) for name in ("w1", "x1", "w2", "x2", "b")] == [
        -0.1966, 0.3932, -0.3932, -0.5898, 0.1966,
    ]  # fmt: skip
    assert graph.edges[-1].value == pytest.approx(s, rel=1e-14)


@pytest.mark.parametrize(("make", "name"), [(product, "product"), (neuron, "neuron")])
def test_the_text_is_the_golden_one(make, name):
    assert played(make()).to_dot() == (HERE / f"{name}.dot").read_text(encoding="utf-8")


@pytest.mark.parametrize("renderer", [render._system, render._pygraphviz])
@pytest.mark.parametrize(("make", "edges"), [(product, PRODUCT), (neuron, NEURON)])
def test_the_picture_shows_the_same_texts(renderer, make, edges):
    svg = renderer(played(make()).to_dot(), "svg")
    if svg is None:
        pytest.skip("this renderer is not installed")
    texts = [e.text for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    numbers = [shown for _, _, value, grad in edges for shown in (value, grad)]
    assert sorted(t for t in texts if re.fullmatch(r"-?\d+\.\d+", t)) == sorted(numbers)
    assert {source for source, _, _, _ in edges} <= set(texts)


@pytest.mark.parametrize("renderer", [render._system, render._pygraphviz])
def test_the_rule_between_the_numbers_continues_the_line(renderer):
    """Where the halves of a line end, the rule of the table begins, at the same height."""
    svg = renderer(played(neuron()).to_dot(), "svg")
    if svg is None:
        pytest.skip("this renderer is not installed")
    ends: dict[str, list[tuple[float, float]]] = {}
    rules: dict[str, tuple[float, float, float]] = {}
    for group in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        title = group.findtext("{http://www.w3.org/2000/svg}title", "")
        polygon, path = (group.find(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("polygon", "path"))
        if group.get("class") == "node" and title.startswith("e"):
            points = [tuple(map(float, p.split(","))) for p in polygon.get("points").split()]
            rules[title] = min(x for x, _ in points), max(x for x, _ in points), points[0][1]
        elif group.get("class") == "edge":
            numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.get("d"))]
            source, target = title.split("->")
            if ":w" in target:
                ends.setdefault(target.removesuffix(":w"), []).append((numbers[-2], numbers[-1]))
            else:
                ends.setdefault(source.removesuffix(":e"), []).append((numbers[0], numbers[1]))
    assert len(rules) == len(NEURON)
    for name, (left, right, height) in rules.items():
        (x0, y0), (x1, y1) = sorted(ends[name])
        assert abs(x0 - left) < 0.5
        assert abs(x1 - right) < 0.5
        assert abs(y0 - height) < 0.5
        assert abs(y1 - height) < 0.5


# -- the third number: rounding ----------------------------------------------------------------------


def height(x):
    return (1 - np.cos(x)) / x**2


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_the_third_number_is_what_the_rounding_of_a_value_may_move(direction):
    """The cosine is rounded by an ulp of 1, and its gradient is -1 / x^2."""
    graph = draw(height, 1e-5, loss=lambda y: y, rounding=True, legend=True, direction=direction)
    shown = {
        graph.vertices[e.source].op if e.target is not None else "output": e.rounding for e in graph.edges
    }
    assert shown.pop(None) is None  # an input, and the numbers in the code, are exact
    assert shown["cos"] == pytest.approx(2.0**-53 / 1e-10, rel=1e-6)
    assert shown["subtract"] < 1e-16
    assert shown["output"] == pytest.approx(ag.rounding(height)(1e-5).error, rel=1e-12)
    assert shown["output"] == pytest.approx(sum(x for op, x in shown.items() if op != "output"), abs=1e-16)
    for text in (graph.to_dot(), graph.to_svg()):
        text = html.unescape(text).replace("\xa0", " ")
        assert text.count("± 1.1e-6") == 2 and text.count("± ") == 4
    plain = draw(height, 1e-5, loss=lambda y: y)
    assert "±" not in plain.to_dot() and {e.rounding for e in plain.edges} == {None}


def test_without_a_gradient_the_rounding_is_a_dash():
    graph = draw(height, 1e-5, rounding=True)
    assert "± –" in graph.to_dot() and {e.rounding for e in graph.edges} == {None}


def test_the_rounding_of_arrays_and_of_a_value_with_several_uses():
    x = np.linspace(0.1, 0.9, 5)

    def f(x):
        y = np.exp(x)
        return np.sum(y * y - y)

    graph = draw(f, x, loss=lambda y: y, rounding=True)
    assert graph.edges[-1].rounding == pytest.approx(ag.rounding(f)(x).error, rel=1e-12)
    uses = {e.rounding for e in graph.edges if graph.vertices[e.source].op == "exp"}
    assert len(uses) == 1 and uses.pop() > 0


@pytest.mark.parametrize("style", ["model", "ops", "neurons"])
def test_other_styles_show_no_rounding(style):
    with pytest.raises(OptionError, match="rounding=True.*style='lecture'"):
        draw(height, 1e-5, style=style, rounding=True)


def sums(graph: Graph) -> list[tuple[str, str]]:
    """What is written under the symbols and names, read off the DOT text."""
    return re.findall(
        r'^  v\d+ .*label=<(?:<I>)?([^<]*).*<FONT COLOR="#c2300b".*>Σ (.*)</FONT>>\]$', graph.to_dot(), re.M
    )


def test_a_value_used_several_times_shows_the_sum_of_its_gradients():
    """q = a b, f = q a + q at (3, 5): q has a + 1 = 4; a has q + 4 b = 15 + 20 = 35; b is used once."""
    a, b = leaf(3.0, "a"), leaf(5.0, "b")
    q = a * b
    f = q * a + q
    assert sums(draw(f)) == []
    f.backward()
    assert a.grad.item() == 35.0
    assert sums(draw(f)) == [("a", "35.00"), ("×", "4.00")]
    assert sums(draw(f, grads=False)) == []


def test_the_sum_is_of_this_pass_and_not_of_those_before():
    a = leaf(3.0, "a")
    (a * 2.0).backward()
    assert sums(played(a * a)) == [("a", "6.00")]


def test_sums_of_arrays_are_shown_where_they_are_short():
    for size, expected in ((2, [("a", "[6.00, 6.00]")]), (5, [])):
        a = ag.Tensor(np.full(size, 3.0), requires_grad=True, name="a")
        with ag.Tape():
            f = np.sum(a * a)
        assert sums(played(f)) == expected


def test_an_output_that_is_used_has_its_sum_on_its_own_line():
    a = leaf(3.0, "a")
    q = a * 2.0
    f = q * q
    f.backward()
    assert sums(draw(f)) == [("×2", "12.00")]
    assert sums(draw([q, f])) == []


@pytest.mark.parametrize("shown", ["values", "grads"])
def test_values_and_gradients_can_be_left_out(shown):
    f = neuron()
    f.backward()
    edges = read_dot(draw(f, values=shown == "values", grads=shown == "grads").to_dot())
    blank = "\N{NO-BREAK SPACE}"
    expected = [
        (source, target, value if shown == "values" else blank, grad if shown == "grads" else blank)
        for source, target, value, grad in NEURON
    ]
    assert sorted(edges) == sorted(expected)


def test_without_numbers_the_lines_are_plain():
    dot = draw(product(), values=False, grads=False).to_dot()
    assert re.findall(r"(\w+) -> (\w+)$", dot, re.M) == [
        ("v0", "v2"), ("v1", "v2"), ("v2", "v4"), ("v3", "v4"), ("v4", "o4"),
    ]  # fmt: skip
    assert "TABLE" not in dot
