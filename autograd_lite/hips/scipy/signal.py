"""The functions of `scipy.signal`; `convolve` has derivatives, and HIPS/autograd's order of arguments."""

import functools
from typing import Any

from ...scipy import signal

__getattr__ = functools.partial(getattr, signal)


def convolve(A: Any, B: Any, axes: Any = None, dot_axes: Any = ((), ()), mode: str = "full") -> Any:
    """The convolution along all axes, or along chosen ones; see `autograd_lite.scipy.signal.convolve`."""
    return signal.convolve(A, B, mode=mode, axes=axes, dot_axes=dot_axes)
