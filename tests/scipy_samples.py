"""The table of inputs for the functions of `scipy.special`, and for the ops that compute their derivatives.

Importing this file imports SciPy and loads the table of rules. `tests/samples.py` takes the samples in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

import autograd_lite  # noqa: F401  (the rules stand on its own)
from autograd_lite.ops.scipy_special import TABLE
from autograd_lite.ops.scipy_special.orders import hankel_part, modified_i, modified_k
from autograd_lite.ops.scipy_special.shapes import (
    beta_density,
    betainc_by_shapes,
    gamma_density,
    gammainc_by_shape,
    log_gap,
    zeta_by_exponent,
)
from autograd_lite.ops.scipy_special.slopes import (
    erfcinv_slope,
    erfcx_integral,
    erfinv_slope,
    log_ratio,
    logit_slope,
    mills,
    mills_gap,
    ndtri_slope,
    polygamma,
    polygamma_gap,
    times_normal,
)

REAL = np.array([-1.7, 0.6, 2.3])
LEFT = np.array([-2.4, -0.7, -0.2])
UNIT = np.array([0.12, 0.47, 0.93])
ROW = np.array([0.7, 1.6, 3.1])
SHAPE = np.array([[2.4], [0.6]])


def of(names: str, x: Any) -> dict[Callable[..., Any], list[tuple[Any, ...]]]:
    """The functions of these names, all with the same argument."""
    return {getattr(special, name): [(x,)] for name in names.split()}


SPECIAL: dict[Callable[..., Any], list[tuple[Any, ...]]] = {
    # -- of one argument ---------------------------------------------------------------------------
    **of("expm1 exp2 exp10 cbrt expit log_expit erf erfc erfcx ndtr log_ndtr expi", REAL),
    **of("gamma rgamma gammaln psi j0 j1 i0 i1 i0e i1e", REAL),
    **of("log1p entr loggamma exp1 y0 y1 k0 k1 k0e k1e", ROW),
    **of("logit erfinv erfcinv ndtri", UNIT),
    special.ndtri_exp: [(LEFT,)],
    special._ufuncs._riemann_zeta: [(ROW + 1.2,)],
    # -- of several --------------------------------------------------------------------------------
    special.xlogy: [(REAL, ROW), (SHAPE, ROW)],
    special.xlog1py: [(REAL, ROW), (SHAPE, ROW)],
    special.rel_entr: [(SHAPE, ROW)],
    special.kl_div: [(SHAPE, ROW)],
    special.beta: [(SHAPE, ROW)],
    special.betaln: [(SHAPE, ROW)],
    special._ufuncs._zeta: [(SHAPE + 1.2, ROW)],
    special.gammainc: [(SHAPE, ROW), (0.7, 0.3)],
    special.gammaincc: [(SHAPE, ROW)],
    special.gammaincinv: [(SHAPE, UNIT)],
    special.gammainccinv: [(SHAPE, UNIT)],
    special.betainc: [(SHAPE, ROW, UNIT), (0.7, 0.9, 0.4)],
    special.betaincinv: [(SHAPE, ROW, UNIT)],
    special.stdtr: [(SHAPE, REAL)],
    special.jv: [(SHAPE, ROW)],
    special.yv: [(SHAPE, ROW)],
    special.iv: [(SHAPE, ROW)],
    special.ive: [(SHAPE, ROW)],
    special.kv: [(SHAPE, ROW)],
    special.kve: [(SHAPE, ROW)],
    special.yn: [(2, ROW)],
    special.kn: [(2, ROW)],
    # -- derivatives that are ops ------------------------------------------------------------------
    times_normal: [(SHAPE, REAL)],
    erfcx_integral: [(REAL, 1), (ROW, 2)],
    erfinv_slope: [(UNIT - 0.4,)],
    erfcinv_slope: [(UNIT,)],
    ndtri_slope: [(UNIT,)],
    logit_slope: [(UNIT,)],
    mills: [(REAL,)],
    mills_gap: [(REAL,)],
    log_ratio: [(SHAPE, ROW, 0), (SHAPE, ROW, 1)],
    polygamma: [(1, REAL), (2, ROW), (3, ROW)],
    polygamma_gap: [(SHAPE, ROW, 0), (SHAPE, ROW, 1)],
    gamma_density: [(SHAPE, ROW)],
    log_gap: [(SHAPE, ROW)],
    gammainc_by_shape: [(SHAPE, ROW, 1)],
    beta_density: [(SHAPE, ROW, UNIT)],
    betainc_by_shapes: [(SHAPE, ROW, UNIT, 1, 0), (SHAPE, ROW, UNIT, 0, 1)],
    zeta_by_exponent: [(SHAPE + 1.2, ROW, 1)],
    hankel_part: [(SHAPE, ROW, 1, 0, 0), (SHAPE, ROW, 1, 0, 1)],
    modified_i: [(SHAPE, ROW, 1, 0, 0), (SHAPE, ROW, 0, 1, 1)],
    modified_k: [(SHAPE, ROW, 1, 0, 0), (SHAPE, ROW, 0, 1, 1)],
}  # fmt: skip

for name in TABLE.keys() & {"betaincc"}:  # in newer SciPy
    SPECIAL[getattr(special, name)] = [(SHAPE, ROW, UNIT)]

QUICK = {special.gammainc, special.jv, special.erfinv, special.xlogy, special.i0e, polygamma, beta_density}
"""The ops whose samples the quick tests try; those of the others are slow."""
