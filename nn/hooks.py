"""Hooks: functions that a module calls before and after its forward pass, and in the backward pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import autograd_lite as ag
from autograd_lite import Tensor

__all__ = ["Handle", "Hooks"]


class Handle:
    """A registered hook; `remove()` takes the hook away again."""

    _count = itertools.count()

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self._hooks, self._key = hooks, next(Handle._count)
        hooks[self._key] = hook

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self._key, None)


class BackwardHooks(dict[int, Callable[..., Any]]):
    """The backward hooks of a module by their keys."""

    @property
    def __plan_eager__(self) -> str | None:
        """Why a function that calls the module is not replayed by `ag.compile`."""
        return "it has backward hooks of modules, which run in Python" if self else None


class Watch:
    """One call of a module with backward hooks.

    Inputs and outputs pass through an extra step each, so their gradients are complete and belong to
    this call alone. The hooks run when the gradients of the inputs have arrived. If no input requires
    a gradient, the hooks run when the gradients of the outputs have arrived.
    """

    def __init__(self, module: Any, hooks: list[Callable[..., Any]]) -> None:
        self.module, self.hooks = module, hooks
        self.into: tuple[Any, ...] = ()
        self.moving: list[bool] = []

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.moving = [isinstance(x, Tensor) and x.requires_grad for x in args]
        if not any(self.moving):
            return args
        passed = iter(_pass_on(*(x for x, m in zip(args, self.moving, strict=True) if m), _send=self.leave))
        return tuple(next(passed) if m else x for x, m in zip(args, self.moving, strict=True))

    def outputs(self, output: Any) -> Any:
        several = isinstance(output, tuple)
        passed = _pass_on(*(output if several else (output,)), _send=self.enter)
        return passed if several else passed[0]

    def enter(self, g: tuple[Any, ...]) -> tuple[Any, ...]:
        self.into = tuple(map(_tensor, g))
        if not any(self.moving):
            self.run((None,) * len(self.moving))
        return g

    def leave(self, g: tuple[Any, ...]) -> tuple[Any, ...]:
        sent = iter(g)
        new = self.run(tuple(_tensor(next(sent)) if moves else None for moves in self.moving))
        return tuple(x for x, moves in zip(new, self.moving, strict=True) if moves)

    def run(self, grad_input: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.hooks:
            changed = hook(self.module, grad_input, self.into)
            if changed is not None:
                grad_input = changed if isinstance(changed, tuple) else (changed,)
        return grad_input


@ag.primitive
def _pass_on(*values: Any, _send: Any) -> tuple[Any, ...]:
    """The values unchanged; in the backward pass their gradients go through `_send`."""
    return values


ag.defvjp(_pass_on, joint=lambda g, y, *values, _send: _send(g))


def _tensor(g: Any) -> Tensor:
    return g if isinstance(g, Tensor) else Tensor(g)


class Hooks:
    """The hooks of a module."""

    forward: Callable[..., Any]
    _hooks: dict[str, dict[int, Callable[..., Any]]] | None = None

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, args)` before each forward pass; a result other than None replaces the args.

        Returns:
            A handle whose `remove()` takes the hook away again.
        """
        return self._add_hook("before", hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, args, output)` after each forward pass.

        A result other than None replaces the output.

        Returns:
            A handle whose `remove()` takes the hook away again.

        Example:
            >>> import numpy as np, nn
            >>> model, seen = nn.Sequential(nn.Linear(2, 3), nn.ReLU()), []
            >>> handle = model[1].register_forward_hook(lambda module, args, y: seen.append(y.shape))
            >>> y = model(np.zeros((5, 2), np.float32))
            >>> handle.remove()
            >>> seen
            [(5, 3)]
        """
        return self._add_hook("after", hook)

    def register_full_backward_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are complete.

        Both are tuples, with None where there is no gradient. A result other than None replaces grad_input.

        Returns:
            A handle whose `remove()` takes the hook away again.
        """
        return self._add_hook("backward", hook)

    def _add_hook(self, kind: str, hook: Callable[..., Any]) -> Handle:
        # In one atomic call: threads may add hooks to a module that they share.
        hooks = self.__dict__.setdefault("_hooks", {"before": {}, "after": {}, "backward": BackwardHooks()})
        return Handle(hooks[kind], hook)

    def _hooked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The forward pass with all hooks around it."""
        hooks = self._hooks
        assert hooks is not None
        for hook in list(hooks["before"].values()):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        watch = Watch(self, list(hooks["backward"].values())) if hooks["backward"] else None
        args = args if watch is None else watch.inputs(args)
        output = self.forward(*args, **kwargs)
        for hook in list(hooks["after"].values()):
            changed = hook(self, args, output)
            output = output if changed is None else changed
        return output if watch is None else watch.outputs(output)
