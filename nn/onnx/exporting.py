"""Write a model as an ONNX file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

import autograd_lite as ag
from autograd_lite import files, tree
from autograd_lite.errors import DTypeError, FileError, OptionError, UnsupportedError

from ..module import Module
from ..undo import evaluating
from .forms import FORMS
from .graph import Graph, dtype_code
from .recorded import record
from .steps import Axis, Recorded, Size, Step

__all__ = ["export"]

OLDEST, NEWEST = 17, 22
"""The versions of the operators that the forms are written for."""


def export(
    model: Module,
    args: Any,
    f: Any,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_axes: Mapping[str, Mapping[int, str] | Sequence[int]] | None = None,
    opset_version: int = OLDEST,
) -> None:
    """Write a model, as it computes in evaluation mode, to an ONNX file.

    The model is recorded on example inputs. Values that a program reads in Python, as in `if x.sum() > 0`,
    cannot be recorded. The initializers have the keys of `model.state_dict()`.

    Args:
        model: a module.
        args: an example input, or a tuple of them.
        f: a path, or a file that is open for writing bytes.
        input_names, output_names: in the file; "input_0" and "output_0" by default.
        dynamic_axes: the axes whose size may differ from that of the example: `{"x": {0: "batch"}}`, or
            `{"x": [0]}`. Axes with one name have one size.
        opset_version: the version of ONNX' operators, 17 to 22.

    Raises:
        OptionError: an option has an invalid value.
        UnsupportedError: a part of the model has no ONNX form; the message names the layer.
        FileError: the file cannot be written.

    Source:
        Arguments as in `torch.onnx.export`.

    Example:
        >>> import io, numpy as np, onnx, nn, nn.onnx
        >>> file = io.BytesIO()
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> nn.onnx.export(model, np.ones((3, 4), np.float32), file, dynamic_axes={"input_0": [0]})
        >>> [node.op_type for node in onnx.load_from_string(file.getvalue()).graph.node]
        ['Gemm', 'Relu', 'Gemm']
    """
    if not isinstance(model, Module):
        raise DTypeError(f"onnx.export(model): expected a Module, got {type(model).__name__}")
    if not OLDEST <= opset_version <= NEWEST:
        raise OptionError(f"onnx.export(opset_version={opset_version}): expected {OLDEST} to {NEWEST}")
    given = args if isinstance(args, tuple) else (args,)
    arrays = [x.numpy() if isinstance(x, ag.Tensor) else np.asarray(x) for x in tree.flatten(given)[0]]
    names = _names("input", input_names, len(arrays))
    axes = _axes(dynamic_axes or {}, names, arrays, output_names)
    with evaluating(model):
        try:
            recorded = record(model, arrays, list(axes))
            made = _graph(model, recorded, names, arrays, axes, output_names, opset_version)
        except UnsupportedError as error:
            raise UnsupportedError(f"{error}{_layer(model, arrays)}") from error
    onnx.checker.check_model(made, full_check=True)
    _write(made.SerializeToString(), f)


def _names(what: str, given: Sequence[str] | None, n: int) -> list[str]:
    names = list(given or ()) or [f"{what}_{i}" for i in range(n)]
    if len(names) != n or len(set(names)) != n:
        raise OptionError(
            f"onnx.export({what}_names={given!r}): expected {n} different names, one for each {what}"
        )
    return names


def _axes(
    given: Mapping[str, Any], names: Sequence[str], arrays: Sequence[Any], outputs: Sequence[str] | None
) -> dict[Axis, str]:
    """The dynamic axes of the inputs and their names."""
    found: dict[Axis, str] = {}
    for name, axes in given.items():
        if name not in names:
            if name in (outputs or ()) or (outputs is None and name.startswith("output_")):
                continue  # its sizes follow from those of the inputs
            raise OptionError(f"onnx.export(dynamic_axes): there is no {name!r}; the inputs are {names}")
        i = names.index(name)
        pairs = axes.items() if isinstance(axes, Mapping) else ((a, f"{name}_{a}") for a in axes)
        for axis, label in pairs:
            if not -arrays[i].ndim <= axis < arrays[i].ndim:
                raise OptionError(
                    f"onnx.export(dynamic_axes): {name} has shape {arrays[i].shape}, no axis {axis}"
                )
            found[i, axis % arrays[i].ndim] = label
    return found


def _graph(
    model: Module,
    recorded: Recorded,
    names: Sequence[str],
    arrays: Sequence[Any],
    axes: dict[Axis, str],
    output_names: Sequence[str] | None,
    opset: int,
) -> Any:
    """The ONNX model of a recording."""
    graph = Graph(recorded.kinds, names, opset)
    graph.names.update({str(slot): name for slot, name in zip(recorded.inputs, names, strict=True)})
    graph.names.update({str(slot): key for slot, key in recorded.places.items()})
    for step in recorded.steps:
        _add(graph, step)
    outputs = [graph.value(slot) for slot in recorded.outputs]
    ends = _names("output", output_names, len(outputs))
    nodes = _alive(_ended(graph.nodes, outputs, ends), ends)
    read = {name for node in nodes for name in node.input}
    held = {key: np.asarray(v) for key, v in recorded.values.items() if key in read}
    weights = [numpy_helper.from_array(v, key) for key, v in held.items()]
    constants = [tensor for name, tensor in graph.constants.items() if name in read]
    inputs = [
        helper.make_tensor_value_info(
            name, dtype_code(x.dtype), [axes.get((i, k), size) for k, size in enumerate(x.shape)]
        )
        for i, (name, x) in enumerate(zip(names, arrays, strict=True))
    ]
    results = [
        helper.make_tensor_value_info(
            end,
            dtype_code(recorded.kinds[slot][1]),
            [_label(n, axes, f"{end}_{k}") for k, n in enumerate(shape)],
        )
        for end, slot, shape in zip(ends, recorded.outputs, recorded.shapes, strict=True)
    ]
    body = helper.make_graph(nodes, type(model).__name__, inputs, results, [*weights, *constants])
    return helper.make_model(
        body, producer_name="autograd-lite", opset_imports=[helper.make_opsetid("", opset)], ir_version=8
    )


def _label(size: Any, axes: dict[Axis, str], name: str) -> Any:
    """The length of an axis of a result: a number, the name of a dynamic axis, or a name of its own."""
    if not isinstance(size, Size):
        return int(size)
    ((axis, slope), *others) = size.slopes.items()
    return axes[axis] if (size.base, slope, others) == (0, 1, []) else name


def _add(graph: Graph, step: Step) -> None:
    form = FORMS.get(step.name)
    if form is None:
        raise UnsupportedError(f"onnx.export: {step.name}, at {step.line}, has no ONNX form")
    made = form(graph, step)
    for slot, name in zip(step.results, made if isinstance(made, list) else [made], strict=False):
        graph.names[slot] = name


def _ended(nodes: Sequence[Any], outputs: Sequence[str], ends: Sequence[str]) -> list[Any]:
    """The nodes, which give the outputs the names of the ends."""
    made = {name for node in nodes for name in node.output}
    names = {o: e for o, e in zip(outputs, ends, strict=True) if o in made and outputs.count(o) == 1}
    for node in nodes:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    others = [
        helper.make_node("Identity", [o], [e]) for o, e in zip(outputs, ends, strict=True) if o not in names
    ]
    return [*nodes, *others]


def _alive(nodes: Sequence[Any], ends: Sequence[str]) -> list[Any]:
    """The nodes that the ends need."""
    needed, found = set(ends), []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            found.append(node)
            needed.update(node.input)
    return found[::-1]


def _layer(model: Module, arrays: Sequence[Any]) -> str:
    """The innermost layer whose own export fails, in words."""
    calls: list[tuple[str, Module, Any]] = []
    handles = [
        module.register_forward_pre_hook(lambda m, given, path=path: calls.append((path, m, given)))
        for path, module in model.named_modules()
        if path
    ]
    try:
        with ag.no_grad():
            model(*arrays)
    finally:
        for handle in handles:
            handle.remove()
    for path, module, given in reversed(calls):
        try:
            inputs = [x.numpy() if isinstance(x, ag.Tensor) else np.asarray(x) for x in given]
            recorded = record(module, inputs, [])
            _graph(module, recorded, [f"i{k}" for k in range(len(inputs))], inputs, {}, None, OLDEST)
        except UnsupportedError:
            return f"; the layer is {path}, a {type(module).__name__}"
        except Exception:
            continue
    return ""


def _write(content: bytes, f: Any) -> None:
    if hasattr(f, "write"):
        f.write(content)
        return
    path = files.checked_path("onnx.export", f)
    try:
        files.write(path, content)
    except OSError as error:
        raise FileError(f"could not write {os.fspath(f)!r}: {error.strerror}") from error
