"""Colours: columns of one colour are computed by one product, and can be told apart afterwards.

The colours that are taken are the bits of one Python integer, so that a union is `|`, and the first free
colour is the lowest bit that is 0. Both functions look at each nonzero a few times.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["distance_2", "star"]

Colours = npt.NDArray[np.int64]


def distance_2(columns: Any) -> Colours:
    """A colour for each column, so that no row has two columns of one colour: greedy, in their order.

    Args:
        columns: the pattern as a CSC matrix.

    Source:
        A. Curtis, M. Powell, J. Reid, "On the estimation of sparse Jacobian matrices", 1974.

    Example:
        >>> from scipy import sparse
        >>> distance_2(sparse.csc_matrix(np.eye(4) + np.eye(4, k=1))).tolist()
        [0, 1, 0, 1]
    """
    rows, starts = columns.indices.tolist(), columns.indptr.tolist()
    taken, colours = [0] * columns.shape[0], []
    for start, stop in itertools.pairwise(starts):
        own = rows[start:stop]
        forbidden = 0
        for i in own:
            forbidden |= taken[i]
        bit = ~forbidden & (forbidden + 1)
        for i in own:
            taken[i] |= bit
        colours.append(bit.bit_length() - 1)
    return np.array(colours, np.int64)


def star(graph: Any) -> Colours:
    """A star colouring of a symmetric pattern: (i, j) is alone in row i, or (j, i) in row j.

    Neighbours differ, and every path of four has three colours. The vertices of most neighbours come first:
    an arrow, dense in one row and column, needs two colours.

    Args:
        graph: the pattern as a CSR matrix; its diagonal is not looked at.

    Source:
        A. Gebremedhin, F. Manne, A. Pothen, "What color is your Jacobian?", 2005.

    Example:
        >>> from scipy import sparse
        >>> arrow = np.eye(5); arrow[0] = arrow[:, 0] = 1
        >>> star(sparse.csr_matrix(arrow)).tolist()
        [0, 1, 1, 1, 1]
    """
    ends, starts = graph.indices.tolist(), graph.indptr.tolist()
    n = graph.shape[0]
    bits = [0] * n  # the colour of each vertex
    seen = [0] * n  # the colours of its neighbours
    danger = [0] * n  # of a coloured vertex: what a neighbour may not have, for a path of two colours
    first: dict[tuple[int, int], int] = {}  # a neighbour of a vertex that has a colour
    for v in _most_neighbours_first(graph):
        near: Sequence[int] = ends[starts[v] : starts[v + 1]]
        forbidden = 0
        for w in near:
            if w != v:
                forbidden |= bits[w] | danger[w] if bits[w] else seen[w]
        bit = bits[v] = ~forbidden & (forbidden + 1)
        for w in near:
            if w == v:
                continue
            if not seen[w] & bit:
                first[w, bit] = v
            else:  # w is coloured: v and the other one are the ends of a path over w
                danger[v] |= bits[w]
                danger[first[w, bit]] |= bits[w]
            seen[w] |= bit
    return np.array([bit.bit_length() - 1 for bit in bits], np.int64)


def _most_neighbours_first(graph: Any) -> list[int]:
    return np.argsort(-np.diff(graph.indptr), kind="stable").tolist()  # type: ignore[no-any-return]
