"""Hooks: functions that a module calls before and after its forward pass, and in the backward pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import autograd_lite as ag
from autograd_lite import Tensor

__all__ = [
    "Handle",
    "Hooks",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]


class Handle:
    """A registered hook; `remove()` takes the hook away again."""

    _count = itertools.count()

    def __init__(
        self,
        hooks: dict[int, Callable[..., Any]],
        hook: Callable[..., Any],
        *marks: set[int],
        first: bool = False,
    ) -> None:
        self.id = next(Handle._count)
        self._hooks, self._marks = hooks, marks
        for mark in marks:
            mark.add(self.id)
        later = dict(hooks) if first else {}
        for key in later:
            del hooks[key]
        hooks[self.id] = hook
        hooks.update(later)

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self.id, None)
        for mark in self._marks:
            mark.discard(self.id)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *problem: object) -> None:
        self.remove()


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

    def __init__(
        self, module: Any, hooks: list[Callable[..., Any]], before: list[Callable[..., Any]]
    ) -> None:
        self.module, self.hooks, self.before = module, hooks, before
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
        for hook in self.before:
            changed = hook(self.module, self.into)
            if changed is not None:
                self.into = tuple(map(_tensor, changed if isinstance(changed, tuple) else (changed,)))
                g = self.into
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


KINDS = ("before", "after", "backward", "backward_before")
"""When the hooks of a module are called."""


def _no_hooks() -> dict[str, Any]:
    backward = {kind: BackwardHooks() for kind in KINDS[2:]}
    return {"before": {}, "after": {}, **backward, "with_kwargs": set(), "always": set()}


class Hooks:
    """The hooks of a module."""

    forward: Callable[..., Any]
    _hooks: dict[str, Any] | None = None
    """The hooks of each kind by their keys, and the keys of those with an option. While hooks of all modules
    exist, the class has an empty table, so that the short way of a call without hooks is not taken."""

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call `hook(module, args)` before each forward pass; a result other than None replaces the args.

        Args:
            hook: the function.
            prepend: call this hook before those that are registered already.
            with_kwargs: call `hook(module, args, kwargs)`; a result is a pair (args, kwargs).

        Returns:
            A handle whose `remove()` takes the hook away again.
        """
        return self._add_hook("before", hook, prepend, with_kwargs)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> Handle:
        """Call `hook(module, args, output)` after each forward pass.

        A result other than None replaces the output.

        Args:
            hook: the function.
            prepend: call this hook before those that are registered already.
            with_kwargs: call `hook(module, args, kwargs, output)`.
            always_call: call the hook also if the forward pass raises an error; the output is None then.

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
        return self._add_hook("after", hook, prepend, with_kwargs, always_call)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are complete.

        Both are tuples, with None where there is no gradient. A result other than None replaces grad_input.

        Args:
            hook: the function.
            prepend: call this hook before those that are registered already.

        Returns:
            A handle whose `remove()` takes the hook away again.
        """
        return self._add_hook("backward", hook, prepend)

    register_backward_hook = register_full_backward_hook

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call `hook(module, grad_output)` when the gradients of the outputs are complete.

        A result other than None replaces grad_output.

        Args:
            hook: the function.
            prepend: call this hook before those that are registered already.

        Returns:
            A handle whose `remove()` takes the hook away again.
        """
        return self._add_hook("backward_before", hook, prepend)

    def _add_hook(
        self,
        kind: str,
        hook: Callable[..., Any],
        first: bool,
        with_kwargs: bool = False,
        always: bool = False,
    ) -> Handle:
        # In one atomic call: threads may add hooks to a module that they share.
        hooks = self.__dict__.setdefault("_hooks", _no_hooks())
        wanted = {"with_kwargs": with_kwargs, "always": always}
        return Handle(hooks[kind], hook, *(hooks[name] for name, on in wanted.items() if on), first=first)

    @property
    def _forward_pre_hooks(self) -> dict[int, Callable[..., Any]]:
        return self._hooks_of("before")

    @property
    def _forward_hooks(self) -> dict[int, Callable[..., Any]]:
        return self._hooks_of("after")

    @property
    def _backward_hooks(self) -> dict[int, Callable[..., Any]]:
        return self._hooks_of("backward")

    @property
    def _backward_pre_hooks(self) -> dict[int, Callable[..., Any]]:
        return self._hooks_of("backward_before")

    def _hooks_of(self, kind: str) -> dict[int, Callable[..., Any]]:
        """The hooks of a kind by their keys; to clear this dict removes them."""
        found: dict[int, Callable[..., Any]] = (self.__dict__.get("_hooks") or {}).get(kind, {})
        return found

    def _hooked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The forward pass with all hooks around it, those of all modules first."""
        own = self.__dict__.get("_hooks") or _no_hooks()
        each = {kind: {**EVERYWHERE[kind], **own[kind]} for kind in KINDS}
        with_kwargs = own["with_kwargs"] | EVERYWHERE["with_kwargs"]
        always = own["always"] | EVERYWHERE["always"]
        output, called = None, set()
        try:
            for key, hook in each["before"].items():
                if key not in with_kwargs:
                    changed = hook(self, args)
                    if changed is not None:
                        args = changed if isinstance(changed, tuple) else (changed,)
                elif (changed := hook(self, args, kwargs)) is not None:
                    args, kwargs = changed
            backward, before = (list(each[kind].values()) for kind in KINDS[2:])
            watch = Watch(self, backward, before) if backward or before else None
            args = args if watch is None else watch.inputs(args)
            output = self.forward(*args, **kwargs)
            for key, hook in each["after"].items():
                called.add(key)
                given = (args, kwargs, output) if key in with_kwargs else (args, output)
                changed = hook(self, *given)
                output = output if changed is None else changed
            return output if watch is None else watch.outputs(output)
        except Exception:
            for key, hook in each["after"].items():
                if key in always and key not in called:
                    given = (args, kwargs, output) if key in with_kwargs else (args, output)
                    hook(self, *given)
            raise


EVERYWHERE = _no_hooks()
"""The hooks of all modules."""


class _Everywhere(Handle):
    """A hook of all modules."""

    def __init__(self, kind: str, hook: Callable[..., Any], *marks: str) -> None:
        super().__init__(EVERYWHERE[kind], hook, *(EVERYWHERE[mark] for mark in marks))
        Hooks._hooks = _no_hooks()

    def remove(self) -> None:
        """Take the hook away."""
        super().remove()
        if not any(EVERYWHERE[kind] for kind in KINDS):
            Hooks._hooks = None


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> Handle:
    """Call `hook(module, args)` before the forward pass of every module; as `register_forward_pre_hook`."""
    return _Everywhere("before", hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> Handle:
    """Call `hook(module, args, output)` after the forward pass of every module.

    Args:
        hook: the function; a result other than None replaces the output.
        with_kwargs: call `hook(module, args, kwargs, output)`.
        always_call: call the hook also if the forward pass raises an error.

    Returns:
        A handle whose `remove()` takes the hook away again.

    Example:
        >>> import numpy as np, nn
        >>> seen = []
        >>> handle = register_module_forward_hook(lambda module, args, y: seen.append(type(module).__name__))
        >>> y = nn.Sequential(nn.ReLU(), nn.Tanh())(np.zeros(2))
        >>> handle.remove()
        >>> seen
        ['ReLU', 'Tanh', 'Sequential']
    """
    marks = {"with_kwargs": with_kwargs, "always": always_call}
    return _Everywhere("after", hook, *(name for name, on in marks.items() if on))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> Handle:
    """Call `hook(module, grad_input, grad_output)` for every module; as `register_full_backward_hook`."""
    return _Everywhere("backward", hook)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> Handle:
    """Call `hook(module, grad_output)` for every module; as `register_full_backward_pre_hook`."""
    return _Everywhere("backward_before", hook)
