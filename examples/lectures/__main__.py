"""Run the programs: `python -m examples.lectures NAME [--quick] [--seed N] [--out FOLDER]`, or `--list`."""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from autograd_lite.errors import AutogradLiteError

FOLDER = Path(__file__).parent


def programs() -> dict[str, str]:
    """The names of all programs with the first lines of their docstrings."""
    files = sorted(path for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    return {path.stem: _title(path) for path in files}


def _title(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run what it names; returns the exit status."""
    known = programs()
    parser = argparse.ArgumentParser(
        prog="python -m examples.lectures", description="The lectures' systems, running."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which programs; see --list")
    parser.add_argument("--list", action="store_true", help="name all programs, and end")
    parser.add_argument("--quick", action="store_true", help="a smaller version of it, in seconds")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same numbers (0)")
    parser.add_argument("--out", type=Path, default=Path("out/lectures"), help="for files (out/lectures)")
    options = parser.parse_args(arguments)
    if options.list or not options.names:
        for name, title in known.items():
            print(f"{name:<24} {title}")
        return 0
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no program is called {', '.join(unknown)}; see --list")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        for name in options.names:
            print(f"{name}: {known[name]}")
            start = time.perf_counter()
            importlib.import_module(f"examples.lectures.{name}").run(options.quick, options.seed, options.out)
            print(f"seed {options.seed}, {time.perf_counter() - start:.1f} s\n")
    except ModuleNotFoundError as error:
        print(f"error: {error}; python -m pip install -e '.[examples]'", file=sys.stderr)
        return 1
    except (AutogradLiteError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def alone(file: str) -> None:
    """Run the program of a file as `python -m examples.lectures.NAME` says, and end."""
    sys.exit(main([Path(file).stem, *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
