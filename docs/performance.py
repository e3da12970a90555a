"""Puts the measured table into performance.md, from performance.json.

Run `python -m benchmarks --json docs/performance.json` where the peers are installed and nothing else runs,
then `python -m docs.performance`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.__main__ import shown
from benchmarks.libraries import OURS

PAGE = Path(__file__).with_name("performance.md")
RESULTS = Path(__file__).with_name("performance.json")
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"

PEERS = ("eager", "pytorch", "jax", "autograd", "mygrad", "micrograd", "numpy")


def table(report: dict[str, Any]) -> str:
    """What we take, and how many times as much each peer takes; a goal stands in brackets."""
    by_workload: dict[str, dict[str, Any]] = {}
    for row in report["rows"]:
        by_workload.setdefault(row["workload"], {})[row["library"]] = row
    lines = [f"| workload | ours | {' | '.join(PEERS)} |", "|---|---|" + "---|" * len(PEERS)]
    for name, rows in by_workload.items():
        first = next(iter(rows.values()))
        amount = f"{shown(first['median'], first['quantity'])} a {first['unit']}"
        ours = amount if OURS in rows else ""
        cells = [_cell(rows.get(peer), amount if rows.get(peer) is first else "") for peer in PEERS]
        lines.append(f"| {name} | {ours} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(row: dict[str, Any] | None, amount: str) -> str:
    if row is None or row["median"] is None:
        return ""
    if amount:
        return amount
    goal = row["goal"]
    digits = f"{row['ratio']:.2f}"
    if goal is None:
        return digits
    return f"**{digits}** ({goal:.3g})" if row["ratio"] >= goal else f"{digits} ({goal:.3g})"


def versions(report: dict[str, Any]) -> str:
    """The libraries that took part, with their versions."""
    found = {row["library"]: row["version"] for row in report["rows"] if row["median"] is not None}
    return ", ".join(f"{name} {version}".strip() for name, version in found.items() if version)


def page(text: str, report: dict[str, Any]) -> str:
    """The page with the measured part renewed."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    python, threads = report["python"], report["threads"]
    measured = f"{table(report)}\nPython {python}, {threads} threads; {versions(report)}.\n"
    return f"{head}{BEGIN}{measured}{END}{tail}"


if __name__ == "__main__":
    report = json.loads(RESULTS.read_text(encoding="utf-8"))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), report), encoding="utf-8")
