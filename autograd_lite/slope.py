"""The slope of a function of one number, computed from its values: the reference of gradient checks.

Two independent methods compute the slope. Central differences, extrapolated to step 0, work wherever there
is a slope, and detect kinks and jumps; they give eight to eleven digits. The complex step gives all digits,
but needs an analytic function without `abs`, `conj` and the like.

>>> import cmath
>>> round(slope(math.exp, 0.1).value, 9), analytic_slope(math.exp, cmath.exp, 0.1).value
(1.0, 1.0)
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

__all__ = ["Slope", "analytic_slope", "slope"]

RATIO = 1.6
"""The ratio of one step to the next: no power of two, so that steps are not whole periods of the function."""

FAR = 1e-10
"""The largest relative difference of two sharp results; beyond it neither is used."""


@dataclass(frozen=True)
class Slope:
    """A derivative computed from values of the function.

    Attributes:
        value: the derivative.
        error: an estimate of the absolute error of `value`.
        size: the magnitude of the function at the point.
        kink: the slope from the right minus the slope from the left, if they differ.
        jump: the distance from the value in the middle to values at the smallest steps, if it does not
            vanish; NaN if the function has no finite values there.
        sharp: whether `value` comes from the complex step.
    """

    value: float
    error: float
    size: float
    kink: float = 0.0
    jump: float = 0.0
    sharp: bool = False


def slope(phi: Callable[[float], float], largest: float) -> Slope:
    """phi'(0), from central differences at ever smaller steps, extrapolated to step 0.

    Source:
        C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", 1982.

    Example:
        >>> slope(abs, 0.1).kink, slope(lambda t: float(t > 0), 0.1).jump
        (2.0, 1.0)
    """
    middle = phi(0.0)
    nothing = best = Slope(math.nan, math.inf, abs(middle))
    row: list[float] = []
    step = largest
    for _ in range(60):
        central, _, noise = _difference(phi, middle, step)
        if not math.isfinite(central):  # outside of the domain: begin anew with smaller steps
            row, step = [], step / 10
            continue
        new = [central]
        for j, previous in enumerate(row):
            new.append(new[-1] + (new[-1] - previous) / (RATIO ** (2 * (j + 1)) - 1))
            error = max(abs(new[-1] - new[-2]), abs(new[-1] - previous), 2 * noise)
            if error < best.error:
                best = Slope(new[-1], error, abs(middle))
        row, step = new, step / RATIO
        if len(row) > 3 and best.error <= 1e-9 * abs(best.value) + 1e-12 + 8 * noise:
            settled = _confirmed(phi, middle, step, best)
            if settled is not None:
                return settled
            best, row, step = nothing, [], step / 10
    return replace(best, jump=_jump(phi, middle, largest))


def _difference(phi: Callable[[float], float], middle: float, step: float) -> tuple[float, float, float]:
    """The central difference, the difference of one-sided slopes, and a bound for their rounding error."""
    right, left = phi(step), phi(-step)
    noise = 2.0**-51 * max(abs(right), abs(left), abs(middle)) / step
    return (right - left) / (2 * step), (right - 2 * middle + left) / step, noise


def _confirmed(phi: Callable[[float], float], middle: float, step: float, found: Slope) -> Slope | None:
    """The slope, if much smaller steps agree with it; else None.

    Large steps can agree by chance: when they step over a kink, or over whole periods. At a kink the
    one-sided slopes differ by the same amount at both smaller steps.
    """
    kinks = []
    for shrink in (37.0, 1300.0):
        central, kink, noise = _difference(phi, middle, step / shrink)
        if not abs(central - found.value) <= 10 * found.error + 1e-5 * abs(found.value) + 8 * noise + 1e-11:
            return None
        kinks.append(kink if abs(kink) > 16 * noise + 1e-5 * abs(found.value) else 0.0)
    stays = 0.8 * abs(kinks[0]) < abs(kinks[1]) < 1.25 * abs(kinks[0])
    return replace(found, kink=kinks[1] if stays else 0.0)


def _jump(phi: Callable[[float], float], middle: float, largest: float) -> float:
    """The distance of the function from its value in the middle as the step goes to 0; 0 if it vanishes.

    It vanishes even for the cube root: at the smallest step it is a thousandth of that at the first.
    """
    shrinks = (1e-3, 1e-5, 1e-7, 1e-10, 1e-11, 1e-12)
    pairs = [[abs(phi(side * largest * shrink) - middle) for side in (1, -1)] for shrink in shrinks]
    if not all(math.isfinite(distance) for pair in pairs for distance in pair):
        return math.nan
    distances = list(map(max, pairs))
    last = max(distances[3:])
    return last if last > 0.5 * max(distances) and last > 1e-9 * abs(middle) else 0.0


def analytic_slope(
    phi: Callable[[float], float], extended: Callable[[complex], complex], largest: float
) -> Slope | None:
    """The slope by the complex step, if `extended` is phi as an analytic function of a complex number.

    extended(i h) = phi(0) + i h phi'(0) + O(h^2): the imaginary part holds the slope, and nothing cancels
    however small h is. The slope is accepted if it agrees with two others. One is Cauchy's integral over a
    circle, which differs where `abs`, `conj` or a comparison has dropped an imaginary part. The other is
    the slope of phi between neighbouring points, within a bound for the curvature from the circle.

    Source:
        W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", 1998.

    Example:
        >>> import cmath
        >>> phi = lambda t: cmath.exp(t) + 1e-9 * abs(t + 1)
        >>> analytic_slope(lambda t: phi(t).real, phi, 0.1)  # None
    """
    step, tiny = largest / 4096, 1e-30 * largest
    middle, right, left = phi(0.0), phi(step), phi(-step)
    central, size = (right - left) / (2 * step), abs(middle)
    stepped = extended(1j * tiny)
    value = stepped.imag / tiny
    same = abs(stepped.real - middle) <= 2.0**-48 * size
    if not (same and abs(value - central) <= 0.01 * abs(value) + 2.0**-48 * size / step):
        return None
    for radius in (largest, largest / 16, largest / 256):
        around = {turn: extended(radius * turn) for turn in _EIGHTHS}  # the lower half mirrors the upper
        integral = sum((y / turn).real for turn, y in around.items()) / (4 * radius)
        noise = 2.0**-51 * size / radius
        error = abs(value - integral) + noise
        if error <= FAR * abs(value) + 8 * noise:
            bend = 2 * max(abs(y - middle) for y in around.values()) * (step / radius) ** 2 + 2.0**-50 * size
            straight = max(abs(right - middle - step * value), abs(left - middle + step * value)) <= bend
            return Slope(value, error, size, sharp=True) if straight else None
    return None


_EIGHTHS = [cmath.exp(1j * math.pi * k / 8) for k in (1, 3, 5, 7)]
