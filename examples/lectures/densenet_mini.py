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


def draw_use(axes: Any, table: Array, least: float) -> None:
    """The shares as numbers and colours, from the least of all blocks to 1."""
    axes.imshow(table, cmap="Blues", vmin=least - 0.25 * (1 - least), vmax=1)
    for (i, j), share in np.ndenumerate(table):
        if np.isfinite(share):
            colour = "white" if share > (1 + least) / 2 else "black"
            axes.text(j, i, f"{share:.2f}", ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(table)), ["input", *(f"layer {i}" for i in range(1, len(table)))])
    axes.set_yticks(range(len(table)), [f"layer {i}" for i in range(1, len(table) + 1)])
    axes.tick_params(labelsize=8, length=0)
    axes.spines[:].set_visible(False)


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
    least = min(np.nanmin(table) for table in tables)
    for i, (axes, table) in enumerate(zip(others, tables, strict=True), 1):
        draw_use(axes, table, float(least))
        axes.set(title=f"block {i}", xlabel="source", ylabel="layer that uses it" if i == 1 else "")
    save(figure, out / "densenet_mini.png")
    return {"use": tables, "table": report([net], data, out)}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
