"""`torch.backends.cuda`: settings without effect."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

matmul = SimpleNamespace(allow_tf32=False)


def is_built() -> bool:
    """False: there is no GPU."""
    return False


def sdp_kernel(**options: Any) -> Any:
    """A context without effect."""
    return contextlib.nullcontext()


def enable_flash_sdp(enabled: bool) -> None:
    """Nothing: attention has its own kernel here."""


enable_mem_efficient_sdp = enable_math_sdp = enable_flash_sdp
