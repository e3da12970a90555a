"""LeNet-5, made for digits, on small photographs: convolutions and subsampling in turn.

The same few weights look for an edge or a corner everywhere in the image. A mean over four neighbours makes
the next layer less sensitive to the exact position. Then the same follows again, with more kinds of
features. The picture shows the maps of both convolutions for one photograph.

Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import autograd_lite as ag
import nn
from examples import program
from examples.lectures._photographs import EPOCHS, as_shown, draw_course, learn, pictures, report
from examples.pictures import each_scaled, panels, save, tiles


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn, and look at what the convolutions make of an image."""
    nn.manual_seed(seed)
    data = pictures(quick)
    model = nn.models.LeNet5(data.channels, data.size)
    with program.resumable(out / f"lenet5-{data.name}-{seed}") as fit:
        net = learn(fit, "lenet5", model, data, 0.05, 10 if quick else EPOCHS)

    x, label = data.test[0][1:2], data.test[1][1]
    with ag.no_grad():
        first, second = (model.features[:end](x).numpy()[0] for end in (2, 5))
    figure, axes = panels(1, 4, width=3.4)
    draw_course(axes[0], net)
    tiles(axes[1], as_shown(x), 1, data.kinds[int(label)], cmap="gray")
    tiles(axes[2], each_scaled(first), 3, "six maps of the first convolution", cmap="gray")
    tiles(axes[3], each_scaled(second), 4, "sixteen maps of the second", cmap="gray")
    save(figure, out / "lenet5.png")
    return {"table": report([net], data, out)}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
