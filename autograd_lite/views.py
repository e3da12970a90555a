"""Views as in NumPy: Tensors that look at one memory, and what an assignment to one of them does to all.

In

    y = x * 2
    v = y[1:]
    v *= 3
    np.sum(y)

v looks at the memory of y, so the sum sees v tripled. On the tape every value stays what it was:

    v1 = x
    v2 = multiply(v1, 2)
    v3 = getitem(v2, slice(1, None))
    v4 = multiply(v3, 3)
    v5 = setitem(v2, v4, slice(1, None))
    v6 = sum(v5)

`v *= 3` records v4, the new value of v, and v5, that of y, and lets the names stand for them: v for v4,
y for v5. The gradient of the sum with respect to y's first value is 1 in the first entry, which v5 has from
v2, and 3 in the others, which v5 has from v4.

A view holds the Tensor that it looks at, its *base*, and the op that has made it (`_of`). A base holds weak
references to its views (`_views`). Views of views make a tree. An assignment goes up the tree to its root:
for each op that makes views, `backs` says what the base is once the view has a new value. Then it goes down
again: the op is called once more for each living view that saw what was written. Other views keep their
step, and only look at the new memory. Reading a Tensor costs nothing for all that, and a Tensor that has
never met a view has None in `_views`.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
import weakref
from typing import Any, cast

import numpy as np

from .arrays import stored
from .errors import AssignmentError
from .known import Rule, rule_of
from .node import Op, changing, op_name
from .recording import current, enable_grad

__all__ = [
    "alone",
    "assign",
    "base_of",
    "defview",
    "handed_on",
    "is_part",
    "moved",
    "read_only",
    "share",
    "share_if_seen",
]

backs: dict[Op, Op | None] = {}
"""For each op that makes views: `back(value, base, *args, **kwargs)` is the base in which the view has the
given value; None where the view is read-only."""

handed_on: set[Op] = set()
"""Functions in terms of such ops whose results are views in NumPy, too; those of others are copies."""

_EXACT = 1000
"""Effort of finding out whether two views overlap; above it they are taken to."""


def defview(*ops: Op, back: Op | None) -> None:
    """Declare that ops make views where NumPy does, and what becomes of the base when a view is written."""
    for op in ops:
        backs[op] = back
        rule = rule_of(op)
        if isinstance(rule, Rule):
            rule.views = True


def read_only(op: Op) -> bool:
    """Whether an op makes views that cannot be written."""
    return backs.get(op, op) is None


# -- making views ----------------------------------------------------------------------------------


def share_if_seen(
    x: Any, view: Any, value: Any, op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Let `view`, a Tensor just made, be the view `op(x, *args, **kwargs)` of x if what the op has returned
    looks at the memory of x. The array of a 0-d Tensor is a scalar, which has none: there the op tells, for
    of a 0-d array an index makes a number."""
    array = x._data
    if array.__class__ is not np.ndarray:
        seen = value.__class__ is np.ndarray or op not in (operator.getitem, np.flip)
    elif value.__class__ is not np.ndarray:
        seen = False
    elif (base := value.base) is array:
        seen = True
    elif base is None:
        seen = value is array
    else:
        seen = base is array.base or np.may_share_memory(value, array)
    if seen:
        share(x, view, op, args, kwargs)


def share(x: Any, view: Any, op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Let `view`, a Tensor just made, be the view `op(x, *args, **kwargs)` of x."""
    view._of = x, op, args, kwargs
    view._views = ()
    views = x._views or _first(x)
    views[id(view)] = weakref.ref(view)


def _first(x: Any) -> Any:
    """Let x have views."""
    with changing:
        if x._views is None:
            x._of = None
        if not x._views:
            x._views = {}
        return x._views


def alone(view: Any) -> Any:
    """Let a Tensor that was a view keep its value for itself, as a copy would, but for the copying."""
    if view._views is not None and view._of is not None:
        view._of[0]._views.pop(id(view), None)
        view._of = None
        if not view._views:
            view._views = None
    return view


def base_of(x: Any) -> Any:
    """The Tensor whose memory a view looks at in the end; None if x is no view."""
    if x._views is None or x._of is None:
        return None
    while x._views is not None and x._of is not None:
        x = x._of[0]
    return x


def is_part(value: Any, x: Any, index: Any) -> bool:
    """Whether a value is the view x[index]: in `x[1:] *= 3` Python assigns it once it has been written."""
    views = getattr(value, "_views", None)
    return (
        views is not None
        and value._of is not None
        and value._of[0] is x
        and value._of[1] is operator.getitem
        and _same(value._of[2][0], index)
    )


def _same(a: Any, b: Any) -> bool:
    """Whether two indices say the same in the same way; 1 and True are equal, but do not."""
    if a is b:
        return True
    if a.__class__ is tuple and b.__class__ is tuple:
        return len(a) == len(b) and all(map(_same, a, b))
    return a.__class__ is b.__class__ and a.__class__ in (int, slice) and a == b


def living(x: Any) -> list[Any]:
    """The views of x, not those of its views, that somebody still holds."""
    found, dead = [], []
    for key, reference in list(x._views.items()) if x._views else ():
        view = reference()
        if view is None:
            dead.append((key, reference))
        elif view._of is not None and view._of[0] is x:
            found.append(view)
    if len(dead) > 32:
        for key, reference in dead:
            now = x._views.pop(key, None)
            if now is not None and now is not reference:  # another thread has made one meanwhile
                x._views[key] = now
    return found


# -- assigning -------------------------------------------------------------------------------------


def assign(x: Any, value: Any, line: str) -> None:
    """Let x stand for a new value, and with it all that looks at its memory.

    Args:
        x: a Tensor.
        value: a Tensor of the same dtype, which nobody else holds.
        line: the user's code, for errors.

    Raises:
        AssignmentError: a leaf that requires a gradient would become a result, the view is read-only, or
            its gradient was cut.
    """
    _require_no_leaf(x, x, line)
    if x._views is None or (x._of is None and not living(x)):
        _put(x, value)
        return
    if value._data.shape != x._data.shape:
        raise AssignmentError(
            f"{line}: x shares its memory with other Tensors, and cannot have another shape than "
            f"{x._data.shape}; make a new one: y = np.resize(x, shape)"
        )
    chain = _chain(x, line)
    seen, aside = _others(chain)
    for tensor in (*chain, *(view for view, _ in seen)):
        _require_no_leaf(tensor, x, line)
    values = [value]
    for view, base in itertools.pairwise(chain):
        _, op, args, kwargs = view._of
        values.append(backs[op](values[-1], base, *args, **kwargs))  # type: ignore[misc]
    root = chain[-1]
    _put(root, values[-1])
    stays = root.node is not values[-1].node  # a leaf under no_grad
    for view, new in zip(reversed(chain[:-1]), reversed(values[:-1]), strict=True):
        if _is_leaf(view):
            _look(view)
        elif stays:
            _see(view, view.node is None)
        else:
            view.node = new.node
            _look(view, new._data)
    for view, cut in seen:
        _see(view, cut)
    for view in aside:
        _look(view, view._data)


def moved(x: Any, same: bool) -> None:
    """Follow x, which was given another array by `x.data = array`: x is no view any more; its own views look
    at that array, unless it has another shape or dtype."""
    if x._of is not None:
        x._of[0]._views.pop(id(x), None)
        x._of = None
    for view in living(x):
        if not same:
            alone(view)
    for view, cut in _below(x):
        _see(view, cut)


def _chain(x: Any, line: str) -> list[Any]:
    """x, what it is a view of, and so on to the root."""
    chain = [x]
    while (of := chain[-1]._of) is not None:
        base, op = of[:2]
        if backs[op] is None:
            raise AssignmentError(
                f"{line}: x is a view that {op_name(op)} has made, and read-only, as in NumPy; write "
                "y = x.copy() and assign to y, or assign to the array itself: a[i, j] = v"
            )
        if _is_cut(chain[-1]) and current().listeners is not None:
            raise AssignmentError(
                f"{line}: x is a view of a Tensor on the tape, but off the tape, for it was made under "
                "no_grad() or detached: gradients would be lost; make the view outside of no_grad(), or "
                f"write 'with ag.no_grad(): {line}'"
            )
        chain.append(base)
    return chain


def _others(chain: list[Any]) -> tuple[list[tuple[Any, bool]], list[Any]]:
    """The other living views, bases first: those that see what is written, with whether they are cut off the
    tape, and those that look aside."""
    seen, aside = _below(chain[0]), []
    for view, base in itertools.pairwise(chain):
        for other in living(base):
            if other is view:
                continue
            family = [(other, _is_cut(other)), *_below(other)]
            if _apart(other._data, view._data):
                aside += [member for member, _ in family]
            else:
                seen += family
    return seen, aside


def _below(x: Any) -> list[tuple[Any, bool]]:
    """The living views of x, and theirs, bases first."""
    found = [(view, _is_cut(view)) for view in living(x)]
    for view, _ in found:  # grows while it is being read
        found += [(other, _is_cut(other)) for other in living(view)]
    return found


def _apart(a: Any, b: Any) -> bool:
    """Whether two arrays are known to look at different parts of one memory."""
    return (
        a.__class__ is np.ndarray is b.__class__
        and a.base is not None
        and a.base is b.base
        and not np.may_share_memory(a, b, max_work=cast(Any, _EXACT))
    )


def _is_cut(view: Any) -> bool:
    """Whether a view is off the tape though its base is on it."""
    return view.node is None and view._of[0].node is not None


def _is_leaf(x: Any) -> bool:
    return x.node is not None and x.node.op is None


def _require_no_leaf(tensor: Any, x: Any, line: str) -> None:
    """Raise if a Tensor is a leaf, and what is assigned to x would make it a result."""
    if _is_leaf(tensor) and current().listeners is not None:
        what = "x is" if tensor is x else "x shares its memory with"
        raise AssignmentError(
            f"{line}: {what} a leaf that requires a gradient, and assigning would make it a "
            "result. Write y = x.copy() and assign to y, or, to update a parameter, "
            f"'with ag.no_grad(): {line}'"
        )


# -- one Tensor ------------------------------------------------------------------------------------


def _put(x: Any, value: Any) -> None:
    """Let x stand for a new value, which lies in memory as the old one did; a leaf stays one."""
    old, data = x._data, value._data
    several = data.__class__ is np.ndarray is old.__class__ and data.ndim > 1 and data.shape == old.shape
    if several and data.strides != old.strides:
        data = np.empty_like(old)
        data[...] = value._data
        if value.node is not None:
            value.node.value = data
    x._data = data
    if _is_leaf(x):
        x.node.value = data
    else:
        x.node = value.node


def _window(view: Any) -> Any:
    """What a view sees, read from its base."""
    base, op, args, kwargs = view._of
    return stored(op(base._data, *args, **kwargs))


def _look(view: Any, held: Any = None) -> None:
    """Let a view whose step stays look at the memory of its base. Its values are the same, but for a leaf."""
    data = _window(view)
    if view.node is not None and (held is None or view.node.value is held):
        view.node.value = data
    view._data = data


def _see(view: Any, cut: bool) -> None:
    """View the base anew."""
    base, op, args, kwargs = view._of
    if _is_leaf(view):
        _look(view)
    elif cut or base.node is None:
        view._data, view.node = _window(view), None
    else:
        with contextlib.nullcontext() if current().listeners is not None else enable_grad():
            new = op(base, *args, **kwargs)
        view._data, view.node = new._data, new.node
