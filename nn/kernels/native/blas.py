"""The matrix product of NumPy's BLAS, for C code that makes many small products in one call."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

import numpy as np

__all__ = ["product_of"]

NAMES = ("scipy_{}gemm_64_", "{}gemm_64_", "scipy_{}gemm_", "{}gemm_")
"""The names of the product in OpenBLAS as built for NumPy, and in other libraries. The ending 64_ says that
integers have 64 bits."""


@cache
def product_of(dtype: np.dtype[Any]) -> int | None:
    """The address of SGEMM (float32) or DGEMM (float64); None if NumPy's BLAS is not found.

    Integers are passed as pointers to 64 bits. Where the library reads 32 bits, these are the lower half in a
    little-endian machine alone.
    """
    try:
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    for name in NAMES if sys.byteorder == "little" else NAMES[:2]:
        try:
            function = library[name.format("s" if dtype == np.float32 else "d")]
        except AttributeError:
            continue
        return ctypes.cast(function, ctypes.c_void_p).value
    return None
