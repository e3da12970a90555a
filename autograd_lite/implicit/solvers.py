"""Roots, fixed points and minima as functions of their arguments; any solver finds them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

from .. import tree
from ..arrays import shape_of, to_host, unwrap
from ..errors import ConvergenceError, ShapeError
from ..jacobians import jacobian
from ..node import op_name
from ..recording import no_grad
from ..transforms import grad, value_and_grad
from ..vectors import flat, raveled
from .arguments import parted, require_arguments
from .theorem import DENSE, Equation, Linear, jacobian_of, newton_step, polished, require_linear, solution

__all__ = ["WITHOUT_JACOBIAN", "argmin", "custom_root", "fixed_point", "root"]

Function = Callable[..., Any]

WITHOUT_JACOBIAN = frozenset(
    "broyden1 broyden2 anderson linearmixing diagbroyden excitingmixing krylov df-sane".split()  # noqa: SIM905
)
"""The methods of SciPy's `root` that take no Jacobian."""


def custom_root(
    optimality: Function, *, linear: Linear = "auto", tol: float | None = None
) -> Callable[[Function], Function]:
    """Decorate a solver, so that its solution has derivatives with respect to the arguments.

    From optimality(x, theta) = 0 follows dx/dtheta = -(d optimality/dx)^-1 d optimality/dtheta. This does not
    depend on how x was found: the steps of the solver are not recorded, and x0 has the gradient 0. The
    solution gets one step of Newton's, which squares its error.

    Args:
        optimality: `optimality(x, *theta)` is 0 at the solution, and returns as many numbers as x has. It is
            written in NumPy.
        linear: how linear systems with the Jacobian by x are solved. "dense": by the matrix. "gmres" or
            "cg" (symmetric, positive definite): by products with it. A function `linear(a, b)` solves
            a z = b, where a is SciPy's `LinearOperator`. "auto": "dense" up to 200 numbers, then "gmres".
        tol: the largest error of x, relative to its largest number. Default: 1e-6, single precision 3e-3.

    Returns:
        A decorator of `solver(x0, *theta, **options)`, which gets and returns plain arrays. x and theta may
        be nested containers. The solver returns x, or an object with the attribute `x`, as SciPy's do.

    Raises:
        ConvergenceError: what the solver returned is no solution.
        LinAlgError: in the backward pass, if the Jacobian is singular at the solution.
        ShapeError: the solver or `optimality` returns more or fewer numbers than x0 has.
        UnsupportedError: `optimality` reads a Tensor on the tape that is not in theta.

    Source:
        M. Blondel et al., "Efficient and modular implicit differentiation", 2022.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.implicit.custom_root(lambda x, a: x * x - a)
        ... def heron(x, a):
        ...     for _ in range(6):
        ...         x = (x + a / x) / 2
        ...     return x
        >>> print(f"{heron(1.0, 2.0):.12f} {ag.grad(heron, 1)(1.0, 2.0):.12f}")
        1.414213562373 0.353553390593
    """
    require_linear("custom_root", linear)

    def decorate(solver: Function) -> Function:
        @functools.wraps(solver)
        def solved(x0: Any, *theta: Any, **options: Any) -> Any:
            call = functools.partial(solver, **options) if options else solver
            return _solution(op_name(solver), optimality, call, x0, theta, linear, tol)

        return solved

    return decorate


def _solution(
    name: str, optimality: Function, solver: Function, x0: Any, theta: Any, linear: Linear, tol: float | None
) -> Any:
    """One call of a solver, as an op of the leaves of theta."""
    leaves, put = parted(theta)
    start, shaped = raveled(tree.map_leaves(unwrap, x0))
    start = start.astype(start.dtype if start.dtype.kind in "fc" else float)

    def residual(x: Any, *leaves: Any) -> Any:
        return _as_many(name, "function", flat(optimality(shaped(x), *put(leaves))), start)

    def solve(equation: Equation, *leaves: Any) -> Any:
        with no_grad(), np.errstate(all="ignore"):
            found = solver(shaped(start.copy()), *put(leaves))
        x = flat(tree.map_leaves(unwrap, getattr(found, "x", found)))
        _as_many(name, "solver", x, start)
        said = "" if getattr(found, "success", True) else f"The solver said: {found.message}"
        return polished(equation, x.astype(start.dtype), start, leaves, tol, said)

    with np.errstate(all="ignore"):
        first = residual(start, *map(unwrap, leaves))
    require_arguments(name, lambda: first, f"{name}(f)(x0, w) with f(x, w)")
    return shaped(solution(*leaves, equation=Equation(name, solve, residual, linear)))


def _as_many(name: str, what: str, x: Any, start: Any) -> Any:
    """The vector x, if it has as many numbers as x0."""
    if shape_of(x) != shape_of(start):
        raise ShapeError(
            f"{name}: the {what} returns {x.size} numbers, but x0 has {start.size}; return as many"
        )
    return x


def _on_host(f: Function) -> Function:
    """A function of x for SciPy: it returns arrays of NumPy's."""

    def called(x: Any) -> Any:
        value = f(x)
        return tuple(map(to_host, value)) if isinstance(value, tuple) else to_host(value)

    return called


def root(
    f: Function,
    *,
    method: str | None = None,
    options: dict[str, Any] | None = None,
    linear: Linear = "auto",
    tol: float | None = None,
) -> Function:
    """The function (x0, *theta) -> x with f(x, *theta) = 0, which has derivatives by theta.

    Args:
        f: `f(x, *theta)`, written in NumPy, returns as many numbers as x has.
        method, options: of `scipy.optimize.root`, which gets our Jacobian. Default: "hybr" for up to 200
            numbers; for more, Newton's method with SciPy's `gmres`.
        linear, tol: as in `custom_root`.

    Raises:
        ConvergenceError, LinAlgError, ShapeError, UnsupportedError: as in `custom_root`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> kepler = ag.implicit.root(lambda E, M, e: E - e * np.sin(E) - M)
        >>> print(f"{kepler(1.0, 0.8, 0.3):.10f} {ag.grad(kepler, 2)(1.0, 0.8, 0.3):.10f}")
        1.0619993492 1.0228014070
    """

    def root(x0: Any, *theta: Any) -> Any:
        start, shaped = raveled(x0)

        def at(x: Any) -> Any:
            return flat(f(shaped(x), *theta))

        if method is None and start.size > DENSE:
            return shaped(_newton(at, start))
        jac = None if method in WITHOUT_JACOBIAN else jacobian(at)
        return optimize.root(_on_host(at), start, method=method or "hybr", jac=jac, options=options)

    return custom_root(f, linear=linear, tol=tol)(root)


def _newton(at: Function, x: Any) -> Any:
    """A root by products with the Jacobian alone; a step is halved until the equation comes closer to 0."""

    def off(r: Any) -> float:
        return float(np.linalg.norm(np.nan_to_num(r, nan=np.inf)))

    equation, r = Equation("root", at, at, "gmres"), to_host(at(x))
    for _ in range(50):
        step = newton_step(jacobian_of(equation, x, ()), r)
        for _ in range(30):
            new = to_host(at(x + step))
            if off(new) <= off(r):
                break
            step = step / 2
        x, r = x + step, new
        if np.max(np.abs(step)) <= 1e-9 * np.max(np.abs(x)):
            break
    return x


def fixed_point(
    f: Function, *, maxiter: int = 1000, linear: Linear = "auto", tol: float | None = None
) -> Function:
    """The function (x0, *theta) -> x with f(x, *theta) = x, which has derivatives by theta.

    The iteration x <- f(x, *theta) finds it, if f is a contraction near x; `root` also finds others.

    Args:
        f: `f(x, *theta)`, written in NumPy, returns what is structured and shaped as x.
        maxiter: the largest number of iterations.
        linear, tol: as in `custom_root`.

    Raises:
        ConvergenceError, LinAlgError, ShapeError, UnsupportedError: as in `custom_root`.

    Source:
        S. Bai, J. Z. Kolter, V. Koltun, "Deep equilibrium models", 2019.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> settle = ag.implicit.fixed_point(lambda z, x: np.tanh(z / 2 + x))
        >>> print(f"{ag.grad(settle, 1)(0.0, 0.3):.10f}")
        1.1978700147
    """

    def fixed_point(x0: Any, *theta: Any) -> Any:
        start, shaped = raveled(x0)
        x, least = start, max(1e-9, 8 * float(np.finfo(start.dtype).eps))
        for _ in range(maxiter):
            new = to_host(image(shaped(x), *theta))
            moved, x = np.abs(new - x), new
            if np.max(moved, initial=0) <= least * np.max(np.abs([x, x - start]), initial=0):
                return shaped(x)
        message = f"after {maxiter} iterations x still moves by {np.max(moved):.2g}; maxiter= allows more"
        return optimize.OptimizeResult(x=x, success=False, message=message)

    def image(x: Any, *theta: Any) -> Any:
        return _as_many("fixed_point", "function", flat(f(x, *theta)), flat(x))

    return custom_root(lambda x, *theta: image(x, *theta) - flat(x), linear=linear, tol=tol)(fixed_point)


def argmin(
    f: Function,
    *,
    method: str | None = None,
    options: dict[str, Any] | None = None,
    linear: Linear = "auto",
    tol: float | None = None,
) -> Function:
    """The function (x0, *theta) -> x where f(x, *theta) is least, which has derivatives by theta.

    They follow from the equation grad f = 0. With up to 200 numbers a saddle point is an error.

    Args:
        f: `f(x, *theta)`, written in NumPy, returns a number.
        method, options: of `scipy.optimize.minimize`, which gets our gradient; a method that takes no
            gradient and no Hessian. Default: "BFGS" for up to 200 numbers, else "L-BFGS-B".
        linear, tol: as in `custom_root`. At a minimum "cg" is right too.

    Raises:
        ConvergenceError, LinAlgError, ShapeError: as in `custom_root`.
        UnsupportedError: as in `custom_root`; for bounds, `ag.scipy.optimize.minimize`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> place = ag.implicit.argmin(lambda x, a: np.sum((x - a) ** 2 + x**4))
        >>> print(f"{ag.grad(place, 1)(0.0, 3.0):.10f}")        # 2 / (2 + 12 x^2) at x = 1
        0.1428571429
    """
    slope = grad(f)

    def argmin(x0: Any, *theta: Any) -> Any:
        start, shaped = raveled(x0)
        both = value_and_grad(lambda x: f(shaped(x), *theta))
        used = method or ("BFGS" if start.size <= DENSE else "L-BFGS-B")
        more = dict(options or {})
        if method is None:  # no unit matters: the gradient is compared with the first one
            more = {"gtol": 1e-9 * float(np.max(np.abs(both(start)[1]), initial=0))} | more
            more |= {} if used == "BFGS" else {"ftol": 0.0}
        found = optimize.minimize(_on_host(both), start, method=used, jac=True, options=more)
        if start.size <= DENSE:
            along = lambda x: flat(slope(shaped(x), *theta))  # noqa: E731
            hessian = jacobian(along)
            if method is None:  # f is flat at a minimum, so its rounding hides the last digits; not in grad f
                found.x = optimize.root(_on_host(along), found.x, jac=hessian).x
            _require_minimum(hessian(found.x))
        return found

    return custom_root(slope, linear=linear, tol=tol)(argmin)


def _require_minimum(hessian: Any) -> None:
    """Refuse a point where f falls to some side."""
    curvatures = np.linalg.eigvalsh(np.nan_to_num(hessian))
    if np.min(curvatures, initial=0) < -1e-6 * np.max(np.abs(curvatures), initial=0):
        raise ConvergenceError(
            f"argmin: x is a saddle point or a maximum (the lowest eigenvalue of the Hessian is "
            f"{curvatures[0]:.2g}); start from another x0"
        )
