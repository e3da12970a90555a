"""One model in two phases, in Keras, in PyTorch, and as a recorded step: planned, fused.

In TensorFlow 1 a program first constructs a graph of named nodes. Then it executes any part of the graph, on
values that are fed in. A tape needs no such phase. A graph whose steps are kept as functions is a few lines
(`Step` below), and the tape records its execution. Keras (`nn.keras` here) stacks layers, or calls them on a
symbol for the input; PyTorch computes in `forward`. The same weights and the same data give the same losses,
step by step, up to rounding.

`ag.compile` constructs the graph by watching the program run. A plan is the straight list of what ran,
backward pass and optimizer included. Replayed, it has the bits of the recorded run. Fused, a run of
elementwise steps is one group, worked through block by block. The lectures' neuron of single numbers gains
most, since a tape costs more than its arithmetic. Fusion pays for an activation function of many numbers. In
a net of dense layers, matrix products leave little to gain.

Source: M. Abadi et al., "TensorFlow: a system for large-scale machine learning", 2016; F. Chollet, "Deep
learning with Python", 2017; A. Paszke et al., "PyTorch: an imperative style, high-performance deep
learning library", 2019.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
import visualize
from examples.pictures import COLORS, GREY, PALE, panels, save, save_graph
from nn import keras

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
    model = keras.Sequential()
    model.add(keras.layers.Dense(HIDDEN, activation="relu", input_shape=(64,)))
    model.add(keras.layers.Dense(10))
    return model


def functional() -> nn.Module:
    """Layers called on symbols."""
    x = keras.Input(shape=(64,))
    h = keras.layers.Dense(HIDDEN, activation="relu")(x)
    return keras.Model(inputs=x, outputs=keras.layers.Dense(10)(h))


# -- PyTorch ---------------------------------------------------------------------------------------


class Net(nn.Module):
    """Layers as attributes, the computation in `forward`."""

    def __init__(self) -> None:
        self.hidden = nn.Linear(64, HIDDEN)
        self.outputs = nn.Linear(HIDDEN, 10)

    def forward(self, x: Any) -> Any:
        """Scores of the classes."""
        return self.outputs(nn.functional.relu(self.hidden(x)))


def training(model: nn.Module, weights: dict[str, Array]) -> Callable[[Array, Array], Any]:
    """A training step from these weights; the parameters have one order, whatever they are called."""
    model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    optimizer = nn.optim.SGD(model.parameters(), lr=RATE)

    def step(x: Array, t: Array) -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    return step


def dynamic(
    model: nn.Module, weights: dict[str, Array], batches: Iterable[tuple[Array, Array]]
) -> list[float]:
    """Train a module."""
    step = training(model, weights)
    return [step(x, t).item() for x, t in batches]


# -- plans -----------------------------------------------------------------------------------------


WAYS: dict[str, Callable[[Any], Any]] = {
    "recorded": lambda f: f,
    "planned": lambda f: ag.compile(f, exact=True),
    "fused": ag.compile,
}
"""What to make of a function."""


def neuron(w0: float, x0: float, w1: float, x1: float, w2: float) -> Any:
    """The sigmoid neuron of the lectures."""
    return 1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2)))


def gelu(x: Array) -> Any:
    """The sum of an activation function, written out."""
    return np.sum(0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x * x * x))))


def least_times(runs: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The least time of each run; the runs take turns, so that a busy machine is no one's fault."""
    least = dict.fromkeys(runs, np.inf)
    for run in runs.values():
        for _ in range(3):  # two calls are watched, the third is a replay
            run()
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            least[name] = min(least[name], time.perf_counter() - start)
    return least


def measured(
    weights: dict[str, Array], batch: tuple[Array, Array], rounds: int, size: int
) -> dict[str, dict[str, float]]:
    """The times of three functions in each way, in seconds."""
    x = np.random.default_rng(0).standard_normal(size)
    slide = ag.value_and_grad(neuron, argnums=(0, 1, 2, 3, 4))
    curve = ag.value_and_grad(gelu)
    times = {}
    for name, make, args in (
        ("the neuron of the slides", lambda: slide, (2.0, -1.0, -3.0, -2.0, -3.0)),
        ("a step of the net", lambda: training(Net().double(), weights), batch),
        (f"GELU of {size:,} numbers", lambda: curve, (x,)),
    ):
        made = {way: compiled(make()) for way, compiled in WAYS.items()}
        runs = {way: partial(f, *args) for way, f in made.items()}
        times[name] = least_times(runs, rounds)
    return times


def chart(axes: Any, times: dict[str, dict[str, float]]) -> None:
    """Bars of the times, each relative to the recorded run."""
    for i, way in enumerate(WAYS):
        height = [of[way] / of["recorded"] for of in times.values()]
        at = np.arange(len(times)) + (i - 1) * 0.27
        axes.bar(at, height, 0.25, color=COLORS[i], label=way)
        for x, y, of in zip(at, height, times.values(), strict=True):
            axes.text(x, y, f"{of[way] * 1e6:,.0f}", ha="center", va="bottom", fontsize=7)
    top = max(seconds / of["recorded"] for of in times.values() for seconds in of.values())
    axes.set_xticks(range(len(times)), [name.replace(" of ", "\nof ") for name in times], fontsize=8)
    axes.set(title="time, the recorded run is 1 (numbers: µs)", ylim=(0, 1.2 * top))
    axes.legend(frameon=False, fontsize=8, loc="upper right", ncols=3)


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train in all ways on the same batches from the same weights, then time what is replayed."""
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
    for way in ("planned", "fused"):
        step = WAYS[way](training(Net().double(), weights))
        losses[f"ag.compile, {way}"] = [step(x, t).item() for x, t in batches]
    figure, (left, middle, right) = panels(1, 3, width=5)
    left.plot(constructed, color=PALE)
    every = max(6, len(batches) // 40 * 6)
    for i, (name, course) in enumerate(losses.items()):
        print(f"{name:<34}loss after {len(batches)} steps: {course[-1]:.15f}")
        steps = np.arange(i * every // 6, len(course), every)
        left.plot(steps, np.array(course)[steps], "os^Dvp"[i], color=COLORS[i], markersize=5, label=name)
        middle.plot(np.abs(np.subtract(course, constructed)), color=COLORS[i], label=name)
    left.set(xlabel="step", ylabel="loss", title="the same losses, six ways")
    left.legend(frameon=False, fontsize=8)
    rounding = float(np.spacing(1.0))
    most = max(np.abs(np.subtract(course, constructed)).max() for course in losses.values())
    middle.axhline(rounding, color=GREY, linewidth=1, linestyle="--")
    middle.text(0, rounding, "the rounding of a number near 1", va="bottom", fontsize=8, color=GREY)
    middle.set(xlabel="step", title="difference from the first", ylim=(0, max(4 * rounding, 1.2 * most)))
    rounds, size = (20, 1000) if quick else (500, 100_000)
    times = measured(weights, batches[0], rounds, size)
    for name, of in times.items():
        print(f"{name:<26}" + ", ".join(f"{way} {seconds * 1e6:7,.0f} µs" for way, seconds in of.items()))
    chart(right, times)
    save(figure, out / "static_graph.png")
    save_graph(graph, out / "static_graph-graph.svg")
    plan = ag.compile(ag.value_and_grad(gelu)).plan(np.zeros(size))
    print(f"GELU: {str(plan).splitlines()[0]}")
    save_graph(visualize.draw(plan), out / "static_graph-plan.svg")
    return {"losses": losses, "times": times, "plan": plan}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
