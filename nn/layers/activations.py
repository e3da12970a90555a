"""Activation functions as layers; the formulas are in `nn.functional`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor

from .. import functional
from ..module import Module, Parameter

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


class LTU(Module):
    """The linear threshold unit: 1 from 0 on, else 0. It carries no gradient.

    Source:
        W. McCulloch, W. Pitts, "A logical calculus of the ideas immanent in nervous activity", 1943.

    Example:
        >>> import numpy as np, nn
        >>> nn.LTU()(np.array([-1.0, 0.0, 2.0])).tolist()
        [0.0, 1.0, 1.0]
    """

    def forward(self, input: Input) -> Any:
        return functional.ltu(input)


class Sign(Module):
    """-1, 0 or 1. It carries no gradient.

    Example:
        >>> import numpy as np, nn
        >>> nn.Sign()(np.array([-3.0, 0.0, 2.0])).tolist()
        [-1.0, 0.0, 1.0]
    """

    def forward(self, input: Input) -> Any:
        return np.sign(input)


class Threshold(Module):
    """x above the threshold, else `value`.

    Args:
        threshold: where x begins.
        value: what stands below.

    Example:
        >>> import numpy as np, nn
        >>> nn.Threshold(0.5, 7.0)(np.array([0.0, 1.0])).tolist()
        [7.0, 1.0]
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        self.threshold, self.value = threshold, value

    def forward(self, input: Input) -> Any:
        return functional.threshold(input, self.threshold, self.value)

    def extra_repr(self) -> str:
        """The options."""
        return f"threshold={self.threshold!r}, value={self.value!r}"


class Hardtanh(Module):
    """The saturated-linear function: x, but no less than min_val and no more than max_val.

    Args:
        min_val: the least value.
        max_val: the largest value.

    Example:
        >>> import numpy as np, nn
        >>> nn.Hardtanh()(np.array([-3.0, 0.5, 2.0])).tolist()
        [-1.0, 0.5, 1.0]
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        self.min_val, self.max_val = min_val, max_val

    def forward(self, input: Input) -> Any:
        return functional.hardtanh(input, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """The options."""
        return f"min_val={self.min_val!r}, max_val={self.max_val!r}"


class ReLU(Module):
    """max(x, 0).

    Source:
        V. Nair, G. Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.

    Example:
        >>> import numpy as np, nn
        >>> nn.ReLU()(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        pass

    def forward(self, input: Input) -> Any:
        return functional.relu(input)


class ReLU6(Module):
    """min(max(x, 0), 6).

    Example:
        >>> import numpy as np, nn
        >>> nn.ReLU6()(np.array([-1.0, 2.0, 8.0])).tolist()
        [0.0, 2.0, 6.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        pass

    def forward(self, input: Input) -> Any:
        return functional.relu6(input)


class LeakyReLU(Module):
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

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        self.negative_slope = negative_slope

    def forward(self, input: Input) -> Any:
        return functional.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        """The options."""
        return f"negative_slope={self.negative_slope!r}"


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


class RReLU(Module):
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

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        self.lower, self.upper = lower, upper

    def forward(self, input: Input) -> Any:
        return functional.rrelu(input, self.lower, self.upper, self.training)

    def extra_repr(self) -> str:
        """The options."""
        return f"lower={self.lower!r}, upper={self.upper!r}"


class ELU(Module):
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

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha = alpha

    def forward(self, input: Input) -> Any:
        return functional.elu(input, self.alpha)

    def extra_repr(self) -> str:
        """The options."""
        return f"alpha={self.alpha!r}"


class CELU(Module):
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

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha = alpha

    def forward(self, input: Input) -> Any:
        return functional.celu(input, self.alpha)

    def extra_repr(self) -> str:
        """The options."""
        return f"alpha={self.alpha!r}"


class SELU(Module):
    """1.0507 times ELU with alpha = 1.6733: activations come near mean 0 and variance 1 by themselves.

    Source:
        G. Klambauer et al., "Self-normalizing neural networks", 2017.

    Example:
        >>> import numpy as np, nn
        >>> nn.SELU()(np.array([0.0, 1.0])).tolist()
        [0.0, 1.0507009873554805]
    """

    def __init__(self, inplace: bool = False) -> None:
        pass

    def forward(self, input: Input) -> Any:
        return functional.selu(input)


class Softplus(Module):
    """log(1 + e^(beta x)) / beta, and x where beta x is above the threshold.

    Args:
        beta: how sharply it bends.
        threshold: from where on it is x.

    Example:
        >>> import numpy as np, nn
        >>> nn.Softplus()(np.array([0.0, 100.0])).tolist()
        [0.6931471805599453, 100.0]
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Input) -> Any:
        return functional.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The options."""
        return f"beta={self.beta!r}, threshold={self.threshold!r}"


class GELU(Module):
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

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, input: Input) -> Any:
        return functional.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """The options."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x sigmoid(x).

    Source:
        S. Elfwing et al., "Sigmoid-weighted linear units", 2017.

    Example:
        >>> import numpy as np, nn
        >>> nn.SiLU()(np.array([0.0, 1.0])).tolist()
        [0.0, 0.7310585786300049]
    """

    def __init__(self, inplace: bool = False) -> None:
        pass

    def forward(self, input: Input) -> Any:
        return functional.silu(input)


class Mish(Module):
    """x tanh(log(1 + e^x)).

    Source:
        D. Misra, "Mish: a self regularized non-monotonic activation function", 2019.

    Example:
        >>> import numpy as np, nn
        >>> nn.Mish()(np.array([0.0])).tolist()
        [0.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        pass

    def forward(self, input: Input) -> Any:
        return functional.mish(input)


class Sigmoid(Module):
    """The logistic function 1 / (1 + e^(-steepness x)).

    Args:
        steepness: of the lectures: four times the slope at 0.

    Example:
        >>> import numpy as np, nn
        >>> nn.Sigmoid()(np.array([0.0, 1.0])).tolist()
        [0.5, 0.7310585786300049]
    """

    def __init__(self, steepness: float = 1.0) -> None:
        self.steepness = steepness

    def forward(self, input: Input) -> Any:
        return functional.sigmoid(input, self.steepness)

    def extra_repr(self) -> str:
        """The options."""
        return f"steepness={self.steepness!r}"


class LogSigmoid(Module):
    """log(sigmoid(x)) = -log(1 + e^-x).

    Example:
        >>> import numpy as np, nn
        >>> nn.LogSigmoid()(np.array([0.0, -100.0])).tolist()
        [-0.6931471805599453, -100.0]
    """

    def forward(self, input: Input) -> Any:
        return functional.logsigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent.

    Example:
        >>> import numpy as np, nn
        >>> nn.Tanh()(np.array([0.0])).tolist()
        [0.0]
    """

    def forward(self, input: Input) -> Any:
        return functional.tanh(input)


class ScaledTanh(Module):
    """1.7159 tanh(2x / 3): about 1 at 1 and -1 at -1, where its second derivative is largest.

    Source:
        Y. LeCun et al., "Efficient backprop", 1998.

    Example:
        >>> import numpy as np, nn
        >>> nn.ScaledTanh()(np.array([0.0, 1.0])).round(4).tolist()
        [0.0, 1.0]
    """

    def forward(self, input: Input) -> Any:
        return functional.scaled_tanh(input)


class Softsign(Module):
    """x / (1 + |x|).

    Example:
        >>> import numpy as np, nn
        >>> nn.Softsign()(np.array([-1.0, 3.0])).tolist()
        [-0.5, 0.75]
    """

    def forward(self, input: Input) -> Any:
        return functional.softsign(input)


class Hardsigmoid(Module):
    """A straight line from 0 at x = -3 to 1 at x = 3.

    Example:
        >>> import numpy as np, nn
        >>> nn.Hardsigmoid()(np.array([-4.0, 0.0, 1.5])).tolist()
        [0.0, 0.5, 0.75]
    """

    def __init__(self, inplace: bool = False) -> None:
        pass

    def forward(self, input: Input) -> Any:
        return functional.hardsigmoid(input)


class Hardswish(Module):
    """x hardsigmoid(x).

    Example:
        >>> import numpy as np, nn
        >>> nn.Hardswish()(np.array([-4.0, 3.0])).tolist()
        [-0.0, 3.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        pass

    def forward(self, input: Input) -> Any:
        return functional.hardswish(input)


class Hardshrink(Module):
    """x where |x| > lambd, else 0.

    Args:
        lambd: the threshold.

    Example:
        >>> import numpy as np, nn
        >>> nn.Hardshrink()(np.array([0.3, 1.0])).tolist()
        [0.0, 1.0]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, input: Input) -> Any:
        return functional.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """The options."""
        return f"lambd={self.lambd!r}"


class Softshrink(Module):
    """x, moved by lambd towards 0, but not beyond it.

    Args:
        lambd: how far.

    Example:
        >>> import numpy as np, nn
        >>> nn.Softshrink()(np.array([0.3, -1.0])).tolist()
        [0.0, -0.5]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, input: Input) -> Any:
        return functional.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """The options."""
        return f"lambd={self.lambd!r}"


class Tanhshrink(Module):
    """x - tanh(x).

    Example:
        >>> import numpy as np, nn
        >>> nn.Tanhshrink()(np.array([0.0])).tolist()
        [0.0]
    """

    def forward(self, input: Input) -> Any:
        return functional.tanhshrink(input)


class Softmax(Module):
    """e^x / sum(e^x) along an axis: positive numbers that add up to 1.

    Args:
        dim: the axis; by default that of the classes: 1 in (N, C), 0 in (C,).

    Example:
        >>> import numpy as np, nn
        >>> nn.Softmax(dim=0)(np.array([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def forward(self, input: Input) -> Any:
        return functional.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim!r}"


class Softmax2d(Softmax):
    """The softmax over the channels at each pixel of (N, C, H, W) or (C, H, W)."""

    def __init__(self) -> None:
        super().__init__(dim=-3)


class Softmin(Module):
    """softmax(-x).

    Args:
        dim: the axis; by default that of the classes: 1 in (N, C), 0 in (C,).

    Example:
        >>> import numpy as np, nn
        >>> nn.Softmin(dim=0)(np.array([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def forward(self, input: Input) -> Any:
        return functional.softmin(input, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim!r}"


class LogSoftmax(Module):
    """log(softmax(x)), exact where softmax underflows.

    Args:
        dim: the axis; by default that of the classes: 1 in (N, C), 0 in (C,).

    Example:
        >>> import numpy as np, nn
        >>> nn.LogSoftmax(dim=0)(np.array([0.0, 1000.0])).tolist()
        [-1000.0, 0.0]
    """

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def forward(self, input: Input) -> Any:
        return functional.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim!r}"


class GLU(Module):
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

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, input: Input) -> Any:
        return functional.glu(input, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"dim={self.dim!r}"


class Maxout(Module):
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

    def __init__(self, pieces: int, dim: int = -1) -> None:
        self.pieces, self.dim = pieces, dim

    def forward(self, input: Input) -> Any:
        return functional.maxout(input, self.pieces, self.dim)

    def extra_repr(self) -> str:
        """The options."""
        return f"pieces={self.pieces!r}, dim={self.dim!r}"
