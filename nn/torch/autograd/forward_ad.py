"""`torch.autograd.forward_ad`: directional derivatives by dual numbers.

A dual Tensor is a leaf with a tangent. The tangent of a result is J t. The pullback v -> v J is linear in v.
So its own pullback maps t to J t, as in `ag.jvp`, and no second set of rules is needed.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import ShapeError, TapeError

from ..tensors import torched
from .gradients import grad, reached

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]

_levels: ContextVar[tuple[list[tuple[Any, Any]], ...]] = ContextVar("_levels", default=())
"""For each open level the dual Tensors and their tangents."""


class UnpackedDualTensor(NamedTuple):
    """A value and its tangent; None if the value does not depend on a dual Tensor."""

    primal: Any
    tangent: Any


class dual_level:  # noqa: N801  (named as in PyTorch)
    """The context in which dual Tensors are made; their tangents are gone at its end.

    Example:
        >>> import nn.torch as torch
        >>> import nn.torch.autograd.forward_ad as fwAD
        >>> with fwAD.dual_level():
        ...     x = fwAD.make_dual(torch.tensor(3.0), torch.tensor(1.0))
        ...     fwAD.unpack_dual(x**2).tangent.item()
        6.0
    """

    def __enter__(self) -> None:
        enter_dual_level()

    def __exit__(self, *exception: object) -> None:
        exit_dual_level()


def enter_dual_level() -> int:
    """Open a level; returns its number."""
    _levels.set((*_levels.get(), []))
    return len(_levels.get()) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """Close the innermost level."""
    _levels.set(_levels.get()[:-1])


def _level(who: str) -> list[tuple[Any, Any]]:
    levels = _levels.get()
    if not levels:
        raise TapeError(f"{who}: no level is open; write with forward_ad.dual_level(): ...")
    return levels[-1]


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """A Tensor with a tangent.

    Args:
        tensor: of floating-point numbers.
        tangent: the direction, in the shape of the Tensor.

    Raises:
        TapeError: no level is open.
        ShapeError: the shapes differ.
    """
    duals = _level("make_dual")
    if tensor.shape != tangent.shape:
        raise ShapeError(f"make_dual: the tensor has shape {tensor.shape}, the tangent {tangent.shape}")
    with ag.enable_grad():
        dual = np.copy(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
    dual = torched(dual)
    duals.append((dual, tangent))
    return dual


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """The value of a Tensor and its tangent; None for a Tensor that depends on no dual Tensor.

    Raises:
        TapeError: no level is open.
    """
    steps = reached([tensor])
    duals = [(x, t) for x, t in _level("unpack_dual") if x.node in steps]
    if not duals:
        return UnpackedDualTensor(tensor, None)
    own = {x.node for x, _ in duals}
    outside = any(not node.inputs and node not in own for node in steps) or any(x.grad_fn for x, _ in duals)
    with ag.enable_grad():
        ones = torched(np.ones_like(tensor.detach())).requires_grad_()
        pulled = grad(tensor, [x for x, _ in duals], ones, create_graph=True)
        (tangent,) = grad(pulled, ones, [t for _, t in duals], create_graph=True, materialize_grads=True)
    if outside:  # leaves besides the dual Tensors: the result can be differentiated by them
        return UnpackedDualTensor(tensor, tangent)
    return UnpackedDualTensor(tensor.detach(), tangent.detach())
