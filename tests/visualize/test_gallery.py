"""The gallery's page shows the pictures that its program makes."""

from __future__ import annotations

import re

import pytest

import nn
from docs import gallery
from visualize import Graph

PAGE = gallery.PICTURES.parent / "gallery.md"


def test_the_page_shows_every_picture_and_each_is_there():
    shown = re.findall(r"\]\(pictures/([\w-]+)\.\w+\)", PAGE.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(gallery.MAKERS)
    for path in re.findall(r"\]\((pictures/[^)]+)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / path).stat().st_size > 1000


@pytest.mark.parametrize("name", [name for name in gallery.MAKERS if not name.startswith("plot")])
def test_the_program_still_makes_the_graphs(name):
    nn.manual_seed(0)
    graph = gallery.MAKERS[name]()
    assert isinstance(graph, Graph)
    assert graph.to_dot().startswith("digraph")
