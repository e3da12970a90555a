"""What options of several layers, loaders and loops have in common."""

from __future__ import annotations

import math

import numpy as np

from autograd_lite.errors import OptionError

__all__ = ["check_whole"]


def check_whole(caller: str, name: str, value: object, least: int) -> None:
    """Refuse an option that is not a whole number of at least `least`.

    Raises:
        OptionError: names the caller, the option, and what was expected.

    Example:
        >>> check_whole("fit", "epochs", 1.5, least=1)
        Traceback (most recent call last):
        autograd_lite.errors.OptionError: fit(epochs=1.5): expected an int of at least 1; write epochs=2
    """
    if isinstance(value, (int, np.integer)) and value >= least:
        return
    whole = isinstance(value, float) and math.isfinite(value)
    repair = f"; write {name}={max(least, round(value))}" if whole else ""  # type: ignore[call-overload]
    raise OptionError(f"{caller}({name}={value!r}): expected an int of at least {least}{repair}")
