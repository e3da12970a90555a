"""Symptoms of what flows through a model: activations, and the gradients of their way back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..arrays import finite, to_host
from ..node import Leaf, Node
from .evidence import Evidence, percent
from .passes import Look, Step, norm, rms
from .report import Finding, Layer
from .thresholds import DEAD, EXPLODED, FAR, HUGE, KINKS, LOST, NEAR, SATURATED, VANISHED

__all__ = ["dead", "exploding", "kinks", "layers_of", "nonfinite", "saturated", "vanishing"]

LIMITS = {"sigmoid": (0.0, 1.0), **dict.fromkeys(("tanh", "rnn", "gru", "lstm"), (-1.0, 1.0))}
"""The ops whose results lie between two limits."""


def _rectifies(step: Step) -> bool:
    """Whether a step is max(x, 0), or a recurrent layer with it."""
    if step.op == "maximum":
        return any(np.size(a) == 1 and not np.any(a) for a in step.node.args)
    relu = (step.node.kwargs or {}).get("nonlinearity") == "relu"
    return step.op == "relu" or (step.op == "rnn" and bool(relu))


def _silent(step: Step) -> float | None:
    """The fraction of units that are 0 for all samples; None if the step does not rectify."""
    return _share_of_units(step.value > 0) if _rectifies(step) else None


def _share_of_units(active: Any) -> float:
    """The fraction of units that are never active.

    Units are the columns of a matrix and the channels of images. Of three axes, either of the last two may
    count them: the kinder answer holds.
    """
    axes = {0: (), 1: (0,), 3: (1, 2)}.get(active.ndim, (1,))
    shares = []
    for axis in axes:
        others = tuple(k for k in range(active.ndim) if k != axis)
        shares.append(float(np.mean(~np.any(active, axis=others))))
    return min(shares, default=0.0)


def _saturated(step: Step) -> float | None:
    """The fraction of entries near a limit; None if the step has no limits."""
    if step.op not in LIMITS or _rectifies(step):
        return None
    low, high = LIMITS[step.op]
    near = NEAR * (high - low) / 2
    return float(np.mean((step.value < low + near) | (step.value > high - near)))


def _twice(
    e: Evidence, measure: Callable[[Step], float | None], least: float
) -> Iterator[tuple[Step, float]]:
    """The first step of each layer of the model at which a measure is large, before the steps or after."""
    told = set()
    for seen in e.both:
        for step in seen.steps[: seen.of_model]:
            share = measure(step)
            if share is not None and share >= least and step.layer not in told:
                told.add(step.layer)
                yield step, share


def _lost(step: Step) -> float | None:
    """The fraction of units that are silent, and far from being active."""
    args = [to_host(a) for a in step.node.args if getattr(a, "ndim", 0) in (2, 4)]
    if not _rectifies(step) or len(args) != 1:
        return None
    axes = tuple(k for k in range(args[0].ndim) if k != 1)
    top = args[0].max(axis=axes)
    if not np.any(top > 0):
        return 1.0
    return float(np.mean(top < -FAR * rms(np.compress(top > 0, args[0], axis=1))))


def dead(e: Evidence) -> Iterator[Finding]:
    """Rectifiers that are 0 for all samples pass no gradient, so their weights stay as they are."""
    found = {step.layer: (step, share) for step, share in _twice(e, _lost, LOST)}
    found |= {step.layer: (step, share) for step, share in _twice(e, _silent, DEAD)}
    for step, share in found.values():
        yield Finding(
            step.layer,
            f"{percent(share)} of its units are 0 for all samples, and pass no gradient",
            "a smaller rate, nn.init.kaiming_normal_ for the weights, zero biases, or nn.LeakyReLU()",
            step.line,
            {"share": share},
        )


def saturated(e: Evidence) -> Iterator[Finding]:
    """Activations near their limits have a slope near 0."""
    for step, share in _twice(e, _saturated, SATURATED):
        yield Finding(
            step.layer,
            f"{percent(share)} of its outputs are within {percent(NEAR)} of a limit: the slope is near 0",
            "nn.init.xavier_normal_ for the weights before it, and inputs of mean 0 and standard deviation 1",
            step.line,
            {"share": share},
        )


def _at_kinks(step: Step) -> float | None:
    """The fraction of entries exactly at the kink of a rectifier or an absolute value.

    Where all units are 0 at once, the layer reads a blank part of its input. These positions do not count,
    unless all positions are blank.
    """
    if step.op not in ("relu", "absolute", "maximum") or (step.op == "maximum" and not _rectifies(step)):
        return None
    args = [a for a in step.node.args if np.size(a) > 1]
    if not args:
        return None
    at = to_host(args[0]) == 0
    if at.ndim > 1 and not np.all(at):
        shares = []
        for axis in (1, 2) if at.ndim == 3 else (1,):
            counted = ~np.all(at, axis=axis, keepdims=True)
            shares.append(float(np.sum(at & counted)) / max(1, int(np.sum(counted)) * at.shape[axis]))
        return float(min(shares))
    return float(np.mean(at))


def kinks(e: Evidence) -> Iterator[Finding]:
    """Many entries lie exactly at a kink, where the gradient is a convention."""
    for step, share in _twice(e, _at_kinks, KINKS):
        if any(_at_kinks(s) == 0 for seen in e.both for s in seen.steps if s.layer == step.layer):
            continue  # weights that begin as zeros, and move
        yield Finding(
            step.layer,
            f"{percent(share)} of what it reads is exactly 0, the kink, where the slope counts as 0",
            "random weights before it: nn.init.kaiming_normal_(layer.weight)",
            step.line,
            {"share": share},
        )


# -- the way back ----------------------------------------------------------------------------------


def _norms(e: Evidence, seen: Look) -> dict[str, tuple[Step, float]]:
    """The norm of the cotangent at the output of each layer with weights, in the order of the model."""
    found: dict[str, tuple[Step, float]] = {}
    for step in seen.steps[: seen.of_model]:
        if e.weights_of(step) and step.node in seen.reached and step.layer not in found:
            found[step.layer] = step, norm(step.node.adjoint)
    return found


def _ratios(e: Evidence, pick: Callable[..., Any]) -> Iterator[tuple[Step, float, str]]:
    """For each layer its norm relative to that of a later layer, and this layer.

    Args:
        e: the evidence.
        pick: `max` or `min`, which chooses the later layer, and of the passes the one nearest to 1.
    """
    passes = [_norms(e, seen) for seen in e.both]
    for layer, (step, _) in passes[0].items() if passes else ():
        ratios = []
        for norms in passes:
            names = [name for name in norms if 0 < norms[name][1] < math.inf]
            later = names[names.index(layer) + 1 :] if layer in names else []
            if later:
                other = pick(later, key=lambda name, norms=norms: norms[name][1])
                ratios.append((norms[layer][1] / norms[other][1], other))
        if len(ratios) == len(passes):
            yield step, *(max if pick is max else min)(ratios)


def vanishing(e: Evidence) -> Iterator[Finding]:
    """The gradient of an early layer is a tiny fraction of that of a later layer."""
    small = [(step, ratio, top) for step, ratio, top in _ratios(e, max) if ratio < VANISHED]
    if small:
        step, ratio, top = small[0]
        more = f"; {len(small)} layers have less than {VANISHED:g} times" if len(small) > 1 else ""
        yield Finding(
            step.layer,
            f"the gradient at its output is {ratio:.1e} times that at {top}{more}",
            "nn.ReLU() for saturating activations, nn.init.kaiming_normal_, nn.BatchNorm1d, or x + f(x)",
            step.line,
            {"ratio": ratio, "layers": float(len(small))},
        )


def exploding(e: Evidence) -> Iterator[Finding]:
    """The gradient grows on its way back, or is many times larger than the weights."""
    large = [(step, ratio, top) for step, ratio, top in _ratios(e, min) if ratio > EXPLODED]
    if large:
        step, ratio, top = max(large, key=lambda found: found[1])
        yield Finding(
            step.layer,
            f"the gradient at its output is {ratio:.1e} times that at {top}",
            "nn.init.kaiming_normal_ for the weights, nn.BatchNorm1d, or nn.utils.clip_grad_norm_",
            step.line,
            {"ratio": ratio},
        )
        return
    worst, name = max(((_relative(e, name), name) for name in e.subject.parameters), default=(0.0, ""))
    if HUGE < worst < math.inf:
        yield Finding(
            name,
            f"its gradient is {worst:.1e} times as large as the parameter",
            "nn.init.kaiming_normal_, inputs and targets of size 1, or nn.utils.clip_grad_norm_",
            None,
            {"ratio": worst},
        )


def _relative(e: Evidence, name: str) -> float:
    """The least ratio of gradient and parameter in the passes; 0 for vectors, which often begin as zeros."""
    if e.subject.parameters[name].ndim < 2 or not e.both:
        return 0.0
    ratios = []
    for seen in e.both:
        size = norm(seen.weights[name])
        ratios.append(norm(seen.gradients.get(name)) / size if size else 0.0)
    least = min(ratios)
    return least if math.isfinite(least) else 0.0


# -- NaN and inf -----------------------------------------------------------------------------------


def nonfinite(e: Evidence) -> Iterator[Finding]:
    """The loss or a gradient is NaN or inf; the first op that made it is named."""
    seen = e.first
    if seen.error is not None:
        return
    gradients = {name: g for name, g in seen.gradients.items() if g is not None}
    bad = [name for name, g in gradients.items() if not np.all(np.isfinite(g))]
    if not math.isfinite(seen.value):
        step = next(
            (s for s in seen.steps if not finite(s.node.value) and all(map(finite, s.node.args))), None
        )
        yield Finding(
            "the loss" if step is None else step.layer,
            f"the loss is {seen.value}" + (f"; {step.op} made the first such number" if step else ""),
            "with ag.detect_anomaly(): loss(model(x), y).backward()",
            e.subject.line if step is None else step.line,
        )
    elif bad:
        step = _first_bad_pull(seen)
        yield Finding(
            bad[0] if step is None else step.layer,
            f"the gradient of {bad[0]} is not finite"
            + (f"; the derivative of {step.op} made the first such number" if step else ""),
            "with ag.detect_anomaly(): loss(model(x), y).backward()",
            e.subject.line if step is None else step.line,
        )
    elif e.training is not None and e.training.broken is not None:
        yield Finding(
            f"step {e.training.broken + 1}",
            f"the loss or a weight is not finite after this step: {e.anomaly or 'no op is to blame'}",
            "a smaller rate, or nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
            e.subject.line,
            {"step": float(e.training.broken + 1)},
        )


def _first_bad_pull(seen: Look) -> Step | None:
    """The first step on the way back that got finite numbers, and sent others."""
    for step in reversed(seen.steps):
        node = step.node
        if node in seen.reached and node.adjoint is not None and finite(node.adjoint):
            sent = [parent.adjoint for parent in node.inputs if isinstance(parent, Node)]
            if any(g is not None and not finite(g) for g in sent):
                return step
    return None


# -- the table of layers ---------------------------------------------------------------------------


def layers_of(e: Evidence) -> tuple[Layer, ...]:
    """The layers with weights and the activations, as they were in the first pass."""
    found = []
    for step in e.first.steps[: e.first.of_model]:
        silent, limited = _silent(step), _saturated(step)
        if e.weights_of(step) or silent is not None or limited is not None:
            adjoint = step.node.adjoint if step.node.__class__ is not Leaf else None
            found.append(Layer(step.layer, step.op, rms(step.value), norm(adjoint), silent, limited))
    return tuple(found)
