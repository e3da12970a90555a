"""The attack of Carlini and Wagner: the shortest change that makes a model err."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor

from ..arrays import as_array
from ..module import Module
from ..optim import Adam
from ..options import check_number, check_whole
from ..parameter import Parameter
from .attacks import check_classes, check_range, clipped, examined
from .balls import Range

__all__ = ["carlini_wagner"]

Array = npt.NDArray[Any]


def carlini_wagner(
    model: Module,
    X: npt.ArrayLike | Tensor,
    y: npt.ArrayLike | Tensor,
    targeted: bool = False,
    confidence: float = 0.0,
    constant: float = 1.0,
    searches: int = 6,
    steps: int = 200,
    lr: float = 0.01,
    clip: Range = (0.0, 1.0),
) -> Array:
    """The attack of Carlini and Wagner in norm 2: Adam minimizes |x' - x|^2 + c max(margin(x'), -confidence).

    The margin is z_y - max_{j != y} z_j of the logits z, and its negative with a target; below 0 the attack
    succeeds. After each step x' is clipped. A search finds a constant c for each sample: ten times as large
    until the attack succeeds, then by bisection.

    Args:
        model: a model that gives logits (n, classes), called in evaluation mode; it does not change.
        X: inputs of shape (n, ...).
        y: the classes to leave, of shape (n,); with `targeted`, the classes to reach.
        targeted: y are targets.
        confidence: how far below 0 the margin must be.
        constant, searches: the first c, and how many are tried.
        steps: the number of Adam's steps for each constant.
        lr: Adam's learning rate, in the units of X.
        clip: the range (least, largest) of valid inputs; None for no limits.

    Returns:
        An array of the shape and dtype of X; an input for which the attack failed is as it was.

    Raises:
        OptionError: an option has an invalid value, or there are inputs outside of `clip`.
        ShapeError: the model does not give logits (n, classes), or `y` does not fit them.

    Source:
        N. Carlini, D. Wagner, "Towards evaluating the robustness of neural networks", 2017.

    Example:
        >>> import nn, numpy as np
        >>> model = nn.Linear(2, 2, bias=False)
        >>> model.weight.data = np.array([[0.6, -0.8], [0.0, 0.0]])     # the classes meet where z_0 = 0
        >>> moved = nn.robust.carlini_wagner(model, np.array([[0.6, 0.2]]), np.array([0]))
        >>> bool(model(moved)[0, 0] < 0), round(float(np.linalg.norm(moved - [[0.6, 0.2]])), 2)
        (True, 0.2)
    """
    for option, value in (("confidence", confidence), ("constant", constant), ("lr", lr)):
        check_number("carlini_wagner", option, value, example=1)
    for option, count in (("searches", searches), ("steps", steps)):
        check_whole("carlini_wagner", option, count, example=100)
    start, labels = check_range("carlini_wagner", X, clip), as_array(y)
    wide = start.astype(np.result_type(start.dtype, np.float32))  # Adam's numbers are too small for halves
    terms = _terms(model, start, labels, targeted, confidence)
    found = _Closest(start, constant)
    with examined(model):
        for _ in range(searches):
            _descend(terms, found, Parameter(wide), steps, lr, clip)
            found.adjust()
    return found.inputs


def _terms(
    model: Module, start: Array, y: Array, targeted: bool, confidence: float
) -> Callable[[Parameter], tuple[Any, Any]]:
    """A function of changed inputs: the squared lengths of the changes, and what must fall below 0."""

    def terms(moved: Parameter) -> tuple[Any, Any]:
        change = moved - start
        squares = np.sum(np.square(change), axis=tuple(range(1, change.ndim)))
        return squares, _margin(model(moved), y, targeted) + confidence

    return terms


def _margin(logits: Any, y: Array, targeted: bool) -> Any:
    """The logit of class y minus the largest of the others; its negative with a target."""
    check_classes("carlini_wagner", y, logits.shape)
    this = np.arange(logits.shape[1]) == y[:, None]
    margin = np.sum(np.where(this, logits, 0), axis=1) - np.max(np.where(this, -np.inf, logits), axis=1)
    return -margin if targeted else margin


def _descend(
    terms: Callable[[Parameter], tuple[Any, Any]],
    found: _Closest,
    moved: Parameter,
    steps: int,
    lr: float,
    clip: Range,
) -> None:
    """Minimize |x' - x|^2 + c max(margin, 0), and keep what succeeds on the way."""
    optimizer = Adam([moved], lr=lr)
    for _ in range(steps):
        squares, margin = terms(moved)
        found.keep(moved.numpy(), squares.numpy(), margin.numpy() < 0)
        optimizer.zero_grad()
        np.sum(squares + found.constants * np.maximum(margin, 0)).backward()
        optimizer.step()
        moved.data = clipped(moved.data, moved.data, clip)


class _Closest:
    """The successes with the shortest changes so far, and the search for the constants.

    Attributes:
        inputs: the changed inputs.
        constants: the next c of each sample.
    """

    def __init__(self, start: Array, constant: float) -> None:
        n = len(start)
        self.inputs, self.squares = start.copy(), np.full(n, np.inf)
        self.constants, self.low, self.high = np.full(n, float(constant)), np.zeros(n), np.full(n, np.inf)
        self.succeeded = np.zeros(n, bool)

    def keep(self, moved: Array, squares: Array, success: Array) -> None:
        """Replace what is farther away than the successes of a step."""
        closer = success & (squares < self.squares)
        self.inputs[closer] = moved[closer]
        self.squares[closer] = squares[closer]
        self.succeeded |= success

    def adjust(self) -> None:
        """Smaller constants where the attack has succeeded, larger ones elsewhere."""
        self.high = np.where(self.succeeded, self.constants, self.high)
        self.low = np.where(self.succeeded, self.low, self.constants)
        known = np.isfinite(self.high)
        self.constants = np.where(known, (self.low + np.where(known, self.high, 0)) / 2, 10 * self.constants)
        self.succeeded[:] = False
