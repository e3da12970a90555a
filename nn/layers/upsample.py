"""Layers that change the number of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from autograd_lite import Tensor

from .. import functional
from ..module import Module
from .spatial import called

__all__ = ["Upsample"]


class Upsample(Module):
    """Images or sequences, resampled to another number of pixels.

    See `nn.functional.interpolate`.

    Args:
        size: the new length of each spatial axis, an int or one for each axis.
        scale_factor: multiplies the lengths; the alternative to `size`.
        mode: "nearest", "nearest-exact", "linear" for sequences or "bilinear" for images.
        align_corners: in the linear modes, keep the centres of the corner pixels where they are.

    Example:
        >>> import numpy as np, nn
        >>> nn.Upsample(scale_factor=2)(np.array([[[[1.0, 2.0]]]]))
        array([[[[1., 1., 2., 2.],
                 [1., 1., 2., 2.]]]])
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
    ) -> None:
        self.size = size
        self.scale_factor = float(scale_factor) if isinstance(scale_factor, (int, float)) else scale_factor
        self.mode, self.align_corners = mode, align_corners

    def forward(self, x: Tensor | npt.NDArray[Any]) -> Any:
        return called(
            self, functional.interpolate, x, self.size, self.scale_factor, self.mode, self.align_corners
        )

    def extra_repr(self) -> str:
        """The size or the factor, and the mode."""
        given = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{given}, mode={self.mode!r}"
