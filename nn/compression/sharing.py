"""Weight sharing: all weights of a layer take one of a few values, and these are trained further."""

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
"""After so many, k-means is stopped where it has not come to rest by itself."""


def share_weights(module: Module, name: str = "weight", bits: int = 5) -> Module:
    """Let the weights of a layer share 2^bits values, which k-means finds and an optimizer may train further.

    `weight` becomes `weight_codebook[weight_codes]`, a parameter and a buffer; so the gradient of each shared
    value is the sum of those of the weights that share it. What was pruned stays 0, beside the codebook.

    Args:
        module: a layer.
        name: of its parameter.
        bits: of each code. There are fewer values if the layer has fewer to begin with.

    Returns:
        The layer. Its optimizer has to be made anew, as the codebook is a new parameter.

    Raises:
        DataError: the layer has no such parameter, or all of it is pruned.
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
    """Make the shared weights a parameter again, each with a value of its own to be trained.

    Raises:
        DataError: the weights are not shared.
    """
    if f"{name}_codes" not in module._buffers:
        raise DataError(f"{type(module).__name__}.{name} does not share its weights")
    return settle(module, name)


def kmeans_1d(values: npt.ArrayLike, k: int) -> tuple[Array, Array]:
    """k numbers that stand for many: each is the mean of the values that are nearest to it.

    Lloyd's algorithm, from centres that are spaced evenly from the least to the largest value; as Han et al.
    found, this keeps the few large weights better than centres where most values are. A centre that no
    value is nearest to, as in the hole that pruning leaves, moves to a value that is far from all others.

    Args:
        values: of any shape, of a floating-point dtype.
        k: how many; or as many as there are different values, if these are fewer.

    Returns:
        The centres, growing, of the dtype of the values; and for each value, the index of its own.

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
        # In one dimension the members of a centre are neighbours: from one boundary to the next.
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
