"""Measures of how good predictions are: `metric(outputs, targets)` of a whole data set."""

from __future__ import annotations

import numpy as np

from autograd_lite.errors import ShapeError

from .arrays import Input, as_array, as_operand

__all__ = ["accuracy"]


def accuracy(output: Input, target: Input) -> float:
    """The part of the samples whose highest score is that of the right class.

    Args:
        output: scores of shape (N, C).
        target: class indices of shape (N,), or probabilities of shape (N, C).

    Raises:
        ShapeError: the shapes do not fit, or there is one column, which always has the highest score.
        DTypeError: one of them holds no numbers.

    Example:
        >>> import numpy as np
        >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
        0.5
    """
    output, classes = (
        as_array(as_operand(f"accuracy: {n}", x)) for n, x in (("output", output), ("target", target))
    )
    if classes.shape == output.shape and classes.dtype.kind == "f":
        classes = classes.argmax(axis=1)
    if output.ndim != 2 or classes.shape != output.shape[:1]:
        raise ShapeError(
            f"accuracy: output {output.shape} and target {classes.shape} do not fit; expected "
            "accuracy(output, target) of (N, C) and (N,)"
        )
    if output.shape[1] < 2:
        raise ShapeError(
            f"accuracy: output {output.shape} has one column, which always has the highest score; give the "
            "model an output for each class, e.g. nn.Linear(..., 2), or measure what you mean: "
            "((output > 0) == target).mean()"
        )
    return float(np.mean(output.argmax(axis=1) == classes))
