"""Adversarial examples: inputs changed a little, in a direction that increases the loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import OptionError, ShapeError

from ..arrays import as_array
from ..functional import cross_entropy
from ..module import Module
from ..options import check_number, check_whole
from ..undo import evaluating, undone
from .balls import BALLS, Ball, Range

__all__ = ["fgsm", "pgd"]

Array = npt.NDArray[Any]
Loss = Callable[[Any, Any], Any]


def fgsm(
    model: Module,
    X: npt.ArrayLike | Tensor,
    y: npt.ArrayLike | Tensor,
    eps: float,
    loss: Loss = cross_entropy,
    clip: Range = (0.0, 1.0),
    targeted: bool = False,
) -> Array:
    """The fast gradient sign method: X + eps sign(gradient of the loss at X), clipped.

    Args:
        model: the model, called in evaluation mode; neither the model nor its gradients change.
        X: inputs of shape (n, ...).
        y: targets of shape (n, ...).
        eps: the change of each entry.
        loss: `loss(outputs, targets)`, a single number.
        clip: the range (least, largest) of valid inputs; None for no limits.
        targeted: y are the targets to reach, so the loss decreases.

    Returns:
        An array of the shape and dtype of X.

    Raises:
        OptionError: `eps` is negative, `clip` is not a pair (least, largest), or an input is outside it.

    Source:
        I. Goodfellow et al., "Explaining and harnessing adversarial examples", 2015.

    Example:
        >>> import nn, numpy as np
        >>> model = nn.Linear(2, 2, bias=False)
        >>> model.weight.data = np.array([[1.0, -1.0], [0.0, 0.0]])
        >>> nn.robust.fgsm(model, np.array([[0.5, 0.5]]), np.array([0]), eps=0.25)
        array([[0.25, 0.75]])
    """
    check_number("fgsm", "eps", eps, example=0.1)
    start = check_range("fgsm", X, clip)
    with examined(model):
        return clipped(start + eps * np.sign(_gradient(model, start, y, loss, targeted)), start, clip)


def pgd(
    model: Module,
    X: npt.ArrayLike | Tensor,
    y: npt.ArrayLike | Tensor,
    eps: float,
    steps: int = 10,
    step_size: float | None = None,
    norm: float = math.inf,
    random_start: bool = True,
    loss: Loss = cross_entropy,
    clip: Range = (0.0, 1.0),
    targeted: bool = False,
) -> Array:
    """Projected gradient descent: increase the loss by gradient steps within a ball around the inputs.

    A step of length `step_size` goes along the gradient's sign (norm inf), the gradient (2), or the percent
    of its entries that are largest (1). With norm 0 each step moves `eps / steps` entries to the end of their
    range. Then the result is projected back onto the ball and onto `clip`.

    Adversarial training uses these examples: `loss = cross_entropy(model(pgd(model, X, y, eps=0.1)), y)`.

    Args:
        model: the model, called in evaluation mode; neither the model nor its gradients change.
        X: inputs of shape (n, ...).
        y: targets of shape (n, ...).
        eps: the radius of the ball around each input.
        steps: the number of steps.
        step_size: the length of a step; by default 2.5 eps / steps, which reaches the rim from anywhere.
        norm: math.inf for the largest entry, 2 Euclidean, 1 for the sum, 0 for the number of entries.
        random_start: begin at a uniformly random point of the ball; norm 0 begins at its centre.
        loss: `loss(outputs, targets)`, a single number.
        clip: the range (least, largest) of valid inputs; None for no limits.
        targeted: y are the targets to reach, so the loss decreases.

    Returns:
        An array of the shape and dtype of X.

    Raises:
        OptionError: an option has an invalid value.

    Source:
        A. Madry et al., "Towards deep learning models resistant to adversarial attacks", 2018.

    Example:
        >>> import nn, numpy as np
        >>> model = nn.Linear(2, 2, bias=False)
        >>> model.weight.data = np.array([[3.0, -4.0], [0.0, 0.0]])
        >>> X, y = np.array([[0.5, 0.5]]), np.array([0])
        >>> nn.robust.pgd(model, X, y, eps=0.1, norm=2, random_start=False).round(3)
        array([[0.44, 0.58]])
    """
    start = check_range("pgd", X, clip)
    ball, step_size = _ball_and_step(eps, steps, step_size, norm, clip)
    moved = clipped(start + ball.draw(start.shape), start, clip) if random_start else start
    with examined(model):
        for _ in range(steps):
            moved = ball.step(moved, _gradient(model, moved, y, loss, targeted), step_size)
            moved = clipped(start + ball.project(moved - start), start, clip)
    return moved


def _ball_and_step(
    eps: float, steps: int, step_size: float | None, norm: float, clip: Range
) -> tuple[Ball, float]:
    """The ball of `pgd`, and the length of a step."""
    check_number("pgd", "eps", eps, example=0.1)
    check_whole("pgd", "steps", steps, example=10)
    if norm not in (0, 1, 2, math.inf):
        raise OptionError(f"pgd(norm={norm!r}): expected 0, 1, 2 or math.inf")
    if norm == 0 and step_size is not None:
        raise OptionError(
            f"pgd(norm=0, step_size={step_size!r}): a changed entry goes to the end of its range; "
            "leave step_size out"
        )
    step_size = 2.5 * eps / steps if step_size is None else step_size
    check_number("pgd", "step_size", step_size, example=0.025)
    return BALLS[norm](eps, steps, clip), step_size


def check_range(who: str, X: npt.ArrayLike | Tensor, clip: Range) -> Array:
    """Inputs as a floating-point array; inputs outside `clip` are refused."""
    x = as_array(X)
    x = x if x.dtype.kind == "f" else x.astype(float)
    if clip is None:
        return x
    if not isinstance(clip, (tuple, list)) or len(clip) != 2 or not clip[0] < clip[1]:
        raise OptionError(f"{who}(clip={clip!r}): expected a pair (least, largest), e.g. (0, 1), or None")
    if x.size and not clip[0] <= x.min() <= x.max() <= clip[1]:
        raise OptionError(
            f"{who}(clip={clip!r}): there are inputs from {x.min()} to {x.max()}; give their true range, or "
            "clip=None for any values"
        )
    return x


def check_classes(who: str, y: Array, shape: tuple[int, ...]) -> None:
    """Refuse logits of a shape other than (n, classes), and labels that are not n of these classes."""
    if y.dtype.kind not in "iu" or y.shape != shape[:1] or len(shape) != 2:
        raise ShapeError(
            f"{who}: needs logits (n, classes), classes (n,), got {shape} and {y.shape} of {y.dtype}"
        )
    if y.size and not 0 <= y.min() <= y.max() < shape[1]:
        raise OptionError(f"{who}: expected classes 0 to {shape[1] - 1}, got {y.min()} to {y.max()}")


def clipped(moved: Any, X: Array, clip: Range) -> Array:
    """Clip to the range of valid inputs, in the dtype of X."""
    return np.asarray(moved if clip is None else np.clip(moved, *clip), X.dtype)


def _gradient(model: Module, X: Array, y: Any, loss: Loss, targeted: bool) -> Array:
    """Of the loss, or of its negative if the attack has a target."""
    x = Tensor(X, requires_grad=True)
    loss(model(x), y).backward()
    if x.grad is None:
        return np.zeros_like(X)
    return -x.grad.numpy() if targeted else x.grad.numpy()


@contextmanager
def examined(model: Module) -> Iterator[None]:
    """Evaluation mode with frozen parameters; afterwards the model is as before."""
    trained = [p for p in model.parameters() if p.requires_grad]

    def undo() -> None:
        for p in trained:
            p.requires_grad = True

    with evaluating(model), undone(undo), ag.enable_grad():
        for p in trained:
            p.requires_grad = False
        yield
