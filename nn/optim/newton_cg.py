"""Newton's method with products of the Hessian, in a trust region."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, OptionError

from ..options import check_whole
from .at_once import AtOnce, check_positive, gain, number_in
from .optimizer import Array, Closure, Group, Params
from .products import Product, gauss_newton_product, gradient_of, hessian_product, require_graph
from .states import State

__all__ = ["NewtonCG"]

MATRICES = ("hessian", "gauss_newton")


class NewtonCG(AtOnce):
    """x <- x + d, where d minimizes the model g.d + d.H d / 2 for |d| <= radius: truncated Newton.

    The conjugate gradient method solves for d with products H v, and never sees the matrix H. It stops early
    far from the minimum, and at the edge of the trust region where the curvature is negative. The radius
    grows where the model predicts the loss well, and shrinks where it does not. A step is taken only if the
    loss falls by 0.15 of what the model promises.

    For losses without noise, e.g. of the whole data set. The closure computes the loss and returns it; it
    does not call backward, for the optimizer differentiates the loss twice.

    Args:
        params: the parameters, all in one group.
        matrix: "hessian", or "gauss_newton" for J^T H J, which has no negative eigenvalues for the usual
            losses of networks. Then the closure returns the pair (loss, outputs).
        max_iter: the largest number of iterations in one `step`.
        max_products: the largest number of products for one d.
        radius: of the trust region at first.
        tolerance_grad: stop if no entry of the gradient is larger than this.

    Raises:
        OptionError: there is more than one group, an unknown matrix, a `step` without a closure, or a closure
            that calls backward.
        DTypeError: the closure returned something else.

    Source:
        T. Steihaug, "The conjugate gradient method and trust regions in large scale optimization", 1983;
        J. Martens, "Deep learning via Hessian-free optimization", 2010.

    Example:
        >>> import numpy as np, autograd_lite as ag, nn
        >>> x = ag.Tensor([-1.0, 2.0], requires_grad=True)
        >>> optimizer = nn.optim.NewtonCG([x], max_iter=60)
        >>> first = optimizer.step(lambda: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2)
        >>> np.allclose(x.numpy(), 1.0)
        True
    """

    needs_tape = True
    __plan_eager__ = "the trust region of NewtonCG reads the loss"

    def __init__(
        self,
        params: Params,
        matrix: str = "hessian",
        max_iter: int = 1,
        max_products: int = 50,
        radius: float = 1.0,
        tolerance_grad: float = 1e-7,
    ) -> None:
        options = {"matrix": matrix, "max_iter": max_iter, "max_products": max_products, "radius": radius}
        super().__init__(params, {**options, "tolerance_grad": tolerance_grad})

    def check(self, group: Group) -> None:
        """Refuse options with invalid values."""
        super().check(group)
        if group["matrix"] not in MATRICES:
            raise OptionError(f'NewtonCG(matrix={group["matrix"]!r}): expected "hessian" or "gauss_newton"')
        check_positive("NewtonCG", "radius", group["radius"], 1.0)
        check_whole("NewtonCG", "max_products", group["max_products"], example=50)

    def rehearse(self, i: int, p: Tensor, state: State, group: Group) -> None:
        """Refuse a state without a radius."""
        number_in(state, "NewtonCG", "radius")

    def _iterate(self, closure: Closure) -> Any:
        group = self.param_groups[0]
        state = self._state(n_iter=0, radius=float(group["radius"]))
        first = result = closure()
        loss, outputs = self._read(result, group)
        g, product = self._model(loss, outputs)
        for _ in range(group["max_iter"]):
            if not np.max(np.abs(g), initial=0) > group["tolerance_grad"]:
                break
            d, promised, at_edge = steihaug(product, g, state["radius"], group["max_products"])
            before, x = [p.numpy() for p in self._params()], self._values().astype(float)
            self._move(x + d)
            new, new_outputs = self._read(closure(), group)
            share, length = gain(loss.item(), new.item(), promised, loss.dtype), float(np.linalg.norm(d))
            state["n_iter"] += 1
            if share < 0.25:
                state["radius"] = length / 4
            elif share > 0.75 and at_edge:
                state["radius"] *= 2
            if share > 0.15:
                loss = new
                g, product = self._model(new, new_outputs)
                continue
            for p, value in zip(self._params(), before, strict=True):
                p.data = value
            if length <= np.finfo(loss.dtype).eps * float(np.linalg.norm(x)):
                break
        return first

    def _read(self, result: Any, group: Group) -> tuple[Tensor, Tensor | None]:
        """The loss and the outputs from the result of the closure."""
        outputs = None
        if group["matrix"] == "gauss_newton":
            if not isinstance(result, tuple) or len(result) != 2:
                raise DTypeError(
                    f'NewtonCG(matrix="gauss_newton"): the closure returned a {type(result).__name__}, '
                    "expected the pair (loss, outputs): z = model(x); return loss(z, y), z"
                )
            result, outputs = result
            require_graph("NewtonCG", outputs, "the outputs beside the loss")
        require_graph("NewtonCG", result, "the loss")
        if result.size != 1:
            raise DTypeError(
                f"NewtonCG: the closure returned a Tensor of shape {result.shape}, expected the loss, a "
                "single number; reduce it with .mean()"
            )
        return result, outputs

    def _model(self, loss: Tensor, outputs: Tensor | None) -> tuple[Array, Product]:
        """The gradient, and the product with the matrix."""
        params = self._params()
        recorded = gradient_of(loss, params, create_graph=outputs is None)
        g = np.asarray(recorded.numpy(), float)
        if outputs is None:
            return g, hessian_product(recorded, params)
        return g, gauss_newton_product(loss, outputs, params)


def steihaug(product: Product, g: Array, radius: float, most: int) -> tuple[Array, float, bool]:
    """Minimize g.d + d.H d / 2 for |d| <= radius, by conjugate gradients.

    The iteration ends at the edge of the region if it leaves the region, or if the curvature along a
    direction is not positive. It also ends if the residual is small: |g + H d| <= min(1/2, sqrt|g|) |g|.

    Args:
        product: v -> H v.
        g: the gradient, not zero.
        radius: of the region.
        most: the largest number of products.

    Returns:
        d, by how much the model decreases, and whether d is at the edge.

    Example:
        >>> steihaug(lambda v: 2 * v, np.array([-2.0, -4.0]), radius=5.0, most=9)
        (array([1., 2.]), 5.0, False)
    """
    d, bent, r = np.zeros_like(g), np.zeros_like(g), g
    direction, at_edge = -r, False
    enough = min(0.5, math.sqrt(np.linalg.norm(g))) * np.linalg.norm(g)
    for _ in range(most):
        moved = product(direction)
        bend = direction @ moved
        t = (r @ r) / bend if bend > 0 else math.inf
        at_edge = not np.linalg.norm(d + t * direction) < radius if t < math.inf else True
        if at_edge:
            t = _to_edge(d, direction, radius)
        d, bent = d + t * direction, bent + t * moved
        before, r = r @ r, r + t * moved
        if at_edge or np.linalg.norm(r) <= enough:
            break
        direction = -r + (r @ r) / before * direction
    return d, float(-(g @ d + d @ bent / 2)), at_edge


def _to_edge(d: Array, direction: Array, radius: float) -> float:
    """The t > 0 with |d + t direction| = radius."""
    a, b, c = direction @ direction, d @ direction, d @ d - radius**2
    root = math.sqrt(max(b * b - a * c, 0.0))
    return float((root - b) / a if b <= 0 else -c / (b + root))
