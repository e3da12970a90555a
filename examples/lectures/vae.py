"""A variational autoencoder: new digits are drawn from a normal distribution of codes.

The encoder gives a mean and a variance for each digit, and the decoder reads a sample from there. The
sample is mean + deviation * noise, so that gradients pass. The loss is minus a bound of the log-likelihood,

    E[-log P(x | z)] + KL(N(mean, variance) | N(0, 1))

The second term keeps the codes of all digits together near the origin, without gaps. The decoder makes new
digits from standard normal noise. A line between two codes turns one digit into another.

Source: D. Kingma, M. Welling, "Auto-encoding variational Bayes", 2014.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples import program
from examples.pictures import BLUE, ORANGE, panels, save, tiles

Array = npt.NDArray[Any]


class VAE(nn.Module):
    """64 pixels, to k means and k log-variances, and back."""

    def __init__(self, k: int = 8, width: int = 128) -> None:
        self.k = k
        self.encoder = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2 * k))
        self.decoder = nn.Sequential(nn.Linear(k, width), nn.ReLU(), nn.Linear(width, 64))

    def loss(self, x: Any, noise: Array) -> tuple[Any, Any]:
        """The two terms, in nats per digit: the pixels are taken as probabilities of ink."""
        code = self.encoder(x)
        mean, log_variance = code[:, : self.k], code[:, self.k :]
        pixels = self.decoder(mean + np.exp(0.5 * log_variance) * noise)
        misfit = nn.functional.binary_cross_entropy_with_logits(pixels, x, reduction="sum")
        divergence = 0.5 * np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance)
        return misfit / len(x), divergence / len(x)

    def draw(self, z: Array) -> Array:
        """Digits for codes."""
        with ag.no_grad():
            digits: Array = ag.sigmoid(self.decoder(z)).numpy()
        return digits


def train(model: VAE, X: Array, epochs: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Fit the model; returns the two terms of the loss after each epoch."""
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    losses = []
    for _ in program.shown(range(epochs), "epochs"):
        terms = []
        for (x,) in nn.DataLoader(nn.TensorDataset(X), 50, shuffle=True):
            optimizer.zero_grad()
            misfit, divergence = model.loss(x, rng.normal(size=(len(x), model.k)).astype(np.float32))
            (misfit + divergence).backward()
            optimizer.step()
            terms.append((misfit.item(), divergence.item()))
        a, b = np.mean(terms, axis=0)
        losses.append((float(a), float(b)))
    return losses


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train, draw new digits, and ask a classifier of real digits what it makes of them."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    X, y = nn.datasets.load_digits("train")
    model = VAE()
    losses = train(model, X, 20 if quick else 200, rng)
    new = model.draw(rng.normal(size=(400, model.k)).astype(np.float32))
    test = nn.datasets.load_digits("test")[0]
    with ag.no_grad():
        noise = rng.normal(size=(len(test), model.k)).astype(np.float32)
        bound = float(sum(term.item() for term in model.loss(test, noise)))
    independent = float(
        nn.functional.binary_cross_entropy(np.broadcast_to(X.mean(axis=0), test.shape), test) * 64
    )
    sure, kinds = judged(new, X, y)
    print(f"test digits: {bound:.2f} nats each; if every pixel went by itself: {independent:.2f}")
    sure_of_real, _ = judged(test, X, y)
    print(
        f"a classifier is 90% sure of {sure:.0%} of 400 new digits, and of {sure_of_real:.0%} of the test's; "
        f"it sees {kinds} kinds in the new ones"
    )

    figure, (left, middle, right) = panels(1, 3)
    for term, (name, color) in enumerate((("misfit", BLUE), ("divergence", ORANGE))):
        left.plot([pair[term] for pair in losses], color=color, label=name)
    left.set(xlabel="epoch", ylabel="nats per digit")
    left.legend(frameon=False)
    tiles(middle, new[:64].reshape(-1, 8, 8), 8, "new digits")
    with ag.no_grad():
        ends = model.encoder(np.stack([X[y == d][0] for d in (0, 3, 7, 1, 4)])).numpy()[:, : model.k]
    steps = np.linspace(0, 1, 8, dtype=np.float32)[:, None]
    lines = [a + steps * (b - a) for a, b in zip(ends, np.roll(ends, -1, axis=0), strict=True)]
    tiles(right, model.draw(np.concatenate(lines)).reshape(-1, 8, 8), 8, "from digit to digit")
    save(figure, out / "vae.png")
    return {"bound": bound, "independent": independent, "sure": sure, "kinds": kinds}


def judged(images: Array, X: Array, y: Array) -> tuple[float, int]:
    """The fraction of images where a classifier of (X, y) is 90% sure, and the number of digits it sees."""
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), nn.optim.Adam(model.parameters(), lr=3e-3))
    trainer.fit(X, y, 8, verbose=False)
    p = nn.functional.softmax(trainer.predict(images), 1)
    counts = np.bincount(p.argmax(axis=1), minlength=10)
    return float(np.mean(p.max(axis=1) > 0.9)), int(np.sum(counts > 0.01 * len(images)))


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
