"""Guards against silently cutting the graph by reading a Tensor on the tape as a plain array or number.

Python does not tell a method who has called it. So this file looks at the interpreter itself. It relies on
these details of CPython; `tests/test_guards.py` asserts them for the running version:

- In a special method that C code calls, `sys._getframe(1)` is the frame of the Python code that runs.
- `frame.f_lasti` is the offset in `co_code` of the current instruction of a frame. At `a[i] = x`, while
  NumPy asks x for its number, that instruction is STORE_SUBSCR or, for a slice, STORE_SLICE.
- The instructions that load the function of a call begin at the line and column of the call.
- During an assignment into an object, an object without a name has fewer references than one with a name.
- The globals of a frame name its package; this also holds for code between NumPy and the user.
"""

from __future__ import annotations

import dis
import opcode
import sys
from types import FrameType
from typing import Any

from .errors import UnsupportedError, package
from .recording import current, is_recording

__all__ = ["NAMELESS", "cut", "cut_by_number", "draws", "refuse_in_transform"]

STORES = frozenset(opcode.opmap[name] for name in ("STORE_SUBSCR", "STORE_SLICE") if name in opcode.opmap)
"""The instructions of `a[i] = x`, and of `a[:i] = x` from Python 3.12 on."""

LOADS = frozenset(
    {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW"}
)
"""The instructions that load a name; LOAD_FAST has variants from Python 3.12 on."""

PICTURES = frozenset({"matplotlib", "mpl_toolkits"})
"""Packages that only show values: no gradient is ever asked of their results."""


def _reader(frame: FrameType) -> FrameType:
    """The innermost caller outside of NumPy and the engine, which read values for their callers."""
    while package(frame) in {"numpy", "autograd_lite"} and frame.f_back is not None:
        frame = frame.f_back
    return frame


def assigns(frame: FrameType) -> bool:
    """Whether a frame is at `a[i] = x`."""
    return frame.f_code.co_code[frame.f_lasti] in STORES


def draws(frame: FrameType) -> bool:
    """Whether a plotting library reads the values, directly or through NumPy and the engine."""
    return package(_reader(frame)) in PICTURES


def cut(frame: FrameType) -> UnsupportedError:
    """The error for code that would convert a Tensor on the tape to a plain array.

    Args:
        frame: the frame of the code.
    """
    reader = _reader(frame)
    if package(reader) == "pandas":
        return UnsupportedError(
            "pandas reads plain arrays, and was about to make one of a Tensor on the tape, which would "
            "silently cut the graph; write x * s.to_numpy() for a gradient, and x.detach().numpy() for a "
            "column"
        )
    if "site-packages" in reader.f_code.co_filename:
        return UnsupportedError(
            f"{package(reader)} reads plain arrays, and was about to make one of a Tensor on the tape, which "
            "would silently cut the graph; where no gradient is wanted pass x.detach().numpy(), else compute "
            "with functions of NumPy, ag and ag.scipy: np.stack([x, y]), ag.softmax(x), "
            "ag.scipy.special.logsumexp(x)"
        )
    if assigns(frame):
        return UnsupportedError(
            "a[i] = x: the NumPy array a cannot record what is assigned to it, which would silently cut the "
            "graph; make a a Tensor first: a = ag.Tensor(a); a[i] = x, or build it in one call: "
            "np.stack([x, y]), np.where(mask, x, a)"
        )
    return UnsupportedError(
        "a Tensor on the tape was about to become a plain array, which would silently cut the graph. "
        + _instead(frame)
    )


def cut_by_number(kind: str, frame: FrameType) -> UnsupportedError | None:
    """The error for `float(x)` of an x on the tape, where the conversion would silently cut the graph.

    A `float(x)` in the user's code is allowed outside of transforms. The conversions in `math.sin(x)` and in
    NumPy's `array[i] = x` are not. The current instruction of the caller tells them apart.

    Args:
        kind: the function, "float" or "complex".
        frame: the frame of the caller.

    Returns:
        The error, or None if the conversion is allowed.
    """
    if draws(frame):
        return None
    if assigns(frame):
        return cut(frame)
    if package(frame) == "numpy":
        return UnsupportedError(
            "NumPy was about to read a plain number, e.g. in np.sum(array, initial=x), which would "
            "silently cut the graph; write np.sum(array) + x, or, for the number, initial=x.item()"
        )
    if called_from_math(frame):
        return UnsupportedError(
            "a function of Python's math module would silently cut the graph; in place of "
            "math.sin(x) write np.sin(x)"
        )
    if current().transforms:
        return UnsupportedError(
            f"{kind}(x) inside of a differentiated function would silently cut the graph; compute "
            "with x itself, or, to read the number, write x.item()"
        )
    return None


def refuse_in_transform(name: str, what: str) -> None:
    """Refuse a function without a derivative inside of a differentiated one, where it would cut the graph.

    Args:
        name: of the function.
        what: it returns, with an article.
    """
    if is_recording() and current().transforms:
        raise UnsupportedError(
            f"{name}: {what} has no derivative, and would silently cut the graph of the differentiated "
            "function around it; for a constant, compute it before, or under ag.no_grad()"
        )


def called_from_math(frame: FrameType) -> bool:
    """Whether the current instruction of a frame calls a function of `math` or `cmath`, as in `math.sin(x)`.

    The instructions that load the function begin at the same column of the source as the call.
    """
    positions = list(frame.f_code.co_positions())
    line, _, column, _ = positions[frame.f_lasti // 2]
    function: Any = None
    for instruction in dis.get_instructions(frame.f_code):
        place = positions[instruction.offset // 2]
        if instruction.offset >= frame.f_lasti or (place[0], place[2]) != (line, column):
            continue
        name = instruction.argval
        if instruction.opname in LOADS:
            function = {**frame.f_builtins, **frame.f_globals, **frame.f_locals}.get(name)
        elif instruction.opname in {"LOAD_METHOD", "LOAD_ATTR"}:
            function = getattr(function, name, None)
    return getattr(function, "__module__", None) in {"math", "cmath"}


def _instead(frame: FrameType | None) -> str:
    """The line to write for a NumPy call that reads Tensors in a list one by one, without dispatch."""
    called = None
    while frame is not None and package(frame) == "numpy":
        called, frame = frame, frame.f_back
    if called is None:
        return (
            "To compute with it, call a NumPy function on the Tensor itself, e.g. np.stack([x, y]) in place "
            "of np.array([x, y]); to fill an array, make it a Tensor: a = ag.Tensor(a); a[i] = x; to read "
            "the values, write x.numpy() or x.detach()"
        )
    name, home = called.f_code.co_name, str(called.f_globals["__name__"]).split(".")[1]
    if name == "__getitem__":  # of np.r_ or np.c_
        columns = type(called.f_locals.get("self")).__name__ == "CClass"
        return f"Write np.{'stack([x, y], axis=1)' if columns else 'concatenate([x, y])'}"
    if name in ("full", "full_like"):
        return f"np.{name} makes a plain array; write np.broadcast_to(x, shape)"
    name = f"np.{home}.{name}" if home in ("linalg", "fft") else f"np.{name}"
    return f"{name} does not look for Tensors in a list; write {name}(np.stack([x, y])) for {name}([x, y])"


class _Probe:
    """Counts the references to an object during an assignment into the object."""

    def __setitem__(self, counts: list[int], value: Any) -> None:
        counts.append(sys.getrefcount(self))


def _nameless() -> int:
    """The number of references to the nameless object in `make()[i] = v`; 0 if a name makes no difference."""
    counts: list[int] = []
    probe = _Probe()
    probe[counts] = None
    _Probe()[counts] = None
    return counts[1] if counts[1] < counts[0] else 0


NAMELESS = _nameless()
"""The largest number of references to an object without a name, inside of its `__setitem__`."""
