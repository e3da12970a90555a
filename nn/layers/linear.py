"""Affine layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.work import multiply_adds

from .. import functional, init
from ..arrays import Input, as_operand
from ..functional.linear import BILINEAR, affine, repair_of_input
from ..module import InputError, Module, Parameter
from ..options import check_whole
from ..parameter import dtype_of

__all__ = ["Bilinear", "Linear"]


class Linear(Module):
    """y = x W^T + b.

    The initial W and b are drawn from U(-1/sqrt(in), 1/sqrt(in)), as in PyTorch.

    Args:
        in_features: the length of the last axis of the input.
        out_features: the length of the last axis of the output.
        bias: add a learned bias b.
        device: None or "cpu".
        dtype: the dtype of the parameters and of their gradients, float32 by default. Lists and numbers
            are cast to it, arrays are not: a float64 array makes a float32 layer compute in float64. Write
            x.astype(np.float32) to stay in float32.

    Attributes:
        weight: W, of shape (out_features, in_features).
        bias: b, of shape (out_features,), or None.

    Raises:
        OptionError: a size is not an int of at least 0.
        ShapeError: the input is not of shape (..., in_features).
        DTypeError: the input holds no numbers.

    Example:
        >>> import numpy as np, nn
        >>> nn.Linear(3, 2)(np.ones((5, 3), np.float32)).shape
        (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype = dtype_of(device, dtype)
        check_whole("Linear", "in_features", in_features, least=0)
        check_whole("Linear", "out_features", out_features, least=0)
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(np.empty((out_features, in_features), dtype))
        self.register_parameter("bias", Parameter(np.empty(out_features, dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(max(1, self.in_features))
            init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Input) -> Any:
        weight = self.weight  # read once, because a parametrization computes it
        x = as_operand("Linear", x, weight.dtype)
        if x.shape[-1:] != (self.in_features,):
            repair = repair_of_input(x.shape, self.in_features, "Linear({}, ...)")
            raise InputError(self, f"expects (..., {self.in_features}), got {x.shape}; {repair}")
        return functional.linear(x, weight, self.bias)

    def multiply_adds(self, args: tuple[Any, ...], output: Any) -> int:
        """in_features for each output."""
        return multiply_adds(affine, output, None, self.weight)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
        )


class Bilinear(Module):
    """y_k = x1^T W_k x2 + b_k.

    Args:
        in1_features: the length of the last axis of x1.
        in2_features: the length of the last axis of x2.
        out_features: the length of the last axis of y.
        bias: add a learned bias b.
        device: None or "cpu".
        dtype: the dtype of the parameters, float32 by default.

    Raises:
        OptionError: a size is not an int of at least 1.
        ShapeError: the inputs are not of shapes (..., in1_features) and (..., in2_features).

    Example:
        >>> import numpy as np, nn
        >>> nn.Bilinear(2, 3, 4)(np.ones((5, 2), np.float32), np.ones((5, 3), np.float32)).shape
        (5, 4)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        dtype = dtype_of(device, dtype)
        check_whole("Bilinear", "in1_features", in1_features)
        check_whole("Bilinear", "in2_features", in2_features)
        check_whole("Bilinear", "out_features", out_features)
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = Parameter(np.empty((out_features, in1_features, in2_features), dtype))
        self.register_parameter("bias", Parameter(np.empty(out_features, dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values from U(-b, b) with b = 1 / sqrt(in1_features)."""
        bound = 1 / math.sqrt(self.in1_features)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input1: Input, input2: Input) -> Any:
        input1, input2 = (as_operand("Bilinear", x, self.weight.dtype) for x in (input1, input2))
        wanted = (self.in1_features, self.in2_features)
        if (input1.shape[-1:], input2.shape[-1:]) != (wanted[:1], wanted[1:]):
            raise InputError(
                self,
                f"expects inputs of shapes (..., {wanted[0]}) and (..., {wanted[1]}), got {input1.shape} and "
                f"{input2.shape}",
            )
        return functional.bilinear(input1, input2, self.weight, self.bias)

    def multiply_adds(self, args: tuple[Any, ...], output: Any) -> int:
        """in1_features in2_features for each output."""
        x1, x2 = (np.empty((*output.shape[:-1], n)) for n in (self.in1_features, self.in2_features))
        return multiply_adds(np.einsum, output, BILINEAR, x1, self.weight, x2)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
