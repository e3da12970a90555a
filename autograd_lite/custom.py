"""Functions whose derivative is written by hand: from the residuals of the forward pass, or as one step."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import MethodType
from typing import Any

import numpy as np

from . import tree
from .aliases import NUMBERS, Function
from .apply import as_value, record_result, unrecorded, unrecorded_result
from .arrays import is_array, refuse_other_arithmetic, unwrap
from .box import in_class, wrap
from .errors import BatchError, ShapeError, UnsupportedError
from .kept import keep_constants
from .kin import like
from .known import Rule, arity, known
from .node import op_name
from .recording import is_recording
from .tensor import Tensor
from .words.explain import describe, missing_rule

__all__ = ["custom_step", "custom_vjp"]


class custom_vjp:  # noqa: N801  (named as in JAX)
    """A function whose derivative you write yourself, from the residuals of its forward pass.

    Args:
        f: computes the value; called if nothing is recorded.

    Call `f.defvjp(forward, backward)` with two functions of plain NumPy. `forward(*args)` returns the value
    and the residuals. `backward(residuals, g)` returns a tuple with one cotangent for each argument, or None
    for zero. If the derivative is itself differentiated, both run on Tensors.

    `custom_vjp` also decorates methods: f and `forward` get `self` first, and so does a backward pass of
    three parameters, `backward(self, residuals, g)`. `self` needs no cotangent.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.custom_vjp
        ... def straight_through(x):
        ...     return np.round(x)
        >>> straight_through.defvjp(lambda x: (np.round(x), None), lambda residuals, g: (g,))
        >>> ag.grad(straight_through)(2.3)
        1.0
    """

    def __init__(self, f: Function) -> None:
        self._binding: type = type(f)
        if isinstance(f, (staticmethod, classmethod)):
            f = f.__func__
        functools.update_wrapper(self, f)
        self._f = f

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind to an instance as a function does, or as the decorated static or class method does."""
        first = owner if self._binding is classmethod else instance
        return self if first is None or self._binding is staticmethod else MethodType(self, first)

    def defvjp(self, forward: Function, backward: Function) -> None:
        """Set the forward pass, which returns residuals, and the backward pass, which uses them."""
        self._forward = forward
        takes_owner = arity(backward)[0] == 3

        def joint(g: Any, y: Any, *args: Any, _residuals: Any) -> tuple[Any, ...]:
            if any(isinstance(x, Tensor) for x in tree.flatten((g, args))[0]):
                _residuals = forward(*args)[1]  # compute them again, on the tape
            # The owner is `self`, or another first argument that holds no numbers.
            owner = (
                () if not args or is_array(args[0]) or isinstance(args[0], (Tensor, *NUMBERS)) else args[:1]
            )
            pulled = backward(*owner, _residuals, g) if owner and takes_owner else backward(_residuals, g)
            if owner and isinstance(pulled, tuple) and len(pulled) == len(args) - 1:
                pulled = (None, *pulled)
            if not isinstance(pulled, tuple) or len(pulled) != len(args):
                raise ShapeError(
                    f"the backward pass of {op_name(self)} returned {describe(pulled)}; expected a tuple "
                    f"with one cotangent for each of its {len(args)} arguments"
                )
            return tuple(
                np.zeros_like(x) if c is None and (isinstance(x, Tensor) or is_array(x)) else c
                for c, x in zip(pulled, args, strict=True)
            )

        known[self] = Rule(joint=joint)

    def __call__(self, *args: Any, _residuals: Any = None) -> Any:
        try:
            return self._called(*args)
        except BatchError as error:  # it reads a value: of one member of the batch at a time
            if error.level is None:
                raise
            return error.level.looped(self, args, {})

    def _called(self, *args: Any) -> Any:
        nodes = [x.node for x in args if isinstance(x, Tensor)]
        values = list(map(unwrap, args))
        refuse_other_arithmetic(values, op_name(self))
        if any(isinstance(x, Tensor) for x in tree.flatten(values)[0]):
            raise UnsupportedError(
                f"{op_name(self)}: pass each Tensor as an argument of its own, not inside of a container"
            )
        if not any(nodes) or not is_recording():
            value = self._f(*values)
            if not nodes:
                return value
            return tree.map_leaves(lambda v: like(args, unrecorded(self, values, as_value(v))), value)
        if not hasattr(self, "_forward"):
            raise missing_rule(self, ())
        inputs = tuple(x.node or x if isinstance(x, Tensor) else x for x in args)
        _, watched = keep_constants(known[self], inputs, values)
        both = self._forward(*values)
        if not isinstance(both, tuple) or len(both) != 2:
            raise ShapeError(
                f"the forward pass of {op_name(self)} returned {describe(both)}; expected a tuple "
                "(value, residuals)"
            )
        value, residuals = both
        if any(isinstance(v, Tensor) for v in tree.flatten(value)[0]):
            raise UnsupportedError(
                f"{op_name(self)}: the forward pass uses a Tensor that is no argument, so its gradient "
                "would be lost; make it an argument"
            )
        kwargs = {"_residuals": residuals}
        return like(args, record_result(self, inputs, tuple(values), kwargs, value, watched))


class _Named:
    """An op of one step, under the name that the tape shows. Like a user's op it carries its rule itself."""

    def __init__(self, name: str, rule: Rule) -> None:
        self.__name__, self.__module__, self._autograd_rule = name, "custom", rule


def custom_step(
    value: Any, args: Sequence[Tensor], pullback: Function, *, name: str, partial: bool = False
) -> Any:
    """Record one step whose value is computed already, with a pullback of its own.

    Args:
        value: the result, an array or a Tensor, or a tuple of several, computed from the values of `args`.
        args: the Tensors that the result depends on.
        pullback: `pullback(g, y, *args)` returns a tuple with one cotangent for each of `args`, or None for
            zero, in the complex convention of the library. It gets Tensors, and computes with ops: these
            Tensors are on the tape when the backward pass is itself recorded.
        name: the name of the step on the tape.
        partial: of several results, give None to the pullback as the cotangent of an unused one, not zeros.

    Returns:
        The Tensor of the value, or a tuple of Tensors, in the class of `args`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> x = ag.Tensor(2.6, requires_grad=True)
        >>> y = ag.custom_step(np.round(x.data), [x], lambda g, y, x: (g,), name="straight_through")
        >>> y.backward()
        >>> y.item(), x.grad.item()
        (3.0, 1.0)
    """
    kind = type(like(args, wrap(0.0)))

    def joint(*arrays: Any) -> tuple[Any, ...]:
        recorded = any(isinstance(x, Tensor) for x in tree.flatten(arrays)[0])
        sent = pullback(*tree.map_leaves(lambda x: _boxed(kind, x), arrays))
        grads = [np.zeros_like(x) if c is None else c for c, x in zip(sent, arrays[2:], strict=True)]
        return tuple(grads if recorded else map(unwrap, grads))

    rule = Rule(joint=joint, plain=True, partial=partial)
    rule.apart = True
    op: Any = _Named(name, rule)
    values, value = tuple(map(unwrap, args)), tree.map_leaves(unwrap, value)
    if not is_recording() or not any(x.node for x in args):
        return like(args, unrecorded_result(op, values, value))
    inputs = tuple([x.node or x for x in args])
    return like(args, record_result(op, inputs, values, None, value))


def _boxed(kind: type[Any], x: Any) -> Any:
    return x if x is None else in_class(kind, x if isinstance(x, Tensor) else wrap(x))
