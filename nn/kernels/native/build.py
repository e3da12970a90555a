"""Compiles the C files of this folder into one shared library; `python nn/kernels/native/build.py` does it.

The build hook (`hatch_build.py`) runs this file too, before anything is installed. So this file needs the
standard library alone. Whoever loads the library asks for its name and its fingerprint: so the functions that
compile import what they need themselves.
"""

from __future__ import annotations

import os
import platform
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

__all__ = ["LIBRARY", "BuildError", "build", "compiler", "fingerprint", "levels"]

HERE = Path(__file__).resolve().parent

LIBRARY = "kernels.native"
"""The file name of the library, beside this file. With the ending .so, Python would take it for a module."""

FLAGS = ("-std=gnu11", "-O3", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast")
"""Products and sums may be contracted to fused multiply-adds, as in BLAS; nothing else is rearranged."""

TIMEOUT = 300
"""Seconds for one call of the compiler."""


class BuildError(Exception):
    """The library could not be built; the message is one line."""


def compiler() -> list[str]:
    """The command of the C compiler: the environment's `CC`, else `cc`, `gcc` or `clang`.

    Raises:
        BuildError: there is none.
    """
    import shlex
    import shutil

    wanted = shlex.split(os.environ.get("CC", ""))
    for command in [wanted] if wanted else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]):
            return command
    missing = f"CC={wanted[0]} is not a program" if wanted else "no C compiler: cc, gcc, clang"
    raise BuildError(missing)


def levels() -> dict[str, list[str]]:
    """The versions of the kernels by suffix, and the compiler's options for each."""
    if platform.machine().lower() in ("x86_64", "amd64"):
        return {f"v{n}": [f"-march=x86-64-v{n}"] for n in (2, 3, 4)}
    return {"v0": []}


def fingerprint() -> int:
    """A number that tells versions of the C files apart; the library has that of its files."""
    files = sorted([*HERE.glob("*.c"), *HERE.glob("*.h")])
    return zlib.crc32(b"".join(file.read_bytes() for file in files))


def build(target: Path, extra: Sequence[str] = ()) -> Path:
    """Compile and link the library.

    Args:
        target: the file to write.
        extra: further options of the compiler, e.g. sanitizers.

    Returns:
        The target.

    Raises:
        BuildError: there is no compiler, or it failed.
    """
    import tempfile
    from concurrent.futures import ThreadPoolExecutor

    command, sources = compiler(), sorted(HERE.glob("*.c"))
    with tempfile.TemporaryDirectory() as folder:
        version = f"-DFINGERPRINT={fingerprint()}u"
        jobs = [[version, "-c", str(HERE / "library.c"), "-o", f"{folder}/library.o"]]
        for source in sources:
            if source.name != "library.c":
                for level, march in levels().items():
                    for real in ("float", "double"):
                        names = [f"-DREAL={real}", f"-DSUFFIX=_{real}_{level}"]
                        out = f"{folder}/{source.stem}_{real}_{level}.o"
                        jobs.append([*march, *names, "-c", str(source), "-o", out])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda job: _call([*command, *FLAGS, *extra, *job]), jobs))
        linked = f"{folder}/{LIBRARY}"
        _call([*command, "-shared", *extra, *(job[-1] for job in jobs), "-o", linked, "-lm"])
        _move(linked, target)
    return target


def _move(source: str, target: Path) -> None:
    """Replace the target in one step: a running process may have the old library open."""
    import shutil

    beside = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(source, beside)
        os.replace(beside, target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BuildError(f"cannot write {target}: {error.strerror}") from None


def _call(command: list[str]) -> None:
    import subprocess

    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]}: {type(error).__name__}") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise BuildError(f"{command[0]} failed: {said[0] if said else f'exit status {done.returncode}'}")


if __name__ == "__main__":
    try:
        print(build(HERE / LIBRARY))
    except BuildError as problem:
        sys.exit(f"no native kernels: {problem}")
