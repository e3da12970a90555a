"""The ops of random programs: in NumPy, in PyTorch, their inputs, and where they are smooth.

PyTorch's line is None where PyTorch has no equal op. It is also None where the op only moves or copies
entries (`moves`). There the twin is NumPy itself, run on the indices of the entries (`torch_twins.moved`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .choices import (
    Draw,
    array,
    axes,
    axis,
    broadcast_shape,
    counts,
    flag,
    index,
    mask,
    new_axis,
    number,
    of,
    one_or_no_axis,
    operands,
    pairs_of_axes,
    permutation,
    several,
    shape,
    some_axes,
    subscripts,
    two_axes,
    whole,
    widths,
)

Safe = Callable[..., bool]

MARGIN = 0.04
"""How far values stay from kinks, ties and poles."""


@dataclass(frozen=True)
class Op:
    """What a step may be.

    Attributes:
        text: of the step, see `Step`.
        torch: the same in PyTorch; None where there is no such function.
        draw: chooses operands and options.
        safe: whether the op is smooth at these operands, and well conditioned.
        moves: whether the op only moves and copies entries of its operands, or gives zeros.
        flat: whether the result is constant almost everywhere, so that the engine gives a plain array.
        rounds: whether NumPy's own bits depend on the layout of the operands (BLAS, LAPACK; products of
            complex numbers do too), or the engine computes the op by other ops; the value is then NumPy's up
            to rounding.
        weight: how often the op is chosen, compared with others.
    """

    text: str
    torch: str | None
    draw: Draw
    safe: Safe
    moves: bool = False
    flat: bool = False
    rounds: bool = False
    weight: int = 1


def anywhere(*_: Any, **__: Any) -> bool:
    return True


def away(*points: float) -> Safe:
    return lambda x, *_, **__: all((np.abs(x - p) > MARGIN).all() for p in points)


def filled(*xs: Any, **_: Any) -> bool:
    """Not empty: padded with zeros, NumPy's irfft of an empty array holds what was in memory."""
    return all(x.size > 0 for x in xs)


def both(one: Safe, other: Safe) -> Safe:
    return lambda *xs, **options: one(*xs, **options) and other(*xs, **options)


def an_array(x: Any, *_: Any, **__: Any) -> bool:
    """Not a number, which NumPy replaces where it changes an array."""
    return bool(x.ndim > 0)


def within(low: float, high: float) -> Safe:
    return lambda x, *_, **__: bool(((x > low) & (x < high)).all())


def distinct(a: Any, b: Any, **_: Any) -> bool:
    return bool((np.abs(np.subtract(a, b)) > MARGIN).all())


def nonzero_divisor(_: Any, b: Any, **__: Any) -> bool:
    return bool((np.abs(b) > 0.2).all())


def between_jumps(a: Any, b: Any, **_: Any) -> bool:
    """a / b is close to no integer."""
    if not nonzero_divisor(a, b):
        return False
    part = np.mod(np.divide(a, b), 1.0)
    return bool(((part > 0.05) & (part < 0.95)).all())


def apart(x: Any, *_: Any, axis: Any = None, **__: Any) -> bool:
    """No two entries along the axis are close, nor far apart without need. For max, sort and their kin."""
    x = np.asarray(x)
    if axis is None:
        x = x.reshape(-1)
    elif isinstance(axis, tuple):
        kept = [i for i in range(x.ndim) if i not in [j % x.ndim for j in axis]]
        x = x.transpose(*kept, *[j % x.ndim for j in axis])
        x = x.reshape(*x.shape[: len(kept)], int(np.prod(x.shape[len(kept) :])))
    along = -1 if isinstance(axis, tuple) or axis is None else axis
    return x.size == 0 or bool((np.diff(np.sort(x, along), axis=along) > MARGIN).all())


def spread_out(x: Any, *_: Any, axis: Any = None, ddof: int = 0, **__: Any) -> bool:
    return x.size > 0 and bool((np.var(x, axis=axis, ddof=ddof) > MARGIN).all())


def long_vectors(x: Any, *_: Any, axis: Any = None, **__: Any) -> bool:
    return x.size > 0 and bool((np.sum(np.abs(x), axis=axis) > 0.2).all())


def well_conditioned(a: Any, *_: Any, shift: float = 0.0, **__: Any) -> bool:
    return (
        np.ndim(a) > 1 and a.size > 0 and bool((np.linalg.cond(a + shift * np.eye(a.shape[-1])) < 30).all())
    )


def values_apart(a: Any, **_: Any) -> bool:
    """Singular values differ, and are not 0."""
    if np.ndim(a) < 2 or a.size == 0:
        return False
    s = np.linalg.svd(a, compute_uv=False)
    return bool((s > 0.2).all() and (s[..., :-1] - s[..., 1:] > 0.2).all())


OPS: dict[str, Op] = {}

SAME = "the same"

ROUNDING = (
    "@", "dot", "inner", "outer", "kron", "einsum", "cross", "linalg", "cov", "corrcoef", "gradient",
    "vander", "polyval", "*= {1}", "{0} ** {1}",
)  # fmt: skip
"""Words of ops that round elsewhere, see `Op.rounds`."""


def op(text: str, torch: str | None, draw: Draw, safe: Safe = anywhere, **what: Any) -> None:
    if torch == SAME:
        torch = text.replace("np.", "torch.").replace("ag.", "torch.")
        torch = torch.replace("torch.power", "torch.pow").replace("torch.conjugate", "torch.conj")
    OPS[text] = Op(text, torch, draw, safe, rounds=any(word in text for word in ROUNDING), **what)


def elementwise(names: str, kinds: str, safe: Safe = anywhere, prefix: str = "np.") -> None:
    for name in names.split():
        op(f"{prefix}{name}({{0}})", SAME, operands(kinds), safe)


# -- elementwise ---------------------------------------------------------------------------------

elementwise("sin cos tanh sinh cosh exp square negative", "fc", lambda x, **_: bool((np.abs(x) < 4).all()))
elementwise("arctan arcsinh expm1 exp2 sinc deg2rad positive", "f", within(-4, 4))
elementwise("sqrt log log1p log2 log10", "f", within(0.1, 50))
elementwise("log sqrt", "c", lambda x, **_: bool(((x.real > 0.1) | (np.abs(x.imag) > 0.2)).all()))
elementwise("reciprocal", "fc", lambda x, **_: bool((np.abs(x) > 0.2).all()))
elementwise("abs absolute", "fc", away(0.0))
elementwise("arcsin arccos arctanh", "f", within(-0.9, 0.9))
elementwise("arccosh", "f", within(1.1, 50))
elementwise("tan", "f", within(-1.3, 1.3))
elementwise("real conj conjugate", "c")
elementwise("angle", "c", away(0.0))
elementwise("sigmoid", "f", prefix="ag.")
elementwise("relu", "f", away(0.0), prefix="ag.")
elementwise("i0", "f", within(-4, 4))
op("ag.softplus({0})", "torch.nn.functional.softplus({0})", operands("f"), within(-15, 15))
op("ag.erf({0})", "torch.special.erf({0})", operands("f"))
op("np.imag({0})", "torch.imag({0})", operands("c"))
op("np.cbrt({0})", "torch.sign({0}) * torch.abs({0}) ** (1 / 3)", operands("f"), away(0.0))
op("np.fabs({0})", "torch.abs({0})", operands("f"), away(0.0))
op("np.nan_to_num({0})", SAME, operands("f"))
op("{0}.real + {0}.imag", "{0}.real + {0}.imag", operands("c"))
op("-{0}", "-{0}", operands("fc"))
op("abs({0})", "abs({0})", operands("fc"), away(0.0))
op("{0} ** 2", SAME, operands("fc"))
op("{0} ** 3", SAME, operands("f"))
op("{0} ** -1", SAME, operands("fc"), lambda x, **_: bool((np.abs(x) > 0.2).all()))
op("{0} ** {c}", SAME, operands("f", c=number(-2, 2.5)), within(0.2, 20))
op("{c} ** {0}", SAME, operands("f", c=number(0.2, 2)), within(-3, 3))
op("{c} * {0} + {d}", SAME, operands("fc", c=number(-2, 2), d=number(-1, 1)))
op("{c} - {0} / {d}", SAME, operands("fc", c=number(-2, 2), d=number(1, 3)))
op("{c} / {0}", SAME, operands("fc", c=number(-2, 2)), lambda x, **_: bool((np.abs(x) > 0.2).all()))
op("{0} * 1j", SAME, operands("fc"))
op("{0} * np.exp(1j * {c})", None, operands("fc", c=number(-2, 2)))
op("{0} % {c}", SAME, operands("f", c=number(0.5, 2)), lambda x, c, **_: between_jumps(x, c))
op(
    "{0}.clip({c}, {d})",
    SAME,
    operands("f", c=number(-2, 0), d=number(0.1, 2)),
    lambda x, c, d, **_: away(c, d)(x),
)
op(
    "np.clip({0}, None, {d})",
    "torch.clip({0}, max={d})",
    operands("f", d=number(-1, 1)),
    lambda x, d, **_: away(d)(x),
)
op(
    "np.clip({0}, {1}, {2})",
    None,
    operands("f", "f", "f"),
    lambda x, a, b, **_: distinct(x, a) and distinct(x, b) and distinct(a, b),
)
op("np.multiply({0}, {c})", "{0} * tw.constant({c})", operands("fc", c=array((3,), (2, 1), (1,), ())))
op(
    "np.maximum({0}, {c})",
    "torch.maximum({0}, tw.constant({c}))",
    operands("f", c=array((3,), (2, 1), ())),
    lambda x, c, **_: distinct(x, c),
)
op(
    "np.add({c}, {0})",
    "tw.constant({c}) + {0}",
    operands("fc", c=array((3,), (2, 1), (2, 1, 1), low=-3, high=3, integers=True)),
)
op(
    "np.interp({0}, [-2.0, -0.5, 0.25, 3.0], [0.5, -1.0, 2.0, 0.3])",
    None,
    operands("f"),
    away(-2.0, -0.5, 0.25, 3.0),
)

# -- two operands --------------------------------------------------------------------------------

for _symbol in "+-*":
    op(f"{{0}} {_symbol} {{1}}", SAME, operands("fcib", "fcib"), weight=3)
op("{0} / {1}", SAME, operands("fcib", "fc"), nonzero_divisor)
op("np.add({0}, {1})", SAME, operands("fc", "fc"))
op("np.subtract({0}, {1})", SAME, operands("fc", "fc"))
op("np.multiply({0}, {1})", SAME, operands("fc", "fc"))
op("np.true_divide({0}, {1})", SAME, operands("fc", "fc"), nonzero_divisor)
op("{0} ** {1}", SAME, operands("f", "f"), lambda a, b, **_: within(0.2, 5)(a) and within(-3, 3)(b))
op("np.power({0}, {1})", SAME, operands("f", "fib"), lambda a, b, **_: within(0.2, 5)(a) and within(-3, 3)(b))
op("np.maximum({0}, {1})", SAME, operands("f", "f"), distinct)
op("np.minimum({0}, {1})", SAME, operands("f", "f"), distinct)
op("np.fmax({0}, {1})", SAME, operands("f", "f"), distinct)
op("np.hypot({0}, {1})", SAME, operands("f", "f"), lambda a, b, **_: bool((a * a + b * b > 0.1).all()))
op("np.arctan2({0}, {1})", SAME, operands("f", "f"), lambda a, b, **_: bool((np.abs(b) > 0.1).all()))
op(
    "np.logaddexp({0}, {1})",
    SAME,
    operands("f", "f"),
    lambda a, b, **_: within(-20, 20)(a) and within(-20, 20)(b),
)
op("np.copysign({0}, {1})", SAME, operands("f", "f"), lambda a, b, **_: away(0.0)(a) and away(0.0)(b))
op("np.remainder({0}, {1})", SAME, operands("f", "f"), between_jumps)
op("np.fmod({0}, {1})", SAME, operands("f", "f"), between_jumps)
op("np.heaviside({0}, {1})", None, operands("f", "f"), lambda a, b, **_: away(0.0)(a))

# -- selection -----------------------------------------------------------------------------------

op("{0} > {c}", SAME, operands("f", c=number(-1, 1)), lambda x, c: away(c)(x), flat=True, weight=6)
op("{0} <= {1}", SAME, operands("f", "f"), distinct, flat=True, weight=3)
op("np.where({0}, {1}, {2})", None, operands("b", "fc", "fc"), moves=True, weight=8)
op("np.where({c}, {0}, 0.0)", None, operands("fc", c=mask), moves=True)
op(
    "np.where({0} > 0, np.sqrt(np.abs({0})), {1})",
    "torch.where({0} > 0, torch.sqrt(torch.abs({0})), {1})",
    operands("f", "f"),
    away(0.0),
)
op("np.select([{c}, {0}], [{1}, {2}])", None, operands("b", "f", "f", c=mask), moves=True, weight=12)
op(
    "np.choose({c}, [{0}, {1}])",
    None,
    operands("f", "f", c=array((3,), (2, 1), (), low=0, high=1, integers=True)),
    moves=True,
)
op(
    "np.compress({c}, {0}, axis={axis})",
    None,
    operands(
        "fc", c=lambda rng, x: (rng.random(int(rng.integers(1, 4))) < 0.6).tolist(), axis=one_or_no_axis
    ),
    moves=True,
)
op("np.extract({0}, {1})", None, operands("b", "fc"), moves=True, weight=8)
op("{1}[{0}]", None, operands("b", "fc"), moves=True, weight=8)
op(
    "np.maximum({0}, {1}).max(initial=-9.0)",
    None,
    operands("f", "f"),
    lambda a, b, **_: distinct(a, b) and apart(np.maximum(a, b)),
)

op(
    "np.where({0} > {c}, {0}, {1})",
    "torch.where({0} > {c}, {0}, {1})",
    operands("f", "f", c=number(-0.5, 0.5)),
    lambda x, y, c: away(c)(x),
    weight=2,
)
op("{0}[{0} > {c}]", SAME, operands("f", c=number(-0.5, 0.5)), lambda x, c: away(c)(x), weight=2)

# -- indexing and assignment ---------------------------------------------------------------------

op("{0}[{index}]", None, operands("fc", index=index), moves=True, weight=4)
op(
    "np.take({0}, {c}, axis={axis})",
    None,
    operands("fc", c=array((2,), (), (2, 2), low=-1, high=1, integers=True), axis=one_or_no_axis),
    moves=True,
)
op(
    "np.take({0}, {c}, axis={axis}, mode={mode})",
    None,
    operands(
        "fc", c=array((2,), (4,), low=-4, high=4, integers=True), axis=one_or_no_axis, mode=of("wrap", "clip")
    ),
    filled,  # NumPy's own loop never ends on an axis of length 0
    moves=True,
)
op(
    "np.take_along_axis({0}, np.argsort({0}, axis={axis}), axis={axis})",
    "torch.sort({0}, dim={axis}).values",
    operands("f", axis=axis),
    apart,
)
op("{y} = {0}.copy()\n{y}[{index}] = {1}", None, operands("fc", "fc", on_tape=True, index=index), moves=True)
op("{y} = {0}.copy()\n{y}[{index}] = {c}", None, operands("fc", on_tape=True, index=index, c=number(-1, 1)))
op("{y} = {0}.copy()\n{y}[{index}] = 0", None, operands("fc", on_tape=True, index=index), moves=True)
op(
    "{y} = {0} * 1.0\n{y}[{index}] += {1}",
    "{y} = tw.changed({0}, lambda x: x[{index}], lambda x: x + {1})",
    operands("fc", "fc", on_tape=True, index=index),
)
op(
    "{y} = {0} * 1.0\n{y}[{index}] *= {c}",
    "{y} = tw.changed({0}, lambda x: x[{index}], lambda x: x * {c})",
    operands("fc", on_tape=True, index=index, c=number(-1, 1)),
)
op("{y} = {0} * 2.0\n{y} += {1}", "{y} = 2.0 * {0} + {1}", operands("fc", "fc", on_tape=True), an_array)
op("{y} = {0} + 0.5\n{y} *= {1}", "{y} = ({0} + 0.5) * {1}", operands("fc", "fc", on_tape=True), an_array)
op("{y} = {0} + 0.5\n{y} -= {y}\n{y} -= {0}", "{y} = -{0}", operands("fc", on_tape=True))
op("{y} = {0}.copy()\nnp.fill_diagonal({y}, {c})", None, operands("f", on_tape=True, c=number(-1, 1)))
op(
    "{y} = np.copy({0})\nnp.put_along_axis({y}, np.argmax({y}, {axis}, keepdims=True), 0.0, {axis})",
    None,
    operands("f", on_tape=True, axis=axis),
    apart,
)

# -- reductions ----------------------------------------------------------------------------------

for _name in ("sum", "mean"):
    op(
        f"np.{_name}({{0}}, axis={{axis}}, keepdims={{keepdims}})",
        f"tw.reduced(torch.{_name}, {{0}}, {{axis}}, {{keepdims}})",
        operands("fc", axis=axes, keepdims=flag),
    )
op("{0}.sum({axis})", "tw.reduced(torch.sum, {0}, {axis}, False)", operands("fc", axis=axes))
op(
    "{0}.mean(axis={axis}, keepdims=True)",
    "tw.reduced(torch.mean, {0}, {axis}, True)",
    operands("fc", axis=axes),
)
op("np.nansum({0}, axis={axis})", "tw.reduced(torch.sum, {0}, {axis}, False)", operands("f", axis=axes))
op("np.nanmean({0}, axis={axis})", "tw.reduced(torch.mean, {0}, {axis}, False)", operands("f", axis=axes))
op("np.sum({0}, initial={c})", "torch.sum({0}) + {c}", operands("f", c=number(-1, 1)))
for _name in ("max", "min"):
    op(
        f"np.{_name}({{0}}, axis={{axis}}, keepdims={{keepdims}})",
        f"tw.reduced(torch.a{_name}, {{0}}, {{axis}}, {{keepdims}})",
        operands("f", axis=axes, keepdims=flag),
        apart,
    )
    op(f"{{0}}.{_name}()", f"{{0}}.{_name}()", operands("f"), apart)
op(
    "np.nanmax({0}, axis={axis})",
    "tw.reduced(torch.amax, {0}, {axis}, False)",
    operands("f", axis=axes),
    apart,
)
op(
    "np.ptp({0}, axis={axis})",
    "torch.amax({0}, {axis}) - torch.amin({0}, {axis})",
    operands("f", axis=axis),
    apart,
)
op(
    "np.prod({0}, axis={axis}, keepdims={keepdims})",
    "tw.prod({0}, {axis}, {keepdims})",
    operands("fc", axis=one_or_no_axis, keepdims=flag),
)
op("{0}.prod(axis={axis})", None, operands("f", axis=axes))
op(
    "np.var({0}, axis={axis}, keepdims={keepdims})",
    "tw.reduced(tw.var, {0}, {axis}, {keepdims})",
    operands("f", axis=axes, keepdims=flag),
)
op("np.var({0}, axis={axis})", None, operands("c", axis=axes))
op(
    "np.std({0}, axis={axis}, ddof={ddof})",
    "tw.reduced(tw.var, {0}, {axis}, False, {ddof}) ** 0.5",
    operands("f", axis=axes, ddof=of(0, 1)),
    spread_out,
)
op("{0}.std(keepdims=True)", None, operands("f"), spread_out)
op("np.average({0}, axis={axis})", None, operands("f", axis=axes))
op(
    "np.average({0}, axis=-1, weights=np.exp({0}))",
    "torch.sum({0} * torch.softmax({0}, -1), -1)",
    operands("f", axis=axis),
    within(-5, 5),
)
op("ag.logsumexp({0}, axis={axis})", "torch.logsumexp({0}, {axis})", operands("f", axis=axis))
op("ag.logsumexp({0}, axis={axis}, keepdims={keepdims})", None, operands("f", axis=axes, keepdims=flag))
op("ag.softmax({0}, axis={axis})", SAME, operands("f", axis=axis))
op("ag.log_softmax({0}, axis={axis})", SAME, operands("f", axis=axis))
op(
    "np.trapezoid({0}, axis={axis}, dx={c})",
    "torch.trapezoid({0}, dim={axis}, dx={c})",
    operands("fc", axis=axis, c=number(0.5, 2)),
)
op(
    "np.linalg.norm({0}, axis={axis}, keepdims={keepdims})",
    "tw.reduced(torch.linalg.vector_norm, {0}, {axis}, {keepdims})",
    operands("fc", axis=one_or_no_axis, keepdims=flag),
    long_vectors,
)
op(
    "np.linalg.norm({0}, ord={ord}, axis={axis})",
    "torch.linalg.vector_norm({0}, {ord}, dim={axis})",
    operands("f", ord=of(1, 2, 3, 2.5), axis=axis),
    lambda x, axis, **_: long_vectors(x, axis=axis) and away(0.0)(x),
)
op(
    "np.linalg.norm({0}, np.inf, axis={axis})",
    "torch.amax(torch.abs({0}), {axis})",
    operands("f", axis=axis),
    lambda x, axis, **_: away(0.0)(x) and apart(np.abs(x), axis=axis),
)
op("np.linalg.norm({0}, 'fro', axis={axis})", None, operands("fc", axis=two_axes), long_vectors)
op(
    "np.linalg.vector_norm({0}, axis={axis}, ord=3)",
    None,
    operands("f", axis=axes),
    lambda x, axis, **_: long_vectors(x, axis=axis) and away(0.0)(x),
)
op(
    "np.cov({0}, ddof=0)",
    "torch.cov({0}, correction=0)",
    operands("f"),
    lambda x, **_: x.ndim == 2 and x.size > 0,
)
op(
    "np.corrcoef({0})",
    "torch.corrcoef({0})",
    operands("f"),
    lambda x, **_: x.ndim == 2 and spread_out(x, axis=1),
)

# -- running -------------------------------------------------------------------------------------

op("np.cumsum({0}, axis={axis})", SAME, operands("fc", axis=axis))
op("np.cumsum({0})", "torch.cumsum({0}.reshape(-1), 0)", operands("fc"))
op("np.cumprod({0}, axis={axis})", SAME, operands("fc", axis=axis))
op("{0}.cumprod()", "torch.cumprod({0}.reshape(-1), 0)", operands("f"))
op(
    "np.diff({0}, n={n}, axis={axis})",
    "torch.diff({0}, n={n}, dim={axis})",
    operands("fc", n=of(0, 1, 1, 2), axis=axis),
)
op("np.diff({0}, axis={axis}, prepend={c})", None, operands("f", axis=axis, c=number(-1, 1)))
op("np.ediff1d({0})", "torch.diff({0}.reshape(-1))", operands("f"))
op("np.gradient({0}, {c}, axis={axis})", None, operands("f", c=number(0.5, 2), axis=axis))
op("np.convolve({0}, {1}, mode={mode})", None, operands("fc", "fc", mode=of("full", "same", "valid")))
op("np.correlate({0}, {1}, mode={mode})", None, operands("f", "f", mode=of("full", "same", "valid")))
op("np.polyval({0}, {1})", None, operands("f", "f"), lambda p, x: p.size > 0 and within(-1.5, 1.5)(x))
op(
    "np.polymul({0}, {1})",
    None,
    operands("f", "f"),
    lambda p, q: p.ndim == q.ndim == 1 and p.size * q.size > 0,
)
op("np.vander({0}, {n})", "{0}[:, None] ** torch.arange({n} - 1, -1, -1)", operands("f", n=whole(1, 4)))
op("np.unwrap({0}, axis={axis})", None, operands("f", axis=axis), within(-1.5, 1.5))

# -- products ------------------------------------------------------------------------------------

op("{0} @ {1}", SAME, operands("fc", "fc"))
op("np.matmul({0}, {1})", SAME, operands("fc", "fc"))
op("{0} @ {0}.T", SAME, operands("fc"), lambda x: x.ndim == 2)
op("{0}.mT @ {0}", SAME, operands("fc"))
op("np.dot({0}, {1})", "tw.dot({0}, {1})", operands("fc", "fc"))
op("{0}.dot({1})", "tw.dot({0}, {1})", operands("fc", "fc", on_tape=True), an_array)
op(
    "np.dot({0}, {c})",
    "{0} @ tw.constant({c})",
    operands("f", c=array((2,), (3,), (2, 2), (3, 2))),
    lambda x, **_: x.ndim > 0,
)
op("np.inner({0}, {1})", SAME, operands("fc", "fc"), lambda a, b: a.ndim * b.ndim > 0)
op("np.outer({0}, {1})", "torch.outer({0}.reshape(-1), {1}.reshape(-1))", operands("fc", "fc"))
op("np.vdot({0}, {1})", "torch.vdot({0}.reshape(-1), {1}.reshape(-1))", operands("fc", "fc"))
op("np.kron({0}, {1})", SAME, operands("fc", "fc"))
op(
    "np.tensordot({0}, {1}, axes={axes})",
    "torch.tensordot({0}, {1}, dims={axes})",
    operands("fc", "fc", axes=pairs_of_axes),
)
op(
    "np.tensordot({0}, {1}, axes={n})",
    "torch.tensordot({0}, {1}, dims={n})",
    operands("fc", "fc", n=whole(0, 2)),
)
op("np.einsum({s}, {0}, {1})", SAME, operands("fc", "fc", s=subscripts), weight=3)
op("np.einsum({s}, {0})", SAME, operands("fc", s=subscripts))
op("np.einsum({s}, {0}, {1}, {2})", SAME, operands("f", "f", "f", s=subscripts))
op("np.einsum('...i,...i->...', {0}, {1})", SAME, operands("fc", "fc"))
op("np.vecdot({0}, {1})", "torch.linalg.vecdot({0}, {1})", operands("fc", "fc"))
op(
    "np.cross({0}, {1})",
    "torch.linalg.cross({0}, {1})",
    operands("f", "f"),
    lambda a, b: a.ndim == b.ndim and a.shape[-1:] == b.shape[-1:] == (3,),
)
op("np.linalg.multi_dot([{0}, {1}, {2}])", None, operands("f", "f", "f"))

# -- order ---------------------------------------------------------------------------------------

op("np.sort({0}, axis={axis})", "torch.sort({0}, dim={axis}).values", operands("f", axis=axis), apart)
op("np.sort({0}, axis=None)[::-1]", "torch.sort({0}.reshape(-1)).values.flip(0)", operands("f"), apart)
op("np.partition({0}, {k}, axis={axis})", None, operands("f", axis=axis, k=whole(0, 2)), apart)
op(
    "np.median({0}, axis={axis}, keepdims={keepdims})",
    "tw.quantile({0}, 0.5, {axis}, {keepdims})",
    operands("f", axis=one_or_no_axis, keepdims=flag),
    apart,
)
op("np.median({0}, axis={axis})", None, operands("f", axis=axes), apart)
op(
    "np.quantile({0}, {q}, axis={axis})",
    "tw.quantile({0}, {q}, {axis}, False)",
    operands("f", axis=one_or_no_axis, q=of(0.3, 0.77, [0.11, 0.6], [0.0, 1.0])),
    apart,
)
op(
    "np.percentile({0}, {q}, axis={axis}, method={method})",
    None,
    operands(
        "f",
        axis=one_or_no_axis,
        q=of(31.0, 77.0),
        method=of("lower", "higher", "midpoint", "hazen", "median_unbiased"),
    ),
    apart,
)
op("np.argsort({0}, axis={axis})", None, operands("f", axis=axis), apart, flat=True)
op("np.floor({0} * 2.0)", None, operands("f"), lambda x: between_jumps(x, 0.5), flat=True)
op("np.sign({0})", None, operands("f"), away(0.0), flat=True)

# -- Fourier transforms --------------------------------------------------------------------------

for _name in ("fft", "ifft"):
    op(
        f"np.fft.{_name}({{0}}, n={{n}}, axis={{axis}}, norm={{norm}})",
        f"torch.fft.{_name}({{0}}, n={{n}}, dim={{axis}}, norm={{norm}})",
        operands("fc", n=of(None, None, 2, 4), axis=axis, norm=of(None, "ortho", "forward")),
        filled,
    )
op(
    "np.fft.rfft({0}, n={n}, axis={axis})",
    "torch.fft.rfft({0}, n={n}, dim={axis})",
    operands("f", n=of(None, None, 3, 4), axis=axis),
    filled,
)
op(
    "np.fft.irfft({0}, n={n}, axis={axis})",
    "torch.fft.irfft({0}, n={n}, dim={axis})",
    operands("fc", n=of(None, None, 3, 4), axis=axis),
    filled,
)
op("np.fft.fft2({0})", SAME, operands("fc"), filled)
op("np.fft.fftn({0}, axes={axes})", "torch.fft.fftn({0}, dim={axes})", operands("fc", axes=some_axes), filled)
op("np.fft.rfft2({0})", SAME, operands("f"), filled)
op(
    "np.fft.irfftn({0}, axes={axes})",
    "torch.fft.irfftn({0}, dim={axes})",
    operands("c", axes=some_axes),
    filled,
)
op("np.fft.hfft({0})", SAME, operands("c"), filled)
op("np.fft.ihfft({0})", SAME, operands("f"), filled)
op("np.fft.fftshift({0}, axes={axis})", None, operands("fc", axis=axis), moves=True)

# -- linear algebra ------------------------------------------------------------------------------

_square = operands("fc", shift=of(3.0, 4.0, 5.0))
_shifted = "{0} + {shift} * np.eye({0}.shape[-1])"
_twin = "{0} + {shift} * tw.eye({0})"
for _name in ("inv", "det", "pinv"):
    op(f"np.linalg.{_name}({_shifted})", f"torch.linalg.{_name}({_twin})", _square, well_conditioned)
op(f"np.linalg.slogdet({_shifted})[1]", f"torch.linalg.slogdet({_twin})[1]", _square, well_conditioned)
op(
    f"np.linalg.solve({_shifted}, {{1}})",
    f"torch.linalg.solve({_twin}, {{1}})",
    operands("fc", "fc", shift=of(3.0, 4.0)),
    # PyTorch takes b for a stack of vectors where its shape is that of a without the last axis.
    lambda a, b, **k: b.ndim > 1 and b.shape != a.shape[:-1] and well_conditioned(a, **k),
)
op(
    "np.linalg.cholesky({0} @ {0}.mT + 2 * np.eye({0}.shape[-2]))",
    "torch.linalg.cholesky({0} @ {0}.mT + 2 * tw.eye({0}.mT))",
    operands("f"),
    lambda a: a.ndim > 1 and a.size > 0,
)
op(
    "np.linalg.eigvalsh({0} @ {0}.mT)",
    "torch.linalg.eigvalsh({0} @ {0}.mT)",
    operands("f"),
    lambda a: values_apart(a) and a.shape[-2] <= a.shape[-1],
)
op("np.linalg.svd({0}, compute_uv=False)", "torch.linalg.svdvals({0})", operands("fc"), values_apart)
op("np.linalg.norm({0}, 'nuc')", "torch.linalg.matrix_norm({0}, 'nuc')", operands("f"), values_apart)
op(
    "np.linalg.norm({0}, 2)",
    "torch.linalg.matrix_norm({0}, 2)",
    operands("f"),
    lambda a: a.ndim == 2 and values_apart(a),
)
op("np.linalg.qr({0})[1]", None, operands("f"), lambda a: values_apart(a) and a.shape[-2] >= a.shape[-1])
op("np.linalg.matrix_power({0}, {n})", SAME, operands("f", n=whole(1, 3)))
op("np.trace({0})", SAME, operands("fc"), lambda a: a.ndim == 2)
op(
    "np.trace({0}, offset={k}, axis1={axes}[0], axis2={axes}[1])",
    None,
    operands("f", k=whole(-1, 1), axes=two_axes),
)

# -- shape ---------------------------------------------------------------------------------------

op("np.reshape({0}, {shape})", None, operands("fc", shape=shape), moves=True)
op("{0}.reshape({shape})", None, operands("fc", shape=shape), moves=True)
op("np.reshape({0}, {shape}, order='F')", None, operands("fc", shape=shape), moves=True)
op("{0}.ravel()", None, operands("fc"), moves=True)
op("{0}.flatten(order='F')", None, operands("fc"), moves=True)
op("{0}.T", None, operands("fc"), moves=True)
op("np.transpose({0}, {axes})", None, operands("fc", axes=permutation), moves=True, weight=4)
op("np.swapaxes({0}, {axes}[0], {axes}[1])", None, operands("fc", axes=two_axes), moves=True)
op("np.moveaxis({0}, {axis}, 0)", None, operands("fc", axis=axis), moves=True)
op("np.expand_dims({0}, {axis})", None, operands("fc", axis=new_axis), moves=True)
op("np.squeeze({0})", None, operands("fc"), moves=True)
op("np.broadcast_to({0}, {shape})", None, operands("fc", shape=broadcast_shape), moves=True)
op("np.broadcast_arrays({0}, {1})[1]", None, operands("fc", "fc"), moves=True)
op("np.atleast_2d({0})", None, operands("fc"), moves=True)
op("np.concatenate([{all}], axis={axis})", None, several("fc", axis=one_or_no_axis), moves=True)
op("np.stack([{all}, {0}], axis={axis})", None, several("fc", most=2, axis=new_axis), moves=True)
op("np.hstack([{all}])", None, several("fc"), moves=True)
op("np.vstack([{all}, {0}])", None, several("fc", most=2), moves=True)
op("np.column_stack([{all}])", None, several("fc"), moves=True)
op("np.block([[{0}, {1}], [{1}, {0}]])", None, operands("f", "f"), moves=True)
op("np.append({0}, {1})", None, operands("fc", "fc"), moves=True)
op("np.concatenate([{0}, {c}], axis=None)", None, operands("f", c=array((2,), (1, 2))))
op("np.split({0}, {0}.shape[{axis}], axis={axis})[-1]", None, operands("fc", axis=axis), moves=True)
op("np.array_split({0}, 2, axis={axis})[{k}]", None, operands("fc", axis=axis, k=of(0, 1)), moves=True)
op(
    "np.pad({0}, {widths}, mode={mode})",
    None,
    operands("fc", widths=widths, mode=of("edge", "reflect", "symmetric", "wrap")),
    moves=True,
)
op("np.pad({0}, {k})", None, operands("fc", k=whole(0, 2)), moves=True)
op("np.pad({0}, {widths}, constant_values={c})", None, operands("f", widths=widths, c=number(-1, 1)))
op("np.pad({0}, {widths}, {mode})", None, operands("f", widths=widths, mode=of("mean", "linear_ramp")))
op("np.roll({0}, {k}, axis={axis})", None, operands("fc", k=whole(-3, 3), axis=one_or_no_axis), moves=True)
op("np.tile({0}, {k})", None, operands("fc", k=of(1, 2, (2, 1), (1, 2, 1), 0)), moves=True)
op("np.repeat({0}, {k}, axis={axis})", None, operands("fc", k=whole(0, 3), axis=one_or_no_axis), moves=True)
op(
    "np.repeat({0}, {k}, axis=0)",
    None,
    operands("fc", k=lambda rng, x: counts(rng, x, axis(rng, x))),
    moves=True,
)
op("np.flip({0}, {axis})", None, operands("fc", axis=axes), moves=True)
op("np.rot90({0}, {k}, {axes})", None, operands("fc", k=whole(-1, 3), axes=two_axes), moves=True)
op("np.diag({0}, {k})", None, operands("fc", k=whole(-1, 1)), moves=True)
op("np.diagonal({0}, {k}, *{axes})", None, operands("fc", k=whole(-1, 1), axes=two_axes), moves=True)
op("np.tril({0}, {k})", None, operands("fc", k=whole(-1, 1)), moves=True)
op("np.triu({0}, {k})", None, operands("fc", k=whole(-1, 1)), moves=True)
op("np.delete({0}, {k}, axis={axis})", None, operands("fc", k=of(0, -1, [0, 1], []), axis=axis), moves=True)
op(
    "np.insert({0}, {k}, {1}, axis={axis})",
    None,
    operands("f", "f", k=of(0, -1, 1), axis=one_or_no_axis),
    moves=True,
)
op("{0} * np.full_like({0}, {1})", None, operands("f", "f"))
op("np.resize({0}, {shape})", None, operands("fc", shape=of((2, 3), (4,), (1, 5), ())), moves=True)
op(
    "np.meshgrid({0}, {1})[{k}]",
    None,
    operands("f", "f", k=of(0, 1)),
    lambda a, b, **_: a.ndim < 2 and b.ndim < 2,
    moves=True,
)
op("np.trim_zeros({0})", None, operands("f"))
op("np.astype({0}, np.float64)", None, operands("f"), moves=True)
op("np.copy({0})", None, operands("fc"), moves=True)
op("{0} + np.ones_like({1})", "{0} + torch.ones_like({1})", operands("fc", "fc", on_tape=True))
op("np.linspace({0}, {1}, {n}, axis={axis})", None, operands("f", "f", n=whole(1, 4), axis=of(0, -1)))

# -- constants -----------------------------------------------------------------------------------

_shapes: tuple[tuple[int, ...], ...] = ((), (3,), (2,), (2, 3), (3, 1), (2, 2), (1, 1), (0,))
op("np.array({c})", None, operands(c=array(*_shapes)))
op("np.array({c}, np.int64)", None, operands(c=array(*_shapes, low=1, high=4, integers=True)), flat=True)
