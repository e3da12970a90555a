"""Try any number of random programs: `python -m tests.programs --count 10000 --seed 7`.

A program that fails is shrunk and printed as a script. The exit status is the number of faults, 0 for none.
"""

from __future__ import annotations

import argparse
import sys
import time

from .checking import WAYS, fault_of
from .drawing import numbered
from .shrinking import shrunk
from .torch_twins import INSTALLED


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.programs", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many programs (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="which programs; another seed, others")
    parser.add_argument("--start", type=int, default=0, help="the number of the first one")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS), help="of running")
    parser.add_argument("--whole", action="store_true", help="do not shrink what fails")
    given = parser.parse_args()
    print(
        f"{given.count} programs, {'compared' if INSTALLED else 'NOT compared'} with PyTorch", file=sys.stderr
    )
    begun, faults = time.perf_counter(), 0
    for done, number in enumerate(range(given.start, given.start + given.count)):
        fault = fault_of(numbered(given.seed, number), given.ways)
        if fault is not None:
            faults += 1
            fault = fault if given.whole else shrunk(fault)
            print(
                f"\n# -- program {number} of seed {given.seed} "
                + "-" * 50
                + f"\n# {commented(fault.way, fault.what)}"
            )
            print(fault.program, flush=True)
        if done % 20 == 19:
            rate = (done + 1) / (time.perf_counter() - begun)
            print(f"\r{done + 1} programs, {faults} faults, {rate:.0f} a second ", end="", file=sys.stderr)
    print(f"\n{faults} faults", file=sys.stderr)
    return min(faults, 100)


def commented(way: str, what: str) -> str:
    return f"{way}: {what}".replace("\n", "\n# ")


if __name__ == "__main__":
    sys.exit(main())
