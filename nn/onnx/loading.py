"""Read an ONNX file as a module."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

import autograd_lite as ag
from autograd_lite.errors import DataFileError, FileError, OptionError, UnsupportedError

from ..module import Module
from ..parameter import Parameter
from .operators import OPERATORS

__all__ = ["OnnxModule", "load"]


class OnnxModule(Module):
    """A module that computes what an ONNX file says; its floating-point initializers are parameters.

    Attributes:
        input_names, output_names: in the file.
    """

    def __init__(self, graph: Any) -> None:
        super().__init__()
        self.output_names = [value.name for value in graph.output]
        self._constants: dict[str, Any] = {}
        self._places: dict[str, tuple[Module, str]] = {}
        for tensor in graph.initializer:
            array = numpy_helper.to_array(tensor)
            if array.dtype.kind == "f" and not tensor.name.startswith("constant_"):
                self._hold(tensor.name, Parameter(np.array(array)))
            else:
                self._constants[tensor.name] = np.array(array)
        known = {tensor.name for tensor in graph.initializer}
        self.input_names = [value.name for value in graph.input if value.name not in known]
        self._nodes = [
            (
                node.op_type,
                list(node.input),
                list(node.output),
                {a.name: _attribute(a) for a in node.attribute},
            )
            for node in graph.node
        ]

    def _hold(self, name: str, parameter: Parameter) -> None:
        """Register a parameter under the key that its name is: `0.weight` in a module `0`."""
        *path, last = name.split(".")
        home: Module = self
        for part in path:
            if home._modules.get(part) is None:
                home.add_module(part, Module())
            home = getattr(home, part)
        home.register_parameter(last, parameter)
        self._places[name] = home, last

    def forward(self, *inputs: Any) -> Any:
        """The outputs of the graph: one, or a tuple."""
        if len(inputs) != len(self.input_names):
            raise OptionError(
                f"this model takes {len(self.input_names)} inputs: {', '.join(self.input_names)}"
            )
        values: dict[str, Any] = {"": None, **self._constants}
        values.update(zip(self.input_names, map(_tensor, inputs), strict=True))
        values.update((name, getattr(home, last)) for name, (home, last) in self._places.items())
        for kind, needs, makes, options in self._nodes:
            result = OPERATORS[kind]([values[name] for name in needs], options)
            results = result if isinstance(result, tuple) else (result,)
            values.update(zip(makes, results, strict=False))
        outputs = tuple(_tensor(values[name]) for name in self.output_names)
        return outputs[0] if len(outputs) == 1 else outputs

    def extra_repr(self) -> str:
        """The inputs and outputs."""
        return f"{', '.join(self.input_names)} -> {', '.join(self.output_names)}"


def load(f: Any) -> OnnxModule:
    """Read an ONNX file as a module, which has gradients and can be trained on.

    Initializers of floating-point numbers become parameters, under the keys that are their names. The
    operators are those that `nn.onnx.export` writes.

    Args:
        f: a path, or a file that is open for reading bytes.

    Raises:
        FileError: the file cannot be read.
        DataFileError: the file is damaged.
        UnsupportedError: an operator is not known.

    Example:
        >>> import io, numpy as np, nn, nn.onnx
        >>> file, model, x = io.BytesIO(), nn.Sequential(nn.Linear(4, 2)), np.ones((3, 4), np.float32)
        >>> nn.onnx.export(model, x, file)
        >>> _ = file.seek(0)
        >>> again = nn.onnx.load(file)
        >>> sorted(again.state_dict()), bool(np.allclose(again(x).numpy(), model(x).numpy()))
        (['0.bias', '0.weight'], True)
    """
    name = os.fspath(f) if isinstance(f, (str, os.PathLike)) else "the file"
    try:
        content = f.read() if hasattr(f, "read") else Path(f).read_bytes()
    except OSError as error:
        raise FileError(f"could not read {name!r}: {error.strerror}") from error
    try:
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model)
    except Exception as error:
        raise DataFileError(f"onnx.load: {name} is no valid ONNX file: {error}") from error
    unknown = sorted({node.op_type for node in model.graph.node} - OPERATORS.keys())
    if unknown:
        raise UnsupportedError(f"onnx.load: the operators {', '.join(unknown)} are not known")
    return OnnxModule(model.graph)


def _tensor(x: Any) -> Any:
    return x if isinstance(x, ag.Tensor) else ag.Tensor(np.asarray(x))


def _attribute(attribute: Any) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Sequence):
        return [item.decode() if isinstance(item, bytes) else item for item in value]
    return value
