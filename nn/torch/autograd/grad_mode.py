"""`torch.autograd.grad_mode`: recording on and off."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Self

from autograd_lite import enable_grad, is_recording, no_grad

__all__ = ["Switch", "enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]


class Switch:
    """A mode that holds from the call on; in a `with` statement until its end.

    A call that is no `with` statement holds until the next call of the same switch.

    Args:
        make: returns the mode, or None if it would change nothing.
    """

    _plain: ContextVar[Any]
    """The switch that was called outside of a `with` statement."""

    def __init_subclass__(cls) -> None:
        cls._plain = ContextVar(f"_plain of {cls.__name__}", default=None)

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._before = make, self._plain.get()
        if self._before is not None:
            self._before._close(None, None, None)
        self._open()

    def _open(self) -> None:
        self._mode = self._make()
        if self._mode is not None:
            self._mode.__enter__()
        self._plain.set(self)

    def _close(self, *exception: object) -> None:
        if self._mode is not None:
            self._mode.__exit__(*exception)

    def __enter__(self) -> Self:
        self._plain.set(None)
        return self

    def __exit__(self, *exception: object) -> None:
        self._close(*exception)
        self._plain.set(None)
        if self._before is not None:
            self._before._open()


class set_grad_enabled(Switch):  # noqa: N801  (named as in PyTorch)
    """Turn recording on or off, from the call on or inside `with`; also a decorator.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.tensor(1.0, requires_grad=True)
        >>> with torch.autograd.set_grad_enabled(False):
        ...     y = 2 * x
        >>> y.requires_grad
        False
    """

    def __init__(self, mode: bool) -> None:
        self._enabled = bool(mode)
        super().__init__(self._needed)

    def _recording(self) -> Any:
        return enable_grad() if self._enabled else no_grad()

    def _needed(self) -> Any:
        """The mode, where it changes something: a program that ends as it began leaves nothing open."""
        return None if is_recording() == self._enabled else self._recording()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a function: the mode holds while it runs."""
        self.__exit__(None, None, None)
        return self._recording()(function)  # type: ignore[no-any-return]


def inference_mode(mode: Any = True) -> Any:
    """`no_grad`, as a context or a decorator; with `mode=False` recording goes on."""
    if callable(mode):
        return no_grad()(mode)
    return no_grad() if mode else enable_grad()
