"""Learn to read handwritten digits, and look at what goes on inside.

    python -m examples.digits [--epochs N] [--seed N] [--out FOLDER] [--quick]

Trains a small network on the 8x8 digits, and checks its gradient against finite differences. Draws the
computation of a single neuron, with all values and gradients, and the learning curves.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
import visualize
from autograd_lite import Tensor
from autograd_lite.errors import AutogradLiteError, FileError, RendererError
from autograd_lite.testing import check_grads

Array = npt.NDArray[Any]


def build() -> nn.Sequential:
    """The network: 64 pixels, 128 hidden units, a score for each of the ten digits."""
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def train(model: nn.Module, loss: nn.Module, epochs: int) -> tuple[nn.Trainer, nn.History]:
    """Fit the model to the training digits; the test digits are measured along the way."""
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    trainer = nn.Trainer(model, loss, optimizer, metrics=["accuracy"])
    X, y = nn.datasets.load_digits("train")
    history = trainer.fit(X, y, epochs, batch_size=32, validation_data=nn.datasets.load_digits("test"))
    return trainer, history


def check_gradient(model: nn.Module, loss: nn.Module, X: Array, y: Array) -> int:
    """Compare the gradient of the whole loss with finite differences; returns the number of parameters.

    In float64, for the differences of float32 numbers would say little.
    """
    model = copy.deepcopy(model).double()
    parameters = {name: p.numpy() for name, p in model.named_parameters()}

    def whole_loss(parameters: dict[str, Any]) -> Any:
        return loss(nn.functional_call(model, parameters, X.astype(float)), y)

    check_grads(whole_loss, (parameters,), order=1)
    return sum(p.size for p in parameters.values())


def one_neuron(image: Array) -> Tensor:
    """The loss of a neuron that tells 1 from 0 by the ink in the middle and around, played backwards."""
    pixels = image.reshape(8, 8)
    x1 = Tensor(pixels[2:6, 3:5].mean().round(2), requires_grad=True, name="x1 (middle)", dtype=float)
    x2 = Tensor(pixels[2:6, [1, 2, 5, 6]].mean().round(2), requires_grad=True, name="x2 (sides)", dtype=float)
    w1, w2, b = (Tensor(v, requires_grad=True, name=n) for v, n in [(2.0, "w1"), (-3.0, "w2"), (-0.5, "b")])
    p = ag.sigmoid(w1 * x1 + w2 * x2 + b)
    loss: Tensor = -np.log(p)
    loss.backward()
    return loss


def save_pictures(folder: Path, history: nn.History, image: Array) -> tuple[dict[str, str], list[str]]:
    """Write the pictures; returns where they are, and what to install for those that could not be made."""
    graph = visualize.draw(one_neuron(image))
    places, advice = {}, []
    try:
        curves = folder / "learning-curves.png"
        visualize.learning_curves(history).savefig(curves, dpi=150)
        places["learning curves"] = str(curves)
    except RendererError as error:
        places["learning curves"] = "none; see below"
        advice.append(str(error))
    places["one neuron"] = f"{graph.save(folder / 'neuron.svg')} (a single neuron by itself, not the network)"
    places["to click"] = f"{graph.save(folder / 'neuron.html')} (the same as a page: open it in a browser)"
    return places, advice


def run(epochs: int, seed: int, folder: Path) -> None:
    """The whole job."""
    nn.manual_seed(seed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"cannot make the folder {folder}: {error.strerror}; choose another with --out FOLDER"
        ) from error
    model, loss = build(), nn.CrossEntropyLoss(label_smoothing=0.1)
    print(f"{model}\nseed {seed}\n")

    start = time.perf_counter()
    trainer, history = train(model, loss, epochs)
    seconds = time.perf_counter() - start
    X, y = nn.datasets.load_digits("test")
    parameters = check_gradient(model, loss, X[:32], y[:32])
    accuracy = trainer.evaluate(X, y)["accuracy"]
    weights = folder / "digits.safetensors"
    nn.save(model.state_dict(), weights)
    pictures, advice = save_pictures(folder, history, X[y == 1][0])

    results = {
        "training": f"{epochs} epochs in {seconds:.1f} s",
        "gradient": f"agrees with finite differences, in random directions of {parameters} parameters",
        "test accuracy": f"{accuracy:.2%}, {round(accuracy * len(y))} of {len(y)} digits",
        "weights": str(weights),
        **pictures,
    }
    print()
    for what, result in results.items():
        print(f"{what:<17}{result}")
    for line in advice:
        print(f"\n{line}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and do the job; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.digits", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("--epochs", type=int, default=40, help="times through the training data (40)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same numbers (0)")
    parser.add_argument("--out", type=Path, default=Path("out/digits"), help="where files go (out/digits)")
    parser.add_argument("--quick", action="store_true", help="5 epochs, to see that all works")
    options = parser.parse_args(arguments)
    try:
        run(5 if options.quick else options.epochs, options.seed, options.out)
    except (AutogradLiteError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
