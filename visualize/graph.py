"""Graph: a computation with a look, which shows and writes itself; and `draw`, which makes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import autograd_lite as ag
from autograd_lite.errors import DTypeError, OptionError
from autograd_lite.words.names import Hinted

from . import render
from .calls import probe, record
from .failures import failed
from .faults import blamed
from .reading import Recorded, names_of, read
from .words.names import PICTURE_METHODS
from .writers import STYLES, WRITERS, neurons
from .writers.look import Look, Picture
from .writers.networkx import to_networkx
from .writers.themes import THEMES

__all__ = ["Graph", "draw"]


@dataclass(frozen=True, eq=False, repr=False)
class Graph(Hinted, Picture):
    """A computation as a picture; made by `draw`.

    Attributes:
        vertices: each after those it was computed from.
        edges: sorted by target, and there by argument; the graph's outputs last.
        calls: the calls of modules that steps belong to, each after the one around it.
        look: how it is drawn.
        style, values, grads, constants, direction, depth, unroll, flow, theme, legend: the options of its
            look, see `draw`.
    """

    _foreign = PICTURE_METHODS

    style = property(attrgetter("look.style"))
    values = property(attrgetter("look.values"))
    grads = property(attrgetter("look.grads"))
    constants = property(attrgetter("look.constants"))
    direction = property(lambda self: self.look.direction or "LR")
    depth = property(attrgetter("look.depth"))
    unroll = property(attrgetter("look.unroll"))
    flow = property(attrgetter("look.flow"))
    theme = property(attrgetter("look.theme"))
    legend = property(attrgetter("look.legend"))

    def to_dot(self) -> str:
        """The graph in Graphviz' DOT language; the same graph gives the same text.

        Example:
            >>> import autograd_lite as ag
            >>> x = ag.Tensor(2.0, requires_grad=True, name="x")
            >>> text = draw(3 * x, values=False, grads=False).to_dot()
            >>> [line.strip() for line in text.splitlines() if "->" in line]
            ['v1 -> v2', 'v2 -> o2']
        """
        return WRITERS["dot"].write(self)

    def to_svg(self) -> str:
        """The picture as the text of an SVG file.

        Raises:
            OptionError: more than 2,000 boxes.
            RendererError: Graphviz refused the picture's text.
        """
        render.check_size(self)
        drawn = STYLES[self.look.style].svg
        return drawn(self) if drawn is not None else render.render(self.to_dot(), "svg").decode()

    def to_text(self) -> str:
        """The graph as a tree in plain text: of a model its modules, else each result with what it came from.

        In the style "model" it is a table of the boxes of the picture, folded as that is.

        Example:
            >>> print(draw(lambda x, y, z: (x + y) * z, -2.0, 5.0, -4.0, grads=False).to_text())
            f = v1*z = -12.00
            ├─ v1 = x + y = 3.00
            │  ├─ x = -2.00
            │  └─ y = 5.00
            └─ z = -4.00
        """
        return WRITERS["text"].write(self)

    def to_networkx(self) -> Any:
        """A `networkx.MultiDiGraph` of the vertices, by their places, with all that is known of them.

        Raises:
            RendererError: networkx is not installed (pip install networkx).
        """
        return to_networkx(self)

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file, in the format of its ending: .dot, .svg, .png, .pdf, .html or .text.

        Graphviz makes the .svg, .png and .pdf, by its program `dot` or by pygraphviz. Where there is neither,
        or where it would take minutes because lines are long, our own layout makes the .svg. It is that of the
        page. An .html file is a page by itself, which needs no network: with numbers and rules to click for,
        search, modules to fold and unfold, and a dark mode.

        Args:
            path: where to write; a file that is there is replaced at once, when the new one is complete.

        Returns:
            The path.

        Raises:
            DTypeError: not a path.
            OptionError: an ending for which there is no format, or a picture of more than 2,000 boxes, which
                takes minutes to lay out and which nobody can read (.dot takes any number, .html 10,000).
            RendererError: nothing is installed that makes the format: .pdf needs Graphviz or pygraphviz, .png
                these or rsvg-convert, CairoSVG or Chromium; the others need nothing.
            FileError: the file cannot be written.

        Example:
            >>> import tempfile, autograd_lite as ag
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     draw(ag.Tensor(2.0, requires_grad=True) * 3).save(f"{folder}/f.dot").name
            'f.dot'
        """
        return render.save(self, path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What notebooks show: the picture, with the tree of `to_text` for where no picture is shown.

        A cell must not fail because a picture cannot be made.
        """
        bundle = {"text/plain": repr(self)}
        with contextlib.suppress(Exception):
            bundle["text/plain"] = self.to_text()
            bundle["image/svg+xml"] = self.to_svg()
        return bundle

    def __repr__(self) -> str:
        steps = sum(v.op is not None for v in self.vertices)
        inputs = sum(v.op is None and not v.constant for v in self.vertices)
        return f'<Graph: {_count(steps, "step")}, {_count(inputs, "input")}; .save("f.svg") writes it>'


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


# -- draw ------------------------------------------------------------------------------------------


def draw(
    output: Any,
    *inputs: Any,
    params: Mapping[str, ag.Tensor] | Iterable[tuple[str, ag.Tensor]] | None = None,
    style: str = "lecture",
    values: bool | str = True,
    grads: bool = True,
    constants: bool = True,
    direction: str | None = None,
    depth: int | None = None,
    unroll: bool = False,
    flow: bool = False,
    loss: Callable[[Any], Any] | None = None,
    theme: str = "light",
    legend: bool | None = None,
) -> Graph:
    """The graph of a computation, with the value and the gradient on every edge.

    Args:
        output: a recorded Tensor, or nested tuples, lists and dicts of them; a `Tape`; or a function
            or module, which is then called with `inputs` and its forward pass recorded. A model is called
            as it is: write `model.eval()` before, where it should not act as in training. Or an error that
            was raised: the graph is of what ran until then, in the style "ops", and what failed is red.
        inputs: what to call `output` with. Numbers and floating-point arrays become inputs of the
            graph, under the names of the function's parameters; a Python int counts as a float, as in
            `ag.grad`, so a setting stays in the function: draw(lambda x: np.sum(x, axis=0), x).
        params: names for Tensors, as pairs or a dict, e.g. `model.named_parameters()`, which is the
            default for a module.
        style, values, ..., legend: how the graph is drawn, see `visualize.Look`.
        loss: called with what the model returns. The graph is then of the loss, and is played backwards, so
            that gradients are there; the model's own `grad`s stay as they are.

    Raises:
        TapeError: nothing was recorded, or a backward pass has released what was.
        DTypeError: something that has no graph, inputs that the function cannot take, or `params`
            that are not names with Tensors.
        OptionError: an option has an invalid value, or the style does not have it.
        UnsupportedError: the style "neurons", and no plain chain of Linear layers and activations.

    Example:
        >>> graph = draw(lambda x, y, z: (x + y) * z, -2.0, 5.0, -4.0)
        >>> [vertex.name or vertex.op for vertex in graph.vertices]
        ['x', 'y', 'add', 'z', 'multiply']
        >>> [float(edge.value) for edge in graph.edges]
        [-2.0, 5.0, 3.0, -4.0, -12.0]
    """
    if isinstance(output, BaseException) and style == "lecture":
        style = "ops"
    if direction is None and style != "lecture":
        direction = "LR" if style == "neurons" else "TB"
    look = Look(style, values, grads, constants, direction, depth, unroll, flow, theme, legend)
    _check(look)
    if style == "neurons" and not inputs and hasattr(output, "named_parameters"):
        return _probed(output, replace(look, values=False, grads=False))
    names = names_of(params)
    return _graph(_recorded(output, inputs, names, loss, whole=style == "neurons"), names, look)


def _graph(recorded: Recorded, names: dict[Any, str], look: Look) -> Graph:
    found = read(recorded, names)
    if look.style == "neurons":
        neurons.checked(found)
    if recorded.failed is not None and not any(vertex.fault for vertex in found.vertices):
        found = blamed(found, recorded.failed.message, recorded.failed.line)
    if look.direction is None and not found.calls:
        look = replace(look, direction="LR")
    return Graph(found.vertices, found.edges, found.calls, look)


def _probed(model: Any, look: Look) -> Graph:
    """The graph of a model whose layers are asked for, but no values: it is called with zeros."""
    names: dict[Any, str] = {}
    return _graph(probe(model, names), names, look)


def _check(look: Look) -> None:
    _one_of("style", look.style, STYLES)
    if look.direction is not None:
        _one_of("direction", look.direction, ("LR", "TB"))
    _one_of("theme", look.theme, THEMES)
    _one_of("values", look.values, (True, False, "stats", "full", "pictures"))
    if look.style in ("lecture", "neurons"):
        for option, given in (
            ("depth", look.depth is not None),
            ("unroll", look.unroll),
            ("flow", look.flow),
            ("direction", look.style == "neurons" and look.direction != "LR"),
        ):
            if given:
                raise OptionError(f"draw({option}=...): style {look.style!r} has none; write style='model'")
    elif look.depth is not None and (type(look.depth) is not int or look.depth < 0):
        raise OptionError(f"draw(depth={look.depth!r}): expected how many levels are open: 0, 1, 2, ...")


def _one_of(option: str, given: Any, known: Iterable[Any]) -> None:
    if not any(given is x or (isinstance(given, str) and given == x) for x in known):
        raise OptionError(f"draw({option}={given!r}): expected {' or '.join(map(repr, known))}")


def _recorded(
    output: Any,
    inputs: tuple[Any, ...],
    names: dict[Any, str],
    loss: Callable[[Any], Any] | None,
    whole: bool,
) -> Recorded:
    """What is to be drawn: a function or model is called, what was recorded before is taken as it is."""
    if isinstance(output, BaseException):
        return failed(output, names)
    if isinstance(output, type) and hasattr(output, "named_parameters"):
        name = output.__name__
        raise DTypeError(f"draw({name}): a class has no layers yet; make one: draw({name}(...), x)")
    if callable(output) and not isinstance(output, (ag.Tensor, ag.Tape)):
        return record(output, inputs, names, loss, whole=whole)
    if inputs or loss is not None:
        raise DTypeError(
            f"draw({type(output).__name__}, ...): inputs and a loss belong to a function or module: "
            "draw(model, x), draw(model, x, loss=f); a Tensor or Tape is drawn alone: draw(output)"
        )
    return Recorded(output)
