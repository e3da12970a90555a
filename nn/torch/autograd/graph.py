"""`torch.autograd.graph`: what a step keeps for its backward pass."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import autograd_lite as ag
from autograd_lite.errors import OptionError

from ..grad_fn import GradFn as Node
from ..tensors import torched

__all__ = [
    "Node",
    "disable_saved_tensors_hooks",
    "pack",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
    "unpack",
]

_hooks: ContextVar[tuple[Callable[[Any], Any], Callable[[Any], Any]] | None] = ContextVar(
    "_hooks", default=None
)


class saved_tensors_hooks:  # noqa: N801  (named as in PyTorch)
    """Inside `with`, pack what a `Function` saves, and unpack it in its backward pass.

    The hooks see what a `Function` saves, except its inputs and outputs, which the tape has. The ops of the
    library keep their arrays themselves. To save memory there, use `ag.checkpoint`.

    Args:
        pack_hook: takes a Tensor and returns any object, e.g. the name of a file.
        unpack_hook: takes this object and returns the Tensor.
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self._own = pack_hook, unpack_hook

    def __enter__(self) -> None:
        self._token = _hooks.set(self._own)

    def __exit__(self, *exception: object) -> None:
        _hooks.reset(self._token)


class save_on_cpu:  # noqa: N801
    """Keep what is saved in the memory of the CPU, where it always is: nothing changes."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass


class disable_saved_tensors_hooks:  # noqa: N801
    """Inside `with`, `saved_tensors_hooks` around it have no effect.

    Args:
        error_message: as in PyTorch; not used.
    """

    def __init__(self, error_message: str = "") -> None:
        pass

    def __enter__(self) -> None:
        self._token = _hooks.set(None)

    def __exit__(self, *exception: object) -> None:
        _hooks.reset(self._token)


def register_multi_grad_hook(tensors: Any, fn: Callable[[Any], Any], *, mode: str = "all") -> Any:
    """Call `fn` once at the end of each backward pass that reaches one of several leaves.

    Args:
        tensors: leaves that require a gradient.
        fn: with mode "all" it gets a list with the gradient of each Tensor, None for one that the pass does
            not reach; with mode "any" the first gradient. Its result is not used.
        mode: "all" or "any".

    Returns:
        A handle; its `remove()` removes the hook.

    Raises:
        DTypeError: one of the Tensors is no leaf, or does not require a gradient.
        OptionError: the mode is unknown.

    Example:
        >>> import nn.torch as torch
        >>> x, y = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
        >>> handle = torch.autograd.graph.register_multi_grad_hook([x, y], print)
        >>> (x * y).backward()
        [tensor(3.), tensor(2.)]
    """
    if mode not in ("all", "any"):
        raise OptionError(f'register_multi_grad_hook(mode={mode!r}): expected "all" or "any"')

    def see(grads: list[Any]) -> None:
        given = torched(grads)
        fn(given if mode == "all" else next(g for g in given if g is not None))

    return ag.register_multi_grad_hook(tensors, see)


def pack(x: Any) -> Any:
    """A saved value, as the hooks around the forward pass pack it, with what unpacks it."""
    hooks = _hooks.get()
    if hooks is None or not isinstance(x, ag.Tensor):
        return x, None
    with ag.no_grad():
        return hooks[0](x), hooks[1]


def unpack(packed: Any) -> Any:
    """The value that `pack` packed."""
    value, unpacker = packed
    return value if unpacker is None else unpacker(value)
