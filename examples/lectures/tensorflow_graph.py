"""784-300-100-10 in TensorFlow 1's two phases: a graph is constructed, then executed.

The construction phase makes nodes with names. A name scope puts its name before those of the nodes made
within it. Nothing is computed. In the execution phase a session runs a node on values that are fed in. The
session runs nodes through `ag.compile`: it watches a node twice, and then replays its plan. The variables are
saved by name half-way, and restored into a graph that was constructed anew. That graph goes on with the same
numbers. A plain run, layer by layer, and Keras (`nn.keras` here) have the same losses, to the bit.

Source: A. Geron, "Hands-on machine learning with Scikit-Learn and TensorFlow", chapter 10, 2017; M. Abadi et
al., "TensorFlow: a system for large-scale machine learning", 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, count, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
import visualize
from examples import program
from examples.lectures.static_graph import RATE, Step, dynamic
from examples.pictures import COLORS, GREY, PALE, panels, save, save_graph
from nn import keras

Array = npt.NDArray[Any]
Batches = Iterator[tuple[Array, Array]]

SIZES = (300, 100, 10)
LAYERS = ("hidden1", "hidden2", "outputs")

# -- what TensorFlow brings ------------------------------------------------------------------------


class Node(Step):
    """A step with a name."""

    def __init__(self, name: str, function: Callable[..., Any] | None, *inputs: Step) -> None:
        super().__init__(function, *inputs)
        self.name = name


class Graph:
    """Nodes by name, under construction.

    Attributes:
        nodes: all nodes by their full names.
        variables: what is learned, by the full names of their nodes.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.variables: dict[str, ag.Tensor] = {}
        self._scopes: list[str] = []

    @contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Puts `name/` before the names of the nodes that are made within."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def add(self, name: str, function: Callable[..., Any] | None = None, *inputs: Step) -> Node:
        """A node; without a function it is a placeholder. A name that is taken gets a number."""
        full = "/".join([*self._scopes, name])
        names = chain([full], (f"{full}_{i}" for i in count(1)))
        free = next(one for one in names if one not in self.nodes)
        node = self.nodes[free] = Node(free, function, *inputs)
        return node

    def variable(self, name: str, value: Array) -> Node:
        """A node whose value is learned; it begins with a copy of this one."""
        node = self.add(name)
        tensor = self.variables[node.name] = ag.Tensor(value.copy(), requires_grad=True, name=node.name)
        node.function = lambda: tensor
        return node

    def minimize(self, loss: Step) -> Step:
        """A node that makes a step of gradient descent, and gives the loss before it."""
        optimizer = nn.optim.SGD(self.variables.values(), lr=RATE)

        def step(value: Any) -> Any:
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            return value

        return self.add("GradientDescent", step, loss)


class Session:
    """Runs nodes on values that are fed; each node has its plan.

    Attributes:
        plans: the compiled function of each node that was run, with the placeholders fed.
    """

    def __init__(self) -> None:
        self.plans: dict[tuple[Step, ...], Any] = {}

    def run(self, node: Step, feed: dict[Step, Array]) -> Any:
        """The value of a node."""
        fed = tuple(feed)
        if (node, *fed) not in self.plans:
            self.plans[node, *fed] = ag.compile(
                lambda *values: node.run(dict(zip(fed, values, strict=True))), exact=True
            )
        return self.plans[node, *fed](*feed.values())


def store(graph: Graph, path: Path) -> None:
    """Write all variables by name."""
    nn.save({name: tensor.numpy() for name, tensor in graph.variables.items()}, path)


def restore(graph: Graph, path: Path) -> None:
    """Read all variables of a graph by name."""
    stored = nn.load(path)
    for name, tensor in graph.variables.items():
        tensor.data = stored[name]


# -- the construction phase ------------------------------------------------------------------------


def construct(weights: dict[str, Array]) -> Graph:
    """The net of dense layers, its loss, its training, its accuracy."""
    graph, values = Graph(), iter(weights.values())
    X, y = graph.add("X"), graph.add("y")
    with graph.name_scope("dnn"):
        x = X
        for layer in LAYERS:
            with graph.name_scope(layer):
                kernel, bias = graph.variable("kernel", next(values)), graph.variable("bias", next(values))
                x = graph.add("linear", nn.functional.linear, x, kernel, bias)
                if layer != LAYERS[-1]:
                    x = graph.add("relu", nn.functional.relu, x)
    with graph.name_scope("loss"):
        loss = graph.add("loss", nn.functional.cross_entropy, x, y)
    with graph.name_scope("train"):
        graph.minimize(loss)
    with graph.name_scope("eval"):
        correct = graph.add("correct", lambda scores, y: np.argmax(scores, axis=1) == y, x, y)
        graph.add("accuracy", np.mean, correct)
    return graph


# -- the execution phase ---------------------------------------------------------------------------


def execute(graph: Graph, session: Session, batches: Batches) -> list[float]:
    """Train; returns the losses."""
    X, y, train = (graph.nodes[name] for name in ("X", "y", "train/GradientDescent"))
    return [session.run(train, {X: x, y: t}).item() for x, t in batches]


def accuracy_of(graph: Graph, session: Session, data: tuple[Array, Array]) -> float:
    """The fraction of these images that the net recognizes."""
    X, y, accuracy = (graph.nodes[name] for name in ("X", "y", "eval/accuracy"))
    with ag.no_grad():
        return float(session.run(accuracy, {X: data[0], y: data[1]}))


def layered(inputs: int) -> nn.Sequential:
    """The same net, layer by layer."""
    sizes = (inputs, *SIZES)
    layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])


def stacked(inputs: int) -> keras.Model:
    """The same net in Keras."""
    model = keras.Sequential([keras.Input(shape=(inputs,))])
    for name, units in zip(LAYERS, SIZES, strict=True):
        model.add(keras.layers.Dense(units, "linear" if name == LAYERS[-1] else "relu", name=name))
    return model


WAYS: dict[str, Callable[[int], nn.Module]] = {"eager": layered, "Keras": stacked}
"""The runs without a graph."""


def drawn(graph: Graph, x: Array, t: Array) -> visualize.Graph:
    """The graph of the loss, as a tape has recorded it for these images."""
    feed: dict[Step, Any] = {graph.nodes["X"]: ag.Tensor(x, name="X"), graph.nodes["y"]: t}
    with ag.Tape():
        value = graph.nodes["loss/loss"].run(feed)
    value.backward()
    return visualize.draw(value)


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Construct, execute, save half-way, restore into a new graph, and train by the other ways."""
    nn.manual_seed(seed)
    (X, y), (X_test, y_test) = program.handwriting(quick)
    X, test = X.reshape(len(X), -1), (X_test.reshape(len(X_test), -1), y_test)
    weights = layered(X.shape[1]).state_dict()
    epochs = 2 if quick else 4
    half = len(X) // 50 * epochs // 2

    def batches() -> Batches:
        rng = np.random.default_rng(seed)
        for _ in range(epochs):
            for i in rng.permutation(len(X) // 50 * 50).reshape(-1, 50):
                yield X[i], y[i]

    graph, session, feed = construct(weights), Session(), batches()
    print("\n".join(graph.nodes))
    losses = execute(graph, session, islice(feed, half))
    store(graph, out / "tensorflow_graph.safetensors")
    losses += execute(graph, session, feed)
    reached = accuracy_of(graph, session, test)
    print(f"executed: loss after {len(losses):,} steps {losses[-1]:.9f}, test accuracy {reached:.2%}")

    again = construct(layered(X.shape[1]).state_dict())
    restore(again, out / "tensorflow_graph.safetensors")
    resumed = execute(again, Session(), islice(batches(), half, None))
    print(f"restored: loss after {len(losses):,} steps {resumed[-1]:.9f}")
    ways = {name: dynamic(make(X.shape[1]), weights, batches()) for name, make in WAYS.items()}
    for name, course in ways.items():
        print(f"{name}: loss after {len(losses):,} steps {course[-1]:.9f}")

    figure, axes = panels(width=6)
    every = max(1, len(losses) // 60)
    smooth = np.convolve(losses, np.full(every, 1 / every), "valid")
    axes.plot(smooth, color=PALE, linewidth=3, label="executed")
    courses = {"restored": [*losses[:half], *resumed], **ways}
    for i, (name, course) in enumerate(courses.items()):
        at = np.arange((half if name == "restored" else 0) + i * every // 3, len(smooth), every)
        mean = np.convolve(course, np.full(every, 1 / every), "valid")[at]
        axes.plot(at, mean, "os^"[i], color=COLORS[i], markersize=4, label=name)
    axes.axvline(half, color=GREY, linewidth=1, linestyle="--")
    axes.text(half, axes.get_ylim()[1], " saved", va="top", fontsize=8, color=GREY)
    axes.set(xlabel="step", ylabel=f"loss, mean of {every} steps", yscale="log")
    axes.legend(frameon=False)
    save(figure, out / "tensorflow_graph.png")
    save_graph(drawn(graph, X[:50], y[:50]), out / "tensorflow_graph-graph.svg")
    return {"losses": losses, "resumed": resumed, "ways": ways, "accuracy": reached, "graph": graph}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
