"""How far to go along a line: the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy.typing as npt

__all__ = ["Point", "strong_wolfe"]

Array = npt.NDArray[Any]


class Point(NamedTuple):
    """A place along a line: how far, the loss there, its gradient, and its slope along the line."""

    t: float
    loss: float
    gradient: Array
    slope: float


def strong_wolfe(
    along: Callable[[float], Point],
    start: Point,
    t: float,
    scale: float,
    most: int,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
) -> tuple[Point, int]:
    """A place along a line with a lower loss and a flatter slope: the strong Wolfe conditions.

    loss(t) <= loss(0) + c1 t slope(0) and |slope(t)| <= c2 |slope(0)|.

    Args:
        along: the loss at a distance t.
        start: the point at t = 0, where the slope is negative.
        t: what to try first.
        scale: the largest entry of the direction.
        most: how many times to try a place after the first.
        c1, c2: see above.
        tolerance_change: a bracket narrower than this, times scale, is not divided further.

    Returns:
        The best point found, and how many times the loss was computed.

    Source:
        J. Nocedal, S. Wright, "Numerical optimization", algorithms 3.5 and 3.6, 2006.

    Example:
        >>> def along(t):  # loss (t - 3)^2
        ...     return Point(t, (t - 3) ** 2, None, 2 * (t - 3))
        >>> point, used = strong_wolfe(along, along(0.0), 1.0, scale=1.0, most=20)
        >>> point.t, used
        (1.0, 1)
    """
    search = _Search(along, start, scale, most, c1, c2, tolerance_change)
    ends = search.bracket(t)
    point = ends if isinstance(ends, Point) else search.zoom(*ends)
    return point, search.used


@dataclass
class _Search:
    """The options of a search, the conditions on its end, and how often the loss was computed."""

    along: Callable[[float], Point]
    start: Point
    scale: float
    most: int
    c1: float
    c2: float
    tolerance_change: float
    used: int = 0

    def at(self, t: float) -> Point:
        """The point at a distance t."""
        self.used += 1
        return self.along(t)

    def low(self, p: Point) -> bool:
        """Whether the loss is low enough: the first condition."""
        return p.loss <= self.start.loss + self.c1 * p.t * self.start.slope

    def flat(self, p: Point) -> bool:
        """Whether the slope is flat enough: the second condition."""
        return abs(p.slope) <= -self.c2 * self.start.slope

    def bracket(self, t: float) -> Point | tuple[Point, Point]:
        """Go on until the step is too long.

        Returns:
            A good point if one was met, else two points around one, the lower first.
        """
        previous, here = self.start, self.at(t)
        while self.used <= self.most:
            if not self.low(here) or (self.used > 2 and here.loss >= previous.loss):
                break
            if self.flat(here):
                return here
            if here.slope >= 0:
                break
            nearest, farthest = here.t + 0.01 * (here.t - previous.t), here.t * 10
            farther = _cubic(previous, here, nearest, farthest)
            previous, here = here, self.at(farther)
        else:
            previous = self.start
        return (previous, here) if previous.loss <= here.loss else (here, previous)

    def zoom(self, best: Point, other: Point) -> Point:
        """Divide the interval between two points until it is narrow, or a point in it is good."""
        cautious = False
        while self.used <= self.most and abs(other.t - best.t) * self.scale >= self.tolerance_change:
            t, cautious = _inside(best, other, cautious)
            here = self.at(t)
            if not self.low(here) or here.loss >= best.loss:
                other = here
                if other.loss < best.loss:
                    best, other = other, best
            else:
                if self.flat(here):
                    return here
                if here.slope * (other.t - best.t) >= 0:
                    other = best
                best = here
        return best


def _inside(a: Point, b: Point, cautious: bool) -> tuple[float, bool]:
    """Where to divide an interval: the lowest point of the cubic, not twice in a row near to an end.

    Args:
        a, b: the ends.
        cautious: whether the last division was near to an end.

    Returns:
        The place, and whether the next division has to be cautious.
    """
    low, high = sorted((a.t, b.t))
    t = _cubic(a, b, low, high)
    margin = 0.1 * (high - low)
    if not min(high - t, t - low) < margin:
        return t, False
    if not cautious and low < t < high:
        return t, True
    return high - margin if abs(t - high) < abs(t - low) else low + margin, False


def _cubic(a: Point, b: Point, low: float, high: float) -> float:
    """Where the cubic through two points with their slopes is lowest, within bounds."""
    if a.t > b.t:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    d2 = math.sqrt(square) if 0 <= square < math.inf else math.nan
    bend = b.slope - a.slope + 2 * d2
    if not abs(bend) > 0:  # no lowest place, or a loss that is not finite
        return (low + high) / 2
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / bend)
    return min(max(t, low), high)
