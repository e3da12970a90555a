"""The products of NumPy's BLAS, for C code that makes many small products in one call."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

import numpy as np

__all__ = ["products_of"]

NAMES = ("scipy_{}_64_", "{}_64_", "scipy_{}_", "{}_")
"""The names of a function in OpenBLAS as built for NumPy, and in other libraries. The ending 64_ says that
integers have 64 bits."""


@cache
def products_of(dtype: np.dtype[Any]) -> tuple[int, int] | None:
    """The addresses of GEMM and GEMV for float32 or float64; None if NumPy's BLAS is not found.

    GEMM multiplies two matrices, GEMV a matrix and a vector. Integers are passed as pointers to 64 bits. A
    library that reads 32 bits finds the lower half there, but in a little-endian machine only.
    """
    letter = "s" if dtype == np.float32 else "d"
    try:
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    for name in NAMES if sys.byteorder == "little" else NAMES[:2]:
        try:
            gemm, gemv = (library[name.format(letter + kind)] for kind in ("gemm", "gemv"))
        except AttributeError:
            continue
        return _address(gemm), _address(gemv)
    return None


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0
