"""An adversarial step: a point moved a little, to where the loss grows fastest."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag
import nn

from .network import WithFeatures
from .options import SIDE
from .training import Training

__all__ = ["attacked"]


def attacked(run: Training, x1: float, x2: float, target: float, eps: float) -> dict[str, Any]:
    """Move a point by `eps` along the sign of the gradient (`nn.robust.fgsm`), inside of the square.

    Returns:
        The points `from` and `to`, and at both the output and the loss.

    Example:
        >>> from .options import Config
        >>> found = attacked(Training(Config()), 1.0, 1.0, 1.0, eps=0.5)
        >>> found["losses"][1] > found["losses"][0], len(found["to"])
        (True, 2)
    """
    whole = WithFeatures(run.config.features, run.model)
    X, y = np.array([[x1, x2]], np.float32), np.array([[target]], np.float32)
    moved = nn.robust.fgsm(whole, X, y, eps, loss=nn.functional.mse_loss, clip=(-SIDE, SIDE))
    was = run.model.training
    run.model.eval()
    with ag.no_grad():
        outputs = whole(np.concatenate([X, moved])).numpy().ravel()
    run.model.train(was)
    losses = np.square(outputs - target) / 2
    return {
        "from": X[0].tolist(),
        "to": moved[0].tolist(),
        "outputs": outputs.tolist(),
        "losses": losses.tolist(),
    }
