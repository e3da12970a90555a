"""`Graph`, a picture that shows and writes itself; and `draw`, which makes a Graph."""

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
from .plans import read_plan
from .reading import Recorded, names_of, read
from .words.names import PICTURE_METHODS
from .words.values import counted
from .writers import STYLES, WRITERS, neurons
from .writers.look import Look, Picture
from .writers.networkx import to_networkx
from .writers.themes import THEMES

__all__ = ["Graph", "draw"]


@dataclass(frozen=True, eq=False, repr=False)
class Graph(Hinted, Picture):
    """A computation as a picture; made by `draw`.

    Attributes:
        vertices: the inputs, constants and steps, in the order of the computation.
        edges: sorted by target, then by argument; the edges of outputs come last.
        calls: the module calls that recorded steps; an outer call comes before its inner ones.
        look: the options of the picture.
        style, values, grads, constants, direction, depth, unroll, flow, theme, legend, rounding: each option
            of the look, see `visualize.Look`.
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
    rounding = property(attrgetter("look.rounding"))

    def to_dot(self) -> str:
        """The picture in Graphviz' DOT language; the same graph gives the same text.

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
            OptionError: the picture has more than 2,000 boxes.
            RendererError: Graphviz refused the picture's text.
        """
        render.check_size(self)
        drawn = STYLES[self.look.style].svg
        return drawn(self) if drawn is not None else render.render(self.to_dot(), "svg").decode()

    def to_text(self) -> str:
        """The graph in plain text: the tree of a model's modules, or of each result and its inputs.

        In the style "model" the text is a table with a row for each box of the picture.

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
        """The graph as a `networkx.MultiDiGraph`, whose nodes are indices of vertices.

        Raises:
            RendererError: networkx is not installed (pip install networkx).
        """
        return to_networkx(self)

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file; the path's ending names the format.

        The formats are .dot, .svg, .png, .pdf, .html and .text. Graphviz makes .svg, .png and .pdf, by its
        program `dot` or by pygraphviz. Our own layout makes .svg and .png where there is no Graphviz, and
        where Graphviz would take minutes because lines are long. An .html file is a page that works without a
        network. Its reader clicks for numbers and rules, searches, and folds modules.

        Args:
            path: the file. An existing file is replaced when the new one is complete.

        Returns:
            The path.

        Raises:
            DTypeError: `path` is not a path.
            OptionError: the ending names no format, or the picture has more than 2,000 boxes (10,000 for
                .html; .dot has no limit).
            RendererError: no installed program makes the format. A .pdf needs Graphviz or pygraphviz; a .png
                needs one of these, rsvg-convert, CairoSVG or Chromium.
            FileError: the file cannot be written.

        Example:
            >>> import tempfile, autograd_lite as ag
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     draw(ag.Tensor(2.0, requires_grad=True) * 3).save(f"{folder}/f.dot").name
            'f.dot'
        """
        return render.save(self, path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """The picture for notebooks, and the text of `to_text` for terminals; never raises."""
        bundle = {"text/plain": repr(self)}
        with contextlib.suppress(Exception):
            bundle["text/plain"] = self.to_text()
            bundle["image/svg+xml"] = self.to_svg()
        return bundle

    def __repr__(self) -> str:
        steps = sum(v.op is not None for v in self.vertices)
        inputs = sum(v.op is None and not v.constant for v in self.vertices)
        return f'<Graph: {counted(steps, "step")}, {counted(inputs, "input")}; .save("f.svg") writes it>'


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
    rounding: bool = False,
) -> Graph:
    """Draw the graph of a computation, with the value and the gradient on every edge.

    Args:
        output: a recorded Tensor, or nested tuples, lists and dicts of Tensors; a `Tape`; a function or
            module; an error; or a plan, `draw(f.plan(x))`. A function or module is called with `inputs` and
            recorded. A model keeps its mode, so write `model.eval()` before where needed. The graph of an
            error has the steps before the error, with the failed op in red; its default style is "ops". The
            styles of a plan are "plan", the default, and "ops"; a plan has shapes in place of values.
        inputs: the arguments of the function or module. Numbers and floating-point arrays become inputs of
            the graph, with the names of the parameters. A Python int counts as a float, as in `ag.grad`;
            keep options in the function: draw(lambda x: np.sum(x, axis=0), x).
        params: names for Tensors, as pairs or a dict. Default for a module: `model.named_parameters()`.
        style, values, ..., rounding: the options of the picture, see `visualize.Look`.
        loss: called with the model's output. The graph then shows the loss with all gradients; the `grad`
            of each parameter stays.

    Raises:
        TapeError: nothing was recorded, or a backward pass has released the values.
        DTypeError: `output` has no graph, the inputs do not fit the function, or `params` are not names
            with Tensors.
        OptionError: an option has an invalid value, or the style does not have the option.
        UnsupportedError: the style is "neurons", and the computation is neither a plain chain of Linear
            layers and activations nor one LSTM; or `rounding` is set, and an op has no known rounding error.

    Example:
        >>> graph = draw(lambda x, y, z: (x + y) * z, -2.0, 5.0, -4.0)
        >>> [vertex.name or vertex.op for vertex in graph.vertices]
        ['x', 'y', 'add', 'z', 'multiply']
        >>> [float(edge.value) for edge in graph.edges]
        [-2.0, 5.0, 3.0, -4.0, -12.0]
    """
    if isinstance(output, BaseException) and style == "lecture":
        style = "ops"
    if direction is None and style not in ("lecture", "plan"):
        direction = "LR" if style == "neurons" else "TB"
    look = Look(style, values, grads, constants, direction, depth, unroll, flow, theme, legend, rounding)
    if isinstance(output, ag.Plan):
        return _planned(output, look, alone=not inputs and loss is None and params is None)
    _check(look)
    if style == "neurons" and not inputs and hasattr(output, "named_parameters"):
        return _probed(output, replace(look, values=False, grads=False))
    names = names_of(params)
    return _graph(_recorded(output, inputs, names, loss, whole=style == "neurons"), names, look)


def _graph(recorded: Recorded, names: dict[Any, str], look: Look) -> Graph:
    found = read(recorded, names, look.rounding)
    if look.style == "neurons":
        neurons.checked(found)
    if recorded.failed is not None and not any(vertex.fault for vertex in found.vertices):
        found = blamed(found, recorded.failed.message, recorded.failed.line)
    if look.direction is None and not found.calls:
        look = replace(look, direction="LR")
    return Graph(found.vertices, found.edges, found.calls, look)


def _planned(plan: ag.Plan, look: Look, alone: bool) -> Graph:
    """The graph of a plan, whose values are shapes and dtypes."""
    style = "plan" if look.style == "lecture" else look.style
    _one_of("style", style, ("plan", "ops"))
    if not alone:
        raise DTypeError("draw(plan, ...): a plan takes no inputs, params or loss; write draw(plan)")
    look = replace(look, style=style, values=style == "plan", grads=False)
    _check(look)
    found = read_plan(plan)
    return Graph(found.vertices, found.edges, found.calls, look)


def _probed(model: Any, look: Look) -> Graph:
    """The graph of a model without an input; the model is called with zeros."""
    names: dict[Any, str] = {}
    return _graph(probe(model, names), names, look)


def _check(look: Look) -> None:
    _one_of("style", look.style, STYLES)
    if look.direction is not None:
        _one_of("direction", look.direction, ("LR", "TB"))
    _one_of("theme", look.theme, THEMES)
    _one_of("values", look.values, (True, False, "stats", "full", "pictures"))
    if look.rounding and look.style != "lecture":
        raise OptionError(
            f"draw(rounding=True): the style {look.style!r} does not have this option; write style='lecture'"
        )
    if look.style in ("lecture", "neurons"):
        for option, given in (
            ("depth", look.depth is not None),
            ("unroll", look.unroll),
            ("flow", look.flow),
            ("direction", look.style == "neurons" and look.direction != "LR"),
        ):
            if given:
                raise OptionError(
                    f"draw({option}=...): the style {look.style!r} does not have this option; "
                    "write style='model'"
                )
    elif look.depth is not None and (type(look.depth) is not int or look.depth < 0):
        raise OptionError(f"draw(depth={look.depth!r}): expected the number of open levels: 0, 1, 2, ...")


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
    """The recorded output: of the call of a function or model, of an error, or given as Tensors or a Tape."""
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
