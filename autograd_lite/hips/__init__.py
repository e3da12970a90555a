"""HIPS/autograd's names on this engine: in the imports, write `autograd_lite.hips` for `autograd`.

>>> import autograd_lite.hips.numpy as np
>>> from autograd_lite.hips import grad
>>> float(grad(np.tanh)(0.0))
1.0

The submodules are those of `autograd`: `numpy`, `numpy.linalg`, `numpy.fft`, `numpy.random`, `scipy.*`,
`extend`, `builtins`, `tracer`, `misc.*`, `test_util`. The page docs/hips.md lists what differs.
"""

from . import extend, numpy, util
from .builtins import dict, isinstance, list, tuple, type
from .differential_operators import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)
from .tracer import primitive

__all__ = [
    "checkpoint",
    "deriv",
    "dict",
    "elementwise_grad",
    "extend",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "isinstance",
    "jacobian",
    "list",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_vjp",
    "multigrad_dict",
    "numpy",
    "primitive",
    "tensor_jacobian_product",
    "tuple",
    "type",
    "util",
    "value_and_grad",
    "vector_jacobian_product",
]
