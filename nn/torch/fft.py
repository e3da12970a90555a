"""`torch.fft`: discrete Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .dtypes import float_of, inexact
from .functions.registry import entry
from .tensors import Tensor, made

_TABLE: dict[str, Callable[..., Any]] = {}


def _line(name: str) -> Callable[..., Any]:
    """A transform along one axis."""
    compute = getattr(np.fft, name)

    def function(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
        return compute(inexact(input), n, dim, norm)

    function.__doc__ = f"`np.fft.{name}` along an axis."
    return entry(function, name=name, table=_TABLE)


def _plane(name: str) -> Callable[..., Any]:
    """A transform along two axes."""
    compute = getattr(np.fft, name[:-1] + "n")

    def function(input: Any, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Any:
        return compute(inexact(input), s, tuple(dim), norm)

    function.__doc__ = f"`np.fft.{name}` along two axes."
    return entry(function, name=name, table=_TABLE)


def _all(name: str) -> Callable[..., Any]:
    """A transform along several axes."""
    compute = getattr(np.fft, name)

    def function(input: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
        if dim is None:
            dim = range(input.ndim)[-len(s) if s is not None else -input.ndim :]
        axes = (dim,) if isinstance(dim, int) else tuple(dim)
        return compute(
            inexact(input),
            [input.shape[a] for a in axes] if s is None and name != "irfftn" else s,
            axes,
            norm,
        )

    function.__doc__ = f"`np.fft.{name}` along several axes."
    return entry(function, name=name, table=_TABLE)


fft, ifft, rfft, irfft, hfft, ihfft = map(_line, ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"))
fft2, ifft2, rfft2, irfft2 = map(_plane, ("fft2", "ifft2", "rfft2", "irfft2"))
fftn, ifftn, rfftn, irfftn = map(_all, ("fftn", "ifftn", "rfftn", "irfftn"))


def _shift(name: str) -> Callable[..., Any]:
    sign = 1 if name == "fftshift" else -1

    def function(input: Any, dim: Any = None) -> Any:
        axes = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
        moved = [input.shape[a] // 2 if sign > 0 else -(input.shape[a] // 2) for a in axes]
        return np.roll(input, tuple(moved), tuple(axes))

    function.__doc__ = f"`np.fft.{name}`: the frequency 0 moved to or from the middle."
    return entry(function, name=name, table=_TABLE)


fftshift, ifftshift = _shift("fftshift"), _shift("ifftshift")


def fftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of the entries of `fft`, in cycles per unit."""
    own = float_of(dtype)
    return made(np.fft.fftfreq(n, d).astype(own), requires_grad)


def rfftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of the entries of `rfft`, in cycles per unit."""
    own = float_of(dtype)
    return made(np.fft.rfftfreq(n, d).astype(own), requires_grad)
