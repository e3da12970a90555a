"""The implicit function theorem: the solution of an equation as a function of the equation's arguments.

From r(x, a) = 0 follows dx/da = -(dr/dx)^-1 dr/da, however x was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .. import tree
from ..apply import primitive
from ..arrays import dtype_of, is_array, shape_of, unwrap
from ..box import Box
from ..errors import UnsupportedError
from ..jacobians import jacobian
from ..known import defvjp
from ..recording import is_recording
from ..transforms import vjp

__all__ = ["parted", "require_arguments", "solution_of"]


def parted(args: Any) -> tuple[list[Any], Callable[[Iterable[Any]], Any]]:
    """The leaves of nested arguments that can have a gradient, and what puts others in their place."""
    leaves, rebuild = tree.flatten(args)
    real = [
        i for i, x in enumerate(leaves)
        if isinstance(x, float) or ((isinstance(x, Box) or is_array(x)) and dtype_of(x).kind in "fc")
    ]  # fmt: skip

    def put(values: Iterable[Any]) -> Any:
        changed = list(leaves)
        for i, value in zip(real, values, strict=True):
            changed[i] = value
        return rebuild(changed)

    return [leaves[i] for i in real], put


def require_arguments(name: str, call: Callable[[], Any]) -> None:
    """Refuse a function that reads a Tensor on the tape which is no argument: its gradient would be lost."""
    if is_recording() and any(isinstance(x, Box) and x.requires_grad for x in tree.flatten(call())[0]):
        raise UnsupportedError(
            f"{name}: the function uses a Tensor on the tape that is not in args, so its gradient would be "
            f"lost; make it an argument: {name}(f, ..., args=(w,)) with f(..., w)"
        )


def solution_of(residual: Callable[..., Any], x: Any, leaves: list[Any], free: Any = None) -> Any:
    """The solution x of residual(x, *leaves) = 0 as a function of the leaves.

    Args:
        residual: as many equations as x has entries.
        x: the solution, an array.
        leaves: numbers, arrays and Tensors.
        free: a mask of the entries of x that the equations determine; the others are constants. All by
        default.
    """

    @primitive
    def solution(*leaves: Any) -> Any:
        return x

    def joint(g: Any, y: Any, *leaves: Any) -> tuple[Any, ...]:
        n = int(np.prod(shape_of(x)))
        j = np.reshape(jacobian(lambda x: residual(x, *leaves))(y), (n, n))
        g = np.reshape(g, (n,))
        if free is not None:
            mask = np.reshape(free, (n,)) * 1.0
            j, g = j * mask * mask[:, None] + np.diag(1 - mask), g * mask
        w = -np.linalg.solve(np.conjugate(j.T), g[:, None])[:, 0]
        value, pull = vjp(lambda *leaves: residual(y, *leaves), *leaves)
        return tuple(pull(np.reshape(w, shape_of(unwrap(value)))))

    defvjp(solution, joint=joint)
    return solution(*leaves)
