"""Logic gates from threshold units, and every Boolean function of up to four inputs.

A linear threshold unit (LTU) fires when its inner potential w0 + w1 x1 + ... + wn xn is at least 0. It
tells on which side of a hyperplane a point lies. OR, AND and NOT are one unit each. XOR is the AND of two
half-planes, -1 + 2 x1 + 2 x2 >= 0 and 3 - 2 x1 - 2 x2 >= 0. Any Boolean function is a net of two layers
(the disjunctive normal form). The hidden layer has a unit for each corner of the hypercube where the function
is true; the output is their OR. Such a unit has hypercube weights: each is -1 or 1. The unit fires at its
corner and at no other.

Source: W. McCulloch, W. Pitts, "A logical calculus of the ideas immanent in nervous activity", 1943.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.pictures import BLUE, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]

NOT = [[0.0, -1.0]]
OR = [[-1.0, 1.0, 1.0]]
AND = [[-2.0, 1.0, 1.0]]
LINES = [[-1.0, 2.0, 2.0], [3.0, -2.0, -2.0]]
"""Weights of each unit, the bias w0 first, as on the slides."""


def units(weights: npt.ArrayLike) -> nn.Sequential:
    """A layer of threshold units."""
    w = np.asarray(weights, dtype=float)
    layer = nn.Linear(w.shape[1] - 1, len(w), dtype=float)
    layer.load_state_dict({"weight": w[:, 1:], "bias": w[:, 0]})
    return nn.Sequential(layer, nn.LTU())


def corners(n: int) -> Array:
    """All 2^n inputs of n bits."""
    return (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) % 2 * 1.0


def recognizers(those: Array) -> Array:
    """Weights of a unit for each of these corners, the bias first.

    The unit of a corner c has the weights 2c - 1. Without the bias its inner potential is the number k of
    ones at c alone, and less elsewhere. So the unit fires at c alone if the bias is -k.
    """
    return np.column_stack([-those.sum(axis=1), 2 * those - 1])


def normal_form(truth: Array) -> nn.Sequential:
    """The net of two layers for a truth table of 2^n entries, in the order of `corners`.

    The hidden units recognize the corners where the function is true. Where nothing is true, one unit that
    never fires remains.
    """
    true = corners(int(np.log2(len(truth))))[truth == 1]
    hidden = recognizers(true)
    if not len(true):
        hidden = np.array([[-1.0] + [0.0] * (hidden.shape[1] - 1)])
    return nn.Sequential(units(hidden), units([[-1.0] + [1.0] * len(hidden)]))


def draw(path: Path, xor: nn.Sequential) -> None:
    """The half-planes of OR and AND, the two lines of XOR, and what the nets say everywhere."""
    figure, axes = panels(1, 3, width=3.2, height=3.2)
    side = np.linspace(-0.5, 1.5, 201)
    plane = np.stack(np.meshgrid(side, side), axis=-1)
    for one, name, net, lines in zip(
        axes, ("OR", "AND", "XOR"), (units(OR), units(AND), xor), (OR, AND, LINES), strict=True
    ):
        one.contourf(side, side, net(plane)[..., 0], levels=[-0.5, 0.5, 1.5], colors=["#f1f3f5", "#d0e2f5"])
        for w0, w1, w2 in lines:
            one.plot(side, -(w0 + w1 * side) / w2, color=GREY)
        for x in corners(2):
            one.plot(*x, "o", color=BLUE if net(x)[0] else ORANGE, markersize=9)
        one.set(title=name, xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xlabel="x1", ylabel="x2", aspect="equal")
    save(figure, path)


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Ask every gate for its truth table."""
    xor = nn.Sequential(units(LINES), units(AND))
    gates = {"NOT": units(NOT), "OR": units(OR), "AND": units(AND), "XOR": xor}
    tables = {name: net(corners(1 if name == "NOT" else 2))[:, 0] for name, net in gates.items()}
    for name, table in tables.items():
        print(f"{name:<4}{table.astype(int)}")

    right, wrong = 0, 0
    for n in range(1, 4 if quick else 5):
        for truth in corners(2**n):
            exact = np.array_equal(normal_form(truth)(corners(n))[:, 0], truth)
            right, wrong = right + exact, wrong + (not exact)
    print(f"nets of two layers: {right} Boolean functions exact, {wrong} not")
    cube = corners(6 if quick else 10)
    answers = units(recognizers(cube))(cube)
    alone = int(np.sum((answers == np.eye(len(cube))).all(axis=0)))
    print(f"hypercube weights: {alone:,} of {len(cube):,} units fire at their corner alone")
    draw(out / "gates.png", xor)
    return {**tables, "right": right, "wrong": wrong, "alone": alone}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
