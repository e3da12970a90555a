"""How PyTorch prints Tensors: four digits, entries of one width, the dtype where it is not the default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.arrays import on_host, to_host

from .dtypes import get_default_dtype, of

__all__ = ["set_printoptions", "text_of"]

_options: dict[str, Any] = {
    "precision": 4,
    "threshold": 1000,
    "edgeitems": 3,
    "linewidth": 80,
    "sci_mode": None,
}


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how Tensors are printed.

    Args:
        precision: the number of digits after the point.
        threshold: print a part of the entries if there are more than this.
        edgeitems: the number of entries at each end of an axis in such a part.
        linewidth: the number of characters in a line.
        profile: "default", "short" (two digits) or "full" (all entries).
        sci_mode: print with exponents: always, never, or None where numbers differ much.
    """
    profiles: dict[Any, dict[str, Any]] = {
        "default": {"precision": 4, "threshold": 1000},
        "short": {"precision": 2, "threshold": 1000},
        "full": {"precision": 4, "threshold": float("inf")},
    }
    _options.update(profiles.get(profile, {}))
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update({key: value for key, value in given.items() if value is not None}, sci_mode=sci_mode)


def _formats(numbers: Any) -> Callable[[Any], str]:
    """The function that prints one real number, given all that are printed."""
    sizes = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)].astype(float))
    digits, whole = _options["precision"], not np.any(sizes != np.ceil(sizes))
    large = sizes.size > 0 and (sizes.max() / sizes.min() > 1000 or sizes.max() > 1e8)
    if (large or (not whole and sizes.size > 0 and sizes.min() < 1e-4)) and _options["sci_mode"] is not False:
        scientific = True
    else:
        scientific = bool(_options["sci_mode"])

    def shown(x: Any) -> str:
        if scientific:
            return f"{float(x):.{digits}e}"
        text = f"{float(x):.0f}." if whole else f"{float(x):.{digits}f}"
        return text if np.isfinite(x) else text.rstrip(".")

    return shown


def _complex(numbers: Any) -> Callable[[Any], str]:
    real, imag = _formats(numbers.real), _formats(numbers.imag)
    return lambda z: f"{real(z.real)}{'' if imag(z.imag).startswith('-') else '+'}{imag(z.imag)}j"


def _entries(array: Any, prefix: str) -> str:
    """The entries in brackets; a long Tensor shows the ends of its axes."""
    edge = _options["edgeitems"]
    part = array
    if array.size > _options["threshold"]:
        for axis, n in enumerate(array.shape):
            if n > 2 * edge:
                part = np.take(part, [*range(edge), *range(n - edge, n)], axis)
    kind = array.dtype.kind
    one: Callable[[Any], str] = str
    if kind in "fc":
        one = (_formats if kind == "f" else _complex)(part)
    finite = part[np.isfinite(part) & (part != 0)] if kind == "f" else part  # the others set no width
    width = max((len(one(x)) for x in finite.flat), default=0) if array.ndim else 0
    text = np.array2string(
        array,
        separator=", ",
        prefix=prefix,
        threshold=_options["threshold"] if array.size > _options["threshold"] else array.size + 1,
        edgeitems=edge,
        max_line_width=_options["linewidth"],
        formatter={"all": lambda x: one(x).rjust(width)},
    )
    return text.replace(", ..., ", ",  ..., ")


def text_of(x: Any) -> str:
    """The `repr` of a Tensor."""
    if not on_host(x._data):
        return f"tensor({x._data!r})"
    array, kind = to_host(x._data), x._data.dtype
    array = np.asarray(array)
    parts = [_entries(array, "tensor(") if array.size else "[]"]
    if not array.size and array.shape != (0,):
        parts.append(f"size={tuple(array.shape)}")
    default = get_default_dtype()
    obvious = [default, default.to_complex(), *(["int64", "bool"] if array.size else [])]
    if kind not in obvious:
        parts.append(f"dtype={of(kind)!r}")
    if x.node is not None:
        parts.append("requires_grad=True" if x.is_leaf else f"grad_fn=<{_step(x)}>")
    return f"tensor({', '.join(parts)})"


def _step(x: Any) -> str:
    """The name of the step that computed a Tensor."""
    op = x.node.op
    return str(getattr(op, "__name__", type(op).__name__))
