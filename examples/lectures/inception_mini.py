"""A small Inception net: convolutions of several sizes side by side, each cut in turn.

Which size of a kernel is the right one? Each module has four branches: 1x1, 3x3, 5x5 and pooling. The
module concatenates their maps. Convolutions of 1x1 before the large ones reduce the cost. To measure how
much a branch matters, the program cuts it in the trained net.

Source: C. Szegedy et al., "Going deeper with convolutions", 2015.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples import program
from examples.lectures._photographs import EPOCHS, Pictures, draw_course, learn, pictures, report
from examples.pictures import panels, save

Array = npt.NDArray[Any]

WAYS = {"branch1": "1x1", "branch2": "3x3", "branch3": "5x5", "branch4": "pooling"}


class Cut(nn.Module):
    """A way that nothing comes through any more."""

    def __init__(self, way: nn.Module) -> None:
        self.way = way

    def forward(self, x: Any) -> Any:
        """Zeros."""
        return 0 * self.way(x)


def cut_each(trainer: nn.Trainer, data: Pictures) -> Array:
    """The test accuracy after each way of each module was cut, of shape (modules, ways)."""
    accuracies = []
    for module in [m for m in trainer.model.modules() if isinstance(m, nn.models.Inception)]:
        for name in WAYS:
            way = getattr(module, name)
            setattr(module, name, Cut(way))
            accuracies.append(trainer.evaluate(*data.test)["accuracy"])
            setattr(module, name, way)
    return np.reshape(accuracies, (-1, len(WAYS)))


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn, then cut the ways one by one."""
    nn.manual_seed(seed)
    data = pictures(quick)
    stages, stem = ([[32], [32]], 8) if quick else ([[48], [96, 96]], 16)
    model = nn.models.GoogLeNet(stages, stem, data.channels, stride=2)
    with program.resumable(out / f"inception_mini-{data.name}-{seed}") as fit:
        net = learn(fit, "inception_mini", model, data, 0.1, 4 if quick else EPOCHS)

    left_of = cut_each(net.trainer, data)
    print(f"{'without':<12}" + "".join(f"{way:>9}" for way in WAYS.values()))
    for i, row in enumerate(left_of, 1):
        print(f"in module {i:<2}" + "".join(f"{accuracy:>9.1%}" for accuracy in row))
    figure, (left, right) = panels(1, 2)
    draw_course(left, net)
    image = right.imshow(left_of, cmap="Blues", vmin=0)
    right.set_xticks(range(len(WAYS)), list(WAYS.values()))
    right.set_yticks(range(len(left_of)), [f"module {i}" for i in range(1, len(left_of) + 1)])
    right.set_title("test accuracy without one way")
    figure.colorbar(image)
    save(figure, out / "inception_mini.png")
    return {"cut": left_of, "table": report([net], data, out)}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
