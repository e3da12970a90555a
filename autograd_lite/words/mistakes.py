"""Warnings about code that runs but is probably a mistake."""

from __future__ import annotations

import sys
import warnings

from ..errors import MistakeWarning

__all__ = ["warn_of_mistake"]

_LIBRARIES = frozenset({"autograd_lite", "nn", "numpy", "visualize"})
"""Packages whose code is not the user's."""


def warn_of_mistake(message: str) -> None:
    """Give a `MistakeWarning` that points at the user's line; Python shows it once for each line.

    Args:
        message: the probable mistake, and what to write instead.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _LIBRARIES:
        frame = frame.f_back
    warnings.warn_explicit(
        message,
        MistakeWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=frame.f_globals.get("__name__") or "<string>",
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )
