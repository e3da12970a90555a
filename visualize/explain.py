"""The chain rule written out: the paths from each input to the output, with the factors along each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import contributions
from autograd_lite.errors import OptionError
from autograd_lite.notebook import quietly

from .computation import Edge, added
from .graph import Graph
from .steps import computed, recorded, with_gradients
from .words.formulas import latex, latex_name, text
from .words.values import amount, bracketed, is_array
from .words.wording import Wording, named

__all__ = ["Chain", "Explanation", "Path", "explain"]

LONGEST = 24  # products with more factors are shortened


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One path from an input to the output.

    Attributes:
        edges: the edges along the path, from the input on.
        grad: the product of the local derivatives, in the shape of the input.
    """

    edges: tuple[Edge, ...]
    grad: Any


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """The gradient of one input.

    Attributes:
        vertex: the input, as an index into `Explanation.graph.vertices`.
        count: the number of paths to the output.
        paths: all paths; empty if there are more than `max_paths`.
        grad: d(output)/d(input), the sum over the paths.
    """

    vertex: int
    count: int
    paths: tuple[Path, ...]
    grad: Any


class Explanation:
    """The chain rule of a computation in words and numbers; made by `explain`.

    `print` shows the text, a notebook shows the formulas. `explanation["w"]` is the text for one input.

    Attributes:
        graph: the computation, with a name for every step.
        chains: the chain of each input, in the order of the graph.
    """

    def __init__(self, graph: Graph, chains: tuple[Chain, ...]) -> None:
        self.graph = graph
        self.chains = chains
        self._words = Wording(graph)
        self._output = next(edge.source for edge in graph.edges if edge.target is None)

    def __str__(self) -> str:
        return "\n\n".join(["\n".join(self._definitions()), *map(self._chain, self.chains)])

    def __repr__(self) -> str:
        return f"<Explanation of {len(self.chains)} gradients; print() shows it, .latex() gives the formulas>"

    def __getitem__(self, name: str) -> str:
        for chain in self.chains:
            if self._words.name(chain.vertex) == name:
                return self._chain(chain)
        known = ", ".join(repr(self._words.name(chain.vertex)) for chain in self.chains)
        raise OptionError(f"explanation[{name!r}]: no input has this name; expected one of {known}")

    def latex(self) -> str:
        """The formulas in LaTeX, for an `align*` or `aligned` environment."""
        rows = [
            *self._latex_definitions(),
            *(row for chain in self.chains for row in self._latex_chain(chain)),
        ]
        return " \\\\\n".join(rows)

    @quietly
    def _repr_latex_(self) -> str:
        return f"$$\\begin{{aligned}}\n{self.latex()}\n\\end{{aligned}}$$"

    # -- as text -----------------------------------------------------------------------------------

    def _definitions(self) -> Iterator[str]:
        for i, vertex in enumerate(self.graph.vertices):
            if vertex.op is not None:
                yield f"{vertex.name} = {self._words.step(i)} = {amount(vertex.value)}"
            elif vertex.name is not None:
                yield f"{vertex.name} = {amount(vertex.value)}"

    def _d(self, a: int, b: int) -> str:
        return f"d{self._words.name(a)}/d{self._words.name(b)}"

    def _chain(self, chain: Chain) -> str:
        gradient = self._d(self._output, chain.vertex)
        if not chain.count:
            return f"{gradient} = {amount(chain.grad)}: no path leads to {self._words.name(self._output)}"
        if not chain.paths:
            return self._too_many(chain, gradient)
        if chain.count == 1:
            return "\n".join(self._product(chain.paths[0], gradient))
        lines = [f"{gradient} has {chain.count} paths"]
        for path in chain.paths:
            lines += [f"  {line}" for line in self._product(path, self._way(path))]
        total = " + ".join(bracketed(amount(path.grad)) for path in chain.paths)
        return "\n".join([*lines, f"{gradient} = {total} = {amount(chain.grad)}"])

    def _way(self, path: Path) -> str:
        names = [self._words.name(edge.source) for edge in path.edges]
        return " → ".join(_shortened([*names, self._words.name(self._output)]))

    def _product(self, path: Path, left: str) -> Iterator[str]:
        """The product along a path: its derivatives by name, by formula and in numbers, and the result.

        With arrays, each factor has a line of its own.
        """
        edges = path.edges[::-1]
        indent = " " * len(left)
        numbers = all(edge.local is not None for edge in edges)
        names = " · ".join(_shortened([self._factor(edge) for edge in edges])) or "1"
        yield f"{left} = {names}" + ("" if numbers else ", where G is what the factors before have given:")
        if numbers:
            formulas = [self._formula(edge) for edge in edges]
            if edges and formulas != [amount(edge.local) for edge in edges]:
                yield f"{indent} = {' · '.join(_shortened(formulas))}"
            if len(edges) > 1:
                shown = [_in_product(amount(edge.local)) for edge in edges]
                yield f"{indent} = {' · '.join(_shortened(shown))}"
        else:
            for edge in edges:
                rule = self._words.rule(edge, None)
                yield f"{indent}   {self._factor(edge)}: {rule}"
        yield f"{indent} = {amount(path.grad)}"

    def _factor(self, edge: Edge) -> str:
        return self._d(edge.target or 0, edge.source)

    def _formula(self, edge: Edge) -> str:
        variables, slope = self._words.variables(edge.target), self._words.slope(edge)
        if variables is None or slope is None:
            return _in_product(amount(edge.local))
        return _in_product(text(slope, self._words.inserted(variables)))

    def _too_many(self, chain: Chain, gradient: str) -> str:
        lines = [f"{gradient} has {chain.count:,} paths, too many to write out; the share of each use:"]
        shares = [
            edge for edge in self.graph.edges if edge.source == chain.vertex and edge.target is not None
        ]
        lines += [f"  through {self._words.name(edge.target or 0)}: {amount(edge.grad)}" for edge in shares]
        return "\n".join([*lines, f"{gradient} = {amount(chain.grad)}"])

    # -- as LaTeX ----------------------------------------------------------------------------------

    def _latex_definitions(self) -> Iterator[str]:
        for i, vertex in enumerate(self.graph.vertices):
            if vertex.op is not None:
                name = latex_name(self._words.name(i))
                yield f"{name} &= {self._words.latex_step(i)} = {_latex(vertex.value)}"

    def _latex_d(self, a: int, b: int) -> str:
        above, below = (latex_name(self._words.name(i)) for i in (a, b))
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"

    def _latex_chain(self, chain: Chain) -> Iterator[str]:
        left = self._latex_d(self._output, chain.vertex)
        if chain.paths:
            factors = [[self._latex_factor(e) for e in path.edges[::-1]] for path in chain.paths]
            yield f"{left} &= {_latex_sum(factors)}"
            if all(edge.local is not None for path in chain.paths for edge in path.edges):
                formulas = [[self._latex_formula(e) for e in path.edges[::-1]] for path in chain.paths]
                numbers = [[_latex_number(e) for e in path.edges[::-1]] for path in chain.paths]
                yield f"&= {_latex_sum(formulas)}"
                yield f"&= {_latex_sum(numbers)}"
            yield f"&= {_latex(chain.grad)}"
        else:
            yield rf"{left} &= {_latex(chain.grad)} \quad \text{{({chain.count:,} paths)}}"

    def _latex_factor(self, edge: Edge) -> str:
        return self._latex_d(edge.target or 0, edge.source)

    def _latex_formula(self, edge: Edge) -> str:
        variables, slope = self._words.variables(edge.target), self._words.slope(edge)
        if variables is None or slope is None:
            return _latex_number(edge)
        return _latex_in_product(latex(slope, self._words.inserted(variables)))


def explain(output: Any, *inputs: Any, max_paths: int = 16) -> Explanation:
    """The chain rule of each input, written out along its paths: df/dx = df/dv2 · dv2/dv1 · dv1/dx.

    No `grad` of a leaf changes.

    Args:
        output: a recorded single number, before or after its backward pass; or a function or module that
            returns one. A backward pass releases arrays, unless they are recorded inside `with ag.Tape():`.
        inputs: the arguments of the function or module, as in `draw`.
        max_paths: for an input with more paths, show only the contribution of each use. Each skip
            connection of a deep network doubles the number of paths.

    Returns:
        An Explanation: `print(explain(f))`, `explain(f)["x"]`, `explain(f).latex()`.

    Raises:
        TapeError: nothing was recorded, a backward pass has released values, or it began at another result.
        DTypeError: `output` is not a Tensor, or a Tensor with `inputs`.
        ShapeError: `output` is not a single number, and no backward pass has been played from it.
        OptionError: `max_paths` is less than 1.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> x, y, z = (ag.Tensor(v, requires_grad=True, name=n) for v, n in [(-2, "x"), (5, "y"), (-4, "z")])
        >>> print(explain((x + y) * z)["x"])
        df/dx = df/dv1 · dv1/dx
              = z · 1
              = (-4.00) · 1.00
              = -4.00
        >>> print(explain(lambda x: np.exp(x), 0.0)["x"])
        df/dx = df/dx
              = exp(x)
              = 1.00
    """
    if isinstance(max_paths, bool) or not isinstance(max_paths, int) or max_paths < 1:
        raise OptionError(f"explain(max_paths={max_paths!r}): expected a positive integer")
    output, params = computed("explain", output, inputs)
    graph = named(with_gradients(output, params))
    nodes = dict(
        zip((i for i, v in enumerate(graph.vertices) if v.op is not None), recorded(output), strict=True)
    )
    end = next(edge for edge in graph.edges if edge.target is None)
    counts, uses = _counts(graph, end.source)
    totals = graph.totals()

    def chain(i: int) -> Chain:
        ways = _ways(i, end.source, counts, uses) if counts.get(i, 0) <= max_paths else ()
        paths = tuple(Path(way, _along(way, nodes, end.grad)) for way in ways)
        grad = added([path.grad for path in paths]) if paths else totals.get(i)
        return Chain(i, counts.get(i, 0), paths, grad)

    given = [i for i, v in enumerate(graph.vertices) if v.op is None and not v.constant]
    return Explanation(graph, tuple(map(chain, given)))


# -- paths -----------------------------------------------------------------------------------------


def _counts(graph: Graph, output: int) -> tuple[dict[int, int], dict[int, list[Edge]]]:
    """The number of paths from each vertex to the output, and the first edges of these paths."""
    counts, uses = {output: 1}, dict[int, list[Edge]]()
    for edge in reversed(graph.edges):  # later steps first
        source = graph.vertices[edge.source]
        if edge.target in counts and not source.constant:
            counts[edge.source] = counts.get(edge.source, 0) + counts[edge.target]
            uses.setdefault(edge.source, []).insert(0, edge)
    return counts, uses


def _ways(
    start: int, output: int, counts: dict[int, int], uses: dict[int, list[Edge]]
) -> Iterator[tuple[Edge, ...]]:
    """All paths from an input to the output; no dead end is entered."""
    open_ways: list[tuple[int, tuple[Edge, ...]]] = [(start, ())] if start in counts else []
    while open_ways:
        at, way = open_ways.pop()
        if at == output:
            yield way
        else:
            open_ways += [(edge.target or 0, (*way, edge)) for edge in reversed(uses[at])]


def _along(way: tuple[Edge, ...], nodes: dict[int, ag.Node], seed: Any) -> Any:
    """The cotangent at a path's beginning: the output's gradient, pulled back along the path."""
    g = seed
    for edge in reversed(way):
        if g is None:
            return None
        g = contributions(nodes[edge.target or 0], g)[edge.position]
    return g


# -- pieces of formulas ----------------------------------------------------------------------------


def _shortened(parts: list[str]) -> list[str]:
    """The list; a long one without its middle."""
    if len(parts) <= LONGEST:
        return parts
    return [*parts[:4], f"… ({len(parts) - 8} more) …", *parts[-4:]]


def _in_product(shown: str) -> str:
    """A factor of a product: in parentheses, unless it is a name, a number or a call."""
    bare = shown.replace("_", "").replace(".", "").isalnum() or _is_call(shown)
    return shown if bare else f"({shown})"


def _is_call(shown: str) -> bool:
    head, _, rest = shown.partition("(")
    return head.isidentifier() and rest.count("(") == rest.count(")") - 1 and rest.find(")") == len(rest) - 1


def _latex_in_product(shown: str) -> str:
    loose = shown.startswith("-") or " + " in shown or " - " in shown
    return rf"\left({shown}\right)" if loose else shown


def _latex_number(edge: Edge) -> str:
    return _latex_in_product(_latex(edge.local))


def _latex_sum(products: list[list[str]]) -> str:
    return " + ".join(r" \cdot ".join(_latex_shortened(factors)) or "1" for factors in products)


def _latex_shortened(factors: list[str]) -> list[str]:
    return factors if len(factors) <= LONGEST else [*factors[:4], r"\cdots", *factors[-4:]]


def _latex(value: Any) -> str:
    """A number, or the shape and norm of an array as text."""
    shown = amount(value)
    if not is_array(value):
        return latex_name(shown)
    return rf"\text{{{shown}}}" if not isinstance(value, np.ndarray) or "norm" in shown else shown
