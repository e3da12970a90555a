"""The time that `import library` adds to `import numpy`, each in a fresh interpreter.

NumPy is imported before the clock starts, since every user has it loaded. Engines are compared with
engines. Libraries with layers and optimizers are compared with each other.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from ..libraries import DENSE, EAGER, LIBRARIES, NESTED, OURS
from ..workload import Step, Workload

ROOT = Path(__file__).parents[2]
PROGRAM = """
import numpy, time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""


def engines(quick: bool) -> Workload:
    """Automatic differentiation alone."""
    others = {"pytorch", EAGER, DENSE, NESTED}
    modules = {name: library.module for name, library in LIBRARIES.items() if name not in others}
    return _workload("import", "import of the engine, on top of NumPy's", modules, {})


def with_networks(quick: bool) -> Workload:
    """What one needs to train a network."""
    modules = {OURS: "autograd_lite, nn", "pytorch": "torch"}
    return _workload("import-nn", "import of engine, layers and optimizers", modules, {"pytorch": 10.0})


def _workload(name: str, does: str, modules: dict[str, str], goals: dict[str, float]) -> Workload:
    """One import a sample; five samples."""
    return Workload(
        name=name,
        does=does,
        contenders={library: partial(importing, module) for library, module in modules.items()},
        goals=goals,
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
