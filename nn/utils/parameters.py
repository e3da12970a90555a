"""Functions of all parameters at once: clip gradients, penalize, average, flatten."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import AnomalyError, DataError, DTypeError, ShapeError

from ..arrays import as_array
from ..kernels.optim import sum_of_squares
from ..options import check_number
from ..undo import undone

__all__ = [
    "ExponentialMovingAverage",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "l1_penalty",
    "l2_penalty",
    "parameters_to_vector",
    "vector_to_parameters",
]


# -- gradients -------------------------------------------------------------------------------------


@np.errstate(all="ignore")
def get_total_norm(
    tensors: Iterable[Tensor] | Tensor,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> float:
    """The norm of all entries of all tensors as one vector.

    Args:
        tensors: Tensors of any shapes.
        norm_type: the p of the p-norm; math.inf for the largest entry.
        error_if_nonfinite: raise an error if the norm is NaN or infinite.
        foreach: has no effect.

    Raises:
        AnomalyError: see `error_if_nonfinite`.
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else tensors
    sizes = [_norm(t.numpy(), float(norm_type)) for t in tensors if t.size]
    total = float(np.linalg.norm(sizes, float(norm_type))) if sizes else 0.0
    if error_if_nonfinite and not math.isfinite(total):
        raise AnomalyError(f"clip_grad_norm_: the norm of the gradients is {total}, so they cannot be scaled")
    return total


def _norm(x: npt.NDArray[Any], norm_type: float) -> float:
    if norm_type == 2 and x.dtype.kind == "f":
        return math.sqrt(sum_of_squares(x))
    return float(np.linalg.norm(np.ravel(x).astype(np.result_type(x, np.float64)), norm_type))


@np.errstate(all="ignore")
def clip_grad_norm_(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> float:
    """Scale all gradients by one factor, so that their total norm is at most `max_norm`.

    g <- g min(1, max_norm / (norm + 1e-6)).

    Args:
        parameters: the parameters; those without a gradient are skipped.
        max_norm: the largest norm.
        norm_type: the p of the p-norm; math.inf for the largest entry.
        error_if_nonfinite: raise an error if the norm is NaN or infinite.
        foreach: has no effect.

    Returns:
        The norm before clipping.

    Raises:
        OptionError: `max_norm` is not a number, or is negative.
        AnomalyError: see `error_if_nonfinite`.

    Source:
        R. Pascanu et al., "On the difficulty of training recurrent neural networks", 2013.

    Example:
        >>> import autograd_lite as ag, nn
        >>> x = ag.Tensor([3.0, 4.0], requires_grad=True)
        >>> (x * x / 2).sum().backward()
        >>> nn.utils.clip_grad_norm_([x], 1.0)
        5.0
        >>> x.grad.numpy().round(4).tolist()
        [0.6, 0.8]
    """
    check_number("clip_grad_norm_", "max_norm", max_norm, example=1)
    return _shrunk(listed(parameters), max_norm, norm_type, error_if_nonfinite)


@ag.replayed(writes="gradients")
def _shrunk(params: list[Tensor], max_norm: float, norm_type: float, error_if_nonfinite: bool) -> float:
    """`clip_grad_norm_` of a list, which is one step of a plan."""
    gradients = [p.grad for p in params if p.grad is not None]
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(params, max_norm, total)
    return total


def clip_grads_with_norm_(
    parameters: Iterable[Tensor] | Tensor, max_norm: float, total_norm: float, foreach: bool | None = None
) -> None:
    """Scale all gradients by min(1, max_norm / (total_norm + 1e-6)).

    Args:
        parameters: the parameters; those without a gradient are skipped.
        max_norm: the largest norm.
        total_norm: the norm of all gradients, from `get_total_norm`.
        foreach: has no effect.
    """
    factor = float(max_norm) / (float(total_norm) + 1e-6)
    for p in listed(parameters) if not factor >= 1 else ():
        if p.grad is not None:
            p.grad = Tensor(p.grad.numpy() * factor)


def clip_grad_value_(
    parameters: Iterable[Tensor] | Tensor, clip_value: float, foreach: bool | None = None
) -> None:
    """Clip every entry of every gradient to [-clip_value, clip_value].

    Args:
        parameters: the parameters; those without a gradient are skipped.
        clip_value: a number of at least 0.
        foreach: has no effect.

    Raises:
        OptionError: `clip_value` is invalid.
    """
    check_number("clip_grad_value_", "clip_value", clip_value, example=1)
    for p in listed(parameters):
        if p.grad is not None:
            p.grad = Tensor(np.clip(p.grad.numpy(), -clip_value, clip_value))


# -- penalties and averages ------------------------------------------------------------------------


def l1_penalty(parameters: Iterable[Tensor], strength: float = 1.0) -> Any:
    """strength times the sum of |w|: added to the loss, this penalty pulls unimportant weights to 0.

    Args:
        parameters: the penalized parameters, usually the weights without the biases.
        strength: the factor.

    Example:
        >>> import nn, numpy as np
        >>> nn.utils.l1_penalty([nn.Parameter(np.array([1.0, -2.0]))], 0.1).item()
        0.30000000000000004
    """
    return strength * sum(np.sum(np.abs(p)) for p in parameters)


@np.errstate(all="ignore")
def l2_penalty(parameters: Iterable[Tensor], strength: float = 1.0) -> Any:
    """strength times the sum of w^2: added to the loss, this penalty keeps weights small.

    Args:
        parameters: the penalized parameters, usually the weights without the biases.
        strength: the factor; the gradient is 2 strength w.

    Example:
        >>> import nn, numpy as np
        >>> nn.utils.l2_penalty([nn.Parameter(np.array([1.0, -2.0]))], 0.5).item()
        2.5
    """
    return strength * sum(np.sum(p * p) for p in parameters)


class ExponentialMovingAverage:
    """A running mean of the weights, which often generalizes better than the weights themselves.

    After each step of the optimizer: mean <- decay mean + (1 - decay) weight.

    Args:
        parameters: the weights.
        decay: the decay rate, from 0 to 1; 0.999 averages over about a thousand steps.

    Source:
        B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992.

    Example:
        >>> import nn, numpy as np
        >>> w = nn.Parameter(np.array([0.0]))
        >>> mean = nn.utils.ExponentialMovingAverage([w], decay=0.9)
        >>> w.data = np.array([1.0])
        >>> mean.update()
        >>> with mean.applied():
        ...     print(w.numpy().round(3))
        [0.1]
        >>> w.item()
        1.0
    """

    def __init__(self, parameters: Iterable[Tensor], decay: float = 0.999) -> None:
        check_number("ExponentialMovingAverage", "decay", decay, most=1, example=0.999)
        self.parameters = listed(parameters)
        self.decay = decay
        self.averages = [p.numpy().copy() for p in self.parameters]

    @np.errstate(all="ignore")
    def update(self) -> None:
        """Include the current weights in the mean."""
        for mean, p in zip(self.averages, self.parameters, strict=True):
            mean += (1 - self.decay) * (p.numpy() - mean)

    def state_dict(self) -> dict[str, Any]:
        """Copies of the averages, for a checkpoint."""
        return {"averages": [mean.copy() for mean in self.averages]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load averages of `state_dict`.

        Raises:
            DataError: the averages belong to other parameters.
        """
        shapes = [mean.shape for mean in self.averages]
        averages = state_dict.get("averages") if isinstance(state_dict, Mapping) else None
        if not isinstance(averages, (list, tuple)):
            raise DataError(
                "ExponentialMovingAverage: expected a state with averages, as mean.state_dict() gives it"
            )
        given = [np.shape(mean) for mean in averages]
        if shapes != given:
            raise DataError(
                f"ExponentialMovingAverage: averages of shapes {given}, the parameters have {shapes}"
            )
        kinds = [np.asarray(mean).dtype.kind for mean in averages]
        if not set(kinds) <= set("biufc"):
            raise DataError(f"ExponentialMovingAverage: averages of the kinds {kinds} are not numbers")
        pairs = zip(averages, self.averages, strict=True)
        self.averages = [np.array(mean, dtype=own.dtype) for mean, own in pairs]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside `with`, the parameters have the averaged values."""
        trained = [p.numpy() for p in self.parameters]

        def undo() -> None:
            for p, value in zip(self.parameters, trained, strict=True):
                p.data = value

        with undone(undo):
            for p, mean in zip(self.parameters, self.averages, strict=True):
                p.data = mean.copy()
            yield


# -- all parameters as one vector ------------------------------------------------------------------


def parameters_to_vector(parameters: Iterable[Tensor]) -> Any:
    """Concatenate all parameters to one vector, on the tape.

    Args:
        parameters: parameters of any shapes.
    """
    return np.concatenate([np.reshape(p, -1) for p in parameters])


def vector_to_parameters(vec: Tensor | npt.ArrayLike, parameters: Iterable[Tensor]) -> None:
    """Fill the parameters from one vector; the inverse of `parameters_to_vector`.

    Args:
        vec: a vector with the entries of all parameters.
        parameters: parameters of any shapes.

    Raises:
        ShapeError: the vector has another length.
    """
    values = as_array(vec)
    params = list(parameters)
    if values.shape != (total := sum(p.size for p in params),):
        raise ShapeError(f"vector_to_parameters: the vector has shape {values.shape}, expected ({total},)")
    start = 0
    with ag.no_grad():
        for p in params:
            p.data = values[start : start + p.size].reshape(p.shape).astype(p.dtype)
            start += p.size


def listed(parameters: Iterable[Tensor] | Tensor) -> list[Tensor]:
    if not isinstance(parameters, Iterable):
        came = type(parameters).__name__
        raise DTypeError(f"expected parameters, got a {came}; write model.parameters()")
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for p in listed:
        if not isinstance(p, Tensor):
            raise DTypeError(f"expected parameters, got a {type(p).__name__}; write model.parameters()")
    return listed
