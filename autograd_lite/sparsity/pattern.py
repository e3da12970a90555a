"""Pattern: where a derivative may be nonzero, and the colours by which few products tell all entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from .colouring import Colours, distance_2, star

__all__ = ["Pattern", "coloured", "coloured_symmetric"]


@dataclass(frozen=True)
class Pattern:
    """The sparsity pattern of a Jacobian or Hessian, with its colours.

    Attributes:
        matrix: SciPy's CSR matrix of booleans, `(outputs, inputs)`: True where an entry may be nonzero.
        by: what is coloured: "columns" (products with tangents), "rows" (with cotangents), or "both" (a
            Hessian, by star colouring).
        colours: the colour of each column, or row, from 0.
    """

    matrix: Any
    by: Literal["columns", "rows", "both"]
    colours: Colours

    @cached_property
    def count(self) -> int:
        """How many colours there are: as many products give all entries."""
        return int(self.colours.max(initial=-1)) + 1

    def __repr__(self) -> str:
        rows, columns = self.matrix.shape
        what = "rows and columns" if self.by == "both" else self.by
        return f"<Pattern {rows} x {columns}, {self.matrix.nnz} nonzeros, {self.count} colours of {what}>"

    def seeds(self, colours: range, dtype: Any) -> Any:
        """The sum of the unit vectors of each colour, in rows."""
        return (self.colours == np.array(colours)[:, None]).astype(dtype)

    @cached_property
    def _places(self) -> tuple[Any, Any]:
        """For each entry its colour, and its place in the product of that colour."""
        rows, columns = _coordinates(self.matrix)
        if self.by == "rows":
            return self.colours[rows], columns
        own = self.colours[columns]
        if self.by == "columns":
            return own, rows
        keys = rows * self.count + own
        alone = np.bincount(keys, minlength=1)[keys] == 1
        return np.where(alone, own, self.colours[rows]), np.where(alone, rows, columns)

    def filled(self, products: Any) -> Any:
        """The CSR matrix of the entries that products hold, one row for each colour."""
        from scipy import sparse

        entries = products[self._places]
        return sparse.csr_matrix((entries, self.matrix.indices, self.matrix.indptr), shape=self.matrix.shape)


def _coordinates(matrix: Any) -> tuple[Any, Any]:
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return rows, matrix.indices.astype(np.int64)


def coloured(matrix: Any) -> Pattern:
    """The pattern by rows or by columns, whichever need fewer colours; rows if they need as many.

    A row with k entries needs k colours of columns. So the way with the smaller bound is tried first, and
    the other one only if its bound is smaller than what came out.
    """
    turned = matrix.tocsc()
    ways: list[tuple[int, Literal["rows", "columns"], Callable[[], Colours]]] = [
        (int(np.diff(turned.indptr).max(initial=0)), "rows", lambda: distance_2(matrix.T)),
        (int(np.diff(matrix.indptr).max(initial=0)), "columns", lambda: distance_2(turned)),
    ]
    ways.sort(key=lambda way: way[0])
    best: Pattern | None = None
    for bound, by, colour in ways:
        if best is None or bound < best.count:
            found = Pattern(matrix, by, colour())
            best = found if best is None or found.count < best.count else best
    assert best is not None
    return best


def coloured_symmetric(matrix: Any) -> Pattern:
    """The pattern of a Hessian, made symmetric."""
    both = (matrix + matrix.T).tocsr()
    both.sort_indices()
    return Pattern(both, "both", star(both))
