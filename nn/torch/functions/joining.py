"""Several Tensors made one, and grids."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from autograd_lite.errors import OptionError

from ..dtypes import joint, matched
from .registry import alias, entry

__all__: list[str] = []


def _alike(tensors: Any) -> list[Any]:
    """Tensors in their joint dtype."""
    return list(matched(*tensors))


@entry(method=False)
def cat(tensors: Any, dim: int = 0) -> Any:
    """Tensors one after the other along an axis."""
    several = [x for x in tensors if tuple(x.shape) != (0,)] or list(tensors)
    if not several:
        raise OptionError("cat: expected at least one Tensor")
    return np.concatenate(_alike(several), axis=dim)


alias(concat="cat", concatenate="cat")


@entry(method=False)
def stack(tensors: Any, dim: int = 0) -> Any:
    """Tensors of one shape along a new axis."""
    return np.stack(_alike(tensors), axis=dim)


@entry(method=False)
def hstack(tensors: Any) -> Any:
    """Tensors along axis 1, vectors along axis 0."""
    return np.hstack(_alike(tensors))


@entry(method=False)
def vstack(tensors: Any) -> Any:
    """Tensors along axis 0; vectors are rows."""
    return np.vstack(_alike(tensors))


@entry(method=False)
def dstack(tensors: Any) -> Any:
    """Tensors along axis 2."""
    return np.dstack(_alike(tensors))


@entry(method=False)
def column_stack(tensors: Any) -> Any:
    """Tensors along axis 1; vectors are columns."""
    return np.column_stack(_alike(tensors))


alias(row_stack="vstack")


def listed(tensors: Any) -> list[Any]:
    """Tensors given one by one or in a list."""
    return list(tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors)


@entry(method=False)
def meshgrid(*tensors: Any, indexing: str | None = None) -> Any:
    """The coordinates of a grid."""
    vectors = [x.reshape(-1) for x in listed(tensors)]
    n = len(vectors)
    shape = tuple(len(v) for v in vectors)
    grids = [
        np.broadcast_to(v.reshape((1,) * i + (-1,) + (1,) * (n - 1 - i)), shape).copy()
        for i, v in enumerate(vectors)
    ]
    return tuple(np.swapaxes(x, 0, 1) for x in grids) if indexing == "xy" and n > 1 else tuple(grids)


@entry(method=False)
def cartesian_prod(*tensors: Any) -> Any:
    """All tuples of entries, one from each vector."""
    vectors = listed(tensors)
    places = np.indices([len(v) for v in vectors]).reshape(len(vectors), -1)
    parts = [v[i] for v, i in zip(_alike(vectors), places, strict=True)]
    return parts[0] if len(parts) == 1 else np.stack(parts, axis=-1)


@entry(method=False)
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """All combinations of r entries of a vector."""
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(len(input)), r)), int).reshape(-1, r)
    return input[places]


@entry(method=False)
def block_diag(*tensors: Any) -> Any:
    """Matrices on the diagonal of a larger one, else 0."""
    blocks = [np.atleast_2d(x) for x in listed(tensors)]
    own = joint(*blocks)
    width = sum(b.shape[1] for b in blocks)
    rows, left = [], 0
    for b in blocks:
        rows.append(np.pad(b.astype(own), ((0, 0), (left, width - left - b.shape[1]))))
        left += b.shape[1]
    return np.concatenate(rows, axis=0)


@entry(method=False)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The matrix of the powers of a vector."""
    n = x.shape[0] if N is None else N
    powers = np.arange(n) if increasing else np.arange(n - 1, -1, -1)
    return np.expand_dims(x, -1) ** powers.astype(x.dtype)
