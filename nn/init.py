"""Initial values of parameters: each function fills a Tensor and returns the Tensor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from autograd_lite import Tensor, no_grad
from autograd_lite.errors import DataError, OptionError, ShapeError

from .module import Module
from .names import hints_of as _hints_of
from .random import generator as default_generator

__all__ = [
    "by_activation_",
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "lecun_normal_",
    "lecun_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

_T = TypeVar("_T", bound=Tensor)


# -- fixed values ----------------------------------------------------------------------------------


def constant_(tensor: _T, val: float) -> _T:
    """Fill with one number."""
    _fill(tensor, np.full(tensor.shape, val, tensor.dtype))
    return tensor


def zeros_(tensor: _T) -> _T:
    """Fill with 0."""
    return constant_(tensor, 0.0)


def ones_(tensor: _T) -> _T:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def eye_(tensor: _T) -> _T:
    """Fill a matrix with the identity, so that a linear layer passes its inputs on."""
    if tensor.ndim != 2:
        raise ShapeError(f"eye_: expected a matrix, got shape {tensor.shape}")
    _fill(tensor, np.eye(*tensor.shape, dtype=tensor.dtype))
    return tensor


def dirac_(tensor: _T, groups: int = 1) -> _T:
    """Fill the weight of a convolution with the identity: each output channel copies an input channel.

    Args:
        tensor: a weight of shape (out, in / groups, *kernel).
        groups: the number of groups of the convolution.
    """
    if tensor.ndim < 3 or tensor.shape[0] % groups:
        raise ShapeError(f"dirac_(groups={groups}): expected (out, in, kernel...), got shape {tensor.shape}")
    out, into, *kernel = tensor.shape
    value = np.zeros(tensor.shape, tensor.dtype)
    middle = tuple(k // 2 for k in kernel)
    for group in range(groups):
        for i in range(min(out // groups, into)):
            value[(group * (out // groups) + i, i, *middle)] = 1
    _fill(tensor, value)
    return tensor


# -- plain distributions ---------------------------------------------------------------------------


def uniform_(tensor: _T, a: float = 0.0, b: float = 1.0, generator: np.random.Generator | None = None) -> _T:
    """Fill with numbers drawn uniformly from [a, b).

    Args:
        tensor: of any shape.
        a: the lower bound.
        b: the upper bound.
        generator: draws the numbers; by default the generator that `nn.manual_seed` seeds.
    """
    generator = generator or default_generator
    _fill(tensor, generator.uniform(a, b, tensor.shape).astype(tensor.dtype))
    return tensor


def normal_(
    tensor: _T, mean: float = 0.0, std: float = 1.0, generator: np.random.Generator | None = None
) -> _T:
    """Fill with numbers drawn from the normal distribution N(mean, std^2).

    Args:
        tensor: of any shape.
        mean: the mean.
        std: the standard deviation.
        generator: as in `uniform_`.
    """
    generator = generator or default_generator
    _fill(tensor, generator.normal(mean, std, tensor.shape).astype(tensor.dtype))
    return tensor


def trunc_normal_(
    tensor: _T,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: np.random.Generator | None = None,
) -> _T:
    """Fill with numbers from N(mean, std^2); numbers outside [a, b] are drawn again.

    Args:
        tensor: of any shape.
        mean: the mean of the normal distribution.
        std: the standard deviation of the normal distribution.
        a: the lower bound.
        b: the upper bound.
        generator: as in `uniform_`.

    Raises:
        OptionError: a >= b, or the interval is more than 6 std away from the mean.
    """
    if a >= b or a > mean + 6 * std or b < mean - 6 * std:
        raise OptionError(f"trunc_normal_(mean={mean}, std={std}, a={a}, b={b}): no numbers fit")
    generator = generator or default_generator
    values = generator.normal(mean, std, tensor.shape)
    while (outside := (values < a) | (values > b)).any():
        values = np.where(outside, generator.normal(mean, std, tensor.shape), values)
    _fill(tensor, values.astype(tensor.dtype))
    return tensor


# -- constant variance from layer to layer ---------------------------------------------------------


def xavier_uniform_(tensor: _T, gain: float = 1.0, generator: np.random.Generator | None = None) -> _T:
    """Fill with U(-b, b), b = gain sqrt(6 / (fan_in + fan_out)).

    The variances of values and of gradients both stay near constant from layer to layer.

    Args:
        tensor: a weight of shape (out, in, ...).
        gain: for the activation that follows, see `calculate_gain`.
        generator: as in `uniform_`.

    Source:
        X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
        networks", 2010.
    """
    fan_in, fan_out = _fans(tensor)
    bound = gain * math.sqrt(6 / max(1, fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: _T, gain: float = 1.0, generator: np.random.Generator | None = None) -> _T:
    """Fill with N(0, gain^2 2 / (fan_in + fan_out)); see `xavier_uniform_`."""
    fan_in, fan_out = _fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2 / max(1, fan_in + fan_out)), generator)


def kaiming_uniform_(
    tensor: _T,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: np.random.Generator | None = None,
) -> _T:
    """Fill with U(-b, b), b = gain sqrt(3 / fan): ReLU layers keep the variance.

    Args:
        tensor: a weight of shape (out, in, ...).
        a: the slope of a leaky ReLU for negative inputs.
        mode: "fan_in" keeps the variance of the values, "fan_out" the variance of the gradients.
        nonlinearity: as in `calculate_gain`.
        generator: as in `uniform_`.

    Source:
        K. He et al., "Delving deep into rectifiers", 2015.
    """
    bound = math.sqrt(3) * _kaiming(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: _T,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: np.random.Generator | None = None,
) -> _T:
    """Fill with N(0, gain^2 / fan); see `kaiming_uniform_`."""
    return normal_(tensor, 0.0, _kaiming(tensor, a, mode, nonlinearity), generator)


def _kaiming(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """The standard deviation gain / sqrt(fan)."""
    if mode not in {"fan_in", "fan_out"}:
        raise OptionError(f'kaiming: mode={mode!r}; expected "fan_in" or "fan_out"')
    fan = _fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(1, fan))


def lecun_uniform_(tensor: _T, generator: np.random.Generator | None = None) -> _T:
    """Fill with U(-b, b), b = sqrt(3 / fan_in): linear layers keep the variance.

    Args:
        tensor: a weight of shape (out, in, ...).
        generator: as in `uniform_`.

    Source:
        Y. LeCun et al., "Efficient backprop", 1998.
    """
    return kaiming_uniform_(tensor, nonlinearity="linear", generator=generator)


def lecun_normal_(tensor: _T, generator: np.random.Generator | None = None) -> _T:
    """Fill with N(0, 1 / fan_in), as SELU networks need; see `lecun_uniform_`."""
    return kaiming_normal_(tensor, nonlinearity="linear", generator=generator)


# -- structured matrices ---------------------------------------------------------------------------


def orthogonal_(tensor: _T, gain: float = 1, generator: np.random.Generator | None = None) -> _T:
    """Fill with a matrix with orthonormal rows, or columns if there are fewer columns, times `gain`.

    Args:
        tensor: a weight of shape (out, in, ...), seen as a matrix (out, in * ...).
        gain: a factor.
        generator: as in `uniform_`.

    Source:
        A. Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks", 2014.

    Example:
        >>> import numpy as np, nn
        >>> q = nn.init.orthogonal_(nn.Parameter(np.zeros((2, 3)))).numpy()
        >>> bool(np.allclose(q @ q.T, np.eye(2)))
        True
    """
    if tensor.ndim < 2:
        raise ShapeError(f"orthogonal_: expected (out, in, ...), got shape {tensor.shape}")
    rows, columns = tensor.shape[0], tensor.size // max(1, tensor.shape[0])
    generator = generator or default_generator
    q, r = np.linalg.qr(generator.normal(size=(max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diagonal(r))  # the signs of QR are not random: without this, q is not uniform
    _fill(tensor, (gain * (q if rows >= columns else q.T)).reshape(tensor.shape).astype(tensor.dtype))
    return tensor


def sparse_(
    tensor: _T, sparsity: float, std: float = 0.01, generator: np.random.Generator | None = None
) -> _T:
    """Fill a matrix with N(0, std^2), and set a random fraction of each column to 0.

    Args:
        tensor: a matrix.
        sparsity: the fraction of zeros, from 0 to 1.
        std: the standard deviation of the other entries.
        generator: as in `uniform_`.

    Source:
        J. Martens, "Deep learning via Hessian-free optimization", 2010.
    """
    if tensor.ndim != 2 or not 0 <= sparsity <= 1:
        raise ShapeError(
            f"sparse_(sparsity={sparsity}): expected 0.0 to 1.0 and a matrix, got shape {tensor.shape}"
        )
    generator = generator or default_generator
    values = generator.normal(0, std, tensor.shape)
    zeros = math.ceil(sparsity * tensor.shape[0])
    order = generator.permuted(np.tile(np.arange(tensor.shape[0])[:, None], tensor.shape[1]), axis=0)
    values[order < zeros] = 0
    _fill(tensor, values.astype(tensor.dtype))
    return tensor


# -- a whole model ---------------------------------------------------------------------------------

RECTIFIERS = frozenset(
    {
        "ReLU",
        "ReLU6",
        "LeakyReLU",
        "PReLU",
        "RReLU",
        "ELU",
        "CELU",
        "GELU",
        "SiLU",
        "Mish",
        "Softplus",
        "Maxout",
    }
)
SATURATING = frozenset(
    {"Tanh", "ScaledTanh", "Sigmoid", "Softmax", "LogSoftmax", "Hardtanh", "Hardsigmoid", "Softsign", "LTU"}
)


def by_activation_(model: Module, generator: np.random.Generator | None = None) -> Module:
    """Draw all weights by the lectures' table: the activation after a layer decides its distribution.

    ===============================  ======================  ==================
    activation                       weights                 variance
    ===============================  ======================  ==================
    none, tanh, logistic, softmax    Glorot, normal          2 / (fan_in + fan_out)
    the ReLU family                  He, normal              2 / fan_in
    SELU                             LeCun, normal           1 / fan_in
    ===============================  ======================  ==================

    A layer is a module with a bias attribute and a weight of two or more axes. Its activation is the first
    one that comes after it in the tree of modules, before the next layer. Biases become 0.

    Args:
        model: the model.
        generator: as in `uniform_`.

    Returns:
        The model.

    Source:
        A. Geron, "Hands-on machine learning", table 11-1, 2019.

    Example:
        >>> import nn
        >>> nn.manual_seed(0)
        >>> model = nn.Sequential(nn.Linear(1000, 500), nn.ReLU(), nn.Linear(500, 500))
        >>> model = nn.init.by_activation_(model)
        >>> [round(float(model[i].weight.numpy().var()), 4) for i in (0, 2)]
        [0.002, 0.002]
    """
    scheme: Any = xavier_normal_
    places = [module for _, module in model.named_modules(remove_duplicate=False)]
    for layer in reversed([module for module in places if not list(module.children())]):
        name, weight = type(layer).__name__, getattr(layer, "weight", None)
        if name in RECTIFIERS:
            scheme = _he_normal
        elif name == "SELU":
            scheme = lecun_normal_
        elif name in SATURATING:
            scheme = xavier_normal_
        elif isinstance(weight, Tensor) and weight.ndim > 1 and hasattr(layer, "bias"):  # no embedding
            scheme(weight, generator=generator)
            if isinstance(layer.bias, Tensor):
                zeros_(layer.bias)
            scheme = xavier_normal_
    return model


def _fill(tensor: Any, values: Any) -> None:
    """Set the values of a Tensor, or of an array such as `tensor.data`."""
    if isinstance(tensor, Tensor):
        whole = tensor if tensor.base is None else tensor.base
        if not whole.is_leaf:
            raise DataError(
                "init: this Tensor is computed from others (a pruned, shared or normalized weight?), so that "
                "new values would be lost; initialize the layer before that"
            )
        if whole is tensor and tensor.requires_grad:
            tensor.data = values
        else:
            with no_grad():
                tensor[...] = values
    else:
        tensor[...] = values


def _he_normal(weight: Tensor, generator: np.random.Generator | None) -> Tensor:
    return kaiming_normal_(weight, nonlinearity="relu", generator=generator)


# -- gain and fans ---------------------------------------------------------------------------------


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor on the weights that makes up for how much an activation shrinks standard deviations.

    Args:
        nonlinearity: "linear", "conv1d" and other convolutions, "sigmoid", "tanh", "relu", "leaky_relu"
            or "selu".
        param: the negative slope of "leaky_relu", by default 0.01.

    Example:
        >>> calculate_gain("relu") ** 2
        2.0000000000000004
    """
    slope = 0.01 if param is None else param
    gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + slope**2)),
        "selu": 3 / 4,
    }
    gains.update({f"conv{kind}{n}d": 1.0 for kind in ("", "_transpose") for n in (1, 2, 3)})
    if nonlinearity not in gains:
        raise OptionError(f"calculate_gain({nonlinearity!r}): expected one of {', '.join(gains)}")
    return gains[nonlinearity]


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Fan-in and fan-out: the inputs of each output of the layer, and the outputs of each input."""
    if tensor.ndim < 2:
        raise ShapeError(
            f"a weight of shape {tensor.shape} has no fan-in and fan-out: expected (out, in, ...); "
            "for a bias use nn.init.zeros_ or nn.init.uniform_"
        )
    out, into, *kernel = tensor.shape
    return into * math.prod(kernel), out * math.prod(kernel)


if not TYPE_CHECKING:  # type checkers must see misspelled names
    __getattr__ = _hints_of(__name__)
