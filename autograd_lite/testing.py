"""Gradient checking: is every derivative right, and if one is not, whose rule is to blame?

>>> import numpy as np
>>> check_grads(lambda x, y: np.sum(np.sin(x) * y), (np.array([0.1, 0.2]), 3.0))

The numeric reference comes from central differences with an estimate of their error, so that the tolerance
can be tight and a kink is told from a mistake, and, where the function is analytic, from the complex step,
which sees errors of 1e-12. On a failure the tape is replayed op by op, and the op whose own derivative is
wrong is named.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from . import tree
from .apply import output
from .arrays import refuse_other_arithmetic, to_host, unwrap
from .backward import play
from .box import wrap
from .dependence import check_dependence
from .errors import AutogradLiteError, DTypeError, GradientCheckError, KinkError, OptionError, user_line
from .known import rule_of
from .node import Node, op_name
from .pull import Sweep, pulled
from .recording import no_grad
from .slope import Slope, analytic_slope, slope
from .tape import Tape, listening
from .tensor import Tensor
from .transforms import jvp, vjp
from .words.explain import describe

__all__ = ["check_grads", "gradient_test"]

Function = Callable[..., Any]
Array = npt.NDArray[Any]

FULL = 64
"""Arguments of up to this many entries are checked entry by entry, larger ones along directions."""

DIRECTIONS = 4
"""How many random directions a larger argument is checked along, besides as many single entries."""

__tracebackhide__ = True  # pytest shows the lines of the test, not those of this file


def check_grads(
    f: Function,
    args: Any,
    order: int = 2,
    modes: Sequence[str] = ("rev", "fwd"),
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    directions: int | Literal["all"] | None = None,
) -> None:
    """Compare the derivatives of `f` at `args` with finite differences, and with the complex step.

    Args:
        f: a function of arrays, or nested containers of them, that returns the same; it is called
            on Tensors. Integer and boolean arguments are left alone.
        args: a tuple or list of arguments; anything else counts as the only argument.
        order: how many times to differentiate.
        modes: "rev" (vjp), "fwd" (jvp), or both; for order 2 in all combinations.
        eps: the largest step of the finite differences, relative to the largest entry where that is
            above 1. By default 2^-6; steps are halved until the result settles.
        atol, rtol: a derivative d passes if it is within atol + rtol |d| of its reference, besides
            what the reference itself is uncertain by. By default rtol is 1e-6 for float64, 1e-12 where the
            complex step is the reference, 2e-3 for narrower dtypes, and atol as much of the argument's
            largest derivative.
        directions: "all" checks each argument entry by entry, which takes time in proportion to its size;
            an int, along that many random directions, each of which moves all entries at once, and at as
            many single entries. By default arguments of up to 64 entries are checked at all of them, and
            larger ones along 4 directions. A direction sees that something is wrong, an entry where.

    Raises:
        GradientCheckError: a derivative is wrong. The message names the argument, the index, both
            values, how many entries are wrong, and the op on the tape that is to blame. Or f does not depend
            on its arguments, so that nothing would be checked.
        KinkError: the slopes from the left and from the right differ, or the values do, so that f has
            no derivative at this point; move the inputs.
        DTypeError: no argument is floating-point.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.primitive
        ... def double(x):
        ...     return 2 * x
        >>> ag.defvjp(double, lambda g, y, x: -2 * g)
        >>> check_grads(lambda x: np.sin(double(x)), 0.0, order=1)
        Traceback (most recent call last):
        ...
        autograd_lite.errors.GradientCheckError: wrong reverse-mode derivative of argument 0:
        analytic -2, numeric 2
          argument:        0, float64 ()
          analytic:        -2
          numeric:          2, to within ..., by the complex step
          relative error:   2
          wrong:           1 of 1 entries
          to blame:        the rule of double(float64 ()), recorded at ...
          checked alone:   wrong reverse-mode derivative of argument 0: ...
    """
    if not isinstance(order, int) or order < 1:
        raise OptionError(
            f"check_grads(f, args, order={describe(order)}): order is an int of at least 1; several "
            "arguments go into one tuple: check_grads(f, (x, y))"
        )
    if not modes or set(modes) - {"rev", "fwd"}:
        raise OptionError(f'check_grads: modes={modes!r}; expected "rev", "fwd" or both')
    if directions not in (None, "all") and not (isinstance(directions, int) and directions > 0):
        raise OptionError(
            f'check_grads: directions={describe(directions)}; expected "all" for every entry, or how many '
            "directions to check along, at random"
        )
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    leaves, rebuild = tree.flatten(args)
    refuse_other_arithmetic(leaves)
    places = [i for i, x in enumerate(leaves) if to_host(x).dtype.kind in "fc"]
    if not places:
        raise DTypeError(
            f"check_grads: no argument is floating-point ({', '.join(map(describe, leaves))}); "
            "write x.astype(float)"
        )

    def flat(*xs: Any) -> Any:
        changed = list(leaves)
        for i, x in zip(places, xs, strict=True):
            changed[i] = x
        return f(*rebuild(changed))

    names = [f"argument {path[1:].replace(']', '', 1)}" for path in tree.paths(args)]
    points = [np.array(to_host(leaves[i])) for i in places]
    check = _Check(flat, points, [names[i] for i in places], tuple(modes), eps, atol, rtol, directions)
    check_dependence(flat, points, check.names, [leaves[i] for i in places])
    try:
        check.run(order)
    except _CheckError as failure:
        kind = KinkError if failure.no_slope else GradientCheckError
        raise kind(_report(failure, _culprit(check, order, failure.no_slope))) from None


def gradient_test(*samples: Any, **options: Any) -> Callable[[Function], Function]:
    """Decorate a function to become pytest tests of its own derivatives: one for each sample of arguments.

    Args:
        samples: a tuple or list of arguments each; anything else counts as the only argument.
        options: as of `check_grads`.

    Example:
        >>> import numpy as np
        >>> from autograd_lite.testing import gradient_test
        >>> @gradient_test(np.array([0.5, 2.0]), (np.array([0.5]), 3.0))
        ... def test_softclip(x, width=1.0):
        ...     return width * np.tanh(x / width)
        >>> test_softclip(sample=(0.1, 2.0))      # pytest calls it with each of the samples
    """
    import pytest

    def decorate(f: Function) -> Function:
        def test(sample: Any) -> None:
            __tracebackhide__ = True
            check_grads(f, sample, **options)

        test.__name__, test.__doc__, test.__module__ = f.__name__, f.__doc__, f.__module__
        each = [s if isinstance(s, (tuple, list)) else (s,) for s in samples]
        titles = [", ".join(map(describe, args)) for args in each]
        parametrized: Function = pytest.mark.parametrize("sample", samples, ids=titles)(test)
        return parametrized

    return decorate


Row = tuple[str, str]
"""A line of the report: what it is about, and what there is to say."""


class _CheckError(Exception):
    """What is wrong, before it is known whose fault it is."""

    def __init__(self, line: str, rows: Sequence[Row] = (), no_slope: bool = False) -> None:
        super().__init__(line)
        self.rows = rows
        self.no_slope = no_slope


def _report(failure: _CheckError, culprit: Sequence[Row]) -> str:
    """What is wrong in one line, and below it in all detail."""
    rows = [(f"{label}:", text) for label, text in (*failure.rows, *culprit)]
    width = max(len(label) for label, _ in rows)
    return "\n".join([str(failure), *(f"  {label:<{width}}  {text}" for label, text in rows)])


# -- the comparison --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Check:
    """A function, a point, and how to compare."""

    f: Function
    points: list[Array]
    names: list[str]
    modes: tuple[str, ...]
    eps: float | None
    atol: float | None
    rtol: float | None
    directions: int | Literal["all"] | None
    size: float = 0.0
    """Of the function that was given: what its derivatives are made of, and rounded with."""
    mirrored: bool = False
    """Whether f is a gradient, which of a complex point is the conjugate of the derivative."""

    def run(self, order: int) -> None:
        """Check f, and then its derivatives as functions of the same point."""
        _check_rules(self.f, self.points)
        rng = np.random.default_rng(0)
        values, again = self.outputs(self.points), self.outputs(self.points)
        if not all(np.array_equal(y, twin, equal_nan=True) for y, twin in zip(values, again, strict=True)):
            raise _CheckError("the value differs from one call to the next; is there randomness in f?")
        cotangents = [_random(rng, y) for y in values]
        # Of a single number the report shows the derivative itself, though a rule must not take g for 1.
        numbers = [v.item() for v in cotangents if v.size == 1 and v.dtype.kind == "f"]
        unit = numbers[0] if numbers and sum(y.size for y in values) == 1 else 1.0
        weights = [v / unit for v in cotangents]
        tangents = [_tangent(rng, x) for x in self.points]
        if "rev" in self.modes:
            pullback = _pullback(self.f, cotangents)
            self.reverse(pullback, weights, unit)
            self.higher(pullback, "reverse", order, not self.mirrored)
        if "fwd" in self.modes:
            pushforward = _pushforward(self.f, tangents)
            self.forward(pushforward, weights, tangents)
            self.higher(pushforward, "forward", order, self.mirrored)

    def higher(self, derivative: Function, mode: str, order: int, mirrored: bool) -> None:
        if order > 1:
            try:
                size = self.size or sum(float(np.sum(np.abs(y))) for y in self.outputs(self.points))
                replace(self, f=derivative, size=size, mirrored=mirrored).run(order - 1)
            except _CheckError as failure:
                line = f"in the {mode}-mode derivative, differentiated again: {failure}"
                raise _CheckError(line, failure.rows, failure.no_slope) from None

    def outputs(self, points: list[Array]) -> list[Array]:
        with no_grad():
            values = self.f(*map(wrap, points))
        return [to_host(y) for y in tree.flatten(values)[0]]

    def reverse(self, pullback: Function, weights: list[Any], unit: float) -> None:
        gradients, again = ([to_host(g) for g in pullback(*map(wrap, self.points))] for _ in range(2))
        for k, (g, twin, x, name) in enumerate(zip(gradients, again, self.points, self.names, strict=True)):
            if not np.array_equal(g, twin, equal_nan=True):
                raise _CheckError(
                    f"the derivative of {name} differs from one call to the next; is there randomness in f?"
                )
            found = []
            for way in _ways(x, self.directions):
                along: list[Any] = [None] * len(self.points)
                along[k] = way.direction
                found.append((way, _inner(way.direction, g) / unit, self.slope(along, weights, way.size)))
            scale = max((abs(s.value) for *_, s in found if math.isfinite(s.value)), default=0.0)
            argument = ("argument", f"{name.removeprefix('argument ')}, {describe(x)}")
            flaws = []
            for way, got, expected in found:
                what = f"reverse-mode derivative of {name}{way.place}"
                flaw = self.judge(got, expected, scale, x.dtype, what)
                if flaw is not None:
                    flaws.append((way, flaw))
            if flaws:
                way, worst = max(flaws, key=lambda pair: pair[1].rank)
                index = [("index", way.place.removeprefix(" at index "))] if way.single and x.ndim else []
                alike = [other for other, flaw in flaws if flaw.rank[0] == worst.rank[0]]
                tally = (RANKS[worst.rank[0]], _tally(alike, [w for w, *_ in found]))
                raise _CheckError(worst.line, [argument, *index, *worst.rows, tally], worst.no_slope)

    def forward(self, pushforward: Function, weights: list[Any], tangents: list[Any]) -> None:
        pushed = tree.flatten(pushforward(*map(wrap, self.points)))[0]
        got = sum(_inner(v, unwrap(t)) for v, t in zip(weights, pushed, strict=True))
        narrow = min((x.dtype for x in self.points), key=lambda dtype: np.finfo(dtype).bits)
        flaw = self.judge(got, self.slope(tangents, weights), 0.0, narrow, "forward-mode derivative")
        if flaw is not None:
            raise _CheckError(flaw.line, flaw.rows, flaw.no_slope)

    def slope(self, along: list[Any], weights: list[Any], size: float = 1.0) -> Slope:
        """The derivative of Re<weights, f> along a direction; None stands for no movement."""
        wide = [x.astype(np.result_type(x.dtype, np.float64)) for x in self.points]

        def outputs(t: Any) -> list[Array]:
            moved = [x if d is None else x + t * d for x, d in zip(wide, along, strict=True)]
            with np.errstate(all="ignore"):
                return self.outputs(moved)

        def phi(t: float) -> float:
            return sum(_inner(v, y) for v, y in zip(weights, outputs(t), strict=True))

        def extended(t: complex) -> complex:
            total = complex(sum(np.sum(v * y) for v, y in zip(weights, outputs(t), strict=True)))
            return total.conjugate() if self.mirrored else total

        largest = (self.eps or 2.0**-6) * size
        found = None
        if all(x.dtype == np.float64 for x in (*self.points, *weights)):
            with contextlib.suppress(Exception), warnings.catch_warnings():  # f need not take complex numbers
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                found = analytic_slope(phi, extended, largest)
        return found or slope(phi, largest)

    def judge(self, got: float, expected: Slope, scale: float, dtype: Any, what: str) -> _Flaw | None:
        """What is wrong with one number, if anything; `scale` is the largest derivative of its argument."""
        value, error = expected.value, expected.error
        if expected.kink:
            return _missing(what, f"there is a kink, the slope jumps by {expected.kink:.6g}", got, True)
        if abs(expected.jump) > 0:
            return _missing(what, f"the function jumps there, by {expected.jump:.6g}", got, True)
        if not math.isfinite(value):
            why = "the function is not finite around the point"
            if expected.jump == 0:
                why = "finite differences do not settle"
            return _missing(what, f"{why} (analytic {got:.6g})", got, False)
        narrow = np.finfo(dtype).bits < 64
        rtol = 2e-3 if narrow else 1e-12 if expected.sharp else 1e-6
        rtol = self.rtol if self.rtol is not None else rtol
        rounding = (2e-5 if narrow else 1e-13) * max(self.size, expected.size)
        atol = self.atol if self.atol is not None else rtol * scale + rounding
        if abs(got - value) <= atol + rtol * abs(value) + (10 if expected.sharp else 4) * error:
            return None
        off = abs(got - value) / (abs(value) or math.ulp(0.0))
        if math.isfinite(got) and error > 0.01 * max(abs(value), scale):
            line = (
                f"cannot check the {what}: finite differences give it as {value:.6g} only to within "
                f"{error:.1g} (analytic {got:.6g}); scale the function or its arguments, or set eps"
            )
            return _Flaw((0, off), line, [], False)
        method = "the complex step" if expected.sharp else "finite differences"
        rows = [
            ("analytic", f"{got: .16g}"),
            ("numeric", f"{value: .16g}, to within {error:.1g}, by {method}"),
            ("relative error", f" {off:.3g}" if value else "-"),
        ]
        digits = 10 if not off < 1e-8 else 17
        line = f"wrong {what}: analytic {got:.{digits}g}, numeric {value:.{digits}g}"
        return _Flaw((2, off if off == off else math.inf), line, rows, False)


RANKS = ("undecided", "no derivative", "wrong")
"""From the last to the first that is reported."""


class _Flaw(NamedTuple):
    """What is wrong with one derivative.

    Attributes:
        rank: its place in RANKS, and the relative error; of several flaws the one of the largest is reported.
        line, rows: of the report.
        no_slope: whether the function has no derivative there.
    """

    rank: tuple[int, float]
    line: str
    rows: list[Row]
    no_slope: bool


def _missing(what: str, why: str, got: float, no_slope: bool) -> _Flaw:
    return _Flaw((1, 0.0), f"no {what}: {why}", [("analytic", f"{got: .16g}")], no_slope)


def _pullback(f: Function, cotangents: list[Any]) -> Function:
    def pulled_back(*xs: Any) -> Any:
        out, pullback = vjp(f, *xs)
        return pullback(tree.flatten(out)[1](cotangents))

    return pulled_back


def _pushforward(f: Function, tangents: list[Any]) -> Function:
    return lambda *xs: jvp(f, xs, tuple(t.astype(x.dtype) for t, x in zip(tangents, xs, strict=True)))[1]


def _inner(a: Any, b: Any) -> float:
    return float(np.real(np.vdot(a, b)))


def _random(rng: np.random.Generator, like: Array) -> Any:
    """Numbers between 1/4 and 1 in size, so that no entry goes unnoticed."""
    real = rng.uniform(0.25, 1, like.shape) * rng.choice([-1.0, 1.0], like.shape)
    if like.dtype.kind == "c":
        real = real + 1j * rng.uniform(0.25, 1, like.shape)
    return np.asarray(real).astype(like.dtype if like.dtype.kind in "fc" else float)


def _tangent(rng: np.random.Generator, x: Array) -> Any:
    """A random direction that moves every entry in proportion to its size."""
    return _random(rng, x) * np.maximum(1, np.abs(x)).astype(np.finfo(x.dtype).dtype)


class _Way(NamedTuple):
    """A direction to check along, how far to go, where that is, and whether it is a single entry."""

    direction: Any
    size: float
    place: str
    single: bool


def _ways(x: Array, directions: int | Literal["all"] | None) -> Iterator[_Way]:
    """Single entries, real and imaginary parts apart; of a large array only some, and random mixtures."""
    rng = np.random.default_rng(1)
    units = (1.0, 1j) if x.dtype.kind == "c" else (1.0,)
    entries: Any = range(x.size)
    if directions is None:
        directions = "all" if x.size <= FULL else DIRECTIONS
    if directions != "all" and x.size > 1:
        entries = rng.choice(x.size, min(directions, x.size), replace=False)
        for _ in range(directions):
            yield _Way(_tangent(rng, x), 1.0, " along a random direction", False)
    for entry in entries:
        place = tuple(int(i) for i in np.unravel_index(entry, x.shape))
        for unit in units:
            direction = np.zeros(x.shape, type(unit))
            direction[place] = unit
            part = "" if len(units) == 1 else (" (real part)" if unit == 1 else " (imaginary part)")
            at = f" at index {place}" if place else ""
            yield _Way(direction, max(1.0, abs(x[place])), at + part, True)


def _tally(chosen: list[_Way], everywhere: list[_Way]) -> str:
    """How many of the random directions, and how many of the entries, were chosen."""
    parts = []
    for kind, single in (("random directions", False), ("entries", True)):
        of, all_ = (
            [way for way in ways if (way.place[:6] != " along") is single] for ways in (chosen, everywhere)
        )
        parts += [f"{len(of)} of {len(all_)} {kind}"] * bool(all_)
    return ", ".join(parts)


# -- what the rules themselves return --------------------------------------------------------------


def _record(f: Function, points: list[Array]) -> tuple[Tape, list[Any]]:
    """The tape of f with the line of each step, and the outputs."""

    def note_line(node: Node) -> None:
        node.note().line = user_line()

    leaves = [Tensor(x, requires_grad=True) for x in points]
    with listening(note_line), Tape() as tape:
        out = f(*leaves)
    return tape, tree.flatten(out)[0]


def _check_rules(f: Function, points: list[Array]) -> None:
    """Look at what each rule returns before the sweep casts it: its dtype, and whether it writes."""
    try:
        tape, outputs = _record(f, points)
        seeds = {y.node: np.ones(y.shape, y.dtype)[()] for y in outputs if isinstance(y, Tensor) and y.node}
        play(seeds, Sweep(retain=True, keep=True))
    except Exception as error:
        notes = " ".join(getattr(error, "__notes__", ()))
        raise _CheckError(f"the backward pass fails: {type(error).__name__}: {error} {notes}") from error
    for node in tape.nodes:
        if node.adjoint is None or node.adjoint.__class__ is tuple or rule_of(node.op) is None:  # type: ignore[arg-type]
            continue
        kept = node.args, node.value, node.adjoint
        try:
            node.args = tuple(map(_read_only, node.args))
            node.value, node.adjoint = _read_only(node.value), _read_only(node.adjoint)
            sent, again = pulled(node, node.adjoint), pulled(node, node.adjoint)
        except ValueError as error:
            raise _CheckError(f"the rule of {op_name(node.op)} writes into its arguments: {error}") from error
        finally:
            node.args, node.value, node.adjoint = kept
        for one, other in zip(sent, again, strict=True):
            owned = isinstance(one, np.ndarray) and one.base is None
            if owned and one is other and not any(one is x for x in (node.adjoint, node.value, *node.args)):
                raise _CheckError(f"the rule of {op_name(node.op)} returns the same array at every call")
        dtypes = {
            np.asarray(x).dtype for x in (node.value, *node.args) if isinstance(x, (np.ndarray, np.generic))
        }
        floats = {dtype for dtype in dtypes if dtype.kind in "fc"}
        for i, gx in enumerate(sent):
            if gx is not None and len(floats) == 1 and getattr(gx, "dtype", *floats) not in floats:
                raise _CheckError(
                    f"wrong dtype: the rule of {op_name(node.op)} for argument {i} returns {gx.dtype} where "
                    f"all is {next(iter(floats))}; use Python numbers in rules, for np.float64 widens"
                )


def _read_only(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x


# -- whose fault it is -----------------------------------------------------------------------------


def _culprit(check: _Check, order: int, no_slope: bool) -> list[Row]:
    """Replay the tape and check each op by itself; the first that fails is named."""
    label, of = ("it comes from", "") if no_slope else ("to blame", "the rule of ")
    try:
        tape, _ = _record(check.f, check.points)
    except AutogradLiteError as error:
        return [("to blame", f"f itself, which fails on Tensors: {error}")]
    for node in tape.nodes:
        moving = [i for i, x in enumerate(node.inputs) if isinstance(x, Node) and x.op is not output]
        if node.op is output or not all(isinstance(node.args[i], (np.ndarray, np.generic)) for i in moving):
            continue
        points = [np.asarray(node.args[i]) for i in moving]
        names = [f"argument {i}" for i in moving]
        try:
            replace(check, f=_alone(node, moving), points=points, names=names).run(order)
        except _CheckError as failure:
            came = ", ".join(describe(x) for x in node.args)
            return [
                (label, f"{of}{op_name(node.op)}({came}), recorded at {node.note().line}"),
                ("checked alone", str(failure)),
            ]
        except TypeError:
            continue  # an op that cannot be called outside of its place
    if no_slope:
        return [(label, "no recorded op, but a comparison, a rounding, or a choice made in Python")]
    return [
        (
            label,
            "no single rule. Does f leave the tape (x.numpy(), stop_gradient), change arrays in place, or "
            "depend on more than its arguments?",
        )
    ]


def _alone(node: Node, moving: list[int]) -> Function:
    """One step of the tape as a function of its recorded inputs."""
    op = node.op
    assert op is not None
    # Residuals are what a forward pass has saved for its backward pass: another call saves its own.
    kwargs = {key: option for key, option in (node.kwargs or {}).items() if key != "_residuals"}

    def step(*xs: Any) -> Any:
        args = list(node.args)
        for i, x in zip(moving, xs, strict=True):
            args[i] = x
        return op(*args, **kwargs)

    return step
