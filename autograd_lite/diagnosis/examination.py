"""`doctor`: look, train a few steps, look again, ask the detectors, and put everything back."""

from __future__ import annotations

import dataclasses
import math
import random
import warnings
from typing import Any

import numpy as np

from ..errors import MistakeWarning, OptionError, user_line
from ..node import Leaf
from ..plan.reach import reach
from ..plan.undo import surely, whole
from .detectors import DETECTORS
from .evidence import Evidence
from .passes import Subject, look
from .rates import other_rates
from .report import Finding, Report
from .signals import layers_of
from .thresholds import BETTER
from .training import first_anomaly, rates_times, train

__all__ = ["doctor"]


def doctor(
    model: Any,
    x: Any,
    y: Any,
    loss: Any,
    *,
    optimizer: Any = None,
    step: Any = None,
    steps: int = 20,
    batch_size: int = 32,
) -> Report:
    """Train a few steps, and name the symptoms of a net that does not learn, each with its line.

    Afterwards model, optimizer, gradients, modes and random numbers are as before, also after an error or
    Ctrl-C. `print(report)` shows for each symptom where it is, what was measured, and the repair.

    Args:
        model: a module, or a function of Tensors that require gradients.
        x: the training inputs, of shape (N, ...); a tuple of arrays for a model of several arguments.
        y: the targets, of shape (N, ...); None if the loss takes the output alone.
        loss: `loss(model(x), y)` returns a single number.
        optimizer: as in the program. Without one the doctor makes small plain steps, and cannot judge the
            rate.
        step: the training step of the program in place of the optimizer: `step(x, y)` computes the loss of a
            batch and updates the weights.
        steps: how many training steps to run.
        batch_size: the number of samples in a batch.

    Returns:
        A `Report`: `findings`, false if there are none; `layers`, what each layer showed; `losses`.

    Raises:
        DTypeError: the model or the loss is not callable.
        OptionError: `steps` or `batch_size` is no positive integer, or optimizer and step are both given.

    Source:
        A. Karpathy, "A recipe for training neural networks", 2019; E. Schoop et al., "UMLAUT: debugging deep
        learning programs using program structure and model behavior", 2021.

    Example:
        >>> import numpy as np, autograd_lite as ag, nn
        >>> nn.manual_seed(0)
        >>> X, y = nn.datasets.load_digits("train")
        >>> model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10), nn.Softmax(dim=1))
        >>> report = ag.doctor(model, X, y, nn.CrossEntropyLoss())
        >>> report.symptoms
        ('softmax before the loss',)
    """
    _check(steps=steps, batch_size=batch_size)
    if optimizer is not None and step is not None:
        raise OptionError("doctor: give the optimizer, or the step that uses it, not both")
    subject = Subject(model, x, y, loss, optimizer, step, batch_size, user_line())
    before = Before(model, loss, optimizer, step, *subject.mutable)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", MistakeWarning)  # the detectors say more
            return report_of(examined(subject, steps, before))
    finally:
        before.restore()


def _check(**counts: Any) -> None:
    """Refuse a number of steps or samples that is none."""
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise OptionError(f"doctor({name}={value!r}): expected a positive integer, e.g. {name}=20")


class Before:
    """All that some objects reach, and the states of random generators, as they were."""

    def __init__(self, *roots: Any) -> None:
        found = reach(*roots)
        self._undo = whole(found)
        self._undo.keep([])
        self._undo.copy()
        self._states = [(g, _state(g)) for g in [*found.generators, random]]
        leaves = [t.node for t in found.tensors if t.node.__class__ is Leaf]
        marked = [leaf.notes is not None and leaf.notes.on_tape for leaf in leaves]
        self._leaves = [
            (n, n.notes, on_tape, dict(n.hooks)) for n, on_tape in zip(leaves, marked, strict=True)
        ]

    def restore(self) -> None:
        """Put everything back."""
        surely(self._restore)

    def _restore(self) -> None:
        self._undo.restore()
        for (
            leaf,
            notes,
            on_tape,
            hooks,
        ) in self._leaves:  # a Tape has marked them, and an interrupt left hooks
            leaf.notes = notes
            leaf.hooks.clear()
            leaf.hooks.update(hooks)
            if notes is not None:
                notes.on_tape = on_tape
        for generator, state in self._states:
            if isinstance(generator, np.random.Generator):
                generator.bit_generator.state = state
            elif isinstance(generator, np.random.RandomState):
                generator.set_state(state)
            else:
                generator.setstate(state)


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.getstate()


def examined(subject: Subject, steps: int, before: Before) -> Evidence:
    """A look, some steps, a look at what they changed, and other rates if the loss does not fall."""
    e = Evidence(subject, look(subject))
    before.restore()
    if e.first.error is not None or not math.isfinite(e.first.value) or not any_gradient(e):
        return e
    e.training = train(subject, steps)
    e.last = look(subject)
    before.restore()
    if e.training.broken is not None:
        e.anomaly = first_anomaly(subject, e.training.broken + 1)
        before.restore()
    for factor in other_rates(e):
        rates_times(subject, factor)
        if train(subject, steps).error is None:
            e.rates[factor] = look(subject).value
        before.restore()
        if e.rates.get(factor, math.inf) < BETTER * e.first.value and factor > 1:
            break
    return e


def any_gradient(e: Evidence) -> bool:
    """Whether a parameter has a gradient: else there is nothing to train."""
    return any(g is not None for g in e.first.gradients.values())


def report_of(e: Evidence) -> Report:
    """What the detectors find. Numbers that are not finite in the data explain all the rest."""
    findings: list[Finding] = []
    for symptom, detector in DETECTORS.items():
        findings += [dataclasses.replace(finding, symptom=symptom) for finding in detector(e)]
        if findings and symptom == next(iter(DETECTORS)):
            break
    losses = () if e.training is None else tuple(e.training.losses)
    return Report(tuple(findings), layers_of(e), losses, tuple(DETECTORS))
