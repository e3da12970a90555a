"""Who sees the memory of a value: which results are views of others, and which arrays outlive a call."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..aliases import like_primal
from ..ops import reductions, selection, slopes, special
from .groups import Group
from .places import Put
from .sending import Selecting, either, silenced
from .slots import Ref, is_in, refs
from .trace import Step
from .traced import attribute, method

__all__ = ["Memory", "is_packed", "is_view", "own", "writes"]

NEW: frozenset[Any] = frozenset(
    {np.where, np.copy, np.concatenate, np.stack, np.sum, np.mean, np.var, np.std, np.prod, np.max, np.min}
    | {np.amax, np.amin, np.all, np.any, np.argmax, np.argmin, np.argsort, np.sort, np.cumsum, np.dot}
    | {np.zeros_like, np.ones_like, np.empty_like, np.full_like, np.full, np.tensordot}
    | {np.outer, np.inner, np.flatnonzero, np.count_nonzero, np.pad, np.tile, np.repeat, np.linalg.inv}
)
"""NumPy's functions whose result shares no memory with an argument."""

_PRIMITIVES: Any = (
    *(selection.relu, selection.clip, selection.where, special.sigmoid, special.softplus, special.erf),
    *(
        reductions.softmax,
        reductions.log_softmax,
        reductions.logsumexp,
        slopes.times_sech2,
        slopes.times_sec2,
    ),
    *(slopes.logistic_slope, slopes.arcsin_slope, slopes.arctanh_slope, slopes.cbrt_slope, slopes.share),
    *(slopes.times_gauss, slopes.power_partial),
)
OURS = frozenset({op.__wrapped__ for op in _PRIMITIVES} | {selection._only, reductions._filled, like_primal})
"""Functions of the library of which the same is true: of arrays, each returns a new one."""

FRESH = NEW | OURS
"""All functions whose result shares no memory with an argument."""

_NAMES = "copy sum mean var std prod max min all any argmax argmin argsort cumsum dot"
NEW_METHODS = frozenset(_NAMES.split())

VIEWS = frozenset(
    {np.reshape, np.transpose, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.ravel, np.flip}
    | {np.broadcast_to, operator.getitem}
)
VIEW_NAMES = frozenset({"reshape", "transpose", "swapaxes", "squeeze", "ravel", "T", "mT", "real", "imag"})


class Memory:
    """What the steps of a plan say of memory.

    Attributes:
        owners: for each slot that holds an array, the slots whose memory it may show, itself included.
        seen: the slots whose memory is seen outside of the steps that compute: results, what is stored or
            handed to an effect, and what is written into.
    """

    def __init__(self, steps: list[Step], values: dict[int, Any], outputs: Iterable[int]) -> None:
        self.owners: dict[int, frozenset[int]] = {}
        for step in steps:
            shared = frozenset().union(*[self.owners[slot] for slot in _shown(step)])
            for slot in step.makes:
                plain = isinstance(values.get(slot), (np.generic, bool, int, float, complex))
                self.owners[slot] = frozenset() if plain else shared | {slot}
        effects = [slot for step in steps if step.kind == "effect" for slot in step.uses]
        self.seen = frozenset().union(*[self.owners[slot] for slot in [*outputs, *effects]])

    def is_own(self, slot: int) -> bool:
        """Whether nobody but the steps that compute sees the memory of a value, or could change it."""
        return self.seen.isdisjoint(self.owners[slot])

    def last_uses(self, steps: list[Step]) -> dict[int, int]:
        """For each slot the index of the last step that uses its memory."""
        last: dict[int, int] = {}
        for i, step in enumerate(steps):
            for slot in step.uses + step.makes:
                last[slot] = i
                for owner in self.owners[slot]:
                    last[owner] = i
        return last


def _shown(step: Step) -> Iterable[int]:
    """The slots whose memory the results of a step may show."""
    function = step.function
    if is_new(step) or function is either:
        return ()
    if function is silenced or function.__class__ is Selecting:  # the last argument is a mask, which is read
        return refs(step.args[:-1])
    return step.uses


def is_new(step: Step) -> bool:
    """Whether the results of a step share no memory with its arguments."""
    function = step.function
    if step.kind in ("input", "load") or isinstance(function, (np.ufunc, Group)) or is_in(FRESH, function):
        return "out" not in step.kwargs
    return function is method and step.args[0] in NEW_METHODS


def is_view(step: Step, values: dict[int, Any]) -> bool:
    """Whether a step gives a view of its first array, and its other arguments are constants."""
    named = (step.function is method or step.function is attribute) and step.args[0] in VIEW_NAMES
    if step.kind != "pure" or not (named or is_in(VIEWS, step.function)) or step.result.__class__ is not Ref:
        return False
    source = step.args[named]
    if source.__class__ is not Ref or len(step.uses) != 1:
        return False
    array, view = values[source.slot], values[step.result.slot]
    return (
        array.__class__ is np.ndarray
        and view.__class__ is np.ndarray
        and view.base is not None
        and np.may_share_memory(array, view)
    )


def own(x: Any) -> Any:
    """x in an array that nobody else holds. A replay copies x only where somebody does."""
    return x.copy("K")


def is_packed(array: Any) -> bool:
    """Whether the entries of an array fill its memory."""
    order = sorted(range(array.ndim), key=lambda k: array.strides[k])
    step = array.itemsize
    for k in order:
        if array.shape[k] != 1 and array.strides[k] != step:
            return False
        step *= array.shape[k]
    return bool(array.size)


def writes(step: Step) -> bool:
    """Whether a step may write into an array that others hold."""
    return step.kind == "effect" and step.function.__class__ is not Put
