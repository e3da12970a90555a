"""A small AlexNet: rectifiers, overlapping pooling, normalization, dropout, augmentation.

AlexNet began the age of deep convolutional nets. Its neurons do not saturate, and its maps compete with
their neighbours (local response normalization). Pooling windows overlap. Dropout leaves out a random half
of the dense neurons in each step. Images are shifted and mirrored at random. The picture shows the kernels
of the first layer.

Source: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural
networks", 2012.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nn
from examples import program
from examples.lectures._photographs import EPOCHS, as_shown, draw_course, learn, pictures, report
from examples.pictures import panels, save, tiles


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn, and draw the kernels of the first layer."""
    nn.manual_seed(seed)
    data = pictures(quick)
    widths, dropout = ((8, 16, 16, 16, 16), 0.2) if quick else ((32, 64, 96, 96, 64), 0.5)
    model = nn.models.AlexNet(widths, 256, data.channels, data.size, dropout=dropout)
    with program.resumable(out / f"alexnet_mini-{data.name}-{seed}") as fit:
        net = learn(fit, "alexnet_mini", model, data, 0.03, 12 if quick else EPOCHS)

    figure, (left, right) = panels(1, 2)
    draw_course(left, net)
    kernels = next(model.parameters()).numpy()
    tiles(right, as_shown(kernels), 8, "kernels of the first layer", vmin=0, vmax=1)
    save(figure, out / "alexnet_mini.png")
    return {"table": report([net], data, out)}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
