"""Any continuous function by steep sigmoids, and the linear pieces of a net of rectifiers.

- Steep sigmoids. Each time that f has changed by eps, a sigmoid makes a step of this height. With steep
  enough sigmoids the sum is within 2 eps of f everywhere.
- Pieces. A net of rectifiers is linear between the points where a neuron begins or ends to be 0. Walking from
  layer to layer, the program finds all of them. In a net made by hand each layer folds the line, which
  doubles the pieces: 2^L with L layers of 2 neurons. Random layers do not.
- Plane. n neurons of one layer cut the plane by n lines into 1 + n + n (n - 1) / 2 regions.

Source: G. Cybenko, "Approximation by superpositions of a sigmoidal function", 1989; G. Montúfar et al., "On
the number of linear regions of deep neural networks", 2014.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.pictures import BLUE, GREY, ORANGE, panels, save

Array = npt.NDArray[Any]

EPS = 0.005
CURVES: dict[str, Callable[[Array], Array]] = {
    "square root": np.sqrt,
    "sin(1 / (x + 0.1))": lambda x: np.sin(1 / (x + 0.1)),
}


def steps_of(f: Callable[[Array], Array], eps: float) -> nn.Sequential:
    """A net 1-n-1 of steep sigmoids, each a step up or down by eps."""
    grid = np.linspace(0, 1, 200_001)
    values, level, knots, heights = f(grid), float(f(grid[:1])[0]), [], []
    start = level
    while len(over := np.flatnonzero(np.abs(values - level) >= eps)):
        first = over[0]
        heights.append(float(values[first]) - level)
        level = float(values[first])
        knots.append(float(grid[first]))
        grid, values = grid[first:], values[first:]
    gaps = np.diff([0.0, *knots, 1.0])
    steep = 12 / np.minimum(gaps[:-1], np.maximum(gaps[1:], 1e-9))
    net = nn.Sequential(nn.Linear(1, len(knots)), nn.Sigmoid(), nn.Linear(len(knots), 1)).double()
    net.load_state_dict(
        {
            "0.weight": steep[:, None],
            "0.bias": -steep * knots,
            "2.weight": np.array(heights)[None],
            "2.bias": np.array([start]),
        }
    )
    return net


def folds(layers: int) -> nn.Sequential:
    """Rectifiers that fold [0, 1]: up to 1 and down to 0 again, once for each layer."""
    stack: list[nn.Module] = []
    for _ in range(layers):
        stack += [nn.Linear(1, 2, dtype=float), nn.ReLU(), nn.Linear(2, 1, dtype=float)]
        stack[-3].load_state_dict({"weight": np.array([[2.0], [4.0]]), "bias": np.array([0.0, -2.0])})
        stack[-1].load_state_dict({"weight": np.array([[1.0, -1.0]]), "bias": np.zeros(1)})
    return nn.Sequential(*stack)


def pieces(net: nn.Sequential) -> Array:
    """The ends of the linear pieces on [0, 1], where the slope of the output changes.

    What a layer gives is linear between the ends so far; a rectifier adds those where its input crosses 0.
    """
    ends = np.array([0.0, 1.0])
    for depth, layer in enumerate(net):
        if isinstance(layer, nn.ReLU):
            z = net[:depth](ends[:, None]).numpy()
            a, b = z[:-1], z[1:]
            row, neuron = np.nonzero(a * b < 0)
            gone = a[row, neuron] / (a[row, neuron] - b[row, neuron])
            ends = np.unique(np.concatenate([ends, ends[row] + gone * np.diff(ends)[row]]))
    slopes = np.diff(net(ends[:, None]).numpy()[:, 0]) / np.diff(ends)
    bent = ~np.isclose(slopes[1:], slopes[:-1], rtol=1e-7, atol=1e-9)
    return np.concatenate([[0.0], ends[1:-1][bent], [1.0]])


def random_net(layers: int, width: int, rng: np.random.Generator) -> nn.Sequential:
    """As many layers of rectifiers, with He's weights and random biases."""
    sizes = [1, *[width] * layers, 1]
    stack: list[nn.Module] = []
    for a, b in itertools.pairwise(sizes):
        layer = nn.Linear(a, b, dtype=float)
        weight, bias = rng.normal(0, (2 / a) ** 0.5, (b, a)), rng.normal(0, 0.5, b)
        layer.load_state_dict({"weight": weight, "bias": bias})
        stack += [layer, nn.ReLU()]
    return nn.Sequential(*stack[:-1])


def regions(n: int, rng: np.random.Generator) -> int:
    """In how many patterns of on and off n neurons divide the plane, near all crossings of their lines."""
    w, b = rng.normal(size=(n, 2)), rng.normal(size=n)
    points = [np.zeros(2)]
    for i, j in itertools.combinations(range(n), 2):
        crossing = np.linalg.solve(w[[i, j]], -b[[i, j]])
        for signs in itertools.product((-1e-7, 1e-7), repeat=2):  # in the four corners of the crossing
            points.append(crossing + np.linalg.solve(w[[i, j]], signs))
    return len(np.unique(np.array(points) @ w.T + b > 0, axis=0))


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Approximate, count pieces, count regions."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, 10_001 if quick else 100_001)
    found: dict[str, Any] = {"error": {}}
    figure, (left, middle, right) = panels(1, 3)
    for color, (name, f) in zip((BLUE, ORANGE), CURVES.items(), strict=True):
        net = steps_of(f, EPS)
        y = net(x[:, None]).numpy()[:, 0]
        found["error"][name] = error = float(np.abs(y - f(x)).max())
        print(f"{name:<20}{net[0].out_features:>5} steep sigmoids, error {error:.4f} of at most {2 * EPS}")
        coarse = steps_of(f, 20 * EPS)(x[:, None]).numpy()[:, 0]
        left.plot(x, f(x), color=GREY, linewidth=1)
        left.plot(x, coarse, color=color, label=f"{name}, eps {20 * EPS:g}")
    left.legend(frameon=False, fontsize=8)
    left.set(title="steep sigmoids")
    depths = range(1, 7 if quick else 11)
    found["folded"] = [len(pieces(folds(n))) - 1 for n in depths]
    found["random"] = [
        float(np.mean([len(pieces(random_net(n, 2, rng))) - 1 for _ in range(20)])) for n in depths
    ]
    found["one layer"] = [len(pieces(random_net(1, 2 * n, rng))) - 1 for n in depths]
    print(f"pieces of {max(depths)} layers of 2 rectifiers: {found['folded'][-1]} folded by hand, ", end="")
    print(f"{found['random'][-1]:.1f} with random weights; {found['one layer'][-1]} of one layer of as many")
    for color, name in ((BLUE, "folded"), (ORANGE, "random"), (GREY, "one layer")):
        middle.semilogy(np.array(depths) * 2, found[name], "o-", color=color, label=name)
    middle.set(xlabel="rectifiers", title="linear pieces on [0, 1]")
    middle.legend(frameon=False)
    counts = [3, 10] if quick else [3, 10, 30]
    found["regions"] = {n: regions(n, rng) for n in counts}
    for n, cut in found["regions"].items():
        formula = 1 + n + n * (n - 1) // 2
        print(f"{n:>2} neurons cut the plane into {cut} regions; 1 + n + n (n - 1) / 2 is {formula}")
    net = random_net(3, 8, rng)
    ends = pieces(net)
    right.plot(x, net(x[:, None]).numpy()[:, 0], color=BLUE)
    right.plot(ends, net(ends[:, None]).numpy()[:, 0], "o", color=ORANGE, markersize=4)
    right.set(title=f"the {len(ends) - 1} pieces of a random 1-8-8-8-1 net")
    save(figure, out / "linear_pieces.png")
    return found


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
