"""Puts the measured tables into performance.md, from performance.json and performance-numpy.json.

Run `python -m benchmarks --json docs/performance.json` where the peers are installed and nothing else runs,
then the compiled workloads with `AUTOGRAD_LITE_NATIVE=0` into `docs/performance-numpy.json`, then
`python -m docs.performance`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.__main__ import shown
from benchmarks.libraries import DENSE, EAGER, NESTED, OURS

PAGE = Path(__file__).with_name("performance.md")
RESULTS = Path(__file__).with_name("performance.json")
WITHOUT_LIBRARY = Path(__file__).with_name("performance-numpy.json")

PEERS = (EAGER, DENSE, NESTED, "pytorch", "jax", "autograd", "mygrad", "micrograd", "numpy")


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
    rows = [row for row in report["rows"] if row["library"] not in (OURS, EAGER, DENSE, NESTED)]
    found = {row["library"]: row["version"] for row in rows if row["median"] is not None}
    return ", ".join(f"{name} {version}".strip() for name, version in found.items() if version)


def goals(report: dict[str, Any], alone: dict[str, Any]) -> str:
    """Each goal beside what was measured; for compiled workloads also what NumPy alone reaches."""
    without = {(row["workload"], row["library"]): row["ratio"] for row in alone["rows"]}
    lines = [
        "| workload | peer | goal, at least | measured | | NumPy alone |",
        "|---|---|---:|---:|---|---:|",
    ]
    reached = 0
    rows = [row for row in report["rows"] if row["goal"] is not None and row["ratio"] is not None]
    for row in rows:
        name, peer, goal, ratio = row["workload"], row["library"], row["goal"], row["ratio"]
        reached += ratio >= goal
        word = "reached" if ratio >= goal else "missed"
        plain = without.get((name, peer))
        numpy = "" if plain is None else f"{plain:.2f}"
        lines.append(f"| {name} | {peer} | {goal:.3g} | {ratio:.2f} | {word} | {numpy} |")
    return f"We reach {reached} of {len(rows)} goals.\n\n" + "\n".join(lines) + "\n"


def replaced(text: str, name: str, part: str) -> str:
    """A text with another part between the marks of a name."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    head, _, rest = text.partition(begin)
    return f"{head}{begin}{part}{end}{rest.partition(end)[2]}"


def page(text: str, report: dict[str, Any], alone: dict[str, Any]) -> str:
    """The page with the measured parts renewed."""
    python, threads = report["python"], report["threads"]
    measured = f"{table(report)}\nPython {python}, {threads} threads; {versions(report)}.\n"
    return replaced(replaced(text, "goals", goals(report, alone)), "measured", measured)


if __name__ == "__main__":
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in (RESULTS, WITHOUT_LIBRARY)]
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), *reports), encoding="utf-8")
