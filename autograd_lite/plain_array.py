"""The class of the arrays that ops without a gradient return."""

from __future__ import annotations

from typing import Any

import numpy as np

from .box import answer
from .torch_names import TorchNames

__all__ = ["PlainArray"]


class PlainArray(TorchNames, np.ndarray[Any, Any]):  # type: ignore[misc]
    """The result of comparisons, argmax and the like: a plain array with PyTorch's methods.

    Its arithmetic returns an ordinary array if the result is floating-point.
    """

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        if return_scalar:
            return plain[()]
        return plain if context is not None and plain.dtype.kind in "fc" else answer(plain)

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def view(self, *shape: Any, **options: Any) -> Any:
        """The entries in another shape, or NumPy's view with another dtype or class."""
        lengths = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        if shape and not options and all(isinstance(n, (int, np.integer)) for n in lengths):
            return self.reshape(lengths)
        return super().view(*shape, **options)

    def detach(self) -> Any:
        """x itself, since a plain array is on no tape."""
        return self

    def clone(self) -> Any:
        """A copy."""
        return self.copy()

    def numpy(self) -> Any:
        """The same entries as an ordinary array."""
        return np.asarray(self)
