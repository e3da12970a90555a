"""Rectifiers as layers; the formulas are in `nn.functional`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor

from .. import functional
from ..module import Module, Parameter
from ..of import Of
from ..parameter import dtype_of

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "Hardswish",
    "LeakyReLU",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Softplus",
]

Array = npt.NDArray[Any]
Input = Tensor | Array


class ReLU(Of):
    """max(x, 0).

    Example:
        >>> import numpy as np, nn
        >>> nn.ReLU()(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    function = functional.relu
    inplace: bool = False


class ReLU6(Of):
    """min(max(x, 0), 6).

    Example:
        >>> import numpy as np, nn
        >>> nn.ReLU6()(np.array([-1.0, 2.0, 8.0])).tolist()
        [0.0, 2.0, 6.0]
    """

    function = functional.relu6
    inplace: bool = False


class LeakyReLU(Of):
    """x where x > 0, else negative_slope x.

    Example:
        >>> import numpy as np, nn
        >>> nn.LeakyReLU(0.1)(np.array([-1.0, 2.0])).tolist()
        [-0.1, 2.0]
    """

    function = functional.leaky_relu
    negative_slope: float = 0.01
    inplace: bool = False


class PReLU(Module):
    """x where x > 0, else w x with learned slopes w.

    Args:
        num_parameters: the number of slopes: 1, or one for each channel.
        init: the initial value of w.
        dtype: the dtype of w.

    Source:
        K. He et al., "Delving deep into rectifiers", 2015.

    Example:
        >>> import numpy as np, nn
        >>> nn.PReLU()(np.array([-1.0, 2.0])).tolist()
        [-0.25, 2.0]
    """

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype = dtype_of(device, dtype)
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(np.full(num_parameters, init, dtype))

    def reset_parameters(self) -> None:
        """Set all slopes to their initial value."""
        self.weight.data = np.full_like(self.weight.data, self.init)

    def forward(self, input: Input) -> Any:
        return functional.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """The number of slopes."""
        return f"num_parameters={self.num_parameters}"


class RReLU(Of):
    """x where x > 0, else a x. In training a slope a is drawn for each entry; later a is the mean slope.

    Example:
        >>> import numpy as np, nn
        >>> nn.RReLU(0.0, 0.5)(np.array([2.0, 0.0])).tolist()
        [2.0, 0.0]
    """

    function = functional.rrelu
    lower: float = 1 / 8
    upper: float = 1 / 3
    inplace: bool = False


class Hardswish(Of):
    """x hardsigmoid(x).

    Example:
        >>> import numpy as np, nn
        >>> nn.Hardswish()(np.array([-4.0, 3.0])).tolist()
        [-0.0, 3.0]
    """

    function = functional.hardswish
    inplace: bool = False


class ELU(Of):
    """x where x > 0, else alpha (e^x - 1).

    Example:
        >>> import numpy as np, nn
        >>> nn.ELU()(np.array([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    function = functional.elu
    alpha: float = 1.0
    inplace: bool = False


class CELU(Of):
    """x where x > 0, else alpha (e^(x / alpha) - 1).

    Example:
        >>> import numpy as np, nn
        >>> nn.CELU(2.0)(np.array([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    function = functional.celu
    alpha: float = 1.0
    inplace: bool = False


class SELU(Of):
    """1.0507 ELU(x) with alpha = 1.6733: the layers of a deep network keep mean 0 and variance 1.

    Example:
        >>> import numpy as np, nn
        >>> nn.SELU()(np.array([0.0, 1.0])).tolist()
        [0.0, 1.0507009873554805]
    """

    function = functional.selu
    inplace: bool = False


class Softplus(Of):
    """log(1 + e^(beta x)) / beta, a smooth `relu`.

    Example:
        >>> import numpy as np, nn
        >>> nn.Softplus()(np.array([0.0, 100.0])).tolist()
        [0.6931471805599453, 100.0]
    """

    function = functional.softplus
    beta: float = 1.0
    threshold: float = 20.0


class GELU(Of):
    """x P(z < x) for a standard normal z.

    Example:
        >>> import numpy as np, nn
        >>> nn.GELU()(np.array([0.0, 1.0])).round(4).tolist()
        [0.0, 0.8413]
    """

    function = functional.gelu
    approximate: str = "none"


class SiLU(Of):
    """x sigmoid(x).

    Example:
        >>> import numpy as np, nn
        >>> nn.SiLU()(np.array([0.0, 1.0])).tolist()
        [0.0, 0.7310585786300049]
    """

    function = functional.silu
    inplace: bool = False


class Mish(Of):
    """x tanh(log(1 + e^x)).

    Example:
        >>> import numpy as np, nn
        >>> nn.Mish()(np.array([0.0])).tolist()
        [0.0]
    """

    function = functional.mish
    inplace: bool = False
