"""The names of steps, and the sentences about steps and their derivatives."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from ..computation import Computation, Edge, Vertex
from ..reading import known_as
from .formulas import FORMULAS, PULLBACKS, latex, latex_name, text
from .label import index
from .values import amount, is_array

__all__ = ["Wording", "named"]

C = TypeVar("C", bound=Computation)


def named(graph: C) -> C:
    """The same graph with a name for every step: v1, v2, ..., and f for a single output.

    >>> from visualize import draw
    >>> [vertex.name for vertex in named(draw(lambda x, y, z: (x + y) * z, 1.0, 2.0, 3.0)).vertices]
    ['x', 'y', 'v1', 'z', 'f']
    """
    taken = {vertex.name for vertex in graph.vertices}
    fresh = (name for i in itertools.count(1) if (name := f"v{i}") not in taken)
    outputs = graph.outputs()

    def name_of(i: int, vertex: Vertex) -> str | None:
        if vertex.name or vertex.op is None:
            return vertex.name
        return "f" if outputs == {i} and "f" not in taken else next(fresh)

    vertices = tuple(replace(vertex, name=name_of(i, vertex)) for i, vertex in enumerate(graph.vertices))
    return replace(graph, vertices=vertices)


class Wording:
    """The words for a graph whose steps have names."""

    def __init__(self, graph: Computation) -> None:
        self.graph, self.arguments = graph, graph.arguments()

    def name(self, i: int) -> str:
        """The name of a vertex; for a number in the code, the number."""
        vertex = self.graph.vertices[i]
        return vertex.name or amount(vertex.value)

    def is_number(self, edge: Edge) -> bool:
        """Whether an argument is a number in the code."""
        vertex = self.graph.vertices[edge.source]
        return vertex.constant and vertex.name is None and isinstance(vertex.value, (int, float, np.floating))

    def step(self, i: int) -> str:
        """The formula of a step with names: `w1*x1`."""
        return self._computed(i, lambda edge: self.name(edge.source))

    def numbers(self, i: int) -> str | None:
        """The formula of a step with numbers, `2.00*(-1.00)`; None if an argument is an array."""
        if any(is_array(edge.value) for edge in self.arguments[i]):
            return None
        return self._computed(i, lambda edge: amount(edge.value))

    def _computed(self, i: int, shown: Callable[[Edge], str]) -> str:
        variables = self.variables(i)
        if variables is not None:
            formula = self.formulas(i)[0]
            return text(formula, self.inserted(variables, shown))
        vertex, arguments = self.graph.vertices[i], self.arguments.get(i, [])
        if vertex.index is not None and arguments:
            return shown(arguments[0]) + index(vertex)
        if vertex.function is np.matmul and len(arguments) == 2:
            return " @ ".join(map(shown, arguments))
        return f"{vertex.op}({', '.join(map(shown, arguments))})"

    def inserted(
        self, variables: dict[str, Edge], shown: Callable[[Edge], str] | None = None
    ) -> dict[str, str | float]:
        """The replacements of a formula's variables: numbers of the code, else `shown(edge)`, or names."""
        names = shown or (lambda edge: self.name(edge.source))
        return {v: float(e.value) if self.is_number(e) else names(e) for v, e in variables.items()}

    def latex_step(self, i: int) -> str:
        """The formula of a step in LaTeX."""
        variables = self.variables(i)
        if variables is not None:
            return latex(self.formulas(i)[0], self.inserted(variables))
        vertex = self.graph.vertices[i]
        names = [latex_name(self.name(edge.source)) for edge in self.arguments.get(i, ())]
        if vertex.function is np.matmul and len(names) == 2:
            return r" \, ".join(names)
        if vertex.index is not None and names:
            return names[0] + latex_name(index(vertex))
        return rf"{latex_name(vertex.op or '')}\left({', '.join(names)}\right)"

    def formulas(self, i: int) -> tuple[str, ...]:
        """The formulas of a step's value and derivatives; empty unless the op is elementwise."""
        return FORMULAS.get(known_as(self.graph.vertices[i].function), ())

    def variables(self, i: int | None) -> dict[str, Edge] | None:
        """The arguments of a step by the letters of its formula; None without a formula."""
        arguments = [] if i is None else self.arguments.get(i, [])
        if i is None or len(arguments) != len(self.formulas(i)) - 1:
            return None
        return dict(zip("x" if len(arguments) == 1 else "ab", arguments, strict=True))

    def slope(self, edge: Edge) -> str | None:
        """The formula of the derivative by one argument, ready for `text` and `latex`."""
        if edge.target is None or self.variables(edge.target) is None:
            return None
        return self.formulas(edge.target)[1 + self.arguments[edge.target].index(edge)]

    def derivative(self, edge: Edge) -> tuple[str, str] | None:
        """The derivative by one argument: `d(1/x)/dx` and `-1/x^2`; None without a formula.

        Numbers of the code are inserted. A single variable is called x; two with one name are called a and b.
        """
        variables, slope = self.variables(edge.target), self.slope(edge)
        if edge.target is None or variables is None or slope is None:
            return None
        letters = self.inserted(variables)
        free = [v for v, shown in letters.items() if isinstance(shown, str)]
        if len(free) == 1:
            letters[free[0]] = "x"
        elif len({letters[v] for v in free}) == 1:
            letters = {v: v for v in free}
        (by,) = (letters[v] for v, e in variables.items() if e is edge)
        return f"d({text(self.formulas(edge.target)[0], letters)})/d{by}", text(slope, letters)

    def pullback(self, edge: Edge) -> str | None:
        """The cotangent of an argument in words, for a step that is not elementwise; else None."""
        if edge.target is None:
            return None
        words = PULLBACKS.get(known_as(self.graph.vertices[edge.target].function), ())
        if edge.position >= len(words):
            return None
        names = {
            "abc"[e.position]: self.name(e.source) for e in self.arguments[edge.target] if e.position < 3
        }
        return words[edge.position].format_map({"a": "a", "b": "b", "y": self.name(edge.target), **names})

    def rule(self, edge: Edge, upstream: Any) -> str:
        """One gradient in words: the local derivative, the cotangent of the step's output, and the result.

        Without a cotangent, the local derivative alone.
        """
        step, derivative, handed = edge.target or 0, self.derivative(edge), self.pullback(edge)
        arrived = "" if upstream is None else f"; upstream {amount(upstream)}; so {amount(edge.grad)}"
        if edge.local is not None:
            left, right = derivative or (f"d({self.step(step)})/d{self.name(edge.source)}", "")
            slope = amount(edge.local)
            number = slope if not right.strip("-.0123456789") else f"{right} = {slope}"
            return f"{left} = {number}{arrived}{self._choice(edge)}"
        if derivative is not None:
            stretched = np.shape(edge.value) != np.shape(self.graph.vertices[step].value)
            summed = ", summed over the axes along which it was stretched" if stretched and arrived else ""
            return f"{' = '.join(derivative)}, entry by entry{arrived}{summed}"
        if handed is not None:
            return handed + arrived.replace("; upstream", "; G is upstream", 1)
        return f"by the rule of {self.graph.vertices[step].op}{arrived}"

    def _choice(self, edge: Edge) -> str:
        if self.graph.vertices[edge.target or 0].function not in (np.maximum, np.minimum):
            return ""
        return "; a tie: each takes half" if edge.local == 0.5 else "; it goes to the one that was chosen"
