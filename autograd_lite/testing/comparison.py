"""The comparison of derivatives with numeric slopes."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import tree
from ..arrays import to_host, unwrap
from ..box import wrap
from ..errors import OptionError
from ..recording import no_grad
from ..slope import Slope, analytic_slope, slope
from ..transforms import jvp, vjp
from ..words.explain import describe
from .batches import slopes_at_once
from .directions import Array, Directions, Way, inner, random, tally, tangent, ways
from .report import RANKS, CheckError, Flaw, missing
from .rules import check_rules

__all__ = ["Check", "Function", "Options"]

Function = Callable[..., Any]

LARGEST = 2.0**-6
"""The largest step of the finite differences, relative to the entry if its magnitude is above 1."""

__tracebackhide__ = True  # pytest shows the lines of the test, not of this file


@dataclass(frozen=True)
class Options:
    """The options of `check_grads`."""

    modes: tuple[str, ...]
    eps: float | None
    atol: float | None
    rtol: float | None
    directions: Directions

    def __post_init__(self) -> None:
        if not self.modes or set(self.modes) - {"rev", "fwd"}:
            raise OptionError(f'check_grads: modes={self.modes!r}; expected "rev", "fwd" or both')
        along = self.directions
        if along not in (None, "all") and not (isinstance(along, int) and along > 0):
            raise OptionError(
                f'check_grads: directions={describe(along)}; expected "all" for every entry, or the number '
                "of random directions"
            )


@dataclass(frozen=True)
class Check:
    """A function, the points at which to check it, and the options."""

    f: Function
    points: list[Array]
    names: list[str]
    options: Options
    size: float = 0.0
    """The magnitude of the original function, which bounds the rounding errors of its derivatives."""
    mirrored: bool = False
    """Whether f is a gradient, which at a complex point is the conjugate of the derivative."""

    def run(self, order: int) -> None:
        """Check f, and then its derivatives as functions of the same points."""
        check_rules(self.f, self.points)
        rng = np.random.default_rng(0)
        values, again = self.outputs(self.points), self.outputs(self.points)
        if not all(np.array_equal(y, twin, equal_nan=True) for y, twin in zip(values, again, strict=True)):
            raise CheckError("the value differs from one call to the next; is there randomness in f?")
        cotangents = [random(rng, y) for y in values]
        # The cotangent of a single number is not 1, so that no rule can ignore it. The report divides by it.
        numbers = [v.item() for v in cotangents if v.size == 1 and v.dtype.kind == "f"]
        unit = numbers[0] if numbers and sum(y.size for y in values) == 1 else 1.0
        weights = [v / unit for v in cotangents]
        tangents = [tangent(rng, x) for x in self.points]
        if "rev" in self.options.modes:
            pullback = _pullback(self.f, cotangents)
            self.reverse(pullback, weights, unit)
            self.higher(pullback, "reverse", order, not self.mirrored)
        if "fwd" in self.options.modes:
            pushforward = _pushforward(self.f, tangents)
            self.forward(pushforward, weights, tangents)
            self.higher(pushforward, "forward", order, self.mirrored)

    def higher(self, derivative: Function, mode: str, order: int, mirrored: bool) -> None:
        if order > 1:
            try:
                size = self.size or sum(float(np.sum(np.abs(y))) for y in self.outputs(self.points))
                replace(self, f=derivative, size=size, mirrored=mirrored).run(order - 1)
            except CheckError as failure:
                line = f"in the {mode}-mode derivative, differentiated again: {failure}"
                raise CheckError(line, failure.rows, failure.no_slope) from None

    def outputs(self, points: list[Array]) -> list[Array]:
        with no_grad():
            values = self.f(*map(wrap, points))
        return [to_host(y) for y in tree.flatten(values)[0]]

    def reverse(self, pullback: Function, weights: list[Any], unit: float) -> None:
        gradients, again = ([to_host(g) for g in pullback(*map(wrap, self.points))] for _ in range(2))
        for k, (g, twin, x, name) in enumerate(zip(gradients, again, self.points, self.names, strict=True)):
            if not np.array_equal(g, twin, equal_nan=True):
                raise CheckError(
                    f"the derivative of {name} differs from one call to the next; is there randomness in f?"
                )
            chosen = list(ways(x, self.options.directions))
            got = [inner(way.direction, g) / unit for way in chosen]
            slopes = self.slopes(k, chosen, weights)
            if slopes is not None and not self.flaws(k, chosen, got, slopes):
                continue
            flaws = self.flaws(k, chosen, got, [self.slope_along(k, way, weights) for way in chosen])
            if flaws:
                way, worst = max(flaws, key=lambda pair: pair[1].rank)
                argument = ("argument", f"{name.removeprefix('argument ')}, {describe(x)}")
                index = [("index", way.place.removeprefix(" at index "))] if way.single and x.ndim else []
                alike = [other for other, flaw in flaws if flaw.rank[0] == worst.rank[0]]
                counts = (RANKS[worst.rank[0]], tally(alike, chosen))
                raise CheckError(worst.line, [argument, *index, *worst.rows, counts], worst.no_slope)

    def flaws(
        self, k: int, chosen: list[Way], got: list[float], slopes: list[Slope]
    ) -> list[tuple[Way, Flaw]]:
        """The wrong or missing derivatives of one argument, each with its direction."""
        scale = max((abs(s.value) for s in slopes if math.isfinite(s.value)), default=0.0)
        found = []
        for way, value, expected in zip(chosen, got, slopes, strict=True):
            what = f"reverse-mode derivative of {self.names[k]}{way.place}"
            flaw = self.judge(value, expected, scale, self.points[k].dtype, what)
            if flaw is not None:
                found.append((way, flaw))
        return found

    def forward(self, pushforward: Function, weights: list[Any], tangents: list[Any]) -> None:
        pushed = tree.flatten(pushforward(*map(wrap, self.points)))[0]
        got = sum(inner(v, unwrap(t)) for v, t in zip(weights, pushed, strict=True))
        narrow = min((x.dtype for x in self.points), key=lambda dtype: np.finfo(dtype).bits)
        flaw = self.judge(got, self.slope(tangents, weights), 0.0, narrow, "forward-mode derivative")
        if flaw is not None:
            raise CheckError(flaw.line, flaw.rows, flaw.no_slope)

    def slopes(self, k: int, chosen: list[Way], weights: list[Any]) -> list[Slope] | None:
        """The derivatives along directions of one argument at once; None if f does not run on a batch."""
        largest = self.options.eps or LARGEST
        return slopes_at_once(
            self.f, self.wide(), k, chosen, weights, largest, self.is_double(weights), self.mirrored
        )

    def slope_along(self, k: int, way: Way, weights: list[Any]) -> Slope:
        """The derivative along a direction of one argument."""
        along: list[Any] = [None] * len(self.points)
        along[k] = way.direction
        return self.slope(along, weights, way.size)

    def wide(self) -> list[Array]:
        """The points in double precision."""
        return [x.astype(np.result_type(x.dtype, np.float64)) for x in self.points]

    def is_double(self, weights: list[Any]) -> bool:
        """Whether all numbers are real in double precision, as the complex step needs."""
        return all(x.dtype == np.float64 for x in (*self.points, *weights))

    def slope(self, along: list[Any], weights: list[Any], size: float = 1.0) -> Slope:
        """The derivative of Re<weights, f> along a direction; None stands for no movement."""
        wide = self.wide()

        def outputs(t: Any) -> list[Array]:
            moved = [x if d is None else x + t * d for x, d in zip(wide, along, strict=True)]
            with np.errstate(all="ignore"):
                return self.outputs(moved)

        def phi(t: float) -> float:
            return sum(inner(v, y) for v, y in zip(weights, outputs(t), strict=True))

        def extended(t: complex) -> complex:
            total = complex(sum(np.sum(v * y) for v, y in zip(weights, outputs(t), strict=True)))
            return total.conjugate() if self.mirrored else total

        largest = (self.options.eps or LARGEST) * size
        found = None
        if self.is_double(weights):
            with contextlib.suppress(Exception), warnings.catch_warnings():  # f may refuse complex numbers
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                found = analytic_slope(phi, extended, largest)
        return found or slope(phi, largest)

    def judge(self, got: float, expected: Slope, scale: float, dtype: Any, what: str) -> Flaw | None:
        """The flaw of one derivative, or None if it is right.

        Args:
            got: the analytic derivative.
            expected: the numeric slope.
            scale: the largest derivative with respect to the same argument.
            dtype: the dtype of the argument.
            what: the name of the derivative in messages.
        """
        value, error = expected.value, expected.error
        if expected.kink:
            return missing(what, f"there is a kink, the slope jumps by {expected.kink:.6g}", got, True)
        if abs(expected.jump) > 0:
            return missing(what, f"the function jumps there, by {expected.jump:.6g}", got, True)
        if not math.isfinite(value):
            why = "the function is not finite around the point"
            if expected.jump == 0:
                why = "finite differences do not settle"
            return missing(what, f"{why} (analytic {got:.6g})", got, False)
        narrow = np.finfo(dtype).bits < 64
        rtol = 2e-3 if narrow else 1e-12 if expected.sharp else 1e-6
        rtol = self.options.rtol if self.options.rtol is not None else rtol
        rounding = (2e-5 if narrow else 1e-13) * max(self.size, expected.size)
        atol = self.options.atol if self.options.atol is not None else rtol * scale + rounding
        if abs(got - value) <= atol + rtol * abs(value) + (10 if expected.sharp else 4) * error:
            return None
        off = abs(got - value) / (abs(value) or math.ulp(0.0))
        if math.isfinite(got) and error > 0.01 * max(abs(value), scale):
            line = (
                f"cannot check the {what}: finite differences give it as {value:.6g} only to within "
                f"{error:.1g} (analytic {got:.6g}); scale the function or its arguments, or set eps"
            )
            return Flaw((0, off), line, [], False)
        method = "the complex step" if expected.sharp else "finite differences"
        rows = [
            ("analytic", f"{got: .16g}"),
            ("numeric", f"{value: .16g}, to within {error:.1g}, by {method}"),
            ("relative error", f" {off:.3g}" if value else "-"),
        ]
        digits = 10 if not off < 1e-8 else 17
        line = f"wrong {what}: analytic {got:.{digits}g}, numeric {value:.{digits}g}"
        return Flaw((2, off if off == off else math.inf), line, rows, False)


def _pullback(f: Function, cotangents: list[Any]) -> Function:
    def pulled_back(*xs: Any) -> Any:
        out, pullback = vjp(f, *xs)
        return pullback(tree.flatten(out)[1](cotangents))

    return pulled_back


def _pushforward(f: Function, tangents: list[Any]) -> Function:
    return lambda *xs: jvp(f, xs, tuple(t.astype(x.dtype) for t, x in zip(tangents, xs, strict=True)))[1]
