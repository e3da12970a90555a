"""Line search: a step length that meets the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy.typing as npt

__all__ = ["Point", "strong_wolfe"]

Array = npt.NDArray[Any]


class Point(NamedTuple):
    """A point on a line: its distance, the loss, the gradient, and the slope along the line."""

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
    """Find a point on a line with a lower loss and a flatter slope: the strong Wolfe conditions.

    loss(t) <= loss(0) + c1 t slope(0) and |slope(t)| <= c2 |slope(0)|.

    Args:
        along: `along(t)` is the point at the distance t.
        start: the point at t = 0, where the slope is negative.
        t: the first distance to try.
        scale: the largest entry of the direction.
        most: the largest number of points to try after the first.
        c1, c2: the constants of the conditions above.
        tolerance_change: stop if the bracket, times scale, is narrower than this.

    Returns:
        The best point found, and the number of loss evaluations.

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
    """The options of a search, its end conditions, and the number of loss evaluations."""

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
        """Lengthen the step until it is too long.

        Returns:
            A point that meets the conditions, or two points around one, the lower first.
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
        """Divide the interval between two points until it is narrow or a point meets the conditions."""
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
    """Choose where to divide an interval: at the minimum of the cubic, but not near an end twice in a row.

    Args:
        a, b: the ends of the interval.
        cautious: True if the last division was near an end.

    Returns:
        The distance, and the value of `cautious` for the next division.
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
    """The minimum of the cubic through two points with their slopes, within bounds."""
    if a.t > b.t:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    d2 = math.sqrt(square) if 0 <= square < math.inf else math.nan
    bend = b.slope - a.slope + 2 * d2
    if not abs(bend) > 0:  # no minimum, or a loss that is not finite
        return (low + high) / 2
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / bend)
    return min(max(t, low), high)
