"""Rosenblatt's perceptron finds a line between two classes, or says that there is none.

The neuron's output is y = 1 if w0 + w1 x1 + w2 x2 >= 0, else 0. Each point with a wrong output corrects it:

    w <- w + (d - y) x        with x0 = 1

Let a line separate the classes with the margin g, and let no point (1, x) be longer than R. Then the neuron
makes at most (R / g)^2 mistakes, in every order of the points. On XOR no line separates the classes. Run in
a fixed order, the rule comes back to weights it had before, and repeats them for ever.

Source: F. Rosenblatt, "The perceptron", 1958; A. Novikoff, "On convergence proofs on perceptrons", 1962.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.animation import PillowWriter

import nn
from examples import program
from examples.pictures import BLUE, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0.0, 1.0, 1.0, 0.0])


@dataclass
class Course:
    """How the learning went: the weights after each mistake, and how it ended."""

    weights: list[Array] = field(default_factory=list)
    ending: str = "undecided"

    @property
    def mistakes(self) -> int:
        return len(self.weights) - 1


def learn(X: Array, d: Array, passes: int = 10_000) -> Course:
    """Rosenblatt's rule, point after point, until nothing is wrong or weights come back."""
    neuron = nn.Linear(X.shape[1], 1, dtype=float)
    neuron.load_state_dict({"weight": np.zeros((1, X.shape[1])), "bias": np.zeros(1)})
    answer = nn.Sequential(neuron, nn.LTU())
    course = Course([np.append(neuron.bias.numpy(), neuron.weight.numpy())])
    seen = set()
    for _ in range(passes):
        before = course.mistakes
        seen.add(course.weights[-1].tobytes())
        for x, wanted in zip(X, d, strict=True):
            error = wanted - answer(x)[0]
            if error:
                neuron.weight.data = neuron.weight.data + error * x
                neuron.bias.data = neuron.bias.data + error
                course.weights.append(np.append(neuron.bias.numpy(), neuron.weight.numpy()))
        if course.mistakes == before:
            course.ending = "converged: every point is right"
            break
        if course.weights[-1].tobytes() in seen:
            course.ending = (
                "will never converge: these weights have been there before, so it goes round for ever"
            )
            break
    return course


def separable(n: int, rng: np.random.Generator) -> tuple[Array, Array, float]:
    """Points on both sides of a random line with an empty strip along it, and the bound (R / g)^2."""
    w = np.ones(3)
    while abs(w[0]) > 0.5 * np.hypot(w[1], w[2]):  # until the line crosses the square
        w = rng.normal(size=3)
    w /= np.linalg.norm(w)
    X = rng.uniform(-1, 1, (20 * n, 2))
    distance = w[0] + X @ w[1:]
    X = X[np.abs(distance) > 0.1][:n]
    extended = np.hstack([np.ones((n, 1)), X])
    margin = np.abs(extended @ w).min()
    return X, (extended @ w > 0) * 1.0, float((np.linalg.norm(extended, axis=1).max() / margin) ** 2)


def show(axes: Any, X: Array, d: Array, w: Array) -> Any:
    """The points of both classes, and the line of the neuron."""
    for label, color in ((1, BLUE), (0, ORANGE)):
        axes.plot(*X[d == label].T, "o", color=color)
    low, high = X.min(axis=0) - 0.3, X.max(axis=0) + 0.3
    (line,) = axes.plot(*ends(w, high[0] - low[0]), color=GREY, linewidth=2)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x1", ylabel="x2")
    return line


def ends(w: Array, reach: float) -> tuple[Array, Array]:
    """Two points far out on the line w0 + w1 x1 + w2 x2 = 0; nowhere if there is no line."""
    length = np.hypot(w[1], w[2])
    if length == 0:
        return np.full(2, np.nan), np.full(2, np.nan)
    along = np.array([-1, 1]) * 2 * reach / length
    return -w[0] * w[1] / length**2 - w[2] * along, -w[0] * w[2] / length**2 + w[1] * along


def animate(path: Path, X: Array, d: Array, course: Course) -> None:
    """The line after each mistake, as an animated GIF."""
    figure, axes = panels()
    line = show(axes, X, d, course.weights[-1])
    reach, writer = float(np.ptp(X[:, 0])), PillowWriter(fps=5)
    with writer.saving(figure, path, dpi=80):
        for i in program.shown(np.unique(np.linspace(0, course.mistakes, 40).astype(int)), "animation"):
            line.set_data(*ends(course.weights[i], reach))
            axes.set_title(f"after {i} mistakes")
            writer.grab_frame()
    print(f"animation: {path}")


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn data that a line separates, then XOR."""
    rng = np.random.default_rng(seed)
    X, d, bound = separable(40 if quick else 200, rng)
    course, xor = learn(X, d), learn(*XOR)
    print(f"separable: {course.ending}; {course.mistakes} mistakes, the theorem allows {bound:.0f}")
    print(f"XOR: {xor.ending} (found after {xor.mistakes} mistakes)")
    animate(out / "perceptron.gif", X, d, course)

    figure, (left, right) = panels(1, 2)
    show(left, X, d, course.weights[-1])
    left.set_title(f"converged after {course.mistakes} mistakes")
    show(right, *XOR, xor.weights[-1])
    right.set_title("XOR: for ever wrong")
    save(figure, out / "perceptron.png")
    w = course.weights[-1]
    wrong = int(np.sum((w[0] + X @ w[1:] >= 0) != d))
    return {
        "wrong": wrong,
        "mistakes": course.mistakes,
        "bound": bound,
        "ending": course.ending,
        "xor": xor.ending,
    }


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
