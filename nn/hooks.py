"""What is called before and after a module computes, and when its gradients have come."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import autograd_lite as ag
from autograd_lite import Tensor

__all__ = ["Handle", "Hooks"]


class Handle:
    """What registering a hook returns: `remove()` takes the hook away again."""

    _count = itertools.count()

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self._hooks, self._key = hooks, next(Handle._count)
        hooks[self._key] = hook

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self._key, None)


class Watch:
    """One call of a module whose backward pass is watched.

    Inputs and outputs go through a step of their own, so that their gradients are those of this call
    alone, and complete: the hooks run when those of the inputs have come, or those of the outputs if no
    input wants one.
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
    """The same values; on the way back their gradients go through `_send`."""
    return values


ag.defvjp(_pass_on, joint=lambda g, y, *values, _send: _send(g))


def _tensor(g: Any) -> Tensor:
    return g if isinstance(g, Tensor) else Tensor(g)


class Hooks:
    """The hooks of a module: functions that others register, and that its calls go through."""

    forward: Callable[..., Any]
    _hooks: dict[str, dict[int, Callable[..., Any]]] | None = None

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, args)` before each forward pass; what it returns replaces the args, unless None.

        Returns:
            A handle whose `remove()` takes the hook away again.
        """
        return self._add_hook("before", hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, args, output)` after each forward pass.

        What it returns, unless None, takes the place of the output.

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

        Both are tuples, with None where there is no gradient. What the hook returns, unless None, takes the
        place of grad_input.

        Returns:
            A handle whose `remove()` takes the hook away again.
        """
        return self._add_hook("backward", hook)

    def _add_hook(self, kind: str, hook: Callable[..., Any]) -> Handle:
        # At once, for threads may add their hooks to a module that they share.
        hooks = self.__dict__.setdefault("_hooks", {"before": {}, "after": {}, "backward": {}})
        return Handle(hooks[kind], hook)

    def _hooked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The forward pass with all hooks."""
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
