"""Connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import IndexingError, ShapeError

from ..arrays import as_array
from ..kernels import ctc as kernels
from .exactness import exact
from .losses import check_options

__all__ = ["ctc_loss"]

Array = npt.NDArray[Any]


@ag.fused(kernels.ctc, kernels.ctc_backward, samples=((1, 0, 0, 0), 0))
def ctc(
    log_probs: Any, targets: Array, input_lengths: Array, target_lengths: Array, *, blank: int = 0
) -> Any:
    """-log of the probability of each target sequence (N,)."""
    states, skips = kernels.layout(targets, blank)
    low = -1e30  # log(0) as a finite number, so that differences are not NaN
    losses = []
    for n, (path, skip) in enumerate(zip(states, skips, strict=True)):
        S = 2 * int(target_lengths[n]) + 1
        scores = log_probs[:, n][:, path[:S]]
        a = np.where(np.arange(S) < 2, scores[0], low)
        for t in range(1, int(input_lengths[n])):
            padded = np.concatenate([np.full(2, low), a])
            ways = np.stack([a, padded[1 : S + 1], np.where(skip[:S], padded[:S], low)])
            a = ag.logsumexp(ways, axis=0) + scores[t]
        losses.append(-ag.logsumexp(a[-2:]))
    return np.stack(losses)


@exact
def ctc_loss(
    log_probs: Tensor | Array,
    targets: Tensor | npt.ArrayLike,
    input_lengths: Tensor | npt.ArrayLike,
    target_lengths: Tensor | npt.ArrayLike,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """-log of the probability of a label sequence, over all its alignments with the input.

    Args:
        log_probs: log-probabilities of shape (T, N, C) or (T, C), e.g. from `log_softmax`.
        targets: labels of shape (N, L), or all label sequences joined to one.
        input_lengths: the number of steps of each input, of shape (N,).
        target_lengths: the number of labels of each sequence, of shape (N,).
        blank: the class that stands for no label.
        reduction: "none", "sum", or "mean", which divides each loss by its target length, then averages.
        zero_infinity: replace the infinite loss of an input that is too short for its labels by 0.

    Raises:
        ShapeError: the lengths do not fit the inputs or the labels.
        IndexingError: a label is no class, or is the blank.

    Source:
        A. Graves et al., "Connectionist temporal classification", 2006.

    Example:
        >>> import numpy as np
        >>> p = np.log(np.array([[[0.5, 0.5]], [[0.5, 0.5]]]))
        >>> float(np.exp(-ctc_loss(p, [[1]], [2], [1], reduction="sum")))
        0.75
    """
    check_options(reduction)
    labels, ends, counts = (np.atleast_1d(as_array(x)) for x in (targets, input_lengths, target_lengths))
    single = log_probs.ndim == 2
    x: Any = log_probs[:, None] if single else log_probs
    T, N, C = x.shape
    if ends.shape != (N,) or counts.shape != (N,) or (ends > T).any() or (ends < 1).any():
        raise ShapeError(
            f"ctc_loss: log_probs {log_probs.shape} are {N} sequences of {T} steps, but input_lengths are "
            f"{ends.tolist()} and target_lengths {counts.tolist()}; expected {N} of each, up to {T}"
        )
    if labels.ndim == 1:
        labels = _in_rows(labels, counts)
    used = labels[np.arange(labels.shape[1]) < counts[:, None]]
    if ((used < 0) | (used >= C) | (used == blank)).any():
        raise IndexingError(
            f"ctc_loss: labels run from {used.min()} to {used.max()}; expected 0 to {C - 1} without the "
            f"blank {blank}"
        )
    inside = np.arange(labels.shape[1]) < counts[:, None]
    losses = ctc(x, np.where(inside, labels, blank), ends, counts, blank=blank)
    if zero_infinity:
        plain = losses.numpy() if isinstance(losses, Tensor) else losses
        losses = np.where(np.isinf(plain), 0, losses)
    if reduction == "mean":
        return np.mean(losses / np.maximum(counts, 1).astype(x.dtype))
    return np.sum(losses) if reduction == "sum" else losses[0] if single else losses


def _in_rows(labels: Array, counts: Array) -> Array:
    """Label sequences (N, L) from all sequences joined to one; past its end, a row holds any label."""
    if labels.size < counts.sum():
        raise ShapeError(
            f"ctc_loss: target_lengths add up to {counts.sum()}, but there are {labels.size} targets"
        )
    starts = np.cumsum(counts) - counts
    places = np.minimum(starts[:, None] + np.arange(counts.max(initial=0)), max(labels.size - 1, 0))
    return labels[places] if labels.size else np.zeros((len(counts), 0), int)
