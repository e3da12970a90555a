"""The page: its content, its safety without a network, and its behaviour in a browser."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import FileError, OptionError
from tests.helpers import leaf
from visualize import Graph, backprop_steps, draw
from visualize.writers import html


def neuron() -> ag.Tensor:
    w1, x1, w2, x2, b = (
        leaf(v, n) for n, v in [("w1", 2.0), ("x1", -1.0), ("w2", -3.0), ("x2", -2.0), ("b", -3.0)]
    )
    return 1 / (1 + np.exp(-(w1 * x1 + w2 * x2 + b)))


def played(f: ag.Tensor, **options: Any) -> Graph:
    f.backward()
    return draw(f, **options)


def network(depth: int = 3) -> Graph:
    """A model of `depth` blocks of two linear layers each, with their gradients."""
    nn = pytest.importorskip("nn")
    model = nn.Sequential(*[nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)) for _ in range(depth)])
    return draw(model, np.ones((2, 4), np.float32))


def content(graph: Graph) -> dict[str, Any]:
    """What the page is told."""
    text = html.page(graph)
    (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text, re.S)
    return json.loads(data)


# -- what it says ----------------------------------------------------------------------------------


def test_vertices_tell_value_gradient_shape_and_how_they_came_about():
    """d(1/x)/dx at 1.3679 and the other numbers are worked out in test_lecture."""
    data = content(played(neuron()))
    by_name = {v["name"]: v for v in data["vertices"] if v["name"]}
    assert by_name["f"]["title"] == "f = 1/v7"
    assert by_name["v1"]["title"] == "v1 = w1*x1"
    assert float(by_name["w1"]["grad"]) == pytest.approx(-0.196612, abs=1e-6)
    assert by_name["w1"]["shape"] == "float64 ()"
    assert by_name["v6"]["op"] == "exp"
    rules = {e["title"]: e["rule"] for e in data["edges"]}
    assert rules["v7 → f"] == "d(1/x)/dx = -1/x^2 = -0.5344; upstream 1.00; so -0.5344"
    assert rules["f → the result"] is None


def test_before_backward_there_are_local_derivatives_but_no_gradients():
    data = content(draw(neuron()))
    assert {e["grad"] for e in data["edges"]} == {"–"}
    assert [e["rule"] for e in data["edges"] if e["title"] == "v7 → f"] == ["d(1/x)/dx = -1/x^2 = -0.5344"]


def test_the_rounding_is_told_if_asked_for():
    f = lambda x: (1 - np.cos(x)) / x**2
    edges = content(draw(f, 1e-5, loss=lambda y: y, rounding=True))["edges"]
    assert [e["rounding"] for e in edges if e["rounding"]][-1] == "± 1.1e-6"
    assert "" in [e["rounding"] for e in edges]
    assert {e["rounding"] for e in content(played(neuron()))["edges"]} == {""}


def test_arrays_are_told_by_shape_norm_and_extremes():
    x = leaf(np.arange(12.0).reshape(3, 4), "x")
    with ag.Tape():
        f = np.sum(x * x)
    data = content(played(f))
    vertex = data["vertices"][0]
    norm = math.sqrt(sum(i * i for i in range(12)))
    assert vertex["shape"] == "float64 (3, 4)"
    assert vertex["statistics"] == f"min 0.00  mean 5.50  max 11.00  norm {norm:.2f}"
    assert vertex["value"].count("\n") == 2
    assert (vertex["brief"], data["edges"][0]["value"]) == (f"norm {2 * norm:.2f}", "(3, 4)")
    assert len(html.full(np.zeros((1000, 1000)))) < 1000


def test_odd_values_are_told_too():
    for value in (
        np.float64("nan"),
        np.zeros((0, 3)),
        np.array([np.inf, 1.0]),
        np.array([True]),
        (np.ones(2), None),
    ):
        assert html.full(value)
    x = leaf([np.nan, np.inf, 1.0, 2.0, 3.0], "x")
    assert content(draw(x * 2.0))["vertices"][0]["faults"] == ["first NaN of the forward pass"]


def test_parameters_stand_in_their_module_and_the_input_outside():
    data = content(network())
    titles = {i: call["title"] for i, call in enumerate(data["calls"])}
    homes = {v["label"]: titles.get(v["call"]) for v in data["vertices"] if v["kind"] == "input"}
    assert homes["0.2.weight"] == "0.2"
    assert homes["x"] is None


def test_a_model_begins_folded_and_a_small_graph_does_not():
    assert content(played(neuron()))["folded"] == []
    assert content(network(1))["folded"] == []
    large = content(network(12))
    assert [large["calls"][c]["title"] for c in large["folded"]] == [str(i) for i in range(12)]


def test_the_line_of_a_step_is_known_under_detect_anomaly():
    x = leaf(2.0, "x")
    with ag.detect_anomaly():
        y = x * 3.0
    assert Path(__file__).name in next(
        v["line"] for v in content(draw(y))["vertices"] if v["op"] == "multiply"
    )


def test_a_graph_without_values_and_gradients_shows_none_on_its_lines():
    edges = content(played(neuron(), values=False, grads=False))["edges"]
    assert {e["value"] for e in edges} == {e["grad"] for e in edges} == {""}


# -- alone and inert -------------------------------------------------------------------------------

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\n\u2028🎓 {{data}} digraph"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(graph: Graph) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(html.page(graph))
    return parser.found


def evil() -> Graph:
    f = leaf(2.0, EVIL) * leaf(3.0, "a<b>")
    f.name = EVIL
    return played(f)


def test_names_add_no_tag_and_arrive_intact():
    plain = leaf(2.0, "x") * leaf(3.0, "y")
    assert tags(evil()) == tags(played(plain))
    assert {v["name"] for v in content(evil())["vertices"]} == {EVIL, "a<b>"}


def test_the_page_refers_to_nothing_outside_of_it():
    found = tags(network())
    assert {"src", "href", "onclick", "onerror"}.isdisjoint(
        name for _, attributes in found for name in attributes
    )
    assert {tag for tag, _ in found}.isdisjoint({"link", "img", "iframe", "object", "base"})
    policy = next(a["content"] for _, a in found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    text = html.page(played(neuron()))
    assert re.findall(r"https?://[^\s\"']+", text) == ["http://www.w3.org/2000/svg"]  # the name of SVG
    assert "@import" not in text
    assert "url(" not in text.replace("url(#arrow)", "")


def test_save_writes_the_page_at_once(tmp_path):
    graph = played(neuron())
    path = graph.save(tmp_path / "f.HTML")
    assert path.read_text(encoding="utf-8") == html.page(graph)
    assert [p.name for p in tmp_path.iterdir()] == ["f.HTML"]
    with pytest.raises(FileError, match="mkdir"):
        graph.save(tmp_path / "nowhere" / "f.html")


def test_the_same_graph_gives_the_same_page():
    assert html.page(played(neuron())) == html.page(played(neuron()))


def test_too_much_for_a_browser(monkeypatch):
    monkeypatch.setattr(html, "MOST_STEPS", 5)
    with pytest.raises(OptionError, match="too many for a page"):
        html.page(draw(neuron()))


# -- in a browser ----------------------------------------------------------------------------------


def vertex(graph: Graph, name: str) -> str:
    """A selector for the box of a step or input."""
    return next(f'[data-vertex="{v}"]' for v, x in enumerate(html.named(graph).vertices) if x.name == name)


def panel(page: Any, heading: str) -> str:
    """What the panel says under a heading."""
    return page.locator(f"#panel h3:text-is('{heading}') + *").inner_text()


@pytest.mark.browser
def test_every_number_of_the_lecture_is_on_its_line(visit):
    graph = played(neuron())
    page = visit(graph)
    shown = {
        tuple(page.locator(f'[data-edge="{e}"] text.{kind}').text_content() for kind in ("value", "grad")): e
        for e, edge in enumerate(graph.edges)
        if not (graph.vertices[edge.source].constant and graph.vertices[edge.source].name is None)
    }
    expected = [
        ("2.00", "-0.20"),
        ("-1.00", "0.39"),
        ("-3.00", "-0.39"),
        ("-2.00", "-0.59"),
        ("0.73", "1.00"),
    ]
    assert set(expected) <= set(shown)
    assert page.locator("g.step").count() == 8


@pytest.mark.browser
def test_a_click_shows_value_gradient_and_local_derivative(visit):
    graph = played(neuron())
    page = visit(graph)
    page.click(vertex(graph, "w2"))
    assert float(panel(page, "value")) == -3.0
    assert float(panel(page, "gradient")) == pytest.approx(-2 * 0.19661193324148185)
    page.click(vertex(graph, "f"))
    assert panel(page, "local derivatives") == "d(1/x)/dx = -1/x^2 = -0.5344; upstream 1.00; so -0.5344"
    assert page.locator("#panel h2").inner_text() == "f = 1/v7"
    page.keyboard.press("Escape")
    assert page.locator("#panel").is_hidden()


@pytest.mark.browser
def test_a_click_on_a_line_shows_the_share_that_flows_along_it(visit):
    """a is used twice: its gradient at (3, 5) is b + 1 = 6, of which 5 come from the product."""
    a, b = leaf(3.0, "a"), leaf(5.0, "b")
    graph = played(a * b + a)
    page = visit(graph)
    page.locator('[data-edge="0"] text.grad').click()
    assert panel(page, "gradient along this line") == "5.0"
    page.click(vertex(graph, "a"))
    assert panel(page, "gradient") == "6.0"


@pytest.mark.browser
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_nothing_overlaps(visit, direction):
    page = visit(played(neuron(), direction=direction))
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("g.step, g.input, g.end text, .number text")]
             .map((e) => e.getBoundingClientRect().toJSON())"""
    )
    slack = 3  # the box of a text is higher than its letters
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            apart_x = a["right"] <= b["left"] + slack or b["right"] <= a["left"] + slack
            apart_y = a["bottom"] <= b["top"] + slack or b["bottom"] <= a["top"] + slack
            assert apart_x or apart_y, (a, b)


@pytest.mark.browser
def test_modules_fold_and_unfold(visit):
    page = visit(network(1))
    steps = page.locator("g.step").count()
    assert steps == 3
    frames = page.locator("g.frame").count()
    page.click("#fold")
    assert page.locator("g.module").count() == 1
    assert page.locator("g.step").count() == 0
    page.locator("g.module .toggle").click()
    assert page.locator("g.module").count() == 3  # what is in it is still folded
    page.locator("g.module").first.dblclick()
    assert page.locator("g.step").count() == 1
    page.click("#unfold")
    assert (page.locator("g.step").count(), page.locator("g.frame").count()) == (steps, frames)
    page.locator("g.frame-title .title").last.click()
    page.keyboard.press("f")
    assert page.locator("g.step").count() == steps - 1


@pytest.mark.browser
def test_inner_boxes_stay_inside_of_their_frame(visit):
    page = visit(network(2))
    page.click("#unfold")
    outside = page.evaluate(
        """() => {
          const bounds = (id) => { const b = shown.boxes.get(id) || shown.frames.find((f) => f.id === id);
            return [b.u - b.main / 2, b.u + b.main / 2, b.v - b.cross / 2, b.v + b.cross / 2]; };
          return [...shown.boxes.values(), ...shown.frames].filter((b) => b.parent !== null).filter((b) => {
            const [a, c] = [bounds(b.id), bounds(b.parent)];
            return a[0] < c[0] || a[1] > c[1] || a[2] < c[2] || a[3] > c[3]; }).map((b) => b.id); }"""
    )
    assert outside == []


@pytest.mark.browser
def test_search_finds_unfolds_and_chooses(visit):
    page = visit(network(12))
    assert page.locator("g.step").count() == 0
    page.keyboard.press("/")
    page.keyboard.type("7.2.WEIGHT")
    assert page.locator("#found").inner_text() == "1 found"
    page.keyboard.press("Enter")
    assert page.locator("#panel h2").inner_text() == "7.2.weight"
    chosen = page.locator(".chosen")
    assert chosen.count() == 1
    assert chosen.get_attribute("aria-label") == "7.2.weight"
    assert "float32 (4, 4)" in panel(page, "shape")


@pytest.mark.browser
def test_keys_move_the_choice_along_the_lines(visit):
    graph = played(neuron())
    page = visit(graph)
    page.click(vertex(graph, "v6"))
    page.keyboard.press("ArrowRight")
    assert page.locator("#panel h2").inner_text() == "v7 = 1 + v6"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#panel h2").inner_text() == "v5 = -v4"


@pytest.mark.browser
def test_zoom_pan_and_fit(visit):
    page = visit(played(neuron()))
    transform = lambda: page.locator("#scene").get_attribute("transform")
    first = transform()
    page.mouse.move(600, 400)
    page.mouse.wheel(0, -300)
    page.locator(f"#scene:not([transform='{first}'])").wait_for(state="attached")
    zoomed = transform()
    page.mouse.move(600, 150)
    page.mouse.down()
    page.mouse.move(650, 180, steps=3)
    page.mouse.up()
    assert transform() not in (first, zoomed)
    assert page.locator("#panel").is_hidden()
    page.keyboard.press("0")
    assert transform() == first


@pytest.mark.browser
def test_dark_mode_follows_the_system_and_the_key(visit):
    graph = played(neuron())
    light, dark = visit(graph), visit(graph, color_scheme="dark")
    back = lambda page: page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back(light) == "rgb(255, 255, 255)" != back(dark)
    light.keyboard.press("d")
    assert back(light) == back(dark)
    dark.click("#dark")
    assert back(dark) == "rgb(255, 255, 255)"


@pytest.mark.browser
def test_every_step_of_the_walk_shows_what_it_should(visit):
    steps = backprop_steps(neuron())
    page = visit(steps)
    for i, step in enumerate(steps):
        caption = page.locator("#caption").inner_text()
        assert caption == f"{i + 1} of {len(steps)}, {step.phase}: {step.title}\n{step.rule}"
        visible = page.locator(".number:not(.coming) text").count()
        picture = re.findall(r'COLOR="#[^"]*" POINT-SIZE="12"', steps.to_dot(i))
        assert visible == len(picture)
        new = page.locator(".number.new text")
        assert new.count() == len([e for e in (*step.values, *step.grads) if not is_inside(steps.graph, e)])
        page.keyboard.press("ArrowRight")
    assert page.locator("#slider").input_value() == str(len(steps) - 1)
    page.keyboard.press("Home")
    assert "1 of 22" in page.locator("#caption").inner_text()
    page.locator("#slider").fill("10")
    assert "upstream 1.00; so -0.5344" in page.locator("#caption").inner_text()


def is_inside(graph: Graph, e: int) -> bool:
    """Whether an edge's number stands in the circle of its step, and not on a line."""
    source = graph.vertices[graph.edges[e].source]
    return source.constant and source.name is None


@pytest.mark.browser
def test_the_walk_plays_by_itself(visit):
    page = visit(backprop_steps(leaf(2.0, "x") * 3.0))
    page.keyboard.press(" ")
    page.locator("#caption", has_text="2 of 4").wait_for(timeout=5000)
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "Play"


@pytest.mark.browser
def test_names_are_shown_as_they_are(visit):
    page = visit(evil())
    texts = page.locator("#scene text").all_text_contents()
    assert texts.count(EVIL) == 2
    page.click('[data-vertex="0"]')
    assert page.locator("#panel h2").text_content() == EVIL
    assert page.locator("img, #panel script").count() == 0


@pytest.mark.browser
def test_a_narrow_window_keeps_everything_in_reach(visit):
    graph = network(2)
    page = visit(graph)
    page.set_viewport_size({"width": 390, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click("#fold")
    page.locator("g.module").first.click()
    box = page.locator("#panel").bounding_box()
    assert box["width"] == 390
    assert box["y"] + box["height"] <= 700
    drawing, chosen = page.locator("#graph").bounding_box(), page.locator(".module.chosen").bounding_box()
    assert drawing["y"] <= chosen["y"]
    assert chosen["y"] + chosen["height"] <= drawing["y"] + drawing["height"] <= box["y"] + 1


@pytest.mark.browser
@pytest.mark.slow
def test_five_thousand_steps_open(visit):
    x = leaf(0.5, "x")
    y = x
    for i in range(5000):
        y = np.sin(y) if i % 2 else y * x
    page = visit(played(y))
    assert page.locator("g.step").count() == 5000


@pytest.mark.browser
def test_an_input_of_many_uses_stands_beside_each(visit):
    """Eight lines from one input across the whole graph would hide it."""
    x = leaf(0.5, "x")
    y = x
    for _ in range(8):
        y = np.sin(y) * x
    graph = played(y)
    page = visit(graph)
    assert page.locator(vertex(graph, "x")).count() == 9
    page.locator(vertex(graph, "x")).first.click()
    assert float(panel(page, "gradient")) == pytest.approx(x.grad.item())
    assert page.locator(".chosen").count() == 9


@pytest.mark.browser
def test_the_first_nan_is_loud(visit):
    x, z = leaf(-1.0, "x"), leaf(2.0, "z")
    with np.errstate(invalid="ignore"):
        graph = draw(np.sqrt(x) * z)
    page = visit(graph)
    assert page.locator("g.bad").count() == 2
    page.locator("g.bad").first.click()
    assert panel(page, "fault") == "first NaN of the forward pass"


def test_parameters_of_a_module_that_is_called_again_are_copied():
    nn = pytest.importorskip("nn")

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            return self.layer(self.layer(x)) + x

    data = content(draw(Twice(), np.ones((1, 4), np.float32)))
    copied = {v["label"]: v["copied"] for v in data["vertices"] if v["kind"] == "input"}
    assert copied == {"x": False, "layer.weight": True, "layer.bias": True}


@pytest.mark.parametrize("style", ["lecture", "model", "ops"])
def test_a_result_that_no_gradient_has_reached_adds_nothing(style):
    """Of the two results of a QR decomposition the loss reads one: of the other there is no gradient."""
    a = leaf(np.array([[3.0, 1.0], [4.0, 2.0]]), "a")
    with ag.Tape():
        loss = np.sum(np.linalg.qr(a)[1])
    (step,) = [v for v in content(played(loss, style=style))["vertices"] if v["op"] == "qr"]
    assert step["brief"] == "norm 2.00"  # that of the sum: a matrix of four ones
    assert step["grad"].startswith("–\n")
