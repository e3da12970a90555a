"""Polynomials that approach a function, and the Lorenz equations in long steps.

    python -m examples.taylor [--seed N] [--out FOLDER] [--quick]

`ag.jet` gives the Taylor coefficients of a function. They draw its polynomials of growing order. The
coefficients of the solution of a differential equation make a Taylor method: each step is a polynomial of
order 15, and its last terms say how long the step may be. The end is compared with that of a Runge-Kutta
method of order 4 in tiny steps.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial.polynomial import polyval

import autograd_lite as ag
from examples import program
from examples.pictures import COLORS, GREY, panels, save

Array = npt.NDArray[Any]

ORDER = 15
TOLERANCE = 1e-16
END = 2.0
START = np.array([1.0, 1.0, 20.0])


def lorenz(y: Any) -> Any:
    """The slope of a point in space, with Lorenz' numbers 10, 28 and 8/3."""
    x, y, z = y
    return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


def by_taylor(y: Array, end: float) -> tuple[Array, Array, Array]:
    """The times of the steps, the points there, and many points between them."""
    time, times, points, dense = 0.0, [0.0], [y], [y[None]]
    while time < end:
        coefficients = ag.series.solution(lorenz, y, ORDER)
        size = np.max(np.abs(coefficients), axis=1)
        step = min(float((TOLERANCE * size[0] / size[-1]) ** (1 / ORDER)), end - time)
        dense.append(polyval(np.linspace(0, step, 20), coefficients).T)
        y, time = polyval(step, coefficients), time + step
        times.append(time)
        points.append(y)
    return np.array(times), np.array(points), np.concatenate(dense)


def by_runge_kutta(y: Array, end: float, steps: int) -> Array:
    """The point at the end, by the classical method of order 4."""
    h = end / steps
    for _ in range(steps):
        a = lorenz(y)
        b = lorenz(y + h / 2 * a)
        c = lorenz(y + h / 2 * b)
        y = y + h / 6 * (a + 2 * b + 2 * c + lorenz(y + h * c))
    return y


def draw_polynomials(axes: Any, f: Any, title: str, orders: tuple[int, ...], width: float) -> None:
    """A function and its Taylor polynomials at 0."""
    x = np.linspace(-width, width, 400)
    coefficients = ag.jet(f, 0.0, 1.0, max(orders))
    axes.plot(x, f(x), color=GREY, linewidth=4, alpha=0.5)
    for order, color in zip(orders, COLORS, strict=False):
        axes.plot(x, polyval(x, coefficients[: order + 1]), color=color, linewidth=1, label=f"order {order}")
    axes.set_ylim(-1.8, 2.8)
    axes.set_title(title)
    axes.legend(fontsize=8, loc="upper left", ncols=2, framealpha=1, edgecolor="white")  # over lines


def run(quick: bool, seed: int, out: Path) -> dict[str, float]:
    """Integrate, compare, and draw."""
    times, points, dense = by_taylor(START, END)
    steps = 4_000 if quick else 40_000
    reference = by_runge_kutta(START, END, steps)
    distance = float(np.max(np.abs(points[-1] - reference)))
    print(f"Lorenz' equations from t = 0 to {END:g}")
    print(f"  Taylor, order {ORDER}       {len(times) - 1:>6} steps, of {np.diff(times).mean():.3f}")
    print(f"  Runge-Kutta, order 4   {steps:>6} steps, of {END / steps:g}")
    print(f"  distance at the end    {distance:.0e}")

    figure, (left, middle, right) = panels(1, 3)
    draw_polynomials(left, np.sin, "sin(x)", (1, 3, 5, 9, 15), 8.0)
    draw_polynomials(middle, lambda x: 1 / (1 + x * x), "1 / (1 + x^2)", (2, 4, 8, 16), 2.0)
    right.plot(dense[:, 0], dense[:, 2], color=COLORS[0], linewidth=1)
    right.plot(points[:, 0], points[:, 2], ".", color=COLORS[1], label="steps of order 15")
    right.set_title("Lorenz' equations")
    right.set_xlabel("x")
    right.set_ylabel("z")
    right.legend(frameon=False, fontsize=8)
    save(figure, out / "taylor.png")
    return {"steps": len(times) - 1, "distance": distance}


if __name__ == "__main__":
    sys.exit(program.main("taylor", __doc__, run))
