"""Random groups of elementwise steps, and what NumPy says of each of their instructions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nn.kernels.native.groups import COMPARING, LOGICAL, Program, prepared

BOOL = np.dtype(bool)
DTYPES = (np.dtype(np.float32), np.dtype(np.float64))

EXACT: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "negative": np.negative,
    "positive": np.positive,
    "square": np.square,
    "cube": lambda x: x * x * x,
    "reciprocal": np.reciprocal,
    "absolute": np.absolute,
    "sign": np.sign,
    "copysign": np.copysign,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "relu": lambda x: np.maximum(x, 0),
    "sqrt": np.sqrt,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "isinf": np.isinf,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "logical_not": np.logical_not,
    "truth": lambda x: np.asarray(x).astype(bool),
    "number": np.positive,
    "where": np.where,
}
"""Instructions with NumPy's bits."""

NO_SIGN = frozenset({"maximum", "minimum", "clip", "relu"})
"""Where NumPy itself chooses between the two zeros as it likes."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "logaddexp": np.logaddexp,
    "softplus": lambda x: np.logaddexp(x, 0 * x.dtype.type(1)),
    "tanh": np.tanh,
    "times_sech2": lambda g, x: g / np.cosh(x) / np.cosh(x),
    "sigmoid": lambda x: np.where(x >= 0, 1, np.exp(-np.abs(x))) / (1 + np.exp(-np.abs(x))),
    "logistic_slope": lambda x: np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))) ** 2,
    "times_gauss": lambda g, x: g * np.exp(-x * x / 2) * np.exp(-x * x / 2),
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
}
"""Instructions with an error of at most 4 units in the last place; references for wider numbers."""

ONE = """negative positive square cube reciprocal absolute sign relu sqrt floor ceil trunc rint isnan isfinite
    isinf logical_not truth number exp expm1 log log1p softplus tanh sigmoid logistic_slope sin cos tan"""
ARITY = {"where": 3, "clip": 3} | dict.fromkeys(ONE.split(), 1)
"""The number of operands; 2 for all others."""

SHAPES = [(), (1,), (8,), (13,), (5, 7), (3, 1, 4), (1100,), (33, 40), (4097,), (60, 3, 101), (17_001,)]


def program(rng: np.random.Generator, dtype: Any) -> tuple[Program, list[Any]]:
    """A group, with every result as an output, and inputs."""
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    inputs = [_input(rng, shape, dtype) for _ in range(int(rng.integers(1, 6)))]
    kinds = [(np.shape(x), x.dtype) for x in inputs]
    dtypes, code = [kind for _, kind in kinds], []
    for _ in range(int(rng.integers(2, 25))):
        word = str(rng.choice([*EXACT, *FUNCTIONS]))
        operands = [
            float(rng.choice([0, 1, -1, 0.5, 3, 2.25]))
            if rng.random() < 0.2
            else int(rng.integers(len(dtypes)))
            for _ in range(ARITY.get(word, 2))
        ]
        masks = word in LOGICAL | {"where"} or (word == "number")
        if all(isinstance(x, float) for x in operands) or (masks and not _is_mask(operands[0], dtypes)):
            continue
        if word in LOGICAL and not all(_is_mask(x, dtypes) for x in operands):
            continue
        result = BOOL if word in COMPARING | LOGICAL | {"truth"} else dtype
        if word == "where" and all(_is_mask(x, dtypes) for x in operands):
            result = BOOL
        code.append((word, tuple(operands), result))
        dtypes.append(result)
    code.append(("add", (0, 1.0), dtype))
    outputs = tuple(range(len(kinds), len(kinds) + len(code)))
    return Program(shape, dtype, tuple(kinds), tuple(code), outputs), inputs


def _is_mask(x: Any, dtypes: list[Any]) -> bool:
    return isinstance(x, int) and dtypes[x] == BOOL


def _input(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array that broadcasts to the shape, or a number; with special values among the entries."""
    mine = tuple(1 if rng.random() < 0.25 else n for n in shape)[int(rng.random() < 0.2) :]
    x = np.asarray(rng.normal(size=mine) * rng.choice([1, 1, 10, 300]))
    special = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-310, 1e300, -1.0, 1.0])
    x = np.where(rng.random(mine) < 0.05, rng.choice(special, mine), x)
    if rng.random() < 0.2:
        return np.asarray(x > 0)[()]
    with np.errstate(all="ignore"):
        x = np.asarray(x).astype(dtype)
    if x.ndim and rng.random() < 0.3:  # another layout
        x = np.repeat(x, 2, axis=-1)[..., ::2] if rng.random() < 0.5 else np.asfortranarray(x)
    return x[()]


def never(*inputs: Any) -> Any:
    raise AssertionError("the group was left to NumPy")


@np.errstate(all="ignore")
def check(group: Program, inputs: list[Any]) -> list[Any]:
    """Run a group and hold each result against NumPy's function of the group's own operands."""
    results = prepared(group, never, lambda: False)(*inputs)
    registers = [*inputs, *results]
    for (word, operands, dtype), got in zip(group.code, results, strict=True):
        assert np.shape(got) == group.shape and got.dtype == dtype, word
        values = [registers[x] if isinstance(x, int) else group.dtype.type(x) for x in operands]
        if word not in LOGICAL | {"where", "truth"}:
            values = [v.astype(group.dtype) for v in values]
        if word in EXACT:
            same_bits(got, np.broadcast_to(EXACT[word](*values), group.shape).astype(dtype), word)
        else:
            near(got, word, *values)
    return results


def same_bits(got: Any, want: Any, word: str) -> None:
    np.testing.assert_array_equal(got, want, err_msg=word)
    if want.dtype != BOOL and word not in NO_SIGN:
        number = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(got)[number], np.signbit(want)[number], err_msg=word)


WIDER = {np.dtype(np.float32): np.float64, np.dtype(np.float64): np.longdouble}
EIGHT = frozenset({"logaddexp", "times_sech2", "times_gauss", "logistic_slope"})
"""Functions with an error of at most 8 units in the last place, as the rules of the engine."""

SLACK = 0.01 if np.finfo(np.longdouble).nmant > 60 else 2.0
"""Units in the last place that the reference itself is off; more where no wider numbers are."""


def near(got: Any, word: str, *values: Any) -> None:
    """The result of a function is within its units in the last place."""
    values = np.broadcast_arrays(*values)
    want = np.asarray(FUNCTIONS[word](*[v.astype(WIDER[got.dtype]) for v in values]))
    if word == "logaddexp":  # as NumPy's: a result far below the operands has their rounding errors
        want = np.where(np.abs(want) < 0.5 * np.max(np.abs(values), axis=0), got, want)
    if word.startswith("times_"):  # an infinite g times a number that underflows
        want = np.where(np.isinf(values[0]), got, want)
    worst = float(np.max(errors(got, want), initial=0))
    assert worst <= (8 if word in EIGHT else 4) + SLACK, (word, worst, worst_at(got, want, values))


def errors(got: Any, want: Any) -> Any:
    """The distance of results from wider ones, in units in the last place of the results."""
    got, limits = np.asarray(got), np.finfo(got.dtype)
    rounded = want.astype(got.dtype)
    unit = np.spacing(np.clip(np.abs(rounded), limits.tiny, limits.max / 2)).astype(want.dtype)
    edge = np.abs(want) > limits.max * (1 - 8 * limits.eps)  # whether it overflows is a matter of rounding
    alike = (got == rounded) | (np.isnan(got) & np.isnan(want)) | (edge & (np.abs(got) > limits.max / 2))
    return np.where(
        alike, 0, np.where(np.isfinite(got) & np.isfinite(want), np.abs(got - want) / unit, np.inf)
    )


def worst_at(got: Any, want: Any, values: Any) -> Any:
    k = np.unravel_index(np.argmax(errors(got, want)), np.shape(got))
    return [v[k] for v in values], np.asarray(got)[k], want[k]


def programs(seed: int) -> Iterator[tuple[Program, list[Any]]]:
    """All programs of one seed."""
    rng = np.random.default_rng(seed)
    for dtype in DTYPES:
        yield program(rng, dtype)
