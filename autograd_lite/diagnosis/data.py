"""Symptoms of the data: numbers that are not finite, constant inputs, inputs of another scale, labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .evidence import Evidence, whole
from .passes import rms
from .report import Finding
from .thresholds import UNSCALED

__all__ = ["constant", "not_finite", "one_hot", "out_of_range", "shifted", "unscaled", "wrong_kind"]

PRODUCTS = {"affine", "matmul", "dot", "tensordot", "einsum", "convolution", "transposed_convolution"}
"""The ops that multiply data with weights; integers are data here, and no indices."""


def not_finite(e: Evidence) -> Iterator[Finding]:
    """The inputs or the targets hold NaN or inf."""
    several = len(e.subject.x) > 1
    parts = [(f"x[{i}]" if several else "x", x) for i, x in enumerate(e.subject.x)]
    for name, data in [*parts, ("y", e.subject.y)]:
        array = whole(data)
        if array is None or array.dtype.kind not in "fc" or np.all(bad := np.isfinite(array)):
            continue
        index = tuple(int(i) for i in np.argwhere(~bad)[0])
        rows = f".reshape(len({name}), -1).all(axis=1)" if array.ndim > 1 else ""
        yield Finding(
            f"{name}{list(index)}",
            f"{name} holds {np.sum(~bad)} entries that are not finite; the first is {array[index]}",
            f"keep = np.isfinite({name}){rows}; x, y = x[keep], y[keep]",
            e.subject.line,
            {"entries": float(np.sum(~bad))},
        )


def constant(e: Evidence) -> Iterator[Finding]:
    """All samples are equal, so no output can tell them apart."""
    arrays = [array for x in e.subject.x if (array := whole(x)) is not None and array.ndim]
    if arrays and all(len(array) > 1 and np.all(array == array[:1]) for array in arrays):
        yield Finding(
            "x",
            f"all {len(arrays[0])} samples are equal",
            "print(x[:3]), and look at the code that loads x",
            e.subject.line,
        )


def unscaled(e: Evidence) -> Iterator[Finding]:
    """The first layer with weights reads large numbers."""
    for step in e.first.steps[: e.first.of_model]:
        if not e.weights_of(step) or any(getattr(parent, "op", None) for parent in step.node.inputs):
            continue
        kinds = "fiu" if step.op in PRODUCTS else "f"
        read = [a for a, parent in _pairs(step.node) if getattr(a, "dtype", np.dtype(bool)).kind in kinds]
        size = max(map(rms, read), default=0.0)
        if size > UNSCALED:
            low, high = min(map(np.min, read)), max(map(np.max, read))
            pixels = low >= 0 and 100 < high <= 255
            yield Finding(
                step.layer,
                f"it reads inputs from {low:.3g} to {high:.3g}, of size {size:.3g}; sizes near 1 train well",
                "x = x / 255" if pixels else "x = (x - x.mean(axis=0)) / x.std(axis=0)",
                step.line,
                {"size": size, "low": float(low), "high": float(high)},
            )


def _pairs(node: Any) -> Iterator[tuple[Any, Any]]:
    """The arguments of a step that are no parameters."""
    for arg, parent in zip(node.args, node.inputs, strict=False):
        if getattr(arg, "ndim", 0) and not (hasattr(parent, "grad") and getattr(parent, "op", 0) is None):
            yield arg, parent


# -- labels ----------------------------------------------------------------------------------------


def _takes_classes(e: Evidence) -> bool:
    """Whether the loss takes the indices of classes."""
    if any("crossentropy" in word or "nll" in word for word in e.subject.words):
        return not _takes_probabilities(e) and "gaussiannllloss" not in e.subject.words
    return any(step.op == "target_losses" for step in e.first.losses)


def _takes_probabilities(e: Evidence) -> bool:
    """Whether the loss is one of two classes, with targets from 0 to 1."""
    return any("bce" in word or "binarycrossentropy" in word for word in e.subject.words)


def _reads_indices(e: Evidence) -> bool:
    """Whether the loss reads entries by arrays of indices."""
    return any(
        step.op in ("getitem", "take_along_axis", "take")
        and any(getattr(a, "dtype", np.dtype(float)).kind in "iu" for a in _flat(step.node.args[1:]))
        for step in e.first.losses
    )


def _flat(items: Any) -> Iterator[Any]:
    for item in items:
        yield from _flat(item) if isinstance(item, (tuple, list)) else (item,)


def _classes(e: Evidence) -> int | None:
    """How many classes the output has, if the targets have its shape without the axis of the classes."""
    shape, y = e.first.shape, np.shape(whole(e.first.y))
    if len(shape) < 2:
        return None
    if y == (shape[0], *shape[2:]) or y == (shape[0], 1):
        return shape[1] if shape[1] > 1 else None
    return shape[-1] if y == shape[:-1] and shape[-1] > 1 else None


def _bounds(e: Evidence) -> tuple[Any, Any, int] | None:
    """The smallest and the largest label, and the number of classes."""
    y, classes = whole(e.subject.y), _classes(e)
    if y is None or classes is None or not y.size or not (_takes_classes(e) or _reads_indices(e)):
        return None
    y = y[y != getattr(e.subject.loss, "ignore_index", -100)]
    if not y.size or y.dtype.kind not in "iuf" or not np.all(np.isfinite(y)) or np.any(y != np.round(y)):
        return None
    return y.min(), y.max(), classes


def shifted(e: Evidence) -> Iterator[Finding]:
    """The labels fit the classes, once they are shifted to begin at 0."""
    if (found := _bounds(e)) is None:
        return
    low, high, classes = found
    if (low < 0 or high >= classes) and high - low < classes:
        yield Finding(
            "y",
            f"labels from {low:g} to {high:g}, and an output of {classes} classes, 0 to {classes - 1}",
            f"y = y - {low:g}" if low > 0 else f"y = y + {-low:g}",
            e.subject.line,
            {"low": float(low), "high": float(high), "classes": float(classes)},
        )


def out_of_range(e: Evidence) -> Iterator[Finding]:
    """There are labels that are no class of the output, or no probability."""
    y = whole(e.subject.y)
    if (found := _bounds(e)) is not None:
        low, high, classes = found
        if (low < 0 or high >= classes) and high - low >= classes:
            yield Finding(
                "y",
                f"labels from {low:g} to {high:g}, and an output of {classes} classes, 0 to {classes - 1}",
                "y = np.unique(y, return_inverse=True)[1], and as many outputs as classes",
                e.subject.line,
                {"low": float(low), "high": float(high), "classes": float(classes)},
            )
    elif y is not None and y.size and y.dtype.kind in "iufb" and _takes_probabilities(e):
        low, high = y.min(), y.max()
        if low < 0 or high > 1:
            two = len(np.unique(y)) == 2
            yield Finding(
                "y",
                f"targets from {low:g} to {high:g}; the loss takes targets from 0 to 1",
                f"y = (y == {high:g}).astype(np.float32)" if two else "y = y / y.max()",
                e.subject.line,
                {"low": float(low), "high": float(high)},
            )


def one_hot(e: Evidence) -> Iterator[Finding]:
    """The targets are one-hot, where the loss takes indices."""
    y = whole(e.first.y)
    if y is None or y.shape != e.first.shape or y.ndim < 2 or y.shape[1] < 2 or not _takes_classes(e):
        return
    refused = y.dtype.kind in "iub" or any("nll" in word for word in e.subject.words)
    if refused and np.all((y == 0) | (y == 1)) and np.all(y.sum(axis=1) == 1):
        yield Finding(
            "y",
            f"targets of shape {y.shape} are one-hot; the loss takes the index of the class",
            "y = y.argmax(axis=1)",
            e.subject.line,
        )


def wrong_kind(e: Evidence) -> Iterator[Finding]:
    """The labels are floats, or have an axis too many, where the loss takes indices."""
    y = whole(e.first.y)
    if y is None or _classes(e) is None or not _takes_classes(e):
        return
    if y.dtype.kind == "f":
        repair = "y = y.astype(int)" if y.shape != (e.first.shape[0], 1) else "y = y[:, 0].astype(int)"
        yield Finding("y", f"labels are {y.dtype}; the loss takes integers", repair, e.subject.line)
    elif y.dtype.kind in "iub" and y.shape == (e.first.shape[0], 1) and len(e.first.shape) == 2:
        found = f"labels of shape {y.shape}; the loss takes ({len(y)},)"
        yield Finding("y", found, "y = y[:, 0]", e.subject.line)
