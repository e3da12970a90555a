"""Recurrent layers: RNN, LSTM and GRU over sequences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import OptionError
from autograd_lite.work import multiply_adds

from .. import init
from ..arrays import as_array
from ..functional.dropout import dropout
from ..functional.recurrent import gru, lstm, projected_lstm, rnn
from ..module import InputError, Module, Parameter
from ..options import check_number, check_whole
from ..parameter import dtype_of
from ..utils.rnn import PackedSequence, pack, pad_packed_sequence

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]

Array = npt.NDArray[Any]

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
"""The parameters of one layer in one direction, without that of a projection."""


class Recurrent(Module):
    """What RNN, LSTM and GRU share: several layers, both directions, batches and lengths."""

    gates: ClassVar[int]
    states: ClassVar[int] = 1  # 2 for an LSTM
    run: ClassVar[Any]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
        *,
        proj_size: int = 0,
    ) -> None:
        dtype = dtype_of(device, dtype)
        check_whole(type(self).__name__, "input_size", input_size)
        check_whole(type(self).__name__, "hidden_size", hidden_size)
        check_whole(type(self).__name__, "num_layers", num_layers)
        check_number(type(self).__name__, "dropout", dropout, most=1, example=0.2)
        if proj_size and self.states == 1:
            raise OptionError(f"{type(self).__name__}(proj_size={proj_size}): only nn.LSTM has projections")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self.options: dict[str, Any] = {}
        for layer in range(num_layers):
            width = input_size if layer == 0 else self.output_size * self.directions
            for direction in range(self.directions):
                for name, weight in drawn(self.gates, width, hidden_size, dtype, bias, proj_size):
                    self.register_parameter(f"{name}{_suffix(layer, direction)}", weight)

    @property
    def directions(self) -> int:
        """The number of directions: 2 if the layer is bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """The size of the hidden state."""
        return self.proj_size or self.hidden_size

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing: only a GPU needs the parameters side by side."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[weight for weight in weights if weight is not None] for weights in self._each()]

    def _each(self) -> list[tuple[Any, ...]]:
        """The parameters of each layer and direction, with None for those that are left out."""
        return [self._weights(i, j) for i in range(self.num_layers) for j in range(self.directions)]

    def _weights(self, layer: int, direction: int) -> tuple[Any, ...]:
        names = (*NAMES, "weight_hr") if self.proj_size else NAMES
        return tuple(getattr(self, f"{name}{_suffix(layer, direction)}", None) for name in names)

    if TYPE_CHECKING:  # several outputs

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def forward(
        self,
        input: Tensor | Array | PackedSequence,
        hx: Any = None,
        lengths: npt.ArrayLike | None = None,
    ) -> tuple[Any, Any]:
        """All hidden states of the last layer, and the last states of all layers.

        Args:
            input: of shape (T, B, I), with `batch_first` (B, T, I), or (T, I); or a PackedSequence.
            hx: the initial states, of shape (layers * directions, B, H); for an LSTM a pair of them. The
                default is zeros.
            lengths: the length of each sequence of the batch. Later entries are not read.

        Returns:
            The output (T, B, directions * H), which is 0 after the end of a sequence. A PackedSequence has a
            packed output. Then the last states in the shape of `hx`, each from the end of its sequence.
        """
        if isinstance(input, PackedSequence):
            padded, each = pad_packed_sequence(input, self.batch_first)
            output, last = self.forward(padded, hx, each)
            steps_first = np.swapaxes(output, 0, 1) if self.batch_first else output
            return pack(steps_first, each.numpy(), input.sorted_indices), last
        single = input.ndim == 2
        if input.ndim not in (2, 3) or input.shape[-1] != self.input_size:
            shape = "(B, T, {0}) or (T, {0})" if self.batch_first else "(T, B, {0}) or (T, {0})"
            repair = _repair(type(self).__name__, input.shape, self.input_size)
            raise InputError(
                self, f"expects input of shape {shape.format(self.input_size)}, got {input.shape}{repair}"
            )
        x: Any = input[:, None] if single else np.swapaxes(input, 0, 1) if self.batch_first else input
        T, B = x.shape[:2]
        first = self._first_states(hx, B, x.dtype, single)
        ends = self._checked_lengths(lengths, B, T)
        lasts: list[tuple[Any, ...]] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(self.directions):
                state = [s[layer * self.directions + direction] for s in first]
                weights = self._weights(layer, direction)
                out, *last = self._run()(
                    x, *state, *weights, reverse=direction == 1, lengths=ends, **self.options
                )
                outputs.append(out)
                lasts.append(tuple(last))
            x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
            if self.dropout and self.training and layer < self.num_layers - 1:
                x = dropout(x, self.dropout, True)
        ended = [np.stack(each)[:, 0] if single else np.stack(each) for each in zip(*lasts, strict=True)]
        output = x[:, 0] if single else np.swapaxes(x, 0, 1) if self.batch_first else x
        return output, ended[0] if self.states == 1 else tuple(ended)

    def _run(self) -> Any:
        """The function that runs one layer in one direction."""
        return projected_lstm if self.proj_size else type(self).run

    def _first_states(self, hx: Any, B: int, dtype: Any, single: bool) -> list[Any]:
        sizes = (self.output_size, self.hidden_size)[: self.states]
        shapes = [(self.num_layers * self.directions, B, size) for size in sizes]
        if hx is None:
            return [np.zeros(shape, dtype) for shape in shapes]
        states = [hx] if self.states == 1 else list(hx)
        states = [s[:, None] if single and s.ndim == 2 else s for s in states]
        if [s.shape for s in states] != shapes:
            came, wanted = (", ".join(map(str, each)) for each in ([s.shape for s in states], shapes))
            raise InputError(self, f"expects {self.states} first state(s) of shape {wanted}, got {came}")
        return states

    def _checked_lengths(self, lengths: npt.ArrayLike | None, B: int, T: int) -> Array | None:
        if lengths is None:
            return None
        ends = as_array(lengths)
        if ends.shape != (B,) or ends.dtype.kind not in "iu" or ((ends < 0) | (ends > T)).any():
            raise InputError(
                self,
                f"expects lengths as {B} integers from 0 to {T}, one for each sequence, got {ends.tolist()}",
            )
        return ends

    def multiply_adds(self, args: tuple[Any, ...], output: Any) -> int:
        """One for each weight, at each step of each sequence."""
        states = [None] * self.states
        each = self._each()
        plain = sum(multiply_adds(type(self).run, output, args[0], *states, *w[:4]) for w in each)
        steps = math.prod(args[0].shape[:-1])
        return int(plain + steps * sum(weight.size for w in each for weight in w[4:]))

    def extra_repr(self) -> str:
        """The sizes, and the options that differ from their defaults."""
        options = {
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
            "proj_size": 0,
        }
        said = [f"{k}={getattr(self, k)}" for k, usual in options.items() if getattr(self, k) != usual]
        return ", ".join([str(self.input_size), str(self.hidden_size), *said])


RNNBase = Recurrent
"""The name of the base class in PyTorch, for `isinstance`."""


def _suffix(layer: int, direction: int) -> str:
    return f"_l{layer}" + ("_reverse" if direction else "")


def drawn(
    gates: int, width: int, hidden: int, dtype: npt.DTypeLike, bias: bool, projection: int = 0
) -> Iterator[tuple[str, Parameter]]:
    """The parameters of one layer in one direction, by name, drawn from U(-b, b) with b = 1 / sqrt(H)."""
    rows, bound = gates * hidden, 1 / math.sqrt(hidden)
    shapes: dict[str, tuple[int, ...]] = {
        "weight_ih": (rows, width),
        "weight_hh": (rows, projection or hidden),
    }
    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
    shapes |= {"weight_hr": (projection, hidden)} if projection else {}
    for name, shape in shapes.items():
        yield name, init.uniform_(Parameter(np.empty(shape, dtype)), -bound, bound)


def checked_nonlinearity(layer: str, nonlinearity: str) -> str:
    """The nonlinearity, which must be "tanh" or "relu"."""
    if nonlinearity not in ("tanh", "relu"):
        raise OptionError(f'{layer}(nonlinearity={nonlinearity!r}): expected "tanh" or "relu"')
    return nonlinearity


def _repair(layer: str, shape: tuple[int, ...], features: int) -> str:
    """The repair for an input whose last axis is not that of the features."""
    if len(shape) in (1, 2) and features == 1:
        return "; sequences of numbers get an axis of features: x[..., None]"
    if len(shape) not in (2, 3):
        return ""
    if shape[-2] == features:
        return "; the features stand last: np.swapaxes(x, -1, -2)"
    return f"; make the layer fit the input: {layer}({shape[-1]}, ...)"


# -- the layers ------------------------------------------------------------------------------------


class RNN(Recurrent):
    """h_t = tanh(W x_t + b + U h_{t-1} + b'), over sequences.

    Args:
        input_size: the number of features of each x_t.
        hidden_size: the size of h.
        num_layers: the number of recurrent layers; each reads the states of the layer before.
        nonlinearity: "tanh", or "relu" in place of tanh.
        bias: add learned biases b and b'.
        batch_first: take input and give output of shape (B, T, features), not (T, B, features).
        dropout: the probability with which an entry between two layers is dropped, in training.
        bidirectional: read the sequence in both directions, and join the states of both.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Example:
        >>> import numpy as np, nn
        >>> output, h = nn.RNN(3, 4, num_layers=2)(np.zeros((5, 2, 3), np.float32))
        >>> output.shape, h.shape
        ((5, 2, 4), (2, 2, 4))
    """

    gates = 1
    run = staticmethod(rnn)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        )
        self.nonlinearity = checked_nonlinearity("RNN", nonlinearity)
        self.options = {"nonlinearity": nonlinearity}


class LSTM(Recurrent):
    """Long short-term memory, over sequences: c_t = f c_{t-1} + i g, h_t = o tanh(c_t).

    i, f, o = sigmoid(W x_t + b + U h_{t-1} + b') and g = tanh(W x_t + b + U h_{t-1} + b'). Their order in the
    weights is i, f, g, o.

    Args:
        input_size: the number of features of each x_t.
        hidden_size: the size of h and c.
        num_layers: the number of recurrent layers; each reads the states of the layer before.
        bias: add learned biases b and b'.
        batch_first: take input and give output of shape (B, T, features), not (T, B, features).
        dropout: the probability with which an entry between two layers is dropped, in training.
        bidirectional: read the sequence in both directions, and join the states of both.
        proj_size: the size of h after a learned projection W_hr o tanh(c); 0 for none. It must be below
            `hidden_size`.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Source:
        S. Hochreiter, J. Schmidhuber, "Long short-term memory", 1997; F. Gers et al., "Learning to
        forget", 2000.

    Example:
        >>> import numpy as np, nn
        >>> lstm = nn.LSTM(3, 4, batch_first=True)
        >>> output, (h, c) = lstm(np.zeros((2, 5, 3), np.float32), lengths=[5, 3])
        >>> output.shape, h.shape, c.shape
        ((2, 5, 4), (1, 2, 4), (1, 2, 4))
    """

    gates = 4
    states = 2
    run = staticmethod(lstm)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        check_whole("LSTM", "proj_size", proj_size, least=0)
        if proj_size >= hidden_size > 0:
            raise OptionError(
                f"LSTM(hidden_size={hidden_size}, proj_size={proj_size}): expected a shorter projection "
                "than the hidden state; proj_size=0 leaves the projection out"
            )
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype,
            proj_size=proj_size,
        )  # fmt: skip


class GRU(Recurrent):
    """Gated recurrent units, over sequences: h_t = (1 - z) n + z h_{t-1}.

    r, z = sigmoid(W x_t + b + U h_{t-1} + b') and n = tanh(W x_t + b + r (U h_{t-1} + b')). Their order in
    the weights is r, z, n.

    Args:
        input_size: the number of features of each x_t.
        hidden_size: the size of h.
        num_layers: the number of recurrent layers; each reads the states of the layer before.
        bias: add learned biases b and b'.
        batch_first: take input and give output of shape (B, T, features), not (T, B, features).
        dropout: the probability with which an entry between two layers is dropped, in training.
        bidirectional: read the sequence in both directions, and join the states of both.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Source:
        K. Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.

    Example:
        >>> import numpy as np, nn
        >>> output, h = nn.GRU(3, 4, bidirectional=True)(np.zeros((5, 2, 3), np.float32))
        >>> output.shape, h.shape
        ((5, 2, 8), (2, 2, 4))
    """

    gates = 3
    run = staticmethod(gru)
