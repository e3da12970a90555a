"""What must hold of a program, in each way of running it."""

from __future__ import annotations

import functools
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_lite as ag

from .drawing import replayed, wide, widened
from .program import Program, Step
from .references import along, difference, direction, inner, plain, torch_gradient, wobble
from .table import OPS
from .torch_twins import has_twin

Arrays = Sequence[Any]


@dataclass(frozen=True)
class Fault:
    """What does not hold of a program.

    Attributes:
        program: the program.
        way: of running it, a key of `WAYS`.
        what: expected and found.
    """

    program: Program
    way: str
    what: str

    def __str__(self) -> str:
        return f"{self.way}: {self.what}\n\n{self.program}"


class Trial:
    """A program with what several ways of running it share."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.inputs = program.inputs
        self.argnums = tuple(range(len(self.inputs)))
        self.rng = np.random.default_rng(5)
        self.eps = max(float(np.finfo(x.dtype).eps) for x in self.inputs)
        self.v = direction(self.rng, self.inputs)

    def gradient_of(self, f: Callable[..., Any], inputs: Arrays | None = None) -> list[Any]:
        return list(ag.grad(f, self.argnums)(*(self.inputs if inputs is None else inputs)))

    @functools.cached_property
    def wide(self) -> Program:
        return wide(self.program)

    @functools.cached_property
    def gradient(self) -> list[Any]:
        return self.gradient_of(self.program.loss)

    @functools.cached_property
    def wide_gradient(self) -> list[Any]:
        """In double precision; for a program in single, the reference."""
        return self.gradient_of(self.wide.loss, self.wide.inputs)

    @functools.cached_property
    def tolerance(self) -> float:
        """Of each entry of the gradient."""

        def derivative(each: Callable[[Any], Any]) -> list[Any]:
            return self.gradient_of(functools.partial(self.wide.loss, each=each), self.wide.inputs)

        return wobble(derivative, self.rng, self.eps)

    def product_of(self, loss: Callable[..., Any], inputs: Arrays, v: Arrays) -> list[Any]:
        """The Hessian times v, the gradient's product with v differentiated once more."""

        def product(*xs: Any) -> Any:
            pairs = zip(ag.grad(loss, self.argnums)(*xs), v, strict=True)
            return functools.reduce(lambda a, b: a + b, (np.sum(np.real(np.conj(g) * d)) for g, d in pairs))

        return self.gradient_of(product, inputs)

    @functools.cached_property
    def product(self) -> list[Any]:
        return self.product_of(self.program.loss, self.inputs, self.v)

    @functools.cached_property
    def product_tolerance(self) -> float:
        def derivative(each: Callable[[Any], Any]) -> list[Any]:
            return self.product_of(functools.partial(self.wide.loss, each=each), self.wide.inputs, self.v)

        return wobble(derivative, self.rng, self.eps)

    def along(self, a: Arrays) -> float:
        """How much a tolerance of 1 in each entry of the gradient is along `a`."""
        return float(sum(np.sum(np.abs(x)) for x in a)) + 1.0

    def leaves(self) -> list[Any]:
        return [ag.Tensor(x, requires_grad=True) for x in self.inputs]


def unlike(names: str, found: Arrays, expected: Arrays, tolerance: float) -> str | None:
    """What is wrong with gradients, if anything."""
    off = difference(found, expected)
    if off <= tolerance:
        return None
    return f"{names} differ by {off:.3g}, {tolerance:.1g} is rounding\n{list(found)}\n{list(expected)}"


# -- values --------------------------------------------------------------------------------------


def values(trial: Trial) -> str | None:
    """Of each step by itself to the bit those of NumPy, and of the whole program up to rounding."""
    program = trial.program
    found = replayed(program)
    if found is None:
        return "this is no program"
    for i, step in enumerate(program.steps):
        given = [contiguous(found.arrays[k]) for k in step.operands]
        made = [
            ag.Tensor(x, requires_grad=True) if found.recorded[k] else x
            for k, x in zip(step.operands, given, strict=True)
        ]
        with ag.no_grad():
            quiet = step(*made)
        for name, got in (("recorded", step(*made)), ("under no_grad", quiet)):
            fault = unequal(step, given, got, step(*given))
            if fault is not None:
                return f"v{len(trial.inputs) + i} {name} {fault}"
    return None


def contiguous(x: Any) -> Any:
    """In C order, of which a Tensor's copy has the strides; NumPy's bits depend on strides."""
    return np.array(x, order="C") if isinstance(x, np.ndarray) else x


def unequal(step: Step, given: Arrays, got: Any, right: Any) -> str | None:
    """What is wrong with the value of a step, if anything."""
    got, right = plain(got), np.asarray(right)
    if got.shape != right.shape or got.dtype != right.dtype:
        return f"is {got.dtype} {got.shape}, in NumPy {right.dtype} {right.shape}"
    if np.array_equal(got, right):
        return None
    if OPS[step.op].rounds or right.dtype.kind == "c":

        def value(each: Callable[[Any], Any]) -> list[Any]:
            return [np.asarray(step(*(each(x) for x in widened(given))))]

        rng = np.random.default_rng(3)
        return unlike(
            "value and NumPy's", [got], [right], wobble(value, rng, float(np.finfo(right.dtype).eps))
        )
    return f"is\n{got!r}, in NumPy\n{right!r}"


# -- first order ---------------------------------------------------------------------------------


def reverse(trial: Trial) -> str | None:
    """Gradients have the shapes and dtypes of the inputs; in single precision they are close to double."""
    for g, x in zip(trial.gradient, trial.inputs, strict=True):
        if g.shape != x.shape or g.dtype != x.dtype:
            return f"the gradient is {g.dtype} {g.shape}, the input {x.dtype} {x.shape}"
    return unlike("gradients in single and in double", trial.gradient, trial.wide_gradient, trial.tolerance)


def forward(trial: Trial) -> str | None:
    """jvp along v is the gradient times v."""
    value, tangent = ag.jvp(trial.program.loss, trial.inputs, trial.v)
    if np.asarray(value).dtype != np.asarray(tangent).dtype:
        return f"the tangent is {np.asarray(tangent).dtype}, the loss {np.asarray(value).dtype}"
    expected, tolerance = inner(trial.gradient, trial.v), trial.tolerance * trial.along(trial.v)
    return unlike("jvp and gradient", [np.asarray(tangent)], [np.asarray(expected)], tolerance)


def differences(trial: Trial) -> str | None:
    """Along v, finite differences of NumPy's own values; their error is estimated by themselves."""
    v = [d.astype(x.dtype) for d, x in zip(trial.v, trial.wide.inputs, strict=True)]
    found = along(trial.wide.loss, trial.wide.inputs, v)
    if undecided(found):
        return None
    expected = inner(trial.wide_gradient, v)
    tolerance = 10 * found.error + trial.tolerance * trial.along(v)
    return unlike("gradient and differences", [np.array(expected)], [np.array(found.value)], tolerance)


def undecided(found: Any) -> bool:
    """Whether differences do not settle: a kink or the edge of a domain is near."""
    return bool(found.kink or found.jump or not np.isfinite(found.value) or found.error > 1e-3)


def torch(trial: Trial) -> str | None:
    """PyTorch's loss, gradient, and Hessian times v."""
    if not has_twin(trial.program):
        return None
    try:
        loss, gradient, product = torch_gradient(trial.program, trial.v)
    except (IndexError, RuntimeError):  # what PyTorch itself refuses: empty axes, layouts in memory
        return None
    ours = trial.program.loss(*trial.inputs)
    return (
        unlike("losses", [ours], [np.array(loss)], trial.tolerance + 1e-12 * (1 + abs(loss)))
        or unlike("our gradient and PyTorch's", trial.gradient, gradient, trial.tolerance)
        or unlike("our Hessian's product and PyTorch's", trial.product, product, trial.product_tolerance)
    )


# -- second order --------------------------------------------------------------------------------


def second(trial: Trial) -> str | None:
    """Reverse over reverse, forward over reverse and hvp agree."""
    program, inputs, v = trial.program, trial.inputs, trial.v
    tolerance = trial.product_tolerance
    for g, x in zip(trial.product, inputs, strict=True):
        if g.shape != x.shape or g.dtype != x.dtype:
            return f"the Hessian's product is {g.dtype} {g.shape}, the input {x.dtype} {x.shape}"
    pushed = ag.jvp(lambda *xs: ag.grad(program.loss, trial.argnums)(*xs), inputs, v)[1]
    product = ag.hvp(program.loss, inputs, v)
    product = product if isinstance(product, tuple) else (product,)
    wide = trial.product_of(trial.wide.loss, trial.wide.inputs, v)
    return (
        unlike("forward over reverse and reverse over reverse", pushed, trial.product, tolerance)
        or unlike("hvp and reverse over reverse", product, trial.product, tolerance)
        or unlike("Hessians in single and in double", trial.product, wide, tolerance)
    )


def symmetric(trial: Trial) -> str | None:
    """The Hessian is symmetric: u H v = v H u."""
    u = direction(trial.rng, trial.inputs)
    there = inner(trial.product, u)
    back = inner(trial.product_of(trial.program.loss, trial.inputs, u), trial.v)
    tolerance = trial.product_tolerance * (trial.along(u) + trial.along(trial.v))
    return unlike("u H v and v H u", [np.array(there)], [np.array(back)], tolerance)


def bent(trial: Trial) -> str | None:
    """Along v, the gradient changes by the Hessian times v: finite differences of gradients."""
    inputs = trial.wide.inputs
    v = [d.astype(x.dtype) for d, x in zip(trial.v, inputs, strict=True)]
    u = direction(trial.rng, inputs)
    found = along(lambda *xs: inner(trial.gradient_of(trial.wide.loss, xs), u), inputs, v)
    if undecided(found):
        return None
    expected = inner(trial.product_of(trial.wide.loss, inputs, v), u)
    tolerance = 10 * found.error + trial.product_tolerance * trial.along(u)
    return unlike("Hessian and differences", [np.array(expected)], [np.array(found.value)], tolerance)


# -- other doors ---------------------------------------------------------------------------------


def doors(trial: Trial) -> str | None:
    """backward, retain_graph, create_graph, Tape, checkpoint and detect_anomaly give one gradient."""
    program, tolerance, expected = trial.program, trial.tolerance, trial.gradient

    def grads(leaves: list[Any]) -> list[Any]:
        return [np.zeros_like(plain(x)) if x.grad is None else plain(x.grad) for x in leaves]

    def backward(twice: bool = False, **options: Any) -> list[Any]:
        leaves = trial.leaves()
        loss = program.loss(*leaves)
        if twice:
            loss.backward(retain_graph=True)
        loss.backward(**options)
        found = grads(leaves)
        for x in leaves:
            x.grad = None  # after create_graph, graph and gradient hold each other
        return found

    leaves = trial.leaves()
    with ag.Tape() as tape:
        loss = program.loss(*leaves)
    taped = [plain(g) for g in tape.gradient(loss, leaves)]
    with ag.detect_anomaly():
        watched = trial.gradient_of(program.loss)
    found = {
        "backward": backward(),
        "half of backward twice": [g / 2 for g in backward(twice=True)],
        "backward with create_graph": backward(create_graph=True),
        "tape.gradient": taped,
        "grad of checkpoint": trial.gradient_of(ag.checkpoint(program.loss)),
        "grad under detect_anomaly": watched,
    }
    for name, got in found.items():
        fault = unlike(f"{name} and grad", got, expected, tolerance)
        if fault is not None:
            return fault
    return None


WAYS: dict[str, Callable[[Trial], str | None]] = {
    f.__name__: f for f in (values, reverse, forward, differences, torch, second, symmetric, bent, doors)
}


def fault_of(program: Program, ways: Sequence[str] = tuple(WAYS)) -> Fault | None:
    """The first fault, if any. An error of any kind is one: the ops of the table are all served."""
    trial = Trial(program)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        for way in ways:
            try:
                what = WAYS[way](trial)
            except Exception as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                what = f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"
            if what is not None:
                return Fault(program, way, what)
    return None
