"""ALVINN: a small net watches a driver, and then steers along roads it has not seen.

A camera's 30x32 pixels go through 4 hidden neurons to 30 outputs. Each output stands for a curvature of the
steering. The target is a hill over the right output, exp(-D^2 / 10) at a distance of D neurons. The car
steers by the centre of mass of the outputs.

A good driver shows no mistakes, so the net would not learn how to correct one. So each image is turned and
moved 15 times, as if the car stood elsewhere. The target is then the way back to the driver's goal. Roads
are monotonous too, so the net learns from a buffer of 200 images. New images replace the 10 with the
smallest error, and 5 others. The momentum slowly rises. A second picture shows the weights of the hidden
neurons at several times.

Source: D. Pomerleau, "Efficient training of artificial neural networks for autonomous navigation", 1991;
"Knowledge-based training of artificial neural networks for autonomous robot driving", 1993.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import nn
from examples.pictures import BLUE, GREY, ORANGE, panels, save, tiles

Array = npt.NDArray[Any]

ROWS, COLUMNS, OUTPUTS = 30, 32, 30
COPIES, BUFFER, BEST_KNOWN = 15, 200, 10
LOOKAHEAD = 12.0
"""How far from the car its driver's goal is, in metres."""
HALF_WIDTH = 2.5
"""Of the road, in metres."""
SHARPEST = 0.08
"""The largest curvature that an output stands for, in 1 / metres, to each side."""
GUST = 0.02
"""The standard deviation of the angle by which wind turns the car in a metre."""
CURVATURES = np.linspace(-SHARPEST, SHARPEST, OUTPUTS)
STAGES = (0.0, 0.02, 0.1, 0.3)
"""After which fractions of the images the weights are kept for the picture, besides the last."""

# -- camera ----------------------------------------------------------------------------------------

FAR, NEAR, SLOPE = 25.0, 4.0, 0.8
"""What the first and the last row of an image show, in metres ahead, and how wide the camera sees."""


def ground(row: Array, column: Array) -> Array:
    """The places (metres ahead, metres to the left) that pixels show, of shape (2, ...)."""
    ahead = 1 / (1 / FAR + (1 / NEAR - 1 / FAR) * row / (ROWS - 1))
    return np.stack([ahead, ahead * SLOPE * (1 - 2 * column / (COLUMNS - 1))])


def pixel(place: Array) -> tuple[Array, Array]:
    """The inverse of `ground`: rows and columns, maybe outside of the image."""
    ahead, left = np.maximum(place[0], 1e-3), place[1]
    row = (1 / ahead - 1 / FAR) / (1 / NEAR - 1 / FAR) * (ROWS - 1)
    return row, (1 - left / (ahead * SLOPE)) * (COLUMNS - 1) / 2


PLACES = ground(*np.mgrid[:ROWS, :COLUMNS].astype(float))


def turned(places: Array, angle: float) -> Array:
    """Places of shape (2, ...) turned to the left."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.tensordot(turn, places, 1)


# -- road ------------------------------------------------------------------------------------------


class Road:
    """A winding road, and how it looks.

    Args:
        length: in metres.
        rng: of its bends and colours.
    """

    def __init__(self, length: int, rng: np.random.Generator) -> None:
        s = np.arange(length + 2 * FAR)
        waves = rng.uniform(40, 200, 8)[:, None]
        bends = np.sin(2 * np.pi * s / waves + rng.uniform(0, 2 * np.pi, (8, 1))).sum(axis=0)
        self.heading = np.cumsum(0.025 * bends / np.abs(bends).max())
        self.points = np.cumsum([np.cos(self.heading), np.sin(self.heading)], axis=1)
        self.length = length
        self.shades = rng.uniform(0.2, 0.5), rng.uniform(-0.5, -0.2)  # of road and meadow
        self.rng = rng

    def locate(self, places: Array, near: int) -> tuple[Array, Array]:
        """For each place, of shape (2, n): the nearest metre of the road, and the distance to its left."""
        start = max(0, near - 30)
        points = self.points[:, start : near + 50]
        nearest = ((places[:, :, None] - points[:, None]) ** 2).sum(axis=0).argmin(axis=1) + start
        apart = places - self.points[:, nearest]
        heading = self.heading[nearest]
        return nearest, np.cos(heading) * apart[1] - np.sin(heading) * apart[0]

    def view(self, place: Array, angle: float, near: int) -> Array:
        """What the camera of a car sees: (ROWS, COLUMNS), about from -1 to 1."""
        seen = (turned(PLACES, angle) + place[:, None, None]).reshape(2, -1)
        metre, left = self.locate(seen, near)
        road, meadow = self.shades
        image = np.where(np.abs(left) < HALF_WIDTH, road, meadow + 0.1 * np.sin(metre / 3))
        image += self.rng.uniform(-0.2, 0.2) + self.rng.normal(0, 0.1, image.shape)  # light, and noise
        return image.reshape(ROWS, COLUMNS)

    def driver(self, place: Array, angle: float, near: int) -> float:
        """The curvature of the way from the car to the middle of the road ahead."""
        goal = self.points[:, near + int(LOOKAHEAD)]
        return curvature_to(turned(goal - place, -angle))


def curvature_to(goal: Array) -> float:
    """Of the arc that begins straight ahead and leads to a place (ahead, left)."""
    return float(2 * goal[1] / np.sum(goal**2))


# -- images to learn from --------------------------------------------------------------------------


def displaced(image: Array, curvature: float, left: float, angle: float) -> tuple[Array, float]:
    """The image as seen further to the left and turned to the left, and how to steer from there.

    Pixels that the camera has not seen are those of the edge next to them.
    """
    move = np.array([0.0, left])
    rows, columns = pixel(turned(PLACES, angle) + move[:, None, None])
    rows, columns = (np.rint(x.clip(0, n - 1)).astype(int) for x, n in ((rows, ROWS), (columns, COLUMNS)))
    across = curvature * LOOKAHEAD**2 / 2
    goal = np.array([(LOOKAHEAD**2 - across**2) ** 0.5, across])
    return image[rows, columns], curvature_to(turned(goal - move, -angle))


def copies(image: Array, curvature: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Distorted copies of an image, and how to steer from each."""
    moves = zip(rng.uniform(-1.5, 1.5, COPIES), rng.uniform(-0.15, 0.15, COPIES), strict=True)
    images, curvatures = zip(*(displaced(image, curvature, *move) for move in moves), strict=True)
    return np.array(images), np.array(curvatures)


def hills(curvatures: Array) -> Array:
    """The targets: exp(-D^2 / 10), for neurons at a distance of D neurons from the right one."""
    step = CURVATURES[1] - CURVATURES[0]
    distance = (CURVATURES - curvatures.clip(-SHARPEST, SHARPEST)[:, None]) / step
    heights: Array = np.exp(-(distance**2) / 10).astype(np.float32)
    return heights


def steering(outputs: Array) -> float:
    """The curvature at the centre of mass of the highest hill, five neurons to each side."""
    top = int(outputs.argmax())
    hill = slice(max(0, top - 5), top + 6)
    return float(np.average(CURVATURES[hill], weights=outputs[hill]))


class Buffer:
    """The images that the net is trained on, in rows, with their targets."""

    def __init__(self) -> None:
        self.images = np.empty((0, ROWS * COLUMNS), np.float32)
        self.targets = np.empty((0, OUTPUTS), np.float32)

    def add(self, images: Array, targets: Array, errors: Array, rng: np.random.Generator) -> None:
        """Let new images in; if it is full, for those of the least error and some others."""
        surplus = max(0, len(self.images) + len(images) - BUFFER)
        known = np.argsort(errors)
        best = known[: surplus * BEST_KNOWN // COPIES]
        others = rng.permutation(known[len(best) :])[: surplus - len(best)]
        out = np.concatenate([best, others])
        self.images = np.concatenate([np.delete(self.images, out, axis=0), images])
        self.targets = np.concatenate([np.delete(self.targets, out, axis=0), targets])


# -- the net ---------------------------------------------------------------------------------------


class Weights(NamedTuple):
    """Of the net, after a number of images."""

    images: int
    hidden: Array
    """From the pixels to each hidden neuron, of shape (4, ROWS, COLUMNS)."""
    outputs: Array
    """From each hidden neuron to the outputs, of shape (4, OUTPUTS)."""

    @classmethod
    def of(cls, images: int, model: nn.Sequential) -> Weights:
        """A copy of the weights."""
        hidden, outputs = (layer.weight.numpy().copy() for layer in model if isinstance(layer, nn.Linear))
        return cls(images, hidden.reshape(-1, ROWS, COLUMNS), outputs.T)

    @property
    def smoothness(self) -> float:
        """The correlation of the weights of neighbouring pixels: 0 for noise."""
        left, right = self.hidden[..., :-1], self.hidden[..., 1:]
        return float(np.corrcoef(left.ravel(), right.ravel())[0, 1])


def watch(
    road: Road, images: int, distort: bool, rng: np.random.Generator
) -> tuple[nn.Sequential, list[Weights]]:
    """Train a net while a driver drives down the middle of the road; returns the weights by stage, too."""
    model = nn.Sequential(nn.Linear(ROWS * COLUMNS, 4), nn.Sigmoid(), nn.Linear(4, OUTPUTS), nn.Sigmoid())
    optimizer = nn.optim.SGD(model.parameters(), lr=0.2)
    buffer, course = Buffer(), []
    stages = {round(stage * images) for stage in STAGES}
    for i, near in enumerate(np.linspace(0, road.length, images, dtype=int)):
        if i in stages:
            course.append(Weights.of(i, model))
        place, angle = road.points[:, near], float(road.heading[near])
        image, curvature = road.view(place, angle, near), road.driver(place, angle, near)
        new, ways = copies(image, curvature, rng) if distort else (image[None], np.array([curvature]))
        errors = ((model(buffer.images).numpy() - buffer.targets) ** 2).sum(axis=1)
        buffer.add(new.reshape(len(new), -1).astype(np.float32), hills(ways), errors, rng)
        optimizer.param_groups[0]["momentum"] = 0.9 * i / images
        for _ in range(10):
            optimizer.zero_grad()
            ((model(buffer.images) - buffer.targets) ** 2).sum(axis=1).mean().backward()
            optimizer.step()
    return model, [*course, Weights.of(images, model)]


def drive(model: nn.Module, road: Road) -> Array:
    """How far left of the middle the car is, metre by metre, until it leaves the road."""
    place, angle, near = road.points[:, 0], float(road.heading[0]), 0
    lefts = []
    while near < road.length:
        image = road.view(place, angle, near).astype(np.float32)
        angle += steering(model(image.reshape(1, -1)).numpy()[0]) + road.rng.normal(0, GUST)
        place = place + np.array([np.cos(angle), np.sin(angle)])
        (near,), (left,) = road.locate(place[:, None], near)
        lefts.append(left)
        if abs(left) > HALF_WIDTH:
            break
    return np.array(lefts)


def off_course(model: nn.Module, road: Road) -> float:
    """How far from the driver's the net's curvature is a metre aside: the root mean square, in 1 / metres."""
    errors = []
    for near in range(0, road.length, 10):
        heading = road.heading[near]
        for left in (-1.0, 1.0):
            place = road.points[:, near] + left * np.array([-np.sin(heading), np.cos(heading)])
            image = road.view(place, heading, near).astype(np.float32)
            answer = steering(model(image.reshape(1, -1)).numpy()[0])
            errors.append(answer - road.driver(place, heading, near))
    return float(np.sqrt(np.mean(np.square(errors))))


def draw(road: Road, nets: dict[str, nn.Sequential], courses: dict[str, list[Array]], seed: int) -> Figure:
    """An image and its copies, what the hidden neurons look for, an answer, and the ways along a road."""
    figure, axes = panels(1, 4, width=3.6)
    near = road.length // 2
    place, angle = road.points[:, near], float(road.heading[near])
    image, curvature = road.view(place, angle, near), road.driver(place, angle, near)
    twins, _ = copies(image, curvature, np.random.default_rng(seed))
    tiles(axes[0], np.concatenate([image[None], twins]), 4, "an image, and 15 copies", "gray")
    with_copies = nets["with copies"]
    weights = with_copies[0].weight.numpy().reshape(-1, ROWS, COLUMNS)
    limit = float(np.abs(weights).max())
    tiles(axes[1], weights, 2, "weights of the hidden neurons", "RdBu_r", vmin=-limit, vmax=limit)
    answer = with_copies(image.reshape(1, -1).astype(np.float32)).numpy()[0]
    axes[2].plot(CURVATURES, hills(np.array([curvature]))[0], color=GREY, label="target")
    axes[2].plot(CURVATURES, answer, ".-", color=BLUE, label="outputs")
    axes[2].set(xlabel="curvature [1/m]", title="answer to the first image")
    axes[2].legend(frameon=False, fontsize=8)
    shown = int(np.argmin([len(way) for way in courses["without"]]))
    for (name, ways), color in zip(courses.items(), (BLUE, ORANGE), strict=True):
        axes[3].plot(ways[shown], color=color, label=name, linewidth=1)
    for edge in (-HALF_WIDTH, HALF_WIDTH):
        axes[3].axhline(edge, color=GREY, linewidth=1)
    axes[3].set(xlabel="metres driven", ylabel="metres left of the middle", title="on a road not seen before")
    axes[3].legend(frameon=False, fontsize=8, loc=(0.5, 0.8))
    return figure


def draw_development(course: list[Weights]) -> Figure:
    """By stage, for each hidden neuron the weights to the 30 outputs, above those from the 30x32 pixels.

    Each stage has a scale for its outputs, and one for its pixels.
    """
    figure, axes = panels(1, len(course), width=1.8, height=7.2)
    for one, weights in zip(axes, course, strict=True):
        top, limit = (float(np.abs(part).max()) for part in (weights.outputs, weights.hidden))
        strip = np.pad(weights.outputs / top, ((0, 0), (1, 1)), constant_values=np.nan)[:, None]
        gap = np.full((len(strip), 2, COLUMNS), np.nan)
        parts = np.concatenate([strip.repeat(4, axis=1), gap, weights.hidden / limit], axis=1)
        tiles(one, parts, 1, cmap="RdBu_r", vmin=-1, vmax=1)
        said = f"outputs: up to {top:.2g}\npixels: up to {limit:.2g}"
        one.set_title(f"{weights.images:,} images\n{said}", fontsize=9)
    return figure


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Watch a driver with and without distorted copies, and drive on other roads."""
    images, roads, length = (150, 2, 500) if quick else (1000, 10, 2000)
    nets, courses, errors, weights = {}, {}, {}, {}
    for name in ("with copies", "without"):
        nn.manual_seed(seed)
        rng = np.random.default_rng(seed)
        nets[name], weights[name] = watch(Road(4 * images, rng), images, name == "with copies", rng)
        others = [Road(length, np.random.default_rng([seed, i])) for i in range(roads)]
        courses[name] = [drive(nets[name], road) for road in others]
        kept = [abs(way[-1]) <= HALF_WIDTH for way in courses[name]]
        driven = sum(map(len, courses[name])) / 1000
        farthest = max(np.abs(way).max() for way in courses[name])
        print(f"{name:<12} stays on {sum(kept)} of {roads} roads of {length / 1000:g} km", end="")
        print(f", drives {driven:.1f} km, at most {farthest:.2f} m off the middle")
        errors[name] = off_course(nets[name], Road(length, np.random.default_rng([seed, roads])))
        print(f"{name:<12} a metre aside steers {errors[name]:.4f}/m otherwise than the driver (rms)")
    save(draw(others[0], nets, courses, seed), out / "alvinn.png")
    course = weights["with copies"]
    smooth = ", ".join(f"{at.smoothness:.2f} after {at.images:,}" for at in course)
    print(f"correlation of the weights of neighbouring pixels, by images: {smooth}")
    save(draw_development(course), out / "alvinn-weights.png")
    farthest_of = {name: [float(np.abs(way).max()) for way in ways] for name, ways in courses.items()}
    return farthest_of | {"off course": errors, "smoothness": [at.smoothness for at in course]}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
