"""Interval bound propagation: from bounds of the inputs to bounds of the outputs, layer by layer.

Each kind of layer has one rule, which maps the bounds of the input to bounds of the output. The rules use the
layers' own ops. On the tape the bounds are differentiable, so models can be trained on them. Where nothing is
recorded, the rules run under `ag.enclose`, which rounds every step outward.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.arrays import on_host, unwrap
from autograd_lite.errors import DataError, ShapeError, UnsupportedError

from .. import layers
from ..arrays import as_array
from ..module import Module
from ..utils.pruning import BasePruningMethod

__all__ = ["bounds_rule", "interval_bounds"]

Bounds = tuple[Any, Any]
Rule = Callable[[Any, Any, Any], Bounds]
_R = TypeVar("_R", bound=Rule)

RULES: dict[type[Module], Rule] = {}


def interval_bounds(
    model: Module, lower: npt.ArrayLike | Tensor, upper: npt.ArrayLike | Tensor
) -> tuple[Any, Any]:
    """Bounds of the outputs for all inputs between `lower` and `upper`.

    An affine layer maps the centre c and the radius r of a box to W c + b and |W| r. An increasing function
    maps the bounds themselves. For one layer the bounds are exact; for several they enclose all possible
    outputs.

    Under `ag.no_grad()` each step of the bounds is rounded outward, by `ag.enclose`. So the bounds hold for
    the outputs that exact arithmetic gives. On the tape the bounds are rounded as the layers round.

    Args:
        model: a model in evaluation mode, made of layers with a rule: linear and convolutional layers,
            elementwise activations, pooling, padding, normalization with running means, and changes of
            shape. `nn.robust.bounds_rule` adds rules for other layers.
        lower: the lower bound of each entry of the inputs, of shape (n, ...).
        upper: the upper bound, of the same shape.

    Returns:
        The lower and the upper bounds of the outputs: on the tape, or under `ag.no_grad()` in float64.

    Raises:
        ShapeError: the bounds have different shapes.
        DataError: a lower bound is above its upper bound.
        UnsupportedError: a layer has no rule, or is in training mode.

    Source:
        S. Gowal et al., "On the effectiveness of interval bound propagation for training verifiably
        robust models", 2018.

    Example:
        >>> import nn, numpy as np
        >>> model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.ReLU())
        >>> model[0].weight.data = np.array([[1.0, -2.0]])
        >>> lower, upper = nn.robust.interval_bounds(model, np.array([[0.0, 0.0]]), np.array([[1.0, 1.0]]))
        >>> lower.tolist(), upper.tolist()
        ([[0.0]], [[1.0]])
    """
    ends = checked("interval_bounds", lower, upper)
    if (enclosed := proven(lambda *ends: through(model, *ends), *ends)) is None:
        return through(model, *ends)
    (least, _), (_, most) = enclosed
    return Tensor(least), Tensor(most)


def checked(who: str, lower: Any, upper: Any) -> Bounds:
    """The bounds of the inputs as Tensors or arrays.

    Raises:
        ShapeError: the bounds have different shapes.
        DataError: a lower bound is above its upper bound.
    """
    if not (on_host(unwrap(lower)) and on_host(unwrap(upper))):  # a rule asks for the bounds of a part
        return lower, upper
    if (low := as_array(lower)).shape != (high := as_array(upper)).shape:
        raise ShapeError(f"{who}: lower has shape {low.shape}, upper {high.shape}")
    if not (low <= high).all():
        raise DataError(f"{who}: expected lower <= upper everywhere, and no NaN; are they swapped?")
    return lower if isinstance(lower, Tensor) else low, upper if isinstance(upper, Tensor) else high


def proven(f: Callable[..., Any], *args: Any) -> tuple[Any, Any] | None:
    """f(*args) between two bounds of its rounding errors; None where f is to be recorded, or is enclosed."""
    if ag.is_recording() or not all(on_host(unwrap(x)) for x in args):
        return None
    points = tuple(map(as_array, args))
    return ag.enclose(lambda given: f(*given), points, points)


def through(layer: Module, lower: Any, upper: Any) -> Bounds:
    """The bounds after one layer."""
    name = type(layer).__name__
    before = [hook for hook in layer._forward_pre_hooks.values() if not isinstance(hook, BasePruningMethod)]
    if before or layer._forward_hooks:  # the history of pruning changes nothing
        raise UnsupportedError(
            f"interval_bounds: {name} has hooks, which may change what passes; remove them: handle.remove()"
        )
    # A subclass inherits a rule only if it inherits `forward` too.
    kinds = (kind for kind in type(layer).__mro__ if kind in RULES)
    kind = next((kind for kind in kinds if type(layer).forward is kind.forward), None)
    if kind is None:
        known = ", ".join(sorted(kind.__name__ for kind in RULES))
        raise UnsupportedError(
            f"interval_bounds: there is no rule for {name}; write one under "
            f"@nn.robust.bounds_rule({name}). There are rules for {known}"
        )
    return RULES[kind](layer, lower, upper)


def bounds_rule(*kinds: type[Module]) -> Callable[[_R], _R]:
    """Register a function `(layer, lower, upper) -> (lower, upper)` as the rule of some layers.

    Args:
        kinds: classes of layers. Subclasses inherit the rule, unless they have their own `forward`.

    Example:
        >>> import nn, numpy as np
        >>> class Residual(nn.Module):
        ...     def __init__(self, inner):
        ...         super().__init__()
        ...         self.inner = inner
        ...     def forward(self, x):
        ...         return x + self.inner(x)
        >>> @nn.robust.bounds_rule(Residual)
        ... def residual(layer, lower, upper):
        ...     l, u = nn.robust.interval_bounds(layer.inner, lower, upper)
        ...     return lower + l, upper + u
        >>> nn.robust.interval_bounds(Residual(nn.ReLU()), np.array([-1.0]), np.array([2.0]))
        (array([-1.]), array([4.]))
    """

    def register(rule: _R) -> _R:
        RULES.update(dict.fromkeys(kinds, rule))
        return rule

    return register


# -- the rules -------------------------------------------------------------------------------------


@bounds_rule(layers.Sequential)
def one_after_another(layer: layers.Sequential, lower: Any, upper: Any) -> Bounds:
    """The bounds after one layer after another."""
    for part in layer:
        lower, upper = through(part, lower, upper)
    return lower, upper


@bounds_rule(
    layers.Linear, layers.Conv1d, layers.Conv2d, layers.Conv3d, layers.ConvTranspose1d, layers.ConvTranspose2d
)
def affine(layer: Module, lower: Any, upper: Any) -> Bounds:
    """The centre c of the box becomes W c + b, the radius r becomes |W| r."""
    centre, radius = layer((lower + upper) / 2), absolute(layer)((upper - lower) / 2)
    return centre - radius, centre + radius


def absolute(layer: Module) -> Module:
    """A copy of the layer with absolute weights and no bias."""
    twin = copy.copy(layer)
    twin.__dict__ |= {"_parameters": {"weight": np.abs(layer.weight), "bias": None}, "_computed": None}
    return twin


@bounds_rule(
    *(layers.ReLU, layers.ReLU6, layers.Hardtanh, layers.Hardsigmoid, layers.LTU, layers.Sign),
    *(layers.SELU, layers.Tanh, layers.ScaledTanh, layers.Softsign, layers.LogSigmoid),
    *(layers.Tanhshrink, layers.Hardshrink, layers.Softshrink, layers.Maxout),
    *(layers.MaxPool1d, layers.MaxPool2d, layers.MaxPool3d, layers.AdaptiveMaxPool2d),
    *(layers.AdaptiveAvgPool1d, layers.AdaptiveAvgPool2d, layers.AdaptiveAvgPool3d, layers.Upsample),
    *(layers.Identity, layers.Flatten, layers.Unflatten),
    *(layers.ZeroPad1d, layers.ZeroPad2d, layers.ConstantPad1d, layers.ConstantPad2d),
    *(layers.ReflectionPad1d, layers.ReflectionPad2d, layers.ReplicationPad1d, layers.ReplicationPad2d),
    *(layers.CircularPad1d, layers.CircularPad2d),
)
def growing(layer: Module, lower: Any, upper: Any) -> Bounds:
    """Increasing functions: no output falls when an input grows."""
    if getattr(layer, "return_indices", False):
        raise UnsupportedError(
            f"interval_bounds: {layer!r} returns indices too; for bounds, write return_indices=False"
        )
    return layer(lower), layer(upper)


@bounds_rule(layers.Sigmoid, layers.AvgPool1d, layers.AvgPool2d, layers.AvgPool3d)
def monotone(layer: Module, lower: Any, upper: Any) -> Bounds:
    """Monotonic functions: the outputs grow or fall with the inputs, by the sign of an option."""
    a, b = layer(lower), layer(upper)
    return np.minimum(a, b), np.maximum(a, b)


@bounds_rule(layers.BatchNorm1d, layers.BatchNorm2d, layers.BatchNorm3d)
def by_running_means(layer: Any, lower: Any, upper: Any) -> Bounds:
    """Each channel grows or falls, by the sign of its weight."""
    if layer.training or not layer.track_running_stats:
        raise UnsupportedError(
            f"interval_bounds: {layer!r} standardizes by the mean of the batch; "
            "with running means, call model.eval() first"
        )
    return monotone(layer, lower, upper)


@bounds_rule(layers.Dropout, layers.Dropout2d, layers.AlphaDropout)
def dropped(layer: Module, lower: Any, upper: Any) -> Bounds:
    """Dropout is the identity in evaluation mode."""
    if layer.training:
        raise UnsupportedError(f"interval_bounds: {layer!r} is random in training; call model.eval() first")
    return lower, upper


TURNS: dict[type[Module], Callable[[Any], float]] = {
    layers.LeakyReLU: lambda layer: 0.0,
    layers.PReLU: lambda layer: 0.0,
    layers.ELU: lambda layer: 0.0,
    layers.CELU: lambda layer: 0.0,
    layers.GELU: lambda layer: -0.7517915246935645 if layer.approximate == "none" else -0.7524614220710163,
    layers.SiLU: lambda layer: -1.2784645427610738,
    layers.Mish: lambda layer: -1.1924312145154952,
    layers.Hardswish: lambda layer: -1.5,
}
"""The point where each function may turn from falling to growing."""


@bounds_rule(*TURNS)
def turning(layer: Module, lower: Any, upper: Any) -> Bounds:
    """The extremes are at the ends, or at the turning point if it lies between them."""
    turn = next(TURNS[kind] for kind in type(layer).__mro__ if kind in TURNS)(layer)
    a, b, c = layer(lower), layer(upper), layer(np.clip(turn, lower, upper))
    return np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)


@bounds_rule(layers.Softplus)
def stepping(layer: layers.Softplus, lower: Any, upper: Any) -> Bounds:
    """Softplus grows, except for a small jump at its threshold, where it switches to the line x."""
    at = layer.threshold / layer.beta
    within = (lower <= at) & (at <= upper)
    a, b, c = layer(lower), layer(upper), layer(np.clip(at, lower, upper))
    bottom, top = np.minimum(np.minimum(a, c), at), np.maximum(np.maximum(b, c), at)
    return np.where(within, bottom, a), np.where(within, top, b)
