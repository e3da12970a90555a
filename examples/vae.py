"""A variational autoencoder learns to write digits.

    python -m examples.vae [--seed N] [--out FOLDER] [--quick]

The encoder turns a picture into a normal distribution over codes. The decoder turns a code into a picture.
The loss is the negative evidence lower bound (ELBO), in nats for each picture. Its first term is how
surprising the picture is when the code is known. The second is how far the distribution of codes is from
the standard normal one. A code drawn from the standard normal distribution is decoded into a digit that
nobody wrote.

Source: D. Kingma, M. Welling, "Auto-encoding variational Bayes", 2014.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples import program
from examples.pictures import panels, save, tiles
from nn.random import generator

Array = npt.NDArray[Any]


class VAE(nn.Module):
    """Encoder and decoder with a hidden layer each.

    Args:
        pixels: of a picture.
        hidden: units of each hidden layer.
        latent: the size of a code.
    """

    def __init__(self, pixels: int, hidden: int, latent: int) -> None:
        self.latent = latent
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def forward(self, x: Any) -> tuple[Any, Any, Any]:
        """Scores of the pixels (their sigmoid is the ink), and mean and log-variance of the code.

        The code is mean + deviation * noise, so that gradients reach the mean and the deviation.
        """
        mean, log_variance = np.split(self.encoder(x), 2, axis=1)
        noise = generator.standard_normal(mean.shape, np.float32)
        return self.decoder(mean + np.exp(log_variance / 2) * noise), mean, log_variance

    def sample(self, n: int) -> Array:
        """Pictures of codes from the standard normal distribution."""
        with ag.no_grad():
            codes = generator.standard_normal((n, self.latent), np.float32)
            return np.asarray(ag.sigmoid(self.decoder(codes)).numpy())


def negative_elbo(scores: Any, x: Any, mean: Any, log_variance: Any) -> Any:
    """-log p(x | code) + KL(N(mean, variance) || N(0, 1)), the mean over pictures."""
    surprise = nn.functional.binary_cross_entropy_with_logits(scores, x, reduction="sum")
    divergence = np.sum(mean**2 + np.exp(log_variance) - log_variance - 1) / 2
    return (surprise + divergence) / len(x)


def train(model: VAE, X: Array, epochs: int, batch_size: int) -> None:
    """Minimize the negative ELBO by Adam."""
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, epochs + 1):
        losses = []
        for x in program.shown(nn.DataLoader(X, batch_size, shuffle=True), f"epoch {epoch}"):
            scores, mean, log_variance = model(x)
            loss = negative_elbo(scores, x, mean, log_variance)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % max(epochs // 5, 1) == 0:
            print(f"epoch {epoch:>3}/{epochs}: {np.mean(losses):6.2f} nats")


def mean_picture(X: Array, X_test: Array) -> float:
    """The nats of a model that knows no more than the mean of each pixel: what there is to beat."""
    p = np.broadcast_to(np.clip(X.mean(axis=0), 1e-3, 1 - 1e-3), X_test.shape)
    return float(nn.functional.binary_cross_entropy(p, X_test, reduction="sum") / len(X_test))


def run(quick: bool, seed: int, out: Path) -> dict[str, float]:
    """Train, measure on the test pictures, and draw."""
    nn.manual_seed(seed)
    (pictures, _), (test_pictures, _) = program.handwriting(quick)
    X, X_test = (np.reshape(each, (len(each), -1)) for each in (pictures, test_pictures))
    model = VAE(X.shape[1], *((64, 8) if quick else (400, 20)))
    train(model, X, epochs=20 if quick else 15, batch_size=32 if quick else 128)

    with ag.no_grad():
        scores, mean, log_variance = model(X_test)
        test = negative_elbo(scores, X_test, mean, log_variance).item()
        again = ag.sigmoid(model.decoder(mean[:30])).numpy()
    results = {"nats": test, "nats of the mean picture": mean_picture(X, X_test)}
    print(f"\ntest: {test:.2f} nats; of the mean picture {results['nats of the mean picture']:.2f}")

    figure, axes = panels(1, 3, 3.2, 3.6)
    side = pictures.shape[-1]
    shown = {"test pictures": X_test[:30], "reconstructed": again, "samples": model.sample(30)}
    for one, (title, images) in zip(axes, shown.items(), strict=True):
        tiles(one, images.reshape(-1, side, side), columns=5, title=title, vmin=0, vmax=1)
    save(figure, out / "vae.png")
    return results


if __name__ == "__main__":
    sys.exit(program.main("vae", __doc__, run))
