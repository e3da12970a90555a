"""PyTorch's functions and methods: each is written once, as a function with PyTorch's signature.

`torch.f(x, ...)`, `x.f(...)` and `x.f_(...)` are made of that function; see `registry`.
"""

from __future__ import annotations

from ..tensors import Tensor as _Tensor
from . import counting as counting
from . import indexing as indexing
from . import joining as joining
from . import matrices as matrices
from . import ordering as ordering
from . import pointwise as pointwise
from . import reductions as reductions
from . import shapes as shapes
from . import typing as typing
from .registry import FUNCTIONS as FUNCTIONS
from .registry import METHODS as METHODS

for _name, _method in METHODS.items():
    setattr(_Tensor, _name, _method)
