"""Activation functions as layers; the formulas are in `nn.functional`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor

from .. import functional
from ..module import Module, Parameter
from ..of import Of

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "LTU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Maxout",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "ScaledTanh",
    "SiLU",
    "Sigmoid",
    "Sign",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]

Array = npt.NDArray[Any]
Input = Tensor | Array


class LTU(Of):
    """The linear threshold unit: 1 from 0 on, else 0. It carries no gradient.

    Source:
        W. McCulloch, W. Pitts, "A logical calculus of the ideas immanent in nervous activity", 1943.

    Example:
        >>> import numpy as np, nn
        >>> nn.LTU()(np.array([-1.0, 0.0, 2.0])).tolist()
        [0.0, 1.0, 1.0]
    """

    function = functional.ltu


class Sign(Module):
    """-1, 0 or 1. It carries no gradient.

    Example:
        >>> import numpy as np, nn
        >>> nn.Sign()(np.array([-3.0, 0.0, 2.0])).tolist()
        [-1.0, 0.0, 1.0]
    """

    def forward(self, input: Input) -> Any:
        return np.sign(input)


class Threshold(Of):
    """x above the threshold, else `value`.

    Args:
        threshold: where x begins.
        value: what stands below.

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
    """The saturated-linear function: x, but no less than min_val and no more than max_val.

    Args:
        min_val: the least value.
        max_val: the largest value.

    Example:
        >>> import numpy as np, nn
        >>> nn.Hardtanh()(np.array([-3.0, 0.5, 2.0])).tolist()
        [-1.0, 0.5, 1.0]
    """

    function = functional.hardtanh
    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False


class ReLU(Of):
    """max(x, 0).

    Source:
        V. Nair, G. Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.

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
    """x above 0, else negative_slope x.

    Args:
        negative_slope: below 0.

    Source:
        A. Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.

    Example:
        >>> import numpy as np, nn
        >>> nn.LeakyReLU(0.1)(np.array([-1.0, 2.0])).tolist()
        [-0.1, 2.0]
    """

    function = functional.leaky_relu
    negative_slope: float = 0.01
    inplace: bool = False


class PReLU(Module):
    """x above 0, else w x with slopes w that are learned.

    Args:
        num_parameters: 1, or the number of channels.
        init: what w begins with.
        dtype: of w.

    Source:
        K. He et al., "Delving deep into rectifiers", 2015.

    Example:
        >>> import numpy as np, nn
        >>> nn.PReLU()(np.array([-1.0, 2.0])).tolist()
        [-0.25, 2.0]
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, dtype: npt.DTypeLike = np.float32
    ) -> None:
        self.num_parameters = num_parameters
        self.weight = Parameter(np.full(num_parameters, init, dtype))

    def forward(self, input: Input) -> Any:
        return functional.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """The number of slopes."""
        return f"num_parameters={self.num_parameters}"


class RReLU(Of):
    """x above 0, else a x; in training a is drawn from [lower, upper] for each entry, later it is their
    mean.

    Args:
        lower: the least slope.
        upper: the largest slope.

    Source:
        B. Xu et al., "Empirical evaluation of rectified activations in convolution network", 2015.

    Example:
        >>> import numpy as np, nn
        >>> nn.RReLU(0.0, 0.5)(np.array([2.0, 0.0])).tolist()
        [2.0, 0.0]
    """

    function = functional.rrelu
    lower: float = 1 / 8
    upper: float = 1 / 3
    inplace: bool = False


class ELU(Of):
    """x above 0, else alpha (e^x - 1).

    Args:
        alpha: minus the value for large negative x.

    Source:
        D. Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2016.

    Example:
        >>> import numpy as np, nn
        >>> nn.ELU()(np.array([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    function = functional.elu
    alpha: float = 1.0
    inplace: bool = False


class CELU(Of):
    """x above 0, else alpha (e^(x / alpha) - 1).

    Args:
        alpha: minus the value for large negative x.

    Source:
        J. Barron, "Continuously differentiable exponential linear units", 2017.

    Example:
        >>> import numpy as np, nn
        >>> nn.CELU(2.0)(np.array([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    function = functional.celu
    alpha: float = 1.0
    inplace: bool = False


class SELU(Of):
    """1.0507 times ELU with alpha = 1.6733: activations come near mean 0 and variance 1 by themselves.

    Source:
        G. Klambauer et al., "Self-normalizing neural networks", 2017.

    Example:
        >>> import numpy as np, nn
        >>> nn.SELU()(np.array([0.0, 1.0])).tolist()
        [0.0, 1.0507009873554805]
    """

    function = functional.selu
    inplace: bool = False


class Softplus(Of):
    """log(1 + e^(beta x)) / beta, and x where beta x is above the threshold.

    Args:
        beta: how sharply it bends.
        threshold: from where on it is x.

    Example:
        >>> import numpy as np, nn
        >>> nn.Softplus()(np.array([0.0, 100.0])).tolist()
        [0.6931471805599453, 100.0]
    """

    function = functional.softplus
    beta: float = 1.0
    threshold: float = 20.0


class GELU(Of):
    """x P(z < x) for a normal z.

    Args:
        approximate: "tanh" for the approximation by a tanh.

    Source:
        D. Hendrycks, K. Gimpel, "Gaussian error linear units", 2016.

    Example:
        >>> import numpy as np, nn
        >>> nn.GELU()(np.array([0.0, 1.0])).round(4).tolist()
        [0.0, 0.8413]
    """

    function = functional.gelu
    approximate: str = "none"


class SiLU(Of):
    """x sigmoid(x).

    Source:
        S. Elfwing et al., "Sigmoid-weighted linear units", 2017.

    Example:
        >>> import numpy as np, nn
        >>> nn.SiLU()(np.array([0.0, 1.0])).tolist()
        [0.0, 0.7310585786300049]
    """

    function = functional.silu
    inplace: bool = False


class Mish(Of):
    """x tanh(log(1 + e^x)).

    Source:
        D. Misra, "Mish: a self regularized non-monotonic activation function", 2019.

    Example:
        >>> import numpy as np, nn
        >>> nn.Mish()(np.array([0.0])).tolist()
        [0.0]
    """

    function = functional.mish
    inplace: bool = False


class Sigmoid(Of):
    """The logistic function 1 / (1 + e^(-steepness x)).

    Args:
        steepness: of the lectures: four times the slope at 0.

    Example:
        >>> import numpy as np, nn
        >>> nn.Sigmoid()(np.array([0.0, 1.0])).tolist()
        [0.5, 0.7310585786300049]
    """

    function = functional.sigmoid
    steepness: float = 1.0


class LogSigmoid(Of):
    """log(sigmoid(x)) = -log(1 + e^-x).

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
    """1.7159 tanh(2x / 3): about 1 at 1 and -1 at -1, where its second derivative is largest.

    Source:
        Y. LeCun et al., "Efficient backprop", 1998.

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
    """A straight line from 0 at x = -3 to 1 at x = 3.

    Example:
        >>> import numpy as np, nn
        >>> nn.Hardsigmoid()(np.array([-4.0, 0.0, 1.5])).tolist()
        [0.0, 0.5, 0.75]
    """

    function = functional.hardsigmoid
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


class Hardshrink(Of):
    """x where |x| > lambd, else 0.

    Args:
        lambd: the threshold.

    Example:
        >>> import numpy as np, nn
        >>> nn.Hardshrink()(np.array([0.3, 1.0])).tolist()
        [0.0, 1.0]
    """

    function = functional.hardshrink
    lambd: float = 0.5


class Softshrink(Of):
    """x, moved by lambd towards 0, but not beyond it.

    Args:
        lambd: how far.

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


class Softmax(Of):
    """e^x / sum(e^x) along an axis: positive numbers that add up to 1.

    Args:
        dim: the axis; by default that of the classes: 1 in (N, C), 0 in (C,).

    Example:
        >>> import numpy as np, nn
        >>> nn.Softmax(dim=0)(np.array([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """

    function = functional.softmax
    dim: int | None = None


class Softmax2d(Softmax):
    """The softmax over the channels at each pixel of (N, C, H, W) or (C, H, W)."""

    def __init__(self) -> None:
        self.dim = -3


class Softmin(Of):
    """softmax(-x).

    Args:
        dim: the axis; by default that of the classes: 1 in (N, C), 0 in (C,).

    Example:
        >>> import numpy as np, nn
        >>> nn.Softmin(dim=0)(np.array([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """

    function = functional.softmin
    dim: int | None = None


class LogSoftmax(Of):
    """log(softmax(x)), exact where softmax underflows.

    Args:
        dim: the axis; by default that of the classes: 1 in (N, C), 0 in (C,).

    Example:
        >>> import numpy as np, nn
        >>> nn.LogSoftmax(dim=0)(np.array([0.0, 1000.0])).tolist()
        [-1000.0, 0.0]
    """

    function = functional.log_softmax
    dim: int | None = None


class GLU(Of):
    """a sigmoid(b), where a and b are the halves of x along an axis.

    Args:
        dim: the axis.

    Source:
        Y. Dauphin et al., "Language modeling with gated convolutional networks", 2017.

    Example:
        >>> import numpy as np, nn
        >>> nn.GLU()(np.array([4.0, 0.0])).tolist()
        [2.0]
    """

    function = functional.glu
    dim: int = -1


class Maxout(Of):
    """The largest of each `pieces` neighbouring features: after a Linear, a convex function that is learned.

    Args:
        pieces: how many linear functions the maximum is taken of.
        dim: the axis of the features.

    Source:
        I. Goodfellow et al., "Maxout networks", 2013.

    Example:
        >>> import numpy as np, nn
        >>> nn.Maxout(2)(np.array([1.0, 5.0, 3.0, 2.0])).tolist()
        [5.0, 3.0]
    """

    function = functional.maxout
    pieces: int
    dim: int = -1
