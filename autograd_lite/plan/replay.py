"""A plan as one Python function: a list of calls on local variables, each deleted after its last use."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .groups import Group
from .places import Data, Get
from .schedule import Plan
from .trace import Ref, Step, refs, same

__all__ = ["Mismatch", "replay_of"]


class Mismatch(Exception):  # noqa: N818  (caught by `ag.compile`, never seen by a program)
    """A guard failed: the plan does not hold for this call."""


SYMBOLS = {
    **{operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.pow: "**"},
    **{operator.matmul: "@", operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">="},
}


class _Writer:
    """Writes the source of a replay, and collects the objects that the source names."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"same": same, "Mismatch": Mismatch, "errstate": np.errstate}
        self.lines: list[str] = []
        self._known: dict[int, str] = {}

    def name(self, value: Any) -> str:
        """A name for an object."""
        if id(value) not in self._known:
            self._known[id(value)] = f"k{len(self.names)}"
            self.names[self._known[id(value)]] = value
        return self._known[id(value)]

    def text(self, tree: Any) -> str:
        """The expression of an argument."""
        kind = tree.__class__
        if kind is Ref:
            return f"v{tree.slot}"
        if kind is tuple:
            return f"({''.join(self.text(item) + ', ' for item in tree)})"
        if kind is list:
            return f"[{', '.join(map(self.text, tree))}]"
        if kind is dict:
            return f"{{{', '.join(f'{key!r}: {self.text(item)}' for key, item in tree.items())}}}"
        if kind is slice and refs(tree):
            return f"slice({self.text(tree.start)}, {self.text(tree.stop)}, {self.text(tree.step)})"
        if isinstance(tree, tuple) and refs(tree):
            return f"{self.name(kind)}({', '.join(map(self.text, tree))})"
        if kind in (int, bool, str) or tree is None:
            return repr(tree) if kind is not int or tree >= 0 else f"({tree})"
        return self.name(tree)

    def call(self, step: Step) -> str:
        """The expression of a step."""
        if step.function in _symbols(step):
            return f"{self.text(step.args[0])} {SYMBOLS[step.function]} {self.text(step.args[1])}"
        if step.function is operator.getitem:
            return f"{self.text(step.args[0])}[{self.text(step.args[1])}]"
        if step.function.__class__ is Get and step.function.place.__class__ is Data:
            return f"{self.name(step.function.place.tensor)}._data"
        words = [*map(self.text, step.args)]
        words += [f"{key}={self.text(value)}" for key, value in step.kwargs.items()]
        function = step.function.run if step.function.__class__ is Group else step.function
        return f"{self.name(function)}({', '.join(words)})"

    def write(self, step: Step, indent: str) -> None:
        """The lines of a step."""
        put = self.lines.append
        if step.kind == "guard":
            put(f"{indent}if not same({self.text(step.args[0])}, {self.name(step.expected)}): raise Mismatch")
        elif step.kind == "input":
            tensor = "._data" if step.args[1] else ""
            put(f"{indent}v{step.result.slot} = leaves[{step.args[0]}]{tensor}")
        elif step.result.__class__ is Ref:
            put(f"{indent}v{step.result.slot} = {self.call(step)}")
        elif not refs(step.result):
            put(f"{indent}{self.call(step)}")
        else:
            put(f"{indent}r = {self.call(step)}")
            for path, slot in _paths(step.result):
                put(f"{indent}v{slot} = r{path}")
            put(f"{indent}r = None")


def _symbols(step: Step) -> Any:
    return SYMBOLS if step.function.__class__ is _BUILTIN and not step.kwargs else ()


_BUILTIN = type(operator.add)


def _paths(tree: Any, path: str = "") -> list[tuple[str, int]]:
    """Where each slot stands in a result."""
    if tree.__class__ is Ref:
        return [(path, tree.slot)]
    if isinstance(tree, (tuple, list)):
        return [found for i, item in enumerate(tree) for found in _paths(item, f"{path}[{i}]")]
    if isinstance(tree, dict):
        return [found for key, item in tree.items() for found in _paths(item, f"{path}[{key!r}]")]
    return []


def replay_of(plan: Plan) -> Callable[[list[Any]], Any]:
    """The function `replay(leaves)`, which returns the values of the result's slots in a dict.

    Args:
        plan: the plan.
    """
    writer = _Writer()
    put = writer.lines.append
    last = {slot: i for i, step in enumerate(plan.steps) for slot in refs((step.args, step.kwargs))}
    kept, quiet = set(plan.outputs), None
    put("def replay(leaves):")
    for i, step in enumerate(plan.steps):
        if step.quiet != quiet:
            quiet = step.quiet
            if quiet is not None:
                put(f"    with errstate(**{quiet!r}):")
        indent = "    " if quiet is None else "        "
        writer.write(step, indent)
        made = refs(step.result)
        used = refs((step.args, step.kwargs)) if step.kind != "input" else []
        done = {s for s in used if last[s] == i} | {s for s in made if s not in last}
        if done - kept:
            put(f"{indent}del {', '.join(f'v{slot}' for slot in sorted(done - kept))}")
    put(f"    return {{{', '.join(f'{slot}: v{slot}' for slot in sorted(kept))}}}")
    code = compile("\n".join(writer.lines), "<a plan>", "exec")
    exec(code, writer.names)
    return writer.names["replay"]  # type: ignore[no-any-return]
