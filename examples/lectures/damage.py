"""Damage: neurons are knocked out of a trained net, and the rest learns again.

The knowledge of a net is spread over all its weights, so the accuracy falls slowly and not at once. After a
little more training the other neurons take over the work of the lost ones. A new net of the same size needs
more training.

Source: D. Rumelhart, J. McClelland, "Parallel distributed processing", 1986; G. Hinton, T. Shallice,
"Lesioning an attractor network", 1991.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

import nn
from examples.pictures import BLUE, GREY, ORANGE, panels, save

HIDDEN = 64


def trainer_of(model: nn.Module) -> nn.Trainer:
    """What trains and measures a model."""
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    return nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics="accuracy")


class Lesion(nn.Module):
    """Silences some neurons for good.

    Args:
        alive: 1 for neurons that are left, 0 for those that are gone.
    """

    def __init__(self, alive: Any) -> None:
        self.register_buffer("alive", alive)

    def forward(self, x: Any) -> Any:
        """The answers of those that are left."""
        return x * self.alive


def build() -> nn.Sequential:
    """A net with one hidden layer, whole at first."""
    whole = Lesion(np.ones(HIDDEN, np.float32))
    return nn.Sequential(nn.Linear(64, HIDDEN), nn.ReLU(), whole, nn.Linear(HIDDEN, 10))


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train, damage more and more, and let the rest learn for two epochs, beside new nets of their size."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, test = nn.datasets.load_digits("train"), nn.datasets.load_digits("test")
    model = build()
    trainer_of(model).fit(*train, 8 if quick else 20, verbose=False)
    whole = trainer_of(model).evaluate(*test)["accuracy"]
    print(f"whole net: {whole:.1%}")

    shares = [0.25, 0.5, 0.75] if quick else [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    means = []
    for share in shares:
        found = []
        for _ in range(1 if quick else 5):
            hurt, new = copy.deepcopy(model), build()
            hurt[2].alive = new[2].alive = (rng.permutation(HIDDEN) >= share * HIDDEN).astype(np.float32)
            found.append([trainer_of(hurt).evaluate(*test)["accuracy"]])
            for net in (hurt, new):
                trainer = trainer_of(net)
                trainer.fit(*train, 2, verbose=False)
                found[-1].append(trainer.evaluate(*test)["accuracy"])
        means.append(np.mean(found, axis=0))
        print(
            f"{share:.0%} of the hidden neurons gone: {means[-1][0]:.1%}, after two epochs more "
            f"{means[-1][1]:.1%}, a new net after two {means[-1][2]:.1%}"
        )
    damaged, adapted, anew = np.transpose(means).tolist()

    figure, axes = panels(width=5)
    axes.axhline(whole, color=GREY, linewidth=1, label="whole net")
    axes.plot(shares, damaged, "o-", color=ORANGE, label="damaged")
    axes.plot(shares, adapted, "o-", color=BLUE, label="after two epochs more")
    axes.plot(shares, anew, "o--", color=GREY, label="new nets of that size after two epochs")
    axes.set(xlabel="share of hidden neurons knocked out", ylabel="test accuracy", ylim=(0, 1))
    axes.legend(frameon=False)
    save(figure, out / "damage.png")
    return {"whole": whole, "shares": shares, "damaged": damaged, "adapted": adapted, "anew": anew}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
