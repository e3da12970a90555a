"""`scipy.signal.convolve` with gradients, also along chosen axes; other names are SciPy's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import signal as _signal

from ..apply import primitive
from ..arrays import shape_of
from ..errors import OptionError, ShapeError
from ..known import defvjp

__all__ = ["convolve"]


def __getattr__(name: str) -> Any:
    return getattr(_signal, name)


@primitive
def _full(a: Any, b: Any, n: int, method: str) -> Any:
    """The full convolution along the last n axes; the axes before them broadcast."""
    axes, ndim = tuple(range(-n, 0)), max(a.ndim, b.ndim)
    a, b = (np.reshape(x, (*[1] * (ndim - x.ndim), *x.shape)) for x in (a, b))
    if ndim == n:
        return _signal.convolve(a, b, "full", method)
    if method != "direct":
        return _signal.fftconvolve(a, b, "full", axes=axes)
    lead = np.broadcast_shapes(a.shape[:-n], b.shape[:-n])
    pairs = (np.broadcast_to(x, (*lead, *x.shape[-n:])).reshape(-1, *x.shape[-n:]) for x in (a, b))
    out = np.stack([_signal.convolve(x, y, "full", method) for x, y in zip(*pairs, strict=True)])
    return out.reshape(*lead, *out.shape[1:])


def _back(g: Any, a: Any, b: Any, n: int, method: str) -> Any:
    """The cotangent of a: the part of the correlation with b that lies over a."""
    axes = tuple(range(-n, 0))
    whole = _full(g, np.conjugate(np.flip(b, axes)), n, method)
    sizes = zip(shape_of(a)[-n:], shape_of(b)[-n:], strict=True)
    return whole[(..., *(slice(m - 1, m - 1 + k) for k, m in sizes))]


defvjp(
    _full,
    lambda g, y, a, b, n, method: _back(g, a, b, n, method),
    lambda g, y, a, b, n, method: _back(g, b, a, n, method),
    broadcasts=True,
    flow="mixes",
    plain=True,
)


def convolve(
    in1: Any,
    in2: Any,
    mode: str = "full",
    method: str = "auto",
    axes: Any = None,
    dot_axes: Any = ((), ()),
) -> Any:
    """The convolution of two arrays, as in SciPy, and along chosen axes.

    Args:
        in1, in2: arrays.
        mode: "full", "same" (the size of `in1`), or "valid" (where they overlap wholly).
        method: "direct", "fft" or "auto".
        axes: the axes of `in1` and those of `in2` that are convolved, two lists; all axes by default.
        dot_axes: the axes of both that are multiplied and summed over, two lists.

    Returns:
        Without `axes`, the convolution. With `axes`, the axes of `in1` that are named nowhere, then such
        axes of `in2`, then the convolved ones.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0]), mode="valid")
        array([1., 2.])
        >>> ag.grad(lambda k: np.sum(convolve(np.arange(3.0), k, "same")))(np.array([1.0, 0.0, 0.0]))
        array([3., 3., 1.])
    """
    if mode not in ("full", "same", "valid"):
        raise OptionError(f'convolve(..., mode={mode!r}): expected "full", "same" or "valid"')
    if axes is None:
        n = len(shape_of(in1))
        if n != len(shape_of(in2)):
            raise ShapeError(
                f"convolve: {shape_of(in1)} and {shape_of(in2)} have different numbers of axes; name the "
                "axes to convolve: axes=([0], [0])"
            )
        return _part(_full(in1, in2, n, method), shape_of(in1), shape_of(in2), mode) if n else in1 * in2
    return _along(in1, in2, mode, method, axes, dot_axes)


def _along(a: Any, b: Any, mode: str, method: str, axes: Any, dot_axes: Any) -> Any:
    kept = [
        [k for k in range(len(shape_of(x))) if k not in (*own, *dot)]
        for x, own, dot in zip((a, b), axes, dot_axes, strict=True)
    ]
    a = np.transpose(a, (*kept[0], *dot_axes[0], *axes[0]))
    b = np.transpose(b, (*kept[1], *dot_axes[1], *axes[1]))
    n, first, second = len(axes[0]), len(kept[0]), len(kept[1])
    a = np.reshape(a, (*shape_of(a)[:first], *[1] * second, *shape_of(a)[first:]))
    value = _full(a, b, n, method)
    value = np.sum(value, tuple(range(first + second, len(shape_of(value)) - n)))
    return _part(value, shape_of(a)[-n:], shape_of(b)[-n:], mode)


def _part(full: Any, first: Sequence[int], second: Sequence[int], mode: str) -> Any:
    """The part of the full convolution that a mode asks for; with "valid" SciPy takes the larger array
    first."""
    if mode == "full":
        return full
    if mode == "same":
        starts, sizes = [(m - 1) // 2 for m in second], list(first)
    else:
        pairs = [sorted(pair) for pair in zip(first, second, strict=True)]
        if any(a < b for a, b in zip(first, second, strict=True)) and any(
            a > b for a, b in zip(first, second, strict=True)
        ):
            raise ShapeError(
                f'convolve(..., mode="valid"): one of the arrays must be at least as large as the other '
                f"along every axis; got {tuple(first)} and {tuple(second)}"
            )
        starts, sizes = [small - 1 for small, _ in pairs], [large - small + 1 for small, large in pairs]
    return full[(..., *(slice(start, start + size) for start, size in zip(starts, sizes, strict=True)))]
