"""The network of an estimator that is given none."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from autograd_lite.errors import OptionError

from ..layers.activations import Sigmoid, Tanh
from ..layers.containers import Sequential
from ..layers.dropout import Dropout
from ..layers.linear import Linear
from ..layers.rectifiers import GELU, ReLU
from ..module import Module

__all__ = ["mlp"]

ACTIVATIONS: dict[str, type[Module]] = {"relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid, "gelu": GELU}


def mlp(
    in_features: int,
    out_features: int,
    hidden: Sequence[int] | int = (100,),
    activation: str = "relu",
    dropout: float = 0.0,
) -> Sequential:
    """A multilayer perceptron, without an activation at its end.

    Args:
        in_features: the number of features of a sample.
        out_features: the number of outputs.
        hidden: the number of neurons in each hidden layer; `()` gives a linear model.
        activation: "relu", "tanh", "sigmoid" or "gelu", after each hidden layer.
        dropout: the probability to drop a hidden neuron.

    Raises:
        OptionError: there is no activation of this name.

    Example:
        >>> [type(layer).__name__ for layer in mlp(4, 3, hidden=(10,))]
        ['Linear', 'ReLU', 'Linear']
    """
    if activation not in ACTIVATIONS:
        raise OptionError(
            f"mlp(activation={activation!r}): expected one of {', '.join(map(repr, ACTIVATIONS))}"
        )
    sizes = [in_features, *([hidden] if isinstance(hidden, int) else hidden)]
    layers: list[Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [
            Linear(inputs, outputs),
            ACTIVATIONS[activation](),
            *([Dropout(dropout)] if dropout else []),
        ]
    return Sequential(*layers, Linear(sizes[-1], out_features))
