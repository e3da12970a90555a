"""Functions that are computed entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import DTypeError, OptionError

from .. import gammas
from ..dtypes import inexact, kind_of_number, matched
from .registry import alias, entry, entry_of

__all__: list[str] = []

# -- of one Tensor ---------------------------------------------------------------------------------

_OURS: dict[str, Callable[[Any], Any]] = {
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "neg": np.negative, "abs": np.absolute, "conj_physical": np.conjugate,
    "sigmoid": ag.sigmoid, "relu": ag.relu, "erf": ag.erf, "rsqrt": lambda x: 1 / np.sqrt(x),
    "erfc": lambda x: 1 - ag.erf(x), "frac": lambda x: x - np.trunc(x), "sgn": np.sign,
    "isposinf": np.isposinf, "isneginf": np.isneginf, "isreal": np.isreal,
    "bitwise_not": np.invert, "signbit": np.signbit,
}  # fmt: skip
"""Functions to which NumPy gives another name, or none."""


def _unary(name: str, prepare: Callable[[Any], Any] = lambda x: x) -> Callable[..., Any]:
    compute = _OURS[name] if name in _OURS else getattr(np, name)

    def function(input: Any) -> Any:
        return compute(prepare(input))

    function.__doc__ = f"The function {name} of each entry."
    return function


_REAL = """sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp exp2 expm1 log log2 log10 log1p
    sqrt rsqrt reciprocal sigmoid erf erfc sinc deg2rad rad2deg"""
entry_of(_REAL, lambda name: _unary(name, inexact), in_place=True)
entry_of("neg abs square sign sgn frac conj_physical relu bitwise_not", _unary, in_place=True)
entry_of("positive isnan isinf isfinite isposinf isneginf isreal signbit", _unary)


def _rounded(name: str) -> Callable[..., Any]:
    def function(input: Any) -> Any:
        return input if input.dtype.kind in "biu" else np.asarray(getattr(np, name)(input.detach()))

    function.__doc__ = f"The function {name} of each entry; it has no gradient."
    return function


entry_of("floor ceil trunc", _rounded, in_place=True)


@entry(in_place=True, name="round")
def _round(input: Any, *, decimals: int = 0) -> Any:
    """Each entry rounded to a number of decimals, halves to even; it has no gradient."""
    return np.round(input.detach(), decimals)


@entry(in_place=True)
def logical_not(input: Any) -> Any:
    """Whether each entry is 0."""
    return np.logical_not(input.detach())


@entry(in_place=True)
def logit(input: Any, eps: float | None = None) -> Any:
    """log(x / (1 - x)), the inverse of the sigmoid; with `eps`, x is clipped to [eps, 1 - eps]."""
    x = inexact(input) if eps is None else np.clip(inexact(input), eps, 1 - eps)
    return np.log(x) - np.log1p(-x)


@entry(in_place=True)
def nan_to_num(
    input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """The entries with numbers in place of NaN and infinities: 0 and the largest numbers by default."""
    return np.nan_to_num(input, nan=nan or 0.0, posinf=posinf, neginf=neginf)


@entry
def angle(input: Any) -> Any:
    """The angle of each complex number; of real numbers 0 or pi."""
    return np.angle(inexact(input))


@entry(views=True, method=False)
def real(input: Any) -> Any:
    """The real parts, a view."""
    return np.real(input) if input.dtype.kind == "c" else input


@entry(views=True, method=False)
def imag(input: Any) -> Any:
    """The imaginary parts, a view."""
    if input.dtype.kind != "c":
        raise DTypeError(f"imag: expected complex entries, got {input.dtype}")
    return np.imag(input)


@entry
def conj(input: Any) -> Any:
    """The complex conjugate."""
    return np.conjugate(input)


@entry
def resolve_conj(input: Any) -> Any:
    """The Tensor itself, since conjugates are computed at once."""
    return input


alias(
    arcsin="asin", arccos="acos", arctan="atan", arcsinh="asinh", arccosh="acosh", arctanh="atanh",
    negative="neg", absolute="abs", fix="trunc", resolve_neg="resolve_conj",
)  # fmt: skip

# -- of two Tensors --------------------------------------------------------------------------------

_PAIRS: dict[str, Callable[[Any, Any], Any]] = {
    "mul": np.multiply, "bitwise_left_shift": np.left_shift, "bitwise_right_shift": np.right_shift,
}  # fmt: skip


def _pair(name: str, real: bool = False) -> Callable[..., Any]:
    compute = _PAIRS[name] if name in _PAIRS else getattr(np, name)

    def function(input: Any, other: Any) -> Any:
        x, y = matched(input, other)
        if real and x.dtype.kind in "biu":
            x = inexact(x)
            y = y if kind_of_number(y) else y.astype(x.dtype)
        return compute(x, y)

    function.__doc__ = f"The function {name} of each pair of entries."
    return function


entry_of("mul fmod remainder hypot copysign", _pair, in_place=True)
entry_of("maximum minimum fmax fmin gcd lcm nextafter", _pair)
entry_of("logaddexp logaddexp2", lambda name: _pair(name, real=True))
entry_of(
    """bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift logical_and logical_or
    logical_xor""",
    _pair,
    in_place=True,
)


def _question(name: str) -> Callable[..., Any]:
    words = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater"}
    compute = getattr(np, words.get(name, "greater_equal"))

    def function(input: Any, other: Any) -> Any:
        return compute(*matched(input, other))

    function.__doc__ = f"Whether {words.get(name, 'greater_equal')} holds, for each pair of entries."
    return function


entry_of("eq ne lt le gt ge", _question, in_place=True)
alias(
    multiply="mul", greater="gt", greater_equal="ge", less="lt", less_equal="le", not_equal="ne",
)  # fmt: skip


@entry(in_place=True, views=True)
def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """input + alpha other."""
    return input + (other if alpha == 1 else alpha * other)


@entry(in_place=True, views=True)
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """input - alpha other."""
    return input - (other if alpha == 1 else alpha * other)


@entry(views=True)
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """other - alpha input."""
    return other - (input if alpha == 1 else alpha * input)


@entry(in_place=True, views=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """input / other.

    Args:
        input, other: Tensors; integers are divided as floating-point numbers.
        rounding_mode: "floor" rounds down, "trunc" toward 0; both have no gradient and keep integers.
    """
    if rounding_mode is None:
        return input / other
    if rounding_mode not in ("floor", "trunc"):
        raise OptionError(f"div(rounding_mode={rounding_mode!r}): expected None, 'floor' or 'trunc'")
    if rounding_mode == "floor":
        return input // other
    quotient = (input / other).trunc()
    whole = input.dtype.kind in "biu" and kind_of_number(other) in ("", "b", "i")
    return (
        quotient.to(input.dtype) if whole and getattr(other, "dtype", input.dtype).kind in "biu" else quotient
    )


@entry(in_place=True, views=True)
def floor_divide(input: Any, other: Any) -> Any:
    """input / other, rounded down; it has no gradient."""
    return input // other


@entry(in_place=True, views=True)
def true_divide(input: Any, other: Any) -> Any:
    """input / other."""
    return input / other


alias(subtract="sub", divide="div")


@entry(in_place=True, views=True, name="pow")
def _pow(input: Any, exponent: Any) -> Any:
    """input to the power of `exponent`."""
    return input**exponent


@entry(in_place=True, views=True)
def float_power(input: Any, exponent: Any) -> Any:
    """input to the power of `exponent`, in double precision."""
    return input.to(np.promote_types(input.dtype, np.float64)) ** exponent


@entry(in_place=True)
def atan2(input: Any, other: Any) -> Any:
    """The angle of the point (other, input)."""
    x, y = matched(input, other)
    return np.arctan2(inexact(x), inexact(y))


@entry(in_place=True)
def xlogy(input: Any, other: Any) -> Any:
    """input log(other), which is 0 where input is 0, and NaN where other is."""
    x, y = (inexact(v) if not kind_of_number(v) else v for v in matched(input, other))
    apart = np.logical_and(x == 0, np.logical_not(np.isnan(y)))
    return np.where(apart, 0.0, x * np.log(np.where(apart, 1.0, y)))


@entry(in_place=True)
def ldexp(input: Any, other: Any) -> Any:
    """input 2^other."""
    return inexact(input) * np.exp2(inexact(other))


@entry(in_place=True)
def heaviside(input: Any, values: Any) -> Any:
    """0 where the entry is negative, 1 where it is positive, `values` where it is 0."""
    return np.heaviside(input.detach(), values.detach())


alias(arctan2="atan2")

# -- of three --------------------------------------------------------------------------------------


@entry(in_place=True, views=True)
def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """input + value tensor1 tensor2."""
    return input + value * tensor1 * tensor2


@entry(in_place=True, views=True)
def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """input + value tensor1 / tensor2."""
    return input + value * tensor1 / tensor2


@entry(in_place=True, views=True)
def lerp(input: Any, end: Any, weight: Any) -> Any:
    """input + weight (end - input)."""
    return input + weight * (end - input)


@entry(in_place=True)
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """The entries, limited to the interval from `min` to `max`."""
    if min is None and max is None:
        raise OptionError("clamp: give at least one of min and max")
    bounds = [b for b in (min, max) if b is not None]
    x, *rest = matched(input, *bounds)
    numbers = iter(rest)
    low, high = (None if b is None else next(numbers) for b in (min, max))
    return np.clip(x, low, high)


@entry(in_place=True, views=True)
def clamp_min(input: Any, min: Any) -> Any:
    """The entries, at least `min`."""
    return input.clamp(min=min)


@entry(in_place=True, views=True)
def clamp_max(input: Any, max: Any) -> Any:
    """The entries, at most `max`."""
    return input.clamp(max=max)


alias(clip="clamp")


@entry(name="complex", method=False)
def _complex(real: Any, imag: Any) -> Any:
    """The complex numbers with given real and imaginary parts."""
    return real + imag * np.array(1j, np.result_type(real.dtype, np.complex64))


@entry(method=False)
def polar(abs: Any, angle: Any) -> Any:
    """The complex numbers with given absolute values and angles."""
    return abs * np.exp(angle * np.array(1j, np.result_type(abs.dtype, np.complex64)))


@entry
def isclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |input - other| <= atol + rtol |other|, for each entry."""
    return np.isclose(input.detach(), other.detach(), rtol, atol, equal_nan)


@entry
def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether |input - other| <= atol + rtol |other| for all entries."""
    return bool(np.allclose(input.detach(), other.detach(), rtol, atol, equal_nan))


@entry
def equal(input: Any, other: Any) -> bool:
    """Whether two Tensors have the same shape and entries."""
    return bool(np.array_equal(input.detach(), other.detach()))


class _Frexp(NamedTuple):
    mantissa: Any
    exponent: Any


@entry
def frexp(input: Any) -> Any:
    """The mantissa and the exponent of each entry: input = mantissa 2^exponent."""
    _, exponent = np.frexp(np.asarray(input.detach()))
    return _Frexp(input / np.exp2(exponent).astype(input.dtype), exponent.astype(np.int32))


# -- of scipy.special ------------------------------------------------------------------------------


def scipys(name: str, ours: str) -> Callable[..., Any]:
    """A function of `scipy.special`, which has derivative rules where SciPy is installed."""
    try:
        import scipy.special
    except ImportError as error:
        raise OptionError(f"torch.{ours} needs SciPy: pip install 'autograd-lite[scipy]'") from error
    return getattr(scipy.special, name)  # type: ignore[no-any-return]


def of_scipy(name: str, ours: str) -> Callable[..., Any]:
    """PyTorch's function of one Tensor that SciPy has under another name."""

    def function(input: Any) -> Any:
        return scipys(name, ours)(inexact(input))

    function.__doc__ = f"`scipy.special.{name}` of each entry; SciPy must be installed."
    return function


entry(of_scipy("i0", "i0"), name="i0", in_place=True)


# -- of the gamma function and its kin ---------------------------------------------------------------


@entry(in_place=True)
def lgamma(input: Any) -> Any:
    """The logarithm of the absolute value of the gamma function."""
    return gammas.lgamma(inexact(input))


@entry(in_place=True)
def digamma(input: Any) -> Any:
    """The derivative of `lgamma`."""
    return gammas.digamma(inexact(input))


@entry(in_place=True)
def erfinv(input: Any) -> Any:
    """The inverse of the error function."""
    return gammas.erfinv(inexact(input))


@entry(in_place=True)
def mvlgamma(input: Any, p: int) -> Any:
    """The logarithm of the multivariate gamma function in p dimensions."""
    constant = p * (p - 1) / 4 * float(np.log(np.pi))
    return sum((gammas.lgamma(inexact(input) - i / 2) for i in range(p)), start=constant)


@entry(name="igamma")
def _igamma(input: Any, other: Any) -> Any:
    """The regularized lower incomplete gamma function."""
    return scipys("gammainc", "igamma")(inexact(input), inexact(other))


@entry(name="igammac")
def _igammac(input: Any, other: Any) -> Any:
    """The regularized upper incomplete gamma function."""
    return scipys("gammaincc", "igammac")(inexact(input), inexact(other))


@entry(name="polygamma", method=False)
def _polygamma(n: Any, input: Any) -> Any:
    """The n-th derivative of the digamma function."""
    return gammas.polygamma(n, inexact(input))
