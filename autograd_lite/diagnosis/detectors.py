"""The table of detectors: each symptom, and the function that finds it. Causes stand before their effects."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import data, rates, signals, wiring
from .evidence import Evidence
from .report import Finding

__all__ = ["DETECTORS"]

Detector = Callable[[Evidence], Iterator[Finding]]

DETECTORS: dict[str, Detector] = {
    "NaN or inf in the data": data.not_finite,
    "constant inputs": data.constant,
    "unscaled inputs": data.unscaled,
    "labels off by one": data.shifted,
    "labels out of range": data.out_of_range,
    "one-hot labels": data.one_hot,
    "labels of a wrong kind": data.wrong_kind,
    "targets broadcast": wiring.broadcast,
    "softmax before the loss": wiring.softmax_before_loss,
    "evaluation mode": wiring.evaluating,
    "batch of one sample": wiring.batch_of_one,
    "detached part": wiring.detached,
    "unused part": wiring.unused,
    "frozen part": wiring.frozen,
    "not in the optimizer": wiring.untrained,
    "no nonlinearity": wiring.linear_pair,
    "equal weights": wiring.equal_weights,
    "kinks": signals.kinks,
    "dead units": signals.dead,
    "saturated activations": signals.saturated,
    "vanishing gradients": signals.vanishing,
    "exploding gradients": signals.exploding,
    "NaN or inf": signals.nonfinite,
    "gradients not zeroed": rates.never_zeroed,
    "weights that never move": rates.still,
    "rate too high": rates.too_high,
    "rate too low": rates.too_low,
    "an error": wiring.error,
}
