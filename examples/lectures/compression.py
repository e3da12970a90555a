"""Compression: six ways to store a net in a fraction of its bits, at the same error.

Most weights are small, and the net does without them if the others adapt. Deep compression prunes the small
ones, trains, and prunes again. Other methods make weights superfluous while the net learns: an adaptive
penalty, soft weight sharing, sparse variational dropout, and groups of weights with a common factor (normal-
Jeffreys, horseshoe); see `_compression`. What remains is stored in the same way for all of them.

- The weights that are left are trained for a while, without noise and penalties.
- Those of a layer take one of a few values, found by k-means. Training then moves each value by the sum of
  the gradients of its weights. So do the biases.
- The file holds the gaps between weights and the indices of their values. Huffman's code gives short words to
  frequent numbers. All that the decoder needs is counted: words, tables of their lengths, values of 32 bits.
  Before, each weight has 32 bits.

Each method is tried at several strengths. Validation images, which are taken from the training images, choose
the smallest file whose decoded net misreads little more of them than the dense net. The test images decide
nothing. Two nets read digits. The third, a VGG-16 of half the width, names photographs.

Source: S. Han, H. Mao, W. Dally, "Deep compression: compressing deep neural networks with pruning,
trained quantization and Huffman coding", 2016; Y. LeCun et al., "Gradient-based learning applied to
document recognition", 1998; K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale
image recognition", 2015; for the other methods, see `_compression`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import nn
from examples import program
from examples.lectures._compression import (
    AdaptivePenalty,
    GroupHorseshoe,
    GroupNormalJeffreys,
    SoftWeightSharing,
    SparseVariationalDropout,
    Sparsified,
    cost,
    in_place_of_layers,
)
from examples.lectures._photographs import Pictures, pictures
from examples.pictures import BLUE, COLORS, GREEN, GREY, ORANGE, panels, save
from nn.compression import Compressed, compress, share_weights
from nn.utils import prune

Array = npt.NDArray[Any]
Data = tuple[Array, Array]
Learn = Callable[..., None]

BATCH = 128
DROPOUT = 0.3
"""Of the whole net; it falls with the square root of the share of the weights that is left."""
DEEP = "deep compression"
METHODS: dict[str, Callable[[Any], Sparsified]] = {
    "adaptive penalty": AdaptivePenalty,
    "soft weight sharing": SoftWeightSharing,
    "variational dropout": SparseVariationalDropout,
    "normal-Jeffreys": GroupNormalJeffreys,
    "horseshoe": GroupHorseshoe,
}


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


HALF = ((32,) * 2, (64,) * 2, (128,) * 3, (256,) * 3, (256,) * 3)
"""Channels of a VGG-16 of half the width, by block."""


def vgg(blocks: Sequence[Sequence[int]] = HALF, channels: int = 3, size: int = 32) -> nn.Sequential:
    """A VGG with a hidden dense layer as wide as its last block, in one row of layers."""
    model = nn.models.VGG(blocks, blocks[-1][-1], channels, size, dropout=DROPOUT)
    return nn.Sequential(*model.features, *model.classifier)


class Plan(NamedTuple):
    """How a net is to become small."""

    build: Callable[[], nn.Sequential]
    loss: float
    """How much larger than the dense net's the error on validation images may be."""
    epochs: tuple[int, int, int, int]
    """Of the dense net, at each strength of a method, of what is left, and with shared values."""
    bits: int
    """Of the index of a shared value."""
    courses: Mapping[str, Sequence[float]]
    """Strengths of each method, one after another; of deep compression, the shares of weights left."""
    rate: float = 2e-3
    """The highest learning rate of the dense net, and of what is left."""
    photographs: bool = False
    """Whether the net names photographs, which are shifted and mirrored in training."""


PLANS = {
    "LeNet-300-100": Plan(
        *(lenet_300_100, 0.003, (10, 5, 2, 2), 4),
        {
            DEEP: (0.25, 0.08, 0.06, 0.045),
            "adaptive penalty": (1.0, 2.0, 4.0),
            "soft weight sharing": (0.3, 1.0),
            "variational dropout": (0.3, 1.0, 2.0, 4.0, 8.0),
            "normal-Jeffreys": (1.0, 2.0, 4.0),
            "horseshoe": (1.0, 2.0, 4.0),
        },
    ),
    "LeNet-5": Plan(
        *(lenet5, 0.002, (5, 3, 1, 1), 4),
        {
            DEEP: (0.2, 0.07, 0.04, 0.02),
            "adaptive penalty": (1.0, 2.0, 4.0),
            "soft weight sharing": (0.3, 1.0),
            "variational dropout": (0.5, 1.0, 2.0, 4.0),
            "normal-Jeffreys": (1.0, 2.0, 4.0),
            "horseshoe": (1.0, 2.0, 4.0),
        },
    ),
    "VGG-16, half": Plan(
        *(vgg, 0.005, (30, 10, 8, 3), 4),
        {DEEP: (0.2, 0.08, 0.05, 0.03, 0.02), "variational dropout": (0.3, 1.0)},
        *(1e-3, True),
    ),
}
QUICK = {
    "LeNet-300-100": Plan(
        *(lenet_300_100, 0.03, (6, 8, 3, 2), 3), {DEEP: (0.2, 0.09), "variational dropout": (0.1,)}
    ),
    "LeNet-5": Plan(*(lenet5, 0.03, (3, 1, 2, 1), 3), {DEEP: (0.08,)}),
    "VGG of 4 convolutions": Plan(
        *(partial(vgg, ((8, 8), (16, 16)), 1, 16), 0.03, (26, 1, 6, 2), 3), {DEEP: (0.3,)}, *(6e-3, True)
    ),
}


class Small(NamedTuple):
    """A candidate: the code of a net at a strength, and the error of the decoded net on validation images."""

    strength: float
    code: Compressed
    error: float


# -- training --------------------------------------------------------------------------------------


def trainer_of(model: nn.Module, steps: int, rate: float, price: float = 0) -> nn.Trainer:
    """What trains and measures a model, at a rate that rises at first and falls to nothing.

    Args:
        model: a net, or one in which a method stands in place of the layers.
        steps: of the optimizer.
        rate: the highest rate of the weights; noise and factors have ten times as much.
        price: how much a nat that the weights cost adds to the mean loss.
    """
    slow = [p for part in model.modules() if isinstance(part, Sparsified) for p in part.slow()]
    known = {id(p) for p in slow}
    fast = [p for p in model.parameters() if id(p) not in known]
    groups = [{"params": slow}, {"params": fast}] if slow else [{"params": fast}]
    rates = [rate, 10 * rate] if slow else [rate]
    optimizer = nn.optim.AdamW(groups, lr=rate, weight_decay=0 if slow else 0.1)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rates, total_steps=steps, pct_start=0.1)

    def loss(outputs: Any, targets: Any) -> Any:
        misfit = nn.functional.cross_entropy(outputs, targets)
        return misfit + price * cost(model) if slow else misfit

    return nn.Trainer(model, loss, optimizer, metrics="accuracy", scheduler=schedule)


def learner(net: str, train: Data, fit: Callable[..., Any], verbose: bool, samples: Any = None) -> Learn:
    """What trains a model for some epochs, as a stage with a name; its weights cost more by a strength.

    Args:
        net: its name.
        train: the images and their classes.
        fit: what `program.resumable` gives.
        verbose: whether it prints each epoch.
        samples: a dataset with variations of the images, if there are any.
    """
    data = train if samples is None else (samples, None)

    def learn(name: str, model: nn.Module, epochs: int, rate: float, strength: float = 0) -> None:
        steps = epochs * -(-len(train[1]) // BATCH)
        trainer = trainer_of(model, steps, rate, strength / len(train[1]))
        fit(f"{net}, {name}", trainer, *data, epochs, BATCH, verbose=verbose)

    return learn


def error_of(model: nn.Sequential, data: Data) -> float:
    """The share of images that a net misreads."""
    return float(1 - nn.metrics.accuracy(trainer_of(model, 1, 1e-3).predict(data[0]), data[1]))


def decoded(plan: Plan, code: Compressed) -> nn.Sequential:
    """The net that a code stands for."""
    model = plan.build()
    model.load_state_dict(code.decode())
    return model


# -- fewer weights, fewer values, fewer bits -------------------------------------------------------


def layers(model: nn.Sequential) -> list[Any]:
    """Those that have weights."""
    return [layer for layer in model if isinstance(layer, (nn.Linear, nn.Conv2d))]


def largest(model: nn.Sequential, share: float) -> nn.Sequential:
    """A copy with the largest weights of all layers together, and 0 for the others."""
    model = copy.deepcopy(model)
    weights = [(layer, "weight") for layer in layers(model)]
    prune.global_unstructured(weights, prune.L1Unstructured, amount=1 - share)
    for layer, name in weights:
        prune.remove(layer, name)
    return model


def kept(noisy: nn.Sequential, dense: nn.Sequential) -> nn.Sequential:
    """The net of the weights that a method keeps."""
    model = copy.deepcopy(dense)
    sources = [part for part in noisy if isinstance(part, Sparsified)]
    for layer, source in zip(layers(model), sources, strict=True):
        layer.weight.data, layer.bias.data = source.weights(), source.layer.bias.numpy()
    return model


def useful(model: nn.Sequential, X: Array) -> list[Array]:
    """Which weights of each layer are on a way, without a 0, from a pixel that has ink to an output.

    With the sizes of all weights and of the images there is no minus. So a weight is on a way if the sum of
    the outputs depends on it.
    """
    ways = copy.deepcopy(model).eval()
    ways.zero_grad()
    for parameter in ways.parameters():
        parameter.data = np.abs(parameter.data)
    ways(np.abs(X).max(axis=0, keepdims=True)).sum().backward()
    return [(layer.weight.grad.numpy() != 0) & (layer.weight.numpy() != 0) for layer in layers(ways)]


def retrained(
    name: str, model: nn.Sequential, X: Array, epochs: int, rate: float, learn: Learn
) -> nn.Sequential:
    """A copy of a sparse net, without useless weights, after training of the others."""
    model = copy.deepcopy(model)
    masks = useful(model, X)
    for layer, mask in zip(layers(model), masks, strict=True):
        prune.custom_from_mask(layer, "weight", mask)
    left = sum(mask.sum() for mask in masks) / sum(mask.size for mask in masks)
    for dropout in (layer for layer in model if isinstance(layer, nn.Dropout)):
        dropout.p = DROPOUT * float(left) ** 0.5  # of fewer weights, fewer neurons can be spared
    learn(name, model, epochs, rate)
    for layer in layers(model):
        prune.remove(layer, "weight")
    return model


def encoded(name: str, model: nn.Sequential, bits: int, epochs: int, rate: float, learn: Learn) -> Compressed:
    """The code of a sparse net whose weights and biases take few values, after training of the values."""
    model = copy.deepcopy(model)
    for layer in layers(model):
        mask = layer.weight.numpy() != 0
        prune.custom_from_mask(layer, "weight", mask)
        for parameter in ("weight", "bias") if mask.any() else ("bias",):
            share_weights(layer, parameter, bits=bits)
    learn(name, model, epochs, rate)
    return compress(model)


def candidates(
    method: str, dense: nn.Sequential, plan: Plan, train: Data, learn: Learn
) -> Iterator[tuple[float, Compressed]]:
    """The codes of smaller and smaller nets, at each strength of a method."""
    _, epochs, rest, sharing = plan.epochs
    model, noisy = dense, in_place_of_layers(dense, METHODS[method]) if method in METHODS else None
    for strength in plan.courses[method]:
        name = f"{method} {strength:g}"
        if noisy is None:
            model = largest(model, strength)
        else:
            learn(name, noisy, epochs, plan.rate / 2, strength)
            model = kept(noisy, dense)
        model = retrained(f"{name}, left", model, train[0], rest, plan.rate, learn)
        yield strength, encoded(f"{name}, shared", model, plan.bits, sharing, plan.rate / 4, learn)


def choice(found: Sequence[Small], limit: float) -> Small:
    """The smallest with at most this error on validation digits; if there is none, that of least error."""
    allowed = [small for small in found if small.error <= limit + 1e-9]  # the errors are counts of digits
    if allowed:
        return min(allowed, key=lambda small: small.code.bits)
    return min(found, key=lambda small: small.error)


# -- the program -----------------------------------------------------------------------------------


def digits(quick: bool) -> Pictures:
    """Digits of (n, 1, 28, 28); small ones are enlarged."""
    train, test = (
        (nn.functional.interpolate(X, (28, 28), mode="bilinear"), y) for X, y in program.handwriting(quick)
    )
    return Pictures("digits", "0123456789", train, test, varied=False)


def divided(data: Pictures, seed: int) -> tuple[Pictures, Data]:
    """A twelfth of the training images, drawn at random, is kept for choices; the others, and these."""
    X, y = data.train
    order = np.random.default_rng(seed).permutation(len(y))
    kept, rest = order[: len(y) // 12], order[len(y) // 12 :]
    return replace(data, train=(X[rest], y[rest])), (X[kept], y[kept])


def make_small(
    plan: Plan, train: Data, validation: Data, learn: Learn, seed: int
) -> tuple[nn.Sequential, dict[str, list[Small]]]:
    """The dense net, and the candidates of each method."""
    nn.manual_seed(seed)
    dense = plan.build()
    learn("dense", dense, plan.epochs[0], plan.rate)
    found: dict[str, list[Small]] = {}
    for method in plan.courses:
        nn.manual_seed(seed)  # the numbers of a method are the same without the others
        found[method] = []
        for strength, code in candidates(method, dense, plan, train, learn):
            found[method].append(Small(strength, code, error_of(decoded(plan, code), validation)))
            left = sum(part.nonzero for path, part in code.arrays.items() if path.endswith("weight"))
            print(
                f"{method:<20} {strength:<5g} {left:>7,} weights, {code.ratio:>6.1f} times smaller, "
                f"error {found[method][-1].error:.2%} on validation images",
                flush=True,
            )
    return dense, found


def draw(found: dict[str, dict[str, list[Small]]], results: dict[str, Any], limits: list[float]) -> Figure:
    """Error and size of all candidates, and what is stored of those that were chosen."""
    figure, axes = panels(1, len(found) + 1, width=4.4, height=3.8)
    colors = dict(zip((DEEP, *METHODS), COLORS, strict=False))
    for axis, (net, methods), limit in zip(axes, found.items(), limits, strict=False):
        for method, tried in methods.items():
            ratios, errors = [s.code.ratio for s in tried], [100 * s.error for s in tried]
            axis.plot(ratios, errors, "o-", color=colors[method], markersize=4, label=method)
            one = results[net][method]
            axis.plot(one["ratio"], 100 * one["error"], "*", color=colors[method], markersize=13)
        axis.axhline(100 * limit, color=GREY, linewidth=0.8, linestyle="--")
        axis.set(xlabel="times smaller", ylabel="error [%]", ylim=(0, 200 * limit))
        axis.set_title(f"{net}: validation (dots), test (star)", fontsize=10)
        axis.legend(frameon=False, fontsize=8, loc="lower right")

    codes = {f"{net}\n{m}": results[net][m]["code"] for net, methods in found.items() for m in methods}
    base, places = np.zeros(len(codes)), np.arange(len(codes))[::-1]
    for part, color in (("positions", BLUE), ("codes", GREEN), ("values", ORANGE)):
        stored = [sum(array.parts[part] for array in code.arrays.values()) / 8000 for code in codes.values()]
        axes[-1].barh(places, stored, left=base, color=color, label=part)
        base += stored
    for place, end, code in zip(places, base, codes.values(), strict=True):
        axes[-1].text(end, place, f" 1/{code.ratio:.0f}", va="center", fontsize=8)
    axes[-1].set(title="what is stored", xlabel="kB", xlim=(0, 1.2 * base.max()))
    axes[-1].set_yticks(places, codes, fontsize=7)
    axes[-1].set_ylim(-1.3)  # room for the legend
    axes[-1].legend(frameon=False, loc="lower right", ncols=3, fontsize=8)
    return figure


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Make all nets small, and test what is decoded from their bits."""
    plans = QUICK if quick else PLANS
    sources: dict[bool, tuple[Pictures, Data]] = {}
    found: dict[str, dict[str, list[Small]]] = {}
    results: dict[str, Any] = {}
    limits = []
    with program.resumable(out / f"compression-{'quick' if quick else 'full'}-{seed}") as fit:
        for net, plan in plans.items():
            if plan.photographs not in sources:
                read = pictures if plan.photographs else digits
                sources[plan.photographs] = divided(read(quick), seed)
            data, validation = sources[plan.photographs]
            if data.name == "digits" and plan.photographs and not quick:
                print(f"no {net}: it needs photographs")
                continue
            samples = data.dataset() if data.varied else None
            learn = learner(net, data.train, fit, not quick, samples)
            dense, found[net] = make_small(plan, data.train, validation, learn, seed)
            limits.append(error_of(dense, validation) + plan.loss)
            results[net] = tested(net, plan, dense, found[net], limits[-1], data.test)
    save(draw(found, results, limits), out / "compression.png")
    return results


def tested(
    net: str, plan: Plan, dense: nn.Sequential, found: dict[str, list[Small]], limit: float, test: Data
) -> dict[str, Any]:
    """What was chosen of each method, with its error on the test images."""
    results: dict[str, Any] = {"dense": error_of(dense, test)}
    print(f"\n{net}: at most {limit:.2%} of error allowed on validation images")
    print(f"{net:<21} {'dense':<20} test error {results['dense']:.2%}")
    for method, tried in found.items():
        one = choice(tried, limit)
        code, error = one.code, error_of(decoded(plan, one.code), test)
        results[method] = {"ratio": code.ratio, "error": error, "strength": one.strength, "code": code}
        size = f"{code.bits_before / 8000:,.0f} kB to {code.bits / 8000:.1f} kB"
        print(f"{net:<21} {method:<20} test error {error:.2%}; {size}, {code.ratio:.1f} times smaller")
    best = max(found, key=lambda method: results[method]["ratio"])
    print(f"\n{net}, {best}\n{results[best]['code']}\n")
    return results


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
