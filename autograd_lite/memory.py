"""Memory that arrays leave is kept for the next ones.

A step of training frees its arrays and soon asks for as many again. The C library of Linux hands large
blocks back to the system each time, and the system clears every page that it gives out anew: going over a
million numbers forward and backward, this took two thirds of the time. But the library learns. Once a
block of some size was freed, it keeps smaller ones, and up to twice as much memory as that, to itself.

So one block of the largest size from which it learns, 32 MiB, is freed here. Nobody has written into it, so
it never took any memory. Where memory is handled by another library, or the user has set
MALLOC_TRIM_THRESHOLD_ or its kin, nothing changes.
"""

from __future__ import annotations

import numpy as np

__all__ = ["keep_freed"]

LEARNED = (32 << 20) - (1 << 17)
"""The bytes of an array whose block, with what the library adds, has at most 32 MiB: at most two pages."""


def keep_freed() -> None:
    """Have the C library keep up to 64 MiB of what was freed."""
    np.empty(LEARNED, np.uint8)
