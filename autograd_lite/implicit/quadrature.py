"""SciPy's adaptive integrals with gradients: by the limits, and by the arguments of the integrand.

d/db of the integral is the integrand at b. The derivative by an argument is the integral of the derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import integrate

from ..apply import primitive, stop_gradient
from ..arrays import on_host, shape_of, to_host, unwrap
from ..errors import ConvergenceError, UnsupportedError
from ..known import defvjp
from ..recording import Mode
from ..vectors import flat
from .arguments import parted, pulled, require_arguments, unheard

__all__ = ["Integrand", "integral", "quad"]


def quad(func: Callable[..., Any], a: Any, b: Any, args: Any = (), **options: Any) -> tuple[Any, Any]:
    """The integral of func(x, *args) over x from a to b, with gradients with respect to a, b and args.

    Args:
        func: returns a number from a number x and `args`; it is written in NumPy.
        a, b: the limits, numbers; inf and -inf too.
        args: a tuple of arrays and numbers, or nested containers of them.
        options: of SciPy's quad: epsabs, epsrel, limit, points.

    Returns:
        The integral, and SciPy's bound for its error.

    Raises:
        ConvergenceError: the integral does not converge, or not to the tolerances.
        UnsupportedError: func reads a Tensor on the tape that is not in `args`; or another option.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> bell = lambda width: quad(lambda x, s: np.exp(-((x / s) ** 2)), -np.inf, np.inf, (width,))[0]
        >>> print(f"{ag.grad(bell)(2.0):.10f}")        # sqrt(pi)
        1.7724538509
    """
    if unknown := options.keys() - {"epsabs", "epsrel", "limit", "points"}:
        raise UnsupportedError(f"quad(..., {min(unknown)}=): leave it out, or call scipy.integrate.quad")
    leaves, put = parted(args if isinstance(args, tuple) else (args,))

    def integrand(x: Any, *leaves: Any) -> Any:
        return func(x, *put(leaves))

    with np.errstate(all="ignore"):
        first = integrand(_inside(unwrap(a), unwrap(b)), *map(unwrap, leaves))
    require_arguments("quad", lambda: first, "quad(f, a, b, args=(w,)) with f(x, w)")
    value, error = integral(a, b, *leaves, of=Integrand("quad", integrand, options))
    return value, stop_gradient(error)


@dataclass(frozen=True, eq=False)
class Integrand:
    """A function of x and the leaves, with values that are numbers or vectors, and the options of SciPy."""

    name: str
    function: Callable[..., Any]
    options: dict[str, Any]

    def __repr__(self) -> str:
        return self.name


@primitive
def integral(a: Any, b: Any, *leaves: Any, of: Integrand) -> Any:
    """The integral from a to b as a function of a, b and the leaves, and a bound for its error."""

    with Mode(unheard):
        function = lambda x: to_host(of.function(x, *leaves))  # noqa: E731
        return _integrated(of, function, float(to_host(a)), float(to_host(b)))


def _integral_rule(
    g: Any, y: Any, a: Any, b: Any, *leaves: Any, of: Integrand, needs: tuple[bool, ...]
) -> tuple[Any, ...]:
    g, wanted = g[0], needs[2:]

    def at(end: Any) -> Any:
        return np.sum(g * of.function(end, *leaves)) if np.isfinite(unwrap(end)) else np.zeros(())

    def slopes(x: Any, g: Any, *leaves: Any) -> Any:  # the cotangents of the leaves, in one vector
        sent = pulled(lambda *leaves: of.function(x, *leaves), leaves, wanted, g)[1]
        return flat(sent)  # a None has no numbers

    ends = -at(a) if needs[0] else None, at(b) if needs[1] else None
    if not any(wanted):
        return *ends, *(None for _ in leaves)
    vector = integral(a, b, g, *leaves, of=Integrand(f"derivative of {of}", slopes, of.options))[0]
    return *ends, *_parts(vector, leaves, wanted)


defvjp(integral, joint=_integral_rule)


def _parts(vector: Any, leaves: Any, wanted: Any) -> list[Any]:
    """A vector cut into blocks, in the shapes of the leaves that are wanted; None for the others."""
    blocks, start = [], 0
    for leaf, want in zip(leaves, wanted, strict=True):
        stop = start + math.prod(shape_of(leaf)) * want
        blocks.append(np.reshape(vector[start:stop], shape_of(leaf)) if want else None)
        start = stop
    return blocks


def _inside(a: Any, b: Any) -> float:
    """A number between the limits, as far as they are known: those of a batch are not."""
    finite = [float(x) for x in (a, b) if on_host(x) and np.isfinite(x)]
    if len(finite) == 1:
        return finite[0] + (1.0 if finite[0] < float(b) else -1.0) if on_host(b) else finite[0]
    return sum(finite) / 2


def _integrated(of: Integrand, f: Callable[[float], Any], a: float, b: float) -> Any:
    """The integral by SciPy, and its error."""
    options = of.options
    if np.ndim(f(_inside(a, b))) == 0:
        value, error, _, *message = integrate.quad(f, a, b, full_output=1, **options)
        reason = message[0] if message else ""
    else:
        own = {"epsabs": 1.49e-8, "epsrel": 1.49e-8} | {k: v for k, v in options.items() if k != "limit"}
        value, error, found = integrate.quad_vec(f, a, b, norm="max", full_output=True, **own)
        reason = "" if found.success else found.message
    if reason:
        raise ConvergenceError(
            f"{of}: the integral from {a:g} to {b:g} came to {np.max(np.abs(value)):.6g} with an error of up "
            f"to {error:.1g} ({' '.join(reason.split())}); split it at its singular points, points=[...], or "
            "ask for a larger epsabs or limit"
        )
    return value, error
