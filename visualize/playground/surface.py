"""The loss surface around the weights, along the two directions in which they have moved most."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn

from .network import columns
from .training import Training

__all__ = ["surface"]

Array = npt.NDArray[Any]

POINTS = 250
"""How many of the training points are asked, at most: the picture is the same, and comes sooner."""

SIDE = 31
"""For how many points along each direction the loss is computed."""


def surface(run: Training) -> tuple[Array, Array, tuple[float, float, float, float]]:
    """The loss of the training points along two directions, and the path so far.

    The directions are the principal components of the path (Li et al., "Visualizing the loss landscape of
    neural nets", 2018); of a run that has not begun, two random ones.

    Returns:
        Heights (31, 31), row by row from the second direction's upper end; the path (n, 2); and the bounds
        left, right, bottom, top.

    Example:
        >>> from .options import Config
        >>> heights, path, bounds = surface(Training(Config()))
        >>> heights.shape, path.tolist()
        ((31, 31), [[0.0, 0.0]])
    """
    here = nn.utils.parameters_to_vector(run.model.parameters()).numpy().copy()
    walked = np.stack([*run.path, here]).astype(float) - here
    basis = _basis(walked, here)
    path = walked @ basis.T
    path = path[:-1] if len(path) > 1 and np.allclose(path[-2], path[-1]) else path
    left, right, bottom, top = _bounds(path)
    heights = np.empty((SIDE, SIDE))
    X, y = columns(run.config.features, run.data.X[:POINTS]), run.data.y[:POINTS]
    was = run.model.training
    run.model.eval()
    try:
        with ag.no_grad():
            for i, b in enumerate(np.linspace(top, bottom, SIDE)):
                for j, a in enumerate(np.linspace(left, right, SIDE)):
                    moved = here + (a * basis[0] + b * basis[1]).astype(here.dtype)
                    nn.utils.vector_to_parameters(moved, run.model.parameters())
                    heights[i, j] = run.loss(run.model(X), y).item()
    finally:
        nn.utils.vector_to_parameters(here, run.model.parameters())
        run.model.train(was)
    return heights, path, (left, right, bottom, top)


def _basis(walked: Array, here: Array) -> Array:
    """Two directions of length 1, at right angles, as rows."""
    if len(walked) > 3:
        found = np.linalg.svd(walked - walked.mean(axis=0), full_matrices=False)
        if found[1][1] > 1e-9:
            return found[2][:2]
    random = np.random.default_rng(0).normal(size=(len(here), 2))
    return np.linalg.qr(random)[0].T[:2] if len(here) > 1 else np.eye(2, 1)


def _bounds(path: Array) -> tuple[float, float, float, float]:
    """Around the path with a margin, the same length along both directions."""
    low, high = path.min(axis=0), path.max(axis=0)
    middle, half = (low + high) / 2, max(1.0, float((high - low).max()) * 0.65)
    return (
        float(middle[0] - half), float(middle[0] + half), float(middle[1] - half), float(middle[1] + half),
    )  # fmt: skip
