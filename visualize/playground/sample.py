"""One sample's way through the network and back, step by step, with its numbers: the tape of its loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag

from ..computation import Computation, Step
from ..steps import backprop_steps
from .network import columns
from .training import Training

__all__ = ["walk"]

Array = npt.NDArray[Any]


def walk(run: Training, x1: float, x2: float, target: float) -> dict[str, Any]:
    """The steps of one sample: forward value by value, then backward gradient by gradient.

    Dropout is off, and batch norm has its running means, as when the network is used.

    Returns:
        `steps`: for each its phase, title, rule and numbers, a matrix, and where in the picture it belongs:
        a layer (-1 the features, then the hidden layers, then the output) and a kind: "value" and
        "gradient" of its neurons, "weight" and "bias" of its parameters. `trace` is the tape in text.

    Example:
        >>> from .options import Config
        >>> found = walk(Training(Config(hidden=(3,))), 1.0, -1.0, 1.0)
        >>> found["steps"][1]["title"], [len(row) for row in found["steps"][1]["numbers"]]
        ('v1 = affine(x, W1, b1)', [3])
    """
    was = run.model.training
    run.model.eval()
    try:
        point = np.array([[x1, x2]], np.float32)
        x = ag.Tensor(columns(run.config.features, point), requires_grad=True, name="x")
        with ag.Tape() as tape:
            loss = run.loss(run.model(x), ag.Tensor(np.array([[target]], np.float32), name="y"))
        steps = backprop_steps(loss)
        loss.backward()
        trace = str(tape)
    finally:
        run.model.train(was)
        run.optimizer.zero_grad()
    places = _places(steps.graph)
    arrived: dict[int, Any] = {}
    told = [_told(step, steps.graph, places, arrived) for step in steps]
    return {"steps": told, "trace": trace, "loss": loss.item()}


def _told(
    step: Step, graph: Computation, places: dict[int, tuple[int, str]], arrived: dict[int, Any]
) -> dict[str, Any]:
    """A step for the page; `arrived` adds up the shares of each gradient."""
    forward = step.phase == "forward"
    edges = [graph.edges[e] for e in (step.values if forward else step.grads)]
    edge = edges[0] if len(edges) == 1 or (edges and step.title != "given") else None
    told: dict[str, Any] = {"phase": step.phase, "title": step.title, "rule": step.rule}
    if edge is None:
        features = next(e.value for e in edges if places.get(e.source) == (-1, "neuron"))
        return {**told, "numbers": _matrix(features), "layer": -1, "kind": "value"}
    if not forward:
        arrived[edge.source] = arrived.get(edge.source, 0) + edge.grad
    told["numbers"] = _matrix(edge.value if forward else arrived[edge.source])
    layer, kind = places.get(edge.source, (None, None))
    return {
        **told,
        "layer": layer,
        "kind": ("value" if forward else "gradient") if kind == "neuron" else kind,
    }


def _matrix(value: Any) -> list[list[float]]:
    array = np.asarray(value, float)
    rows: list[list[float]] = array.reshape(-1, array.shape[-1] if array.ndim else 1).tolist()
    return rows


def _places(graph: Computation) -> dict[int, tuple[int, str]]:
    """Where in the picture the vertices belong: neurons by what goes into and comes out of the linear layers.

    A layer's neurons are everything between its linear layer and the next; after the last one, up to the
    difference to the target.
    """
    places: dict[int, tuple[int, str]] = {}
    arriving: dict[int, list[int]] = {}
    for edge in graph.edges:
        if edge.target is not None:
            arriving.setdefault(edge.target, []).append(edge.source)
    layer = -1
    for i, vertex in enumerate(graph.vertices):
        if vertex.op == "affine":
            x, weight, bias = arriving[i]
            layer += 1
            places[weight], places[bias] = (layer, "weight"), (layer, "bias")
            places.setdefault(x, (layer - 1, "neuron"))
        if vertex.op is not None and layer >= 0 and np.ndim(vertex.value) == 2:
            names = [graph.vertices[j].name for j in arriving[i]]
            if "y" in names:
                break
            places[i] = (layer, "neuron")
    return places
