"""Losses of regression."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import OptionError

from ..arrays import Input, as_array, as_operand
from .exactness import exact
from .former import takes_former_names
from .losses import check_options, of_one_shape, reduced, weighed

__all__ = ["gaussian_nll_loss", "huber_loss", "l1_loss", "poisson_nll_loss", "smooth_l1_loss"]


@takes_former_names
@exact
def l1_loss(input: Input, target: Input, reduction: str = "mean", weight: npt.ArrayLike | None = None) -> Any:
    """|x - y|.

    Args:
        input: x, of any shape.
        target: y, of the same shape.
        reduction: "none", "mean" or "sum".
        weight: a factor for each entry, of the same shape. The mean is divided by the sum of the weights.

    Raises:
        ShapeError: the shapes differ.
    """
    check_options(reduction)
    input, target = of_one_shape("l1_loss", input, target)
    return weighed("l1_loss", np.abs(input - target), weight, reduction)


@takes_former_names
@exact
def huber_loss(input: Input, target: Input, reduction: str = "mean", delta: float = 1.0) -> Any:
    """d^2 / 2 where |d| = |x - y| <= delta, and delta (|d| - delta / 2) beyond.

    Args:
        input: x, of any shape.
        target: y, of the same shape.
        reduction: "none", "mean" or "sum".
        delta: the |d| where the parabola becomes a line.

    Raises:
        ShapeError: the shapes differ.
        OptionError: delta is not above 0.

    Source:
        P. Huber, "Robust estimation of a location parameter", 1964.
    """
    check_options(reduction)
    input, target = of_one_shape("huber_loss", input, target)
    if not delta > 0:
        raise OptionError(f"huber_loss(delta={delta}): expected a number above 0")
    d = np.abs(input - target)
    return reduced(np.where(d <= delta, d * d / 2, delta * (d - delta / 2)), reduction)


@takes_former_names
@exact
def smooth_l1_loss(input: Input, target: Input, reduction: str = "mean", beta: float = 1.0) -> Any:
    """d^2 / (2 beta) where |d| = |x - y| < beta, and |d| - beta / 2 beyond.

    Args:
        input: x, of any shape.
        target: y, of the same shape.
        reduction: "none", "mean" or "sum".
        beta: the |d| where the parabola becomes a line.

    Raises:
        ShapeError: the shapes differ.
        OptionError: beta is below 0.

    Source:
        R. Girshick, "Fast R-CNN", 2015.
    """
    check_options(reduction)
    input, target = of_one_shape("smooth_l1_loss", input, target)
    if beta < 0:
        raise OptionError(f"smooth_l1_loss(beta={beta}): expected a number that is not negative")
    d = np.abs(input - target)
    return reduced(np.where(d < beta, d * d / (2 * beta or 1), d - beta / 2), reduction)


@takes_former_names
@exact
def poisson_nll_loss(
    input: Input,
    target: Input,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:
    """The negative log-likelihood of counts: e^x - y x, or x - y log(x + eps) without `log_input`.

    Args:
        input: x, of any shape.
        target: the counts y, of the same shape.
        log_input: x is the logarithm of the expected count; if False, the expected count.
        full: add Stirling's approximation of log(y!) where y > 1.
        eps: a small number that keeps the logarithm finite.
        reduction: "none", "mean" or "sum".
    """
    check_options(reduction)
    input, target = (
        as_operand("poisson_nll_loss: input", input),
        as_operand("poisson_nll_loss: target", target),
    )
    loss = np.exp(input) - target * input if log_input else input - target * np.log(input + eps)
    if full:
        safe = np.where(target > 1, target, 1)
        stirling = safe * np.log(safe) - safe + 0.5 * np.log(2 * math.pi * safe)
        loss = loss + np.where(target > 1, stirling, 0)
    return reduced(loss, reduction)


@takes_former_names
@exact
def gaussian_nll_loss(
    input: Input, target: Input, var: Input, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """(log v + (x - y)^2 / v) / 2: the negative log-likelihood of a normal distribution of mean x.

    Args:
        input: the means x, of any shape.
        target: y, of the same shape.
        var: the variances v, of the same shape.
        full: add log(2 pi) / 2.
        eps: the smallest variance; a smaller one is raised to eps, without a gradient.
        reduction: "none", "mean" or "sum".
    """
    check_options(reduction)
    input, target = of_one_shape("gaussian_nll_loss", input, target)
    floor = as_array(var)
    var = var + (np.maximum(floor, eps) - floor)  # as in PyTorch, the clamp is not differentiated
    loss = (np.log(var) + (input - target) ** 2 / var) / 2
    return reduced(loss + math.log(2 * math.pi) / 2 if full else loss, reduction)
