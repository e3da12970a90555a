"""Backpropagation through layers of neurons in words and numbers, neuron by neuron."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..computation import Step
from ..words.values import amount, bracketed, norm
from .network import FOLDED, Layer, Network

__all__ = ["walk"]

TERMS = 4
"""The most terms of a sum that are written out."""


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


def _groups(layer: Layer) -> list[list[int]]:
    """The groups of neurons that share a step: each neuron alone, but a folded layer as a whole."""
    neurons = range(len(layer))
    return [[j] for j in neurons] if len(layer) <= FOLDED else [list(neurons)]


def _all(net: Network, k: int, neurons: list[int]) -> str:
    first, last = net.name(k, neurons[0]), net.name(k, neurons[-1])
    return first if len(neurons) == 1 else f"{first} … {last}"


def _parts(what: str, k: int, neurons: list[int]) -> tuple[tuple[str, int, int], ...]:
    return tuple((what, k, j) for j in neurons)


def _values(net: Network, k: int, layer: Layer) -> Iterator[Step]:
    if k == 0:
        said = [f"{net.name(0, j)} = {amount(x)}" for j, x in enumerate(layer.value[:FOLDED])]
        more = [f"{len(layer):,} in all"] if len(layer) > FOLDED else []
        yield Step("forward", "given", ", ".join(said + more), parts=_parts("value", 0, [*range(len(layer))]))
        return
    for neurons in _groups(layer):
        name, made = _all(net, k, neurons), f"{layer.activation}(z)" if layer.activation else "z"
        if len(neurons) > 1:
            rule = f"z = W x + b; norm of the values {amount(norm(layer.value))}"
        else:
            rule = _value(net, k, layer, neurons[0])
        yield Step("forward", f"{name} = {made}", rule, parts=_parts("value", k, neurons))


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
    for neurons in _groups(layer):
        name = _all(net, k, neurons)
        if len(neurons) > 1:
            rule = f"∂E/∂z of {len(neurons)} neurons, norm {amount(norm(layer.delta))}"
        else:
            rule = _delta(net, k, layer, neurons[0])
        yield Step("backward", f"δ of {name}", rule, parts=_parts("delta", k, neurons))


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
    for neurons in _groups(layer):
        name = _all(net, k, neurons)
        if len(neurons) > 1:
            rule = f"∂E/∂w = δ·x, norm {amount(norm(layer.weight_grad))}"
        else:
            rule = _gradient(net, k, layer, neurons[0])
        yield Step("backward", f"∂E/∂w into {name}", rule, parts=_parts("weights", k, neurons))


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
