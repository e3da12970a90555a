"""`scipy.integrate.odeint` with gradients, by the adjoint equation; other names are SciPy's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import integrate as _integrate

from ..apply import primitive
from ..arrays import shape_of, to_host, unwrap
from ..errors import ShapeError, UnsupportedError
from ..known import defvjp
from ..recording import no_grad
from ..transforms import vjp
from .implicit import parted, require_arguments

__all__ = ["odeint"]


def __getattr__(name: str) -> Any:
    return getattr(_integrate, name)


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
        ShapeError: y0 or t are no vectors.
        UnsupportedError: func reads a Tensor on the tape that is not in `args`, or an option needs a
        derivative by
            hand.

    Source:
        R. T. Q. Chen et al., "Neural ordinary differential equations", 2018.

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
        raise UnsupportedError(f"odeint(..., {unknown.pop()}=): leave it out, or call scipy.integrate.odeint")
    if len(shape_of(y0)) != 1 or len(shape_of(t)) != 1:
        raise ShapeError(
            f"odeint: y0 has shape {shape_of(y0)}, t {shape_of(t)}; expected vectors: (n,) and (m,)"
        )
    args = args if isinstance(args, tuple) else (args,)

    def slope(y: Any, time: Any, *args: Any) -> Any:
        dy = func(time, y, *args) if tfirst else func(y, time, *args)
        return np.stack(dy) if isinstance(dy, (list, tuple)) else dy

    leaves, rebuild = parted(args)
    require_arguments("odeint", lambda: slope(unwrap(y0), unwrap(t)[0], *rebuild(map(unwrap, leaves))))
    return _solved(slope, rebuild, options)(y0, t, *leaves)


def _solved(slope: Callable[..., Any], rebuild: Callable[..., Any], options: dict[str, Any]) -> Any:
    """The op of one equation: a function of y0, t and the leaves of the arguments."""

    @primitive
    def odeint(y0: Any, t: Any, *leaves: Any) -> Any:
        args = rebuild(leaves)

        def host(y: Any, time: Any) -> Any:
            with no_grad():
                return to_host(slope(y, time, *args))

        return _integrate.odeint(host, np.asarray(y0, float), np.asarray(t, float), **options)

    def joint(g: Any, ys: Any, y0: Any, t: Any, *leaves: Any) -> tuple[Any, ...]:
        return _adjoint(slope, rebuild, options, g, ys, t, leaves)

    defvjp(odeint, joint=joint)
    return odeint


def _adjoint(
    slope: Callable[..., Any], rebuild: Any, options: Any, g: Any, ys: Any, t: Any, leaves: tuple[Any, ...]
) -> tuple[Any, ...]:
    """The cotangents of y0, t and the leaves. The state (y, l, one block for each leaf) runs backwards in
    time.

    l is the cotangent of y: dl/dt = -l df/dy. The block of a leaf collects l df/dleaf.
    """
    n, sizes = shape_of(ys)[1], [shape_of(leaf) for leaf in leaves]
    ends = np.cumsum([2 * n, *(int(np.prod(size)) for size in sizes)])

    def backwards(state: Any, minus: Any, *leaves: Any) -> Any:
        y, cotangent = state[:n], state[n : 2 * n]
        dy, pull = vjp(lambda y, *leaves: slope(y, -minus, *rebuild(leaves)), y, *leaves)
        parts = pull(cotangent)
        return np.concatenate([-dy, *(np.reshape(part, (-1,)) for part in parts)])

    step = _solved(backwards, lambda leaves: tuple(leaves), options)
    state = np.concatenate([ys[-1], np.zeros(int(ends[-1]) - n)])
    times = []
    for i in range(len(ys) - 1, 0, -1):
        times.append(np.sum(g[i] * slope(ys[i], t[i], *rebuild(leaves))))
        state = np.concatenate([ys[i], state[n : 2 * n] + g[i], state[2 * n :]])
        state = step(state, np.stack([-t[i], -t[i - 1]]), *leaves)[-1]
    first = -np.sum(state[n : 2 * n] * slope(ys[0], t[0], *rebuild(leaves)))
    blocks = [
        np.reshape(state[int(a) : int(b)], size)
        for a, b, size in zip(ends[:-1], ends[1:], sizes, strict=True)
    ]
    return state[n : 2 * n] + g[0], np.stack([first, *times[::-1]]), *blocks
