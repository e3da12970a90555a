"""Which call of which module a step belongs to, found by hooks while a model is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import autograd_lite as ag

__all__ = ["Call", "Calls"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a module.

    Attributes:
        path: where the module is in the model, e.g. "encoder.0"; empty for the model itself.
        kind: its class.
        settings: what it was made with, e.g. "in_features=784, out_features=100".
        parent: the place in `Graph.calls` of the call that made this one; None for the model's own.
        parameters: how many numbers the module learns, those of the modules in it included.
        inner: whether there are modules in it.
    """

    path: str
    kind: str
    settings: str
    parent: int | None
    parameters: int
    inner: bool


class Calls:
    """Notes the calls of a model's modules, and for each step of a tape the innermost call around it.

    A call is noted when it begins, so `made` has each call after the one around it. What has no
    `named_modules` has no calls.
    """

    def __init__(self, model: Any, tape: ag.Tape) -> None:
        self.made: list[Call] = []
        self._tape = tape
        self._around: list[int | None] = []  # for each step of the tape
        self._open: list[tuple[Any, int]] = []
        modules = model.named_modules() if hasattr(model, "named_modules") else ()
        self._paths = {module: path for path, module in modules}
        self._handles: list[Any] = []

    def __enter__(self) -> Calls:
        for module in self._paths:
            self._handles.append(module.register_forward_pre_hook(self._begin))
            self._handles.append(module.register_forward_hook(self._end))
        return self

    def __exit__(self, *exception: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._catch_up()

    def of_steps(self) -> dict[ag.Node, int]:
        """The call that each step was recorded in; steps outside of all calls are left out."""
        pairs = zip(self._tape.nodes, self._around, strict=False)
        return {node: call for node, call in pairs if call is not None}

    def _catch_up(self) -> None:
        """What was recorded since the last look belongs to the call that is open."""
        new = len(self._tape) - len(self._around)
        self._around += [self._open[-1][1] if self._open else None] * new

    def _begin(self, module: Any, args: tuple[Any, ...]) -> None:
        self._catch_up()
        parent = self._open[-1][1] if self._open else None
        parameters = sum(p.size for p in module.parameters())
        inner = any(True for _ in module.named_children())
        self._open.append((module, len(self.made)))
        path, kind = self._paths[module], type(module).__name__
        self.made.append(Call(path, kind, module.extra_repr(), parent, parameters, inner))

    def _end(self, module: Any, args: tuple[Any, ...], output: Any) -> None:
        self._catch_up()
        while self._open.pop()[0] is not module:
            pass  # a call that ended by an error, which the model has caught
