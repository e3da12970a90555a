"""Checks of options that layers, losses, optimizers and training loops share."""

from __future__ import annotations

import math
import re
import reprlib
from numbers import Integral, Real
from typing import Any

from autograd_lite.errors import OptionError

__all__ = ["as_bytes", "check_number", "check_whole", "same_kind"]


def check_whole(call: str, option: str, value: object, least: int = 1, example: int = 1) -> None:
    """Refuse an option that is not an integer, or is too small.

    Args:
        call: the function or class that got the option.
        option: the name of the option.
        value: the value that was given.
        least: the smallest valid value.
        example: a usual value; the message names it if no valid integer is near `value`.

    Raises:
        OptionError: the value is invalid; the message gives a valid one.

    Example:
        >>> check_whole("fit", "epochs", 1.5)
        Traceback (most recent call last):
        autograd_lite.errors.OptionError: fit(epochs=1.5): expected an int of at least 1, e.g. epochs=1
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        near = example
        if isinstance(value, Real) and not isinstance(value, bool) and least <= float(value) < math.inf:
            near = int(float(value))
        raise OptionError(
            f"{call}({option}={reprlib.repr(value)}): expected an int of at least {least}, "
            f"e.g. {option}={near}"
        )


def check_number(
    call: str, option: str, value: object, *, most: float = math.inf, example: float | None = None
) -> None:
    """Refuse an option that is not a number from 0 to `most`. NaN is refused too.

    Args:
        call: the function or class that got the option.
        option: the name of the option.
        value: the value that was given.
        most: the largest valid value.
        example: a usual value, for the message.

    Raises:
        OptionError: the value is invalid; the message gives the example.

    Example:
        >>> check_number("Adam", "lr", "x", example=0.001)
        Traceback (most recent call last):
        autograd_lite.errors.OptionError: Adam(lr='x'): expected a number of at least 0, e.g. lr=0.001
    """
    if not isinstance(value, Real) or not 0 <= _as_float(value) <= most:
        span = "of at least 0" if most == math.inf else f"from 0 to {most:g}"
        advice = "" if example is None else f", e.g. {option}={example:g}"
        raise OptionError(f"{call}({option}={reprlib.repr(value)}): expected a number {span}{advice}")


def as_bytes(call: str, option: str, value: object) -> int:
    """A size in bytes: an int, or a text with its unit.

    Raises:
        OptionError: the value is neither.

    Example:
        >>> as_bytes("Recorder", "memory", "1.5 MB"), as_bytes("Recorder", "memory", 4096)
        (1500000, 4096)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kMGT]?)B\s*", value) if isinstance(value, str) else None
    if found:
        return int(float(found[1]) * 1000 ** " kMGT".index(found[2] or " "))
    if isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0:
        return int(value)
    raise OptionError(
        f"{call}({option}={reprlib.repr(value)}): expected a number of bytes, "
        f'e.g. {option}="200 MB" or {option}=200_000_000'
    )


def _as_float(value: Real) -> float:
    """A number as a float; NaN for an integer beyond the range of floats."""
    try:
        return float(value)
    except OverflowError:
        return math.nan


def same_kind(here: Any, saved: Any) -> bool:
    """Whether a saved option may replace a current one: a number a number, a list one of equal length, ...

    A saved None may not replace a number or a list. Anything may replace None.

    Example:
        >>> same_kind((0.9, 0.999), (0.5, 1)), same_kind((0.9, 0.999), (0.5, "x")), same_kind(True, 1)
        (True, False, False)
    """
    if here is None:
        return True
    if isinstance(here, (list, tuple)):
        fits = isinstance(saved, (list, tuple)) and len(saved) == len(here)
        return fits and all(map(same_kind, here, saved))
    if isinstance(here, Real) and not isinstance(here, bool):
        return isinstance(saved, Real) and not isinstance(saved, bool)
    if saved is None:
        return True
    return type(here) is type(saved)
