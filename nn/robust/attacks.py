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
from autograd_lite.errors import OptionError

from ..arrays import as_array
from ..functional import cross_entropy
from ..module import Module
from ..options import check_number, check_whole
from ..random import generator
from ..undo import evaluating, undone

__all__ = ["fgsm", "pgd"]

Array = npt.NDArray[Any]
Loss = Callable[[Any, Any], Any]
Range = tuple[float, float] | None

TINY = float(np.finfo(np.float32).tiny)
"""Replaces a length of 0 in divisions."""


def fgsm(
    model: Module,
    X: npt.ArrayLike | Tensor,
    y: npt.ArrayLike | Tensor,
    eps: float,
    loss: Loss = cross_entropy,
    clip: Range = (0.0, 1.0),
) -> Array:
    """The fast gradient sign method: X + eps sign(gradient of the loss at X), clipped.

    Args:
        model: the model, called in evaluation mode; neither the model nor its gradients change.
        X: inputs of shape (n, ...).
        y: targets of shape (n, ...).
        eps: the change of each entry.
        loss: `loss(outputs, targets)`, a single number.
        clip: the range (least, largest) of valid inputs; None for no limits.

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
        return _clipped(start + eps * np.sign(_gradient(model, start, y, loss)), start, clip)


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
) -> Array:
    """Projected gradient descent: increase the loss by gradient steps within a ball around the inputs.

    Each step goes `step_size` along the sign of the gradient (norm inf) or along the normalized gradient
    (norm 2). Then the result is projected back onto the ball and onto `clip`.

    Adversarial training uses these examples, batch by batch:

        for X, y in loader:
            loss = nn.functional.cross_entropy(model(nn.robust.pgd(model, X, y, eps=0.1)), y)
            ...

    Args:
        model: the model, called in evaluation mode; neither the model nor its gradients change.
        X: inputs of shape (n, ...).
        y: targets of shape (n, ...).
        eps: the radius of the ball around each input.
        steps: the number of steps.
        step_size: the length of a step; by default 2.5 eps / steps, which reaches the rim from anywhere.
        norm: the norm of the ball: math.inf for the largest entry, 2 for the Euclidean norm.
        random_start: begin at a uniformly random point of the ball instead of its centre.
        loss: `loss(outputs, targets)`, a single number.
        clip: the range (least, largest) of valid inputs; None for no limits.

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
    ball, step_size = _ball_and_step(eps, steps, step_size, norm)
    start = check_range("pgd", X, clip)
    moved = _clipped(start + ball.draw(start.shape), start, clip) if random_start else start
    with examined(model):
        for _ in range(steps):
            moved = moved + step_size * ball.direction(_gradient(model, moved, y, loss))
            moved = _clipped(start + ball.project(moved - start), start, clip)
    return moved


def _ball_and_step(
    eps: float, steps: int, step_size: float | None, norm: float
) -> tuple[_Cube | _Ball, float]:
    """The ball of `pgd`, and the length of a step."""
    check_number("pgd", "eps", eps, example=0.1)
    check_whole("pgd", "steps", steps, example=10)
    step_size = 2.5 * eps / steps if step_size is None else step_size
    check_number("pgd", "step_size", step_size, example=0.025)
    if norm not in (2, math.inf):
        raise OptionError(f"pgd(norm={norm!r}): expected math.inf or 2")
    return (_Cube(eps) if norm == math.inf else _Ball(eps)), step_size


class _Cube:
    """The ball of norm inf: no entry of a change is larger than eps."""

    def __init__(self, eps: float) -> None:
        self.eps = eps

    def draw(self, shape: tuple[int, ...]) -> Any:
        return generator.uniform(-self.eps, self.eps, shape)

    def direction(self, g: Array) -> Any:
        return np.sign(g)

    def project(self, change: Array) -> Any:
        return np.clip(change, -self.eps, self.eps)


class _Ball:
    """The ball of norm 2: the change of each sample has a Euclidean norm of at most eps."""

    def __init__(self, eps: float) -> None:
        self.eps = eps

    def draw(self, shape: tuple[int, ...]) -> Any:
        # The direction of a normal vector is uniform; the volume within radius r grows as r^d.
        inputs = math.prod(shape[1:])
        radii = self.eps * generator.random((shape[0], *(1 for _ in shape[1:]))) ** (1 / max(inputs, 1))
        return self.direction(generator.normal(size=shape)) * radii

    def direction(self, g: Array) -> Any:
        # Divide by the largest entry first, so that the squares of tiny gradients do not underflow.
        largest = np.max(np.abs(g), axis=tuple(range(1, g.ndim)), keepdims=True)
        g = g / np.maximum(largest, TINY)
        return g / np.maximum(_lengths(g), 1)

    def project(self, change: Array) -> Any:
        return change * (self.eps / np.maximum(_lengths(change), max(self.eps, TINY)))


def _lengths(x: Array) -> Any:
    return np.sqrt(np.sum(x * x, axis=tuple(range(1, x.ndim)), keepdims=True))


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


def _clipped(moved: Any, X: Array, clip: Range) -> Array:
    """Clip to the range of valid inputs, in the dtype of X."""
    return np.asarray(moved if clip is None else np.clip(moved, *clip), X.dtype)


def _gradient(model: Module, X: Array, y: Any, loss: Loss) -> Array:
    x = Tensor(X, requires_grad=True)
    loss(model(x), y).backward()
    return np.zeros_like(X) if x.grad is None else x.grad.numpy()


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
