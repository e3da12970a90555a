"""Randomized smoothing: the class that wins under Gaussian noise, and how far it cannot change."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DataError, OptionError, ShapeError

from ..arrays import as_array
from ..module import Module
from ..options import check_number, check_whole
from ..random import generator
from ..undo import evaluating
from .attacks import check_range

__all__ = ["certify", "clopper_pearson", "smoothed"]

Array = npt.NDArray[Any]


def smoothed(
    model: Module,
    X: npt.ArrayLike | Tensor,
    sigma: float,
    samples: int = 1000,
    alpha: float = 0.001,
    batch_size: int = 1000,
) -> Array:
    """The prediction of the smoothed model: the class that wins most often under Gaussian noise.

    A model keeps its accuracy under noise if it is trained with noise of the same deviation.

    Args:
        model: a model from inputs to scores (n, classes), called in evaluation mode; it does not change.
        X: inputs of shape (n, ...).
        sigma: the standard deviation of the noise, in the units of X.
        samples: the number of noisy copies of each input.
        alpha: the probability of a class that does not win most often.
        batch_size: the number of copies in one call of the model.

    Returns:
        The classes, of shape (n,); -1 where the votes of the first two classes are too close to tell.

    Raises:
        OptionError: an option has an invalid value.
        DataError: the model gives NaN.

    Source:
        J. Cohen, E. Rosenfeld, Z. Kolter, "Certified adversarial robustness via randomized smoothing", 2019.

    Example:
        >>> import nn, numpy as np
        >>> model = nn.Linear(1, 2, bias=False)
        >>> model.weight.data = np.array([[-1.0], [1.0]])    # class 1 right of 0
        >>> nn.robust.smoothed(model, np.array([[-0.5], [0.5]]), sigma=0.25)
        array([0, 1])
    """
    votes = _votes("smoothed", model, X, sigma, samples, batch_size)
    _check_alpha("smoothed", alpha)
    ranked = [np.argsort(-row, kind="stable") for row in votes]
    first = np.array([row[order[0]] for row, order in zip(votes, ranked, strict=True)], int)
    second = np.array([row[order[1:2]].sum() for row, order in zip(votes, ranked, strict=True)], int)
    # A two-sided test of "both are equally likely", as in the paper.
    sure = clopper_pearson(first, first + second, alpha / 2) > 0.5
    return np.where(sure, np.array([order[0] for order in ranked], int), -1)


def certify(
    model: Module,
    X: npt.ArrayLike | Tensor,
    sigma: float,
    samples: int = 1000,
    choices: int = 100,
    alpha: float = 0.001,
    batch_size: int = 1000,
) -> tuple[Array, Array]:
    """The class of the smoothed model, and the radius in norm 2 within which no change can change the class.

    `choices` noisy copies choose the class; `samples` others give a lower bound p of its probability. The
    radius is sigma Phi^-1(p), with the quantile function Phi^-1 of the normal distribution.

    Args:
        model: a model from inputs to scores (n, classes), called in evaluation mode; it does not change.
        X: inputs of shape (n, ...).
        sigma: the standard deviation of the noise, in the units of X.
        samples: the number of noisy copies that count; more of them prove larger radii.
        choices: the number of noisy copies that choose the class.
        alpha: the probability that the statement about an input is wrong.
        batch_size: the number of copies in one call of the model.

    Returns:
        `(classes, radii)`, both of shape (n,); class -1 and radius 0 where nothing is proven.

    Raises:
        OptionError: an option has an invalid value.
        DataError: the model gives NaN.

    Source:
        J. Cohen, E. Rosenfeld, Z. Kolter, "Certified adversarial robustness via randomized smoothing", 2019.

    Example:
        >>> import nn, numpy as np
        >>> _ = nn.manual_seed(0)
        >>> model = nn.Linear(1, 2, bias=False)
        >>> model.weight.data = np.array([[-1.0], [1.0]])    # class 1 right of 0
        >>> classes, radii = nn.robust.certify(model, np.array([[0.0], [0.5]]), sigma=0.5, samples=10_000)
        >>> classes, bool(0.45 < radii[1] < 0.5)             # the true radius is 0.5
        (array([-1,  1]), True)
    """
    _check_alpha("certify", alpha)
    check_whole("certify", "choices", choices, example=100)
    chosen = _votes("certify", model, X, sigma, choices, batch_size)
    counted = _votes("certify", model, X, sigma, samples, batch_size)
    classes = np.array([row.argmax() for row in chosen], int)
    hits = np.array([row[k] for row, k in zip(counted, classes, strict=True)], int)
    p = clopper_pearson(hits, samples, alpha)
    quantile = NormalDist().inv_cdf
    radii = np.array([sigma * quantile(lower) if lower > 0.5 else 0.0 for lower in p.tolist()])
    return np.where(radii > 0, classes, -1), radii


def clopper_pearson(hits: npt.ArrayLike, samples: npt.ArrayLike, alpha: float = 0.001) -> Array:
    """A lower bound of a probability, wrong with a probability of at most `alpha`.

    The bound is the p for which `hits` or more of `samples` trials succeed with a probability of alpha.

    Args:
        hits: how many of the trials succeeded; an int or an array.
        samples: the number of trials; an int or an array.
        alpha: between 0 and 1.

    Returns:
        An array of the common shape.

    Raises:
        OptionError: alpha is not between 0 and 1, or there are more hits than samples.

    Source:
        C. Clopper, E. Pearson, "The use of confidence or fiducial limits", 1934.

    Example:
        >>> import nn
        >>> nn.robust.clopper_pearson([0, 50, 100], 100, alpha=0.05).round(3)
        array([0.   , 0.414, 0.97 ])
    """
    _check_alpha("clopper_pearson", alpha)
    k, n = np.broadcast_arrays(as_array(hits), as_array(samples))
    if k.dtype.kind not in "iu" or n.dtype.kind not in "iu" or (k < 0).any() or (k > n).any():
        raise OptionError(
            f"clopper_pearson(hits={hits!r}, samples={samples!r}): expected ints, 0 <= hits <= samples"
        )
    bounds = [_lower(*pair, alpha) for pair in zip(k.ravel().tolist(), n.ravel().tolist(), strict=True)]
    return np.array(bounds, float).reshape(k.shape)


@lru_cache(maxsize=4096)
def _lower(hits: int, samples: int, alpha: float) -> float:
    if hits == 0:
        return 0.0
    i = np.arange(1, samples + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log(i[::-1]) - np.log(i))])[hits:]  # log(samples over i)
    i = np.arange(hits, samples + 1)
    low, high = 0.0, 1.0
    while low < (p := (low + high) / 2) < high:  # until no number lies between them
        if np.exp(ways + i * np.log(p) + (samples - i) * np.log1p(-p)).sum() > alpha:
            high = p
        else:
            low = p
    return low


def _check_alpha(who: str, alpha: float) -> None:
    check_number(who, "alpha", alpha, most=1, example=0.001)
    if not 0 < alpha < 1:
        raise OptionError(f"{who}(alpha={alpha!r}): expected a number between 0 and 1, e.g. alpha=0.001")


def _votes(
    who: str, model: Module, X: npt.ArrayLike | Tensor, sigma: float, samples: int, batch_size: int
) -> list[Array]:
    """How often each class wins, for each input."""
    check_number(who, "sigma", sigma, example=0.25)
    check_whole(who, "samples", samples, example=1000)
    check_whole(who, "batch_size", batch_size, example=1000)
    sizes = [min(batch_size, samples - first) for first in range(0, samples, batch_size)]
    with evaluating(model), ag.no_grad():
        return [sum(_read(who, model, x, sigma, n) for n in sizes) for x in check_range(who, X, None)]


def _read(who: str, model: Module, x: Array, sigma: float, copies: int) -> Any:
    """The votes of noisy copies of one input."""
    noisy = x + sigma * generator.standard_normal((copies, *x.shape))
    scores = as_array(model(noisy.astype(x.dtype)))
    if scores.ndim != 2 or len(scores) != copies:
        raise ShapeError(f"{who}: needs scores (n, classes) of n = {copies} inputs, got {scores.shape}")
    if np.isnan(scores).any():
        raise DataError(f"{who}: the model gives NaN for inputs with noise of deviation {sigma:g}")
    return np.bincount(scores.argmax(axis=1), minlength=scores.shape[1])
