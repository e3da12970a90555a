"""The ONNX form of each function that a recorded model calls."""

from . import elementwise as elementwise
from . import layers as layers
from . import shapes as shapes
from .table import FORMS

__all__ = ["FORMS"]
