"""Sizes that depend on a dynamic axis, as formulas.

Where a number differs between recordings with longer axes, it is a formula `base + slope * size`, and a last
recording with all axes longer checks the formula.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import UnsupportedError

from .steps import Axis, Counted, Filled, Recorded, Size, Slot, Step, Triangle

__all__ = ["formulas"]

Array = npt.NDArray[Any]


def formulas(
    whole: Recorded,
    others: Sequence[Recorded],
    axes: Sequence[Axis],
    sizes: dict[Axis, int],
    checked: dict[Axis, int],
) -> Recorded:
    """The recording with a Size where the numbers of the recordings differ."""
    steps = []
    names: list[dict[Slot, Slot]] = [
        {theirs: mine for mine, theirs in zip(_sources(whole), _sources(other), strict=True)}
        for other in others
    ]
    for k, step in enumerate(whole.steps):
        twins = [other.steps[k] for other in others if k < len(other.steps)]
        alike = [t for t in twins if (t.name, len(t.results)) == (step.name, len(step.results))]
        if len(alike) < len(others):
            raise UnsupportedError(f"onnx.export: {_words(step)} depends on the size of a dynamic axis")
        for known, twin in zip(names, twins, strict=True):
            known.update(zip(twin.results, step.results, strict=True))
        solve = functools.partial(_solved, step, axes, sizes, checked)
        pairs = list(zip(twins, names, strict=True))
        operands = solve(step.operands, [_renamed(twin.operands, known) for twin, known in pairs])
        options = solve(step.options, [_renamed(twin.options, known) for twin, known in pairs])
        steps.append(step._replace(operands=operands, options=options))
    whole.steps = steps
    end = Step("the result", (), {}, (), (), "its end")
    whole.shapes = _solved(end, axes, sizes, checked, whole.shapes, [other.shapes for other in others])
    return whole


def _sources(recorded: Recorded) -> list[Slot]:
    """The values that no step makes, by their meaning."""
    return [*recorded.inputs, *sorted(recorded.places, key=lambda slot: recorded.places[slot])]


def _renamed(x: Any, names: dict[Slot, Slot]) -> Any:
    """An operand with other names for its values."""
    if isinstance(x, Slot):
        return names.get(x, x)
    if isinstance(x, (tuple, list)):
        return type(x)(_renamed(item, names) for item in x)
    if isinstance(x, dict):
        return {key: _renamed(item, names) for key, item in x.items()}
    if isinstance(x, slice):
        return slice(*_renamed((x.start, x.stop, x.step), names))
    return x


def _words(step: Step) -> str:
    return f"{step.name}, at {step.line},"


def _solved(step: Step, axes: Any, sizes: Any, checked: Any, x: Any, others: Sequence[Any]) -> Any:
    """A value, or a formula of it."""
    again = functools.partial(_solved, step, axes, sizes, checked)
    alike = all(type(other) is type(x) for other in others)
    if alike and isinstance(x, (tuple, list)) and all(len(other) == len(x) for other in others):
        return type(x)(again(item, [other[i] for other in others]) for i, item in enumerate(x))
    if alike and isinstance(x, dict) and all(other.keys() == x.keys() for other in others):
        return {key: again(item, [other[key] for other in others]) for key, item in x.items()}
    if alike and isinstance(x, slice):
        ends = [again(getattr(x, e), [getattr(o, e) for o in others]) for e in ("start", "stop", "step")]
        return slice(*ends)
    if alike and isinstance(x, np.ndarray):
        return _array(step, again, x, others)
    if all(_equal(x, other) for other in others):
        return x
    if alike and isinstance(x, (int, np.integer)) and not isinstance(x, bool):
        slopes = {axis: int(other) - int(x) for axis, other in zip(axes, others, strict=False)}
        slopes = {axis: slope for axis, slope in slopes.items() if slope}
        found = Size(int(x) - sum(slope * sizes[axis] for axis, slope in slopes.items()), slopes)
        if found.at(checked) == others[-1]:
            return found
    raise UnsupportedError(
        f"onnx.export: {_words(step)} depends on the size of a dynamic axis in a way that a file cannot hold "
        f"({x!r}, then {others[0]!r}); leave the axis out of dynamic_axes"
    )


def _array(step: Step, again: Any, x: Array, others: Sequence[Array]) -> Any:
    """An array of constants, or what it is for any size."""
    if all(_equal(x, other) for other in others):
        return x
    arrays = [x, *others]
    shape = again(x.shape, [other.shape for other in others])
    if x.size and all((a == x.flat[0]).all() for a in arrays):
        return Filled(shape, x.flat[0])
    if x.ndim == 1 and all((a == np.arange(len(a))).all() for a in arrays):
        return Counted(shape[0], x.dtype)
    if x.ndim > 1 and min(x.shape[-2:]) > 1:
        above, below = x[..., 0, 1].flat[0], x[..., 0, 0].flat[0]
        if all((a == np.where(np.triu(np.ones(a.shape, bool), 1), above, below)).all() for a in arrays):
            return Triangle(shape, above, below)
    raise UnsupportedError(
        f"onnx.export: {_words(step)} has a constant array whose values depend on the size of a dynamic "
        "axis; leave the axis out of dynamic_axes"
    )


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        same = np.array_equal(a, b, equal_nan=getattr(a, "dtype", None) is not None and a.dtype.kind in "fc")
        return same and a.dtype == b.dtype
    return bool(a == b) or (a != a and b != b)
