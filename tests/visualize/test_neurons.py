"""The style `neurons`: the layers read from a model, the picture, and the walk."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import AutogradLiteError, OptionError, ShapeError, TapeError, UnsupportedError
from tests.helpers import leaf
from visualize import Graph, backprop_steps, draw
from visualize.neurons.cell import cell
from visualize.neurons.network import network
from visualize.writers.neurons import page

SVG = "{http://www.w3.org/2000/svg}"


def filled(layer: nn.Linear, weight: Any, bias: Any) -> nn.Linear:
    layer.weight.data[:], layer.bias.data[:] = weight, bias
    return layer


def xor(activation: Any = nn.Sigmoid) -> nn.Sequential:
    """2-2-1: the first hidden neuron is OR, the second AND; the output is the first without the second."""
    hidden = filled(nn.Linear(2, 2), [[1, 1], [1, 1]], [-0.5, -1.5])
    return nn.Sequential(hidden, activation(), filled(nn.Linear(2, 1), [[1, -2]], [-0.5]), activation())


def squared(y: Any) -> Any:
    return np.sum((y - 1) ** 2) / 2


def said(svg: str) -> list[str]:
    """All the text of a picture; what a pointer is told is not among it."""
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


# -- what is read ----------------------------------------------------------------------------------


def test_layers_weights_values_and_deltas_are_those_of_the_engine():
    nn.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2), nn.Softmax(-1)
    )
    x = np.array([0.3, -1.0])
    found = network(draw(model, x, style="neurons", loss=lambda y: -np.log(y[0])))
    assert [len(layer) for layer in found.layers] == [2, 4, 3, 2]
    assert [layer.activation for layer in found.layers] == ["", "Tanh", "ReLU", "Softmax"]
    assert [layer.path for layer in found.layers] == ["", "0", "2", "4"]
    np.testing.assert_array_equal(found.layers[-1].value, model(x).numpy())
    np.testing.assert_array_equal(found.layers[2].potential, model[:3](x).numpy())
    loss = -np.log(model(x)[0])
    assert found.loss == loss.item()
    loss.backward()
    for layer, linear in zip(found.layers[1:], (model[0], model[2], model[4]), strict=True):
        np.testing.assert_array_equal(layer.weight, linear.weight.numpy())
        np.testing.assert_allclose(layer.weight_grad, linear.weight.grad.numpy(), rtol=1e-6)
        np.testing.assert_allclose(layer.delta, linear.bias.grad.numpy(), rtol=1e-6)  # of one sample


@pytest.mark.parametrize("turned", [False, True])
def test_a_network_in_plain_numpy_is_one_too(turned):
    W, b, V = leaf(np.eye(3, 2) + 1), leaf(np.ones(3)), leaf(np.full((1, 3), 0.5))

    def model(x):
        if turned:
            return ag.sigmoid(np.tanh(x @ W.T + b) @ V.T)
        return ag.sigmoid(V @ np.tanh(W @ x + b))

    if turned:  # matrices that are leaves themselves
        W, V = leaf((np.eye(3, 2) + 1).T), leaf(np.full((3, 1), 0.5))

        def model(x):
            return ag.sigmoid(np.tanh(x @ W + b) @ V)

    found = network(draw(model, np.array([1.0, 2.0]), style="neurons", loss=squared))
    assert [(len(layer), layer.activation) for layer in found.layers] == [
        (2, ""),
        (3, "tanh"),
        (1, "sigmoid"),
    ]
    assert found.layers[1].weight.tolist() == [[2, 1], [1, 2], [1, 1]]
    assert found.layers[1].bias.tolist() == [1, 1, 1] and found.layers[2].bias is None
    assert found.layers[1].potential.tolist() == [5, 6, 4]


def test_a_recorded_loss_is_drawn_as_it_is():
    model, x = xor(), np.array([0.0, 1.0])
    loss = squared(model(x))
    assert [len(layer) for layer in network(draw(loss, style="neurons")).layers] == [2, 2, 1]
    assert str(backprop_steps(loss, style="neurons")[4]) == f"the loss E: E = {loss.item():.4g}"


@pytest.mark.parametrize(
    "activation",
    [
        nn.CELU(), nn.ELU(), nn.GELU(), nn.Hardshrink(), nn.Hardsigmoid(), nn.Hardswish(), nn.Hardtanh(),
        nn.LeakyReLU(), nn.LogSigmoid(), nn.LogSoftmax(-1), nn.LTU(), nn.Mish(), nn.PReLU(), nn.PReLU(3),
        nn.ReLU(), nn.ReLU6(), nn.ScaledTanh(), nn.SELU(), nn.Sigmoid(), nn.Sign(), nn.SiLU(), nn.Softmax(-1),
        nn.Softmin(-1), nn.Softplus(), nn.Softshrink(), nn.Softsign(), nn.Tanh(), nn.Tanhshrink(),
        nn.Threshold(0.1, 0.2),
    ],
    ids=repr,
)  # fmt: skip
def test_each_activation_is_named_and_its_value_is_what_goes_on(activation):
    model = nn.Sequential(nn.Linear(2, 3), activation, nn.Linear(3, 1))
    found = network(draw(model, np.array([[0.5, -2.0]]), style="neurons"))
    assert [layer.activation for layer in found.layers] == ["", type(activation).__name__, ""]
    value = model[:2](np.array([[0.5, -2.0]]))
    np.testing.assert_array_equal(found.layers[1].value, np.asarray(getattr(value, "data", value))[0])


class Coded(nn.Module):
    """An activation that is code rather than a module."""

    def __init__(self, activation: Any) -> None:
        super().__init__()
        self.first, self.activation, self.last = nn.Linear(2, 3), activation, nn.Linear(3, 1)

    def forward(self, x: Any) -> Any:
        return self.last(self.activation(self.first(x)))


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (np.tanh, "tanh"),
        (nn.functional.leaky_relu, "f"),
        (nn.functional.silu, "silu"),
        (nn.functional.gelu, "gelu"),
        (lambda z: nn.functional.gelu(z, "tanh"), "gelu_tanh"),
        (nn.functional.mish, "f"),
        (nn.functional.elu, "f"),
        (nn.functional.hardshrink, "where"),
        (lambda z: np.maximum(z, 0.0), "maximum"),
        (lambda z: 1 / (1 + np.exp(-z)), "f"),
    ],
)
def test_an_activation_of_several_steps_in_the_code_is_one(activation, name):
    model, x = Coded(activation).double(), np.array([[0.5, -1.0]])
    found = network(draw(model, x, style="neurons", loss=squared))
    hidden = found.layers[1]
    potential = model.first.weight.numpy() @ x[0] + model.first.bias.numpy()
    assert hidden.activation == name
    np.testing.assert_allclose(hidden.potential, potential)
    np.testing.assert_allclose(hidden.value, np.asarray(activation(ag.Tensor(potential)).numpy()))
    weight, error = model.last.weight.numpy()[0], found.layers[-1].delta
    slope = ag.grad(lambda z: np.sum(activation(z)))(potential)
    np.testing.assert_allclose(hidden.delta, error * weight * slope)


def test_steps_in_the_code_that_mix_neurons_are_no_activation():
    def centred(z: Any) -> Any:
        return z - np.mean(z, axis=-1, keepdims=True)

    with pytest.raises(UnsupportedError, match="no plain chain"):
        draw(Coded(centred), np.ones((1, 2), np.float32), style="neurons")


def test_a_perceptron_with_thresholds_has_all_of_its_layers_and_no_walk_back():
    for x, expected in (([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)):
        found = network(draw(xor(nn.LTU), np.array(x, float), style="neurons"))
        assert [layer.activation for layer in found.layers] == ["", "LTU", "LTU"]
        assert found.layers[1].value.tolist() == [float(any(x)), float(all(x))]
        assert found.layers[2].value.tolist() == [expected]
    with pytest.raises(TapeError, match="carries no gradient"):
        backprop_steps(xor(nn.LTU), np.array([0.0, 1.0]), style="neurons")


class Skip(nn.Module):
    def __init__(self) -> None:
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, x: Any) -> Any:
        h = np.tanh(self.a(x))
        return h + self.b(h)


class Twice(Skip):
    def forward(self, x: Any) -> Any:
        return np.tanh(self.a(x)) + np.tanh(self.b(x))


ROW = np.ones((1, 2))


@pytest.mark.parametrize(
    ("model", "x", "what"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), ROW, r"the layer '1' \(LayerNorm\)"),
        (
            nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 1)),
            ROW,
            r"'1' \(Dropout\).*model\.eval\(\)",
        ),
        (nn.Sequential(nn.Conv1d(1, 1, 1), nn.Linear(2, 2)), ROW[None], r"the layer '0' \(Conv1d\)"),
        (nn.Sequential(nn.Linear(2, 4), nn.GLU()), ROW, r"the layer '1' \(GLU\)"),
        (nn.Sequential(nn.Linear(2, 4), nn.Maxout(2)), ROW, r"the layer '1' \(Maxout\)"),
        (Skip(), ROW, r"the step add in the forward \(Skip\)"),
        (Twice(), ROW, r"the layer 'b' \(Linear\) does not read the output of the layer before"),
        (nn.GRUCell(2, 2), ROW, "GRUCell is neither"),
        (nn.LSTM(2, 2, num_layers=2), ROW, "LSTM is neither"),
        (nn.ReLU(), ROW, "ReLU is neither"),
        (nn.Conv2d(1, 1, 3), None, "no Linear layer"),
        (nn.ReLU(), None, "no Linear layer"),
        (np.exp, ROW, "the computation is neither"),
    ],
)
def test_what_is_no_plain_chain_is_refused_by_name(model, x, what):
    with pytest.raises(UnsupportedError, match=what) as caught:
        draw(model, *([] if x is None else [x]), style="neurons")
    assert "style='model'" in str(caught.value)


def test_without_an_input_a_model_shows_its_weights_and_stays_as_it_is():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 1), nn.RReLU())
    model[1].eval()
    before, state = [m.training for m in model.modules()], nn.random.generator.bit_generator.state
    graph = draw(model, style="neurons")
    assert [m.training for m in model.modules()] == before
    assert nn.random.generator.bit_generator.state == state
    assert (graph.values, graph.grads) == (False, False)
    assert "0.00" not in said(graph.to_svg())


# -- the picture -----------------------------------------------------------------------------------


def test_a_model_that_does_not_take_zeros_asks_for_an_input():
    model = nn.Sequential(nn.Embedding(5, 2), nn.Linear(2, 1))
    with pytest.raises(
        UnsupportedError, match=r"does not take zeros of shape \(1, 2\).*draw\(model, x, style"
    ):
        draw(model, style="neurons")
    assert model.training


def test_the_picture_says_names_biases_weights_values_and_deltas():
    """By hand: z = -0.5 + 1 = 0.5 and -1.5 + 1 = -0.5, so h = 0.6225, 0.3775; y = s(-0.6326) = 0.3469.

    The loss is (y - 1)^2 / 2 = 0.2133, and delta = (y - 1) y (1 - y) = -0.148; times w h (1 - h), of the
    hidden neurons -0.0348 and 0.0696. The first weight of y has the gradient -0.148 h1 = -0.0921.
    """
    words = said(draw(xor(), np.array([0.0, 1.0]), style="neurons", loss=squared).to_svg())
    for expected in (
        "x1", "x2", "h1", "h2", "y1", "E", "input", "hidden layer", "output", "Sigmoid", "-0.50", "-1.50",
        "0.00", "1.00", "-2.00", "0.62", "0.38", "0.35", "0.21", "δ -0.15", "δ -0.035", "δ 0.070", "-0.092",
    ):  # fmt: skip
        assert expected in words, expected


def test_lines_are_wide_by_size_and_coloured_by_sign():
    model = nn.Sequential(filled(nn.Linear(3, 1), [[4.0, -2.0, 0.0]], [0.0]))
    root = ET.fromstring(draw(model, style="neurons").to_svg())
    lines = {line.find(f"{SVG}title").text.split(":")[0]: line for line in root.iter(f"{SVG}line")}
    wide = {name: float(line.get("stroke-width")) for name, line in lines.items()}
    assert wide["x1 → y1"] > wide["x2 → y1"] > wide["x3 → y1"]
    assert lines["x1 → y1"].get("stroke") != lines["x2 → y1"].get("stroke")
    printed = draw(model, style="neurons", theme="print").to_svg()
    assert printed.count("stroke-dasharray") == 1


def test_numbers_of_weights_do_not_cover_each_other():
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 3))
    svg = draw(model, style="neurons").to_svg()
    places = [
        tuple(map(float, place)) for place in re.findall(r'"translate\(([\d.]+) ([\d.]+)\) rotate', svg)
    ]
    assert len(places) > 15
    apart = [np.hypot(a[0] - b[0], a[1] - b[1]) for i, a in enumerate(places) for b in places[:i]]
    assert min(apart) >= 19


def test_above_twelve_neurons_a_layer_is_folded():
    def circles(n: int) -> int:
        return draw(nn.Linear(n, 1), style="neurons").to_svg().count("<circle")

    assert [circles(n) for n in (11, 12, 13, 784)] == [12, 13, 12, 12]
    words = said(draw(nn.Linear(784, 1), style="neurons").to_svg())
    assert "⋮" in words and "773 more" in words and "784 inputs" in words and "x784" in words


def test_of_a_batch_the_first_sample_is_shown_and_the_legend_says_so():
    graph = draw(xor(), np.array([[0.0, 1.0], [5.0, 5.0]]), style="neurons", loss=squared)
    words = said(graph.to_svg())
    assert any("of the first of 2 samples" in line for line in words)
    assert "5.00" not in words


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_numbers_that_are_none_are_loud(theme):
    model = nn.Sequential(filled(nn.Linear(2, 1), [[np.nan, 1.0]], [0.0]))
    svg = draw(model, np.ones(2), style="neurons", theme=theme).to_svg()
    assert "nan" in said(svg)
    ET.fromstring(svg)


def test_names_of_the_user_are_only_text():
    class Evil(nn.Module):
        def forward(self, x: Any) -> Any:
            return np.tanh(x)

    Evil.__name__ = "<b>&\x07"
    graph = draw(nn.Sequential(nn.Linear(1, 1), Evil()), style="neurons")
    assert any("<b>&" in line for line in said(graph.to_svg()))


@pytest.mark.parametrize("option", [{"depth": 1}, {"unroll": True}, {"flow": True}, {"direction": "TB"}])
def test_options_that_the_style_has_not_are_refused(option):
    with pytest.raises(OptionError, match=r"style 'neurons' does not have this option"):
        draw(xor(), np.ones(2), style="neurons", **option)


def test_every_format_is_written_and_svg_needs_no_renderer(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    graph = draw(xor(), np.ones(2), style="neurons")
    for ending, start in (("svg", "<svg"), ("html", "<!doctype"), ("dot", "digraph"), ("text", "f = ")):
        text = graph.save(tmp_path / f"f.{ending}").read_text(encoding="utf-8")
        assert text.startswith(start) or ending == "text"
    assert graph._repr_mimebundle_()["image/svg+xml"] == graph.to_svg()


@pytest.mark.skipif(shutil.which("rsvg-convert") is None, reason="rsvg-convert is not installed")
def test_pixels_and_pdf(tmp_path):
    graph = draw(xor(), np.ones(2), style="neurons")
    assert graph.save(tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    assert graph.save(tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")


# -- the walk --------------------------------------------------------------------------------------


def test_the_walk_goes_neuron_by_neuron_forward_and_back():
    steps = backprop_steps(xor(), np.array([0.0, 1.0]), loss=squared, style="neurons")
    assert [(step.phase, step.title) for step in steps] == [
        ("forward", "given"),
        ("forward", "h1 = Sigmoid(z)"),
        ("forward", "h2 = Sigmoid(z)"),
        ("forward", "y1 = Sigmoid(z)"),
        ("forward", "the loss E"),
        ("backward", "δ of y1"),
        ("backward", "∂E/∂w into y1"),
        ("backward", "δ of h1"),
        ("backward", "δ of h2"),
        ("backward", "∂E/∂w into h1"),
        ("backward", "∂E/∂w into h2"),
    ]
    assert steps[1].rule == "z = 1.00·0.00 + 1.00·1.00 + (-0.50) = 0.50; Sigmoid(0.50) = 0.6225"
    assert steps[5].rule == "∂E/∂y1 = -0.6531; Sigmoid'(z) = 0.2266; so δ = (-0.6531)·0.2266 = -0.148"
    assert steps[7].rule == (
        "∂E/∂h1 = Σ w·δ = 1.00·(-0.148) = -0.148; Sigmoid'(z) = 0.235; so δ = (-0.148)·0.235 = -0.03477"
    )
    assert steps[9].rule.endswith("of the bias δ = -0.03477")


def test_a_single_output_is_where_the_walk_may_begin():
    steps = backprop_steps(xor(), np.array([[0.0, 1.0]]), style="neurons")
    assert "∂E/∂y1 = 1.00" in steps[4].rule


def test_a_folded_layer_is_one_step():
    model = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 1))
    titles = [step.title for step in backprop_steps(model, np.ones(20), style="neurons")]
    assert titles[1] == "h1 … h30 = ReLU(z)" and len(titles) == 7


def test_frames_show_what_has_come_and_are_of_one_size(tmp_path):
    steps = backprop_steps(xor(), np.array([0.0, 1.0]), loss=squared, style="neurons")
    frames = [path.read_text(encoding="utf-8") for path in steps.save_frames(tmp_path)]
    assert len({re.search(r'viewBox="[^"]*"', frame)[0] for frame in frames}) == 1
    shown = [said(frame) for frame in frames]
    assert "0.62" not in shown[0] and "0.62" in shown[1] and "0.38" not in shown[1] and "0.38" in shown[2]
    assert not any(word.startswith("δ ") for word in shown[4][2:]) or "δ -0.15" not in shown[4]
    assert "δ -0.15" in shown[5] and "-0.092" not in shown[5] and "-0.092" in shown[6]
    assert shown[3][0] == "4 of 11: y1 = Sigmoid(z)"
    assert steps.to_svg(-1) == frames[-1]
    with pytest.raises(IndexError):
        steps.to_svg(11)


@pytest.mark.skipif(shutil.which("rsvg-convert") is None, reason="rsvg-convert is not installed")
def test_an_animation(tmp_path):
    pytest.importorskip("PIL")
    steps = backprop_steps(xor(), np.array([0.0, 1.0]), style="neurons")
    assert steps.save(tmp_path / "walk.gif").read_bytes().startswith(b"GIF8")


def test_what_has_no_walk_is_said():
    with pytest.raises(ShapeError, match=r"2 samples.*x\[:1\]"):
        backprop_steps(xor(), np.ones((2, 2)), loss=squared, style="neurons")
    with pytest.raises(ShapeError, match=r"shape \(2,\).*give a loss"):
        backprop_steps(nn.Linear(2, 2), np.ones(2), style="neurons")
    with pytest.raises(ShapeError, match="several parts.*give a loss"):
        backprop_steps(nn.LSTMCell(3, 2), np.ones((1, 3)), style="neurons")
    with pytest.raises(ShapeError, match="expected neurons and samples"):
        draw(xor(), np.ones((0, 2)), style="neurons")
    with pytest.raises(OptionError, match="'lecture' or 'neurons'"):
        backprop_steps(xor(), np.ones(2), style="model")
    with pytest.raises(AutogradLiteError, match="inputs and a loss belong to a function"):
        backprop_steps(squared(xor()(np.ones(2))), loss=squared, style="neurons")


def test_a_loss_goes_with_the_lecture_style_too():
    steps = backprop_steps(lambda x: 3 * x, 2.0, loss=lambda y: y * y)
    assert steps[-1].rule.endswith("so 36.00")  # d(9 x^2)/dx at 2


# -- the page --------------------------------------------------------------------------------------


def data_of(text: str) -> dict[str, Any]:
    (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text, re.S)
    return json.loads(data)


def test_the_page_has_both_themes_and_the_words_of_every_step(tmp_path):
    steps = backprop_steps(xor(), np.array([0.0, 1.0]), loss=squared, style="neurons")
    text = steps.save(tmp_path / "walk.html").read_text(encoding="utf-8")
    assert data_of(text)["steps"] == [[step.title, step.rule] for step in steps]
    assert text.count("<svg") == 2 and "http:" not in text.replace("http://www.w3.org/2000/svg", "")
    assert data_of(page(steps.graph))["steps"] is None


@pytest.mark.browser
def test_the_page_steps_through_the_walk(tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no browser")
    steps = backprop_steps(xor(), np.array([0.0, 1.0]), loss=squared, style="neurons")
    path = steps.save(tmp_path / "walk.html")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        tab = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        errors: list[str] = []
        tab.on("console", lambda message: errors.append(message.text))
        tab.goto(path.as_uri())
        value = tab.locator(".light text", has_text="0.62").first
        assert not value.is_visible()
        tab.keyboard.press("ArrowRight")
        assert value.is_visible()
        assert "2 of 11: h1 = Sigmoid(z)" in tab.locator("#caption").inner_text()
        tab.keyboard.press("End")
        assert tab.locator("#slider").input_value() == "10"
        tab.keyboard.press("d")
        assert tab.locator(".dark svg").is_visible() and not tab.locator(".light svg").is_visible()
        browser.close()
    assert errors == []


# -- the cell of an LSTM ---------------------------------------------------------------------------


def total(state: Any) -> Any:
    output, (_, c) = state if isinstance(state[1], tuple) else (state[0], (None, state[1]))
    return np.sum(output**2) + np.sum(c)


@pytest.mark.parametrize("T", [1, 4])
def test_the_cell_is_that_of_the_last_step(T):
    """The gradient of a bias of the last of T steps alone is what the picture calls δ, of one sample."""
    nn.manual_seed(0)
    model, x = nn.LSTM(3, 2, dtype=np.float64), np.random.default_rng(0).normal(size=(T, 1, 3))
    found = cell(draw(model, x, style="neurons", loss=total))
    assert found is not None and (found.step, found.samples) == (T, 1)
    before = None if T == 1 else model(x[:-1])[1]
    step = nn.LSTMCell(3, 2, dtype=np.float64)
    step.load_state_dict({name.removesuffix("_l0"): p for name, p in model.state_dict().items()})
    state = None if before is None else tuple(s.detach()[0] for s in before)
    h, c = step(x[-1], state)
    np.testing.assert_allclose(found.values["h'"], h.numpy()[0], rtol=1e-12)
    np.testing.assert_allclose(found.values["c'"], c.numpy()[0], rtol=1e-12)
    (np.sum(h**2) + np.sum(c)).backward()
    deltas = np.concatenate([found.deltas[gate] for gate in "ifgo"])
    np.testing.assert_allclose(deltas, step.bias_ih.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_the_picture_of_the_cell_has_its_gates_and_states():
    words = said(draw(nn.LSTMCell(3, 2), style="neurons").to_svg())
    for expected in ("σ", "tanh", "×", "+", "cₜ₋₁", "cₜ", "hₜ₋₁", "hₜ", "xₜ", "f, forget", "o, output"):
        assert expected in words
    graph = draw(nn.LSTM(3, 40), np.ones((5, 2, 3)), style="neurons", loss=total)
    words = said(graph.to_svg())
    assert any(word.startswith("norm ") for word in words) and "LSTM, step 5 of 5" in words
    assert graph.to_dot().startswith("digraph")


def test_the_walk_through_the_cell():
    steps = backprop_steps(nn.LSTMCell(3, 2), np.ones((1, 3)), loss=total, style="neurons")
    assert [step.title.split(" = ")[0] for step in steps[1:7]] == [
        "the forget gate f", "the input gate i", "the candidate g", "the cell state c'", "the output gate o",
        "the output h'",
    ]  # fmt: skip
    assert [step.title for step in steps[7:]] == ["∂E/∂h'", "δ of o", "∂E/∂c'", "δ of g", "δ of i", "δ of f"]
    assert isinstance(steps.graph, Graph) and steps.to_svg(3).count("<svg") == 1
