"""Products with the derivatives of recorded Tensors, for optimizers: each is one backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, OptionError

__all__ = ["gauss_newton_product", "gradient_of", "hessian_product", "jacobian_of", "require_graph"]

Array = npt.NDArray[Any]
Product = Callable[[Array], Array]


def require_graph(name: str, result: Any, what: str) -> None:
    """Refuse the result of a closure whose steps are not on the tape any more, or never were.

    Args:
        name: of the optimizer.
        result: what the closure returned.
        what: what the closure should return.
    """
    if not isinstance(result, Tensor) or result.node is None:
        came = f"a {type(result).__name__} that is not on the tape" if result is not None else "None"
        raise DTypeError(
            f"{name}: the closure returned {came}, expected {what} as a recorded Tensor, which {name} "
            "differentiates itself: write optimizer.step(lambda: loss(model(x), y))"
        )
    if result.node.played:
        raise OptionError(
            f"{name}: the closure called backward(), which frees the recorded steps; {name} takes the "
            "gradient itself: write optimizer.step(lambda: loss(model(x), y)), without backward()"
        )


def gradient_of(y: Tensor, params: Sequence[Tensor], **options: Any) -> Any:
    """The cotangents of all parameters from that of y, in one vector; 0 for a frozen parameter."""
    arrived = iter(ag.Tape().gradient(y, [p for p in params if p.requires_grad], keep=False, **options))
    parts = [next(arrived) if p.requires_grad else np.zeros(p.shape, p.dtype) for p in params]
    return np.concatenate([np.reshape(part, -1) for part in parts])


def hessian_product(gradient: Tensor, params: Sequence[Tensor]) -> Product:
    """v -> H v, from the recorded gradient of the loss: H is symmetric, so H v is its pullback at v."""
    if gradient.node is None:
        return np.zeros_like
    return lambda v: _pulled(gradient, params, v)


def gauss_newton_product(loss: Tensor, outputs: Tensor, params: Sequence[Tensor]) -> Product:
    """v -> J^T H J v, where J is the Jacobian of the outputs and H the Hessian of the loss in the outputs."""
    slope = ag.Tape().gradient(loss, outputs, create_graph=True, keep=False)
    if not np.any(slope.numpy()) and slope.node is None:
        raise OptionError(
            "the loss does not depend on these outputs; the closure returns the Tensor that the loss was "
            "computed from: z = model(x); return loss(z, y), z"
        )
    push = _pushed(outputs, params)

    def product(v: Array) -> Array:
        bent = ag.Tape().gradient(slope, outputs, gradient=push(v), keep=False)
        return _pulled(outputs, params, bent)

    return product


def jacobian_of(y: Tensor, params: Sequence[Tensor]) -> Array:
    """The Jacobian (entries of y, entries of the parameters): by rows, or by columns if they are fewer."""
    n = sum(p.size for p in params)
    if y.size <= n:
        rows = [_pulled(y, params, one.reshape(y.shape)) for one in np.eye(y.size, dtype=y.dtype)]
        return np.stack(rows)
    push = _pushed(y, params)
    return np.stack([np.ravel(push(one)) for one in np.eye(n)], axis=1)


def _pulled(y: Tensor, params: Sequence[Tensor], v: Any) -> Array:
    v = v if isinstance(v, Tensor) else np.asarray(v, y.dtype)
    return np.asarray(gradient_of(y, params, gradient=v).numpy(), float)


def _pushed(y: Tensor, params: Sequence[Tensor]) -> Callable[[Array], Array]:
    """v -> J v: the pullback is linear in the cotangent, and its own pullback is the product with J.

    The dummy cotangent is ones: rules would treat zeros as dead entries.
    """
    dummy = Tensor(np.ones(y.shape, y.dtype), requires_grad=True)
    pulled = gradient_of(y, params, gradient=dummy, create_graph=True)

    def push(v: Array) -> Array:
        cotangent = np.asarray(v, pulled.dtype)
        pushed: Array = ag.Tape().gradient(pulled, dummy, gradient=cotangent, keep=False).numpy()
        return pushed

    return push
