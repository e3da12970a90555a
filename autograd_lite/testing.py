"""Gradient checking: is every derivative right, and if one is not, whose rule is to blame?

>>> import numpy as np
>>> check_grads(lambda x, y: np.sum(np.sin(x) * y), (np.array([0.1, 0.2]), 3.0))

The numeric reference comes from central differences, extrapolated to step 0 with an estimate of
the error, so that the tolerance can be tight and a kink is told from a mistake. On a failure the
tape is replayed op by op, and the op whose own derivative is wrong is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from . import tree
from .backward import play, pulled
from .errors import AutogradLiteError, DTypeError, GradientCheckError, KinkError, OptionError
from .explain import describe
from .rules import rules
from .tape import Node, Tape, listening, no_grad, op_name, user_line
from .tensor import Tensor, output, unwrap, wrap
from .transforms import jvp, vjp

__all__ = ["check_grads", "gradient_test"]

Function = Callable[..., Any]
Array = npt.NDArray[Any]

FULL = 64
"""Arguments of up to this many entries are checked entry by entry, larger ones along directions."""

RATIO = 1.6
"""Of one step to the next: no power of two, lest the steps are whole periods of the function."""

DIRECTIONS = 4
"""How many random directions a larger argument is checked along, besides as many single entries."""


def check_grads(
    f: Function,
    args: Any,
    order: int = 2,
    modes: Sequence[str] = ("rev", "fwd"),
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
) -> None:
    """Compare the derivatives of `f` at `args` with finite differences.

    Args:
        f: a function of arrays, or nested containers of them, that returns the same; it is called
            on Tensors. Integer and boolean arguments are left alone.
        args: a tuple or list of arguments; anything else counts as the only argument.
        order: how many times to differentiate.
        modes: "rev" (vjp), "fwd" (jvp), or both; for order 2 in all combinations.
        eps: the largest step of the finite differences, relative to the largest entry where that is
            above 1. By default 2^-6; steps are halved until the result settles.
        atol, rtol: a derivative d passes if it is within atol + rtol |d| of its reference, besides
            what the reference itself is uncertain by. By default rtol is 1e-6 for float64 and 2e-3
            for narrower dtypes, and atol as much of the argument's largest derivative.

    Raises:
        GradientCheckError: a derivative is wrong. The message names the argument, the index, both
            values, and the op on the tape that is to blame.
        KinkError: the slopes from the left and from the right differ, so that f has no derivative
            at this point; move the inputs.
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
        analytic -1.455442531, numeric 1.455442531
        to blame: the rule of double(float64 ()), recorded at ...
          checked alone: wrong reverse-mode derivative of argument 0: analytic -1.455..., numeric 1.455...
    """
    __tracebackhide__ = True  # pytest shows the caller's line, not this function
    if not isinstance(order, int) or order < 1:
        raise OptionError(
            f"check_grads(f, args, order={describe(order)}): order is an int of at least 1; several "
            "arguments go into one tuple: check_grads(f, (x, y))"
        )
    if not modes or set(modes) - {"rev", "fwd"}:
        raise OptionError(f'check_grads: modes={modes!r}; expected "rev", "fwd" or both')
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    leaves, rebuild = tree.flatten(args)
    places = [i for i, x in enumerate(leaves) if np.asarray(unwrap(x)).dtype.kind in "fc"]
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

    names = _names(args)
    points = [np.array(unwrap(leaves[i])) for i in places]
    check = _Check(flat, points, [names[i] for i in places], tuple(modes), eps, atol, rtol)
    try:
        check.run(order)
    except _CheckError as failure:
        kind = KinkError if failure.kink else GradientCheckError
        raise kind(f"{failure}\n{_culprit(check, order)}") from None


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


def _names(args: tuple[Any, ...]) -> list[str]:
    names = []
    for k, arg in enumerate(args):
        count = len(tree.flatten(arg)[0])
        nested = isinstance(arg, (tuple, list, dict))
        names += [f"argument {k}, leaf {j}" if nested else f"argument {k}" for j in range(count)]
    return names


class _CheckError(Exception):
    """What is wrong, before it is known whose fault it is."""

    kink = False


class _KinkFoundError(_CheckError):
    kink = True


# -- the numeric reference -------------------------------------------------------------------------


@dataclass(frozen=True)
class Slope:
    """A derivative found by differences.

    Attributes:
        value: the derivative.
        error: how far off it may be.
        jump: the slope from the right minus that from the left, if they differ.
        size: of the function there.
    """

    value: float
    error: float
    jump: float
    size: float


def slope(phi: Callable[[float], float], largest: float) -> Slope:
    """phi'(0), from central differences at ever smaller steps, extrapolated to step 0.

    Source:
        C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", 1982.

    Example:
        >>> round(slope(math.exp, 0.1).value, 12), slope(abs, 0.1).jump
        (1.0, 2.0)
    """
    middle = phi(0.0)
    nothing = best = Slope(math.nan, math.inf, 0.0, abs(middle))
    row: list[float] = []
    step = largest
    for _ in range(60):
        central, _, noise = _difference(phi, middle, step)
        if not math.isfinite(central):  # outside of the domain: come closer, and begin anew
            row, step = [], step / 10
            continue
        new = [central]
        for j, previous in enumerate(row):
            new.append(new[-1] + (new[-1] - previous) / (RATIO ** (2 * (j + 1)) - 1))
            error = max(abs(new[-1] - new[-2]), abs(new[-1] - previous), 2 * noise)
            if error < best.error:
                best = Slope(new[-1], error, 0.0, abs(middle))
        row, step = new, step / RATIO
        if len(row) > 3 and best.error <= 1e-9 * abs(best.value) + 1e-12 + 8 * noise:
            settled = _confirmed(phi, middle, step, best)
            if settled is not None:
                return settled
            best, row, step = nothing, [], step / 10
    return best


def _difference(phi: Callable[[float], float], middle: float, step: float) -> tuple[float, float, float]:
    """Central difference, jump of the one-sided slopes, and what rounding may have done to them."""
    right, left = phi(step), phi(-step)
    noise = 2.0**-51 * max(abs(right), abs(left), abs(middle)) / step
    return (right - left) / (2 * step), (right - 2 * middle + left) / step, noise


def _confirmed(phi: Callable[[float], float], middle: float, step: float, found: Slope) -> Slope | None:
    """The slope, if much smaller steps agree with it: large ones can agree by chance, as they do when
    they step over a kink or over whole periods. At a kink the one-sided slopes differ at both."""
    jumps = []
    for shrink in (37.0, 1300.0):
        central, jump, noise = _difference(phi, middle, step / shrink)
        if not abs(central - found.value) <= 10 * found.error + 1e-5 * abs(found.value) + 8 * noise + 1e-11:
            return None
        jumps.append(jump if abs(jump) > 16 * noise + 1e-5 * abs(found.value) else 0.0)
    stays = 0.8 * abs(jumps[0]) < abs(jumps[1]) < 1.25 * abs(jumps[0])
    return replace(found, jump=jumps[1] if stays else 0.0)


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
    size: float = 0.0
    """Of the function that was given: what its derivatives are made of, and rounded with."""

    def run(self, order: int) -> None:
        """Check f, and then its derivatives as functions of the same point."""
        _check_rules(self.f, self.points)
        rng = np.random.default_rng(0)
        cotangents = [_random(rng, y) for y in self.outputs(self.points)]
        tangents = [_tangent(rng, x) for x in self.points]
        if "rev" in self.modes:
            pullback = _pullback(self.f, cotangents)
            self.reverse(pullback, cotangents)
            self.higher(pullback, "reverse", order)
        if "fwd" in self.modes:
            pushforward = _pushforward(self.f, tangents)
            self.forward(pushforward, cotangents, tangents)
            self.higher(pushforward, "forward", order)

    def higher(self, derivative: Function, mode: str, order: int) -> None:
        if order > 1:
            try:
                size = self.size or sum(float(np.sum(np.abs(y))) for y in self.outputs(self.points))
                replace(self, f=derivative, size=size).run(order - 1)
            except _CheckError as failure:
                raise type(failure)(
                    f"in the {mode}-mode derivative, differentiated again: {failure}"
                ) from None

    def outputs(self, points: list[Array]) -> list[Array]:
        with no_grad():
            values = self.f(*map(wrap, points))
        return [np.asarray(unwrap(y)) for y in tree.flatten(values)[0]]

    def reverse(self, pullback: Function, cotangents: list[Any]) -> None:
        gradients, again = (
            [np.asarray(unwrap(g)) for g in pullback(*map(wrap, self.points))] for _ in range(2)
        )
        for k, (g, twin, x, name) in enumerate(zip(gradients, again, self.points, self.names, strict=True)):
            if not np.array_equal(g, twin, equal_nan=True):
                raise _CheckError(
                    f"the derivative of {name} differs from one call to the next; is there randomness in f?"
                )
            found = []
            for direction, size, place in _directions(x):
                along: list[Any] = [None] * len(self.points)
                along[k] = direction
                found.append((_inner(direction, g), self.slope(along, cotangents, size), place))
            scale = max((abs(s.value) for _, s, _ in found if math.isfinite(s.value)), default=0.0)
            for got, expected, place in found:
                self.compare(got, expected, scale, x.dtype, f"reverse-mode derivative of {name}{place}")

    def forward(self, pushforward: Function, cotangents: list[Any], tangents: list[Any]) -> None:
        pushed = tree.flatten(pushforward(*map(wrap, self.points)))[0]
        got = sum(_inner(v, unwrap(t)) for v, t in zip(cotangents, pushed, strict=True))
        narrow = min((x.dtype for x in self.points), key=lambda dtype: np.finfo(dtype).bits)
        self.compare(got, self.slope(tangents, cotangents), 0.0, narrow, "forward-mode derivative")

    def slope(self, along: list[Any], cotangents: list[Any], size: float = 1.0) -> Slope:
        """The derivative of Re<cotangents, f> along a direction; None stands for no movement."""
        wide = [x.astype(np.result_type(x.dtype, np.float64)) for x in self.points]

        def phi(t: float) -> float:
            moved = [x if d is None else x + t * d for x, d in zip(wide, along, strict=True)]
            with np.errstate(all="ignore"):
                return sum(_inner(v, y) for v, y in zip(cotangents, self.outputs(moved), strict=True))

        return slope(phi, (self.eps or 2.0**-6) * size)

    def compare(self, got: float, expected: Slope, scale: float, dtype: Any, what: str) -> None:
        """Judge one number; `scale` is the largest derivative of the same argument."""
        value, error = expected.value, expected.error
        if expected.jump:
            raise _KinkFoundError(f"no {what}: there is a kink, the slope jumps by {expected.jump:.6g}")
        if not math.isfinite(value):
            raise _CheckError(f"no {what}: the function is not finite around the point (analytic {got:.6g})")
        narrow = np.finfo(dtype).bits < 64
        rtol = self.rtol if self.rtol is not None else 2e-3 if narrow else 1e-6
        rounding = (2e-5 if narrow else 1e-13) * max(self.size, expected.size)
        atol = self.atol if self.atol is not None else rtol * scale + rounding
        if abs(got - value) <= atol + rtol * abs(value) + 4 * error:
            return
        if math.isfinite(got) and error > 0.01 * max(abs(value), scale):
            raise _CheckError(
                f"cannot check the {what}: finite differences give it as {value:.6g} only to within "
                f"{error:.1g} (analytic {got:.6g}); scale the function or its arguments, or set eps"
            )
        raise _CheckError(f"wrong {what}: analytic {got:.10g}, numeric {value:.10g}")


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


def _directions(x: Array) -> Iterator[tuple[Any, float, str]]:
    """Directions, with how far to go along each, and a name: single entries, real and imaginary parts
    apart; of a large array only some, and random mixtures."""
    rng = np.random.default_rng(1)
    units = (1.0, 1j) if x.dtype.kind == "c" else (1.0,)
    entries: Any = range(x.size)
    if x.size > FULL:
        entries = rng.choice(x.size, DIRECTIONS, replace=False)
        for _ in range(DIRECTIONS):
            yield _tangent(rng, x), 1.0, " along a random direction"
    for entry in entries:
        place = tuple(int(i) for i in np.unravel_index(entry, x.shape))
        for unit in units:
            direction = np.zeros(x.shape, type(unit))
            direction[place] = unit
            part = "" if len(units) == 1 else (" (real part)" if unit == 1 else " (imaginary part)")
            yield direction, max(1.0, abs(x[place])), (f" at index {place}" if place else "") + part


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
        play(seeds, retain=True, keep=True)
    except Exception as error:
        notes = " ".join(getattr(error, "__notes__", ()))
        raise _CheckError(f"the backward pass fails: {type(error).__name__}: {error} {notes}") from error
    for node in tape.nodes:
        if node.adjoint is None or node.adjoint.__class__ is tuple or node.op not in rules:
            continue
        kept = node.args, node.value, node.adjoint
        node.args = tuple(map(_read_only, node.args))
        node.value, node.adjoint = _read_only(node.value), _read_only(node.adjoint)
        try:
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


def _culprit(check: _Check, order: int) -> str:
    """Replay the tape and check each op by itself; the first that fails is named."""
    try:
        tape, _ = _record(check.f, check.points)
    except AutogradLiteError as error:
        return f"f itself fails on Tensors: {error}"
    for node in tape.nodes:
        moving = [i for i, x in enumerate(node.inputs) if x.__class__ is Node and x.op is not output]
        if node.op is output or not all(isinstance(node.args[i], (np.ndarray, np.generic)) for i in moving):
            continue
        points = [np.asarray(node.args[i]) for i in moving]
        names = [f"argument {i}" for i in moving]
        try:
            replace(check, f=_alone(node, moving), points=points, names=names).run(order)
        except _CheckError as failure:
            came = ", ".join(describe(x) for x in node.args)
            role = "the kink is one of" if failure.kink else "to blame: the rule of"
            return (
                f"{role} {op_name(node.op)}({came}), recorded at {node.note().line}\n"
                f"  checked alone: {failure}"
            )
        except TypeError:
            continue  # an op that cannot be called outside of its place
    return (
        "to blame: no single rule. Does f leave the tape (x.numpy(), stop_gradient), change arrays in place, "
        "or depend on more than its arguments?"
    )


def _alone(node: Node, moving: list[int]) -> Function:
    """One step of the tape as a function of its recorded inputs."""
    op, kwargs = node.op, node.kwargs or {}
    assert op is not None

    def step(*xs: Any) -> Any:
        args = list(node.args)
        for i, x in zip(moving, xs, strict=True):
            args[i] = x
        return op(*args, **kwargs)

    return step
