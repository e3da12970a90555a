"""`scipy.stats` with gradients: densities and distribution functions, with respect to all arguments.

A distribution is a line of a table: its functions at loc = 0 and scale = 1. `Continuous` and `Discrete` add
loc and scale, the support, and what follows from what is there. Names that are not defined here, such as
`rvs`, are SciPy's.

>>> import numpy as np, autograd_lite as ag
>>> ag.grad(lambda df: t.logpdf(0.5, df))(3.0) == ag.grad(lambda df: t(df).logpdf(0.5))(3.0)
True
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special
from scipy import stats as _stats

from ..arrays import shape_of, unwrap
from ..errors import MissingAttributeError, ShapeError, UnsupportedError
from ..ops.special import softplus
from . import linalg

__all__ = ["Continuous", "Discrete", "dirichlet", "multivariate_normal"]

Function = Callable[..., Any]
LOG_ROOT_2_PI = 0.5 * math.log(2 * math.pi)
ROOT_2 = math.sqrt(2)
TINY = math.ulp(0.0)
"""The lower end of a support without 0."""


def __getattr__(name: str) -> Any:
    return getattr(_stats, name)


class Frozen:
    """A distribution with its arguments: `norm(0, 2).logpdf(x)` is `norm.logpdf(x, 0, 2)`."""

    def __init__(self, distribution: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._distribution, self._args, self._options = distribution, args, options

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._distribution, name)
        if name not in FIRST:
            return lambda *more, **options: function(*self._args, *more, **self._options, **options)
        return lambda x, *more: function(x, *self._args, *more, **self._options)


FIRST = frozenset("pdf logpdf pmf logpmf cdf logcdf sf logsf ppf isf".split())  # noqa: SIM905
"""The functions of a point; the others take the arguments of the distribution alone."""


class Distribution:
    """What continuous and discrete distributions share.

    Args:
        name: in `scipy.stats`.
        shapes: the names of the shape parameters.
        density: `density(z, *shapes)`, the logarithm of the density at loc = 0 and scale = 1.
        cdf: `cdf(z, *shapes)`, the distribution function.
        low, high: the ends of the support: numbers, or functions of the shape parameters.
        more: further functions of (z, *shapes): sf, logcdf, logsf, ppf.
    """

    density_name = "pdf"

    def __init__(
        self,
        name: str,
        shapes: str,
        density: Function,
        cdf: Function,
        low: float = -np.inf,
        high: Any = np.inf,
        **more: Function,
    ) -> None:
        self.name, self.shapes = name, shapes.split()
        self._density, self._cdf, self._low, self._high, self._more = density, cdf, low, high, more

    def __call__(self, *args: Any, **options: Any) -> Frozen:
        return Frozen(self, args, options)

    def __repr__(self) -> str:
        return f"<{self.name}, with gradients>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise MissingAttributeError(f"{self.name} has no attribute {name}")
        return getattr(getattr(_stats, self.name), name)

    def _standard(self, x: Any, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any, list[Any]]:
        """The standardized point, the scale, and the shape parameters, from arguments as SciPy takes them."""
        names = [*self.shapes, "loc", *(["scale"] if self.density_name == "pdf" else [])]
        given = dict(zip(names, args, strict=False)) | options
        unknown = [name for name in options if name not in names]
        missing = [name for name in self.shapes if name not in given]
        if len(args) > len(names) or unknown or missing:
            raise UnsupportedError(
                f"{self.name} takes (x, {', '.join(names)}); missing are {missing}, unknown {unknown}"
            )
        loc, scale = given.get("loc", 0.0), given.get("scale", 1.0)
        return (
            (x - loc) / scale if "scale" in given else x - loc,
            scale,
            [given[name] for name in self.shapes],
        )

    def _inside(self, z: Any, shapes: list[Any]) -> tuple[Any, Any, Any]:
        """Where z is below, and above, the support; and z, with a point inside in place of one outside."""
        high = self._high(*map(unwrap, shapes)) if callable(self._high) else self._high
        below = (unwrap(z) < self._low) | (unwrap(z) == -np.inf)
        above = (unwrap(z) > high) | (unwrap(z) == np.inf)
        inside = 0.0 if self._low == -np.inf else self._low + (0.5 if self._high == 1 else 1.0)
        return below, above, np.where(below | above, inside, z)

    def _log_density(self, x: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        z, scale, shapes = self._standard(x, args, options)
        below, above, z = self._inside(z, shapes)
        return np.where(below | above, -np.inf, self._density(z, *shapes) - np.log(scale))

    def _of_cdf(self, name: str, ends: tuple[float, float], x: Any, args: Any, options: Any) -> Any:
        """A function that has the values `ends` below and above the support."""
        z, _, shapes = self._standard(x, args, options)
        below, above, z = self._inside(z, shapes)
        return np.where(below, ends[0], np.where(above, ends[1], self._at(name, z, shapes)))

    def _at(self, name: str, z: Any, shapes: list[Any]) -> Any:
        """A function of the table, or what follows from the others."""
        if name in self._more:
            return self._more[name](z, *shapes)
        if name == "cdf":
            return self._cdf(z, *shapes)
        if name == "sf":
            return 1 - self._cdf(z, *shapes)
        this, other = ("cdf", "sf") if name == "logcdf" else ("sf", "cdf")
        value, rest = self._at(this, z, shapes), self._at(other, z, shapes)
        large = unwrap(value) > 0.5  # there its logarithm is that of 1 - rest
        return np.where(large, np.log1p(-np.where(large, rest, 0.5)), np.log(np.where(large, 1.0, value)))

    def cdf(self, x: Any, *args: Any, **options: Any) -> Any:
        """The probability of a value up to x."""
        return self._of_cdf("cdf", (0.0, 1.0), x, args, options)

    def sf(self, x: Any, *args: Any, **options: Any) -> Any:
        """The probability of a value above x."""
        return self._of_cdf("sf", (1.0, 0.0), x, args, options)

    def logcdf(self, x: Any, *args: Any, **options: Any) -> Any:
        """The logarithm of `cdf`."""
        return self._of_cdf("logcdf", (-np.inf, 0.0), x, args, options)

    def logsf(self, x: Any, *args: Any, **options: Any) -> Any:
        """The logarithm of `sf`."""
        return self._of_cdf("logsf", (0.0, -np.inf), x, args, options)


class Continuous(Distribution):
    """A distribution with a density."""

    def logpdf(self, x: Any, *args: Any, **options: Any) -> Any:
        """The logarithm of the density."""
        return self._log_density(x, args, options)

    def pdf(self, x: Any, *args: Any, **options: Any) -> Any:
        """The density."""
        return np.exp(self.logpdf(x, *args, **options))

    def ppf(self, q: Any, *args: Any, **options: Any) -> Any:
        """The quantile: the inverse of `cdf`."""
        if "ppf" not in self._more:
            raise MissingAttributeError(
                f"{self.name}.ppf has no gradient here; find the quantile with "
                "autograd_lite.scipy.optimize.root"
            )
        _, scale, shapes = self._standard(q, args, options)
        loc = options.get("loc", args[len(self.shapes)] if len(args) > len(self.shapes) else 0.0)
        return loc + scale * self._more["ppf"](q, *shapes)


class Discrete(Distribution):
    """A distribution on the integers; the logarithm of the probability at any other number is -inf."""

    density_name = "pmf"

    def logpmf(self, k: Any, *args: Any, **options: Any) -> Any:
        """The logarithm of the probability of k."""
        whole = unwrap(k) == np.floor(unwrap(k))
        return np.where(whole, self._log_density(k, args, options), -np.inf)

    def pmf(self, k: Any, *args: Any, **options: Any) -> Any:
        """The probability of k."""
        return np.exp(self.logpmf(k, *args, **options))

    def _standard(self, x: Any, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any, list[Any]]:
        z, scale, shapes = super()._standard(x, args, options)
        return np.floor(unwrap(z)), scale, shapes


# -- on the whole line -----------------------------------------------------------------------------

norm = Continuous(
    "norm", "",
    lambda z: -0.5 * z * z - LOG_ROOT_2_PI,
    special.ndtr,
    sf=lambda z: special.ndtr(-z),
    logcdf=special.log_ndtr,
    logsf=lambda z: special.log_ndtr(-z),
    ppf=special.ndtri,
)  # fmt: skip
t = Continuous(
    "t", "df",
    lambda z, df: special.gammaln(0.5 * (df + 1)) - special.gammaln(0.5 * df)
    - 0.5 * (np.log(df) + math.log(math.pi)) - 0.5 * (df + 1) * np.log1p(z * z / df),
    lambda z, df: special.stdtr(df, z),
    sf=lambda z, df: special.stdtr(df, -z),
)  # fmt: skip
cauchy = Continuous(
    "cauchy", "",
    lambda z: -np.log1p(z * z) - math.log(math.pi),
    lambda z: np.arctan2(1.0, -z) / math.pi,
    sf=lambda z: np.arctan2(1.0, z) / math.pi,
    ppf=lambda q: np.tan(math.pi * (q - 0.5)),
)  # fmt: skip
laplace = Continuous(
    "laplace", "",
    lambda z: -np.abs(z) - math.log(2),
    lambda z: np.where(unwrap(z) < 0, 0.5 * np.exp(np.minimum(z, 0)), 1 - 0.5 * np.exp(-np.maximum(z, 0))),
    sf=lambda z: np.where(unwrap(z) > 0, 0.5 * np.exp(-np.maximum(z, 0)), 1 - 0.5 * np.exp(np.minimum(z, 0))),
)  # fmt: skip
logistic = Continuous(
    "logistic", "",
    lambda z: -softplus(z) - softplus(-z),
    special.expit,
    sf=lambda z: special.expit(-z),
    logcdf=special.log_expit,
    logsf=lambda z: special.log_expit(-z),
    ppf=special.logit,
)  # fmt: skip
gumbel_r = Continuous(
    "gumbel_r", "",
    lambda z: -z - np.exp(-z),
    lambda z: np.exp(-np.exp(-z)),
    sf=lambda z: -np.expm1(-np.exp(-z)),
    logcdf=lambda z: -np.exp(-z),
    ppf=lambda q: -np.log(-np.log(q)),
)  # fmt: skip

# -- on the positive half --------------------------------------------------------------------------

expon = Continuous(
    "expon", "",
    lambda z: -z,
    lambda z: -np.expm1(-z),
    low=0.0,
    sf=lambda z: np.exp(-z),
    logsf=lambda z: -z,
    ppf=lambda q: -np.log1p(-q),
)  # fmt: skip
gamma = Continuous(
    "gamma", "a",
    lambda z, a: special.xlogy(a - 1, z) - z - special.gammaln(a),
    lambda z, a: special.gammainc(a, z),
    low=0.0,
    sf=lambda z, a: special.gammaincc(a, z),
    ppf=lambda q, a: special.gammaincinv(a, q),
)  # fmt: skip
chi2 = Continuous(
    "chi2", "df",
    lambda z, df: special.xlogy(0.5 * df - 1, 0.5 * z) - 0.5 * z - special.gammaln(0.5 * df) - math.log(2),
    lambda z, df: special.gammainc(0.5 * df, 0.5 * z),
    low=0.0,
    sf=lambda z, df: special.gammaincc(0.5 * df, 0.5 * z),
    ppf=lambda q, df: 2 * special.gammaincinv(0.5 * df, q),
)  # fmt: skip
invgamma = Continuous(
    "invgamma", "a",
    lambda z, a: -(a + 1) * np.log(z) - special.gammaln(a) - 1 / z,
    lambda z, a: special.gammaincc(a, 1 / z),
    low=TINY,
    sf=lambda z, a: special.gammainc(a, 1 / z),
)  # fmt: skip
lognorm = Continuous(
    "lognorm", "s",
    lambda z, s: -0.5 * (np.log(z) / s) ** 2 - np.log(s) - np.log(z) - LOG_ROOT_2_PI,
    lambda z, s: special.ndtr(np.log(z) / s),
    low=TINY,
    sf=lambda z, s: special.ndtr(-np.log(z) / s),
    logcdf=lambda z, s: special.log_ndtr(np.log(z) / s),
    logsf=lambda z, s: special.log_ndtr(-np.log(z) / s),
    ppf=lambda q, s: np.exp(s * special.ndtri(q)),
)  # fmt: skip
weibull_min = Continuous(
    "weibull_min", "c",
    lambda z, c: np.log(c) + special.xlogy(c - 1, z) - z**c,
    lambda z, c: -np.expm1(-(z**c)),
    low=0.0,
    sf=lambda z, c: np.exp(-(z**c)),
    logsf=lambda z, c: -(z**c),
    ppf=lambda q, c: (-np.log1p(-q)) ** (1 / c),
)  # fmt: skip
halfnorm = Continuous(
    "halfnorm", "",
    lambda z: -0.5 * z * z - LOG_ROOT_2_PI + math.log(2),
    lambda z: special.erf(z / ROOT_2),
    low=0.0,
    sf=lambda z: special.erfc(z / ROOT_2),
    ppf=lambda q: special.ndtri(0.5 + 0.5 * q),
)  # fmt: skip
pareto = Continuous(
    "pareto", "b",
    lambda z, b: np.log(b) - (b + 1) * np.log(z),
    lambda z, b: -np.expm1(-b * np.log(z)),
    low=1.0,
    sf=lambda z, b: z**-b,
    logsf=lambda z, b: -b * np.log(z),
    ppf=lambda q, b: np.exp(-np.log1p(-q) / b),
)  # fmt: skip

# -- on an interval --------------------------------------------------------------------------------

uniform = Continuous(
    "uniform", "",
    lambda z: 0 * z,
    lambda z: z,
    low=0.0,
    high=1.0,
    ppf=lambda q: q,
)  # fmt: skip
beta = Continuous(
    "beta", "a b",
    lambda z, a, b: special.xlogy(a - 1, z) + special.xlog1py(b - 1, -z) - special.betaln(a, b),
    lambda z, a, b: special.betainc(a, b, z),
    low=0.0,
    high=1.0,
    sf=lambda z, a, b: special.betainc(b, a, 1 - z),
    ppf=lambda q, a, b: special.betaincinv(a, b, q),
)  # fmt: skip

# -- on the integers -------------------------------------------------------------------------------

bernoulli = Discrete(
    "bernoulli", "p",
    lambda k, p: special.xlogy(k, p) + special.xlog1py(1 - k, -p),
    lambda k, p: np.where(k < 1, 1 - p, 1.0),
    low=0.0,
    high=1.0,
)  # fmt: skip
binom = Discrete(
    "binom", "n p",
    lambda k, n, p: -special.betaln(1 + k, 1 + n - k) - np.log1p(n) + special.xlogy(k, p)
    + special.xlog1py(n - k, -p),
    lambda k, n, p: np.where(k >= n, 1.0, special.betainc(np.maximum(n - k, 0.5), k + 1, 1 - p)),
    low=0.0,
    high=lambda n, p: n,
)  # fmt: skip
geom = Discrete(
    "geom", "p",
    lambda k, p: np.log(p) + special.xlog1py(k - 1, -p),
    lambda k, p: -np.expm1(k * np.log1p(-p)),
    low=1.0,
    sf=lambda k, p: np.exp(k * np.log1p(-p)),
    logsf=lambda k, p: k * np.log1p(-p),
)  # fmt: skip
nbinom = Discrete(
    "nbinom", "n p",
    lambda k, n, p: special.gammaln(k + n) - special.gammaln(k + 1) - special.gammaln(n) + n * np.log(p)
    + special.xlog1py(k, -p),
    lambda k, n, p: special.betainc(n, k + 1, p),
    low=0.0,
    sf=lambda k, n, p: special.betainc(k + 1, n, 1 - p),
)  # fmt: skip
poisson = Discrete(
    "poisson", "mu",
    lambda k, mu: special.xlogy(k, mu) - mu - special.gammaln(k + 1),
    lambda k, mu: special.gammaincc(k + 1, mu),
    low=0.0,
    sf=lambda k, mu: special.gammainc(k + 1, mu),
)  # fmt: skip

__all__ += [name for name, value in vars().copy().items() if isinstance(value, Distribution)]

# -- of several variables --------------------------------------------------------------------------


class _Joint:
    """A distribution of several variables: `logpdf`, `pdf`, and SciPy's other functions."""

    def __init__(self, name: str, logpdf: Function) -> None:
        self.name, self.logpdf = name, logpdf

    def pdf(self, x: Any, *args: Any, **options: Any) -> Any:
        return np.exp(self.logpdf(x, *args, **options))

    def __call__(self, *args: Any, **options: Any) -> Frozen:
        return Frozen(self, args, options)

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(_stats, self.name), name)


def _multivariate_normal(x: Any, mean: Any = 0.0, cov: Any = 1.0, allow_singular: bool = False) -> Any:
    """The logarithm of the density of the normal distribution of several variables.

    Args:
        x: points, (..., d).
        mean: (d,), or a number.
        cov: the covariance matrix (d, d), its diagonal (d,), or a number.

    Returns:
        An array of shape (...).
    """
    gap = x - mean
    d = max(shape_of(cov)[-1] if shape_of(cov) else 1, shape_of(mean)[-1] if shape_of(mean) else 1)
    gap = gap[..., None] if d == 1 and (not shape_of(gap) or shape_of(gap)[-1] != 1) else gap
    if len(shape_of(cov)) < 2:
        cov = np.eye(d) * cov
    factor = np.linalg.cholesky(cov)
    white = linalg.solve_triangular(factor, np.reshape(gap, (-1, d)).T, lower=True)
    distance = np.reshape(np.sum(white * white, 0), shape_of(gap)[:-1])
    return -0.5 * distance - np.sum(np.log(np.diagonal(factor))) - d * LOG_ROOT_2_PI


def _dirichlet(x: Any, alpha: Any) -> Any:
    """The logarithm of the density of the Dirichlet distribution.

    Args:
        x: (k,) or (k, n), each column adds up to 1; or (k - 1, ...), without the last entry.
        alpha: (k,).
    """
    k, rows = shape_of(alpha)[0], shape_of(x)[0]
    if rows == k - 1:
        x = np.concatenate([x, 1 - np.sum(x, 0, keepdims=True)], 0)
    elif rows != k:
        raise ShapeError(
            f"dirichlet.logpdf(x, alpha): x has {rows} rows; expected {k}, or {k - 1} without the last"
        )
    powers = np.reshape(alpha - 1, (k, *[1] * (len(shape_of(x)) - 1)))
    return (
        special.gammaln(np.sum(alpha)) - np.sum(special.gammaln(alpha)) + np.sum(special.xlogy(powers, x), 0)
    )


multivariate_normal = _Joint("multivariate_normal", _multivariate_normal)
dirichlet = _Joint("dirichlet", _dirichlet)
