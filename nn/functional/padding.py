"""Padding: new entries before and after an array along its axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError, ShapeError

from .exactness import exact

__all__ = ["pad"]

Array = npt.NDArray[Any]


@exact
def pad(input: Tensor | Array, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """The input with new entries before and after it along its last axes.

    Args:
        input: of any shape.
        pad: (before, after) for the last axis, then for the last but one, and so on, as one flat
            tuple. A negative number cuts entries off.
        mode: "constant" adds `value`. "reflect" mirrors the input at its outermost entries. "replicate"
            repeats these entries. "circular" adds the entries of the other end.
        value: the new entries of mode "constant", by default 0.

    Raises:
        OptionError: the mode is unknown, `pad` has an odd length, or `value` comes with another mode.
        ShapeError: `pad` has more pairs than the input has axes, or an axis is too short.

    Example:
        >>> import numpy as np
        >>> pad(np.array([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
        array([[3., 2., 1., 2., 3., 2.]])
    """
    if mode not in ("constant", *_INDICES):
        raise OptionError(f'pad(mode={mode!r}): expected "constant", "reflect", "replicate" or "circular"')
    if len(pad) % 2:
        raise OptionError(f"pad: {tuple(pad)} has {len(pad)} entries; expected (before, after) for each axis")
    if mode != "constant" and value is not None:
        raise OptionError(f'pad(mode={mode!r}, value={value}): a value is for mode="constant" only')
    if len(pad) > 2 * input.ndim:
        raise ShapeError(
            f"pad: {tuple(pad)} is for {len(pad) // 2} axes, but the input has shape {input.shape}"
        )
    padded: Any = input
    for axis, before, after in zip(range(-1, -len(pad) - 1, -1), pad[::2], pad[1::2], strict=False):
        size = padded.shape[axis]
        if before < 0 or after < 0:
            if max(0, -before) + max(0, -after) > size:
                raise ShapeError(f"pad: {tuple(pad)} cuts more off than an input of shape {input.shape} has")
            padded = padded[(..., slice(max(0, -before), size - max(0, -after)), *(slice(None),) * ~axis)]
            before, after, size = max(0, before), max(0, after), padded.shape[axis]
        if not before and not after:
            continue
        if mode == "constant":
            padded = _extended(padded, axis, before, after, 0.0 if value is None else value)
            continue
        longest = {"reflect": size - 1, "circular": size}.get(mode, max(before, after) if size else 0)
        if max(before, after) > longest:
            raise ShapeError(
                f'pad(mode="{mode}"): at most {longest} entries can be added at an end of an axis of '
                f"length {size}, got {max(before, after)}"
            )
        padded = np.take(padded, _INDICES[mode](np.arange(-before, size + after), size), axis=axis)
    return padded


_INDICES: dict[str, Any] = {
    "reflect": lambda i, n: n - 1 - np.abs(n - 1 - np.abs(i)),
    "replicate": lambda i, n: np.clip(i, 0, n - 1),
    "circular": lambda i, n: i % n,
}
"""For each mode, the index into an axis of n entries that stands at index i, for i < 0 and i >= n too."""


def _extended(x: Any, axis: int, before: int, after: int, value: float) -> Any:
    def block(count: int) -> Array:
        shape = list(x.shape)
        shape[axis] = count
        return np.full(shape, value, x.dtype)

    return np.concatenate([block(before), x, block(after)], axis=axis)
