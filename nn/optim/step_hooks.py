"""Hooks of the steps of optimizers: functions that run before and after `step`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ..hooks import Handle

__all__ = ["StepHooks", "hooked"]

Hook = Callable[..., Any]


class StepHooks:
    """The hooks of an optimizer."""

    _before: dict[int, Hook] | None = None
    _after: dict[int, Hook] | None = None

    def register_step_pre_hook(self, hook: Hook) -> Handle:
        """Call `hook(optimizer, args, kwargs)` before each step; a result (args, kwargs) replaces both.

        Returns:
            A handle whose `remove()` takes the hook away again.
        """
        self._before = {} if self._before is None else self._before
        return Handle(self._before, hook)

    def register_step_post_hook(self, hook: Hook) -> Handle:
        """Call `hook(optimizer, args, kwargs)` after each step.

        Returns:
            A handle whose `remove()` takes the hook away again.

        Example:
            >>> import autograd_lite as ag, nn
            >>> x = ag.Tensor(1.0, requires_grad=True)
            >>> optimizer = nn.optim.SGD([x], lr=0.1)
            >>> handle = optimizer.register_step_post_hook(lambda optimizer, args, kwargs: print(x.item()))
            >>> (x * x).backward()
            >>> optimizer.step()
            0.8
            >>> handle.remove()
        """
        self._after = {} if self._after is None else self._after
        return Handle(self._after, hook)


def hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """A method `step` that runs the hooks of its optimizer."""

    @wraps(step)
    def with_hooks(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not (self._before or self._after):
            return step(self, *args, **kwargs)
        for hook in list((self._before or {}).values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                args, kwargs = changed
        result = step(self, *args, **kwargs)
        for hook in list((self._after or {}).values()):
            hook(self, args, kwargs)
        return result

    return with_hooks
