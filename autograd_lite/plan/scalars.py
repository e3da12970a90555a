"""Single numbers in a replay: Python's floats compute with the bits of NumPy's, in a third of the time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..aliases import like_primal, number
from .schedule import Plan
from .slots import Ref
from .trace import Step

__all__ = ["Scalars", "divided"]

_FLOAT = np.float64

SYMBOLS = {np.add: "+", np.subtract: "-", np.multiply: "*"}
BEFORE = {np.negative: "-", np.positive: "+", np.absolute: "abs"}
SILENT = frozenset({*SYMBOLS, *BEFORE, np.divide, np.square})
COMPARES = {
    **{np.less: "<", np.less_equal: "<=", np.greater: ">", np.greater_equal: ">="},
    **{np.equal: "==", np.not_equal: "!="},
}
HANDS_ON = (np.float64, like_primal, number)
"""Functions that give a double precision number back: as a number of NumPy's, or as one of Python's."""


def divided(a: float, b: float, state: dict[str, Any] | None = None) -> float:
    """a / b, where Python would raise for b = 0; in one of NumPy's error states."""
    if state is None:
        return float(np.divide(a, b))
    with np.errstate(**state):
        return float(np.divide(a, b))


class Scalars:
    """Which slots are Python floats inside of a replay, and how to compute with them.

    Attributes:
        bare: the slots that hold a number of NumPy's in the eager run, and a Python float in the replay.
    """

    def __init__(self, plan: Plan) -> None:
        self._classes = plan.classes
        self._computed = [step for step in plan.steps if self.computes(step) or self.hands_on(step)]
        made = {step.result.slot for step in self._computed}
        self.bare = {slot for slot in made if self._classes[slot] is _FLOAT}
        used = {slot for step in self._computed for slot in step.uses}
        self.bare |= {
            slot
            for step in plan.steps
            if step.kind in ("load", "input") and step.result.__class__ is Ref
            for slot in [step.result.slot]
            if slot in used and self._classes[slot] is _FLOAT
        }

    def computes(self, step: Step) -> bool:
        """Whether a step is arithmetic of double precision numbers, or a function of them."""
        function = step.function
        return (
            isinstance(function, np.ufunc)
            and function.nout == 1
            and step.kind == "pure"
            and not step.kwargs
            and step.result.__class__ is Ref
            and self._classes[step.result.slot] is _FLOAT
            and all(map(self._is_number, step.args))
        )

    def hands_on(self, step: Step) -> bool:
        """Whether the result of a step is its first argument, a double precision number."""
        return (
            step.function in HANDS_ON
            and step.result.__class__ is Ref
            and self._classes[step.result.slot] in (float, _FLOAT)
            and self._is_number(step.args[0])
        )

    def compares(self, step: Step) -> bool:
        """Whether a step compares two double precision numbers."""
        return (
            isinstance(step.function, np.ufunc)
            and step.function in COMPARES
            and step.kind == "pure"
            and not step.kwargs
            and all(map(self._is_number, step.args))
            and any(x.__class__ is Ref and self._classes[x.slot] is _FLOAT for x in step.args)
        )

    def _is_number(self, x: Any) -> bool:
        if x.__class__ is Ref:
            return self._classes[x.slot] in (float, _FLOAT)
        return x.__class__ in (float, _FLOAT) or (x.__class__ is int and abs(x) < 2**53)

    def is_silent(self, step: Step) -> bool:
        """Whether a step computes without NumPy, so that NumPy's error state does not matter."""
        return self.hands_on(step) or (self.computes(step) and step.function in SILENT)

    def text(self, step: Step, name: Callable[[Any], str]) -> str:
        """The expression of a step that `computes` or `hands_on`, a Python float."""
        function, words = step.function, [self._word(x, name) for x in step.args]
        if function in HANDS_ON:
            return words[0]
        if function in SYMBOLS:
            return f"{words[0]} {SYMBOLS[function]} {words[1]}"
        if function in BEFORE:
            return f"{BEFORE[function]}({words[0]})"
        if function is np.square:
            return f"{words[0]} * {words[0]}"
        if function is np.divide:
            a, b = words
            state = "" if step.quiet is None else f", {name(step.quiet)}"
            return f"{a} / {b} if {b} else divided({a}, {b}{state})"
        return f"float({name(function)}({', '.join(words)}))"

    def compared(self, step: Step, text: Callable[[Any], str], name: Callable[[Any], str]) -> str:
        """The expression of a step that `compares`, a bool of NumPy's."""
        a, b = step.args
        if a.__class__ is Ref and self._classes[a.slot] is _FLOAT:
            return f"{text(a)} {COMPARES[step.function]} {self._word(b, name)}"
        return f"f64({self._word(a, name)}) {COMPARES[step.function]} {self._word(b, name)}"

    def _word(self, x: Any, name: Callable[[Any], str]) -> str:
        if x.__class__ is Ref:
            plain = x.slot in self.bare or self._classes[x.slot] is float
            return f"v{x.slot}" if plain else f"float(v{x.slot})"
        value = float(x)
        return f"({value!r})" if math.isfinite(value) else name(value)
