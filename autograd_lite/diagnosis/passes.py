"""What is examined, and one forward and backward pass of it with all that the detectors read."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np

from ..arrays import is_array, shape_of, to_host, unwrap
from ..box import Box
from ..errors import DTypeError, ShapeError, package, user_line
from ..node import Leaf, Node, Op, op_name, tape_order
from ..plan.reach import reach
from ..recording import Mode, enable_grad, heard_by
from ..tape import Tape
from ..tensor import Tensor
from ..words.explain import describe

__all__ = ["Look", "Step", "Subject", "line_of", "look", "norm", "rms"]


class Subject:
    """A model, its data, and how it is trained.

    Attributes:
        modules: the modules of the model by their paths; none for a function.
        parameters: the Tensors of the model that may be trained, by name.
        optimizers: the optimizer, or those that `step` reaches.
        line: the line of the program that asked.
    """

    def __init__(
        self, model: Any, x: Any, y: Any, loss: Any, optimizer: Any, step: Any, batch_size: int, line: str
    ) -> None:
        for name, given in (("model", model), ("loss", loss)):
            if not callable(given) or isinstance(given, type):
                raise DTypeError(
                    f"doctor: the {name} is {describe(given)}; expected a function or a module, e.g. "
                    + ("nn.Sequential(...)" if name == "model" else "nn.CrossEntropyLoss()")
                )
        self.model, self.loss, self.optimizer, self.step, self.line = model, loss, optimizer, step, line
        self.x, self.y = tuple(map(_as_data, x)) if isinstance(x, tuple) else (_as_data(x),), _as_data(y)
        self.modules = dict(model.named_modules()) if hasattr(model, "named_modules") else {}
        self.parameters: dict[str, Tensor] = _parameters(model)
        reached = reach(step).outside if step is not None else []
        self.optimizers = [o for o in [optimizer, *reached] if hasattr(o, "param_groups")]
        self.samples = _samples(self.x, self.y)
        self.batch_size = min(batch_size, self.samples)
        self._order = np.random.default_rng(0).permutation(self.samples)  # data are often sorted by class

    def batch(self, i: int) -> tuple[tuple[Any, ...], Any]:
        """The inputs and the targets of the i-th batch; after the last sample the first follows."""
        if not self.samples:
            return self.x, self.y
        chosen = self._order[(i * self.batch_size + np.arange(self.batch_size)) % self.samples]
        inputs = tuple(part[chosen] if np.ndim(unwrap(part)) else part for part in self.x)
        whole = self.y is None or not np.ndim(unwrap(self.y))
        return inputs, self.y if whole else self.y[chosen]

    @property
    def mutable(self) -> list[Any]:
        """The data that a step could change: Tensors, and data that are no batches."""
        return [part for part in (*self.x, self.y) if isinstance(part, Box) or not self.samples]

    def loss_of(self, output: Any, y: Any) -> Any:
        """The loss of an output; without targets `y` the loss takes the output alone."""
        return self.loss(output) if y is None else self.loss(output, y)

    @functools.cached_property
    def words(self) -> set[str]:
        """The names by which the loss can be known, in small letters: its own, and those its code uses."""
        loss = getattr(self.loss, "func", self.loss)
        code = getattr(loss, "__code__", None)
        names = [getattr(loss, "__name__", ""), type(loss).__name__, *(code.co_names if code else ())]
        return {name.lower().replace("_", "") for name in names}

    @property
    def trained(self) -> set[int] | None:
        """The ids of what the optimizers move; None without an optimizer."""
        if not self.optimizers:
            return None
        return {id(p) for o in self.optimizers for group in o.param_groups for p in group["params"]}


def _samples(x: tuple[Any, ...], y: Any) -> int:
    """The number of samples, which all inputs and the targets share; 0 if the data are no batches."""
    for name, part in [*(("x", part) for part in x), *([("y", y)] if y is not None else [])]:
        if part is None or unwrap(part).dtype.kind in "OVUS":
            raise DTypeError(f"doctor: {name} holds no numbers; expected arrays, doctor(model, X, y, loss)")
        if np.ndim(unwrap(part)) and not len(part):
            raise ShapeError(
                f"doctor: {name} of shape {shape_of(part)} holds no samples; give it one or more"
            )
    samples = min((len(part) for part in x if np.ndim(unwrap(part))), default=0)
    if samples and y is not None and np.ndim(unwrap(y)) and len(y) != samples:
        raise ShapeError(
            f"doctor: x has {samples} samples, and y has {len(y)}; give a target for each sample"
        )
    return samples


def _as_data(x: Any) -> Any:
    return x if x is None or isinstance(x, Box) or is_array(x) else to_host(x)


def _parameters(model: Any) -> dict[str, Tensor]:
    if hasattr(model, "named_parameters"):
        return dict(model.named_parameters())
    found = reach(model)
    names = {id(value): str(entry.key) for entry, value in reversed(found.links)}
    free = model.__code__.co_freevars if hasattr(model, "__code__") else ()
    cells = getattr(model, "__closure__", None) or ()
    names |= {id(cell.cell_contents): name for name, cell in zip(free, cells, strict=True)}
    leaves = [t for t in found.tensors if isinstance(t, Tensor) and t.node.__class__ is Leaf]
    labels = [t.name or names.get(id(t), "parameter") for t in leaves]
    numbered = [f"{label} {i}" if labels.count(label) > 1 else label for i, label in enumerate(labels)]
    return dict(zip(numbered, leaves, strict=True))


@dataclass(frozen=True)
class Step:
    """One recorded step: the layer that computed it, by path and class, and the line of the program."""

    node: Node
    layer: str
    line: str

    @property
    def op(self) -> str:
        return op_name(self.node.op)

    @property
    def value(self) -> Any:
        """The result; of several the first."""
        value = self.node.value
        return unwrap(value[0] if value.__class__ is tuple else value)


@dataclass
class Look:
    """One forward and backward pass.

    Attributes:
        steps: of the model, then of the loss.
        of_model: how many steps the model has.
        weights: a copy of each parameter.
        gradients: the gradient of each parameter; None if the loss was not computed from it.
        reached: the nodes from which the loss was computed.
        unrecorded: for each parameter that a step outside of the tape has read, the op and its line.
        error: what the model or the loss raised, with its name and the line.
    """

    inputs: tuple[Any, ...] = ()
    y: Any = None
    output: Any = None
    value: float = np.nan
    steps: list[Step] = field(default_factory=list)
    of_model: int = 0
    weights: dict[str, Any] = field(default_factory=dict)
    gradients: dict[str, Any] = field(default_factory=dict)
    reached: set[Node] = field(default_factory=set)
    unrecorded: dict[str, tuple[str, str]] = field(default_factory=dict)
    error: tuple[str, Exception, str] | None = None

    @property
    def losses(self) -> list[Step]:
        """The steps of the loss."""
        return self.steps[self.of_model :]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the output; () if the model did not return one array."""
        return tuple(getattr(self.output, "shape", ()))


def look(subject: Subject, i: int = 0) -> Look:
    """A forward and a backward pass on the i-th batch. No gradient of the program changes."""
    seen, tape = Look(), Tape()
    lines: list[str] = []
    read = {id(p._data): name for name, p in subject.parameters.items()}

    def note(node: Node) -> None:
        lines.append(user_line())

    def hear(op: Op | None, args: Any, value: Any) -> None:
        for arg in args:
            if id(arg) in read:
                seen.unrecorded.setdefault(read[id(arg)], (op_name(op), user_line()))

    seen.inputs, seen.y = subject.batch(i)
    seen.weights = {name: np.array(to_host(p)) for name, p in subject.parameters.items()}
    with enable_grad(), Mode(functools.partial(heard_by, note, checks=hear)), tape:
        seen.output = _tried(seen, "model", functools.partial(subject.model, *seen.inputs))
        seen.of_model = len(tape)
        value = seen.error or _tried(seen, "loss", lambda: subject.loss_of(seen.output, seen.y))
    seen.steps = _steps(subject, tape, lines)
    if seen.error is None:
        _tried(seen, "loss", lambda: _backward(subject, seen, tape, value))
    return seen


def _tried(seen: Look, part: str, f: Callable[[], Any]) -> Any:
    """The result of f; an exception is kept."""
    try:
        return f()
    except Exception as error:
        seen.error = part, error, line_of(error.__traceback__)
        return None


def line_of(trace: TracebackType | None) -> str:
    """The innermost line outside of this library where an exception was on its way."""
    line = user_line()
    while trace is not None:
        if package(trace.tb_frame) not in ("autograd_lite", "nn", "visualize", "numpy"):
            line = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return line


def _backward(subject: Subject, seen: Look, tape: Tape, value: Any) -> None:
    """Keep the loss, the gradients, and the adjoints of all steps."""
    number = to_host(value)
    seen.value = float(number) if number.size == 1 else np.nan
    seen.gradients = dict.fromkeys(subject.parameters)
    if not isinstance(value, Tensor) or value.node is None:
        return
    steps = tape_order([value.node])
    seen.reached = {*steps, *(x for step in steps for x in step.inputs if isinstance(x, Node))}
    names = [name for name, p in subject.parameters.items() if p.node in seen.reached]
    gradients = tape.gradient(value, [subject.parameters[name] for name in names])
    seen.gradients |= {name: unwrap(g) for name, g in zip(names, gradients, strict=True)}


def _steps(subject: Subject, tape: Tape, lines: list[str]) -> list[Step]:
    names = {id(p.node): name for name, p in subject.parameters.items() if p.node is not None}
    paths = {module: path for path, module in subject.modules.items()}
    found = []
    for node, around, line in zip(tape.nodes, tape.modules, lines, strict=True):
        inner = next((module for module in reversed(around) if module in paths), None)
        if inner is not None:
            layer = f"{paths[inner]} ({type(inner).__name__})" if paths[inner] else type(inner).__name__
            if any(True for _ in inner.children()):  # it computes in its own forward, too
                layer = f"{layer}: {op_name(node.op)}"
        else:
            own = [names[id(parent)] for parent in node.inputs if id(parent) in names]
            layer = " ".join([type(around[-1]).__name__ if around else op_name(node.op), *own])
        found.append(Step(node, layer, line))
    return found


# -- sizes -----------------------------------------------------------------------------------------


def rms(x: Any) -> float:
    """The root mean square of the entries."""
    array = to_host(x).astype(float)
    return float(np.sqrt(np.mean(array * array))) if array.size else 0.0


def norm(x: Any) -> float:
    """The Euclidean norm of all entries; of several arrays that of all together."""
    if x is None:
        return 0.0
    if x.__class__ is tuple:
        return float(np.sqrt(sum(norm(part) ** 2 for part in x)))
    array = to_host(x).astype(float)
    return float(np.sqrt(np.sum(array * array)))
