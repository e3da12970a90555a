"""Backpropagation step by step, as in the lecture: the values forward, then the gradients backward."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any, TextIO, overload

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import (
    DTypeError,
    FileError,
    OptionError,
    RendererError,
    ShapeError,
    TapeError,
)
from autograd_lite.notebook import quietly

from . import render
from .calls import record
from .computation import Step, added
from .graph import Graph, draw
from .reading import history
from .words.values import amount, bracketed
from .words.wording import Wording, named
from .writers import STYLES, lecture, neurons, page

__all__ = ["Steps", "backprop_steps", "computed", "recorded", "with_gradients"]

MOST_PICTURES = 500
FORMATS = ("svg", "png", "pdf", "dot")
FRAME = 560
"""The height of the page in a notebook, in pixels."""

Names = Sequence[tuple[str, ag.Tensor]]


class Steps(Sequence[Step]):
    """The walk forward and backward through a computation; made by `backprop_steps`.

    Attributes:
        graph: the graph, with all values and gradients.
    """

    def __init__(self, graph: Graph, steps: Sequence[Step]) -> None:
        self.graph = graph
        self._steps = tuple(steps)

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Step, ...]: ...
    def __getitem__(self, index: int | slice) -> Step | tuple[Step, ...]:
        return self._steps[index]

    def __str__(self) -> str:
        width = len(str(len(self)))
        lines = []
        for i, step in enumerate(self):
            if i == 0 or self[i - 1].phase != step.phase:
                lines.append(step.phase)
            lines.append(f"  {i + 1:>{width}}  {step}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f'<Steps: {len(self)} of them; .print() shows them, .save("steps.html") writes them>'

    @quietly
    def _repr_html_(self) -> str:
        """The page of `save("steps.html")` in a frame, whose scripts cannot reach the notebook."""
        text = escape(page(self.graph, self))
        return (
            f'<iframe srcdoc="{text}" sandbox="allow-scripts allow-downloads allow-modals" '
            'title="Backpropagation step by step" '
            f'style="width: 100%; height: {FRAME}px; border: 1px solid rgba(128, 128, 128, 0.35)"></iframe>'
        )

    def print(self, file: TextIO | None = None) -> None:
        """Print the walk as text, to the terminal or to a file."""
        print(self, file=sys.stdout if file is None else file)

    def to_svg(self, i: int) -> str:
        """The picture of the i-th step as the text of an SVG file.

        Raises:
            IndexError: `i` is out of range.
            RendererError: Graphviz refused the picture's text.
        """
        drawn = STYLES[self.graph.look.style].frame
        if drawn is not None:
            return drawn(self.graph, self, range(len(self))[i])
        return render.render(self.to_dot(i), "svg").decode()

    def to_dot(self, i: int) -> str:
        """The picture of the i-th step in Graphviz' DOT language; in the style "neurons" the whole network.

        Raises:
            IndexError: `i` is out of range.
        """
        i = range(len(self))[i]
        if self.graph.look.style == "neurons":
            return self.graph.to_dot()
        past, step = self[: i + 1], self[i]
        captions = [(f"{j + 1} of {len(self)}: {s.title}", s.rule) for j, s in enumerate(self)]
        stage = lecture.Stage(
            values={e for s in past for e in s.values},
            grads={e for s in past for e in s.grads},
            new={*step.values, *step.grads},
            caption=captions[i],
            width=8 * max(len(line) for caption in captions for line in caption),
        )
        return lecture.dot(self.graph, stage)

    def save(self, path: str | Path, seconds: float = 1.5) -> Path:
        """Write the whole walk to one file; the path's ending names the format.

        Args:
            path: `.html` is a page with a slider, which works without a network; `.gif` and `.png` are
                animations; `.txt` is the text.
            seconds: the time that an animation shows each step.

        Raises:
            DTypeError: `path` is not a path.
            OptionError: the ending names no format, or an animation would have more than 500 steps.
            RendererError: an animation needs Pillow (pip install pillow) and a renderer, see `Graph.save`.
            FileError: the file cannot be written.

        Example:
            >>> import tempfile, autograd_lite as ag
            >>> f = ag.Tensor(2.0, requires_grad=True, name="x") * 3
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     backprop_steps(f).save(f"{folder}/steps.html").name
            'steps.html'
        """
        path = render.as_path(path)
        match path.suffix.lower():
            case ".html":
                content = page(self.graph, self).encode()
            case ".gif" | ".png":
                content = self._animation(path.suffix.lower().removeprefix("."), seconds)
            case ".txt":
                content = f"{self}\n".encode()
            case _:
                raise OptionError(
                    f"save({str(path)!r}): the ending {path.suffix!r} names no format; expected .html, .gif, "
                    ".png or .txt; write a file for each step: steps.save_frames('folder')"
                )
        return render.write(content, path)

    def save_frames(self, folder: str | Path, format: str = "svg") -> list[Path]:
        """Write a file for each step: step-01.svg, step-02.svg, ...; all pictures have one size.

        Args:
            folder: the folder of the files; made if missing.
            format: "svg", "png", "pdf" or "dot".

        Raises:
            OptionError: `format` is unknown, or there are more than 500 steps.
            RendererError: no installed program makes the format, see `Graph.save`.
            FileError: a file cannot be written.
        """
        if format not in FORMATS:
            known = ", ".join(map(repr, FORMATS))
            raise OptionError(f"save_frames(format={format!r}): expected one of {known}")
        folder, width = render.as_path(folder), len(str(len(self)))
        self._refuse_too_many()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"could not make the folder {str(folder)!r}: {error.strerror}") from error
        return [
            render.write(frame, folder / f"step-{i + 1:0{max(2, width)}}.{format}")
            for i, frame in enumerate(self._frames(format))
        ]

    def _frames(self, format: str) -> Iterator[bytes]:
        """The picture of every step, with a progress bar on a terminal."""
        from tqdm import tqdm  # here, so that `import visualize` is fast

        for i in tqdm(range(len(self)), "pictures", leave=False, disable=None):
            yield self._frame(i, format)

    def _frame(self, i: int, format: str) -> bytes:
        if format == "svg":
            return self.to_svg(i).encode()
        drawn = STYLES[self.graph.look.style].frame
        if drawn is not None and format != "dot":
            return render.drawing(drawn(self.graph, self, i), format)
        return self.to_dot(i).encode() if format == "dot" else render.render(self.to_dot(i), format)

    def _animation(self, format: str, seconds: float) -> bytes:
        self._refuse_too_many()
        try:
            image = importlib.import_module("PIL.Image")
        except ImportError as error:
            raise RendererError(
                "an animation needs Pillow, which is not installed: pip install pillow; without it, "
                "steps.save('steps.html') and steps.save_frames('folder') work"
            ) from error
        pictures = [image.open(io.BytesIO(frame)).convert("RGB") for frame in self._frames("png")]
        buffer = io.BytesIO()
        durations = [int(1000 * seconds)] * (len(self) - 1) + [int(3000 * seconds)]
        pictures[0].save(
            buffer, format, save_all=True, append_images=pictures[1:], duration=durations, loop=0
        )
        return buffer.getvalue()

    def _refuse_too_many(self) -> None:
        if len(self) > MOST_PICTURES:
            raise OptionError(
                f"{len(self)} steps are too many for a picture of each (the limit is {MOST_PICTURES}); write "
                "steps.save('steps.html'), or walk through a part of the computation"
            )


def backprop_steps(
    output: Any, *inputs: Any, loss: Callable[[Any], Any] | None = None, style: str = "lecture"
) -> Steps:
    """The lecture's walk: every value on the way forward, then every gradient on the way back.

    No `grad` of a leaf changes.

    Args:
        output: a recorded single number, before or after its backward pass; or a function or module that
            returns one. A backward pass releases arrays, unless they are recorded inside `with ag.Tape():`.
        inputs: the arguments of the function or module, as in `draw`.
        loss: called with the output of the function or module.
        style: "lecture" gives a step for each operation. "neurons" gives a step for each neuron of a chain of
            Linear layers and activations, with one sample: its value, its delta, its weights' gradients.

    Returns:
        A sequence of `Step`s, with `print`, `save` and `save_frames`.

    Raises:
        TapeError: nothing was recorded, a backward pass has released values, or it began at another result.
        DTypeError: `output` is not a Tensor, or a Tensor with `inputs` or a loss.
        ShapeError: `output` is not a single number, and no backward pass has been played from it.
        OptionError: `style` is unknown.
        UnsupportedError: the style is "neurons", and the model is neither such a chain nor one LSTM.

    Example:
        >>> import autograd_lite as ag
        >>> x, y, z = (ag.Tensor(v, requires_grad=True, name=n) for v, n in [(-2, "x"), (5, "y"), (-4, "z")])
        >>> backprop_steps((x + y) * z).print()
        forward
          1  given: x = -2.00, y = 5.00, z = -4.00
          2  v1 = x + y: -2.00 + 5.00 = 3.00
          3  f = v1*z: 3.00*(-4.00) = -12.00
        backward
          4  df/df: the walk back begins with 1.00
          5  df/dv1, through f = v1*z: d(v1*z)/dv1 = z = -4.00; upstream 1.00; so -4.00
          6  df/dz, through f = v1*z: d(v1*z)/dz = v1 = 3.00; upstream 1.00; so 3.00
          7  df/dx, through v1 = x + y: d(x + y)/dx = 1.00; upstream -4.00; so -4.00
          8  df/dy, through v1 = x + y: d(x + y)/dy = 1.00; upstream -4.00; so -4.00
        >>> str(backprop_steps(lambda x: 3 * x, 2.0)[-1])
        'df/dx, through f = 3*x: d(3*x)/dx = 3.00; upstream 1.00; so 3.00'
    """
    if style not in ("lecture", "neurons"):
        raise OptionError(f"backprop_steps(style={style!r}): expected 'lecture' or 'neurons'")
    if style == "neurons":
        return _through_neurons(output, inputs, loss)
    graph = named(with_gradients(*computed("backprop_steps", output, inputs, loss)))
    words = Wording(graph)
    return Steps(graph, [*_forward(graph, words), *_backward(graph, words)])


def _through_neurons(output: Any, inputs: tuple[Any, ...], loss: Callable[[Any], Any] | None) -> Steps:
    """The walk neuron by neuron through a model or a recorded output."""
    if callable(output) and not isinstance(output, ag.Tensor):
        graph = draw(output, *inputs, style="neurons", loss=loss or _alone)
    else:
        computed("backprop_steps", output, inputs, loss)  # refuses inputs and a loss
        graph = with_gradients(output)
        graph = replace(graph, look=replace(graph.look, style="neurons"))
    samples = neurons.checked(graph).samples
    if samples != 1:
        raise ShapeError(
            f"backprop_steps(style='neurons'): the input has {samples} samples, but a walk shows one; give "
            "the first: backprop_steps(model, x[:1], ...)"
        )
    return Steps(graph, neurons.steps(graph))


def _alone(output: Any) -> Any:
    """The output of a model, if it is a single number, from which a backward pass can begin."""
    if isinstance(output, (tuple, list, dict)):
        raise ShapeError(
            "backprop_steps(style='neurons'): the output has several parts, but the backward pass begins at "
            "a single number; give a loss: backprop_steps(model, x, loss=lambda y: np.sum(y[0]))"
        )
    if not isinstance(output, ag.Tensor):
        raise TapeError(
            "backprop_steps(style='neurons'): the output carries no gradient, so there is no backward pass; "
            "draw the values alone: draw(model, x, style='neurons')"
        )
    if output.size != 1:
        raise ShapeError(
            f"backprop_steps(style='neurons'): the output has shape {output.shape}, but the backward pass "
            "begins at a single number; give a loss: "
            "backprop_steps(model, x, loss=lambda y: np.sum((y - t) ** 2))"
        )
    return output


# -- the pass back ---------------------------------------------------------------------------------


def computed(
    who: str, output: Any, inputs: tuple[Any, ...], loss: Callable[[Any], Any] | None = None
) -> tuple[Any, Names]:
    """A Tensor, or the output of a function, with the names of its inputs and parameters."""
    if isinstance(output, ag.Tensor) or not callable(output):
        if inputs or loss is not None:
            what = "inputs and a loss" if loss is not None else "inputs"
            raise DTypeError(
                f"{who}({type(output).__name__}, ...): {what} belong to a function or module: "
                f"{who}(f, x); a recorded Tensor stands alone: {who}(y)"
            )
        return output, []
    names: dict[Any, str] = {}
    recorded = record(output, inputs, names, loss, who=who)
    pairs = list(output.named_parameters()) if hasattr(output, "named_parameters") else []
    given = [(name, recorded.given.get(key)) for key, name in names.items()]
    return recorded.output, [*pairs, *((name, x) for name, x in given if isinstance(x, ag.Tensor))]


def with_gradients(output: ag.Tensor, params: Names = ()) -> Graph:
    """The graph of a Tensor with all gradients, as after `backward`; the tape does not change."""
    if not isinstance(output, ag.Tensor):
        raise DTypeError(
            f"expected a recorded Tensor, got {type(output).__name__}; give the result f of a "
            "computation: backprop_steps(f), explain(f)"
        )
    graph = draw(output, params=params)
    if output.node is None:
        return graph
    if output.node.played:
        _check_pass(graph, output)
        return graph
    steps = history([output.node])
    nodes = {*steps, *(parent for node in steps for parent in node.inputs if isinstance(parent, ag.Node))}
    before = [node.adjoint for node in nodes]
    try:
        ag.Tape().gradient(output, [])
        return draw(output, params=params)
    finally:
        for node, adjoint in zip(nodes, before, strict=True):
            node.adjoint = adjoint


def _check_pass(graph: Graph, output: ag.Tensor) -> None:
    """Refuse the gradients of a backward pass that began at another result than `output`."""
    totals = graph.totals()
    steps = [i for i, vertex in enumerate(graph.vertices) if vertex.op is not None]
    seed = output.node.adjoint if output.node is not None else None
    own = output.size != 1 or bool(np.all(seed == 1))
    for i, node in zip(steps, recorded(output), strict=True):
        total = totals.get(i)
        if isinstance(total, (np.ndarray, np.generic)) and isinstance(node.adjoint, (np.ndarray, np.generic)):
            own = own and np.allclose(total, node.adjoint, rtol=1e-4, equal_nan=True)
    if not own:
        raise TapeError(
            "the backward pass began at another result, or with another gradient than 1, so its gradients "
            "are not those of this output; look at the steps before backward(), or write "
            "backward(retain_graph=True)"
        )


def recorded(output: ag.Tensor) -> list[ag.Node]:
    """The steps from which a Tensor was computed, in the order of its graph."""
    return [] if output.node is None else history([output.node])


# -- the words -------------------------------------------------------------------------------------


def _forward(graph: Graph, words: Wording) -> Iterator[Step]:
    """The inputs in one step, then a step for each result."""
    leaving: dict[int, list[int]] = {}
    for e, edge in enumerate(graph.edges):
        leaving.setdefault(edge.source, []).append(e)
    given = [i for i, vertex in enumerate(graph.vertices) if vertex.op is None]
    shown = ", ".join(
        f"{words.name(i)} = {amount(graph.vertices[i].value)}" for i in given if graph.vertices[i].name
    )
    yield Step("forward", "given", shown, values=tuple(e for i in given for e in leaving.get(i, ())))
    for i, vertex in enumerate(graph.vertices):
        if vertex.op is not None:
            numbers, value = words.numbers(i), amount(vertex.value)
            rule = value if numbers in (None, value) else f"{numbers} = {value}"
            yield Step("forward", f"{vertex.name} = {words.step(i)}", rule, values=tuple(leaving.get(i, ())))


def _backward(graph: Graph, words: Wording) -> Iterator[Step]:
    """The gradient of the output, then a step for each use of each value, last use first."""
    seed, *_ = (e for e, edge in enumerate(graph.edges) if edge.target is None)
    end = graph.edges[seed]
    f = words.name(end.source)
    yield Step("backward", f"d{f}/d{f}", f"the walk back begins with {amount(end.grad)}", grads=(seed,))
    arriving: dict[int, list[int]] = {}
    waiting: dict[int, int] = {}  # the number of contributions still missing from a value's gradient
    shares: dict[int, list[Any]] = {}
    for e, edge in enumerate(graph.edges):
        if edge.target is not None and edge.grad is not None:
            arriving.setdefault(edge.target, []).append(e)
            waiting[edge.source] = waiting.get(edge.source, 0) + 1
    total: dict[int, Any] = {end.source: end.grad}
    for i in sorted(arriving, reverse=True):  # all uses of a value come after it
        for e in arriving[i]:
            edge = graph.edges[e]
            shares.setdefault(edge.source, []).append(edge.grad)
            waiting[edge.source] -= 1
            parts = shares[edge.source]
            rule = words.rule(edge, total.get(i))
            if not waiting[edge.source]:
                total[edge.source] = added(parts)
                if len(parts) > 1:
                    said = " + ".join(bracketed(amount(part)) for part in parts)
                    rule += f"; in all {said} = {amount(total[edge.source])}"
            share = "a share of " if len(shares[edge.source]) + waiting[edge.source] > 1 else ""
            by = words.name(edge.source)
            title = f"{share}d{f}/d{by}, through {words.name(i)} = {words.step(i)}"
            yield Step("backward", title, rule, grads=(e,))
