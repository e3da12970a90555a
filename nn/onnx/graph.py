"""An ONNX graph in the making: nodes, constants, and sizes that are known only when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

from .steps import Axis, Counted, Filled, Size, Slot, Triangle

__all__ = ["Graph", "dtype_code"]

Array = npt.NDArray[Any]


def dtype_code(dtype: Any) -> int:
    """ONNX's number of a dtype."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


class Graph:
    """Nodes and constants.

    Args:
        kinds: (shape, dtype) of the values.
        inputs: the names of the inputs, in order, for sizes of their axes.
        opset: the version of the operators.
    """

    def __init__(self, kinds: dict[Slot, Any], inputs: Sequence[str], opset: int) -> None:
        self.kinds, self.inputs, self.opset = kinds, inputs, opset
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}
        self.names: dict[str, str] = {}
        self._made: dict[Any, str] = {}
        self._count = 0

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; returns the name of its output, or a list of names."""
        self._count += 1
        names = [f"{kind}_{self._count}" + (f"_{i}" if i else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, array: Any) -> str:
        """The name of a constant; equal ones are one."""
        array = np.asarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._made:
            name = f"constant_{len(self.constants)}"
            self.constants[name] = numpy_helper.from_array(
                np.ascontiguousarray(array).reshape(array.shape), name
            )
            self._made[key] = name
        return self._made[key]

    def dtype_of(self, x: Any) -> np.dtype[Any] | None:
        """The dtype of an operand; None for a Python number, which takes that of the others."""
        if isinstance(x, Slot):
            known: np.dtype[Any] = self.kinds[x][1]
            return known
        if isinstance(x, Filled):
            return np.asarray(x.value).dtype
        if isinstance(x, Triangle):
            return np.asarray(x.above).dtype
        if isinstance(x, (Counted, np.ndarray, np.generic)):
            return np.dtype(x.dtype)
        return None

    def value(self, x: Any, dtype: Any = None) -> str:
        """The name of an operand, cast to a dtype."""
        own = self.dtype_of(x)
        if isinstance(x, Slot):
            name = self.names.get(x, x)
        elif isinstance(x, Size):
            name = self.op("Squeeze", self._size(x), self.constant(np.array([0])))
            own = np.dtype(np.int64)
        elif isinstance(x, Filled):
            fill = numpy_helper.from_array(np.array([x.value]), "value")
            name = self.op("ConstantOfShape", self.ints(x.shape), value=fill)
        elif isinstance(x, Triangle):
            ones = numpy_helper.from_array(np.array([1], np.float32), "value")
            whole = self.op("ConstantOfShape", self.ints(x.shape), value=ones)
            above = self.op("Cast", self.op("Trilu", whole, self.constant(np.array(1)), upper=1), to=9)
            name = self.op("Where", above, self.constant(x.above), self.constant(x.elsewhere))
        elif isinstance(x, Counted):
            stop = self.op("Squeeze", self._size(x.stop), self.constant(np.array([0])))
            name = self.op("Range", self.constant(np.array(0)), stop, self.constant(np.array(1)))
            own = np.dtype(np.int64)
        else:
            return self.constant(np.asarray(x, dtype))
        if dtype is not None and own != np.dtype(dtype):
            return str(self.op("Cast", name, to=dtype_code(dtype)))
        return str(name)

    # -- sizes -------------------------------------------------------------------------------------

    def ints(self, values: Sequence[Any]) -> str:
        """A vector of int64, some of which may depend on dynamic axes."""
        if not any(isinstance(v, Size) for v in values):
            return self.constant(np.array([int(v) for v in values], np.int64))
        parts = [self._size(v) if isinstance(v, Size) else self.constant(np.array([int(v)])) for v in values]
        return str(self.op("Concat", *parts, axis=0)) if len(parts) > 1 else parts[0]

    def shape(self, values: Sequence[Any]) -> str:
        """A shape for Reshape: one entry that is not known is -1."""
        unknown = sum(isinstance(v, Size) for v in values)
        free = unknown == 1 and -1 not in [v for v in values if not isinstance(v, Size)]
        return self.ints([-1 if free and isinstance(v, Size) else v for v in values])

    def _size(self, size: Size) -> str:
        """A vector of one entry."""
        key = ("size", size.base, tuple(sorted(size.slopes.items())))
        if key not in self._made:
            total: str | None = None
            for axis, slope in size.slopes.items():
                part = self._axis(axis)
                if slope != 1:
                    part = self.op("Mul", part, self.constant(np.array([slope])))
                total = part if total is None else self.op("Add", total, part)
            if size.base or total is None:
                base = self.constant(np.array([size.base]))
                total = base if total is None else self.op("Add", total, base)
            self._made[key] = total
        return self._made[key]

    def _axis(self, axis: Axis) -> str:
        key = ("axis", axis)
        if key not in self._made:
            shape = self.op("Shape", self.inputs[axis[0]])
            self._made[key] = self.op("Gather", shape, self.constant(np.array([axis[1]])), axis=0)
        return self._made[key]
