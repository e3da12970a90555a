"""The line to write in place of a call that cannot be recorded. The line gives the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from .explain import describe, full_name

__all__ = ["unsupported_call", "unsupported_method"]

Op = Callable[..., Any]

SYMBOLS = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.divide: "/",
    np.power: "**",
    np.matmul: "@",
    np.remainder: "%",
    np.floor_divide: "//",
}
"""The operator of a ufunc: NumPy calls `add(a, x, out=a)` for `a += x` on a plain array a."""

REDUCTIONS: dict[Op, Op] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}
"""The function that does the same as `ufunc.reduce`."""

RUNNING: dict[Op, Op] = {np.add: np.cumsum, np.multiply: np.cumprod}
"""The function that does the same as `ufunc.accumulate`."""

NEUTRAL: dict[Op, str] = {np.sum: "0", np.prod: "1", np.any: "False", np.all: "True"}
"""The neutral value of a reduction, which replaces the entries that `where` leaves out."""

WITHOUT_NAN = {
    np.var: "np.nanvar",  # the same numbers if x holds no NaN
    np.std: "np.nanstd",
    **{f: f"np.{f.__name__}" for f in (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd)},
    **{f: f"np.{f.__name__}" for f in (np.nanmax, np.nanmin)},
}
"""The reductions that leave NaN out."""

INITIAL: dict[Op, str] = {
    np.sum: "{} + {}",
    np.prod: "{} * {}",
    np.max: "np.maximum({}, {})",
    np.min: "np.minimum({}, {})",
}
"""How a reduction combines its result with `initial`."""

KEPT = ("order", "subok", "casting")
"""Keywords that change no number."""


def unsupported_call(
    op: Op, what: str, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
) -> UnsupportedError:
    """The error for a call that cannot be recorded because of a keyword.

    Args:
        op: the function that was called.
        what: the keyword.
        args: the arguments of the call; the advice calls the first x, the second y, ...
        kwargs: the keyword arguments, `what` among them.
    """
    return UnsupportedError(
        f"{full_name(op)}(..., {what}=...) cannot be recorded: {_instead(op, what, args, dict(kwargs or {}))}"
    )


def _instead(op: Op, what: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The advice for a call, by keyword."""
    match what:
        case "out":
            return f"results are new Tensors; write {_without_out(op, args, kwargs)}"
        case "where":
            return f"write {_without_where(op, args, kwargs)}"
        case "dtype":
            dtype = np.dtype(kwargs.pop("dtype", float)).name
            cast = [f"{name}.astype(np.{dtype})" for name in _names(args)]
            return f"to compute in another dtype write {_call(full_name(op), cast, kwargs)}"
        case "axes":
            return f"write {_without_axes(op, args, kwargs)}"
        case "initial" if op in INITIAL:
            del kwargs["initial"]
            whole = INITIAL[op].format(_call(full_name(op), _names(args), kwargs), "initial")
            return (
                f"no gradient goes to initial; write {whole}, or give a plain number: initial=initial.item()"
            )
        case _ if what in KEPT:
            return f"leave {what} out, the numbers are the same"
    return f"its derivative rule does not know {what}; write it with other ops"


def _without_out(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    out = kwargs.pop("out", None)
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    names = _names(args)
    if "where" in kwargs:  # where the mask is False, out keeps its entries
        return f"out = {_without_where(op, args, kwargs, 'out')}"
    if len(args) == 2 and args[0] is out and op in SYMBOLS:
        return f"a = a {SYMBOLS[op]} x for a {SYMBOLS[op]}= x"
    return f"out = {_call(full_name(op), names, kwargs)}, and a = a + x for a += x of an array a"


def _without_where(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any], other: str = "other") -> str:
    """The call without `where` that leaves out the same entries."""
    kwargs = {key: value for key, value in kwargs.items() if key != "where"}
    name, names = full_name(op), _names(args)
    if isinstance(op, np.ufunc):
        return f"np.where(mask, {_call(name, names, kwargs)}, {other})"
    x, rest = names[0] if names else "x", names[1:]
    if op in NEUTRAL:
        return _call(name, [f"np.where(mask, {x}, {NEUTRAL[op]})", *rest], kwargs)
    if op is np.mean:
        count = _call("np.sum", [f"np.broadcast_to(mask, {x}.shape)", *rest], kwargs)
        if getattr(args[0], "dtype", None) != np.dtype(float):  # integers would promote it to float64
            count += f".astype({x}.dtype)"
        return f"{_call('np.sum', [f'np.where(mask, {x}, 0)', *rest], kwargs)} / {count}"
    if op in WITHOUT_NAN:
        return _call(WITHOUT_NAN[op], [f"np.where(mask, {x}, np.nan)", *rest], kwargs)
    first = _shown(kwargs["initial"], iter(["initial"])) if "initial" in kwargs else "neutral"
    return _call(name, [f"np.where(mask, {x}, {first})", *rest], kwargs)


def _without_axes(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The call without `axes`: the input axes are moved to the end first, and those of the result back."""
    moved = []
    axes = [a if isinstance(a, tuple) else (a,) for a in kwargs.pop("axes", ())]
    for name, source in zip(_names(args), axes, strict=False):
        moved.append(f"np.moveaxis({name}, {source}, {tuple(range(-len(source), 0))})")
    line = _call(full_name(op), moved or _names(args), kwargs)
    if len(axes) <= len(args) or not axes[-1]:
        return line
    return f"np.moveaxis({line}, {tuple(range(-len(axes[-1]), 0))}, {axes[-1]})"


def unsupported_method(
    op: Op, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> UnsupportedError:
    """The error for `np.add.reduce`, `.accumulate`, `.reduceat`, `.outer` and `.at`.

    Args:
        op: the ufunc.
        method: its method.
        args: the arguments of the call; the advice calls the first x, the second y.
        kwargs: the keyword arguments.
    """
    if method == "at":
        line = _instead_of_at(op, *args)
    elif method == "outer":
        axes = ", ".join(["None"] * np.ndim(args[1]))
        line = _call(full_name(op), [f"x[..., {axes}]" if axes else "x", "y"], kwargs)
    else:
        line = _along_an_axis(op, method, args, dict(kwargs))
    if method == "at" and op in REDUCTIONS:
        line += f"; all entries together are {full_name(REDUCTIONS[op])}(x)"
    return UnsupportedError(f"{full_name(op)}.{method} cannot be recorded: write {line}")


def _along_an_axis(op: Op, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The line to write for reduce, accumulate and reduceat."""
    given = args[2:] if method == "reduceat" else args[1:]
    axis = kwargs.pop("axis", given[0] if given else 0)
    kwargs.pop("out", None)
    name = full_name(op)
    front = f"np.moveaxis(x, {axis}, 0)" if axis else "x"
    if method == "reduceat":
        rows = f"np.split(x, indices, axis={axis})[1:]"
        part = f"np.sum(part, axis={axis})" if op is np.add else f"{name}.reduce(part, axis={axis})"
        return f"np.stack([{part} for part in {rows}], axis={axis}), for indices that rise"
    if method == "accumulate":
        if op in RUNNING:
            return f"{full_name(RUNNING[op])}(x, axis={axis})"
        return f"np.stack(list(itertools.accumulate({front}, {name})), axis={axis})"
    if op in REDUCTIONS:
        kwargs = {"axis": axis, **kwargs}
        if kwargs.get("where", True) is not True:
            return _without_where(REDUCTIONS[op], args[:1], kwargs)
        return _call(full_name(REDUCTIONS[op]), ["x"], kwargs)
    if op is np.logaddexp:
        return _call("ag.logsumexp", ["x"], {"axis": axis, **kwargs})
    return f"functools.reduce({name}, {front})"


def _instead_of_at(op: Op, a: Any, indices: Any, *values: Any) -> str:
    """A loop, which like `at` changes an entry once for each occurrence of its index."""
    start = "a = ag.Tensor(a)" if isinstance(a, np.ndarray) else "a = x.copy()"
    several = bool(values) and np.ndim(values[0]) > 0
    name = full_name(op)
    if isinstance(indices, (slice, int, np.integer)):
        return f"{start}, then a[i] = {name}(a[i]{', y' if values else ''})"
    places = "zip(*indices)" if isinstance(indices, tuple) else "indices"
    if several:
        return f"{start}, then for i, v in zip({places}, y): a[i] = {name}(a[i], v)"
    return f"{start}, then for i in {places}: a[i] = {name}(a[i]{', y' if values else ''})"


def _names(args: tuple[Any, ...]) -> list[str]:
    """The arguments of a call as the advice writes them: letters for arrays, other values in full."""
    letters = iter("xyuvwpqrst")
    return [_shown(arg, letters) for arg in args] or ["x"]


def _shown(value: Any, letters: Iterator[str]) -> str:
    if hasattr(value, "dtype"):
        return next(letters, "...")
    if isinstance(value, (list, tuple)) and any(hasattr(item, "dtype") for item in value):
        return f"[{', '.join(_shown(item, letters) for item in value)}]"
    if isinstance(value, float) and not np.isfinite(value):
        return f"{value}".replace("inf", "np.inf").replace("nan", "np.nan")
    return describe(value)


def _call(name: str, args: list[str], kwargs: dict[str, Any]) -> str:
    options = [
        f"dtype=np.{np.dtype(value).name}" if key == "dtype" else f"{key}={_shown(value, iter([key]))}"
        for key, value in kwargs.items()
        if value is not None and value is not np._NoValue
    ]
    return f"{name}({', '.join([*args, *options])})"
