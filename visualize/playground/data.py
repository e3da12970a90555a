"""The points of a config: made, mixed with the user's own, and divided into training and test points."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError

from .datasets import DATASETS
from .options import MOST_POINTS, SIDE, Config

__all__ = ["Data", "made", "read_csv"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Data:
    """Points (n, 2) and targets (n, 1), in float32."""

    X: Array
    y: Array
    X_test: Array
    y_test: Array


def made(config: Config) -> Data:
    """The points of a config, in the order and division that its seed gives."""
    _, function, n = DATASETS[config.dataset]
    rng = np.random.default_rng(config.seed)
    X, y = function(rng, n, config.noise / 100)
    own = np.array(config.points).reshape(-1, 3)
    X, y = np.concatenate([X, own[:, :2]]), np.concatenate([y, own[:, 2]])
    order = rng.permutation(len(X))
    X, y = X[order].astype(np.float32), y[order, None].astype(np.float32)
    n_train = round(len(X) * config.ratio / 100)
    return Data(X[:n_train], y[:n_train], X[n_train:], y[n_train:])


def read_csv(text: str, problem: str) -> list[list[float]]:
    """Points out of a CSV with the columns x1, x2, target; a first line of names is skipped.

    Columns that reach beyond the square from -6 to 6 are moved and stretched to fill -5 to 5. Two classes may
    have any names; targets of a regression beyond 1 are divided by the largest.

    Args:
        text: the content of the file, with commas, semicolons or tabs between the columns.
        problem: "classification" or "regression".

    Raises:
        DataError: a line that is no point, which the message names; or not two classes.

    Example:
        >>> read_csv("x1,x2,class\\n1,2,cat\\n-1,0.5,dog", "classification")
        [[1.0, 2.0, -1.0], [-1.0, 0.5, 1.0]]
    """
    rows = _rows(text)
    X = np.array([[a, b] for a, b, _ in rows])
    y = _classes([t for *_, t in rows]) if problem == "classification" else _targets([t for *_, t in rows])
    for j in range(2):
        low, high = X[:, j].min(), X[:, j].max()
        if low < -SIDE or high > SIDE:
            X[:, j] = (X[:, j] - low) / (high - low or 1) * 10 - 5
    points: list[list[float]] = np.round(np.column_stack([X, y]), 4).tolist()
    return points


def _rows(text: str) -> list[tuple[float, float, str]]:
    first = text.lstrip("\ufeff").split("\n", 1)[0]
    delimiter = next((mark for mark in (";", "\t") if mark in first), ",")
    rows: list[tuple[float, float, str]] = []
    for number, cells in enumerate(csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter), 1):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            a, b, target = cells
            pair = float(a), float(b)
            if not np.isfinite(pair).all():
                raise ValueError
        except ValueError:
            if number == 1:  # the names of the columns
                continue
            raise DataError(
                f"line {number} of the CSV is {','.join(cells)[:60]!r}; expected x1,x2,target"
            ) from None
        rows.append((*pair, target.strip()))
    if not rows:
        raise DataError("the CSV has no points; expected lines such as 1.5,-2,1")
    if len(rows) > MOST_POINTS:
        raise DataError(f"the CSV has {len(rows)} points, and {MOST_POINTS} is the most")
    return rows


def _classes(names: list[str]) -> Array:
    known = sorted(set(names), key=_as_number_or_name)
    if len(known) > 2:
        raise DataError(
            f"the CSV has {len(known)} classes, {', '.join(known[:4])}...; expected two, or choose regression"
        )
    if len(known) == 1:
        return np.full(len(names), -1.0 if known[0] in ("0", "-1", "0.0", "-1.0") else 1.0)
    return np.where(np.array(names) == known[1], 1.0, -1.0)


def _as_number_or_name(name: str) -> tuple[int, float, str]:
    try:
        return 0, float(name), ""
    except ValueError:
        return 1, 0.0, name


def _targets(words: list[str]) -> Array:
    try:
        y = np.array([float(word) for word in words])
    except ValueError as error:
        raise DataError(f"a target of a regression is a number; {error}") from None
    if not np.isfinite(y).all():
        raise DataError("a target of a regression is a finite number")
    return y / max(1.0, float(np.abs(y).max()))
