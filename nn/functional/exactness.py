"""Functions whose results are exact raise nothing, whatever `np.seterr` says."""

from __future__ import annotations

import numpy as np

__all__ = ["exact"]

exact = np.errstate(all="ignore")
"""Decorates a function in which what overflows or underflows on the way does no harm to the result.

Ops with kernels see to that themselves, so that functions that only call one do without.
"""
