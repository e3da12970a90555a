"""A batch norm in evaluation mode, taken into the layer before it; layers without initial values."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import numpy as np

from autograd_lite.errors import DataError

from ..arrays import as_array
from ..module import Module, Parameter

__all__ = [
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "skip_init",
]

_M = TypeVar("_M", bound=Module)


def fuse_conv_bn_weights(
    conv_w: Any,
    conv_b: Any,
    bn_rm: Any,
    bn_rv: Any,
    bn_eps: float,
    bn_w: Any,
    bn_b: Any,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """The weight and the bias of a layer that does the work of a convolution and a batch norm.

    Args:
        conv_w: the weight of the convolution.
        conv_b: its bias, or None.
        bn_rm: the running mean.
        bn_rv: the running variance.
        bn_eps: the eps of the batch norm.
        bn_w: its scale, or None.
        bn_b: its shift, or None.
        transpose: the convolution is transposed.

    Returns:
        The two parameters.
    """
    weight, mean = as_array(conv_w), as_array(bn_rm)
    scale = 1 / np.sqrt(as_array(bn_rv) + bn_eps)
    scale = scale if bn_w is None else scale * as_array(bn_w)
    shift = 0 if bn_b is None else as_array(bn_b)
    bias = 0 if conv_b is None else as_array(conv_b)
    axis = 1 if transpose else 0
    factors = scale.reshape([-1 if i == axis else 1 for i in range(weight.ndim)])
    fused = (weight * factors).astype(weight.dtype), ((bias - mean) * scale + shift).astype(weight.dtype)
    return Parameter(fused[0]), Parameter(fused[1])


def fuse_conv_bn_eval(conv: _M, bn: Module, transpose: bool = False) -> _M:
    """A copy of a convolution that does the work of the batch norm after it, too.

    Args:
        conv: the convolution, in evaluation mode.
        bn: the batch norm, in evaluation mode.
        transpose: the convolution is transposed.

    Raises:
        DataError: a layer is in training mode.

    Example:
        >>> import numpy as np, nn
        >>> conv, bn = nn.Conv2d(1, 2, 2).eval(), nn.BatchNorm2d(2).eval()
        >>> x = np.ones((1, 1, 2, 2), np.float32)
        >>> bool(np.allclose(fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)).numpy()))
        True
    """
    if conv.training or bn.training:
        raise DataError("a batch norm in training mode cannot be fused; write model.eval() first")
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Any, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple[Parameter, Parameter]:
    """The weight and the bias of a layer that does the work of a `Linear` and a batch norm."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def fuse_linear_bn_eval(linear: _M, bn: Module) -> _M:
    """A copy of a `Linear` that does the work of the batch norm after it, too; both in evaluation mode."""
    return fuse_conv_bn_eval(linear, bn)


def skip_init(module_cls: type[_M], *args: Any, **kwargs: Any) -> _M:
    """A layer whose values are to be set next; the values are drawn as usual, which costs little.

    Args:
        module_cls: the class of the layer.
        args, kwargs: the arguments of its constructor.
    """
    return module_cls(*args, **kwargs)
