"""The command line: `python -m benchmarks [--quick] [--json FILE] [name ...]`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np

from . import THREADS, __doc__
from .distributed.report import report
from .runner import Row, run
from .workload import DisagreementError, Workload
from .workloads import WORKLOADS


def main(arguments: list[str] | None = None) -> int:
    """Run the named workloads, print a table of each, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "name",
        nargs="*",
        help=f"what to run, of {', '.join(WORKLOADS)}; all if none is given; or: distributed",
    )
    parser.add_argument("--quick", action="store_true", help="two short rounds: does all run and agree?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to a file")
    options = parser.parse_args(arguments)
    if options.name == ["distributed"]:
        return report(options.quick)
    if unknown := [name for name in options.name if name not in WORKLOADS]:
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    if options.json and not options.json.parent.is_dir():
        parser.error(f"--json {options.json}: there is no folder {options.json.parent}")

    names = options.name or list(WORKLOADS)
    rows: list[Row] = []
    for name in names:
        workload = WORKLOADS[name](options.quick)
        try:
            rows += (new := run(workload, quick=options.quick))
        except DisagreementError as error:
            print(error, file=sys.stderr)
            return 1
        print(table(workload, new, goals=not options.quick), flush=True)
    if options.json:
        write_json(options.json, rows, quick=options.quick)
    return 0


def table(workload: Workload, rows: list[Row], *, goals: bool) -> str:
    """The rows of one workload as text; `ratio` is what a library takes over what we take."""
    lines = [f"{workload.name}: {workload.does}"]
    for row in rows:
        line = f"  {row.library:<14}{row.version:<14}"
        if row.median is None:
            lines.append(line + row.note)
            continue
        line += f"{shown(row.median, row.quantity):>10} a {row.unit:<8}{f'{row.ratio:.2f}x':>9}"
        if goals and row.goal and row.ratio:
            line += f"   goal {row.goal:g}x: {'reached' if row.ratio >= row.goal else 'missed'}"
        lines.append(line)
    return "\n".join(lines) + "\n"


UNITS = {
    "s": (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)),
    "B": (("MiB", 2.0**20), ("KiB", 2.0**10), ("B", 1.0)),
}


def shown(amount: float, quantity: str = "s") -> str:
    """An amount with three digits and a unit that suits it."""
    unit, size = next((u for u in UNITS[quantity] if amount >= u[1]), UNITS[quantity][-1])
    return f"{amount / size:.3g} {unit}"


def write_json(path: Path, rows: list[Row], *, quick: bool) -> None:
    """Write the rows and what they were measured on, all or nothing."""
    report = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "threads": THREADS,
        "quick": quick,
        "rows": [dataclasses.asdict(row) for row in rows],
    }
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(report, file, indent=2)
    os.replace(file.name, path)


if __name__ == "__main__":
    sys.exit(main())
