"""Curvature of a loss: Hessian, Gauss-Newton and Fisher matrices, known by their products with vectors.

>>> import numpy as np, autograd_lite as ag
>>> H = ag.curvature.hessian(lambda x: x[0] ** 2 * x[1], np.array([1.0, 2.0]))
>>> H @ np.array([1.0, 0.0])
array([4., 2.])
"""

from importlib.util import find_spec

from ..errors import MissingPackageError

if find_spec("scipy") is None:
    raise MissingPackageError(
        "ag.curvature computes with SciPy; install it: python -m pip install 'autograd-lite[scipy]'"
    )

from .estimates import Estimate, diagonal, eigenpairs, spectrum, trace
from .operators import Curvature, fisher, gauss_newton, hessian

__all__ = [
    "Curvature",
    "Estimate",
    "diagonal",
    "eigenpairs",
    "fisher",
    "gauss_newton",
    "hessian",
    "spectrum",
    "trace",
]
