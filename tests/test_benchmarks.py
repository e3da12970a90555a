"""The benchmark compares equal work: numbers must agree, missing peers are named, no time is judged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.known import known
from benchmarks import libraries, runner
from benchmarks.__main__ import main, shown, table
from benchmarks.contender import Apart, Here
from benchmarks.libraries import OURS, Library
from benchmarks.runner import run
from benchmarks.workload import DisagreementError, FailedError, Workload
from benchmarks.workloads import WORKLOADS, chain, memory, neuron
from tests.helpers import python

ROOT = Path(__file__).parents[1]


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> str:
    """A peer that is always installed: NumPy itself."""
    monkeypatch.setitem(libraries.LIBRARIES, "peer", Library("numpy", "numpy"))
    return "peer"


def returning(*values: Any) -> Callable[[], Callable[[], list[Any]]]:
    return lambda: lambda: list(values)


def test_each_library_gets_a_row_and_ours_is_the_measure(peer: str) -> None:
    workload = Workload(
        "toy", "two numbers", {OURS: returning(ag.Tensor(1.0)), peer: returning(1.0)}, {peer: 2.0}
    )
    ours, other = run(workload, quick=True)
    assert (ours.library, other.library) == (OURS, peer)
    assert ours.ratio == 1.0 and ours.goal is None
    assert other.goal == 2.0 and other.version == np.__version__
    assert other.median and ours.median and other.ratio == pytest.approx(other.median / ours.median)
    assert 0 < other.fastest <= other.median <= other.slowest


@pytest.mark.parametrize("wrong", [(1.0 + 1e-6,), (1.0, 2.0), (float("nan"),), ([1.0, 1.0],)])
def test_other_numbers_are_an_error(peer: str, wrong: tuple[Any, ...]) -> None:
    workload = Workload("toy", "a number", {OURS: returning(ag.Tensor(1.0)), peer: returning(*wrong)})
    with pytest.raises(DisagreementError, match="toy: peer"):
        run(workload, quick=True)


def test_a_missing_or_failing_peer_is_said(peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(libraries.LIBRARIES, "absent", Library("absent", "no_such_module_anywhere"))

    def failing() -> Any:
        raise RecursionError

    workload = Workload(
        "toy", "a number", {OURS: returning(ag.Tensor(1.0)), "absent": returning(1.0), peer: lambda: failing}
    )
    rows = run(workload, quick=True)
    assert [row.note for row in rows] == ["", "not installed", "fails: RecursionError"]
    assert [row.median is None for row in rows] == [False, True, True]
    assert "not installed" in table(workload, rows, goals=True)


def test_goals_are_shown_only_when_they_were_measured(peer: str) -> None:
    workload = Workload(
        "toy", "a number", {OURS: returning(ag.Tensor(1.0)), peer: returning(1.0)}, {peer: 1e9}
    )
    rows = run(workload, quick=True)
    assert "goal 1e+09x: missed" in table(workload, rows, goals=True)
    assert "goal" not in table(workload, rows, goals=False)


def test_a_step_that_measures_itself_is_taken_at_its_word(peer: str) -> None:
    workload = Workload(
        "toy", "seconds", {OURS: lambda: lambda: 2.0, peer: lambda: lambda: 6.0}, per=4, measures_itself=True
    )
    ours, other = run(workload, quick=True)
    assert (ours.median, other.median, other.ratio) == (0.5, 1.5, 3.0)


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.0, "2 s"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 us"), (1.2e-8, "12 ns")]
)
def test_times_are_shown_in_a_unit_that_suits(seconds: float, text: str) -> None:
    assert shown(seconds) == text


def test_the_neuron_is_that_of_the_lectures() -> None:
    f, *gradient = [float(x.numpy()) for x in neuron.ours()()]
    assert f == pytest.approx(0.7311, abs=5e-5)
    assert gradient == pytest.approx([-0.1966, 0.3932, -0.3932, -0.5898, 0.1966], abs=5e-5)


@pytest.mark.parametrize("f", [chain.chain, chain.mixed])
def test_the_chains_have_a_hundred_ops(f: chain.Chain) -> None:
    x = ag.Tensor(chain.X, requires_grad=True)
    with ag.Tape() as tape:
        f(np, x, chain.SCALE, chain.SHIFT)
    assert len(tape) == 101  # and the sum


def test_the_command_line_writes_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", str(file), "neuron"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "autograd-lite" in done.stdout
    report = json.loads(file.read_text())
    assert report["quick"] is True and report["threads"] == 2
    assert {row["workload"] for row in report["rows"]} == {"neuron"}
    assert report["rows"][0]["library"] == OURS and report["rows"][0]["median"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["rows.json"]


def test_a_library_in_a_process_of_its_own_computes_the_same() -> None:
    workload = WORKLOADS["neuron"](False)
    apart = Apart(workload, OURS)
    try:
        np.testing.assert_array_equal(apart.first(), Here(workload, OURS).first())
        apart.warm(1e-4)
        assert apart.sample() > 0
    finally:
        apart.end()
    assert apart.process.returncode == 0


def test_a_library_that_fails_in_its_process_is_said() -> None:
    workload = WORKLOADS["neuron"](False)
    unknown, killed = Apart(workload, "nosuch"), Apart(workload, OURS)
    killed.process.kill()
    try:
        with pytest.raises(FailedError, match="KeyError: 'nosuch'"):
            unknown.first()
        with pytest.raises(FailedError, match="its process ended"):
            killed.first()
    finally:
        unknown.end()
        killed.end()


def test_a_whole_run_times_each_library_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "REST", 0.0)
    neuron = WORKLOADS["neuron"](False)
    names = {OURS: neuron.contenders[OURS], "autograd": neuron.contenders["autograd"]}
    ours, peer = run(replace(neuron, contenders=names, rounds=1))
    assert ours.ratio == 1.0 and ours.median and ours.goal is None
    assert peer.note == "not installed" or (peer.ratio and peer.ratio > 0)


def test_an_unknown_workload_is_refused_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nosuch"])
    error = capsys.readouterr().err
    assert "nosuch" in error and all(name in error for name in WORKLOADS)


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--quick", "--json", str(tmp_path / "nowhere" / "rows.json"), "neuron"])
    assert "nowhere" in capsys.readouterr().err


GROWTH = """
import numpy as np
from benchmarks.workloads import memory
before = memory.status()["VmRSS"]
kept = np.ones(4 << 20)
print((memory.status()["VmHWM"] - before) / kept.nbytes)
"""


def test_the_growth_of_memory_is_that_of_what_is_kept() -> None:
    if "VmHWM" not in memory.status():
        pytest.skip("the system does not say how much memory a process has used at the highest")
    done = python("-c", GROWTH)  # a process of its own: this one may have held more before
    assert float(done.stdout) > 0.9, done.stderr


def test_gradients_are_checked_before_they_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    workload = WORKLOADS["gradients"](True)
    workload.contenders[OURS]()
    monkeypatch.setattr(known[np.tanh], "vjps", (lambda g, y, x: 2 * g * (1 - y * y),))
    with pytest.raises(DisagreementError, match="by differences"):
        workload.contenders[OURS]()


def test_where_nothing_can_be_measured_there_are_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "STATUS", Path("no/such/file"))
    workload = WORKLOADS["memory-mlp"](True)
    assert run(workload, quick=True) == [] and "peak memory" in table(workload, [], goals=True)


@pytest.mark.parametrize(("count", "text"), [(3 << 20, "3 MiB"), (1536, "1.5 KiB"), (12, "12 B")])
def test_bytes_are_shown_in_a_unit_that_suits(count: int, text: str) -> None:
    assert shown(count, "B") == text
