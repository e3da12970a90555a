"""Derivatives of the functions of `scipy.special` against mpmath, by every argument, of first and second
order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd_lite as ag
from autograd_lite.errors import DTypeError
from autograd_lite.testing import check_grads

special = pytest.importorskip("scipy.special", reason="SciPy is not installed")

EPS = 2.0**-52

Points = Callable[[Any, int], tuple[Any, ...]]


def logs(low: float, high: float, *more: tuple[float, float]) -> Points:
    """Positive numbers, evenly in the logarithm, for each argument."""

    def draw(rng: Any, n: int) -> tuple[Any, ...]:
        return tuple(np.exp(rng.uniform(np.log(a), np.log(b), n)) for a, b in [(low, high), *more])

    return draw


def between(low: float, high: float) -> Points:
    return lambda rng, n: (rng.uniform(low, high, n),)


def ends(rng: Any, n: int) -> tuple[Any, ...]:
    """Between 0 and 1, near both ends and in the middle."""
    small = np.exp(rng.uniform(-35, -1, n))
    return (np.where(rng.uniform(size=n) < 0.5, small, 1 - small),)


def both_ends(rng: Any, n: int) -> tuple[Any, ...]:
    return (np.where(rng.uniform(size=n) < 0.5, 1, -1) * ends(rng, n)[0],)


def gammas(rng: Any, n: int) -> tuple[Any, ...]:
    """Shapes of all sizes, and arguments on both sides of the mode."""
    a = np.exp(rng.uniform(-5, 5.5, n))
    return a, a * np.exp(rng.uniform(-1.5, 1.5, n))


def betas(rng: Any, n: int) -> tuple[Any, ...]:
    a, b = np.exp(rng.uniform(-3, 4, (2, n)))
    return a, b, np.clip(a / (a + b) * np.exp(rng.uniform(-1, 1, n)), 1e-6, 0.999)


def orders(rng: Any, n: int) -> tuple[Any, ...]:
    """Orders and arguments, some of them all but equal, where saddles meet; some orders are negative."""
    x = np.exp(rng.uniform(-4, 4, n))
    v = x * np.exp(rng.uniform(-1.2, 1.0, n))
    v[::5] = x[::5] * (1 + rng.choice([-1, 1], len(x[::5])) * 10.0 ** rng.uniform(-9, -1, len(x[::5])))
    v[4::7], v[1::7] = 0.0, rng.uniform(-3, 3, len(v[1::7]))
    return v, x


@dataclass(frozen=True)
class Case:
    """A function of SciPy, the same in mpmath, where it is tried, and the allowed error.

    Attributes:
        limit: in units of 2^-52, relative to the derivative; eight by default.
        zeros: from this order on, derivatives have zeros in between. Near a zero of a difference no digits
        are
            left, so that the error is relative to the largest of the function and its derivatives.
    """

    name: str
    function: Callable[..., Any]
    points: Points
    limit: float = 8.0
    zeros: int = 3

    def f(self, *args: Any) -> Any:
        return getattr(special, self.name)(*args)


def log_ndtr(x: Any) -> Any:
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def student(df: Any, t: Any) -> Any:
    return 1 - mp.betainc(df / 2, 0.5, 0, df / (df + t * t), regularized=True) / 2


def scaled(f: Callable[..., Any], sign: int) -> Callable[..., Any]:
    return lambda v, x: f(v, x) * mp.exp(sign * x)


PARAMETERS = 1e-13 / EPS
"""What is promised for shape parameters."""

CASES = [
    Case("expit", lambda x: 1 / (1 + mp.exp(-x)), between(-40, 40)),
    Case("logit", lambda x: mp.log(x / (1 - x)), ends),
    Case("log_expit", lambda x: -mp.log1p(mp.exp(-x)), between(-40, 40)),
    Case("erf", mp.erf, between(-6, 6)),
    Case("erfc", mp.erfc, between(-6, 20)),
    Case("erfcx", lambda x: mp.exp(x * x) * mp.erfc(x), between(-3, 40)),
    Case("erfinv", mp.erfinv, both_ends),
    Case("erfcinv", lambda x: mp.erfinv(1 - x), between(1e-3, 1.9)),
    Case("ndtr", mp.ncdf, between(-20, 6)),
    Case("log_ndtr", log_ndtr, between(-40, 6)),
    Case("ndtri", lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), ends),
    Case("entr", lambda x: -x * mp.log(x), logs(1e-5, 1e5)),
    Case("rel_entr", lambda x, y: x * mp.log(x / y), logs(0.01, 100, (0.01, 100))),
    Case("kl_div", lambda x, y: x * mp.log(x / y) - x + y, logs(0.1, 2, (0.1, 2))),
    Case("xlogy", lambda x, y: x * mp.log(y), logs(0.01, 100, (0.01, 0.9))),
    Case("xlog1py", lambda x, y: x * mp.log1p(y), logs(0.01, 100, (1e-9, 100))),
    Case("gamma", mp.gamma, logs(1e-3, 100), 64, zeros=1),
    Case("gammaln", mp.loggamma, logs(1e-3, 1e4), zeros=1),
    Case("psi", mp.digamma, logs(1e-3, 1e4)),
    Case("psi", mp.digamma, between(-6.4, -0.1), 64, zeros=1),
    Case("beta", mp.beta, logs(0.3, 30, (0.3, 30)), 64, zeros=1),
    Case("betaln", lambda a, b: mp.log(mp.beta(a, b)), logs(0.01, 1e4, (1e-9, 1e4))),
    Case("zeta", mp.zeta, logs(1.1, 20, (0.05, 50)), PARAMETERS),
    Case("gammainc", lambda a, x: mp.gammainc(a, 0, x, regularized=True), gammas, PARAMETERS, zeros=2),
    Case("gammaincc", lambda a, x: mp.gammainc(a, x, regularized=True), gammas, PARAMETERS, zeros=2),
    Case("betainc", lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True), betas, PARAMETERS, zeros=2),
    Case("stdtr", student, logs(0.3, 30, (0.01, 30)), 4 * PARAMETERS, zeros=2),
    Case("j0", lambda x: mp.besselj(0, x), between(0.01, 30), zeros=1),
    Case("j1", lambda x: mp.besselj(1, x), between(0.01, 30), zeros=1),
    Case("y0", lambda x: mp.bessely(0, x), between(0.1, 30), zeros=1),
    Case("y1", lambda x: mp.bessely(1, x), between(0.1, 30), zeros=1),
    Case("i0", lambda x: mp.besseli(0, x), between(-30, 30)),
    Case("i1", lambda x: mp.besseli(1, x), between(-30, 30)),
    Case("i0e", lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), between(-99, 99), 64),
    Case("i1e", lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), between(-99, 99), 64),
    Case("k0", lambda x: mp.besselk(0, x), between(0.1, 30)),
    Case("k1", lambda x: mp.besselk(1, x), between(0.1, 30)),
    Case("jv", mp.besselj, orders, PARAMETERS, zeros=1),
    Case("yv", mp.bessely, orders, PARAMETERS, zeros=1),
    Case("iv", mp.besseli, orders, PARAMETERS, zeros=1),
    Case("ive", scaled(mp.besseli, -1), orders, PARAMETERS, zeros=1),
    Case("kv", mp.besselk, orders, PARAMETERS, zeros=1),
    Case("kve", scaled(mp.besselk, 1), orders, PARAMETERS, zeros=1),
]
IDS = [f"{case.name}-{i}" for i, case in enumerate(CASES)]

QUICK = [case for case in CASES if case.name not in ("y0", "y1", "k0", "k1", "zeta")]
"""Without those that take mpmath seconds: it computes functions of second kind of an integer order as
limits."""


def derivative(f: Callable[..., Any], orders: tuple[int, ...]) -> Callable[..., Any]:
    """The derivative of an elementwise function, so many times by each argument."""
    for i in itertools.chain(*([i] * order for i, order in enumerate(orders))):
        f = ag.grad(lambda *args, f=f: np.sum(f(*args)), i)
    return f


DIFFERENCES = {0: {0: 1.0}, 1: {-1: -0.5, 1: 0.5}, 2: {-1: 1.0, 0: -2.0, 1: 1.0}}
"""By order of a derivative, the weights of the values beside a point: of the central difference."""


def exact(case: Case, point: tuple[float, ...], both: list[tuple[int, ...]]) -> dict[tuple[int, ...], Any]:
    """The derivatives of all orders asked for, by central differences of the function in mpmath.

    `mp.diff` takes three times the digits, and computes values again for each order.
    """
    with mp.workdps(140):
        args = tuple(map(mpf, map(float, point)))
        step = mpf(10) ** -28 * min(abs(x) if x else 1 for x in (1, *args))
        value = cache(lambda *at: case.function(*(x + n * step for x, n in zip(args, at, strict=True))))
        found = {}
        for orders in both:
            weights = [DIFFERENCES[order] for order in orders]
            terms = (
                math.prod(w[n] for w, n in zip(weights, at, strict=True)) * value(*at)
                for at in itertools.product(*weights)
            )
            found[orders] = mp.re(sum(terms) / step ** sum(orders))
        return found


def errors(case: Case, n: int) -> Iterator[tuple[float, str]]:
    """The error of each derivative at each point, in units of 2^-52, and where it is."""
    points = case.points(np.random.default_rng(5), n)
    both = [orders for orders in itertools.product(range(3), repeat=len(points)) if sum(orders) <= 2]
    with np.errstate(all="ignore"):
        got = {orders: derivative(case.f, orders)(*points) for orders in both if sum(orders)}
    for i, point in enumerate(zip(*points, strict=True)):
        truths = exact(case, point, both)
        largest = max(map(abs, truths.values()))
        for orders, values in got.items():
            size = largest if sum(orders) >= case.zeros else max(abs(truths[orders]), mpf(10) ** -50)
            error = float(abs(mpf(float(values[i])) - truths[orders]) / size) / EPS
            yield error, f"{case.name} {orders} at {point}: {values[i]!r}, not {float(truths[orders])!r}"


@pytest.mark.few(3)
@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_derivatives_agree_with_mpmath(case: Case) -> None:
    error, where = max(errors(case, 2))
    assert error <= case.limit, where


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_so_they_do_at_many_points(case: Case) -> None:
    error, where = max(errors(case, 100))
    assert error <= case.limit, where


@pytest.mark.parametrize("name", ["expm1", "log1p", "gamma", "rgamma", "loggamma", "exp1", "expi"])
def test_complex_numbers(name: str) -> None:
    check_grads(getattr(special, name), (np.array([0.7 + 0.4j, 1.9 - 0.8j]),), order=1)


@pytest.mark.parametrize("name", ["jv", "yv", "iv", "kv"])
def test_bessel_functions_of_complex_numbers(name: str) -> None:
    z = np.array([0.7 + 0.4j, 1.9 - 0.8j])
    check_grads(lambda z: getattr(special, name)(1.5, z), (z,), order=1)
    with pytest.raises(DTypeError, match="takes real numbers"):
        ag.grad(lambda v: np.sum(np.real(getattr(special, name)(v, z))))(1.5)


def test_complex_numbers_are_refused_where_the_rule_is_of_real_ones() -> None:
    with pytest.raises(DTypeError, match=r"scipy.special.erf of complex numbers"):
        ag.grad(lambda z: np.real(special.erf(z)))(0.5 + 0.5j)
