"""The functions of `scipy.special`: a table of derivatives, as `elementwise.py` has for NumPy's functions.

They are ufuncs, so that NumPy hands us their calls: `scipy.special.gamma(x)` of a Tensor is recorded as
`np.exp(x)` is. This table is loaded when the first such call arrives; by then SciPy has been imported.

All arguments have derivatives, shape parameters too: `gammainc(a, x)` by a, `betainc(a, b, x)` by a and b,
Bessel functions by their order. What needs more than a line stands in `slopes`, `shapes` and `orders`.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from scipy import special

from ...arrays import unwrap
from ...errors import DTypeError
from ...known import Rule, defvjp, known
from ..elementwise import LOG2_E
from ..slopes import bessel_i, cbrt_slope, logistic_slope, ratio, times_gauss
from .orders import hankel_part, modified_i, modified_k
from .shapes import (
    beta_density,
    betainc_by_shapes,
    gamma_density,
    gammainc_by_shape,
    zeta_by_exponent,
)
from .slopes import (
    erfcinv_slope,
    erfcx_integral,
    erfinv_slope,
    log_ratio,
    logit_slope,
    mills,
    ndtri_slope,
    polygamma,
    polygamma_gap,
    times_normal,
)

__all__ = ["TABLE"]

TABLE: dict[str, Rule] = {}
"""The rules by the names of their ufuncs."""


def rule(name: str, *vjps: Any) -> None:
    """Give a function of `scipy.special` its derivatives, unless SciPy is too old for it or a user has."""
    op = getattr(special, name, None) or getattr(special._ufuncs, name, None)
    if isinstance(op, np.ufunc) and op not in known:
        defvjp(op, *(vjp if name in COMPLEX else vjp and of_reals(name, vjp) for vjp in vjps))
        TABLE[name] = known[op]


def of_reals(name: str, vjp: Any) -> Any:
    """A rule that refuses complex numbers: its formula holds for real ones only."""

    @functools.wraps(vjp)
    def checked(g: Any, y: Any, *args: Any) -> Any:
        if any(getattr(x, "dtype", REAL).kind == "c" for x in args):
            raise DTypeError(
                f"scipy.special.{name} of complex numbers has no derivative here; for real numbers write "
                f"{name}(z.real)"
            )
        return vjp(g, y, *args)

    return checked


REAL = np.dtype(float)
COMPLEX = frozenset("expm1 log1p gamma rgamma loggamma exp1 expi jv yv iv kv".split())  # noqa: SIM905
"""Functions whose rules hold for complex numbers too, Bessel functions' for a complex argument."""


ROOT_PI = math.sqrt(math.pi)
LN10 = math.log(10)

# -- exponentials and logarithms -------------------------------------------------------------------

rule("expm1", lambda g, y, x: g * np.exp(x))
rule("exp2", lambda g, y, x: g * y / LOG2_E)
rule("exp10", lambda g, y, x: g * y * LN10)
rule("log1p", lambda g, y, x: g / (1 + x))
rule("cbrt", lambda g, y, x: g * cbrt_slope(x))
rule("expit", lambda g, y, x: g * logistic_slope(x))
rule("log_expit", lambda g, y, x: g * special.expit(-x))
rule("logit", lambda g, y, x: g * logit_slope(x))


def _counted(x: Any, y: Any, instead: float) -> Any:
    """y, but where x = y = 0, another number: there the function is 0 for every y, by convention also its
    slope."""
    return np.where((unwrap(x) == 0) & (unwrap(y) == 0), instead, y)


rule(
    "xlogy",
    lambda g, y, a, b: g * np.log(_counted(a, b, 1.0)),
    lambda g, y, a, b: g * ratio(a, _counted(a, b, 1.0), 1),
)
rule(
    "xlog1py",
    lambda g, y, a, b: g * np.where((unwrap(a) == 0) & (unwrap(b) == -1), 0.0, np.log1p(b)),
    lambda g, y, a, b: g * ratio(a, _counted(a, 1 + b, 1.0), 1),
)
rule("entr", lambda g, y, x: -g * log_ratio(x, 1.0, 1))
rule("rel_entr", lambda g, y, a, b: g * log_ratio(a, b, 1), lambda g, y, a, b: -g * ratio(a, b, 1))
rule("kl_div", lambda g, y, a, b: g * log_ratio(a, b, 0), lambda g, y, a, b: g * ((b - a) / b))

# -- the error function and the normal distribution ------------------------------------------------

rule("erf", lambda g, y, x: times_gauss(2 / ROOT_PI * g, x))
rule("erfc", lambda g, y, x: times_gauss(-2 / ROOT_PI * g, x))
rule("erfcx", lambda g, y, x: g * (-2 * erfcx_integral(x, 1)))
rule("erfinv", lambda g, y, x: g * erfinv_slope(x))
rule("erfcinv", lambda g, y, x: g * erfcinv_slope(x))
rule("ndtr", lambda g, y, x: times_normal(g / math.sqrt(2 * math.pi), x))
rule("log_ndtr", lambda g, y, x: g * mills(x))
rule("ndtri", lambda g, y, x: g * ndtri_slope(x))
rule("ndtri_exp", lambda g, y, x: g / mills(y))
rule("exp1", lambda g, y, x: -g * np.exp(-x) / x)
rule("expi", lambda g, y, x: g * np.exp(x) / x)

# -- gamma and beta functions ----------------------------------------------------------------------

rule("gamma", lambda g, y, x: g * (y * special.psi(x)))
rule("rgamma", lambda g, y, x: g * (-y * special.psi(x)))
rule("gammaln", lambda g, y, x: g * special.psi(x))
rule("loggamma", lambda g, y, x: g * special.psi(x))
rule("psi", lambda g, y, x: g * polygamma(1, x))
rule(
    "beta",
    lambda g, y, a, b: g * (-y * polygamma_gap(a, b, 0)),
    lambda g, y, a, b: g * (-y * polygamma_gap(b, a, 0)),
)
rule(
    "betaln",
    lambda g, y, a, b: -g * polygamma_gap(a, b, 0),
    lambda g, y, a, b: -g * polygamma_gap(b, a, 0),
)
rule("_riemann_zeta", lambda g, y, s: g * zeta_by_exponent(s, 1.0, 1))
rule(
    "_zeta",
    lambda g, y, s, q: g * zeta_by_exponent(s, q, 1),
    lambda g, y, s, q: g * (-s * special.zeta(s + 1, q)),
)

# -- incomplete gamma and beta functions, and their inverses ---------------------------------------

rule(
    "gammainc",
    lambda g, y, a, x: g * gammainc_by_shape(a, x, 1),
    lambda g, y, a, x: g * gamma_density(a, x),
)
rule(
    "gammaincc",
    lambda g, y, a, x: -g * gammainc_by_shape(a, x, 1),
    lambda g, y, a, x: -g * gamma_density(a, x),
)
rule(
    "gammaincinv",
    lambda g, y, a, p: -g * gammainc_by_shape(a, y, 1) / gamma_density(a, y),
    lambda g, y, a, p: g / gamma_density(a, y),
)
rule(
    "gammainccinv",
    lambda g, y, a, p: -g * gammainc_by_shape(a, y, 1) / gamma_density(a, y),
    lambda g, y, a, p: -g / gamma_density(a, y),
)
rule(
    "betainc",
    lambda g, y, a, b, x: g * betainc_by_shapes(a, b, x, 1, 0),
    lambda g, y, a, b, x: g * betainc_by_shapes(a, b, x, 0, 1),
    lambda g, y, a, b, x: g * beta_density(a, b, x),
)
rule(
    "betaincc",
    lambda g, y, a, b, x: -g * betainc_by_shapes(a, b, x, 1, 0),
    lambda g, y, a, b, x: -g * betainc_by_shapes(a, b, x, 0, 1),
    lambda g, y, a, b, x: -g * beta_density(a, b, x),
)
rule(
    "betaincinv",
    lambda g, y, a, b, p: -g * betainc_by_shapes(a, b, y, 1, 0) / beta_density(a, b, y),
    lambda g, y, a, b, p: -g * betainc_by_shapes(a, b, y, 0, 1) / beta_density(a, b, y),
    lambda g, y, a, b, p: g / beta_density(a, b, y),
)


def _stdtr_by_df(g: Any, y: Any, df: Any, t: Any) -> Any:
    """Student's t distribution is an incomplete beta function of t^2 / (df + t^2), or of the rest to 1."""
    square = t * t
    total = df + square
    none = (unwrap(square) == 0) | np.isinf(unwrap(square))
    small = np.where(none, 0.5, square / total)
    near = 0.5 * betainc_by_shapes(0.5, 0.5 * df, small, 0, 1)
    near = near - beta_density(0.5, 0.5 * df, small) * square / total**2
    rest = np.where(none, 0.5, df / total)
    far = -0.5 * betainc_by_shapes(0.5 * df, 0.5, rest, 1, 0)
    far = far - beta_density(0.5 * df, 0.5, rest) * square / total**2
    slope = np.where(unwrap(square) < unwrap(df), near, far)
    return g * (0.5 * np.sign(unwrap(t)) * np.where(none, 0.0, slope))


rule(
    "stdtr",
    _stdtr_by_df,
    lambda g, y, df, t: (
        g * (np.exp(-0.5 * (df + 1) * np.log1p(t * t / df)) / (np.sqrt(df) * special.beta(0.5, 0.5 * df)))
    ),
)

# -- Bessel functions: by the argument from the neighbouring orders, by the order in orders.py -----

rule("j0", lambda g, y, x: -g * special.j1(x))
rule("j1", lambda g, y, x: g * (0.5 * (special.j0(x) - special.jv(2.0, x))))
rule("y0", lambda g, y, x: -g * special.y1(x))
rule("y1", lambda g, y, x: g * (0.5 * (special.y0(x) - special.yv(2.0, x))))
rule(
    "jv",
    lambda g, y, v, x: g * hankel_part(v, x, 1, 0, 0),
    lambda g, y, v, x: g * (0.5 * (special.jv(v - 1, x) - special.jv(v + 1, x))),
)
rule(
    "yv",
    lambda g, y, v, x: g * hankel_part(v, x, 1, 0, 1),
    lambda g, y, v, x: g * (0.5 * (special.yv(v - 1, x) - special.yv(v + 1, x))),
)
rule("yn", None, lambda g, y, n, x: g * (0.5 * (special.yv(n - 1.0, x) - special.yv(n + 1.0, x))))
rule("i0", lambda g, y, x: g * (x * bessel_i(x, 1)))
rule("i1", lambda g, y, x: g * (bessel_i(x, 1) + x * x * bessel_i(x, 2)))
rule("i0e", lambda g, y, x: g * np.sign(unwrap(x)) * modified_i(0.0, np.abs(x), 0, 1, 1))
rule("i1e", lambda g, y, x: g * modified_i(1.0, np.abs(x), 0, 1, 1))
rule(
    "iv",
    lambda g, y, v, x: g * modified_i(v, x, 1, 0, 0),
    lambda g, y, v, x: g * (0.5 * (special.iv(v - 1, x) + special.iv(v + 1, x))),
)
rule(
    "ive",
    lambda g, y, v, x: g * modified_i(v, x, 1, 0, 1),
    lambda g, y, v, x: g * modified_i(v, x, 0, 1, 1),
)
rule("k0", lambda g, y, x: -g * special.k1(x))
rule("k1", lambda g, y, x: -g * (0.5 * (special.k0(x) + special.kv(2.0, x))))
rule("k0e", lambda g, y, x: g * modified_k(0.0, x, 0, 1, 1))
rule("k1e", lambda g, y, x: g * modified_k(1.0, x, 0, 1, 1))
rule(
    "kv",
    lambda g, y, v, x: g * modified_k(v, x, 1, 0, 0),
    lambda g, y, v, x: -g * (0.5 * (special.kv(v - 1, x) + special.kv(v + 1, x))),
)
rule(
    "kve",
    lambda g, y, v, x: g * modified_k(v, x, 1, 0, 1),
    lambda g, y, v, x: g * modified_k(v, x, 0, 1, 1),
)
rule("kn", None, lambda g, y, n, x: -g * (0.5 * (special.kv(n - 1.0, x) + special.kv(n + 1.0, x))))
