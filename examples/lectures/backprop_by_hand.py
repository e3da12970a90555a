"""Backpropagation by hand: the lectures' graphs in steps, and the delta rule of an MLP.

Every step multiplies the incoming adjoint by its own derivative, and sends the product to its inputs. The
printed tape shows this for (x + y) z and for one sigmoid neuron. In a multilayer net of sigmoid neurons the
same becomes the delta rule. With the error E = 1/2 sum (y - d)^2,

    delta_j = (y_j - d_j) y_j (1 - y_j)               of an output neuron
    delta_j = y_j (1 - y_j) sum_k delta_k w_kj        of a hidden neuron
    dE/dw_ji = delta_j y_i
    dE/db_j  = delta_j

The program evaluates these formulas in plain NumPy, and compares them with the gradients of the tape.

Source: D. Rumelhart, G. Hinton, R. Williams, "Learning representations by back-propagating errors", 1986.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
import visualize
from examples.pictures import COLORS, PALE, panels, save, save_graph

Array = npt.NDArray[Any]


def leaves(**values: float) -> list[ag.Tensor]:
    """Named numbers that want a gradient."""
    return [ag.Tensor(value, requires_grad=True, name=name) for name, value in values.items()]


def stepped() -> tuple[list[ag.Tape], dict[str, visualize.Graph]]:
    """The two graphs of the slides, played backwards: their tapes and their pictures."""
    x, y, z = leaves(x=-2, y=5, z=-4)
    with ag.Tape() as product:
        f = (x + y) * z
    f.backward()
    w1, x1, w2, x2, b = leaves(w1=2, x1=-1, w2=-3, x2=-2, b=-3)
    with ag.Tape() as neuron:
        p: Any = 1 / (1 + np.exp(-(w1 * x1 + w2 * x2 + b)))
    p.backward()
    return [product, neuron], {"product": visualize.draw(f), "neuron": visualize.draw(p)}


def mlp(sizes: list[int]) -> nn.Sequential:
    """Layers of sigmoid neurons, in float64."""
    layers: list[nn.Module] = []
    for into, out in itertools.pairwise(sizes):
        layers += [nn.Linear(into, out, dtype=float), nn.Sigmoid()]
    return nn.Sequential(*layers)


def delta_rule(parameters: dict[str, Array], X: Array, D: Array) -> dict[str, Array]:
    """The gradients of 1/2 sum (y - d)^2 by the formulas above, named as in the `state_dict`."""
    depth = len(parameters) // 2
    y = [X]
    for i in range(depth):
        y.append(1 / (1 + np.exp(-(y[-1] @ parameters[f"{2 * i}.weight"].T + parameters[f"{2 * i}.bias"]))))
    gradients = {}
    delta = (y[-1] - D) * y[-1] * (1 - y[-1])
    for i in reversed(range(depth)):
        gradients[f"{2 * i}.weight"] = delta.T @ y[i]
        gradients[f"{2 * i}.bias"] = delta.sum(axis=0)
        delta = y[i] * (1 - y[i]) * (delta @ parameters[f"{2 * i}.weight"])
    return gradients


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Print the tapes, then compare the two ways to all gradients of a net."""
    nn.manual_seed(seed)
    tapes, graphs = stepped()
    for tape in tapes:
        print(f"{tape}\n")
    for name, graph in graphs.items():
        save_graph(graph, out / f"backprop_by_hand-{name}.svg")

    model = mlp([4, 8, 6, 3] if quick else [40, 80, 60, 30])
    rng = np.random.default_rng(seed)
    X, D = rng.normal(size=(20, model[0].in_features)), rng.random((20, model[-2].out_features))
    (0.5 * nn.functional.mse_loss(model(X), D, reduction="sum")).backward()
    found = {name: p.grad.numpy() for name, p in model.named_parameters() if p.grad is not None}
    formulas = delta_rule(model.state_dict(), X, D)
    difference = max(np.abs(found[name] - formulas[name]).max() for name in found)
    size = max(np.abs(g).max() for g in found.values())
    print(f"delta rule and tape: {sum(g.size for g in found.values())} gradients of up to {size:.2f}")
    print(f"largest difference {difference:.1e}")

    figure, (left, right) = panels(1, 2, width=4.6)
    span = [min(g.min() for g in found.values()), max(g.max() for g in found.values())]
    left.plot(span, span, color=PALE, linewidth=1)
    for color, i in zip(COLORS, range(0, len(found), 2), strict=False):
        name = f"{i}.weight"
        label = f"layer {i // 2 + 1}, {found[name].size} weights"
        left.plot(formulas[name].ravel(), found[name].ravel(), ".", color=color, markersize=4, label=label)
        off = np.sort(np.abs(found[name] - formulas[name]).ravel())
        right.plot(off, np.linspace(0, 1, off.size), color=color, label=label)
    left.set(
        xlabel="dE/dw by the delta rule", ylabel="dE/dw by the tape", title="every weight lies on the line"
    )
    left.legend(frameon=False, fontsize=8)
    right.set(
        xlabel="difference", ylabel="share of the weights", title="what differs is rounding", xlim=(0, None)
    )
    save(figure, out / "backprop_by_hand.png")
    traces = [[float(node.adjoint) for node in tape.nodes] for tape in tapes]
    return {"difference": float(difference), "size": float(size), "adjoints": traces}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
