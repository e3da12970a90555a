"""Runs a function of a test in several processes under `mpiexec`."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT

PROGRAM = """
import json, sys
from pathlib import Path
import nn.distributed as dist
from {module} import {name}
dist.init()
result = {name}(*json.loads(sys.argv[1]))
Path(sys.argv[2], str(dist.rank())).write_text(json.dumps(result))
"""


def mpiexec() -> str:
    """The path of mpiexec; the test is skipped where there is none."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    beside = Path(sys.executable).parent / "mpiexec"
    package = importlib.import_module("mpi4py").__file__
    home = Path(str(package)).parents[4] / "bin" / "mpiexec"  # of the environment that mpi4py is in
    for path in (beside, home, shutil.which("mpiexec")):
        if path is not None and Path(path).exists():
            return str(path)
    pytest.skip("there is no mpiexec")


def command_of(n: int, *command: str) -> dict[str, Any]:
    """The arguments of `subprocess` that run a Python program in n processes, with one thread each."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), env.get("PYTHONPATH", "")])
    env["LD_LIBRARY_PATH"] = os.pathsep.join(
        [str(Path(mpiexec()).parents[1] / "lib"), env.get("LD_LIBRARY_PATH", "")]
    )
    whole = [mpiexec(), "-n", str(n), sys.executable, *command]
    return {"args": whole, "env": env, "cwd": ROOT, "text": True}


def started(n: int, *command: str, seconds: float = 120.0) -> subprocess.CompletedProcess[str]:
    """A Python program in n processes, until it ends."""
    return subprocess.run(**command_of(n, *command), capture_output=True, timeout=seconds)


def on_ranks(n: int, folder: Path, function: Any, *arguments: Any) -> list[Any]:
    """The results of a function on n ranks, in the order of the ranks.

    Args:
        n: the number of processes.
        folder: for the results.
        function: of a module; called with the arguments after `init`, and returns what JSON can hold.
    """
    folder.mkdir(exist_ok=True)
    program = PROGRAM.format(module=function.__module__, name=function.__name__)
    done = started(n, "-c", program, json.dumps(arguments), str(folder))
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / str(rank)).read_text()) for rank in range(n)]
