"""Functions of matrices: inverses, linear systems, and what numpy.linalg has."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules import defvjp
from ..tensor import unwrap

__all__: list[str] = []

# -- inverses and linear systems -------------------------------------------------------------------


def _solve(g: Any, y: Any, a: Any, b: Any) -> Any:
    """-a^-T g y^T."""
    if np.ndim(unwrap(b)) == 1:
        back = np.linalg.solve(np.matrix_transpose(a), np.expand_dims(g, -1))
        return -back * np.expand_dims(y, -2)
    return -np.matmul(np.linalg.solve(np.matrix_transpose(a), g), np.matrix_transpose(y))


def _solve_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    """a^-T g."""
    if np.ndim(unwrap(b)) == 1:
        return np.linalg.solve(np.matrix_transpose(a), np.expand_dims(g, -1))[..., 0]
    return np.linalg.solve(np.matrix_transpose(a), g)


defvjp(
    np.linalg.inv,
    lambda g, y, a: -np.matmul(np.matmul(np.matrix_transpose(y), g), np.matrix_transpose(y)),
)
defvjp(np.linalg.solve, _solve, _solve_b, broadcasts=True, flow="mixes")
