"""Linear maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor

from ..kernels import linear as kernels

__all__ = ["bilinear", "linear"]

Array = npt.NDArray[Any]


@ag.fused(kernels.linear, kernels.linear_backward)
def affine(x: Any, w: Any, b: Any) -> Any:
    """x w^T + b."""
    y = x @ w.T
    return y if b is None else y + b


def linear(input: Tensor | Array, weight: Tensor | Array, bias: Tensor | Array | None = None) -> Any:
    """y = x W^T + b.

    Args:
        input: of shape (..., in).
        weight: of shape (out, in).
        bias: of shape (out,).

    Returns:
        An array of shape (..., out).

    Example:
        >>> import numpy as np
        >>> linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([5.0]))
        array([[16.]])
    """
    return affine(input, weight, bias)


def bilinear(
    input1: Tensor | Array, input2: Tensor | Array, weight: Tensor | Array, bias: Tensor | Array | None = None
) -> Any:
    """y_k = x1^T W_k x2 + b_k.

    Args:
        input1: of shape (..., in1).
        input2: of shape (..., in2).
        weight: of shape (out, in1, in2).
        bias: of shape (out,).

    Returns:
        An array of shape (..., out).
    """
    y = np.einsum("...i,kij,...j->...k", input1, weight, input2, optimize=True)
    return y if bias is None else y + bias
