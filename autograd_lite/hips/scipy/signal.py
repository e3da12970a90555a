"""The functions of `scipy.signal`; `convolve` has derivatives, and HIPS/autograd's order of arguments."""

from typing import Any

from ..forward import forward

__getattr__ = forward("signal")


def convolve(A: Any, B: Any, axes: Any = None, dot_axes: Any = ((), ()), mode: str = "full") -> Any:
    """The convolution along all axes, or along chosen ones; see `autograd_lite.scipy.signal.convolve`."""
    return __getattr__("convolve")(A, B, mode=mode, axes=axes, dot_axes=dot_axes)
