"""How weights become superfluous while a net learns: the methods that `compression` compares.

Each method stands in the net in place of a layer. `cost` is a term of the loss in nats, and `weights` are
the weights that the method would keep, with 0 for the others. Noise on a weight is cheap by the term and dear
by the loss: so the noise grows where the digits do not need the weight, and the weight is dropped.

Source: S. Nowlan, G. Hinton, "Simplifying neural networks by soft weight-sharing", 1992; K. Ullrich, E.
Meeds, M. Welling, "Soft weight-sharing for neural network compression", 2017; D. Molchanov, A. Ashukha, D.
Vetrov, "Variational dropout sparsifies deep neural networks", 2017; C. Louizos, K. Ullrich, M. Welling,
"Bayesian compression for deep learning", 2017; E. Candes, M. Wakin, S. Boyd, "Enhancing sparsity by
reweighted l1 minimization", 2008.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from nn.functional import conv2d, linear

Array = npt.NDArray[Any]

NOISE = 3.0
"""A weight is dropped where log(variance / mean^2) is larger: it is noise to 95 %."""
TINY = 1e-12


class Sparsified(nn.Module):
    """A layer that a method makes sparse.

    Args:
        layer: a Linear, or a Conv2d; it becomes part of this one.
    """

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def forward(self, x: Any) -> Any:
        """As the layer."""
        return self.layer(x)

    def cost(self) -> Any:
        """What the weights cost, in nats."""
        raise NotImplementedError

    def weights(self) -> Array:
        """The weights that are kept, and 0 for the others."""
        raise NotImplementedError

    def slow(self) -> list[nn.Parameter]:
        """The parameters as small as weights. All others, e.g. logarithms, are learned at a higher rate."""
        return list(self.layer.parameters())


def in_place_of_layers(model: nn.Sequential, method: Callable[[Any], Sparsified]) -> nn.Sequential:
    """A copy of a net in which a method stands in place of each layer, and no neuron is dropped."""
    parts = [part for part in copy.deepcopy(model) if not isinstance(part, nn.Dropout)]
    return nn.Sequential(
        *(method(part) if isinstance(part, (nn.Linear, nn.Conv2d)) else part for part in parts)
    )


def cost(model: nn.Module) -> Any:
    """What the weights of a net cost, in nats."""
    return sum(part.cost() for part in model.modules() if isinstance(part, Sparsified))


# -- penalties -------------------------------------------------------------------------------------


class AdaptivePenalty(Sparsified):
    """sum log(1 + |w| / unit): an L1 penalty whose strength 1 / (unit + |w|) adapts to each weight."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.unit = 0.3 * float(np.sqrt(np.mean(layer.weight.data**2)))

    def cost(self) -> Any:
        """The penalty."""
        return np.sum(np.log1p(np.abs(self.layer.weight) / self.unit))

    def weights(self) -> Array:
        """Those above the unit."""
        w: Array = self.layer.weight.numpy()
        return np.where(np.abs(w) > self.unit, w, 0)


class SoftWeightSharing(Sparsified):
    """-log p(w) of a mixture of normal densities, whose means, precisions and shares are learned too.

    The first mean is 0, and its share is fixed. In the end each weight becomes the mean of the density that
    it most probably belongs to. A Gamma density of each precision keeps densities from becoming infinite.

    Args:
        layer: the layer.
        means: the number of means beside 0.
        zero: the share of 0.
    """

    def __init__(self, layer: Any, means: int = 8, zero: float = 0.99) -> None:
        super().__init__(layer)
        top = float(np.abs(layer.weight.data).max())
        self.zero, self.width, self.strength = zero, top / (2 * means), layer.weight.size / 100
        self.means = nn.Parameter(np.linspace(-top, top, means, dtype=np.float32))
        self.log_precisions = nn.Parameter(np.full(means + 1, -2 * np.log(self.width), np.float32))
        self.scores = nn.Parameter(np.zeros(means, np.float32))

    def log_densities(self) -> Any:
        """Of shape (means, weights): the logarithm of share times density."""
        zero, others = float(np.log(self.zero)), float(np.log(1 - self.zero))
        means = np.concatenate([np.zeros(1, np.float32), self.means])[:, None]
        shares = np.concatenate([np.full(1, zero, np.float32), others + ag.log_softmax(self.scores)])[:, None]
        precisions = self.log_precisions[:, None]
        heights = shares + 0.5 * (precisions - float(np.log(2 * np.pi)))
        return heights - 0.5 * np.exp(precisions) * (self.layer.weight.reshape(1, -1) - means) ** 2

    def cost(self) -> Any:
        """-log p(w), and -log of the Gamma density of the precisions but for a constant."""
        ratios = self.log_precisions + 2 * float(np.log(self.width))  # log(precision / its value at first)
        prior = self.strength * np.sum(np.exp(ratios) - ratios)
        return prior - np.sum(ag.logsumexp(self.log_densities(), axis=0))

    def slow(self) -> list[nn.Parameter]:
        """The means too."""
        return [*super().slow(), self.means]

    def weights(self) -> Array:
        """The mean that each weight belongs to."""
        with ag.no_grad():
            nearest = self.log_densities().numpy().argmax(axis=0)
        means = np.concatenate([[np.float32(0)], self.means.numpy()])
        shared: Array = means[nearest].reshape(self.layer.weight.shape)
        return shared


# -- noise -----------------------------------------------------------------------------------------


class Noisy(Sparsified):
    """A layer with weights from N(w, exp(log_variance)), drawn anew for each digit.

    A sum of normal weights is normal. So the layer draws its outputs, which are fewer than its weights.
    """

    def __init__(self, layer: Any, log_variance: float) -> None:
        super().__init__(layer)
        self.log_variance = nn.Parameter(np.full(layer.weight.shape, log_variance, np.float32))

    def forward(self, x: Any) -> Any:
        """In training, a draw; else, the mean."""
        mean = self.layer(x)
        if not self.training:
            return mean
        square, variances = x * x, np.exp(self.log_variance)
        if isinstance(self.layer, nn.Conv2d):
            variance = conv2d(square, variances, None, self.layer.stride, self.layer.padding)
        else:
            variance = linear(square, variances)
        return mean + np.sqrt(variance + TINY) * normal(mean.shape)

    def log_noise(self) -> Any:
        """log(variance / mean^2) of each weight."""
        return self.log_variance - np.log(self.layer.weight**2 + TINY)

    def means(self) -> Any:
        """The mean of each weight."""
        return self.layer.weight

    def weights(self) -> Array:
        """The means of those that are not mostly noise."""
        with ag.no_grad():
            kept = self.log_noise().numpy() < NOISE
            return np.where(kept, self.means().numpy(), 0)


class SparseVariationalDropout(Noisy):
    """Noise on each weight: the divergence from a density ~ 1 / |w| depends on noise / weight alone."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer, log_variance=-8.0)

    def cost(self) -> Any:
        """The divergence of N(w, variance) from 1 / |w|, by the formula of Molchanov et al."""
        return np.sum(from_scale_free(self.log_noise()))


class Grouped(Noisy):
    """Weights (factor of the input) * N(w, variance), the latter near N(0, 1); all of an input go together.

    A factor of an input of a convolution is that of a whole image.
    """

    def __init__(self, layer: Any) -> None:
        w = layer.weight.data
        sizes = np.sqrt(np.mean(w**2, axis=(0, *range(2, w.ndim)), keepdims=True)) + 1e-4
        layer.weight.data = w / sizes
        super().__init__(layer, log_variance=-3.0)
        self.start(sizes[0])

    def slow(self) -> list[nn.Parameter]:
        """The biases: w is near N(0, 1)."""
        return [self.layer.bias]

    def start(self, factors: Array) -> None:
        """Begin with these factors, of shape (inputs,) or (inputs, 1, 1)."""
        raise NotImplementedError

    def moments(self) -> tuple[Any, Any]:
        """E[factor] and E[factor^2]."""
        raise NotImplementedError

    def draw(self, n: int) -> Any:
        """Factors for n digits."""
        raise NotImplementedError

    def divergence(self) -> Any:
        """Of the factors, in nats."""
        raise NotImplementedError

    def forward(self, x: Any) -> Any:
        """In training, draws of the factors and of the weights; else, the means."""
        return super().forward(x * (self.draw(len(x)) if self.training else self.moments()[0]))

    def log_noise(self) -> Any:
        """log(variance / mean^2) of factor times weight."""
        first, second = self.moments()
        square = self.layer.weight**2 + TINY
        return np.log(second / (first**2 + TINY) * (1 + np.exp(self.log_variance) / square) - 1)

    def means(self) -> Any:
        """The mean of factor times weight."""
        return self.moments()[0] * self.layer.weight

    def cost(self) -> Any:
        """The divergence of the weights from N(0, 1), and that of the factors."""
        variance = np.exp(self.log_variance)
        return 0.5 * np.sum(variance + self.layer.weight**2 - 1 - self.log_variance) + self.divergence()


class GroupNormalJeffreys(Grouped):
    """Factors unit * N(mean, variance), by the divergence from a density ~ 1 / |factor|."""

    def start(self, factors: Array) -> None:
        self.register_buffer("unit", factors)
        self.factors = nn.Parameter(np.ones_like(factors))
        self.log_variances = nn.Parameter(np.full(factors.shape, -3, factors.dtype))

    def moments(self) -> tuple[Any, Any]:
        """Of a normal density."""
        return self.unit * self.factors, self.unit**2 * (self.factors**2 + np.exp(self.log_variances))

    def draw(self, n: int) -> Any:
        """mean + deviation * noise."""
        noise = normal((n, *self.factors.shape))
        return self.unit * (self.factors + np.exp(0.5 * self.log_variances) * noise)

    def divergence(self) -> Any:
        """By the formula of Molchanov et al.; the unit does not matter."""
        return np.sum(from_scale_free(self.log_variances - np.log(self.factors**2 + TINY)))


class GroupHorseshoe(Grouped):
    """Factors from a half-Cauchy density: most are near 0, and the others may be as large as they like.

    The factor is sqrt(a b), where a has a Gamma density and b an inverse Gamma density, both of shape 1/2.
    We learn log-normal densities of a and b. So the factor is log-normal as well.
    """

    SCALE = 1e-3
    """Of the half-Cauchy density."""

    def start(self, factors: Array) -> None:
        a = np.full(factors.shape, np.log(self.SCALE**2 / 2), factors.dtype)
        self.logs = nn.Parameter(np.stack([a, 2 * np.log(factors) - a]))
        self.log_variances = nn.Parameter(np.full(self.logs.shape, -3, factors.dtype))

    def log_factor(self) -> tuple[Any, Any]:
        """The mean and the variance of log(factor)."""
        return 0.5 * np.sum(self.logs, axis=0), 0.25 * np.sum(np.exp(self.log_variances), axis=0)

    def moments(self) -> tuple[Any, Any]:
        """Of a log-normal density."""
        mean, variance = self.log_factor()
        return np.exp(mean + 0.5 * variance), np.exp(2 * mean + 2 * variance)

    def draw(self, n: int) -> Any:
        """exp(mean + deviation * noise)."""
        mean, variance = self.log_factor()
        return np.exp(mean + np.sqrt(variance) * normal((n, *mean.shape)))

    def divergence(self) -> Any:
        """Of two log-normal densities, from Gamma(1/2, scale^2) and from the inverse of Gamma(1/2, 1)."""
        scale = 2 * float(np.log(self.SCALE))
        variances = np.exp(self.log_variances)
        a = self.logs[0] - scale
        b = -self.logs[1]
        both = np.stack([a, b])
        return np.sum(np.exp(both + 0.5 * variances) - 0.5 * (both + self.log_variances + LOG_NORMAL))


LOG_NORMAL = 1 + float(np.log(2))
"""From the entropy of a normal density, log(2 pi e) / 2, and Gamma(1/2) = sqrt(pi): twice the rest."""


def normal(shape: tuple[int, ...]) -> Array:
    """Standard normal noise."""
    noise: Array = nn.random.draw("standard_normal", shape, np.float32)
    return noise


def from_scale_free(log_noise: Any) -> Any:
    """The divergence of N(w, variance) from a density ~ 1 / |w|, for log(variance / w^2), but for a constant.

    A fit of Molchanov et al., right to 0.01 nats; 0 for noise without end.
    """
    return 0.63576 * ag.sigmoid(-1.87320 - 1.48695 * log_noise) + 0.5 * ag.softplus(-log_noise)
