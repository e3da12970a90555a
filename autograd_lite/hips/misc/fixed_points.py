"""Fixed points as one step of the tape, whose derivative is the fixed point of another function."""

from __future__ import annotations

from typing import Any

from ...aliases import Function
from ..core import defvjp, make_vjp, vspace
from ..tracer import primitive

__all__ = ["fixed_point"]


@primitive
def fixed_point(f: Function, a: Any, x0: Any, distance: Function, tol: float) -> Any:
    """The x with x = f(a)(x), found by iterating from x0.

    The pullback follows from the implicit function theorem. With J = dx/dx and A = dx/da of f(a)(x), the
    cotangent g of x gives w A, where w = g + w J is a fixed point too.

    Args:
        f: `f(a)` returns a function of x.
        a: the parameters, which gradients flow to.
        x0: where to begin; it has gradient zero.
        distance, tol: stop when `distance(x, previous x)` is at most `tol`.

    Source:
        B. Christianson, "Reverse accumulation and attractive fixed points", 1994.

    Example:
        >>> from autograd_lite.hips import grad, numpy as np
        >>> root = lambda a: fixed_point(lambda a: lambda x: 0.5 * (x + a / x), a, 1.0,
        ...                              lambda x, y: np.abs(x - y), 1e-10)
        >>> np.allclose([root(4.0), grad(root)(4.0), grad(grad(root))(4.0)], [2, 1 / 4, -1 / 32])
        True
    """
    step = f(a)
    before, x = x0, step(x0)
    while distance(x, before) > tol:
        before, x = x, step(x)
    return x


def _pullback(ans: Any, f: Function, a: Any, x0: Any, distance: Function, tol: float) -> Function:
    def returning(parts: tuple[Any, Any, Any]) -> Function:
        """The function w -> g + w J."""
        a, x, g = parts
        back = make_vjp(f(a), x)[0]
        return lambda w: vspace(x).add(g, back(w))

    def pull(g: Any) -> Any:
        w = fixed_point(returning, (a, ans, g), vspace(ans).zeros(), distance, tol)
        return make_vjp(lambda a: f(a)(ans), a)[0](w)

    return pull


defvjp(fixed_point, None, _pullback, None)
