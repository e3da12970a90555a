"""The slopes along many directions at once: the function is computed on a batch of points by `vmap`.

Only a check that passes is decided here. If f does not run on a batch, or if a slope does not agree with the
derivative, the check computes the slopes one by one. So a report shows values of f itself.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import tree
from ..arrays import to_host
from ..batching import vmap
from ..batching.mapping import quietly
from ..box import wrap
from ..recording import no_grad
from ..slope import Slope, analytic_slope, slope
from .directions import Array, Way

__all__ = ["slopes_at_once"]

FEW, ROOM = 4, 1 << 20
"""From FEW directions on, a batch is faster; its points may hold ROOM numbers."""


def slopes_at_once(
    f: Callable[..., Any],
    points: Sequence[Array],
    k: int,
    ways: Sequence[Way],
    weights: Sequence[Any],
    largest: float,
    sharp: bool,
    mirrored: bool,
) -> list[Slope] | None:
    """The slope of Re<weights, f> along each direction, or None if f does not run on a batch.

    Args:
        f: the function of the points.
        points: the arguments, at least in double precision.
        k: which argument moves.
        ways: the directions.
        weights: one array for each output of f.
        largest: the largest step, relative to the size of a direction.
        sharp: try the complex step.
        mirrored: whether f is a gradient, see `Check`.
    """
    room = max([points[k].size, *(np.size(v) for v in weights)])
    if not FEW <= len(ways) <= ROOM // max(room, 1):
        return None
    along = _sums(f, points, k, np.stack([way.size * way.direction for way in ways]), weights)
    found: list[Slope] = []
    try:
        for j, way in enumerate(ways):

            def phi(t: float, j: int = j) -> float:
                return float(along(t)[j])

            def extended(t: complex, j: int = j) -> complex:
                total = complex(along(complex(t))[j])
                return total.conjugate() if mirrored else total

            one = None
            if sharp:
                try:
                    one = analytic_slope(phi, extended, largest)
                except Exception:  # f may refuse complex numbers
                    sharp = False
            one = one or slope(phi, largest)
            size = way.size
            found.append(replace(one, value=one.value / size, error=one.error / size, kink=one.kink / size))
    except Exception:
        return None
    return found


def _sums(
    f: Callable[..., Any], points: Sequence[Array], k: int, directions: Array, weights: Sequence[Any]
) -> Callable[[complex], Array]:
    """The sum of f, weighted, at a distance along each direction; complex at a complex distance."""
    mapped = vmap(f, tuple(0 if i == k else None for i in range(len(points))))

    @functools.cache
    def sums(t: complex) -> Array:
        given = [points[k] + t * directions if i == k else wrap(x) for i, x in enumerate(points)]
        with np.errstate(all="ignore"), no_grad(), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            outputs = tree.flatten(quietly(mapped, *given))[0]
        total: Any = 0.0
        for v, y in zip(weights, outputs, strict=True):
            rows = np.reshape(to_host(y), (len(directions), math.prod(np.shape(v))))
            total = total + rows @ np.ravel(v if isinstance(t, complex) else np.conjugate(v))
        return total if isinstance(t, complex) else np.real(total)  # type: ignore[no-any-return]

    return sums
