"""Squared error or cross-entropy: who is confidently wrong learns from the second.

For a sigmoid neuron y = s(w x + b) with target t, the squared error has the gradient (y - t) y (1 - y) x.
Where the neuron is saturated, y (1 - y) is almost 0, however wrong y is. Cross-entropy has the gradient (y
- t) x: the larger the error, the faster the neuron learns. Cross-entropy is maximum likelihood. For a coin
it gives the frequency of heads. A logistic regression on a yes/no input finds the log-odds, and the log of
the odds ratio, of the table.

Source: M. Nielsen, "Neural networks and deep learning", chapter 3, 2015; C. Bishop, "Neural networks for
pattern recognition", chapter 6, 1995.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples.pictures import BLUE, ORANGE, panels, save

Array = npt.NDArray[Any]
Loss = Callable[[Any, Any], Any]

X, TARGET = np.array([1.0]), np.array([0.0])
"""One input, which the neuron is to answer by 0."""

COUNTS = {0.0: (30, 10), 1.0: (12, 48)}
"""Patients without and with a symptom: (healthy, ill)."""


def squared_error(z: Any, t: Any) -> Any:
    """1/2 (s(z) - t)^2."""
    return 0.5 * np.sum((ag.sigmoid(z) - t) ** 2)


def cross_entropy(z: Any, t: Any) -> Any:
    """-t log s(z) - (1 - t) log(1 - s(z))."""
    return nn.functional.binary_cross_entropy_with_logits(z, t)


def gradient(loss: Loss, w: float) -> float:
    """d loss / dw of the neuron s(w x)."""
    slope: float = ag.grad(lambda w: loss(w * X, TARGET))(w)
    return slope


def learn(loss: Loss, start: float, epochs: int, rate: float = 0.15) -> list[float]:
    """The answers of a neuron that begins with w = b = start."""
    neuron = nn.Linear(1, 1, dtype=float)
    neuron.load_state_dict({"weight": np.full((1, 1), start), "bias": np.full(1, start)})
    optimizer = nn.optim.SGD(neuron.parameters(), lr=rate)
    answers = []
    for _ in range(epochs):
        z = neuron(X)
        answers.append(float(ag.sigmoid(z).item()))
        optimizer.zero_grad()
        loss(z, TARGET).backward()
        optimizer.step()
    return answers


def coin(heads: int, tails: int) -> float:
    """The probability of heads under which what was thrown is likeliest, by Newton's method on its logit."""

    def surprise(z: Any) -> Any:
        return heads * ag.softplus(-z) + tails * ag.softplus(z)

    z = 0.0
    for _ in range(10):
        z -= ag.grad(surprise)(z) / ag.grad(ag.grad(surprise))(z)
    return float(ag.sigmoid(z))


def logistic_regression() -> tuple[float, float]:
    """(bias, weight) of the likeliest logistic regression of illness on the symptom."""
    x = np.repeat([0.0, 0.0, 1.0, 1.0], [n for counts in COUNTS.values() for n in counts])[:, None]
    t = np.concatenate([np.repeat([0.0, 1.0], counts) for counts in COUNTS.values()])[:, None]
    model = nn.Linear(1, 1, dtype=float)
    optimizer = nn.optim.LBFGS(model.parameters(), max_iter=100, tolerance_grad=1e-12, tolerance_change=0)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), t)
        loss.backward()
        return loss

    optimizer.step(closure)
    return model.bias.item(), model.weight.item()


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Measure the gradients, let two neurons learn, and estimate a coin and a table."""
    nn.manual_seed(seed)
    potentials = np.linspace(-10, 10, 101)
    names = {"squared error": squared_error, "cross-entropy": cross_entropy}
    slopes = {name: [gradient(loss, z) for z in potentials] for name, loss in names.items()}
    answers = {name: learn(loss, 2.0, 300) for name, loss in names.items()}
    for name in names:
        print(f"{name:<14}gradient where y = {ag.sigmoid(10.0):.5f} and should be 0: {slopes[name][-1]:.2e}")
        print(f"{'':<14}begins with y = {answers[name][0]:.2f}, after 300 epochs {answers[name][-1]:.2f}")
    p = coin(heads=7, tails=3)
    bias, weight = logistic_regression()
    odds = {x: ill / healthy for x, (healthy, ill) in COUNTS.items()}
    expected = np.log(odds[0]), np.log(odds[1] / odds[0])
    print(f"a coin with 7 heads in 10 throws: p = {p:.6f}")
    print(f"logistic regression: {bias:.6f} + {weight:.6f} x; log-odds {expected[0]:.6f}, {expected[1]:.6f}")

    figure, (left, right) = panels(1, 2)
    for name, color in zip(names, (BLUE, ORANGE), strict=True):
        left.plot(potentials, slopes[name], color=color, label=name)
        right.plot(answers[name], color=color, label=name)
    left.set(xlabel="inner potential (target 0)", ylabel="gradient of the weight, x = 1")
    right.set(xlabel="epoch", ylabel="answer of the neuron (target 0)", ylim=(0, 1))
    left.legend(frameon=False)
    save(figure, out / "losses.png")
    return {"slopes": slopes, "answers": answers, "coin": p, "odds": (bias, weight), "expected": expected}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
