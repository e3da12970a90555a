"""Connectionist temporal classification: the sum over all alignments, forward and backward in time.

The states are the labels with a blank before, between and after them: S = 2 L + 1 states. In each time step
an alignment stays in its state, moves to the next, or skips a blank between different labels.

Shapes: log_probs (T, N, C), targets (N, L), lengths (N,).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ctc", "ctc_backward", "layout"]

Array = npt.NDArray[Any]


def layout(targets: Array, blank: int) -> tuple[Array, Array]:
    """The label of each state (N, S), and a mask of the states that may be reached by a skip."""
    N, L = targets.shape
    states = np.full((N, 2 * L + 1), blank)
    states[:, 1::2] = targets
    skips = np.zeros(states.shape, bool)
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    return states, skips


def ctc(
    log_probs: Array, targets: Array, input_lengths: Array, target_lengths: Array, *, blank: int = 0
) -> tuple[Array, Any]:
    """The negative log-probability of each target sequence (N,), and the residuals."""
    T, N, _ = log_probs.shape
    states, skips = layout(targets, blank)
    S = states.shape[1]
    scores = np.take_along_axis(log_probs, np.broadcast_to(states, (T, N, S)), axis=2)
    alpha = np.full((T, N, S), -np.inf, log_probs.dtype)
    if T:
        alpha[0, :, :2] = scores[0, :, :2]
    with np.errstate(invalid="ignore"):
        for t in range(1, T):
            alpha[t] = _one_step(alpha[t - 1], skips) + scores[t]
        n = np.arange(N)
        last = np.where(input_lengths > 0, input_lengths - 1, 0)
        ends = alpha[last, n] if T else alpha
        blank_end = ends[n, 2 * target_lengths]
        label_end = np.where(target_lengths > 0, ends[n, 2 * target_lengths - 1], -np.inf)
        total = np.logaddexp(blank_end, label_end)
    loss: Array = np.asarray(-total, log_probs.dtype)
    return loss, (log_probs.shape, states, skips, scores, alpha, total, input_lengths, target_lengths)


def _one_step(a: Array, skips: Array) -> Array:
    """For each state: the log of the summed probabilities of its predecessors."""
    one = np.full_like(a, -np.inf)
    one[:, 1:] = a[:, :-1]
    two = np.full_like(a, -np.inf)
    two[:, 2:] = a[:, :-2]
    two[~skips] = -np.inf
    reached: Array = np.logaddexp(np.logaddexp(a, one), two)
    return reached


def ctc_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """The cotangent of log_probs: -g times the probability of each label at each time."""
    shape, states, skips, scores, alpha, total, input_lengths, target_lengths = residuals
    T, N, _ = shape
    S = states.shape[1]
    place = np.arange(S)
    final = (place == 2 * target_lengths[:, None]) | (
        (place == 2 * target_lengths[:, None] - 1) & (target_lengths[:, None] > 0)
    )
    gx = np.zeros(shape, scores.dtype)
    beta = np.full((N, S), -np.inf, scores.dtype)  # log-probability of all that follows a state
    rows = np.arange(N)[:, None]
    with np.errstate(invalid="ignore"):
        for t in range(T - 1, -1, -1):
            if t + 1 < T:
                after = beta + scores[t + 1]
                one = np.full_like(after, -np.inf)
                one[:, :-1] = after[:, 1:]
                two = np.full_like(after, -np.inf)
                two[:, :-2] = np.where(skips[:, 2:], after[:, 2:], -np.inf)
                beta = np.logaddexp(np.logaddexp(after, one), two)
            beta = np.where((t == input_lengths - 1)[:, None], np.where(final, 0.0, -np.inf), beta)
            inside = (t < input_lengths)[:, None] & np.isfinite(total)[:, None]
            share = np.where(inside, np.exp(alpha[t] + beta - total[:, None]), 0)
            np.add.at(gx[t], (rows, states), np.where(np.isnan(share), 0, share) * -g[:, None])
    return gx, None, None, None
