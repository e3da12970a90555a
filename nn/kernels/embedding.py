"""Rows of a table, and the way back: each cotangent is added to the row that was read."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag

from .native import embedding as native
from .native import twin
from .windows import Array

__all__ = ["table_rows", "table_rows_backward"]


def table_rows(table: Array, numbers: Array) -> tuple[Array, Any]:
    """table[numbers], of shape (*numbers.shape, D), and the residuals.

    Args:
        table: of shape (V, D).
        numbers: numbers of rows, from 0 to V - 1, of any shape.
    """
    return table.take(numbers, axis=0), (numbers, len(table))


@twin(native.table_rows_backward)
def table_rows_backward(g: Array, residuals: Any, needs: tuple[bool, ...]) -> tuple[Array | None, None]:
    """The cotangent of the table: the sum of g over the places where a row was read."""
    numbers, V = residuals
    _, pullback = ag.vjp(lambda table: table[numbers], np.zeros((V, *g.shape[numbers.ndim :]), g.dtype))
    return pullback(g)[0], None
