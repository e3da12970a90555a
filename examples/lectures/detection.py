"""Detection: a net that tells shapes apart learns to draw boxes around them.

In pretraining, the net names the one shape in each image. The trained layers are the backbone of a
detector. Its last maps have a cell for every 8x8 pixels. A new layer predicts for each cell whether the
centre of a shape lies in it, where, how large the shape is, and which one. Then the whole net is fine-tuned
on images with several shapes and their boxes. Of boxes that overlap, the one with the highest confidence is
kept.

AP50 is the area under the curve of precision over recall, the mean of the three shapes. A box is right if
its intersection with a true box is at least half of their union. AP50 counts boxes of at least some
confidence.

Source: J. Redmon et al., "You only look once: unified, real-time object detection", 2016; R. Girshick et
al., "Rich feature hierarchies for accurate object detection", 2014; M. Everingham et al., 2010.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

import autograd_lite as ag
import nn
from examples import program
from examples.pictures import GREY, panels, save
from nn.boxes import average_precision, box_iou, nms

Array = npt.NDArray[Any]
Found = list[tuple[Array, Array, Array]]
"""For each image, boxes (n, 4), their confidences (n,), and their classes (n,)."""

SIZE, CELL = 48, 8
"""Of an image and of a cell, in pixels."""
CELLS = SIZE // CELL
USUAL = 16.0
"""The side of a box, in pixels, that the net's answer 0 stands for."""
CLASSES = ("disc", "square", "triangle")
KINDS = ("#3b8ee0", "#ff8c1a", "#3fc160")
"""The colour of each, bright enough for dark images and dark enough for light ones."""
CONFIDENCES = (0.0, 0.05, 0.3)

# -- images ----------------------------------------------------------------------------------------


def shape(kind: int, x: Array, y: Array) -> Array:
    """Where a shape is that fills the box from -1 to 1."""
    inside: Array = np.maximum(np.abs(x), np.abs(y)) <= 1
    if CLASSES[kind] == "disc":
        inside = x**2 + y**2 <= 1
    elif CLASSES[kind] == "triangle":
        inside &= 2 * np.abs(x) <= y + 1
    return inside


def scene(shapes: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """An image (SIZE, SIZE) with shapes that hardly overlap, their boxes and their classes."""
    image = rng.normal(0, 0.15, (SIZE, SIZE)) + rng.uniform(-0.2, 0.2)
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    boxes, kinds = np.empty((0, 4)), rng.integers(0, len(CLASSES), shapes)
    for kind in kinds:
        while True:
            sides = rng.uniform(10, 22) * rng.uniform(0.85, 1.15, 2)
            corner = rng.uniform(0, SIZE - sides)
            box = np.concatenate([corner, corner + sides])
            if not (box_iou(box[None], boxes) > 0.05).any():
                break
        centre = corner + sides / 2
        there = shape(kind, (x - centre[0]) / sides[0] * 2, (y - centre[1]) / sides[1] * 2)
        image[there] += rng.uniform(0.5, 1.2) * rng.choice([-1, 1])
        boxes = np.concatenate([boxes, box[None]])
    return image, boxes, kinds


def single(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Images (n, 1, SIZE, SIZE) with one shape each, and which."""
    images, _, kinds = zip(*(scene(1, rng) for _ in range(n)), strict=True)
    return np.array(images, np.float32)[:, None], np.concatenate(kinds)


def several(n: int, rng: np.random.Generator) -> tuple[Array, list[Array], list[Array]]:
    """Images (n, 1, SIZE, SIZE) with one to three shapes each, their boxes and classes."""
    images, boxes, kinds = zip(*(scene(int(rng.integers(1, 4)), rng) for _ in range(n)), strict=True)
    return np.array(images, np.float32)[:, None], list(boxes), list(kinds)


# -- boxes in cells --------------------------------------------------------------------------------


def in_cells(boxes: list[Array], kinds: list[Array]) -> Array:
    """The targets (n, 6, CELLS, CELLS): whether there is a shape, its centre, its size, its class."""
    targets = np.zeros((len(boxes), 6, CELLS, CELLS), np.float32)
    for target, those, classes in zip(targets, boxes, kinds, strict=True):
        centres, sides = (those[:, :2] + those[:, 2:]) / 2 / CELL, those[:, 2:] - those[:, :2]
        columns, rows = centres.astype(int).T
        target[0, rows, columns] = 1
        target[1:3, rows, columns] = (centres % 1 - 0.5).T
        target[3:5, rows, columns] = np.log(sides / USUAL).T
        target[5, rows, columns] = classes
    return targets


def loss(outputs: Any, targets: Any) -> Any:
    """Is there a shape, in all cells; where and what, in those that have one."""
    targets = targets.numpy()
    there = targets[:, 0]
    image, row, column = np.nonzero(there)
    has, wanted = outputs[image, :, row, column], targets[image, :, row, column]
    return (
        nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], there, reduction="sum") / len(has)
        + 2 * nn.functional.smooth_l1_loss(has[:, 1:5], wanted[:, 1:5], beta=0.1)
        + nn.functional.cross_entropy(has[:, 5:], wanted[:, 5].astype(int))
    )


def detect(model: nn.Module, images: Array) -> Found:
    """The boxes of all cells, each with its likeliest class, without those that a surer one overlaps."""
    with ag.no_grad():
        outputs = np.concatenate([model.eval()(part).numpy() for part in np.array_split(images, 8)])
    y, x = np.mgrid[:CELLS, :CELLS] + 0.5
    found = []
    for output in outputs.astype(float):
        centre = (np.stack([x, y]) + output[1:3]) * CELL
        sides = np.exp(output[3:5]) * USUAL
        boxes = np.concatenate([centre - sides / 2, centre + sides / 2]).reshape(4, -1).T.clip(0, SIZE)
        likely = (ag.sigmoid(output[0]) * ag.softmax(output[5:], axis=0)).reshape(len(CLASSES), -1)
        confidence, kind = likely.max(axis=0), likely.argmax(axis=0)
        kept = nms(boxes, confidence, 0.5)
        found.append((boxes[kept], confidence[kept], kind[kept]))
    return found


def ap50(found: Found, boxes: list[Array], kinds: list[Array], least: float) -> float:
    """Mean average precision of the boxes of this confidence at least."""
    each = []
    for k in range(len(CLASSES)):
        chosen = [(confidence >= least) & (kind == k) for _, confidence, kind in found]
        predicted = [(b[i], c[i]) for (b, c, _), i in zip(found, chosen, strict=True)]
        each.append(average_precision(predicted, [b[t == k] for b, t in zip(boxes, kinds, strict=True)]))
    return float(np.mean(each))


# -- the net ---------------------------------------------------------------------------------------


def backbone(width: int) -> nn.Sequential:
    """From images to `4 * width` maps of the cells."""
    layers: list[nn.Module] = []
    sizes = (1, width, 2 * width, 4 * width, 4 * width)
    for i in range(4):
        convolution = nn.Conv2d(sizes[i], sizes[i + 1], 3, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(sizes[i + 1]), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if i < 3 else []
    return nn.Sequential(*layers)


def detector_of(body: nn.Module, width: int) -> nn.Sequential:
    """A backbone with a new layer: for each cell whether, where, how large, and which."""
    return nn.Sequential(body, nn.Conv2d(4 * width, 5 + len(CLASSES), 1))


def trainer_of(model: nn.Module, loss: Any, steps: int, metrics: tuple[str, ...] = ()) -> nn.Trainer:
    """What trains a model, at a rate that rises at first and falls to nothing."""
    optimizer = nn.optim.AdamW(model.parameters(), lr=4e-3)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps, pct_start=0.2)
    return nn.Trainer(model, loss, optimizer, metrics, scheduler=schedule)


def draw(images: Array, boxes: list[Array], rows: dict[str, Found]) -> Figure:
    """What is found: before fine-tuning the three surest boxes, else those of confidence 0.3 or more.

    The true boxes are dashed.
    """
    figure, axes = panels(len(rows), 6, 1.9, 2.1)
    for row, (title, found) in zip(axes, rows.items(), strict=True):
        for one, image, true, (those, confidences, kinds) in zip(row, images, boxes, found, strict=False):
            one.imshow(image[0], cmap="gray", extent=(0, SIZE, SIZE, 0))
            one.set(xlim=(0, SIZE), ylim=(SIZE, 0), xticks=[], yticks=[])
            one.spines[:].set_visible(False)
            for box in true:
                outline(one, box, "black", linewidth=1.6)
                outline(one, box, "white", linestyle="--", linewidth=1.2)
            shown = confidences >= CONFIDENCES[-1] if title != "before" else slice(3)
            for box, kind in zip(those[shown], kinds[shown], strict=True):
                outline(one, box, KINDS[kind], linewidth=2.2)
        row[0].set_ylabel(title if title == "from scratch" else f"{title} fine-tuning")
    names = [*(f"found: {name}" for name in CLASSES), "the true box"]
    lines = [Line2D([], [], color=color, linewidth=2.2) for color in KINDS]
    lines += [Line2D([], [], color=GREY, linewidth=1.2, linestyle="--")]
    figure.legend(lines, names, loc="outside lower center", ncols=4, frameon=False)
    return figure


def outline(axes: Any, box: Array, color: str, **style: Any) -> None:
    """A box (x0, y0, x1, y1), just inside of its edges."""
    x0, y0, x1, y1 = box + np.array([0.4, 0.4, -0.4, -0.4])
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=color, **style))


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Pretrain, look for shapes, fine-tune, and look again; then train the same detector from scratch."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    width, images, epochs, batch = (8, 180, (8, 7), 16) if quick else (16, 3000, (4, 12), 32)
    labelled, scenes = single(images, rng), several(images, rng)
    test_labelled, (test, boxes, kinds) = single(200, rng), several(60 if quick else 1000, rng)
    body, steps = backbone(width), -(-images // batch)
    classifier = nn.Sequential(body, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4 * width, 3))
    detector = detector_of(body, width)
    with program.resumable(out / f"detection-{'quick' if quick else 'full'}-{seed}") as fit:
        trainer = trainer_of(classifier, nn.CrossEntropyLoss(), epochs[0] * steps, ("accuracy",))
        fit("pretraining", trainer, *labelled, epochs[0], batch, verbose=not quick)
        accuracy = trainer.evaluate(*test_labelled)["accuracy"]
        print(f"pretraining: tells {accuracy:.1%} of single shapes")
        rows = {"before": detect(detector, test)}
        targets = in_cells(scenes[1], scenes[2])
        for name in ("after", "from scratch"):
            if name == "from scratch":
                detector = detector_of(backbone(width), width)
            trainer = trainer_of(detector, loss, epochs[1] * steps)
            fit(name, trainer, scenes[0], targets, epochs[1], batch, verbose=not quick)
            rows[name] = detect(detector, test)
    found = {}
    for least in CONFIDENCES:
        found[least] = tuple(ap50(row, boxes, kinds, least) for row in rows.values())
        each = ", ".join(f"{value:.3f} {name}" for name, value in zip(rows, found[least], strict=True))
        print(f"AP50 of boxes of confidence {least:<4} or more: {each}")
    save(draw(test, boxes, rows), out / "detection.png")
    return {"accuracy": accuracy, "AP50": found}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
