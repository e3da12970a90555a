"""Functions of functions, with the names and meanings of HIPS/autograd.

They are those of the engine but for three points: one argument is named by `argnum`, numbers come back as
NumPy's, and complex gradients are the conjugates of ours (see `core.make_vjp`).
"""

from __future__ import annotations

import inspect
import warnings
from collections import OrderedDict
from typing import Any

import numpy as np

from .. import jacobians, transforms
from ..aliases import Function
from ..checkpoint import checkpoint
from ..errors import DTypeError
from ..words.explain import describe
from . import core
from .core import conjugated, inexact, numpys, vspace
from .wrap_util import unary_to_nary

__all__ = [
    "checkpoint",
    "deriv",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "jacobian",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "tensor_jacobian_product",
    "value_and_grad",
    "vector_jacobian_product",
]

make_vjp = unary_to_nary(core.make_vjp)
make_jvp = unary_to_nary(core.make_jvp)


@unary_to_nary
def grad(fun: Function, x: Any) -> Any:
    """The gradient of a function that returns a single real number.

    >>> float(grad(lambda x, y: x * y**2, argnum=1)(2.0, 3.0))
    12.0
    """
    return numpys(conjugated(transforms.grad(fun)(inexact(x))))


@unary_to_nary
def value_and_grad(fun: Function, x: Any) -> tuple[Any, Any]:
    """The value and the gradient of a function that returns a single real number."""
    value, gradient = transforms.value_and_grad(fun)(inexact(x))
    return numpys(value), numpys(conjugated(gradient))


@unary_to_nary
def grad_and_aux(fun: Function, x: Any) -> tuple[Any, Any]:
    """The gradient of the first of two results, and the second result."""
    gradient, aux = transforms.grad(fun, has_aux=True)(inexact(x))
    return numpys(conjugated(gradient)), aux


@unary_to_nary
def elementwise_grad(fun: Function, x: Any) -> Any:
    """The sum of the rows of the Jacobian: its diagonal, for a function entry by entry.

    >>> elementwise_grad(np.tanh)(np.array([0.0, 20.0]))
    array([1.0000000e+00, 1.6993417e-17])
    """
    vjp, out = core.make_vjp(fun, x)
    if vspace(out).iscomplex:
        raise DTypeError(
            f"elementwise_grad needs a function with real results, it returned {describe(out)}; take np.real "
            "or np.abs of it"
        )
    return vjp(vspace(out).ones())


@unary_to_nary
def deriv(fun: Function, x: Any) -> Any:
    """The derivative along a tangent of ones, in forward mode."""
    return core.make_jvp(fun, x)(vspace(inexact(x)).ones())[1]


@unary_to_nary
def holomorphic_grad(fun: Function, x: Any) -> Any:
    """The complex derivative f'(z) of a holomorphic function.

    >>> complex(holomorphic_grad(np.exp)(0j))
    (1+0j)
    """
    if not vspace(x).iscomplex:
        warnings.warn("Input to holomorphic_grad is not complex", stacklevel=4)
    return grad(lambda z: np.real(fun(z)))(x)


@unary_to_nary
def jacobian(fun: Function, x: Any) -> Any:
    """All partial derivatives, in an array of the shape `output.shape + argument.shape`."""
    return _complex_jacobian(fun, x) if vspace(x).iscomplex else numpys(jacobians.jacobian(fun)(inexact(x)))


def _complex_jacobian(fun: Function, x: Any) -> Any:
    """The gradients of real results with respect to a complex argument."""
    vjp, out = core.make_vjp(fun, x)
    if vspace(out).iscomplex:
        raise DTypeError("jacobian: argument and result are complex; differentiate real and imaginary parts")
    rows = [vjp(unit) for unit in vspace(out).standard_basis()]
    return np.reshape(np.stack(rows), np.shape(out) + np.shape(x))


@unary_to_nary
def hessian(fun: Function, x: Any) -> Any:
    """All second partial derivatives, as the Jacobian of the Jacobian."""
    return jacobian(jacobian(fun))(x)


def grad_named(fun: Function, argname: str) -> Function:
    """The gradient with respect to the argument of a name.

    >>> float(grad_named(lambda x, y: x * y, "y")(2.0, 3.0))
    2.0
    """
    return grad(fun, list(inspect.signature(fun).parameters).index(argname))  # type: ignore[no-any-return]


def multigrad_dict(fun: Function) -> Function:
    """The gradients with respect to all arguments, in a dictionary by name.

    >>> {name: float(g) for name, g in multigrad_dict(lambda x, y=3.0: x * y)(2.0).items()}
    {'x': 3.0, 'y': 2.0}
    """
    signature = inspect.signature(fun)

    def gradients(*args: Any, **kwargs: Any) -> OrderedDict[str, Any]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()

        def of_arguments(arguments: dict[str, Any]) -> Any:
            bound.arguments.update(arguments)
            return fun(*bound.args, **bound.kwargs)

        found = grad(of_arguments)(dict(bound.arguments))
        return OrderedDict((name, found[name]) for name in signature.parameters)

    return gradients


@unary_to_nary
def make_hvp(fun: Function, x: Any) -> tuple[Function, Any]:
    """The product with the Hessian at a point, as a function of the vector, and the gradient there."""
    return core.make_vjp(grad(fun), x)


@unary_to_nary
def make_jvp_reversemode(fun: Function, x: Any) -> Function:
    """A function from a tangent of x to the tangent of the value."""
    push = core.make_jvp(fun, x)
    return lambda v: push(v)[1]


def hessian_tensor_product(fun: Function, argnum: int = 0) -> Function:
    """The product of the Hessian with a tensor, which is the last argument of the function returned.

    >>> hessian_tensor_product(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    gradient = grad(fun, argnum)

    def along(*args: Any, **kwargs: Any) -> Any:
        *others, vector = args
        return np.tensordot(gradient(*others, **kwargs), vector, np.ndim(vector))

    return grad(along, argnum)  # type: ignore[no-any-return]


hessian_vector_product = hessian_tensor_product


def tensor_jacobian_product(fun: Function, argnum: int = 0) -> Function:
    """The product of a tensor, the last argument of the function returned, with the Jacobian."""

    def along(*args: Any, **kwargs: Any) -> Any:
        *others, vector = args
        return np.tensordot(vector, fun(*others, **kwargs), np.ndim(vector))

    return jacobian(along, argnum)  # type: ignore[no-any-return]


vector_jacobian_product = tensor_jacobian_product


def _half_squares(y: Any) -> Any:
    return 0.5 * np.sum(y**2, axis=-1)


def make_ggnvp(f: Function, g: Function = _half_squares, f_argnum: int = 0) -> Function:
    """The product with the generalized Gauss-Newton matrix J^T H J: J of f, H the Hessian of the loss g.

    Args:
        f: the model.
        g: the loss of its result; default: half the sum of squares.
        f_argnum: the argument of f that J is with respect to.

    Returns:
        A function of the arguments of f, which returns the product as a function of the vector.
    """

    @unary_to_nary
    def at(f: Function, x: Any) -> Function:
        pullback, out = core.make_vjp(f, x)
        curved = core.make_vjp(grad(g), out)[0]
        push = make_jvp_reversemode(f)(x)
        return lambda v: pullback(curved(push(v)))

    return at(f, f_argnum)  # type: ignore[no-any-return]
