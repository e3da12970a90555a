"""Dead entries: what no consumer selected sends nothing back, not even a NaN.

In `np.where(x > 0, np.sqrt(x), 0.0)` at x = 0 the square root is not selected, so
its derivative does not matter. But its rule still computes 0 * (1 / 0) = NaN.
A zero that says "not selected" is not the number zero: in `np.sqrt(x) ** 2` at 0
the product 0 * inf is a true indeterminate, and stays NaN.

So a cotangent that comes from a selecting op is `Masked`: a `Mask` of its live entries
goes with it. The mask travels up along elementwise ops, where a dead entry of the
output is a dead entry of the input, and puts zeros where a rule made a NaN out of
a dead entry. It is worked out only when that happens: a network of relus and
matrix products pays nothing for it.

How a mask passes an op that selects or moves entries needs no second set of rules:
the op's own rule, applied to 1 for live and 0 for dead, is nonzero where an input
is live. With x = [0, 4], backward through f = sum(where(x > 0, sqrt(x), 0)):

    step    cotangent it sends back       mask
    sum     [1, 1]                        none: all is live
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

__all__ = ["silence"]


def silence(
    rule: Rule, send: Callable[[Any], Any], mask: Mask | None, g: Any, gx: Any
) -> tuple[Any, Mask | None]:
    """The cotangent of an input with its dead entries silenced, and the mask of those that are live.

    Called where a mask has arrived, unless the op mixes its inputs, and where the op selects.

    Args:
        rule: of the op that is played.
        send: its rule for this input on plain arrays, as a function of the cotangent.
        mask: of the output's cotangent `g`; None if all of it is live.
        g, gx: the cotangents of the output and of the input, before it is fitted to the input.
    """
    elementwise = rule.flow == "elementwise"
    if elementwise:
        if mask is not None and gx is not g and (isinstance(gx, Box) or not every(np.isfinite(gx))):
            # Under create_graph this `where` is on the tape and keeps the next order clean too.
            gx = np.where(mask.live(), gx, 0)
        return gx, mask
    return gx, Mask(partial(_selected, send, unwrap(g), None if mask is None else mask.live()))


def _selected(send: Callable[[Any], Any], g: Any, live: Any) -> Any:
    """Which entries of an input an op has selected: its rule on ones, and on 0 for what is dead."""
    if g.__class__ is np.float64:
        return unwrap(send(np.float64(live is None or live))) != 0
    ones = np.ones_like(g)
    return unwrap(send(ones if live is None else np.where(live, ones, 0))) != 0
