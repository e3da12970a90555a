"""PyTorch's dtypes, the dtype of Python's floats, and the dtype of a result of several operands.

>>> float32, float32.itemsize, float32.is_floating_point
(torch.float32, 4, True)
>>> np.zeros(2, float32).dtype == float32
True
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from autograd_lite import Tensor as PlainTensor
from autograd_lite.errors import DTypeError

from ..parameter import set_default_dtype as set_dtype_of_parameters

__all__ = [
    "can_cast",
    "dtype",
    "finfo",
    "get_default_dtype",
    "iinfo",
    "promote_types",
    "result_type",
    "set_default_dtype",
]


class dtype:  # noqa: N801  (named as in PyTorch)
    """The type of the entries of a Tensor. NumPy takes it where NumPy's own dtypes can stand.

    Args:
        name: NumPy's name, e.g. "float32".
    """

    def __init__(self, name: str) -> None:
        self.dtype = np.dtype(name)

    def __getattr__(self, name: str) -> Any:
        if name == "dtype" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.dtype, name)

    def __eq__(self, other: object) -> bool:
        return self is other or bool(self.dtype == other)

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return f"torch.{self.dtype.name}"

    def __reduce__(self) -> Any:
        return of, (self.dtype,)

    @property
    def is_floating_point(self) -> bool:
        """Whether entries are floating-point numbers."""
        return self.dtype.kind == "f"

    @property
    def is_complex(self) -> bool:
        """Whether entries are complex numbers."""
        return self.dtype.kind == "c"

    @property
    def is_signed(self) -> bool:
        """Whether entries can be negative."""
        return self.dtype.kind in "ifc"

    def to_complex(self) -> dtype:
        """The complex dtype of this precision."""
        return self if self.is_complex else of(np.result_type(self.dtype, np.complex64))

    def to_real(self) -> dtype:
        """The dtype of the real part."""
        return of(np.empty(0, self.dtype).real.dtype)


float16 = half = dtype("float16")
float32 = dtype("float32")
float64 = double = dtype("float64")
int8, int16, int32, int64 = dtype("int8"), dtype("int16"), dtype("int32"), dtype("int64")
uint8, uint16, uint32, uint64 = dtype("uint8"), dtype("uint16"), dtype("uint32"), dtype("uint64")
short, long = int16, int64
complex64 = cfloat = dtype("complex64")
complex128 = cdouble = dtype("complex128")
bool_ = dtype("bool")


class absent(dtype):  # noqa: N801
    """A dtype that NumPy does not have: it can be named and compared, but no Tensor has it."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def dtype(self) -> Any:  # type: ignore[override]
        """Raise DTypeError: NumPy has no such dtype."""
        raise DTypeError(f"NumPy has no {self.name}; write torch.float32, or torch.float16 for less memory")

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"torch.{self.name}"


bfloat16 = absent("bfloat16")

_ALL = {
    d.dtype: d
    for d in (
        *(float16, float32, float64, int8, int16, int32, int64),
        *(uint8, uint16, uint32, uint64, complex64, complex128, bool_),
    )
}
_BY_PYTHON = {float: float32, int: int64, bool: bool_, complex: complex64}

NAMES: dict[str, dtype] = {
    **{
        name: value for name, value in list(globals().items()) if isinstance(value, dtype) and name != "bool_"
    },
    "float": float32,
    "int": int32,
    "bool": bool_,
}
"""The names of dtypes in `torch`. Three of them would hide Python's own names in a module."""


def of(d: Any) -> dtype:
    """PyTorch's dtype for a dtype, a class of NumPy, or a class of Python.

    Raises:
        DTypeError: there is no such dtype.
    """
    if d.__class__ is dtype:
        return d
    known = _ALL.get(d)
    if known is None:
        known = _BY_PYTHON.get(d) if isinstance(d, type) else None
    if isinstance(d, absent):
        return cast(dtype, d.dtype)  # raises
    if known is None:
        try:
            known = _ALL.get(np.dtype(d).newbyteorder("="))
        except TypeError:
            known = None
    if known is None:
        raise DTypeError(f"{d!r} is no dtype of a Tensor; expected e.g. torch.float32")
    return known


_default: dtype = float32


def set_default_dtype(d: Any) -> None:
    """Set the dtype of Python's floats, of random numbers and of the parameters of new layers.

    Raises:
        DTypeError: the dtype is not floating-point.
    """
    global _default
    if not of(d).is_floating_point:
        raise DTypeError(f"set_default_dtype({d!r}): expected a floating-point dtype, e.g. torch.float64")
    _default = of(d)
    set_dtype_of_parameters(_default.dtype)


def get_default_dtype() -> dtype:
    """The dtype of Python's floats and of random numbers, float32 by default."""
    return _default


def default_of(kind: str) -> np.dtype[Any]:
    """The dtype of Python's numbers of a kind: "b", "i", "f" or "c"."""
    if kind == "f":
        return _default.dtype
    if kind == "c":
        return _default.to_complex().dtype
    return bool_.dtype if kind == "b" else int64.dtype


def float_of(d: Any) -> np.dtype[Any]:
    """The dtype that was asked for; of None the default one of Python's floats."""
    return _default.dtype if d is None else of(d).dtype


def finfo(type: Any = None) -> np.finfo[Any]:
    """The limits of a floating-point dtype."""
    return np.finfo(of(type or _default).dtype)


def iinfo(type: Any) -> np.iinfo[Any]:
    """The limits of an integer dtype."""
    return np.iinfo(of(type).dtype)


# -- promotion -------------------------------------------------------------------------------------


def joined(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype for entries of two dtypes; a floating-point dtype is not widened by integers."""
    if a == b:
        return a
    if (a.kind in "fc") != (b.kind in "fc"):
        return a if a.kind in "fc" else b
    return np.promote_types(a, b)


def _over(high: np.dtype[Any] | None, low: np.dtype[Any] | None) -> np.dtype[Any] | None:
    """The dtype of operands with axes joined with that of operands without: only another kind counts."""
    if high is None or low is None:
        return low if high is None else high
    if high.kind == "f" and low.kind == "c":
        return np.result_type(high, np.complex64)
    if high.kind in "fc":
        return high
    return joined(high, low) if high.kind == "b" or low.kind in "fc" else high


def kind_of_number(value: Any) -> str:
    """The kind of a Python number: "b", "i", "f" or "c"; "" of anything else."""
    if isinstance(value, (bool, np.bool_)):
        return "b"
    if isinstance(value, int):
        return "i"
    return "f" if isinstance(value, float) else "c" if isinstance(value, complex) else ""


def joint(*values: Any) -> np.dtype[Any]:
    """The dtype of the result of operands: Tensors, arrays and Python's numbers.

    Operands with axes decide. Tensors without axes, and then numbers, count only if their kind is higher:
    boolean < integer < floating-point < complex.
    """
    level: list[np.dtype[Any] | None] = [None, None, None]
    for value in values:
        if kind := kind_of_number(value):
            place, own = 2, default_of(kind)
        else:
            place, own = (0 if np.ndim(value) else 1), np.dtype(value.dtype)
        level[place] = own if (before := level[place]) is None else joined(before, own)
    result = _over(level[0], _over(level[1], level[2]))
    if result is None:
        raise DTypeError("result_type: expected at least one operand")
    return result


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of the result of an operation on two operands.

    >>> result_type(np.ones(2, np.int64), 2.5)
    torch.float32
    """
    return of(joint(tensor1, tensor2))


def promote_types(type1: Any, type2: Any) -> dtype:
    """The smallest dtype that holds the entries of two dtypes.

    >>> promote_types(int64, float16)
    torch.float16
    """
    return of(joined(of(type1).dtype, of(type2).dtype))


def can_cast(from_: Any, to: Any) -> bool:
    """Whether a cast keeps the kind: not from floating-point to integer.

    >>> can_cast(float64, float32), can_cast(float32, int64)
    (True, False)
    """
    order = "buifc".replace("u", "")
    low, high = (of(d).dtype.kind.replace("u", "i") for d in (from_, to))
    return order.index(low) <= order.index(high)


def matched(*values: Any) -> tuple[Any, ...]:
    """Operands of an op in their joint dtype; Python's numbers of no higher kind stay."""
    first = values[0]
    dtypes = {v.dtype for v in values if isinstance(v, (PlainTensor, np.ndarray, np.generic))}
    if len(dtypes) == 1 and first.__class__ is not float:
        (own,) = dtypes
        kinds = {kind_of_number(v) for v in values} - {""}
        if kinds <= _WITHIN[own.kind]:
            return values
    own = joint(*values)
    return tuple(cast_to(v, own) if dtypes else np.asarray(v, own) for v in values)


_WITHIN: dict[str, set[str]] = {
    "b": {"b"},
    "i": {"b", "i"},
    "u": {"b", "i"},
    "f": {"b", "i", "f"},
    "c": {*"bifc"},
}


def cast_to(value: Any, own: np.dtype[Any]) -> Any:
    """A Tensor or an array in a dtype; a number stays where NumPy gives the same."""
    if kind := kind_of_number(value):
        return value if kind in _WITHIN[own.kind] else np.asarray(value).astype(own)
    return value if value.dtype == own else value.astype(own)


def inexact(value: Any) -> Any:
    """A Tensor for a function with real results: integers and booleans become floating-point numbers."""
    return value if value.dtype.kind in "fc" else value.astype(_default.dtype)
