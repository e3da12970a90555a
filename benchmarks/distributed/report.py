"""The report of `python -m benchmarks distributed`: measured here, and calculated for other networks."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .costs import NETWORKS, WAYS, fitted, simulated_ring, simulated_tree, step

__all__ = ["report"]

ROOT = Path(__file__).parents[2]
ROUNDS = 40


def report(quick: bool) -> int:
    """Measure, print the tables, and return the exit status."""
    mpiexec = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if find_spec("mpi4py") is None or mpiexec is None:
        print("benchmarks distributed needs MPI: pip install 'autograd-lite[mpi]'", file=sys.stderr)
        return 1
    rounds = str(2 if quick else ROUNDS)
    two = _json([mpiexec, "-n", "2", sys.executable, "-m", "benchmarks.distributed.rank", rounds], 1)
    one = _json([mpiexec, "-n", "1", sys.executable, "-m", "benchmarks.distributed.rank", rounds], 2)
    peer = _torch(rounds) if find_spec("torch") else {}
    print(_measured(two["nets"], one["nets"], peer))
    print(_calculated(two["nets"], two["messages"]))
    return 0


def _json(command: list[str], threads: int, **more: str) -> Any:
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads), **more}
    done = subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def _torch(rounds: str) -> dict[str, float]:
    """The step of PyTorch in two processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    meet = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    command = [sys.executable, "-m", "benchmarks.distributed.peer", rounds]
    env = {**os.environ, **meet, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env={**env, "RANK": "1"}, cwd=ROOT) as other:
        try:
            found: dict[str, float] = _json(command, 1, **meet, RANK="0")
            return found
        finally:
            other.kill() if sys.exc_info()[0] else other.wait()


def _measured(two: list[Any], one: list[Any], peer: dict[str, float]) -> str:
    """A row for each net: what messages cost, and what others take for the same batch."""
    lines = [
        "distributed: a training step of two ranks of one thread, 32 samples each; milliseconds",
        f"  {'net':<5}{'bytes':>10}{'step':>8}{'compute':>9}{'messages':>10}{'hidden':>8}{'waited':>8}"
        f"{'1 rank, 2 threads':>19}{'PyTorch DDP':>13}",
    ]
    for row, alone in zip(two, one, strict=True):
        waited = max(row["step"] - row["compute"], 0.0)
        hidden = max(row["messages"] - waited, 0.0)
        times = [f"{1e3 * row[key]:.2f}" for key in ("step", "compute", "messages")]
        theirs = f"{1e3 * peer[row['net']]:.2f}" if peer else "-"
        lines.append(
            f"  {row['net']:<5}{sum(size for size, _ in row['buckets']):>10,}{times[0]:>8}{times[1]:>9}"
            f"{times[2]:>10}{1e3 * hidden:>8.2f}{1e3 * waited:>8.2f}{1e3 * alone['step']:>19.2f}{theirs:>13}"
        )
    return "\n".join(lines) + "\n"


def _calculated(nets: list[Any], messages: list[tuple[int, float]]) -> str:
    """The efficiency that the formulas give for other networks, and how far the simulation is from them."""
    here = fitted(messages)
    lines = [
        f"measured here: a message takes {1e6 * here.latency:.1f} us, and 1 s for "
        f"{here.bandwidth / 1e9:.2f} GB",
        f"  formulas beside a simulation of all messages, up to 64 ranks: {_gap(nets, here):.2%} apart",
        "calculated, not measured: the fraction of a step in which ranks compute (better of ring and tree)",
        f"  {'net':<5}{'network':<26}" + "".join(f"{ranks:>8,}" for ranks in (8, 64, 1024)),
    ]
    for net in nets:
        for network in (here, *NETWORKS):
            line = f"  {net['net']:<5}{network.name:<26}"
            for ranks in (8, 64, 1024):
                total = min(
                    step(net["compute"], net["buckets"], partial(way, ranks, network))[0]
                    for way in WAYS.values()
                )
                line += f"{net['compute'] / total:>8.0%}"
            lines.append(line)
    return "\n".join(lines) + "\n"


def _gap(nets: list[Any], network: Any) -> float:
    """The largest relative difference between formula and simulation, over the recorded buckets."""
    gap = 0.0
    for ranks in (2, 4, 8, 16, 32, 64):
        for size in {size for net in nets for size, _ in net["buckets"]}:
            for name, simulated in (("ring", simulated_ring), ("tree", simulated_tree)):
                formula = WAYS[name](ranks, network, size)
                gap = max(gap, abs(simulated(size, [0.0] * ranks, network) / formula - 1))
    return gap
