"""Instance normalization: each channel of each sample on its own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy.typing as npt

from autograd_lite import Tensor

from .. import functional
from .normalization import ChannelNorm

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]

Input = Tensor | npt.NDArray[Any]


class _InstanceNorm(ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def axis(self, input: Input) -> int:
        """The axis of the channels: the first one of a single sample."""
        return 0 if input.ndim == min(self.shapes) else 1

    def forward(self, input: Input) -> Any:
        self.check(input)
        single = self.axis(input) == 0
        y = functional.instance_norm(
            input[None] if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum,
            self.eps,
        )
        return y[0] if single else y


class InstanceNorm1d(_InstanceNorm):
    """Normalizes each channel of each sample (N, C, L) or (C, L) to mean 0 and variance 1.

    Args:
        num_features: C.
        eps: added to the variance, so that the division stays finite.
        momentum: the fraction by which the running values move towards those of a batch.
        affine: learn a scale and a shift for each channel.
        track_running_stats: keep running values, and use them in evaluation.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.
        bias: learn the shift; if False, only the scale.

    Example:
        >>> import numpy as np, nn
        >>> nn.InstanceNorm1d(1)(np.array([[[1.0, 3.0]]])).round(3).tolist()
        [[[-1.0, 1.0]]]
    """

    shapes: ClassVar = {2: "({}, L)", 3: "(N, {}, L)"}


class InstanceNorm2d(_InstanceNorm):
    """Normalizes each channel of each sample (N, C, H, W) or (C, H, W) to mean 0 and variance 1.

    The arguments are those of `InstanceNorm1d`.

    Source:
        D. Ulyanov et al., "Instance normalization", 2016.

    Example:
        >>> import numpy as np, nn
        >>> nn.InstanceNorm2d(1)(np.array([[[[1.0, 3.0]]]])).round(3).tolist()
        [[[[-1.0, 1.0]]]]
    """

    shapes: ClassVar = {3: "({}, H, W)", 4: "(N, {}, H, W)"}


class InstanceNorm3d(_InstanceNorm):
    """Normalizes each channel of each sample (N, C, D, H, W) or (C, D, H, W) to mean 0 and variance 1.

    The arguments are those of `InstanceNorm1d`.

    Example:
        >>> import numpy as np, nn
        >>> nn.InstanceNorm3d(1)(np.array([[[[[1.0, 3.0]]]]])).round(3).tolist()
        [[[[[-1.0, 1.0]]]]]
    """

    shapes: ClassVar = {4: "({}, D, H, W)", 5: "(N, {}, D, H, W)"}
