"""A small network that reads digits from a pad of 28 x 28 pixels, and learns to while one draws."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn

from .draws import Draws

__all__ = ["Pad", "centred", "digits"]

Array = npt.NDArray[Any]

FILE = Path(__file__).with_name("digits-28x28.npz")
SIDE, TRAIN, BATCH, EPOCHS, RATE = 28, 1500, 50, 20, 0.002


def digits() -> tuple[Array, Array]:
    """Images (2000, 28, 28) in float32 from 0 to 1, and their classes; the first 1500 are for training."""
    with np.load(FILE) as file:
        pairs, labels = file["images"], file["labels"]
    pixels = np.stack([pairs >> 4, pairs & 15], axis=2).reshape(-1, SIDE, SIDE)
    return pixels.astype(np.float32) / 15, labels.astype(np.int64)


def centred(image: Array) -> Array:
    """A drawing as MNIST has its digits: at most 20 pixels high and wide, the centre of mass in the middle.

    >>> drawn = np.zeros((28, 28))
    >>> drawn[:5, :5] = 1
    >>> np.argwhere(centred(drawn) > 0.5).min(axis=0).tolist()
    [4, 4]
    """
    found = np.argwhere(image > 0.05)
    if not len(found):
        return np.zeros((SIDE, SIDE), np.float32)
    (top, left), (bottom, right) = found.min(axis=0), found.max(axis=0) + 1
    part = image[top:bottom, left:right]
    scale = 20 / max(part.shape)
    height, width = (max(1, round(n * scale)) for n in part.shape)
    rows = np.interp(_middles(height, part.shape[0]), np.arange(part.shape[0]), np.arange(part.shape[0]))
    columns = np.interp(_middles(width, part.shape[1]), np.arange(part.shape[1]), np.arange(part.shape[1]))
    scaled = _bilinear(part, rows, columns)
    mass = scaled.sum() or 1.0
    at = [(scaled.sum(axis=1 - axis) @ (np.arange(scaled.shape[axis]) + 0.5)) / mass for axis in (0, 1)]
    y, x = (int(np.clip(round(14 - c), 0, SIDE - n)) for c, n in zip(at, scaled.shape, strict=True))
    whole = np.zeros((SIDE, SIDE), np.float32)
    whole[y : y + height, x : x + width] = scaled
    return whole


def _middles(n: int, of: int) -> Array:
    """Where the middles of n pixels lie among `of` pixels."""
    return (np.arange(n) + 0.5) * of / n - 0.5


def _bilinear(image: Array, rows: Array, columns: Array) -> Array:
    r, c = rows.astype(int), columns.astype(int)
    r1, c1 = np.minimum(r + 1, image.shape[0] - 1), np.minimum(c + 1, image.shape[1] - 1)
    dr, dc = (rows - r)[:, None], columns - c
    above = image[np.ix_(r, c)] * (1 - dc) + image[np.ix_(r, c1)] * dc
    below = image[np.ix_(r1, c)] * (1 - dc) + image[np.ix_(r1, c1)] * dc
    scaled: Array = above * (1 - dr) + below * dr
    return scaled


class Pad:
    """The network of the pad, one for all tabs. It begins to learn when it is asked for the first time.

    Attributes:
        epoch: how many epochs of 20 it has made.
        accuracy: the share of the test digits that it reads rightly.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self.epoch, self.accuracy = 0, float("nan")

    def read(self, pixels: Array) -> dict[str, Any]:
        """What the network sees in a drawing (28, 28).

        Returns:
            The probabilities of the ten digits, the drawing as it was centred, and how much each pixel speaks
            for the likeliest digit: the gradient of the logarithm of its probability.
        """
        with self._lock:
            self._begin()
            seen = centred(pixels)
            x = ag.Tensor(seen[None, None], requires_grad=True)
            chances = nn.functional.log_softmax(self._model(x), dim=1)
            best = int(np.argmax(chances.numpy()))
            chances[0, best].backward()
            for p in self._model.parameters():
                p.grad = None
            told = {"epoch": self.epoch, "epochs": EPOCHS, "accuracy": self.accuracy}
            slope = np.zeros((SIDE, SIDE)) if x.grad is None else x.grad.numpy()[0, 0]
        return {
            **told,
            "chances": np.exp(chances.numpy()[0]),
            "seen": seen,
            "slope": slope,
            "blank": not seen.any(),
        }

    def example(self, i: int) -> Array:
        """One of the test digits."""
        images, _ = digits()
        image: Array = images[TRAIN + i % (len(images) - TRAIN)]
        return image

    def stop(self) -> None:
        """End the training."""
        self._stopped = True

    # -- learning ----------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._thread is not None:
            return
        self._draws = Draws(0)
        with self._draws:
            self._model = nn.Sequential(
                nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU(),
                nn.Conv2d(8, 16, 5, stride=2, padding=2), nn.ReLU(),
                nn.Flatten(), nn.Linear(16 * 49, 10),
            )  # fmt: skip
        self._optimizer = nn.optim.Adam(self._model.parameters(), lr=RATE)
        self._thread = threading.Thread(target=self._learn, daemon=True, name="playground digits")
        self._thread.start()

    def _learn(self) -> None:
        """Train on digits that are moved by up to two pixels, so that drawings need not be exact."""
        images, labels = digits()
        rng = np.random.default_rng(0)
        wide = np.pad(images[:TRAIN], ((0, 0), (2, 2), (2, 2)))
        for _ in range(EPOCHS):
            for rows in np.split(rng.permutation(TRAIN), TRAIN // BATCH):
                if self._stopped:
                    return
                dy, dx = rng.integers(0, 5, 2)
                batch = wide[rows, None, dy : dy + SIDE, dx : dx + SIDE]
                with self._lock:
                    self._optimizer.zero_grad()
                    nn.functional.cross_entropy(self._model(batch), labels[rows]).backward()
                    self._optimizer.step()
            with self._lock, ag.no_grad():
                guessed = self._model(images[TRAIN:, None]).numpy().argmax(axis=1)
                self.accuracy, self.epoch = float(np.mean(guessed == labels[TRAIN:])), self.epoch + 1
