"""Transfer learning: load layers of another model, or pretrain layers one by one.

To freeze a layer, call `layer.requires_grad_(False)`. To freeze its BatchNorm and Dropout too, call
`layer.eval()` after each `model.train()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import ShapeError

from .arrays import as_array
from .layers.linear import Linear
from .losses import MSELoss
from .module import Module
from .optim import Adam, Optimizer
from .options import check_number
from .random import generator
from .training import History, Trainer

__all__ = ["DenoisingAutoencoder", "load_matching", "pretrain"]

Array = npt.NDArray[Any]


def load_matching(model: Module, state_dict: Mapping[str, Any] | Module) -> list[str]:
    """Load the entries of another model's state that fit: same path, same shape, same kind of dtype.

    Args:
        model: the model that gets the values.
        state_dict: the other model, or its state.

    Returns:
        The paths that were loaded; check them.

    Example:
        >>> import nn
        >>> old = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        >>> new = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
        >>> nn.load_matching(new, old)
        ['0.weight', '0.bias']
        >>> _ = new[0].requires_grad_(False)
    """
    given = state_dict.state_dict() if isinstance(state_dict, Module) else state_dict
    own = model.state_dict()
    fits = {
        path: value for path, value in given.items() if path in own and _alike(as_array(value), own[path])
    }
    model.load_state_dict(fits, strict=False)
    return list(fits)


def _alike(a: Array, b: Array) -> bool:
    return a.shape == b.shape and np.can_cast(a.dtype, b.dtype, "same_kind")


class DenoisingAutoencoder(Module):
    """An encoder and a decoder that reconstruct an input from a copy with some entries set to 0.

    Args:
        encoder: a module from inputs to codes.
        decoder: a module from codes to inputs.
        noise: the fraction of the input entries that are set to 0, in training only. 0 gives a plain
            autoencoder.

    Raises:
        OptionError: `noise` is not from 0 to 1.

    Source:
        P. Vincent et al., "Stacked denoising autoencoders", 2010.

    Example:
        >>> import nn, numpy as np
        >>> model = nn.DenoisingAutoencoder(nn.Linear(64, 16), nn.Linear(16, 64), noise=0.3)
        >>> model(np.zeros((5, 64), np.float32)).shape
        (5, 64)
    """

    def __init__(self, encoder: Module, decoder: Module, noise: float = 0.0) -> None:
        check_number("DenoisingAutoencoder", "noise", noise, most=1, example=0.3)
        self.encoder, self.decoder, self.noise = encoder, decoder, noise

    def forward(self, x: Any) -> Any:
        if self.training and self.noise:
            x = x * (ag.drawn(generator.random, x.shape) >= self.noise).astype(x.dtype)
        return self.decoder(self.encoder(x))

    def extra_repr(self) -> str:
        """The noise."""
        return f"noise={self.noise}"


def pretrain(
    layers: Iterable[Module],
    X: npt.ArrayLike | Tensor,
    epochs: int = 10,
    batch_size: int = 32,
    noise: float = 0.0,
    optimizer: Callable[[Any], Optimizer] = Adam,
    verbose: bool = False,
) -> list[History]:
    """Train layers one after another, without labels: each layer learns to encode its inputs.

    Each layer is trained as the encoder of an autoencoder, whose linear decoder is dropped afterwards.
    The layers then form a model that is trained as usual.

    Args:
        layers: the layers in order, e.g. `nn.Sequential(nn.Linear(64, 32), nn.Sigmoid())`; each maps
            (n, features) to (n, features).
        X: inputs of shape (n, features).
        epochs: the number of epochs for each layer.
        batch_size: the number of samples in each step.
        noise: see `DenoisingAutoencoder`.
        optimizer: makes an optimizer, e.g. `lambda params: nn.optim.Adam(params, lr=0.01)`.
        verbose: show the progress of each layer.

    Returns:
        The history of each layer; "loss" is the mean squared error of the reconstruction.

    Raises:
        ShapeError: inputs or codes are not of shape (n, features).

    Source:
        Y. Bengio et al., "Greedy layer-wise training of deep networks", 2007.

    Example:
        >>> import nn
        >>> X, y = nn.datasets.load_digits()
        >>> nn.manual_seed(0)
        >>> layers = [nn.Sequential(nn.Linear(n, m), nn.Sigmoid()) for n, m in [(64, 32), (32, 16)]]
        >>> first, second = nn.pretrain(layers, X, epochs=2, noise=0.2)
        >>> first["loss"][-1] < first["loss"][0]
        True
        >>> model = nn.Sequential(*layers, nn.Linear(16, 10))
    """
    codes, histories = as_array(X), []
    _check_flat(codes)
    for layer in layers:
        dtype = next((p.dtype for p in layer.parameters()), np.dtype(np.float32))
        codes = codes.astype(dtype)
        features = _codes(layer, codes[:1]).shape[1]
        autoencoder = DenoisingAutoencoder(layer, Linear(features, codes.shape[1], dtype=dtype), noise)
        trainer = Trainer(autoencoder, MSELoss(), optimizer(autoencoder.parameters()))
        histories.append(trainer.fit(codes, codes, epochs, batch_size, verbose=verbose))
        codes = _codes(layer, codes)
    return histories


def _codes(layer: Module, X: Array) -> Array:
    """The outputs of a layer in evaluation mode; afterwards the layer is in training mode."""
    with ag.no_grad():
        codes = as_array(layer.eval()(X))
    layer.train()
    _check_flat(codes)
    return codes


def _check_flat(codes: Array) -> None:
    if codes.ndim != 2:
        raise ShapeError(
            f"pretrain: each layer takes and gives arrays of shape (n, features), got {codes.shape}; "
            "flatten them: x.reshape(len(x), -1)"
        )
