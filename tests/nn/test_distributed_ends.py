"""However a run on several ranks ends, all its processes end with it, and its last checkpoint is whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.ranks.long import trainer
from tests.ranks.running import command_of

SECONDS = 20
"""What a loaded machine may take; alone it is less than one."""


def until(condition: object, seconds: float) -> bool:
    """Whether a condition comes true in time."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def ended(folder: Path, ranks: int, how: str, seed: int) -> None:
    """Start a run, and end it at a random moment after its first checkpoint."""
    drawn = random.Random(seed)
    checkpoint = folder / "run.safetensors"
    with (
        (folder / "said").open("w") as said,
        subprocess.Popen(
            **command_of(ranks, "-m", "tests.ranks.long", str(folder)), stdout=said, stderr=said
        ) as run,
    ):
        try:
            assert until(checkpoint.exists, 60), (folder / "said").read_text()
            pids = [int((folder / f"{r}.pid").read_text()) for r in range(ranks)]
            time.sleep(drawn.uniform(0, 0.5))
            if how == "kill":
                os.kill(drawn.choice(pids), signal.SIGKILL)
            elif how == "interrupt a rank":
                os.kill(drawn.choice(pids), signal.SIGINT)
            else:
                run.send_signal(signal.SIGINT)
            assert until(lambda: run.poll() is not None, SECONDS), how
            assert until(lambda: not any(map(alive, pids)), SECONDS), how
            assert run.returncode != 0
        finally:
            run.kill()
    if how == "interrupt a rank":
        assert "KeyboardInterrupt" in (folder / "said").read_text()
    assert len(trainer(distributed=False).resume(checkpoint)["loss"]) > 0


@pytest.mark.few(50)
@pytest.mark.parametrize("seed", range(50))
def test_a_killed_rank_ends_all(seed: int, tmp_path: Path) -> None:
    ended(tmp_path, 2 + seed % 2, "kill", seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("how", ["interrupt a rank", "Ctrl-C"])
def test_an_interrupt_ends_all(how: str, seed: int, tmp_path: Path) -> None:
    ended(tmp_path, 2, how, seed)
