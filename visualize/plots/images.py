"""Plots of arrays as images: weights, feature maps, misclassified images, and the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import DataError, DTypeError, OptionError

from .figures import array, grid, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["confusion_matrix", "feature_maps", "heat", "misclassified", "weight_images"]

MOST_NUMBERS = 12
"""The most rows or columns of a matrix whose cells show numbers."""


def heat(x: Any, count: int = 64, columns: int | None = None) -> Figure:
    """Plot the entries of a Tensor or array as colours: blue below 0, white at 0, orange above 0.

    Args:
        x: a Tensor or array of any shape. A vector is one row. With more than two axes, each matrix of the
            last two is an image. A matrix of up to 12 x 12 shows its numbers. NaN and inf have no colour.
        count: the most matrices to show.
        columns: the number of matrices side by side.

    Raises:
        DataError: `x` is empty, or its entries are not real numbers.
        RendererError: matplotlib is not installed.

    Example:
        >>> figure = heat(ag.Tensor([[1.0, -2.0], [0.0, 0.5]]))
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['1', '-2', '0', '0.5']
    """
    values = array(x)
    if not values.size or values.dtype.kind not in "biuf":
        raise DataError(
            f"heat: an array of {values.dtype} of shape {values.shape}; expected one or more real numbers: "
            "heat(np.abs(x))"
        )
    values = values.astype(float)
    matrices = values.reshape(-1, *values.shape[-2:]) if values.ndim > 2 else np.atleast_2d(values)[None]
    shown = matrices[:count]
    places = [", ".join(map(str, i)) for i in np.ndindex(values.shape[:-2])][:count]
    heading = f"{getattr(x, 'name', None) or type(x).__name__}, shape {values.shape}, {array(x).dtype}"
    if len(matrices) > count:
        heading += f" ({count} of {len(matrices)})"
    figure = grid("heat", shown, places, columns, bool((shown < 0).any()), heading, 1.1)
    if len(matrices) == 1:
        height, width = shown[0].shape
        figure.set_size_inches(1.2 + np.clip(0.62 * width, 1.6, 7), 0.6 + np.clip(0.42 * height, 0.8, 5))
        if max(height, width) <= MOST_NUMBERS:
            _write_numbers(figure.axes[0], shown[0])
            figure.axes[0].set_aspect("auto")  # a number is wider than high
        elif max(width / height, height / width) > 8:
            figure.axes[0].set_aspect("auto")
    return figure


def _write_numbers(axes: Any, matrix: Any) -> None:
    """Write each entry in its cell, in white if the cell is dark."""
    largest = np.max(np.abs(matrix[np.isfinite(matrix)]), initial=0.0) or 1.0
    for (i, j), value in np.ndenumerate(matrix):
        dark = np.isfinite(value) and abs(value) > 0.6 * largest
        colour = "white" if dark else "#1b2027"
        axes.text(j, i, f"{value:.2g}", ha="center", va="center", fontsize=8, color=colour)


def weight_images(
    weights: Any, shape: tuple[int, int] | None = None, count: int = 64, columns: int | None = None
) -> Figure:
    """Plot the weights of each neuron as an image: the pattern that a first layer detects.

    Args:
        weights: the weights of a linear layer, of shape (neurons, height * width); or kernels of shape
            (channels, in, height, width); or a model, whose first such parameter is shown.
        shape: the (height, width) of a linear layer's images. Default: square images.
        count: the most images to show.
        columns: the number of images side by side.

    Raises:
        DataError: the weights do not have the shape of images.
        RendererError: matplotlib is not installed.

    Example:
        >>> figure = weight_images(np.zeros((6, 64)))
        >>> len(figure.axes)     # six images and the bar
        7
    """
    heading = ""
    if hasattr(weights, "named_parameters"):
        found = next(((n, p) for n, p in weights.named_parameters() if p.ndim >= 2), None)
        if found is None:
            raise DataError("weight_images: the model has no parameter with two axes; give an array")
        heading, weights = found
    images = _images("weight_images", array(weights), shape)
    shown = images[:count]
    if len(images) > count:
        heading += f" ({count} of {len(images)})"
    return grid("weight_images", shown, [""] * len(shown), columns, True, heading)


def feature_maps(
    model: Any, x: Any, layer: str | None = None, count: int = 32, columns: int | None = None
) -> Figure:
    """Plot the output of a layer for one image, channel by channel.

    Args:
        model: a module.
        x: one input with a batch axis, of shape (1, channels, height, width).
        layer: the path of the layer, e.g. "features.0". Default: the first layer that returns images.
        count: the most channels to show.
        columns: the number of channels side by side.

    Raises:
        DTypeError: `model` is not a module.
        OptionError: the model has no layer of this path, or the layer does not return images.
        RendererError: matplotlib is not installed.

    Example:
        >>> import nn
        >>> figure = feature_maps(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), np.ones((1, 1, 8, 8)))
        >>> len(figure.axes)
        5
    """
    if not hasattr(model, "named_modules"):
        raise DTypeError(f"feature_maps: {type(model).__name__} is no module; write feature_maps(model, x)")
    paths = {path: module for path, module in model.named_modules() if path}
    if layer is not None and layer not in paths:
        known = ", ".join(map(repr, paths))
        raise OptionError(f"feature_maps(layer={layer!r}): no layer has this path; expected one of {known}")
    came: dict[str, Any] = {}
    handles: list[Any] = []
    try:
        # A hook's return value replaces the output; setdefault returns the output of the first call.
        handles.extend(
            module.register_forward_hook(lambda _m, _a, y, path=path: came.setdefault(path, y))
            for path, module in paths.items()
            if layer in (None, path)
        )
        with ag.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    shown = next(((path, array(y)) for path, y in came.items() if np.ndim(array(y)) == 4), None)
    if shown is None:
        what = "no layer returns" if layer is None else f"the layer {layer!r} does not return"
        raise OptionError(f"feature_maps: {what} images of shape (n, channels, height, width)")
    path, maps = shown
    maps = maps[0, :count]
    titles = [str(i) for i in range(len(maps))]
    return grid("feature_maps", maps, titles, columns, bool((maps < 0).any()), path)


def misclassified(
    images: Any,
    target: Any,
    predicted: Any,
    *,
    names: Sequence[str] | None = None,
    shape: tuple[int, int] | None = None,
    count: int = 25,
    columns: int | None = None,
) -> Figure:
    """Plot the misclassified images, each with its true and its predicted class.

    Args:
        images: an array of shape (n, height, width), (n, 1, height, width) or (n, height * width).
        target: the true classes, of shape (n,).
        predicted: the predicted classes, of shape (n,); or scores of shape (n, classes).
        names: the names of the classes.
        shape: the (height, width) of flat images. Default: square images.
        count: the most images to show.
        columns: the number of images side by side.

    Raises:
        DataError: the shapes do not fit together, or all predictions are right.
        RendererError: matplotlib is not installed.

    Example:
        >>> figure = misclassified(np.zeros((3, 64)), [1, 2, 3], [1, 7, 3])
        >>> figure.axes[0].get_title()
        '2, not 7'
    """
    target, predicted = _labels("misclassified", target, predicted)
    pictures = _images("misclassified", array(images), shape)
    if len(pictures) != len(target):
        raise DataError(
            f"misclassified: {len(pictures)} images and {len(target)} classes; expected one class "
            "for each image"
        )
    wrong = np.flatnonzero(target != predicted)
    if not wrong.size:
        raise DataError("misclassified: all predictions are right, so there is no image to show")
    said = [str(i) for i in range(1 + max(target.max(), predicted.max()))] if names is None else names
    titles = [f"{said[target[i]]}, not {said[predicted[i]]}" for i in wrong[:count]]
    more = f"; the first {count}" if wrong.size > count else ""
    heading = f"{wrong.size} of {len(target)} are wrong{more} (true, not predicted)"
    return grid("misclassified", pictures[wrong[:count]], titles, columns, False, heading, 1.05)


def confusion_matrix(target: Any, predicted: Any, names: Sequence[str] | None = None) -> Figure:
    """Plot the confusion matrix: rows are true classes, columns are predicted classes.

    The numbers are counts. The colours are fractions of the row, so that rare classes are visible.

    Args:
        target: the true classes, integers of shape (n,).
        predicted: the predicted classes, of shape (n,); or scores of shape (n, classes).
        names: the names of the classes.

    Raises:
        DataError: the shapes do not fit together.
        RendererError: matplotlib is not installed.

    Example:
        >>> figure = confusion_matrix([0, 0, 1], [0, 1, 1])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['1', '1', '', '1']
    """
    target, predicted = _labels("confusion_matrix", target, predicted)
    n = 1 + int(max(target.max(), predicted.max()))
    n = n if names is None else max(n, len(names))
    counts = np.zeros((n, n), int)
    np.add.at(counts, (target, predicted), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = max(3.2, 0.45 * n + 1.4)
    figure, (axes,) = panels("confusion_matrix", width=size + 0.7, height=size)
    shown = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    said = [str(i) for i in range(n)] if names is None else list(names)
    axes.set_xticks(range(n), said, rotation=90 if max(map(len, said)) > 3 else 0)
    axes.set_yticks(range(n), said)
    for i in range(n):
        for j in range(n):
            axes.text(
                j, i, str(counts[i, j]) if counts[i, j] else "", ha="center", va="center",
                fontsize=8, color="white" if share[i, j] > 0.55 else "#1b2027",
            )  # fmt: skip
    right = float(np.trace(counts) / max(len(target), 1))
    axes.set_title(f"{right:.1%} of {len(target)} are right", fontsize=10)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.spines[:].set_visible(False)
    figure.colorbar(shown, ax=axes, shrink=0.8, label="share of the row")
    return figure


def _labels(who: str, target: Any, predicted: Any) -> tuple[Any, Any]:
    target, predicted = array(target), array(predicted)
    if predicted.ndim == 2:
        predicted = predicted.argmax(axis=1)
    fine = target.ndim == 1 and target.shape == predicted.shape and target.size > 0
    if not (fine and all(x.dtype.kind in "iu" and x.min() >= 0 for x in (target, predicted))):
        raise DataError(
            f"{who}: classes {target.dtype} of shape {target.shape} and predictions {predicted.dtype} of "
            f"shape {predicted.shape}; expected integers from 0 on, both of shape (n,): "
            f"{who}(..., y, scores.argmax(axis=1))"
        )
    return target, predicted


def _images(who: str, images: Any, shape: tuple[int, int] | None) -> Any:
    """Images as (n, height, width)."""
    if images.ndim == 2:
        side = math.isqrt(images.shape[1])
        height, width = shape or (side, side)
        if height * width == images.shape[1]:
            return images.reshape(-1, height, width)
    elif images.ndim >= 3 and images.size:
        return images.reshape(-1, *images.shape[-2:])
    raise DataError(
        f"{who}: an array of shape {images.shape} holds no images; expected (n, height, width), or "
        f"(n, pixels) with {who}(..., shape=(height, width))"
    )
