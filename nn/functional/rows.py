"""Softmax and log-softmax along the last axis, computed by kernels."""

from __future__ import annotations

from typing import Any

import autograd_lite as ag

from ..kernels import rows as kernels

__all__ = ["log_softmax", "softmax"]


@ag.fused(kernels.softmax_of_rows, kernels.softmax_of_rows_backward)
def softmax(x: Any) -> Any:
    """exp(x) / sum(exp(x))."""
    return ag.softmax(x)


@ag.fused(kernels.log_softmax_of_rows, kernels.log_softmax_of_rows_backward)
def log_softmax(x: Any) -> Any:
    """log(softmax(x)), exact where softmax underflows."""
    return ag.log_softmax(x)
