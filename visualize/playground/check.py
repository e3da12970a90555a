"""The gradient of the loss beside finite differences, weight by weight."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from autograd_lite.errors import GradientCheckError, KinkError
from autograd_lite.testing import check_grads

from .network import columns
from .training import Training

__all__ = ["checked"]

Array = npt.NDArray[Any]

POINTS = 10
STEP = 1e-5
ROWS = 8


def checked(run: Training) -> dict[str, Any]:
    """Compare the gradient with central differences (f(w + h) - f(w - h)) / 2h, in double precision.

    Returns:
        `verdict`, in words, and `passed`, by `autograd_lite.testing.check_grads`; `count` of all weights and
        biases; `rows` with those that differ most: name, index, gradient, difference quotient, distance.

    Example:
        >>> from .options import Config
        >>> found = checked(Training(Config()))
        >>> found["passed"], found["count"], found["rows"][0]["distance"] < 1e-8
        (True, 25, True)
    """
    names, loss, values = _in_double(run)
    gradients = ag.grad(loss, argnums=tuple(range(len(values))))(*values)
    rows: list[dict[str, Any]] = [
        {"name": name, "index": list(index), "gradient": float(g[index]), "quotient": q, "distance": d}
        for place, (name, g) in enumerate(zip(names, gradients, strict=True))
        for index, q, d in _differences(loss, values, place, g)
    ]
    passed, verdict = _verdict(loss, values)
    rows.sort(key=lambda row: row["distance"], reverse=True)
    return {"verdict": verdict, "passed": passed, "count": len(rows), "rows": rows[:ROWS]}


def _in_double(run: Training) -> tuple[list[str], Callable[..., Any], list[Array]]:
    """The names of the parameters, the loss of some points as a function of them, and their values."""
    twin = copy.deepcopy(run.model).double().eval()
    X = columns(run.config.features, run.data.X[:POINTS].astype(float))
    y = run.data.y[:POINTS].astype(float)
    paths = [path for path, _ in twin.named_parameters()]
    values = [p.numpy().copy() for p in twin.parameters()]

    def loss(*parameters: Any) -> Any:
        out = nn.functional_call(twin, dict(zip(paths, parameters, strict=True)), (X,))
        return nn.functional.mse_loss(out, y) / 2

    return [p.name or path for path, p in run.model.named_parameters()], loss, values


def _differences(
    loss: Callable[..., Any], values: list[Array], place: int, gradient: Array
) -> list[tuple[tuple[int, ...], float, float]]:
    """For each entry of a parameter its index, the difference quotient, and the distance of the gradient."""
    found = []
    moved = values[place]
    for index in np.ndindex(moved.shape):
        before = moved[index]
        ends = []
        for end in (before + STEP, before - STEP):
            moved[index] = end
            ends.append(float(loss(*values)))
        moved[index] = before
        quotient = (ends[0] - ends[1]) / (2 * STEP)
        found.append((index, quotient, abs(quotient - float(gradient[index]))))
    return found


def _verdict(loss: Callable[..., Any], values: list[Array]) -> tuple[bool, str]:
    try:
        check_grads(loss, values, order=1, directions=2)
    except KinkError as error:
        return True, f"A kink is too near for finite differences here: {error}"
    except GradientCheckError as error:
        return False, f"The gradient is wrong: {error}"
    return True, "The gradient agrees with finite differences."
