"""Picture -> SVG, page and DOT text of the style `neurons`: layers of neurons, or the cell of an LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources

import numpy as np

from ..computation import Computation, Step
from ..neurons.cell import Cell, cell, walk_cell
from ..neurons.network import Network, network, shown
from ..neurons.walk import walk
from ..words.label import text
from . import network as boxes
from .gates import Gates
from .html import filled
from .layers import SIGNS, Layers
from .look import Picture
from .stage import ALL, Stage, stage_of, walking
from .themes import FONT, THEMES

__all__ = ["checked", "circles", "dot", "frame", "page", "steps", "svg"]


def checked(graph: Computation) -> Network | Cell:
    """The layers of neurons in a graph, or the cell of an LSTM.

    Raises:
        UnsupportedError: the graph is neither a plain chain of Linear layers and activations nor one LSTM.
    """
    return cell(graph) or network(graph)


def steps(graph: Computation) -> list[Step]:
    """The walk forward and backward through the neurons or the cell."""
    found = checked(graph)
    return list(walk_cell(found) if isinstance(found, Cell) else walk(found))


def svg(graph: Picture, stage: Stage = ALL) -> str:
    """The picture."""
    return _writer(graph, stage).write()


def _writer(graph: Picture, stage: Stage) -> Layers | Gates:
    found = checked(graph)
    return Gates(found, graph.look, stage) if isinstance(found, Cell) else Layers(found, graph.look, stage)


def frame(graph: Picture, steps: Sequence[Step], i: int) -> str:
    """The picture of the i-th step of a walk; all pictures have one size."""
    return svg(graph, stage_of(steps, i, _writer(graph, ALL).width))


def page(graph: Picture, steps: Sequence[Step] | None = None) -> str:
    """A page with the picture, light and dark; the page of a walk has a slider."""
    stage = ALL if steps is None else walking(steps)
    themes = {
        theme: svg(replace(graph, look=replace(graph.look, theme=theme)), stage)
        for theme in ("light", "dark")
    }
    told = {
        "theme": "dark" if graph.look.theme == "dark" else None,
        "steps": None if steps is None else [[step.title, step.rule] for step in steps],
    }
    template = (resources.files("visualize") / "page" / "neurons.html").read_text(encoding="utf-8")
    return filled(template, {"title": _writer(graph, ALL).title, **themes}, told)


def circles(graph: Picture) -> int:
    """The number of drawn neurons or gates."""
    found = checked(graph)
    return 4 if isinstance(found, Cell) else sum(len(shown(len(layer))) for layer in found.layers)


def dot(graph: Picture) -> str:
    """The neurons and weights in the DOT language, which Graphviz lays out; for a cell its steps."""
    net, theme, colours = checked(graph), THEMES[graph.look.theme], SIGNS[graph.look.theme]
    if isinstance(net, Cell):
        return boxes.dot(graph)
    lines = [
        "digraph {",
        f'  graph [rankdir=LR, splines=line, ranksep=2, bgcolor="{theme.background}"]',
        f'  node [shape=circle, fontname="{FONT}", fontcolor="{theme.text}", color="{theme.line}"]',
    ]
    for k, layer in enumerate(net.layers):
        before = shown(len(net.layers[k - 1])) if k else []
        for j in shown(len(layer)):
            if j is None:
                continue
            lines.append(f"  n{k}_{j} [label=<{text(net.name(k, j))}>]")
            for i in before:
                if i is not None:
                    weight = float(np.nan_to_num(layer.weight[j, i]))
                    look = f'penwidth={min(0.5 + 2 * abs(weight), 6):.2f}, color="{colours[weight < 0]}"'
                    lines.append(f"  n{k - 1}_{i} -> n{k}_{j} [arrowhead=none, {look}]")
    return "\n".join([*lines, "}", ""])
