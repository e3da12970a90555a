"""Weight sharing: the weights of a layer share a few values, which are trained further."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError

from ..module import Module, Parameter
from ..options import check_whole
from ..utils.computed import check_parameter, compute, settle
from ..utils.prune import remove

__all__ = ["kmeans_1d", "share_weights", "unshare_weights"]

Array = npt.NDArray[Any]

ROUNDS = 300
"""The largest number of iterations of k-means."""


def share_weights(module: Module, name: str = "weight", bits: int = 5) -> Module:
    """Let the weights of a layer share 2^bits values, found by k-means; an optimizer may train them further.

    `weight` becomes `weight_codebook[weight_codes]`, a parameter and a buffer. So the gradient of a shared
    value is the sum of the gradients of its weights. Pruned weights stay 0, outside the codebook.

    Args:
        module: a layer.
        name: the name of the parameter.
        bits: the bits of each code. If the layer has fewer different values, the codebook is smaller.

    Returns:
        The layer. Make a new optimizer: the codebook is a new parameter.

    Raises:
        DataError: the layer has no such parameter, or all of its weights are pruned.
        OptionError: `bits` is not an int of at least 1.

    Source:
        S. Han et al., "Deep compression: compressing deep neural networks with pruning, trained
        quantization and Huffman coding", 2016.

    Example:
        >>> import nn, numpy as np
        >>> layer = nn.Linear(4, 1, bias=False)
        >>> layer.weight.data = np.array([[0.9, -1.0, 1.1, -1.2]])
        >>> share_weights(layer, bits=1).weight.numpy().round(3)
        array([[ 1. , -1.1,  1. , -1.1]])
        >>> layer(np.array([[1.0, 2.0, 3.0, 4.0]])).sum().backward()
        >>> layer.weight_codebook.grad.tolist()
        [6.0, 4.0]
    """
    check_whole("share_weights", "bits", bits, example=5)
    mask = getattr(module, f"{name}_mask", None)
    if mask is not None:
        remove(module, name)
    check_parameter(module, name)
    weights = getattr(module, name).numpy()
    kept = np.ones(weights.shape, bool) if mask is None else mask != 0
    if not kept.any():
        raise DataError(f"{type(module).__name__}.{name} has no weights left that could share values")
    values, members = kmeans_1d(weights[kept], 2**bits)
    codes = np.zeros(weights.shape, np.min_scalar_type(len(values) - 1))
    codes[kept] = members
    sources = {f"{name}_codebook": Parameter(values), f"{name}_codes": codes}
    if mask is not None:
        sources[f"{name}_mask"] = mask
    compute(module, name, partial(_shared, name=name), sources)
    return module


def _shared(module: Module, name: str) -> Any:
    weights = getattr(module, f"{name}_codebook")[getattr(module, f"{name}_codes")]
    mask = module._buffers.get(f"{name}_mask")
    return weights if mask is None else np.where(mask, weights, 0)


def unshare_weights(module: Module, name: str = "weight") -> Module:
    """Make the shared weights a parameter again, so that each weight is trained on its own.

    Raises:
        DataError: the weights are not shared.
    """
    if f"{name}_codes" not in module._buffers:
        raise DataError(f"{type(module).__name__}.{name} does not share its weights")
    return settle(module, name)


def kmeans_1d(values: npt.ArrayLike, k: int) -> tuple[Array, Array]:
    """k-means in one dimension: k centres, each the mean of the values nearest to it.

    Lloyd's algorithm starts from evenly spaced centres between the smallest and the largest value. As Han et
    al. found, this keeps the few large weights better than centres where most values are. A centre without
    any values (e.g. in the gap that pruning leaves) moves to a value that is far from all centres.

    Args:
        values: floating-point numbers of any shape.
        k: the number of centres; fewer if there are fewer different values.

    Returns:
        The centres in increasing order, in the dtype of the values, and the index of each value's centre.

    Example:
        >>> import numpy as np
        >>> centres, members = kmeans_1d(np.array([1.0, 9.0, 2.0, 10.0, 3.0]), 2)
        >>> centres.tolist(), members.tolist()
        ([2.0, 9.5], [0, 1, 0, 1, 0])
    """
    check_whole("kmeans_1d", "k", k, example=32)
    values = np.asarray(values)
    ordered = np.sort(values, axis=None).astype(float)
    centres = np.linspace(ordered[0], ordered[-1], min(k, len(np.unique(ordered))))
    for _ in range(ROUNDS):
        # In one dimension the values of a centre are consecutive: from one boundary to the next.
        ends = np.searchsorted(ordered, (centres[1:] + centres[:-1]) / 2, side="right")
        counts = np.diff(ends, prepend=0, append=len(ordered))
        labels = np.repeat(np.arange(len(centres)), counts)
        moved = np.bincount(labels, ordered, len(centres)) / np.maximum(counts, 1)
        if idle := np.count_nonzero(counts == 0):
            distances = np.abs(ordered - centres[labels])
            moved[counts == 0] = ordered[np.argsort(distances)[-idle:]]
            moved.sort()
        if np.array_equal(moved, centres):
            break
        centres = moved
    centres = centres[counts > 0]
    members = np.searchsorted((centres[1:] + centres[:-1]) / 2, values)
    return centres.astype(values.dtype), members
