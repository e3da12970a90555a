"""A generative adversarial net: a forger learns to draw digits from a detective.

The generator makes an image from noise. The discriminator estimates how likely an image is real. The
generator learns to be taken for real, the discriminator to tell the two apart. At the equilibrium the
images have the distribution of the real ones. The discriminator is then right half of the time.

Source: I. Goodfellow et al., "Generative adversarial nets", 2014; A. Radford et al., "Unsupervised
representation learning with deep convolutional generative adversarial networks", 2016; T. Salimans et al.,
"Improved techniques for training GANs", 2016.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples import program
from examples.lectures.vae import judged
from examples.pictures import BLUE, ORANGE, panels, save, tiles

Array = npt.NDArray[Any]

NOISE = 16


def nets() -> tuple[nn.Sequential, nn.Sequential]:
    """The generator and the discriminator."""
    generator = nn.Sequential(
        *(nn.Linear(NOISE, 128), nn.BatchNorm1d(128), nn.ReLU()),
        *(nn.Linear(128, 128), nn.BatchNorm1d(128), nn.ReLU()),
        *(nn.Linear(128, 64), nn.Sigmoid()),
    )
    discriminator = nn.Sequential(
        *(nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        *(nn.Linear(128, 64), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        nn.Linear(64, 1),
    )
    return generator, discriminator


def train(
    generator: nn.Module, discriminator: nn.Module, X: Array, epochs: int, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Let them play; returns how often the discriminator is right, on real and on made images, by epoch."""
    judge = nn.BCEWithLogitsLoss()
    forger = nn.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    detective = nn.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    course = []
    for _ in program.shown(range(epochs), "epochs"):
        right = []
        for (real,) in nn.DataLoader(nn.TensorDataset(X), 50, shuffle=True, drop_last=True):
            as_real, as_made = np.full((len(real), 1), 0.9, np.float32), np.zeros((len(real), 1), np.float32)
            made = generator(rng.normal(size=(len(real), NOISE)).astype(np.float32))

            detective.zero_grad()
            on_real, on_made = discriminator(real), discriminator(made.detach())
            (judge(on_real, as_real) + judge(on_made, as_made)).backward()
            detective.step()

            forger.zero_grad()
            judge(discriminator(made), as_real).backward()
            forger.step()
            right.append((float(np.mean(on_real.numpy() > 0)), float(np.mean(on_made.numpy() < 0))))
        a, b = np.mean(right, axis=0)
        course.append((float(a), float(b)))
    return course


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train both, draw digits, and ask a classifier of real digits what it makes of them."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    X, y = nn.datasets.load_digits("train")
    generator, discriminator = nets()
    noise = rng.normal(size=(400, NOISE)).astype(np.float32)
    pictures = {}
    first: list[tuple[float, float]] = []
    for name, more in (("at first", 0), ("midway", 5 if quick else 30), ("at the end", 10 if quick else 270)):
        course = train(generator, discriminator, X, more, rng) if more else []
        generator.eval()
        with ag.no_grad():
            pictures[name] = generator(noise).numpy()
        generator.train()
        if name == "midway":
            first = course
    sure, kinds = judged(pictures["at the end"], X, y)
    unsure, _ = judged(pictures["at first"], X, y)
    last = course[-1]
    print(f"the discriminator is right on {last[0]:.0%} of real and {last[1]:.0%} of made digits")
    print(f"a classifier is 90% sure of {sure:.0%} of them (at first {unsure:.0%}), and sees {kinds} kinds")

    figure, axes = panels(1, 4, width=3.2)
    for one, (name, images) in zip(axes, pictures.items(), strict=False):
        tiles(one, images[:49].reshape(-1, 8, 8), 7, name)
    for i, (name, color) in enumerate((("real", BLUE), ("made", ORANGE))):
        axes[-1].plot([pair[i] for pair in first + course], color=color, label=name)
    axes[-1].set(xlabel="epoch", title="discriminator right", ylim=(0, 1))
    axes[-1].legend(frameon=False)
    save(figure, out / "gan.png")
    # Digits that were all alike would have no deviation; compare with that of real ones.
    spread = float(pictures["at the end"].std(axis=0).mean() / X.std(axis=0).mean())
    return {"sure": sure, "unsure": unsure, "kinds": kinds, "spread": spread}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
