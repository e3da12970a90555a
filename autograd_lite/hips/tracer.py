"""Values on the tape, and functions that the tape sees as one step.

A *box* of HIPS/autograd is a Tensor here. A container holds its boxes in the open: a list of parameters is a
list of Tensors.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from .. import tree
from ..aliases import Function
from ..apply import primitive as op_of
from ..arrays import is_array
from ..calls import boxes
from ..errors import NotDifferentiableError, UnsupportedError
from ..known import Rule, known
from ..node import op_name
from ..tape import Tape
from ..tensor import Tensor
from ..words.explain import describe

__all__ = ["Box", "Node", "getval", "isbox", "notrace_primitive", "primitive", "rules_of", "trace"]

Box = Tensor

NAMES = ("__module__", "__name__", "__qualname__", "__doc__")
"""What a wrapper copies. Python 3.12.1 cannot copy the `__type_params__` of the function `type`."""


def isbox(x: Any) -> bool:
    """Whether x is a Tensor, or a container that holds one."""
    return isinstance(x, Tensor) or any(True for _ in boxes(x))


def getval(x: Any) -> Any:
    """The plain value: an array for a Tensor, a number for a 0-d one; containers keep their structure."""
    if isinstance(x, Tensor):
        return x.numpy()[()]
    return tree.map_leaves(getval, x) if isbox(x) else x


def notrace_primitive(function: Function) -> Function:
    """A function of plain values: Tensors are replaced by their values, and nothing is recorded."""

    @functools.wraps(function, NAMES, updated=())
    def plain(*args: Any, **kwargs: Any) -> Any:
        return function(*map(getval, args), **kwargs)

    return plain


class Call:
    """The arguments of one call of a primitive: its arrays, and how they lie in the arguments.

    Args:
        args: the arguments: arrays, Tensors, containers of them, and any other objects.
        kwargs: the keyword arguments.

    Attributes:
        arrays: the arrays and Tensors among the leaves of `args`. They are the inputs of the step.
        rebuild_out: puts the results of the step into the container that the function returned.
    """

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.kwargs = kwargs
        self.leaves, self.rebuild = tree.flatten(args)
        self.owners = [i for i, arg in enumerate(args) for _ in tree.flatten(arg)[0]]
        self.places = [
            k for k, x in enumerate(self.leaves) if isinstance(x, Tensor) or (is_array(x) and _is_numeric(x))
        ]
        self.arrays = [self.leaves[k] for k in self.places]
        self.leaves = [None if k in self.places else x for k, x in enumerate(self.leaves)]
        self.rebuild_out: Function | None = None

    def args(self, arrays: Iterable[Any]) -> tuple[Any, ...]:
        """The arguments with these arrays."""
        leaves = list(self.leaves)
        for k, x in zip(self.places, arrays, strict=True):
            leaves[k] = x
        return self.rebuild(leaves)  # type: ignore[no-any-return]

    def out(self, results: Any) -> Any:
        """The results of the step as the function returned them."""
        return results if self.rebuild_out is None else self.rebuild_out(results)

    def wanted(self, needs: Sequence[bool]) -> list[int]:
        """The indices of the arguments that a cotangent is needed for."""
        return list(dict.fromkeys(self.owners[k] for k, need in zip(self.places, needs, strict=True) if need))

    def spread(self, cotangents: dict[int, Any], arrays: Sequence[Any]) -> list[Any]:
        """The cotangents of the arguments as those of the arrays; None where none is needed."""
        flat = {i: iter(tree.flatten(c)[0]) for i, c in cotangents.items()}
        leaves = [next(flat[i], None) if i in flat else None for i in self.owners]
        return [_filled(leaves[k], x) for k, x in zip(self.places, arrays, strict=True)]


def _is_numeric(x: Any) -> bool:
    return x.dtype.kind in "biufc"


def _filled(cotangent: Any, x: Any) -> Any:
    """A cotangent given as a Python number, as in `lambda g: 0`, in the shape of its argument."""
    return x * 0 + cotangent if isinstance(cotangent, (int, float)) else cotangent


def primitive(function: Function) -> Function:
    """Make of a function one step of the tape; `defvjp` of `extend` gives its derivative.

    Args:
        function: computes with plain arrays. Its arguments and its result may be nested tuples, lists and
            dicts of arrays. Other arguments, such as functions, are passed on.

    Raises:
        UnsupportedError: Tensors both among the positional and the keyword arguments.
        NotDifferentiableError: in the backward pass, if the function has no rule.

    Example:
        >>> from autograd_lite.hips import grad, numpy as np
        >>> from autograd_lite.hips.extend import defvjp, primitive
        >>> @primitive
        ... def logsumexp(x):
        ...     top = np.max(x)
        ...     return top + np.log(np.sum(np.exp(x - top)))
        >>> defvjp(logsumexp, lambda ans, x: lambda g: g * np.exp(x - ans))
        >>> grad(logsumexp)(np.array([0.0, 0.0]))
        array([0.5, 0.5])
    """

    @functools.wraps(function, updated=())
    def step(*arrays: Any, _call: Call) -> Any:
        value = function(*_call.args(arrays), **_call.kwargs)
        if isinstance(value, (tuple, list, dict)):
            leaves, _call.rebuild_out = tree.flatten(value)
            return tuple(leaves)
        return value

    op = op_of(step)

    @functools.wraps(function, updated=())
    def called(*args: Any, **kwargs: Any) -> Any:
        if not isbox(args):
            return function(*args, **kwargs)
        if isbox(kwargs):
            raise UnsupportedError(
                f"{op_name(op)}: Tensors are positional arguments of a primitive; the keyword arguments are "
                f"{', '.join(f'{key}={describe(value)}' for key, value in kwargs.items())}"
            )
        call = Call(args, kwargs)
        return call.out(op(*call.arrays, _call=call))

    rules = _Rules(called)
    called._rules = rules  # type: ignore[attr-defined]

    def joint(g: Any, y: Any, *arrays: Any, _call: Call, needs: Sequence[bool]) -> list[Any]:
        wanted, args = _call.wanted(needs), _call.args(arrays)
        sent = rules.pull(wanted, _call.out(g), _call.out(y), args, _call.kwargs)
        return _call.spread(dict(zip(wanted, sent, strict=True)), arrays)

    known[op] = Rule(joint=joint)
    return called


class _Rules:
    """The derivative of a primitive: reverse mode, or else forward mode, which reverse mode is made of.

    Attributes:
        vjp: `vjp(argnums, ans, args, kwargs)` returns a function from g to the cotangents; None if not given.
        transposed: `transposed(argnums, g, ans, args, kwargs)`, the same from a rule of forward mode.
    """

    vjp: Function | None = None
    transposed: Function | None = None

    def __init__(self, function: Function) -> None:
        self.name = op_name(function)

    def pull(
        self, argnums: Sequence[int], g: Any, ans: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> list[Any]:
        """The cotangents of some arguments."""
        if self.vjp is not None:
            return list(self.vjp(tuple(argnums), ans, args, kwargs)(g))
        if self.transposed is not None:
            return list(self.transposed(tuple(argnums), g, ans, args, kwargs))
        raise NotDifferentiableError(
            f"the primitive {self.name} has no derivative; write defvjp({self.name}, "
            "lambda ans, x: lambda g: g * ...), one rule for each argument"
        )


def rules_of(function: Function) -> Any:
    """The rules of a primitive; None for another function."""
    return getattr(function, "_rules", None)


# -- programs that read the graph ------------------------------------------------------------------


class Node:
    """A step as `trace` tells it to a program: the program derives a class, and sets what it needs."""

    def __init__(
        self,
        value: Any,
        fun: Function,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        parent_argnums: tuple[int, ...],
        parents: tuple[Any, ...],
    ) -> None:
        """Called for each step that depends on the argument.

        Args:
            value: the result of the step.
            fun: the function, with its `__name__`.
            args, kwargs: its arguments, as plain values.
            parent_argnums: the indices of the arguments that depend on the argument of the trace.
            parents: the nodes of these arguments.
        """
        raise NotImplementedError

    def initialize_root(self, *args: Any, **kwargs: Any) -> None:
        """Called for the node of the argument, with the arguments of `new_root`."""
        raise NotImplementedError

    @classmethod
    def new_root(cls, *args: Any, **kwargs: Any) -> Any:
        """The node of the argument."""
        root = cls.__new__(cls)
        root.initialize_root(*args, **kwargs)
        return root


def trace(start_node: Any, fun: Function, x: Any) -> tuple[Any, Any]:
    """Call `fun(x)`, and make a node of the class of `start_node` for each step that depends on x.

    Returns:
        The value, and its node; None as the node of a value that does not depend on x.

    Example:
        >>> import numpy as np
        >>> class Named(Node):
        ...     def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        ...         self.text = f"{fun.__name__}({', '.join(p.text for p in parents)})"
        ...     def initialize_root(self):
        ...         self.text = "x"
        >>> trace(Named.new_root(), lambda x: np.sin(x) * x, 0.0)[1].text
        'multiply(sin(x), x)'
    """
    leaves = tree.map_leaves(lambda v: v if isbox(v) else Tensor(v, requires_grad=True), x)
    nodes = {leaf.node: start_node for leaf in tree.flatten(leaves)[0]}
    with Tape() as tape:
        end = fun(leaves)
        steps = list(tape.nodes)
    for step in steps:
        argnums = tuple(i for i, parent in enumerate(step.inputs) if parent in nodes)
        if argnums:
            parents = tuple(nodes[step.inputs[i]] for i in argnums)
            made = type(start_node)(step.value, step.op, step.args, step.kwargs or {}, argnums, parents)
            nodes[step] = made
    return getval(end), nodes.get(end.node) if isinstance(end, Tensor) else None
