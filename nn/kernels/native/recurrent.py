"""The native recurrent layers; names and arguments as in `nn/kernels/recurrent.py`.

The large products, with all inputs and for the gradients of the weights, are NumPy's. The steps between
are one call of `recurrent.c`. The residuals of the twins differ, so `*_backward` serves only those that are
its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.sums import added, is_narrow, total

from ..linear import exact_product, linear, product
from ..threads import blas_on_one_thread, in_parallel
from ..windows import Array
from . import call, native_type
from .blas import products_of

__all__ = ["gru", "gru_backward", "lstm", "lstm_backward", "rnn", "rnn_backward"]

SMALL = 1 << 22
"""Up to this number of multiply-adds, a second thread does not pay."""

FEW = 4
"""For more steps than these, the weights are transposed once. This makes BLAS' products faster."""

SINGLE = 1 << 12
"""Up to this number of gates in a single step, NumPy's calls take no longer than one call through ctypes."""

SHORT = 16
"""Up to this number of steps of a plain layer, which has one gate, NumPy's calls take no longer."""

UNCOPIED = 1_000_000
"""OpenBLAS multiplies matrices without copying them if there are fewer multiply-adds."""

RUN = 1 << 22
"""The number of gates in one call. The cotangents of more gates are not held at a time, and an interrupt need
not wait for more."""


@dataclass(frozen=True)
class Sequences:
    """The arguments that all calls for one layer share, checked."""

    x: Array
    w_ih: Array
    w_hh: Array
    lengths: Array | None
    reverse: bool
    products: tuple[int, int]

    def states(self, first: Array) -> Array:
        """Room for the states before and after each step, with the first one."""
        states = np.empty((len(self.x) + 1, *first.shape), first.dtype)
        states[-1 if self.reverse else 0] = first
        return states

    def last(self, states: Array) -> Array:
        """A copy of the last state, into which the caller may write."""
        last: Array = states[0 if self.reverse else -1].copy()
        return last

    def before(self, states: Array) -> Array:
        """The state that each step reads."""
        return states[1:] if self.reverse else states[:-1]

    def runs(self) -> list[slice]:
        """The steps in runs, in the order in which the layer reads them."""
        T, B, _ = self.x.shape
        size = max(1, RUN // (B * len(self.w_hh)))
        runs = [slice(t, min(t + size, T)) for t in range(0, T, size)]
        return runs[::-1] if self.reverse else runs

    def inputs(self) -> Array:
        """The products of all inputs with their weights, of shape (T, B, gates H)."""
        (T, B, I), n = self.x.shape, len(self.w_ih)  # noqa: E741
        gates: Array
        if T > FEW:
            gates, _ = linear(self.x, self.w_ih, None)
            return gates
        x, w = np.ascontiguousarray(self.x), np.ascontiguousarray(self.w_ih)
        gates = np.zeros((T, B, n), x.dtype)
        with blas_on_one_thread():
            call("inputs", x.dtype, self._layer(T, False), T * B, I, n, x, w, gates, np.empty_like(x))
        return gates

    def _layer(self, steps: int, turned: bool) -> Array:
        """The struct `Layer` of `recurrent.c`."""
        B, H = self.x.shape[1], self.w_hh.shape[1]
        return np.array([steps, B, H, self.reverse, turned, *self.products], np.int64)

    def forward(self, name: str, bias: Array, stepped: Sequence[Array], *numbers: int) -> None:
        """Call the function for all steps, in runs."""
        turned = len(self.x) > FEW and self.x.shape[1] > 1
        w = np.ascontiguousarray(self.w_hh.T) if turned else self.w_hh
        for run in self.runs():
            self._call(name, run, turned, (w, bias), stepped, numbers)

    def backward(self, name: str, run: slice, stepped: Sequence[Array], *others: Any) -> None:
        """Call the function for one run; `others` are arrays for this run, and numbers."""
        self._call(name, run, False, (self.w_hh,), stepped, others)

    def _call(
        self,
        name: str,
        run: slice,
        turned: bool,
        weights: tuple[Array, ...],
        stepped: Sequence[Array],
        others: tuple[Any, ...],
    ) -> None:
        """Call a function for a run of steps, with the sequences shared among the threads.

        Args:
            name: the function.
            run: the steps.
            turned: whether the weights are transposed.
            weights: those of the states, and a bias.
            stepped: arrays of T steps, or T + 1 states.
            others: arrays for this run, and numbers.
        """
        T, B, _ = self.x.shape
        steps, dtype = run.stop - run.start, self.w_hh.dtype
        layer = self._layer(steps, turned)
        lengths = None if self.lengths is None else self.lengths - run.start
        parts = [a[run.start : run.stop + len(a) - T] for a in stepped]

        def work(batch: Any) -> None:
            call(name, dtype, layer, batch.start, batch.stop, lengths, *weights, *parts, *others)

        if steps * B * self.w_hh.size > SMALL:
            in_parallel(work, range(B))
        else:
            with blas_on_one_thread():
                work(range(B))

    def pulled(self, run: slice, of_x: Array, of_h: Array, hs: Array, needs: tuple[bool, ...]) -> Any:
        """The cotangents of x, both weights and both biases, from those of the products of a run.

        Args:
            run: the steps.
            of_x: of the products with the inputs, of shape (steps, B, gates H).
            of_h: of the products with the states.
            hs: all states.
            needs: of the five.
        """
        of_x, of_h, x, h = map(_rows, (of_x, of_h, self.x[run], self.before(hs)[run]))
        return (
            product(of_x, self.w_ih).reshape(-1, *self.x.shape[1:]) if needs[0] else None,
            _of_weights(of_x, x, h.shape[1]) if needs[1] else None,
            _of_weights(of_h, h, h.shape[1]) if needs[2] else None,
            total(of_x, 0) if needs[3] else None,
            total(of_h, 0) if needs[4] else None,
        )

    def back(self, pull: Callable[[slice], Any]) -> tuple[Array | None, ...]:
        """The cotangents of all runs, last run first: those of x are joined, the others added up."""
        parts = [pull(run) for run in self.runs()[::-1]]
        if len(parts) == 1:
            return tuple(parts[0])
        dx, *others = zip(*parts, strict=True)
        in_time = dx if self.reverse else dx[::-1]
        whole = None if dx[0] is None else np.concatenate(in_time)
        return (whole, *(None if each[0] is None else added(each) for each in others))


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def _of_weights(g: Array, x: Array, hidden: int) -> Array:
    """g^T x, gate by gate if BLAS multiplies such small matrices without copying them."""
    if is_narrow(g.T, x) or len(x) * hidden * x.shape[1] >= UNCOPIED:
        return exact_product(g.T, x)
    dw: Array = np.matmul(g.reshape(len(g), -1, hidden).transpose(1, 2, 0), x)
    return dw.reshape(-1, x.shape[1])


def _checked(
    gates: int,
    x: Array,
    states: Sequence[Array],
    weights: tuple[Array, Array],
    biases: tuple[Array | None, Array | None],
    reverse: bool,
    lengths: Array | None,
) -> Sequences | None:
    """The arguments, contiguous; None if the native kernels do not serve them."""
    dtype = native_type(x, *states, *weights, *biases)
    w_ih, w_hh = weights
    if dtype is None or x.ndim != 3 or w_hh.ndim != 2 or not (x.size and w_hh.size):
        return None
    B, H = x.shape[1], w_hh.shape[1]
    if len(x) == 1 and B * len(w_hh) <= SINGLE:
        return None
    fit = w_ih.shape == (gates * H, x.shape[2]) and len(w_hh) == gates * H
    fit = fit and all(s.shape == (B, H) for s in states)
    fit = fit and all(b is None or b.shape == (gates * H,) for b in biases)
    products = products_of(dtype)
    if not fit or products is None or (lengths is not None and np.shape(lengths) != (B,)):
        return None
    if lengths is not None:  # NaN after the end must not reach the gradients of the weights
        lengths = np.ascontiguousarray(lengths, np.int64)
        x = np.where((lengths > np.arange(len(x))[:, None])[..., None], x, 0)
    return Sequences(x, w_ih, np.ascontiguousarray(w_hh), lengths, reverse, products)


def _added(b_ih: Array | None, b_hh: Array | None, w: Array) -> Array:
    """The sum of the biases that are there, contiguous."""
    if b_ih is not None and b_hh is not None:
        return b_ih + b_hh
    one = b_hh if b_ih is None else b_ih
    return np.zeros(len(w), w.dtype) if one is None else np.ascontiguousarray(one)


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
) -> Any:
    """All hidden states (T, B, H), and the last hidden and cell state."""
    s = _checked(4, x, (h, c), (w_ih, w_hh), (b_ih, b_hh), reverse, lengths)
    if s is None:
        return NotImplemented
    gates, hs, cells = s.inputs(), s.states(h), s.states(c)
    y = np.empty((*x.shape[:2], h.shape[1]), h.dtype)
    s.forward("lstm", _added(b_ih, b_hh, w_ih), (gates, hs, cells, y))
    return (y, s.last(hs), s.last(cells)), (s, gates, hs, cells)


def lstm_backward(g: Any, residuals: Any, needs: tuple[bool, ...]) -> Any:
    """Cotangents of x, h, c, both weights and both biases."""
    s, *kept = residuals
    if not isinstance(s, Sequences):
        return NotImplemented
    (gates, hs, cells), (gy, dh, dc) = kept, _cotangents(g, kept[0])
    wants = needs[0], needs[3], needs[4], needs[5] or needs[6], False

    def pull(run: slice) -> Any:
        da = np.empty_like(gates[run])
        s.backward("lstm_backward", run, (gates, cells, gy), dh, dc, da)
        return s.pulled(run, da, da, hs, wants)

    dx, dw_ih, dw_hh, db, _ = s.back(pull)
    return dx, dh, dc, dw_ih, dw_hh, db, db


def _cotangents(g: Any, like: Array) -> tuple[Array, ...]:
    """Those of the outputs, and copies of those of the last states, which the steps change."""
    gy, *of_states = g
    return np.ascontiguousarray(gy, like.dtype), *(np.array(a, like.dtype, order="C") for a in of_states)


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
) -> Any:
    """All hidden states (T, B, H), and the last one."""
    s = _checked(3, x, (h,), (w_ih, w_hh), (b_ih, b_hh), reverse, lengths)
    if s is None:
        return NotImplemented
    H, gates, hs = h.shape[1], s.inputs(), s.states(h)
    y, inner = np.empty((*x.shape[:2], H), h.dtype), np.zeros((*x.shape[:2], H), h.dtype)
    bias = _added(b_ih, None, w_ih)
    if b_hh is not None:  # that of n belongs to the factor of the gate r
        bias = bias + np.concatenate([b_hh[: 2 * H], np.zeros(H, h.dtype)])
        inner[...] = b_hh[2 * H :]
    s.forward("gru", bias, (gates, inner, hs, y))
    return (y, s.last(hs)), (s, gates, inner, hs)


def gru_backward(g: Any, residuals: Any, needs: tuple[bool, ...]) -> Any:
    """Cotangents of x, h, both weights and both biases."""
    s, *kept = residuals
    if not isinstance(s, Sequences):
        return NotImplemented
    (gates, inner, hs), (gy, dh) = kept, _cotangents(g, kept[0])
    wants = needs[0], *needs[2:]

    def pull(run: slice) -> Any:
        of_x, of_h = np.empty_like(gates[run]), np.empty_like(gates[run])
        s.backward("gru_backward", run, (gates, inner, hs, gy), dh, of_x, of_h)
        return s.pulled(run, of_x, of_h, hs, wants)

    dx, *others = s.back(pull)
    return dx, dh, *others


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
) -> Any:
    """All hidden states (T, B, H), and the last one."""
    s = _checked(1, x, (h,), (w_ih, w_hh), (b_ih, b_hh), reverse, lengths) if len(x) > SHORT else None
    if s is None:
        return NotImplemented
    y, hs, relu = s.inputs(), s.states(h), int(nonlinearity == "relu")
    s.forward("rnn", _added(b_ih, b_hh, w_ih), (hs, y), relu)
    return (y, s.last(hs)), (s, hs, relu)


def rnn_backward(g: Any, residuals: Any, needs: tuple[bool, ...]) -> Any:
    """Cotangents of x, h, both weights and both biases."""
    s, *kept = residuals
    if not isinstance(s, Sequences):
        return NotImplemented
    (hs, relu), (gy, dh) = kept, _cotangents(g, kept[0])
    wants = needs[0], needs[2], needs[3], needs[4] or needs[5], False

    def pull(run: slice) -> Any:
        da = np.empty_like(gy[run])
        s.backward("rnn_backward", run, (hs, gy), dh, da, relu)
        return s.pulled(run, da, da, hs, wants)

    dx, dw_ih, dw_hh, db, _ = s.back(pull)
    return dx, dh, dw_ih, dw_hh, db, db
