"""`torch.func`: transformations of functions, with PyTorch's signatures.

They are those of `autograd_lite`, and go together in any order. A function gets and returns Tensors.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite import tree
from autograd_lite.arrays import is_array
from autograd_lite.errors import DataError, OptionError, ShapeError
from nn.module import functional_call as _functional_call

from .tensors import torched

__all__ = [
    "debug_unwrap",
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]


def _on_tensors(f: Function) -> Function:
    """f on PyTorch's Tensors, also where a transformation gives it plain ones."""

    @functools.wraps(f)
    def called(*args: Any, **kwargs: Any) -> Any:
        return f(*torched(args), **kwargs)

    return called


def _returning(f: Function) -> Function:
    """f with PyTorch's Tensors as its arguments and its results."""

    @functools.wraps(f)
    def called(*args: Any, **kwargs: Any) -> Any:
        return torched(f(*torched(args), **kwargs))

    return called


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of `func`, which returns a single number.

    Args:
        func: takes Tensors, or nested containers of them.
        argnums: the index of the argument to differentiate by, or a tuple of them.
        has_aux: func returns (number, aux), and the result is (gradient, aux).

    Example:
        >>> import nn.torch as torch
        >>> torch.func.grad(lambda x: x.sin())(torch.tensor(0.0)).item()
        1.0
    """
    return _returning(ag.grad(_on_tensors(func), argnums, has_aux))


def grad_and_value(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that returns (gradient, value); with `has_aux`, (gradient, (value, aux)).

    Example:
        >>> import nn.torch as torch
        >>> [x.item() for x in torch.func.grad_and_value(lambda x: x**2)(torch.tensor(3.0))]
        [6.0, 9.0]
    """
    both = ag.value_and_grad(_on_tensors(func), argnums, has_aux)

    @functools.wraps(func)
    def swapped(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*torched(args), **kwargs)
        return torched((gradient, value))

    return swapped


def _with_aux(func: Function, has_aux: bool) -> tuple[Function, list[Any]]:
    """func without its second result, which goes to a list instead."""
    kept: list[Any] = []
    if not has_aux:
        return _on_tensors(func), kept

    def first(*args: Any, **kwargs: Any) -> Any:
        out, aux = func(*torched(args), **kwargs)
        kept[:] = [tree.map_leaves(ag.stop_gradient, aux)]
        return out

    return functools.wraps(func)(first), kept


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The output of `func`, and a function that maps its cotangent to those of the primals.

    Returns:
        (output, pullback), or (output, pullback, aux). The pullback returns a tuple for several primals.

    Example:
        >>> import nn.torch as torch
        >>> out, pullback = torch.func.vjp(lambda x: x**2, torch.tensor([1.0, 2.0]))
        >>> pullback(torch.ones(2))[0].tolist()
        [2.0, 4.0]
    """
    f, aux = _with_aux(func, has_aux)
    out, pullback = ag.vjp(f, *torched(primals))

    def pulled(*cotangents: Any, **_: Any) -> Any:
        return torched(pullback(torched(cotangents[0] if len(cotangents) == 1 else cotangents)))

    return (torched(out), pulled, *torched(aux))


def jvp(
    func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """The output of `func` and its derivative along tangents: (output, tangent), or (output, tangent, aux).

    Args:
        func: takes Tensors.
        primals, tangents: tuples of the same structure.
        strict: as in PyTorch; not used.
        has_aux: func returns (output, aux).

    Example:
        >>> import nn.torch as torch
        >>> torch.func.jvp(lambda x: x**2, (torch.tensor(3.0),), (torch.tensor(1.0),))[1].item()
        6.0
    """
    f, aux = _with_aux(func, has_aux)
    return (*torched(ag.jvp(f, torched(tuple(primals)), torched(tuple(tangents)))), *torched(aux))


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """The output of `func`, and a function that maps tangents to the tangent of the output.

    Example:
        >>> import nn.torch as torch
        >>> out, push = torch.func.linearize(lambda x: x**2, torch.tensor(3.0))
        >>> push(torch.tensor(2.0)).item()
        12.0
    """
    f = _on_tensors(func)

    def push(*tangents: Any) -> Any:
        return torched(ag.jvp(f, torched(primals), torched(tangents))[1])

    return torched(f(*primals)), push


def jacrev(
    func: Function,
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Function:
    """A function that returns the Jacobian of `func`, row by row in reverse mode, as one batch.

    Args:
        func: takes Tensors, and returns Tensors in any structure.
        argnums: the index of the argument to differentiate by, or a tuple of them.
        has_aux: func returns (output, aux), and the result is (Jacobian, aux).
        chunk_size: as in PyTorch; not used.

    Example:
        >>> import nn.torch as torch
        >>> torch.func.jacrev(lambda x: x**2)(torch.tensor([1.0, 2.0])).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    return _jacobian(ag.jacobian, func, argnums, has_aux)


def jacfwd(
    func: Function, argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Function:
    """A function that returns the Jacobian of `func`, column by column in forward mode, as one batch.

    The options are those of `jacrev`.

    Example:
        >>> import nn.torch as torch
        >>> torch.func.jacfwd(lambda x: x**2)(torch.tensor([1.0, 2.0])).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    return _jacobian(ag.jacfwd, func, argnums, has_aux)


def _jacobian(transform: Function, func: Function, argnums: Argnums, has_aux: bool) -> Function:
    @functools.wraps(func)
    def partials(*args: Any, **kwargs: Any) -> Any:
        f, aux = _with_aux(func, has_aux)
        result = torched(transform(f, argnums)(*torched(args), **kwargs))
        return (result, *torched(aux)) if has_aux else result

    return partials


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the second derivatives of `func`: `jacfwd(jacrev(func))`.

    Example:
        >>> import nn.torch as torch
        >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0])).tolist()
        [[6.0, 0.0], [0.0, 12.0]]
    """
    return jacfwd(jacrev(func, argnums), argnums)


# -- batches ---------------------------------------------------------------------------------------


def vmap(
    func: Function,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Function:
    """A function that does to each member of a batch what `func` does to one, all at once.

    Args:
        func: takes Tensors of one member.
        in_dims: the axis of each argument that counts members, None for what all share; an int, or nested as
            the arguments are.
        out_dims: where this axis goes in the results.
        randomness: "error", "different" for each member, or the "same" for all.
        chunk_size: how many members are computed at once, to save memory. Default: all.

    Raises:
        OptionError: the chunk size is not positive.

    Example:
        >>> import nn.torch as torch
        >>> rows = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> torch.func.vmap(lambda row: row.sum())(rows).tolist()
        [3.0, 7.0]
    """
    mapped = functools.partial(_mapped, func, in_dims, out_dims, randomness)
    if chunk_size is None:
        return functools.wraps(func)(mapped)
    if chunk_size < 1:
        raise OptionError(f"vmap(chunk_size={chunk_size}): expected a positive int")

    @functools.wraps(func)
    def in_chunks(*args: Any, **kwargs: Any) -> Any:
        axes = _axes(in_dims, args)
        leaves, rebuild = tree.flatten(args)
        size = next(x.shape[axis] for x, axis in zip(leaves, axes, strict=True) if axis is not None)
        parts = []
        for start in range(0, size, chunk_size):
            chosen = [
                x
                if axis is None
                else np.moveaxis(np.moveaxis(x, axis, 0)[start : start + chunk_size], 0, axis)
                for x, axis in zip(leaves, axes, strict=True)
            ]
            parts.append(mapped(*rebuild(chosen), **kwargs))
        results, structure = tree.flatten(parts[0])
        dims = _axes(out_dims, parts[0])
        columns = zip(*(tree.flatten(part)[0] for part in parts), strict=True)
        joined = [np.concatenate(c, axis=d) for c, d in zip(columns, dims, strict=True)]
        return structure(joined) if results else parts[0]

    return in_chunks


def _mapped(func: Function, in_dims: Any, out_dims: Any, randomness: str, *args: Any, **kwargs: Any) -> Any:
    # A None is a container without leaves: its entry in `in_dims` names no axis.
    axes = in_dims
    if isinstance(in_dims, (tuple, list)):
        axes = tuple([_without(axis, x) for axis, x in zip(in_dims, args, strict=True)])
    run = ag.vmap(_returning(func), axes, out_dims, randomness)
    return torched(run(*torched(args), **kwargs))


def _without(axis: Any, x: Any) -> Any:
    return None if x is None else axis


def _axes(dims: Any, value: Any) -> list[Any]:
    """The axis of each leaf of a nested value."""
    if isinstance(dims, dict):
        return [axis for key in tree.ordered_keys(value) for axis in _axes(dims[key], value[key])]
    if isinstance(dims, (tuple, list)):
        return [axis for own, item in zip(dims, value, strict=True) for axis in _axes(own, item)]
    return [dims if is_array(x) or isinstance(x, ag.Tensor) else None for x in tree.flatten(value)[0]]


# -- modules ---------------------------------------------------------------------------------------


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other values in place of some of its parameters and buffers.

    Args:
        module: the module.
        parameter_and_buffer_dicts: the values by name, or a sequence of such dicts.
        args: the tuple of arguments, or one argument.
        kwargs: the keyword arguments.
        tie_weights: as in PyTorch; a shared parameter is always replaced wherever it is used.
        strict: raise DataError unless all parameters and buffers are given.

    Raises:
        DataError: the module has no entry of a name.

    Example:
        >>> import nn, nn.torch as torch
        >>> model = nn.Linear(2, 1, bias=False)
        >>> weights = {"weight": torch.ones(1, 2)}
        >>> torch.func.functional_call(model, weights, torch.tensor([3.0, 4.0])).tolist()
        [7.0]
    """
    given = parameter_and_buffer_dicts
    values = {
        k: v for part in (given if isinstance(given, (tuple, list)) else [given]) for k, v in part.items()
    }
    if strict:
        own = [name for name, _ in (*module.named_parameters(), *module.named_buffers())]
        if missing := [name for name in own if name not in values]:
            raise DataError(f"functional_call(strict=True): {', '.join(missing)} of the module are not given")
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    return torched(_functional_call(module, values, arguments, kwargs))


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several models of one kind, each stacked along a new first axis.

    Args:
        models: modules of the same class, all in the same mode.

    Returns:
        Two dicts by name. The parameters are leaves that require a gradient.

    Raises:
        DataError: there are no models, or they differ in class or mode.

    Example:
        >>> import nn, nn.torch as torch
        >>> parameters, buffers = torch.func.stack_module_state([nn.Linear(3, 2) for _ in range(4)])
        >>> tuple(parameters["weight"].shape)
        (4, 2, 3)
    """
    if not models:
        raise DataError("stack_module_state: expected at least one model, got 0")
    if len({type(m) for m in models}) > 1 or len({m.training for m in models}) > 1:
        raise DataError(
            "stack_module_state: expected models of the same class, all in train or all in eval mode"
        )

    def stacked(pairs: list[dict[str, Any]]) -> dict[str, Any]:
        shapes = {name: {np.shape(p[name]) for p in pairs} for name in pairs[0]}
        if any(len(s) > 1 for s in shapes.values()):
            raise ShapeError(f"stack_module_state: the models have weights of several shapes: {shapes}")
        return {name: np.stack([ag.stop_gradient(p[name]) for p in pairs]) for name in pairs[0]}

    parameters = torched(stacked([dict(m.named_parameters()) for m in models]))
    learnt = dict(models[0].named_parameters())
    for name, x in parameters.items():
        if learnt[name].requires_grad:
            x.requires_grad_()
    return parameters, torched(stacked([dict(m.named_buffers()) for m in models]))


def functionalize(func: Function, *, remove: str = "mutations") -> Function:
    """`func` itself: assignments are recorded as steps that give new values, so nothing is left to remove."""
    return func


def debug_unwrap(tensor: Any, *, recurse: bool = True) -> Any:
    """The Tensor off the tape."""
    return copy.copy(ag.stop_gradient(tensor))
