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

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import OptionError, ShapeError

from ..arrays import as_array
from ..module import Module
from .pruning import (
    Amount,
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
    check_scores,
    is_masked,
    make_permanent,
    mask_of,
)

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
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

# -- single weights --------------------------------------------------------------------------------


def identity(module: Module, name: str) -> Module:
    """Add a mask of ones, which prunes nothing, e.g. to load a pruned state."""
    Identity.apply(module, name)
    return module


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
    RandomUnstructured.apply(module, name, amount)
    return module


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
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], npt.ArrayLike] | None = None,
    **kwargs: Any,
) -> None:
    """Prune the weights of several layers together: some layers may lose more weights than others.

    Args:
        parameters: pairs (layer, name of its parameter).
        pruning_method: `L1Unstructured`, `RandomUnstructured` or another class of the type "unstructured".
        importance_scores: scores to use in place of the weights, for some of the pairs.
        kwargs: the options of the method: `amount`, the number of remaining weights to prune in all layers,
            an int, or their fraction.

    Raises:
        OptionError: the method is none, or `amount` is larger than the number of remaining weights.

    Example:
        >>> import nn
        >>> model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> global_unstructured([(model[0], "weight"), (model[2], "weight")], L1Unstructured, amount=0.9)
        >>> sum(int((layer.weight.numpy() != 0).sum()) for layer in (model[0], model[2]))
        8
    """
    kind = isinstance(pruning_method, type) and issubclass(pruning_method, BasePruningMethod)
    if not kind or pruning_method.PRUNING_TYPE != "unstructured":
        raise OptionError(
            f"global_unstructured({pruning_method!r}): expected prune.L1Unstructured, RandomUnstructured "
            'or a class of the PRUNING_TYPE "unstructured"'
        )
    pairs, given = list(parameters), importance_scores or {}
    masks = [mask_of(module, name) for module, name in pairs]
    scores = [as_array(given.get(pair, getattr(*pair))) for pair in pairs]
    for (module, name), score, mask in zip(pairs, scores, masks, strict=True):
        check_scores(module, name, score, mask)
    flat, judged = (np.concatenate([x.ravel() for x in each]) for each in (masks, scores))
    method = pruning_method(**kwargs)
    new = method.among(judged, flat)
    ends = np.cumsum([mask.size for mask in masks])[:-1]
    for (module, name), mask, part in zip(pairs, masks, np.split(new, ends), strict=True):
        custom_from_mask(module, name, part.reshape(mask.shape))


# -- whole rows, columns, channels -----------------------------------------------------------------


def random_structured(module: Module, name: str, amount: Amount, dim: int) -> Module:
    """Prune whole slices along the axis `dim` at random; arguments as in `ln_structured`."""
    RandomStructured.apply(module, name, amount, dim)
    return module


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
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


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
    before = mask_of(module, name)
    mask = as_array(mask)
    if mask.shape != before.shape:
        raise ShapeError(f"{type(module).__name__}.{name} has shape {before.shape}, the mask {mask.shape}")
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module: Module, name: str) -> Module:
    """Make pruning permanent: `name` becomes a parameter again, with zeros for pruned weights.

    Raises:
        DataError: the parameter is not pruned.
    """
    return make_permanent(module, name)


def is_pruned(module: Module) -> bool:
    """Whether the module, or one below it, has a pruned parameter."""
    return any(is_masked(part, name) for part in module.modules() for name in part._computed or ())
