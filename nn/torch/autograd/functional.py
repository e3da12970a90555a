"""`torch.autograd.functional`: derivatives of functions of one Tensor, or of a tuple of Tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import tree
from autograd_lite.errors import OptionError, TapeError

from ..tensors import torched
from .gradients import reached

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Function = Callable[..., Any]


def _given(inputs: Any, create_graph: bool) -> tuple[tuple[Any, ...], bool]:
    """The inputs as a tuple of Tensors, off the tape unless a graph is wanted; whether they were several."""
    several = isinstance(inputs, (tuple, list))
    xs = [
        torched(x if isinstance(x, ag.Tensor) else np.asarray(x)) for x in (inputs if several else [inputs])
    ]
    return tuple([x if create_graph else x.detach() for x in xs]), several


def _kept(values: Any, create_graph: bool) -> Any:
    """Results as Tensors, off the tape unless a graph is wanted."""
    off = values if create_graph else tree.map_leaves(ag.stop_gradient, values)
    return torched(off)


def _require_dependence(who: str, f: Function, xs: tuple[Any, ...]) -> None:
    """Raise if an output does not depend on an input: the option `strict`."""
    leaves = [x.detach().requires_grad_() for x in xs]
    with ag.enable_grad():
        outputs = tree.flatten(f(*leaves))[0]
    for i, y in enumerate(outputs):
        steps = reached([y]) if isinstance(y, ag.Tensor) else set()
        for j, x in enumerate(leaves):
            if x.node not in steps:
                raise TapeError(
                    f"{who}(strict=True): output {i} does not depend on input {j}, so its derivative is 0; "
                    "leave strict=True out if this is meant"
                )


def _direction(who: str, v: Any, xs: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    """v as a tuple of Tensors in the shapes of the inputs; 1 if it was left out for a single number."""
    if v is None:
        if len(xs) != 1 or xs[0].numel() != 1:
            raise OptionError(f"{who}: v can only be left out for an input of a single number")
        return (np.ones_like(xs[0]),)
    vs, _ = _given(v, create_graph)
    if [x.shape for x in vs] != [x.shape for x in xs]:
        raise OptionError(
            f"{who}: v has the shapes {[x.shape for x in vs]}, the inputs {[x.shape for x in xs]}; "
            "they must be equal"
        )
    return vs


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func`, of shape `output.shape + input.shape`.

    Args:
        func: takes Tensors, and returns a Tensor or a tuple of Tensors.
        inputs: a Tensor, or a tuple of Tensors; then the result is a tuple for each output.
        create_graph: keep the result on the tape.
        strict: raise TapeError if an output does not depend on an input.
        vectorize: as in PyTorch; the rows are always computed as one batch.
        strategy: "reverse-mode" or "forward-mode".

    Example:
        >>> import nn.torch as torch
        >>> x = torch.tensor([1.0, 2.0])
        >>> torch.autograd.functional.jacobian(lambda x: x**2, x).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise OptionError(f'jacobian(strategy={strategy!r}): expected "reverse-mode" or "forward-mode"')
    xs, several = _given(inputs, create_graph)
    if strict:
        _require_dependence("jacobian", func, xs)
    transform = ag.jacobian if strategy == "reverse-mode" else ag.jacfwd
    return _kept(transform(func, tuple(range(len(xs))) if several else 0)(*xs), create_graph)


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of `func`, which returns a single number; for several inputs a tuple of tuples.

    The options are those of `jacobian`.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.tensor([1.0, 2.0])
        >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), x).tolist()
        [[6.0, 0.0], [0.0, 12.0]]
    """
    xs, several = _given(inputs, create_graph)
    if strict:
        _require_dependence("hessian", func, xs)
    return _kept(ag.hessian(func, tuple(range(len(xs))) if several else 0)(*xs), create_graph)


def vjp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The output of `func`, and the product of `v` with the Jacobian.

    Args:
        func, inputs, create_graph, strict: as in `jacobian`.
        v: the cotangent, in the structure and the shapes of the output; 1 for a single number.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.tensor([1.0, 2.0])
        >>> torch.autograd.functional.vjp(lambda x: x**2, x, torch.ones(2))[1].tolist()
        [2.0, 4.0]
    """
    xs, several = _given(inputs, create_graph)
    if strict:
        _require_dependence("vjp", func, xs)
    out, pullback = ag.vjp(func, *xs)
    if v is None and not (isinstance(out, ag.Tensor) and out.numel() == 1):
        raise OptionError("vjp: v can only be left out for a func that returns a single number")
    pulled = pullback(np.ones_like(out) if v is None else tree.map_leaves(torched, v))
    return _kept(out, create_graph), _kept(pulled if several else pulled[0], create_graph)


def jvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The output of `func`, and the product of the Jacobian with `v`, which has the shapes of the inputs.

    The options are those of `vjp`.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.tensor([1.0, 2.0])
        >>> torch.autograd.functional.jvp(lambda x: x**2, x, torch.ones(2))[1].tolist()
        [2.0, 4.0]
    """
    xs, _ = _given(inputs, create_graph)
    if strict:
        _require_dependence("jvp", func, xs)
    vs = _direction("jvp", v, xs, create_graph)
    out, tangent = ag.jvp(func, xs, vs)
    return _kept(out, create_graph), _kept(tangent, create_graph)


def hvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The output of `func`, a single number, and the product of its Hessian with `v`.

    The options are those of `vjp`; `v` has the shapes of the inputs.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.tensor([1.0, 2.0])
        >>> torch.autograd.functional.hvp(lambda x: (x**3).sum(), x, torch.ones(2))[1].tolist()
        [6.0, 12.0]
    """
    xs, several = _given(inputs, create_graph)
    if strict:
        _require_dependence("hvp", func, xs)
    vs = _direction("hvp", v, xs, create_graph)
    product = ag.hvp(func, xs, vs)
    product = product if isinstance(product, tuple) else (product,)
    out = func(*xs)
    return _kept(out, create_graph), _kept(product if several else product[0], create_graph)


vhp = hvp  # a Hessian is symmetric
