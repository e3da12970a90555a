"""What a user chooses: one frozen `Config`, checked where it comes in. `choices` fills the page's menus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from autograd_lite.errors import OptionError

from .datasets import DATASETS

__all__ = ["ACTIVATIONS", "FEATURES", "OPTIMIZERS", "SCHEDULES", "Config", "choices"]

FEATURES = {
    "x1": "X[:, 0]",
    "x2": "X[:, 1]",
    "x1^2": "X[:, 0] ** 2",
    "x2^2": "X[:, 1] ** 2",
    "x1x2": "X[:, 0] * X[:, 1]",
    "sin(x1)": "np.sin(X[:, 0])",
    "sin(x2)": "np.sin(X[:, 1])",
}
"""What may go into the network, each with its column of code."""

ACTIVATIONS = {
    "Tanh": "Tanh",
    "ReLU": "ReLU",
    "Sigmoid": "Sigmoid",
    "Identity": "Linear",
    "LeakyReLU": "Leaky ReLU",
    "ELU": "ELU",
    "GELU": "GELU",
    "SiLU": "SiLU",
    "Softplus": "Softplus",
}
"""Classes of `nn`, with what the page calls them."""

OPTIMIZERS = (
    "SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop", "Rprop", "LBFGS",
)  # fmt: skip
"""Classes of `nn.optim`."""

SCHEDULED = 500
"""For how many epochs a schedule moves the rate; then the rate stays."""

SCHEDULES: dict[str, Callable[[float], dict[str, Any]]] = {
    "constant": lambda rate: {},
    "StepLR": lambda rate: {"step_size": 50, "gamma": 0.5},
    "MultiStepLR": lambda rate: {"milestones": [50, 150, 350], "gamma": 0.3},
    "ExponentialLR": lambda rate: {"gamma": 0.99},
    "PowerLR": lambda rate: {"s": 50},
    "LinearLR": lambda rate: {"start_factor": 0.1, "total_iters": 20},
    "ConstantLR": lambda rate: {"factor": 0.1, "total_iters": 20},
    "PolynomialLR": lambda rate: {"total_iters": SCHEDULED, "power": 2},
    "CosineAnnealingLR": lambda rate: {"T_max": SCHEDULED},
    "CosineAnnealingWarmRestarts": lambda rate: {"T_0": 50, "T_mult": 2},
    "CyclicLR": lambda rate: {
        "base_lr": round(rate / 10, 9), "max_lr": rate, "step_size_up": 20, "cycle_momentum": False,
    },
    "OneCycleLR": lambda rate: {"max_lr": rate, "total_steps": SCHEDULED, "cycle_momentum": False},
    "ReduceLROnPlateau": lambda rate: {"factor": 0.5, "patience": 20},
}  # fmt: skip
"""Classes of `nn.optim.lr_scheduler`, which make a step after each epoch: their options at a rate."""

RATES = (0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
STRENGTHS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
PROBLEMS = ("classification", "regression")
REGULARIZATIONS = ("none", "L1", "L2")
MOST_LAYERS, MOST_NEURONS, MOST_POINTS = 6, 8, 2000
SIDE = 6.0

Point = tuple[float, float, float]
Edit = tuple[int, int, int, float]


@dataclass(frozen=True)
class Config:
    """All that decides a run: the same config gives the same numbers.

    Attributes:
        noise: in percent, from 0 to 50.
        ratio: how many percent of the points are for training.
        seed: of the points; `start` is that of the weights and of the order of the batches.
        points: the user's own, as (x1, x2, target).
        hidden: how many neurons each hidden layer has.
        edits: first weights that were set by hand, as (layer, row, column, value); the column -1 is a bias.
        dropout: the probability that the output of a hidden neuron is left out of a step.
    """

    problem: str = "classification"
    dataset: str = "circle"
    noise: float = 0
    ratio: float = 50
    batch: int = 10
    seed: int = 1
    start: int = 1
    points: tuple[Point, ...] = ()
    features: tuple[str, ...] = ("x1", "x2")
    hidden: tuple[int, ...] = (4, 2)
    edits: tuple[Edit, ...] = ()
    activation: str = "Tanh"
    batchnorm: bool = False
    dropout: float = 0
    optimizer: str = "SGD"
    rate: float = 0.03
    momentum: float = 0
    schedule: str = "constant"
    regularization: str = "none"
    strength: float = 0

    @classmethod
    def of(cls, given: object) -> Config:
        """A config from what a page has sent; what is left out has its default.

        Raises:
            OptionError: an unknown name, or a value that cannot be.

        Example:
            >>> Config.of({"hidden": [3], "rate": 0.1}).hidden
            (3,)
            >>> Config.of({"hidden": [9]})
            Traceback (most recent call last):
            autograd_lite.errors.OptionError: hidden: expected up to 6 layers of 1 to 8 neurons, got [9]
        """
        if not isinstance(given, Mapping):
            raise OptionError(f"a config is an object of names and values, got {type(given).__name__}")
        known = {field.name for field in fields(cls)}
        unknown = [str(name) for name in given if name not in known]
        if unknown:
            raise OptionError(
                f"no option is called {', '.join(unknown)}; there are {', '.join(sorted(known))}"
            )
        values = {name: CHECKS[name](name, value) for name, value in given.items()}
        return cls(**values)._agreed()

    def _agreed(self) -> Config:
        """Refuse options that do not go together."""
        if DATASETS[self.dataset][0] not in ("both", self.problem):
            fitting = ", ".join(name for name, (of, *_) in DATASETS.items() if of in ("both", self.problem))
            raise OptionError(f"dataset {self.dataset!r} is none for {self.problem}; those are {fitting}")
        if self.batchnorm and self.batch < 2:
            raise OptionError("batch norm compares the points of a batch: set the batch size to 2 or more")
        return self

    def with_(self, **changes: Any) -> Config:
        """The config with some other values, checked."""
        return Config.of({**asdict(self), **changes})


# -- checks: each takes the name of an option and what came, and returns the value -----------------


def _number(name: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise OptionError(f"{name}: expected a number from {low:g} to {high:g}, got {value!r}")
    return value


def _whole(name: str, value: object, low: int, high: int) -> int:
    number = _number(name, value, low, high)
    if number != int(number):
        raise OptionError(f"{name}: expected a whole number from {low} to {high}, got {value!r}")
    return int(number)


def _one_of(name: str, value: object, known: Any) -> str:
    if not isinstance(value, str) or value not in known:
        raise OptionError(f"{name}: expected one of {', '.join(known)}, got {value!r}")
    return value


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise OptionError(f"{name}: expected true or false, got {value!r}")
    return value


def _features(name: str, value: object) -> tuple[str, ...]:
    chosen = [_one_of(name, x, FEATURES) for x in _items(name, value)]
    if not chosen:
        raise OptionError(f"{name}: the network needs one input at least, e.g. x1")
    return tuple(feature for feature in FEATURES if feature in chosen)


def _hidden(name: str, value: object) -> tuple[int, ...]:
    items = _items(name, value)
    good = all(type(n) is int and 1 <= n <= MOST_NEURONS for n in items)
    if not good or len(items) > MOST_LAYERS:
        raise OptionError(
            f"{name}: expected up to {MOST_LAYERS} layers of 1 to {MOST_NEURONS} neurons, got {value!r}"
        )
    return tuple(items)


def _points(name: str, value: object) -> tuple[Point, ...]:
    items = _items(name, value)
    if len(items) > MOST_POINTS:
        raise OptionError(f"{name}: {len(items)} are too many, {MOST_POINTS} is the most")
    return tuple(point(name, item) for item in items)


def _edits(name: str, value: object) -> tuple[Edit, ...]:
    edits = []
    for edit in _items(name, value):
        place = _items(name, edit)
        if len(place) != 4:
            raise OptionError(f"{name}: an edit is [layer, row, column, value], got {edit!r}")
        layer, row, column = (_whole(name, i, -1, MOST_NEURONS) for i in place[:3])
        edits.append((layer, row, column, float(_number(name, place[3], -1e6, 1e6))))
    return tuple(edits)


def point(name: str, value: object) -> Point:
    """One point of the user's: x1 and x2 from -6 to 6, the target from -1 to 1."""
    items = _items(name, value)
    if len(items) != 3:
        raise OptionError(f"{name}: a point is [x1, x2, target], got {value!r}")
    x1, x2 = (float(_number(name, x, -SIDE, SIDE)) for x in items[:2])
    return x1, x2, float(_number(name, items[2], -1, 1))


def _items(name: str, value: object) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise OptionError(f"{name}: expected a list, got {value!r}")
    return list(value)


def _rate(name: str, value: object) -> float:
    if _number(name, value, 0, 100) == 0:
        raise OptionError(f"{name}: a rate of 0 learns nothing; expected a positive number, e.g. 0.03")
    return float(value)  # type: ignore[arg-type]


CHECKS: dict[str, Any] = {
    "problem": lambda name, value: _one_of(name, value, PROBLEMS),
    "dataset": lambda name, value: _one_of(name, value, DATASETS),
    "noise": lambda name, value: _number(name, value, 0, 50),
    "ratio": lambda name, value: _number(name, value, 10, 90),
    "batch": lambda name, value: _whole(name, value, 1, 100),
    "seed": lambda name, value: _whole(name, value, 0, 2**31),
    "start": lambda name, value: _whole(name, value, 0, 2**31),
    "points": _points,
    "features": _features,
    "hidden": _hidden,
    "edits": _edits,
    "activation": lambda name, value: _one_of(name, value, ACTIVATIONS),
    "batchnorm": _truth,
    "dropout": lambda name, value: _number(name, value, 0, 0.9),
    "optimizer": lambda name, value: _one_of(name, value, OPTIMIZERS),
    "rate": _rate,
    "momentum": lambda name, value: _number(name, value, 0, 0.99),
    "schedule": lambda name, value: _one_of(name, value, SCHEDULES),
    "regularization": lambda name, value: _one_of(name, value, REGULARIZATIONS),
    "strength": lambda name, value: _number(name, value, 0, 100),
}


def choices() -> dict[str, Any]:
    """What the page's menus offer, and the defaults."""
    return {
        "default": asdict(Config()),
        "datasets": {name: problem for name, (problem, *_) in DATASETS.items()},
        "features": list(FEATURES),
        "activations": ACTIVATIONS,
        "optimizers": list(OPTIMIZERS),
        "schedules": list(SCHEDULES),
        "rates": list(RATES),
        "strengths": list(STRENGTHS),
        "problems": list(PROBLEMS),
        "regularizations": list(REGULARIZATIONS),
        "previews": {name: preview(name) for name in DATASETS},
        "most": {"layers": MOST_LAYERS, "neurons": MOST_NEURONS, "points": MOST_POINTS},
    }


def preview(dataset: str) -> list[list[float]]:
    """Some points of a data set, for its button."""
    _, function, _ = DATASETS[dataset]
    X, y = function(np.random.default_rng(1), 120, 0)
    rows: list[list[float]] = np.round(np.column_stack([X, y]), 2).tolist()
    return rows
