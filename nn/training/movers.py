"""Which samples moved a weight: the gradient of a step, taken apart by the samples of its batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DataError, UnsupportedError

from ..data import DataLoader
from ..data.datasets import batch_of, declared
from ..module import Module, functional_call
from ..optim import Optimizer
from ..random import generator
from ..reductions import divided_by, reductions
from ..undo import undone
from .batches import Batches
from .outcomes import Loss

__all__ = ["Movers", "apart", "fitted", "made_again", "sentence"]

Array = npt.NDArray[Any]
Pair = tuple[Array, Array]

CLOSE = 1e-3
"""The parts of a gradient may differ from the whole by this fraction of its norm."""


@dataclass(frozen=True, eq=False)
class Movers:
    """The samples of a step, by how much each moved one weight.

    Attributes:
        name, index: the weight.
        step: the step.
        samples: their indices in the training data, of shape (n,); the largest part first.
        parts: of each, its part of the gradient of the batch, of shape (n,). They add up to `gradient`.
        gradient: the gradient of the weight in this step.
        change: the change of the weight by this step; None unless the next step is kept too.
        said: what the optimizer made of the gradient.
    """

    name: str
    index: tuple[int, ...]
    step: int
    samples: Array
    parts: Array
    gradient: float
    change: float | None
    said: str

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[tuple[int, float]]:
        return iter(zip(self.samples.tolist(), self.parts.tolist(), strict=True))

    def __str__(self) -> str:
        place = ", ".join(map(str, self.index))
        rows = [f"{sample:>8}  {part:+.3e}" for sample, part in list(self)[:10]]
        more = [f"     ...  {len(self) - 10} more"] if len(self) > 10 else []
        title = f"{self.name}[{place}], step {self.step}: gradient {self.gradient:+.3e}"
        return "\n".join([title, "  sample  part of the gradient", *rows, *more, self.said])


def made_again(loader: DataLoader, tasks: Sequence[Array], dtype: Any) -> list[Pair]:
    """The batches of a step, made again from the indices of their samples.

    Raises:
        UnsupportedError: the loader draws samples at random, or each batch has a form of its own.
        DataError: the data have fewer samples than those of the run.
    """
    held = isinstance(loader.dataset, (list, tuple, range, np.ndarray, Tensor))
    if declared(loader.dataset, "is_random", not held):
        raise UnsupportedError(
            f"Recorder: a {type(loader.dataset).__name__} may draw its samples at random, so the batch of a "
            "step cannot be made again; if the samples stay the same, write is_random = False in its class"
        )
    last = max((int(np.max(task)) for task in tasks if task.size), default=-1)
    if hasattr(loader.dataset, "__len__") and last >= len(loader.dataset):
        raise DataError(
            f"Recorder: the step took sample {last}, and the data have {len(loader.dataset)} samples; "
            "expected the data of the run"
        )
    batches = Batches(dtype)
    return [
        batches.pair(batch_of(loader.dataset, task.tolist(), loader.collate_fn))
        if task.ndim
        else batches.pair(loader.collate_fn(loader.dataset[int(task)]))
        for task in tasks
    ]


def apart(
    model: Module, loss: Loss, batches: Sequence[Pair], random: Any, names: Sequence[str]
) -> dict[str, Array]:
    """For each parameter, the part of each sample in the gradient of a step.

    The batch passes the model as a whole, as in the step: with the same dropout masks, and with the means of
    a batch norm over all samples. Then the loss is taken of each output alone. The Jacobian of these losses
    has a row for each sample.

    Args:
        model: with the weights of the step. A copy of it is used.
        loss: of outputs and targets; the mean or the sum over the samples.
        batches: the batches of the step.
        random: the state of nn's generator before the step.
        names: the parameters.

    Returns:
        By name, arrays of shape (n, *parameter.shape).

    Raises:
        DataError: the model has no parameter of a name.
        UnsupportedError: the model does not have one output for each sample.
    """
    model = deepcopy(model).train()
    params = dict(model.named_parameters())
    if lacking := [name for name in names if name not in params]:
        raise DataError(f"Recorder: the model has no parameter {lacking[0]!r}; it has {', '.join(params)}")
    chosen = {name: params[name].detach().numpy() for name in names}
    for p in params.values():
        p.requires_grad = False  # of the copy: nothing but the chosen parameters is recorded
    rows: list[dict[str, Array]] = []
    sizes: list[float | None] = []

    def losses(values: dict[str, Any], x: Array, t: Array) -> Any:
        output = functional_call(model, values, (Tensor(x),))
        if np.shape(output)[:1] != np.shape(t)[:1]:
            raise UnsupportedError(
                f"Recorder: outputs of shape {np.shape(output)} for targets of shape {np.shape(t)}; "
                "expected one output for each sample"
            )
        terms = []
        for i in range(len(t)):
            with reductions() as found:
                term = loss(output[i : i + 1], Tensor(t[i : i + 1]))
            sizes.append(divided_by(term, found, 1))
            terms.append(term)
        return np.stack(terms)

    before = generator.bit_generator.state
    with undone(lambda: setattr(generator.bit_generator, "state", before)):
        generator.bit_generator.state = random
        for x, t in batches:
            rows.append(ag.jacobian(losses)(chosen, x, t))
    counted = [size for size in sizes if size is not None]
    weights = np.array([1.0 if size is None else size / (sum(counted) or 1) for size in sizes])
    return {
        name: np.concatenate([row[name] for row in rows]) * weights.reshape(-1, *[1] * chosen[name].ndim)
        for name in names
    }


def fitted(name: str, parts: Array, whole: Array | None, clipped: bool, floor: float = 0.0) -> Array:
    """The parts so that they add up to the gradient of the step, which may have been clipped.

    Args:
        name: the parameter, for errors.
        parts, whole: its parts, and its gradient.
        clipped: whether the gradient may be shorter than the sum of the parts.
        floor: the norm of a difference that is rounding. A gradient that cancels, as that of a bias before a
            batch norm, consists of nothing else.

    Raises:
        UnsupportedError: they do not, as the loss is no mean or sum over the samples.
    """
    if whole is None or not np.any(whole):
        return parts
    joined, g = parts.sum(0), whole.astype(float)
    scale = float(np.vdot(joined, g) / (np.vdot(joined, joined) or 1)) if clipped else 1.0
    limit = CLOSE if whole.dtype.itemsize > 2 else 50 * CLOSE
    size, left = float(np.linalg.norm(g)), float(np.linalg.norm(g - scale * joined))
    if not (left <= max(limit * size, floor) and (scale <= 1 + limit or size <= floor)):
        raise UnsupportedError(
            f"Recorder: the parts of the samples do not add up to the gradient of {name}; they do for a loss "
            "that is a mean or a sum over the samples, and depends on the weights by the outputs alone"
        )
    return parts * scale


def sentence(optimizer: Optimizer, change: float | None) -> str:
    """What an optimizer made of the gradient of a weight, in a sentence."""
    name, groups = type(optimizer).__name__, optimizer.param_groups
    moved = "" if change is None else f" changed the weight by {change:+.3e}, and"
    others = ("momentum", "weight_decay", "maximize")
    if name == "SGD" and not any(options.get(o) for options in groups for o in others):
        return f"SGD{moved} moves a weight by -lr times its gradient: these are the parts of the change too."
    return (
        f"{name}{moved} uses more than this gradient, such as earlier gradients or the weight itself: "
        "the parts are those of the gradient, not of the change."
    )
