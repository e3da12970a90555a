"""What one, two and three layers tell apart: half-planes, convex regions, any region.

One unit is 1 on one side of a line. An AND of units is 1 where all of them are: in a convex polygon. An OR
of polygons, the third layer, is 1 in their union, which may have corners and holes. The nets are built, not
trained: the edge of a polygon from a to b is the unit that is 1 to its left. The program compares the
result with another test for a point inside: count the edges that a ray from the point crosses.

A region with bends is covered by small hypercubes, here squares. Each side of a square is a unit with one
weight of -1 or 1. Each square is the AND of its sides, and the region is the OR of its squares. Smaller
squares leave fewer points wrong.

Source: R. Lippmann, "An introduction to computing with neural nets", 1987.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples.lectures.gates import units
from examples.pictures import BLUE, GREY, panels, save

Array = npt.NDArray[Any]

TRIANGLE = np.array([[-0.9, -0.8], [0.9, -0.8], [0.0, 0.9]])
LETTER = [
    np.array([[-0.9, -0.9], [-0.5, -0.9], [0.2, 0.9], [-0.2, 0.9]]),
    np.array([[0.5, -0.9], [0.9, -0.9], [0.2, 0.9], [-0.2, 0.9]]),
    np.array([[-0.6, -0.4], [0.6, -0.4], [0.6, -0.1], [-0.6, -0.1]]),
]
"""An A, which has a hole, as the union of three convex polygons; all go round counterclockwise."""


def half_planes(polygon: Array) -> Array:
    """Weights (w0, w1, w2) of a unit for each edge, which answers to its left, that is inside."""
    along = np.roll(polygon, -1, axis=0) - polygon
    left = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return np.column_stack([-np.sum(left * polygon, axis=1), left])


def union(polygons: list[Array]) -> nn.Sequential:
    """Three layers: all edges, an AND for each polygon, and their OR."""
    edges = [half_planes(polygon) for polygon in polygons]
    owner = np.repeat(np.arange(len(edges)), [len(own) for own in edges])
    belongs = (owner == np.arange(len(edges))[:, None]) * 1.0
    ands = np.column_stack([-belongs.sum(axis=1), belongs])
    return nn.Sequential(units(np.vstack(edges)), units(ands), units([[-1.0] + [1.0] * len(edges)]))


def crosses(polygon: Array, points: Array) -> Array:
    """Whether the ray from each point to the right crosses the outline an odd number of times."""
    inside = np.zeros(len(points), bool)
    x, y = points.T
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        spans = (y1 > y) != (y2 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= spans & (x < x1 + (y - y1) / (y2 - y1) * (x2 - x1))
    return inside


def ring(points: Array) -> Array:
    """Whether points of shape (..., 2) lie in a region with bends and a hole."""
    r = np.hypot(points[..., 0], points[..., 1])
    return (r > 0.35) & (r < 0.85)


def cover(n: int) -> tuple[nn.Sequential, int]:
    """The net of those of n by n squares on [-1, 1]^2 whose centres are in the ring, and their number."""
    edges = np.linspace(-1, 1, n + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    chosen = np.argwhere(ring(np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1)))
    count = len(chosen)
    sides, squares = np.zeros((2, 2, n, 3)), np.zeros((count, 2, 2, n))
    for axis in (0, 1):
        sides[axis, ..., 0] = -edges[:-1], edges[1:]  # beyond the lower edge, before the upper one
        sides[axis, ..., 1 + axis] = [[1.0], [-1.0]]
        squares[np.arange(count), axis, :, chosen[:, axis]] = 1
    ands = np.column_stack([np.full(count, -4.0), squares.reshape(count, -1)])
    return nn.Sequential(units(sides.reshape(-1, 3)), units(ands), units([[-1.0] + [1.0] * count])), count


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Build the nets and compare their answers with the regions, at random points."""
    far = np.array([[-9.0, -5.0], [9.0, 4.0], [9.0, 9.0], [-9.0, 9.0]])  # in view, half a plane
    regions = {
        "one layer: half a plane": (nn.Sequential(units(half_planes(far)[:1])), [far]),
        "two layers: a convex region": (union([TRIANGLE])[:2], [TRIANGLE]),
        "three layers: any region": (union(LETTER), LETTER),
    }
    points = np.random.default_rng(seed).uniform(-1, 1, (10_000 if quick else 1_000_000, 2))
    side = np.linspace(-1, 1, 400)
    plane = np.stack(np.meshgrid(side, side), axis=-1)
    figure, (*axes, last) = panels(1, 4, width=3.2, height=3.2)
    wrong = {}
    for one, (name, (net, polygons)) in zip(axes, regions.items(), strict=True):
        inside = np.any([crosses(polygon, points) for polygon in polygons], axis=0)
        wrong[name] = int(np.sum(net(points)[:, 0] != inside))
        print(f"{name:<28}{wrong[name]} of {len(points)} points wrong")
        one.contourf(side, side, net(plane)[..., 0], levels=[0.5, 1.5], colors=[BLUE], alpha=0.35)
        one.set(title=name, aspect="equal", xlim=(-1, 1), ylim=(-1, 1), xlabel="x1", ylabel="x2")
        edges: Any = dict(net.named_modules())["0.0"]
        for w, w0 in zip(edges.weight.numpy(), edges.bias.numpy(), strict=True):
            one.contour(side, side, w0 + plane @ w, levels=[0], colors=GREY, linewidths=0.8)
    some, missed = points[:20_000], {}
    for n in (4, 8, 16, 32):
        net, count = cover(n)
        missed[n] = float(np.mean(net(some)[:, 0] != ring(some)))
        print(f"{count:>3} squares with sides of 2/{n:<2} cover a ring: {missed[n]:.1%} of the points wrong")
        if n == 16:
            some_x, answers = side[::2], net(plane[::2, ::2])[..., 0]
            last.contourf(some_x, some_x, answers, levels=[0.5, 1.5], colors=[BLUE], alpha=0.35)
    last.contour(side, side, ring(plane) * 1.0, levels=[0.5], colors=GREY, linewidths=0.8)
    last.set(title="three layers: squares", aspect="equal", xlabel="x1", ylabel="x2")
    save(figure, out / "decision_regions.png")
    return {"wrong": wrong, "missed": missed}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
