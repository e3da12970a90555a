"""The peak memory of training steps, each library in a fresh process.

The row is the rise of the resident bytes in three steps, with the setup. It counts parameters, gradients,
values kept by the forward pass, and work buffers. The base is the memory after the import, the data, and
one step of a tiny model. Linux counts the bytes; elsewhere nothing is measured.
"""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np

from ..libraries import EAGER, LIBRARIES, OURS
from ..workload import Step, Workload
from .importing import ROOT

STATUS = Path("/proc/self/status")
TRAINED = {"mlp": "mlp-adam", "cnn": "cnn", "lstm": "lstm", "compiled": "mlp-adam-compiled"}
"""The workload whose steps are taken."""


def workload(model: str, quick: bool, peer: str = "pytorch", goal: float = 1 / 1.1) -> Workload:
    """Three processes for each library."""
    libraries = (OURS, peer) if "VmHWM" in status() else ()
    return Workload(
        name=f"memory-{model}",
        does=f"peak memory of the steps of {TRAINED[model]}",
        contenders={name: partial(measured, TRAINED[model], name) for name in libraries},
        goals={peer: goal},
        rounds=3,
        unit="run",
        measures_itself=True,
        quantity="B",
    )


def measured(name: str, library: str) -> Step:
    """A step that returns the peak of a new process."""
    program = f"from benchmarks.workloads.memory import peak; print(peak({name!r}, {library!r}))"

    def step() -> float:
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return float(done.stdout)

    return step


def peak(name: str, library: str) -> int:
    """Bytes above those of now, at the highest, while three steps are taken."""
    from . import WORKLOADS

    LIBRARIES[library].load()
    take_first_step(library)
    set_up = WORKLOADS[name](True).contenders[library]
    with contextlib.suppress(OSError):  # forget the highest so far; else it counts as if it were ours
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = status()["VmRSS"]
    step = set_up()
    for _ in range(3):
        step()
    return status()["VmHWM"] - before


def take_first_step(library: str) -> None:
    """Train a tiny model, so that code which a library loads at its first use is there."""
    ours = library in (OURS, EAGER)
    nn = importlib.import_module("nn" if ours else "torch.nn")
    optim = importlib.import_module("nn.optim" if ours else "torch.optim")
    zeros = np.zeros if ours else importlib.import_module("torch").zeros
    model = nn.Linear(3, 2)
    optimizer = optim.Adam(model.parameters())
    model(zeros((4, 3))).sum().backward()
    optimizer.step()


def status() -> dict[str, int]:
    """The bytes of this process that are resident now, "VmRSS", and were at the highest, "VmHWM"."""
    if not STATUS.exists():
        return {}
    entries = (line.split(":") for line in STATUS.read_text(encoding="utf-8").splitlines())
    return {key: int(value.split()[0]) << 10 for key, value in entries if key in ("VmRSS", "VmHWM")}
