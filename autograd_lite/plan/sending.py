"""A backward step as a function of arrays: what a plan calls if the rules of the step are not taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import every
from ..cotangents import Mask, fit
from ..known import Rule
from ..liveness import selected
from ..node import Leaf, Node, op_name
from ..pull import Sweep
from .slots import same

__all__ = ["Selecting", "Sending", "either", "silenced", "summed"]

_new = object.__new__
_ARRAY, _FLOAT = np.ndarray, np.float64
_NUMBERS = (int, float, complex)


class Sending:
    """What a step sends back, as a function of arrays: its rules, as the backward pass calls them.

    Attributes:
        op: the op of the step.
        node: a node for the errors of `fit`.
        needed: the indices of the inputs that cotangents go to.
    """

    def __init__(self, pull: Any, node: Node, rule: Rule, sweep: Sweep) -> None:
        self._pull, self.op, self._rule = pull, node.op, rule
        self._inputs = tuple([_stub(x, sweep) for x in node.inputs])
        self.needed = [i for i, x in enumerate(self._inputs) if x is not None]
        self.node: Node = _new(Node)
        self.node.op = node.op

    @property
    def __name__(self) -> str:
        return f"pull_{op_name(self.op)}"

    def __eq__(self, other: object) -> bool:
        return other.__class__ is Sending and same(self._key(), other._key())

    __hash__ = None  # type: ignore[assignment]

    def _key(self) -> Any:
        return self.op, [None if x is None else (x.__class__, x.op) for x in self._inputs]

    def sends_plain(self, i: int, plain: bool) -> bool:
        """Whether the cotangent of the i-th input has a mask in no call, if that of the output is `plain`."""
        return self._inputs[i].__class__ is Leaf or (plain and not self._rule.selects)

    def hears(self, i: int) -> bool:
        """Whether the i-th input uses the mask of its cotangent."""
        return self._inputs[i].__class__ is not Leaf

    def comes_apart(self, g: Any, y: Any, args: Any, masked: bool) -> bool:
        """Whether the rules may run on traced arrays, and see no Python number of a call.

        Whether a cotangent has a mask depends on values if it is a single number; not if it is an array.

        Args:
            g, y, args: the values of the cotangent, the output and the inputs; of a constant None.
            masked: whether the cotangent has a mask.
        """
        rule = self._rule
        return (
            rule.joint is None
            and isinstance(g, (np.ndarray, np.generic))
            and g.dtype.kind == "f"
            and (g.ndim > 0 or (not masked and all(self.sends_plain(i, True) for i in self.needed)))
            and y.__class__ is not tuple
            and not any(isinstance(x, _NUMBERS) and not isinstance(x, np.generic) for x in args)
        )

    def selected(self, i: int) -> Selecting:
        """The function that gives the mask of the i-th input's cotangent."""
        return Selecting(self, i)

    def __call__(self, g: Any, y: Any, args: Any, kwargs: Any) -> Any:
        kind = g.__class__
        if not self._rule.selects and (kind is _FLOAT or (kind is _ARRAY and g.dtype.kind != "c")):
            try:
                return self._plain(g, y, args, kwargs or {})
            except Exception:  # `pull` raises it again, with the words of an error in the backward pass
                pass
        node: Node = _new(Node)
        node.op, node.inputs, node.args, node.kwargs, node.value = self.op, self._inputs, args, kwargs, y
        node.adjoint = node.notes = None
        node.played, node.index = False, 1
        seeds = self._pull(node, self._rule, g, _SWEEP)
        return tuple([gx for gx, x in zip(seeds, self._inputs, strict=True) if x is not None])

    def _plain(self, g: Any, y: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """The cotangents for one that has no mask, as `play` and `pull` compute them."""
        rule, sent = self._rule, []
        pulled = None if rule.joint is None else self._jointly(rule, g, y, args, kwargs)
        for i in self.needed:
            gx, arg = pulled[i] if pulled is not None else rule.vjps[i](g, y, *args, **kwargs), args[i]
            kind = gx.__class__
            if kind is not arg.__class__ or (
                kind is _ARRAY and (gx.shape != arg.shape or gx.dtype is not arg.dtype)
            ):
                gx = fit(gx, arg, rule, self.node, i)
            sent.append(gx)
        return tuple(sent)

    def _jointly(self, rule: Rule, g: Any, y: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if rule.takes("needs"):
            kwargs = {**kwargs, "needs": tuple([x is not None for x in self._inputs])}
        pulled = rule.joint(g, y, *args, **kwargs)  # type: ignore[misc]
        if len(pulled) != len(args):
            raise ValueError("the joint rule returns another number of cotangents")
        return pulled


class Selecting:
    """The mask of what a step sends to one input: where its rule is nonzero on ones for live entries."""

    def __init__(self, step: Sending, i: int) -> None:
        self._step, self._i, self.__name__ = step, i, f"mask_{op_name(step.op)}"

    def __eq__(self, other: object) -> bool:
        return other.__class__ is Selecting and self._step == other._step and self._i == other._i

    __hash__ = None  # type: ignore[assignment]

    def __call__(self, g: Any, y: Any, args: Any, kwargs: Any, mask: Any) -> Mask:
        rule = self._step._rule

        def send(g: Any) -> Any:
            return rule.vjps[self._i](g, y, *args, **(kwargs or {}))

        return selected(send, g, mask)


def silenced(g: Any, mask: Mask) -> Any:
    """g with 0 in place of the dead entries, if an entry is not finite: see `silence`."""
    return g if every(np.isfinite(g)) else np.where(mask.live(), g, 0)


def either(a: Mask, b: Mask) -> Mask:
    """The mask of a sum."""
    return a | b


def summed(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """The mask of a cotangent that is summed to a smaller shape."""
    return mask.summed(shape)


def _stub(parent: Any, sweep: Sweep) -> Any:
    """An input of a step as `pull` looks at it: its class, and its op where the pass goes on through it."""
    if not isinstance(parent, Node) or not sweep.wants(parent):
        return None
    if not sweep.hears(parent):
        return _LEAF
    stub: Node = _new(Node)
    stub.op, stub.index = parent.op, 0
    return stub


_SWEEP = Sweep()
_LEAF = Leaf(np.float64(0.0))
_LEAF.index = 0
