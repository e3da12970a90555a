"""An error of ours that ends a cell of a notebook shows what ran under its traceback."""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any

from autograd_lite.errors import AutogradLiteError

__all__ = ["show_errors"]


def show_errors() -> None:
    """Have the notebook that this runs in draw errors, unless the user has told it what to do with them."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None and hasattr(shell, "kernel") and not shell.custom_exceptions:
        shell.set_custom_exc((AutogradLiteError,), _show)


def _show(shell: Any, kind: type, error: AutogradLiteError, traceback: Any, tb_offset: Any = None) -> None:
    """The traceback as ever, and the graph, where there is one: an error must not become another."""
    shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)
    with contextlib.suppress(Exception):
        importlib.import_module("IPython.display").display(error.graph)
