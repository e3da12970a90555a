"""A backward step as a function of arrays: what a plan calls if the rules of the step are not taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cotangents import fit
from ..known import Rule
from ..node import Leaf, Node, op_name
from ..pull import Sweep
from .slots import same

__all__ = ["Sending"]

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

    def comes_apart(self, g: Any, y: Any, args: Any) -> bool:
        """Whether the rules may run on traced arrays: they need no mask, and see no Python number of a call.

        Args:
            g, y, args: the values of the cotangent, the output and the inputs; of a constant None.
        """
        rule = self._rule
        return (
            rule.joint is None
            and isinstance(g, (np.ndarray, np.generic))
            and g.dtype.kind == "f"
            and y.__class__ is not tuple
            and all(self.sends_plain(i, True) for i in self.needed)
            and not any(isinstance(x, _NUMBERS) and not isinstance(x, np.generic) for x in args)
        )

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
