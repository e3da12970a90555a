"""Compression: nets pruned, their weights shared and recoded, in a fraction of the bits.

Most weights are small, and the net does without them if the others adapt: prune, train, and prune again.
The weights that are left take one of a few values, found by k-means. Training then moves each value by the
sum of the gradients of its weights. The file holds the gaps between weights and the indices of their
values. Huffman's code gives short words to frequent numbers. The error is that of a net that was decoded
from these bits.

Source: S. Han, H. Mao, W. Dally, "Deep compression: compressing deep neural networks with pruning,
trained quantization and Huffman coding", 2016; Y. LeCun et al., "Gradient-based learning applied to
document recognition", 1998.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import nn
from examples import program
from examples.pictures import BLUE, GREEN, ORANGE, panels, save
from nn.compression import Compressed, compress, share_weights
from nn.utils import prune

Array = npt.NDArray[Any]
Data = tuple[Array, Array]

BATCH = 128
DROPOUT = 0.3
"""Of the whole net; it falls with the square root of the share of the weights that is left."""


def lenet_300_100() -> nn.Sequential:
    """Two hidden layers of 300 and 100 neurons: 266,610 parameters."""
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Dropout(DROPOUT)),
        *(nn.Linear(300, 100), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(100, 10)),
    )


def lenet5() -> nn.Sequential:
    """Two convolutions, each with pooling, and a hidden layer of 500 neurons: 431,080 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(500, 10)),
    )


class Plan(NamedTuple):
    """How a net is to become small."""

    build: Callable[[], nn.Sequential]
    left: tuple[float, ...]
    """The share of the weights that each round of pruning leaves."""
    bits: int
    """Of the number of a shared value."""
    epochs: tuple[int, int, int]
    """Of the dense net, after each round of pruning, and with shared weights."""


PLANS = {
    "LeNet-300-100": Plan(lenet_300_100, (0.25, 0.08), 4, (10, 6, 4)),
    "LeNet-5": Plan(lenet5, (0.2, 0.07), 4, (5, 3, 2)),
}
QUICK = {
    "LeNet-300-100": Plan(lenet_300_100, (0.2, 0.06), 3, (6, 4, 2)),
    "LeNet-5": Plan(lenet5, (0.08,), 3, (3, 2, 1)),
}


def stages(plan: Plan) -> Iterator[tuple[str, nn.Sequential, int, float]]:
    """The net at the beginning of each stage, with its name, the epochs and the rate to train it by.

    What it has learned until the next stage is asked for is what that one begins with.
    """
    model = plan.build()
    weighted = [layer for layer in model if isinstance(layer, (nn.Linear, nn.Conv2d))]
    whole, rounds, sharing = plan.epochs
    yield "dense", model, whole, 2e-3
    before = 1.0
    for left in plan.left:
        weights = [(layer, "weight") for layer in weighted]
        prune.global_unstructured(weights, prune.L1Unstructured, amount=1 - left / before)
        before = left
        for dropout in (layer for layer in model if isinstance(layer, nn.Dropout)):
            dropout.p = DROPOUT * left**0.5  # of fewer weights, fewer neurons can be spared
        yield f"pruned to {left:.0%}", model, rounds, 2e-3
    for layer in weighted:
        share_weights(layer, bits=plan.bits)
    yield f"{2**plan.bits} values a layer", model, sharing, 5e-4


def trainer_of(model: nn.Module, steps: int, rate: float) -> nn.Trainer:
    """What trains and measures a model, at a rate that rises at first and falls to nothing."""
    optimizer = nn.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.1)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps, pct_start=0.1)
    return nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics="accuracy", scheduler=schedule)


def images(quick: bool) -> tuple[Data, Data]:
    """Digits of (n, 1, 28, 28) to learn and to test; small ones are enlarged."""
    pairs = program.handwriting(quick)
    train, test = ((nn.functional.interpolate(X, (28, 28), mode="bilinear"), y) for X, y in pairs)
    return train, test


def make_small(
    net: str, plan: Plan, train: Data, test: Data, fit: Callable[..., Any], verbose: bool
) -> tuple[dict[str, float], Compressed]:
    """The errors after each stage and of the decoded net, and its code."""
    errors = {}
    for stage, model, epochs, rate in stages(plan):
        trainer = trainer_of(model, epochs * -(-len(train[1]) // BATCH), rate)
        fit(f"{net}, {stage}", trainer, *train, epochs, BATCH, verbose=verbose)
        errors[stage] = 1 - trainer.evaluate(*test)["accuracy"]
        print(f"{net:<14} {stage:<19} error {errors[stage]:.2%}")
    small = compress(model)
    decoded = plan.build()
    decoded.load_state_dict(small.decode())
    errors["decoded"] = 1 - nn.metrics.accuracy(trainer_of(decoded, 1, rate).predict(test[0]), test[1])
    size = (
        f"{small.bits_before / 8000:,.0f} kB to {small.bits / 8000:.1f} kB, {small.ratio:.1f} times smaller"
    )
    print(f"{net:<14} {'decoded':<19} error {errors['decoded']:.2%}; {size}\n{small}\n")
    return errors, small


def draw(errors: dict[str, dict[str, float]], small: dict[str, Compressed], plans: dict[str, Plan]) -> Figure:
    """Errors from stage to stage, what is stored, and the shared values of a layer."""
    figure, (left, middle, right) = panels(1, 3, width=4)
    for (net, plan), color in zip(plans.items(), (BLUE, ORANGE), strict=True):
        course = [100 * error for error in errors[net].values()]
        shares = (1.0, *plan.left)
        left.semilogx(shares, course[: len(shares)], "o-", color=color, label=net)
        left.plot(shares[-1], course[-1], "s", color=color, markerfacecolor="none", markersize=9)
    left.set(xlabel="share of the weights that is left", ylabel="test error [%]", ylim=(0, None))
    left.set_title("pruned (dots), and shared (square)")
    left.invert_xaxis()
    left.legend(frameon=False)

    base = np.zeros(len(small))
    for part, color in (("positions", BLUE), ("codes", GREEN), ("values", ORANGE)):
        bits = [sum(array.parts[part] for array in code.arrays.values()) / 8000 for code in small.values()]
        middle.bar(list(small), bits, bottom=base, width=0.5, color=color, label=part)
        base += bits
    for i, code in enumerate(small.values()):
        middle.annotate(f"1/{code.ratio:.0f}", (i, base[i]), (0, 3), textcoords="offset points", ha="center")
    middle.set(title="what is stored", ylabel="kB", ylim=(0, 1.2 * base.max()))
    middle.legend(frameon=False, loc="upper left", fontsize=8)

    weights = small["LeNet-300-100"].arrays["1.weight"].decode()
    values, counts = np.unique(weights[weights != 0], return_counts=True)
    right.bar(values, counts, width=0.6 * np.diff(values).min(), color=BLUE)
    right.set(title="the first layer of LeNet-300-100", xlabel="shared value", ylabel="weights that have it")
    return figure


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Make both nets small, and test what is decoded from their bits."""
    train, test = images(quick)
    plans = QUICK if quick else PLANS
    errors: dict[str, dict[str, float]] = {}
    small: dict[str, Compressed] = {}
    with program.resumable(out / f"compression-{'quick' if quick else 'full'}-{seed}") as fit:
        for net, plan in plans.items():
            nn.manual_seed(seed)
            errors[net], small[net] = make_small(net, plan, train, test, fit, verbose=not quick)
    save(draw(errors, small, plans), out / "compression.png")
    return {net: {"ratio": small[net].ratio, **errors[net]} for net in plans}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
