"""Nested tuples, lists and dicts of Tensors, to flat lists and back.

>>> leaves, rebuild = flatten({"w": 1.0, "layers": [(2.0, 3.0), None]})
>>> leaves
[2.0, 3.0, 1.0]
>>> rebuild([x * 10 for x in leaves])
{'w': 10.0, 'layers': [(20.0, 30.0), None]}
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .errors import DTypeError

__all__ = ["builder", "flatten", "map_leaves", "ordered_keys", "paths", "skeleton"]


def flatten(tree: Any) -> tuple[list[Any], Callable[[Iterable[Any]], Any]]:
    """The leaves of a nested container, and a function that rebuilds the container with other leaves.

    Containers are tuples, lists, dicts and their subclasses. `rebuild` keeps the class and the attributes of
    each. Items of a dict come in the sorted order of the keys, if the keys sort. None is a container without
    leaves; any other object is a leaf.

    Raises:
        DTypeError: from `rebuild`, for a subclass that cannot be made with other items.
    """
    leaves: list[Any] = []
    _collect(tree, leaves)

    def rebuild(values: Iterable[Any]) -> Any:
        return _replace(tree, iter(values))

    return leaves, rebuild


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same structure with `function(leaf)` in place of each leaf."""
    leaves, rebuild = flatten(tree)
    return rebuild([function(leaf) for leaf in leaves])


def builder(tree: Any) -> Callable[[Iterable[Any]], Any]:
    """The function that rebuilds a container with other leaves, which does not hold the leaves of `tree`."""
    return flatten(map_leaves(lambda _: 0, tree))[1]


def paths(tree: Any) -> list[str]:
    """The path of each leaf, as written in Python, in the order of `flatten`.

    >>> paths({"w": 1.0, "layers": [(2.0, 3.0), None]})
    ["['layers'][0][0]", "['layers'][0][1]", "['w']"]
    """
    if isinstance(tree, dict):
        return [f"[{key!r}]{path}" for key in ordered_keys(tree) for path in paths(tree[key])]
    if isinstance(tree, (tuple, list)):
        return [f"[{i}]{path}" for i, item in enumerate(tree) for path in paths(item)]
    return [] if tree is None else [""]


def skeleton(tree: Any) -> Any:
    """A tree without its leaves; equal for trees of the same structure.

    >>> skeleton([1.0, {"a": 2.0}]) == skeleton((3.0, {"a": 4.0})), skeleton([1.0]) == skeleton(1.0)
    (True, False)
    """
    if isinstance(tree, dict):
        return {key: skeleton(item) for key, item in tree.items()}
    if isinstance(tree, (tuple, list)):
        return [skeleton(item) for item in tree]
    return None if tree is None else "leaf"


def ordered_keys(tree: dict[Any, Any]) -> list[Any]:
    """The keys of a dict in the order of its leaves: sorted, if they sort."""
    try:
        return sorted(tree)
    except TypeError:
        return list(tree)


def _collect(tree: Any, leaves: list[Any]) -> None:
    if isinstance(tree, dict):
        for key in ordered_keys(tree):
            _collect(tree[key], leaves)
    elif isinstance(tree, (tuple, list)):
        for item in tree:
            _collect(item, leaves)
    elif tree is not None:
        leaves.append(tree)


def _replace(tree: Any, values: Iterator[Any]) -> Any:
    if isinstance(tree, dict):
        return _remade(tree, {key: _replace(tree[key], values) for key in ordered_keys(tree)})
    if isinstance(tree, (tuple, list)):
        return _remade(tree, [_replace(item, values) for item in tree])
    return None if tree is None else next(values)


def _remade(tree: Any, items: Any) -> Any:
    """A container with the class and the attributes of `tree` that holds `items`."""
    kind = type(tree)
    if kind is list:
        return items
    if kind is tuple:
        return tuple(items)
    try:
        if isinstance(tree, tuple):
            new = tuple.__new__(kind, items)  # the class's own `__new__` may take other arguments
            if hasattr(tree, "__dict__"):
                vars(new).update(vars(tree))
            return new
        new = copy.copy(tree)  # keeps the order of a dict, and the factory of a defaultdict
        if isinstance(tree, list):
            list.__setitem__(new, slice(None), items)
        for key in items if isinstance(tree, dict) else ():
            dict.__setitem__(new, key, items[key])  # not `update`, which adds in a Counter
    except Exception as error:
        base = next(base for base in (dict, list, tuple) if isinstance(tree, base)).__name__
        raise DTypeError(
            f"a {kind.__name__} cannot be made with other items ({error}); pass a plain {base}: {base}(x)"
        ) from error
    return new
