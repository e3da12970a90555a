"""The texts of errors from NumPy: its own message, the shapes of the arguments, and the repair."""

from __future__ import annotations

import difflib
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..errors import (
    AutogradLiteError,
    AxisError,
    DTypeError,
    IndexingError,
    LinAlgError,
    NotDifferentiableError,
    ShapeError,
)
from ..node import op_name

__all__ = [
    "STUMBLES",
    "describe",
    "explain",
    "full_name",
    "how_many",
    "is_users",
    "missing_rule",
]


def describe(value: Any) -> str:
    """An argument in an error message: `float64 (2, 3)` for an array, the value for a short one.

    >>> import numpy as np
    >>> describe(np.zeros((2, 3))), describe(1.5), describe([1, 2])
    ('float64 (2, 3)', '1.5', '[1, 2]')
    """
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        dtype = getattr(value.dtype, "dtype", value.dtype)  # a subclass of Tensor may have dtypes of its own
        return f"{dtype} {tuple(value.shape) if isinstance(value.shape, tuple) else value.shape}"
    text = repr(value)
    return text if len(text) <= 40 else f"{type(value).__name__} {text[:30]}..."


def how_many(items: Any) -> str:
    """The number of items of a tuple or list, as text; another object is described."""
    return str(len(items)) if isinstance(items, (tuple, list)) else f"{describe(items)} for the tuple of"


def explain(
    op: Callable[..., Any], args: Iterable[Any], error: Exception, kwargs: Mapping[str, Any] | None = None
) -> Exception:
    """The library's error for an exception that NumPy raised inside of `op(*args, **kwargs)`."""
    if isinstance(error, AutogradLiteError):
        return error
    args = tuple(args)
    name = op_name(op)
    kwargs = {key: value for key, value in (kwargs or {}).items() if value is not None and value is not False}
    options = [f"{key}={describe(value)}" for key, value in kwargs.items() if value is not np._NoValue]
    came = ", ".join([*map(describe, args), *options])
    text = f"{name}({came}): {_said(op, args, kwargs, error)}"
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


def _said(op: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], error: Exception) -> str:
    """NumPy's message, with shapes as the user writes them: (2, 3) for (2,3), and -1 as given."""
    if op is np.matmul and isinstance(error, ValueError):
        return "the sizes do not fit."
    text, shape = str(error), kwargs.get("shape", kwargs.get("newshape"))  # the name in NumPy 2.0
    if op is np.reshape and "into shape" in text:
        return f"cannot reshape array of size {args[0].size} into shape {shape}.{_near(args[0].size, shape)}"
    if op is np.broadcast_to and "broadcast" in text:
        return f"shape {np.shape(args[0])} cannot be broadcast to {shape}."
    return re.sub(r"(?<=\d),(?=\d)", ", ", text).rstrip(" .") + "."


def _near(size: int, shape: Any) -> str:
    """Suggest a shape with `size` entries that differs from `shape` in the first length only."""
    rest = math.prod(shape[1:]) if isinstance(shape, (tuple, list)) and -1 not in shape else 0
    if not rest or size % rest or len(shape) < 2:
        return ""
    return f" Did you mean {(-1, *shape[1:])}, which is {(size // rest, *shape[1:])}?"


STUMBLES = (AttributeError, KeyError, AssertionError, ZeroDivisionError, OverflowError, StopIteration)
"""The exceptions that NumPy and our rules raise for arguments that they did not expect."""


def is_users(op: Callable[..., Any] | None) -> bool:
    """Whether an op is the user's own, or runs the user's code; then its exceptions are not translated."""
    home = getattr(op, "__module__", None) or "numpy"
    return hasattr(op, "runs_users_code") or not home.startswith(("numpy", "autograd_lite", "_operator"))


def _advice(op: Callable[..., Any], shapes: list[tuple[int, ...] | None]) -> str:
    """How to make the shapes fit, if that is known."""
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
    """The error for an op without a derivative rule: the reason if one is known, else the supported ops."""
    name, public = op_name(op), full_name(op)
    if reason is not None:
        return NotDifferentiableError(
            f"{public} {reason}; where no gradient is wanted, call it on x.detach().numpy()"
        )
    names = sorted({op_name(other) for other in list(known) if full_name(other).startswith("np.")})
    close = difflib.get_close_matches(name, [other for other in names if other != name], n=3, cutoff=0.75)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return NotDifferentiableError(
        f"{public} has no derivative rule.{hint} Write it with ops that have one, or give it one: "
        f"ag.defvjp({public}, lambda g, y, x: g * ...); where no gradient is wanted, call it on "
        f"x.detach().numpy(). Supported ops: {', '.join(names)}."
    )


def full_name(op: Callable[..., Any]) -> str:
    """An op as a user writes it: `np.linalg.det`, `scipy.special.erf`, `ag.softmax`; a user's op by its name.

    A ufunc does not know its module, so this function looks for it.
    """
    name, module = op_name(op), getattr(op, "__module__", None)
    if isinstance(op, np.ufunc):
        homes = (home for home in _HOMES_OF_UFUNCS if vars(sys.modules.get(home, np)).get(name) is op)
        module = next(homes, None)
    written = {"numpy": "np", "autograd_lite": "ag", "scipy": "scipy"}.get((module or "").partition(".")[0])
    if written is None:
        return name
    parts = (module or "").split(".")[1:] if written != "ag" else []
    return ".".join([written, *(part for part in parts if not part.startswith("_")), name])


_HOMES_OF_UFUNCS = ("numpy", "scipy.special")
"""The modules that define ufuncs; they are searched only if imported."""
