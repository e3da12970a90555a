"""A program for PyTorch's DistributedDataParallel runs with its imports changed, and computes the same."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from tests.ranks.parallel_program import OURS, PROGRAM, THEIRS
from tests.ranks.running import started

pytestmark = [pytest.mark.torch, pytest.mark.slow]


def with_torch(n: int, folder: Path) -> None:
    """The program in n processes of PyTorch."""
    pytest.importorskip("torch")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(n)}
    every = [
        subprocess.Popen(
            [sys.executable, "-c", THEIRS + PROGRAM, str(folder), "theirs"],
            env={**env, "RANK": str(r), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for r in range(n)
    ]
    for run in every:
        _, said = run.communicate(timeout=300)
        assert run.returncode == 0, said


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_program_for_torch(ranks: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 3))
    data: dict[str, Any] = {k: np.asarray(v) for k, v in model.state_dict().items()}
    X, y = rng.standard_normal((12, 20)).astype(np.float32), rng.integers(3, size=12)
    np.savez(tmp_path / "data.npz", X=X, y=y, **data)
    with_torch(ranks, tmp_path)
    done = started(ranks, "-c", OURS + PROGRAM, str(tmp_path), "ours")
    assert done.returncode == 0, done.stderr
    for rank in range(ranks):
        ours, theirs = (np.load(tmp_path / f"{who}{rank}.npz") for who in ("ours", "theirs"))
        assert len(theirs) == 12
        for name in theirs:
            assert np.allclose(ours[name], theirs[name], rtol=0, atol=1e-6), name
