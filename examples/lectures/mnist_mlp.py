"""Handwritten digits: 784 pixels, 300 and 100 hidden neurons, 10 classes.

This is the net of the TensorFlow lecture. It has dense layers of rectifiers with He's initial weights, and
the cross-entropy of a softmax. It learns by plain gradient descent on batches of 50. The pictures show the
course of the training, the weights of some first neurons, and the misread digits with the highest
probability. The test accuracy after each epoch is only for the curve; it decides nothing.

Source: A. Geron, "Hands-on machine learning with Scikit-Learn and TensorFlow", chapter 10, 2017; K. He et
al., "Delving deep into rectifiers", 2015.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
import nn
from examples import program
from examples.pictures import BLUE, ORANGE, mistakes, panels, save, tiles


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train, test, and look at the weights and at the mistakes."""
    nn.manual_seed(seed)
    (X, y), (X_test, y_test) = program.handwriting(quick)
    pixels, side = X[0].size, X.shape[-1]
    model = nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(pixels, 300), nn.ReLU()),
        *(nn.Linear(300, 100), nn.ReLU()),
        nn.Linear(100, 10),
    )
    nn.init.by_activation_(model)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.2)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy")
    history = trainer.fit(X, y, 10 if quick else 20, batch_size=50, validation_data=(X_test, y_test))

    probabilities = ag.softmax(trainer.predict(X_test), axis=1)
    read = probabilities.argmax(axis=1)
    wrong = mistakes(probabilities, y_test)
    accuracy = 1 - len(wrong) / len(y_test)
    print(f"test accuracy {accuracy:.2%}: {len(wrong)} of {len(y_test):,} misread")

    figure, (left, middle, right) = panels(1, 3, height=3.8)
    for key, name, color in (("accuracy", "training (0 as 1e-5)", BLUE), ("val_accuracy", "test", ORANGE)):
        errors = 1 - np.array(history[key])
        left.semilogy(range(1, len(errors) + 1), np.maximum(errors, 1e-5), color=color, label=name)
    left.set(xlabel="epoch", ylabel="error")
    left.xaxis.get_major_locator().set_params(integer=True)
    left.legend(frameon=False)
    weights = model[1].weight.numpy()[:36].reshape(-1, side, side)
    limit = float(np.abs(weights).max()) / 2
    tiles(middle, weights, 6, cmap="RdBu_r", vmin=-limit, vmax=limit)
    middle.set_title("weights of 36 hidden neurons", fontsize=10)
    surest = wrong[:12]
    tiles(right, X_test[surest, 0], 4, labels=[f"{y_test[i]}, read {read[i]}" for i in surest])
    right.set_title("misread with the greatest certainty", fontsize=10)
    save(figure, out / "mnist_mlp.png")
    return {"accuracy": accuracy, "misread": len(wrong)}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
