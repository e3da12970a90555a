"""What a program asks of the machine and of the library: devices, threads, modes, versions."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import autograd_lite as ag
from autograd_lite import Device, enable_grad, no_grad

from .dtypes import set_default_dtype
from .legacy import dtype_of_type

__all__ = [
    "are_deterministic_algorithms_enabled",
    "device",
    "get_default_device",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "get_num_threads",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "set_default_device",
    "set_default_tensor_type",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_grad_enabled",
    "set_num_interop_threads",
    "set_num_threads",
    "use_deterministic_algorithms",
]  # fmt: skip

device = Device
is_grad_enabled = ag.is_recording


class set_grad_enabled:  # noqa: N801  (named as in PyTorch)
    """Turn recording on or off: from this call on, or inside `with`, or in the decorated function.

    >>> import nn.torch as torch
    >>> x = torch.ones(1, requires_grad=True)
    >>> with torch.set_grad_enabled(False):
    ...     y = x * 2
    >>> y.requires_grad, (x * 2).requires_grad
    (False, True)
    """

    def __init__(self, mode: bool) -> None:
        self.mode = bool(mode)
        self._context = enable_grad() if mode else no_grad()
        self._context.__enter__()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self._context.__exit__(None, None, None)

        @wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            with enable_grad() if self.mode else no_grad():
                return function(*args, **options)

        return call


def inference_mode(mode: Any = True) -> Any:
    """`no_grad()`, as a context or a decorator; without effect for `mode=False`."""
    if callable(mode):
        return no_grad()(mode)
    return no_grad() if mode else enable_grad() if is_grad_enabled() else no_grad()


def is_inference_mode_enabled() -> bool:
    """Whether recording is off."""
    return not is_grad_enabled()


def set_default_device(device: Any) -> None:
    """Accept the CPU; refuse other devices."""
    Device(device or "cpu")


def get_default_device() -> Device:
    """The CPU."""
    return Device("cpu")


def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype by an old type such as `torch.DoubleTensor`, or its name."""
    set_default_dtype(dtype_of_type(t))


_threads = [os.cpu_count() or 1]


def set_num_threads(n: int) -> None:
    """Note the number of threads; `AUTOGRAD_LITE_THREADS` and the BLAS decide about the real one."""
    _threads[0] = int(n)


def get_num_threads() -> int:
    """The number that was noted."""
    return _threads[0]


set_num_interop_threads, get_num_interop_threads = set_num_threads, get_num_threads


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Nothing: all algorithms are deterministic here."""


def are_deterministic_algorithms_enabled() -> bool:
    """True."""
    return True


def set_float32_matmul_precision(precision: str) -> None:
    """Nothing: products of float32 have the precision of float32."""


def get_float32_matmul_precision() -> str:
    """ "highest"."""
    return "highest"


def set_flush_denormal(mode: bool) -> bool:
    """False: NumPy keeps the smallest numbers."""
    return False
