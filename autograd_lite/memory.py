"""Have the C library keep the memory of freed arrays for new arrays.

A training step frees its arrays and soon allocates as many again. The C library of Linux returns large
blocks to the system each time. The system clears every page before handing it out again. In a forward and
backward pass over a million numbers, this took two thirds of the time. But the C library adapts: once a block
was freed, it keeps blocks up to that size, and up to twice as much memory in all.

So `keep_freed` frees one block of 32 MiB, the largest size to which the library adapts. Nobody writes into
the block, so it never takes up memory. Nothing changes with another memory allocator, or if the user has set
MALLOC_TRIM_THRESHOLD_ or a related variable.
"""

from __future__ import annotations

import numpy as np

__all__ = ["keep_freed"]

LEARNED = (32 << 20) - (1 << 17)
"""The bytes of an array whose block fits into 32 MiB together with the library's own bytes."""


def keep_freed() -> None:
    """Have the C library keep up to 64 MiB of freed memory."""
    np.empty(LEARNED, np.uint8)
