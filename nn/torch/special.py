"""`torch.special`: functions of mathematics. Those that NumPy lacks need SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .dtypes import inexact
from .functions import FUNCTIONS
from .functions.pointwise import of_scipy, scipys
from .functions.registry import entry

_TABLE: dict[str, Callable[..., Any]] = {}

erf, erfc, exp2, expm1, log1p = (FUNCTIONS[name] for name in ("erf", "erfc", "exp2", "expm1", "log1p"))
sinc, xlogy, logit, logsumexp = (FUNCTIONS[name] for name in ("sinc", "xlogy", "logit", "logsumexp"))
softmax, log_softmax, expit = (FUNCTIONS[name] for name in ("softmax", "log_softmax", "sigmoid"))
digamma = psi = FUNCTIONS["digamma"]
gammaln, erfinv, i0 = FUNCTIONS["lgamma"], FUNCTIONS["erfinv"], FUNCTIONS["i0"]
round = FUNCTIONS["round"]


def _entry(function: Callable[..., Any]) -> Callable[..., Any]:
    return entry(function, table=_TABLE)


def _scipy(name: str, theirs: str | None = None) -> Callable[..., Any]:
    return entry(of_scipy(theirs or name, f"special.{name}"), name=name, table=_TABLE)


i0e, i1, i1e, ndtr, ndtri, log_ndtr = map(_scipy, ("i0e", "i1", "i1e", "ndtr", "ndtri", "log_ndtr"))
bessel_j0, bessel_j1 = _scipy("bessel_j0", "j0"), _scipy("bessel_j1", "j1")
bessel_y0, bessel_y1 = _scipy("bessel_y0", "y0"), _scipy("bessel_y1", "y1")
erfcx = _scipy("erfcx")


def _pair(name: str) -> Callable[..., Any]:
    def function(input: Any, other: Any) -> Any:
        return scipys(name, f"special.{name}")(inexact(input), inexact(other))

    function.__doc__ = f"`scipy.special.{name}` of each pair of entries; SciPy must be installed."
    return entry(function, name=name, table=_TABLE)


gammainc, gammaincc, zeta, xlog1py = map(_pair, ("gammainc", "gammaincc", "zeta", "xlog1py"))


@_entry
def entr(input: Any) -> Any:
    """-x log(x), which is 0 at 0 and -inf below."""
    x = inexact(input)
    safe = np.where(x > 0, x, 1.0)
    return np.where(x > 0, -x * np.log(safe), np.where(x == 0, 0.0, -np.inf)).astype(x.dtype)


multigammaln, polygamma = FUNCTIONS["mvlgamma"], FUNCTIONS["polygamma"]
