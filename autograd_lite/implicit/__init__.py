"""Solutions with derivatives: of equations, fixed points, minima, differential equations, integrals.

SciPy, or a solver of your own, finds the solution. Its derivative does not depend on how it was found.

>>> import numpy as np, autograd_lite as ag
>>> square_root = ag.implicit.root(lambda x, a: x * x - a)
>>> print(f"{ag.grad(square_root, 1)(1.0, 4.0):.12f}")        # 1 / (2 sqrt(4))
0.250000000000
"""

from importlib.util import find_spec

from ..errors import MissingPackageError

if find_spec("scipy") is None:
    raise MissingPackageError(
        "autograd_lite.implicit computes with SciPy; install it: python -m pip install 'autograd-lite[scipy]'"
    )

from .ode import odeint, solve_ivp
from .quadrature import quad
from .solvers import argmin, custom_root, fixed_point, root
from .sparse import expm_multiply, spsolve

__all__ = [
    "argmin",
    "custom_root",
    "expm_multiply",
    "fixed_point",
    "odeint",
    "quad",
    "root",
    "solve_ivp",
    "spsolve",
]
