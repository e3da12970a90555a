"""Backpropagation through layers of neurons in words and numbers, neuron by neuron."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..computation import Step
from ..words.values import amount, bracketed, norm
from .network import FOLDED, Layer, Network

__all__ = ["walk"]

TERMS = 4
"""The most terms of a sum that are written out."""

Rule = Callable[[Network, int, Layer, int], str]
"""The words for one neuron: (network, layer's index, layer, neuron's index)."""


def walk(net: Network) -> Iterator[Step]:
    """The potentials and values layer by layer, then the deltas and gradients from the last layer back.

    Each step names its parts of the diagram, as ("value" | "delta" | "weights", layer, neuron).
    """
    for k, layer in enumerate(net.layers):
        yield from _values(net, k, layer)
    if net.loss is not None:
        yield Step("forward", "the loss E", f"E = {amount(net.loss)}", parts=(("loss", 0, 0),))
    for k in range(len(net.layers) - 1, 0, -1):
        yield from _deltas(net, k, net.layers[k])
        yield from _gradients(net, k, net.layers[k])


def _steps(
    net: Network, k: int, what: str, around: tuple[str, str], whole: str, single: Rule
) -> Iterator[Step]:
    """A step for each neuron of a layer, with its rule `single`; a folded layer has one step, with `whole`.

    The title is the name of the neuron between the two texts of `around`.
    """
    phase, layer, (before, after) = "forward" if what == "value" else "backward", net.layers[k], around
    n = len(layer)
    if n > FOLDED:
        title = f"{before}{net.name(k, 0)} … {net.name(k, n - 1)}{after}"
        yield Step(phase, title, whole, parts=_parts(what, k, n))
        return
    for j in range(n):
        title = f"{before}{net.name(k, j)}{after}"
        yield Step(phase, title, single(net, k, layer, j), parts=((what, k, j),))


def _parts(what: str, k: int, n: int) -> tuple[tuple[str, int, int], ...]:
    return tuple((what, k, j) for j in range(n))


def _values(net: Network, k: int, layer: Layer) -> Iterator[Step]:
    if k == 0:
        said = [f"{net.name(0, j)} = {amount(x)}" for j, x in enumerate(layer.value[:FOLDED])]
        more = [f"{len(layer):,} in all"] if len(layer) > FOLDED else []
        yield Step("forward", "given", ", ".join(said + more), parts=_parts("value", 0, len(layer)))
        return
    made = f"{layer.activation}(z)" if layer.activation else "z"
    whole = f"z = W x + b; norm of the values {amount(norm(layer.value))}"
    yield from _steps(net, k, "value", ("", f" = {made}"), whole, _value)


def _value(net: Network, k: int, layer: Layer, j: int) -> str:
    """z = w1·x1 + w2·x2 + b, and the activation of z."""
    terms = [
        f"{_factor(w)}·{_factor(x)}" for w, x in zip(layer.weight[j], net.layers[k - 1].value, strict=True)
    ]
    sum_ = _sum(terms) + ("" if layer.bias is None else f" + {_factor(layer.bias[j])}")
    rule = f"z = {sum_} = {amount(layer.potential[j])}"
    if not layer.activation:
        return rule
    if layer.mixing:
        return f"{rule}; {layer.activation} of the whole layer gives {amount(layer.value[j])}"
    return f"{rule}; {layer.activation}({amount(layer.potential[j])}) = {amount(layer.value[j])}"


def _deltas(net: Network, k: int, layer: Layer) -> Iterator[Step]:
    if layer.delta is None:
        return
    whole = f"∂E/∂z of {len(layer)} neurons, norm {amount(norm(layer.delta))}"
    yield from _steps(net, k, "delta", ("δ of ", ""), whole, _delta)


def _delta(net: Network, k: int, layer: Layer, j: int) -> str:
    """δ = ∂E/∂y · f'(z); for a hidden neuron, ∂E/∂y is the sum of w·δ over the next layer."""
    name, delta, upstream = net.name(k, j), layer.delta[j], layer.upstream[j]
    if k == len(net.layers) - 1:
        arrived = f"∂E/∂{name} = {amount(upstream)}"
    else:
        after = net.layers[k + 1]
        terms = [f"{_factor(w)}·{_factor(d)}" for w, d in zip(after.weight[:, j], after.delta, strict=True)]
        arrived = f"∂E/∂{name} = Σ w·δ = {_sum(terms)} = {amount(upstream)}"
    if not layer.activation:
        return f"{arrived}; so δ = {amount(delta)}"
    if layer.mixing or upstream == 0:
        return f"{arrived}; by the rule of {layer.activation} δ = {amount(delta)}"
    slope = amount(delta / upstream)
    return (
        f"{arrived}; {layer.activation}'(z) = {slope}; so δ = {_factor(upstream)}·{slope} = {amount(delta)}"
    )


def _gradients(net: Network, k: int, layer: Layer) -> Iterator[Step]:
    if layer.weight_grad is None:
        return
    whole = f"∂E/∂w = δ·x, norm {amount(norm(layer.weight_grad))}"
    yield from _steps(net, k, "weights", ("∂E/∂w into ", ""), whole, _gradient)


def _gradient(net: Network, k: int, layer: Layer, j: int) -> str:
    delta, before = layer.delta[j], net.layers[k - 1]
    said = [
        f"δ·{net.name(k - 1, i)} = {_factor(delta)}·{_factor(x)} = {amount(g)}"
        for i, (x, g) in enumerate(zip(before.value, layer.weight_grad[j], strict=True))
    ]
    rest = [f"{len(said) - TERMS} more"] if len(said) > TERMS else []
    bias = [] if layer.bias_grad is None else [f"of the bias δ = {amount(layer.bias_grad[j])}"]
    return ", ".join([*said[:TERMS], *rest, *bias])


def _sum(terms: list[str]) -> str:
    return " + ".join(terms if len(terms) <= TERMS else [*terms[:TERMS], f"… ({len(terms)} terms)"])


def _factor(x: Any) -> str:
    """A number in a product: a negative one in brackets."""
    return bracketed(amount(x))
