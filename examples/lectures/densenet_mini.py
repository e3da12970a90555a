"""A small DenseNet: each layer sees what all layers before it found, and adds a little.

A layer need not pass its input on, since all later layers get that input too. So a few new maps from each
layer are enough, and the net has few weights for its accuracy. The picture shows how much each layer uses
those before it, by the mean size of its weights.

Source: G. Huang et al., "Densely connected convolutional networks", 2017.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import nn
from examples import program
from examples.lectures._photographs import EPOCHS, draw_course, learn, pictures, report
from examples.pictures import panels, save

Array = npt.NDArray[Any]


def use(block: nn.Sequential) -> Array:
    """The mean size of each layer's weights by source layer, relative to the largest of that layer.

    What comes into the block is the first source.
    """
    weights = [np.abs(layer.conv.weight.numpy()).mean(axis=(0, 2, 3)) for layer in block]
    growth = block[0].conv.weight.shape[0]
    table = np.full((len(weights), len(weights)), np.nan)
    for i, sizes in enumerate(weights):
        first = len(sizes) - i * growth
        table[i, 0] = sizes[:first].mean()
        table[i, 1 : i + 1] = sizes[first:].reshape(i, growth).mean(axis=1)
    table /= np.nanmax(table, axis=1, keepdims=True)
    return table


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn, and see who uses what."""
    nn.manual_seed(seed)
    data = pictures(quick)
    blocks, growth = ((3, 3), 4) if quick else ((4, 4, 4), 10)
    model = nn.models.DenseNet(blocks, growth, 16, 0.5, data.channels, stride=2)
    with program.resumable(out / f"densenet_mini-{data.name}-{seed}") as fit:
        net = learn(fit, "densenet_mini", model, data, 0.1, 5 if quick else EPOCHS)

    tables = [use(block) for block in model.modules() if isinstance(block, nn.models.DenseBlock)]
    figure, (left, *others) = panels(1, 1 + len(tables), width=3.6)
    draw_course(left, net)
    for i, (axes, table) in enumerate(zip(others, tables, strict=True), 1):
        axes.imshow(table, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(table)))
        axes.set_yticks(range(len(table)), [str(layer) for layer in range(1, len(table) + 1)])
        axes.set(title=f"block {i}", xlabel="source (0: what came in)", ylabel="layer that uses it")
    save(figure, out / "densenet_mini.png")
    return {"use": tables, "table": report([net], data, out)}
