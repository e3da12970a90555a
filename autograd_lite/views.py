"""Views as in NumPy: Tensors that share memory. An assignment to one of them changes all of them.

In

    y = x * 2
    v = y[1:]
    v *= 3
    np.sum(y)

v shares the memory of y, so the sum contains the tripled v. On the tape no value changes:

    v1 = x
    v2 = multiply(v1, 2)
    v3 = getitem(v2, slice(1, None))
    v4 = multiply(v3, 3)
    v5 = setitem(v2, v4, slice(1, None))
    v6 = sum(v5)

`v *= 3` records v4, the new value of v, and v5, the new value of y. From then on the Tensor v stands for v4,
and the Tensor y for v5. The gradient of the sum with respect to v2 is 1 in the first entry, which v5 takes
from v2. In the other entries it is 3, since v5 takes them from v4.

A view holds its *base*, the Tensor whose memory it shares, and the op that made the view (`_of`). A base
holds weak references to its views (`_views`). Views of views make a tree. An assignment first goes up the
tree to the root: for each op that makes views, `backs` computes the new base from the new value of the view.
Then the assignment goes down again, and calls the op once more for each living view of the changed entries.
Other views keep their step, and only get the new memory. Reading a Tensor costs nothing extra. A Tensor
that is no view and never had one has None in `_views`.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
import weakref
from typing import Any, cast

import numpy as np

from .arrays import door, stored
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
"""For each op that makes views: `back(value, base, *args, **kwargs)` is `base` with `value` written into the
view; None if the view is read-only."""

handed_on: set[Op] = set()
"""Functions composed of these ops whose results are views in NumPy too; other compositions give copies."""

_EXACT = 1000
"""The effort allowed for finding out whether two views overlap. Above it they count as overlapping."""


def defview(*ops: Op, back: Op | None) -> None:
    """Declare that ops make views where NumPy does.

    Args:
        ops: e.g. `np.reshape`.
        back: computes the new base when the view is assigned to, see `backs`; None for read-only views.
    """
    for op in ops:
        backs[op] = back
        rule = rule_of(op)
        if isinstance(rule, Rule):
            rule.views = True


def read_only(op: Op) -> bool:
    """Whether an op makes read-only views."""
    return backs.get(op, op) is None


# -- making views ----------------------------------------------------------------------------------


def share_if_seen(
    x: Any, view: Any, value: Any, op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Let `view`, a new Tensor, be the view `op(x, *args, **kwargs)` of x, if they share memory.

    A 0-d Tensor holds a scalar, which has no memory to compare. Then the op decides: of a 0-d array, an index
    and np.flip give a number, and other ops a view.

    Args:
        x: the base.
        view: the Tensor of the result.
        value: the result of the op on plain arrays.
        op, args, kwargs: the call.
    """
    array = x._data
    if array.__class__ is not np.ndarray:
        if (traced := getattr(array, "__array_memory__", None)) is not None:
            memory = getattr(value, "__array_memory__", None)  # a batch, of another class, is no view
            array, value = traced(), memory and memory()
            seen = isinstance(value, np.ndarray) and np.may_share_memory(value, array)
        else:
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
    """Let `view`, a new Tensor, be the view `op(x, *args, **kwargs)` of x."""
    view._of = x, op, args, kwargs
    view._views = ()
    views = x._views or _first(x)
    views[id(view)] = weakref.ref(view)


def _first(x: Any) -> Any:
    """The dictionary of the views of x, made for the first view."""
    with changing:
        if x._views is None:
            x._of = None
        if not x._views:
            x._views = {}
        return x._views


def alone(view: Any) -> Any:
    """Make a view independent of its base, without copying its array."""
    if view._views is not None and view._of is not None:
        view._of[0]._views.pop(id(view), None)
        view._of = None
        if not view._views:
            view._views = None
    return view


def base_of(x: Any) -> Any:
    """The root: the Tensor whose memory a view, or a view of a view, shares; None if x is no view."""
    if x._views is None or x._of is None:
        return None
    while x._views is not None and x._of is not None:
        x = x._of[0]
    return x


def is_part(value: Any, x: Any, index: Any) -> bool:
    """Whether a value is the view x[index]. Python ends `x[1:] *= 3` with `x[1:] = view`."""
    views = getattr(value, "_views", None)
    return (
        views is not None
        and value._of is not None
        and value._of[0] is x
        and value._of[1] is operator.getitem
        and _same(value._of[2][0], index)
    )


def _same(a: Any, b: Any) -> bool:
    """Whether two indices are equal, and of equal classes: 1 and True are equal, but index differently."""
    if a is b:
        return True
    if a.__class__ is tuple and b.__class__ is tuple:
        return len(a) == len(b) and all(map(_same, a, b))
    return a.__class__ is b.__class__ and a.__class__ in (int, slice) and a == b


def living(x: Any) -> list[Any]:
    """The direct views of x that somebody still holds."""
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
    """Let x stand for a new value, and update all Tensors that share its memory.

    Args:
        x: a Tensor.
        value: a Tensor of the same dtype, which nobody else holds.
        line: the user's code, which errors quote.

    Raises:
        AssignmentError: a leaf that requires a gradient would become a result; the view is read-only; or
            the view is off the tape though its base is on it.
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
    """Update the views after `x.data = array`: x is no view any more, and its views share the new array.

    Args:
        x: a Tensor that was a view or has views.
        same: whether the shape and dtype are the old ones; else the views of x become independent of x.
    """
    if x._of is not None:
        x._of[0]._views.pop(id(x), None)
        x._of = None
    for view in living(x):
        if not same:
            alone(view)
    for view, cut in _below(x):
        _see(view, cut)


def _chain(x: Any, line: str) -> list[Any]:
    """x, its base, the base of the base, and so on to the root."""
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
    """The living views outside of the chain, bases first.

    Returns:
        The views of changed entries, each with whether it is cut off the tape; the views of other entries.
    """
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
    """The living views of x, and the views of these, bases first."""
    found = [(view, _is_cut(view)) for view in living(x)]
    for view, _ in found:  # grows while it is being read
        found += [(other, _is_cut(other)) for other in living(view)]
    return found


def _apart(a: Any, b: Any) -> bool:
    """Whether two arrays certainly share no entries, though they share a base."""
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
    """Raise if a Tensor is a leaf, and the assignment to x would make the leaf a result."""
    if _is_leaf(tensor) and current().listeners is not None:
        what = "x is" if tensor is x else "x shares its memory with"
        raise AssignmentError(
            f"{line}: {what} a leaf that requires a gradient, and assigning would make it a "
            "result. Write y = x.copy() and assign to y, or, to update a parameter, "
            f"'with ag.no_grad(): {line}'"
        )


# -- one Tensor ------------------------------------------------------------------------------------


def _put(x: Any, value: Any) -> None:
    """Let x stand for a new value, with the strides of the old one; a leaf stays a leaf."""
    old, new = x._data, value._data
    whole = door(old) and door(new)
    data = _laid(old, new) if whole is None else whole(_laid, (old, new), {})
    if data is not new and value.node is not None:
        value.node.value = data
    x._data = data
    if _is_leaf(x):
        x.node.value = data
    else:
        x.node = value.node


def _laid(old: Any, new: Any) -> Any:
    """A new value with the strides of the old one."""
    several = new.__class__ is np.ndarray is old.__class__ and new.ndim > 1 and new.shape == old.shape
    if not several or new.strides == old.strides:
        return new
    data = np.empty_like(old)
    data[...] = new
    return data


def _window(view: Any) -> Any:
    """The array of a view, read from its base."""
    base, op, args, kwargs = view._of
    return stored(op(base._data, *args, **kwargs))


def _look(view: Any, held: Any = None) -> None:
    """Give a view the memory of its base, and keep its step. Only the values of a leaf can change."""
    data = _window(view)
    if view.node is not None and (held is None or view.node.value is held):
        view.node.value = data
    view._data = data


def _see(view: Any, cut: bool) -> None:
    """Compute a view of the changed base again; a view that was cut off the tape stays off the tape."""
    base, op, args, kwargs = view._of
    if _is_leaf(view):
        _look(view)
    elif cut or base.node is None:
        view._data, view.node = _window(view), None
    else:
        with contextlib.nullcontext() if current().listeners is not None else enable_grad():
            new = op(base, *args, **kwargs)
        view._data, view.node = new._data, new.node
