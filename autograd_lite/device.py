"""The device of a Tensor, for programs written for PyTorch: always the CPU."""

from __future__ import annotations

from typing import Any, Self

from .errors import UnsupportedError

__all__ = ["Device"]


class Device(str):
    """The device of a Tensor: always the CPU.

    Args:
        name: "cpu", or "cpu:0".

    Raises:
        UnsupportedError: `name` is another device.

    Example:
        >>> import autograd_lite as ag
        >>> ag.Tensor([1.0]).device
        device(type='cpu')
    """

    type = "cpu"

    def __new__(cls, name: Any = "cpu", index: int | None = None) -> Self:
        if str(name).split(":")[0] != "cpu":
            raise UnsupportedError(
                f"there is no device {str(name)!r} here, only the CPU; write device = 'cpu'"
            )
        return super().__new__(cls, "cpu")

    def __repr__(self) -> str:
        return "device(type='cpu')"
