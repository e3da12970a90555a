"""Selection: one of several entries is selected, and the others are dead.

Tied entries share the cotangent equally. An entry that was not selected sends nothing back, not even a NaN;
see `liveness.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..apply import primitive
from ..arrays import asarray, at_once, door, dtype_of, on_host, shape_of, some, unwrap, zeros
from ..box import wrap
from ..known import Composition, defvjp, known
from ..tensor import Tensor

__all__ = ["relu"]

BITS = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64)}
LARGE = 1000
"""Up to this many entries, np.where is the fastest way."""


@primitive(broadcasts=True)
def relu(x: Any) -> Any:
    """max(x, 0), with derivative 0 at 0.

    Args:
        x: array of any shape.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.relu(np.array([-1.0, 0.0, 2.0]))
        array([0., 0., 2.])
    """
    return np.maximum(x, 0)


@primitive(broadcasts=True)
def clip(x: Any, low: Any, high: Any) -> Any:
    """numpy.clip with three arguments; None means no bound."""
    return np.clip(x, low, high)


@primitive(broadcasts=True)
def where(condition: Any, x: Any, y: Any) -> Any:
    """numpy.where with three arguments."""
    return np.where(condition, x, y)


def _only(live: Any, g: Any) -> Any:
    """np.where(live, g, 0).

    In a large array all bits of dead entries are cleared, without a branch for each entry. This takes a tenth
    of the time, since a processor cannot predict which entries are live.
    """
    if g.__class__ is np.float64 and live.__class__ is np.bool_:
        return g if live else np.float64(0.0)
    if not on_host(g) or not on_host(live):
        return np.where(live, g, 0) if (whole := door(g)) is None else whole(_only, (live, g), {})
    if g.size < LARGE or g.dtype not in BITS or live.shape != g.shape:
        return np.where(live, g, 0)
    ones = np.negative(live.view(np.int8))  # -1 is all ones, also as a wider integer
    return (ones & g.view(BITS[g.dtype])).view(g.dtype)


def _share(g: Any, y: Any, x: Any, *rivals: Any) -> Any:
    """The cotangent of x, one of the arrays that y was selected from; tied entries get equal shares."""
    y = unwrap(y)
    chosen = at_once(_is, y, unwrap(x))
    ties = [at_once(_is, y, unwrap(rival)) for rival in rivals if rival is not None]
    return _only(chosen, at_once(_divided, g, chosen, *ties) if ties else g)


def _divided(g: Any, chosen: Any, *ties: Any) -> Any:
    """g, divided by the number of tied arrays."""
    if any(some(chosen & tie) for tie in ties):
        return g / np.maximum(1 * chosen + sum(1 * tie for tie in ties), 1).astype(g.dtype)
    return g


def _is(y: Any, x: Any) -> Any:
    """Where x was selected: it equals y, or both are NaN."""
    same, odd = y == x, y != y
    return same | (odd & (x != x)) if some(odd) else same


def _where(condition: Any, *choices: Any) -> Any:
    return where(condition, *choices) if choices else np.nonzero(condition)


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    return clip(a, min if a_min is None else a_min, max if a_max is None else a_max)


def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """x with constants in place of numbers that are not finite; real and imaginary part separately."""
    options = dict(nan=nan, posinf=posinf, neginf=neginf)
    if np.iscomplexobj(x):
        return _nan_to_num(np.real(x), **options) + 1j * _nan_to_num(np.imag(x), **options)
    raw = unwrap(x)
    return where(np.isfinite(raw), x, np.nan_to_num(raw, **options))


for _extreme in (np.maximum, np.minimum, np.fmax, np.fmin):
    defvjp(
        _extreme,
        lambda g, y, a, b: _share(g, y, a, b),
        lambda g, y, a, b: _share(g, y, b, a),
        flow="selects",
    )
defvjp(
    clip,
    lambda g, y, x, low, high: _share(g, y, x, low, high),
    lambda g, y, x, low, high: _share(g, y, low, x, high),
    lambda g, y, x, low, high: _share(g, y, high, x, low),
    flow="selects",
)
defvjp(
    np.heaviside,
    lambda g, y, x, at_zero: np.zeros_like(g),
    lambda g, y, x, at_zero: np.where(unwrap(x) == 0, g, 0),
    flow="selects",
)
defvjp(relu, lambda g, y, x: _only(x > 0, g), flow="selects")
defvjp(
    where,
    lambda g, y, c, a, b: np.zeros_like(g),
    lambda g, y, c, a, b: np.where(unwrap(c), g, 0),
    lambda g, y, c, a, b: np.where(unwrap(c), 0, g),
    flow="selects",
)
known[np.clip] = Composition(_clip)
known[np.where] = Composition(_where)
known[np.nan_to_num] = Composition(_nan_to_num)

# -- choices by index, by condition, piecewise -----------------------------------------------------


@primitive(broadcasts=True)
def choose(a: Any, *choices: Any, mode: Any = "raise") -> Any:
    """numpy.choose with each choice as an argument."""
    return np.choose(a, choices, mode=mode)


def _chosen(i: int, g: Any, y: Any, a: Any, *choices: Any, mode: Any = "raise") -> Any:
    """g where the i-th argument was chosen; argument 0 is the index."""
    return np.where(np.choose(unwrap(a), range(len(choices)), mode=mode) == i - 1, g, 0)


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The choice of the first condition that holds; np.select of indices tells which."""
    conditions, n = list(map(unwrap, condlist)), len(choicelist)
    which = np.select(conditions, list(range(n)), n)
    kinds = [c if type(c) in (int, float, complex) else dtype_of(c) for c in (default, *choicelist)]
    result = default if isinstance(default, Tensor) else asarray(default).astype(np.result_type(*kinds))
    for i in reversed(range(n)):
        result = where(which == i, choicelist[i], result)
    return result


def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Each function, or number, where its condition holds; an additional one where no condition holds."""
    x = asarray(x)
    conditions = unwrap(condlist)
    if np.isscalar(conditions) or (x.ndim and not shape_of(conditions[0])):
        conditions = [conditions]
    masks = [asarray(unwrap(conditions[i])).astype(bool) for i in range(len(conditions))]
    if len(masks) == len(funclist) - 1:
        masks.append(~np.any(masks, axis=0))
    if len(masks) != len(funclist):
        raise ValueError(
            f"{len(masks)} conditions and {len(funclist)} functions; give one function for each condition, "
            "and at most one more"
        )
    y = wrap(zeros(x.shape, like=x))
    for mask, function in zip(masks, funclist, strict=True):
        if not callable(function):
            y[mask] = function
        elif (entries := x[mask]).size:
            y[mask] = function(entries, *args, **kw)
    return y


defvjp(choose, each=_chosen, flow="selects")
known[np.choose] = Composition(lambda a, choices, mode="raise": choose(a, *choices, mode=mode))
known[np.select] = Composition(_select)
known[np.piecewise] = Composition(_piecewise)
