"""Balls of changes around inputs, one for each norm: what attacks draw from, move along, and stay in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import OptionError

from ..random import generator

__all__ = ["BALLS", "Ball", "Range"]

Array = npt.NDArray[Any]
Range = tuple[float, float] | None

TINY = float(np.finfo(np.float32).tiny)
"""Replaces a length of 0 in divisions."""


class Ball:
    """Changes of a norm of at most eps, for each sample; this one is of norm infinity, a cube.

    Args:
        eps: the radius.
        steps: the number of steps that an attack takes.
        clip: the range of valid inputs.
    """

    def __init__(self, eps: float, steps: int, clip: Range) -> None:
        self.eps, self.steps, self.clip = eps, steps, clip

    def draw(self, shape: tuple[int, ...]) -> Any:
        """A uniformly random change for each sample."""
        return generator.uniform(-self.eps, self.eps, shape)

    def step(self, at: Array, g: Array, size: float) -> Any:
        """From `at`, go as far as `size` in the direction in which a loss of gradient `g` grows fastest."""
        return at + size * np.sign(g)

    def project(self, change: Array) -> Any:
        """The change of the ball that is nearest."""
        return np.clip(change, -self.eps, self.eps)


class Round(Ball):
    """Norm 2."""

    def draw(self, shape: tuple[int, ...]) -> Any:
        """The direction of a normal vector is uniform; the volume within radius r grows as r^d."""
        inputs = math.prod(shape[1:])
        radii = self.eps * generator.random((shape[0], *(1 for _ in shape[1:]))) ** (1 / max(inputs, 1))
        return _normalized(generator.normal(size=shape)) * radii

    def step(self, at: Array, g: Array, size: float) -> Any:
        """Along the gradient."""
        return at + size * _normalized(g)

    def project(self, change: Array) -> Any:
        """The change, shortened."""
        return change * (self.eps / np.maximum(_lengths(change), max(self.eps, TINY)))


class Diamond(Ball):
    """Norm 1.

    The loss grows fastest along the one entry of the largest gradient. Steps along the first percent of the
    entries need fewer gradients (F. Tramèr, D. Boneh, "Adversarial training and robustness for multiple
    perturbations", 2019).
    """

    def draw(self, shape: tuple[int, ...]) -> Any:
        """Exponential variates, divided by the sum of them and of one more, are uniform on a simplex."""
        flat = generator.laplace(size=(shape[0], math.prod(shape[1:])))
        total = np.abs(flat).sum(axis=1) + generator.exponential(size=shape[0])
        return self.eps * (flat / total[:, None]).reshape(shape)

    def step(self, at: Array, g: Array, size: float) -> Any:
        """Along the largest gradients, of the entries that are not at the end of their range."""
        if self.clip is not None:
            g = np.where(np.where(g > 0, at < self.clip[1], at > self.clip[0]), g, 0)
        signs = np.sign(g) * _largest(np.abs(g), max(1, math.prod(g.shape[1:]) // 100))
        count = np.maximum(np.count_nonzero(_rows(signs), axis=1), 1)
        moved = at + size * signs / _per_sample(count, signs.ndim)
        return moved if self.clip is None else np.clip(moved, *self.clip)

    def project(self, change: Array) -> Any:
        """All sizes less by the same threshold, and none below 0.

        Source:
            J. Duchi et al., "Efficient projections onto the l1-ball for learning in high dimensions", 2008.
        """
        sizes = -np.sort(-np.abs(_rows(change)).astype(float), axis=1)
        counts = np.arange(1, sizes.shape[1] + 1)
        thresholds = (sizes.cumsum(axis=1) - self.eps) / counts
        last = np.count_nonzero(sizes >= thresholds, axis=1) - 1
        threshold = np.maximum(np.take_along_axis(thresholds, last[:, None], axis=1)[:, 0], 0)
        return np.sign(change) * np.maximum(np.abs(change) - _per_sample(threshold, change.ndim), 0)


class Few(Ball):
    """Norm 0: at most eps entries change, each as much as its range allows."""

    def __init__(self, eps: float, steps: int, clip: Range) -> None:
        super().__init__(eps, steps, clip)
        if clip is None:
            raise OptionError(
                "pgd(norm=0, clip=None): a changed entry goes to the end of its range; give the range, "
                "e.g. clip=(0, 1)"
            )
        self.low, self.high = clip
        self.left = int(eps)

    def draw(self, shape: tuple[int, ...]) -> Any:
        """No change, so that the steps choose all entries."""
        return np.zeros(shape)

    def step(self, at: Array, g: Array, size: float) -> Any:
        """The entries with the most to gain go to the end of their range; after all steps these are eps."""
        count = math.ceil(self.left / self.steps)
        self.left, self.steps = self.left - count, self.steps - 1
        room = np.where(g > 0, self.high, self.low) - at
        gain = g * room
        return at + np.where(_largest(gain, count) & (gain > 0), room, 0)

    def project(self, change: Array) -> Any:
        """The steps choose no more than eps entries."""
        return change


BALLS: dict[float, type[Ball]] = {0: Few, 1: Diamond, 2: Round, math.inf: Ball}
"""The ball of each norm."""


def _lengths(x: Array) -> Any:
    """The Euclidean norm of each sample, of shape (n, 1, ...)."""
    return np.sqrt(np.sum(x * x, axis=tuple(range(1, x.ndim)), keepdims=True))


def _per_sample(values: Array, ndim: int) -> Any:
    """One number for each sample, of shape (n, 1, ...) with `ndim` axes."""
    return values.reshape(-1, *(1 for _ in range(ndim - 1)))


def _normalized(g: Array) -> Any:
    """Of length 1 for each sample, or 0."""
    # Divide by the largest entry first, so that the squares of tiny gradients do not underflow.
    largest = np.max(np.abs(g), axis=tuple(range(1, g.ndim)), keepdims=True)
    g = g / np.maximum(largest, TINY)
    return g / np.maximum(_lengths(g), 1)


def _rows(x: Array) -> Array:
    return x.reshape(len(x), math.prod(x.shape[1:]))


def _largest(sizes: Array, k: int) -> Array:
    """A mask of the k largest entries of each sample."""
    flat = _rows(sizes)
    first = max(flat.shape[1] - k, 0)
    order = np.argpartition(flat, min(first, flat.shape[1] - 1), axis=1)[:, first:]
    mask = np.zeros(flat.shape, bool)
    np.put_along_axis(mask, order, True, axis=1)
    return mask.reshape(sizes.shape)
