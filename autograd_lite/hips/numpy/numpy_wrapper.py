"""Names that programs import from `autograd.numpy.numpy_wrapper`."""

from ..listed import array, make_diagonal, metadata

__all__ = ["array", "make_diagonal", "metadata"]
