"""Derivatives without the engine, and how far rounding may move the engine's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import tree
from autograd_lite.slope import Slope, slope

from . import torch_twins
from .program import Program

Arrays = Sequence[Any]


def inner(a: Arrays, b: Arrays) -> float:
    """The change of a loss with gradient `a` along `b`: the sum of Re(conj(a) b)."""
    return float(sum(np.sum(np.real(np.conj(x) * y)) for x, y in zip(a, b, strict=True)))


def direction(rng: np.random.Generator, inputs: Arrays) -> list[Any]:
    """Random numbers of the inputs' shapes and dtypes."""

    def normal(x: Any) -> Any:
        v = rng.normal(size=x.shape)
        return (v + 1j * rng.normal(size=x.shape) if np.iscomplexobj(x) else v).astype(x.dtype)

    return [np.asarray(normal(x)) for x in inputs]


def along(f: Callable[..., float], inputs: Arrays, v: Arrays, largest: float = 2.0**-8) -> Slope:
    """The derivative of f along `v` from differences of its values, with an estimate of its error."""

    def phi(t: float) -> float:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return float(f(*(np.asarray(x + t * d) for x, d in zip(inputs, v, strict=True))))

    return slope(phi, largest)


NUDGE = 2.0**-30
"""How far numbers are moved to see what depends on them: far above rounding, yet nearly linear."""


@ag.primitive
def nudge(x: Any, factor: Any, back: Any) -> Any:
    """Moves a value by one factor and its cotangent by another: a step that rounds both."""
    return x * factor


ag.defvjp(nudge, lambda g, y, x, factor, back: g * back)


def wobble(
    derivative: Callable[[Callable[[Any], Any]], Arrays], rng: np.random.Generator, eps: float
) -> float:
    """How far a derivative may be off that is computed with a relative rounding error of `eps` in each step.

    The bound belongs to the program: every entry of every operand is moved by a factor 1 ± NUDGE, and so is
    its cotangent on the way back. What the derivative then moves by, times eps / NUDGE, is its sensitivity
    to rounding. Three moves at random, and a factor for the many roundings inside of one step. Where
    cotangents cancel inside of a step, as those of a constant correlation do, no nudge shows it; hence the
    largest cotangent on the tape besides.
    """

    def nudged(value: Any) -> Any:
        if np.dtype(value.dtype).kind not in "fc":
            return value
        factor, back = 1.0 + NUDGE * rng.choice([-1.0, 1.0], size=(2, *value.shape))
        return nudge(value, factor, back)

    with ag.Tape() as tape:
        still = derivative(lambda value: value)
    cotangents = [x for node in tape.nodes for x in tree.flatten([node.adjoint])[0] if x is not None]
    moved = [derivative(nudged) for _ in range(3)]
    off = max(difference(still, other) for other in moved)
    return 100 * eps * (off / NUDGE + largest(still) + largest(cotangents))


def difference(a: Arrays, b: Arrays) -> float:
    """The largest of all entries; NaN if one is."""
    return largest([x - y for x, y in zip(a, b, strict=True)])


def plain(x: Any) -> Any:
    return x.numpy() if isinstance(x, ag.Tensor) else np.asarray(x)


def largest(arrays: Arrays) -> float:
    entries = [np.max(np.abs(x)) for x in map(plain, arrays) if np.size(x)]
    return float(np.max(entries)) if entries else 0.0


def torch_gradient(program: Program, vectors: Arrays | None = None) -> tuple[float, list[Any], list[Any]]:
    """The loss, its gradient, and the product of its Hessian with `vectors`, as PyTorch computes them."""
    torch = torch_twins.library()
    inputs = [torch.tensor(x, requires_grad=True) for x in program.inputs]

    def gradient(y: Any, **options: Any) -> list[Any]:
        if not y.requires_grad:
            return [torch.zeros_like(x) for x in inputs]
        found = torch.autograd.grad(y, inputs, allow_unused=True, **options)
        return [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True)]

    loss = torch_twins.loss(program, *inputs)
    first = gradient(loss, create_graph=True)
    products: list[Any] = []
    if vectors is not None:
        pairs = [torch.sum((g.conj() * torch.as_tensor(v)).real) for g, v in zip(first, vectors, strict=True)]
        products = gradient(sum(pairs))
    plain = [[x.detach().resolve_conj().numpy(force=True) for x in found] for found in (first, products)]
    return loss.item(), plain[0], plain[1]
