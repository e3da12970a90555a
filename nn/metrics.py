"""Measures of how good predictions are: `metric(outputs, targets)` of a whole data set."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import ShapeError

__all__ = ["accuracy"]


def accuracy(output: Tensor | npt.NDArray[Any], target: Tensor | npt.ArrayLike) -> float:
    """The part of the samples whose highest score is that of the right class.

    Args:
        output: scores of shape (N, C).
        target: class indices of shape (N,), or probabilities of shape (N, C).

    Raises:
        ShapeError: the shapes do not fit.

    Example:
        >>> import numpy as np
        >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
        0.5
    """
    classes = np.asarray(target)
    if classes.shape == output.shape and classes.dtype.kind == "f":
        classes = classes.argmax(axis=1)
    if output.ndim != 2 or classes.shape != output.shape[:1]:
        raise ShapeError(
            f"accuracy: output {output.shape} and target {classes.shape} do not fit; expected (N, C) and (N,)"
        )
    if output.shape[1] < 2:
        raise ShapeError(
            f"accuracy: output {output.shape} has one column, which is always the highest; it compares the "
            "scores of classes, so the model needs an output for each class"
        )
    return float(np.mean(output.argmax(axis=1) == classes))
