"""Pruning: set weights to 0 and keep them at 0 in training; named as in `torch.nn.utils.prune`.

A pruned `weight` is `weight_orig` where `weight_mask` is 1, else 0. The parameter `weight_orig` keeps all its
numbers, and `weight_mask` is a buffer. To prune again prunes among the remaining weights, and a fraction is a
fraction of these.

>>> import nn, numpy as np
>>> layer = nn.Linear(4, 2)
>>> _ = l1_unstructured(layer, "weight", amount=0.75)
>>> int(np.count_nonzero(layer.weight.numpy())), is_pruned(layer)
(2, True)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import AxisError, DataError, OptionError, ShapeError

from ..arrays import as_array
from ..module import Module
from ..random import generator
from .computed import check_parameter, compute, settle

__all__ = [
    "L1Unstructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]

Array = npt.NDArray[Any]
Amount = int | float
Choice = Callable[[Array, int], Array]
"""A function of scores and a number n; it returns the indices of n entries to prune."""

# -- single weights --------------------------------------------------------------------------------


def identity(module: Module, name: str) -> Module:
    """Add a mask of ones, which prunes nothing, e.g. to load a pruned state."""
    return custom_from_mask(module, name, np.ones(getattr(module, name).shape))


def random_unstructured(module: Module, name: str, amount: Amount) -> Module:
    """Prune weights at random.

    Args:
        module: a layer.
        name: the name of the parameter, e.g. "weight".
        amount: the number of remaining weights to prune, an int, or their fraction from 0.0 to 1.0.

    Returns:
        The layer.

    Raises:
        DataError: the layer has no such parameter.
        OptionError: `amount` is larger than the number of remaining weights.
    """
    return _prune_entries([(module, name)], _random, amount, {})


def l1_unstructured(
    module: Module, name: str, amount: Amount, importance_scores: npt.ArrayLike | None = None
) -> Module:
    """Prune the weights with the smallest absolute values.

    Args:
        module: a layer.
        name: the name of the parameter, e.g. "weight".
        amount: the number of remaining weights to prune, an int, or their fraction from 0.0 to 1.0.
        importance_scores: scores of the parameter's shape, used in place of the weights.

    Returns:
        The layer.

    Raises:
        DataError: the layer has no such parameter.
        OptionError: `amount` is larger than the number of remaining weights.

    Source:
        S. Han et al., "Learning both weights and connections for efficient neural networks", 2015.

    Example:
        >>> import nn, numpy as np
        >>> layer = nn.Linear(3, 1, bias=False)
        >>> layer.weight.data = np.array([[0.1, -2.0, 1.0]])
        >>> l1_unstructured(layer, "weight", amount=1).weight.tolist()
        [[0.0, -2.0, 1.0]]
    """
    scores = {} if importance_scores is None else {(module, name): importance_scores}
    return _prune_entries([(module, name)], _smallest, amount, scores)


class RandomUnstructured:
    """Selects random pruning in `global_unstructured`."""


class L1Unstructured:
    """Selects pruning by absolute values in `global_unstructured`."""


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type,
    importance_scores: Mapping[tuple[Module, str], npt.ArrayLike] | None = None,
    *,
    amount: Amount,
) -> None:
    """Prune the weights of several layers together: some layers may lose more weights than others.

    Args:
        parameters: pairs (layer, name of its parameter).
        pruning_method: `L1Unstructured` or `RandomUnstructured`.
        importance_scores: scores to use in place of the weights, for some of the pairs.
        amount: the number of remaining weights to prune in all layers, an int, or their fraction.

    Raises:
        OptionError: the method is unknown, or `amount` is larger than the number of remaining weights.

    Example:
        >>> import nn
        >>> model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> global_unstructured([(model[0], "weight"), (model[2], "weight")], L1Unstructured, amount=0.9)
        >>> sum(int((layer.weight.numpy() != 0).sum()) for layer in (model[0], model[2]))
        8
    """
    choices: dict[type, Choice] = {L1Unstructured: _smallest, RandomUnstructured: _random}
    if pruning_method not in choices:
        raise OptionError(
            f"global_unstructured({pruning_method!r}): expected prune.L1Unstructured or "
            "prune.RandomUnstructured"
        )
    _prune_entries(list(parameters), choices[pruning_method], amount, importance_scores or {})


def _smallest(scores: Array, number: int) -> Array:
    return np.argsort(np.abs(scores), kind="stable")[:number]


def _random(scores: Array, number: int) -> Array:
    return generator.permutation(len(scores))[:number]


def _prune_entries(
    parameters: list[tuple[Module, str]],
    choose: Choice,
    amount: Amount,
    scores: Mapping[tuple[Module, str], npt.ArrayLike],
) -> Module:
    """Prune `amount` of the remaining entries of all the parameters."""
    masks = [_mask(module, name) for module, name in parameters]
    values = [as_array(scores.get(pair, getattr(*pair))) for pair in parameters]
    for value, mask, (module, name) in zip(values, masks, parameters, strict=True):
        if value.shape != mask.shape:
            raise ShapeError(
                f"{type(module).__name__}.{name} has shape {mask.shape}, its importance scores {value.shape}"
            )
    flat = np.concatenate([mask.ravel() for mask in masks])
    left = np.flatnonzero(flat)
    judged = np.concatenate([value.ravel() for value in values])[left]
    flat[left[choose(judged, _number(amount, len(left)))]] = 0
    ends = np.cumsum([mask.size for mask in masks])[:-1]
    for (module, name), mask, new in zip(parameters, masks, np.split(flat, ends), strict=True):
        custom_from_mask(module, name, new.reshape(mask.shape))
    return parameters[0][0]


# -- whole rows, columns, channels -----------------------------------------------------------------


def random_structured(module: Module, name: str, amount: Amount, dim: int) -> Module:
    """Prune whole slices along the axis `dim` at random; arguments as in `ln_structured`."""
    return _prune_slices(module, name, amount, dim, _random)


def ln_structured(
    module: Module,
    name: str,
    amount: Amount,
    n: float,
    dim: int,
    importance_scores: npt.ArrayLike | None = None,
) -> Module:
    """Prune the whole slices with the smallest norms along an axis, e.g. the channels of a convolution.

    Args:
        module: a layer.
        name: the name of the parameter, e.g. "weight".
        amount: the number of remaining slices to prune, an int, or their fraction from 0.0 to 1.0.
        n: the n of the n-norm.
        dim: the axis of the slices; 0 for output channels.
        importance_scores: scores of the parameter's shape, used in place of the weights.

    Returns:
        The layer.

    Example:
        >>> import nn, numpy as np
        >>> layer = nn.Linear(2, 3, bias=False)
        >>> layer.weight.data = np.array([[3.0, 4.0], [6.0, 0.0], [0.0, 1.0]])
        >>> ln_structured(layer, "weight", amount=2, n=2, dim=0).weight.tolist()
        [[0.0, 0.0], [6.0, 0.0], [0.0, 0.0]]
    """

    def choose(slices: Array, number: int) -> Array:
        return _smallest(np.linalg.norm(slices.reshape(len(slices), -1), n, axis=1), number)

    return _prune_slices(module, name, amount, dim, choose, importance_scores)


def _prune_slices(
    module: Module,
    name: str,
    amount: Amount,
    dim: int,
    choose: Choice,
    importance_scores: npt.ArrayLike | None = None,
) -> Module:
    mask = _mask(module, name)
    scores = as_array(getattr(module, name) if importance_scores is None else importance_scores)
    if scores.shape != mask.shape:
        raise ShapeError(f"{name} has shape {mask.shape}, its importance scores {scores.shape}")
    if not -mask.ndim <= dim < mask.ndim:
        raise AxisError(f"dim={dim}: {type(module).__name__}.{name} has shape {mask.shape}")
    rows = np.moveaxis(mask, dim, 0)  # a view: writing into it changes the mask
    left = np.flatnonzero(rows.reshape(len(rows), -1).any(axis=1))
    rows[left[choose(np.moveaxis(scores, dim, 0)[left], _number(amount, len(left)))]] = 0
    return custom_from_mask(module, name, mask)


# -- masks -----------------------------------------------------------------------------------------


def custom_from_mask(module: Module, name: str, mask: npt.ArrayLike) -> Module:
    """Prune the weights whose mask is 0, in addition to those that are pruned already.

    Args:
        module: a layer.
        name: the name of the parameter, e.g. "weight".
        mask: ones and zeros, in the shape of the parameter.

    Returns:
        The layer.

    Raises:
        DataError: the layer has no such parameter.
        ShapeError: the mask has another shape.
    """
    before = _mask(module, name)
    mask = as_array(mask)
    if mask.shape != before.shape:
        raise ShapeError(f"{type(module).__name__}.{name} has shape {before.shape}, the mask {mask.shape}")
    mask = before * (mask != 0)
    if _pruned(module, name):
        setattr(module, f"{name}_mask", mask)
        return module
    parameter = getattr(module, name)
    sources = {f"{name}_orig": parameter, f"{name}_mask": mask}
    compute(module, name, partial(_masked, name=name), sources)
    return module


def _masked(module: Module, name: str) -> Any:
    # A choice and not a product, which could give NaN or -0.0 (compression tells -0.0 from 0.0).
    return np.where(getattr(module, f"{name}_mask"), getattr(module, f"{name}_orig"), 0)


def remove(module: Module, name: str) -> Module:
    """Make pruning permanent: `name` becomes a parameter again, with zeros for pruned weights.

    Raises:
        DataError: the parameter is not pruned.
    """
    if not _pruned(module, name):
        raise DataError(f"{type(module).__name__}.{name} is not pruned, so there is nothing to remove")
    return settle(module, name)


def is_pruned(module: Module) -> bool:
    """Whether the module, or one below it, has a pruned parameter."""
    return any(_pruned(part, name) for part in module.modules() for name in part._computed or ())


def _pruned(module: Module, name: str) -> bool:
    return name in (module._computed or {}) and f"{name}_mask" in module._buffers


def _mask(module: Module, name: str) -> Array:
    """A copy of the mask of a parameter; a mask of ones if the parameter is not pruned."""
    if _pruned(module, name):
        return np.array(getattr(module, f"{name}_mask"))
    check_parameter(module, name)
    return np.ones_like(getattr(module, name).numpy())


def _number(amount: Amount, left: int) -> int:
    """The number of entries that an amount means."""
    share = isinstance(amount, Real) and not isinstance(amount, Integral) and 0 <= float(amount) <= 1
    count = isinstance(amount, Integral) and not isinstance(amount, bool) and 0 <= int(amount) <= left
    if not share and not count:
        raise OptionError(
            f"amount={amount!r}: expected a fraction from 0.0 to 1.0, or an int of at most the {left} left"
        )
    return round(float(amount) * left) if share else int(amount)
