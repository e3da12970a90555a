"""Layers that change the number of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from autograd_lite import Tensor

from .. import functional
from ..module import Module
from .spatial import called

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]


class Upsample(Module):
    """Images or sequences, resampled to another number of pixels.

    See `nn.functional.interpolate`.

    Args:
        size: the new length of each spatial axis, an int or one for each axis.
        scale_factor: multiplies the lengths; the alternative to `size`.
        mode: "nearest", "nearest-exact" or "area"; "linear" for sequences, "bilinear" or "bicubic" for
            images, "trilinear" for volumes.
        align_corners: in the blending modes, keep the centres of the corner pixels where they are.
        recompute_scale_factor: use the quotient of the lengths in place of `scale_factor`.

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
        recompute_scale_factor: bool | None = None,
    ) -> None:
        self.size = size
        self.scale_factor = float(scale_factor) if isinstance(scale_factor, (int, float)) else scale_factor
        self.mode, self.align_corners = mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, x: Tensor | npt.NDArray[Any]) -> Any:
        return called(
            self, functional.interpolate, x, self.size, self.scale_factor, self.mode, self.align_corners,
            self.recompute_scale_factor,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The size or the factor, and the mode."""
        given = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{given}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Images with each pixel repeated: `Upsample` with the mode "nearest".

    Args:
        size: the new height and width.
        scale_factor: multiplies height and width; the alternative to `size`.
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor)


class UpsamplingBilinear2d(Upsample):
    """Images, blended: `Upsample` with the mode "bilinear" and with `align_corners`.

    Args:
        size: the new height and width.
        scale_factor: multiplies height and width; the alternative to `size`.
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, "bilinear", True)
