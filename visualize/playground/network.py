"""The network of a config, and its inputs: described once, for the run here and for the exported program."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn

from .options import Config

__all__ = ["WithFeatures", "built", "columns", "layers_of", "linear_layers", "optimizer_options"]

Array = npt.NDArray[Any]

FUNCTIONS: dict[str, Any] = {
    "x1": lambda X: X[:, 0],
    "x2": lambda X: X[:, 1],
    "x1^2": lambda X: X[:, 0] ** 2,
    "x2^2": lambda X: X[:, 1] ** 2,
    "x1x2": lambda X: X[:, 0] * X[:, 1],
    "sin(x1)": lambda X: np.sin(X[:, 0]),
    "sin(x2)": lambda X: np.sin(X[:, 1]),
}


def columns(features: tuple[str, ...], X: Any) -> Any:
    """The inputs of the network at points (n, 2): one column for each feature."""
    return np.stack([FUNCTIONS[name](X) for name in features], axis=1)


def layers_of(config: Config) -> list[tuple[str, tuple[Any, ...]]]:
    """The layers as names of `nn` and arguments.

    >>> layers_of(Config(hidden=(3,)))
    [('Linear', (2, 3)), ('Tanh', ()), ('Linear', (3, 1)), ('Tanh', ())]
    """
    layers: list[tuple[str, tuple[Any, ...]]] = []
    width = len(config.features)
    for neurons in config.hidden:
        layers.append(("Linear", (width, neurons)))
        if config.batchnorm:
            layers.append(("BatchNorm1d", (neurons,)))
        layers.append((config.activation, ()))
        if config.dropout:
            layers.append(("Dropout", (config.dropout,)))
        width = neurons
    layers.append(("Linear", (width, 1)))
    if config.problem == "classification":
        layers.append(("Tanh", ()))
    return layers


def built(config: Config) -> nn.Sequential:
    """The network, with the weights that `nn`'s generator draws."""
    return nn.Sequential(*(getattr(nn, name)(*arguments) for name, arguments in layers_of(config)))


def linear_layers(model: nn.Sequential) -> list[nn.Linear]:
    """The layers whose weights are drawn as lines."""
    return [layer for layer in model if isinstance(layer, nn.Linear)]


def outputs_by_layer(model: nn.Sequential, inputs: Array) -> list[Array]:
    """What each hidden layer and the output layer gives, activated: arrays (n, neurons).

    The model is to be in evaluation mode, in which dropout passes everything on.
    """
    groups: list[Array] = []
    x: Any = inputs
    with ag.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear) and x is not inputs:
                groups.append(x.numpy())
            x = layer(x)
    return [*groups, x.numpy()]


def optimizer_options(config: Config) -> dict[str, Any]:
    """What the optimizer is made with, besides the parameters."""
    options: dict[str, Any] = {"lr": config.rate}
    if config.momentum and config.optimizer in ("SGD", "RMSprop"):
        options["momentum"] = config.momentum
    return options


class WithFeatures(nn.Module):
    """The network as a function of the points themselves."""

    def __init__(self, features: tuple[str, ...], model: nn.Module) -> None:
        super().__init__()
        self.features, self.model = features, model

    def forward(self, X: Any) -> Any:
        return self.model(columns(self.features, X))
