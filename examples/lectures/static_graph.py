"""One model four ways: TensorFlow 1's two phases, Keras' two styles, PyTorch's Module.

In TensorFlow 1 a program first constructs a graph of named nodes. Then it executes any part of the graph,
on values that are fed in. A tape needs no such phase. A graph whose steps are kept as functions is a few
lines (`Step` below), and the tape records its execution. Keras stacks layers, or calls them on a symbol for
the input; PyTorch computes in `forward`. The same weights and the same data give the same losses, step by
step, up to rounding.

Source: M. Abadi et al., "TensorFlow: a system for large-scale machine learning", 2016; F. Chollet, "Deep
learning with Python", 2017; A. Paszke et al., "PyTorch: an imperative style, high-performance deep
learning library", 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
import visualize
from examples.pictures import COLORS, GREY, PALE, panels, save, save_graph

Array = npt.NDArray[Any]

RATE, HIDDEN = 0.1, 16


# -- a static graph --------------------------------------------------------------------------------


class Step:
    """A place in a graph under construction: a function and the places that it takes its values from.

    Args:
        function: computes the value; None for a placeholder, whose value is fed.
        inputs: the places of its arguments.
    """

    def __init__(self, function: Callable[..., Any] | None = None, *inputs: Step) -> None:
        self.function, self.inputs = function, inputs

    def __matmul__(self, other: Step) -> Step:
        return Step(np.matmul, self, other)

    def __add__(self, other: Step) -> Step:
        return Step(np.add, self, other)

    def run(self, feed: dict[Step, Any]) -> Any:
        """Execute what this place needs, each step once; values so far stand in `feed`."""
        if self not in feed:
            assert self.function is not None, "a placeholder was not fed"
            feed[self] = self.function(*[step.run(feed) for step in self.inputs])
        return feed[self]


def static(
    weights: dict[str, Array], batches: list[tuple[Array, Array]]
) -> tuple[list[float], visualize.Graph]:
    """Construction phase, then execution phase; returns the losses, and the graph of the first of them."""
    X, y = Step(), Step()
    variables = {name: ag.Tensor(value, requires_grad=True, name=name) for name, value in weights.items()}
    w1, b1, w2, b2 = (Step(lambda v=v: v) for v in variables.values())
    hidden = Step(ag.relu, X @ Step(np.transpose, w1) + b1)
    loss = Step(nn.functional.cross_entropy, hidden @ Step(np.transpose, w2) + b2, y)
    optimizer = nn.optim.SGD(variables.values(), lr=RATE)

    losses: list[float] = []
    for x, t in batches:
        optimizer.zero_grad()
        with ag.Tape() if not losses else nullcontext():  # a tape keeps the arrays for the picture
            value = loss.run({X: ag.Tensor(x, name="X"), y: t})
        value.backward()
        if not losses:
            graph = visualize.draw(value)
        optimizer.step()
        losses.append(value.item())
    return losses, graph


# -- Keras -----------------------------------------------------------------------------------------


def sequential() -> nn.Module:
    """A stack of layers."""
    return nn.Sequential(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))


class Functional(nn.Module):
    """The layers between a symbol for the input and an output that was made of it."""

    def __init__(self, x: Step, output: Step) -> None:
        self.x, self.output = x, output
        self.layers = nn.ModuleList()
        place: tuple[Step, ...] = (output,)
        while place:
            if isinstance(place[0].function, nn.Module):
                self.layers.insert(0, place[0].function)
            place = place[0].inputs

    def forward(self, x: Any) -> Any:
        """Run the graph."""
        return self.output.run({self.x: x})


def functional() -> nn.Module:
    """Layers called on symbols."""
    x = Step()
    h = Step(nn.Linear(64, HIDDEN), x)
    h = Step(nn.ReLU(), h)
    return Functional(x, Step(nn.Linear(HIDDEN, 10), h))


# -- PyTorch ---------------------------------------------------------------------------------------


class Net(nn.Module):
    """Layers as attributes, the computation in `forward`."""

    def __init__(self) -> None:
        self.hidden = nn.Linear(64, HIDDEN)
        self.outputs = nn.Linear(HIDDEN, 10)

    def forward(self, x: Any) -> Any:
        """Scores of the classes."""
        return self.outputs(nn.functional.relu(self.hidden(x)))


def dynamic(model: nn.Module, weights: dict[str, Array], batches: list[tuple[Array, Array]]) -> list[float]:
    """Train a module from these weights; the order of its parameters is the same whatever they are called."""
    model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    optimizer = nn.optim.SGD(model.parameters(), lr=RATE)
    losses = []
    for x, t in batches:
        optimizer.zero_grad()
        value = nn.functional.cross_entropy(model(x), t)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train all four on the same batches from the same weights."""
    nn.manual_seed(seed)
    weights = Net().double().state_dict()
    X, y = nn.datasets.load_digits("train")
    order = np.random.default_rng(seed).permutation(len(X) // 50 * 50).reshape(-1, 50)
    batches = [(X[i].astype(float), y[i]) for _ in range(1 if quick else 10) for i in order]
    constructed, graph = static(weights, batches)
    losses = {
        "TensorFlow 1: construct, execute": constructed,
        "Keras, Sequential": dynamic(sequential().double(), weights, batches),
        "Keras, functional": dynamic(functional().double(), weights, batches),
        "PyTorch, Module": dynamic(Net().double(), weights, batches),
    }
    figure, (left, right) = panels(1, 2, width=5)
    left.plot(constructed, color=PALE)
    every = max(4, len(batches) // 40 * 4)
    for i, (name, course) in enumerate(losses.items()):
        print(f"{name:<34}loss after {len(batches)} steps: {course[-1]:.15f}")
        steps = np.arange(i * every // 4, len(course), every)
        left.plot(steps, np.array(course)[steps], "os^D"[i], color=COLORS[i], markersize=5, label=name)
        right.plot(np.abs(np.subtract(course, constructed)), color=COLORS[i], label=name)
    left.set(xlabel="step", ylabel="loss", title="the same losses, four ways")
    left.legend(frameon=False, fontsize=8)
    rounding = float(np.spacing(1.0))
    most = max(np.abs(np.subtract(course, constructed)).max() for course in losses.values())
    right.axhline(rounding, color=GREY, linewidth=1, linestyle="--")
    right.text(0, rounding, "the rounding of a number near 1", va="bottom", fontsize=8, color=GREY)
    right.set(xlabel="step", title="difference from the first", ylim=(0, max(4 * rounding, 1.2 * most)))
    save(figure, out / "static_graph.png")
    save_graph(graph, out / "static_graph-graph.svg")
    return losses
