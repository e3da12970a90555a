"""What runs here: versions, BLAS, threads, and whatever the packages that stand on the engine report."""

from __future__ import annotations

import importlib
import platform
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np

from .shadows import shadow_of

__all__ = ["config", "show_config"]

REPORTS = ("nn.kernels.report",)
"""Modules outside of the engine with a function `report() -> dict[str, str]`.

The engine knows only their names. They are imported when the configuration is asked for, where they are
installed.
"""


def config() -> dict[str, str]:
    """What runs here, as names and values.

    Example:
        >>> import autograd_lite as ag
        >>> list(ag.config.config())[:4]
        ['autograd-lite', 'Python', 'NumPy', 'BLAS']
    """
    found = {
        "autograd-lite": sys.modules["autograd_lite"].__version__,
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "NumPy": np.__version__,
        "BLAS": _blas(),
    }
    shadows = {name: shadow_of(name) for name in ("nn", "visualize")}
    for name in REPORTS:
        package = name.partition(".")[0]
        if find_spec(package) is not None and not shadows[package]:
            found.update(importlib.import_module(name).report())
    return found | {name: problem for name, problem in shadows.items() if problem}


def show_config() -> None:
    """Print what runs here: versions, BLAS and its threads, the native kernels and their instruction set.

    `python -m autograd_lite config` prints the same.

    Example:
        >>> import autograd_lite as ag
        >>> ag.show_config()
        autograd-lite   ...
        native kernels  ...
    """
    found = config()
    width = max(map(len, found))
    for name, value in found.items():
        print(f"{name:{width}}  {value}")


def _blas() -> str:
    built: Any = np.show_config(mode="dicts")
    blas = built.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".rstrip()
