"""The softmax over many classes, of which few are frequent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import IndexingError, OptionError

from .. import functional
from ..arrays import as_array, within
from ..module import InputError, Module
from ..parameter import dtype_of
from .containers import ModuleList, Sequential
from .linear import Linear

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class LossOfTargets(NamedTuple):
    """The log-probability of each target, and the negative mean of them."""

    output: Any
    loss: Any


class AdaptiveLogSoftmaxWithLoss(Module):
    """The softmax over classes in order of their frequency, rare ones in clusters with smaller projections.

    Args:
        in_features: the length of the last axis of the input.
        n_classes: the number of classes; class 0 is the most frequent one.
        cutoffs: the class with which each cluster begins, increasing.
        div_value: the projection of each cluster is shorter by this factor than the one before.
        head_bias: add a learned bias to the scores of frequent classes and clusters.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Raises:
        OptionError: the cutoffs are not increasing numbers from 1 to n_classes - 1.

    Source:
        E. Grave et al., "Efficient softmax approximation for GPUs", 2017.

    Example:
        >>> import numpy as np, nn
        >>> layer = nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs=[4, 10])
        >>> layer.log_prob(np.ones((3, 8), np.float32)).shape
        (3, 20)
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype, cutoffs = dtype_of(device, dtype), list(cutoffs)
        if not cutoffs or cutoffs != sorted(set(cutoffs)) or cutoffs[0] < 1 or cutoffs[-1] >= n_classes:
            raise OptionError(
                f"AdaptiveLogSoftmaxWithLoss(cutoffs={cutoffs}): expected ints from 1 to {n_classes - 1}"
            )
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = cutoffs[0], len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, dtype=dtype)
        self.tail = ModuleList()
        for i, (first, end) in enumerate(zip(self.cutoffs, self.cutoffs[1:], strict=False), start=1):
            width = int(in_features // div_value**i)
            parts = (
                Linear(in_features, width, False, dtype=dtype),
                Linear(width, end - first, False, dtype=dtype),
            )
            self.tail.append(Sequential(*parts))

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        for layer in self.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input: Any, target: Any) -> LossOfTargets:
        """The log-probabilities of the targets, and the loss.

        Args:
            input: of shape (N, in_features), or (in_features,).
            target: class indices of shape (N,), or a single one.
        """
        targets = as_array(target)
        if targets.shape != input.shape[:-1]:
            raise InputError(self, f"expects a target for each input, got {input.shape}, {targets.shape}")
        if not within(targets, 0, self.n_classes - 1):
            raise IndexingError(
                f"AdaptiveLogSoftmaxWithLoss: targets from {targets.min()} to {targets.max()} are no classes "
                f"0 to {self.n_classes - 1}"
            )
        output = self.log_prob(input)[(*np.indices(targets.shape, sparse=True), targets)]
        return LossOfTargets(output, -output.mean())

    def log_prob(self, input: Any) -> Any:
        """The log-probabilities of all classes, of shape (N, n_classes)."""
        head = functional.log_softmax(self.head(input), -1)
        parts = [head[..., : self.shortlist_size]]
        for i, cluster in enumerate(self.tail, start=self.shortlist_size):
            parts.append(functional.log_softmax(cluster(input), -1) + head[..., i : i + 1])
        return np.concatenate(parts, axis=-1)

    def predict(self, input: Any) -> Any:
        """The most probable class of each input."""
        return np.argmax(self.log_prob(input), axis=-1)
