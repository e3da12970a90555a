"""Kernels on the batches of `vmap`: the batch is folded into the axis that counts the samples of a kernel.

A kernel takes many samples at once. So B inputs of N samples each are one input of B N samples, and the
kernel runs once, forward and backward:

    x (B, N, C, H, W) -> (B N, C, H, W) -> kernel -> (B N, O, H, W) -> (B, N, O, H, W)

All samples share the weights. If the weights differ between the members of the batch, the definition runs.
The kernel's cotangent of the weights is the sum over all samples. This sum is right for weights from outside
of the map. For weights that each member differentiates by itself, each member needs a cotangent of its own:
from the kernel `each` if there is one, else from the definition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np

from .arrays import at_once, is_batched, on_host

__all__ = ["Folded", "Kernel", "forward_of", "pull_of"]

Axis = int | EllipsisType | None
"""The axis that counts samples; `...` if any axes may stand in front; None for what all samples share."""


class Samples(NamedTuple):
    """The axes that count samples, in the arguments, the results, and the options of a kernel."""

    args: tuple[Axis, ...]
    results: Axis | tuple[Axis, ...]
    options: dict[str, int] = {}  # noqa: RUF012


class Kernel(NamedTuple):
    """A fused op, see `fused`.

    Attributes:
        forward, backward: the kernels.
        samples: a `Samples`, or a function of the arguments and options that returns one, or None; None if
            a batch cannot be folded.
        each: `each(g, *args, needs=, **options)` on arrays with the batch in front returns the cotangents
            of the weights for each member, and None for other arguments; or None.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    samples: Any
    each: Callable[..., Any] | None


class Folded(NamedTuple):
    """The residuals of a folded forward pass.

    Attributes:
        level: the map.
        axes: the axes of the samples.
        residuals: those of the kernel.
        outside: for each argument whether it was recorded before the map began.
    """

    level: Any
    axes: Samples
    residuals: Any
    outside: tuple[bool, ...]


def _innermost(values: Any) -> Any:
    """The level of the inner map among arrays, or None."""
    levels = [x.__array_level__ for x in values if is_batched(x)]
    return max(levels, key=lambda level: level.since, default=None)


def _parts(value: Any) -> tuple[Any, ...]:
    return value if value.__class__ is tuple else (value,)


def _fold(level: Any, x: Any, axis: Axis) -> Any:
    """The array of a batch with the batch folded into an axis; what all members share is repeated."""
    if x is None or axis is None:
        return x
    whole = level.full(x)
    if axis is Ellipsis:
        return whole
    moved = np.moveaxis(whole, 0, axis) if axis else whole
    shape = moved.shape
    return np.reshape(moved, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


def _unfold(level: Any, y: Any, axis: Axis) -> Any:
    """The inverse of `_fold`; a result has an axis of samples."""
    if axis is Ellipsis or axis is None:
        return level.make(y)
    shape = y.shape
    parts = np.reshape(y, (*shape[:axis], level.size, shape[axis] // level.size, *shape[axis + 1 :]))
    return level.make(np.moveaxis(parts, axis, 0) if axis else parts)


def forward_of(
    kernel: Kernel, values: Sequence[Any], options: dict[str, Any], parents: Sequence[int | None]
) -> Any:
    """The value and the residuals of a kernel on batches; NotImplemented if the definition has to run.

    Args:
        kernel: the fused op.
        values, options: the call.
        parents: the place of each argument on the tape, or None.
    """
    level = _innermost(values)
    if level is None:
        return at_once(kernel.forward, *values, **options)
    return _folded(level, kernel, values, options, parents)


def _folded(
    level: Any, kernel: Kernel, values: Sequence[Any], options: dict[str, Any], parents: Sequence[int | None]
) -> Any:
    found = kernel.samples(*values, **options) if callable(kernel.samples) else kernel.samples
    if found is None or not level.size:
        return NotImplemented
    axes = Samples(*found)
    if any(axis is None and level.holds(x) for x, axis in zip(values, axes.args, strict=True)):
        return NotImplemented
    folded = [_fold(level, x, axis) for x, axis in zip(values, axes.args, strict=True)]
    repeated = {
        name: _fold(level, options[name], axes.options[name]) for name in axes.options if name in options
    }
    made = forward_of(kernel, folded, {**options, **repeated}, parents)
    if made is NotImplemented:
        return NotImplemented
    value, residuals = made
    results = [_unfold(level, y, axis) for y, axis in zip(_parts(value), _parts(axes.results), strict=True)]
    outside = tuple([x is not None and x <= level.since for x in parents])
    return _alike(value, results), Folded(level, axes, residuals, outside)


def pull_of(
    kernel: Kernel,
    g: Any,
    residuals: Any,
    args: Sequence[Any] | None,
    options: dict[str, Any],
    needs: Sequence[bool],
) -> list[Any]:
    """The cotangents of the arguments; NotImplemented in place of those that the definition has to compute.

    Args:
        kernel: the fused op.
        g: the cotangent of the result.
        residuals: those of the forward pass.
        args, options: the call; the arguments are None if they are not at hand.
        needs: which cotangents are needed.
    """
    level, nothing = _innermost(_parts(g)), _of_definition(needs)
    if residuals.__class__ is not Folded:
        if level is None:
            return list(at_once(kernel.backward, g, residuals, tuple(needs)))
        return nothing if args is None else _repeated(level, kernel, g, args, options, needs)
    own, axes, inner, outside = residuals
    if level is not None and level.since > own.since:
        return nothing
    summed = [axis is not None or out for axis, out in zip(axes.args, outside, strict=True)]
    asked = [need and own for need, own in zip(needs, summed, strict=True)]
    folded = [_fold(own, x, axis) for x, axis in zip(_parts(g), _parts(axes.results), strict=True)]
    sent = pull_of(kernel, _alike(g, folded), inner, None, options, asked)
    if any(gx is NotImplemented for gx in sent):
        return nothing
    for i, axis in enumerate(axes.args):
        if asked[i] and axis is not None:
            sent[i] = _unfold(own, sent[i], axis)
    left = [need and not own for need, own in zip(needs, summed, strict=True)]
    if any(left):
        each = _for_each(residuals, kernel, g, args, options, left)
        sent = [other if need else gx for gx, other, need in zip(sent, each, left, strict=True)]
    return sent


def _of_definition(needs: Sequence[bool]) -> list[Any]:
    """The answer of `pull_of` where the definition computes all cotangents."""
    return [NotImplemented if need else None for need in needs]


def _alike(value: Any, parts: list[Any]) -> Any:
    return tuple(parts) if value.__class__ is tuple else parts[0]


def _repeated(
    level: Any, kernel: Kernel, g: Any, args: Sequence[Any], options: dict[str, Any], needs: Sequence[bool]
) -> list[Any]:
    """The cotangents for a batch of cotangents of one call: the call is repeated for each of them.

    A kernel whose samples may have any axes is a product, for which the definition is as fast.
    """
    nothing = _of_definition(needs)
    if kernel.samples is None or not all(map(on_host, args)):
        return nothing
    made = _folded(level, kernel, args, options, [None] * len(args))
    if made is NotImplemented or Ellipsis in made[1].axes.args:
        return nothing
    return pull_of(kernel, g, made[1], args, options, needs)


def _for_each(
    folded: Folded,
    kernel: Kernel,
    g: Any,
    args: Sequence[Any] | None,
    options: dict[str, Any],
    needs: Sequence[bool],
) -> list[Any]:
    """The cotangents of the weights, one for each member of the batch."""
    level, axes = folded.level, folded.axes
    nothing = _of_definition(needs)
    if kernel.each is None or args is None:
        return nothing
    gs = [level.full(x) for x in _parts(g)]
    values = [
        x if x is None or axis is None else level.full(x) for x, axis in zip(args, axes.args, strict=True)
    ]
    if _innermost((*gs, *values)) is not None:
        return nothing
    sent = at_once(kernel.each, _alike(g, gs), *values, needs=tuple(needs), **options)
    return [None if gx is None else level.make(gx) for gx in sent]
