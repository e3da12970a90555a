"""Who runs a group: NumPy always, the native library where it is there.

The library belongs to another package, of which only a name is known here. Its functions have errors of a
few units in the last place. So a plan that must have the eager bits takes NumPy's executor:
`ag.compile(f, exact=True)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Any

import numpy as np

from ..during import during
from ..ops import reductions, selection, slopes, special
from ..ops.passes import NATIVE, installed
from .blocks import in_blocks
from .groups import Group, Instruction
from .slots import Ref, is_in

__all__ = ["Blocks", "Executor", "Native", "exactly", "executor"]

THREADS = "nn.kernels.threads"
"""A module outside of the engine, which is used where it is installed."""

LARGE = 1 << 16
"""From this number of entries on, blocks pay."""

ARITHMETIC = frozenset({np.add, np.subtract, np.multiply, np.divide, np.negative, np.absolute, np.square})

COPIES = (np.copy, np.broadcast_to, np.positive, reductions._filled)
"""Functions whose result has the entries of the first argument; the others say nothing of values."""

WORDS: dict[Any, str] = {
    **{np.add: "add", np.subtract: "subtract", np.multiply: "multiply", np.divide: "divide"},
    **{np.negative: "negative", np.absolute: "absolute", np.fabs: "absolute", np.sign: "sign"},
    **{np.square: "square", np.reciprocal: "reciprocal", np.sqrt: "sqrt", np.copysign: "copysign"},
    **{np.maximum: "maximum", np.minimum: "minimum", np.clip: "clip"},
    **{np.floor: "floor", np.ceil: "ceil", np.trunc: "trunc", np.rint: "rint"},
    **{np.less: "less", np.less_equal: "less_equal", np.greater: "greater", np.equal: "equal"},
    **{np.greater_equal: "greater_equal", np.not_equal: "not_equal"},
    **{np.isnan: "isnan", np.isfinite: "isfinite", np.isinf: "isinf"},
    **{np.logical_and: "logical_and", np.logical_or: "logical_or", np.logical_xor: "logical_xor"},
    **{np.bitwise_and: "logical_and", np.bitwise_or: "logical_or", np.bitwise_xor: "logical_xor"},
    **{np.logical_not: "logical_not", np.invert: "logical_not", np.where: "where"},
    **{np.exp: "exp", np.expm1: "expm1", np.log: "log", np.log1p: "log1p", np.logaddexp: "logaddexp"},
    **{np.tanh: "tanh", np.sin: "sin", np.cos: "cos", np.tan: "tan", np.sum: "sum"},
    **{special.sigmoid: "sigmoid", special.softplus: "softplus", special.erf: "erf", selection.relu: "relu"},
    **{selection.where: "where", selection._only: "where", selection.clip: "clip"},
    **{slopes.times_sech2: "times_sech2"},
    **{slopes.logistic_slope: "logistic_slope", slopes.times_gauss: "times_gauss"},
    **dict.fromkeys(COPIES, "positive"),
}
"""The functions that the native library knows, and its words for them."""

WORDS |= {op.__wrapped__: word for op, word in WORDS.items() if hasattr(op, "__wrapped__")}

CALLS = {"sigmoid": 7, "logistic_slope": 6, "softplus": 4, "times_sech2": 4, "erf": 10, "times_gauss": 10}
"""About how many of NumPy's calls an op of the library makes."""

_OURS: Any = (special.sigmoid, slopes.times_sech2, slopes.times_sec2, slopes.logistic_slope)
BOTH = frozenset(
    {np.positive, np.where, np.clip, selection._only} | {getattr(op, "__wrapped__", op) for op in _OURS}
)
"""What NumPy's executor takes beside ufuncs: functions that compute each entry in the same way in a block.
The functions of `in_one_pass` do not."""


class Executor:
    """Decides which steps belong to groups, and makes the functions of groups."""

    def takes(self, function: Any, dtype: np.dtype[Any]) -> bool:
        """Whether a function with a result of this dtype may be an instruction."""
        raise NotImplementedError

    def pays(self, functions: Sequence[Any], shape: tuple[int, ...]) -> bool:
        """Whether steps run faster as a group."""
        raise NotImplementedError

    def unites(self, shape: tuple[int, ...]) -> bool:
        """Whether groups that have nothing in common run together."""
        return False

    def prepare(self, group: Group) -> None:
        """Give a group its function."""
        raise NotImplementedError


class Blocks(Executor):
    """NumPy's executor: the eager bits."""

    def takes(self, function: Any, dtype: np.dtype[Any]) -> bool:
        return is_in(BOTH, function) or (
            isinstance(function, np.ufunc) and function.nout == 1 and not function.signature
        )

    def pays(self, functions: Sequence[Any], shape: tuple[int, ...]) -> bool:
        return len(functions) > 1 and math.prod(shape) >= LARGE

    def prepare(self, group: Group) -> None:
        group.run = in_blocks(group, _threads())


class Native(Executor):
    """The native library."""

    def __init__(self, library: Any) -> None:
        self.library = library

    def takes(self, function: Any, dtype: np.dtype[Any]) -> bool:
        return is_in(WORDS, function) and self.library.takes(WORDS[function], dtype)

    def pays(self, functions: Sequence[Any], shape: tuple[int, ...]) -> bool:
        saved = sum(0 if f in COPIES else CALLS.get(WORDS[f], 1) for f in functions)
        if not shape:  # Python computes with single numbers, and calls NumPy for functions of them
            return saved + 8 * sum(f not in ARITHMETIC for f in functions) > 32
        return saved > (1 if math.prod(shape) >= LARGE else 4)

    def unites(self, shape: tuple[int, ...]) -> bool:
        return math.prod(shape) < LARGE

    def prepare(self, group: Group) -> None:
        code = tuple([(WORDS[c.function], _operands(c), c.kind[1]) for c in group.code])
        program = self.library.Program(group.shape, group.dtype, group.inputs, code, group.outputs)
        group.run = self.library.prepared(program, group.straight, _may_warn(group.code))
        group.__name__ = f"native {group.__name__}"


def _operands(c: Instruction) -> tuple[int | float, ...]:
    operands = c.operands[:1] if c.function in COPIES else c.operands
    operands += (0.0,) if c.function is selection._only else ()
    return tuple([x.slot if x.__class__ is Ref else float(x) for x in operands])


def _may_warn(code: Sequence[Instruction]) -> Callable[[], bool]:
    """A function that tells whether the user hears of an overflow, a division by zero, an invalid value."""

    def heard(state: Any) -> bool:
        return any(state[name] != "ignore" for name in ("divide", "over", "invalid"))

    quiet = all(c.quiet is not None and not heard(c.quiet) for c in code)
    return (lambda: False) if quiet else lambda: heard(np.geterr())


@cache
def _threads() -> Any:
    """The threads that work on NumPy's blocks; None where they are not installed."""
    return installed(THREADS)


@cache
def _native() -> Native | None:
    library = installed(NATIVE)
    return None if library is None or not library.words() else Native(library)


_exact: ContextVar[bool] = ContextVar("exact", default=False)


def exactly(exact: bool, f: Callable[..., Any], *args: Any) -> Any:
    """Call f; plans that it makes have the eager bits. `exact=False` changes nothing."""
    return during(_exact, exact or _exact.get(), f, *args)


def executor() -> Executor:
    """The executor of a plan that is made now."""
    native = None if _exact.get() else _native()
    return Blocks() if native is None else native
