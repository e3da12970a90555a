"""Where the windows of a convolution or a pooling lie: sizes, slices, and views without a copy.

An array (N, C, *size) is laid into a plane (N, C, *full), which has its padding around it. A window of
the shape `kernel`, its entries `dilation` apart, moves over the plane in steps of `stride`, to `out` places.
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
        size: of the array, without batch and channels.
        kernel: the shape of the window.
        stride: from a window to the next; by default 1, as is the dilation.
        padding: entries before and after each axis; by default none.
        dilation: from an entry of a window to the next.
        out: how many windows there are; by default as many as fit.

    Attributes:
        full: the size with the padding.
        out: how many windows there are along each axis.
        reach: from the first to the last entry of a window, both included.
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
    def apart(self) -> bool:
        """No two windows overlap."""
        return all(s >= r for s, r in zip(self.stride, self.reach, strict=True))

    @property
    def tile(self) -> bool:
        """Each entry of the array lies in one window."""
        windows, entries = math.prod(self.out), math.prod(self.kernel)
        return self.apart and not self.padded and windows * entries == math.prod(self.size)

    @property
    def inner(self) -> Index:
        """Where in the plane the array lies."""
        return (..., *(slice(p, p + n) for n, (p, _) in zip(self.size, self.padding, strict=True)))

    def plane(self, x: Array, fill: float = 0) -> Array:
        """The array with its padding around it; the array itself where it has none."""
        if not self.padded:
            return x
        plane = np.full((*x.shape[:2], *self.full), fill, x.dtype)
        plane[self.inner] = x
        return plane

    def split(self) -> tuple[Windows, Windows]:
        """These windows in two steps: along the last axis, then along the others of what that gives."""
        (*kernel, k), (*stride, s), (*dilation, d) = self.kernel, self.stride, self.dilation
        ones, rows = (1,) * len(kernel), (*self.full[:-1], self.out[-1])
        return (
            Windows(self.full, (*ones, k), (*ones, s), dilation=(*ones, d), out=rows),
            Windows(rows, (*kernel, 1), (*stride, 1), dilation=(*dilation, 1), out=self.out),
        )

    def turned(self) -> Windows:
        """The windows over y whose products with the kernel, turned around, are rows of the plane.

        They are those of a convolution along the last axis, where the stride has to be 1.
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
        """Where in the plane the entry `offset` of each window lies.

        Args:
            offset: in the window; of the leading axes only, if the others are to be taken whole.
            rows: of these windows along the first axis; by default of all.
        """
        index: list[slice] = []
        for i, d, s, n in zip(offset, self.dilation, self.stride, self.out, strict=False):
            first, last = (0, n) if rows is None or index else (rows.start, rows.stop)
            index.append(slice(i * d + s * first, i * d + s * (last - 1) + 1, s))
        return (..., *index, *(slice(None) for _ in self.size[len(offset) :]))
