"""All names of `numpy`. Its functions take Tensors, and lists that hold Tensors.

>>> from autograd_lite.hips import grad, numpy as np
>>> float(grad(lambda x: np.sum(np.array([x, x**2])))(3.0))
7.0
"""

import sys as _sys
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

import numpy as _numpy

from .. import listed as _listed
from ..tracer import notrace_primitive as _notrace_primitive
from . import fft, linalg, random

_made = _listed.functions_of(_numpy)
_made |= {name: getattr(_listed, name) for name in ("array", "c_", "full", "make_diagonal", "metadata", "r_")}
_made |= {
    name: _listed.array_like(getattr(_numpy, name)) for name in ("asanyarray", "ascontiguousarray", "asarray")
}
_made["isscalar"] = _notrace_primitive(_numpy.isscalar)
_made["numpy_version"] = _numpy.__version__
globals().update(_made)

if _TYPE_CHECKING:

    def __getattr__(name: str) -> _Any: ...

else:

    def __getattr__(name: str) -> _Any:
        value = getattr(_numpy, name)  # a module of NumPy, such as `testing`
        setattr(_sys.modules[__name__], name, value)
        return value


__all__ = [*_made, "fft", "linalg", "random"]
