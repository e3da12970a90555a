"""Linear maps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import ShapeError

from ..kernels import linear as kernels

__all__ = ["bilinear", "linear"]

Array = npt.NDArray[Any]

BILINEAR = "...i,kij,...j->...k"


@ag.fused(
    kernels.linear,
    kernels.linear_backward,
    work=kernels.linear_work,
    samples=((..., None, None), ...),
    each=kernels.linear_each,
)
def affine(x: Any, w: Any, b: Any) -> Any:
    """x w^T + b."""
    y = x @ w.T
    return y if b is None else y + b


def linear(input: Tensor | Array, weight: Tensor | Array, bias: Tensor | Array | None = None) -> Any:
    """y = x W^T + b.

    Args:
        input: x, of shape (..., in).
        weight: W, of shape (out, in).
        bias: b, of shape (out,).

    Returns:
        y, of shape (..., out).

    Raises:
        ShapeError: the shapes of input, weight and bias do not fit each other.

    Example:
        >>> import numpy as np
        >>> linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([5.0]))
        array([[16.]])
    """
    try:
        return affine(input, weight, bias)
    except ShapeError as error:
        shapes = ", ".join(str(np.shape(x)) for x in (input, weight, bias) if x is not None)
        repair = ""
        if weight.ndim == 2 and input.shape[-1:] != weight.shape[1:]:
            repair = f"; {repair_of_input(input.shape, weight.shape[1], 'a weight of shape (..., {})')}"
        raise ShapeError(
            f"linear: shapes {shapes} do not fit; expected input (..., in), weight (out, in) and bias "
            f"(out,){repair}"
        ) from error


def repair_of_input(shape: tuple[int, ...], features: int, fitting: str) -> str:
    """The repair for an input whose last axis does not fit a linear map.

    Args:
        shape: the shape of the input.
        features: the length of the last axis that the map expects.
        fitting: a map that fits the input, as a format string of the length.
    """
    flat = math.prod(shape[1:])
    if len(shape) > 2 and flat == features:
        return "flatten it first: x.reshape(len(x), -1), or the layer nn.Flatten() before this one"
    if len(shape) > 3:  # images, as convolution and pooling return them
        return (
            f"flatten it first, with the layer nn.Flatten() before this one, and take {fitting.format(flat)}"
        )
    if len(shape) == 3 and math.prod(shape) == features:
        return "flatten it first: x.reshape(-1), or the layer nn.Flatten(0) before this one"
    if not shape:
        return "give each sample a row: layer([[...]])"
    if len(shape) == 1 and features == 1:
        return "give each sample a row: x.reshape(-1, 1)"
    if len(shape) == 1 and shape[0] > features > 0 and shape[0] % features == 0:
        return f"give each sample a row: x.reshape(-1, {features}); nn.Flatten() keeps the first axis"
    if len(shape) == 2 and shape[0] == features:
        return "did you mean x.T?"
    return f"make the layer fit the input: {fitting.format(shape[-1])}"


def bilinear(
    input1: Tensor | Array, input2: Tensor | Array, weight: Tensor | Array, bias: Tensor | Array | None = None
) -> Any:
    """y_k = x1^T W_k x2 + b_k.

    Args:
        input1: x1, of shape (..., in1).
        input2: x2, of shape (..., in2).
        weight: W, of shape (out, in1, in2).
        bias: b, of shape (out,).

    Returns:
        y, of shape (..., out).
    """
    y = np.einsum(BILINEAR, input1, weight, input2, optimize=True)
    return y if bias is None else y + bias
