"""The data sets: each a function of a generator, a count and the noise.

An exported program holds the source of its data set, so a function uses nothing but NumPy.
Points lie in the square from -6 to 6. Classes are -1 and 1; targets of a regression lie from -1 to 1.
The shapes are those of TensorFlow Playground (D. Smilkov, S. Carter, 2016).

>>> X, y = circle(np.random.default_rng(0), 4, 0.0)
>>> X.shape, y.tolist()
((4, 2), [1.0, 1.0, -1.0, -1.0])
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["DATASETS", "circle", "gauss", "own", "plane", "several_gauss", "spiral", "xor"]

Array = npt.NDArray[Any]


def circle(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    """A disc of one class inside a ring of the other."""
    inner = np.arange(n) < n // 2
    radius = np.where(inner, rng.uniform(0, 2.5, n), rng.uniform(3.5, 5, n))
    angle = rng.uniform(0, 2 * np.pi, n)
    X = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    seen = X + noise * rng.uniform(-5, 5, (n, 2))
    return X, np.where(np.hypot(seen[:, 0], seen[:, 1]) < 2.5, 1.0, -1.0)


def xor(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    """Exclusive or: the class is 1 where both coordinates have the same sign."""
    X = rng.uniform(-5, 5, (n, 2))
    X += 0.3 * np.sign(X)
    seen = X + noise * rng.uniform(-5, 5, (n, 2))
    return X, np.where(seen[:, 0] * seen[:, 1] >= 0, 1.0, -1.0)


def gauss(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    """Two Gaussian clouds around (2, 2) and (-2, -2); the noise makes them wider."""
    y = np.where(np.arange(n) < n // 2, 1.0, -1.0)
    return 2 * y[:, None] + np.sqrt(0.5 + 7 * noise) * rng.normal(size=(n, 2)), y


def spiral(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    """Two arms that wind around each other."""
    y = np.where(np.arange(n) < n // 2, 1.0, -1.0)
    along = np.arange(n) % max(n // 2, 1) / max(n // 2, 1)
    angle = 3.5 * np.pi * along + np.where(y > 0, 0, np.pi)
    X = 5 * along[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return X + noise * rng.uniform(-1, 1, (n, 2)), y


def plane(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    """A regression: the target grows along the diagonal."""
    X = rng.uniform(-6, 6, (n, 2))
    seen = X + noise * rng.uniform(-6, 6, (n, 2))
    return X, np.clip(seen.sum(axis=1) / 10, -1, 1)


def several_gauss(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    """A regression: six hills and hollows, three of each, by turns."""
    X = rng.uniform(-6, 6, (n, 2))
    seen = X + noise * rng.uniform(-6, 6, (n, 2))
    centres = np.array([[-4, 2.5], [0, 2.5], [4, 2.5], [-4, -2.5], [0, -2.5], [4, -2.5]])
    signs = np.array([1, -1, 1, -1, 1, -1])
    distances = np.linalg.norm(seen[:, None] - centres, axis=2)
    nearest = distances.argmin(axis=1)
    return X, signs[nearest] * np.clip(1 - distances[np.arange(n), nearest] / 2, 0, 1)


def own(rng: np.random.Generator, n: int, noise: float) -> tuple[Array, Array]:
    """No points: those that the user adds are all there are."""
    return np.zeros((0, 2)), np.zeros(0)


DATASETS = {
    "circle": ("classification", circle, 500),
    "xor": ("classification", xor, 500),
    "gauss": ("classification", gauss, 500),
    "spiral": ("classification", spiral, 500),
    "reg-plane": ("regression", plane, 1200),
    "reg-gauss": ("regression", several_gauss, 1200),
    "own": ("both", own, 0),
}
"""By name: the problem it belongs to, the function, and how many points it makes."""
