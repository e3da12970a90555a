"""Tape -> Graph: a frozen copy of what was computed, with a gradient for every edge.

The engine's `Node`s hold what backward needs and let go of it; a `Graph` holds what a reader
wants to see, as plain values that no later step can change. How it looks is not decided here.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import contributions
from autograd_lite.errors import DTypeError, OptionError, TapeError
from autograd_lite.tree import flatten
from autograd_lite.words.names import Hinted

from . import html, render
from .calls import Call, Calls
from .convert import to_networkx
from .listing import listing
from .names import PICTURE_METHODS
from .outline import outline
from .styles import LIMIT, STYLES, nodes
from .themes import THEMES

__all__ = ["Call", "Edge", "Graph", "Recorded", "Vertex", "draw", "record", "steps_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Vertex:
    """An input, a constant, or a step of the computation.

    Attributes:
        op: the name of the function; None for inputs and constants.
        name: the user's name for it. Inputs that have none are called x1, x2, ..., and constant arrays
            c1, c2, ...; None for steps without a name, and for numbers that stand in the code.
        value: what was computed or given.
        constant: whether it is an input that no gradient belongs to.
        index: what an indexing step reads, e.g. the 0 of `x[0]`.
        call: the place in `Graph.calls` of the call of a module that made the step; None outside of all.
        given: whether it is one of the inputs that `draw` was called with.
        line: file and line of a step that was recorded under `ag.detect_anomaly()`.
    """

    op: str | None
    name: str | None
    value: Any
    constant: bool = False
    index: Any = None
    call: int | None = None
    given: bool = False
    line: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A value on its way into a step, and the gradient that came back along the same way.

    Attributes:
        source: the place of a vertex in `Graph.vertices`.
        target: the place of the step that uses the value; None where the value leaves the graph.
        position: which argument of that step it is.
        value: what the step received.
        grad: this use's share of d(output)/d(value); None where nothing has flown back.
        local: d(result of the step)/d(value) of a step from numbers to a number, else None.
    """

    source: int
    target: int | None
    position: int
    value: Any
    grad: Any
    local: Any = None


@dataclass(frozen=True, eq=False, repr=False)
class Graph(Hinted):
    """A computation as a picture; made by `draw`.

    Attributes:
        vertices: each after those it was computed from.
        edges: sorted by target, and there by argument; the graph's outputs last.
        calls: the calls of modules that steps belong to, each after the one around it.
        style, values, grads, constants, direction, depth, unroll, flow, theme, legend: how it is drawn,
            see `draw`.
    """

    _foreign = PICTURE_METHODS

    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    calls: tuple[Call, ...] = ()
    style: str = "lecture"
    values: bool | str = True
    grads: bool = True
    constants: bool = True
    direction: str = "LR"
    depth: int | None = None
    unroll: bool = False
    flow: bool = False
    theme: str = "light"
    legend: bool | None = None

    def to_dot(self) -> str:
        """The graph in Graphviz' DOT language; the same graph gives the same text.

        Example:
            >>> import autograd_lite as ag
            >>> x = ag.Tensor(2.0, requires_grad=True, name="x")
            >>> text = draw(3 * x, values=False, grads=False).to_dot()
            >>> [line.strip() for line in text.splitlines() if "->" in line]
            ['v1 -> v2', 'v2 -> o2']
        """
        return STYLES[self.style](self)

    def to_svg(self) -> str:
        """The picture as the text of an SVG file.

        Raises:
            OptionError: more than 2,000 boxes.
            RendererError: neither Graphviz nor pygraphviz is installed.
        """
        self._check_size()
        return render.render(self.to_dot(), "svg").decode()

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
        return listing(self) if self.style == "model" else outline(self)

    def to_networkx(self) -> Any:
        """A `networkx.MultiDiGraph` of the vertices, by their places, with all that is known of them.

        Raises:
            RendererError: networkx is not installed (pip install networkx).
        """
        return to_networkx(self)

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file, in the format of its ending: .dot, .svg, .png, .pdf or .html.

        An .html file is a page by itself, which needs no network: with numbers and rules to click for,
        search, modules to fold and unfold, and a dark mode.

        Args:
            path: where to write; a file that is there is replaced at once, when the new one is complete.

        Returns:
            The path.

        Raises:
            DTypeError: not a path.
            OptionError: an ending for which there is no format, or a picture of more than 2,000 boxes, which
                takes minutes to lay out and which nobody can read (.dot takes any number, .html 10,000).
            RendererError: neither Graphviz nor pygraphviz is installed (.dot and .html need neither).
            FileError: the file cannot be written.

        Example:
            >>> import tempfile, autograd_lite as ag
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     draw(ag.Tensor(2.0, requires_grad=True) * 3).save(f"{folder}/f.dot").name
            'f.dot'
        """
        path = render.as_path(path)
        if path.suffix.lower() == ".html":
            return render.write(html.page(self).encode(), path)
        if path.suffix.lower() != ".dot":
            self._check_size()
        return render.save(self.to_dot(), path)

    def _check_size(self) -> None:
        """Refuse a picture that nobody can read, and say how to fold it."""
        n = nodes(self)
        if n > LIMIT:
            raise OptionError(
                f"this picture would have {n:,} boxes (the limit is {LIMIT:,}): fold it, as in "
                "draw(model, x, style='model', depth=1); or draw a part of the computation; or save it as "
                ".html, where modules fold and unfold; or as .dot, which takes any number"
            )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What notebooks show: the picture where there is a renderer, else the tree of `to_text`."""
        return render.mimebundle(self)

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
            as it is: write `model.eval()` before, where it should not act as in training.
        inputs: what to call `output` with. Numbers and floating-point arrays become inputs of the
            graph, under the names of the function's parameters; a Python int counts as a float, as in
            `ag.grad`, so a setting stays in the function: draw(lambda x: np.sum(x, axis=0), x).
        params: names for Tensors, as pairs or a dict, e.g. `model.named_parameters()`, which is the
            default for a module.
        style: "lecture", as on slides: operations in circles, inputs by name, on every edge the
            value above the line in green and the gradient below it in red. A value that is used
            several times has a share of its gradient on each line, and their sum Σ at itself.
            "model": a box for each layer, a frame around the layers of each module, shapes on the arrows.
            "ops": a box for each step with its dtype, shape and numbers, and its file and line where it was
            recorded under `ag.detect_anomaly()`.
        values: whether values are shown. "stats" shows arrays by smallest, mean and largest entry and norm,
            "full" small ones by all of their entries, "pictures" as heat maps and images.
        grads: whether gradients are shown; one that is not there (before `backward`) is a dash in the
            lecture style, and left out in the others.
        constants: whether inputs are drawn that no gradient belongs to.
        direction: "LR", from left to right, the default of the lecture style; or "TB", from top to bottom,
            that of the others.
        depth: how many levels of modules are open; those below are boxes. 0 draws the model as one box.
            The lecture style has no modules.
        unroll: whether each call of a module with parameters is drawn by itself, rather than all as one box
            with their number, e.g. the steps of a recurrent cell through time.
        flow: whether arrows are wide and coloured by the norm of their gradient.
        loss: called with what the model returns. The graph is then of the loss, and is played backwards, so
            that gradients are there; the model's own `grad`s stay as they are.
        theme: "light", "dark" or "print".
        legend: whether what the colours mean is said below; by default in all but the lecture style.

    Raises:
        TapeError: nothing was recorded, or a backward pass has released what was.
        DTypeError: something that has no graph, inputs that the function cannot take, or `params`
            that are not names with Tensors.
        OptionError: an unknown style, direction, theme or way to show values, or an option that the style
            does not have.

    Example:
        >>> graph = draw(lambda x, y, z: (x + y) * z, -2.0, 5.0, -4.0)
        >>> [vertex.name or vertex.op for vertex in graph.vertices]
        ['x', 'y', 'add', 'z', 'multiply']
        >>> [float(edge.value) for edge in graph.edges]
        [-2.0, 5.0, 3.0, -4.0, -12.0]

        A picture that is too wide is drawn downwards:

        >>> draw(lambda x: np.exp(-(x * x) / 2), 1.0, direction="TB")
        <Graph: 4 steps, 1 input; .save("f.svg") writes it>

        A network, and how its gradients flow:

        >>> import nn
        >>> model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1))
        >>> graph = draw(model, np.ones((8, 4)), loss=np.mean, style="model", flow=True)
        >>> [call.path for call in graph.calls]
        ['', '0', '1', '2']
    """
    _one_of("style", style, STYLES)
    _one_of("direction", direction, (None, "LR", "TB"))
    _one_of("theme", theme, THEMES)
    _one_of("values", values, (True, False, "stats", "full", "pictures"))
    if style == "lecture":
        for option, given in (("depth", depth is not None), ("unroll", unroll), ("flow", flow)):
            if given:
                raise OptionError(f"draw({option}=...): style 'lecture' has none; write style='model'")
    elif depth is not None and (type(depth) is not int or depth < 0):
        raise OptionError(f"draw(depth={depth!r}): expected how many levels are open: 0, 1, 2, ...")
    recorded = Recorded(output)
    names = _names(params)
    if callable(output) and not isinstance(output, (ag.Tensor, ag.Tape)):
        recorded = record(output, inputs, names, loss)
    elif inputs or loss is not None:
        raise DTypeError(
            f"draw({type(output).__name__}, ...): inputs and a loss belong to a function or module: "
            "draw(model, x), draw(model, x, loss=f); a Tensor or Tape is drawn alone: draw(output)"
        )
    steps, outputs = steps_of(recorded.output)
    vertices, edges = _read(steps, outputs, names, recorded)
    return Graph(
        vertices,
        edges,
        recorded.calls,
        style,
        values,
        grads,
        constants,
        direction or ("LR" if style == "lecture" else "TB"),
        depth,
        unroll,
        flow,
        theme,
        legend,
    )


@dataclass
class Recorded:
    """What a call of a function or module has left.

    Attributes:
        output: Tensors to draw, or a Tape.
        calls: of modules.
        call_of: for each step the place of its call.
        given: the inputs, by what makes them the same, see `_identity`.
    """

    output: Any
    calls: tuple[Call, ...] = ()
    call_of: Mapping[ag.Node, int] = field(default_factory=dict)
    given: Mapping[Any, Any] = field(default_factory=dict)


def _one_of(option: str, given: Any, known: Iterable[Any]) -> None:
    if not any(given is x or (isinstance(given, str) and given == x) for x in known):
        named = " or ".join(repr(x) for x in known if x is not None)
        raise OptionError(f"draw({option}={given!r}): expected {named}")


def _names(params: Mapping[str, ag.Tensor] | Iterable[tuple[str, ag.Tensor]] | None) -> dict[Any, str]:
    """The names of Tensors, by what identifies them."""
    pairs = params.items() if isinstance(params, Mapping) else () if params is None else params
    names = {}
    for pair in pairs if isinstance(pairs, Iterable) else [pairs]:
        match pair:
            case (str(name), ag.Tensor() as tensor):
                names[_identity(tensor)] = name
            case _:
                raise DTypeError(
                    f"draw(params=...): expected names with Tensors, got {type(pair).__name__}; write "
                    "params=model.named_parameters(), or a dict: params={'w': w}"
                )
    return names


def _identity(x: Any) -> Any:
    """What makes two uses the same input: the node, or for constants the object itself."""
    node = x if isinstance(x, ag.Node) else getattr(x, "node", None)
    return id(x) if node is None else node


def record(
    function: Callable[..., Any],
    inputs: tuple[Any, ...],
    names: dict[Any, str],
    loss: Callable[[Any], Any] | None = None,
    who: str = "draw",
) -> Recorded:
    """Call a function or module for `who`; adds the names of its parameters and arguments to `names`."""
    if hasattr(function, "named_parameters"):
        names.update({**_names(function.named_parameters()), **names})
    arguments: list[Any] = []
    for x, name in zip(inputs, _argument_names(function, inputs, who), strict=True):
        array = isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fc"
        if array or type(x) in (int, float, complex):
            x = ag.Tensor(float(x) if type(x) is int else x, requires_grad=True)
        if isinstance(x, (ag.Tensor, np.ndarray)) and getattr(x, "name", None) is None and name is not None:
            names.setdefault(_identity(x), name)
        arguments.append(x)
    with ag.enable_grad(), ag.Tape() as tape, Calls(function, tape) as calls:
        result = function(*arguments)
    with ag.enable_grad(), tape:
        result = result if loss is None else loss(result)
    if not any(isinstance(x, ag.Tensor) for x in flatten(result)[0]):
        raise TapeError(
            f"{who}: the function returned {type(result).__name__}, so nothing was recorded; give it "
            "floating-point numbers or arrays, or Tensors with requires_grad=True, and return a Tensor"
        )
    if loss is not None:
        tape.gradient(result, ())  # leaves adjoints on the tape, and the model's gradients alone
    return Recorded(result, tuple(calls.made), calls.of_steps(), {_identity(x): x for x in arguments})


def _argument_names(function: Callable[..., Any], inputs: tuple[Any, ...], who: str) -> list[str | None]:
    """What the function calls its inputs; refuses inputs that it cannot be called with."""
    try:
        signature = inspect.signature(getattr(function, "forward", function))
    except (TypeError, ValueError):  # some builtins and ufuncs do not tell
        return [None] * len(inputs)
    parameters = signature.parameters.values()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    try:
        signature.bind(*inputs)
    except TypeError as error:
        needed = sum(p.default is p.empty and p.name in names for p in parameters)
        if hasattr(function, "forward"):
            right = ", ".join(["model", *names[:needed]])
        else:
            right = ", ".join(["f", *(f"{i}.0" for i in range(1, needed + 1))])
        called = f"{getattr(function, '__name__', type(function).__name__)}({', '.join(names)})"
        raise DTypeError(
            f"{who}: {called} cannot be called with {_count(len(inputs), 'input')}: {error}; "
            f"give the inputs after it: {who}({right})"
        ) from error
    return [*names[: len(inputs)], *[None] * (len(inputs) - len(names))]


# -- reading the tape ------------------------------------------------------------------------------


def steps_of(output: Any) -> tuple[list[ag.Node], list[ag.Node]]:
    """The steps to draw in the order of the tape, and the nodes that leave the graph."""
    if isinstance(output, ag.Tape):
        steps = list(output.nodes)
        used = {parent for node in steps for parent in node.inputs if isinstance(parent, ag.Node)}
        outputs = [node for node in steps if node not in used]
    else:
        tensors = [x for x in flatten(output)[0] if isinstance(x, ag.Tensor)]
        if not tensors:
            raise DTypeError(
                f"draw({type(output).__name__}): expected a recorded Tensor, a Tape, or a function or "
                "module with its inputs: draw(model, x)"
            )
        outputs = list(dict.fromkeys(x.node for x in tensors if x.node is not None))
        steps = _history(outputs)
    if not outputs:
        raise TapeError(
            "draw: nothing was recorded, because no input requires a gradient; make one with "
            "ag.Tensor(data, requires_grad=True), outside of no_grad()"
        )
    for node in steps:
        if node.released:
            raise TapeError(
                f"draw: a backward pass has released what {_op_name(node)} computed; record "
                "inside 'with ag.Tape() as tape:' and draw again, or draw before backward(), or write "
                "backward(retain_graph=True)"
            )
    return steps, outputs


def _history(outputs: list[ag.Node]) -> list[ag.Node]:
    """All steps that `outputs` were computed from, oldest first; leaves are not steps."""
    found = [node for node in outputs if node.op is not None]
    seen = set(found)
    for node in found:  # grows while it is being read
        for parent in node.inputs:
            if isinstance(parent, ag.Node) and parent.op is not None and parent not in seen:
                seen.add(parent)
                found.append(parent)
    return sorted(found, key=lambda node: node.index)


def _op_name(node: ag.Node) -> str:
    return getattr(node.op, "__name__", "op")


class _Copies:
    """Read-only copies of arrays, one for each: a picture shows what was, not what became of it."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Any]] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(self, value))
        value = value.numpy() if isinstance(value, ag.Tensor) else value
        if not isinstance(value, np.ndarray):
            return value
        if id(value) not in self._made:
            copy = np.array(value)
            copy.flags.writeable = False
            self._made[id(value)] = value, copy  # holding the original keeps its id from being reused
        return self._made[id(value)][1]


def _read(
    steps: list[ag.Node], outputs: list[ag.Node], names: dict[Any, str], recorded: Recorded
) -> tuple[tuple[Vertex, ...], tuple[Edge, ...]]:
    """Vertices and edges of the steps; `names` overrides what inputs are called."""
    copy = _Copies()
    vertices: list[Vertex] = []
    edges: list[Edge] = []
    places: dict[Any, int] = {}
    uses = Counter(parent for node in steps for parent in node.inputs if isinstance(parent, ag.Node))
    inputs = (x for node in steps for x in node.inputs if isinstance(x, (ag.Node, ag.Tensor)))
    taken = {*names.values(), *(x.name for x in (*inputs, *outputs))}
    fresh = {"x": _fresh("x", taken), "c": _fresh("c", taken)}

    def add_input(x: Any, value: Any) -> int:
        constant, given = not isinstance(x, ag.Node), _identity(x) in recorded.given
        name = names.get(_identity(x)) or getattr(x, "name", None)
        if not name and not (constant and np.ndim(value) == 0):
            name = next(fresh["c" if constant else "x"])
        vertices.append(Vertex(None, name or None, copy(value), constant, given=given))
        return len(vertices) - 1

    def place_of(x: Any, value: Any) -> int:
        if not isinstance(x, (ag.Node, ag.Tensor, np.ndarray)):
            return add_input(x, value)  # a number in the code: one for each use
        key = _identity(x)
        if key not in places:
            places[key] = add_input(x, value)
        return places[key]

    for node in steps:
        received = node.args or [getattr(x, "value", x) for x in node.inputs]
        sent, slopes = contributions(node), _slopes(node)
        positions = list(_operands(node))
        sources = [place_of(node.inputs[i], received[i]) for i in positions]
        at = _index_position(node)
        index = None if at is None else node.inputs[at]
        looked_up = _given_index(index, recorded.given)
        if at is not None and looked_up is not None:
            positions.append(at)
            sources.append(place_of(looked_up, index))
        places[node] = len(vertices)
        line = node.notes.line if node.notes else None
        name, value = _op_name(node), copy(node.value)
        vertex = Vertex(name, node.name, value, index=index, call=recorded.call_of.get(node), line=line)
        vertices.append(vertex)
        for i, source in zip(positions, sources, strict=True):
            grad = copy(_flown_back(node, i, sent[i], uses))
            edges.append(Edge(source, places[node], i, copy(received[i]), grad, slopes[i]))
    for node in outputs:
        source = place_of(node, node.value)
        edges.append(Edge(source, None, 0, copy(node.value), copy(node.adjoint)))
    return tuple(vertices), tuple(edges)


def _slopes(node: ag.Node) -> tuple[Any, ...]:
    """The local derivative by each argument of a step from numbers to a number.

    A step may be drawn though a rule of it is missing, or fails: then there is none.
    """
    if all(map(_is_number, (node.value, *node.args))):
        with contextlib.suppress(Exception):
            return contributions(node, np.ones_like(node.value)[()])
    return (None,) * len(node.inputs)


def _is_number(x: Any) -> bool:
    return not isinstance(x, tuple) and np.ndim(x) == 0


def _index_position(node: ag.Node) -> int | None:
    """Where a step that picks entries has its index, which is no operand."""
    module = getattr(node.op, "__module__", None) or ""
    if module != "_operator" and not module.startswith("autograd_lite."):
        return None  # a user's op of the same name
    return {"getitem": 1, "setitem": 2, "scatter": 1, "output": 1}.get(_op_name(node))


def _given_index(index: Any, given: Mapping[Any, Any]) -> Any:
    """The input that an index is a copy of, e.g. the tokens that an embedding looks up; else None.

    Indexing copies its index, so the input is known by its entries.
    """
    if not isinstance(index, np.ndarray):
        return None
    for x in given.values():
        array = x.numpy() if isinstance(x, ag.Tensor) else x
        if isinstance(array, np.ndarray) and array.dtype.kind in "iub" and np.array_equal(array, index):
            return x
    return None


def _operands(node: ag.Node) -> Iterator[int]:
    """Which arguments are values the step computes with; the others are settings: axes, shapes, indices.

    A plain int is an operand of arithmetic, but an axis or a shape of other functions.
    """
    numbers: Any = (np.ndarray, np.generic, ag.Node, ag.Tensor, float, complex)
    if isinstance(node.op, np.ufunc):
        numbers = (*numbers, int)
    index = _index_position(node)
    for i, x in enumerate(node.inputs):
        if isinstance(x, numbers) and i != index:
            yield i


def _fresh(letter: str, taken: set[str | None]) -> Iterator[str]:
    """x1, x2, ... without the names that are taken."""
    return (name for i in itertools.count(1) if (name := f"{letter}{i}") not in taken)


def _flown_back(node: ag.Node, i: int, sent: Any, uses: Counter[ag.Node]) -> Any:
    """The gradient on one edge.

    Where the engine cannot tell what the step sent, a parent without other uses has the same
    number as its adjoint, or, if it is a leaf, as its `grad`.
    """
    parent = node.inputs[i]
    if sent is not None or node.adjoint is None or not isinstance(parent, ag.Node) or uses[parent] != 1:
        return sent
    return parent.grad if parent.adjoint is None else parent.adjoint
