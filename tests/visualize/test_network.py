"""The styles `model` and `ops`, with numbers computed by hand."""

from __future__ import annotations

import html
import re
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import OptionError
from nn import functional
from visualize import Graph, draw, render
from visualize.writers.themes import THEMES

HERE = Path(__file__).parent
RENDERERS = [render._system, render._pygraphviz]


def fill(model: nn.Module) -> nn.Module:
    """The same simple numbers in every run: 0, 1, 2, 0, 1, 2, ... in eighths."""
    for p in model.parameters():
        p.data[...] = (np.arange(p.size) % 3 / 8).reshape(p.shape)
    return model


# -- the models ------------------------------------------------------------------------------------


def mlp() -> Graph:
    """W1 x = (1 - 2, 2) = (-1, 2), relu -> (0, 2), W2 h = 1; so dW2 = (0, 2), dh = (3, 1/2), of which
    relu lets (0, 1/2) pass: dW1 = ((0, 0), (1/2, 1)) and dx = 1/2 (2, 0) = (1, 0)."""
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    model[0].weight.data[...] = [[1, -1], [2, 0]]
    model[2].weight.data[...] = [[3, 0.5]]
    for layer in (model[0], model[2]):
        layer.bias.data[...] = 0
    return draw(model, np.array([[1.0, 2.0]], np.float32), style="ops", loss=np.sum)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.fc1(x.reshape(x.shape[0], -1)))
        return self.fc3(functional.relu(self.fc2(x)))


def lenet() -> Graph:
    """6 (25 + 1) + 16 (6 25 + 1) + 120 401 + 84 121 + 10 85 = 61,706 parameters."""
    return draw(LeNet(), np.zeros((2, 1, 28, 28), np.float32), style="model")


class Reader(nn.Module):
    """An LSTM cell that reads three time steps."""

    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.LSTMCell(4, 8), nn.Linear(8, 2)

    def forward(self, x):
        state = None
        for t in range(3):
            state = self.cell(x[:, t], state)
        return self.head(state[0])


def lstm(unroll: bool = True) -> Graph:
    return draw(fill(Reader()), np.zeros((2, 3, 4), np.float32), style="model", unroll=unroll)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))

    def forward(self, x):
        return x + self.body(x)


def residual() -> Graph:
    """y = x + 4 (2 x): the skip hands on the gradient (1, 1), norm 1.41; the body has 5.66 and 11.31."""
    model = Residual()
    model.body[0].weight.data[...] = 2 * np.eye(2)
    model.body[1].weight.data[...] = 4 * np.eye(2)
    return draw(model, np.ones((1, 2), np.float32), style="model", flow=True, loss=np.sum)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Linear(3, 3, bias=False), nn.Linear(3, 3)
        self.decode.weight = self.encode.weight

    def forward(self, x):
        return self.decode(np.tanh(self.encode(x)))


def tied() -> Graph:
    return draw(Tied(), np.zeros((1, 3), np.float32), style="model")


def arrays() -> Graph:
    """A number, an empty array, integers, and NaN."""
    number = ag.Tensor(2.0, requires_grad=True, name="number")
    empty = ag.Tensor(np.zeros((0, 3)), requires_grad=True, name="empty")
    holes = ag.Tensor([1.0, np.nan, np.inf, 3.0], requires_grad=True, name="holes")
    integers = ag.Tensor(np.array([1, 2, 3, 4]), name="integers")
    with np.errstate(all="ignore"):
        y = np.sum(empty) + np.sum(holes * integers) + number
        y.backward(retain_graph=True)
    return draw(y, style="ops")


GOLDEN = [mlp, lenet, lstm, residual, tied, arrays]


@pytest.mark.parametrize("make", GOLDEN)
def test_the_text_is_the_golden_one(make):
    assert make().to_dot() == (HERE / f"{make.__name__}.dot").read_text(encoding="utf-8")


# -- what is in the text ---------------------------------------------------------------------------


def boxes(graph: Graph) -> dict[str, list[str]]:
    """What is written in each box, line by line."""
    found = {}
    for name, label in re.findall(r"^  (b\d+) \[.*?label=<(.*)>\]$", graph.to_dot(), re.M):
        lines = re.split(r"<BR/>|</TR>", label)
        plain = [
            html.unescape(re.sub(r"<[^>]*>", " " if "</TD>" in line else "", line)).strip() for line in lines
        ]
        found[name] = [" ".join(line.split()) for line in plain if line]
    return found


def arrows(graph: Graph) -> list[tuple[str, str, str]]:
    """From, to, and what is written at each arrow."""
    first = {name: lines[0] for name, lines in boxes(graph).items()}
    found = re.findall(r"^  (b\d+) -> (\w+)(?: \[(.*)\])?$", graph.to_dot(), re.M)
    labels = [re.search(r"label=<(.*)>", rest) for _, _, rest in found]
    said = [
        html.unescape(re.sub(r"<[^>]*>", "", m[1].replace("<BR/>", ";"))).replace("\xa0", "") if m else ""
        for m in labels
    ]
    return [(first[a], first.get(b, "output"), text) for (a, b, _), text in zip(found, said, strict=True)]


def frames(graph: Graph) -> list[str]:
    return [
        " ".join(html.unescape(re.sub(r"<[^>]*>", " ", label)).split())
        for label in re.findall(r"^  graph \[label=<(.*)>, labelloc=t", graph.to_dot(), re.M)
    ]


def test_ops_show_values_and_gradients_worked_out_by_hand():
    shown = {lines[0]: lines[1:] for lines in boxes(mlp()).values()}
    assert shown["x"] == [
        "float32 (1, 2)",
        "min 1.00 mean 1.50 max 2.00 norm 2.24",
        "gradient min 0.00 mean 0.50 max 1.00 norm 1.00",
    ]
    assert shown["0.weight"] == [
        "float32 (2, 2)",
        "min -1.00 mean 0.50 max 2.00 norm 2.45",
        "gradient min 0.00 mean 0.38 max 1.00 norm 1.12",
    ]
    assert shown["relu"] == [
        "float32 (1, 2)",
        "min 0.00 mean 1.00 max 2.00 norm 2.00",
        "gradient min 0.50 mean 1.75 max 3.00 norm 3.04",
    ]
    assert shown["sum"] == ["float32 ()", "1.00", "gradient 1.00"]


def test_a_model_shows_layers_with_parameters_and_shapes():
    graph = lenet()
    assert frames(graph) == ["LeNet 61,706 parameters"]
    assert [lines[0] for lines in boxes(graph).values()] == [
        "x", "conv1 Conv2d", "relu", "max_pooling", "conv2 Conv2d", "relu", "max_pooling", "reshape",
        "fc1 Linear", "relu", "fc2 Linear", "relu", "fc3 Linear",
    ]  # fmt: skip
    assert ["fc1 Linear", "in_features=400, out_features=120, bias=True", "48,120 parameters"] in boxes(
        graph
    ).values()
    assert [text for _, _, text in arrows(graph)][:4] == [
        "(2, 1, 28, 28)", "(2, 6, 28, 28)", "(2, 6, 28, 28)", "(2, 6, 14, 14)",
    ]  # fmt: skip


def test_repeated_cells_are_one_box_with_their_number_and_an_arrow_to_themselves():
    graph = lstm(unroll=False)
    assert [lines[0] for lines in boxes(graph).values()] == [
        "x",
        "getitem ×3",
        "cell LSTMCell ×3",
        "head Linear",
    ]
    assert arrows(graph) == [
        ("x", "getitem ×3", "(2, 3, 4) ×3"),
        ("getitem ×3", "cell LSTMCell ×3", "(2, 4) ×3"),
        (
            "cell LSTMCell ×3",
            "cell LSTMCell ×3",
            "(2, 8) ×4",
        ),  # h and c, from the first to the second to the third
        ("cell LSTMCell ×3", "head Linear", "(2, 8)"),
        ("head Linear", "output", "(2, 2)"),
    ]


def test_what_only_a_later_call_of_a_module_does_is_in_the_frame_of_all():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x, both):
            return self.b(self.a(x)) if both else self.a(x)

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = Cell()

        def forward(self, x):
            return self.cell(self.cell(x, False), True)

    graph = draw(Loop(), np.ones((1, 2)), style="model")
    assert frames(graph) == ["Loop 12 parameters", "cell Cell ×2 12 parameters"]
    assert [lines[0] for lines in boxes(graph).values()] == ["x", "cell.a Linear ×2", "cell.b Linear"]
    assert "cell.b Linear" in graph.to_text()


def test_unrolled_cells_stand_one_after_another():
    graph = lstm()
    assert [lines[0] for lines in boxes(graph).values()].count("cell LSTMCell") == 3
    steps = [text for a, b, text in arrows(graph) if a == b == "cell LSTMCell"]
    assert steps == ["(2, 8) ×2", "(2, 8) ×2"]


def test_a_layer_without_parameters_that_is_called_again_is_drawn_again():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.act = nn.Linear(2, 2), nn.Linear(2, 2), nn.Tanh()

        def forward(self, x):
            return self.act(self.b(self.act(self.a(x))))

    graph = draw(Shared(), np.ones((1, 2)), style="model")
    assert [lines[0] for lines in boxes(graph).values()] == [
        "x",
        "a Linear",
        "act Tanh",
        "b Linear",
        "act Tanh",
    ]


def test_a_parameter_that_two_layers_share_is_drawn_with_an_arrow_to_each():
    shared = [(a, b) for a, b, _ in arrows(tied()) if a == "encode.weight"]
    assert shared == [("encode.weight", "encode Linear"), ("encode.weight", "decode Linear")]
    assert frames(tied()) == ["Tied 12 parameters"]


def test_the_tokens_of_an_embedding_are_an_input():
    model = nn.Sequential(nn.Embedding(5, 2), nn.Linear(2, 1))
    for tokens in (np.array([0, 3]), ag.Tensor(np.array([0, 3]))):
        graph = draw(model, tokens, style="model")
        assert ("x", "0 Embedding", "int64 (2,)") in arrows(graph)
        assert ["x", "int64 (2,)"] in boxes(graph).values()


def test_a_skip_has_an_arrow_of_its_own_with_its_share_of_the_gradient():
    flows = {(a, b): text for a, b, text in arrows(residual())}
    assert flows["x", "add"] == "(1, 2);gradient: norm 1.41"
    assert flows["body.0 Linear", "body.1 Linear"] == "(1, 2);gradient: norm 5.66"
    assert flows["x", "body.0 Linear"] == "(1, 2);gradient: norm 11.31"


def test_wider_arrows_have_larger_gradients():
    lines = [line for line in residual().to_dot().splitlines() if "->" in line]
    pairs = [
        (
            float(re.search(r"gradient: norm ([\d.]+)", line)[1]),
            float(re.search(r"penwidth=([\d.]+)", line)[1]),
        )
        for line in lines
    ]
    assert len(pairs) == 6
    widths = [width for _, width in sorted(pairs)]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (0, {"x", "Residual"}),
        (1, {"x", "body Sequential", "add"}),
        (2, {"x", "body.0 Linear", "body.1 Linear", "add"}),
    ],
)
def test_depth_folds_what_is_below(depth, expected):
    for style in ("model", "ops"):
        graph = draw(Residual(), np.ones((1, 2)), style=style, depth=depth)
        assert {lines[0] for lines in boxes(graph).values()} == expected


def test_a_box_says_the_norm_of_its_parameters_gradient():
    """d sum(x w + b): the gradient of w is x summed over the batch, (2, 2), that of b 2: sqrt(12)."""
    graph = draw(nn.Linear(2, 1), np.ones((2, 2)), style="model", depth=0, loss=np.sum)
    assert boxes(graph)["b1"][-1] == "their gradient: norm 3.46"


def test_the_loss_is_played_backwards_and_leaves_the_gradients_of_the_model_alone():
    model = fill(nn.Linear(3, 2))
    model.weight.grad = np.ones((2, 3), np.float32)
    graph = draw(model, np.ones((4, 3), np.float32), loss=lambda y: np.sum(y * y), style="ops")
    np.testing.assert_array_equal(model.weight.grad.numpy(), np.ones((2, 3)))
    assert model.bias.grad is None
    expected = ag.grad(lambda x: np.sum((x @ model.weight.numpy().T + model.bias.numpy()) ** 2))(
        np.ones((4, 3))
    )
    (grad,) = [e.grad for e in graph.edges if graph.vertices[e.source].given]
    np.testing.assert_allclose(grad, expected, rtol=1e-6)


def test_constants_can_be_hidden():
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    for style in ("lecture", "model", "ops"):
        shown = draw(np.sum(x * np.array([3.0, 4.0])), style=style).to_dot()
        hidden = draw(np.sum(x * np.array([3.0, 4.0])), style=style, constants=False).to_dot()
        assert "c1" in shown
        assert "c1" not in hidden
        assert hidden.count("->") < shown.count("->")


def test_lines_are_those_of_the_caller():
    with ag.detect_anomaly():
        graph = draw(nn.Sequential(nn.Linear(2, 2)), np.ones((1, 2)), style="ops")
    line = next(vertex.line for vertex in graph.vertices if vertex.op)
    assert line.rpartition(":")[0] == __file__
    assert f"test_network.py, line {line.rpartition(':')[2]}" in [
        x for lines in boxes(graph).values() for x in lines
    ]


# -- NaN and inf -----------------------------------------------------------------------------------


def faulty() -> Graph:
    """log(0) = -inf is the first of the forward pass, -inf times 0 is NaN; backwards 0 times 1/0 is NaN."""
    x = ag.Tensor([0.0, 1.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        y = np.sum(np.log(x) * 0.0)
        y.backward(retain_graph=True)
    return draw(y, style="ops")


def test_the_first_offender_of_each_pass_is_marked():
    shown = {
        lines[0]: [x for x in lines if x.endswith(("value", "pass", "in the gradient"))]
        for lines in boxes(faulty()).values()
    }
    assert shown == {
        "x": ["NaN in the gradient"],
        "log": ["first inf of the forward pass", "first NaN of the backward pass"],
        "0.00": [],
        "multiply": ["NaN in the value"],
        "sum": ["NaN in the value"],
    }


def test_an_input_with_nan_is_the_first_offender_itself():
    shown = {lines[0]: lines for lines in boxes(arrays()).values()}
    assert shown["holes"][-1] == "first NaN of the forward pass"
    assert shown["holes"][2] == "1 NaN, 1 inf of 4; min 1.00 mean 2.00 max 3.00 norm 3.16"
    assert shown["empty"][1:] == ["float64 (0, 3)", "empty", "gradient empty"]
    assert shown["integers"][1:] == ["int64 (4,)", "min 1 mean 2.50 max 4 norm 5.48"]
    assert shown["number"][1:] == ["float64 ()", "2.00", "gradient 1.00"]


def test_the_lecture_style_marks_it_too():
    x = ag.Tensor(0.0, requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        dot = draw(np.log(x) * 0.0).to_dot()
    loud = THEMES["light"].loud
    assert dot.count("first inf of the forward pass") == 1
    assert f'<FONT COLOR="{loud}" POINT-SIZE="12">-inf' in dot
    assert loud not in draw(np.exp(x)).to_dot()


# -- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["lecture", "ops"])
def test_small_arrays_in_full(style):
    x = ag.Tensor([[1.5, -2.0], [0.25, 4.0], [5.0, 6.0]], requires_grad=True, name="x")
    y = np.sum(np.square(x))
    y.backward(retain_graph=True)
    dot = draw(y, style=style, values="full").to_dot()
    for entry in ("1.50", "-2.00", "0.25", "4.00", "3.00", "-4.00", "0.50", "8.00"):
        assert f">{entry}</FONT>" in dot


@pytest.mark.parametrize("style", ["lecture", "model", "ops"])
def test_pictures_have_a_pixel_for_each_entry(style):
    """Black is the largest, white is 0; where something is negative, orange and blue are the ends."""
    x = ag.Tensor([[0.0, 2.0, 1.0]], requires_grad=True, name="x")
    dot = draw(np.negative(x), style=style, values="pictures", grads=False).to_dot()
    pixels = re.findall(r'BGCOLOR="(#\w+)"', dot.split("label=<", 1)[1])
    assert set(pixels) >= {"#ffffff", "#1a54a0"}
    assert "#14181f" in dot or style == "model"


def test_statistics_in_the_lecture_style():
    x = ag.Tensor(np.arange(6.0), requires_grad=True, name="x")
    assert "min 0.00  mean 2.50  max 5.00  norm 7.42" in draw(np.sum(x), values="stats").to_dot()
    assert "float64 (6,)" in draw(np.sum(x)).to_dot()


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("values", [True, "stats", "full", "pictures"])
def test_the_picture_shows_the_numbers_of_the_tensors(renderer, values):
    rng = np.random.default_rng(0)
    x, w = (
        ag.Tensor(rng.normal(size=s), requires_grad=True, name=n) for s, n in [((4, 3), "x"), ((3, 2), "w")]
    )
    with ag.Tape():
        y = np.tanh(x @ w)
        f = np.sum(y)
    f.backward()
    svg = renderer(draw(f, style="ops", values=values).to_dot(), "svg")
    if svg is None:
        pytest.skip("this renderer is not installed")
    shown = [" ".join(e.text.split()) for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    for tensor in (x, w, y):
        for array, prefix in ((tensor.numpy(), ""), (tensor.node.adjoint, "gradient ")):
            if values == "full":
                assert {f"{v:.1f}" for v in array.ravel()} <= {
                    f"{float(s):.1f}" for s in shown if re.fullmatch(r"-?[\d.]+", s)
                }
            elif values in (True, "stats"):
                (line,) = [s for s in shown if s.startswith(prefix + "min") and _says(s, array)]
                assert line
    assert f"{f.item():.2f}" in shown


def _says(line: str, array: np.ndarray) -> bool:
    numbers = [float(s) for s in re.findall(r"-?\d[\d.e-]*", line)]
    return np.allclose(
        numbers, [array.min(), array.mean(), array.max(), np.linalg.norm(array)], rtol=0.06, atol=6e-3
    )


# -- names, themes, sizes --------------------------------------------------------------------------

NAMES = [
    'say "hi"',
    "<script>alert(1)</script>",
    "a & b",
    "</TABLE>>]",
    "back\\N",
    "node",
    "}",
    "😀 π",
    "two\nlines",
]


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("style", ["model", "ops"])
def test_names_arrive_intact_and_inert(renderer, style):
    model = nn.Module()
    layers = []
    for i, name in enumerate(NAMES):
        kind = type(name, (nn.Sequential,), {})
        layers.append(kind(nn.Linear(1, 1)))
        model.add_module(f"{i} {name}".replace(".", ""), layers[-1])

    def forward(x):
        for layer in layers:
            x = layer(x)
        return x

    model.forward = forward
    svg = renderer(draw(model, ag.Tensor([[1.0]], name=NAMES[1]), style=style).to_dot(), "svg")
    if svg is None:
        pytest.skip("this renderer is not installed")
    texts = [e.text or "" for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    everything = "\n".join(texts).replace("\xa0", " ")
    for i, name in enumerate(NAMES):
        assert f"{i} {name}" in everything
        assert name in everything
    known = {"svg", "g", "title", "text", "polygon", "path", "ellipse", "polyline"}
    assert {e.tag.split("}")[1] for e in ET.fromstring(svg).iter()} <= known


@pytest.mark.parametrize("theme", list(THEMES))
@pytest.mark.parametrize("style", ["lecture", "model", "ops"])
def test_each_style_in_each_theme(style, theme):
    dot = draw(Residual(), np.ones((1, 2)), style=style, theme=theme, legend=True).to_dot()
    assert THEMES[theme].text in dot
    assert ("bgcolor" in dot) == (style != "lecture" or theme == "dark")
    others = {t.value for name, t in THEMES.items() if name != theme}
    assert not any(colour in dot for colour in others if style == "lecture" and colour != "#000000")


def test_colours_differ_in_lightness_too():
    """By the relative luminance of WCAG, so that all eyes, and grey paper, tell them from the paper."""
    for theme in THEMES.values():
        paper = _luminance(theme.background)
        for colour in (theme.text, theme.faint, theme.value, theme.grad, theme.rounding, theme.loud):
            light, dark = sorted((paper, _luminance(colour)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5
        steps = [_luminance(c) for c in theme.flow]
        assert len(set(steps)) == len(steps)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_a_legend_explains_what_is_there_and_can_be_left_out():
    assert "a layer: a module" in lenet().to_dot()
    assert "dotted" not in lenet().to_dot()
    assert "arrows by the norm of the gradient" in residual().to_dot()
    model = nn.Linear(2, 1)
    assert "labelloc=b" not in draw(model, np.ones((1, 2)), style="model", legend=False).to_dot()
    assert "gradient</FONT> of the output" in draw(model, np.ones((1, 2)), legend=True).to_dot()


def test_the_same_model_gives_the_same_text():
    for style in ("lecture", "model", "ops"):
        texts = {
            draw(fill(Reader()), np.ones((2, 3, 4), np.float32), style=style, loss=np.mean).to_dot()
            for _ in range(2)
        }
        assert len(texts) == 1


def chain(n: int) -> ag.Tensor:
    y = ag.Tensor(np.ones((4, 4)), requires_grad=True, name="x")
    for _ in range(n):
        y = np.tanh(y)
    return y


@pytest.mark.parametrize("style", ["lecture", "model", "ops"])
def test_5000_nodes_are_text_in_less_than_2_seconds(style):
    y = chain(5000)
    start = time.process_time()
    text = draw(y, style=style).to_dot()
    assert time.process_time() - start < 2.0
    assert text.count("tanh") == 5000


def test_a_picture_that_nobody_can_read_is_refused_with_the_way_to_fold_it(tmp_path):
    graph = draw(chain(2001))
    for ending in ("svg", "png", "pdf"):
        with pytest.raises(OptionError, match=r"2,002 boxes \(the limit is 2,000\): fold modules.*depth=1"):
            graph.save(tmp_path / f"f.{ending}")
    assert graph.save(tmp_path / "f.dot").exists()
    assert "image/svg+xml" not in graph._repr_mimebundle_()
    deep = nn.Sequential(*(nn.Tanh() for _ in range(2001)))
    assert draw(deep, np.ones(1), style="model", depth=0).save(tmp_path / "folded.dot").exists()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"theme": "pink"}, "theme='pink'.*'light' or 'dark' or 'print'"),
        ({"values": "all"}, "values='all'.*True or False or 'stats' or 'full' or 'pictures'"),
        ({"values": 1}, "values=1"),
        ({"depth": 1}, "the style 'lecture' does not have this option; write style='model'"),
        ({"flow": True}, "the style 'lecture' does not have this option"),
        ({"unroll": True}, "the style 'lecture' does not have this option"),
        ({"style": "model", "depth": -1}, "0, 1, 2"),
        ({"style": "ops", "depth": 1.5}, "0, 1, 2"),
        ({"style": "ops", "depth": True}, "0, 1, 2"),
    ],
)
def test_wrong_options(option, message):
    with pytest.raises(OptionError, match=message):
        draw(np.sin, 1.0, **option)
