"""Activation functions as layers; the formulas are in `nn.functional`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor

from .. import functional
from ..module import Module
from ..of import Of

__all__ = [
    "GLU",
    "LTU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardtanh",
    "LogSigmoid",
    "Maxout",
    "ScaledTanh",
    "Sigmoid",
    "Sign",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]

Array = npt.NDArray[Any]
Input = Tensor | Array


class LTU(Of):
    """The linear threshold unit: 1 where x >= 0, else 0. It has no gradient.

    Example:
        >>> import numpy as np, nn
        >>> nn.LTU()(np.array([-1.0, 0.0, 2.0])).tolist()
        [0.0, 1.0, 1.0]
    """

    function = functional.ltu


class Sign(Module):
    """The sign of x: -1, 0 or 1. It has no gradient.

    Example:
        >>> import numpy as np, nn
        >>> nn.Sign()(np.array([-3.0, 0.0, 2.0])).tolist()
        [-1.0, 0.0, 1.0]
    """

    def forward(self, input: Input) -> Any:
        return np.sign(input)


class Threshold(Of):
    """x where x > threshold, else `value`.

    Example:
        >>> import numpy as np, nn
        >>> nn.Threshold(0.5, 7.0)(np.array([0.0, 1.0])).tolist()
        [7.0, 1.0]
    """

    function = functional.threshold
    threshold: float
    value: float
    inplace: bool = False


class Hardtanh(Of):
    """The saturated-linear function: x, clipped to the interval from min_val to max_val.

    Example:
        >>> import numpy as np, nn
        >>> nn.Hardtanh()(np.array([-3.0, 0.5, 2.0])).tolist()
        [-1.0, 0.5, 1.0]
    """

    function = functional.hardtanh
    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False


class Sigmoid(Of):
    """The logistic function 1 / (1 + e^(-steepness x)).

    Example:
        >>> import numpy as np, nn
        >>> nn.Sigmoid()(np.array([0.0, 1.0])).tolist()
        [0.5, 0.7310585786300049]
    """

    function = functional.sigmoid
    steepness: float = 1.0


class LogSigmoid(Of):
    """log(sigmoid(x)) = -log(1 + e^-x), exact where the sigmoid underflows.

    Example:
        >>> import numpy as np, nn
        >>> nn.LogSigmoid()(np.array([0.0, -100.0])).tolist()
        [-0.6931471805599453, -100.0]
    """

    function = functional.logsigmoid


class Tanh(Of):
    """The hyperbolic tangent.

    Example:
        >>> import numpy as np, nn
        >>> nn.Tanh()(np.array([0.0])).tolist()
        [0.0]
    """

    function = functional.tanh


class ScaledTanh(Of):
    """1.7159 tanh(2x / 3): about 1 at 1 and -1 at -1, where the second derivative is largest.

    Example:
        >>> import numpy as np, nn
        >>> nn.ScaledTanh()(np.array([0.0, 1.0])).round(4).tolist()
        [0.0, 1.0]
    """

    function = functional.scaled_tanh


class Softsign(Of):
    """x / (1 + |x|).

    Example:
        >>> import numpy as np, nn
        >>> nn.Softsign()(np.array([-1.0, 3.0])).tolist()
        [-0.5, 0.75]
    """

    function = functional.softsign


class Hardsigmoid(Of):
    """A line from 0 at x = -3 to 1 at x = 3, and constant outside.

    Example:
        >>> import numpy as np, nn
        >>> nn.Hardsigmoid()(np.array([-4.0, 0.0, 1.5])).tolist()
        [0.0, 0.5, 0.75]
    """

    function = functional.hardsigmoid
    inplace: bool = False


class Hardshrink(Of):
    """x where |x| > lambd, else 0.

    Example:
        >>> import numpy as np, nn
        >>> nn.Hardshrink()(np.array([0.3, 1.0])).tolist()
        [0.0, 1.0]
    """

    function = functional.hardshrink
    lambd: float = 0.5


class Softshrink(Of):
    """x moved by lambd towards 0; 0 where |x| <= lambd.

    Example:
        >>> import numpy as np, nn
        >>> nn.Softshrink()(np.array([0.3, -1.0])).tolist()
        [0.0, -0.5]
    """

    function = functional.softshrink
    lambd: float = 0.5


class Tanhshrink(Of):
    """x - tanh(x).

    Example:
        >>> import numpy as np, nn
        >>> nn.Tanhshrink()(np.array([0.0])).tolist()
        [0.0]
    """

    function = functional.tanhshrink


class GLU(Of):
    """a sigmoid(b), where a and b are the two halves of x along an axis.

    Example:
        >>> import numpy as np, nn
        >>> nn.GLU()(np.array([4.0, 0.0])).tolist()
        [2.0]
    """

    function = functional.glu
    dim: int = -1


class Maxout(Of):
    """The largest of each `pieces` neighbouring features: after a `Linear`, a learned convex function.

    Example:
        >>> import numpy as np, nn
        >>> nn.Maxout(2)(np.array([1.0, 5.0, 3.0, 2.0])).tolist()
        [5.0, 3.0]
    """

    function = functional.maxout
    pieces: int
    dim: int = -1
