"""What convolution and pooling share: options, checks, and windows in plain ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.arrays import asarray
from autograd_lite.errors import OptionError, ShapeError

from ..kernels.windows import Windows

__all__ = ["AXES", "check_fit", "checked", "entries", "laid", "sizes"]

AXES = {1: "L", 2: "H, W", 3: "D, H, W"}
"""The names of the spatial axes."""


def sizes(function: str, option: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """The value of an option as one int for each axis.

    Raises:
        OptionError: the value is neither an int nor one int for each axis, or an int is below `least`.

    >>> sizes("conv2d", "stride", 2, 2)
    (2, 2)
    """
    given = list(value) if isinstance(value, (Sequence, np.ndarray)) else [value]
    given = given * axes if len(given) == 1 else given
    if len(given) != axes or any(
        isinstance(v, bool) or not isinstance(v, (int, np.integer)) or v < least for v in given
    ):
        raise OptionError(
            f"{function}({option}={value!r}): expected an int, or a tuple of {axes}, of at least {least}"
        )
    return tuple(map(int, given))


def checked(function: str, input: Any, axes: int, channels: int | None = None) -> tuple[Any, bool]:
    """The input with a batch axis, and True if the user gave the batch axis.

    Raises:
        ShapeError: the input has another number of axes or of channels; the message says the repair.
    """
    input = asarray(input)
    batched = input.ndim == axes + 2
    if input.ndim not in (axes + 1, axes + 2) or (
        channels is not None and input.shape[-axes - 1] != channels
    ):
        C = "C" if channels is None else channels
        repair = ""
        if input.ndim == axes + 1 and channels == 1:
            repair = "; add the axis of the channel: x[:, None]"
        elif input.ndim == axes + 2 and input.shape[-1] == channels:
            repair = "; channels stand before the spatial axes: np.moveaxis(x, -1, 1)"
        elif input.ndim == 2 and axes == 2:
            repair = f"; give flat images their shape: x.reshape(len(x), {C}, height, width)"
        raise ShapeError(
            f"{function} expects input of shape (N, {C}, {AXES[axes]}) or ({C}, {AXES[axes]}), got "
            f"{input.shape}{repair}"
        )
    return (input if batched else input[None]), batched


def check_fit(function: str, windows: Windows) -> None:
    """Refuse a window that is larger than the padded input."""
    if min(windows.out, default=1) < 1:
        raise ShapeError(
            f"{function} expects an input at least as large as its kernel: a window of {windows.reach} does "
            f"not fit into {windows.size}" + (f", padded to {windows.full}" if windows.padded else "")
        )


def entries(x: Any, windows: Windows, fill: float = 0.0) -> Any:
    """All windows of an input, the entries of each along one axis: (N, C, entries, *out)."""
    plane = Tensor(np.full((*x.shape[:2], *windows.full), fill, x.dtype))
    plane[windows.inner] = x
    return np.stack([plane[windows.at(offset)] for offset in np.ndindex(*windows.kernel)], axis=2)


def laid(columns: Any, windows: Windows) -> Any:
    """The sum of windows (N, C, entries, *out), each at its position: (N, C, *size)."""
    plane = Tensor(np.zeros((*columns.shape[:2], *windows.full), columns.dtype))
    for i, offset in enumerate(np.ndindex(*windows.kernel)):
        plane[windows.at(offset)] += columns[:, :, i]
    return plane[windows.inner]
