"""What distributions share: parameters as Tensors of one shape, values in their dtype, numbers drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.arrays import is_batched, unwrap
from autograd_lite.errors import OptionError, UnsupportedError
from nn.random import draw

from ..dtypes import get_default_dtype
from ..tensors import Size, torched

__all__ = [
    "as_value",
    "broadcast_all",
    "clamp_probs",
    "drawn",
    "either",
    "logits_to_probs",
    "probs_to_logits",
    "size",
    "sum_rightmost",
]


def size(shape: Any) -> Size:
    """A shape as `torch.Size`."""
    return Size(shape)


def _number(x: Any, dtype: Any) -> Any:
    return torched(np.asarray(x, dtype))


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Numbers and Tensors as Tensors of one shape; numbers get the dtype of the Tensors."""
    boxed = [torched(v) for v in values]
    dtype: Any = next((v.dtype for v in boxed if isinstance(v, ag.Tensor)), None)
    if dtype is None or np.dtype(dtype).kind != "f":
        dtype = get_default_dtype()
    tensors = [v if isinstance(v, ag.Tensor) else _number(v, dtype) for v in boxed]
    tensors = [v if np.dtype(v.dtype).kind == "f" else v.astype(dtype) for v in tensors]
    shape = np.broadcast_shapes(*(v.shape for v in tensors))
    return tuple([v if tuple(v.shape) == shape else np.broadcast_to(v, shape) for v in tensors])


def as_value(value: Any, like: Any) -> Any:
    """A value of a distribution in the dtype of its parameters, if it holds integers or booleans."""
    boxed = torched(value if isinstance(value, (ag.Tensor, np.ndarray)) else np.asarray(value, like.dtype))
    return boxed if np.dtype(boxed.dtype).kind == "f" else boxed.astype(like.dtype)


def drawn(name: str, shape: Any, like: Any) -> Any:
    """Random numbers of a shape by a method of NumPy's generator, in the dtype of `like`."""
    return ag.drawn(lambda own: draw(name, size=own), tuple(shape)).astype(like.dtype)


def drawn_with(name: str, shape: Any, *parameters: Any) -> Any:
    """Random numbers whose distribution has parameters, in the dtype of the first one."""
    values = [unwrap(ag.stop_gradient(p)) for p in parameters]
    if any(map(is_batched, values)):
        raise UnsupportedError(
            f"vmap: NumPy's {name} takes no batch of parameters; draw outside of vmap, where the parameters "
            "may have any shape, and give the samples as an argument"
        )
    numbers = ag.drawn(lambda own: draw(name, *values, size=own), tuple(shape))
    return torched(numbers.astype(parameters[0].dtype))


def either(who: str, probs: Any, logits: Any) -> tuple[str, Any]:
    """The name and the value of the parameter that was given: one of the two."""
    if (probs is None) == (logits is None):
        raise OptionError(
            f"{who}: expected either probs or logits, got {'neither' if probs is None else 'both'}"
        )
    name, given = ("probs", probs) if logits is None else ("logits", logits)
    return name, broadcast_all(given)[0]


def clamp_probs(probs: Any) -> Any:
    """Probabilities between the machine epsilon and 1 minus it."""
    eps = float(np.finfo(np.dtype(probs.dtype)).eps)
    return np.clip(probs, eps, 1 - eps)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """The logarithms of probabilities; for two classes, of p / (1 - p)."""
    own = clamp_probs(probs)
    return np.log(own) - np.log1p(-own) if is_binary else np.log(own)


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """The sigmoid of logits for two classes, else the softmax along the last axis."""
    return ag.sigmoid(logits) if is_binary else ag.softmax(logits, axis=-1)


def sum_rightmost(value: Any, count: int) -> Any:
    """The sum over the last `count` axes."""
    return np.sum(value, axis=tuple(range(-count, 0))) if count else value
