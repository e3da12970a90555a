"""What many tests begin with."""

from __future__ import annotations

from typing import Any

import autograd_lite as ag

__all__ = ["leaf"]


def leaf(value: Any, name: str | None = None, dtype: Any = None) -> Any:
    """A Tensor that gradients are asked of."""
    return ag.Tensor(value, requires_grad=True, dtype=dtype, name=name)
