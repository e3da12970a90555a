"""What a program asks of the machine and of the library: devices, threads, modes, versions."""

from __future__ import annotations

import os
import re
from typing import Any

import autograd_lite as ag
from autograd_lite import Device

from .autograd.grad_mode import inference_mode, set_grad_enabled
from .dtypes import set_default_dtype
from .legacy import dtype_of_type

__all__ = [
    "Version",
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


class Version(str):
    """The version of PyTorch whose names are here; compared by its numbers, with a str or a tuple.

    Example:
        >>> import nn.torch as torch
        >>> torch.__version__ >= "2.4", torch.__version__ < (3, 0)
        (True, True)
    """

    __slots__ = ()
    __hash__ = str.__hash__

    def _order(self, other: Any) -> int:
        ours, theirs = _numbers(self), _numbers(other)
        return (ours > theirs) - (ours < theirs)

    def __lt__(self, other: Any) -> bool:
        return self._order(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._order(other) <= 0

    def __gt__(self, other: Any) -> bool:
        return self._order(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._order(other) >= 0


def _numbers(version: Any) -> tuple[int, ...]:
    if not isinstance(version, str):
        return tuple(map(int, version))
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


is_grad_enabled = ag.is_recording


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
