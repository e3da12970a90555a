"""Fourier transforms: linear maps, so the derivative is the adjoint map.

The adjoint of a transform is the inverse transform with the opposite normalization. For y = F x with the
symmetric matrix F, the gradient is conj(F) g, which is the sum that `ifft` computes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import asarray
from ..errors import UnsupportedError
from ..known import Composition, constant, defvjp, known
from .indexing import scatter

__all__: list[str] = []

REVERSED: dict[str | None, Any] = {
    None: "forward",
    "backward": "forward",
    "forward": "backward",
    "ortho": "ortho",
}
"""The opposite normalization of each norm."""


def _resized(g: Any, shape: tuple[int, ...]) -> Any:
    """g in the shape of the input: axes that the transform padded are cropped, and cropped axes get zeros."""
    if g.shape == shape:
        return g
    common = tuple(slice(min(have, want)) for have, want in zip(g.shape, shape, strict=True))
    return scatter(g[common], common, shape)


def _axes(x: Any, s: Any, axes: Any) -> tuple[int, ...]:
    """The axes of a transform, as indices from 0."""
    ndim = len(x.shape)
    if axes is None:
        axes = range(ndim) if s is None else range(-len(s), 0)
    counted = tuple(axis % ndim for axis in axes)
    if len(set(counted)) < len(counted):
        raise UnsupportedError(
            f"a Fourier transform with axes={axes}, one axis twice, cannot be differentiated; write two "
            "transforms: np.fft.fft(np.fft.fft(x, axis=0), axis=0)"
        )
    return counted


# -- complex transforms ----------------------------------------------------------------------------


def _along(inverse: Any) -> Any:
    """The rule of a transform along one axis."""
    return lambda g, y, x, n=None, axis=-1, norm=None: _resized(
        inverse(g, axis=axis, norm=REVERSED[norm]), x.shape
    )


def _over(inverse: Any) -> Any:
    """The rule of a transform over several axes."""
    return lambda g, y, x, s=None, axes=None, norm=None: _resized(
        inverse(g, axes=_axes(x, s, axes), norm=REVERSED[norm]), x.shape
    )


defvjp(np.fft.fft, _along(np.fft.ifft), plain=True)
defvjp(np.fft.ifft, _along(np.fft.fft), plain=True)
defvjp(np.fft.fftn, _over(np.fft.ifftn), plain=True)
defvjp(np.fft.ifftn, _over(np.fft.fftn), plain=True)

# -- transforms of real arrays ---------------------------------------------------------------------


def _paired(g: Any, axis: int, n: int, factor: float) -> Any:
    """The half spectrum of n real entries, times a factor at frequencies that also stand for the other half.

    These are all but frequency 0 and, for an even n, the highest.
    """
    factors = np.full(n // 2 + 1, factor, g.real.dtype)
    factors[0] = 1
    if n % 2 == 0:
        factors[-1] = 1
    return g * np.reshape(factors, (-1, *[1] * (len(g.shape) - axis - 1)))


def _rfft(g: Any, y: Any, x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    return _rfftn(g, y, x, None if n is None else (n,), (axis,), norm)


def _irfft(g: Any, y: Any, x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    return _irfftn(g, y, x, None if n is None else (n,), (axis,), norm)


def _rfftn(g: Any, y: Any, x: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """The inverse transform counts all frequencies but the ends twice, so g is halved there."""
    axes = _axes(x, s, axes)
    sizes = [y.shape[axis] for axis in axes]
    sizes[-1] = x.shape[axes[-1]] if s is None or s[-1] in (None, -1) else s[-1]
    halved = _paired(g, axes[-1], sizes[-1], 0.5)
    return _resized(np.fft.irfftn(halved, sizes, axes, REVERSED[norm]), x.shape)


def _irfftn(g: Any, y: Any, x: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """The transform counted all frequencies but the ends twice. A real spectrum gets a real cotangent."""
    axes = _axes(x, s, axes)
    spectrum = np.fft.rfftn(g, axes=axes, norm=REVERSED[norm])
    gx = _resized(_paired(spectrum, axes[-1], y.shape[axes[-1]], 2), x.shape)
    return gx if x.dtype.kind == "c" else np.real(gx)


defvjp(np.fft.rfft, _rfft, plain=True)
defvjp(np.fft.irfft, _irfft, plain=True)
defvjp(np.fft.rfftn, _rfftn, plain=True)
defvjp(np.fft.irfftn, _irfftn, plain=True)

# -- compositions of these transforms --------------------------------------------------------------


def _plane(over: Any) -> Any:
    return lambda a, s=None, axes=(-2, -1), norm=None: over(a, s=s, axes=axes, norm=norm)


known[np.fft.fft2] = Composition(_plane(np.fft.fftn))
known[np.fft.ifft2] = Composition(_plane(np.fft.ifftn))
known[np.fft.rfft2] = Composition(_plane(np.fft.rfftn))
known[np.fft.irfft2] = Composition(_plane(np.fft.irfftn))
known[np.fft.hfft] = Composition(
    lambda a, n=None, axis=-1, norm=None: np.fft.irfft(np.conjugate(a), n, axis, REVERSED[norm])
)
known[np.fft.ihfft] = Composition(
    lambda a, n=None, axis=-1, norm=None: np.conjugate(np.fft.rfft(a, n, axis, REVERSED[norm]))
)


def _shifted(sign: int) -> Any:
    """A function that moves frequency 0 to the middle, or back."""

    def shift(x: Any, axes: Any = None) -> Any:
        x = asarray(x)
        axes = tuple(range(x.ndim)) if axes is None else axes if isinstance(axes, tuple) else (axes,)
        return np.roll(x, tuple(sign * (x.shape[axis] // 2) for axis in axes), axes)

    return shift


known[np.fft.fftshift] = Composition(_shifted(1))
known[np.fft.ifftshift] = Composition(_shifted(-1))
constant(np.fft.fftfreq, np.fft.rfftfreq)
