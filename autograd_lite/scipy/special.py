"""`scipy.special`: its ufuncs, and the Python functions among its functions, which take Tensors here.

Every other name is SciPy's own function.

>>> import numpy as np, autograd_lite as ag
>>> from autograd_lite.scipy import special
>>> ag.grad(special.gammainc)(2.0, 3.0) == ag.grad(lambda a: special.gammainc(a, 3.0))(2.0)
True
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as _special

from ..arrays import unwrap
from ..ops import reductions
from ..ops.scipy_special.slopes import polygamma

__all__ = ["log_softmax", "logsumexp", "multigammaln", "polygamma", "softmax"]


def __getattr__(name: str) -> Any:
    return getattr(_special, name)


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """log(sum(b exp(a))), without overflow.

    Args:
        a: real array.
        axis: an int, a tuple of ints, or None for all axes.
        b: factors, which broadcast with `a`; 1 by default.
        keepdims: keep the axes that are summed over, with length 1.
        return_sign: return the logarithm of the absolute value, and the sign.

    Example:
        >>> import numpy as np
        >>> float(logsumexp(np.array([1000.0, 1000.0]), b=np.array([3.0, 1.0])))
        1001.3862943611199
    """
    if b is None and not return_sign:
        return reductions.logsumexp(a, axis=axis, keepdims=keepdims)
    values = unwrap(a)
    top = np.max(values, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    total = np.sum(np.exp(a - top) * (1.0 if b is None else b), axis=axis, keepdims=keepdims)
    kept = np.reshape(top, total.shape)
    if not return_sign:
        return np.log(total) + kept
    return np.log(np.abs(total)) + kept, np.sign(unwrap(total))


def softmax(x: Any, axis: Any = None) -> Any:
    """exp(x) / sum(exp(x)) along an axis; along all axes by default, as in SciPy.

    Example:
        >>> import numpy as np
        >>> softmax(np.array([0.0, 0.0]))
        array([0.5, 0.5])
    """
    return np.exp(log_softmax(x, axis))


def log_softmax(x: Any, axis: Any = None) -> Any:
    """The logarithm of `softmax`.

    Example:
        >>> import numpy as np
        >>> log_softmax(np.array([0.0, 1000.0]))
        array([-1000.,     0.])
    """
    return x - reductions.logsumexp(x, axis=axis, keepdims=True)


def multigammaln(a: Any, d: int) -> Any:
    """The logarithm of the multivariate gamma function.

    Args:
        a: real array, a > (d - 1) / 2.
        d: the dimension.

    Example:
        >>> from scipy import special
        >>> bool(multigammaln(3.0, 1) == special.gammaln(3.0))
        True
    """
    constant = d * (d - 1) / 4 * float(np.log(np.pi))
    return constant + sum(_special.gammaln(a - 0.5 * j) for j in range(d))
