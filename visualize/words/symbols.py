"""The symbols in the circles of the lecture style: `×`, `Σ`, `x²`, `+1`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..computation import Computation
from ..reading import known_as
from .label import index

__all__ = ["symbols"]

_SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "negative": "×−1",
    "reciprocal": "1/x",
    "square": "x²",
    "sqrt": "√",
    "power": "xʸ",
    "absolute": "|x|",
    "matmul": "@",
    "dot": "·",
    "sum": "Σ",
    "total": "Σ",
    "prod": "Π",
    "sigmoid": "σ",
    "greater": ">",
    "greater_equal": "≥",
    "less": "<",
    "less_equal": "≤",
    "equal": "=",
    "not_equal": "≠",
    "bitwise_and": "∧",
    "logical_and": "∧",
    "bitwise_or": "∨",
    "logical_or": "∨",
    "invert": "¬",
    "logical_not": "¬",
    "maximum": "max",
    "minimum": "min",
    "transpose": "xᵀ",
    "matrix_transpose": "xᵀ",
}

_WITH_NUMBER: dict[tuple[str, int], str] = {
    ("add", 0): "+{}",
    ("add", 1): "+{}",
    ("subtract", 0): "{}−x",
    ("subtract", 1): "−{}",
    ("multiply", 0): "×{}",
    ("multiply", 1): "×{}",
    ("divide", 0): "{}/x",
    ("divide", 1): "÷{}",
    ("power", 0): "{}ˣ",
    ("power", 1): "x^{}",
    ("greater", 1): ">{}",
    ("greater_equal", 1): "≥{}",
    ("less", 1): "<{}",
    ("less_equal", 1): "≤{}",
}
"""Ops with a number in the code, by the number's position: the number moves into the circle."""

_SUPERSCRIPT = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def symbols(graph: Computation) -> tuple[dict[int, str], set[int]]:
    """The symbol of each step, and the constants that the symbols contain."""
    symbols, folded = {}, set()
    for i, vertex in enumerate(graph.vertices):
        if vertex.op is not None:
            known = _SYMBOLS.get(known_as(vertex.function), vertex.op)
            symbols[i] = known if vertex.index is None else index(vertex)
    for edge in graph.edges:
        source, target = graph.vertices[edge.source], edge.target
        real = isinstance(source.value, (int, float, np.integer, np.floating))
        if target is None or not (real and source.constant and source.name is None):
            continue
        form = _WITH_NUMBER.get((known_as(graph.vertices[target].function), edge.position))
        if form is not None:
            symbols[target] = _with_number(form, source.value)
            folded.add(edge.source)
    return symbols, folded


def _with_number(form: str, value: Any) -> str:
    shown = f"{value:.4g}".replace("-", "−")
    if form == "x^{}" and value == int(value):
        return "x" + shown.translate(_SUPERSCRIPT)
    return form.format(shown).replace("+−", "−").replace("−−", "+")
