"""LeNet-1 reads digits as those of zip codes, and says of which it is not sure.

Feature maps look for the same stroke everywhere in the image. Means of four neighbours make the next layer
less sensitive to the exact position. Each of the twelve maps of the second kind reads one or two of the
first kind: 2,578 weights for 98,442 connections. Where the two highest outputs are close, the digit is
rejected, and left to a human. A dense net of 40 hidden neurons has several times as many weights, errs more
often, and rejects more digits for the same error.

The paper's 7,291 and 2,007 digits from envelopes are not available here. As many digits of MNIST take their
place, scaled from 20x20 to 16x16 pixels in a field of 28x28, the paper's sizes.

Source: Y. LeCun et al., "Handwritten digit recognition with a back-propagation network", 1990; the error
and the rejection that it is measured by: "Backpropagation applied to handwritten zip code recognition",
1989.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples import program
from examples.pictures import BLUE, GREY, ORANGE, each_scaled, panels, save, tiles
from nn import transforms

Array = npt.NDArray[Any]

TRAIN, TEST = 7291, 2007
REJECTED = 0.12
SOURCES = ("a", "ab", "ab", "b", "ab", "ab", "c", "cd", "cd", "d", "cd", "cd")
"""Which of the four maps a, b, c, d each of the twelve looks at."""


class Subsampling(nn.Module):
    """Means of 2x2 neighbours, times a weight and plus a bias that each map has for itself.

    Args:
        maps: how many.
    """

    def __init__(self, maps: int) -> None:
        self.weight = nn.Parameter(np.ones((maps, 1, 1), np.float32))
        self.bias = nn.Parameter(np.zeros((maps, 1, 1), np.float32))

    def forward(self, x: Any) -> Any:
        """Maps of half the height and width."""
        return nn.functional.avg_pool2d(x, 2) * self.weight + self.bias


def connected() -> nn.Conv2d:
    """The convolution from the first two maps to six of the twelve, and from the other two to the others."""
    layer = nn.Conv2d(4, len(SOURCES), 5, groups=2)
    mask = np.zeros(layer.weight.shape)
    for i, sources in enumerate(SOURCES):
        mask[i, ["abcd".index(source) % 2 for source in sources]] = 1
    nn.utils.prune.custom_from_mask(layer, "weight", mask)
    return layer


def build() -> nn.Sequential:
    """The net of 1990."""
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 5), nn.ScaledTanh(), Subsampling(4), nn.ScaledTanh()),
        *(connected(), nn.ScaledTanh(), Subsampling(12), nn.ScaledTanh()),
        *(nn.Flatten(), nn.Linear(12 * 4 * 4, 10), nn.ScaledTanh()),
    )


class Middle(nn.Module):
    """The middle of the field, 22x22 pixels. Outside of it all is white."""

    def forward(self, x: Any) -> Any:
        """Without three pixels at each edge."""
        return x[..., 3:-3, 3:-3]


def dense() -> nn.Sequential:
    """The net with one hidden layer that the paper compares with."""
    return nn.Sequential(
        *(Middle(), nn.Flatten(), nn.Linear(22 * 22, 40), nn.ScaledTanh()),
        *(nn.Linear(40, 10), nn.ScaledTanh()),
    )


def weights(model: nn.Module) -> int:
    """How many numbers are learned: those that are masked are not."""
    masked = sum(int(np.sum(mask == 0)) for name, mask in model.named_buffers() if name.endswith("_mask"))
    return sum(p.size for p in model.parameters()) - masked


def zip_code_digits(quick: bool, seed: int) -> list[tuple[Array, Array]]:
    """Digits for training and test, white (-1) with strokes of black (1), in fields of 28x28."""
    rng = np.random.default_rng(seed)
    parts = []
    for (X, y), n in zip(program.handwriting(quick), (TRAIN, TEST), strict=True):
        chosen = rng.permutation(len(X))[:n]
        size = 22 if X.shape[-1] == 28 else 16  # of 28 pixels, the digits of MNIST fill 20
        small = transforms.Compose([transforms.Resize(size), transforms.Pad((28 - size) // 2)])
        parts.append((2 * small(X[chosen]) - 1, y[chosen]))
    return parts


def squared_error(output: Any, label: Any) -> Any:
    """To 1 for the right class, and -1 for the others."""
    return nn.functional.mse_loss(output, 2 * nn.functional.one_hot(label, 10) - 1)


def learn(
    name: str, model: nn.Module, train: tuple[Array, Array], test: tuple[Array, Array], epochs: int
) -> Array:
    """Train a net; returns its outputs for the test digits."""
    print(f"{name}: {weights(model):,} weights")
    optimizer = nn.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    trainer = nn.Trainer(model, squared_error, optimizer, "accuracy", scheduler=schedule)
    trainer.fit(*train, epochs, batch_size=10, validation_data=test)
    outputs: Array = trainer.predict(test[0])
    return outputs


def rejection(outputs: Array, y: Array) -> tuple[Array, Array, dict[str, float]]:
    """The order of the digits, the least certain first, and the error if so many are rejected."""
    first, second = np.sort(outputs, axis=1)[:, :-3:-1].T
    order = np.argsort(first - second, kind="stable")
    wrong = (outputs.argmax(axis=1) != y)[order]
    errors = wrong[::-1].cumsum()[::-1] / np.arange(len(wrong), 0, -1)  # of those that are left
    at, enough = round(REJECTED * len(wrong)), int(np.argmax(errors <= 0.01))
    found = {"error": errors[0], "after rejection": errors[at], "rejected for 1%": enough / len(wrong)}
    print(f"error {errors[0]:.1%}; {errors[at]:.2%} with {REJECTED:.0%} rejected")
    print(f"for 1% of error {found['rejected for 1%']:.1%} are rejected")
    return order, errors, {name: float(value) for name, value in found.items()}


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train and test, and reject the digits of which a net is least sure."""
    nn.manual_seed(seed)
    train, test = zip_code_digits(quick, seed)
    print(f"{len(train[0]):,} digits to learn from, {len(test[0]):,} to test")
    epochs = 4 if quick else 30
    model = build()
    outputs = learn("LeNet-1", model, train, test, epochs)
    order, errors, found = rejection(outputs, test[1])
    control = dense()
    _, control_errors, compared = rejection(learn("dense", control, train, test, epochs), test[1])

    figure, (left, maps, right) = panels(1, 3, height=3.8)
    for values, color, name in ((errors, BLUE, "LeNet-1"), (control_errors, ORANGE, "dense, 40 hidden")):
        left.plot(100 * np.arange(len(values)) / len(values), 100 * values, color=color, label=name)
    left.axhline(1, color=GREY, linewidth=1)
    left.text(30, 1, "the goal", va="bottom", ha="right", fontsize=8, color=GREY)
    left.set(xlabel="rejected, %", ylabel="error among the others, %", xlim=(0, 30))
    left.legend(frameon=False, fontsize=8)
    with ag.no_grad():
        first, second = (model[:end](test[0][:1]).numpy()[0] for end in (2, 6))
    tiles(maps, each_scaled(np.concatenate([first, second.repeat(3, 1).repeat(3, 2)])), 4, cmap="gray")
    maps.set_title("the maps of a digit: four of 24x24, twelve of 8x8", fontsize=10)
    labels = [f"{test[1][i]}, read {outputs[i].argmax()}" for i in order[:12]]
    tiles(right, test[0][order[:12], 0], 4, labels=labels)
    right.set_title("the first to be rejected", fontsize=10)
    save(figure, out / "lenet1.png")
    return {"weights": weights(model), **found, "dense": {"weights": weights(control), **compared}}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
