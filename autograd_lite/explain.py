"""Words for errors: NumPy's own message, then the shapes that came and the line that repairs it."""

from __future__ import annotations

import difflib
import dis
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import numpy as np

from .errors import (
    AutogradLiteError,
    AxisError,
    DTypeError,
    IndexingError,
    LinAlgError,
    NotDifferentiableError,
    ShapeError,
    UnsupportedError,
)
from .tape import op_name

__all__ = [
    "STUMBLES",
    "called_from_math",
    "cut",
    "describe",
    "explain",
    "how_many",
    "is_users",
    "missing_rule",
    "unsupported_call",
]


def describe(value: Any) -> str:
    """`float64 (2, 3)` for arrays, the value itself for small things.

    >>> import numpy as np
    >>> describe(np.zeros((2, 3))), describe(1.5), describe([1, 2])
    ('float64 (2, 3)', '1.5', '[1, 2]')
    """
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"{value.dtype} {value.shape}"
    text = repr(value)
    return text if len(text) <= 40 else f"{type(value).__name__} {text[:30]}..."


def how_many(items: Any) -> str:
    """How many items a tuple or list has; what it is, if it is neither."""
    return str(len(items)) if isinstance(items, (tuple, list)) else f"{describe(items)} for the tuple of"


def explain(op: Callable[..., Any], args: Iterable[Any], error: Exception) -> Exception:
    """The family's error for an exception that NumPy raised inside of `op(*args)`."""
    if isinstance(error, AutogradLiteError):
        return error
    args = tuple(args)
    name = op_name(op)
    came = ", ".join(describe(arg) for arg in args)
    sizes = op is np.matmul and isinstance(error, ValueError)
    text = f"{name}({came}): " + ("the sizes do not fit." if sizes else f"{error}.")
    if isinstance(error, np.exceptions.AxisError):
        return AxisError(f"{text} Axes run from -ndim to ndim - 1.")
    if isinstance(error, IndexError):
        bounds = " Indices of an axis of n entries run from -n to n - 1." if "bounds" in str(error) else ""
        return IndexingError(text + bounds)
    if isinstance(error, np.linalg.LinAlgError):
        return LinAlgError(text)
    if isinstance(error, ValueError):
        return ShapeError(text + _advice(op, [getattr(arg, "shape", None) for arg in args]))
    if isinstance(error, TypeError) or (isinstance(error, STUMBLES) and not is_users(op)):
        return DTypeError(f"{text} Expected arrays, Tensors or numbers that {name} can take.")
    error.add_note(f"while computing {name}({came})")
    return error


STUMBLES = (AttributeError, KeyError, AssertionError, ZeroDivisionError, OverflowError, StopIteration)
"""What NumPy and our rules raise when they are given what they did not expect."""


def is_users(op: Callable[..., Any] | None) -> bool:
    """Whether an op is one of the user's own, whose exceptions are handed on as they are."""
    home = getattr(op, "__module__", None) or "numpy"
    return not home.startswith(("numpy", "autograd_lite", "_operator"))


def called_from_math(frame: FrameType) -> bool:
    """Whether a frame is just now calling a function of `math` or `cmath`, such as `math.sin(x)`.

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
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FAST", "LOAD_DEREF"}:
            function = {**frame.f_builtins, **frame.f_globals, **frame.f_locals}.get(name)
        elif instruction.opname in {"LOAD_METHOD", "LOAD_ATTR"}:
            function = getattr(function, name, None)
    return getattr(function, "__module__", None) in {"math", "cmath"}


def cut(frame: FrameType | None) -> str:
    """What to write where NumPy is about to make a plain array of a Tensor; `frame` is what asked for it."""
    called = None
    while frame is not None and str(frame.f_globals.get("__name__")).split(".")[0] == "numpy":
        called, frame = frame, frame.f_back
    start = "a Tensor on the tape was about to become a plain array, which would silently cut the graph. "
    if called is None:
        return start + _CUT
    name, home = called.f_code.co_name, str(called.f_globals["__name__"]).split(".")[1]
    if name == "__getitem__":  # of np.r_ or np.c_
        columns = type(called.f_locals.get("self")).__name__ == "CClass"
        return start + f"Write np.{'stack([x, y], axis=1)' if columns else 'concatenate([x, y])'}"
    if name in ("full", "full_like"):
        return f"{start}np.{name} makes a plain array; write np.broadcast_to(x, shape)"
    name = f"np.{home}.{name}" if home in ("linalg", "fft") else f"np.{name}"
    line = f"write {name}(np.stack([x, y])) for {name}([x, y])"
    return f"{start}{name} does not look for Tensors in a list; {line}"


_CUT = (
    "To compute with it, call a NumPy function on the Tensor itself, e.g. np.stack([x, y]) in place of "
    "np.array([x, y]); to fill an array, make it a Tensor: a = ag.Tensor(a); a[i] = x; to read the "
    "values, write x.numpy() or x.detach()"
)


def _advice(op: Callable[..., Any], shapes: list[tuple[int, ...] | None]) -> str:
    """How to make the shapes fit, where that can be told."""
    name = op_name(op)
    if len(shapes) < 2 or shapes[0] is None or shapes[1] is None:
        return ""
    a, b = shapes[0], shapes[1]
    if name in {"matmul", "dot"} and a and b:
        inner = f" The last axis of the first ({a[-1]}) must equal "
        inner += f"{'the last but one' if len(b) > 1 else 'the only one'} of the second ({b[-2:][0]})."
        if len(b) > 1 and a[-1] == b[-1]:
            return f"{inner} Did you mean a @ b.mT?"
        if len(a) > 1 and a[-2] == b[-2:][0]:
            return f"{inner} Did you mean a.mT @ b?"
        return inner
    if not isinstance(op, np.ufunc):
        return ""
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        if len(a) != len(b) and a[:1] == b[:1]:
            short, axes = ("second", len(a) - len(b)) if len(a) > len(b) else ("first", len(b) - len(a))
            fix = ", ".join([":", *["None"] * axes])
            return f" Shapes line up from the right; add axes to the {short}: x[{fix}]."
        return " Shapes line up from the right: two sizes fit if they are equal or one of them is 1."
    return ""


def missing_rule(
    op: Callable[..., Any], known: Iterable[Callable[..., Any]], reason: str | None = None
) -> NotDifferentiableError:
    """The error for an op that has no derivative rule: why, if that is known, or the ops that have one."""
    name, public = op_name(op), full_name(op)
    if reason is not None:
        return NotDifferentiableError(
            f"{public} {reason}; where no gradient is wanted, call it on x.detach().numpy()"
        )
    names = sorted({op_name(other) for other in known if full_name(other).startswith("np.")})
    close = difflib.get_close_matches(name, [other for other in names if other != name], n=3, cutoff=0.75)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return NotDifferentiableError(
        f"{public} has no derivative rule.{hint} Write it with ops that have one, or give it one: "
        f"ag.defvjp({public}, lambda g, y, x: g * ...); where no gradient is wanted, call it on "
        f"x.detach().numpy(). Supported ops: {', '.join(names)}."
    )


def full_name(op: Callable[..., Any]) -> str:
    """How a user writes the op: `np.linalg.det`, or the name alone for one of the user's own."""
    module = getattr(op, "__module__", None) or "numpy"
    if isinstance(op, np.ufunc) or module.split(".")[0] == "numpy":
        return f"{module.replace('numpy', 'np', 1)}.{op_name(op)}"
    return op_name(op)


def unsupported_call(op: Callable[..., Any], what: str) -> UnsupportedError:
    """The error for ways of calling NumPy that cannot be recorded."""
    name = op_name(op)
    advice = {
        "out": f"results are new Tensors; write z = {name}(...) for {name}(..., out=z), and a = a + x for "
        "a += x of an array a",
        "where": f"to choose entries write np.where(mask, {name}(x), other), or in a reduction "
        f"{name}(np.where(mask, x, neutral))",
        "dtype": "to change a dtype write x.astype(dtype)",
        "axes": f"move the axes first: {name}(np.moveaxis(x, axis, -1), y)",
        "method": f"{name}.reduce, .accumulate, .outer and .at are not recorded; write np.sum, np.prod, "
        "np.max or np.min, broadcast with x[:, None], or index",
    }.get(what, f"its derivative rule does not know {what}")
    shown = f"a method of {name}" if what == "method" else f"{name}(..., {what}=...)"
    return UnsupportedError(f"{shown} cannot be recorded: {advice}")
