"""Recurrent layers over a whole sequence: the definitions of the kernels, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import sigmoid

from ..kernels import recurrent as kernels
from .linear import linear

__all__ = ["gru", "lstm", "projected_lstm", "rnn"]

Array = npt.NDArray[Any]


def lstm_step(x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> tuple[Any, Any]:
    """c' = f c + i g and h' = o tanh(c'), with the gates i, f, g, o computed from x and h."""
    i, f, g, o = np.split(linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh), 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
    """h' = (1 - z) n + z h, with n = tanh(W x + r (U h)) and the gates r and z."""
    r, z, n = np.split(linear(x, w_ih, b_ih), 3, axis=-1)
    r_h, z_h, n_h = np.split(linear(h, w_hh, b_hh), 3, axis=-1)
    z = sigmoid(z + z_h)
    return (1 - z) * np.tanh(n + sigmoid(r + r_h) * n_h) + z * h


def rnn_step(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, nonlinearity: str = "tanh") -> Any:
    """h' = tanh(W x + U h + b), or relu in place of tanh."""
    return (np.tanh if nonlinearity == "tanh" else ag.relu)(linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh))


def unrolled(step: Any, x: Any, states: tuple[Any, ...], reverse: bool, lengths: Array | None) -> Any:
    """The steps over x (T, B, I): all hidden states, 0 after the end of a sequence, and the last states."""
    outputs: list[Any] = [None] * len(x)
    ended = kernels.ended(len(x), lengths)
    x = kernels.read(x, ended)
    for t in range(len(x))[:: -1 if reverse else 1]:
        new = step(x[t], *states)
        if ended is None:
            states, outputs[t] = new, new[0]
        else:
            states = tuple(np.where(ended[t], old, value) for old, value in zip(states, new, strict=True))
            outputs[t] = np.where(ended[t], 0, new[0])
    return (np.stack(outputs), *states)


@ag.fused(
    kernels.lstm,
    kernels.lstm_backward,
    work=kernels.recurrent_work,
    samples=((1, 0, 0, None, None, None, None), (1, 0, 0), {"lengths": 0}),
)
def lstm(
    x: Any,
    h: Any,
    c: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    *,
    reverse: bool = False,
    lengths: Array | None = None,
) -> Any:
    """All hidden states of an LSTM, its last hidden state and its last cell state."""
    return unrolled(lambda x, h, c: lstm_step(x, h, c, w_ih, w_hh, b_ih, b_hh), x, (h, c), reverse, lengths)


def projected_lstm(
    x: Any,
    h: Any,
    c: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    w_hr: Any,
    *,
    reverse: bool = False,
    lengths: Array | None = None,
) -> Any:
    """An LSTM whose hidden state is w_hr o tanh(c), which is shorter than its cell state."""

    def step(x: Any, h: Any, c: Any) -> tuple[Any, Any]:
        h, c = lstm_step(x, h, c, w_ih, w_hh, b_ih, b_hh)
        return linear(h, w_hr), c

    return unrolled(step, x, (h, c), reverse, lengths)


@ag.fused(
    kernels.gru,
    kernels.gru_backward,
    work=kernels.recurrent_work,
    samples=((1, 0, None, None, None, None), (1, 0), {"lengths": 0}),
)
def gru(
    x: Any,
    h: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    *,
    reverse: bool = False,
    lengths: Array | None = None,
) -> Any:
    """All hidden states of a GRU, and the last state."""
    return unrolled(lambda x, h: (gru_step(x, h, w_ih, w_hh, b_ih, b_hh),), x, (h,), reverse, lengths)


@ag.fused(
    kernels.rnn,
    kernels.rnn_backward,
    work=kernels.recurrent_work,
    samples=((1, 0, None, None, None, None), (1, 0), {"lengths": 0}),
)
def rnn(
    x: Any,
    h: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    *,
    nonlinearity: str = "tanh",
    reverse: bool = False,
    lengths: Array | None = None,
) -> Any:
    """All hidden states of a plain recurrent layer, and the last state."""
    return unrolled(
        lambda x, h: (rnn_step(x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity),), x, (h,), reverse, lengths
    )
