"""SciPy's solvers of differential equations with gradients, by the adjoint equation.

The continuous adjoint is solved, not the steps of the solver: from each time to the one before. So the memory
does not grow with the number of steps, and the gradient is as exact as the tolerances.

Source:
    R. T. Q. Chen et al., "Neural ordinary differential equations", 2018.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import integrate, optimize

from .. import tree
from ..apply import primitive
from ..arrays import shape_of, to_host, unwrap
from ..box import Box
from ..errors import ConvergenceError, ShapeError, UnsupportedError
from ..jacobians import jacobian
from ..known import defvjp
from ..recording import Mode, no_grad
from ..vectors import flat
from .arguments import parted, pulled, require_arguments, unheard

__all__ = ["odeint", "solve_ivp"]

Slope = Callable[..., Any]
"""`slope(y, time, *args)` is dy/dt."""

Integrate = Callable[[Slope, Slope, Any, Any], Any]
"""`integrate(slope, jacobian, y0, t)` returns the states at the times t, (m, n). Slopes take (y, t)."""


def odeint(
    func: Callable[..., Any], y0: Any, t: Any, args: Any = (), *, tfirst: bool = False, **options: Any
) -> Any:
    """Solve dy/dt = func(y, t, *args), with gradients with respect to y0, t and args.

    The gradient solves the adjoint equation backwards, from each time to the one before. So the memory does
    not grow with the number of steps, and the gradient is as exact as the tolerances `rtol` and `atol`.

    Args:
        func: returns dy/dt, of shape (n,), from y, a number t, and `args`. It is written in NumPy.
        y0: the state at t[0], (n,).
        t: increasing or decreasing times, (m,).
        args: a tuple of arrays and numbers, or nested containers of them.
        tfirst: func takes t before y.
        options: of SciPy's odeint, e.g. rtol, atol, mxstep.

    Returns:
        The states, (m, n).

    Raises:
        ConvergenceError: the solver did not reach the last time.
        ShapeError: y0 or t are no vectors.
        UnsupportedError: func reads a Tensor on the tape that is not in `args`, or an option needs a
            derivative by hand.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> def decay(y, t, rate):
        ...     return -rate * y
        >>> y0, t = np.array([1.0]), np.array([0.0, 2.0])
        >>> def final(rate):
        ...     return odeint(decay, y0, t, (rate,), rtol=1e-10, atol=1e-10)[-1, 0]
        >>> print(f"{ag.grad(final)(0.5):.8f}")        # -2 e^-1
        -0.73575888
    """
    if unknown := options.keys() & {"Dfun", "full_output", "col_deriv"}:
        raise UnsupportedError(f"odeint(..., {min(unknown)}=): leave it out, or call scipy.integrate.odeint")
    if len(shape_of(t)) != 1:
        raise ShapeError(f"odeint: t has shape {shape_of(t)}; expected a vector of times, (m,)")

    def by_scipy(slope: Slope, jac: Slope, y0: Any, t: Any) -> Any:
        ys, info = integrate.odeint(slope, y0, t, full_output=True, **options)
        if info["message"] != "Integration successful.":
            raise _stopped("odeint", info["message"], "mxstep= allows more steps")
        return ys

    slope, args = _of_y_first(func, tfirst), args if isinstance(args, tuple) else (args,)
    _require_arguments("odeint", slope, y0, unwrap(t)[0], args)
    return _states("odeint", slope, by_scipy, y0, t, args)


def solve_ivp(
    fun: Callable[..., Any],
    t_span: Any,
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    *,
    args: Any = (),
    **options: Any,
) -> Any:
    """Solve dy/dt = fun(t, y, *args), with gradients with respect to y0, args and the times.

    The gradient solves the adjoint equation backwards with the same method and tolerances. "Radau", "BDF" and
    "LSODA" get our Jacobian.

    Args:
        fun: returns dy/dt, of shape (n,), from a number t, y, and `args`. It is written in NumPy.
        t_span: the first and the last time; both have gradients.
        y0: the state at the first time, (n,).
        method: of SciPy.
        t_eval: the times of the states, (m,). Default: those of the solver's steps; `[t1]` is the fastest.
        args: a tuple of arrays and numbers, or nested containers of them.
        options: rtol, atol, max_step, first_step. SciPy's defaults 1e-3 and 1e-6 give few digits.

    Returns:
        An object like SciPy's: `t`, (m,), `y`, (n, m), `success`, `status`, `message`.

    Raises:
        ConvergenceError: the solver did not reach the last time.
        ShapeError: y0 or t_eval is no vector.
        UnsupportedError: fun reads a Tensor on the tape that is not in `args`; or an option that has no
            gradient: events, dense_output, vectorized, jac.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> def final(rate):
        ...     decay = lambda t, y, rate: -rate * y
        ...     return solve_ivp(decay, (0, 2), np.ones(1), t_eval=[2], args=(rate,), rtol=1e-9).y[0, 0]
        >>> print(f"{ag.grad(final)(0.5):.6f}")        # -2 e^-1
        -0.735759
    """
    if unknown := options.keys() - {"rtol", "atol", "max_step", "first_step", "min_step"}:
        raise UnsupportedError(f"solve_ivp(..., {min(unknown)}=): {_LEAVE_OUT}")
    args = args if isinstance(args, tuple) else (args,)
    slope, (first, last) = _of_y_first(fun, True), t_span
    _require_arguments("solve_ivp", slope, y0, first, args)
    if t_eval is None:  # one run finds the times
        given = tree.map_leaves(unwrap, (first, last, y0, args))
        found = _called(method, options, _on_host(slope, given[3]), None, given[2], given[:2])
        if not any(isinstance(x, Box) for x in tree.flatten((t_span, y0, args))[0]):
            return found
        t_eval = (first, found.t[1:-1], last)
    t_eval = flat(t_eval)
    begins = bool(to_host(t_eval)[0] == to_host(first))  # a solver begins at the first time, asked for or not
    t = t_eval if begins else flat((first, t_eval))
    ys = _states("solve_ivp", slope, functools.partial(_at_times, method, options), y0, t, args)
    message = "The solver successfully reached the end of the integration interval."
    y = np.transpose(ys if begins else ys[1:])
    return optimize.OptimizeResult(t=t_eval, y=y, success=True, status=0, message=message)


def _at_times(method: Any, options: Any, slope: Slope, jac: Slope, y0: Any, t: Any) -> Any:
    return _called(method, options, slope, jac, y0, (t[0], t[-1]), t).y.T


_LEAVE_OUT = (
    "leave it out, or call scipy.integrate.solve_ivp; the time of an event is a root: ag.implicit.root finds "
    "it, with its gradient"
)


def _called(
    method: Any, options: Any, slope: Slope, jac: Slope | None, y0: Any, span: Any, t_eval: Any = None
) -> Any:
    """The result of SciPy's `solve_ivp`; implicit methods get the Jacobian."""
    given = jac is not None and method in ("Radau", "BDF", "LSODA")
    own = {"jac": lambda t, y: jac(y, t)} if given else {}  # type: ignore[misc]
    found = integrate.solve_ivp(lambda t, y: slope(y, t), span, y0, method, t_eval, **own, **options)
    if not found.success:
        raise _stopped("solve_ivp", found.message, "for a stiff equation write method='Radau'")
    return found


def _stopped(name: str, message: str, repair: str) -> ConvergenceError:
    return ConvergenceError(f"{name}: the solver did not reach the last time ({message}); {repair}")


def _of_y_first(fun: Callable[..., Any], tfirst: bool) -> Slope:
    """dy/dt as a function of y, the time, and the arguments, in one array."""

    def slope(y: Any, time: Any, *args: Any) -> Any:
        dy = fun(time, y, *args) if tfirst else fun(y, time, *args)
        return np.stack(dy) if isinstance(dy, (list, tuple)) else dy

    return slope


def _on_host(slope: Slope, args: Any) -> Slope:
    """The slope for SciPy: of arrays alone, not recorded."""

    def called(y: Any, time: Any) -> Any:
        with no_grad():
            return to_host(slope(y, time, *args))

    return called


def _require_arguments(name: str, slope: Slope, y0: Any, time: Any, args: Any) -> None:
    """Refuse a start that is no vector, and a slope that reads a Tensor on the tape from elsewhere."""
    if len(shape_of(y0)) != 1:
        raise ShapeError(
            f"{name}: y0 has shape {shape_of(y0)}; expected vectors for y0 and t: write np.ravel(y0)"
        )
    y0, time, args = tree.map_leaves(unwrap, (y0, time, args))
    y0 = np.stack(y0) if isinstance(y0, (list, tuple)) else y0
    repair = f"{name}(f, ..., args=(w,)) with f(..., w)"
    require_arguments(name, lambda: slope(y0, time, *args), repair)


def _states(name: str, slope: Slope, integrate: Integrate, y0: Any, t: Any, args: Any) -> Any:
    """The states at the times t, as an op of y0, t and the leaves of args."""
    y0 = flat(y0) if isinstance(y0, (list, tuple)) else y0
    leaves, put = parted(args)

    def of_leaves(y: Any, time: Any, *leaves: Any) -> Any:
        return slope(y, time, *put(leaves))

    return states(y0, t, *leaves, problem=Problem(name, of_leaves, integrate))


@dataclass(frozen=True, eq=False)
class Problem:
    """A differential equation, and what solves it."""

    name: str
    slope: Slope
    integrate: Integrate

    def __repr__(self) -> str:
        return self.name


@primitive
def states(y0: Any, t: Any, *leaves: Any, problem: Problem) -> Any:
    """The states at the times t, (m, n), as a function of y0, t and the leaves of the arguments."""
    y0, t = np.asarray(to_host(y0), float), np.asarray(to_host(t), float)
    slopes = jacobian(problem.slope)
    with Mode(unheard):
        return problem.integrate(_on_host(problem.slope, leaves), _on_host(slopes, leaves), y0, t)


def _adjoint(
    g: Any, ys: Any, y0: Any, t: Any, *leaves: Any, problem: Problem, needs: tuple[bool, ...]
) -> tuple[Any, ...]:
    """The cotangents of y0, t and the leaves. The state (y, l, one block for each leaf) runs back in time.

    l is the cotangent of y: dl/dt = -l df/dy. The block of a leaf collects l df/dleaf.
    """
    slope, wanted = problem.slope, needs[2:]
    n = shape_of(ys)[1]
    sizes = [shape_of(leaf) for leaf, want in zip(leaves, wanted, strict=True) if want]
    ends = [int(end) for end in np.cumsum([2 * n, *(math.prod(size) for size in sizes)])]

    def backwards(state: Any, minus: Any, *leaves: Any) -> Any:
        def forwards(y: Any, *leaves: Any) -> Any:
            return slope(y, -minus, *leaves)

        dy, sent = pulled(forwards, (state[:n], *leaves), (True, *wanted), state[n : 2 * n])
        return flat([-dy, *sent])

    adjoint = Problem(f"adjoint of {problem}", backwards, problem.integrate)
    state = np.concatenate([ys[-1], np.zeros(ends[-1] - n)])
    times = []
    for i in range(len(ys) - 1, 0, -1):
        times.append(np.sum(g[i] * slope(ys[i], t[i], *leaves)))
        state = np.concatenate([ys[i], state[n : 2 * n] + g[i], state[2 * n :]])
        state = states(state, np.stack([-t[i], -t[i - 1]]), *leaves, problem=adjoint)[-1]
    first = -np.sum(state[n : 2 * n] * slope(ys[0], t[0], *leaves))
    found = (np.reshape(state[a:b], size) for a, b, size in zip(ends[:-1], ends[1:], sizes, strict=True))
    blocks = (next(found) if want else None for want in wanted)
    return state[n : 2 * n] + g[0], np.stack([first, *times[::-1]]), *blocks


defvjp(states, joint=_adjoint)
