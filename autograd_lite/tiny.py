"""`Value`: a single number with a gradient, for programs in the manner of micrograd.

Such a program builds its graph number by number. It runs with this import in the place of its own class::

    from autograd_lite.tiny import MLP, Value

A Value is a Tensor that holds one number. `data` and `grad` are floats, and `grad` is 0.0 before the first
backward pass. So `visualize.draw(loss)` shows every number, and `ag.compile` replays a training step.

>>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
>>> f = (a * b + 10).relu() ** 2
>>> f.backward()
>>> f.data, a.grad, b.grad
(16.0, -24.0, 16.0)
>>> a.data -= 0.1 * a.grad
>>> a
Value(data=4.4, grad=-24.0)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from .apply import apply
from .arrays import is_number, on_host
from .box import Box, in_class, lift
from .errors import NotDifferentiableError, ShapeError, UnsupportedError
from .known import Rule, is_built_in, known
from .node import Node, op_name
from .recording import tracing
from .tensor import Tensor
from .transforms import grad as gradient
from .words.explain import describe

__all__ = ["MLP", "Layer", "Module", "Neuron", "Value"]

SYMBOLS: dict[Any, str] = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.negative: "-"}
"""What programs of this kind call an op; other ops have their own names."""

_values: WeakValueDictionary[Node, Value] = WeakValueDictionary()
"""One Value for each step that a program reaches through `_prev`: programs tell them apart by `id`."""


class Value(Tensor):
    """A single number that remembers how it was computed.

    Args:
        data: the number.
        _children: the Values that a program has computed `data` from; empty for an input.
        _op: the name of that computation, or the derivative of `data` by each child.
        label: the name in pictures.
        local_grads: the derivative of `data` by each child. Without them the program sets `_backward`, a
            function that adds to the `grad` of each child.

    Attributes:
        data: the number, a float. `p.data -= 0.1 * p.grad` is an update.
        grad: the derivative of the last output that went backward, a float.

    Raises:
        ShapeError: `data` is no single number, or there is not one derivative for each child.

    Example:
        >>> import math
        >>> x = Value(0.5)
        >>> y = Value(math.sin(x.data), (x,), local_grads=(math.cos(x.data),))
        >>> (2 * y).backward()
        >>> x.grad == 2 * math.cos(0.5)
        True
    """

    __slots__ = ()

    def __init__(
        self,
        data: Any,
        _children: Sequence[Any] = (),
        _op: Any = "",
        label: str = "",
        *,
        children: Sequence[Any] = (),
        local_grads: Sequence[Any] = (),
    ) -> None:
        super().__init__(data, requires_grad=True, dtype=np.float64)
        if self.shape:
            raise ShapeError(f"Value({describe(data)}): expected one number; for an array write ag.Tensor(x)")
        children = tuple(_children or children)
        if not isinstance(_op, str):
            _op, local_grads = "", _op
        if children:
            self.node = apply(_own(_op, self._data, len(children), local_grads), *children).node
        self.label = label

    # -- data and gradient -------------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The number."""
        return _number(self._data)

    @data.setter
    def data(self, value: Any) -> None:
        Box.data.__set__(self, float(value) if isinstance(value, int) else value)  # type: ignore[attr-defined]

    @property
    def grad(self) -> Any:
        """The derivative of the last output that went backward; the sum over the passes for an input."""
        node = self.node
        if node is None:
            return 0.0
        if node.op is None:
            return 0.0 if node.grad is None else _number(node.grad._data)
        return 0.0 if node.adjoint is None else _number(node.adjoint)

    @grad.setter
    def grad(self, value: Any) -> None:
        node = self._on_tape("grad")
        none = value is None or (isinstance(value, (int, float)) and value == 0)
        value = None if none else np.float64(value) if isinstance(value, (int, float)) else value
        if node.op is None:
            Box.grad.__set__(self, value)  # type: ignore[attr-defined]
        node.adjoint = value

    def backward(
        self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False
    ) -> None:
        """Play the tape backwards. The graph stays, for pictures and for another pass; a plan needs none."""
        retain = tracing.get() is None if retain_graph is None else retain_graph
        super().backward(gradient, retain, create_graph)

    # -- the graph ---------------------------------------------------------------------------------

    @property
    def label(self) -> str:
        """The name in pictures."""
        return self.name or ""

    @label.setter
    def label(self, label: str) -> None:
        self.name = label or None

    @property
    def _op(self) -> str:
        """The name of the op: `+`, `*`, `**2`, `tanh`; empty for an input."""
        node = self.node
        op = None if node is None else node.op
        if node is None or op is None:
            return ""
        if op is np.power and not isinstance(node.inputs[1], Node):
            return f"**{node.args[1]}"
        return SYMBOLS.get(op) or op_name(op)

    @property
    def _children(self) -> tuple[Value, ...]:
        """What the op has got, in order; a number among its arguments is a Value here."""
        return tuple([self._child(i) for i in self._places()])

    @property
    def _prev(self) -> set[Value]:
        """The set of `_children`."""
        return set(self._children)

    @property
    def _local_grads(self) -> tuple[float, ...]:
        """The derivative of this number by each of `_children`."""
        places, node = self._places(), self.node
        if node is None or not places:
            return ()
        return tuple(_slopes(node, tuple(places)))

    @property
    def _backward(self) -> Callable[[], None]:
        """What adds to the gradients of `_children`, with the gradient that this Value has now."""

        def sent() -> None:
            for child, slope in zip(self._children, self._local_grads, strict=True):
                child.grad += slope * self.grad

        return sent

    @_backward.setter
    def _backward(self, backward: Callable[[], None]) -> None:
        op = None if self.node is None else self.node.op
        if op is None:  # an input sends nothing
            return
        if is_built_in(op):
            raise UnsupportedError(
                f"_backward: {op_name(op)} has a rule already; make a step of your own: "
                f"Value(data, children, {self._op!r})"
            )
        children = self._children

        def joint(g: Any, y: Any, *_: Any) -> tuple[float, ...]:
            """What the program's function adds to the gradients of the children, which stay as they are."""
            before = self.grad, [child.grad for child in children]
            self.grad = g
            for child in children:
                child.grad = 0.0
            backward()
            self.grad, sent = before[0], []
            for child in children:
                sent.append(child.grad)  # a child that is there twice gets all at once
                child.grad = 0.0
            for child, had in zip(children, before[1], strict=True):
                child.grad = had
            return tuple(sent)

        known[op] = Rule(joint=joint)

    def _places(self) -> list[int]:
        """The arguments that count as children: an exponent that is a number does not."""
        node = self.node
        if node is None or node.op is None:
            return []
        fixed = node.op is np.power and not isinstance(node.inputs[1], Node)
        return [0] if fixed else list(range(len(node.args)))

    def _child(self, i: int) -> Value:
        """An argument of the op as a Value."""
        node: Any = self.node
        parent = node.inputs[i]
        if isinstance(parent, Node):
            found = _values.get(parent)
            if found is None:
                found = _values[parent] = in_class(type(self), lift(parent.value, parent))
            return found
        child = Value(parent)
        if node.adjoint is not None:
            child.grad = float(node.adjoint) * _slopes(node, i)
        return child

    # -- as an object ------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        """Whether both are the same step: programs collect Values in sets."""
        return self is other or (
            isinstance(other, Value) and self.node is not None and self.node is other.node
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.node) if self.node is not None else object.__hash__(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(data={self.data}, grad={self.grad})"


for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "pow",
):  # `loss += x` names a new Value: an input stays as it is
    setattr(Value, f"__i{_name}__", getattr(Tensor, f"__{_name}__"))


def _number(value: Any) -> Any:
    """A float; while a plan is made, the traced number."""
    return float(value) if on_host(value) and is_number(value) else value


def _slopes(node: Node, places: Any) -> Any:
    """The local derivatives of a step by the arguments at these places, numbers included."""
    assert node.op is not None
    return gradient(partial(apply, node.op), places)(*map(float, node.args))


def _own(name: str, data: Any, count: int, local_grads: Sequence[Any]) -> Callable[..., Any]:
    """The op of a Value that a program has computed itself."""
    if local_grads and len(local_grads) != count:
        raise ShapeError(
            f"Value(data, children, local_grads): {len(local_grads)} derivatives for {count} children; "
            "give one for each"
        )

    def own(*children: Any) -> Any:
        return data

    def joint(g: Any, y: Any, *children: Any) -> tuple[Any, ...]:
        if not local_grads:
            raise NotDifferentiableError(
                f"Value(data, children, {name!r}) has no derivative: set out._backward to a function that "
                "adds to child.grad, or write Value(data, children, local_grads=(...))"
            )
        return tuple([g * slope for slope in local_grads])

    own.__name__ = name or "value"
    own.__module__ = "__main__"  # the rule of a program's op is freed with the op
    known[own] = Rule(joint=joint)
    return own


# -- networks --------------------------------------------------------------------------------------


class Module:
    """What has parameters."""

    __plan_inside__ = True

    def parameters(self) -> list[Value]:
        """All weights and biases."""
        return []

    def zero_grad(self) -> None:
        """Set all gradients to 0."""
        for p in self.parameters():
            p.grad = 0.0


class Neuron(Module):
    """A weighted sum of the inputs and a bias, then relu.

    Args:
        nin: the number of inputs.
        nonlin: whether relu follows. Weights are drawn by `random.uniform(-1, 1)`; the bias is 0.
    """

    def __init__(self, nin: int, nonlin: bool = True) -> None:
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0.0)
        self.nonlin = nonlin

    def __call__(self, x: Sequence[Any]) -> Value:
        z = sum((w * v for w, v in zip(self.w, x, strict=True)), self.b)
        return z.relu() if self.nonlin else z

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons with the same inputs.

    Args:
        nin: the number of inputs.
        nout: the number of neurons. One neuron gives a Value, several give a list.
        options: those of `Neuron`.
    """

    def __init__(self, nin: int, nout: int, **options: Any) -> None:
        self.neurons = [Neuron(nin, **options) for _ in range(nout)]

    def __call__(self, x: Sequence[Any]) -> Any:
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """Layers one after another, with relu after all but the last.

    Args:
        nin: the number of inputs.
        nouts: the number of neurons of each layer.

    Example:
        >>> import random
        >>> random.seed(0)
        >>> model = MLP(2, [4, 1])
        >>> len(model.parameters()), round(model([1.0, -1.0]).data, 4)
        (17, 0.2284)
    """

    def __init__(self, nin: int, nouts: Sequence[int]) -> None:
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [Layer(sizes[i], sizes[i + 1], nonlin=i != last) for i in range(len(nouts))]

    def __call__(self, x: Sequence[Any]) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> list[Value]:
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"
