"""The graph of an error: the failed op is red, the steps before are drawn, and nothing is kept."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
import visualize
from autograd_lite.errors import AnomalyError, AutogradLiteError, ShapeError, TapeError
from tests.helpers import leaf
from visualize import Graph, draw
from visualize.computation import Vertex

HERE = Path(__file__).name


def caught(function: Callable[[], Any]) -> Exception:
    """The error that a function raises."""
    try:
        function()
    except Exception as error:
        return error
    pytest.fail("nothing was raised")


def offender(graph: Graph) -> Vertex:
    """The one step that is red."""
    (vertex,) = [vertex for vertex in graph.vertices if vertex.fault]
    return vertex


def into(graph: Graph, vertex: Vertex) -> list[tuple[int, ...]]:
    """The shapes of what goes into a step."""
    place = graph.vertices.index(vertex)
    return [np.shape(edge.value) for edge in graph.edges if edge.target == place]


def model() -> nn.Sequential:
    nn.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3))


X = np.ones((5, 2))
W = leaf(np.ones((3, 2)))


@pytest.mark.parametrize(
    ("fails", "name", "shapes"),
    [
        (lambda: model()(X) + W, "add", [(5, 3), (3, 2)]),
        (lambda: W - model()(X), "subtract", [(3, 2), (5, 3)]),
        (lambda: np.ones(7) * model()(X), "multiply", [(7,), (5, 3)]),
        (lambda: model()(X) @ W.T, "matmul", [(5, 3), (2, 3)]),
        (lambda: np.concatenate([model()(X), W]), "concatenate", [(5, 3), (3, 2)]),
        (lambda: np.var(model()(X), axis=5), "var", [(5, 3)]),
        (lambda: model()(X).sum(axis=4), "sum", [(5, 3)]),
        (lambda: model()(X).reshape(4, 4), "reshape", [(5, 3)]),
        (lambda: model()(X)[9], "getitem", [(5, 3)]),
        (lambda: np.linalg.inv(model()(X)), "inv", [(5, 3)]),
        (lambda: np.histogram(model()(X)), "histogram", [(5, 3)]),
        (lambda: nn.functional.linear(model()(X), W), "affine", [(5, 3), (3, 2)]),
        (lambda: model()(model()(X)), "Linear", [(5, 3)]),
        (
            lambda: nn.CrossEntropyLoss()(model()(X), np.array([0, 1, 2, 3, 9])),
            "CrossEntropyLoss",
            [(5, 3), (5,)],
        ),
        (lambda: nn.functional.cross_entropy(model()(X), np.array([9] * 5)), "cross_entropy", [(5, 3), (5,)]),
        (lambda: np.tanh(model()(X)).backward(), "backward", [(5, 3)]),
    ],
)
def test_the_op_that_failed_is_red_with_its_line_and_shapes(fails, name, shapes):
    error = caught(fails)
    graph = draw(error)
    found = offender(graph)
    assert found.op == name
    assert into(graph, found)[: len(shapes)] == shapes
    assert found.fault.startswith(f"raised {type(error).__name__}")
    file, line = found.line.rsplit(":", 1)
    assert file.endswith(HERE) and fails.__code__.co_firstlineno == int(line)
    assert {"tanh", "affine"} <= {vertex.op for vertex in graph.vertices}
    assert graph.style == "ops"


def test_parameters_and_variables_have_their_names():
    def forward():
        net = model()
        shift = leaf(np.ones((4, 4)))
        return net(X) * shift

    graph = draw(caught(forward))
    assert {v.name for v in graph.vertices if v.op is None and not v.constant} == {
        "0.weight", "0.bias", "2.weight", "2.bias", "shift",
    }  # fmt: skip


def test_the_place_in_the_model_is_said_once():
    class Head(nn.Module):
        def forward(self, x: Any) -> Any:
            return x + np.ones(7)

    class Encoder(nn.Module):
        def __init__(self) -> None:
            self.layers = nn.Sequential(nn.Linear(2, 4), Head())

        def forward(self, x: Any) -> Any:
            return self.layers(x)

    found = offender(draw(caught(lambda: Encoder()(X))))
    assert found.fault.startswith("raised ShapeError in layers.1 (Head): add")
    found = offender(draw(caught(lambda: model()(model()(X)))))
    assert found.fault.startswith("raised InputError: Sequential.0 (Linear")


def test_an_error_of_the_user_is_drawn_with_what_he_had():
    def forward():
        h = np.tanh(model()(X))
        raise KeyError("mine") if h.ndim else None

    graph = draw(caught(forward))
    found = offender(graph)
    assert found.op == "KeyError" and into(graph, found) == [(5, 3)]


def test_an_op_of_the_user_and_its_rule():
    @ag.primitive
    def halves(x: Any) -> Any:
        return x[: len(x) // 0]

    @ag.primitive
    def same(x: Any) -> Any:
        return x * 1.0

    ag.defvjp(halves, lambda g, y, x: g)
    ag.defvjp(same, lambda g, y, x: g[:, 9])
    assert offender(draw(caught(lambda: halves(W * 2)))).op == "halves"
    graph = draw(caught(lambda: np.sum(same(W * 2)).backward()))
    assert offender(graph).op == "same"
    assert [vertex.op for vertex in graph.vertices] == [None, None, "multiply", "same"]


# -- NaN and inf -----------------------------------------------------------------------------------


def test_the_first_nan_forward_is_the_offender():
    def forward():
        x = leaf(np.zeros(3))
        with np.errstate(all="ignore"), ag.detect_anomaly():
            return np.exp(np.log(x * 2))

    error = caught(forward)
    assert isinstance(error, AnomalyError)
    graph = error.graph
    found = offender(graph)
    assert found.op == "log" and found.line.rpartition(":")[0].endswith(HERE)
    assert "first inf of the forward pass" in graph.to_dot()


def test_a_nan_where_nothing_is_recorded():
    def forward():
        with np.errstate(all="ignore"), ag.no_grad(), ag.detect_anomaly():
            return np.log(leaf(np.zeros(3)))

    assert offender(draw(caught(forward))).op == "log"


def test_the_first_inf_on_the_way_back_is_the_offender():
    def backward():
        x = leaf(np.zeros(3))
        with ag.detect_anomaly():
            np.sum(3 * np.sqrt(x * 2)).backward()

    graph = draw(caught(backward))
    found = offender(graph)
    assert found.op == "sqrt"
    (place,) = [i for i, vertex in enumerate(graph.vertices) if vertex is found]
    (sent,) = [edge.grad for edge in graph.edges if edge.target == place]
    (arrived,) = [edge.grad for edge in graph.edges if edge.target is None]
    assert np.isinf(sent).all() and arrived.tolist() == [3, 3, 3]
    assert "first inf of the backward pass" in graph.to_dot()


@pytest.mark.parametrize(("scale", "op"), [(1e30, "power"), (np.nan, None)])
def test_a_loss_that_is_no_number_in_fit(scale, op):
    """1e30 squared is above what float32 holds. A NaN in the data is an input of the graph."""
    net = nn.Sequential(nn.Linear(2, 1))
    trainer = nn.Trainer(net, nn.MSELoss(), nn.optim.SGD(net.parameters(), lr=0.1))
    data = np.full((4, 2), scale, np.float32)
    error = caught(lambda: trainer.fit(data, np.ones((4, 1), np.float32), epochs=1, verbose=False))
    assert isinstance(error, AnomalyError)
    graph = draw(error)
    assert offender(graph).op == op
    assert {"0.weight", "0.bias"} <= {vertex.name for vertex in graph.vertices}
    assert "of the forward pass" in graph.to_dot()


# -- the picture -----------------------------------------------------------------------------------


def test_shapes_are_on_all_arrows_and_the_offender_is_red():
    text = draw(caught(lambda: model()(X) + W)).to_dot()
    arrows = [line for line in text.splitlines() if "->" in line]
    assert len(arrows) == 9 and all("(" in line for line in arrows)
    (red,) = [line for line in text.splitlines() if "raised ShapeError" in line]
    assert 'color="#c2300b"' in red and HERE in red and "no value" not in red


def test_all_formats_and_styles(tmp_path):
    error = caught(lambda: model()(X) + W)
    page = draw(error).save(tmp_path / "error.html").read_text(encoding="utf-8")
    assert '"failed":true' in page and "raised ShapeError" in page and "<title>add failed: the graph" in page
    assert '"value":"(5, 2)"' in page and '"value":"(4,)"' in page  # shapes, also of what has few numbers
    assert "raised ShapeError" in draw(error, style="model", theme="dark").to_dot()
    assert draw(error).to_text()


def test_a_notebook_shows_an_error_with_its_picture():
    error = caught(lambda: model()(X) + W)
    bundle = error._repr_mimebundle_()
    assert bundle["text/plain"].startswith("ShapeError: add")
    assert bundle.get("image/svg+xml", "<svg").count("<svg") == 1
    assert ShapeError("alone")._repr_mimebundle_() == {"text/plain": "ShapeError: alone"}


def test_without_visualize_the_error_says_what_to_import():
    code = (
        "import autograd_lite as ag\n"
        "try: ag.Tensor([1.0, 2.0]) + ag.Tensor([1.0, 2.0, 3.0])\n"
        "except ag.AutogradLiteError as error: print(error._repr_mimebundle_().keys()); print(error.graph)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "dict_keys(['text/plain'])"
    assert done.stderr.strip().splitlines()[-1].endswith("write import visualize before")


def test_an_error_that_ends_a_cell_shows_its_picture():
    nbformat, nbconvert = pytest.importorskip("nbformat"), pytest.importorskip("nbconvert.preprocessors")
    pytest.importorskip("ipykernel")
    cells = [
        "import autograd_lite as ag, visualize",
        "2 * ag.Tensor([1.0, 2.0], requires_grad=True) + ag.Tensor([1.0, 2.0, 3.0])",
        "1 / 0",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    root = Path(__file__).parents[2]
    nbconvert.ExecutePreprocessor(timeout=120, allow_errors=True).preprocess(
        book, {"metadata": {"path": root}}
    )
    failed, picture = book.cells[1].outputs
    assert (failed["output_type"], failed["ename"]) == ("error", "ShapeError")
    assert "raised ShapeError" in picture["data"]["text/plain"]
    assert [output["output_type"] for output in book.cells[2].outputs] == ["error"]


# -- what has no graph, what is kept ---------------------------------------------------------------


def test_what_has_no_graph_is_said():
    with pytest.raises(TapeError, match="no traceback.*except Exception as error: draw"):
        draw(ValueError("never raised"))
    with pytest.raises(TapeError, match="no Tensor on the tape led to this error"):
        draw(caught(lambda: nn.Linear(-1, 2)))
    with pytest.raises(TapeError, match="no Tensor on the tape"):
        draw(caught(lambda: 1 / 0))
    with pytest.raises(TapeError, match="no traceback"):
        draw(pickle.loads(pickle.dumps(caught(lambda: model()(X) + W))))


def test_what_a_backward_pass_has_released_is_left_out():
    def twice():
        x = leaf(np.ones(3))
        y = np.sum(np.exp(x * 2))
        y.backward()
        y.backward()

    found = offender(draw(caught(twice)))
    assert "played through" in found.fault


def test_a_list_in_itself_is_no_trap():
    def forward():
        h = np.tanh(model()(X))
        circle: list[Any] = [h]
        circle.append(circle)
        raise KeyError(len(circle))

    assert into(graph := draw(caught(forward)), offender(graph))[0] == (5, 3)


def test_causes_that_go_in_a_circle_end():
    error = caught(lambda: model()(X) + W)
    error.__cause__ = error
    assert offender(draw(error)).op == "add"


def test_nothing_is_kept_of_an_error_that_is_gone():
    net, gone = model(), []

    def forward():
        h = net(X)
        gone.append(weakref.ref(h))
        return h + W

    gc.disable()
    try:
        try:
            forward()
        except AutogradLiteError as error:
            graphs = [error.graph]
        assert isinstance(graphs[0], visualize.Graph)
        assert gone[0]() is None
    finally:
        gc.enable()


# -- errors around errors --------------------------------------------------------------------------


def too_wide() -> Any:
    return np.sin(leaf(np.ones((2, 3)), "a")) @ np.ones((2, 2))


def while_handling() -> None:
    try:
        too_wide()
    except ShapeError:
        raise KeyError("while handling")  # noqa: B904  (that is the case)


def with_its_cause_hidden() -> None:
    try:
        too_wide()
    except ShapeError:
        raise RuntimeError("hidden") from None


def with_a_cause() -> None:
    try:
        too_wide()
    except ShapeError as error:
        raise RuntimeError("wrapped") from error


def in_a_group() -> None:
    raise ExceptionGroup("several", [caught(too_wide), ValueError("another")])


@pytest.mark.parametrize("fails", [while_handling, with_its_cause_hidden, with_a_cause, in_a_group])
def test_an_error_around_an_error_is_drawn_by_what_failed_first(fails):
    vertex = offender(graph := draw(caught(fails)))
    assert vertex.op == "matmul"
    assert into(graph, vertex) == [(2, 3), (2, 2)]


def test_an_error_that_cannot_say_itself():
    class SpeechlessError(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    def fails() -> None:
        kept = np.sin(leaf(1.0, "x"))
        raise SpeechlessError(kept.shape)

    assert offender(draw(caught(fails))).fault == "raised SpeechlessError: <exception str() failed>"


def test_an_error_without_words_ends_without_a_colon():
    def fails() -> None:
        kept = np.sin(leaf(1.0, "x"))
        assert kept > 1

    vertex = offender(draw(caught(fails)))
    assert vertex.fault is not None
    assert not vertex.fault.endswith(": ")


def test_what_an_object_of_the_user_holds_led_there():
    class Cell:
        def __init__(self) -> None:
            self.states = [np.tanh(leaf(0.5, "h"))]

        def step(self) -> None:
            raise LookupError("no next state")

    graph = draw(caught(Cell().step))
    assert [v.op for v in graph.vertices if v.op] == ["tanh", "LookupError"]
