"""The table on the page is that of the measured rows."""

from __future__ import annotations

import json

from benchmarks.workloads import WORKLOADS
from docs import performance


def report() -> dict[str, object]:
    found: dict[str, object] = json.loads(performance.RESULTS.read_text(encoding="utf-8"))
    return found


def test_the_page_shows_what_was_measured() -> None:
    text = performance.PAGE.read_text(encoding="utf-8")
    alone = json.loads(performance.WITHOUT_LIBRARY.read_text(encoding="utf-8"))
    assert performance.page(text, report(), alone) == text, "run python -m docs.performance"


def test_every_workload_was_measured_in_full() -> None:
    rows = report()["rows"]
    assert isinstance(rows, list) and report()["quick"] is False
    assert {row["workload"] for row in rows} == set(WORKLOADS)


def test_a_goal_that_is_reached_stands_out() -> None:
    common = {"workload": "toy", "version": "1", "unit": "step", "quantity": "s", "median": 2e-3}
    rows = [
        {**common, "library": "autograd-lite", "ratio": 1.0, "goal": None},
        {**common, "library": "pytorch", "ratio": 1.5, "goal": 1.2},
        {**common, "library": "jax", "ratio": 0.5, "goal": 1.0},
        {**common, "library": "mygrad", "ratio": 3.0, "goal": None},
        {**common, "library": "micrograd", "median": None, "ratio": None, "goal": 1.0},
    ]
    last = performance.table({"rows": rows}).splitlines()[-1]
    assert last == "| toy | 2 ms a step |  |  |  | **1.50** (1.2) | 0.50 (1) |  | 3.00 |  |  |"


def test_goals_stand_beside_what_numpy_alone_reaches() -> None:
    row = {"workload": "toy", "library": "pytorch", "goal": 2.0, "ratio": 2.5}
    text = performance.goals({"rows": [row]}, {"rows": [{**row, "ratio": 1.5}]})
    assert text.startswith("We reach 1 of 1 goals.")
    assert text.splitlines()[-1] == "| toy | pytorch | 2 | 2.50 | reached | 1.50 |"
