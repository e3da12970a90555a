"""The windows of a convolution or a pooling: sizes, slices, and views without a copy.

A plane (N, C, *full) is an array (N, C, *size) with its padding. A window has the shape `kernel`, and its
entries are `dilation` apart. The window moves over the plane in steps of `stride` and takes `out` positions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

__all__ = ["Array", "Pairs", "Sizes", "Windows"]

Array = npt.NDArray[Any]
Sizes = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]
Index = tuple[Any, ...]


class Windows:
    """The windows over arrays of one size; every argument has an entry for each spatial axis.

    Args:
        size: the shape of the array, without batch and channels.
        kernel: the shape of the window.
        stride: the distance from a window to the next, by default 1.
        padding: the number of entries before and after each axis, by default 0.
        dilation: the distance from an entry of a window to the next, by default 1.
        out: the number of windows; by default as many as fit.

    Attributes:
        full: the size with the padding.
        out: the number of windows along each axis.
        reach: the length from the first to the last entry of a window, both included.
    """

    def __init__(
        self,
        size: Sizes,
        kernel: Sizes,
        stride: Sizes | None = None,
        padding: Pairs | None = None,
        dilation: Sizes | None = None,
        out: Sizes | None = None,
    ) -> None:
        ones = (1,) * len(size)
        stride, dilation = stride or ones, dilation or ones
        padding = padding or ((0, 0),) * len(size)
        self.size, self.kernel, self.stride, self.dilation = size, kernel, stride, dilation
        self.padding = padding
        self.full = tuple(n + before + after for n, (before, after) in zip(size, padding, strict=True))
        self.reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
        fit = ((n - r) // s + 1 for n, r, s in zip(self.full, self.reach, stride, strict=True))
        self.out = tuple(fit) if out is None else out

    @property
    def padded(self) -> bool:
        return self.full != self.size

    @property
    def before(self) -> Sizes:
        """The number of entries of the padding before each axis."""
        return tuple(before for before, _ in self.padding)

    @property
    def apart(self) -> bool:
        """Whether no two windows overlap."""
        return all(s >= r for s, r in zip(self.stride, self.reach, strict=True))

    @property
    def tile(self) -> bool:
        """Whether each entry of the array lies in exactly one window."""
        windows, entries = math.prod(self.out), math.prod(self.kernel)
        return self.apart and not self.padded and windows * entries == math.prod(self.size)

    @property
    def inner(self) -> Index:
        """The index of the array in the plane."""
        return (..., *(slice(p, p + n) for n, (p, _) in zip(self.size, self.padding, strict=True)))

    def plane(self, x: Array, fill: float = 0) -> Array:
        """The array with its padding; the array itself if there is no padding."""
        if not self.padded:
            return x
        plane = np.full((*x.shape[:2], *self.full), fill, x.dtype)
        plane[self.inner] = x
        return plane

    def split(self) -> tuple[Windows, Windows]:
        """These windows in two steps: first along the last axis, then along the other axes of the result."""
        (*kernel, k), (*stride, s), (*dilation, d) = self.kernel, self.stride, self.dilation
        ones, rows = (1,) * len(kernel), (*self.full[:-1], self.out[-1])
        return (
            Windows(self.full, (*ones, k), (*ones, s), dilation=(*ones, d), out=rows),
            Windows(rows, (*kernel, 1), (*stride, 1), dilation=(*dilation, 1), out=self.out),
        )

    def turned(self) -> Windows:
        """The windows over y whose products with the flipped kernel are rows of the plane.

        They belong to a convolution along the last axis, whose stride must be 1.
        """
        ones, none = (1,) * (len(self.kernel) - 1), ((0, 0),) * (len(self.kernel) - 1)
        around = (self.reach[-1] - 1, self.full[-1] - self.out[-1])
        kernel, dilation = (*ones, self.kernel[-1]), (*ones, self.dilation[-1])
        return Windows(self.out, kernel, padding=(*none, around), dilation=dilation)

    def over(self, plane: Array) -> Array:
        """All windows, as a view (N, C, *kernel, *out) of the plane."""
        lead, steps = plane.strides[:2], plane.strides[2:]
        within = tuple(d * step for d, step in zip(self.dilation, steps, strict=True))
        between = tuple(s * step for s, step in zip(self.stride, steps, strict=True))
        return as_strided(plane, (*plane.shape[:2], *self.kernel, *self.out), (*lead, *within, *between))

    def at(self, offset: Sizes, rows: slice | None = None) -> Index:
        """The index in the plane of the entry `offset` of each window.

        Args:
            offset: the offset in the window. An offset with fewer axes takes the last axes whole.
            rows: a range of windows along the first axis; by default all windows.
        """
        index: list[slice] = []
        for i, d, s, n in zip(offset, self.dilation, self.stride, self.out, strict=False):
            first, last = (0, n) if rows is None or index else (rows.start, rows.stop)
            index.append(slice(i * d + s * first, i * d + s * (last - 1) + 1, s))
        return (..., *index, *(slice(None) for _ in self.size[len(offset) :]))
