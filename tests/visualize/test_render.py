"""Saved files, and the renderers."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import graphviz
import pytest

import autograd_lite as ag
from autograd_lite.errors import DTypeError, FileError, OptionError, RendererError
from tests.helpers import python
from visualize import Graph, draw, drawing, render

STARTS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.fixture
def graph() -> Graph:
    x = ag.Tensor(2.0, requires_grad=True, name="x")
    f = x * 3 + x
    f.backward()
    return draw(f)


@pytest.fixture
def without(monkeypatch):
    """Take renderers away: `without("dot", "pygraphviz", "pixels")`."""

    def missing(*args, **kwargs):
        raise graphviz.ExecutableNotFound(["dot"])

    real = importlib.import_module

    def no_pygraphviz(name, *args):
        if name == "pygraphviz":
            raise ImportError(name)
        return real(name, *args)

    def take(*names):
        if "dot" in names:
            monkeypatch.setattr(graphviz, "pipe", missing)
        if "pygraphviz" in names:
            monkeypatch.setattr(importlib, "import_module", no_pygraphviz)
        if "pixels" in names:
            monkeypatch.setattr(render, "convert", lambda svg, format: None)

    return take


def has(renderer) -> bool:
    return renderer("digraph { a }", "svg") is not None


needs_one = pytest.mark.skipif(
    not (has(render._system) or has(render._pygraphviz)), reason="Graphviz is not installed"
)


@pytest.mark.parametrize("renderer", [render._system, render._pygraphviz])
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_each_renderer_makes_each_format(renderer, format, graph):
    picture = renderer(graph.to_dot(), format)
    if picture is None:
        pytest.skip("this renderer is not installed")
    assert picture.startswith(STARTS[format])


@needs_one
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_save_writes_the_format_of_the_ending(format, graph, tmp_path):
    path = graph.save(tmp_path / f"f.{format.upper()}")
    assert path.read_bytes().startswith(STARTS[format])
    assert os.listdir(tmp_path) == [path.name]


def test_dot_needs_no_renderer(graph, tmp_path, without):
    without("dot", "pygraphviz")
    path = graph.save(str(tmp_path / "f.dot"))
    assert isinstance(path, Path)
    assert path.read_text(encoding="utf-8") == graph.to_dot()


def test_the_system_comes_first(graph, monkeypatch):
    calls = []
    monkeypatch.setattr(graphviz, "pipe", lambda engine, format, *a, **k: calls.append(format) or b"made")
    monkeypatch.setattr(render, "_pygraphviz", lambda *a: pytest.fail("not its turn"))
    assert render.render(graph.to_dot(), "svg") == b"made"
    assert calls == ["svg"]


def test_pygraphviz_is_asked_where_dot_is_missing(graph, monkeypatch, without):
    without("dot")
    monkeypatch.setattr(render, "_pygraphviz", lambda text, format: b"by pygraphviz")
    assert render.render(graph.to_dot(), "svg") == b"by pygraphviz"


def test_without_graphviz_our_own_layout_makes_the_picture(graph, tmp_path, without):
    without("dot", "pygraphviz")
    text = graph.to_svg()
    assert text.startswith("<?xml") and text.count("<polygon") == 4
    assert graph.save(tmp_path / "f.svg").read_text(encoding="utf-8") == text
    assert text == drawing.svg(graph.to_dot())


def test_without_graphviz_pixels_are_made_of_our_picture(graph, tmp_path, monkeypatch, without):
    without("dot", "pygraphviz")
    monkeypatch.setattr(render, "convert", lambda svg, format: svg[:5].encode())
    assert graph.save(tmp_path / "f.png").read_bytes() == b"<?xml"


@pytest.mark.parametrize(("format", "more"), [("pdf", ""), ("png", "pip install cairosvg")])
def test_without_any_the_error_names_both_installs_and_what_still_works(
    format, more, graph, tmp_path, without
):
    without("dot", "pygraphviz", "pixels")
    with pytest.raises(RendererError, match="apt-get install graphviz") as caught:
        graph.save(tmp_path / f"f.{format}")
    assert "pip install pygraphviz" in str(caught.value) and more in str(caught.value)
    assert ".svg, .html and .dot files, graph.to_dot() and graph.to_text() still work" in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_dot_refusing_a_text_is_said_in_its_own_words(monkeypatch):
    def refuse(*args, **kwargs):
        raise graphviz.CalledProcessError(1, ["dot"], stderr=b"syntax error in line 1")

    monkeypatch.setattr(graphviz, "pipe", refuse)
    with pytest.raises(RendererError, match="syntax error in line 1"):
        render.render("digraph {", "svg")


@pytest.mark.skipif(not has(render._pygraphviz), reason="pygraphviz is not installed")
def test_pygraphviz_needs_no_program_on_the_path(graph, monkeypatch, without):
    without("dot")
    monkeypatch.setenv("PATH", "")
    assert render.render(graph.to_dot(), "svg").startswith(b"<?xml")


@pytest.mark.parametrize("ending", [".jpg", ".gif", "", ".dot.txt"])
def test_an_unknown_ending_lists_those_that_work(graph, tmp_path, ending):
    with pytest.raises(OptionError, match=r"\.dot, \.svg, \.png, \.pdf, \.html"):
        graph.save(tmp_path / f"f{ending}")
    assert os.listdir(tmp_path) == []


def test_an_unwritable_path_leaves_nothing(graph, tmp_path):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder.dot").mkdir()
    for path in (tmp_path / "missing" / "f.dot", tmp_path / "file" / "f.dot", tmp_path / "folder.dot"):
        with pytest.raises(FileError, match="could not write") as caught:
            graph.save(path)
        assert isinstance(caught.value, OSError)
        assert sorted(os.listdir(tmp_path)) == ["file", "folder.dot"]
    assert (tmp_path / "file").read_text() == "kept"
    assert os.listdir(tmp_path / "folder.dot") == []


def test_the_folder_is_to_be_made_only_where_it_is_missing(graph, tmp_path):
    with pytest.raises(FileError, match=r"make its folder: Path\('.*missing'\)\.mkdir"):
        graph.save(tmp_path / "missing" / "f.dot")
    (tmp_path / "folder.dot").mkdir()
    with pytest.raises(FileError, match="choose a file in a folder") as caught:
        graph.save(tmp_path / "folder.dot")
    assert "mkdir" not in str(caught.value)


@pytest.mark.parametrize("wrong", [3, None, b"f.svg"])
def test_what_is_no_path(graph, wrong):
    with pytest.raises(DTypeError, match=r"expected a path, as in save\('f.svg'\)"):
        graph.save(wrong)


def test_a_write_that_breaks_off_leaves_the_old_file(graph, tmp_path, monkeypatch):
    path = tmp_path / "f.dot"
    path.write_text("old")

    def full_disk(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(FileError, match="No space left on device"):
        graph.save(path)
    assert os.listdir(tmp_path) == ["f.dot"]
    assert path.read_text() == "old"


# -- notebooks -------------------------------------------------------------------------------------


def test_notebooks_get_a_picture(graph):
    bundle = graph._repr_mimebundle_()
    assert "<svg" in bundle["image/svg+xml"]
    assert bundle["text/plain"] == graph.to_text()


def test_notebooks_get_a_picture_without_graphviz_too(graph, without):
    without("dot", "pygraphviz")
    assert "<svg" in graph._repr_mimebundle_(include=None, exclude=None)["image/svg+xml"]


def test_notebooks_never_see_an_error(graph, monkeypatch):
    monkeypatch.setattr(Graph, "to_dot", lambda self: 1 / 0)
    assert graph._repr_mimebundle_() == {"text/plain": graph.to_text()}
    monkeypatch.setattr(Graph, "to_text", lambda self: 1 / 0)
    assert graph._repr_mimebundle_() == {"text/plain": '<Graph: 2 steps, 1 input; .save("f.svg") writes it>'}


def test_importing_visualize_imports_no_renderer():
    code = "import sys, visualize; print({'graphviz', 'pygraphviz', 'matplotlib'} & set(sys.modules))"
    done = python("-c", code)
    assert done.stdout.strip() == "set()", done.stderr


def test_a_value_of_many_uses_does_not_wait_for_graphviz(monkeypatch):
    """With a hundred uses of x Graphviz took more than a minute."""

    def refused(text: str, format: str) -> bytes:
        pytest.fail("Graphviz was asked")

    x = ag.Tensor(1.0, requires_grad=True, name="x")
    many = draw(sum(x * float(i) for i in range(100)))
    few = draw(x * 2.0 + x)
    monkeypatch.setattr(render, "_system", refused)
    monkeypatch.setattr(render, "_pygraphviz", lambda text, format: b"by Graphviz")
    assert many.to_svg().startswith("<?xml")
    monkeypatch.setattr(render, "_system", lambda text, format: None)
    assert few.to_svg() == "by Graphviz"
