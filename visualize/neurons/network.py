"""Computation -> Network: the layers of neurons in a plain chain of Linear layers and activations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_lite.errors import ShapeError, UnsupportedError

from ..computation import Computation, Edge
from ..reading import known_as
from ..words.formulas import FORMULAS

__all__ = ["FOLDED", "Layer", "Network", "network", "shown"]

FOLDED = 12
"""The most neurons of a layer that are drawn; of a larger layer the first and last ones are drawn."""

MIXING = ("softmax", "log_softmax")
ACTIVATIONS = ("sigmoid", "tanh", "relu", "softplus", "silu", "gelu", "gelu_tanh", *MIXING)
"""The ops that are activations, not the beginning of a loss, if no module says which."""

MOVING = ("reshape", "ravel", "astype", "alias")
"""The ops that may stand before the first layer; its inputs are the neurons."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer of n neurons after a layer of m neurons; the input layer has only `value`.

    Attributes:
        path: the path of the Linear layer in the model, e.g. "encoder.0"; empty if unknown.
        activation: the name of the activation; empty for none.
        mixing: whether the activation of a neuron reads all potentials, as softmax does.
        weight: of shape (n, m).
        bias: of shape (n,), or None.
        potential: the input of the activation, of shape (n,).
        value: the output of the activation, of shape (n,).
        delta: the gradient of the potential; None before a backward pass.
        upstream: the gradient of the value.
        weight_grad, bias_grad: the gradients of weight and bias, summed over the samples.
    """

    value: Any
    path: str = ""
    activation: str = ""
    mixing: bool = False
    weight: Any = None
    bias: Any = None
    potential: Any = None
    delta: Any = None
    upstream: Any = None
    weight_grad: Any = None
    bias_grad: Any = None

    def __len__(self) -> int:
        return len(self.value)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Layers of neurons, with the values of the first sample.

    Attributes:
        layers: from the input layer to the output layer.
        samples: the number of samples in the batch.
        loss: the number computed from the output; None if there is none.
    """

    layers: tuple[Layer, ...]
    samples: int
    loss: Any = None

    def name(self, layer: int, neuron: int) -> str:
        """The name of a neuron: x1, h1, y1; of the second of several hidden layers h2.1."""
        if layer in (0, len(self.layers) - 1):
            return f"{'y' if layer else 'x'}{neuron + 1}"
        return f"h{layer}.{neuron + 1}" if len(self.layers) > 3 else f"h{neuron + 1}"


def shown(n: int) -> list[int | None]:
    """The drawn neurons of a layer of n; None stands for the others between.

    >>> shown(3), shown(100)
    ([0, 1, 2], [0, 1, 2, 3, 4, 5, None, 95, 96, 97, 98, 99])
    """
    if n <= FOLDED:
        return list(range(n))
    half = FOLDED // 2
    return [*range(half), None, *range(n - half + 1, n)]


def network(graph: Computation) -> Network:
    """The layers of neurons in a graph.

    Raises:
        UnsupportedError: the graph is no plain chain of Linear layers and activations.
        ShapeError: a layer has no neurons, or the input has no samples.
    """
    return _Chain(graph).read()


class _Chain:
    """Reads the steps of a graph, from the input to the output."""

    def __init__(self, graph: Computation) -> None:
        self.graph = graph
        self.totals = graph.totals()
        self.arguments = graph.arguments()
        self.matrices = {i: found for i in self.arguments if (found := self._matrix(i)) is not None}
        self.opaque = {graph.vertices[i].call for i in self.matrices}  # the calls that multiply themselves
        self.at: int | None = None  # the last vertex of the chain so far
        self.layers: list[Layer] = []
        self.samples = 1
        self.called = -1  # the call of the last layer or activation

    def read(self) -> Network:
        units = list(self._units())
        end = max((k for k, unit in enumerate(units) if unit[0] in self.matrices), default=-1)
        if end < 0:
            what = self.graph.calls[0].kind if self.graph.calls else "the computation"
            raise UnsupportedError(
                f"draw(style='neurons'): {what} is neither a chain of Linear layers and activations nor an "
                f"LSTM of one layer and direction; {_REPAIR}"
            )
        k = 0
        while k < len(units):
            i, run = units[k][0], units[k : k + 1]
            if k > end and not self._is_bias(i) and self._in_loss(units[k]):
                return self._network(self._loss())
            if i not in self.matrices and not self._is_bias(i):
                run = self._run(units[k:], k < end)
            self._take(list(itertools.chain(*run)))
            k += len(run)
        self._threshold(len(self.graph.calls))
        return self._network(None)

    def _network(self, loss: Any) -> Network:
        return Network(tuple(self.layers), self.samples, loss)

    # -- units: a module with all of its steps, or one step ----------------------------------------

    def _units(self) -> Iterator[list[int]]:
        """The steps of each activation module together, other steps alone, in the order of the tape."""
        whole: dict[int, list[int]] = {}
        for i, vertex in enumerate(self.graph.vertices):
            if vertex.op is None:
                continue
            call = vertex.call
            if call is None or self._is_code(call):
                yield [i]
            elif call in whole:
                whole[call].append(i)
            else:
                whole[call] = [i]
                yield whole[call]  # grows while the steps of the module follow

    def _run(self, units: list[list[int]], before: bool) -> list[list[int]]:
        """The first unit; with the steps in the code after it, where one of them is no activation by itself.

        `F.silu(z)` is two steps, of which the second reads z again: together they are an activation. The
        steps go on up to the next layer or module; `before` the last layer also outside of all modules.
        """
        call = self.graph.vertices[units[0][0]].call
        if not (before if call is None else self._is_code(call)):
            return units[:1]
        run = itertools.takewhile(
            lambda unit: self.graph.vertices[unit[0]].call == call and unit[0] not in self.matrices, units
        )
        found = list(run)
        return units[:1] if all(self._is_named(unit) or self._moves(unit) for unit in found) else found

    def _is_named(self, unit: list[int]) -> bool:
        """Whether a step in the code is an activation by its name, such as np.tanh(x)."""
        op = known_as(self.graph.vertices[unit[0]].function)
        return op in MIXING or len(FORMULAS.get(op, ())) == 2

    def _is_code(self, call: int | None) -> bool:
        """Whether the steps of a call stand in the code by themselves, rather than make up one layer."""
        return call is None or self.graph.calls[call].inner or call in self.opaque

    def _in_loss(self, unit: list[int]) -> bool:
        """Whether a unit after the last layer is outside of the model, so a part of the loss."""
        if self.graph.calls:
            return self.graph.vertices[unit[0]].call is None
        return known_as(self.graph.vertices[unit[0]].function) not in ACTIVATIONS

    def _loss(self) -> Any:
        ends = [edge.value for edge in self.graph.edges if edge.target is None]
        if len(ends) != 1 or np.size(ends[0]) != 1:
            raise UnsupportedError(
                "draw(style='neurons'): the result computed from the output is not a single number, so not a "
                f"loss; {_REPAIR}"
            )
        return np.asarray(ends[0]).reshape(())[()]

    # -- the walk ----------------------------------------------------------------------------------

    def _take(self, unit: list[int]) -> None:
        """Extend the chain by one unit."""
        i = unit[0]
        call = self.graph.vertices[i].call
        if i in self.matrices:
            self._layer(i)
        elif self._is_bias(i):
            self._add_bias(i)
        elif self._goes_on(unit) and (self._is_activation(unit) or self._moves(unit)):
            if self.layers and not self._moves(unit):
                self._activate(unit)
            self.at = unit[-1]
        else:
            raise self._refusal(unit)
        self.called = self.called if call is None else max(self.called, call)

    def _goes_on(self, unit: list[int]) -> bool:
        """Whether the chain's end is the only input of a unit; the first unit may have any one input."""
        sources = {
            e.source
            for i in unit
            for e in self.arguments[i]
            if e.source not in unit and not self._is_setting(e)
        }
        return sources == {self.at} if self.at is not None else len(sources) == 1

    def _is_setting(self, edge: Edge) -> bool:
        """Whether an argument is a number, a condition, or a small parameter such as a slope."""
        source, value = self.graph.vertices[edge.source], np.asarray(edge.value)
        if source.op is not None or source.given or edge.source == self.at:
            return False
        own = not source.constant and value.ndim < 2 and bool(self.graph.calls)
        return value.ndim == 0 or own or (source.constant and value.dtype.kind == "b")

    def _is_activation(self, unit: list[int]) -> bool:
        """Whether the steps are elementwise or a softmax, and keep the shape."""
        ops = [known_as(self.graph.vertices[i].function) for i in unit]
        known = all(op in FORMULAS or op in (*MIXING, *MOVING, "where") for op in ops)
        return known and self._shape_before(unit) == np.shape(self._value(unit[-1]))

    def _shape_before(self, unit: list[int]) -> tuple[int, ...]:
        """The shape of a unit's input."""
        edges = [
            e for i in unit for e in self.arguments[i] if e.source not in unit and not self._is_setting(e)
        ]
        return np.shape(edges[0].value)

    def _moves(self, unit: list[int]) -> bool:
        """Whether the steps only change the shape, and keep the neurons."""
        same = np.shape(self._value(unit[-1]))[-1:] == self._shape_before(unit)[-1:]
        moving = all(known_as(self.graph.vertices[i].function) in MOVING for i in unit)
        return moving and (same or not self.layers)

    def _threshold(self, until: int) -> bool:
        """Take a module without a gradient, such as an LTU, that was called before the call `until`."""
        calls = [call for call in self.graph.calls[self.called + 1 : until] if call.result is not None]
        calls = [call for call in calls if not call.inner]
        if not calls or not self.layers or np.shape(calls[-1].result)[-1:] != (len(self.layers[-1]),):
            return False
        kinds = [self.layers[-1].activation, *(call.kind for call in calls)]
        value = self._row(calls[-1].result)
        self.layers[-1] = replace(self.layers[-1], activation=", ".join(filter(None, kinds)), value=value)
        return True

    def _activate(self, unit: list[int]) -> None:
        layer, vertex = self.layers[-1], self.graph.vertices[unit[0]]
        call = None if vertex.call is None else self.graph.calls[vertex.call]
        kind = vertex.op or "" if len(unit) == 1 else "f"
        if call is not None and not call.inner and call.path:
            kind = call.kind
        ops = {known_as(self.graph.vertices[i].function) for i in unit}
        self.layers[-1] = replace(
            layer,
            activation=f"{layer.activation}, {kind}" if layer.activation else kind,
            mixing=layer.mixing or bool(ops & set(MIXING)),
            value=self._row(self._value(unit[-1])),
            upstream=self._row(self.totals.get(unit[-1])),
        )

    # -- layers ------------------------------------------------------------------------------------

    def _matrix(self, i: int) -> tuple[Edge, Edge, bool] | None:
        """The edges of a product's input and matrix, and whether it is x @ W; None for other steps."""
        op, edges = known_as(self.graph.vertices[i].function), self.arguments[i]
        if op == "affine":
            return edges[0], edges[1], False
        if op != "matmul" or len(edges) != 2:
            return None
        left, right = edges
        if self._is_parameter(left) and np.ndim(right.value) == 1:
            return right, left, False
        return (left, right, True) if self._is_parameter(right) else None

    def _is_parameter(self, edge: Edge) -> bool:
        source = self.graph.vertices[edge.source]
        return source.op is None and not source.constant and not source.given and np.ndim(edge.value) == 2

    def _layer(self, i: int) -> None:
        x, matrix, across = self.matrices[i]
        call = self.graph.vertices[i].call
        cut = call is not None and x.source != self.at and self._threshold(call)
        if self.at is not None and x.source != self.at and not cut:
            raise self._refusal([i])
        if np.size(x.value) == 0 or np.size(matrix.value) == 0:
            raise ShapeError(
                f"draw(style='neurons'): a layer has an input of shape {np.shape(x.value)} and weights of "
                f"shape {np.shape(matrix.value)}; expected neurons and samples: draw(model, x[:1])"
            )
        if not self.layers:
            self.samples = int(np.prod(np.shape(x.value)[:-1], dtype=int))
            self.layers.append(Layer(self._row(x.value)))
        bias = next((e for e in self.arguments[i] if e.position == 2), None)
        z, dz = self._row(self._value(i)), self._row(self.totals.get(i))
        self.layers.append(
            Layer(
                z,
                path="" if call is None else self.graph.calls[call].path,
                weight=matrix.value.T if across else matrix.value,
                weight_grad=matrix.grad.T if across and matrix.grad is not None else matrix.grad,
                bias=None if bias is None else bias.value,
                bias_grad=None if bias is None else bias.grad,
                potential=z,
                delta=dz,
                upstream=dz,
            )
        )
        self.at = i

    def _bias(self, i: int) -> Edge | None:
        """The vector that a step adds to the product of the last layer."""
        edges = self.arguments[i]
        if known_as(self.graph.vertices[i].function) != "add" or len(edges) != 2 or self.at is None:
            return None
        others = [edge for edge in edges if edge.source != self.at]
        if len(others) != 1 or self.graph.vertices[others[0].source].op is not None:
            return None
        fits = np.size(others[0].value) == len(self.layers[-1])
        return others[0] if fits and not self.graph.vertices[others[0].source].constant else None

    def _is_bias(self, i: int) -> bool:
        last = self.layers[-1] if self.layers else None
        fresh = last is not None and last.weight is not None and last.bias is None and not last.activation
        return fresh and self._bias(i) is not None

    def _add_bias(self, i: int) -> None:
        bias, z, dz = self._bias(i), self._row(self._value(i)), self._row(self.totals.get(i))
        assert bias is not None
        self.layers[-1] = replace(
            self.layers[-1],
            bias=np.reshape(bias.value, -1),
            bias_grad=None if bias.grad is None else np.reshape(bias.grad, -1),
            potential=z,
            value=z,
            delta=dz,
            upstream=dz,
        )
        self.at = i

    # -- values, words -----------------------------------------------------------------------------

    def _value(self, i: int) -> Any:
        return self.graph.vertices[i].value

    def _row(self, value: Any) -> Any:
        """The row of the first sample."""
        if value is None:
            return None
        return np.reshape(value, (-1, np.shape(value)[-1]) if np.ndim(value) else (1, 1))[0]

    def _refusal(self, unit: list[int]) -> UnsupportedError:
        vertex = self.graph.vertices[unit[0]]
        call = None if vertex.call is None else self.graph.calls[vertex.call]
        if call is None or call.inner or not call.path:
            within = f" in {call.path or 'the forward'} ({call.kind})" if call is not None else ""
            what = f"the step {vertex.op}{within}"
        else:
            what = f"the layer {call.path!r} ({call.kind})"
        hint = "; write model.eval() before" if call is not None and call.kind in _RANDOM else ""
        if unit[0] in self.matrices:
            what += " does not read the output of the layer before, and"
        return UnsupportedError(
            f"draw(style='neurons'): {what} belongs to no plain chain of Linear layers and activations"
            f"{hint}; {_REPAIR}"
        )


_REPAIR = "draw it by its layers: draw(model, x, style='model')"
_RANDOM = ("AlphaDropout", "Dropout", "FeatureAlphaDropout", "RReLU")
