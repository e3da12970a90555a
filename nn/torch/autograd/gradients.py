"""`torch.autograd.grad` and `backward`: gradients of several outputs by several inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import Node
from autograd_lite.errors import OptionError, TapeError

from ..tensors import Tensor, guard, torched

__all__ = ["backward", "grad", "reached"]


def _several(values: Any) -> list[Any]:
    return [values] if values is None or isinstance(values, ag.Tensor) else list(values)


def reached(outputs: Sequence[Any]) -> set[Node]:
    """The steps and leaves from which outputs were computed."""
    nodes = [y.node for y in outputs if y.node is not None]
    seen = set(nodes)
    for node in nodes:  # grows while it is being read
        for parent in node.inputs:
            if isinstance(parent, Node) and parent not in seen:
                seen.add(parent)
                nodes.append(parent)
    return seen


def _target(outputs: list[Any], cotangents: list[Any]) -> tuple[Any, Any]:
    """One Tensor and its cotangent, which have the gradients of all outputs together."""
    if len(outputs) != len(cotangents):
        raise OptionError(
            f"got {len(outputs)} outputs and {len(cotangents)} gradients for them; give one for each, or None"
        )
    for i, y in enumerate(outputs):
        if not isinstance(y, ag.Tensor) or not y.requires_grad:
            raise TapeError(
                f"output {i} does not require a gradient and has no grad_fn: no input of it requires a "
                "gradient; make one with requires_grad=True, and compute outside of no_grad()"
            )
        if cotangents[i] is None and np.size(ag.stop_gradient(y)) != 1:
            raise TapeError(
                f"output {i} has shape {tuple(y.shape)}: a gradient can be implicitly created only for one "
                "number; give grad_outputs=torch.ones_like(output), or reduce it: output.sum()"
            )
    if len(outputs) == 1:
        return outputs[0], cotangents[0]
    with ag.enable_grad():
        terms = [y if g is None else np.sum(y * g) for y, g in zip(outputs, cotangents, strict=True)]
        return sum(terms[1:], start=terms[0]), None


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the sum of outputs with respect to inputs; no `.grad` changes.

    Args:
        outputs: a Tensor, or several.
        inputs: a Tensor on the tape, or several: leaves or results.
        grad_outputs: the cotangent of each output, in its shape; None for the 1 of a single number.
        retain_graph: keep the tape for another pass. Default: `create_graph`.
        create_graph: record the pass, so that the gradients can be differentiated.
        only_inputs: as in PyTorch; not used.
        allow_unused: give None for an input that no output depends on, in place of an error.
        is_grads_batched: the first axis of each cotangent counts cotangents, and the gradients get this axis.
        materialize_grads: give zeros in place of None.

    Returns:
        A tuple with one gradient for each input.

    Raises:
        TapeError: an output or an input is not on the tape, or an input is unused and `allow_unused` is not
            set.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> (g,) = torch.autograd.grad(x**3, x, create_graph=True)
        >>> torch.autograd.grad(g, x)[0].item()
        18.0
    """
    if materialize_grads and allow_unused is False:
        raise OptionError("autograd.grad: expected allow_unused to be True or not given if materialize_grads")
    results, sources = _several(outputs), _several(inputs)
    cotangents = [None] * len(results) if grad_outputs is None else _several(grad_outputs)
    options: dict[str, Any] = {"allow_unused": allow_unused, "materialize_grads": materialize_grads}
    if is_grads_batched:
        count = len(next(g for g in cotangents if g is not None))
        each = [[None if g is None else g[i] for g in cotangents] for i in range(count)]
        rows = [grad(results, sources, row, True, create_graph, **options) for row in each]
        return tuple([None if one[0] is None else np.stack(one) for one in zip(*rows, strict=True)])
    target, cotangent = _target(results, cotangents)
    steps = _steps_to(target, sources, bool(allow_unused or materialize_grads))
    used = [x for x in sources if x.node in steps]
    # The pass goes on below an input that is a result itself: its steps must stay.
    retain = retain_graph or create_graph or not all(x.is_leaf for x in used)
    kept = {"keep": False, "retain_graph": bool(retain)}
    found = iter(ag.Tape().gradient(target, used, cotangent, create_graph, **kept) if used else ())
    grads = [next(found) if x.node in steps else _unused(x, materialize_grads) for x in sources]
    return tuple(map(_guarded, grads))


def _steps_to(target: Any, sources: list[Any], unused: bool) -> set[Node]:
    """The steps that lead to the target; raises for a source that is off the tape, or unused."""
    for i, x in enumerate(sources):
        if not isinstance(x, ag.Tensor) or not x.requires_grad:
            raise TapeError(
                f"autograd.grad: input {i} does not require a gradient; make it with requires_grad=True, "
                "before the outputs are computed from it"
            )
    steps = reached([target])
    missing = [i for i, x in enumerate(sources) if x.node not in steps]
    if missing and not unused:
        raise TapeError(
            f"autograd.grad: input {missing[0]}, one of the differentiated Tensors, appears not to have been "
            "used in the graph; set allow_unused=True if this is meant, and its gradient is None"
        )
    return steps


def _guarded(gradient: Any) -> Any:
    """A gradient as PyTorch's Tensor; in-place methods do not change other gradients that share its array."""
    gradient = torched(gradient)
    if isinstance(gradient, Tensor) and gradient.node is None:
        guard(gradient)
    return gradient


def _unused(x: Any, materialize: bool) -> Any:
    return np.zeros_like(x.detach()) if materialize else None


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of the sum of Tensors to `.grad` of the leaves.

    Args:
        tensors: a Tensor, or several.
        grad_tensors: the cotangent of each, in its shape; None for the 1 of a single number.
        retain_graph: keep the tape for another pass. Default: `create_graph`.
        create_graph: record the pass, so that the gradients can be differentiated.
        grad_variables: the former name of `grad_tensors`.
        inputs: the leaves whose `.grad` changes. Default: all.

    Raises:
        TapeError: a Tensor is not on the tape.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> torch.autograd.backward([x.sum(), x * x], [None, torch.ones(2)])
        >>> x.grad.tolist()
        [3.0, 5.0]
    """
    results = _several(tensors)
    given = grad_tensors if grad_tensors is not None else grad_variables
    cotangents = [None] * len(results) if given is None else _several(given)
    if inputs is None:
        target, cotangent = _target(results, cotangents)
        target.backward(cotangent, retain_graph, create_graph)
        return
    leaves = _several(inputs)
    for x, g in zip(
        leaves, grad(results, leaves, cotangents, retain_graph, create_graph, allow_unused=True), strict=True
    ):
        if g is not None:
            x.grad = g if x.grad is None else x.grad + g
