"""Recurrent cells: one step of RNN, LSTM and GRU."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.work import multiply_adds

from .. import init
from ..functional.recurrent import gru, lstm, rnn
from ..module import InputError, Module
from ..options import check_whole
from ..parameter import dtype_of
from .recurrent import NAMES, checked_nonlinearity, drawn

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]

Array = npt.NDArray[Any]


class Cell(Module):
    """What the cells share: parameters, and inputs with or without a batch axis."""

    gates: ClassVar[int]
    states: ClassVar[int] = 1
    run: ClassVar[Any]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype = dtype_of(device, dtype)
        check_whole(type(self).__name__, "input_size", input_size)
        check_whole(type(self).__name__, "hidden_size", hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self.options: dict[str, Any] = {}
        weights = dict(drawn(self.gates, input_size, hidden_size, dtype, bias=bias))
        for name in NAMES:
            self.register_parameter(name, weights.get(name))

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def forward(self, input: Tensor | Array, hx: Any = None) -> Any:
        """The next state.

        Args:
            input: of shape (B, I), or (I,).
            hx: the previous state, of shape (B, H) or (H,); for an LSTMCell a pair of them. The default is
                zeros.
        """
        single = input.ndim == 1
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise InputError(
                self,
                f"expects input of shape (B, {self.input_size}) or ({self.input_size},), got {input.shape}",
            )
        shape = (*input.shape[:-1], self.hidden_size)
        if hx is None:
            hx = (np.zeros(shape, input.dtype),) * self.states
        states = [hx] if isinstance(hx, (Tensor, np.ndarray)) else list(hx)
        if len(states) != self.states or any(s.shape != shape for s in states):
            came = ", ".join(str(s.shape) for s in states)
            raise InputError(self, f"expects {self.states} state(s) of shape {shape}, got {came}")
        x, *states = (value[None] for value in (input, *states)) if single else (input, *states)
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        _, *new = type(self).run(x[None], *states, *weights, **self.options)
        new = [s[0] for s in new] if single else new
        return new[0] if self.states == 1 else tuple(new)

    def multiply_adds(self, args: tuple[Any, ...], output: Any) -> int:
        """One for each weight, for each sequence."""
        weights = (*[None] * self.states, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return multiply_adds(type(self).run, output, args[0], *weights)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


RNNCellBase = Cell
"""The name of the base class in PyTorch, for `isinstance`."""


class RNNCell(Cell):
    """One step of an `RNN`.

    Args:
        input_size: the number of features of the input.
        hidden_size: the size of the state.
        bias: add learned biases.
        nonlinearity: "tanh", or "relu" in place of tanh.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Example:
        >>> import numpy as np, nn
        >>> nn.RNNCell(3, 4)(np.zeros((2, 3), np.float32)).shape
        (2, 4)
    """

    gates = 1
    run = staticmethod(rnn)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = checked_nonlinearity("RNNCell", nonlinearity)
        self.options = {"nonlinearity": nonlinearity}


class LSTMCell(Cell):
    """One step of an `LSTM`; returns the hidden and the cell state.

    Args:
        input_size: the number of features of the input.
        hidden_size: the size of the states.
        bias: add learned biases.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Example:
        >>> import numpy as np, nn
        >>> h, c = nn.LSTMCell(3, 4)(np.zeros((2, 3), np.float32))
        >>> h.shape, c.shape
        ((2, 4), (2, 4))
    """

    gates = 4
    states = 2
    run = staticmethod(lstm)


class GRUCell(Cell):
    """One step of a `GRU`.

    Args:
        input_size: the number of features of the input.
        hidden_size: the size of the state.
        bias: add learned biases.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Example:
        >>> import numpy as np, nn
        >>> nn.GRUCell(3, 4)(np.zeros((2, 3), np.float32)).shape
        (2, 4)
    """

    gates = 3
    run = staticmethod(gru)
