"""A residual net against a plain one of equal depth and equal weights.

A deep plain net is worse than a shallow one, even on its training images. Its last layers could copy their
input, but do not learn to. A residual block adds to its input. So a copy means to add nothing, and
gradients reach the first layers through the sums. The blocks then depend little on each other. The trained
net works without one of them, while the plain net fails.

Source: K. He et al., "Deep residual learning for image recognition", 2016; A. Veit et al., "Residual networks
behave like ensembles of relatively shallow networks", 2016.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nn
from examples import program
from examples.lectures._photographs import EPOCHS, Pictures, draw_course, learn, pictures, report
from examples.pictures import BLUE, ORANGE, panels, save


def without_each(trainer: nn.Trainer, data: Pictures) -> list[float]:
    """The test accuracy after each block that keeps the size of its maps was taken out."""
    accuracies = []
    for stage in [m for m in trainer.model.modules() if isinstance(m, nn.Sequential)]:
        for i, block in enumerate(stage):
            if block.more:
                continue
            stage[i] = nn.Identity()
            accuracies.append(trainer.evaluate(*data.test)["accuracy"])
            stage[i] = block
    return accuracies


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Train both, then take out blocks."""
    data = pictures(quick)
    depth, width, epochs = (20, 4, 2) if quick else (32, 8, EPOCHS)
    nets = {}
    with program.resumable(out / f"resnet_vs_plain-{data.name}-{seed}") as fit:
        for name in ("resnet", "plain"):
            nn.manual_seed(seed)
            model = nn.models.ResNet(depth, width, data.channels, shortcuts=name == "resnet", stride=2)
            nets[name] = learn(fit, f"{name}{depth}", model, data, 0.1, epochs)

    figure, (left, right) = panels(1, 2, width=5)
    taken_out = {}
    for (name, net), color, pale in zip(nets.items(), (BLUE, ORANGE), ("#9dbfe6", "#f0c096"), strict=True):
        draw_course(left, net, (pale, color), f"{name}, ")
        taken_out[name] = without_each(net.trainer, data)
        right.plot(range(1, len(taken_out[name]) + 1), taken_out[name], "o-", color=color, label=name)
        right.axhline(net.accuracy, color=pale, zorder=0)
        print(f"{name:<7} with one block taken out: {min(taken_out[name]):.1%} to {max(taken_out[name]):.1%}")
    right.set(xlabel="which block is taken out", ylabel="test accuracy", ylim=(0, None))
    right.legend(frameon=False)
    save(figure, out / "resnet_vs_plain.png")
    accuracies = {name: net.accuracy for name, net in nets.items()}
    return {"accuracy": accuracies, "without": taken_out, "table": report(list(nets.values()), data, out)}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
