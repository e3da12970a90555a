"""Keras' two ways to construct a model: a stack of layers, or layers called on symbols."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import wraps
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import OptionError

from ..layers.containers import ModuleList
from ..module import Module
from ..training import Trainer
from . import training
from .layers import ACTIVATIONS, Layer, chosen
from .symbols import Input, Symbol

__all__ = ["History", "Model", "Sequential"]

Array = npt.NDArray[Any]


class History:
    """What `fit` returns; `history` holds one number for each epoch of "loss" and each metric."""

    def __init__(self, history: dict[str, list[float]]) -> None:
        self.history = {name: list(values) for name, values in history.items()}
        self.epoch = list(range(len(self.history["loss"])))


class _Scores(Module):
    """The outputs of a model before the activation of its last layer, which losses take."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def forward(self, x: Any) -> Any:
        return self.model.scores(x)


class Model(Module):
    """The layers between an input and an output, which were called on symbols.

    Args:
        inputs: the symbol of the input.
        outputs: the symbol of the output.

    Raises:
        OptionError: the output does not come from the input.

    Source:
        F. Chollet, "Deep learning with Python", 2017.

    Example:
        >>> import numpy as np, nn
        >>> from nn import keras
        >>> nn.manual_seed(0)
        >>> x = keras.Input(shape=(2,))
        >>> h = keras.layers.Dense(16, activation="tanh")(x)
        >>> model = keras.Model(inputs=x, outputs=keras.layers.Dense(2, activation="softmax")(h))
        >>> model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", ["accuracy"])
        >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0])
        >>> history = model.fit(X, y, batch_size=4, epochs=100, verbose=0)
        >>> history.history["accuracy"][-1], model.predict(X).argmax(axis=1).tolist()
        (1.0, [0, 1, 1, 0])
    """

    def __init__(self, inputs: Symbol, outputs: Symbol) -> None:
        self._steps: list[Symbol] = []
        self.layers: Any = ModuleList()
        self._trainer: Trainer | None = None
        self._built(inputs, outputs)

    def _built(self, inputs: Symbol, outputs: Symbol) -> None:
        """Keep the steps from one to the other, in an order in which they can be run."""
        steps: dict[int, Symbol] = {}

        def visit(symbol: Symbol) -> None:
            if symbol is inputs or id(symbol) in steps:
                return
            if symbol.layer is None:
                raise OptionError("Model: outputs needs an input that is not `inputs`; give that symbol")
            for one in symbol.inputs:
                visit(one)
            steps[id(symbol)] = symbol

        visit(outputs)
        self._input, self._steps = inputs, list(steps.values())
        self.layers = ModuleList(list(dict.fromkeys(step.layer for step in self._steps)))
        kinds: dict[str, int] = {}
        for layer in self.layers:  # dense, dense_1, ...
            number = kinds[layer.base] = kinds.get(layer.base, -1) + 1
            layer.name = f"{layer.base}_{number}" if number else layer.base

    def _values(self, x: Any, last: bool) -> Any:
        values = {id(self._input): x}
        for step in self._steps:
            inputs = [values[id(one)] for one in step.inputs]
            call = step.layer if last or step is not self._steps[-1] else step.layer.compute
            values[id(step)] = call(inputs if len(inputs) > 1 else inputs[0])
        return values[id(self._steps[-1])]

    def forward(self, x: Any) -> Any:
        """The outputs."""
        return self._values(x, last=True)

    def scores(self, x: Any) -> Any:
        """The outputs before the activation of the last layer."""
        return self._values(x, last=False)

    # -- training ----------------------------------------------------------------------------------

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Iterable[Any] = ()) -> None:
        """Say how to train.

        Args:
            optimizer: "sgd", "adam", "rmsprop", or one of `keras.optimizers`.
            loss: "sparse_categorical_crossentropy" (classes), "categorical_crossentropy" (rows of 0 and 1),
                "binary_crossentropy", "mse" or "mae". A cross-entropy is computed from the scores before
                the last layer's softmax or sigmoid, without loss of digits.
            metrics: "accuracy", "mse", "mae".

        Raises:
            OptionError: a name is unknown, or the last layer has not the activation that the loss needs.
        """
        make = optimizer
        if isinstance(optimizer, str):
            make = chosen("compile", "optimizer", optimizer, training.OPTIMIZERS)
        needs, function = chosen("compile", "loss", loss, training.LOSSES)
        last = self._steps[-1].layer.activation
        if needs is not None and last != needs:
            raise OptionError(
                f"compile(loss={loss!r}): the last layer has the activation {last!r}, and this loss "
                f"takes probabilities; write Dense(..., activation={needs!r})"
            )
        module = _Scores(self) if needs else self
        self._final = ACTIVATIONS[last if needs else "linear"]
        measures = [self._metric(name) for name in metrics]
        self._trainer = Trainer(module, function, make(list(self.parameters())), measures)

    def _metric(self, name: Any) -> Any:
        """A metric of the model's outputs, which the trainer has before the last activation."""
        metric = chosen("compile", "metrics", name, training.METRICS) if isinstance(name, str) else name
        final = self._final

        @wraps(metric)
        def measured(output: Array, target: Array) -> float:
            return float(metric(np.asarray(final(output)), target))

        return measured

    def _ready(self, method: str) -> Trainer:
        if self._trainer is None:
            raise OptionError(f"{method}: call model.compile(optimizer, loss) first")
        return self._trainer

    def fit(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        batch_size: int = 32,
        epochs: int = 1,
        verbose: int = 1,
        callbacks: Sequence[Any] = (),
        validation_split: float = 0.0,
        validation_data: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        shuffle: bool = True,
    ) -> History:
        """Train for so many epochs more.

        Args:
            x, y: inputs (n, ...) and targets (n, ...).
            batch_size: samples in a batch.
            epochs: passes through the data.
            verbose: 0 says nothing.
            callbacks: those of `nn`.
            validation_split: the fraction at the end that is held out.
            validation_data: what is evaluated after each epoch.
            shuffle: whether each epoch has its own order.

        Raises:
            OptionError: the model is not compiled.
        """
        old = self._ready("fit")
        trainer = Trainer(old.model, old.loss, old.optimizer, old.metrics.values(), callbacks)
        data = x, y, epochs, batch_size, validation_data, shuffle, bool(verbose)
        return History(trainer.fit(*data, validation_split=validation_split))

    def evaluate(self, x: npt.ArrayLike, y: npt.ArrayLike, verbose: int = 0) -> float | list[float]:
        """The loss, or a list of the loss and each metric."""
        found = list(self._ready("evaluate").evaluate(x, y).values())
        return found if len(found) > 1 else found[0]

    def predict(self, x: npt.ArrayLike, batch_size: int = 256, verbose: int = 0) -> Array:
        """The outputs for all inputs."""
        return np.asarray(self._final(self._ready("predict").predict(x, batch_size)))

    # -- weights -----------------------------------------------------------------------------------

    def get_weights(self) -> list[Array]:
        """Of all layers, in Keras' layout."""
        return [weight for layer in self.layers for weight in layer.get_weights()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Take what `get_weights` gives."""
        rest = list(weights)
        for layer in self.layers:
            n = len(layer.get_weights())
            layer.set_weights(rest[:n]) if n else None
            rest = rest[n:]

    def count_params(self) -> int:
        """How many numbers there are in all weights, running means included."""
        return sum(weight.size for weight in self.get_weights())

    def get_layer(self, name: str) -> Layer:
        """The layer of this name.

        Raises:
            OptionError: there is none.
        """
        layer: Layer = chosen("get_layer", "name", name, {one.name: one for one in self.layers})
        return layer

    def summary(self) -> None:
        """Print each layer's name, class, output shape, and number of weights."""
        rows = [("layer (class)", "output shape", "weights")]
        for step in self._steps:
            layer = step.layer
            n = sum(weight.size for weight in layer.get_weights())
            rows.append((f"{layer.name} ({type(layer).__name__})", f"{(None, *step.shape)}", f"{n:,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for name, shape, n in rows:
            print(f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {n:>{widths[2]}}")
        print(f"weights in all: {self.count_params():,}")


class Sequential(Model):
    """A stack of layers, of which the first says the shape of its input.

    Args:
        layers: what is stacked; `add` puts more on top.

    Raises:
        OptionError: the first layer has no `input_shape`.

    Example:
        >>> from nn import keras
        >>> model = keras.Sequential()
        >>> model.add(keras.layers.Dense(300, activation="relu", input_shape=(784,)))
        >>> model.add(keras.layers.Dense(10, activation="softmax"))
        >>> model.summary()
        layer (class)    output shape  weights
        dense (Dense)    (None, 300)   235,500
        dense_1 (Dense)  (None, 10)      3,010
        weights in all: 238,510
    """

    def __init__(self, layers: Iterable[Layer | Symbol] = ()) -> None:
        self._stack: list[Layer] = []
        self._top: Symbol | None = None
        self.layers: Any = ModuleList()
        self._trainer = None
        for layer in layers:
            self.add(layer)

    def add(self, layer: Layer | Symbol) -> None:
        """Put a layer on top, or say the input first.

        Raises:
            OptionError: the first layer has no `input_shape`.
        """
        if isinstance(layer, Symbol):
            self._input = self._top = layer
            return
        if self._top is None:
            if layer.input_shape is None:
                raise OptionError(
                    f"Sequential: the first layer {layer.name} needs the shape of a sample; write "
                    f"{type(layer).__name__}(..., input_shape=(784,))"
                )
            self._input = self._top = Input(layer.input_shape)
        self._top = layer(self._top)
        assert self._top is not None
        self._built(self._input, self._top)
