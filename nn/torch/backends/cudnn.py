"""`torch.backends.cudnn`: settings without effect."""

from __future__ import annotations

import contextlib
from typing import Any

enabled = benchmark = deterministic = allow_tf32 = False


def is_available() -> bool:
    """False: there is no GPU."""
    return False


def version() -> None:
    """None: the library is not there."""


def flags(**options: Any) -> Any:
    """A context without effect."""
    return contextlib.nullcontext()
