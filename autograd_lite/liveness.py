"""Dead entries: an entry that no consumer selected sends nothing back, not even a NaN.

In `np.where(x > 0, np.sqrt(x), 0.0)` at x = 0 the square root is not selected, so
its derivative does not matter. But its rule still computes 0 * (1 / 0) = NaN.
A zero that means "not selected" is not the number zero: in `np.sqrt(x) ** 2` at 0
the product 0 * inf is a true indeterminate, and stays NaN.

So a cotangent from a selecting op is `Masked`: it carries a `Mask` of its live
entries. In an elementwise op, a dead entry of the output is a dead entry of the
input. So the mask travels back through elementwise ops, and puts zeros where a rule
made a NaN from a dead entry. The mask is computed only when that happens: a network
of relus and matrix products pays nothing for it.

An op that selects or moves entries needs no second set of rules for masks. Its own
rule, applied to 1 for live and 0 for dead entries, is nonzero where an input entry is
live. With x = [0, 4], backward through f = sum(where(x > 0, sqrt(x), 0)):

    step    cotangent that it sends back  mask
    sum     [1, 1]                        none: all entries are live
    where   where(x > 0, g, 0) = [0, 1]   its rule on ones: [0, 1] != 0 = [dead, live]
    sqrt    g / (2 y) = [nan, 0.25]       elementwise, so the same mask: [0, 0.25]
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .arrays import every, unwrap
from .box import Box
from .cotangents import Mask
from .known import Rule

__all__ = ["selected", "silence"]


def silence(
    rule: Rule, send: Callable[[Any], Any], mask: Mask | None, g: Any, gx: Any
) -> tuple[Any, Mask | None]:
    """Silence the dead entries in the cotangent of an input, and compute the mask of its live entries.

    Called if the op selects entries, or if the output's cotangent has a mask and the op does not mix its
    inputs.

    Args:
        rule: the rule of the op.
        send: the pullback of the op to this input, on plain arrays.
        mask: the mask of `g`; None if all entries are live.
        g: the cotangent of the output.
        gx: the cotangent of the input, as the rule returned it.
    """
    elementwise = rule.flow == "elementwise"
    if elementwise:
        if mask is not None and gx is not g and (isinstance(gx, Box) or not every(np.isfinite(gx))):
            # Under create_graph this `where` is recorded, so that the next order has no NaN either.
            gx = np.where(mask.live(), gx, 0)
        return gx, mask
    return gx, selected(send, unwrap(g), mask)


def selected(send: Callable[[Any], Any], g: Any, mask: Mask | None) -> Mask:
    """The mask of an input's cotangent in a step that selects or moves entries; `send` is the pullback."""
    return Mask(partial(_selected, send, g, None if mask is None else mask.live()))


def _selected(send: Callable[[Any], Any], g: Any, live: Any) -> Any:
    """The live entries of an input: where the rule is nonzero on 1 for live and 0 for dead entries."""
    if g.__class__ is np.float64:
        return unwrap(send(np.float64(live is None or live))) != 0
    ones = np.ones_like(g)
    return unwrap(send(ones if live is None else np.where(live, ones, 0))) != 0
