"""The terms of an op's result from the derivative rule that the op has anyway.

No op needs a second rule. What the rule says of dead entries tells the way:

    moves        the op is linear, so each term of its result is the op on that term
    selects      near the value the op is linear, so each term is a directional derivative at the value
    elementwise  dy is the sum of rule(dx_i) over the arguments: rules compute with series too
    mixes        dy = jvp(op, x, dx) on series

The last two ways need x and dx up to order n - 1. If the rule reads y, then y up to order n - 1 is needed
first, and so on: all terms cost O(n^3).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .. import tree
from ..arrays import dtype_of
from ..errors import NotDifferentiableError, UnsupportedError
from ..known import Each, Rule, reads_of, rule_of
from ..node import op_name
from ..ops.decompositions import eigh
from ..ops.singular import svd
from ..transforms import jvp
from .series import Level, series_in, terms_of
from .terms import integral, slopes

__all__ = ["termwise"]

SHOWN = {svd: 3, eigh: 2}
"""How many results an op shows; the others are always 0."""


def derived(level: Level, op: Any, y: Any, args: Any, kwargs: Any) -> Any:
    """The result of an op that has no recurrence."""
    rule = rule_of(op)
    name = op_name(op)
    if rule is None or (rule.joint is None and not rule.vjps):
        raise NotDifferentiableError(
            f"jet: {name} has no derivative rule; give it one: ag.defvjp({name}, lambda g, y, x: g * ...), "
            "or compute with functions that have one"
        )
    args = [x._terms[0] if level.holds(x) and len(x._terms) == 1 else x for x in args]
    places = [i for i, x in enumerate(args) if level.holds(x)]
    if sum(map(level.holds, series_in(args))) > len(places):
        raise UnsupportedError(f"jet: {name} takes a series as a whole argument, not inside of a list")
    kwargs = level.at_zero(kwargs)  # no derivative goes to an option
    if not places:
        return level.wrapped(y)
    if rule.flow == "moves":
        return level.made([y, *termwise(level, op, args, kwargs)])
    if rule.flow == "selects":
        return level.made([y, *_at_the_value(level, op, places, args, kwargs)])
    real = all(dtype_of(args[i]).kind == "f" for i in places)
    if rule.flow == "elementwise" and rule.ordinary and (real or not rule.plain):
        return level.made(integral(y, _by_differential(level, op, rule, places, args, kwargs)))
    return _by_jvp(level, op, y, places, args, kwargs)


def termwise(level: Level, op: Any, args: Any, kwargs: Any, fixed: Any = ()) -> list[Any]:
    """The terms after the value of a linear op; constants among its operands have none.

    Args:
        fixed: arguments that are no operands, such as a condition.
    """
    rule: Any = rule_of(op)
    operands = range(len(args) if isinstance(rule.vjps, Each) else len(rule.vjps))
    count = max(len(terms_of(x, level)) for x in args)
    if "initial" in kwargs:
        kwargs = {**kwargs, "initial": 0}

    by_memory = any(word in ("A", "K") for word in (*args, *kwargs.values()) if isinstance(word, str))

    def term(k: int, i: int) -> Any:
        own = terms_of(args[i], level)
        if i not in operands or i in fixed:
            return args[i]
        if k >= len(own):
            return np.zeros_like(own[0])
        return _laid_as(own[0], own[k]) if by_memory else own[k]

    return [op(*(term(k, i) for i in range(len(args))), **kwargs) for k in range(1, count)]


def _laid_as(value: Any, term: Any) -> Any:
    """A term with its entries in the order of those of the value in memory."""
    laid = np.empty_like(value)
    laid[...] = term
    return laid


def _of_places(op: Any, places: list[int], args: Any, kwargs: Any) -> Any:
    """The op as a function of some of its arguments."""

    def function(*given: Any) -> Any:
        changed = list(args)
        for i, x in zip(places, given, strict=True):
            changed[i] = x
        return op(*changed, **kwargs)

    return function


def _at_the_value(level: Level, op: Any, places: list[int], args: Any, kwargs: Any) -> list[Any]:
    function = _of_places(op, places, level.at_zero(args), kwargs)
    own = [args[i]._terms for i in places]
    values = [terms[0] for terms in own]

    def term(k: int) -> Any:
        directions = [terms[k] if k < len(terms) else np.zeros_like(terms[0])[()] for terms in own]
        return jvp(function, values, directions)[1]

    return [term(k) for k in range(1, max(map(len, own)))]


def _by_differential(
    level: Level, op: Any, rule: Rule, places: list[int], args: Any, kwargs: Any
) -> list[Any]:
    """dy as the sum of rule(dx_i), on series of one order less."""
    lower = level.lower
    given, steps = list(args), {}
    for i in places:
        terms = args[i]._terms
        given[i], steps[i] = lower.made(terms), lower.made(slopes(terms))
    reads = any(reads_of(rule.vjps[i], 1) for i in places)
    y = op(*given, **kwargs) if reads else op(*level.at_zero(args), **kwargs)
    parts = [rule.vjps[i](steps[i], y, *given, **kwargs) for i in places]
    return terms_of(functools.reduce(np.add, parts), lower)


def _by_jvp(level: Level, op: Any, y: Any, places: list[int], args: Any, kwargs: Any) -> Any:
    lower, count = level.lower, SHOWN.get(op)
    own = [args[i]._terms for i in places]
    whole = _of_places(op, places, args, kwargs)
    function = whole if count is None else lambda *given: whole(*given)[:count]
    _, dy = jvp(function, [lower.made(terms) for terms in own], [lower.made(slopes(terms)) for terms in own])
    values, rebuild = tree.flatten(y)
    tangents = tree.flatten(dy)[0]
    tangents += [0] * (len(values) - len(tangents))
    pairs = zip(values, tangents, strict=True)
    return rebuild([level.made(integral(value, terms_of(tangent, lower))) for value, tangent in pairs])


Level.derived.give(derived)
