"""`grad_fn`: the step that computed a Tensor, under PyTorch's names, for programs that walk the graph."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from autograd_lite import Node
from autograd_lite.errors import MissingAttributeError, UnsupportedError

__all__ = ["GradFn", "grad_fn_of"]

_SHORT = {
    "multiply": "Mul",
    "subtract": "Sub",
    "divide": "Div",
    "true_divide": "Div",
    "power": "Pow",
    "negative": "Neg",
    "absolute": "Abs",
    "matmul": "Mm",
    "concatenate": "Cat",
    "getitem": "Select",
    "reshape": "View",
    "linear": "Addmm",
}
"""The names of ops that PyTorch calls otherwise."""


class GradFn:
    """A view of one step: what PyTorch's graph nodes tell.

    Attributes:
        node: the step.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.tensor(2.0, requires_grad=True)
        >>> fn = (x * x).grad_fn
        >>> fn.name(), [parent.name() for parent, _ in fn.next_functions]
        ('MulBackward0', ['AccumulateGrad', 'AccumulateGrad'])
    """

    def __init__(self, node: Node, made: Callable[[Any], Any]) -> None:
        self.node, self._made = node, made

    def name(self) -> str:
        """The name of the step, as PyTorch writes it: `MulBackward0`; `AccumulateGrad` for a leaf."""
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """For each input the step that computed it, and the index of its result; None for a constant."""
        steps = [(_whole(x) if isinstance(x, Node) else (None, 0)) for x in self.node.inputs]
        return tuple([(None if node is None else grad_fn_of(node, self._made), i) for node, i in steps])

    @property
    def variable(self) -> Any:
        """The Tensor of a leaf."""
        if self.node.op is not None:
            raise MissingAttributeError(f"{self.name()} has no variable: only AccumulateGrad has one")
        tensor = self._made(self.node.value)
        tensor.node = self.node
        return tensor

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Not available: a hook belongs to a Tensor."""
        raise UnsupportedError("grad_fn.register_hook: write y.register_hook(hook) on the Tensor y")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GradFn) and other.node is self.node

    def __hash__(self) -> int:
        return hash(self.node)

    def __repr__(self) -> str:
        return f"<{self.name()} of step {self.node.index}>"


def grad_fn_of(node: Node, made: Callable[[Any], Any]) -> GradFn:
    """The view of a step or a leaf; `made` makes a Tensor of an array."""
    return _kind(_name(node))(_whole(node)[0], made)


def _whole(node: Node) -> tuple[Node, int]:
    """The step itself and the index of the result, if `node` only selects one of several results."""
    if getattr(node.op, "__name__", None) == "output" and isinstance(node.inputs[0], Node):
        return node.inputs[0], node.args[1]
    return node, 0


def _name(node: Node) -> str:
    node = _whole(node)[0]
    if node.op is None:
        return "AccumulateGrad"
    name = getattr(node.op, "__name__", "op")
    if name.endswith("Backward"):  # a Function
        return name
    return f"{_SHORT.get(name) or ''.join(word.capitalize() for word in name.split('_'))}Backward0"


@functools.cache
def _kind(name: str) -> type[GradFn]:
    """A class of its own for each name, since programs print `type(y.grad_fn).__name__`."""
    return type(name, (GradFn,), {})
