"""autograd-lite: automatic differentiation of plain NumPy.

A computation is written in plain NumPy, a tape records it, and the tape is played backwards.

>>> import numpy as np, autograd_lite as ag
>>> x = ag.Tensor([0.0, 1.0], requires_grad=True)
>>> y = np.sum(np.exp(x) * x)
>>> y.backward()
>>> x.grad
Tensor([1.        , 5.43656366], shape=(2,), dtype=float64)
"""

from numpy import (
    absolute, add, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, broadcast_arrays, broadcast_to,
    cbrt, clip, concatenate, conjugate, copy, cos, cosh, deg2rad, degrees, divide, dot, einsum, exp, exp2,
    expand_dims, expm1, fabs, flip, float_power, hypot, imag, log, log1p, log2, log10, logaddexp, logaddexp2,
    matmul, matrix_transpose, max, maximum, mean, min, minimum, moveaxis, multiply, negative, outer, positive,
    power, prod, rad2deg, radians, ravel, real, reciprocal, remainder, reshape, sin, sinh, sqrt, square,
    squeeze, stack, std, subtract, sum, swapaxes, tan, tanh, transpose, var, where,
)  # fmt: skip
from numpy import absolute as abs
from numpy import conjugate as conj
from numpy import max as amax
from numpy import min as amin
from numpy import remainder as mod

from . import errors, ops, tree
from .errors import AutogradLiteError
from .ops.elementwise import erf, relu, sigmoid, softplus
from .ops.reductions import log_softmax, logsumexp, softmax
from .rules import defvjp
from .tape import Node, Tape, detect_anomaly, enable_grad, is_recording, no_grad
from .tensor import Tensor, apply, nondifferentiable, primitive, stop_gradient
from .transforms import checkpoint, custom_vjp, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__version__ = "0.1.0"
