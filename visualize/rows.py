"""A computation as a pandas table, with a row for each step."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import MissingPackageError

from .faults import nonfinite
from .graph import Graph, draw
from .words.values import norm
from .words.wording import Wording, named

__all__ = ["table"]


def table(output: Any, *inputs: Any) -> Any:
    """The steps of a computation as a `pandas.DataFrame`, oldest first.

    Args:
        output: a Tape, a recorded Tensor, a graph made by `draw`, an error, or a function or module.
        inputs: the arguments of the function or module, as in `draw`.

    Returns:
        A row for each step; the index is the step's name. Columns: op, module, computed (the formula), dtype,
        shape, min, mean, max and norm of the value, gradient (its norm), fault, line.

    Raises:
        MissingPackageError: pandas is not installed (pip install pandas).
        TapeError: nothing was recorded, or a backward pass has released the values.

    Example:
        >>> frame = table(lambda x: np.tanh(2 * x), 1.0)  # doctest: +SKIP
        >>> frame["computed"].to_dict(), frame["mean"].round(4).to_dict()  # doctest: +SKIP
        ({'v1': '2*x', 'f': 'tanh(v1)'}, {'v1': 2.0, 'f': 0.964})
    """
    try:
        pandas: Any = importlib.import_module("pandas")
    except ImportError as error:
        raise MissingPackageError(
            "visualize.table needs pandas, which is not installed: pip install pandas; without it, "
            "print(tape) and draw(y).to_text() work"
        ) from error
    graph = named(output if isinstance(output, Graph) else draw(output, *inputs, style="ops"))
    paths = output.paths() if isinstance(output, ag.Tape) else None
    rows = list(_rows(graph, paths))
    return pandas.DataFrame(rows, columns=["name", *COLUMNS]).set_index("name")


COLUMNS = (
    "op",
    "module",
    "computed",
    "dtype",
    "shape",
    "min",
    "mean",
    "max",
    "norm",
    "gradient",
    "fault",
    "line",
)


def _rows(graph: Graph, paths: list[str] | None) -> Iterator[tuple[Any, ...]]:
    words, totals = Wording(graph), graph.totals()
    steps = [i for i, vertex in enumerate(graph.vertices) if vertex.op is not None]
    for k, i in enumerate(steps):
        vertex, grad = graph.vertices[i], totals.get(i)
        module = graph.calls[vertex.call].path if vertex.call is not None else ""
        yield (
            vertex.name,
            vertex.op,
            paths[k] if paths is not None else module,
            words.step(i),
            *_value(vertex.value),
            None if grad is None else norm(grad),
            vertex.fault or nonfinite(vertex.value),
            vertex.line,
        )


def _value(value: Any) -> tuple[Any, ...]:
    """The dtype, shape, min, mean, max and norm of a value; for several results the norm alone."""
    if value is None or isinstance(value, tuple):
        return (None, None, None, None, None, None if value is None else norm(value))
    array = np.asarray(value)
    if array.size == 0 or array.dtype.kind not in "biuf":
        size = norm(array) if array.dtype.kind == "c" else None
        return (str(array.dtype), array.shape, None, None, None, size)
    with np.errstate(all="ignore"):
        wide = array.astype(float)
        numbers = tuple(float(x) for x in (wide.min(), wide.mean(), wide.max()))
    return (str(array.dtype), array.shape, *numbers, norm(array))
