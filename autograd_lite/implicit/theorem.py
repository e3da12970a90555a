"""The implicit function theorem as one op: the solution of an equation, as a function of its arguments.

From r(x, a) = 0 follows dx/da = -(dr/dx)^-1 dr/da, however x was found. Backwards: the cotangent g of x gives
w with (dr/dx)^H w = -g, and the residual's pullback takes w to the cotangents of a.

w is itself the solution of an equation, linear in w, with the arguments x, g and a. So the rule calls the op
again, and derivatives of every order, and forward mode, come from this one rule.

Source:
    S. Krantz, H. Parks, "The Implicit Function Theorem", 2003; M. Blondel et al., "Efficient and modular
    implicit differentiation", 2022.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg, gmres

from ..apply import primitive
from ..arrays import is_array, on_host, shape_of, to_host
from ..errors import ConvergenceError, LinAlgError, OptionError
from ..jacobians import jacobian
from ..known import defvjp
from ..recording import Mode, enable_grad
from ..transforms import vjp
from .arguments import pulled, unheard

__all__ = [
    "DENSE",
    "Equation",
    "Linear",
    "jacobian_of",
    "newton_step",
    "polished",
    "require_linear",
    "solution",
]

DENSE = 200
"""With so many unknowns at most, the Jacobian is a matrix; with more, only its products are computed."""

Linear = str | Callable[[Any, Any], Any]
"""How linear systems are solved: "auto", "dense", "gmres", "cg", or a function of operator and vector."""

Residual = Callable[..., Any]
"""`residual(x, *leaves)` is a vector with as many numbers as the vector x, and is 0 at the solution."""


@dataclass(frozen=True, eq=False)
class Equation:
    """An equation and what solves it.

    Attributes:
        name: of the solver, for errors.
        solve: `solve(equation, *leaves)` finds the x with residual(x, *leaves) = 0, a vector, from arrays.
        residual: the equation.
        linear: how linear systems with the Jacobian are solved.
        exact: the equation is linear in x, so its Jacobian does not depend on how well x is known.
    """

    name: str
    solve: Callable[..., Any]
    residual: Residual
    linear: Linear = "auto"
    exact: bool = False

    def __repr__(self) -> str:
        return self.name


@primitive
def solution(*leaves: Any, equation: Equation) -> Any:
    """The solution of an equation, as a function of the leaves of its arguments."""
    with Mode(unheard):
        return equation.solve(equation, *leaves)


def _solution_rule(
    g: Any, y: Any, *leaves: Any, equation: Equation, needs: tuple[bool, ...]
) -> tuple[Any, ...]:
    w = solution(y, g, *leaves, equation=_adjoint(equation))
    return tuple(pulled(lambda *leaves: equation.residual(y, *leaves), leaves, needs, w)[1])


defvjp(solution, joint=_solution_rule)


def _adjoint(of: Equation) -> Equation:
    """The equation (dr/dx)^H w = -g of w, which depends on x, g and the leaves: pulled(w) + g = 0."""

    def residual(w: Any, x: Any, g: Any, *leaves: Any) -> Any:
        return vjp(lambda x: of.residual(x, *leaves), x)[1](w)[0] + g

    def solve(_: Equation, x: Any, g: Any, *leaves: Any) -> Any:
        a = jacobian_of(of, x, leaves)
        adjoint = a.H if isinstance(a, LinearOperator) else np.conjugate(a.T)
        w = _solved(of, adjoint, -g)
        if not of.exact:
            b = g if on_host(g) else np.cos(np.arange(1.0, len(g) + 1))  # a batch is not read
            _require_simple(of, a, x, leaves, w if b is g else _solved(of, adjoint, -b), b)
        return w

    return Equation(of.name, solve, residual, of.linear, exact=True)


def polished(equation: Equation, x: Any, start: Any, leaves: Any, tol: float | None, said: str) -> Any:
    """x after one more step of Newton's, which squares its error; raises if x is no solution.

    The step is also the estimate of the error of x. It is compared with the largest number of x, or with the
    way from the start, so that no unit matters.

    Args:
        x, start: what the solver found, and where it began.
        leaves: of the arguments.
        tol: the largest step that is allowed. Default: 1e-6, in single precision 3e-3.
        said: the message of the solver.
    """
    eps = float(np.finfo(x.dtype).eps)
    tol = eps**0.375 if tol is None else tol
    if not np.all(np.isfinite(x)):
        raise ConvergenceError(
            f"{equation}: the solver found {x[~np.isfinite(x)][0]}; {_REPAIR}. {said}".strip()
        )
    r = equation.residual(x, *leaves)
    a = jacobian_of(equation, x, leaves)
    step = newton_step(a, r)
    size = max(_largest(x), _largest(x - start))
    # What no step removes: nothing but rounding, unless x is no solution.
    left = _largest(r + a @ step)
    rough = isinstance(a, LinearOperator)
    allowed = 0.5 * _largest(r) if rough else tol * size * _largest(np.sum(np.abs(a), 1))
    with np.errstate(all="ignore"):
        allowed = max(allowed, tol**2 * _largest(np.nan_to_num(equation.residual(start, *leaves), posinf=0)))
    moves = _largest(step)
    if not (moves <= tol * size and left <= allowed):
        raise ConvergenceError(
            f"{equation}: x is no solution. The equation is off by {_largest(r):.2g}, and Newton's next step "
            f"would move x by {moves:.2g}. The size of x is {size:.2g}; {tol:.1g} times as much is allowed: "
            f"tol=. {_REPAIR}. {said}".strip()
        )
    return x + step


_REPAIR = "Start from another x0, or give the solver more iterations and a smaller tolerance"


def _largest(x: Any) -> float:
    return float(np.max(np.abs(x), initial=0.0))


# -- the linear systems ----------------------------------------------------------------------------


def require_linear(name: str, linear: Linear) -> None:
    """Refuse an unknown way to solve linear systems."""
    if not callable(linear) and linear not in ("auto", "dense", *KRYLOV):
        raise OptionError(
            f"{name}(linear={linear!r}): expected 'auto', 'dense', 'gmres', 'cg', or a function that solves "
            "a z = b: linear=lambda a, b: scipy.sparse.linalg.bicgstab(a, b, rtol=1e-10)[0]"
        )


def jacobian_of(equation: Equation, x: Any, leaves: Any) -> Any:
    """dr/dx as a matrix, or as an operator that computes products with it and its adjoint."""

    def at(x: Any) -> Any:
        return equation.residual(x, *leaves)

    (n,), linear = shape_of(x), equation.linear
    if linear == "dense" or (linear == "auto" and n <= DENSE):
        return np.reshape(jacobian(at)(x), (n, n))
    with enable_grad():  # the pullback is itself differentiated
        pull = vjp(at, to_host(x))[1]

    @cache
    def push() -> Any:  # the pullback is linear, and its own pullback is the product with the Jacobian
        return vjp(lambda w: pull(w)[0], np.ones_like(x))[1]

    return LinearOperator((n, n), matvec=lambda v: push()(v)[0], rmatvec=lambda w: pull(w)[0], dtype=x.dtype)


KRYLOV = {
    "gmres": lambda a, b, rtol: gmres(a, b, rtol=rtol, restart=min(len(b), 50), maxiter=40)[0],
    "cg": lambda a, b, rtol: cg(a, b, rtol=rtol)[0],
}
"""The solvers that need products alone."""


def newton_step(a: Any, r: Any) -> Any:
    """The step of least size that brings r + a step closest to 0; roughly, if a is an operator."""
    if isinstance(a, LinearOperator):
        return KRYLOV["gmres"](a, -r, 1e-3).astype(r.dtype)
    return -np.linalg.lstsq(a, r, rcond=None)[0]


def _solved(equation: Equation, a: Any, b: Any) -> Any:
    """The solution z of a z = b.

    Raises:
        LinAlgError: a is singular to rounding, or the residual stays large.
    """
    if is_array(a):
        _require_regular(equation, a)
        return np.linalg.solve(a, b[:, None])[:, 0]
    b, linear = to_host(b), equation.linear
    rtol = float(np.finfo(b.dtype).eps) ** (2 / 3)
    z = linear(a, b) if callable(linear) else KRYLOV["gmres" if linear == "auto" else linear](a, b, rtol)
    z = np.asarray(z, b.dtype)
    left, allowed = np.linalg.norm(b - a @ z), np.linalg.norm(b)
    if not left <= 1e3 * rtol * allowed:
        raise LinAlgError(
            f"{equation}: the derivative solves a linear system with the Jacobian of the equation, and the "
            f"solver of this system came to a relative residual of {left / allowed:.1g}. The Jacobian is "
            f"singular or badly scaled: write {equation}(..., linear='dense'), or with a preconditioner "
            "linear=lambda a, b: gmres(a, b, M=...)[0]"
        )
    return z


def _require_regular(equation: Equation, a: Any) -> None:
    """Refuse a matrix that is singular to rounding, whatever the units of its rows and columns."""
    tiny = np.finfo(a.dtype).tiny
    scaled = a / np.maximum(np.max(np.abs(a), 1, keepdims=True, initial=0), tiny)
    scaled = scaled / np.maximum(np.max(np.abs(scaled), 0, keepdims=True, initial=0), tiny)
    inverse = 1 / np.linalg.cond(scaled, 1) if len(a) else 1.0
    if not inverse > np.finfo(a.dtype).eps:
        raise LinAlgError(
            f"{equation}: the Jacobian of the equation is singular at the solution (its reciprocal condition "
            f"number is {inverse:.1g}), so that the solution has no derivative. Remove unknowns or equations "
            "that say the same, or add a small multiple of x to the equation"
        )


def _require_simple(equation: Equation, a: Any, x: Any, leaves: Any, w: Any, g: Any) -> None:
    """Refuse a double root: there the Jacobian tends to a singular one, and at x only rounding is left of it.

    Within the error of x, which is Newton's next step and rounding, the Jacobian must stay the same: w must
    solve the system there too.
    """
    eps = float(np.finfo(x.dtype).eps)
    step = newton_step(a, equation.residual(x, *leaves)) + 8 * eps * x
    change = vjp(lambda x: equation.residual(x, *leaves), x + step)[1](w)[0] + g
    if _largest(change) > eps**0.2 * _largest(g):
        raise LinAlgError(
            f"{equation}: the Jacobian of the equation is singular at the solution, or x has few digits: "
            f"a step of {_largest(step):.1g}, the error of x, changes the derivative by the factor "
            f"{_largest(change) / _largest(g):.1g}. At a double root there is no derivative; else give the "
            "solver a smaller tolerance"
        )
