"""`scipy.optimize` with gradients of the solution, by the implicit function theorem; other names are
SciPy's own.

SciPy finds the solution, with our derivatives of the function where none are given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize as _optimize

from ..arrays import to_host, unwrap
from ..errors import UnsupportedError
from ..implicit.arguments import parted, require_arguments
from ..implicit.solvers import WITHOUT_JACOBIAN
from ..implicit.theorem import Equation, solution
from ..jacobians import jacobian
from ..recording import is_recording, no_grad
from ..transforms import grad, value_and_grad
from ..vectors import flat

__all__ = ["minimize", "root"]

WITHOUT_GRADIENT = frozenset(("Nelder-Mead", "Powell", "COBYLA", "COBYQA"))
"""The methods of `minimize` that take no gradient."""

WITH_HESSIAN = frozenset(("Newton-CG", "dogleg", "trust-ncg", "trust-krylov", "trust-exact", "trust-constr"))

REPAIR = "{}(f, ..., args=(w,)) with f(..., w)"

NO_CONSTRAINTS = (
    "minimize(..., constraints=): the solution has no gradient here; write the constraint into fun, or solve "
    "the equations of its multipliers with root"
)


def __getattr__(name: str) -> Any:
    return getattr(_optimize, name)


def root(
    fun: Callable[..., Any], x0: Any, args: Any = (), method: str = "hybr", jac: Any = None, **options: Any
) -> Any:
    """Find x with fun(x, *args) = 0; `result.x` has gradients with respect to `args`.

    Args:
        fun: written in NumPy; returns as many numbers as x has.
        x0: the first guess; it has no gradient, as the solution does not depend on it.
        args: a tuple of arrays and numbers, or nested containers of them.
        method, options: of SciPy's root.
        jac: the Jacobian by x, as in SciPy. Default: ours.

    Returns:
        SciPy's OptimizeResult, where `x` is a Tensor if an argument is on the tape.

    Raises:
        UnsupportedError: fun uses a Tensor on the tape that is not in `args`; or SciPy found no root, and a
        gradient
            of it is asked.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> def square_root(a):
        ...     return root(lambda x, a: x * x - a, np.ones(1), args=(a,)).x[0]
        >>> print(f"{ag.grad(square_root)(4.0):.12f}")        # 1 / (2 sqrt(4))
        0.250000000000
    """
    args = args if isinstance(args, tuple) else (args,)
    leaves, rebuild = parted(args)
    plain = rebuild(map(unwrap, leaves))

    def called(x: Any, *args: Any) -> Any:
        value = fun(x, *args)
        return np.stack(value) if isinstance(value, (list, tuple)) else value

    def on_host(x: Any) -> Any:
        with no_grad():
            return to_host(called(x, *plain))

    if jac is None and method not in WITHOUT_JACOBIAN:
        slopes = jacobian(called)
        options["jac"] = lambda x: np.reshape(slopes(x, *plain), (x.size, x.size))
    elif jac is not None:
        options["jac"] = (lambda x: jac(x, *plain)) if callable(jac) else jac
    start = np.asarray(to_host(x0), float)
    result = _optimize.root(on_host, start, method=method, **options)
    require_arguments("root", lambda: called(result.x, *plain), REPAIR.format("root"))
    result.x = _with_gradient("root", lambda x, *leaves: called(x, *rebuild(leaves)), result, leaves)
    return result


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str | None = None,
    jac: Any = None,
    **options: Any,
) -> Any:
    """Find the x where fun(x, *args) is least; `result.x` and `result.fun` have gradients with respect to
    `args`.

    The derivative of x is that of the equation grad fun = 0. Where a bound holds an entry of x, this entry
    has the gradient 0. The gradient is as exact as the minimum: for more digits ask for a smaller `tol`.

    Args:
        fun: written in NumPy; returns a number.
        x0: the first guess, without a gradient.
        args: a tuple of arrays and numbers, or nested containers of them.
        method, options: of SciPy's minimize: bounds, tol, callback, ...
        jac: the gradient by x, as in SciPy. Default: ours; where the method takes a Hessian, ours too.

    Returns:
        SciPy's OptimizeResult, where `x` and `fun` are Tensors if an argument is on the tape.

    Raises:
        UnsupportedError: as in `root`; or there are `constraints`, and a gradient of the solution is asked.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> def place(a):
        ...     bowl = lambda x, a: (x[0] - a) ** 2 + x[0] ** 4
        ...     return minimize(bowl, np.zeros(1), args=(a,), tol=1e-10).x[0]
        >>> print(f"{ag.grad(place)(3.0):.6f}")                # 2 / (2 + 12 x^2) at x = 1
        0.142857
    """
    args = args if isinstance(args, tuple) else (args,)
    leaves, rebuild = parted(args)
    plain = rebuild(map(unwrap, leaves))
    if jac is True:  # fun returns its gradient too; ours serves as well
        both, jac = fun, None
        fun = lambda x, *args: both(x, *args)[0]  # noqa: E731
    target = _with_derivatives(fun, plain, method, jac, options)

    def on_host(x: Any) -> Any:
        with no_grad():
            value = target(x)
            return tuple(map(to_host, value)) if isinstance(value, tuple) else float(to_host(value))

    result = _optimize.minimize(on_host, np.asarray(to_host(x0), float), method=method, **options)
    require_arguments("minimize", lambda: fun(result.x, *plain), REPAIR.format("minimize"))
    if _is_asked(leaves):
        if options.get("constraints"):
            raise UnsupportedError(NO_CONSTRAINTS)
        slope = grad(_number(fun))
        held, fixed = _held(result.x, options.get("bounds")), result.x  # a held entry is a constant
        equation = lambda x, *leaves: np.where(held, x - fixed, slope(x, *rebuild(leaves)))  # noqa: E731
        result.x = _with_gradient("minimize", equation, result, leaves)
        result.fun = fun(result.x, *rebuild(leaves))
    return result


def _with_derivatives(
    fun: Callable[..., Any], plain: Any, method: str | None, jac: Any, options: dict[str, Any]
) -> Callable[[Any], Any]:
    """The function of x alone that SciPy calls; the options get the derivatives that the method takes."""
    number = _number(fun)
    if method in WITH_HESSIAN and not options.keys() & {"hess", "hessp"}:
        second = jacobian(grad(number))
        options["hess"] = lambda x: second(x, *plain)
    elif callable(hess := options.get("hess")):
        options["hess"] = lambda x: hess(x, *plain)
    if callable(hessp := options.get("hessp")):
        options["hessp"] = lambda x, p: hessp(x, p, *plain)
    if jac is None and method not in WITHOUT_GRADIENT:
        options["jac"] = True
        both = value_and_grad(number)
        return lambda x: both(x, *plain)
    if jac is not None:
        options["jac"] = (lambda x: jac(x, *plain)) if callable(jac) else jac
    return lambda x: fun(x, *plain)


def _number(fun: Callable[..., Any]) -> Callable[..., Any]:
    """The function with a number for a result of one entry, as SciPy's functions may return it."""

    def number(x: Any, *args: Any) -> Any:
        value = fun(x, *args)
        return np.reshape(value, ()) if np.ndim(unwrap(value)) else value

    return number


def _is_asked(leaves: list[Any]) -> bool:
    """Whether a gradient may be asked."""
    return is_recording() and any(getattr(leaf, "requires_grad", False) for leaf in leaves)


def _held(x: Any, bounds: Any) -> Any:
    """Which entries a bound holds."""
    if bounds is None:
        return np.zeros(x.shape, bool)
    if not isinstance(bounds, _optimize.Bounds):
        pairs = [(-np.inf if low is None else low, np.inf if high is None else high) for low, high in bounds]
        bounds = _optimize.Bounds(*np.array(pairs, float).T)
    return (x <= bounds.lb) | (x >= bounds.ub)


def _with_gradient(name: str, equation: Callable[..., Any], result: Any, leaves: list[Any]) -> Any:
    """The solution with its gradient, if one is asked."""
    if not _is_asked(leaves):
        return result.x
    if not result.success:
        raise UnsupportedError(
            f"{name} found no solution ({result.message}), so that it has no gradient; give another x0, "
            "another method or a larger maxiter"
        )
    x, shape = result.x.ravel(), result.x.shape
    residual = lambda x, *leaves: flat(equation(np.reshape(x, shape), *leaves))  # noqa: E731
    return np.reshape(solution(*leaves, equation=Equation(name, lambda *_: x, residual, "dense")), shape)
