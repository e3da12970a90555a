"""Symptoms of the steps: gradients that are not zeroed, weights that do not move, and wrong rates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .evidence import Evidence, named
from .report import Finding
from .thresholds import BETTER, FASTER, GROWN, HALF, SLOWER, STILL

__all__ = ["never_zeroed", "other_rates", "still", "too_high", "too_low"]


def never_zeroed(e: Evidence) -> Iterator[Finding]:
    """From the second step on, each step adds its gradient to that of the step before."""
    done = e.training
    if done is None or e.subject.step is None or done.steps < 3:
        return
    if done.kept_gradients >= done.steps - 1:
        yield Finding(
            "step",
            f"in {done.kept_gradients} of {done.steps} steps the gradient was added to an old one",
            "optimizer.zero_grad() before loss.backward()",
            e.subject.line,
            {"steps": float(done.kept_gradients)},
        )


def still(e: Evidence) -> Iterator[Finding]:
    """Weights with a gradient are the same after the steps, to the bit."""
    done = e.training
    if done is None or (e.subject.step is None and e.subject.optimizer is None) or done.broken is not None:
        return
    trained = e.subject.trained
    names = [
        name
        for name, change in done.moved.items()
        if change == 0
        and np.any(e.first.gradients.get(name) if e.first.gradients.get(name) is not None else 0)
        and (trained is None or id(e.subject.parameters[name]) in trained)
    ]
    if names:
        yield Finding(
            named(names),
            f"it has a gradient, and did not move in {done.steps} steps",
            "optimizer.step() after loss.backward(), and a rate above 0",
            e.subject.line,
            {"parameters": float(len(names))},
        )


def other_rates(e: Evidence) -> tuple[float, ...]:
    """The multiples of the rate that are worth a try."""
    if not e.subject.optimizers or e.training is None or e.first.error is not None:
        return ()
    if not any(e.training.moved.values()):
        return ()
    before, after = e.first.value, _after(e)
    if abs(after - before) <= STILL * before:
        return FASTER
    return () if after < before else SLOWER


def _after(e: Evidence) -> float:
    return np.inf if e.last is None or not np.isfinite(e.last.value) else e.last.value


def too_high(e: Evidence) -> Iterator[Finding]:
    """The loss grows, and falls with a smaller rate."""
    before, after = e.first.value, _after(e)
    least = (BETTER if after > GROWN * before else HALF) * before
    tried = {f: loss for f, loss in e.rates.items() if f < 1 and loss < least}
    if tried:
        factor = min(tried, key=lambda f: tried[f])
        yield Finding(
            "the rate",
            f"in {_steps(e)} steps the loss went from {before:.3g} to {after:.3g}; with {factor:g} times the "
            f"rate it falls to {tried[factor]:.3g}",
            _repair(e, factor),
            e.subject.line,
            {"before": before, "after": after, "factor": factor, "then": tried[factor]},
        )


def too_low(e: Evidence) -> Iterator[Finding]:
    """The loss stands still, and falls with a larger rate."""
    before, after = e.first.value, _after(e)
    tried = {f: loss for f, loss in e.rates.items() if f > 1 and loss < BETTER * before}
    if tried:
        factor = min(tried)
        yield Finding(
            "the rate",
            f"in {_steps(e)} steps the loss went from {before:.6g} to {after:.6g}; with {factor:g} times the "
            f"rate it falls to {tried[factor]:.3g}",
            _repair(e, factor),
            e.subject.line,
            {"before": before, "after": after, "factor": factor, "then": tried[factor]},
        )


def _steps(e: Evidence) -> int:
    return 0 if e.training is None else e.training.steps


def _repair(e: Evidence, factor: float) -> str:
    optimizer = e.subject.optimizers[0]
    rate = optimizer.param_groups[0]["lr"] * factor
    return f"optimizer = nn.optim.{type(optimizer).__name__}(model.parameters(), lr={rate:.3g})"
