"""Recurrent layers over a whole sequence: arrays in, arrays out, one pass forward and one back.

All inputs go through one matrix product before the loop, and all gradients of weights come from one
after it; only the product with the hidden state has to wait for the step before. With `lengths`, a
sequence that has ended keeps its state and gives out zeros.

Shapes: x (T, B, I), states (B, H), weights (gates H, I) and (gates H, H), biases (gates H).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "gru",
    "gru_backward",
    "lstm",
    "lstm_backward",
    "rnn",
    "rnn_backward",
]

Array = npt.NDArray[Any]


def steps(T: int, reverse: bool) -> range:
    """The places of a sequence in the order in which they are read."""
    return range(T - 1, -1, -1) if reverse else range(T)


def ended(T: int, lengths: Array | None) -> list[Array | None]:
    """For each place which sequences are over there, as a column; None where none is."""
    if lengths is None:
        return [None] * T
    over = lengths <= np.arange(T)[:, None]
    return [column[:, None] if column.any() else None for column in over]


def _project(x: Array, w: Array, b: Array | None) -> Array:
    """x w^T + b for all places at once."""
    T, B, _ = x.shape
    y: Array = (x.reshape(T * B, -1) @ w.T).reshape(T, B, -1)
    if b is not None:
        y += b
    return y


def _weight_gradients(
    da: Array, x: Array, before: Array, w_ih: Array, needs: tuple[bool, ...]
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Of x, both weights and a bias, from the gradients `da` of the gates (T, B, gates H)."""
    flat = da.reshape(-1, da.shape[-1])
    return (
        (flat @ w_ih).reshape(x.shape) if needs[0] else None,
        flat.T @ x.reshape(len(flat), -1) if needs[1] else None,
        flat.T @ before.reshape(len(flat), -1) if needs[2] else None,
        flat.sum(axis=0) if needs[3] else None,
    )


# -- LSTM ------------------------------------------------------------------------------------------


def lstm(
    x: Array,
    h: Array,
    c: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    *,
    reverse: bool = False,
    lengths: Array | None = None,
) -> tuple[tuple[Array, Array, Array], Any]:
    """All hidden states (T, B, H), and the last hidden and cell state.

    The logistic function is (1 + tanh(a / 2)) / 2, so with the rows of its gates halved one tanh does all
    four gates, which stand side by side.
    """
    T, B, _ = x.shape
    H = h.shape[1]
    half = np.full(4 * H, 0.5, w_ih.dtype)
    half[2 * H : 3 * H] = 1
    bias = None if b_ih is None or b_hh is None else (b_ih + b_hh) * half
    gates = _project(x, w_ih * half[:, None], bias)
    w = np.ascontiguousarray((w_hh * half[:, None]).T)
    hs, before, cells, squashed = (np.empty((T, B, H), gates.dtype) for _ in range(4))
    recurrent, product = np.empty((B, 4 * H), gates.dtype), np.empty((B, H), gates.dtype)
    over = ended(T, lengths)
    for t in steps(T, reverse):
        a, tanh_c, h_next = gates[t], squashed[t], hs[t]
        before[t], cells[t] = h, c
        np.matmul(h, w, out=recurrent)
        a += recurrent
        np.tanh(a, out=a)
        for gate in (a[:, : 2 * H], a[:, 3 * H :]):
            gate += 1
            gate *= 0.5
        i, f, g, o = a[:, :H], a[:, H : 2 * H], a[:, 2 * H : 3 * H], a[:, 3 * H :]
        c_next = f * c
        np.multiply(i, g, out=product)
        c_next += product
        np.tanh(c_next, out=tanh_c)
        np.multiply(o, tanh_c, out=h_next)
        stop = over[t]
        if stop is None:
            h, c = h_next, c_next
        else:
            h, c = np.where(stop, h, h_next), np.where(stop, c, c_next)
            np.copyto(h_next, 0, where=stop)
    # The states that are given out are copies: hs may be written into by whoever gets it.
    return (hs, h.copy(), c.copy()), (x, w_ih, w_hh, gates, before, cells, squashed, over, reverse)


def lstm_backward(g: Any, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """Cotangents of x, h, c, both weights and both biases."""
    x, w_ih, w_hh, gates, before, cells, squashed, over, reverse = residuals
    g_hs, dh, dc = g
    T, _, H = g_hs.shape
    da = np.empty_like(gates)
    for t in reversed(steps(T, reverse)):
        a, tanh_c, d, stop = gates[t], squashed[t], da[t], over[t]
        i, f, c_in, o = a[:, :H], a[:, H : 2 * H], a[:, 2 * H : 3 * H], a[:, 3 * H :]
        d_i, d_f, d_g, d_o = d[:, :H], d[:, H : 2 * H], d[:, 2 * H : 3 * H], d[:, 3 * H :]
        held = None if stop is None else (np.where(stop, dh, 0), np.where(stop, dc, 0))
        dh = dh + (g_hs[t] if stop is None else np.where(stop, 0, g_hs[t]))
        if stop is not None:
            dh, dc = np.where(stop, 0, dh), np.where(stop, 0, dc)
        dc = dc + dh * o * (1 - tanh_c * tanh_c)
        np.multiply(dh, tanh_c, out=d_o)
        np.multiply(dc, c_in, out=d_i)
        np.multiply(dc, cells[t], out=d_f)
        np.multiply(dc, i, out=d_g)
        d_i *= i * (1 - i)
        d_f *= f * (1 - f)
        d_g *= 1 - c_in * c_in
        d_o *= o * (1 - o)
        dc = dc * f
        dh = d @ w_hh
        if held is not None:
            dh, dc = dh + held[0], dc + held[1]
    dx, dw_ih, dw_hh, db = _weight_gradients(
        da, x, before, w_ih, (needs[0], needs[3], needs[4], needs[5] or needs[6])
    )
    return dx, dh, dc, dw_ih, dw_hh, db, db


# -- GRU -------------------------------------------------------------------------------------------


def gru(
    x: Array,
    h: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    *,
    reverse: bool = False,
    lengths: Array | None = None,
) -> tuple[tuple[Array, Array], Any]:
    """All hidden states (T, B, H), and the last one. The gates are r, z, n."""
    T, B, _ = x.shape
    H = h.shape[1]
    gates = _project(x, w_ih, b_ih)
    w = np.ascontiguousarray(w_hh.T)
    hs, before, candidates = (np.empty((T, B, H), gates.dtype) for _ in range(3))
    over = ended(T, lengths)
    for t in steps(T, reverse):
        a, h_next = gates[t], hs[t]
        before[t] = h
        recurrent = h @ w
        if b_hh is not None:
            recurrent += b_hh
        rz, n = a[:, : 2 * H], a[:, 2 * H :]
        rz += recurrent[:, : 2 * H]
        rz *= 0.5  # the logistic function through tanh
        np.tanh(rz, out=rz)
        rz += 1
        rz *= 0.5
        r, z = a[:, :H], a[:, H : 2 * H]
        candidates[t] = recurrent[:, 2 * H :]  # what the gate r is multiplied with
        n += r * candidates[t]
        np.tanh(n, out=n)
        np.subtract(h, n, out=h_next)
        h_next *= z
        h_next += n
        stop = over[t]
        if stop is None:
            h = h_next
        else:
            h = np.where(stop, h, h_next)
            np.copyto(h_next, 0, where=stop)
    return (hs, h.copy()), (x, w_ih, w_hh, gates, before, candidates, over, reverse)


def gru_backward(g: Any, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """Cotangents of x, h, both weights and both biases."""
    x, w_ih, w_hh, gates, before, candidates, over, reverse = residuals
    g_hs, dh = g
    T, _, H = g_hs.shape
    da = np.empty_like(gates)  # of what comes from x
    dr = np.empty_like(gates)  # of what comes from h: the same, but for n
    for t in reversed(steps(T, reverse)):
        a, d, stop = gates[t], da[t], over[t]
        r, z, n = a[:, :H], a[:, H : 2 * H], a[:, 2 * H :]
        held = None if stop is None else np.where(stop, dh, 0)
        dh = dh + g_hs[t]
        if stop is not None:
            dh = np.where(stop, 0, dh)
        d_n = dh * (1 - z) * (1 - n * n)
        np.multiply(dh * (before[t] - n), z * (1 - z), out=d[:, H : 2 * H])
        np.multiply(d_n * candidates[t], r * (1 - r), out=d[:, :H])
        d[:, 2 * H :] = d_n
        dr[t] = d
        dr[t, :, 2 * H :] *= r
        dh = dh * z + dr[t] @ w_hh
        if held is not None:
            dh += held
    dx, dw_ih, _, db_ih = _weight_gradients(da, x, before, w_ih, (needs[0], needs[2], False, needs[4]))
    _, _, dw_hh, db_hh = _weight_gradients(dr, x, before, w_ih, (False, False, needs[3], needs[5]))
    return dx, dh, dw_ih, dw_hh, db_ih, db_hh


# -- a plain recurrent layer -----------------------------------------------------------------------


def rnn(
    x: Array,
    h: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    *,
    nonlinearity: str = "tanh",
    reverse: bool = False,
    lengths: Array | None = None,
) -> tuple[tuple[Array, Array], Any]:
    """All hidden states (T, B, H), and the last one."""
    T = len(x)
    hs = _project(x, w_ih, None if b_ih is None or b_hh is None else b_ih + b_hh)
    values, before = np.empty_like(hs), np.empty_like(hs)
    w = np.ascontiguousarray(w_hh.T)
    over = ended(T, lengths)
    for t in steps(T, reverse):
        a, value = hs[t], values[t]
        before[t] = h
        a += h @ w
        np.tanh(a, out=value) if nonlinearity == "tanh" else np.maximum(a, 0, out=value)
        a[...] = value
        stop = over[t]
        if stop is None:
            h = value
        else:
            h = np.where(stop, h, value)
            np.copyto(a, 0, where=stop)
    return (hs, h.copy()), (x, w_ih, w_hh, values, before, over, reverse, nonlinearity)


def rnn_backward(g: Any, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """Cotangents of x, h, both weights and both biases."""
    x, w_ih, w_hh, values, before, over, reverse, nonlinearity = residuals
    g_hs, dh = g
    da = np.empty_like(values)
    for t in reversed(steps(len(values), reverse)):
        value, stop = values[t], over[t]
        held = None if stop is None else np.where(stop, dh, 0)
        dh = dh + g_hs[t]
        if stop is not None:
            dh = np.where(stop, 0, dh)
        np.multiply(dh, 1 - value * value if nonlinearity == "tanh" else value > 0, out=da[t])
        dh = da[t] @ w_hh
        if held is not None:
            dh += held
    dx, dw_ih, dw_hh, db = _weight_gradients(
        da, x, before, w_ih, (needs[0], needs[2], needs[3], needs[4] or needs[5])
    )
    return dx, dh, dw_ih, dw_hh, db, db
