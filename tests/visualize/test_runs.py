"""The page of a run: its numbers are the recorder's, with keys, two widths and both themes."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import numpy as np
import pytest

import nn
import visualize
from autograd_lite.errors import DataError, DTypeError, OptionError
from visualize.runs import LAYERS, SIDE

X = np.random.default_rng(0).random((24, 25)).astype(np.float32)
Y = np.arange(24) % 3


def recorded(hidden: int = 4, data: Any = X, **options: Any) -> Any:
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(data.shape[1], hidden), nn.ReLU(), nn.Linear(hidden, 3))
    recorder = nn.callbacks.Recorder(probe=data[:2], **options)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.05)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, callbacks=recorder)
    trainer.fit(data, Y, epochs=2, batch_size=8, verbose=False)
    return recorder


def content(page: Any) -> dict[str, Any]:
    (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page.text, re.S)
    return json.loads(data)


def floats(text: str) -> Any:
    return np.frombuffer(base64.b64decode(text), "<f4")


def test_the_numbers_are_those_of_the_recorder() -> None:
    recorder = recorded()
    told = content(visualize.history(recorder))
    assert [frame["step"] for frame in told["frames"]] == recorder.steps == [*range(7)]
    assert [y for _, y in told["losses"]] == recorder.losses.tolist()
    assert [layer["name"] for layer in told["layers"]] == list(recorder.at(0).weights)
    for frame in told["frames"]:
        moment = recorder.at(frame["step"])
        assert frame["samples"] == moment.samples.tolist()
        np.testing.assert_array_equal(frame["outputs"], moment.outputs)
        parts = recorder.parts(frame["step"], ["0.weight"])["0.weight"] if moment.gradients else None
        first = frame["maps"][0]
        np.testing.assert_array_equal(floats(first["weights"]), moment.weights["0.weight"].ravel())
        assert sum(first["histogram"]) == 100
        if parts is not None:
            np.testing.assert_array_equal(floats(first["gradients"]), moment.gradients["0.weight"].ravel())
            who = np.frombuffer(base64.b64decode(first["who"]), "<u2").reshape(100, 4)
            most = np.abs(parts.reshape(8, 100)).argmax(axis=0)
            chosen = np.take_along_axis(parts.reshape(8, 100), who.T.astype(int), 0)
            assert (np.abs(chosen[0]) == np.abs(parts.reshape(8, 100))[most, range(100)]).all()
            np.testing.assert_array_equal(floats(first["parts"]), chosen.T.ravel().astype(np.float32))
    assert told["frames"][-1]["maps"][0]["gradients"] is None
    assert told["size"] == [5, 5]


def test_a_large_array_shows_what_changed_most_in_its_block() -> None:
    recorder = recorded(hidden=70)
    told = content(visualize.history(recorder, steps=3, samples=False))
    layer = told["layers"][0]
    places = np.frombuffer(base64.b64decode(layer["places"]), "<i4")
    assert (layer["columns"], len(places), layer["size"]) == (25, SIDE * 25, 70 * 25)
    moved = np.abs(recorder.at(-1).weights["0.weight"] - recorder.at(0).weights["0.weight"])
    assert moved.argmax() in places
    assert len(set(places.tolist())) == len(places)
    assert [frame["step"] for frame in told["frames"]] == [0, 3, 6]
    assert "who" not in told["frames"][0]["maps"][0]
    assert len(told["layers"]) <= LAYERS


def test_names_and_numbers_that_are_not_finite_are_inert() -> None:
    nn.manual_seed(0)
    model = nn.Sequential()
    model.add_module("<img src=x onerror=alert(1)>", nn.Linear(2, 1))
    recorder = nn.callbacks.Recorder(probe=np.full((1, 2), np.inf, np.float32))
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    trainer = nn.Trainer(model, nn.MSELoss(), optimizer, callbacks=recorder)
    trainer.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=1, verbose=False)
    page = visualize.history(recorder)
    assert "<img" not in page.text
    assert content(page)["frames"][0]["outputs"] == [[None]]
    assert "http://" not in page.text.replace("http://www.w3.org/2000/svg", "")
    assert "sandbox" in page._repr_html_()


def test_what_is_refused(tmp_path: Any) -> None:
    with pytest.raises(DTypeError, match="expected a recorder"):
        visualize.history([1.0, 0.5])
    with pytest.raises(DataError, match="has kept no steps"):
        visualize.history(nn.callbacks.Recorder())
    recorder = recorded()
    for steps in (0, [99], []):
        with pytest.raises(OptionError):
            visualize.history(recorder, steps)
    with pytest.raises(OptionError, match="'light' or 'dark'"):
        visualize.history(recorder, theme="blue")
    page = visualize.history(recorder, [2, 5])
    assert repr(page) == "<RunPage: 2 steps; .save('run.html') writes the page>"
    with pytest.raises(OptionError, match=r"run.html"):
        page.save(tmp_path / "run.svg")


@pytest.mark.browser
def test_the_page_goes_through_the_run(visit: Any) -> None:
    recorder = recorded()
    page = visit(visualize.history(recorder, theme="light"))
    assert page.locator("#at-a").inner_text().startswith("0, epoch 1, loss")
    page.keyboard.press("ArrowRight")
    assert page.locator("#at-a").inner_text().startswith("1, epoch 1, loss")
    first = page.locator("canvas").first
    before = first.evaluate("canvas => canvas.toDataURL()")
    page.keyboard.press("End")
    assert page.locator("#at-a").inner_text() == "6, the end"
    assert first.evaluate("canvas => canvas.toDataURL()") != before
    page.keyboard.press("Home")
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    chosen = page.locator("#chosen")
    assert chosen.locator("h2").inner_text() == "0.weight[0, 1]"
    movers = recorder.movers("0.weight", (0, 1), 0)
    named = chosen.locator("li b").all_inner_texts()
    assert named == [f"sample {sample}" for sample in movers.samples[:4]]
    assert chosen.locator("li canvas").count() == 4
    page.keyboard.press("c")
    assert page.locator("figure").count() == 3 * 4
    assert "difference" in page.locator(".layer").first.inner_text()
    assert "a change of" in chosen.inner_text()
    page.locator("#b").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#at-b").inner_text().startswith("5, epoch 2")
    unnamed = "e => !(e.getAttribute('aria-label') || e.innerText || e.getAttribute('title'))"
    for thing in page.locator("button, input, canvas, svg[role=img]").all():
        assert not thing.evaluate(unnamed)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_two_widths_and_both_themes(visit: Any, theme: str, width: int) -> None:
    page = visit(visualize.history(recorded(), theme=theme))
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(255, 255, 255)") == (theme == "light")
    box = page.locator("canvas").first.bounding_box()
    page.mouse.click(box["x"] + 0.99 * box["width"], box["y"] + 0.01)
    assert page.locator("#chosen h2").inner_text() == "0.weight[0, 24]"
    curve = page.locator("#curve").bounding_box()
    page.mouse.click(curve["x"] + curve["width"] / 2, curve["y"] + 5)
    assert page.locator("#at-a").inner_text().startswith("3, ")
