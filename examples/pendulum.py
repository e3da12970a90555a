"""The gradient through a million steps of a pendulum, in 64 MB.

    python -m examples.pendulum [--seed N] [--out FOLDER] [--quick]

A pendulum with friction is integrated by leapfrog steps, and its last angle is differentiated: by the first
angle, the first speed, and the friction. A tape of all steps would take gigabytes. `ag.scan` keeps states
instead, as many as the budget holds, and computes a step again when the backward pass comes to it. The
reference is the tangent of the same steps, written by hand and carried forward in plain Python.
"""

from __future__ import annotations

import math
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
from examples import program

STEP, BUDGET = 1e-4, "64 MB"
START = (1.0, 0.0, 0.05)


def last_angle(angle: Any, speed: Any, friction: Any, steps: int, memory: str | None) -> Any:
    """The angle after some steps."""

    def leap(state: Any, i: int) -> Any:
        angle, speed = state
        speed = speed - STEP * (np.sin(angle) + friction * speed)
        return angle + STEP * speed, speed

    return ag.scan(leap, (angle, speed), steps, memory)[0]


def by_tangents(steps: int) -> list[float]:
    """The derivatives of the last angle by the three numbers, each carried along with the steps."""
    angle, speed, friction = START
    angles, speeds, frictions = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]
    for _ in range(steps):
        slope = math.cos(angle)
        speeds = [
            v - STEP * (slope * a + friction * v + f * speed)
            for a, v, f in zip(angles, speeds, frictions, strict=True)
        ]
        speed -= STEP * (math.sin(angle) + friction * speed)
        angles = [a + STEP * v for a, v in zip(angles, speeds, strict=True)]
        angle += STEP * speed
    return angles


def run(quick: bool, seed: int, out: Path) -> dict[str, float]:
    """Differentiate, measure time and memory, and compare."""
    steps = 1_000 if quick else 1_000_000
    budget = "300 kB" if quick else BUDGET
    gradient = ag.grad(lambda a, s, f: last_angle(a, s, f, steps, budget), (0, 1, 2))
    begin = time.perf_counter()
    found = gradient(*START)
    seconds = time.perf_counter() - begin
    tracemalloc.start()  # slows the steps down, so memory has a run of its own
    gradient(*START)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    wanted = by_tangents(steps)
    error = float(np.max(np.abs(np.subtract(found, wanted)) / np.abs(wanted)))
    print(f"{steps:,} steps of a pendulum, budget {budget}")
    for name, value in zip(("first angle", "first speed", "friction"), found, strict=True):
        print(f"  last angle by the {name:11} {value:+.10f}")
    print(f"  from the tangent by hand      {error:.0e} relative")
    print(f"  time                          {seconds:.1f} s")
    print(f"  most memory at once           {peak / 1e6:.3g} MB")
    return {"error": error, "seconds": seconds, "peak": peak}


if __name__ == "__main__":
    sys.exit(program.main("pendulum", __doc__, run))
