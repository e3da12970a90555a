"""The time that `import library` adds to `import numpy`, each in a fresh interpreter.

NumPy is imported before the clock starts: whoever computes with arrays has it anyway.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from ..libraries import LIBRARIES
from ..runner import Step, Workload

ROOT = Path(__file__).parents[2]
PROGRAM = """
import numpy, time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""


def workload(quick: bool) -> Workload:
    """One import a sample; five samples."""
    return Workload(
        name="import",
        does="import of the library, on top of NumPy's",
        contenders={name: partial(importing, library.module) for name, library in LIBRARIES.items()},
        goals={"pytorch": 10.0},
        rounds=5,
        unit="import",
        measures_itself=True,
    )


def importing(module: str) -> Step:
    """A step that returns the seconds a new interpreter needs for the import."""
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    # What pip installs comes with its byte code; let a source tree have its own, too.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def step() -> float:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        return float(done.stdout)

    return step
