"""Recurrent layers over a whole sequence: one pass forward, one pass backward.

Only the product with the hidden state has to wait for the previous step. All other work is done for many
steps at a time, in chunks that stay in the cache. A second thread computes the large matrix products beside
the loop: products with the inputs for the forward pass, gradients of the weights in the backward pass. In
each chunk the backward pass first computes the local derivatives of all gates, so its loop does little.

The gates of a step are slabs (gates, B, H), and the weights are (gates, H, H). So each gate is contiguous,
and BLAS is fast at such small products. With `lengths`, a sequence that has ended keeps its state and
outputs zeros. Where the native kernels are there (`native/recurrent.c`), they take over.

Shapes: x (T, B, I), states (B, H), weights (gates H, I) and (gates H, H), biases (gates H).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.sums import added, contracted, total

from .native import recurrent as native
from .native import twin
from .threads import Start, beside, blas_on_one_thread

__all__ = [
    "gru",
    "gru_backward",
    "lstm",
    "lstm_backward",
    "rnn",
    "rnn_backward",
]

Array = npt.NDArray[Any]

ROWS = 256
"""The number of inputs in a chunk, over all steps: efficient products, and half a MB of gates."""

LARGE = 1 << 24
"""From this number of multiply-adds with the inputs on, a second thread pays."""


def recurrent_work(y: Any, x: Array, *states_and_weights: Any, **options: Any) -> int:
    """Multiply-adds: all weights of inputs and states, at each step of each sequence."""
    w_ih, w_hh = states_and_weights[-4:-2]
    return math.prod(x.shape[:-1]) * int(w_ih.size + w_hh.size)


def ended(T: int, lengths: Array | None) -> Array | None:
    """A mask (T, B, 1) of the steps after the end of each sequence; None if there are no such steps."""
    over = None if lengths is None else (lengths <= np.arange(T)[:, None])[..., None]
    return over if over is not None and over.any() else None


def read(x: Any, over: Array | None) -> Any:
    """The inputs with zeros after the ends: NaN there must not reach the gradients of the weights."""
    return x if over is None else np.where(over, 0, x)


def _in_order(sequence: Any, reverse: bool) -> Any:
    """A sequence, or None, in the order in which the layer reads the steps."""
    return sequence[::-1] if reverse and sequence is not None else sequence


def _chunks(x: Array) -> list[slice]:
    """The steps in chunks of about `ROWS` inputs; one empty chunk if there are no steps."""
    T, B, _ = x.shape
    size = max(1, ROWS // max(B, 1))
    return [slice(t, min(t + size, T)) for t in range(0, max(T, 1), size)]


def _threads(x: Array, w: Array) -> Any:
    """A second thread for the products of inputs with weights, if it pays."""
    return beside(x.size * len(w) >= LARGE and len(_chunks(x)) > 1)


def _slabs(w: Array, gates: int, T: int) -> Array:
    """Weights (gates H, I) for products with the inputs of T steps: (gates, I, H), each contiguous.

    For a single step (a cell), the weights stay unchanged: to rearrange them takes as long as the product.
    """
    return w if T == 1 else np.ascontiguousarray(w.reshape(gates, -1, w.shape[-1]).swapaxes(1, 2))


def _multiply(rows: Array, w: Array, out: Array) -> None:
    """The products of rows (N, I) with the result of `_slabs`, as slabs (gates, N, H)."""
    if w.ndim == 3:
        np.matmul(rows, w, out=out)
    else:
        with blas_on_one_thread():  # two threads take 33 us instead of 60, but 700 if a core is busy
            columns = w @ rows.T
        out[...] = columns.reshape(len(out), -1, len(rows)).swapaxes(1, 2)


def _projected(x: Array, w: Array, b: Array | None, gates: Array, start: Start) -> Iterator[int]:
    """Write x w[gate] + b[gate] into the gates (gates, T, B, H) of all steps; yield each step when ready."""

    def project(run: slice) -> None:
        part, rows = gates[:, run], x[run].reshape(-1, x.shape[-1])
        flat = part.reshape(len(gates), len(rows), gates.shape[-1])
        _multiply(rows, w, flat)
        if b is not None:
            flat += b[:, None]

    for run, wait in [(run, start(project, run)) for run in _chunks(x)]:
        wait()
        yield from range(run.start, run.stop)


def _pulled(
    da: Array, x: Array, w: Array, needs: tuple[bool, bool, bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """The cotangents of x (n, B, I), w (gates, H, I) and a bias, from those of the gates (gates, n, B, H)."""
    flat, rows = da.reshape(len(da), -1, da.shape[-1]), x.reshape(-1, x.shape[-1])
    return (
        np.matmul(flat, w).sum(axis=0).reshape(x.shape) if needs[0] else None,
        contracted(flat.swapaxes(1, 2), rows).reshape(-1, x.shape[-1]) if needs[1] else None,
        total(flat, 1).ravel() if needs[2] else None,
    )


def _held(d: Array, dh: Array, stop: Array | None, t: int, others: Any = 0) -> Array | None:
    """Where sequences have ended, set the cotangents d of the gates to 0; return dh there, else `others`."""
    if stop is None:
        return None
    np.copyto(d, 0, where=stop[t])
    return np.where(stop[t], dh, others)


def _gathered(waits: list[Callable[[], Any]], reverse: bool) -> tuple[Array | None, ...]:
    """The cotangents of all chunks, last chunk first: those of x concatenated, the others added up."""
    dx, *others = zip(*(wait() for wait in waits), strict=True)
    whole = None if dx[0] is None else _in_order(np.concatenate(dx[::-1]), reverse)
    return (whole, *(None if each[0] is None else added(each) for each in others))


# -- LSTM ------------------------------------------------------------------------------------------


@twin(native.lstm)
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

    The logistic function is (1 + tanh(a / 2)) / 2, so one tanh does all four gates i, f, g, o.
    """
    (T, B, _), H = x.shape, h.shape[1]
    over = ended(T, lengths)
    x, over = _in_order(read(x, over), reverse), _in_order(over, reverse)
    half = np.array([0.5, 0.5, 1, 0.5], w_ih.dtype)[:, None, None]
    bias = None if b_ih is None or b_hh is None else (b_ih + b_hh).reshape(4, H)
    gates = np.empty((4, T, B, H), np.result_type(x, w_ih))
    hs, cells = (np.empty((T + 1, B, H), gates.dtype) for _ in range(2))  # before and after each step
    squashed = np.empty((T, B, H), gates.dtype)
    recurrent, new = np.empty((4, B, H), gates.dtype), np.empty((B, H), gates.dtype)
    w, hs[0], cells[0] = _slabs(w_hh, 4, T), h, c
    with _threads(x, w_ih) as start:
        for t in _projected(x, _slabs(w_ih, 4, T), bias, gates, start):
            a, tanh_c, c_next, h_next = gates[:, t], squashed[t], cells[t + 1], hs[t + 1]
            _multiply(hs[t], w, recurrent)
            a += recurrent
            a *= half
            np.tanh(a, out=a)
            a *= half
            a += 1 - half
            i, f, g, o = a
            np.multiply(f, cells[t], out=c_next)
            np.multiply(i, g, out=new)
            c_next += new
            np.tanh(c_next, out=tanh_c)
            np.multiply(o, tanh_c, out=h_next)
            if over is not None:
                np.copyto(h_next, hs[t], where=over[t])
                np.copyto(c_next, cells[t], where=over[t])
    given = hs[1:].copy() if over is None else np.where(over, 0, hs[1:])
    # Return copies of the states: the caller may write into them.
    last = hs[T].copy(), cells[T].copy()
    return (_in_order(given, reverse), *last), (x, w_ih, w_hh, gates, hs, cells, squashed, over, reverse)


@twin(native.lstm_backward)
def lstm_backward(g: Any, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """Cotangents of x, h, c, both weights and both biases."""
    *arrays, over, reverse = residuals
    x, w_ih, w_hh, gates, hs, cells, squashed = (a.conj() for a in arrays)  # real arrays are not copied
    (B, H), w = g[1].shape, w_hh.reshape(4, -1, w_hh.shape[1])
    g_hs, dh, dc = _in_order(g[0], reverse), g[1].astype(gates.dtype), g[2].astype(gates.dtype)
    if over is not None:
        g_hs = np.where(over, 0, g_hs)
    back, through = np.empty((4, B, H), gates.dtype), np.empty((B, H), gates.dtype)
    from_x, from_h = [], []
    with _threads(x, w_ih) as start:
        for run in reversed(_chunks(x)):
            tanh_c, stop = squashed[run], None if over is None else over[run]
            i, f, g_, o = gates[:, run]
            # Each slab of da first holds the local derivative, then its product with dc or dh.
            da = 1 - gates[:, run]
            da *= gates[:, run]
            da[0] *= g_
            da[1] *= cells[run]
            da[2] = (1 - g_ * g_) * i
            da[3] *= tanh_c
            dc_dh = (1 - tanh_c * tanh_c) * o
            if stop is not None:
                dc_dh, f = np.where(stop, 0, dc_dh), np.where(stop, 1, f)
            for t in reversed(range(len(f))):
                d = da[:, t]
                dh += g_hs[run][t]
                np.multiply(dh, dc_dh[t], out=through)
                dc += through
                d[:3] *= dc
                d[3] *= dh
                dc *= f[t]
                held = _held(d, dh, stop, t)
                np.matmul(d, w, out=back)
                np.add.reduce(back, axis=0, out=dh)
                if held is not None:
                    dh += held
            wants = needs[0], needs[3], needs[5] or needs[6]
            from_x.append(start(_pulled, da, x[run], w_ih.reshape(4, H, -1), wants))
            from_h.append(start(_pulled, da, hs[run], w, (False, needs[4], False)))
        dx, dw_ih, db = _gathered(from_x, reverse)
        _, dw_hh, _ = _gathered(from_h, reverse)
    return dx, dh, dc, dw_ih, dw_hh, db, db


# -- GRU -------------------------------------------------------------------------------------------


@twin(native.gru)
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
    (T, B, _), H = x.shape, h.shape[1]
    over = ended(T, lengths)
    x, over = _in_order(read(x, over), reverse), _in_order(over, reverse)
    gates = np.empty((3, T, B, H), np.result_type(x, w_ih))
    hs, candidates = np.empty((T + 1, B, H), gates.dtype), np.empty((T, B, H), gates.dtype)
    recurrent, bias = np.empty((3, B, H), gates.dtype), None if b_ih is None else b_ih.reshape(3, H)
    w, hs[0] = _slabs(w_hh, 3, T), h
    with _threads(x, w_ih) as start:
        for t in _projected(x, _slabs(w_ih, 3, T), bias, gates, start):
            rz, n, h_next = gates[:2, t], gates[2, t], hs[t + 1]
            _multiply(hs[t], w, recurrent)
            if b_hh is not None:
                recurrent += b_hh.reshape(3, 1, H)
            rz += recurrent[:2]
            rz *= 0.5  # the logistic function through tanh
            np.tanh(rz, out=rz)
            rz *= 0.5
            rz += 0.5
            r, z = rz
            candidates[t] = recurrent[2]  # the factor of the gate r
            np.multiply(r, candidates[t], out=h_next)
            n += h_next
            np.tanh(n, out=n)
            np.subtract(hs[t], n, out=h_next)
            h_next *= z
            h_next += n
            if over is not None:
                np.copyto(h_next, hs[t], where=over[t])
    given = hs[1:].copy() if over is None else np.where(over, 0, hs[1:])
    residuals = x, w_ih, w_hh, gates, hs, candidates, over, reverse
    return (_in_order(given, reverse), hs[T].copy()), residuals


@twin(native.gru_backward)
def gru_backward(g: Any, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """Cotangents of x, h, both weights and both biases."""
    *arrays, over, reverse = residuals
    x, w_ih, w_hh, gates, hs, candidates = (a.conj() for a in arrays)
    (B, H), w = g[1].shape, w_hh.reshape(3, -1, w_hh.shape[1])
    g_hs, dh = _in_order(g[0], reverse), g[1].astype(gates.dtype)
    if over is not None:
        g_hs = np.where(over, 0, g_hs)
    back, kept = np.empty((3, B, H), gates.dtype), np.empty((B, H), gates.dtype)
    from_x, from_h = [], []
    with _threads(x, w_ih) as start:
        for run in reversed(_chunks(x)):
            r, z, n = gates[:, run]
            # Slabs: n on the side of x, r, z, n on the side of h. Each first holds the local derivative, then
            # its product with dh.
            da = np.empty((4, *z.shape), gates.dtype)
            da[0] = (1 - z) * (1 - n * n)
            da[3] = da[0] * r
            da[1] = da[3] * (1 - r) * candidates[run]
            da[2] = (hs[run] - n) * (z * (1 - z))
            stop = None if over is None else over[run]
            for t in reversed(range(len(z))):
                dh += g_hs[run][t]
                da[:, t] *= dh
                np.multiply(dh, z[t], out=kept)
                held = _held(da[:, t], dh, stop, t, kept)
                np.matmul(da[1:, t], w, out=back)
                np.add.reduce(back, axis=0, out=dh)
                dh += kept if held is None else held
            wants = needs[0], needs[2], needs[4]
            from_x.append(start(_pulled, da[[1, 2, 0]], x[run], w_ih.reshape(3, H, -1), wants))
            from_h.append(start(_pulled, da[1:], hs[run], w, (False, needs[3], needs[5])))
        dx, dw_ih, db_ih = _gathered(from_x, reverse)
        _, dw_hh, db_hh = _gathered(from_h, reverse)
    return dx, dh, dw_ih, dw_hh, db_ih, db_hh


# -- a plain recurrent layer -----------------------------------------------------------------------


@twin(native.rnn)
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
    (T, B, _), H = x.shape, h.shape[1]
    over = ended(T, lengths)
    x, over = _in_order(read(x, over), reverse), _in_order(over, reverse)
    bias = None if b_ih is None or b_hh is None else (b_ih + b_hh)[None]
    values = np.empty((1, T, B, H), np.result_type(x, w_ih))
    hs, w = np.empty((T + 1, B, H), values.dtype), w_hh.T if T == 1 else np.ascontiguousarray(w_hh.T)
    hs[0] = h
    with _threads(x, w_ih) as start:
        for t in _projected(x, w_ih.T[None], bias, values, start):
            a, h_next = values[0, t], hs[t + 1]
            np.matmul(hs[t], w, out=h_next)
            a += h_next
            np.tanh(a, out=a) if nonlinearity == "tanh" else np.maximum(a, 0, out=a)
            np.copyto(h_next, a if over is None else np.where(over[t], hs[t], a))
    given = hs[1:].copy() if over is None else np.where(over, 0, hs[1:])
    return (_in_order(given, reverse), hs[T].copy()), (x, w_ih, w_hh, hs, over, reverse, nonlinearity)


@twin(native.rnn_backward)
def rnn_backward(g: Any, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, ...]:
    """Cotangents of x, h, both weights and both biases."""
    *arrays, over, reverse, nonlinearity = residuals
    x, w_ih, w_hh, hs = (a.conj() for a in arrays)
    g_hs, dh = _in_order(g[0], reverse), g[1].astype(hs.dtype)
    if over is not None:
        g_hs = np.where(over, 0, g_hs)
    from_x, from_h = [], []
    with _threads(x, w_ih) as start:
        for run in reversed(_chunks(x)):
            value = hs[1:][run]
            da = 1 - value * value if nonlinearity == "tanh" else (value > 0).astype(hs.dtype)
            stop = None if over is None else over[run]
            for t in reversed(range(len(da))):
                dh += g_hs[run][t]
                da[t] *= dh
                held = _held(da[t], dh, stop, t)
                np.matmul(da[t], w_hh, out=dh)
                if held is not None:
                    dh += held
            wants = needs[0], needs[2], needs[4] or needs[5]
            from_x.append(start(_pulled, da[None], x[run], w_ih[None], wants))
            from_h.append(start(_pulled, da[None], hs[run], w_hh[None], (False, needs[3], False)))
        dx, dw_ih, db = _gathered(from_x, reverse)
        _, dw_hh, _ = _gathered(from_h, reverse)
    return dx, dh, dw_ih, dw_hh, db, db
