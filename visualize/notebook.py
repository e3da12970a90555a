"""In a notebook, an AutogradLiteError that ends a cell shows its graph below the traceback."""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any

from autograd_lite.errors import AutogradLiteError

__all__ = ["show_errors"]


def show_errors() -> None:
    """Register the display of errors with the running notebook, unless the user has registered another."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None and hasattr(shell, "kernel") and not shell.custom_exceptions:
        shell.set_custom_exc((AutogradLiteError,), _show)


def _show(shell: Any, kind: type, error: AutogradLiteError, traceback: Any, tb_offset: Any = None) -> None:
    """Show the traceback, then the graph if one can be drawn: no second error may hide the first."""
    shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)
    with contextlib.suppress(Exception):
        importlib.import_module("IPython.display").display(error.graph)
