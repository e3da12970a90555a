"""Plans are drawn: steps in circles, groups as frames, buffers as colours, shapes on the arrows."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import CompileError, DTypeError, OptionError
from autograd_lite.plan import executors
from visualize import draw, profile, render
from visualize.drawing import svg
from visualize.plans import read_plan
from visualize.writers.themes import THEMES

X = np.ones((6, 5))


@pytest.fixture(autouse=True)
def numpys_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups do not depend on the native library: NumPy runs those of 30 entries or more."""
    monkeypatch.setattr(executors, "_native", lambda: None)
    monkeypatch.setattr(executors, "LARGE", 30)


def elementwise(x: Any) -> Any:
    return np.sum(np.tanh(x * 2) * x, axis=0)


def trained() -> tuple[Any, Any]:
    """A training step with every kind of effect, and its batch."""
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    rng = np.random.default_rng(0)
    return ag.compile(step), (rng.standard_normal((4, 4)).astype(np.float32), rng.integers(0, 3, 4))


def boxes(dot: str) -> dict[str, str]:
    """Each box of a DOT text: its words, and its attributes."""
    found = {}
    for name, look in re.findall(r"^  (\w+) \[(.*)\]$", dot, re.M):
        words = " ".join(re.findall(r">([^<>]+)<", f">{look.partition('label=<')[2]}<"))
        found[name] = f"{words} | {look.partition('label=')[0]}"
    return {name: look for name, look in found.items() if name not in ("graph", "node", "edge")}


def test_a_plan_becomes_a_computation_without_values() -> None:
    found = read_plan(ag.compile(elementwise).plan(X))
    steps = [(v.op, v.name, v.call, v.role) for v in found.vertices if v.op]
    assert [op for op, *_ in steps] == ["multiply", "tanh", "multiply", "sum"]
    assert [(call, role) for *_, call, role in steps] == [
        (0, "register"),
        (0, "register"),
        (0, None),
        (None, None),
    ]
    assert [(call.path, call.kind) for call in found.calls] == [("group 1", "3 steps")]
    assert {str(edge.value) for edge in found.edges} == {"float64 (6, 5)", "2", "float64 (5,)"}
    assert all(edge.grad is None and edge.local is None for edge in found.edges)


def test_groups_are_frames_and_numbers_are_in_the_circles() -> None:
    dot = draw(ag.compile(elementwise).plan(X)).to_dot()
    assert dot.count("subgraph cluster_") == 1 and "group 1" in dot and "3 steps" in dot
    shown = boxes(dot)
    assert any(look.startswith("×2 r") for look in shown.values())
    assert "(6, 5)" in dot and "(5,)" in dot and ">–<" not in dot and "0.00" not in dot
    folded = draw(ag.compile(elementwise).plan(X), depth=0).to_dot()
    assert "cluster" not in folded and "tanh" not in folded and "group 1" in folded


def test_results_that_share_a_buffer_share_a_colour() -> None:
    def chain(x: Any) -> Any:
        for _ in range(14):
            x = np.tanh(x)
        return x

    plan = ag.compile(chain).plan(np.ones(4))
    of = plan.buffers.of
    assert len(of) == 13 and len(set(of.values())) == 2
    for theme in ("light", "dark"):
        colours: dict[int, set[str]] = {}
        for look in boxes(draw(plan, theme=theme).to_dot()).values():
            if match := re.search(r"in b(\d+) .*fillcolor=\"(#\w+)\"", look):
                colours.setdefault(int(match[1]), set()).add(match[2])
        first, second = (colours[b] for b in sorted(colours))
        assert len(first) == len(second) == 1 and first != second
        assert first | second <= set(THEMES[theme].buffers)
    assert "equal colours share memory" in draw(plan).to_dot()
    assert "equal colours" not in draw(plan, legend=False).to_dot()


def test_effects_are_recognized() -> None:
    step, batch = trained()
    graph = draw(step.plan(*batch))
    assert {"place", "store", "update", "draw", "check"} <= {v.role for v in graph.vertices}
    dot = graph.to_dot()
    theme, shown = THEMES["light"], boxes(dot)
    store = next(look for look in shown.values() if look.startswith("store model.0.weight.grad"))
    update = next(name for name, look in shown.items() if look.startswith("step(SGD)"))
    assert theme.parameter[0] in store and theme.module[0] in shown[update]
    assert dot.count(f"-> {update} [style=dotted]") == 4  # one from each gradient
    assert any("dashed" in look and look.startswith("must be True") for look in shown.values())
    assert any(look.startswith("∂affine") for look in shown.values())


def test_a_long_line_is_cut_and_its_end_has_the_name_and_the_colour() -> None:
    def chain(x: Any) -> Any:
        first = np.sin(x)
        y = first
        for _ in range(8):
            y = np.tanh(y)
        return y * first

    plan = ag.compile(chain).plan(np.ones(4))
    graph = draw(plan)
    (name,) = [v.name for v in graph.vertices if v.op == "sin"]
    ends = [look for look in boxes(graph.to_dot()).values() if look.startswith(f"{name} | ")]
    assert len(ends) == 1 and "height=0.2" in ends[0]
    assert len(graph.vertices) == 11  # the graph itself is whole


def test_every_format_is_written(tmp_path: Any) -> None:
    step, batch = trained()
    graph = draw(step.plan(*batch))
    for ending, begin in (("svg", b"<?xml"), ("dot", b"digraph"), ("html", b"<!doctype"), ("text", b"")):
        assert graph.save(tmp_path / f"plan.{ending}").read_bytes().lower().startswith(begin)
    text = graph.to_text()
    assert re.search(r"v\d+ = maximum\(v\d+\.\.v\d+, 0\)   float32 \(4, 8\)", text)
    assert "\nstep(SGD)" in text and " must be True" in text
    assert "model.3.bias.grad = store(" in text


def test_our_own_layout_draws_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "_system", lambda text, format: None)
    monkeypatch.setattr(render, "_pygraphviz", lambda text, format: None)
    picture = draw(ag.compile(elementwise).plan(X)).to_svg()
    assert picture == svg(draw(ag.compile(elementwise).plan(X)).to_dot())
    assert {"group 1", "tanh", "×2"} <= set(re.findall(r">([^<>]+)</", picture))


def test_a_deep_plan_runs_downwards_unless_told() -> None:
    def deep(x: Any) -> Any:
        for _ in range(12):
            x = np.tanh(x)
        return x

    plan = ag.compile(deep).plan(np.ones(3))
    assert "rankdir=TB" in draw(plan).to_dot() and "rankdir=LR" in draw(plan, direction="LR").to_dot()
    assert "rankdir=LR" in draw(ag.compile(np.tanh).plan(np.ones(3))).to_dot()
    ops = draw(plan, style="ops").to_dot()
    assert "float64 (3,)" in ops and "test_plans.py, line" in ops


def test_what_a_plan_has_not_is_refused() -> None:
    plan = ag.compile(elementwise).plan(X)
    with pytest.raises(OptionError, match="'plan' or 'ops'"):
        draw(plan, style="neurons")
    with pytest.raises(DTypeError, match=r"write draw\(plan\)"):
        draw(plan, X)


def test_the_page_of_a_plan(visit: Any) -> None:
    step, batch = trained()
    page = visit(draw(step.plan(*batch)))
    assert page.text_content("#title").startswith("A plan of ")
    colours = page.eval_on_selector_all(
        "#graph [class*='buffer-'] .shape", "shapes => shapes.map((s) => getComputedStyle(s).fill)"
    )
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colours and paper not in colours
    legend = page.text_content("#legend")
    assert "equal colours share memory" in legend and "what outlives the call" in legend
    page.focus("#graph .is-store")
    page.keyboard.press("Enter")
    panel = page.text_content("#panel")
    assert "store(" in panel and "gradient" not in panel and "local derivative" not in panel
    page.focus("#graph [class*='buffer-']")
    page.keyboard.press("Enter")
    assert re.search(r"memorybuffer \d", page.text_content("#panel"))


def test_groups_fold_on_the_page(visit: Any) -> None:
    page = visit(draw(ag.compile(elementwise).plan(X)))
    assert page.locator("#graph .step").count() == 4 and page.locator("#graph .frame").count() == 1
    page.click("#fold")
    assert page.locator("#graph .step").count() == 1 and "3 steps" in page.text_content("#graph .module")
    assert "group of fused steps" in page.text_content("#legend")
    page.click("#unfold")
    assert page.locator("#graph .step").count() == 4


# -- times -----------------------------------------------------------------------------------------


def test_profile_times_each_step_and_group() -> None:
    f = ag.compile(elementwise)
    found = profile(f, X, repeat=2)
    assert [cost.time for cost in found.steps] == sorted((cost.time for cost in found.steps), reverse=True)
    assert {cost.name for cost in found.steps} == {
        "v1 = x",
        "group 1: 3 steps, float64 (6, 5)",
        "v5 = sum(v4, axis=0)",
    }
    assert found.total.time == sum(cost.time for cost in found.steps) > 0
    assert {cost.bytes for cost in found.steps} == {0, 240, 40} and found.total.bytes == 280
    lines = str(found).splitlines()
    assert lines[0].split() == ["step", "shape", "bytes", "time", "share"] and lines[-1].startswith("total")
    assert len(lines) == 2 + 3 + 1 and "100%" in lines[-1]
    assert (found._repr_html_() or "").count("<tr") == 5


def test_a_profile_changes_nothing() -> None:
    step, batch = trained()
    first = [step(*batch).item() for _ in range(4)]
    again, batch = trained()
    profile(again, *batch)
    other = [again(*batch).item() for _ in range(2)]
    profile(again, *batch)
    assert other + [again(*batch).item() for _ in range(2)] == first


# -- all kinds of plans ----------------------------------------------------------------------------

KINDS: list[tuple[Any, tuple[Any, ...]]] = [
    (lambda x: None, (X,)),
    (lambda x: x, (X,)),
    (lambda x: {"a": [x * 2, x], "b": (1.0, "c")}, (X,)),
    (lambda: np.ones(3) * 2, ()),
    (lambda *xs: sum(xs), (1.0, 2.0, X)),
    (lambda d: d["a"] @ d["b"][0], ({"a": X, "b": [np.ones(5)]},)),
    (ag.vmap(ag.grad(lambda x: np.sum(np.sin(x) ** 2))), (X,)),
    (ag.hessian(lambda x: np.sum(x**3)), (np.ones(3),)),
    (np.linalg.svd, (np.eye(3),)),
    (lambda x: np.concatenate([x, x * 2])[::2], (X,)),
    (lambda x: x[np.argsort(x[:, 0])], (X,)),
    (lambda x: np.where(x > 0, x, 0.0).astype(np.float32), (X,)),
]


@pytest.mark.parametrize("n", range(len(KINDS)))
def test_every_kind_of_argument_and_result_is_printed_drawn_and_timed(n: int) -> None:
    f, args = KINDS[n]
    run = ag.compile(f)
    plan = run.plan(*args)
    assert len(str(plan).splitlines()) == len(plan.lines) + 2
    for depth in (None, 0):
        graph = draw(plan, depth=depth)
        dot = graph.to_dot()
        assert dot.count("result") == len(plan.outputs) and svg(dot).startswith("<?xml")
    assert len(profile(run, *args, repeat=1).steps) == len(plan)


@pytest.mark.slow
def test_training_steps_of_all_layers_are_drawn_and_timed() -> None:
    from tests.plan.test_networks import LAYERS

    drawn = 0
    for name, cases in LAYERS.items():
        if name in ("GRUCell", "RNNCell"):  # their states are arguments of another kind
            continue
        for build, data in cases:
            model = build()
            params = list(model.parameters())
            optimizer = nn.optim.Adam(params) if params else None

            def step(*args: Any, model: Any = model, optimizer: Any = optimizer) -> Any:
                outs = ag.tree.flatten(model(*args))[0]
                loss = sum(np.sum(x * x) for x in outs if x.dtype.kind == "f")
                if optimizer is not None:
                    loss.backward()
                    optimizer.step()
                return loss

            run, args = ag.compile(step), data(np.random.default_rng(0))
            try:
                plan = run.plan(*args)
            except CompileError:
                continue  # a layer whose calls stay eager
            assert svg(draw(plan).to_dot()).startswith("<?xml")
            assert len(profile(run, *args, repeat=1).steps) == len(plan)
            drawn += 1
    assert drawn > 0.9 * len(LAYERS)
