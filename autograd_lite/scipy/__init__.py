"""Parts of SciPy on Tensors, under SciPy's names: what computes is SciPy, what has derivatives are ours.

`scipy.special`'s own functions take Tensors as NumPy's do. Here are those of its functions that cannot see
a Tensor, and densities, linear algebra, convolution, differential equations and solvers with gradients.

>>> import numpy as np, autograd_lite as ag
>>> from autograd_lite.scipy import stats
>>> float(ag.grad(lambda scale: stats.norm.logpdf(1.0, 0.0, scale))(2.0))
-0.375
"""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import MissingPackageError

if find_spec("scipy") is None:
    raise MissingPackageError(
        "autograd_lite.scipy computes with SciPy; install it: python -m pip install 'autograd-lite[scipy]'"
    )

from . import integrate, linalg, optimize, signal, special, stats

__all__ = ["integrate", "linalg", "optimize", "signal", "special", "stats"]
