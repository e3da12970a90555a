"""The page of a network: readable boxes, colours of families, moving and scaling, saved files."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import pytest

import nn
from visualize import Graph, draw
from visualize.words.kinds import FAMILIES, family
from visualize.writers import html

READABLE = 10  # pixels of the smallest letters


def lenet(**options: Any) -> Graph:
    return draw(nn.models.LeNet5(1), np.zeros((1, 1, 32, 32), np.float32), **options)


def resnet() -> Graph:
    return draw(nn.models.ResNet(20, width=4), np.zeros((1, 3, 8, 8), np.float32), style="model")


class Block(nn.Module):
    """Layers beside a skip."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.body = nn.LayerNorm(4), nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4))

    def forward(self, x: Any) -> Any:
        return x + self.body(self.norm(x))


def block(**options: Any) -> Graph:
    return draw(Block(), np.ones((2, 4), np.float32), **{"style": "model", **options})


def content(graph: Graph) -> dict[str, Any]:
    (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', html.page(graph), re.S)
    return json.loads(data)


# -- what it says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("Conv1d Conv2d ConvTranspose2d", "conv"),
        ("Linear Bilinear LTU", "dense"),
        ("BatchNorm2d LayerNorm GroupNorm RMSNorm LocalResponseNorm", "norm"),
        (
            "ReLU GELU SiLU ELU LeakyReLU Tanh ScaledTanh Sigmoid LogSoftmax Softplus Hardswish Mish GLU",
            "activation",
        ),
        ("MaxPool2d AvgPool1d AdaptiveAvgPool2d", "pool"),
        ("Dropout Dropout2d AlphaDropout", "dropout"),
        ("RNN LSTM GRU LSTMCell", "recurrent"),
        ("MultiheadAttention TransformerEncoderLayer", "attention"),
        ("Embedding EmbeddingBag", "embedding"),
        ("Flatten Unflatten ZeroPad2d Upsample PixelShuffle Identity", "shape"),
        ("Mine Sequential", "other"),
    ],
)
def test_the_family_of_a_layer(kinds: str, expected: str) -> None:
    assert {kind: family(kind) for kind in kinds.split()} == dict.fromkeys(kinds.split(), expected)
    assert expected in FAMILIES


def test_modules_with_layers_in_them_are_containers() -> None:
    assert family("Sequential", inner=True) == family("BasicBlock", inner=True) == "container"
    assert family("TransformerEncoder", inner=True) == "attention"


def test_every_family_has_its_colours() -> None:
    style = (Path(html.__file__).parents[1] / "page" / "page.css").read_text(encoding="utf-8")
    for name in FAMILIES:
        assert f".k-{name} {{ --kind:" in style


def test_the_model_is_the_title_and_a_layer_says_all_its_options() -> None:
    data = content(lenet(style="model"))
    assert (data["heading"], data["about"]) == ("LeNet5", "12 layers, 61,706 parameters")
    call = next(call for call in data["calls"] if call["path"] == "features.0")
    assert (call["kind"], call["family"], call["about"]) == ("Conv2d", "conv", "156 parameters")
    assert call["settings"] == "1, 6, kernel_size=(5, 5), stride=(1, 1)"
    assert next(c for c in data["calls"] if c["path"] == "features")["about"] == "6 layers, 2,572 parameters"


def test_lines_have_shapes_and_no_dash_where_no_gradient_was_asked_for() -> None:
    edges = content(lenet(style="model"))["edges"]
    assert "(1, 6, 28, 28)" in {edge["value"] for edge in edges}
    assert {edge["grad"] for edge in edges} == {edge["grad"] for edge in content(lenet())["edges"]} == {""}
    played = content(lenet(style="model", loss=np.mean))["edges"]
    assert any(edge["grad"].startswith("norm ") for edge in played)
    assert "–" not in {edge["grad"] for edge in played}


def test_layers_are_folded_and_so_are_blocks_where_they_are_many() -> None:
    def folded(graph: Graph) -> set[str]:
        data = content(graph)
        return {data["calls"][i]["title"] for i in data["folded"]}

    assert folded(block()) == {"norm", "body.0", "body.1", "body.2"}
    assert folded(block(depth=1)) >= {"norm", "body"}
    assert {"layer1.0", "layer3.2", "conv1", "fc"} <= folded(resnet())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "TB"),
        ({"style": "model"}, "TB"),
        ({"style": "ops"}, "TB"),
        ({"direction": "LR"}, "LR"),
        ({"style": "model", "direction": "LR"}, "LR"),
    ],
)
def test_a_model_goes_from_top_to_bottom_unless_told_otherwise(options: Any, expected: str) -> None:
    assert content(lenet(**options))["direction"] == expected


def test_the_lecture_picture_of_a_model_still_goes_from_left_to_right() -> None:
    graph = lenet()
    assert graph.direction == "LR" and "rankdir=LR" in graph.to_dot()


# -- at first sight --------------------------------------------------------------------------------

BOXES = (
    """(select) => [...document.querySelectorAll(select)].map((e) => e.getBoundingClientRect().toJSON())"""
)

LETTERS = """(select) => [...document.querySelectorAll(select)].map((e) =>
  parseFloat(getComputedStyle(e).fontSize) * (e.closest("#scene") ? state.view.scale : 1))"""


@pytest.mark.browser
@pytest.mark.parametrize("style", ["lecture", "model"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_layers_of_lenet_are_seen_and_readable_at_once(visit: Any, style: str, scheme: str) -> None:
    page = visit(lenet(style=style), color_scheme=scheme)
    room = page.locator("#graph").bounding_box()
    layers = page.evaluate(BOXES, "g.module")
    assert len(layers) == 12
    for box in [*layers, *page.evaluate(BOXES, "g.frame, g.input, g.end")]:
        assert box["top"] >= room["y"] and box["bottom"] <= room["y"] + room["height"]
        assert box["left"] >= room["x"] and box["right"] <= room["x"] + room["width"]
    assert min(page.evaluate(LETTERS, "#scene text")) >= READABLE
    assert page.locator("#map").is_hidden()
    assert "kernel_size=(5, 5), stride=(1, 1)" in page.locator("g.module").first.text_content()


@pytest.mark.browser
def test_colours_tell_the_kinds_and_the_legend_names_them_apart(visit: Any) -> None:
    page = visit(lenet(style="model"))
    colour = "(s) => getComputedStyle(document.querySelector(s)).stroke"
    kinds = ("conv", "dense", "activation", "pool", "shape")
    assert len({page.evaluate(colour, f".k-{kind} > .shape") for kind in kinds}) == 5
    entries = page.locator("#legend .entry").all_inner_texts()
    assert entries[:5] == ["convolution", "dense layer", "activation", "pooling", "change of shape"]
    spots = page.evaluate(BOXES, "#legend .entry")
    assert all(b["left"] - a["right"] >= 12 for a, b in itertools.pairwise(spots) if a["top"] == b["top"])


@pytest.mark.browser
@pytest.mark.parametrize("make", [lenet, block])
def test_arrows_end_at_boxes_and_no_line_runs_through_a_title(visit: Any, make: Any) -> None:
    page = visit(make(style="model"))
    ends = page.evaluate(
        """() => shown.lines.map((line) => {
          const group = scene.querySelector(`[data-edge="${line.edges.join(" ")}"]`);
          const d = group.querySelector(".wire[marker-end]").getAttribute("d");
          const [x, y] = d.split(/[MLC ,]+/).slice(-2).map(Number);
          const box = shown.boxes.get(line.to), [left, top] = corner(box), [w] = xy(box.main, box.cross);
          return [y - top, x - left, left + w - x]; })"""
    )
    assert ends
    for above, left, right in ends:
        assert abs(above) < 3 and left > 0 < right  # a round border is a little lower at its sides
    titles = page.evaluate(BOXES, ".frame-title text")
    for wire in page.evaluate(BOXES, ".wire"):
        if wire["width"] < 1:
            for box in titles:
                beside = wire["right"] < box["left"] or wire["left"] > box["right"]
                assert beside or wire["bottom"] < box["top"] or wire["top"] > box["bottom"]


@pytest.mark.browser
def test_nothing_covers_anything(visit: Any) -> None:
    for graph in (block(), block(loss=np.sum), resnet()):
        page = visit(graph)
        boxes = page.evaluate(BOXES, "g.step, g.module, g.input, g.end text, .number text")
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                apart = a["right"] <= b["left"] + 1 or b["right"] <= a["left"] + 1
                assert apart or a["bottom"] <= b["top"] + 3 or b["bottom"] <= a["top"] + 3, (a, b)


@pytest.mark.browser
def test_at_400_pixels_all_is_in_reach(visit: Any) -> None:
    page = visit(lenet(style="model"))
    page.set_viewport_size({"width": 400, "height": 800})
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    layers = page.evaluate(BOXES, "g.module")
    assert all(box["left"] >= 0 and box["right"] <= 400 for box in layers)
    page.locator("g.module").first.click()
    box = page.locator("#panel").bounding_box()
    assert box["width"] == 400 and box["y"] + box["height"] <= 800
    assert min(page.evaluate(LETTERS, "#panel *, header *, #legend *")) >= 12


@pytest.mark.browser
def test_a_layer_that_makes_a_nan_is_loud(visit: Any) -> None:
    with np.errstate(invalid="ignore"):
        graph = draw(Block(), np.full((2, 4), np.nan, np.float32), style="model")
    page = visit(graph)
    colours = page.evaluate(
        "[...document.querySelectorAll('.bad > .shape')].map((e) => getComputedStyle(e).stroke)"
    )
    assert len(colours) == 6 and set(colours) == {
        page.evaluate("getComputedStyle(document.querySelector('.input .shape')).stroke")
    }
    page.locator(".module.bad").first.click()
    assert "NaN" in page.locator("#panel .fault").inner_text()


# -- moving about ----------------------------------------------------------------------------------


def in_view(page: Any, selector: str) -> bool:
    room, box = page.locator("#graph").bounding_box(), page.locator(selector).first.bounding_box()
    return all(
        room[a] - 1 <= box[a] and box[a] + box[size] <= room[a] + room[size] + 1
        for a, size in (("x", "width"), ("y", "height"))
    )


@pytest.mark.browser
def test_a_large_net_has_a_map_that_moves_the_view(visit: Any) -> None:
    page = visit(resnet())
    page.click("#unfold")
    assert page.locator("#map").is_visible()
    last = '.module[aria-label*=", fc,"]'
    assert not in_view(page, last)
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 4)
    assert in_view(page, last)
    page.keyboard.press("0")
    assert page.locator("#map").is_hidden()


@pytest.mark.browser
def test_search_brings_what_is_found_into_view(visit: Any) -> None:
    page = visit(resnet())
    page.click("#unfold")
    page.keyboard.press("/")
    page.keyboard.type("layer3.2.bn2")
    assert in_view(page, ".module.found") and page.locator("#panel").is_hidden()
    page.keyboard.press("Enter")
    assert in_view(page, ".chosen")
    page.click("#fold")
    page.locator("#search").fill("layer3.2.bn2")
    assert "layer3" in page.locator(".found").first.get_attribute("aria-label")  # what hides it is marked


@pytest.mark.browser
def test_the_panel_tells_options_shapes_and_parameters(visit: Any) -> None:
    page = visit(lenet(style="model"))
    page.locator("g.module").first.click()
    told = dict(
        page.evaluate(
            "[...panel.querySelectorAll('h3')].map((h) => [h.textContent, h.nextSibling.textContent])"
        )
    )
    assert told["options"] == "1, 6, kernel_size=(5, 5), stride=(1, 1)"
    assert (told["input"], told["output"]) == ("float32 (1, 1, 32, 32)", "float32 (1, 6, 28, 28)")
    assert "features.0.weight float32 (6, 1, 5, 5)" in told["parameters"]


@pytest.mark.browser
def test_arrow_keys_go_from_layer_to_layer_and_say_so(visit: Any) -> None:
    page = visit(lenet(style="model"))
    page.locator("g.module").first.click()
    page.keyboard.press("ArrowDown")
    assert page.locator("#panel h2").inner_text() == "features.1"
    said = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert said == "layer ScaledTanh, features.1"
    page.keyboard.press("ArrowUp")
    assert page.locator("#panel h2").inner_text() == "features.0"
    assert page.locator("#panel").get_attribute("aria-live") == "polite"


@pytest.mark.browser
def test_turn_lays_it_out_the_other_way(visit: Any) -> None:
    page = visit(lenet(style="model"))
    flow = "() => [...shown.boxes.values()].slice(0, 5).map((b) => xy(b.u, b.v).map(Math.round))"
    assert len({x for x, _ in page.evaluate(flow)}) == 1
    page.keyboard.press("t")
    assert len({y for _, y in page.evaluate(flow)}) == 1
    page.click("#turn")
    assert len({x for x, _ in page.evaluate(flow)}) == 1


@pytest.mark.browser
def test_unfold_all_opens_modules_and_then_layers(visit: Any) -> None:
    page = visit(resnet())
    page.click("#unfold")
    assert page.locator("g.module").count() == 39
    page.click("#unfold")
    assert page.locator("g.module").count() == 0 < page.locator("g.step").count()


# -- files and paper -------------------------------------------------------------------------------


@pytest.mark.browser
def test_the_picture_is_saved_as_svg_and_png(visit: Any, tmp_path: Path) -> None:
    page = visit(lenet(style="model"))
    page.locator("g.module").first.click()
    with page.expect_download() as svg:
        page.click("#svg")
    assert svg.value.suggested_filename == "LeNet5.svg"
    svg.value.save_as(tmp_path / "net.svg")
    picture = Xml.parse(tmp_path / "net.svg").getroot()
    texts = list(picture.iter("{http://www.w3.org/2000/svg}text"))
    assert [t.text for t in texts].count("Conv2d") == 2 and "⊟" not in {t.text for t in texts}
    assert all(re.fullmatch(r"rgba?\([\d., ]+\)", text.get("fill", "")) for text in texts)
    assert "var(" not in (tmp_path / "net.svg").read_text(encoding="utf-8")
    assert page.locator(".chosen").count() == 1
    with page.expect_download() as png:
        page.click("#png")
    png.value.save_as(tmp_path / "net.png")
    content = (tmp_path / "net.png").read_bytes()
    wide, high = (int.from_bytes(content[i : i + 4], "big") for i in (16, 20))
    box = [float(x) for x in picture.get("viewBox", "").split()]
    assert content.startswith(b"\x89PNG") and (wide, high) == (2 * box[2], 2 * box[3])


@pytest.mark.browser
def test_on_paper_there_is_the_whole_picture_on_white_and_no_button(visit: Any) -> None:
    page = visit(resnet(), color_scheme="dark")
    page.click("#unfold")
    before = page.locator("#scene").get_attribute("transform")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("header button").first.is_hidden() and page.locator("#map").is_hidden()
    room = page.locator("#graph").bounding_box()
    for box in page.evaluate(BOXES, "g.module"):
        assert box["top"] >= room["y"] and box["bottom"] <= room["y"] + room["height"]
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#scene").get_attribute("transform") == before
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
