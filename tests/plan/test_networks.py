"""All layers, losses, optimizers and schedules of `nn`: compiled steps have the bits of the eager ones."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
import nn.layers
from nn.optim import lr_scheduler as schedules

Step = Callable[..., Any]
Data = Callable[[np.random.Generator], tuple[Any, ...]]


def state_of(things: list[Any]) -> list[Any]:
    """All that a step changes, as bytes: Tensors, gradients, buffers, optimizers and schedules."""
    found: list[Any] = []
    for thing in things:
        if isinstance(thing, nn.Module):
            found += [(k, v.tobytes()) for k, v in thing.state_dict().items()]
            found += [
                None if p.grad is None else (p.grad.dtype, p.grad.numpy().tobytes())
                for p in thing.parameters()
            ]
        else:
            found.append(repr(_bytes(thing.state_dict())))
    found.append(str(nn.random.generator.bit_generator.state))
    return found


def _bytes(tree: Any) -> Any:
    return ag.tree.map_leaves(lambda x: x.tobytes() if isinstance(x, np.ndarray) else x, tree)


def compare(
    build: Callable[[], tuple[Step, list[Any]]], data: Data, calls: int = 5, stays: str | None = None
) -> Any:
    """Run a step eagerly and compiled, on new data at each call; all results and states must be equal.

    Args:
        stays: the reason why it stays eager; None if it must be replayed.
    """
    logs, run = [], None
    for compiled in (False, True):
        nn.manual_seed(0)
        step, things = build()
        rng, log, run = np.random.default_rng(1), [], ag.compile(step) if compiled else step
        for _ in range(calls):
            outs = ag.tree.flatten(run(*data(rng)))[0]
            log.append([(np.shape(x), bits(x)) for x in outs])
            log.append(state_of(things))
        logs.append(log)
    assert logs[1] == logs[0]
    last = run.signatures[-1]  # type: ignore[union-attr]
    if stays is None:
        assert last.startswith("replayed"), last
    else:
        assert last.startswith("eager"), last
        assert stays in last
    return run


def bits(x: Any) -> Any:
    return np.asarray(x.numpy() if isinstance(x, ag.Tensor) else x).tobytes()


# -- layers ----------------------------------------------------------------------------------------


def floats(*shape: int) -> Data:
    return lambda rng: (rng.standard_normal(shape).astype(np.float32),)


def indices(high: int, *shape: int) -> Data:
    return lambda rng: (rng.integers(0, high, shape),)


def both(*parts: Data) -> Data:
    return lambda rng: tuple(x for part in parts for x in part(rng))


Table = dict[str, list[tuple[Callable[[], Any], Data]]]


class WithTargets(nn.Module):
    """A layer that is called with class indices, too."""

    def __init__(self, layer: nn.Module, targets: Any) -> None:
        self.layer, self.targets = layer, targets

    def forward(self, x: Any) -> Any:
        return self.layer(x, self.targets).loss


LAYERS: Table = {
    "GLU": [(nn.GLU, floats(3, 4))],
    "Maxout": [(lambda: nn.Maxout(2), floats(5, 4))],
    "Threshold": [(lambda: nn.Threshold(0.1, 0.2), floats(3, 4))],
    "MultiheadAttention": [
        (lambda: nn.MultiheadAttention(4, 2, dropout=0.1, batch_first=True), both(*[floats(2, 3, 4)] * 3))
    ],
    "PositionalEncoding": [(lambda: nn.PositionalEncoding(4), floats(2, 3, 4))],
    "GRUCell": [(lambda: nn.GRUCell(4, 3), both(floats(5, 4), floats(5, 3)))],
    "LSTMCell": [(lambda: nn.LSTMCell(4, 3), floats(5, 4))],
    "RNNCell": [(lambda: nn.RNNCell(4, 3), both(floats(5, 4), floats(5, 3)))],
    "Conv1d": [(lambda: nn.Conv1d(2, 3, 3, padding=1, groups=1), floats(2, 2, 7))],
    "Conv2d": [
        (lambda: nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), floats(2, 2, 6, 5)),
        (lambda: nn.Conv2d(2, 3, (2, 3), padding_mode="reflect", padding=1, dilation=2), floats(2, 2, 7, 8)),
    ],
    "Conv3d": [(lambda: nn.Conv3d(1, 2, 2), floats(1, 1, 3, 4, 3))],
    "ConvTranspose1d": [(lambda: nn.ConvTranspose1d(2, 3, 3, stride=2), floats(2, 2, 4))],
    "ConvTranspose2d": [
        (lambda: nn.ConvTranspose2d(2, 3, 3, stride=2, output_padding=1), floats(2, 2, 3, 4))
    ],
    "CosineSimilarity": [(nn.CosineSimilarity, both(floats(3, 4), floats(3, 4)))],
    "PairwiseDistance": [(nn.PairwiseDistance, both(floats(3, 4), floats(3, 4)))],
    "Dropout1d": [(nn.Dropout1d, floats(3, 4, 5))],
    "Dropout2d": [(nn.Dropout2d, floats(3, 4, 2, 2))],
    "Dropout3d": [(nn.Dropout3d, floats(3, 4, 2, 2, 2))],
    "Bilinear": [(lambda: nn.Bilinear(3, 4, 2), both(floats(5, 3), floats(5, 4)))],
    "Linear": [
        (lambda: nn.Linear(4, 3), floats(5, 4)),
        (lambda: nn.Linear(4, 3, bias=False), floats(2, 5, 4)),
    ],
    "BatchNorm1d": [
        (lambda: nn.BatchNorm1d(3), floats(5, 3)),
        (lambda: nn.BatchNorm1d(3, momentum=None), floats(4, 3, 2)),
        (lambda: nn.BatchNorm1d(3, affine=False, track_running_stats=False), floats(5, 3)),
        (lambda: nn.BatchNorm1d(3).eval(), floats(5, 3)),
    ],
    "BatchNorm2d": [(lambda: nn.BatchNorm2d(3), floats(4, 3, 2, 3))],
    "BatchNorm3d": [(lambda: nn.BatchNorm3d(2), floats(3, 2, 2, 2, 2))],
    "GroupNorm": [(lambda: nn.GroupNorm(2, 6), floats(3, 6, 2))],
    "InstanceNorm1d": [(lambda: nn.InstanceNorm1d(3), floats(2, 3, 5))],
    "InstanceNorm2d": [
        (lambda: nn.InstanceNorm2d(3, affine=True, track_running_stats=True), floats(2, 3, 4, 2))
    ],
    "LayerNorm": [(lambda: nn.LayerNorm(4), floats(3, 4))],
    "LocalResponseNorm": [(lambda: nn.LocalResponseNorm(2), floats(2, 4, 3))],
    "RMSNorm": [(lambda: nn.RMSNorm(4), floats(3, 4))],
    "Fold": [(lambda: nn.Fold((4, 4), 2), floats(2, 12, 9))],
    "Unfold": [(lambda: nn.Unfold(2), floats(2, 3, 4, 4))],
    "PixelShuffle": [(lambda: nn.PixelShuffle(2), floats(2, 8, 2, 2))],
    "PixelUnshuffle": [(lambda: nn.PixelUnshuffle(2), floats(2, 2, 4, 4))],
    "PReLU": [(lambda: nn.PReLU(4), floats(3, 4))],
    "GRU": [(lambda: nn.GRU(4, 3, 2, bidirectional=True), floats(5, 2, 4))],
    "LSTM": [
        (lambda: nn.LSTM(4, 3), floats(5, 2, 4)),
        (lambda: nn.LSTM(4, 3, 2, batch_first=True, dropout=0.2, bidirectional=True), floats(2, 5, 4)),
    ],
    "RNN": [(lambda: nn.RNN(4, 3, nonlinearity="relu"), floats(5, 2, 4))],
    "Flatten": [(nn.Flatten, floats(2, 3, 4))],
    "Unflatten": [(lambda: nn.Unflatten(1, (2, 3)), floats(2, 6))],
    "Softmax": [(lambda: nn.Softmax(dim=1), floats(3, 4))],
    "LogSoftmax": [(lambda: nn.LogSoftmax(dim=1), floats(3, 4))],
    "Softmin": [(lambda: nn.Softmin(dim=1), floats(3, 4))],
    "Softmax2d": [(nn.Softmax2d, floats(2, 3, 2, 2))],
    "Embedding": [
        (lambda: nn.Embedding(10, 3), indices(10, 4, 2)),
        (lambda: nn.Embedding(10, 3, padding_idx=0), indices(10, 4, 2)),
    ],
    "EmbeddingBag": [
        (lambda: nn.EmbeddingBag(10, 3), indices(10, 4, 2)),
        (lambda: nn.EmbeddingBag(10, 3, mode="sum"), indices(10, 4, 2)),
        (lambda: nn.EmbeddingBag(10, 3, mode="max"), indices(10, 4, 2)),
    ],
    "AdaptiveLogSoftmaxWithLoss": [
        (lambda: WithTargets(nn.AdaptiveLogSoftmaxWithLoss(6, 8, [3]), np.array([0, 7, 2])), floats(3, 6))
    ],
    "DataParallel": [(lambda: nn.DataParallel(nn.Linear(4, 3)), floats(2, 4))],
    "Transformer": [
        (lambda: nn.Transformer(8, 2, 1, 1, 16, batch_first=True), both(floats(2, 3, 8), floats(2, 4, 8)))
    ],
    "TransformerDecoder": [
        (
            lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2),
            both(floats(2, 3, 8), floats(2, 4, 8)),
        )
    ],
    "TransformerDecoderLayer": [
        (
            lambda: nn.TransformerDecoderLayer(8, 2, 16, batch_first=True),
            both(floats(2, 3, 8), floats(2, 4, 8)),
        )
    ],
    "TransformerEncoder": [
        (
            lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2),
            floats(2, 3, 8),
        )
    ],
    "TransformerEncoderLayer": [
        (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), floats(2, 3, 8))
    ],
    "Upsample": [
        (lambda: nn.Upsample(scale_factor=2), floats(2, 3, 2, 2)),
        (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), floats(2, 3, 2, 2)),
    ],
    "Sequential": [(lambda: nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Identity()), floats(2, 4))],
}
"""Layers and inputs by name."""

for names, arguments, shape in (
    (
        "LTU Hardshrink Hardsigmoid Hardtanh LogSigmoid ScaledTanh Sigmoid Sign Softshrink Softsign",
        (),
        (3, 4),
    ),
    (
        "Tanh Tanhshrink CELU ELU GELU SELU Hardswish LeakyReLU Mish RReLU ReLU ReLU6 SiLU Softplus",
        (),
        (3, 4),
    ),
    ("Identity Dropout AlphaDropout FeatureAlphaDropout", (), (3, 4)),
    ("CircularPad1d ReflectionPad1d ReplicationPad1d ZeroPad1d", (2,), (2, 3, 5)),
    ("CircularPad2d ReflectionPad2d ReplicationPad2d ZeroPad2d", (1,), (2, 3, 4, 5)),
    ("CircularPad3d ReflectionPad3d ReplicationPad3d ZeroPad3d", (1,), (2, 3, 3, 4, 5)),
    ("ConstantPad1d", (2, 0.5), (2, 3, 5)),
    ("ConstantPad3d", (2, 0.5), (2, 3, 3, 4, 5)),
    ("ConstantPad2d", (2, 0.5), (2, 3, 4, 5)),
    ("AdaptiveAvgPool1d AdaptiveMaxPool1d", (2,), (2, 3, 5)),
    ("AdaptiveAvgPool2d AdaptiveMaxPool2d", (2,), (2, 3, 5, 4)),
    ("AdaptiveAvgPool3d AdaptiveMaxPool3d", (2,), (2, 3, 3, 4, 5)),
    ("AvgPool1d MaxPool1d", (2,), (2, 3, 6)),
    ("AvgPool2d MaxPool2d", (2,), (2, 3, 6, 5)),
    ("AvgPool3d MaxPool3d", (2,), (2, 3, 4, 4, 4)),
    ("LPPool1d", (2, 2), (2, 3, 4)),
    ("LPPool2d", (2, 2), (2, 3, 4, 4)),
    ("LPPool3d", (2, 2), (2, 3, 4, 4, 2)),
    ("ChannelShuffle", (2,), (2, 4, 3, 3)),
    ("UpsamplingBilinear2d UpsamplingNearest2d", (5,), (2, 3, 3, 4)),
    ("InstanceNorm3d", (3,), (2, 3, 3, 4, 2)),
    ("CrossMapLRN2d", (2,), (2, 3, 3, 4)),
    ("ConvTranspose3d", (3, 2, 2), (2, 3, 3, 3, 2)),
):
    for name in names.split():
        LAYERS[name] = [
            (lambda name=name, arguments=arguments: getattr(nn, name)(*arguments), floats(*shape))
        ]  # type: ignore[misc]

NOT_LAYERS = {
    "ModuleDict",
    "ModuleList",
    "ParameterDict",
    "ParameterList",
    "RNNBase",
    "RNNCellBase",
    "Spatial",
}
"""Containers without a forward pass, and base classes."""

FIRST_CALLS = {name for name in nn.layers.lazy.__all__ if name.startswith("Lazy")}
"""Layers that become others in their first call."""

WITH_INDICES = {"MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"}
"""Layers whose second input is the result of a pooling; `tests/nn/test_unpool.py` has these."""

LAYERS_EAGER = {("BatchNorm1d", 1): "the library reads a value that changes"}
"""The layers that stay eager, and the reason: the mean over all batches divides by their number."""


def test_the_table_has_all_layers() -> None:
    found = set()
    for module in pkgutil.iter_modules(nn.layers.__path__):
        there = importlib.import_module(f"nn.layers.{module.name}")
        found |= {
            n
            for n in there.__all__
            if inspect.isclass(getattr(there, n)) and hasattr(getattr(there, n), "forward")
        }
    assert found - NOT_LAYERS - FIRST_CALLS - WITH_INDICES == set(LAYERS)


class Weighted(nn.Module):
    """A layer behind a weight for each entry of its inputs, so that gradients flow back through the layer."""

    def __init__(self, layer: Any, inputs: tuple[Any, ...]) -> None:
        self.layer = layer
        self.weights = nn.ParameterList(
            [nn.Parameter(np.ones(x.shape[1:], x.dtype)) for x in inputs if x.dtype.kind == "f"]
        )

    def forward(self, *xs: Any) -> Any:
        return self.layer(
            *[w * x for w, x in zip(self.weights, xs, strict=True)] if len(self.weights) else xs
        )


def training(layer: Any, data: Data) -> tuple[Step, list[Any]]:
    net = Weighted(layer, data(np.random.default_rng(0)))
    optimizer = nn.optim.Adam(net.parameters(), lr=0.01)

    def step(*xs: Any) -> Any:
        optimizer.zero_grad()
        outs = [y for y in ag.tree.flatten(net(*xs))[0] if y is not None]
        loss = sum((y * y + y).sum() for y in outs)
        if getattr(loss, "requires_grad", False):  # not behind a step function
            loss.backward()
        optimizer.step()
        return loss.detach() if isinstance(loss, ag.Tensor) else loss

    return step, [net, optimizer]


@pytest.mark.filterwarnings("ignore:ag.compile|.*changed nothing:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize(("name", "i"), [(name, i) for name in LAYERS for i in range(len(LAYERS[name]))])
def test_a_layer(name: str, i: int) -> None:
    make, data = LAYERS[name][i]
    compare(lambda: training(make(), data), data, stays=LAYERS_EAGER.get((name, i)))


# -- losses ----------------------------------------------------------------------------------------


def positive(*shape: int) -> Data:
    return lambda rng: (rng.uniform(0.05, 0.95, shape).astype(np.float32),)


def signs(*shape: int) -> Data:
    return lambda rng: (np.where(rng.standard_normal(shape) > 0, 1.0, -1.0).astype(np.float32),)


def ctc(rng: np.random.Generator) -> tuple[Any, ...]:
    scores = rng.standard_normal((6, 2, 4)).astype(np.float32)
    return scores, rng.integers(1, 4, (2, 3)), np.array([6, 6]), np.array([3, 2])


WEIGHTS = np.array([0.5, 2.0, 1.0], np.float32)
CLASSES = indices(3, 5)
PAIR = both(floats(5, 3), floats(5, 3))

LOSSES: Table = {
    "BCELoss": [(nn.BCELoss, both(positive(5, 3), positive(5, 3)))],
    "BCEWithLogitsLoss": [
        (nn.BCEWithLogitsLoss, both(floats(5, 3), positive(5, 3))),
        (lambda: nn.BCEWithLogitsLoss(pos_weight=WEIGHTS), both(floats(5, 3), positive(5, 3))),
    ],
    "CTCLoss": [(lambda: lambda x, *rest: nn.CTCLoss()(ag.log_softmax(x), *rest), ctc)],
    "CosineEmbeddingLoss": [(nn.CosineEmbeddingLoss, both(floats(5, 3), floats(5, 3), signs(5)))],
    "CrossEntropyLoss": [
        (nn.CrossEntropyLoss, both(floats(5, 3), CLASSES)),
        (lambda: nn.CrossEntropyLoss(weight=WEIGHTS, label_smoothing=0.1), both(floats(5, 3), CLASSES)),
        (lambda: nn.CrossEntropyLoss(ignore_index=1), both(floats(9, 3), indices(3, 9))),
        (lambda: nn.CrossEntropyLoss(reduction="sum"), both(floats(5, 3), CLASSES)),
        (lambda: nn.CrossEntropyLoss(reduction="none"), both(floats(5, 3, 2), indices(3, 5, 2))),
        (nn.CrossEntropyLoss, both(floats(5, 3), positive(5, 3))),
    ],
    "GaussianNLLLoss": [(nn.GaussianNLLLoss, both(floats(5, 3), floats(5, 3), positive(5, 3)))],
    "HingeEmbeddingLoss": [(nn.HingeEmbeddingLoss, both(floats(5, 3), signs(5, 3)))],
    "HuberLoss": [(nn.HuberLoss, PAIR)],
    "KLDivLoss": [(lambda: nn.KLDivLoss(reduction="batchmean"), both(floats(5, 3), positive(5, 3)))],
    "L1Loss": [(nn.L1Loss, PAIR)],
    "MSELoss": [(nn.MSELoss, PAIR), (lambda: nn.MSELoss(reduction="none"), PAIR)],
    "MarginRankingLoss": [(nn.MarginRankingLoss, both(PAIR, signs(5, 3)))],
    "MultiMarginLoss": [(nn.MultiMarginLoss, both(floats(5, 3), CLASSES))],
    "MultiLabelMarginLoss": [(nn.MultiLabelMarginLoss, both(floats(5, 3), indices(3, 5, 3)))],
    "MultiLabelSoftMarginLoss": [(nn.MultiLabelSoftMarginLoss, both(floats(5, 3), positive(5, 3)))],
    "NLLLoss": [(nn.NLLLoss, both(floats(5, 3), CLASSES))],
    "NLLLoss2d": [(nn.NLLLoss2d, both(floats(5, 3, 2), indices(3, 5, 2)))],
    "PerceptronLoss": [(nn.PerceptronLoss, both(floats(5, 3), signs(5, 3)))],
    "PoissonNLLLoss": [(nn.PoissonNLLLoss, both(floats(5, 3), positive(5, 3)))],
    "SmoothL1Loss": [(nn.SmoothL1Loss, PAIR)],
    "SoftMarginLoss": [(nn.SoftMarginLoss, both(floats(5, 3), signs(5, 3)))],
    "TripletMarginLoss": [
        (nn.TripletMarginLoss, both(PAIR, floats(5, 3))),
        (lambda: nn.TripletMarginLoss(swap=True, p=1.0), both(PAIR, floats(5, 3))),
    ],
    "TripletMarginWithDistanceLoss": [(nn.TripletMarginWithDistanceLoss, both(PAIR, floats(5, 3)))],
}


def test_the_table_has_all_losses() -> None:
    assert set(nn.losses.__all__) == set(LOSSES)


LOSSES_EAGER: dict[tuple[str, int], str] = {}
"""The losses that stay eager, and the reason."""


@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize(("name", "i"), [(name, i) for name in LOSSES for i in range(len(LOSSES[name]))])
def test_a_loss(name: str, i: int) -> None:
    make, data = LOSSES[name][i]

    def build() -> tuple[Step, list[Any]]:
        loss, w = make(), nn.ParameterList([nn.Parameter(np.full((), 0.5, np.float32))])
        optimizer = nn.optim.SGD(w, lr=0.01)

        def step(x: Any, *rest: Any) -> Any:
            optimizer.zero_grad()
            value = loss(w[0] * x, *rest)
            value.sum().backward()
            optimizer.step()
            return value.detach()

        return step, [w, optimizer]

    compare(build, data, stays=LOSSES_EAGER.get((name, i)))


# -- optimizers and schedules ----------------------------------------------------------------------

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: nn.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: nn.optim.Adam(p, amsgrad=True, weight_decay=0.1),
    "AdamW": nn.optim.AdamW,
    "NAdam": nn.optim.NAdam,
    "RAdam": nn.optim.RAdam,
    "Adamax": nn.optim.Adamax,
    "Adagrad": nn.optim.Adagrad,
    "RMSprop": lambda p: nn.optim.RMSprop(p, momentum=0.9, centered=True),
    "Adadelta": nn.optim.Adadelta,
    "Rprop": nn.optim.Rprop,
    "ASGD": nn.optim.ASGD,
    "Adafactor": nn.optim.Adafactor,
    "SparseAdam": nn.optim.SparseAdam,
    "Muon": lambda groups: nn.optim.Muon(
        [{**group, "params": [p for p in group["params"] if p.ndim == 2]} for group in groups]
    ),
    "LBFGS": lambda p: nn.optim.LBFGS(p, max_iter=3),
}
SECOND_ORDER: dict[str, tuple[Callable[[Any], Any], str]] = {
    "NewtonCG": (
        lambda net: nn.optim.NewtonCG(net.parameters()),
        "the trust region of NewtonCG reads the loss",
    ),
    "LevenbergMarquardt": (
        lambda net: nn.optim.LevenbergMarquardt(net.parameters()),
        "the damping of LevenbergMarquardt reads the residuals",
    ),
    "KFAC": (nn.optim.KFAC, "it has backward hooks of modules, which run in Python"),
}
"""Optimizers that stay eager, and why."""
SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda o: schedules.StepLR(o, 2),
    "MultiStepLR": lambda o: schedules.MultiStepLR(o, [2, 4]),
    "ConstantLR": lambda o: schedules.ConstantLR(o, 0.5, 2),
    "LinearLR": schedules.LinearLR,
    "ExponentialLR": lambda o: schedules.ExponentialLR(o, 0.9),
    "PolynomialLR": schedules.PolynomialLR,
    "PowerLR": lambda o: schedules.PowerLR(o, 2),
    "LambdaLR": lambda o: schedules.LambdaLR(o, lambda t: 0.9**t),
    "MultiplicativeLR": lambda o: schedules.MultiplicativeLR(o, lambda t: 0.9),
    "OneCycleLR": lambda o: schedules.OneCycleLR(o, 0.1, total_steps=20),
    "CyclicLR": lambda o: schedules.CyclicLR(o, 0.01, 0.1, 2),
    "CosineAnnealingLR": lambda o: schedules.CosineAnnealingLR(o, 3),
    "CosineAnnealingWarmRestarts": lambda o: schedules.CosineAnnealingWarmRestarts(o, 3),
    "SequentialLR": lambda o: schedules.SequentialLR(
        o, [schedules.ConstantLR(o, 0.5, 1), schedules.ExponentialLR(o, 0.9)], [3]
    ),
    "ChainedScheduler": lambda o: schedules.ChainedScheduler([schedules.ExponentialLR(o, 0.9)]),
    "ReduceLROnPlateau": lambda o: schedules.ReduceLROnPlateau(o, patience=0),
}


def test_the_tables_have_all_optimizers_and_schedules() -> None:
    others = {"Optimizer", "lr_scheduler", "swa_utils", *SECOND_ORDER}
    assert set(nn.optim.__all__) - others == set(OPTIMIZERS)
    assert {n for n in dir(schedules) if n[0].isupper()} - {"LRScheduler", "TYPE_CHECKING"} == set(SCHEDULES)


def fitting(
    make: Callable[[Any], Any], schedule: Callable[[Any], Any] | None = None
) -> tuple[Step, list[Any]]:
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = make([{"params": net[0].parameters()}, {"params": net[2].parameters(), "lr": 0.05}])
    rate = schedule and schedule(optimizer)

    def closure(x: Any) -> Any:
        optimizer.zero_grad()
        loss = (net(x) ** 2).mean()
        loss.backward()
        return loss

    def step(x: Any) -> Any:
        loss = closure(x)
        optimizer.step()
        if rate is not None:
            rate.step()
        return loss

    def searched(x: Any) -> Any:
        return optimizer.step(lambda: closure(x))

    return searched if optimizer.needs_closure else step, [net, optimizer, *([rate] if rate else [])]


@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer(name: str) -> None:
    if name == "LBFGS":
        compare(
            lambda: fitting(lambda groups: OPTIMIZERS[name]([p for g in groups for p in g["params"]])),
            floats(5, 3),
            stays="the line search of LBFGS reads the loss",
        )
    else:
        compare(lambda: fitting(OPTIMIZERS[name]), floats(5, 3), calls=7)


@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize("name", SECOND_ORDER)
def test_an_optimizer_that_stays_eager(name: str) -> None:
    make, why = SECOND_ORDER[name]

    def build() -> tuple[Step, list[Any]]:
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        optimizer = make(net)

        def step(x: Any) -> Any:
            if name == "LevenbergMarquardt":
                return optimizer.step(lambda: net(x))
            if name == "NewtonCG":
                return optimizer.step(lambda: (net(x) ** 2).mean())
            optimizer.zero_grad()
            loss = (net(x) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        return step, [net, optimizer]

    compare(build, floats(5, 3), stays=why)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "ReduceLROnPlateau"])
def test_a_schedule(name: str) -> None:
    compare(lambda: fitting(OPTIMIZERS["SGD"], SCHEDULES[name]), floats(5, 3), calls=9)
