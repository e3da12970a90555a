"""The page in a browser: each control does what it says, nothing is logged, nothing leaves this machine."""

from __future__ import annotations

import http.server
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visualize.playground.server import Server

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[3]
PATIENCE = 60_000  # milliseconds, for a machine with much else to do


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield made
    made.shutdown()
    made.stop()


@pytest.fixture
def visit(browser, server) -> Iterator[Callable[..., Any]]:
    """Open the page; complaints on the console and requests to others must stay away."""
    complaints: list[str] = []
    pages: list[Any] = []

    def opened(choices: str = "", **options: Any) -> Any:
        size = {"width": options.pop("width", 1280), "height": 800}
        page = browser.new_page(viewport=size, **options)
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((server.address, "blob:")) else complaints.append(request.url)
            ),
        )
        page.goto(f"{server.address}{'#' + choices if choices else ''}")
        page.locator(".neuron").first.wait_for()
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def number_in(page: Any, where: str) -> float:
    return float(page.locator(where).inner_text().replace(",", "").replace("−", "-"))


def until(page: Any, condition: str, argument: Any = None) -> None:
    page.wait_for_function(condition, arg=argument, timeout=PATIENCE)


def steps_of(page: Any, n: int) -> None:
    until(page, "n => Number(document.querySelector('#steps').textContent.replaceAll(',', '')) === n", n)


def pixels(page: Any, selector: str) -> Any:
    """The colours of a canvas at 80 x 80 places."""
    found = page.evaluate(
        """s => { const from = document.querySelector(s), to = new OffscreenCanvas(80, 80);
                  const context = to.getContext("2d", { willReadFrequently: true });
                  context.imageSmoothingEnabled = false;
                  context.drawImage(from, 0, 0, 80, 80);
                  return [...context.getImageData(0, 0, to.width, to.height).data]; }""",
        selector,
    )
    return np.array(found).reshape(-1, 4)


def choices_in(page: Any) -> dict[str, str]:
    text = page.evaluate("Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")
    return dict(text)


# -- training --------------------------------------------------------------------------------------


def test_step_run_pause_and_reset(visit):
    page = visit()
    steps_of(page, 0)
    first = number_in(page, "#train-loss")
    button(page, "Step").click()
    steps_of(page, 1)
    button(page, "Epoch").click()
    steps_of(page, 25)
    assert page.inner_text("#epoch") == "1"
    button(page, "Run").click()
    until(page, "() => Number(document.querySelector('#epoch').textContent) >= 30")
    button(page, "Pause").click()
    button(page, "Run").wait_for()
    paused = page.inner_text("#steps")
    assert number_in(page, "#train-loss") < first
    page.wait_for_timeout(200)
    assert page.inner_text("#steps") == paused
    button(page, "Reset").click()
    steps_of(page, 0)
    assert number_in(page, "#train-loss") == first


@pytest.mark.slow
def test_spiral_is_learned(visit):
    every = "x1,x2,x1^2,x2^2,x1x2,sin(x1),sin(x2)"
    page = visit(f"dataset=spiral&features={every}&hidden=8,8&optimizer=Adam&rate=0.01&speed=")
    button(page, "Run").click()
    until(page, "() => Number(document.querySelector('#test-loss').textContent) < 0.1")
    button(page, "Pause").click()
    assert number_in(page, "#train-loss") < 0.1


@pytest.mark.slow
def test_the_speed_is_kept(visit):
    page = visit()
    page.get_by_label("Speed").select_option("10 steps/s")
    begin = time.monotonic()
    button(page, "Run").click()
    page.wait_for_timeout(1500)
    assert 1 <= number_in(page, "#steps") <= 10 * (time.monotonic() - begin) + 2
    page.get_by_label("Speed").select_option("as fast as it can")
    until(page, "() => Number(document.querySelector('#steps').textContent.replaceAll(',', '')) > 100")
    assert choices_in(page)["speed"] == ""


def test_keys(visit):
    page = visit()
    page.keyboard.press("ArrowRight")
    steps_of(page, 1)
    page.keyboard.press("Shift+ArrowRight")
    steps_of(page, 25)
    page.keyboard.press("r")
    steps_of(page, 0)
    page.keyboard.press(" ")
    button(page, "Pause").wait_for()
    page.keyboard.press(" ")
    button(page, "Run").wait_for()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="How it works").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog", name="How it works").wait_for(state="hidden")


# -- each control ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("label", "option", "name", "value"),
    [
        ("Learning rate", "0.3", "rate", "0.3"),
        ("Activation", "ReLU", "activation", "ReLU"),
        ("Activation", "Linear", "activation", "Identity"),
        ("Problem type", "Regression", "problem", "regression"),
        ("Optimizer", "Adam", "optimizer", "Adam"),
        ("Optimizer", "LBFGS", "optimizer", "LBFGS"),
        ("Momentum", "0.9", "momentum", "0.9"),
        ("Schedule", "StepLR", "schedule", "StepLR"),
        ("Dropout", "0.2", "dropout", "0.2"),
    ],
)
def test_menus_change_the_run_and_the_address(visit, server, label, option, name, value):
    page = visit()
    page.get_by_label(label, exact=True).select_option(option)
    until(page, "([n, v]) => new URLSearchParams(location.hash.slice(1)).get(n) === v", [name, value])
    worker = list(server.sessions._workers.values())[-1]
    assert str(getattr(worker.run.config, name)) == value
    button(page, "Step").click()
    steps_of(page, 1)


@pytest.mark.slow
def test_regularization_pulls_the_weights_to_zero(visit, server):
    page = visit()
    page.get_by_label("Regularization", exact=True).select_option("L1")
    page.get_by_label("Regularization rate").select_option("1")
    until(page, "() => location.hash.includes('strength=1')")
    for _ in range(8):
        button(page, "Epoch").click()
    steps_of(page, 200)
    worker = list(server.sessions._workers.values())[-1]
    assert max(np.abs(layer.weight.numpy()).max() for layer in worker.run.linear) < 0.1


@pytest.mark.slow
def test_batch_norm_and_what_is_refused(visit):
    page = visit()
    page.get_by_label("Batch norm").check()
    until(page, "() => location.hash.includes('batchnorm=true')")
    page.locator('[data-option="batch"]').fill("1")
    page.get_by_role("alert").wait_for()
    assert "batch size to 2 or more" in page.get_by_role("alert").inner_text()
    assert page.locator('[data-option="batch"]').input_value() == "10"  # taken back


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Exclusive or", "Gaussian", "Spiral", "Own points only"])
def test_data_sets(visit, name):
    page = visit()
    before = pixels(page, "#map")
    page.get_by_text(name, exact=True).click()
    until(page, "() => location.hash.includes('dataset=')")
    page.get_by_role("radio", name=name).wait_for(state="attached")
    assert page.get_by_role("radio", name=name).is_checked()
    page.wait_for_timeout(100)
    assert not np.array_equal(before, pixels(page, "#map"))


@pytest.mark.slow
def test_regression_has_data_sets_of_its_own(visit):
    page = visit()
    assert page.get_by_text("Plane", exact=True).is_hidden()
    page.get_by_label("Problem type").select_option("Regression")
    page.get_by_text("Multi-Gaussian", exact=True).click()
    until(page, "() => location.hash.includes('dataset=reg-gauss')")
    assert page.get_by_text("Circle", exact=True).is_hidden()
    button(page, "Step").click()
    steps_of(page, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "said"), [("ratio", "80", "80"), ("noise", "25", "25"), ("batch", "30", "30")]
)
def test_sliders(visit, server, name, value, said):
    page = visit()
    slider = page.locator(f'[data-option="{name}"]')
    slider.fill(value)
    until(page, "([n, v]) => new URLSearchParams(location.hash.slice(1)).get(n) === v", [name, value])
    assert slider.locator("xpath=..").locator("output").inner_text() == said
    run = list(server.sessions._workers.values())[-1].run
    assert getattr(run.config, name) == int(value)
    assert len(run.data.X) == (400 if name == "ratio" else 250)


def test_features_layers_and_neurons_on_the_picture(visit):
    page = visit()
    assert page.locator(".neuron").count() == 4 + 2 + 1
    assert page.locator(".touch").count() == 2 * 4 + 4 * 2 + 2
    button(page, "Feature x₁²").click()
    until(page, "() => document.querySelectorAll('.touch').length === 3 * 4 + 4 * 2 + 2")
    button(page, "Add a neuron to layer 1").click()
    until(page, "() => document.querySelectorAll('.neuron').length === 5 + 2 + 1")
    button(page, "Add a hidden layer").click()
    until(page, "() => document.querySelectorAll('.neuron').length === 5 + 2 + 2 + 1")
    button(page, "Remove a neuron from layer 3").click()
    until(page, "() => location.hash.includes('hidden=5%2C2%2C1')")
    for n in (2, 1, 0):
        button(page, "Remove the last hidden layer").click()
        until(page, "n => document.querySelectorAll('.layer-head').length === n", n)
    assert button(page, "Remove the last hidden layer").is_disabled()
    for feature in ("x₁", "x₂"):
        button(page, f"Feature {feature}").click()
    until(page, "() => location.hash.includes('features=x1%5E2')")
    button(page, "Feature x₁²").click()  # the last one
    assert "one feature at least" in page.get_by_role("alert").inner_text()


@pytest.mark.slow
def test_as_many_layers_and_neurons_as_there_may_be(visit):
    page = visit("hidden=8,8,8,8,8,8")
    assert page.locator(".neuron").count() == 49
    assert button(page, "Add a hidden layer").is_disabled()
    assert button(page, "Add a neuron to layer 6").is_disabled()
    button(page, "Step").click()
    steps_of(page, 1)


def test_a_weight_is_read_and_changed(visit, server):
    page = visit()
    line = page.locator('[data-weight="1,0,2"]')
    place = line.evaluate(
        """p => { const box = p.ownerSVGElement.getBoundingClientRect();
                  for (let part = 0.1; part < 0.9; part += 0.02) {  // where no other line is above it
                    const at = p.getPointAtLength(p.getTotalLength() * part);
                    const place = [at.x + box.x, at.y + box.y];
                    if (document.elementFromPoint(...place) === p) return place; } }"""
    )
    page.mouse.move(*place)
    said = page.locator("#tip").inner_text()
    run = list(server.sessions._workers.values())[-1].run
    weight = run.linear[1].weight.numpy()[0, 2]
    assert re.search(r"neuron 3 of layer 1 → neuron 1 of layer 2: weight (\S+),", said)[1] == (
        f"{weight:.3f}".replace("-", "−")
    )
    page.mouse.click(*place)
    before = pixels(page, ".neuron:last-of-type canvas")
    page.keyboard.type("2.5")
    page.keyboard.press("Enter")
    until(page, "() => location.hash.includes('edits=1%2C0%2C2%2C2.5')")
    assert run.linear[1].weight.numpy()[0, 2] == 2.5
    assert not np.array_equal(before, pixels(page, ".neuron:last-of-type canvas"))
    page.keyboard.press("Escape")
    assert page.locator("#editor").is_hidden()
    page.reload()
    page.locator(".neuron").first.wait_for()
    assert list(server.sessions._workers.values())[-1].run.linear[1].weight.numpy()[0, 2] == 2.5


@pytest.mark.slow
def test_a_neuron_is_opened_by_the_keyboard(visit, server):
    page = visit()
    page.locator(".neuron").nth(1).focus()
    page.keyboard.press("Enter")
    fields = page.locator("#editor input")
    assert fields.count() == 3
    assert page.get_by_label("bias", exact=True).evaluate("e => e === document.activeElement")
    page.keyboard.type("-1")
    page.keyboard.press("Tab")
    page.keyboard.type("0.5")
    page.keyboard.press("Tab")
    until(page, "() => location.hash.includes('0%2C1%2C0%2C0.5')")
    run = list(server.sessions._workers.values())[-1].run
    assert (run.linear[0].bias.numpy()[1], run.linear[0].weight.numpy()[1, 0]) == (-1, 0.5)


@pytest.mark.slow
def test_a_neuron_under_the_pointer_is_shown_large(visit):
    page = visit()
    output = pixels(page, "#map")
    page.locator(".neuron").first.hover()
    assert page.locator("#output-title").inner_text() == "Neuron 1 of layer 1"
    assert not np.array_equal(output, pixels(page, "#map"))
    page.mouse.move(5, 5)
    assert page.locator("#output-title").inner_text() == "Output"
    np.testing.assert_array_equal(output, pixels(page, "#map"))


@pytest.mark.slow
def test_test_points_and_discretize(visit):
    page = visit("hidden=&edits=0,0,0,0.1;0,0,1,0.1")
    plain = pixels(page, "#map")
    page.get_by_label("Show test data").check()
    shown = pixels(page, "#map")
    assert not np.array_equal(plain, shown)
    page.get_by_label("Show test data").uncheck()
    page.get_by_label("Discretize output").check()
    until(page, "() => location.hash.includes('discretize=true')")
    sharp = pixels(page, "#map")
    assert len(np.unique(sharp, axis=0)) < len(np.unique(plain, axis=0))


@pytest.mark.slow
def test_new_data_and_new_weights(visit):
    page = visit()
    first = page.inner_text("#train-loss")
    button(page, "New data").click()
    until(page, "() => location.hash.includes('seed=2')")
    second = page.inner_text("#train-loss")
    button(page, "New weights").click()
    until(page, "() => location.hash.includes('start=2')")
    until(page, "loss => document.querySelector('#train-loss').textContent !== loss", second)
    assert first != second


@pytest.mark.slow
def test_the_address_repeats_the_run(visit):
    page = visit(
        "dataset=xor&noise=20&hidden=3&optimizer=Adam&features=x1,x2,x1x2&seed=5&start=7&discretize=true"
    )
    for _ in range(4):
        button(page, "Epoch").click()
    steps_of(page, 100)
    other = visit(page.url.partition("#")[2])
    for _ in range(4):
        button(other, "Epoch").click()
    steps_of(other, 100)
    for where in ("#train-loss", "#test-loss"):
        assert page.inner_text(where) == other.inner_text(where)
    np.testing.assert_array_equal(pixels(page, "#map"), pixels(other, "#map"))
    assert other.get_by_label("Discretize output").is_checked()


def test_an_address_that_is_nonsense(visit):
    page = visit("dataset=moons&hidden=77&what=3")
    assert "dataset" in page.get_by_role("alert").inner_text()
    button(page, "Step").click()
    steps_of(page, 1)


@pytest.mark.slow
def test_an_address_that_is_typed_in(visit):
    page = visit()
    page.evaluate("location.hash = 'hidden=3,3,3'")
    until(page, "() => document.querySelectorAll('.neuron').length === 10")


# -- points ----------------------------------------------------------------------------------------


def test_points_by_mouse(visit, server):
    page = visit("dataset=own")
    box = page.locator("#map").bounding_box()
    click = lambda x, y: page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    page.get_by_text("adds blue", exact=True).click()
    click(0.75, 0.25)
    until(page, "() => location.hash.includes('points=')")
    page.get_by_text("adds orange", exact=True).click()
    click(0.25, 0.75)
    until(page, "() => location.hash.split('%3B').length === 2")
    points = list(server.sessions._workers.values())[-1].run.config.points
    np.testing.assert_allclose(points, [[3, 3, 1], [-3, -3, -1]], atol=0.1)
    page.get_by_text("removes", exact=True).click()
    click(0.75, 0.25)
    until(page, "() => location.hash.includes('points=') && !location.hash.includes('%3B')")
    click(0.5, 0.5)
    assert "can be removed" in page.get_by_role("alert").inner_text()
    button(page, "Clear own points").click()
    until(page, "() => !location.hash.includes('points=')")


@pytest.mark.slow
def test_points_by_keyboard(visit):
    page = visit("dataset=own")
    page.get_by_text("adds blue", exact=True).click()
    page.locator("#map").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp", "Enter"):
        page.keyboard.press(key)
    until(page, "() => location.hash.includes('points=0.4%2C1%2C1')")
    assert page.locator("#under-map").inner_text().startswith("(0.4, 1.0): output")
    assert page.inner_text("#steps") == "0"  # the arrow made no step


@pytest.mark.slow
def test_points_from_a_csv(visit, server):
    page = visit()
    text = "x1,x2,class\n" + "\n".join(f"{i / 10},{-i / 10},{'ab'[i % 2]}" for i in range(40))
    page.locator("#csv").set_input_files(
        {"name": "points.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    until(page, "() => location.hash.includes('dataset=own')")
    assert len(list(server.sessions._workers.values())[-1].run.data.X) == 20
    page.locator("#csv").set_input_files({"name": "bad.csv", "mimeType": "text/csv", "buffer": b"1,2\n3"})
    page.get_by_role("alert").wait_for()
    assert "line 2 of the CSV" in page.get_by_role("alert").inner_text()


# -- looks inside ----------------------------------------------------------------------------------


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()


@pytest.mark.slow
def test_a_vanishing_gradient_is_seen_at_once(visit):
    page = visit("activation=Sigmoid&hidden=8,8,8,8,8,8")
    said = page.locator("#panel-gradients .said")
    assert "press Step" in said.inner_text()
    button(page, "Step").click()
    steps_of(page, 1)
    assert "gradient vanishes" in said.inner_text()
    assert page.locator("#panel-gradients .bar").count() == 7
    page.get_by_label("Lines show").select_option("gradients")
    widths = page.locator(".wire").evaluate_all(
        "lines => lines.map(l => Number(l.getAttribute('stroke-width')))"
    )
    assert np.mean(widths[-8:]) > 2 * np.mean(widths[:16])


@pytest.mark.slow
def test_dead_neurons_are_marked(visit):
    page = visit("activation=ReLU&hidden=3&edits=0,1,-1,-100")
    marked = page.locator(".neuron.dead")
    assert marked.count() == 1
    assert marked.get_attribute("aria-label").endswith(", dead")
    button(page, "Step").click()
    steps_of(page, 1)
    assert "1 neuron is dead" in page.locator("#panel-gradients .said").inner_text()


def test_a_sample_is_walked_forward_and_backward(visit):
    page = visit("hidden=3")
    tab(page, "One sample")
    caption = page.locator("#panel-sample .caption")
    until(page, "() => document.querySelector('#panel-sample .caption').textContent.startsWith('1 of ')")
    total = int(re.match(r"1 of (\d+), forward: given", caption.inner_text())[1])
    assert page.locator(".on-neuron").count() == 2
    forth = page.get_by_role("button", name="Forward")
    for _ in range(total - 1):
        forth.click()
    assert caption.inner_text().startswith(f"{total} of {total}, backward")
    assert forth.is_disabled()
    assert page.locator(".on-neuron").count() == 2 + 3 + 1
    assert all(page.locator(".on-neuron .gradient").all_inner_texts())
    page.get_by_role("button", name="Back").click()
    assert caption.inner_text().startswith(f"{total - 1} of {total}")
    trace = page.locator("#panel-sample pre").text_content()
    page.get_by_label("target").fill("-1")
    page.get_by_label("target").press("Tab")
    until(page, "t => document.querySelector('#panel-sample pre').textContent !== t", trace)
    tab(page, "Gradients")
    assert page.locator(".on-neuron").count() == 0


@pytest.mark.slow
def test_a_point_of_the_map_is_walked_through(visit):
    page = visit()
    page.get_by_text("walks through", exact=True).click()
    page.locator("#map").click(position={"x": 225, "y": 75})
    until(page, "() => document.querySelector('#panel-sample .caption').textContent.startsWith('1 of ')")
    assert float(page.get_by_label("x₁", exact=True).input_value()) == pytest.approx(3, abs=0.1)


@pytest.mark.slow
def test_the_loss_surface_shows_the_path(visit):
    page = visit()
    for _ in range(4):
        button(page, "Epoch").click()
    steps_of(page, 100)
    tab(page, "Loss surface")
    until(page, "() => document.querySelector('#panel-surface .said').textContent.includes('is from')")
    colours = np.unique(pixels(page, ".surface"), axis=0)
    assert len(colours) > 8
    label = page.locator(".surface").get_attribute("aria-label")
    assert int(re.search(r"a path of (\d+) points", label)[1]) > 50


@pytest.mark.slow
def test_an_attack(visit):
    page = visit()
    page.get_by_text("attacks", exact=True).click()
    page.locator("#map").click(position={"x": 150, "y": 100})
    until(page, "() => document.querySelector('#panel-attack .said').textContent.startsWith('From')")
    said = page.locator("#panel-attack .said").inner_text()
    before, after = re.search(r"the loss from (\S+) to (\S+?)\.( |$)", said).group(1, 2)
    assert float(after) > float(before)
    marked = pixels(page, "#map")
    page.get_by_label("Distance").fill("2")
    until(page, "said => document.querySelector('#panel-attack .said').textContent !== said", said)
    assert not np.array_equal(marked, pixels(page, "#map"))


@pytest.mark.slow
def test_the_gradient_check(visit):
    page = visit()
    tab(page, "Gradient check")
    button(page, "Check the gradient").click()
    until(page, "() => document.querySelectorAll('#panel-check td').length > 0")
    said = page.locator("#panel-check .said").inner_text()
    assert "agrees" in said and "25 weights and biases" in said
    assert page.locator("#panel-check tr").count() == 9


@pytest.mark.slow
def test_a_digit_is_drawn_and_read(visit):
    page = visit()
    tab(page, "Draw a digit")
    answer = page.locator("#panel-digit .answer")
    until(page, "() => document.querySelector('#panel-digit .answer').textContent.includes('Nothing')")
    box = page.locator(".pad").bounding_box()
    at = lambda x, y: (box["x"] + x * box["width"] / 28, box["y"] + y * box["height"] / 28)
    page.locator(".pad").scroll_into_view_if_needed()
    box = page.locator(".pad").bounding_box()
    page.mouse.move(*at(14, 5))
    page.mouse.down()
    page.mouse.move(*at(14, 23), steps=20)
    page.mouse.up()
    until(page, "() => document.querySelector('#panel-digit .answer').textContent.includes('This is a 1')")
    assert page.locator("#panel-digit .bar").count() == 10
    button(page, "Take an example").click()  # the first test digit is a 7
    until(page, "() => document.querySelector('#panel-digit .answer').textContent.includes('This is a 7')")
    button(page, "Clear").click()
    until(page, "() => document.querySelector('#panel-digit .answer').textContent.includes('Nothing')")
    assert answer.inner_text() == "Nothing is drawn yet."


@pytest.mark.slow
def test_the_program_is_exported_and_runs(visit, tmp_path):
    page = visit("dataset=xor&hidden=4&optimizer=Adam&rate=0.03")
    for _ in range(4):
        button(page, "Epoch").click()
    steps_of(page, 100)
    tab(page, "Export as Python")
    until(page, "() => document.querySelector('#panel-program pre').textContent.includes('steps < 100')")
    with page.expect_download() as found:
        button(page, "Save as playground.py").click()
    path = tmp_path / "playground.py"
    found.value.save_as(path)
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    said = [float(x) for x in re.findall(r"\d\.\d+", done.stdout)]
    shown = [number_in(page, where) for where in ("#train-loss", "#test-loss")]
    np.testing.assert_allclose(said, shown, atol=5.1e-4)  # the page shows three digits


@pytest.mark.slow
def test_tabs_by_keyboard(visit):
    page = visit()
    page.get_by_role("tab", name="Gradients").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="One sample").get_attribute("aria-selected") == "true"
    assert page.get_by_role("tabpanel", name="One sample").is_visible()
    assert page.inner_text("#steps") == "0"
    until(page, "() => location.hash.includes('tab=sample')")


# -- troubles --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_that_diverges_is_told(visit):
    page = visit("problem=regression&dataset=reg-plane&rate=10&activation=Identity")
    button(page, "Run").click()
    page.get_by_role("alert").wait_for()
    assert "no longer finite" in page.get_by_role("alert").inner_text()
    button(page, "Run").wait_for()
    button(page, "Reset").click()
    steps_of(page, 0)
    assert page.locator("#message").is_hidden()


@pytest.mark.slow
def test_no_points_are_told(visit):
    page = visit("dataset=own")
    button(page, "Run").click()
    page.get_by_role("alert").wait_for()
    assert "no point to train on" in page.get_by_role("alert").inner_text()


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of an empty page of another port of this machine."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><link rel=icon href='data:,'><body>")

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty) as other:
        threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{other.server_port}/"
        other.shutdown()


@pytest.mark.slow
def test_a_page_of_another_origin_gets_nothing(browser, server, elsewhere):
    """It knows the token here, and tries every way that a page has to send a request."""
    page = browser.new_page()
    statuses: list[int] = []
    page.on(
        "response",
        lambda response: (
            statuses.append(response.status) if response.url.startswith(server.address) else None
        ),
    )
    page.goto(elsewhere)
    before = len(server.sessions)
    page.evaluate(
        """async (address) => {
             const add = (tag, more) =>
               document.body.append(Object.assign(document.createElement(tag), more));
             add("script", { src: address + "main.js" });
             add("img", { src: address + "icon.svg" });
             add("iframe", { src: address, name: "inside" });
             for (const mode of ["cors", "no-cors"]) {
               await fetch(address + "options", { mode }).catch(() => {});
               await fetch(address + "open", { mode, method: "POST", body: "{}" }).catch(() => {});
             }
             add("iframe", { name: "answer" });
             const form = { action: address + "open", method: "POST", enctype: "text/plain" };
             add("form", { ...form, target: "answer" });
             document.querySelector("form").submit();
             await new Promise((done) => setTimeout(done, 800));
           }""",
        server.address,
    )
    page.close()
    assert set(statuses) == {403}  # the browser tells a page of some answers alone
    assert len(server.sessions) == before


# -- looks -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, 700, 1280])
def test_nothing_is_wider_than_the_window(visit, width):
    page = visit("hidden=8,8,8,8,8,8", width=width)
    for name in (
        "Gradients",
        "One sample",
        "Loss surface",
        "Gradient check",
        "Draw a digit",
        "Export as Python",
    ):
        tab(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_themes(visit):
    back = lambda page: page.evaluate("getComputedStyle(document.body).backgroundColor")
    light, dark = visit(), visit(color_scheme="dark")
    assert back(light) == "rgb(255, 255, 255)" != back(dark)
    light.keyboard.press("d")
    assert back(light) == back(dark)
    np.testing.assert_array_equal(pixels(light, "#map"), pixels(dark, "#map"))
    button(light, "Light").click()
    assert back(light) == "rgb(255, 255, 255)"


def test_letters_are_large_enough_and_everything_has_a_name(visit):
    page = visit("hidden=8,8,8,8,8,8")
    small = page.evaluate(
        """() => [...document.querySelectorAll("body *")]
             .filter((e) => [...e.childNodes].some((c) => c.nodeType === 3 && c.data.trim()))
             .filter((e) => parseFloat(getComputedStyle(e).fontSize) < 12).map((e) => e.outerHTML)"""
    )
    assert small == []
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, canvas[role], [role=dialog]")]
             .filter((e) => !e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")
                            && !e.labels?.length && !e.textContent.trim()).map((e) => e.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.slow
def test_tabs_of_one_browser_do_not_wait_for_each_other(visit):
    """A browser opens six connections to a server at most, for all its tabs together."""
    pages = [visit("hidden=2&speed=10") for _ in range(8)]
    for page in pages:
        button(page, "Run").click()
    for page in pages:
        page.bring_to_front()
        button(page, "Pause").click()
        button(page, "Run").wait_for()
        button(page, "Reset").click()
        steps_of(page, 0)
