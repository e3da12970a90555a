"""The layers that Keras' listings use: made before their input is known, and built when it is.

Images are channels-last, (batch, height, width, channels), as in Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import OptionError, ShapeError

from .. import functional, init
from ..layers import conv, dropout, linear, normalization
from ..module import Module
from .symbols import Input, Symbol

__all__ = [
    "Activation",
    "AveragePooling2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "Input",
    "Layer",
    "MaxPooling2D",
]

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
Function = Callable[[Any], Any]

ACTIVATIONS: dict[str, Function] = {
    "linear": lambda x: x,
    "relu": functional.relu,
    "sigmoid": functional.sigmoid,
    "softmax": lambda x: functional.softmax(x, dim=-1),
    "tanh": functional.tanh,
    "elu": functional.elu,
    "selu": functional.selu,
    "softplus": functional.softplus,
}
INITIALIZERS: dict[str, Callable[[Any], Any]] = {
    "glorot_uniform": init.xavier_uniform_,
    "glorot_normal": init.xavier_normal_,
    "he_uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="relu"),
    "he_normal": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
    "lecun_normal": init.lecun_normal_,
    "zeros": init.zeros_,
}


def chosen(who: str, option: str, name: str, table: dict[str, Any]) -> Any:
    """The entry of a table, or an error that names all of them."""
    if name not in table:
        raise OptionError(f"{who}({option}={name!r}): expected one of {', '.join(map(repr, table))}")
    return table[name]


def channels_first(function: Function, x: Any) -> Any:
    """What a function of channels-first images gives for channels-last ones."""
    return np.moveaxis(function(np.moveaxis(x, -1, 1)), 1, -1)


class Layer(Module):
    """A layer that is built at its first call, when the shape of its input is known.

    Args:
        input_shape: the shape of one sample, for the first layer of a `Sequential`.
        name: the name in `summary`; by default the class in lower case.
    """

    kernel_axes: ClassVar[Shape] = ()
    """How the axes of our weight stand in Keras' kernel."""

    def __init__(self, input_shape: Sequence[int] | None = None, name: str | None = None) -> None:
        self.input_shape = None if input_shape is None else tuple(input_shape)
        self.base = self.name = name or type(self).__name__.lower()
        self.inner: Any = None
        self.activation = "linear"

    def build(self, shape: Shape) -> None:
        """Make what is learned, for samples of this shape."""

    def output_shape(self, *shapes: Shape) -> Shape:
        """Of one sample, for inputs of these shapes."""
        return shapes[0]

    def compute(self, x: Any) -> Any:
        """The output before the activation function."""
        return x

    def forward(self, x: Any) -> Any:
        return ACTIVATIONS[self.activation](self.compute(x))

    def __call__(self, x: Any) -> Any:
        """Of a symbol (or a list of symbols) a symbol, of numbers numbers."""
        symbols = x if isinstance(x, (list, tuple)) else [x]
        if all(isinstance(one, Symbol) for one in symbols):
            if self.inner is None:
                self.build(symbols[0].shape)
            return Symbol(self.output_shape(*(one.shape for one in symbols)), self, tuple(symbols))
        return super().__call__(x)

    def get_weights(self) -> list[Array]:
        """Copies of what is learned, in Keras' layout: kernels (in, out) or (height, width, in, out)."""
        if self.inner is None:
            return []
        return [
            value.transpose(self.kernel_axes).copy() if value.ndim > 1 else value
            for value in self.inner.state_dict().values()
            if np.ndim(value)
        ]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Take arrays in the layout of `get_weights`."""
        mine = self.get_weights()
        shapes, wanted = [np.shape(w) for w in weights], [w.shape for w in mine]
        if self.inner is None or shapes != wanted:
            raise ShapeError(f"{self.name}.set_weights: got shapes {shapes}, expected {wanted}")
        state = self.inner.state_dict()
        back = np.argsort(self.kernel_axes)
        names = [name for name, value in state.items() if np.ndim(value)]
        for name, weight in zip(names, map(np.asarray, weights), strict=True):
            state[name] = weight.transpose(back) if weight.ndim > 1 else weight
        self.inner.load_state_dict(state)


class _Weighted(Layer):
    """A layer with a kernel, a bias and an activation function."""

    def __init__(
        self,
        activation: str | None,
        use_bias: bool,
        kernel_initializer: str,
        input_shape: Sequence[int] | None,
        name: str | None,
    ) -> None:
        super().__init__(input_shape, name)
        self.activation, self.use_bias = activation or "linear", use_bias
        who = type(self).__name__
        chosen(who, "activation", self.activation, ACTIVATIONS)
        self.initialize = chosen(who, "kernel_initializer", kernel_initializer, INITIALIZERS)

    def _made(self, inner: Any) -> None:
        self.initialize(inner.weight)
        if self.use_bias:
            init.zeros_(inner.bias)
        self.inner = inner


class Dense(_Weighted):
    """activation(x @ kernel + bias), for x of shape (..., features).

    Args:
        units: the number of outputs.
        activation: "linear" (also None), "relu", "sigmoid", "softmax", "tanh", "elu", "selu", or "softplus".
        use_bias: whether a bias is added.
        kernel_initializer: "glorot_uniform", "he_normal", "lecun_normal", ...
        input_shape: the shape of one sample, for the first layer of a `Sequential`.
        name: the name in `summary`.

    Raises:
        OptionError: there is no activation or initializer of this name.

    Example:
        >>> from nn import keras
        >>> layer = keras.layers.Dense(3, activation="relu", name="hidden")
        >>> layer(keras.Input(shape=(2,))), [w.shape for w in layer.get_weights()]
        (<Symbol (None, 3) of hidden>, [(2, 3), (3,)])
    """

    kernel_axes = (1, 0)

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: str = "glorot_uniform",
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(activation, use_bias, kernel_initializer, input_shape, name)
        self.units = units

    def build(self, shape: Shape) -> None:
        self._made(linear.Linear(shape[-1], self.units, bias=self.use_bias))

    def output_shape(self, *shapes: Shape) -> Shape:
        return (*shapes[0][:-1], self.units)

    def compute(self, x: Any) -> Any:
        return self.inner(x)


class Conv2D(_Weighted):
    """A convolution of channels-last images (batch, height, width, channels).

    Args:
        filters: the number of output channels.
        kernel_size: height and width, or one number for both.
        strides: the distance between windows.
        padding: "valid" for none, "same" for outputs as large as the inputs (at strides of 1).
        activation: as for `Dense`.
        use_bias: whether a bias is added.
        kernel_initializer: as for `Dense`.
        input_shape: the shape of one sample, for the first layer of a `Sequential`.
        name: the name in `summary`.

    Raises:
        OptionError: there is no activation or initializer of this name.

    Example:
        >>> from nn import keras
        >>> keras.layers.Conv2D(8, 3, padding="same")(keras.Input(shape=(28, 28, 1)))
        <Symbol (None, 28, 28, 8) of conv2d>
    """

    kernel_axes = (2, 3, 1, 0)

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: int = 1,
        padding: str = "valid",
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: str = "glorot_uniform",
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(activation, use_bias, kernel_initializer, input_shape, name)
        self.filters, self.kernel_size, self.strides, self.padding = filters, kernel_size, strides, padding

    def build(self, shape: Shape) -> None:
        options: dict[str, Any] = {"padding": self.padding, "bias": self.use_bias}
        self._made(conv.Conv2d(shape[-1], self.filters, self.kernel_size, self.strides, **options))

    def output_shape(self, *shapes: Shape) -> Shape:
        size = self.kernel_size if isinstance(self.kernel_size, (tuple, list)) else (self.kernel_size,) * 2
        less = size if self.padding == "valid" else (1, 1)
        sides = ((n - k) // self.strides + 1 for n, k in zip(shapes[0], less, strict=False))
        return (*sides, self.filters)

    def compute(self, x: Any) -> Any:
        return channels_first(self.inner, x)


class _Pooling(Layer):
    """Of windows that do not overlap."""

    pool: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        pool_size: int = 2,
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(input_shape, name)
        self.pool_size = pool_size

    def output_shape(self, *shapes: Shape) -> Shape:
        height, width, channels = shapes[0]
        return height // self.pool_size, width // self.pool_size, channels

    def compute(self, x: Any) -> Any:
        return channels_first(lambda x: type(self).pool(x, self.pool_size), x)


class MaxPooling2D(_Pooling):
    """The largest value of each window of a channels-last image; `pool_size` is its side and stride."""

    pool = staticmethod(functional.max_pool2d)


class AveragePooling2D(_Pooling):
    """The mean of each window of a channels-last image; `pool_size` is its side and stride."""

    pool = staticmethod(functional.avg_pool2d)


class Flatten(Layer):
    """Each sample as one row."""

    def output_shape(self, *shapes: Shape) -> Shape:
        return (int(np.prod(shapes[0])),)

    def compute(self, x: Any) -> Any:
        return x.reshape(len(x), -1)


class Activation(Layer):
    """An activation function as a layer of its own.

    Args:
        activation: its name, as for `Dense`.
        name: the name in `summary`.

    Raises:
        OptionError: there is no activation of this name.
    """

    def __init__(self, activation: str, name: str | None = None) -> None:
        super().__init__(name=name)
        chosen("Activation", "activation", activation, ACTIVATIONS)
        self.activation = activation


class Dropout(Layer):
    """Sets inputs to 0 with probability `rate` in training, and scales the others by 1 / (1 - rate)."""

    def __init__(self, rate: float, name: str | None = None) -> None:
        super().__init__(name=name)
        self.inner = dropout.Dropout(rate)

    def compute(self, x: Any) -> Any:
        return self.inner(x)


class BatchNormalization(Layer):
    """Normalizes the last axis to mean 0 and variance 1 over the batch, with Keras' momentum and epsilon."""

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, name: str | None = None) -> None:
        super().__init__(name=name)
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, shape: Shape) -> None:
        kind = normalization.BatchNorm2d if len(shape) == 3 else normalization.BatchNorm1d
        self.inner = kind(shape[-1], self.epsilon, 1 - self.momentum)

    def compute(self, x: Any) -> Any:
        return channels_first(self.inner, x)


class Concatenate(Layer):
    """Joins a list of inputs along their last axis."""

    def output_shape(self, *shapes: Shape) -> Shape:
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))

    def compute(self, x: Any) -> Any:
        return np.concatenate(x, axis=-1)
