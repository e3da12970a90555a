"""All names of `numpy.linalg`; its functions take Tensors, and lists that hold Tensors."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from numpy import linalg as _linalg

from ..listed import functions_of as _functions_of

globals().update(_functions_of(_linalg))

if _TYPE_CHECKING:

    def __getattr__(name: str) -> _Any: ...
