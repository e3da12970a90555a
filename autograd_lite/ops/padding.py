"""np.pad in every mode, composed of ops that have rules: one axis after the other, as in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import asarray, unwrap
from ..box import wrap
from ..known import Composition, known
from ..tensor import Tensor
from .indexing import along, scatter

__all__: list[str] = []


def _pairs(value: Any, ndim: int) -> Any:
    """An option for both ends of every axis, broadcast from the shorter forms that NumPy accepts."""
    return np.broadcast_to(asarray(value), (ndim, 2))


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """The numbers of entries to add before and after each axis; a dict gives them for some axes."""
    if isinstance(pad_width, dict):
        pairs = np.zeros((ndim, 2), np.intp)
        for axis, width in pad_width.items():
            pairs[axis] = width
        pad_width = pairs
    pairs = _pairs(pad_width, ndim)
    if pairs.dtype.kind not in "iu" or np.any(pairs < 0):
        raise ValueError(f"pad_width={pad_width}; expected integers of at least 0")
    return [(before, after) for before, after in pairs.tolist()]


def _zeros(a: Any, widths: list[tuple[int, int]]) -> Any:
    """Zeros around an array; the adjoint of this map is a slice."""
    inside = tuple(slice(before, before + n) for (before, _), n in zip(widths, a.shape, strict=True))
    shape = tuple(before + n + after for (before, after), n in zip(widths, a.shape, strict=True))
    return scatter(a, inside, shape)


def _constant(a: Any, widths: list[tuple[int, int]], *, constant_values: Any = 0) -> Any:
    """Constants around an array; np.pad itself decides which constant goes where, also in the corners."""
    padded = _zeros(a, widths)
    if not isinstance(constant_values, Tensor) and not np.any(constant_values):
        return padded
    values = np.ravel(_pairs(constant_values, a.ndim))
    ends = np.arange(1, values.size + 1).reshape(-1, 2)
    which = np.pad(np.zeros(a.shape, np.intp), widths, constant_values=ends)
    return np.where(which == 0, padded, values[which - 1])


def _by_axis(ends: Callable[..., tuple[Any, Any]]) -> Callable[..., Any]:
    """A mode that adds the two arrays `ends(a, axis, widths, **options)` to each axis in turn.

    An option of `ends` is a pair: one value for each end of the axis.
    """

    def pad(a: Any, widths: list[tuple[int, int]], **options: Any) -> Any:
        pairs = {key: _pairs(value, a.ndim) for key, value in options.items() if value is not None}
        for axis, width in enumerate(widths):
            if any(width):
                first, last = ends(a, axis, width, **{key: pair[axis] for key, pair in pairs.items()})
                a = np.concatenate([first, a, last], axis=axis)
        return a

    return pad


def _ramps(a: Any, axis: int, widths: tuple[int, int], *, end_values: Any = (0, 0)) -> tuple[Any, Any]:
    """Equal steps from the edge to the end value."""
    edges = along(a, axis, slice(0, 1)), along(a, axis, slice(-1, None))
    ramps = [
        np.linspace(end_values[i], np.take(edges[i], 0, axis), widths[i], endpoint=False, axis=axis)
        for i in (0, 1)
    ]
    return ramps[0], np.flip(ramps[1], axis)


def _statistic(function: Callable[..., Any]) -> Callable[..., Any]:
    """A mode that pads with a statistic of the array, or of `stat_length` entries at its ends."""

    def ends(a: Any, axis: int, widths: tuple[int, int], *, stat_length: Any = None) -> tuple[Any, Any]:
        size = a.shape[axis]
        lengths = (size, size) if stat_length is None else [min(int(n), size) for n in stat_length]
        if min(lengths) < 1:
            raise ValueError(f"stat_length={min(lengths)} gives no value for padding; expected at least 1")
        parts = along(a, axis, slice(0, lengths[0])), along(a, axis, slice(size - lengths[1], None))
        values = [function(part, axis=axis, keepdims=True) for part in parts]
        first, last = (np.repeat(v, n, axis) for v, n in zip(values, widths, strict=True))
        return first, last

    return _by_axis(ends)


def _places(mode: Any) -> Callable[..., Any]:
    """A mode that repeats entries; np.pad of their indices tells which."""

    def pad(a: Any, widths: list[tuple[int, int]], **options: Any) -> Any:
        for axis, width in enumerate(widths):
            if any(width):
                a = np.take(a, np.pad(np.arange(a.shape[axis]), width, mode, **options), axis)
        return a

    return pad


def _mirror(mode: Any) -> Callable[..., Any]:
    """Reflections. An odd reflection is 2 * edge - reflected, repeated if the pad is wide.

    So a padded entry is plus or minus an inner entry, plus multiples of the first and the last entry. The
    numbers come from np.pad: it pads unit vectors of the first and last entry, and indices of inner entries.
    """
    even = _places(mode)

    def odd(a: Any, axis: int, widths: tuple[int, int]) -> tuple[Any, Any]:
        n = a.shape[axis]
        units = np.zeros((n, 3), np.intp)
        units[0, 0], units[-1, 1], units[1:-1, 2] = 1, n > 1, np.arange(1, n - 1)
        told = np.pad(units, [widths, (0, 0)], mode, reflect_type="odd")
        ends = []
        for part in (told[: widths[0]], told[widths[0] + n :]):
            shape = [-1 if i == axis else 1 for i in range(a.ndim)]
            first, last, inner = (np.reshape(column, shape) for column in part.T)
            terms = (
                (first, along(a, axis, slice(0, 1))),
                (last, along(a, axis, slice(-1, None))),
                (np.sign(inner), np.take(a, np.abs(inner).ravel(), axis)),
            )
            ends.append(sum(np.where(times == 0, 0, times.astype(a.dtype) * x) for times, x in terms))
        return ends[0], ends[1]

    def pad(a: Any, widths: list[tuple[int, int]], *, reflect_type: str = "even") -> Any:
        return _by_axis(odd)(a, widths) if reflect_type == "odd" else even(a, widths)

    return pad


def _written(function: Callable[..., Any], a: Any, widths: list[tuple[int, int]], **options: Any) -> Any:
    """Call the user's function, which writes into it, on each line of the padded array, axis by axis."""
    a = _zeros(a, widths)
    for axis, width in enumerate(widths if a.size else ()):
        lines = np.moveaxis(a, axis, -1)
        flat = list(np.reshape(lines, (-1, lines.shape[-1])))
        for line in flat:
            function(line, width, axis, options)
        a = np.moveaxis(np.reshape(np.stack(flat), lines.shape), -1, axis)
    return a


_MODES: dict[str, Callable[..., Any]] = {
    "constant": _constant,
    "empty": _zeros,
    "edge": _places("edge"),
    "wrap": _places("wrap"),
    "reflect": _mirror("reflect"),
    "symmetric": _mirror("symmetric"),
    "linear_ramp": _by_axis(_ramps),
    "maximum": _statistic(np.max),
    "minimum": _statistic(np.min),
    "mean": _statistic(np.mean),
    "median": _statistic(np.median),
}


def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    array, pad_width = asarray(array), unwrap(pad_width)
    if callable(mode):
        return _written(mode, array, _widths(pad_width, array.ndim), **options)
    if any(isinstance(value, Tensor) and value.requires_grad for value in (array, *options.values())):
        np.pad(np.zeros(1), 0, mode, **dict.fromkeys(options, 1))  # NumPy refuses unknown options
        return _MODES[mode](array, _widths(pad_width, array.ndim), **options).astype(array.dtype)
    plain = {key: unwrap(value) for key, value in options.items()}
    return wrap(np.pad(unwrap(array), pad_width, mode, **plain))  # np.pad rounds in integer arrays


known[np.pad] = Composition(_pad)
