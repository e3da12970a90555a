"""Budgets of memory, the bytes that states and steps take, and snapshots in files."""

from __future__ import annotations

import io
import itertools
import re
import sys
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from . import files, tree
from .arrays import is_array
from .errors import OptionError
from .node import Node

__all__ = [
    "Folder",
    "bytes_of_array",
    "bytes_of_budget",
    "bytes_of_state",
    "bytes_of_steps",
    "words_of_bytes",
]

UNITS = {"": 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

OBJECT = 120
"""The bytes that Python needs beside the data of an array."""

SNAPSHOT = 200
"""The bytes that Python needs for a snapshot beside its leaves: two tuples, a number, a place in a list."""


def bytes_of_budget(who: str, memory: Any) -> int:
    """The bytes of a budget: "64 MB", "1.5 GiB", or a number of bytes.

    >>> bytes_of_budget("scan", "64 MB"), bytes_of_budget("scan", 4096)
    (64000000, 4096)
    """
    if isinstance(memory, (int, float, np.integer)) and not isinstance(memory, bool) and memory > 0:
        return int(memory)
    found = re.fullmatch(r"\s*(\d+\.?\d*)\s*([a-zA-Z]*)\s*", memory) if isinstance(memory, str) else None
    if found and found[2] in UNITS:
        return int(float(found[1]) * UNITS[found[2]])
    raise OptionError(
        f"{who}(memory={memory!r}): expected a number of bytes above 0, alone or with a unit "
        f"({', '.join(UNITS)[2:]}): memory='64 MB'"
    )


def words_of_bytes(n: int) -> str:
    """Bytes as a budget is written, rounded up to three digits.

    >>> words_of_bytes(123_456), words_of_bytes(999)
    ('124 kB', '999 B')
    """
    unit = next(unit for unit in ("TB", "GB", "MB", "kB", "B") if n >= UNITS[unit] or unit == "B")
    scaled = n / UNITS[unit]
    step = 10.0 ** (len(str(int(scaled))) - 3) if unit != "B" else 1.0
    return f"{np.ceil(scaled / step) * step:.4g} {unit}"


def bytes_of_array(x: Any) -> int:
    """The bytes of a value that is held: its data, and the object around it."""
    while (several := getattr(x, "__array_several__", None)) is not None:  # of all members of a batch
        x = several
    if isinstance(x, np.ndarray):
        return int(x.nbytes) + OBJECT
    if not is_array(x) or isinstance(x, np.generic):
        return sys.getsizeof(x)
    return int(x.size) * int(x.dtype.itemsize) + OBJECT


def bytes_of_state(values: Iterable[Any], states: Any) -> int:
    """The bytes of a snapshot: the leaves of a state, and the states of random generators."""
    leaves = [*values, *tree.flatten(states)[0]]
    return SNAPSHOT + sum(bytes_of_array(x) + 8 for x in leaves)


def bytes_of_steps(steps: Iterable[Node], outside: Iterable[Any]) -> int:
    """The bytes that recorded steps hold, each array once, without the arrays from outside."""
    seen = {id(_whole(x)) for x in outside}
    total = 0
    for step in steps:
        total += sum(map(sys.getsizeof, (step, step.inputs, step.args)))
        for x in tree.flatten((step.value, step.args, step.kwargs))[0]:
            whole = _whole(x)
            if is_array(whole) and id(whole) not in seen:
                seen.add(id(whole))
                total += bytes_of_array(whole)
    return total


def _whole(x: Any) -> Any:
    """The array whose memory a view uses."""
    while isinstance(x, np.ndarray) and isinstance(x.base, np.ndarray):
        x = x.base
    return x


class Folder:
    """Snapshots in files: a folder of its own, which goes with this object, or when Python ends.

    Args:
        parent: the folder in which it is made.
    """

    def __init__(self, parent: Path) -> None:
        import shutil  # these two are imported when they are used, since they take time
        import tempfile

        parent.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix="autograd-lite-", dir=parent))
        self._count = itertools.count()
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def put(self, values: Iterable[Any]) -> tuple[Any, ...]:
        """Write each NumPy array into a file; its place holds the path of the file."""
        return tuple(self._written(x) if type(x) is np.ndarray else x for x in values)

    def _written(self, array: Any) -> Path:
        path, content = self.path / f"{next(self._count)}.npy", io.BytesIO()
        np.save(content, array, allow_pickle=False)
        files.write(path, content.getvalue())
        return path

    @staticmethod
    def get(values: Iterable[Any]) -> tuple[Any, ...]:
        """The values, those in files read."""
        return tuple(np.load(x, allow_pickle=False) if isinstance(x, Path) else x for x in values)

    @staticmethod
    def remove(values: Iterable[Any]) -> None:
        """Remove the files of values."""
        for x in values:
            if isinstance(x, Path):
                x.unlink(missing_ok=True)
